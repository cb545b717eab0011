//! Sleep, wake, and a device that is pulled out.

use std::sync::atomic::Ordering;

use pvgpu_protocol::aperture::{guest_cell, host_cell, host_state, refusal};

use super::fake::{Cells, completed, rig};
use crate::ddi::PowerState;
use crate::{AdapterState, FaultKind, Notification, Removal, Status};

const HOUR_NS: u64 = 3600 * 1_000_000_000;

#[test]
fn contexts_survive_a_sleep() {
    let mut rig = rig();
    let context = rig.context();
    rig.adapter.set_power_state(PowerState::Off, 2);
    let beats = rig.host.cells[guest_cell::HEARTBEAT].load(Ordering::Relaxed);
    rig.adapter.kernel().time_ns.fetch_add(HOUR_NS, Ordering::Relaxed);
    rig.adapter.heartbeat();
    assert_eq!(rig.host.cells[guest_cell::HEARTBEAT].load(Ordering::Relaxed), beats, "left alone");
    assert_eq!(rig.render(context.h_context, &rig.marker(context, 1)), Err(Status::NotReady));
    assert_eq!(rig.try_context(context.h_device), Err(Status::NotReady));
    rig.adapter.set_power_state(PowerState::On, 2);
    rig.adapter.heartbeat();
    assert_eq!(rig.adapter.state(), AdapterState::Running, "an hour without heartbeats is nobody's fault");
    rig.submit(context, 1, 1);
    rig.host.complete(context.number, 1);
    assert_eq!(rig.interrupt(), [completed(1)]);
}

#[test]
fn a_host_that_did_not_wake_up_shows() {
    let rig = rig();
    rig.adapter.set_power_state(PowerState::Off, 2);
    rig.host.set(host_cell::REASON, refusal::SHUTDOWN);
    rig.host.set(host_cell::STATE, host_state::GONE);
    rig.adapter.set_power_state(PowerState::On, 2);
    let why = Removal::HostSaysGone { reason: refusal::SHUTDOWN };
    assert_eq!(rig.adapter.state(), AdapterState::Removed(why));

    // A machine that slept on its disk finds the device's memory empty.
    let other = super::fake::rig();
    other.adapter.set_power_state(PowerState::Off, 3);
    other.host.cells.iter().take(8).for_each(|cell| cell.store(0, Ordering::Relaxed));
    other.adapter.set_power_state(PowerState::On, 3);
    assert_eq!(other.adapter.state(), AdapterState::Removed(Removal::LinkBroken));
}

/// Sums every word, so that any write shows.
fn sum(cells: &Cells) -> u64 {
    cells.iter().fold(0, |sum, cell| sum.wrapping_mul(31).wrapping_add(cell.load(Ordering::Relaxed)))
}

#[test]
fn a_device_that_is_gone_is_not_touched() {
    let rig = rig();
    let context = rig.context();
    rig.submit(context, 1, 1);
    rig.adapter.surprise_removal();
    assert_eq!(rig.adapter.state(), AdapterState::Removed(Removal::DeviceGone));
    let before = sum(&rig.host.cells);
    let fault = Notification::DmaFaulted { faulted_fence_id: 1, kind: FaultKind::Host };
    assert_eq!(rig.interrupt(), [fault]);
    for _ in 0..50 {
        rig.adapter.kernel().time_ns.fetch_add(100_000_000, Ordering::Relaxed);
        rig.adapter.heartbeat();
    }
    rig.break_link();
    assert_eq!(rig.adapter.state(), AdapterState::Removed(Removal::DeviceGone), "the first word on it");
    assert_eq!(rig.render(context.h_context, &rig.marker(context, 2)), Err(Status::DeviceRemoved));
    assert_eq!(rig.try_context(context.h_device), Err(Status::DeviceRemoved));
    assert!(rig.adapter.segment().is_err());
    rig.adapter.reset_from_timeout().expect("nothing to do");
    rig.adapter.restart_from_timeout().expect("nothing to do");
    rig.adapter.set_power_state(PowerState::Off, 0);
    rig.adapter.set_power_state(PowerState::On, 0);
    rig.adapter.destroy_context(context.h_context).expect("taking down still works");
    rig.adapter.destroy_device(context.h_device).expect("taking down still works");
    rig.adapter.stop_device().expect("started");
    assert_eq!(sum(&rig.host.cells), before, "not one word was written");
    assert_eq!(rig.adapter.kernel().mapped.load(Ordering::Relaxed), 0);
    rig.adapter.surprise_removal();
    assert_eq!(rig.adapter.state(), AdapterState::Stopped, "it comes too late to matter");
}
