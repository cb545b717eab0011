//! The worker's process: control page, sandbox, heartbeat, and the line to the supervisor.
//!
//! The supervisor has read the guest's hello and passes what it agreed on as arguments, so that nothing of it is read twice. The
//! worker's standard input is a socket to the supervisor: lines of [`FromWorker`] go out, lines of [`ToWorker`] come in; when the
//! supervisor closes its end, the worker ends.

use std::fs::File;
use std::io::{BufRead, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use pvgpu_control::{Gpu, Guest, Level, LinkCounters, Mode, Source, TailRecord};
use pvgpu_protocol::aperture::{Layout, Sizes, host_cell, host_state, refusal};
use pvgpu_protocol::event::error_code;
use pvgpu_protocol::host_info::HostInfo;
use pvgpu_protocol::mode::DisplayMode;
use pvgpu_protocol::version::VersionRange;
use pvgpu_transport::ivshmem;
use pvgpu_transport::secure::SessionKeys;
use serde::{Deserialize, Serialize};

use super::broker::SupervisorBroker;
use super::carrier::{Carrier, Connected, FromSupervisor, watch_hello};
use super::engine::{Ended, Engine, Parts, Report};
use super::running::opcode_name;
use super::screen::Picture;
use super::{Inbox, Port, Stats};
use crate::fd_line::send_with_fd;
use crate::memory::{Heap, Part, SharedCells};
use crate::ops::ShareToken;
use crate::pipeline_file;
use crate::record::{Header, Limits, Recorded, Tap, WriteError};
use crate::sandbox;
use crate::shared_image::SharedImage;
use crate::vulkan::{Device, DeviceOptions, host_info};

/// Half of what the protocol asks for.
const HEARTBEAT: Duration = Duration::from_millis(pvgpu_protocol::aperture::HEARTBEAT_MS / 2);
/// What it asks for: a mirror looks no more often, and a timer that is late makes nobody wait for a beat.
const MIRRORED_HEARTBEAT: Duration = Duration::from_millis(pvgpu_protocol::aperture::HEARTBEAT_MS);
/// How often the supervisor hears of the counters.
const STATUS: Duration = Duration::from_millis(250);
/// Reports that may wait for the supervisor; more are dropped, since the executor never waits.
const MAX_REPORTS: usize = 4096;

/// What the supervisor agreed with the guest, and how to open the GPU.
#[derive(Clone, Debug)]
pub struct WorkerArguments {
    /// How the guest is reached.
    pub carrier: Carrier,
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
    /// Standard output is a file for a recording with these limits.
    pub recording: Option<Limits>,
    /// The file of pipelines that earlier guests needed.
    pub pipelines: Option<PathBuf>,
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
    /// A guest of another machine has said what it is.
    Greeted {
        /// The guest process.
        process: u64,
        /// Bytes of its heap.
        heap_bytes: u64,
    },
    /// Something to show to those who watch.
    Tail(TailRecord),
    /// The picture that was asked for.
    Screenshot {
        /// As it was asked.
        number: u64,
        /// Pixels; 0 when the screen shows nothing.
        width: u32,
        /// Pixels.
        height: u32,
        /// Bytes of the PNG file that follows this line.
        bytes: u64,
    },
    /// The recording has ended.
    Recorded {
        /// Records in it.
        records: u64,
        /// Frames in it.
        frames: u64,
        /// Bytes of the file.
        bytes: u64,
        /// Why it has ended too early, if it has.
        error: Option<String>,
    },
    /// The pipelines that this guest and earlier ones needed.
    Pipelines {
        /// Bytes of the file that follows this line.
        bytes: u64,
    },
    /// Others may have an image; its memory comes with this line.
    Share {
        /// By which they know it.
        token: ShareToken,
        /// What it is.
        image: Box<SharedImage>,
    },
    /// This worker does not have an image any more.
    Unshare {
        /// Which.
        token: ShareToken,
    },
    /// What do others share under this token?
    Open {
        /// Comes back with the answer.
        token: ShareToken,
    },
    /// The guest cannot be served.
    Refused {
        /// One of [`refusal`].
        reason: u64,
        /// Why, in a sentence.
        text: String,
    },
}

/// A line from a supervisor to its worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToWorker {
    /// A file descriptor for the carrier, which comes with this line.
    Descriptor,
    /// A connection to the guest, which comes with this line.
    Connection {
        /// Its keys; none when it is not encrypted.
        keys: Option<SessionKeys>,
        /// Whether it leads to a stream device, through the supervisor; else it is TCP's.
        stream: bool,
    },
    /// Ask the guest for a mode; `None` for no custom one. It keeps the protocol's rules.
    Mode(Option<Mode>),
    /// Send a picture of the guest's screen.
    Screenshot {
        /// Comes back with the picture.
        number: u64,
    },
    /// End the recording.
    StopRecording,
    /// What others share; its memory comes with this line.
    Shared {
        /// As it was asked.
        token: ShareToken,
        /// What it is; none if nobody shares the token.
        image: Option<Box<SharedImage>>,
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
    let lines = match supervisor.try_clone() {
        Ok(stream) => FromSupervisor::new(stream),
        Err(error) => {
            log::error!("the supervisor cannot be heard ({error})");
            return ExitCode::FAILURE;
        }
    };
    let supervisor = Arc::new(Line { stream: supervisor, writing: Mutex::new(()) });
    let recording = match arguments.recording.map(|limits| Ok((limits, take_stdout()?))).transpose() {
        Ok(recording) => recording,
        Err(error) => {
            let error: std::io::Error = error;
            log::error!("the recording's file cannot be taken: {error}");
            None
        }
    };
    match serve(arguments, &supervisor, lines, recording) {
        Ok(ended) => {
            log::info!("the guest's worker ends: {ended:?}");
            ExitCode::SUCCESS
        }
        Err((reason, text)) => {
            log::error!("{text}");
            supervisor.send(&FromWorker::Refused { reason, text }, &[]);
            ExitCode::FAILURE
        }
    }
}

/// The file that is standard output; what drivers print goes nowhere from now on.
fn take_stdout() -> std::io::Result<File> {
    let file = std::io::stdout().as_fd().try_clone_to_owned()?;
    let nowhere = File::options().write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdout(nowhere)?;
    Ok(file.into())
}

/// Begins a recording; a guest whose recording fails is served all the same.
fn begin_recording(
    arguments: &WorkerArguments,
    device: &Device,
    heap: &Heap,
    (limits, file): (Limits, File),
) -> Result<Rc<Tap>, WriteError> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let header = Header {
        abi: arguments.version,
        features: arguments.features,
        sizes: arguments.sizes,
        process: arguments.process,
        began: now.map_or(0, |now| now.as_secs()),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        device: device.name(),
        driver: device.driver().to_owned(),
    };
    Tap::new(Box::new(file), &header, limits, heap.clone())
}

