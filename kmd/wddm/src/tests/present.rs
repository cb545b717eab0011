//! Presents of the desktop: DMA buffers with addresses, patched, submitted, executed by the host.

use std::ptr::{from_mut, from_ref};
use std::vec::Vec;

use pvgpu_kmd::ddi::DmaStep;
use pvgpu_kmd_ddi::{
    D3DDDI_PATCHLOCATIONLIST, D3DDDIFMT_X8R8G8B8, D3DKMDT_SHAREDPRIMARYSURFACEDATA,
    D3DKMDT_STANDARDALLOCATION_SHAREDPRIMARYSURFACE, DXGK_ALLOCATIONINFO, DXGK_ALLOCATIONLIST,
    DXGK_ALLOCATIONLIST_FLAGS, DXGK_CREATECONTEXTFLAGS, DXGK_OPENALLOCATIONINFO, DXGK_PRESENTFLAGS,
    DXGKARG_CREATEALLOCATION, DXGKARG_CREATECONTEXT, DXGKARG_GETSTANDARDALLOCATIONDRIVERDATA,
    DXGKARG_OPENALLOCATION, DXGKARG_PATCH, DXGKARG_PRESENT, HANDLE, NTSTATUS, RECT,
    STATUS_GRAPHICS_INSUFFICIENT_DMA_BUFFER, STATUS_INVALID_PARAMETER, STATUS_NOT_SUPPORTED, STATUS_SUCCESS,
};

use super::fake_nt::fire;
use super::port::{port, run_dpc};
use super::rig::{Rig, complete, completed, ddi};

/// Where the memory manager puts the primary, in the segment.
const ADDRESS: i64 = 0xf0_0000;
/// Bytes of a step.
const STEP: usize = size_of::<DmaStep>();

/// A primary of 640 × 480, opened by a device.
fn primary(rig: &Rig, h_device: HANDLE) -> HANDLE {
    let mut surface = D3DKMDT_SHAREDPRIMARYSURFACEDATA {
        Width: 640,
        Height: 480,
        Format: D3DDDIFMT_X8R8G8B8,
        ..D3DKMDT_SHAREDPRIMARYSURFACEDATA::default()
    };
    let mut data = [0u64; 32];
    let mut ask = DXGKARG_GETSTANDARDALLOCATIONDRIVERDATA {
        StandardAllocationType: D3DKMDT_STANDARDALLOCATION_SHAREDPRIMARYSURFACE,
        pSurfaceData: from_mut(&mut surface).cast(),
        ..DXGKARG_GETSTANDARDALLOCATIONDRIVERDATA::default()
    };
    for place in [core::ptr::null_mut(), data.as_mut_ptr().cast()] {
        ask.pAllocationPrivateDriverData = place;
        let entry = ddi!(rig, DxgkDdiGetStandardAllocationDriverData, rig.context, from_mut(&mut ask));
        assert_eq!(entry, STATUS_SUCCESS);
    }
    let mut info = DXGK_ALLOCATIONINFO {
        pPrivateDriverData: data.as_mut_ptr().cast(),
        PrivateDriverDataSize: ask.AllocationPrivateDriverDataSize,
        ..DXGK_ALLOCATIONINFO::default()
    };
    let mut create = DXGKARG_CREATEALLOCATION {
        NumAllocations: 1,
        pAllocationInfo: from_mut(&mut info),
        ..DXGKARG_CREATEALLOCATION::default()
    };
    assert_eq!(ddi!(rig, DxgkDdiCreateAllocation, rig.context, from_mut(&mut create)), STATUS_SUCCESS);
    port(|port| port.allocations.insert(1, info.hAllocation.addr()));
    let mut opened = DXGK_OPENALLOCATIONINFO { hAllocation: 1, ..DXGK_OPENALLOCATIONINFO::default() };
    let open = DXGKARG_OPENALLOCATION {
        NumAllocations: 1,
        pOpenAllocation: from_mut(&mut opened),
        ..DXGKARG_OPENALLOCATION::default()
    };
    assert_eq!(ddi!(rig, DxgkDdiOpenAllocation, h_device, from_ref(&open)), STATUS_SUCCESS);
    opened.hDeviceSpecificAllocation
}

