//! Sealed records: what an encrypted channel carries after the handshake.
//!
//! ```text
//! bytes 0..2         n - 1, little-endian: a record holds n = 1 to 65536 bytes
//! bytes 2..2+n       the bytes, encrypted with AES-256-GCM
//! bytes 2+n..18+n    the tag; the header is authenticated with it
//! ```
//!
//! The nonce is the record's number in its direction, from 0, as Noise has it for AESGCM: 32 zero bits and the number, big-endian. It is
//! not sent, so that a record that was lost, repeated or moved does not authenticate. After [`REKEY_AFTER`] records the key is
//! replaced as Noise's REKEY does it.

use std::fmt;
use std::io::{self, IoSlice};

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use crate::carrier::{Channel, Receiver, Sender};
use crate::span::Span;

/// Bytes that a record holds at most.
pub const MAX_RECORD: usize = 1 << 16;
/// Bytes that a record has beside those that it holds: header and tag.
pub const RECORD_OVERHEAD: usize = HEADER + TAG;
/// Records under one key. With the largest records these are 64 GiB, and 2^32 blocks: what an attacker can tell from them is
/// bounded by 2^-65.
pub const REKEY_AFTER: u64 = 1 << 20;
const HEADER: usize = 2;
const TAG: usize = 16;
/// The last record. Noise keeps the nonce of all ones for new keys.
const LAST: u64 = 1 << 62;
/// Sealed bytes that are gathered before they are sent.
const BATCH: usize = 4 * (MAX_RECORD + RECORD_OVERHEAD);

/// Why no more records can be sealed or opened. Each ends the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// The record is not the one that the peer sent next.
    Forged,
    /// The channel was cut inside a record.
    Truncated,
    /// All numbers are used up.
    Exhausted,
    /// An earlier error has ended the channel.
    Ended,
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Forged => {
                "a record does not authenticate: it was altered, repeated, left out or moved on the way; the link ends, connect again"
            }
            Self::Truncated => "the link was cut in the middle of a record; connect again",
            Self::Exhausted => "the link has carried all records that its keys are good for; connect again",
            Self::Ended => "the link has ended after an earlier error; connect again",
        })
    }
}

impl std::error::Error for RecordError {}

impl From<RecordError> for io::Error {
    fn from(error: RecordError) -> Self {
        let kind = match error {
            RecordError::Forged => io::ErrorKind::InvalidData,
            RecordError::Truncated => io::ErrorKind::UnexpectedEof,
            RecordError::Exhausted | RecordError::Ended => io::ErrorKind::BrokenPipe,
        };
        Self::new(kind, error)
    }
}

/// The key of one direction, and the number of the next record: all that another process needs to go on.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectionKeys {
    key: [u8; 32],
    count: u64,
}

impl DirectionKeys {
    /// A key of which `count` records are used.
    pub fn new(key: [u8; 32], count: u64) -> Self {
        Self { key, count }
    }

    /// The number of the next record.
    pub fn count(&self) -> u64 {
        self.count
    }
}

impl Drop for DirectionKeys {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl fmt::Debug for DirectionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DirectionKeys(next record {})", self.count)
    }
}

/// The keys of a channel. Whoever has them can read and write it; they never leave this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionKeys {
    /// To the peer.
    pub send: DirectionKeys,
    /// From the peer.
    pub receive: DirectionKeys,
}

/// A direction in use.
struct Direction {
    keys: DirectionKeys,
    cipher: LessSafeKey,
}

impl Direction {
    fn new(keys: DirectionKeys) -> Self {
        let cipher = cipher(&keys.key);
        Self { keys, cipher }
    }

    fn nonce(&self) -> Result<Nonce, RecordError> {
        if self.keys.count >= LAST {
            return Err(RecordError::Exhausted);
        }
        Ok(nonce(self.keys.count))
    }

    /// The record of this number is done.
    fn next(&mut self) {
        self.keys.count += 1;
        if self.keys.count.is_multiple_of(REKEY_AFTER) {
            self.keys.key = next_key(&self.cipher);
            self.cipher = cipher(&self.keys.key);
        }
    }
}

fn cipher(key: &[u8; 32]) -> LessSafeKey {
    // PANIC: the one error is a key of another length than the algorithm's 32 bytes.
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("AES-256 takes 32 bytes"))
}

