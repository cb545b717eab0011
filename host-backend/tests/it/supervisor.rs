//! The program as a whole: pvgpud, its workers, and guests that come and go.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use pvgpu_control::{Client, ClientError, Mode, Recording, Request, Source, Status};
use pvgpu_protocol::aperture::{
    GuestHello, Layout, PAGE_BYTES, RING_HEADER_BYTES, Sizes, host_cell, host_state, refusal,
};
use pvgpu_protocol::command::*;
use pvgpu_protocol::event::{EventRef, decode_event};
use pvgpu_protocol::host_info::{HostInfo, field_text};
use pvgpu_protocol::limits::MIN_APERTURE_BYTES;
use pvgpu_protocol::version::{VersionRange, feature};
use pvgpu_ring::Consumer;
use pvgpu_transport::Link;
use pvgpu_transport::shm::{Announced, GuestPort, Wake};
use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Ctx, HEAP_BYTES, RING_BYTES, Ring, RingBell, gpu_name, range_2d};
use crate::send;

/// Starting a worker loads Vulkan drivers, on a machine that may be busy.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// What the issue promises after a death.
pub const PROMISED: Duration = Duration::from_secs(2);
/// Set in the environment of a process that plays a guest.
const GUEST_LINK: &str = "PVGPU_TEST_GUEST_LINK";

/// A pvgpud on a link of its own.
pub struct Daemon {
    child: Child,
    pub folder: PathBuf,
    pub link: Link,
    _parent: tempfile::TempDir,
}

/// The program, or the one that `PVGPU_TEST_PVGPUD` names, for tests that were carried to another machine.
fn program() -> Command {
    Command::new(std::env::var("PVGPU_TEST_PVGPUD").unwrap_or(env!("CARGO_BIN_EXE_pvgpud").to_owned()))
}

pub fn pvgpud(arguments: &[&str]) -> Command {
    let mut command = program();
    command
        .args(arguments)
        .args(["--gpu", &gpu_name(), "--log", "warn", "--cache", "none"])
        .stdin(Stdio::null());
    command
}

impl Daemon {
    pub fn start() -> Self {
        let parent = tempfile::tempdir_in("/dev/shm").expect("a folder");
        let folder = parent.path().join("link");
        let link: Link = format!("shm:{}", folder.display()).parse().expect("a link");
        Self::serve(parent, folder, link, &[])
    }

    /// One that serves virtual machines on the socket `vm.sock` in the folder that is its link's.
    pub fn for_machines() -> Self {
        let parent = tempfile::tempdir_in("/dev/shm").expect("a folder");
        let socket = parent.path().join("vm.sock");
        let folder = pvgpu_transport::ivshmem::control_folder(&socket);
        let link = Link::Ivshmem(socket);
        Self::serve(parent, folder, link, &["--aperture", "64M"])
    }

    fn serve(parent: tempfile::TempDir, folder: PathBuf, link: Link, more: &[&str]) -> Self {
        let link_text = link.to_string();
        let arguments = [&["--link", &link_text], more].concat();
        let child = pvgpud(&arguments).spawn().expect("pvgpud starts");
        let daemon = Self { child, folder, link, _parent: parent };
        wait("pvgpud", PATIENCE, || Client::connect(&daemon.folder).is_ok());
        daemon
    }

    pub fn kill(&mut self) {
        let _ = self.child.kill();
    }

