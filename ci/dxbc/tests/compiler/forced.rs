//! Pixel shaders for a rasterizer with its own samples: modules that blend by themselves are valid, and coverage is that of the
//! samples that were asked for.

use pvgpu_dxbc::{
    BindingClass, BindingLayout, Blend, BlendedTarget, Channel, CompileOptions, Compiled, ForcedSamples,
    Numbers, ShaderBlending, ShaderStage, TargetCapabilities, Texel,
};
use pvgpu_dxbc_tests::fixture::{Fixture, class_instances, fixtures};
use pvgpu_dxbc_tests::validator::validate;
use rspirv::dr::{Operand, load_words};
use rspirv::spirv::{Capability, Op};

const ALL: Blend = Blend { src: 5, dest: 6, op: 1, src_alpha: 14, dest_alpha: 15, op_alpha: 3 };

fn texel(bits: u8, count: u8, numbers: Numbers) -> Texel {
    let mut channels = [Channel::default(); 4];
    for (index, channel) in (0..count).zip(&mut channels) {
        *channel = Channel { offset: index * bits, bits };
    }
    Texel { bytes: u32::from(bits) * u32::from(count) / 8, numbers, channels }
}

fn forced(texel: Texel, blend: Option<Blend>, write_mask: u8, interlock: bool) -> ForcedSamples {
    let target = BlendedTarget { texel, blend, logic_op: None, write_mask, opaque: false };
    let blending = ShaderBlending { targets: [Some(target); 8], layered: interlock, interlock };
    ForcedSamples {
        rasterized: 4,
        asked: 16,
        single_sampled: true,
        alpha_to_coverage: interlock,
        blending: Some(blending),
    }
}

fn compile(fixture: &Fixture, forced_samples: ForcedSamples, dual_source_blend: bool) -> Compiled {
    let layout = BindingLayout { view_starts: true, ..BindingLayout::default() };
    let tokens = &fixture.shader.tokens;
    let instances = class_instances(tokens);
    let options = CompileOptions {
        forced_samples: Some(forced_samples),
        dual_source_blend,
        class_instances: &instances,
        ..CompileOptions::new(&layout, TargetCapabilities::default())
    };
    let compiled = pvgpu_dxbc::compile(tokens, &fixture.shader.signatures, &options);
    compiled.unwrap_or_else(|error| panic!("{}: {error}", fixture.name))
}

fn pixel_shaders() -> Vec<Fixture> {
    let layout = BindingLayout::default();
    let mut all = fixtures();
    all.retain(|fixture| {
        let reflection = pvgpu_dxbc::reflect(&fixture.shader.tokens, &fixture.shader.signatures, &layout);
        reflection.is_ok_and(|reflection| reflection.stage == ShaderStage::Pixel)
    });
    all
}

#[test]
fn shaders_that_blend_are_valid() {
    let kinds = [
        texel(8, 4, Numbers::Unorm),
        texel(8, 4, Numbers::Srgb),
        texel(16, 2, Numbers::Snorm),
        texel(16, 4, Numbers::Float),
        texel(32, 4, Numbers::Float),
        texel(16, 1, Numbers::Uint),
        texel(8, 1, Numbers::Sint),
    ];
    let shaders = pixel_shaders();
    assert!(shaders.len() > 30);
    for (index, fixture) in shaders.iter().enumerate() {
        // Every shader meets some of the formats, every format many of the shaders.
        for (place, kind) in kinds.iter().enumerate().filter(|(place, _)| (index + place) % 3 == 0) {
            let interlock = place % 2 == 1;
            let compiled = compile(fixture, forced(*kind, Some(ALL), 0b1011, interlock), index % 5 == 0);
            validate(&fixture.name, &compiled.spirv);
            assert_eq!(
                compile(fixture, forced(*kind, Some(ALL), 0b1011, interlock), index % 5 == 0),
                compiled
            );
            let module = load_words(&compiled.spirv).expect("it is valid");
            let begins = module
                .all_inst_iter()
                .filter(|instruction| instruction.class.opcode == Op::BeginInvocationInterlockEXT)
                .count();
            let interlocked = module.capabilities.iter().any(|capability| {
                capability.operands == [Operand::Capability(Capability::FragmentShaderPixelInterlockEXT)]
            });
            assert_eq!(begins == 1, interlocked, "{}", fixture.name);
            assert_eq!(interlocked, interlock && compiled.reflection.output_mask() != 0, "{}", fixture.name);
        }
    }
}

#[test]
fn a_texel_is_read_only_where_something_of_it_is_kept() {
    let count = |compiled: &Compiled, op: Op| {
        let module = load_words(&compiled.spirv).expect("it is valid");
        module.all_inst_iter().filter(|instruction| instruction.class.opcode == op).count()
    };
    let shaders = pixel_shaders();
    let fixture = shaders.iter().find(|fixture| fixture.name == "ps_dual").expect("it is there");
    let unorm = texel(8, 4, Numbers::Unorm);
    for (blend, write_mask, dual, reads, writes) in [
        (None, 0b1111, false, 0, 2),
        (None, 0b0111, false, 2, 2),
        (Some(ALL), 0b1111, false, 2, 2),
        (Some(ALL), 0b1111, true, 1, 1),
        (Some(ALL), 0, false, 0, 0),
    ] {
        let compiled = compile(fixture, forced(unorm, blend, write_mask, false), dual);
        let found = (count(&compiled, Op::ImageRead), count(&compiled, Op::ImageWrite));
        assert_eq!(found, (reads, writes), "{blend:?}, {write_mask}, {dual}");
    }
}

#[test]
fn targets_lie_behind_the_bindings_of_all_stages() {
    let layout = BindingLayout::default();
    let last = layout.descriptor(ShaderStage::Compute, BindingClass::UnorderedAccessCounter, 63);
    let first = layout.descriptor(ShaderStage::Pixel, BindingClass::RenderTarget, 0);
    assert!(first.binding > last.binding, "{first:?}, {last:?}");
}
