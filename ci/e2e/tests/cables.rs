//! `--link thunderbolt:auto` on both ends of a cable: found by its beacon, lost when the cable is pulled, and found again.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pvgpu_control::{Client, Status};
use pvgpu_e2e::background::{Program, run, with_keys};
use pvgpu_e2e::cable::{Cable, INTERFACE, Side};
use pvgpu_e2e::{sample, wait_for};
use pvgpu_transport::secure::Identity;
use pvgpu_xtask::program::{Renderer, Running};
use pvgpu_xtask::wine::Display;
use pvgpu_xtask::{paths, toolchain};

/// A link that has ended is noticed within a second, on both ends; the rest is for a busy machine.
const NOTICED: Duration = Duration::from_secs(4);
const LINK: &str = "thunderbolt:auto";

/// The daemon's folder is named after its link: one daemon at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    if std::env::var_os("PVGPU_BUILT").is_none() {
        toolchain::build_host().expect("pvgpud builds");
    }
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A daemon at the host's end; with keys it encrypts, without it trusts the cable.
fn daemon(cable: &Cable, name: &str, keys: Option<&Path>) -> Program {
    let mut command = cable.command(Side::Host, paths::host_program("pvgpud"));
    command.args(["--link", LINK, "--cache", "none"]);
    match keys {
        Some(keys) => command.env("PVGPU_KEYS", keys),
        None => command.arg("--trust-link"),
    };
    let daemon = Program::start(&mut command, paths::target("e2e/cables").join(format!("{name}-pvgpud.txt")));
    daemon.says("serving thunderbolt:auto", 1);
    daemon
}

fn status() -> Option<Status> {
    Client::connect(Path::new("/dev/shm/pvgpu-thunderbolt")).ok()?.status().ok()
}

fn guest(cable: &Cable, keys: Option<&Path>, program: &str) -> Command {
    let mut command = cable.command(Side::Guest, paths::host_program(program));
    with_keys(&mut command, keys);
    command
}

/// Commands and their fences go there and back.
fn pings(cable: &Cable, keys: Option<&Path>) {
    let (well, text) =
        run(guest(cable, keys, "link-bench").args(["--link", LINK, "ping", "--seconds", "0.2"]));
    assert!(well && text.contains("p50_us"), "{text}");
    gone();
}

/// Waits until the daemon serves nobody.
fn gone() {
    wait_for("the guest to go", NOTICED, || status()?.guests.is_empty().then_some(()));
}

#[test]
fn a_cable_is_found_lost_and_found_again() {
    let _alone = alone();
    let Some(cable) = Cable::new("found") else { return };
    let (well, text) = run(guest(&cable, None, "link-bench").args(["--link", LINK, "idle"]));
    assert!(!well && text.contains("no other machine is at a Thunderbolt or USB4 port"), "{text}");
    let daemon = daemon(&cable, "found", None);
    daemon.says("no other machine is at a Thunderbolt or USB4 port", 1);

    cable.plug();
    daemon.says(&format!("the cable at {INTERFACE} leads to Linux handheld: listening at [fe80::"), 1);
    daemon.says("has an MTU of 1500", 1);
    pings(&cable, None);

    let log = paths::target("e2e/cables/found-guest.txt");
    let mut idle = Program::start(
        guest(&cable, None, "link-bench").args(["--link", LINK, "idle", "--seconds", "600"]),
        log,
    );
    idle.says("connected", 1);
    cable.pull();
    assert!(!idle.ends(NOTICED));
    assert!(idle.text().contains("the link has ended"), "{}", idle.text());
    gone();
    daemon.says(&format!("the cable at {INTERFACE} is out"), 1);

    // In again: the interface is another one, with another address.
    cable.plug();
    daemon.says("listening at", 2);
    pings(&cable, None);

    // The other machine's end is down, and up again.
    cable.set(Side::Guest, &["down"]);
    daemon.says(&format!("the cable at {INTERFACE} is out or its interface down"), 2);
    cable.set(Side::Guest, &["up"]);
    daemon.says("listening at", 3);
    pings(&cable, None);
    assert_eq!(daemon.text().matches("has an MTU of 1500").count(), 1, "{}", daemon.text());
}

