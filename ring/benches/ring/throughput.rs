//! Records per second and bytes per second, between two threads on two cores, and of the producer by itself.

use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use crossbeam_utils::Backoff;
use pvgpu_ring::{AtomicU64, Consumer, HEADER_BYTES, Producer, initialise};

use crate::report::{Figure, median};
use crate::{Cores, pin};

type Cells = Arc<[AtomicU64]>;

/// Rounds of each measurement.
const ROUNDS: usize = 31;
/// Records of 64 bytes in one round: a few milliseconds.
const SMALL_RECORDS: u64 = 200_000;
/// Elements of 64 bytes in `rtrb`'s ring, and 64-byte records in ours.
const SMALL_SLOTS: usize = 1024;
/// Records of 4 KiB in one round.
const LARGE_RECORDS: u64 = 10_000;
const LARGE_BYTES: usize = 4096;
/// Bytes of the ring for 4 KiB records: half of a usual L2 cache.
const LARGE_RING: usize = 512 * 1024;

fn ring(capacity: usize) -> (Producer<Cells>, Consumer<Cells>) {
    let memory: Cells = (0..(HEADER_BYTES + capacity) / 8).map(|_| AtomicU64::new(0)).collect();
    initialise(&memory, 0).expect("a ring");
    let producer = Producer::new(memory.clone(), 0).expect("a ring");
    (producer, Consumer::new(memory, 0).expect("a ring"))
}

/// Runs both sides on their own cores, from the same moment on; how long until the consumer is done.
fn race(cores: Cores, produce: impl FnOnce() + Send, consume: impl FnOnce()) -> Duration {
    let start = Barrier::new(2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            pin(cores.other);
            start.wait();
            produce();
        });
        pin(cores.one);
        start.wait();
        let begin = Instant::now();
        consume();
        begin.elapsed()
    })
}

/// Sends records of `WORDS` payload words through the ring.
fn ring_round<const WORDS: usize>(cores: Cores, capacity: usize, records: u64, limit: usize) -> Duration {
    let (mut producer, mut consumer) = ring(capacity);
    let produce = move || {
        let mut payload = [0; WORDS];
        for count in 0..records {
            payload[0] = count;
            let backoff = Backoff::new();
            let mut record = loop {
                match producer.reserve(WORDS * 8) {
                    Ok(record) => break record,
                    Err(_) => backoff.snooze(),
                }
            };
            record.write_words(black_box(&payload)).expect("reserved");
            let _ = record.commit(1).wake;
        }
    };
    let mut local = vec![0; limit / 8];
    let consume = move || {
        let mut count = 0;
        let backoff = Backoff::new();
        while count < records {
            let batch = consumer.pop_batch(&mut local, limit).expect("honest");
            if batch.is_empty() {
                backoff.snooze();
                continue;
            }
            backoff.reset();
            for record in batch {
                assert_eq!(black_box(record.payload_words()).first(), Some(&count));
                count += 1;
            }
        }
    };
    race(cores, produce, consume)
}

/// Sends the same through `rtrb`, element by element, as its documentation shows.
fn rtrb_round(cores: Cores, records: u64) -> Duration {
    let (mut producer, mut consumer) = rtrb::RingBuffer::<[u64; 8]>::new(SMALL_SLOTS);
    let produce = move || {
        let mut payload = [0; 8];
        for count in 0..records {
            payload[0] = count;
            let backoff = Backoff::new();
            let mut element = *black_box(&payload);
            while let Err(rtrb::PushError::Full(back)) = producer.push(element) {
                element = back;
                backoff.snooze();
            }
        }
    };
    let consume = move || {
        let mut count = 0;
        let backoff = Backoff::new();
        while count < records {
            match consumer.pop() {
                Ok(element) => {
                    assert_eq!(black_box(&element)[0], count);
                    count += 1;
                    backoff.reset();
                }
                Err(_) => backoff.snooze(),
            }
        }
    };
    race(cores, produce, consume)
}

