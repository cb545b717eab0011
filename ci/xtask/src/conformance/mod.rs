//! `cargo xtask conformance`: Wine's own tests of Direct3D 11, DXGI and Direct3D 10, on pvgpu and on Wine's own renderer.
//!
//! The tests come from Debian's source package `wine`, which is fetched into `target/source`; nothing of them is part of the
//! project. Each test function runs as a process of its own, so that a crash or a hang hides nothing else. Two runs
//! are compared check by check, where a check is a line of the test's source: pvgpu is worse where a line fails, is skipped
//! or is never reached that Wine's own renderer passes.
//!
//! - [`suite`] builds the programs, [`functions`] finds the test functions in their source;
//! - [`machine`] runs one function, [`runs`] all that are wanted; Wine's results are kept in `target/conformance/reference`;
//! - [`output`] reads what a function printed, [`verdict`] compares, [`exceptions`] knows what may be worse.

pub mod exceptions;
pub mod functions;
pub mod machine;
pub mod output;
pub mod runs;
pub mod suite;
pub mod verdict;

use std::process::ExitCode;
use std::time::Duration;

use crate::{Result, kernel, packages, paths, progress, toolchain};
use exceptions::Exceptions;
use machine::Road;
use suite::Program;
use verdict::Verdict;

/// TIMEOUT: for one function. Wine's renderer takes up to 60 s for the slowest on two busy cores.
const TIMEOUT: Duration = Duration::from_secs(120);

/// A short set for every day: quick functions, among them creation rules, private data, drawing, compute, Direct3D 10, adapters.
const SAMPLE: [&str; 12] = [
    "d3d11::test_immediate_context",
    "d3d11::test_create_sampler_state",
    "d3d11::test_create_blend_state",
    "d3d11::test_private_data",
    "d3d11::test_scissor",
    "d3d11::test_texture1d",
    "d3d11::test_multiple_render_targets",
    "d3d11::test_update_subresource",
    "d3d11::test_compute_shader_registers",
    "d3d10core::test_create_blend_state",
    "d3d10core::test_scissor",
    "d3d10_1::test_create_blend_state",
];

/// What to run and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Run only functions whose `suite::function` contains this.
    pub filter: Option<String>,
    /// Run only a short set.
    pub sample: bool,
    /// Have the kernel-mode driver's image drive.
    pub kernel: bool,
    /// How many functions run at once.
    pub jobs: usize,
    /// For one function.
    pub timeout: Duration,
    /// Build everything of pvgpu first.
    pub build: bool,
    /// Only say which functions there are.
    pub list: bool,
    /// Run on Wine's own renderer only, so that a later run finds its results.
    pub reference: bool,
    /// Do not run on Wine's own renderer: a function without kept results must pass as a whole.
    pub kept: bool,
}

impl Default for Options {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            filter: None,
            sample: false,
            kernel: false,
            // A function keeps the program and the software renderer busy.
            jobs: (cores / 2).max(1),
            timeout: TIMEOUT,
            build: true,
            list: false,
            reference: false,
            kept: false,
        }
    }
}

impl Options {
    fn wants(&self, name: &str) -> bool {
        (!self.sample || SAMPLE.contains(&name))
            && self.filter.as_deref().is_none_or(|filter| name.contains(filter))
    }
}

/// Runs the functions that are wanted and prints the comparison; the exit code is 1 if something is worse without an exception.
///
/// # Errors
/// If a package, the source or a program of ours is missing or does not build.
pub fn task(options: &Options) -> Result<ExitCode> {
    packages::ensure(packages::Purpose::Programs)?;
    let programs = suite::ensure()?;
    if options.list {
        wanted(&programs, options).iter().for_each(|job| println!("{}", job.name()));
        return Ok(ExitCode::SUCCESS);
    }
    if options.reference {
        run_reference(&wanted(&programs, options), options)?;
        return Ok(ExitCode::SUCCESS);
    }
    if options.build {
        toolchain::build_host()?;
        toolchain::build_windows()?;
        if options.kernel {
            kernel::build()?;
            toolchain::build_kernel_road()?;
        }
    }
    let verdicts = compare(&programs, options)?;
    let exceptions = Exceptions::read()?;
    let judged = exceptions.judge(&verdicts);
    print!("{}", verdict::table(&verdicts));
    print!("{judged}");
    println!("output of each function: {}", paths::target("conformance").display());
    Ok(if judged.passes() && !verdicts.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs the functions that are wanted on both renderers.
///
/// # Errors
/// If Wine, the X server or `pvgpud` cannot be started.
pub fn compare(programs: &[Program], options: &Options) -> Result<Vec<Verdict>> {
    let jobs = wanted(programs, options);
    let reference = if options.kept { runs::kept_only(&jobs)? } else { run_reference(&jobs, options)? };
    let ours = progress::step(format!("pvgpu: {} functions", jobs.len()), || {
        runs::run(&jobs, &Road::Pvgpu { kernel: options.kernel }, options)
    })?;
    let pairs = ours.into_iter().zip(reference);
    Ok(jobs
        .iter()
        .zip(pairs)
        .map(|(job, (ours, reference))| Verdict::new(job.name(), ours, reference))
        .collect())
}

fn run_reference(jobs: &[runs::Job<'_>], options: &Options) -> Result<Vec<output::Run>> {
    progress::step(format!("Wine's own renderer: {} functions", jobs.len()), || {
        runs::run(jobs, &Road::Reference, options)
    })
}

fn wanted<'a>(programs: &'a [Program], options: &Options) -> Vec<runs::Job<'a>> {
    let all = programs
        .iter()
        .flat_map(|program| program.functions.iter().map(move |function| runs::Job { program, function }));
    all.filter(|job| options.wants(&job.name())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_and_the_sample_narrow_each_other() {
        let mut options = Options::default();
        assert!(options.wants("dxgi::test_output"));
        options.filter = Some("::test_create".to_owned());
        assert!(options.wants("d3d11::test_create_blend_state") && !options.wants("dxgi::test_output"));
        assert!(options.wants("d3d11::test_create_query"));
        options.sample = true;
        assert!(
            options.wants("d3d11::test_create_blend_state") && !options.wants("d3d11::test_create_query")
        );
    }
}
