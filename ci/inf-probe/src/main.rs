//! `inf-probe FILE.inf [SECTION…] [--services SECTION]`: prints what SetupAPI makes of an INF, one fact a line, fields separated by tabs.
//!
//! - `entry SECTION KEY FIELD…`: every entry, with strings and directory ids replaced;
//! - `source FILE DISK PLACE`: where each file of `[SourceDisksFiles]` is taken from;
//! - `value SECTION KEY NAME TYPE DATA…`: what the registry part of each SECTION writes, done for real below a scratch key;
//! - `service NAME VALUE TYPE DATA`: the service that the SECTION of `--services` installs. **It is installed for real**: for Wine's
//!   scratch prefixes only.
//!
//! `cargo xtask package` runs it under Wine and compares with our own reading of the file; on Windows it prints what Windows
//! itself reads.

#[cfg(windows)]
mod setup;

use std::process::ExitCode;

#[cfg(windows)]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((file, sections)) = arguments.split_first() else {
        eprintln!("inf-probe: name an INF");
        return ExitCode::from(2);
    };
    match setup::probe(file, sections) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("inf-probe: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(windows))]
fn main() -> ExitCode {
    eprintln!("inf-probe asks Windows' setup library and is built for Windows only");
    ExitCode::FAILURE
}
