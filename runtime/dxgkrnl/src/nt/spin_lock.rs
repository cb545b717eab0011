//! Spin locks. A thread that finds one taken spins a little and then sleeps: here its owner may be preempted.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::dispatcher::bucket;
use crate::irql::{self, Irql};
use crate::system;
use crate::verifier::Rule;

const FREE: usize = 0;
const HELD: usize = 1;
/// Held, and somebody sleeps until it is free.
const AWAITED: usize = 2;

/// Looks at a taken lock before sleeping.
const SPINS: u32 = 200;

thread_local! {
    /// The locks that the calling thread holds, in the order in which it took them.
    static HELD_LOCKS: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// How many spin locks the calling thread holds.
pub(crate) fn held_locks() -> usize {
    HELD_LOCKS.with_borrow(Vec::len)
}

/// Gives back all locks beyond the first `keep`, after the violation was noted, so that others can go on.
pub(crate) fn release_all(keep: usize) {
    while held_locks() > keep {
        let Some(address) = HELD_LOCKS.with_borrow_mut(Vec::pop) else { return };
        let word = std::ptr::with_exposed_provenance_mut::<usize>(address);
        // SAFETY: the driver took the lock at this address and has not given it back: its memory is still there.
        unlock(unsafe { AtomicUsize::from_ptr(word) });
    }
}

/// `KeAcquireSpinLockRaiseToDpc`: gives the level before.
///
/// # Safety
/// `lock` points to a spin lock.
pub(super) unsafe fn acquire(lock: *mut usize) -> Irql {
    const FUNCTION: &str = "KeAcquireSpinLockRaiseToDpc";
    irql::require(Irql::Dispatch, FUNCTION);
    let before = irql::current();
    if before < Irql::Dispatch {
        irql::set(Irql::Dispatch);
    }
    let address = lock.expose_provenance();
    let twice = HELD_LOCKS.with_borrow(|held| held.contains(&address));
    if twice {
        system::report(Rule::SpinLock, FUNCTION, || format!("{address:#x} is held by this thread already"));
        return before;
    }
    // SAFETY: this function's contract; a lock is only ever used as an atomic word.
    let word = unsafe { AtomicUsize::from_ptr(lock) };
    if word.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_err() {
        lock_slowly(word, address);
    }
    HELD_LOCKS.with_borrow_mut(|held| held.push(address));
    before
}

fn lock_slowly(word: &AtomicUsize, address: usize) {
    for _ in 0..SPINS {
        std::hint::spin_loop();
        if word.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_ok() {
            return;
        }
    }
    let bucket = bucket(address);
    let mut guard = bucket.lock();
    while word.swap(AWAITED, Ordering::Acquire) != FREE {
        guard = bucket.wait(guard);
    }
}

fn unlock(word: &AtomicUsize) {
    if word.swap(FREE, Ordering::Release) == AWAITED {
        bucket(word.as_ptr().addr()).wake_all();
    }
}

/// `KeReleaseSpinLock`.
///
/// # Safety
/// `lock` points to a spin lock.
pub(super) unsafe fn release(lock: *mut usize, new_irql: u8) {
    const FUNCTION: &str = "KeReleaseSpinLock";
    irql::require_exactly(Irql::Dispatch, FUNCTION);
    let address = lock.addr();
    let held = HELD_LOCKS.with_borrow_mut(|held| {
        let place = held.iter().rposition(|held| *held == address);
        place.map(|place| held.remove(place)).is_some()
    });
    if held {
        // SAFETY: this function's contract.
        unlock(unsafe { AtomicUsize::from_ptr(lock) });
    } else {
        system::report(Rule::SpinLock, FUNCTION, || format!("{address:#x} is not held by this thread"));
    }
    match Irql::from_number(new_irql) {
        Some(level) if level <= Irql::Dispatch => drop(irql::set(level)),
        _ => system::report(Rule::Irql, FUNCTION, || format!("it lowers to {new_irql}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_thread_is_inside() {
        let mut word = 0usize;
        let lock = (&raw mut word).expose_provenance();
        let inside = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..2000 {
                        let lock = std::ptr::with_exposed_provenance_mut(lock);
                        // SAFETY: the word outlives the threads.
                        let before = unsafe { acquire(lock) };
                        assert_eq!((before, irql::current()), (Irql::Passive, Irql::Dispatch));
                        assert_eq!(inside.fetch_add(1, Ordering::Relaxed), 0);
                        inside.fetch_sub(1, Ordering::Relaxed);
                        // SAFETY: as above.
                        unsafe { release(lock, before as u8) };
                        assert_eq!((irql::current(), held_locks()), (Irql::Passive, 0));
                    }
                });
            }
        });
    }
}
