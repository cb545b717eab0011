//! The handshake that begins each channel, over any channel that blocks.
//!
//! ```text
//! guest → host   hello 32                      magic 8, version 1, mode 1, lane 1, zero 5, session 16 (plain only)
//! guest → host   Noise message 1: 32           → e
//! host → guest   answer 16                     magic 8, version 1, status 1, tries left 1, zero 5
//! host → guest   Noise message 2: 96           ← e, ee, s, es
//! guest → host   Noise message 3: 80           → s, se, and the session's name
//! host → guest   record 51                     verdict 1, binding 32
//! ```
//!
//! A host that does not go on says so in its answer and closes. Plain channels have the hello and the answer only. The prologue is
//! [`PROLOGUE`] and the hello, so that neither version, mode nor lane can be altered. Both channels of a session carry the same random
//! name; the host joins those with the same name and key, and sends in each verdict a hash of both handshakes, which the guest compares
//! with its own.

use std::io::IoSlice;

use snow::params::NoiseParams;
use snow::resolvers::{CryptoResolver, DefaultResolver};
use snow::{Builder, HandshakeState};

use super::error::Action;
use super::keys::sha256;
use super::random::SystemRandom;
use super::{
    DirectionKeys, Fingerprint, Identity, Opener, Peer, Peers, PublicKey, RECORD_OVERHEAD, Role, Sealer,
    SecureError, SessionKeys,
};
use crate::carrier::{Receiver, Sender};

/// The version of the handshake that this program speaks.
pub const VERSION: u8 = 1;
/// What both sides put in front of the hello as Noise's prologue.
pub const PROLOGUE: &[u8] = b"pvgpu link handshake 1\0";
/// How every hello and every answer begins.
pub const MAGIC: [u8; 8] = *b"PVGPULNK";
/// The pattern, the curve, the cipher and the hash of the handshake itself.
const PATTERN: &str = "Noise_XX_25519_ChaChaPoly_SHA256";
/// Bytes of a hello.
pub const HELLO_BYTES: usize = 32;
/// Bytes of an answer.
pub const ANSWER_BYTES: usize = 16;
const FIRST: usize = 32;
const SECOND: usize = 32 + 48 + 16;
const THIRD: usize = 48 + SESSION + 16;
const SESSION: usize = 16;
/// More than any message of Noise here has.
const ROOM: usize = 256;
/// A verdict and its binding.
const VERDICT: usize = 1 + 32;
const VERDICT_RECORD: usize = VERDICT + RECORD_OVERHEAD;

/// A random name that joins the channels of a session.
pub type SessionId = [u8; SESSION];

/// Two halves of a channel, borrowed for a handshake. The receiver may give bytes in any portions, but must not keep any back.
pub struct Duplex<'a> {
    /// To the peer.
    pub sender: &'a mut dyn Sender,
    /// From the peer.
    pub receiver: &'a mut dyn Receiver,
}

impl Duplex<'_> {
    pub(super) fn send(&mut self, parts: &[&[u8]]) -> Result<(), SecureError> {
        let whole = parts.concat();
        self.sender.send(&[IoSlice::new(&whole)]).map_err(SecureError::of(Action::Send))
    }

    pub(super) fn receive<const BYTES: usize>(&mut self) -> Result<[u8; BYTES], SecureError> {
        let mut message = [0; BYTES];
        let mut filled = 0;
        while let Some(room) = message.get_mut(filled..).filter(|room| !room.is_empty()) {
            match self.receiver.receive(room).map_err(SecureError::of(Action::Receive))? {
                0 => return Err(SecureError::Closed),
                received => filled = filled.saturating_add(received),
            }
        }
        Ok(message)
    }
}

/// What a channel is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Lane {
    /// What nothing may wait in front of.
    Urgent = 0,
    /// Contents of the heap.
    Bulk = 1,
    /// Both, on a carrier that has one channel below.
    Both = 2,
}

