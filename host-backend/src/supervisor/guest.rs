//! One guest as the supervisor sees it: its hello, its worker process, and the end of both.

use std::io::{BufRead, BufReader, Read};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;

use pvgpu_control::{Guest, MAX_SCREENSHOT_BYTES, Recording};
use pvgpu_protocol::aperture::{GuestHello, Layout, Sizes, host_cell, host_state, refusal};
use pvgpu_protocol::version::{VersionRange, feature};
use pvgpu_transport::ivshmem::Vm;

use super::aperture::Aperture;
use super::hello::agree;
use super::network::Remote;
use super::pipelines::Pipelines;
use super::state::Received;
use super::{Options, State};
use crate::fd_line::{FdReader, send_with_fd};
use crate::pipeline_file;
use crate::vulkan::{DeviceOptions, GpuChoice};
use crate::worker::{FromWorker, ToWorker};

/// A worker whose loop has not moved for this long is ended: no command may take that long on the CPU.
const STUCK_MS: u64 = 10_000;

/// A worker's lines are some hundred bytes; one that sends more is ended.
const MAX_LINE_BYTES: u64 = 1 << 20;

/// A guest with its worker.
pub struct Started {
    /// The guest's aperture.
    pub aperture: Aperture,
    child: Child,
    line: UnixStream,
    /// Why the worker said that it cannot serve; 0 if it did not.
    refused: Arc<AtomicU64>,
    /// The worker has ended, and by itself.
    in_order: bool,
}

/// A guest that cannot be served, why, and in words.
pub type Refused = (Aperture, u64, String);

/// Reads the hello and starts a worker. `ended` gets `number` when the worker is gone.
pub fn start(
    options: &Options,
    pipelines: Option<&Arc<Pipelines>>,
    state: &Arc<State>,
    aperture: Aperture,
    number: u64,
    ended: Sender<u64>,
) -> Result<Started, Refused> {
    // What no file shows, the worker hears by itself.
    let agreed = match aperture.cells().map(agree).transpose() {
        Ok(agreed) => agreed,
        Err((reason, text)) => return Err((aperture, reason, text)),
    };
    let process = agreed.as_ref().map_or(0, |(hello, ..)| hello.process);
    let recording = state.recordings.begin(options, number, &aperture.name(), process);
    let started = UnixStream::pair().and_then(|(ours, theirs)| {
        let mut command = command(options, pipelines, &aperture, agreed.as_ref());
        command.stdout(Stdio::null());
        if let Some((recording, limits)) = recording {
            command.stdout(Stdio::from(recording)).args(["--recording"]);
            command.args(["--record-max-bytes", &limits.bytes.to_string()]);
            if limits.each {
                command.arg("--record-each");
            }
            for (option, limit) in [("--record-frames", limits.frames), ("--record-seconds", limits.seconds)]
            {
                command.args(limit.iter().flat_map(|limit| [option.to_owned(), limit.to_string()]));
            }
        }
        let child = command.stdin(Stdio::from(OwnedFd::from(theirs))).spawn()?;
        match &aperture {
            Aperture::Shm(_) => {}
            Aperture::Ivshmem(vm) => send_descriptors(&ours, vm)?,
            Aperture::Remote(remote) => send_connections(&ours, remote)?,
        }
        let (reader, writer) = (ours.try_clone()?, ours.try_clone()?);
        Ok((child, ours, reader, writer))
    });
    let (child, line, reader, writer) = match started {
        Ok(started) => started,
        Err(error) => {
            state.recordings.lost(number);
            return Err((aperture, refusal::WORKER_ENDED, format!("no worker could be started: {error}")));
        }
    };
    let refused = Arc::new(AtomicU64::new(refusal::NONE));
    let name = aperture.name();
    let guest = Guest { name: name.clone(), guest_process: process, ..Guest::default() };
    state.add(number, guest, agreed.map_or(0, |(_, layout, _)| layout.heap_bytes()), writer);
    let listener = Listener {
        name,
        number,
        process: child.id(),
        state: state.clone(),
        refused: refused.clone(),
        pipelines: pipelines.cloned(),
    };
    let thread = std::thread::Builder::new().name("worker".to_owned());
    // Without the thread the worker's socket closes, and the worker ends.
    let _ = thread.spawn(move || {
        listener.listen(reader);
        // The supervisor may have ended first.
        let _ = ended.send(listener.number);
    });
    Ok(Started { aperture, child, line, refused, in_order: false })
}

