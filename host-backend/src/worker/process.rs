//! The worker's process: control page, sandbox, heartbeat, and the line to the supervisor.
//!
//! The supervisor has read the guest's hello and passes what it agreed on as arguments, so that nothing of it is read twice. The
//! worker's standard input is a socket to the supervisor: lines of [`FromWorker`] go out; when the supervisor closes its end,
//! the worker ends.

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use pvgpu_control::{Gpu, Guest, Level, Source, TailRecord};
use pvgpu_protocol::aperture::{Layout, Sizes, host_cell, host_state, refusal};
use pvgpu_protocol::event::error_code;
use pvgpu_protocol::host_info::HostInfo;
use pvgpu_protocol::telemetry;
use pvgpu_protocol::version::VersionRange;
use pvgpu_transport::shm::{ApertureFile, HostPort};
use serde::{Deserialize, Serialize};

use super::engine::{Ended, Engine, Parts, Report};
use super::running::opcode_name;
use super::{Port, Stats};
use crate::memory::SharedCells;
use crate::sandbox;
use crate::vulkan::{Device, DeviceOptions, host_info};

/// Half of what the protocol asks for.
const HEARTBEAT: Duration = Duration::from_millis(pvgpu_protocol::aperture::HEARTBEAT_MS / 2);
/// How often the supervisor hears of the counters.
const STATUS: Duration = Duration::from_millis(250);
/// Reports that may wait for the supervisor; more are dropped, since the executor never waits.
const MAX_REPORTS: usize = 4096;

/// What the supervisor agreed with the guest, and how to open the GPU.
#[derive(Clone, Debug)]
pub struct WorkerArguments {
    /// The guest's aperture.
    pub aperture: PathBuf,
    /// The ABI version chosen.
    pub version: u16,
    /// The features that are on.
    pub features: u64,
    /// The sizes that the guest stated.
    pub sizes: Sizes,
    /// The guest process.
    pub process: u64,
    /// The GPU.
    pub device: DeviceOptions,
}

/// A line from a worker to its supervisor.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromWorker {
    /// The counters.
    Status {
        /// As they stand.
        guest: Box<Guest>,
        /// For how long the executor's loop has not moved, in milliseconds.
        stuck_ms: u64,
    },
    /// Something to show to those who watch.
    Tail(TailRecord),
    /// The guest cannot be served.
    Refused {
        /// One of [`refusal`].
        reason: u64,
        /// Why, in a sentence.
        text: String,
    },
}

/// Runs a worker to its end.
pub fn main(arguments: &WorkerArguments) -> ExitCode {
    if let Err(error) = sandbox::limit_process() {
        log::error!("{error}");
        return ExitCode::FAILURE;
    }
    let supervisor = std::io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from);
    let supervisor = match supervisor {
        Ok(supervisor) => supervisor,
        Err(error) => {
            log::error!("a worker is started by pvgpud, not by hand ({error})");
            return ExitCode::FAILURE;
        }
    };
    match serve(arguments, &supervisor) {
        Ok(ended) => {
            log::info!("the guest's worker ends: {ended:?}");
            ExitCode::SUCCESS
        }
        Err((reason, text)) => {
            log::error!("{text}");
            send(&supervisor, &FromWorker::Refused { reason, text });
            ExitCode::FAILURE
        }
    }
}

