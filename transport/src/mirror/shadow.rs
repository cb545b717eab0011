//! What the host has of the guest's dynamic buffers, so that only what has changed is sent.
//!
//! A program that maps a buffer with `WRITE_NO_OVERWRITE` says that it has written, not where. The runtime can only declare the
//! whole buffer, some megabytes for each draw. The mirror keeps a copy of such buffers and compares.

use std::collections::BTreeMap;

/// Bytes that are compared and sent together.
const GRAIN: usize = 256;
/// Bytes of all copies. Buffers beyond are sent whole.
const MAX_BYTES: usize = 64 << 20;
/// Smaller buffers are sent whole.
pub const MIN_BYTES: usize = 1024;

/// Copies, by where they lie in the heap.
#[derive(Debug, Default)]
pub struct Shadows {
    copies: BTreeMap<u64, Vec<u8>>,
    bytes: usize,
}

impl Shadows {
    /// Takes what stands at `offset` now, and gives the runs that the host does not have: places in `now`.
    ///
    /// `None` when all of it is new to the host, or nothing is known.
    pub fn update(&mut self, offset: u64, now: &[u8]) -> Option<Vec<std::ops::Range<usize>>> {
        match self.copies.get_mut(&offset) {
            Some(copy) if copy.len() == now.len() => {
                let changed = changes(copy, now);
                for run in &changed {
                    if let (Some(to), Some(from)) = (copy.get_mut(run.clone()), now.get(run.clone())) {
                        to.copy_from_slice(from);
                    }
                }
                Some(changed)
            }
            _ => {
                self.forget(offset, now.len() as u64);
                if self.bytes + now.len() <= MAX_BYTES {
                    self.bytes += now.len();
                    self.copies.insert(offset, now.to_vec());
                }
                None
            }
        }
    }

    /// Forgets copies that overlap a range: something else goes there.
    pub fn forget(&mut self, offset: u64, length: u64) {
        let end = offset.saturating_add(length);
        // Copies do not overlap each other, so that only one can begin before the range and reach into it.
        let first =
            self.copies.range(..=offset).next_back().filter(|(at, copy)| **at + copy.len() as u64 > offset);
        let first = first.map_or(offset, |(at, _)| *at);
        let gone: Vec<u64> = self.copies.range(first..end.max(first)).map(|(at, _)| *at).collect();
        for at in gone {
            self.bytes -= self.copies.remove(&at).map_or(0, |copy| copy.len());
        }
    }
}

/// Runs of grains that differ; neighbours are joined.
fn changes(before: &[u8], now: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
    for (index, (before, now)) in before.chunks(GRAIN).zip(now.chunks(GRAIN)).enumerate() {
        if before == now {
            continue;
        }
        let begin = index * GRAIN;
        let end = begin + now.len();
        match runs.last_mut() {
            Some(run) if run.end == begin => run.end = end,
            _ => runs.push(begin..end),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_are_given() {
        let mut shadows = Shadows::default();
        let mut bytes = vec![1; 2000];
        assert_eq!(shadows.update(4096, &bytes), None, "nothing is known");
        assert_eq!(shadows.update(4096, &bytes), Some(vec![]));
        bytes[300] = 2;
        bytes[600] = 2;
        bytes[1999] = 3;
        assert_eq!(shadows.update(4096, &bytes), Some(vec![256..768, 1792..2000]));
        assert_eq!(shadows.update(4096, &bytes), Some(vec![]));
    }

    #[test]
    fn what_is_overwritten_is_forgotten() {
        let mut shadows = Shadows::default();
        let bytes = vec![1; 1024];
        for offset in [0, 1024, 4096] {
            assert_eq!(shadows.update(offset, &bytes), None);
        }
        shadows.forget(1000, 48);
        assert_eq!(shadows.update(0, &bytes), None);
        assert_eq!(shadows.update(1024, &bytes), None);
        assert_eq!(shadows.update(4096, &bytes), Some(vec![]));
        shadows.forget(4096, 1);
        assert_eq!(shadows.update(4096, &bytes), None);
        // Another size at the same place.
        assert_eq!(shadows.update(0, &bytes[..512]), None);
        assert_eq!(shadows.update(0, &bytes[..512]), Some(vec![]));
        shadows.forget(0, 1 << 40);
        assert_eq!((shadows.bytes, shadows.copies.len()), (0, 0));
    }

    #[test]
    fn memory_is_bounded() {
        let mut shadows = Shadows::default();
        let bytes = vec![1; MAX_BYTES / 2];
        for place in 0..4 {
            assert_eq!(shadows.update(place * bytes.len() as u64, &bytes), None);
        }
        assert_eq!(shadows.bytes, MAX_BYTES);
        assert_eq!(shadows.update(3 * bytes.len() as u64, &bytes), None, "no copy was kept");
    }
}
