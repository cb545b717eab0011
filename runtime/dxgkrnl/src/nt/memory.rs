//! Pages, the MDLs that describe them, and their mappings.
//!
//! The model's physical pages are ranges of this process's memory ([`Pages`]). An MDL of the driver is storage whose header
//! has NT's fields; what it describes stands in a table here. A mapping into kernel space is the pages' own address; a
//! mapping into a process is one of its own where the pages come from a file that can be mapped again, so that a user's
//! address is none of the kernel's and dies when it is unmapped.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::collections::BTreeMap;
use std::ffi::c_void;
use std::fs::File;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use memmap2::{MmapOptions, MmapRaw};
use pvgpu_kmd_wddm::types::MDL;
use pvgpu_transport::Mapping;

use crate::nt::process::Process;
use crate::system::System;
use crate::verifier::{Rule, Verifier};

const PAGE: usize = 4096;

/// Ranges of memory that play physical pages.
#[derive(Debug)]
pub(crate) struct Pages {
    address: usize,
    bytes: usize,
    source: Source,
}

#[derive(Debug)]
enum Source {
    /// Memory that is shared with somebody outside; the file, where processes are to have mappings of their own.
    Shared { _mapping: Mapping, file: Option<Arc<File>> },
    /// Memory of this process, given back with the pages.
    Own,
    /// Somebody else's, who keeps it: a pool block.
    Borrowed,
}

impl Pages {
    /// The pages of a shared mapping.
    pub(crate) fn shared(mapping: &Mapping, file: Option<Arc<File>>) -> Self {
        let (address, bytes) = (mapping.as_ptr().expose_provenance(), mapping.len());
        Self { address, bytes, source: Source::Shared { _mapping: mapping.clone(), file } }
    }

    /// So many zeroed bytes.
    fn own(bytes: usize) -> Option<Self> {
        let layout = Layout::from_size_align(bytes, PAGE).ok().filter(|layout| layout.size() != 0)?;
        // SAFETY: the layout has bytes.
        let memory = unsafe { alloc_zeroed(layout) };
        (!memory.is_null()).then(|| Self { address: memory.expose_provenance(), bytes, source: Source::Own })
    }

    /// Bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        if let Source::Own = self.source
            && let Ok(layout) = Layout::from_size_align(self.bytes, PAGE)
        {
            // SAFETY: `own` allocated it with this layout.
            unsafe { dealloc(ptr::with_exposed_provenance_mut(self.address), layout) };
        }
    }
}

/// A part of some pages.
#[derive(Clone, Debug)]
struct Part {
    pages: Arc<Pages>,
    offset: usize,
    bytes: usize,
}

impl Part {
    /// Its address in kernel space.
    fn address(&self) -> usize {
        self.pages.address + self.offset
    }

    /// A mapping of its own, where the pages can be mapped again.
    fn view(&self, writable: bool) -> Option<MmapRaw> {
        let Source::Shared { file: Some(file), .. } = &self.pages.source else { return None };
        let mut options = MmapOptions::new();
        options.offset(self.offset as u64).len(self.bytes);
        let file: &File = file;
        if writable { options.map_raw(file) } else { options.map_raw_read_only(file) }.ok()
    }
}

/// A mapping into a process.
#[derive(Debug)]
struct UserMapping {
    process: u64,
    address: usize,
    /// Where it is not the pages' own address.
    _view: Option<MmapRaw>,
}

/// How an MDL came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// `IoAllocateMdl`.
    Allocated,
    /// `MmAllocatePagesForMdlEx`; the MDL itself is pool memory.
    WithPages,
}

#[derive(Debug)]
struct MdlState {
    origin: Origin,
    /// The virtual address that it begins at.
    start: usize,
    bytes: usize,
    /// Bytes that it has room to describe; what it describes may be less.
    room: usize,
    part: Option<Part>,
    user: Option<UserMapping>,
    system: bool,
}

/// The MDLs of a system.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    mdls: Mutex<BTreeMap<usize, MdlState>>,
    /// What is mapped at which kernel address by `MmMapIoSpaceEx` and `DxgkCbMapMemory`.
    io: Mutex<BTreeMap<usize, Arc<Pages>>>,
}

/// The tag of MDLs that come with pages.
const MDL_TAG: u32 = u32::from_le_bytes(*b"Mdl ");
/// Pages that a partial MDL can have: its size, header and 8 bytes a page, is a signed 16-bit number.
const MAX_PARTIAL_PAGES: usize = (i16::MAX as usize - MDL_BYTES) / 8;
/// Bytes of an MDL's header.
const MDL_BYTES: usize = 48;
/// In the mapping's priority: the process may not write.
const MDL_MAPPING_NO_WRITE: u32 = 0x8000_0000;

