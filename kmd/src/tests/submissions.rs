//! Submissions, interrupts, waits and gates.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};
use std::vec::Vec;

use pvgpu_protocol::event::error_code;
use pvgpu_protocol::kernel_interface::{
    FenceMarker, PrivateHeader, WaitForFence, context_life, kind, wait_result,
};

use super::fake::{Rig, Seen, TestContext, completed, rig};
use crate::{AdapterState, FaultKind, Handle, Notification, Status};

fn fault(faulted_fence_id: u32, code: u32) -> Notification {
    Notification::DmaFaulted { faulted_fence_id, kind: FaultKind::Context { code } }
}

#[test]
fn completions_come_in_order_of_submission() {
    let mut rig = rig();
    let (slow, fast) = (rig.context(), rig.context());
    rig.submit(slow, 1, 1);
    rig.submit(fast, 1, 2);
    rig.submit(slow, 2, 3);
    assert_eq!(rig.reports(), Vec::new());
    assert!(!rig.host.complete(fast.number, 1), "nobody asked: it is not the next to be reported");
    assert_eq!(rig.interrupt(), Vec::new());
    assert!(rig.host.complete(slow.number, 1), "this one was asked for");
    assert_eq!(rig.interrupt(), [completed(1), completed(2)]);
    assert_eq!(rig.adapter.query_current_fence(), 2);
    assert!(rig.host.complete(slow.number, 2), "and then the next");
    assert_eq!(rig.interrupt(), [completed(3)]);
    assert_eq!(rig.interrupt(), Vec::new());
    assert!(!rig.host.complete(slow.number, 3), "nothing is in flight");
    assert_eq!(rig.adapter.kernel().notified_dpcs.load(Ordering::Relaxed), 2);
}

#[test]
fn what_is_done_already_needs_no_interrupt() {
    let mut rig = rig();
    let context = rig.context();
    rig.host.complete(context.number, 7);
    rig.submit(context, 7, u32::MAX);
    rig.submit(context, 8, 0);
    assert_eq!(rig.reports(), [completed(u32::MAX)]);
    rig.host.complete(context.number, 8);
    assert_eq!(rig.interrupt(), [completed(0)]);
    assert_eq!(rig.adapter.query_current_fence(), 0, "dxgkrnl's numbers wrap");
}

#[test]
fn markers_are_checked() {
    let rig = rig();
    let (context, other) = (rig.context(), rig.context());
    let good = rig.marker(context, 5);
    let render = |marker: FenceMarker| rig.render(context.h_context, &marker).map(|_| ());
    assert_eq!(render(FenceMarker { context: other.number, ..good }), Err(Status::NotOwner(Handle::Context)));
    let frame = render(FenceMarker { frame: 3, ..good });
    assert!(matches!(frame, Err(Status::BadField { field: "frame", value: 3, .. })));
    for wrong in [FenceMarker { value: 0, ..good }, FenceMarker { position: 0, ..good }] {
        assert!(matches!(render(wrong), Err(Status::BadField { field: "value", .. })), "{wrong:?}");
    }
    render(good).expect("a good one");
    assert!(matches!(render(good), Err(Status::BadField { field: "value", .. })), "values rise");
    let mut private = [0; 128];
    let bytes = bytemuck::bytes_of(&good);
    assert!(matches!(
        rig.render_into(context.h_context, &bytes[..39], &mut private),
        Err(Status::PrivateData(_))
    ));
    let later = rig.marker(context, 6);
    let small = rig.render_into(context.h_context, bytemuck::bytes_of(&later), &mut private[..127]);
    assert_eq!(small, Err(Status::InsufficientDmaBuffer { needed: 128 }));
    assert!(rig.render(context.h_context, &later).is_ok(), "a refused one changes nothing");
    assert_eq!(rig.render(1, &later), Err(Status::BadHandle(Handle::Context)));
    let args = crate::ddi::SubmitCommand {
        dma_buffer_private_data: &[0; 8],
        submission_fence_id: 1,
        node_ordinal: 0,
    };
    rig.adapter.submit_command(args);
    let other_node = crate::ddi::SubmitCommand { dma_buffer_private_data: &[], node_ordinal: 1, ..args };
    rig.adapter.submit_command(crate::ddi::SubmitCommand { submission_fence_id: 2, ..other_node });
    assert_eq!(rig.reports(), [completed(1), completed(2)], "dxgkrnl answers a failure with a bug check");
}