fn serve(arguments: &WorkerArguments, supervisor: &UnixStream) -> Result<Ended, (u64, String)> {
    let layout = Layout::new(arguments.sizes).map_err(|error| (refusal::LAYOUT, error.to_string()))?;
    let ended = |error: &dyn std::fmt::Display| (refusal::WORKER_ENDED, error.to_string());
    let aperture = ApertureFile::open(&arguments.aperture).map_err(|error| ended(&error))?;
    if aperture.len().map_err(|error| ended(&error))? < layout.sizes.aperture {
        return Err((refusal::LAYOUT, "the aperture's file is smaller than its hello says".to_owned()));
    }
    let port = Arc::new(HostPort::open(&aperture).map_err(|error| ended(&error))?);
    let region = port.mapping().region(0, layout.sizes.aperture).map_err(|error| ended(&error))?;
    let cells: SharedCells = Arc::new(region);
    let device = Device::open(&arguments.device).map_err(|error| (refusal::NO_DEVICE, error.to_string()))?;
    sandbox::close().map_err(|error| ended(&error))?;

    let info = host_info(&device);
    let stats = Arc::new(Stats::default());
    let (reports, receiver) = sync_channel(MAX_REPORTS);
    let mut engine = Engine::new(Parts {
        cells: cells.clone(),
        layout,
        port: port.clone(),
        device: device.clone(),
        host_info: info,
        stats: stats.clone(),
        report: Box::new(move |report| drop(reports.try_send(report))),
    })
    .map_err(|error| ended(&error))?;

    let stop = Arc::new(AtomicBool::new(false));
    start_heartbeat(&cells, &stop).map_err(|error| ended(&error))?;
    start_listener(supervisor, &stop).map_err(|error| ended(&error))?;
    let reporter = start_reporter(supervisor, Reporter::new(arguments, &device, stats), receiver)
        .map_err(|error| ended(&error))?;

    say_ready(&cells, arguments, &info);
    let why = engine.run(&stop);
    // With the engine goes the sender of reports, and with that the reporter ends, after a last status.
    drop(engine);
    if reporter.join().is_err() {
        log::error!("the reporter has panicked");
    }
    let reason = if why == Ended::Stopped { refusal::SHUTDOWN } else { refusal::WORKER_ENDED };
    store(&cells, host_cell::REASON, reason);
    store(&cells, host_cell::STATE, host_state::GONE);
    Port::interrupt(&*port);
    Ok(why)
}

fn store(cells: &SharedCells, index: usize, value: u64) {
    if let Some(cell) = cells.cells().get(index) {
        cell.store(value, Ordering::Release);
    }
}

/// Writes the host's half of the control page; the state comes last.
fn say_ready(cells: &SharedCells, arguments: &WorkerArguments, info: &HostInfo) {
    // CAST: 12 KiB.
    let first = Layout::host_info_offset() as usize / 8;
    for (index, word) in info.to_words().into_iter().enumerate() {
        store(cells, first + index, word);
    }
    store(cells, host_cell::HOST_INFO_BYTES, (HostInfo::WORDS * 8) as u64);
    store(cells, host_cell::VERSION, arguments.version.into());
    store(cells, host_cell::FEATURES, arguments.features);
    store(cells, host_cell::VERSIONS, VersionRange::OURS.to_word());
    store(cells, host_cell::REASON, refusal::NONE);
    store(cells, host_cell::STATE, host_state::READY);
}

fn start_heartbeat(cells: &SharedCells, stop: &Arc<AtomicBool>) -> std::io::Result<()> {
    let (cells, stop) = (cells.clone(), stop.clone());
    let thread = std::thread::Builder::new().name("heartbeat".to_owned());
    thread.spawn(move || {
        let mut beat = 0;
        while !stop.load(Ordering::Relaxed) {
            beat += 1;
            store(&cells, host_cell::HEARTBEAT, beat);
            std::thread::sleep(HEARTBEAT);
        }
    })?;
    Ok(())
}

/// Ends the worker when the supervisor hangs up.
fn start_listener(supervisor: &UnixStream, stop: &Arc<AtomicBool>) -> std::io::Result<()> {
    let (mut supervisor, stop) = (supervisor.try_clone()?, stop.clone());
    std::thread::Builder::new().name("supervisor".to_owned()).spawn(move || {
        let mut byte = [0];
        // The supervisor says nothing; it hangs up.
        while supervisor.read(&mut byte).is_ok_and(|count| count != 0) {}
        stop.store(true, Ordering::Relaxed);
    })?;
    Ok(())
}

fn start_reporter(
    supervisor: &UnixStream,
    mut reporter: Reporter,
    receiver: Receiver<Report>,
) -> std::io::Result<JoinHandle<()>> {
    let supervisor = supervisor.try_clone()?;
    std::thread::Builder::new().name("reporter".to_owned()).spawn(move || {
        let mut due = Instant::now();
        loop {
            let line = match receiver.recv_timeout(due.saturating_duration_since(Instant::now())) {
                Ok(report) => FromWorker::Tail(reporter.tail(report)),
                Err(RecvTimeoutError::Timeout) => {
                    due = Instant::now() + STATUS;
                    reporter.status()
                }
                Err(RecvTimeoutError::Disconnected) => {
                    send(&supervisor, &reporter.status());
                    return;
                }
            };
            send(&supervisor, &line);
        }
    })
}

