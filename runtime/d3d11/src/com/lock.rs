//! The device's lock: uncontended it costs one atomic exchange, and `ID3D11Multithread::Enter` makes it re-entrant.
//!
//! Functions of the API never call each other with the lock held, so only `Enter` needs to know the owner: after it, the
//! owner's calls find the lock taken, see their own thread id and go on without taking it again.

use core::hint;
use core::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use windows::Win32::System::Threading::GetCurrentThreadId;

const FREE: u32 = 0;
const TAKEN: u32 = 1;
/// Spins before a waiter gives its time slice away: a draw call holds the lock for less than a microsecond.
const SPINS: u32 = 200;
/// Yields before a waiter sleeps: the holder waits for the GPU then (Map of a staging resource).
const YIELDS: u32 = 50;
/// TIMEOUT: granularity of a Windows timer; guess.
const NAP: Duration = Duration::from_millis(1);

/// The lock of one device.
#[derive(Debug, Default)]
pub struct Lock {
    state: AtomicU32,
    /// The thread inside `Enter`, 0 for none. Written only by the holder of `state`.
    entered_by: AtomicU32,
    /// How often that thread has entered. Used by that thread only.
    entries: AtomicU32,
}

/// How the lock was taken; [`Lock::release`] needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Taken {
    /// By this call.
    Now,
    /// By an earlier `Enter` of the same thread.
    Before,
}

impl Lock {
    /// Takes the lock, waiting for as long as another thread holds it.
    #[inline]
    pub fn take(&self) -> Taken {
        if self.try_take() { Taken::Now } else { self.take_slowly() }
    }

    #[inline]
    fn try_take(&self) -> bool {
        self.state.compare_exchange(FREE, TAKEN, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    #[cold]
    fn take_slowly(&self) -> Taken {
        if self.entered_by.load(Ordering::Relaxed) == current_thread() {
            return Taken::Before;
        }
        let mut tries = 0_u32;
        while !self.try_take() {
            tries = tries.saturating_add(1);
            if tries < SPINS {
                hint::spin_loop();
            } else if tries < SPINS + YIELDS {
                thread::yield_now();
            } else {
                thread::sleep(NAP);
            }
        }
        Taken::Now
    }

    /// Gives back what [`Lock::take`] took.
    #[inline]
    pub fn release(&self, taken: Taken) {
        if taken == Taken::Now {
            self.state.store(FREE, Ordering::Release);
        }
    }

    /// `ID3D11Multithread::Enter`.
    pub fn enter(&self) {
        if self.take() == Taken::Now {
            self.entered_by.store(current_thread(), Ordering::Relaxed);
        }
        self.entries.fetch_add(1, Ordering::Relaxed);
    }

    /// `ID3D11Multithread::Leave`; a call without an `Enter` of the same thread does nothing.
    pub fn leave(&self) {
        if self.entered_by.load(Ordering::Relaxed) != current_thread() {
            return;
        }
        if self.entries.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.entered_by.store(0, Ordering::Relaxed);
            self.state.store(FREE, Ordering::Release);
        }
    }
}

fn current_thread() -> u32 {
    // SAFETY: the function has no preconditions.
    unsafe { GetCurrentThreadId() }
}
