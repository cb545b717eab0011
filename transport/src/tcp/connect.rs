//! The guest's end: connects twice and shakes hands on both connections.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use super::address::{is_one_cable, resolve};
use super::socket::{Timed, tune, untimed};
use super::{Half, Options, Peer, TcpError};
use crate::carrier::Channels;
use crate::secure::handshake::{self, Duplex, Expected, Lane, Secured};
use crate::secure::pairing::{self, Code};
use crate::secure::{self, Identity, Peers, SecureError, machine_name, random};

/// A session with a host.
#[derive(Debug)]
pub struct Connected {
    /// The host.
    pub peer: Peer,
    /// Its address.
    pub address: SocketAddr,
    /// The connection for what is urgent.
    pub urgent: Half,
    /// The connection for bulk.
    pub bulk: Half,
}

impl Connected {
    /// What a mirror runs over.
    pub fn into_channels(self) -> Channels {
        Channels { urgent: self.urgent.into_channel(), bulk: self.bulk.into_channel() }
    }
}

/// Connects to a host at `HOST:PORT` that is among the peers (or, on a link that is trusted, to whoever is there).
///
/// # Errors
/// [`TcpError`]: nobody listens, nobody answers, not paired, another key than the one pinned, another version, or encryption on one
/// side only.
pub fn connect(
    address: &str,
    identity: &Identity,
    peers: &Peers,
    options: &Options,
) -> Result<Connected, TcpError> {
    let failed = |source| TcpError::Handshake { address: address.to_owned(), source };
    let session = random().map_err(failed)?;
    let urgent = open(address, None, Lane::Urgent, options)?;
    let at = urgent.peer_addr().map_err(SecureError::system).map_err(failed)?;
    if options.trust_link {
        let plain = |stream: TcpStream, lane| {
            let ours = stream.local_addr().map_err(SecureError::system)?;
            if !is_one_cable(&ours, &at) {
                return Err(SecureError::NotOneCable);
            }
            shake(&stream, options, |duplex| handshake::initiate_plain(duplex, lane, session))?;
            untimed(&stream).map_err(SecureError::system)?;
            Ok(Half { stream, keys: None })
        };
        let urgent = plain(urgent, Lane::Urgent).map_err(failed)?;
        let bulk = open(address, Some(at), Lane::Bulk, options)?;
        let bulk = plain(bulk, Lane::Bulk).map_err(failed)?;
        return Ok(Connected { peer: Peer::Trusted, address: at, urgent, bulk });
    }
    let expected = Expected { peers, address: Some(address) };
    let begin = |stream: &TcpStream, lane| {
        shake(stream, options, |duplex| handshake::initiate(duplex, lane, session, identity, expected))
    };
    let (urgent_secured, peer) = begin(&urgent, Lane::Urgent).map_err(failed)?;
    let bulk = open(address, Some(at), Lane::Bulk, options)?;
    let (bulk_secured, _) = begin(&bulk, Lane::Bulk).map_err(failed)?;
    if urgent_secured.key != bulk_secured.key {
        return Err(failed(SecureError::Unbound));
    }
    let binding = handshake::binding(&[&urgent_secured.hash, &bulk_secured.hash]);
    let end = |stream: TcpStream, Secured { mut keys, .. }: Secured| {
        shake(&stream, options, |duplex| handshake::receive_verdict(duplex, &mut keys, &binding))?;
        untimed(&stream).map_err(SecureError::system)?;
        Ok(Half { stream, keys: Some(keys) })
    };
    let urgent = end(urgent, urgent_secured).map_err(failed)?;
    let bulk = end(bulk, bulk_secured).map_err(failed)?;
    Ok(Connected { peer: peer.into(), address: at, urgent, bulk })
}

/// Pairs with the host at `HOST:PORT` that shows this code, and keeps it among the peers; gives it as it is kept.
///
/// # Errors
/// [`TcpError`]: nobody listens or answers, no code is offered there, or it is another one.
pub fn pair(
    address: &str,
    identity: &Identity,
    peers: &Peers,
    code: &Code,
    options: &Options,
) -> Result<secure::Peer, TcpError> {
    let stream = open(address, None, Lane::Urgent, options)?;
    let paired = shake(&stream, options, |duplex| pairing::initiate(duplex, identity, code, &machine_name()));
    let kept = paired.and_then(|host| {
        let host = secure::Peer { address: Some(address.to_owned()), ..host };
        peers.add(host).map_err(SecureError::Peers)
    });
    kept.map_err(|source| TcpError::Handshake { address: address.to_owned(), source })
}

/// Does a part of a handshake, within the time for all of one.
pub(super) fn shake<T>(
    stream: &TcpStream,
    options: &Options,
    part: impl FnOnce(&mut Duplex<'_>) -> Result<T, SecureError>,
) -> Result<T, SecureError> {
    let until = Instant::now() + options.handshake_time;
    let mut sender = Timed { stream, until, first: None };
    let mut receiver = Timed { stream, until, first: None };
    part(&mut Duplex { sender: &mut sender, receiver: &mut receiver })
}

/// Connects, to the same address as before if there was one: the addresses of a name need not be of one machine.
pub(super) fn open(
    text: &str,
    at: Option<SocketAddr>,
    lane: Lane,
    options: &Options,
) -> Result<TcpStream, TcpError> {
    let candidates = match at {
        Some(at) => vec![at],
        None => resolve(text)?,
    };
    let address = || text.to_owned();
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for candidate in candidates {
        match TcpStream::connect_timeout(&candidate, options.connect_time) {
            Ok(stream) => {
                let tuned = tune(&stream, lane, options);
                tuned.map_err(|source| TcpError::Connect { address: address(), source })?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(match last.kind() {
        io::ErrorKind::ConnectionRefused => TcpError::Refused { address: address() },
        io::ErrorKind::TimedOut => TcpError::TimedOut { address: address() },
        _ => TcpError::Connect { address: address(), source: last },
    })
}
