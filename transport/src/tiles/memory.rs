//! Where pictures lie: plain bytes, or cells that somebody else may write at any moment.

use pvgpu_ring::{AtomicU64, bytes};

/// Bytes to copy out of.
pub trait Source {
    /// How many there are.
    fn bytes(&self) -> u64;

    /// Copies the bytes from `at` on; what lies beyond the end is left as it is.
    fn read(&self, at: u64, into: &mut [u8]);
}

/// Bytes to copy into.
pub trait Target {
    /// How many there are.
    fn bytes(&self) -> u64;

    /// Copies `from` to the bytes from `at` on; what lies beyond the end is dropped.
    fn write(&mut self, at: u64, from: &[u8]);
}

impl Source for [u8] {
    fn bytes(&self) -> u64 {
        self.len() as u64
    }

    fn read(&self, at: u64, into: &mut [u8]) {
        let from = usize::try_from(at).ok().and_then(|at| self.get(at..)).unwrap_or_default();
        let count = into.len().min(from.len());
        if let (Some(to), Some(from)) = (into.get_mut(..count), from.get(..count)) {
            to.copy_from_slice(from);
        }
    }
}

impl Target for [u8] {
    fn bytes(&self) -> u64 {
        self.len() as u64
    }

    fn write(&mut self, at: u64, from: &[u8]) {
        let to = usize::try_from(at).ok().and_then(|at| self.get_mut(at..)).unwrap_or_default();
        let count = to.len().min(from.len());
        if let (Some(to), Some(from)) = (to.get_mut(..count), from.get(..count)) {
            to.copy_from_slice(from);
        }
    }
}

/// A part of a shared aperture, from some byte of it on.
#[derive(Clone, Copy, Debug)]
pub struct Cells<'c> {
    cells: &'c [AtomicU64],
    first: u64,
    bytes: u64,
}

impl<'c> Cells<'c> {
    /// `bytes` bytes from byte `first` of the cells on; `None` when they do not all lie there.
    pub fn new(cells: &'c [AtomicU64], first: u64, bytes: u64) -> Option<Self> {
        let all = (cells.len() as u64).checked_mul(8)?;
        (first.checked_add(bytes)? <= all).then_some(Self { cells, first, bytes })
    }

    /// How many bytes of `count` from `at` on are inside, and where they begin in the cells.
    fn inside(&self, at: u64, count: usize) -> (u64, usize) {
        // CAST: at most `count`.
        (self.first.saturating_add(at), self.bytes.saturating_sub(at).min(count as u64) as usize)
    }
}

impl Source for Cells<'_> {
    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn read(&self, at: u64, into: &mut [u8]) {
        let (offset, count) = self.inside(at, into.len());
        bytes::read(self.cells, offset, into.get_mut(..count).unwrap_or_default());
    }
}

impl Target for Cells<'_> {
    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn write(&mut self, at: u64, from: &[u8]) {
        let (offset, count) = self.inside(at, from.len());
        bytes::write(self.cells, offset, from.get(..count).unwrap_or_default());
    }
}

impl<S: Source + ?Sized> Source for &S {
    fn bytes(&self) -> u64 {
        (**self).bytes()
    }

    fn read(&self, at: u64, into: &mut [u8]) {
        (**self).read(at, into);
    }
}

impl Source for Vec<u8> {
    fn bytes(&self) -> u64 {
        self.len() as u64
    }

    fn read(&self, at: u64, into: &mut [u8]) {
        self.as_slice().read(at, into);
    }
}
