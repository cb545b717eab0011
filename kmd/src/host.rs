//! Hosts that come and go, as the core sees them: the answer to the hello, heartbeats, the end, and the next hello.

use pvgpu_protocol::aperture::{guest_cell, host_cell};
use pvgpu_protocol::event::error_code;
use pvgpu_protocol::kernel_interface::device_kind;
use pvgpu_protocol::limits::MAX_CONTEXTS;
use pvgpu_protocol::telemetry::{Level, area, code};

use crate::bring_up::{host_end, load, read_answer, store};
use crate::context::{Context, End, Life};
use crate::core_state::Core;
use crate::ddi::power::PowerState;
use crate::kernel::Kernel;
use crate::link::{Hello, Link, QUIET_NS};
use crate::state::{AdapterEvent, AdapterState, Removal};
use crate::status::Status;

/// Shows whoever looks that this side lives.
fn beat<K: Kernel>(link: &Link<K>) {
    let beat = load(&link.aperture, guest_cell::HEARTBEAT).wrapping_add(1);
    store(&link.aperture, guest_cell::HEARTBEAT, beat);
}

impl<K: Kernel> Core<K> {
    /// The host is gone: nothing completes any more, everybody who waits is told.
    pub(crate) fn host_gone(&mut self, kernel: &K, why: Removal) {
        let was_waiting = self.state == AdapterState::Starting || self.state.is_linked();
        if let Ok(state) = self.state.next(AdapterEvent::HostGone(why)) {
            self.state = state;
        }
        if !was_waiting {
            return;
        }
        let reason = match why {
            Removal::HostSaysGone { reason } => reason,
            _ => 0,
        };
        self.trace(kernel, Level::Error, (area::ADAPTER, code::HOST_GONE), 0, &[reason]);
        self.display.host_gone();
        if let Some(link) = &mut self.link {
            link.withdraw(kernel.time_ns());
        }
        for (_, context) in self.contexts.iter_mut() {
            context.wake_all();
        }
        kernel.queue_dpc();
    }

    /// Says hello anew after a host is gone. What the old one knew is lost: its contexts stay poisoned until they are
    /// destroyed, and those that it was to end have ended. Allocates nothing.
    pub(crate) fn begin_again(&mut self, kernel: &K) {
        for number in 0..MAX_CONTEXTS {
            match self.contexts.by_number(number).map(|context| (context.life, context)) {
                Some((Life::Ending(End::Unasked | End::Asked), _)) => self.forget_context(number),
                Some((Life::Live, context)) => {
                    context.life = Life::Poisoned { code: error_code::DEVICE_LOST };
                }
                // One that is being unmapped is forgotten after that: its epoch says that no host knows it.
                Some((Life::Beginning | Life::Poisoned { .. } | Life::Ending(End::Unmapping), _)) | None => {}
            }
        }
        self.epoch += 1;
        if let Some(link) = &mut self.link
            && link.begin_again(kernel).is_err()
        {
            // Not reached: the memory has the size that it had. The hello would be tried again.
            link.withdraw(kernel.time_ns());
        }
    }

    /// Looks whether a host has answered the hello, and takes its answer. True when it has, well or not.
    pub(crate) fn take_answer(&mut self, kernel: &K) -> bool {
        let Some(link) = self.link.as_mut().filter(|link| link.hello == Hello::Stands) else { return false };
        let why = match read_answer(&link.aperture, &mut link.host) {
            Ok(false) => return false,
            Ok(true) if kernel.host_ready().is_err() => Removal::LinkBroken,
            Ok(true) => {
                link.hello = Hello::Answered;
                link.watch_from(kernel.time_ns());
                let args = [link.layout.sizes.aperture, u64::from(link.host.abi_version), link.host.features];
                if let Ok(state) = self.state.next(AdapterEvent::HostReady) {
                    self.state = state;
                }
                self.trace(kernel, Level::Info, (area::ADAPTER, code::ADAPTER_STARTED), 0, &args);
                kernel.queue_dpc();
                return true;
            }
            Err(Status::HostRefused { reason, .. }) => Removal::HostSaysGone { reason },
            Err(_) => Removal::HostLies,
        };
        // `HostGone` does not touch a state that is `Removed` already; the newer reason is the better one to know.
        if matches!(self.state, AdapterState::Removed(_)) {
            self.state = AdapterState::Removed(why);
            if let Some(link) = &mut self.link {
                link.withdraw(kernel.time_ns());
            }
        }
        self.host_gone(kernel, why);
        true
    }

    /// One look at both heartbeats, or for a host; true when there is something for a DPC to do.
    pub(crate) fn heartbeat(&mut self, kernel: &K) -> bool {
        if self.power == PowerState::Off {
            return false;
        }
        let idle = self.queue.is_empty();
        if !self.state.is_linked() {
            return self.await_host(kernel) || !idle;
        }
        let Some(link) = &mut self.link else { return !idle };
        beat(link);
        if let Some(reason) = host_end(&link.aperture) {
            self.host_gone(kernel, Removal::HostSaysGone { reason });
            return true;
        }
        if !link.watch.look(load(&link.aperture, host_cell::HEARTBEAT), kernel.time_ns()) {
            self.host_gone(kernel, Removal::HeartbeatStopped);
            return true;
        }
        self.flush_display(kernel);
        let unfinished =
            |context: &Context<K>| !context.waiters.is_empty() || context.life == Life::Ending(End::Unasked);
        let revoking = self.free_revoked(kernel);
        !idle || revoking || self.contexts.iter_mut().any(|(_, context)| unfinished(context))
    }

    /// What the heartbeat does while there is no host: true when one has answered.
    fn await_host(&mut self, kernel: &K) -> bool {
        let own_host = self.settings.device == device_kind::PCI;
        let now = kernel.time_ns();
        let Some(link) = self.link.as_mut().filter(|_| self.state.is_started()) else { return false };
        match link.hello {
            Hello::Stands => {
                beat(link);
                self.take_answer(kernel)
            }
            // What was submitted before must be reported as lost before another host's fences are looked at.
            Hello::Withdrawn { at }
                if own_host && now.saturating_sub(at) >= QUIET_NS && self.queue.is_empty() =>
            {
                self.begin_again(kernel);
                false
            }
            Hello::Withdrawn { .. } | Hello::Answered => false,
        }
    }
}
