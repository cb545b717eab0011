//! Loom models: every interleaving (up to three preemptions) of the two ends of a ring, also when one of them lies.
//!
//! Run with `cargo test -p pvgpu-ring --features loom --test loom`. A lost wake-up shows as a deadlock, since sleeps
//! are not bounded here.
//!
//! What loom cannot show: it does not let a load take its value from a store that comes later (load buffering), so the
//! release order of the head, which keeps a consumer's copies ahead of the producer's next stores, rests on reasoning.

use std::sync::Arc as Shared;

use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;
use pvgpu_ring::telemetry::{self, PAYLOAD_WORDS};
use pvgpu_ring::{
    AtomicU64, Consumer, Corrupt, FenceReader, FenceWriter, IrqRequest, Producer, ReserveError, initialise,
};

/// The smallest ring: a data area of 8 cells.
const RING_CELLS: usize = 32 + 8;
const HEAD: usize = 8;
const DATA: usize = 32;

type Cells = Shared<[AtomicU64]>;

fn cells(count: usize) -> Cells {
    (0..count).map(|_| AtomicU64::new(0)).collect()
}

/// A fresh ring whose positions begin at `position`.
fn ring(position: u64) -> (Producer<Cells>, Consumer<Cells>, Cells) {
    let memory = cells(RING_CELLS);
    initialise(&memory, position).expect("a ring");
    let producer = Producer::new(memory.clone(), position).expect("a producer");
    let consumer = Consumer::new(memory.clone(), position).expect("a consumer");
    (producer, consumer, memory)
}

fn model(run: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(run);
}

/// A doorbell on which a thread sleeps without bound.
#[derive(Clone)]
struct Bell(Arc<(Mutex<bool>, Condvar)>);

impl Bell {
    fn new() -> Self {
        Self(Arc::new((Mutex::new(false), Condvar::new())))
    }

    fn ring(&self) {
        *self.0.0.lock().expect("no panic") = true;
        self.0.1.notify_one();
    }

    fn wait(&self) {
        let mut rung = self.0.0.lock().expect("no panic");
        while !*rung {
            rung = self.0.1.wait(rung).expect("no panic");
        }
        *rung = false;
    }
}

/// Publishes a record of one payload word; tells whether there was room.
fn push(producer: &mut Producer<Cells>, word: u64, bell: Option<&Bell>) -> bool {
    match producer.reserve(8) {
        Ok(mut record) => {
            record.write_words(&[word]).expect("reserved");
            if record.commit(word as u32).wake {
                bell.expect("nobody sleeps in this model").ring();
            }
            true
        }
        Err(ReserveError::Full) => false,
        Err(error) => panic!("{error}"),
    }
}

/// Takes a record of one payload word.
fn pop(consumer: &mut Consumer<Cells>) -> Option<u64> {
    let mut local = [0; 8];
    let record = consumer.pop_into(&mut local).expect("honest")?;
    let [word] = *record.payload_words() else { panic!("one word") };
    assert_eq!(u64::from(record.tag()), word);
    Some(word)
}

/// What was published arrives in order, unchanged, across the ring's end and the end of the numbers.
#[test]
fn loom_publish_and_consume_with_wrap() {
    model(|| {
        // Room for two records of 24 bytes: the third has to wait and wraps round the ring; the positions pass 2^64.
        let (mut producer, mut consumer, _) = ring(0u64.wrapping_sub(32));
        let thread = thread::spawn(move || {
            for word in 1..=3 {
                loop {
                    let room = producer.reserve(16).map(|mut record| {
                        record.write_words(&[word, !word]).expect("reserved");
                        assert!(!record.commit(word as u32).wake);
                    });
                    match room {
                        Ok(()) => break,
                        Err(ReserveError::Full) => thread::yield_now(),
                        Err(error) => panic!("{error}"),
                    }
                }
            }
        });
        let mut expected = 1;
        while expected <= 3 {
            let mut local = [0; 8];
            match consumer.pop_into(&mut local).expect("honest") {
                Some(record) => {
                    assert_eq!(record.payload_words(), [expected, !expected]);
                    assert_eq!(u64::from(record.tag()), expected);
                    expected += 1;
                }
                None => thread::yield_now(),
            }
        }
        thread.join().expect("no panic");
    });
}

/// A batch takes whole records only, in order.
#[test]
fn loom_batches() {
    model(|| {
        let (mut producer, mut consumer, _) = ring(0);
        let thread = thread::spawn(move || {
            for word in 1..=3 {
                assert!(push(&mut producer, word, None), "48 bytes fit");
            }
        });
        let mut seen = Vec::new();
        while seen.len() < 3 {
            let mut local = [0; 8];
            let batch = consumer.pop_batch(&mut local, 16).expect("honest");
            if batch.is_empty() {
                thread::yield_now();
            }
            seen.extend(batch.map(|record| record.payload_words().to_vec()));
        }
        assert_eq!(seen, [[1], [2], [3]]);
        thread.join().expect("no panic");
    });
}

