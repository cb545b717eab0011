//! `--link tbstream:DEVICE` on both ends of a stream: one guest at a time, encrypted or trusted, and again after a pulled cable.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pvgpu_control::{Client, Status};
use pvgpu_e2e::background::{Program, run, with_keys};
use pvgpu_e2e::stream::Stream;
use pvgpu_e2e::wait_for;
use pvgpu_transport::secure::Identity;
use pvgpu_xtask::{paths, toolchain};

/// A link that has ended is noticed at once; the rest is for a busy machine.
const NOTICED: Duration = Duration::from_secs(4);

/// The daemon's folder is named after its device: one daemon at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    if std::env::var_os("PVGPU_BUILT").is_none() {
        toolchain::build_host().expect("pvgpud builds");
    }
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn link(stream: &Stream, end: usize) -> String {
    format!("tbstream:{}", stream.path(end).display())
}

fn log(name: &str) -> PathBuf {
    paths::target("e2e/streams").join(format!("{name}.txt"))
}

/// A daemon at end 0; with keys it encrypts, without it trusts the cable.
fn daemon(stream: &Stream, name: &str, keys: Option<&Path>) -> Program {
    let mut command = Command::new(paths::host_program("pvgpud"));
    command.args(["--link", &link(stream, 0), "--cache", "none"]);
    match keys {
        Some(keys) => command.env("PVGPU_KEYS", keys),
        None => command.arg("--trust-link"),
    };
    let daemon = Program::start(&mut command, log(&format!("{name}-pvgpud")));
    daemon.says("serving tbstream:", 1);
    daemon
}

fn status() -> Option<Status> {
    Client::connect(Path::new("/dev/shm/pvgpu-tbstream0")).ok()?.status().ok()
}

/// A program at end 1.
fn guest(keys: Option<&Path>, program: &str) -> Command {
    let mut command = Command::new(paths::host_program(program));
    with_keys(&mut command, keys);
    command
}

/// Commands with their fences, and contents of the heap, go there and back.
fn works(stream: &Stream, keys: Option<&Path>) {
    for what in ["ping", "bulk"] {
        let mut bench = guest(keys, "link-bench");
        let (well, text) = run(bench.args(["--link", &link(stream, 1), what, "--seconds", "0.2"]));
        println!("{what}: {text}");
        assert!(well && text.starts_with('{'), "{what}: {text}");
        gone();
    }
}

/// Waits until the daemon serves nobody.
fn gone() {
    wait_for("the guest to go", NOTICED, || status()?.guests.is_empty().then_some(()));
}

#[test]
fn a_stream_serves_one_guest_after_the_other_and_outlives_its_cable() {
    let _alone = alone();
    let Some(stream) = Stream::new("trusted") else { return };
    let daemon = daemon(&stream, "trusted", None);
    daemon.says("the stream is open, and a guest may come", 1);
    works(&stream, None);

    let mut idle = guest(None, "link-bench");
    let idle = idle.args(["--link", &link(&stream, 1), "idle", "--seconds", "600"]);
    let mut idle = Program::start(idle, log("trusted-guest"));
    idle.says("connected", 1);
    // It has the stream for itself.
    let (well, text) = run(guest(None, "link-bench").args(["--link", &link(&stream, 1), "idle"]));
    assert!(!well && text.contains("another program"), "{text}");

    stream.pull();
    assert!(!idle.ends(NOTICED));
    assert!(idle.text().contains("the link has ended"), "{}", idle.text());
    gone();
    daemon.says("does not exist", 1);
    let (well, text) = run(guest(None, "link-bench").args(["--link", &link(&stream, 1), "idle"]));
    assert!(!well && text.contains("does not exist"), "{text}");

    stream.plug();
    works(&stream, None);
}

#[test]
fn a_killed_guest_and_a_killed_daemon_leave_the_stream_to_the_next() {
    let _alone = alone();
    let Some(stream) = Stream::new("killed") else { return };
    let first = daemon(&stream, "killed", None);
    let mut idle = guest(None, "link-bench");
    let idle = idle.args(["--link", &link(&stream, 1), "idle", "--seconds", "600"]);
    let idle = Program::start(idle, log("killed-guest"));
    idle.says("connected", 1);
    drop(idle);
    gone();
    works(&stream, None);

    let mut idle = guest(None, "link-bench");
    let idle = idle.args(["--link", &link(&stream, 1), "idle", "--seconds", "600"]);
    let mut idle = Program::start(idle, log("killed-guest"));
    idle.says("connected", 1);
    drop(first);
    assert!(!idle.ends(NOTICED));
    let _second = daemon(&stream, "killed", None);
    works(&stream, None);
}

/// A folder with a key of its own, empty of peers.
fn keys(name: &str) -> PathBuf {
    let folder = paths::target("e2e/keys").join(format!("{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    Identity::load_or_make(&folder).expect("a key");
    folder
}

#[test]
fn machines_are_paired_over_their_stream() {
    let _alone = alone();
    let Some(stream) = Stream::new("paired") else { return };
    let (host, handheld) = (keys("stream-host"), keys("stream-guest"));
    let daemon = daemon(&stream, "paired", Some(&host));
    let refused = |keys: Option<&Path>, says: &str| {
        let (well, text) = run(guest(keys, "link-bench").args(["--link", &link(&stream, 1), "idle"]));
        assert!(!well && text.contains(says), "{text}");
    };
    refused(Some(&handheld), "is not paired with this machine");
    refused(None, "serves this link with encryption");
    daemon.says("is refused", 1);
    assert!(status().expect("it lives").guests.is_empty());

    let mut offer = Command::new(paths::host_program("pvgpu-ctl"));
    let offer = offer.args(["--link", &link(&stream, 0), "pair"]).stdout(Stdio::piped());
    let mut offer = offer.spawn().expect("it starts");
    let mut lines =
        BufReader::new(offer.stdout.take().expect("a pipe")).lines().map(|line| line.expect("alive"));
    let command = lines.find(|line| line.contains("pvgpu-ctl pair tbstream:")).expect("it shows a code");
    let code = command.split_whitespace().last().expect("a code");
    let (well, said) = run(guest(Some(&handheld), "pvgpu-ctl").args(["pair", &link(&stream, 1), code]));
    let fingerprint = Identity::load_or_make(&host).expect("a key").fingerprint().to_string();
    assert!(well && said.contains(&fingerprint), "{said}");
    assert!(lines.any(|line| line.contains("paired with")));
    assert!(offer.wait().expect("it ends").success());
    works(&stream, Some(&handheld));
    for folder in [host, handheld] {
        fs::remove_dir_all(folder).expect("removed");
    }
}
