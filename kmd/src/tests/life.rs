//! Starting, stopping, and a host that goes.

use std::sync::atomic::Ordering;
use std::vec;
use std::vec::Vec;

use pvgpu_protocol::aperture::{guest_cell, host_cell, host_state, refusal};
use pvgpu_protocol::host_info::HostInfo;
use pvgpu_protocol::kernel_interface::{AdapterData, PrivateData};
use pvgpu_protocol::version::VersionRange;

use super::fake::{Answer, adapter, completed, rig};
use crate::ddi::QueryAdapterInfo;
use crate::{
    AdapterEvent, AdapterState, FaultKind, HOST_READY_TIMEOUT_MS, IllegalTransition, Notification, Removal,
    Status,
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
    assert_eq!((data.abi_version, data.features), (1, 1));
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
    rig.adapter.start_device().expect("again");
    assert!(rig.adapter.start_device().is_err(), "once at a time");
}

#[test]
fn a_host_that_does_not_answer_well_is_named() {
    let versions = VersionRange::OURS;
    for (answer, expect) in [
        (Answer::Unreachable, Status::HostUnreachable),
        (Answer::Silent, Status::HostSilent { waited_ms: HOST_READY_TIMEOUT_MS }),
        (Answer::Refuse(refusal::NO_DEVICE), Status::HostRefused { reason: refusal::NO_DEVICE, versions }),
        (Answer::State(host_state::GONE), Status::HostRefused { reason: 0, versions }),
        (Answer::State(77), Status::HostLies { rule: "the host's state is a known one", value: 77 }),
        (
            Answer::Version(0),
            Status::HostLies { rule: "the chosen version is one that we offered", value: 0 },
        ),
        (
            Answer::Version(u64::MAX),
            Status::HostLies { rule: "the chosen version is one that we offered", value: u64::MAX },
        ),
        (
            Answer::Features(1 << 40),
            Status::HostLies { rule: "only features that we offered are on", value: 1 << 40 },
        ),
        (
            Answer::InfoBytes(8),
            Status::HostLies { rule: "the host info has the size of this version", value: 8 },
        ),
    ] {
        let adapter = adapter();
        *adapter.kernel().answer.lock().unwrap() = answer;
        assert_eq!(adapter.start_device(), Err(expect), "{answer:?}");
        assert_eq!(adapter.state(), AdapterState::Stopped, "{answer:?}");
        *adapter.kernel().answer.lock().unwrap() = Answer::Ready;
        assert_eq!(adapter.start_device(), Ok(()), "a failed start leaves nothing behind");
    }
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
    assert_eq!(rig.adapter.query_context_error(context.h_context), Err(Status::DeviceRemoved));
    rig.adapter.destroy_context(context.h_context).expect("taking down still works");
    rig.adapter.destroy_device(context.h_device).expect("taking down still works");
    assert_eq!(rig.host.read().len(), 2, "nothing was said to a host that is gone");
    rig.adapter.stop_device().expect("removed");
    rig.adapter.start_device().expect("a new host");
}

#[test]
fn the_control_page_and_the_transport_tell_the_end() {
    let rig = rig();
    rig.host.set(host_cell::REASON, refusal::SHUTDOWN);
    rig.host.set(host_cell::STATE, host_state::GONE);
    rig.adapter.heartbeat();
    let why = Removal::HostSaysGone { reason: refusal::SHUTDOWN };
    assert_eq!(rig.adapter.state(), AdapterState::Removed(why));
    rig.adapter.link_broken();
    assert_eq!(rig.adapter.state(), AdapterState::Removed(why), "the first reason stays");

    let other = super::fake::rig();
    other.adapter.link_broken();
    assert_eq!(other.adapter.state(), AdapterState::Removed(Removal::LinkBroken));
    other.adapter.reset_from_timeout().expect("nothing to do");
    other.adapter.restart_from_timeout().expect("nothing to do");
}

#[test]
fn a_timeout_poisons_what_was_in_flight() {
    let mut rig = rig();
    let (hung, fine) = (rig.context(), rig.context());
    rig.submit(fine, 1, 1);
    rig.submit(hung, 1, 2);
    rig.host.complete(fine.number, 1);
    assert_eq!(rig.interrupt(), [completed(1)]);
    rig.adapter.reset_from_timeout().expect("running");
    assert_eq!(rig.adapter.state(), AdapterState::Resetting);
    let marker = rig.marker(fine, 2);
    assert_eq!(rig.render(fine.h_context, &marker), Err(Status::DeviceRemoved), "not before the restart");
    rig.adapter.restart_from_timeout().expect("resetting");
    assert!(rig.render(fine.h_context, &marker).is_ok());
    assert_eq!(rig.render(hung.h_context, &rig.marker(hung, 2)), Err(Status::DeviceRemoved));
    assert_eq!(rig.interrupt(), Vec::new(), "dxgkrnl hears no more of it");
    assert_eq!(rig.adapter.query_current_fence(), 2);
}
