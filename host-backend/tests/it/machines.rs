//! Virtual machines on an ivshmem socket, played without QEMU: a client of the socket with a driver's hello in its memory.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use pvgpu_protocol::aperture::{
    GuestHello, Layout, MAGIC, PAGE_BYTES, RING_HEADER_BYTES, Sizes, guest_cell, host_cell, host_state,
    refusal,
};
use pvgpu_protocol::command::*;
use pvgpu_protocol::limits::MIN_APERTURE_BYTES;
use pvgpu_protocol::version::{VersionRange, feature};
use pvgpu_ring::initialise;
use pvgpu_transport::Link;
use pvgpu_transport::ivshmem::{Client, DOORBELL, MAX_VMS};
use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Ctx, HEAP_BYTES, RING_BYTES, Ring, RingBell, range_2d};
use crate::send;
use crate::supervisor::{Daemon, PATIENCE, PROMISED, cell, pvgpud, wait};

/// What the driver in a machine keeps.
struct Machine {
    client: Arc<Client>,
    bell: RingBell,
    layout: Layout,
}

fn socket(daemon: &Daemon) -> &Path {
    match &daemon.link {
        Link::Ivshmem(socket) => socket,
        other => panic!("{other}"),
    }
}

impl Machine {
    /// Switches the machine on; its memory is nobody's so far.
    fn start(daemon: &Daemon) -> Self {
        let client = Arc::new(Client::connect(socket(daemon), PATIENCE).expect("greeted"));
        let bell: RingBell = Arc::new({
            let client = client.clone();
            move || client.ring_doorbell()
        });
        let layout = Layout::new(Sizes::with_aperture(MIN_APERTURE_BYTES)).expect("legal");
        assert_eq!(client.mapping().len() as u64, MIN_APERTURE_BYTES);
        Self { client, bell, layout }
    }

    fn set(&self, index: usize, value: u64) {
        self.client.mapping().whole().as_ref()[index].store(value, Ordering::Release);
    }

    fn get(&self, index: usize) -> u64 {
        cell(self.client.mapping(), index)
    }

    fn state(&self) -> u64 {
        self.get(host_cell::STATE)
    }

    /// Says hello as the driver does, in whatever the memory holds.
    fn say_hello(&self, versions: VersionRange, sizes: Sizes) -> Ring {
        self.set(guest_cell::MAGIC, 0);
        let mapping = self.client.mapping();
        let event = self.layout.event;
        let events = mapping.region(event.ring_offset(), RING_HEADER_BYTES + event.capacity).expect("inside");
        initialise(&events, 0).expect("a ring");
        let ring0 =
            Ring::new(mapping, self.layout.ring0.ring_offset(), self.layout.ring0.capacity, &self.bell);
        for index in [host_cell::STATE, host_cell::REASON, host_cell::HEARTBEAT] {
            self.set(index, 0);
        }
        self.set(guest_cell::PEER, u64::from(self.client.id()) + 1);
        let hello = GuestHello { versions, features: feature::ALL, sizes, process: 4 };
        for (index, value) in hello.cells() {
            self.set(index, value);
        }
        ring0
    }

    /// Says hello, waits for the answer and renders a frame of this colour.
    fn render(&self, [red, green, blue]: [u8; 3]) -> Ctx {
        let mut ring0 = self.say_hello(VersionRange::OURS, self.layout.sizes);
        wait("the worker", PATIENCE, || self.state() != host_state::NONE);
        assert_eq!(self.state(), host_state::READY);
        assert_eq!(self.get(host_cell::DOORBELL), u64::from(DOORBELL) + 1);
        let ring = HeapRange { offset: 0, length: PAGE_BYTES + RING_BYTES };
        let heap = HeapRange { offset: 1 << 20, length: HEAP_BYTES };
        let mapping = self.client.mapping().clone();
        let context_ring = Ctx::begin(&mut ring0, &mapping, self.layout, &self.bell, 1, ring, heap);
        wait("ring 0 to be read", PATIENCE, || ring0.is_read());
        let mut ctx = Ctx::new(context_ring, mapping, self.layout, 1, heap);
        let texture = ctx.texture(28, 64, 64, 1, bind::RENDER_TARGET, 0);
        let view = ctx.view(texture, view_kind::RENDER_TARGET, 28, range_2d());
        let float = |channel: u8| f32::from(channel) / 255.0;
        let color = [float(red), float(green), float(blue), 1.0];
        send!(ctx.ring, ClearRenderTargetView { color, view, reserved: 0 });
        let place = ctx.read_back(texture, 28, 64, 64, 4);
        let value = ctx.fence();
        wait("the frame", PATIENCE, || ctx.completed() >= value);
        let pixels = ctx.get(place);
        assert!(pixels.as_chunks::<4>().0.iter().all(|pixel| *pixel == [red, green, blue, 255]));
        ctx
    }

    /// The machine's worker process, as the daemon says.
    fn worker(&self, daemon: &Daemon) -> Pid {
        let name = format!("vm-{}", self.client.id());
        let mut worker = 0;
        wait("the worker's status", PATIENCE, || {
            let guests = daemon.status().guests;
            worker = guests.iter().find(|guest| guest.name == name).map_or(0, |guest| guest.worker_process);
            worker != 0
        });
        Pid::from_raw(worker.cast_signed()).expect("a process")
    }
}

fn guests(daemon: &Daemon) -> usize {
    daemon.status().guests.len()
}

