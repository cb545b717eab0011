//! Resources: creation, opening, mapping, updates, tiles.
//!
//! The flag values are those of the Direct3D 11 API where both have them; the DDI adds its own.
#![expect(non_camel_case_types, non_snake_case, reason = "names are Microsoft's")]
#![expect(missing_docs, reason = "members keep Microsoft's names; the DDI reference describes each one")]

use core::ffi::c_void;

use crate::*;

/// What a resource, or the resource as a view sees it, is.
pub type D3D10DDIRESOURCE_TYPE = u32;
pub const D3D10DDIRESOURCE_BUFFER: D3D10DDIRESOURCE_TYPE = 1;
pub const D3D10DDIRESOURCE_TEXTURE1D: D3D10DDIRESOURCE_TYPE = 2;
pub const D3D10DDIRESOURCE_TEXTURE2D: D3D10DDIRESOURCE_TYPE = 3;
pub const D3D10DDIRESOURCE_TEXTURE3D: D3D10DDIRESOURCE_TYPE = 4;
pub const D3D10DDIRESOURCE_TEXTURECUBE: D3D10DDIRESOURCE_TYPE = 5;
pub const D3D11DDIRESOURCE_BUFFEREX: D3D10DDIRESOURCE_TYPE = 6;

/// How a resource is used.
pub type D3D10_DDI_RESOURCE_USAGE = u32;
pub const D3D10_DDI_USAGE_DEFAULT: D3D10_DDI_RESOURCE_USAGE = 0;
pub const D3D10_DDI_USAGE_IMMUTABLE: D3D10_DDI_RESOURCE_USAGE = 1;
pub const D3D10_DDI_USAGE_DYNAMIC: D3D10_DDI_RESOURCE_USAGE = 2;
pub const D3D10_DDI_USAGE_STAGING: D3D10_DDI_RESOURCE_USAGE = 3;

/// Where a resource may be bound; `PRESENT` marks a back buffer.
pub type D3D10_DDI_RESOURCE_BIND_FLAG = u32;
pub const D3D10_DDI_BIND_VERTEX_BUFFER: D3D10_DDI_RESOURCE_BIND_FLAG = 0x1;
pub const D3D10_DDI_BIND_INDEX_BUFFER: D3D10_DDI_RESOURCE_BIND_FLAG = 0x2;
pub const D3D10_DDI_BIND_CONSTANT_BUFFER: D3D10_DDI_RESOURCE_BIND_FLAG = 0x4;
pub const D3D10_DDI_BIND_SHADER_RESOURCE: D3D10_DDI_RESOURCE_BIND_FLAG = 0x8;
pub const D3D10_DDI_BIND_STREAM_OUTPUT: D3D10_DDI_RESOURCE_BIND_FLAG = 0x10;
pub const D3D10_DDI_BIND_RENDER_TARGET: D3D10_DDI_RESOURCE_BIND_FLAG = 0x20;
pub const D3D10_DDI_BIND_DEPTH_STENCIL: D3D10_DDI_RESOURCE_BIND_FLAG = 0x40;
pub const D3D10_DDI_BIND_PIPELINE_MASK: D3D10_DDI_RESOURCE_BIND_FLAG = 0x7f;
pub const D3D10_DDI_BIND_PRESENT: D3D10_DDI_RESOURCE_BIND_FLAG = 0x80;
pub const D3D10_DDI_BIND_MASK: D3D10_DDI_RESOURCE_BIND_FLAG = 0xff;
pub const D3D11_DDI_BIND_UNORDERED_ACCESS: D3D10_DDI_RESOURCE_BIND_FLAG = 0x100;
pub const D3D11_DDI_BIND_DECODER: D3D10_DDI_RESOURCE_BIND_FLAG = 0x200;
pub const D3D11_DDI_BIND_VIDEO_ENCODER: D3D10_DDI_RESOURCE_BIND_FLAG = 0x400;
pub const D3D11_DDI_BIND_CAPTURE: D3D10_DDI_RESOURCE_BIND_FLAG = 0x800;
pub const D3D11_DDI_BIND_PIPELINE_MASK: D3D10_DDI_RESOURCE_BIND_FLAG = 0xf7f;
pub const D3D11_DDI_BIND_MASK: D3D10_DDI_RESOURCE_BIND_FLAG = 0xfff;

/// CPU access of a resource: the bits of `D3D11DDIARG_CREATERESOURCE::MapFlags`.
pub type D3D10_DDI_CPU_ACCESS = u32;
pub const D3D10_DDI_CPU_ACCESS_WRITE: D3D10_DDI_CPU_ACCESS = 1;
pub const D3D10_DDI_CPU_ACCESS_READ: D3D10_DDI_CPU_ACCESS = 2;
pub const D3D10_DDI_CPU_ACCESS_MASK: D3D10_DDI_CPU_ACCESS = 3;

