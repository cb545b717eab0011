//! `pvgpud`: see the library's documentation; this is its command line.

use std::process::ExitCode;

use pvgpu_host_backend::cli::{HELP, Invocation, parse};
use pvgpu_host_backend::{replay, supervisor, worker};

fn main() -> ExitCode {
    match parse(std::env::args().skip(1)) {
        Ok(Invocation::Help) => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        Ok(Invocation::Version) => {
            println!("pvgpud {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        Ok(Invocation::Work(arguments, level)) => {
            log_to_stderr(&level);
            worker::main(&arguments)
        }
        Ok(Invocation::Replay(options)) => {
            log_to_stderr(&options.log);
            match replay::main(&options) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => fail(&error),
            }
        }
        Ok(Invocation::Serve(options)) => {
            log_to_stderr(&options.log);
            match supervisor::serve(&options) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => fail(&error),
            }
        }
        Err(error) => fail(&error),
    }
}

fn log_to_stderr(level: &str) {
    env_logger::Builder::new().parse_filters(level).format_target(false).init();
}

fn fail(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("pvgpud: {error}");
    ExitCode::FAILURE
}
