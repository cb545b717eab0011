//! Devices: what one Direct3D device has open at the kernel, and the calls that its user-mode driver makes.
//!
//! Everything here works on copies; `ffi` takes them from the caller's memory and puts answers back.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use pvgpu_kmd_ddi::{NTSTATUS, STATUS_INVALID_HANDLE, STATUS_INVALID_PARAMETER};
use pvgpu_protocol::aperture::{Layout, fence_cell};
use pvgpu_protocol::event::error_code;
use pvgpu_protocol::kernel_interface::{
    AllocationData, ContextState, FenceMarker, PrivateData, PrivateHeader, context_life, kind,
};
use pvgpu_protocol::limits::MAX_FRAMES_IN_FLIGHT;
use pvgpu_umd_ddi::{D3DDDI_DEVICECALLBACKS, D3DKMT_HANDLE, DXGI_DDI_BASE_CALLBACKS, HANDLE};

use crate::adapter::Adapter;
use crate::ffi::{self, UserBuffers};
use crate::frame::{Frame, PresentSink, RunAhead, Shape, Throttle, Throttled};
use crate::handles::{self, Handles};
use crate::hresult::means_removed;
use crate::port::device::{KernelContext, KernelDevice, SyncState, UserCommand};
use crate::port::driver::NtResult;
use crate::port::scheduler::Completion;
use crate::port::{Port, Watcher};
use crate::removal::Removal;
use crate::share::{self, OpenedResource, Sections, Shareable, SharedResource};

/// The devices of this process.
pub(crate) static DEVICES: Handles<DeviceInner> = Handles::new();

/// Why a device was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemovedReason {
    /// The host is gone.
    Host(Removal),
    /// The host executes one of the device's contexts no more: a code of [`error_code`].
    Context {
        /// The code.
        code: u32,
    },
}

impl fmt::Display for RemovedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(why) => why.fmt(f),
            Self::Context { code } => {
                write!(f, "the host refused a command: {}", error_code::name(*code))
            }
        }
    }
}

/// Why a device cannot be made.
#[derive(Debug)]
pub enum DeviceError {
    /// The host is gone.
    Removed(RemovedReason),
    /// The driver refused, with this status.
    Driver(NTSTATUS),
    /// The system gives no thread.
    Thread(std::io::Error),
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Removed(why) => why.fmt(f),
            Self::Driver(status) => write!(f, "the driver makes no device: NTSTATUS {status:#010x}"),
            Self::Thread(error) => write!(f, "the device's present thread cannot be started ({error})"),
        }
    }
}

impl std::error::Error for DeviceError {}

/// How [`Device::wait_for_frame_slot`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameSlot {
    /// Another frame may be presented.
    Free,
    /// The time is over.
    Timeout,
    /// The device is removed.
    Removed,
}

/// What submissions in flight need of their device.
pub(crate) struct DeviceState {
    throttle: Arc<Throttle>,
    run_ahead: RunAhead,
    removed: OnceLock<RemovedReason>,
    /// One of its submissions has faulted, and nobody has asked why.
    faulted: AtomicBool,
    frames: Sender<(usize, Frame)>,
    port: Weak<Port>,
}

impl DeviceState {
    /// Hands a frame to the present thread.
    fn show(&self, dxgi_context: usize, frame: Frame) {
        // The thread lives as long as a sender does; if it panicked, the frame is dropped, which gives its slot back.
        let _ = self.frames.send((dxgi_context, frame));
    }

    /// The device is removed, for the first reason given.
    fn remove(&self, why: RemovedReason) {
        self.removed.get_or_init(|| why);
        self.throttle.remove();
    }
}

impl Completion for DeviceState {
    fn completed(&self) {}

    fn faulted(&self, _status: NTSTATUS) {
        // At DISPATCH_LEVEL: the contexts are asked for the reason afterwards.
        self.faulted.store(true, Ordering::Release);
        if let Some(port) = self.port.upgrade() {
            port.note_fault();
        }
    }
}

/// A context of a device.
pub(crate) struct Context {
    kernel: Arc<KernelContext>,
    /// The memory that the user-mode driver builds its command buffers in.
    pub(crate) user: UserBuffers,
    /// Its number at the host.
    number: u32,
    /// The frame that the last marker named.
    frame: AtomicU32,
}

