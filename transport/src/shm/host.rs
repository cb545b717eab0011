//! The host's end: a supervisor that finds guests, and the port of a worker that serves one of them.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock, inotify};

use super::folder::{HOST_FILE, folder};
use super::guest::{Wake, with_suffix};
use super::{APERTURE_SUFFIX, TO_GUEST_SUFFIX, TO_HOST_SUFFIX, fifo};
use crate::cell_file::CellFile;
use crate::link::{Link, LinkError};
use crate::mapping::{MapError, Mapping};

/// Why a link cannot be served.
#[derive(Debug)]
pub enum ListenError {
    /// The link is none that this version carries.
    Link(LinkError),
    /// Another pvgpud serves it.
    InUse {
        /// The link.
        link: Link,
        /// What its host file says: a process number.
        process: String,
    },
    /// The folder cannot be made or watched.
    Folder {
        /// Which folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(error) => error.fmt(f),
            Self::InUse { link, process } => write!(
                f,
                "another pvgpud (process {process}) serves {link} already; stop it or choose another --link"
            ),
            Self::Folder { path, source } => {
                write!(f, "the link's folder {} cannot be used ({source})", path.display())
            }
        }
    }
}

impl std::error::Error for ListenError {}

/// Finds the guests of one link. Dropping it removes the folder with everything in it.
#[derive(Debug)]
pub struct HostListener {
    folder: PathBuf,
    inotify: std::os::fd::OwnedFd,
    seen: HashSet<OsString>,
    /// Holds the lock.
    _host_file: File,
}

impl HostListener {
    /// Begins to serve a link: makes its folder, clears what a dead predecessor left, and takes the lock.
    ///
    /// # Errors
    /// [`ListenError`] says why not.
    pub fn bind(link: &Link) -> Result<Self, ListenError> {
        let folder = folder(link).map_err(ListenError::Link)?;
        let failed = |source: io::Error| ListenError::Folder { path: folder.clone(), source };
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(failed)?;
        let host_path = folder.join(HOST_FILE);
        let mut host_file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&host_path)
            .map_err(failed)?;
        if let Err(error) = flock(&host_file, FlockOperation::NonBlockingLockExclusive) {
            if error != rustix::io::Errno::WOULDBLOCK {
                return Err(failed(error.into()));
            }
            let process = std::fs::read_to_string(&host_path).unwrap_or_default().trim().to_owned();
            return Err(ListenError::InUse { link: link.clone(), process });
        }
        clear(&folder).map_err(failed)?;
        let inotify = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC)
            .map_err(|error| failed(error.into()))?;
        inotify::add_watch(&inotify, &folder, inotify::WatchFlags::MOVED_TO)
            .map_err(|error| failed(error.into()))?;
        // The process number is the sign for guests that the folder is served: it comes last.
        host_file.set_len(0).map_err(failed)?;
        host_file.write_all(format!("{}\n", std::process::id()).as_bytes()).map_err(failed)?;
        Ok(Self { folder, inotify, seen: HashSet::new(), _host_file: host_file })
    }

    /// The link's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Becomes readable when [`HostListener::next_guest`] has something to find.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }

    /// The next guest that has announced itself, without waiting.
    ///
    /// # Errors
    /// [`ListenError::Folder`] when the folder has gone.
    pub fn next_guest(&mut self) -> Result<Option<ApertureFile>, ListenError> {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(&self.inotify, &mut buffer);
        // What the events say is read from the folder itself, which cannot overflow as the queue can.
        while events.next().is_ok() {}
        let failed = |source| ListenError::Folder { path: self.folder.clone(), source };
        for entry in std::fs::read_dir(&self.folder).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            if name.as_encoded_bytes().ends_with(APERTURE_SUFFIX.as_bytes()) && self.seen.insert(name.clone())
            {
                match ApertureFile::open(&self.folder.join(name)) {
                    Ok(aperture) => return Ok(Some(aperture)),
                    // The guest has taken it back, or it is no plain file: nobody to serve.
                    Err(_) => continue,
                }
            }
        }
        Ok(None)
    }

    /// Forgets a guest and removes what is left of it.
    pub fn forget(&mut self, guest: &ApertureFile) {
        for suffix in [APERTURE_SUFFIX, TO_HOST_SUFFIX, TO_GUEST_SUFFIX] {
            let _ = std::fs::remove_file(with_suffix(&guest.base, suffix));
        }
        if let Some(name) = guest.path().file_name() {
            self.seen.remove(name);
        }
    }
}

