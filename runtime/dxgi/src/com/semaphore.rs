//! The frame-latency waitable object: a semaphore that counts frames the application may start.

#![expect(unsafe_code, reason = "Win32 has no safe interface")]

use windows::Win32::Foundation::{
    CloseHandle, DUPLICATE_SAME_ACCESS, DuplicateHandle, HANDLE, WAIT_OBJECT_0,
};
use windows::Win32::System::Threading::{
    CreateSemaphoreW, GetCurrentProcess, ReleaseSemaphore, WaitForSingleObject,
};
use windows_core::{PCWSTR, Result};

use crate::rules::present::MAX_LATENCY;

/// A semaphore of this process.
pub struct Semaphore(HANDLE);

// SAFETY: a semaphore's handle may be used by any thread.
unsafe impl Send for Semaphore {}
// SAFETY: as above; its operations are atomic.
unsafe impl Sync for Semaphore {}

impl Semaphore {
    /// A semaphore whose count is `initial`.
    ///
    /// # Errors
    /// What Win32 reports.
    pub fn new(initial: u32) -> Result<Self> {
        let count = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
        // SAFETY: no pointers are passed.
        unsafe { CreateSemaphoreW(None, count(initial), count(MAX_LATENCY), PCWSTR::null()) }.map(Self)
    }

    /// Raises the count. At the largest latency it stays as it is.
    pub fn raise(&self, by: u32) {
        if let Ok(by @ 1..) = i32::try_from(by) {
            // SAFETY: the handle is live. A count at its limit is no error of ours.
            let _at_limit = unsafe { ReleaseSemaphore(self.0, by, None) };
        }
    }

    /// Lowers the count, as far as nobody else has.
    pub fn lower(&self, by: u32) {
        // SAFETY: the handle is live; a time-out of 0 never blocks.
        (0..by).any(|_| unsafe { WaitForSingleObject(self.0, 0) } != WAIT_OBJECT_0);
    }

    /// Another handle to the semaphore, which the caller closes.
    ///
    /// # Errors
    /// What Win32 reports.
    pub fn duplicate(&self) -> Result<HANDLE> {
        let mut handle = HANDLE::default();
        // SAFETY: gives a constant that means this process.
        let process = unsafe { GetCurrentProcess() };
        // SAFETY: the handle is live and `handle` is valid for writing.
        unsafe { DuplicateHandle(process, self.0, process, &mut handle, 0, false, DUPLICATE_SAME_ACCESS) }?;
        Ok(handle)
    }
}

impl Drop for Semaphore {
    fn drop(&mut self) {
        // SAFETY: the handle is ours and is used no more.
        let _closed = unsafe { CloseHandle(self.0) };
    }
}
