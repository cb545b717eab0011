//! The rules of swap chains, checked by a program of ours against our dxgi.dll alone.

use std::fs;

use pvgpu_e2e::sample;
use pvgpu_xtask::program::{Renderer, run};
use pvgpu_xtask::wine::Display;

#[test]
fn swap_chains_keep_dxgis_rules() {
    let display = Display::start().expect("an X server starts");
    let (request, output) = sample("dxgi-rules", "dxgi-rules.exe", &[], Renderer::Pvgpu { link: None });
    let outcome = run(&request, &display).expect("dxgi-rules starts");
    let output = fs::read_to_string(output).expect("the output was kept");
    assert_eq!(outcome.code, Some(0), "{output}");
    assert!(output.contains("a_run_saves_its_frames_and_ends ... ok"), "{output}");
}
