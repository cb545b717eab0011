//! What a client of the server gets: memory and doorbells; and the port of the worker that serves it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

use crate::cell_file::CellFile;
use crate::mapping::{MapError, Mapping};
use crate::shm::Wake;

/// A virtual machine: one connected client.
#[derive(Debug)]
pub struct Vm {
    id: u16,
    process: Option<u32>,
    memory: CellFile,
    doorbell: OwnedFd,
    interrupt: OwnedFd,
}

impl Vm {
    /// Memory of so many zero bytes and two eventfds, for client `id` of that process.
    ///
    /// # Errors
    /// What the system said.
    pub(super) fn new(id: u16, process: Option<u32>, bytes: u64) -> io::Result<Self> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let memory = File::from(memfd_create(format!("pvgpu-vm-{id}"), flags)?);
        memory.set_len(bytes)?;
        // QEMU has the same file: cut short by it, the memory would crash the worker that maps it.
        fcntl_add_seals(&memory, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        let bell = || eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
        Ok(Self { id, process, memory: CellFile::new(memory), doorbell: bell()?, interrupt: bell()? })
    }

    /// Its number among the peers, from 1: what its `IVPosition` register says.
    pub fn id(&self) -> u16 {
        self.id
    }

    /// Its name: `vm-` and its number.
    pub fn name(&self) -> String {
        format!("vm-{}", self.id)
    }

    /// The process that connected, which is QEMU's where no other forwards the socket.
    pub fn process(&self) -> Option<u32> {
        self.process
    }

    /// What stands in its memory.
    pub fn cells(&self) -> &CellFile {
        &self.memory
    }

    /// What a worker needs for a [`HostPort`]: memory, doorbell, interrupt.
    pub fn descriptors(&self) -> [BorrowedFd<'_>; 3] {
        [self.memory.as_file().as_fd(), self.doorbell.as_fd(), self.interrupt.as_fd()]
    }
}

/// A worker's port to its guest.
///
/// The eventfds are QEMU's, too, which can make their calls block or steal their rings: that stops this one guest's worker, which
/// its supervisor then notices.
#[derive(Debug)]
pub struct HostPort {
    mapping: Mapping,
    doorbell: File,
    interrupt: File,
}

impl HostPort {
    /// Maps the memory. The descriptors are those of [`Vm::descriptors`].
    ///
    /// # Errors
    /// [`MapError::Map`].
    pub fn new([memory, doorbell, interrupt]: [OwnedFd; 3]) -> Result<Self, MapError> {
        let mapping = Mapping::of_file(&File::from(memory))?;
        Ok(Self { mapping, doorbell: doorbell.into(), interrupt: interrupt.into() })
    }

    /// The aperture.
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// Interrupts the guest. A full counter means that it has plenty of interrupts to find.
    pub fn interrupt(&self) {
        ring(&self.interrupt);
    }

    /// Waits for the doorbell; rings that came before count, several count as one. That the guest is gone shows in its memory, or
    /// by the supervisor's word, and never here.
    pub fn wait_doorbell(&self, timeout: Duration) -> Wake {
        wait(&self.doorbell, timeout)
    }
}

/// Adds one ring to an eventfd.
pub(super) fn ring(mut eventfd: &File) {
    let _ = eventfd.write(&1u64.to_ne_bytes());
}

/// Waits until an eventfd was rung.
pub(super) fn wait(mut eventfd: &File, timeout: Duration) -> Wake {
    let Ok(timeout) = timeout.try_into() else { return Wake::Timeout };
    match poll(&mut [PollFd::new(eventfd, PollFlags::IN)], Some(&timeout)) {
        Ok(0) | Err(_) => return Wake::Timeout,
        Ok(_) => {}
    }
    match eventfd.read(&mut [0; 8]) {
        Ok(8..) => Wake::Rung,
        // Somebody else has taken the ring.
        Ok(_) | Err(_) => Wake::Timeout,
    }
}