/// Records of 64 bytes, beside `rtrb`.
pub fn small_records(cores: Cores) -> Figure {
    let rate = |time: Duration| SMALL_RECORDS as f64 / time.as_secs_f64() / 1e6;
    let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        // 7 payload words and the header: 64 bytes in the ring.
        let ring = rate(ring_round::<7>(cores, SMALL_SLOTS * 64, SMALL_RECORDS, 16 * 1024));
        let other = rate(rtrb_round(cores, SMALL_RECORDS));
        ours.push(ring);
        theirs.push(other);
        ratios.push(ring / other);
    }
    let ratio = median(&mut ratios);
    Figure {
        name: "64-byte records, two threads",
        unit: "M/s",
        ring: median(&mut ours),
        counterpart: "rtrb",
        other: median(&mut theirs),
        ratio,
        bar: "at least rtrb's",
        met: ratio >= 1.0,
    }
}

/// Hands 4 KiB blocks over through `rtrb`, which copies them in and out with `memcpy`.
fn memcpy_round(cores: Cores) -> Duration {
    let (mut producer, mut consumer) = rtrb::RingBuffer::<u8>::new(LARGE_RING);
    let produce = move || {
        let block = [1u8; LARGE_BYTES];
        for _ in 0..LARGE_RECORDS {
            let backoff = Backoff::new();
            while producer.push_entire_slice(black_box(&block)).is_err() {
                backoff.snooze();
            }
        }
    };
    let consume = move || {
        let mut block = [0u8; LARGE_BYTES];
        for _ in 0..LARGE_RECORDS {
            let backoff = Backoff::new();
            while consumer.pop_entire_slice(&mut block).is_err() {
                backoff.snooze();
            }
            assert_eq!(black_box(&block)[0], 1);
        }
    };
    race(cores, produce, consume)
}

/// Records of 4 KiB, beside `memcpy`.
pub fn large_records(cores: Cores) -> Figure {
    let rate = |time: Duration| (LARGE_RECORDS as usize * LARGE_BYTES) as f64 / time.as_secs_f64() / 1e9;
    let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        // 511 payload words and the header.
        let ring = rate(ring_round::<511>(cores, LARGE_RING, LARGE_RECORDS, 64 * 1024));
        let other = rate(memcpy_round(cores));
        ours.push(ring);
        theirs.push(other);
        ratios.push(ring / other);
    }
    let (ring, ratio) = (median(&mut ours), median(&mut ratios));
    Figure {
        name: "4 KiB records, two threads",
        unit: "GB/s",
        ring,
        counterpart: "memcpy (rtrb slices)",
        other: median(&mut theirs),
        ratio,
        bar: "at least 8 GB/s or 0.8 of memcpy",
        met: ring >= 8.0 || ratio >= 0.8,
    }
}

/// What a record of 32 bytes costs its producer when the consumer is not at work meanwhile, beside `rtrb` with elements of
/// 32 bytes. The consumer empties the ring on the same core between the measurements.
pub fn producer_alone() -> Figure {
    const RECORDS: usize = 1024;
    let (mut producer, mut consumer) = ring(RECORDS * 64);
    let mut local = vec![0; RECORDS * 4];
    let (mut pusher, mut popper) = rtrb::RingBuffer::<[u64; 4]>::new(RECORDS * 2);
    let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS * 10 {
        let begin = Instant::now();
        for count in 0..RECORDS as u64 {
            let mut record = producer.reserve(24).expect("room");
            let payload: [u64; 3] = black_box([count, 2, 3]);
            record.write_words(&payload).expect("reserved");
            let _ = black_box(record.commit(1));
        }
        let ring = begin.elapsed().as_nanos() as f64 / RECORDS as f64;
        assert_eq!(consumer.pop_batch(&mut local, 32).expect("honest").count(), RECORDS);
        let begin = Instant::now();
        for count in 0..RECORDS as u64 {
            pusher.push(black_box([count, 2, 3, 4])).expect("room");
        }
        let other = begin.elapsed().as_nanos() as f64 / RECORDS as f64;
        while popper.pop().is_ok() {}
        ours.push(ring);
        theirs.push(other);
        ratios.push(ring / other);
    }
    let ring = median(&mut ours);
    Figure {
        name: "32-byte record, producer's cost",
        unit: "ns",
        ring,
        counterpart: "rtrb",
        other: median(&mut theirs),
        ratio: median(&mut ratios),
        bar: "at most 6 ns",
        met: ring <= 6.0,
    }
}
