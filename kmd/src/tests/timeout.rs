//! Timeouts: dxgkrnl gives up waiting, and the machine goes on.

use std::string::String;
use std::sync::atomic::Ordering;
use std::vec;
use std::vec::Vec;

use pvgpu_protocol::aperture::{Layout, fence_cell};

use super::fake::{Rig, SETTINGS, Seen, completed, rig, rig_with};
use super::presents::Buffers;
use super::standard::Desktop;
use crate::ddi::{AllocationListEntry, PresentKind};
use crate::{AdapterState, Removal, Settings, Status};

/// The host completes every fence of ring 0 while the driver sleeps.
fn while_asleep_ring_0_gets_on(rig: &Rig) {
    let line = Layout::fence_line(0).expect("ring 0");
    let cells = rig.host.cells.clone();
    let happen = move || {
        let completed = &cells[line + fence_cell::COMPLETED];
        completed.store(completed.load(Ordering::Relaxed) + 1, Ordering::Release);
    };
    *rig.adapter.kernel().while_asleep.lock().unwrap() = Some(std::boxed::Box::new(happen));
}

#[test]
fn a_timeout_poisons_what_was_in_flight() {
    let mut rig = rig();
    let (hung, fine) = (rig.context(), rig.context());
    rig.submit(fine, 1, 1);
    rig.submit(hung, 1, 2);
    rig.host.complete(fine.number, 1);
    assert_eq!(rig.interrupt(), [completed(1)]);
    while_asleep_ring_0_gets_on(&rig);
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

/// Nothing of ring 0 gets on: it is not a context that hangs.
#[test]
fn a_host_that_hangs_is_removed() {
    let mut rig = rig_with(Settings { segment_bytes: 8 << 20, ..SETTINGS });
    let context = rig.context();
    let desktop = Desktop::new(&rig, 64, 48);
    let kind = PresentKind::ColorFill { color: 0, destination_rect: [0, 0, 64, 48], sub_rects: &[] };
    let mut buffers = Buffers::new();
    let sides = (AllocationListEntry::default(), desktop.entry);
    buffers.present(&rig, desktop.h_context, kind, sides, &[], 0).expect("good");
    buffers.submit(&rig, 1);
    rig.submit(context, 1, 2);
    assert_eq!(rig.reports(), []);
    assert_eq!(rig.host.read().last(), Some(&Seen::Fence(1)));
    assert_eq!(rig.adapter.query_engine_status(0, 0), Ok(false));
    rig.adapter.reset_from_timeout().expect("running");
    let slept = rig.adapter.kernel().time_ns.load(Ordering::Relaxed);
    assert!((500_000_000..600_000_000).contains(&slept), "it had its time: {slept}");
    assert_eq!(rig.adapter.state(), AdapterState::Removed(Removal::HostHangs));
    rig.adapter.restart_from_timeout().expect("reset");
    assert_eq!(rig.adapter.query_current_fence(), 2, "dxgkrnl waits for none of it");
    assert_eq!(rig.reports(), Vec::new());
    // The machine lives: what needs no host still works.
    buffers.submit(&rig, 3);
    assert_eq!(rig.reports(), [completed(3)]);
    rig.adapter.stop_device().expect("removed");
}

#[test]
fn an_engine_that_gets_on_is_responsive() {
    let mut rig = rig();
    let context = rig.context();
    let responsive = |rig: &Rig| rig.adapter.query_engine_status(0, 0).expect("the engine");
    assert!(responsive(&rig), "idle");
    for value in 1..=3 {
        rig.submit(context, value, value as u32);
    }
    assert!(!responsive(&rig));
    rig.host.complete(context.number, 1);
    rig.interrupt();
    assert!(responsive(&rig), "one is done since");
    assert!(!responsive(&rig), "none is");
    assert!(rig.adapter.query_engine_status(1, 0).is_err());
    assert!(rig.adapter.query_engine_status(0, 1).is_err());
}

/// Only what executes is aborted: the scheduler submits the rest again.
#[test]
fn an_engine_reset_aborts_one() {
    let mut rig = rig();
    let (hung, fine) = (rig.context(), rig.context());
    rig.submit(fine, 1, u32::MAX);
    rig.host.complete(fine.number, 1);
    assert_eq!(rig.interrupt(), [completed(u32::MAX)]);
    while_asleep_ring_0_gets_on(&rig);
    assert_eq!(rig.adapter.reset_engine(0, 0), Ok(u32::MAX), "nothing executes");
    rig.submit(hung, 1, 0);
    let private = rig.render(fine.h_context, &rig.marker(fine, 2)).expect("good");
    rig.submit_private(&private, 1);
    assert!(rig.adapter.reset_engine(1, 0).is_err());
    assert_eq!(rig.adapter.reset_engine(0, 0), Ok(0), "ids wrap");
    assert_eq!(rig.adapter.state(), AdapterState::Running);
    assert_eq!(rig.adapter.query_current_fence(), 0);
    assert_eq!(rig.interrupt(), Vec::new());
    assert_eq!(rig.render(hung.h_context, &rig.marker(hung, 2)), Err(Status::DeviceRemoved));
    rig.submit_private(&private, 2);
    rig.host.complete(fine.number, 2);
    assert_eq!(rig.interrupt(), [completed(2)]);
}

/// A preemption request is no packet, and its id no submission's.
#[test]
fn an_engine_reset_does_not_abort_a_preemption() {
    let rig = rig();
    let context = rig.context();
    while_asleep_ring_0_gets_on(&rig);
    rig.adapter.preempt_command(1000);
    assert_eq!(rig.adapter.reset_engine(0, 0), Ok(0), "nothing was submitted");
    rig.adapter.preempt_command(1001);
    rig.submit(context, 1, 7);
    assert_eq!(rig.adapter.reset_engine(0, 0), Ok(7));
    assert_eq!(rig.adapter.query_current_fence(), 7);
    rig.adapter.reset_from_timeout().expect("running");
    rig.adapter.reset_from_timeout().expect("dxgkrnl may ask twice");
    rig.adapter.restart_from_timeout().expect("resetting");
}

#[test]
fn debug_information_is_text_that_fits() {
    let mut rig = rig();
    let context = rig.context();
    rig.submit(context, 3, 9);
    rig.host.poison(context.number, 7);
    let mut place = vec![0; 4096];
    let bytes = rig.adapter.collect_dbg_info(&mut place);
    let text = String::from_utf8(place[..bytes].to_vec()).expect("text");
    for line in
        ["pvgpu Running", "submitted 9, completed 0", "context 1: process 100, live, fence Some(0) of 3"]
    {
        assert!(text.contains(line), "{line:?} is in {text}");
    }
    for size in [0, 1, 10, 100] {
        let bytes = rig.adapter.collect_dbg_info(&mut place[..size]);
        assert_eq!((bytes, &place[..size]), (size, &text.as_bytes()[..size]));
    }
    rig.adapter.stop_device().expect("running");
    assert!(rig.adapter.collect_dbg_info(&mut place) > 20, "at any time");
}
