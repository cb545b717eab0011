//! The adapter: a system of its own around the driver, started on a link.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::thread::JoinHandle;

use pvgpu_kmd::Status;
use pvgpu_kmd_ddi::{DXGKQAITYPE_UMDRIVERPRIVATE, NTSTATUS};
use pvgpu_protocol::aperture::{GuestHello, Layout};
use pvgpu_protocol::host_info::{ArchivedHostInfo, HostInfo};
use pvgpu_protocol::kernel_interface::AdapterData;
use pvgpu_protocol::limits::DEFAULT_APERTURE_BYTES;
use pvgpu_transport::guest::ConnectError;
use pvgpu_transport::{Link, Region};
use pvgpu_umd_ddi::{D3DDDI_ADAPTERCALLBACKS, HANDLE};

use crate::device::{Device, DeviceError};
use crate::ffi;
use crate::frame::PresentSink;
use crate::handles::{self, Handles};
use crate::load::{self, LoadError, LoadedDriver};
use crate::machine::RootMachine;
use crate::nt::cpu::Cpu;
use crate::nt::process::Process;
use crate::nt::registry::RegistryValue;
use crate::port::driver::{DriverHandle, NtResult};
use crate::port::link::{LinkError, LinkService};
use crate::port::{DeviceInfo, Port};
use crate::removal::Removal;
use crate::system::System;

/// The adapters of this process.
pub(crate) static ADAPTERS: Handles<Adapter> = Handles::new();

/// The device's software key, where the driver's settings are.
pub(crate) const SOFTWARE_KEY: &str = "\\Registry\\Machine\\System\\CurrentControlSet\\Control\\Class\\{4d36e968-e325-11ce-bfc1-08002be10318}\\0000";
/// Its value with the aperture's size in MiB.
pub(crate) const APERTURE_SIZE: &str = "ApertureSize";
/// Its value with the size of the memory segment for the desktop in MiB.
pub(crate) const SEGMENT_SIZE: &str = "SegmentSize";

/// Why an adapter cannot be had; each is one sentence that says what to do.
#[derive(Debug)]
pub enum OpenError {
    /// There is no host to reach.
    Connect(ConnectError),
    /// The host was reached, but it and the driver found no common ground.
    Driver {
        /// Where.
        link: Link,
        /// What is wrong.
        status: Status,
    },
    /// The driver refused a call that it has no reason to refuse.
    Entry {
        /// Which one.
        entry: &'static str,
        /// Its status.
        status: NTSTATUS,
    },
    /// The driver's image cannot be loaded.
    Image(String),
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
            Self::Entry { entry, status } => {
                write!(f, "the driver does not start: {entry} gave {status:#010x}")
            }
            Self::Image(error) => write!(f, "the driver's image cannot be loaded: {error}"),
            Self::Thread(error) => write!(f, "the adapter's interrupt thread cannot be started ({error})"),
        }
    }
}

impl std::error::Error for OpenError {}

/// What is taken down when an adapter goes, in this order.
struct Running {
    port: Option<Arc<Port>>,
    system: Arc<System>,
    thread: Option<JoinHandle<()>>,
    driver: Option<LoadedDriver>,
}

impl Running {
    /// A system on a machine, with its processor.
    fn begin(machine: &Arc<RootMachine>) -> Result<Self, OpenError> {
        let system = System::new(machine.clone(), false, u64::from(std::process::id()));
        let mib = machine.mapping().len() as u64 >> 20;
        // CAST: an aperture of the root device is below 4 GiB.
        system.registry.set(SOFTWARE_KEY, APERTURE_SIZE, RegistryValue::Dword(mib as u32));
        // No desktop is shown on a program's own adapter.
        system.registry.set(SOFTWARE_KEY, SEGMENT_SIZE, RegistryValue::Dword(0));
        let thread = {
            let system = system.clone();
            let builder = std::thread::Builder::new().name("pvgpu interrupt".to_owned());
            builder.spawn(move || Cpu::run(&system)).map_err(OpenError::Thread)?
        };
        Ok(Self { port: None, system, thread: Some(thread), driver: None })
    }

