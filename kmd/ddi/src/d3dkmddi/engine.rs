//! Engines that do not answer: fences, status, resets, debug reports.

use core::ffi::c_void;

use bytemuck::{Pod, Zeroable};

/// Argument of `DxgkDdiQueryCurrentFence`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGKARG_QUERYCURRENTFENCE {
    /// Out: the last submission that the engine completed.
    pub CurrentFence: u32,
    pub NodeOrdinal: u32,
    pub EngineOrdinal: u32,
}

/// Argument of `DxgkDdiQueryDependentEngineGroup`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGKARG_QUERYDEPENDENTENGINEGROUP {
    pub NodeOrdinal: u32,
    pub EngineOrdinal: u32,
    /// Out: bit n: node n is reset with it.
    pub DependentNodeOrdinalMask: u64,
}

flags! {
    /// Whether an engine makes progress.
    DXGK_ENGINESTATUS { Responsive = 0, }
}

/// Argument of `DxgkDdiQueryEngineStatus`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGKARG_QUERYENGINESTATUS {
    pub NodeOrdinal: u32,
    pub EngineOrdinal: u32,
    /// Out.
    pub EngineStatus: DXGK_ENGINESTATUS,
}

/// Argument of `DxgkDdiResetEngine`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGKARG_RESETENGINE {
    pub NodeOrdinal: u32,
    pub EngineOrdinal: u32,
    /// Out: the last submission that the reset aborted.
    pub LastAbortedFenceId: u32,
}

/// What a debug report is filed under.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGKARG_COLLECTDBGINFO_EXT {
    pub BucketingKey: u32,
    /// Bytes.
    pub CurrentDmaBufferOffset: u32,
    pub Reserved2: u32,
    pub Reserved3: u32,
    pub Reserved4: u32,
    pub Reserved5: u32,
    pub Reserved6: u32,
    pub Reserved7: u32,
}

/// Argument of `DxgkDdiCollectDbgInfo`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGKARG_COLLECTDBGINFO {
    /// A bug check code.
    pub Reason: u32,
    pub pBuffer: *mut c_void,
    /// Bytes.
    pub BufferSize: usize,
    pub pExtension: *mut DXGKARG_COLLECTDBGINFO_EXT,
}

/// `DXGKARG_COLLECTDBGINFO::Reason` of a TDR.
pub const VIDEO_TDR_TIMEOUT_DETECTED: u32 = 0x117;
/// `DXGKARG_COLLECTDBGINFO::Reason` of an engine's TDR.
pub const VIDEO_ENGINE_TIMEOUT_DETECTED: u32 = 0x141;