/// Bits of `D3D11DDIARG_CREATERESOURCE::MiscFlags`.
pub type D3D10_DDI_RESOURCE_MISC_FLAG = u32;
pub const D3D10_DDI_RESOURCE_AUTO_GEN_MIP_MAP: D3D10_DDI_RESOURCE_MISC_FLAG = 0x1;
pub const D3D10_DDI_RESOURCE_MISC_SHARED: D3D10_DDI_RESOURCE_MISC_FLAG = 0x2;
pub const D3D10_DDI_RESOURCE_MISC_DISCARD_ON_PRESENT: D3D10_DDI_RESOURCE_MISC_FLAG = 0x8;
pub const D3D11_DDI_RESOURCE_MISC_DRAWINDIRECT_ARGS: D3D10_DDI_RESOURCE_MISC_FLAG = 0x10;
pub const D3D11_DDI_RESOURCE_MISC_BUFFER_ALLOW_RAW_VIEWS: D3D10_DDI_RESOURCE_MISC_FLAG = 0x20;
pub const D3D11_DDI_RESOURCE_MISC_BUFFER_STRUCTURED: D3D10_DDI_RESOURCE_MISC_FLAG = 0x40;
pub const D3D11_DDI_RESOURCE_MISC_RESOURCE_CLAMP: D3D10_DDI_RESOURCE_MISC_FLAG = 0x80;
pub const D3D10_DDI_RESOURCE_MISC_REMOTE: D3D10_DDI_RESOURCE_MISC_FLAG = 0x400;
pub const D3D11_1DDI_RESOURCE_MISC_RESTRICTED_CONTENT: D3D10_DDI_RESOURCE_MISC_FLAG = 0x800;
pub const D3D11_1DDI_RESOURCE_MISC_RESTRICT_SHARED_RESOURCE_DRIVER: D3D10_DDI_RESOURCE_MISC_FLAG = 0x1000;
pub const D3DWDDM1_3DDI_RESOURCE_MISC_CROSS_ADAPTER: D3D10_DDI_RESOURCE_MISC_FLAG = 0x2000;
pub const D3DWDDM1_3DDI_RESOURCE_MISC_TILED: D3D10_DDI_RESOURCE_MISC_FLAG = 0x4000;
pub const D3DWDDM1_3DDI_RESOURCE_MISC_TILE_POOL: D3D10_DDI_RESOURCE_MISC_FLAG = 0x8000;

/// What a mapping is for.
pub type D3D10_DDI_MAP = u32;
pub const D3D10_DDI_MAP_READ: D3D10_DDI_MAP = 1;
pub const D3D10_DDI_MAP_WRITE: D3D10_DDI_MAP = 2;
pub const D3D10_DDI_MAP_READWRITE: D3D10_DDI_MAP = 3;
pub const D3D10_DDI_MAP_WRITE_DISCARD: D3D10_DDI_MAP = 4;
pub const D3D10_DDI_MAP_WRITE_NOOVERWRITE: D3D10_DDI_MAP = 5;

/// Bits of the `Flags` of a Map call.
pub type D3D10_DDI_MAP_FLAG = u32;
pub const D3D10_DDI_MAP_FLAG_DONOTWAIT: D3D10_DDI_MAP_FLAG = 0x100000;
pub const D3D10_DDI_MAP_FLAG_MASK: D3D10_DDI_MAP_FLAG = 0x100000;

/// Size of one mip level; the physical size is rounded up to whole blocks.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D10DDI_MIPINFO {
    pub TexelWidth: u32,
    pub TexelHeight: u32,
    pub TexelDepth: u32,
    pub PhysicalWidth: u32,
    pub PhysicalHeight: u32,
    pub PhysicalDepth: u32,
}

/// Initial data of one subresource; pitches in bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D10_DDIARG_SUBRESOURCE_UP {
    pub pSysMem: *const c_void,
    pub SysMemPitch: u32,
    pub SysMemSlicePitch: u32,
}

/// Argument of `CreateResource`.
///
/// `pMipInfoList` has `MipLevels` entries, `pInitialDataUP` (or null) `MipLevels * ArraySize`; `pPrimaryDesc`
/// is null unless the resource is a primary. `DecoderBufferType` is only there from 11.1 on and
/// `TextureLayout` only from WDDM 2.0 on: below those versions they must not be read.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11DDIARG_CREATERESOURCE {
    pub pMipInfoList: *const D3D10DDI_MIPINFO,
    pub pInitialDataUP: *const D3D10_DDIARG_SUBRESOURCE_UP,
    pub ResourceDimension: D3D10DDIRESOURCE_TYPE,
    pub Usage: u32,
    pub BindFlags: u32,
    pub MapFlags: u32,
    pub MiscFlags: u32,
    pub Format: DXGI_FORMAT,
    pub SampleDesc: DXGI_SAMPLE_DESC,
    pub MipLevels: u32,
    pub ArraySize: u32,
    pub pPrimaryDesc: *mut DXGI_DDI_PRIMARY_DESC,
    pub ByteStride: u32,
    pub DecoderBufferType: u32,
    pub TextureLayout: u32,
}