fn nonce(number: u64) -> Nonce {
    let [a, b, c, d, e, f, g, h] = number.to_be_bytes();
    Nonce::assume_unique_for_key([0, 0, 0, 0, a, b, c, d, e, f, g, h])
}

/// Noise's REKEY: zeros, encrypted under the nonce that no record has.
fn next_key(cipher: &LessSafeKey) -> [u8; 32] {
    let mut key = [0; 32];
    let sealed = cipher.seal_in_place_separate_tag(nonce(u64::MAX), Aad::empty(), &mut key);
    // PANIC: the one error is a text beyond 64 GiB. Noise drops the tag.
    let _tag = sealed.expect("32 bytes are sealed");
    key
}

/// Seals the records of one direction.
pub struct Sealer(Direction);

impl Sealer {
    /// Goes on at the keys' count.
    pub fn new(keys: DirectionKeys) -> Self {
        Self(Direction::new(keys))
    }

    /// Appends the record that holds all parts, [`MAX_RECORD`] bytes together at most and 1 at least.
    ///
    /// # Errors
    /// [`RecordError::Exhausted`] at the end of all numbers, or for a length that no record has; nothing is appended then.
    pub fn seal(&mut self, parts: &[&[u8]], out: &mut Vec<u8>) -> Result<(), RecordError> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let header = length.checked_sub(1).and_then(|length| u16::try_from(length).ok());
        let header = header.ok_or(RecordError::Exhausted)?.to_le_bytes();
        let nonce = self.0.nonce()?;
        let start = out.len();
        out.extend_from_slice(&header);
        for part in parts {
            out.extend_from_slice(part);
        }
        let body = out.get_mut(start + HEADER..).unwrap_or_default();
        let sealed = self.0.cipher.seal_in_place_separate_tag(nonce, Aad::from(header), body);
        match sealed {
            Ok(tag) => out.extend_from_slice(tag.as_ref()),
            Err(_) => {
                out.truncate(start);
                return Err(RecordError::Exhausted);
            }
        }
        self.0.next();
        Ok(())
    }

    /// Makes the record that `room` has exactly the place for; `fill` writes what it holds.
    ///
    /// # Errors
    /// As [`Sealer::seal`].
    fn seal_in(&mut self, room: &mut [u8], fill: impl FnOnce(&mut [u8])) -> Result<(), RecordError> {
        let length =
            room.len().checked_sub(RECORD_OVERHEAD + 1).and_then(|length| u16::try_from(length).ok());
        let header = length.ok_or(RecordError::Exhausted)?.to_le_bytes();
        let nonce = self.0.nonce()?;
        let (first, rest) = room.split_first_chunk_mut::<HEADER>().ok_or(RecordError::Exhausted)?;
        let (body, last) = rest.split_last_chunk_mut::<TAG>().ok_or(RecordError::Exhausted)?;
        *first = header;
        fill(body);
        let sealed = self.0.cipher.seal_in_place_separate_tag(nonce, Aad::from(header), body);
        last.copy_from_slice(sealed.map_err(|_| RecordError::Exhausted)?.as_ref());
        self.0.next();
        Ok(())
    }

    /// The keys as they are now, for somebody else to go on with.
    pub fn into_keys(self) -> DirectionKeys {
        self.0.keys
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealer({:?})", self.0.keys)
    }
}

/// Opens the records of one direction.
pub struct Opener(Direction);

impl Opener {
    /// Goes on at the keys' count.
    pub fn new(keys: DirectionKeys) -> Self {
        Self(Direction::new(keys))
    }

    /// Bytes of the record that begins with these; `None` while its header is not complete.
    pub fn record_length(bytes: &[u8]) -> Option<usize> {
        let header: &[u8; HEADER] = bytes.first_chunk()?;
        Some(usize::from(u16::from_le_bytes(*header)) + 1 + RECORD_OVERHEAD)
    }

    /// Opens one whole record in place and gives what it holds.
    ///
    /// # Errors
    /// [`RecordError`]; the direction has ended then.
    pub fn open<'record>(&mut self, record: &'record mut [u8]) -> Result<&'record mut [u8], RecordError> {
        if Self::record_length(record) != Some(record.len()) {
            return Err(RecordError::Forged);
        }
        let nonce = self.0.nonce()?;
        let (header, body) = record.split_first_chunk_mut::<HEADER>().ok_or(RecordError::Forged)?;
        let opened = self.0.cipher.open_in_place(nonce, Aad::from(*header), body);
        let opened = opened.map_err(|_| RecordError::Forged)?;
        self.0.next();
        Ok(opened)
    }

    /// The keys as they are now, for somebody else to go on with.
    pub fn into_keys(self) -> DirectionKeys {
        self.0.keys
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opener({:?})", self.0.keys)
    }
}

