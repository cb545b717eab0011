//! The ring against a plain queue, and against peers that break the rules.
#![cfg(not(feature = "loom"))]

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use proptest::prelude::*;
use pvgpu_ring::{
    AtomicU64, BadMemory, Consumer, Corrupt, FenceReader, FenceWriter, HEADER_BYTES, IrqRequest, Overrun,
    Producer, ReserveError, initialise, positions,
};

const HEAD: usize = 8;
const CONSUMER_ALARM: usize = 16;
const DATA: usize = HEADER_BYTES / 8;

type Cells = Arc<[AtomicU64]>;

fn cells(count: usize) -> Cells {
    (0..count).map(|_| AtomicU64::new(0)).collect()
}

fn ring_at(position: u64, capacity: usize) -> (Producer<Cells>, Consumer<Cells>, Cells) {
    let memory = cells(DATA + capacity / 8);
    initialise(&memory, position).expect("a ring");
    let producer = Producer::new(memory.clone(), position).expect("a producer");
    let consumer = Consumer::new(memory.clone(), position).expect("a consumer");
    (producer, consumer, memory)
}

fn push(producer: &mut Producer<Cells>, tag: u32, payload: &[u8]) -> Result<bool, ReserveError> {
    let mut record = producer.reserve(payload.len())?;
    record.write(payload).expect("reserved");
    Ok(record.commit(tag).wake)
}

#[test]
fn sizes_that_are_no_ring() {
    for bytes in [0, 248, 256, 264, 256 + 32, 256 + 96, 256 + 4096 + 8] {
        let memory = cells(bytes / 8);
        let error = initialise(&memory, 0).expect_err("too small or no power of two");
        assert_eq!(error.bytes, bytes);
        assert!(Producer::new(memory.clone(), 0).is_err() && Consumer::new(memory.clone(), 0).is_err());
        assert!(positions(&memory).is_err());
    }
    let memory = cells(DATA + 8);
    assert!(matches!(initialise(&memory, 4), Err(BadMemory { .. })), "a position inside a word");
    assert!(initialise(&memory, 8).is_ok());
}

#[test]
fn an_empty_record_is_a_header() {
    let (mut producer, mut consumer, _) = ring_at(0, 64);
    assert_eq!(producer.reserve(0).expect("room").commit(5).position, 8);
    let mut local = [0; 1];
    let record = consumer.pop_into(&mut local).expect("honest").expect("a record");
    assert_eq!((record.tag(), record.payload().len(), record.ring_bytes()), (5, 0, 8));
}

#[test]
fn a_full_ring_and_a_record_that_never_fits() {
    let (mut producer, mut consumer, _) = ring_at(0, 64);
    assert_eq!(producer.max_payload(), 48);
    for payload in [49, 57, usize::MAX] {
        let error = ReserveError::TooLarge { payload, limit: 48 };
        assert_eq!(producer.reserve(payload).err(), Some(error));
        assert_eq!(producer.prepare_sleep(payload), Err(error));
    }
    push(&mut producer, 1, &[1; 48]).expect("exactly fits");
    assert_eq!(producer.reserve(0).err(), Some(ReserveError::Full));
    let mut local = [0; 8];
    assert_eq!(consumer.pop_into(&mut local).expect("honest").map(|r| r.ring_bytes()), Some(56));
    push(&mut producer, 2, &[]).expect("room again");
    assert_eq!((producer.published(), producer.consumed()), (64, Ok(56)));
}

/// Commits a record of one word that may be held back until `limit` bytes are.
fn hold(producer: &mut Producer<Cells>, tag: u32, limit: u64) -> bool {
    let record = producer.reserve_cells(8).expect("room in a row");
    record.cells()[0].store(u64::from(tag), Relaxed);
    record.commit_held(1, tag, limit).wake
}

/// The tags of all records that the consumer sees; each holds its tag.
fn seen(consumer: &mut Consumer<Cells>) -> Vec<u32> {
    let mut tags = Vec::new();
    let mut local = [0; 8];
    while let Some(record) = consumer.pop_into(&mut local).expect("honest") {
        assert_eq!(record.payload(), u64::from(record.tag()).to_le_bytes());
        tags.push(record.tag());
    }
    tags
}

