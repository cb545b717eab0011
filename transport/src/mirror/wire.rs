//! What a mirror's two ends say to each other, byte by byte.
//!
//! Both channels carry messages: a header of 8 bytes, then the payload. All numbers are little-endian.
//!
//! ```text
//! byte 0  length   u32, of the payload
//! byte 4  kind     u16, one of `kind`
//! byte 6  context  u16, 0 where none is meant
//! ```
//!
//! Nothing is optional and nothing is skipped: a message that is not exactly as described here ends the link.

use std::fmt;

/// First word of a [`Message::Hello`]: "PVGPUmr1", little-endian.
pub const MAGIC: u64 = u64::from_le_bytes(*b"PVGPUmr1");
/// The version of these messages. Both ends say theirs; different ones do not talk.
pub const VERSION: u32 = 2;
/// Bytes of a message's header.
pub const HEADER_BYTES: usize = 8;
/// The longest payload on the urgent channel.
pub const MAX_URGENT_BYTES: usize = 160 << 10;
/// The longest payload on the bulk channel.
pub const MAX_BULK_BYTES: usize = (1 << 20) + 64;
/// Bytes of a [`Message::Piece`] before its data.
pub const PIECE_BYTES: usize = 16;
/// Cells of the host's half of the control page that travel: [`Message::Control`].
pub const CONTROL_CELLS: usize = 8;
/// The event ring, where a message names a ring.
pub const EVENT_RING: u16 = u16::MAX;
/// Bytes of text that a [`Message::Bye`] may have.
pub const MAX_TEXT_BYTES: usize = 1024;

/// Values of a header's kind.
mod kind {
    pub const HELLO: u16 = 1;
    pub const CONTROL: u16 = 2;
    pub const OPEN_RING: u16 = 3;
    pub const CLOSE_RING: u16 = 4;
    pub const RING: u16 = 5;
    pub const HEAP: u16 = 6;
    pub const FENCE: u16 = 7;
    pub const WANT: u16 = 8;
    pub const STATUS: u16 = 9;
    pub const TELEMETRY: u16 = 10;
    pub const PING: u16 = 11;
    pub const PONG: u16 = 12;
    pub const BYE: u16 = 13;
    pub const PIECE: u16 = 14;
    pub const TILES: u16 = 15;
}

/// A part of the heap that the guest wants back behind a fence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// Bytes from the heap's start.
    pub offset: u64,
    /// Bytes.
    pub length: u64,
    /// Bytes from row to row when it is a frame of `B8G8R8A8` pixels; 0 otherwise.
    pub pitch: u32,
    /// Pixels of such a frame; 0 otherwise.
    pub width: u32,
    /// What such a frame is a frame of, a number that stays the same from frame to frame; 0 otherwise.
    pub surface: u32,
    /// No newer frame may take the place of such a frame.
    pub keep: bool,
}

/// How far a ring is consumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Which ring; [`EVENT_RING`] or a context's.
    pub ring: u16,
    /// The position.
    pub position: u64,
}

