//! Pairing this machine with a host, with the keys of the link service.

use std::fmt;
use std::path::Path;

use pvgpu_transport::secure::pairing::Code;
use pvgpu_transport::secure::{Identity, Peer, Peers, SecureError};
use pvgpu_transport::tcp::{self, Options, TcpError};
use pvgpu_transport::{Link, LinkError};

/// Why the machines are not paired.
#[derive(Debug)]
pub enum PairError {
    /// What was given is no link.
    Link(LinkError),
    /// The link is none to pair over.
    NotTcp {
        /// The link.
        link: String,
    },
    /// What was given is no code, or this machine has no key.
    Secure(SecureError),
    /// The host does not pair.
    Tcp(TcpError),
}

impl fmt::Display for PairError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(error) => error.fmt(f),
            Self::NotTcp { link } => write!(f, "{link} is no link to pair over; use tcp://HOST:PORT"),
            Self::Secure(error) => error.fmt(f),
            Self::Tcp(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for PairError {}

/// Pairs with the host that shows the code; `folder` holds the keys.
///
/// # Errors
/// [`PairError`] is a sentence.
pub fn pair(folder: &Path, link: &str, code: &str) -> Result<Peer, PairError> {
    let code: Code = code.parse().map_err(PairError::Secure)?;
    let Link::Tcp(address) = link.parse().map_err(PairError::Link)? else {
        return Err(PairError::NotTcp { link: link.to_owned() });
    };
    let identity = Identity::load_or_make(folder).map_err(PairError::Secure)?;
    let peers = Peers::in_folder(folder);
    tcp::pair(&address, &identity, &peers, &code, &Options::default()).map_err(PairError::Tcp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_paired_says_why() {
        let folder = tempfile::tempdir().expect("a folder");
        let says = |link: &str, code: &str, text: &str| {
            let error = pair(folder.path(), link, code).expect_err(text).to_string();
            assert!(error.contains(text), "{error}");
        };
        says("tcp://box:1", "K4WX", "8 letters and digits");
        says("shm:default", "K4WX-7QPA", "no link to pair over");
        says("nonsense", "K4WX-7QPA", "is no link");
        let free =
            std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound");
        says(&format!("tcp://{free}"), "K4WX-7QPA", "start the host with");
    }
}
