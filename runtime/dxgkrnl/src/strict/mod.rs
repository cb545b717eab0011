//! The model as a test bench: a Windows of one's own for each test, with every check on, and a host that the test plays.
//!
//! ```text
//!   System::boot            DriverEntry has registered the driver
//!     .add_device() .start()  AddDevice, StartDevice, QueryAdapterInfo …
//!     .attach_link() .link_up()   for ROOT\PVGPU: what its link service does
//!     .process(…)             a process of user mode
//!       .open_device()          a kernel device: contexts, allocations, escapes, Render, Present
//!       .kill()                 ends it as the task manager would
//!     .host()                 the host's end of the aperture: cells, doorbell, interrupt
//!     .fail_nth(n)            the n-th allocation or callback fails
//!     .unload()               Stop, Remove, Unload; then everything must have been given back
//!     .violations()           what the driver did wrong
//! ```
//! Nothing here panics; a driver's refusal is its `NTSTATUS`. The calls may come from any thread.

mod device;
mod display;
mod process;
mod sync;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use pvgpu_kmd_ddi::{
    DEVICE_POWER_STATE, NTSTATUS, POWER_ACTION, PowerDeviceD0, STATUS_INVALID_DEVICE_STATE,
    STATUS_NOT_SUPPORTED, STATUS_UNSUCCESSFUL,
};
use pvgpu_protocol::kernel_interface::{AdapterData, AdapterStatus};
use pvgpu_transport::Region;

pub use device::{Allocation, AllocationFacts, Context, Device, ListEntry, RenderCommand};
pub use display::{Display, Mode, Standard};
pub use process::{Process, UserMemory};
pub use sync::SyncObject;

use crate::adapter::{APERTURE_SIZE, SEGMENT_SIZE, SOFTWARE_KEY};
use crate::inject::Injected;
use crate::load::{self, DriverImage, LoadError, LoadedDriver};
use crate::machine::StrictMachine;
pub use crate::machine::{DeviceKind, PciDevice, Wake};
use crate::nt::cpu::Cpu;
use crate::nt::process::{Process as KernelProcess, SYSTEM_PROCESS};
use crate::nt::registry::RegistryValue;
use crate::port::driver::NtResult;
use crate::port::link::LinkService;
use crate::port::{DeviceInfo, Life, Port};
use crate::system;
use crate::verifier::Violation;

/// What a system is made of.
#[derive(Clone)]
pub struct Options {
    /// How the device is connected.
    pub device: DeviceKind,
    /// A device that is really there, which `device` and `aperture_bytes` do not describe then.
    pub pci: Option<Arc<dyn PciDevice>>,
    /// Bytes of the aperture: a multiple of 1 MiB from 64 MiB on, below 4 GiB for a root device.
    pub aperture_bytes: u64,
    /// MiB of the memory segment for VidMM; `None` lets the driver choose.
    pub segment_mib: Option<u32>,
    /// Further values below the device's software key.
    pub settings: Vec<(String, RegistryValue)>,
    /// How long a submission may take before the driver is reset; `None` never resets.
    pub tdr: Option<Duration>,
    /// The fence id after which submissions begin, for tests of the wrap.
    pub first_fence_id: u32,
    /// The driver's image; `None` runs the linked driver.
    pub image: Option<Arc<dyn DriverImage>>,
    /// All of the verifier's checks, also those that cost time. Off for measurements.
    pub strict: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            device: DeviceKind::Root,
            pci: None,
            aperture_bytes: 64 << 20,
            segment_mib: None,
            settings: Vec::new(),
            tdr: None,
            first_fence_id: 0,
            image: None,
            strict: true,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("device", &self.device)
            .field("aperture_bytes", &self.aperture_bytes)
            .field("image", &self.image.is_some())
            .finish_non_exhaustive()
    }
}

