//! Where each word of a ring lies, and the checked view of shared memory that both ends work on.
//!
//! ```text
//! byte   0  tail            written by the producer only: bytes published since the ring began
//! byte  64  head            written by the consumer only: bytes consumed since the ring began
//! byte 128  consumer alarm  armed by the sleeping consumer, disarmed by the producer that wakes it
//! byte 192  producer alarm  armed by the sleeping producer, disarmed by the consumer that wakes it
//! byte 256  data            a power of two; the byte of position p is data[p mod capacity]
//!
//! data:   │ free │ header, payload │ header, payload │ 0 │ free …
//!                ↑ head                              ↑ tail
//! ```
//!
//! **A record's header is its publication.** The word at the tail is zero. To publish, the producer first writes the
//! payload and the zero behind it, then, with release order, the header over the old zero. The consumer looks only at the
//! word at its head: zero means that the ring is empty. So a small record travels in the one cache line that the consumer
//! polls, while a tail would have to be fetched first and the record after it. The tail is there for those who copy or watch
//! a ring; the consumer does not read it.
//!
//! Positions are u64, always multiples of 8, and count bytes since the ring began. They are compared by
//! wrapping difference, so passing 2^64 is harmless. `head ≤ tail ≤ head + capacity - 8` holds between honest
//! peers: the zero's word is never given away. Each word of the header has a cache line of its own, so that a side that only
//! polls never slows the other's stores.

use crate::error::BadMemory;
use crate::sync::{AtomicU64, Ordering};

/// Bytes before a ring's data area.
pub const HEADER_BYTES: usize = 256;
/// The smallest data area in bytes.
pub const MIN_CAPACITY: usize = 64;
/// The largest data area in bytes. Half of what a record's u32 length can express.
pub const MAX_CAPACITY: usize = 1 << 31;

/// Bytes of the zero word behind the last published record, which ends the ring.
pub(crate) const END_BYTES: u64 = 8;
const HEADER_CELLS: usize = HEADER_BYTES / 8;
const TAIL: usize = 0;
const HEAD: usize = 8;
const CONSUMER_ALARM: usize = 16;
const PRODUCER_ALARM: usize = 24;

/// Shared memory as a run of 64-bit little-endian cells.
///
/// `cells` must return the same cells at every call; ends of a ring hold a `Memory` and ask for its cells at
/// each operation. Whatever hands out `AsRef<[AtomicU64]>` is a `Memory`: `&[AtomicU64]`, `Arc<[AtomicU64]>`,
/// and the mappings of `pvgpu-transport`.
pub trait Memory {
    /// The cells, in address order.
    fn cells(&self) -> &[AtomicU64];
}

impl<T: AsRef<[AtomicU64]> + ?Sized> Memory for T {
    #[inline]
    fn cells(&self) -> &[AtomicU64] {
        self.as_ref()
    }
}

/// A ring's words, taken from a [`Memory`] for the length of one operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    header: &'a [AtomicU64; HEADER_CELLS],
    data: &'a [AtomicU64],
}

impl<'a> View<'a> {
    /// Splits the cells into header and data and checks the size of the data area.
    pub(crate) fn new(memory: &'a (impl Memory + ?Sized)) -> Result<Self, BadMemory> {
        let cells = memory.cells();
        let bytes = cells.len().saturating_mul(8);
        let bad = BadMemory { bytes, rule: "a ring is 256 bytes and a power of two from 64 bytes to 2 GiB" };
        let (header, data) = cells.split_first_chunk().ok_or(bad)?;
        let capacity = bytes.saturating_sub(HEADER_BYTES);
        if !capacity.is_power_of_two() || !(MIN_CAPACITY..=MAX_CAPACITY).contains(&capacity) {
            return Err(bad);
        }
        Ok(Self { header, data })
    }

    /// The view of a memory that [`View::new`] has accepted before.
    #[inline(always)]
    pub(crate) fn again(memory: &'a (impl Memory + ?Sized)) -> Self {
        match memory.cells().split_first_chunk() {
            Some((header, data)) => Self { header, data },
            // PANIC: `View::new` succeeded on this memory when the end was made, and `Memory::cells` promises
            // the same cells at every call. No shared value takes part.
            None => unreachable!("a Memory returned fewer cells than before"),
        }
    }

    /// Bytes in the data area.
    pub(crate) fn capacity(self) -> u64 {
        self.data.len() as u64 * 8
    }