/// Sends one line; a supervisor that is gone is noticed by the listener.
fn send(mut supervisor: &UnixStream, line: &FromWorker) {
    if let Ok(mut text) = serde_json::to_string(line) {
        text.push('\n');
        let _ = supervisor.write_all(text.as_bytes());
    }
}

/// Nanoseconds of the monotonic clock.
pub fn monotonic_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(now.tv_nsec).unwrap_or(0))
}

/// Makes the lines that the supervisor gets.
struct Reporter {
    gpu: Gpu,
    guest_process: u64,
    began: Instant,
    stats: Arc<Stats>,
    /// Of the device, which must be dropped on the main thread alone: drivers leave thread-local data behind.
    memory_in_use: Arc<AtomicU64>,
    /// Frames at times within about the last second, for the rate.
    frames: Vec<(Instant, u64)>,
    /// The executor's last sign of life.
    beat: (Instant, u64),
}

impl Reporter {
    fn new(arguments: &WorkerArguments, device: &Device, stats: Arc<Stats>) -> Self {
        Self {
            gpu: Gpu {
                name: device.name(),
                driver: device.driver().to_owned(),
                software: device.is_software(),
                memory_bytes: device.dedicated_memory(),
            },
            guest_process: arguments.process,
            began: Instant::now(),
            stats,
            memory_in_use: device.memory_in_use(),
            frames: Vec::new(),
            beat: (Instant::now(), 0),
        }
    }

    fn status(&mut self) -> FromWorker {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (stats, gpu) = (&self.stats, &self.stats.gpu);
        let now = Instant::now();
        let frames = read(&gpu.frames);
        self.frames.push((now, frames));
        self.frames.retain(|(time, _)| now.duration_since(*time) <= Duration::from_millis(1100));
        let fps = self.frames.first().map_or(0.0, |(time, before)| {
            let seconds = now.duration_since(*time).as_secs_f64();
            // CAST: counts of frames fit a double.
            if seconds > 0.0 { (frames - before) as f64 / seconds } else { 0.0 }
        });
        let beats = read(&stats.beats);
        if beats != self.beat.1 {
            self.beat = (now, beats);
        }
        let guest = Guest {
            name: String::new(),
            guest_process: self.guest_process,
            worker_process: std::process::id(),
            uptime_s: self.began.elapsed().as_secs_f64(),
            gpu: self.gpu.clone(),
            contexts: u32::try_from(read(&stats.contexts)).unwrap_or(u32::MAX),
            frames,
            fps,
            draws: read(&gpu.draws),
            dispatches: read(&gpu.dispatches),
            commands: read(&stats.commands),
            ring_bytes: read(&stats.ring_bytes),
            upload_bytes: read(&gpu.upload_bytes),
            fence_latency: stats.fence_latency.latency(),
            sync_round_trips: read(&stats.sync_round_trips),
            gpu_memory_bytes: read(&self.memory_in_use),
            pipelines: read(&gpu.pipelines),
            errors: read(&stats.errors),
            telemetry_dropped: read(&stats.telemetry_dropped),
        };
        let stuck = now.duration_since(self.beat.0);
        FromWorker::Status {
            guest: Box::new(guest),
            stuck_ms: u64::try_from(stuck.as_millis()).unwrap_or(u64::MAX),
        }
    }

    fn tail(&self, report: Report) -> TailRecord {
        let host = |level, code: &str, context, process, args, text| TailRecord {
            time_ns: monotonic_ns(),
            source: Source::Host,
            level,
            guest: String::new(),
            area: "worker".to_owned(),
            code: code.to_owned(),
            process,
            context,
            args,
            text,
        };
        match report {
            Report::Telemetry(record) => TailRecord {
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
            },
            Report::Poisoned(event, fault) => host(
                Level::Error,
                "CONTEXT_POISONED",
                event.context,
                0,
                vec![event.code.into(), event.opcode.into(), event.object.into(), event.position],
                format!("{}: {fault} ({})", opcode_name(event.opcode), error_code::name(event.code)),
            ),
            Report::Context { context, process, began } => {
                let code = if began { "CONTEXT_BEGAN" } else { "CONTEXT_ENDED" };
                host(Level::Info, code, context, process, Vec::new(), String::new())
            }
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
