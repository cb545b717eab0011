//! A running Windows: NT's services, the processor, the machine, and the one driver that is loaded.
//!
//! Several of them may run in one process. A thread is inside the one that it [entered](enter), in the name of a process of
//! that system; services that the driver calls find both through the thread.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use pvgpu_kmd_ddi::{NTSTATUS, STATUS_SUCCESS};

use crate::inject::Inject;
use crate::irql::{self, Irql};
use crate::machine::Machine;
use crate::nt::cpu::Cpu;
use crate::nt::object::References;
use crate::nt::process::Process;
use crate::nt::registry::Registry;
use crate::nt::{self, Memory, Pool};
use crate::port::Port;
use crate::port::driver::Table;
use crate::verifier::{Rule, Verifier};

/// Lines of the debugger that are kept.
const DEBUG_LINES: usize = 200;

/// One running Windows.
pub(crate) struct System {
    pub(crate) verifier: Verifier,
    pub(crate) inject: Inject,
    pub(crate) pool: Pool,
    pub(crate) memory: Memory,
    pub(crate) references: References,
    pub(crate) registry: Registry,
    pub(crate) cpu: Cpu,
    pub(crate) machine: Arc<dyn Machine>,
    system_process: Arc<Process>,
    port: Mutex<Weak<Port>>,
    table: Mutex<Option<Table>>,
    debug_lines: Mutex<VecDeque<String>>,
    driver_calls: AtomicU64,
}

impl System {
    /// A system on a machine; `strict` turns all of the verifier's checks on.
    ///
    /// `system_process` is the number of the process in whose name the kernel works.
    pub(crate) fn new(machine: Arc<dyn Machine>, strict: bool, system_process: u64) -> Arc<Self> {
        Arc::new(Self {
            verifier: Verifier::new(strict),
            inject: Inject::default(),
            pool: Pool::default(),
            memory: Memory::default(),
            references: References::default(),
            registry: Registry::default(),
            cpu: Cpu::default(),
            machine,
            system_process: Arc::new(Process::new(system_process, true)),
            port: Mutex::new(Weak::new()),
            table: Mutex::new(None),
            debug_lines: Mutex::default(),
            driver_calls: AtomicU64::new(0),
        })
    }

    /// The System process.
    pub(crate) fn system_process(&self) -> &Arc<Process> {
        &self.system_process
    }

    /// The adapter's port, while there is one.
    pub(crate) fn port(&self) -> Option<Arc<Port>> {
        self.port.lock().unwrap_or_else(PoisonError::into_inner).upgrade()
    }

    /// Sets the adapter's port.
    pub(crate) fn set_port(&self, port: Weak<Port>) {
        *self.port.lock().unwrap_or_else(PoisonError::into_inner) = port;
    }

    /// `DxgkInitialize`: the driver registers its entry points.
    pub(crate) fn register(&self, table: Table) -> NTSTATUS {
        let before = self.table.lock().unwrap_or_else(PoisonError::into_inner).replace(table);
        if before.is_some() {
            let detail = || "the driver registers a second time".to_owned();
            self.verifier.report(Rule::Ddi, "DxgkInitialize", detail);
        }
        STATUS_SUCCESS
    }

    /// What the driver registered.
    pub(crate) fn table(&self) -> Option<Table> {
        *self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A line for the debugger.
    pub(crate) fn debug_print(&self, line: String) {
        let mut lines = self.debug_lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() >= DEBUG_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// What the driver wrote to the debugger, oldest first.
    pub(crate) fn debug_lines(&self) -> Vec<String> {
        self.debug_lines.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Calls of the driver so far: entries, interrupts, DPCs.
    pub(crate) fn driver_calls(&self) -> u64 {
        self.driver_calls.load(Ordering::Relaxed)
    }

    /// Calls into the driver at an IRQL, and checks that it comes back at the same, with no more locks than before.
    pub(crate) fn call_driver<R>(&self, entry: &'static str, level: Irql, call: impl FnOnce() -> R) -> R {
        self.driver_calls.fetch_add(1, Ordering::Relaxed);
        let locks = nt::held_locks();
        let before = irql::set(level);
        let result = call();
        let after = irql::current();
        if nt::held_locks() > locks {
            let left = nt::held_locks() - locks;
            self.verifier
                .report(Rule::LockHeld, entry, || format!("it returned with {left} spin locks held"));
            nt::release_all(locks);
        }
        if after != level {
            self.verifier
                .report(Rule::Irql, entry, || format!("entered at {level:?}, returned at {after:?}"));
        }
        irql::set(before);
        result
    }

    /// Everything that the driver must have given back when it is unloaded.
    pub(crate) fn check_unloaded(&self) {
        self.cpu.check_unloaded(&self.verifier);
        self.memory.check_unloaded(self);
        self.references.check_unloaded(&self.verifier);
        self.registry.check_unloaded(&self.verifier);
        self.pool.check_unloaded(&self.verifier);
    }
}

impl fmt::Debug for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("System").field("machine", &self.machine).finish_non_exhaustive()
    }
}

/// Where a thread is.
#[derive(Clone)]
struct Place {
    system: Arc<System>,
    process: Arc<Process>,
}

thread_local! {
    static PLACE: RefCell<Option<Place>> = const { RefCell::new(None) };
}

/// A thread's stay in a system; the one before comes back when it is dropped.
pub(crate) struct Entered {
    before: Option<Place>,
    /// The place is the thread's: the guard stays on it.
    _thread: PhantomData<*const ()>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        PLACE.set(self.before.take());
    }
}

/// Brings the calling thread into a system, in the name of a process.
pub(crate) fn enter(system: &Arc<System>, process: &Arc<Process>) -> Entered {
    let place = Place { system: system.clone(), process: process.clone() };
    Entered { before: PLACE.replace(Some(place)), _thread: PhantomData }
}

/// Runs with the system and the process that the calling thread is in.
///
/// A service that is called from outside any system has no answer: only a driver with a thread of its own could do that, and
/// the process is ended, as a bug check would end the system.
pub(crate) fn with<R>(run: impl FnOnce(&Arc<System>, &Arc<Process>) -> R) -> R {
    PLACE.with_borrow(|place| match place {
        Some(Place { system, process }) => run(system, process),
        None => {
            eprintln!("pvgpu: a kernel service was called from a thread that is in no system");
            std::process::abort();
        }
    })
}

/// Notes a violation in the system that the calling thread is in; outside any, there is nobody to tell.
pub(crate) fn report(rule: Rule, function: &'static str, detail: impl FnOnce() -> String) {
    PLACE.with_borrow(|place| {
        if let Some(Place { system, .. }) = place {
            system.verifier.report(rule, function, detail);
        }
    });
}