/// Argument of `OpenResource`: the kernel objects and private data of a shared resource.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D10DDIARG_OPENRESOURCE {
    pub NumAllocations: u32,
    pub pOpenAllocationInfo: *mut D3DDDI_OPENALLOCATIONINFO,
    pub hKMResource: D3D10DDI_HKMRESOURCE,
    pub pPrivateDriverData: *mut c_void,
    pub PrivateDriverDataSize: u32,
}

/// Where a mapped subresource lies; pitches in bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D10DDI_MAPPED_SUBRESOURCE {
    pub pData: *mut c_void,
    pub RowPitch: u32,
    pub DepthPitch: u32,
}

/// A box in texels (bytes for a buffer); the second corner is exclusive.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D10_DDI_BOX {
    pub left: i32,
    pub top: i32,
    pub front: i32,
    pub right: i32,
    pub bottom: i32,
    pub back: i32,
}

/// Bits of the `CopyFlags` of 11.1 copies and updates.
pub type D3D11_1_DDI_COPY_FLAGS = u32;
pub const D3D11_1DDI_COPY_NO_OVERWRITE: D3D11_1_DDI_COPY_FLAGS = 0x1;
pub const D3D11_1DDI_COPY_DISCARD: D3D11_1_DDI_COPY_FLAGS = 0x2;
pub const D3D11_1DDI_COPY_TILEABLE: D3D11_1_DDI_COPY_FLAGS = 0x4;

/// First tile of a region.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3DWDDM1_3DDI_TILED_RESOURCE_COORDINATE {
    pub X: u32,
    pub Y: u32,
    pub Z: u32,
    pub Subresource: u32,
}

/// Extent of a region, in tiles.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3DWDDM1_3DDI_TILE_REGION_SIZE {
    pub NumTiles: u32,
    pub bUseBox: BOOL,
    pub Width: u32,
    pub Height: u16,
    pub Depth: u16,
}

/// Flags of `UpdateTileMappings` and `CopyTileMappings`.
pub type D3DWDDM1_3DDI_TILE_MAPPING_FLAG = u32;
pub const D3DWDDM1_3DDI_TILE_MAPPING_NO_OVERWRITE: D3DWDDM1_3DDI_TILE_MAPPING_FLAG = 1;

/// Flags of `CopyTiles` and `UpdateTiles`.
pub type D3DWDDM1_3DDI_TILE_COPY_FLAG = u32;
pub const D3DWDDM1_3DDI_TILE_COPY_NO_OVERWRITE: D3DWDDM1_3DDI_TILE_COPY_FLAG = 0x1;
pub const D3DWDDM1_3DDI_TILE_COPY_LINEAR_BUFFER_TO_SWIZZLED_TILED_RESOURCE: D3DWDDM1_3DDI_TILE_COPY_FLAG =
    0x2;
pub const D3DWDDM1_3DDI_TILE_COPY_SWIZZLED_TILED_RESOURCE_TO_LINEAR_BUFFER: D3DWDDM1_3DDI_TILE_COPY_FLAG =
    0x4;

/// Kind of one range of `UpdateTileMappings`.
pub type D3DWDDM1_3DDI_TILE_RANGE_FLAG = u32;
pub const D3DWDDM_1_3DDI_TILE_RANGE_NULL: D3DWDDM1_3DDI_TILE_RANGE_FLAG = 0x1;
pub const D3DWDDM_1_3DDI_TILE_RANGE_SKIP: D3DWDDM1_3DDI_TILE_RANGE_FLAG = 0x2;
pub const D3DWDDM_1_3DDI_TILE_RANGE_REUSE_SINGLE_TILE: D3DWDDM1_3DDI_TILE_RANGE_FLAG = 0x4;

/// Flags of `CheckDirectFlipSupport`.
pub type D3D11_1_DDI_CHECK_DIRECT_FLIP_FLAGS = u32;
pub const D3D11_1DDI_CHECK_DIRECT_FLIP_IMMEDIATE: D3D11_1_DDI_CHECK_DIRECT_FLIP_FLAGS = 1;

// Sizes on x64, from the sources named in SOURCES.md.
const _: () = assert!(size_of::<D3D10DDI_MIPINFO>() == 24);
const _: () = assert!(size_of::<D3D10_DDIARG_SUBRESOURCE_UP>() == 16);
const _: () = assert!(size_of::<D3D11DDIARG_CREATERESOURCE>() == 80);
const _: () = assert!(size_of::<D3D10DDIARG_OPENRESOURCE>() == 40);
const _: () = assert!(size_of::<D3D10DDI_MAPPED_SUBRESOURCE>() == 16);
const _: () = assert!(size_of::<D3D10_DDI_BOX>() == 24);
const _: () = assert!(size_of::<D3DWDDM1_3DDI_TILED_RESOURCE_COORDINATE>() == 16);
const _: () = assert!(size_of::<D3DWDDM1_3DDI_TILE_REGION_SIZE>() == 16);
