//! dxgkrnl's own surfaces, several allocations at once, and the segment they lie in.

use std::vec;
use std::vec::Vec;

use bytemuck::bytes_of;
use pvgpu_protocol::aperture::PAGE_BYTES;
use pvgpu_protocol::kernel_interface::{PrivateData, StandardAllocationData, standard_kind};
use pvgpu_protocol::limits::MIN_APERTURE_BYTES;

use super::fake::{Rig, SETTINGS, rig_with};
use super::presents::frames;
use crate::ddi::{
    AllocationInfo, AllocationListEntry, CreateContext, DescribeAllocation, SEGMENT_ID, StandardAllocation,
};
use crate::{Handle, Settings, Status};

/// A desktop: a primary in the segment, opened by a device with a context without a ring.
pub(super) struct Desktop {
    pub(super) h_device: u64,
    pub(super) h_context: u64,
    pub(super) h_allocation: u64,
    pub(super) address: u64,
    pub(super) pitch: u32,
    pub(super) entry: AllocationListEntry,
}

fn wanted(kind: u32, width: u32, height: u32, format: u32) -> StandardAllocation {
    let (vid_pn_source_id, refresh_millihertz, gdi_type) = (0, 60_000, 2);
    StandardAllocation { kind, width, height, format, vid_pn_source_id, refresh_millihertz, gdi_type }
}

pub(super) fn create(
    rig: &Rig,
    kind: u32,
    width: u32,
    height: u32,
    format: u32,
) -> Result<AllocationInfo, Status> {
    let wanted = wanted(kind, width, height, format);
    let size = rig.adapter.get_standard_allocation_driver_data(&wanted, None)?.private_data_bytes;
    let mut data = vec![0; size];
    rig.adapter.get_standard_allocation_driver_data(&wanted, Some(&mut data))?;
    rig.adapter.create_allocation(&data)
}

impl Desktop {
    /// At the segment's start.
    pub(super) fn new(rig: &Rig, width: u32, height: u32) -> Self {
        Self::at(rig, width, height, 0)
    }

    /// Somewhere in it.
    pub(super) fn at(rig: &Rig, width: u32, height: u32, offset: u64) -> Self {
        let first = rig.adapter.create_device().expect("started");
        let info = create(rig, standard_kind::SHARED_PRIMARY, width, height, 88).expect("good");
        let address = rig.adapter.segment().expect("started").base_address + offset;
        let args = CreateContext { node_ordinal: 0, private_driver_data: &[] };
        let h_context = rig.adapter.create_context(first, args).expect("needs no host").h_context;
        let opened = rig.adapter.open_allocation(first, info.h_allocation).expect("mine");
        Self {
            h_device: first,
            h_context,
            h_allocation: info.h_allocation,
            address,
            pitch: info.pitch,
            entry: AllocationListEntry {
                h_device_specific_allocation: opened,
                write_operation: true,
                segment_id: SEGMENT_ID,
                physical_address: address,
            },
        }
    }
}

#[test]
fn standard_surfaces_have_their_sizes() {
    let rig = rig_with(Settings { segment_bytes: 8 << 20, ..SETTINGS });
    for (kind, width, height, format, pitch, size, cpu_visible) in [
        (standard_kind::SHARED_PRIMARY, 1366, 768, 88, 5632, 5632 * 768, false),
        (standard_kind::SHADOW, 1920, 1080, 87, 7680, 7680 * 1080, true),
        (standard_kind::STAGING, 1, 1, 85, 256, 4096, true),
        (standard_kind::GDI, 300, 3, 61, 512, 4096, true),
    ] {
        let info = create(&rig, kind, width, height, format).expect("good");
        assert_eq!((info.pitch, info.size, info.cpu_visible), (pitch, size, cpu_visible), "{kind}");
        let primary = kind == standard_kind::SHARED_PRIMARY;
        let refresh_millihertz = if primary { 60_000 } else { 0 };
        let expect = DescribeAllocation { width, height, format, refresh_millihertz, vid_pn_source_id: 0 };
        assert_eq!(rig.adapter.describe_allocation(info.h_allocation), Ok(expect));
        rig.adapter.destroy_allocation(info.h_allocation).expect("there");
    }
    for (kind, width, height, format) in [
        (0, 1, 1, 87),
        (5, 1, 1, 87),
        (1, 0, 1, 87),
        (1, 1, 16385, 87),
        (1, u32::MAX, u32::MAX, 87),
        (2, 16, 16, 0),
        (2, 16, 16, 71),
        (2, 16, 16, 10),
    ] {
        let error = create(&rig, kind, width, height, format);
        assert!(matches!(error, Err(Status::BadField { .. })), "{kind} {width} {height} {format}: {error:?}");
    }
    let error = rig.adapter.get_standard_allocation_driver_data(&wanted(1, 1, 1, 87), Some(&mut [0; 47]));
    assert!(matches!(error, Err(Status::BadField { value: 47, .. })));
}

