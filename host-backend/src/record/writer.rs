//! Writes a recording: items gather in a block, and a block goes to the file as a whole.

use std::fmt;
use std::io::{self, Write};

use super::format::{FORMAT_VERSION, Header, Item, MAGIC, MAX_BLOCK_BYTES, checksum, end};

/// A block is written once it has this many bytes. The largest item (a piece of the heap) still fits behind.
const BLOCK_BYTES: usize = 1 << 20;
/// Room for the block with the end, which is always written.
const END_BYTES: u64 = 64;

/// Why a recording cannot go on.
#[derive(Debug)]
pub enum WriteError {
    /// The file would grow beyond the limit.
    Full {
        /// The limit in bytes.
        limit: u64,
    },
    /// The file cannot be written.
    Io(io::Error),
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { limit } => {
                write!(
                    f,
                    "it has reached its limit of {} MiB; what is recorded until then is whole",
                    limit >> 20
                )
            }
            Self::Io(error) => write!(f, "it cannot be written: {error}"),
        }
    }
}

impl std::error::Error for WriteError {}

/// A file that is being written.
pub struct Writer {
    out: Box<dyn Write>,
    block: Vec<u8>,
    packed: Vec<u8>,
    written: u64,
    limit: u64,
}

impl Writer {
    /// Begins a file with its header.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    pub fn new(mut out: Box<dyn Write>, header: &Header, limit: u64) -> Result<Self, WriteError> {
        let body = header.to_bytes();
        let mut head = Vec::new();
        head.extend(MAGIC);
        head.extend(FORMAT_VERSION.to_le_bytes());
        // CAST: some hundred bytes.
        head.extend((body.len() as u32).to_le_bytes());
        head.extend(checksum(&body).to_le_bytes());
        head.extend(body);
        out.write_all(&head).map_err(WriteError::Io)?;
        let written = head.len() as u64;
        Ok(Self { out, block: Vec::new(), packed: Vec::new(), written, limit })
    }

    /// Appends an item; it is in the file after [`Writer::flush`].
    ///
    /// # Errors
    /// [`WriteError`], after which the recording is to be ended.
    pub fn item(&mut self, item: &Item<'_>) -> Result<(), WriteError> {
        if self.block.len() + item.bytes() > BLOCK_BYTES {
            self.flush()?;
        }
        debug_assert!(item.bytes() <= MAX_BLOCK_BYTES as usize, "items are bounded");
        item.write(&mut self.block);
        Ok(())
    }

    /// Appends the bytes of an item, or what somebody says is one: for tests of readers.
    ///
    /// # Errors
    /// As for [`Writer::item`].
    pub fn raw(&mut self, item: &[u8]) -> Result<(), WriteError> {
        if self.block.len() + item.len() > BLOCK_BYTES {
            self.flush()?;
        }
        self.block.extend_from_slice(item);
        Ok(())
    }

    /// Writes the block that has gathered.
    ///
    /// # Errors
    /// As for [`Writer::item`]; the block is gone then.
    pub fn flush(&mut self) -> Result<(), WriteError> {
        let result = self.write_block(self.limit.saturating_sub(END_BYTES));
        self.block.clear();
        result
    }

    /// Writes the end.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    pub fn end(&mut self, reason: u32, records: u64, frames: u64) -> Result<(), WriteError> {
        let full = if reason == end::BYTES { Ok(()) } else { self.flush() };
        self.block.clear();
        Item::End { reason, records, frames }.write(&mut self.block);
        let ended = self.write_block(u64::MAX);
        self.block.clear();
        full.and(ended).and_then(|()| self.out.flush().map_err(WriteError::Io))
    }

    /// Bytes of the file.
    pub fn written(&self) -> u64 {
        self.written
    }

    fn write_block(&mut self, limit: u64) -> Result<(), WriteError> {
        if self.block.is_empty() {
            return Ok(());
        }
        let room = lz4_flex::block::get_maximum_output_size(self.block.len());
        self.packed.resize(room, 0);
        let packed = lz4_flex::block::compress_into(&self.block, &mut self.packed).unwrap_or(usize::MAX);
        let stored = match self.packed.get(..packed) {
            Some(stored) if stored.len() < self.block.len() => stored,
            _ => &self.block,
        };
        let mut head = [0; 16];
        let (lengths, sum) = head.split_at_mut(8);
        // CAST: blocks are bounded.
        lengths.copy_from_slice(&(stored.len() as u64 | (self.block.len() as u64) << 32).to_le_bytes());
        sum.copy_from_slice(&checksum(stored).to_le_bytes());
        let bytes = head.len() as u64 + stored.len() as u64;
        if self.written.saturating_add(bytes) > limit {
            return Err(WriteError::Full { limit: self.limit });
        }
        self.out.write_all(&head).and_then(|()| self.out.write_all(stored)).map_err(WriteError::Io)?;
        self.written += bytes;
        Ok(())
    }
}
