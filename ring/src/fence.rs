//! Fence lines, by which the host tells how far a context's work is done, and the request for an interrupt.
//!
//! One fence line is one cache line of the fence page, written by the host only:
//!
//! ```text
//! byte 0  value   the last completed fence value, u64, only grows
//! byte 8  time    when it completed, in nanoseconds of the host's monotonic clock
//! ```
//!
//! The interrupt request is a word in memory that the guest writes: 0, or the fence value at which the guest wants
//! a doorbell. It follows the handshake of [`crate::alarm`]: the guest arms it and reads the fence again, the host
//! looks at it behind a fence after each completion and disarms it when it rings.

use crate::alarm;
use crate::error::{BadMemory, Corrupt};
use crate::layout::Memory;
use crate::sync::{AtomicU64, Ordering, fence};

/// Bytes of one fence line.
pub const LINE_BYTES: usize = 64;

const VALUE: usize = 0;
const TIME: usize = 1;

/// The two words of a fence line.
fn line(memory: &impl Memory, index: usize) -> Option<(&AtomicU64, &AtomicU64)> {
    let first = index.checked_mul(LINE_BYTES / 8)?;
    let cells = memory.cells().get(first..)?.first_chunk::<{ LINE_BYTES / 8 }>()?;
    Some((&cells[VALUE], &cells[TIME]))
}

/// Refuses a line that the memory does not hold.
fn check_line(memory: &impl Memory, index: usize) -> Result<(), BadMemory> {
    let bytes = memory.cells().len().saturating_mul(8);
    line(memory, index).map(|_| ()).ok_or(BadMemory { bytes, rule: "a fence page has 64 bytes per context" })
}

/// The host's end of a fence line.
#[derive(Debug)]
pub struct FenceWriter<M> {
    memory: M,
    index: usize,
    last: u64,
}

impl<M: Memory> FenceWriter<M> {
    /// Takes the line `index` of a fence page and sets it to 0.
    ///
    /// # Errors
    /// [`BadMemory`] when the page has no such line.
    pub fn new(memory: M, index: usize) -> Result<Self, BadMemory> {
        check_line(&memory, index)?;
        if let Some((value, time)) = line(&memory, index) {
            time.store(0, Ordering::Relaxed);
            value.store(0, Ordering::Release);
        }
        Ok(Self { memory, index, last: 0 })
    }

    /// Publishes that everything up to `value` is complete, at `time` (ns). A value below the last is ignored: it
    /// is complete already. Ask [`IrqRequest::fire`] afterwards.
    pub fn complete(&mut self, value: u64, time: u64) {
        if value <= self.last {
            return;
        }
        self.last = value;
        if let Some((shared, shared_time)) = line(&self.memory, self.index) {
            shared_time.store(time, Ordering::Relaxed);
            // Pairs with the acquire load in `FenceReader::poll`: what the work wrote is visible before the value.
            shared.store(value, Ordering::Release);
        }
    }

    /// The last completed value.
    pub fn completed(&self) -> u64 {
        self.last
    }
}

/// The guest's end of a fence line.
#[derive(Debug)]
pub struct FenceReader<M> {
    memory: M,
    index: usize,
    last: u64,
    corrupt: Option<Corrupt>,
}

impl<M: Memory> FenceReader<M> {
    /// Reads line `index` of a fence page.
    ///
    /// # Errors
    /// [`BadMemory`] when the page has no such line.
    pub fn new(memory: M, index: usize) -> Result<Self, BadMemory> {
        check_line(&memory, index)?;
        Ok(Self { memory, index, last: 0, corrupt: None })
    }

    /// Reads the last completed value.
    ///
    /// # Errors
    /// [`Corrupt::Backwards`] once the value was below an earlier reading; every later call returns the same.
    #[inline]
    pub fn poll(&mut self) -> Result<u64, Corrupt> {
        if let Some(corrupt) = self.corrupt {
            return Err(corrupt);
        }
        let Some((shared, _)) = line(&self.memory, self.index) else { return Ok(self.last) };
        // Pairs with the release store in `FenceWriter::complete`.
        let value = shared.load(Ordering::Acquire);
        if value < self.last {
            let corrupt = Corrupt::Backwards { value, last: self.last };
            self.corrupt = Some(corrupt);
            return Err(corrupt);
        }
        self.last = value;
        Ok(value)
    }

    /// When a value completed that is at least the one last polled, in nanoseconds of the host's monotonic clock.
    /// For statistics only: the host may have written both words again in between.
    pub fn time(&self) -> u64 {
        line(&self.memory, self.index).map_or(0, |(_, time)| time.load(Ordering::Relaxed))
    }
}

/// The word by which the guest asks for one interrupt at a fence value. Guest and host each hold one.
#[derive(Debug)]
pub struct IrqRequest<M> {
    memory: M,
    cell: usize,
}

impl<M: Memory> IrqRequest<M> {
    /// Takes cell number `cell` of `memory`, which must start as 0.
    ///
    /// # Errors
    /// [`BadMemory`] when the memory has no such cell.
    pub fn new(memory: M, cell: usize) -> Result<Self, BadMemory> {
        let bytes = memory.cells().len().saturating_mul(8);
        if memory.cells().get(cell).is_none() {
            return Err(BadMemory { bytes, rule: "an interrupt request lies inside the memory" });
        }
        Ok(Self { memory, cell })
    }

    /// Guest: asks for an interrupt once the fence reaches `value`, and reads the fence again.
    ///
    /// True means that the interrupt will come. False means that the value is reached already, or is 0, and none
    /// will come for it. A new request replaces the one before: keep the smallest value that is waited for.
    ///
    /// # Errors
    /// [`Corrupt`] as [`FenceReader::poll`].
    pub fn arm<F: Memory>(&self, value: u64, reader: &mut FenceReader<F>) -> Result<bool, Corrupt> {
        let Some(cell) = self.memory.cells().get(self.cell).filter(|_| value != 0) else { return Ok(false) };
        alarm::arm(cell, value);
        let reached = reader.poll().map(|completed| completed >= value);
        if reached != Ok(false) {
            alarm::disarm(cell);
        }
        reached.map(|reached| !reached)
    }

    /// Guest: takes the request back. An interrupt may already be on its way.
    pub fn disarm(&self) {
        if let Some(cell) = self.memory.cells().get(self.cell) {
            alarm::disarm(cell);
        }
    }

    /// Host: after the fence was written with `completed`, tells whether the guest is due an interrupt. True once
    /// per request.
    #[must_use = "a guest that waits for an interrupt must get it"]
    pub fn fire(&self, completed: u64) -> bool {
        fence(Ordering::SeqCst);
        self.memory.cells().get(self.cell).is_some_and(|cell| alarm::fire(cell, completed))
    }
}
