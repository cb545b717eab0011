//! Where the folder of a shared-memory link lies, as this system spells it.

use std::path::{Path, PathBuf};

use crate::link::{Link, LinkError, ShmName};

/// The file that says who serves the folder: the process number of the supervisor, as text.
pub const HOST_FILE: &str = "host";

/// The folder of a link.
///
/// # Errors
/// [`LinkError::ForMachines`] and [`LinkError::Elsewhere`] for links that are not shared memory.
pub fn folder(link: &Link) -> Result<PathBuf, LinkError> {
    match link {
        Link::Shm(ShmName::Name(name)) => Ok(native(&format!("/dev/shm/pvgpu-{name}"))),
        Link::Shm(ShmName::Folder(folder)) => Ok(native(&folder.to_string_lossy())),
        Link::Ivshmem(_) => Err(LinkError::ForMachines { link: link.clone() }),
        Link::Tcp(_) | Link::Thunderbolt | Link::Tbstream(_) => {
            Err(LinkError::Elsewhere { link: link.clone() })
        }
    }
}

/// A Linux path as this system opens it: Wine shows the root folder as drive `Z:`.
fn native(path: &str) -> PathBuf {
    if cfg!(windows) { PathBuf::from(format!("Z:{}", path.replace('/', "\\"))) } else { PathBuf::from(path) }
}

/// Whether the process that the folder's host file names is alive; `None` when the file is missing or no number.
pub(super) fn host_process(folder: &Path) -> Option<(u32, bool)> {
    let text = std::fs::read_to_string(folder.join(HOST_FILE)).ok()?;
    let process: u32 = text.trim().parse().ok()?;
    Some((process, native(&format!("/proc/{process}")).exists()))
}
