//! The driver's image as it is where it is installed: an adapter that has started and waits for a link service.
//!
//! The service is another process on Windows; here it is this one, for which the model has a process that may load drivers. Its
//! event is a real one, which is set when the driver sets the model's. With `PVGPU_STOPS=1` the adapter is stopped once a link is
//! up, as Device Manager stops one.
#![expect(unsafe_code, reason = "sets an event by its handle")]

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pvgpu_dxgkrnl::strict::{Device, Options, Process, System};
use pvgpu_protocol::kernel_interface::{AttachLink, LinkUp, PrivateData};

use crate::image::NamedImage;

#[link(name = "kernel32")]
unsafe extern "system" {
    /// `SetEvent` (synchapi.h).
    fn SetEvent(event: *mut c_void) -> i32;
}

const STATUS_INVALID_HANDLE: i32 = 0xC000_0008_u32.cast_signed();

/// The adapter.
pub struct Installed {
    // Dropped in this order.
    devices: Mutex<BTreeMap<u32, Device>>,
    /// Whoever asks without a device asks through this one.
    own: Device,
    process: Process,
    system: System,
}

impl Installed {
    /// Loads the driver and starts its device.
    ///
    /// # Errors
    /// A sentence.
    pub fn start() -> Result<Self, String> {
        let system = System::boot(Options { image: Some(Arc::new(NamedImage)), ..Options::default() })
            .map_err(|error| error.to_string())?;
        let status = |what: &'static str| move |status: i32| format!("{what} gave {status:#010x}");
        system.add_device().map_err(status("DxgkDdiAddDevice"))?;
        system.start().map_err(status("DxgkDdiStartDevice"))?;
        let process = system.process_with(true);
        let own = process.open_device().map_err(status("DxgkDdiCreateDevice"))?;
        Ok(Self { devices: Mutex::default(), own, process, system })
    }

    fn devices(&self) -> MutexGuard<'_, BTreeMap<u32, Device>> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new device; gives its handle.
    ///
    /// # Errors
    /// The driver's status.
    pub fn create_device(&self) -> Result<u32, i32> {
        let device = self.process.open_device()?;
        let mut devices = self.devices();
        let handle = devices.last_key_value().map_or(0x4000_0040, |(last, _)| last + 0x40);
        devices.insert(handle, device);
        Ok(handle)
    }

    /// Ends a device; false when there is none.
    pub fn destroy_device(&self, handle: u32) -> bool {
        let Some(device) = self.devices().remove(&handle) else { return false };
        device.destroy();
        true
    }

    /// An escape in the name of a device, or of none.
    ///
    /// # Errors
    /// The driver's status.
    pub fn escape(&self, device: u32, data: &mut [u8]) -> Result<(), i32> {
        let device = match device {
            0 => self.own.clone(),
            handle => self.devices().get(&handle).cloned().ok_or(STATUS_INVALID_HANDLE)?,
        };
        let Ok(mut attach) = AttachLink::read(data) else {
            let up = LinkUp::read(data).is_ok();
            device.escape(None, data)?;
            if up && std::env::var_os("PVGPU_STOPS").is_some() {
                let system = self.system.clone();
                // Not in the service's own call, which the system would have to wait for.
                std::thread::spawn(move || system.stop());
            }
            return Ok(());
        };
        // The process's own handle is none of the model's.
        let event = usize::try_from(attach.event).map_err(|_| STATUS_INVALID_HANDLE)?;
        attach.event = self.process.create_event(move || {
            // SAFETY: A handle that is none, or not one any more, is refused; the service closes its own behind its device.
            unsafe { SetEvent(std::ptr::without_provenance_mut(event)) };
        });
        device.escape(None, bytemuck::bytes_of_mut(&mut attach))?;
        attach.event = event as u64;
        data.copy_from_slice(bytemuck::bytes_of(&attach));
        Ok(())
    }
}