#[test]
fn a_poisoned_context_faults_and_others_go_on() {
    let mut rig = rig();
    let (bad, good) = (rig.context(), rig.context());
    rig.submit(bad, 1, 1);
    rig.submit(good, 1, 2);
    rig.submit(bad, 2, 3);
    rig.host.complete(bad.number, 1);
    rig.host.poison(bad.number, error_code::BAD_SHADER);
    rig.host.complete(good.number, 1);
    assert_eq!(rig.interrupt(), [completed(1), completed(2), fault(3, error_code::BAD_SHADER)]);
    assert_eq!(rig.context_life(bad), (context_life::POISONED, error_code::BAD_SHADER));
    assert_eq!(rig.context_life(good), (context_life::LIVE, 0));
    assert_eq!(rig.render(bad.h_context, &rig.marker(bad, 3)), Err(Status::DeviceRemoved));
    rig.submit(good, 2, 4);
    rig.host.complete(good.number, 2);
    assert_eq!(rig.interrupt(), [completed(4)]);
    rig.adapter.destroy_context(bad.h_context).expect("poisoned ones end as others do");
}

#[test]
fn a_context_that_ends_takes_its_submissions() {
    let mut rig = rig();
    let context = rig.context();
    let private = rig.render(context.h_context, &rig.marker(context, 2)).expect("good");
    rig.submit_private(&private, 1);
    rig.adapter.destroy_context(context.h_context).expect("live");
    assert_eq!(rig.interrupt(), [fault(1, error_code::NONE)]);
    rig.submit_private(&private, 2);
    assert_eq!(rig.reports(), [fault(2, error_code::NONE)]);
    rig.host.end(context.number);
    rig.interrupt();
    // The number's next life is not the one that was waited for.
    let again = (1..64).map(|_| rig.context()).find(|next| next.number == context.number).expect("it comes");
    rig.host.complete(again.number, 9);
    rig.submit_private(&private, 3);
    assert_eq!(rig.reports(), [fault(3, error_code::NONE)]);
}

/// The host zeroes the line of a context that it ends before it says so: between the two nothing is amiss.
#[test]
fn a_line_that_is_zeroed_at_the_end_is_no_lie() {
    let mut rig = rig();
    let context = rig.context();
    rig.submit(context, 1, 1);
    rig.host.complete(context.number, 1);
    assert_eq!(rig.interrupt(), [completed(1)]);
    rig.submit(context, 2, 2);
    rig.adapter.destroy_context(context.h_context).expect("live");
    rig.host.force_fence(context.number, 0);
    assert_eq!(rig.interrupt(), [fault(2, error_code::NONE)]);
    assert_eq!(rig.adapter.state(), AdapterState::Running);
    rig.host.end(context.number);
    rig.interrupt();
    assert_eq!(rig.adapter.state(), AdapterState::Running);
}

#[test]
fn preemption_is_reported_behind_what_was_submitted() {
    let mut rig = rig();
    let context = rig.context();
    rig.submit(context, 1, 1);
    rig.adapter.preempt_command(50);
    assert_eq!(rig.reports(), Vec::new());
    rig.host.complete(context.number, 1);
    let preempted = Notification::DmaPreempted { preemption_fence_id: 50, last_completed_fence_id: 1 };
    assert_eq!(rig.interrupt(), [completed(1), preempted]);
}

/// More submissions than dxgkrnl ever has outstanding: those without room are reported with the last that had some.
#[test]
fn a_full_queue_still_takes_submissions() {
    let mut rig = rig();
    let (slow, gated) = (rig.context(), rig.context());
    rig.submit(slow, 1, 1);
    let private = rig.render(slow.h_context, &rig.marker(slow, 2)).expect("good");
    let gate = FenceMarker { gate: 3, ..rig.marker(gated, 1) };
    let gate = rig.render(gated.h_context, &gate).expect("good");
    for fence_id in 2..5000 {
        rig.submit_private(&private, fence_id);
    }
    rig.adapter.preempt_command(70);
    rig.host.read();
    rig.submit_private(&gate, 5000);
    rig.adapter.preempt_command(71);
    assert_eq!(rig.host.read(), [Seen::OpenGate { context: gated.number, number: 3 }]);
    assert_eq!(rig.reports(), []);
    rig.host.complete(slow.number, 2);
    let mut reports = rig.interrupt();
    let preempted = Notification::DmaPreempted { preemption_fence_id: 71, last_completed_fence_id: 5000 };
    assert_eq!(reports.split_off(reports.len() - 2), [completed(5000), preempted]);
    assert!(reports.into_iter().eq((1..4096).map(completed)));
    rig.submit_private(&private, 5001);
    assert_eq!(rig.reports(), [completed(5001)]);
}