/// What a guest wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mode {
    /// Bytes as they are.
    Plain = 1,
    /// A handshake between paired machines.
    Encrypted = 2,
    /// To become paired.
    Pairing = 3,
}

/// The first message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello {
    /// What is wanted.
    pub mode: Mode,
    /// Of which channel.
    pub lane: Lane,
    /// The session's name; zero unless the mode is plain.
    pub session: SessionId,
}

impl Hello {
    /// Its bytes.
    pub fn to_bytes(self) -> [u8; HELLO_BYTES] {
        let mut bytes = [0; HELLO_BYTES];
        let head = [VERSION, self.mode as u8, self.lane as u8, 0, 0, 0, 0, 0];
        let all = MAGIC.iter().chain(&head).chain(&self.session);
        for (to, from) in bytes.iter_mut().zip(all) {
            *to = *from;
        }
        bytes
    }

    /// From its bytes.
    ///
    /// # Errors
    /// [`SecureError::NotPvgpu`], [`SecureError::Version`] or [`SecureError::Malformed`].
    pub fn from_bytes(bytes: &[u8; HELLO_BYTES]) -> Result<Self, SecureError> {
        let (magic, rest) = bytes.split_first_chunk::<8>().ok_or(SecureError::Malformed)?;
        let (head, session) = rest.split_first_chunk::<8>().ok_or(SecureError::Malformed)?;
        let session: SessionId = session.try_into().map_err(|_| SecureError::Malformed)?;
        if *magic != MAGIC {
            return Err(SecureError::NotPvgpu);
        }
        let [version, mode, lane, zero @ ..] = *head;
        if version != VERSION {
            return Err(SecureError::Version { theirs: version });
        }
        let mode = match mode {
            1 => Mode::Plain,
            2 => Mode::Encrypted,
            3 => Mode::Pairing,
            _ => return Err(SecureError::Malformed),
        };
        let lane = match lane {
            0 => Lane::Urgent,
            1 => Lane::Bulk,
            2 => Lane::Both,
            _ => return Err(SecureError::Malformed),
        };
        if zero != [0; 5] || (mode != Mode::Plain && session != [0; SESSION]) {
            return Err(SecureError::Malformed);
        }
        Ok(Self { mode, lane, session })
    }
}

/// What a host answers in the clear. Nobody vouches for it: a guest takes it as a hint for its error message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// It goes on.
    Ok = 0,
    /// The hello's version is not the answer's.
    Version = 1,
    /// Only with encryption.
    Encrypts = 2,
    /// Only without encryption.
    Plain = 3,
    /// Too many guests or handshakes.
    Busy = 4,
    /// No pairing is waited for.
    NoPairing = 5,
    /// The code was wrong.
    WrongCode = 6,
}

/// The bytes of an answer.
pub(super) fn answer(status: Status, tries_left: u8) -> [u8; ANSWER_BYTES] {
    let mut bytes = [0; ANSWER_BYTES];
    for (to, from) in bytes.iter_mut().zip(MAGIC.iter().chain(&[VERSION, status as u8, tries_left])) {
        *to = *from;
    }
    bytes
}

/// Reads an answer; only one that goes on is no error.
pub(super) fn read_answer(bytes: &[u8; ANSWER_BYTES]) -> Result<(), SecureError> {
    let (magic, rest) = bytes.split_first_chunk::<8>().ok_or(SecureError::Malformed)?;
    let [version, status, tries_left, ..] = rest else { return Err(SecureError::Malformed) };
    if *magic != MAGIC {
        return Err(SecureError::NotPvgpu);
    }
    if *version != VERSION {
        return Err(SecureError::Version { theirs: *version });
    }
    Err(match status {
        0 => return Ok(()),
        2 => SecureError::HostEncrypts,
        3 => SecureError::HostIsPlain,
        4 => SecureError::Busy,
        5 => SecureError::NoPairing,
        6 => SecureError::WrongCode { tries_left: *tries_left },
        _ => SecureError::Malformed,
    })
}

