//! Creation and destruction of resources and views.
//!
//! Field names and values are those of the D3D11 user-mode DDI (`d3d10umddi.h`). Formats are `DXGI_FORMAT` values.

use rkyv::{Archive, Serialize};

use super::HeapRange;

/// Values of [`CreateResource::dimension`]: `D3D10DDIRESOURCE_TYPE`.
pub mod dimension {
    /// A buffer; `width` is its size in bytes.
    pub const BUFFER: u32 = 1;
    /// A 1D texture.
    pub const TEXTURE1D: u32 = 2;
    /// A 2D texture.
    pub const TEXTURE2D: u32 = 3;
    /// A 3D texture.
    pub const TEXTURE3D: u32 = 4;
    /// A cube texture: a 2D texture with 6 × n array slices.
    pub const TEXTURECUBE: u32 = 5;
    /// Views only: a buffer seen through `BufferEx` (raw views).
    pub const BUFFEREX: u32 = 6;
}

/// Values of [`CreateResource::usage`]: `D3D10_DDI_RESOURCE_USAGE`.
pub mod usage {
    /// GPU read and write.
    pub const DEFAULT: u32 = 0;
    /// Written once, at creation.
    pub const IMMUTABLE: u32 = 1;
    /// Written by the CPU, read by the GPU.
    pub const DYNAMIC: u32 = 2;
    /// Lives in the heap; copied to and from only.
    pub const STAGING: u32 = 3;
}

/// Bits of [`CreateResource::bind_flags`]: `D3D10_DDI_RESOURCE_BIND_FLAG`.
pub mod bind {
    /// Vertex buffer.
    pub const VERTEX_BUFFER: u32 = 0x1;
    /// Index buffer.
    pub const INDEX_BUFFER: u32 = 0x2;
    /// Constant buffer.
    pub const CONSTANT_BUFFER: u32 = 0x4;
    /// Shader resource.
    pub const SHADER_RESOURCE: u32 = 0x8;
    /// Stream output.
    pub const STREAM_OUTPUT: u32 = 0x10;
    /// Render target.
    pub const RENDER_TARGET: u32 = 0x20;
    /// Depth-stencil.
    pub const DEPTH_STENCIL: u32 = 0x40;
    /// Presentable.
    pub const PRESENT: u32 = 0x80;
    /// Unordered access.
    pub const UNORDERED_ACCESS: u32 = 0x100;
}

/// Bits of [`CreateResource::misc_flags`]: `D3D10_DDI_RESOURCE_MISC_FLAG` and `D3D11_DDI_RESOURCE_MISC_FLAG`.
pub mod misc {
    /// Mips can be generated.
    pub const AUTO_GEN_MIP_MAP: u32 = 0x1;
    /// Shared between devices.
    pub const SHARED: u32 = 0x2;
    /// Draw or dispatch arguments.
    pub const DRAWINDIRECT_ARGS: u32 = 0x10;
    /// Raw views allowed.
    pub const BUFFER_ALLOW_RAW_VIEWS: u32 = 0x20;
    /// Structured; `structure_stride` counts.
    pub const BUFFER_STRUCTURED: u32 = 0x40;
    /// `SetResourceMinLOD` allowed.
    pub const RESOURCE_CLAMP: u32 = 0x80;
    /// Its memory is that of tiles of a pool (`D3DWDDM1_3DDI_RESOURCE_MISC_TILED`).
    pub const TILED: u32 = 0x4000;
    /// It is such a pool; `width` is a multiple of 64 KiB, possibly 0.
    pub const TILE_POOL: u32 = 0x8000;
}

