//! Which of Windows' network adapters are cables: the rules, without the system calls.
//!
//! Windows shows a cable to another machine as an adapter of its own, which its inbox USB4 driver or Intel's older Thunderbolt driver
//! makes. They are known by their descriptions only.

use std::net::IpAddr;

use super::{Cable, Interface, Survey, System, printable, sort_addresses};

/// A network adapter as Windows describes it (`IP_ADAPTER_ADDRESSES`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Adapter {
    /// What the person sees and may change, like `Ethernet 3`.
    pub friendly_name: String,
    /// What the driver says, like `USB4(TM) P2P Network Adapter #2`.
    pub description: String,
    /// Its index for IPv6, which is the scope of link-local addresses; 0 when it has no IPv6.
    pub index_v6: u32,
    /// Its index for IPv4; 0 when it has no IPv4.
    pub index_v4: u32,
    /// Whether it is up and has somebody at its other end (`IfOperStatusUp`).
    pub is_up: bool,
    /// Bytes of the largest packet.
    pub mtu: u32,
    /// Its hardware address.
    pub mac: Option<[u8; 6]>,
    /// Its unicast addresses that are preferred or deprecated.
    pub addresses: Vec<IpAddr>,
}

/// Whether a description is that of a cable's adapter: `USB4(TM) P2P Network Adapter`, `Thunderbolt(TM) Networking`, with or without
/// the marks and a number.
fn is_cable(description: &str) -> bool {
    let words: String = description.chars().filter(char::is_ascii_alphanumeric).collect();
    let words = words.to_ascii_lowercase();
    let is_usb4 = words.contains("usb4") && words.contains("p2p");
    let is_thunderbolt = words.contains("thunderbolt") && words.contains("networking");
    is_usb4 || is_thunderbolt
}

/// All adapters of this machine.
///
/// # Errors
/// What Windows said.
#[cfg(windows)]
pub fn of_system() -> std::io::Result<Vec<Adapter>> {
    super::windows::adapters()
}

/// The cables among all adapters.
pub fn choose(adapters: &[Adapter]) -> Survey {
    let cable = |adapter: &Adapter| {
        let mut addresses = adapter.addresses.clone();
        sort_addresses(&mut addresses);
        let index = if adapter.index_v6 != 0 { adapter.index_v6 } else { adapter.index_v4 };
        Cable {
            name: printable(&adapter.description),
            offers_network: true,
            interface: Some(Interface {
                name: printable(&adapter.friendly_name),
                index,
                is_up: adapter.is_up,
                has_carrier: adapter.is_up,
                mtu: adapter.mtu,
                mac: adapter.mac,
                addresses,
            }),
            ..Cable::default()
        }
    };
    let mut cables: Vec<_> =
        adapters.iter().filter(|adapter| is_cable(&adapter.description)).map(cable).collect();
    cables.sort_by(|a, b| a.name.cmp(&b.name));
    Survey { controllers: 0, cables, system: System::Windows }
}
