//! Who is at the other end of a stream: the handshake of both of its channels, on each end.
//!
//! A stream's channels are like the two connections of [`crate::tcp`], with the same messages on each and a binding over both: each has
//! keys and a count of records of its own, since nothing orders one channel's bytes after the other's. They come up together, so that
//! nobody waits for the other one.

use std::fmt;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::{PIECE_BYTES, open_within};
use crate::carrier::{Channel, Channels, TimeLimit};
use crate::secure::handshake::{self, Duplex, Expected, Lane};
use crate::secure::pairing::{self, Code};
use crate::secure::{
    self, Identity, Peers, RECORD_OVERHEAD, SecureError, SessionKeys, machine_name, random, sealed_channel,
};
use crate::tcp::Options;

/// Bytes that a sealed record holds: with its own overhead and the mux's header it fills a frame.
pub(super) const RECORD_BYTES: usize = PIECE_BYTES - RECORD_OVERHEAD;

/// Why a guest has no link over a stream.
#[derive(Debug)]
pub enum LinkError {
    /// The device cannot be used, or nobody is there; an [`io::Error`] around a [`StreamError`](super::StreamError).
    Stream(io::Error),
    /// The handshake has failed.
    Handshake(SecureError),
}

impl LinkError {
    /// Whether it only means that nobody is there, which may be otherwise a moment later.
    pub fn is_absence(&self) -> bool {
        use io::ErrorKind::{InvalidData, InvalidInput, PermissionDenied, Unsupported};
        match self {
            Self::Stream(error) => {
                !matches!(error.kind(), InvalidData | InvalidInput | PermissionDenied | Unsupported)
            }
            Self::Handshake(_) => false,
        }
    }
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(error) => error.fmt(f),
            Self::Handshake(error) => write!(f, "no link over the stream: {error}"),
        }
    }
}

impl std::error::Error for LinkError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Stream(source) => Some(source),
            Self::Handshake(source) => Some(source),
        }
    }
}

/// Opens a stream device, waits for `patience` at most for a host at its other end, and shakes hands with it, which must be among the
/// peers (or, on a link that is trusted, whoever is there).
///
/// # Errors
/// [`LinkError`].
pub fn connect(
    path: &Path,
    identity: &Identity,
    peers: &Peers,
    options: &Options,
    patience: Duration,
) -> Result<Channels, LinkError> {
    let channels = open_within(path, patience).map_err(LinkError::Stream)?;
    initiate(channels, identity, peers, options).map_err(LinkError::Handshake)
}

/// Pairs with the host at the other end of a stream that shows this code, and keeps it among the peers; gives it as it is kept.
///
/// # Errors
/// [`LinkError`].
pub fn pair(
    path: &Path,
    identity: &Identity,
    peers: &Peers,
    code: &Code,
    options: &Options,
) -> Result<secure::Peer, LinkError> {
    let mut channels = open_within(path, super::PATIENCE).map_err(LinkError::Stream)?;
    let limit = limit(&channels, options).map_err(LinkError::Handshake)?;
    let paired = pairing::initiate(&mut duplex(&mut channels.urgent), identity, code, &machine_name());
    let host = paired.map_err(|error| in_time(&limit, error)).map_err(LinkError::Handshake)?;
    peers.add(host).map_err(|error| LinkError::Handshake(SecureError::Peers(error)))
}

/// The guest's end of a handshake.
pub(super) fn initiate(
    mut channels: Channels,
    identity: &Identity,
    peers: &Peers,
    options: &Options,
) -> Result<Channels, SecureError> {
    let limit = limit(&channels, options)?;
    let keys = initiate_both(&mut channels, identity, peers, options.trust_link);
    let keys = keys.map_err(|error| in_time(&limit, error))?;
    Ok(sealed(channels, keys))
}

fn initiate_both(
    Channels { urgent, bulk }: &mut Channels,
    identity: &Identity,
    peers: &Peers,
    trust_link: bool,
) -> Result<Option<[SessionKeys; 2]>, SecureError> {
    let session = random()?;
    if trust_link {
        handshake::initiate_plain(&mut duplex(urgent), Lane::Urgent, session)?;
        handshake::initiate_plain(&mut duplex(bulk), Lane::Bulk, session)?;
        return Ok(None);
    }
    let expected = Expected { peers, address: None };
    let begin = |channel: &mut Channel, lane| {
        handshake::initiate(&mut duplex(channel), lane, session, identity, expected)
    };
    let (mut first, _) = begin(urgent, Lane::Urgent)?;
    let (mut second, _) = begin(bulk, Lane::Bulk)?;
    if first.key != second.key {
        return Err(SecureError::Unbound);
    }
    let binding = handshake::binding(&[&first.hash, &second.hash]);
    handshake::receive_verdict(&mut duplex(urgent), &mut first.keys, &binding)?;
    handshake::receive_verdict(&mut duplex(bulk), &mut second.keys, &binding)?;
    Ok(Some([first.keys, second.keys]))
}

pub(super) fn duplex(channel: &mut Channel) -> Duplex<'_> {
    Duplex { sender: &mut *channel.sender, receiver: &mut *channel.receiver }
}

/// Ends the stream unless the handshake is done in time.
pub(super) fn limit(channels: &Channels, options: &Options) -> Result<TimeLimit, SecureError> {
    TimeLimit::begin(channels.urgent.closer.clone(), options.handshake_time).map_err(SecureError::system)
}

/// What has failed because the time was over, as that.
pub(super) fn in_time(limit: &TimeLimit, error: SecureError) -> SecureError {
    if limit.is_over() { SecureError::TimedOut } else { error }
}

/// Encrypts both channels, if there are keys.
fn sealed(channels: Channels, keys: Option<[SessionKeys; 2]>) -> Channels {
    let Some([urgent, bulk]) = keys else { return channels };
    Channels {
        urgent: sealed_channel(channels.urgent, urgent, RECORD_BYTES),
        bulk: sealed_channel(channels.bulk, bulk, RECORD_BYTES),
    }
}
