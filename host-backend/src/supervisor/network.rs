//! Guests that come from other machines: authenticated in this process, then given to a worker with their connections and keys.
//!
//! Nothing that a guest sends after its handshake is read here; the worker hears its hello.

use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use pvgpu_transport::secure::pairing::Slot;
use pvgpu_transport::secure::{Fingerprint, Identity, Peers, keys_folder};
use pvgpu_transport::shm::HostListener;
use pvgpu_transport::tcp::{self, Door, TcpError};
use pvgpu_transport::thunderbolt::{self, Notice};
use pvgpu_transport::{Link, control_link, tbstream};

use super::{Pairings, ServeError};
use crate::worker::Connection;

/// A guest whose connections wait for a worker.
#[derive(Debug)]
pub struct Remote {
    name: String,
    connections: Mutex<Option<[Connection; 2]>>,
}

impl Remote {
    /// What people call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its connections, the urgent one first; once.
    pub fn take(&self) -> Option<[Connection; 2]> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// What finds guests; it does so as long as it is there.
enum Carrier {
    /// One address of the network.
    Tcp(Arc<tcp::Listener>),
    /// Every Thunderbolt or USB4 cable.
    Cables { _host: thunderbolt::Host },
    /// A raw stream device over such a cable.
    Stream { _host: tbstream::Host },
}

/// A guest that has shaken hands.
struct Arrival {
    peer: tcp::Peer,
    /// Where it is, for a log.
    place: String,
    connections: [Connection; 2],
}

impl From<tcp::Accepted> for Arrival {
    fn from(tcp::Accepted { peer, address, urgent, bulk }: tcp::Accepted) -> Self {
        let connections = [urgent, bulk].map(Connection::Tcp);
        Self { peer, place: address.to_string(), connections }
    }
}

/// Who has come from elsewhere.
pub struct Network {
    /// Its folder is where the control socket is; guests of this machine may come through it, too.
    local: HostListener,
    carrier: Carrier,
    slot: Arc<Slot>,
    /// None where everybody on the cable is trusted.
    fingerprint: Option<Fingerprint>,
    /// How other machines name this host's link.
    links: Vec<String>,
    arrivals: Receiver<Arrival>,
    wake: UnixStream,
    count: u64,
}

/// Where guests are put who have shaken hands.
#[derive(Clone)]
struct Doorstep {
    guests: Sender<Arrival>,
    woken: Arc<UnixStream>,
}

impl Doorstep {
    /// False when nobody lets guests in any more: the supervisor ends before those that find guests do.
    fn put(&self, guest: impl Into<Arrival>) -> bool {
        self.guests.send(guest.into()).is_ok() && (&*self.woken).write_all(&[1]).is_ok()
    }
}

impl Network {
    /// Begins to listen on a link to other machines.
    ///
    /// # Errors
    /// [`ServeError`] says why not.
    pub fn bind(link: &Link, trust_link: bool) -> Result<Self, ServeError> {
        let local = HostListener::bind(&control_link(link)).map_err(ServeError::Listen)?;
        let door = door(link, trust_link)?;
        let (slot, fingerprint) = (door.pairing.clone(), (!trust_link).then(|| door.identity.fingerprint()));
        match &fingerprint {
            Some(fingerprint) => log::info!("this machine's fingerprint is {fingerprint}"),
            None => {
                log::warn!("whoever is at the other end of the cable is trusted, and nothing is encrypted")
            }
        }
        let system = |error| ServeError::System("the network's thread cannot be started", error);
        let (wake, woken) = UnixStream::pair().map_err(system)?;
        wake.set_nonblocking(true).map_err(system)?;
        let (guests, arrivals) = channel();
        let doorstep = Doorstep { guests, woken: Arc::new(woken) };
        let (carrier, links) = match link {
            Link::Tcp(address) => {
                let listener = listen(address, door, doorstep)?;
                let links = listener.addresses().iter().map(|address| format!("tcp://{address}")).collect();
                (Carrier::Tcp(listener), links)
            }
            Link::Tbstream(device) => (serve_stream(device, door, doorstep)?, vec![link.to_string()]),
            // The two others have sources of their own.
            Link::Thunderbolt | Link::Shm(_) | Link::Ivshmem(_) => {
                (follow_cables(door, doorstep)?, vec![link.to_string()])
            }
        };
        Ok(Self { local, carrier, slot, fingerprint, links, arrivals, wake, count: 0 })
    }

    /// Where codes for pairing are offered.
    pub fn pairings(&self) -> Option<Pairings> {
        let (slot, fingerprint) = (self.slot.clone(), self.fingerprint?);
        Some(Pairings { slot, fingerprint, links: self.links.clone() })
    }

