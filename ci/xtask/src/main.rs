//! `cargo xtask TASK`: see [`pvgpu_xtask::cli`] for the tasks.

use std::process::ExitCode;

fn main() -> ExitCode {
    match pvgpu_xtask::cli::parse(std::env::args_os().skip(1)).and_then(pvgpu_xtask::perform) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}
