//! Shared memory as regions of atomic cells.
//!
//! Both sides may write any byte at any time, so no reference to plain data ever points here: a [`Region`] hands out
//! `&[AtomicU64]` and nothing else. The system copies into and out of a [`Span`] here, too: it is to this program what any other
//! that writes the memory is.
#![expect(unsafe_code, reason = "memory is mapped here, seen as atomic cells, and named to the system")]

use std::any::Any;
use std::fs::File;
use std::sync::Arc;

use memmap2::{MmapOptions, MmapRaw};
use pvgpu_ring::AtomicU64;

#[cfg(target_os = "linux")]
use crate::span::Span;

/// Bytes of a page: what a lent mapping begins at.
const PAGE: u64 = 4096;

/// A whole aperture, mapped shared and writable. Clones share the mapping; it goes with the last of them.
#[derive(Clone, Debug)]
pub struct Mapping {
    memory: Arc<Memory>,
}

/// Whose the memory is.
enum Memory {
    /// Ours: it is unmapped with this.
    Mapped(MmapRaw),
    /// Somebody else's, who keeps it mapped as long as the keeper is there.
    Lent { address: usize, bytes: usize, _keeper: Box<dyn Any + Send + Sync> },
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Mapped(map) => map.fmt(f),
            Self::Lent { address, bytes, .. } => write!(f, "{bytes} bytes lent at {address:#x}"),
        }
    }
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
    /// What was lent is no memory that could be an aperture.
    Lent {
        /// Where it begins.
        address: u64,
        /// Its bytes.
        bytes: u64,
    },
}

impl std::fmt::Display for MapError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Map(_) => f.write_str("the aperture cannot be mapped"),
            Self::Range { offset, length, mapped } => {
                write!(f, "{length} bytes at {offset} are no run of cells in a mapping of {mapped} bytes")
            }
            Self::Lent { address, bytes } => {
                write!(f, "{bytes} bytes at address {address:#x} cannot be an aperture")
            }
        }
    }
}

impl std::error::Error for MapError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Map(source) => Some(source),
            Self::Range { .. } | Self::Lent { .. } => None,
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
        Ok(Self::own(map))
    }

    /// Maps fresh memory of zeros that nobody else has.
    ///
    /// # Errors
    /// [`MapError::Map`] when the system refuses.
    pub fn anonymous(bytes: usize) -> Result<Self, MapError> {
        let map = MmapOptions::new().len(bytes).map_anon().map_err(MapError::Map)?;
        Ok(Self::own(map.into()))
    }

    /// Maps a part of a file or of a device, shared with everybody else who maps it; `offset` is a whole number of pages.
    ///
    /// # Errors
    /// [`MapError::Map`] when the system refuses, or `bytes` are 0.
    #[cfg(unix)]
    pub fn of_part(file: &File, offset: u64, bytes: usize) -> Result<Self, MapError> {
        let map = MmapOptions::new().offset(offset).len(bytes).map_raw(file).map_err(MapError::Map)?;
        Ok(Self::own(map))
    }

    /// Memory that somebody else has mapped into this process, a driver for example, and unmaps once `keeper` is gone. The
    /// last clone, and the last region of it, drop the keeper.
    ///
    /// # Errors
    /// [`MapError::Lent`] when it does not begin at a page, has no byte, or does not lie in the address space.
    ///
    /// # Safety
    /// Until `keeper` has been dropped, the `bytes` at `address` are mapped and may be read and written, and nobody in this
    /// process sees them as anything but atomic cells.
    pub unsafe fn lent(
        address: u64,
        bytes: u64,
        keeper: Box<dyn Any + Send + Sync>,
    ) -> Result<Self, MapError> {
        let wrong = MapError::Lent { address, bytes };
        let (Ok(start), Ok(length)) = (usize::try_from(address), usize::try_from(bytes)) else {
            return Err(wrong);
        };
        // A slice has at most isize::MAX bytes.
        let fits = start.checked_add(length).is_some() && isize::try_from(length).is_ok();
        if start == 0 || !address.is_multiple_of(PAGE) || length == 0 || !fits {
            return Err(wrong);
        }
        Ok(Self { memory: Arc::new(Memory::Lent { address: start, bytes: length, _keeper: keeper }) })
    }

    fn own(map: MmapRaw) -> Self {
        Self { memory: Arc::new(Memory::Mapped(map)) }
    }

    /// Bytes mapped.
    pub fn len(&self) -> usize {
        match &*self.memory {
            Memory::Mapped(map) => map.len(),
            Memory::Lent { bytes, .. } => *bytes,
        }
    }

    /// Whether nothing is mapped.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Address of the first byte, for whoever hands the memory to a device driver (never to be made a reference of).
    pub fn as_ptr(&self) -> *mut u8 {
        match &*self.memory {
            Memory::Mapped(map) => map.as_mut_ptr(),
            Memory::Lent { address, .. } => std::ptr::with_exposed_provenance_mut(*address),
        }
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
        // alive, with its keeper if it was lent; pages are aligned to more than 8; atomics may be shared with any other writer, in this process or not.
        unsafe { std::slice::from_raw_parts(first, self.cells) }
    }
}

