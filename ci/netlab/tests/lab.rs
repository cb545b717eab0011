//! Labs as a whole: that both sides reach each other and nobody else, that exactly what chance says is lost, that nothing is left.
//!
//! Where neither root nor a user namespace is to be had, each test says so and checks only that the lab says what to do.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pvgpu_netlab::shape::{Shape, Shaper, Verdict};
use pvgpu_netlab::{Error, Lab, Path, Side, Spec, measure};

/// TIMEOUT: for what happens at once on any machine; a test fails when it is over and never measures it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A lab; None where this user cannot have one.
fn lab(spec: &Spec) -> Option<Lab> {
    match Lab::new(spec) {
        Ok(lab) => Some(lab),
        Err(error @ (Error::NotAllowed { .. } | Error::NoTun { .. })) => {
            let text = error.to_string();
            assert!(text.contains("root") || text.contains("/dev/net/tun"), "{text}");
            eprintln!("not checked here: {text}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Sends `message` from the guest to the host and back.
fn goes_there_and_back(lab: &Lab, message: &[u8]) {
    let address = SocketAddr::from((lab.address(Side::Host), 4000));
    let listener = lab.inside(Side::Host, || TcpListener::bind(address)).expect("inside").expect("bound");
    let mut guest =
        lab.inside(Side::Guest, || TcpStream::connect(address)).expect("inside").expect("connected");
    let (mut host, peer) = listener.accept().expect("accepted");
    assert_eq!(peer.ip(), lab.address(Side::Guest));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut got = vec![0; message.len()];
            host.read_exact(&mut got).expect("received");
            host.write_all(&got).expect("sent back");
        });
        guest.write_all(message).expect("sent");
        let mut back = vec![0; message.len()];
        guest.read_exact(&mut back).expect("received back");
        assert!(back == message, "the message came back changed");
    });
}

#[test]
fn bytes_arrive_whole_on_every_kind_of_path() {
    let message: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    let ms = Duration::from_millis(1);
    let specs = [
        Spec::new(Path::Veth),
        Spec { mtu: 65_520, ..Spec::new(Path::Veth) },
        Spec::with_rate(2_000_000_000),
        Spec::new(Path::Relay),
        Spec { mtu: 65_520, ..Spec::new(Path::Relay) },
        Spec { offloads: false, ..Spec::new(Path::Relay) },
        Spec::with_round_trip(4 * ms),
        Spec { rate: Some(1_000_000_000), jitter: ms, ..Spec::with_round_trip(2 * ms) },
        Spec { loss_ppm: 2_000, ..Spec::with_round_trip(ms) },
        Spec { loss_ppm: 2_000, ..Spec::new(Path::Relay) },
    ];
    for spec in specs {
        let Some(lab) = lab(&spec) else { return };
        goes_there_and_back(&lab, &message);
        if lab.carried().is_some() {
            // The relay counts a packet when it has sent it, so the last one may have come before.
            let began = Instant::now();
            let carried = loop {
                let carried = lab.carried().unwrap_or_default();
                let all = carried.iter().all(|way| way.bytes >= message.len() as u64);
                if all || began.elapsed() > PATIENCE {
                    assert!(all, "{spec:?}: {carried:?}");
                    break carried;
                }
                std::thread::yield_now();
            };
            let lost: u64 = carried.iter().map(|way| way.lost).sum();
            assert_eq!(lost > 0, spec.loss_ppm > 0, "{spec:?}: {carried:?}");
        }
    }
}

#[test]
fn sides_are_apart_from_each_other_and_from_the_machine() {
    let Some(lab) = lab(&Spec::new(Path::Veth)) else { return };
    let number = |path: &std::path::Path| std::fs::metadata(path).expect("a namespace").ino();
    let ours = number("/proc/self/ns/net".as_ref());
    let [host, guest] = [Side::Host, Side::Guest].map(|side| number(&lab.file(side)));
    assert!(host != guest && host != ours && guest != ours);
    for side in [Side::Host, Side::Guest] {
        // Programs that are started inside, and those that the command starts, are in the same place; and there is no other device.
        let started = lab.inside(side, || Command::new("readlink").arg("/proc/self/ns/net").output());
        let started = started.expect("inside").expect("readlink runs").stdout;
        let commanded =
            lab.command(side, "readlink").arg("/proc/self/ns/net").output().expect("nsenter runs").stdout;
        assert_eq!(started, commanded);
        assert!(String::from_utf8_lossy(&started).contains(&number(&lab.file(side)).to_string()));
        let devices = lab.command(side, "ip").args(["-brief", "link"]).output().expect("ip runs").stdout;
        assert_eq!(String::from_utf8_lossy(&devices).lines().count(), 2, "loopback and the path");
    }
    // The thread that called is where it was.
    assert_eq!(number("/proc/thread-self/ns/net".as_ref()), ours);
}

