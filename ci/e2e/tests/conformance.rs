//! Wine's own tests, a short set of them: no check may fail that passes on Wine's own renderer.

use pvgpu_e2e::{built, built_image};
use pvgpu_xtask::conformance::exceptions::Exceptions;
use pvgpu_xtask::conformance::{Options, compare, suite};
use pvgpu_xtask::program::Renderer;

/// Runs the functions and demands that they ran to their ends and are nowhere worse.
fn check(options: &Options) {
    built(&Renderer::Pvgpu { link: None });
    let programs = suite::ensure().expect("the tests can be had and built");
    let verdicts = compare(&programs, options).expect("they can be run");
    assert!(!verdicts.is_empty(), "no function was chosen");
    for verdict in &verdicts {
        assert!(verdict.ours.executed.is_some_and(|checks| checks > 0), "{} checked nothing", verdict.name);
    }
    let judged = Exceptions::read().expect("the exceptions are right").judge(&verdicts);
    assert!(judged.passes(), "{judged}");
}

#[test]
fn the_sample_is_nowhere_worse_than_on_wines_renderer() {
    check(&Options { sample: true, ..Options::default() });
}

#[test]
fn nor_with_the_kernel_mode_drivers_file() {
    built_image();
    let filter = Some("d3d11::test_scissor".to_owned());
    check(&Options { sample: true, kernel: true, filter, ..Options::default() });
}
