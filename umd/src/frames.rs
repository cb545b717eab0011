//! The memory that presented frames are written into, and which surfaces share it.
//!
//! Each surface may be presented, so each could have frames of its own. But a swap chain presents one of its buffers ever
//! and rotates what they hold, and sixteen buffers of a large screen would fill the heap with frames that nobody writes. So
//! surfaces have frames of their own only as long as those of a context take little; after that, a surface takes those of an
//! earlier one of its size. Several such chains of one size in one device then take turns with the same frames: with more presents
//! under way than there are frames, one may show the other's picture.

use core::cell::Cell;
use std::rc::{Rc, Weak};

use pvgpu_protocol::limits::MAX_FRAMES_IN_FLIGHT;

use crate::context::Context;
use crate::error::Error;
use crate::heap::Block;

/// Frames and their rows begin at multiples of this, in bytes: rows are copied by whole words, frames lie on pages.
const ROW_ALIGN: u32 = 8;
const ALIGN: u64 = 4096;
/// Bytes up to which surfaces have frames of their own: three buffers of 1920×1080, of a heap of 256 MiB, the usual size.
const OWN_BYTES: u64 = 96 << 20;

/// The frames of one or more surfaces, used in turn.
#[derive(Debug)]
pub(crate) struct Frames {
    pub block: Block,
    /// Bytes from row to row.
    pub row_pitch: u32,
    /// Bytes from frame to frame.
    pub frame_bytes: u64,
    /// The frame for the next present.
    pub next: Cell<u32>,
}

/// The frames of a context's surfaces.
#[derive(Debug, Default)]
pub(crate) struct FramePool {
    known: Vec<Weak<Frames>>,
}

impl FramePool {
    /// Frames for a surface of this size.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn take(&mut self, context: &mut Context, width: u32, height: u32) -> Result<Rc<Frames>, Error> {
        let row_pitch = width.checked_mul(4).and_then(|bytes| bytes.checked_next_multiple_of(ROW_ALIGN));
        let row_pitch = row_pitch.ok_or(Error::OutOfMemory)?;
        let frame_bytes = (u64::from(row_pitch) * u64::from(height)).checked_next_multiple_of(ALIGN);
        let frame_bytes = frame_bytes.ok_or(Error::OutOfMemory)?;
        let all = |frame_bytes: u64| frame_bytes.checked_mul(u64::from(MAX_FRAMES_IN_FLIGHT));
        let bytes = all(frame_bytes).ok_or(Error::OutOfMemory)?;

        self.known.retain(|frames| frames.strong_count() != 0);
        let live = || self.known.iter().filter_map(Weak::upgrade);
        let taken: u64 = live().filter_map(|frames| all(frames.frame_bytes)).sum();
        if taken.saturating_add(bytes) > OWN_BYTES {
            // The last one: the first is the one that its swap chain presents.
            let same =
                |frames: &Rc<Frames>| (frames.row_pitch, frames.frame_bytes) == (row_pitch, frame_bytes);
            if let Some(frames) = live().rfind(same) {
                return Ok(frames);
            }
        }
        let block = context.allocate(bytes, ALIGN)?;
        let frames = Rc::new(Frames { block, row_pitch, frame_bytes, next: Cell::new(0) });
        self.known.push(Rc::downgrade(&frames));
        Ok(frames)
    }

    /// Gives a surface's frames back.
    pub fn give_back(context: &mut Context, frames: Rc<Frames>) {
        if let Ok(frames) = Rc::try_unwrap(frames) {
            context.free(frames.block);
        }
    }
}
