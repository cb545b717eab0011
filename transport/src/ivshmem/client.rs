//! What QEMU does with a server: connects, and takes memory and doorbells. For tests of either side without a virtual machine.

use std::fmt;
use std::fs::File;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use super::message::{Setup, Violation};
use super::vm::{ring, wait};
use super::{HOST_PEER, VECTOR};
use crate::mapping::{MapError, Mapping};
use crate::shm::Wake;

/// Why a client cannot begin.
#[derive(Debug)]
pub enum ClientError {
    /// The connection failed or ended.
    Connection(io::Error),
    /// The server breaks the protocol.
    Violation(Violation),
    /// The memory cannot be mapped.
    Map(MapError),
    /// The server told of no host.
    NoHost,
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(error) => write!(f, "the server's connection failed ({error})"),
            Self::Violation(violation) => violation.fmt(f),
            Self::Map(error) => error.fmt(f),
            Self::NoHost => f.write_str("the server names no peer 0, which the host is"),
        }
    }
}

impl std::error::Error for ClientError {}

impl From<io::Error> for ClientError {
    fn from(error: io::Error) -> Self {
        Self::Connection(error)
    }
}

/// A client that has been told everything. Dropping it leaves.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
    id: u16,
    memory: File,
    mapping: Mapping,
    doorbell: File,
    interrupt: File,
}

impl Client {
    /// Connects and waits for the setup; each message may take as long as `timeout`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn connect(socket: &Path, timeout: Duration) -> Result<Self, ClientError> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(timeout))?;
        let mut setup = Setup::default();
        while !setup.is_complete() {
            let (number, descriptor) = receive(&stream)?;
            setup.take(number, descriptor).map_err(ClientError::Violation)?;
        }
        let (id, memory, interrupt, doorbells) = setup.into_parts().ok_or(ClientError::NoHost)?;
        let host = doorbells.into_iter().filter(|(peer, _)| *peer == HOST_PEER);
        let doorbell = host.map(|(_, doorbell)| doorbell).nth(VECTOR.into()).ok_or(ClientError::NoHost)?;
        let memory = File::from(memory);
        let mapping = Mapping::of_file(&memory).map_err(ClientError::Map)?;
        Ok(Self { stream, id, memory, mapping, doorbell: doorbell.into(), interrupt: interrupt.into() })
    }

    /// The client's number: what the device's `IVPosition` register says.
    pub fn id(&self) -> u16 {
        self.id
    }

    /// The shared memory: what the device's BAR2 shows.
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// The shared memory's file.
    pub fn memory(&self) -> &File {
        &self.memory
    }

    /// Rings the host: what a store to the device's `Doorbell` register does.
    pub fn ring_doorbell(&self) {
        ring(&self.doorbell);
    }

    /// Waits for an interrupt: what the device makes a message of.
    pub fn wait_interrupt(&self, timeout: Duration) -> Wake {
        wait(&self.interrupt, timeout)
    }

    /// The connection: the server closes it, or ends.
    pub fn connection(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// One message, with the descriptor that came with its first byte.
fn receive(stream: &UnixStream) -> io::Result<(i64, Option<OwnedFd>)> {
    let mut bytes = [0; 8];
    let mut descriptor = None;
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received = recvmsg(stream, &mut [IoSliceMut::new(rest)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
        if received.bytes == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(mut rights) = message {
                descriptor = rights.next();
            }
        }
        filled += received.bytes;
    }
    Ok((i64::from_le_bytes(bytes), descriptor))
}
