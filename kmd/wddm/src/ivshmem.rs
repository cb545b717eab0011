//! The registers of QEMU's ivshmem device (BAR0; docs/specs/ivshmem-spec in QEMU).
//!
//! The device lets its peers interrupt one another: a store to the doorbell register names the peer and one of its vectors.
//! Which peer the host is, the host says in the control page when it answers; which one this guest is, the hello says.
#![expect(unsafe_code, reason = "registers are memory that is not Rust's")]

use core::ptr::NonNull;

/// Bytes of the registers that are used.
pub(crate) const REGISTER_BYTES: u32 = 16;

/// Mask of the line interrupt: 1 lets it through.
const INTR_MASK: usize = 0;
/// State of the line interrupt; reading it clears it.
const INTR_STATUS: usize = 1;
/// This machine's number among the peers; negative while the device has none.
const IV_POSITION: usize = 2;
/// A store interrupts a peer: its number in the upper half, the vector in the lower.
const DOORBELL: usize = 3;

/// The mapped registers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Registers {
    base: NonNull<u32>,
}

// SAFETY: device registers can be used from any processor.
unsafe impl Send for Registers {}
// SAFETY: as above; each access is one load or store.
unsafe impl Sync for Registers {}

impl Registers {
    /// Registers that are mapped at `base`.
    ///
    /// # Safety
    /// [`REGISTER_BYTES`] are mapped there as long as the value or a copy is used.
    pub(crate) const unsafe fn new(base: NonNull<u32>) -> Self {
        Self { base }
    }

    /// Where they are mapped.
    pub(crate) const fn base(self) -> NonNull<u32> {
        self.base
    }

    fn read(self, register: usize) -> u32 {
        // SAFETY: one of the four registers.
        let place = unsafe { self.base.add(register) };
        // SAFETY: mapped (the contract of `new`) and aligned.
        unsafe { place.read_volatile() }
    }

    fn write(self, register: usize, value: u32) {
        // SAFETY: one of the four registers.
        let place = unsafe { self.base.add(register) };
        // SAFETY: mapped (the contract of `new`) and aligned.
        unsafe { place.write_volatile(value) };
    }

    /// Whether the line interrupt is this device's; if so it is taken back. Any IRQL.
    pub(crate) fn take_interrupt(self) -> bool {
        // A device that is gone reads as all ones, and interrupts nobody.
        !matches!(self.read(INTR_STATUS), 0 | u32::MAX)
    }

    /// Lets the line interrupt through, or not. Any IRQL.
    pub(crate) fn enable_interrupt(self, enable: bool) {
        self.write(INTR_MASK, if enable { u32::MAX } else { 0 });
    }

    /// This machine's number among the peers, if it has one. Any IRQL.
    pub(crate) fn position(self) -> Option<u32> {
        let position = self.read(IV_POSITION);
        (position <= u32::from(u16::MAX)).then_some(position)
    }

    /// Interrupts a peer. Any IRQL.
    pub(crate) fn ring(self, value: u32) {
        self.write(DOORBELL, value);
    }
}