    /// Loads the driver, adds and starts its device.
    fn start(&mut self) -> Result<Arc<Port>, OpenError> {
        let driver = load::load(&self.system, load::driver_image()).map_err(|error| match error {
            LoadError::Image(error) => OpenError::Image(error),
            LoadError::Entry(status) => OpenError::Entry { entry: "DriverEntry", status },
        })?;
        let table = self.driver.insert(driver).table;
        let failed = |entry| move |status| OpenError::Entry { entry, status };
        let info = DeviceInfo::new(SOFTWARE_KEY, Box::default());
        let port = Port::add(&self.system, table, info).map_err(failed("DxgkDdiAddDevice"))?;
        self.port = Some(port.clone());
        port.start().map_err(failed("DxgkDdiStartDevice"))?;
        Ok(port)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(port) = self.port.take() {
            port.end_link();
            port.stop_and_remove();
        }
        if let Some(driver) = &self.driver {
            driver.unload(&self.system);
        }
        self.system.cpu.stop(&self.system);
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
        {
            // A panic of the thread has been printed; there is nobody else to tell.
            let _ = thread.join();
        }
        self.system.check_unloaded();
    }
}

/// A pvgpu adapter that a host serves.
pub struct Adapter {
    running: Running,
    port: Arc<Port>,
    machine: Arc<RootMachine>,
    process: Arc<Process>,
    handle: usize,
    luid: u64,
    data: Box<AdapterData>,
    heap_offset: u64,
}

impl Adapter {
    /// Connects to the pvgpud that serves `link`, with an aperture of the usual size, and starts the driver.
    ///
    /// # Errors
    /// [`OpenError`] says what to do.
    pub fn open(link: &Link) -> Result<Arc<Self>, OpenError> {
        Self::open_with(link, DEFAULT_APERTURE_BYTES)
    }

    /// The same with an aperture of `aperture_bytes`: 64 MiB to below 4 GiB, a multiple of 1 MiB.
    ///
    /// # Errors
    /// [`OpenError`] says what to do.
    pub fn open_with(link: &Link, aperture_bytes: u64) -> Result<Arc<Self>, OpenError> {
        let machine = Arc::new(RootMachine::new(link, aperture_bytes).map_err(OpenError::Connect)?);
        let mut running = Running::begin(&machine)?;
        let port = running.start()?;
        let entry = |entry| move |status| OpenError::Entry { entry, status };
        let service = Arc::new(Process::new(u64::from(std::process::id()), true));
        let doorbell = machine.clone();
        let doorbell = Box::new(move || doorbell.ring_doorbell());
        let service = LinkService::attach(&port, service, doorbell, machine.mapping().len() as u64)
            .map_err(entry("DxgkDdiEscape (ATTACH_LINK)"))?;
        port.set_link(service);
        let up = port.link().map_or(Ok(()), |service| service.bring_up(&port, &machine));
        up.map_err(|error| match error {
            LinkError::Connect(error) => OpenError::Connect(error),
            LinkError::Host(status) => OpenError::Driver { link: link.clone(), status },
            LinkError::Driver(status) => OpenError::Entry { entry: "DxgkDdiEscape (LINK_UP)", status },
        })?;
        let process = Arc::new(Process::new(u64::from(std::process::id()), false));
        let mut data = Box::new(<AdapterData as bytemuck::Zeroable>::zeroed());
        let bytes = bytemuck::bytes_of_mut(data.as_mut());
        query_private(&port, &process, bytes).map_err(|status| {
            let why = port.adapter_status().ok().map(|status| Removal::of(&status));
            why.filter(|why| why.reason != 0)
                .map_or(OpenError::Entry { entry: "DxgkDdiQueryAdapterInfo", status }, |_| {
                    OpenError::Driver { link: link.clone(), status: Status::DeviceRemoved }
                })
        })?;
        let adapter = Arc::new(Self {
            heap_offset: heap_offset(&machine),
            running,
            port,
            machine,
            process,
            handle: handles::next(),
            luid: luid(link),
            data,
        });
        ADAPTERS.insert(adapter.handle, Arc::downgrade(&adapter));
        Ok(adapter)
    }

