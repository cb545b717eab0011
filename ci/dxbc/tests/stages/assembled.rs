//! What fxc does not emit, assembled by hand: vertices that are emitted and cut in one instruction, join phases, and
//! vertex shaders that choose layer and viewport.

use pvgpu_dxbc::token::declaration::SystemValue;
use pvgpu_dxbc::token::opcode::Opcode;
use pvgpu_dxbc::token::operand::{Components, RegisterFile};
use pvgpu_dxbc::{ShaderStage, SignatureElement, Signatures, StreamOutput};
use pvgpu_dxbc_tests::assembler::{
    Assembly, Instruction, Operand, input, output, register, relative, scalar, special, temp,
};
use pvgpu_dxbc_tests::gpu::{Attribute, Draw, Gpu, Primitives, Target, Viewport, vk};

use crate::raster::{full, pixels};
use crate::support::{Program, capture, capture_all, link_programs, program, rows, stages};

/// Component types of signatures.
const UINT: u32 = 1;
const FLOAT: u32 = 3;

fn element(name: &str, register: u32, mask: u8, component_type: u32) -> SignatureElement {
    SignatureElement {
        semantic_name: name.into(),
        component_type,
        register,
        mask,
        ..SignatureElement::default()
    }
}

fn assembled(name: &str, assembly: &Assembly, signatures: Signatures) -> Program {
    Program { name: name.into(), tokens: assembly.tokens(), signatures }
}

/// v\[vertex\]\[number\].
fn vertex_input(vertex: u32, number: u32) -> Operand {
    Operand::new(RegisterFile::Input, [vertex.into(), number.into()])
}

/// A stream register.
fn stream(number: u32) -> Operand {
    register(RegisterFile::Stream, number).with_components(Components::Zero)
}

/// A register that is declared without components and read as a scalar.
fn declared(file: RegisterFile) -> Operand {
    special(file).with_components(Components::Zero)
}

/// `D3D10_SB_PRIMITIVE` and `D3D10_SB_PRIMITIVE_TOPOLOGY`.
const POINT: u32 = 1;
const POINT_LIST: u32 = 1;
const LINE_STRIP: u32 = 3;
const TRIANGLE_STRIP: u32 = 5;

/// What a geometry shader does in turn.
#[derive(Clone, Copy)]
enum Step {
    Emit(u32),
    EmitThenCut(u32),
    Cut,
}

/// A geometry shader of points that emits its input's number plus what the steps say.
fn steps(model: (u32, u32), topology: u32, streams: &[u32], list: &[(u32, Step)]) -> Program {
    let mut assembly = Assembly::new(ShaderStage::Geometry).model(model.0, model.1);
    assembly.input(vertex_input(1, 0).mask("x")).temps(1);
    assembly.declare(Opcode::DclGsInputPrimitive, POINT << 11, [], &[]);
    let with_streams = model.0 == 5;
    for number in streams {
        if with_streams {
            assembly.declare(Opcode::DclStream, 0, [stream(*number)], &[]);
        }
        assembly.declare(Opcode::DclGsOutputPrimitiveTopology, topology << 11, [], &[]);
        assembly.output(output(0).mask("x"));
    }
    assembly.declare(Opcode::DclMaxOutputVertexCount, 0, [], &[32]);
    for (number, step) in list {
        let value = match step {
            Step::Emit(value) | Step::EmitThenCut(value) => Some(*value),
            Step::Cut => None,
        };
        if let Some(value) = value {
            let number = vertex_input(0, 0).swizzle("xxxx");
            assembly.op(Opcode::Iadd, [output(0).mask("x"), number, scalar(value)]);
        }
        let (old, new) = match step {
            Step::Emit(_) => (Opcode::Emit, Opcode::EmitStream),
            Step::EmitThenCut(_) => (Opcode::EmitThenCut, Opcode::EmitThenCutStream),
            Step::Cut => (Opcode::Cut, Opcode::CutStream),
        };
        if with_streams {
            assembly.op(new, [stream(*number)]);
        } else {
            assembly.op(old, []);
        }
    }
    assembly.push(Instruction::new(Opcode::Ret));
    let number = |stream| SignatureElement { stream, ..element("NUMBER", 0, 1, UINT) };
    let output = streams.iter().map(|stream| number(*stream)).collect();
    let signatures = Signatures { input: vec![number(0)], output, patch_constant: Vec::new() };
    assembled("assembled geometry shader", &assembly, signatures)
}