impl Memory {
    fn mdls(&self) -> MutexGuard<'_, BTreeMap<usize, MdlState>> {
        self.mdls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn io(&self) -> MutexGuard<'_, BTreeMap<usize, Arc<Pages>>> {
        self.io.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes an MDL's storage and its header.
    fn new_mdl(&self, system: &System, start: usize, bytes: usize, state: MdlState) -> *mut MDL {
        let mdl = system.pool.allocate(&system.verifier, 0x40, MDL_BYTES, MDL_TAG).cast::<u8>();
        if mdl.is_null() {
            return ptr::null_mut();
        }
        let page_start = start & !(PAGE - 1);
        // CAST: an MDL's size is that of its header, its byte count a u32; callers checked that.
        let fields: [(usize, u64, usize); 4] = [
            (0x08, MDL_BYTES as u64, 2),
            (0x20, page_start as u64, 8),
            (0x28, bytes as u64, 4),
            (0x2C, (start - page_start) as u64, 4),
        ];
        for (offset, value, width) in fields {
            for (index, byte) in value.to_le_bytes().into_iter().take(width).enumerate() {
                // SAFETY: all fields lie in the 48 bytes that were just allocated.
                unsafe { mdl.wrapping_add(offset + index).write(byte) };
            }
        }
        self.mdls().insert(mdl.expose_provenance(), state);
        mdl.cast()
    }

    /// `MmAllocatePagesForMdlEx`.
    pub(crate) fn allocate_pages(&self, system: &System, bytes: usize) -> *mut MDL {
        let bytes = bytes.next_multiple_of(PAGE);
        if bytes == 0 || u32::try_from(bytes).is_err() {
            return ptr::null_mut();
        }
        let Some(pages) = system.machine.pages(bytes).or_else(|| Pages::own(bytes).map(Arc::new)) else {
            return ptr::null_mut();
        };
        let part = Some(Part { pages, offset: 0, bytes });
        let origin = Origin::WithPages;
        self.new_mdl(
            system,
            0,
            bytes,
            MdlState { origin, start: 0, bytes, room: bytes, part, user: None, system: false },
        )
    }

    /// `MmFreePagesFromMdl`.
    pub(crate) fn free_pages(&self, system: &System, mdl: *mut MDL) {
        let verifier = &system.verifier;
        const FUNCTION: &str = "MmFreePagesFromMdl";
        let mut mdls = self.mdls();
        let Some(part) = mdls
            .get_mut(&mdl.addr())
            .filter(|state| state.origin == Origin::WithPages)
            .and_then(|state| state.part.take())
        else {
            drop(mdls);
            verifier.report(Rule::Mdl, FUNCTION, || format!("{mdl:p} has no pages"));
            return;
        };
        let mapped = mdls.values().any(|state| {
            let same = |other: &Part| Arc::ptr_eq(&other.pages, &part.pages);
            (state.user.is_some() || state.system) && state.part.as_ref().is_some_and(same)
        });
        let own = mdls.get(&mdl.addr()).is_some_and(|state| state.user.is_some() || state.system);
        drop(mdls);
        if matches!(part.pages.source, Source::Shared { .. }) {
            system.machine.pages_freed();
        }
        if mapped || own {
            verifier.report(Rule::Mdl, FUNCTION, || "the pages are still mapped".to_owned());
        }
    }

    /// Frees what [`Memory::allocate_pages`] gave, pages and MDL.
    pub(crate) fn free_pages_and_mdl(&self, system: &System, mdl: *mut MDL) {
        self.free_pages(system, mdl);
        self.free_mdl_with_pages(&system.verifier, mdl.cast());
        system.pool.free(&system.verifier, mdl.cast(), MDL_TAG);
    }

    /// The MDL of `MmAllocatePagesForMdlEx` is freed as pool memory: takes it off the table.
    pub(crate) fn free_mdl_with_pages(&self, verifier: &Verifier, address: *mut c_void) -> bool {
        let mut mdls = self.mdls();
        match mdls.get(&address.addr()) {
            Some(state) if state.origin == Origin::WithPages => {
                let has_pages = state.part.is_some();
                mdls.remove(&address.addr());
                drop(mdls);
                if has_pages {
                    verifier.report(Rule::Mdl, "ExFreePoolWithTag", || {
                        "an MDL is freed, its pages are not".to_owned()
                    });
                }
                true
            }
            _ => false,
        }
    }

