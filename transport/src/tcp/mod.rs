//! The network carrier: two TCP connections for each guest, one for what is urgent and one for bulk, authenticated and encrypted.
//!
//! ```text
//!  guest                                     host
//!  connect twice, shake hands on both ─────► one thread for each connection, until its handshake is over
//!                                            both of one session there? then accept() gives them
//!  Half ◄──────── verdict on both ────────── Half
//!    │ into_channel                            │ keys and socket may go to another process first
//!  Channel                                   Channel
//! ```
//!
//! [`Listener`] bounds what strangers can cost: [`MAX_HANDSHAKES`] handshakes at a time, each for [`Options::handshake_time`] at most, and a
//! budget for each address. Without encryption ([`Options::trust_link`]) both addresses must be of one cable or one machine.
//! `docs/security-of-links.md` has the messages and the limits.

mod address;
mod budget;
mod connect;
mod error;
mod half;
mod listener;
mod socket;

use std::fmt;
use std::time::Duration;

pub use address::is_one_cable;
pub use connect::{Connected, connect, pair};
pub use error::TcpError;
pub use half::Half;
pub use listener::{Accepted, Door, Event, Listener, MAX_HANDSHAKES, Report};

use crate::secure::{self, PublicKey};

/// How to carry.
#[derive(Clone, Debug)]
pub struct Options {
    /// No encryption and no keys; both ends must say so, and both addresses be of one cable or one machine.
    pub trust_link: bool,
    /// How long an address may take to answer.
    pub connect_time: Duration,
    /// How long a handshake may take, all of it.
    pub handshake_time: Duration,
    /// How long its first byte may take.
    pub first_byte_time: Duration,
    /// A peer that acknowledges nothing for so long is gone (Linux; of the urgent connection).
    pub dead_after: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            trust_link: false,
            connect_time: Duration::from_secs(3),
            handshake_time: Duration::from_secs(5),
            first_byte_time: Duration::from_secs(2),
            dead_after: Duration::from_secs(1),
        }
    }
}

/// Who is at the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A machine that this one is paired with.
    Paired {
        /// What people call it.
        name: String,
        /// Its key.
        key: PublicKey,
    },
    /// Whoever is at the other end of a cable that is trusted.
    Trusted,
}

impl From<secure::Peer> for Peer {
    fn from(secure::Peer { name, key, .. }: secure::Peer) -> Self {
        Self::Paired { name, key }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Paired { name, key } => write!(f, "{name} ({})", key.fingerprint()),
            Self::Trusted => f.write_str("whoever is at the other end of the cable"),
        }
    }
}

#[cfg(test)]
mod tests;