/// A consumer that sleeps when the ring is empty gets every record, as long as the producer kicks at the end.
#[test]
fn loom_idle_consumer_is_woken() {
    model(|| {
        let (mut producer, mut consumer, _) = ring(0);
        let bell = Bell::new();
        let producers_bell = bell.clone();
        let thread = thread::spawn(move || {
            for word in 1..=2 {
                assert!(push(&mut producer, word, Some(&producers_bell)), "32 bytes fit");
            }
            if producer.kick() {
                producers_bell.ring();
            }
        });
        let mut expected = 1;
        while expected <= 2 {
            match pop(&mut consumer) {
                Some(word) => {
                    assert_eq!(word, expected);
                    expected += 1;
                }
                None => {
                    let idle = consumer.prepare_sleep().expect("honest");
                    if idle.sleep {
                        bell.wait();
                        consumer.wake_up();
                    }
                }
            }
        }
        thread.join().expect("no panic");
    });
}

/// A producer that sleeps when the ring is full is woken, by a consumer that sleeps when it is empty.
#[test]
fn loom_both_sides_sleep() {
    model(|| {
        let (mut producer, mut consumer, _) = ring(0);
        let (consumers_bell, producers_bell) = (Bell::new(), Bell::new());
        // Three records of 16 bytes and the end's word: no room for a fourth.
        for word in 1..=3 {
            assert!(push(&mut producer, word, None));
        }
        let thread = thread::spawn({
            let (consumers_bell, producers_bell) = (consumers_bell.clone(), producers_bell.clone());
            move || {
                for word in 4..=5 {
                    while !push(&mut producer, word, Some(&consumers_bell)) {
                        let idle = producer.prepare_sleep(8).expect("honest");
                        if idle.wake {
                            consumers_bell.ring();
                        }
                        if idle.sleep {
                            producers_bell.wait();
                            producer.wake_up();
                        }
                    }
                }
                if producer.kick() {
                    consumers_bell.ring();
                }
            }
        });
        let mut expected = 1;
        while expected <= 5 {
            match pop(&mut consumer) {
                Some(word) => {
                    assert_eq!(word, expected);
                    expected += 1;
                    if consumer.wake_due() {
                        producers_bell.ring();
                    }
                }
                None => {
                    let idle = consumer.prepare_sleep().expect("honest");
                    if idle.wake {
                        producers_bell.ring();
                    }
                    if idle.sleep {
                        consumers_bell.wait();
                        consumer.wake_up();
                    }
                }
            }
        }
        // The producer may still sleep for the room that was given back last.
        if consumer.kick() {
            producers_bell.ring();
        }
        thread.join().expect("no panic");
    });
}

/// A consumer that never sleeps and kicks at the end of its batch leaves no producer behind that waits for room.
#[test]
fn loom_a_busy_consumer_wakes_the_producer() {
    model(|| {
        let (mut producer, mut consumer, _) = ring(0);
        let bell = Bell::new();
        for word in 1..=3 {
            assert!(push(&mut producer, word, None));
        }
        let thread = thread::spawn({
            let bell = bell.clone();
            move || {
                while !push(&mut producer, 4, None) {
                    let idle = producer.prepare_sleep(8).expect("honest");
                    assert!(!idle.wake, "the consumer never sleeps");
                    if idle.sleep {
                        bell.wait();
                        producer.wake_up();
                    }
                }
            }
        });
        for word in 1..=2 {
            assert_eq!(pop(&mut consumer), Some(word));
        }
        if consumer.kick() {
            bell.ring();
        }
        thread.join().expect("no panic");
    });
}

/// One sleep is ended by one ring at most.
#[test]
fn loom_a_sleeper_is_woken_once() {
    model(|| {
        let (mut producer, mut consumer, _) = ring(0);
        let thread = thread::spawn(move || {
            let mut rings = 0;
            for word in 1..=2 {
                let mut record = producer.reserve(8).expect("room");
                record.write_words(&[word]).expect("reserved");
                rings += u32::from(record.commit(0).wake);
            }
            rings + u32::from(producer.kick())
        });
        let slept = consumer.prepare_sleep().expect("honest").sleep;
        let rings = thread.join().expect("no panic");
        assert!(rings <= 1);
        assert!(!slept || rings == 1, "a sleeper was forgotten");
    });
}

