//! Sessions over loopback, and what strangers can do to a listener.

use std::io::{IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::*;
use crate::carrier::Channel;
use crate::secure::handshake::{Hello, Lane, MAGIC, Mode};
use crate::secure::{Identity, Peer as Known, Peers, Role, SessionKeys};

const SOON: Duration = Duration::from_secs(10);

/// A host and a guest that are paired.
struct World {
    guest: Identity,
    guest_peers: Peers,
    host_key: Identity,
    listener: Listener,
    address: String,
    events: Arc<Mutex<Vec<String>>>,
}

fn world(options: Options) -> World {
    let (guest, host_key) = (Identity::generate().expect("random"), Identity::generate().expect("random"));
    let known = |name: &str, role, identity: &Identity| Known {
        name: name.to_owned(),
        role,
        key: identity.public(),
        address: None,
    };
    let guest_peers = Peers::in_memory(vec![known("the-host", Role::Host, &host_key)]);
    let host_peers = Peers::in_memory(vec![known("the-guest", Role::Guest, &guest)]);
    let events: Arc<Mutex<Vec<String>>> = Arc::default();
    let report: Report = {
        let events = events.clone();
        Arc::new(move |event: &Event| events.lock().expect("no panic").push(event.to_string()))
    };
    let listener = Listener::bind(&["127.0.0.1:0"], Door::new(host_key.clone(), host_peers, options, report))
        .expect("a free port");
    let address = listener.addresses()[0].to_string();
    World { guest, guest_peers, host_key, listener, address, events }
}

impl World {
    fn connect(&self, options: &Options) -> Result<Connected, TcpError> {
        connect(&self.address, &self.guest, &self.guest_peers, options)
    }

    fn raw(&self) -> TcpStream {
        TcpStream::connect(&self.address).expect("somebody listens")
    }

    fn accept(&self) -> Accepted {
        self.listener.accept_within(SOON).expect("not closed").expect("a guest comes")
    }

    /// Waits until an event says something.
    fn event(&self, says: &str) -> String {
        let end = Instant::now() + SOON;
        loop {
            let events = self.events.lock().expect("no panic").clone();
            if let Some(event) = events.iter().find(|event| event.contains(says)) {
                return event.clone();
            }
            assert!(Instant::now() < end, "no event says {says:?}: {events:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn trusting() -> Options {
    Options { trust_link: true, ..Options::default() }
}

fn quick() -> Options {
    let (handshake_time, first_byte_time) = (Duration::from_millis(600), Duration::from_millis(250));
    Options { handshake_time, first_byte_time, ..Options::default() }
}

fn exchange(one: &mut Channel, other: &mut Channel, bytes: usize) {
    let message: Vec<u8> = (0..bytes).map(|index| (index % 253) as u8).collect();
    for (from, to) in [(0, 1), (1, 0)] {
        let mut ends = [&mut *one, &mut *other];
        let [first, second] = &mut ends;
        let (sender, receiver) = if (from, to) == (0, 1) {
            (&mut first.sender, &mut second.receiver)
        } else {
            (&mut second.sender, &mut first.receiver)
        };
        std::thread::scope(|scope| {
            let (head, tail) = message.split_at(bytes / 3);
            scope.spawn(move || sender.send(&[IoSlice::new(head), IoSlice::new(tail)]).expect("sent"));
            let (mut got, mut room) = (Vec::new(), vec![0; 100_000]);
            while got.len() < bytes {
                let received = receiver.receive(&mut room).expect("received");
                assert!(received > 0, "{} of {bytes} bytes came", got.len());
                got.extend_from_slice(&room[..received]);
            }
            assert!(got == message);
        });
    }
}

fn session(options: Options) {
    let world = world(options.clone());
    let connected = world.connect(&options).expect("paired");
    let accepted = world.accept();
    if options.trust_link {
        assert_eq!((&connected.peer, &accepted.peer), (&Peer::Trusted, &Peer::Trusted));
    } else {
        let (guest, host) = (world.guest.public(), world.host_key.public());
        assert_eq!(connected.peer, Peer::Paired { name: "the-host".to_owned(), key: host });
        assert_eq!(accepted.peer, Peer::Paired { name: "the-guest".to_owned(), key: guest });
    }
    assert_eq!(world.listener.handshakes(), 0);
    let (mut guest, mut host) = (connected.into_channels(), accepted.into_channels());
    for bytes in [1, 100, 65_536, 3_000_000] {
        exchange(&mut guest.urgent, &mut host.urgent, bytes);
        exchange(&mut guest.bulk, &mut host.bulk, bytes);
    }
    // A receiver that waits returns when its own end closes the channel.
    let closer = guest.urgent.closer.clone();
    let mut receiver = guest.urgent.receiver;
    let waiting = std::thread::spawn(move || receiver.receive(&mut [0; 9]));
    std::thread::sleep(Duration::from_millis(20));
    closer.close();
    closer.close();
    assert_eq!(waiting.join().expect("no panic").expect("the end"), 0);
    assert_eq!(host.urgent.receiver.receive(&mut [0; 9]).expect("the end"), 0);
    host.bulk.closer.close();
    assert_eq!(guest.bulk.receiver.receive(&mut [0; 9]).expect("the end"), 0);
    assert_eq!(*world.events.lock().expect("no panic"), [""; 0]);
}

#[test]
fn an_encrypted_session() {
    session(Options::default());
}

#[test]
fn a_session_over_a_cable_that_is_trusted() {
    session(trusting());
}

#[test]
fn nothing_readable_is_on_the_wire() {
    let world = world(Options::default());
    let connected = world.connect(&Options::default()).expect("paired");
    let accepted = world.accept();
    let Half { stream, keys } = accepted.bulk;
    let mut guest = connected.bulk.into_channel();
    guest.sender.send(&[IoSlice::new(&[b'A'; 1000])]).expect("sent");
    let mut raw = vec![0; 1018];
    (&stream).read_exact(&mut raw).expect("received");
    assert!(!raw.windows(4).any(|four| four == b"AAAA"));
    assert!(keys.is_some());
}

#[test]
fn a_session_moves_to_another_process_with_its_keys_as_text() {
    let world = world(Options::default());
    let mut guest = world.connect(&Options::default()).expect("paired").into_channels();
    let Accepted { urgent: Half { stream, keys }, .. } = world.accept();
    let keys = serde_json::to_string(&keys.expect("encrypted")).expect("serialises");
    let keys: SessionKeys = serde_json::from_str(&keys).expect("parses");
    assert_eq!((keys.send.count(), keys.receive.count()), (1, 0));
    let stream = stream.try_clone().expect("another descriptor");
    let mut host = Half { stream, keys: Some(keys) }.into_channel();
    exchange(&mut guest.urgent, &mut host, 1000);
}

#[test]
fn errors_of_a_guest_say_what_to_do() {
    let world = world(Options::default());
    let says = |result: Result<Connected, TcpError>, text: &str| {
        let error = result.expect_err(text).to_string();
        assert!(error.contains(text), "{error}");
    };
    // Nobody listens.
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound");
    let options = Options::default();
    says(
        connect(&free.to_string(), &world.guest, &world.guest_peers, &options),
        "start the host with `pvgpud",
    );
    says(connect("nowhere", &world.guest, &world.guest_peers, &options), "is no address");
    says(connect("no.such.name.invalid:1", &world.guest, &world.guest_peers, &options), "check the name");
    // Not paired, on either side.
    let nobody = Peers::in_memory(Vec::new());
    says(connect(&world.address, &world.guest, &nobody, &options), "run `pvgpu-ctl pair` on the host");
    let stranger = Identity::generate().expect("random");
    says(
        connect(&world.address, &stranger, &world.guest_peers, &options),
        "the host does not know this machine",
    );
    world.event(&stranger.fingerprint().to_string());
    // Another key than the one of the pairing.
    let pinned = Known {
        name: "box".to_owned(),
        role: Role::Host,
        key: stranger.public(),
        address: Some(world.address.clone()),
    };
    let pinned = Peers::in_memory(vec![pinned]);
    let expected = format!("box with the key {} was expected", stranger.fingerprint());
    says(connect(&world.address, &world.guest, &pinned, &options), &expected);
    // Encryption on one side only.
    says(world.connect(&trusting()), "leave --trust-link out here");
    let trusts = self::world(trusting());
    says(trusts.connect(&Options::default()), "give --trust-link here as well");
    trusts.event("a guest came with encryption");
}

#[test]
fn a_plain_guest_is_told_to_the_host_too() {
    let world = world(Options::default());
    world.connect(&trusting()).expect_err("refused");
    world.event("a guest came without encryption; leave --trust-link out on the guest");
}

/// Something that listens, answers with these bytes, and closes.
fn answering(bytes: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a guest");
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(&bytes);
        let _ = stream.shutdown(Shutdown::Write);
        let _ = stream.read(&mut [0; 4096]);
    });
    address
}

#[test]
fn what_answers_and_is_no_host_of_ours_is_told_apart() {
    let world = world(Options::default());
    let says = |bytes: Vec<u8>, text: &str| {
        let error = connect(&answering(bytes), &world.guest, &world.guest_peers, &quick()).expect_err(text);
        assert!(error.to_string().contains(text), "{error}");
    };
    says(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), "is no pvgpu");
    says([MAGIC.as_slice(), &[9, 0], &[0; 6]].concat(), "speaks version 9");
    says([MAGIC.as_slice(), &[1, 4], &[0; 6]].concat(), "as many guests as it takes");
    says([MAGIC.as_slice(), &[1, 99], &[0; 6]].concat(), "does not know; install the same release");
    says([MAGIC.as_slice(), &[1, 0], &[0; 6], &[3; 96]].concat(), "does not authenticate");
    says(Vec::new(), "closed the connection during the handshake");
    // Somebody who says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = silent.local_addr().expect("bound").to_string();
    let error = connect(&address, &world.guest, &world.guest_peers, &quick()).expect_err("silence");
    assert!(error.to_string().contains("does not go on with the handshake"), "{error}");
}

#[test]
fn an_address_that_is_not_of_one_cable_is_not_trusted() {
    // Some address of this machine that is neither loopback nor link-local, if it has one: found without sending anything.
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").expect("a socket");
    let Ok(SocketAddr::V4(own)) = socket.connect("192.0.2.1:9").and_then(|()| socket.local_addr()) else {
        return;
    };
    if is_one_cable(&own.into(), &own.into()) {
        return;
    }
    let (peers, report): (_, Report) = (Peers::in_memory(Vec::new()), Arc::new(|_: &Event| {}));
    let key = Identity::generate().expect("random");
    let at = format!("{}:0", own.ip());
    let listener =
        Listener::bind(&[&at], Door::new(key.clone(), peers.clone(), trusting(), report)).expect("listens");
    let address = listener.addresses()[0].to_string();
    let error = connect(&address, &key, &peers, &trusting()).expect_err("not one cable").to_string();
    assert!(error.contains("--trust-link is for addresses of one cable"), "{error}");
    // Nor does the host take a guest that does not look itself.
    let mut raw = TcpStream::connect(&address).expect("listens");
    raw.write_all(&Hello { mode: Mode::Plain, lane: Lane::Urgent, session: [1; 16] }.to_bytes())
        .expect("sent");
    let mut answer = [0; 16];
    raw.read_exact(&mut answer).expect("an answer");
    assert_eq!(answer[9], 2, "encryption is asked for");
}

#[test]
fn half_a_session_is_dropped_in_time() {
    let world = world(Options { trust_link: true, ..quick() });
    let mut raw = world.raw();
    raw.write_all(&Hello { mode: Mode::Plain, lane: Lane::Urgent, session: [1; 16] }.to_bytes())
        .expect("sent");
    // Two of the same lane are no session either.
    let mut again = world.raw();
    again
        .write_all(&Hello { mode: Mode::Plain, lane: Lane::Urgent, session: [1; 16] }.to_bytes())
        .expect("sent");
    // Nor are two of different sessions.
    let mut other = world.raw();
    other
        .write_all(&Hello { mode: Mode::Plain, lane: Lane::Bulk, session: [2; 16] }.to_bytes())
        .expect("sent");
    world.event("only one of a session's two connections has come");
    for stream in [&mut raw, &mut again, &mut other] {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).expect("closed");
        assert_eq!(all.len(), 16, "the answer, and the end");
    }
    assert!(world.listener.accept_within(Duration::ZERO).expect("not closed").is_none());
    assert_eq!(world.listener.handshakes(), 0);
}

