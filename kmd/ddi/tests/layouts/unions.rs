//! Blocks that stand for unions give back what was put in, and flag words keep their fields apart.

use pvgpu_kmd_ddi::*;

#[test]
fn an_interrupt_keeps_its_data() {
    let data = DXGKARGCB_NOTIFY_INTERRUPT_DATA_DmaPreempted {
        PreemptionFenceId: 7,
        LastCompletedFenceId: 5,
        NodeOrdinal: 1,
        EngineOrdinal: 2,
    };
    let notification = DXGKARGCB_NOTIFY_INTERRUPT_DATA::dma_preempted(data);
    assert_eq!(notification.InterruptType, DXGK_INTERRUPT_DMA_PREEMPTED);
    assert_eq!(notification.u.DmaPreempted(), data);
    // The members overlap as in C: the same words, read as another member.
    let other = notification.u.DmaCompleted();
    assert_eq!((other.SubmissionFenceId, other.NodeOrdinal, other.EngineOrdinal), (7, 5, 1));
    // What the member does not cover is zero.
    assert_eq!(&bytemuck::bytes_of(&notification.u)[16..], &[0; 48]);
}

#[test]
fn a_vertical_blank_is_aligned_as_in_c() {
    let data = DXGKARGCB_NOTIFY_INTERRUPT_DATA_CrtcVsync {
        VidPnTargetId: 3,
        PhysicalAddress: 0x1234_5678_9abc,
        PhysicalAdapterMask: 1,
        ..Default::default()
    };
    let notification = DXGKARGCB_NOTIFY_INTERRUPT_DATA::crtc_vsync(data);
    let bytes = bytemuck::bytes_of(&notification);
    assert_eq!(bytes[8..12], 3_u32.to_ne_bytes());
    assert_eq!(bytes[16..24], 0x1234_5678_9abc_u64.to_ne_bytes());
    assert_eq!(notification.u.CrtcVsync(), data);
}

#[test]
fn a_transfer_names_segments_and_pages() {
    let mut mdl = MDL { ByteCount: 4096, ..Default::default() };
    let transfer = DXGKARG_BUILDPAGINGBUFFER_Transfer {
        hAllocation: Address(0x40),
        TransferSize: 1 << 33,
        Source: DXGKARG_BUILDPAGINGBUFFER_Location::mdl(&raw mut mdl),
        Destination: DXGKARG_BUILDPAGINGBUFFER_Location::segment(1, 0x1000),
        ..Default::default()
    };
    let read = DXGKARG_BUILDPAGINGBUFFER_u::from_transfer(transfer).Transfer();
    assert_eq!(read, transfer);
    assert_eq!(read.Source.pMdl(), &raw mut mdl);
    assert_eq!((read.Destination.SegmentId, read.Destination.SegmentAddress), (1, 0x1000));
}

#[test]
fn create_device_takes_flags_and_gives_a_pointer() {
    let flags = DXGK_CREATEDEVICEFLAGS::new(DXGK_CREATEDEVICEFLAGS::SystemDevice);
    let create = DXGKARG_CREATEDEVICE { u: DXGKARG_CREATEDEVICE_u::from_flags(flags), ..Default::default() };
    assert!(create.u.Flags().has(DXGK_CREATEDEVICEFLAGS::SystemDevice));
    let mut info = DXGK_DEVICEINFO::default();
    let answer = DXGKARG_CREATEDEVICE_u::from_info(Address::of(&raw mut info));
    assert_eq!(answer.pInfo().get::<DXGK_DEVICEINFO>(), &raw mut info);
}

#[test]
fn resources_are_packed_to_four_bytes() {
    let descriptor = CM_PARTIAL_RESOURCE_DESCRIPTOR {
        Type: CmResourceTypeMemory,
        u: CM_PARTIAL_RESOURCE_DESCRIPTOR_u::from_memory(CM_RESOURCE_RANGE::new(0x8_1234_5678, 0x1000)),
        ..Default::default()
    };
    assert_eq!(descriptor.u.Memory().start(), 0x8_1234_5678);
    assert_eq!(bytemuck::bytes_of(&descriptor)[4..12], 0x8_1234_5678_u64.to_ne_bytes());
}

#[test]
fn fields_of_a_flag_word_do_not_touch_each_other() {
    type Caps = DXGK_PRESENTATIONCAPS;
    let caps = Caps::new(Caps::SupportAllBltRops)
        .with(Caps::AlignmentShift, 0x2f)
        .with(Caps::MaxTextureWidthShift, 3);
    assert_eq!((caps.get(Caps::AlignmentShift), caps.get(Caps::MaxTextureWidthShift)), (0xf, 3));
    assert!(caps.has(Caps::SupportAllBltRops) && !caps.has(Caps::MaxTextureHeightShift));
    assert_eq!(caps.with(Caps::AlignmentShift, 0).get(Caps::AlignmentShift), 0);
    assert_eq!(D3DKMDT_GDISURFACEFLAGS::BITS, [("Reserved", u32::MAX)]);
}
