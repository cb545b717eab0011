//! Reads with feedback give what the plain ones give, and all memory is mapped; masked sums of differences.

use pvgpu_dxbc::{BindingLayout, CompileOptions, TargetCapabilities};
use pvgpu_dxbc_tests::fixture::{Fixture, compile, fixtures};
use pvgpu_dxbc_tests::gpu::{Contents, Gpu};
use pvgpu_dxbc_tests::random::Random;
use pvgpu_dxbc_tests::validator::validate;
use rspirv::dr::Operand;
use rspirv::spirv::ImageOperands;

fn fixture(name: &str) -> Fixture {
    fixtures().into_iter().find(|fixture| fixture.name == name).unwrap()
}

#[test]
fn reads_with_feedback() {
    let fixture = fixture("cs_feedback");
    let shader = compile(&fixture.shader.tokens, &fixture).unwrap();
    let texels: Vec<f32> = (0..16).map(|n| n as f32).collect();
    let mut contents = [
        Contents::Sampler { comparison: false },
        Contents::Texture(texels),
        Contents::Buffer(vec![11, 12, 13]),
        Contents::Buffer(vec![21, 22, 23, 24]),
        Contents::Buffer(vec![0; 32]),
    ];
    Gpu::open().run(&shader, &mut contents, 4);
    let found = contents[4].dwords();
    for thread in 0..4usize {
        // What is outside a resource is zero, and as mapped as the rest.
        let raw = [11, 12, 13, 0][thread];
        let pair = [[21, 22], [23, 24], [0, 0], [0, 0]][thread];
        // Row 1 and the offset make row 2; column 2 of row 0; the texels around the middle are 5, 6, 9 and 10.
        let texels = [8.0 + thread as f32, 2.0, 9.0, 6.0].map(f32::to_bits);
        let expected = [[31, raw, pair[0], pair[1]], texels].concat();
        assert_eq!(found[thread * 8..thread * 8 + 8], expected, "thread {thread}");
    }
}

#[test]
fn least_levels_are_an_operand_or_a_bias() {
    let fixture = fixture("ps_feedback");
    let layout = BindingLayout::default();
    let mut options = CompileOptions::new(&layout, TargetCapabilities::default());
    for min_lod in [false, true] {
        options.target.shader_resource_min_lod = min_lod;
        let shader =
            pvgpu_dxbc::compile(&fixture.shader.tokens, &fixture.shader.signatures, &options).unwrap();
        validate("ps_feedback", &shader.spirv);
        let module = rspirv::dr::load_words(&shader.spirv).unwrap();
        let with_least_level = module
            .all_inst_iter()
            .flat_map(|instruction| &instruction.operands)
            .filter(|operand| match operand {
                Operand::ImageOperands(flags) => flags.contains(ImageOperands::MIN_LOD),
                _ => false,
            })
            .count();
        // Six reads of the shader have one.
        assert_eq!(with_least_level, if min_lod { 6 } else { 0 });
    }
}

/// The specification's `msad`, section 22.12.15.
fn msad(reference: u32, source: u32, sum: u32) -> u32 {
    let bytes = reference.to_le_bytes().into_iter().zip(source.to_le_bytes());
    bytes.filter(|(a, _)| *a != 0).fold(sum, |sum, (a, b)| sum.saturating_add(a.abs_diff(b).into()))
}

#[test]
fn masked_sums_of_absolute_differences() {
    let mut random = Random(3);
    let mut input: Vec<[u32; 4]> = vec![
        [0, u32::MAX, u32::MAX, 5],
        [0xffff_ffff, 0, 0, u32::MAX - 3],
        [0x00ff_00ff, 0x1234_5678, 0x9abc_def0, 0],
        [0x0102_0304, 0x0403_0201, 0x0102_0304, u32::MAX],
    ];
    input.extend((0..60).map(|_| [(); 4].map(|()| random.dword())));
    let fixture = fixture("cs_msad");
    let shader = compile(&fixture.shader.tokens, &fixture).unwrap();
    let mut contents = [Contents::Buffer(input.concat()), Contents::Buffer(vec![0; 4 * input.len()])];
    Gpu::open().run(&shader, &mut contents, input.len() as u32);
    for ([x, y, z, w], found) in input.iter().copied().zip(contents[1].dwords().chunks(4)) {
        // msad4 takes four dwords that start at each byte of its second argument.
        let wide = u64::from(y) | u64::from(z) << 32;
        let places = [0, 8, 16, 24].map(|shift| (wide >> shift) as u32);
        let sums = [w, x, y, z];
        let expected: Vec<u32> = places.iter().zip(sums).map(|(place, sum)| msad(x, *place, sum)).collect();
        assert_eq!(found, expected, "{x:#x} {y:#x} {z:#x} {w:#x}");
    }
}
