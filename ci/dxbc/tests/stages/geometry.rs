//! Geometry shaders: what they are given for each topology, and what becomes of what they emit.

use pvgpu_dxbc::{StreamOutput, StreamOutputEntry};
use pvgpu_dxbc_tests::gpu::{
    Attribute, Contents, Draw, Drawn, Format, Gpu, Primitives, Stage, Target, Viewport, vk,
};

use crate::raster::{Triangle, center, full, near, pixels, weighted};
use crate::support::{Program, capture, capture_all, link, link_programs, program, rows, stages};

/// A draw that only captures.
fn captures<'a>(stages: Vec<Stage<'a>>, topology: vk::PrimitiveTopology, count: u32) -> Draw<'a> {
    Draw { stages, topology, count, targets: Vec::new(), feedback: vec![1 << 16], ..Draw::default() }
}

/// What the fixtures `gs_of_*` emit for a primitive of those vertices.
fn given(vertices: &[u32], primitive: u32) -> Vec<u32> {
    let mut row = vertices.to_vec();
    row.resize(6, 99);
    row.extend([primitive, vertices.len() as u32]);
    row
}

/// The primitives of `count` vertices: as D3D11 (functional spec 8.10) and Vulkan both order them.
fn primitives(topology: vk::PrimitiveTopology, numbers: &[u32]) -> Vec<Vec<u32>> {
    let at = |n: usize| numbers[n];
    let last = numbers.len();
    match topology {
        vk::PrimitiveTopology::POINT_LIST => numbers.iter().map(|n| vec![*n]).collect(),
        vk::PrimitiveTopology::LINE_LIST => numbers.chunks_exact(2).map(<[u32]>::to_vec).collect(),
        vk::PrimitiveTopology::LINE_STRIP => numbers.windows(2).map(<[u32]>::to_vec).collect(),
        vk::PrimitiveTopology::TRIANGLE_LIST => numbers.chunks_exact(3).map(<[u32]>::to_vec).collect(),
        vk::PrimitiveTopology::TRIANGLE_STRIP => (0..last.saturating_sub(2))
            .map(|n| {
                if n % 2 == 0 { vec![at(n), at(n + 1), at(n + 2)] } else { vec![at(n), at(n + 2), at(n + 1)] }
            })
            .collect(),
        vk::PrimitiveTopology::LINE_LIST_WITH_ADJACENCY => {
            numbers.chunks_exact(4).map(<[u32]>::to_vec).collect()
        }
        vk::PrimitiveTopology::LINE_STRIP_WITH_ADJACENCY => numbers.windows(4).map(<[u32]>::to_vec).collect(),
        vk::PrimitiveTopology::TRIANGLE_LIST_WITH_ADJACENCY => {
            numbers.chunks_exact(6).map(<[u32]>::to_vec).collect()
        }
        vk::PrimitiveTopology::TRIANGLE_STRIP_WITH_ADJACENCY => {
            let count = (last / 2).saturating_sub(2);
            (0..count)
                .map(|n| {
                    let i = 2 * n;
                    // The neighbours across the edge to the triangle before and to the one after.
                    let before = if n == 0 { at(1) } else { at(i - 2) };
                    let after = if n + 1 == count { at(i + 5) } else { at(i + 6) };
                    let [a, b, c] = [at(i), at(i + 2), at(i + 4)];
                    if n % 2 == 0 {
                        vec![a, before, b, after, c, at(i + 3)]
                    } else {
                        vec![a, at(i + 3), c, after, b, before]
                    }
                })
                .collect()
        }
        other => panic!("{other:?} is not a topology of geometry shaders"),
    }
}

