//! Who is at the other end of a link, and that nobody else reads or writes it: keys, handshake, records, pairing.
//!
//! For carriers between machines ([`crate::tcp`], and devices with channels of their own); `docs/security-of-links.md` has the threat
//! model and the messages byte by byte. In short: each machine has one static key ([`Identity`]) and a list of those that it is
//! paired with ([`Peers`]). A channel begins with a Noise XX handshake ([`handshake`]) over any pair of a
//! [`Sender`](crate::carrier::Sender) and a [`Receiver`](crate::carrier::Receiver), and then carries sealed records
//! ([`SealedSender`], [`SealedReceiver`]).
//!
//! # Invariants
//! - Every message of the handshake has one fixed length; the only length that is read from a peer is a record's, of 16 bits.
//! - No byte that a peer sends can cause a panic or an allocation.
//! - A guest says who it is only to a host whose key it knows.

mod error;
pub mod handshake;
mod keys;
pub mod pairing;
mod peers;
mod random;
mod record;

pub use error::{Action, SecureError};
pub use keys::{Fingerprint, Identity, KEYS_VARIABLE, KeysError, PublicKey, keys_folder};
pub use peers::{MAX_PEERS, Peer, Peers, PeersError, Role, clean_name, machine_name};
pub use random::random;
pub use record::{
    DirectionKeys, MAX_RECORD, Opener, RECORD_OVERHEAD, REKEY_AFTER, RecordError, SealedReceiver,
    SealedSender, Sealer, SessionKeys, sealed_channel,
};

#[cfg(test)]
mod tests;
