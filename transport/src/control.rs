//! Where the daemon that serves a link is asked.

use std::path::PathBuf;

use crate::link::{Link, LinkError, ShmName};
use crate::{ivshmem, shm};

/// The folder in which the daemon that serves `link` keeps its control socket. It belongs to the daemon's user alone.
///
/// # Errors
/// A [`LinkError`] for a link that has no such folder.
pub fn control_folder(link: &Link) -> Result<PathBuf, LinkError> {
    match link {
        Link::Ivshmem(socket) => Ok(ivshmem::control_folder(socket)),
        Link::Shm(_) | Link::Tcp(_) | Link::Thunderbolt | Link::Tbstream(_) => {
            shm::folder(&control_link(link))
        }
    }
}

/// The link of this machine in whose folder that socket is: for a link to other machines, one that is named after its port or kind.
pub fn control_link(link: &Link) -> Link {
    match link {
        Link::Tcp(address) => {
            let port = address.rsplit_once(':').map_or(address.as_str(), |(_, port)| port);
            Link::Shm(ShmName::Name(format!("tcp-{port}")))
        }
        Link::Thunderbolt => Link::Shm(ShmName::Name("thunderbolt".to_owned())),
        Link::Tbstream(device) => {
            let name = device.file_name().unwrap_or_default().to_string_lossy();
            let legal = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '-' };
            Link::Shm(ShmName::Name(name.chars().take(48).map(legal).collect()))
        }
        Link::Shm(_) | Link::Ivshmem(_) => link.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_link_that_is_carried_has_a_folder() {
        let folder = |address: &str| control_folder(&address.parse().expect("a link"));
        assert_eq!(folder("shm:x").ok(), Some(PathBuf::from("/dev/shm/pvgpu-x")));
        assert_eq!(folder("tcp://h:1").ok(), Some(PathBuf::from("/dev/shm/pvgpu-tcp-1")));
        assert_eq!(folder("thunderbolt:auto").ok(), Some(PathBuf::from("/dev/shm/pvgpu-thunderbolt")));
        assert_eq!(folder("tbstream:/dev/tbstream0").ok(), Some(PathBuf::from("/dev/shm/pvgpu-tbstream0")));
        assert_eq!(folder("ivshmem:/run/vm.sock").ok(), Some(PathBuf::from("/run/vm.sock.pvgpud")));
        let error = shm::folder(&"ivshmem:/run/vm.sock".parse().expect("a link")).expect_err("no program's");
        assert!(error.to_string().contains("is for the driver in a virtual machine"), "{error}");
    }
}
