//! Vertex shaders: system values and the input assembler's types.

use pvgpu_dxbc_tests::gpu::{Attribute, Draw, Gpu, Target, vk};

use crate::raster::{Triangle, center, full, near, pixels, weighted};
use crate::support::{link, stages};

/// A draw whose vertices are points in pixels of their own: eight columns for vertices, eight rows for instances.
fn points() -> Draw<'static> {
    let numbers: Vec<[u32; 4]> = (0..8).map(|n| [n, 0, 0, 0]).collect();
    let attribute =
        |register, per_instance| Attribute { register, components: 1, per_instance, values: numbers.clone() };
    Draw {
        attributes: vec![attribute(2, false), attribute(3, true)],
        topology: vk::PrimitiveTopology::POINT_LIST,
        extent: [8, 8],
        targets: vec![Target::integers()],
        ..Draw::default()
    }
}

#[test]
fn ids_leave_out_the_base() {
    let gpu = Gpu::open();
    let linked = link(&gpu, &["vs_ids", "ps_ids"]);
    // Vertices 2 to 4 of instances 3 and 4: the ids count from zero.
    let mut draw =
        Draw { stages: stages(&linked), count: 3, first: 2, instances: 2, first_instance: 3, ..points() };
    let drawn = gpu.draw(&mut draw);
    for row in 0..8 {
        for column in 0..8 {
            let inside = (2..5).contains(&column) && (3..5).contains(&row);
            let expected = if inside { [column - 2 + 1, row - 3 + 1, column, row] } else { [0; 4] };
            assert_eq!(drawn.targets[0].texel(0, 0, [column, row, 0], 0), expected, "{column}, {row}");
        }
    }
    assert_eq!(drawn.samples_passed, 6);
    // Indexed: the id is the index, without what is added to it.
    let mut draw = Draw {
        stages: stages(&linked),
        indices: Some(vec![7, 7, 3, 0, 1]),
        count: 3,
        first: 2,
        vertex_offset: 4,
        first_instance: 6,
        ..points()
    };
    let drawn = gpu.draw(&mut draw);
    for (index, column) in [(3, 7), (0, 4), (1, 5)] {
        assert_eq!(drawn.targets[0].texel(0, 0, [column, 6, 0], 0), [index + 1, 1, column, 6]);
    }
    assert_eq!(drawn.samples_passed, 3);
}

#[test]
fn inputs_of_every_type() {
    let gpu = Gpu::open();
    let linked = link(&gpu, &["vs_input_types", "ps_three_integers"]);
    let values = |start: u32| (0..4).map(move |n| [start + n, start + n + 9, 0x8000_0000 | n, u32::MAX - n]);
    let floats = (0..4).map(|n| [n as f32 - 1.5, 1e20, -0.25, 3.0].map(f32::to_bits));
    // The components that a vertex buffer does not hold are 0, and 1 in w, in the input's type.
    for components in 1..=4 {
        let attribute =
            |register, values: Vec<[u32; 4]>| Attribute { register, components, per_instance: false, values };
        let attributes = vec![
            attribute(1, floats.clone().collect()),
            attribute(2, values(0xffff_fff0).collect()),
            attribute(3, values(0x7fff_fff0).collect()),
        ];
        let mut draw = Draw {
            stages: stages(&linked),
            attributes: attributes.clone(),
            topology: vk::PrimitiveTopology::POINT_LIST,
            extent: [4, 1],
            targets: vec![Target::integers(); 3],
            count: 4,
            ..Draw::default()
        };
        let drawn = gpu.draw(&mut draw);
        for vertex in 0..4 {
            let read = |attribute: usize, one: u32| {
                let mut value = [0, 0, 0, one];
                let components = components as usize;
                value[..components].copy_from_slice(&attributes[attribute].values[vertex][..components]);
                value
            };
            let place = [vertex as u32, 0, 0];
            let doubled = read(0, 1f32.to_bits()).map(|bits| (f32::from_bits(bits) * 2.0).to_bits());
            assert_eq!(drawn.targets[0].texel(0, 0, place, 0), doubled);
            let shifted = read(1, 1).map(|bits| (bits as i32 >> 1) as u32);
            assert_eq!(drawn.targets[1].texel(0, 0, place, 0), shifted);
            assert_eq!(drawn.targets[2].texel(0, 0, place, 0), read(2, 1).map(|bits| bits >> 1));
        }
    }
}