#[test]
fn gates_open_when_dxgkrnl_submits() {
    let mut rig = rig();
    let context = rig.context();
    rig.host.read();
    let marker = FenceMarker { gate: 3, ..rig.marker(context, 1) };
    let private = rig.render(context.h_context, &marker).expect("good");
    assert_eq!(rig.host.read(), [], "not before");
    rig.submit_private(&private, 1);
    let opened = [Seen::OpenGate { context: context.number, number: 3 }];
    assert_eq!(rig.host.read(), opened);
    rig.submit_private(&private, 2);
    assert_eq!(rig.host.read(), [], "once");
}

#[test]
fn a_full_ring_0_opens_gates_later() {
    let mut rig = rig();
    let context = rig.context();
    rig.host.read();
    // 256 KiB of records of 24 bytes.
    for value in 1..=11_000 {
        let marker = FenceMarker { gate: value, ..rig.marker(context, value) };
        let private = rig.render(context.h_context, &marker).expect("good");
        rig.submit_private(&private, 1);
        rig.host.complete(context.number, value);
        rig.reports();
    }
    let seen = rig.host.read();
    assert!(seen.len() < 11_000, "the ring was full");
    rig.interrupt();
    let last = Seen::OpenGate { context: context.number, number: 11_000 };
    assert_eq!(rig.host.read(), [last], "opening a gate opens all below");
}

fn wait(rig: &Rig, context: TestContext, value: u64, timeout_ms: u32) -> u32 {
    let header = PrivateHeader::new(kind::WAIT_FOR_FENCE);
    let mut request = WaitForFence { header, value, timeout_ms, result: 0 };
    rig.escape(context.h_device, context.h_context, &mut request).expect("well-formed");
    request.result
}

#[test]
fn waits_end_by_fence_time_or_removal() {
    let mut rig = rig();
    let context = rig.context();
    assert_eq!(wait(&rig, context, 0, 0), wait_result::REACHED);
    assert_eq!(wait(&rig, context, 1, 0), wait_result::TIMEOUT);
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(20));
            rig.adapter.kernel().time_ns.fetch_add(1_000_000_000, Ordering::Relaxed);
        });
        let result = wait(&rig, context, 1, u32::MAX);
        assert_eq!(result, wait_result::TIMEOUT, "a process that ends must not wait for 49 days");
    });
    rig.host.complete(context.number, 1);
    assert_eq!(wait(&rig, context, 1, 0), wait_result::REACHED);

    let Rig { adapter, mut host } = rig;
    let shared = &*adapter;
    let start = Instant::now();
    thread::scope(|scope| {
        let sleep = |value| {
            scope.spawn(move || {
                let header = PrivateHeader::new(kind::WAIT_FOR_FENCE);
                let mut request = WaitForFence { header, value, timeout_ms: 60_000, result: 0 };
                let private_driver_data = bytemuck::bytes_of_mut(&mut request);
                let TestContext { h_device, h_context, .. } = context;
                let escape = crate::ddi::Escape { h_device, h_context, private_driver_data };
                shared.escape(escape).map(|()| request.result)
            })
        };
        let sleepers = || {
            let mut core = crate::kernel::SpinLock::lock(&shared.core);
            core.contexts.by_number(context.number).map_or(0, |context| context.waiters.len())
        };
        let wait_for_sleepers = |count| {
            while sleepers() != count {
                assert!(start.elapsed() < Duration::from_secs(20), "{count} sleepers");
                thread::sleep(Duration::from_millis(1));
            }
        };
        let (first, second) = (sleep(3), sleep(5));
        wait_for_sleepers(2);
        assert!(!host.complete(context.number, 2), "nobody waits for 2");
        assert!(host.complete(context.number, 3), "the lowest is asked for");
        shared.dpc_routine();
        assert_eq!(first.join().expect("no panic"), Ok(wait_result::REACHED));
        wait_for_sleepers(1);
        assert!(host.complete(context.number, 5), "then the next");
        shared.dpc_routine();
        assert_eq!(second.join().expect("no panic"), Ok(wait_result::REACHED));
        let third = sleep(6);
        wait_for_sleepers(1);
        host.poison(context.number, error_code::BAD_OBJECT);
        shared.dpc_routine();
        assert_eq!(third.join().expect("no panic"), Ok(wait_result::REMOVED));
        assert_eq!(sleepers(), 0);
    });
    assert!(start.elapsed() < Duration::from_secs(30));
}
