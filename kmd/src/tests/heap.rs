//! Heap ranges and the allocations that lie in them.

use std::sync::atomic::Ordering;

use pvgpu_protocol::aperture::PAGE_BYTES;
use pvgpu_protocol::kernel_interface::{AllocateHeap, AllocationData, FreeHeap, PrivateHeader, kind};

use super::fake::{FakeHost, HEAP_BYTES, Rig, Seen, TestContext, adapter, rig};
use crate::ddi::{AllocationListEntry, DescribeAllocation, PatchLocation, Present};
use crate::{Handle, Status};

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
    assert_eq!(rig.host.read().last(), Some(&Seen::Revoke { context: context.number, range: seen }));
    rig.adapter.destroy_context(other.h_context).expect("live");
    rig.host.end(other.number);
    rig.interrupt();
    assert_eq!(rig.free_heap_bytes(), before);
    assert_eq!(grow(&rig, context, 1 << 40).map(|_| ()), Err(Status::HeapFull { bytes: 1 << 40 }));
}

#[test]
fn memory_of_others_is_zeroed() {
    for dirty in [false, true] {
        let adapter = adapter();
        adapter.kernel().dirty.store(dirty, Ordering::Relaxed);
        adapter.start_device().expect("an honest host");
        let cells = adapter.kernel().aperture.lock().unwrap().clone().expect("connected");
        let rig = Rig { adapter: adapter.into(), host: FakeHost::new(cells) };
        let context = rig.context();
        let layout = pvgpu_protocol::aperture::Layout::new(pvgpu_protocol::aperture::Sizes::with_aperture(
            pvgpu_protocol::limits::MIN_APERTURE_BYTES,
        ))
        .expect("sizes");
        let cells_of = |range: AllocateHeap| {
            let first = ((layout.heap_offset + range.offset) / 8) as usize;
            &rig.host.cells[first..first + (range.bytes / 8) as usize]
        };
        let first = grow(&rig, context, PAGE_BYTES).expect("room");
        assert!(cells_of(first).iter().all(|cell| cell.load(Ordering::Relaxed) == 0), "{dirty}");
        cells_of(first).iter().for_each(|cell| cell.store(9, Ordering::Relaxed));
        shrink(&rig, context, first.offset).expect("mine");
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
        ("frame_bytes", AllocationData { row_pitch: u32::MAX - 3, ..good }),
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
    assert_eq!(info.size, 3 * 512);
    assert_eq!(
        rig.adapter.describe_allocation(info.h_allocation),
        Ok(DescribeAllocation { width: 16, height: 8, format: 87 })
    );
    assert!(shrink(&rig, context, context.map.heap_offset).is_err(), "frames lie there");
    let opened = rig.adapter.open_allocation(context.h_device, info.h_allocation).expect("mine");
    let frame = rig.adapter.presented_frame(opened, 2).expect("the last one");
    let heap = context.map.heap_address - super::fake::USER_BASE - context.map.heap_offset;
    assert_eq!(frame.range.offset, heap + good.frames_offset + 2 * 512);
    assert_eq!((frame.range.bytes, frame.row_pitch), (512, 64));
    assert!(rig.adapter.presented_frame(opened, 3).is_err());
    rig.adapter.close_allocation(opened).expect("open");
    assert_eq!(rig.adapter.close_allocation(opened), Err(Status::BadHandle(Handle::Allocation)));
    rig.adapter.destroy_allocation(info.h_allocation).expect("there");
    assert_eq!(rig.adapter.destroy_allocation(info.h_allocation), Err(Status::BadHandle(Handle::Allocation)));
    shrink(&rig, context, context.map.heap_offset).expect("no frames any more");
}

#[test]
fn a_present_names_the_last_rendered_fence() {
    let rig = rig();
    let (context, other) = (rig.context(), rig.context());
    let data = allocation(context);
    let info = rig.adapter.create_allocation(bytemuck::bytes_of(&data)).expect("good");
    let opened = rig.adapter.open_allocation(context.h_device, info.h_allocation).expect("mine");
    let mut private = [0u8; 64];
    let mut present = |h_context, handle, marker: &[u8]| {
        let source = AllocationListEntry { h_device_specific_allocation: handle, write_operation: false };
        let mut patches = [PatchLocation { allocation_index: 9, patch_offset: 9 }; 2];
        let args = Present {
            private_driver_data: marker,
            dma_buffer: &mut [0; 64],
            dma_buffer_private_data: &mut private,
            source,
            patch_location_list_out: &mut patches,
        };
        let rendered = rig.adapter.present(h_context, args)?;
        assert_eq!(rig.adapter.patch(&patches[..rendered.patch_locations]), Ok(()));
        assert!(rig.adapter.patch(&patches).is_err(), "the second was not asked for");
        let bytes = &private[..rendered.private_data_bytes];
        Ok(bytemuck::pod_read_unaligned::<crate::ddi::DmaPrivateData>(bytes))
    };
    assert!(matches!(present(context.h_context, opened, &[]), Err(Status::BadField { field: "value", .. })));
    let marker = pvgpu_protocol::kernel_interface::FenceMarker { frame: 2, ..rig.marker(context, 4) };
    rig.render(context.h_context, &marker).expect("good");
    let data = present(context.h_context, opened, &[]).expect("rendered");
    assert_eq!((data.value, data.frame, data.gate, data.h_context), (4, 2, 0, context.h_context));
    let data = present(context.h_context, opened, bytemuck::bytes_of(&marker)).expect("the same");
    assert_eq!((data.value, data.frame), (4, 2));
    let later = rig.marker(context, 5);
    assert!(present(context.h_context, opened, bytemuck::bytes_of(&later)).is_err(), "not rendered yet");
    assert_eq!(present(context.h_context, 99, &[]), Err(Status::BadHandle(Handle::Allocation)));
    rig.render(other.h_context, &rig.marker(other, 1)).expect("good");
    assert_eq!(present(other.h_context, opened, &[]), Err(Status::NotOwner(Handle::Allocation)));
}
