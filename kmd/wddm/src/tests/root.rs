//! A device that PnP made up: its memory, its link service, its submissions.

use core::sync::atomic::Ordering;
use std::ptr::{from_mut, from_ref, null_mut};

use pvgpu_kmd_ddi::{
    DXGK_CHILD_STATUS, DXGK_DRIVERCAPS, DXGK_OPERATION_TRANSFER, DXGK_QUERYSEGMENTOUT3,
    DXGK_SEGMENTDESCRIPTOR3, DXGK_SEGMENTFLAGS, DXGKARG_BUILDPAGINGBUFFER,
    DXGKARG_BUILDPAGINGBUFFER_Location, DXGKARG_BUILDPAGINGBUFFER_Transfer, DXGKARG_BUILDPAGINGBUFFER_u,
    DXGKARG_QUERYADAPTERINFO, DXGKDDI_WDDMv1_3, DXGKQAITYPE_DRIVERCAPS, DXGKQAITYPE_QUERYSEGMENT3,
    PowerDeviceD0, PowerDeviceD3, STATUS_SUCCESS,
};
use pvgpu_protocol::aperture::{GuestHello, Layout};
use pvgpu_protocol::kernel_interface::{Doorbell, PrivateHeader, kind};

use super::fake_nt::{FakeMdl, fire, nt};
use super::port::{port, run_dpc};
use super::rig::{Rig, complete, completed, ddi, rang};

/// The heartbeat's period.
const BEAT_MS: u32 = 64;

fn query<T>(rig: &Rig, kind: u32, place: &mut T) -> i32 {
    let argument = DXGKARG_QUERYADAPTERINFO {
        Type: kind,
        pOutputData: from_mut(place).cast(),
        OutputDataSize: u32::try_from(size_of::<T>()).expect("small"),
        ..DXGKARG_QUERYADAPTERINFO::default()
    };
    ddi!(rig, DxgkDdiQueryAdapterInfo, rig.context, from_ref(&argument))
}

/// The one segment.
pub(super) fn segment(rig: &Rig) -> DXGK_SEGMENTDESCRIPTOR3 {
    let mut out = DXGK_QUERYSEGMENTOUT3::default();
    assert_eq!(query(rig, DXGKQAITYPE_QUERYSEGMENT3, &mut out), STATUS_SUCCESS);
    assert_eq!(out.NbSegment, 1);
    let mut descriptor = DXGK_SEGMENTDESCRIPTOR3::default();
    out.pSegmentDescriptor = from_mut(&mut descriptor);
    assert_eq!(query(rig, DXGKQAITYPE_QUERYSEGMENT3, &mut out), STATUS_SUCCESS);
    descriptor
}

#[test]
fn it_starts_without_a_host_and_stops_again() {
    let mut rig = Rig::new();
    nt(|nt| nt.registry.insert("ApertureSize".into(), 64));
    for _ in 0..2 {
        assert_eq!(rig.start(), STATUS_SUCCESS);
        let mut caps = DXGK_DRIVERCAPS::default();
        assert_eq!(query(&rig, DXGKQAITYPE_DRIVERCAPS, &mut caps), STATUS_SUCCESS);
        assert_eq!(
            (caps.WDDMVersion, caps.GpuEngineTopology.NbAsymetricProcessingNodes),
            (DXGKDDI_WDDMv1_3, 1)
        );
        assert!(caps.MaxAllocationListSlotId >= 64, "as many as a list has entries");
        let segment = segment(&rig);
        assert!(segment.Size != 0 && segment.BaseAddress != 0);
        assert!(!segment.Flags.has(DXGK_SEGMENTFLAGS::CacheCoherent), "of aperture segments only");
        // The pages lie anywhere.
        assert!(!segment.Flags.has(DXGK_SEGMENTFLAGS::CpuVisible));
        fire(BEAT_MS);
        assert_eq!(rig.stop(), STATUS_SUCCESS);
    }
    rig.remove();
}

#[test]
fn a_submission_goes_through_a_link_service() {
    let mut rig = Rig::new();
    assert_eq!(rig.start(), STATUS_SUCCESS);
    // dxgkrnl asks for the child once; from then on it is told.
    let mut status = DXGK_CHILD_STATUS::connection(0, true);
    assert_eq!(ddi!(rig, DxgkDdiQueryChildStatus, rig.context, from_mut(&mut status), 1), STATUS_SUCCESS);
    assert_eq!(status.Connected, 0);
    let (service, aperture) = rig.link();
    assert_eq!(aperture.len(), (256 << 20) / 8);
    let user = rig.user();
    assert!(nt(|nt| nt.read_only_mappings) == 1, "the fence page, and nothing else, is read only");
    rang();
    for value in 1..=3u32 {
        rig.submit_marker(&user, u64::from(value), value + 100);
    }
    run_dpc();
    assert!(completed().is_empty());
    complete(aperture, user.map.context, 2);
    fire(BEAT_MS);
    run_dpc();
    assert_eq!(completed(), [101, 102]);
    complete(aperture, user.map.context, 3);
    fire(BEAT_MS);
    run_dpc();
    assert_eq!(completed(), [103]);
    assert!(port(|port| port.notified_dpcs) >= 2);
    let mut bell = Doorbell { header: PrivateHeader::new(kind::DOORBELL) };
    assert_eq!(rig.escape(user.h_device, user.h_context, &mut bell), STATUS_SUCCESS);
    assert!(rang());
    rig.end_user(&user);
    // A service that dies takes the host with it.
    assert_eq!(ddi!(rig, DxgkDdiDestroyDevice, service), STATUS_SUCCESS);
    run_dpc();
    assert_eq!(port(|port| port.connected.last().copied()), Some(false));
    assert_eq!(rig.stop(), STATUS_SUCCESS);
    rig.remove();
}