/// Creates a buffer or texture. Its contents are undefined until the first write; reads before give zeros.
#[derive(Archive, Serialize, Clone, Copy, Debug, Default, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct CreateResource {
    /// For [`usage::STAGING`]: where its subresources lie, as [`crate::staging`] lays them out. None otherwise.
    pub heap: HeapRange,
    /// The object's number, chosen by the guest, below [`crate::limits::MAX_OBJECTS`].
    pub id: u32,
    /// One of [`dimension`].
    pub dimension: u32,
    /// `DXGI_FORMAT`, possibly typeless; `UNKNOWN` for most buffers.
    pub format: u32,
    /// Texels of the first mip; bytes for buffers.
    pub width: u32,
    /// Texels of the first mip; 1 where there is no second dimension.
    pub height: u32,
    /// Texels of the first mip; 1 where there is no third dimension.
    pub depth: u32,
    /// Mips, at least 1.
    pub mip_levels: u32,
    /// Array slices, at least 1; 6 × n for cubes.
    pub array_size: u32,
    /// Samples a texel, at least 1.
    pub sample_count: u32,
    /// `DXGI_SAMPLE_DESC::Quality`.
    pub sample_quality: u32,
    /// One of [`usage`].
    pub usage: u32,
    /// Bits of [`bind`].
    pub bind_flags: u32,
    /// Bits of [`misc`].
    pub misc_flags: u32,
    /// Bytes of one structure, for structured buffers; 0 otherwise.
    pub structure_stride: u32,
}

/// Destroys any object of the context. A destroyed resource lives on inside the GPU work already recorded.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct DestroyObject {
    /// Which one.
    pub id: u32,
    /// Must be zero.
    pub reserved: u32,
}

/// The part of a resource that a view shows. Which fields count depends on `dimension`, as in the DDI.
#[derive(Archive, Serialize, Clone, Copy, Debug, Default, PartialEq)]
#[rkyv(derive(Clone, Copy, Debug))]
pub struct ViewRange {
    /// One of [`dimension`]: how the view sees the resource.
    pub dimension: u32,
    /// Buffers: the first element.
    pub first_element: u32,
    /// Buffers: how many elements.
    pub num_elements: u32,
    /// Textures: the most detailed mip (the only one, for render targets, depth-stencil and unordered-access views).
    pub most_detailed_mip: u32,
    /// Textures: how many mips; 0xffff_ffff means all that remain.
    pub mip_levels: u32,
    /// Textures: the first array slice; first depth slice of 3D render-target and unordered-access views; first face of cubes.
    pub first_array_slice: u32,
    /// Textures: how many slices; cubes: faces.
    pub array_size: u32,
    /// Raw buffers: bit 0 (`D3D11_DDI_BUFFEREX_SRV_FLAG_RAW`); unordered access: bits of `D3D11_DDI_BUFFER_UAV_FLAG`;
    /// depth-stencil: bits of `D3D11_DDI_CREATE_DEPTH_STENCIL_VIEW_FLAG`.
    pub flags: u32,
}

/// Creates a view of a resource.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct CreateView {
    /// The view's own number.
    pub id: u32,
    /// The resource it shows.
    pub resource: u32,
    /// One of [`view_kind`].
    pub kind: u32,
    /// `DXGI_FORMAT` in which the view reads the resource.
    pub format: u32,
    /// The part shown.
    pub range: ViewRange,
}

/// Values of [`CreateView::kind`].
pub mod view_kind {
    /// `CreateShaderResourceView`.
    pub const SHADER_RESOURCE: u32 = 1;
    /// `CreateRenderTargetView`.
    pub const RENDER_TARGET: u32 = 2;
    /// `CreateDepthStencilView`.
    pub const DEPTH_STENCIL: u32 = 3;
    /// `CreateUnorderedAccessView`.
    pub const UNORDERED_ACCESS: u32 = 4;
}

/// Creates a query, whose result appears in the heap.
///
/// After [`super::EndQuery`] and the fence that follows, the result stands at `slot` in the layout that
/// `D3D10_DDI_QUERY` prescribes for `kind`.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct CreateQuery {
    /// Where results go: at least [`QUERY_SLOT_BYTES`], 8-byte aligned.
    pub slot: HeapRange,
    /// The object's number.
    pub id: u32,
    /// `D3D10DDI_QUERY`.
    pub kind: u32,
}

/// Bytes of a query's slot: the largest result, `D3D11_DDI_QUERY_DATA_PIPELINE_STATISTICS`, has 11 × 8.
pub const QUERY_SLOT_BYTES: u64 = 128;