#[test]
fn vertices_emitted_and_cut() {
    let gpu = Gpu::open();
    use Step::{Cut, Emit, EmitThenCut};
    let list = [
        Emit(1),
        EmitThenCut(2),
        EmitThenCut(3),
        Emit(4),
        Emit(5),
        Emit(6),
        EmitThenCut(7),
        Cut,
        Cut,
        Emit(8),
        Emit(9),
        Emit(10),
        Cut,
        Emit(11),
        EmitThenCut(12),
        Emit(13),
        Emit(14),
        Emit(15),
    ];
    let list = list.map(|step| (0, step));
    let lines = [[1, 2], [4, 5], [5, 6], [6, 7], [8, 9], [9, 10], [11, 12], [13, 14], [14, 15]];
    let triangles = [[4, 5, 6], [5, 7, 6], [8, 9, 10], [13, 14, 15]];
    let lines: Vec<Vec<u32>> = lines.map(|line| line.to_vec()).to_vec();
    let triangles: Vec<Vec<u32>> = triangles.map(|triangle| triangle.to_vec()).to_vec();
    for model in [(4, 0), (5, 0)] {
        for (topology, primitives) in [(LINE_STRIP, &lines), (TRIANGLE_STRIP, &triangles)] {
            let programs = [program("vs_number"), steps(model, topology, &[0], &list)];
            let linked = link_programs(&gpu, &programs, Some(&capture_all(&programs[1], &["NUMBER"])));
            let mut draw = Draw {
                stages: stages(&linked),
                topology: vk::PrimitiveTopology::POINT_LIST,
                count: 2,
                instances: 2,
                targets: Vec::new(),
                feedback: vec![4096],
                ..Draw::default()
            };
            let drawn = gpu.draw(&mut draw);
            let expected: Vec<Vec<u32>> = [0, 1, 1000, 1001]
                .iter()
                .flat_map(|number| primitives.iter().map(move |one| one.iter().map(|n| n + number).collect()))
                .collect();
            let count = expected.len() as u64;
            assert_eq!(drawn.primitives[0], Primitives { written: count, needed: count });
            let found = rows(&drawn.feedback[0], expected[0].len(), expected.len());
            assert_eq!(found, expected, "{model:?} {topology}");
        }
    }
}

#[test]
fn points_emitted_and_cut_in_streams() {
    let gpu = Gpu::open();
    use Step::{Cut, Emit, EmitThenCut};
    let list = [
        (0, Emit(1)),
        (2, EmitThenCut(2)),
        (0, EmitThenCut(3)),
        (3, Emit(4)),
        (2, Cut),
        (3, EmitThenCut(5)),
        (2, Emit(6)),
        (0, Cut),
        (3, Emit(7)),
    ];
    let streams = [0, 2, 3];
    let programs = [program("vs_number"), steps((5, 0), POINT_LIST, &streams, &list)];
    let entries = streams.iter().map(|stream| capture(&programs[1], "NUMBER", *stream, *stream)).collect();
    let captured = StreamOutput { entries, strides: [0; 4], rasterized_stream: None };
    let linked = link_programs(&gpu, &programs, Some(&captured));
    let mut draw = Draw {
        stages: stages(&linked),
        topology: vk::PrimitiveTopology::POINT_LIST,
        count: 3,
        targets: Vec::new(),
        feedback: vec![1024; 4],
        ..Draw::default()
    };
    let drawn = gpu.draw(&mut draw);
    for (stream, values) in [(0, vec![1, 3]), (1, vec![]), (2, vec![2, 6]), (3, vec![4, 5, 7])] {
        let expected: Vec<Vec<u32>> =
            (0..3).flat_map(|number| values.iter().map(move |value| vec![value + number])).collect();
        assert_eq!(rows(&drawn.feedback[stream], 1, expected.len()), expected, "stream {stream}");
        assert_eq!(drawn.primitives[stream].written, expected.len() as u64);
    }
}

