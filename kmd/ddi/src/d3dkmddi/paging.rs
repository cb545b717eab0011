//! Paging: `DxgkDdiBuildPagingBuffer` and its operations.

use core::ffi::c_void;

use bytemuck::{Pod, Zeroable};

use crate::*;

enumeration! {
    /// What the paging buffer shall do.
    DXGK_BUILDPAGINGBUFFER_OPERATION: u32 {
        DXGK_OPERATION_TRANSFER = 0,
        DXGK_OPERATION_FILL = 1,
        DXGK_OPERATION_DISCARD_CONTENT = 2,
        DXGK_OPERATION_READ_PHYSICAL = 3,
        DXGK_OPERATION_WRITE_PHYSICAL = 4,
        DXGK_OPERATION_MAP_APERTURE_SEGMENT = 5,
        DXGK_OPERATION_UNMAP_APERTURE_SEGMENT = 6,
        DXGK_OPERATION_SPECIAL_LOCK_TRANSFER = 7,
        DXGK_OPERATION_VIRTUAL_TRANSFER = 8,
        DXGK_OPERATION_VIRTUAL_FILL = 9,
        DXGK_OPERATION_INIT_CONTEXT_RESOURCE = 10,
    }
}

flags! {
    /// How a transfer is done.
    DXGK_TRANSFERFLAGS { Swizzle = 0, Unswizzle = 1, AllocationIsIdle = 2, TransferStart = 3, TransferEnd = 4, }
}

flags! {
    /// How content is discarded.
    DXGK_DISCARDCONTENTFLAGS { AllocationIsIdle = 0, }
}

flags! {
    /// How pages are mapped into an aperture segment.
    DXGK_MAPAPERTUREFLAGS { CacheCoherent = 0, }
}

/// One end of a transfer: a place in a segment, or pages of system memory (segment 0).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGKARG_BUILDPAGINGBUFFER_Location {
    pub SegmentId: u32,
    pub Padding0: u32,
    /// The header's union: an address within the segment, or for segment 0 an MDL.
    pub SegmentAddress: PHYSICAL_ADDRESS,
}

impl DXGKARG_BUILDPAGINGBUFFER_Location {
    /// Valid for segment 0.
    #[must_use]
    pub fn pMdl(&self) -> *mut MDL {
        Address(self.SegmentAddress.cast_unsigned()).get()
    }

    /// A place in a segment.
    #[must_use]
    pub const fn segment(id: u32, address: PHYSICAL_ADDRESS) -> Self {
        Self { SegmentId: id, Padding0: 0, SegmentAddress: address }
    }

    /// Pages of system memory.
    #[must_use]
    pub fn mdl(mdl: *mut MDL) -> Self {
        Self { SegmentId: 0, Padding0: 0, SegmentAddress: Address::of(mdl).0.cast_signed() }
    }
}

/// Copies between segments or system memory.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGKARG_BUILDPAGINGBUFFER_Transfer {
    /// The driver's handle.
    pub hAllocation: Address,
    /// Bytes into the allocation.
    pub TransferOffset: u32,
    pub Padding0: u32,
    /// Bytes.
    pub TransferSize: u64,
    pub Source: DXGKARG_BUILDPAGINGBUFFER_Location,
    pub Destination: DXGKARG_BUILDPAGINGBUFFER_Location,
    pub Flags: DXGK_TRANSFERFLAGS,
    /// Pages into the MDL.
    pub MdlOffset: u32,
}

/// Fills an allocation with a pattern.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGKARG_BUILDPAGINGBUFFER_Fill {
    pub hAllocation: Address,
    /// Bytes.
    pub FillSize: u64,
    pub FillPattern: u32,
    pub Padding0: u32,
    pub Destination: DXGKARG_BUILDPAGINGBUFFER_Location,
}

/// Says that content is not needed any more.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGKARG_BUILDPAGINGBUFFER_DiscardContent {
    pub hAllocation: Address,
    pub Flags: DXGK_DISCARDCONTENTFLAGS,
    pub SegmentId: u32,
    pub SegmentAddress: PHYSICAL_ADDRESS,
}

/// Reads or writes one place through the GPU.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGKARG_BUILDPAGINGBUFFER_Physical {
    pub SegmentId: u32,
    pub Padding0: u32,
    pub PhysicalAddress: PHYSICAL_ADDRESS,
}

