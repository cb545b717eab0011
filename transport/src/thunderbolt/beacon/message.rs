//! The beacon itself: one datagram of 116 bytes, little endian.
//!
//! | bytes | what |
//! |---|---|
//! | 0–7 | `pvgpu-bc` |
//! | 8 | version, 1 |
//! | 9 | role: 1 host, 2 guest |
//! | 10–11 | port of the TCP carrier; 0 from a guest, who has none |
//! | 12–43 | SHA-256 of `pvgpu fingerprint 1` and the sender's public key, the first half of which is the fingerprint that people compare; zeros from one who trusts the cable and has no key |
//! | 44–51 | a random number of this start of the sender, not 0 |
//! | 52 | bytes of the name, 1 to 63 |
//! | 53–115 | name, UTF-8 without control characters, then zeros |

use std::fmt;

/// Bytes of a beacon.
pub const BEACON_BYTES: usize = 116;
/// Bytes of the longest name.
pub const NAME_BYTES: usize = 63;
const MAGIC: [u8; 8] = *b"pvgpu-bc";
const VERSION: u8 = 1;

/// What a machine does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// It renders.
    Host,
    /// It runs the programs.
    Guest,
}

/// What a machine says of itself. Everything in it is public, and none of it is proved: that is the connection's business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beacon {
    /// What it does.
    pub role: Role,
    /// The TCP port that it listens at; 0 for a guest.
    pub port: u16,
    /// [`PublicKey::digest`](crate::secure::PublicKey::digest) of its key; zeros when it trusts the cable. Not interpreted here.
    pub digest: [u8; 32],
    /// A random number other than 0, of this start.
    pub nonce: u64,
    /// Its name, for people; see [`Beacon::name_of`].
    pub name: String,
}

/// Why a datagram is no beacon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeaconError {
    /// Another length than [`BEACON_BYTES`].
    Length(usize),
    /// It begins otherwise.
    Magic,
    /// Another version.
    Version(u8),
    /// An unknown role.
    Role(u8),
    /// A port that this role cannot have.
    Port(u16),
    /// A number of the start that is 0.
    Nonce,
    /// A name that is empty, too long, no UTF-8, not printable, or followed by anything but zeros.
    Name,
}

impl fmt::Display for BeaconError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(length) => write!(f, "a beacon has {BEACON_BYTES} bytes, not {length}"),
            Self::Magic => f.write_str("the datagram is no beacon of pvgpu"),
            Self::Version(version) => write!(
                f,
                "the beacon has version {version}, not {VERSION}; install the same pvgpu on both machines"
            ),
            Self::Role(role) => write!(f, "the beacon has the unknown role {role}"),
            Self::Port(port) => write!(f, "the beacon has port {port}, which its role cannot have"),
            Self::Nonce => f.write_str("the beacon has no number of its start"),
            Self::Name => f.write_str("the beacon has a name that cannot be shown"),
        }
    }
}

impl std::error::Error for BeaconError {}

impl Beacon {
    /// A name that a beacon may carry, made of any text: what cannot be shown becomes `?`, what is too long is cut.
    pub fn name_of(text: &str) -> String {
        let mut name: String = text.trim().chars().map(|c| if is_shown(c) { c } else { '?' }).collect();
        let end = (0..=NAME_BYTES.min(name.len())).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
        name.truncate(end);
        if name.is_empty() { "unnamed".to_owned() } else { name }
    }

    /// The datagram.
    ///
    /// # Errors
    /// The [`BeaconError`] that [`Beacon::decode`] would give: the same rules hold for both.
    pub fn encode(&self) -> Result<[u8; BEACON_BYTES], BeaconError> {
        let mut bytes = [0; BEACON_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8] = VERSION;
        bytes[9] = match self.role {
            Role::Host => 1,
            Role::Guest => 2,
        };
        bytes[10..12].copy_from_slice(&self.port.to_le_bytes());
        bytes[12..44].copy_from_slice(&self.digest);
        bytes[44..52].copy_from_slice(&self.nonce.to_le_bytes());
        bytes[52] = u8::try_from(self.name.len()).map_err(|_| BeaconError::Name)?;
        let place = bytes.get_mut(53..53 + self.name.len()).ok_or(BeaconError::Name)?;
        place.copy_from_slice(self.name.as_bytes());
        Self::decode(&bytes)?;
        Ok(bytes)
    }