/// One message; payloads borrow from where it was read.
#[derive(Clone, Debug, PartialEq)]
pub enum Message<'a> {
    /// Guest, first: what its aperture is. `cells` are those that a guest writes into the control page, from `VERSIONS` to `PROCESS`.
    Hello {
        /// The version of these messages.
        version: u32,
        /// See `pvgpu_protocol::aperture::guest_cell`.
        cells: [u64; 7],
    },
    /// Host: its half of the control page as it stands now, and with it what the host says of itself.
    Control {
        /// From `STATE` on; see `pvgpu_protocol::aperture::host_cell`.
        cells: [u64; CONTROL_CELLS],
        /// The host-info part; empty unless the host is ready.
        info: &'a [u8],
    },
    /// Guest: a ring begins at position 0.
    OpenRing {
        /// Which.
        context: u16,
        /// Bytes from the heap's start to its region.
        offset: u64,
        /// Bytes of the region.
        length: u64,
    },
    /// Guest: nothing more comes for a ring.
    CloseRing {
        /// Which.
        context: u16,
    },
    /// Whole records for the copy of a ring, shown once the bulk channel's item `need` has come.
    Ring {
        /// Which; [`EVENT_RING`] from the host.
        ring: u16,
        /// The bulk item; 0 for none.
        need: u64,
        /// Where they begin.
        position: u64,
        /// The records' bytes.
        records: &'a [u8],
    },
    /// Bytes of the heap that go before everything behind this message.
    Heap {
        /// Bytes from the heap's start.
        offset: u64,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// Host: a fence line, once the bulk channel's item `need` has come.
    Fence {
        /// Whose.
        context: u16,
        /// The bulk item; 0 for none.
        need: u64,
        /// The completed value.
        value: u64,
        /// When.
        time: u64,
        /// The error cell.
        error: u64,
    },
    /// Guest: what it wants of the heap before it hears that a fence is complete.
    Want {
        /// Whose fence.
        context: u16,
        /// The value.
        fence: u64,
        /// At most [`MAX_WANTED`].
        ranges: Vec<Wanted>,
    },
    /// How far the sender has come.
    Status {
        /// Its heartbeat cell.
        heartbeat: u64,
        /// Items of the bulk channel that have come to it.
        applied: u64,
        /// Rings whose heads have moved.
        heads: Vec<Head>,
    },
    /// Guest: trace records, 56 bytes each.
    Telemetry {
        /// Their bytes.
        records: &'a [u8],
    },
    /// Asks for a [`Message::Pong`].
    Ping {
        /// Comes back.
        time: u64,
    },
    /// Answers a [`Message::Ping`].
    Pong {
        /// As it came.
        time: u64,
    },
    /// The sender ends the link.
    Bye {
        /// Why, for people.
        text: &'a str,
    },
    /// Bulk: a piece of an item. Items are counted from 1, as they begin.
    Piece {
        /// Bytes from the heap's start.
        offset: u64,
        /// Bytes of the heap that the data stands for.
        length: u32,
        /// How the data is packed; see [`super::pack`].
        packing: u8,
        /// The item's last piece.
        last: bool,
        /// The data.
        data: &'a [u8],
    },
    /// Bulk: a part of a frame; see [`super::frames`]. Each frame is an item.
    Tiles {
        /// Whose.
        context: u16,
        /// Bytes from the heap's start to the frame's place.
        offset: u64,
        /// Pixels of a row.
        width: u32,
        /// Rows.
        height: u32,
        /// Bytes from row to row.
        pitch: u32,
        /// The reference begins anew.
        reset: bool,
        /// The frame's last part.
        last: bool,
        /// A piece of code; empty for none.
        code: &'a [u8],
    },
}

/// Ranges in one [`Message::Want`].
pub const MAX_WANTED: usize = 4096;
/// Bytes of each.
const WANTED_BYTES: usize = 32;

/// Why a message is none. The link ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireError {
    /// The payload is longer than the channel carries.
    TooLong {
        /// Its length.
        length: u32,
        /// The limit.
        limit: usize,
    },
    /// No message has this number.
    Kind(u16),
    /// The payload has another length than its kind, or holds numbers that no sender writes.
    Payload(u16),
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { length, limit } => {
                write!(f, "the peer sent a message of {length} bytes, more than {limit}")
            }
            Self::Kind(kind) => write!(f, "the peer sent a message of kind {kind}, which this version lacks"),
            Self::Payload(kind) => write!(f, "the peer sent a malformed message of kind {kind}"),
        }
    }
}

impl std::error::Error for WireError {}

/// A message's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Bytes of the payload.
    pub length: u32,
    kind: u16,
    context: u16,
}

impl Header {
    /// Reads a header.
    ///
    /// # Errors
    /// [`WireError::TooLong`] when the payload exceeds `limit`.
    pub fn read(bytes: [u8; HEADER_BYTES], limit: usize) -> Result<Self, WireError> {
        let word = u64::from_le_bytes(bytes);
        // CAST: three fields of the word.
        let header = Self { length: word as u32, kind: (word >> 32) as u16, context: (word >> 48) as u16 };
        if header.length as usize > limit {
            return Err(WireError::TooLong { length: header.length, limit });
        }
        Ok(header)
    }

    /// Whether a [`Message::Piece`] follows.
    pub fn is_piece(&self) -> bool {
        self.kind == kind::PIECE
    }
}

/// Takes numbers from the start of bytes.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn u64(&mut self) -> Option<u64> {
        let (now, later) = self.0.split_first_chunk()?;
        self.0 = later;
        Some(u64::from_le_bytes(*now))
    }

    fn u32(&mut self) -> Option<u32> {
        let (now, later) = self.0.split_first_chunk()?;
        self.0 = later;
        Some(u32::from_le_bytes(*now))
    }

    fn u16(&mut self) -> Option<u16> {
        let (now, later) = self.0.split_first_chunk()?;
        self.0 = later;
        Some(u16::from_le_bytes(*now))
    }

    fn words<const N: usize>(&mut self) -> Option<[u64; N]> {
        let mut words = [0; N];
        for word in &mut words {
            *word = self.u64()?;
        }
        Some(words)
    }

    fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }
}

