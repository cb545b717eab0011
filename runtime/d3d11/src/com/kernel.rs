//! The kernel's part: one adapter per process, devices on it, and the way of frames to dxgi.dll.
//!
//! All of `pvgpu-dxgkrnl` that the runtime uses is wrapped here.

use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use pvgpu_dxgkrnl as dxgkrnl;
pub use pvgpu_dxgkrnl::{Acquired, OpenedResource, SharedResource};
use pvgpu_interfaces::{IPvgpuFrame, IPvgpuFrame_Impl, IPvgpuPresentSink, PvgpuFrameDesc};
use pvgpu_protocol::host_info::{ArchivedHostInfo, field_text, host_feature};
use pvgpu_transport::Resolved;
use pvgpu_umd_ddi::{
    D3D10DDI_HRTADAPTER, D3D10DDI_HRTDEVICE, D3DDDI_ADAPTERCALLBACKS, D3DDDI_DEVICECALLBACKS,
    DXGI_DDI_BASE_CALLBACKS,
};
use windows::Win32::Foundation::{E_INVALIDARG, E_POINTER, S_OK};
use windows::Win32::System::Diagnostics::Debug::OutputDebugStringW;
use windows_core::{HRESULT, HSTRING, Interface, implement};

use super::section::{self, Session};
use crate::desc::texture::Desc;
use crate::hresult::{
    DXGI_ERROR_DEVICE_REMOVED, DXGI_ERROR_NOT_FOUND, DXGI_ERROR_UNSUPPORTED,
    E_INVALIDARG as E_INVALIDARG_RESULT, E_OUTOFMEMORY, Result, removed_reason,
};

/// Says one sentence to whoever runs the program: on stderr and to a debugger.
pub fn report(sentence: &str) {
    eprintln!("{sentence}");
    let text = HSTRING::from(format!("{sentence}\n"));
    // SAFETY: the text is zero-terminated and lives until the call returns.
    unsafe { OutputDebugStringW(&text) };
}

/// The process's adapter; opened by the first who asks, and anew when it was removed.
static ADAPTER: Mutex<Option<Adapter>> = Mutex::new(None);

/// An adapter of the kernel model.
#[derive(Clone)]
pub struct Adapter {
    model: Arc<dxgkrnl::Adapter>,
}

impl Adapter {
    /// The process's adapter. It stays open until the process ends: its threads run in this DLL.
    ///
    /// # Errors
    /// `DXGI_ERROR_NOT_FOUND` when no host serves the link; what to do has then been said.
    pub fn open() -> Result<Self> {
        let mut current = lock(&ADAPTER);
        if let Some(adapter) = current.as_ref().filter(|adapter| !adapter.removed()) {
            return Ok(adapter.clone());
        }
        let resolved = Resolved::find(None).map_err(|error| {
            report(&format!("pvgpu: {error}"));
            DXGI_ERROR_NOT_FOUND
        })?;
        let model = dxgkrnl::Adapter::open(&resolved.link).map_err(|error| {
            report(&format!("pvgpu: {error}"));
            DXGI_ERROR_NOT_FOUND
        })?;
        section::note_link(&resolved.link);
        let adapter = Self { model };
        *current = Some(adapter.clone());
        Ok(adapter)
    }

    /// What the host told about itself.
    pub fn host_info(&self) -> &ArchivedHostInfo {
        self.model.host_info()
    }

    /// The GPU's name.
    pub fn gpu_name(&self) -> &str {
        field_text(&self.host_info().gpu_name)
    }

    /// Whether the host renders in software.
    pub fn is_software(&self) -> bool {
        self.host_info().features.to_native() & host_feature::SOFTWARE != 0
    }

    /// The adapter's locally unique id.
    pub fn luid(&self) -> u64 {
        self.model.luid()
    }

    /// Whether the host is gone.
    pub fn removed(&self) -> bool {
        self.model.removed()
    }

    /// What `OpenAdapter10_2` needs.
    pub fn callbacks(&self) -> (D3D10DDI_HRTADAPTER, &'static D3DDDI_ADAPTERCALLBACKS) {
        let (handle, callbacks) = self.model.adapter_callbacks();
        (D3D10DDI_HRTADAPTER(handle), callbacks)
    }

    /// Opens a kernel device.
    ///
    /// # Errors
    /// `DXGI_ERROR_DEVICE_REMOVED` when the host is gone, else `E_OUTOFMEMORY`; the cause has then been said.
    pub fn create_device(&self) -> Result<Device> {
        let sink = Arc::new(Sink::default());
        let for_model: Arc<dyn dxgkrnl::PresentSink> = sink.clone();
        let model = self.model.create_device(for_model).map_err(|error| {
            report(&format!("pvgpu: {error}"));
            match error {
                dxgkrnl::DeviceError::Removed(_) => DXGI_ERROR_DEVICE_REMOVED,
                dxgkrnl::DeviceError::Driver(_) | dxgkrnl::DeviceError::Thread(_) => E_OUTOFMEMORY,
            }
        })?;
        Ok(Device { model, sink })
    }
}

/// A device of the kernel model.
pub struct Device {
    model: dxgkrnl::Device,
    sink: Arc<Sink>,
}

impl Device {
    /// `hRTDevice`.
    pub fn handle(&self) -> D3D10DDI_HRTDEVICE {
        D3D10DDI_HRTDEVICE(self.model.handle())
    }

