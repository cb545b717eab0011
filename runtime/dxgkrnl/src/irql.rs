//! The interrupt request level, modelled as a number of each thread.
//!
//! Windows stops with a bug check when a service is called at a level too high for it; here it is a panic with the
//! service's name. Only a mistake in our own driver can cause it, never data.

use std::cell::Cell;
use std::marker::PhantomData;

/// The levels that matter to a display driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Irql {
    /// `PASSIVE_LEVEL`: may wait and fault.
    Passive,
    /// `DISPATCH_LEVEL`: DPCs, and whoever holds a spin lock.
    Dispatch,
    /// The device's own level: interrupt routines.
    Device,
}

thread_local! {
    static CURRENT: Cell<Irql> = const { Cell::new(Irql::Passive) };
}

/// The calling thread's level.
pub fn current() -> Irql {
    CURRENT.get()
}

/// Checks that `service` may be called now.
///
/// # Panics
/// When the level is above `highest`.
#[track_caller]
pub fn require(highest: Irql, service: &str) {
    let level = current();
    // PANIC: the driver's own mistake, which Windows would answer with IRQL_NOT_LESS_OR_EQUAL.
    assert!(level <= highest, "{service} was called at {level:?}, it is allowed up to {highest:?}");
}

/// A raised level; goes back to what it was when it is dropped.
#[derive(Debug)]
pub struct Raised {
    before: Irql,
    /// The level is the thread's: the guard stays on it.
    _thread: PhantomData<*const ()>,
}

/// Raises the calling thread to `level`.
///
/// # Panics
/// When it is above `level` already.
#[track_caller]
pub fn raise(level: Irql) -> Raised {
    require(level, "KeRaiseIrql");
    Raised { before: CURRENT.replace(level), _thread: PhantomData }
}

impl Drop for Raised {
    fn drop(&mut self) {
        CURRENT.set(self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_nest() {
        assert_eq!(current(), Irql::Passive);
        {
            let _dispatch = raise(Irql::Dispatch);
            require(Irql::Dispatch, "a service");
            {
                let _device = raise(Irql::Device);
                assert_eq!(current(), Irql::Device);
            }
            assert_eq!(current(), Irql::Dispatch);
            let other = std::thread::spawn(current).join().expect("no panic");
            assert_eq!(other, Irql::Passive, "each thread has its own level");
        }
        assert_eq!(current(), Irql::Passive);
    }
}