#[test]
fn clip_distances() {
    let gpu = Gpu::open();
    let linked = link(&gpu, &["vs_clip", "ps_clip"]);
    let triangle = Triangle { positions: full(0.5), size: 16.0 };
    // Each of the six distances cuts a different part of the target away.
    let planes = [
        [[1.0, 1.0, 1.0, 1.0], [1.0; 4], [1.0; 4]],
        [[-0.25, 1.0, 1.0, 1.0], [3.0, 1.0, 1.0, 1.0], [1.0; 4]],
        [[1.0, 2.25, 1.0, 1.0], [1.0, -5.0, 1.0, 1.0], [1.0, 4.0, 1.0, 1.0]],
        [[1.0, 1.0, -0.5, 3.0], [1.0, 1.0, 2.25, -2.0], [1.0, 1.0, 4.0, 5.0]],
    ];
    let pairs =
        [[[1.0, 1.0, 0.0, 0.0]; 3], [[1.25, -0.125, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0], [-4.0, 1.0, 0.0, 0.0]]];
    let mut cut = 0;
    for clip0 in &planes {
        for clip1 in &pairs {
            let attributes =
                vec![triangle.attribute(), Attribute::floats(1, clip0), Attribute::floats(2, clip1)];
            let mut draw = Draw {
                stages: stages(&linked),
                attributes,
                extent: [16, 16],
                targets: vec![Target::floats(); 2],
                ..Draw::default()
            };
            let drawn = gpu.draw(&mut draw);
            for pixel in pixels(16) {
                let weights = triangle.perspective(center(pixel));
                let four = [0, 1, 2, 3].map(|n| weighted(clip0, n, weights));
                let two = [0, 1].map(|n| weighted(clip1, n, weights));
                let least = four.into_iter().chain(two).fold(f64::MAX, f64::min);
                // A pixel on the cut may fall either way.
                if least.abs() < 0.02 {
                    continue;
                }
                let found = drawn.targets[0].floats(0, pixel, 0);
                if least < 0.0 {
                    cut += 1;
                    assert_eq!(found, [0.0; 4], "{pixel:?} is cut away");
                    continue;
                }
                // Pixel shaders read the distances.
                for (found, expected) in found.iter().zip(four) {
                    near(*found, expected, "distance");
                }
                let found = drawn.targets[1].floats(0, pixel, 0);
                near(found[0], two[0], "distance");
                near(found[1], two[1], "distance");
                assert_eq!(found[2..], [1.0, 1.0]);
            }
        }
    }
    assert!(cut > 100, "only {cut} pixels were cut away");
}

#[test]
fn cull_distances() {
    let gpu = Gpu::open();
    let linked = link(&gpu, &["vs_cull", "ps_cull"]);
    // A primitive goes only if one distance is negative (or NaN) at all of its vertices.
    let nan = f32::NAN;
    let cases: [([[f32; 2]; 3], bool); 6] = [
        ([[1.0, 1.0]; 3], true),
        ([[-1.0, 1.0]; 3], false),
        ([[1.0, -2.0], [1.0, -1.0], [1.0, -0.5]], false),
        ([[-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]], true),
        ([[-1.0, 1.0], [0.0, 1.0], [-1.0, 1.0]], true),
        ([[nan, 1.0]; 3], false),
    ];
    for (n, (distances, visible)) in cases.into_iter().enumerate() {
        let distances = distances.map(|[x, y]| [x, y, 0.0, 0.0]);
        let attributes = vec![
            Attribute::floats(0, &full(0.5)),
            Attribute::floats(1, &distances),
            Attribute::floats(2, &[[5.0, 6.0, 7.0, 8.0]; 3]),
        ];
        let mut draw = Draw { stages: stages(&linked), attributes, extent: [8, 8], ..Draw::default() };
        let drawn = gpu.draw(&mut draw);
        assert_eq!(drawn.samples_passed, if visible { 64 } else { 0 }, "case {n}");
        if visible {
            let triangle = Triangle { positions: full(0.5), size: 8.0 };
            for pixel in pixels(8) {
                let found = drawn.targets[0].floats(0, pixel, 0);
                let weights = triangle.perspective(center(pixel));
                near(found[0], weighted(&distances, 0, weights), "cull distance");
                near(found[1], weighted(&distances, 1, weights), "cull distance");
                assert_eq!(found[2..], [5.0, 6.0]);
            }
        }
    }
}