/// Reads a message whose payload is complete.
///
/// # Errors
/// [`WireError`] when it is none.
pub fn decode(header: Header, payload: &[u8]) -> Result<Message<'_>, WireError> {
    let Header { kind, context, .. } = header;
    let mut fields = Fields(payload);
    let message = fields_of(kind, context, &mut fields)?.ok_or(WireError::Payload(kind))?;
    if fields.0.is_empty() { Ok(message) } else { Err(WireError::Payload(kind)) }
}

fn fields_of<'a>(kind: u16, context: u16, f: &mut Fields<'a>) -> Result<Option<Message<'a>>, WireError> {
    Ok(match kind {
        kind::HELLO => hello(f),
        kind::CONTROL => f.words().map(|cells| Message::Control { cells, info: f.rest() }),
        kind::OPEN_RING => open_ring(context, f),
        kind::CLOSE_RING => Some(Message::CloseRing { context }),
        kind::RING => ring(context, f),
        kind::HEAP => f.u64().map(|offset| Message::Heap { offset, bytes: f.rest() }),
        kind::FENCE => {
            f.words().map(|[need, value, time, error]| Message::Fence { context, need, value, time, error })
        }
        kind::WANT => want(context, f),
        kind::STATUS => status(f),
        kind::TELEMETRY => {
            let records = f.rest();
            records.len().is_multiple_of(56).then_some(Message::Telemetry { records })
        }
        kind::PING => f.u64().map(|time| Message::Ping { time }),
        kind::PONG => f.u64().map(|time| Message::Pong { time }),
        kind::BYE => {
            let text = std::str::from_utf8(f.rest()).ok().filter(|text| text.len() <= MAX_TEXT_BYTES);
            text.map(|text| Message::Bye { text })
        }
        kind::PIECE => piece(f),
        kind::TILES => tiles(context, f),
        _ => return Err(WireError::Kind(kind)),
    })
}

fn hello<'a>(f: &mut Fields<'a>) -> Option<Message<'a>> {
    let magic = f.u64()?;
    let version = f.u32()?;
    let reserved = f.u32()?;
    let cells = f.words()?;
    (magic == MAGIC && reserved == 0).then_some(Message::Hello { version, cells })
}

fn open_ring<'a>(context: u16, f: &mut Fields<'a>) -> Option<Message<'a>> {
    Some(Message::OpenRing { context, offset: f.u64()?, length: f.u64()? })
}

fn ring<'a>(ring: u16, f: &mut Fields<'a>) -> Option<Message<'a>> {
    let (need, position, records) = (f.u64()?, f.u64()?, f.rest());
    records.len().is_multiple_of(8).then_some(Message::Ring { ring, need, position, records })
}

fn want<'a>(context: u16, f: &mut Fields<'a>) -> Option<Message<'a>> {
    let fence = f.u64()?;
    let count = f.0.len() / WANTED_BYTES;
    if count > MAX_WANTED {
        return None;
    }
    let mut ranges = Vec::with_capacity(count);
    for _ in 0..count {
        let (offset, length, pitch, width) = (f.u64()?, f.u64()?, f.u32()?, f.u32()?);
        let surface = f.u32()?;
        let keep = match f.u32()? {
            0 => false,
            1 => true,
            _ => return None,
        };
        ranges.push(Wanted { offset, length, pitch, width, surface, keep });
    }
    Some(Message::Want { context, fence, ranges })
}

fn status<'a>(f: &mut Fields<'a>) -> Option<Message<'a>> {
    let (heartbeat, applied) = (f.u64()?, f.u64()?);
    let mut heads = Vec::with_capacity(f.0.len() / 16);
    while !f.0.is_empty() {
        let head = Head { ring: f.u16()?, position: f.u64()? };
        heads.push(head);
    }
    Some(Message::Status { heartbeat, applied, heads })
}

fn piece<'a>(f: &mut Fields<'a>) -> Option<Message<'a>> {
    let (offset, length, packing) = (f.u64()?, f.u32()?, f.u32()?);
    let (last, packing) = (packing & 1 << 31 != 0, packing & !(1 << 31));
    let packing = u8::try_from(packing).ok()?;
    Some(Message::Piece { offset, length, packing, last, data: f.rest() })
}

