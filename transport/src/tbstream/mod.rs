//! Raw stream devices over a Thunderbolt or USB4 cable: `/dev/tbstreamN`, between two Linux machines.
//!
//! Linux 7.2 has the driver `thunderbolt_stream`: what is written to the device on one machine is read from the device on the
//! other, through the controllers' DMA rings and no network stack. It carries frames of up to 4 KiB in rings of 32 to 4,096, with
//! flow control by the hardware, and a last frame that says "closed". `docs/thunderbolt.md` says how to make such a device.
//!
//! A device is one stream, and a mirror wants two channels, so a mux shares it: `frame` has the records, `mux` the rules, `run` the
//! threads. Urgent bytes go before bulk that is still queued here; what the device already has in its ring goes first. Both channels
//! then begin with the handshake of [`crate::secure`] (`session`). [`connect`] is the guest's end, [`Host`] the host's: it serves one
//! guest at a time, and opens the device again when that has gone.
//!
//! # Invariants
//! - What the other end sends is checked before anything is done with it, and nothing it sends makes this end buffer more
//!   than it has allowed. A violation ends the stream with a sentence that says which.
//! - A program that does not read one channel does not hold up the other.
//! - The mux's own records are not authenticated, nor protected from an error that the cable's checksum misses: the encryption
//!   above is for that. Who forges them can end the stream, as who pulls the cable can.

#[cfg(target_os = "linux")]
mod device;
mod error;
#[cfg(target_os = "linux")]
mod file;
#[cfg(target_os = "linux")]
mod frame;
#[cfg(target_os = "linux")]
mod host;
#[cfg(all(test, target_os = "linux"))]
mod model;
#[cfg(target_os = "linux")]
mod mux;
#[cfg(target_os = "linux")]
mod run;
mod session;

use std::io;
use std::path::Path;
use std::time::Duration;

pub use error::StreamError;
#[cfg(target_os = "linux")]
pub use host::{Accepted, Callbacks, Half, Host, Notice};
pub use session::{LinkError, connect, pair};

use crate::carrier::Channels;

/// Bytes of a frame that the device takes at once (`TB_MAX_FRAME_SIZE`).
const FRAME_BYTES: usize = 4096;
/// Bytes of a record's header.
const HEADER_BYTES: usize = 16;
/// Payload of a full record.
const PIECE_BYTES: usize = FRAME_BYTES - HEADER_BYTES;
/// How long [`open`] waits for the other end.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Opens a stream device and waits, for [`PATIENCE`] at most, until pvgpu on the other machine has opened its end.
///
/// The channels are one stream: what closes or breaks one of them ends both, and dropping all halves and closers closes it.
///
/// # Errors
/// An [`io::Error`] around a [`StreamError`], whose sentence says what to do.
pub fn open(path: &Path) -> io::Result<Channels> {
    open_within(path, PATIENCE)
}

/// [`open`] with a patience of one's own.
///
/// # Errors
/// As [`open`].
#[cfg(target_os = "linux")]
pub fn open_within(path: &Path, patience: Duration) -> io::Result<Channels> {
    let number = || {
        let mut number = [0; 4];
        getrandom::getrandom(&mut number).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(u32::from_le_bytes(number))
    };
    run::open(|| Ok(std::sync::Arc::new(file::StreamFile::open(path)?)), number, patience)
}

/// [`open`] with a patience of one's own.
///
/// # Errors
/// [`StreamError::NotLinux`].
#[cfg(not(target_os = "linux"))]
pub fn open_within(_path: &Path, _patience: Duration) -> io::Result<Channels> {
    Err(StreamError::NotLinux.into())
}

/// Takes `bytes` as what another end sent, in pieces of `piece` bytes, to an end of session 1 whose program reads nothing; and
/// gives how many bytes of both channels wait to be read. For the fuzzer.
///
/// # Errors
/// What is wrong with the bytes.
#[cfg(target_os = "linux")]
#[doc(hidden)]
pub fn take_hostile(bytes: &[u8], piece: usize) -> Result<usize, StreamError> {
    let mut mux = mux::Mux::new(1);
    let mut frame = [0; FRAME_BYTES];
    for piece in bytes.chunks(piece.max(1)) {
        mux.received(piece)?;
        while mux.next_frame(&mut frame).is_some() {}
    }
    Ok(frame::Lane::ALL.into_iter().map(|lane| mux.waiting(lane)).sum())
}
