//! Clears, copies, uploads and presents.

use rkyv::{Archive, Serialize, with::InlineAsBox};

use super::{HeapRange, Rect};

/// `ClearRenderTargetView`.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct ClearRenderTargetView {
    /// Red, green, blue, alpha.
    pub color: [f32; 4],
    /// Which view.
    pub view: u32,
    /// Must be zero.
    pub reserved: u32,
}

/// `ClearDepthStencilView`.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct ClearDepthStencilView {
    /// Which view.
    pub view: u32,
    /// Bits of `D3D10_DDI_CLEAR_FLAG`: 1 depth, 2 stencil.
    pub flags: u32,
    /// 0 to 1.
    pub depth: f32,
    /// Low 8 bits.
    pub stencil: u32,
}

/// `ClearUnorderedAccessViewUint` (bit patterns as they are) and `ClearUnorderedAccessViewFloat` (converted to the format).
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct ClearUnorderedAccessView {
    /// The four components, as bits.
    pub value: [u32; 4],
    /// Which view.
    pub view: u32,
    /// 0: integers, 1: floats.
    pub is_float: u32,
}

/// `ClearView`: rectangles of a view, each in every slice of it; all of it when there are none.
///
/// Of render-target views, of unordered-access views with a format, and of depth-stencil views without stencil.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct ClearView<'a> {
    /// The four components, converted to the view's format; depth is the first.
    pub color: [f32; 4],
    /// Which view, of any of the kinds above.
    pub view: u32,
    /// Must be zero.
    pub reserved: u32,
    /// In texels of the view; what lies outside of it is left out. Buffers are one row of elements.
    #[rkyv(with = InlineAsBox)]
    pub rects: &'a [Rect],
}

/// A part of a subresource in texels (bytes for buffers); `right`, `bottom` and `back` are outside (`D3D10_DDI_BOX`).
#[derive(Archive, Serialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[rkyv(derive(Clone, Copy, Debug))]
pub struct SubresourceBox {
    /// First column.
    pub left: u32,
    /// First row.
    pub top: u32,
    /// First slice.
    pub front: u32,
    /// One past the last column.
    pub right: u32,
    /// One past the last row.
    pub bottom: u32,
    /// One past the last slice.
    pub back: u32,
}

/// `ResourceCopy`: everything, between resources of the same shape.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct CopyResource {
    /// Written.
    pub dst: u32,
    /// Read.
    pub src: u32,
}

/// `ResourceCopyRegion`.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct CopyRegion {
    /// Written.
    pub dst: u32,
    /// Mip + slice × mips.
    pub dst_subresource: u32,
    /// Where the box lands.
    pub dst_x: u32,
    /// Where the box lands.
    pub dst_y: u32,
    /// Where the box lands.
    pub dst_z: u32,
    /// Read.
    pub src: u32,
    /// Mip + slice × mips.
    pub src_subresource: u32,
    /// What is copied; the guest resolves "no box" to the whole subresource.
    pub src_box: SubresourceBox,
    /// Must be zero.
    pub reserved: u32,
}

/// `ResourceResolveSubresource`.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct ResolveSubresource {
    /// Written; one sample a texel.
    pub dst: u32,
    /// Mip + slice × mips.
    pub dst_subresource: u32,
    /// Read; multisampled.
    pub src: u32,
    /// Mip + slice × mips.
    pub src_subresource: u32,
    /// `DXGI_FORMAT` in which samples are averaged.
    pub format: u32,
    /// Must be zero.
    pub reserved: u32,
}

/// `GenMips`.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct GenerateMips {
    /// The shader-resource view whose mips are made from its first.
    pub view: u32,
    /// Must be zero.
    pub reserved: u32,
}

/// `CopyStructureCount`: a view's hidden counter into a buffer.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct CopyStructureCount {
    /// Written.
    pub dst: u32,
    /// Bytes from its start; a multiple of 4.
    pub dst_offset: u32,
    /// The unordered-access view.
    pub src_view: u32,
    /// Must be zero.
    pub reserved: u32,
}

