//! Heap ranges and the allocations that lie in them.

use std::boxed::Box;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use pvgpu_protocol::aperture::PAGE_BYTES;
use pvgpu_protocol::command::{
    CreateContext, DestroyContext, GrantHeap, HeapRange, OpenGate, RevokeHeap, SetPointerPosition,
};
use pvgpu_protocol::kernel_interface::{AllocateHeap, AllocationData, FreeHeap, PrivateHeader, kind};
use pvgpu_protocol::limits::MAX_SURFACE_PITCH;

use super::fake::{
    FakeHost, FakeKernel, HEAP_BYTES, RING_BYTES, Rig, SETTINGS, Seen, TestContext, adapter, rig,
};
use crate::ddi::{DescribeAllocation, Escape};
use crate::ring0::KernelCommand;
use crate::{Adapter, Handle, SpinLock, Status};

fn grow(rig: &Rig, context: TestContext, bytes: u64) -> Result<AllocateHeap, Status> {
    let header = PrivateHeader::new(kind::ALLOCATE_HEAP);
    let mut request = AllocateHeap { header, bytes, address: 0, offset: 0 };
    rig.escape(context.h_device, context.h_context, &mut request).map(|()| request)
}

fn shrink(rig: &Rig, context: TestContext, offset: u64) -> Result<(), Status> {
    let mut request = FreeHeap { header: PrivateHeader::new(kind::FREE_HEAP), offset };
    rig.escape(context.h_device, context.h_context, &mut request)
}

#[test]
fn ranges_come_and_go() {
    let mut rig = rig();
    let context = rig.context();
    rig.host.read();
    let before = rig.free_heap_bytes();
    let range = grow(&rig, context, 5000).expect("room");
    assert_eq!(range.bytes, 2 * PAGE_BYTES);
    let seen = (range.offset, range.bytes);
    assert_eq!(rig.host.read(), [Seen::Grant { context: context.number, range: seen }]);
    assert_eq!(range.address - range.offset, context.map.heap_address - context.map.heap_offset);
    assert!(matches!(shrink(&rig, context, range.offset + 8), Err(Status::BadField { field: "offset", .. })));
    let other = rig.context();
    assert!(shrink(&rig, other, range.offset).is_err(), "not theirs");
    shrink(&rig, context, range.offset).expect("mine");
    assert!(shrink(&rig, context, range.offset).is_err(), "once");
    let revoked = Seen::Revoke { context: context.number, range: seen };
    let told = rig.host.read();
    assert_eq!(told[told.len() - 2..], [revoked, Seen::Fence(1)]);
    rig.adapter.destroy_context(other.h_context).expect("live");
    rig.host.end(other.number);
    rig.interrupt();
    assert_eq!(rig.free_heap_bytes(), before - range.bytes, "the host may still be at it");
    rig.host.complete(0, 1);
    rig.adapter.heartbeat();
    assert_eq!(rig.free_heap_bytes(), before);
    // Whoever needs the memory waits for it.
    let large = grow(&rig, context, before).expect("all of it");
    shrink(&rig, context, large.offset).expect("mine");
    rig.host.read();
    assert_eq!(grow(&rig, context, before).map(|_| ()), Err(Status::HeapFull { bytes: before }));
    let line = pvgpu_protocol::aperture::Layout::fence_line(0).expect("ring 0");
    let cells = rig.host.cells.clone();
    let happen = move || cells[line].store(2, Ordering::Release);
    *rig.adapter.kernel().while_asleep.lock().unwrap() = Some(Box::new(happen));
    let again = grow(&rig, context, before).expect("while it waits, the host gets on");
    assert_eq!(again.offset, large.offset);
    // A range that is revoked goes with its context, whatever ring 0 says.
    shrink(&rig, context, again.offset).expect("mine");
    rig.adapter.destroy_context(context.h_context).expect("live");
    rig.host.end(context.number);
    rig.interrupt();
    assert!(rig.free_heap_bytes() > before);
    let context = rig.context();
    assert_eq!(grow(&rig, context, 1 << 40).map(|_| ()), Err(Status::HeapFull { bytes: 1 << 40 }));
}