/// Bytes of a numbered datagram, and of what IP and UDP put in front of it.
const DATAGRAM: usize = 100;
const HEADERS: usize = 28;

#[test]
fn exactly_what_the_seed_says_is_lost_and_the_rest_comes_in_order() {
    let spec =
        Spec { loss_ppm: 50_000, seed: 99, jitter: Duration::from_micros(300), ..Spec::new(Path::Relay) };
    let Some(lab) = lab(&spec) else { return };
    let count = 4_000_u32;
    let mut model = Shaper::new(Shape {
        rate: None,
        delay: Duration::ZERO,
        jitter: spec.jitter,
        loss_ppm: spec.loss_ppm,
        queue: usize::MAX,
        seed: spec.seed,
    });
    let arrives: Vec<u32> =
        (0..count).filter(|_| model.admit(Duration::ZERO, DATAGRAM + HEADERS) != Verdict::Lost).collect();
    assert!((3_700..3_900).contains(&arrives.len()));

    let address = SocketAddr::from((lab.address(Side::Host), 4001));
    let receiver = lab.inside(Side::Host, || UdpSocket::bind(address)).expect("inside").expect("bound");
    receiver.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    let guest = SocketAddr::from((lab.address(Side::Guest), 0));
    let sender = lab.inside(Side::Guest, || UdpSocket::bind(guest)).expect("inside").expect("bound");
    let (mut sent, mut got) = (0, Vec::new());
    for (place, expect) in arrives.iter().enumerate() {
        // A few on the way at a time, as a socket holds no more for its reader.
        let ahead = arrives.get(place + 50).map_or(count, |far| far + 1);
        for number in sent..ahead.max(sent) {
            let mut datagram = [0; DATAGRAM];
            datagram[..4].copy_from_slice(&number.to_le_bytes());
            assert_eq!(sender.send_to(&datagram, address).expect("sent"), DATAGRAM);
        }
        sent = sent.max(ahead);
        let mut datagram = [0; DATAGRAM];
        let length = receiver.recv(&mut datagram).unwrap_or_else(|error| {
            panic!("{expect} does not come ({error}) after {got:?}; {:?}", lab.carried())
        });
        assert_eq!(length, DATAGRAM);
        let number = u32::from_le_bytes(datagram[..4].try_into().expect("four bytes"));
        assert_eq!(number, *expect, "the {place}th to arrive");
        got.push(number);
    }
    assert_eq!(got, arrives);
    // The relay counts a packet when it has sent it; and what is lost after the last one that came may still be on its way to it.
    let expect = u64::from(count) - arrives.len() as u64;
    let began = Instant::now();
    let lost = loop {
        let [_, to_host] = lab.carried().expect("a relay counts");
        if to_host.packets + to_host.lost >= u64::from(count) || began.elapsed() > PATIENCE {
            break to_host;
        }
        std::thread::yield_now();
    };
    assert_eq!((lost.packets, lost.lost, lost.dropped), (arrives.len() as u64, expect, 0));
}

#[test]
fn a_delay_is_never_shorter_than_asked() {
    let delay = Duration::from_millis(3);
    let Some(lab) = lab(&Spec { delay, ..Spec::new(Path::Relay) }) else { return };
    let trips = measure::round_trips(&lab, Side::Guest, 64, Duration::from_millis(200)).expect("measured");
    // However busy the machine is, it can only be later.
    assert!(trips.count > 0 && trips.p50 >= 2 * delay && trips.p99 >= trips.p50, "{trips:?}");
}

