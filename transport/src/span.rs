//! A run of bytes in shared memory that is known to lie there: what carriers send from and receive into.

use pvgpu_ring::{Memory, bytes};

use crate::mapping::Region;

/// Bytes that are looked at together.
const STEP: usize = 256;

/// A run of bytes of a region, at any offset. Others may write them at any moment.
#[derive(Clone, Copy, Debug)]
pub struct Span<'r> {
    region: &'r Region,
    first: usize,
    length: usize,
}

impl<'r> Span<'r> {
    /// The `length` bytes from `offset` on; `None` when they do not all lie in the region.
    pub fn new(region: &'r Region, offset: u64, length: u64) -> Option<Self> {
        let end = offset.checked_add(length)?;
        if end > region.len() as u64 {
            return None;
        }
        // CAST: at most the region's length, which is a usize.
        Some(Self { region, first: offset as usize, length: length as usize })
    }

    /// Bytes.
    pub fn len(self) -> usize {
        self.length
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.length == 0
    }

    /// The first `count` bytes, or all if there are fewer, and the others.
    #[must_use]
    pub fn split_at(self, count: usize) -> (Self, Self) {
        let count = count.min(self.length);
        let first = Self { length: count, ..self };
        (first, Self { first: self.first + count, length: self.length - count, ..self })
    }

    /// Address of the first byte (never to be made a reference of).
    pub fn as_ptr(self) -> *mut u8 {
        self.region.as_ptr().wrapping_add(self.first)
    }

    /// Copies the first bytes out, as many as `into` has at most; gives how many.
    pub fn read(self, into: &mut [u8]) -> usize {
        let count = into.len().min(self.length);
        bytes::read(self.region.cells(), self.first as u64, into.get_mut(..count).unwrap_or_default());
        count
    }

    /// Copies bytes to the beginning, as many as there is room for; gives how many.
    pub fn write(self, from: &[u8]) -> usize {
        let count = from.len().min(self.length);
        bytes::write(self.region.cells(), self.first as u64, from.get(..count).unwrap_or_default());
        count
    }

    /// Whether all bytes are zero. The first that is not ends the search.
    pub fn is_zero(self) -> bool {
        let mut rest = self;
        let mut room = [0; STEP];
        while !rest.is_empty() {
            let (now, later) = rest.split_at(STEP);
            let count = now.read(&mut room);
            // A sum of bits and no early end, so that the step is a few vectors' work.
            if room.get(..count).unwrap_or_default().iter().fold(0, |sum, byte| sum | byte) != 0 {
                return false;
            }
            rest = later;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mapping;

    #[test]
    fn a_span_lies_inside() {
        let region = Mapping::anonymous(4096).expect("memory").whole();
        for (offset, length) in [(0, 4097), (4096, 1), (4095, 2), (u64::MAX, 1), (1, u64::MAX)] {
            assert!(Span::new(&region, offset, length).is_none(), "{offset} {length}");
        }
        assert!(Span::new(&region, 4096, 0).expect("empty").is_empty());
        assert_eq!(Span::new(&region, 1, 4095).expect("inside").len(), 4095);
    }

    #[test]
    fn bytes_go_in_and_come_out_where_they_belong() {
        let region = Mapping::anonymous(4096).expect("memory").whole();
        let span = Span::new(&region, 3, 1000).expect("inside");
        let bytes: Vec<u8> = (0..1200).map(|at| at as u8 | 1).collect();
        assert_eq!(span.write(&bytes), 1000);
        let mut all = vec![0; 4096];
        assert_eq!(Span::new(&region, 0, 4096).expect("inside").read(&mut all), 4096);
        assert!(all[..3] == [0; 3] && all[3..1003] == bytes[..1000] && all[1003..].iter().all(|b| *b == 0));
        let (first, rest) = span.split_at(600);
        let mut some = [0; 8];
        assert_eq!((first.len(), rest.len(), rest.read(&mut some)), (600, 400, 8));
        assert_eq!(some, bytes[600..608]);
        assert_eq!(span.split_at(2000).1.len(), 0);
    }

    #[test]
    fn one_byte_is_not_zero() {
        let region = Mapping::anonymous(4096).expect("memory").whole();
        for at in [0, 5, 255, 256, 511, 900] {
            let span = Span::new(&region, 7, 901).expect("inside");
            assert!(span.is_zero());
            span.split_at(at).1.write(&[1]);
            assert!(!span.is_zero(), "{at}");
            span.split_at(at).1.write(&[0]);
        }
        assert!(Span::new(&region, 0, 0).expect("empty").is_zero());
    }
}