/// What nobody's process has any more is free, and not before: not when the host ends the context while a thread of its
/// process is at unmapping one of its ranges, and not when the host cannot be told of a new one.
#[test]
fn a_range_is_not_free_before_it_is_unmapped() {
    let mut rig = rig();
    let (before, context) = (rig.free_heap_bytes(), rig.context());
    let range = grow(&rig, context, PAGE_BYTES).expect("room");
    rig.host.read();
    let Rig { adapter, host } = rig;
    let (adapter, host) = (Arc::new(adapter), Arc::new(Mutex::new(host)));
    let free =
        |adapter: &Adapter<FakeKernel>| adapter.core.lock().heap.as_ref().expect("running").free_bytes();
    let (other_thread, its_host) = (adapter.clone(), host.clone());
    let free_then = Arc::new(Mutex::new(0));
    let look = free_then.clone();
    *adapter.kernel().while_mapped.lock().unwrap() = Some(Box::new(move || {
        other_thread.destroy_context(context.h_context).expect("live");
        let mut host = its_host.lock().unwrap();
        assert_eq!(host.read(), [Seen::Destroy(context.number)]);
        host.end(context.number);
        other_thread.dpc_routine();
        *look.lock().unwrap() = free(&other_thread);
    }));
    let mut request = FreeHeap { header: PrivateHeader::new(kind::FREE_HEAP), offset: range.offset };
    let private_driver_data = bytemuck::bytes_of_mut(&mut request);
    let TestContext { h_device, h_context, .. } = context;
    let error = adapter.escape(Escape { h_device, h_context, private_driver_data });
    assert_eq!(error, Err(Status::BadHandle(Handle::Context)));
    assert_eq!(*free_then.lock().unwrap(), before - PAGE_BYTES, "the thread has not unmapped it yet");
    assert_eq!(free(&adapter), before);
    assert_eq!(host.lock().unwrap().read(), [], "the host does not know the context any more");

    let rig = self::rig();
    let context = rig.context();
    let before = rig.free_heap_bytes();
    fill_ring_0(&rig);
    let adapter = Arc::new(rig.adapter);
    let (other_thread, look) = (adapter.clone(), free_then.clone());
    *adapter.kernel().while_mapped.lock().unwrap() =
        Some(Box::new(move || *look.lock().unwrap() = free(&other_thread)));
    let error = adapter.grant_heap(context.h_context, PAGE_BYTES);
    assert_eq!(error, Err(Status::Ring0Full));
    assert_eq!(*free_then.lock().unwrap(), before - PAGE_BYTES, "it was still mapped");
    assert_eq!(free(&adapter), before);
}

fn fill_ring_0(rig: &Rig) {
    let mut core = rig.adapter.core.lock();
    let position = SetPointerPosition { source: 0, x: 0, y: 0, visible: 0 };
    let kernel = rig.adapter.kernel();
    while core.send(kernel, KernelCommand::SetPointerPosition(position)).is_ok() {}
}

/// Whatever ring 0 has no room for: the host never hears of it, or it hears of it later, and what both sides know agrees.
#[test]
fn a_full_ring_0_leaves_both_sides_agreed() {
    let mut rig = rig();
    let (context, ending) = (rig.context(), rig.context());
    let range = grow(&rig, context, PAGE_BYTES).expect("room");
    let (before, mapped) = (rig.free_heap_bytes(), rig.adapter.kernel().mapped.load(Ordering::Relaxed));
    rig.host.read();
    fill_ring_0(&rig);
    assert_eq!(grow(&rig, context, PAGE_BYTES).map(|_| ()), Err(Status::Ring0Full));
    assert_eq!(rig.try_context(context.h_device), Err(Status::Ring0Full));
    assert_eq!(rig.free_heap_bytes(), before, "the host was told nothing");
    assert_eq!(rig.adapter.kernel().mapped.load(Ordering::Relaxed), mapped);
    shrink(&rig, context, range.offset).expect("the process has it no more");
    assert!(shrink(&rig, context, range.offset).is_err(), "once");
    assert_eq!(rig.adapter.kernel().mapped.load(Ordering::Relaxed), mapped - 1);
    rig.adapter.destroy_context(ending.h_context).expect("live");
    assert_eq!(rig.free_heap_bytes(), before, "for the host both are still theirs");
    rig.host.read();
    rig.interrupt();
    assert_eq!(rig.host.read(), [Seen::Destroy(ending.number)]);
    rig.host.end(ending.number);
    rig.interrupt();
    let after = rig.free_heap_bytes();
    assert!(after > before);
    let again = grow(&rig, context, PAGE_BYTES).expect("room");
    assert_ne!(again.offset, range.offset, "the host knows that as the context's");
    rig.adapter.destroy_context(context.h_context).expect("live");
    let told = rig.host.read();
    let granted = Seen::Grant { context: context.number, range: (again.offset, PAGE_BYTES) };
    assert_eq!(told, [granted, Seen::Destroy(context.number)]);
    rig.host.end(context.number);
    rig.interrupt();
    let ring_and_heap = RING_BYTES + PAGE_BYTES + HEAP_BYTES;
    assert_eq!(rig.free_heap_bytes(), after + ring_and_heap + PAGE_BYTES);
}

