//! How many connections an address may make.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Instant;

use super::address::plain;

/// Connections that an address may make at once: sixteen programs that start together.
pub(super) const BURST: u32 = 32;
/// And so many a second after that.
const EACH_SECOND: u32 = 8;
/// Addresses that are kept count of; the one that was quiet for longest is forgotten first.
const MAX_ADDRESSES: usize = 1024;

/// Who is counted as one: an IPv4 address, or the network of an IPv6 address, of which one machine has as many as it likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Origin(u128);

impl Origin {
    pub(super) fn of(address: IpAddr) -> Self {
        match plain(address) {
            IpAddr::V4(address) => Self(u128::from(address.to_bits())),
            IpAddr::V6(address) if address.is_unicast_link_local() => Self(address.to_bits()),
            IpAddr::V6(address) => Self(address.to_bits() >> 64 << 64 | u128::from(u32::MAX) << 32),
        }
    }
}

#[derive(Debug)]
struct Account {
    /// Thousandths of a connection.
    left: u64,
    last: Instant,
}

/// The accounts of all addresses.
#[derive(Debug, Default)]
pub(super) struct Budget(BTreeMap<Origin, Account>);

impl Budget {
    /// Counts a connection; false when the address has had its share.
    pub(super) fn take(&mut self, origin: Origin, now: Instant) -> bool {
        const FULL: u64 = BURST as u64 * 1000;
        if self.0.len() >= MAX_ADDRESSES && !self.0.contains_key(&origin) {
            let quiet = self.0.iter().min_by_key(|(_, account)| account.last).map(|(origin, _)| *origin);
            quiet.and_then(|quiet| self.0.remove(&quiet));
        }
        let account = self.0.entry(origin).or_insert(Account { left: FULL, last: now });
        let elapsed = now.saturating_duration_since(account.last).as_millis();
        let earned = u64::try_from(elapsed).unwrap_or(u64::MAX).saturating_mul(u64::from(EACH_SECOND));
        account.left = account.left.saturating_add(earned).min(FULL);
        account.last = now;
        match account.left.checked_sub(1000) {
            Some(left) => {
                account.left = left;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_address_has_a_burst_and_then_a_rate() {
        let (mut budget, start) = (Budget::default(), Instant::now());
        let origin = |text: &str| Origin::of(text.parse().expect("an address"));
        let (one, other) = (origin("10.0.0.1"), origin("10.0.0.2"));
        let taken = |budget: &mut Budget, origin, now| (0..1000).filter(|_| budget.take(origin, now)).count();
        assert_eq!(taken(&mut budget, one, start), 32);
        assert_eq!(taken(&mut budget, other, start), 32);
        assert_eq!(taken(&mut budget, one, start + Duration::from_millis(500)), 4);
        assert_eq!(taken(&mut budget, one, start + Duration::from_secs(3600)), 32);
        assert_eq!(origin("::ffff:10.0.0.1"), one);
        assert_eq!(origin("2001:db8::1"), origin("2001:db8::2"));
        assert_ne!(origin("2001:db8::1"), origin("2001:db8:0:1::1"));
        assert_ne!(origin("fe80::1"), origin("fe80::2"));
    }

    #[test]
    fn however_many_addresses_there_are_the_accounts_are_bounded() {
        let (mut budget, start) = (Budget::default(), Instant::now());
        for number in 0..5000 {
            let now = start + Duration::from_millis(number);
            assert!(budget.take(Origin(u128::from(number)), now));
        }
        assert_eq!(budget.0.len(), MAX_ADDRESSES);
        assert!(budget.0.contains_key(&Origin(4999)) && !budget.0.contains_key(&Origin(0)));
    }
}
