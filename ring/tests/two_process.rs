//! A million records of random sizes from one process to another, over a real link with real doorbells.
//!
//! The test starts itself as the second process, the guest, told apart by an environment variable. Guest and host compute
//! the same pseudo-random records, so each byte is checked. Both sleep whenever they find nothing to do, without
//! the time limit that hides a lost wake-up from users: here it is a failure.
#![cfg(all(target_os = "linux", not(feature = "loom")))]

use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use pvgpu_ring::{Consumer, HEADER_BYTES, Producer, ReserveError, initialise};
use pvgpu_transport::shm::{Announced, HostListener, HostPort, Wake};
use pvgpu_transport::{Link, Mapping, Region};

/// Holds the link for the guest's process.
const VARIABLE: &str = "PVGPU_RING_TEST_LINK";
const RECORDS: u64 = 1_000_000;
/// A small ring, so that it wraps and fills up often.
const CAPACITY: usize = 16 * 1024;
const RING_OFFSET: u64 = 4096;
const APERTURE_BYTES: u64 = 64 * 1024;
const MAX_PAYLOAD: u64 = 2000;
/// A wake-up that has not come by now is lost. Far above what a loaded machine delays a process by.
const LOST: Duration = Duration::from_secs(30);
/// The cell by which the host says that the doorbells are there.
const READY: usize = 256;

/// A pseudo-random sequence (xorshift64*, Marsaglia and Vigna).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// The bytes of the next record: mostly small, some large, as command records are.
    fn payload(&mut self, into: &mut Vec<u8>) {
        let choice = self.next();
        let length = if choice.is_multiple_of(16) { choice >> 8 } else { (choice >> 8) % 64 } % MAX_PAYLOAD;
        into.clear();
        let mut word = self.next();
        for _ in 0..length {
            word = word.rotate_left(7).wrapping_add(length);
            into.push(word as u8);
        }
    }
}

fn ring_of(mapping: &Mapping) -> Region {
    mapping.region(RING_OFFSET, (HEADER_BYTES + CAPACITY) as u64).expect("inside the aperture")
}

/// The producing process.
fn guest(link: &str) {
    let link: Link = link.parse().expect("a link");
    let announced = Announced::new(&link, APERTURE_BYTES, |mapping| {
        initialise(&ring_of(mapping), 0).expect("a ring");
    })
    .expect("the host serves");
    let begin = Instant::now();
    while announced.mapping().whole().as_ref()[READY].load(Ordering::Acquire) == 0 {
        assert!(begin.elapsed() < LOST, "the host does not answer");
        std::thread::sleep(Duration::from_millis(1));
    }
    let port = announced.open_doorbells().expect("doorbells");
    let mut producer = Producer::new(ring_of(port.mapping()), 0).expect("a ring");
    let (mut random, mut payload) = (Random(1), Vec::new());
    for count in 0..RECORDS {
        random.payload(&mut payload);
        let published = loop {
            match producer.reserve(payload.len()) {
                Ok(mut record) => {
                    // In two pieces, cut anywhere.
                    let (one, two) = payload.split_at(payload.len() / 3);
                    record.write(one).expect("reserved");
                    record.write(two).expect("reserved");
                    break record.commit(count as u32);
                }
                Err(ReserveError::Full) => {
                    let idle = producer.prepare_sleep(payload.len()).expect("honest");
                    if idle.wake {
                        port.ring_doorbell();
                    }
                    if idle.sleep {
                        assert_eq!(port.wait_interrupt(LOST), Wake::Rung, "lost the wake-up of {count}");
                        producer.wake_up();
                    }
                }
                Err(error) => panic!("{error}"),
            }
        };
        if published.wake {
            port.ring_doorbell();
        }
        // Now and then a batch ends and the consumer runs dry.
        if count.is_multiple_of(1000) {
            if producer.kick() {
                port.ring_doorbell();
            }
            std::thread::sleep(Duration::from_micros(20));
        }
    }
    if producer.kick() {
        port.ring_doorbell();
    }
    while producer.consumed().expect("honest") != producer.published() {
        assert_ne!(port.wait_interrupt(Duration::from_millis(1)), Wake::Gone, "the host went early");
    }
}

/// The consuming process; returns how often it slept.
fn host(port: &HostPort) -> u64 {
    let mut consumer = Consumer::new(ring_of(port.mapping()), 0).expect("a ring");
    let (mut random, mut payload) = (Random(1), Vec::new());
    let mut local = [0; CAPACITY / 8];
    let (mut count, mut sleeps) = (0, 0);
    while count < RECORDS {
        let batch = consumer.pop_batch(&mut local, CAPACITY).expect("honest");
        if batch.is_empty() {
            let idle = consumer.prepare_sleep().expect("honest");
            if idle.wake {
                port.interrupt();
            }
            if idle.sleep {
                sleeps += 1;
                assert_eq!(port.wait_doorbell(LOST), Wake::Rung, "lost the wake-up for {count}");
                consumer.wake_up();
            }
            continue;
        }
        for record in batch {
            random.payload(&mut payload);
            payload.resize(payload.len().next_multiple_of(8), 0);
            assert!(record.tag() == count as u32 && record.payload() == payload, "record {count} differs");
            count += 1;
        }
        if consumer.wake_due() {
            port.interrupt();
        }
    }
    if consumer.kick() {
        port.interrupt();
    }
    sleeps
}

#[test]
fn a_million_records_between_two_processes() {
    if let Ok(link) = std::env::var(VARIABLE) {
        return guest(&link);
    }
    let parent = tempfile::tempdir_in("/dev/shm").expect("a folder");
    let link: Link = format!("shm:{}", parent.path().join("link").display()).parse().expect("a link");
    let mut listener = HostListener::bind(&link).expect("the link is free");
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "a_million_records_between_two_processes", "--nocapture"])
        .env(VARIABLE, link.to_string())
        .spawn()
        .expect("the second process");
    let begin = Instant::now();
    let aperture = loop {
        assert!(begin.elapsed() < LOST, "the guest does not come");
        match listener.next_guest().expect("the folder is there") {
            Some(aperture) => break aperture,
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    };
    let port = HostPort::open(&aperture).expect("an aperture");
    port.mapping().whole().as_ref()[READY].store(1, Ordering::Release);
    let sleeps = host(&port);
    assert!(child.wait().expect("the second process").success());
    assert!(sleeps > 0, "the idle protocol took no part");
    println!("{RECORDS} records in {:?}, {sleeps} sleeps of the consumer", begin.elapsed());
}
