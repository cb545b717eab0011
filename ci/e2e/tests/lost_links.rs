//! A cable that is pulled and put back, and a machine that falls asleep: both ends notice, and a program that makes a new device goes on.
//!
//! The cable is a pair of network devices between two namespaces. Where this user cannot have any, the tests say so and check nothing.

use std::io::Read;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pvgpu_control::Guest;
use pvgpu_e2e::background::with_keys;
use pvgpu_e2e::{cable, sample, wait_for};
use pvgpu_netlab::{Lab, Side};
use pvgpu_xtask::daemon::Daemon;
use pvgpu_xtask::paths;
use pvgpu_xtask::program::{Renderer, Running};
use pvgpu_xtask::wine::Display;
use rustix::process::{Pid, Signal, kill_process};

/// TIMEOUT: until something has started or gone on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// An end is to notice within 1 s that nothing comes any more. TCP itself would take minutes; the rest is for busy machines, whose clocks
/// no test can rely on. What it took is printed.
const NOTICED: Duration = Duration::from_secs(5);

/// A cable with a daemon at one end.
struct Cable {
    lab: Lab,
    daemon: Daemon,
}

impl Cable {
    /// None where this user may not have network namespaces.
    fn new(port: u16) -> Option<Self> {
        let lab = cable::lab()?;
        let address = SocketAddr::new(lab.address(Side::Host), port);
        let daemon = lab.inside(Side::Host, || Daemon::start_on_cable(address, None)).expect("a namespace");
        Some(Self { lab, daemon: daemon.expect("pvgpud starts") })
    }

    /// A guest that does nothing.
    fn idle_guest(&self) -> Child {
        let mut command = Command::new(paths::host_program("link-bench"));
        with_keys(&mut command, None).args(["--link", self.daemon.link(), "idle", "--seconds", "600"]);
        command.stderr(Stdio::piped());
        let child =
            self.lab.inside(Side::Guest, || command.spawn()).expect("a namespace").expect("it starts");
        self.wait_for_guest(|guest| guest.link_counters.is_some());
        child
    }

    fn wait_for_guest(&self, wanted: impl Fn(&Guest) -> bool) {
        wait_for("a guest", PATIENCE, || {
            self.daemon.status()?.guests.into_iter().find(|guest| wanted(guest))
        });
    }

    /// Whether the host has let go of all guests.
    fn is_deserted(&self) -> bool {
        self.daemon.status().is_some_and(|status| status.guests.is_empty())
    }

    /// How long it takes until something has happened.
    fn time_until(what: &str, since: Instant, mut happened: impl FnMut() -> bool) {
        while !happened() {
            assert!(since.elapsed() < NOTICED, "{what}: not within {} s", NOTICED.as_secs());
            std::thread::sleep(Duration::from_millis(5));
        }
        println!("{what}: {} ms", since.elapsed().as_millis());
    }
}

/// What a guest that has ended says.
fn last_words(mut guest: Child) -> String {
    let status = guest.wait().expect("it can be waited for");
    let mut text = String::new();
    guest.stderr.take().expect("a pipe").read_to_string(&mut text).expect("text");
    assert!(!status.success(), "a lost link is an error: {text}");
    text
}

#[test]
fn both_ends_notice_a_cable_that_is_pulled() {
    let Some(cable) = Cable::new(21_001) else { return };
    let mut guest = cable.idle_guest();
    cable.lab.pull(Side::Guest).expect("pulled");
    let since = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            Cable::time_until("the guest has noticed the pulled cable", since, || {
                guest.try_wait().expect("it can be waited for").is_some()
            });
        });
        Cable::time_until("the host has noticed the pulled cable", since, || cable.is_deserted());
    });
    assert!(last_words(guest).contains("the link has ended"));

    // Nothing stays behind that a cable put back would not bring to life.
    cable.lab.plug(Side::Guest).expect("plugged");
    let mut guest = cable.idle_guest();
    guest.kill().expect("it lives");
    let _killed = last_words(guest);
}

#[test]
fn both_ends_notice_a_peer_that_sleeps() {
    let Some(cable) = Cable::new(21_002) else { return };
    let guest = cable.idle_guest();
    let process = i32::try_from(guest.id()).ok().and_then(Pid::from_raw).expect("a process");
    kill_process(process, Signal::STOP).expect("it lived");
    Cable::time_until("the host has noticed the sleeping guest", Instant::now(), || cable.is_deserted());
    kill_process(process, Signal::CONT).expect("it lives");
    assert!(last_words(guest).contains("the link has ended"));
}

#[test]
fn a_program_goes_on_once_the_cable_is_back() {
    let Some(cable) = Cable::new(21_003) else { return };
    let display = Display::start().expect("an X server starts");
    let renderer = Renderer::Pvgpu { link: Some(cable.daemon.link().to_owned()) };
    let (mut request, _) = sample("cable", "cube.exe", &["--frames", "1000000", "--recreate"], renderer);
    request.environment.push(("PVGPU_TRUST_LINK", "1".to_owned()));
    let running = cable.lab.inside(Side::Guest, || Running::start(&request, &display)).expect("a namespace");
    let _running = running.expect("cube starts");
    cable.wait_for_guest(|guest| guest.frames > 10);
    cable.lab.pull(Side::Guest).expect("pulled");
    wait_for("the host to let go", PATIENCE, || cable.is_deserted().then_some(()));
    cable.lab.plug(Side::Guest).expect("plugged");
    cable.wait_for_guest(|guest| guest.frames > 10);
}
