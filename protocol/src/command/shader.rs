//! Shaders and vertex layouts.

use rkyv::{Archive, Serialize, with::InlineAsBox};

use super::HeapRange;

/// Values of [`CreateShader::stage`] and of every other `stage` field, in the order of the pipeline.
pub mod stage {
    /// Vertex shader.
    pub const VERTEX: u32 = 0;
    /// Hull shader.
    pub const HULL: u32 = 1;
    /// Domain shader.
    pub const DOMAIN: u32 = 2;
    /// Geometry shader.
    pub const GEOMETRY: u32 = 3;
    /// Pixel shader.
    pub const PIXEL: u32 = 4;
    /// Compute shader.
    pub const COMPUTE: u32 = 5;
    /// How many there are.
    pub const COUNT: usize = 6;
}

/// One element of a shader signature, as the DDI gives it (`D3D11_1DDIARG_SIGNATURE_ENTRY`).
#[derive(Archive, Serialize, Clone, Copy, Debug, Default, PartialEq)]
#[rkyv(derive(Clone, Copy, Debug))]
pub struct SignatureElement {
    /// `D3D10_SB_NAME`.
    pub system_value: u32,
    /// The register.
    pub register: u32,
    /// Components used, bits 0 to 3.
    pub mask: u32,
    /// `D3D10_SB_REGISTER_COMPONENT_TYPE`: 1 uint, 2 sint, 3 float; 0 where the DDI version does not tell.
    pub component_type: u32,
    /// The geometry shader's stream.
    pub stream: u32,
}

/// Creates a shader from the SHDR/SHEX tokens that lie in the heap.
///
/// The host copies the tokens out before it looks at them; the range is free again after the next fence.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct CreateShader<'a> {
    /// Where the tokens lie, in bytes; a multiple of 4, at most 4 × [`crate::limits::MAX_SHADER_TOKENS`].
    pub tokens: HeapRange,
    /// The object's number.
    pub id: u32,
    /// One of [`stage`].
    pub stage: u32,
    /// Input signature.
    #[rkyv(with = InlineAsBox)]
    pub input: &'a [SignatureElement],
    /// Output signature.
    #[rkyv(with = InlineAsBox)]
    pub output: &'a [SignatureElement],
    /// Patch-constant signature (hull: output, domain: input).
    #[rkyv(with = InlineAsBox)]
    pub patch_constant: &'a [SignatureElement],
}

/// One vertex attribute (`D3D10DDIARG_INPUT_ELEMENT_DESC`).
#[derive(Archive, Serialize, Clone, Copy, Debug, Default, PartialEq)]
#[rkyv(derive(Clone, Copy, Debug))]
pub struct InputElement {
    /// Vertex-buffer slot.
    pub input_slot: u32,
    /// Bytes from the start of the vertex; `D3D10_DDI_APPEND_ALIGNED_ELEMENT` is already resolved.
    pub aligned_byte_offset: u32,
    /// `DXGI_FORMAT`.
    pub format: u32,
    /// 0 per vertex, 1 per instance.
    pub input_slot_class: u32,
    /// Instances per step; 0 means that the value never advances.
    pub instance_data_step_rate: u32,
    /// The vertex shader's input register.
    pub input_register: u32,
}

/// Creates a vertex layout (`CreateElementLayout`).
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct CreateElementLayout<'a> {
    /// The object's number.
    pub id: u32,
    /// Must be zero.
    pub reserved: u32,
    /// The attributes, at most [`crate::limits::INPUT_ELEMENTS`].
    #[rkyv(with = InlineAsBox)]
    pub elements: &'a [InputElement],
}
