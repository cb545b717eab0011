//! dxgkrnl's display port: one adapter of the driver, from `AddDevice` to `RemoveDevice`.
//!
//! The driver is called through [`driver`], calls back through [`callbacks`]. Interrupts and DPCs run on the system's
//! processor; what they find out is acted on at `PASSIVE_LEVEL` afterwards ([`Port::passive_work`]).

pub(crate) mod buffers;
mod callbacks;
pub(crate) mod device;
pub(crate) mod display;
pub(crate) mod driver;
mod initialize;
pub(crate) mod link;
pub(crate) mod scheduler;
mod start;
pub(crate) mod vidmm;
pub(crate) mod vidpn;

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, TryLockError, Weak};
use std::time::{Duration, Instant};

use pvgpu_kmd_ddi::*;
use pvgpu_protocol::kernel_interface::{AdapterStatus, PrivateData, adapter_state};

use crate::handles;
use crate::irql::{self, Irql};
use crate::machine::Wake;
use crate::nt::process::Process;
use crate::removal::Removal;
use crate::system::System;
use device::KernelDevice;
use driver::{Driver, DriverHandle, NtResult, Table};
pub(crate) use initialize::dxgk_initialize;
use link::LinkService;
use scheduler::Scheduler;
use start::Facts;
use vidmm::VidMm;
use vidpn::VidPns;

/// How long the end of an adapter waits for the processor to leave the driver.
const LEAVE_LIMIT: Duration = Duration::from_secs(5);

/// Where an adapter is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// `AddDevice` succeeded.
    Added,
    /// In `StartDevice`.
    Starting,
    /// `StartDevice` succeeded.
    Started,
    /// `StopDevice` returned.
    Stopped,
    /// `RemoveDevice` returned.
    Removed,
}

/// Who wants to know what becomes of an adapter. Called at `PASSIVE_LEVEL`.
pub(crate) trait Watcher: Send + Sync {
    /// A submission has faulted, perhaps one of this watcher's.
    fn look(&self);

    /// The adapter is removed.
    fn adapter_removed(&self, why: Removal);
}

/// What dxgkrnl's handle of an allocation stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HandleData {
    /// The driver's handle of the allocation.
    pub(crate) allocation: DriverHandle,
    /// dxgkrnl's handle of the resource, 0 for none.
    pub(crate) resource: D3DKMT_HANDLE,
}

/// One adapter.
pub(crate) struct Port {
    driver: Driver,
    handle: usize,
    life: Mutex<Life>,
    interrupt_lock: Mutex<()>,
    /// Held while the processor calls the driver at `PASSIVE_LEVEL`.
    passive: Mutex<()>,
    pub(crate) scheduler: Scheduler,
    info: DeviceInfo,
    topology: OnceLock<(u32, u32)>,
    /// Allocations by dxgkrnl's handle.
    allocations: RwLock<BTreeMap<D3DKMT_HANDLE, HandleData>>,
    watchers: Mutex<Vec<Weak<dyn Watcher>>>,
    faulted: AtomicBool,
    /// The driver's state may have changed.
    look: AtomicBool,
    removal: OnceLock<Removal>,
    child_changes: Mutex<Vec<(u32, bool)>>,
    link: Mutex<Option<Arc<LinkService>>>,
    /// Devices whose contexts may wait for sync objects.
    devices: Mutex<Vec<Weak<KernelDevice>>>,
    signalled: AtomicBool,
    tdr: Mutex<Option<Duration>>,
    resets: AtomicU32,
    facts: OnceLock<Facts>,
    vidmm: Mutex<Option<Arc<VidMm>>>,
    vidpns: VidPns,
}

/// What `DxgkCbGetDeviceInformation` tells.
#[derive(Debug, Default)]
pub(crate) struct DeviceInfo {
    /// `DeviceRegistryPath`, in UTF-16 with a terminator.
    registry_path: Box<[u16]>,
    /// The translated resources as `CM_RESOURCE_LIST` in 64-bit words; empty for none.
    resources: Box<[u64]>,
}

impl DeviceInfo {
    /// A device whose software key is `registry_path`.
    pub(crate) fn new(registry_path: &str, resources: Box<[u64]>) -> Self {
        Self { registry_path: registry_path.encode_utf16().chain([0]).collect(), resources }
    }
}

