//! Memory that the runtime gives the driver for its side of an object.

use core::ffi::c_void;

/// Memory for one driver object, zeroed, aligned to 16 bytes, at an address that never changes.
#[derive(Debug)]
pub struct DriverMemory {
    // `u128` gives the alignment.
    cells: Box<[u128]>,
}

impl DriverMemory {
    /// Memory of at least `bytes` (and never of none, so that the address is the object's own).
    pub fn new(bytes: usize) -> Self {
        Self { cells: vec![0; bytes.div_ceil(size_of::<u128>()).max(1)].into_boxed_slice() }
    }

    /// The address, which is the driver's handle.
    pub fn address(&mut self) -> *mut c_void {
        self.cells.as_mut_ptr().cast()
    }
}