/// The sending half of an encrypted channel.
pub struct SealedSender {
    inner: Box<dyn Sender>,
    sealer: Sealer,
    /// Bytes that a record holds at most.
    largest: usize,
    out: Vec<u8>,
    /// Room for one record, for what is sealed where it is copied to.
    record: Vec<u8>,
    ended: bool,
}

impl fmt::Debug for SealedSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedSender").field("sealer", &self.sealer).finish_non_exhaustive()
    }
}

impl SealedSender {
    /// Seals what is sent into records of `largest` bytes at most (at least 1, at most [`MAX_RECORD`]): a device with frames wants
    /// records of a frame less [`RECORD_OVERHEAD`].
    pub fn new(inner: Box<dyn Sender>, keys: DirectionKeys, largest: usize) -> Self {
        let largest = largest.clamp(1, MAX_RECORD);
        Self { inner, sealer: Sealer::new(keys), largest, out: Vec::new(), record: Vec::new(), ended: false }
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.out.is_empty() {
            return Ok(());
        }
        let sent = self.inner.send(&[IoSlice::new(&self.out)]);
        self.out.clear();
        sent
    }

    fn send_all(&mut self, parts: &[IoSlice<'_>]) -> io::Result<()> {
        let mut gathered: [&[u8]; 8] = [&[]; 8];
        let (mut pieces, mut bytes) = (0, 0);
        for part in parts {
            let mut rest: &[u8] = part;
            while !rest.is_empty() {
                let (now, later) = rest.split_at_checked(self.largest - bytes).unwrap_or((rest, &[]));
                rest = later;
                bytes += now.len();
                if let Some(piece) = gathered.get_mut(pieces) {
                    *piece = now;
                }
                pieces += 1;
                if bytes == self.largest || pieces == gathered.len() {
                    self.sealer.seal(gathered.get(..pieces).unwrap_or_default(), &mut self.out)?;
                    (pieces, bytes) = (0, 0);
                    if self.out.len() >= BATCH {
                        self.flush()?;
                    }
                }
            }
        }
        if pieces > 0 {
            self.sealer.seal(gathered.get(..pieces).unwrap_or_default(), &mut self.out)?;
        }
        self.flush()
    }

    /// Each record is sent at once: while the next one is sealed, the peer opens it.
    fn seal_from(&mut self, head: &[u8], span: Span<'_>) -> io::Result<()> {
        let (mut head, mut span) = (head, span);
        self.record.resize(self.largest + RECORD_OVERHEAD, 0);
        while !head.is_empty() || !span.is_empty() {
            let length = head.len().saturating_add(span.len()).min(self.largest);
            let (now, later) = head.split_at_checked(length).unwrap_or((head, &[]));
            let room = self.record.get_mut(..length + RECORD_OVERHEAD).unwrap_or_default();
            self.sealer.seal_in(room, |body| {
                if let Some((first, rest)) = body.split_at_mut_checked(now.len()) {
                    first.copy_from_slice(now);
                    span.read(rest);
                }
            })?;
            self.inner.send(&[IoSlice::new(room)])?;
            span = span.split_at(length - now.len()).1;
            head = later;
        }
        Ok(())
    }
}

impl Sender for SealedSender {
    fn send(&mut self, parts: &[IoSlice<'_>]) -> io::Result<()> {
        if self.ended {
            return Err(RecordError::Ended.into());
        }
        let sent = self.send_all(parts);
        self.ended = sent.is_err();
        sent
    }

    fn send_from(&mut self, head: &[u8], span: Span<'_>, _room: &mut [u8]) -> io::Result<()> {
        if self.ended {
            return Err(RecordError::Ended.into());
        }
        let sent = self.seal_from(head, span);
        self.ended = sent.is_err();
        sent
    }
}

/// The receiving half of an encrypted channel.
pub struct SealedReceiver {
    inner: Box<dyn Receiver>,
    opener: Opener,
    buffer: Box<[u8]>,
    /// What of the buffer was received and is still sealed.
    sealed: std::ops::Range<usize>,
    /// What of it is opened and not taken yet; it lies in front of `sealed`.
    opened: std::ops::Range<usize>,
    ended: Option<RecordError>,
}

impl fmt::Debug for SealedReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedReceiver").field("opener", &self.opener).finish_non_exhaustive()
    }
}