    /// `IoAllocateMdl`.
    pub(crate) fn allocate_mdl(&self, system: &System, start: usize, bytes: u32) -> *mut MDL {
        let bytes = bytes as usize;
        let origin = Origin::Allocated;
        let state = MdlState { origin, start, bytes, room: bytes, part: None, user: None, system: false };
        self.new_mdl(system, start, bytes, state)
    }

    /// `IoFreeMdl`.
    pub(crate) fn free_mdl(&self, system: &System, mdl: *mut MDL) {
        const FUNCTION: &str = "IoFreeMdl";
        let state = {
            let mut mdls = self.mdls();
            match mdls.get(&mdl.addr()).map(|state| state.origin) {
                Some(Origin::Allocated) => mdls.remove(&mdl.addr()),
                _ => None,
            }
        };
        let Some(state) = state else {
            system.verifier.report(Rule::Mdl, FUNCTION, || format!("{mdl:p} is no MDL of IoAllocateMdl"));
            return;
        };
        if state.user.is_some() || state.system {
            system.verifier.report(Rule::Mdl, FUNCTION, || "the MDL is still mapped".to_owned());
        }
        system.pool.free(&system.verifier, mdl.cast(), MDL_TAG);
    }

    /// `IoBuildPartialMdl`.
    pub(crate) fn build_partial(
        &self,
        verifier: &Verifier,
        (source, target): (*mut MDL, *mut MDL),
        start: usize,
        bytes: u32,
    ) {
        if bytes as usize > MAX_PARTIAL_PAGES * PAGE {
            verifier.report(Rule::Mdl, "IoBuildPartialMdl", || {
                format!("an MDL of {bytes} bytes has more pages than its size field can say")
            });
        }
        let mut mdls = self.mdls();
        let part = mdls.get(&source.addr()).and_then(|source| {
            let inside = start.checked_sub(source.start)?;
            let part = source.part.clone()?;
            let bytes = if bytes == 0 { source.bytes.checked_sub(inside)? } else { bytes as usize };
            let offset = part.offset.checked_add(inside)?;
            (inside.checked_add(bytes)? <= source.bytes).then_some(Part { offset, bytes, ..part })
        });
        let built = match (part, mdls.get_mut(&target.addr())) {
            (Some(part), Some(state)) if part.bytes <= state.room && state.origin == Origin::Allocated => {
                (state.start, state.bytes, state.part) = (start, part.bytes, Some(part));
                true
            }
            _ => false,
        };
        drop(mdls);
        if !built {
            verifier.report(Rule::Mdl, "IoBuildPartialMdl", || {
                format!("{bytes} bytes at {start:#x} do not lie in the source, or do not fit the target")
            });
        }
    }

    /// `MmBuildMdlForNonPagedPool`: the MDL's addresses may be pool memory, device memory, or another MDL's pages as they are
    /// mapped in kernel space.
    pub(crate) fn build_for_pool(&self, verifier: &Verifier, mdl: *mut MDL) {
        let mut mdls = self.mdls();
        let of_pool = |state: &&MdlState| state.origin == Origin::Allocated;
        let range = mdls.get(&mdl.addr()).filter(of_pool).map(|state| (state.start, state.bytes));
        let Some((start, bytes)) = range else {
            drop(mdls);
            verifier.report(Rule::Mdl, "MmBuildMdlForNonPagedPool", || format!("{mdl:p} is no MDL"));
            return;
        };
        let inside = |pages: &Arc<Pages>, address: usize, from: usize, room: usize| {
            let offset = start.checked_sub(address)?;
            let fits = offset.checked_add(bytes)? <= room;
            fits.then(|| Part { pages: pages.clone(), offset: from + offset, bytes })
        };
        let io = self.io();
        let mapped = mdls.values().filter(|state| state.system).filter_map(|state| state.part.as_ref());
        let part = mapped
            .filter_map(|part| inside(&part.pages, part.address(), part.offset, part.bytes))
            .chain(io.iter().filter_map(|(address, pages)| inside(pages, *address, 0, pages.bytes)))
            .next();
        drop(io);
        let part = part.unwrap_or_else(|| Part {
            pages: Arc::new(Pages { address: start, bytes, source: Source::Borrowed }),
            offset: 0,
            bytes,
        });
        if let Some(state) = mdls.get_mut(&mdl.addr()) {
            state.part = Some(part);
        }
    }