#[test]
fn forged_standard_data_is_refused() {
    let rig = rig_with(Settings { segment_bytes: 8 << 20, ..SETTINGS });
    let mut data = [0; size_of::<StandardAllocationData>()];
    rig.adapter.get_standard_allocation_driver_data(&wanted(2, 64, 64, 87), Some(&mut data)).expect("good");
    let good = StandardAllocationData::read(&data).expect("ours");
    let refused = |data: StandardAllocationData| {
        let error = rig.adapter.create_allocation(bytes_of(&data));
        assert!(matches!(error, Err(Status::BadField { .. })), "{data:?}: {error:?}");
    };
    refused(StandardAllocationData { kind: 9, ..good });
    refused(StandardAllocationData { pitch: 252, ..good });
    refused(StandardAllocationData { pitch: 257, ..good });
    refused(StandardAllocationData { pitch: 2 << 20, ..good });
    refused(StandardAllocationData { height: 65, ..good });
    refused(StandardAllocationData { bytes: good.bytes + 1, ..good });
    refused(StandardAllocationData { bytes: u64::MAX - 4095, ..good });
    refused(StandardAllocationData { source: 1, ..good });
    rig.adapter.create_allocation(bytes_of(&good)).expect("good");
}

#[test]
fn several_allocations_are_made_or_none() {
    let rig = rig_with(Settings { segment_bytes: 8 << 20, ..SETTINGS });
    let context = rig.context();
    let good = frames(context);
    let bad = pvgpu_protocol::kernel_interface::AllocationData { width: 0, ..good };
    let mut infos = [AllocationInfo::default(); 3];
    let all: Vec<&[u8]> = vec![bytes_of(&good), bytes_of(&good), bytes_of(&bad)];
    assert!(rig.adapter.create_allocations(&all, &mut infos).is_err());
    assert_eq!(infos, [AllocationInfo::default(); 3]);
    assert_eq!(rig.adapter.core.try_lock_len(), 0, "the two are gone again");
    assert!(rig.adapter.create_allocations(&all, &mut infos[..2]).is_err(), "a place for each");
    rig.adapter.create_allocations(&all[..2], &mut infos[..2]).expect("good");
    assert_ne!(infos[0].h_allocation, infos[1].h_allocation);
    assert_eq!(rig.adapter.core.try_lock_len(), 2);
}

/// How many allocations there are.
trait AllocationCount {
    fn try_lock_len(&self) -> usize;
}

impl AllocationCount for super::fake::FakeLock<crate::core_state::Core<super::fake::FakeKernel>> {
    fn try_lock_len(&self) -> usize {
        crate::SpinLock::lock(self).allocations.len()
    }
}

#[test]
fn the_segment_is_the_heaps_end() {
    let rig = rig_with(Settings { segment_bytes: 8 << 20, ..SETTINGS });
    let segment = rig.adapter.segment().expect("started");
    assert_eq!(segment.bytes, 8 << 20);
    assert_eq!(segment.aperture_offset + segment.bytes, MIN_APERTURE_BYTES);
    let heap_offset = segment.aperture_offset - segment.base_address;
    assert_eq!(rig.free_heap_bytes(), MIN_APERTURE_BYTES - heap_offset - segment.bytes);
    assert!(segment.base_address.is_multiple_of(PAGE_BYTES));
    rig.adapter.stop_device().expect("running");
    assert_eq!(rig.adapter.segment(), Err(Status::DeviceRemoved));
}

/// Whoever has opened an allocation may use it, and nobody else, whichever process it is.
#[test]
fn sharing_is_opening() {
    let rig = rig_with(Settings { segment_bytes: 8 << 20, ..SETTINGS });
    let mine = rig.context();
    let info = rig.adapter.create_allocation(bytes_of(&frames(mine))).expect("good");
    rig.adapter.kernel().process.store(200, std::sync::atomic::Ordering::Relaxed);
    let theirs = rig.context();
    let opened = rig.adapter.open_allocation(theirs.h_device, info.h_allocation).expect("dxgkrnl allows it");
    rig.frame(info.h_allocation, 0).expect("it lies where it lies");
    rig.adapter.destroy_device(theirs.h_device).expect("live");
    let error = rig.adapter.close_allocation(opened);
    assert_eq!(error, Err(Status::BadHandle(Handle::Allocation)), "the device took it along");
    rig.adapter.describe_allocation(info.h_allocation).expect("the allocation itself is there");
}
