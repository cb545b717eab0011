//! Contexts: numbers, memory, owners.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::vec::Vec;

use pvgpu_protocol::aperture::{LINE_BYTES, Layout, PAGE_BYTES, RING_HEADER_BYTES, Sizes};
use pvgpu_protocol::kernel_interface::{PrivateDataError, WaitForFence};
use pvgpu_protocol::kernel_interface::{PrivateHeader, kind};
use pvgpu_protocol::limits::{MAX_CONTEXTS, MIN_APERTURE_BYTES};
use pvgpu_ring::positions;

use super::fake::{HEAP_BYTES, RING_BYTES, Rig, Seen, USER_BASE, context_data, rig, ring_region};
use crate::ddi::CreateContext;
use crate::{AdapterState, Handle, Removal, Status};

#[test]
fn the_host_learns_of_ring_and_heap() {
    let mut rig = rig();
    let context = rig.context();
    let layout = Layout::new(Sizes::with_aperture(MIN_APERTURE_BYTES)).expect("sizes");
    let ring = (0, RING_BYTES + PAGE_BYTES);
    let grant = (ring.1, HEAP_BYTES);
    let number = context.number;
    assert_eq!(
        rig.host.read(),
        [Seen::Create { context: number, ring, process: 100 }, Seen::Grant { context: number, range: grant }]
    );
    let map = context.map;
    assert_eq!(map.ring_address, USER_BASE + layout.heap_offset + PAGE_BYTES - RING_HEADER_BYTES);
    assert_eq!(map.ring_bytes, RING_BYTES);
    assert_eq!(map.fence_address, USER_BASE + PAGE_BYTES + u64::from(number) * LINE_BYTES);
    assert_eq!(map.heap_address, USER_BASE + layout.heap_offset + grant.0);
    assert_eq!((map.heap_offset, map.heap_bytes), grant);
    let region = pvgpu_protocol::aperture::RingRegion { offset: layout.heap_offset, capacity: RING_BYTES };
    let state = positions(&ring_region(&rig.host.cells, region)).expect("a ring");
    assert_eq!((state.tail, state.head), (0, 0));
}

#[test]
fn a_number_comes_back_after_the_host_has_ended_it() {
    let mut rig = rig();
    let before = rig.free_heap_bytes();
    let context = rig.context();
    rig.adapter.destroy_context(context.h_context).expect("live");
    assert_eq!(rig.adapter.destroy_context(context.h_context), Err(Status::BadHandle(Handle::Context)));
    assert_eq!(rig.adapter.kernel().mapped.load(Ordering::Relaxed), 0);
    assert!(rig.free_heap_bytes() < before, "the host may still use it");
    assert_eq!(rig.host.read().last(), Some(&Seen::Destroy(context.number)));
    rig.host.end(context.number);
    rig.interrupt();
    assert_eq!(rig.free_heap_bytes(), before);

    // All others first, then the number that ended comes again.
    let numbers: Vec<u32> = (1..MAX_CONTEXTS).map(|_| rig.context().number).collect();
    assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), numbers.len(), "each once");
    assert_eq!(numbers.last(), Some(&context.number));
    let h_device = rig.adapter.create_device().expect("running");
    assert_eq!(rig.try_context(h_device), Err(Status::TooManyContexts));
}

#[test]
fn a_line_that_was_not_zeroed_keeps_its_number() {
    let mut rig = rig();
    let context = rig.context();
    rig.submit(context, 5, 1);
    rig.host.complete(context.number, 5);
    rig.interrupt();
    rig.adapter.destroy_context(context.h_context).expect("live");
    rig.host.end_keeping_line(context.number);
    rig.interrupt();
    for _ in 1..MAX_CONTEXTS - 1 {
        assert_ne!(rig.context().number, context.number);
    }
    let h_device = rig.adapter.create_device().expect("running");
    assert_eq!(rig.try_context(h_device), Err(Status::TooManyContexts));
    rig.host.force_fence(context.number, 0);
    assert_eq!(rig.context().number, context.number);
}

#[test]
fn destroying_a_device_takes_its_contexts() {
    let mut rig = rig();
    let before = rig.free_heap_bytes();
    let first = rig.context();
    let second = rig.try_context(first.h_device).expect("room").h_context;
    let other = rig.context();
    rig.adapter.destroy_device(first.h_device).expect("live");
    for h_context in [first.h_context, second] {
        assert_eq!(rig.adapter.destroy_context(h_context), Err(Status::BadHandle(Handle::Context)));
    }
    assert_eq!(rig.adapter.destroy_device(first.h_device), Err(Status::BadHandle(Handle::Device)));
    rig.host.read();
    rig.host.end(1);
    rig.host.end(2);
    rig.interrupt();
    rig.adapter.destroy_context(other.h_context).expect("not touched");
    rig.host.end(other.number);
    rig.interrupt();
    assert_eq!(rig.free_heap_bytes(), before);
    assert_eq!(rig.adapter.state(), AdapterState::Running);
}

