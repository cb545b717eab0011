//! The rules of Direct3D 11 that programs rely on, checked by a program of ours through the whole of pvgpu.

use std::fs;

use pvgpu_e2e::sample;
use pvgpu_xtask::program::{Renderer, run};
use pvgpu_xtask::wine::Display;

#[test]
fn the_runtime_keeps_direct3ds_rules() {
    let display = Display::start().expect("an X server starts");
    let (request, output) = sample("d3d-rules", "d3d-rules.exe", &[], Renderer::Pvgpu { link: None });
    let outcome = run(&request, &display).expect("d3d-rules starts");
    let output = fs::read_to_string(output).expect("the output was kept");
    assert_eq!(outcome.code, Some(0), "{output}");
    assert!(output.contains(" 0 broken"), "{output}");
}
