//! The event that a sleeper in an escape waits for: a `KEVENT` with several owners.
#![expect(unsafe_code, reason = "NT's event functions take pointers")]

use core::cell::UnsafeCell;
use core::marker::PhantomData;
use core::ptr::from_ref;

use pvgpu_kmd::{Event, Status};

use crate::memory::Shared;
use crate::nt::Nt;
use pvgpu_kmd_ddi::{KEVENT, STATUS_SUCCESS};

/// `NotificationEvent`: once set, it stays set.
const NOTIFICATION_EVENT: i32 = 0;
/// `Executive`.
const EXECUTIVE: i32 = 0;
/// `KernelMode`.
const KERNEL_MODE: i8 = 0;
/// 100 ns in a millisecond.
const TICKS_PER_MS: i64 = 10_000;

/// A `KEVENT`; NT synchronises it.
struct Storage(UnsafeCell<KEVENT>);

// SAFETY: only NT looks into it, from any processor.
unsafe impl Send for Storage {}
// SAFETY: as above.
unsafe impl Sync for Storage {}

/// A notification event.
pub struct NtEvent<N> {
    event: Shared<Storage>,
    nt: PhantomData<fn() -> N>,
}

impl<N: Nt> NtEvent<N> {
    /// An event that is not set. IRQL ≤ `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// [`Status::NoMemory`].
    pub(crate) fn new() -> Result<Self, Status> {
        let event = Shared::try_new(Storage(UnsafeCell::new(KEVENT::default())))?;
        // SAFETY: storage for an event in non-paged memory, at its final place.
        unsafe { N::KeInitializeEvent(event.0.get(), NOTIFICATION_EVENT, 0) };
        Ok(Self { event, nt: PhantomData })
    }
}

impl<N> Clone for NtEvent<N> {
    fn clone(&self) -> Self {
        Self { event: self.event.clone(), nt: PhantomData }
    }
}

impl<N: Nt> Event for NtEvent<N> {
    fn set(&self) {
        // SAFETY: an event that lives as long as `self`.
        unsafe { N::KeSetEvent(self.event.0.get(), 0, 0) };
    }

    fn wait(&self, timeout_ms: u32) -> bool {
        let timeout = -i64::from(timeout_ms) * TICKS_PER_MS;
        // SAFETY: an event that lives as long as `self`, and a readable time.
        let status = unsafe {
            N::KeWaitForSingleObject(self.event.0.get().cast(), EXECUTIVE, KERNEL_MODE, 0, from_ref(&timeout))
        };
        status == STATUS_SUCCESS
    }
}
