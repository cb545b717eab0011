//! The aperture: an ivshmem device's BAR2, or pages of our own; seen by the kernel, and in parts by processes.
//!
//! Every clone, and every part that is mapped into a process, keeps the memory: whatever the order of teardown, no address
//! outlives its pages.
#![expect(unsafe_code, reason = "NT's memory functions take pointers")]

use core::ffi::c_void;
use core::marker::PhantomData;
use core::ptr::{NonNull, null_mut, without_provenance_mut};
use core::slice;
use core::sync::atomic::Ordering;

use pvgpu_kmd::{Access, ApertureRange, Status, SystemCopy};
use pvgpu_kmd_ddi::{KernelMode, MDL, MmCached, UserMode};
use pvgpu_protocol::aperture::PAGE_BYTES;
use pvgpu_ring::AtomicU64;

use crate::memory::Shared;
use crate::nt::Nt;
use crate::resources::MemoryRange;

/// `NormalPagePriority | MdlMappingNoExecute`.
const MAPPING: u32 = 16 | 0x4000_0000;
/// `MdlMappingNoWrite`.
const NO_WRITE: u32 = 0x8000_0000;
/// `PAGE_READWRITE`: cached, as memory is that both sides see through their caches.
const PAGE_READWRITE: u32 = 4;
/// `MM_ALLOCATE_FULLY_REQUIRED`: all pages or none.
const FULLY_REQUIRED: u32 = 4;
/// `MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL`.
const HAS_SYSTEM_ADDRESS: i16 = 1 | 4;
/// The highest physical address.
const ANY_ADDRESS: i64 = -1;
/// The most pages that IoBuildPartialMdl is asked for. An MDL's `Size` has 16 bits, so that of a larger one is cut, and
/// that function may bug check (`TARGET_MDL_TOO_SMALL`) by it; the functions that map and fill go by `ByteCount`.
// CAST: a small constant.
const MAX_PARTIAL_PAGES: u64 = (i16::MAX as u64 - size_of::<MDL>() as u64) / size_of::<usize>() as u64;

/// Where the memory comes from.
#[derive(Clone, Copy)]
enum Backing {
    /// Device memory.
    Device,
    /// Pages that this MDL describes.
    Pages(NonNull<MDL>),
}

/// The memory, mapped into system space.
struct Memory<N: Nt> {
    first: NonNull<AtomicU64>,
    bytes: usize,
    backing: Backing,
    nt: PhantomData<fn() -> N>,
}

// SAFETY: atomic cells, and an MDL that is only read.
unsafe impl<N: Nt> Send for Memory<N> {}
// SAFETY: as above.
unsafe impl<N: Nt> Sync for Memory<N> {}

impl<N: Nt> Drop for Memory<N> {
    fn drop(&mut self) {
        match self.backing {
            Backing::Device => {
                // SAFETY: the mapping of `ApertureMemory::device`, which nobody uses any more.
                unsafe { N::MmUnmapIoSpace(self.first.as_ptr().cast(), self.bytes) };
            }
            Backing::Pages(mdl) => {
                // SAFETY: the mapping of `ApertureMemory::pages`, which nobody uses any more.
                unsafe { N::MmUnmapLockedPages(self.first.as_ptr().cast(), mdl.as_ptr()) };
                free_pages::<N>(mdl);
            }
        }
    }
}

/// Gives pages back, and the MDL that describes them.
fn free_pages<N: Nt>(mdl: NonNull<MDL>) {
    // SAFETY: an MDL of MmAllocatePagesForMdlEx, whose pages nobody maps.
    unsafe { N::MmFreePagesFromMdl(mdl.as_ptr()) };
    // SAFETY: the caller of MmAllocatePagesForMdlEx frees the MDL; tag 0 is what ExFreePool stands for.
    unsafe { N::ExFreePoolWithTag(mdl.as_ptr().cast(), 0) };
}

/// The aperture. See the module.
pub(crate) struct NtAperture<N: Nt> {
    memory: Shared<Memory<N>>,
}

impl<N: Nt> Clone for NtAperture<N> {
    fn clone(&self) -> Self {
        Self { memory: self.memory.clone() }
    }
}

impl<N: Nt> AsRef<[AtomicU64]> for NtAperture<N> {
    fn as_ref(&self) -> &[AtomicU64] {
        // SAFETY: mapped, zero-initialised or shared memory of this size, aligned to pages, that lives as long as `self`, and
        // nobody looks at it but through atomic cells.
        unsafe { slice::from_raw_parts(self.memory.first.as_ptr(), self.memory.bytes / 8) }
    }
}

