//! Allocations: created, described, opened, closed.

use core::ffi::c_void;

use bytemuck::{Pod, Zeroable};

use crate::*;

flags! {
    /// Which banks an allocation would like.
    DXGK_SEGMENTBANKPREFERENCE {
        Bank0 = 0..7,
        Direction0 = 7,
        Bank1 = 8..15,
        Direction1 = 15,
        Bank2 = 16..23,
        Direction2 = 23,
        Bank3 = 24..31,
        Direction3 = 31,
    }
}

flags! {
    /// Which segments an allocation would like, in this order; 0 ends the list.
    DXGK_SEGMENTPREFERENCE {
        SegmentId0 = 0..5,
        Direction0 = 5,
        SegmentId1 = 6..11,
        Direction1 = 11,
        SegmentId2 = 12..17,
        Direction2 = 17,
        SegmentId3 = 18..23,
        Direction3 = 23,
        SegmentId4 = 24..29,
        Direction4 = 29,
    }
}

flags! {
    /// What the memory manager must know of an allocation.
    DXGK_ALLOCATIONINFOFLAGS {
        CpuVisible = 0,
        PermanentSysMem = 1,
        Cached = 2,
        Protected = 3,
        ExistingSysMem = 4,
        ExistingKernelSysMem = 5,
        FromEndOfSegment = 6,
        Swizzled = 7,
        Overlay = 8,
        Capture = 9,
        UseAlternateVA = 10,
        SynchronousPaging = 11,
        LinkMirrored = 12,
        LinkInstanced = 13,
        HistoryBuffer = 14,
    }
}

flags! {
    /// `DXGK_ALLOCATIONUSAGEINFO1::Flags`.
    DXGK_ALLOCATIONUSAGEINFO1_Flags {
        PrivateFormat = 0, Swizzled = 1, MipMap = 2, Cube = 3, Volume = 4, Vertex = 5, Index = 6,
    }
}

/// How an allocation is used.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGK_ALLOCATIONUSAGEINFO1 {
    pub Flags: DXGK_ALLOCATIONUSAGEINFO1_Flags,
    /// A `D3DDDIFORMAT`, or the driver's own if `Flags.PrivateFormat`.
    pub Format: u32,
    pub SwizzledFormat: u32,
    pub ByteOffset: u32,
    pub Width: u32,
    pub Height: u32,
    pub Pitch: u32,
    pub Depth: u32,
    pub SlicePitch: u32,
}

/// How an allocation is used, versioned.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGK_ALLOCATIONUSAGEHINT {
    pub Version: u32,
    pub v1: DXGK_ALLOCATIONUSAGEINFO1,
}

/// One allocation to create; the driver fills in all but the private data.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGK_ALLOCATIONINFO {
    /// In.
    pub pPrivateDriverData: *mut c_void,
    /// In: bytes.
    pub PrivateDriverDataSize: u32,
    /// Bytes; a power of two.
    pub Alignment: u32,
    /// Bytes.
    pub Size: usize,
    /// Bytes, in a segment with `PitchAlignment`.
    pub PitchAlignedSize: usize,
    pub HintedBank: DXGK_SEGMENTBANKPREFERENCE,
    pub PreferredSegment: DXGK_SEGMENTPREFERENCE,
    /// Bit n: segment n + 1.
    pub SupportedReadSegmentSet: u32,
    /// Bit n: segment n + 1.
    pub SupportedWriteSegmentSet: u32,
    /// Bit n: segment n + 1.
    pub EvictionSegmentSet: u32,
    pub MaximumRenamingListLength: u32,
    /// Out: the driver's handle.
    pub hAllocation: HANDLE,
    pub Flags: DXGK_ALLOCATIONINFOFLAGS,
    pub pAllocationUsageHint: *mut DXGK_ALLOCATIONUSAGEHINT,
    pub AllocationPriority: u32,
}

flags! {
    /// How allocations are created.
    DXGK_CREATEALLOCATIONFLAGS { Resource = 0, }
}

/// Argument of `DxgkDdiCreateAllocation`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGKARG_CREATEALLOCATION {
    /// Of the resource.
    pub pPrivateDriverData: *const c_void,
    /// Bytes.
    pub PrivateDriverDataSize: u32,
    pub NumAllocations: u32,
    pub pAllocationInfo: *mut DXGK_ALLOCATIONINFO,
    /// In and out: the driver's handle of the resource.
    pub hResource: HANDLE,
    pub Flags: DXGK_CREATEALLOCATIONFLAGS,
}

flags! {
    /// How allocations are destroyed.
    DXGK_DESTROYALLOCATIONFLAGS { DestroyResource = 0, }
}

/// Argument of `DxgkDdiDestroyAllocation`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGKARG_DESTROYALLOCATION {
    pub NumAllocations: u32,
    pub pAllocationList: *const HANDLE,
    pub hResource: HANDLE,
    pub Flags: DXGK_DESTROYALLOCATIONFLAGS,
}

flags! {
    /// How an allocation is described.
    DXGK_DESCRIBEALLOCATIONFLAGS { CheckDisplayMode = 0, }
}

/// Argument of `DxgkDdiDescribeAllocation`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGKARG_DESCRIBEALLOCATION {
    /// In.
    pub hAllocation: HANDLE,
    /// Pixels.
    pub Width: u32,
    /// Lines.
    pub Height: u32,
    pub Format: D3DDDIFORMAT,
    pub MultisampleMethod: D3DDDI_MULTISAMPLINGMETHOD,
    pub RefreshRate: D3DDDI_RATIONAL,
    pub PrivateDriverFormatAttribute: u32,
    pub Flags: DXGK_DESCRIBEALLOCATIONFLAGS,
    pub Rotation: D3DDDI_ROTATION,
}

