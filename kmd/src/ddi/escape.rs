//! Escapes: what user mode asks of the kernel-mode driver directly. See [`pvgpu_protocol::kernel_interface`].
//!
//! Those of the user-mode driver concern a context; those of the link service a device; those of pvgpu-ctl the adapter, and
//! come with neither.

use bytemuck::bytes_of;
use pvgpu_protocol::aperture::LINE_BYTES;
use pvgpu_protocol::event::error_code;
use pvgpu_protocol::kernel_interface::{
    AllocateHeap, AttachLink, ContextState, DetachLink, Doorbell, FreeHeap, LinkKick, LinkUp, MapContext,
    PrivateData, PrivateDataError, PrivateHeader, SetMode, Trace, WaitForFence, counter, kind, wait_result,
};
use pvgpu_protocol::telemetry::{Level, area, code};

use crate::adapter::Adapter;
use crate::context::{Life, Waiter};
use crate::kernel::{Event, FaultKind, Kernel, SpinLock};
use crate::reports::Progress;
use crate::status::{Handle, Status};

/// `DXGKARG_ESCAPE`.
#[derive(Debug)]
pub struct Escape<'a> {
    /// `hDevice`, 0 for none.
    pub h_device: u64,
    /// `hContext`, 0 for none.
    pub h_context: u64,
    /// `pPrivateDriverData`, in and out.
    pub private_driver_data: &'a mut [u8],
}

/// A sleeper looks again after this long even when nothing wakes it. The protocol's bound for every sleep.
const MAX_SLEEP_MS: u32 = 100;
/// The longest that one call sleeps, in milliseconds. A process that is to end ends only after it, and so does dxgkrnl's wait
/// for the driver to be left by everybody, which comes before a reset and a stop. Who wants to wait longer calls again.
const MAX_WAIT_MS: u32 = 200;
/// Sleepers that a context may have; more than a process has reason to.
const MAX_WAITERS: usize = 256;

/// Writes a reply over the request, whose size it has.
fn reply(data: &mut [u8], bytes: &[u8]) {
    if data.len() == bytes.len() {
        data.copy_from_slice(bytes);
    }
}

impl<K: Kernel> Adapter<K> {
    /// `DxgkDdiEscape`. `PASSIVE_LEVEL`, in the device's process.
    ///
    /// # Errors
    /// [`Status::PrivateData`] and [`Status::BadField`] for a malformed request, [`Status::BadHandle`] and
    /// [`Status::NotOwner`] for somebody else's context, [`Status::NotSupported`] for an unknown kind, and what the request
    /// itself fails with.
    pub fn escape(&self, args: Escape<'_>) -> Result<(), Status> {
        let data = args.private_driver_data;
        let size = size_of::<PrivateHeader>();
        let header = data
            .get(..size)
            .map(bytemuck::pod_read_unaligned::<PrivateHeader>)
            .ok_or(PrivateDataError::Size { expected: size, actual: data.len() });
        let result = match header {
            Ok(header) => self.serve(header.kind, args.h_device, args.h_context, data),
            Err(error) => Err(error.into()),
        };
        let mut core = self.core.lock();
        match result {
            Ok(()) => core.count(counter::ESCAPES),
            Err(status) => {
                core.count(counter::ESCAPES_REFUSED);
                let refused = [header.map_or(0, |header| header.kind.into()), status.to_ntstatus().0.into()];
                let what = (area::ADAPTER, code::ESCAPE_REFUSED);
                core.trace(&self.kernel, Level::Warning, what, 0, &refused);
            }
        }
        result
    }

    fn serve(&self, request: u16, h_device: u64, h_context: u64, data: &mut [u8]) -> Result<(), Status> {
        match request {
            kind::ADAPTER_STATUS => self.adapter_status(data),
            kind::SET_MODE => self.set_mode(SetMode::read(data)?),
            kind::READ_TELEMETRY => self.read_telemetry(data),
            kind::ATTACH_LINK => {
                let request = AttachLink::read(data)?;
                reply(data, bytes_of(&self.attach_link(h_device, request)?));
                Ok(())
            }
            kind::LINK_UP => LinkUp::read(data).map_err(Status::from).and_then(|_| self.link_up(h_device)),
            kind::LINK_KICK => {
                LinkKick::read(data)?;
                self.link_kick(h_device)
            }
            kind::DETACH_LINK => {
                DetachLink::read(data)?;
                self.detach_link(h_device)
            }
            _ => {
                self.check_owner(h_device, h_context)?;
                self.serve_context(request, h_context, data)
            }
        }
    }

    /// What the user-mode driver asks for one of its contexts.
    fn serve_context(&self, request: u16, h_context: u64, data: &mut [u8]) -> Result<(), Status> {
        match request {
            kind::MAP_CONTEXT => {
                let request = MapContext::read(data)?;
                reply(data, bytes_of(&self.map_context(h_context, request)?));
                Ok(())
            }
            kind::ALLOCATE_HEAP => {
                let request = AllocateHeap::read(data)?;
                let (range, address) = self.grant_heap(h_context, request.bytes)?;
                let granted = AllocateHeap { bytes: range.length, address, offset: range.offset, ..request };
                reply(data, bytes_of(&granted));
                Ok(())
            }
            kind::FREE_HEAP => self.revoke_heap(h_context, FreeHeap::read(data)?.offset),
            kind::WAIT_FOR_FENCE => {
                let request = WaitForFence::read(data)?;
                let result = self.wait_for_fence(h_context, request.value, request.timeout_ms)?;
                reply(data, bytes_of(&WaitForFence { result, ..request }));
                Ok(())
            }
            kind::TRACE => self.trace_for(h_context, Trace::read(data)?),
            kind::DOORBELL => {
                Doorbell::read(data)?;
                self.kernel.ring_doorbell();
                Ok(())
            }
            kind::CONTEXT_STATE => {
                let request = ContextState::read(data)?;
                reply(data, bytes_of(&self.context_state(h_context, request)?));
                Ok(())
            }
            other => Err(Status::NotSupported { request: u32::from(other) }),
        }
    }

