//! Records as the consumer sees them: copied out of the ring, their length checked.
//!
//! A record is 8-byte aligned: one header word (bits 0..32 its length in bytes with the header, a multiple of 8;
//! bits 32..64 the tag, which is the caller's), then the payload, padded with zero bytes.

/// Bytes of a record before its payload.
pub const RECORD_HEADER_BYTES: usize = 8;

/// A record's header word.
#[inline]
pub(crate) fn header_word(length: u64, tag: u32) -> u64 {
    length | u64::from(tag) << 32
}

/// A record's length in bytes, header included, from its header word.
#[inline]
pub(crate) fn length_of(header: u64) -> u32 {
    // CAST: the low half is the length.
    header as u32
}

/// One record in local memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    header: u64,
    payload: &'a [u64],
}

impl<'a> Record<'a> {
    /// A record from local words whose first is the header, or nothing when there is none.
    #[inline]
    pub(crate) fn from_words(words: &'a [u64]) -> Option<Self> {
        let (header, payload) = words.split_first()?;
        Some(Self { header: *header, payload })
    }

    /// The upper half of the header word. `pvgpu-protocol` keeps opcode and flags there.
    #[inline]
    pub fn tag(&self) -> u32 {
        // CAST: the upper half after the shift.
        (self.header >> 32) as u32
    }

    /// The payload, 8-byte aligned, its length a multiple of 8.
    #[inline]
    pub fn payload(&self) -> &'a [u8] {
        bytemuck::cast_slice(self.payload)
    }

    /// The payload as words.
    #[inline]
    pub fn payload_words(&self) -> &'a [u64] {
        self.payload
    }

    /// Bytes that the record took in the ring, header included.
    #[inline]
    pub fn ring_bytes(&self) -> usize {
        RECORD_HEADER_BYTES + self.payload.len() * 8
    }
}

/// Records copied out together, in order. The lengths have been checked when they were copied.
#[derive(Debug, Clone)]
pub struct Batch<'a> {
    words: &'a [u64],
}

impl<'a> Batch<'a> {
    /// A batch from local words that hold whole records only.
    #[inline]
    pub(crate) fn from_words(words: &'a [u64]) -> Self {
        Self { words }
    }

    /// No record was waiting.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
}

impl<'a> Iterator for Batch<'a> {
    type Item = Record<'a>;

    #[inline]
    fn next(&mut self) -> Option<Record<'a>> {
        // CAST: a u32 fits a usize on every machine with this crate's 64-bit atomics.
        let words = length_of(*self.words.first()?) as usize / 8;
        let (record, rest) = self.words.split_at_checked(words)?;
        self.words = rest;
        Record::from_words(record)
    }
}
