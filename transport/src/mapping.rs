//! Shared memory as regions of atomic cells.
//!
//! Both sides may write any byte at any time, so no reference to plain data ever points here: a [`Region`] hands out
//! `&[AtomicU64]` and nothing else.
#![expect(unsafe_code, reason = "memory is mapped here, and seen as atomic cells")]

use std::fs::File;
use std::sync::Arc;

use memmap2::{MmapOptions, MmapRaw};
use pvgpu_ring::AtomicU64;

/// A whole aperture, mapped shared and writable. Clones share the mapping; it goes with the last of them.
#[derive(Clone, Debug)]
pub struct Mapping {
    map: Arc<MmapRaw>,
}

/// Why memory could not be mapped or a part of it not be had.
#[derive(Debug)]
pub enum MapError {
    /// The system refused.
    Map(std::io::Error),
    /// The part does not lie in the mapping, or is not made of whole cells.
    Range {
        /// First byte.
        offset: u64,
        /// Bytes.
        length: u64,
        /// Bytes of the mapping.
        mapped: usize,
    },
}

impl std::fmt::Display for MapError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Map(_) => f.write_str("the aperture cannot be mapped"),
            Self::Range { offset, length, mapped } => {
                write!(f, "{length} bytes at {offset} are no run of cells in a mapping of {mapped} bytes")
            }
        }
    }
}

impl std::error::Error for MapError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Map(source) => Some(source),
            Self::Range { .. } => None,
        }
    }
}

impl Mapping {
    /// Maps the whole file, shared with everybody else who maps it.
    ///
    /// # Errors
    /// [`MapError::Map`] when the system refuses, or the file is empty or longer than the address space.
    pub fn of_file(file: &File) -> Result<Self, MapError> {
        let map = MmapOptions::new().map_raw(file).map_err(MapError::Map)?;
        Ok(Self { map: Arc::new(map) })
    }

    /// Maps fresh memory of zeros that nobody else has.
    ///
    /// # Errors
    /// [`MapError::Map`] when the system refuses.
    pub fn anonymous(bytes: usize) -> Result<Self, MapError> {
        let map = MmapOptions::new().len(bytes).map_anon().map_err(MapError::Map)?;
        Ok(Self { map: Arc::new(map.into()) })
    }

    /// Maps a part of a file or of a device, shared with everybody else who maps it; `offset` is a whole number of pages.
    ///
    /// # Errors
    /// [`MapError::Map`] when the system refuses, or `bytes` are 0.
    #[cfg(unix)]
    pub fn of_part(file: &File, offset: u64, bytes: usize) -> Result<Self, MapError> {
        let map = MmapOptions::new().offset(offset).len(bytes).map_raw(file).map_err(MapError::Map)?;
        Ok(Self { map: Arc::new(map) })
    }

    /// Bytes mapped.
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Whether nothing is mapped.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Address of the first byte, for whoever hands the memory to a device driver (never to be made a reference of).
    pub fn as_ptr(&self) -> *mut u8 {
        self.map.as_mut_ptr()
    }

    /// The whole mapping as a region; the bytes after the last whole cell are left out.
    pub fn whole(&self) -> Region {
        Region { mapping: self.clone(), first: 0, cells: self.len() / 8 }
    }

    /// A part of the mapping.
    ///
    /// # Errors
    /// [`MapError::Range`] when `offset` or `length` is no multiple of 8 or the part does not lie in the mapping.
    pub fn region(&self, offset: u64, length: u64) -> Result<Region, MapError> {
        let error = MapError::Range { offset, length, mapped: self.len() };
        if !offset.is_multiple_of(8) || !length.is_multiple_of(8) {
            return Err(error);
        }
        match offset.checked_add(length) {
            Some(end) if end <= self.len() as u64 => {}
            _ => return Err(error),
        }
        // CAST: both are at most the mapping's length, which is a usize.
        Ok(Region { mapping: self.clone(), first: offset as usize / 8, cells: length as usize / 8 })
    }
}

/// A run of cells in a mapping, which it keeps alive.
#[derive(Clone, Debug)]
pub struct Region {
    mapping: Mapping,
    first: usize,
    cells: usize,
}

impl Region {
    /// Address of the first cell (never to be made a reference of).
    #[inline]
    pub fn as_ptr(&self) -> *mut u8 {
        self.mapping.as_ptr().wrapping_add(self.first * 8)
    }

    /// A part of the region.
    ///
    /// # Errors
    /// [`MapError::Range`] when `offset` or `length` is no multiple of 8 or the part does not lie in the region.
    pub fn part(&self, offset: u64, length: u64) -> Result<Self, MapError> {
        let error = MapError::Range { offset, length, mapped: self.len() };
        match offset.checked_add(length) {
            Some(end) if end <= self.len() as u64 => {}
            _ => return Err(error),
        }
        // CAST: both are usizes.
        let first = (self.first * 8) as u64;
        self.mapping.region(first + offset, length).map_err(|_| error)
    }

    /// Bytes.
    pub fn len(&self) -> usize {
        self.cells * 8
    }

    /// Whether there is no cell.
    pub fn is_empty(&self) -> bool {
        self.cells == 0
    }
}

impl AsRef<[AtomicU64]> for Region {
    #[inline]
    fn as_ref(&self) -> &[AtomicU64] {
        let first = self.as_ptr().cast::<AtomicU64>();
        // SAFETY: `region` and `whole` checked that `cells` cells from `first` lie in the mapping, which `self` keeps
        // alive; pages are aligned to more than 8; atomics may be shared with any other writer, in this process or not.
        unsafe { std::slice::from_raw_parts(first, self.cells) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    fn mapping(bytes: u64) -> Mapping {
        let file = tempfile::tempfile().expect("a temporary file");
        file.set_len(bytes).expect("the file grows");
        Mapping::of_file(&file).expect("the file maps")
    }

    #[test]
    fn two_regions_see_the_same_cells() {
        let mapping = mapping(8192);
        let whole = mapping.whole();
        let part = mapping.region(4096, 64).expect("inside");
        part.as_ref()[1].store(7, Ordering::Relaxed);
        assert_eq!(whole.as_ref()[513].load(Ordering::Relaxed), 7);
        assert_eq!((part.len(), whole.len()), (64, 8192));
    }

    #[test]
    fn parts_outside_are_refused() {
        let mapping = mapping(4096);
        for (offset, length) in [(0, 4104), (4096, 8), (4, 8), (0, 4), (u64::MAX - 7, 8), (8, u64::MAX - 7)] {
            assert!(mapping.region(offset, length).is_err(), "{offset} {length}");
        }
        assert!(mapping.region(4096, 0).expect("empty").is_empty());
    }

    #[test]
    fn a_part_of_a_region_stays_inside_it() {
        let mapping = mapping(8192);
        let page = mapping.region(4096, 4096).expect("inside");
        let part = page.part(64, 128).expect("inside");
        part.as_ref()[0].store(9, Ordering::Relaxed);
        assert_eq!(mapping.whole().as_ref()[(4096 + 64) / 8].load(Ordering::Relaxed), 9);
        for (offset, length) in [(4096, 8), (0, 4104), (4, 8), (8, 4), (u64::MAX - 7, 16)] {
            assert!(page.part(offset, length).is_err(), "{offset} {length}");
        }
    }
}
