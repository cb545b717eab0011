//! The kernel's word on network interfaces: their addresses, and that something changed.
//!
//! Two netlink families: `NETLINK_ROUTE` for links and addresses, `NETLINK_KOBJECT_UEVENT` for devices of the Thunderbolt bus. Of a
//! notice only its being there counts: whoever is told looks again.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{
    AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recvfrom, sendto,
    socket_with,
};

/// `NETLINK_ROUTE`, which is 0.
const ROUTE: Option<Protocol> = None;
/// `RTMGRP_LINK`, `RTMGRP_IPV4_IFADDR`, `RTMGRP_IPV6_IFADDR`.
const ROUTE_GROUPS: u32 = 0x1 | 0x10 | 0x100;
/// What the kernel itself says; group 2 is udev's.
const UEVENT_GROUPS: u32 = 1;
/// Bytes of the largest message of either family (`NLMSG_GOODSIZE` and the kernel's dumps).
const MESSAGE_BYTES: usize = 32 * 1024;
/// Datagrams that an answer may have.
const MOST_DATAGRAMS: usize = 256;
/// How long the kernel may take for an answer.
const ANSWER_TIME: Duration = Duration::from_millis(500);

/// `struct nlmsghdr`.
const HEADER_BYTES: usize = 16;
/// `struct ifaddrmsg`.
const ADDRESS_BYTES: usize = 8;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
/// `NLM_F_REQUEST | NLM_F_DUMP`.
const DUMP: u16 = 0x1 | 0x300;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
/// `IFA_F_DADFAILED | IFA_F_TENTATIVE`: an address that somebody else has, or may have.
pub(super) const UNUSABLE: u32 = 0x08 | 0x40;

fn socket(protocol: Option<Protocol>, groups: u32) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, protocol)?;
    bind(&socket, &SocketAddrNetlink::new(0, groups))?;
    Ok(socket)
}

/// Receives one datagram of the kernel; none when nothing is there, or when it is another process's.
fn receive<'a>(socket: &OwnedFd, buffer: &'a mut [u8]) -> io::Result<Option<&'a [u8]>> {
    let (received, _, from) = match recvfrom(socket, &mut *buffer, RecvFlags::empty()) {
        Err(Errno::AGAIN | Errno::INTR) => return Ok(None),
        result => result?,
    };
    let is_kernel =
        from.and_then(|from| SocketAddrNetlink::try_from(from).ok()).is_some_and(|from| from.pid() == 0);
    Ok(Some(buffer.get(..received).filter(|_| is_kernel).unwrap_or_default()))
}

fn wait(sockets: &[&OwnedFd], timeout: Duration) -> io::Result<bool> {
    let timeout = timeout.try_into().map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut fds: Vec<_> =
        sockets.iter().map(|socket| PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::IN)).collect();
    match poll(&mut fds, Some(&timeout)) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// All addresses that may be used, with the indices of their interfaces, in the network namespace of this thread.
