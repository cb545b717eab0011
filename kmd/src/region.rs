//! A run of cells inside the aperture, as the rings want to see their memory.

use pvgpu_ring::AtomicU64;

/// Part of the aperture. Cheap to clone; shows the same cells at every call, none when the part does not exist.
#[derive(Clone, Debug)]
pub struct Region<A> {
    aperture: A,
    first: usize,
    cells: usize,
}

impl<A: AsRef<[AtomicU64]>> Region<A> {
    /// The cells of `bytes` bytes from `offset` on, both multiples of 8; `None` when the aperture has no such bytes.
    pub fn new(aperture: A, offset: u64, bytes: u64) -> Option<Self> {
        let first = usize::try_from(offset / 8).ok()?;
        let cells = usize::try_from(bytes / 8).ok()?;
        let end = first.checked_add(cells)?;
        if !offset.is_multiple_of(8) || !bytes.is_multiple_of(8) || end > aperture.as_ref().len() {
            return None;
        }
        Some(Self { aperture, first, cells })
    }
}

impl<A: AsRef<[AtomicU64]>> AsRef<[AtomicU64]> for Region<A> {
    #[inline]
    fn as_ref(&self) -> &[AtomicU64] {
        let cells = self.aperture.as_ref();
        cells.get(self.first..).and_then(|rest| rest.get(..self.cells)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use alloc::sync::Arc;
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn only_parts_that_exist() {
        let aperture: Arc<[AtomicU64]> = (0..8).map(AtomicU64::new).collect::<Vec<_>>().into();
        let check = |offset, bytes| {
            Region::new(aperture.clone(), offset, bytes).map(|region| {
                region.as_ref().iter().map(|cell| cell.load(core::sync::atomic::Ordering::Relaxed)).collect()
            })
        };
        let some = |values: &[u64]| Some(Vec::from(values));
        assert_eq!(check(0, 16), some(&[0, 1]));
        assert_eq!(check(56, 8), some(&[7]));
        assert_eq!(check(64, 0), some(&[]));
        for (offset, bytes) in [(64, 8), (4, 8), (0, 4), (0, 72), (u64::MAX - 7, 16), (8, u64::MAX - 7)] {
            assert_eq!(check(offset, bytes), None, "{offset} {bytes}");
        }
    }
}
