//! Devices and contexts.

use pvgpu_protocol::aperture::{Layout, PAGE_BYTES, RingRegion};
use pvgpu_protocol::command::{self, HeapRange};
use pvgpu_protocol::kernel_interface::{ContextData, PrivateData};
use pvgpu_protocol::telemetry::{Level, area, code};

use super::dma::{DMA_BUFFER_BYTES, DmaStep};
use crate::adapter::Adapter;
use crate::bring_up::{begin_context_ring, zero};
use crate::context::{End, KERNEL_CONTEXT, KernelContext, Life, Mappings, Revoked, Until};
use crate::core_state::{Core, Device};
use crate::heap::{Allocated, Heap};
use crate::kernel::{Access, ApertureRange, Kernel, SpinLock};
use crate::ring0::KernelCommand;
use crate::status::{Handle, Status};

/// `DXGKARG_CREATECONTEXT`.
#[derive(Clone, Copy, Debug)]
pub struct CreateContext<'a> {
    /// Must be 0: there is one node.
    pub node_ordinal: u32,
    /// [`ContextData`], or nothing for a context without a ring (dxgkrnl's own, and the desktop's).
    pub private_driver_data: &'a [u8],
}

/// `DXGK_CONTEXTINFO`, and the context's handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContextInfo {
    /// The driver's handle.
    pub h_context: u64,
    /// Bytes of a DMA buffer.
    pub dma_buffer_size: u32,
    /// Bytes of a DMA buffer's private data.
    pub dma_buffer_private_data_size: u32,
    /// Entries of the allocation list.
    pub allocation_list_size: u32,
    /// Entries of the patch location list.
    pub patch_location_list_size: u32,
}

/// What dxgkrnl is told of any context.
fn context_info(h_context: u64) -> ContextInfo {
    ContextInfo {
        h_context,
        dma_buffer_size: DMA_BUFFER_BYTES,
        dma_buffer_private_data_size: DMA_BUFFER_BYTES,
        allocation_list_size: LIST_ENTRIES,
        patch_location_list_size: LIST_ENTRIES,
    }
}

/// How often a request that the heap has no room for is tried again, a millisecond apart, while contexts are ending. The
/// host ends one as soon as its GPU work is done; two seconds are a guess at the longest of it.
const ROOM_TRIES: u32 = 2000;
/// Entries of the lists: a marker names few allocations, a blit two for each of the steps that a DMA buffer holds.
const LIST_ENTRIES: u32 = 2 * DMA_BUFFER_BYTES / size_of::<DmaStep>() as u32;

impl<K: Kernel> Adapter<K> {
    /// `DxgkDdiCreateDevice`: a device of the calling process. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::DeviceRemoved`] unless the adapter is started, [`Status::NoMemory`]. A host it need not have.
    pub fn create_device(&self) -> Result<u64, Status> {
        let mut core = self.core.lock();
        core.started()?;
        core.devices.insert(Device { process: self.kernel.current_process() })
    }

    /// `DxgkDdiDestroyDevice`. What is left of the device's contexts and opened allocations goes with it, and the link to the
    /// host if the device was its service.
    /// `PASSIVE_LEVEL`, in the device's process.
    ///
    /// # Errors
    /// [`Status::BadHandle`].
    pub fn destroy_device(&self, h_device: u64) -> Result<(), Status> {
        self.core.lock().devices.remove(h_device).ok_or(Status::BadHandle(Handle::Device))?;
        self.end_service_of(h_device);
        loop {
            let left = self.core.lock().context_of_device(h_device);
            match left {
                Some(h_context) => self.destroy_context(h_context)?,
                None => break,
            }
        }
        self.core.lock().close_allocations_of(h_device);
        Ok(())
    }

    /// `DxgkDdiCreateContext`: gives the context a number, a ring and a first heap range, all mapped into the calling
    /// process, and tells the host. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::PrivateData`] and [`Status::BadField`] for what user mode wishes; [`Status::HeapFull`],
    /// [`Status::TooManyContexts`], [`Status::NoMemory`]; [`Status::DeviceRemoved`].
    pub fn create_context(&self, h_device: u64, args: CreateContext<'_>) -> Result<ContextInfo, Status> {
        if args.node_ordinal != 0 {
            let value = u64::from(args.node_ordinal);
            return Err(Status::BadField { field: "NodeOrdinal", value, rule: "there is one node" });
        }
        if args.private_driver_data.is_empty() {
            return self.create_kernel_context(h_device);
        }
        let data = ContextData::read(args.private_driver_data)?;
        let ring_bytes = data.ring_bytes.saturating_add(PAGE_BYTES);
        let shape = RingRegion::from_range(0, ring_bytes).ok_or(Status::BadField {
            field: "ring_bytes",
            value: data.ring_bytes,
            rule: "it is a power of two from 128 KiB to 64 MiB",
        })?;
        let (h_context, fresh) = self.begin_context(h_device, shape)?;
        if let Err(status) = self.fill_context(h_context, fresh, data.heap_bytes) {
            // It has a handle, so it is there to be destroyed, if nobody else has done so.
            let _ = self.destroy_context(h_context);
            return Err(status);
        }
        Ok(context_info(h_context))
    }

