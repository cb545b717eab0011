//! Every scenario with failures injected: a sample of them, all with `PVGPU_SWEEP=all`, or the n-th alone with its number.
//! `PVGPU_SCENARIO` names the scenarios, all that contain it.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use pvgpu_kernel_tests::rig::Scenario;
use pvgpu_kernel_tests::scenario;
use pvgpu_kernel_tests::sweep::{Swept, calls, step, sweep};

/// Failures that are tried of each scenario in a sample, about; the first of them changes from scenario to scenario.
const SAMPLE: u64 = 12;
/// Scenarios at a time: most of a run is spent waiting for time limits.
const THREADS: usize = 4;

fn run(scenario: &Scenario, index: u64, which: &str) -> Swept {
    if let Ok(nth) = which.parse() {
        let mut swept = Swept::default();
        step(scenario, nth, &mut swept);
        return swept;
    }
    if which == "all" {
        return sweep(scenario, 1, 1);
    }
    let stride = calls(scenario) / SAMPLE + 1;
    sweep(scenario, 1 + index % stride, stride)
}

#[test]
fn whatever_fails_the_driver_gives_back_what_it_took() {
    let which = std::env::var("PVGPU_SWEEP").unwrap_or_default();
    let only = std::env::var("PVGPU_SCENARIO").unwrap_or_default();
    let scenarios: Vec<Scenario> = scenario::ALL
        .iter()
        .copied()
        .flatten()
        .filter(|scenario| scenario.name.contains(&only))
        .copied()
        .collect();
    let (next, runs) = (AtomicUsize::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some((index, scenario)) = take(&next, &scenarios) {
                    let start = Instant::now();
                    let swept = run(scenario, index, &which);
                    println!("{}: {swept}; {:.1} s", scenario.name, start.elapsed().as_secs_f64());
                    runs.fetch_add(swept.runs, Ordering::Relaxed);
                }
            });
        }
    });
    let runs = runs.into_inner();
    println!("{runs} runs with a failure");
    assert_ne!(runs, 0, "nothing failed");
}

/// The next scenario, with its place in the list.
fn take<'s>(next: &AtomicUsize, scenarios: &'s [Scenario]) -> Option<(u64, &'s Scenario)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    // CAST: a place in a short list.
    Some((index as u64, scenarios.get(index)?))
}
