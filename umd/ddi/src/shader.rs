//! Shaders: signatures, stream output, class instances.
//!
//! The driver receives the SHDR/SHEX tokens (`pCode[1]` is their number) plus the signatures below, not the
//! container. Semantic names never reach it: registers join the stages.
#![expect(non_camel_case_types, non_snake_case, non_upper_case_globals, reason = "names are Microsoft's")]
#![expect(missing_docs, reason = "members keep Microsoft's names; the DDI reference describes each one")]

/// A system value of a signature entry.
pub type D3D10_SB_NAME = u32;
pub const D3D10_SB_NAME_UNDEFINED: D3D10_SB_NAME = 0;
pub const D3D10_SB_NAME_POSITION: D3D10_SB_NAME = 1;
pub const D3D10_SB_NAME_CLIP_DISTANCE: D3D10_SB_NAME = 2;
pub const D3D10_SB_NAME_CULL_DISTANCE: D3D10_SB_NAME = 3;
pub const D3D10_SB_NAME_RENDER_TARGET_ARRAY_INDEX: D3D10_SB_NAME = 4;
pub const D3D10_SB_NAME_VIEWPORT_ARRAY_INDEX: D3D10_SB_NAME = 5;
pub const D3D10_SB_NAME_VERTEX_ID: D3D10_SB_NAME = 6;
pub const D3D10_SB_NAME_PRIMITIVE_ID: D3D10_SB_NAME = 7;
pub const D3D10_SB_NAME_INSTANCE_ID: D3D10_SB_NAME = 8;
pub const D3D10_SB_NAME_IS_FRONT_FACE: D3D10_SB_NAME = 9;
pub const D3D10_SB_NAME_SAMPLE_INDEX: D3D10_SB_NAME = 10;
pub const D3D11_SB_NAME_FINAL_QUAD_U_EQ_0_EDGE_TESSFACTOR: D3D10_SB_NAME = 11;
pub const D3D11_SB_NAME_FINAL_QUAD_V_EQ_0_EDGE_TESSFACTOR: D3D10_SB_NAME = 12;
pub const D3D11_SB_NAME_FINAL_QUAD_U_EQ_1_EDGE_TESSFACTOR: D3D10_SB_NAME = 13;
pub const D3D11_SB_NAME_FINAL_QUAD_V_EQ_1_EDGE_TESSFACTOR: D3D10_SB_NAME = 14;
pub const D3D11_SB_NAME_FINAL_QUAD_U_INSIDE_TESSFACTOR: D3D10_SB_NAME = 15;
pub const D3D11_SB_NAME_FINAL_QUAD_V_INSIDE_TESSFACTOR: D3D10_SB_NAME = 16;
pub const D3D11_SB_NAME_FINAL_TRI_U_EQ_0_EDGE_TESSFACTOR: D3D10_SB_NAME = 17;
pub const D3D11_SB_NAME_FINAL_TRI_V_EQ_0_EDGE_TESSFACTOR: D3D10_SB_NAME = 18;
pub const D3D11_SB_NAME_FINAL_TRI_W_EQ_0_EDGE_TESSFACTOR: D3D10_SB_NAME = 19;
pub const D3D11_SB_NAME_FINAL_TRI_INSIDE_TESSFACTOR: D3D10_SB_NAME = 20;
pub const D3D11_SB_NAME_FINAL_LINE_DETAIL_TESSFACTOR: D3D10_SB_NAME = 21;
pub const D3D11_SB_NAME_FINAL_LINE_DENSITY_TESSFACTOR: D3D10_SB_NAME = 22;

/// Component type of a signature entry (11.1).
pub type D3D10_SB_REGISTER_COMPONENT_TYPE = u32;
pub const D3D10_SB_REGISTER_COMPONENT_UNKNOWN: D3D10_SB_REGISTER_COMPONENT_TYPE = 0;
pub const D3D10_SB_REGISTER_COMPONENT_UINT32: D3D10_SB_REGISTER_COMPONENT_TYPE = 1;
pub const D3D10_SB_REGISTER_COMPONENT_SINT32: D3D10_SB_REGISTER_COMPONENT_TYPE = 2;
pub const D3D10_SB_REGISTER_COMPONENT_FLOAT32: D3D10_SB_REGISTER_COMPONENT_TYPE = 3;

/// Least precision of a signature entry (11.1).
pub type D3D11_SB_OPERAND_MIN_PRECISION = u32;
pub const D3D11_SB_OPERAND_MIN_PRECISION_DEFAULT: D3D11_SB_OPERAND_MIN_PRECISION = 0x0;
pub const D3D11_SB_OPERAND_MIN_PRECISION_FLOAT_16: D3D11_SB_OPERAND_MIN_PRECISION = 0x1;
pub const D3D11_SB_OPERAND_MIN_PRECISION_FLOAT_2_8: D3D11_SB_OPERAND_MIN_PRECISION = 0x2;
pub const D3D11_SB_OPERAND_MIN_PRECISION_SINT_16: D3D11_SB_OPERAND_MIN_PRECISION = 0x4;
pub const D3D11_SB_OPERAND_MIN_PRECISION_UINT_16: D3D11_SB_OPERAND_MIN_PRECISION = 0x5;