#[test]
fn held_records_come_together() {
    let (mut producer, mut consumer, memory) = ring_at(0, 256);
    let tail = || memory[0].load(Relaxed);
    assert!(!hold(&mut producer, 1, 48) && !hold(&mut producer, 2, 48));
    assert_eq!((seen(&mut consumer), tail()), (vec![], 0));
    hold(&mut producer, 3, 48);
    assert_eq!((seen(&mut consumer), tail()), (vec![1, 2, 3], 48), "the limit is reached");
    hold(&mut producer, 4, 1000);
    push(&mut producer, 5, &5_u64.to_le_bytes()).expect("room");
    assert_eq!((seen(&mut consumer), tail()), (vec![4, 5], 80), "something else is committed");
    hold(&mut producer, 6, 1000);
    assert!(!producer.kick());
    assert_eq!((seen(&mut consumer), tail()), (vec![6], 96), "the producer kicks");
    hold(&mut producer, 7, 1000);
    assert!(!producer.prepare_sleep(8).expect("possible").sleep, "there is room");
    assert_eq!(seen(&mut consumer), [7]);
}

#[test]
fn held_records_do_not_fill_the_ring_in_secret() {
    let (mut producer, mut consumer, _) = ring_at(0, 64);
    for tag in 1..=3 {
        hold(&mut producer, tag, 1000);
    }
    assert!(producer.reserve_cells(8).is_none());
    assert_eq!(producer.reserve(8).err(), Some(ReserveError::Full));
    assert_eq!(seen(&mut consumer), [1, 2, 3], "the consumer can make room");
    // Around the end and on.
    for tag in 4..100 {
        if producer.reserve_cells(8).is_some() {
            hold(&mut producer, tag, 1000);
        } else {
            push(&mut producer, tag, &u64::from(tag).to_le_bytes()).expect("room");
            let tags = seen(&mut consumer);
            assert_eq!(tags.last(), Some(&tag));
        }
    }
}

#[test]
fn whoever_sleeps_before_held_records_is_woken_with_them() {
    let (mut producer, mut consumer, _) = ring_at(0, 256);
    assert!(consumer.prepare_sleep().expect("honest").sleep);
    assert!(!hold(&mut producer, 1, 1000), "not seen yet");
    assert!(producer.kick());
    consumer.wake_up();
    assert_eq!(seen(&mut consumer), [1]);
    assert!(consumer.prepare_sleep().expect("honest").sleep);
    assert!(!hold(&mut producer, 2, 32));
    assert!(hold(&mut producer, 3, 32), "told by the one that lets it see");
}

#[test]
fn a_dropped_reservation_leaves_nothing() {
    let (mut producer, mut consumer, memory) = ring_at(0, 64);
    producer.reserve(40).expect("room").write(&[9; 40]).expect("reserved");
    let mut local = [0; 8];
    assert_eq!(consumer.pop_into(&mut local), Ok(None));
    assert_eq!(positions(&memory).expect("a ring").tail, 0);
    push(&mut producer, 1, &[7; 48]).expect("all the room is there");
}

#[test]
fn unused_room_goes_back() {
    let (mut producer, mut consumer, _) = ring_at(0, 64);
    let mut record = producer.reserve(48).expect("room");
    record.write(&[1, 2, 3]).expect("reserved");
    assert_eq!((record.position(), record.remaining()), (3, 45));
    assert_eq!(record.commit(0).position, 16);
    let mut local = [0; 8];
    let record = consumer.pop_into(&mut local).expect("honest").expect("a record");
    assert_eq!(record.payload(), [1, 2, 3, 0, 0, 0, 0, 0]);
}

