//! Pixel shaders: what the rasterizer gives them, and what becomes of what they write.

use pvgpu_dxbc::{BindingLayout, CompileOptions};
use pvgpu_dxbc_tests::fixture;
use pvgpu_dxbc_tests::gpu::{Attribute, Blend, Contents, Draw, Format, Gpu, Stage, Target, vk};

use crate::raster::{FOUR_SAMPLES, Triangle, center, full, near, pixels, weighted};
use crate::support::{link, stages};

/// A draw of one triangle over the whole of a target of 8 by 8 pixels.
fn draw(stages: Vec<Stage<'_>>) -> Draw<'_> {
    Draw { stages, attributes: vec![Attribute::floats(0, &full(0.5))], extent: [8, 8], ..Draw::default() }
}

#[test]
fn position() {
    let gpu = Gpu::open();
    let linked = link(&gpu, &["vs_position", "ps_position"]);
    let positions = [[-1.0, 1.0, 0.25, 1.0], [6.0, 2.0, 1.5, 2.0], [-4.0, -12.0, 1.0, 4.0]];
    let triangle = Triangle { positions, size: 8.0 };
    let mut draw = Draw { attributes: vec![triangle.attribute()], ..draw(stages(&linked)) };
    let drawn = gpu.draw(&mut draw);
    let parts = positions.map(|[_, _, z, w]| [z / w, w, 0.0, 0.0]);
    for pixel in pixels(8) {
        let place = center(pixel);
        assert!(triangle.covers(place));
        let found = drawn.targets[0].floats(0, pixel, 0);
        assert_eq!(found[..2], place.map(|n| n as f32));
        near(found[2], weighted(&parts, 0, triangle.linear(place)), "z");
        // The w of the vertices, with perspective: the reciprocal of the interpolated reciprocal.
        near(found[3], weighted(&parts, 1, triangle.perspective(place)), "w");
    }
}

#[test]
fn faces_and_primitives() {
    let gpu = Gpu::open();
    let linked = link(&gpu, &["vs_position", "ps_facing"]);
    // Four triangles around pixels of their own, the odd ones counter-clockwise.
    let corner = |n: u32| {
        let x = n as f32 / 2.0 - 1.0;
        let [a, b, c] = [[x, 1.0, 0.0, 1.0], [x + 1.0, 1.0, 0.0, 1.0], [x, -3.0, 0.0, 1.0]];
        if n.is_multiple_of(2) { [a, b, c] } else { [a, c, b] }
    };
    let positions: Vec<[f32; 4]> = (0..4).flat_map(corner).collect();
    let mut list = Draw {
        attributes: vec![Attribute::floats(0, &positions)],
        extent: [8, 1],
        targets: vec![Target::integers()],
        count: 12,
        ..draw(stages(&linked))
    };
    let drawn = gpu.draw(&mut list);
    for n in 0..4 {
        // Later triangles cover the right of earlier ones.
        let found = drawn.targets[0].texel(0, 0, [2 * n, 0, 0], 0);
        assert_eq!(found, [1 + n % 2, n + 1, 0, 0], "triangle {n}");
    }
    // The front is what is culled where the back is kept.
    for (cull, kept) in [(vk::CullModeFlags::BACK, 1), (vk::CullModeFlags::FRONT, 2)] {
        let drawn = gpu.draw(&mut Draw { cull, ..list.clone() });
        let faces: Vec<u32> = (0..8).map(|x| drawn.targets[0].texel(0, 0, [x, 0, 0], 0)[0]).collect();
        assert!(faces.contains(&kept) && faces.iter().all(|face| *face == kept || *face == 0), "{faces:?}");
    }
    // A strip: the second triangle turns the other way round but faces the same; each instance counts from zero.
    let strip = [[-1.0, 1.0, 0.0, 1.0], [1.0, 1.0, 0.0, 1.0], [-1.0, -1.0, 0.0, 1.0], [1.0, -1.0, 0.0, 1.0]];
    let mut strip = Draw {
        attributes: vec![Attribute::floats(0, &strip)],
        topology: vk::PrimitiveTopology::TRIANGLE_STRIP,
        targets: vec![Target::integers()],
        count: 4,
        instances: 3,
        ..draw(stages(&linked))
    };
    let drawn = gpu.draw(&mut strip);
    assert_eq!(drawn.targets[0].texel(0, 0, [1, 1, 0], 0), [1, 1, 0, 0]);
    assert_eq!(drawn.targets[0].texel(0, 0, [6, 6, 0], 0), [1, 2, 0, 0]);
}

#[test]
fn inputs_that_nothing_writes_are_zero() {
    let gpu = Gpu::open();
    let linked = link(&gpu, &["vs_position", "ps_missing"]);
    let drawn =
        gpu.draw(&mut Draw { targets: vec![Target::floats(), Target::integers()], ..draw(stages(&linked)) });
    for pixel in pixels(8) {
        assert_eq!(drawn.targets[0].floats(0, pixel, 0), [1.0; 4]);
        assert_eq!(drawn.targets[1].texel(0, 0, [pixel[0], pixel[1], 0], 0), [2; 4]);
    }
}

#[test]
fn targets_of_every_type() {
    let gpu = Gpu::open();
    let linked = link(&gpu, &["vs_position", "ps_targets"]);
    let signed = Target { format: Format::R32G32B32A32Sint, clear: [0; 4] };
    // D3D11 leaves a target without an output alone or undefined: here it must not disturb the others.
    let targets = vec![Target::floats(), Target::integers(), Target::floats(), signed];
    let drawn = gpu.draw(&mut Draw { targets, ..draw(stages(&linked)) });
    for [x, y] in pixels(8) {
        let place = [x, y, 0];
        assert_eq!(drawn.targets[0].floats(0, [x, y], 0), [x as f32 + 0.5, y as f32 + 0.5, 0.5, 1.0]);
        assert_eq!(drawn.targets[1].texel(0, 0, place, 0), [x, y, 0, 1]);
        let negative = [x, y, 0, 1].map(|n| n.wrapping_neg());
        assert_eq!(drawn.targets[3].texel(0, 0, place, 0), negative);
    }
}

#[test]
fn dual_source_blending() {
    let gpu = Gpu::open();
    let vertex = link(&gpu, &["vs_varyings"]);
    let fixture = fixture::named("ps_dual");
    let layout = BindingLayout::default();
    let mut options = CompileOptions::new(&layout, gpu.capabilities());
    options.dual_source_blend = true;
    let pixel = pvgpu_dxbc::compile(&fixture.shader.tokens, &fixture.shader.signatures, &options).unwrap();
    let (source, factor, target) =
        ([4.0, 8.0, 16.0, 32.0], [0.25, 0.5, 0.75, 1.0], [100.0, 200.0, 300.0, 400.0f32]);
    let attributes = vec![
        Attribute::floats(0, &full(0.5)),
        Attribute::floats(1, &[source; 3]),
        Attribute::floats(2, &[factor; 3]),
        Attribute::floats(3, &[[0.0; 4]; 3]),
    ];
    let mut draw = Draw {
        attributes,
        targets: vec![Target { clear: target.map(f32::to_bits), ..Target::floats() }],
        blend: Blend::DualSource,
        ..draw(vec![Stage::new(&vertex[0]), Stage::new(&pixel)])
    };
    let drawn = gpu.draw(&mut draw);
    for pixel in pixels(8) {
        let found = drawn.targets[0].floats(0, pixel, 0);
        for n in 0..4 {
            let expected = source[n] * factor[n] + target[n] * (1.0 - factor[n]);
            near(found[n], f64::from(expected), "blended");
        }
    }
}

#[test]
fn derivatives_after_discard() {
    let gpu = Gpu::open();
    let linked = link(&gpu, &["vs_position", "ps_discard"]);
    let marks = Stage::with(&linked[1], vec![Contents::Buffer(vec![0; 65])]);
    let mut draw = draw(vec![Stage::new(&linked[0]), marks]);
    let drawn = gpu.draw(&mut draw);
    let square = |x: u32, y: u32| {
        let (x, y) = (f64::from(x) + 0.5, f64::from(y) + 0.5);
        x * x + 3.0 * y * y
    };
    let marks = draw.stages[1].contents[0].dwords();
    let mut kept = 0;
    for [x, y] in pixels(8) {
        let found = drawn.targets[0].floats(0, [x, y], 0);
        let gone = (x + y) % 3 == 0;
        assert_eq!(marks[1 + (y * 8 + x) as usize], u32::from(!gone), "the store of {x}, {y}");
        if gone {
            assert_eq!(found, [0.0; 4]);
            continue;
        }
        kept += 1;
        let (x0, y0) = (x & !1, y & !1);
        near(found[0], square(x0 + 1, y) - square(x0, y), "ddx_fine");
        near(found[1], square(x, y0 + 1) - square(x, y0), "ddy_fine");
        assert_eq!(found[2..], [1.0, 1.0]);
    }
    assert_eq!(marks[0], kept);
    assert_eq!(drawn.samples_passed, u64::from(kept));
}

#[test]
fn sample_count_and_places() {
    let gpu = Gpu::open();
    let linked = link(&gpu, &["vs_position", "ps_sample_info"]);
    for samples in [1, 4] {
        let drawn = gpu.draw(&mut Draw { samples, ..draw(stages(&linked)) });
        for x in 0..8 {
            let found = drawn.targets[0].floats(0, [x, 3], 0);
            let place = match samples {
                1 => [0.0; 2],
                _ => FOUR_SAMPLES.get(x as usize).map_or([0.0; 2], |place| place.map(|n| n - 0.5)),
            };
            assert_eq!(found, [place[0] as f32, place[1] as f32, samples as f32, 1.0], "sample {x}");
        }
    }
}
