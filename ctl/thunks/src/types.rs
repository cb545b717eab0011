//! The structs of the entry points: names, order and types as in `d3dkmthk.h` (documented at
//! <https://learn.microsoft.com/windows-hardware/drivers/ddi/d3dkmthk/>), for 64-bit processes.
#![expect(non_snake_case, reason = "names are Microsoft's")]

use std::ffi::c_void;

use static_assertions::const_assert_eq;

/// `LUID`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LUID {
    /// Low half.
    pub LowPart: u32,
    /// High half.
    pub HighPart: i32,
}

/// `D3DKMT_ADAPTERINFO`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DKMT_ADAPTERINFO {
    /// Open; to be closed.
    pub hAdapter: u32,
    /// The adapter's number until the system restarts.
    pub AdapterLuid: LUID,
    /// Video present sources.
    pub NumOfSources: u32,
    /// `BOOL`.
    pub bPrecisePresentRegionsPreferred: i32,
}

/// `D3DKMT_ENUMADAPTERS2`.
#[repr(C)]
#[derive(Debug)]
pub struct D3DKMT_ENUMADAPTERS2 {
    /// In: room in `pAdapters`. Out: how many there are.
    pub NumAdapters: u32,
    /// Where they go; null to learn their number.
    pub pAdapters: *mut D3DKMT_ADAPTERINFO,
}

/// `D3DKMT_QUERYADAPTERINFO`.
#[repr(C)]
#[derive(Debug)]
pub struct D3DKMT_QUERYADAPTERINFO {
    /// The adapter.
    pub hAdapter: u32,
    /// A `KMTQUERYADAPTERINFOTYPE`.
    pub Type: u32,
    /// In and out.
    pub pPrivateDriverData: *mut c_void,
    /// Its bytes.
    pub PrivateDriverDataSize: u32,
}

/// `KMTQAITYPE_UMDRIVERNAME`.
pub const KMTQAITYPE_UMDRIVERNAME: u32 = 1;
/// `KMTUMDVERSION_DX11`.
pub const KMTUMDVERSION_DX11: u32 = 2;
/// `MAX_PATH`.
pub const MAX_PATH: usize = 260;

/// `D3DKMT_UMDFILENAMEINFO`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct D3DKMT_UMDFILENAMEINFO {
    /// In: a `KMTUMDVERSION`.
    pub Version: u32,
    /// Out: the file, UTF-16, zero-terminated.
    pub UmdFileName: [u16; MAX_PATH],
}

/// `D3DKMT_ESCAPE`.
#[repr(C)]
#[derive(Debug)]
pub struct D3DKMT_ESCAPE {
    /// The adapter.
    pub hAdapter: u32,
    /// A device of the caller, or 0.
    pub hDevice: u32,
    /// A `D3DKMT_ESCAPETYPE`.
    pub Type: u32,
    /// `D3DDDI_ESCAPEFLAGS`.
    pub Flags: u32,
    /// In and out.
    pub pPrivateDriverData: *mut c_void,
    /// Its bytes.
    pub PrivateDriverDataSize: u32,
    /// A context of the device, or 0.
    pub hContext: u32,
}

/// `D3DKMT_ESCAPE_DRIVERPRIVATE`.
pub const D3DKMT_ESCAPE_DRIVERPRIVATE: u32 = 0;

/// `D3DKMT_CLOSEADAPTER`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct D3DKMT_CLOSEADAPTER {
    /// The adapter.
    pub hAdapter: u32,
}

/// `D3DKMT_CREATEDEVICE`.
#[repr(C)]
#[derive(Debug)]
pub struct D3DKMT_CREATEDEVICE {
    /// In: the adapter, in the place of a union with a pointer that only the kernel uses.
    pub hAdapter: usize,
    /// In: `D3DKMT_CREATEDEVICEFLAGS`.
    pub Flags: u32,
    /// Out: the device.
    pub hDevice: u32,
    /// Out: the command buffer.
    pub pCommandBuffer: *mut c_void,
    /// Out: its bytes.
    pub CommandBufferSize: u32,
    /// Out: the allocation list.
    pub pAllocationList: *mut c_void,
    /// Out: its entries.
    pub AllocationListSize: u32,
    /// Out: the patch location list.
    pub pPatchLocationList: *mut c_void,
    /// Out: its entries.
    pub PatchLocationListSize: u32,
}

/// `D3DKMT_DESTROYDEVICE`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct D3DKMT_DESTROYDEVICE {
    /// The device.
    pub hDevice: u32,
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<D3DKMT_ENUMADAPTERS2>() == 16);
    assert!(size_of::<D3DKMT_QUERYADAPTERINFO>() == 24);
    assert!(size_of::<D3DKMT_ESCAPE>() == 32);
    assert!(std::mem::offset_of!(D3DKMT_ESCAPE, hContext) == 28);
    assert!(size_of::<D3DKMT_CREATEDEVICE>() == 64);
    assert!(std::mem::offset_of!(D3DKMT_CREATEDEVICE, hDevice) == 12);
    assert!(std::mem::offset_of!(D3DKMT_CREATEDEVICE, PatchLocationListSize) == 56);
};
const_assert_eq!(size_of::<D3DKMT_ADAPTERINFO>(), 20);
const_assert_eq!(size_of::<D3DKMT_UMDFILENAMEINFO>(), 524);
const_assert_eq!(size_of::<D3DKMT_CLOSEADAPTER>(), 4);
const_assert_eq!(size_of::<D3DKMT_DESTROYDEVICE>(), 4);