    /// What the host says about itself.
    pub fn host_info(&self) -> &ArchivedHostInfo {
        match HostInfo::access(&self.data.host_info) {
            Ok(info) => info,
            // PANIC: the driver checked these very words when the host answered, and nobody can change them since.
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
        Device::new(self.clone(), sink)
    }

    /// `D3DKMTEscape` without a device: what a program that renders nothing asks of the driver.
    ///
    /// # Errors
    /// The driver's `NTSTATUS`.
    pub fn escape(&self, private_driver_data: &mut [u8]) -> Result<(), NTSTATUS> {
        let none = (DriverHandle::default(), DriverHandle::default());
        self.port.driver().escape(&self.process, none, private_driver_data)
    }

    /// The number behind `hRTAdapter`.
    pub(crate) fn handle(&self) -> usize {
        self.handle
    }

    /// dxgkrnl's side of the adapter.
    pub(crate) fn port(&self) -> &Arc<Port> {
        &self.port
    }

    /// The process that everything is done for.
    pub(crate) fn process(&self) -> &Arc<Process> {
        &self.process
    }

    /// Why the host counts as gone, once it does.
    pub(crate) fn removal(&self) -> Option<Removal> {
        self.port.removal()
    }

    /// A part of the aperture's heap, for whoever shows a frame.
    pub(crate) fn heap_region(&self, offset: u64, bytes: u64) -> Option<Region> {
        let offset = self.heap_offset.checked_add(offset)?;
        self.machine.mapping().region(offset, bytes.checked_next_multiple_of(8)?).ok()
    }

    /// A cell of the aperture.
    pub(crate) fn cell(&self, index: usize) -> u64 {
        let cells = self.machine.mapping().whole();
        cells.as_ref().get(index).map_or(0, |cell| cell.load(std::sync::atomic::Ordering::Acquire))
    }

    /// How long the way to the host and back is; zero on one machine.
    pub(crate) fn round_trip(&self) -> std::time::Duration {
        self.machine.round_trip()
    }

    /// `QueryAdapterInfoCb`.
    pub(crate) fn query_adapter_info(&self, output_data: &mut [u8]) -> NtResult<()> {
        query_private(&self.port, &self.process, output_data)
    }
}

fn query_private(port: &Port, process: &Arc<Process>, output: &mut [u8]) -> NtResult<()> {
    port.driver().query_adapter_info(process, DXGKQAITYPE_UMDRIVERPRIVATE, &mut [], output)
}

/// Where the heap begins: both sides compute it from the sizes in the hello.
fn heap_offset(machine: &RootMachine) -> u64 {
    let cells = machine.mapping().whole();
    let cell = |index: usize| {
        cells.as_ref().get(index).map_or(0, |cell| cell.load(std::sync::atomic::Ordering::Acquire))
    };
    let layout = GuestHello::read(cell).and_then(|hello| Layout::new(hello.sizes).ok());
    layout.map_or(u64::MAX, |layout| layout.heap_offset)
}

impl fmt::Debug for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adapter").field("removal", &self.removal()).field("luid", &self.luid).finish()
    }
}

impl Drop for Adapter {
    fn drop(&mut self) {
        ADAPTERS.remove(self.handle);
        // The system goes with `running`.
        debug_assert!(self.running.port.is_some());
    }
}

/// A LUID from the link's address, with the high part never 0 as for a real adapter.
fn luid(link: &Link) -> u64 {
    let mut hasher = DefaultHasher::new();
    link.to_string().hash(&mut hasher);
    hasher.finish() | 1 << 32
}
