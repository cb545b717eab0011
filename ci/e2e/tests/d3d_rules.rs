//! The rules of Direct3D 11 that programs rely on, checked by a program of ours through the whole of pvgpu.

use std::fs;

use pvgpu_e2e::sample;
use pvgpu_xtask::daemon::Daemon;
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

/// On a host with sparse memory there are tiled resources, whose rules are among the others.
#[test]
fn tiled_resources_are_served_where_the_host_can() {
    let display = Display::start().expect("an X server starts");
    let daemon = Daemon::start_on_new_mesa().expect("pvgpud starts on a newer Mesa");
    let renderer = Renderer::Pvgpu { link: Some(daemon.link().to_owned()) };
    let (request, output) = sample("d3d-rules-tiled", "d3d-rules.exe", &[], renderer);
    let outcome = run(&request, &display).expect("d3d-rules starts");
    let output = fs::read_to_string(output).expect("the output was kept");
    assert_eq!(outcome.code, Some(0), "{output}");
    let kept =
        output.lines().find_map(|line| line.strip_prefix("d3d-rules: ")?.split(' ').next()?.parse().ok());
    // Those of tiles are more than 70.
    assert!(kept.is_some_and(|kept: u32| kept >= 390), "{output}");
}
