//! Devices and contexts.

use pvgpu_protocol::aperture::{Layout, PAGE_BYTES, RingRegion};
use pvgpu_protocol::command::{self, HeapRange};
use pvgpu_protocol::kernel_interface::{ContextData, FenceMarker, PrivateData};
use pvgpu_protocol::telemetry::{Level, area, code};

use super::render::DmaPrivateData;
use crate::adapter::Adapter;
use crate::bring_up::{begin_context_ring, zero};
use crate::context::{Granted, Life, MAX_RANGES, Mappings};
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
    /// [`ContextData`].
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

/// How often a request that the heap has no room for is tried again, a millisecond apart, while contexts are ending. The
/// host ends one as soon as its GPU work is done; two seconds are a guess at the longest of it.
const ROOM_TRIES: u32 = 2000;
/// Entries of the lists: a marker names no allocation, a present two.
const LIST_ENTRIES: u32 = 16;

impl<K: Kernel> Adapter<K> {
    /// `DxgkDdiCreateDevice`: a device of the calling process. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::DeviceRemoved`] unless the adapter is running, [`Status::NoMemory`].
    pub fn create_device(&self) -> Result<u64, Status> {
        let mut core = self.core.lock();
        core.working_link()?;
        core.devices.insert(Device { process: self.kernel.current_process() })
    }

    /// `DxgkDdiDestroyDevice`. What is left of the device's contexts and opened allocations goes with it.
    /// `PASSIVE_LEVEL`, in the device's process.
    ///
    /// # Errors
    /// [`Status::BadHandle`].
    pub fn destroy_device(&self, h_device: u64) -> Result<(), Status> {
        self.core.lock().devices.remove(h_device).ok_or(Status::BadHandle(Handle::Device))?;
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
        let data = ContextData::read(args.private_driver_data)?;
        if args.node_ordinal != 0 {
            let value = u64::from(args.node_ordinal);
            return Err(Status::BadField { field: "NodeOrdinal", value, rule: "there is one node" });
        }
        let ring_bytes = data.ring_bytes.saturating_add(PAGE_BYTES);
        let shape = RingRegion::from_range(0, ring_bytes).ok_or(Status::BadField {
            field: "ring_bytes",
            value: data.ring_bytes,
            rule: "it is a power of two from 128 KiB to 64 MiB",
        })?;
        let (h_context, fresh) = self.begin_context(h_device, shape)?;
        if let Err(status) = self.fill_context(h_context, fresh, data.heap_bytes) {
            self.abandon_context(h_context);
            return Err(status);
        }
        Ok(ContextInfo {
            h_context,
            dma_buffer_size: PAGE_BYTES as u32,
            dma_buffer_private_data_size: size_of::<DmaPrivateData>() as u32,
            allocation_list_size: LIST_ENTRIES,
            patch_location_list_size: LIST_ENTRIES,
        })
    }

    /// Takes number and ring; tells also whether the ring's memory is fresh.
    fn begin_context(&self, h_device: u64, shape: RingRegion) -> Result<(u64, bool), Status> {
        self.with_room(|core| {
            core.owned_device(&self.kernel, h_device)?;
            let aperture = core.working_link()?.aperture.clone();
            let Allocated { range, fresh } = core.allocate_heap(shape.length())?;
            let ring = RingRegion { offset: range.offset, ..shape };
            let begun = core.contexts.begin(&aperture, h_device, ring);
            if begun.is_err() {
                core.free_heap(range);
            }
            Ok((begun?, fresh))
        })
    }

