//! The supervisor: finds guests on a link, starts a worker process for each, and answers on the control socket.
//!
//! It maps no guest memory and reads of a guest only its hello, once, through the file; so no guest can crash it. It restarts
//! nothing: a guest whose worker ended sees that in the control page and may come again, as a new guest or with a new hello.

mod aperture;
mod control;
mod guest;
mod hello;
mod ivshmem;
mod network;
mod pipelines;
mod recordings;
mod shares;
mod source;
mod state;

use std::collections::HashMap;
use std::fmt;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use pvgpu_control::Level;
use pvgpu_protocol::aperture::refusal;
use pvgpu_transport::Link;
use pvgpu_transport::secure::KeysError;
use pvgpu_transport::tcp::TcpError;
use pvgpu_transport::{ivshmem as carrier, shm::ListenError};
use rustix::event::{PollFd, PollFlags, poll};
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::pipeline_file::GpuId;
use crate::record::Limits;
use crate::vulkan::{Device, DeviceOptions, GpuError};
use guest::{Started, refuse};
use pipelines::Pipelines;
pub use shares::Shares;
use source::Source;
pub use state::{Pairings, State};

/// Guests at a time. Each costs a process, a Vulkan device and its memory.
const MAX_GUESTS: usize = 64;
/// How long workers may take to end when the supervisor does.
const SHUTDOWN: Duration = Duration::from_secs(3);

/// How to serve.
#[derive(Clone, Debug)]
pub struct Options {
    /// The link.
    pub link: Link,
    /// Whoever is at the other end of a cable is trusted, and nothing is encrypted.
    pub trust_link: bool,
    /// Bytes of the apertures that this side makes: those of virtual machines. A power of two.
    pub aperture_bytes: u64,
    /// The GPU of each worker.
    pub device: DeviceOptions,
    /// The folder for what later runs can use; none for nothing.
    pub cache: Option<PathBuf>,
    /// Where to write "ready" once guests may come: a file descriptor that was passed on.
    pub ready_fd: Option<u32>,
    /// Passed on to workers.
    pub log: String,
    /// Where every guest is recorded, if anywhere.
    pub record: Option<PathBuf>,
    /// Of those recordings.
    pub limits: Limits,
}

/// Why a link is not served.
#[derive(Debug)]
pub enum ServeError {
    /// No GPU.
    Gpu(GpuError),
    /// The link is taken or cannot be used.
    Listen(ListenError),
    /// The socket for virtual machines is taken or cannot be used.
    Ivshmem(carrier::ServeError),
    /// This machine's key cannot be had.
    Keys(KeysError),
    /// The network's address is taken or cannot be used.
    Tcp(TcpError),
    /// Something of the system failed.
    System(&'static str, std::io::Error),
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gpu(error) => error.fmt(f),
            Self::Listen(error) => error.fmt(f),
            Self::Ivshmem(error) => error.fmt(f),
            Self::Keys(error) => error.fmt(f),
            Self::Tcp(error) => error.fmt(f),
            Self::System(what, error) => write!(f, "{what}: {error}"),
        }
    }
}

impl std::error::Error for ServeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Gpu(error) => Some(error),
            Self::Listen(error) => Some(error),
            Self::Ivshmem(error) => Some(error),
            Self::Keys(error) => Some(error),
            Self::Tcp(error) => Some(error),
            Self::System(_, error) => Some(error),
        }
    }
}

