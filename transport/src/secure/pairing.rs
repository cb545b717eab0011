//! Pairing by a code: two machines that have never met learn each other's keys.
//!
//! ```text
//! guest → host   hello 32 (mode 3), SPAKE2's message A: 33
//! host → guest   answer 16, SPAKE2's message B: 33
//! guest → host   Noise message 1: 48           → psk, e
//! host → guest   answer 16, message 2: 128     ← e, ee, s, es, and the host's name
//! guest → host   Noise message 3: 96           → s, se, and the guest's name
//! host → guest   record 51                     verdict 1, binding 32
//! ```
//!
//! What SPAKE2 makes of the code is Noise's pre-shared key, and both of its messages are in the prologue: whoever does not know
//! the code can neither read a key nor put one in, and learns from a handshake whether one guess was right and nothing else. A
//! code is good for [`CODE_TIME`], [`TRIES`] tries and one machine.

use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use spake2::{Ed25519Group, Password, Spake2};
use zeroize::Zeroizing;

use super::handshake::{
    self, Duplex, Hello, Lane, Mode, PROLOGUE, Status, Verdict, answer, builder, finish, of_noise, read,
    read_answer, remote, write,
};
use super::keys::sha256;
use super::peers::MAX_NAME;
use super::{Identity, Peer, Peers, Role, SecureError, clean_name, random};

/// How long a code may be used.
pub const CODE_TIME: Duration = Duration::from_secs(120);
/// How often a code may be tried.
pub const TRIES: u8 = 3;
/// Characters of a code.
pub const CODE_LENGTH: usize = 8;
/// Of which characters: none looks like another.
const ALPHABET: &[u8; 24] = b"34679ACDEFGHJKMNPQRTVWXY";
const PATTERN: &str = "Noise_XXpsk0_25519_ChaChaPoly_SHA256";
const SPAKE: usize = 33;
const FIRST: usize = 32 + 16;
const SECOND: usize = 32 + 48 + MAX_NAME + 16;
const THIRD: usize = 48 + MAX_NAME + 16;

/// A pairing code: 8 characters, written in two groups.
#[derive(Clone, PartialEq, Eq)]
pub struct Code(Zeroizing<String>);

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code")
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.split_at_checked(CODE_LENGTH / 2) {
            Some((head, tail)) => write!(f, "{head}-{tail}"),
            None => f.write_str(&self.0),
        }
    }
}

impl std::str::FromStr for Code {
    type Err = SecureError;

    /// Small letters, blanks and hyphens are as good.
    fn from_str(text: &str) -> Result<Self, SecureError> {
        let kept = text.chars().filter(|c| !matches!(c, ' ' | '-'));
        let code: String = kept.map(|c| c.to_ascii_uppercase()).take(CODE_LENGTH + 1).collect();
        let legal = code.len() == CODE_LENGTH && code.bytes().all(|byte| ALPHABET.contains(&byte));
        if legal { Ok(Self(Zeroizing::new(code))) } else { Err(SecureError::NoCode) }
    }
}

impl Code {
    fn generate() -> Result<Self, SecureError> {
        let mut code = Zeroizing::new(String::new());
        while code.len() < CODE_LENGTH {
            let bytes: [u8; 16] = random()?;
            // 240 of 256 values: each character is as likely as any other.
            let fair = bytes.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < 240);
            let characters = fair.filter_map(|byte| ALPHABET.get(byte % ALPHABET.len()));
            code.extend(characters.map(|byte| char::from(*byte)));
            code.truncate(CODE_LENGTH);
        }
        Ok(Self(code))
    }

    fn password(&self) -> Password {
        Password::new(self.0.as_bytes())
    }
}

/// How an offer of pairing has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// This machine is paired now.
    Paired(Peer),
    /// Nobody came in time.
    Expired,
    /// The code was wrong too often.
    TriedTooOften,
    /// A newer offer has taken its place, or it was taken back.
    Withdrawn,
}

/// A code that may be used now.
#[derive(Debug)]
pub struct Offer {
    number: u64,
    /// What is to be shown.
    pub code: Code,
    /// Until when it may be used.
    pub until: Instant,
}

/// Where a host waits for a pairing; there is one code at a time.
#[derive(Debug, Default)]
pub struct Slot {
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    number: u64,
    open: Option<Open>,
    /// How the last offer has ended.
    ended: Option<(u64, Outcome)>,
}

#[derive(Debug)]
struct Open {
    code: Code,
    until: Instant,
    tries: u8,
}

impl Inner {
    fn end(&mut self, outcome: Outcome) {
        if self.open.take().is_some() {
            self.ended = Some((self.number, outcome));
        }
    }

