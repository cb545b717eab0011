//! The installed driver, and an event for its doorbell.
#![expect(unsafe_code, reason = "events are handles, and what a device promises is about memory")]

use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::sync::OnceLock;
use std::time::Duration;

use pvgpu_link::{Driver, DriverError, LinkEscapes};
use pvgpu_protocol::kernel_interface::{AttachLink, PrivateData};
use pvgpu_thunks::{Device, DeviceThunks, Library, NtStatus, ThunkError};
use windows::Win32::Foundation::{HANDLE, WAIT_OBJECT_0};
use windows::Win32::System::Threading::{CreateEventW, SetEvent, WaitForSingleObject};
use windows_core::PCWSTR;

use super::fault;
use crate::adapter;

/// The driver behind the entry points of a DLL, which stays loaded.
pub struct Installed {
    /// Where it is; `None` for gdi32.dll.
    path: Option<String>,
    library: OnceLock<&'static Library>,
}

impl Installed {
    /// The driver that the entry points of this DLL lead to.
    pub fn new(path: Option<String>) -> Self {
        Self { path, library: OnceLock::new() }
    }

    fn thunks(&self) -> Result<&'static dyn DeviceThunks, DriverError> {
        if let Some(library) = self.library.get() {
            return Ok(*library);
        }
        let library = Library::load(self.path.as_deref())?;
        // One, for as long as the program runs: devices refer to it.
        Ok(*self.library.get_or_init(|| Box::leak(Box::new(library))))
    }
}

impl Driver for Installed {
    type Device = InstalledDevice;

    fn open(&self) -> Result<InstalledDevice, DriverError> {
        let device = adapter::open(self.thunks()?)?;
        // SAFETY: No attributes, no name. Set by one, it wakes one and is taken back.
        let event = unsafe { CreateEventW(None, false, false, PCWSTR::null()) };
        // CAST: an HRESULT's bits.
        let event = event.map_err(|error| DriverError::Event { code: error.code().0.cast_unsigned() })?;
        // SAFETY: A fresh handle that nobody else has.
        let event = unsafe { OwnedHandle::from_raw_handle(event.0) };
        Ok(InstalledDevice { device, event })
    }
}

/// A device on the adapter, and its event. The device ends first.
pub struct InstalledDevice {
    device: Device<'static>,
    event: OwnedHandle,
}

impl InstalledDevice {
    fn handle(&self) -> HANDLE {
        HANDLE(self.event.as_raw_handle())
    }
}

impl LinkEscapes for InstalledDevice {
    type Error = NtStatus;

    fn escape(&self, data: &mut [u8]) -> Result<(), NtStatus> {
        let of = |error: ThunkError| error.status().unwrap_or(NtStatus::NOT_SUPPORTED);
        self.device.escape(data).map_err(of)?;
        if let Ok(attached) = AttachLink::read(data) {
            fault::aperture(attached.address, attached.bytes);
        }
        Ok(())
    }
}

impl Drop for InstalledDevice {
    fn drop(&mut self) {
        // It was detached, or never attached.
        fault::aperture(0, 0);
    }
}

// SAFETY: dxgkrnl carries escapes to the driver of this device as they are. The driver maps its aperture into this process for the
// device, where the memory manager gives the place to nobody else, and unmaps it by `DETACH_LINK`, or when the device is destroyed.
// An adapter that is stopped destroys it as well, and whoever touches the aperture then ends the program (`fault`).
unsafe impl pvgpu_link::Device for InstalledDevice {
    fn event(&self) -> u64 {
        self.event.as_raw_handle().addr() as u64
    }

    fn wait(&self, timeout: Duration) -> bool {
        let ms = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX - 1);
        // SAFETY: An event that lives as long as `self`.
        unsafe { WaitForSingleObject(self.handle(), ms) == WAIT_OBJECT_0 }
    }

    fn wake(&self) {
        // SAFETY: An event that lives as long as `self`. It can be set, or a wait ends by its time.
        let _ = unsafe { SetEvent(self.handle()) };
    }
}
