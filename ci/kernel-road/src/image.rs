//! Gives the model of dxgkrnl the image.
#![expect(unsafe_code, reason = "defines DllMain, which the system finds by its name")]

use std::ffi::c_void;
use std::path::Path;

use pvgpu_dxgkrnl::{DriverEntry, DriverImage, LoadedImage, set_driver_image};
use pvgpu_loader::Image;

/// Names the file.
const VARIABLE: &str = "PVGPU_DRIVER_IMAGE";
/// `DLL_PROCESS_ATTACH`.
const PROCESS_ATTACH: u32 = 1;

/// The system's first call into the DLL, before any other. What may be done here is little: it notes where an image will come
/// from.
#[unsafe(no_mangle)]
extern "system" fn DllMain(_instance: *mut c_void, reason: u32, _reserved: *mut c_void) -> i32 {
    if reason == PROCESS_ATTACH {
        set_driver_image(Box::new(NamedImage));
    }
    1
}

/// The image that the variable names.
pub struct NamedImage;

impl DriverImage for NamedImage {
    fn load(&self, exports: &dyn Fn(&str) -> Option<*const c_void>) -> Result<Box<dyn LoadedImage>, String> {
        let path = std::env::var_os(VARIABLE).ok_or_else(|| format!("{VARIABLE} names no driver image"))?;
        let image = Image::load(Path::new(&path), &exports).map_err(|error| error.to_string())?;
        Ok(Box::new(Mapped(image)))
    }
}

/// An image in this process.
struct Mapped(Image);

impl LoadedImage for Mapped {
    fn entry(&self) -> DriverEntry {
        self.0.entry()
    }

    fn discard_init(&self) {
        if let Err(error) = self.0.discard_init() {
            eprintln!("pvgpu: INIT stays: {error}");
        }
    }

    fn offset(&self, address: usize) -> Option<usize> {
        self.0.offset(address)
    }
}
