//! The mux's records: one in each frame of the device, and nothing else in it.
//!
//! A record is a header of 16 bytes and a payload, little endian:
//!
//! | bytes | what |
//! |---|---|
//! | 0 | kind: 1 hello, 2 data, 3 credit, 4 bye |
//! | 1 | channel: 0 urgent, 1 bulk; 0 where a kind has none |
//! | 2–3 | bytes of payload |
//! | 4–7 | the session of the receiver, as its hello said; 0 in a hello |
//! | 8–15 | number of the record, from 0; hellos are not counted and say 0 |
//!
//! Payloads: a hello's is [`Hello`]; data's is bytes of the channel; a credit's is a u64, up to which byte of the channel the
//! receiver may be sent; a bye has none.

use super::error::StreamError;
pub(super) use super::{FRAME_BYTES, HEADER_BYTES, PIECE_BYTES};

/// Bytes of a hello's payload.
pub(super) const HELLO_BYTES: usize = 28;
/// Bytes of a credit's payload.
pub(super) const CREDIT_BYTES: usize = 8;
/// What every hello begins with.
const MAGIC: [u8; 8] = *b"pvgpu-tb";
/// The version of this mux. Both ends must speak the same.
pub(super) const VERSION: u16 = 1;

/// What a record is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Says who is there. Repeated until the other end has answered, since a frame to an end that is not open is lost.
    Hello,
    /// Bytes of a channel.
    Data,
    /// The receiver takes more bytes of a channel.
    Credit,
    /// The last record.
    Bye,
}

impl Kind {
    fn code(self) -> u8 {
        match self {
            Self::Hello => 1,
            Self::Data => 2,
            Self::Credit => 3,
            Self::Bye => 4,
        }
    }
}

/// One of the two channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// What nothing waits in front of.
    Urgent,
    /// Everything else.
    Bulk,
}

impl Lane {
    /// Both, the first to be served first.
    pub(super) const ALL: [Self; 2] = [Self::Urgent, Self::Bulk];

    /// Its number on the wire and in arrays of two.
    pub(super) fn index(self) -> usize {
        match self {
            Self::Urgent => 0,
            Self::Bulk => 1,
        }
    }
}

/// A record's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// What it is for.
    pub(super) kind: Kind,
    /// Whose bytes or credits.
    pub(super) lane: Lane,
    /// Bytes of payload.
    pub(super) length: u16,
    /// The session of the receiver.
    pub(super) session: u32,
    /// Number of the record.
    pub(super) sequence: u64,
}

impl Header {
    /// The header's bytes.
    pub(super) fn encode(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        let [length_0, length_1] = self.length.to_le_bytes();
        let lane = u8::from(self.lane == Lane::Bulk);
        bytes[..4].copy_from_slice(&[self.kind.code(), lane, length_0, length_1]);
        bytes[4..8].copy_from_slice(&self.session.to_le_bytes());
        bytes[8..].copy_from_slice(&self.sequence.to_le_bytes());
        bytes
    }

    /// Reads a header and checks what can be checked without knowing the session.
    ///
    /// # Errors
    /// [`StreamError`] names the field that no sender of this version writes.
    pub(super) fn decode(bytes: &[u8; HEADER_BYTES]) -> Result<Self, StreamError> {
        let [kind, channel, length_0, length_1, s0, s1, s2, s3, sequence @ ..] = *bytes;
        let length = u16::from_le_bytes([length_0, length_1]);
        let kind = match kind {
            1 => Kind::Hello,
            2 => Kind::Data,
            3 => Kind::Credit,
            4 => Kind::Bye,
            kind => return Err(StreamError::Kind { kind }),
        };
        let lane = match (kind, channel) {
            (_, 0) => Lane::Urgent,
            (Kind::Data | Kind::Credit, 1) => Lane::Bulk,
            (_, channel) => return Err(StreamError::Channel { channel }),
        };
        let is_legal = match kind {
            Kind::Hello => usize::from(length) == HELLO_BYTES,
            Kind::Data => (1..=PIECE_BYTES).contains(&usize::from(length)),
            Kind::Credit => usize::from(length) == CREDIT_BYTES,
            Kind::Bye => length == 0,
        };
        if !is_legal {
            return Err(StreamError::Length { length, most: PIECE_BYTES });
        }
        let session = u32::from_le_bytes([s0, s1, s2, s3]);
        Ok(Self { kind, lane, length, session, sequence: u64::from_le_bytes(sequence) })
    }
}