fn serve(
    arguments: &WorkerArguments,
    supervisor: &Arc<Line>,
    mut lines: FromSupervisor,
    recording: Option<(Limits, File)>,
) -> Result<Ended, (u64, String)> {
    let ended = |error: &dyn std::fmt::Display| (refusal::WORKER_ENDED, error.to_string());
    let mut arguments = arguments.clone();
    let Connected { mapping, port, encrypted } = arguments.connect(&mut lines)?;
    let layout = Layout::new(arguments.sizes).map_err(|error| (refusal::LAYOUT, error.to_string()))?;
    if arguments.carrier == Carrier::Remote {
        let greeted = FromWorker::Greeted { process: arguments.process, heap_bytes: layout.heap_bytes() };
        supervisor.send(&greeted, &[]);
    }
    let arguments = &arguments;
    let region = mapping
        .region(0, layout.sizes.aperture)
        .map_err(|_| (refusal::LAYOUT, "the aperture's file is smaller than its hello says".to_owned()))?;
    let cells: SharedCells = Arc::new(region);
    // Read before the sandbox closes, as the GPU is opened before.
    let file = arguments.pipelines.as_deref().and_then(read_pipelines);
    let device = Device::open_with(&arguments.device, file.as_deref())
        .map_err(|error| (refusal::NO_DEVICE, error.to_string()))?;
    sandbox::close().map_err(|error| ended(&error))?;
    let port = port().map_err(|error| ended(&error))?;

    let info = host_info(&device);
    let heap = Part::new(&cells, layout.heap_offset, layout.heap_bytes()).map(Heap::new);
    let heap = heap.ok_or_else(|| ended(&"the aperture has no heap"))?;
    let tap = recording.and_then(|recording| match begin_recording(arguments, &device, &heap, recording) {
        Ok(tap) => Some(tap),
        Err(error) => {
            log::error!("the guest is not recorded: {error}");
            let (error, bytes) = (Some(error.to_string()), 0);
            supervisor.send(&FromWorker::Recorded { records: 0, frames: 0, bytes, error }, &[]);
            None
        }
    });
    let stats = Arc::new(Stats::default());
    let inbox = Arc::new(Inbox::default());
    let (reports, receiver) = sync_channel(MAX_REPORTS);
    let line = supervisor.clone();
    let broker = Arc::new(SupervisorBroker::new(Box::new(move |what, fd| line.send_with(what, &[], fd))));
    let mut engine = Engine::new(Parts {
        cells: cells.clone(),
        layout,
        port: port.clone(),
        device: device.clone(),
        host_info: info,
        stats: stats.clone(),
        inbox: inbox.clone(),
        broker: Some(broker.clone()),
        tap,
        frames: None,
        tiles: port.clone().tile_watch(),
        report: Box::new(move |report| drop(reports.try_send(report))),
    })
    .map_err(|error| ended(&error))?;

    let stop = Arc::new(AtomicBool::new(false));
    let every = if arguments.carrier == Carrier::Remote { MIRRORED_HEARTBEAT } else { HEARTBEAT };
    start_heartbeat(&cells, &stop, every).map_err(|error| ended(&error))?;
    let listener = Listener {
        supervisor: supervisor.clone(),
        lines,
        stop: stop.clone(),
        inbox,
        broker,
        stats: stats.clone(),
        heap,
    };
    listener.start().map_err(|error| ended(&error))?;
    let reporter = start_reporter(
        supervisor,
        Reporter::new(arguments, &device, stats, (port.clone(), encrypted)),
        receiver,
    )
    .map_err(|error| ended(&error))?;

    say_ready(&cells, arguments, &info);
    if arguments.carrier == Carrier::Remote {
        // A mirror would find it with its next word only.
        port.interrupt();
    }
    let withdrawn = Arc::new(AtomicBool::new(false));
    if arguments.carrier == Carrier::Ivshmem {
        watch_hello(&cells, &withdrawn, &stop).map_err(|error| ended(&error))?;
    }
    let why = match engine.run(&stop) {
        Ended::Stopped if withdrawn.load(Ordering::Relaxed) => Ended::GuestGone,
        why => why,
    };
    engine.save_pipelines();
    // With the engine goes the sender of reports, and with that the reporter ends, after a last status.
    drop(engine);
    if reporter.join().is_err() {
        log::error!("the reporter has panicked");
    }
    let reason = if why == Ended::Stopped { refusal::SHUTDOWN } else { refusal::WORKER_ENDED };
    store(&cells, host_cell::REASON, reason);
    // Only what this worker has said is taken back: a driver that says hello anew is the next one's.
    if let Some(cell) = cells.cells().get(host_cell::STATE) {
        let (from, to) = (host_state::READY, host_state::GONE);
        let _ = cell.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed);
    }
    port.interrupt();
    port.hang_up(match why {
        Ended::Stopped => "the host is shutting down",
        Ended::GuestGone => "the guest is gone",
        Ended::Corrupt => "the guest broke the rules of its rings",
        Ended::DeviceLost => "the host's GPU is lost",
    });
    Ok(why)
}

