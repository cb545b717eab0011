//! Beacons and notices between network namespaces; who may not make some gets them in a user namespace of its own.

use std::io;
use std::net::{SocketAddr, SocketAddrV6, UdpSocket};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fd::AsFd;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::super::beacon::{Announcer, Beacon, GROUP, Listener, PORT, Role};
use super::super::{Interface, address, watch};
use super::*;

const SOON: Duration = Duration::from_secs(10);
/// Set in a test that runs as the root of a user namespace.
const INSIDE: &str = "PVGPU_TEST_INSIDE";

/// Two network namespaces, removed in the end.
struct Namespaces {
    names: [String; 2],
}

fn ip(arguments: &str) -> io::Result<Output> {
    Command::new("ip").args(arguments.split_whitespace()).output()
}

impl Namespaces {
    /// Makes two for the test of this name. If this user may not, the test runs once more as root of a user namespace, and there is
    /// nothing left to do here.
    fn new(test: &str) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = |end: &str| format!("pvgpu-tb-{}-{count}-{end}", std::process::id());
        let names = [name("a"), name("b")];
        let made =
            names.iter().all(|name| ip(&format!("netns add {name}")).is_ok_and(|out| out.status.success()));
        let namespaces = Self { names };
        if !made {
            assert!(
                std::env::var_os(INSIDE).is_none(),
                "not even the root of a user namespace may make others"
            );
            again_as_root(test);
        }
        made.then_some(namespaces)
    }

    /// A pair of interfaces, the first in the first namespace, the second in the second.
    fn connect(&self, first: &str, second: &str) {
        let [a, b] = &self.names;
        run(&format!("link add {first} netns {a} type veth peer name {second} netns {b}"));
        run(&format!("-n {a} link set {first} up"));
        run(&format!("-n {b} link set {second} up"));
    }

    /// Runs something in a thread of a namespace.
    fn within<T: Send>(&self, side: usize, work: impl FnOnce() -> T + Send) -> T {
        let path = format!("/run/netns/{}", self.names[side]);
        thread::scope(|scope| {
            let inside = || {
                let namespace = std::fs::File::open(path).expect("the namespace is there");
                move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
                    .expect("entered");
                work()
            };
            scope.spawn(inside).join().expect("no panic")
        })
    }

    /// An interface, once its address has been checked for duplicates.
    fn interface(&self, side: usize, name: &str) -> Interface {
        self.within(side, || {
            let start = Instant::now();
            loop {
                let interface = interface(name);
                if interface.link_local_v6().is_some() {
                    return interface;
                }
                assert!(start.elapsed() < SOON, "{name} has no address: {interface:?}");
                thread::sleep(Duration::from_millis(50));
            }
        })
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        for name in &self.names {
            let _ = ip(&format!("netns delete {name}"));
        }
    }
}