impl<N: Nt> NtAperture<N> {
    /// Maps device memory. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::Aperture`] for a size that no aperture has, [`Status::NoMemory`].
    pub(crate) fn device(range: MemoryRange) -> Result<Self, Status> {
        let bytes = whole_pages(range.bytes)?;
        let start = range.start.cast_signed();
        // SAFETY: a memory resource of the device, as PnP says.
        let address = unsafe { N::MmMapIoSpaceEx(start, bytes, PAGE_READWRITE) };
        let first = NonNull::new(address.cast()).ok_or(Status::NoMemory)?;
        Self::own(Memory { first, bytes, backing: Backing::Device, nt: PhantomData })
    }

    /// Takes pages, all zero, and maps them. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::Aperture`] for a size that one MDL cannot describe, [`Status::NoMemory`].
    pub(crate) fn pages(bytes: u64) -> Result<Self, Status> {
        if u32::try_from(bytes).is_err() {
            return Err(Status::Aperture { bytes });
        }
        let bytes = whole_pages(bytes)?;
        // SAFETY: no pointer is passed.
        let mdl = unsafe { N::MmAllocatePagesForMdlEx(0, ANY_ADDRESS, 0, bytes, MmCached, FULLY_REQUIRED) };
        let mdl = NonNull::new(mdl).ok_or(Status::NoMemory)?;
        // SAFETY: the MDL describes locked pages that nobody has mapped.
        let address = unsafe {
            N::MmMapLockedPagesSpecifyCache(mdl.as_ptr(), KernelMode, MmCached, null_mut(), 0, MAPPING)
        };
        let Some(first) = NonNull::new(address.cast()) else {
            free_pages::<N>(mdl);
            return Err(Status::NoMemory);
        };
        Self::own(Memory { first, bytes, backing: Backing::Pages(mdl), nt: PhantomData })
    }

    /// Memory without an owner is unmapped and given back.
    fn own(memory: Memory<N>) -> Result<Self, Status> {
        Ok(Self { memory: Shared::try_new(memory)? })
    }

    /// Maps a part into the calling process. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::Aperture`] for what is no part of the aperture or more than one MDL describes; [`Status::NoMemory`].
    pub(crate) fn map_user(&self, range: ApertureRange, access: Access) -> Result<UserMapping<N>, Status> {
        let wrong = Status::Aperture { bytes: range.bytes };
        let offset = usize::try_from(range.offset).map_err(|_| wrong)?;
        let bytes = usize::try_from(range.bytes).map_err(|_| wrong)?;
        let length = u32::try_from(range.bytes).map_err(|_| wrong)?;
        let aligned = range.offset.is_multiple_of(PAGE_BYTES) && range.bytes.is_multiple_of(PAGE_BYTES);
        let inside = offset.checked_add(bytes).is_some_and(|end| end <= self.memory.bytes);
        if !aligned || !inside || bytes == 0 {
            return Err(wrong);
        }
        // A part of the pages' MDL where it is small enough, else what lies behind the kernel's addresses.
        let source = match self.memory.backing {
            Backing::Pages(all) if range.bytes / PAGE_BYTES <= MAX_PARTIAL_PAGES => Some(all),
            Backing::Pages(_) | Backing::Device => None,
        };
        let begin: *mut c_void = match source {
            // The pages' MDL describes the addresses from 0 on.
            Some(_) => without_provenance_mut(offset),
            None => self.memory.first.as_ptr().wrapping_byte_add(offset).cast(),
        };
        // SAFETY: no pointer is followed.
        let mdl = unsafe { N::IoAllocateMdl(begin, length, 0, 0, null_mut()) };
        let mdl = NonNull::new(mdl).ok_or(Status::NoMemory)?;
        match source {
            // SAFETY: the addresses are a mapping in system space, which `_aperture` below keeps.
            None => unsafe { N::MmBuildMdlForNonPagedPool(mdl.as_ptr()) },
            Some(all) => {
                // SAFETY: the part lies inside, and the MDL was allocated for it.
                unsafe { N::IoBuildPartialMdl(all.as_ptr(), mdl.as_ptr(), begin, length) };
            }
        }
        let priority = match access {
            Access::Read => MAPPING | NO_WRITE,
            Access::ReadWrite => MAPPING,
        };
        // SAFETY: the MDL describes locked pages, and is fresh, so nobody has mapped it.
        let address = unsafe {
            N::MmMapLockedPagesSpecifyCache(mdl.as_ptr(), UserMode, MmCached, null_mut(), 0, priority)
        };
        let Some(address) = NonNull::new(address) else {
            // SAFETY: allocated above, and not mapped.
            unsafe { N::IoFreeMdl(mdl.as_ptr()) };
            return Err(Status::NoMemory);
        };
        Ok(UserMapping { mdl, address, _aperture: self.clone() })
    }