    #[inline(always)]
    pub(crate) fn tail(self) -> &'a AtomicU64 {
        &self.header[TAIL]
    }

    #[inline(always)]
    pub(crate) fn head(self) -> &'a AtomicU64 {
        &self.header[HEAD]
    }

    #[inline(always)]
    pub(crate) fn consumer_alarm(self) -> &'a AtomicU64 {
        &self.header[CONSUMER_ALARM]
    }

    #[inline]
    pub(crate) fn producer_alarm(self) -> &'a AtomicU64 {
        &self.header[PRODUCER_ALARM]
    }

    /// The cell at `position`.
    #[inline(always)]
    pub(crate) fn cell(self, position: u64) -> Option<&'a AtomicU64> {
        // CAST: only the low bits count, and the capacity is at most 2 GiB.
        self.data.get((position / 8) as usize & self.data.len().wrapping_sub(1))
    }

    /// The `words` cells from `position` on, when they come before the ring's end.
    #[inline(always)]
    pub(crate) fn row(self, position: u64, words: usize) -> Option<&'a [AtomicU64]> {
        // CAST: only the low bits count, and the capacity is at most 2 GiB.
        let index = (position / 8) as usize & self.data.len().wrapping_sub(1);
        self.data.get(index..)?.get(..words)
    }

    /// The `words` cells from `position` on, as the part before the ring's end and the part after it.
    ///
    /// Both parts together are shorter than `words` only if `words` exceeds the ring.
    #[inline(always)]
    pub(crate) fn window(self, position: u64, words: usize) -> (&'a [AtomicU64], &'a [AtomicU64]) {
        // CAST: only the low bits count, and the capacity is at most 2 GiB.
        let index = (position / 8) as usize & self.data.len().wrapping_sub(1);
        let (before, from) = self.data.split_at_checked(index).unwrap_or((self.data, &[]));
        match from.split_at_checked(words) {
            Some((all, _)) => (all, &[]),
            None => {
                let rest = words - from.len();
                (from, before.get(..rest).unwrap_or(before))
            }
        }
    }
}

/// Prepares a ring's header so that both ends may start at `position`, a multiple of 8 (usually 0).
///
/// To be called once, by the side that owns the memory, before the other side learns of the ring. A ring that
/// is used again for another context must be initialised again, or its stale head would look corrupt.
///
/// # Errors
/// [`BadMemory`] when the size is impossible or `position` is not a multiple of 8.
pub fn initialise(memory: &(impl Memory + ?Sized), position: u64) -> Result<(), BadMemory> {
    let view = View::new(memory)?;
    check_position(position, view)?;
    view.consumer_alarm().store(0, Ordering::Relaxed);
    view.producer_alarm().store(0, Ordering::Relaxed);
    if let Some(end) = view.cell(position) {
        end.store(0, Ordering::Relaxed);
    }
    view.head().store(position, Ordering::Release);
    view.tail().store(position, Ordering::Release);
    Ok(())
}

/// Refuses a start position that is not a multiple of 8.
pub(crate) fn check_position(position: u64, view: View<'_>) -> Result<(), BadMemory> {
    if position.is_multiple_of(8) {
        return Ok(());
    }
    // CAST: a capacity is at most 2 GiB.
    Err(BadMemory { bytes: view.capacity() as usize, rule: "a ring starts at a multiple of 8" })
}

/// The words of a ring's header as they are at this moment, for inspection. Nothing is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Positions {
    /// Bytes published by the producer.
    pub tail: u64,
    /// Bytes consumed by the consumer.
    pub head: u64,
    /// The consumer sleeps and wants to be woken.
    pub consumer_sleeps: bool,
    /// The producer sleeps and wants to be woken.
    pub producer_sleeps: bool,
}

/// Reads a ring's header without owning either end.
///
/// # Errors
/// [`BadMemory`] when the size is impossible.
pub fn positions(memory: &(impl Memory + ?Sized)) -> Result<Positions, BadMemory> {
    let view = View::new(memory)?;
    Ok(Positions {
        tail: view.tail().load(Ordering::Relaxed),
        head: view.head().load(Ordering::Relaxed),
        consumer_sleeps: view.consumer_alarm().load(Ordering::Relaxed) != 0,
        producer_sleeps: view.producer_alarm().load(Ordering::Relaxed) != 0,
    })
}
