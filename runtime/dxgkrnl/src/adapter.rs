//! The adapter: the driver's core, started on a link, with the thread that is its interrupt line.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use pvgpu_kmd::ddi::QueryAdapterInfo;
use pvgpu_kmd::{AdapterState, HostDescription, Removal, Status};
use pvgpu_protocol::aperture::HEARTBEAT_MS;
use pvgpu_protocol::host_info::{ArchivedHostInfo, HostInfo};
use pvgpu_protocol::limits::DEFAULT_APERTURE_BYTES;
use pvgpu_transport::Link;
use pvgpu_transport::shm::{ConnectError, Wake};
use pvgpu_umd_ddi::{D3DDDI_ADAPTERCALLBACKS, HANDLE};

use crate::device::{Device, DeviceError, DeviceState, RemovedReason};
use crate::ffi;
use crate::frame::PresentSink;
use crate::handles::{self, Handles};
use crate::irql::{Irql, raise};
use crate::kernel::ModelKernel;

/// The adapters of this process.
pub(crate) static ADAPTERS: Handles<Adapter> = Handles::new();

/// Pause between two heartbeats: half of what the protocol asks for, since a busy machine wakes threads late.
const BEAT: Duration = Duration::from_millis(HEARTBEAT_MS / 2);

/// Why an adapter cannot be had; each is one sentence that says what to do.
#[derive(Debug)]
pub enum OpenError {
    /// There is no host to reach.
    Connect(ConnectError),
    /// The host was reached, but it and the driver found no common ground.
    Driver {
        /// Where.
        link: Link,
        /// What the driver says.
        status: Status,
    },
    /// The system gives no thread.
    Thread(std::io::Error),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => error.fmt(f),
            Self::Driver { link, status } => {
                write!(f, "pvgpud on {link} cannot be used: {status}; its log says more")
            }
            Self::Thread(error) => write!(f, "the adapter's interrupt thread cannot be started ({error})"),
        }
    }
}

impl std::error::Error for OpenError {}

/// What the adapter shares with its interrupt thread.
struct Shared {
    kmd: pvgpu_kmd::Adapter<ModelKernel>,
    stop: AtomicBool,
    devices: Mutex<Vec<Weak<DeviceState>>>,
}

impl Shared {
    fn devices(&self) -> MutexGuard<'_, Vec<Weak<DeviceState>>> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A pvgpu adapter that a host serves.
pub struct Adapter {
    shared: Arc<Shared>,
    handle: usize,
    luid: u64,
    host: HostDescription,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Adapter {
    /// Connects to the pvgpud that serves `link`, with an aperture of the usual size, and starts the driver.
    ///
    /// # Errors
    /// [`OpenError`] says what to do.
    pub fn open(link: &Link) -> Result<Arc<Self>, OpenError> {
        Self::open_with(link, DEFAULT_APERTURE_BYTES)
    }

    /// The same with an aperture of `aperture_bytes`: 64 MiB to 8 GiB, a multiple of 64 KiB.
    ///
    /// # Errors
    /// [`OpenError`] says what to do.
    pub fn open_with(link: &Link, aperture_bytes: u64) -> Result<Arc<Self>, OpenError> {
        let kmd = pvgpu_kmd::Adapter::new(ModelKernel::new(link.clone(), aperture_bytes));
        let driver = |status| OpenError::Driver { link: link.clone(), status };
        if let Err(status) = kmd.start_device() {
            return Err(kmd.kernel().take_connect_error().map_or_else(|| driver(status), OpenError::Connect));
        }
        let host = kmd.host_description().map_err(driver)?;
        let shared = Arc::new(Shared { kmd, stop: AtomicBool::new(false), devices: Mutex::new(Vec::new()) });
        let thread = {
            let shared = shared.clone();
            std::thread::Builder::new()
                .name("pvgpu interrupt".to_owned())
                .spawn(move || serve_interrupts(&shared))
        };
        let thread = match thread {
            Ok(thread) => thread,
            Err(error) => {
                let _ = shared.kmd.stop_device();
                return Err(OpenError::Thread(error));
            }
        };
        let adapter = Arc::new(Self {
            shared,
            handle: handles::next(),
            luid: luid(link),
            host,
            thread: Mutex::new(Some(thread)),
        });
        ADAPTERS.insert(adapter.handle, Arc::downgrade(&adapter));
        Ok(adapter)
    }

    /// What the host says about itself.
    pub fn host_info(&self) -> &ArchivedHostInfo {
        match HostInfo::access(&self.host.host_info) {
            Ok(info) => info,
            // PANIC: the driver checked these very words when it started, and nobody can change them since.
            Err(error) => unreachable!("{error}"),
        }
    }

    /// The adapter's locally unique identifier: the same for every opening of one link in any process of this machine.
    pub fn luid(&self) -> u64 {
        self.luid
    }

    /// Whether the host is gone. Final: a new adapter must be opened.
    pub fn removed(&self) -> bool {
        self.removal().is_some()
    }

    /// `hRTAdapter` and the callbacks for `OpenAdapter10_2`.
    pub fn adapter_callbacks(&self) -> (HANDLE, &'static D3DDDI_ADAPTERCALLBACKS) {
        (ffi::to_handle(self.handle), ffi::adapter_callbacks())
    }

    /// Makes a device whose presented frames go to `sink`.
    ///
    /// # Errors
    /// [`DeviceError::Removed`] when the host is gone, [`DeviceError::Driver`] and [`DeviceError::Thread`] when something
    /// is used up.
    pub fn create_device(self: &Arc<Self>, sink: Arc<dyn PresentSink>) -> Result<Device, DeviceError> {
        let device = Device::new(self.clone(), sink)?;
        let mut devices = self.shared.devices();
        devices.retain(|device| device.strong_count() != 0);
        devices.push(Arc::downgrade(device.state()));
        drop(devices);
        if let Some(why) = self.removal() {
            device.state().remove(RemovedReason::Host(why));
        }
        Ok(device)
    }

    /// The number behind `hRTAdapter`.
    pub(crate) fn handle(&self) -> usize {
        self.handle
    }

    /// The driver.
    pub(crate) fn kmd(&self) -> &pvgpu_kmd::Adapter<ModelKernel> {
        &self.shared.kmd
    }

    /// Why the host counts as gone, once it does.
    pub(crate) fn removal(&self) -> Option<Removal> {
        removal(&self.shared)
    }

    /// `QueryAdapterInfoCb`.
    pub(crate) fn query_adapter_info(&self, output_data: &mut [u8]) -> Result<(), Status> {
        self.kmd().query_adapter_info(QueryAdapterInfo::UmDriverPrivate { output_data })
    }
}

impl fmt::Debug for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adapter").field("state", &self.kmd().state()).field("luid", &self.luid).finish()
    }
}

