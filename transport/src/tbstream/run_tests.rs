//! Whole streams with their threads, over the model of the device.

use std::io::{ErrorKind, IoSlice};

use super::*;
use crate::tbstream::model::Cable;

const SOON: Duration = Duration::from_secs(10);

fn connect_side(cable: &Arc<Cable>, side: usize) -> io::Result<Channels> {
    connect(cable.open(side), side as u32 + 1, SOON)
}

/// A cable whose ends know each other.
fn pair(ring: usize) -> (Arc<Cable>, Channels, Channels) {
    let cable = Cable::new(ring, false);
    let other = Arc::clone(&cable);
    let b = thread::spawn(move || connect_side(&other, 1));
    let a = connect_side(&cable, 0).expect("the other end answers");
    let b = b.join().expect("no panic").expect("the other end answers");
    (cable, a, b)
}

fn send(channel: &mut Channel, bytes: &[u8]) -> io::Result<()> {
    channel.sender.send(&[IoSlice::new(bytes)])
}

fn receive_exactly(receiver: &mut dyn Receiver, bytes: &mut [u8]) {
    let mut done = 0;
    while done < bytes.len() {
        match receiver.receive(&mut bytes[done..]).expect("the stream is whole") {
            0 => panic!("the stream ended after {done} bytes"),
            count => done += count,
        }
    }
}

#[test]
fn both_channels_go_both_ways() {
    let (_cable, mut a, mut b) = pair(32);
    a.urgent.sender.send(&[IoSlice::new(b"com"), IoSlice::new(b""), IoSlice::new(b"mand")]).expect("sent");
    send(&mut b.urgent, b"fence").expect("sent");
    send(&mut a.bulk, b"heap").expect("sent");
    send(&mut b.bulk, b"frame").expect("sent");
    let mut bytes = [0; 7];
    receive_exactly(&mut *b.urgent.receiver, &mut bytes);
    assert_eq!(&bytes, b"command");
    receive_exactly(&mut *a.urgent.receiver, &mut bytes[..5]);
    assert_eq!(&bytes[..5], b"fence");
    receive_exactly(&mut *b.bulk.receiver, &mut bytes[..4]);
    assert_eq!(&bytes[..4], b"heap");
    receive_exactly(&mut *a.bulk.receiver, &mut bytes[..5]);
    assert_eq!(&bytes[..5], b"frame");
}

/// 64 MiB of bulk with pings between, by threads. What `mux` promises for each ping can be seen here for most of them only.
#[test]
fn a_ping_waits_for_one_piece_of_bulk() {
    const TOTAL: usize = 64 << 20;
    let (cable, a, b) = pair(256);
    let Channels { urgent: mut ping, bulk: mut from } = a;
    let Channels { urgent: mut pong, bulk: mut to } = b;
    let start = Instant::now();
    let mut before_pings = thread::scope(|scope| {
        scope.spawn(move || {
            let piece: Vec<u8> = (0..100_003_u32).map(|place| place as u8).collect();
            let mut left = TOTAL;
            while left > 0 {
                let count = left.min(piece.len());
                send(&mut from, &piece[..count]).expect("sent");
                left -= count;
            }
        });
        let bulk = scope.spawn(move || {
            let mut bytes = vec![0; 50_000];
            let mut done = 0;
            while done < TOTAL {
                let count = to.receiver.receive(&mut bytes).expect("the stream is whole");
                assert_ne!(count, 0, "the stream ended after {done} bytes");
                for (place, byte) in (done..).zip(&bytes[..count]).step_by(997) {
                    assert_eq!(*byte, (place % 100_003) as u8);
                }
                done += count;
            }
        });
        scope.spawn(move || {
            let mut bytes = [0; 8];
            while pong.receiver.receive(&mut bytes).expect("the stream is whole") > 0 {}
        });
        let mut before_pings = Vec::new();
        while !bulk.is_finished() {
            let written = cable.written(0);
            send(&mut ping, b"ping-pin").expect("sent");
            // Bulk that was written after the count and before the ping was queued is counted, too.
            let before = loop {
                match cable.find(0, written, (2, 0)) {
                    Some(before) => break before,
                    None => thread::sleep(Duration::from_micros(200)),
                }
            };
            before_pings.push(before);
            thread::sleep(Duration::from_millis(1));
        }
        ping.closer.close();
        before_pings
    });
    let seconds = start.elapsed().as_secs_f64();
    let rate = TOTAL as f64 / seconds / (1 << 20) as f64;
    before_pings.sort_unstable();
    let (pings, median) = (before_pings.len(), before_pings[before_pings.len() / 2]);
    println!("{pings} pings, {median} frames written before half of them, {rate:.0} MiB/s of bulk");
    assert!(pings > 10 && median <= 1, "{before_pings:?}");
}

