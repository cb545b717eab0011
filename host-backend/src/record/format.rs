//! The bytes of a recording. All numbers are little-endian; nothing is padded.
//!
//! ```text
//! file    MAGIC · format version u32 · header length u32 · header checksum u64 · header · block · block …
//! block   stored bytes u32 · bytes u32 · checksum of the stored bytes u64 · stored bytes
//! item    kind u8 · its fields; see [`Item`]
//! ```
//! A block's stored bytes are an LZ4 block, or the bytes themselves where both lengths are the same. An item lies in one block.
//! Checksums are XXH3-64. The last item is [`Item::End`]; a file without it was cut off, or its worker died.
//!
//! A format is never changed, only followed by the next: golden bytes in the tests hold it.

use std::fmt;

use pvgpu_protocol::aperture::Sizes;
use pvgpu_protocol::limits::MAX_RECORD_BYTES;
use twox_hash::{XxHash3_64, XxHash3_128};

/// The first bytes of each recording.
pub const MAGIC: [u8; 8] = *b"PVGPUREC";
/// The format that this version writes, and the only one that it reads.
pub const FORMAT_VERSION: u32 = 1;
/// The most bytes of a header.
pub const MAX_HEADER_BYTES: u32 = 4096;
/// The most bytes of a block, unpacked.
pub const MAX_BLOCK_BYTES: u32 = 2 << 20;
/// The most bytes of the heap in one item.
pub const MAX_HEAP_BYTES: usize = 512 << 10;

/// The most bytes of a name in the header.
const MAX_TEXT: usize = 512;

/// A checksum of bytes.
pub fn checksum(bytes: &[u8]) -> u64 {
    XxHash3_64::oneshot(bytes)
}

/// What a presented frame is recognised by: XXH3-128 of its rows, four bytes a pixel, without padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHash(pub u128);

impl FrameHash {
    /// The hash of a frame's bytes.
    pub fn of(rows: &[u8]) -> Self {
        Self(XxHash3_128::oneshot(rows))
    }
}

impl fmt::Display for FrameHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// What stands at the beginning: everything that a replay must know before the first record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The ABI version that guest and host agreed on.
    pub abi: u16,
    /// The features that were on.
    pub features: u64,
    /// The guest's aperture.
    pub sizes: Sizes,
    /// The guest process, as the guest said.
    pub process: u64,
    /// When it began, in seconds of the Unix epoch.
    pub began: u64,
    /// The version of pvgpud.
    pub program: String,
    /// The GPU.
    pub device: String,
    /// Its driver.
    pub driver: String,
}

/// One thing that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A record was taken from a ring.
    Record {
        /// Whose ring; 0 for ring 0.
        context: u32,
        /// Bytes of the ring before it.
        position: u64,
        /// The record, header word included.
        words: Words<'a>,
    },
    /// The record before it reads these bytes of the heap.
    Heap {
        /// From the heap's start.
        offset: u64,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// A fence had completed before the next record was taken.
    Completed {
        /// Whose fence; 0 for ring 0's.
        context: u32,
        /// The value.
        value: u64,
    },
    /// The guest got a frame.
    Frame {
        /// Who presented it.
        context: u32,
        /// As the command said.
        sequence: u64,
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// Its hash.
        hash: FrameHash,
    },
    /// The guest was told something.
    Event {
        /// The record of the event ring, header word included.
        words: Words<'a>,
    },
    /// Nothing follows.
    End {
        /// Why; one of [`end`].
        reason: u32,
        /// Records in all.
        records: u64,
        /// Frames in all.
        frames: u64,
    },
}

/// Why a recording ended.
pub mod end {
    /// The guest, or its worker, ended.
    pub const GUEST: u32 = 0;
    /// Somebody asked, or as many frames or seconds as were asked for have passed.
    pub const ASKED: u32 = 1;
    /// The limit in bytes was reached.
    pub const BYTES: u32 = 2;
}

/// A record's words, from a ring or out of a file.
#[derive(Clone, Copy)]
pub struct Words<'a>(Source<'a>);

