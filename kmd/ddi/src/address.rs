//! A pointer or handle inside plain data.

use core::ffi::c_void;

use bytemuck::{Pod, Zeroable};

/// A pointer or handle as it lies in memory: eight bytes.
///
/// Blocks that stand for unions are plain data, which raw pointers are not; an address is. It is made from a pointer whose
/// provenance is exposed, and gives such a pointer back.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Pod, Zeroable)]
pub struct Address(pub u64);

impl Address {
    /// Null.
    pub const NULL: Self = Self(0);

    /// The address of `pointer`.
    #[must_use]
    pub fn of<T>(pointer: *const T) -> Self {
        // CAST: pointers have 64 bits on x64.
        Self(pointer.expose_provenance() as u64)
    }

    /// The pointer.
    #[must_use]
    pub fn get<T>(self) -> *mut T {
        // CAST: addresses have 64 bits on x64.
        core::ptr::with_exposed_provenance_mut(self.0 as usize)
    }

    /// The handle.
    #[must_use]
    pub fn handle(self) -> *mut c_void {
        self.get()
    }

    /// Whether it is null.
    #[must_use]
    pub const fn is_null(self) -> bool {
        self.0 == 0
    }
}