/// A device as the callbacks find it.
pub(crate) struct DeviceInner {
    /// Goes before the adapter.
    kernel: Arc<KernelDevice>,
    contexts: Mutex<BTreeMap<usize, Arc<Context>>>,
    pub(crate) adapter: Arc<Adapter>,
    handle: usize,
    state: Arc<DeviceState>,
    presents: AtomicU64,
    kernel_calls: AtomicU64,
    /// It has shared or opened a resource.
    sharing: AtomicBool,
    /// What the user-mode driver left with its resources for those who open them, by the runtime's handle.
    private: Mutex<BTreeMap<usize, Vec<u8>>>,
}

/// A device.
pub struct Device {
    inner: Arc<DeviceInner>,
}

impl Device {
    pub(crate) fn new(adapter: Arc<Adapter>, sink: Arc<dyn PresentSink>) -> Result<Self, DeviceError> {
        if let Some(why) = adapter.removal() {
            return Err(DeviceError::Removed(RemovedReason::Host(why)));
        }
        let (frames, presented) = channel::<(usize, Frame)>();
        std::thread::Builder::new()
            .name("pvgpu present".to_owned())
            .spawn(move || {
                for (dxgi_context, frame) in presented {
                    sink.frame_ready(dxgi_context, frame);
                }
            })
            .map_err(DeviceError::Thread)?;
        let kernel = KernelDevice::create(adapter.port(), adapter.process()).map_err(DeviceError::Driver)?;
        let state = DeviceState {
            throttle: Arc::default(),
            run_ahead: RunAhead::default(),
            removed: OnceLock::new(),
            faulted: AtomicBool::new(false),
            frames,
            port: Arc::downgrade(adapter.port()),
        };
        let inner = Arc::new(DeviceInner {
            kernel,
            contexts: Mutex::default(),
            adapter,
            handle: handles::next(),
            state: Arc::new(state),
            presents: AtomicU64::new(0),
            kernel_calls: AtomicU64::new(0),
            sharing: AtomicBool::new(false),
            private: Mutex::default(),
        });
        DEVICES.insert(inner.handle, Arc::downgrade(&inner));
        let watcher: Weak<DeviceInner> = Arc::downgrade(&inner);
        inner.adapter.port().watch(watcher);
        if let Some(why) = inner.adapter.removal() {
            inner.state.remove(RemovedReason::Host(why));
        }
        Ok(Self { inner })
    }

    /// `hRTDevice`: the first argument of every callback in [`Device::callbacks`].
    pub fn handle(&self) -> HANDLE {
        ffi::to_handle(self.inner.handle)
    }

    /// The kernel callbacks.
    pub fn callbacks(&self) -> &'static D3DDDI_DEVICECALLBACKS {
        ffi::device_callbacks()
    }

    /// The DXGI callbacks, with the same first argument.
    pub fn dxgi_callbacks(&self) -> &'static DXGI_DDI_BASE_CALLBACKS {
        ffi::dxgi_callbacks()
    }

    /// The adapter.
    pub fn adapter(&self) -> &Arc<Adapter> {
        &self.inner.adapter
    }

    /// Frames presented and still in use: not completed yet, or in the sink's hands.
    pub fn frames_in_flight(&self) -> u32 {
        self.inner.state.throttle.in_flight()
    }

    /// Waits until fewer than `max` frames are in flight, for a present that is to come. Frames that are only on their way over a
    /// link do not count: see [`RunAhead`].
    pub fn wait_for_frame_slot(&self, max: u32, timeout: Duration) -> FrameSlot {
        let round_trip = self.inner.adapter.round_trip();
        let more = self.inner.state.run_ahead.frames(round_trip, Instant::now());
        let max = max.max(max.saturating_add(more).min(MAX_FRAMES_IN_FLIGHT));
        match self.inner.state.throttle.wait(max, timeout) {
            Throttled::Free => FrameSlot::Free,
            Throttled::Timeout => FrameSlot::Timeout,
            Throttled::Removed => FrameSlot::Removed,
        }
    }

    /// How often the user-mode driver has called the kernel for this device: each call is a transition on Windows.
    pub fn kernel_calls(&self) -> u64 {
        self.inner.kernel_calls.load(Ordering::Relaxed)
    }

    pub(crate) fn inner(&self) -> &DeviceInner {
        &self.inner
    }

    /// Lets other devices, of any process that `sections` reaches, open a resource that the user-mode driver has allocated with
    /// private data; `runtime` is the runtime's own, `unique` differs from that of any other. None for one that it has not.
    pub fn share(
        &self,
        resource: usize,
        runtime: Vec<u8>,
        keyed: bool,
        (sections, unique): (&'static dyn Sections, u64),
    ) -> Option<Arc<SharedResource>> {
        let private = self.inner.private().get(&resource)?.clone();
        // The user-mode driver makes one for each resource.
        let allocation = self.inner.kernel.allocations_of(resource).into_iter().next()?;
        let what = Shareable { allocation, private, runtime, keyed };
        let shared = SharedResource::new(what, sections, unique)?;
        self.inner.sharing.store(true, Ordering::Relaxed);
        // What is in it was submitted before there was anybody to wait.
        let (done, _) = share::begin_submission(self.inner.adapter.port());
        done.into_iter().for_each(|done| self.inner.when_done(done));
        Some(shared)
    }

    /// Opens a shared resource for the user-mode driver's `OpenResource`, under the runtime's handle `resource`. None once no
    /// device has it, and for one of another adapter.
    pub fn open(&self, shared: &SharedResource, resource: usize) -> Option<OpenedResource> {
        self.inner.sharing.store(true, Ordering::Relaxed);
        let kernel = &self.inner.kernel;
        let opened = shared.open(
            |allocation| kernel.open(allocation, resource, false),
            |private| kernel.create_allocation(resource, &self.inner.adopt(private)),
        );
        opened.inspect_err(|_| self.close(resource)).ok()
    }

    /// Closes what [`open`](Self::open) opened, when the user-mode driver does not.
    pub fn close(&self, resource: usize) {
        // Just opened, so that the driver has no reason to refuse.
        let _ = self.inner.kernel.destroy_resource(resource);
    }

    /// Why the device is removed; `None` while it works.
    pub fn removed_reason(&self) -> Option<RemovedReason> {
        self.inner.removed_reason()
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device").field("handle", &self.inner.handle).finish_non_exhaustive()
    }
}

