//! Escapes that only tell: how the adapter is, how a context is, what the driver has traced; and the wish for a mode.

use core::sync::atomic::Ordering;

use bytemuck::{Zeroable, bytes_of};

use pvgpu_protocol::host_info::HostInfo;
use pvgpu_protocol::kernel_interface::{
    AdapterStatus, ContextState, ModeEntry, PrivateDataError, PrivateHeader, ReadTelemetry, SetMode,
    TELEMETRY_BATCH, adapter_state, context_life, counter, kind, mode_flag, removal,
};
use pvgpu_protocol::mode::DisplayMode;
use pvgpu_protocol::telemetry::TelemetryRecord;

use crate::adapter::Adapter;
use crate::context::Life;
use crate::core_state::Core;
use crate::kernel::{Kernel, SpinLock};
use crate::state::{AdapterState, Removal};
use crate::status::Status;

/// The state as an escape tells it: state, why it is removed, and what the reason says of itself.
fn state_words(state: AdapterState) -> (u32, u32, u64) {
    let name = match state {
        AdapterState::Stopped => adapter_state::STOPPED,
        AdapterState::Starting => adapter_state::STARTING,
        AdapterState::Running => adapter_state::RUNNING,
        AdapterState::Resetting => adapter_state::RESETTING,
        AdapterState::Removed(_) => adapter_state::REMOVED,
        AdapterState::Stopping => adapter_state::STOPPING,
    };
    let AdapterState::Removed(why) = state else { return (name, removal::NONE, 0) };
    let (why, detail) = match why {
        Removal::HostSaysGone { reason } => (removal::HOST_SAYS_GONE, reason),
        Removal::HeartbeatStopped => (removal::HEARTBEAT_STOPPED, 0),
        Removal::LinkBroken => (removal::LINK_BROKEN, 0),
        Removal::HostLies => (removal::HOST_LIES, 0),
        Removal::KernelRingError { code } => (removal::KERNEL_RING_ERROR, u64::from(code)),
        Removal::DeviceGone => (removal::DEVICE_GONE, 0),
        Removal::HostHangs => (removal::HOST_HANGS, 0),
    };
    (name, why, detail)
}

/// A mode with its flags.
fn entry(mode: DisplayMode, flags: u32) -> ModeEntry {
    let DisplayMode { width, height, refresh_millihertz } = mode;
    ModeEntry { width, height, refresh_millihertz, flags }
}

impl<K: Kernel> Adapter<K> {
    /// `ADAPTER_STATUS`: anybody may ask, at any time. `PASSIVE_LEVEL`.
    pub(crate) fn adapter_status(&self, data: &mut [u8]) -> Result<(), Status> {
        let size = size_of::<AdapterStatus>();
        let header = data.get(..size_of::<PrivateHeader>()).filter(|_| data.len() == size);
        let wrong = PrivateDataError::Size { expected: size, actual: data.len() };
        // The request says nothing but its header.
        bytemuck::pod_read_unaligned::<PrivateHeader>(header.ok_or(wrong)?).check(kind::ADAPTER_STATUS)?;
        let mut status: AdapterStatus = Zeroable::zeroed();
        status.header = PrivateHeader::new(kind::ADAPTER_STATUS);
        let now = self.kernel.time_ns();
        let mut core = self.core.lock();
        core.fill_status(&mut status, now);
        let interrupts = self.interrupts.load(Ordering::Relaxed);
        drop(core);
        if let Some(counter) = status.counters.get_mut(counter::INTERRUPTS) {
            *counter = interrupts;
        }
        data.copy_from_slice(bytes_of(&status));
        Ok(())
    }

    /// `SET_MODE`: the mode is offered and preferred from now on. `PASSIVE_LEVEL`.
    pub(crate) fn set_mode(&self, request: SetMode) -> Result<(), Status> {
        if request.reserved != 0 {
            let value = u64::from(request.reserved);
            return Err(Status::BadField { field: "reserved", value, rule: "it is zero" });
        }
        let SetMode { width, height, refresh_millihertz, .. } = request;
        self.request_mode(DisplayMode { width, height, refresh_millihertz })
    }

