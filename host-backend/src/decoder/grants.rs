//! Which ranges of the heap a context may name.

use std::collections::BTreeMap;

use pvgpu_protocol::command::HeapRange;

/// Disjoint heap ranges. Ranges that touch stay apart: a command's range lies in one of them.
#[derive(Debug, Default)]
pub struct Grants {
    /// Length by offset.
    ranges: BTreeMap<u64, u64>,
}

impl Grants {
    /// Adds a range; false when it is empty, ends beyond 2^64 or overlaps another.
    pub fn add(&mut self, range: HeapRange) -> bool {
        let Some(end) = range.offset.checked_add(range.length) else { return false };
        if range.length == 0 || self.overlap(range.offset, end) {
            return false;
        }
        self.ranges.insert(range.offset, range.length);
        true
    }

    /// Takes back exactly a range that was added; false when there is none.
    pub fn remove(&mut self, range: HeapRange) -> bool {
        if self.ranges.get(&range.offset) != Some(&range.length) {
            return false;
        }
        self.ranges.remove(&range.offset).is_some()
    }

    /// Whether a range with at least one byte lies inside one that was added.
    pub fn contain(&self, range: HeapRange) -> bool {
        let Some(end) = range.offset.checked_add(range.length) else { return false };
        let before = self.ranges.range(..=range.offset).next_back();
        range.length != 0 && before.is_some_and(|(offset, length)| end <= offset.saturating_add(*length))
    }

    /// All ranges, ascending.
    pub fn iter(&self) -> impl Iterator<Item = HeapRange> + '_ {
        self.ranges.iter().map(|(&offset, &length)| HeapRange { offset, length })
    }

    fn overlap(&self, offset: u64, end: u64) -> bool {
        let before = self.ranges.range(..end).next_back();
        before.is_some_and(|(start, length)| start.saturating_add(*length) > offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn range(offset: u64, length: u64) -> HeapRange {
        HeapRange { offset, length }
    }

    #[test]
    fn ranges_do_not_overlap() {
        let mut grants = Grants::default();
        assert!(grants.add(range(100, 50)));
        for bad in
            [range(0, 0), range(149, 1), range(100, 50), range(50, 51), range(0, 1000), range(u64::MAX, 2)]
        {
            assert!(!grants.add(bad), "{bad:?}");
        }
        assert!(grants.add(range(150, 10)));
        assert!(grants.add(range(90, 10)));
        assert!(!grants.remove(range(100, 49)));
        assert!(grants.remove(range(100, 50)));
        assert!(!grants.contain(range(100, 1)));
        assert_eq!(grants.iter().collect::<Vec<_>>(), [range(90, 10), range(150, 10)]);
    }

    #[test]
    fn a_use_lies_in_one_range() {
        let mut grants = Grants::default();
        grants.add(range(100, 50));
        grants.add(range(150, 50));
        assert!(grants.contain(range(100, 50)));
        assert!(grants.contain(range(149, 1)));
        assert!(grants.contain(range(150, 50)));
        for bad in [
            range(99, 1),
            range(149, 2),
            range(200, 1),
            range(100, 0),
            range(u64::MAX, 1),
            range(150, u64::MAX),
        ] {
            assert!(!grants.contain(bad), "{bad:?}");
        }
    }
}
