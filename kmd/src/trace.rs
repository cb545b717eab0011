//! The driver's trace records: into the telemetry ring, never waiting, dropped when there is none.

use pvgpu_protocol::telemetry::{Level, TelemetryRecord};
use pvgpu_ring::telemetry::Writer;

use crate::kernel::Kernel;
use crate::region::Region;

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

/// The writing end.
pub(crate) struct Tracer<K: Kernel> {
    writer: Writer<Region<K::Aperture>>,
}

impl<K: Kernel> Tracer<K> {
    /// Records go to this ring.
    pub(crate) fn new(writer: Writer<Region<K::Aperture>>) -> Self {
        Self { writer }
    }

    /// Writes one record.
    pub(crate) fn record(&mut self, kernel: &K, trace: Trace) {
        let record = TelemetryRecord {
            time_ns: kernel.time_ns(),
            level: trace.level,
            area: trace.area,
            code: trace.code,
            process: kernel.current_process(),
            context: trace.context,
            args: trace.args,
        };
        self.writer.write(&record.to_words());
    }
}
