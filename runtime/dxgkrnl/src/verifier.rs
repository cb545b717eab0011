//! The verifier: notes every rule of the kernel that a driver breaks.
//!
//! Windows answers most of these with a bug check, some only under Driver Verifier, some with silent damage. Here they are
//! recorded, so that a test can show all of them. In a program's own process the first one is said on stderr and the program
//! goes on: a mistake of ours must not end it.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::irql::{self, Irql};

/// Which rule was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// A service was called, or an entry returned, at an IRQL that is not allowed there.
    Irql,
    /// Pool memory was freed with another tag than it was allocated with.
    PoolTag,
    /// Memory was freed that is not allocated: twice, or never allocated.
    PoolFree,
    /// Bytes beyond a block's end were written, or bytes of a freed block.
    PoolCorruption,
    /// Memory was left allocated at unload.
    PoolLeak,
    /// A spin lock was taken twice, given back without being held, or out of order.
    SpinLock,
    /// An entry returned with a spin lock held.
    LockHeld,
    /// An event, timer or DPC was used without being initialised, or freed while in use.
    Dispatcher,
    /// An MDL, its pages or a mapping were misused.
    Mdl,
    /// MDLs, pages or mappings were left.
    MdlLeak,
    /// A handle or an object reference was misused or left.
    Object,
    /// A callback of dxgkrnl was called where or how it may not be.
    Callback,
    /// The driver used something after it was stopped.
    AfterStop,
    /// `DxgkCbNotifyInterrupt` with a fence that is stale, unknown or out of order.
    Fence,
    /// A VidPn object was left acquired, or used against its rules.
    VidPn,
    /// An entry left its output undefined, or gave something that breaks the DDI.
    Ddi,
    /// The driver stopped the system.
    BugCheck,
}

/// One broken rule.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Which rule.
    pub rule: Rule,
    /// The service, callback or entry where it was noticed.
    pub function: &'static str,
    /// The IRQL there.
    pub irql: Irql,
    /// What exactly, with numbers.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, function, irql, detail } = self;
        write!(f, "{rule:?} in {function} at {irql:?}: {detail}")
    }
}

/// Violations kept; more only repeat what is known.
const MAX_VIOLATIONS: usize = 1000;

/// Where violations are collected.
#[derive(Debug)]
pub(crate) struct Verifier {
    strict: bool,
    violations: Mutex<Vec<Violation>>,
}

impl Verifier {
    /// A verifier; `strict` turns on the checks that cost time and keeps quiet on stderr.
    pub(crate) fn new(strict: bool) -> Self {
        Self { strict, violations: Mutex::default() }
    }

    /// Whether the checks that cost time are on.
    pub(crate) fn is_strict(&self) -> bool {
        self.strict
    }

    /// Notes a violation.
    pub(crate) fn report(&self, rule: Rule, function: &'static str, detail: impl FnOnce() -> String) {
        let violation = Violation { rule, function, irql: irql::current(), detail: detail() };
        let mut violations = self.violations();
        if violations.is_empty() && !self.strict {
            eprintln!("pvgpu: the kernel model noticed a mistake of the driver: {violation}");
        }
        if violations.len() < MAX_VIOLATIONS {
            violations.push(violation);
        }
    }

    /// Everything so far.
    pub(crate) fn all(&self) -> Vec<Violation> {
        self.violations().clone()
    }

    fn violations(&self) -> MutexGuard<'_, Vec<Violation>> {
        self.violations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
