//! Memory for uploads that live for one frame at most: a bump allocator over chunks that fences give back.
//!
//! ```text
//!   chunk in use          retired, in order of retirement
//!   ┌──────────┬──────┐   ┌──────────────┐ ┌──────────────┐
//!   │ given out│ free │   │ last use: 17 │ │ last use: 19 │ ...
//!   └──────────┴──────┘   └──────────────┘ └──────────────┘
//! ```
//! # Invariants
//! - A chunk is reused only when no piece of it is open (being filled, or mapped by the program) and the fence that follows the
//!   last command that reads it is complete.
//! - Pieces of one chunk do not overlap until it is reused.

use core::ffi::c_void;

use pvgpu_protocol::command::HeapRange;

use crate::heap::{Block, address};
use crate::kernel::Cells;

/// Bytes of a chunk.
pub const CHUNK_BYTES: u64 = 1 << 20;
/// A larger piece gets a chunk of its own.
pub const LARGEST_PIECE: u64 = CHUNK_BYTES / 4;
/// Chunks after which the arena waits for fences instead of growing: 64 MiB, a quarter of the usual aperture.
pub const MAX_CHUNKS: usize = 64;

/// Memory that is being filled. It must be closed once the command that reads it is in the ring.
#[derive(Debug)]
pub struct Piece {
    range: HeapRange,
    cells: Cells,
    chunk: usize,
}

impl Piece {
    /// Where it lies, as commands name it.
    #[inline]
    pub fn range(&self) -> HeapRange {
        self.range
    }

    /// Its cells.
    #[inline]
    pub fn cells(&self) -> Cells {
        self.cells
    }

    /// Where it lies in this process.
    #[inline]
    pub fn address(&self) -> *mut c_void {
        address(self.cells, 0)
    }
}

/// One chunk.
#[derive(Debug)]
struct Chunk {
    block: Block,
    /// Pieces given out and not closed.
    open: u32,
    /// The fence that follows the last command that reads it.
    last_use: u64,
    /// For one large piece; goes back to the heap when it is closed.
    single: bool,
}

/// The upload arena of one context.
#[derive(Debug, Default)]
pub struct Arena {
    chunks: Vec<Option<Chunk>>,
    /// The chunk that pieces are cut from.
    current: Option<usize>,
    /// First free byte of the current chunk, from the heap's start.
    cursor: u64,
    /// One past the current chunk, from the heap's start.
    end: u64,
}

impl Arena {
    /// Cuts a piece out of the current chunk; `None` when it does not hold it.
    #[inline]
    pub fn bump(&mut self, bytes: u64, align: u64) -> Option<Piece> {
        let start = self.cursor.checked_next_multiple_of(align)?;
        // Pieces end at a whole cell, so that no two share one.
        let next = start.checked_add(bytes)?.checked_next_multiple_of(8)?;
        if next > self.end {
            return None;
        }
        let index = self.current?;
        let chunk = self.chunks.get_mut(index)?.as_mut()?;
        let piece = piece(&chunk.block, start, next, bytes, index)?;
        chunk.open += 1;
        self.cursor = next;
        Some(piece)
    }

    /// Makes a retired chunk that is free again the current one; `false` when there is none.
    pub fn recycle(&mut self, completed: u64) -> bool {
        let current = self.current;
        let free = self.chunks.iter().enumerate().position(|(index, chunk)| {
            Some(index) != current
                && chunk
                    .as_ref()
                    .is_some_and(|chunk| !chunk.single && chunk.open == 0 && chunk.last_use <= completed)
        });
        if let Some(index) = free {
            self.enter(index);
        }
        free.is_some()
    }

    /// Whether the arena may grow instead of waiting.
    pub fn may_grow(&self) -> bool {
        self.chunks.iter().flatten().filter(|chunk| !chunk.single).count() < MAX_CHUNKS
    }

    /// The earliest fence that makes a retired chunk free; `None` when no fence does.
    pub fn next_free(&self) -> Option<u64> {
        let current = self.current;
        let retired = self.chunks.iter().enumerate().filter(|(index, _)| Some(*index) != current);
        retired
            .filter_map(|(_, chunk)| chunk.as_ref().filter(|c| !c.single && c.open == 0).map(|c| c.last_use))
            .min()
    }

    /// Adds a chunk and makes it the current one.
    pub fn add(&mut self, block: Block) {
        let index = self.insert(Chunk { block, open: 0, last_use: 0, single: false });
        self.enter(index);
    }

    /// A piece that is a whole block.
    pub fn single(&mut self, block: Block, bytes: u64) -> Piece {
        let (range, cells) = (block.range(bytes), block.cells());
        let chunk = self.insert(Chunk { block, open: 1, last_use: 0, single: true });
        Piece { range, cells, chunk }
    }

    /// Takes a piece back whose memory is read until `fence`. Gives the block that the heap gets with that fence, if any.
    #[inline]
    #[must_use = "a single piece's block goes back to the heap"]
    pub fn close(&mut self, piece: Piece, fence: u64) -> Option<Block> {
        let slot = self.chunks.get_mut(piece.chunk)?;
        let chunk = slot.as_mut()?;
        chunk.open = chunk.open.saturating_sub(1);
        chunk.last_use = fence;
        if chunk.single { slot.take().map(|chunk| chunk.block) } else { None }
    }

    fn enter(&mut self, index: usize) {
        if let Some(Some(chunk)) = self.chunks.get(index) {
            self.current = Some(index);
            self.cursor = chunk.block.offset();
            self.end = self.cursor + chunk.block.bytes();
        }
    }

    fn insert(&mut self, chunk: Chunk) -> usize {
        if let Some(index) = self.chunks.iter().position(Option::is_none) {
            if let Some(slot) = self.chunks.get_mut(index) {
                *slot = Some(chunk);
            }
            return index;
        }
        self.chunks.push(Some(chunk));
        self.chunks.len() - 1
    }
}

/// The piece from `start` to `next` of a block, of which `bytes` count.
#[inline]
fn piece(block: &Block, start: u64, next: u64, bytes: u64, chunk: usize) -> Option<Piece> {
    let (first, last) = (start.checked_sub(block.offset())? / 8, next.checked_sub(block.offset())? / 8);
    // CAST: inside a range that is mapped in this process.
    let cells = block.cells().get(first as usize..last as usize)?;
    Some(Piece { range: HeapRange { offset: start, length: bytes }, cells, chunk })
}

#[cfg(test)]
mod tests;