/// On the host: receives a hello. One of another version is told ours before the error.
///
/// # Errors
/// [`SecureError`].
pub fn receive_hello(duplex: &mut Duplex<'_>) -> Result<Hello, SecureError> {
    let hello = Hello::from_bytes(&duplex.receive()?);
    if let Err(SecureError::Version { .. }) = hello {
        refuse(duplex, Status::Version);
    }
    hello
}

/// On the host: says why it does not go on. Whether the guest hears it does not matter.
pub fn refuse(duplex: &mut Duplex<'_>, status: Status) {
    let _ = duplex.send(&[&answer(status, 0)]);
}

/// On the guest: begins a channel without encryption.
///
/// # Errors
/// [`SecureError`] says what the host answered.
pub fn initiate_plain(duplex: &mut Duplex<'_>, lane: Lane, session: SessionId) -> Result<(), SecureError> {
    duplex.send(&[&Hello { mode: Mode::Plain, lane, session }.to_bytes()])?;
    read_answer(&duplex.receive()?)
}

/// On the host: goes on with a channel without encryption.
///
/// # Errors
/// [`SecureError`].
pub fn respond_plain(duplex: &mut Duplex<'_>) -> Result<(), SecureError> {
    duplex.send(&[&answer(Status::Ok, 0)])
}

/// A channel whose handshake is done, but for the host's verdict.
#[derive(Debug)]
pub struct Secured {
    /// The peer's key.
    pub key: PublicKey,
    /// The session's name, the same on both of its channels.
    pub session: SessionId,
    /// The channel's keys.
    pub keys: SessionKeys,
    /// Noise's hash of the whole handshake.
    pub hash: [u8; 32],
}

/// Which host a guest expects.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The machines that it is paired with.
    pub peers: &'a Peers,
    /// Where it connects to: a host that was paired at this very address must have the key of then.
    pub address: Option<&'a str>,
}

impl Expected<'_> {
    fn check(&self, key: &PublicKey) -> Result<Peer, SecureError> {
        let peers = self.peers.list().map_err(SecureError::Peers)?;
        let mut hosts = peers.into_iter().filter(|peer| peer.role == Role::Host);
        let (mut here, mut known) = (None, None);
        hosts.by_ref().for_each(|peer| {
            if peer.key == *key {
                known = Some(peer);
            } else if self.address.is_some() && peer.address.as_deref() == self.address {
                here = Some(peer);
            }
        });
        match (known, here) {
            (Some(peer), _) => Ok(peer),
            (None, Some(Peer { name, key: expected, .. })) => Err(SecureError::WrongKey {
                name,
                expected: expected.fingerprint(),
                found: key.fingerprint(),
            }),
            (None, None) => Err(SecureError::HostNotPaired { found: key.fingerprint() }),
        }
    }
}

/// On the guest: begins an encrypted channel with a host that it is paired with. [`receive_verdict`] is to follow.
///
/// # Errors
/// [`SecureError`].
pub fn initiate(
    duplex: &mut Duplex<'_>,
    lane: Lane,
    session: SessionId,
    identity: &Identity,
    expected: Expected<'_>,
) -> Result<(Secured, Peer), SecureError> {
    let hello = Hello { mode: Mode::Encrypted, lane, session: [0; SESSION] }.to_bytes();
    let prologue = [PROLOGUE, &hello].concat();
    let mut noise = builder(PATTERN, identity, &prologue)?.build_initiator().map_err(of_noise)?;
    let first: [u8; FIRST] = write(&mut noise, &[])?;
    duplex.send(&[&hello, &first])?;
    read_answer(&duplex.receive()?)?;
    let second: [u8; SECOND] = duplex.receive()?;
    let [] = read(&mut noise, &second)?;
    let key = remote(&noise)?;
    // Before a word about who we are.
    let peer = expected.check(&key)?;
    let third: [u8; THIRD] = write(&mut noise, &session)?;
    duplex.send(&[&third])?;
    let (keys, hash) = finish(noise)?;
    Ok((Secured { key, session, keys, hash }, peer))
}

