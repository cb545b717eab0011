//! The guest's end: announces an aperture, then rings the host's doorbell and waits for interrupts.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::folder::{folder, host_process};
use super::{APERTURE_SUFFIX, TO_GUEST_SUFFIX, TO_HOST_SUFFIX};
use crate::link::{Link, LinkError};
use crate::mapping::{MapError, Mapping};

/// Why a guest found no host.
#[derive(Debug)]
pub enum ConnectError {
    /// The link is none that this version carries.
    Link(LinkError),
    /// Nobody serves the link.
    NoHost {
        /// The link.
        link: Link,
    },
    /// Somebody served it once and is dead.
    DeadHost {
        /// The link.
        link: Link,
        /// The process that is no more.
        process: u32,
    },
    /// The aperture's file cannot be made.
    Create {
        /// Which file.
        path: PathBuf,
        /// Bytes wanted.
        bytes: u64,
        /// What the system said.
        source: std::io::Error,
    },
    /// The aperture cannot be mapped.
    Map(MapError),
    /// A doorbell cannot be opened.
    Doorbell {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(error) => error.fmt(f),
            Self::NoHost { link } => {
                write!(f, "no pvgpud serves {link}; start one with `pvgpud --link {link}`")
            }
            Self::DeadHost { link, process } => write!(
                f,
                "the pvgpud that served {link} (process {process}) is dead; start a new one with `pvgpud --link {link}`"
            ),
            Self::Create { path, bytes, source } => write!(
                f,
                "an aperture of {bytes} bytes cannot be made at {} ({source}); is there room, and may this user write there?",
                path.display()
            ),
            Self::Map(_) => f.write_str("the aperture cannot be mapped into this process"),
            Self::Doorbell { path, source } => {
                write!(f, "the doorbell {} cannot be opened ({source})", path.display())
            }
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Map(source) => Some(source),
            _ => None,
        }
    }
}

/// An aperture of zeros that the host has not noticed yet.
///
/// Dropping it takes it away again.
#[derive(Debug)]
pub struct Unannounced {
    mapping: Mapping,
    /// The file as it is called so far.
    temporary: PathBuf,
    /// The path without its ending.
    base: PathBuf,
}

impl Unannounced {
    /// Makes an aperture of `bytes` zeros where the host of `link` will look for it.
    ///
    /// # Errors
    /// [`ConnectError`] says why nobody would answer.
    pub fn new(link: &Link, bytes: u64) -> Result<Self, ConnectError> {
        let folder = folder(link).map_err(ConnectError::Link)?;
        match host_process(&folder) {
            None => return Err(ConnectError::NoHost { link: link.clone() }),
            Some((process, false)) => return Err(ConnectError::DeadHost { link: link.clone(), process }),
            Some((_, true)) => {}
        }
        let base = folder.join(unique_name());
        let temporary = with_suffix(&with_suffix(&base, APERTURE_SUFFIX), ".tmp");
        let mapping = Self::create(&temporary, bytes).inspect_err(|_| remove(&temporary))?;
        Ok(Self { mapping, temporary, base })
    }

    /// The aperture.
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// Shows the aperture to the host, once everything stands in it that the host must find.
    ///
    /// # Errors
    /// [`ConnectError::Create`].
    pub fn announce(self) -> Result<Announced, ConnectError> {
        let aperture = with_suffix(&self.base, APERTURE_SUFFIX);
        std::fs::rename(&self.temporary, &aperture).map_err(|source| ConnectError::Create {
            path: aperture.clone(),
            bytes: self.mapping.len() as u64,
            source,
        })?;
        Ok(Announced { mapping: self.mapping.clone(), aperture, base: self.base.clone() })
    }

    fn create(path: &Path, bytes: u64) -> Result<Mapping, ConnectError> {
        let create = |source| ConnectError::Create { path: path.to_owned(), bytes, source };
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path).map_err(create)?;
        file.set_len(bytes).map_err(create)?;
        Mapping::of_file(&file).map_err(ConnectError::Map)
    }
}

impl Drop for Unannounced {
    fn drop(&mut self) {
        // Once it is announced, nothing has this name any more.
        remove(&self.temporary);
    }
}

/// An aperture that the host may have noticed by now, without doorbells yet.
///
/// Dropping it takes the announcement back.
#[derive(Debug)]
pub struct Announced {
    mapping: Mapping,
    aperture: PathBuf,
    /// The path without its ending.
    base: PathBuf,
}

