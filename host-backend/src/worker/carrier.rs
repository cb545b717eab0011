//! How a worker reaches its guest: the aperture and the doorbells, by the link's carrier.

#![forbid(unsafe_code)]

use std::io::{self, BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pvgpu_protocol::aperture::{Layout, MAGIC, guest_cell, host_cell, host_state, refusal};
use pvgpu_protocol::version::{VersionRange, feature};
use pvgpu_transport::carrier::{Channel, Channels};
use pvgpu_transport::mirror::Greeted;
use pvgpu_transport::mirror::wire::CONTROL_CELLS;
use pvgpu_transport::secure::SessionKeys;
use pvgpu_transport::shm::{self, ApertureFile};
use pvgpu_transport::{Mapping, ivshmem, tbstream, tcp};

use super::{Port, ToWorker, WorkerArguments};
use crate::fd_line::{FdReader, Fds};
use crate::memory::SharedCells;

/// How long a guest of another machine may take to say what it is.
const HELLO_TIME: Duration = Duration::from_secs(5);
/// How often a machine's hello is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// What the command line says of the carrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// The aperture is a file, and doorbells are FIFOs beside it.
    Shm(PathBuf),
    /// The aperture and two eventfds come from the supervisor, each with a line ([`ToWorker::Descriptor`]), before any other.
    Ivshmem,
    /// The aperture is on another machine and mirrored; two connections come from the supervisor, the urgent one first
    /// ([`ToWorker::Connection`]), before any other line. What the guest says of itself comes through them.
    Remote,
}

/// One of a guest's two connections, as the supervisor gives it to a worker.
#[derive(Debug)]
pub enum Connection {
    /// Over TCP.
    Tcp(tcp::Half),
    /// Over a stream device, which the supervisor has.
    Stream(tbstream::Half),
}

impl Connection {
    /// The parts that travel: keys, whether it is a stream's, and the socket.
    pub fn into_parts(self) -> (Option<SessionKeys>, bool, OwnedFd) {
        match self {
            Self::Tcp(tcp::Half { stream, keys }) => (keys, false, stream.into()),
            Self::Stream(tbstream::Half { stream, keys }) => (keys, true, stream.into()),
        }
    }

    fn from_parts(keys: Option<SessionKeys>, is_stream: bool, fd: OwnedFd) -> Self {
        match is_stream {
            false => Self::Tcp(tcp::Half { stream: fd.into(), keys }),
            true => Self::Stream(tbstream::Half { stream: fd.into(), keys }),
        }
    }

    fn is_encrypted(&self) -> bool {
        match self {
            Self::Tcp(half) => half.keys.is_some(),
            Self::Stream(half) => half.keys.is_some(),
        }
    }

    fn into_channel(self) -> Channel {
        match self {
            Self::Tcp(half) => half.into_channel(),
            Self::Stream(half) => half.into_channel(),
        }
    }
}

/// The lines from the supervisor.
pub struct FromSupervisor {
    pub lines: BufReader<FdReader>,
    pub fds: Fds,
}

impl FromSupervisor {
    /// Reads from the socket to the supervisor.
    pub fn new(stream: UnixStream) -> Self {
        let reader = FdReader::new(stream);
        let fds = reader.fds();
        Self { lines: BufReader::new(reader), fds }
    }

