//! Where guests come from: the link, by its carrier.

use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::Arc;

use pvgpu_transport::Link;
use pvgpu_transport::ivshmem::Vm;
use pvgpu_transport::shm::HostListener;
use rustix::event::Timespec;

use super::aperture::Aperture;
use super::ivshmem::Machines;
use super::network::Network;
use super::{Pairings, ServeError};

/// The supervisor looks around at least this often.
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 500_000_000 };

/// Finds guests.
pub enum Source {
    /// In the folder of a shared-memory link.
    Shm(HostListener),
    /// In the memories of virtual machines.
    Ivshmem(Machines),
    /// From other machines.
    Network(Network),
}

impl Source {
    /// Begins to serve the link; a virtual machine's aperture will have `aperture_bytes`.
    ///
    /// # Errors
    /// [`ServeError`] says why not.
    pub fn bind(link: &Link, aperture_bytes: u64, trust_link: bool) -> Result<Self, ServeError> {
        match link {
            Link::Ivshmem(socket) => {
                Machines::bind(socket, aperture_bytes).map(Self::Ivshmem).map_err(ServeError::Ivshmem)
            }
            Link::Tcp(_) | Link::Thunderbolt | Link::Tbstream(_) => {
                Network::bind(link, trust_link).map(Self::Network)
            }
            Link::Shm(_) => HostListener::bind(link).map(Self::Shm).map_err(ServeError::Listen),
        }
    }

    /// Where machines are paired, if they are at all.
    pub fn pairings(&self) -> Option<Pairings> {
        match self {
            Self::Shm(_) | Self::Ivshmem(_) => None,
            Self::Network(network) => network.pairings(),
        }
    }

    /// The folder for the control socket; it belongs to this user alone, and is this process's while it serves.
    pub fn folder(&self) -> &Path {
        match self {
            Self::Shm(listener) => listener.folder(),
            Self::Ivshmem(machines) => machines.folder(),
            Self::Network(network) => network.folder(),
        }
    }

    /// One of them becomes readable when somebody has come or gone.
    pub fn fds(&self) -> Vec<BorrowedFd<'_>> {
        match self {
            Self::Shm(listener) => vec![listener.as_fd()],
            Self::Ivshmem(machines) => machines.fds(),
            Self::Network(network) => network.fds(),
        }
    }

    /// How long the supervisor may wait for them.
    pub fn tick(&self) -> Timespec {
        match self {
            Self::Shm(_) | Self::Network(_) => TICK,
            Self::Ivshmem(machines) => machines.tick().unwrap_or(TICK),
        }
    }

    /// Virtual machines that have left since the last call while they were served.
    pub fn departed(&mut self) -> Vec<Arc<Vm>> {
        match self {
            Self::Shm(_) | Self::Network(_) => Vec::new(),
            Self::Ivshmem(machines) => machines.turn(),
        }
    }

    /// The next guest that wants to be served, without waiting.
    ///
    /// # Errors
    /// [`ServeError::Listen`] when the link has gone.
    pub fn next_guest(&mut self) -> Result<Option<Aperture>, ServeError> {
        match self {
            Self::Shm(listener) => Ok(listener.next_guest().map_err(ServeError::Listen)?.map(Aperture::Shm)),
            Self::Ivshmem(machines) => Ok(machines.next_guest().map(Aperture::Ivshmem)),
            Self::Network(network) => match network.next_guest() {
                Some(remote) => Ok(Some(Aperture::Remote(Box::new(remote)))),
                None => {
                    let local = network.local().next_guest().map_err(ServeError::Listen)?;
                    Ok(local.map(Aperture::Shm))
                }
            },
        }
    }

    /// Nobody serves this guest any more.
    pub fn forget(&mut self, guest: &Aperture) {
        match (self, guest) {
            (Self::Shm(listener), Aperture::Shm(file)) => listener.forget(file),
            (Self::Ivshmem(machines), Aperture::Ivshmem(vm)) => machines.forget(vm),
            (Self::Network(network), Aperture::Shm(file)) => network.local().forget(file),
            // A guest of another machine leaves nothing here; the rest is not reached: a source gives apertures of its own kind.
            (Self::Shm(_) | Self::Ivshmem(_) | Self::Network(_), _) => {}
        }
    }
}