impl DeviceInner {
    /// Counts a call of the user-mode driver.
    pub(crate) fn count_call(&self) {
        self.kernel_calls.fetch_add(1, Ordering::Relaxed);
    }

    /// `hRTDevice` as a number.
    pub(crate) fn number(&self) -> usize {
        self.handle
    }

    fn private(&self) -> MutexGuard<'_, BTreeMap<usize, Vec<u8>>> {
        self.private.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the contexts submit from now on waits until a sync object has a value.
    pub(crate) fn wait_for(&self, object: &Arc<SyncState>, value: u64) {
        let contexts: Vec<Arc<Context>> = self.contexts().values().cloned().collect();
        for context in contexts {
            // A context that cannot wait is lost, as its next submission tells.
            let _ = self.note(self.kernel.wait_for(&context.kernel, object, value));
        }
    }

    /// A sync object gets a value when all that the contexts have submitted is done.
    pub(crate) fn signal(&self, object: &Arc<SyncState>, value: u64) {
        let contexts: Vec<Arc<Context>> = self.contexts().values().cloned().collect();
        if contexts.is_empty() {
            object.signal(value);
        }
        for context in contexts {
            if self.note(self.kernel.signal(&context.kernel, object, value)).is_err() {
                // Whoever waits must not wait for a context that is lost.
                object.signal(value);
            }
        }
    }

    /// The contexts, for what is to happen behind their work.
    pub(crate) fn kernel_contexts(&self) -> Vec<Arc<Context>> {
        self.contexts().values().cloned().collect()
    }

    /// Runs something behind a context's work, or drops it.
    pub(crate) fn run_behind(&self, context: &Context, then: Box<dyn FnOnce() + Send>) {
        // A context without work, or one that is lost: it is dropped, which is for the caller to have thought of.
        let _ = self.kernel.when_done(&context.kernel, then);
    }

    /// An allocation's private data as this process's driver takes it: the one of another process names a context there.
    fn adopt(&self, private: &[u8]) -> Vec<u8> {
        let number = self.contexts().values().next().map(|context| context.number);
        match (AllocationData::read(private), number) {
            (Ok(data), Some(context)) if data.frame_bytes == 0 => {
                bytemuck::bytes_of(&AllocationData { context, ..data }).to_vec()
            }
            _ => private.to_vec(),
        }
    }

    fn contexts(&self) -> MutexGuard<'_, BTreeMap<usize, Arc<Context>>> {
        self.contexts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The context behind a handle.
    pub(crate) fn context(&self, handle: usize) -> NtResult<Arc<Context>> {
        self.contexts().get(&handle).cloned().ok_or(STATUS_INVALID_HANDLE)
    }