impl Drop for Adapter {
    fn drop(&mut self) {
        ADAPTERS.remove(self.handle);
        self.shared.stop.store(true, Ordering::Release);
        if let Some(port) = self.kmd().kernel().port() {
            port.wake_waiter();
        }
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.thread().id() != std::thread::current().id()
        {
            thread.thread().unpark();
            // A panic of the thread has been printed; there is nobody else to tell.
            let _ = thread.join();
        }
        // The adapter was started, so that a refusal could only say that it is stopped already.
        let _ = self.kmd().stop_device();
    }
}

fn removal(shared: &Shared) -> Option<Removal> {
    match shared.kmd.state() {
        AdapterState::Removed(why) => Some(why),
        AdapterState::Stopped
        | AdapterState::Starting
        | AdapterState::Running
        | AdapterState::Resetting
        | AdapterState::Stopping => None,
    }
}

/// A LUID from the link's address, with the high part never 0 as for a real adapter.
fn luid(link: &Link) -> u64 {
    let mut hasher = DefaultHasher::new();
    link.to_string().hash(&mut hasher);
    hasher.finish() | 1 << 32
}

/// The interrupt line, the DPC queue and the heartbeat timer of one adapter.
fn serve_interrupts(shared: &Shared) {
    let kernel = shared.kmd.kernel();
    let Some(port) = kernel.port() else { return };
    let mut last_beat = Instant::now();
    let mut told = false;
    while !shared.stop.load(Ordering::Acquire) {
        match port.wait_interrupt(BEAT) {
            Wake::Rung => {
                let _device = raise(Irql::Device);
                shared.kmd.interrupt_routine();
            }
            Wake::Timeout => {}
            Wake::Gone => {
                shared.kmd.link_broken();
                if told {
                    // Nothing comes any more, and nothing is in flight; only the stop is waited for.
                    std::thread::park();
                }
            }
        }
        if last_beat.elapsed() >= BEAT {
            last_beat = Instant::now();
            shared.kmd.heartbeat();
        }
        while kernel.take_dpc() {
            let _dispatch = raise(Irql::Dispatch);
            shared.kmd.dpc_routine();
        }
        if !told && let Some(why) = removal(shared) {
            told = true;
            for device in shared.devices().iter().filter_map(Weak::upgrade) {
                device.remove(RemovedReason::Host(why));
            }
        }
    }
}
