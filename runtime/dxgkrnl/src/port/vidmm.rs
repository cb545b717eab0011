//! VidMM: where allocations lie in the driver's memory segment, and the paging that moves them in and out.
//!
//! An allocation that may lie in segment 1 is given a place there when a DMA buffer first refers to it. When there is no room,
//! the one that was used longest ago is copied to system memory and loses its place; it comes back when it is used again. All
//! copies and fills are the driver's (`DxgkDdiBuildPagingBuffer`), submitted on the system context and waited for.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use pvgpu_kmd_ddi::*;

use super::Port;
use super::buffers::{BufferPool, Sizes};
use super::device::KernelAllocation;
use super::driver::{DriverHandle, NtResult};
use super::scheduler::{Completion, Work};
use super::start::{Facts, SegmentFacts};
use crate::handles;
use crate::system::{self, System};
use crate::verifier::Rule;

/// The one segment that is managed: bit 0 of a segment set.
const SEGMENT: u32 = 1;
const PAGE: u64 = 4096;
/// How long paging may take.
const PAGING_LIMIT: Duration = Duration::from_secs(10);
/// The most DMA buffers that one paging operation may fill.
const MAX_PASSES: u32 = 1024;

/// Where an allocation's content is.
#[derive(Debug, Default)]
pub(crate) struct Residency {
    /// Its address in the segment.
    address: Option<u64>,
    /// The MDL with its content, once it was evicted.
    saved: usize,
    /// When it was last used, by the count of uses.
    used: u64,
}

/// What occupies the segment.
#[derive(Debug)]
struct Occupant {
    bytes: u64,
    allocation: Weak<KernelAllocation>,
}

#[derive(Debug, Default)]
struct State {
    /// By address.
    places: BTreeMap<u64, Occupant>,
    uses: u64,
    evictions: u64,
}

/// Nobody is told of a paging buffer's end; it is waited for.
struct Quiet;

impl Completion for Quiet {
    fn completed(&self) {}

    fn faulted(&self, _status: NTSTATUS) {}
}

/// The memory manager of an adapter with a segment.
pub(crate) struct VidMm {
    port: Weak<Port>,
    segment: SegmentFacts,
    device: DriverHandle,
    context: DriverHandle,
    buffers: Arc<BufferPool>,
    state: Mutex<State>,
}

