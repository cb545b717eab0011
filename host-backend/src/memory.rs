//! The aperture as the worker sees it: cells that the guest may change at any moment, cut into rings and the heap.
//!
//! Nothing here hands out plain references to shared bytes. Everything is copied, one atomic word at a time.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use pvgpu_protocol::command::HeapRange;
use pvgpu_ring::{Memory, bytes};

/// The whole aperture, shared by all threads of the worker.
pub type SharedCells = Arc<dyn Memory + Send + Sync>;

/// A run of the aperture's cells, such as one ring.
#[derive(Clone)]
pub struct Part {
    cells: SharedCells,
    first: usize,
    count: usize,
}

impl Part {
    /// The cells that hold `length` bytes at byte `offset`; `None` when they are no whole cells inside the aperture.
    pub fn new(cells: &SharedCells, offset: u64, length: u64) -> Option<Self> {
        if !offset.is_multiple_of(8) || !length.is_multiple_of(8) {
            return None;
        }
        let (first, count) = (usize::try_from(offset / 8).ok()?, usize::try_from(length / 8).ok()?);
        cells.cells().get(first..first.checked_add(count)?)?;
        Some(Self { cells: cells.clone(), first, count })
    }
}

impl AsRef<[AtomicU64]> for Part {
    #[inline]
    fn as_ref(&self) -> &[AtomicU64] {
        self.cells.cells().get(self.first..self.first + self.count).unwrap_or_default()
    }
}

/// The heap: copies in and out by whole words.
#[derive(Clone)]
pub struct Heap {
    part: Part,
}

impl Heap {
    /// A heap over a part of the aperture.
    pub fn new(part: Part) -> Self {
        Self { part }
    }

    /// Bytes of the heap.
    pub fn bytes(&self) -> u64 {
        self.part.count as u64 * 8
    }

    /// The address of the heap's first byte, for import into Vulkan; never to be read or written through.
    pub fn address(&self) -> *const AtomicU64 {
        self.part.as_ref().as_ptr()
    }

    /// Copies bytes out of the heap; short when the range leaves the heap, which validation has excluded.
    pub fn read(&self, range: HeapRange, into: &mut [u8]) {
        bytes::read(self.part.as_ref(), range.offset, into);
    }

    /// Copies bytes into the heap. Bytes beside them in the same word keep their value, also when the guest writes those at the
    /// same time.
    pub fn write(&self, offset: u64, from: &[u8]) {
        bytes::write(self.part.as_ref(), offset, from);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;

    fn shared(words: usize) -> SharedCells {
        let cells: Arc<[AtomicU64]> = (0..words).map(|_| AtomicU64::new(0)).collect();
        Arc::new(cells)
    }

    #[test]
    fn parts_lie_inside() {
        let cells = shared(4);
        assert!(Part::new(&cells, 0, 32).is_some());
        for (offset, length) in [(0, 40), (8, 32), (4, 8), (8, 4), (u64::MAX - 7, 8), (8, u64::MAX - 7)] {
            assert!(Part::new(&cells, offset, length).is_none(), "{offset} {length}");
        }
    }

    #[test]
    fn both_halves_of_a_word_are_written_at_once() {
        let cells = shared(1);
        let heap = Heap::new(Part::new(&cells, 0, 8).expect("whole"));
        const ROUNDS: u32 = 100_000;
        std::thread::scope(|scope| {
            let guest = scope.spawn(|| {
                // The guest's processor writes its half in one go, as a 32-bit store does.
                for round in 1..=ROUNDS {
                    let half = u64::from(round) << 32;
                    let update = |word: u64| Some(word & 0xffff_ffff | half);
                    let _ = cells.cells()[0].fetch_update(Ordering::Relaxed, Ordering::Relaxed, update);
                    let seen = cells.cells()[0].load(Ordering::Relaxed) >> 32;
                    assert_eq!(seen, u64::from(round), "a write of the guest was undone");
                }
            });
            let mut round = 0u32;
            while !guest.is_finished() {
                round = round.wrapping_add(1);
                heap.write(0, &round.to_le_bytes());
            }
        });
        assert_eq!(cells.cells()[0].load(Ordering::Relaxed) >> 32, u64::from(ROUNDS));
    }

    #[test]
    fn bytes_at_any_offset_survive() {
        let cells = shared(8);
        let heap = Heap::new(Part::new(&cells, 8, 56).expect("inside"));
        let bytes: Vec<u8> = (1..=23).collect();
        for offset in 0..16 {
            heap.write(offset, &bytes);
            let mut back = [0; 23];
            heap.read(HeapRange { offset, length: 23 }, &mut back);
            assert_eq!(back, bytes[..]);
        }
        assert_eq!(cells.cells()[0].load(Ordering::Relaxed), 0, "the cell before the heap");
        let mut beyond = [7; 16];
        heap.read(HeapRange { offset: 48, length: 16 }, &mut beyond);
        assert_eq!(beyond[8..], [7; 8], "nothing is read beyond the heap");
        heap.write(52, &bytes);
    }
}
