//! What a mirror asks of a carrier: two channels of ordered, reliable bytes, one for what is urgent and one for bulk.
//!
//! A carrier (a pair of TCP connections, a raw stream device) hands out [`Channels`]; encryption wraps each half of a channel
//! and is a channel's half again. The mirror has one thread for each half, so that halves block and nothing here polls.

use std::fmt;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use crate::span::Span;

/// The sending half of a channel.
pub trait Sender: Send {
    /// Sends all bytes of all parts, in order; waits while the peer takes no more.
    ///
    /// # Errors
    /// What the system said, or that the channel is closed. After an error nothing can be sent any more.
    fn send(&mut self, parts: &[IoSlice<'_>]) -> io::Result<()>;

    /// Sends `head`, and behind it the bytes of a span as each of them stands there at some moment of the call.
    ///
    /// `room` is for carriers that need bytes in memory of their own; it must not be empty.
    ///
    /// # Errors
    /// As [`Sender::send`].
    fn send_from(&mut self, head: &[u8], span: Span<'_>, room: &mut [u8]) -> io::Result<()> {
        let (mut head, mut rest) = (head, span);
        loop {
            let (now, later) = rest.split_at(room.len());
            let count = now.read(room);
            self.send(&[IoSlice::new(head), IoSlice::new(room.get(..count).unwrap_or_default())])?;
            if later.is_empty() {
                return Ok(());
            }
            if count == 0 {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            (head, rest) = (&[], later);
        }
    }
}

/// The receiving half of a channel.
pub trait Receiver: Send {
    /// Waits for bytes and gives how many were written to the start of `into`; 0 when the peer has closed the channel.
    ///
    /// # Errors
    /// What the system said. After an error nothing can be received any more.
    fn receive(&mut self, into: &mut [u8]) -> io::Result<usize>;

    /// Waits for bytes that belong into a span, and gives how many have come, 0 when the peer has closed the channel. If they are more
    /// than the span has, the others stand at the start of `room`, which may be written to in any case and must not be empty.
    ///
    /// # Errors
    /// As [`Receiver::receive`]. A part of the span may have been written.
    fn receive_into(&mut self, span: Span<'_>, room: &mut [u8]) -> io::Result<usize> {
        let count = room.len().min(span.len());
        let room = room.get_mut(..count).unwrap_or_default();
        let received = self.receive(room)?;
        span.write(room.get(..received).unwrap_or_default());
        Ok(received)
    }
}

/// Ends a channel from any thread: both halves of both ends return. A second call does nothing.
pub trait Close: Send + Sync {
    /// Ends it.
    fn close(&self);
}

/// Ordered, reliable bytes in both directions.
pub struct Channel {
    /// To the peer.
    pub sender: Box<dyn Sender>,
    /// From the peer.
    pub receiver: Box<dyn Receiver>,
    /// Ends both.
    pub closer: Arc<dyn Close>,
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Channel")
    }
}

/// What a mirror runs over.
#[derive(Debug)]
pub struct Channels {
    /// Commands, fences and events: small, and nothing waits in front of them.
    pub urgent: Channel,
    /// Contents of the heap, in pieces.
    pub bulk: Channel,
}

/// Closes a channel when its time is over, unless it is dropped before: receivers have no time of their own.
#[derive(Debug)]
pub(crate) struct TimeLimit {
    /// The thread that waits ends with it.
    _alive: std::sync::mpsc::Sender<()>,
    begin: Instant,
    time: Duration,
}

impl TimeLimit {
    pub(crate) fn begin(closer: Arc<dyn Close>, time: Duration) -> io::Result<Self> {
        let (alive, over) = std::sync::mpsc::channel::<()>();
        std::thread::Builder::new().name("time limit".to_owned()).spawn(move || {
            if over.recv_timeout(time) == Err(RecvTimeoutError::Timeout) {
                closer.close();
            }
        })?;
        Ok(Self { _alive: alive, begin: Instant::now(), time })
    }

    /// Whether it is over, so that what has failed since has failed by it.
    pub(crate) fn is_over(&self) -> bool {
        self.begin.elapsed() >= self.time
    }
}
