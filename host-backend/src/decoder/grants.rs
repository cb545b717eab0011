//! Which ranges of the heap a context may name.

use std::cell::Cell;
use std::collections::BTreeMap;

use pvgpu_protocol::command::HeapRange;

/// Disjoint heap ranges. Ranges that touch stay apart: a command's range lies in one of them.
#[derive(Debug, Default)]
pub struct Grants {
    /// By offset.
    ranges: BTreeMap<u64, Grant>,
}

#[derive(Debug)]
struct Grant {
    length: u64,
    /// The batch of its last use, 0 for none, the highest for all that follow.
    used: Cell<u64>,
}

impl Grants {
    /// Adds a range; false when it is empty, ends beyond 2^64 or overlaps another.
    pub fn add(&mut self, range: HeapRange) -> bool {
        let Some(end) = range.offset.checked_add(range.length) else { return false };
        if range.length == 0 || self.overlap(range.offset, end) {
            return false;
        }
        self.ranges.insert(range.offset, Grant { length: range.length, used: Cell::new(0) });
        true
    }

    /// Takes back exactly a range that was added, and gives the batch of its last use, 0 for none; nothing when there is
    /// no such range.
    pub fn remove(&mut self, range: HeapRange) -> Option<u64> {
        self.ranges.get(&range.offset).filter(|grant| grant.length == range.length)?;
        self.ranges.remove(&range.offset).map(|grant| grant.used.get())
    }

    /// Whether a range with at least one byte lies inside one that was added.
    pub fn contain(&self, range: HeapRange) -> bool {
        self.find(range).is_some()
    }

    /// Notes that a batch uses a range, or with the highest number that all later ones may; false when it does not lie inside one that was added.
    pub fn mark(&self, range: HeapRange, batch: u64) -> bool {
        let grant = self.find(range);
        grant.inspect(|grant| grant.used.set(grant.used.get().max(batch))).is_some()
    }

    fn find(&self, range: HeapRange) -> Option<&Grant> {
        let end = range.offset.checked_add(range.length).filter(|_| range.length != 0)?;
        let (offset, grant) = self.ranges.range(..=range.offset).next_back()?;
        (end <= offset.saturating_add(grant.length)).then_some(grant)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// All ranges, ascending.
    pub fn iter(&self) -> impl Iterator<Item = HeapRange> + '_ {
        self.ranges.iter().map(|(&offset, grant)| HeapRange { offset, length: grant.length })
    }

    fn overlap(&self, offset: u64, end: u64) -> bool {
        let before = self.ranges.range(..end).next_back();
        before.is_some_and(|(start, grant)| start.saturating_add(grant.length) > offset)
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
        assert_eq!(grants.remove(range(100, 49)), None);
        assert_eq!(grants.remove(range(100, 50)), Some(0));
        assert!(!grants.contain(range(100, 1)));
        assert_eq!(grants.iter().collect::<Vec<_>>(), [range(90, 10), range(150, 10)]);
    }

    #[test]
    fn the_last_use_is_known() {
        let mut grants = Grants::default();
        grants.add(range(100, 50));
        grants.add(range(150, 50));
        assert!(grants.mark(range(100, 1), 3));
        assert!(grants.mark(range(149, 1), 4));
        assert!(!grants.mark(range(149, 2), 5), "in two of them");
        assert!(grants.mark(range(100, 1), 2), "an earlier batch");
        assert_eq!(grants.remove(range(100, 50)), Some(4));
        assert!(!grants.mark(range(100, 1), 6), "it is gone");
        assert_eq!(grants.remove(range(150, 50)), Some(0));
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
