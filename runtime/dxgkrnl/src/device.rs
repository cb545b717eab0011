//! Devices: what one Direct3D device has open at the kernel, and the calls that its user-mode driver makes.
//!
//! Everything here works on copies; `ffi` takes them from the caller's memory and puts answers back.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use pvgpu_kmd::ddi::{
    AllocationListEntry, ContextInfo, CreateContext, DmaPrivateData, Escape, PatchLocation, Present, Render,
    SubmitCommand,
};
use pvgpu_kmd::{Handle, Removal, Status};
use pvgpu_protocol::event::error_code;
use pvgpu_umd_ddi::{D3DDDI_DEVICECALLBACKS, D3DKMT_HANDLE, DXGI_DDI_BASE_CALLBACKS, HANDLE};

use crate::adapter::Adapter;
use crate::ffi::{self, UserBuffers};
use crate::frame::{Frame, PresentSink, Throttle, Throttled};
use crate::handles::{self, Handles};
use crate::irql::{Irql, raise};
use crate::scheduler::Then;

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
    /// The driver refused.
    Driver(Status),
    /// The system gives no thread.
    Thread(std::io::Error),
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Removed(why) => why.fmt(f),
            Self::Driver(status) => write!(f, "the driver makes no device: {status}"),
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
    removed: OnceLock<RemovedReason>,
    frames: Sender<(usize, Frame)>,
}

impl DeviceState {
    /// Hands a frame to the present thread.
    pub(crate) fn show(&self, dxgi_context: usize, frame: Frame) {
        // The thread lives as long as a sender does; if it panicked, the frame is dropped, which gives its slot back.
        let _ = self.frames.send((dxgi_context, frame));
    }

    /// The device is removed, for the first reason given.
    pub(crate) fn remove(&self, why: RemovedReason) {
        self.removed.get_or_init(|| why);
        self.throttle.remove();
    }
}

/// A context of a device.
pub(crate) struct Context {
    h_context: u64,
    /// The memory that the user-mode driver builds its command buffers in.
    pub(crate) user: UserBuffers,
    dma: Mutex<DmaBuffers>,
}

/// The kernel's side of a context's submissions.
struct DmaBuffers {
    dma_buffer: Vec<u8>,
    private_data: Vec<u8>,
    patch_locations: Vec<PatchLocation>,
}

/// An allocation of a device.
#[derive(Clone, Copy)]
struct Allocation {
    h_allocation: u64,
    h_device_specific_allocation: u64,
    /// The runtime's resource, 0 for none.
    resource: usize,
}

