//! Both ends of a stream in one thread, under schedules that proptest makes up.

use std::io;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::tbstream::device::FrameDevice;
use crate::tbstream::model::{Cable, End};
use crate::tbstream::take_hostile;

/// The byte at a place of a channel; each channel of each side has a pattern of its own.
fn pattern(side: usize, lane: Lane, place: u64) -> u8 {
    let mixed = (place + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (side * 2 + lane.index()) as u64;
    (mixed >> 32) as u8
}

struct Side {
    mux: Mux,
    device: Arc<End>,
    /// A frame that the device has not taken yet.
    held: Option<Vec<u8>>,
    /// Bytes that were queued and read, for each channel.
    sent: [u64; 2],
    read: [u64; 2],
}

/// Two ends, their devices and the cable.
struct World {
    cable: Arc<Cable>,
    sides: [Side; 2],
}

impl World {
    fn new(ring: usize) -> Self {
        let cable = Cable::new(ring, true);
        let side = |side: usize| Side {
            mux: Mux::new(side as u32 + 10),
            device: cable.open(side),
            held: None,
            sent: [0; 2],
            read: [0; 2],
        };
        let sides = [side(0), side(1)];
        Self { cable, sides }
    }

    /// A world whose ends know each other.
    fn open(ring: usize) -> Self {
        let mut world = Self::new(ring);
        world.settle();
        assert!(world.sides.iter().all(|side| side.mux.is_open()));
        world
    }

    fn send(&mut self, side: usize, lane: Lane, count: usize) -> usize {
        let first = self.sides[side].sent[lane.index()];
        let bytes: Vec<u8> = (first..first + count as u64).map(|place| pattern(side, lane, place)).collect();
        let taken = self.sides[side].mux.send(lane, &bytes);
        self.sides[side].sent[lane.index()] += taken as u64;
        taken
    }

    /// Writes up to `count` frames, and says how many the device took.
    fn write(&mut self, side: usize, count: usize) -> usize {
        let side = &mut self.sides[side];
        for done in 0..count {
            let frame = side.held.take().or_else(|| {
                let mut frame = [0; FRAME_BYTES];
                side.mux.next_frame(&mut frame).map(|count| frame[..count].to_vec())
            });
            let Some(frame) = frame else { return done };
            if let Err(error) = side.device.write_frame(&frame) {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                side.held = Some(frame);
                return done;
            }
        }
        count
    }

    /// Reads once from the device, up to `count` bytes.
    fn read(&mut self, side: usize, count: usize) -> usize {
        let side = &mut self.sides[side];
        let mut bytes = vec![0; count];
        let count = side.device.read(&mut bytes).unwrap_or(0);
        side.mux.received(&bytes[..count]).expect("the other end keeps the rules");
        count
    }

    /// Has the program of a side read a channel.
    fn receive(&mut self, side: usize, lane: Lane, count: usize) -> usize {
        let mut bytes = vec![0; count];
        let (count, _) = self.sides[side].mux.receive(lane, &mut bytes);
        let first = self.sides[side].read[lane.index()];
        for (place, byte) in (first..).zip(&bytes[..count]) {
            assert_eq!(*byte, pattern(1 - side, lane, place), "side {side}, {lane:?}, byte {place}");
        }
        self.sides[side].read[lane.index()] += count as u64;
        count
    }

    /// Lets everything happen but reading by programs.
    fn settle(&mut self) {
        loop {
            let mut done = 0;
            for side in 0..2 {
                done += self.write(side, usize::MAX)
                    + self.cable.carry(side, usize::MAX)
                    + self.read(side, 65536);
            }
            if done == 0 {
                return;
            }
        }
    }

    fn check_bounds(&self) {
        for side in &self.sides {
            for lane in Lane::ALL {
                assert!(side.mux.waiting(lane) <= WINDOW_BYTES as usize);
                assert!(side.mux.lanes[lane.index()].outgoing.len() <= QUEUE_BYTES);
            }
            assert!(side.mux.partial.len() < FRAME_BYTES);
        }
    }
}

/// One step of a schedule; sides and lanes are 0 or 1.
#[derive(Clone, Debug)]
enum Step {
    Send(usize, usize, usize),
    Write(usize, usize),
    Carry(usize, usize),
    Read(usize, usize),
    Receive(usize, usize, usize),
    Remind(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let size = prop_oneof![1_usize..50, 1_usize..9000, Just(100_000)];
    prop_oneof![
        (0..2_usize, 0..2_usize, size.clone()).prop_map(|(side, lane, size)| Step::Send(side, lane, size)),
        (0..2_usize, 1..100_usize).prop_map(|(side, count)| Step::Write(side, count)),
        (0..2_usize, 1..100_usize).prop_map(|(side, count)| Step::Carry(side, count)),
        (0..2_usize, size.clone()).prop_map(|(side, size)| Step::Read(side, size)),
        (0..2_usize, 0..2_usize, size).prop_map(|(side, lane, size)| Step::Receive(side, lane, size)),
        (0..2_usize).prop_map(Step::Remind),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whatever the schedule and the rings, each channel's bytes arrive, all and in order, and no queue outgrows its bound.
    #[test]
    fn every_schedule_delivers(ring in 1_usize..64, steps in prop::collection::vec(step(), 0..300)) {
        let mut world = World::new(ring);
        for step in steps {
            match step {
                Step::Send(side, lane, count) => { world.send(side, Lane::ALL[lane], count); }
                Step::Write(side, count) => { world.write(side, count); }
                Step::Carry(side, count) => { world.cable.carry(side, count); }
                Step::Read(side, count) => { world.read(side, count); }
                Step::Receive(side, lane, count) => { world.receive(side, Lane::ALL[lane], count); }
                Step::Remind(side) => world.sides[side].mux.remind(),
            }
            world.check_bounds();
        }
        loop {
            world.settle();
            let lanes = (0..2).flat_map(|side| Lane::ALL.map(|lane| (side, lane)));
            if lanes.map(|(side, lane)| world.receive(side, lane, 1 << 20)).sum::<usize>() == 0 {
                break;
            }
        }
        for side in 0..2 {
            prop_assert!(world.sides[side].mux.is_open());
            prop_assert_eq!(world.sides[side].sent, world.sides[1 - side].read);
        }
    }

    /// A changed stream gives an error or the same bounds, however it is cut, and never a panic.
    #[test]
    fn a_mutated_stream_is_an_error_or_harmless(
        changes in prop::collection::vec((0_usize..20_000, any::<u8>()), 1..6),
        cut in 0_usize..20_000,
        piece in 1_usize..5000,
    ) {
        let mut bytes = recorded();
        for (place, value) in changes {
            let place = place % bytes.len();
            bytes[place] = value;
        }
        bytes.drain(..cut % 200);
        if let Ok(waiting) = take_hostile(&bytes, piece) {
            prop_assert!(waiting <= 2 * WINDOW_BYTES as usize);
        }
    }
}

/// What an end sends to an end of session 1: a hello, both channels, a credit and a bye.
fn recorded() -> Vec<u8> {
    let mut mux = Mux::new(2);
    let hello = Hello { session: 1, heard: 2, windows: [WINDOW_BYTES; 2] };
    mux.hello(hello).expect("a hello");
    mux.send(Lane::Bulk, &[7; 9000]);
    mux.send(Lane::Urgent, b"command");
    let mut bytes = Vec::new();
    let mut frame = [0; FRAME_BYTES];
    let mut drain = |mux: &mut Mux| {
        while let Some(count) = mux.next_frame(&mut frame) {
            bytes.extend_from_slice(&frame[..count]);
        }
    };
    drain(&mut mux);
    // As if its program had read enough of the bulk for a credit.
    mux.lanes[1].received = CREDIT_STEP;
    drain(&mut mux);
    mux.leave();
    drain(&mut mux);
    bytes
}

#[test]
fn the_recorded_stream_is_legal_in_any_pieces() {
    let bytes = recorded();
    for piece in [1, 3, 17, 4096, 100_000] {
        let mut mux = Mux::new(1);
        // The credit is for bytes that this end must have sent.
        mux.lanes[1].sent = CREDIT_STEP;
        for piece in bytes.chunks(piece) {
            mux.received(piece).expect("legal");
        }
        assert!(mux.is_open() && mux.peer_left());
        assert_eq!((mux.waiting(Lane::Urgent), mux.waiting(Lane::Bulk)), (7, 9000));
        assert_eq!(mux.lanes[1].limit, CREDIT_STEP + u64::from(WINDOW_BYTES));
    }
    let error = take_hostile(&bytes, 4096).expect_err("a credit for bytes that were never sent");
    assert!(matches!(error, StreamError::Credit { most: 262_144, .. }), "{error}");
}

#[test]
fn each_broken_rule_is_named() {
    let data = |sequence| Header { kind: Kind::Data, lane: Lane::Bulk, length: 4, session: 1, sequence };
    let say = |headers: &[Header]| {
        let mut bytes = recorded()[..HEADER_BYTES + HELLO_BYTES].to_vec();
        for header in headers {
            bytes.extend_from_slice(&header.encode());
            bytes.extend(std::iter::repeat_n(0xff, usize::from(header.length)));
        }
        take_hostile(&bytes, 100).map_err(|error| error.to_string())
    };
    assert_eq!(say(&[data(0), data(1), data(2)]).expect("legal"), 12);
    let broken = |headers: &[Header], part: &str| {
        let error = say(headers).expect_err(part);
        assert!(error.contains(part), "{error}");
    };
    broken(&[data(0), data(2)], "record 2 came where record 1 was due");
    broken(&[data(0), data(0)], "record 0 came where record 1 was due");
    broken(&[Header { length: 4081, ..data(0) }], "record of 4081 bytes, where 4080 fit");
    broken(&[Header { length: 0, ..data(0) }], "record of 0 bytes");
    broken(&[Header { session: 9, ..data(0) }], "session 0x9 in session 0x1");
    broken(&[Header { kind: Kind::Bye, length: 0, ..data(0) }], "unknown channel 1");
    broken(
        &[Header { kind: Kind::Credit, length: 8, ..data(0) }],
        "where only 262144 to 262144 can be meant",
    );
    let full = Header { length: PIECE_BYTES as u16, ..data(0) };
    let flood: Vec<_> = (0..66).map(|sequence| Header { sequence, ..full }).collect();
    broken(&flood, "up to byte 265200 where 262144 were allowed");
}

#[test]
fn a_restart_is_noticed_by_its_hello() {
    let mut world = World::open(8);
    let mut again = Mux::new(99);
    let mut frame = [0; FRAME_BYTES];
    let count = again.next_frame(&mut frame).expect("a hello");
    let error = world.sides[0].mux.received(&frame[..count]).expect_err("another session");
    assert!(matches!(error, StreamError::Restarted), "{error}");
}

#[test]
fn frames_to_an_earlier_run_are_skipped_until_the_ends_know_each_other() {
    let old = Header { kind: Kind::Data, lane: Lane::Bulk, length: 3, session: 77, sequence: 500 };
    let mut world = World::new(8);
    let stale = [old.encode().as_slice(), b"old"].concat();
    world.sides[1].mux.received(&stale).expect("skipped");
    world.settle();
    assert!(world.sides[1].mux.is_open());
    assert_eq!(world.sides[1].mux.waiting(Lane::Bulk), 0);
    let error = world.sides[1].mux.received(&stale).expect_err("too late");
    assert!(matches!(error, StreamError::Session { theirs: 77, ours: 11 }), "{error}");
}

#[test]
fn an_end_that_opens_late_is_found() {
    let cable = Cable::new(8, true);
    let mut early = Mux::new(1);
    let device = cable.open(0);
    let mut frame = [0; FRAME_BYTES];
    for _ in 0..3 {
        early.remind();
        while let Some(count) = early.next_frame(&mut frame) {
            device.write_frame(&frame[..count]).expect("there is room");
        }
        assert_eq!(cable.carry(0, 9), 1);
    }
    drop(device);
    let mut world = World::new(8);
    world.sides[0].mux = early;
    world.sides[0].mux.remind();
    world.settle();
    assert!(world.sides.iter().all(|side| side.mux.is_open()));
}

#[test]
fn a_bulk_receiver_that_does_not_read_does_not_hold_up_urgent_bytes() {
    let mut world = World::open(32);
    let mut bulk = 0;
    for _ in 0..100 {
        bulk += world.send(0, Lane::Bulk, 100_000);
        world.send(0, Lane::Urgent, 10_000);
        world.settle();
        assert_eq!(world.receive(1, Lane::Urgent, 20_000), 10_000);
        world.check_bounds();
    }
    assert_eq!(bulk, WINDOW_BYTES as usize + QUEUE_BYTES, "bulk stops at the window and the queue");
    assert_eq!(world.receive(1, Lane::Bulk, 1 << 20), WINDOW_BYTES as usize);
    world.settle();
    assert_eq!(world.receive(1, Lane::Bulk, 1 << 20), QUEUE_BYTES, "reading lets the rest come");
}

/// Sends `total` bytes of bulk with urgent pings between, in a schedule that keeps the rings as full as they get. Gives how many pings
/// there were, the most frames that were written between a ping's `send` and the ping, and the most that were in the rings then.
fn bulk_with_pings(ring: usize, total: u64) -> (usize, usize, usize) {
    let mut world = World::open(ring);
    let (mut pings, mut most_before, mut most_in_rings) = (0, 0, 0);
    let mut random = 1_u64;
    let mut random = |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    while world.sides[1].read[1] < total {
        let left = total - world.sides[0].sent[1];
        world.send(0, Lane::Bulk, left.min(QUEUE_BYTES as u64) as usize);
        world.write(0, random(80) as usize);
        if random(8) == 0 {
            let (written, rings) = (world.cable.written(0), world.cable.backlog(0));
            assert_eq!(world.send(0, Lane::Urgent, 16), 16);
            while world.receive(1, Lane::Urgent, 16) == 0 {
                world.write(0, 1);
                world.cable.carry(0, 1);
                world.read(1, 4096);
            }
            let before = world.cable.find(0, written, (2, 0)).expect("the ping was written");
            most_before = most_before.max(before);
            most_in_rings = most_in_rings.max(rings);
            pings += 1;
        }
        world.cable.carry(0, random(80) as usize);
        world.read(1, 65536);
        world.receive(1, Lane::Bulk, random(300_000) as usize);
        world.write(1, 4);
        world.cable.carry(1, 4);
        world.read(0, 4096);
    }
    (pings, most_before, most_in_rings)
}

#[test]
fn at_most_the_rings_and_one_piece_go_before_a_ping() {
    let (pings, before, rings) = bulk_with_pings(16, 64 << 20);
    println!("rings of 16: {pings} pings, at most {before} frame written before one, {rings} in the rings");
    assert!(pings > 100, "{pings}");
    assert_eq!(before, 1, "the record that waits for the device, and no other");
    assert!(rings <= 2 * 16, "{rings}");
    // A larger ring does not fill: the window bounds what is on its way.
    let (pings, before, rings) = bulk_with_pings(4096, 64 << 20);
    println!("rings of 4096: {pings} pings, at most {before} frame written before one, {rings} in the rings");
    assert!(pings > 100, "{pings}");
    assert_eq!(before, 0);
    assert!(rings <= WINDOW_BYTES as usize / PIECE_BYTES + 8, "{rings}");
}
