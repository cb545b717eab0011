//! Our compiler, as a peer among others.

use std::time::Duration;

use pvgpu_dxbc::{
    Binding, BindingKind, BindingLayout, CompileOptions, ReturnType, StorageFormat, TargetCapabilities,
    container,
};

use super::{Compiler, Element, Module, Place, Time, timed};

/// `pvgpu-dxbc` with the default layout and capabilities.
#[derive(Debug, Default)]
pub struct Ours {
    layout: BindingLayout,
}

impl Compiler for Ours {
    fn translate(&self, container: &[u8]) -> (Time, Result<Module, String>) {
        let (reading, shader) = timed(|| container::parse(container));
        let shader = match shader {
            Ok(shader) => shader,
            Err(error) => {
                return (Time { whole: reading, tokens: Duration::ZERO }, Err(error.to_string()));
            }
        };
        let options = CompileOptions::new(&self.layout, TargetCapabilities::default());
        let (tokens, result) = timed(|| pvgpu_dxbc::compile(&shader.tokens, &shader.signatures, &options));
        let result = result.map_err(|error| error.to_string()).map(|compiled| Module {
            places: compiled.reflection.bindings.iter().map(place).collect(),
            spirv: compiled.spirv,
        });
        (Time { whole: reading + tokens, tokens }, result)
    }
}

/// Where our compiler has put a binding.
pub(super) fn place(binding: &Binding) -> Place {
    let of_type = |return_type| match return_type {
        ReturnType::Sint => Element::Sint,
        ReturnType::Uint => Element::Uint,
        _ => Element::Float,
    };
    let element = match binding.kind {
        BindingKind::StorageTyped { format: Some(StorageFormat::R32Sfloat), .. } => Element::Float,
        BindingKind::StorageTyped { format: Some(StorageFormat::R32Sint), .. } => Element::Sint,
        BindingKind::StorageTyped { format: Some(StorageFormat::R32Uint), .. } => Element::Uint,
        BindingKind::Typed { return_type, .. } | BindingKind::StorageTyped { return_type, .. } => {
            of_type(return_type)
        }
        _ => Element::Uint,
    };
    Place {
        class: binding.class,
        slot: binding.slot,
        binding: binding.descriptor.binding,
        descriptor: binding.kind.descriptor_type(),
        element,
    }
}
