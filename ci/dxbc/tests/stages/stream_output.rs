//! Stream output: what vertex, geometry and domain shaders write to buffers.

use pvgpu_dxbc::{BindingLayout, CompileOptions, Compiled, StreamOutput, StreamOutputEntry};
use pvgpu_dxbc_tests::fixture;
use pvgpu_dxbc_tests::gpu::{Attribute, Contents, Draw, Drawn, FEEDBACK_MARK, Gpu, Stage, vk};

/// The stages, each of which knows what the one before writes; the last one has the stream output.
fn link(gpu: &Gpu, names: &[&str], output: &StreamOutput) -> Vec<Compiled> {
    let layout = BindingLayout::default();
    let mut linked: Vec<Compiled> = Vec::new();
    for name in names {
        let fixture = fixture::named(name);
        let mut options = CompileOptions::new(&layout, gpu.capabilities());
        if let Some(before) = linked.last().map(|before| &before.reflection) {
            options.previous_stage_outputs = Some(before.output_mask());
            options.previous_stage_system_values = Some(before.output_system_values());
            options.previous_stage_patch_constants = Some(before.patch_constant_mask());
        }
        options.stream_output = (linked.len() + 1 == names.len()).then_some(output);
        let compiled = pvgpu_dxbc::compile(&fixture.shader.tokens, &fixture.shader.signatures, &options);
        linked.push(compiled.unwrap_or_else(|error| panic!("{name}: {error}")));
    }
    linked
}

/// An entry of stream 0.
fn entry(register: u32, first_component: u32, component_count: u32, buffer: u32) -> StreamOutputEntry {
    StreamOutputEntry { stream: 0, register: Some(register), first_component, component_count, buffer }
}

fn output(entries: Vec<StreamOutputEntry>) -> StreamOutput {
    StreamOutput { entries, strides: [0; 4], rasterized_stream: None }
}

/// Vertices for `vs_stream`: position, colour, id. Colours are the position plus 100.
fn draw<'a>(positions: &[[f32; 4]], topology: vk::PrimitiveTopology, feedback: Vec<usize>) -> Draw<'a> {
    let colors: Vec<[f32; 4]> = positions.iter().map(|position| position.map(|c| c + 100.0)).collect();
    let ids: Vec<[u32; 4]> = (0..positions.len() as u32).map(|n| [10 * n, 10 * n + 1, 0, 0]).collect();
    let ids = Attribute { register: 2, components: 2, per_instance: false, values: ids };
    Draw {
        attributes: vec![Attribute::floats(0, positions), Attribute::floats(1, &colors), ids],
        topology,
        feedback,
        count: positions.len() as u32,
        targets: Vec::new(),
        ..Draw::default()
    }
}

