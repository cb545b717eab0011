//! Serves vkd3d-shader: containers on the standard input, SPIR-V and times on the standard output.

use std::process::ExitCode;

use pvgpu_dxbc_tests::peer::{serve, vkd3d::Vkd3d};

fn main() -> ExitCode {
    let result = Vkd3d::open().and_then(|vkd3d| serve(&vkd3d).map_err(|error| error.to_string()));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("vkd3d-peer: {error}");
            ExitCode::FAILURE
        }
    }
}
