//! Who was heard on a link, without the sockets: who is new, who is still there, and how much of it is listened to.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::time::Duration;

use super::message::{Beacon, Role};
use crate::link::Link;

/// Peers that are remembered. A cable has one, a bond or bridge of cables a few.
pub const MOST_PEERS: usize = 16;
/// A peer that was not heard for so long is forgotten: ten beacons.
pub const FORGET_AFTER: Duration = Duration::from_secs(5);
/// Datagrams that are looked at each second, and at once: 16 peers send 32 a second.
const RATE: u32 = 64;

/// A machine on the link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The interface that it was heard on.
    pub interface: String,
    /// Where its TCP carrier listens, with the scope that a link-local address needs; of a guest, its address and port 0.
    pub address: SocketAddr,
    /// What it does.
    pub role: Role,
    /// Its name.
    pub name: String,
    /// Which key it says that it has; zeros when it trusts the cable. Whoever answers at the address has yet to prove it.
    pub digest: [u8; 32],
    /// The number of its start: another one means that it began anew.
    pub nonce: u64,
}

impl Found {
    /// The link to its TCP carrier; none to a guest.
    pub fn link(&self) -> Option<Link> {
        (self.role == Role::Host).then(|| Link::Tcp(self.address.to_string()))
    }
}

/// The peers of one interface.
#[derive(Debug)]
pub(super) struct Peers {
    interface: String,
    /// The interface's index.
    scope: u32,
    /// The number of this machine's own start: its beacons come back.
    own_nonce: u64,
    /// By address: what was said, and when it was heard last.
    known: BTreeMap<IpAddr, (Beacon, Duration)>,
    /// Datagrams that may be looked at now, and since when that counts.
    budget: u32,
    budget_since: Duration,
}

impl Peers {
    pub(super) fn new(interface: &str, scope: u32, own_nonce: u64) -> Self {
        Self {
            interface: interface.to_owned(),
            scope,
            own_nonce,
            known: BTreeMap::new(),
            budget: RATE,
            budget_since: Duration::ZERO,
        }
    }

    /// Takes a datagram that came at `now`, a time since any start, and gives a peer that is new or says something new.
    pub(super) fn observe(&mut self, now: Duration, source: SocketAddr, bytes: &[u8]) -> Option<Found> {
        if !self.spend(now) || !self.is_on_link(source) {
            return None;
        }
        let beacon = Beacon::decode(bytes).ok().filter(|beacon| beacon.nonce != self.own_nonce)?;
        self.known.retain(|_, (_, heard)| now.saturating_sub(*heard) < FORGET_AFTER);
        let address = source.ip();
        if !self.known.contains_key(&address) && self.known.len() >= MOST_PEERS {
            return None;
        }
        let before = self.known.insert(address, (beacon.clone(), now));
        if before.is_some_and(|(before, _)| before == beacon) {
            return None;
        }
        let address = match address {
            IpAddr::V4(address) => SocketAddrV4::new(address, beacon.port).into(),
            IpAddr::V6(address) => SocketAddrV6::new(address, beacon.port, 0, self.scope).into(),
        };
        let Beacon { role, digest, nonce, name, .. } = beacon;
        Some(Found { interface: self.interface.clone(), address, role, name, digest, nonce })
    }

    /// Whether another datagram may be looked at.
    fn spend(&mut self, now: Duration) -> bool {
        let earned = now.saturating_sub(self.budget_since).as_millis() * u128::from(RATE) / 1000;
        if earned > 0 {
            self.budget_since = now;
            self.budget =
                u32::try_from(earned).map_or(RATE, |earned| self.budget.saturating_add(earned).min(RATE));
        }
        self.budget = match self.budget.checked_sub(1) {
            Some(left) => left,
            None => return false,
        };
        true
    }

