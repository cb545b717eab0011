//! Copies from and to the caller's memory, and the memory that is lent to the caller.

use std::ffi::c_void;
use std::sync::Arc;

use pvgpu_umd_ddi::{D3DDDI_ALLOCATIONLIST, D3DDDI_PATCHLOCATIONLIST, D3DKMT_HANDLE};

use super::CallError;
use crate::nt::process::Process;
use crate::port::device::UserCommand;

/// The most bytes of private data that one call may carry: more than any buffer of `pvgpu_protocol::kernel_interface`.
const MAX_PRIVATE_BYTES: usize = 64 * 1024;

/// Copies a caller's argument in.
///
/// # Safety
/// `from` is null or points to a readable `T`.
pub(super) unsafe fn read<T: Copy>(from: *const T) -> Result<T, CallError> {
    if from.is_null() {
        return Err(CallError::Argument);
    }
    // SAFETY: not null, and then readable by this function's contract; the copy needs no alignment.
    Ok(unsafe { from.read_unaligned() })
}

/// Copies an answer out.
///
/// # Safety
/// `to` is null or points to a writable `T`.
pub(super) unsafe fn write<T: Copy>(to: *mut T, value: T) -> Result<(), CallError> {
    if to.is_null() {
        return Err(CallError::Argument);
    }
    // SAFETY: not null, and then writable by this function's contract; the copy needs no alignment.
    unsafe { to.write_unaligned(value) };
    Ok(())
}

/// Copies an array in; none at all may be null.
///
/// # Safety
/// `from` is null or points to `count` readable `T`s.
pub(super) unsafe fn read_array<T: Copy>(from: *const T, count: usize) -> Result<Vec<T>, CallError> {
    if count == 0 {
        return Ok(Vec::new());
    }
    if from.is_null() || count > MAX_PRIVATE_BYTES {
        return Err(CallError::Argument);
    }
    (0..count)
        .map(|index| {
            let element = from.wrapping_add(index);
            // SAFETY: `index` is below `count`, and so many are readable by this function's contract.
            Ok(unsafe { element.read_unaligned() })
        })
        .collect()
}

/// Copies private data in.
///
/// # Safety
/// `from` is null or points to `bytes` readable bytes.
pub(super) unsafe fn read_private(from: *const c_void, bytes: u32) -> Result<Vec<u8>, CallError> {
    // SAFETY: this function's contract.
    unsafe { read_array(from.cast::<u8>(), bytes as usize) }
}

/// Copies private data back out to where it came from.
///
/// # Safety
/// `to` points to as many writable bytes as `data` has, unless `data` is empty.
pub(super) unsafe fn write_private(to: *mut c_void, data: &[u8]) {
    if !data.is_empty() {
        // SAFETY: the contract gives the room; `data` is a local copy, so the two do not overlap.
        unsafe { std::ptr::copy_nonoverlapping(data.as_ptr(), to.cast::<u8>(), data.len()) };
    }
}

/// Memory that a context lends to its user-mode driver: command buffer, allocation list, patch location list.
///
/// The driver writes it whenever it likes; this side only ever copies out of it.
pub(crate) struct UserBuffers {
    /// Whose memory they are.
    process: Arc<Process>,
    command: Lent<u64>,
    allocations: Lent<D3DDDI_ALLOCATIONLIST>,
    patches: Lent<D3DDDI_PATCHLOCATIONLIST>,
}

impl UserBuffers {
    /// A command buffer of so many bytes and lists of so many entries.
    pub(crate) fn new(
        process: &Arc<Process>,
        command_bytes: usize,
        allocations: usize,
        patches: usize,
    ) -> Self {
        let buffers = Self {
            process: process.clone(),
            command: Lent::new(command_bytes.div_ceil(8)),
            allocations: Lent::new(allocations),
            patches: Lent::new(patches),
        };
        // What the kernel-mode driver may read of it; the allocation list is read by dxgkrnl alone.
        process.add_memory(buffers.command.address(), buffers.command.count * 8);
        let patch_bytes = buffers.patches.count * size_of::<D3DDDI_PATCHLOCATIONLIST>();
        process.add_memory(buffers.patches.address(), patch_bytes);
        buffers
    }

    /// A part of the command buffer as the kernel-mode driver is told of it, with the list of patch locations.
    pub(super) fn user_command(
        &self,
        offset: u32,
        bytes: u32,
        patches: u32,
    ) -> Result<UserCommand, CallError> {
        let end = u64::from(offset) + u64::from(bytes);
        if end > self.command.count as u64 * 8 || patches as usize > self.patches.count {
            return Err(CallError::Argument);
        }
        Ok(UserCommand {
            command: self.command.address() + offset as usize,
            bytes,
            patches: self.patches.address(),
            patch_count: patches,
        })
    }