/// Gives a worker what it opens by no path: the memory, the host's doorbell, the guest's.
fn send_descriptors(line: &UnixStream, vm: &Vm) -> std::io::Result<()> {
    let mut text = serde_json::to_string(&ToWorker::Descriptor)?;
    text.push('\n');
    vm.descriptors().iter().try_for_each(|fd| send_with_fd(line, text.as_bytes(), fd))
}

/// Gives a worker a guest's connections, the urgent one first, with their keys.
fn send_connections(line: &UnixStream, remote: &Remote) -> std::io::Result<()> {
    let connections = remote.take().ok_or(std::io::ErrorKind::NotConnected)?;
    connections.into_iter().try_for_each(|connection| {
        let (keys, stream, fd) = connection.into_parts();
        let mut text = serde_json::to_string(&ToWorker::Connection { keys, stream })?;
        text.push('\n');
        send_with_fd(line, text.as_bytes(), &fd)
    })
}

/// The command line of a worker; [`parse_worker`](crate::cli) reads it.
fn command(
    options: &Options,
    pipelines: Option<&Arc<Pipelines>>,
    aperture: &Aperture,
    agreed: Option<&(GuestHello, Layout, u16)>,
) -> Command {
    let DeviceOptions {
        gpu,
        validation,
        memory_limit,
        local_limit,
        bounce,
        command_pools: _,
        merge_in_shaders: _,
    } = &options.device;
    // The very program that runs, even if its file was replaced meanwhile.
    let mut command = Command::new("/proc/self/exe");
    command
        .arg("worker")
        .args(["--max-guest-memory", &memory_limit.to_string()])
        .args(["--log", &options.log])
        // Drivers would like to write caches to the user's folder, which the sandbox does not let them.
        .env("MESA_SHADER_CACHE_DISABLE", "true")
        .env("__GL_SHADER_DISK_CACHE", "0");
    match aperture {
        Aperture::Shm(file) => command.arg("--aperture").arg(file.path()),
        Aperture::Ivshmem(_) => command.arg("--ivshmem"),
        Aperture::Remote(_) => command.arg("--remote"),
    };
    if let Some((hello, _, version)) = agreed {
        let Sizes { aperture: bytes, ring0, event, telemetry } = hello.sizes;
        command
            .args(["--abi", &version.to_string()])
            .args(["--features", &(hello.features & feature::ALL).to_string()])
            .args(["--sizes", &format!("{bytes},{ring0},{event},{telemetry}")])
            .args(["--process", &hello.process.to_string()]);
    }
    if *gpu != GpuChoice::Best {
        command.args(["--gpu", &gpu.to_string()]);
    }
    if *validation {
        command.arg("--validate");
    }
    if *bounce {
        command.arg("--bounce");
    }
    if let Some(bytes) = local_limit {
        command.args(["--max-guest-vram", &bytes.to_string()]);
    }
    if let Some(pipelines) = pipelines {
        command.arg("--pipelines").arg(pipelines.path());
    }
    command
}

/// Writes a refusal into the guest's control page.
pub fn refuse(aperture: &Aperture, reason: u64) {
    let cells = [
        (host_cell::VERSIONS, VersionRange::OURS.to_word()),
        (host_cell::REASON, reason),
        (host_cell::STATE, host_state::REFUSED),
    ];
    write_cells(aperture, &cells);
}

/// A guest that has taken its aperture back needs no answer.
fn write_cells(aperture: &Aperture, cells: &[(usize, u64)]) {
    let Some(file) = aperture.cells() else { return };
    for (index, value) in cells {
        let _ = file.write_cell(*index, *value);
    }
}

impl Started {
    /// Tells the guest that nobody serves it any more.
    pub fn say_gone(&self, reason: u64) {
        let refused = self.refused.load(Ordering::Relaxed);
        if refused != refusal::NONE {
            return refuse(&self.aperture, refused);
        }
        let Some(cells) = self.aperture.cells() else { return };
        match cells.read_cell(host_cell::STATE) {
            Ok(host_state::GONE) => return,
            // A worker that ended in order has left the state to a driver that says hello anew.
            Ok(host_state::NONE) if self.in_order && matches!(self.aperture, Aperture::Ivshmem(_)) => return,
            Ok(_) | Err(_) => {}
        }
        write_cells(&self.aperture, &[(host_cell::REASON, reason), (host_cell::STATE, host_state::GONE)]);
    }

