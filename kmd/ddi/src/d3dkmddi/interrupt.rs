//! What interrupts are, and what the driver tells dxgkrnl about one.

use bytemuck::{Pod, Zeroable};

use crate::*;

enumeration! {
    /// What happened.
    DXGK_INTERRUPT_TYPE: u32 {
        DXGK_INTERRUPT_DMA_COMPLETED = 1,
        DXGK_INTERRUPT_DMA_PREEMPTED = 2,
        DXGK_INTERRUPT_CRTC_VSYNC = 3,
        DXGK_INTERRUPT_DMA_FAULTED = 4,
        DXGK_INTERRUPT_DISPLAYONLY_VSYNC = 5,
        DXGK_INTERRUPT_DISPLAYONLY_PRESENT_PROGRESS = 6,
        DXGK_INTERRUPT_CRTC_VSYNC_WITH_MULTIPLANE_OVERLAY = 7,
    }
}

enumeration! {
    /// Whether an interrupt is on.
    DXGK_INTERRUPT_STATE: u32 { DXGK_INTERRUPT_ENABLE = 0, DXGK_INTERRUPT_DISABLE = 1, }
}

enumeration! {
    /// Whether vertical blanks interrupt.
    DXGK_CRTC_VSYNC_STATE: u32 {
        DXGK_VSYNC_ENABLE = 0, DXGK_VSYNC_DISABLE_KEEP_PHASE = 1, DXGK_VSYNC_DISABLE_NO_PHASE = 2,
    }
}

/// Argument of `DxgkDdiControlInterrupt2`, by value.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGKARG_CONTROLINTERRUPT2 {
    pub InterruptType: DXGK_INTERRUPT_TYPE,
    /// The header's unnamed union; a [`DXGK_CRTC_VSYNC_STATE`] for `DXGK_INTERRUPT_CRTC_VSYNC`.
    pub InterruptState: DXGK_INTERRUPT_STATE,
}

impl DXGKARG_CONTROLINTERRUPT2 {
    /// Valid for `DXGK_INTERRUPT_CRTC_VSYNC`.
    #[must_use]
    pub const fn CrtcVsyncState(&self) -> DXGK_CRTC_VSYNC_STATE {
        self.InterruptState
    }
}

/// A DMA buffer was completed.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGKARGCB_NOTIFY_INTERRUPT_DATA_DmaCompleted {
    pub SubmissionFenceId: u32,
    pub NodeOrdinal: u32,
    pub EngineOrdinal: u32,
}

/// An engine was preempted.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGKARGCB_NOTIFY_INTERRUPT_DATA_DmaPreempted {
    pub PreemptionFenceId: u32,
    /// The last submission completed before.
    pub LastCompletedFenceId: u32,
    pub NodeOrdinal: u32,
    pub EngineOrdinal: u32,
}

/// A DMA buffer could not be executed.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGKARGCB_NOTIFY_INTERRUPT_DATA_DmaFaulted {
    pub FaultedFenceId: u32,
    pub Status: NTSTATUS,
    pub NodeOrdinal: u32,
    pub EngineOrdinal: u32,
}

/// A vertical blank began.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGKARGCB_NOTIFY_INTERRUPT_DATA_CrtcVsync {
    pub VidPnTargetId: D3DDDI_VIDEO_PRESENT_TARGET_ID,
    pub Padding0: u32,
    /// Of the primary that is scanned out from now on.
    pub PhysicalAddress: PHYSICAL_ADDRESS,
    pub PhysicalAdapterMask: u32,
    pub Padding1: u32,
}

union_block! {
    /// `DXGKARGCB_NOTIFY_INTERRUPT_DATA`'s unnamed union.
    DXGKARGCB_NOTIFY_INTERRUPT_DATA_u: [u64; 8] {
        /// Valid for `DXGK_INTERRUPT_DMA_COMPLETED`.
        DmaCompleted: DXGKARGCB_NOTIFY_INTERRUPT_DATA_DmaCompleted, from_dma_completed;
        /// Valid for `DXGK_INTERRUPT_DMA_PREEMPTED`.
        DmaPreempted: DXGKARGCB_NOTIFY_INTERRUPT_DATA_DmaPreempted, from_dma_preempted;
        /// Valid for `DXGK_INTERRUPT_DMA_FAULTED`.
        DmaFaulted: DXGKARGCB_NOTIFY_INTERRUPT_DATA_DmaFaulted, from_dma_faulted;
        /// Valid for `DXGK_INTERRUPT_CRTC_VSYNC`.
        CrtcVsync: DXGKARGCB_NOTIFY_INTERRUPT_DATA_CrtcVsync, from_crtc_vsync;
    }
}

flags! {
    /// What of the notification is valid.
    DXGKCB_NOTIFY_INTERRUPT_DATA_FLAGS { ValidPhysicalAdapterMask = 0, }
}

/// Argument of `DxgkCbNotifyInterrupt`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
pub struct DXGKARGCB_NOTIFY_INTERRUPT_DATA {
    pub InterruptType: DXGK_INTERRUPT_TYPE,
    pub Padding0: u32,
    pub u: DXGKARGCB_NOTIFY_INTERRUPT_DATA_u,
    pub Flags: DXGKCB_NOTIFY_INTERRUPT_DATA_FLAGS,
    pub Padding1: u32,
}

impl DXGKARGCB_NOTIFY_INTERRUPT_DATA {
    const fn new(interrupt_type: DXGK_INTERRUPT_TYPE, u: DXGKARGCB_NOTIFY_INTERRUPT_DATA_u) -> Self {
        let Flags = DXGKCB_NOTIFY_INTERRUPT_DATA_FLAGS::new(0);
        Self { InterruptType: interrupt_type, Padding0: 0, u, Flags, Padding1: 0 }
    }

    /// A DMA buffer was completed.
    #[must_use]
    pub fn dma_completed(data: DXGKARGCB_NOTIFY_INTERRUPT_DATA_DmaCompleted) -> Self {
        Self::new(DXGK_INTERRUPT_DMA_COMPLETED, DXGKARGCB_NOTIFY_INTERRUPT_DATA_u::from_dma_completed(data))
    }

    /// An engine was preempted.
    #[must_use]
    pub fn dma_preempted(data: DXGKARGCB_NOTIFY_INTERRUPT_DATA_DmaPreempted) -> Self {
        Self::new(DXGK_INTERRUPT_DMA_PREEMPTED, DXGKARGCB_NOTIFY_INTERRUPT_DATA_u::from_dma_preempted(data))
    }

    /// A DMA buffer could not be executed.
    #[must_use]
    pub fn dma_faulted(data: DXGKARGCB_NOTIFY_INTERRUPT_DATA_DmaFaulted) -> Self {
        Self::new(DXGK_INTERRUPT_DMA_FAULTED, DXGKARGCB_NOTIFY_INTERRUPT_DATA_u::from_dma_faulted(data))
    }

    /// A vertical blank began.
    #[must_use]
    pub fn crtc_vsync(data: DXGKARGCB_NOTIFY_INTERRUPT_DATA_CrtcVsync) -> Self {
        Self::new(DXGK_INTERRUPT_CRTC_VSYNC, DXGKARGCB_NOTIFY_INTERRUPT_DATA_u::from_crtc_vsync(data))
    }
}
