//! Tiled resources: which tiles of a pool stand behind which of their tiles, and what those contain.
//!
//! A tile pool is a buffer with [`super::misc::TILE_POOL`], a tiled resource a buffer or 2D texture with [`super::misc::TILED`].
//! Tiles are numbered as [`crate::tiling`] says. Hosts that report no tier take none of these commands.

use rkyv::{Archive, Serialize, with::InlineAsBox};

use super::HeapRange;

/// Bytes of what [`DescribeTiling`] writes: standard mips, packed mips, packed tiles of a slice, and tiles in all, 32 bits each.
pub const TILING_SLOT_BYTES: u64 = 16;

/// Values of [`TileRun::kind`].
pub mod tile_run {
    /// The tiles are mapped to tiles of the pool that follow each other.
    pub const SEQUENTIAL: u32 = 0;
    /// The tiles are mapped to nothing.
    pub const NULL: u32 = 1;
    /// The tiles are all mapped to one tile of the pool.
    pub const REUSE: u32 = 2;
}

/// Values of [`CopyTiles::direction`].
pub mod tile_copy {
    /// From the buffer to the tiled resource.
    pub const TO_RESOURCE: u32 = 0;
    /// From the tiled resource to the buffer.
    pub const TO_BUFFER: u32 = 1;
}

/// Writes into the heap how the host has tiled a resource (`pfnGetMipPacking`); it is there once the next fence has completed.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct DescribeTiling {
    /// [`TILING_SLOT_BYTES`] at a multiple of 8.
    pub slot: HeapRange,
    /// A tiled resource.
    pub resource: u32,
    /// Must be zero.
    pub reserved: u32,
}

/// Tiles of a resource that follow each other and are mapped in one way.
#[derive(Archive, Serialize, Clone, Copy, Debug, Default, PartialEq)]
#[rkyv(derive(Clone, Copy, Debug))]
pub struct TileRun {
    /// The first tile.
    pub first: u32,
    /// How many.
    pub count: u32,
    /// One of [`tile_run`].
    pub kind: u32,
    /// The first tile of the pool; 0 for [`tile_run::NULL`].
    pub pool_tile: u32,
}

/// Maps tiles of a resource to those of a pool, or to nothing (`pfnUpdateTileMappings`). Later runs win.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct UpdateTileMappings<'a> {
    /// A tiled resource.
    pub resource: u32,
    /// A tile pool; [`super::NONE`] when every run is [`tile_run::NULL`].
    pub pool: u32,
    /// At least one.
    #[rkyv(with = InlineAsBox)]
    pub runs: &'a [TileRun],
}

/// Tiles of two resources.
#[derive(Archive, Serialize, Clone, Copy, Debug, Default, PartialEq)]
#[rkyv(derive(Clone, Copy, Debug))]
pub struct TilePair {
    /// The first tile of the destination.
    pub dst_first: u32,
    /// The first tile of the source.
    pub src_first: u32,
    /// How many.
    pub count: u32,
}

/// Maps tiles of a resource to whatever tiles of another, or of itself, are mapped to (`pfnCopyTileMappings`), as if all were
/// read first.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct CopyTileMappings<'a> {
    /// A tiled resource.
    pub dst: u32,
    /// A tiled resource of the same kind of tiles.
    pub src: u32,
    /// At least one.
    #[rkyv(with = InlineAsBox)]
    pub pairs: &'a [TilePair],
}

/// Tiles of a resource that follow each other.
#[derive(Archive, Serialize, Clone, Copy, Debug, Default, PartialEq)]
#[rkyv(derive(Clone, Copy, Debug))]
pub struct TileSpan {
    /// The first tile.
    pub first: u32,
    /// How many.
    pub count: u32,
}

/// Copies tiles to or from a buffer, in which each has 64 KiB with its rows one behind the other (`pfnCopyTiles`). None of them is
/// packed.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct CopyTiles<'a> {
    /// Bytes from the buffer's start to the first tile; a multiple of 16.
    pub buffer_offset: u64,
    /// A tiled resource.
    pub resource: u32,
    /// A buffer of the GPU.
    pub buffer: u32,
    /// One of [`tile_copy`].
    pub direction: u32,
    /// Must be zero.
    pub reserved: u32,
    /// At least one.
    #[rkyv(with = InlineAsBox)]
    pub spans: &'a [TileSpan],
}

/// Writes tiles from the heap, where each has 64 KiB as in [`CopyTiles`] (`pfnUpdateTiles`).
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct UpdateTiles<'a> {
    /// The tiles' bytes; at a multiple of 16.
    pub data: HeapRange,
    /// A tiled resource.
    pub resource: u32,
    /// Must be zero.
    pub reserved: u32,
    /// At least one.
    #[rkyv(with = InlineAsBox)]
    pub spans: &'a [TileSpan],
}

/// What follows sees what was written before through other tiles of the same memory (`pfnTiledResourceBarrier`).
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct TiledResourceBarrier {
    /// Must be zero.
    pub reserved: u64,
}

/// Gives a tile pool another size (`pfnResizeTilePool`). Tiles that remain keep their contents.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq)]
#[rkyv(attr(repr(align(8))))]
pub struct ResizeTilePool {
    /// A multiple of 64 KiB.
    pub bytes: u64,
    /// A tile pool.
    pub pool: u32,
    /// Must be zero.
    pub reserved: u32,
}
