//! Programs that render through a mirror, over the network: what they show is what they show on shared memory.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use pvgpu_e2e::{assert_log_clean, program, sample, wait_for};
use pvgpu_transport::secure::{Identity, Peer, Peers, Role};
use pvgpu_xtask::daemon::Daemon;
use pvgpu_xtask::program::{self as run, Renderer, Running};
use pvgpu_xtask::wine::Display;
use pvgpu_xtask::{compare, paths};
use rustix::process::{Pid, Signal, kill_process};

/// The samples' exit code for a lost device.
const DEVICE_LOST: i32 = 3;
/// A program learns that its device is gone within 2 s; the rest is for Wine to end the process.
const END_LIMIT: Duration = Duration::from_secs(4);

/// Runs a program of the catalog over a network and compares its frames with those of Wine's own renderer.
fn looks_like_the_reference(
    display: &Display,
    name: &str,
    folder: &str,
    daemon: &Daemon,
    environment: Vec<(&'static str, String)>,
) {
    let renderer = Renderer::Pvgpu { link: Some(daemon.link().to_owned()) };
    let program = program(name, &renderer);
    let reference = program.reference(display).expect("the reference renderer works");
    let folder = paths::target("e2e").join(folder).join(name);
    let mut request = program.request(renderer, folder.clone());
    request.environment.extend(environment);
    program.run_and_check(&request, display).unwrap_or_else(|error| panic!("{error}"));
    let result = compare::folders(&reference, &folder).unwrap_or_else(|error| panic!("{error}"));
    assert!(
        result.passes(),
        "frame {} in {} is too different: {result:?}",
        result.worst_frame,
        folder.display()
    );
    assert_log_clean(daemon.log());
}

fn trusting() -> Vec<(&'static str, String)> {
    vec![("PVGPU_TRUST_LINK", "1".to_owned())]
}

#[test]
fn programs_look_the_same_over_a_trusted_link() {
    let daemon = Daemon::start_on_network(None, true).expect("pvgpud starts");
    let display = Display::start().expect("an X server starts");
    for name in ["cube", "particles", "testsprite2", "testautomation"] {
        looks_like_the_reference(&display, name, "tcp", &daemon, trusting());
    }
}

/// A folder with a key of its own, empty of peers.
fn keys(name: &str) -> (PathBuf, Identity) {
    let folder = paths::target("e2e/keys").join(format!("{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let identity = Identity::load_or_make(&folder).expect("a key");
    (folder, identity)
}

/// The path as Wine's programs see it.
fn windows_path(path: &Path) -> String {
    format!("Z:{}", path.display()).replace('/', "\\")
}

#[test]
fn paired_machines_render_and_others_are_refused() {
    let ((host, host_key), (guest, guest_key)) = (keys("host"), keys("guest"));
    let daemon = Daemon::start_on_network(Some(&host), true).expect("pvgpud starts");
    let environment = vec![("PVGPU_KEYS", windows_path(&guest)), ("PVGPU_TRUST_LINK", "0".to_owned())];

    // Not paired: the program ends with an error, and nobody has rendered.
    let display = Display::start().expect("an X server starts");
    let renderer = Renderer::Pvgpu { link: Some(daemon.link().to_owned()) };
    let (mut request, output) = sample("unpaired", "cube.exe", &["--frames", "8"], renderer);
    request.environment.extend(environment.clone());
    let outcome = run::run(&request, &display).expect("cube starts");
    assert_ne!(outcome.code, Some(0));
    let text = std::fs::read_to_string(output).expect("the output was kept");
    assert!(text.contains("pair"), "{text}");
    assert!(daemon.status().expect("it lives").guests.is_empty());

    let address = daemon.link().trim_start_matches("tcp://").to_owned();
    let host_side =
        Peer { name: "guest".to_owned(), role: Role::Guest, key: guest_key.public(), address: None };
    Peers::in_folder(&host).add(host_side).expect("written");
    let guest_side =
        Peer { name: "host".to_owned(), role: Role::Host, key: host_key.public(), address: Some(address) };
    Peers::in_folder(&guest).add(guest_side).expect("written");
    looks_like_the_reference(&display, "cube", "tcp-sealed", &daemon, environment);
    for folder in [host, guest] {
        std::fs::remove_dir_all(folder).expect("removed");
    }
}

#[test]
fn a_killed_worker_is_a_removed_device_and_a_new_program_goes_on() {
    let daemon = Daemon::start_on_network(None, true).expect("pvgpud starts");
    let display = Display::start().expect("an X server starts");
    let renderer = || Renderer::Pvgpu { link: Some(daemon.link().to_owned()) };
    let (mut request, output) = sample("cut", "cube.exe", &["--frames", "1000000"], renderer());
    request.environment.extend(trusting());
    let mut running = Running::start(&request, &display).expect("cube starts");
    let guest = wait_for("frames", Duration::from_secs(60), || {
        daemon.status()?.guests.into_iter().find(|guest| guest.frames > 10)
    });
    let worker = i32::try_from(guest.worker_process).ok().and_then(Pid::from_raw).expect("a process");
    kill_process(worker, Signal::KILL).expect("it lived");
    let outcome = running.wait(Some(END_LIMIT)).expect("cube can be waited for");
    assert_eq!(outcome.code, Some(DEVICE_LOST));
    let text = std::fs::read_to_string(output).expect("the output was kept");
    assert!(text.contains("DXGI_ERROR_DEVICE_REMOVED"), "{text}");

    let (mut request, _) = sample("again", "cube.exe", &["--frames", "8"], renderer());
    request.environment.extend(trusting());
    let outcome = run::run(&request, &display).expect("cube starts");
    assert_eq!(outcome.code, Some(0));
    assert_log_clean(daemon.log());
}

#[test]
fn a_restarted_daemon_serves_a_program_that_makes_a_new_device() {
    let daemon = Daemon::start_on_network(None, false).expect("pvgpud starts");
    let display = Display::start().expect("an X server starts");
    let link = daemon.link().to_owned();
    let address = link.trim_start_matches("tcp://").parse().expect("an address");
    let renderer = Renderer::Pvgpu { link: Some(link) };
    let (mut request, _) = sample("restarted", "cube.exe", &["--frames", "1000000", "--recreate"], renderer);
    request.environment.extend(trusting());
    let _running = Running::start(&request, &display).expect("cube starts");
    let renders = |daemon: &Daemon| {
        wait_for("frames", Duration::from_secs(60), || {
            daemon.status()?.guests.into_iter().find(|guest| guest.frames > 10)
        })
    };
    renders(&daemon);
    daemon.kill();
    let daemon =
        Daemon::start_on_cable(address, None).expect("pvgpud starts at the address of the killed one");
    let guest = renders(&daemon);
    assert!(guest.link_counters.is_some_and(|link| link.frames > 0 && link.rtt_ns > 0), "{guest:?}");
}

/// Guests that come and go, every other one without a word, leave neither descriptors nor threads nor workers. 100 by hand:
/// `PVGPU_TEST_CASES=100`.
#[test]
fn guests_that_go_leave_nothing_behind() {
    let daemon = Daemon::start_on_network(None, false).expect("pvgpud starts");
    let cases = std::env::var("PVGPU_TEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(8);
    let process = Path::new("/proc").join(daemon.process().to_string());
    let count = |what: &str| std::fs::read_dir(process.join(what)).expect("it lives").count();
    let probe = |seconds: &str| {
        let mut command = Command::new(paths::host_program("link-bench"));
        command.env("PVGPU_TRUST_LINK", "1").args(["--link", daemon.link(), "idle", "--seconds", seconds]);
        command
    };
    let gone = || {
        wait_for("all guests to go", Duration::from_secs(20), || {
            daemon.status()?.guests.is_empty().then_some(())
        });
    };
    // What the first one leaves is kept for the next ones.
    assert!(probe("0").status().expect("it starts").success());
    gone();
    let before = (count("fd"), count("task"));
    for case in 0..cases {
        if case >= 8 {
            // The listener takes eight connections a second from one address, beyond the first ones.
            std::thread::sleep(Duration::from_millis(250));
        }
        if case % 2 == 0 {
            assert!(probe("0").status().expect("it starts").success());
            continue;
        }
        let mut child = probe("60").spawn().expect("it starts");
        wait_for("a guest", Duration::from_secs(20), || {
            daemon.status()?.guests.iter().any(|guest| guest.link_counters.is_some()).then_some(())
        });
        child.kill().expect("it lived");
        child.wait().expect("it has ended");
    }
    gone();
    let after = || (count("fd"), count("task"));
    wait_for("descriptors and threads to go", Duration::from_secs(10), || {
        (after().0 <= before.0 && after().1 <= before.1).then_some(())
    });
}