    pub fn status(&self) -> Status {
        Client::connect(&self.folder).expect("listens").status().expect("answers")
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Open files of the supervisor, files in the link's folder, and guests.
    pub fn holds(&self) -> (usize, usize, usize) {
        let count = |path: &Path| std::fs::read_dir(path).expect("a folder").count();
        let fds = count(&PathBuf::from(format!("/proc/{}/fd", self.child.id())));
        (fds, count(&self.folder), self.status().guests.len())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = kill_process(self.pid(), Signal::TERM);
        let _ = self.child.wait();
    }
}

pub fn wait(what: &str, patience: Duration, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + patience;
    while !done() {
        assert!(Instant::now() < deadline, "{what} does not come within {patience:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A guest on a link.
pub struct Remote {
    port: Arc<GuestPort>,
    ring0: Ring,
    bell: RingBell,
    layout: Layout,
}

fn announce(link: &Link, versions: VersionRange) -> Announced {
    let sizes = Sizes::with_aperture(MIN_APERTURE_BYTES);
    let hello = GuestHello { versions, features: feature::ALL, sizes, process: std::process::id().into() };
    let write = |mapping: &pvgpu_transport::Mapping| {
        let whole = mapping.whole();
        for (cell, value) in hello.cells() {
            whole.as_ref()[cell].store(value, Ordering::Release);
        }
    };
    Announced::new(link, sizes.aperture, write).expect("announced")
}

pub fn cell(mapping: &pvgpu_transport::Mapping, index: usize) -> u64 {
    mapping.whole().as_ref()[index].load(Ordering::Acquire)
}

impl Remote {
    pub fn connect(link: &Link) -> Self {
        let announced = announce(link, VersionRange::OURS);
        let layout = Layout::new(Sizes::with_aperture(MIN_APERTURE_BYTES)).expect("legal");
        let state = |announced: &Announced| cell(announced.mapping(), host_cell::STATE);
        wait("the worker", PATIENCE, || state(&announced) != host_state::NONE);
        assert_eq!(state(&announced), host_state::READY);
        let port = Arc::new(announced.open_doorbells().expect("doorbells"));
        let bell: RingBell = Arc::new({
            let port = port.clone();
            move || port.ring_doorbell()
        });
        let ring0 = Ring::new(port.mapping(), layout.ring0.ring_offset(), layout.ring0.capacity, &bell);
        Self { port, ring0, bell, layout }
    }

    pub fn state(&self) -> u64 {
        cell(self.port.mapping(), host_cell::STATE)
    }

    pub fn context(&mut self) -> Ctx {
        let ring = HeapRange { offset: 0, length: PAGE_BYTES + RING_BYTES };
        let heap = HeapRange { offset: 1 << 20, length: HEAP_BYTES };
        let mapping = self.port.mapping().clone();
        let context_ring = Ctx::begin(&mut self.ring0, &mapping, self.layout, &self.bell, 1, ring, heap);
        wait("ring 0 to be read", PATIENCE, || self.ring0.is_read());
        Ctx::new(context_ring, mapping, self.layout, 1, heap)
    }
}

/// Draws frames for ever; gives up when the host is gone.
fn draw_frames(remote: &mut Remote, ctx: &mut Ctx, mut go_on: impl FnMut(u64) -> bool) {
    let texture = ctx.texture(28, 64, 64, 1, bind::RENDER_TARGET, 0);
    let view = ctx.view(texture, view_kind::RENDER_TARGET, 28, range_2d());
    let frame = ctx.take(64 * 64 * 4);
    let mut count = 0;
    while go_on(count) {
        send!(ctx.ring, ClearRenderTargetView { color: [0.2, 0.4, 1.0, 1.0], view, reserved: 0 });
        send!(
            ctx.ring,
            Present {
                frame,
                src: texture,
                src_subresource: 0,
                width: 64,
                height: 64,
                row_pitch: 256,
                flags: 0,
                sequence: 1
            }
        );
        let value = ctx.fence();
        let deadline = Instant::now() + PATIENCE;
        while ctx.completed() < value && remote.state() == host_state::READY {
            assert!(Instant::now() < deadline, "a frame does not come");
            std::thread::yield_now();
        }
        count += 1;
    }
    if remote.state() == host_state::READY {
        assert_eq!(ctx.get(frame)[..4], [255, 102, 51, 255]);
    }
}

#[test]
fn a_guest_is_served_and_sees_its_worker_die() {
    let daemon = Daemon::start();
    let before = daemon.holds();
    let mut remote = Remote::connect(&daemon.link);
    let mapping = remote.port.mapping().clone();
    let words: Vec<u64> = (0..HostInfo::WORDS)
        .map(|index| cell(&mapping, Layout::host_info_offset() as usize / 8 + index))
        .collect();
    let info = HostInfo::access(&words).expect("a host info");
    assert!(field_text(&info.gpu_name).to_lowercase().contains(&gpu_name().to_lowercase()));
    assert!(info.formats[28].support.to_native() & 0x4000 != 0, "RGBA8 is a render target");

    let mut records = Client::connect(&daemon.folder).expect("listens").tail().expect("answers");
    assert_eq!(records.next().expect("a record").expect("a legal one").code, "WATCHING");
    let mut ctx = remote.context();
    draw_frames(&mut remote, &mut ctx, |count| count < 20);
    let record = records.next().expect("a record").expect("a legal one");
    assert_eq!((record.source, record.code.as_str()), (Source::Host, "CONTEXT_BEGAN"));
    let mut worker = 0;
    wait("the counters", PATIENCE, || {
        let status = daemon.status();
        let guest = &status.guests[0];
        worker = guest.worker_process;
        guest.frames == 20 && guest.contexts == 1 && guest.fence_latency.samples == 20
    });
    let guest = &daemon.status().guests[0];
    assert_eq!(guest.guest_process, u64::from(std::process::id()));
    assert!(guest.gpu_memory_bytes != 0 && guest.ring_bytes != 0);

    let worker = Pid::from_raw(worker.cast_signed()).expect("a process");
    kill_process(worker, Signal::KILL).expect("our worker");
    wait("GONE", PROMISED, || remote.state() == host_state::GONE);
    assert_eq!(cell(&mapping, host_cell::REASON), refusal::WORKER_ENDED);
    wait("the end of the doorbell", PROMISED, || remote.port.wait_interrupt(Duration::ZERO) == Wake::Gone);
    drop(records);
    wait("the level before", PROMISED, || daemon.holds().2 == 0);
    assert_eq!(daemon.holds().1, before.1, "files in the folder");
    // The link is not hurt: another guest comes.
    let mut again = Remote::connect(&daemon.link);
    let mut ctx = again.context();
    draw_frames(&mut again, &mut ctx, |count| count < 2);
}

#[test]
fn a_guest_is_recorded_when_somebody_asks() {
    let daemon = Daemon::start();
    let client = || Client::connect(&daemon.folder).expect("listens");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a.pvrec");
    let (guest, frames, seconds, max_bytes, each) = (None, None, None, None, false);
    let request = Request::Record { guest, file: file.clone(), frames, seconds, max_bytes, each };
    // One whose client leaves is forgotten.
    let mut left = client().record(&request).expect("asked");
    assert_eq!(left.next().expect("an answer").expect("a recording"), Recording::Waiting);
    drop(left);
    std::thread::sleep(Duration::from_millis(300));

    let mut news = client().record(&request).expect("asked");
    assert_eq!(news.next().expect("an answer").expect("a recording"), Recording::Waiting);
    let mut remote = Remote::connect(&daemon.link);
    let Recording::Began { guest: name } = news.next().expect("news").expect("a recording") else {
        panic!("it begins")
    };
    assert_eq!(name, daemon.status().guests[0].name);
    let mut ctx = remote.context();
    draw_frames(&mut remote, &mut ctx, |count| count < 3);
    // A guest that runs is too late for another.
    let (guest, other) = (Some(name.clone()), folder.path().join("b.pvrec"));
    let late = Request::Record { guest, file: other, frames, seconds, max_bytes, each };
    match client().record(&late).expect("asked").next().expect("an answer") {
        Err(ClientError::Refused { error }) => assert!(error.contains("runs already"), "{error}"),
        other => panic!("{other:?}"),
    }
    drop((remote, ctx));
    let ended = news.next().expect("news").expect("a recording");
    let Recording::Ended { guest, frames: 3, records, bytes, error: None } = ended else {
        panic!("{ended:?}")
    };
    assert_eq!(guest, name);
    assert!(records > 10 && bytes == std::fs::metadata(&file).expect("a file").len(), "{records} {bytes}");
    assert!(news.next().is_none());

    let replay = |arguments: &[&str]| {
        let mut command = program();
        command.arg("replay").args(arguments).args(["--gpu", &gpu_name()]).stdin(Stdio::null());
        command.output().expect("pvgpud starts")
    };
    let pictures = folder.path().join("png");
    let path = file.to_str().expect("text");
    let output =
        replay(&[path, "--strict", "--bench", "--png", pictures.to_str().expect("text"), "--every", "2"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("all 3 frames are the recorded ones, byte for byte"), "{text}");
    assert!(text.contains("frames/s ") && text.contains("2 frames are in "), "{text}");
    let mut names: Vec<_> = std::fs::read_dir(&pictures)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["frame-00001.png", "frame-00003.png"]);

    // A file that is none, and one that is cut off.
    let whole = std::fs::read(&file).expect("a file");
    for (bytes, text) in [
        (&b"nothing of ours"[..], "it is no recording of pvgpu"),
        (&whole[..whole.len() - 5], "it is cut off"),
    ] {
        std::fs::write(&file, bytes).expect("written");
        let output = replay(&[path]);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && error.contains(text), "{error}");
        assert_eq!(output.status.code(), Some(1), "{error}");
    }
}

#[test]
fn a_recording_ends_where_it_must_and_its_guest_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let daemon = Daemon::start();
    let client = || Client::connect(&daemon.folder).expect("listens");
    let request = |name: &str, frames, max_bytes| Request::Record {
        guest: None,
        file: folder.path().join(name),
        frames,
        seconds: None,
        max_bytes,
        each: true,
    };
    for (request, error) in [
        (request("frames", Some(2), None), None),
        (request("bytes", None, Some(1)), Some("it has reached its limit of 1 MiB")),
    ] {
        let mut news = client().record(&request).expect("asked");
        assert_eq!(news.next().expect("an answer").expect("a recording"), Recording::Waiting);
        let mut remote = Remote::connect(&daemon.link);
        assert!(matches!(news.next(), Some(Ok(Recording::Began { .. }))));
        let mut ctx = remote.context();
        let mut ended = None;
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| news.next());
            draw_frames(&mut remote, &mut ctx, |_| !waiting.is_finished());
            ended = waiting.join().expect("no panic");
        });
        let ended = ended.expect("news").expect("a recording");
        let Recording::Ended { error: told, .. } = &ended else { panic!("{ended:?}") };
        assert_eq!(told.is_some(), error.is_some(), "{ended:?}");
        assert!(told.as_deref().unwrap_or_default().starts_with(error.unwrap_or_default()), "{ended:?}");
        draw_frames(&mut remote, &mut ctx, |count| count < 2);
    }
    let refused = client().record(&Request::Record {
        guest: None,
        file: folder.path().join("no/such/folder"),
        frames: None,
        seconds: None,
        max_bytes: None,
        each: false,
    });
    match refused.expect("asked").next().expect("an answer") {
        Err(ClientError::Refused { error }) => assert!(error.contains("cannot be made"), "{error}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn people_ask_for_modes_and_pictures() {
    let daemon = Daemon::start();
    let client = || Client::connect(&daemon.folder).expect("listens");
    let mode = Mode { width: 1920, height: 1080, refresh_millihertz: 120_000 };
    let refused = |error: ClientError| match error {
        ClientError::Refused { error } => error,
        other => panic!("{other}"),
    };
    assert_eq!(refused(client().mode(None, Some(mode)).expect_err("nobody")), "no guest is connected");
    let mut remote = Remote::connect(&daemon.link);
    let name = daemon.status().guests[0].name.clone();
    let bad = client().mode(None, Some(Mode { height: 100, ..mode })).expect_err("too low");
    assert_eq!(refused(bad), "a height of 100 is not from 480 to 4320");
    let nothing = client().screenshot(None).expect_err("no screen");
    assert!(refused(nothing).starts_with(&format!("{name} shows no screen")));

    // The mode arrives as an event.
    assert_eq!(client().mode(Some(std::process::id().to_string()), Some(mode)).expect("accepted"), name);
    let event = remote.layout.event;
    let region = remote
        .port
        .mapping()
        .region(event.ring_offset(), RING_HEADER_BYTES + event.capacity)
        .expect("inside");
    let mut events = Consumer::new(region, 0).expect("a ring");
    let mut local = [0; 16];
    wait("the event", PATIENCE, || match events.pop_into(&mut local).expect("honest") {
        Some(record) => {
            let mut words = vec![record.ring_bytes() as u64 | u64::from(record.tag()) << 32];
            words.extend_from_slice(record.payload_words());
            match decode_event(&words) {
                Ok(EventRef::ModeRequest(event)) => {
                    assert_eq!((event.width.to_native(), event.height.to_native()), (1920, 1080));
                    assert_eq!(event.refresh_millihertz.to_native(), 120_000);
                    true
                }
                other => panic!("{:?}", other.map(|event| event.opcode())),
            }
        }
        None => false,
    });
    assert_eq!(daemon.status().guests[0].requested_mode, Some(mode));

    // A screen of two colours.
    let surface = HeapRange { offset: 0, length: 64 * 48 * 4 };
    let fill = |rect, value| FillHeap { dst: surface, rect, pitch: 256, format: 88, value, reserved: 0 };
    send!(remote.ring0, fill(Rect { left: 0, top: 0, right: 64, bottom: 48 }, 0x00ff_8040));
    send!(remote.ring0, fill(Rect { left: 0, top: 24, right: 64, bottom: 48 }, 0x0010_2030));
    send!(
        remote.ring0,
        SetScanout {
            surface,
            source: 0,
            visible: 1,
            width: 64,
            height: 48,
            pitch: 256,
            format: 88,
            refresh_millihertz: 60_000,
            reserved: 0,
        }
    );
    wait("the status", PATIENCE, || daemon.status().guests[0].screen.is_some());
    let guest = daemon.status().guests[0].clone();
    let screen = guest.screen.expect("a screen");
    assert_eq!((screen.width, screen.height, screen.visible, screen.frames), (64, 48, true, 1));
    assert_eq!((guest.blits, guest.blit_bytes), (2, 64 * 48 * 4 + 64 * 24 * 4));
    let (head, file) = client().screenshot(Some(name.clone())).expect("a picture");
    assert_eq!((head.width, head.height, head.guest), (64, 48, name));
    let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().expect("a PNG");
    let mut rgb = vec![0; reader.output_buffer_size().expect("small")];
    let info = reader.next_frame(&mut rgb).expect("whole");
    assert_eq!((info.width, info.height, info.color_type), (64, 48, png::ColorType::Rgb));
    assert_eq!((&rgb[..3], &rgb[rgb.len() - 3..]), (&[255, 128, 64][..], &[16, 32, 48][..]));
}

/// Plays a guest in a process of its own, when it is asked to.
#[test]
fn guest_process() {
    let Ok(link) = std::env::var(GUEST_LINK) else { return };
    let mut remote = Remote::connect(&link.parse().expect("a link"));
    let mut ctx = remote.context();
    draw_frames(&mut remote, &mut ctx, |_| true);
}

#[test]
fn a_killed_guest_leaves_nothing_behind() {
    let daemon = Daemon::start();
    // The connection by which `start` looked for the daemon may still be open.
    std::thread::sleep(Duration::from_millis(200));
    let before = daemon.holds();
    for _ in 0..2 {
        let mut guest = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "supervisor::guest_process"])
            .env(GUEST_LINK, daemon.link.to_string())
            .stdout(Stdio::null())
            .spawn()
            .expect("starts");
        wait("frames", PATIENCE, || daemon.status().guests.first().is_some_and(|guest| guest.frames > 10));
        let worker = daemon.status().guests[0].worker_process;
        guest.kill().expect("our guest");
        guest.wait().expect("our guest");
        wait("the level before", PATIENCE, || {
            let now = daemon.holds();
            now.0 <= before.0 && (now.1, now.2) == (before.1, before.2)
        });
        assert!(!Path::new(&format!("/proc/{worker}")).exists(), "the worker lives");
    }
}

