//! Between the core's plain arguments and the DDI's: results, handles, pointers with lengths.
#![expect(unsafe_code, reason = "the DDI passes pointers with lengths")]

use core::ffi::c_void;
use core::slice;

use pvgpu_kmd::Status;
use pvgpu_kmd_ddi::{HANDLE, NTSTATUS, STATUS_SUCCESS};

/// What dxgkrnl gets for a result of the core.
pub(crate) fn ntstatus(result: Result<(), Status>) -> NTSTATUS {
    match result {
        Ok(()) => STATUS_SUCCESS,
        Err(status) => status.to_ntstatus().0.cast_signed(),
    }
}

/// What dxgkrnl gets for a result with a status of its own.
pub(crate) fn status_of(result: Result<(), NTSTATUS>) -> NTSTATUS {
    result.err().unwrap_or(STATUS_SUCCESS)
}

/// An error of the core as dxgkrnl's.
pub(crate) fn error(status: Status) -> NTSTATUS {
    status.to_ntstatus().0.cast_signed()
}

/// A number of the core's as a handle: nothing is behind it.
pub(crate) fn handle_of(number: u64) -> HANDLE {
    // CAST: pointers have 64 bits.
    core::ptr::without_provenance_mut(number as usize)
}

/// The number behind such a handle.
pub(crate) fn number_of(handle: HANDLE) -> u64 {
    // CAST: pointers have 64 bits.
    handle.addr() as u64
}

/// The argument block of a call; `None` for null.
///
/// # Safety
/// `argument` is null or points to a block that is the call's alone until it returns.
pub(crate) unsafe fn argument<'a, T>(argument: *mut T) -> Option<&'a mut T> {
    // SAFETY: the caller's promise.
    unsafe { argument.as_mut() }
}

/// An array that the call may read; empty when there are no elements, `None` for a null pointer to some.
///
/// # Safety
/// `first` is null or points to `count` elements that nobody writes until the call returns.
pub(crate) unsafe fn array<'a, T>(first: *const T, count: u32) -> Option<&'a [T]> {
    match (count, first.is_null()) {
        (0, _) => Some(&[]),
        (_, true) => None,
        // SAFETY: the caller's promise.
        (count, false) => Some(unsafe { slice::from_raw_parts(first, count as usize) }),
    }
}

/// An array that the call may write; otherwise as [`array`].
///
/// # Safety
/// `first` is null or points to `count` elements that are the call's alone until it returns.
pub(crate) unsafe fn array_mut<'a, T>(first: *mut T, count: u32) -> Option<&'a mut [T]> {
    match (count, first.is_null()) {
        (0, _) => Some(&mut []),
        (_, true) => None,
        // SAFETY: the caller's promise.
        (count, false) => Some(unsafe { slice::from_raw_parts_mut(first, count as usize) }),
    }
}

/// Bytes that the call may read; otherwise as [`array`].
///
/// # Safety
/// As for [`array`].
pub(crate) unsafe fn bytes<'a>(first: *const c_void, count: u32) -> Option<&'a [u8]> {
    // SAFETY: the caller's promise.
    unsafe { array(first.cast(), count) }
}

/// Bytes that the call may write; otherwise as [`array_mut`].
///
/// # Safety
/// As for [`array_mut`].
pub(crate) unsafe fn bytes_mut<'a>(first: *mut c_void, count: u32) -> Option<&'a mut [u8]> {
    // SAFETY: the caller's promise.
    unsafe { array_mut(first.cast(), count) }
}
