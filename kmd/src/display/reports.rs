//! What dxgkrnl is told without asking: vertical blanks, and that the monitor came or went.

use core::sync::atomic::Ordering;

use pvgpu_protocol::kernel_interface::counter;
use pvgpu_protocol::telemetry::{Level, area, code};

use super::ddi::check_target;
use super::mode::TARGET_ID;
use super::state::Plug;
use super::vsync::ScanLine;
use crate::adapter::Adapter;
use crate::core_state::Core;
use crate::ddi::power::PowerState;
use crate::kernel::{Kernel, Notification, SpinLock};
use crate::status::Status;

impl<K: Kernel> Adapter<K> {
    /// `DxgkDdiGetScanLine`: computed from the time. IRQL ≤ `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// [`Status::BadField`] for a target that there is not.
    pub fn get_scan_line(&self, vid_pn_target_id: u32) -> Result<ScanLine, Status> {
        check_target(vid_pn_target_id)?;
        let now = self.kernel.time_ns();
        let core = self.core.lock();
        Ok(core.display.vsync.scan_line(&core.display.source.timing(), now))
    }

    /// `DxgkDdiControlInterrupt` for `DXGK_INTERRUPT_CRTC_VSYNC`: the timer runs only while dxgkrnl wants it and the device has
    /// power. IRQL ≤ `DISPATCH_LEVEL`.
    pub fn control_vsync(&self, enable: bool) {
        self.set_vsync(&mut self.core.lock(), enable);
    }

    /// The device has power again: its timer was stopped, and dxgkrnl does not say again that it wants the interrupt. IRQL ≤
    /// `DISPATCH_LEVEL`.
    pub(crate) fn resume_vsync(&self, core: &mut Core<K>) {
        if core.display.vsync.is_enabled() {
            self.set_vsync(core, true);
        }
    }

    /// Sets clock and timer, both behind the lock, so that they never differ.
    fn set_vsync(&self, core: &mut Core<K>, enable: bool) {
        let now = self.kernel.time_ns();
        let timing = core.display.source.timing();
        let due = core.display.vsync.enable(enable, &timing, now);
        self.kernel.set_vsync_timer(due.filter(|_| core.power == PowerState::On));
    }

    /// The timer of [`Kernel::set_vsync_timer`] expired: reports the blanking period that has begun and sets the timer for
    /// the next. dxgkrnl hears of the report from the driver's DPC, and from nowhere else (`DxgkCbNotifyDpc`).
    /// `DISPATCH_LEVEL`.
    pub fn vsync_timer(&self) {
        let now = self.kernel.time_ns();
        let (tick, physical_address) = {
            let mut core = self.core.lock();
            if !core.state.is_started() || core.power == PowerState::Off {
                return;
            }
            let timing = core.display.source.timing();
            let Some(tick) = core.display.vsync.tick(&timing, now) else { return };
            if tick.report && core.display.source.address().is_some() {
                core.count(counter::VSYNCS);
            }
            self.kernel.set_vsync_timer(Some(tick.next_in_ns));
            (tick, core.display.source.address())
        };
        if let Some(physical_address) = physical_address
            && tick.report
        {
            let vid_pn_target_id = TARGET_ID;
            self.kernel.notify_interrupt(Notification::CrtcVsync { vid_pn_target_id, physical_address });
            self.vsync_reported.store(true, Ordering::Release);
            self.kernel.queue_dpc();
        }
    }

    /// The display's part of the DPC: tells the host what a full ring 0 kept back, and dxgkrnl that the monitor came or
    /// went. `DISPATCH_LEVEL`.
    pub(crate) fn display_dpc(&self) {
        while let Some(plug) = self.next_plug() {
            if plug != Plug::In {
                self.kernel.indicate_child_status(TARGET_ID, false);
            }
            if plug != Plug::Out {
                self.kernel.indicate_child_status(TARGET_ID, true);
            }
            self.core.lock().display.plug_told();
        }
    }

    /// What [`Adapter::display_dpc`] has to tell dxgkrnl next, if anything.
    fn next_plug(&self) -> Option<Plug> {
        let mut core = self.core.lock();
        if !core.state.is_started() {
            return None;
        }
        self.show(&mut core);
        let connected = core.state.is_linked();
        let plug = core.display.take_plug(connected)?;
        let what = if plug == Plug::Out { code::MONITOR_DISCONNECTED } else { code::MONITOR_CONNECTED };
        core.trace(&self.kernel, Level::Info, (area::DISPLAY, what), 0, &[]);
        Some(plug)
    }
}
