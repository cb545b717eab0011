//! What happens when a part of the road breaks while a program renders.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use pvgpu_control::Guest;
use pvgpu_e2e::{sample, wait_for};
use pvgpu_xtask::daemon::Daemon;
use pvgpu_xtask::program::{self, Renderer, Running};
use pvgpu_xtask::wine::Display;

/// The samples' exit code for a lost device.
const DEVICE_LOST: i32 = 3;
/// A program learns that its device is gone within 2 s; the rest is for Wine to end the process.
const END_LIMIT: Duration = Duration::from_secs(4);
/// For starting a program on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(60);

#[test]
fn a_killed_daemon_is_a_lost_device() {
    let display = Display::start().expect("an X server starts");
    let daemon = Daemon::start(false).expect("pvgpud starts");
    let (request, output) = sample("killed-daemon", "cube.exe", &["--frames", "1000000"], on(&daemon));
    let mut running = Running::start(&request, &display).expect("cube starts");
    rendering_guest(&daemon);
    let killed = Instant::now();
    daemon.kill();
    let outcome = running.wait(Some(END_LIMIT)).expect("cube can be waited for");
    assert_eq!(outcome.code, Some(DEVICE_LOST), "after {:?}", killed.elapsed());
    let output = fs::read_to_string(output).expect("the output was kept");
    assert!(output.contains("DXGI_ERROR_DEVICE_REMOVED"), "{output}");
}

#[test]
fn a_restarted_daemon_serves_a_new_device() {
    let display = Display::start().expect("an X server starts");
    let daemon = Daemon::start(false).expect("pvgpud starts");
    let name = daemon.link().trim_start_matches("shm:").to_owned();
    let (request, _) =
        sample("restarted-daemon", "cube.exe", &["--frames", "1000000", "--recreate"], on(&daemon));
    let _running = Running::start(&request, &display).expect("cube starts");
    rendering_guest(&daemon);
    daemon.kill();
    let daemon =
        Daemon::start_on(&name, false).expect("pvgpud starts on the link that the killed one has left");
    rendering_guest(&daemon);
}

#[test]
fn a_killed_program_leaves_nothing_behind() {
    let display = Display::start().expect("an X server starts");
    let daemon = Daemon::start(false).expect("pvgpud starts");
    let folder = Path::new("/dev/shm").join(daemon.link().replacen("shm:", "pvgpu-", 1));
    let descriptors = Path::new("/proc").join(daemon.process().to_string()).join("fd");
    // A daemon that has just begun to serve may still have something of its start open.
    wait_for("the daemon to answer", START_LIMIT, || daemon.status());
    thread::sleep(Duration::from_millis(500));
    let before = (targets(&descriptors), targets(&folder));
    for _ in 0..2 {
        let (request, _) = sample("killed-program", "cube.exe", &["--frames", "1000000"], on(&daemon));
        let mut running = Running::start(&request, &display).expect("cube starts");
        let worker = rendering_guest(&daemon).worker_process;
        running.kill();
        wait_for("the guest to be gone", END_LIMIT, || daemon.status()?.guests.is_empty().then_some(()));
        let entry = Path::new("/proc").join(worker.to_string());
        wait_for("its worker to end", END_LIMIT, || (!entry.exists()).then_some(()));
    }
    let end = Instant::now() + END_LIMIT;
    while (targets(&descriptors), targets(&folder)) != before && Instant::now() < end {
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(
        (targets(&descriptors), targets(&folder)),
        before,
        "open files and shared files are as before"
    );
}

#[test]
fn without_a_daemon_one_sentence_says_what_to_do() {
    let display = Display::start().expect("an X server starts");
    let nobody = Renderer::Pvgpu { link: Some("shm:nobody-serves-this".to_owned()) };
    let (request, output) = sample("no-daemon", "cube.exe", &[], nobody);
    let outcome = program::run(&request, &display).expect("cube starts");
    assert_eq!(outcome.code, Some(1));
    let output = fs::read_to_string(output).expect("the output was kept");
    assert!(output.contains("pvgpud --link shm:nobody-serves-this"), "{output}");
}

fn on(daemon: &Daemon) -> Renderer {
    Renderer::Pvgpu { link: Some(daemon.link().to_owned()) }
}

/// Waits until a guest shows frames.
fn rendering_guest(daemon: &Daemon) -> Guest {
    wait_for("a guest to render", START_LIMIT, || {
        daemon.status()?.guests.into_iter().find(|guest| guest.frames > 5)
    })
}

/// The entries of a folder, sorted; for links (as a process's descriptors are) what they point to, without changing numbers.
fn targets(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| {
        let path = entry.path();
        let name = fs::read_link(&path).unwrap_or(path).display().to_string();
        name.split(':').next().unwrap_or_default().to_owned()
    });
    let mut targets: Vec<String> = entries.collect();
    targets.sort();
    targets
}
