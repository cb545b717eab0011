//! The guest's end of a link, whatever carries it: an aperture that a host looks at, a doorbell, interrupts.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::carrier::Channels;
use crate::link::{Link, LinkError, trust_link};
use crate::mapping::{MapError, Mapping};
use crate::mirror::guest::{BeginError, MirrorGuest};
use crate::secure::{Identity, KeysError, Peers, keys_folder};
use crate::shm::{self, Wake};
use crate::thunderbolt::{self, FindError, Who};
use crate::{tbstream, tcp};

/// How long a host that was there before is tried again.
const AGAIN: Duration = Duration::from_secs(8);
/// Pauses between two tries: the first, and the longest, each twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// Why a guest found no host.
#[derive(Debug)]
pub enum ConnectError {
    /// On this machine.
    Shm(Box<shm::ConnectError>),
    /// The link is none that this version carries.
    Link(Box<LinkError>),
    /// The aperture cannot be made.
    Map(MapError),
    /// This machine's key, or those of its peers, cannot be had.
    Keys(KeysError),
    /// Over the network.
    Tcp(Box<tcp::TcpError>),
    /// No host is found at a cable.
    Cable(Box<FindError>),
    /// Over a stream device.
    Stream(Box<tbstream::LinkError>),
    /// The mirror does not begin.
    Mirror(BeginError),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shm(error) => error.fmt(f),
            Self::Link(error) => error.fmt(f),
            Self::Map(_) => f.write_str("there is no memory for the aperture"),
            Self::Keys(error) => error.fmt(f),
            Self::Tcp(error) => error.fmt(f),
            Self::Cable(error) => error.fmt(f),
            Self::Stream(error) => error.fmt(f),
            Self::Mirror(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Shm(error) => error.source(),
            Self::Map(source) => Some(source),
            _ => None,
        }
    }
}

impl ConnectError {
    /// Whether it only means that nobody is there, which may be otherwise a moment later.
    fn is_absence(&self) -> bool {
        match self {
            Self::Tcp(error) => matches!(
                **error,
                tcp::TcpError::Refused { .. }
                    | tcp::TcpError::TimedOut { .. }
                    | tcp::TcpError::Connect { .. }
            ),
            Self::Cable(error) => error.is_absence(),
            Self::Stream(error) => error.is_absence(),
            Self::Shm(_) | Self::Link(_) | Self::Map(_) | Self::Keys(_) | Self::Mirror(_) => false,
        }
    }
}

/// An aperture of zeros that the host has not noticed yet.
#[derive(Debug)]
pub enum Unannounced {
    /// On this machine.
    Shm(shm::Unannounced),
    /// Over a link, which is up.
    Mirror {
        /// The aperture.
        mapping: Mapping,
        /// The link.
        channels: Channels,
    },
}

impl Unannounced {
    /// Makes an aperture of `bytes` zeros that the host of `link` can be shown.
    ///
    /// # Errors
    /// [`ConnectError`] says why nobody would answer.
    pub fn new(link: &Link, bytes: u64) -> Result<Self, ConnectError> {
        match link {
            Link::Shm(_) => shm::Unannounced::new(link, bytes).map(Self::Shm).map_err(shm_error),
            Link::Tcp(_) | Link::Thunderbolt | Link::Tbstream(_) => Self::over(connect_again(link)?, bytes),
            Link::Ivshmem(_) => {
                Err(ConnectError::Link(Box::new(LinkError::ForMachines { link: link.clone() })))
            }
        }
    }

    /// The same over channels that are up.
    ///
    /// # Errors
    /// [`ConnectError::Map`].
    pub fn over(channels: Channels, bytes: u64) -> Result<Self, ConnectError> {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        let mapping = Mapping::anonymous(bytes).map_err(ConnectError::Map)?;
        Ok(Self::Mirror { mapping, channels })
    }

    /// The aperture.
    pub fn mapping(&self) -> &Mapping {
        match self {
            Self::Shm(unannounced) => unannounced.mapping(),
            Self::Mirror { mapping, .. } => mapping,
        }
    }

