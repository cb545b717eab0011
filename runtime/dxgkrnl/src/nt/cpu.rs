//! The processor that interrupts, timers and deferred procedure calls run on: one thread of the system.
//!
//! It sleeps in the machine until something of the machine happens, a timer is due, or a DPC is queued; it never polls.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use pvgpu_kmd_wddm::types::KDEFERRED_ROUTINE;

use super::dispatcher::Header;
use crate::irql::Irql;
use crate::machine::Wake;
use crate::system::{self, System};
use crate::verifier::{Rule, Verifier};

/// In a `KDPC`: `DeferredRoutine`.
pub(super) const DPC_ROUTINE: usize = 0x18;
/// In a `KDPC`: `DeferredContext`.
pub(super) const DPC_CONTEXT: usize = 0x20;
/// In a `KDPC`: its type in byte 0, `DpcObject`.
pub(super) const DPC_OBJECT: u8 = 19;

/// A timer that runs.
#[derive(Clone, Copy, Debug)]
struct Timer {
    due: Instant,
    period: Duration,
    /// The `KDPC`, 0 for none.
    dpc: usize,
}

/// A DPC that is queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dpc {
    /// A `KDPC`.
    Object(usize),
    /// The adapter's own, of `DxgkCbQueueDpc`.
    Adapter,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Dpc>,
    timers: BTreeMap<usize, Timer>,
    /// The thread is between taking a DPC and its end.
    running: bool,
    stop: bool,
}

/// The processor.
#[derive(Debug, Default)]
pub(crate) struct Cpu {
    state: Mutex<State>,
    /// Nothing is queued and nothing runs.
    idle: Condvar,
    thread: OnceLock<ThreadId>,
    wakes: AtomicU64,
}

impl Cpu {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the caller is this processor's thread.
    pub(crate) fn is_current(&self) -> bool {
        self.thread.get() == Some(&thread::current().id())
    }

    /// Waits until the thread is there: before, nothing can be flushed.
    pub(crate) fn wait_started(&self) {
        self.thread.wait();
    }

    /// Whoever changed something that the thread must see wakes it.
    fn wake(&self, system: &System) {
        if !self.is_current() {
            system.machine.wake();
        }
    }

    fn queue(&self, system: &System, dpc: Dpc) -> bool {
        let fresh = {
            let mut state = self.state();
            let fresh = !state.queue.contains(&dpc);
            if fresh {
                state.queue.push_back(dpc);
            }
            fresh
        };
        if fresh {
            self.wake(system);
        }
        fresh
    }

    /// `DxgkCbQueueDpc`; false when it was queued already.
    pub(crate) fn queue_adapter_dpc(&self, system: &System) -> bool {
        self.queue(system, Dpc::Adapter)
    }

    /// `KeSetCoalescableTimer`; tells whether the timer was running.
    pub(super) fn set_timer(
        &self,
        system: &System,
        timer: usize,
        (due, period): (Duration, Duration),
        dpc: usize,
    ) -> bool {
        let due = Instant::now() + due;
        let (before, first) = {
            let mut state = self.state();
            let first = state.timers.values().map(|timer| timer.due).min();
            (state.timers.insert(timer, Timer { due, period, dpc }), first)
        };
        if first.is_none_or(|first| due < first) {
            self.wake(system);
        }
        before.is_some()
    }

    /// `KeCancelTimer`; tells whether the timer was running.
    pub(super) fn cancel_timer(&self, timer: usize) -> bool {
        self.state().timers.remove(&timer).is_some()
    }

