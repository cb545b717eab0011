//! Memory by `VirtualAlloc`.
#![expect(unsafe_code, reason = "maps memory and makes functions of addresses in it")]

use std::io;
use std::ops::Range;
use std::ptr::with_exposed_provenance_mut;

use windows::Win32::System::Memory::{
    MEM_COMMIT, MEM_RELEASE, MEM_RESERVE, PAGE_EXECUTE_READ, PAGE_NOACCESS, PAGE_PROTECTION_FLAGS,
    PAGE_READONLY, PAGE_READWRITE, VirtualAlloc, VirtualFree, VirtualProtect,
};

use super::Access;
use crate::DriverEntry;

/// Pages of this process. Freed when dropped.
#[derive(Debug)]
pub struct Memory {
    address: usize,
    bytes: usize,
}

impl Memory {
    /// New pages, all zero, that can be written.
    ///
    /// # Errors
    /// The system's.
    pub fn reserve(bytes: usize) -> io::Result<Self> {
        // SAFETY: new pages at an address that the system chooses touch nothing that exists.
        let address = unsafe { VirtualAlloc(None, bytes, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE) };
        if address.is_null() {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { address: address.expose_provenance(), bytes })
    }

    /// Where the pages lie.
    pub fn address(&self) -> usize {
        self.address
    }

    /// How many bytes they are.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Copies an image into the pages, which must still be as [`Memory::reserve`] made them.
    ///
    /// # Panics
    /// If the image is not exactly as large.
    pub fn fill(&self, image: &[u8]) {
        assert_eq!(image.len(), self.bytes, "the memory was reserved for this image");
        let pages = with_exposed_provenance_mut::<u8>(self.address);
        // SAFETY: the pages are as many bytes, writable, and nobody refers to them yet.
        unsafe { pages.copy_from_nonoverlapping(image.as_ptr(), image.len()) };
    }

    /// Says what may be done with some of the pages.
    ///
    /// # Errors
    /// The system's, or `InvalidInput` for pages that are not ours.
    pub fn protect(&self, range: Range<usize>, access: Access) -> io::Result<()> {
        if range.start > range.end || range.end > self.bytes {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let protection = match access {
            Access::None => PAGE_NOACCESS,
            Access::Read => PAGE_READONLY,
            Access::ReadWrite => PAGE_READWRITE,
            Access::ReadExecute => PAGE_EXECUTE_READ,
        };
        let mut before = PAGE_PROTECTION_FLAGS(0);
        let pages = with_exposed_provenance_mut(self.address + range.start);
        // SAFETY: the pages are this allocation's, to which Rust has no reference.
        unsafe { VirtualProtect(pages, range.len(), protection, &raw mut before) }
            .map_err(|error| io::Error::other(error.to_string()))
    }

    /// The function at an offset, which is DriverEntry's.
    pub fn driver_entry(&self, offset: usize) -> DriverEntry {
        let address = with_exposed_provenance_mut::<()>(self.address + offset);
        // SAFETY: an address is a function pointer's value; whoever calls it says that it is one.
        unsafe { std::mem::transmute::<*mut (), DriverEntry>(address) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let pages = with_exposed_provenance_mut(self.address);
        // SAFETY: the allocation is ours, and the image's owner says that nothing runs in it any more.
        let _freed = unsafe { VirtualFree(pages, 0, MEM_RELEASE) };
    }
}
