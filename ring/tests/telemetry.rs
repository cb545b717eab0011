//! The telemetry ring: what is overwritten is counted, and a lying writer is caught.
#![cfg(not(feature = "loom"))]

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use proptest::prelude::*;
use pvgpu_ring::telemetry::{PAYLOAD_WORDS, Reader, Writer};
use pvgpu_ring::{AtomicU64, Corrupt};

type Cells = Arc<[AtomicU64]>;

fn ring(slots: usize) -> (Writer<Cells>, Reader<Cells>, Cells) {
    let memory: Cells = (0..8 + slots * 8).map(|_| AtomicU64::new(0)).collect();
    let writer = Writer::new(memory.clone()).expect("a ring");
    let reader = Reader::new(memory.clone()).expect("a ring");
    (writer, reader, memory)
}

fn payload(count: u64) -> [u64; PAYLOAD_WORDS] {
    std::array::from_fn(|index| count * 10 + index as u64)
}

#[test]
fn sizes_that_are_no_telemetry_ring() {
    for count in [0, 7, 8, 12, 8 + 24, 8 + 16 + 1] {
        let memory: Cells = (0..count).map(|_| AtomicU64::new(0)).collect();
        assert!(Writer::new(memory.clone()).is_err() && Reader::new(memory).is_err(), "{count} cells");
    }
}

#[test]
fn the_oldest_are_dropped_and_counted() {
    let (mut writer, mut reader, _) = ring(4);
    assert_eq!(reader.read(), Ok(None));
    for count in 0..10 {
        writer.write(&payload(count));
    }
    for count in 6..10 {
        assert_eq!(reader.read(), Ok(Some(payload(count))));
        assert_eq!(reader.dropped(), 6);
    }
    assert_eq!(reader.read(), Ok(None));
    writer.write(&payload(10));
    assert_eq!(reader.read(), Ok(Some(payload(10))));
}

#[test]
fn a_count_that_goes_back_is_final() {
    let (mut writer, mut reader, memory) = ring(4);
    writer.write(&payload(0));
    writer.write(&payload(1));
    while reader.read().expect("honest").is_some() {}
    memory[0].store(1, Relaxed);
    let corrupt = Corrupt::Backwards { value: 1, last: 2 };
    assert_eq!(reader.read(), Err(corrupt));
    memory[0].store(2, Relaxed);
    assert_eq!(reader.read(), Err(corrupt));
}

proptest! {
    #[test]
    fn each_record_is_read_or_dropped(slots in 0u32..4, bursts in prop::collection::vec((0u64..20, 0usize..20), 1..30)) {
        let (mut writer, mut reader, _) = ring(1 << slots);
        let (mut written, mut seen) = (0, 0);
        for (writes, reads) in bursts {
            for _ in 0..writes {
                writer.write(&payload(written));
                written += 1;
            }
            for _ in 0..reads {
                if let Some(record) = reader.read().expect("honest") {
                    prop_assert_eq!(record, payload(seen + reader.dropped()));
                    seen += 1;
                } else {
                    prop_assert_eq!(seen + reader.dropped(), written);
                }
            }
        }
    }

    #[test]
    fn any_memory_gives_records_or_an_error(words in prop::collection::vec(prop_oneof![any::<u64>(), 0u64..20], 8 + 16)) {
        let (_, mut reader, memory) = ring(2);
        for (cell, word) in memory.iter().zip(words) {
            cell.store(word, Relaxed);
        }
        for _ in 0..5 {
            let _ = reader.read();
        }
    }
}