#[test]
fn slow_strangers_are_dropped_in_time() {
    let world = world(quick());
    let begin = Instant::now();
    let (mut silent, mut slow) = (world.raw(), world.raw());
    let dripping = std::thread::spawn(move || {
        // A byte every 50 ms: the first comes in time, the whole does not.
        let all = Hello { mode: Mode::Encrypted, lane: Lane::Urgent, session: [0; 16] }.to_bytes();
        for byte in all {
            if slow.write_all(&[byte]).is_err() {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        slow.read(&mut [0; 9]).unwrap_or(0)
    });
    assert_eq!(silent.read(&mut [0; 9]).unwrap_or(0), 0);
    assert!(begin.elapsed() < Duration::from_millis(550), "the first byte is waited for less long");
    assert_eq!(dripping.join().expect("no panic"), 0);
    let event = world.event("does not go on with the handshake");
    assert!(event.contains("is refused"), "{event}");
    while world.listener.handshakes() > 0 {
        std::thread::yield_now();
    }
}

#[test]
fn a_flood_costs_a_bounded_number_of_handshakes_and_few_lines() {
    let world = world(Options::default());
    // The guest of a session that is there already does not notice.
    let mut guest = world.connect(&Options::default()).expect("paired").into_channels();
    let mut host = world.accept().into_channels();
    let (mut most, begin) = (0, Instant::now());
    let streams: Vec<_> = (0..1500)
        .map(|_| {
            let stream = world.raw();
            most = most.max(world.listener.handshakes());
            stream
        })
        .collect();
    assert!(most <= 16, "{most} handshakes of one address at a time");
    world.event("too often");
    world.event("handshakes at a time, or 16 of one address");
    let events = world.events.lock().expect("no panic").clone();
    // On a slow machine it takes several times five seconds.
    let allowed = 7 * (1 + begin.elapsed().as_secs() / 5);
    assert!(events.len() as u64 <= allowed, "{} lines: {events:?}", events.len());
    exchange(&mut guest.urgent, &mut host.urgent, 1000);
    drop(streams);
    let threads = || std::fs::read_dir("/proc/self/task").map(Iterator::count);
    // Threads of other tests count as well.
    if let Ok(threads) = threads() {
        assert!(threads < 200, "{threads} threads");
    }
}

#[test]
fn the_oldest_of_all_goes_when_there_are_too_many() {
    let world = world(Options::default());
    let shared = |last: u8| {
        let from =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
        from.bind(&SocketAddr::from(([127, 0, 1, last], 0)).into()).expect("an address of this machine");
        from.connect(&world.address.parse::<SocketAddr>().expect("an address").into()).expect("connected");
        TcpStream::from(from)
    };
    let mut streams: Vec<_> = (0..65).map(|index| shared(1 + index / 10)).collect();
    world.event("more than 64 handshakes at a time");
    assert!(world.listener.handshakes() <= MAX_HANDSHAKES);
    // The first was the oldest.
    assert_eq!(streams[0].read(&mut [0; 9]).unwrap_or(0), 0);
    streams[64].set_nonblocking(true).expect("set");
    let error = streams[64].read(&mut [0; 9]).expect_err("the last is still there");
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn a_closed_listener_ends_what_it_has_begun() {
    let world = world(Options::default());
    let mut raw = world.raw();
    while world.listener.handshakes() == 0 {
        std::thread::yield_now();
    }
    std::thread::scope(|scope| {
        let accepting = scope.spawn(|| world.listener.accept());
        std::thread::sleep(Duration::from_millis(20));
        world.listener.close();
        assert!(matches!(accepting.join().expect("no panic"), Err(TcpError::Closed)));
    });
    assert_eq!(raw.read(&mut [0; 9]).unwrap_or(0), 0);
    let error = world.connect(&Options::default()).expect_err("closed");
    assert!(matches!(error, TcpError::Refused { .. }), "{error}");
}

#[test]
fn a_peer_that_reads_no_bulk_for_a_while_is_not_dead() {
    let world = world(trusting());
    let options = Options { dead_after: Duration::from_millis(300), ..trusting() };
    let mut guest = world.connect(&options).expect("trusted").into_channels();
    let mut host = world.accept().into_channels();
    let message = vec![7; 64 << 20];
    std::thread::scope(|scope| {
        // More than all buffers hold.
        let sending = scope.spawn(|| guest.bulk.sender.send(&[IoSlice::new(&message)]));
        std::thread::sleep(Duration::from_millis(1500));
        assert!(!sending.is_finished(), "the window is full");
        let (mut all, mut room) = (0, vec![0; 1 << 20]);
        while all < message.len() {
            let received = host.bulk.receiver.receive(&mut room).expect("received");
            assert!(received > 0, "the connection has ended");
            all += received;
        }
        sending.join().expect("no panic").expect("sent");
    });
}

#[test]
fn a_taken_port_is_an_error_that_names_it() {
    let world = world(Options::default());
    let (key, peers): (_, _) = (world.host_key.clone(), Peers::in_memory(Vec::new()));
    let second = Listener::bind(
        &[&world.address],
        Door::new(key, peers, Options::default(), Arc::new(|_: &Event| {})),
    );
    let error = second.expect_err("taken").to_string();
    assert!(error.contains(&world.address) && error.contains("a free port"), "{error}");
}

#[test]
fn both_families_are_served_together() {
    let (guest, host) = (Identity::generate().expect("random"), Identity::generate().expect("random"));
    let one = |role, key: &Identity| {
        Peers::in_memory(vec![Known { name: "x".to_owned(), role, key: key.public(), address: None }])
    };
    let report: Report = Arc::new(|_: &Event| {});
    let door = Door::new(host.clone(), one(Role::Guest, &guest), Options::default(), report);
    let bound = Listener::bind(&["127.0.0.1:0", "[::1]:0"], door);
    // A machine without IPv6 has nothing to show here.
    let Ok(listener) = bound else { return };
    for address in listener.addresses() {
        let options = Options::default();
        let connected =
            connect(&address.to_string(), &guest, &one(Role::Host, &host), &options).expect("paired");
        assert_eq!(connected.address, *address);
        let accepted = listener.accept_within(SOON).expect("not closed").expect("a guest");
        assert_eq!(accepted.address.ip(), address.ip());
    }
}
