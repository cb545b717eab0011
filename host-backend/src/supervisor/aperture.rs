//! A guest's aperture as the supervisor reaches it: as a file, whatever carries it.

use std::sync::Arc;

use pvgpu_transport::CellFile;
use pvgpu_transport::ivshmem::Vm;
use pvgpu_transport::shm::ApertureFile;

use super::network::Remote;

/// An aperture, by its carrier.
#[derive(Debug)]
pub enum Aperture {
    /// A file that a process of this machine has made.
    Shm(ApertureFile),
    /// The memory of a virtual machine.
    Ivshmem(Arc<Vm>),
    /// On another machine; what its worker has is a copy that nobody else sees.
    Remote(Box<Remote>),
}

impl Aperture {
    /// The guest's name.
    pub fn name(&self) -> String {
        match self {
            Self::Shm(file) => file.name(),
            Self::Ivshmem(vm) => vm.name(),
            Self::Remote(remote) => remote.name().to_owned(),
        }
    }

    /// What stands in it; none if only its worker sees that.
    pub fn cells(&self) -> Option<&CellFile> {
        match self {
            Self::Shm(file) => Some(file.cells()),
            Self::Ivshmem(vm) => Some(vm.cells()),
            Self::Remote(_) => None,
        }
    }

    /// Whether it is the memory of this virtual machine.
    pub fn is_of(&self, machine: &Arc<Vm>) -> bool {
        matches!(self, Self::Ivshmem(vm) if Arc::ptr_eq(vm, machine))
    }
}