/// A device as the callbacks find it.
pub(crate) struct DeviceInner {
    pub(crate) adapter: Arc<Adapter>,
    handle: usize,
    h_device: u64,
    state: Arc<DeviceState>,
    presents: AtomicU64,
    contexts: Mutex<BTreeMap<usize, Arc<Context>>>,
    allocations: Mutex<BTreeMap<D3DKMT_HANDLE, Allocation>>,
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
        let h_device = adapter.kmd().create_device().map_err(DeviceError::Driver)?;
        let state = DeviceState { throttle: Arc::default(), removed: OnceLock::new(), frames };
        let inner = Arc::new(DeviceInner {
            adapter,
            handle: handles::next(),
            h_device,
            state: Arc::new(state),
            presents: AtomicU64::new(0),
            contexts: Mutex::default(),
            allocations: Mutex::default(),
        });
        DEVICES.insert(inner.handle, Arc::downgrade(&inner));
        Ok(Self { inner })
    }

    pub(crate) fn state(&self) -> &Arc<DeviceState> {
        &self.inner.state
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

    /// Waits until fewer than `max` frames are in flight, for a present that is to come.
    pub fn wait_for_frame_slot(&self, max: u32, timeout: Duration) -> FrameSlot {
        match self.inner.state.throttle.wait(max, timeout) {
            Throttled::Free => FrameSlot::Free,
            Throttled::Timeout => FrameSlot::Timeout,
            Throttled::Removed => FrameSlot::Removed,
        }
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
    fn contexts(&self) -> MutexGuard<'_, BTreeMap<usize, Arc<Context>>> {
        self.contexts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn allocations(&self) -> MutexGuard<'_, BTreeMap<D3DKMT_HANDLE, Allocation>> {
        self.allocations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The context behind a handle.
    pub(crate) fn context(&self, handle: usize) -> Result<Arc<Context>, Status> {
        self.contexts().get(&handle).cloned().ok_or(Status::BadHandle(Handle::Context))
    }

    fn allocation(&self, handle: D3DKMT_HANDLE) -> Result<Allocation, Status> {
        self.allocations().get(&handle).copied().ok_or(Status::BadHandle(Handle::Allocation))
    }

    fn removed_reason(&self) -> Option<RemovedReason> {
        if let Some(why) = self.state.removed.get() {
            return Some(*why);
        }
        let why = self.adapter.removal().map(RemovedReason::Host).or_else(|| {
            let contexts: Vec<u64> = self.contexts().values().map(|context| context.h_context).collect();
            contexts.into_iter().find_map(|h_context| {
                let code = self.adapter.kmd().query_context_error(h_context).ok()?;
                (code != error_code::NONE).then_some(RemovedReason::Context { code })
            })
        })?;
        self.state.remove(why);
        Some(why)
    }

    /// Notes the removal that a status speaks of.
    fn note<T>(&self, result: Result<T, Status>) -> Result<T, Status> {
        if let Err(Status::DeviceRemoved) = result {
            // Looks for the reason, and marks the device.
            self.removed_reason();
        }
        result
    }

    /// `CreateContextCb`.
    pub(crate) fn create_context(
        &self,
        node_ordinal: u32,
        private_driver_data: &[u8],
    ) -> Result<(usize, Arc<Context>), Status> {
        let kmd = self.adapter.kmd();
        let info = kmd.create_context(self.h_device, CreateContext { node_ordinal, private_driver_data });
        let ContextInfo {
            h_context,
            dma_buffer_size,
            dma_buffer_private_data_size,
            allocation_list_size,
            patch_location_list_size,
        } = self.note(info)?;
        let context = Arc::new(Context {
            h_context,
            user: UserBuffers::new(
                dma_buffer_size as usize,
                allocation_list_size as usize,
                patch_location_list_size as usize,
            ),
            dma: Mutex::new(DmaBuffers {
                dma_buffer: vec![0; dma_buffer_size as usize],
                private_data: vec![0; dma_buffer_private_data_size as usize],
                patch_locations: vec![PatchLocation::default(); patch_location_list_size as usize],
            }),
        });
        let handle = handles::next();
        self.contexts().insert(handle, context.clone());
        Ok((handle, context))
    }

    /// `DestroyContextCb`.
    pub(crate) fn destroy_context(&self, handle: usize) -> Result<(), Status> {
        let context = self.contexts().remove(&handle).ok_or(Status::BadHandle(Handle::Context))?;
        self.adapter.kmd().destroy_context(context.h_context)
    }

    /// `AllocateCb`, for one allocation of `resource`.
    pub(crate) fn allocate(&self, resource: usize, private: &[u8]) -> Result<D3DKMT_HANDLE, Status> {
        let kmd = self.adapter.kmd();
        let h_allocation = self.note(kmd.create_allocation(private))?.h_allocation;
        let opened = kmd.open_allocation(self.h_device, h_allocation);
        if opened.is_err() {
            kmd.destroy_allocation(h_allocation)?;
        }
        let h_device_specific_allocation = opened?;
        let handle = next_kernel_handle();
        self.allocations()
            .insert(handle, Allocation { h_allocation, h_device_specific_allocation, resource });
        Ok(handle)
    }

    /// `DeallocateCb`, for one allocation.
    pub(crate) fn deallocate(&self, handle: D3DKMT_HANDLE) -> Result<(), Status> {
        let allocation = self.allocations().remove(&handle).ok_or(Status::BadHandle(Handle::Allocation))?;
        let kmd = self.adapter.kmd();
        kmd.close_allocation(allocation.h_device_specific_allocation)?;
        kmd.destroy_allocation(allocation.h_allocation)
    }

    /// `DeallocateCb`, for all allocations of a resource.
    pub(crate) fn deallocate_resource(&self, resource: usize) -> Result<(), Status> {
        let handles: Vec<D3DKMT_HANDLE> = self
            .allocations()
            .iter()
            .filter(|(_, allocation)| allocation.resource == resource)
            .map(|(handle, _)| *handle)
            .collect();
        handles.into_iter().try_for_each(|handle| self.deallocate(handle))
    }

    /// `RenderCb`: `command` is a copy of the part of the command buffer to submit, `allocations` the list's handles with
    /// their write flags.
    pub(crate) fn render(
        &self,
        context: &Context,
        command: &[u8],
        allocations: &[(D3DKMT_HANDLE, bool)],
    ) -> Result<(), Status> {
        let list = allocations
            .iter()
            .map(|(handle, write_operation)| self.list_entry(*handle, *write_operation))
            .collect::<Result<Vec<_>, _>>()?;
        let kmd = self.adapter.kmd();
        let mut dma = context.dma();
        let DmaBuffers { dma_buffer, private_data, patch_locations } = &mut *dma;
        let rendered = self.note(kmd.render(
            context.h_context,
            Render {
                command,
                dma_buffer,
                dma_buffer_private_data: private_data,
                allocation_list: &list,
                patch_location_list_out: patch_locations,
            },
        ))?;
        kmd.patch(patch_locations.get(..rendered.patch_locations).unwrap_or_default())?;
        let private = private_data.get(..rendered.private_data_bytes).unwrap_or_default();
        self.submit(private, Then::Nothing)
    }

    /// DXGI's `pfnPresentCb`: the frame goes to the sink when it is there.
    pub(crate) fn present(
        &self,
        context: &Context,
        source: D3DKMT_HANDLE,
        dxgi_context: usize,
        private_driver_data: &[u8],
    ) -> Result<(), Status> {
        let source = self.list_entry(source, false)?;
        let kmd = self.adapter.kmd();
        let mut dma = context.dma();
        let DmaBuffers { dma_buffer, private_data, patch_locations } = &mut *dma;
        let rendered = self.note(kmd.present(
            context.h_context,
            Present {
                private_driver_data,
                dma_buffer,
                dma_buffer_private_data: private_data,
                source,
                patch_location_list_out: patch_locations,
            },
        ))?;
        kmd.patch(patch_locations.get(..rendered.patch_locations).unwrap_or_default())?;
        let private = private_data.get(..rendered.private_data_bytes).unwrap_or_default();
        // Windows shows the whole allocation; ours has several frames, and which one it is the driver's data says.
        let number = private
            .get(..size_of::<DmaPrivateData>())
            .map_or(0, |bytes| bytemuck::pod_read_unaligned::<DmaPrivateData>(bytes).frame);
        let place = kmd.presented_frame(source.h_device_specific_allocation, number)?;
        let pixels = kmd.kernel().region(place.range).ok_or(Status::BadHandle(Handle::Allocation))?;
        let sequence = self.presents.fetch_add(1, Ordering::Relaxed) + 1;
        let frame = Frame::new(pixels, place, sequence, self.state.throttle.take());
        self.submit(private, Then::Show { dxgi_context, frame })
    }

    /// Hands a DMA buffer to the driver.
    fn submit(&self, private: &[u8], then: Then) -> Result<(), Status> {
        let kmd = self.adapter.kmd();
        kmd.kernel().scheduler.submit(self.state.clone(), then, |submission_fence_id| {
            let _dispatch = raise(Irql::Dispatch);
            kmd.submit_command(SubmitCommand {
                dma_buffer_private_data: private,
                submission_fence_id,
                node_ordinal: 0,
            })
        })
    }

    /// `EscapeCb`.
    pub(crate) fn escape(&self, context: &Context, private_driver_data: &mut [u8]) -> Result<(), Status> {
        let escape = Escape { h_device: self.h_device, h_context: context.h_context, private_driver_data };
        let result = self.adapter.kmd().escape(escape);
        self.note(result)
    }

    /// Checks that allocations exist, for calls that have nothing to do for them.
    pub(crate) fn check_allocations(&self, handles: &[D3DKMT_HANDLE]) -> Result<(), Status> {
        handles.iter().try_for_each(|handle| self.allocation(*handle).map(|_| ()))
    }

    fn list_entry(
        &self,
        handle: D3DKMT_HANDLE,
        write_operation: bool,
    ) -> Result<AllocationListEntry, Status> {
        let h_device_specific_allocation = self.allocation(handle)?.h_device_specific_allocation;
        Ok(AllocationListEntry { h_device_specific_allocation, write_operation })
    }
}

impl Context {
    fn dma(&self) -> MutexGuard<'_, DmaBuffers> {
        self.dma.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for DeviceInner {
    fn drop(&mut self) {
        DEVICES.remove(self.handle);
        let allocations = std::mem::take(self.allocations.get_mut().unwrap_or_else(PoisonError::into_inner));
        let kmd = self.adapter.kmd();
        // Handles that the driver gave and that are used once; it has no reason to refuse them.
        for allocation in allocations.into_values() {
            let _ = kmd.close_allocation(allocation.h_device_specific_allocation);
            let _ = kmd.destroy_allocation(allocation.h_allocation);
        }
        let _ = kmd.destroy_device(self.h_device);
    }
}

/// A kernel handle that no allocation has: multiples of 64 with a high bit, as dxgkrnl's look.
fn next_kernel_handle() -> D3DKMT_HANDLE {
    static NEXT: AtomicU32 = AtomicU32::new(0x4000_0000);
    NEXT.fetch_add(64, Ordering::Relaxed)
}
