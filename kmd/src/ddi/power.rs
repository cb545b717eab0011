//! `DxgkDdiSetPowerState`, and a device that is pulled out.

use pvgpu_protocol::telemetry::{Level, area, code};

use crate::adapter::Adapter;
use crate::bring_up::{hello_stands, host_end};
use crate::core_state::Core;
use crate::kernel::{Kernel, SpinLock};
use crate::link::Hello;
use crate::state::Removal;

/// The adapter's `DEVICE_POWER_STATE`, as far as it makes a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerState {
    /// `PowerDeviceD0`.
    On,
    /// `PowerDeviceD1` to `PowerDeviceD3`: nothing is submitted, and the aperture is left alone.
    Off,
}

impl<K: Kernel> Adapter<K> {
    /// `DxgkDdiSetPowerState` of the adapter. Contexts and heap stay where they are: the memory is the machine's own, or
    /// the virtual machine's, and sleeps with it. On waking, a host that is gone, or an aperture that was lost, shows at once.
    /// `PASSIVE_LEVEL`. Never fails, as dxgkrnl ignores failures when it powers down.
    pub fn set_power_state(&self, power: PowerState, power_action: u32) {
        let mut core = self.core.lock();
        if !core.state.is_started() || core.power == power {
            return;
        }
        let state = if power == PowerState::On { 1 } else { 4 };
        let what = (area::POWER, code::POWER_STATE);
        if power == PowerState::Off {
            core.trace(&self.kernel, Level::Info, what, 0, &[state, u64::from(power_action)]);
            core.power = power;
            return;
        }
        core.power = power;
        core.wake_up(&self.kernel);
        self.resume_vsync(&mut core);
        core.trace(&self.kernel, Level::Info, what, 0, &[state, u64::from(power_action)]);
        self.kernel.queue_dpc();
    }

    /// `DxgkDdiNotifySurpriseRemoval`: the device is gone, and with it its memory. From now on everything fails and nothing
    /// touches the aperture; what is mapped into processes they keep until they end. `PASSIVE_LEVEL`.
    pub fn surprise_removal(&self) {
        if !self.state().is_started() {
            return;
        }
        // First the link, so that the news does not go into the trace ring, which is in the aperture.
        self.drop_link();
        self.core.lock().host_gone(&self.kernel, Removal::DeviceGone);
        self.wait_for_paging();
    }
}

impl<K: Kernel> Core<K> {
    /// Looks at the host after the machine has slept.
    fn wake_up(&mut self, kernel: &K) {
        let linked = self.state.is_linked();
        let Some(link) = &mut self.link else { return };
        link.watch_from(kernel.time_ns());
        let lost = !matches!(link.hello, Hello::Withdrawn { .. }) && !hello_stands(&link.aperture);
        let end = host_end(&link.aperture).filter(|_| linked);
        if lost {
            self.host_gone(kernel, Removal::LinkBroken);
        } else if let Some(reason) = end {
            self.host_gone(kernel, Removal::HostSaysGone { reason });
        }
    }
}
