//! The driver's trace records: into the telemetry ring, never waiting, dropped when there is none.

use core::sync::atomic::Ordering;

use pvgpu_protocol::telemetry::{Level, RECORD_WORDS, TelemetryRecord};
use pvgpu_ring::telemetry::{SLOT_BYTES, Writer};

use crate::kernel::Kernel;
use crate::region::Region;

/// Cells of a slot of the ring, and of the sequence word that begins it; see [`pvgpu_ring::telemetry`].
const SLOT_CELLS: usize = SLOT_BYTES / 8;
const SEQUENCE_CELLS: usize = 1;

/// What a record says, but for time and process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trace {
    /// How much it matters.
    pub(crate) level: Level,
    /// One of [`pvgpu_protocol::telemetry::area`].
    pub(crate) area: u16,
    /// One of [`pvgpu_protocol::telemetry::code`].
    pub(crate) code: u16,
    /// The context, 0 for none.
    pub(crate) context: u32,
    /// Meaning by `code`.
    pub(crate) args: [u64; 4],
}

/// The writing end, and what reading needs.
pub(crate) struct Tracer<K: Kernel> {
    writer: Writer<Region<K::Aperture>>,
    ring: Region<K::Aperture>,
    written: u64,
}

impl<K: Kernel> Tracer<K> {
    /// Records go to `ring`, whose writing end is `writer`.
    pub(crate) fn new(writer: Writer<Region<K::Aperture>>, ring: Region<K::Aperture>) -> Self {
        Self { writer, ring, written: 0 }
    }

    /// Writes one record, as `process`.
    pub(crate) fn record(&mut self, kernel: &K, process: u32, trace: Trace) {
        let record = TelemetryRecord {
            time_ns: kernel.time_ns(),
            level: trace.level,
            area: trace.area,
            code: trace.code,
            process,
            context: trace.context,
            args: trace.args,
        };
        self.writer.write(&record.to_words());
        self.written += 1;
    }

    /// How many records were written.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// The oldest record that the ring still holds.
    pub(crate) fn oldest(&self) -> u64 {
        self.written.saturating_sub(self.slots())
    }

    /// A copy of record `number`, `None` when the ring does not hold it. Called behind the same lock as
    /// [`Tracer::record`], so that nobody writes meanwhile; the host could, and would only spoil what people read.
    pub(crate) fn copy(&self, number: u64) -> Option<[u64; RECORD_WORDS]> {
        if number >= self.written || number < self.oldest() {
            return None;
        }
        // CAST: below the number of slots, which lie in memory.
        let slot = number.checked_rem(self.slots())? as usize;
        let first = SLOT_CELLS + slot * SLOT_CELLS + SEQUENCE_CELLS;
        let cells = self.ring.as_ref().get(first..)?.first_chunk::<RECORD_WORDS>()?;
        Some(core::array::from_fn(|word| cells[word].load(Ordering::Relaxed)))
    }

    fn slots(&self) -> u64 {
        // The header takes the place of one slot; the writer has checked that there is at least one.
        (self.ring.as_ref().len() / SLOT_CELLS).saturating_sub(1).max(1) as u64
    }
}