fn tiles<'a>(context: u16, f: &mut Fields<'a>) -> Option<Message<'a>> {
    let (offset, width, height, pitch, flags) = (f.u64()?, f.u32()?, f.u32()?, f.u32()?, f.u32()?);
    if flags > 3 {
        return None;
    }
    let (reset, last) = (flags & 1 != 0, flags & 2 != 0);
    Some(Message::Tiles { context, offset, width, height, pitch, reset, last, code: f.rest() })
}

impl Message<'_> {
    /// Appends the message to `out`.
    ///
    /// The caller keeps to the limits: a payload beyond them is a message that the peer refuses.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[0; HEADER_BYTES]);
        let (kind, context) = self.payload(out);
        // CAST: below the channel's limit, as the caller keeps to.
        let length = (out.len() - start - HEADER_BYTES) as u64;
        let word = length & 0xffff_ffff | u64::from(kind) << 32 | u64::from(context) << 48;
        if let Some(header) = out.get_mut(start..start + HEADER_BYTES) {
            header.copy_from_slice(&word.to_le_bytes());
        }
    }

    fn payload(&self, out: &mut Vec<u8>) -> (u16, u16) {
        let words = |out: &mut Vec<u8>, words: &[u64]| {
            for word in words {
                out.extend_from_slice(&word.to_le_bytes());
            }
        };
        match self {
            Self::Hello { version, cells } => {
                words(out, &[MAGIC, u64::from(*version)]);
                words(out, cells);
                (kind::HELLO, 0)
            }
            Self::Control { cells, info } => {
                words(out, cells);
                out.extend_from_slice(info);
                (kind::CONTROL, 0)
            }
            Self::OpenRing { context, offset, length } => {
                words(out, &[*offset, *length]);
                (kind::OPEN_RING, *context)
            }
            Self::CloseRing { context } => (kind::CLOSE_RING, *context),
            Self::Ring { ring, need, position, records } => {
                words(out, &[*need, *position]);
                out.extend_from_slice(records);
                (kind::RING, *ring)
            }
            Self::Heap { offset, bytes } => {
                words(out, &[*offset]);
                out.extend_from_slice(bytes);
                (kind::HEAP, 0)
            }
            Self::Fence { context, need, value, time, error } => {
                words(out, &[*need, *value, *time, *error]);
                (kind::FENCE, *context)
            }
            Self::Want { context, fence, ranges } => {
                words(out, &[*fence]);
                for range in ranges {
                    words(out, &[range.offset, range.length]);
                    words(out, &[u64::from(range.pitch) | u64::from(range.width) << 32]);
                    words(out, &[u64::from(range.surface) | u64::from(range.keep) << 32]);
                }
                (kind::WANT, *context)
            }
            Self::Status { heartbeat, applied, heads } => {
                words(out, &[*heartbeat, *applied]);
                for head in heads {
                    out.extend_from_slice(&head.ring.to_le_bytes());
                    words(out, &[head.position]);
                }
                (kind::STATUS, 0)
            }
            Self::Telemetry { records } => {
                out.extend_from_slice(records);
                (kind::TELEMETRY, 0)
            }
            Self::Ping { time } => {
                words(out, &[*time]);
                (kind::PING, 0)
            }
            Self::Pong { time } => {
                words(out, &[*time]);
                (kind::PONG, 0)
            }
            Self::Bye { text } => {
                out.extend_from_slice(text.as_bytes());
                (kind::BYE, 0)
            }
            Self::Piece { offset, length, packing, last, data } => {
                out.extend_from_slice(&piece_fields(*offset, *length, *packing, *last));
                out.extend_from_slice(data);
                (kind::PIECE, 0)
            }
            Self::Tiles { context, offset, width, height, pitch, reset, last, code } => {
                let flags = u64::from(*reset) | u64::from(*last) << 1;
                words(out, &[*offset, u64::from(*width) | u64::from(*height) << 32]);
                words(out, &[u64::from(*pitch) | flags << 32]);
                out.extend_from_slice(code);
                (kind::TILES, *context)
            }
        }
    }
}