#[test]
fn machines_are_served_apart_and_again_and_again() {
    let mut daemon = Daemon::for_machines();
    assert_eq!(daemon.status().link, daemon.link.to_string());
    let (one, two) = (Machine::start(&daemon), Machine::start(&daemon));
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(guests(&daemon), 0, "a machine without a driver costs no worker");
    let (_a, _b) = (one.render([255, 51, 0]), two.render([0, 102, 204]));
    assert_eq!(guests(&daemon), 2);

    // A worker that dies is seen; the driver begins anew in the same memory.
    let worker = one.worker(&daemon);
    kill_process(worker, Signal::KILL).expect("our worker");
    wait("GONE", PROMISED, || one.state() == host_state::GONE);
    assert_eq!(one.get(host_cell::REASON), refusal::WORKER_ENDED);
    assert_eq!(two.state(), host_state::READY, "the other machine's goes on");
    let _c = one.render([1, 2, 3]);
    assert_ne!(one.worker(&daemon), worker);

    // A machine that was reset says hello while its old worker still serves what was before.
    let worker = one.worker(&daemon);
    let _d = one.render([4, 5, 6]);
    assert_ne!(one.worker(&daemon), worker);
    assert_eq!(one.get(guest_cell::MAGIC), MAGIC);

    // A driver that stops takes its hello back.
    one.set(guest_cell::MAGIC, 0);
    wait("the end of its worker", PROMISED, || guests(&daemon) == 1);
    let _e = one.render([7, 8, 9]);

    // A machine that is switched off ends its worker.
    drop(two);
    drop(_b);
    wait("the end of its worker", PATIENCE, || guests(&daemon) == 1);
    let three = Machine::start(&daemon);
    assert_eq!(three.client.id(), 2, "its number is free");

    // The daemon's death stops the heartbeat.
    daemon.kill();
    let beat = || one.get(host_cell::HEARTBEAT);
    wait("silence", PROMISED, || {
        let before = beat();
        std::thread::sleep(Duration::from_millis(300));
        beat() == before
    });
}

#[test]
fn bad_hellos_and_bad_clients_are_refused_and_hurt_nobody() {
    let daemon = Daemon::for_machines();
    let (good, bad) = (Machine::start(&daemon), Machine::start(&daemon));
    let _ctx = good.render([255, 0, 255]);
    let ours = VersionRange::OURS;
    let usual = Sizes::with_aperture(MIN_APERTURE_BYTES);
    for (versions, sizes, reason) in [
        (VersionRange { min: 900, max: 901 }, usual, refusal::VERSION),
        (ours, Sizes { aperture: 2 * MIN_APERTURE_BYTES, ..usual }, refusal::LAYOUT),
        (ours, Sizes { aperture: u64::MAX, ..usual }, refusal::LAYOUT),
        (ours, Sizes { ring0: u64::MAX, ..usual }, refusal::LAYOUT),
        (ours, Sizes { event: 5, ..usual }, refusal::LAYOUT),
    ] {
        let _ring0 = bad.say_hello(versions, sizes);
        wait("the refusal", PATIENCE, || bad.state() == host_state::REFUSED);
        assert_eq!(bad.get(host_cell::REASON), reason, "{sizes:?}");
    }
    // Corrupt rings end the worker.
    let _ring0 = bad.say_hello(ours, usual);
    wait("the worker", PATIENCE, || bad.state() == host_state::READY);
    let first = bad.layout.ring0.ring_offset() as usize / 8;
    for index in first..first + 64 {
        bad.set(index, u64::MAX);
    }
    bad.client.ring_doorbell();
    wait("the end", PATIENCE, || bad.state() == host_state::GONE);
    // And the machine can begin again.
    let _again = bad.render([0, 255, 255]);

    // As many as may connect, and more: all silent, one that talks.
    use std::io::Write;
    let mut crowd: Vec<UnixStream> = Vec::new();
    for index in 0..2 * MAX_VMS {
        let mut stream = UnixStream::connect(socket(&daemon)).expect("listens");
        if index % 7 == 0 {
            let _ = stream.write_all(b"hello?");
        }
        crowd.push(stream);
    }
    let start = Instant::now();
    for _ in 0..2000 {
        drop(UnixStream::connect(socket(&daemon)));
    }
    assert!(start.elapsed() < PATIENCE);
    assert_eq!(good.state(), host_state::READY);
    let (files, _, served) = daemon.holds();
    assert_eq!(served, 2);
    assert!(files < 64 + 5 * MAX_VMS, "{files}");
    drop(crowd);
    wait("room", PATIENCE, || Client::connect(socket(&daemon), Duration::from_secs(5)).is_ok());
    wait("the level before", PATIENCE, || daemon.holds().0 < 64);
    let _frame = good.render([9, 9, 9]);
}

#[test]
fn the_socket_is_told_why_it_cannot_be_served() {
    let daemon = Daemon::for_machines();
    let refused = |arguments: &[&str]| {
        let output = pvgpud(arguments).output().expect("pvgpud starts");
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let text = refused(&["--link", &daemon.link.to_string()]);
    assert!(text.contains("serves ivshmem:") && text.contains("choose another --link"), "{text}");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("written");
    let text = refused(&["--link", &format!("ivshmem:{}", file.display())]);
    assert!(text.contains("is no socket"), "{text}");
    let text = refused(&["--link", "ivshmem:/no/such/folder/vm.sock"]);
    assert!(text.contains("its folder does not exist"), "{text}");
    let text = refused(&["--link", "ivshmem:/proc/vm.sock"]);
    assert!(text.contains("/proc/vm.sock cannot be "), "{text}");

    let (socket, folder) = (socket(&daemon).to_owned(), daemon.folder.clone());
    assert!(socket.exists() && folder.exists());
    drop(daemon);
    assert!(!socket.exists() && !folder.exists(), "nothing is left behind");
}
