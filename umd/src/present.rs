//! Presents: the DXGI part of the DDI, as far as it concerns the stream.
//!
//! A present is a record that makes the host write a frame into one of the back buffer's frame slots, a fence behind it, and
//! the kernel's submission and present with the fence's marker. The slots are used in turn; the runtime lets a program run ahead by as many
//! frames as there are slots, so the slot at hand is free; but see [`crate::frames`] for several large swap chains of one size.

use core::ffi::c_void;

use pvgpu_protocol::command::{HeapRange, Present, RotateResourceIdentities, present_flag};
use pvgpu_protocol::limits::MAX_FRAMES_IN_FLIGHT;
use pvgpu_protocol::staging::mip_extent;

use crate::device::Device;
use crate::error::Error;
use crate::resource::Resource;

/// The surfaces that are presented, and the sizes of their frames.
#[derive(Debug, Default)]
pub(crate) struct Presented(Vec<(u32, (u32, u32))>);

impl Presented {
    /// Notes a present; true when frames of this size are another surface's, too.
    fn note(&mut self, surface: u32, size: (u32, u32)) -> bool {
        if !self.0.contains(&(surface, size)) {
            self.0.push((surface, size));
        }
        self.0.iter().any(|(other, of)| *other != surface && *of == size)
    }

    /// The surface is presented no more.
    pub fn forget(&mut self, surface: u32) {
        self.0.retain(|(known, _)| *known != surface);
    }
}

impl Device {
    /// `Present`: shows a subresource of a presentable resource. `dxgi_context` is DXGI's, for its callback; `keep`: no newer frame may
    /// take this one's place.
    ///
    /// # Errors
    /// [`Error::DeviceRemoved`]; [`Error::BadArgument`] for a resource that is not presentable.
    pub fn present(
        &mut self,
        source: &Resource,
        src_subresource: u32,
        destination: Option<&Resource>,
        dxgi_context: *mut c_void,
        keep: bool,
    ) -> Result<(), Error> {
        let surface =
            source.surface.as_ref().ok_or(Error::BadArgument("presents of a resource without PRESENT"))?;
        let mip = src_subresource.checked_rem(source.shape.mip_levels).unwrap_or(0);
        let (width, height) = (mip_extent(source.shape.width, mip), mip_extent(source.shape.height, mip));
        let (slot, frame, row_pitch) = match &surface.frames {
            Some(frames) => {
                let slot = frames.next.get();
                frames.next.set((slot + 1) % MAX_FRAMES_IN_FLIGHT);
                let offset = frames.block.offset() + u64::from(slot) * frames.frame_bytes;
                let length = u64::from(frames.row_pitch) * u64::from(height);
                (slot, HeapRange { offset, length }, frames.row_pitch)
            }
            None => (0, HeapRange::default(), width.saturating_mul(4)),
        };
        self.presents += 1;
        // A link knows a series of frames by its context and their size, and must not take one window's frame for another's.
        let keep = self.presented.note(source.id, (width, height)) || keep;
        self.context.emit(&Present {
            frame,
            src: source.id,
            src_subresource,
            width,
            height,
            row_pitch,
            flags: if keep { present_flag::KEEP } else { 0 },
            sequence: self.presents,
        })?;
        let context = &mut self.context;
        context.stream.fence(&mut *context.kernel)?;
        context.stream.kick(&mut *context.kernel);
        if context.stream.is_removed() {
            return Err(Error::DeviceRemoved);
        }
        let marker = context.stream.marker(slot);
        let shown_on = destination
            .and_then(|resource| resource.surface.as_ref())
            .map_or(0, |surface| surface.allocation);
        context.kernel.render(&marker)?;
        context.stream.submitted(&mut *context.kernel)?;
        context.kernel.present(surface.allocation, shown_on, dxgi_context, &marker)
    }

    /// `RotateResourceIdentities`: each resource takes the contents of the next, the last those of the first.
    ///
    /// # Errors
    /// [`Error::DeviceRemoved`].
    pub fn rotate_resource_identities(&mut self, resources: &[u32]) -> Result<(), Error> {
        if resources.len() < 2 {
            return Ok(());
        }
        self.context.emit(&RotateResourceIdentities { resources })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_two_surfaces_are_told_apart_by_size_only() {
        let mut presented = Presented::default();
        assert!(!presented.note(1, (640, 480)));
        assert!(!presented.note(1, (640, 480)), "the same one again");
        assert!(!presented.note(2, (800, 600)));
        assert!(presented.note(3, (640, 480)));
        assert!(presented.note(1, (640, 480)));
        presented.forget(3);
        assert!(!presented.note(1, (640, 480)));
    }
}
