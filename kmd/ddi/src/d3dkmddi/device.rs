//! Devices, contexts, escapes.

use core::ffi::c_void;

use bytemuck::{Pod, Zeroable};

use crate::*;

flags! {
    /// Whose device it is.
    DXGK_CREATEDEVICEFLAGS { SystemDevice = 0, GdiDevice = 1, }
}

flags! {
    /// What the driver promises about a device's DMA buffers.
    DXGK_DEVICEINFOFLAGS { GuaranteedDmaBufferContract = 0, }
}

/// DMA buffers of a device without contexts.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGK_DEVICEINFO {
    /// Bytes.
    pub DmaBufferSize: u32,
    pub DmaBufferSegmentSet: u32,
    /// Bytes.
    pub DmaBufferPrivateDataSize: u32,
    pub AllocationListSize: u32,
    pub PatchLocationListSize: u32,
    pub Flags: DXGK_DEVICEINFOFLAGS,
}

union_block! {
    /// `DXGKARG_CREATEDEVICE`'s unnamed union: flags on the way in, a pointer on the way out.
    DXGKARG_CREATEDEVICE_u: [u64; 1] {
        /// In.
        Flags: DXGK_CREATEDEVICEFLAGS, from_flags;
        /// Out: a [`DXGK_DEVICEINFO`], or null where devices have contexts.
        pInfo: Address, from_info;
    }
}

/// Argument of `DxgkDdiCreateDevice`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGKARG_CREATEDEVICE {
    /// In: dxgkrnl's handle; out: the driver's.
    pub hDevice: HANDLE,
    pub u: DXGKARG_CREATEDEVICE_u,
}

flags! {
    /// Whose context it is.
    DXGK_CREATECONTEXTFLAGS { SystemContext = 0, GdiContext = 1, }
}

/// What dxgkrnl allocates for each command buffer of a context.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGK_CONTEXTINFO {
    /// Bytes.
    pub DmaBufferSize: u32,
    /// Bit n: segment n + 1; 0: system memory.
    pub DmaBufferSegmentSet: u32,
    /// Bytes.
    pub DmaBufferPrivateDataSize: u32,
    /// Entries.
    pub AllocationListSize: u32,
    /// Entries.
    pub PatchLocationListSize: u32,
    pub Reserved: u32,
}

/// Argument of `DxgkDdiCreateContext`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGKARG_CREATECONTEXT {
    /// In: dxgkrnl's handle; out: the driver's.
    pub hContext: HANDLE,
    pub NodeOrdinal: u32,
    /// Bit n: engine n.
    pub EngineAffinity: u32,
    pub Flags: DXGK_CREATECONTEXTFLAGS,
    pub pPrivateDriverData: *mut c_void,
    /// Bytes.
    pub PrivateDriverDataSize: u32,
    /// Out.
    pub ContextInfo: DXGK_CONTEXTINFO,
}

/// `DXGK_CONTEXTINFO::AllocationListSize` for a GDI context.
pub const DXGK_ALLOCATION_LIST_SIZE_GDICONTEXT: u32 = 256;

/// Argument of `DxgkDdiEscape`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGKARG_ESCAPE {
    /// The driver's handle, or null.
    pub hDevice: HANDLE,
    pub Flags: D3DDDI_ESCAPEFLAGS,
    pub pPrivateDriverData: *mut c_void,
    /// Bytes.
    pub PrivateDriverDataSize: u32,
    /// The driver's handle, or null.
    pub hContext: HANDLE,
}
