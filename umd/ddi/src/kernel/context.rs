//! Contexts, submission, presents, modes and escapes of the kernel callbacks.
#![expect(non_camel_case_types, non_snake_case, non_upper_case_globals, reason = "names are Microsoft's")]
#![expect(missing_docs, reason = "members keep Microsoft's names; the DDI reference describes each one")]

use core::ffi::c_void;
use core::ptr;

use crate::*;

/// How many contexts one submission may reach besides its own.
pub const D3DDDI_MAX_BROADCAST_CONTEXT: usize = 64;

/// An array of context handles, as the header has it in the middle of several structs.
#[repr(transparent)]
#[derive(Clone, Copy, Debug)]
pub struct BroadcastContexts(pub [HANDLE; D3DDDI_MAX_BROADCAST_CONTEXT]);

impl Default for BroadcastContexts {
    fn default() -> Self {
        Self([ptr::null_mut(); D3DDDI_MAX_BROADCAST_CONTEXT])
    }
}

/// How a context is created.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3DDDI_CREATECONTEXTFLAGS {
    /// All bits; the associated constants are masks of it.
    pub Value: u32,
}

impl D3DDDI_CREATECONTEXTFLAGS {
    pub const NullRendering: u32 = 0x1;
    pub const InitialData: u32 = 0x2;
    pub const DisableGpuTimeout: u32 = 0x4;
    pub const SynchronizationOnly: u32 = 0x8;
    pub const HwQueueSupported: u32 = 0x10;
    pub const NoKmdAccess: u32 = 0x20;
    pub const TestContext: u32 = 0x40;
}

/// Argument of `CreateContextCb`: the context and its first command buffer and lists come back in it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DDDICB_CREATECONTEXT {
    pub NodeOrdinal: u32,
    pub EngineAffinity: u32,
    pub Flags: D3DDDI_CREATECONTEXTFLAGS,
    pub pPrivateDriverData: *mut c_void,
    pub PrivateDriverDataSize: u32,
    pub hContext: HANDLE,
    pub pCommandBuffer: *mut c_void,
    pub CommandBufferSize: u32,
    pub pAllocationList: *mut D3DDDI_ALLOCATIONLIST,
    pub AllocationListSize: u32,
    pub pPatchLocationList: *mut D3DDDI_PATCHLOCATIONLIST,
    pub PatchLocationListSize: u32,
    pub CommandBuffer: u64,
}

/// Argument of `DestroyContextCb`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DDDICB_DESTROYCONTEXT {
    pub hContext: HANDLE,
}

/// One allocation a command buffer uses; `Value` holds the bits below.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DDDI_ALLOCATIONLIST {
    pub hAllocation: D3DKMT_HANDLE,
    pub Value: u32,
}

impl D3DDDI_ALLOCATIONLIST {
    pub const WriteOperation: u32 = 0x1;
    pub const DoNotRetireInstance: u32 = 0x2;
    pub const OfferPriority: u32 = 0x1c;
}

/// One place in a command buffer that needs an allocation's address; `Value` holds the bits below.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3DDDI_PATCHLOCATIONLIST {
    pub AllocationIndex: u32,
    pub Value: u32,
    pub DriverId: u32,
    pub AllocationOffset: u32,
    pub PatchOffset: u32,
    pub SplitOffset: u32,
}

impl D3DDDI_PATCHLOCATIONLIST {
    pub const SlotId: u32 = 0xffffff;
}

/// Which buffers a submission wants replaced.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3DDDICB_RENDERFLAGS {
    /// All bits; the associated constants are masks of it.
    pub Value: u32,
}

impl D3DDDICB_RENDERFLAGS {
    pub const ResizeCommandBuffer: u32 = 0x1;
    pub const ResizeAllocationList: u32 = 0x2;
    pub const ResizePatchLocationList: u32 = 0x4;
    pub const NullRendering: u32 = 0x8;
}

/// What a submission logs for the profiler.
pub type D3DDDI_MARKERLOGTYPE = u32;
pub const D3DDDIMLT_NONE: D3DDDI_MARKERLOGTYPE = 0;
pub const D3DDDIMLT_PROFILE: D3DDDI_MARKERLOGTYPE = 1;
pub const D3DDDIMLT_FT_PROFILE: D3DDDI_MARKERLOGTYPE = 2;
pub const D3DDDIMLT_BATCHED: D3DDDI_MARKERLOGTYPE = 3;

/// Argument of `RenderCb`: submits a part of the command buffer; the next buffer and lists come back in it.
///
/// Members from `MarkerLogType` on came with WDDM 1.3. Of the two unions at the end (`MarkerCounts` and
/// `MarkerData` are our names) the header names the members per kind of marker log; zeros say that there is
/// none.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DDDICB_RENDER {
    pub CommandLength: u32,
    pub CommandOffset: u32,
    pub NumAllocations: u32,
    pub NumPatchLocations: u32,
    pub pNewCommandBuffer: *mut c_void,
    pub NewCommandBufferSize: u32,
    pub pNewAllocationList: *mut D3DDDI_ALLOCATIONLIST,
    pub NewAllocationListSize: u32,
    pub pNewPatchLocationList: *mut D3DDDI_PATCHLOCATIONLIST,
    pub NewPatchLocationListSize: u32,
    pub Flags: D3DDDICB_RENDERFLAGS,
    pub hContext: HANDLE,
    pub BroadcastContextCount: u32,
    pub BroadcastContext: BroadcastContexts,
    pub QueuedBufferCount: u32,
    pub NewCommandBuffer: u64,
    pub pPrivateDriverData: *mut c_void,
    pub PrivateDriverDataSize: u32,
    pub MarkerLogType: D3DDDI_MARKERLOGTYPE,
    pub RenderCBSequence: u32,
    pub MarkerCounts: [u32; 5],
    pub MarkerData: [*mut c_void; 4],
}

