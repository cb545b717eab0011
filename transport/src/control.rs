//! Where the daemon that serves a link is asked.

use std::path::PathBuf;

use crate::link::{Link, LinkError, ShmName};
use crate::{ivshmem, shm};

/// The folder in which the daemon that serves `link` keeps its control socket. It belongs to the daemon's user alone.
///
/// # Errors
/// [`LinkError::NotBuiltIn`] for links that this version does not carry.
pub fn control_folder(link: &Link) -> Result<PathBuf, LinkError> {
    match link {
        Link::Ivshmem(socket) => Ok(ivshmem::control_folder(socket)),
        Link::Shm(_) | Link::Tcp(_) | Link::Thunderbolt | Link::Tbstream(_) => {
            shm::folder(&control_link(link))
        }
    }
}

/// The link of this machine in whose folder that socket is: for a link to other machines, one that is named after its port.
pub fn control_link(link: &Link) -> Link {
    match link {
        Link::Tcp(address) => {
            let port = address.rsplit_once(':').map_or(address.as_str(), |(_, port)| port);
            Link::Shm(ShmName::Name(format!("tcp-{port}")))
        }
        Link::Shm(_) | Link::Ivshmem(_) | Link::Thunderbolt | Link::Tbstream(_) => link.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_link_that_is_carried_has_a_folder() {
        let folder = |address: &str| control_folder(&address.parse().expect("a link"));
        assert_eq!(folder("shm:x").ok(), Some(PathBuf::from("/dev/shm/pvgpu-x")));
        assert_eq!(folder("ivshmem:/run/vm.sock").ok(), Some(PathBuf::from("/run/vm.sock.pvgpud")));
        let error = shm::folder(&"ivshmem:/run/vm.sock".parse().expect("a link")).expect_err("no program's");
        assert!(error.to_string().contains("is for the driver in a virtual machine"), "{error}");
    }
}
