//! Why an adapter is removed, in words.

use std::fmt;

use pvgpu_protocol::event::error_code;
use pvgpu_protocol::kernel_interface::{AdapterStatus, removal};

/// Why the host counts as gone: what the driver's `ADAPTER_STATUS` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removal {
    /// One of [`removal`].
    pub reason: u32,
    /// What the reason says of itself.
    pub detail: u64,
}

impl Removal {
    /// The removal that a status speaks of.
    pub(crate) fn of(status: &AdapterStatus) -> Self {
        Self { reason: status.removal, detail: status.removal_detail }
    }
}

impl fmt::Display for Removal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(removal::name(self.reason))?;
        match self.reason {
            removal::HOST_SAYS_GONE => write!(f, " (reason {})", self.detail),
            removal::KERNEL_RING_ERROR => {
                // CAST: the detail is a code, a u32.
                write!(f, ": {}", error_code::name(self.detail as u32))
            }
            _ => Ok(()),
        }
    }
}
