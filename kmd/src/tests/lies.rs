//! A host that breaks the rules, and user mode that sends anything.

use std::sync::atomic::Ordering;
use std::vec::Vec;

use proptest::prelude::*;

use pvgpu_protocol::Command;
use pvgpu_protocol::aperture::{Layout, RING_HEADER_BYTES, fence_cell};
use pvgpu_protocol::event::{ContextError, error_code};
use pvgpu_protocol::kernel_interface::{MAGIC, PrivateHeader};

use super::fake::{Rig, TestContext, completed, rig};
use crate::ddi::{CreateContext, Escape};
use crate::{AdapterState, FaultKind, Notification, Removal, SpinLock};

const HOST_LIES: AdapterState = AdapterState::Removed(Removal::HostLies);

fn host_fault(faulted_fence_id: u32) -> Notification {
    Notification::DmaFaulted { faulted_fence_id, kind: FaultKind::Host }
}

#[test]
fn a_fence_that_goes_backwards_removes_the_adapter() {
    let mut rig = rig();
    let context = rig.context();
    rig.submit(context, 5, 1);
    rig.submit(context, 6, 2);
    rig.host.complete(context.number, 5);
    assert_eq!(rig.interrupt(), [completed(1)]);
    rig.host.force_fence(context.number, 4);
    assert_eq!(rig.interrupt(), [host_fault(2)]);
    assert_eq!(rig.adapter.state(), HOST_LIES);
}

#[test]
fn garbage_in_the_event_ring_removes_the_adapter() {
    let error = u32::from(ContextError::OPCODE);
    for (tag, payload) in [
        (0, &[][..]),
        (0x8003, &[0; 3]),
        (error, &[0; 2]),
        (error | 1 << 16, &[1, 1, 1]),
        // Context 64 does not exist.
        (error, &[64, 0, 0]),
        (error, &[u64::MAX; 3]),
    ] {
        let mut rig = rig();
        let context = rig.context();
        rig.submit(context, 1, 1);
        rig.host.raw_event(tag, payload);
        assert_eq!(rig.interrupt(), [host_fault(1)], "{tag:#x} {payload:?}");
        assert_eq!(rig.adapter.state(), HOST_LIES, "{tag:#x} {payload:?}");
    }
}

#[test]
fn corrupt_rings_remove_the_adapter() {
    let rig = rig();
    let layout = rig.adapter.core.lock().link.as_ref().expect("running").layout;
    let word = |ring: u64, offset: u64| (ring + offset) as usize / 8;
    // A record in the event ring that is longer than the ring.
    rig.host.set(word(layout.event.ring_offset(), RING_HEADER_BYTES), 1 << 30);
    rig.interrupt();
    assert_eq!(rig.adapter.state(), HOST_LIES);

    let rig = super::fake::rig();
    // Ring 0's head, ahead of its tail: noticed when the room that is known runs out.
    rig.host.set(word(layout.ring0.ring_offset(), 64), 1 << 40);
    let h_device = rig.adapter.create_device().expect("running");
    let made = (0..100_000).find(|_| match rig.try_context(h_device) {
        Ok(info) => rig.adapter.destroy_context(info.h_context).is_err(),
        Err(_) => true,
    });
    assert!(made.is_some());
    assert!(matches!(rig.adapter.state(), AdapterState::Running | AdapterState::Removed(Removal::HostLies)));
}

#[test]
fn errors_in_the_line_and_for_ring_0() {
    let mut rig = rig();
    let context = rig.context();
    rig.submit(context, 1, 1);
    let line = Layout::fence_line(context.number).expect("a context");
    rig.host.set(line + fence_cell::ERROR, u64::from(error_code::LIMIT));
    let kind = FaultKind::Context { code: error_code::LIMIT };
    assert_eq!(rig.interrupt(), [Notification::DmaFaulted { faulted_fence_id: 1, kind }]);
    assert_eq!(rig.adapter.state(), AdapterState::Running);
    // An error for a context that nobody has changes nothing; one for ring 0 is the end.
    rig.host.poison(60, error_code::LIMIT);
    rig.interrupt();
    assert_eq!(rig.adapter.state(), AdapterState::Running);
    rig.host.poison(0, error_code::MALFORMED);
    rig.interrupt();
    let why = Removal::KernelRingError { code: error_code::MALFORMED };
    assert_eq!(rig.adapter.state(), AdapterState::Removed(why));
}

/// Bytes that begin like private data of some kind, or like nothing.
fn private_data() -> impl Strategy<Value = Vec<u8>> {
    let body = || prop::collection::vec(any::<u8>(), 0..64);
    let like = (0u16..24, body()).prop_map(|(kind, body)| {
        let header = PrivateHeader { magic: MAGIC, version: 1, kind };
        [bytemuck::bytes_of(&header), &body].concat()
    });
    prop_oneof![body(), like]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever user mode sends, it gets an answer, and nothing of others changes.
    #[test]
    fn any_private_data_gets_an_answer(calls in prop::collection::vec((0u8..4, private_data()), 1..60)) {
        let rig: Rig = rig();
        let (context, other) = (rig.context(), rig.context());
        for (call, mut data) in calls {
            // A wait would be a wait: its time is cut short.
            if data.len() == 24 && data[6] == 19 {
                data[16..20].fill(0);
            }
            match call {
                0 => { let _ = rig.adapter.create_allocation(&data); }
                1 => {
                    let args = CreateContext { node_ordinal: 0, private_driver_data: &data };
                    let _ = rig.adapter.create_context(context.h_device, args);
                }
                2 => { let _ = rig.render_into(context.h_context, &data, &mut [0; 64]); }
                _ => {
                    let TestContext { h_device, h_context, .. } = context;
                    let _ = rig.adapter.escape(Escape { h_device, h_context, private_driver_data: &mut data });
                }
            }
        }
        prop_assert_eq!(rig.adapter.state(), AdapterState::Running);
        prop_assert!(rig.render(other.h_context, &rig.marker(other, 1)).is_ok());
        rig.adapter.kernel().dpc.store(true, Ordering::Relaxed);
        rig.reports();
    }

    /// Whatever the host writes into its own words, the guest survives it.
    #[test]
    fn any_word_of_the_host_is_survived(
        words in prop::collection::vec((0usize..6000, prop_oneof![any::<u64>(), 0u64..70]), 1..40),
    ) {
        let rig = rig();
        let (first, second) = (rig.context(), rig.context());
        rig.submit(first, 1, 1);
        rig.submit(second, 1, 2);
        for (cell, value) in words {
            rig.host.set(cell, value);
            rig.adapter.heartbeat();
            rig.interrupt();
            let _ = rig.try_context(first.h_device);
        }
        let _ = rig.adapter.destroy_device(first.h_device);
        prop_assert!(rig.adapter.stop_device().is_ok());
        prop_assert_eq!(rig.adapter.kernel().mapped.load(Ordering::Relaxed), 0);
    }
}