/// Runs a test of this file as the root of a user namespace. Where there is none to be had, that is said and nothing tested.
fn again_as_root(test: &str) {
    let test = format!("{}::{test}", module_path!().split_once("::").expect("a module").1);
    let inside = "mount -t tmpfs tmpfs /run && exec \"$0\" --exact \"$1\" --nocapture";
    let own = std::env::current_exe().expect("a path");
    let mut again = Command::new("unshare");
    again
        .args(["--map-root-user", "--net", "--mount", "sh", "-c", inside])
        .arg(own)
        .arg(&test)
        .env(INSIDE, "1");
    let output = again.output();
    let text = output.map_or_else(
        |error| error.to_string(),
        |output| {
            [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat()
        },
    );
    match text.contains("running 1 test") {
        true => assert!(text.contains("test result: ok. 1 passed"), "{text}"),
        false => println!("{test} needs network namespaces, which cannot be made here: {text}"),
    }
}

fn run(arguments: &str) {
    let output = ip(arguments).expect("ip runs");
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// An interface of the namespace that this thread is in.
fn interface(name: &str) -> Interface {
    let socket = rustix::net::socket(rustix::net::AddressFamily::INET, rustix::net::SocketType::DGRAM, None);
    let index =
        rustix::net::netdevice::name_to_index(socket.expect("a socket"), name).expect("the interface");
    Interface {
        name: name.to_owned(),
        index,
        is_up: true,
        has_carrier: true,
        addresses: address::of(Path::new("/"), index),
        ..Interface::default()
    }
}

fn beacon(name: &str, nonce: u64) -> Beacon {
    Beacon { role: Role::Host, port: 7777, digest: [3; 32], nonce, name: name.to_owned() }
}

/// What is heard on a link with two ends and an announcer at each.
#[test]
fn beacons_cross_a_link_and_no_other() {
    let Some(namespaces) = Namespaces::new("beacons_cross_a_link_and_no_other") else { return };
    namespaces.connect("tb0", "tb0");
    namespaces.connect("tb1", "tb1");
    let (near, far) = (namespaces.interface(0, "tb0"), namespaces.interface(1, "tb0"));
    let (near_other, far_other) = (namespaces.interface(0, "tb1"), namespaces.interface(1, "tb1"));
    let listen = |interface: &Interface| Listener::start(interface, 2).expect("listening");
    let (mut listener, mut other) = namespaces.within(0, || (listen(&near), listen(&near_other)));
    let announce = |interface: &Interface, name, nonce| {
        Announcer::start(interface, &beacon(name, nonce)).expect("sending")
    };
    let start = Instant::now();
    let host = namespaces.within(1, || announce(&far, "far", 1));
    let found = listener.next(SOON).expect("heard").expect("in time");
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    let address = far.link_local_v6().expect("an address");
    assert_eq!(found.address, SocketAddr::V6(SocketAddrV6::new(address, 7777, 0, near.index)));
    assert_eq!((found.interface.as_str(), found.name.as_str()), ("tb0", "far"));
    assert_eq!((found.role, found.digest, found.nonce), (Role::Host, [3; 32], 1));
    // It says nothing new, this machine's own beacons do not count, and the other link hears neither.
    let own = namespaces.within(0, || announce(&near, "near", 2));
    assert_eq!(listener.next(Duration::from_millis(1300)).expect("listening"), None);
    assert_eq!(other.next(Duration::from_millis(100)).expect("listening"), None);
    drop((host, own));
    let _restarted = namespaces.within(1, || announce(&far, "far", 9));
    let found = listener.next(SOON).expect("heard").expect("in time");
    assert_eq!((found.name.as_str(), found.nonce), ("far", 9));
    let second = namespaces.within(1, || announce(&far_other, "second cable", 9));
    assert_eq!(other.next(SOON).expect("heard").expect("in time").name, "second cable");
    drop(second);
    // Junk, too long, and a beacon from an address that is not link-local: nothing comes of them.
    run(&format!("-n {} address add fd00::2/64 dev tb0 nodad", namespaces.names[1]));
    namespaces.within(1, || {
        let from_link = UdpSocket::bind(SocketAddrV6::new(address, 0, 0, far.index)).expect("bound");
        let from_outside = UdpSocket::bind("[fd00::2]:0").expect("bound");
        let group = SocketAddrV6::new(GROUP, PORT, 0, far.index);
        let good = beacon("outside", 77).encode().expect("legal");
        from_link.send_to(b"junk", group).expect("sent");
        from_link.send_to(&[good.as_slice(), b"x"].concat(), group).expect("sent");
        from_outside.send_to(&good, group).expect("sent");
    });
    assert_eq!(listener.next(Duration::from_millis(300)).expect("listening"), None);
}

#[test]
fn without_ipv6_beacons_go_by_broadcast() {
    let Some(namespaces) = Namespaces::new("without_ipv6_beacons_go_by_broadcast") else { return };
    namespaces.connect("tb0", "tb0");
    for (name, address) in namespaces.names.iter().zip(["169.254.7.1", "169.254.7.2"]) {
        run(&format!("-n {name} link set tb0 addrgenmode none"));
        run(&format!("-n {name} address flush dev tb0"));
        run(&format!("-n {name} address add {address}/16 dev tb0"));
    }
    let ends = [0, 1].map(|side| namespaces.within(side, || interface("tb0")));
    assert!(
        ends.iter().all(|end| end.link_local_v6().is_none() && end.link_local_v4().is_some()),
        "{ends:?}"
    );
    let mut listener = namespaces.within(0, || Listener::start(&ends[0], 2).expect("listening"));
    let _host = namespaces.within(1, || Announcer::start(&ends[1], &beacon("v4", 1)).expect("sending"));
    let found = listener.next(SOON).expect("heard").expect("in time");
    assert_eq!((found.name.as_str(), found.address.to_string().as_str()), ("v4", "169.254.7.2:7777"));
}

#[test]
fn an_interface_without_addresses_is_refused_with_a_sentence() {
    let bare = Interface { name: "thunderbolt0".to_owned(), index: 7, ..Interface::default() };
    let error = Listener::start(&bare, 1).expect_err("no address");
    assert!(error.to_string().contains("thunderbolt0 has no link-local address"), "{error}");
    assert!(Announcer::start(&bare, &beacon("x", 1)).is_err());
    let wrong = beacon("", 1);
    assert_eq!(Announcer::start(&bare, &wrong).expect_err("no name").kind(), io::ErrorKind::InvalidInput);
}

/// A change is noticed by the kernel's notice, long before one would look again.
#[test]
fn a_cable_is_noticed_at_once() {
    let Some(namespaces) = Namespaces::new("a_cable_is_noticed_at_once") else { return };
    let root = tempfile::tempdir().expect("a folder");
    build(root.path(), CONTROLLER);
    namespaces.within(0, || {
        let mut watch = watch(root.path());
        assert_eq!(watch.next(SOON).expect("a tree").expect("the first look").cables.len(), 0);
        assert_eq!(watch.next(Duration::from_millis(50)).expect("a tree"), None);
        let plugged = thread::scope(|scope| {
            let plug = scope.spawn(|| {
                thread::sleep(Duration::from_millis(300));
                build(root.path(), PEER);
                let plugged = Instant::now();
                run(&format!("-n {} link add thunderbolt0 type veth", namespaces.names[0]));
                plugged
            });
            let survey = watch.next(SOON).expect("a tree").expect("noticed");
            let noticed = Instant::now();
            assert_eq!(survey.cables.len(), 1);
            noticed.saturating_duration_since(plug.join().expect("no panic"))
        });
        println!("noticed after {plugged:?}");
        assert!(plugged < Duration::from_secs(3), "{plugged:?}");
    });
}

#[test]
fn without_notices_a_cable_is_noticed_within_a_second() {
    let root = tempfile::tempdir().expect("a folder");
    let mut watch = watch(root.path());
    watch.forget_notices();
    watch.next(SOON).expect("a tree").expect("the first look");
    build(root.path(), CONTROLLER);
    build(root.path(), PEER);
    let start = Instant::now();
    assert_eq!(watch.next(SOON).expect("a tree").expect("noticed").cables.len(), 1);
    assert!(start.elapsed() < Duration::from_millis(1500), "{:?}", start.elapsed());
}
