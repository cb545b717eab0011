//! Escape that reads the driver's trace records: any number of readers, each with a cursor of its own.

use core::ops::Range;

use bytemuck::{Pod, Zeroable};

use super::{PrivateDataError, PrivateHeader};
use crate::telemetry::{RECORD_WORDS, TelemetryRecord};

/// Records that one call gives at most.
pub const TELEMETRY_BATCH: usize = 64;

/// Escape: gives the trace records from a cursor on, oldest first.
///
/// Record n is the n-th that the driver has written since it started, from 0. The ring keeps the latest few thousand.
/// The driver may leave out records that the caller has no right to see; they count neither as given nor as dropped.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct ReadTelemetry {
    /// Kind [`kind::READ_TELEMETRY`](super::kind::READ_TELEMETRY).
    pub header: PrivateHeader,
    /// In: the first record wanted; 0 for all that are still there, `u64::MAX` for none but those written from now on.
    /// Out: the cursor for the next call.
    pub cursor: u64,
    /// Out: records between the cursor and the first one given, which the ring no longer holds.
    pub dropped: u64,
    /// Out: how many of `records` are given. When the cursor has not moved either, there are no more for now.
    pub count: u32,
    /// Must be zero.
    pub reserved: u32,
    /// Out: the records, as [`TelemetryRecord::to_words`] writes them.
    pub records: [[u64; RECORD_WORDS]; TELEMETRY_BATCH],
}

impl ReadTelemetry {
    /// Bytes in front of the records.
    pub const HEAD_BYTES: usize = core::mem::offset_of!(Self, records);

    /// A request.
    pub const fn new(cursor: u64) -> Self {
        Self {
            header: PrivateHeader::new(super::kind::READ_TELEMETRY),
            cursor,
            dropped: 0,
            count: 0,
            reserved: 0,
            records: [[0; RECORD_WORDS]; TELEMETRY_BATCH],
        }
    }

    /// The records of a reply.
    pub fn given(&self) -> impl Iterator<Item = TelemetryRecord> {
        // CAST: widening on all targets of ours; a lying count gives at most the array.
        self.records.iter().take(self.count as usize).copied().map(TelemetryRecord::from_words)
    }

    /// Reads the cursor of a request without copying the records: this struct is too large for a kernel stack.
    ///
    /// # Errors
    /// As [`PrivateData::read`](super::PrivateData::read).
    pub fn read_cursor(bytes: &[u8]) -> Result<u64, PrivateDataError> {
        let size = PrivateDataError::Size { expected: size_of::<Self>(), actual: bytes.len() };
        if bytes.len() != size_of::<Self>() {
            return Err(size);
        }
        let head = bytes.get(..Self::HEAD_BYTES).ok_or(size)?;
        let head: Head = bytemuck::pod_read_unaligned(head);
        head.header.check(super::kind::READ_TELEMETRY)?;
        Ok(head.cursor)
    }

    /// Writes the head of a reply over a request.
    pub fn write_head(bytes: &mut [u8], cursor: u64, dropped: u64, count: u32) {
        let header = PrivateHeader::new(super::kind::READ_TELEMETRY);
        let head = Head { header, cursor, dropped, count, reserved: 0 };
        if let Some(room) = bytes.get_mut(..Self::HEAD_BYTES) {
            room.copy_from_slice(bytemuck::bytes_of(&head));
        }
    }

    /// Where record `index` lies in the buffer, in bytes; `None` from [`TELEMETRY_BATCH`] on.
    pub const fn record_bytes(index: usize) -> Option<Range<usize>> {
        if index >= TELEMETRY_BATCH {
            return None;
        }
        let start = Self::HEAD_BYTES + index * RECORD_WORDS * 8;
        Some(start..start + RECORD_WORDS * 8)
    }
}

/// [`ReadTelemetry`] without its records.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Head {
    header: PrivateHeader,
    cursor: u64,
    dropped: u64,
    count: u32,
    reserved: u32,
}

static_assertions::const_assert_eq!(size_of::<Head>(), ReadTelemetry::HEAD_BYTES);
