//! The frame of a record in a command or event ring: one 64-bit header word, then the archived command.
//!
//! ```text
//!   word 0                                   words 1..
//!   ┌────────────┬───────────┬───────────┐   ┌──────────────────────┬──────┬─────────────────┐
//!   │ length:u32 │ opcode:u16│ flags:u16 │   │ slices it refers to  │ pad  │ archived struct │
//!   └────────────┴───────────┴───────────┘   └──────────────────────┴──────┴─────────────────┘
//! ```
//! `length` counts the bytes of the whole record, header included; it is a multiple of 8. The archived struct is
//! rkyv's root: it ends where the record ends.

use crate::limits::MAX_RECORD_BYTES;

/// Bytes of the header word.
pub const HEADER_BYTES: u32 = 8;

/// The first word of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    /// Bytes of the whole record, header included.
    pub length: u32,
    /// Which command it is; see [`crate::command`].
    pub opcode: u16,
    /// Must be zero in this version.
    pub flags: u16,
}

impl RecordHeader {
    /// The header as the word that stands in the ring.
    pub const fn to_word(self) -> u64 {
        self.length as u64 | (self.opcode as u64) << 32 | (self.flags as u64) << 48
    }

    /// The header that a word states; any word is some header, [`RecordHeader::check`] tells whether it is a legal one.
    pub const fn from_word(word: u64) -> Self {
        Self { length: word as u32, opcode: (word >> 32) as u16, flags: (word >> 48) as u16 }
    }

    /// Checks length and flags against the `available` bytes of the record.
    ///
    /// # Errors
    /// [`RecordError`] names the broken rule.
    pub fn check(self, available: usize) -> Result<(), RecordError> {
        if self.length < HEADER_BYTES || !self.length.is_multiple_of(8) || self.length > MAX_RECORD_BYTES {
            return Err(RecordError::Length { length: self.length });
        }
        if self.length as usize != available {
            return Err(RecordError::Truncated { length: self.length, available });
        }
        if self.flags != 0 {
            return Err(RecordError::Flags { flags: self.flags });
        }
        Ok(())
    }
}

/// A record that breaks the framing rules or holds no legal command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// The length is below 8, above [`MAX_RECORD_BYTES`] or no multiple of 8.
    Length {
        /// What the header says.
        length: u32,
    },
    /// The header's length is not the number of bytes at hand.
    Truncated {
        /// What the header says.
        length: u32,
        /// The bytes at hand.
        available: usize,
    },
    /// A flag that this version does not know.
    Flags {
        /// What the header says.
        flags: u16,
    },
    /// An opcode that this version does not know.
    Opcode {
        /// What the header says.
        opcode: u16,
    },
    /// The archived bytes are not a legal value of that command.
    Archive {
        /// Which command the header names.
        opcode: u16,
    },
}

impl core::fmt::Display for RecordError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Length { length } => {
                write!(f, "record length {length} is not a multiple of 8 from 8 to {MAX_RECORD_BYTES}")
            }
            Self::Truncated { length, available } => {
                write!(f, "record length {length} differs from the {available} bytes at hand")
            }
            Self::Flags { flags } => write!(f, "unknown record flags {flags:#06x}"),
            Self::Opcode { opcode } => write!(f, "unknown opcode {opcode:#06x}"),
            Self::Archive { opcode } => write!(f, "the archived bytes of opcode {opcode:#06x} are malformed"),
        }
    }
}

impl core::error::Error for RecordError {}
