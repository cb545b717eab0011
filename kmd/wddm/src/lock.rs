//! The spin lock: a `KSPIN_LOCK` around a value.
#![expect(unsafe_code, reason = "NT's lock functions take pointers, and the lock's value is in a cell")]

use core::cell::UnsafeCell;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

use pvgpu_kmd::SpinLock;

use crate::nt::Nt;
use pvgpu_kmd_ddi::{KIRQL, KSPIN_LOCK};

/// A value behind a `KSPIN_LOCK`, at `DISPATCH_LEVEL` while it is locked.
pub struct NtSpinLock<N, T> {
    lock: UnsafeCell<KSPIN_LOCK>,
    value: UnsafeCell<T>,
    nt: PhantomData<fn() -> N>,
}

// SAFETY: the value goes with the lock.
unsafe impl<N, T: Send> Send for NtSpinLock<N, T> {}
// SAFETY: only the holder of the lock reaches the value.
unsafe impl<N, T: Send> Sync for NtSpinLock<N, T> {}

/// The lock is held as long as this lives.
pub struct NtSpinLockGuard<'a, N: Nt, T> {
    lock: &'a NtSpinLock<N, T>,
    before: KIRQL,
    /// A guard is dropped by the thread that took the lock: lowering the IRQL is the processor's business.
    thread: PhantomData<*const ()>,
}

impl<N: Nt, T: Send> SpinLock<T> for NtSpinLock<N, T> {
    fn new(value: T) -> Self {
        // A free lock is 0 (`KeInitializeSpinLock` is inline and writes that).
        Self { lock: UnsafeCell::new(0), value: UnsafeCell::new(value), nt: PhantomData }
    }

    fn lock(&self) -> impl DerefMut<Target = T> {
        self.guard()
    }
}

impl<N: Nt, T> NtSpinLock<N, T> {
    /// Waits for the lock. IRQL ≤ `DISPATCH_LEVEL`; never taken twice by one thread.
    fn guard(&self) -> NtSpinLockGuard<'_, N, T> {
        // SAFETY: a spin lock in non-paged memory (all our memory is); the core never takes a lock twice.
        let before = unsafe { N::KeAcquireSpinLockRaiseToDpc(self.lock.get()) };
        NtSpinLockGuard { lock: self, before, thread: PhantomData }
    }
}

impl<N: Nt, T> Deref for NtSpinLockGuard<'_, N, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the guard's owner holds the lock.
        unsafe { &*self.lock.value.get() }
    }
}

impl<N: Nt, T> DerefMut for NtSpinLockGuard<'_, N, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard's owner holds the lock, and the guard is borrowed mutably.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<N: Nt, T> Drop for NtSpinLockGuard<'_, N, T> {
    fn drop(&mut self) {
        // SAFETY: this thread took the lock, at this IRQL, when it made the guard.
        unsafe { N::KeReleaseSpinLock(self.lock.lock.get(), self.before) };
    }
}
