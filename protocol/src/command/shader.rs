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

/// [`StreamOutputEntry::register`] of a gap.
pub const SO_GAP: u32 = u32::MAX;
/// [`CreateStreamOutputShader::rasterized_stream`] when none is (`D3D11_SO_NO_RASTERIZED_STREAM`).
pub const SO_NO_RASTERIZED_STREAM: u32 = u32::MAX;

/// What of one register goes to which buffer (`D3D11DDIARG_STREAM_OUTPUT_DECLARATION_ENTRY`), behind what the entries before
/// it have put there.
#[derive(Archive, Serialize, Clone, Copy, Debug, Default, PartialEq)]
#[rkyv(derive(Clone, Copy, Debug))]
pub struct StreamOutputEntry {
    /// The geometry shader's stream, 0 to 3.
    pub stream: u32,
    /// The buffer, 0 to 3.
    pub buffer: u32,
    /// The output register; [`SO_GAP`] leaves a gap.
    pub register: u32,
    /// Components, bits 0 to 3, without holes. Of a gap they count dwords.
    pub mask: u32,
}

/// Creates a geometry shader that writes to buffers (`CreateGeometryShaderWithStreamOutput`).
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct CreateStreamOutputShader<'a> {
    /// The tokens, as those of [`CreateShader`]. Of length 0, the outputs of whatever stage comes before are written.
    pub tokens: HeapRange,
    /// The object's number.
    pub id: u32,
    /// The stream that is rasterized, or [`SO_NO_RASTERIZED_STREAM`].
    pub rasterized_stream: u32,
    /// Bytes from vertex to vertex of each buffer; 0 for as many as its entries need.
    pub strides: [u32; 4],
    /// Input signature.
    #[rkyv(with = InlineAsBox)]
    pub input: &'a [SignatureElement],
    /// Output signature.
    #[rkyv(with = InlineAsBox)]
    pub output: &'a [SignatureElement],
    /// What goes where, at most [`crate::limits::MAX_STREAM_OUTPUT_ENTRIES`].
    #[rkyv(with = InlineAsBox)]
    pub entries: &'a [StreamOutputEntry],
}

/// The class instance of one interface of a shader, as the DDI gives it (`pIfaces` and `D3D11DDIARG_POINTERDATA`).
#[derive(Archive, Serialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Clone, Copy, Debug))]
pub struct ClassInstance {
    /// The function table of the class, ft#.
    pub function_table: u32,
    /// The slot of the constant buffer that holds the instance's data.
    pub constant_buffer: u32,
    /// Where they start in it, in elements of 16 bytes.
    pub constant_offset: u32,
    /// The slot of the first texture.
    pub texture: u32,
    /// The slot of the first sampler.
    pub sampler: u32,
}

/// Creates a shader from another one with a class instance for each of its interfaces (`…SetShaderWithIfaces`).
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct LinkShader<'a> {
    /// The object's number.
    pub id: u32,
    /// The shader with interfaces. It may be destroyed before the new one.
    pub shader: u32,
    /// The instances by interface, fp#, at most [`crate::limits::MAX_CLASS_INSTANCES`].
    #[rkyv(with = InlineAsBox)]
    pub instances: &'a [ClassInstance],
}