/// Why a system does not boot.
#[derive(Debug)]
pub enum BootError {
    /// This process has no memory for the machine, or no thread for its processor.
    Machine(std::io::Error),
    /// The driver's image cannot be loaded.
    Image(String),
    /// `DriverEntry` failed, or did not register.
    DriverEntry {
        /// Its status.
        status: NTSTATUS,
        /// What was made to fail.
        injected: Injected,
        /// What it did wrong, and what it left behind.
        violations: Vec<Violation>,
    },
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Machine(error) => write!(f, "the machine cannot be made ({error})"),
            Self::Image(error) => write!(f, "the driver's image cannot be loaded: {error}"),
            Self::DriverEntry { status, .. } => write!(f, "DriverEntry gave {status:#010x}"),
        }
    }
}

impl std::error::Error for BootError {}

/// What threads of a test share.
struct Shared {
    system: Arc<system::System>,
    machine: Arc<StrictMachine>,
    options: Options,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    port: Option<Arc<Port>>,
    driver: Option<LoadedDriver>,
    thread: Option<JoinHandle<()>>,
    processes: Vec<Process>,
    next_process: u64,
}

/// A running Windows with one device of the driver. Clones are the same system; it is shut down by [`System::unload`], or
/// when the last one goes.
#[derive(Clone)]
pub struct System {
    shared: Arc<Shared>,
}

impl fmt::Debug for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("System").field("options", &self.shared.options).finish_non_exhaustive()
    }
}

impl System {
    /// Starts a system and loads the driver: `DriverEntry` has registered it afterwards.
    ///
    /// # Errors
    /// [`BootError`].
    pub fn boot(options: Options) -> Result<Self, BootError> {
        Self::boot_failing(options, 0)
    }

    /// The same, where the `nth` call that may fail does fail from `DriverEntry` on; 0 for none.
    ///
    /// # Errors
    /// [`BootError`].
    pub fn boot_failing(options: Options, nth: u64) -> Result<Self, BootError> {
        let machine = match &options.pci {
            Some(device) => StrictMachine::around(device.clone()),
            None => StrictMachine::new(options.device, options.aperture_bytes).map_err(BootError::Machine)?,
        };
        let machine = Arc::new(machine);
        let system = system::System::new(machine.clone(), options.strict, SYSTEM_PROCESS);
        // CAST: the driver checks the value.
        let mib = (options.aperture_bytes >> 20) as u32;
        system.registry.set(SOFTWARE_KEY, APERTURE_SIZE, RegistryValue::Dword(mib));
        if let Some(mib) = options.segment_mib {
            system.registry.set(SOFTWARE_KEY, SEGMENT_SIZE, RegistryValue::Dword(mib));
        }
        for (name, value) in &options.settings {
            system.registry.set(SOFTWARE_KEY, name, value.clone());
        }
        let thread = {
            let system = system.clone();
            let builder = std::thread::Builder::new().name("pvgpu processor".to_owned());
            builder.spawn(move || Cpu::run(&system)).map_err(BootError::Machine)?
        };
        system.cpu.wait_started();
        let state = State { thread: Some(thread), next_process: 100, ..State::default() };
        let shared = Shared { system, machine, options, state: Mutex::new(state) };
        let this = Self { shared: Arc::new(shared) };
        if nth != 0 {
            this.fail_nth(nth);
        }
        let driver = load::load(&this.shared.system, this.shared.options.image.as_deref());
        let driver = match driver {
            Ok(driver) => driver,
            Err(LoadError::Image(error)) => return Err(BootError::Image(error)),
            Err(LoadError::Entry(status)) => {
                let injected = this.stop_failing();
                this.shared.unload();
                return Err(BootError::DriverEntry { status, injected, violations: this.violations() });
            }
        };
        this.shared.state().driver = Some(driver);
        Ok(this)
    }