/// What a present has written.
struct Written {
    private: Vec<u64>,
    patches: Vec<D3DDDI_PATCHLOCATIONLIST>,
    multipass_offset: u32,
}

/// A present with these flags, of which only the sub-rectangles from `multipass_offset` on are left to do.
fn present(
    rig: &Rig,
    h_context: HANDLE,
    list: &mut [DXGK_ALLOCATIONLIST; 3],
    flags: u32,
    (sub_rects, multipass_offset): (&[RECT], u32),
) -> (NTSTATUS, Written) {
    let (mut dma, mut private) = ([0u64; 512], [0u64; 512]);
    let mut patches = [D3DDDI_PATCHLOCATIONLIST::default(); 64];
    let mut argument = DXGKARG_PRESENT {
        pDmaBuffer: dma.as_mut_ptr().cast(),
        DmaSize: 4096,
        pDmaBufferPrivateData: private.as_mut_ptr().cast(),
        DmaBufferPrivateDataSize: 4096,
        pAllocationList: list.as_mut_ptr(),
        pPatchLocationListOut: patches.as_mut_ptr(),
        PatchLocationListOutSize: 64,
        MultipassOffset: multipass_offset,
        Color: 0x00ff_8040,
        DstRect: RECT { left: 0, top: 0, right: 640, bottom: 480 },
        SubRectCnt: u32::try_from(sub_rects.len()).expect("few"),
        pDstSubRects: sub_rects.as_ptr(),
        Flags: DXGK_PRESENTFLAGS::new(flags),
        ..DXGKARG_PRESENT::default()
    };
    let status = ddi!(rig, DxgkDdiPresent, h_context, from_mut(&mut argument));
    let bytes = argument.pDmaBufferPrivateData.addr() - private.as_ptr().addr();
    assert_eq!(argument.pDmaBuffer.addr() - dma.as_ptr().addr(), bytes);
    let count = (argument.pPatchLocationListOut.addr() - patches.as_ptr().addr()) / size_of_val(&patches[0]);
    let written = Written {
        private: private[..bytes / 8].to_vec(),
        patches: patches[..count].to_vec(),
        multipass_offset: argument.MultipassOffset,
    };
    (status, written)
}

/// Patch, as dxgkrnl calls it once the allocation has its place.
fn patch(rig: &Rig, written: &mut Written, list: &[DXGK_ALLOCATIONLIST]) -> NTSTATUS {
    let bytes = u32::try_from(size_of_val(&written.private[..])).expect("small");
    let count = u32::try_from(written.patches.len()).expect("few");
    let argument = DXGKARG_PATCH {
        DmaBufferSize: 4096,
        DmaBufferSubmissionEndOffset: bytes,
        pDmaBufferPrivateData: written.private.as_mut_ptr().cast(),
        DmaBufferPrivateDataSize: bytes,
        DmaBufferPrivateDataSubmissionEndOffset: bytes,
        pAllocationList: list.as_ptr(),
        AllocationListSize: u32::try_from(list.len()).expect("few"),
        pPatchLocationList: written.patches.as_ptr(),
        PatchLocationListSize: count,
        PatchLocationListSubmissionLength: count,
        ..DXGKARG_PATCH::default()
    };
    ddi!(rig, DxgkDdiPatch, rig.context, from_ref(&argument))
}

