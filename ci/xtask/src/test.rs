//! `cargo xtask test`: everything that must pass before a change is merged, in the order of how soon it tells something.

use std::process::{Command, ExitCode};
use std::time::Instant;

use crate::table::Table;
use crate::{Result, client, kernel, package, packages, process, toolchain, wine};

/// One part of the tests: its name and what it does.
type Part = (&'static str, fn() -> Result<()>);

/// All parts. A part that fails does not keep the later ones from running.
const PARTS: [Part; 11] = [
    ("format", || process::run(&mut cargo(&["fmt", "--all", "--check"]))),
    ("lints", || {
        process::run(&mut cargo(&[
            "clippy",
            "--quiet",
            "--workspace",
            "--all-targets",
            "--",
            "--deny",
            "warnings",
        ]))
    }),
    ("driver builds", kernel::build),
    ("unit and property tests", || {
        let mut tests = cargo(&["test", "--no-fail-fast", "--workspace", "--exclude", "pvgpu-e2e"]);
        process::run(tests.env("PVGPU_BUILT", "1"))
    }),
    ("models of the ring (loom)", || {
        process::run(&mut cargo(&[
            "test",
            "--package",
            "pvgpu-ring",
            "--features",
            "loom",
            "--test",
            "loom",
            "--test",
            "loom_mirror",
            "--release",
        ]))
    }),
    ("programs build", || {
        toolchain::build_host()?;
        toolchain::build_vm()?;
        toolchain::build_windows()?;
        toolchain::build_kernel_road()
    }),
    ("lints of the Windows programs", toolchain::lint_windows),
    ("lints of the driver", kernel::lint),
    ("driver package", || package::task(&package::Options::default()).map(|_| ())),
    ("third-party clients build", client::ensure),
    ("end to end", || {
        // One at a time: each runs a Windows program and a software renderer, which fill a small machine.
        let mut tests =
            cargo(&["test", "--no-fail-fast", "--package", "pvgpu-e2e", "--", "--test-threads", "1"]);
        process::run(tests.env("PVGPU_BUILT", "1"))
    }),
];

/// Runs all parts; the exit code is 1 if one fails.
///
/// # Errors
/// If packages are missing and cannot be installed.
pub fn task() -> Result<ExitCode> {
    packages::ensure(packages::Purpose::Everything)?;
    wine::template()?;
    let mut table = Table::new(&["part", "result", "seconds"]);
    let mut failed = false;
    for (name, part) in PARTS {
        eprintln!("==> Testing: {name}");
        let start = Instant::now();
        let result = part();
        if let Err(error) = &result {
            eprintln!("FAILED {name}: {error}");
            failed = true;
        }
        let word = if result.is_ok() { "passed" } else { "FAILED" };
        table.push(vec![name.to_owned(), word.to_owned(), format!("{:.0}", start.elapsed().as_secs_f64())]);
    }
    println!("\n{table}");
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = toolchain::cargo();
    cargo.args(arguments);
    cargo
}
