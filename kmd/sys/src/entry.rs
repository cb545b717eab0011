//! DriverEntry: tells dxgkrnl the driver's entry points.
#![expect(unsafe_code, reason = "is called by NT")]

use pvgpu_kmd_ddi::{DRIVER_OBJECT, NTSTATUS, UNICODE_STRING};

use crate::displib;
use crate::nt::Ntoskrnl;

/// Called once when the driver is loaded. `PASSIVE_LEVEL`.
///
/// # Safety
/// NT's: both arguments are what it documents for DRIVER_INITIALIZE.
#[unsafe(no_mangle)]
#[unsafe(link_section = "INIT")]
pub unsafe extern "win64" fn DriverEntry(
    driver_object: *mut DRIVER_OBJECT,
    registry_path: *mut UNICODE_STRING,
) -> NTSTATUS {
    let mut data = pvgpu_kmd_wddm::initialization_data::<Ntoskrnl>();
    // SAFETY: NT's arguments are handed on; the table is complete, and its functions are this driver's.
    unsafe { displib::dxgk_initialize(driver_object, registry_path, &mut data) }
}
