//! Checks of `CreateShader` and `CreateElementLayout`. The tokens themselves are `pvgpu-dxbc`'s to check.

use pvgpu_protocol::command::{self, HeapRange, InputElement, SignatureElement};
use pvgpu_protocol::event::error_code;
use pvgpu_protocol::limits::{
    INPUT_ELEMENTS, MAX_SHADER_TOKENS, MAX_SIGNATURE_ELEMENTS, VERTEX_BUFFER_SLOTS,
};

use super::{Decoder, Object, within};
use crate::fault::Fault;
use crate::ops::{Backend, Op, ShaderSource};

/// `D3D11_VS_INPUT_REGISTER_COUNT`.
const INPUT_REGISTERS: u32 = 32;
/// Vertex strides and offsets are at most this (`D3D11_REQ_MULTI_ELEMENT_STRUCTURE_SIZE_IN_BYTES`).
const MAX_VERTEX_BYTES: u32 = 2048;
/// `D3D11_FORMAT_SUPPORT_IA_VERTEX_BUFFER`.
const SUPPORT_IA_VERTEX_BUFFER: u32 = 0x2;

impl Decoder {
    pub(super) fn create_shader(
        &mut self,
        c: &command::ArchivedCreateShader<'_>,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let id = c.id.to_native();
        self.check_free(id)?;
        let stage = within(c.stage.to_native(), 0..=command::stage::COMPUTE, "stage")?;
        let range = self.heap_range(c.tokens).map_err(|fault| fault.about(id))?;
        if !range.length.is_multiple_of(4) || range.length > u64::from(MAX_SHADER_TOKENS) * 4 {
            return Err(Fault::new(
                error_code::BAD_SHADER,
                format!("{} bytes of tokens; {MAX_SHADER_TOKENS} tokens are the limit", range.length),
            )
            .about(id));
        }
        let source = ShaderSource {
            tokens: self.copy_tokens(range),
            input: signature(&c.input)?,
            output: signature(&c.output)?,
            patch_constant: signature(&c.patch_constant)?,
        };
        backend.execute(Op::CreateShader { id, stage, source }).map_err(|fault| fault.about(id))?;
        self.insert(id, Object::Shader { stage })
    }

    fn copy_tokens(&self, range: HeapRange) -> Vec<u32> {
        let bytes = self.copy_out(range);
        let (words, _) = bytes.as_chunks::<4>();
        words.iter().map(|word| u32::from_le_bytes(*word)).collect()
    }

    pub(super) fn create_element_layout(
        &mut self,
        c: &command::ArchivedCreateElementLayout<'_>,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let id = c.id.to_native();
        self.check_free(id)?;
        if c.elements.len() > INPUT_ELEMENTS {
            return Err(Fault::argument(format!("{} vertex attributes", c.elements.len())).about(id));
        }
        let mut elements = Vec::with_capacity(c.elements.len());
        let mut registers = 0u32;
        for element in c.elements.iter() {
            let element = InputElement {
                input_slot: within(
                    element.input_slot.to_native(),
                    0..=VERTEX_BUFFER_SLOTS as u32 - 1,
                    "slot",
                )?,
                aligned_byte_offset: within(
                    element.aligned_byte_offset.to_native(),
                    0..=MAX_VERTEX_BYTES,
                    "attribute offset",
                )?,
                format: element.format.to_native(),
                input_slot_class: within(element.input_slot_class.to_native(), 0..=1, "slot class")?,
                instance_data_step_rate: element.instance_data_step_rate.to_native(),
                input_register: within(
                    element.input_register.to_native(),
                    0..=INPUT_REGISTERS - 1,
                    "register",
                )?,
            };
            if self.caps.format(element.format).support & SUPPORT_IA_VERTEX_BUFFER == 0 {
                let fault = Fault::unsupported(format!("vertex attributes of format {}", element.format));
                return Err(fault.about(id));
            }
            let bit = 1 << element.input_register;
            if registers & bit != 0 {
                let fault =
                    Fault::argument(format!("two attributes for register {}", element.input_register));
                return Err(fault.about(id));
            }
            registers |= bit;
            elements.push(element);
        }
        backend.execute(Op::CreateElementLayout { id, elements: &elements })?;
        self.insert(id, Object::ElementLayout)
    }
}

fn signature(elements: &[command::ArchivedSignatureElement]) -> Result<Vec<SignatureElement>, Fault> {
    if elements.len() > MAX_SIGNATURE_ELEMENTS {
        return Err(Fault::new(
            error_code::BAD_SHADER,
            format!("a signature of {} elements", elements.len()),
        ));
    }
    Ok(elements
        .iter()
        .map(|element| SignatureElement {
            system_value: element.system_value.to_native(),
            register: element.register.to_native(),
            mask: element.mask.to_native(),
            component_type: element.component_type.to_native(),
            stream: element.stream.to_native(),
        })
        .collect())
}
