//! `cargo xtask demo`: from nothing to rendered frames, compared with Wine's own renderer.

use std::path::PathBuf;
use std::process::ExitCode;

use pvgpu_control::Guest;

use crate::catalog::{self, Program};
use crate::compare::{self, Match};
use crate::program::Renderer;
use crate::table::{Table, bytes};
use crate::wine::Display;
use crate::{Error, Result, packages, paths, progress, sdl, toolchain};

/// What one program showed.
struct Shown {
    guest: Guest,
    fps: Option<f64>,
    matching: Match,
}

/// Runs the whole demo. The exit code is 1 if a program fails or its frames do not match.
///
/// # Errors
/// If something that all programs need is missing or does not build.
pub fn task() -> Result<ExitCode> {
    packages::ensure(packages::Purpose::Programs)?;
    toolchain::build_host()?;
    toolchain::build_windows()?;
    sdl::ensure()?;
    let programs = catalog::programs();
    let display = Display::start()?;

    let mut table = Table::new(&[
        "program",
        "frames",
        "fps",
        "draws",
        "commands",
        "ring",
        "fence p50",
        "fence p99",
        "image match",
    ]);
    let mut failures = Vec::new();
    for program in &programs {
        match show(program, &display) {
            Ok(shown) => {
                if !shown.matching.passes() {
                    failures.push(format!(
                        "{}: frame {} does not match",
                        program.name, shown.matching.worst_frame
                    ));
                }
                table.push(row(program.name, &shown));
            }
            Err(error) => failures.push(format!("{}: {error}", program.name)),
        }
    }
    println!("\n{table}");
    println!("Frames are in {}.", folder("").display());
    for failure in &failures {
        eprintln!("FAILED {failure}");
    }
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Where a program's frames go.
fn folder(program: &str) -> PathBuf {
    paths::target("demo").join(program)
}

/// Runs one program: on the reference renderer unless its frames are there, on pvgpu with frames saved, and once more for
/// speed, because saving frames takes longer than drawing them.
fn show(program: &Program, display: &Display) -> Result<Shown> {
    let reference = program.reference(display)?;
    let renderer = || Renderer::Pvgpu { link: None };
    let mut outcome = progress::step(format!("Running {} on pvgpu", program.name), || {
        program.shoot(renderer(), folder(program.name), display)
    })?;
    let matching = compare::folders(&reference, &folder(program.name))?;
    if let Some(request) = program.speed_request(renderer()) {
        outcome = progress::step(format!("Measuring {}", program.name), || {
            program.run_and_check(&request, display)
        })?;
    }
    let guest = outcome.guest.ok_or_else(|| Error::Failed("pvgpud has seen no guest".to_owned()))?;
    Ok(Shown { guest, fps: outcome.fps, matching })
}

fn row(name: &str, shown: &Shown) -> Vec<String> {
    let Shown { guest, fps, matching } = shown;
    vec![
        name.to_owned(),
        guest.frames.to_string(),
        fps.map_or_else(|| "–".to_owned(), |fps| format!("{fps:.0}")),
        guest.draws.to_string(),
        guest.commands.to_string(),
        bytes(guest.ring_bytes),
        format!("{} µs", guest.fence_latency.p50_us),
        format!("{} µs", guest.fence_latency.p99_us),
        format!("{:.2} % of {} frames", matching.worst * 100.0, matching.frames),
    ]
}
