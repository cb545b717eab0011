//! The device under the adapter: an ivshmem device, or none.

use crate::ivshmem::Registers;
use crate::resources::{Interrupt, MemoryRange};

/// An ivshmem device.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pci {
    /// BAR0.
    pub(crate) registers: Registers,
    /// BAR2.
    pub(crate) aperture: MemoryRange,
    /// How it interrupts.
    pub(crate) interrupt: Interrupt,
}

/// A device that PnP made up (`ROOT\PVGPU`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Root {
    /// Bytes of the aperture, which is memory of our own.
    pub(crate) aperture_bytes: u64,
}

/// The device.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Machine {
    /// On the PCI bus.
    Pci(Pci),
    /// Nowhere.
    Root(Root),
}
