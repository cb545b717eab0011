//! Bytes that are sent from shared memory and received into it: in portions of any size, cut in the middle, and for no place.

mod channels;

use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use pvgpu_transport::carrier::{Receiver, Sender};
use pvgpu_transport::mirror::pack;
use pvgpu_transport::mirror::reader::{Bulk, MessageReader};
use pvgpu_transport::mirror::wire::{MAX_BULK_BYTES, Message, piece_header};
use pvgpu_transport::{Mapping, Region, Span};

/// Bytes of the memory.
const HEAP: usize = 1 << 20;

fn memory() -> Region {
    Mapping::anonymous(HEAP).expect("memory").whole()
}

fn contents(region: &Region) -> Vec<u8> {
    let mut bytes = vec![0; HEAP];
    Span::new(region, 0, HEAP as u64).expect("all of it").read(&mut bytes);
    bytes
}

fn pattern(length: usize, seed: u8) -> Vec<u8> {
    (0..length).map(|at| (at as u8).wrapping_mul(31) ^ (at >> 8) as u8 ^ seed).collect()
}

/// A receiver of bytes that are there, in portions. One that is direct gives bytes behind a span, as a socket does.
struct Script {
    bytes: Vec<u8>,
    position: usize,
    portions: Vec<usize>,
    turn: usize,
    direct: bool,
}

impl Script {
    fn next(&mut self, most: usize) -> &[u8] {
        let portion =
            self.portions.get(self.turn % self.portions.len().max(1)).copied().unwrap_or(usize::MAX);
        self.turn += 1;
        let begin = self.position;
        let end = begin.saturating_add(portion.min(most)).min(self.bytes.len());
        self.position = end;
        &self.bytes[begin..end]
    }
}

impl Receiver for Script {
    fn receive(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let bytes = self.next(into.len());
        into[..bytes.len()].copy_from_slice(bytes);
        Ok(bytes.len())
    }

    fn receive_into(&mut self, span: Span<'_>, room: &mut [u8]) -> io::Result<usize> {
        let behind = if self.direct { room.len() } else { 0 };
        let bytes = self.next(span.len() + behind);
        let there = span.write(bytes);
        room[..bytes.len() - there].copy_from_slice(&bytes[there..]);
        Ok(bytes.len())
    }
}

/// What is sent, and what of it is expected in the heap.
#[derive(Clone, Debug)]
enum Step {
    Raw { offset: usize, length: usize },
    Zeros { offset: usize, length: usize },
    Fixed { offset: usize, length: usize },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step =
        (0usize..3, 0usize..HEAP - 70_000, 0usize..70_000).prop_map(|(kind, offset, length)| match kind {
            0 => Step::Raw { offset, length },
            1 => Step::Zeros { offset, length },
            _ => Step::Fixed { offset, length: length % 200 },
        });
    proptest::collection::vec(step, 0..12)
}

/// The bytes of all steps on the wire, and the heap behind them.
fn script(steps: &[Step]) -> (Vec<u8>, Vec<u8>) {
    let (mut wire, mut heap) = (Vec::new(), vec![0xee; HEAP]);
    for (number, step) in steps.iter().enumerate() {
        let (Step::Raw { offset, length } | Step::Zeros { offset, length } | Step::Fixed { offset, length }) =
            *step;
        let data = pattern(length, number as u8);
        match step {
            Step::Zeros { .. } => {
                wire.extend_from_slice(&piece_header(offset as u64, length as u32, pack::ZEROS, true, 0));
                heap[offset..offset + length].fill(0);
            }
            Step::Raw { .. } | Step::Fixed { .. } => {
                let packing = pack::RAW;
                wire.extend_from_slice(&piece_header(offset as u64, length as u32, packing, true, length));
                wire.extend_from_slice(&data);
                heap[offset..offset + length].copy_from_slice(&data);
            }
        }
    }
    (wire, heap)
}

