//! Starting, stopping, and a host that goes.

use std::sync::atomic::Ordering;
use std::vec;
use std::vec::Vec;

use pvgpu_protocol::aperture::{MAGIC, PAGE_BYTES, guest_cell, host_cell, host_state, refusal};
use pvgpu_protocol::event::error_code;
use pvgpu_protocol::host_info::HostInfo;
use pvgpu_protocol::kernel_interface::{
    AdapterData, PrivateData, PrivateHeader, WaitForFence, context_life, device_kind, kind, wait_result,
};
use pvgpu_protocol::version::ABI_VERSION;

use super::fake::{
    Answer, FakeHost, HEAP_BYTES, RING_BYTES, SETTINGS, Seen, adapter, completed, context_data, respond, rig,
    rig_with,
};
use crate::ddi::{CreateContext, QueryAdapterInfo};
use crate::{
    AdapterEvent, AdapterState, FaultKind, IllegalTransition, Notification, Removal, Settings, Status,
};

#[test]
fn starts_describes_itself_and_stops() {
    let rig = rig();
    assert_eq!(rig.adapter.state(), AdapterState::Running);
    let mut data = vec![0; size_of::<AdapterData>()];
    rig.adapter
        .query_adapter_info(QueryAdapterInfo::UmDriverPrivate { output_data: &mut data })
        .expect("running");
    let data = AdapterData::read(&data).expect("well-formed");
    assert_eq!((data.abi_version, data.features), (u64::from(ABI_VERSION), 1));
    HostInfo::access(&data.host_info).expect("checked");
    let wrong =
        rig.adapter.query_adapter_info(QueryAdapterInfo::UmDriverPrivate { output_data: &mut [0; 8] });
    assert!(matches!(wrong, Err(Status::BadField { field: "OutputDataSize", .. })));

    let context = rig.context();
    rig.adapter.stop_device().expect("running");
    assert_eq!(rig.adapter.state(), AdapterState::Stopped);
    assert_eq!(rig.adapter.kernel().mapped.load(Ordering::Relaxed), 0, "nothing stays mapped");
    assert!(rig.adapter.destroy_context(context.h_context).is_err(), "handles die with the start");
    let stopped = IllegalTransition { state: AdapterState::Stopped, event: AdapterEvent::Stop };
    assert_eq!(rig.adapter.stop_device(), Err(Status::State(stopped)));
    assert_eq!(rig.adapter.create_device(), Err(Status::DeviceRemoved));
    rig.adapter.start_device(SETTINGS, 0).expect("again");
    assert!(rig.adapter.start_device(SETTINGS, 0).is_err(), "once at a time");
}

#[test]
fn a_start_without_memory_leaves_nothing_behind() {
    let adapter = adapter();
    *adapter.kernel().answer.lock().unwrap() = Answer::Unreachable;
    assert_eq!(adapter.start_device(SETTINGS, 0), Err(Status::HostUnreachable));
    assert_eq!(adapter.state(), AdapterState::Stopped);
    *adapter.kernel().answer.lock().unwrap() = Answer::Ready;
    adapter.start_device(SETTINGS, 0).expect("there is a host");
    assert_eq!(adapter.state(), AdapterState::Running);
}

#[test]
fn a_host_may_come_late() {
    let adapter = adapter();
    *adapter.kernel().answer.lock().unwrap() = Answer::Silent;
    adapter.start_device(SETTINGS, 100).expect("a host is not needed");
    assert_eq!(adapter.kernel().time_ns.load(Ordering::Relaxed), 100_000_000, "it was waited for");
    assert_eq!(adapter.state(), AdapterState::Starting);
    assert_eq!(adapter.query_child_status(crate::display::TARGET_ID), Ok(false));
    let h_device = adapter.create_device().expect("devices need no host");
    let data = context_data(RING_BYTES, HEAP_BYTES);
    let args = CreateContext { node_ordinal: 0, private_driver_data: bytemuck::bytes_of(&data) };
    assert_eq!(adapter.create_context(h_device, args), Err(Status::NotReady));
    let mut data = vec![0; size_of::<AdapterData>()];
    let query = |data: &mut Vec<u8>| {
        adapter.query_adapter_info(QueryAdapterInfo::UmDriverPrivate { output_data: data })
    };
    assert_eq!(query(&mut data), Err(Status::NotReady));

    let cells = adapter.kernel().aperture.lock().unwrap().clone().expect("connected");
    adapter.heartbeat();
    assert_eq!(adapter.state(), AdapterState::Starting);
    assert!(adapter.kernel().connections.lock().unwrap().is_empty(), "no monitor without a host");
    respond(&cells, Answer::Ready);
    adapter.heartbeat();
    assert_eq!(adapter.state(), AdapterState::Running);
    assert!(adapter.kernel().dpc.swap(false, Ordering::Relaxed), "somebody must hear of it");
    adapter.dpc_routine();
    assert_eq!(*adapter.kernel().connections.lock().unwrap(), [true]);
    query(&mut data).expect("the host has described itself");
    adapter.create_context(h_device, args).expect("running");
    adapter.stop_device().expect("running");
}