    /// A context that only pages and presents.
    fn create_kernel_context(&self, h_device: u64) -> Result<ContextInfo, Status> {
        let mut core = self.core.lock();
        core.started()?;
        // dxgkrnl has checked whose device it is; for its own it calls from whatever process there is.
        core.devices.get(h_device).ok_or(Status::BadHandle(Handle::Device))?;
        let handle = core.kernel_contexts.insert(KernelContext { device: h_device })?;
        Ok(context_info(handle | KERNEL_CONTEXT))
    }

    /// Takes number and ring; tells also whether the ring's memory is fresh.
    fn begin_context(&self, h_device: u64, shape: RingRegion) -> Result<(u64, bool), Status> {
        self.with_room(|core| {
            let process = core.owned_device(&self.kernel, h_device)?.process;
            let aperture = core.working_link()?.aperture.clone();
            let owner = (h_device, process, core.epoch);
            let Allocated { range, fresh } = core.allocate_heap(shape.length())?;
            let ring = RingRegion { offset: range.offset, ..shape };
            let begun = core.contexts.begin(&aperture, owner, ring);
            if begun.is_err() {
                core.free_heap(range);
            }
            Ok((begun?, fresh))
        })
    }

    /// Takes memory or a number; while the host has not yet confirmed the end of a context that would give them back,
    /// it waits for that. `PASSIVE_LEVEL`.
    pub(crate) fn with_room<T>(
        &self,
        mut take: impl FnMut(&mut Core<K>) -> Result<T, Status>,
    ) -> Result<T, Status> {
        let mut tries = ROOM_TRIES;
        loop {
            {
                let mut core = self.core.lock();
                core.free_revoked(&self.kernel);
                let result = take(&mut core);
                let may_come = match result {
                    Err(Status::HeapFull { bytes }) => core.coming_bytes() >= bytes,
                    Err(Status::TooManyContexts) => core.coming_bytes() != 0,
                    _ => false,
                };
                if !may_come || tries == 0 {
                    if let Err(Status::HeapFull { bytes }) = result {
                        core.trace(
                            &self.kernel,
                            Level::Warning,
                            (area::MEMORY, code::HEAP_FULL),
                            0,
                            &[bytes],
                        );
                    }
                    return result;
                }
            }
            tries -= 1;
            self.kernel.sleep_ms(1);
        }
    }

    /// Prepares and maps the memory of a context that has begun, then tells the host of it.
    fn fill_context(&self, h_context: u64, fresh: bool, heap_bytes: u64) -> Result<(), Status> {
        let (number, ring, aperture, layout) = {
            let mut core = self.core.lock();
            let link = core.working_link()?;
            let (aperture, layout) = (link.aperture.clone(), link.layout);
            let (number, context) = core.contexts.get(h_context)?;
            (number, context.ring, aperture, layout)
        };
        if !fresh {
            zero(&aperture, &layout, ring.offset, ring.length());
        }
        begin_context_ring(&aperture, &layout, ring)?;
        let ring_map = self.map_heap(&layout, ring.offset, ring.length())?;
        let page = ApertureRange { offset: Layout::fence_page_offset(), bytes: PAGE_BYTES };
        let fences = match self.kernel.map_user(page, Access::Read) {
            Ok(fences) => fences,
            Err(status) => {
                self.kernel.unmap_user(ring_map);
                return Err(status);
            }
        };
        {
            let mut core = self.core.lock();
            match core.contexts.get(h_context) {
                Ok((_, context)) => context.mappings = Some(Mappings { ring: ring_map, fences }),
                Err(status) => {
                    drop(core);
                    self.kernel.unmap_user(ring_map);
                    self.kernel.unmap_user(fences);
                    return Err(status);
                }
            }
        }
        let create = command::CreateContext {
            ring: HeapRange { offset: ring.offset, length: ring.length() },
            context: number,
            process: self.kernel.current_process(),
        };
        self.send_for(h_context, KernelCommand::CreateContext(create), |context| context.life = Life::Live)?;
        {
            let mut core = self.core.lock();
            let args = [ring.offset, ring.capacity];
            core.trace(&self.kernel, Level::Info, (area::CONTEXT, code::CONTEXT_CREATED), number, &args);
        }
        self.grant_heap(h_context, heap_bytes).map(|_| ())
    }

