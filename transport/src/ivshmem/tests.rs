//! Server and client meet; bad clients and bad servers cost nothing; a socket is taken over from the dead and from nobody else.

use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::*;
use crate::shm::Wake;

const BYTES: u64 = 1 << 20;
const SOON: Duration = Duration::from_secs(5);
const NOW: Duration = Duration::from_millis(20);

struct Place {
    _folder: tempfile::TempDir,
    socket: PathBuf,
}

fn place() -> Place {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("vm.sock");
    Place { _folder: folder, socket }
}

/// Turns until something has happened, for a client that runs in a thread of its own.
fn turn(server: &mut Server) -> Vec<Event> {
    let deadline = Instant::now() + SOON;
    loop {
        let events = server.turn();
        if !events.is_empty() {
            return events;
        }
        assert!(Instant::now() < deadline, "nothing happens");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn connect(server: &mut Server, socket: &std::path::Path) -> (Client, Arc<Vm>) {
    let path = socket.to_owned();
    let client = std::thread::spawn(move || Client::connect(&path, SOON));
    let events = turn(server);
    let [Event::Came(vm)] = &events[..] else { panic!("{events:?}") };
    (client.join().expect("no panic").expect("greeted"), vm.clone())
}

fn port(vm: &Vm) -> HostPort {
    HostPort::new(vm.descriptors().map(|fd| fd.try_clone_to_owned().expect("a descriptor"))).expect("maps")
}

#[test]
fn both_sides_see_the_same_memory_and_ring() {
    let place = place();
    let mut server = Server::bind(&place.socket, BYTES).expect("a free name");
    let (client, vm) = connect(&mut server, &place.socket);
    assert_eq!((client.id(), vm.id(), vm.name().as_str()), (1, 1, "vm-1"));
    assert_eq!(vm.process(), Some(std::process::id()));
    assert_eq!(client.mapping().len() as u64, BYTES);
    client.mapping().whole().as_ref()[3].store(42, Ordering::Relaxed);
    assert_eq!(vm.cells().read_cell(3).expect("inside"), 42);
    vm.cells().write_cell(4, 43).expect("inside");
    assert!(vm.cells().write_cell(BYTES as usize / 8, 1).is_err());
    let host = port(&vm);
    assert_eq!(host.mapping().whole().as_ref()[4].load(Ordering::Relaxed), 43);

    assert_eq!(host.wait_doorbell(NOW), Wake::Timeout);
    client.ring_doorbell();
    client.ring_doorbell();
    assert_eq!(host.wait_doorbell(SOON), Wake::Rung);
    assert_eq!(host.wait_doorbell(NOW), Wake::Timeout);
    assert_eq!(client.wait_interrupt(NOW), Wake::Timeout);
    host.interrupt();
    assert_eq!(client.wait_interrupt(SOON), Wake::Rung);
}

#[test]
fn each_machine_has_memory_and_doorbells_of_its_own() {
    let place = place();
    let mut server = Server::bind(&place.socket, BYTES).expect("a free name");
    let (one, _) = connect(&mut server, &place.socket);
    let (two, vm_two) = connect(&mut server, &place.socket);
    assert_eq!((one.id(), two.id()), (1, 2));
    one.mapping().whole().as_ref()[0].store(7, Ordering::Relaxed);
    assert_eq!(two.mapping().whole().as_ref()[0].load(Ordering::Relaxed), 0);
    one.ring_doorbell();
    assert_eq!(port(&vm_two).wait_doorbell(NOW), Wake::Timeout);

    drop(one);
    let events = turn(&mut server);
    assert!(matches!(&events[..], [Event::Left { vm, why: None }] if vm.id() == 1), "{events:?}");
    let (three, _) = connect(&mut server, &place.socket);
    assert_eq!(three.id(), 1, "the number is free again");
    assert_eq!(three.mapping().whole().as_ref()[0].load(Ordering::Relaxed), 0, "and the memory is another");
}

#[test]
fn the_memory_keeps_its_size() {
    let place = place();
    let mut server = Server::bind(&place.socket, BYTES).expect("a free name");
    let (client, vm) = connect(&mut server, &place.socket);
    assert!(client.memory().set_len(4096).is_err(), "cut short, it would crash the host's worker");
    assert!(client.memory().set_len(2 * BYTES).is_err());
    assert_eq!(vm.cells().len().expect("a file"), BYTES);
}

#[test]
fn the_socket_is_for_user_and_group_and_goes_with_the_server() {
    let place = place();
    let server = Server::bind(&place.socket, BYTES).expect("a free name");
    let mode = |path: &std::path::Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&place.socket), mode(server.folder())), (0o660, 0o700));
    let error = Server::bind(&place.socket, BYTES).expect_err("it is served");
    assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
    let folder = server.folder().to_owned();
    drop(server);
    assert!(!place.socket.exists() && !folder.exists());
}

