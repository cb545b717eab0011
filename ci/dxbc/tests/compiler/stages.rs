//! Geometry, hull and domain shaders: what their reflection says, which features they need, and their hostile forms.

use pvgpu_dxbc::{
    BindingLayout, CompileOptions, Compiled, Error, InputPrimitive, OutputTopology, StreamOutput,
    StreamOutputBuffer, StreamOutputEntry, TargetCapabilities, TessellatorDomain, TessellatorOutput,
    TessellatorPartitioning,
};
use pvgpu_dxbc_tests::fixture::{fixtures, named};
use pvgpu_dxbc_tests::random::Random;
use pvgpu_dxbc_tests::validator::validate;
use rspirv::dr::{Instruction, Operand, load_words};
use rspirv::spirv::{Capability, Decoration, ExecutionMode};

fn compile(name: &str, change: impl FnOnce(&mut CompileOptions<'_>)) -> Result<Compiled, Error> {
    let (fixture, layout) = (named(name), BindingLayout::default());
    let mut options = CompileOptions::new(&layout, TargetCapabilities::default());
    change(&mut options);
    pvgpu_dxbc::compile(&fixture.shader.tokens, &fixture.shader.signatures, &options)
}

/// As [`compile`], with stream output.
fn capturing(
    name: &str,
    output: &StreamOutput,
    change: impl FnOnce(&mut TargetCapabilities),
) -> Result<Compiled, Error> {
    let (fixture, layout) = (named(name), BindingLayout::default());
    let mut options = CompileOptions::new(&layout, TargetCapabilities::default());
    options.stream_output = Some(output);
    change(&mut options.target);
    pvgpu_dxbc::compile(&fixture.shader.tokens, &fixture.shader.signatures, &options)
}

fn compiled(name: &str) -> Compiled {
    compile(name, |_| {}).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn entry(
    stream: u32,
    register: u32,
    first_component: u32,
    component_count: u32,
    buffer: u32,
) -> StreamOutputEntry {
    StreamOutputEntry { stream, register: Some(register), first_component, component_count, buffer }
}

/// The execution modes of a module, by name.
fn modes(compiled: &Compiled) -> Vec<ExecutionMode> {
    let module = load_words(&compiled.spirv).unwrap();
    let mode = |instruction: &Instruction| match instruction.operands[1] {
        Operand::ExecutionMode(mode) => mode,
        ref other => panic!("{other:?}"),
    };
    module.execution_modes.iter().map(mode).collect()
}

/// Locations of the variables with this decoration, sorted.
fn locations_with(compiled: &Compiled, decoration: Decoration) -> Vec<u32> {
    let annotations = load_words(&compiled.spirv).unwrap().annotations;
    let has =
        |instruction: &Instruction, kind| instruction.operands.get(1) == Some(&Operand::Decoration(kind));
    let mut locations: Vec<u32> = annotations
        .iter()
        .filter(|location| has(location, Decoration::Location))
        .filter(|location| {
            annotations
                .iter()
                .any(|other| has(other, decoration) && other.operands[0] == location.operands[0])
        })
        .map(|location| location.operands[2].unwrap_literal_bit32())
        .collect();
    locations.sort_unstable();
    locations
}

#[test]
fn geometry_shaders_are_described() {
    let facts = |name| compiled(name).reflection.geometry.unwrap();
    let triangles = facts("gs_triangles");
    assert_eq!(triangles.input_primitive, InputPrimitive::Triangle);
    assert_eq!(triangles.output_topology, OutputTopology::TriangleStrip);
    assert_eq!((triangles.max_output_vertices, triangles.instances, triangles.streams), (9, 4, 1));
    let streams = facts("gs_streams");
    assert_eq!((streams.input_primitive, streams.streams), (InputPrimitive::Point, 0b111));
    assert_eq!(facts("gs_lines").input_primitive, InputPrimitive::Line);
    assert_eq!(facts("gs_line_adjacency").input_primitive, InputPrimitive::LineAdjacency);
    assert_eq!(facts("gs_triangle_adjacency").input_primitive, InputPrimitive::TriangleAdjacency);
}

#[test]
fn tessellation_is_described_and_set_up() {
    let hull = compiled("hs_constants").reflection.tessellation.unwrap();
    assert_eq!((hull.input_control_points, hull.output_control_points), (8, 5));
    assert_eq!(hull.domain, TessellatorDomain::Triangle);
    assert_eq!(hull.partitioning, Some(TessellatorPartitioning::FractionalOdd));
    assert_eq!(hull.output_primitive, Some(TessellatorOutput::TriangleClockwise));
    let domain = compiled("ds_isoline").reflection.tessellation.unwrap();
    assert_eq!((domain.domain, domain.input_control_points), (TessellatorDomain::Isoline, 2));
    assert_eq!((domain.partitioning, domain.output_primitive), (None, None));
    use ExecutionMode as E;
    let expected: [(&str, &[E]); 4] = [
        ("hs_quad", &[E::Quads, E::SpacingEqual, E::VertexOrderCcw, E::OutputVertices]),
        ("hs_isoline", &[E::Isolines, E::SpacingEqual, E::OutputVertices]),
        ("hs_points", &[E::Triangles, E::SpacingFractionalEven, E::PointMode, E::OutputVertices]),
        ("hs_tess", &[E::Triangles, E::SpacingFractionalOdd, E::VertexOrderCw, E::OutputVertices]),
    ];
    for (name, expected) in expected {
        assert_eq!(modes(&compiled(name)), expected, "{name}");
    }
}

#[test]
fn hull_and_domain_shaders_agree_on_locations() {
    for (hull, domain) in
        [("hs_constants", "ds_constants"), ("hs_quad", "ds_quad"), ("hs_isoline", "ds_isoline")]
    {
        let (hull, domain) = (compiled(hull), compiled(domain));
        let patches = locations_with(&hull, Decoration::Patch);
        assert_eq!(patches, locations_with(&domain, Decoration::Patch));
        let mask = patches.iter().fold(0, |mask, location| mask | 1 << (29 - location));
        assert_eq!(mask, hull.reflection.patch_constant_mask());
    }
    // What the hull shader does not write is not part of the interface.
    let some =
        compile("ds_constants", |options| options.previous_stage_patch_constants = Some(0b10)).unwrap();
    assert_eq!(locations_with(&some, Decoration::Patch), [28]);
    // A hull shader without a control point phase gives what it takes, the position at a location.
    let pass = compiled("hs_passthrough").reflection;
    assert_eq!(pass.output_mask(), 0b11);
}

#[test]
fn missing_features_are_named() {
    type Take = fn(&mut TargetCapabilities);
    let missing: [(&str, Take, &str); 4] = [
        ("gs_points", |target| target.geometry_shader = false, "geometryShader"),
        ("gs_triangles", |target| target.multi_viewport = false, "multiViewport"),
        ("hs_tess", |target| target.tessellation_shader = false, "tessellationShader"),
        ("ds_tess", |target| target.tessellation_shader = false, "tessellationShader"),
    ];
    for (name, take, feature) in missing {
        let result = compile(name, |options| take(&mut options.target));
        assert_eq!(result, Err(Error::MissingCapability { feature }), "{name}");
    }
    let output = |stream| {
        let entries = vec![entry(stream, 0, 0, 2, 0)];
        StreamOutput { entries, strides: [0; 4], rasterized_stream: Some(0) }
    };
    let result = capturing("gs_lines", &output(0), |target| target.transform_feedback = false);
    assert_eq!(result, Err(Error::MissingCapability { feature: "transformFeedback" }));
    // Streams need the feature only where they go somewhere.
    assert!(compile("gs_streams", |options| options.target.geometry_streams = false).is_ok());
    let result = capturing("gs_streams", &output(1), |target| target.geometry_streams = false);
    assert_eq!(result, Err(Error::MissingCapability { feature: "geometryStreams" }));
}

#[test]
fn whole_registers_are_captured_in_place() {
    let entries = vec![entry(0, 1, 0, 4, 0), entry(0, 1, 0, 4, 1), entry(0, 0, 0, 4, 2)];
    let output = StreamOutput { entries, strides: [32, 0, 0, 0], rasterized_stream: Some(0) };
    let compiled = capturing("vs_stream", &output, |_| {}).unwrap();
    validate("vs_stream", &compiled.spirv);
    // Registers 1 and 2 are at their locations. The repeat and the position take the free ones, 0 and 3.
    assert_eq!(locations_with(&compiled, Decoration::XfbBuffer), [0, 1, 3]);
    let reflection = compiled.reflection.stream_output.unwrap();
    assert_eq!(reflection.buffers[0], Some(StreamOutputBuffer { stride: 32, stream: 0 }));
    assert_eq!(reflection.rasterized_stream, Some(0));
    assert!(
        load_words(&compiled.spirv).unwrap().capabilities.iter().any(|capability| {
            capability.operands == [Operand::Capability(Capability::TransformFeedback)]
        })
    );
    let undeclared = StreamOutput { entries: vec![entry(0, 9, 0, 1, 0)], ..output };
    for name in ["vs_stream", "hs_tess", "ps_math"] {
        let result = capturing(name, &undeclared, |_| {});
        assert!(matches!(result, Err(Error::Invalid { opcode: "stream output", .. })), "{name}");
    }
}

/// An entry whose numbers are mostly valid.
fn random_entry(random: &mut Random) -> StreamOutputEntry {
    let first_component = random.below(4) as u32;
    // One in eight may go past w.
    let most = 4 - first_component as usize + usize::from(random.below(8) == 0);
    StreamOutputEntry {
        stream: if random.below(3) == 0 { random.below(5) as u32 } else { 0 },
        register: (random.below(6) != 0).then_some(random.below(5) as u32),
        first_component,
        component_count: 1 + random.below(most) as u32,
        buffer: random.below(4) as u32,
    }
}

#[test]
fn mutants_with_any_stream_output_are_valid() {
    let mut random = Random(0x6764_6873_7374_7265);
    let layout = BindingLayout::default();
    let tested = ["gs_", "hs_", "ds_", "vs_stream"];
    let fixtures: Vec<_> = fixtures()
        .into_iter()
        .filter(|fixture| tested.iter().any(|prefix| fixture.name.starts_with(prefix)))
        .collect();
    let (mut accepted, mut captured) = (0, 0);
    for round in 0..400 {
        for fixture in &fixtures {
            let tokens = match round % 4 {
                0 => fixture.shader.tokens.clone(),
                _ => random.mutate(&fixture.shader.tokens),
            };
            let output = StreamOutput {
                entries: (0..1 + random.below(4)).map(|_| random_entry(&mut random)).collect(),
                strides: [0; 4],
                rasterized_stream: [None, Some(0), Some(1)][random.below(3)],
            };
            let mut options = CompileOptions::new(&layout, TargetCapabilities::default());
            // A hull shader has none.
            let captures = random.below(3) != 0 && !fixture.name.starts_with("hs_");
            options.stream_output = captures.then_some(&output);
            options.previous_stage_outputs = (random.below(4) == 0).then(|| random.dword());
            options.previous_stage_system_values = (random.below(4) == 0).then(|| random.dword());
            options.previous_stage_patch_constants = (random.below(4) == 0).then(|| random.dword());
            let Ok(compiled) = pvgpu_dxbc::compile(&tokens, &fixture.shader.signatures, &options) else {
                continue;
            };
            accepted += 1;
            captured += usize::from(options.stream_output.is_some());
            // Each validation is a process, so a sample has to do.
            if accepted % EVERY == 0 {
                validate(&format!("mutant {accepted} of {}", fixture.name), &compiled.spirv);
            }
        }
    }
    assert!(accepted > 2_000 && captured > 100, "{accepted} accepted, {captured} with stream output");
}
/// How many accepted mutants there are for one that spirv-val sees.
const EVERY: usize = 10;
