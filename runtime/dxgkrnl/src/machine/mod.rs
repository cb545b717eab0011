//! The machine under Windows: what the driver's device is made of.

mod root;
mod strict;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use pvgpu_transport::shm::Wake;
pub(crate) use root::RootMachine;
pub use strict::DeviceKind;
pub(crate) use strict::StrictMachine;

use pvgpu_transport::Mapping;

use crate::nt::Pages;

/// An ivshmem device that is really there, for whoever can reach one: a process that drives it through VFIO. The model runs the
/// driver on it in place of a device of its own.
pub trait PciDevice: fmt::Debug + Send + Sync {
    /// BAR0, with the registers.
    fn registers(&self) -> &Mapping;

    /// BAR2, with the aperture.
    fn aperture(&self) -> &Mapping;

    /// Sleeps until the device's message 0 comes, somebody calls [`PciDevice::wake`], or the time is over (`None`: never). Messages
    /// that came before count.
    fn wait(&self, timeout: Option<Duration>) -> Wake;

    /// Ends the wait, or the next one, as if its time were over.
    fn wake(&self);
}

/// A device and the memory that belongs to it.
pub(crate) trait Machine: fmt::Debug + Send + Sync {
    /// Sleeps until the device wants something, somebody calls [`Machine::wake`], or the time is over (`None`: never).
    /// Called by the system's processor only.
    fn wait(&self, timeout: Option<Duration>) -> Wake;

    /// Ends the wait, or the next one, as if its time were over.
    fn wake(&self);

    /// Whether the connection that the link service has now is over, after [`Wake::Gone`]: the one of a service before may have been.
    fn is_hung_up(&self) -> bool {
        true
    }

    /// Physical pages of exactly so many bytes that belong to the machine; `None` lets the system take its own.
    fn pages(&self, bytes: usize) -> Option<Arc<Pages>>;

    /// The driver gave those pages back: they may be given out again.
    fn pages_freed(&self) {}

    /// The driver's interrupt routine has run.
    fn interrupt_taken(&self) {}

    /// Device memory at a physical address.
    fn io_space(&self, physical: u64, bytes: usize) -> Option<Arc<Pages>>;
}