    /// Address and bytes of the command buffer.
    pub(super) fn command(&self) -> (*mut c_void, u32) {
        // CAST: sizes come from the driver's u32s.
        (self.command.first.cast(), (self.command.count * 8) as u32)
    }

    /// Address and entries of the allocation list.
    pub(super) fn allocations(&self) -> (*mut D3DDDI_ALLOCATIONLIST, u32) {
        (self.allocations.first, self.allocations.count as u32)
    }

    /// Address and entries of the patch location list.
    pub(super) fn patches(&self) -> (*mut D3DDDI_PATCHLOCATIONLIST, u32) {
        (self.patches.first, self.patches.count as u32)
    }

    /// Copies a part of the command buffer.
    pub(super) fn copy_command(&self, offset: u32, bytes: u32) -> Result<Vec<u8>, CallError> {
        let (offset, bytes) = (offset as usize, bytes as usize);
        let end = offset.checked_add(bytes).ok_or(CallError::Argument)?;
        if end > self.command.count * 8 {
            return Err(CallError::Argument);
        }
        let from = self.command.first.cast::<u8>().wrapping_add(offset);
        // SAFETY: the part lies in the buffer, checked above, which lives as long as `self`.
        unsafe { read_array(from, bytes) }
    }

    /// Copies the first entries of the allocation list: handles with their write flags.
    pub(super) fn copy_allocations(&self, count: u32) -> Result<Vec<(D3DKMT_HANDLE, bool)>, CallError> {
        let count = count as usize;
        if count > self.allocations.count {
            return Err(CallError::Argument);
        }
        // SAFETY: as many entries as the list has, checked above, and it lives as long as `self`.
        let entries = unsafe { read_array(self.allocations.first, count) }?;
        let write = |entry: &D3DDDI_ALLOCATIONLIST| entry.Value & D3DDDI_ALLOCATIONLIST::WriteOperation != 0;
        Ok(entries.iter().map(|entry| (entry.hAllocation, write(entry))).collect())
    }
}

impl Drop for UserBuffers {
    fn drop(&mut self) {
        self.process.remove_memory(self.command.address());
        self.process.remove_memory(self.patches.address());
    }
}

/// An array that somebody else may write through its address.
struct Lent<T> {
    first: *mut T,
    count: usize,
}

// SAFETY: the array is plain data that is only reached by copies; who lends it out answers for races on its content, as
// with any memory that user mode and kernel share.
unsafe impl<T: Copy + Send> Send for Lent<T> {}
// SAFETY: as for `Send`.
unsafe impl<T: Copy + Send> Sync for Lent<T> {}

impl<T: Default> Lent<T> {
    fn new(count: usize) -> Self {
        let array: Box<[T]> = (0..count).map(|_| T::default()).collect();
        Self { first: Box::into_raw(array).cast::<T>(), count }
    }

    fn address(&self) -> usize {
        self.first.expose_provenance()
    }
}

impl<T> Drop for Lent<T> {
    fn drop(&mut self) {
        let array = std::ptr::slice_from_raw_parts_mut(self.first, self.count);
        // SAFETY: `new` made this array of `count` elements with `Box::into_raw`, and nobody else frees it.
        drop(unsafe { Box::from_raw(array) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_parts_inside_the_buffer_are_copied() {
        let process = Arc::new(Process::new(8, false));
        let buffers = UserBuffers::new(&process, 16, 2, 1);
        let (command, bytes) = buffers.command();
        assert_eq!(bytes, 16);
        // SAFETY: a byte inside the buffer.
        unsafe { command.cast::<u8>().wrapping_add(9).write(7) };
        assert_eq!(buffers.copy_command(8, 8).ok(), Some(vec![0, 7, 0, 0, 0, 0, 0, 0]));
        assert_eq!(buffers.copy_command(16, 0).ok(), Some(vec![]));
        for (offset, bytes) in [(9, 8), (17, 0), (u32::MAX, 1), (0, 17), (u32::MAX, u32::MAX)] {
            assert!(buffers.copy_command(offset, bytes).is_err(), "{offset} {bytes}");
        }
        let entry = D3DDDI_ALLOCATIONLIST { hAllocation: 5, Value: D3DDDI_ALLOCATIONLIST::WriteOperation };
        // SAFETY: the second of two entries.
        unsafe { buffers.allocations().0.wrapping_add(1).write(entry) };
        assert_eq!(buffers.copy_allocations(2).ok(), Some(vec![(0, false), (5, true)]));
        assert!(buffers.copy_allocations(3).is_err());
    }
}
