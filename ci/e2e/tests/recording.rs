//! Recordings: a Windows program is recorded through pvgpu-ctl, and pvgpud replays the frames that it showed.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use pvgpu_e2e::{Driver, assert_log_clean, built_image, sample};
use pvgpu_xtask::daemon::Daemon;
use pvgpu_xtask::program::{self, Renderer};
use pvgpu_xtask::wine::Display;
use pvgpu_xtask::{compare, paths};

/// Records a sample, replays it, and compares what it has shown with what the replay gives.
fn replays_as_it_was(name: &str, arguments: &[&str], frames: usize, driver: Driver) {
    let display = Display::start().expect("an X server starts");
    let daemon = Daemon::start(true).expect("pvgpud starts");
    let renderer = Renderer::Pvgpu { link: Some(daemon.link().to_owned()) };
    let test = format!("recording/{name}-{driver:?}");
    let (mut request, _) = sample(&test, &format!("{name}.exe"), arguments, renderer);
    if driver == Driver::Image {
        built_image();
    }
    request.kernel = driver == Driver::Image;
    let folder = paths::target("e2e").join(&test);
    fs::create_dir_all(&folder).expect("a folder");
    let (shots, again) = (folder.join("shown"), folder.join("replayed"));
    let _none = fs::remove_dir_all(&again);
    request.shots = Some(shots.clone());

    let file = folder.join("a.pvrec");
    let mut recorder = Command::new(paths::host_program("pvgpu-ctl"))
        .args(["--link", daemon.link(), "record"])
        .arg(&file)
        .stdout(Stdio::piped())
        .spawn()
        .expect("pvgpu-ctl starts");
    let mut said = BufReader::new(recorder.stdout.take().expect("a pipe"));
    let mut line = String::new();
    said.read_line(&mut line).expect("a line");
    assert_eq!(line, "waiting for a guest to come\n");
    let outcome = program::run(&request, &display).expect("the sample starts");
    assert_eq!(outcome.code, Some(0));
    assert_log_clean(daemon.log());
    let mut rest = String::new();
    said.read_to_string(&mut rest).expect("text");
    assert!(recorder.wait().expect("it ends").success(), "{rest}");
    assert!(
        rest.starts_with("recording guest-") && rest.contains(&format!("{frames} frames of guest-")),
        "{rest}"
    );

    let output = replay(&file, &again);
    assert!(
        output.contains(&format!("all {frames} frames are the recorded ones, byte for byte")),
        "{output}"
    );
    let result = compare::folders(&shots, &again).expect("the frames are comparable");
    assert_eq!(
        (result.frames, result.largest_difference),
        (frames, 0),
        "what was shown, and what is replayed"
    );
}

/// What a strict replay prints, with the validation layers on.
fn replay(file: &Path, frames: &Path) -> String {
    let output = Command::new(paths::host_program("pvgpud"))
        .arg("replay")
        .arg(file)
        .arg("--png")
        .arg(frames)
        .args(["--strict", "--bench", "--validate"])
        .output()
        .expect("pvgpud starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("host ns per draw "), "{text}");
    text
}

#[test]
fn cube_is_replayed_as_it_was() {
    replays_as_it_was("cube", &["--frames", "24"], 24, Driver::Linked);
}

#[test]
fn particles_are_replayed_as_they_were() {
    replays_as_it_was("particles", &["--frames", "24"], 24, Driver::Linked);
}

#[test]
fn cube_on_the_driver_s_file_is_replayed_as_it_was() {
    replays_as_it_was("cube", &["--frames", "24"], 24, Driver::Image);
}