    /// Takes memory or a number; while the host has not yet confirmed the end of a context that would give them back,
    /// it waits for that. `PASSIVE_LEVEL`.
    fn with_room<T>(&self, mut take: impl FnMut(&mut Core<K>) -> Result<T, Status>) -> Result<T, Status> {
        let mut tries = ROOM_TRIES;
        loop {
            {
                let mut core = self.core.lock();
                let result = take(&mut core);
                let may_come = match result {
                    Err(Status::HeapFull { bytes }) => core.ending_bytes() >= bytes,
                    Err(Status::TooManyContexts) => core.ending_bytes() != 0,
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
        self.send(KernelCommand::CreateContext(command::CreateContext {
            ring: HeapRange { offset: ring.offset, length: ring.length() },
            context: number,
            process: self.kernel.current_process(),
        }))?;
        {
            let mut core = self.core.lock();
            let (_, context) = core.contexts.get(h_context)?;
            context.life = Life::Live;
            let args = [ring.offset, ring.capacity];
            core.trace(&self.kernel, Level::Info, (area::CONTEXT, code::CONTEXT_CREATED), number, &args);
        }
        self.grant_heap(h_context, heap_bytes).map(|_| ())
    }

    /// Takes back what [`Adapter::begin_context`] and [`Adapter::fill_context`] did.
    fn abandon_context(&self, h_context: u64) {
        let beginning = {
            let mut core = self.core.lock();
            core.contexts.get(h_context).ok().map(|(number, context)| (number, context.life))
        };
        match beginning {
            Some((number, Life::Beginning)) => {
                let mut core = self.core.lock();
                let Some(mut context) = core.contexts.remove(number) else { return };
                if let Some(heap) = &mut core.heap {
                    heap.free(context.ring_range());
                }
                drop(core);
                self.unmap_context(&mut context);
            }
            // The host knows of it. It has a handle, so it is there to be destroyed.
            Some(_) => drop(self.destroy_context(h_context)),
            None => {}
        }
    }

    /// `DxgkDdiDestroyContext`: unmaps the context's memory and asks the host to end it; number and memory come back
    /// when the host has. `PASSIVE_LEVEL`, in the context's process.
    ///
    /// # Errors
    /// [`Status::BadHandle`].
    pub fn destroy_context(&self, h_context: u64) -> Result<(), Status> {
        let (number, mappings, ranges) = {
            let mut core = self.core.lock();
            let (number, context) = core.contexts.get(h_context)?;
            context.wake_all();
            context.life = Life::Ending;
            let ranges = core::mem::take(&mut context.ranges);
            // Memory for the ranges' places was taken when they were granted.
            context.revoked.extend(ranges.iter().map(|granted| granted.range));
            let mappings = context.mappings.take();
            core.trace(&self.kernel, Level::Info, (area::CONTEXT, code::CONTEXT_DESTROYED), number, &[]);
            (number, mappings, ranges)
        };
        if let Some(Mappings { ring, fences }) = mappings {
            self.kernel.unmap_user(ring);
            self.kernel.unmap_user(fences);
        }
        for granted in ranges {
            self.kernel.unmap_user(granted.mapping);
        }
        let end = command::DestroyContext { context: number, reserved: 0 };
        if self.send(KernelCommand::DestroyContext(end)).is_err() {
            // No host will ever answer; the adapter is removed, so nobody gets the memory before it starts anew.
            self.core.lock().forget_context(number);
        }
        Ok(())
    }

    /// Maps a part of the heap into the calling process.
    fn map_heap(&self, layout: &Layout, offset: u64, bytes: u64) -> Result<K::UserMapping, Status> {
        let offset = layout.heap_offset.saturating_add(offset);
        self.kernel.map_user(ApertureRange { offset, bytes }, Access::ReadWrite)
    }

    /// Gives a context one more heap range, zeroed and mapped; returns where it lies and its address. `PASSIVE_LEVEL`.
    pub(crate) fn grant_heap(&self, h_context: u64, bytes: u64) -> Result<(HeapRange, u64), Status> {
        let (number, allocated, aperture, layout) = self.with_room(|core| {
            let link = core.working_link()?;
            let (aperture, layout) = (link.aperture.clone(), link.layout);
            let (number, context) = core.contexts.get(h_context)?;
            if context.ranges.len() >= MAX_RANGES {
                return Err(Status::TooManyRanges);
            }
            let places = context.ranges.len() + 1;
            context.ranges.try_reserve(1).map_err(|_| Status::NoMemory)?;
            context.revoked.try_reserve(places).map_err(|_| Status::NoMemory)?;
            Ok((number, core.allocate_heap(bytes)?, aperture, layout))
        })?;
        let range = allocated.range;
        if !allocated.fresh {
            zero(&aperture, &layout, range.offset, range.length);
        }
        let mapping = match self.map_heap(&layout, range.offset, range.length) {
            Ok(mapping) => mapping,
            Err(status) => {
                self.core.lock().free_heap(range);
                return Err(status);
            }
        };
        let address = self.kernel.user_address(&mapping);
        let grant = command::GrantHeap { range, context: number, reserved: 0 };
        let sent = self.send(KernelCommand::GrantHeap(grant));
        let mut core = self.core.lock();
        let mut mapping = Some(mapping);
        let granted = sent.and_then(|()| {
            let (_, context) = core.contexts.get(h_context)?;
            context.ranges.extend(mapping.take().map(|mapping| Granted { range, mapping }));
            Ok(())
        });
        if let (Err(status), Some(mapping)) = (granted, mapping) {
            core.free_heap(range);
            drop(core);
            self.kernel.unmap_user(mapping);
            return Err(status);
        }
        let args = [range.offset, range.length];
        core.trace(&self.kernel, Level::Verbose, (area::MEMORY, code::HEAP_GRANTED), number, &args);
        Ok((range, address))
    }

    /// Takes one of a context's heap ranges back. `PASSIVE_LEVEL`, in the context's process.
    pub(crate) fn revoke_heap(&self, h_context: u64, offset: u64) -> Result<(), Status> {
        let (number, granted) = {
            let mut core = self.core.lock();
            let (number, context) = core.contexts.get(h_context)?;
            let index = context.ranges.iter().position(|granted| granted.range.offset == offset);
            let range = index.and_then(|index| context.ranges.get(index)).map(|granted| granted.range);
            let (Some(index), Some(range)) = (index, range) else {
                let rule = "it begins one of the context's ranges";
                return Err(Status::BadField { field: "offset", value: offset, rule });
            };
            if core.allocations.iter().any(|(_, allocation)| allocation.uses(h_context, range)) {
                let rule = "the range holds no presented frames";
                return Err(Status::BadField { field: "offset", value: offset, rule });
            }
            let (_, context) = core.contexts.get(h_context)?;
            (number, context.ranges.swap_remove(index))
        };
        self.kernel.unmap_user(granted.mapping);
        let range = granted.range;
        let revoke = command::RevokeHeap { range, context: number, reserved: 0 };
        let sent = self.send(KernelCommand::RevokeHeap(revoke));
        let mut core = self.core.lock();
        core.free_heap(range);
        let args = [range.offset, range.length];
        core.trace(&self.kernel, Level::Verbose, (area::MEMORY, code::HEAP_REVOKED), number, &args);
        sent
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
        self.contexts
            .iter_mut()
            .find(|(_, context)| context.device == h_device && context.life != Life::Ending)
            .map(|(number, context)| crate::context::handle(number, context.generation))
    }

    /// Takes heap memory.
    fn allocate_heap(&mut self, bytes: u64) -> Result<Allocated, Status> {
        let heap = self.heap.as_mut().ok_or(Status::DeviceRemoved)?;
        heap.allocate(bytes).map_err(|full| Status::HeapFull { bytes: full.bytes })
    }

    /// Bytes that will be free when the host has ended the contexts that it was asked to end; 0 when there are none.
    fn ending_bytes(&mut self) -> u64 {
        let ending: u64 = self
            .contexts
            .iter_mut()
            .filter(|(_, context)| context.life == Life::Ending)
            .map(|(_, context)| {
                context.ring.length() + context.revoked.iter().map(|range| range.length).sum::<u64>()
            })
            .sum();
        if ending == 0 || !self.state.is_linked() {
            return 0;
        }
        ending + self.heap.as_ref().map_or(0, Heap::free_bytes)
    }

    /// Gives heap memory back.
    fn free_heap(&mut self, range: HeapRange) {
        if let Some(heap) = &mut self.heap {
            heap.free(range);
        }
    }
}

// A marker is the whole DMA buffer.
const _: () = assert!(size_of::<FenceMarker>() as u64 <= PAGE_BYTES);
