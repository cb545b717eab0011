//! A peer's module in the place of ours, so that both can run over the same bindings.
//!
//! Peers bind some views by other descriptors: vkd3d-shader has texel buffers of dwords where we have storage buffers.

use pvgpu_dxbc::{
    BindingClass, BindingKind, Compiled, DescriptorType, ResourceDimension, ReturnType, StorageFormat,
};

use super::Module;
use super::ours::place;
use crate::gpu::{Contents, Format};

/// Whether a typed view must have another type for the peer's module than for ours, so that no binding fits both.
pub fn needs_other_views(ours: &Compiled, peer: &Module) -> bool {
    ours.reflection.bindings.iter().map(place).any(|ours| {
        let mut places = peer.places.iter();
        places.any(|peer| {
            (peer.class, peer.slot, peer.descriptor) == (ours.class, ours.slot, ours.descriptor)
                && peer.element != ours.element
                && matches!(peer.class, BindingClass::ShaderResource | BindingClass::UnorderedAccess)
        })
    })
}

/// What our compiler says of the shader, with the peer's module, and with its descriptors where they differ.
pub fn substitute(ours: &Compiled, peer: Module) -> Compiled {
    let mut reflection = ours.reflection.clone();
    for binding in &mut reflection.bindings {
        let place =
            peer.places.iter().find(|place| (place.class, place.slot) == (binding.class, binding.slot));
        let texels = place.is_some_and(|place| {
            matches!(
                place.descriptor,
                DescriptorType::UniformTexelBuffer | DescriptorType::StorageTexelBuffer
            )
        });
        if texels && binding.kind.descriptor_type() == DescriptorType::StorageBuffer {
            let (dimension, return_type) = (ResourceDimension::Buffer, ReturnType::Uint);
            binding.kind = match binding.class {
                BindingClass::ShaderResource => BindingKind::Typed { dimension, return_type },
                _ => {
                    let format = Some(StorageFormat::R32Uint);
                    BindingKind::StorageTyped { dimension, return_type, format }
                }
            };
        }
    }
    Compiled { spirv: peer.spirv, reflection }
}

/// The contents for the substitute of what is bound to ours.
pub fn contents(ours: &Compiled, substitute: &Compiled, contents: &[Contents]) -> Vec<Contents> {
    let bindings = ours.reflection.bindings.iter().zip(&substitute.reflection.bindings);
    bindings
        .zip(contents)
        .map(|((ours, other), contents)| match contents {
            Contents::Buffer(dwords) if ours.kind != other.kind => {
                Contents::TypedBuffer { format: Format::R32Uint, dwords: dwords.clone() }
            }
            same => same.clone(),
        })
        .collect()
}