/// A folder with a key of its own, empty of peers.
fn keys(name: &str) -> PathBuf {
    let folder = paths::target("e2e/keys").join(format!("{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    Identity::load_or_make(&folder).expect("a key");
    folder
}

#[test]
fn machines_are_paired_over_their_cable() {
    let _alone = alone();
    let Some(cable) = Cable::new("paired") else { return };
    let (host, handheld) = (keys("cable-host"), keys("cable-guest"));
    let daemon = daemon(&cable, "paired", Some(&host));
    cable.plug();
    daemon.says("listening at", 1);
    let refused = |keys: Option<&Path>, says: &str| {
        let (well, text) = run(guest(&cable, keys, "link-bench").args(["--link", LINK, "idle"]));
        assert!(!well && text.contains(says), "{text}");
    };
    let fingerprint = Identity::load_or_make(&host).expect("a key").fingerprint().to_string();
    refused(Some(&handheld), "is not paired with this machine");
    refused(Some(&handheld), &fingerprint);
    refused(None, "serves it with encryption");
    assert!(status().expect("it lives").guests.is_empty());

    let mut offer = Command::new(paths::host_program("pvgpu-ctl"));
    let mut offer = offer.args(["--link", LINK, "pair"]).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut lines =
        BufReader::new(offer.stdout.take().expect("a pipe")).lines().map(|line| line.expect("alive"));
    let command =
        lines.find(|line| line.contains("pvgpu-ctl pair thunderbolt:auto")).expect("it shows a code");
    let mut pair = guest(&cable, Some(&handheld), "pvgpu-ctl");
    let (well, said) = run(pair.args(command.split_whitespace().skip(1)));
    assert!(well && said.contains(&fingerprint), "{said}");
    assert!(lines.any(|line| line.contains("paired with")));
    assert!(offer.wait().expect("it ends").success());

    pings(&cable, Some(&handheld));
    cable.pull();
    cable.plug();
    daemon.says("listening at", 2);
    pings(&cable, Some(&handheld));
    for folder in [host, handheld] {
        fs::remove_dir_all(folder).expect("removed");
    }
}

/// A program of Windows: its DLLs find the cable among the adapters. After the cable was out, a program that is started then renders: one that
/// ran before does not find it again under Wine, which keeps the number of an interface of the same name as long as its services run.
#[test]
fn a_windows_program_renders_over_the_cable_and_the_next_one_after_it_was_out() {
    let renderer = Renderer::Pvgpu { link: Some(LINK.to_owned()) };
    let (mut request, _) = sample("cable", "cube.exe", &["--frames", "1000000"], renderer);
    request.environment.push(("PVGPU_TRUST_LINK", "1".to_owned()));
    let _alone = alone();
    let Some(cable) = Cable::new("windows") else { return };
    let daemon = daemon(&cable, "windows", None);
    cable.plug();
    daemon.says("listening at", 1);
    // An address is checked for a second or two on the other side, too.
    pings(&cable, None);
    let display = Display::start().expect("an X server starts");
    let start = || cable.inside(Side::Guest, || Running::start(&request, &display)).expect("cube starts");
    let running = start();
    let renders = || {
        wait_for("frames", Duration::from_secs(60), || {
            status()?.guests.into_iter().find(|guest| guest.frames > 10)
        })
    };
    let before = renders();
    assert!(before.link_counters.is_some_and(|link| !link.encrypted && link.frames > 0), "{before:?}");
    cable.pull();
    gone();
    drop(running);
    cable.plug();
    pings(&cable, None);
    let _running = start();
    let after = renders();
    assert_ne!(before.name, after.name);
}
