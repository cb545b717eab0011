//! Which addresses an interface has.

use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;

use super::netlink::{self, UNUSABLE};
use super::{sort_addresses, sysfs};

/// The largest table that is read.
const TABLE_BYTES: u64 = 1 << 20;

/// The usable addresses of the interface `index`. The kernel is asked for this machine's own; for another `root`, and where netlink is
/// not to be had, `proc/net/if_inet6` is read, which has IPv6 only.
pub(super) fn of(root: &Path, index: u32) -> Vec<IpAddr> {
    let asked = if root == Path::new("/") { netlink::addresses().ok() } else { None };
    let all = asked.unwrap_or_else(|| {
        let table = sysfs::bounded(&root.join("proc/net/if_inet6"), TABLE_BYTES);
        table.as_deref().map(parse).unwrap_or_default()
    });
    let mut addresses: Vec<_> =
        all.into_iter().filter(|(of, _)| *of == index).map(|(_, address)| address).collect();
    sort_addresses(&mut addresses);
    addresses
}

/// The lines of `/proc/net/if_inet6`: address, index, length of the prefix, scope, flags, all in hexadecimal, and a name.
fn parse(table: &str) -> Vec<(u32, IpAddr)> {
    let line = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let address = u128::from_str_radix(words.next().filter(|word| word.len() == 32)?, 16).ok()?;
        let mut number = || u32::from_str_radix(words.next()?, 16).ok();
        let (index, _, _, flags) = (number()?, number()?, number()?, number()?);
        (flags & UNUSABLE == 0).then(|| (index, IpAddr::V6(Ipv6Addr::from_bits(address))))
    };
    table.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_ipv6_addresses_is_read() {
        let table = "00000000000000000000000000000001 01 80 10 80       lo\n\
                     fe8000000000000000a1b2fffec3d4e5 07 40 20 80 thunderbolt0\n\
                     fe80000000000000dead000000000001 07 40 20 c0 thunderbolt0\n\
                     short 07 40 20 80 thunderbolt0\n\
                     fe8000000000000000a1b2fffec3d4e5 zz 40 20 80 x\n";
        let found = parse(table);
        let expected = [(1, "::1"), (7, "fe80::a1:b2ff:fec3:d4e5")];
        assert_eq!(found, expected.map(|(index, address)| (index, address.parse().expect("an address"))));
    }
}
