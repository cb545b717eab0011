//! Loads the driver into a system: the one that is linked into this program, or an image that somebody else maps.
#![expect(unsafe_code, reason = "an image's DriverEntry is called with pointers")]

use std::ffi::c_void;
use std::fmt;
use std::sync::{Arc, OnceLock};

use pvgpu_kmd_ddi::{DRIVER_OBJECT, NT_SUCCESS, NTSTATUS, STATUS_UNSUCCESSFUL, UNICODE_STRING};

use crate::irql::Irql;
use crate::nt::{ModelNt, exports};
use crate::port::driver::{Driver, Table};
use crate::port::dxgk_initialize;
use crate::system::{self, System};

/// The key of the driver's service, which `DriverEntry` is given.
const SERVICE_KEY: &str = "\\Registry\\Machine\\System\\CurrentControlSet\\Services\\pvgpukmd";

/// An image's `DriverEntry`: the driver object and the path of the service's key.
pub type DriverEntry = unsafe extern "win64" fn(*mut c_void, *mut c_void) -> i32;

/// A driver's image that can be mapped, as often as systems want it.
pub trait DriverImage: Send + Sync {
    /// Maps the image and binds its imports: `exports` gives the address of an export of ntoskrnl.exe. Runs nothing.
    ///
    /// # Errors
    /// One sentence.
    fn load(&self, exports: &dyn Fn(&str) -> Option<*const c_void>) -> Result<Box<dyn LoadedImage>, String>;
}

/// An image that is mapped, until this is dropped.
pub trait LoadedImage: Send + Sync {
    /// `DriverEntry`.
    fn entry(&self) -> DriverEntry;

    /// `DriverEntry` has returned: what is discardable goes.
    fn discard_init(&self);

    /// Where in the image an address is, if it is.
    fn offset(&self, address: usize) -> Option<usize>;
}

static IMAGE: OnceLock<Box<dyn DriverImage>> = OnceLock::new();

/// From now on adapters run this image instead of the linked driver. Only the first call counts; to be made before the first
/// adapter is opened.
pub fn set_driver_image(image: Box<dyn DriverImage>) {
    let _ = IMAGE.set(image);
}

/// The image that [`set_driver_image`] gave.
pub(crate) fn driver_image() -> Option<&'static dyn DriverImage> {
    IMAGE.get().map(|image| image.as_ref())
}

/// Why a driver cannot be loaded.
#[derive(Debug)]
pub(crate) enum LoadError {
    /// The image cannot be mapped.
    Image(String),
    /// `DriverEntry` failed, or did not register.
    Entry(NTSTATUS),
}

/// A driver that is loaded and has registered its entry points.
pub(crate) struct LoadedDriver {
    /// What it registered.
    pub(crate) table: Table,
    /// Its code.
    pub(crate) image: Option<Box<dyn LoadedImage>>,
}

impl LoadedDriver {
    /// `DxgkDdiUnload`.
    pub(crate) fn unload(&self, system: &Arc<System>) {
        // A driver without the entry needs no call.
        let _ = Driver::new(system, self.table).unload();
    }
}

impl fmt::Debug for LoadedDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadedDriver").field("image", &self.image.is_some()).finish_non_exhaustive()
    }
}

/// Loads a driver: `image`, or the linked one.
pub(crate) fn load(system: &Arc<System>, image: Option<&dyn DriverImage>) -> Result<LoadedDriver, LoadError> {
    let _inside = system::enter(system, system.system_process());
    let mut path: Vec<u16> = SERVICE_KEY.encode_utf16().chain([0]).collect();
    // CAST: a short constant.
    let bytes = (SERVICE_KEY.len() * 2) as u16;
    let mut path = UNICODE_STRING { Length: bytes, MaximumLength: bytes + 2, Buffer: path.as_mut_ptr() };
    let mut object = DRIVER_OBJECT {
        Type: 4,
        Size: size_of::<DRIVER_OBJECT>() as i16,
        DriverName: path,
        ..Default::default()
    };
    let (status, image) = match image {
        None => {
            let mut table = pvgpu_kmd_wddm::initialization_data::<ModelNt>();
            // SAFETY: the arguments are alive and of their types.
            let status = unsafe { dxgk_initialize(&raw mut object, &raw mut path, &raw mut table) };
            (status, None)
        }
        Some(image) => {
            let image = image.load(&exports::address).map_err(LoadError::Image)?;
            let entry = image.entry();
            let (object, path) = ((&raw mut object).cast(), (&raw mut path).cast());
            let status = system.call_driver("DriverEntry", Irql::Passive, || {
                // SAFETY: the image's entry point, with arguments that are alive and of their types.
                unsafe { entry(object, path) }
            });
            image.discard_init();
            (status, Some(image))
        }
    };
    if !NT_SUCCESS(status) {
        return Err(LoadError::Entry(status));
    }
    let table = system.table().ok_or(LoadError::Entry(STATUS_UNSUCCESSFUL))?;
    Ok(LoadedDriver { table, image })
}
