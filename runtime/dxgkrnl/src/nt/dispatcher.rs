//! Dispatcher objects: events and timers that threads wait for.
//!
//! An object begins with NT's `DISPATCHER_HEADER`: its type in byte 0, its signal state in the 32 bits at offset 4. Threads
//! wait in buckets that the object's address chooses; whoever signals wakes the whole bucket.

use std::sync::atomic::{AtomicI32, AtomicU8, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{STATUS_SUCCESS, STATUS_TIMEOUT};
use crate::irql::{self, Irql};
use crate::system;
use crate::verifier::Rule;

/// `NotificationEvent` object.
pub(crate) const NOTIFICATION_EVENT: u8 = 0;
/// `SynchronizationEvent` object.
pub(crate) const SYNCHRONIZATION_EVENT: u8 = 1;
/// Notification timer object.
pub(crate) const NOTIFICATION_TIMER: u8 = 8;
/// Synchronization timer object.
pub(crate) const SYNCHRONIZATION_TIMER: u8 = 9;
/// In the header's byte 3: the object was initialised. Zeroed memory is no event.
const INITIALISED: u8 = 0x5A;

/// Where threads sleep.
pub(crate) struct Bucket {
    lock: Mutex<()>,
    changed: Condvar,
}

impl Bucket {
    /// Takes the bucket.
    pub(crate) fn lock(&self) -> MutexGuard<'_, ()> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps until somebody wakes the bucket.
    pub(crate) fn wait<'a>(&'a self, guard: MutexGuard<'a, ()>) -> MutexGuard<'a, ()> {
        self.changed.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes everybody in it.
    pub(crate) fn wake_all(&self) {
        drop(self.lock());
        self.changed.notify_all();
    }
}

const BUCKETS: usize = 64;

/// The bucket of an address.
pub(crate) fn bucket(address: usize) -> &'static Bucket {
    static ALL: [Bucket; BUCKETS] =
        [const { Bucket { lock: Mutex::new(()), changed: Condvar::new() } }; BUCKETS];
    // The low bits are the same for all objects.
    &ALL[(address >> 4 ^ address >> 12) % BUCKETS]
}

/// A dispatcher header in the driver's memory.
#[derive(Clone, Copy)]
pub(crate) struct Header {
    address: *mut u8,
}

impl Header {
    /// The header at an address.
    ///
    /// # Safety
    /// At least 8 bytes are there, aligned to 8, for as long as the value is used.
    pub(crate) unsafe fn at(address: *mut u8) -> Self {
        Self { address }
    }

    fn state(&self) -> &AtomicI32 {
        let state = self.address.wrapping_add(4).cast::<i32>();
        // SAFETY: `at`'s contract: the header's second four bytes, aligned, only ever used as an atomic here.
        unsafe { AtomicI32::from_ptr(state) }
    }

    fn byte(&self, index: usize) -> &AtomicU8 {
        // SAFETY: `at`'s contract: one of the header's first four bytes, only ever used as an atomic here.
        unsafe { AtomicU8::from_ptr(self.address.wrapping_add(index)) }
    }

    /// Begins the object's life.
    pub(crate) fn initialise(&self, kind: u8, signalled: bool) {
        self.byte(0).store(kind, Ordering::Relaxed);
        self.byte(1).store(0, Ordering::Relaxed);
        self.byte(2).store(0, Ordering::Relaxed);
        self.byte(3).store(INITIALISED, Ordering::Relaxed);
        self.state().store(i32::from(signalled), Ordering::Release);
    }

    /// Notes a violation when the object's life has not begun.
    pub(crate) fn check(&self, function: &'static str) -> bool {
        let begun = self.byte(3).load(Ordering::Relaxed) == INITIALISED;
        if !begun {
            let address = self.address;
            system::report(Rule::Dispatcher, function, || format!("{address:p} was not initialised"));
        }
        begun
    }

    /// Signals the object; gives its state before.
    pub(crate) fn signal(&self) -> bool {
        let before = self.state().swap(1, Ordering::AcqRel) != 0;
        if !before {
            bucket(self.address.addr()).wake_all();
        }
        before
    }

    /// Takes the signal back.
    pub(crate) fn clear(&self) {
        self.state().store(0, Ordering::Release);
    }

    /// Takes the signal, if the object is signalled: a synchronization object is not afterwards.
    fn take(&self) -> bool {
        match self.byte(0).load(Ordering::Relaxed) {
            SYNCHRONIZATION_EVENT | SYNCHRONIZATION_TIMER => {
                self.state().compare_exchange(1, 0, Ordering::AcqRel, Ordering::Relaxed).is_ok()
            }
            _ => self.state().load(Ordering::Acquire) != 0,
        }
    }

    /// Waits until the object is signalled; `None` waits for ever.
    pub(crate) fn wait(&self, timeout: Option<Duration>) -> i32 {
        let bucket = bucket(self.address.addr());
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        let mut guard = bucket.lock();
        loop {
            if self.take() {
                return STATUS_SUCCESS;
            }
            guard = match deadline {
                None => bucket.wait(guard),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return STATUS_TIMEOUT;
                    }
                    bucket.changed.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

/// `KeWaitForSingleObject`.
///
/// # Safety
/// `object` is an event or a timer; `timeout` is null or readable.
pub(super) unsafe fn wait_for(object: *mut u8, timeout: *const i64) -> i32 {
    const FUNCTION: &str = "KeWaitForSingleObject";
    let timeout = if timeout.is_null() {
        None
    } else {
        // SAFETY: not null, so readable by this function's contract.
        Some(span(unsafe { timeout.read_unaligned() }))
    };
    irql::require(if timeout == Some(Duration::ZERO) { Irql::Dispatch } else { Irql::Apc }, FUNCTION);
    // SAFETY: this function's contract.
    let header = unsafe { Header::at(object) };
    if !header.check(FUNCTION) {
        return super::STATUS_INVALID_PARAMETER;
    }
    header.wait(timeout)
}

/// A time of NT as a span from now: in 100 ns, negative when it is one. Absolute times count from the model's clock, which
/// began at 0, so a positive one is long over.
pub(super) fn span(time: i64) -> Duration {
    if time >= 0 {
        return Duration::ZERO;
    }
    Duration::from_nanos(time.unsigned_abs().saturating_mul(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(words: &mut [u64; 3]) -> Header {
        // SAFETY: the words are 24 bytes, aligned to 8, and outlive the header in these tests.
        unsafe { Header::at(words.as_mut_ptr().cast()) }
    }

    #[test]
    fn a_notification_stays_and_a_synchronization_is_taken() {
        let mut words = [0; 3];
        let event = header(&mut words);
        event.initialise(NOTIFICATION_EVENT, false);
        assert_eq!(event.wait(Some(Duration::from_millis(1))), STATUS_TIMEOUT);
        assert!(!event.signal() && event.signal());
        assert_eq!([event.wait(None), event.wait(Some(Duration::ZERO))], [STATUS_SUCCESS; 2]);
        event.clear();
        assert_eq!(event.wait(Some(Duration::ZERO)), STATUS_TIMEOUT);
        event.initialise(SYNCHRONIZATION_EVENT, true);
        assert_eq!(event.wait(None), STATUS_SUCCESS);
        assert_eq!(event.wait(Some(Duration::ZERO)), STATUS_TIMEOUT);
    }

    #[test]
    fn a_sleeper_is_woken() {
        let mut words = [0; 3];
        let event = header(&mut words);
        event.initialise(NOTIFICATION_EVENT, false);
        let address = words.as_mut_ptr().expose_provenance();
        std::thread::scope(|scope| {
            let sleeper = scope.spawn(move || {
                // SAFETY: the words outlive the scope.
                let event = unsafe { Header::at(std::ptr::with_exposed_provenance_mut(address)) };
                event.wait(Some(Duration::from_secs(10)))
            });
            event.signal();
            assert_eq!(sleeper.join().expect("no panic"), STATUS_SUCCESS);
        });
    }

    #[test]
    fn spans_are_in_hundreds_of_nanoseconds() {
        assert_eq!(span(-10_000), Duration::from_millis(1));
        assert_eq!(span(5), Duration::ZERO);
        assert!(span(i64::MIN) > Duration::from_secs(1));
    }
}