/// The phases of a hull shader after its declarations, each an instruction token and a part of a program.
fn hull(declarations: &Assembly, phases: &[(Opcode, Assembly)]) -> Vec<u32> {
    let whole = declarations.tokens();
    let mut tokens = vec![whole[0], 0, 1 << 24 | Opcode::HsDecls as u32];
    tokens.extend(&whole[2..]);
    for (opcode, phase) in phases {
        tokens.push(1 << 24 | *opcode as u32);
        tokens.extend(&phase.tokens()[2..]);
    }
    tokens[1] = tokens.len() as u32;
    tokens
}

/// vpc#.
fn patch_constant(number: u32) -> Operand {
    register(RegisterFile::InputPatchConstant, number)
}

/// A control point's register, of those that come in or of those that go out.
fn control_point(file: RegisterFile, point: u32, number: u32) -> Operand {
    Operand::new(file, [point.into(), number.into()])
}

/// `patch constants`: three factors by instances of a fork phase, the inside factor and two sums by join phases.
fn joining() -> Program {
    let mut declarations = Assembly::new(ShaderStage::Hull);
    declarations.declare(Opcode::DclInputControlPointCount, 3 << 11, [], &[]);
    declarations.declare(Opcode::DclOutputControlPointCount, 3 << 11, [], &[]);
    // A triangle, integer factors, points.
    declarations.declare(Opcode::DclTessDomain, 2 << 11, [], &[]);
    declarations.declare(Opcode::DclTessPartitioning, 1 << 11, [], &[]);
    declarations.declare(Opcode::DclTessOutputPrimitive, 1 << 11, [], &[]);

    let instance = || temp(0).select(0);
    let mut factors = Assembly::new(ShaderStage::Hull);
    factors.declare(Opcode::DclHsForkPhaseInstanceCount, 0, [], &[3]);
    factors.input(declared(RegisterFile::InputForkInstanceId));
    for number in 0..3 {
        let value = SystemValue::TessFactor(17 + number as u8);
        factors.output_system(Opcode::DclOutputSiv, output(number).mask("x"), value);
    }
    factors.temps(1).index_range(output(0).mask("x"), 3);
    let id = special(RegisterFile::InputForkInstanceId).swizzle("xxxx");
    factors.op(Opcode::Mov, [temp(0).mask("x"), id]);
    factors.op(Opcode::Utof, [temp(0).mask("y"), temp(0).swizzle("xxxx")]);
    let computed = Operand::new(RegisterFile::Output, [relative(0, instance())]).mask("x");
    factors.op(Opcode::Add, [computed, temp(0).swizzle("yyyy"), scalar(2f32.to_bits())]);
    factors.push(Instruction::new(Opcode::Ret));

    let mut identity = Assembly::new(ShaderStage::Hull);
    identity.input(declared(RegisterFile::InputPrimitiveId)).output(output(4).mask("x"));
    let primitive = special(RegisterFile::InputPrimitiveId).with_components(Components::One);
    identity.op(Opcode::Mov, [output(4).mask("x"), primitive]);
    identity.push(Instruction::new(Opcode::Ret));

    // Each of two instances writes the sum of the factors and its own number to a register of its own.
    let mut sums = Assembly::new(ShaderStage::Hull);
    sums.declare(Opcode::DclHsJoinPhaseInstanceCount, 0, [], &[2]);
    sums.input(declared(RegisterFile::InputJoinInstanceId));
    for number in 0..3 {
        sums.input(patch_constant(number).mask("x"));
    }
    sums.output(output(5).mask("x")).output(output(6).mask("x")).temps(1);
    sums.index_range(output(5).mask("x"), 2);
    let id = special(RegisterFile::InputJoinInstanceId).swizzle("xxxx");
    sums.op(Opcode::Mov, [temp(0).mask("x"), id]);
    sums.op(Opcode::Utof, [temp(0).mask("y"), temp(0).swizzle("xxxx")]);
    for number in 0..3 {
        let value = patch_constant(number).swizzle("xxxx");
        sums.op(Opcode::Add, [temp(0).mask("y"), temp(0).swizzle("yyyy"), value]);
    }
    let computed = Operand::new(RegisterFile::Output, [relative(5, instance())]).mask("x");
    sums.op(Opcode::Mov, [computed, temp(0).swizzle("yyyy")]);
    sums.push(Instruction::new(Opcode::Ret));

    // The inside factor is what a fork phase gave, and both kinds of control points are read.
    let mut rest = Assembly::new(ShaderStage::Hull);
    rest.input(patch_constant(2).mask("x"));
    rest.input(control_point(RegisterFile::InputControlPoint, 3, 0).mask("xyzw"));
    rest.input(control_point(RegisterFile::OutputControlPoint, 3, 0).mask("xyzw"));
    rest.output_system(Opcode::DclOutputSiv, output(3).mask("x"), SystemValue::TessFactor(20));
    rest.output(output(7).mask("xyzw"));
    rest.op(Opcode::Mov, [output(3).mask("x"), patch_constant(2).swizzle("xxxx")]);
    let first = control_point(RegisterFile::InputControlPoint, 1, 0).swizzle("xyzw");
    let second = control_point(RegisterFile::OutputControlPoint, 2, 0).swizzle("xyzw");
    rest.op(Opcode::Add, [output(7).mask("xyzw"), first, second]);
    rest.push(Instruction::new(Opcode::Ret));

    let phases = [
        (Opcode::HsForkPhase, factors),
        (Opcode::HsForkPhase, identity),
        (Opcode::HsJoinPhase, sums),
        (Opcode::HsJoinPhase, rest),
    ];
    let points = vec![element("POSITION", 0, 0xf, FLOAT), element("NUMBER", 1, 1, UINT)];
    let signatures = Signatures { input: points.clone(), output: points, patch_constant: patch_constants() };
    Program { name: "joining".into(), tokens: hull(&declarations, &phases), signatures }
}

