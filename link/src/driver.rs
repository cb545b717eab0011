//! What the loop needs of the system: the driver's adapter, and a device of this process on it.
#![expect(unsafe_code, reason = "what a device promises is about memory")]

use std::fmt;
use std::time::Duration;

use pvgpu_thunks::{NtStatus, ThunkError};

use crate::requests::LinkEscapes;

/// The installed driver.
pub trait Driver {
    /// A device on its adapter.
    type Device: Device;

    /// Opens the `ROOT\PVGPU` adapter and makes a device of this process on it.
    ///
    /// # Errors
    /// [`DriverError`] says what is missing.
    fn open(&self) -> Result<Self::Device, DriverError>;
}

/// A device of this process on the driver's adapter, and the event that the driver is to set. Dropping it ends the device.
///
/// # Safety
/// An escape reaches the driver of one and the same device unchanged, and its answer comes back unchanged. The memory that a
/// successful `ATTACH_LINK` names stays mapped and writable in this process, as memory that nothing else in it uses, until
/// `DETACH_LINK` is sent through the same device or the device is dropped.
pub unsafe trait Device: LinkEscapes<Error = NtStatus> + Send + Sync + 'static {
    /// The event's handle, as the driver is to be given it.
    fn event(&self) -> u64;

    /// Waits until the driver, or [`Device::wake`], sets the event, and takes it back; false when the time is over.
    fn wait(&self, timeout: Duration) -> bool;

    /// Ends the wait of another thread, or the next one.
    fn wake(&self);
}

/// Why there is no adapter to carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DriverError {
    /// Display drivers cannot be asked, or one did not answer.
    Thunks(ThunkError),
    /// No adapter uses the pvgpu driver.
    NotInstalled {
        /// How many others there are.
        others: usize,
    },
    /// There are pvgpu adapters, and all are ivshmem devices, which have a host of their own.
    NoLinkNeeded,
    /// The driver does not understand this program, or the other way round.
    OtherPackage,
    /// The system gives no event.
    Event {
        /// Its error code.
        code: u32,
    },
}

impl fmt::Display for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Thunks(error @ (ThunkError::Library { .. } | ThunkError::Export { .. })) => {
                write!(f, "there is no pvgpu driver that could be asked: {error}")
            }
            Self::Thunks(error) => write!(f, "the pvgpu driver does not answer: {error}"),
            Self::NotInstalled { others: 0 } => f.write_str(
                "there is no pvgpu driver: this machine shows no display adapter at all; install it with `pvgpu-ctl install`",
            ),
            Self::NotInstalled { others } => write!(
                f,
                "there is no pvgpu driver: none of this machine's display adapters ({others}) uses it; install it with `pvgpu-ctl install`"
            ),
            Self::NoLinkNeeded => f.write_str(
                r"the pvgpu adapter of this machine is an ivshmem device, which reaches its host without a link; a link is for ROOT\PVGPU (`pvgpu-ctl install --device root`)",
            ),
            Self::OtherPackage => {
                f.write_str("the driver does not understand this program: they are not of one package")
            }
            Self::Event { code } => write!(f, "the system gives no event (error {code})"),
        }
    }
}

impl std::error::Error for DriverError {}

impl From<ThunkError> for DriverError {
    fn from(error: ThunkError) -> Self {
        Self::Thunks(error)
    }
}