/// The bytes of the file of pipelines; none if it cannot be read.
fn read_pipelines(path: &Path) -> Option<Vec<u8>> {
    let file = File::open(path).ok()?;
    let mut bytes = Vec::new();
    let read = file.take(pipeline_file::MAX_BYTES + 1).read_to_end(&mut bytes);
    match read {
        Ok(_) => Some(bytes),
        Err(error) => {
            log::warn!("{} cannot be read: {error}", path.display());
            None
        }
    }
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
    let doorbell = match arguments.carrier {
        Carrier::Shm(_) | Carrier::Remote => 0,
        Carrier::Ivshmem => u64::from(ivshmem::DOORBELL) + 1,
    };
    store(cells, host_cell::DOORBELL, doorbell);
    store(cells, host_cell::STATE, host_state::READY);
}

fn start_heartbeat(cells: &SharedCells, stop: &Arc<AtomicBool>, every: Duration) -> std::io::Result<()> {
    let (cells, stop) = (cells.clone(), stop.clone());
    let thread = std::thread::Builder::new().name("heartbeat".to_owned());
    thread.spawn(move || {
        let mut beat = 0;
        while !stop.load(Ordering::Relaxed) {
            beat += 1;
            store(&cells, host_cell::HEARTBEAT, beat);
            std::thread::sleep(every);
        }
    })?;
    Ok(())
}