#[test]
fn an_overrun_stores_nothing() {
    let (mut producer, mut consumer, _) = ring_at(0, 64);
    let mut record = producer.reserve(16).expect("room");
    record.write(&[1; 9]).expect("reserved");
    assert_eq!(record.write(&[2; 8]), Err(Overrun { written: 9, more: 8, limit: 16 }));
    assert_eq!(record.write_words(&[0]), Err(Overrun { written: 9, more: 8, limit: 16 }));
    record.write(&[3; 7]).expect("the rest");
    let _ = record.commit(0);
    let mut local = [0; 8];
    let record = consumer.pop_into(&mut local).expect("honest").expect("a record");
    assert_eq!(record.payload(), [1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 3, 3, 3, 3, 3, 3]);
}

#[test]
fn a_sleeper_is_woken_once() {
    let (mut producer, mut consumer, memory) = ring_at(0, 64);
    let idle = consumer.prepare_sleep().expect("honest");
    assert!(idle.sleep && !idle.wake && positions(&memory).expect("a ring").consumer_sleeps);
    assert_eq!(push(&mut producer, 0, &[]), Ok(true));
    assert_eq!(push(&mut producer, 0, &[]), Ok(false));
    assert!(!producer.kick(), "woken already");
    assert!(!consumer.prepare_sleep().expect("honest").sleep, "there are records");
    assert!(!positions(&memory).expect("a ring").consumer_sleeps, "the alarm is taken back");
}

#[test]
fn a_kick_finds_an_alarm_that_a_commit_missed() {
    let (mut producer, _, memory) = ring_at(0, 64);
    assert_eq!(push(&mut producer, 0, &[]), Ok(false));
    // What the consumer's arming looks like when it becomes visible right after the look.
    memory[CONSUMER_ALARM].store(8 | 1, Relaxed);
    assert!(producer.kick());
    memory[CONSUMER_ALARM].store(8 | 1, Relaxed);
    assert!(!producer.kick(), "nothing was published since");
}

#[test]
fn a_waiting_producer_is_woken_when_a_quarter_is_free() {
    let (mut producer, mut consumer, _) = ring_at(0, 256);
    while push(&mut producer, 0, &[0; 8]).is_ok() {}
    assert!(producer.prepare_sleep(8).expect("honest").sleep);
    let mut local = [0; 2];
    for woken in [false, false, false, true, false] {
        consumer.pop_into(&mut local).expect("honest").expect("a record");
        assert_eq!(consumer.wake_due(), woken);
    }
    assert!(!producer.prepare_sleep(8).expect("honest").sleep, "there is room");
    assert!(matches!(producer.prepare_sleep(241), Err(ReserveError::TooLarge { .. })));
}

#[test]
fn corrupt_lengths_are_final() {
    for (length, limit) in [(0, 56), (7, 56), (9, 56), (12, 56), (64, 56), (u32::MAX, 56), (16, 8)] {
        let (mut producer, mut consumer, memory) = ring_at(0, 64);
        push(&mut producer, 1, &[0; 8]).expect("room");
        memory[DATA].store(u64::from(length) | 1 << 32, Relaxed);
        let mut local = vec![0; limit / 8];
        let corrupt = Corrupt::Length { position: 0, length, limit: limit as u64 };
        assert_eq!(consumer.pop_into(&mut local), Err(corrupt));
        memory[DATA].store(16, Relaxed);
        assert_eq!(consumer.pop_into(&mut local), Err(corrupt), "no second reading");
        assert_eq!(consumer.pop_batch(&mut local, 64).err(), Some(corrupt));
        assert_eq!(consumer.prepare_sleep(), Err(corrupt));
        assert_eq!(consumer.is_empty(), Err(corrupt));
    }
}

#[test]
fn a_length_beyond_the_ring_is_corrupt_for_any_buffer() {
    let (_, mut consumer, memory) = ring_at(0, 64);
    memory[DATA].store(64, Relaxed);
    let mut local = [0; 100];
    assert_eq!(consumer.pop_into(&mut local), Err(Corrupt::Length { position: 0, length: 64, limit: 56 }));
}

#[test]
fn a_ring_that_is_used_again_is_empty() {
    let (mut producer, _, memory) = ring_at(0, 64);
    push(&mut producer, 1, &[1; 24]).expect("room");
    initialise(&memory, 8).expect("a ring");
    let mut consumer = Consumer::new(memory, 8).expect("a consumer");
    assert_eq!(consumer.is_empty(), Ok(true));
}