/// Header and fields of a [`Message::Piece`] whose `data` bytes of data are sent behind them from where they are.
pub fn piece_header(
    offset: u64,
    length: u32,
    packing: u8,
    last: bool,
    data: usize,
) -> [u8; HEADER_BYTES + PIECE_BYTES] {
    let mut bytes = [0; HEADER_BYTES + PIECE_BYTES];
    let (header, fields) = bytes.split_at_mut(HEADER_BYTES);
    // CAST: below the channel's limit, as the caller keeps to.
    let word = (data + PIECE_BYTES) as u64 & 0xffff_ffff | u64::from(kind::PIECE) << 32;
    header.copy_from_slice(&word.to_le_bytes());
    fields.copy_from_slice(&piece_fields(offset, length, packing, last));
    bytes
}

fn piece_fields(offset: u64, length: u32, packing: u8, last: bool) -> [u8; PIECE_BYTES] {
    let packing = u64::from(packing) | if last { 1 << 31 } else { 0 };
    let mut bytes = [0; PIECE_BYTES];
    let (low, high) = bytes.split_at_mut(8);
    low.copy_from_slice(&offset.to_le_bytes());
    high.copy_from_slice(&(u64::from(length) | packing << 32).to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round(message: &Message<'_>) {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        let (header, payload) = bytes.split_first_chunk().expect("a header");
        let header = Header::read(*header, MAX_BULK_BYTES).expect("short");
        assert_eq!(header.length as usize, payload.len());
        assert_eq!(&decode(header, payload).expect("a message"), message);
    }

    #[test]
    fn every_message_survives() {
        round(&Message::Hello { version: VERSION, cells: [1, 2, 3, 4, 5, 6, 7] });
        round(&Message::Control { cells: [9; CONTROL_CELLS], info: b"host" });
        round(&Message::OpenRing { context: 63, offset: 4096, length: 1 << 20 });
        round(&Message::CloseRing { context: 7 });
        round(&Message::Ring { ring: EVENT_RING, need: 3, position: u64::MAX - 7, records: &[1; 16] });
        round(&Message::Heap { offset: 77, bytes: b"bytes" });
        round(&Message::Fence { context: 2, need: 1, value: 5, time: 6, error: 7 });
        let wanted = Wanted { offset: 8, length: 16, pitch: 4, width: 1, surface: 7, keep: true };
        round(&Message::Want { context: 1, fence: 9, ranges: vec![wanted; 3] });
        let heads = vec![Head { ring: 1, position: 8 }, Head { ring: 2, position: 16 }];
        round(&Message::Status { heartbeat: 1, applied: 2, heads });
        round(&Message::Telemetry { records: &[3; 112] });
        round(&Message::Ping { time: 1 });
        round(&Message::Pong { time: 2 });
        round(&Message::Bye { text: "good bye" });
        round(&Message::Piece { offset: 5, length: 6, packing: 3, last: true, data: b"abc" });
        round(&Message::Piece { offset: 5, length: 6, packing: 0, last: false, data: b"" });
        let (context, offset, width, height, pitch) = (1, 4096, 2, 3, 8);
        round(&Message::Tiles {
            context,
            offset,
            width,
            height,
            pitch,
            reset: true,
            last: false,
            code: b"code",
        });
        round(&Message::Tiles { context, offset, width, height, pitch, reset: false, last: true, code: b"" });
    }

    #[test]
    fn the_short_way_to_a_piece_is_the_same() {
        let mut bytes = Vec::new();
        Message::Piece { offset: 99, length: 3, packing: 2, last: true, data: b"xyz" }.encode(&mut bytes);
        let mut other = piece_header(99, 3, 2, true, 3).to_vec();
        other.extend_from_slice(b"xyz");
        assert_eq!(bytes, other);
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_message_or_an_error(header in any::<u64>(), payload in proptest::collection::vec(any::<u8>(), 0..200)) {
            // CAST: short.
            let word = header & !0xffff_ffff | payload.len() as u64;
            let header = Header::read(word.to_le_bytes(), MAX_URGENT_BYTES).expect("short");
            if let Ok(message) = decode(header, &payload) {
                let mut bytes = Vec::new();
                message.encode(&mut bytes);
                prop_assert_eq!(bytes.get(HEADER_BYTES..), Some(&payload[..]));
            }
        }

        #[test]
        fn kinds_with_any_payload(kind in 0u64..16, payload in proptest::collection::vec(any::<u8>(), 0..200)) {
            let word = kind << 32 | payload.len() as u64;
            let header = Header::read(word.to_le_bytes(), MAX_URGENT_BYTES).expect("short");
            if let Ok(message) = decode(header, &payload) {
                let mut bytes = Vec::new();
                message.encode(&mut bytes);
                prop_assert_eq!(bytes.get(HEADER_BYTES..), Some(&payload[..]));
            }
        }
    }
}
