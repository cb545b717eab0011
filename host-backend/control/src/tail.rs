//! One line of `tail`: something that a driver or the host had to say.

use pvgpu_protocol::telemetry::{self, TelemetryRecord};
use serde::{Deserialize, Serialize};

/// How much a record matters, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Something failed.
    Error,
    /// Something is odd.
    Warning,
    /// Life-cycle steps.
    Info,
    /// Every step.
    Verbose,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The guest's drivers, through the telemetry ring.
    Driver,
    /// The daemon or a worker.
    Host,
}

/// A record from driver or host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TailRecord {
    /// Driver: nanoseconds of the guest's clock. Host: nanoseconds of `CLOCK_MONOTONIC`.
    pub time_ns: u64,
    /// Who speaks.
    pub source: Source,
    /// How much it matters.
    pub level: Level,
    /// The guest's name, empty when it concerns none.
    #[serde(default)]
    pub guest: String,
    /// The part that speaks, e.g. `umd` or `submission`; of the host: `supervisor` or `worker`.
    pub area: String,
    /// What happened: the name of a telemetry code, or of a host event.
    pub code: String,
    /// The process it is about; a guest process for drivers.
    #[serde(default)]
    pub process: u32,
    /// The context it is about; 0 when it concerns none.
    #[serde(default)]
    pub context: u32,
    /// The numbers of a driver's record; their meaning depends on `code`.
    #[serde(default)]
    pub args: Vec<u64>,
    /// A sentence; host records only.
    #[serde(default)]
    pub text: String,
}

impl TailRecord {
    /// What a driver has traced.
    pub fn of_driver(record: TelemetryRecord) -> Self {
        Self {
            time_ns: record.time_ns,
            source: Source::Driver,
            level: map_level(record.level),
            guest: String::new(),
            area: telemetry::area::name(record.area).to_owned(),
            code: telemetry::code::name(record.code).to_owned(),
            process: record.process,
            context: record.context,
            args: record.args.to_vec(),
            text: String::new(),
        }
    }

    /// Says that driver records were overwritten before somebody read them: how many now, and how many in all.
    pub fn of_drops(time_ns: u64, now: u64, all: u64) -> Self {
        Self {
            time_ns,
            source: Source::Host,
            level: Level::Warning,
            guest: String::new(),
            area: "telemetry".to_owned(),
            code: "RECORDS_DROPPED".to_owned(),
            process: 0,
            context: 0,
            args: vec![now, all],
            text: format!("{now} driver records were overwritten before they could be read, {all} so far"),
        }
    }
}

fn map_level(level: telemetry::Level) -> Level {
    match level {
        telemetry::Level::Error => Level::Error,
        telemetry::Level::Warning => Level::Warning,
        telemetry::Level::Info => Level::Info,
        telemetry::Level::Verbose => Level::Verbose,
    }
}