    /// The kernel callbacks.
    pub fn callbacks(&self) -> &'static D3DDDI_DEVICECALLBACKS {
        self.model.callbacks()
    }

    /// The DXGI callbacks.
    pub fn dxgi_callbacks(&self) -> &'static DXGI_DDI_BASE_CALLBACKS {
        self.model.dxgi_callbacks()
    }

    /// Whether the device is gone for good.
    ///
    /// # Errors
    /// `DXGI_ERROR_DEVICE_REMOVED` when it is.
    #[inline]
    pub fn require_alive(&self) -> Result {
        match self.model.removed_reason() {
            None => Ok(()),
            Some(_) => Err(DXGI_ERROR_DEVICE_REMOVED),
        }
    }

    /// Why the device is gone.
    ///
    /// # Errors
    /// `DXGI_ERROR_DEVICE_REMOVED`, `DXGI_ERROR_DEVICE_RESET` or `DXGI_ERROR_DRIVER_INTERNAL_ERROR` when it is.
    pub fn removed_reason(&self) -> Result {
        match self.model.removed_reason() {
            None => Ok(()),
            Some(dxgkrnl::RemovedReason::Host(_)) => Err(removed_reason(None)),
            Some(dxgkrnl::RemovedReason::Context { code }) => Err(removed_reason(Some(code))),
        }
    }

    /// Presents whose frame is not complete and released.
    pub fn frames_in_flight(&self) -> u32 {
        self.model.frames_in_flight()
    }

    /// Waits until fewer than `max` presents are in flight.
    pub fn wait_for_frame_slot(&self, max: u32, timeout: Duration) -> dxgkrnl::FrameSlot {
        self.model.wait_for_frame_slot(max, timeout)
    }

    /// Lets other devices open a resource, whose handle at the driver is `resource`.
    ///
    /// # Errors
    /// `DXGI_ERROR_UNSUPPORTED` when the driver has not told the kernel of it.
    pub fn share(&self, resource: usize, desc: Desc, keyed: bool) -> Result<Arc<SharedResource>> {
        let runtime = desc.to_words().into_iter().flat_map(u32::to_le_bytes).collect();
        // Two resources that have one handle, one after the other, do not begin at one time.
        // CAST: what is cut off changes every 500 years.
        let unique = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_nanos() as u64);
        self.model.share(resource, runtime, keyed, (&Session, unique)).ok_or(DXGI_ERROR_UNSUPPORTED)
    }

    /// Opens a shared resource for the driver, under the runtime's handle `resource`.
    ///
    /// # Errors
    /// `E_INVALIDARG` once no device has it, and for one of an adapter that is gone.
    pub fn open(&self, shared: &SharedResource, resource: usize) -> Result<OpenedResource> {
        self.model.open(shared, resource).ok_or(E_INVALIDARG_RESULT)
    }

    /// Takes [`open`](Self::open) back.
    pub fn close(&self, resource: usize) {
        self.model.close(resource);
    }

    /// Acquires the keyed mutex of a resource.
    pub fn acquire(&self, shared: &SharedResource, key: u64, timeout: Option<Duration>) -> Acquired {
        shared.acquire(&self.model, key, timeout)
    }

    /// Releases it; false if this device does not own it.
    pub fn release(&self, shared: &SharedResource, key: u64) -> bool {
        shared.release(&self.model, key)
    }

    /// Sets who receives frames.
    pub fn set_present_sink(&self, receiver: Option<IPvgpuPresentSink>) {
        let old = core::mem::replace(&mut *lock(&self.sink.receiver), receiver.map(Receiver));
        drop(old);
    }
}

/// Passes frames on to dxgi.dll's object.
#[derive(Default)]
struct Sink {
    receiver: Mutex<Option<Receiver>>,
}

/// An interface pointer that any thread may use.
#[derive(Clone)]
struct Receiver(IPvgpuPresentSink);

// SAFETY: the interface's contract is that it is called from the model's thread and released from any.
unsafe impl Send for Receiver {}

impl dxgkrnl::PresentSink for Sink {
    fn frame_ready(&self, dxgi_context: usize, frame: dxgkrnl::Frame) {
        // A copy, so that the receiver may be replaced while it works.
        let receiver = lock(&self.receiver).clone();
        if let Some(Receiver(receiver)) = receiver {
            let frame: IPvgpuFrame = Frame { frame }.into();
            // SAFETY: `frame` is an `IPvgpuFrame` that lives until the call returns.
            unsafe { receiver.FrameReady(dxgi_context, frame.as_raw()) };
        }
    }
}

/// A frame as dxgi.dll sees it.
#[implement(IPvgpuFrame)]
struct Frame {
    frame: dxgkrnl::Frame,
}

impl IPvgpuFrame_Impl for Frame_Impl {
    unsafe fn GetDesc(&self, desc: *mut PvgpuFrameDesc) -> HRESULT {
        // SAFETY: COM's contract: not null means valid.
        let Some(desc) = (unsafe { desc.as_mut() }) else { return E_POINTER };
        *desc = PvgpuFrameDesc {
            width: self.frame.width(),
            height: self.frame.height(),
            row_pitch: self.frame.row_pitch(),
            sequence: self.frame.sequence(),
        };
        S_OK
    }

    unsafe fn CopyTo(&self, data: *mut u8, size: usize) -> HRESULT {
        if data.is_null() || size < self.frame.bytes() {
            return E_INVALIDARG;
        }
        // SAFETY: the caller has `size` bytes at `data` and nobody else uses them during the call.
        let data = unsafe { core::slice::from_raw_parts_mut(data, size) };
        self.frame.copy_to(data);
        S_OK
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
