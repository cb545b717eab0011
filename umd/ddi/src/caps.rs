//! Capability questions of `GetCaps` and their answers, and format support bits.
//!
//! `D3D10_2DDIARG_GETCAPS::Type` selects the struct that `pData` points to; `DataSize` is its size in bytes.
//! A driver answers a question that it does not know with a failure.
#![expect(non_camel_case_types, non_snake_case, reason = "names are Microsoft's")]
#![expect(missing_docs, reason = "members keep Microsoft's names; the DDI reference describes each one")]

use core::ffi::c_void;

use crate::*;

/// Which capability is asked for.
pub type D3D10_2DDICAPS_TYPE = u32;
pub const D3D11DDICAPS_THREADING: D3D10_2DDICAPS_TYPE = 0x80;
pub const D3D11DDICAPS_SHADER: D3D10_2DDICAPS_TYPE = 0x81;
pub const D3D11DDICAPS_3DPIPELINESUPPORT: D3D10_2DDICAPS_TYPE = 0x82;
pub const D3D11_1DDICAPS_D3D11_OPTIONS: D3D10_2DDICAPS_TYPE = 0x83;
pub const D3D11_1DDICAPS_ARCHITECTURE_INFO: D3D10_2DDICAPS_TYPE = 0x84;
pub const D3D11_1DDICAPS_SHADER_MIN_PRECISION_SUPPORT: D3D10_2DDICAPS_TYPE = 0x86;
pub const D3DWDDM1_3DDICAPS_D3D11_OPTIONS1: D3D10_2DDICAPS_TYPE = 0x88;
pub const D3DWDDM1_3DDICAPS_MARKER: D3D10_2DDICAPS_TYPE = 0x89;

/// Argument of `GetCaps`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D10_2DDIARG_GETCAPS {
    pub Type: D3D10_2DDICAPS_TYPE,
    pub pInfo: *mut c_void,
    pub pData: *mut c_void,
    pub DataSize: u32,
}

/// Answer to `D3D11DDICAPS_THREADING`: the bits below.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D11DDI_THREADING_CAPS {
    pub Caps: u32,
}

// Bits of `D3D11DDI_THREADING_CAPS`: free-threaded creation, native command lists, command lists of build
// 2.
pub const D3D11DDICAPS_FREETHREADED: u32 = 1;
pub const D3D11DDICAPS_COMMANDLISTS: u32 = 2;
pub const D3D11DDICAPS_COMMANDLISTS_BUILD_2: u32 = 4;

/// Answer to `D3D11DDICAPS_SHADER`: the bits below.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D11DDI_SHADER_CAPS {
    pub Caps: u32,
}

// Bits of `D3D11DDI_SHADER_CAPS`.
pub const D3D11DDICAPS_SHADER_DOUBLES: u32 = 0x1;
pub const D3D11DDICAPS_SHADER_COMPUTE_PLUS_RAW_AND_STRUCTURED_BUFFERS_IN_SHADER_4_X: u32 = 0x2;
pub const D3D11DDICAPS_SHADER_DEBUGGABLE: u32 = 0x4;
pub const D3D11DDICAPS_SHADER_REQUIRES_TRANSLATION_INFO_FOR_DX9: u32 = 0x8;
pub const D3D11DDICAPS_SHADER_SPECIFIED_STENCIL_REF: u32 = 0x10;
pub const D3D11DDICAPS_SHADER_TYPED_UAV_LOAD_ADDITIONAL_FORMATS: u32 = 0x20;
pub const D3D11DDICAPS_SHADER_ROVS: u32 = 0x40;