    /// The folder for the control socket, and guests of this machine.
    pub fn local(&mut self) -> &mut HostListener {
        &mut self.local
    }

    /// The folder for the control socket.
    pub fn folder(&self) -> &Path {
        self.local.folder()
    }

    /// One of them becomes readable when somebody has come.
    pub fn fds(&self) -> Vec<BorrowedFd<'_>> {
        vec![self.local.as_fd(), self.wake.as_fd()]
    }

    /// The next guest, without waiting.
    pub fn next_guest(&mut self) -> Option<Remote> {
        let mut bytes = [0; 64];
        // Whoever has come is in the channel before the byte is written.
        while matches!((&self.wake).read(&mut bytes), Ok(1..)) {}
        let Arrival { peer, place, connections } = self.arrivals.try_recv().ok()?;
        self.count += 1;
        log::info!("{place} has come: {peer}");
        let name = match peer {
            tcp::Peer::Paired { name, .. } => format!("{name}-{}", self.count),
            tcp::Peer::Trusted => format!("cable-{}", self.count),
        };
        Some(Remote { name, connections: Mutex::new(Some(connections)) })
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        if let Carrier::Tcp(listener) = &self.carrier {
            // Ends the thread that accepts, which has it, too.
            listener.close();
        }
    }
}

/// Who is let in.
fn door(link: &Link, trust_link: bool) -> Result<Door, ServeError> {
    let folder = keys_folder().map_err(ServeError::Keys)?;
    let identity = if trust_link { Identity::generate() } else { Identity::load_or_make(&folder) };
    Ok(Door {
        identity: identity.map_err(|source| refused(link, source))?,
        peers: Peers::in_folder(&folder),
        options: tcp::Options { trust_link, ..tcp::Options::default() },
        report: Arc::new(|event: &tcp::Event| log::warn!("{event}")),
        pairing: Arc::default(),
    })
}

fn refused(link: &Link, source: pvgpu_transport::secure::SecureError) -> ServeError {
    ServeError::Tcp(TcpError::Handshake { address: link.to_string(), source })
}

/// Listens at one address.
fn listen(address: &str, door: Door, doorstep: Doorstep) -> Result<Arc<tcp::Listener>, ServeError> {
    let listener = Arc::new(tcp::Listener::bind(&[address], door).map_err(ServeError::Tcp)?);
    for address in listener.addresses() {
        log::info!("listening at {address}");
    }
    let accepting = listener.clone();
    let accept = move || {
        while let Ok(accepted) = accepting.accept() {
            if !doorstep.put(accepted) {
                return;
            }
        }
    };
    let thread = std::thread::Builder::new().name("arrivals".to_owned()).spawn(accept);
    thread.map_err(|error| ServeError::System("the network's thread cannot be started", error))?;
    Ok(listener)
}

/// Listens at every cable, and follows them as they come and go.
fn follow_cables(door: Door, doorstep: Doorstep) -> Result<Carrier, ServeError> {
    let callbacks = thunderbolt::Callbacks {
        arrived: Box::new(move |accepted| {
            doorstep.put(accepted);
        }),
        notice: Box::new(|notice| match notice {
            Notice::Serving { .. } => log::info!("{notice}"),
            Notice::Gone { .. } | Notice::Advice(_) | Notice::Failed { .. } | Notice::Survey(_) => {
                log::warn!("{notice}")
            }
        }),
    };
    let host = thunderbolt::Host::start(Path::new("/"), door, callbacks);
    Ok(Carrier::Cables { _host: host.map_err(|source| refused(&Link::Thunderbolt, source))? })
}

/// Serves a stream device, to one guest at a time.
fn serve_stream(device: &Path, door: Door, doorstep: Doorstep) -> Result<Carrier, ServeError> {
    let place = device.display().to_string();
    let told = place.clone();
    let callbacks = tbstream::Callbacks {
        arrived: Box::new(move |tbstream::Accepted { peer, urgent, bulk }| {
            let connections = [urgent, bulk].map(Connection::Stream);
            doorstep.put(Arrival { peer, place: place.clone(), connections });
        }),
        notice: Box::new(move |notice| match notice {
            tbstream::Notice::Waiting | tbstream::Notice::Gone => log::info!("{told}: {notice}"),
            tbstream::Notice::Failed(_) | tbstream::Notice::Refused(_) | tbstream::Notice::Paired(_) => {
                log::warn!("{told}: {notice}")
            }
        }),
    };
    let host = tbstream::Host::start(device, door, callbacks);
    let failed = |error| ServeError::System("the stream's thread cannot be started", error);
    Ok(Carrier::Stream { _host: host.map_err(failed)? })
}
