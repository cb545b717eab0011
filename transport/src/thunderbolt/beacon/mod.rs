//! Beacons: how two machines on a cable find each other's address, port and name.
//!
//! A host sends a small datagram every 500 ms to an IPv6 link-local multicast group of one interface, and, where that has such an
//! address, to the broadcast address of 169.254.0.0/16. Whoever listens on the same link gets a [`Found`], whose address goes to the
//! TCP carrier.
//!
//! # Invariants
//! - Beacons do not leave the link: their hop limit is 1, their addresses are link-local, and what is heard counts only if its
//!   source is link-local on the very interface.
//! - A beacon proves nothing. It names an address, a port and the hash of a public key; the connection proves the key.
//! - At most 16 peers are remembered and 64 datagrams a second are looked at, whatever is sent.

mod message;
mod peers;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

pub use message::{BEACON_BYTES, Beacon, BeaconError, NAME_BYTES, Role};
pub use peers::{FORGET_AFTER, Found, MOST_PEERS};

use super::Interface;
use peers::Peers;

/// The UDP port of beacons.
pub const PORT: u16 = 7785;
/// The group of beacons: transient and link-local (RFC 4291, 2.7).
pub const GROUP: Ipv6Addr = Ipv6Addr::new(0xff12, 0, 0, 0, 0, 0, 0x7076, 0x6770);
/// All machines of the IPv4 link-local network.
pub const BROADCAST: Ipv4Addr = Ipv4Addr::new(169, 254, 255, 255);
/// How often a machine sends: a program that starts waits for half of that, on an average.
pub const INTERVAL: Duration = Duration::from_millis(500);
/// With two sockets to listen to, each gets so long in turn.
const TURN: Duration = Duration::from_millis(20);

/// Which of the two ways a socket goes.
#[derive(Clone, Copy, Debug)]
enum Way {
    V6 { own: Ipv6Addr, scope: u32 },
    V4 { own: Ipv4Addr },
}

/// The ways over an interface, IPv6 first.
fn ways(interface: &Interface) -> Vec<Way> {
    let v6 = interface.link_local_v6().filter(|_| interface.index != 0);
    let v6 = v6.map(|own| Way::V6 { own, scope: interface.index });
    let v4 = interface.link_local_v4().map(|own| Way::V4 { own });
    v6.into_iter().chain(v4).collect()
}

fn no_address(interface: &Interface) -> io::Error {
    let text = format!("{} has no link-local address, so that no beacon can go over it", interface.name);
    io::Error::new(io::ErrorKind::AddrNotAvailable, text)
}

/// A socket to send with.
fn sending(way: Way, interface: &Interface) -> io::Result<UdpSocket> {
    match way {
        Way::V6 { own, scope } => {
            let socket = Socket::new(Domain::IPV6, Type::DGRAM, Some(Protocol::UDP))?;
            socket.set_only_v6(true)?;
            socket.set_multicast_if_v6(scope)?;
            socket.set_multicast_hops_v6(1)?;
            socket.bind(&SocketAddrV6::new(own, 0, 0, scope).into())?;
            Ok(socket.into())
        }
        Way::V4 { own } => {
            let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
            socket.set_broadcast(true)?;
            socket.set_ttl_v4(1)?;
            bind_to_device(&socket, interface);
            socket.bind(&SocketAddrV4::new(own, 0).into())?;
            Ok(socket.into())
        }
    }
}

/// Where a beacon goes.
fn destination(way: Way) -> SocketAddr {
    match way {
        Way::V6 { scope, .. } => SocketAddrV6::new(GROUP, PORT, 0, scope).into(),
        Way::V4 { .. } => SocketAddrV4::new(BROADCAST, PORT).into(),
    }
}

/// A socket to listen with. Several programs of a machine may.
fn listening(way: Way, interface: &Interface) -> io::Result<UdpSocket> {
    match way {
        Way::V6 { scope, .. } => {
            let socket = Socket::new(Domain::IPV6, Type::DGRAM, Some(Protocol::UDP))?;
            socket.set_only_v6(true)?;
            socket.set_reuse_address(true)?;
            // Linux then gives only what was sent to the group on this interface; Windows cannot bind to a group.
            let group = if cfg!(windows) { Ipv6Addr::UNSPECIFIED } else { GROUP };
            socket.bind(&SocketAddrV6::new(group, PORT, 0, if cfg!(windows) { 0 } else { scope }).into())?;
            socket.join_multicast_v6(&GROUP, scope)?;
            Ok(socket.into())
        }
        Way::V4 { .. } => {
            let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
            socket.set_reuse_address(true)?;
            bind_to_device(&socket, interface);
            socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, PORT).into())?;
            Ok(socket.into())
        }
    }
}

/// Keeps an IPv4 socket to its interface, where the system can: 169.254.0.0/16 may be reachable over several.
#[cfg(target_os = "linux")]
fn bind_to_device(socket: &Socket, interface: &Interface) {
    // Refused to unprivileged programs before Linux 5.7: then the routing table decides.
    let _ = socket.bind_device(Some(interface.name.as_bytes()));
}

