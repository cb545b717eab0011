//! Shaders and vertex layouts.

use pvgpu_protocol::command::{
    CreateElementLayout, CreateShader, CreateStreamOutputShader, HeapRange, InputElement, SignatureElement,
    StreamOutputEntry, stage,
};
use pvgpu_protocol::limits::{
    MAX_SHADER_TOKENS, MAX_SIGNATURE_ELEMENTS, MAX_STREAM_OUTPUT_ENTRIES, STREAM_OUTPUT_SLOTS,
};
use pvgpu_umd_ddi::D3D10DDIARG_INPUT_ELEMENT_DESC;

use crate::copy;
use crate::device::Device;
use crate::error::Error;
use crate::object::{ElementLayout, Shader};

/// The signatures of a shader. Those that a stage does not have are empty.
#[derive(Clone, Debug, Default)]
pub struct Signatures {
    /// Inputs.
    pub input: Vec<SignatureElement>,
    /// Outputs.
    pub output: Vec<SignatureElement>,
    /// Patch constants.
    pub patch_constant: Vec<SignatureElement>,
}

/// What a geometry shader writes to buffers.
#[derive(Clone, Copy, Debug)]
pub struct StreamOutput<'a> {
    /// What goes where.
    pub entries: &'a [StreamOutputEntry],
    /// Bytes from vertex to vertex of each buffer; of those that are not given, as many as the entries need.
    pub strides: &'a [u32],
    /// The stream that is drawn, or `D3D11_SO_NO_RASTERIZED_STREAM`.
    pub rasterized_stream: u32,
}

impl Device {
    /// Creates a geometry shader with stream output. Without tokens, what the stage before gives is passed through.
    ///
    /// # Errors
    /// As [`Device::create_shader`].
    pub fn create_stream_output_shader(
        &mut self,
        tokens: &[u32],
        signatures: &Signatures,
        output: &StreamOutput<'_>,
    ) -> Result<Shader, Error> {
        if !self.caps.has_stage(stage::GEOMETRY) || !self.caps.has_stream_output() {
            return Err(Error::Unsupported("stream output"));
        }
        let Signatures { input, output: outputs, .. } = signatures;
        if tokens.len() > MAX_SHADER_TOKENS as usize
            || input.len().max(outputs.len()) > MAX_SIGNATURE_ELEMENTS
            || output.entries.len() > MAX_STREAM_OUTPUT_ENTRIES
        {
            return Err(Error::OutOfMemory);
        }
        let mut strides = [0; STREAM_OUTPUT_SLOTS];
        for (to, from) in strides.iter_mut().zip(output.strides) {
            *to = *from;
        }
        // What captures nothing needs no place.
        let entries: Vec<_> = output.entries.iter().copied().filter(|entry| entry.mask != 0).collect();
        let piece = match tokens {
            [] => None,
            tokens => {
                let piece = self.context.upload(size_of_val(tokens) as u64, 16)?;
                copy::store_tokens(piece.cells(), tokens);
                Some(piece)
            }
        };
        let tokens = piece.as_ref().map_or(HeapRange { offset: 0, length: 0 }, |piece| piece.range());
        let rasterized_stream = output.rasterized_stream;
        let result = self.create(
            |context, id| {
                context.emit(&CreateStreamOutputShader {
                    tokens,
                    id,
                    rasterized_stream,
                    strides,
                    input,
                    output: outputs,
                    entries: &entries,
                })
            },
            |id| Shader { id },
        );
        if let Some(piece) = piece {
            self.context.close(piece);
        }
        result
    }

    /// Creates a shader of `stage` (one of [`pvgpu_protocol::command::stage`]) from its SHDR or SHEX tokens.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for stages that the host does not run; [`Error::OutOfMemory`] also for a shader beyond the protocol's
    /// limits; [`Error::DeviceRemoved`].
    pub fn create_shader(
        &mut self,
        stage: u32,
        tokens: &[u32],
        signatures: &Signatures,
    ) -> Result<Shader, Error> {
        if !self.caps.has_stage(stage) {
            return Err(Error::Unsupported("shaders of this stage"));
        }
        let Signatures { input, output, patch_constant } = signatures;
        let longest = input.len().max(output.len()).max(patch_constant.len());
        if tokens.len() > MAX_SHADER_TOKENS as usize || longest > MAX_SIGNATURE_ELEMENTS {
            return Err(Error::OutOfMemory);
        }
        let piece = self.context.upload(size_of_val(tokens) as u64, 16)?;
        copy::store_tokens(piece.cells(), tokens);
        let range = piece.range();
        let result = self.create(
            |context, id| {
                context.emit(&CreateShader { tokens: range, id, stage, input, output, patch_constant })
            },
            |id| Shader { id },
        );
        self.context.close(piece);
        result
    }

    /// `CreateElementLayout`.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for formats that the host has no attributes of; [`Error::OutOfMemory`], [`Error::DeviceRemoved`].
    pub fn create_element_layout(
        &mut self,
        elements: &[D3D10DDIARG_INPUT_ELEMENT_DESC],
    ) -> Result<ElementLayout, Error> {
        if elements.iter().any(|element| !self.caps.has_vertex_attribute(element.Format)) {
            return Err(Error::Unsupported("vertex attributes of this format"));
        }
        let elements: Vec<InputElement> = elements.iter().map(map_element).collect();
        self.create(
            |context, id| context.emit(&CreateElementLayout { id, reserved: 0, elements: &elements }),
            |id| ElementLayout { id },
        )
    }
}

fn map_element(element: &D3D10DDIARG_INPUT_ELEMENT_DESC) -> InputElement {
    InputElement {
        input_slot: element.InputSlot,
        aligned_byte_offset: element.AlignedByteOffset,
        format: element.Format,
        input_slot_class: element.InputSlotClass,
        instance_data_step_rate: element.InstanceDataStepRate,
        input_register: element.InputRegister,
    }
}