    /// Shows the aperture to the host, once everything stands in it that the host must find.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub fn announce(self) -> Result<Announced, ConnectError> {
        match self {
            Self::Shm(unannounced) => unannounced.announce().map(Announced::Shm).map_err(shm_error),
            Self::Mirror { mapping, channels } => {
                MirrorGuest::begin(mapping, channels).map(Announced::Mirror).map_err(ConnectError::Mirror)
            }
        }
    }
}

fn shm_error(error: shm::ConnectError) -> ConnectError {
    ConnectError::Shm(Box::new(error))
}

fn tcp_error(error: tcp::TcpError) -> ConnectError {
    ConnectError::Tcp(Box::new(error))
}

/// Connects to the host of a link that leads to another machine, once.
///
/// `folder` holds this machine's key and those of its peers; a link that is trusted needs neither.
///
/// # Errors
/// [`ConnectError::Link`] for a link that does not leave this machine; else why nobody answers.
pub fn connect(link: &Link, folder: &Path, trust_link: bool) -> Result<Channels, ConnectError> {
    if matches!(link, Link::Shm(_) | Link::Ivshmem(_)) {
        return Err(stays_here(link));
    }
    Credentials::new(link, folder, trust_link)?.connect(link)
}

fn stays_here(link: &Link) -> ConnectError {
    ConnectError::Link(Box::new(LinkError::StaysHere { link: link.clone() }))
}

/// The same with this user's keys, and again and again where a host was there before.
fn connect_again(link: &Link) -> Result<Channels, ConnectError> {
    let folder = keys_folder().map_err(ConnectError::Keys)?;
    let credentials = Credentials::new(link, &folder, trust_link())?;
    again(&link.to_string(), || credentials.connect(link))
}

/// Who this machine is to hosts, and which of them it takes.
struct Credentials {
    identity: Identity,
    peers: Peers,
    options: tcp::Options,
}

impl Credentials {
    /// Those in a folder; `link` is for errors.
    fn new(link: &Link, folder: &Path, trust_link: bool) -> Result<Self, ConnectError> {
        let options = tcp::Options { trust_link, ..tcp::Options::default() };
        let identity = if trust_link { Identity::generate() } else { Identity::load_or_make(folder) };
        let address = match link {
            Link::Tcp(address) => address.clone(),
            link => link.to_string(),
        };
        let failed = |source| tcp_error(tcp::TcpError::Handshake { address, source });
        Ok(Self { identity: identity.map_err(failed)?, peers: Peers::in_folder(folder), options })
    }

    fn connect(&self, link: &Link) -> Result<Channels, ConnectError> {
        let Self { identity, peers, options } = self;
        match link {
            Link::Tcp(address) => self.connect_tcp(address),
            Link::Thunderbolt => {
                // It may have another address each time.
                let who = if options.trust_link { Who::Trusting } else { Who::Paired(peers) };
                let found = thunderbolt::find(Path::new("/"), who, thunderbolt::FIND_TIME);
                let address = found.map_err(|error| ConnectError::Cable(Box::new(error)))?;
                self.connect_tcp(&address.to_string())
            }
            Link::Tbstream(device) => {
                let connected = tbstream::connect(device, identity, peers, options, tbstream::PATIENCE);
                connected.map_err(|error| ConnectError::Stream(Box::new(error)))
            }
            Link::Shm(_) | Link::Ivshmem(_) => Err(stays_here(link)),
        }
    }

    fn connect_tcp(&self, address: &str) -> Result<Channels, ConnectError> {
        let connected = tcp::connect(address, &self.identity, &self.peers, &self.options);
        Ok(connected.map_err(tcp_error)?.into_channels())
    }
}

/// Hosts that this process has reached before, by their links.
static REACHED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Connects; to a host that was there before again and again, for some seconds.
///
/// A program that has lost its device makes a new one at once, and mostly gives up when it cannot. A cable that was pulled for a moment,
/// or a daemon that starts anew, must not end it. An address that never answered is told at once.
fn again<T>(address: &str, mut connect: impl FnMut() -> Result<T, ConnectError>) -> Result<T, ConnectError> {
    let reached = || REACHED.lock().unwrap_or_else(PoisonError::into_inner);
    let until = Instant::now() + AGAIN;
    let mut pause = FIRST_PAUSE;
    loop {
        match connect() {
            Ok(connected) => {
                reached().insert(address.to_owned());
                return Ok(connected);
            }
            Err(error) => {
                if !error.is_absence() || Instant::now() + pause > until || !reached().contains(address) {
                    return Err(error);
                }
                std::thread::sleep(pause);
                pause = (pause * 2).min(LAST_PAUSE);
            }
        }
    }
}

