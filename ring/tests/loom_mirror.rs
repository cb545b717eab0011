//! Loom models of a mirrored ring: producer, the mirror's two ends, and consumer, in every interleaving up to three preemptions.
//!
//! Run with `cargo test -p pvgpu-ring --features loom --test loom_mirror`. A lost wake-up shows as a deadlock, since sleeps
//! are not bounded here.

use std::sync::Arc as Shared;

use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;
use pvgpu_ring::mirror::{Sink, Source, give_back};
use pvgpu_ring::{AtomicU64, Consumer, Producer, ReserveError, initialise};

/// The smallest ring: a data area of 8 cells.
const RING_CELLS: usize = 32 + 8;

type Cells = Shared<[AtomicU64]>;

fn ring(position: u64) -> Cells {
    let memory: Cells = (0..RING_CELLS).map(|_| AtomicU64::new(0)).collect();
    initialise(&memory, position).expect("a ring");
    memory
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

fn push(producer: &mut Producer<Cells>, word: u64) -> Result<bool, ReserveError> {
    let mut record = producer.reserve(8)?;
    record.write_words(&[word]).expect("reserved");
    Ok(record.commit(word as u32).wake)
}

/// Carries what is published; gives how many words that was.
fn carry(source: &mut Source<Cells>, sink: &mut Sink<Cells>, bell: Option<&Bell>) -> usize {
    let mut local = [0; 8];
    let words = source.read(&mut local, 64).expect("honest");
    if let Some(hidden) = sink.hide(words).expect("room")
        && sink.show(hidden)
    {
        bell.expect("nobody sleeps in this model").ring();
    }
    words.len()
}

/// The mirror sleeps until the producer has something, and wakes the consumer, which sleeps as well.
#[test]
fn loom_a_record_wakes_the_mirror_and_the_consumer() {
    model(|| {
        let (original, copy) = (ring(0), ring(0));
        let mut producer = Producer::new(original.clone(), 0).expect("a producer");
        let (mirror_bell, consumer_bell) = (Bell::new(), Bell::new());
        let consumer = thread::spawn({
            let (copy, bell) = (copy.clone(), consumer_bell.clone());
            move || {
                let mut consumer = Consumer::new(copy, 0).expect("a consumer");
                let mut local = [0; 8];
                loop {
                    if let Some(record) = consumer.pop_into(&mut local).expect("honest") {
                        assert_eq!(record.payload_words(), [7]);
                        return;
                    }
                    if consumer.prepare_sleep().expect("honest").sleep {
                        bell.wait();
                    }
                    consumer.wake_up();
                }
            }
        });
        let mirror = thread::spawn({
            let bell = mirror_bell.clone();
            move || {
                let mut source = Source::new(original, 0).expect("a source");
                let mut sink = Sink::new(copy, 0).expect("a sink");
                while carry(&mut source, &mut sink, Some(&consumer_bell)) == 0 {
                    if source.prepare_sleep().expect("honest") {
                        bell.wait();
                    }
                    source.wake_up();
                }
            }
        });
        if push(&mut producer, 7).expect("room") | producer.kick() {
            mirror_bell.ring();
        }
        mirror.join().expect("no panic");
        consumer.join().expect("no panic");
    });
}

/// More records than the ring holds, over the ring's end: the producer goes on with what the mirror gives back.
#[test]
fn loom_what_is_consumed_is_given_back() {
    model(|| {
        // Three records of 16 bytes fit; the positions pass 2^64.
        let start = 0u64.wrapping_sub(32);
        let (original, copy) = (ring(start), ring(start));
        let mut producer = Producer::new(original.clone(), start).expect("a producer");
        let bell = Bell::new();
        let writer = thread::spawn({
            let bell = bell.clone();
            move || {
                for word in 1..=4 {
                    loop {
                        match push(&mut producer, word) {
                            Ok(_) => break,
                            Err(ReserveError::Full) => {
                                if producer.prepare_sleep(8).expect("honest").sleep {
                                    bell.wait();
                                }
                                producer.wake_up();
                            }
                            Err(error) => panic!("{error}"),
                        }
                    }
                }
            }
        });
        let mut source = Source::new(original.clone(), start).expect("a source");
        let mut sink = Sink::new(copy.clone(), start).expect("a sink");
        let mut consumer = Consumer::new(copy, start).expect("a consumer");
        let mut expected = 1;
        while expected <= 4 {
            if carry(&mut source, &mut sink, None) == 0 {
                thread::yield_now();
                continue;
            }
            let mut local = [0; 8];
            while let Some(record) = consumer.pop_into(&mut local).expect("honest") {
                assert_eq!(record.payload_words(), [expected]);
                expected += 1;
            }
            let head = sink.consumed().expect("honest");
            if give_back(&original, head).expect("a ring") {
                bell.ring();
            }
        }
        writer.join().expect("no panic");
    });
}

/// A consumer stops in front of what is hidden, although what stands behind it is written, and sees all of it once it is shown.
#[test]
fn loom_hidden_records_are_not_seen() {
    model(|| {
        let copy = ring(0);
        let mut sink = Sink::new(copy.clone(), 0).expect("a sink");
        // One word that must be there before the first record is seen.
        let bulk = Arc::new(loom::sync::atomic::AtomicU64::new(0));
        let consumer = thread::spawn({
            let bulk = bulk.clone();
            move || {
                let mut consumer = Consumer::new(copy, 0).expect("a consumer");
                let mut expected = 1;
                while expected <= 2 {
                    let mut local = [0; 8];
                    match consumer.pop_into(&mut local).expect("honest") {
                        Some(record) => {
                            assert_eq!(record.payload_words(), [expected]);
                            assert_eq!(bulk.load(loom::sync::atomic::Ordering::Relaxed), 1);
                            expected += 1;
                        }
                        None => thread::yield_now(),
                    }
                }
            }
        });
        let record = |word: u64| [16 | word << 32, word];
        let first = sink.hide(&record(1)).expect("room").expect("a record");
        let second = sink.hide(&record(2)).expect("room").expect("a record");
        // Shown too early, and still not seen: the first one stands in front of it.
        let _ = sink.show(second);
        bulk.store(1, loom::sync::atomic::Ordering::Relaxed);
        let _ = sink.show(first);
        consumer.join().expect("no panic");
    });
}