    /// Asks the worker to end.
    pub fn hang_up(&self) {
        // Fails when the worker is gone already.
        let _ = self.line.shutdown(Shutdown::Write);
    }

    /// Ends the worker.
    pub fn kill(&mut self) {
        // Fails when it is gone already.
        let _ = self.child.kill();
    }

    /// Waits for the worker, which has closed its socket, and says how it ended.
    pub fn reap(&mut self) -> String {
        // A worker that closed its socket but lives is of no use.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(1);
        while std::time::Instant::now() < deadline {
            if let Ok(Some(status)) = self.child.try_wait() {
                self.in_order = status.success();
                return status.to_string();
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        self.kill();
        self.child.wait().map_or_else(|error| error.to_string(), |status| status.to_string())
    }
}

/// The thread that hears a worker.
struct Listener {
    name: String,
    number: u64,
    process: u32,
    state: Arc<State>,
    refused: Arc<AtomicU64>,
    pipelines: Option<Arc<Pipelines>>,
}

impl Listener {
    fn listen(&self, line: UnixStream) {
        let reader = FdReader::new(line);
        let fds = reader.fds();
        let mut reader = BufReader::new(reader);
        let mut text = String::new();
        loop {
            text.clear();
            match (&mut reader).take(MAX_LINE_BYTES).read_line(&mut text) {
                Ok(bytes) if bytes != 0 && text.ends_with('\n') => {}
                // The end, or more than a line may have.
                _ => return,
            }
            match serde_json::from_str(&text) {
                Ok(FromWorker::Status { mut guest, stuck_ms }) => {
                    guest.name.clone_from(&self.name);
                    self.state.update(self.number, *guest);
                    if stuck_ms > STUCK_MS {
                        log::error!("{}: its worker has not moved for {stuck_ms} ms and is ended", self.name);
                        self.kill();
                        return;
                    }
                }
                Ok(FromWorker::Greeted { process, heap_bytes }) => {
                    self.state.greeted(self.number, process, heap_bytes);
                }
                Ok(FromWorker::Tail(mut record)) => {
                    record.guest.clone_from(&self.name);
                    self.state.tail(&record);
                }
                Ok(FromWorker::Screenshot { number, width, height, bytes }) => {
                    if bytes > MAX_SCREENSHOT_BYTES {
                        return;
                    }
                    let mut file = Vec::new();
                    let whole = (&mut reader).take(bytes).read_to_end(&mut file);
                    // CAST: a length in memory.
                    if whole.is_err() || file.len() as u64 != bytes {
                        return;
                    }
                    self.state.picture(self.number, number, Received { width, height, file });
                }
                Ok(FromWorker::Recorded { records, frames, bytes, error }) => {
                    let name = &self.name;
                    match &error {
                        Some(error) => log::error!("{name}: its recording has ended: {error}"),
                        None => log::info!("{name}: {records} records, {frames} frames are recorded"),
                    }
                    let guest = name.clone();
                    let ended = Recording::Ended { guest, records, frames, bytes, error };
                    self.state.recordings.ended(self.number, ended);
                }
                Ok(FromWorker::Pipelines { bytes }) => {
                    if bytes > pipeline_file::MAX_BYTES {
                        return;
                    }
                    let mut file = Vec::new();
                    let whole = (&mut reader).take(bytes).read_to_end(&mut file);
                    // CAST: a length in memory.
                    if whole.is_err() || file.len() as u64 != bytes {
                        return;
                    }
                    if let Some(pipelines) = &self.pipelines {
                        pipelines.save(&file);
                    }
                }
                Ok(FromWorker::Share { token, image }) => {
                    if let Some(memory) = fds.take() {
                        self.state.shares.publish(self.number, token, *image, memory);
                    }
                }
                Ok(FromWorker::Unshare { token }) => self.state.shares.withdraw(self.number, token),
                Ok(FromWorker::Open { token }) => self.state.open_shared(self.number, token),
                Ok(FromWorker::Refused { reason, text }) => {
                    log::error!("{}: {text}", self.name);
                    self.refused.store(reason, Ordering::Relaxed);
                }
                // A worker that a guest has taken over may say anything; it only hurts its own entry.
                Err(error) => log::warn!("{}: its worker said something unintelligible: {error}", self.name),
            }
        }
    }

    fn kill(&self) {
        let process = i32::try_from(self.process).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(process) = process {
            // The process is our child and not reaped before this thread ends, so the number is still its own.
            let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
        }
    }
}