const TOPOLOGIES: [(&str, vk::PrimitiveTopology); 9] = [
    ("gs_of_point", vk::PrimitiveTopology::POINT_LIST),
    ("gs_of_line", vk::PrimitiveTopology::LINE_LIST),
    ("gs_of_line", vk::PrimitiveTopology::LINE_STRIP),
    ("gs_of_triangle", vk::PrimitiveTopology::TRIANGLE_LIST),
    ("gs_of_triangle", vk::PrimitiveTopology::TRIANGLE_STRIP),
    ("gs_of_line_adjacency", vk::PrimitiveTopology::LINE_LIST_WITH_ADJACENCY),
    ("gs_of_line_adjacency", vk::PrimitiveTopology::LINE_STRIP_WITH_ADJACENCY),
    ("gs_of_triangle_adjacency", vk::PrimitiveTopology::TRIANGLE_LIST_WITH_ADJACENCY),
    ("gs_of_triangle_adjacency", vk::PrimitiveTopology::TRIANGLE_STRIP_WITH_ADJACENCY),
];

#[test]
fn primitives_of_every_topology() {
    let gpu = Gpu::open();
    for (name, topology) in TOPOLOGIES {
        let programs = [program("vs_number"), program(name)];
        let output = capture_all(&programs[1], &["A", "B"]);
        let linked = link_programs(&gpu, &programs, Some(&output));
        // Two instances: primitive ids start anew.
        let mut draw = Draw { instances: 2, ..captures(stages(&linked), topology, 14) };
        let drawn = gpu.draw(&mut draw);
        let mut expected = Vec::new();
        for instance in 0..2 {
            let numbers: Vec<u32> = (0..14).map(|n| n + 1000 * instance).collect();
            let primitives = primitives(topology, &numbers);
            expected.extend((0..).zip(&primitives).map(|(n, primitive)| given(primitive, n)));
        }
        let count = expected.len() as u64;
        assert_eq!(drawn.primitives[0], Primitives { written: count, needed: count }, "{topology:?}");
        assert_eq!(rows(&drawn.feedback[0], 8, expected.len()), expected, "{topology:?}");
    }
}

#[test]
fn strips_cut_by_an_index() {
    let gpu = Gpu::open();
    let strips: [&[u32]; 4] = [&[4, 5, 6, 7, 8], &[1, 2], &[20, 21, 22, 23, 24, 25, 26, 27], &[3, 9, 8, 7]];
    let mut indices = Vec::new();
    for strip in strips {
        indices.extend(strip);
        indices.push(u32::MAX);
    }
    for (name, topology) in TOPOLOGIES {
        if !matches!(topology, vk::PrimitiveTopology::LINE_STRIP | vk::PrimitiveTopology::TRIANGLE_STRIP) {
            continue;
        }
        let programs = [program("vs_number"), program(name)];
        let output = capture_all(&programs[1], &["A", "B"]);
        let linked = link_programs(&gpu, &programs, Some(&output));
        let count = indices.len() as u32;
        let mut draw = Draw { indices: Some(indices.clone()), ..captures(stages(&linked), topology, count) };
        let drawn = gpu.draw(&mut draw);
        let all: Vec<Vec<u32>> = strips.iter().flat_map(|strip| primitives(topology, strip)).collect();
        let expected: Vec<_> = (0..).zip(&all).map(|(n, primitive)| given(primitive, n)).collect();
        assert_eq!(rows(&drawn.feedback[0], 8, expected.len()), expected, "{topology:?}");
    }
}

/// What a list of vertices and cuts gives: triangles or lines, and never more than twenty vertices.
fn strips(list: &[u32], topology: vk::PrimitiveTopology, number: u32) -> Vec<Vec<u32>> {
    let mut emitted = 0;
    let mut all = vec![Vec::new()];
    for item in list {
        if *item == 0 {
            all.push(Vec::new());
        } else if emitted < 20 {
            emitted += 1;
            all.last_mut().unwrap().push(item + 1000 * number);
        }
    }
    all.iter().flat_map(|strip| primitives(topology, strip)).collect()
}