#[test]
fn names_of_others_are_left_alone() {
    let place = place();
    std::fs::write(&place.socket, "a letter").expect("written");
    let error = Server::bind(&place.socket, BYTES).expect_err("a file");
    assert!(error.to_string().contains("is no socket; remove it"), "{error}");
    assert_eq!(std::fs::read(&place.socket).expect("still there"), b"a letter");
    assert!(!control_folder(&place.socket).exists(), "nothing is left behind");

    std::fs::remove_file(&place.socket).expect("removed");
    let other = UnixListener::bind(&place.socket).expect("another program");
    let error = Server::bind(&place.socket, BYTES).expect_err("somebody listens");
    assert!(error.to_string().contains("another program listens"), "{error}");
    drop(other);
    // What is left now is a dead socket, as a crash leaves it.
    assert!(place.socket.exists());
    let mut server = Server::bind(&place.socket, BYTES).expect("taken over");
    connect(&mut server, &place.socket);

    let nowhere = place.socket.with_file_name("none").join("vm.sock");
    let error = Server::bind(&nowhere, BYTES).expect_err("no folder");
    assert!(error.to_string().contains("its folder does not exist"), "{error}");
}

#[test]
fn who_says_something_is_no_device() {
    let place = place();
    let mut server = Server::bind(&place.socket, BYTES).expect("a free name");
    let (good, _) = connect(&mut server, &place.socket);
    for garbage in [&[0u8][..], &[0xff; 8], &[0x41; 4096]] {
        let mut bad = UnixStream::connect(&place.socket).expect("listens");
        bad.write_all(garbage).expect("sent");
        let mut seen = Vec::new();
        while !seen.iter().any(|event| matches!(event, Event::Left { .. })) {
            seen.extend(turn(&mut server));
        }
        assert!(matches!(&seen[..], [Event::Came(_), Event::Left { why: Some(_), .. }]), "{seen:?}");
        // The greeting is there, and then the end.
        let mut greeting = Vec::new();
        let _ = bad.read_to_end(&mut greeting);
        assert!(greeting.len() <= 40, "{greeting:?}");
    }
    good.ring_doorbell();
    assert_eq!(server.connections_now(), 1);
}

#[test]
fn who_never_reads_and_who_comes_too_often_costs_nothing() {
    let place = place();
    // Other tests run beside this one and have some files open, too.
    let open = || std::fs::read_dir("/proc/self/fd").expect("readable").count();
    const OTHERS: usize = 100;
    let mut server = Server::bind(&place.socket, BYTES).expect("a free name");
    let start = Instant::now();
    let (good, vm) = connect(&mut server, &place.socket);
    let before = open();
    let mut silent = Vec::new();
    let (mut refused, mut came) = (0, 0);
    let mut count = |events: Vec<Event>| {
        for event in events {
            came += u32::from(matches!(event, Event::Came(_)));
            if let Event::Refused { count, why } = event {
                refused += count;
                let known = ["64 virtual machines", "too many come", "could not be greeted"];
                assert!(known.iter().any(|text| why.contains(text)), "{why}");
            }
        }
    };
    for _ in 0..MAX_VMS + 100 {
        silent.push(UnixStream::connect(&place.socket).expect("listens"));
        count(server.turn());
    }
    assert_eq!(server.connections_now(), MAX_VMS);
    // Its ends and ours; each machine has a memory and two doorbells beside.
    assert!(open() <= before + silent.len() + 4 * MAX_VMS + OTHERS, "{} files", open());
    // Three thousand who come and go at once: as often told of as seconds pass, and soon turned away.
    drop(silent);
    for _ in 0..3000 {
        drop(UnixStream::connect(&place.socket).expect("listens"));
        count(server.turn());
    }
    std::thread::sleep(Duration::from_millis(1100));
    count(server.turn());
    count(server.turn());
    assert!(f64::from(came) <= 64.0 + 8.0 * start.elapsed().as_secs_f64() + 1.0, "{came} have come");
    assert_eq!(server.connections_now(), 1, "the good one has stayed");
    good.ring_doorbell();
    assert_eq!(port(&vm).wait_doorbell(SOON), Wake::Rung);
    assert!(refused > 0);
    assert!(open() <= before + OTHERS, "{} files are left of {before}", open());
}

