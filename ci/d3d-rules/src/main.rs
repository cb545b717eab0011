//! Checks rules of Direct3D 11 that programs rely on: counting, identity, descriptions, hazards, mapping, queries.
//!
//! It knows nothing of pvgpu: it tests the d3d11.dll that it finds. On pvgpu it shows that we keep the rules; on Wine's own
//! (`cargo xtask run --reference`) that they are not our invention, but for a few that Wine 8 does not enforce and
//! Microsoft documents. One line for each broken rule; the exit code is 1 if there is one.
//!
//! Rules about several processes start the program again, with `--peer`.
//!
//! `--bench` instead measures what a draw costs the application's thread, `--bench-record` how the recording of command lists
//! scales with threads.

#[cfg(windows)]
mod bench;
#[cfg(windows)]
mod check;
#[cfg(windows)]
mod device;
#[cfg(windows)]
mod peer;
#[cfg(windows)]
mod rules;

#[cfg(windows)]
fn main() -> std::process::ExitCode {
    if std::env::args().any(|argument| argument == "--bench") {
        return finish(bench::run().map(|()| std::process::ExitCode::SUCCESS));
    }
    if std::env::args().any(|argument| argument == "--bench-record") {
        return finish(bench::record().map(|()| std::process::ExitCode::SUCCESS));
    }
    if std::env::args().any(|argument| argument == peer::ARGUMENT) {
        return finish(peer::run().map(|()| std::process::ExitCode::SUCCESS));
    }
    let mut report = check::Report::default();
    finish(rules::all(&mut report).map(|()| report.finish()))
}

/// The exit code, or 2 and a line that says what went wrong.
#[cfg(windows)]
fn finish(result: windows::core::Result<std::process::ExitCode>) -> std::process::ExitCode {
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("d3d-rules: {error}");
            std::process::ExitCode::from(2)
        }
    }
}

#[cfg(not(windows))]
fn main() {
    println!("d3d-rules is for Windows; `cargo xtask run` starts it under Wine.");
}
