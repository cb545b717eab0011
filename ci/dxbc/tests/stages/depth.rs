//! Pixel shaders and the depth test, early and late; coverage in and out.

use pvgpu_dxbc_tests::gpu::{Attribute, Contents, Depth, Draw, Gpu, Stage, vk};

use crate::raster::{FOUR_SAMPLES, Triangle, full, pixels};
use crate::support::{link, stages};

fn draw(stages: Vec<Stage<'_>>, z: f32, depth: Depth) -> Draw<'_> {
    Draw {
        stages,
        attributes: vec![Attribute::floats(0, &full(z))],
        extent: [8, 8],
        depth: Some(depth),
        ..Draw::default()
    }
}

#[test]
fn depth_outputs() {
    let gpu = Gpu::open();
    use vk::CompareOp as Compare;
    // What the buffer holds, the rasterizer's depth, the shader's, the test, and whether that passes.
    let cases = [
        ("ps_depth", 0.5, 0.75, 0.25, Compare::LESS, true),
        ("ps_depth", 0.5, 0.25, 0.75, Compare::LESS, false),
        ("ps_depth", 0.5, 0.25, 0.75, Compare::GREATER, true),
        ("ps_depth_greater", 0.5, 0.125, 0.375, Compare::LESS, true),
        ("ps_depth_greater", 0.5, 0.125, 0.625, Compare::LESS, false),
        ("ps_depth_greater", 0.5, 0.125, 0.625, Compare::GREATER, true),
        ("ps_depth_greater", 0.5, 0.75, 0.875, Compare::LESS, false),
        ("ps_depth_less", 0.5, 0.875, 0.625, Compare::GREATER, true),
        ("ps_depth_less", 0.5, 0.875, 0.25, Compare::GREATER, false),
        ("ps_depth_less", 0.5, 0.875, 0.25, Compare::LESS, true),
        ("ps_depth_less", 0.5, 0.375, 0.25, Compare::GREATER, false),
    ];
    for (name, clear, z, written, compare, passes) in cases {
        let linked = link(&gpu, &["vs_varyings", name]);
        assert!(linked[1].reflection.writes_depth);
        let mut draw = draw(stages(&linked), z, Depth { clear, compare, write: true });
        let zeros = [[0.0; 4]; 3];
        draw.attributes.extend([
            Attribute::floats(1, &[[written, 1.0, 2.0, 3.0]; 3]),
            Attribute::floats(2, &zeros),
            Attribute::floats(3, &zeros),
        ]);
        let drawn = gpu.draw(&mut draw);
        let depth = drawn.depth.unwrap();
        let case = format!("{name}: {clear}, {z}, {written}, {compare:?}");
        for pixel in pixels(8) {
            let expected = if passes { [written, 1.0, 2.0, 3.0] } else { [0.0; 4] };
            assert_eq!(drawn.targets[0].floats(0, pixel, 0), expected, "{case}");
            assert_eq!(depth.floats(0, pixel, 0), [if passes { written } else { clear }], "{case}");
        }
    }
}

#[test]
fn tests_before_and_after_the_shader() {
    let gpu = Gpu::open();
    // The shaders count their invocations. Only a test that is forced to come early keeps them from it.
    for (name, early) in [("ps_early", true), ("ps_late", false)] {
        let linked = link(&gpu, &["vs_position", name]);
        assert_eq!(linked[1].reflection.early_depth_stencil, early);
        for (z, passes) in [(0.25, true), (0.75, false)] {
            let counter = Stage::with(&linked[1], vec![Contents::Buffer(vec![0])]);
            let depth = Depth { clear: 0.5, compare: vk::CompareOp::LESS, write: true };
            let mut draw = draw(vec![Stage::new(&linked[0]), counter], z, depth);
            let drawn = gpu.draw(&mut draw);
            assert_eq!(drawn.samples_passed, if passes { 64 } else { 0 });
            let count = draw.stages[1].contents[0].dwords()[0];
            assert_eq!(count, if passes || !early { 64 } else { 0 }, "{name} at {z}");
        }
    }
}

#[test]
fn coverage_in() {
    let gpu = Gpu::open();
    let linked = link(&gpu, &["vs_position", "ps_coverage_in"]);
    let positions = [[-0.8125, 0.875, 0.0, 1.0], [0.9375, 0.5625, 0.0, 1.0], [-0.25, -0.9375, 0.0, 1.0]];
    let triangle = Triangle { positions, size: 8.0 };
    for samples in [1, 4] {
        let mut draw = Draw {
            stages: stages(&linked),
            attributes: vec![triangle.attribute()],
            extent: [8, 8],
            samples,
            ..Draw::default()
        };
        let drawn = gpu.draw(&mut draw);
        let places: &[[f64; 2]] = if samples == 1 { &[[0.5, 0.5]] } else { &FOUR_SAMPLES };
        for pixel in pixels(8) {
            let coverage = triangle.coverage(pixel, places);
            for sample in 0..samples {
                let covered = coverage >> sample & 1 != 0;
                let expected = if covered { [coverage as f32, 1.0, 2.0, 3.0] } else { [0.0; 4] };
                assert_eq!(drawn.targets[0].floats(0, pixel, sample), expected, "{pixel:?}.{sample}");
            }
        }
    }
}

#[test]
fn coverage_in_for_each_sample() {
    let gpu = Gpu::open();
    let linked = link(&gpu, &["vs_position", "ps_coverage_per_sample"]);
    let positions = [[-0.8125, 0.875, 0.0, 1.0], [0.9375, 0.5625, 0.0, 1.0], [-0.25, -0.9375, 0.0, 1.0]];
    let triangle = Triangle { positions, size: 8.0 };
    let mut draw = Draw {
        stages: stages(&linked),
        attributes: vec![triangle.attribute()],
        extent: [8, 8],
        samples: 4,
        ..Draw::default()
    };
    let drawn = gpu.draw(&mut draw);
    for pixel in pixels(8) {
        let coverage = triangle.coverage(pixel, &FOUR_SAMPLES);
        for sample in (0..4).filter(|sample| coverage >> sample & 1 != 0) {
            let found = drawn.targets[0].floats(0, pixel, sample);
            // D3D11 gives every sample of the pixel, Vulkan only the invocation's own, and it has nothing else to ask.
            let expected = [(coverage & 1 << sample) as f32, sample as f32, 2.0, 3.0];
            assert_eq!(found, expected, "{pixel:?}.{sample}");
        }
    }
}

#[test]
fn coverage_out() {
    let gpu = Gpu::open();
    let linked = link(&gpu, &["vs_mask", "ps_coverage_out"]);
    assert!(linked[1].reflection.writes_coverage);
    let masks = [0x1u32, 0xa, 0, 0xffff_ffff];
    for (samples, sample_mask) in [(4, u32::MAX), (4, 0x6), (1, u32::MAX)] {
        let mut draw = Draw {
            stages: stages(&linked),
            attributes: vec![Attribute::floats(0, &full(0.0)), Attribute::integers(1, &[masks; 3])],
            extent: [8, 8],
            samples,
            sample_mask,
            ..Draw::default()
        };
        let drawn = gpu.draw(&mut draw);
        for pixel in pixels(8) {
            let coverage = masks[pixel[0] as usize % 4] & sample_mask;
            for sample in 0..samples {
                let expected = (coverage >> sample & 1) as f32;
                assert_eq!(drawn.targets[0].floats(0, pixel, sample), [expected; 4], "{pixel:?}.{sample}");
            }
        }
    }
}
