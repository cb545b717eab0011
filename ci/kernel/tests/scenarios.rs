//! Every scenario, once, without failures.

use pvgpu_kernel_tests::scenario;

#[test]
fn every_scenario_runs_without_a_violation() {
    let only = std::env::var("PVGPU_SCENARIO").unwrap_or_default();
    let mut ran = 0;
    let all = scenario::ALL.iter().chain(scenario::LONG).copied().flatten();
    for scenario in all.filter(|scenario| scenario.name.contains(&only)) {
        let start = std::time::Instant::now();
        scenario.check();
        println!("{}: {:.0} ms", scenario.name, start.elapsed().as_secs_f64() * 1000.0);
        ran += 1;
    }
    assert_ne!(ran, 0, "PVGPU_SCENARIO names no scenario");
}