#[cfg(not(target_os = "linux"))]
fn bind_to_device(_socket: &Socket, _interface: &Interface) {}

/// Sends a machine's beacon over one interface until it is dropped.
#[derive(Debug)]
pub struct Announcer {
    pace: Arc<Pace>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Pace {
    is_over: Mutex<bool>,
    changed: Condvar,
}

impl Announcer {
    /// Begins to send, at once and then every [`INTERVAL`], by IPv6 and by IPv4, whichever the interface has. What the system refuses,
    /// as while a cable is out, is tried again at the next turn; an interface that has got other addresses needs another announcer.
    ///
    /// # Errors
    /// `InvalidInput` around a [`BeaconError`] for a beacon that nobody would accept; `AddrNotAvailable` when the interface has no link-local
    /// address; what the system said when it gives no thread.
    pub fn start(interface: &Interface, beacon: &Beacon) -> io::Result<Self> {
        let bytes = beacon.encode().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let ways = ways(interface);
        if ways.is_empty() {
            return Err(no_address(interface));
        }
        let pace = Arc::new(Pace::default());
        let (shared, interface) = (Arc::clone(&pace), interface.clone());
        let send = move || announce(&shared, &ways, &interface, &bytes);
        let thread = thread::Builder::new().name("beacon".to_owned()).spawn(send)?;
        Ok(Self { pace, thread: Some(thread) })
    }
}

impl Drop for Announcer {
    fn drop(&mut self) {
        *self.pace.is_over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.pace.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A thread that has panicked sends nothing any more, either.
            let _ = thread.join();
        }
    }
}

fn announce(pace: &Pace, ways: &[Way], interface: &Interface, bytes: &[u8]) {
    let mut sockets: Vec<_> = ways.iter().map(|way| (*way, None)).collect();
    loop {
        for (way, socket) in &mut sockets {
            let open = socket.take().or_else(|| sending(*way, interface).ok());
            // A socket whose interface went away stays useless.
            *socket = open.filter(|socket: &UdpSocket| socket.send_to(bytes, destination(*way)).is_ok());
        }
        let is_over = pace.is_over.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = pace.changed.wait_timeout_while(is_over, INTERVAL, |is_over| !*is_over);
        if *waited.unwrap_or_else(PoisonError::into_inner).0 {
            return;
        }
    }
}

/// Listens for beacons on one interface.
#[derive(Debug)]
pub struct Listener {
    sockets: Vec<UdpSocket>,
    peers: Peers,
    start: Instant,
}

impl Listener {
    /// Begins to listen. `own_nonce` is the nonce of this machine's own beacons, which are not heard.
    ///
    /// # Errors
    /// `AddrNotAvailable` when the interface has no link-local address; what the system said.
    pub fn start(interface: &Interface, own_nonce: u64) -> io::Result<Self> {
        let sockets = ways(interface).into_iter().map(|way| listening(way, interface));
        let sockets = sockets.collect::<io::Result<Vec<_>>>()?;
        if sockets.is_empty() {
            return Err(no_address(interface));
        }
        let peers = Peers::new(&interface.name, interface.index, own_nonce);
        Ok(Self { sockets, peers, start: Instant::now() })
    }

    /// Waits for a peer that is new, has started again or says something else than before; `None` when the time is over.
    ///
    /// # Errors
    /// What the system said: the interface is gone, listen again when it is back.
    pub fn next(&mut self, timeout: Duration) -> io::Result<Option<Found>> {
        let deadline = Instant::now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            for socket in &self.sockets {
                let turn = if self.sockets.len() > 1 { left.min(TURN) } else { left };
                // A timeout of 0 would mean to wait for ever.
                socket.set_read_timeout(Some(turn.max(Duration::from_millis(1))))?;
                // One byte more, so that a longer datagram shows.
                let mut bytes = [0; BEACON_BYTES + 1];
                let (length, source) = match socket.recv_from(&mut bytes) {
                    Ok(received) => received,
                    Err(error) if is_nothing(&error) => continue,
                    Err(error) => return Err(error),
                };
                let bytes = bytes.get(..length).unwrap_or_default();
                if let Some(found) = self.peers.observe(self.start.elapsed(), source, bytes) {
                    return Ok(Some(found));
                }
            }
            if left.is_zero() {
                return Ok(None);
            }
        }
    }
}

/// Whether a receive simply got nothing: the time is over, or, on Windows, the datagram was longer than any beacon.
fn is_nothing(error: &io::Error) -> bool {
    const WSAEMSGSIZE: i32 = 10040;
    let kinds = [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut, io::ErrorKind::Interrupted];
    kinds.contains(&error.kind()) || (cfg!(windows) && error.raw_os_error() == Some(WSAEMSGSIZE))
}
