//! Reads a recording: any bytes give items, or an error.

use std::fmt;
use std::io::{self, Read};

use super::format::{
    BadFile, FORMAT_VERSION, Header, Item, MAGIC, MAX_BLOCK_BYTES, MAX_HEADER_BYTES, checksum, read_item,
};

/// Why a file cannot be read, or not any further.
#[derive(Debug)]
pub enum ReadError {
    /// What stands in it.
    Bad(BadFile),
    /// The system.
    Io(io::Error),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bad(error) => error.fmt(f),
            Self::Io(error) => write!(f, "it cannot be read: {error}"),
        }
    }
}

impl std::error::Error for ReadError {}

impl From<BadFile> for ReadError {
    fn from(error: BadFile) -> Self {
        Self::Bad(error)
    }
}

/// A file whose header has been read.
pub struct Reader<R> {
    file: R,
    header: Header,
    stored: Vec<u8>,
    block: Vec<u8>,
    at: usize,
    ended: bool,
}

impl<R: Read> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`ReadError`] is the rest of a sentence that begins with the file's name.
    pub fn new(mut file: R) -> Result<Self, ReadError> {
        let mut magic = [0; 8];
        // Anything that is too short is something else.
        let whole = fill(&mut file, &mut magic)?;
        if !whole || magic != MAGIC {
            return Err(BadFile::Magic.into());
        }
        let mut head = [0; 16];
        if !fill(&mut file, &mut head)? {
            return Err(BadFile::CutOff.into());
        }
        let (version, length, sum) = split(head);
        if version != FORMAT_VERSION {
            return Err(BadFile::Version(version).into());
        }
        check_length("its header", length, MAX_HEADER_BYTES)?;
        let mut body = vec![0; length as usize];
        if !fill(&mut file, &mut body)? {
            return Err(BadFile::CutOff.into());
        }
        if checksum(&body) != sum {
            return Err(BadFile::Checksum("its header").into());
        }
        let header = Header::from_bytes(&body)?;
        Ok(Self { file, header, stored: Vec::new(), block: Vec::new(), at: 0, ended: false })
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Whether the next item is in a block that is still to be read.
    pub fn is_between_blocks(&self) -> bool {
        self.at == self.block.len()
    }

    /// The next item; none behind [`Item::End`].
    ///
    /// # Errors
    /// [`ReadError`]; [`BadFile::NoEnd`] when the file ends between two blocks without an end.
    pub fn next_item(&mut self) -> Result<Option<Item<'_>>, ReadError> {
        if self.at == self.block.len() && !self.next_block()? {
            return if self.ended { Ok(None) } else { Err(BadFile::NoEnd.into()) };
        }
        if self.ended {
            return Err(BadFile::BehindEnd.into());
        }
        let (item, bytes) = read_item(self.block.get(self.at..).unwrap_or_default())?;
        self.at += bytes;
        self.ended = matches!(item, Item::End { .. });
        Ok(Some(item))
    }

    /// Reads and unpacks the next block; false at the end of the file.
    fn next_block(&mut self) -> Result<bool, ReadError> {
        self.block.clear();
        self.at = 0;
        let mut head = [0; 16];
        let (first, rest) = head.split_at_mut(1);
        // The end of the file may come here and nowhere else.
        if !fill(&mut self.file, first)? {
            return Ok(false);
        }
        if !fill(&mut self.file, rest)? {
            return Err(BadFile::CutOff.into());
        }
        let (stored, length, sum) = split(head);
        check_length("a block", length, MAX_BLOCK_BYTES)?;
        check_length("a packed block", stored, length)?;
        self.stored.resize(stored as usize, 0);
        if !fill(&mut self.file, &mut self.stored)? {
            return Err(BadFile::CutOff.into());
        }
        if checksum(&self.stored) != sum {
            return Err(BadFile::Checksum("a block").into());
        }
        if stored == length {
            std::mem::swap(&mut self.block, &mut self.stored);
            return Ok(true);
        }
        self.block.resize(length as usize, 0);
        match lz4_flex::block::decompress_into(&self.stored, &mut self.block) {
            Ok(bytes) if bytes == length as usize => Ok(true),
            _ => {
                self.block.clear();
                Err(BadFile::Packing.into())
            }
        }
    }
}

/// Two lengths and a checksum.
fn split(head: [u8; 16]) -> (u32, u32, u64) {
    let number = u128::from_le_bytes(head);
    // CAST: the parts of the number.
    (number as u32, (number >> 32) as u32, (number >> 64) as u64)
}

fn check_length(what: &'static str, length: u32, limit: u32) -> Result<(), BadFile> {
    if (1..=limit).contains(&length) { Ok(()) } else { Err(BadFile::Length { what, length, limit }) }
}

/// Fills a buffer; false when the file ends before.
fn fill(file: &mut impl Read, buffer: &mut [u8]) -> Result<bool, ReadError> {
    match file.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(ReadError::Io(error)),
    }
}
