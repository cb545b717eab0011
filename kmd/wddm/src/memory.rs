//! Owned memory whose allocation may fail: a box, and a box with several owners.
//!
//! The standard library's `Box::new` and `Arc::new` end the program when there is no memory; a driver must answer
//! `STATUS_NO_MEMORY`. The memory is the global allocator's, which in the .sys is non-paged pool.
#![expect(unsafe_code, reason = "the stable allocation functions deal in pointers")]

use alloc::alloc::{alloc, dealloc};
use alloc::boxed::Box;
use core::alloc::Layout;
use core::ops::Deref;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering, fence};

use pvgpu_kmd::Status;

/// Memory for a `T`, with the value in it. IRQL ≤ `DISPATCH_LEVEL`.
fn place<T>(value: T) -> Result<NonNull<T>, Status> {
    const { assert!(size_of::<T>() != 0, "the allocator takes no empty layout") };
    // SAFETY: the layout is not empty.
    let memory = unsafe { alloc(Layout::new::<T>()) };
    let place = NonNull::new(memory.cast::<T>()).ok_or(Status::NoMemory)?;
    // SAFETY: fresh memory with the layout of a T.
    unsafe { place.write(value) };
    Ok(place)
}

/// A box around `value`. IRQL ≤ `DISPATCH_LEVEL`.
///
/// # Errors
/// [`Status::NoMemory`]; the value is dropped.
pub(crate) fn try_box<T>(value: T) -> Result<Box<T>, Status> {
    let place = place(value)?;
    // SAFETY: the global allocator's memory, with the layout of a T and a T in it, and nobody else has it.
    Ok(unsafe { Box::from_raw(place.as_ptr()) })
}

/// The count and the value.
struct Counted<T> {
    owners: AtomicUsize,
    value: T,
}

/// A value with several owners; the last one drops it.
pub(crate) struct Shared<T> {
    counted: NonNull<Counted<T>>,
}

// SAFETY: owners share the value and any of them may drop it, as with Arc.
unsafe impl<T: Send + Sync> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// The first owner of `value`. IRQL ≤ `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// [`Status::NoMemory`]; the value is dropped.
    pub(crate) fn try_new(value: T) -> Result<Self, Status> {
        Ok(Self { counted: place(Counted { owners: AtomicUsize::new(1), value })? })
    }

    fn counted(&self) -> &Counted<T> {
        // SAFETY: it lives as long as any owner.
        unsafe { self.counted.as_ref() }
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        // Whoever clones is an owner, so the count is not 0; it cannot overflow: every owner has memory of its own.
        self.counted().owners.fetch_add(1, Ordering::Relaxed);
        Self { counted: self.counted }
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.counted().value
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        if self.counted().owners.fetch_sub(1, Ordering::Release) != 1 {
            return;
        }
        // What the other owners did with the value comes before its end.
        fence(Ordering::Acquire);
        // SAFETY: this was the last owner, and nobody can become one.
        unsafe { self.counted.drop_in_place() };
        // SAFETY: the memory came from the allocator with this layout.
        unsafe { dealloc(self.counted.as_ptr().cast(), Layout::new::<Counted<T>>()) };
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use super::*;

    struct Tells(Arc<AtomicBool>);

    impl Drop for Tells {
        fn drop(&mut self) {
            assert!(!self.0.swap(true, Ordering::Relaxed), "dropped twice");
        }
    }

    #[test]
    fn the_last_owner_drops() {
        let dropped = Arc::new(AtomicBool::new(false));
        let first = Shared::try_new(Tells(dropped.clone())).expect("memory");
        let second = first.clone();
        drop(first);
        assert!(!dropped.load(Ordering::Relaxed));
        std::thread::spawn(move || drop(second)).join().expect("joined");
        assert!(dropped.load(Ordering::Relaxed));
    }

    #[test]
    fn a_box_is_a_box() {
        let dropped = Arc::new(AtomicBool::new(false));
        let boxed = try_box((Tells(dropped.clone()), 7u8)).expect("memory");
        assert_eq!(boxed.1, 7);
        drop(boxed);
        assert!(dropped.load(Ordering::Relaxed));
    }
}