impl Drop for HostListener {
    fn drop(&mut self) {
        let _ = clear(&self.folder);
        let _ = std::fs::remove_file(self.folder.join(HOST_FILE));
        // Fails when somebody has put something of his own there; then it stays.
        let _ = std::fs::remove_dir(&self.folder);
    }
}

/// Removes the files of guests.
fn clear(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        let ours = name.starts_with(b"guest-")
            && [APERTURE_SUFFIX, ".tmp", TO_HOST_SUFFIX, TO_GUEST_SUFFIX]
                .iter()
                .any(|suffix| name.ends_with(suffix.as_bytes()));
        if ours {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// A guest's aperture as a file: what a supervisor looks at without mapping it, so that no guest can crash it by
/// cutting the file short.
#[derive(Debug)]
pub struct ApertureFile {
    file: CellFile,
    base: PathBuf,
}

impl ApertureFile {
    /// Opens the aperture at `path`, which must be a plain file with the right ending.
    ///
    /// # Errors
    /// What the system said; `InvalidInput` for another ending or another kind of file.
    pub fn open(path: &Path) -> io::Result<Self> {
        let base = path.to_str().and_then(|path| path.strip_suffix(APERTURE_SUFFIX));
        let base = base.ok_or(io::ErrorKind::InvalidInput)?.into();
        // CAST: the flags' bits are a C int.
        let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits() as i32;
        let file = OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(Self { file: CellFile::new(file), base })
    }

    /// Where it lies (or lay: a connected guest removes the name).
    pub fn path(&self) -> PathBuf {
        with_suffix(&self.base, APERTURE_SUFFIX)
    }

    /// The guest's name: the file's name without its ending.
    pub fn name(&self) -> String {
        self.base.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// What stands in it.
    pub fn cells(&self) -> &CellFile {
        &self.file
    }
}

/// A worker's port to its guest. Dropping it hangs up: the guest sees the end of its FIFO.
#[derive(Debug)]
pub struct HostPort {
    mapping: Mapping,
    doorbell: File,
    interrupt: File,
}

/// Why a worker cannot serve a guest.
#[derive(Debug)]
pub enum PortError {
    /// The aperture cannot be mapped.
    Map(MapError),
    /// The doorbells cannot be made.
    Doorbell(io::Error),
}

impl fmt::Display for PortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Map(error) => error.fmt(f),
            Self::Doorbell(error) => write!(f, "the doorbells cannot be made ({error})"),
        }
    }
}

impl std::error::Error for PortError {}

impl HostPort {
    /// Maps the aperture and makes both FIFOs. The guest opens them once the aperture says that the host is ready.
    ///
    /// # Errors
    /// [`PortError`] says which step failed.
    pub fn open(aperture: &ApertureFile) -> Result<Self, PortError> {
        let mapping = Mapping::of_file(aperture.file.as_file()).map_err(PortError::Map)?;
        let (to_host, to_guest) =
            (with_suffix(&aperture.base, TO_HOST_SUFFIX), with_suffix(&aperture.base, TO_GUEST_SUFFIX));
        fifo::make(&to_host).map_err(PortError::Doorbell)?;
        fifo::make(&to_guest).map_err(PortError::Doorbell)?;
        let doorbell = fifo::open_reader(&to_host).map_err(PortError::Doorbell)?;
        let interrupt = fifo::open_writer(&to_guest).map_err(PortError::Doorbell)?;
        Ok(Self { mapping, doorbell, interrupt })
    }

    /// The aperture.
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// Interrupts the guest. A full FIFO means that it has plenty of interrupts to find.
    pub fn interrupt(&self) {
        let _ = (&self.interrupt).write(&[1]);
    }

    /// Becomes readable when the guest rings or goes.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.doorbell.as_fd()
    }

    /// Waits for the doorbell; rings that came before count, several count as one. Until the guest has opened its end, only
    /// the time ends the wait.
    pub fn wait_doorbell(&self, timeout: Duration) -> Wake {
        match fifo::wait_readable(&self.doorbell, timeout) {
            Ok(false) => return Wake::Timeout,
            Ok(true) => {}
            Err(_) => return Wake::Gone,
        }
        let mut bytes = [0; 256];
        match (&self.doorbell).read(&mut bytes) {
            Ok(0) => Wake::Gone,
            Ok(_) => Wake::Rung,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                Wake::Timeout
            }
            Err(_) => Wake::Gone,
        }
    }
}