    /// `AddDevice`.
    ///
    /// # Errors
    /// The driver's status; `STATUS_INVALID_DEVICE_STATE` when there is one already.
    pub fn add_device(&self) -> NtResult<()> {
        let mut state = self.shared.state();
        if state.port.is_some() {
            return Err(STATUS_INVALID_DEVICE_STATE);
        }
        let table = state.driver.as_ref().ok_or(STATUS_INVALID_DEVICE_STATE)?.table;
        let info = DeviceInfo::new(SOFTWARE_KEY, self.shared.machine.resources());
        let port = Port::add(&self.shared.system, table, info)?;
        port.scheduler.begin_after(self.shared.options.first_fence_id);
        port.set_tdr(self.shared.options.tdr);
        state.port = Some(port);
        Ok(())
    }

    /// `StartDevice`, and the queries that dxgkrnl makes of every adapter that has started: capabilities, segments, children
    /// and their status and descriptors. Does not need a host.
    ///
    /// # Errors
    /// The driver's status.
    pub fn start(&self) -> NtResult<()> {
        let port = self.port()?;
        port.start()?;
        let started = port.after_start();
        if started.is_err() {
            port.stop();
        }
        started
    }

    /// `StopDevice`; processes, devices and the link service end before.
    ///
    /// # Errors
    /// `STATUS_INVALID_DEVICE_STATE` when it is not started.
    pub fn stop(&self) -> NtResult<()> {
        let port = self.port()?;
        if port.life() != Life::Started {
            return Err(STATUS_INVALID_DEVICE_STATE);
        }
        self.end_processes();
        port.end_link();
        port.stop();
        Ok(())
    }

    /// `StopDevice` when it is started, and `RemoveDevice`.
    pub fn remove_device(&self) {
        // Not started is no reason not to be removed.
        let _ = self.stop();
        if let Some(port) = self.shared.state().port.take() {
            port.stop_and_remove();
        }
    }

    /// `DxgkDdiNotifySurpriseRemoval`; the device is to be removed with [`System::remove_device`] afterwards.
    ///
    /// # Errors
    /// The driver's status.
    pub fn surprise_removal(&self) -> NtResult<()> {
        let port = self.port()?;
        port.surprise_removal()
    }

    /// `DxgkDdiSetPowerState` of the adapter itself. Before it goes to sleep, what is in flight is waited for, two seconds at
    /// most.
    ///
    /// # Errors
    /// The driver's status.
    pub fn set_power(&self, state: DEVICE_POWER_STATE, action: POWER_ACTION) -> NtResult<()> {
        let port = self.port()?;
        if state != PowerDeviceD0 {
            port.scheduler.wait_idle(Duration::from_secs(2));
        }
        port.driver().set_power_state(state, action)
    }

    /// Removes the device and unloads the driver; then everything that the driver took must have been given back, which
    /// [`System::violations`] tells.
    pub fn unload(&self) {
        self.remove_device();
        self.shared.unload();
    }

    /// Attaches the link service of a root device; it kicks the driver whenever the host interrupts.
    ///
    /// # Errors
    /// The driver's status.
    pub fn attach_link(&self) -> NtResult<()> {
        let port = self.port()?;
        port.next_link(|| self.shared.machine.connect());
        let process = Arc::new(KernelProcess::new(self.shared.next_process(), true));
        let machine = self.shared.machine.clone();
        let doorbell = Box::new(move || machine.ring_doorbell());
        let bytes = self.shared.machine.aperture().len() as u64;
        let service = LinkService::attach(&port, process, doorbell, bytes)?;
        port.set_link(service);
        Ok(())
    }

    /// Tells the driver of a root device that the host has answered.
    ///
    /// # Errors
    /// The driver's status; `STATUS_INVALID_DEVICE_STATE` without a service.
    pub fn link_up(&self) -> NtResult<()> {
        let port = self.port()?;
        port.link().map_or(Err(STATUS_INVALID_DEVICE_STATE), |link| link.up(&port))
    }

    /// Detaches the link service, as its end does.
    pub fn detach_link(&self) {
        if let Ok(port) = self.port() {
            port.end_link();
        }
    }

    /// The host's end of the machine.
    pub fn host(&self) -> HostEnd {
        HostEnd { machine: self.shared.machine.clone() }
    }

