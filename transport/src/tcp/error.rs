//! Why there is no connection.

use std::fmt;
use std::io;

use crate::secure::SecureError;

/// Why a peer cannot be reached, or an address not be served.
#[derive(Debug)]
pub enum TcpError {
    /// It is no `HOST:PORT`.
    Address {
        /// What was given.
        address: String,
        /// What is wrong with it.
        wrong: &'static str,
    },
    /// The name leads nowhere.
    Unknown {
        /// What was given.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The machine is there, and nobody listens.
    Refused {
        /// Where.
        address: String,
    },
    /// Nobody answers.
    TimedOut {
        /// Where.
        address: String,
    },
    /// The system cannot connect.
    Connect {
        /// Where.
        address: String,
        /// What it said.
        source: io::Error,
    },
    /// The system cannot listen.
    Listen {
        /// Where.
        address: String,
        /// What it said.
        source: io::Error,
    },
    /// The handshake has failed.
    Handshake {
        /// With whom.
        address: String,
        /// Why.
        source: SecureError,
    },
    /// The listener was closed.
    Closed,
}

impl fmt::Display for TcpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address { address, wrong } => {
                write!(
                    f,
                    "{address:?} is no address: {wrong}; use HOST:PORT, A.B.C.D:PORT or [IPV6%SCOPE]:PORT"
                )
            }
            Self::Unknown { address, source } => {
                write!(f, "no machine is found for {address} ({source}); check the name")
            }
            Self::Refused { address } => write!(
                f,
                "nobody listens at {address}; start the host with `pvgpud --link tcp://{address}`, or check the port"
            ),
            Self::TimedOut { address } => {
                write!(f, "{address} does not answer; check the address, the cable and the firewall")
            }
            Self::Connect { address, source } => {
                write!(f, "{address} cannot be reached ({source}); check the address and the cable")
            }
            Self::Listen { address, source } => {
                write!(
                    f,
                    "{address} cannot be listened on ({source}); choose an address of this machine and a free port"
                )
            }
            Self::Handshake { address, source } => write!(f, "no link with {address}: {source}"),
            Self::Closed => f.write_str("the listener is closed; bind a new one"),
        }
    }
}

impl std::error::Error for TcpError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unknown { source, .. } | Self::Connect { source, .. } | Self::Listen { source, .. } => {
                Some(source)
            }
            Self::Handshake { source, .. } => Some(source),
            Self::Address { .. } | Self::Refused { .. } | Self::TimedOut { .. } | Self::Closed => None,
        }
    }
}
