//! One connection after its handshake.

use std::net::TcpStream;

use crate::carrier::Channel;
use crate::secure::{MAX_RECORD, SessionKeys, sealed_channel};
use crate::stream;

/// One authenticated connection of a session. It may be taken apart, its socket and its keys (which serialise) be handed to another
/// process, and be put together again there: the keys say which record comes next.
#[derive(Debug)]
pub struct Half {
    /// The connection; nothing of the session has been read from it.
    pub stream: TcpStream,
    /// Its keys; none on a link that is trusted.
    pub keys: Option<SessionKeys>,
}

impl Half {
    /// The carrier's channel.
    pub fn into_channel(self) -> Channel {
        let channel = stream::channel(self.stream);
        match self.keys {
            Some(keys) => sealed_channel(channel, keys, MAX_RECORD),
            None => channel,
        }
    }
}