    /// The offer that can still be used.
    fn open(&mut self) -> Option<&mut Open> {
        if self.open.as_ref().is_some_and(|open| Instant::now() >= open.until) {
            self.end(Outcome::Expired);
        }
        self.open.as_mut()
    }
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Offers a new code; one that was offered before is withdrawn.
    ///
    /// # Errors
    /// [`SecureError::Random`].
    pub fn open(&self) -> Result<Offer, SecureError> {
        self.open_for(CODE_TIME)
    }

    pub(super) fn open_for(&self, time: Duration) -> Result<Offer, SecureError> {
        let (code, until) = (Code::generate()?, Instant::now() + time);
        let mut inner = self.lock();
        inner.end(Outcome::Withdrawn);
        inner.number += 1;
        let number = inner.number;
        inner.open = Some(Open { code: code.clone(), until, tries: TRIES });
        drop(inner);
        self.changed.notify_all();
        Ok(Offer { number, code, until })
    }

    /// Whether there is a code that can be used.
    pub fn is_open(&self) -> bool {
        self.lock().open().is_some()
    }

    /// Takes an offer back, if it is still open.
    pub fn withdraw(&self, offer: &Offer) {
        let mut inner = self.lock();
        if inner.number == offer.number {
            inner.end(Outcome::Withdrawn);
        }
        drop(inner);
        self.changed.notify_all();
    }