fn patch_constants() -> Vec<SignatureElement> {
    let factor =
        |register, system_value| SignatureElement { system_value, ..element("FACTOR", register, 1, FLOAT) };
    vec![
        factor(0, 17),
        factor(1, 18),
        factor(2, 19),
        factor(3, 20),
        element("PRIMITIVE", 4, 1, UINT),
        element("SUM", 5, 1, FLOAT),
        element("SUM", 6, 1, FLOAT),
        element("POINTS", 7, 0xf, FLOAT),
    ]
}

/// Gives the patch constants of [`joining`] on.
fn showing() -> Program {
    let mut assembly = Assembly::new(ShaderStage::Domain);
    assembly.declare(Opcode::DclInputControlPointCount, 3 << 11, [], &[]);
    assembly.declare(Opcode::DclTessDomain, 2 << 11, [], &[]);
    for number in 4..7 {
        assembly.input(patch_constant(number).mask("x"));
    }
    assembly.input(patch_constant(7).mask("xyzw"));
    assembly.output(output(0).mask("xyz")).output(output(1).mask("xyzw"));
    for (number, component) in [(4, "x"), (5, "y"), (6, "z")] {
        let value = patch_constant(number).swizzle("xxxx");
        assembly.op(Opcode::Mov, [output(0).mask(component), value]);
    }
    assembly.op(Opcode::Mov, [output(1).mask("xyzw"), patch_constant(7).swizzle("xyzw")]);
    assembly.push(Instruction::new(Opcode::Ret));
    let output = vec![element("SHOWN", 0, 7, FLOAT), element("POINTS", 1, 0xf, FLOAT)];
    let input = vec![element("POSITION", 0, 0xf, FLOAT), element("NUMBER", 1, 1, UINT)];
    let signatures = Signatures { input, output, patch_constant: patch_constants() };
    assembled("showing", &assembly, signatures)
}