/// Reads pieces until the end; gives how many came and what the end was.
fn read_all(receiver: impl Receiver + 'static, heap: &Region) -> (usize, String) {
    let mut reader = MessageReader::new(Box::new(receiver), MAX_BULK_BYTES);
    let mut scratch = Vec::new();
    let place = |offset, length: u32| {
        Span::new(heap, offset, u64::from(length)).ok_or_else(|| "there is no such place".to_owned())
    };
    for count in 0.. {
        match reader.read_bulk(place) {
            Ok(Bulk::Placed { .. }) => {}
            Ok(Bulk::Message(Message::Piece { offset, length, packing, data, .. })) => {
                let bytes = pack::unpack(packing, length, data, &mut scratch).expect("an honest sender");
                place(offset, length).expect("an honest sender").write(bytes);
            }
            Ok(Bulk::Message(other)) => panic!("{other:?}"),
            Err(error) => return (count, error.to_string()),
        }
    }
    unreachable!()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pieces_arrive_in_portions_of_any_size(
        steps in steps(),
        portions in proptest::collection::vec(1usize..40_000, 0..6),
        direct in any::<bool>(),
    ) {
        let (wire, expected) = script(&steps);
        let heap = memory();
        Span::new(&heap, 0, HEAP as u64).expect("all of it").write(&vec![0xee; HEAP]);
        let (count, end) = read_all(Script { bytes: wire, position: 0, portions, turn: 0, direct }, &heap);
        prop_assert_eq!((count, end.as_str()), (steps.len(), "the peer has closed the link"));
        prop_assert!(contents(&heap) == expected);
    }

    #[test]
    fn a_peer_that_stops_anywhere_is_an_end_and_no_more(
        steps in steps(),
        cut in any::<proptest::sample::Index>(),
        portions in proptest::collection::vec(1usize..40_000, 0..6),
        direct in any::<bool>(),
    ) {
        let (mut wire, _) = script(&steps);
        let cut = cut.index(wire.len() + 1);
        wire.truncate(cut);
        // Pieces that are whole, and whether the cut lies between two.
        let (mut whole, mut end) = (0, 0);
        for number in 1..=steps.len() {
            let length = script(&steps[..number]).0.len();
            if length <= cut {
                (whole, end) = (number, length);
            }
        }
        let heap = memory();
        let (count, why) = read_all(Script { bytes: wire, position: 0, portions, turn: 0, direct }, &heap);
        prop_assert_eq!(count, whole);
        prop_assert_eq!(why == "the peer has closed the link", end == cut, "{}", why);
    }
}

#[test]
fn what_has_no_place_is_not_written() {
    let heap = 1 << 20;
    for (offset, length, data) in [
        (heap, 1, 1),
        (heap - 8, 9, 9),
        (u64::MAX, 8, 8),
        (u64::MAX - 7, 8, 8),
        // Says fewer or more bytes than it brings: no raw piece.
        (0, 8, 16),
        (0, 16, 8),
        (0, u32::MAX, 8),
    ] {
        for direct in [false, true] {
            let region = memory();
            let mut bytes = piece_header(offset, length, pack::RAW, true, data).to_vec();
            bytes.extend_from_slice(&vec![7; data]);
            let script = Script { bytes, position: 0, portions: vec![], turn: 0, direct };
            let mut reader = MessageReader::new(Box::new(script), MAX_BULK_BYTES);
            let place = |offset, length: u32| {
                Span::new(&region, offset, u64::from(length)).ok_or_else(|| "no such place".to_owned())
            };
            match reader.read_bulk(place) {
                Err(error) => assert_eq!(error.to_string(), "no such place"),
                Ok(Bulk::Message(Message::Piece { length, packing, data, .. })) => {
                    let mut scratch = Vec::new();
                    assert!(
                        length as usize > MAX_BULK_BYTES
                            || pack::unpack(packing, length, data, &mut scratch).is_err()
                    );
                }
                other => panic!("{offset} {length} {data}: {other:?}"),
            }
            assert!(Span::new(&region, 0, HEAP as u64).expect("all of it").is_zero());
        }
    }
    // Longer than any message.
    let bytes = piece_header(0, 8, pack::RAW, true, MAX_BULK_BYTES).to_vec();
    let script = Script { bytes, position: 0, portions: vec![], turn: 0, direct: true };
    let mut reader = MessageReader::new(Box::new(script), MAX_BULK_BYTES);
    reader.read_bulk(|_, _| panic!("no place is asked for")).expect_err("too long");
}

