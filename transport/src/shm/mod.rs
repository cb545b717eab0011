//! The shared-memory carrier: guest and host are processes of one machine.
//!
//! The host's supervisor owns a folder, `/dev/shm/pvgpu-NAME` (mode 0700); a Windows program under Wine sees it as
//! `Z:\dev\shm\pvgpu-NAME`. In it:
//!
//! | file | made by | what |
//! |---|---|---|
//! | `host` | supervisor | its process number; locked while it lives |
//! | `GUEST.aperture` | guest | the aperture; it appears by renaming, when the hello is complete |
//! | `GUEST.to-host` | worker | FIFO: a byte is a doorbell; its end of file is the guest's death |
//! | `GUEST.to-guest` | worker | FIFO: a byte is an interrupt; its end of file is the worker's death |
//!
//! ```text
//!  guest                                   supervisor                        worker
//!  make GUEST.aperture.tmp, write hello
//!  rename to GUEST.aperture  ────inotify──► new guest ──────start──────────► map, make both FIFOs, open them
//!  poll the host's state cell  ◄──────────────────────────────────────────── write host info, state READY
//!  open both FIFOs
//! ```

#[cfg(unix)]
mod fifo;
mod folder;
mod guest;
#[cfg(unix)]
mod host;

pub use folder::{HOST_FILE, folder};
pub use guest::{Announced, ConnectError, GuestPort, Unannounced, Wake};
#[cfg(unix)]
pub use host::{ApertureFile, HostListener, HostPort, ListenError, PortError};

/// Ending of an aperture's file name.
pub const APERTURE_SUFFIX: &str = ".aperture";
/// Ending of the name of the FIFO from guest to host.
pub const TO_HOST_SUFFIX: &str = ".to-host";
/// Ending of the name of the FIFO from host to guest.
pub const TO_GUEST_SUFFIX: &str = ".to-guest";

#[cfg(all(test, unix))]
mod tests;