#[test]
fn a_stopped_daemon_says_so() {
    let mut daemon = Daemon::start();
    let remote = Remote::connect(&daemon.link);
    kill_process(daemon.pid(), Signal::TERM).expect("our daemon");
    wait("GONE", PROMISED, || remote.state() == host_state::GONE);
    assert_eq!(cell(remote.port.mapping(), host_cell::REASON), refusal::SHUTDOWN);
    assert!(daemon.child.wait().expect("ends").success());
    assert!(!daemon.folder.exists(), "the link's folder is left");
}

#[test]
fn guests_of_another_version_are_refused() {
    let daemon = Daemon::start();
    let announced = announce(&daemon.link, VersionRange { min: 900, max: 901 });
    let mapping = announced.mapping();
    wait("an answer", PATIENCE, || cell(mapping, host_cell::STATE) == host_state::REFUSED);
    assert_eq!(cell(mapping, host_cell::REASON), refusal::VERSION);
    assert_eq!(cell(mapping, host_cell::VERSIONS), VersionRange::OURS.to_word());
}

fn complaint(command: &mut Command) -> String {
    let output = command.output().expect("runs");
    assert!(!output.status.success());
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn what_cannot_be_served_is_told_in_a_sentence() {
    let daemon = Daemon::start();
    let link = daemon.link.to_string();
    let second = complaint(&mut pvgpud(&["--link", &link]));
    assert!(second.contains("serves") && second.contains("already"), "{second}");
    // An address of the documentation's, which no machine has.
    let address = complaint(&mut pvgpud(&["--link", "tcp://192.0.2.1:7"]));
    assert!(address.contains("cannot be listened on"), "{address}");
    let mut command = program();
    let gpu = complaint(command.args(["--gpu", "no such GPU", "--link", "shm:pvgpu-test-unused"]));
    assert!(gpu.contains("no Vulkan device matches --gpu no such gpu"), "{gpu}");
    let mut command = program();
    let none = complaint(
        command
            .args(["--link", "shm:pvgpu-test-unused"])
            .env("VK_DRIVER_FILES", "/none")
            .env("VK_ICD_FILENAMES", "/none"),
    );
    assert!(none.contains("Vulkan") && none.contains("mesa-vulkan-drivers"), "{none}");
}
