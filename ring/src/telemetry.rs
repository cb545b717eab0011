//! The telemetry ring: trace records of a driver, never blocking, the oldest dropped first.
//!
//! ```text
//! byte  0  written   u64, by the writer only: records written since the ring began
//! byte 64  slots     a power of two, 64 bytes each: sequence (u64), then 56 payload bytes
//! ```
//!
//! The writer overwrites the slot of record `n` (slot `n mod slots`) whether or not it was read. The slot's sequence
//! is `2n+1` while record `n` is written and `2n+2` when it is complete, so a reader that is lapped in the middle of
//! a copy notices, drops the copy and counts the loss. Counts, not positions, run here: u64, never wrapping in a
//! machine's life.

use crate::error::{BadMemory, Corrupt};
use crate::layout::Memory;
use crate::sync::{AtomicU64, Ordering, fence};

/// Payload words of one record.
pub const PAYLOAD_WORDS: usize = 7;
/// Bytes before the first slot, and bytes of one slot.
pub const SLOT_BYTES: usize = 64;

const SLOT_CELLS: usize = SLOT_BYTES / 8;

/// The count word and the slots.
type Parts<'a> = (&'a AtomicU64, &'a [[AtomicU64; SLOT_CELLS]]);

/// Splits the cells into the count and the slots; none when their number is impossible.
#[inline]
fn parts(memory: &impl Memory) -> Option<Parts<'_>> {
    let (header, cells) = memory.cells().split_first_chunk::<SLOT_CELLS>()?;
    let (slots, rest) = cells.as_chunks::<SLOT_CELLS>();
    (slots.len().is_power_of_two() && rest.is_empty()).then_some((&header[0], slots))
}

/// The slot of record `count`.
#[inline]
fn slot(slots: &[[AtomicU64; SLOT_CELLS]], count: u64) -> Option<&[AtomicU64; SLOT_CELLS]> {
    // CAST: only the low bits count.
    slots.get(count as usize & slots.len().wrapping_sub(1))
}

/// Refuses a memory that is no telemetry ring.
fn check(memory: &impl Memory) -> Result<(), BadMemory> {
    let bytes = memory.cells().len().saturating_mul(8);
    let rule = "a telemetry ring is 64 bytes and a power of two of 64-byte slots";
    parts(memory).map(|_| ()).ok_or(BadMemory { bytes, rule })
}

/// The writing end. Callers that trace from several threads put it behind a lock of their own.
#[derive(Debug)]
pub struct Writer<M> {
    memory: M,
    written: u64,
}

impl<M: Memory> Writer<M> {
    /// Takes the writing end of a telemetry ring and begins it: nothing is written yet.
    ///
    /// # Errors
    /// [`BadMemory`] when the size is impossible.
    pub fn new(memory: M) -> Result<Self, BadMemory> {
        check(&memory)?;
        if let Some((written, slots)) = parts(&memory) {
            for [sequence, ..] in slots {
                sequence.store(0, Ordering::Relaxed);
            }
            written.store(0, Ordering::Release);
        }
        Ok(Self { memory, written: 0 })
    }

    /// Writes one record over the oldest one.
    pub fn write(&mut self, payload: &[u64; PAYLOAD_WORDS]) {
        let Some((written, slots)) = parts(&self.memory) else { return };
        let Some([sequence, cells @ ..]) = slot(slots, self.written) else { return };
        let complete = self.written.wrapping_mul(2).wrapping_add(2);
        sequence.store(complete.wrapping_sub(1), Ordering::Relaxed);
        // Whoever reads one of the new words below, and fences, sees the odd sequence above.
        fence(Ordering::Release);
        for (cell, word) in cells.iter().zip(payload) {
            cell.store(*word, Ordering::Relaxed);
        }
        sequence.store(complete, Ordering::Release);
        self.written = self.written.wrapping_add(1);
        written.store(self.written, Ordering::Release);
    }
}

/// The reading end.
#[derive(Debug)]
pub struct Reader<M> {
    memory: M,
    read: u64,
    dropped: u64,
    corrupt: Option<Corrupt>,
}

impl<M: Memory> Reader<M> {
    /// Takes the reading end of a telemetry ring, from its first record on.
    ///
    /// # Errors
    /// [`BadMemory`] when the size is impossible.
    pub fn new(memory: M) -> Result<Self, BadMemory> {
        check(&memory)?;
        Ok(Self { memory, read: 0, dropped: 0, corrupt: None })
    }

    /// Copies the next record out; none when all are read. Lost records are counted in [`Reader::dropped`]. One
    /// call looks at each slot at most once, whatever the writer does.
    ///
    /// # Errors
    /// [`Corrupt::Backwards`] once the writer's count was below what is read; every later call returns the same.
    pub fn read(&mut self) -> Result<Option<[u64; PAYLOAD_WORDS]>, Corrupt> {
        if let Some(corrupt) = self.corrupt {
            return Err(corrupt);
        }
        let Some((written, slots)) = parts(&self.memory) else { return Ok(None) };
        let value = written.load(Ordering::Acquire);
        let Some(waiting) = value.checked_sub(self.read) else {
            let corrupt = Corrupt::Backwards { value, last: self.read };
            self.corrupt = Some(corrupt);
            return Err(corrupt);
        };
        let lapped = waiting.saturating_sub(slots.len() as u64);
        self.dropped = self.dropped.saturating_add(lapped);
        self.read += lapped;
        while self.read < value {
            let copy = slot(slots, self.read).and_then(|slot| copy_slot(slot, self.read));
            self.read += 1;
            match copy {
                Some(payload) => return Ok(Some(payload)),
                None => self.dropped = self.dropped.saturating_add(1),
            }
        }
        Ok(None)
    }

    /// Records that were overwritten before they could be read.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

/// Copies record `count` out of its slot; none when the slot holds or is getting another record.
fn copy_slot(slot: &[AtomicU64; SLOT_CELLS], count: u64) -> Option<[u64; PAYLOAD_WORDS]> {
    let [sequence, cells @ ..] = slot;
    let complete = count.wrapping_mul(2).wrapping_add(2);
    if sequence.load(Ordering::Acquire) != complete {
        return None;
    }
    let payload = core::array::from_fn(|index| cells[index].load(Ordering::Relaxed));
    // Pairs with the release fence in `Writer::write`.
    fence(Ordering::Acquire);
    (sequence.load(Ordering::Relaxed) == complete).then_some(payload)
}