/// A pipeline (feature) level; `3DPIPELINESUPPORT` answers with one bit per level.
pub type D3D11DDI_3DPIPELINELEVEL = u32;
pub const D3D11DDI_3DPIPELINELEVEL_10_0: D3D11DDI_3DPIPELINELEVEL = 0;
pub const D3D11DDI_3DPIPELINELEVEL_10_1: D3D11DDI_3DPIPELINELEVEL = 1;
pub const D3D11DDI_3DPIPELINELEVEL_11_0: D3D11DDI_3DPIPELINELEVEL = 2;
pub const D3D11_1DDI_3DPIPELINELEVEL_11_1: D3D11DDI_3DPIPELINELEVEL = 3;
pub const D3D11_1DDI_3DPIPELINELEVEL_9_1: D3D11DDI_3DPIPELINELEVEL = 4;
pub const D3D11_1DDI_3DPIPELINELEVEL_9_2: D3D11DDI_3DPIPELINELEVEL = 5;
pub const D3D11_1DDI_3DPIPELINELEVEL_9_3: D3D11DDI_3DPIPELINELEVEL = 6;

/// The bit of `level` in [`D3D11DDI_3DPIPELINESUPPORT_CAPS`] (the header's macro of the same name).
#[must_use]
pub const fn D3D11DDI_ENCODE_3DPIPELINESUPPORT_CAP(level: D3D11DDI_3DPIPELINELEVEL) -> u32 {
    1_u32.wrapping_shl(level)
}

/// The level in the `Flags` of a device's creation (the header's extract macro).
#[must_use]
pub const fn D3D11DDI_EXTRACT_3DPIPELINELEVEL_FROM_FLAGS(flags: u32) -> D3D11DDI_3DPIPELINELEVEL {
    (flags & D3D11DDI_CREATEDEVICE_FLAG_3DPIPELINESUPPORT_MASK)
        >> D3D11DDI_CREATEDEVICE_FLAG_3DPIPELINESUPPORT_SHIFT
}

/// Answer to `D3D11DDICAPS_3DPIPELINESUPPORT`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D11DDI_3DPIPELINESUPPORT_CAPS {
    pub Caps: u32,
}

/// Answer to `D3D11_1DDICAPS_D3D11_OPTIONS`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D11_1DDI_D3D11_OPTIONS_DATA {
    pub OutputMergerLogicOp: BOOL,
    pub AssignDebugBinarySupport: BOOL,
}

/// Answer to `D3D11_1DDICAPS_ARCHITECTURE_INFO`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D11_1DDI_ARCHITECTURE_INFO_DATA {
    pub TileBasedDeferredRenderer: BOOL,
}

/// Answer to `D3D11_1DDICAPS_SHADER_MIN_PRECISION_SUPPORT`: bits of [`D3D11_DDI_SHADER_MIN_PRECISION`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D11_DDI_SHADER_MIN_PRECISION_SUPPORT_DATA {
    pub PixelShaderMinPrecision: u32,
    pub AllOtherStagesMinPrecision: u32,
}

/// Precisions below 32 bits that a stage has.
pub type D3D11_DDI_SHADER_MIN_PRECISION = u32;
pub const D3D11_DDI_SHADER_MIN_PRECISION_10_BIT: D3D11_DDI_SHADER_MIN_PRECISION = 1;
pub const D3D11_DDI_SHADER_MIN_PRECISION_16_BIT: D3D11_DDI_SHADER_MIN_PRECISION = 2;

/// Answer to `D3DWDDM1_3DDICAPS_D3D11_OPTIONS1`: bits of [`D3DWDDM1_3DDI_TILED_RESOURCES_SUPPORT_FLAG`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3DWDDM1_3DDI_D3D11_OPTIONS_DATA1 {
    pub TiledResourcesSupportFlags: u32,
}

/// Tiers of tiled resources.
pub type D3DWDDM1_3DDI_TILED_RESOURCES_SUPPORT_FLAG = u32;
pub const D3DWDDM1_3DDI_TILED_RESOURCES_TIER_1_SUPPORTED: D3DWDDM1_3DDI_TILED_RESOURCES_SUPPORT_FLAG = 0x1;
pub const D3DWDDM1_3DDI_TILED_RESOURCES_TIER_2_SUPPORTED: D3DWDDM1_3DDI_TILED_RESOURCES_SUPPORT_FLAG = 0x2;