    /// `READ_TELEMETRY`: records from the caller's cursor on. Whoever may load drivers sees all of them, everybody else those of
    /// the caller's own process and those of no process. `PASSIVE_LEVEL`.
    pub(crate) fn read_telemetry(&self, data: &mut [u8]) -> Result<(), Status> {
        let wanted = ReadTelemetry::read_cursor(data)?;
        let all = self.kernel.is_privileged();
        let process = self.kernel.current_process();
        let (oldest, end) = {
            let core = self.core.lock();
            let tracer = &core.link.as_ref().ok_or(Status::DeviceRemoved)?.tracer;
            (tracer.oldest(), tracer.written())
        };
        // A cursor from an earlier start of the driver begins anew; one from the future waits.
        let first = if wanted == u64::MAX { end } else { wanted.min(end) };
        let mut cursor = first.max(oldest);
        let mut dropped = cursor - first;
        let mut count = 0;
        while cursor < end && count < TELEMETRY_BATCH {
            // Each one behind the lock, but written outside: the buffer may be paged out.
            let copy = self.core.lock().link.as_ref().and_then(|link| link.tracer.copy(cursor));
            match copy {
                Some(words) => {
                    let of = TelemetryRecord::from_words(words).process;
                    let place = ReadTelemetry::record_bytes(count).and_then(|bytes| data.get_mut(bytes));
                    if let Some(place) = place.filter(|_| all || of == process || of == 0) {
                        place.copy_from_slice(bytes_of(&words));
                        count += 1;
                    }
                }
                None => dropped += 1,
            }
            cursor += 1;
        }
        // CAST: at most TELEMETRY_BATCH.
        ReadTelemetry::write_head(data, cursor, dropped, count as u32);
        Ok(())
    }

    /// `CONTEXT_STATE`. `PASSIVE_LEVEL`.
    pub(crate) fn context_state(
        &self,
        h_context: u64,
        request: ContextState,
    ) -> Result<ContextState, Status> {
        let mut core = self.core.lock();
        let (linked, epoch) = (core.state.is_linked(), core.epoch);
        let (_, removal, _) = state_words(core.state);
        let (number, context) = core.contexts.get(h_context)?;
        let (life, error) = match context.life {
            Life::Poisoned { code } => (context_life::POISONED, code),
            _ if !linked => (context_life::REMOVED, 0),
            Life::Beginning | Life::Live | Life::Ending(_) => (context_life::LIVE, 0),
        };
        // The line of a context that an earlier host knew is another's now.
        let known = linked && context.epoch == epoch;
        let completed = if known { context.completed().unwrap_or(0) } else { 0 };
        let submitted = context.submitted;
        Ok(ContextState { context: number, life, error, removal, submitted, completed, ..request })
    }
}

impl<K: Kernel> Core<K> {
    fn fill_status(&mut self, status: &mut AdapterStatus, now: u64) {
        let (state, removal, removal_detail) = state_words(self.state);
        status.driver_version = self.settings.driver_version;
        (status.state, status.removal, status.removal_detail) = (state, removal, removal_detail);
        status.device = self.settings.device;
        status.link_attached = u32::from(self.service.is_some());
        status.log_level = u32::from(self.settings.log_level.to_wire());
        if self.state.is_started() {
            status.uptime_ns = now.saturating_sub(self.started_at);
        }
        status.counters = self.counters;
        // CAST: tables have at most a million entries, the queue fewer.
        status.devices = self.devices.len() as u32;
        status.allocations = self.allocations.len() as u32;
        status.in_flight = self.queue.len() as u32;
        status.contexts = self.contexts.iter_mut().filter(|(_, context)| !context.is_ending()).count() as u32;
        status.connected = u32::from(self.state.is_linked());
        self.fill_display_status(status);
        let free = self.heap.as_ref().map_or(0, crate::heap::Heap::free_bytes);
        let segment = self.segment_range().map_or(0, |segment| segment.length);
        let Some(link) = &self.link else { return };
        status.aperture_bytes = link.layout.sizes.aperture;
        status.heap_bytes = link.layout.heap_bytes();
        status.heap_used = status.heap_bytes.saturating_sub(free).saturating_sub(segment);
        if let Some(counter) = status.counters.get_mut(counter::TRACE_RECORDS) {
            *counter = link.tracer.written();
        }
        if let Ok(host) = HostInfo::access(&link.host.host_info) {
            status.abi_version = u32::from(link.host.abi_version);
            status.features = link.host.features;
            status.gpu_name = host.gpu_name;
            status.gpu_driver = host.driver;
        }
    }

    fn fill_display_status(&self, status: &mut AdapterStatus) {
        let source = &self.display.source;
        status.visible = u32::from(source.visible());
        if let Some(committed) = source.mode() {
            status.current = entry(committed.mode, 0);
        }
        let modes = self.display.modes();
        let (custom, preferred) = (modes.custom(), modes.preferred());
        for (place, mode) in status.modes.iter_mut().zip(modes.modes()) {
            let mut flags = if mode == preferred { mode_flag::PREFERRED } else { 0 };
            if custom == Some(mode) {
                flags |= mode_flag::CUSTOM;
            }
            *place = entry(mode, flags);
        }
    }
}
