//! What a peer may send to either end of a mirror: any messages, also malformed ones. Each ends its own link at most, and no thread
//! panics.

mod channels;

use std::io::IoSlice;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pvgpu_protocol::aperture::{GuestHello, Layout, Sizes};
use pvgpu_protocol::version::VersionRange;
use pvgpu_transport::carrier::{Channels, Sender};
use pvgpu_transport::mirror::wire::{EVENT_RING, Head, Message, VERSION, Wanted, piece_header};
use pvgpu_transport::mirror::{Greeted, MirrorGuest, pack};
use pvgpu_transport::shm::Wake;
use pvgpu_transport::{Mapping, pipe};

const APERTURE: u64 = 64 << 20;
/// TIMEOUT: an end notices within a second.
const PATIENCE: Duration = Duration::from_secs(20);

struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    /// A number that is small, near something that counts, or anything.
    fn number(&mut self) -> u64 {
        match self.next(6) {
            0 => self.next(4),
            1 => self.next(200) * 8,
            2 => self.next(APERTURE),
            3 => APERTURE - 8 + self.next(16),
            4 => u64::MAX - self.next(16),
            _ => self.next(1 << 31) << self.next(33),
        }
    }

    fn bytes(&mut self, most: u64) -> Vec<u8> {
        let length = self.next(most);
        (0..length).map(|_| self.next(256) as u8).collect()
    }
}

/// A message of any kind, with any numbers.
fn message(random: &mut Random, out: &mut Vec<u8>) {
    let (a, b, c) = (random.number(), random.number(), random.number());
    let ring = [0, 1, 2, 63, 64, EVENT_RING][random.next(6) as usize];
    let bytes = random.bytes(200);
    let words = bytes.get(..bytes.len() / 8 * 8).unwrap_or_default();
    match random.next(17) {
        0 => Message::Hello { version: VERSION, cells: [a; 7] }.encode(out),
        1 => Message::Control { cells: [a, b, c, 0, 1, 2, 3, 4], info: &bytes }.encode(out),
        2 => Message::OpenRing { context: ring, offset: a & !4095, length: 4096 + (128 << 10) }.encode(out),
        3 => Message::OpenRing { context: ring, offset: a, length: b }.encode(out),
        4 => Message::CloseRing { context: ring }.encode(out),
        5 => Message::Ring { ring, need: a, position: b, records: words }.encode(out),
        // Whole records at the beginning.
        6 => Message::Ring {
            ring,
            need: a,
            position: 0,
            records: &[16, 0, 0, 0, 1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8],
        }
        .encode(out),
        7 => Message::Heap { offset: a, bytes: &bytes }.encode(out),
        8 => Message::Fence { context: ring, need: a, value: b, time: c, error: 0 }.encode(out),
        9 => {
            let wanted = Wanted {
                offset: a,
                length: b,
                pitch: c as u32,
                width: random.number() as u32,
                surface: random.next(3) as u32,
                keep: random.next(2) == 0,
            };
            Message::Want { context: ring, fence: c, ranges: vec![wanted; random.next(3) as usize] }
                .encode(out);
        }
        10 => {
            let heads = vec![Head { ring, position: b }];
            Message::Status { heartbeat: a, applied: c, heads }.encode(out);
        }
        11 => Message::Telemetry { records: &[7; 56] }.encode(out),
        12 => Message::Ping { time: a }.encode(out),
        13 => Message::Pong { time: a }.encode(out),
        // A raw piece that goes on for longer than it lasts, or for as long.
        14 if a & 1 == 0 => {
            let (offset, length) = (random.number(), bytes.len() + random.next(3) as usize * 1000);
            out.extend_from_slice(&piece_header(offset, length as u32, pack::RAW, c & 1 == 0, length));
            out.extend_from_slice(&bytes);
        }
        14 => {
            let (length, packing) = (b as u32 & 0xff_ffff, random.next(5) as u8);
            Message::Piece { offset: a, length, packing, last: c & 1 == 0, data: &bytes }.encode(out);
        }
        15 => {
            let (width, height, pitch) = (random.next(300) as u32, random.next(300) as u32, 1024);
            let (reset, last) = (c & 1 == 0, c & 2 == 0);
            let tiles =
                Message::Tiles { context: ring, offset: a, width, height, pitch, reset, last, code: &bytes };
            tiles.encode(out);
        }
        _ => out.extend_from_slice(&bytes),
    }
}

