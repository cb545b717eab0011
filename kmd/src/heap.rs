//! Which ranges of the aperture's heap are free: first fit over a sorted list, neighbours merged.
//!
//! Ranges are whole pages, because each is mapped into a process of its own. The list grows only with fragmentation; a
//! range given back always finds room in it, since every allocation reserves one entry ahead.
//!
//! # Invariants
//! Free ranges are sorted, do not touch each other, and lie inside the heap.

use alloc::vec::Vec;

use pvgpu_protocol::aperture::PAGE_BYTES;
use pvgpu_protocol::command::HeapRange;

/// No free range is large enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeapFull {
    /// Bytes asked for.
    pub bytes: u64,
}

/// The free ranges.
#[derive(Debug)]
pub struct Heap {
    free: Vec<HeapRange>,
    /// Ranges handed out and not given back; the list has room for all of them.
    out: usize,
    /// Bytes before this were handed out at some time and may hold old data.
    touched: u64,
}

/// A range just handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allocated {
    /// Where it lies.
    pub range: HeapRange,
    /// Nobody had any byte of it before.
    pub fresh: bool,
}

impl Heap {
    /// A heap of `bytes` bytes, all free; a last part of a page is never used. A heap whose pages may hold old data from
    /// the start is not `zeroed`.
    ///
    /// # Errors
    /// [`HeapFull`] when there is no memory for the list.
    pub fn new(bytes: u64, zeroed: bool) -> Result<Self, HeapFull> {
        let length = bytes - bytes % PAGE_BYTES;
        let mut free = Vec::new();
        free.try_reserve(2).map_err(|_| HeapFull { bytes })?;
        if length != 0 {
            free.push(HeapRange { offset: 0, length });
        }
        Ok(Self { free, out: 0, touched: if zeroed { 0 } else { bytes } })
    }

    /// Hands out `bytes` bytes, rounded up to pages.
    ///
    /// # Errors
    /// [`HeapFull`] also for 0 bytes, and when there is no memory for the list.
    pub fn allocate(&mut self, bytes: u64) -> Result<Allocated, HeapFull> {
        let full = HeapFull { bytes };
        let length = bytes.checked_next_multiple_of(PAGE_BYTES).filter(|length| *length != 0).ok_or(full)?;
        // One entry for each range that may come back, beside those that are free now.
        self.free.try_reserve(self.out + 1).map_err(|_| full)?;
        let index = self.free.iter().position(|range| range.length >= length).ok_or(full)?;
        let found = self.free.get_mut(index).ok_or(full)?;
        let range = HeapRange { offset: found.offset, length };
        found.offset += length;
        found.length -= length;
        if found.length == 0 {
            self.free.remove(index);
        }
        self.out += 1;
        let fresh = range.offset >= self.touched;
        self.touched = self.touched.max(range.offset + range.length);
        Ok(Allocated { range, fresh })
    }

    /// Takes back a range exactly as it was handed out.
    pub fn free(&mut self, range: HeapRange) {
        let index = self.free.partition_point(|free| free.offset < range.offset);
        self.out = self.out.saturating_sub(1);
        let end = range.offset + range.length;
        let next = self.free.get(index).filter(|next| next.offset == end).copied();
        let before = index.checked_sub(1).and_then(|before| self.free.get_mut(before));
        match (before.filter(|before| before.offset + before.length == range.offset), next) {
            (Some(before), Some(next)) => {
                before.length += range.length + next.length;
                self.free.remove(index);
            }
            (Some(before), None) => before.length += range.length,
            (None, Some(next)) => {
                if let Some(merged) = self.free.get_mut(index) {
                    *merged =
                        HeapRange { offset: range.offset, length: range.length.saturating_add(next.length) };
                }
            }
            (None, None) => self.free.insert(index, range),
        }
    }

    /// Bytes that are free, in whatever pieces.
    pub fn free_bytes(&self) -> u64 {
        self.free.iter().map(|range| range.length).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAGES: u64 = 64;

    #[derive(Clone, Debug)]
    enum Step {
        Allocate(u64),
        Free(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step =
            prop_oneof![(0..9 * PAGE_BYTES).prop_map(Step::Allocate), any::<usize>().prop_map(Step::Free)];
        prop::collection::vec(step, 1..200)
    }

    /// The longest run of free pages.
    fn longest_run(pages: &[bool]) -> u64 {
        let (mut best, mut run) = (0, 0);
        for used in pages {
            run = if *used { 0 } else { run + 1 };
            best = best.max(run);
        }
        best
    }

    proptest! {
        /// The heap behaves as a bitmap of pages does.
        #[test]
        fn heap_agrees_with_a_bitmap(steps in steps()) {
            let mut heap = Heap::new(PAGES * PAGE_BYTES + 5, true).expect("memory");
            let mut pages = [false; PAGES as usize];
            let mut touched = [false; PAGES as usize];
            let mut out = Vec::new();
            for step in steps {
                match step {
                    Step::Allocate(bytes) => {
                        let wanted = bytes.div_ceil(PAGE_BYTES);
                        match heap.allocate(bytes) {
                            Ok(Allocated { range, fresh }) => {
                                prop_assert_eq!(range.length, wanted * PAGE_BYTES);
                                prop_assert_eq!(range.offset % PAGE_BYTES, 0);
                                let first = (range.offset / PAGE_BYTES) as usize;
                                for page in first..first + wanted as usize {
                                    prop_assert!(!pages[page], "page {} handed out twice", page);
                                    prop_assert!(!(fresh && touched[page]), "page {} is not fresh", page);
                                    pages[page] = true;
                                    touched[page] = true;
                                }
                                out.push(range);
                            }
                            Err(full) => {
                                prop_assert_eq!(full, HeapFull { bytes });
                                prop_assert!(wanted == 0 || longest_run(&pages) < wanted);
                            }
                        }
                    }
                    Step::Free(which) if !out.is_empty() => {
                        let range = out.swap_remove(which % out.len());
                        let first = (range.offset / PAGE_BYTES) as usize;
                        pages[first..first + (range.length / PAGE_BYTES) as usize].fill(false);
                        heap.free(range);
                    }
                    Step::Free(_) => {}
                }
                let free = pages.iter().filter(|used| !**used).count() as u64;
                prop_assert_eq!(heap.free_bytes(), free * PAGE_BYTES);
            }
            for range in out {
                heap.free(range);
            }
            let all = heap.allocate(PAGES * PAGE_BYTES).map(|all| all.range);
            prop_assert_eq!(all, Ok(HeapRange { offset: 0, length: PAGES * PAGE_BYTES }));
        }
    }

    #[test]
    fn impossible_sizes() {
        let mut heap = Heap::new(PAGE_BYTES, false).expect("memory");
        for bytes in [0, PAGE_BYTES + 1, u64::MAX] {
            assert_eq!(heap.allocate(bytes), Err(HeapFull { bytes }));
        }
        let range = HeapRange { offset: 0, length: PAGE_BYTES };
        assert_eq!(heap.allocate(1), Ok(Allocated { range, fresh: false }), "old data may lie there");
        assert_eq!(Heap::new(7, true).expect("memory").free_bytes(), 0);
    }
}