/// On the host: goes on with an encrypted channel after its hello. [`send_verdict`] is to follow: whether the key is a paired guest's
/// is the caller's to find out, before anything else that this peer sends is read.
///
/// # Errors
/// [`SecureError`].
pub fn respond(duplex: &mut Duplex<'_>, hello: &Hello, identity: &Identity) -> Result<Secured, SecureError> {
    let prologue = [PROLOGUE, &hello.to_bytes()].concat();
    let mut noise = builder(PATTERN, identity, &prologue)?.build_responder().map_err(of_noise)?;
    let first: [u8; FIRST] = duplex.receive()?;
    let [] = read(&mut noise, &first)?;
    let second: [u8; SECOND] = write(&mut noise, &[])?;
    duplex.send(&[&answer(Status::Ok, 0), &second])?;
    let third: [u8; THIRD] = duplex.receive()?;
    let session: SessionId = read(&mut noise, &third)?;
    let key = remote(&noise)?;
    let (keys, hash) = finish(noise)?;
    Ok(Secured { key, session, keys, hash })
}

/// What a host finally says, encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Verdict {
    /// The session begins.
    Welcome = 0,
    /// This key is nobody's.
    NotPaired = 1,
    /// Too many guests.
    Busy = 2,
    /// The pairing was used up or cannot be kept.
    NoPairing = 3,
}

/// The hash that joins the channels of a session: of their handshakes' hashes, in the order of their lanes.
pub fn binding(hashes: &[&[u8; 32]]) -> [u8; 32] {
    let mut parts: Vec<&[u8]> = vec![b"pvgpu session 1"];
    parts.extend(hashes.iter().map(|hash| hash.as_slice()));
    sha256(&parts)
}

/// On the host: the first record of a channel.
///
/// # Errors
/// [`SecureError`].
pub fn send_verdict(
    duplex: &mut Duplex<'_>,
    keys: &mut SessionKeys,
    verdict: Verdict,
    binding: &[u8; 32],
) -> Result<(), SecureError> {
    let mut sealer = Sealer::new(keys.send.clone());
    let mut record = Vec::with_capacity(VERDICT_RECORD);
    sealer.seal(&[&[verdict as u8], binding], &mut record).map_err(|_| SecureError::Forged)?;
    keys.send = sealer.into_keys();
    duplex.send(&[&record])
}

/// On the guest: the first record of a channel, which must name the same binding.
///
/// # Errors
/// [`SecureError`] for every verdict but [`Verdict::Welcome`].
pub fn receive_verdict(
    duplex: &mut Duplex<'_>,
    keys: &mut SessionKeys,
    binding: &[u8; 32],
) -> Result<(), SecureError> {
    let mut record: [u8; VERDICT_RECORD] = duplex.receive()?;
    let mut opener = Opener::new(keys.receive.clone());
    let opened = opener.open(&mut record).map_err(|_| SecureError::Forged)?;
    let (verdict, theirs) = opened.split_first().ok_or(SecureError::Malformed)?;
    match verdict {
        0 if theirs == binding => {}
        0 => return Err(SecureError::Unbound),
        1 => return Err(SecureError::ForgottenByHost),
        2 => return Err(SecureError::Busy),
        3 => return Err(SecureError::NoPairing),
        _ => return Err(SecureError::Malformed),
    }
    keys.receive = opener.into_keys();
    Ok(())
}