/// Sends messages on both channels until the other end has had enough, or all are sent.
fn torment(channels: &mut Channels, random: &mut Random) {
    for _ in 0..random.next(60) {
        let mut out = Vec::new();
        message(random, &mut out);
        let sender: &mut Box<dyn Sender> =
            if random.next(3) == 0 { &mut channels.bulk.sender } else { &mut channels.urgent.sender };
        if sender.send(&[IoSlice::new(&out)]).is_err() {
            break;
        }
    }
    channels.urgent.closer.close();
    channels.bulk.closer.close();
}

static PANICKED: AtomicBool = AtomicBool::new(false);

/// Notes panics of all threads: those of the mirror are nobody's to join.
fn watch_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICKED.store(true, Ordering::Relaxed);
        before(info);
    }));
}

#[test]
fn no_messages_hurt_more_than_their_own_link() {
    watch_panics();
    let layout = Layout::new(Sizes::with_aperture(APERTURE)).expect("a usual size");
    let hello = GuestHello { versions: VersionRange::GUEST, features: 0, sizes: layout.sizes, process: 1 };
    // More by hand: `PVGPU_TEST_CASES`.
    let cases = std::env::var("PVGPU_TEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(150);
    for seed in 0..cases {
        let random = &mut Random(seed);
        let begin = Instant::now();
        let carrier = channels::ALL[seed as usize % channels::ALL.len()];

        // A hostile guest.
        let (mut ours, theirs) = channels::pair(carrier);
        let mut first = Vec::new();
        let cells = hello.cells();
        let cells = std::array::from_fn(|index| cells[index].1);
        Message::Hello { version: VERSION, cells }.encode(&mut first);
        ours.urgent.sender.send(&[IoSlice::new(&first)]).expect("sent");
        let greeted = Greeted::hear(theirs, PATIENCE).expect("a hello");
        let mapping = Mapping::anonymous(APERTURE as usize).expect("memory");
        let host = greeted.begin(mapping, layout).expect("it begins");
        torment(&mut ours, random);
        while host.wait_doorbell(Duration::from_millis(50)) != Wake::Gone {
            assert!(begin.elapsed() < PATIENCE, "seed {seed}: the host does not notice the end");
        }
        assert!(host.why().is_some());

        // A hostile host.
        let (ours, mut theirs) = channels::pair(carrier);
        let mapping = Mapping::anonymous(APERTURE as usize).expect("memory");
        let whole = mapping.whole();
        for (index, value) in hello.cells() {
            whole.as_ref()[index].store(value, Ordering::Release);
        }
        let guest = MirrorGuest::begin(mapping, ours).expect("it begins");
        torment(&mut theirs, random);
        while guest.wait_interrupt(Duration::from_millis(50)) != Wake::Gone {
            assert!(begin.elapsed() < PATIENCE, "seed {seed}: the guest does not notice the end");
        }
        assert!(!PANICKED.load(Ordering::Relaxed), "seed {seed}");
    }
}

#[test]
fn a_guest_that_says_no_hello_is_not_waited_for() {
    let (ours, theirs) = pipe::pair();
    let begin = Instant::now();
    Greeted::hear(theirs, Duration::from_millis(200)).expect_err("nothing was said");
    assert!(begin.elapsed() < PATIENCE);
    drop(ours);

    let (mut ours, theirs) = pipe::pair();
    let mut first = Vec::new();
    Message::Hello { version: VERSION + 1, cells: [0; 7] }.encode(&mut first);
    ours.urgent.sender.send(&[IoSlice::new(&first)]).expect("sent");
    let error = Greeted::hear(theirs, PATIENCE).expect_err("another version").to_string();
    assert!(error.contains("update the older one"), "{error}");
}