#[test]
fn emitted_strips() {
    let gpu = Gpu::open();
    let lists: [&[u32]; 6] = [
        &[],
        &[1, 2, 3],
        &[1, 2, 0, 3, 4, 5, 0, 0, 6, 7, 8, 9, 0],
        &[0, 0, 7, 0, 8, 9, 10, 11, 12, 13],
        // Too many vertices: what comes after the twentieth vanishes, cuts or none.
        &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25],
        &[1, 2, 3, 4, 0, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 0, 19, 20, 21, 22, 0, 23, 24, 25],
    ];
    let shaders = [
        ("gs_triangle_strips", vk::PrimitiveTopology::TRIANGLE_STRIP, 3),
        ("gs_line_strips", vk::PrimitiveTopology::LINE_STRIP, 2),
    ];
    for (name, topology, vertices) in shaders {
        let programs = [program("vs_number"), program(name)];
        let linked = link_programs(&gpu, &programs, Some(&capture_all(&programs[1], &["NUMBER"])));
        for list in lists {
            let mut dwords = vec![list.len() as u32];
            dwords.extend(list);
            let list_buffer = Contents::TypedBuffer { format: Format::R32Uint, dwords };
            let stages = vec![Stage::new(&linked[0]), Stage::with(&linked[1], vec![list_buffer])];
            let drawn = gpu.draw(&mut captures(stages, vk::PrimitiveTopology::POINT_LIST, 3));
            let expected: Vec<Vec<u32>> = (0..3).flat_map(|n| strips(list, topology, n)).collect();
            let count = expected.len() as u64;
            assert_eq!(drawn.primitives[0], Primitives { written: count, needed: count }, "{name} {list:?}");
            let found = rows(&drawn.feedback[0], vertices, expected.len());
            assert_eq!(found, expected, "{name} {list:?}");
        }
    }
}

#[test]
fn instances() {
    let gpu = Gpu::open();
    let programs = [program("vs_number"), program("gs_instances")];
    let linked = link_programs(&gpu, &programs, Some(&capture_all(&programs[1], &["IDS"])));
    let drawn = gpu.draw(&mut captures(stages(&linked), vk::PrimitiveTopology::POINT_LIST, 3));
    let mut expected = Vec::new();
    for number in 0..3 {
        for instance in 0..5 {
            if instance != 3 {
                expected.push(vec![number, instance, number, 7]);
            }
            if instance % 2 == 1 {
                expected.push(vec![number, instance, number, 8]);
            }
        }
    }
    assert_eq!(rows(&drawn.feedback[0], 4, expected.len()), expected);
}

/// The whole elements of `gs_four_streams`, each stream to the buffer with its number.
fn four_streams(geometry: &Program) -> Vec<StreamOutputEntry> {
    [("A", 0), ("B", 1), ("C", 1), ("D", 2), ("E", 3), ("F", 3)]
        .map(|(semantic, stream)| capture(geometry, semantic, stream, stream))
        .to_vec()
}

#[test]
fn several_streams() {
    let gpu = Gpu::open();
    assert!(gpu.features().streams >= 4);
    let programs = [program("vs_number"), program("gs_four_streams")];
    let entries = four_streams(&programs[1]);
    let output = StreamOutput { entries, strides: [0; 4], rasterized_stream: None };
    let linked = link_programs(&gpu, &programs, Some(&output));
    let mut draw = Draw {
        feedback: vec![1 << 12; 4],
        ..captures(stages(&linked), vk::PrimitiveTopology::POINT_LIST, 6)
    };
    let drawn = gpu.draw(&mut draw);
    let mut expected = vec![Vec::new(); 4];
    let float = |value: f32| value.to_bits();
    for n in 0..6u32 {
        if n % 2 == 0 {
            expected[1].push(vec![float(-1.0), n]);
            continue;
        }
        expected[0].push(vec![n, !n]);
        for i in 0..2 {
            expected[1].push(vec![float(n as f32 + 0.5), i]);
        }
        for i in 0..3 {
            expected[2].push(vec![n, i, n * i, n + i]);
        }
        for i in 0..4 {
            let (n, i) = (n as f32, i as f32);
            expected[3].push([n, i, 0.5, n + 0.25, i + 0.25, 2.0, 3.0].map(float).to_vec());
        }
    }
    for (stream, (expected, dwords)) in expected.iter().zip([2, 2, 4, 7]).enumerate() {
        let count = expected.len() as u64;
        assert_eq!(drawn.primitives[stream], Primitives { written: count, needed: count }, "{stream}");
        assert_eq!(&rows(&drawn.feedback[stream], dwords, expected.len()), expected, "stream {stream}");
    }
}