#[test]
fn corrupt_heads_are_final() {
    for head in [8, 4, 64, u64::MAX - 7] {
        let (mut producer, _, memory) = ring_at(0, 64);
        push(&mut producer, 0, &[0; 40]).expect("room");
        memory[HEAD].store(head, Relaxed);
        let result = producer.reserve(8).err();
        if head == 8 {
            // A head inside a record is no error that the producer can know.
            assert_eq!(result, None);
            continue;
        }
        let corrupt = Corrupt::Head { head, last: 0, tail: 48 };
        assert_eq!(result, Some(ReserveError::Corrupt(corrupt)));
        memory[HEAD].store(48, Relaxed);
        assert_eq!(producer.reserve(8).err(), Some(ReserveError::Corrupt(corrupt)));
        assert_eq!(producer.consumed(), Err(corrupt));
        assert_eq!(producer.prepare_sleep(8), Err(ReserveError::Corrupt(corrupt)));
    }
}

#[test]
fn a_batch_takes_what_fits() {
    let (mut producer, mut consumer, _) = ring_at(0, 256);
    for tag in 0..5 {
        push(&mut producer, tag, &[0; 16]).expect("room");
    }
    // 24 bytes each: two fit into 7 words.
    let mut local = [0; 7];
    let mut tags = Vec::new();
    loop {
        let batch = consumer.pop_batch(&mut local, 56).expect("honest");
        if batch.is_empty() {
            break;
        }
        tags.push(batch.map(|record| record.tag()).collect::<Vec<_>>());
    }
    assert_eq!(tags, [vec![0, 1], vec![2, 3], vec![4]]);
}

#[test]
fn fences_only_grow() {
    let memory = cells(16);
    let mut writer = FenceWriter::new(memory.clone(), 1).expect("a line");
    let mut reader = FenceReader::new(memory.clone(), 1).expect("a line");
    assert_eq!(reader.poll(), Ok(0));
    writer.complete(5, 50);
    writer.complete(3, 60);
    assert_eq!((reader.poll(), reader.time(), writer.completed()), (Ok(5), 50, 5));
    memory[8].store(4, Relaxed);
    let corrupt = Corrupt::Backwards { value: 4, last: 5 };
    assert_eq!(reader.poll(), Err(corrupt));
    memory[8].store(9, Relaxed);
    assert_eq!(reader.poll(), Err(corrupt), "final");
    assert!(FenceReader::new(memory.clone(), 2).is_err() && FenceWriter::new(memory, usize::MAX).is_err());
}

#[test]
fn an_interrupt_comes_once_per_request() {
    let (fence, request) = (cells(8), cells(1));
    let mut writer = FenceWriter::new(fence.clone(), 0).expect("a line");
    let mut reader = FenceReader::new(fence, 0).expect("a line");
    let request = IrqRequest::new(request, 0).expect("a cell");
    assert_eq!(request.arm(0, &mut reader), Ok(false), "0 is always complete");
    assert_eq!(request.arm(2, &mut reader), Ok(true));
    writer.complete(1, 0);
    assert!(!request.fire(1));
    writer.complete(2, 0);
    assert!(request.fire(2) && !request.fire(2));
    assert_eq!(request.arm(2, &mut reader), Ok(false), "reached already");
    assert!(!request.fire(3), "and so not armed");
    assert_eq!(request.arm(4, &mut reader), Ok(true));
    request.disarm();
    assert!(!request.fire(4));
}

/// What happens to a ring, in the property test against a queue.
#[derive(Clone, Debug)]
enum Step {
    Push(Vec<Vec<u8>>),
    Pop,
    PopBatch(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // A record written in several pieces of any length, so that words are cut at every place.
    let pieces = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..5);
    let step = prop_oneof![3 => pieces.prop_map(Step::Push), 2 => Just(Step::Pop), 1 => (25usize..40).prop_map(Step::PopBatch)];
    prop::collection::vec(step, 1..200)
}

