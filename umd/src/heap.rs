//! Long-lived memory in the context's heap ranges: staging resources, dynamic buffers, query slots, frames, upload chunks.
//!
//! First fit over the ranges that the kernel granted, with coalescing. A block that the host may still read is given back
//! with the fence that ends its use; it becomes free once that fence is complete.
//!
//! # Invariants
//! - Blocks do not overlap, and start and end at multiples of [`GRAIN`].
//! - A grant goes back to the kernel only when no block of it is alive or pending. The first one never goes back.

use core::ffi::c_void;
use std::collections::VecDeque;

use pvgpu_protocol::command::HeapRange;

use crate::error::Error;
use crate::kernel::{Cells, Grant, Kernel};

/// Blocks start and end at multiples of this, in bytes: a cache line.
const GRAIN: u64 = 64;
/// The least that is asked of the kernel at once, in bytes.
const GRANT_BYTES: u64 = 8 << 20;
/// Bytes of a page: the unit of grants, and their alignment.
const PAGE_BYTES: u64 = 4096;

/// Memory that its owner alone may use; it goes back by [`Heap::free`] or [`Heap::free_after`].
#[derive(Debug)]
pub struct Block {
    offset: u64,
    cells: Cells,
}

impl Block {
    /// The first `bytes` of the block, as commands name them.
    pub fn range(&self, bytes: u64) -> HeapRange {
        HeapRange { offset: self.offset, length: bytes }
    }

    /// First byte, from the start of the heap.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Bytes of the block: what was asked for, rounded up.
    pub fn bytes(&self) -> u64 {
        self.cells.len() as u64 * 8
    }

    /// The block's cells.
    pub fn cells(&self) -> Cells {
        self.cells
    }

    /// Where byte `at` of the block lies in this process, for the program to use while it has the memory mapped.
    pub fn address(&self, at: u64) -> *mut c_void {
        address(self.cells, at)
    }
}

/// The address of byte `at` behind the start of `cells`.
pub fn address(cells: Cells, at: u64) -> *mut c_void {
    // CAST: `at` lies inside memory that is mapped in this process.
    cells.as_ptr().cast_mut().cast::<c_void>().wrapping_byte_add(at as usize)
}

/// A free part of a grant, in bytes from the heap's start.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: u64,
    end: u64,
}

/// One grant with its free parts, ascending and not touching each other.
#[derive(Debug)]
struct Area {
    grant: Grant,
    free: Vec<Span>,
    keep: bool,
}

impl Area {
    fn new(grant: Grant, keep: bool) -> Self {
        let span = Span { start: grant.offset, end: grant.offset + grant.cells.len() as u64 * 8 };
        Self { grant, free: vec![span], keep }
    }

    fn end(&self) -> u64 {
        self.grant.offset + self.grant.cells.len() as u64 * 8
    }

    fn is_unused(&self) -> bool {
        matches!(self.free.as_slice(), [span] if span.start == self.grant.offset && span.end == self.end())
    }

    /// Cuts `bytes` out of the first part that holds them.
    fn allocate(&mut self, bytes: u64, align: u64) -> Option<Block> {
        let (index, start) = self.free.iter().enumerate().find_map(|(index, span)| {
            let start = span.start.checked_next_multiple_of(align)?;
            (start.checked_add(bytes)? <= span.end).then_some((index, start))
        })?;
        let span = self.free.get_mut(index)?;
        let (before, after) = (Span { end: start, ..*span }, Span { start: start + bytes, ..*span });
        match (before.start < before.end, after.start < after.end) {
            (false, false) => drop(self.free.remove(index)),
            (true, false) => *span = before,
            (false, true) => *span = after,
            (true, true) => {
                *span = before;
                self.free.insert(index + 1, after);
            }
        }
        // CAST: inside a range that is mapped in this process.
        let first = ((start - self.grant.offset) / 8) as usize;
        let cells = self.grant.cells.get(first..first + (bytes / 8) as usize)?;
        Some(Block { offset: start, cells })
    }

