//! The compute shaders among the fixtures.

use pvgpu_dxbc::{BindingKind, ResourceDimension, ReturnType, ShaderStage, StorageFormat};
use pvgpu_dxbc_tests::fixture::fixtures;
use pvgpu_dxbc_tests::gpu::{Contents, Format, Image, ImageKind};
use pvgpu_dxbc_tests::random::Random;

use crate::support::{Outcome, Pair};

/// Fixtures whose results may differ, and the section of `dxbc/docs/differences.md` that says why.
const TRIAGED: &[(&str, &str)] = &[("cs_special", "Angles; Float to half")];

/// Fixtures that are not run, because vkd3d-shader's module would be undefined behaviour in this process: it does not clamp
/// indices into registers and shared memory (`dxbc/docs/differences.md`, section "Indices").
const UNSAFE_FOR_VKD3D: &[&str] = &["cs_bounds"];

/// Thread groups of each run. The order of atomic operations of several is open, and results depend on it.
const GROUPS: u32 = 1;

#[test]
fn fixtures_compute_the_same() {
    let mut pair = Pair::new();
    let mut compared = 0;
    let mut failures = Vec::new();
    for fixture in fixtures() {
        let layout = pvgpu_dxbc::BindingLayout::default();
        let shader = &fixture.shader;
        let reflection = pvgpu_dxbc::reflect(&shader.tokens, &shader.signatures, &layout).unwrap();
        if reflection.stage != ShaderStage::Compute || UNSAFE_FOR_VKD3D.contains(&fixture.name.as_str()) {
            continue;
        }
        for seed in 1..=8 {
            let mut random = Random(0x9e37_79b9 * seed);
            let make = |reflection: &pvgpu_dxbc::Reflection| all_contents(reflection, &mut random);
            let outcome = pair.compare(&fixture.bytes, make, GROUPS);
            eprintln!("{} {seed}: {}", fixture.name, crate::opcodes::summary(&outcome));
            match outcome {
                Outcome::Same => compared += 1,
                Outcome::NotTranslated(_) => break,
                Outcome::Different(differences) => {
                    if !TRIAGED.iter().any(|(name, _)| *name == fixture.name) {
                        failures.push(format!(
                            "{} (seed {seed}): {:x?}",
                            fixture.name,
                            &differences[..differences.len().min(4)]
                        ));
                    }
                }
            }
        }
    }
    assert!(failures.is_empty(), "not triaged:\n{}", failures.join("\n"));
    assert!(compared >= 40, "only {compared} runs were compared");
}

/// Random contents of all bindings.
fn all_contents(reflection: &pvgpu_dxbc::Reflection, random: &mut Random) -> Vec<Contents> {
    let kinds = || reflection.bindings.iter().map(|binding| &binding.kind);
    let compares = kinds().any(|kind| matches!(kind, BindingKind::Sampler { comparison: true }));
    let mut all: Vec<Contents> = kinds().map(|kind| contents(kind, random)).collect();
    for contents in &mut all {
        // Vulkan compares depths only; any of the textures may be the one that is compared.
        if let Contents::Image(image) = contents
            && compares
            && image.format == Format::R32Sfloat
        {
            image.format = Format::D32Sfloat;
            image.texels.iter_mut().for_each(|texel| *texel = (random.below(17) as f32 / 16.0).to_bits());
        }
    }
    all
}

/// Random contents of a binding.
fn contents(kind: &BindingKind, random: &mut Random) -> Contents {
    let mut dwords = |count: usize| (0..count).map(|_| value(random)).collect::<Vec<_>>();
    match kind {
        BindingKind::ConstantBuffer { bytes } => Contents::Buffer(dwords(*bytes as usize / 4)),
        BindingKind::Raw => Contents::Buffer(dwords(4096)),
        BindingKind::Structured { stride } => Contents::Buffer(dwords(*stride as usize / 4 * 256)),
        BindingKind::Counter => Contents::Buffer(vec![3]),
        BindingKind::Sampler { comparison } => Contents::Sampler { comparison: *comparison },
        BindingKind::Typed { dimension: ResourceDimension::Buffer, return_type } => {
            Contents::TypedBuffer { format: format(*return_type), dwords: dwords(256) }
        }
        BindingKind::StorageTyped { dimension: ResourceDimension::Buffer, return_type, format: wanted } => {
            let format = wanted.map_or(format(*return_type), storage_format);
            Contents::TypedBuffer { format, dwords: dwords(256) }
        }
        BindingKind::Typed { dimension, return_type } => image(*dimension, format(*return_type), random),
        BindingKind::StorageTyped { dimension, return_type, format: wanted } => {
            image(*dimension, wanted.map_or(format(*return_type), storage_format), random)
        }
    }
}

fn format(return_type: ReturnType) -> Format {
    match return_type {
        ReturnType::Sint => Format::R32Sint,
        ReturnType::Uint => Format::R32Uint,
        _ => Format::R32Sfloat,
    }
}

fn storage_format(format: StorageFormat) -> Format {
    match format {
        StorageFormat::R32Sfloat => Format::R32Sfloat,
        StorageFormat::R32Uint => Format::R32Uint,
        StorageFormat::R32Sint => Format::R32Sint,
    }
}

fn image(dimension: ResourceDimension, format: Format, random: &mut Random) -> Contents {
    use ResourceDimension as D;
    let (kind, extent) = match dimension {
        D::Texture1D | D::Texture1DArray => (ImageKind::D1, [8, 1, 1]),
        D::Texture3D => (ImageKind::D3, [4, 4, 4]),
        D::TextureCube | D::TextureCubeArray => (ImageKind::Cube, [4, 4, 1]),
        _ => (ImageKind::D2, [4, 4, 1]),
    };
    let mut image = Image::new(kind, format, extent);
    for texel in &mut image.texels {
        *texel = value(random);
    }
    Contents::Image(image)
}

/// Small integers, small floats, any bits.
fn value(random: &mut Random) -> u32 {
    match random.below(4) {
        0 => random.below(64) as u32,
        1 => random.dword(),
        _ => ((random.below(2001) as f32 - 1000.0) / 125.0).to_bits(),
    }
}