#[test]
fn an_interrupt_tells_of_the_answer_too() {
    let adapter = adapter();
    *adapter.kernel().answer.lock().unwrap() = Answer::Silent;
    adapter.start_device(SETTINGS, 0).expect("a host is not needed");
    let cells = adapter.kernel().aperture.lock().unwrap().clone().expect("connected");
    respond(&cells, Answer::Ready);
    adapter.interrupt_routine();
    adapter.dpc_routine();
    assert_eq!(adapter.state(), AdapterState::Running);
    let other = super::fake::adapter();
    *other.kernel().answer.lock().unwrap() = Answer::Silent;
    other.start_device(SETTINGS, 0).expect("a host is not needed");
    other.stop_device().expect("nobody came");
}

#[test]
fn a_host_that_does_not_answer_well_is_named() {
    for (answer, expect) in [
        (Answer::Refuse(refusal::NO_DEVICE), Removal::HostSaysGone { reason: refusal::NO_DEVICE }),
        (Answer::State(host_state::GONE), Removal::HostSaysGone { reason: 0 }),
        (Answer::State(77), Removal::HostLies),
        (Answer::Version(0), Removal::HostLies),
        (Answer::Version(u64::MAX), Removal::HostLies),
        (Answer::Features(1 << 40), Removal::HostLies),
        (Answer::InfoBytes(8), Removal::HostLies),
    ] {
        let adapter = adapter();
        *adapter.kernel().answer.lock().unwrap() = answer;
        adapter.start_device(SETTINGS, 1000).expect("a host is not needed");
        assert_eq!(adapter.state(), AdapterState::Removed(expect), "{answer:?}");
        assert_eq!(adapter.kernel().time_ns.load(Ordering::Relaxed), 0, "nobody waits after an answer");
        let cells = adapter.kernel().aperture.lock().unwrap().clone().expect("connected");
        assert_eq!(cells[guest_cell::MAGIC].load(Ordering::Relaxed), 0, "the hello is taken back");
        adapter.stop_device().expect("started");
        *adapter.kernel().answer.lock().unwrap() = Answer::Ready;
        adapter.start_device(SETTINGS, 0).expect("stopped");
        assert_eq!(adapter.state(), AdapterState::Running);
    }
}