/// One entry of a signature (10.0 to 11.0); `Mask` has bit 0 for x.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D10DDIARG_SIGNATURE_ENTRY {
    pub SystemValue: D3D10_SB_NAME,
    pub Register: u32,
    pub Mask: u8,
}

/// Signatures of a vertex, geometry or pixel shader (10.0 to 11.0).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D10DDIARG_STAGE_IO_SIGNATURES {
    pub pInputSignature: *const D3D10DDIARG_SIGNATURE_ENTRY,
    pub NumInputSignatureEntries: u32,
    pub pOutputSignature: *const D3D10DDIARG_SIGNATURE_ENTRY,
    pub NumOutputSignatureEntries: u32,
}

/// Signatures of a hull or domain shader (11.0).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11DDIARG_TESSELLATION_IO_SIGNATURES {
    pub pInputSignature: *const D3D10DDIARG_SIGNATURE_ENTRY,
    pub NumInputSignatureEntries: u32,
    pub pOutputSignature: *const D3D10DDIARG_SIGNATURE_ENTRY,
    pub NumOutputSignatureEntries: u32,
    pub pPatchConstantSignature: *const D3D10DDIARG_SIGNATURE_ENTRY,
    pub NumPatchConstantSignatureEntries: u32,
}

/// One entry of a signature (11.1 and later).
///
/// The header also has `D3D11_1DDIARG_SIGNATURE_ENTRY`, the same struct with padding in place of `Stream`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D11_1DDIARG_SIGNATURE_ENTRY2 {
    pub SystemValue: D3D10_SB_NAME,
    pub Register: u32,
    pub Mask: u8,
    pub Stream: u8,
    pub RegisterComponentType: D3D10_SB_REGISTER_COMPONENT_TYPE,
    pub MinPrecision: D3D11_SB_OPERAND_MIN_PRECISION,
}

/// Signatures of a vertex, geometry or pixel shader (11.1).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11_1DDIARG_STAGE_IO_SIGNATURES {
    pub pInputSignature: *const D3D11_1DDIARG_SIGNATURE_ENTRY2,
    pub NumInputSignatureEntries: u32,
    pub pOutputSignature: *const D3D11_1DDIARG_SIGNATURE_ENTRY2,
    pub NumOutputSignatureEntries: u32,
}

/// Signatures of a hull or domain shader (11.1).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11_1DDIARG_TESSELLATION_IO_SIGNATURES {
    pub pInputSignature: *const D3D11_1DDIARG_SIGNATURE_ENTRY2,
    pub NumInputSignatureEntries: u32,
    pub pOutputSignature: *const D3D11_1DDIARG_SIGNATURE_ENTRY2,
    pub NumOutputSignatureEntries: u32,
    pub pPatchConstantSignature: *const D3D11_1DDIARG_SIGNATURE_ENTRY2,
    pub NumPatchConstantSignatureEntries: u32,
}

/// What of one register goes to which buffer; register `0xffff_ffff` is a gap.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D11DDIARG_STREAM_OUTPUT_DECLARATION_ENTRY {
    pub Stream: u32,
    pub OutputSlot: u32,
    pub RegisterIndex: u32,
    pub RegisterMask: u8,
}

/// Argument of `CreateGeometryShaderWithStreamOutput(D3D11)`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11DDIARG_CREATEGEOMETRYSHADERWITHSTREAMOUTPUT {
    pub pShaderCode: *const u32,
    pub pOutputStreamDecl: *const D3D11DDIARG_STREAM_OUTPUT_DECLARATION_ENTRY,
    pub NumEntries: u32,
    pub BufferStridesInBytes: *const u32,
    pub NumStrides: u32,
    pub RasterizedStream: u32,
}

/// Where one class instance's data lies: bit fields of one word.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3D11DDIARG_POINTERDATA {
    /// All bits; the associated constants are masks of it.
    pub Value: u32,
}

impl D3D11DDIARG_POINTERDATA {
    pub const uCBOffset: u32 = 0xfff;
    pub const uCBID: u32 = 0xf000;
    pub const uBaseSamp: u32 = 0xf0000;
    pub const uBaseTex: u32 = 0x7f00000;
}

// Sizes on x64, from the sources named in SOURCES.md.
const _: () = assert!(size_of::<D3D10DDIARG_SIGNATURE_ENTRY>() == 12);
const _: () = assert!(size_of::<D3D10DDIARG_STAGE_IO_SIGNATURES>() == 32);
const _: () = assert!(size_of::<D3D11DDIARG_TESSELLATION_IO_SIGNATURES>() == 48);
const _: () = assert!(size_of::<D3D11_1DDIARG_SIGNATURE_ENTRY2>() == 20);
const _: () = assert!(size_of::<D3D11_1DDIARG_STAGE_IO_SIGNATURES>() == 32);
const _: () = assert!(size_of::<D3D11_1DDIARG_TESSELLATION_IO_SIGNATURES>() == 48);
const _: () = assert!(size_of::<D3D11DDIARG_STREAM_OUTPUT_DECLARATION_ENTRY>() == 16);
const _: () = assert!(size_of::<D3D11DDIARG_CREATEGEOMETRYSHADERWITHSTREAMOUTPUT>() == 40);
const _: () = assert!(size_of::<D3D11DDIARG_POINTERDATA>() == 4);
