//! Why a channel is not opened.

use std::fmt;
use std::io;

use super::{Fingerprint, KeysError, PeersError};

/// What was being done, for a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Sending.
    Send,
    /// Receiving.
    Receive,
}

/// Why a handshake has failed.
#[derive(Debug)]
pub enum SecureError {
    /// The channel broke.
    Io {
        /// In the middle of what.
        action: Action,
        /// What the system said.
        source: io::Error,
    },
    /// The peer was too slow.
    TimedOut,
    /// The peer closed the channel before the handshake was over.
    Closed,
    /// What came is no handshake of pvgpu.
    NotPvgpu,
    /// The peer speaks another version of the handshake.
    Version {
        /// The peer's.
        theirs: u8,
    },
    /// The peer's message is none that this version knows.
    Malformed,
    /// A message does not authenticate: it was altered, or belongs to another handshake.
    Forged,
    /// On the guest: the host wants encryption and we want none.
    HostEncrypts,
    /// On the guest: the host serves without encryption and we want it.
    HostIsPlain,
    /// On the host: the guest came without encryption.
    GuestIsPlain,
    /// On the host: the guest came with encryption, and this link has none.
    GuestEncrypts,
    /// No encryption was asked for between addresses that are not of one cable.
    NotOneCable,
    /// On the guest: no paired host has this key.
    HostNotPaired {
        /// The key that the host has shown.
        found: Fingerprint,
    },
    /// On the guest: the host that was paired at this address has another key now.
    WrongKey {
        /// The name of the host that was paired.
        name: String,
        /// The key that was pinned then.
        expected: Fingerprint,
        /// The key that the host has shown.
        found: Fingerprint,
    },
    /// On the host: no paired guest has this key.
    GuestNotPaired {
        /// The guest's.
        found: Fingerprint,
    },
    /// On the guest: the host does not know this machine.
    ForgottenByHost,
    /// The host has as many guests or handshakes as it takes.
    Busy,
    /// The two channels of a session do not belong together.
    Unbound,
    /// The host waits for no pairing.
    NoPairing,
    /// The code is not the one that the host shows.
    WrongCode {
        /// How often it may be tried again.
        tries_left: u8,
    },
    /// What was entered is no code.
    NoCode,
    /// The pairing cannot be kept.
    Peers(PeersError),
    /// This machine's key cannot be had.
    Keys(KeysError),
    /// The system gives no random bytes.
    Random,
}

impl fmt::Display for SecureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const PAIR: &str =
            "run `pvgpu-ctl pair` on the host, then `pvgpu-ctl pair LINK CODE` here, as it is shown there";
        match self {
            Self::Io { action: Action::Send, source } => {
                write!(f, "the handshake could not be sent ({source}); connect again")
            }
            Self::Io { action: Action::Receive, source } => {
                write!(f, "the handshake could not be received ({source}); connect again")
            }
            Self::TimedOut => f.write_str("the peer does not go on with the handshake; connect again"),
            Self::Closed => f.write_str(
                "the peer closed the connection during the handshake; connect again, or see what its log says",
            ),
            Self::NotPvgpu => f.write_str("what answers is no pvgpu; check host and port of the link"),
            Self::Version { theirs } => write!(
                f,
                "the peer speaks version {theirs} of the link's handshake and this program version {}; install the same release of pvgpu on both machines",
                super::handshake::VERSION
            ),
            Self::Malformed => f.write_str(
                "the peer sent a message that this version does not know; install the same release of pvgpu on both machines",
            ),
            Self::Forged => f.write_str(
                "a message of the handshake does not authenticate; somebody alters what is sent, or a machine has a fault",
            ),
            Self::HostEncrypts => f.write_str(
                "the host serves this link with encryption; leave --trust-link out here and pair, or give it to pvgpud as well",
            ),
            Self::HostIsPlain => f.write_str(
                "the host serves this link without encryption; give --trust-link here as well, or leave it out on the host",
            ),
            Self::GuestIsPlain => f.write_str(
                "a guest came without encryption; leave --trust-link out on the guest, or give it to pvgpud as well",
            ),
            Self::GuestEncrypts => f.write_str(
                "a guest came with encryption and this link has none; give --trust-link on the guest as well, or leave it out here",
            ),
            Self::NotOneCable => f.write_str(
                "--trust-link is for addresses of one cable or one machine (169.254.0.0/16, fe80::/10, loopback); leave it out and pair",
            ),
            Self::HostNotPaired { found } => {
                write!(f, "the host (its key is {found}) is not paired with this machine; {PAIR}")
            }
            Self::WrongKey { name, expected, found } => write!(
                f,
                "the host has the key {found} where {name} with the key {expected} was expected; if {name} has a new key, run `pvgpu-ctl peers forget {name}` and pair again, else somebody else answers in its place"
            ),
            Self::GuestNotPaired { found } => write!(
                f,
                "a guest with the key {found} is not paired with this host; run `pvgpu-ctl pair` to let one in"
            ),
            Self::ForgottenByHost => write!(f, "the host does not know this machine; {PAIR}"),
            Self::Busy => f.write_str("the host has as many guests as it takes; end one and connect again"),
            Self::Unbound => f.write_str(
                "the two connections of the session do not belong together; somebody alters what is sent, so connect again over another way",
            ),
            Self::NoPairing => f.write_str(
                "the host waits for no pairing, or its code was used or has expired; run `pvgpu-ctl pair` there for a new code",
            ),
            Self::WrongCode { tries_left: 0 } => {
                f.write_str("the code is wrong and was tried too often; run `pvgpu-ctl pair` on the host for a new one")
            }
            Self::WrongCode { tries_left } => {
                write!(f, "the code is wrong; look at the host's screen and enter it again ({tries_left} left)")
            }
            Self::NoCode => f.write_str(
                "a pairing code has 8 letters and digits such as K4WX-7QPA; enter the one that the host shows",
            ),
            Self::Peers(error) => error.fmt(f),
            Self::Keys(error) => error.fmt(f),
            Self::Random => f.write_str("the system gives no random bytes; start it anew"),
        }
    }
}

impl std::error::Error for SecureError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Peers(source) => Some(source),
            Self::Keys(source) => Some(source),
            _ => None,
        }
    }
}

impl SecureError {
    /// From what the system said of a socket.
    pub(crate) fn system(source: io::Error) -> Self {
        Self::Io { action: Action::Receive, source }
    }

    /// From what a channel said.
    pub(super) fn of(action: Action) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Self::TimedOut,
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof => Self::Closed,
            _ => Self::Io { action, source },
        }
    }
}