#[test]
fn bulk_that_nobody_reads_holds_up_its_sender_only() {
    let (_cable, mut a, mut b) = pair(64);
    let closer = Arc::clone(&a.bulk.closer);
    thread::scope(|scope| {
        let stuck = scope.spawn(|| {
            let bytes = vec![1; 4 << 20];
            a.bulk.sender.send(&[IoSlice::new(&bytes)])
        });
        let mut bytes = [0; 1000];
        for round in 0..500_u32 {
            a.urgent.sender.send(&[IoSlice::new(&[round as u8; 1000])]).expect("sent");
            receive_exactly(&mut *b.urgent.receiver, &mut bytes);
            assert_eq!(bytes, [round as u8; 1000]);
        }
        assert!(!stuck.is_finished());
        closer.close();
        let error = stuck.join().expect("no panic").expect_err("closed");
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn what_was_sent_before_closing_arrives_and_then_both_channels_end() {
    let (_cable, mut a, mut b) = pair(64);
    send(&mut a.urgent, b"last words").expect("sent");
    a.bulk.closer.close();
    a.bulk.closer.close();
    let mut bytes = [0; 10];
    receive_exactly(&mut *b.urgent.receiver, &mut bytes);
    assert_eq!(&bytes, b"last words");
    assert_eq!(b.urgent.receiver.receive(&mut bytes).expect("ended"), 0);
    assert_eq!(b.bulk.receiver.receive(&mut bytes).expect("ended"), 0);
    assert_eq!(a.urgent.receiver.receive(&mut bytes).expect("ended"), 0);
    assert_eq!(send(&mut a.urgent, b"x").expect_err("closed").kind(), ErrorKind::BrokenPipe);
    assert_eq!(send(&mut b.bulk, b"x").expect_err("closed").kind(), ErrorKind::BrokenPipe);
}

/// Runs something that blocks in a thread and gives how long it blocked after `event`.
fn blocked<T: Send>(mut wait: impl FnMut() -> T + Send, event: impl FnOnce()) -> (T, Duration) {
    thread::scope(|scope| {
        let waiter = scope.spawn(move || {
            let result = wait();
            (result, Instant::now())
        });
        thread::sleep(Duration::from_millis(30));
        assert!(!waiter.is_finished(), "nothing blocks");
        let start = Instant::now();
        event();
        let (result, end) = waiter.join().expect("no panic");
        (result, end.saturating_duration_since(start))
    })
}

#[test]
fn a_pulled_cable_ends_everything_at_once() {
    let (cable, mut a, mut b) = pair(64);
    let mut bytes = [0; 10];
    let (result, time) = blocked(|| a.urgent.receiver.receive(&mut bytes), || cable.unplug());
    let error = result.expect_err("pulled");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert!(error.to_string().contains("the cable was pulled"), "{error}");
    assert!(time < Duration::from_millis(500), "{time:?}");
    for error in [
        a.bulk.receiver.receive(&mut bytes).expect_err("pulled"),
        b.bulk.receiver.receive(&mut bytes).expect_err("pulled"),
        send(&mut a.bulk, b"x").expect_err("pulled"),
    ] {
        assert!(error.to_string().contains("the cable was pulled"), "{error}");
    }
}

#[test]
fn closing_ends_a_wait_in_the_other_channel() {
    let (_cable, mut a, mut b) = pair(64);
    let mut bytes = [0; 10];
    let closer = Arc::clone(&a.bulk.closer);
    let (result, time) = blocked(|| a.urgent.receiver.receive(&mut bytes), || closer.close());
    assert_eq!(result.expect("closed"), 0);
    assert!(time < Duration::from_millis(500), "{time:?}");
    assert_eq!(b.urgent.receiver.receive(&mut bytes).expect("closed"), 0);
}

#[test]
fn dropping_everything_closes_the_stream_and_the_device() {
    let (cable, a, mut b) = pair(64);
    let mut bytes = [0; 10];
    let (result, time) = blocked(|| b.bulk.receiver.receive(&mut bytes), move || drop(a));
    assert_eq!(result.expect("closed"), 0);
    assert!(time < Duration::from_millis(500), "{time:?}");
    drop(b);
    // Both devices are closed by now or very soon, so that both sides can begin again.
    thread::sleep(Duration::from_millis(100));
    let other = Arc::clone(&cable);
    let b = thread::spawn(move || connect_side(&other, 1));
    let mut a = connect_side(&cable, 0).expect("again");
    let mut b = b.join().expect("no panic").expect("again");
    send(&mut a.urgent, b"again").expect("sent");
    receive_exactly(&mut *b.urgent.receiver, &mut bytes[..5]);
    assert_eq!(&bytes[..5], b"again");
}

#[test]
fn alone_is_an_error_that_says_what_to_do() {
    let cable = Cable::new(64, false);
    let error = connect(cable.open(0), 1, Duration::from_millis(150)).expect_err("nobody is there");
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(error.to_string().contains("start pvgpu on the other machine"), "{error}");
}

#[test]
fn an_end_that_opens_late_is_found() {
    let cable = Cable::new(64, false);
    let other = Arc::clone(&cable);
    let early = thread::spawn(move || connect_side(&other, 1));
    // Some hellos are lost.
    thread::sleep(Duration::from_millis(250));
    connect_side(&cable, 0).expect("found");
    early.join().expect("no panic").expect("found");
}

#[test]
fn what_speaks_otherwise_is_refused() {
    let cable = Cable::new(64, false);
    let stranger = cable.open(1);
    stranger.write_frame(b"GET / HTTP/1.1\r\n\r\n").expect("there is room");
    let other = Arc::clone(&cable);
    let waiting = thread::spawn(move || connect_side(&other, 0));
    let error = loop {
        // It is lost until the other end is open.
        thread::sleep(Duration::from_millis(10));
        let _ = stranger.write_frame(b"GET / HTTP/1.1\r\n\r\n");
        if waiting.is_finished() {
            break waiting.join().expect("no panic").expect_err("a stranger");
        }
    };
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert!(error.to_string().contains("unknown kind 71"), "{error}");
}
