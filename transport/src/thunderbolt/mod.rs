//! Thunderbolt and USB4 cables to another machine: which there are, over which network interface they carry IP, and who is at the
//! other end.
//!
//! A cable between two machines becomes a network interface: on Linux by the driver `thunderbolt-net`, on Windows by the USB4 P2P
//! network adapter. This module finds that interface and says in sentences what is missing ([`cables`], [`Advice`]), notices
//! when a cable comes or goes ([`watch`]), and finds the pvgpu at the other end by beacons that never leave the link
//! ([`beacon`]). The connection itself is TCP to the address that a beacon came from: [`Host`] listens on every cable, [`find`] gives a
//! guest the address.
//!
//! # Invariants
//! - Nothing here changes the configuration of the system: it is read, and what a person may want to change is said.
//! - Names that the other machine chose are shown as printable text of bounded length, whatever it sent.
//! - No lookup follows a loop, reads an unbounded file or waits.

pub mod adapters;
#[cfg(target_os = "linux")]
mod address;
mod advice;
pub mod beacon;
mod find;
#[cfg(target_os = "linux")]
mod host;
#[cfg(target_os = "linux")]
mod netlink;
mod sysfs;
mod watch;
#[cfg(windows)]
mod windows;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

pub use advice::Advice;
pub use find::{FIND_TIME, FindError, Heard, Who, find};
#[cfg(target_os = "linux")]
pub use host::{Callbacks, Host, Notice, TCP_PORT};
pub use sysfs::cables;
pub use watch::{Watch, watch};

/// The MTU that is worth having: a 64 KiB buffer of a mirror then goes in one packet instead of 44. `thunderbolt-net` takes no
/// more than 65,522.
pub const WANTED_MTU: u32 = 65_520;

/// What is plugged in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Controllers that the system knows (Linux: Thunderbolt domains). 0 also where the system does not say.
    pub controllers: usize,
    /// Cables to other machines, by name.
    pub cables: Vec<Cable>,
    /// Where the system says so by itself: whether it can have such cables at all.
    system: System,
}

/// Whose rules advice follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum System {
    #[default]
    Linux,
    Windows,
}

/// A cable to another machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cable {
    /// The system's name of the other end (Linux: the XDomain, like `0-1`; Windows: the adapter's description).
    pub name: String,
    /// Who the other machine says it is.
    pub peer: Peer,
    /// How fast the cable is, where the system says.
    pub speed: Option<Speed>,
    /// Whether the other machine offers IP over the cable.
    pub offers_network: bool,
    /// Whether the other machine offers raw streams (Linux 7.2 and newer).
    pub offers_stream: bool,
    /// The network interface of the cable.
    pub interface: Option<Interface>,
    /// The bond or bridge that the interface is a part of: addresses are there.
    pub master: Option<Interface>,
}

impl Cable {
    /// The interface that carries IP: the bond or bridge, if there is one.
    pub fn link(&self) -> Option<&Interface> {
        self.master.as_ref().or(self.interface.as_ref())
    }

    /// The interface, if a beacon can go over it now.
    pub fn ready(&self) -> Option<&Interface> {
        self.link().filter(|link| link.is_up && link.has_carrier && link.addresses.iter().any(is_link_local))
    }
}

/// Who the other machine says it is. Text is printable and at most 64 characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// Its vendor; Linux machines say `Linux` unless told otherwise.
    pub vendor: Option<String>,
    /// Its name.
    pub device: Option<String>,
    /// The UUID of its controller.
    pub unique_id: Option<String>,
}

/// What a cable carries, from the other machine to this one and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speed {
    /// Gb/s of each lane to this machine, and how many.
    pub receive: (u32, u32),
    /// Gb/s of each lane from this machine, and how many.
    pub transmit: (u32, u32),
}

/// A network interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// Its name, like `thunderbolt0`.
    pub name: String,
    /// Its index, which is the scope of link-local addresses; 0 when unknown.
    pub index: u32,
    /// Whether it was set up (Linux: not `operstate` down).
    pub is_up: bool,
    /// Whether there is somebody at the other end.
    pub has_carrier: bool,
    /// Bytes of the largest packet; 0 when unknown.
    pub mtu: u32,
    /// Its hardware address.
    pub mac: Option<[u8; 6]>,
    /// Its addresses that may be used now: IPv6 first, link-local before others.
    pub addresses: Vec<IpAddr>,
}

impl Interface {
    /// Its link-local IPv6 address.
    pub fn link_local_v6(&self) -> Option<Ipv6Addr> {
        self.addresses.iter().find_map(|address| match address {
            IpAddr::V6(address) if address.is_unicast_link_local() => Some(*address),
            _ => None,
        })
    }

    /// Its link-local IPv4 address.
    pub fn link_local_v4(&self) -> Option<Ipv4Addr> {
        self.addresses.iter().find_map(|address| match address {
            IpAddr::V4(address) if address.is_link_local() => Some(*address),
            _ => None,
        })
    }

    /// Where it can be listened at for the link alone, with the scope that IPv6 needs; those of beacons.
    pub fn link_local(&self, port: u16) -> Vec<SocketAddr> {
        let v6 = self.link_local_v6().filter(|_| self.index != 0);
        let v6 = v6.map(|address| SocketAddrV6::new(address, port, 0, self.index).into());
        let v4 = self.link_local_v4().map(|address| SocketAddrV4::new(address, port).into());
        v6.into_iter().chain(v4).collect()
    }
}

fn is_link_local(address: &IpAddr) -> bool {
    match address {
        IpAddr::V6(address) => address.is_unicast_link_local(),
        IpAddr::V4(address) => address.is_link_local(),
    }
}

/// Puts addresses in the order of [`Interface::addresses`].
fn sort_addresses(addresses: &mut Vec<IpAddr>) {
    addresses.sort_by_key(|address| (address.is_ipv4(), !is_link_local(address), *address));
    addresses.dedup();
}

/// What is plugged into this machine.
///
/// # Errors
/// What the system says when it cannot be asked at all; a machine without Thunderbolt is no error.
pub fn survey() -> std::io::Result<Survey> {
    #[cfg(windows)]
    let survey = adapters::choose(&adapters::of_system()?);
    #[cfg(not(windows))]
    let survey = cables(std::path::Path::new("/"))?;
    Ok(survey)
}

/// Text from elsewhere, fit to be shown: at most 64 characters, none that moves a cursor or is invisible.
fn printable(text: &str) -> String {
    let shown = |c: char| match c {
        // Directions and other invisible characters could make text read as something else.
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => '?',
        c if c.is_control() => '?',
        c => c,
    };
    text.trim().chars().take(64).map(shown).collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