#[derive(Clone, Copy)]
enum Source<'a> {
    Words(&'a [u64]),
    Bytes(&'a [[u8; 8]]),
}

impl<'a> Words<'a> {
    /// A record that was taken from a ring.
    pub fn new(words: &'a [u64]) -> Self {
        Self(Source::Words(words))
    }

    /// How many.
    pub fn len(&self) -> usize {
        match self.0 {
            Source::Words(words) => words.len(),
            Source::Bytes(words) => words.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The words themselves.
    pub fn to_vec(self) -> Vec<u64> {
        let mut words = Vec::new();
        self.copy_into(&mut words);
        words
    }

    /// Puts the words into a list in place of what it holds.
    pub fn copy_into(self, into: &mut Vec<u64>) {
        into.clear();
        match self.0 {
            Source::Words(words) => into.extend_from_slice(words),
            Source::Bytes(words) => into.extend(words.iter().map(|word| u64::from_le_bytes(*word))),
        }
    }
}

impl PartialEq for Words<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.to_vec() == other.to_vec()
    }
}

impl Eq for Words<'_> {}

impl fmt::Debug for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.to_vec()).finish()
    }
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadFile {
    /// It begins with other bytes.
    Magic,
    /// It is of a later version, or of none.
    Version(u32),
    /// It ends within its header, or within a block.
    CutOff,
    /// Its blocks are whole, but the last item is no end.
    NoEnd,
    /// A length breaks a limit.
    Length {
        /// What it is the length of.
        what: &'static str,
        /// As the file says.
        length: u32,
        /// The most that may be.
        limit: u32,
    },
    /// A checksum does not fit.
    Checksum(&'static str),
    /// A block is no LZ4 block of the stated length.
    Packing,
    /// An item ends beyond its block, or the header's fields beyond the header.
    Fields(&'static str),
    /// An item of no known kind.
    Kind(u8),
    /// Something follows the end.
    BehindEnd,
}

impl fmt::Display for BadFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic => f.write_str("it is no recording of pvgpu"),
            Self::Version(version) if *version > FORMAT_VERSION => write!(
                f,
                "it is of format {version}, and this pvgpud reads format {FORMAT_VERSION}; take a newer pvgpud"
            ),
            Self::Version(version) => write!(f, "there is no format {version} of recordings"),
            Self::CutOff => f.write_str("it is cut off"),
            Self::NoEnd => {
                f.write_str("its end is missing: it is still being written, or what wrote it has died")
            }
            Self::Length { what, length, limit } => {
                write!(f, "it is corrupt: {what} of {length} bytes, where 1 to {limit} may be")
            }
            Self::Checksum(what) => write!(f, "it is corrupt: the checksum of {what} does not fit"),
            Self::Packing => f.write_str("it is corrupt: a block cannot be unpacked"),
            Self::Fields(what) => write!(f, "it is corrupt: {what} ends too early"),
            Self::Kind(kind) => write!(f, "it is corrupt: an item of kind {kind}"),
            Self::BehindEnd => f.write_str("it is corrupt: something follows its end"),
        }
    }
}

impl std::error::Error for BadFile {}

mod kind {
    pub const RECORD: u8 = 1;
    pub const HEAP: u8 = 2;
    pub const COMPLETED: u8 = 3;
    pub const FRAME: u8 = 4;
    pub const EVENT: u8 = 5;
    pub const END: u8 = 6;
}

/// Takes little-endian numbers off the front of bytes.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    /// A record's words behind their number.
    fn words(&mut self) -> Option<Words<'a>> {
        let count = self.u32().filter(|count| *count <= MAX_RECORD_BYTES / 8)?;
        let bytes = self.bytes(count as usize * 8)?;
        Some(Words(Source::Bytes(bytes.as_chunks().0)))
    }

    fn text(&mut self) -> Option<String> {
        let length = self.u16()?;
        let bytes = self.bytes(length.into())?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    }
}

impl Header {
    /// The header's bytes, without what stands in front of them.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(self.abi.to_le_bytes());
        let Sizes { aperture, ring0, event, telemetry } = self.sizes;
        for number in [self.features, aperture, ring0, event, telemetry, self.process, self.began] {
            bytes.extend(number.to_le_bytes());
        }
        for text in [&self.program, &self.device, &self.driver] {
            // Names of Vulkan have at most 256 bytes.
            let text = text.as_bytes().get(..MAX_TEXT).unwrap_or(text.as_bytes());
            // CAST: just cut.
            bytes.extend((text.len() as u16).to_le_bytes());
            bytes.extend(text);
        }
        bytes
    }

    /// Reads a header's bytes. More fields may follow in later versions of the program.
    ///
    /// # Errors
    /// [`BadFile::Fields`] when they are too few.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadFile> {
        let mut fields = Fields(bytes);
        let mut read = || {
            Some(Self {
                abi: fields.u16()?,
                features: fields.u64()?,
                sizes: Sizes {
                    aperture: fields.u64()?,
                    ring0: fields.u64()?,
                    event: fields.u64()?,
                    telemetry: fields.u64()?,
                },
                process: fields.u64()?,
                began: fields.u64()?,
                program: fields.text()?,
                device: fields.text()?,
                driver: fields.text()?,
            })
        };
        read().ok_or(BadFile::Fields("its header"))
    }
}

