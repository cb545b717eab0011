//! Work: rendered, presented, patched, submitted, preempted, cancelled.

use core::ffi::c_void;

use bytemuck::{Pod, Zeroable};

use crate::*;

flags! {
    /// `DXGK_ALLOCATIONLIST`'s bits.
    DXGK_ALLOCATIONLIST_FLAGS {
        WriteOperation = 0,
        /// 0 where the allocation lies in no segment.
        SegmentId = 1..6,
    }
}

/// An allocation that a DMA buffer uses.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGK_ALLOCATIONLIST {
    /// What `DxgkDdiOpenAllocation` gave; null for none.
    pub hDeviceSpecificAllocation: HANDLE,
    /// The header's unnamed struct of bits.
    pub Flags: DXGK_ALLOCATIONLIST_FLAGS,
    /// Within the segment.
    pub PhysicalAddress: PHYSICAL_ADDRESS,
}

/// The source's place in the allocation list of a present.
pub const DXGK_PRESENT_SOURCE_INDEX: usize = 1;
/// The destination's place in the allocation list of a present.
pub const DXGK_PRESENT_DESTINATION_INDEX: usize = 2;

/// Argument of `DxgkDdiRender` and `DxgkDdiRenderKm`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGKARG_RENDER {
    /// The command buffer: user memory for `DxgkDdiRender`.
    pub pCommand: *const c_void,
    /// Bytes.
    pub CommandLength: u32,
    /// In and out: where the DMA buffer goes on.
    pub pDmaBuffer: *mut c_void,
    /// Bytes left.
    pub DmaSize: u32,
    /// In and out.
    pub pDmaBufferPrivateData: *mut c_void,
    /// Bytes left.
    pub DmaBufferPrivateDataSize: u32,
    pub pAllocationList: *mut DXGK_ALLOCATIONLIST,
    pub AllocationListSize: u32,
    /// User memory for `DxgkDdiRender`.
    pub pPatchLocationListIn: *mut D3DDDI_PATCHLOCATIONLIST,
    pub PatchLocationListInSize: u32,
    /// In and out.
    pub pPatchLocationListOut: *mut D3DDDI_PATCHLOCATIONLIST,
    pub PatchLocationListOutSize: u32,
    /// The driver's own, between the calls for one command buffer.
    pub MultipassOffset: u32,
    pub DmaBufferSegmentId: u32,
    pub DmaBufferPhysicalAddress: PHYSICAL_ADDRESS,
}

flags! {
    /// What a present does.
    DXGK_PRESENTFLAGS {
        Blt = 0,
        ColorFill = 1,
        Flip = 2,
        FlipWithNoWait = 3,
        SrcColorKey = 4,
        DstColorKey = 5,
        LinearToSrgb = 6,
        Rotate = 7,
        FlipStereo = 8,
        FlipStereoTemporaryMono = 9,
        FlipStereoPreferRight = 10,
        BltStereoUseRight = 11,
        FlipWithMultiPlaneOverlay = 12,
    }
}

/// Argument of `DxgkDdiPresent`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGKARG_PRESENT {
    /// In and out.
    pub pDmaBuffer: *mut c_void,
    /// Bytes left.
    pub DmaSize: u32,
    /// In and out.
    pub pDmaBufferPrivateData: *mut c_void,
    /// Bytes left.
    pub DmaBufferPrivateDataSize: u32,
    /// Source and destination by the `…_INDEX` constants; something else with `FlipWithMultiPlaneOverlay`.
    pub pAllocationList: *mut DXGK_ALLOCATIONLIST,
    /// In and out.
    pub pPatchLocationListOut: *mut D3DDDI_PATCHLOCATIONLIST,
    pub PatchLocationListOutSize: u32,
    /// The driver's own, between the calls for one present.
    pub MultipassOffset: u32,
    /// Of a colour fill, in the destination's format.
    pub Color: u32,
    pub DstRect: RECT,
    pub SrcRect: RECT,
    pub SubRectCnt: u32,
    pub pDstSubRects: *const RECT,
    pub FlipInterval: D3DDDI_FLIPINTERVAL_TYPE,
    pub Flags: DXGK_PRESENTFLAGS,
    pub DmaBufferSegmentId: u32,
    pub DmaBufferPhysicalAddress: PHYSICAL_ADDRESS,
    pub Reserved: u32,
}

flags! {
    /// What is patched.
    DXGK_PATCHFLAGS { Paging = 0, Present = 1, RedirectedPresent = 2, NullRendering = 3, }
}