    /// Does a piece of a paging transfer, with `window`, an MDL for [`SystemCopy::MAX_BYTES`] at any place in a page, which
    /// nobody else uses meanwhile. IRQL ≤ `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// [`Status::Aperture`] for what is no part of the aperture, [`Status::NoMemory`] when the system side cannot be mapped.
    pub(crate) fn copy_system_memory(&self, copy: SystemCopy, window: NonNull<MDL>) -> Result<(), Status> {
        let wrong = Status::Aperture { bytes: copy.bytes };
        let system = NonNull::new(core::ptr::with_exposed_provenance_mut::<MDL>(
            usize::try_from(copy.mdl).map_err(|_| wrong)?,
        ))
        .ok_or(wrong)?;
        let first = usize::try_from(copy.aperture_offset / 8).map_err(|_| wrong)?;
        let count = usize::try_from(copy.bytes / 8).map_err(|_| wrong)?;
        let cells = self.as_ref().get(first..).and_then(|rest| rest.get(..count)).ok_or(wrong)?;
        // SAFETY: dxgkrnl keeps the MDL until the paging buffer is completed.
        let described = unsafe { *system.as_ptr() };
        let end = copy.mdl_offset.checked_add(copy.bytes).ok_or(wrong)?;
        let too_much = copy.bytes > SystemCopy::MAX_BYTES || end > u64::from(described.ByteCount);
        let unaligned = !described.ByteOffset.is_multiple_of(8)
            || [copy.mdl_offset, copy.aperture_offset, copy.bytes]
                .iter()
                .any(|bytes| !bytes.is_multiple_of(8));
        if too_much || unaligned || count == 0 {
            return Err(wrong);
        }
        // CAST: both are at most the MDL's 32-bit byte count.
        let (offset, length) = (copy.mdl_offset as usize, copy.bytes as u32);
        let begin = described.StartVa.wrapping_byte_add(described.ByteOffset as usize + offset);
        // SAFETY: the part lies inside; the window has room for it, and nobody else uses it.
        unsafe { N::IoBuildPartialMdl(system.as_ptr(), window.as_ptr(), begin, length) };
        // SAFETY: the window is ours.
        let part = unsafe { *window.as_ptr() };
        let mapped_already = part.MdlFlags & HAS_SYSTEM_ADDRESS != 0;
        let address = if mapped_already {
            part.MappedSystemVa
        } else {
            // SAFETY: the part's pages are locked, and the window is not mapped.
            unsafe {
                N::MmMapLockedPagesSpecifyCache(window.as_ptr(), KernelMode, MmCached, null_mut(), 0, MAPPING)
            }
        };
        let Some(memory) = NonNull::new(address.cast::<u64>()) else { return Err(Status::NoMemory) };
        for (index, cell) in cells.iter().enumerate() {
            // SAFETY: the mapping has as many words as there are cells.
            let word = unsafe { memory.add(index) };
            if copy.to_aperture {
                // SAFETY: mapped and aligned; a user thread may write it meanwhile, so it is read once and as a whole.
                cell.store(unsafe { word.read_volatile() }, Ordering::Relaxed);
            } else {
                // SAFETY: mapped and aligned, and the pages are the allocation's.
                unsafe { word.write_volatile(cell.load(Ordering::Relaxed)) };
            }
        }
        if !mapped_already {
            // SAFETY: the mapping made above.
            unsafe { N::MmUnmapLockedPages(address, window.as_ptr()) };
        }
        Ok(())
    }
}

/// A size in pages, that fits the address space.
fn whole_pages(bytes: u64) -> Result<usize, Status> {
    match usize::try_from(bytes) {
        Ok(size) if bytes != 0 && bytes.is_multiple_of(PAGE_BYTES) => Ok(size),
        _ => Err(Status::Aperture { bytes }),
    }
}

/// A part of the aperture in a process; ends when it is dropped, in that process and at `PASSIVE_LEVEL`.
pub(crate) struct UserMapping<N: Nt> {
    mdl: NonNull<MDL>,
    address: NonNull<c_void>,
    _aperture: NtAperture<N>,
}

// SAFETY: the addresses are only ever given to NT, in the process that they belong to.
unsafe impl<N: Nt> Send for UserMapping<N> {}

impl<N: Nt> UserMapping<N> {
    /// Where it lies. Any IRQL.
    pub(crate) fn address(&self) -> u64 {
        // CAST: addresses have 64 bits.
        self.address.as_ptr().addr() as u64
    }
}

impl<N: Nt> Drop for UserMapping<N> {
    fn drop(&mut self) {
        // SAFETY: the mapping is of this MDL and in this process, as the core promises; user mode's use of it ends now.
        unsafe { N::MmUnmapLockedPages(self.address.as_ptr(), self.mdl.as_ptr()) };
        // SAFETY: from IoAllocateMdl, and not mapped any more.
        unsafe { N::IoFreeMdl(self.mdl.as_ptr()) };
    }
}