    /// The context must be the device's, and the device the calling process's.
    fn check_owner(&self, h_device: u64, h_context: u64) -> Result<(), Status> {
        let mut core = self.core.lock();
        core.owned_device(&self.kernel, h_device)?;
        let (_, context) = core.contexts.get(h_context)?;
        if context.device != h_device {
            return Err(Status::NotOwner(Handle::Context));
        }
        Ok(())
    }

    fn map_context(&self, h_context: u64, request: MapContext) -> Result<MapContext, Status> {
        let mut core = self.core.lock();
        let (context, this) = core.contexts.get(h_context)?;
        let (Some(mappings), Some(first)) = (&this.mappings, this.ranges.first()) else {
            return Err(Status::DeviceRemoved);
        };
        let words = this.ring.ring_offset() - this.ring.offset;
        Ok(MapContext {
            context,
            reserved: 0,
            ring_address: self.kernel.user_address(&mappings.ring) + words,
            ring_bytes: this.ring.capacity,
            fence_address: self.kernel.user_address(&mappings.fences) + u64::from(context) * LINE_BYTES,
            heap_address: self.kernel.user_address(&first.mapping),
            heap_offset: first.range.offset,
            heap_bytes: first.range.length,
            ..request
        })
    }

    fn trace_for(&self, h_context: u64, trace: Trace) -> Result<(), Status> {
        if trace.reserved != [0; 5] {
            return Err(Status::BadField { field: "reserved", value: 1, rule: "it is zero" });
        }
        let mut core = self.core.lock();
        let (number, _) = core.contexts.get(h_context)?;
        let level = Level::from_wire(trace.level);
        core.trace(&self.kernel, level, (area::UMD, trace.code), number, &trace.args);
        Ok(())
    }

    /// Sleeps until the fence is there, never will be, or the time is over; gives one of [`wait_result`].
    fn wait_for_fence(&self, h_context: u64, value: u64, timeout_ms: u32) -> Result<u32, Status> {
        if timeout_ms == 0 || self.look(h_context, value) != Progress::Waiting {
            return Ok(self.wait_step(h_context, value).unwrap_or(wait_result::TIMEOUT));
        }
        let timeout_ms = timeout_ms.min(MAX_WAIT_MS);
        let (event, id) = self.add_waiter(h_context, value)?;
        let start = self.kernel.time_ns();
        let result = loop {
            if let Some(result) = self.wait_step(h_context, value) {
                break result;
            }
            let waited_ms = self.kernel.time_ns().saturating_sub(start) / 1_000_000;
            let left = u64::from(timeout_ms).saturating_sub(waited_ms);
            if left == 0 {
                break wait_result::TIMEOUT;
            }
            // CAST: at most MAX_SLEEP_MS.
            event.wait(left.min(u64::from(MAX_SLEEP_MS)) as u32);
        };
        if let Ok((_, context)) = self.core.lock().contexts.get(h_context) {
            context.waiters.retain(|waiter| waiter.id != id);
        }
        Ok(result)
    }

    /// How the wait has ended, if it has.
    fn wait_step(&self, h_context: u64, value: u64) -> Option<u32> {
        match self.look(h_context, value) {
            Progress::Reached => Some(wait_result::REACHED),
            Progress::Never(_) => Some(wait_result::REMOVED),
            Progress::Waiting => None,
        }
    }

    /// How far a fence is; a context that was destroyed meanwhile never completes anything.
    fn look(&self, h_context: u64, value: u64) -> Progress {
        let mut core = self.core.lock();
        match core.contexts.get(h_context).map(|(number, context)| (number, context.generation)) {
            Ok((number, generation)) => core.progress(&self.kernel, number, generation, value),
            Err(_) => Progress::Never(FaultKind::Context { code: error_code::NONE }),
        }
    }

    /// Puts the caller among the context's sleepers and asks for an interrupt.
    fn add_waiter(&self, h_context: u64, value: u64) -> Result<(K::Event, u64), Status> {
        let event = self.kernel.new_event()?;
        let mut core = self.core.lock();
        core.next_waiter += 1;
        let id = core.next_waiter;
        let (_, context) = core.contexts.get(h_context)?;
        if context.life == Life::Live {
            if context.waiters.len() >= MAX_WAITERS {
                return Err(Status::NoMemory);
            }
            context.waiters.try_reserve(1).map_err(|_| Status::NoMemory)?;
            context.waiters.push(Waiter { value, id, event: event.clone(), woken: false });
        }
        if core.arm(&self.kernel) {
            self.kernel.queue_dpc();
        }
        Ok((event, id))
    }
}
