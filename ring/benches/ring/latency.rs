//! How long a record takes from one process to another, both of which spin, beside a bare word on a cache line.

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use pvgpu_ring::{AtomicU64, Consumer, HEADER_BYTES, Producer, initialise};
use pvgpu_transport::{Mapping, Region};

use crate::report::{Figure, median};
use crate::{Cores, pin};

/// The argument that makes this program the second process, before its core and the path of the shared file.
pub const PEER_FLAG: &str = "--latency-peer";

/// Round trips whose times are measured together, so that reading the clock costs little.
const TRIPS: u64 = 16;
/// Measurements in one round.
const SAMPLES: usize = 500;
/// Rounds of each kind, alternating.
const ROUNDS: usize = 21;
/// Payload words of a record: 32 bytes with the header, as most commands have.
const WORDS: usize = 3;

const CAPACITY: usize = 64 * 1024;
const FILE_BYTES: u64 = 256 * 1024;
/// Cells that go to and fro, each on its own pair of cache lines.
const PING: usize = 0;
const PONG: usize = 16;
/// Tells the peer what comes next: [`BARE`], [`RING`] or [`END`], with a count above it.
const PHASE: usize = 32;
const BARE: u64 = 1;
const RING: u64 = 2;
const END: u64 = 3;

/// The shared file as both processes see it.
struct Shared {
    mapping: Mapping,
    words: Region,
}

impl Shared {
    fn map(file: &File) -> Self {
        let mapping = Mapping::of_file(file).expect("the file maps");
        let words = mapping.region(0, 4096).expect("inside");
        Self { mapping, words }
    }

    fn word(&self, index: usize) -> &AtomicU64 {
        &self.words.as_ref()[index]
    }

    /// The ring to the peer (0) or back (1).
    fn ring(&self, which: u64) -> Region {
        self.mapping.region(4096 + which * 128 * 1024, (HEADER_BYTES + CAPACITY) as u64).expect("inside")
    }
}

/// Spins until the peer has answered; gives the core away when that takes much longer than a cache line travels, since the
/// peer may be waiting for a core.
fn spin(mut done: impl FnMut() -> bool) {
    let mut spins = 0u32;
    while !done() {
        spins += 1;
        if spins.is_multiple_of(1000) {
            std::thread::yield_now();
        }
        std::hint::spin_loop();
    }
}

/// Both ends of this process.
struct Ends {
    out: Producer<Region>,
    back: Consumer<Region>,
    local: [u64; 64],
}

impl Ends {
    fn send(&mut self, value: u64) {
        let mut record = self.out.reserve(WORDS * 8).expect("room");
        record.write_words(&[value; WORDS]).expect("reserved");
        let _ = record.commit(1).wake;
    }

    fn receive(&mut self, value: u64) {
        spin(|| match self.back.pop_into(&mut self.local).expect("honest") {
            Some(record) => {
                assert_eq!(record.payload_words()[0], value);
                true
            }
            None => false,
        });
    }
}

/// The second process: answers until it is told to end.
pub fn peer(core: usize, path: &Path) {
    pin(core);
    let file = File::options().read(true).write(true).open(path).expect("the shared file");
    let shared = Shared::map(&file);
    let mut ends = Ends {
        out: Producer::new(shared.ring(1), 0).expect("a ring"),
        back: Consumer::new(shared.ring(0), 0).expect("a ring"),
        local: [0; 64],
    };
    let mut phase = 0;
    loop {
        spin(|| shared.word(PHASE).load(Ordering::Acquire) >> 8 > phase);
        let order = shared.word(PHASE).load(Ordering::Acquire);
        phase = order >> 8;
        for value in 1..=SAMPLES as u64 * TRIPS {
            match order & 0xff {
                BARE => {
                    spin(|| shared.word(PING).load(Ordering::Acquire) == value);
                    shared.word(PONG).store(value, Ordering::Release);
                }
                RING => {
                    ends.receive(value);
                    ends.send(value);
                }
                _ => return,
            }
        }
    }
}

/// Takes the samples of one round; the median time of one way, in nanoseconds.
fn round(mut trip: impl FnMut(u64)) -> f64 {
    let mut value = 0;
    let mut samples: Vec<f64> = (0..SAMPLES)
        .map(|_| {
            let begin = Instant::now();
            for _ in 0..TRIPS {
                value += 1;
                trip(value);
            }
            begin.elapsed().as_nanos() as f64 / (2 * TRIPS) as f64
        })
        .collect();
    median(&mut samples)
}

/// Latency between two processes, beside the bare cache line.
pub fn between_processes(cores: Cores) -> Figure {
    pin(cores.one);
    let file = tempfile::NamedTempFile::new_in("/dev/shm").expect("a shared file");
    file.as_file().set_len(FILE_BYTES).expect("room for it");
    let shared = Shared::map(file.as_file());
    initialise(&shared.ring(0), 0).expect("a ring");
    initialise(&shared.ring(1), 0).expect("a ring");
    let mut ends = Ends {
        out: Producer::new(shared.ring(0), 0).expect("a ring"),
        back: Consumer::new(shared.ring(1), 0).expect("a ring"),
        local: [0; 64],
    };
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .arg(PEER_FLAG)
        .arg(cores.other.to_string())
        .arg(file.path())
        .spawn()
        .expect("the second process");

    let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let mut phase = 0;
    let mut order = |what| {
        phase += 1;
        shared.word(PING).store(0, Ordering::Relaxed);
        shared.word(PONG).store(0, Ordering::Relaxed);
        shared.word(PHASE).store(phase << 8 | what, Ordering::Release);
        // Both processes have reached the start of the round by then.
        std::thread::sleep(Duration::from_millis(1));
    };
    for _ in 0..ROUNDS {
        order(BARE);
        let other = round(|value| {
            shared.word(PING).store(value, Ordering::Release);
            spin(|| shared.word(PONG).load(Ordering::Acquire) == value);
        });
        order(RING);
        let ring = round(|value| {
            ends.send(value);
            ends.receive(value);
        });
        ours.push(ring);
        theirs.push(other);
        ratios.push(ring / other);
    }
    order(END);
    assert!(child.wait().expect("the second process").success());
    let ratio = median(&mut ratios);
    Figure {
        name: "one way between processes, p50",
        unit: "ns",
        ring: median(&mut ours),
        counterpart: "bare cache line",
        other: median(&mut theirs),
        ratio,
        bar: "at most 1.2 of the bare line",
        met: ratio <= 1.2,
    }
}
