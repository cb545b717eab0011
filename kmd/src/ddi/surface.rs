//! Where the pixels of allocations lie, and who may get at them.

use pvgpu_protocol::aperture::PAGE_BYTES;
use pvgpu_protocol::command::{HeapRange, scanout_format};
use pvgpu_protocol::kernel_interface::{AllocationData, StandardAllocationData};
use pvgpu_protocol::limits::MAX_FRAMES_IN_FLIGHT;

use super::allocation::{Allocation, FRAME_FORMAT, OpenedAllocation, Shape, bad, frames};
use super::segment::SEGMENT_ID;
use crate::core_state::Core;
use crate::display::Surface;
use crate::kernel::Kernel;
use crate::slab::Slab;
use crate::status::{Handle, Status};

impl<K: Kernel> Core<K> {
    /// The allocation that a device has opened, for a call of one of its contexts.
    pub(crate) fn opened_by(&self, h_device: u64, h_device_specific_allocation: u64) -> Result<u64, Status> {
        let opened =
            self.opened.get(h_device_specific_allocation).ok_or(Status::BadHandle(Handle::Allocation))?;
        if opened.h_device != h_device {
            return Err(Status::NotOwner(Handle::Allocation));
        }
        self.allocations.get(opened.h_allocation).ok_or(Status::BadHandle(Handle::Allocation))?;
        Ok(opened.h_allocation)
    }

    /// Where an allocation's pixels lie: frame `frame` of frames, and what is at `address` in the segment otherwise.
    ///
    /// # Errors
    /// [`Status::BadHandle`] also when the context of frames is gone; [`Status::BadField`] for a frame that it has not or
    /// an address where it cannot lie.
    pub(crate) fn surface(&mut self, h_allocation: u64, frame: u32, address: u64) -> Result<Surface, Status> {
        let allocation = *self.allocations.get(h_allocation).ok_or(Status::BadHandle(Handle::Allocation))?;
        match allocation.shape {
            Shape::Frames { h_context, data, .. } => {
                self.contexts.get(h_context)?;
                let AllocationData { width, height, row_pitch: pitch, .. } = data;
                if frames(&data).is_none() || frame >= MAX_FRAMES_IN_FLIGHT {
                    return Err(bad("frame", u64::from(frame), "the allocation has such a frame"));
                }
                // Does not overflow: all frames lie inside the heap.
                let offset = data.frames_offset + u64::from(frame) * data.frame_bytes;
                let range = HeapRange { offset, length: u64::from(pitch) * u64::from(height) };
                Ok(Surface { range, width, height, pitch, format: FRAME_FORMAT, address: offset })
            }
            Shape::Standard(data) => {
                let segment = self.segment_range().ok_or(Status::DeviceRemoved)?;
                let end = address.checked_add(data.bytes);
                let inside = address >= segment.offset
                    && end.is_some_and(|end| end <= segment.offset + segment.length);
                if !inside || !address.is_multiple_of(PAGE_BYTES) {
                    return Err(bad("SegmentAddress", address, "the allocation lies in the segment"));
                }
                let StandardAllocationData { width, height, pitch, format, bytes, .. } = data;
                let range = HeapRange { offset: address, length: bytes };
                Ok(Surface { range, width, height, pitch, format, address })
            }
        }
    }

    /// Whether an allocation is there, and the context of its frames, if it has frames.
    pub(crate) fn is_alive(&mut self, h_allocation: u64) -> bool {
        match self.allocations.get(h_allocation) {
            Some(Allocation { shape: Shape::Frames { h_context, .. } }) => {
                let h_context = *h_context;
                self.contexts.get(h_context).is_ok()
            }
            Some(Allocation { shape: Shape::Standard(_) }) => true,
            None => false,
        }
    }

    /// Whether the screen can show a surface: it has the size of the committed mode and a format that screens have. Any
    /// process can have others, and for those the host would remove the adapter.
    pub(crate) fn can_show(&self, surface: &Surface) -> bool {
        let of_mode = self.display.source.mode().is_some_and(|committed| {
            (committed.mode.width, committed.mode.height) == (surface.width, surface.height)
        });
        of_mode && scanout_format::is_known(surface.format)
    }

    /// Whether dxgkrnl's memory manager places the allocation; frames lie where they lie.
    pub(crate) fn is_placed(&self, h_allocation: u64) -> bool {
        matches!(self.allocations.get(h_allocation), Some(Allocation { shape: Shape::Standard(_) }))
    }

    /// The frame of an allocation that was presented last.
    pub(crate) fn frame_shown(&self, h_allocation: u64) -> u32 {
        match self.allocations.get(h_allocation) {
            Some(Allocation { shape: Shape::Frames { shown, .. } }) => *shown,
            _ => 0,
        }
    }

    /// Notes the frame of an allocation that is presented.
    pub(crate) fn set_frame_shown(&mut self, h_allocation: u64, frame: u32) {
        if let Some(Allocation { shape: Shape::Frames { shown, .. } }) =
            self.allocations.get_mut(h_allocation)
        {
            *shown = frame;
        }
    }

    /// Closes what a device has left open.
    pub(crate) fn close_allocations_of(&mut self, h_device: u64) {
        let next = |opened: &Slab<OpenedAllocation>| {
            opened.iter().find(|(_, opened)| opened.h_device == h_device).map(|(handle, _)| handle)
        };
        while let Some(handle) = next(&self.opened) {
            self.opened.remove(handle);
        }
    }
}

/// The address that an entry of an allocation list gives, 0 when it gives none.
pub(crate) fn address_in(segment_id: u32, address: u64) -> u64 {
    if segment_id == SEGMENT_ID { address } else { 0 }
}