/// The guest arms its interrupt and checks the fence; the host completes and checks the request.
#[test]
fn loom_fence_and_interrupt_request() {
    model(|| {
        let (fence, request) = (cells(8), cells(1));
        let bell = Bell::new();
        let mut writer = FenceWriter::new(fence.clone(), 0).expect("a line");
        let mut reader = FenceReader::new(fence, 0).expect("a line");
        let (host, guest) = (
            IrqRequest::new(request.clone(), 0).expect("a cell"),
            IrqRequest::new(request, 0).expect("a cell"),
        );
        let thread = thread::spawn({
            let bell = bell.clone();
            move || {
                let mut rings = 0;
                for value in 1..=3 {
                    writer.complete(value, value * 10);
                    if host.fire(value) {
                        rings += 1;
                        bell.ring();
                    }
                }
                rings
            }
        });
        if guest.arm(2, &mut reader).expect("monotonic") {
            bell.wait();
        }
        let completed = reader.poll().expect("monotonic");
        assert!(completed >= 2);
        assert!(reader.time() >= completed * 10);
        assert!(thread.join().expect("no panic") <= 1);
    });
}

/// A reader never gets a torn record, and every record is either read, in order, or counted as dropped.
#[test]
fn loom_telemetry_overwrites_without_tearing() {
    model(|| {
        let memory = cells(8 + 8);
        let mut writer = telemetry::Writer::new(memory.clone()).expect("one slot");
        let mut reader = telemetry::Reader::new(memory).expect("one slot");
        let thread = thread::spawn(move || {
            for word in 1..=2 {
                writer.write(&[word; PAYLOAD_WORDS]);
            }
        });
        let mut last = 0;
        let mut seen = 0;
        let mut take = |reader: &mut telemetry::Reader<Cells>| {
            while let Some(record) = reader.read().expect("honest") {
                assert!(record[0] > last && record.iter().all(|word| *word == record[0]), "{record:?}");
                last = record[0];
                seen += 1;
            }
        };
        take(&mut reader);
        thread.join().expect("no panic");
        take(&mut reader);
        assert_eq!(seen + reader.dropped(), 2);
    });
}

/// What a liar may write to a word that the other end reads.
const LIES: [u64; 7] = [0, 7, 8, 64, 72, u64::MAX - 7, u64::MAX];

/// A producer that writes anything to its records at any time: the consumer gives a record or an error, the error stays, and
/// its head moves by the records that it gave and by nothing else.
#[test]
fn loom_lying_producer() {
    for header in [8, 9, 16, 24, 56, 64, 72, 1 << 32, u64::from(u32::MAX)] {
        model(move || {
            let (_, mut consumer, memory) = ring(0);
            let thread = thread::spawn(move || {
                memory[DATA].store(header, loom::sync::atomic::Ordering::Relaxed);
                memory[DATA + 1].store(!header, loom::sync::atomic::Ordering::Relaxed);
                memory[DATA + 2].store(header, loom::sync::atomic::Ordering::Relaxed);
                memory[DATA].store(!header, loom::sync::atomic::Ordering::Relaxed);
            });
            let mut failed: Option<Corrupt> = None;
            let mut given = 0;
            for _ in 0..3 {
                let mut local = [0; 8];
                let result = consumer
                    .pop_into(&mut local)
                    .map(|record| record.map_or(0, |record| record.ring_bytes()));
                if let Some(corrupt) = failed {
                    assert_eq!(result, Err(corrupt), "an error is final");
                    assert_eq!(consumer.is_empty(), Err(corrupt));
                }
                failed = result.err();
                given += result.unwrap_or(0);
                assert!(consumer.consumed() == given as u64 && result.unwrap_or(0) <= 56);
                thread::yield_now();
            }
            thread.join().expect("no panic");
        });
    }
}

/// A consumer that writes anything to its head and the alarms: the producer gets room or an error, and the error stays.
#[test]
fn loom_lying_consumer() {
    for head in LIES {
        for alarm in [1, 9, u64::MAX] {
            model(move || {
                let (mut producer, _, memory) = ring(0);
                let thread = thread::spawn(move || {
                    memory[16].store(alarm, loom::sync::atomic::Ordering::Relaxed);
                    memory[HEAD].store(head, loom::sync::atomic::Ordering::Relaxed);
                    memory[24].store(alarm, loom::sync::atomic::Ordering::Relaxed);
                });
                let mut failed = None;
                for _ in 0..3 {
                    let result = producer.reserve(24).map(|mut record| {
                        record.write(&[1; 24]).expect("reserved");
                        let _ = record.commit(0).wake;
                    });
                    if let Some(corrupt) = failed {
                        assert_eq!(result, Err(corrupt), "an error is final");
                    }
                    match result {
                        Ok(()) => {}
                        Err(ReserveError::Full) => drop(producer.prepare_sleep(24)),
                        Err(error) => failed = Some(error),
                    }
                }
                thread.join().expect("no panic");
            });
        }
    }
}