impl fmt::Debug for VidMm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VidMm")
            .field("segment", &self.segment)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl VidMm {
    /// Opens the system's own device and context; `None` when the driver has no segment.
    ///
    /// # Errors
    /// The driver's status.
    pub(super) fn new(port: &Arc<Port>, facts: &Facts) -> NtResult<Option<Arc<Self>>> {
        let Some(segment) = facts.segments.first().copied() else { return Ok(None) };
        let driver = port.driver();
        let process = port.system_process();
        let device = driver.create_system_device(handles::next())?;
        let (context, info) = match driver.create_system_context(device, handles::next()) {
            Ok(made) => made,
            Err(status) => {
                // Just made, so that the driver has no reason to refuse its end.
                let _ = driver.destroy_device(process, device);
                return Err(status);
            }
        };
        let (paging, private) = facts.paging;
        let sizes = Sizes {
            dma: paging,
            private,
            allocations: info.AllocationListSize.max(1),
            patches: info.PatchLocationListSize.max(1),
        };
        Ok(Some(Arc::new(Self {
            port: Arc::downgrade(port),
            segment,
            device,
            context,
            buffers: BufferPool::new(sizes),
            state: Mutex::default(),
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the allocation a place, evicting others when there is no room: segment and address. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// `STATUS_GRAPHICS_NO_VIDEO_MEMORY` when it never fits, the driver's status.
    fn make_resident(&self, port: &Port, allocation: &Arc<KernelAllocation>) -> NtResult<(u32, u64)> {
        let info = allocation.info();
        if info.read_segments & 1 << (SEGMENT - 1) == 0 || info.size == 0 {
            return Ok((0, 0));
        }
        // Held throughout: one paging operation at a time, as with a paging queue.
        let mut state = self.state();
        state.uses += 1;
        let uses = state.uses;
        {
            let mut residency = residency(allocation);
            residency.used = uses;
            if let Some(address) = residency.address {
                return Ok((SEGMENT, address));
            }
        }
        let bytes = info.size.next_multiple_of(PAGE);
        let align = u64::from(info.alignment).max(PAGE).next_power_of_two();
        let address = loop {
            if let Some(address) = self.find(&state, bytes, align) {
                break address;
            }
            if !self.evict_oldest(port, &mut state)? {
                return Err(STATUS_GRAPHICS_NO_VIDEO_MEMORY);
            }
        };
        state.places.insert(address, Occupant { bytes, allocation: Arc::downgrade(allocation) });
        let saved = residency(allocation).saved;
        let paged = if saved == 0 {
            let fill = DXGKARG_BUILDPAGINGBUFFER_Fill {
                hAllocation: Address(allocation.driver_handle().0 as u64),
                FillSize: bytes,
                FillPattern: 0,
                Destination: location(address),
                ..Default::default()
            };
            self.page(port, DXGK_OPERATION_FILL, DXGKARG_BUILDPAGINGBUFFER_u::from_fill(fill))
        } else {
            self.transfer(port, allocation, bytes, (mdl_location(saved), location(address)))
        };
        if let Err(status) = paged {
            state.places.remove(&address);
            return Err(status);
        }
        let mut residency = residency(allocation);
        residency.address = Some(address);
        free_mdl(port.system(), std::mem::take(&mut residency.saved));
        Ok((SEGMENT, address))
    }

    /// A free place.
    fn find(&self, state: &State, bytes: u64, align: u64) -> Option<u64> {
        let end = self.segment.base + self.segment.bytes;
        let mut from = self.segment.base.next_multiple_of(align);
        for (address, occupant) in &state.places {
            if from.checked_add(bytes)? <= *address {
                return Some(from);
            }
            from = from.max((address + occupant.bytes).next_multiple_of(align));
        }
        (from.checked_add(bytes)? <= end).then_some(from)
    }

    /// Copies the allocation that was used longest ago out; false when there is none.
    fn evict_oldest(&self, port: &Port, state: &mut State) -> NtResult<bool> {
        let oldest = state
            .places
            .iter()
            .filter_map(|(address, occupant)| {
                Some((*address, occupant.bytes, occupant.allocation.upgrade()?))
            })
            .min_by_key(|(_, _, allocation)| residency(allocation).used);
        let Some((address, bytes, allocation)) = oldest else { return Ok(false) };
        self.evict(port, state, &allocation, (address, bytes))?;
        Ok(true)
    }

    fn evict(
        &self,
        port: &Port,
        state: &mut State,
        allocation: &KernelAllocation,
        (address, bytes): (u64, u64),
    ) -> NtResult<()> {
        // What is in flight may still use it.
        if !port.scheduler.wait_idle(PAGING_LIMIT) {
            return Err(STATUS_GRAPHICS_ALLOCATION_BUSY);
        }
        let mdl = allocate_mdl(port.system(), bytes).ok_or(STATUS_NO_MEMORY)?;
        let paged = self.transfer(port, allocation, bytes, (location(address), mdl_location(mdl)));
        if let Err(status) = paged {
            free_mdl(port.system(), mdl);
            return Err(status);
        }
        state.places.remove(&address);
        state.evictions += 1;
        let mut residency = residency(allocation);
        residency.address = None;
        residency.saved = mdl;
        Ok(())
    }

    fn transfer(
        &self,
        port: &Port,
        allocation: &KernelAllocation,
        bytes: u64,
        (source, destination): (DXGKARG_BUILDPAGINGBUFFER_Location, DXGKARG_BUILDPAGINGBUFFER_Location),
    ) -> NtResult<()> {
        let transfer = DXGKARG_BUILDPAGINGBUFFER_Transfer {
            hAllocation: Address(allocation.driver_handle().0 as u64),
            TransferSize: bytes,
            Source: source,
            Destination: destination,
            Flags: DXGK_TRANSFERFLAGS::new(
                DXGK_TRANSFERFLAGS::TransferStart | DXGK_TRANSFERFLAGS::TransferEnd,
            ),
            ..Default::default()
        };
        self.page(port, DXGK_OPERATION_TRANSFER, DXGKARG_BUILDPAGINGBUFFER_u::from_transfer(transfer))
    }

    /// Builds a paging operation, submits it, and waits until it is done.
    fn page(
        &self,
        port: &Port,
        operation: DXGK_BUILDPAGINGBUFFER_OPERATION,
        u: DXGKARG_BUILDPAGINGBUFFER_u,
    ) -> NtResult<()> {
        const ENTRY: &str = "DxgkDdiBuildPagingBuffer";
        let verifier = &port.system().verifier;
        let mut multipass = 0;
        for _ in 0..MAX_PASSES {
            let mut dma = self.buffers.take();
            let ((buffer, bytes), (private, private_bytes)) = dma.paging_parts();
            let mut args = DXGKARG_BUILDPAGINGBUFFER {
                pDmaBuffer: buffer,
                DmaSize: bytes,
                pDmaBufferPrivateData: private,
                DmaBufferPrivateDataSize: private_bytes,
                Operation: operation,
                MultipassOffset: multipass,
                u,
                hSystemContext: self.context.pointer(),
            };
            let more = match port.driver().build_paging_buffer(&mut args) {
                Ok(()) => false,
                Err(STATUS_GRAPHICS_INSUFFICIENT_DMA_BUFFER) if args.MultipassOffset != multipass => true,
                Err(status) => return Err(status),
            };
            let patches = dma.patch_args(self.context, 0, 0).pPatchLocationList.cast_mut();
            let pointers = (args.pDmaBuffer, args.pDmaBufferPrivateData, patches);
            if !dma.advanced(verifier, ENTRY, pointers) {
                return Err(STATUS_INVALID_PARAMETER);
            }
            multipass = args.MultipassOffset;
            if dma.used().dma != 0 || dma.used().private != 0 {
                let work = Work {
                    process: port.system_process().clone(),
                    context: self.context,
                    dma,
                    flags: DXGK_SUBMITCOMMANDFLAGS::Paging,
                    completion: Arc::new(Quiet),
                };
                let fence_id = port.scheduler.submit(port.driver(), work)?;
                if !port.scheduler.wait_done(fence_id, PAGING_LIMIT) {
                    return Err(STATUS_IO_TIMEOUT);
                }
            }
            if !more {
                return Ok(());
            }
        }
        verifier.report(Rule::Ddi, ENTRY, || format!("it wants more than {MAX_PASSES} DMA buffers"));
        Err(STATUS_INVALID_PARAMETER)
    }
}

impl Drop for VidMm {
    fn drop(&mut self) {
        let Some(port) = self.port.upgrade() else { return };
        let process = port.system_process();
        // Handles that the driver gave and that are used once: it has no reason to refuse them.
        let _ = port.driver().destroy_context(process, self.context);
        let _ = port.driver().destroy_device(process, self.device);
    }
}

fn residency(allocation: &KernelAllocation) -> MutexGuard<'_, Residency> {
    allocation.residency.lock().unwrap_or_else(PoisonError::into_inner)
}

fn location(address: u64) -> DXGKARG_BUILDPAGINGBUFFER_Location {
    DXGKARG_BUILDPAGINGBUFFER_Location::segment(SEGMENT, address.cast_signed())
}

fn mdl_location(mdl: usize) -> DXGKARG_BUILDPAGINGBUFFER_Location {
    DXGKARG_BUILDPAGINGBUFFER_Location::mdl(std::ptr::with_exposed_provenance_mut(mdl))
}

/// System memory for an evicted allocation.
fn allocate_mdl(system: &Arc<System>, bytes: u64) -> Option<usize> {
    let _inside = system::enter(system, system.system_process());
    let mdl = system.memory.allocate_pages(system, usize::try_from(bytes).ok()?);
    (!mdl.is_null()).then(|| mdl.expose_provenance())
}

/// Gives it back; 0 is none.
fn free_mdl(system: &Arc<System>, mdl: usize) {
    if mdl != 0 {
        let _inside = system::enter(system, system.system_process());
        system.memory.free_pages_and_mdl(system, std::ptr::with_exposed_provenance_mut(mdl));
    }
}

impl Port {
    fn vidmm(&self) -> Option<Arc<VidMm>> {
        self.vidmm.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes an allocation resident: its segment and address there; (0, 0) when it needs no segment.
    ///
    /// # Errors
    /// `STATUS_GRAPHICS_NO_VIDEO_MEMORY`, the driver's status.
    pub(crate) fn make_resident(&self, allocation: &Arc<KernelAllocation>) -> NtResult<(u32, u64)> {
        match self.vidmm() {
            Some(vidmm) => vidmm.make_resident(self, allocation),
            None => Ok((0, 0)),
        }
    }

    /// Copies an allocation's content to system memory and takes its place away; nothing happens when it has none.
    ///
    /// # Errors
    /// The driver's status.
    pub(crate) fn evict(&self, allocation: &Arc<KernelAllocation>) -> NtResult<()> {
        let Some(vidmm) = self.vidmm() else { return Ok(()) };
        let mut state = vidmm.state();
        let Some(address) = residency(allocation).address else { return Ok(()) };
        let Some(bytes) = state.places.get(&address).map(|occupant| occupant.bytes) else { return Ok(()) };
        vidmm.evict(self, &mut state, allocation, (address, bytes))
    }

    /// Where an allocation lies in the segment now.
    pub(crate) fn placement(&self, allocation: &KernelAllocation) -> Option<u64> {
        residency(allocation).address
    }

    /// How many allocations were evicted so far.
    pub(crate) fn evictions(&self) -> u64 {
        self.vidmm().map_or(0, |vidmm| vidmm.state().evictions)
    }

    /// An allocation ends: its place and its saved content go.
    pub(super) fn forget_residency(&self, allocation: &KernelAllocation) {
        let (address, saved) = {
            let mut residency = residency(allocation);
            (residency.address.take(), std::mem::take(&mut residency.saved))
        };
        free_mdl(self.system(), saved);
        if let (Some(address), Some(vidmm)) = (address, self.vidmm()) {
            vidmm.state().places.remove(&address);
        }
    }
}