    /// `DxgkDdiDestroyContext`: unmaps the context's memory and asks the host to end it; number and memory come back
    /// when the host has. `PASSIVE_LEVEL`, in the context's process.
    ///
    /// # Errors
    /// [`Status::BadHandle`].
    pub fn destroy_context(&self, h_context: u64) -> Result<(), Status> {
        let (number, generation, known, mappings, ranges) = {
            let mut core = self.core.lock();
            if h_context & KERNEL_CONTEXT != 0 {
                let gone = core.kernel_contexts.remove(h_context & !KERNEL_CONTEXT);
                return gone.map(|_| ()).ok_or(Status::BadHandle(Handle::Context));
            }
            let (number, context) = core.contexts.get(h_context)?;
            context.wake_all();
            let known = context.life != Life::Beginning;
            context.life = Life::Ending(End::Unmapping);
            let ranges = core::mem::take(&mut context.ranges);
            // Memory for the ranges' places was taken when they were granted.
            // While they are being unmapped, so is the context, and stays.
            let until = Until::ContextEnds;
            context.revoked.extend(ranges.iter().map(|granted| Revoked { range: granted.range, until }));
            let (generation, mappings) = (context.generation, context.mappings.take());
            for granted in &ranges {
                self.forget_scanout(&mut core, granted.range);
            }
            core.trace(&self.kernel, Level::Info, (area::CONTEXT, code::CONTEXT_DESTROYED), number, &[]);
            (number, generation, known, mappings, ranges)
        };
        if let Some(Mappings { ring, fences }) = mappings {
            self.kernel.unmap_user(ring);
            self.kernel.unmap_user(fences);
        }
        for granted in ranges {
            self.kernel.unmap_user(granted.mapping);
        }
        let mut core = self.core.lock();
        // It is not there any more when the adapter was stopped meanwhile.
        if let Some(context) = core.contexts.by_generation(number, generation) {
            context.life = Life::Ending(End::Unasked);
            if known {
                core.send_ends(&self.kernel);
            } else {
                core.forget_context(number);
            }
        }
        Ok(())
    }

    /// Maps a part of the heap into the calling process.
    pub(crate) fn map_heap(
        &self,
        layout: &Layout,
        offset: u64,
        bytes: u64,
    ) -> Result<K::UserMapping, Status> {
        let offset = layout.heap_offset.saturating_add(offset);
        self.kernel.map_user(ApertureRange { offset, bytes }, Access::ReadWrite)
    }
}

impl<K: Kernel> Core<K> {
    /// A device of the calling process.
    pub(crate) fn owned_device(&self, kernel: &K, h_device: u64) -> Result<Device, Status> {
        let device = self.devices.get(h_device).ok_or(Status::BadHandle(Handle::Device))?;
        if device.process != kernel.current_process() {
            return Err(Status::NotOwner(Handle::Device));
        }
        Ok(*device)
    }

    /// A context of that device.
    fn context_of_device(&mut self, h_device: u64) -> Option<u64> {
        let kernel = self.kernel_contexts.iter().find(|(_, context)| context.device == h_device);
        if let Some((handle, _)) = kernel {
            return Some(handle | KERNEL_CONTEXT);
        }
        self.contexts
            .iter_mut()
            .find(|(_, context)| context.device == h_device && !context.is_ending())
            .map(|(number, context)| crate::context::handle(number, context.generation))
    }

    /// The device of a context of either kind.
    pub(crate) fn device_of_context(&mut self, h_context: u64) -> Result<u64, Status> {
        if h_context & KERNEL_CONTEXT != 0 {
            let context = self.kernel_contexts.get(h_context & !KERNEL_CONTEXT);
            return context.map(|context| context.device).ok_or(Status::BadHandle(Handle::Context));
        }
        self.contexts.get(h_context).map(|(_, context)| context.device)
    }

    /// Takes heap memory.
    pub(crate) fn allocate_heap(&mut self, bytes: u64) -> Result<Allocated, Status> {
        let heap = self.heap.as_mut().ok_or(Status::DeviceRemoved)?;
        heap.allocate(bytes).map_err(|full| Status::HeapFull { bytes: full.bytes })
    }

    /// Bytes that will be free when the host has done what it was asked to: end contexts, and let ranges go; 0 when nothing
    /// comes back.
    fn coming_bytes(&mut self) -> u64 {
        let coming: u64 = self
            .contexts
            .iter_mut()
            .map(|(_, context)| {
                let ending = context.is_ending();
                let ring = if ending { context.ring.length() } else { 0 };
                let coming = |revoked: &&Revoked| ending || matches!(revoked.until, Until::Fence(_));
                let revoked = context.revoked.iter().filter(coming);
                ring + revoked.map(|revoked| revoked.range.length).sum::<u64>()
            })
            .sum();
        if coming == 0 || !self.state.is_linked() {
            return 0;
        }
        coming + self.heap.as_ref().map_or(0, Heap::free_bytes)
    }

    /// Gives heap memory back.
    pub(crate) fn free_heap(&mut self, range: HeapRange) {
        if let Some(heap) = &mut self.heap {
            heap.free(range);
        }
    }
}