/// An aperture that the host may have noticed by now.
#[derive(Debug)]
pub enum Announced {
    /// On this machine, without doorbells yet.
    Shm(shm::Announced),
    /// Over a link.
    Mirror(MirrorGuest),
}

impl Announced {
    /// Opens the doorbells, once the host has said in the aperture that it is ready.
    ///
    /// # Errors
    /// [`ConnectError`] when the host has died since.
    pub fn open_doorbells(self) -> Result<GuestPort, ConnectError> {
        match self {
            Self::Shm(announced) => announced.open_doorbells().map(GuestPort::Shm).map_err(shm_error),
            Self::Mirror(guest) => Ok(GuestPort::Mirror(guest)),
        }
    }

    /// Why the host will not answer any more, if that is known.
    pub fn why(&self) -> Option<String> {
        match self {
            Self::Shm(_) => None,
            Self::Mirror(guest) => guest.why(),
        }
    }
}

/// A connected guest.
#[derive(Debug)]
pub enum GuestPort {
    /// On this machine.
    Shm(shm::GuestPort),
    /// Over a link.
    Mirror(MirrorGuest),
}

impl GuestPort {
    /// Wakes the host. A host that is gone is not an error here; [`GuestPort::wait_interrupt`] tells.
    pub fn ring_doorbell(&self) {
        match self {
            Self::Shm(port) => port.ring_doorbell(),
            Self::Mirror(guest) => guest.ring_doorbell(),
        }
    }

    /// Waits for an interrupt; interrupts that came before count, several count as one.
    pub fn wait_interrupt(&self, timeout: Duration) -> Wake {
        match self {
            Self::Shm(port) => port.wait_interrupt(timeout),
            Self::Mirror(guest) => guest.wait_interrupt(timeout),
        }
    }

    /// Ends a wait of another thread, or the next one, as if its time were over.
    pub fn wake_waiter(&self) {
        match self {
            Self::Shm(port) => port.wake_waiter(),
            Self::Mirror(guest) => guest.wake_waiter(),
        }
    }

    /// How long the way to the host and back is; zero on this machine, and while it is not known.
    pub fn round_trip(&self) -> Duration {
        match self {
            Self::Shm(_) => Duration::ZERO,
            Self::Mirror(guest) => guest.round_trip(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(address: &str) -> ConnectError {
        tcp_error(tcp::TcpError::Refused { address: address.to_owned() })
    }

    #[test]
    fn a_link_that_stays_on_this_machine_is_no_link_to_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let says = |link: &str, text: &str| {
            let error = connect(&link.parse().expect("a link"), folder.path(), true).expect_err(text);
            assert!(error.to_string().contains(text), "{error}");
        };
        says("shm:default", "shm:default does not lead to another machine");
        says("ivshmem:/run/s", "does not lead to another machine");
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound");
        says(&format!("tcp://{free}"), "start the host with");
    }

    #[test]
    fn who_was_there_before_is_tried_again() {
        let address = "192.0.2.7:1";
        let mut tries = 0;
        let never = again(address, || {
            tries += 1;
            Err::<(), _>(refused(address))
        });
        assert!(never.is_err() && tries == 1, "{tries}");

        again(address, || Ok(())).expect("it is there");
        let mut tries = 0;
        let later = again(address, || {
            tries += 1;
            if tries < 4 { Err(refused(address)) } else { Ok(tries) }
        });
        assert_eq!(later.ok(), Some(4));

        // A host that answers, and says no, is not asked twice.
        let mut tries = 0;
        let refused = again(address, || {
            tries += 1;
            Err::<(), _>(tcp_error(tcp::TcpError::Closed))
        });
        assert!(refused.is_err() && tries == 1);
    }
}