/// Maps pages of system memory into an aperture segment.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGKARG_BUILDPAGINGBUFFER_MapApertureSegment {
    pub hDevice: Address,
    pub hAllocation: Address,
    pub SegmentId: u32,
    pub Padding0: u32,
    /// Pages into the segment.
    pub OffsetInPages: u64,
    pub NumberOfPages: u64,
    /// An [`MDL`].
    pub pMdl: Address,
    pub Flags: DXGK_MAPAPERTUREFLAGS,
    /// Pages into the MDL.
    pub MdlOffset: u32,
}

/// Unmaps pages of an aperture segment.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGKARG_BUILDPAGINGBUFFER_UnmapApertureSegment {
    pub hDevice: Address,
    pub hAllocation: Address,
    pub SegmentId: u32,
    pub Padding0: u32,
    /// Pages into the segment.
    pub OffsetInPages: u64,
    pub NumberOfPages: u64,
    /// What to map there instead.
    pub DummyPage: PHYSICAL_ADDRESS,
}

/// Copies a swizzled allocation for a lock.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGKARG_BUILDPAGINGBUFFER_SpecialLockTransfer {
    pub hAllocation: Address,
    /// Bytes into the allocation.
    pub TransferOffset: u32,
    pub Padding0: u32,
    /// Bytes.
    pub TransferSize: u64,
    pub Source: DXGKARG_BUILDPAGINGBUFFER_Location,
    pub Destination: DXGKARG_BUILDPAGINGBUFFER_Location,
    pub Flags: DXGK_TRANSFERFLAGS,
    pub SwizzlingRangeId: u32,
    pub SwizzlingRangeData: u32,
    pub Padding1: u32,
}

/// Initializes an allocation of a context.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGKARG_BUILDPAGINGBUFFER_InitContextResource {
    pub hAllocation: Address,
    pub Destination: DXGKARG_BUILDPAGINGBUFFER_Location,
    /// `Destination.VirtualAddress`.
    pub VirtualAddress: Address,
}

union_block! {
    /// `DXGKARG_BUILDPAGINGBUFFER`'s unnamed union.
    DXGKARG_BUILDPAGINGBUFFER_u: [u64; 32] {
        /// Valid for `DXGK_OPERATION_TRANSFER`.
        Transfer: DXGKARG_BUILDPAGINGBUFFER_Transfer, from_transfer;
        /// Valid for `DXGK_OPERATION_FILL`.
        Fill: DXGKARG_BUILDPAGINGBUFFER_Fill, from_fill;
        /// Valid for `DXGK_OPERATION_DISCARD_CONTENT`.
        DiscardContent: DXGKARG_BUILDPAGINGBUFFER_DiscardContent, from_discard_content;
        /// Valid for `DXGK_OPERATION_READ_PHYSICAL`.
        ReadPhysical: DXGKARG_BUILDPAGINGBUFFER_Physical, from_read_physical;
        /// Valid for `DXGK_OPERATION_WRITE_PHYSICAL`.
        WritePhysical: DXGKARG_BUILDPAGINGBUFFER_Physical, from_write_physical;
        /// Valid for `DXGK_OPERATION_MAP_APERTURE_SEGMENT`.
        MapApertureSegment: DXGKARG_BUILDPAGINGBUFFER_MapApertureSegment, from_map_aperture_segment;
        /// Valid for `DXGK_OPERATION_UNMAP_APERTURE_SEGMENT`.
        UnmapApertureSegment: DXGKARG_BUILDPAGINGBUFFER_UnmapApertureSegment, from_unmap_aperture_segment;
        /// Valid for `DXGK_OPERATION_SPECIAL_LOCK_TRANSFER`.
        SpecialLockTransfer: DXGKARG_BUILDPAGINGBUFFER_SpecialLockTransfer, from_special_lock_transfer;
        /// Valid for `DXGK_OPERATION_INIT_CONTEXT_RESOURCE`.
        InitContextResource: DXGKARG_BUILDPAGINGBUFFER_InitContextResource, from_init_context_resource;
    }
}

/// Argument of `DxgkDdiBuildPagingBuffer`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGKARG_BUILDPAGINGBUFFER {
    /// In and out.
    pub pDmaBuffer: *mut c_void,
    /// Bytes left.
    pub DmaSize: u32,
    /// In and out.
    pub pDmaBufferPrivateData: *mut c_void,
    /// Bytes left.
    pub DmaBufferPrivateDataSize: u32,
    pub Operation: DXGK_BUILDPAGINGBUFFER_OPERATION,
    /// The driver's own, between the calls for one operation.
    pub MultipassOffset: u32,
    pub u: DXGKARG_BUILDPAGINGBUFFER_u,
    pub hSystemContext: HANDLE,
}
