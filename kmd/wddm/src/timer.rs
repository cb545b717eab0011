//! A timer with its DPC: a `KTIMER` and a `KDPC` that stay where they are.
#![expect(unsafe_code, reason = "NT's timer functions take pointers")]

use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::marker::PhantomData;

use pvgpu_kmd_ddi::{KDEFERRED_ROUTINE, KDPC, KTIMER, SynchronizationTimer};

use crate::nt::Nt;

/// Nanoseconds in the unit of due times.
const NS_PER_TICK: u64 = 100;
/// 100 ns in a millisecond.
const TICKS_PER_MS: i64 = 10_000;

/// A timer that calls a DPC.
pub(crate) struct Timer<N> {
    timer: UnsafeCell<KTIMER>,
    dpc: UnsafeCell<KDPC>,
    nt: PhantomData<fn() -> N>,
}

// SAFETY: both objects are NT's, which synchronises them; nobody else looks into them.
unsafe impl<N> Send for Timer<N> {}
// SAFETY: as above.
unsafe impl<N> Sync for Timer<N> {}

impl<N: Nt> Timer<N> {
    /// Storage for a timer.
    pub(crate) fn new() -> Self {
        Self {
            timer: UnsafeCell::new(KTIMER::default()),
            dpc: UnsafeCell::new(KDPC::default()),
            nt: PhantomData,
        }
    }

    /// Begins the timer's life. Any IRQL.
    ///
    /// # Safety
    /// The timer never moves from now on, and is cancelled, and all DPCs flushed, before it and `context` end. No other method
    /// is called before this one, and this one once.
    pub(crate) unsafe fn initialise(&self, routine: KDEFERRED_ROUTINE, context: *mut c_void) {
        // SAFETY: storage at its final place, in non-paged memory.
        unsafe { N::KeInitializeTimerEx(self.timer.get(), SynchronizationTimer) };
        // SAFETY: as above.
        unsafe { N::KeInitializeDpc(self.dpc.get(), routine, context) };
    }

    /// Calls the DPC every `period_ms`, each time up to `tolerance_ms` late. IRQL ≤ `DISPATCH_LEVEL`.
    pub(crate) fn start_periodic(&self, period_ms: u32, tolerance_ms: u32) {
        let due = -i64::from(period_ms) * TICKS_PER_MS;
        // SAFETY: initialised, and alive until cancelled (the contract of `initialise`).
        unsafe { N::KeSetCoalescableTimer(self.timer.get(), due, period_ms, tolerance_ms, self.dpc.get()) };
    }

    /// Calls the DPC once, `due_in_ns` from now; a call that was due before is not made. IRQL ≤ `DISPATCH_LEVEL`.
    pub(crate) fn start_once(&self, due_in_ns: u64) {
        let ticks = due_in_ns.div_ceil(NS_PER_TICK).clamp(1, i64::MAX.cast_unsigned());
        // SAFETY: initialised, and alive until cancelled (the contract of `initialise`).
        unsafe { N::KeSetCoalescableTimer(self.timer.get(), -ticks.cast_signed(), 0, 0, self.dpc.get()) };
    }

    /// Stops the timer; a DPC that is queued or running is not waited for. IRQL ≤ `DISPATCH_LEVEL`.
    pub(crate) fn cancel(&self) {
        // SAFETY: initialised (the contract of `initialise`).
        unsafe { N::KeCancelTimer(self.timer.get()) };
    }
}

/// Waits until every DPC that is queued or running now is done. `PASSIVE_LEVEL`.
pub(crate) fn flush_dpcs<N: Nt>() {
    // SAFETY: no argument, no condition beyond the IRQL.
    unsafe { N::KeFlushQueuedDpcs() };
}