#[test]
fn join_phases() {
    let gpu = Gpu::open();
    let programs = [program("vs_control_point"), joining(), showing()];
    let captured = capture_all(&programs[2], &["SHOWN", "POINTS"]);
    let linked = link_programs(&gpu, &programs, Some(&captured));
    let positions: Vec<[f32; 4]> = (0..9).map(|n| [n as f32, 1.0, (n * n) as f32, 2.0]).collect();
    let mut draw = Draw {
        stages: stages(&linked),
        attributes: vec![Attribute::floats(0, &positions)],
        topology: vk::PrimitiveTopology::PATCH_LIST,
        patch_control_points: 3,
        count: 9,
        targets: Vec::new(),
        feedback: vec![1 << 14],
        ..Draw::default()
    };
    let drawn = gpu.draw(&mut draw);
    // Edges of 2, 3 and 4 segments have 9 points; inside, a factor of 4 leaves a ring of 6 and the middle.
    let points = 9 + 6 + 1;
    assert_eq!(drawn.primitives[0].written, 3 * points as u64);
    for (patch, rows) in (0u32..).zip(rows(&drawn.feedback[0], 7, 3 * points).chunks(points)) {
        let [second, third] = [positions[3 * patch as usize + 1], positions[3 * patch as usize + 2]];
        let mut expected = vec![patch, 9f32.to_bits(), 10f32.to_bits()];
        expected.extend((0..4).map(|n| (second[n] + third[n]).to_bits()));
        for row in rows {
            assert_eq!(*row, expected, "patch {patch}");
        }
    }
}

/// A vertex shader that takes layer and viewport from an attribute, as D3D11.3 allows.
fn choosing() -> Program {
    let mut assembly = Assembly::new(ShaderStage::Vertex);
    assembly.input(input(0).mask("xyzw")).input(input(1).mask("xy"));
    assembly.output_system(Opcode::DclOutputSiv, output(0).mask("xyzw"), SystemValue::Position);
    let (layer, viewport) = (SystemValue::RenderTargetArrayIndex, SystemValue::ViewportArrayIndex);
    assembly.output_system(Opcode::DclOutputSiv, output(1).mask("x"), layer);
    assembly.output_system(Opcode::DclOutputSiv, output(1).mask("y"), viewport);
    assembly.op(Opcode::Mov, [output(0).mask("xyzw"), input(0).swizzle("xyzw")]);
    assembly.op(Opcode::Mov, [output(1).mask("xy"), input(1).swizzle("xyxx")]);
    assembly.push(Instruction::new(Opcode::Ret));
    let system = |value, mask| SignatureElement { system_value: value, ..element("PLACE", 1, mask, UINT) };
    let position = SignatureElement { system_value: 1, ..element("SV_Position", 0, 0xf, FLOAT) };
    let signatures = Signatures {
        input: vec![element("POSITION", 0, 0xf, FLOAT), element("PLACE", 1, 3, UINT)],
        output: vec![position, system(4, 1), system(5, 2)],
        patch_constant: Vec::new(),
    };
    assembled("choosing", &assembly, signatures)
}

