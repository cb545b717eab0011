//! What a person can do so that a cable carries pvgpu. Nothing of it is done here.

use std::fmt;

use super::{Cable, Interface, Survey, System, WANTED_MTU, is_link_local};

/// One thing to do, or to know. Its text is one sentence with the command.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Advice {
    /// Linux knows no Thunderbolt or USB4 controller.
    NoController,
    /// No other machine is connected.
    NoCable,
    /// The other machine offers no network.
    NoNetwork {
        /// Name of the cable.
        cable: String,
        /// Who is at its other end.
        peer: String,
    },
    /// The other machine offers a network, and the driver for it is not loaded here.
    NoDriver {
        /// Name of the cable.
        cable: String,
    },
    /// The interface is down.
    Down {
        /// Name of the interface.
        interface: String,
    },
    /// The interface is up, and the other machine's is not.
    NoCarrier {
        /// Name of the interface.
        interface: String,
    },
    /// The interface has no link-local address.
    NoAddress {
        /// Name of the interface.
        interface: String,
    },
    /// Packets are smaller than they could be. It works, slower.
    SmallMtu {
        /// Name of the interface.
        interface: String,
        /// Its MTU now.
        mtu: u32,
    },
    /// The interface is a part of a bond or bridge, which carries the addresses. It works.
    Enslaved {
        /// Name of the interface.
        interface: String,
        /// Name of the bond or bridge.
        master: String,
    },
    /// Windows shows no adapter of a cable.
    NoAdapter,
    /// Windows' adapter is switched off or has nobody at its other end.
    AdapterDown {
        /// Name of the adapter.
        interface: String,
    },
    /// Windows' adapter has no link-local address.
    AdapterNoAddress {
        /// Name of the adapter.
        interface: String,
    },
}

impl Advice {
    /// Whether the cable carries nothing before this is done.
    pub fn is_needed(&self) -> bool {
        !matches!(self, Self::SmallMtu { .. } | Self::Enslaved { .. })
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoController => f.write_str(
                "Linux knows no Thunderbolt or USB4 controller: switch it on in the firmware's setup, and load its driver with `modprobe thunderbolt`",
            ),
            Self::NoCable => f.write_str(
                "no other machine is at a Thunderbolt or USB4 port: connect both with a Thunderbolt 3, Thunderbolt 4 or USB4 cable (a cable for charging or USB 2 does not do)",
            ),
            Self::NoNetwork { cable, peer } => write!(
                f,
                "cable {cable} leads to {peer}, which offers no network: on Linux run `modprobe thunderbolt-net` there, on Windows look for its USB4 P2P network adapter"
            ),
            Self::NoDriver { cable } => write!(
                f,
                "cable {cable} has no network interface here: run `modprobe thunderbolt-net`, and write thunderbolt-net into a file in /etc/modules-load.d for good"
            ),
            Self::Down { interface } => write!(
                f,
                "{interface} is down: run `ip link set {interface} up`, or with NetworkManager `nmcli device connect {interface}`"
            ),
            Self::NoCarrier { interface } => write!(
                f,
                "{interface} is up and the other machine has not answered: bring the interface up there as well, or plug the cable in again"
            ),
            Self::NoAddress { interface } => write!(
                f,
                "{interface} has no link-local address: run `sysctl net.ipv6.conf.{interface}.disable_ipv6=0`, or with NetworkManager `nmcli device modify {interface} ipv6.method link-local`"
            ),
            Self::SmallMtu { interface, mtu } => write!(
                f,
                "{interface} has an MTU of {mtu}, and larger packets cost less: run `ip link set {interface} mtu {WANTED_MTU}` on both machines, or set {WANTED_MTU} in NetworkManager's profile (802-3-ethernet.mtu)"
            ),
            Self::Enslaved { interface, master } => {
                write!(f, "{interface} is a part of {master}, so that pvgpu uses the addresses of {master}")
            }
            Self::NoAdapter => f.write_str(
                "Windows shows no USB4 P2P or Thunderbolt network adapter: connect both machines with a Thunderbolt or USB4 cable, and look for the adapter in the Device Manager",
            ),
            Self::AdapterDown { interface } => write!(
                f,
                "the adapter {interface} is not connected: enable it in Windows' network connections, and bring up the other machine's end (on Linux `ip link set thunderbolt0 up`)"
            ),
            Self::AdapterNoAddress { interface } => write!(
                f,
                "the adapter {interface} has no link-local address: tick Internet Protocol Version 6 in its properties"
            ),
        }
    }
}

impl Survey {
    /// What to do, the first thing first; empty when everything is as it should be.
    pub fn advice(&self) -> Vec<Advice> {
        if !self.cables.is_empty() {
            return self.cables.iter().flat_map(|cable| cable.advice_of(self.system)).collect();
        }
        let missing = match (self.system, self.controllers) {
            (System::Windows, _) => Advice::NoAdapter,
            (System::Linux, 0) => Advice::NoController,
            (System::Linux, _) => Advice::NoCable,
        };
        vec![missing]
    }
}

impl Cable {
    fn advice_of(&self, system: System) -> Vec<Advice> {
        let Some(interface) = &self.interface else {
            let cable = self.name.clone();
            return vec![match self.offers_network {
                true => Advice::NoDriver { cable },
                false => Advice::NoNetwork { cable, peer: self.peer_name() },
            }];
        };
        let mut advice = Vec::new();
        if let Some(master) = &self.master {
            advice.push(Advice::Enslaved { interface: interface.name.clone(), master: master.name.clone() });
        }
        advice.extend(state_advice(interface, self.link().unwrap_or(interface), system));
        let link = self.link().unwrap_or(interface);
        if system == System::Linux && link.mtu != 0 && link.mtu < WANTED_MTU {
            advice.push(Advice::SmallMtu { interface: link.name.clone(), mtu: link.mtu });
        }
        advice
    }

    /// Who is at the other end, as the cable's driver says.
    pub fn peer_name(&self) -> String {
        match (&self.peer.vendor, &self.peer.device) {
            (Some(vendor), Some(device)) => format!("{vendor} {device}"),
            (Some(name), None) | (None, Some(name)) => name.clone(),
            (None, None) => "the machine at its other end".to_owned(),
        }
    }
}

/// What keeps an interface from carrying anything. `link` is where its addresses are.
fn state_advice(interface: &Interface, link: &Interface, system: System) -> Option<Advice> {
    let has_address = link.addresses.iter().any(is_link_local);
    let name = |interface: &Interface| interface.name.clone();
    match (system, interface.is_up && link.is_up, interface.has_carrier) {
        (System::Windows, true, true) if has_address => None,
        (System::Windows, true, true) => Some(Advice::AdapterNoAddress { interface: name(link) }),
        (System::Windows, ..) => Some(Advice::AdapterDown { interface: name(interface) }),
        (System::Linux, false, _) => {
            Some(Advice::Down { interface: name(if interface.is_up { link } else { interface }) })
        }
        (System::Linux, true, false) => Some(Advice::NoCarrier { interface: name(interface) }),
        (System::Linux, true, true) if has_address => None,
        (System::Linux, true, true) => Some(Advice::NoAddress { interface: name(link) }),
    }
}
