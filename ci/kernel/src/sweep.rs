//! The failure sweep: each scenario runs with its first call that may fail failing, then its second, until none is left.
//!
//! Whatever fails, the driver does not crash, breaks no rule, gives back everything, and says why with an NTSTATUS.

use std::fmt;

use pvgpu_kmd_ddi::{NT_SUCCESS, NTSTATUS};

use crate::rig::{Failure, Outcome, Scenario};

/// What a sweep of one scenario found.
#[derive(Clone, Copy, Debug, Default)]
pub struct Swept {
    /// Runs with a failure in them.
    pub runs: u64,
    /// Runs that ended with the driver's refusal.
    pub refused: u64,
    /// Runs that got to their end all the same.
    pub absorbed: u64,
    /// Runs in which something did not become so that would have.
    pub degraded: u64,
}

impl fmt::Display for Swept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { runs, refused, absorbed, degraded } = self;
        write!(f, "{runs} runs: {refused} refused, {absorbed} absorbed, {degraded} degraded")
    }
}

/// The bit of an NTSTATUS that says that somebody else than Windows has made it up.
const CUSTOMER: u32 = 1 << 29;

/// Whether a status says that something is wrong, and is one that Windows knows.
pub fn is_sane(status: NTSTATUS) -> bool {
    !NT_SUCCESS(status) && status.cast_unsigned() & CUSTOMER == 0
}

/// How many calls that may fail a scenario has; it varies a little with what its threads do first.
pub fn calls(scenario: &Scenario) -> u64 {
    scenario.execute(u64::MAX).injected.calls
}

/// Sweeps one scenario, each `stride`-th failure from `first` on; 1 and 1 for all of them.
///
/// # Panics
/// With a report, at the first run that breaks a rule.
pub fn sweep(scenario: &Scenario, first: u64, stride: u64) -> Swept {
    let mut swept = Swept::default();
    let mut nth = first;
    while step(scenario, nth, &mut swept) {
        nth += stride;
    }
    swept
}

/// Runs a scenario with one failure; false when it has fewer calls that may fail.
///
/// # Panics
/// As [`sweep`].
pub fn step(scenario: &Scenario, nth: u64, swept: &mut Swept) -> bool {
    let outcome = scenario.execute(nth);
    let failed = outcome.injected.failed_at.is_some();
    check(scenario, nth, &outcome, failed);
    if failed {
        swept.runs += 1;
        match outcome.result {
            Ok(()) => swept.absorbed += 1,
            Err(Failure::Status(_)) => swept.refused += 1,
            Err(Failure::Wrong(_)) => swept.degraded += 1,
        }
    }
    failed
}

fn check(scenario: &Scenario, nth: u64, outcome: &Outcome, failed: bool) {
    let sane = match outcome.result {
        Ok(()) => true,
        Err(Failure::Status(status)) => failed && is_sane(status),
        Err(Failure::Wrong(_)) => failed,
    };
    assert!(
        sane && outcome.violations.is_empty(),
        "{} with failure {nth}: {}",
        scenario.name,
        outcome.report()
    );
}
