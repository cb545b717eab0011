//! The link service that ships, on the driver's image: a process of the model in place of pvgpu-link.exe, and a host at the other end
//! of a TCP link.
#![expect(unsafe_code, reason = "promises what the model does with an attached device")]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use pvgpu_dxgkrnl::strict::{Device, Process, System};
use pvgpu_link::{Driver, DriverError, LinkEscapes};
use pvgpu_protocol::aperture::Layout;
use pvgpu_thunks::{NtStatus, ThunkError};
use pvgpu_transport::mirror::{Greeted, MirrorHost};
use pvgpu_transport::secure::{Identity, Peers};
use pvgpu_transport::shm::Wake;
use pvgpu_transport::tcp::{Door, Listener, Options};
use pvgpu_transport::{Mapping, Region};

use crate::host::{Carrier, Manners, ScriptedHost};
use crate::rig::SOON;

/// The model's process with the link service.
#[derive(Debug)]
pub struct ServiceProcess {
    process: Process,
}

impl ServiceProcess {
    /// A process that may load drivers.
    pub fn new(system: &System) -> Self {
        Self { process: system.process_with(true) }
    }

    /// Mappings of the driver in it.
    pub fn mappings(&self) -> usize {
        self.process.mappings()
    }
}

/// An event of the process, as whoever waits for it sees it.
#[derive(Debug, Default)]
struct Event {
    set: Mutex<bool>,
    changed: Condvar,
}

impl Event {
    fn set(&self) {
        *self.set.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }
}

/// The process's device.
pub struct ServiceDevice {
    process: Process,
    device: Device,
    event: Arc<Event>,
    handle: u64,
}

impl Driver for ServiceProcess {
    type Device = ServiceDevice;

    fn open(&self) -> Result<ServiceDevice, DriverError> {
        let failed = |status| ThunkError::Call { name: "D3DKMTCreateDevice", status: NtStatus(status) };
        let device = self.process.open_device().map_err(failed)?;
        let event = Arc::new(Event::default());
        let sets = event.clone();
        let handle = self.process.create_event(move || sets.set());
        Ok(ServiceDevice { process: self.process.clone(), device, event, handle })
    }
}

impl LinkEscapes for ServiceDevice {
    type Error = NtStatus;

    fn escape(&self, data: &mut [u8]) -> Result<(), NtStatus> {
        self.device.escape(None, data).map_err(NtStatus)
    }
}

// SAFETY: the model carries escapes to the driver as they are. It maps what the driver maps into a process until the driver unmaps
// it, which it does by `DETACH_LINK`, or when the device is destroyed. Nothing else uses that memory.
unsafe impl pvgpu_link::Device for ServiceDevice {
    fn event(&self) -> u64 {
        self.handle
    }

    fn wait(&self, timeout: Duration) -> bool {
        let set = self.event.set.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = self.event.changed.wait_timeout_while(set, timeout, |set| !*set);
        std::mem::take(&mut *wait.unwrap_or_else(PoisonError::into_inner).0)
    }

    fn wake(&self) {
        self.event.set();
    }
}

impl Drop for ServiceDevice {
    fn drop(&mut self) {
        self.device.destroy();
        self.process.close_handle(self.handle);
    }
}

/// A machine that takes guests over TCP, and has a host for each.
pub struct LinkHost {
    address: SocketAddr,
    shared: Arc<Hosts>,
    thread: Option<JoinHandle<()>>,
}

struct Hosts {
    stop: AtomicBool,
    state: Mutex<(Manners, Vec<ScriptedHost>)>,
}

impl Hosts {
    fn lock(&self) -> MutexGuard<'_, (Manners, Vec<ScriptedHost>)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, listener: &Listener) {
        while !self.stop.load(Ordering::Acquire) {
            let Ok(Some(accepted)) = listener.accept_within(Duration::from_millis(20)) else { continue };
            // A guest that has gone again is no matter.
            let Ok(greeted) = Greeted::hear(accepted.into_channels(), SOON) else { continue };
            let layout = Layout::new(greeted.hello.sizes).expect("the driver's sizes");
            // CAST: the driver's aperture is in this process as well.
            let mapping = Mapping::anonymous(layout.sizes.aperture as usize).expect("memory");
            let mirrored = Mirrored(greeted.begin(mapping, layout).expect("it begins"));
            let mut state = self.lock();
            let manners = state.0;
            state.1.push(ScriptedHost::serve(mirrored, manners));
        }
    }
}

impl LinkHost {
    /// Listens on a free port; each guest gets a host with these manners.
    ///
    /// # Panics
    /// When there is none.
    pub fn listen(manners: Manners) -> Self {
        let options = Options { trust_link: true, ..Options::default() };
        let identity = Identity::generate().expect("random bytes");
        // Nobody is paired on a link that is trusted.
        let peers = Peers::in_folder(&std::env::temp_dir());
        let report = Arc::new(|_: &pvgpu_transport::tcp::Event| {});
        let listener = Listener::bind(&["127.0.0.1:0"], Door::new(identity, peers, options, report));
        let listener = listener.expect("a free port");
        let address = listener.addresses()[0];
        let shared =
            Arc::new(Hosts { stop: AtomicBool::new(false), state: Mutex::new((manners, Vec::new())) });
        let serves = shared.clone();
        let thread = Some(std::thread::spawn(move || serves.serve(&listener)));
        Self { address, shared, thread }
    }

    /// The link that leads here.
    pub fn link(&self) -> String {
        format!("tcp://{}", self.address)
    }

    /// Changes the manners of the hosts that are there, and of later ones.
    pub fn behave(&self, manners: Manners) {
        let mut state = self.shared.lock();
        state.0 = manners;
        state.1.iter().for_each(|host| host.behave(manners));
    }

    /// Ends the hosts that are there as a killed process ends; later ones have these manners.
    pub fn kill(&self, then: Manners) {
        let mut state = self.shared.lock();
        state.0 = then;
        state.1.clear();
    }

    /// Contexts that the hosts that are there have seen.
    pub fn contexts(&self) -> u64 {
        self.shared.lock().1.iter().map(|host| host.counts().contexts.load(Ordering::Relaxed)).sum()
    }
}

impl Drop for LinkHost {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let joined = thread.join();
            assert!(joined.is_ok() || std::thread::panicking(), "the host does not panic");
        }
    }
}

/// The host's end of a mirror.
struct Mirrored(Arc<MirrorHost>);

impl Carrier for Mirrored {
    fn aperture(&self) -> Region {
        self.0.mapping().whole()
    }

    fn wait_doorbell(&self, timeout: Duration) -> bool {
        self.0.wait_doorbell(timeout) == Wake::Rung
    }

    fn interrupt(&self) {
        self.0.interrupt();
    }

    fn hang_up(&self) {
        self.0.end("the host is gone");
    }
}
