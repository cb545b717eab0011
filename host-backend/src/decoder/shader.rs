//! Checks of `CreateShader` and `CreateElementLayout`. The tokens themselves are `pvgpu-dxbc`'s to check.

use pvgpu_dxbc::{ClassInstance, StreamOutput, StreamOutputEntry};
use pvgpu_protocol::command::{self, InputElement, SignatureElement};
use pvgpu_protocol::event::error_code;
use pvgpu_protocol::limits::{
    INPUT_ELEMENTS, MAX_CLASS_INSTANCES, MAX_SHADER_TOKENS, MAX_SIGNATURE_ELEMENTS,
    MAX_STREAM_OUTPUT_ENTRIES, STREAM_OUTPUT_SLOTS, VERTEX_BUFFER_SLOTS,
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
        let source = ShaderSource {
            tokens: self.tokens(c.tokens).map_err(|fault| fault.about(id))?,
            input: signature(&c.input)?,
            output: signature(&c.output)?,
            patch_constant: signature(&c.patch_constant)?,
            stream_output: None,
        };
        let bytes = size_of_val(source.tokens.as_slice()) as u64;
        backend.execute(Op::CreateShader { id, stage, source }).map_err(|fault| fault.about(id))?;
        self.insert(id, Object::Shader { stage, bytes })
    }

    pub(super) fn create_stream_output_shader(
        &mut self,
        c: &command::ArchivedCreateStreamOutputShader<'_>,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let id = c.id.to_native();
        self.check_free(id)?;
        // Without code, the outputs of the stage before are written.
        let tokens = if c.tokens.length.to_native() == 0 {
            Vec::new()
        } else {
            self.tokens(c.tokens).map_err(|fault| fault.about(id))?
        };
        let output = stream_output(c).map_err(|fault| fault.about(id))?;
        let source = ShaderSource {
            tokens,
            input: signature(&c.input)?,
            output: signature(&c.output)?,
            patch_constant: Vec::new(),
            stream_output: Some(output),
        };
        let bytes = size_of_val(source.tokens.as_slice()) as u64;
        let stage = command::stage::GEOMETRY;
        backend.execute(Op::CreateShader { id, stage, source }).map_err(|fault| fault.about(id))?;
        self.insert(id, Object::Shader { stage, bytes })
    }

    pub(super) fn link_shader(
        &mut self,
        c: &command::ArchivedLinkShader<'_>,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let (id, shader) = (c.id.to_native(), c.shader.to_native());
        self.check_free(id)?;
        // A linked shader has a module of its own, and so counts like the one that it is made of.
        let (stage, bytes) = match self.object(shader)? {
            Object::Shader { stage, bytes } => (*stage, *bytes),
            other => return Err(Fault::object(shader, format!("{} where a shader is due", other.kind()))),
        };
        self.quota.check_shader(bytes).map_err(|fault| fault.about(id))?;
        if c.instances.len() > MAX_CLASS_INSTANCES {
            return Err(Fault::argument(format!("{} class instances", c.instances.len())).about(id));
        }
        // Whether the shader has the function tables is the translator's to check.
        let instance = |one: &command::ArchivedClassInstance| {
            Some(ClassInstance {
                function_table: one.function_table.to_native(),
                constant_buffer: one.constant_buffer.to_native(),
                constant_offset: one.constant_offset.to_native(),
                texture: one.texture.to_native(),
                sampler: one.sampler.to_native(),
            })
        };
        let instances = c.instances.iter().map(instance).collect();
        backend.execute(Op::LinkShader { id, shader, instances }).map_err(|fault| fault.about(id))?;
        self.insert(id, Object::Shader { stage, bytes })
    }

    /// Copies a shader's tokens out of the heap.
    fn tokens(&self, range: command::ArchivedHeapRange) -> Result<Vec<u32>, Fault> {
        let range = self.heap_range(range)?;
        if !range.length.is_multiple_of(4) || range.length > u64::from(MAX_SHADER_TOKENS) * 4 {
            return Err(Fault::new(
                error_code::BAD_SHADER,
                format!("{} bytes of tokens; {MAX_SHADER_TOKENS} tokens are the limit", range.length),
            ));
        }
        self.quota.check_shader(range.length)?;
        let bytes = self.copy_out(range);
        let (words, _) = bytes.as_chunks::<4>();
        Ok(words.iter().map(|word| u32::from_le_bytes(*word)).collect())
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
            let alignment = crate::format::component_bytes(element.format);
            if !element.aligned_byte_offset.is_multiple_of(alignment) {
                let offset = element.aligned_byte_offset;
                let what = format!("an attribute of format {} at byte {offset}", element.format);
                return Err(Fault::argument(what).about(id));
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

/// Checks a stream-output declaration; the rest of its rules are `pvgpu-dxbc`'s to check.
fn stream_output(c: &command::ArchivedCreateStreamOutputShader<'_>) -> Result<StreamOutput, Fault> {
    if c.entries.len() > MAX_STREAM_OUTPUT_ENTRIES {
        return Err(Fault::argument(format!("{} stream-output entries", c.entries.len())));
    }
    let last = STREAM_OUTPUT_SLOTS as u32 - 1;
    let mut entries = Vec::with_capacity(c.entries.len());
    for entry in c.entries.iter() {
        let mask = within(entry.mask.to_native(), 1..=15, "stream-output mask")?;
        let (first, count) = (mask.trailing_zeros(), mask.count_ones());
        if mask >> first != (1 << count) - 1 {
            return Err(Fault::argument(format!("a stream-output mask {mask:#x} with holes")));
        }
        let register = entry.register.to_native();
        entries.push(StreamOutputEntry {
            stream: within(entry.stream.to_native(), 0..=last, "stream")?,
            register: (register != command::SO_GAP).then_some(register),
            first_component: first,
            component_count: count,
            buffer: within(entry.buffer.to_native(), 0..=last, "stream-output buffer")?,
        });
    }
    let rasterized = c.rasterized_stream.to_native();
    let rasterized_stream = match rasterized {
        command::SO_NO_RASTERIZED_STREAM => None,
        stream => Some(within(stream, 0..=last, "rasterized stream")?),
    };
    // D3D11 does not look at the strides of buffers that nothing is declared for.
    let used = |slot: u32| entries.iter().any(|entry| entry.buffer == slot);
    let mut strides = [0; STREAM_OUTPUT_SLOTS];
    for ((slot, to), from) in (0..).zip(&mut strides).zip(&c.strides) {
        *to = if used(slot) { from.to_native() } else { 0 };
    }
    Ok(StreamOutput { entries, strides, rasterized_stream })
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