impl Announced {
    /// Makes an aperture of `bytes` zeros, lets `write_hello` fill in what the host must find, and announces it.
    ///
    /// # Errors
    /// [`ConnectError`] says why nobody will answer.
    pub fn new(link: &Link, bytes: u64, write_hello: impl FnOnce(&Mapping)) -> Result<Self, ConnectError> {
        let unannounced = Unannounced::new(link, bytes)?;
        write_hello(unannounced.mapping());
        unannounced.announce()
    }

    /// The aperture.
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// Opens the doorbells, once the host has said in the aperture that it is ready.
    ///
    /// # Errors
    /// [`ConnectError::Doorbell`] when one of them is missing or refuses: the host has died since.
    pub fn open_doorbells(self) -> Result<GuestPort, ConnectError> {
        let open = |suffix, write: bool| {
            let path = with_suffix(&self.base, suffix);
            let file = OpenOptions::new().read(!write).write(write).open(&path);
            file.map_err(|source| ConnectError::Doorbell { path, source })
        };
        let interrupt = Interrupts::listen(open(TO_GUEST_SUFFIX, false)?);
        let doorbell = Mutex::new(open(TO_HOST_SUFFIX, true)?);
        Ok(GuestPort { mapping: self.mapping.clone(), doorbell, interrupt })
    }
}

impl Drop for Announced {
    fn drop(&mut self) {
        // Once the worker has the file open, its name serves nobody any more.
        remove(&self.aperture);
    }
}

/// What ended a wait for an interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// The other side rang, at least once.
    Rung,
    /// The time is over.
    Timeout,
    /// The other side is gone for good.
    Gone,
}

/// A connected guest.
#[derive(Debug)]
pub struct GuestPort {
    mapping: Mapping,
    doorbell: Mutex<File>,
    interrupt: Arc<Interrupts>,
}

impl GuestPort {
    /// The aperture.
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// Wakes the host. A host that is gone is not an error here; [`GuestPort::wait_interrupt`] tells.
    pub fn ring_doorbell(&self) {
        let mut doorbell = self.doorbell.lock().unwrap_or_else(PoisonError::into_inner);
        // A full FIFO means that the host has plenty of wake-ups to find; a broken one that it is gone.
        let _ = doorbell.write(&[1]);
    }

    /// Waits for an interrupt; interrupts that came before count, several count as one.
    pub fn wait_interrupt(&self, timeout: Duration) -> Wake {
        self.interrupt.wait(timeout)
    }

    /// Ends a wait of another thread, or the next one, as if its time were over.
    pub fn wake_waiter(&self) {
        self.interrupt.update(|state| state.woken = true);
    }
}

/// Interrupts that came, filled by a thread that reads the FIFO: Windows cannot wait for a FIFO and a time at once.
#[derive(Debug)]
struct Interrupts {
    state: Mutex<InterruptState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct InterruptState {
    rung: bool,
    woken: bool,
    gone: bool,
}

impl Interrupts {
    fn listen(mut fifo: File) -> Arc<Self> {
        let shared = Arc::new(Self { state: Mutex::default(), changed: Condvar::new() });
        let reader = Arc::downgrade(&shared);
        // The thread ends with the FIFO: when the worker dies, or has noticed that this guest hung up.
        std::thread::spawn(move || {
            let mut bytes = [0; 64];
            loop {
                let read = fifo.read(&mut bytes);
                let Some(shared) = reader.upgrade() else { return };
                match read {
                    Ok(1..) => shared.update(|state| state.rung = true),
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Ok(0) | Err(_) => return shared.update(|state| state.gone = true),
                }
            }
        });
        shared
    }

    fn update(&self, change: impl FnOnce(&mut InterruptState)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    fn wait(&self, timeout: Duration) -> Wake {
        let deadline = Instant::now() + timeout;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if std::mem::take(&mut state.rung) {
                return Wake::Rung;
            }
            if state.gone {
                return Wake::Gone;
            }
            if std::mem::take(&mut state.woken) {
                return Wake::Timeout;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Wake::Timeout;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A name that no other guest of this machine has: process, time, and a count within the process.
fn unique_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("guest-{}-{:x}-{count}", std::process::id(), time.as_nanos())
}

/// Removes a file whose absence is what counts.
fn remove(path: &Path) {
    let _ = std::fs::remove_file(path);
}
