//! Allocation and patch lists, between dxgkrnl's shape and the core's.
//!
//! The core says how long they are at most; so they are converted on the stack.

use pvgpu_kmd::ddi::{AllocationListEntry, DmaStep, PatchLocation};
use pvgpu_kmd_ddi::{
    D3DDDI_PATCHLOCATIONLIST, D3DDDI_PATCHLOCATIONLIST_SLOT, DXGK_ALLOCATIONLIST, DXGK_ALLOCATIONLIST_FLAGS,
};

use crate::convert::number_of;

/// The longest list that a context of ours has.
pub(crate) const MAX_ENTRIES: usize = 64;

/// One entry of an allocation list.
pub(crate) fn allocation(entry: &DXGK_ALLOCATIONLIST) -> AllocationListEntry {
    AllocationListEntry {
        h_device_specific_allocation: number_of(entry.hDeviceSpecificAllocation),
        write_operation: entry.Flags.has(DXGK_ALLOCATIONLIST_FLAGS::WriteOperation),
        segment_id: entry.Flags.get(DXGK_ALLOCATIONLIST_FLAGS::SegmentId),
        physical_address: entry.PhysicalAddress.cast_unsigned(),
    }
}

/// Entries that fit a list of the usual length: Render's have one or two.
const FEW: usize = 4;

/// Calls `then` with a list in the core's shape; `None` when it has more entries than there can be. A short list, the usual
/// one, pays for a short array only, in time and in stack.
pub(crate) fn with_list<T: Copy + Default, U, R>(
    from: &[U],
    one: impl Fn(&U) -> T,
    then: impl FnOnce(&[T]) -> R,
) -> Option<R> {
    match from.len() {
        0..=FEW => with_array::<FEW, _, _, _>(from, one, then),
        _ => with_array::<MAX_ENTRIES, _, _, _>(from, one, then),
    }
}

/// The same with an array of that size. Not inlined, so that the large one's stack is not everybody's.
#[inline(never)]
fn with_array<const SIZE: usize, T: Copy + Default, U, R>(
    from: &[U],
    one: impl Fn(&U) -> T,
    then: impl FnOnce(&[T]) -> R,
) -> Option<R> {
    let mut entries = [T::default(); SIZE];
    let list = entries.get_mut(..from.len())?;
    for (to, from) in list.iter_mut().zip(from) {
        *to = one(from);
    }
    Some(then(list))
}

/// Where the step of a patch begins. A DMA buffer may be split there.
fn step_of(patch: &PatchLocation) -> u32 {
    patch.patch_offset - patch.patch_offset % size_of::<DmaStep>() as u32
}

/// One entry of a patch list, as dxgkrnl keeps it. An allocation takes the place of the one that was in its slot before, so
/// all that a step needs at a time are in slots of their own.
fn to_patch(patch: &PatchLocation, slot: u32) -> D3DDDI_PATCHLOCATIONLIST {
    D3DDDI_PATCHLOCATIONLIST {
        AllocationIndex: patch.allocation_index,
        Slot: D3DDDI_PATCHLOCATIONLIST_SLOT::new(slot),
        DriverId: 0,
        AllocationOffset: 0,
        PatchOffset: patch.patch_offset,
        SplitOffset: step_of(patch),
    }
}

/// One entry of a patch list, as the core made it.
pub(crate) fn patch(entry: &D3DDDI_PATCHLOCATIONLIST) -> PatchLocation {
    PatchLocation { allocation_index: entry.AllocationIndex, patch_offset: entry.PatchOffset }
}

/// Writes what the core made of a patch list to dxgkrnl's.
pub(crate) fn write_patches(to: &mut [D3DDDI_PATCHLOCATIONLIST], from: &[PatchLocation]) {
    let mut step = None;
    let mut slot = 0;
    for (to, from) in to.iter_mut().zip(from) {
        slot = if step == Some(step_of(from)) { slot + 1 } else { 0 };
        step = Some(step_of(from));
        *to = to_patch(from, slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_an_end() {
        let entry = DXGK_ALLOCATIONLIST {
            hDeviceSpecificAllocation: core::ptr::without_provenance_mut(0x77),
            Flags: DXGK_ALLOCATIONLIST_FLAGS::new(1).with(DXGK_ALLOCATIONLIST_FLAGS::SegmentId, 1),
            PhysicalAddress: 0x12_3456_7000,
        };
        let expected = AllocationListEntry {
            h_device_specific_allocation: 0x77,
            write_operation: true,
            segment_id: 1,
            physical_address: 0x12_3456_7000,
        };
        let all = [entry; MAX_ENTRIES + 1];
        for count in [0, 1, FEW, FEW + 1, MAX_ENTRIES] {
            let seen = with_list(&all[..count], allocation, |list| {
                assert!(list.iter().all(|entry| *entry == expected));
                list.len()
            });
            assert_eq!(seen, Some(count));
        }
        assert_eq!(with_list(&all, allocation, <[_]>::len), None);
    }

    #[test]
    fn patches_survive_the_way() {
        let step = size_of::<DmaStep>() as u32;
        let ours = [
            PatchLocation { allocation_index: 1, patch_offset: DmaStep::SOURCE },
            PatchLocation { allocation_index: 2, patch_offset: DmaStep::DESTINATION },
            PatchLocation { allocation_index: 2, patch_offset: step + DmaStep::DESTINATION },
        ];
        let mut theirs = [D3DDDI_PATCHLOCATIONLIST::default(); 3];
        write_patches(&mut theirs, &ours);
        assert_eq!(theirs.map(|entry| entry.SplitOffset), [0, 0, step]);
        assert_eq!(theirs.map(|entry| entry.Slot.Value), [0, 1, 0]);
        assert_eq!(theirs.map(|entry| patch(&entry)), ours);
    }
}
