//! Failure injection: the n-th call that may fail does fail.
//!
//! Every service that allocates and every callback of dxgkrnl that can fail asks [`Inject::may_fail`] first. A sweep runs a
//! scenario with n = 1, 2, … until [`Injected::failed_at`] stays empty: then every call has failed once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// What an armed injection has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Injected {
    /// Calls that could have failed since it was armed.
    pub calls: u64,
    /// The function that failed; `None` when there were fewer than n calls.
    pub failed_at: Option<&'static str>,
}

/// The switch. Off until [`Inject::arm`].
#[derive(Debug, Default)]
pub(crate) struct Inject {
    /// Which call fails; 0 for none.
    nth: AtomicU64,
    calls: AtomicU64,
    failed_at: Mutex<Option<&'static str>>,
}

impl Inject {
    /// From now on the `nth` call fails, counted from 1; `u64::MAX` only counts.
    pub(crate) fn arm(&self, nth: u64) {
        *self.failed_at.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.calls.store(0, Ordering::Relaxed);
        self.nth.store(nth, Ordering::Release);
    }

    /// Nothing fails any more; tells what happened.
    pub(crate) fn disarm(&self) -> Injected {
        self.nth.store(0, Ordering::Release);
        let failed_at = *self.failed_at.lock().unwrap_or_else(PoisonError::into_inner);
        Injected { calls: self.calls.load(Ordering::Relaxed), failed_at }
    }

    /// Whether this call of `function` fails.
    pub(crate) fn may_fail(&self, function: &'static str) -> bool {
        let nth = self.nth.load(Ordering::Acquire);
        if nth == 0 {
            return false;
        }
        let fails = self.calls.fetch_add(1, Ordering::AcqRel) + 1 == nth;
        if fails {
            *self.failed_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(function);
        }
        fails
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nth_call_fails_once() {
        let inject = Inject::default();
        assert!(!inject.may_fail("off"));
        inject.arm(2);
        let fails: Vec<bool> = ["a", "b", "c"].map(|site| inject.may_fail(site)).to_vec();
        assert_eq!(fails, [false, true, false]);
        assert_eq!(inject.disarm(), Injected { calls: 3, failed_at: Some("b") });
        inject.arm(2);
        assert!(!inject.may_fail("a"));
        assert_eq!(inject.disarm(), Injected { calls: 1, failed_at: None });
    }
}