    /// `KeFlushQueuedDpcs`.
    pub(crate) fn flush(&self) {
        if self.is_current() || self.thread.get().is_none() {
            return;
        }
        let mut state = self.state();
        while (!state.queue.is_empty() || state.running) && !state.stop {
            state = self.idle.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Ends the thread.
    pub(crate) fn stop(&self, system: &System) {
        self.state().stop = true;
        self.idle.notify_all();
        self.wake(system);
    }

    /// How often it has been woken.
    pub(crate) fn wakes(&self) -> u64 {
        self.wakes.load(Ordering::Relaxed)
    }

    /// Timers that run.
    pub(crate) fn timers(&self) -> usize {
        self.state().timers.len()
    }

    /// Notes what is left: the driver is unloaded.
    pub(crate) fn check_unloaded(&self, verifier: &Verifier) {
        let (timers, queued) = {
            let mut state = self.state();
            (std::mem::take(&mut state.timers).len(), std::mem::take(&mut state.queue))
        };
        if timers != 0 || !queued.is_empty() {
            verifier.report(Rule::Dispatcher, "DriverUnload", || {
                format!("{timers} timers still run, DPCs are still queued: {queued:?}")
            });
        }
    }

    /// Notes a violation when memory that is freed holds a timer or a DPC in use.
    pub(super) fn check_freed(&self, verifier: &Verifier, start: usize, bytes: usize) {
        let inside = |address: usize| address >= start && address - start < bytes;
        let state = self.state();
        let timers = state.timers.iter().filter(|(timer, running)| inside(**timer) || inside(running.dpc));
        let queued = state.queue.iter().filter(|dpc| matches!(dpc, Dpc::Object(dpc) if inside(*dpc)));
        let used = timers.count() + queued.count();
        drop(state);
        if used != 0 {
            verifier.report(Rule::Dispatcher, "ExFreePoolWithTag", || {
                "the memory holds a timer that runs, or a DPC that is queued".to_owned()
            });
        }
    }

    /// What comes next: a DPC to run, or how long to sleep.
    fn next(&self) -> Next {
        let mut state = self.state();
        state.running = false;
        if state.stop {
            self.idle.notify_all();
            return Next::Stop;
        }
        let now = Instant::now();
        let mut signalled = None;
        if let Some((&address, &timer)) = state.timers.iter().find(|(_, timer)| timer.due <= now) {
            if timer.period.is_zero() {
                state.timers.remove(&address);
            } else if let Some(timer) = state.timers.get_mut(&address) {
                // A period that was slept through is not made up for.
                timer.due = (timer.due + timer.period).max(now);
            }
            signalled = Some(address);
            if timer.dpc != 0 && !state.queue.contains(&Dpc::Object(timer.dpc)) {
                state.queue.push_back(Dpc::Object(timer.dpc));
            }
        }
        if let Some(timer) = signalled {
            state.running = true;
            return Next::Timer(timer);
        }
        if let Some(dpc) = state.queue.pop_front() {
            state.running = true;
            return Next::Dpc(dpc);
        }
        self.idle.notify_all();
        Next::Sleep(state.timers.values().map(|timer| timer.due.saturating_duration_since(now)).min())
    }

    /// The thread's work, until [`Cpu::stop`].
    pub(crate) fn run(system: &Arc<System>) {
        let _inside = system::enter(system, system.system_process());
        let cpu = &system.cpu;
        cpu.thread.get_or_init(|| thread::current().id());
        let mut worked = false;
        loop {
            match cpu.next() {
                Next::Stop => return,
                Next::Timer(timer) => {
                    // SAFETY: a timer that runs is in memory that its owner keeps.
                    unsafe { Header::at(std::ptr::with_exposed_provenance_mut(timer)) }.signal();
                    if let Some(port) = system.port() {
                        port.look_again();
                    }
                    worked = true;
                }
                Next::Dpc(Dpc::Object(dpc)) => {
                    run_dpc(system, dpc);
                    worked = true;
                }
                Next::Dpc(Dpc::Adapter) => {
                    if let Some(port) = system.port() {
                        port.run_dpc();
                    }
                    worked = true;
                }
                Next::Sleep(timeout) => {
                    if std::mem::take(&mut worked) {
                        // What the DPCs left to be done at PASSIVE_LEVEL; it may queue others.
                        if let Some(port) = system.port() {
                            port.passive_work();
                        }
                        continue;
                    }
                    let late = system.port().and_then(|port| port.until_timeout());
                    let timeout = timeout.into_iter().chain(late).min();
                    let wake = system.machine.wait(timeout);
                    cpu.wakes.fetch_add(1, Ordering::Relaxed);
                    // What another thread left for this one, or what is late.
                    worked = true;
                    if wake != Wake::Timeout
                        && let Some(port) = system.port()
                    {
                        port.machine_event(wake);
                    }
                }
            }
        }
    }
}

enum Next {
    Stop,
    Timer(usize),
    Dpc(Dpc),
    /// At most so long; `None` until something happens.
    Sleep(Option<Duration>),
}

/// Runs a `KDPC`.
fn run_dpc(system: &Arc<System>, dpc: usize) {
    let object = std::ptr::with_exposed_provenance_mut::<u8>(dpc);
    let routine = object.wrapping_add(DPC_ROUTINE).cast::<KDEFERRED_ROUTINE>();
    // SAFETY: a DPC that is queued is in memory that its owner keeps, and was initialised.
    let routine = unsafe { routine.read() };
    let context = object.wrapping_add(DPC_CONTEXT).cast::<*mut std::ffi::c_void>();
    // SAFETY: as above.
    let context = unsafe { context.read() };
    let Some(routine) = routine else { return };
    let nothing = std::ptr::null_mut();
    system.call_driver("the deferred routine of a KDPC", Irql::Dispatch, || {
        // SAFETY: the driver gave the routine and the context for this.
        unsafe { routine(object.cast(), context, nothing, nothing) }
    });
}