/// Argument of `DxgkDdiGetStandardAllocationDriverData`; called for the sizes first, with null pointers.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGKARG_GETSTANDARDALLOCATIONDRIVERDATA {
    pub StandardAllocationType: D3DKMDT_STANDARDALLOCATION_TYPE,
    /// The header's unnamed union of pointers; use the functions of their names.
    pub pSurfaceData: *mut c_void,
    pub pAllocationPrivateDriverData: *mut c_void,
    /// In and out: bytes.
    pub AllocationPrivateDriverDataSize: u32,
    pub pResourcePrivateDriverData: *mut c_void,
    /// In and out: bytes.
    pub ResourcePrivateDriverDataSize: u32,
}

impl DXGKARG_GETSTANDARDALLOCATIONDRIVERDATA {
    /// Valid for `D3DKMDT_STANDARDALLOCATION_SHAREDPRIMARYSURFACE`.
    #[must_use]
    pub const fn pCreateSharedPrimarySurfaceData(&self) -> *mut D3DKMDT_SHAREDPRIMARYSURFACEDATA {
        self.pSurfaceData.cast()
    }

    /// Valid for `D3DKMDT_STANDARDALLOCATION_SHADOWSURFACE`.
    #[must_use]
    pub const fn pCreateShadowSurfaceData(&self) -> *mut D3DKMDT_SHADOWSURFACEDATA {
        self.pSurfaceData.cast()
    }

    /// Valid for `D3DKMDT_STANDARDALLOCATION_STAGINGSURFACE`.
    #[must_use]
    pub const fn pCreateStagingSurfaceData(&self) -> *mut D3DKMDT_STAGINGSURFACEDATA {
        self.pSurfaceData.cast()
    }

    /// Valid for `D3DKMDT_STANDARDALLOCATION_GDISURFACE`.
    #[must_use]
    pub const fn pCreateGdiSurfaceData(&self) -> *mut D3DKMDT_GDISURFACEDATA {
        self.pSurfaceData.cast()
    }
}

/// One allocation to open.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGK_OPENALLOCATIONINFO {
    /// In: dxgkrnl's handle; `DxgkCbGetHandleData` gives the driver's.
    pub hAllocation: D3DKMT_HANDLE,
    pub pPrivateDriverData: *mut c_void,
    /// Bytes.
    pub PrivateDriverDataSize: u32,
    /// Out: the driver's handle for this device.
    pub hDeviceSpecificAllocation: HANDLE,
}

flags! {
    /// Why allocations are opened.
    DXGK_OPENALLOCATIONFLAGS { Create = 0, ReadOnly = 1, }
}

/// Argument of `DxgkDdiOpenAllocation`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGKARG_OPENALLOCATION {
    pub NumAllocations: u32,
    pub pOpenAllocation: *mut DXGK_OPENALLOCATIONINFO,
    /// Of the resource.
    pub pPrivateDriverData: *mut c_void,
    /// Bytes.
    pub PrivateDriverSize: u32,
    pub Flags: DXGK_OPENALLOCATIONFLAGS,
    pub SubresourceIndex: u32,
    /// Out: bytes.
    pub SubresourceOffset: usize,
    /// Out: bytes.
    pub Pitch: u32,
}

/// Argument of `DxgkDdiCloseAllocation`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGKARG_CLOSEALLOCATION {
    pub NumAllocations: u32,
    pub pOpenHandleList: *const HANDLE,
}

enumeration! {
    /// What a handle of dxgkrnl's names.
    DXGK_HANDLE_TYPE: u32 { DXGK_HANDLE_ALLOCATION = 1, DXGK_HANDLE_RESOURCE = 2, }
}

flags! {
    /// Which data of a handle is meant.
    DXGKCB_GETHANDLEDATAFLAGS { DeviceSpecific = 0, }
}

/// Argument of `DxgkCbGetHandleData`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGKARGCB_GETHANDLEDATA {
    pub hObject: D3DKMT_HANDLE,
    pub Type: DXGK_HANDLE_TYPE,
    pub Flags: DXGKCB_GETHANDLEDATAFLAGS,
}

/// Argument of `DxgkCbEnumHandleChildren`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGKARGCB_ENUMHANDLECHILDREN {
    pub hObject: D3DKMT_HANDLE,
    pub Index: u32,
}

flags! {
    /// How a context allocation is made.
    DXGK_CREATECONTEXTALLOCATIONFLAGS { SharedAcrossContexts = 0, }
}

/// Argument of `DxgkCbCreateContextAllocation`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGKARGCB_CREATECONTEXTALLOCATION {
    pub ContextAllocationFlags: DXGK_CREATECONTEXTALLOCATIONFLAGS,
    pub hAdapter: HANDLE,
    pub hDevice: HANDLE,
    pub hContext: HANDLE,
    pub hDriverAllocation: HANDLE,
    /// Bytes.
    pub Size: usize,
    /// Bytes.
    pub Alignment: u32,
    pub SupportedSegmentSet: u32,
    pub EvictionSegmentSet: u32,
    pub PreferredSegment: DXGK_SEGMENTPREFERENCE,
    pub HintedBank: DXGK_SEGMENTBANKPREFERENCE,
    pub Flags: DXGK_ALLOCATIONINFOFLAGS,
    /// Out.
    pub hAllocation: HANDLE,
}
