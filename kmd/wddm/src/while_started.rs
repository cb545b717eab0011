//! A place for what exists only between StartDevice and StopDevice, readable at any IRQL without a lock.
#![expect(
    unsafe_code,
    reason = "the place is written while others may look at it, under the rules stated here"
)]

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicBool, Ordering};

/// Holds a value, or nothing.
///
/// dxgkrnl calls StartDevice and StopDevice while it makes no other call, and StopDevice waits until neither the interrupt
/// routine nor a DPC of ours runs; whoever else looks finds the value complete or not at all.
pub(crate) struct WhileStarted<T> {
    there: AtomicBool,
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: it gives out shared references and moves values in and out, as a lock does.
unsafe impl<T: Send + Sync> Sync for WhileStarted<T> {}

impl<T> WhileStarted<T> {
    /// Nothing.
    pub(crate) const fn new() -> Self {
        Self { there: AtomicBool::new(false), value: UnsafeCell::new(MaybeUninit::uninit()) }
    }

    /// The value. Any IRQL.
    pub(crate) fn get(&self) -> Option<&T> {
        if !self.there.load(Ordering::Acquire) {
            return None;
        }
        // SAFETY: nobody writes the place while anybody looks (the contracts of `put` and `take`).
        let place = unsafe { &*self.value.get() };
        // SAFETY: the flag says that the value is there.
        Some(unsafe { place.assume_init_ref() })
    }

    /// Puts the value there; one that is there already is dropped. `PASSIVE_LEVEL`.
    ///
    /// # Safety
    /// Nobody has a reference from [`WhileStarted::get`], and nobody else calls `put` or `take` meanwhile.
    pub(crate) unsafe fn put(&self, value: T) {
        // SAFETY: the caller's promise.
        drop(unsafe { self.take() });
        // SAFETY: nobody looks: the flag is not set, and the caller says that no reference is left.
        unsafe { &mut *self.value.get() }.write(value);
        self.there.store(true, Ordering::Release);
    }

    /// Takes the value away again. `PASSIVE_LEVEL`.
    ///
    /// # Safety
    /// As for [`WhileStarted::put`].
    pub(crate) unsafe fn take(&self) -> Option<T> {
        if !self.there.swap(false, Ordering::AcqRel) {
            return None;
        }
        // SAFETY: nobody looks, says the caller.
        let place = unsafe { &*self.value.get() };
        // SAFETY: the flag said that the value was there, and it is not any more, so it is moved out once.
        Some(unsafe { place.assume_init_read() })
    }
}

impl<T: Copy> WhileStarted<T> {
    /// From now on there is nothing, except for those who look already. Any IRQL.
    pub(crate) fn hide(&self) {
        self.there.store(false, Ordering::Release);
    }
}

impl<T> Drop for WhileStarted<T> {
    fn drop(&mut self) {
        // SAFETY: this is the only reference.
        drop(unsafe { self.take() });
    }
}