/// The socket to the supervisor, on which several threads speak.
struct Line {
    stream: UnixStream,
    writing: Mutex<()>,
}

impl Line {
    /// Sends one line, and bytes behind it; a supervisor that is gone is noticed by the listener.
    fn send(&self, line: &FromWorker, bytes: &[u8]) {
        self.send_with(line, bytes, None);
    }

    /// The same with a file descriptor.
    fn send_with(&self, line: &FromWorker, bytes: &[u8], fd: Option<&OwnedFd>) {
        if let Ok(mut text) = serde_json::to_string(line) {
            text.push('\n');
            let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
            let mut stream = &self.stream;
            let sent = match fd {
                Some(fd) => send_with_fd(stream, text.as_bytes(), fd),
                None => stream.write_all(text.as_bytes()),
            };
            let _ = sent.and_then(|()| stream.write_all(bytes));
        }
    }
}

/// The thread that hears the supervisor; ends the worker when the supervisor hangs up.
struct Listener {
    supervisor: Arc<Line>,
    lines: FromSupervisor,
    stop: Arc<AtomicBool>,
    inbox: Arc<Inbox>,
    broker: Arc<SupervisorBroker>,
    stats: Arc<Stats>,
    heap: Heap,
}

impl Listener {
    fn start(mut self) -> std::io::Result<()> {
        std::thread::Builder::new().name("supervisor".to_owned()).spawn(move || {
            let fds = self.lines.fds.clone();
            let mut line = String::new();
            while self.lines.lines.read_line(&mut line).is_ok_and(|bytes| bytes != 0) {
                match serde_json::from_str(&line) {
                    Ok(ToWorker::Shared { token, image }) => {
                        self.broker.answer(token, image.and_then(|image| Some((image, fds.take()?))));
                    }
                    Ok(ToWorker::Mode(mode)) => self.inbox.ask_for_mode(display_mode(mode)),
                    Ok(ToWorker::Screenshot { number }) => self.screenshot(number),
                    Ok(ToWorker::StopRecording) => self.inbox.ask_to_stop_recording(),
                    Ok(ToWorker::Descriptor | ToWorker::Connection { .. }) => {
                        log::error!("the supervisor sent a descriptor too many")
                    }
                    // The supervisor is the same program.
                    Err(error) => log::error!("the supervisor said something unintelligible: {error}"),
                }
                line.clear();
            }
            self.stop.store(true, Ordering::Relaxed);
        })?;
        Ok(())
    }

