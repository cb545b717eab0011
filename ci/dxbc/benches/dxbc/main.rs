//! How long our compiler takes and how much it writes, beside vkd3d-shader, shader by shader in one run.
//!
//! `cargo bench -p pvgpu-dxbc-tests --bench dxbc -- [--json] [--list] [FOLDER…]`: the fixtures, and every container under the
//! folders. Both compilers serve from processes that are started before; each measures the call alone. Rounds over all
//! shaders alternate between the two, and a shader's time is its median over the rounds, so what else runs on the
//! machine hits both. `--list` prints each shader, the worst ratio of instructions first.
//!
//! Exit code 1 when a bar is missed that does not depend on the machine.

mod measure;
mod report;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use pvgpu_dxbc_tests::corpus;

fn main() -> ExitCode {
    let mut options = report::Options::default();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dxbc/tests/in")];
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--json" => options.json = true,
            "--list" => options.list = true,
            // Cargo's own.
            "--bench" => {}
            folder => folders.push(PathBuf::from(folder)),
        }
    }
    let mut shaders = Vec::new();
    for folder in &folders {
        match corpus::under(folder) {
            Ok(found) => shaders.extend(found),
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        }
    }
    match measure::both(&shaders) {
        Ok(outcome) => report::print(&outcome, options),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