#[test]
fn a_clients_descriptors_are_the_servers_own_no_longer() {
    let place = place();
    let mut server = Server::bind(&place.socket, BYTES).expect("a free name");
    let (client, _) = connect(&mut server, &place.socket);
    assert!(server.fds().len() == 2, "the socket and the client");
    // QEMU keeps its memory when the server goes.
    drop(server);
    client.mapping().whole().as_ref()[9].store(1, Ordering::Relaxed);
    let mut left = UnixStream::from(client.connection().try_clone_to_owned().expect("a descriptor"));
    assert_eq!(left.read(&mut [0; 8]).expect("the end"), 0);
    assert!(client.memory().as_raw_fd() >= 0);
}

/// Feeds messages to a client's reading of them; descriptors are just counted.
fn read(messages: &[(i64, bool)]) -> Result<Setup<u32>, Violation> {
    let mut setup = Setup::default();
    for (index, (number, with)) in messages.iter().enumerate() {
        setup.take(*number, with.then_some(index as u32))?;
    }
    Ok(setup)
}

const GREETING: [(i64, bool); 5] = [(0, false), (5, false), (-1, true), (0, true), (5, true)];

#[test]
fn a_greeting_is_read() {
    let setup = read(&GREETING).expect("as the specification says");
    assert!(setup.is_complete());
    assert_eq!((setup.id(), setup.doorbell(0, 0), setup.doorbell(0, 1)), (Some(5), Some(&3), None));
    // A peer with two vectors comes; the host goes.
    let mut setup = read(&[&GREETING[..], &[(6, true), (6, true), (0, false)]].concat()).expect("legal");
    assert_eq!((setup.doorbell(0, 0), setup.doorbell(6, 1)), (None, Some(&6)));
    assert!(setup.take(5, None).is_err(), "the client itself cannot go");
}

#[test]
fn what_is_no_greeting_is_refused_where_it_goes_wrong() {
    // Each message in turn with another number, without or with a descriptor: the good ones are known.
    for place in 0..GREETING.len() {
        for number in [i64::MIN, -2, -1, 0, 1, 5, 65535, 65536, i64::MAX] {
            for with in [false, true] {
                let mut messages = GREETING;
                messages[place] = (number, with);
                let peer = (0..=65535).contains(&number);
                let legal = match place {
                    0 => (number, with) == (0, false),
                    1 => peer && !with,
                    2 => (number, with) == (-1, true),
                    // A peer that never came may be told gone.
                    3 | 4 => peer && (with || number != 5),
                    _ => false,
                };
                let result = read(&messages);
                assert_eq!(result.is_ok(), legal, "{messages:?}: {:?}", result.map(|_| ()));
            }
        }
    }
}

proptest::proptest! {
    #[test]
    fn any_messages_are_read_in_bounded_memory(
        messages in proptest::collection::vec((proptest::prop_oneof![-2i64..8, proptest::num::i64::ANY], proptest::bool::ANY), 0..300),
        cut in 0usize..6,
    ) {
        let mut setup = Setup::default();
        for (number, with) in GREETING[..cut.min(GREETING.len())].iter().chain(&messages) {
            if setup.take(*number, with.then_some(())).is_err() {
                break;
            }
            proptest::prop_assert!(setup.descriptors() <= 65);
        }
        proptest::prop_assert!(!setup.is_complete() || setup.id().is_some());
    }
}
