//! Hostile user mode: a sample with a fixed seed, or `PVGPU_FUZZ_CALLS` calls from `PVGPU_FUZZ_SEED` on.

use pvgpu_kernel_tests::rig::Rig;
use pvgpu_kernel_tests::{fuzz, scenario};

/// Calls of a sample.
const SAMPLE: u64 = 60_000;

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn hostile_processes_get_an_ntstatus() {
    let (calls, seed) = (number("PVGPU_FUZZ_CALLS", SAMPLE), number("PVGPU_FUZZ_SEED", 1));
    for (options, seed) in [(scenario::root(), seed), (scenario::pci_message(), seed + 1)] {
        let start = std::time::Instant::now();
        let device = options.device;
        let rig =
            Rig::boot(fuzz::options(options), 0).unwrap_or_else(|outcome| panic!("{}", outcome.report()));
        let fuzzed = fuzz::run(&rig, seed, calls);
        rig.system.unload();
        let violations = rig.system.violations();
        let lines = rig.system.debug_lines();
        assert!(
            violations.is_empty(),
            "seed {seed}: {:#?}\n{lines:#?}",
            &violations[..violations.len().min(10)]
        );
        let fuzzed = fuzzed.unwrap_or_else(|failure| panic!("seed {seed}: {failure}\n{lines:#?}"));
        println!("{device:?}, seed {seed}: {}, {:.1} s", fuzzed.report(), start.elapsed().as_secs_f64());
        assert!(fuzzed.accepted > calls / 20, "hardly anything is accepted: nothing is tried");
    }
}