    /// A new process without privileges.
    pub fn process(&self) -> Process {
        self.process_with(false)
    }

    /// A new process, with `SeLoadDriverPrivilege` or without.
    pub fn process_with(&self, may_load_drivers: bool) -> Process {
        let id = self.shared.next_process();
        let process = Process::new(self.clone_shared(), Arc::new(KernelProcess::new(id, may_load_drivers)));
        self.shared.state().processes.push(process.clone());
        process
    }

    /// The escape `ADAPTER_STATUS`, without a device.
    ///
    /// # Errors
    /// The driver's status.
    pub fn adapter_status(&self) -> NtResult<AdapterStatus> {
        self.port()?.adapter_status()
    }

    /// `QueryAdapterInfo(UMDRIVERPRIVATE)`.
    ///
    /// # Errors
    /// The driver's status.
    pub fn adapter_data(&self) -> NtResult<Box<AdapterData>> {
        let port = self.port()?;
        let mut data = Box::new(<AdapterData as bytemuck::Zeroable>::zeroed());
        port.driver().query_adapter_info(
            port.system_process(),
            pvgpu_kmd_ddi::DXGKQAITYPE_UMDRIVERPRIVATE,
            &mut [],
            bytemuck::bytes_of_mut(data.as_mut()),
        )?;
        Ok(data)
    }

