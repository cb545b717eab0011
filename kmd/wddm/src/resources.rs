//! What PnP gave the device: an ivshmem device's registers, aperture and interrupt, or nothing at all.
#![expect(unsafe_code, reason = "the resource list is behind a pointer, and of variable length")]
#![expect(non_upper_case_globals, reason = "resource types have the names of the headers")]

use core::ptr::addr_of;

use pvgpu_kmd_ddi::{
    CM_FULL_RESOURCE_DESCRIPTOR, CM_PARTIAL_RESOURCE_DESCRIPTOR, CM_PARTIAL_RESOURCE_LIST,
    CM_RESOURCE_INTERRUPT_MESSAGE, CM_RESOURCE_LIST, CM_RESOURCE_MEMORY_LARGE, CM_RESOURCE_MEMORY_LARGE_40,
    CM_RESOURCE_MEMORY_LARGE_48, CM_RESOURCE_MEMORY_LARGE_64, CmResourceTypeInterrupt, CmResourceTypeMemory,
    CmResourceTypeMemoryLarge,
};
use pvgpu_protocol::limits::MIN_APERTURE_BYTES;

/// Resources that are looked at; a PCI function has six BARs and one set of interrupts.
const MAX_RESOURCES: u32 = 64;

/// A range of physical addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MemoryRange {
    /// The first byte.
    pub(crate) start: u64,
    /// How many.
    pub(crate) bytes: u64,
}

/// How the device interrupts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interrupt {
    /// Not at all.
    None,
    /// By a shared line.
    Line,
    /// By messages of its own.
    Message,
}

/// The resources that matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resources {
    /// BAR0 of an ivshmem device.
    pub(crate) registers: Option<MemoryRange>,
    /// BAR2 of an ivshmem device.
    pub(crate) aperture: Option<MemoryRange>,
    /// The interrupt.
    pub(crate) interrupt: Interrupt,
}

impl Resources {
    /// No resources.
    pub(crate) const NONE: Self = Self { registers: None, aperture: None, interrupt: Interrupt::None };

    /// Takes one resource in. BARs come in their order: the registers' is the first small one, the aperture's the first that
    /// is large enough to be one; between them lies the table of messages, which is the bus driver's business.
    fn take(&mut self, resource: &CM_PARTIAL_RESOURCE_DESCRIPTOR) {
        match resource.Type {
            CmResourceTypeInterrupt => {
                self.interrupt = if resource.Flags & CM_RESOURCE_INTERRUPT_MESSAGE != 0 {
                    Interrupt::Message
                } else {
                    Interrupt::Line
                };
            }
            CmResourceTypeMemory | CmResourceTypeMemoryLarge => {
                let range = resource.u.Memory();
                let shift = match (resource.Type, resource.Flags & CM_RESOURCE_MEMORY_LARGE) {
                    (CmResourceTypeMemoryLarge, CM_RESOURCE_MEMORY_LARGE_40) => 8,
                    (CmResourceTypeMemoryLarge, CM_RESOURCE_MEMORY_LARGE_48) => 16,
                    (CmResourceTypeMemoryLarge, CM_RESOURCE_MEMORY_LARGE_64) => 32,
                    _ => 0,
                };
                let range = MemoryRange { start: range.start(), bytes: u64::from(range.Length) << shift };
                let place =
                    if range.bytes >= MIN_APERTURE_BYTES { &mut self.aperture } else { &mut self.registers };
                place.get_or_insert(range);
            }
            _ => {}
        }
    }

    /// Reads `TranslatedResourceList`; null is an empty one. `PASSIVE_LEVEL`.
    ///
    /// # Safety
    /// `list` is null or a complete list.
    pub(crate) unsafe fn read(list: *const CM_RESOURCE_LIST) -> Self {
        let mut resources = Self::NONE;
        if list.is_null() {
            return resources;
        }
        // SAFETY: inside the head of a complete list.
        let buses = unsafe { addr_of!((*list).Count) };
        // SAFETY: there, perhaps not aligned.
        let buses = unsafe { buses.read_unaligned() };
        if buses == 0 {
            return resources;
        }
        // A PCI function and a root device have the resources of one bus; further ones would follow, at a place that depends
        // on what stands in the first.
        // SAFETY: inside the head of the list.
        let full: *const CM_FULL_RESOURCE_DESCRIPTOR = unsafe { addr_of!((*list).List) }.cast();
        // SAFETY: inside the first full descriptor, which is there since the count is not 0.
        let partial: *const CM_PARTIAL_RESOURCE_LIST = unsafe { addr_of!((*full).PartialResourceList) };
        // SAFETY: inside the partial list's head.
        let count = unsafe { addr_of!((*partial).Count) };
        // SAFETY: there, perhaps not aligned.
        let count = unsafe { count.read_unaligned() };
        // SAFETY: where the descriptors begin.
        let first: *const CM_PARTIAL_RESOURCE_DESCRIPTOR =
            unsafe { addr_of!((*partial).PartialDescriptors) }.cast();
        for index in 0..count.min(MAX_RESOURCES) as usize {
            // SAFETY: the list has `count` of them.
            let place = unsafe { first.add(index) };
            // SAFETY: a descriptor, perhaps not aligned.
            resources.take(&unsafe { place.read_unaligned() });
        }
        resources
    }
}

