//! How fast a link carries bytes, and how soon its end is noticed: `throughput seal`, or `listen`, `connect`, `ping` or `wait` with
//! `HOST:PORT [plain]`.
//!
//! `seal` seals and opens records in memory. The others need a `listen`, which may run on another machine or under Wine. `connect` sends
//! small messages on urgent, there and back, and then 4 GiB on bulk in pieces of 1 MiB. `ping` sends small messages, and `wait` sends
//! nothing, until the link ends. Both ends use the key in the keys' folder, so that nobody must be paired: for measuring only.

use std::io::IoSlice;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pvgpu_transport::carrier::Channels;
use pvgpu_transport::secure::{DirectionKeys, Identity, Opener, Peer, Peers, Role, Sealer, keys_folder};
use pvgpu_transport::tcp::{Door, Event, Listener, Options, connect};

const PIECE: usize = 1 << 20;
const PIECES: usize = 4096;
const ROUNDS: u32 = 10_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["seal"] => seal(),
        ["listen", address, rest @ ..] => listen(address, rest == ["plain"]),
        ["connect", address, rest @ ..] => guest(address, rest == ["plain"]),
        ["ping", address, rest @ ..] => until_it_ends(address, rest == ["plain"], true),
        ["wait", address, rest @ ..] => until_it_ends(address, rest == ["plain"], false),
        _ => eprintln!("usage: throughput seal | listen|connect|ping|wait HOST:PORT [plain]"),
    }
}

/// Processor time of this program, so that a busy machine does not count.
#[cfg(unix)]
fn processor_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Wall-clock time, where nothing else is at hand.
#[cfg(not(unix))]
fn processor_seconds() -> f64 {
    std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0.0, |time| time.as_secs_f64())
}

/// The key in the keys' folder, as both ends.
fn machine(role: Role) -> (Identity, Peers) {
    let folder = keys_folder().expect("PVGPU_KEYS names a folder");
    let identity = Identity::load_or_make(&folder).expect("a key");
    let itself = Peer { name: "itself".to_owned(), role, key: identity.public(), address: None };
    (identity, Peers::in_memory(vec![itself]))
}

fn seal() {
    for bytes in [64, 1024, 4096 - 18, 16_384, 65_536] {
        let keys = DirectionKeys::new([7; 32], 0);
        let (mut sealer, mut opener) = (Sealer::new(keys.clone()), Opener::new(keys));
        let plain = vec![3; bytes];
        let mut record = Vec::with_capacity(bytes + 64);
        let rounds = (1 << 31) / (bytes + 256);
        let start = processor_seconds();
        for _ in 0..rounds {
            record.clear();
            sealer.seal(&[&plain], &mut record).expect("sealed");
            opener.open(&mut record).expect("opened");
        }
        let rate = (rounds * bytes) as f64 / (processor_seconds() - start) / 1e9;
        println!("seal and open, {bytes} bytes a record: {rate:.2} GB/s of one core");
    }
}

fn listen(address: &str, plain: bool) {
    let (identity, peers) = machine(Role::Guest);
    let options = Options { trust_link: plain, ..Options::default() };
    let report = Arc::new(|event: &Event| eprintln!("{event}"));
    let listener = Listener::bind(&[address], Door::new(identity, peers, options, report)).expect("listens");
    println!("listening at {:?}", listener.addresses());
    let accepted = listener.accept().expect("a guest");
    println!("{} at {}", accepted.peer, accepted.address);
    let Channels { mut urgent, mut bulk } = accepted.into_channels();
    let echo = std::thread::spawn(move || {
        let mut room = [0; 4096];
        loop {
            match urgent.receiver.receive(&mut room) {
                Ok(0) | Err(_) => return,
                Ok(received) => urgent.sender.send(&[IoSlice::new(&room[..received])]).expect("sent"),
            }
        }
    });
    let mut room = vec![0; PIECE];
    let (mut all, start) = (0, Instant::now());
    while all < PIECE * PIECES {
        match bulk.receiver.receive(&mut room).expect("received") {
            0 => break,
            received => all += received,
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("received {} MiB in {seconds:.2} s: {:.2} GB/s", all >> 20, all as f64 / seconds / 1e9);
    bulk.sender.send(&[IoSlice::new(b"done")]).expect("sent");
    echo.join().expect("no panic");
}

fn connected(address: &str, plain: bool) -> Channels {
    let (identity, peers) = machine(Role::Host);
    let options = Options { trust_link: plain, ..Options::default() };
    let start = Instant::now();
    let connected = connect(address, &identity, &peers, &options);
    let connected = connected.unwrap_or_else(|error| {
        eprintln!("{error}");
        std::process::exit(1)
    });
    println!("connected to {} in {:?}", connected.peer, start.elapsed());
    connected.into_channels()
}

fn until_it_ends(address: &str, plain: bool, sends: bool) {
    let Channels { mut urgent, bulk: _bulk } = connected(address, plain);
    let mut room = [0; 64];
    let mut last = Instant::now();
    let end = loop {
        if sends && let Err(error) = urgent.sender.send(&[IoSlice::new(&[1; 64])]) {
            break Err(error);
        }
        match urgent.receiver.receive(&mut room) {
            Ok(0) => break Ok(()),
            Ok(_) => last = Instant::now(),
            Err(error) => break Err(error),
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    println!("{:?} after the last answer the link has ended: {end:?}", last.elapsed());
}

fn guest(address: &str, plain: bool) {
    let Channels { mut urgent, mut bulk } = connected(address, plain);
    let start = Instant::now();
    let mut room = [0; 64];
    for _ in 0..ROUNDS {
        urgent.sender.send(&[IoSlice::new(&[1; 64])]).expect("sent");
        urgent.receiver.receive(&mut room).expect("received");
    }
    println!("there and back, 64 bytes: {:?}", start.elapsed() / ROUNDS);
    let piece = vec![5; PIECE];
    let start = Instant::now();
    for _ in 0..PIECES {
        bulk.sender.send(&[IoSlice::new(&piece)]).expect("sent");
    }
    bulk.receiver.receive(&mut room).expect("received");
    let seconds = start.elapsed().as_secs_f64();
    println!("sent in {seconds:.2} s: {:.2} GB/s", (PIECE * PIECES) as f64 / seconds / 1e9);
    urgent.closer.close();
}