    /// Puts a block back and joins it with its neighbours.
    fn free(&mut self, block: &Block) {
        let mut span = Span { start: block.offset, end: block.offset + block.bytes() };
        let mut at = self.free.partition_point(|other| other.start < span.start);
        if let Some(next) = self.free.get(at).filter(|next| next.start == span.end) {
            span.end = next.end;
            self.free.remove(at);
        }
        if let Some(before) =
            at.checked_sub(1).and_then(|index| self.free.get(index)).filter(|b| b.end == span.start)
        {
            span.start = before.start;
            at -= 1;
            self.free.remove(at);
        }
        self.free.insert(at, span);
    }
}

/// The context's heap memory.
#[derive(Debug)]
pub struct Heap {
    areas: Vec<Area>,
    /// Blocks that become free with a fence; the fences rise.
    pending: VecDeque<(u64, Block)>,
}

impl Heap {
    /// Starts with the range that came with the context.
    pub fn new(first: Grant) -> Self {
        Self { areas: vec![Area::new(first, true)], pending: VecDeque::new() }
    }

    /// Allocates `bytes` at a multiple of `align` bytes in the heap. Does not wait for pending blocks.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] when neither the ranges at hand nor the kernel have room.
    pub fn allocate(&mut self, kernel: &mut dyn Kernel, bytes: u64, align: u64) -> Result<Block, Error> {
        let bytes = bytes.max(1).checked_next_multiple_of(GRAIN).ok_or(Error::OutOfMemory)?;
        let align = lcm(align, GRAIN).ok_or(Error::OutOfMemory)?;
        if let Some(block) = self.areas.iter_mut().find_map(|area| area.allocate(bytes, align)) {
            return Ok(block);
        }
        // A grant starts at a page; other alignments need room to move.
        let slack = if PAGE_BYTES.is_multiple_of(align) { 0 } else { align };
        let wanted = bytes.checked_add(slack).ok_or(Error::OutOfMemory)?.max(GRANT_BYTES);
        let mut area = Area::new(kernel.allocate_heap(wanted)?, false);
        let block = area.allocate(bytes, align).ok_or(Error::OutOfMemory);
        self.areas.push(area);
        block
    }

    /// Gives back a block that nobody uses any more.
    pub fn free(&mut self, kernel: &mut dyn Kernel, block: Block) {
        let Some(index) =
            self.areas.iter().position(|area| (area.grant.offset..area.end()).contains(&block.offset))
        else {
            return;
        };
        let Some(area) = self.areas.get_mut(index) else { return };
        area.free(&block);
        if area.is_unused() && !area.keep {
            // One spare grant of the usual size stays, so that a program at the edge does not ask again and again.
            let spare = self.areas.iter().filter(|area| !area.keep && area.is_unused()).count() > 1;
            let usual =
                self.areas.get(index).is_some_and(|area| area.end() - area.grant.offset <= GRANT_BYTES);
            if spare || !usual {
                kernel.free_heap(self.areas.swap_remove(index).grant);
            }
        }
    }

    /// Gives back a block that the host uses until `fence`.
    pub fn free_after(&mut self, block: Block, fence: u64) {
        self.pending.push_back((fence, block));
    }

    /// Frees the pending blocks whose fence is complete.
    pub fn reclaim(&mut self, kernel: &mut dyn Kernel, completed: u64) {
        while let Some((_, block)) = self.pending.pop_front_if(|(fence, _)| *fence <= completed) {
            self.free(kernel, block);
        }
    }

    /// The first fence that frees a block.
    pub fn pending_fence(&self) -> Option<u64> {
        self.pending.front().map(|(fence, _)| *fence)
    }
}

/// Least common multiple; `None` when it overflows or an operand is 0.
pub fn lcm(a: u64, b: u64) -> Option<u64> {
    let (mut divisor, mut rest) = (a, b);
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    a.checked_div(divisor)?.checked_mul(b).filter(|&product| product != 0)
}

#[cfg(test)]
mod tests;