/// A PCI adapter finds its next host by itself: what the old one knew is lost, all else goes on.
#[test]
fn another_host_may_come() {
    let mut rig = rig_with(Settings { device: device_kind::PCI, ..SETTINGS });
    let (old, ending) = (rig.context(), rig.context());
    let free = rig.free_heap_bytes();
    rig.submit(old, 1, 1);
    rig.host.complete(old.number, 1);
    assert_eq!(rig.interrupt(), [completed(1)]);
    rig.submit(old, 2, 1);
    rig.adapter.destroy_context(ending.h_context).expect("live");
    rig.host.set(host_cell::STATE, host_state::GONE);
    rig.adapter.heartbeat();
    assert!(matches!(rig.adapter.state(), AdapterState::Removed(_)));
    assert_eq!(rig.host.cells[guest_cell::MAGIC].load(Ordering::Relaxed), 0);
    let fault = Notification::DmaFaulted { faulted_fence_id: 1, kind: FaultKind::Host };
    assert_eq!(rig.reports(), [fault]);
    let beat = |ms: u64| {
        rig.adapter.kernel().time_ns.fetch_add(ms * 1_000_000, Ordering::Relaxed);
        rig.adapter.heartbeat();
    };
    beat(1900);
    assert_eq!(rig.host.cells[guest_cell::MAGIC].load(Ordering::Relaxed), 0, "not yet");
    beat(200);
    assert_eq!(rig.host.cells[guest_cell::MAGIC].load(Ordering::Relaxed), MAGIC);
    beat(100);
    assert!(matches!(rig.adapter.state(), AdapterState::Removed(_)), "nobody has answered");
    let kept: u64 = RING_BYTES + PAGE_BYTES + HEAP_BYTES;
    assert_eq!(rig.free_heap_bytes(), free + kept, "what was ending has ended");

    // The new host zeroes the fence page and answers.
    rig.host.force_fence(old.number, 0);
    respond(&rig.host.cells.clone(), Answer::Ready);
    beat(100);
    assert_eq!(rig.adapter.state(), AdapterState::Running);
    rig.host = FakeHost::new(rig.host.cells.clone());
    assert_eq!(rig.context_life(old), (context_life::POISONED, error_code::DEVICE_LOST));
    let header = PrivateHeader::new(kind::WAIT_FOR_FENCE);
    let mut wait = WaitForFence { header, value: 1, timeout_ms: 1000, result: 0 };
    rig.escape(old.h_device, old.h_context, &mut wait).expect("well-formed");
    assert_eq!(wait.result, wait_result::REMOVED, "its fence line is nobody's now");
    let private = rig.render(old.h_context, &rig.marker(old, 3));
    assert_eq!(private, Err(Status::DeviceRemoved));
    let new = rig.context();
    assert_ne!(new.number, old.number);
    rig.adapter.destroy_context(old.h_context).expect("its memory comes back");
    let seen = rig.host.read();
    assert!(matches!(seen[..], [Seen::Create { .. }, Seen::Grant { .. }]), "nothing of the old: {seen:?}");
    rig.submit(new, 1, 2);
    rig.host.complete(new.number, 1);
    assert_eq!(rig.interrupt(), [completed(2)]);
    assert_eq!(rig.free_heap_bytes(), free + kept);
    rig.adapter.stop_device().expect("running");
    assert_eq!(rig.adapter.kernel().mapped.load(Ordering::Relaxed), 0);
}

#[test]
fn a_silent_heart_removes_everything() {
    let mut rig = rig();
    let context = rig.context();
    rig.submit(context, 1, 1);
    let beat = |ms: u64| {
        rig.adapter.kernel().time_ns.fetch_add(ms * 1_000_000, Ordering::Relaxed);
        rig.adapter.heartbeat();
    };
    for tick in 0..30 {
        rig.host.set(host_cell::HEARTBEAT, 10 + tick);
        beat(100);
        assert_eq!(rig.adapter.state(), AdapterState::Running);
    }
    assert_eq!(rig.host.cells[guest_cell::HEARTBEAT].load(Ordering::Relaxed), 31, "ours rises as well");
    (0..12).for_each(|_| beat(100));
    assert_eq!(rig.adapter.state(), AdapterState::Removed(Removal::HeartbeatStopped));
    let fault = Notification::DmaFaulted { faulted_fence_id: 1, kind: FaultKind::Host };
    assert_eq!(rig.reports(), [fault]);
    let marker = rig.marker(context, 2);
    assert_eq!(rig.render(context.h_context, &marker), Err(Status::DeviceRemoved));
    assert_eq!(rig.try_context(context.h_device), Err(Status::DeviceRemoved));
    assert_eq!(rig.context_life(context), (context_life::REMOVED, 0));
    rig.adapter.destroy_context(context.h_context).expect("taking down still works");
    rig.adapter.destroy_device(context.h_device).expect("taking down still works");
    assert_eq!(rig.host.read().len(), 2, "nothing was said to a host that is gone");
    rig.adapter.stop_device().expect("removed");
    rig.adapter.start_device(SETTINGS, 0).expect("a new host");
}

#[test]
fn the_control_page_and_the_transport_tell_the_end() {
    let rig = rig();
    rig.host.set(host_cell::REASON, refusal::SHUTDOWN);
    rig.host.set(host_cell::STATE, host_state::GONE);
    rig.adapter.heartbeat();
    let why = Removal::HostSaysGone { reason: refusal::SHUTDOWN };
    assert_eq!(rig.adapter.state(), AdapterState::Removed(why));
    rig.break_link();
    assert_eq!(rig.adapter.state(), AdapterState::Removed(why), "the first reason stays");

    let other = super::fake::rig();
    other.break_link();
    assert_eq!(other.adapter.state(), AdapterState::Removed(Removal::LinkBroken));
    other.adapter.reset_from_timeout().expect("nothing to do");
    other.adapter.restart_from_timeout().expect("nothing to do");
}
