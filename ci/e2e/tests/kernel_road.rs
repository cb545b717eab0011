//! The driver's file, pvgpukmd.sys, on the road of real programs: under Wine, in place of the driver that is linked into our
//! d3d11.dll.

use std::fs;
use std::time::Duration;

use pvgpu_e2e::{Driver, built, built_image, looks_like_the_reference, sample, sdl_suite_passes};
use pvgpu_xtask::paths;
use pvgpu_xtask::program::{self, Output, Renderer, Request};
use pvgpu_xtask::wine::{Display, windows_path};

const PVGPU: Renderer = Renderer::Pvgpu { link: None };

#[test]
fn cube_looks_the_same() {
    looks_like_the_reference("cube", Driver::Image);
}

#[test]
fn particles_look_the_same() {
    looks_like_the_reference("particles", Driver::Image);
}

#[test]
fn sdl_render_suite_passes_and_looks_the_same() {
    sdl_suite_passes(Driver::Image);
}

#[test]
fn sdl_sprites_look_the_same() {
    looks_like_the_reference("testsprite2", Driver::Image);
}

#[test]
fn without_the_image_nothing_renders() {
    let display = Display::start().expect("an X server starts");
    let (mut request, output) = sample("no-image", "cube.exe", &["--frames", "3"], PVGPU);
    built_image();
    request.kernel = true;
    // Set after ours, so it wins.
    request.environment.push(("PVGPU_DRIVER_IMAGE", "Z:\\no\\such\\pvgpukmd.sys".to_owned()));
    let outcome = program::run(&request, &display).expect("cube starts");
    let output = fs::read_to_string(output).expect("the output was kept");
    assert!(outcome.code.is_some_and(|code| code != 0), "cube rendered without a driver: {output}");
    assert!(output.contains("pvgpukmd.sys"), "nobody said which file is missing: {output}");
}

/// The image's exception handlers work with a system's exceptions, not only with the loader's signals on Linux.
#[test]
fn the_image_handles_exceptions_under_wine() {
    built(&Renderer::Reference);
    built_image();
    let display = Display::start().expect("an X server starts");
    let output = paths::target("e2e/image-check/output.txt");
    let image = windows_path(&paths::kernel_file("pvgpukmd.sys"));
    for task in ["copy", "map", "refused"] {
        let request = Request {
            arguments: vec![image.clone().into(), task.into()],
            timeout: Some(Duration::from_secs(60)),
            output: Output::File(output.clone()),
            ..Request::new(Renderer::Reference, paths::windows_file("pvgpu-image-check.exe"))
        };
        let outcome = program::run(&request, &display).expect("the program starts");
        let output = fs::read_to_string(&output).expect("the output was kept");
        assert_eq!(outcome.code, Some(0), "{task}: {output}");
    }
}