/// Argument of `DxgkDdiPatch`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGKARG_PATCH {
    /// `hDevice` for a driver without contexts.
    pub hContext: HANDLE,
    pub DmaBufferSegmentId: u32,
    pub DmaBufferPhysicalAddress: PHYSICAL_ADDRESS,
    pub pDmaBuffer: *mut c_void,
    /// Bytes.
    pub DmaBufferSize: u32,
    /// Bytes.
    pub DmaBufferSubmissionStartOffset: u32,
    /// Bytes.
    pub DmaBufferSubmissionEndOffset: u32,
    pub pDmaBufferPrivateData: *mut c_void,
    /// Bytes.
    pub DmaBufferPrivateDataSize: u32,
    /// Bytes.
    pub DmaBufferPrivateDataSubmissionStartOffset: u32,
    /// Bytes.
    pub DmaBufferPrivateDataSubmissionEndOffset: u32,
    pub pAllocationList: *const DXGK_ALLOCATIONLIST,
    pub AllocationListSize: u32,
    pub pPatchLocationList: *const D3DDDI_PATCHLOCATIONLIST,
    pub PatchLocationListSize: u32,
    pub PatchLocationListSubmissionStart: u32,
    pub PatchLocationListSubmissionLength: u32,
    pub SubmissionFenceId: u32,
    pub Flags: DXGK_PATCHFLAGS,
    pub EngineOrdinal: u32,
}

flags! {
    /// What is submitted.
    DXGK_SUBMITCOMMANDFLAGS {
        Paging = 0,
        Present = 1,
        RedirectedPresent = 2,
        NullRendering = 3,
        Flip = 4,
        FlipWithNoWait = 5,
        ContextSwitch = 6,
    }
}

/// Argument of `DxgkDdiSubmitCommand`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGKARG_SUBMITCOMMAND {
    /// `hDevice` for a driver without contexts; null for paging.
    pub hContext: HANDLE,
    pub DmaBufferSegmentId: u32,
    pub DmaBufferPhysicalAddress: PHYSICAL_ADDRESS,
    /// Bytes.
    pub DmaBufferSize: u32,
    /// Bytes.
    pub DmaBufferSubmissionStartOffset: u32,
    /// Bytes.
    pub DmaBufferSubmissionEndOffset: u32,
    pub pDmaBufferPrivateData: *mut c_void,
    /// Bytes.
    pub DmaBufferPrivateDataSize: u32,
    /// Bytes.
    pub DmaBufferPrivateDataSubmissionStartOffset: u32,
    /// Bytes.
    pub DmaBufferPrivateDataSubmissionEndOffset: u32,
    pub SubmissionFenceId: u32,
    pub VidPnSourceId: D3DDDI_VIDEO_PRESENT_SOURCE_ID,
    pub FlipInterval: D3DDDI_FLIPINTERVAL_TYPE,
    pub Flags: DXGK_SUBMITCOMMANDFLAGS,
    pub EngineOrdinal: u32,
    pub DmaBufferVirtualAddress: D3DGPU_VIRTUAL_ADDRESS,
    pub NodeOrdinal: u32,
}

flags! {
    /// Nothing yet.
    DXGK_PREEMPTCOMMANDFLAGS { Reserved = 0..32, }
}

/// Argument of `DxgkDdiPreemptCommand`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGKARG_PREEMPTCOMMAND {
    pub PreemptionFenceId: u32,
    pub NodeOrdinal: u32,
    pub EngineOrdinal: u32,
    pub Flags: DXGK_PREEMPTCOMMANDFLAGS,
}

/// Argument of `DxgkDdiCancelCommand`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGKARG_CANCELCOMMAND {
    pub hContext: HANDLE,
    pub pDmaBuffer: *mut c_void,
    /// Bytes.
    pub DmaBufferSize: u32,
    /// Bytes.
    pub DmaBufferSubmissionStartOffset: u32,
    /// Bytes.
    pub DmaBufferSubmissionEndOffset: u32,
    pub pDmaBufferPrivateData: *mut c_void,
    /// Bytes.
    pub DmaBufferPrivateDataSize: u32,
    /// Bytes.
    pub DmaBufferPrivateDataSubmissionStartOffset: u32,
    /// Bytes.
    pub DmaBufferPrivateDataSubmissionEndOffset: u32,
    pub pAllocationList: *const DXGK_ALLOCATIONLIST,
    pub AllocationListSize: u32,
    pub pPatchLocationList: *const D3DDDI_PATCHLOCATIONLIST,
    pub PatchLocationListSize: u32,
    pub PatchLocationListSubmissionStart: u32,
    pub PatchLocationListSubmissionLength: u32,
}
