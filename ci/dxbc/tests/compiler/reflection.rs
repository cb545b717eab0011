//! What reflection says of the fixtures, and what the options change in the module.

use pvgpu_dxbc::{
    Binding, BindingClass, BindingKind, BindingLayout, CompileOptions, Compiled, DescriptorSlot,
    DescriptorType, Error, PUSH_CONSTANT_BYTES, ResourceDimension, ReturnType, StorageFormat,
    TargetCapabilities,
};
use rspirv::dr::{Module, Operand, load_words};
use rspirv::spirv::Decoration;

use pvgpu_dxbc_tests::fixture::{Fixture, class_instances, compile as compile_plain, fixtures};
use pvgpu_dxbc_tests::validator::validate;

fn fixture(name: &str) -> Fixture {
    fixtures().into_iter().find(|fixture| fixture.name == name).unwrap()
}

fn compile(name: &str, change: impl FnOnce(&mut CompileOptions<'_>)) -> Result<Compiled, Error> {
    let (fixture, layout) = (fixture(name), BindingLayout::default());
    let mut options = CompileOptions::new(&layout, TargetCapabilities::default());
    change(&mut options);
    pvgpu_dxbc::compile(&fixture.shader.tokens, &fixture.shader.signatures, &options)
}

/// The values of all decorations of a kind, sorted.
fn decorations(compiled: &Compiled, kind: Decoration) -> Vec<u32> {
    let module: Module = load_words(&compiled.spirv).unwrap();
    let mut values: Vec<u32> = module
        .annotations
        .iter()
        .filter(|annotation| annotation.operands.get(1) == Some(&Operand::Decoration(kind)))
        .filter_map(|annotation| match annotation.operands.get(2) {
            Some(Operand::LiteralBit32(value)) => Some(*value),
            _ => None,
        })
        .collect();
    values.sort_unstable();
    values
}

#[test]
fn bindings_of_a_pixel_shader() {
    let reflection = compile("ps_textured", |_| {}).unwrap().reflection;
    let typed = |dimension| BindingKind::Typed { dimension, return_type: ReturnType::Float };
    // Stage 4 of the default layout starts at binding 1,152.
    let expected = [
        (BindingClass::ConstantBuffer, 1, 1153, BindingKind::ConstantBuffer { bytes: 16 }),
        (BindingClass::Sampler, 0, 1168, BindingKind::Sampler { comparison: false }),
        (BindingClass::Sampler, 1, 1169, BindingKind::Sampler { comparison: true }),
        (BindingClass::ShaderResource, 0, 1184, typed(ResourceDimension::Texture2D)),
        (BindingClass::ShaderResource, 1, 1185, typed(ResourceDimension::Texture2DArray)),
        (BindingClass::ShaderResource, 2, 1186, typed(ResourceDimension::Texture2D)),
    ]
    .map(|(class, slot, binding, kind)| Binding {
        class,
        slot,
        count: 1,
        descriptor: DescriptorSlot { set: 0, binding },
        kind,
    });
    assert_eq!(reflection.bindings, expected);
    assert!(reflection.discards && !reflection.writes_depth && !reflection.per_sample);
}

#[test]
fn views_of_a_compute_shader() {
    let reflection = compile("cs_typed", |_| {}).unwrap().reflection;
    let format = |slot| match reflection.binding(BindingClass::UnorderedAccess, slot).unwrap().kind {
        BindingKind::StorageTyped { format, .. } => format,
        other => panic!("{other:?}"),
    };
    // Atomics and loads need a format; the views that are only written do not.
    assert_eq!(
        (0..6).map(format).collect::<Vec<_>>(),
        [
            Some(StorageFormat::R32Uint),
            None,
            Some(StorageFormat::R32Sfloat),
            Some(StorageFormat::R32Sint),
            Some(StorageFormat::R32Uint),
            None,
        ]
    );
    let counts = reflection.binding(BindingClass::UnorderedAccess, 0).unwrap();
    assert_eq!(counts.kind.descriptor_type(), DescriptorType::StorageTexelBuffer);
    let reflection = compile("cs_structured", |_| {}).unwrap().reflection;
    let counters: Vec<u32> = reflection
        .bindings
        .iter()
        .filter(|binding| binding.class == BindingClass::UnorderedAccessCounter)
        .map(|binding| binding.slot)
        .collect();
    assert_eq!(counters, [1, 2]);
    assert_eq!(reflection.thread_group_size, [64, 1, 1]);
}

#[test]
fn interfaces() {
    let vertex = compile("vs_system", |_| {}).unwrap().reflection;
    // The ids are built-ins; EXTRA and MORE are attributes, signed and unsigned.
    let inputs: Vec<_> = vertex.inputs.iter().map(|input| (input.location, input.component_type)).collect();
    assert_eq!(inputs, [(None, 1), (None, 1), (Some(2), 2), (Some(3), 1)]);
    // The position is a built-in only; distances are built-ins and located.
    assert_eq!(vertex.output_mask() & 1, 0);
    assert_ne!(vertex.output_mask(), 0);
    let pixel = compile("ps_outputs", |_| {}).unwrap().reflection;
    let outputs: Vec<_> =
        pixel.outputs.iter().map(|output| (output.location, output.component_type)).collect();
    assert_eq!(outputs[..3], [(Some(0), 3), (Some(1), 1), (Some(3), 2)]);
    assert!(pixel.writes_depth && pixel.writes_coverage && pixel.per_sample);
    assert!(compile("ps_gather", |_| {}).unwrap().reflection.uses_sample_count);
}

#[test]
fn options_change_the_interface() {
    let all = compile("ps_textured", |_| {}).unwrap();
    assert_eq!(decorations(&all, Decoration::Location), [0, 1, 2, 3, 4]);
    // Register 3 is not written by the stage before, so that only 1, 2 and 4 stay, with output 0.
    let some = compile("ps_textured", |options| options.previous_stage_outputs = Some(0b10110)).unwrap();
    assert_eq!(decorations(&some, Decoration::Location), [0, 1, 2, 4]);
    let dual = compile("ps_arrays", |options| options.dual_source_blend = true).unwrap();
    assert_eq!(decorations(&dual, Decoration::Index), [0, 1]);
}

#[test]
fn missing_features_are_named() {
    let error = compile("vs_system", |options| options.target.shader_cull_distance = false).unwrap_err();
    assert_eq!(error, Error::MissingCapability { feature: "shaderCullDistance" });
    let error = compile("cs_double", |options| options.target.shader_float64 = false).unwrap_err();
    assert_eq!(error, Error::MissingCapability { feature: "shaderFloat64" });
}

#[test]
fn views_begin_where_push_constants_say() {
    let layout = BindingLayout { view_starts: true, ..BindingLayout::default() };
    let mut with_starts = 0;
    for fixture in fixtures() {
        let tokens = &fixture.shader.tokens;
        let instances = class_instances(tokens);
        let mut options = CompileOptions::new(&layout, TargetCapabilities::default());
        options.class_instances = &instances;
        let Ok(compiled) = pvgpu_dxbc::compile(tokens, &fixture.shader.signatures, &options) else {
            continue;
        };
        let reflection = &compiled.reflection;
        let starts: Vec<u32> = reflection
            .bindings
            .iter()
            .filter_map(|binding| reflection.view_start(binding.class, binding.slot))
            .collect();
        let plain = compile_plain(tokens, &fixture).expect("it compiles without starts, too");
        if starts.is_empty() {
            assert_eq!(compiled.spirv, plain.spirv, "{}", fixture.name);
            continue;
        }
        with_starts += 1;
        assert!(starts.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{}: {starts:?}", fixture.name);
        assert!(starts.iter().all(|start| *start < PUSH_CONSTANT_BYTES));
        assert_ne!(compiled.spirv, plain.spirv, "{}", fixture.name);
        validate(&fixture.name, &compiled.spirv);
    }
    assert!(with_starts >= 3, "{with_starts} fixtures have raw or structured views");
}

#[test]
fn streams_are_told_apart() {
    let streams = compile("gs_streams", |_| {}).unwrap().reflection;
    // A position and a colour; two numbers and a value; a sum.
    let masks = [0, 1, 2, 3].map(|stream| streams.output_mask_of(stream));
    assert_eq!(masks, [0b10, 0b11, 0b1, 0]);
}

#[test]
fn samplers_are_split_by_what_they_read() {
    let layout = BindingLayout { own_samplers: true, ..BindingLayout::default() };
    let mut split = 0;
    for fixture in fixtures() {
        let tokens = &fixture.shader.tokens;
        let instances = class_instances(tokens);
        let mut options = CompileOptions::new(&layout, TargetCapabilities::default());
        options.class_instances = &instances;
        options.split_samplers = true;
        let Ok(compiled) = pvgpu_dxbc::compile(tokens, &fixture.shader.signatures, &options) else {
            continue;
        };
        let reflection = &compiled.reflection;
        let plain = compile_plain(tokens, &fixture).expect("it compiles without splitting, too");
        if reflection.spare_samplers.is_empty() {
            assert_eq!(compiled.spirv, plain.spirv, "{}", fixture.name);
            continue;
        }
        split += 1;
        // Each texture is read with one descriptor of a sampler, and no two descriptors are in one place.
        let mut places: Vec<u32> =
            reflection.bindings.iter().map(|binding| binding.descriptor.binding).collect();
        for spare in &reflection.spare_samplers {
            let sampled = reflection.sampled.iter().find(|with| with.sampler == spare.of.sampler).unwrap();
            assert_eq!(sampled.resources & spare.of.resources, spare.of.resources, "{}", fixture.name);
            assert_ne!(sampled.resources, spare.of.resources, "{}", fixture.name);
            places.push(spare.descriptor.binding);
        }
        let count = places.len();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), count, "{}", fixture.name);
        let bound = decorations(&compiled, Decoration::Binding);
        assert!(bound.iter().all(|place| places.contains(place)), "{}", fixture.name);
        let spare = reflection.spare_samplers.iter().map(|spare| spare.descriptor.binding);
        assert!(spare.clone().all(|place| bound.contains(&place)), "{}", fixture.name);
        assert_ne!(compiled.spirv, plain.spirv, "{}", fixture.name);
        validate(&fixture.name, &compiled.spirv);
    }
    assert!(split >= 3, "{split} fixtures read several textures with a sampler");
}

#[test]
fn each_pair_of_a_texture_and_a_sampler_is_known() {
    let reflection = compile("ps_gather", |_| {}).unwrap().reflection;
    let sampled: Vec<_> = reflection.sampled.iter().map(|with| (with.sampler, with.resources)).collect();
    // An image, a cube and cubes; and what is compared.
    assert_eq!(sampled, [(0, 0b111), (1, 0b1000)]);
    assert!(reflection.spare_samplers.is_empty());
    // A declared sampler that compares filters nothing.
    let layout = BindingLayout { own_samplers: true, ..BindingLayout::default() };
    let fixture = fixture("ps_gather");
    let own = pvgpu_dxbc::reflect(&fixture.shader.tokens, &fixture.shader.signatures, &layout).unwrap();
    let spare: Vec<_> =
        own.spare_samplers.iter().map(|spare| (spare.of.sampler, spare.of.resources)).collect();
    assert_eq!(spare, [(0, 0b10), (0, 0b100)]);
}