impl Port {
    /// `AddDevice` of the driver that registered `table`.
    ///
    /// # Errors
    /// The driver's status.
    pub(crate) fn add(system: &Arc<System>, table: Table, info: DeviceInfo) -> NtResult<Arc<Self>> {
        let driver = Driver::new(system, table);
        driver.add_device()?;
        let port = Arc::new(Self {
            driver,
            handle: handles::next(),
            life: Mutex::new(Life::Added),
            interrupt_lock: Mutex::default(),
            passive: Mutex::default(),
            scheduler: Scheduler::new(),
            info,
            topology: OnceLock::new(),
            allocations: RwLock::default(),
            watchers: Mutex::default(),
            faulted: AtomicBool::new(false),
            look: AtomicBool::new(false),
            removal: OnceLock::new(),
            child_changes: Mutex::default(),
            link: Mutex::default(),
            devices: Mutex::default(),
            signalled: AtomicBool::new(false),
            tdr: Mutex::default(),
            resets: AtomicU32::new(0),
            facts: OnceLock::new(),
            vidmm: Mutex::default(),
            vidpns: VidPns::default(),
        });
        system.set_port(Arc::downgrade(&port));
        Ok(port)
    }

    /// `StartDevice`.
    ///
    /// # Errors
    /// The driver's status.
    pub(crate) fn start(&self) -> NtResult<()> {
        self.set_life(Life::Starting);
        let mut start = DXGK_START_INFO {
            RequiredDmaQueueEntry: 32,
            AdapterLuid: LUID { LowPart: self.handle as u32, HighPart: 0 },
            ..Default::default()
        };
        let mut interface = callbacks::interface(self);
        match self.driver.start_device(&mut start, &mut interface) {
            Ok(topology) => {
                self.topology.get_or_init(|| topology);
                self.set_life(Life::Started);
                Ok(())
            }
            Err(status) => {
                self.set_life(Life::Stopped);
                Err(status)
            }
        }
    }

    /// `StopDevice`, when it was started. The system's own device ends before.
    pub(crate) fn stop(&self) {
        if self.life() == Life::Started {
            let vidmm = self.vidmm.lock().unwrap_or_else(PoisonError::into_inner).take();
            drop(vidmm);
            // A driver that refuses to stop is stopped all the same: the device is going.
            let _ = self.driver.stop_device();
            self.set_life(Life::Stopped);
        }
    }

    /// `StopDeviceAndReleasePostDisplayOwnership` instead of `StopDevice`: what the display shows goes on to the next
    /// driver.
    ///
    /// # Errors
    /// The driver's status; then the device is still started.
    pub(crate) fn release_post_display(&self) -> NtResult<DXGK_DISPLAY_INFORMATION> {
        let vidmm = self.vidmm.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(vidmm);
        let information = self.driver.release_post_display(display::PATH.1)?;
        self.set_life(Life::Stopped);
        Ok(information)
    }

    /// [`Port::stop`] and `RemoveDevice`.
    pub(crate) fn stop_and_remove(&self) {
        self.scheduler.close();
        self.stop();
        self.leave_driver();
        let _ = self.driver.remove_device();
        self.set_life(Life::Removed);
    }

    /// Waits until the processor has left the driver: an interrupt, or what it does at `PASSIVE_LEVEL`, may have begun while
    /// the adapter was started. A watcher may wait for whoever ends the adapter, so this does not wait for ever.
    fn leave_driver(&self) {
        drop(self.interrupt_lock.lock().unwrap_or_else(PoisonError::into_inner));
        if self.system().cpu.is_current() {
            return;
        }
        let start = Instant::now();
        while matches!(self.passive.try_lock(), Err(TryLockError::WouldBlock))
            && start.elapsed() < LEAVE_LIMIT
        {
            std::thread::sleep(Duration::from_micros(100));
        }
    }

    /// The driver.
    pub(crate) fn driver(&self) -> &Driver {
        &self.driver
    }

    /// The system.
    pub(crate) fn system(&self) -> &Arc<System> {
        self.driver.system()
    }

    /// `DXGKRNL_INTERFACE::DeviceHandle`.
    pub(crate) fn device_handle(&self) -> HANDLE {
        std::ptr::without_provenance_mut(self.handle)
    }