impl Item<'_> {
    /// Bytes that it takes in a block.
    pub fn bytes(&self) -> usize {
        1 + match self {
            Self::Record { words, .. } => 4 + 8 + 4 + words.len() * 8,
            Self::Heap { bytes, .. } => 8 + 4 + bytes.len(),
            Self::Completed { .. } => 4 + 8,
            Self::Frame { .. } => 4 + 8 + 4 + 4 + 16,
            Self::Event { words } => 4 + words.len() * 8,
            Self::End { .. } => 4 + 8 + 8,
        }
    }

    /// Appends itself to a block.
    pub fn write(&self, block: &mut Vec<u8>) {
        match *self {
            Self::Record { context, position, words } => {
                block.push(kind::RECORD);
                block.extend(context.to_le_bytes());
                block.extend(position.to_le_bytes());
                write_words(block, words);
            }
            Self::Heap { offset, bytes } => {
                block.push(kind::HEAP);
                block.extend(offset.to_le_bytes());
                // CAST: at most MAX_HEAP_BYTES.
                block.extend((bytes.len() as u32).to_le_bytes());
                block.extend(bytes);
            }
            Self::Completed { context, value } => {
                block.push(kind::COMPLETED);
                block.extend(context.to_le_bytes());
                block.extend(value.to_le_bytes());
            }
            Self::Frame { context, sequence, width, height, hash } => {
                block.push(kind::FRAME);
                block.extend(context.to_le_bytes());
                block.extend(sequence.to_le_bytes());
                block.extend(width.to_le_bytes());
                block.extend(height.to_le_bytes());
                block.extend(hash.0.to_le_bytes());
            }
            Self::Event { words } => {
                block.push(kind::EVENT);
                write_words(block, words);
            }
            Self::End { reason, records, frames } => {
                block.push(kind::END);
                block.extend(reason.to_le_bytes());
                block.extend(records.to_le_bytes());
                block.extend(frames.to_le_bytes());
            }
        }
    }
}

fn write_words(block: &mut Vec<u8>, words: Words<'_>) {
    // CAST: at most MAX_RECORD_BYTES.
    block.extend((words.len() as u32).to_le_bytes());
    match words.0 {
        Source::Words(words) => words.iter().for_each(|word| block.extend(word.to_le_bytes())),
        Source::Bytes(words) => block.extend_from_slice(words.as_flattened()),
    }
}

/// Takes the first item off a block; gives it and how many bytes it took.
///
/// # Errors
/// [`BadFile::Fields`] and [`BadFile::Kind`].
pub fn read_item(block: &[u8]) -> Result<(Item<'_>, usize), BadFile> {
    let mut fields = Fields(block);
    let kind = fields.u8().ok_or(BadFile::Fields("a block"))?;
    let mut read = || {
        Some(Ok(match kind {
            kind::RECORD => {
                Item::Record { context: fields.u32()?, position: fields.u64()?, words: fields.words()? }
            }
            kind::HEAP => {
                let offset = fields.u64()?;
                let length = fields.u32()?;
                Item::Heap { offset, bytes: fields.bytes(length as usize)? }
            }
            kind::COMPLETED => Item::Completed { context: fields.u32()?, value: fields.u64()? },
            kind::FRAME => Item::Frame {
                context: fields.u32()?,
                sequence: fields.u64()?,
                width: fields.u32()?,
                height: fields.u32()?,
                hash: FrameHash(fields.array().map(u128::from_le_bytes)?),
            },
            kind::EVENT => Item::Event { words: fields.words()? },
            kind::END => Item::End { reason: fields.u32()?, records: fields.u64()?, frames: fields.u64()? },
            other => return Some(Err(BadFile::Kind(other))),
        }))
    };
    let item = read().ok_or(BadFile::Fields("an item"))??;
    Ok((item, block.len() - fields.0.len()))
}

#[cfg(test)]
mod tests;