#[test]
fn vertex_shaders_choose_layer_and_viewport() {
    let gpu = Gpu::open();
    let linked = link_programs(&gpu, &[choosing(), program("ps_layer")], None);
    let places = [[2, 1, 0, 0], [0, 0, 0, 0], [1, 1, 0, 0]];
    let mut draw = Draw {
        stages: stages(&linked),
        attributes: vec![
            Attribute::floats(0, &full(0.5)),
            Attribute { register: 1, components: 2, per_instance: true, values: places.to_vec() },
        ],
        extent: [8, 8],
        layers: 4,
        targets: vec![Target::integers()],
        viewports: vec![
            Viewport { origin: [0.0, 0.0], size: [3.0, 8.0], depth: [0.0, 1.0] },
            Viewport { origin: [2.0, 4.0], size: [5.0, 2.0], depth: [0.0, 1.0] },
        ],
        instances: 3,
        ..Draw::default()
    };
    let drawn = gpu.draw(&mut draw);
    for layer in 0..4 {
        let viewport = [0, 1, 1].get(layer as usize).copied();
        for [x, y] in pixels(8) {
            let inside = match viewport {
                Some(0) => x < 3,
                Some(_) => (2..7).contains(&x) && (4..6).contains(&y),
                None => false,
            };
            let expected = match viewport.filter(|_| inside) {
                Some(viewport) => [layer + 1, viewport + 1, x, y],
                None => [0; 4],
            };
            assert_eq!(drawn.targets[0].texel(layer, 0, [x, y, 0], 0), expected, "{layer} {x} {y}");
        }
    }
}

#[test]
fn buffers_that_are_full() {
    let gpu = Gpu::open();
    let programs = [program("vs_number"), program("gs_instances")];
    let linked = link_programs(&gpu, &programs, Some(&capture_all(&programs[1], &["IDS"])));
    // Six vertices of 16 bytes for each point, room for five and a half.
    let mut draw = Draw {
        stages: stages(&linked),
        topology: vk::PrimitiveTopology::POINT_LIST,
        count: 2,
        targets: Vec::new(),
        feedback: vec![88],
        ..Draw::default()
    };
    let drawn = gpu.draw(&mut draw);
    assert_eq!(drawn.primitives[0], Primitives { written: 5, needed: 12 });
    let found = rows(&drawn.feedback[0], 4, 5);
    assert_eq!(found[4], [0, 3, 0, 8]);
}

#[test]
fn captured_and_drawn() {
    let gpu = Gpu::open();
    let programs = [program("vs_corner"), program("gs_layers"), program("ps_layers")];
    let captured = StreamOutput {
        rasterized_stream: Some(0),
        ..capture_all(&programs[1], &["COLOR", "SV_RenderTargetArrayIndex", "SV_Position"])
    };
    let linked = link_programs(&gpu, &programs, Some(&captured));
    let color = [[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0], [9.0, 10.0, 11.0, 12.0]];
    let mut draw = Draw {
        stages: stages(&linked),
        attributes: vec![Attribute::floats(0, &full(0.5)), Attribute::floats(1, &color)],
        layers: 3,
        targets: vec![Target::floats(), Target::integers()],
        viewports: vec![Viewport { origin: [0.0; 2], size: [4.0; 2], depth: [0.0, 1.0] }; 2],
        feedback: vec![1024],
        ..Draw::default()
    };
    let drawn = gpu.draw(&mut draw);
    let mut expected = Vec::new();
    for layer in 0..3u32 {
        for (color, position) in color.iter().zip(full(0.5)) {
            let mut row = color.map(|value| (value + layer as f32).to_bits()).to_vec();
            row.push(layer);
            row.extend(position.map(f32::to_bits));
            expected.push(row);
        }
        for [x, y] in pixels(4) {
            assert_eq!(drawn.targets[1].texel(layer, 0, [x, y, 0], 0), [1 + 10 * layer, layer, layer & 1, 5]);
        }
    }
    assert_eq!(rows(&drawn.feedback[0], 9, 9), expected);
    assert_eq!(drawn.samples_passed, 48);
}
