//! An allocator that counts: how much memory a piece of work held at most.
//!
//! A test program that wants the figures makes [`Counting`] its global allocator. The counts are of one thread each, so
//! that tests which run beside each other do not see each other's memory.
#![expect(unsafe_code, reason = "a global allocator is an unsafe interface")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    // Constant and without a destructor, so that the allocator may use them at any time.
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

/// The system's allocator, with counts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counting;

fn count(change: isize) {
    // Memory that another thread allocated may be freed here: the count may be below zero.
    let held = HELD.get().wrapping_add(change);
    HELD.set(held);
    if held > PEAK.get() {
        PEAK.set(held);
    }
}

fn bytes(size: usize) -> isize {
    // CAST: no layout is above isize::MAX.
    size as isize
}

// SAFETY: every call is passed to the system's allocator as it is; the counts touch no memory that it manages.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(bytes(layout.size()));
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(bytes(layout.size()));
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-bytes(layout.size()));
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // While it moves, both blocks are held.
        count(bytes(size));
        // SAFETY: the caller keeps the contract, which is the same.
        let moved = unsafe { System.realloc(pointer, layout, size) };
        count(-bytes(layout.size()));
        moved
    }
}

/// Runs `work` and returns its result with the most bytes that it held at once on this thread; 0 where [`Counting`]
/// is not the allocator.
pub fn peak<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.get();
    PEAK.set(before);
    let result = work();
    (result, PEAK.get().wrapping_sub(before).unsigned_abs())
}
