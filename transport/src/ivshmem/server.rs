//! The server: its socket, and the virtual machines that are connected to it.
//!
//! Whoever may open the socket may connect; what it can cost is bounded by [`MAX_VMS`] and by how many connections one turn
//! accepts. Nothing here waits for a client, and nothing that one sends is looked at.

use std::fmt;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::net::sockopt::socket_peercred;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use super::HOST_PEER;
use super::message::{MEMORY, PROTOCOL_VERSION};
use super::vm::Vm;
use crate::shm::HOST_FILE;

/// Virtual machines at a time; each costs a memory of which only what is touched exists, and four open files.
pub const MAX_VMS: usize = 64;
/// Connections that one turn accepts, so that a flood of them does not keep the caller from its other work.
const ACCEPTS_A_TURN: usize = 16;
/// Connections that may come at once, and how long it takes until one more may: who comes more often is turned away, so that neither
/// memories nor lines in a log are made as fast as somebody can connect.
const ADMISSIONS: u32 = 64;
const ADMISSION_PERIOD: Duration = Duration::from_millis(125);
/// How long nobody is accepted after the system has refused a connection or its memory.
const PAUSE: Duration = Duration::from_secs(1);

/// Why a socket cannot be served.
#[derive(Debug)]
pub enum ServeError {
    /// Another pvgpud serves it.
    InUse {
        /// The socket.
        socket: PathBuf,
        /// What its host file says: a process number.
        process: String,
    },
    /// Some other program listens on it.
    Foreign {
        /// The socket.
        socket: PathBuf,
    },
    /// There is a file of that name that is no socket.
    NoSocket {
        /// The file.
        socket: PathBuf,
    },
    /// The system refuses.
    System {
        /// The file in question.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse { socket, process } => write!(
                f,
                "another pvgpud (process {process}) serves ivshmem:{} already; stop it or choose another --link",
                socket.display()
            ),
            Self::Foreign { socket } => write!(
                f,
                "another program listens on {} (QEMU's ivshmem-server?); stop it or choose another --link",
                socket.display()
            ),
            Self::NoSocket { socket } => {
                write!(f, "{} exists and is no socket; remove it or choose another --link", socket.display())
            }
            Self::System { path, source } => match source.kind() {
                io::ErrorKind::PermissionDenied => write!(
                    f,
                    "{} cannot be made: this user may not write to its folder; choose a folder of this user's",
                    path.display()
                ),
                io::ErrorKind::NotFound => {
                    write!(f, "{} cannot be made: its folder does not exist; make it first", path.display())
                }
                _ => write!(f, "{} cannot be used ({source})", path.display()),
            },
        }
    }
}

impl std::error::Error for ServeError {}

/// What a turn has found.
#[derive(Debug)]
pub enum Event {
    /// A virtual machine has come.
    Came(Arc<Vm>),
    /// One has left; its number may be given to the next from now on.
    Left {
        /// Which.
        vm: Arc<Vm>,
        /// Why it was made to leave, if it was.
        why: Option<&'static str>,
    },
    /// Connections were refused.
    Refused {
        /// How many.
        count: u64,
        /// Why the last of them was.
        why: String,
    },
}

#[derive(Debug)]
struct Connection {
    stream: UnixStream,
    vm: Arc<Vm>,
}

/// Serves one socket. Dropping it removes the socket and its folder.
#[derive(Debug)]
pub struct Server {
    socket: PathBuf,
    folder: PathBuf,
    listener: UnixListener,
    connections: Vec<Connection>,
    memory_bytes: u64,
    paused_until: Option<Instant>,
    /// Connections that may come now, and since when the next one's time runs.
    admissions: (u32, Instant),
    /// Connections that were refused and not told of, and why the last was.
    refused: (u64, String),
    told: Option<Instant>,
    /// Holds the lock.
    _host_file: File,
}

/// The folder beside a socket that belongs to whoever serves it: its lock, its control socket.
pub fn control_folder(socket: &Path) -> PathBuf {
    let mut name = socket.as_os_str().to_owned();
    name.push(".pvgpud");
    name.into()
}