    fn screenshot(&self, number: u64) {
        // Copied, so that the engine does not wait for the picture.
        let screens = self.stats.screens().clone();
        let picture = screens.picture(&self.heap);
        let (width, height, file) = match picture.as_ref().map(|picture| (picture, encode(picture))) {
            Some((picture, Ok(file))) => (picture.width, picture.height, file),
            Some((_, Err(error))) => {
                log::error!("a picture of the screen could not be packed: {error}");
                (0, 0, Vec::new())
            }
            None => (0, 0, Vec::new()),
        };
        // CAST: a length in memory.
        let head = FromWorker::Screenshot { number, width, height, bytes: file.len() as u64 };
        self.supervisor.send(&head, &file);
    }
}

fn display_mode(mode: Option<Mode>) -> DisplayMode {
    mode.map_or(DisplayMode::NONE, |mode| DisplayMode {
        width: mode.width,
        height: mode.height,
        refresh_millihertz: mode.refresh_millihertz,
    })
}

/// A picture as a PNG file.
fn encode(picture: &Picture) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, picture.width, picture.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&picture.rgb)?;
    writer.finish()?;
    Ok(file)
}

fn start_reporter(
    supervisor: &Arc<Line>,
    mut reporter: Reporter,
    receiver: Receiver<Report>,
) -> std::io::Result<JoinHandle<()>> {
    let supervisor = supervisor.clone();
    std::thread::Builder::new().name("reporter".to_owned()).spawn(move || {
        let mut due = Instant::now();
        loop {
            let line = match receiver.recv_timeout(due.saturating_duration_since(Instant::now())) {
                Ok(Report::Recorded(Recorded { records, frames, bytes, error })) => {
                    FromWorker::Recorded { records, frames, bytes, error }
                }
                Ok(Report::Pipelines(file)) => {
                    // CAST: a length in memory.
                    supervisor.send(&FromWorker::Pipelines { bytes: file.len() as u64 }, &file);
                    continue;
                }
                Ok(report) => FromWorker::Tail(reporter.tail(report)),
                Err(RecvTimeoutError::Timeout) => {
                    due = Instant::now() + STATUS;
                    reporter.status()
                }
                Err(RecvTimeoutError::Disconnected) => {
                    supervisor.send(&reporter.status(), &[]);
                    return;
                }
            };
            supervisor.send(&line, &[]);
        }
    })
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
    port: Arc<dyn Port>,
    encrypted: bool,
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
    fn new(
        arguments: &WorkerArguments,
        device: &Device,
        stats: Arc<Stats>,
        (port, encrypted): (Arc<dyn Port>, bool),
    ) -> Self {
        Self {
            gpu: Gpu {
                name: device.name(),
                driver: device.driver().to_owned(),
                software: device.is_software(),
                memory_bytes: device.dedicated_memory(),
            },
            guest_process: arguments.process,
            port,
            encrypted,
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
            pipelines_in_frames: read(&gpu.pipelines_in_frames),
            pipelines_late: read(&gpu.pipelines_late),
            evictions: read(&gpu.evictions),
            errors: read(&stats.errors),
            telemetry_dropped: read(&stats.telemetry_dropped),
            screen: stats.screens().status(),
            // The supervisor's to know.
            requested_mode: None,
            blits: read(&stats.blits),
            blit_bytes: read(&stats.blit_bytes),
            link_counters: self
                .port
                .link_counters()
                .map(|counters| LinkCounters { encrypted: self.encrypted, ..counters }),
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
            Report::Telemetry(record) => TailRecord::of_driver(record),
            // Sent in another way.
            Report::Pipelines(_) => host(Level::Verbose, "PIPELINES", 0, 0, Vec::new(), String::new()),
            Report::TelemetryDropped { now, all } => TailRecord::of_drops(monotonic_ns(), now, all),
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
            // Not reached: it has a line of its own.
            Report::Recorded(_) => host(Level::Info, "RECORDED", 0, 0, Vec::new(), String::new()),
        }
    }
}