#[test]
fn a_fill_is_patched_split_and_executed() {
    let mut rig = Rig::new();
    assert_eq!(rig.start(), STATUS_SUCCESS);
    let (service, aperture) = rig.link();
    let h_device = rig.create_device().expect("started");
    let context = rig.create_kernel_context(h_device);
    let info = context.ContextInfo;
    assert_eq!(
        (info.DmaBufferSize, info.DmaBufferPrivateDataSize, info.AllocationListSize),
        (4096, 4096, 64)
    );
    let mut of_gdi =
        DXGKARG_CREATECONTEXT { Flags: DXGK_CREATECONTEXTFLAGS::new(2), ..DXGKARG_CREATECONTEXT::default() };
    assert_eq!(ddi!(rig, DxgkDdiCreateContext, h_device, from_mut(&mut of_gdi)), STATUS_SUCCESS);
    assert_eq!(of_gdi.ContextInfo.AllocationListSize, 256, "as the DDI wants it");
    assert_eq!(ddi!(rig, DxgkDdiDestroyContext, of_gdi.hContext), STATUS_SUCCESS);
    let h_context = context.hContext;
    let mut list = [DXGK_ALLOCATIONLIST::default(); 3];
    list[2].hDeviceSpecificAllocation = primary(&rig, h_device);
    let fill = DXGK_PRESENTFLAGS::ColorFill;
    // Forty rectangles do not fit into one buffer of 32 steps.
    let rows: Vec<RECT> =
        (0..40).map(|row| RECT { left: 0, top: row, right: 640, bottom: row + 1 }).collect();
    let mut offset = 0;
    let mut done = 0;
    for (fence_id, expected) in [(1, STATUS_GRAPHICS_INSUFFICIENT_DMA_BUFFER), (2, STATUS_SUCCESS)] {
        let (status, mut written) = present(&rig, h_context, &mut list, fill, (&rows, offset));
        assert_eq!(status, expected);
        offset = written.multipass_offset;
        done += written.patches.len();
        // The memory manager gives the primary its place.
        let mut placed = list;
        let flags = DXGK_ALLOCATIONLIST_FLAGS::new(1).with(DXGK_ALLOCATIONLIST_FLAGS::SegmentId, 1);
        let base = segment_base(&rig);
        (placed[2].Flags, placed[2].PhysicalAddress) = (flags, base + ADDRESS);
        // User mode may have asked for a list that is longer than the driver's own.
        let mut long = placed.to_vec();
        long.resize(100, DXGK_ALLOCATIONLIST::default());
        assert_eq!(patch(&rig, &mut written, &long), STATUS_SUCCESS);
        let steps: &[[u64; STEP / 8]] = bytemuck::cast_slice(&written.private);
        for place in &written.patches {
            let step = steps[place.PatchOffset as usize / STEP];
            let word = place.PatchOffset as usize % STEP / 8;
            assert_eq!(step[word], (base + ADDRESS).cast_unsigned());
            assert_eq!(place.SplitOffset as usize, place.PatchOffset as usize / STEP * STEP);
        }
        // A patch that nobody asked for.
        let mut wrong = Written {
            private: written.private.clone(),
            patches: std::vec![D3DDDI_PATCHLOCATIONLIST { PatchOffset: 12, ..written.patches[0] }],
            multipass_offset: 0,
        };
        assert_eq!(patch(&rig, &mut wrong, &placed), STATUS_INVALID_PARAMETER);
        // An allocation that is not in the list.
        wrong.patches[0] = D3DDDI_PATCHLOCATIONLIST { AllocationIndex: 3, ..written.patches[0] };
        assert_eq!(patch(&rig, &mut wrong, &placed), STATUS_INVALID_PARAMETER);
        assert_eq!(rig.submit(h_context, &mut written.private, fence_id, false), STATUS_SUCCESS);
        run_dpc();
        assert!(completed().is_empty(), "the host has not filled it");
        complete(aperture, 0, u64::from(fence_id));
        fire(64);
        run_dpc();
        assert_eq!(completed(), [fence_id]);
    }
    assert_eq!(done, 40);
    // What the capabilities do not offer, and what does not belong to the device.
    let nothing = (&rows[..0], 0);
    assert_eq!(
        present(&rig, h_context, &mut list, fill | DXGK_PRESENTFLAGS::Rotate, nothing).0,
        STATUS_NOT_SUPPORTED
    );
    assert_eq!(present(&rig, h_context, &mut list, 0, nothing).0, STATUS_NOT_SUPPORTED);
    list[2].hDeviceSpecificAllocation = core::ptr::without_provenance_mut(0x7777);
    assert_ne!(present(&rig, h_context, &mut list, fill, nothing).0, STATUS_SUCCESS);
    assert_eq!(ddi!(rig, DxgkDdiDestroyContext, h_context), STATUS_SUCCESS);
    for device in [h_device, service] {
        assert_eq!(ddi!(rig, DxgkDdiDestroyDevice, device), STATUS_SUCCESS);
    }
    assert_eq!(rig.stop(), STATUS_SUCCESS);
    rig.remove();
}

/// Where the segment begins.
fn segment_base(rig: &Rig) -> i64 {
    super::root::segment(rig).BaseAddress
}