    fn removed_reason(&self) -> Option<RemovedReason> {
        if let Some(why) = self.state.removed.get() {
            return Some(*why);
        }
        if let Some(why) = self.adapter.removal() {
            self.state.remove(RemovedReason::Host(why));
        } else if self.poisoned() {
            self.look_at_contexts();
        }
        self.state.removed.get().copied()
    }

    /// Whether the host has written an error into a fence line of one of the contexts: the cheap look before the driver is
    /// asked.
    fn poisoned(&self) -> bool {
        let poisoned = |context: &Arc<Context>| {
            let line = Layout::fence_line(context.number);
            line.is_some_and(|line| self.adapter.cell(line + fence_cell::ERROR) != 0)
        };
        self.contexts().values().any(poisoned)
    }

    /// Asks the driver how the contexts are, and marks the device when one is lost. `PASSIVE_LEVEL`.
    fn look_at_contexts(&self) {
        let contexts: Vec<Arc<Context>> = self.contexts().values().cloned().collect();
        for context in contexts {
            let Ok(state) = self.context_state(&context.kernel) else { continue };
            match state.life {
                context_life::POISONED | context_life::RESET => {
                    let code = if state.error == 0 { error_code::DEVICE_LOST } else { state.error };
                    self.state.remove(RemovedReason::Context { code });
                }
                context_life::REMOVED => {
                    let why = self.adapter.removal().unwrap_or(Removal { reason: state.removal, detail: 0 });
                    self.state.remove(RemovedReason::Host(why));
                }
                _ => {}
            }
        }
    }

    /// The escape `CONTEXT_STATE`.
    fn context_state(&self, context: &KernelContext) -> NtResult<ContextState> {
        let header = PrivateHeader::new(kind::CONTEXT_STATE);
        let mut state = ContextState { header, ..bytemuck::Zeroable::zeroed() };
        self.kernel.escape(Some(context), bytemuck::bytes_of_mut(&mut state))?;
        Ok(state)
    }

    /// Notes the removal that a status speaks of.
    fn note<T>(&self, result: NtResult<T>) -> NtResult<T> {
        if let Err(status) = result
            && means_removed(status)
            && self.state.removed.get().is_none()
        {
            // Looks for the reason, and marks the device.
            self.adapter.port().look_again();
            self.adapter.port().passive_work();
            self.look_at_contexts();
        }
        result
    }

    /// `CreateContextCb`.
    pub(crate) fn create_context(
        &self,
        node_ordinal: u32,
        private_driver_data: &mut [u8],
    ) -> NtResult<(usize, Arc<Context>)> {
        let completion: Arc<dyn Completion> = self.state.clone();
        let kernel = self.note(self.kernel.create_context(node_ordinal, private_driver_data, completion))?;
        let sizes = kernel.sizes();
        let number = match self.context_state(&kernel) {
            Ok(state) => state.context,
            Err(status) => {
                // The driver has just made it.
                let _ = self.kernel.destroy_context(kernel.handle());
                return self.note(Err(status));
            }
        };
        let user = UserBuffers::new(
            self.adapter.process(),
            sizes.dma as usize,
            sizes.allocations as usize,
            sizes.patches as usize,
        );
        let handle = kernel.handle();
        let context = Arc::new(Context { kernel, user, number, frame: AtomicU32::new(0) });
        self.contexts().insert(handle, context.clone());
        Ok((handle, context))
    }

    /// `DestroyContextCb`.
    pub(crate) fn destroy_context(&self, handle: usize) -> NtResult<()> {
        // Its user-mode memory lives until nobody renders from it.
        let context = self.contexts().remove(&handle).ok_or(STATUS_INVALID_HANDLE)?;
        self.kernel.destroy_context(context.kernel.handle())
    }

    /// `AllocateCb`, for one allocation of `resource`.
    pub(crate) fn allocate(&self, resource: usize, private: &[u8]) -> NtResult<D3DKMT_HANDLE> {
        let made = self.note(self.kernel.create_allocation(resource, private))?;
        Ok(made.handle())
    }

    /// `DeallocateCb`, for one allocation.
    pub(crate) fn deallocate(&self, handle: D3DKMT_HANDLE) -> NtResult<()> {
        self.kernel.destroy_allocation(handle)
    }