#[test]
fn what_user_mode_wishes_is_checked() {
    let rig = rig();
    let h_device = rig.adapter.create_device().expect("running");
    let create = |node_ordinal, bytes: &[u8]| {
        let args = CreateContext { node_ordinal, private_driver_data: bytes };
        rig.adapter.create_context(h_device, args).map(|info| info.h_context)
    };
    let good = context_data(RING_BYTES, HEAP_BYTES);
    let good = bytemuck::bytes_of(&good);
    let size = PrivateDataError::Size { expected: 24, actual: 23 };
    assert_eq!(create(0, &good[1..]), Err(Status::PrivateData(size)));
    assert!(matches!(create(1, good), Err(Status::BadField { field: "NodeOrdinal", value: 1, .. })));
    for ring_bytes in [0, 4096, RING_BYTES - 1, RING_BYTES * 3, 128 << 20, u64::MAX] {
        let data = context_data(ring_bytes, HEAP_BYTES);
        let error = create(0, bytemuck::bytes_of(&data));
        assert!(matches!(error, Err(Status::BadField { field: "ring_bytes", .. })), "{ring_bytes}");
    }
    let before = rig.free_heap_bytes();
    for heap_bytes in [0, MIN_APERTURE_BYTES, u64::MAX] {
        let data = context_data(RING_BYTES, heap_bytes);
        assert_eq!(create(0, bytemuck::bytes_of(&data)), Err(Status::HeapFull { bytes: heap_bytes }));
    }
    let wrong_device = CreateContext { node_ordinal: 0, private_driver_data: good };
    let error = rig.adapter.create_context(77, wrong_device).map(|_| ());
    assert_eq!(error, Err(Status::BadHandle(Handle::Device)));
    assert!(rig.free_heap_bytes() < before, "those the host knows of are still ending");
    assert_eq!(rig.adapter.kernel().mapped.load(Ordering::Relaxed), 0);
}

#[test]
fn another_process_is_nobody() {
    let rig = rig();
    let mine = rig.context();
    rig.adapter.kernel().process.store(200, Ordering::Relaxed);
    let theirs = rig.context();
    let mut wait =
        WaitForFence { header: PrivateHeader::new(kind::WAIT_FOR_FENCE), value: 0, timeout_ms: 0, result: 0 };
    let not_owner = |what| Err(Status::NotOwner(what));
    assert_eq!(rig.escape(mine.h_device, mine.h_context, &mut wait), not_owner(Handle::Device));
    assert_eq!(rig.escape(theirs.h_device, mine.h_context, &mut wait), not_owner(Handle::Context));
    assert_eq!(rig.try_context(mine.h_device).map(|_| ()), not_owner(Handle::Device));
    let stolen = rig.marker(mine, 1);
    assert_eq!(rig.render(theirs.h_context, &stolen), Err(Status::NotOwner(Handle::Context)));
}

#[test]
fn a_failed_mapping_leaves_nothing_behind() {
    let mut rig = rig();
    let before = rig.free_heap_bytes();
    let h_device = rig.adapter.create_device().expect("running");
    for maps in 0..3 {
        rig.adapter.kernel().maps_left.store(maps, Ordering::Relaxed);
        assert_eq!(rig.try_context(h_device), Err(Status::NoMemory), "{maps}");
        assert_eq!(rig.adapter.kernel().mapped.load(Ordering::Relaxed), 0, "{maps}");
        for seen in rig.host.read() {
            if let Seen::Destroy(context) = seen {
                rig.host.end(context);
            }
        }
        rig.interrupt();
        assert_eq!(rig.free_heap_bytes(), before, "{maps}");
    }
    rig.adapter.kernel().maps_left.store(-1, Ordering::Relaxed);
    assert!(rig.try_context(h_device).is_ok());
    assert_eq!(rig.adapter.state(), AdapterState::Running);
}

#[test]
fn an_unexpected_end_is_a_lie() {
    let mut rig = rig();
    let context = rig.context();
    rig.host.end_keeping_line(context.number);
    rig.interrupt();
    assert_eq!(rig.adapter.state(), AdapterState::Removed(Removal::HostLies));
}

#[test]
fn memory_that_is_coming_back_is_waited_for() {
    let Rig { adapter, mut host } = rig();
    let h_device = adapter.create_device().expect("running");
    let half = context_data(RING_BYTES, MIN_APERTURE_BYTES / 2);
    let create = || {
        let args = CreateContext { node_ordinal: 0, private_driver_data: bytemuck::bytes_of(&half) };
        adapter.create_context(h_device, args).map(|info| info.h_context)
    };
    let first = create().expect("half of it");
    assert_eq!(create(), Err(Status::HeapFull { bytes: MIN_APERTURE_BYTES / 2 }), "nothing is coming back");
    host.read();
    host.end(2);
    adapter.dpc_routine();
    adapter.destroy_context(first).expect("live");
    assert_eq!(create(), Err(Status::HeapFull { bytes: MIN_APERTURE_BYTES / 2 }), "it does not come in time");

    // While the driver sleeps, the host ends what it was asked to end, and the DPC hears of it.
    let adapter = std::sync::Arc::new(adapter);
    let asleep = adapter.clone();
    *adapter.kernel().while_asleep.lock().unwrap() = Some(std::boxed::Box::new(move || {
        for seen in host.read() {
            if let Seen::Destroy(number) = seen {
                host.end(number);
            }
        }
        asleep.dpc_routine();
    }));
    let args = CreateContext { node_ordinal: 0, private_driver_data: bytemuck::bytes_of(&half) };
    assert!(adapter.create_context(h_device, args).is_ok());
    *adapter.kernel().while_asleep.lock().unwrap() = None;
}
