//! What the kernel-mode driver has the host do with the heap itself, on ring 0: copies, fills, and what is on the screen.
//!
//! These records are done when the host has executed them, in the order of ring 0; the [`super::Fence`] that the guest
//! puts behind them completes ring 0's own fence line, number 0. Ring 0 waits for no other ring, so the guest sends
//! them only after the fences of what they read and write.
//!
//! A fault on ring 0 poisons the whole adapter: the kernel-mode driver checks everything that came from user mode before
//! it sends one of these. A *surface* in the heap is a [`HeapRange`] whose offset is a multiple of 8, and a pitch that is a
//! multiple of 4 up to [`MAX_SURFACE_PITCH`](crate::limits::MAX_SURFACE_PITCH); the last texel named lies inside the range, and no row reaches beyond its pitch. Formats are
//! uncompressed `DXGI_FORMAT`s with one texel a block.

use rkyv::{Archive, Serialize};

use super::{HeapRange, Rect};

/// Copies a rectangle of texels from one surface in the heap to another (`DxgkDdiPresent` with `Blt`).
///
/// Rectangles of different sizes stretch: each destination texel takes the source texel in which its centre falls. Two
/// surfaces that overlap are as if the source were read whole before the first write; they must have the same pitch, and
/// rectangles of one size.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct BlitHeap {
    /// The surface read.
    pub src: HeapRange,
    /// The surface written.
    pub dst: HeapRange,
    /// Bytes from row to row of the source.
    pub src_pitch: u32,
    /// Bytes from row to row of the destination.
    pub dst_pitch: u32,
    /// `DXGI_FORMAT` of both surfaces.
    pub format: u32,
    /// Must be zero.
    pub reserved: u32,
    /// What is read; not empty.
    pub src_rect: Rect,
    /// Where it lands; not empty.
    pub dst_rect: Rect,
    /// Only destination texels inside are written; may reach beyond `dst_rect`, and may be empty.
    pub clip: Rect,
}

/// Fills a rectangle of a surface in the heap with one texel (`DxgkDdiPresent` with `ColorFill`, and the fill of
/// `DxgkDdiBuildPagingBuffer`, which is a surface of 4 KiB rows).
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct FillHeap {
    /// The surface.
    pub dst: HeapRange,
    /// What is written; not empty.
    pub rect: Rect,
    /// Bytes from row to row.
    pub pitch: u32,
    /// `DXGI_FORMAT`, of 1, 2 or 4 bytes a texel.
    pub format: u32,
    /// The texel, in the low bytes.
    pub value: u32,
    /// Must be zero.
    pub reserved: u32,
}

/// Says what a video present source shows from now on (`DxgkDdiCommitVidPn`, `DxgkDdiSetVidPnSourceAddress`,
/// `DxgkDdiSetVidPnSourceVisibility`).
///
/// The host keeps the latest one for each source and reads the surface whenever somebody wants to see it; the guest
/// names another one, or none, before it uses the memory for something else.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct SetScanout {
    /// The surface; none (length 0) when the source shows nothing, and then all sizes are zero.
    pub surface: HeapRange,
    /// The source, below [`crate::limits::MAX_SOURCES`].
    pub source: u32,
    /// 0 or 1; an invisible source shows black and keeps its mode.
    pub visible: u32,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Bytes from row to row.
    pub pitch: u32,
    /// `DXGI_FORMAT`: one of [`scanout_format`].
    pub format: u32,
    /// Frames a second × 1000.
    pub refresh_millihertz: u32,
    /// Must be zero.
    pub reserved: u32,
}

/// `DXGI_FORMAT`s that a screen may show.
pub mod scanout_format {
    /// `DXGI_FORMAT_B8G8R8A8_UNORM`; alpha is ignored.
    pub const B8G8R8A8: u32 = 87;
    /// `DXGI_FORMAT_B8G8R8X8_UNORM`.
    pub const B8G8R8X8: u32 = 88;
    /// `DXGI_FORMAT_R8G8B8A8_UNORM`; alpha is ignored.
    pub const R8G8B8A8: u32 = 28;
    /// `DXGI_FORMAT_R10G10B10A2_UNORM`; alpha is ignored.
    pub const R10G10B10A2: u32 = 24;

    /// Whether a screen may show the format.
    pub const fn is_known(format: u32) -> bool {
        matches!(format, B8G8R8A8 | B8G8R8X8 | R8G8B8A8 | R10G10B10A2)
    }
}

/// Gives a source's hardware pointer its shape (`DxgkDdiSetPointerShape`). The host copies the shape at once.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct SetPointerShape {
    /// Rows of the shape; twice as many for [`pointer_kind::MONOCHROME`], the AND mask above the XOR mask.
    pub shape: HeapRange,
    /// The source, below [`crate::limits::MAX_SOURCES`].
    pub source: u32,
    /// One of [`pointer_kind`].
    pub kind: u32,
    /// Pixels, 1 to [`crate::limits::MAX_POINTER_EXTENT`].
    pub width: u32,
    /// Pixels, 1 to [`crate::limits::MAX_POINTER_EXTENT`].
    pub height: u32,
    /// Bytes from row to row.
    pub pitch: u32,
    /// Must be zero.
    pub reserved: u32,
}

/// Kinds of pointer shapes; values are those of `DXGK_SETPOINTERSHAPEFLAGS`.
pub mod pointer_kind {
    /// One bit a pixel, an AND mask and below it an XOR mask; the leftmost pixel is a byte's highest bit.
    pub const MONOCHROME: u32 = 1;
    /// `B8G8R8A8`, blended by its alpha.
    pub const COLOR: u32 = 2;
    /// `B8G8R8A8` where alpha 0 replaces the pixel and alpha 255 is combined with it by exclusive or.
    pub const MASKED_COLOR: u32 = 4;
}

/// Moves, shows or hides a source's hardware pointer (`DxgkDdiSetPointerPosition`).
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct SetPointerPosition {
    /// The source, below [`crate::limits::MAX_SOURCES`].
    pub source: u32,
    /// 0 or 1.
    pub visible: u32,
    /// Column of the shape's left edge; may be outside the screen.
    pub x: i32,
    /// Row of the shape's upper edge; may be outside the screen.
    pub y: i32,
}
