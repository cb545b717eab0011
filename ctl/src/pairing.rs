//! The machines that this one is paired with: being paired by a host's code, the list, and forgetting.

use std::path::Path;

use pvgpu_transport::secure::pairing::Code;
use pvgpu_transport::secure::{Identity, Peer, Peers, SecureError, keys_folder};
use pvgpu_transport::tcp::{self, Options};
use pvgpu_transport::thunderbolt::{self, FIND_TIME, Who};
use pvgpu_transport::{Link, tbstream};

use crate::error::Error;
use crate::output::{print, print_json};

/// `pair LINK CODE`: pairs with the host that shows the code.
///
/// # Errors
/// [`Error`], as for all commands.
pub fn pair(link: &str, code: &str) -> Result<(), Error> {
    let folder = keys_folder().map_err(|error| Error::Secure(SecureError::Keys(error)))?;
    let host = pair_in(&folder, link, code)?;
    print(&format!("paired with {} ({})", host.name, host.key.fingerprint()))
}

fn pair_in(folder: &Path, link: &str, code: &str) -> Result<Peer, Error> {
    let code: Code = code.parse().map_err(Error::Secure)?;
    let identity = || Identity::load_or_make(folder).map_err(Error::Secure);
    let (peers, options) = (Peers::in_folder(folder), Options::default());
    let pair = |address: &str| tcp::pair(address, &identity()?, &peers, &code, &options).map_err(Error::Tcp);
    match link.parse().map_err(Error::Link)? {
        Link::Tcp(address) => pair(&address),
        Link::Thunderbolt => {
            let found = thunderbolt::find(Path::new("/"), Who::Any, FIND_TIME).map_err(Error::Cable)?;
            // At a cable a host may have another address each time.
            let host = Peer { address: None, ..pair(&found.to_string())? };
            peers.add(host).map_err(|error| Error::Secure(SecureError::Peers(error)))
        }
        Link::Tbstream(device) => {
            tbstream::pair(&device, &identity()?, &peers, &code, &options).map_err(Error::Stream)
        }
        Link::Shm(_) | Link::Ivshmem(_) => Err(Error::NotBetweenMachines { link: link.to_owned() }),
    }
}

fn peers() -> Result<Peers, Error> {
    let folder = keys_folder().map_err(|error| Error::Secure(SecureError::Keys(error)))?;
    Ok(Peers::in_folder(&folder))
}

fn listed() -> Result<Vec<Peer>, Error> {
    peers()?.list().map_err(|error| Error::Secure(SecureError::Peers(error)))
}

/// `peers`: the paired machines.
///
/// # Errors
/// [`Error`], as for all commands.
pub fn show(json: bool) -> Result<(), Error> {
    let peers = listed()?;
    if json {
        let entry = |peer: &Peer| {
            serde_json::json!({
                "name": peer.name,
                "role": peer.role,
                "fingerprint": peer.key.fingerprint().to_string(),
                "address": peer.address,
            })
        };
        return print_json(&peers.iter().map(entry).collect::<Vec<_>>());
    }
    print(&page(&peers))
}

fn page(peers: &[Peer]) -> String {
    if peers.is_empty() {
        return "no machine is paired; `pvgpu-ctl pair` on a host shows how".to_owned();
    }
    let width = peers.iter().map(|peer| peer.name.len()).max().unwrap_or(0);
    let line = |peer: &Peer| {
        let address = peer.address.as_deref().map(|address| format!("  tcp://{address}")).unwrap_or_default();
        format!("{:<width$}  {:<5}  {}{address}", peer.name, peer.role.to_string(), peer.key.fingerprint())
    };
    peers.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// `peers forget NAME`.
///
/// # Errors
/// [`Error`], as for all commands.
pub fn forget(name: &str) -> Result<(), Error> {
    let peer = peers()?.forget(name).map_err(|error| Error::Secure(SecureError::Peers(error)))?;
    print(&format!(
        "{} is forgotten ({}); its sessions end when it disconnects",
        peer.name,
        peer.key.fingerprint()
    ))
}

#[cfg(test)]
mod tests {
    use pvgpu_transport::secure::{PublicKey, Role};

    use super::*;

    #[test]
    fn peers_make_a_table() {
        assert!(page(&[]).contains("pvgpu-ctl pair"));
        let peer = |name: &str, role, address: Option<&str>| Peer {
            name: name.to_owned(),
            role,
            key: PublicKey([7; 32]),
            address: address.map(str::to_owned),
        };
        let fingerprint = PublicKey([7; 32]).fingerprint().to_string();
        assert_eq!(fingerprint.len(), 39);
        assert_eq!(
            page(&[peer("box", Role::Host, Some("box:7777")), peer("laptop", Role::Guest, None)]),
            format!("box     host   {fingerprint}  tcp://box:7777\nlaptop  guest  {fingerprint}")
        );
    }

    #[test]
    fn what_cannot_be_paired_says_why() {
        let folder = tempfile::tempdir().expect("a folder");
        let says = |link: &str, code: &str, text: &str| {
            let error = pair_in(folder.path(), link, code).expect_err(text).to_string();
            assert!(error.contains(text), "{error}");
        };
        says("tcp://box:1", "K4WX", "8 letters and digits");
        says("shm:default", "K4WX-7QPA", "no link between machines");
        says("nonsense", "K4WX-7QPA", "is no link");
        let free =
            std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound");
        says(&format!("tcp://{free}"), "K4WX-7QPA", "start the host with");
    }
}