/// A part of a message.
#[cfg(target_os = "linux")]
fn part(first: *mut u8, length: usize) -> libc::iovec {
    libc::iovec { iov_base: first.cast(), iov_len: length }
}

/// A message of these parts, without an address and without control data.
#[cfg(target_os = "linux")]
fn message(parts: &mut [libc::iovec]) -> libc::msghdr {
    // SAFETY: a C struct of integers and pointers, of which all zeros are a value.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = parts.as_mut_ptr();
    // CAST: two; the field's type differs between C libraries.
    message.msg_iovlen = parts.len() as _;
    message
}

/// Sends `head` and behind it a span's bytes on a socket, straight from where they are; gives how many the system has taken.
///
/// # Errors
/// What the system says. A peer that has gone raises no signal.
#[cfg(target_os = "linux")]
pub(crate) fn send_span(
    socket: std::os::fd::BorrowedFd<'_>,
    head: &[u8],
    span: Span<'_>,
) -> std::io::Result<usize> {
    use std::os::fd::AsRawFd;
    let mut parts = [part(head.as_ptr().cast_mut(), head.len()), part(span.as_ptr(), span.len())];
    let message = message(&mut parts);
    // SAFETY: the system reads the two parts: `head` is borrowed meanwhile, and a span lies in a mapping that it keeps alive. What others
    // write there meanwhile arrives or not; this program looks at none of it as plain data.
    let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &message, libc::MSG_NOSIGNAL) };
    usize::try_from(sent).map_err(|_| std::io::Error::last_os_error())
}

/// Receives from a socket straight into a span, and what is more into `more`; gives how many bytes that were.
///
/// # Errors
/// What the system says.
#[cfg(target_os = "linux")]
pub(crate) fn receive_span(
    socket: std::os::fd::BorrowedFd<'_>,
    span: Span<'_>,
    more: &mut [u8],
) -> std::io::Result<usize> {
    use std::os::fd::AsRawFd;
    let mut parts = [part(span.as_ptr(), span.len()), part(more.as_mut_ptr(), more.len())];
    let mut message = message(&mut parts);
    // SAFETY: the system writes the two parts: `more` is borrowed alone meanwhile, and a span lies in a mapping that it keeps alive, in which
    // any other program may write as well: this one reaches it through atomic cells only.
    let received = unsafe { libc::recvmsg(socket.as_raw_fd(), &mut message, 0) };
    usize::try_from(received).map_err(|_| std::io::Error::last_os_error())
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

    #[test]
    fn lent_memory_is_kept_until_its_last_region_goes() {
        let owner = mapping(8192);
        let (address, keeper) = (owner.as_ptr().expose_provenance() as u64, Arc::new(()));
        // SAFETY: the owner outlives the loan, and is seen as cells only.
        let lent = unsafe { Mapping::lent(address, 8192, Box::new(keeper.clone())) }.expect("pages");
        let part = lent.region(4096, 8).expect("inside");
        assert_eq!(lent.len(), 8192);
        assert!(lent.region(8192, 8).is_err());
        drop(lent);
        part.as_ref()[0].store(5, Ordering::Relaxed);
        assert_eq!(owner.whole().as_ref()[512].load(Ordering::Relaxed), 5);
        assert_eq!(Arc::strong_count(&keeper), 2);
        drop(part);
        assert_eq!(Arc::strong_count(&keeper), 1);
    }

    #[test]
    fn what_cannot_be_memory_is_not_lent() {
        let page = mapping(4096).as_ptr().expose_provenance() as u64;
        for (address, bytes) in [(0, 4096), (page + 8, 4096), (page, 0), (page, u64::MAX), (!4095, 8192)] {
            // SAFETY: none of these is taken.
            let lent = unsafe { Mapping::lent(address, bytes, Box::new(())) };
            assert!(matches!(lent, Err(MapError::Lent { .. })), "{address:#x} {bytes}");
        }
    }
}