    /// `MmMapLockedPagesSpecifyCache` into kernel space.
    pub(crate) fn map_system(&self, verifier: &Verifier, mdl: *mut MDL) -> *mut c_void {
        let mut mdls = self.mdls();
        let address = mdls.get_mut(&mdl.addr()).filter(|state| !state.system).and_then(|state| {
            let address = state.part.as_ref()?.address();
            state.system = true;
            Some(address)
        });
        drop(mdls);
        self.mapped_at(verifier, mdl, address)
    }

    /// `MmMapLockedPagesSpecifyCache` into a process.
    pub(crate) fn map_user(
        &self,
        verifier: &Verifier,
        process: &Process,
        mdl: *mut MDL,
        priority: u32,
    ) -> *mut c_void {
        let mut mdls = self.mdls();
        let address = mdls.get_mut(&mdl.addr()).filter(|state| state.user.is_none()).and_then(|state| {
            let part = state.part.as_ref()?;
            let view = part.view(priority & MDL_MAPPING_NO_WRITE == 0);
            let address = match &view {
                Some(view) => view.as_mut_ptr().expose_provenance(),
                None => part.address(),
            };
            state.user = Some(UserMapping { process: process.id(), address, _view: view });
            Some(address)
        });
        drop(mdls);
        self.mapped_at(verifier, mdl, address)
    }

    fn mapped_at(&self, verifier: &Verifier, mdl: *mut MDL, address: Option<usize>) -> *mut c_void {
        match address {
            Some(address) => ptr::with_exposed_provenance_mut(address),
            None => {
                verifier.report(Rule::Mdl, "MmMapLockedPagesSpecifyCache", || {
                    format!("{mdl:p} describes no pages, or is mapped already")
                });
                ptr::null_mut()
            }
        }
    }

    /// `MmUnmapLockedPages`.
    pub(crate) fn unmap(&self, verifier: &Verifier, process: &Process, address: *mut c_void, mdl: *mut MDL) {
        const FUNCTION: &str = "MmUnmapLockedPages";
        let mut mdls = self.mdls();
        let found = mdls.get_mut(&mdl.addr()).and_then(|state| {
            let user = state.user.take_if(|user| user.address == address.addr());
            if user.is_some() {
                return user.map(|user| Some(user.process));
            }
            let kernel = state.system && state.part.as_ref()?.address() == address.addr();
            state.system &= !kernel;
            kernel.then_some(None)
        });
        drop(mdls);
        match found {
            None => verifier.report(Rule::Mdl, FUNCTION, || format!("{address:p} is no mapping of {mdl:p}")),
            Some(Some(owner)) if owner != process.id() => {
                verifier.report(Rule::Mdl, FUNCTION, || {
                    format!("a mapping of process {owner} is ended in process {}", process.id())
                });
            }
            Some(_) => {}
        }
    }

    /// `MmMapIoSpaceEx`: what the machine has there, or null.
    pub(crate) fn map_io(&self, system: &System, physical: u64, bytes: usize) -> *mut c_void {
        let Some(pages) = system.machine.io_space(physical, bytes) else { return ptr::null_mut() };
        let address = pages.address;
        self.io().insert(address, pages);
        ptr::with_exposed_provenance_mut(address)
    }

    /// `MmUnmapIoSpace`.
    pub(crate) fn unmap_io(&self, verifier: &Verifier, address: *mut c_void) {
        if self.io().remove(&address.addr()).is_none() {
            verifier.report(Rule::Mdl, "MmUnmapIoSpace", || format!("{address:p} is not mapped"));
        }
    }

    /// How many mappings a process has.
    pub(crate) fn mappings_of(&self, process: u64) -> usize {
        let of = |state: &&MdlState| state.user.as_ref().is_some_and(|user| user.process == process);
        self.mdls().values().filter(of).count()
    }

    /// Notes what is left: the driver is unloaded.
    pub(crate) fn check_unloaded(&self, system: &System) {
        let mdls = std::mem::take(&mut *self.mdls());
        for (address, state) in mdls {
            system.verifier.report(Rule::MdlLeak, "DriverUnload", || {
                let pages = if state.part.is_some() { "its pages too" } else { "without pages" };
                format!("an MDL of {} bytes is left, {pages}", state.bytes)
            });
            system.pool.free(&system.verifier, ptr::with_exposed_provenance_mut(address), MDL_TAG);
        }
        for (address, pages) in std::mem::take(&mut *self.io()) {
            system.verifier.report(Rule::MdlLeak, "DriverUnload", || {
                format!("{} bytes of device memory are left mapped at {address:#x}", pages.bytes)
            });
        }
    }
}

#[cfg(test)]
mod tests;
