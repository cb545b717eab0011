//! A device that carries frames, and what can be waited for.

use std::io;
use std::time::Duration;

use super::frame::FRAME_BYTES;

/// What a wait is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// There is something to read.
    Readable,
    /// There is room for a frame.
    Writable,
}

/// A stream device, as Linux' `drivers/thunderbolt/stream.c` has it: one frame for each write, but a stream of bytes for reads.
/// Two threads use it, one for each direction.
pub(super) trait FrameDevice: Send + Sync {
    /// Reads what has come: a part of a frame, or several frames and a part; the device does not keep their borders. 0 is
    /// the other end's close frame, and is said once.
    ///
    /// # Errors
    /// `WouldBlock` when nothing has come; anything else is the end.
    fn read(&self, into: &mut [u8]) -> io::Result<usize>;

    /// Writes one frame of 1 to [`FRAME_BYTES`] bytes, whole or not at all.
    ///
    /// # Errors
    /// `WouldBlock` when the ring is full; anything else is the end.
    fn write_frame(&self, frame: &[u8]) -> io::Result<()>;

    /// Waits until a read or a write may do something, or the time is over. Waits to read also end by [`FrameDevice::wake`].
    ///
    /// # Errors
    /// What the system said, or that the cable is gone.
    fn wait(&self, what: Wait, timeout: Duration) -> io::Result<()>;

    /// Ends all waits to read, also those to come.
    fn wake(&self);
}

/// Whether `bytes` is what a device takes at once.
pub(super) fn is_frame(bytes: &[u8]) -> bool {
    (1..=FRAME_BYTES).contains(&bytes.len())
}