/// On the host: the paired guest with this key.
///
/// # Errors
/// [`SecureError::GuestNotPaired`], or [`SecureError::Peers`] when the list cannot be read.
pub fn guest(peers: &Peers, key: &PublicKey) -> Result<Peer, SecureError> {
    let found: Fingerprint = key.fingerprint();
    peers.find(Role::Guest, key).map_err(SecureError::Peers)?.ok_or(SecureError::GuestNotPaired { found })
}

/// What Noise takes its primitives from: its own, and the system's random bytes.
struct Resolver;

impl CryptoResolver for Resolver {
    fn resolve_rng(&self) -> Option<Box<dyn snow::types::Random>> {
        Some(Box::new(SystemRandom))
    }

    fn resolve_dh(&self, choice: &snow::params::DHChoice) -> Option<Box<dyn snow::types::Dh>> {
        DefaultResolver.resolve_dh(choice)
    }

    fn resolve_hash(&self, choice: &snow::params::HashChoice) -> Option<Box<dyn snow::types::Hash>> {
        DefaultResolver.resolve_hash(choice)
    }

    fn resolve_cipher(&self, choice: &snow::params::CipherChoice) -> Option<Box<dyn snow::types::Cipher>> {
        DefaultResolver.resolve_cipher(choice)
    }
}

pub(super) fn builder<'a>(
    pattern: &str,
    identity: &'a Identity,
    prologue: &'a [u8],
) -> Result<Builder<'a>, SecureError> {
    let parameters: NoiseParams = pattern.parse().map_err(of_noise)?;
    let builder = Builder::with_resolver(parameters, Box::new(Resolver));
    builder
        .local_private_key(identity.secret())
        .and_then(|builder| builder.prologue(prologue))
        .map_err(of_noise)
}

/// Whatever Noise finds wrong with a message, it is not the one that the peer's handshake sends.
pub(super) fn of_noise(error: snow::Error) -> SecureError {
    match error {
        snow::Error::Rng => SecureError::Random,
        _ => SecureError::Forged,
    }
}

/// Writes the next message, which must have exactly this length.
pub(super) fn write<const BYTES: usize>(
    noise: &mut HandshakeState,
    payload: &[u8],
) -> Result<[u8; BYTES], SecureError> {
    // Noise wants room for a tag even where there is none yet.
    let mut room = [0; ROOM];
    let written = noise.write_message(payload, &mut room).map_err(of_noise)?;
    let message = room.get(..written).ok_or(SecureError::Malformed)?;
    message.try_into().map_err(|_| SecureError::Malformed)
}

/// Reads the next message, whose payload must have exactly this length.
pub(super) fn read<const BYTES: usize>(
    noise: &mut HandshakeState,
    message: &[u8],
) -> Result<[u8; BYTES], SecureError> {
    // Noise wants room for the whole message while it works.
    let mut room = [0; ROOM];
    let read = noise.read_message(message, &mut room).map_err(of_noise)?;
    let payload = room.get(..read).ok_or(SecureError::Malformed)?;
    payload.try_into().map_err(|_| SecureError::Malformed)
}

pub(super) fn remote(noise: &HandshakeState) -> Result<PublicKey, SecureError> {
    let key = noise.get_remote_static().and_then(|key| key.try_into().ok());
    key.map(PublicKey).ok_or(SecureError::Forged)
}

/// The keys and the hash of a finished handshake.
pub(super) fn finish(mut noise: HandshakeState) -> Result<(SessionKeys, [u8; 32]), SecureError> {
    if !noise.is_handshake_finished() {
        return Err(SecureError::Malformed);
    }
    let hash = noise.get_handshake_hash().try_into().map_err(|_| SecureError::Malformed)?;
    let (to_host, to_guest) = noise.dangerously_get_raw_split();
    let (send, receive) = if noise.is_initiator() { (to_host, to_guest) } else { (to_guest, to_host) };
    let keys = SessionKeys { send: DirectionKeys::new(send, 0), receive: DirectionKeys::new(receive, 0) };
    Ok((keys, hash))
}