    /// Where the adapter is in its life.
    pub(crate) fn life(&self) -> Life {
        *self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_life(&self, life: Life) {
        *self.life.lock().unwrap_or_else(PoisonError::into_inner) = life;
    }

    /// The number of video present sources and of children, once it is started.
    pub(crate) fn topology(&self) -> (u32, u32) {
        self.topology.get().copied().unwrap_or_default()
    }

    /// The VidPNs that the driver is shown.
    pub(crate) fn vidpns(&self) -> &VidPns {
        &self.vidpns
    }

    /// `DxgkCbGetDeviceInformation`.
    fn device_info(&self) -> DXGK_DEVICE_INFO {
        let path = &self.info.registry_path;
        // CAST: a registry path is far below 32 KiB.
        let bytes = (path.len().saturating_sub(1) * 2) as u16;
        let resources = if self.info.resources.is_empty() {
            std::ptr::null_mut()
        } else {
            self.info.resources.as_ptr().cast_mut().cast()
        };
        DXGK_DEVICE_INFO {
            DeviceRegistryPath: UNICODE_STRING {
                Length: bytes,
                MaximumLength: bytes + 2,
                Buffer: path.as_ptr().cast_mut(),
            },
            TranslatedResourceList: resources,
            SystemMemorySize: 4 << 30,
            HighestPhysicalAddress: i64::MAX,
            ..Default::default()
        }
    }

    /// Runs with the interrupt held off, at device level.
    fn synchronized<R>(&self, run: impl FnOnce(&System) -> R) -> R {
        let _held = self.interrupt_lock.lock().unwrap_or_else(PoisonError::into_inner);
        run(self.system())
    }

    /// `DxgkCbQueueDpc`.
    fn queue_dpc(&self) -> bool {
        self.system().cpu.queue_adapter_dpc(self.system())
    }

    /// `DxgkCbNotifyInterrupt`.
    fn notify_interrupt(&self, data: &DXGKARGCB_NOTIFY_INTERRUPT_DATA) {
        self.scheduler.notify_interrupt(&self.system().verifier, data);
    }

    /// `DxgkCbNotifyDpc`.
    fn notify_dpc(&self) {
        self.scheduler.act();
    }

    /// `DxgkCbIndicateChildStatus`.
    fn child_status(&self, status: DXGK_CHILD_STATUS) {
        if status.Type == StatusConnection {
            let connected = status.Connected != 0;
            self.child_changes
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((status.ChildUid, connected));
        }
    }

    /// What the driver said of its children since the last call, oldest first: child and whether it is connected.
    pub(crate) fn take_child_changes(&self) -> Vec<(u32, bool)> {
        std::mem::take(&mut *self.child_changes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Something happened in the machine. On the system's processor, `PASSIVE_LEVEL`.
    pub(crate) fn machine_event(&self, wake: Wake) {
        let passive = self.passive.lock().unwrap_or_else(PoisonError::into_inner);
        if wake == Wake::Gone && !self.system().machine.is_hung_up() {
            // Of the service before, which has ended: this one's host is there.
            return;
        }
        if let Some(link) = self.link() {
            link.machine_event(self, wake);
        } else if wake == Wake::Rung {
            self.interrupt(0);
        }
        drop(passive);
        if wake == Wake::Gone {
            self.look.store(true, Ordering::Release);
        }
    }

    /// The device's interrupt, with a message number.
    pub(crate) fn interrupt(&self, message: u32) -> bool {
        let _held = self.interrupt_lock.lock().unwrap_or_else(PoisonError::into_inner);
        if self.life() != Life::Started {
            return false;
        }
        let ours = self.driver.interrupt_routine(message);
        self.system().machine.interrupt_taken();
        ours
    }

    /// Runs the adapter's DPC.
    pub(crate) fn run_dpc(&self) {
        if self.life() == Life::Started {
            self.driver.dpc_routine();
        }
    }

    /// The driver's state may have changed: [`Port::passive_work`] is to look at it.
    pub(crate) fn look_again(&self) {
        self.look.store(true, Ordering::Release);
    }

    /// A submission has faulted; any IRQL.
    pub(crate) fn note_fault(&self) {
        self.faulted.store(true, Ordering::Release);
    }

    /// What interrupts, timers and DPCs left to be done at `PASSIVE_LEVEL`.
    pub(crate) fn passive_work(&self) {
        let _passive = self.passive.lock().unwrap_or_else(PoisonError::into_inner);
        if self.life() != Life::Started {
            return;
        }
        if self.until_timeout() == Some(Duration::ZERO) && self.life() == Life::Started {
            // A driver that refuses a reset leaves nothing that could be done.
            let _ = self.reset_from_timeout();
        }
        if self.signalled.swap(false, Ordering::AcqRel) {
            let devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner).clone();
            for device in devices.iter().filter_map(Weak::upgrade) {
                device.go_on();
            }
        }
        let faulted = self.faulted.swap(false, Ordering::AcqRel);
        let look = self.look.swap(false, Ordering::AcqRel);
        if !faulted && !look || self.life() != Life::Started {
            return;
        }
        if self.removal.get().is_none()
            && let Some(why) = self.query_removal()
        {
            let why = *self.removal.get_or_init(|| why);
            self.watchers(|watcher| watcher.adapter_removed(why));
        }
        if faulted {
            self.watchers(|watcher| watcher.look());
        }
    }

    /// Asks the driver whether it counts as removed.
    fn query_removal(&self) -> Option<Removal> {
        let status = self.adapter_status().ok()?;
        (status.state == adapter_state::REMOVED).then(|| Removal::of(&status))
    }

    /// The escape `ADAPTER_STATUS`.
    ///
    /// # Errors
    /// `STATUS_INVALID_DEVICE_STATE` when the adapter is not started, the driver's status.
    pub(crate) fn adapter_status(&self) -> NtResult<AdapterStatus> {
        if self.life() != Life::Started {
            return Err(STATUS_INVALID_DEVICE_STATE);
        }
        let mut status = AdapterStatus::new();
        let none = (DriverHandle::default(), DriverHandle::default());
        self.driver.escape(self.system().system_process(), none, bytemuck::bytes_of_mut(&mut status))?;
        AdapterStatus::read(bytemuck::bytes_of(&status)).map_err(|_| STATUS_INVALID_PARAMETER)
    }

    /// Why the adapter is removed, once it is.
    pub(crate) fn removal(&self) -> Option<Removal> {
        self.removal.get().copied()
    }

    /// From now on `watcher` is told of faults and of the removal.
    pub(crate) fn watch(&self, watcher: Weak<dyn Watcher>) {
        let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        watchers.retain(|watcher| watcher.strong_count() != 0);
        watchers.push(watcher);
    }

    fn watchers(&self, tell: impl Fn(&dyn Watcher)) {
        let all: MutexGuard<'_, Vec<Weak<dyn Watcher>>> =
            self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        let living: Vec<Arc<dyn Watcher>> = all.iter().filter_map(Weak::upgrade).collect();
        drop(all);
        living.iter().for_each(|watcher| tell(watcher.as_ref()));
    }

    /// A new handle of dxgkrnl for an allocation.
    pub(crate) fn insert_allocation(&self, data: HandleData) -> D3DKMT_HANDLE {
        let handle = next_kernel_handle();
        self.allocations.write().unwrap_or_else(PoisonError::into_inner).insert(handle, data);
        handle
    }

    /// Ends a handle of an allocation.
    pub(crate) fn remove_allocation(&self, handle: D3DKMT_HANDLE) {
        self.allocations.write().unwrap_or_else(PoisonError::into_inner).remove(&handle);
    }

    /// `DxgkCbGetHandleData` for an allocation.
    fn handle_data(&self, handle: D3DKMT_HANDLE) -> *mut c_void {
        let allocations = self.allocations.read().unwrap_or_else(PoisonError::into_inner);
        allocations.get(&handle).map_or(std::ptr::null_mut(), |data| data.allocation.pointer())
    }

    /// `DxgkCbGetHandleParent`.
    fn handle_parent(&self, handle: D3DKMT_HANDLE) -> D3DKMT_HANDLE {
        let allocations = self.allocations.read().unwrap_or_else(PoisonError::into_inner);
        allocations.get(&handle).map_or(0, |data| data.resource)
    }

    /// `DxgkCbEnumHandleChildren`.
    fn handle_child(&self, resource: D3DKMT_HANDLE, index: usize) -> D3DKMT_HANDLE {
        let allocations = self.allocations.read().unwrap_or_else(PoisonError::into_inner);
        let mut children = allocations.iter().filter(|(_, data)| resource != 0 && data.resource == resource);
        children.nth(index).map_or(0, |(handle, _)| *handle)
    }

    /// Makes the link service of a root-enumerated device: from now on machine events go to it.
    pub(crate) fn set_link(&self, link: LinkService) {
        *self.link.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(link));
    }

    /// Ends the link service, and has `connect` begin the next one's connection while no event of the machine is on its way to either.
    pub(crate) fn next_link(&self, connect: impl FnOnce()) {
        self.end_link();
        let _passive = self.passive.lock().unwrap_or_else(PoisonError::into_inner);
        connect();
    }

    /// The link service.
    pub(crate) fn link(&self) -> Option<Arc<LinkService>> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends the link service.
    pub(crate) fn end_link(&self) {
        let link = self.link.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(link) = link {
            link.end(self);
        }
    }

    /// Keeps a device in mind whose contexts may wait for sync objects.
    pub(crate) fn add_device(&self, device: &Arc<KernelDevice>) {
        let mut devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        devices.retain(|device| device.strong_count() != 0);
        devices.push(Arc::downgrade(device));
    }

    /// A sync object has changed: what waits for it is looked at soon. Any IRQL.
    pub(crate) fn note_signal(&self) {
        self.signalled.store(true, Ordering::Release);
        if !self.system().cpu.is_current() {
            self.system().machine.wake();
        }
    }

    /// After so long in flight a submission means that the driver is reset; `None` for never.
    pub(crate) fn set_tdr(&self, tdr: Option<Duration>) {
        *self.tdr.lock().unwrap_or_else(PoisonError::into_inner) = tdr;
    }

    /// How long the processor may sleep before a submission is late.
    pub(crate) fn until_timeout(&self) -> Option<Duration> {
        let limit = (*self.tdr.lock().unwrap_or_else(PoisonError::into_inner))?;
        let (_, age) = self.scheduler.oldest()?;
        Some(limit.saturating_sub(age))
    }

    /// Timeout detection and recovery: what is in flight is lost, the driver starts anew. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// The driver's status; Windows would stop.
    pub(crate) fn reset_from_timeout(&self) -> NtResult<()> {
        self.resets.fetch_add(1, Ordering::AcqRel);
        let result = self.scheduler.exclusively(|| {
            // What the driver says of itself is for the report alone.
            let _ = self.driver.query_engine_status();
            let _ = self.driver.query_dependent_engine_group();
            let _ = self.driver.collect_dbg_info(VIDEO_TDR_TIMEOUT_DETECTED, &mut [0; 4096]);
            self.driver.reset_from_timeout()?;
            self.scheduler.abandon(STATUS_GRAPHICS_ADAPTER_WAS_RESET);
            self.driver.restart_from_timeout()
        });
        self.note_fault();
        self.note_signal();
        result
    }

    /// `ResetEngine` of the one engine: what is in flight is lost.
    ///
    /// # Errors
    /// The driver's status; an adapter reset would follow.
    pub(crate) fn reset_engine(&self) -> NtResult<u32> {
        let result = self.scheduler.exclusively(|| {
            let _ = self.driver.query_dependent_engine_group();
            let last = self.driver.reset_engine()?;
            self.scheduler.abandon(STATUS_GRAPHICS_ADAPTER_WAS_RESET);
            Ok(last)
        });
        self.note_fault();
        self.note_signal();
        result
    }

    /// How often the adapter was reset.
    pub(crate) fn resets(&self) -> u32 {
        self.resets.load(Ordering::Acquire)
    }

    /// `NotifySurpriseRemoval`: nothing of the device may be touched any more.
    ///
    /// # Errors
    /// The driver's status.
    pub(crate) fn surprise_removal(&self) -> NtResult<()> {
        let told = self.driver.notify_surprise_removal();
        self.look_again();
        self.note_signal();
        told
    }

    /// A process of the system for whoever opens devices.
    pub(crate) fn system_process(&self) -> &Arc<Process> {
        self.system().system_process()
    }
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Port")
            .field("life", &self.life())
            .field("removal", &self.removal)
            .finish_non_exhaustive()
    }
}

/// A kernel handle that nobody has: multiples of 64 with a high bit, as dxgkrnl's look.
pub(crate) fn next_kernel_handle() -> D3DKMT_HANDLE {
    static NEXT: AtomicU32 = AtomicU32::new(0x4000_0000);
    NEXT.fetch_add(64, Ordering::Relaxed)
}

/// At `DISPATCH_LEVEL`, as a DPC.
pub(crate) fn at_dispatch<R>(run: impl FnOnce() -> R) -> R {
    let _level = irql::raise(Irql::Dispatch);
    run()
}
