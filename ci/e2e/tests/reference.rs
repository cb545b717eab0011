//! Running programs on Wine's own renderer: the yardstick itself.

use std::fs;
use std::path::Path;

use pvgpu_e2e::{program, sample};
use pvgpu_xtask::compare::{self, Picture};
use pvgpu_xtask::paths;
use pvgpu_xtask::program::{Renderer, run};
use pvgpu_xtask::wine::Display;

#[test]
fn the_same_program_gives_the_same_frames() {
    let display = Display::start().expect("an X server starts");
    let [first, second] = ["first", "second"].map(|name| paths::target("e2e/same-frames").join(name));
    for shots in [&first, &second] {
        let (mut request, _) = sample("same-frames", "cube.exe", &["--frames", "12"], Renderer::Reference);
        request.shots = Some(shots.clone());
        assert_eq!(run(&request, &display).expect("cube starts").code, Some(0));
    }
    let result = compare::folders(&first, &second).expect("the frames are comparable");
    assert_eq!((result.frames, result.largest_difference), (12, 0));
    assert_shows_something(&first.join("frame-00001.png"));
}

#[test]
fn sdls_sprites_do_not_depend_on_the_time_of_day() {
    let display = Display::start().expect("an X server starts");
    let program = program("testsprite2", &Renderer::Reference);
    let first = program.reference(&display).unwrap_or_else(|error| panic!("{error}"));
    let second = paths::target("e2e/sprites-again");
    program.shoot(Renderer::Reference, second.clone(), &display).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(compare::folders(&first, &second).expect("the frames are comparable").largest_difference, 0);
}

#[test]
fn a_program_is_stopped_after_so_many_frames() {
    let display = Display::start().expect("an X server starts");
    let shots = paths::target("e2e/stopped/shots");
    let (mut request, output) =
        sample("stopped", "particles.exe", &["--frames", "100000"], Renderer::Reference);
    request.frames = Some(7);
    request.shots = Some(shots.clone());
    assert_eq!(run(&request, &display).expect("particles starts").code, Some(0));
    assert_eq!(compare::frames(&shots).expect("frames were saved").len(), 7);
    let output = fs::read_to_string(output).expect("the output was kept");
    assert!(output.contains("particles: 7 frames"), "{output}");
}

#[test]
fn the_exit_code_is_the_programs() {
    let display = Display::start().expect("an X server starts");
    let (request, output) = sample("exit-code", "cube.exe", &["--no-such-option"], Renderer::Reference);
    assert_eq!(run(&request, &display).expect("cube starts").code, Some(2));
    let output = fs::read_to_string(output).expect("the output was kept");
    assert!(output.contains("--no-such-option"), "{output}");
}

#[test]
fn different_frames_are_told_apart() {
    let display = Display::start().expect("an X server starts");
    let folder = paths::target("e2e/different/shots");
    let (mut request, _) = sample("different", "cube.exe", &["--frames", "24"], Renderer::Reference);
    request.shots = Some(folder.clone());
    assert_eq!(run(&request, &display).expect("cube starts").code, Some(0));
    // One frame of animation apart is already too much to pass as equal.
    let [one, other] = ["one", "other"].map(|name| paths::target("e2e/different").join(name));
    for (folder_to, frame) in [(&one, 5), (&other, 6)] {
        fs::create_dir_all(folder_to).expect("a folder can be made");
        let from = folder.join(format!("frame-{frame:05}.png"));
        fs::copy(from, folder_to.join("frame-00001.png")).expect("a frame can be copied");
    }
    assert!(!compare::folders(&one, &other).expect("the frames are comparable").passes());
}

/// A frame of the cube sample has its background in a corner and something else in the middle.
fn assert_shows_something(frame: &Path) {
    let picture = Picture::read(frame).expect("a PNG file");
    assert_eq!(picture.size(), (640, 480));
    assert_ne!(picture.pixel(0, 0), picture.pixel(320, 300));
}