    /// Reads a datagram, which anybody may have sent.
    ///
    /// # Errors
    /// [`BeaconError`] names the first field that is wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, BeaconError> {
        let bytes: &[u8; BEACON_BYTES] = bytes.try_into().map_err(|_| BeaconError::Length(bytes.len()))?;
        let (magic, rest) = bytes.split_at(8);
        let [version, role, port_0, port_1, rest @ ..] = rest else { return Err(BeaconError::Magic) };
        let wrong = BeaconError::Length(bytes.len());
        let (digest, rest) = rest.split_first_chunk::<32>().ok_or(wrong)?;
        let (nonce, rest) = rest.split_first_chunk::<8>().ok_or(wrong)?;
        let (length, name) = rest.split_first().ok_or(wrong)?;
        if magic != MAGIC {
            return Err(BeaconError::Magic);
        }
        if *version != VERSION {
            return Err(BeaconError::Version(*version));
        }
        let role = match role {
            1 => Role::Host,
            2 => Role::Guest,
            role => return Err(BeaconError::Role(*role)),
        };
        let port = u16::from_le_bytes([*port_0, *port_1]);
        if (port != 0) != (role == Role::Host) {
            return Err(BeaconError::Port(port));
        }
        let nonce = u64::from_le_bytes(*nonce);
        if nonce == 0 {
            return Err(BeaconError::Nonce);
        }
        let (name, padding) = name.split_at_checked(usize::from(*length)).ok_or(BeaconError::Name)?;
        let name = std::str::from_utf8(name).map_err(|_| BeaconError::Name)?;
        if name.is_empty() || !name.chars().all(is_shown) || padding.iter().any(|byte| *byte != 0) {
            return Err(BeaconError::Name);
        }
        Ok(Self { role, port, digest: *digest, nonce, name: name.to_owned() })
    }
}

/// Whether a character may stand in a name.
fn is_shown(c: char) -> bool {
    let mut bytes = [0; 4];
    let text: &str = c.encode_utf8(&mut bytes);
    c == ' ' || super::super::printable(text) == text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn beacon() -> Beacon {
        Beacon { role: Role::Host, port: 7777, digest: [9; 32], nonce: 1, name: "büro-rechner 1".to_owned() }
    }

    #[test]
    fn a_beacon_comes_back() {
        for name in ["x", "büro-rechner 1", &"n".repeat(63)] {
            let beacon = Beacon { name: name.to_owned(), ..beacon() };
            assert_eq!(Beacon::decode(&beacon.encode().expect("legal")), Ok(beacon));
        }
        let guest = Beacon { role: Role::Guest, port: 0, ..beacon() };
        assert_eq!(Beacon::decode(&guest.encode().expect("legal")), Ok(guest));
    }

    /// The bytes are the same on every machine, so that versions meet.
    #[test]
    fn the_bytes_are_what_the_table_says() {
        let bytes = beacon().encode().expect("legal");
        assert_eq!(&bytes[..14], b"pvgpu-bc\x01\x01\x61\x1e\x09\x09");
        assert_eq!(&bytes[43..54], &[9, 1, 0, 0, 0, 0, 0, 0, 0, 15, b'b']);
        assert_eq!(&bytes[68..], &[0; 48]);
    }

    #[test]
    fn each_wrong_field_is_named() {
        let good = beacon().encode().expect("legal");
        let with = |place: usize, value: u8| {
            let mut bytes = good;
            bytes[place] = value;
            Beacon::decode(&bytes).expect_err("a wrong field")
        };
        assert_eq!(with(0, 0), BeaconError::Magic);
        assert_eq!(with(8, 2), BeaconError::Version(2));
        assert_eq!(with(9, 0), BeaconError::Role(0));
        assert_eq!(with(9, 2), BeaconError::Port(7777));
        assert_eq!(with(44, 0), BeaconError::Nonce);
        for (place, value) in [(52, 0), (52, 64), (52, 14), (53, 0x1b), (53, 0x80), (115, 1)] {
            assert_eq!(with(place, value), BeaconError::Name, "{place} {value}");
        }
        assert_eq!(Beacon::decode(&good[1..]), Err(BeaconError::Length(115)));
        assert_eq!(Beacon::decode(&[&good[..], &[0]].concat()), Err(BeaconError::Length(117)));
        assert_eq!(Beacon { port: 0, ..beacon() }.encode(), Err(BeaconError::Port(0)));
        assert_eq!(Beacon { name: "n".repeat(64), ..beacon() }.encode(), Err(BeaconError::Name));
        assert_eq!(Beacon { name: "\u{202e}txt".to_owned(), ..beacon() }.encode(), Err(BeaconError::Name));
    }

    #[test]
    fn any_text_makes_a_name() {
        assert_eq!(Beacon::name_of("  box\n"), "box");
        assert_eq!(Beacon::name_of("a\x1b[2Jb"), "a?[2Jb");
        assert_eq!(Beacon::name_of(""), "unnamed");
        assert_eq!(Beacon::name_of(&"ü".repeat(40)), "ü".repeat(31));
    }

    proptest! {
        #[test]
        fn any_name_of_can_be_sent(text in any::<String>()) {
            let beacon = Beacon { name: Beacon::name_of(&text), ..beacon() };
            prop_assert_eq!(Beacon::decode(&beacon.encode().expect("legal")), Ok(beacon));
        }

        /// What is accepted is exactly what somebody could have sent.
        #[test]
        fn a_mutated_beacon_is_an_error_or_another_beacon(
            changes in prop::collection::vec((0_usize..BEACON_BYTES, any::<u8>()), 0..5),
            length in 0_usize..BEACON_BYTES,
        ) {
            let mut bytes = beacon().encode().expect("legal").to_vec();
            for (place, value) in changes {
                bytes[place] = value;
            }
            prop_assert_eq!(Beacon::decode(&bytes[..length]), Err(BeaconError::Length(length)));
            if let Ok(beacon) = Beacon::decode(&bytes) {
                prop_assert_eq!(beacon.encode().expect("legal").to_vec(), bytes);
            }
        }
    }
}
