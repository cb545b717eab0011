//! Runs a Windows program and has the frames it presents saved, whatever renderer it uses.
//!
//! `pvgpu-shots.exe [--frames N] [--shots DIR] -- PROGRAM ARGS…`: the program is started suspended, `pvgpu_shots.dll` (next
//! to this file) is loaded into it and hooks Present, then the program runs. Its exit code is handed on; 120 means that it
//! could not be started. `cargo xtask run --reference` uses this for Wine's own renderer; pvgpu's own DLLs save frames by
//! themselves and by the same rules (`PVGPU_FRAMES`, `PVGPU_SHOTS`).

#[cfg(windows)]
mod process;

/// The exit code for a program that could not be started or hooked.
#[cfg(windows)]
const EXIT_NOT_STARTED: i32 = 120;

#[cfg(windows)]
const USAGE: &str = "usage: pvgpu-shots [--frames N] [--shots DIR] -- PROGRAM ARGS...";

#[cfg(windows)]
fn main() {
    let code = command(std::env::args_os().skip(1)).and_then(process::run_hooked).unwrap_or_else(|message| {
        eprintln!("pvgpu-shots: {message}");
        EXIT_NOT_STARTED
    });
    std::process::exit(code);
}

/// The program to start, with the hook's settings in its environment.
#[cfg(windows)]
fn command(mut arguments: impl Iterator<Item = std::ffi::OsString>) -> Result<std::process::Command, String> {
    let mut settings = Vec::new();
    while let Some(argument) = arguments.next() {
        let variable = match argument.to_str() {
            Some("--frames") => "PVGPU_FRAMES",
            Some("--shots") => "PVGPU_SHOTS",
            Some("--") => break,
            _ => return Err(format!("unknown option {argument:?}\n{USAGE}")),
        };
        let value = arguments.next().ok_or_else(|| format!("{argument:?} needs a value\n{USAGE}"))?;
        settings.push((variable, value));
    }
    let program = arguments.next().ok_or_else(|| format!("no program given\n{USAGE}"))?;
    let mut command = std::process::Command::new(program);
    command.args(arguments).envs(settings);
    Ok(command)
}

#[cfg(not(windows))]
fn main() {
    eprintln!(
        "pvgpu-shots is a Windows program: `cargo xtask run --reference --shots DIR -- PROGRAM.exe` runs it under Wine"
    );
}