/// The host would remove the adapter for a record about a context that it does not know.
#[test]
fn the_host_is_told_only_of_contexts_that_it_knows() {
    let mut rig = rig();
    let context = rig.context();
    rig.host.read();
    let range = HeapRange { offset: context.map.heap_offset, length: HEAP_BYTES };
    let about = |context: u32| {
        [
            KernelCommand::GrantHeap(GrantHeap { range, context, reserved: 0 }),
            KernelCommand::RevokeHeap(RevokeHeap { range, context, reserved: 0 }),
            KernelCommand::OpenGate(OpenGate { number: 1, context, reserved: 0 }),
            KernelCommand::DestroyContext(DestroyContext { context, reserved: 0 }),
        ]
    };
    let send = |rig: &Rig, command| rig.adapter.core.lock().send(rig.adapter.kernel(), command);
    for number in [context.number + 1, 0, 64] {
        for command in about(number) {
            assert_eq!(send(&rig, command), Err(Status::DeviceRemoved), "{command:?}");
        }
    }
    let create = CreateContext { ring: range, context: context.number, process: 1 };
    assert_eq!(send(&rig, KernelCommand::CreateContext(create)), Err(Status::DeviceRemoved), "it is there");
    let destroy = about(context.number)[3];
    assert_eq!(send(&rig, destroy), Err(Status::DeviceRemoved), "nobody has destroyed it");
    assert_eq!(rig.host.read(), []);
    rig.adapter.destroy_context(context.h_context).expect("live");
    assert_eq!(rig.host.read(), [Seen::Destroy(context.number)]);
    for command in about(context.number) {
        assert_eq!(send(&rig, command), Err(Status::DeviceRemoved), "{command:?}");
    }
    assert_eq!(rig.host.read(), []);
}

#[test]
fn memory_of_others_is_zeroed() {
    for dirty in [false, true] {
        let adapter = adapter();
        adapter.kernel().dirty.store(dirty, Ordering::Relaxed);
        adapter.start_device(SETTINGS, 0).expect("an honest host");
        let cells = adapter.kernel().aperture.lock().unwrap().clone().expect("connected");
        let mut rig = Rig { adapter: adapter.into(), host: FakeHost::new(cells.clone()) };
        let context = rig.context();
        let layout = pvgpu_protocol::aperture::Layout::new(pvgpu_protocol::aperture::Sizes::with_aperture(
            pvgpu_protocol::limits::MIN_APERTURE_BYTES,
        ))
        .expect("sizes");
        let cells_of = |range: AllocateHeap| {
            let first = ((layout.heap_offset + range.offset) / 8) as usize;
            &cells[first..first + (range.bytes / 8) as usize]
        };
        let first = grow(&rig, context, PAGE_BYTES).expect("room");
        assert!(cells_of(first).iter().all(|cell| cell.load(Ordering::Relaxed) == 0), "{dirty}");
        cells_of(first).iter().for_each(|cell| cell.store(9, Ordering::Relaxed));
        shrink(&rig, context, first.offset).expect("mine");
        rig.host.complete(0, 1);
        let again = grow(&rig, context, PAGE_BYTES).expect("room");
        assert_eq!(again.offset, first.offset);
        assert!(cells_of(again).iter().all(|cell| cell.load(Ordering::Relaxed) == 0), "{dirty}");
    }
}