/// Serves a link until SIGTERM or SIGINT.
///
/// # Errors
/// [`ServeError`] is a sentence that says what to do.
pub fn serve(options: &Options) -> Result<(), ServeError> {
    let system = |what| move |error| ServeError::System(what, error);
    let (gpu, id) = probe(&options.device).map_err(ServeError::Gpu)?;
    let pipelines = options.cache.as_deref().and_then(|folder| Pipelines::new(folder, id)).map(Arc::new);
    log::info!("guests render on {} ({})", gpu.name, gpu.driver);
    let mut source = Source::bind(&options.link, options.aperture_bytes, options.trust_link)?;
    let (signal, signal_in) = UnixStream::pair().map_err(system("no socket for signals"))?;
    for kind in [SIGTERM, SIGINT] {
        let end = signal_in.try_clone().map_err(system("no socket for signals"))?;
        signal_hook::low_level::pipe::register(kind, end).map_err(system("signals cannot be caught"))?;
    }
    if let Some(folder) = &options.record {
        std::fs::create_dir_all(folder).map_err(system("the folder for recordings cannot be made"))?;
    }
    let state = Arc::new(State::new(&options.link, gpu));
    if let Some(pairings) = source.pairings() {
        state.serve_pairings(pairings);
    }
    let _control =
        control::start(source.folder(), &state).map_err(system("the control socket cannot be made"))?;
    say_ready(options).map_err(system("--ready-fd cannot be written"))?;
    log::info!("serving {}", options.link);

    let (ended, ends) = channel();
    let mut guests = HashMap::new();
    let mut next = 0u64;
    loop {
        let mut fds = vec![PollFd::new(&signal, PollFlags::IN)];
        fds.extend(source.fds().into_iter().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        match poll(&mut fds, Some(&source.tick())) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(ServeError::System("waiting failed", error.into())),
        }
        if fds.first().is_some_and(|fd| fd.revents().contains(PollFlags::IN)) {
            break;
        }
        for number in ends.try_iter() {
            finish(&mut source, &state, &mut guests, number, refusal::WORKER_ENDED);
        }
        for machine in source.departed() {
            guests.values().filter(|started| started.aperture.is_of(&machine)).for_each(Started::hang_up);
        }
        while let Some(aperture) = source.next_guest()? {
            let name = aperture.name();
            if guests.len() >= MAX_GUESTS {
                refuse(&aperture, refusal::TOO_MANY_GUESTS);
                source.forget(&aperture);
                continue;
            }
            next += 1;
            match guest::start(options, pipelines.as_ref(), &state, aperture, next, ended.clone()) {
                Ok(started) => {
                    state.note(Level::Info, &name, "GUEST_CAME", String::new());
                    guests.insert(next, started);
                }
                Err((aperture, reason, text)) => {
                    log::error!("{name} is refused: {text}");
                    state.note(Level::Error, &name, "GUEST_REFUSED", text);
                    refuse(&aperture, reason);
                    source.forget(&aperture);
                }
            }
        }
    }
    log::info!("ending");
    shut_down(&mut source, &state, &mut guests, &ends);
    Ok(())
}

/// Opens the GPU once, so that its absence is told at the start and not to the first guest.
fn probe(options: &DeviceOptions) -> Result<(pvgpu_control::Gpu, GpuId), GpuError> {
    let device = Device::open(options)?;
    let gpu = pvgpu_control::Gpu {
        name: device.name(),
        driver: device.driver().to_owned(),
        software: device.is_software(),
        memory_bytes: device.dedicated_memory(),
    };
    Ok((gpu, device.gpu_id()))
}

fn say_ready(options: &Options) -> std::io::Result<()> {
    let Some(fd) = options.ready_fd else { return Ok(()) };
    let mut file = std::fs::OpenOptions::new().write(true).open(format!("/proc/self/fd/{fd}"))?;
    file.write_all(b"ready\n")
}

/// Removes a guest whose worker has ended.
fn finish(source: &mut Source, state: &State, guests: &mut HashMap<u64, Started>, number: u64, reason: u64) {
    let Some(mut started) = guests.remove(&number) else { return };
    let status = started.reap();
    let name = started.aperture.name();
    log::info!("{name}: its worker has ended ({status})");
    state.remove(number);
    state.note(Level::Info, &name, "GUEST_WENT", status);
    started.say_gone(reason);
    source.forget(&started.aperture);
}

/// Asks all workers to end, and makes those end that do not.
fn shut_down(source: &mut Source, state: &State, guests: &mut HashMap<u64, Started>, ends: &Receiver<u64>) {
    for started in guests.values() {
        started.hang_up();
    }
    let deadline = std::time::Instant::now() + SHUTDOWN;
    while !guests.is_empty() {
        let left = deadline.saturating_duration_since(std::time::Instant::now());
        match ends.recv_timeout(left) {
            Ok(number) => finish(source, state, guests, number, refusal::SHUTDOWN),
            Err(_) => break,
        }
    }
    let rest: Vec<u64> = guests.keys().copied().collect();
    for number in rest {
        if let Some(started) = guests.get_mut(&number) {
            started.kill();
        }
        finish(source, state, guests, number, refusal::SHUTDOWN);
    }
}
