//! What a mirror asks of a carrier: two channels of ordered, reliable bytes, one for what is urgent and one for bulk.
//!
//! A carrier (a pair of TCP connections, a raw stream device) hands out [`Channels`]; encryption wraps each half of a channel
//! and is a channel's half again. The mirror has one thread for each half, so that halves block and nothing here polls.

use std::fmt;
use std::io::{self, IoSlice};
use std::sync::Arc;

/// The sending half of a channel.
pub trait Sender: Send {
    /// Sends all bytes of all parts, in order; waits while the peer takes no more.
    ///
    /// # Errors
    /// What the system said, or that the channel is closed. After an error nothing can be sent any more.
    fn send(&mut self, parts: &[IoSlice<'_>]) -> io::Result<()>;
}

/// The receiving half of a channel.
pub trait Receiver: Send {
    /// Waits for bytes and gives how many were written to the start of `into`; 0 when the peer has closed the channel.
    ///
    /// # Errors
    /// What the system said. After an error nothing can be received any more.
    fn receive(&mut self, into: &mut [u8]) -> io::Result<usize>;
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