proptest! {
    #[test]
    fn a_ring_is_a_queue(start in prop_oneof![Just(0), any::<u64>().prop_map(|p| p & !7), (0u64..64).prop_map(|n| 0u64.wrapping_sub(n * 8))],
                         steps in steps()) {
        const CAPACITY: usize = 256;
        let (mut producer, mut consumer, memory) = ring_at(start, CAPACITY);
        let mut queue: VecDeque<(u32, Vec<u8>)> = VecDeque::new();
        let mut used = 0;
        let mut tag = 0;
        for step in steps {
            match step {
                Step::Push(pieces) => {
                    let mut payload = pieces.concat();
                    let bytes = 8 + payload.len().next_multiple_of(8);
                    match producer.reserve(payload.len()) {
                        Ok(mut record) => {
                            prop_assert!(used + bytes <= CAPACITY - 8);
                            for piece in &pieces {
                                record.write(piece).expect("reserved");
                            }
                            tag += 1;
                            prop_assert!(!record.commit(tag).wake);
                            used += bytes;
                            payload.resize(bytes - 8, 0);
                            queue.push_back((tag, payload));
                        }
                        Err(ReserveError::Full) => prop_assert!(used + bytes > CAPACITY - 8),
                        Err(error) => return Err(TestCaseError::fail(error.to_string())),
                    }
                }
                Step::Pop => {
                    let mut local = [0; CAPACITY / 8];
                    let record = consumer.pop_into(&mut local).expect("honest");
                    let expected = queue.pop_front();
                    used -= record.map_or(0, |record| record.ring_bytes());
                    prop_assert_eq!(record.map(|r| (r.tag(), r.payload().to_vec())), expected);
                }
                Step::PopBatch(words) => {
                    let mut local = vec![0; words];
                    let batch = consumer.pop_batch(&mut local, words * 8).expect("honest");
                    prop_assert_eq!(batch.is_empty(), queue.is_empty());
                    for record in batch {
                        used -= record.ring_bytes();
                        let expected = queue.pop_front();
                        prop_assert_eq!(Some((record.tag(), record.payload().to_vec())), expected);
                    }
                }
            }
            let now = positions(&memory).expect("a ring");
            prop_assert_eq!(now.tail.wrapping_sub(now.head), used as u64);
        }
    }

    #[test]
    fn any_memory_gives_records_or_an_error(
        words in prop::collection::vec(prop_oneof![any::<u64>(), (0u64..10).prop_map(|n| n * 8), 0u64..80], 8..80),
        start in prop_oneof![Just(0u64), Just(u64::MAX - 7)],
    ) {
        let (_, mut consumer, memory) = ring_at(start, 64);
        let mut failed = None;
        for words in words.chunks(8) {
            for (cell, word) in memory[DATA..].iter().zip(words) {
                cell.store(*word, Relaxed);
            }
            for _ in 0..10 {
                let mut local = [0; 6];
                let before = consumer.consumed();
                let result = consumer.pop_into(&mut local).map(|record| record.map_or(0, |record| record.ring_bytes()));
                if let Some(corrupt) = failed {
                    prop_assert_eq!(result, Err(corrupt));
                }
                let stepped = consumer.consumed().wrapping_sub(before);
                prop_assert_eq!(stepped, result.unwrap_or(0) as u64);
                prop_assert!(stepped <= 48);
                failed = result.err();
            }
        }
    }

    #[test]
    fn any_head_gives_room_or_an_error(heads in prop::collection::vec(prop_oneof![any::<u64>(), (0u64..20).prop_map(|n| n * 8)], 1..8)) {
        let (mut producer, _, memory) = ring_at(0, 64);
        let mut failed = None;
        for head in heads {
            memory[HEAD].store(head, Relaxed);
            for _ in 0..5 {
                match push(&mut producer, 0, &[1; 20]) {
                    Ok(_) => prop_assert_eq!(failed, None),
                    Err(ReserveError::Full) => break,
                    Err(error) => {
                        prop_assert!(failed.is_none_or(|failed| failed == error));
                        failed = Some(error);
                    }
                }
            }
        }
    }
}