    /// `AllocateCb`: what is kept with a resource for those who open it.
    pub(crate) fn keep_private(&self, resource: usize, private: Vec<u8>) {
        self.private().insert(resource, private);
    }

    /// `DeallocateCb`, for all allocations of a resource.
    pub(crate) fn deallocate_resource(&self, resource: usize) -> NtResult<()> {
        self.private().remove(&resource);
        self.kernel.destroy_resource(resource)
    }

    /// `RenderCb`: a part of the context's command buffer, and the allocation list's handles with their write flags.
    pub(crate) fn render(
        &self,
        context: &Context,
        command: UserCommand,
        marker: &[u8],
        allocations: &[(D3DKMT_HANDLE, bool)],
    ) -> NtResult<()> {
        let mut done = Vec::new();
        if self.sharing.load(Ordering::Relaxed) {
            let (ends, waits) = share::begin_submission(self.adapter.port());
            done = ends;
            for sync in &waits {
                self.note(self.kernel.wait_for(&context.kernel, sync, 1))?;
            }
        }
        self.note(self.kernel.render(&context.kernel, command, allocations))?;
        if !done.is_empty() {
            self.run_behind(context, Box::new(move || drop(done)));
        }
        // What the driver has accepted is a marker; if user mode changed it meanwhile, it shows another of its own frames.
        if let Ok(marker) = FenceMarker::read(marker) {
            context.frame.store(marker.frame, Ordering::Relaxed);
        }
        Ok(())
    }

    /// DXGI's `pfnPresentCb`: the frame goes to the sink when all that the context has submitted is done.
    ///
    /// Windows' composer takes a flipped frame the same way: a token that waits for the work before it, with no call of the
    /// driver.
    pub(crate) fn present(
        &self,
        context: &Context,
        source: D3DKMT_HANDLE,
        dxgi_context: usize,
    ) -> NtResult<()> {
        let allocation = self.kernel.allocation(source)?;
        if let Some(why) = self.adapter.removal() {
            self.state.remove(RemovedReason::Host(why));
            return Err(pvgpu_kmd_ddi::STATUS_DEVICE_REMOVED);
        }
        let data = AllocationData::read(allocation.private()).map_err(|_| STATUS_INVALID_PARAMETER)?;
        let (pixels, shape) =
            self.frame_of(&data, context.frame.load(Ordering::Relaxed)).ok_or(STATUS_INVALID_PARAMETER)?;
        let sequence = self.presents.fetch_add(1, Ordering::Relaxed) + 1;
        let frame = Frame::new(pixels, shape, sequence, self.state.throttle.take());
        let state = self.state.clone();
        self.kernel.when_done(&context.kernel, Box::new(move || state.show(dxgi_context, frame)))
    }

    /// Where a frame of an allocation lies: as the driver has accepted the allocation's private data, inside the ranges of
    /// its context.
    fn frame_of(&self, data: &AllocationData, frame: u32) -> Option<(pvgpu_transport::Region, Shape)> {
        if data.frame_bytes == 0 || frame >= MAX_FRAMES_IN_FLIGHT {
            return None;
        }
        let offset = data.frame_bytes.checked_mul(u64::from(frame))?.checked_add(data.frames_offset)?;
        let bytes = u64::from(data.row_pitch).checked_mul(u64::from(data.height))?;
        let pixels = self.adapter.heap_region(offset, bytes)?;
        Some((pixels, Shape { width: data.width, height: data.height, row_pitch: data.row_pitch }))
    }

    /// `EscapeCb`.
    pub(crate) fn escape(&self, context: &Context, private_driver_data: &mut [u8]) -> NtResult<()> {
        let result = self.kernel.escape(Some(&context.kernel), private_driver_data);
        self.note(result)
    }

    /// Checks that allocations exist, for calls that have nothing to do for them.
    pub(crate) fn check_allocations(&self, handles: &[D3DKMT_HANDLE]) -> NtResult<()> {
        self.kernel.check_allocations(handles)
    }
}

impl Watcher for DeviceInner {
    fn look(&self) {
        if self.state.faulted.swap(false, Ordering::AcqRel) && self.state.removed.get().is_none() {
            self.look_at_contexts();
        }
    }

    fn adapter_removed(&self, why: Removal) {
        self.state.remove(RemovedReason::Host(why));
    }
}

impl Drop for DeviceInner {
    fn drop(&mut self) {
        DEVICES.remove(self.handle);
        share::abandon_all(self.handle);
        self.kernel.destroy();
    }
}