impl Server {
    /// Begins to listen on a socket that the user and its group may open; each client's memory will have `memory_bytes`, a power
    /// of two. What a dead predecessor left is taken over.
    ///
    /// # Errors
    /// [`ServeError`] says why not, and what to do.
    pub fn bind(socket: &Path, memory_bytes: u64) -> Result<Self, ServeError> {
        let folder = control_folder(socket);
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source: io::Error| ServeError::System { path, source }
        };
        match std::fs::DirBuilder::new().mode(0o700).create(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(at(socket)(error)),
            Ok(()) | Err(_) => {}
        }
        let host_path = folder.join(HOST_FILE);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut host_file = options.open(&host_path).map_err(at(&host_path))?;
        if let Err(error) = flock(&host_file, FlockOperation::NonBlockingLockExclusive) {
            if error != rustix::io::Errno::WOULDBLOCK {
                return Err(at(&host_path)(error.into()));
            }
            let process = std::fs::read_to_string(&host_path).unwrap_or_default().trim().to_owned();
            return Err(ServeError::InUse { socket: socket.to_owned(), process });
        }
        let listener = claim(socket).and_then(|()| listen(socket, &folder).map_err(at(socket)));
        let listener = match listener {
            Ok(listener) => listener,
            Err(error) => {
                remove_folder(&folder);
                return Err(error);
            }
        };
        host_file.set_len(0).map_err(at(&host_path))?;
        host_file.write_all(format!("{}\n", std::process::id()).as_bytes()).map_err(at(&host_path))?;
        Ok(Self {
            socket: socket.to_owned(),
            folder,
            listener,
            connections: Vec::new(),
            memory_bytes,
            paused_until: None,
            admissions: (ADMISSIONS, Instant::now()),
            refused: (0, String::new()),
            told: None,
            _host_file: host_file,
        })
    }

    /// A folder of this user's alone, for the control socket.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// One of them becomes readable when [`Server::turn`] has something to do.
    pub fn fds(&self) -> Vec<BorrowedFd<'_>> {
        let listener = self.paused_until.is_none().then(|| self.listener.as_fd());
        listener
            .into_iter()
            .chain(self.connections.iter().map(|connection| connection.stream.as_fd()))
            .collect()
    }

    /// Accepts who has come and notices who has left, without waiting. To be called at least every second.
    pub fn turn(&mut self) -> Vec<Event> {
        let now = Instant::now();
        let mut events = Vec::new();
        self.connections.retain(|Connection { stream, vm }| {
            let why = match has_left(stream) {
                None => return true,
                Some(why) => why,
            };
            events.push(Event::Left { vm: vm.clone(), why });
            false
        });
        let (left, since) = &mut self.admissions;
        while *left < ADMISSIONS && now.duration_since(*since) >= ADMISSION_PERIOD {
            (*left, *since) = (*left + 1, *since + ADMISSION_PERIOD);
        }
        if *left == ADMISSIONS {
            *since = now;
        }
        if self.paused_until.is_some_and(|until| now >= until) {
            self.paused_until = None;
        }
        if self.paused_until.is_none() {
            for _ in 0..ACCEPTS_A_TURN {
                match self.listener.accept() {
                    Ok((stream, _)) => match self.admit(stream) {
                        Ok(vm) => events.push(Event::Came(vm)),
                        Err(why) => self.refused = (self.refused.0.saturating_add(1), why),
                    },
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    // The client has gone already.
                    Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                    Err(error) => {
                        self.refused = (self.refused.0.saturating_add(1), error.to_string());
                        self.paused_until = Some(now + PAUSE);
                        break;
                    }
                }
            }
        }
        if self.refused.0 != 0 && self.told.is_none_or(|told| now.duration_since(told) >= PAUSE) {
            let (count, why) = std::mem::take(&mut self.refused);
            events.push(Event::Refused { count, why });
            self.told = Some(now);
        }
        events
    }

    #[cfg(test)]
    pub(super) fn connections_now(&self) -> usize {
        self.connections.len()
    }

    /// Makes a virtual machine of a connection and tells the client everything.
    fn admit(&mut self, stream: UnixStream) -> Result<Arc<Vm>, String> {
        if self.connections.len() >= MAX_VMS {
            return Err(format!("{MAX_VMS} virtual machines are connected, and more are not served"));
        }
        self.admissions.0 = self.admissions.0.checked_sub(1).ok_or("too many come at a time")?;
        let taken = |id: u16| self.connections.iter().any(|connection| connection.vm.id() == id);
        let id = (HOST_PEER + 1..=u16::MAX).find(|id| !taken(*id)).ok_or("no number is left")?;
        let process =
            socket_peercred(&stream).ok().and_then(|peer| peer.pid.as_raw_nonzero().get().try_into().ok());
        let vm = Vm::new(id, process, self.memory_bytes).map_err(|error| {
            // More of them would fare no better.
            self.paused_until = Some(Instant::now() + PAUSE);
            format!("its memory of {} bytes cannot be made ({error})", self.memory_bytes)
        })?;
        stream.set_nonblocking(true).map_err(|error| error.to_string())?;
        greet(&stream, &vm).map_err(|error| format!("it could not be greeted ({error})"))?;
        let vm = Arc::new(vm);
        self.connections.push(Connection { stream, vm: vm.clone() });
        Ok(vm)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.socket);
        remove_folder(&self.folder);
    }
}