    /// Whether a source is on this very link: no router passes on link-local addresses, and the scope is the interface's.
    fn is_on_link(&self, source: SocketAddr) -> bool {
        match source {
            SocketAddr::V6(source) => source.ip().is_unicast_link_local() && source.scope_id() == self.scope,
            SocketAddr::V4(source) => source.ip().is_link_local(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(100);

    fn beacon(name: &str) -> Beacon {
        Beacon { role: Role::Host, port: 7777, digest: [1; 32], nonce: 5, name: name.to_owned() }
    }

    fn bytes(name: &str) -> Vec<u8> {
        beacon(name).encode().expect("legal").to_vec()
    }

    fn peers() -> Peers {
        Peers::new("thunderbolt0", 7, 99)
    }

    fn source(last: u16) -> SocketAddr {
        SocketAddrV6::new([0xfe80, 0, 0, 0, 0, 0, 0, last].into(), 40000, 0, 7).into()
    }

    #[test]
    fn a_peer_is_found_once_and_again_when_it_says_something_new() {
        let mut peers = peers();
        let found = peers.observe(NOW, source(1), &bytes("box")).expect("new");
        assert_eq!(found.address.to_string(), "[fe80::1%7]:7777");
        let link = found.link().expect("a host");
        assert_eq!(link.to_string().parse::<Link>().ok(), Some(link));
        assert_eq!((found.interface.as_str(), found.name.as_str(), found.nonce), ("thunderbolt0", "box", 5));
        assert_eq!(peers.observe(NOW, source(1), &bytes("box")), None);
        assert!(peers.observe(NOW, source(1), &bytes("other")).is_some());
        let restarted = Beacon { nonce: 6, ..beacon("other") }.encode().expect("legal");
        assert!(peers.observe(NOW, source(1), &restarted).is_some());
        assert!(peers.observe(NOW, "169.254.3.4:9".parse().expect("an address"), &bytes("v4")).is_some());
        let later = NOW + FORGET_AFTER;
        assert!(peers.observe(later, source(1), &restarted).is_some(), "it was forgotten");
    }

    #[test]
    fn what_is_not_from_this_link_or_from_oneself_is_dropped() {
        let mut peers = peers();
        let other_scope = SocketAddrV6::new([0xfe80, 0, 0, 0, 0, 0, 0, 1].into(), 1, 0, 8);
        assert_eq!(peers.observe(NOW, other_scope.into(), &bytes("x")), None);
        for outside in [
            "[2001:db8::1]:1",
            "10.0.0.1:1",
            "127.0.0.1:1",
            "[::1]:1",
            "[fd00::1]:1",
            "[::ffff:169.254.0.1]:1",
        ] {
            assert_eq!(
                peers.observe(NOW, outside.parse().expect("an address"), &bytes("x")),
                None,
                "{outside}"
            );
        }
        let own = Beacon { nonce: 99, ..beacon("me") }.encode().expect("legal");
        assert_eq!(peers.observe(NOW, source(1), &own), None);
        assert_eq!(peers.observe(NOW, source(1), b"pvgpu-bc"), None);
        assert!(peers.known.is_empty());
    }

    #[test]
    fn a_flood_of_peers_displaces_nobody_and_is_forgotten() {
        let mut peers = peers();
        assert!(peers.observe(NOW, source(1), &bytes("first")).is_some());
        for second in 0..10 {
            let now = NOW + Duration::from_secs(second);
            peers.observe(now, source(1), &bytes("first"));
            for last in 0..5000 {
                peers.observe(now, source(100 + last), &bytes("flood"));
                assert!(peers.known.len() <= MOST_PEERS);
            }
            assert!(peers.known.contains_key(&source(1).ip()));
        }
        let later = NOW + Duration::from_secs(40);
        assert!(peers.observe(later, source(2), &bytes("late")).is_some());
        assert_eq!(peers.known.len(), 1);
    }

    #[test]
    fn only_so_many_datagrams_are_looked_at() {
        let mut peers = peers();
        let looked_at = |peers: &mut Peers, now| (0..1000).filter(|_| peers.spend(now)).count();
        assert_eq!(looked_at(&mut peers, NOW), 64);
        assert_eq!(looked_at(&mut peers, NOW), 0);
        assert_eq!(looked_at(&mut peers, NOW + Duration::from_millis(500)), 32);
        assert_eq!(looked_at(&mut peers, NOW + Duration::from_secs(3600)), 64);
        assert_eq!(looked_at(&mut peers, Duration::ZERO), 0, "a clock that goes back earns nothing");
    }
}
