//! The demo's programs on pvgpu: their frames are those of Wine's own renderer.

use std::time::Duration;

use pvgpu_e2e::{
    Driver, assert_validation_clean, looks_like_the_reference, sample, sdl_suite_passes, wait_for,
};
use pvgpu_xtask::daemon::Daemon;
use pvgpu_xtask::program::{self, Renderer, Running};
use pvgpu_xtask::wine::Display;
use pvgpu_xtask::{compare, paths};

const PVGPU: Renderer = Renderer::Pvgpu { link: None };

#[test]
fn cube_looks_like_the_reference() {
    looks_like_the_reference("cube", Driver::Linked);
}

#[test]
fn particles_look_like_the_reference() {
    looks_like_the_reference("particles", Driver::Linked);
}

#[test]
fn sdl_render_suite_passes_and_looks_like_the_reference() {
    sdl_suite_passes(Driver::Linked);
}

#[test]
fn sdl_sprites_look_like_the_reference() {
    looks_like_the_reference("testsprite2", Driver::Linked);
}

#[test]
fn both_swap_chain_models_show_the_same() {
    let display = Display::start().expect("an X server starts");
    let folders = [("blit", None), ("flip", Some("--flip"))].map(|(name, option)| {
        let folder = paths::target("e2e/models").join(name);
        let arguments: Vec<&str> = ["--frames", "24"].into_iter().chain(option).collect();
        let (mut request, _) = sample("models", "cube.exe", &arguments, PVGPU);
        request.shots = Some(folder.clone());
        let outcome = program::run(&request, &display).expect("cube starts");
        assert_eq!(outcome.code, Some(0));
        assert_validation_clean(&outcome);
        folder
    });
    let result = compare::folders(&folders[0], &folders[1]).expect("the frames are comparable");
    assert_eq!((result.frames, result.largest_difference), (24, 0));
}

#[test]
fn a_steady_frame_waits_for_nobody() {
    let display = Display::start().expect("an X server starts");
    let daemon = Daemon::start(false).expect("pvgpud starts");
    let renderer = Renderer::Pvgpu { link: Some(daemon.link().to_owned()) };
    let (request, _) = sample("steady", "cube.exe", &["--frames", "1000000"], renderer);
    let _running = Running::start(&request, &display).expect("cube starts");
    let guest_after = |frames| {
        wait_for("frames", Duration::from_secs(60), || {
            let guest = daemon.status()?.guests.into_iter().next()?;
            (guest.frames >= frames).then_some(guest)
        })
    };
    // The first frames may wait for pipelines; from then on there is no reason to.
    let early = guest_after(30);
    let late = guest_after(early.frames + 60);
    assert_eq!(
        late.sync_round_trips, early.sync_round_trips,
        "waits between frames {} and {}",
        early.frames, late.frames
    );
}