/// Argument of `PresentCb` (Direct3D 9; Direct3D 11 drivers present through [`DXGIDDICB_PRESENT`]).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DDDICB_PRESENT {
    pub hSrcAllocation: D3DKMT_HANDLE,
    pub hDstAllocation: D3DKMT_HANDLE,
    pub hContext: HANDLE,
    pub BroadcastContextCount: u32,
    pub BroadcastContext: BroadcastContexts,
    pub BroadcastSrcAllocation: *mut D3DKMT_HANDLE,
    pub BroadcastDstAllocation: *mut D3DKMT_HANDLE,
    pub PrivateDriverDataSize: u32,
    pub pPrivateDriverData: *mut c_void,
    pub bOptimizeForComposition: u8,
    pub SyncIntervalOverrideValid: BOOL,
    pub SyncIntervalOverride: u32,
}

/// Argument of `SetDisplayModeCb`: shows a primary.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DDDICB_SETDISPLAYMODE {
    pub hPrimaryAllocation: D3DKMT_HANDLE,
    pub PrivateDriverFormatAttribute: u32,
}

/// Argument of `SetDisplayPrivateDriverFormatCb`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DDDICB_SETDISPLAYPRIVATEDRIVERFORMAT {
    pub VidPnSourceId: D3DDDI_VIDEO_PRESENT_SOURCE_ID,
    pub PrivateDriverFormatAttribute: u32,
}

/// How an escape is carried out.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3DDDI_ESCAPEFLAGS {
    /// All bits; the associated constants are masks of it.
    pub Value: u32,
}

impl D3DDDI_ESCAPEFLAGS {
    pub const HardwareAccess: u32 = 0x1;
    pub const DeviceStatusQuery: u32 = 0x2;
    pub const ChangeFrameLatency: u32 = 0x4;
    pub const NoAdapterSynchronization: u32 = 0x8;
    pub const VirtualMachineData: u32 = 0x20;
    pub const DriverKnownEscape: u32 = 0x40;
    pub const DriverCommonEscape: u32 = 0x80;
}

/// Argument of `EscapeCb`: private data to the kernel driver and back.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DDDICB_ESCAPE {
    pub hDevice: HANDLE,
    pub Flags: D3DDDI_ESCAPEFLAGS,
    pub pPrivateDriverData: *mut c_void,
    pub PrivateDriverDataSize: u32,
    pub hContext: HANDLE,
}

/// Argument of `QueryAdapterInfoCb`: the kernel driver fills the private data.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DDDICB_QUERYADAPTERINFO {
    pub pPrivateDriverData: *mut c_void,
    pub PrivateDriverDataSize: u32,
}

/// One multisampling method of a display mode.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3DDDI_MULTISAMPLINGMETHOD {
    pub NumSamples: u32,
    pub NumQualityLevels: u32,
}

/// Argument of `GetMultisampleMethodListCb`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DDDICB_GETMULTISAMPLEMETHODLIST {
    pub VidPnSourceId: D3DDDI_VIDEO_PRESENT_SOURCE_ID,
    pub Width: u32,
    pub Height: u32,
    pub Format: D3DDDIFORMAT,
    pub pMethodList: *mut D3DDDI_MULTISAMPLINGMETHOD,
    pub MethodCount: u32,
}

// Sizes on x64, from the sources named in SOURCES.md.
const _: () = assert!(size_of::<D3DDDI_CREATECONTEXTFLAGS>() == 4);
const _: () = assert!(size_of::<D3DDDICB_CREATECONTEXT>() == 96);
const _: () = assert!(size_of::<D3DDDICB_DESTROYCONTEXT>() == 8);
const _: () = assert!(size_of::<D3DDDI_ALLOCATIONLIST>() == 8);
const _: () = assert!(size_of::<D3DDDI_PATCHLOCATIONLIST>() == 24);
const _: () = assert!(size_of::<D3DDDICB_RENDERFLAGS>() == 4);
const _: () = assert!(size_of::<D3DDDICB_RENDER>() == 680);
const _: () = assert!(core::mem::offset_of!(D3DDDICB_RENDER, hContext) == 64);
const _: () = assert!(core::mem::offset_of!(D3DDDICB_RENDER, BroadcastContext) == 80);
const _: () = assert!(core::mem::offset_of!(D3DDDICB_RENDER, pPrivateDriverData) == 608);
const _: () = assert!(size_of::<D3DDDICB_PRESENT>() == 584);
const _: () = assert!(size_of::<D3DDDICB_SETDISPLAYMODE>() == 8);
const _: () = assert!(size_of::<D3DDDICB_SETDISPLAYPRIVATEDRIVERFORMAT>() == 8);
const _: () = assert!(size_of::<D3DDDI_ESCAPEFLAGS>() == 4);
const _: () = assert!(size_of::<D3DDDICB_ESCAPE>() == 40);
const _: () = assert!(size_of::<D3DDDICB_QUERYADAPTERINFO>() == 16);
const _: () = assert!(size_of::<D3DDDI_MULTISAMPLINGMETHOD>() == 8);
const _: () = assert!(size_of::<D3DDDICB_GETMULTISAMPLEMETHODLIST>() == 32);
