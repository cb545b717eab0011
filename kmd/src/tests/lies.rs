//! A host that breaks the rules, and user mode that sends anything.

use std::sync::atomic::Ordering;
use std::vec::Vec;

use proptest::prelude::*;

use pvgpu_protocol::Command;
use pvgpu_protocol::aperture::{Layout, RING_HEADER_BYTES, fence_cell};
use pvgpu_protocol::event::{ContextError, error_code};
use pvgpu_protocol::kernel_interface::{INTERFACE_VERSION, MAGIC, PrivateHeader, kind};

use super::fake::{Rig, SETTINGS, Seen, TestContext, completed, rig, rig_with};
use super::presents::Buffers;
use crate::ddi::{AllocationListEntry, CreateContext, Escape, PresentKind};
use crate::{AdapterState, FaultKind, Notification, Removal, Settings, SpinLock};

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
        (0x8004, &[0; 3]),
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

/// The kinds of private data with their sizes in words, header included.
const KINDS: [(u16, usize); 18] = [
    (kind::CONTEXT, 3),
    (kind::ALLOCATION, 6),
    (kind::FENCE_MARKER, 5),
    (kind::STANDARD_ALLOCATION, 6),
    (kind::MAP_CONTEXT, 8),
    (kind::ALLOCATE_HEAP, 4),
    (kind::FREE_HEAP, 2),
    (kind::WAIT_FOR_FENCE, 3),
    (kind::TRACE, 6),
    (kind::DOORBELL, 1),
    (kind::CONTEXT_STATE, 5),
    (kind::ADAPTER_STATUS, 192),
    (kind::SET_MODE, 3),
    (kind::READ_TELEMETRY, 452),
    (kind::ATTACH_LINK, 4),
    (kind::LINK_UP, 1),
    (kind::LINK_KICK, 1),
    (kind::DETACH_LINK, 1),
];

/// A word as a program sends it, or as an attacker does.
fn word() -> impl Strategy<Value = u64> {
    prop_oneof![
        0u64..8,
        (0u64..64).prop_map(|pages| pages << 12),
        (0u64..64, 0u64..64).prop_map(|(high, low)| high << 32 | low),
        any::<u64>(),
        Just(u64::MAX),
    ]
}

/// Bytes that are private data of some kind but for their fields, or nearly, or nothing of the sort.
fn private_data() -> impl Strategy<Value = Vec<u8>> {
    let body = || prop::collection::vec(any::<u8>(), 0..64);
    let like = (0..KINDS.len(), prop::collection::vec(word(), 7)).prop_map(|(which, fields)| {
        let (kind, words) = KINDS[which];
        let header = PrivateHeader::new(kind);
        let fields: Vec<u64> = fields.into_iter().cycle().take(words - 1).collect();
        [bytemuck::bytes_of(&header), bytemuck::cast_slice(&fields)].concat()
    });
    let header = (0u16..60, body()).prop_map(|(kind, body)| {
        let header = PrivateHeader { magic: MAGIC, version: INTERFACE_VERSION, kind };
        [bytemuck::bytes_of(&header), &body].concat()
    });
    prop_oneof![4 => like, 1 => header, 1 => body()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever user mode sends, it gets an answer, and nothing of others changes.
    #[test]
    fn any_private_data_gets_an_answer(
        calls in prop::collection::vec((0u8..7, private_data(), word(), any::<bool>()), 1..60),
    ) {
        let mut rig: Rig = rig_with(Settings { segment_bytes: 8 << 20, ..SETTINGS });
        let (context, other) = (rig.context(), rig.context());
        let TestContext { h_device, h_context, .. } = context;
        let mut opened = Vec::new();
        for (call, mut data, number, bare) in calls {
            // A wait would be a wait: its time is cut short.
            if data.len() == 24 && data[6] == 19 {
                data[16..20].fill(0);
            }
            let of = |list: &Vec<u64>| {
                let index = usize::try_from(number % 64).expect("small");
                let h_device_specific_allocation = list.get(index).copied().unwrap_or(number);
                AllocationListEntry {
                    h_device_specific_allocation,
                    write_operation: true,
                    segment_id: u32::try_from(number % 3).expect("small"),
                    physical_address: number & !0xfff,
                }
            };
            match call {
                0 | 1 => {
                    if let Ok(info) = rig.adapter.create_allocation(&data) {
                        opened.extend(rig.adapter.open_allocation(h_device, info.h_allocation));
                    }
                }
                2 => {
                    let args = CreateContext { node_ordinal: 0, private_driver_data: &data };
                    let _ = rig.adapter.create_context(h_device, args);
                }
                3 => { let _ = rig.render_into(h_context, &data, &mut [0; 128]); }
                4 => {
                    let edges = bytemuck::pod_collect_to_vec::<u64, i32>(&[number, number >> 7]);
                    let rect = [edges[0], edges[1], edges[2], edges[3]];
                    let whole = [0, 0, 16, 8];
                    let kind = match number % 4 {
                        0 => PresentKind::Flip,
                        1 => PresentKind::ColorFill { color: 1, destination_rect: rect, sub_rects: &[whole] },
                        2 => PresentKind::Blt { source_rect: rect, destination_rect: whole, sub_rects: &[] },
                        _ => PresentKind::Blt { source_rect: whole, destination_rect: rect, sub_rects: &[rect] },
                    };
                    let mut buffers = Buffers::new();
                    let sides = (of(&opened), of(&opened));
                    let marker = if bare { &[][..] } else { &data };
                    if buffers.present(&rig, h_context, kind, sides, marker, 0).is_ok() {
                        buffers.submit(&rig, 1);
                        rig.reports();
                    }
                }
                _ => {
                    let (h_device, h_context) = if bare { (0, 0) } else { (h_device, h_context) };
                    let _ = rig.adapter.escape(Escape { h_device, h_context, private_driver_data: &mut data });
                }
            }
        }
        prop_assert_eq!(rig.adapter.state(), AdapterState::Running);
        prop_assert!(rig.render(other.h_context, &rig.marker(other, 1)).is_ok());
        rig.adapter.kernel().dpc.store(true, Ordering::Relaxed);
        rig.reports();
        let heap = rig.adapter.core.lock().link.as_ref().expect("running").layout.heap_bytes();
        for seen in rig.host.read() {
            // The host would remove the adapter for a copy or fill that leaves the heap.
            if let Seen::Blit { src, dst, .. } = seen {
                prop_assert!(src.max(dst) < heap);
            }
        }
        rig.adapter.destroy_device(h_device).expect("live");
        rig.adapter.destroy_device(other.h_device).expect("live");
        rig.adapter.stop_device().expect("running");
        prop_assert_eq!(rig.adapter.kernel().mapped.load(Ordering::Relaxed), 0);
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