#[test]
fn a_path_gives_figures() {
    for spec in [Spec::new(Path::Veth), Spec::new(Path::Relay)] {
        let Some(lab) = lab(&spec) else { return };
        for from in [Side::Host, Side::Guest] {
            let bits = measure::throughput(&lab, from, Duration::from_millis(150)).expect("measured");
            assert!(bits.is_finite() && bits > 0.0, "{bits} bits a second");
        }
    }
}

#[test]
fn what_no_path_has_is_refused_before_anything_is_made() {
    for spec in [
        Spec { loss_ppm: 1, ..Spec::new(Path::Veth) },
        Spec { delay: Duration::from_nanos(1), ..Spec::new(Path::Veth) },
        Spec { rate: Some(0), ..Spec::new(Path::Relay) },
        Spec { mtu: 65_535, ..Spec::new(Path::Relay) },
        Spec { loss_ppm: 1_000_001, ..Spec::new(Path::Relay) },
    ] {
        let refused = Lab::new(&spec);
        assert!(matches!(refused, Err(Error::Spec(_))), "{spec:?}: {refused:?}");
    }
}

/// All network namespaces that a process or an open file has.
fn namespaces() -> Vec<u64> {
    let mut found = Vec::new();
    for process in std::fs::read_dir("/proc").expect("/proc").flatten().map(|entry| entry.path()) {
        let files = std::fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
        for file in files.map(|file| file.path()).chain([process.join("ns/net")]) {
            if std::fs::read_link(&file).is_ok_and(|aim| aim.to_string_lossy().starts_with("net:[")) {
                found.extend(std::fs::metadata(&file).map(|data| data.ino()));
            }
        }
    }
    found
}

/// Whether nothing has these namespaces any more. A process that another test has just forked has everything of this one until it
/// becomes another program.
fn disappear(numbers: &[u64]) -> bool {
    let began = Instant::now();
    while numbers.iter().any(|number| namespaces().contains(number)) {
        if began.elapsed() > PATIENCE {
            return false;
        }
        std::thread::yield_now();
    }
    true
}

#[test]
fn nothing_is_left_of_a_lab_that_is_dropped_or_killed() {
    let spec = Spec::with_round_trip(Duration::from_millis(1));
    let Some(dropped) = lab(&spec) else { return };
    let numbers = |lab: &Lab| {
        [Side::Host, Side::Guest].map(|side| std::fs::metadata(lab.file(side)).expect("a namespace").ino())
    };
    let gone = numbers(&dropped);
    assert!(gone.iter().all(|number| namespaces().contains(number)));
    drop(dropped);
    assert!(disappear(&gone), "still there after the drop");

    let mut command = Command::new(env!("CARGO_BIN_EXE_netlab"));
    let child = command.args(["--rtt", "1", "hold"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = child.expect("netlab starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let gone: Vec<u64> = (0..2)
        .map(|_| {
            let line = lines.next().expect("a line").expect("text");
            let file =
                line.split_once("--net=").and_then(|(_, rest)| rest.split(' ').next()).expect("a file");
            std::fs::metadata(file).expect("a namespace").ino()
        })
        .collect();
    child.kill().expect("killed");
    child.wait().expect("ended");
    assert!(disappear(&gone), "still there after the kill");
}

#[test]
fn a_pulled_cable_carries_nothing_until_it_is_back() {
    for spec in [Spec::new(Path::Veth), Spec::new(Path::Relay)] {
        let Some(lab) = lab(&spec) else { return };
        let address = SocketAddr::from((lab.address(Side::Host), 4001));
        let listener = lab.inside(Side::Host, || TcpListener::bind(address)).expect("inside").expect("bound");
        let connect =
            || lab.inside(Side::Guest, || TcpStream::connect_timeout(&address, PATIENCE)).expect("inside");
        let mut guest = connect().expect("connected");
        let (mut host, _) = listener.accept().expect("accepted");
        lab.pull(Side::Guest).expect("pulled");
        guest.write_all(&[7]).expect("the kernel takes it");
        host.set_nonblocking(true).expect("set");
        let nothing = host.read(&mut [0]).expect_err("nothing has come");
        assert_eq!(nothing.kind(), std::io::ErrorKind::WouldBlock);
        lab.plug(Side::Guest).expect("plugged");
        host.set_nonblocking(false).expect("set");
        let mut byte = [0];
        host.read_exact(&mut byte).expect("TCP sends it again");
        assert_eq!(byte, [7]);
    }
}
