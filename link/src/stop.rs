//! The wish that the service ends.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Asked for once, by any thread, and never taken back.
#[derive(Debug, Default)]
pub struct Stop {
    requested: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    /// Nobody has asked yet.
    pub const fn new() -> Self {
        Self { requested: Mutex::new(false), changed: Condvar::new() }
    }

    /// Asks the service to end.
    pub fn request(&self) {
        *self.lock() = true;
        self.changed.notify_all();
    }

    /// Whether somebody has asked.
    pub fn is_requested(&self) -> bool {
        *self.lock()
    }

    /// Pauses so long, or until somebody asks; tells whether somebody has.
    pub fn wait(&self, pause: Duration) -> bool {
        let wait = self.changed.wait_timeout_while(self.lock(), pause, |requested| !*requested);
        *wait.unwrap_or_else(PoisonError::into_inner).0
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.requested.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