fn layered(gpu: &Gpu, draw: Draw<'_>) -> Drawn {
    gpu.draw(&mut Draw {
        extent: [8, 8],
        layers: 3,
        targets: vec![Target::floats(), Target::integers()],
        viewports: vec![
            Viewport { origin: [0.0, 0.0], size: [8.0, 8.0], depth: [0.0, 1.0] },
            Viewport { origin: [2.0, 4.0], size: [4.0, 2.0], depth: [0.0, 1.0] },
        ],
        ..draw
    })
}

#[test]
fn layers_viewports_and_primitive_ids() {
    let gpu = Gpu::open();
    let linked = link(&gpu, &["vs_corner", "gs_layers", "ps_layers"]);
    let color = [[1.0, 10.0, 0.5, 2.0], [3.0, 20.0, 0.25, 2.0], [5.0, 40.0, 0.125, 2.0]];
    let attributes = vec![Attribute::floats(0, &full(0.5)), Attribute::floats(1, &color)];
    let drawn = layered(&gpu, Draw { stages: stages(&linked), attributes, ..Draw::default() });
    for layer in 0..3 {
        let inside = |[x, y]: [u32; 2]| layer != 1 || ((2..6).contains(&x) && (4..6).contains(&y));
        for pixel in pixels(8) {
            let place = [pixel[0], pixel[1], 0];
            let found = drawn.targets[1].texel(layer, 0, place, 0);
            if !inside(pixel) {
                assert_eq!(found, [0; 4], "{layer} {pixel:?}");
                continue;
            }
            assert_eq!(found, [1 + 10 * layer, layer, layer & 1, 5], "{layer} {pixel:?}");
            // In the small viewport, one pixel is two wide and four high.
            let target = Triangle { positions: full(0.5), size: 8.0 };
            let [x, y] = center(pixel);
            let place = if layer == 1 { [(x - 2.0) * 2.0, (y - 4.0) * 4.0] } else { [x, y] };
            let found = drawn.targets[0].floats(layer, pixel, 0);
            for (component, found) in found.into_iter().enumerate() {
                let expected = weighted(&color, component, target.linear(place)) + f64::from(layer);
                near(found, expected, "color");
            }
        }
    }
}

#[test]
fn distances_through_the_geometry_shader() {
    let gpu = Gpu::open();
    let linked = link(&gpu, &["vs_clip", "gs_distances", "ps_clip"]);
    let triangle = Triangle { positions: full(0.5), size: 16.0 };
    let clip0 = [[1.0, 2.0, 3.0, 1.5], [4.0, 5.0, 6.0, -2.5], [7.0, 8.0, 9.0, 3.5]];
    let clip1 = [[0.25, 0.5, 0.0, 0.0], [3.0, 1.0, 0.0, 0.0], [0.25, 1.25, 0.0, 0.0]];
    let attributes = vec![triangle.attribute(), Attribute::floats(1, &clip0), Attribute::floats(2, &clip1)];
    let mut draw = Draw {
        stages: stages(&linked),
        attributes,
        extent: [16, 16],
        targets: vec![Target::floats(); 2],
        ..Draw::default()
    };
    let drawn = gpu.draw(&mut draw);
    let (mut kept, mut cut) = (0, 0);
    for pixel in pixels(16) {
        let weights = triangle.perspective(center(pixel));
        let four = [3, 2, 1, 0].map(|n| weighted(&clip0, n, weights));
        let two = [0, 1].map(|n| 1.5 - weighted(&clip1, n, weights));
        let least = four.into_iter().chain(two).fold(f64::MAX, f64::min);
        if least.abs() < 0.02 {
            continue;
        }
        let found = drawn.targets[0].floats(0, pixel, 0);
        if least < 0.0 {
            cut += 1;
            assert_eq!(found, [0.0; 4]);
        } else {
            kept += 1;
            for (found, expected) in found.iter().zip(four) {
                near(*found, expected, "distance");
            }
            near(drawn.targets[1].floats(0, pixel, 0)[1], two[1], "distance");
        }
    }
    assert!(kept > 20 && cut > 20, "{kept} kept, {cut} cut");
}