    /// The connection of the next line, which must be for one.
    fn connection(&mut self) -> io::Result<Connection> {
        let mut line = String::new();
        self.lines.read_line(&mut line)?;
        match serde_json::from_str(&line) {
            Ok(ToWorker::Connection { keys, stream }) => {
                let fd = self.fds.take().ok_or(io::ErrorKind::InvalidData)?;
                Ok(Connection::from_parts(keys, stream, fd))
            }
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// The descriptor of the next line, which must be for one.
    fn descriptor(&mut self) -> io::Result<OwnedFd> {
        let mut line = String::new();
        self.lines.read_line(&mut line)?;
        match serde_json::from_str(&line) {
            Ok(ToWorker::Descriptor) => self.fds.take().ok_or(io::ErrorKind::InvalidData.into()),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// An aperture and its doorbells.
pub struct Connected {
    pub mapping: Mapping,
    pub port: Begin,
    /// Whether the guest is reached over an encrypted link.
    pub encrypted: bool,
}

/// Makes the doorbells work, once the sandbox is closed: whatever threads that takes are then in it.
pub type Begin = Box<dyn FnOnce() -> Result<Arc<dyn Port>, String>>;

fn ready(port: impl Port + 'static) -> Begin {
    Box::new(move || Ok(Arc::new(port)))
}

impl WorkerArguments {
    /// Maps the aperture, and makes or takes the doorbells. What a guest of another machine says of itself is filled in.
    ///
    /// # Errors
    /// One of [`refusal`], and why in a sentence.
    pub(super) fn connect(&mut self, supervisor: &mut FromSupervisor) -> Result<Connected, (u64, String)> {
        let ended = |text| (refusal::WORKER_ENDED, text);
        match &self.carrier {
            Carrier::Shm(path) => connect_shm(path).map_err(ended),
            Carrier::Ivshmem => connect_machine(supervisor).map_err(ended),
            Carrier::Remote => self.connect_remote(supervisor),
        }
    }

    fn connect_remote(&mut self, supervisor: &mut FromSupervisor) -> Result<Connected, (u64, String)> {
        let mut next = || {
            let taken = supervisor.connection();
            taken.map_err(|error| format!("the supervisor sent no connection ({error})"))
        };
        let ended = |error: &dyn std::fmt::Display| (refusal::WORKER_ENDED, error.to_string());
        let (urgent, bulk) = (next().map_err(|text| ended(&text))?, next().map_err(|text| ended(&text))?);
        let encrypted = urgent.is_encrypted() && bulk.is_encrypted();
        let channels = Channels { urgent: urgent.into_channel(), bulk: bulk.into_channel() };
        // TIMEOUT: a guest that has shaken hands says hello at once.
        let greeted = Greeted::hear(channels, HELLO_TIME).map_err(|error| ended(&error))?;
        let hello = greeted.hello;
        let version = VersionRange::OURS.agree(hello.versions);
        let agreed = version.map_err(|error| (refusal::VERSION, error.to_string())).and_then(|version| {
            let layout = Layout::new(hello.sizes).map_err(|error| (refusal::LAYOUT, error.to_string()))?;
            Ok((version, layout))
        });
        let (version, layout) = match agreed {
            Ok(agreed) => agreed,
            Err((reason, text)) => {
                let mut cells = [0; CONTROL_CELLS];
                for (cell, value) in [
                    (host_cell::STATE, host_state::REFUSED),
                    (host_cell::VERSIONS, VersionRange::OURS.to_word()),
                    (host_cell::REASON, reason),
                ] {
                    if let Some(slot) = cells.get_mut(cell - host_cell::STATE) {
                        *slot = value;
                    }
                }
                greeted.refuse(cells, &text);
                return Err((reason, text));
            }
        };
        self.version = version;
        self.features = hello.features & feature::ALL;
        self.sizes = hello.sizes;
        self.process = hello.process;
        let bytes = usize::try_from(layout.sizes.aperture).map_err(|error| ended(&error))?;
        let mapping = Mapping::anonymous(bytes).map_err(|error| ended(&error))?;
        let memory = mapping.clone();
        let port: Begin = Box::new(move || {
            let port = greeted.begin(memory, layout).map_err(|error| error.to_string())?;
            Ok(port as Arc<dyn Port>)
        });
        Ok(Connected { mapping, port, encrypted })
    }
}

fn connect_shm(path: &Path) -> Result<Connected, String> {
    let aperture = ApertureFile::open(path).map_err(|error| error.to_string())?;
    let port = shm::HostPort::open(&aperture).map_err(|error| error.to_string())?;
    Ok(Connected { mapping: port.mapping().clone(), port: ready(port), encrypted: false })
}

fn connect_machine(supervisor: &mut FromSupervisor) -> Result<Connected, String> {
    let mut next = || {
        let taken = supervisor.descriptor();
        taken.map_err(|error| format!("the supervisor sent no descriptor ({error})"))
    };
    let descriptors = [next()?, next()?, next()?];
    let port = ivshmem::HostPort::new(descriptors).map_err(|error| error.to_string())?;
    Ok(Connected { mapping: port.mapping().clone(), port: ready(port), encrypted: false })
}

/// Sets both flags when the guest has taken its hello back, or says another; to be called when the host's state is `READY`.
///
/// A machine's memory outlives its driver, and no doorbell tells of a driver that has stopped or of a machine that was reset. With
/// a new hello the driver clears the host's state, which nobody else does.
pub fn watch_hello(
    cells: &SharedCells,
    withdrawn: &Arc<AtomicBool>,
    stop: &Arc<AtomicBool>,
) -> io::Result<()> {
    let (cells, withdrawn, stop) = (cells.clone(), withdrawn.clone(), stop.clone());
    let is = move |index: usize, value| {
        cells.cells().get(index).is_some_and(|cell| cell.load(Ordering::Acquire) == value)
    };
    std::thread::Builder::new().name("hello".to_owned()).spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            if !is(guest_cell::MAGIC, MAGIC) || !is(host_cell::STATE, host_state::READY) {
                withdrawn.store(true, Ordering::Relaxed);
                stop.store(true, Ordering::Relaxed);
            }
            std::thread::sleep(LOOK);
        }
    })?;
    Ok(())
}
