//! Serves our compiler in the way that `vkd3d-peer` serves vkd3d-shader, so that a panic ends this process only.

use std::process::ExitCode;

use pvgpu_dxbc_tests::peer::{ours::Ours, serve};

fn main() -> ExitCode {
    match serve(&Ours::default()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dxbc-worker: {error}");
            ExitCode::FAILURE
        }
    }
}