/// `SetResourceMinLOD`: the most detailed mip of a texture that shaders may read, from now on.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct SetResourceMinLod {
    /// A texture made with [`super::misc::RESOURCE_CLAMP`].
    pub resource: u32,
    /// 0 for all mips; fractions clamp a filter between mips.
    pub min_lod: f32,
}

/// Writes a part of a subresource from the heap (`ResourceUpdateSubresourceUP`, initial data, unmapped textures).
///
/// The range is free again after the next fence.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct UpdateSubresource {
    /// Where the data lies.
    pub data: HeapRange,
    /// Written.
    pub dst: u32,
    /// Mip + slice × mips.
    pub dst_subresource: u32,
    /// What is written.
    pub dst_box: SubresourceBox,
    /// Bytes from row to row (of blocks) in the heap.
    pub row_pitch: u32,
    /// Bytes from slice to slice in the heap.
    pub depth_pitch: u32,
}

/// Writes a part of a buffer from the record itself; see [`crate::limits::MAX_INLINE_UPDATE_BYTES`].
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct UpdateInline<'a> {
    /// Written: a buffer.
    pub dst: u32,
    /// Bytes from its start.
    pub offset: u32,
    /// The bytes.
    #[rkyv(with = InlineAsBox)]
    pub data: &'a [u8],
}

/// Gives a dynamic buffer new contents (`DynamicIABufferMapDiscard` and its like, at unmap).
///
/// Work recorded before keeps the old contents. The range is free again after the next fence.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct DiscardBuffer {
    /// Where the contents lie; exactly the buffer's size.
    pub data: HeapRange,
    /// The buffer.
    pub dst: u32,
    /// Must be zero.
    pub reserved: u32,
}

/// Gives a dynamic buffer new contents that stay where they are in the heap, as [`DiscardBuffer`] gives it a copy.
///
/// Work recorded before keeps the old contents. The range is the buffer's until its next contents or its end, and free again
/// after the fence that follows those. What the guest writes there is the buffer's contents at once; a
/// [`WriteNoOverwrite`] of bytes at their own place tells that it has.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct PlaceBuffer {
    /// Where the contents lie; exactly the buffer's size, at a multiple of [`crate::limits::PLACED_BUFFER_ALIGN`].
    pub data: HeapRange,
    /// The buffer.
    pub dst: u32,
    /// Must be zero.
    pub reserved: u32,
}

/// Writes a part of a dynamic buffer that the GPU does not use (`…MapNoOverwrite`, at unmap), in place.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct WriteNoOverwrite {
    /// Where the bytes lie.
    pub data: HeapRange,
    /// The buffer.
    pub dst: u32,
    /// Bytes from the buffer's start.
    pub offset: u32,
}

/// Tells that the guest's processor has written a part of a staging resource, which stays where it is (`StagingResourceUnmap` of
/// a map for writing).
///
/// The host, which reads the heap anyway, does nothing; a mirror carries the bytes over.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct WriteStaging {
    /// What was written.
    pub data: HeapRange,
}

/// Exchanges the contents of resources in a circle: each takes the contents of the next, the last the first's
/// (`pfnRotateResourceIdentities`).
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct RotateResourceIdentities<'a> {
    /// Resources of one shape.
    #[rkyv(with = InlineAsBox)]
    pub resources: &'a [u32],
}

/// Bits of [`Present::flags`].
pub mod present_flag {
    /// The guest needs this very frame, because the next ones tell only what differs from it, or because it is saved: where frames travel over a
    /// link, no newer one takes its place.
    pub const KEEP: u32 = 1;
    /// All of them.
    pub const ALL: u32 = KEEP;
}

/// Shows a frame: converts a subresource to `B8G8R8A8_UNORM` and writes it into the heap.
///
/// The frame is there once the next fence of this ring has completed.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct Present {
    /// Where the frame goes: `row_pitch` × height bytes. None when only the host shows it.
    pub frame: HeapRange,
    /// The resource shown.
    pub src: u32,
    /// Mip + slice × mips.
    pub src_subresource: u32,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Bytes from row to row; a multiple of 4, at least 4 × width.
    pub row_pitch: u32,
    /// Bits of [`present_flag`]; no others.
    pub flags: u32,
    /// Counts this context's presents from 1.
    pub sequence: u64,
}
