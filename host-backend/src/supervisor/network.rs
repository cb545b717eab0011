//! Guests that come over a network: authenticated in this process, then given to a worker with their connections and keys.
//!
//! Nothing that a guest sends after its handshake is read here; the worker hears its hello.

use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};

use pvgpu_transport::secure::{Fingerprint, Identity, Peers, keys_folder};
use pvgpu_transport::shm::HostListener;
use pvgpu_transport::tcp::{self, Accepted, Half, TcpError};
use pvgpu_transport::{Link, control_link};

use super::{Pairings, ServeError};

/// A guest whose connections wait for a worker.
#[derive(Debug)]
pub struct Remote {
    name: String,
    halves: Mutex<Option<[Half; 2]>>,
}

impl Remote {
    /// What people call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its connections, the urgent one first; once.
    pub fn take(&self) -> Option<[Half; 2]> {
        self.halves.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The listener, and who has come.
pub struct Network {
    /// Its folder is where the control socket is; guests of this machine may come through it, too.
    local: HostListener,
    listener: Arc<tcp::Listener>,
    /// None where everybody on the cable is trusted.
    fingerprint: Option<Fingerprint>,
    arrivals: Receiver<Accepted>,
    wake: UnixStream,
    count: u64,
}

impl Network {
    /// Begins to listen.
    ///
    /// # Errors
    /// [`ServeError`] says why not.
    pub fn bind(link: &Link, address: &str, trust_link: bool) -> Result<Self, ServeError> {
        let local = HostListener::bind(&control_link(link)).map_err(ServeError::Listen)?;
        let folder = keys_folder().map_err(ServeError::Keys)?;
        let failed = |source| TcpError::Handshake { address: address.to_owned(), source };
        let identity = if trust_link { Identity::generate() } else { Identity::load_or_make(&folder) };
        let identity = identity.map_err(failed).map_err(ServeError::Tcp)?;
        let fingerprint = (!trust_link).then(|| identity.fingerprint());
        match &fingerprint {
            Some(fingerprint) => log::info!("this machine's fingerprint is {fingerprint}"),
            None => {
                log::warn!("whoever is at the other end of the cable is trusted, and nothing is encrypted")
            }
        }
        let options = tcp::Options { trust_link, ..tcp::Options::default() };
        let peers = Peers::in_folder(&folder);
        let report = Arc::new(|event: &tcp::Event| log::warn!("{event}"));
        let listener = tcp::Listener::bind(&[address], identity, peers, options, report);
        let listener = Arc::new(listener.map_err(ServeError::Tcp)?);
        for address in listener.addresses() {
            log::info!("listening at {address}");
        }
        let system = |error| ServeError::System("the network's thread cannot be started", error);
        let (wake, mut woken) = UnixStream::pair().map_err(system)?;
        wake.set_nonblocking(true).map_err(system)?;
        let (sender, arrivals) = channel();
        let accepting = listener.clone();
        let thread = std::thread::Builder::new().name("arrivals".to_owned());
        thread
            .spawn(move || {
                while let Ok(accepted) = accepting.accept() {
                    // The supervisor ends before this thread does.
                    if sender.send(accepted).is_err() || woken.write_all(&[1]).is_err() {
                        return;
                    }
                }
            })
            .map_err(system)?;
        Ok(Self { local, listener, fingerprint, arrivals, wake, count: 0 })
    }

    /// Where codes for pairing are offered.
    pub fn pairings(&self) -> Option<Pairings> {
        let fingerprint = self.fingerprint?;
        let links = self.listener.addresses().iter().map(|address| format!("tcp://{address}")).collect();
        Some(Pairings { slot: self.listener.pairing().clone(), fingerprint, links })
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
        let Accepted { peer, address, urgent, bulk } = self.arrivals.try_recv().ok()?;
        self.count += 1;
        log::info!("{address} has come: {peer}");
        let name = match peer {
            tcp::Peer::Paired { name, .. } => format!("{name}-{}", self.count),
            tcp::Peer::Trusted => format!("cable-{}", self.count),
        };
        Some(Remote { name, halves: Mutex::new(Some([urgent, bulk])) })
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.listener.close();
    }
}
