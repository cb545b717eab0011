//! Everything that happens to a driver.
//!
//! A scenario is a function that any failure may end early: it returns what the driver refused, and leaves what it has made
//! to the system's end, as programs do. So the same function is a test, and what the failure sweep runs.

mod display;
mod hostile;
mod life;
mod link;
mod paging;
mod sharing;
mod work;

use pvgpu_dxgkrnl::strict::{DeviceKind, Options};

use crate::rig::Scenario;
pub use sharing::frames;

/// All of them.
pub const ALL: &[&[Scenario]] =
    &[life::ALL, work::ALL, sharing::ALL, hostile::ALL, display::ALL, paging::ALL];

/// Those that are too long for the sweep, or whose calls are not the same in each run.
pub const LONG: &[&[Scenario]] = &[display::LONG, link::ALL];

/// A root device with everything that is checked.
pub fn root() -> Options {
    Options::default()
}

/// A PCI device with message-signalled interrupts.
pub fn pci_message() -> Options {
    Options { device: DeviceKind::PciMessage, ..Options::default() }
}

/// A PCI device with a line interrupt.
pub fn pci_line() -> Options {
    Options { device: DeviceKind::PciLine, ..Options::default() }
}