    /// Waits until the driver's adapter is in a state of [`pvgpu_protocol::kernel_interface::adapter_state`].
    pub fn wait_for_state(&self, state: u32, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        loop {
            if self.adapter_status().is_ok_and(|status| status.state == state) {
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// `DxgkDdiPreemptCommand`, and the wait for its report; false when none came in time.
    ///
    /// # Errors
    /// `STATUS_NOT_SUPPORTED` when the driver's capabilities say that it does not preempt, the driver's status.
    pub fn preempt(&self, timeout: Duration) -> NtResult<bool> {
        let port = self.port()?;
        if !port.facts().is_some_and(|facts| facts.preemption_aware) {
            return Err(STATUS_NOT_SUPPORTED);
        }
        port.scheduler.preempt(port.driver())?;
        Ok(port.scheduler.wait_idle(timeout))
    }

    /// Waits until nothing is in flight; false when the time is over.
    pub fn wait_idle(&self, timeout: Duration) -> bool {
        self.port().is_ok_and(|port| port.scheduler.wait_idle(timeout))
    }

    /// `DxgkDdiQueryCurrentFence`.
    ///
    /// # Errors
    /// The driver's status.
    pub fn query_current_fence(&self) -> NtResult<u32> {
        self.port()?.driver().query_current_fence()
    }

    /// Fence id of the last submission that the driver has reported.
    pub fn last_completed_fence(&self) -> u32 {
        self.port().map_or(0, |port| port.scheduler.last_completed())
    }

    /// Resets the adapter as after a timeout: `QueryEngineStatus`, `CollectDbgInfo`, `ResetFromTimeout`,
    /// `RestartFromTimeout`; what was in flight is lost.
    ///
    /// # Errors
    /// The driver's status.
    pub fn reset_from_timeout(&self) -> NtResult<()> {
        self.port()?.reset_from_timeout()
    }

    /// `DxgkDdiResetEngine`: what was in flight is lost; gives the last fence id that the driver aborted.
    ///
    /// # Errors
    /// The driver's status.
    pub fn reset_engine(&self) -> NtResult<u32> {
        self.port()?.reset_engine()
    }

    /// The driver's memory segments: flags, base address, bytes.
    pub fn segments(&self) -> Vec<(u32, u64, u64)> {
        let facts = |port: Arc<Port>| {
            let segments = port.facts()?.segments.iter();
            Some(segments.map(|segment| (segment.flags, segment.base, segment.bytes)).collect())
        };
        self.port().ok().and_then(facts).unwrap_or_default()
    }

    /// `DxgkDdiQueryChildStatus` of all children: child and whether it is connected.
    ///
    /// # Errors
    /// The driver's status.
    pub fn children(&self) -> NtResult<Vec<(u32, bool)>> {
        let port = self.port()?;
        let children = port.facts().map(|facts| facts.children.clone()).unwrap_or_default();
        let status = |child: u32| Ok((child, port.driver().query_child_status(child)?));
        children.into_iter().map(status).collect()
    }

    /// `DxgkDdiQueryDeviceDescriptor` of a child: its EDID, as it is now.
    ///
    /// # Errors
    /// The driver's status.
    pub fn edid(&self, child: u32) -> NtResult<Vec<u8>> {
        self.port()?.driver().query_device_descriptor(child)
    }

    /// `DxgkDdiInterruptRoutine` at device level, as for an interrupt of another device on a shared line: whether the driver
    /// takes it for its own.
    pub fn interrupt_routine(&self, message: u32) -> bool {
        self.port().is_ok_and(|port| port.interrupt(message))
    }

    /// Submissions that the driver has not reported.
    pub fn in_flight(&self) -> usize {
        self.port().map_or(0, |port| port.scheduler.in_flight())
    }

    /// The EDIDs of the driver's children, as they were when it started.
    pub fn edids(&self) -> Vec<Vec<u8>> {
        self.port().ok().and_then(|port| Some(port.facts()?.edids.clone())).unwrap_or_default()
    }

    /// Gives an allocation a place in the segment, as a DMA buffer that refers to it does; its segment and address.
    ///
    /// # Errors
    /// `STATUS_GRAPHICS_NO_VIDEO_MEMORY`, the driver's status.
    pub fn make_resident(&self, allocation: &Allocation) -> NtResult<(u32, u64)> {
        self.port()?.make_resident(allocation.kernel())
    }

    /// Copies an allocation's content to system memory and takes its place away.
    ///
    /// # Errors
    /// The driver's status.
    pub fn evict(&self, allocation: &Allocation) -> NtResult<()> {
        self.port()?.evict(allocation.kernel())
    }

    /// Where an allocation lies in the segment now.
    pub fn placement(&self, allocation: &Allocation) -> Option<u64> {
        self.port().ok()?.placement(allocation.kernel())
    }

    /// How many allocations lost their place because others needed room.
    pub fn evictions(&self) -> u64 {
        self.port().map_or(0, |port| port.evictions())
    }

    /// How often the adapter was reset because a submission took too long.
    pub fn resets(&self) -> u32 {
        self.port().map_or(0, |port| port.resets())
    }

    /// Vertical blanks that the driver has reported.
    pub fn vsyncs(&self) -> u64 {
        self.port().map_or(0, |port| port.scheduler.vsyncs())
    }

    /// What the driver said of its children since the last call: child and whether it is connected.
    pub fn take_child_changes(&self) -> Vec<(u32, bool)> {
        self.port().map(|port| port.take_child_changes()).unwrap_or_default()
    }

    /// The display: modes, VidPNs, the pointer.
    ///
    /// # Errors
    /// `STATUS_INVALID_DEVICE_STATE` when the device is not started.
    pub fn display(&self) -> NtResult<Display> {
        let port = self.port()?;
        if port.life() == Life::Started { Ok(Display::new(port)) } else { Err(STATUS_INVALID_DEVICE_STATE) }
    }

    /// `DxgkDdiStopDeviceAndReleasePostDisplayOwnership`: stops the device, whose picture stays: width, height, pitch and
    /// `D3DDDIFORMAT`.
    ///
    /// # Errors
    /// The driver's status; `STATUS_INVALID_DEVICE_STATE` when it is not started.
    pub fn stop_and_release_display(&self) -> NtResult<(u32, u32, u32, u32)> {
        let port = self.port()?;
        if port.life() != Life::Started {
            return Err(STATUS_INVALID_DEVICE_STATE);
        }
        self.end_processes();
        port.end_link();
        let shown = port.release_post_display()?;
        Ok((shown.Width, shown.Height, shown.Pitch, shown.ColorFormat))
    }

    /// From now on the `nth` allocation or callback that may fail does fail, counted from 1; `u64::MAX` only counts.
    pub fn fail_nth(&self, nth: u64) {
        self.shared.system.inject.arm(nth);
    }

    /// Nothing fails any more; tells what has.
    pub fn stop_failing(&self) -> Injected {
        self.shared.system.inject.disarm()
    }

    /// What the driver did wrong so far.
    pub fn violations(&self) -> Vec<Violation> {
        self.shared.system.verifier.all()
    }

    /// What the driver wrote to the debugger, oldest first.
    pub fn debug_lines(&self) -> Vec<String> {
        self.shared.system.debug_lines()
    }

    /// Pool blocks allocated now, and allocations ever made.
    pub fn pool(&self) -> (usize, u64) {
        (self.shared.system.pool.blocks(), self.shared.system.pool.allocations())
    }

    /// Timers of the driver that run.
    pub fn timers(&self) -> usize {
        self.shared.system.cpu.timers()
    }

    /// Waits until all DPCs that are queued have run.
    pub fn flush_dpcs(&self) {
        self.shared.system.cpu.flush();
    }

    /// Calls of the driver so far: entries, interrupt routine, DPCs, timers.
    pub fn driver_calls(&self) -> u64 {
        self.shared.system.driver_calls()
    }

    /// How often the processor has been woken from its sleep.
    pub fn wakes(&self) -> u64 {
        self.shared.system.cpu.wakes()
    }

    fn port(&self) -> NtResult<Arc<Port>> {
        self.shared.port()
    }

    fn end_processes(&self) {
        let processes = std::mem::take(&mut self.shared.state().processes);
        processes.iter().for_each(Process::kill);
    }

    fn clone_shared(&self) -> Arc<Shared> {
        self.shared.clone()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn port(&self) -> NtResult<Arc<Port>> {
        self.state().port.clone().ok_or(STATUS_UNSUCCESSFUL)
    }

    fn next_process(&self) -> u64 {
        let mut state = self.state();
        state.next_process += 4;
        state.next_process
    }

    fn unload(&self) {
        let (driver, thread) = {
            let mut state = self.state();
            (state.driver.take(), state.thread.take())
        };
        let Some(thread) = thread else { return };
        if let Some(driver) = &driver {
            driver.unload(&self.system);
        }
        self.system.cpu.stop(&self.system);
        if thread.thread().id() != std::thread::current().id() {
            // A panic of the thread has been printed; there is nobody else to tell.
            let _ = thread.join();
        }
        self.system.check_unloaded();
        drop(driver);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(port) = self.state().port.take() {
            port.end_link();
            port.stop_and_remove();
        }
        self.unload();
    }
}

/// The host's end: what a host sees of the machine, and what it can do.
#[derive(Clone, Debug)]
pub struct HostEnd {
    machine: Arc<StrictMachine>,
}

impl HostEnd {
    /// The whole aperture.
    pub fn aperture(&self) -> Region {
        self.machine.aperture()
    }

    /// Waits until the guest rings the doorbell; false when the time is over.
    pub fn wait_doorbell(&self, timeout: Duration) -> bool {
        self.machine.wait_doorbell(timeout)
    }

    /// Interrupts the guest.
    pub fn interrupt(&self) {
        self.machine.interrupt();
    }

    /// Closes the host's end: a root device's link service notices.
    pub fn hang_up(&self) {
        self.machine.hang_up();
    }

    /// What the host writes into [`pvgpu_protocol::aperture::host_cell::DOORBELL`]: one more than the register's value that
    /// interrupts it (it is peer 2) on a PCI device, 0 on a root device.
    pub fn doorbell_cell(&self) -> u64 {
        if self.machine.kind() == DeviceKind::Root { 0 } else { (2 << 16) + 1 }
    }
}