#[cfg(test)]
mod tests {
    use bytemuck::Zeroable;
    use pvgpu_kmd_ddi::{
        CM_PARTIAL_RESOURCE_DESCRIPTOR_u, CM_RESOURCE_INTERRUPT, CM_RESOURCE_RANGE, CmResourceTypePort,
    };

    use super::*;

    #[repr(C)]
    struct List {
        head: CM_RESOURCE_LIST,
        rest: [CM_PARTIAL_RESOURCE_DESCRIPTOR; 7],
    }

    fn memory(kind: u8, flags: u16, start: u64, length: u32) -> CM_PARTIAL_RESOURCE_DESCRIPTOR {
        let u = CM_PARTIAL_RESOURCE_DESCRIPTOR_u::from_memory(CM_RESOURCE_RANGE::new(start, length));
        CM_PARTIAL_RESOURCE_DESCRIPTOR { Type: kind, ShareDisposition: 1, Flags: flags, u }
    }

    fn interrupt(flags: u16) -> CM_PARTIAL_RESOURCE_DESCRIPTOR {
        let u = CM_PARTIAL_RESOURCE_DESCRIPTOR_u::from_interrupt(CM_RESOURCE_INTERRUPT::default());
        CM_PARTIAL_RESOURCE_DESCRIPTOR { Type: CmResourceTypeInterrupt, ShareDisposition: 3, Flags: flags, u }
    }

    fn read(descriptors: &[CM_PARTIAL_RESOURCE_DESCRIPTOR]) -> Resources {
        let mut list =
            List { head: CM_RESOURCE_LIST::zeroed(), rest: [CM_PARTIAL_RESOURCE_DESCRIPTOR::zeroed(); 7] };
        list.head.Count = 1;
        let partial = &mut list.head.List[0].PartialResourceList;
        partial.Count = u32::try_from(descriptors.len()).expect("few");
        for (index, descriptor) in descriptors.iter().enumerate() {
            match index.checked_sub(1) {
                None => partial.PartialDescriptors[0] = *descriptor,
                Some(index) => list.rest[index] = *descriptor,
            }
        }
        // SAFETY: a list with as many descriptors as it says, one right behind the other.
        unsafe { Resources::read(core::ptr::from_ref(&list).cast()) }
    }

    #[test]
    fn bars_and_interrupts() {
        // SAFETY: null is an empty list.
        assert_eq!(unsafe { Resources::read(core::ptr::null()) }, Resources::NONE);
        assert_eq!(read(&[]), Resources::NONE);
        let large = 256 << 20;
        let found = read(&[
            memory(CmResourceTypePort, 0, 0x3c0, 32),
            memory(CmResourceTypeMemory, 0, 0xfebf_1000, 256),
            memory(CmResourceTypeMemory, 0, 0xfebf_2000, 4096),
            memory(CmResourceTypeMemory, 0, 0x38_0000_0000, large),
            interrupt(CM_RESOURCE_INTERRUPT_MESSAGE | 1),
        ]);
        assert_eq!(found.registers, Some(MemoryRange { start: 0xfebf_1000, bytes: 256 }));
        assert_eq!(found.aperture, Some(MemoryRange { start: 0x38_0000_0000, bytes: u64::from(large) }));
        assert_eq!(found.interrupt, Interrupt::Message);
        assert_eq!(read(&[interrupt(0)]).interrupt, Interrupt::Line);
    }

    #[test]
    fn large_units() {
        let check = |flags, length, bytes| {
            let found = read(&[memory(CmResourceTypeMemoryLarge, flags, 1 << 33, length)]);
            assert_eq!(found.aperture, Some(MemoryRange { start: 1 << 33, bytes }), "{flags:#x}");
        };
        check(CM_RESOURCE_MEMORY_LARGE_40, 8 << 22, 8 << 30);
        check(CM_RESOURCE_MEMORY_LARGE_48, 8 << 14, 8 << 30);
        check(CM_RESOURCE_MEMORY_LARGE_64, 2, 8 << 30);
    }
}