/// A sender that keeps what it sends, and one's own buffer is too small for.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Sender for Kept {
    fn send(&mut self, parts: &[IoSlice<'_>]) -> io::Result<()> {
        let mut kept = self.0.lock().expect("no panic");
        parts.iter().for_each(|part| kept.extend_from_slice(part));
        Ok(())
    }
}

#[test]
fn a_small_room_is_used_again_and_none_is_an_error() {
    let region = memory();
    let span = Span::new(&region, 5, 1000).expect("inside");
    span.write(&pattern(1000, 3));
    for room in [1, 7, 999, 1000, 5000] {
        let mut kept = Kept::default();
        kept.send_from(b"head", span, &mut vec![0; room]).expect("sent");
        let sent = kept.0.lock().expect("no panic").clone();
        assert!(sent[..4] == *b"head" && sent[4..] == pattern(1000, 3), "{room}");
    }
    Kept::default().send_from(b"", span, &mut []).expect_err("no room");
}

/// More than sockets hold: the sender is stopped in the middle again and again, and sends the rest.
#[test]
fn spans_cross_every_carrier() {
    for carrier in channels::ALL {
        let (ours, theirs) = channels::pair(carrier);
        let (mut sender, mut receiver) = (ours.bulk.sender, theirs.bulk.receiver);
        let from = memory();
        let bytes = pattern(HEAP, 9);
        Span::new(&from, 0, HEAP as u64).expect("all of it").write(&bytes);
        const ROUNDS: usize = 40;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut room = vec![0; 60_000];
                for round in 0..ROUNDS {
                    let span = Span::new(&from, round as u64 * 3, (HEAP - 200) as u64).expect("inside");
                    sender.send_from(&[round as u8; 24], span, &mut room).expect("sent");
                }
            });
            let mut room = vec![0; 8192];
            // What came behind the span before.
            let mut behind = Vec::new();
            for round in 0..ROUNDS {
                while behind.len() < 24 {
                    let received = receiver.receive(&mut room).expect("received");
                    assert_ne!(received, 0);
                    behind.extend_from_slice(&room[..received]);
                }
                assert_eq!(behind[..24], [round as u8; 24], "{carrier:?}");
                let to = memory();
                let mut left = Span::new(&to, 1, (HEAP - 200) as u64).expect("inside");
                let there = left.write(&behind[24..]);
                behind.drain(..24 + there);
                left = left.split_at(there).1;
                while !left.is_empty() {
                    let received = receiver.receive_into(left, &mut room).expect("received");
                    assert_ne!(received, 0);
                    behind.extend_from_slice(&room[..received.saturating_sub(left.len())]);
                    left = left.split_at(received).1;
                }
                let arrived = contents(&to);
                let expected = &bytes[round * 3..][..HEAP - 200];
                assert!(arrived[1..HEAP - 199] == *expected, "{carrier:?}, round {round}");
                assert!(arrived[0] == 0 && arrived[HEAP - 199..].iter().all(|byte| *byte == 0));
            }
        });
        // Nothing can be sent to a peer that has gone, and no signal ends the program.
        theirs.bulk.closer.close();
        let span = Span::new(&from, 0, HEAP as u64).expect("all of it");
        let gone = (0..50).find_map(|_| sender.send_from(b"head", span, &mut [0; 4096]).err());
        assert!(gone.is_some(), "{carrier:?}");
    }
}
