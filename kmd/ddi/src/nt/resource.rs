//! Hardware resources of a device (`wdm.h`; the header packs these structs to four bytes).

use bytemuck::{Pod, Zeroable};

pub const CmResourceTypeNull: u8 = 0;
pub const CmResourceTypePort: u8 = 1;
pub const CmResourceTypeInterrupt: u8 = 2;
pub const CmResourceTypeMemory: u8 = 3;
/// Memory whose length is given in units of 256 bytes, 64 KiB or 4 GiB.
pub const CmResourceTypeMemoryLarge: u8 = 7;

pub const CM_RESOURCE_INTERRUPT_LATCHED: u16 = 1;
/// The interrupt is message-signalled.
pub const CM_RESOURCE_INTERRUPT_MESSAGE: u16 = 2;

pub const CM_RESOURCE_MEMORY_LARGE_40: u16 = 0x200;
pub const CM_RESOURCE_MEMORY_LARGE_48: u16 = 0x400;
pub const CM_RESOURCE_MEMORY_LARGE_64: u16 = 0x800;
pub const CM_RESOURCE_MEMORY_LARGE: u16 = 0xe00;

/// `u.Memory` and `u.Port`: a range of addresses.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct CM_RESOURCE_RANGE {
    /// The lower half of the physical address of the first byte.
    pub StartLow: u32,
    /// The upper half.
    pub StartHigh: u32,
    /// Bytes, or larger units by `CM_RESOURCE_MEMORY_LARGE_…`.
    pub Length: u32,
}

impl CM_RESOURCE_RANGE {
    /// A range from its address.
    #[must_use]
    pub const fn new(start: u64, length: u32) -> Self {
        // CAST: the two halves of the address.
        Self { StartLow: start as u32, StartHigh: (start >> 32) as u32, Length: length }
    }

    /// The physical address of the first byte.
    #[must_use]
    pub const fn start(self) -> u64 {
        // CAST: widening.
        (self.StartHigh as u64) << 32 | self.StartLow as u64
    }
}

/// `u.Interrupt`: a line interrupt; `u.MessageInterrupt.Translated` has the same shape.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct CM_RESOURCE_INTERRUPT {
    /// The interrupt's IRQL (`Level`; the upper half is the processor group where the build uses groups).
    pub Level: u32,
    pub Vector: u32,
    /// The lower half of the set of processors.
    pub AffinityLow: u32,
    /// The upper half.
    pub AffinityHigh: u32,
}

/// `u.MessageInterrupt.Raw`: how many messages a raw resource asks for.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct CM_RESOURCE_MESSAGE_INTERRUPT_RAW {
    pub Group: u16,
    pub MessageCount: u16,
    pub Vector: u32,
    pub AffinityLow: u32,
    pub AffinityHigh: u32,
}

union_block! {
    /// `CM_PARTIAL_RESOURCE_DESCRIPTOR::u`.
    CM_PARTIAL_RESOURCE_DESCRIPTOR_u: [u32; 4] {
        /// `u.Memory`, `u.Port`, `u.Memory40` and so on.
        Memory: CM_RESOURCE_RANGE, from_memory;
        /// `u.Interrupt` and `u.MessageInterrupt.Translated`.
        Interrupt: CM_RESOURCE_INTERRUPT, from_interrupt;
        /// `u.MessageInterrupt.Raw`.
        MessageInterruptRaw: CM_RESOURCE_MESSAGE_INTERRUPT_RAW, from_message_interrupt_raw;
    }
}

/// One resource.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
pub struct CM_PARTIAL_RESOURCE_DESCRIPTOR {
    /// `CmResourceType…`.
    pub Type: u8,
    pub ShareDisposition: u8,
    /// `CM_RESOURCE_…`.
    pub Flags: u16,
    pub u: CM_PARTIAL_RESOURCE_DESCRIPTOR_u,
}

/// Resources of one bus; `Count` descriptors follow from `PartialDescriptors` on.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
pub struct CM_PARTIAL_RESOURCE_LIST {
    pub Version: u16,
    pub Revision: u16,
    pub Count: u32,
    pub PartialDescriptors: [CM_PARTIAL_RESOURCE_DESCRIPTOR; 1],
}

/// Resources of one bus, with the bus.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
pub struct CM_FULL_RESOURCE_DESCRIPTOR {
    pub InterfaceType: u32,
    pub BusNumber: u32,
    pub PartialResourceList: CM_PARTIAL_RESOURCE_LIST,
}

/// All resources of a device; `Count` descriptors follow from `List` on.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
pub struct CM_RESOURCE_LIST {
    pub Count: u32,
    pub List: [CM_FULL_RESOURCE_DESCRIPTOR; 1],
}
