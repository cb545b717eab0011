//! Allocation arguments of the kernel callbacks.
//!
//! An allocation is created with private data that only the driver's two halves understand; the kernel
//! answers with a [`D3DKMT_HANDLE`].
#![expect(non_camel_case_types, non_snake_case, non_upper_case_globals, reason = "names are Microsoft's")]
#![expect(missing_docs, reason = "members keep Microsoft's names; the DDI reference describes each one")]

use core::ffi::c_void;

use crate::*;

/// Bits of `D3DDDI_ALLOCATIONINFO::Flags` (an unnamed union in the header).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3DDDI_ALLOCATIONINFO_FLAGS {
    /// All bits; the associated constants are masks of it.
    pub Value: u32,
}

impl D3DDDI_ALLOCATIONINFO_FLAGS {
    pub const Primary: u32 = 0x1;
    pub const Stereo: u32 = 0x2;
}

/// One allocation to create.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DDDI_ALLOCATIONINFO {
    pub hAllocation: D3DKMT_HANDLE,
    pub pSystemMem: *const c_void,
    pub pPrivateDriverData: *mut c_void,
    pub PrivateDriverDataSize: u32,
    pub VidPnSourceId: D3DDDI_VIDEO_PRESENT_SOURCE_ID,
    pub Flags: D3DDDI_ALLOCATIONINFO_FLAGS,
}

/// Argument of `AllocateCb`.
///
/// `hResource` is the runtime's resource handle (null: allocations of no resource); the answer is in
/// `hKMResource` and in each `pAllocationInfo` entry. The header's second name of the array is for WDDM 2.0
/// drivers.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DDDICB_ALLOCATE {
    pub pPrivateDriverData: *const c_void,
    pub PrivateDriverDataSize: u32,
    pub hResource: HANDLE,
    pub hKMResource: D3DKMT_HANDLE,
    pub NumAllocations: u32,
    pub pAllocationInfo: *mut D3DDDI_ALLOCATIONINFO,
}

/// Argument of `DeallocateCb`: either a resource or a list of allocations.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DDDICB_DEALLOCATE {
    pub hResource: HANDLE,
    pub NumAllocations: u32,
    pub HandleList: *const D3DKMT_HANDLE,
}

/// One allocation of a resource being opened.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DDDI_OPENALLOCATIONINFO {
    pub hAllocation: D3DKMT_HANDLE,
    pub pPrivateDriverData: *const c_void,
    pub PrivateDriverDataSize: u32,
}

/// How an allocation is locked.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3DDDICB_LOCKFLAGS {
    /// All bits; the associated constants are masks of it.
    pub Value: u32,
}

impl D3DDDICB_LOCKFLAGS {
    pub const ReadOnly: u32 = 0x1;
    pub const WriteOnly: u32 = 0x2;
    pub const DonotWait: u32 = 0x4;
    pub const IgnoreSync: u32 = 0x8;
    pub const LockEntire: u32 = 0x10;
    pub const DonotEvict: u32 = 0x20;
    pub const AcquireAperture: u32 = 0x40;
    pub const Discard: u32 = 0x80;
    pub const NoExistingReference: u32 = 0x100;
    pub const UseAlternateVA: u32 = 0x200;
    pub const IgnoreReadSync: u32 = 0x400;
}

/// Argument of `LockCb`; the address comes back in `pData`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DDDICB_LOCK {
    pub hAllocation: D3DKMT_HANDLE,
    pub PrivateDriverData: u32,
    pub NumPages: u32,
    pub pPages: *const u32,
    pub pData: *mut c_void,
    pub Flags: D3DDDICB_LOCKFLAGS,
    pub GpuVirtualAddress: u64,
}

/// Argument of `UnlockCb`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DDDICB_UNLOCK {
    pub NumAllocations: u32,
    pub phAllocations: *const D3DKMT_HANDLE,
}

/// Argument of `SetPriorityCb`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DDDICB_SETPRIORITY {
    pub hResource: HANDLE,
    pub NumAllocations: u32,
    pub HandleList: *const D3DKMT_HANDLE,
    pub pPriorities: *const u32,
}

