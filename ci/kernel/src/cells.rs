//! Memory that the driver mapped into a process of the model, as that process sees it.
#![expect(unsafe_code, reason = "the driver gives user mode an address")]

use pvgpu_ring::AtomicU64;

/// Cells at an address that an escape gave: a ring, a heap range, a fence line.
///
/// They may be used while the mapping stands, as a user-mode driver's pointers may; whoever unmaps them lets go of them before.
#[derive(Clone, Copy, Debug)]
pub struct Cells {
    address: usize,
    count: usize,
}

impl Cells {
    /// `bytes` at `address`, both multiples of 8.
    ///
    /// # Panics
    /// When they are not, or the address is null: the driver broke its promise.
    pub fn new(address: u64, bytes: u64) -> Self {
        assert!(address != 0 && address.is_multiple_of(8) && bytes.is_multiple_of(8), "{address:#x} {bytes}");
        // CAST: 64-bit machines only.
        Self { address: address as usize, count: (bytes / 8) as usize }
    }
}

impl AsRef<[AtomicU64]> for Cells {
    fn as_ref(&self) -> &[AtomicU64] {
        let first: *const AtomicU64 = std::ptr::with_exposed_provenance(self.address);
        // SAFETY: the driver mapped these bytes into this process and the mapping stands; atomics may be shared.
        unsafe { std::slice::from_raw_parts(first, self.count) }
    }
}