/// A hello's payload: 8 bytes of magic, u16 version, u16 zero, four u32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hello {
    /// The sender's session, a random number other than 0.
    pub(super) session: u32,
    /// The session that the sender has heard from the receiver; 0 when none.
    pub(super) heard: u32,
    /// Bytes of the urgent and of the bulk channel that the sender takes before it has given a credit.
    pub(super) windows: [u32; 2],
}

impl Hello {
    /// The payload's bytes.
    pub(super) fn encode(self) -> [u8; HELLO_BYTES] {
        let mut bytes = [0; HELLO_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
        let words = [self.session, self.heard, self.windows[0], self.windows[1]];
        for (word, place) in words.iter().zip(bytes[12..].chunks_exact_mut(4)) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// Reads a hello's payload.
    ///
    /// # Errors
    /// [`StreamError::Greeting`] for anything that is no hello, [`StreamError::Version`] for another version's.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, StreamError> {
        let bytes: &[u8; HELLO_BYTES] = bytes.try_into().map_err(|_| StreamError::Greeting)?;
        let (magic, rest) = bytes.split_at(8);
        let [version_0, version_1, zero_0, zero_1, words @ ..] = rest else {
            return Err(StreamError::Greeting);
        };
        if magic != MAGIC {
            return Err(StreamError::Greeting);
        }
        let version = u16::from_le_bytes([*version_0, *version_1]);
        if version != VERSION {
            return Err(StreamError::Version { theirs: version, ours: VERSION });
        }
        let mut fields = [0; 4];
        for (field, bytes) in fields.iter_mut().zip(words.as_chunks::<4>().0) {
            *field = u32::from_le_bytes(*bytes);
        }
        let [session, heard, urgent, bulk] = fields;
        if session == 0 || (*zero_0, *zero_1) != (0, 0) || urgent == 0 || bulk == 0 {
            return Err(StreamError::Greeting);
        }
        Ok(Self { session, heard, windows: [urgent, bulk] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_and_hellos_come_back() {
        for (kind, length) in
            [(Kind::Hello, 28), (Kind::Data, 1), (Kind::Data, 4080), (Kind::Credit, 8), (Kind::Bye, 0)]
        {
            let header = Header { kind, lane: Lane::Urgent, length, session: 7, sequence: u64::MAX - 1 };
            assert_eq!(Header::decode(&header.encode()).ok(), Some(header));
        }
        let hello = Hello { session: 5, heard: 0, windows: [1, u32::MAX] };
        assert_eq!(Hello::decode(&hello.encode()).ok(), Some(hello));
    }

    #[test]
    fn each_wrong_field_is_named() {
        let good =
            Header { kind: Kind::Data, lane: Lane::Bulk, length: 4080, session: 1, sequence: 0 }.encode();
        let with = |place: usize, value: u8| {
            let mut bytes = good;
            bytes[place] = value;
            Header::decode(&bytes).expect_err("a wrong field")
        };
        assert!(matches!(with(0, 0), StreamError::Kind { kind: 0 }));
        assert!(matches!(with(0, 5), StreamError::Kind { kind: 5 }));
        assert!(matches!(with(1, 2), StreamError::Channel { channel: 2 }));
        assert!(matches!(with(2, 0xf1), StreamError::Length { length: 4081, .. }));
        let bye = Header { kind: Kind::Bye, lane: Lane::Bulk, length: 0, session: 1, sequence: 0 }.encode();
        assert!(matches!(Header::decode(&bye), Err(StreamError::Channel { channel: 1 })));
        let hello = Hello { session: 5, heard: 0, windows: [1, 1] }.encode();
        for place in [0, 7, 10, 11] {
            let mut bytes = hello;
            bytes[place] ^= 1;
            assert!(matches!(Hello::decode(&bytes), Err(StreamError::Greeting)), "{place}");
        }
        for zero in [12, 20, 24] {
            let mut bytes = hello;
            bytes[zero] = 0;
            assert!(matches!(Hello::decode(&bytes), Err(StreamError::Greeting)), "{zero}");
        }
        let mut other = hello;
        other[8] = 9;
        assert!(matches!(Hello::decode(&other), Err(StreamError::Version { theirs: 9, .. })));
        assert!(Hello::decode(&hello[1..]).is_err());
    }
}
