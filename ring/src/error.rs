//! What can go wrong at a ring: the caller's mistakes, and a peer that breaks the rules.
//!
//! "Full" stands beside the errors of [`ReserveError`] because it is the one answer that asks to wait.

use core::fmt;

/// The memory offered for a ring, a fence line or a telemetry ring has an impossible size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadMemory {
    /// How many bytes were offered.
    pub bytes: usize,
    /// What the size has to be.
    pub rule: &'static str,
}

impl fmt::Display for BadMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of shared memory do not fit: {}", self.bytes, self.rule)
    }
}

impl core::error::Error for BadMemory {}

/// The peer broke the ring's rules. Final for this end of the ring; the peer must be treated as gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Corrupt {
    /// The consumer published a head that is behind the last one, past the tail, or not a multiple of 8.
    Head {
        /// The head as read.
        head: u64,
        /// The head of the reading before.
        last: u64,
        /// The producer's tail.
        tail: u64,
    },
    /// A record's length is below its header, not a multiple of 8, or over the limit.
    Length {
        /// Where the record starts.
        position: u64,
        /// Its length as read, in bytes.
        length: u32,
        /// The most bytes that the consumer takes in one record, and that the ring holds.
        limit: u64,
    },
    /// A counter that may only grow (a fence value, the count of telemetry records) went backwards.
    Backwards {
        /// The value as read.
        value: u64,
        /// The value of the reading before.
        last: u64,
    },
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Head { head, last, tail } => {
                write!(f, "ring head {head:#x} is outside {last:#x}..={tail:#x} or not a multiple of 8")
            }
            Self::Length { position, length, limit } => {
                write!(
                    f,
                    "record at {position:#x} claims {length} bytes, which is no multiple of 8 from 8 to {limit}"
                )
            }
            Self::Backwards { value, last } => write!(f, "counter went backwards from {last} to {value}"),
        }
    }
}

impl core::error::Error for Corrupt {}

/// Why [`crate::Producer::reserve`] gave no reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReserveError {
    /// There is no room now. Wait for the consumer ([`crate::Producer::prepare_sleep`]) and try again.
    Full,
    /// The record can never fit in this ring.
    TooLarge {
        /// The payload bytes asked for.
        payload: usize,
        /// The most payload bytes one record of this ring holds.
        limit: usize,
    },
    /// The consumer broke the rules.
    Corrupt(Corrupt),
}

impl From<Corrupt> for ReserveError {
    fn from(corrupt: Corrupt) -> Self {
        Self::Corrupt(corrupt)
    }
}

impl fmt::Display for ReserveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => write!(f, "the ring is full"),
            Self::TooLarge { payload, limit } => {
                write!(f, "a record of {payload} payload bytes does not fit: this ring takes {limit}")
            }
            Self::Corrupt(_) => write!(f, "the ring's consumer broke the rules"),
        }
    }
}

impl core::error::Error for ReserveError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Corrupt(corrupt) => Some(corrupt),
            Self::Full | Self::TooLarge { .. } => None,
        }
    }
}

/// More bytes were written to a reservation than it holds. Nothing of the offending write was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overrun {
    /// Payload bytes written so far.
    pub written: usize,
    /// Bytes of the write that was refused.
    pub more: usize,
    /// Payload bytes the reservation holds.
    pub limit: usize,
}

impl fmt::Display for Overrun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes after {} overrun a reservation of {} bytes", self.more, self.written, self.limit)
    }
}

impl core::error::Error for Overrun {}
