//! Translates and validates every shader under some folders: `dxbc-corpus FOLDER…`; `cargo xtask dxbc-corpus` builds and runs it.
//!
//! The exit code is 1 if a module is invalid, if the compiler panicked or hung, or if there was nothing to translate.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use pvgpu_dxbc_tests::corpus::{self, judge};
use pvgpu_dxbc_tests::peer::Process;

fn main() -> ExitCode {
    match run(std::env::args_os().skip(1).map(PathBuf::from).collect()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("dxbc-corpus: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(folders: Vec<PathBuf>) -> Result<ExitCode, Box<dyn std::error::Error>> {
    if folders.is_empty() {
        return Err("usage: dxbc-corpus FOLDER…".into());
    }
    let mut worker = Process::new(&sibling("dxbc-worker")?);
    let mut code = ExitCode::SUCCESS;
    for folder in folders {
        let found = corpus::under(&folder)?;
        if found.is_empty() {
            return Err(format!("there is no DXBC container under {}", folder.display()).into());
        }
        let report = judge::judge(&found, &mut worker)?;
        println!("{}\n{report}", folder.display());
        if !report.is_good() {
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

/// A program that was built beside this one.
fn sibling(name: &str) -> std::io::Result<PathBuf> {
    Ok(std::env::current_exe()?.parent().unwrap_or(Path::new(".")).join(name))
}