fn allocation(context: TestContext) -> AllocationData {
    AllocationData {
        header: PrivateHeader::new(kind::ALLOCATION),
        context: context.number,
        resource: 3,
        width: 16,
        height: 8,
        format: 87,
        row_pitch: 64,
        frames_offset: context.map.heap_offset + 64,
        frame_bytes: 512,
    }
}

#[test]
fn allocations_lie_in_their_context() {
    let rig = rig();
    let (context, other) = (rig.context(), rig.context());
    let good = allocation(context);
    let create = |data: AllocationData| rig.adapter.create_allocation(bytemuck::bytes_of(&data));
    let end = context.map.heap_offset + HEAP_BYTES;
    for (field, wrong) in [
        ("width", AllocationData { width: 0, ..good }),
        ("height", AllocationData { height: 16385, ..good }),
        ("format", AllocationData { format: 0, ..good }),
        ("row_pitch", AllocationData { row_pitch: 60, ..good }),
        ("row_pitch", AllocationData { row_pitch: 66, ..good }),
        ("row_pitch", AllocationData { width: 16384, row_pitch: 0, ..good }),
        ("frame_bytes", AllocationData { frame_bytes: 504, ..good }),
        ("frame_bytes", AllocationData { row_pitch: MAX_SURFACE_PITCH, ..good }),
        (
            "row_pitch",
            AllocationData { height: 1, row_pitch: MAX_SURFACE_PITCH + 4, frame_bytes: 2 << 20, ..good },
        ),
        ("row_pitch", AllocationData { row_pitch: u32::MAX - 3, ..good }),
        ("frames_offset", AllocationData { frames_offset: good.frames_offset + 4, ..good }),
        ("frames_offset", AllocationData { frames_offset: end - 3 * 512 + 8, ..good }),
        ("frames_offset", AllocationData { frames_offset: other.map.heap_offset, ..good }),
        ("frames_offset", AllocationData { frames_offset: u64::MAX - 7, ..good }),
        ("frames_offset", AllocationData { frame_bytes: u64::MAX - 7, ..good }),
    ] {
        match create(wrong) {
            Err(Status::BadField { field: got, .. }) => assert_eq!(got, field, "{wrong:?}"),
            got => panic!("{wrong:?}: {got:?}"),
        }
    }
    for number in [0, 60, 64, u32::MAX] {
        let nobody = AllocationData { context: number, ..good };
        assert_eq!(create(nobody), Err(Status::BadHandle(Handle::Context)), "{number}");
    }
    rig.adapter.kernel().process.store(200, Ordering::Relaxed);
    assert_eq!(create(good), Err(Status::NotOwner(Handle::Device)));
    rig.adapter.kernel().process.store(100, Ordering::Relaxed);

    let info = create(good).expect("a good one");
    assert_eq!((info.size, info.cpu_visible), (PAGE_BYTES, false), "the memory manager keeps a page for it");
    assert_eq!(
        rig.adapter.describe_allocation(info.h_allocation),
        Ok(DescribeAllocation {
            width: 16,
            height: 8,
            format: 87,
            refresh_millihertz: 0,
            vid_pn_source_id: 0
        })
    );
    assert!(shrink(&rig, context, context.map.heap_offset).is_err(), "frames lie there");
    let opened = rig.adapter.open_allocation(context.h_device, info.h_allocation).expect("mine");
    let (range, pitch) = rig.frame(info.h_allocation, 2).expect("the last one");
    assert_eq!((range.offset, range.length, pitch), (good.frames_offset + 2 * 512, 512, 64));
    assert!(rig.frame(info.h_allocation, 3).is_err());
    rig.adapter.close_allocation(opened).expect("open");
    assert_eq!(rig.adapter.close_allocation(opened), Err(Status::BadHandle(Handle::Allocation)));
    rig.adapter.destroy_allocation(info.h_allocation).expect("there");
    assert_eq!(rig.adapter.destroy_allocation(info.h_allocation), Err(Status::BadHandle(Handle::Allocation)));
    shrink(&rig, context, context.map.heap_offset).expect("no frames any more");
}
