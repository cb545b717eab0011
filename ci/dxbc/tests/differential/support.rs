//! Runs what both compilers make of a shader, and compares what the two left in the bindings.

use std::path::Path;

use pvgpu_dxbc::{BindingLayout, CompileOptions, Error, container};
use pvgpu_dxbc_tests::gpu::{Contents, Gpu};
use pvgpu_dxbc_tests::peer::substitute::{contents as substitute_contents, needs_other_views, substitute};
use pvgpu_dxbc_tests::peer::{Failure, Process};
use pvgpu_dxbc_tests::validator;

/// Units in the last place by which two floats may differ: the compilers may order multiplications and additions differently.
const UNITS: u32 = 2;

/// Both compilers, and the device.
pub struct Pair {
    gpu: Gpu,
    vkd3d: Process,
}

/// What became of a shader.
#[derive(Debug)]
pub enum Outcome {
    /// Both left the same.
    Same,
    /// They left different dwords.
    Different(Vec<Difference>),
    /// vkd3d-shader makes nothing of it that can be run.
    NotTranslated(String),
}

/// A dword that differs.
#[derive(Debug, Clone, Copy)]
pub struct Difference {
    /// The dword, in the one binding or one of the bindings that differ.
    pub dword: usize,
    pub ours: u32,
    pub vkd3d: u32,
}

impl Pair {
    pub fn new() -> Self {
        Self { gpu: Gpu::open(), vkd3d: Process::new(Path::new(env!("CARGO_BIN_EXE_vkd3d-peer"))) }
    }

    /// Compiles and runs `groups` thread groups of a compute shader with both; `contents` gives the bindings of our reflection.
    pub fn compare(
        &mut self,
        bytes: &[u8],
        contents: impl FnOnce(&pvgpu_dxbc::Reflection) -> Vec<Contents>,
        groups: u32,
    ) -> Outcome {
        let shader = container::parse(bytes).unwrap();
        let layout = BindingLayout::default();
        let options = CompileOptions::new(&layout, self.gpu.capabilities());
        let ours = match pvgpu_dxbc::compile(&shader.tokens, &shader.signatures, &options) {
            Ok(ours) => ours,
            // Which class an interface is bound to comes with the draw; vkd3d-shader cannot be told.
            Err(Error::NoClassInstance { .. }) => {
                return Outcome::NotTranslated("it has interfaces".to_owned());
            }
            Err(error) => panic!("{error}"),
        };
        let module = match self.vkd3d.translate(bytes) {
            Ok((_, Ok(module))) => module,
            Ok((_, Err(reason))) => return Outcome::NotTranslated(reason),
            Err(failure @ Failure::Crashed { status, .. }) if status.code().is_none() => {
                return Outcome::NotTranslated(failure.to_string());
            }
            Err(failure) => panic!("vkd3d-peer {failure}"),
        };
        if let Err(text) = validator::check(&module.spirv) {
            return Outcome::NotTranslated(format!("invalid module: {text}"));
        }
        if needs_other_views(&ours, &module) {
            return Outcome::NotTranslated("it needs views of other types".to_owned());
        }
        let theirs = substitute(&ours, module);
        let mut our_contents = contents(&ours.reflection);
        let mut their_contents = substitute_contents(&ours, &theirs, &our_contents);
        self.gpu.run(&ours, &mut our_contents, groups);
        self.gpu.run(&theirs, &mut their_contents, groups);
        let differences: Vec<Difference> = our_contents
            .iter()
            .zip(&their_contents)
            .flat_map(|(ours, theirs)| differences(ours, theirs))
            .collect();
        if differences.is_empty() { Outcome::Same } else { Outcome::Different(differences) }
    }
}

fn differences(ours: &Contents, theirs: &Contents) -> Vec<Difference> {
    let dwords = |contents: &Contents| match contents {
        Contents::Buffer(dwords) | Contents::TypedBuffer { dwords, .. } => dwords.clone(),
        Contents::Image(image) => image.texels.clone(),
        _ => Vec::new(),
    };
    let (ours, theirs) = (dwords(ours), dwords(theirs));
    assert_eq!(ours.len(), theirs.len());
    let pairs = ours.into_iter().zip(theirs).enumerate();
    pairs
        .filter(|(_, (ours, theirs))| !alike(*ours, *theirs))
        .map(|(dword, (ours, vkd3d))| Difference { dword, ours, vkd3d })
        .collect()
}

/// The same bits, or floats that are the same for D3D11: NaN of any bits, zeros of any sign, neighbours.
fn alike(a: u32, b: u32) -> bool {
    let (x, y) = (f32::from_bits(a), f32::from_bits(b));
    let near = (x.is_normal() && y.is_normal()) && a >> 31 == b >> 31 && a.abs_diff(b) <= UNITS;
    a == b || (x.is_nan() && y.is_nan()) || (x == 0.0 && y == 0.0) || near
}

#[test]
fn floats_are_compared_as_floats() {
    let one = 1f32.to_bits();
    assert!(alike(one, one + 2) && !alike(one, one + 3) && !alike(one, one | 1 << 31));
    assert!(alike(0, 0x8000_0000) && alike(0x7fc0_0001, 0xff80_0001) && !alike(0x7f80_0000, 0xff80_0000));
    assert!(!alike(5, 6), "small integers are exact");
}