fn floats(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// The written part of a buffer.
fn written(drawn: &Drawn, buffer: usize) -> &[u32] {
    let dwords = &drawn.feedback[buffer];
    let end = dwords.iter().rposition(|dword| *dword != FEEDBACK_MARK).map_or(0, |last| last + 1);
    &dwords[..end]
}

const POSITIONS: [[f32; 4]; 3] = [[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0], [9.0, 10.0, 11.0, 12.0]];

#[test]
fn a_vertex_shader_writes_parts_gaps_and_repeats() {
    let gpu = Gpu::open();
    let gap = StreamOutputEntry { register: None, ..entry(0, 0, 2, 0) };
    let mut output =
        output(vec![entry(0, 1, 2, 0), gap, entry(1, 0, 4, 0), entry(1, 0, 4, 1), entry(2, 1, 1, 1)]);
    output.strides = [48, 0, 0, 0];
    let linked = link(&gpu, &["vs_stream"], &output);
    let buffers = linked[0].reflection.stream_output.unwrap().buffers;
    assert_eq!(buffers.map(|buffer| buffer.map(|buffer| buffer.stride)), [Some(48), Some(20), None, None]);
    let mut draw = draw(&POSITIONS, vk::PrimitiveTopology::POINT_LIST, vec![256, 256]);
    draw.stages = vec![Stage::new(&linked[0])];
    let drawn = gpu.draw(&mut draw);
    for (n, position) in POSITIONS.iter().enumerate() {
        let color = floats(&position.map(|c| c + 100.0));
        let first = &drawn.feedback[0][12 * n..12 * n + 12];
        assert_eq!(first[..2], floats(&position[1..3]));
        assert_eq!(first[2..4], [FEEDBACK_MARK; 2]);
        assert_eq!(first[4..8], color);
        assert_eq!(first[8..], [FEEDBACK_MARK; 4]);
        let second = &drawn.feedback[1][5 * n..5 * n + 5];
        assert_eq!(second[..4], color);
        assert_eq!(second[4], 10 * n as u32 + 2);
    }
    assert_eq!(written(&drawn, 1).len(), 15);
    assert_eq!(drawn.primitives[0].written, 3);
}

#[test]
fn geometry_shaders_pass_primitive_ids_and_strips() {
    let gpu = Gpu::open();
    // Position y, tag and primitive id of each vertex of the strips, which become lists.
    let output = output(vec![entry(0, 1, 1, 0), entry(2, 0, 1, 0), entry(3, 0, 1, 0)]);
    let linked = link(&gpu, &["vs_stream", "gs_lines"], &output);
    let positions = [[0.0, 1.0, 0.0, 1.0], [0.0, 2.0, 0.0, 1.0], [0.0, 3.0, 0.0, 1.0], [0.0, 4.0, 0.0, 1.0]];
    let mut draw = draw(&positions, vk::PrimitiveTopology::LINE_LIST, vec![1024]);
    draw.stages = linked.iter().map(Stage::new).collect();
    let drawn = gpu.draw(&mut draw);
    let mut expected = Vec::new();
    for primitive in 0..2 {
        for copy in 0..3 {
            for vertex in 0..2 {
                let n = 2 * primitive + vertex;
                expected.extend([((n + 1 + copy) as f32).to_bits(), 10 * n + 1 + copy, primitive]);
            }
        }
    }
    assert_eq!(written(&drawn, 0), expected);
    assert_eq!(drawn.primitives[0].written, 6);
}

#[test]
fn vertices_past_the_declared_count_are_not_emitted() {
    let gpu = Gpu::open();
    let output = output(vec![entry(0, 0, 1, 0), entry(1, 0, 1, 0), entry(3, 0, 2, 0)]);
    let linked = link(&gpu, &["vs_stream", "gs_triangles"], &output);
    let mut draw = draw(&POSITIONS, vk::PrimitiveTopology::TRIANGLE_LIST, vec![4096]);
    // First vertex 1, twenty emits where nine are declared, scale 2.
    let constants = Contents::Buffer(vec![1, 20, 2f32.to_bits(), 0]);
    draw.stages = vec![Stage::new(&linked[0]), Stage::with(&linked[1], vec![constants])];
    let drawn = gpu.draw(&mut draw);
    let vertices: Vec<&[u32]> = written(&drawn, 0).chunks(4).collect();
    // Four instances of three triangles.
    assert_eq!((vertices.len(), drawn.primitives[0].needed), (36, 12));
    for (n, vertex) in vertices.iter().enumerate() {
        let (instance, i) = (n / 9, n % 9);
        assert_eq!(vertex[0], (2.0 * POSITIONS[(i + 1) % 3][0]).to_bits());
        assert_eq!(vertex[2..], [instance as u32, 0]);
    }
    // color[k] of input vertex n is register 1 + k, of which the vertex shader writes 1 and 2; 3 reads as zero.
    let color = |n: usize, k: usize| match k {
        0 => (POSITIONS[n][0] + 100.0).to_bits(),
        1 => 10 * n as u32 + 1,
        _ => 0,
    };
    for (n, vertex) in vertices.iter().enumerate() {
        assert_eq!(vertex[1], color((n % 9 + 1) % 3, (n % 9 + n / 9) % 3), "vertex {n}");
    }
}

#[test]
fn each_stream_has_its_buffer() {
    let gpu = Gpu::open();
    if !gpu.features().geometry_streams {
        return;
    }
    let stream = |stream, entry| StreamOutputEntry { stream, ..entry };
    let output = output(vec![
        stream(0, entry(1, 0, 4, 0)),
        stream(1, entry(0, 0, 2, 1)),
        stream(1, entry(1, 0, 1, 1)),
        stream(2, entry(0, 0, 3, 2)),
    ]);
    let linked = link(&gpu, &["vs_stream", "gs_streams"], &output);
    let mut draw = draw(&POSITIONS, vk::PrimitiveTopology::POINT_LIST, vec![1024; 3]);
    draw.stages = linked.iter().map(Stage::new).collect();
    let drawn = gpu.draw(&mut draw);
    let mut expected = [Vec::new(), Vec::new(), Vec::new()];
    for (n, position) in POSITIONS.iter().enumerate() {
        let color = position.map(|c| c + 100.0);
        expected[0].extend(floats(&color));
        for i in 0..4 {
            expected[1].extend([10 * n as u32 + 1 + i, 10 * n as u32 + 2 + i, color[1].to_bits()]);
        }
        expected[2].extend(floats(&[0, 1, 2].map(|c: usize| color[c] + n as f32)));
    }
    for (buffer, expected) in expected.iter().enumerate() {
        assert_eq!(written(&drawn, buffer), expected, "buffer {buffer}");
    }
    assert_eq!([0, 1, 2].map(|stream: usize| drawn.primitives[stream].written), [3, 12, 3]);
}

#[test]
fn a_domain_shader_writes_the_tessellated_patch() {
    let gpu = Gpu::open();
    // Position, normal, primitive and, from the clip distances, the place in the domain.
    let output = output(vec![entry(0, 0, 4, 0), entry(1, 0, 3, 0), entry(2, 0, 1, 0), entry(3, 0, 2, 0)]);
    let linked = link(&gpu, &["vs_stream", "hs_quad", "ds_quad"], &output);
    let corners: Vec<[f32; 4]> = (0..8).map(|n| [n as f32, (n * n) as f32, 1.0, 2.0]).collect();
    let mut draw = draw(&corners, vk::PrimitiveTopology::PATCH_LIST, vec![1 << 16]);
    draw.patch_control_points = 4;
    // An edge factor is the constant plus the x of a control point's second register, the position's plus 100.
    let constants = [-97.0, -98.0, -99.0, -100.0].map(f32::to_bits).to_vec();
    draw.stages = vec![
        Stage::new(&linked[0]),
        Stage::with(&linked[1], vec![Contents::Buffer(constants)]),
        Stage::new(&linked[2]),
    ];
    let drawn = gpu.draw(&mut draw);
    let vertices: Vec<Vec<f32>> = written(&drawn, 0)
        .chunks(10)
        .map(|vertex| vertex.iter().map(|bits| f32::from_bits(*bits)).collect())
        .collect();
    assert!(vertices.len() >= 12 && vertices.len().is_multiple_of(3), "{} vertices", vertices.len());
    let mut area = [0.0f32; 2];
    for triangle in vertices.chunks(3) {
        let primitive = triangle[0][7].to_bits();
        // The hull shader's primitive id times 100 plus the domain shader's.
        let patch = (primitive % 100) as usize;
        assert_eq!(primitive, 101 * patch as u32);
        let corner = |n: usize| corners[4 * patch + n % 4];
        for vertex in triangle {
            let (u, v) = (vertex[8], vertex[9]);
            // The hull shader adds each point to the next one.
            let point = |n: usize, c: usize| corner(n)[c] + corner(n + 1)[c];
            for c in 0..4 {
                let along = point(0, c) + u * (point(1, c) - point(0, c));
                let expected = along * (1.0 - v) + point(3, c) * v;
                assert!((vertex[c] - expected).abs() < 1e-3, "{vertex:?}, {expected}");
            }
            // The nearest control point's normal, the sum of all times the primitive, and the second edge factor.
            let sum: f32 = (0..4).map(|n| corner(n)[0] + 100.0).sum::<f32>() * patch as f32;
            let factor = (corner(1)[0] + 100.0 - 98.0).min(15.0);
            let nearest = (u * 4.0) as usize;
            let normal = if nearest < 4 { corner(nearest)[0] + 100.0 } else { 0.0 };
            assert!((vertex[4] - (normal + sum + factor)).abs() < 1e-2, "{vertex:?}");
        }
        let [a, b, c] = [0, 1, 2].map(|n: usize| [triangle[n][8], triangle[n][9]]);
        let turn = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1]);
        // Counterclockwise, as asked for, where v points down.
        assert!(turn < 1e-6, "{a:?} {b:?} {c:?}");
        area[patch] -= turn / 2.0;
    }
    // Each patch is covered once.
    assert!(area.iter().all(|area| (area - 1.0).abs() < 1e-3), "{area:?}");
}