///
/// # Errors
/// What the system said, or `TimedOut`.
pub(super) fn addresses() -> io::Result<Vec<(u32, IpAddr)>> {
    let socket = socket(ROUTE, 0)?;
    let mut request = Vec::with_capacity(HEADER_BYTES + ADDRESS_BYTES);
    // CAST: it is 24.
    request.extend_from_slice(&((HEADER_BYTES + ADDRESS_BYTES) as u32).to_ne_bytes());
    request.extend_from_slice(&RTM_GETADDR.to_ne_bytes());
    request.extend_from_slice(&DUMP.to_ne_bytes());
    // Sequence, sender, and an `ifaddrmsg` of no family: addresses of all.
    request.resize(HEADER_BYTES + ADDRESS_BYTES, 0);
    sendto(&socket, &request, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    let mut found = Vec::new();
    let mut buffer = vec![0; MESSAGE_BYTES];
    for _ in 0..MOST_DATAGRAMS {
        if !wait(&[&socket], ANSWER_TIME)? {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let Some(bytes) = receive(&socket, &mut buffer)? else { continue };
        if parse_addresses(bytes, &mut found)? {
            return Ok(found);
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}

/// Adds the addresses of one datagram of a dump, and says whether it was the last.
fn parse_addresses(mut bytes: &[u8], found: &mut Vec<(u32, IpAddr)>) -> io::Result<bool> {
    while let Some((header, _)) = bytes.split_first_chunk::<HEADER_BYTES>() {
        let [l0, l1, l2, l3, t0, t1, ..] = *header;
        let length = u32::from_ne_bytes([l0, l1, l2, l3]) as usize;
        let Some(message) = bytes.get(..length).filter(|_| length >= HEADER_BYTES) else { break };
        match u16::from_ne_bytes([t0, t1]) {
            NLMSG_DONE => return Ok(true),
            NLMSG_ERROR => return Err(io::ErrorKind::InvalidInput.into()),
            RTM_NEWADDR => found.extend(address(message.get(HEADER_BYTES..).unwrap_or_default())),
            _ => {}
        }
        bytes = bytes.get(aligned(length)..).unwrap_or_default();
    }
    Ok(false)
}

/// The address of an `ifaddrmsg` and its attributes.
fn address(message: &[u8]) -> Option<(u32, IpAddr)> {
    let (header, mut attributes) = message.split_first_chunk::<ADDRESS_BYTES>()?;
    let [family, _, flags, _, i0, i1, i2, i3] = *header;
    let mut found = None;
    while let Some(([l0, l1, t0, t1], _)) = attributes.split_first_chunk() {
        let length = usize::from(u16::from_ne_bytes([*l0, *l1]));
        let value = attributes.get(4..length)?;
        let address = match family {
            AF_INET => <[u8; 4]>::try_from(value).ok().map(|bytes| IpAddr::V4(Ipv4Addr::from(bytes))),
            AF_INET6 => <[u8; 16]>::try_from(value).ok().map(|bytes| IpAddr::V6(Ipv6Addr::from(bytes))),
            _ => None,
        };
        match u16::from_ne_bytes([*t0, *t1]) {
            // On a link with two ends, IFA_ADDRESS is the other one's.
            IFA_LOCAL => found = address,
            IFA_ADDRESS => found = found.or(address),
            _ => {}
        }
        attributes = attributes.get(aligned(length)..).unwrap_or_default();
    }
    let index = u32::from_ne_bytes([i0, i1, i2, i3]);
    found.filter(|_| u32::from(flags) & UNUSABLE == 0).map(|address| (index, address))
}

/// Messages and attributes begin at multiples of 4.
fn aligned(length: usize) -> usize {
    length.saturating_add(3) & !3
}

/// Notices of changes.
#[derive(Debug)]
pub(super) struct Notices {
    route: OwnedFd,
    /// Missing where a sandbox forbids it.
    uevent: Option<OwnedFd>,
}

impl Notices {
    /// Listens from now on.
    ///
    /// # Errors
    /// What the system said: without notices, one has to look again and again.
    pub(super) fn new() -> io::Result<Self> {
        let route = socket(ROUTE, ROUTE_GROUPS)?;
        Ok(Self { route, uevent: socket(Some(netlink::KOBJECT_UEVENT), UEVENT_GROUPS).ok() })
    }

    /// Waits for a notice that may be about a cable; false when the time is over, or something else happened.
    ///
    /// # Errors
    /// What the system said.
    pub(super) fn wait(&self, timeout: Duration) -> io::Result<bool> {
        let sockets: Vec<_> = std::iter::once(&self.route).chain(&self.uevent).collect();
        if !wait(&sockets, timeout)? {
            return Ok(false);
        }
        let mut buffer = vec![0; MESSAGE_BYTES];
        let mut is_about_us = false;
        for _ in 0..MOST_DATAGRAMS {
            let route = receive(&self.route, &mut buffer);
            match route {
                // Some were lost: anything may have happened.
                Err(_) => is_about_us = true,
                Ok(Some(bytes)) => is_about_us |= !bytes.is_empty(),
                Ok(None) => break,
            }
        }
        for _ in 0..MOST_DATAGRAMS {
            match self.uevent.as_ref().map(|uevent| receive(uevent, &mut buffer)) {
                Some(Err(_)) => is_about_us = true,
                Some(Ok(Some(bytes))) => is_about_us |= is_about_a_cable(bytes),
                Some(Ok(None)) | None => break,
            }
        }
        Ok(is_about_us)
    }
}

/// Whether a uevent is about the Thunderbolt bus or a network interface.
fn is_about_a_cable(uevent: &[u8]) -> bool {
    let mut lines = uevent.split(|byte| *byte == 0);
    lines.any(|line| matches!(line, b"SUBSYSTEM=thunderbolt" | b"SUBSYSTEM=net"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message of a dump.
    fn message(kind: u16, body: &[u8]) -> Vec<u8> {
        let mut bytes = ((HEADER_BYTES + body.len()) as u32).to_ne_bytes().to_vec();
        bytes.extend_from_slice(&kind.to_ne_bytes());
        bytes.resize(HEADER_BYTES, 0);
        bytes.extend_from_slice(body);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn address_message(family: u8, flags: u8, index: u32, attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut body = vec![family, 64, flags, 0];
        body.extend_from_slice(&index.to_ne_bytes());
        for (kind, value) in attributes {
            body.extend_from_slice(&(4 + value.len() as u16).to_ne_bytes());
            body.extend_from_slice(&kind.to_ne_bytes());
            body.extend_from_slice(value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        message(RTM_NEWADDR, &body)
    }

    /// A dump as Linux writes it: a link-local address of each family, one that is not checked yet, a link with two ends.
    fn dump() -> Vec<u8> {
        let v6 = "fe80::1ff:fe23:4567".parse::<Ipv6Addr>().expect("an address").octets();
        [
            address_message(
                2,
                0x80,
                7,
                &[(1, &[169, 254, 3, 4]), (2, &[169, 254, 3, 4]), (3, b"thunderbolt0\0")],
            ),
            address_message(10, 0x80, 7, &[(1, &v6), (8, &[0; 4])]),
            address_message(10, 0x40, 7, &[(1, &[0xfd; 16])]),
            address_message(2, 0x80, 9, &[(1, &[10, 0, 0, 2]), (2, &[10, 0, 0, 1])]),
            address_message(7, 0, 9, &[(1, &[1; 4])]),
        ]
        .concat()
    }

    #[test]
    fn a_dump_gives_the_usable_addresses() {
        let mut found = Vec::new();
        assert!(!parse_addresses(&dump(), &mut found).expect("legal"));
        let expected: Vec<(u32, IpAddr)> = [(7, "169.254.3.4"), (7, "fe80::1ff:fe23:4567"), (9, "10.0.0.1")]
            .map(|(index, address)| (index, address.parse().expect("an address")))
            .to_vec();
        assert_eq!(found, expected);
        assert!(parse_addresses(&message(NLMSG_DONE, &[0; 4]), &mut found).expect("the end"));
        assert!(parse_addresses(&message(NLMSG_ERROR, &[1; 4]), &mut found).is_err());
    }

    #[test]
    fn no_bytes_make_the_parser_fail_or_hang() {
        let good = dump();
        let mut random = 7_u32;
        for _ in 0..20_000 {
            let mut bytes = good.clone();
            for _ in 0..3 {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let place = (random >> 8) as usize % bytes.len();
                bytes[place] = random as u8;
            }
            bytes.truncate(bytes.len() - (random >> 28) as usize);
            let _ = parse_addresses(&bytes, &mut Vec::new());
        }
        assert!(parse_addresses(&[0; 64], &mut Vec::new()).is_ok_and(|last| !last));
    }

    #[test]
    fn the_kernel_answers() {
        let found = addresses().expect("netlink is there");
        assert!(found.iter().any(|(_, address)| address.is_loopback()), "{found:?}");
    }

    #[test]
    fn uevents_are_sorted_out() {
        let event =
            |subsystem: &str| format!("add@/devices/x\0ACTION=add\0SUBSYSTEM={subsystem}\0SEQNUM=1\0");
        assert!(is_about_a_cable(event("thunderbolt").as_bytes()));
        assert!(is_about_a_cable(event("net").as_bytes()));
        assert!(!is_about_a_cable(event("block").as_bytes()));
        assert!(!is_about_a_cable(event("network").as_bytes()));
    }
}