// Usual allocation priorities.
pub const D3DDDI_ALLOCATIONPRIORITY_MINIMUM: u32 = 0x2800_0000;
pub const D3DDDI_ALLOCATIONPRIORITY_LOW: u32 = 0x5000_0000;
pub const D3DDDI_ALLOCATIONPRIORITY_NORMAL: u32 = 0x7800_0000;
pub const D3DDDI_ALLOCATIONPRIORITY_HIGH: u32 = 0xa000_0000;
pub const D3DDDI_ALLOCATIONPRIORITY_MAXIMUM: u32 = 0xc800_0000;

/// Where an allocation is.
pub type D3DDDI_RESIDENCYSTATUS = u32;
pub const D3DDDI_RESIDENCYSTATUS_RESIDENTINGPUMEMORY: D3DDDI_RESIDENCYSTATUS = 1;
pub const D3DDDI_RESIDENCYSTATUS_RESIDENTINSHAREDMEMORY: D3DDDI_RESIDENCYSTATUS = 2;
pub const D3DDDI_RESIDENCYSTATUS_NOTRESIDENT: D3DDDI_RESIDENCYSTATUS = 3;

/// Argument of `QueryResidencyCb`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DDDICB_QUERYRESIDENCY {
    pub hResource: HANDLE,
    pub NumAllocations: u32,
    pub HandleList: *const D3DKMT_HANDLE,
    pub pResidencyStatus: *mut D3DDDI_RESIDENCYSTATUS,
}

/// How soon an offered allocation may be discarded.
pub type D3DDDI_OFFER_PRIORITY = u32;
pub const D3DDDI_OFFER_PRIORITY_NONE: D3DDDI_OFFER_PRIORITY = 0;
pub const D3DDDI_OFFER_PRIORITY_LOW: D3DDDI_OFFER_PRIORITY = 1;
pub const D3DDDI_OFFER_PRIORITY_NORMAL: D3DDDI_OFFER_PRIORITY = 2;
pub const D3DDDI_OFFER_PRIORITY_HIGH: D3DDDI_OFFER_PRIORITY = 3;
pub const D3DDDI_OFFER_PRIORITY_AUTO: D3DDDI_OFFER_PRIORITY = 4;

/// Argument of `OfferAllocationsCb`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DDDICB_OFFERALLOCATIONS {
    pub pResources: *const HANDLE,
    pub HandleList: *const D3DKMT_HANDLE,
    pub NumAllocations: u32,
    pub Priority: D3DDDI_OFFER_PRIORITY,
}

/// Argument of `ReclaimAllocationsCb`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DDDICB_RECLAIMALLOCATIONS {
    pub pResources: *const HANDLE,
    pub HandleList: *const D3DKMT_HANDLE,
    pub pDiscarded: *mut BOOL,
    pub NumAllocations: u32,
}

// Sizes on x64, from the sources named in SOURCES.md.
const _: () = assert!(size_of::<D3DDDI_ALLOCATIONINFO_FLAGS>() == 4);
const _: () = assert!(size_of::<D3DDDI_ALLOCATIONINFO>() == 40);
const _: () = assert!(size_of::<D3DDDICB_ALLOCATE>() == 40);
const _: () = assert!(size_of::<D3DDDICB_DEALLOCATE>() == 24);
const _: () = assert!(size_of::<D3DDDI_OPENALLOCATIONINFO>() == 24);
const _: () = assert!(size_of::<D3DDDICB_LOCKFLAGS>() == 4);
const _: () = assert!(size_of::<D3DDDICB_LOCK>() == 48);
const _: () = assert!(size_of::<D3DDDICB_UNLOCK>() == 16);
const _: () = assert!(size_of::<D3DDDICB_SETPRIORITY>() == 32);
const _: () = assert!(size_of::<D3DDDICB_QUERYRESIDENCY>() == 32);
const _: () = assert!(size_of::<D3DDDICB_OFFERALLOCATIONS>() == 24);
const _: () = assert!(size_of::<D3DDDICB_RECLAIMALLOCATIONS>() == 32);
