//! The interrupt request level, modelled as a number of each thread.
//!
//! Windows stops with a bug check when a service is called at a level too high for it; here the verifier notes it.

use std::cell::Cell;
use std::marker::PhantomData;

use crate::nt::pageable;
use crate::system;
use crate::verifier::Rule;

/// The levels that matter to a display driver, with the numbers that they have on x64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Irql {
    /// `PASSIVE_LEVEL`: may wait and fault.
    Passive = 0,
    /// `APC_LEVEL`.
    Apc = 1,
    /// `DISPATCH_LEVEL`: DPCs, and whoever holds a spin lock.
    Dispatch = 2,
    /// The device's own level: interrupt routines.
    Device = 9,
}

impl Irql {
    /// The level with a number, if it is one of these.
    pub(crate) fn from_number(number: u8) -> Option<Self> {
        [Self::Passive, Self::Apc, Self::Dispatch, Self::Device]
            .into_iter()
            .find(|level| *level as u8 == number)
    }
}

thread_local! {
    static CURRENT: Cell<Irql> = const { Cell::new(Irql::Passive) };
}

/// The calling thread's level.
pub fn current() -> Irql {
    CURRENT.get()
}

/// Sets the calling thread's level; gives the one before.
pub(crate) fn set(level: Irql) -> Irql {
    let before = CURRENT.replace(level);
    let high = level >= Irql::Dispatch;
    if high != (before >= Irql::Dispatch) {
        pageable::level_changed(high);
    }
    before
}

/// Checks that `service` may be called now; notes a violation when the level is above `highest`.
pub(crate) fn require(highest: Irql, service: &'static str) {
    let level = current();
    if level > highest {
        system::report(Rule::Irql, service, || format!("it is allowed up to {highest:?}"));
    }
}

/// Checks that `service` is called at exactly this level.
pub(crate) fn require_exactly(wanted: Irql, service: &'static str) {
    if current() != wanted {
        system::report(Rule::Irql, service, || format!("it is called at {wanted:?}"));
    }
}

/// A raised level; goes back to what it was when it is dropped.
#[derive(Debug)]
pub(crate) struct Raised {
    before: Irql,
    /// The level is the thread's: the guard stays on it.
    _thread: PhantomData<*const ()>,
}

/// Raises the calling thread to `level`; it is not above it.
pub(crate) fn raise(level: Irql) -> Raised {
    require(level, "KeRaiseIrql");
    Raised { before: set(level), _thread: PhantomData }
}

impl Drop for Raised {
    fn drop(&mut self) {
        set(self.before);
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
        assert_eq!(Irql::from_number(2), Some(Irql::Dispatch));
        assert_eq!(Irql::from_number(3), None);
    }
}