fn remove_folder(folder: &Path) {
    let _ = std::fs::remove_file(folder.join(HOST_FILE));
    // Fails when somebody has put something of his own there; then it stays.
    let _ = std::fs::remove_dir(folder);
}

/// Makes sure that the name is nobody else's.
fn claim(socket: &Path) -> Result<(), ServeError> {
    let path = || socket.to_owned();
    match std::fs::symlink_metadata(socket) {
        Ok(found) if !found.file_type().is_socket() => Err(ServeError::NoSocket { socket: path() }),
        Ok(_) => match UnixStream::connect(socket) {
            Ok(_) => Err(ServeError::Foreign { socket: path() }),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
            Err(source) => Err(ServeError::System { path: path(), source }),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(ServeError::System { path: path(), source }),
    }
}

/// Listens under the name, which appears, or is taken over, when the socket is ready and has its mode.
fn listen(socket: &Path, folder: &Path) -> io::Result<UnixListener> {
    let fresh = folder.join("new");
    let _ = std::fs::remove_file(&fresh);
    let listener = UnixListener::bind(&fresh)?;
    let ready = std::fs::set_permissions(&fresh, Permissions::from_mode(0o660))
        .and_then(|()| listener.set_nonblocking(true))
        .and_then(|()| std::fs::rename(&fresh, socket));
    if let Err(error) = ready {
        let _ = std::fs::remove_file(&fresh);
        return Err(error);
    }
    Ok(listener)
}

/// Whether a client has left, or is to; then why.
fn has_left(mut stream: &UnixStream) -> Option<Option<&'static str>> {
    match stream.read(&mut [0; 64]) {
        Ok(0) => Some(None),
        Ok(_) => Some(Some("it has sent something, which no ivshmem device does")),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => None,
        Err(_) => Some(None),
    }
}

/// Sends everything that there is to say. It fits any socket's buffer, so that a client that does not read costs nothing.
fn greet(stream: &UnixStream, vm: &Vm) -> io::Result<()> {
    let [memory, doorbell, interrupt] = vm.descriptors();
    send(stream, PROTOCOL_VERSION, None)?;
    send(stream, vm.id().into(), None)?;
    send(stream, MEMORY, Some(memory))?;
    send(stream, HOST_PEER.into(), Some(doorbell))?;
    send(stream, vm.id().into(), Some(interrupt))
}

fn send(stream: &UnixStream, number: i64, descriptor: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let fds: Vec<BorrowedFd<'_>> = descriptor.into_iter().collect();
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&fds)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let bytes = number.to_le_bytes();
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    match sendmsg(stream, &[IoSlice::new(&bytes)], &mut control, flags)? {
        sent if sent == bytes.len() => Ok(()),
        _ => Err(io::ErrorKind::WriteZero.into()),
    }
}