#[test]
fn without_an_interrupt_reports_are_made_all_the_same() {
    port(|port| port.no_interrupt = true);
    let mut rig = Rig::new();
    assert_eq!(rig.start(), STATUS_SUCCESS);
    let (service, aperture) = rig.link();
    let user = rig.user();
    rig.submit_marker(&user, 1, u32::MAX);
    complete(aperture, user.map.context, 1);
    fire(BEAT_MS);
    run_dpc();
    assert_eq!(completed(), [u32::MAX]);
    rig.end_user(&user);
    assert_eq!(ddi!(rig, DxgkDdiDestroyDevice, service), STATUS_SUCCESS);
    assert_eq!(rig.stop(), STATUS_SUCCESS);
    rig.remove();
}

#[test]
fn a_reset_leaves_no_report_behind() {
    let mut rig = Rig::new();
    assert_eq!(rig.start(), STATUS_SUCCESS);
    let (service, aperture) = rig.link();
    let user = rig.user();
    rig.submit_marker(&user, 1, 41);
    complete(aperture, user.map.context, 1);
    fire(BEAT_MS);
    assert!(port(|port| port.dpc_queued), "the report is on its way");
    assert_eq!(ddi!(rig, DxgkDdiResetFromTimeout, rig.context), STATUS_SUCCESS);
    // What dxgkrnl hears from now on must be of later submissions.
    assert!(!port(|port| port.dpc_queued));
    completed();
    assert_eq!(ddi!(rig, DxgkDdiRestartFromTimeout, rig.context), STATUS_SUCCESS);
    fire(BEAT_MS);
    run_dpc();
    assert!(completed().is_empty());
    rig.end_user(&user);
    assert_eq!(ddi!(rig, DxgkDdiDestroyDevice, service), STATUS_SUCCESS);
    assert_eq!(rig.stop(), STATUS_SUCCESS);
    rig.remove();
}

#[test]
fn the_processor_pages_system_memory_in() {
    let mut rig = Rig::new();
    assert_eq!(rig.start(), STATUS_SUCCESS);
    let (service, aperture) = rig.link();
    let segment = segment(&rig);
    // 300 KiB take two pieces.
    let pages = 75usize;
    let mut memory: std::vec::Vec<u64> = (1..=pages as u64 * 512).collect();
    let mut mdl = FakeMdl::of(&mut memory);
    let transfer = DXGKARG_BUILDPAGINGBUFFER_Transfer {
        TransferSize: pages as u64 * 4096,
        Source: DXGKARG_BUILDPAGINGBUFFER_Location::mdl(from_mut(&mut *mdl).cast()),
        Destination: DXGKARG_BUILDPAGINGBUFFER_Location::segment(1, segment.BaseAddress + 8192),
        ..DXGKARG_BUILDPAGINGBUFFER_Transfer::default()
    };
    let (mut dma, mut private) = ([0u64; 512], [0u64; 512]);
    let mut argument = DXGKARG_BUILDPAGINGBUFFER {
        pDmaBuffer: dma.as_mut_ptr().cast(),
        DmaSize: 4096,
        pDmaBufferPrivateData: private.as_mut_ptr().cast(),
        DmaBufferPrivateDataSize: 4096,
        Operation: DXGK_OPERATION_TRANSFER,
        u: DXGKARG_BUILDPAGINGBUFFER_u::from_transfer(transfer),
        ..DXGKARG_BUILDPAGINGBUFFER::default()
    };
    assert_eq!(ddi!(rig, DxgkDdiBuildPagingBuffer, rig.context, from_mut(&mut argument)), STATUS_SUCCESS);
    let written = (argument.pDmaBufferPrivateData.addr() - private.as_ptr().addr()) / 8;
    assert_eq!(rig.submit(null_mut(), &mut private[..written], 7, true), STATUS_SUCCESS);
    run_dpc();
    assert_eq!(completed(), [7]);
    let hello = GuestHello::read(|cell| aperture[cell].load(Ordering::Acquire)).expect("a hello");
    let layout = Layout::new(hello.sizes).expect("sizes");
    let first = usize::try_from((layout.heap_offset + segment.BaseAddress.cast_unsigned() + 8192) / 8)
        .expect("small");
    for (cell, word) in aperture[first..].iter().zip(&memory) {
        assert_eq!(cell.load(Ordering::Relaxed), *word);
    }
    assert_eq!(aperture[first + memory.len()].load(Ordering::Relaxed), 0);
    assert_eq!(ddi!(rig, DxgkDdiDestroyDevice, service), STATUS_SUCCESS);
    assert_eq!(rig.stop(), STATUS_SUCCESS);
    rig.remove();
}

#[test]
fn it_sleeps_and_wakes() {
    let mut rig = Rig::new();
    assert_eq!(rig.start(), STATUS_SUCCESS);
    let power = |state| ddi!(rig, DxgkDdiSetPowerState, rig.context, u32::MAX, state, 2);
    assert_eq!(power(PowerDeviceD3), STATUS_SUCCESS);
    assert!(nt(|nt| nt.timers.is_empty()), "nothing beats in the night");
    assert_eq!(power(PowerDeviceD0), STATUS_SUCCESS);
    fire(BEAT_MS);
    assert_eq!(rig.stop(), STATUS_SUCCESS);
    rig.remove();
}