/// The answer to `D3DWDDM1_3DDICAPS_MARKER` and the argument of `SetMarkerMode`.
pub type D3DWDDM1_3DDI_MARKER_TYPE = u32;
pub const D3DWDDM1_3DDI_MARKER_TYPE_NONE: D3DWDDM1_3DDI_MARKER_TYPE = 0;
pub const D3DWDDM1_3DDI_MARKER_TYPE_PROFILE: D3DWDDM1_3DDI_MARKER_TYPE = 1;

// What `CheckFormatSupport` reports of a format.
pub const D3D10_DDI_FORMAT_SUPPORT_SHADER_SAMPLE: u32 = 0x1;
pub const D3D10_DDI_FORMAT_SUPPORT_RENDERTARGET: u32 = 0x2;
pub const D3D10_DDI_FORMAT_SUPPORT_BLENDABLE: u32 = 0x4;
pub const D3D10_DDI_FORMAT_SUPPORT_MULTISAMPLE_RENDERTARGET: u32 = 0x8;
pub const D3D10_DDI_FORMAT_SUPPORT_MULTISAMPLE_LOAD: u32 = 0x10;
pub const D3D11_1DDI_FORMAT_SUPPORT_DECODER_OUTPUT: u32 = 0x20;
pub const D3D11_1DDI_FORMAT_SUPPORT_VIDEO_PROCESSOR_OUTPUT: u32 = 0x40;
pub const D3D11_1DDI_FORMAT_SUPPORT_VIDEO_PROCESSOR_INPUT: u32 = 0x80;
pub const D3D11_1DDI_FORMAT_SUPPORT_VERTEX_BUFFER: u32 = 0x100;
pub const D3D11_1DDI_FORMAT_SUPPORT_UAV_WRITES: u32 = 0x200;
pub const D3D11_1DDI_FORMAT_SUPPORT_BUFFER: u32 = 0x400;
pub const D3D11_1DDI_FORMAT_SUPPORT_CAPTURE: u32 = 0x800;
pub const D3D11_1DDI_FORMAT_SUPPORT_VIDEO_ENCODER: u32 = 0x1000;
pub const D3D11_1DDI_FORMAT_SUPPORT_OUTPUT_MERGER_LOGIC_OP: u32 = 0x2000;
pub const D3D11_1DDI_FORMAT_SUPPORT_SHADER_GATHER: u32 = 0x4000;
pub const D3D11_1DDI_FORMAT_SUPPORT_MULTIPLANE_OVERLAY: u32 = 0x8000;
pub const D3DWDDM1_3DDI_FORMAT_SUPPORT_TILED: u32 = 0x10000;
pub const D3D10_DDI_FORMAT_SUPPORT_NOT_SUPPORTED: u32 = 0x80000000;

// Sizes on x64, from the sources named in SOURCES.md.
const _: () = assert!(size_of::<D3D10_2DDIARG_GETCAPS>() == 32);
const _: () = assert!(size_of::<D3D11DDI_THREADING_CAPS>() == 4);
const _: () = assert!(size_of::<D3D11DDI_SHADER_CAPS>() == 4);
const _: () = assert!(size_of::<D3D11DDI_3DPIPELINESUPPORT_CAPS>() == 4);
const _: () = assert!(size_of::<D3D11_1DDI_D3D11_OPTIONS_DATA>() == 8);
const _: () = assert!(size_of::<D3D11_1DDI_ARCHITECTURE_INFO_DATA>() == 4);
const _: () = assert!(size_of::<D3D11_DDI_SHADER_MIN_PRECISION_SUPPORT_DATA>() == 8);
const _: () = assert!(size_of::<D3DWDDM1_3DDI_D3D11_OPTIONS_DATA1>() == 4);