impl SealedReceiver {
    /// Opens what `inner` receives.
    pub fn new(inner: Box<dyn Receiver>, keys: DirectionKeys) -> Self {
        let buffer = vec![0; BATCH].into_boxed_slice();
        Self { inner, opener: Opener::new(keys), buffer, sealed: 0..0, opened: 0..0, ended: None }
    }

    fn fail<T>(&mut self, error: RecordError) -> io::Result<T> {
        self.ended = Some(error);
        Err(error.into())
    }

    /// Opens the next record if it is there; gives whether.
    fn open(&mut self) -> Result<bool, RecordError> {
        let bytes = self.buffer.get_mut(self.sealed.clone()).unwrap_or_default();
        let Some(record) = Opener::record_length(bytes).and_then(|length| bytes.get_mut(..length)) else {
            return Ok(false);
        };
        let whole = record.len();
        let holds = self.opener.open(record)?.len();
        self.opened = self.sealed.start + HEADER..self.sealed.start + HEADER + holds;
        self.sealed.start += whole;
        Ok(true)
    }

    /// Receives more; gives whether the peer is still there.
    fn fill(&mut self) -> io::Result<bool> {
        if self.sealed.is_empty() {
            self.sealed = 0..0;
        } else if self.buffer.len() - self.sealed.start < MAX_RECORD + RECORD_OVERHEAD {
            // What is left of a record moves to the front, so that all of it has room.
            self.buffer.copy_within(self.sealed.clone(), 0);
            self.sealed = 0..self.sealed.len();
        }
        self.opened = 0..0;
        let room = self.buffer.get_mut(self.sealed.end..).unwrap_or_default();
        let room_bytes = room.len();
        // A carrier that claims more than there was room for would be a fault of ours.
        let received = self.inner.receive(room)?.min(room_bytes);
        self.sealed.end += received;
        Ok(received > 0)
    }

    /// Waits for bytes and gives `length` of them at most to `put`, each time with how many there were before; how many in all.
    fn deliver(&mut self, length: usize, mut put: impl FnMut(usize, &[u8])) -> io::Result<usize> {
        if let Some(error) = self.ended {
            return Err(error.into());
        }
        let mut taken = 0;
        while taken < length {
            let opened = self.buffer.get(self.opened.clone()).unwrap_or_default();
            let now = opened.get(..length - taken).unwrap_or(opened);
            put(taken, now);
            taken += now.len();
            self.opened.start += now.len();
            if !self.opened.is_empty() {
                break;
            }
            match self.open() {
                Ok(true) => {}
                Ok(false) if taken > 0 => break,
                Ok(false) => match self.fill() {
                    Ok(true) => {}
                    Ok(false) if self.sealed.is_empty() => return Ok(0),
                    Ok(false) => return self.fail(RecordError::Truncated),
                    Err(error) => {
                        self.ended = Some(RecordError::Ended);
                        return Err(error);
                    }
                },
                // What authenticated before is delivered first; the next call says what is wrong.
                Err(error) if taken > 0 => {
                    self.ended = Some(error);
                    break;
                }
                Err(error) => return self.fail(error),
            }
        }
        Ok(taken)
    }
}

impl Receiver for SealedReceiver {
    fn receive(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.deliver(into.len(), |at, bytes| {
            if let Some(to) = into.get_mut(at..at + bytes.len()) {
                to.copy_from_slice(bytes);
            }
        })
    }

    fn receive_into(&mut self, span: Span<'_>, _room: &mut [u8]) -> io::Result<usize> {
        self.deliver(span.len(), |at, bytes| {
            span.split_at(at).1.write(bytes);
        })
    }
}

/// Encrypts a channel: each half is wrapped.
pub fn sealed_channel(channel: Channel, keys: SessionKeys, largest: usize) -> Channel {
    let Channel { sender, receiver, closer } = channel;
    let SessionKeys { send, receive } = keys;
    Channel {
        sender: Box::new(SealedSender::new(sender, send, largest)),
        receiver: Box::new(SealedReceiver::new(receiver, receive)),
        closer,
    }
}
