//! Which textures a program compares, and which it reads with which sampler.

use crate::layout::{BindingClass, BindingLayout};
use crate::limits;
use crate::reflection::{Binding, BindingKind, Reflection, SampledWith, SpareSampler};
use crate::token::declaration::ReturnType;
use crate::token::opcode::Opcode;
use crate::token::operand::{Operand, RegisterFile};
use crate::token::program::Program;

/// The resources whose texels are compared; all of them where a slot is computed.
pub fn compared(program: &Program) -> u128 {
    let mut slots = 0;
    for instruction in program.instructions.iter().filter(|instruction| compares(instruction.opcode)) {
        for operand in program.operands(instruction).filter(|operand| operand.file == RegisterFile::Resource)
        {
            let slot = operand.register();
            slots |= slot.map_or(u128::MAX, |slot| 1u128.checked_shl(slot).unwrap_or(0));
        }
    }
    slots
}

/// Whether an instruction compares texels with a reference.
pub fn compares(opcode: Opcode) -> bool {
    matches!(
        opcode.without_feedback().unwrap_or(opcode),
        Opcode::SampleC | Opcode::SampleCLz | Opcode::Gather4C | Opcode::Gather4PoC
    )
}

/// The textures that are read with each sampler; all of them where a slot is computed.
pub fn sampled(program: &Program) -> Vec<SampledWith> {
    let mut by_slot = [0u128; limits::SAMPLERS as usize];
    for instruction in &program.instructions {
        let of = |file| program.operands(instruction).find(move |operand| operand.file == file);
        let (Some(resource), Some(sampler)) = (of(RegisterFile::Resource), of(RegisterFile::Sampler)) else {
            continue;
        };
        let mask = Operand::register(resource).map_or(u128::MAX, bit);
        let slot = Operand::register(sampler);
        for (number, resources) in (0..).zip(&mut by_slot) {
            if slot.is_none_or(|slot| slot == number) {
                *resources |= mask;
            }
        }
    }
    let all = (0..).zip(by_slot).map(|(sampler, resources)| SampledWith { sampler, resources });
    all.filter(|with| with.resources != 0).collect()
}

/// Descriptors for samplers with which several textures are read, so that each texture can have what it needs.
///
/// Textures of integers, which no device filters, share one beside those of floats. With [`BindingLayout::own_samplers`] each texture of
/// floats but the first has its own. There are no more than [`limits::SAMPLERS`]; what is left shares the sampler's own descriptor.
/// Samplers that compare need none of this.
pub fn spare_samplers(reflection: &Reflection, layout: &BindingLayout) -> Vec<SpareSampler> {
    let textures = |of: fn(ReturnType) -> bool| {
        let fits = |binding: &&Binding| {
            let typed = matches!(binding.kind, BindingKind::Typed { return_type, .. } if of(return_type));
            typed && binding.class == BindingClass::ShaderResource
        };
        reflection.bindings.iter().filter(fits).fold(0, |mask, binding| mask | bit(binding.slot))
    };
    let (integers, floats) = (textures(is_integer), textures(|ty| !is_integer(ty)));
    let filters = |with: &&SampledWith| {
        let binding = reflection.binding(BindingClass::Sampler, with.sampler);
        binding.is_some_and(|binding| binding.kind == BindingKind::Sampler { comparison: false })
    };
    let mut spare = Vec::new();
    for SampledWith { sampler, resources } in reflection.sampled.iter().filter(filters).copied() {
        if resources & integers != 0 && resources & floats != 0 {
            spare.push(SampledWith { sampler, resources: resources & integers });
        }
    }
    if layout.own_samplers {
        for SampledWith { sampler, resources } in reflection.sampled.iter().filter(filters).copied() {
            let slots = (0..limits::SHADER_RESOURCES).filter(|slot| resources & floats & bit(*slot) != 0);
            spare.extend(slots.skip(1).map(|slot| SampledWith { sampler, resources: bit(slot) }));
        }
    }
    let places = (0..limits::SAMPLERS).map(|number| layout.spare_sampler(reflection.stage, number));
    spare.into_iter().zip(places).map(|(of, descriptor)| SpareSampler { of, descriptor }).collect()
}

fn bit(slot: u32) -> u128 {
    1u128.checked_shl(slot).unwrap_or(0)
}

/// Whether texels are integers. A double is read as its two dwords.
fn is_integer(return_type: ReturnType) -> bool {
    matches!(return_type, ReturnType::Uint | ReturnType::Sint | ReturnType::Double)
}