    /// Waits until an offer has ended, but not for longer than `time`.
    pub fn wait(&self, offer: &Offer, time: Duration) -> Option<Outcome> {
        let until = Instant::now() + time;
        let mut inner = self.lock();
        loop {
            inner.open();
            match &inner.ended {
                Some((number, outcome)) if *number == offer.number => return Some(outcome.clone()),
                Some((number, _)) if *number > offer.number => return Some(Outcome::Withdrawn),
                _ => {}
            }
            if inner.number != offer.number {
                return Some(Outcome::Withdrawn);
            }
            let now = Instant::now();
            let left = until.min(offer.until).saturating_duration_since(now);
            if now >= until {
                return None;
            }
            inner = self.changed.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Uses one try of the code that is offered. It is used however the try ends, so that many at once are no more than three.
    fn attempt(&self) -> Option<(u64, Code)> {
        let mut inner = self.lock();
        let number = inner.number;
        let open = inner.open()?;
        open.tries = open.tries.checked_sub(1)?;
        Some((number, open.code.clone()))
    }

    /// A try has failed; gives how many are left.
    fn failed(&self, number: u64) -> u8 {
        let mut inner = self.lock();
        if inner.number != number {
            return 0;
        }
        let left = inner.open().map_or(0, |open| open.tries);
        if left == 0 {
            inner.end(Outcome::TriedTooOften);
        }
        drop(inner);
        self.changed.notify_all();
        left
    }

    /// A try has succeeded: the peer is kept, if the code was not used meanwhile.
    fn succeed(
        &self,
        number: u64,
        keep: impl FnOnce() -> Result<Peer, SecureError>,
    ) -> Result<Peer, SecureError> {
        let mut inner = self.lock();
        if inner.number != number || inner.open().is_none() {
            return Err(SecureError::NoPairing);
        }
        let peer = keep()?;
        inner.end(Outcome::Paired(peer.clone()));
        drop(inner);
        self.changed.notify_all();
        Ok(peer)
    }
}

/// One side of SPAKE2.
fn spake(code: &Code, host: bool) -> (Spake2<Ed25519Group>, Vec<u8>) {
    let guest_id = spake2::Identity::new(b"pvgpu guest");
    let host_id = spake2::Identity::new(b"pvgpu host");
    let start = if host { Spake2::start_b } else { Spake2::start_a };
    start(&code.password(), &guest_id, &host_id)
}

/// What both sides know that know the code.
fn shared_key(spake: Spake2<Ed25519Group>, theirs: &[u8; SPAKE]) -> Result<Zeroizing<[u8; 32]>, SecureError> {
    let key = Zeroizing::new(spake.finish(theirs).map_err(|_| SecureError::Forged)?);
    Ok(Zeroizing::new(sha256(&[b"pvgpu pairing 1", &key])))
}

fn padded(name: &str) -> [u8; MAX_NAME] {
    let mut bytes = [0; MAX_NAME];
    for (to, from) in bytes.iter_mut().zip(clean_name(name).bytes()) {
        *to = from;
    }
    bytes
}

fn name_of(padded: &[u8; MAX_NAME]) -> String {
    clean_name(&String::from_utf8_lossy(padded))
}

/// On the guest: pairs with a host that shows this code; gives it as a peer, not kept yet.
///
/// # Errors
/// [`SecureError`]; neither side has kept anything then, unless the very last message was lost: then the host has.
pub fn initiate(
    duplex: &mut Duplex<'_>,
    identity: &Identity,
    code: &Code,
    name: &str,
) -> Result<Peer, SecureError> {
    let hello = Hello { mode: Mode::Pairing, lane: Lane::Both, session: [0; 16] }.to_bytes();
    let (spake, ours) = spake(code, false);
    duplex.send(&[&hello, &ours])?;
    read_answer(&duplex.receive()?)?;
    let theirs: [u8; SPAKE] = duplex.receive()?;
    let key = shared_key(spake, &theirs)?;
    let prologue = [PROLOGUE, &hello, &ours, &theirs].concat();
    let noise = builder(PATTERN, identity, &prologue)?.psk(0, &key);
    let mut noise = noise.and_then(snow::Builder::build_initiator).map_err(of_noise)?;
    let first: [u8; FIRST] = write(&mut noise, &[])?;
    duplex.send(&[&first])?;
    read_answer(&duplex.receive()?)?;
    let second: [u8; SECOND] = duplex.receive()?;
    let host_name = name_of(&read(&mut noise, &second)?);
    let third: [u8; THIRD] = write(&mut noise, &padded(name))?;
    duplex.send(&[&third])?;
    let key = remote(&noise)?;
    let (mut keys, hash) = finish(noise)?;
    handshake::receive_verdict(duplex, &mut keys, &handshake::binding(&[&hash]))?;
    Ok(Peer { name: host_name, role: Role::Host, key, address: None })
}

/// On the host: pairs with a guest, after its hello, if a code is offered; gives it as it is kept.
///
/// # Errors
/// [`SecureError`]; nothing is kept then.
pub fn respond(
    duplex: &mut Duplex<'_>,
    hello: &Hello,
    identity: &Identity,
    slot: &Slot,
    peers: &Peers,
    name: &str,
) -> Result<Peer, SecureError> {
    let theirs: [u8; SPAKE] = duplex.receive()?;
    let Some((number, code)) = slot.attempt() else {
        handshake::refuse(duplex, Status::NoPairing);
        return Err(SecureError::NoPairing);
    };
    let result = respond_to(duplex, hello, identity, &code, &theirs, name, |peer| {
        slot.succeed(number, || peers.add(peer).map_err(SecureError::Peers))
    });
    match result {
        Err(SecureError::WrongCode { .. }) => {
            let tries_left = slot.failed(number);
            let _ = duplex.send(&[&answer(Status::WrongCode, tries_left)]);
            Err(SecureError::WrongCode { tries_left })
        }
        Err(error) => {
            slot.failed(number);
            Err(error)
        }
        Ok(peer) => Ok(peer),
    }
}

fn respond_to(
    duplex: &mut Duplex<'_>,
    hello: &Hello,
    identity: &Identity,
    code: &Code,
    theirs: &[u8; SPAKE],
    name: &str,
    keep: impl FnOnce(Peer) -> Result<Peer, SecureError>,
) -> Result<Peer, SecureError> {
    let (spake, ours) = spake(code, true);
    duplex.send(&[&answer(Status::Ok, 0), &ours])?;
    let key = shared_key(spake, theirs)?;
    let prologue = [PROLOGUE, &hello.to_bytes(), theirs, &ours].concat();
    let noise = builder(PATTERN, identity, &prologue)?.psk(0, &key);
    let mut noise = noise.and_then(snow::Builder::build_responder).map_err(of_noise)?;
    let first: [u8; FIRST] = duplex.receive()?;
    // Here it shows whether the guest knows the code, before it hears anything that depends on it.
    let [] = read(&mut noise, &first).map_err(|_| SecureError::WrongCode { tries_left: 0 })?;
    let second: [u8; SECOND] = write(&mut noise, &padded(name))?;
    duplex.send(&[&answer(Status::Ok, 0), &second])?;
    let third: [u8; THIRD] = duplex.receive()?;
    let guest_name = name_of(&read(&mut noise, &third)?);
    let peer = Peer { name: guest_name, role: Role::Guest, key: remote(&noise)?, address: None };
    let (mut keys, hash) = finish(noise)?;
    let kept = keep(peer);
    let verdict = if kept.is_ok() { Verdict::Welcome } else { Verdict::NoPairing };
    // A guest that does not hear it pairs again, which replaces what is kept.
    let _ = handshake::send_verdict(duplex, &mut keys, verdict, &handshake::binding(&[&hash]));
    kept
}
