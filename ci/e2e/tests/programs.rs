//! The demo's programs on pvgpu: their frames are those of Wine's own renderer.

use std::fs;
use std::path::Path;
use std::time::Duration;

use pvgpu_e2e::{program, sample, wait_for};
use pvgpu_xtask::daemon::Daemon;
use pvgpu_xtask::program::{self, Outcome, Renderer, Running};
use pvgpu_xtask::wine::Display;
use pvgpu_xtask::{compare, paths};

const PVGPU: Renderer = Renderer::Pvgpu { link: None };

#[test]
fn cube_looks_like_the_reference() {
    check("cube");
}

#[test]
fn particles_look_like_the_reference() {
    check("particles");
}

#[test]
fn sdl_render_suite_passes_and_looks_like_the_reference() {
    let outcome = check("testautomation");
    let output =
        fs::read_to_string(paths::target("e2e/testautomation/output.txt")).expect("the output was kept");
    assert!(output.contains("Run Summary:") && output.contains("Failed=0"), "{output}");
    assert!(outcome.guest.is_some_and(|guest| guest.draws > 0), "pvgpud has drawn nothing");
}

#[test]
fn sdl_sprites_look_like_the_reference() {
    check("testsprite2");
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

/// Runs a program of the catalog and compares its frames with the reference's.
fn check(name: &str) -> Outcome {
    let display = Display::start().expect("an X server starts");
    let program = program(name, &PVGPU);
    let reference = program.reference(&display).expect("the reference renderer works");
    let folder = paths::target("e2e").join(name);
    let mut request = program.request(PVGPU, folder.clone());
    request.validate = true;
    let outcome = program.run_and_check(&request, &display).unwrap_or_else(|error| panic!("{error}"));
    let result = compare::folders(&reference, &folder).unwrap_or_else(|error| panic!("{error}"));
    assert!(
        result.passes(),
        "frame {} in {} is too different: {result:?}",
        result.worst_frame,
        folder.display()
    );
    assert_validation_clean(&outcome);
    outcome
}

/// The validation layer has had nothing to say. Its messages name a rule of Vulkan's specification: `VUID-…`.
fn assert_validation_clean(outcome: &Outcome) {
    let log = outcome.daemon_log.as_deref().unwrap_or(Path::new(""));
    let text = fs::read_to_string(log).expect("the daemon has a log");
    let complaints: Vec<&str> = text.lines().filter(|line| line.contains("VUID-")).take(5).collect();
    assert!(complaints.is_empty(), "{}: {complaints:#?}", log.display());
}
