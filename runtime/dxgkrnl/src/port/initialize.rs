//! `DxgkInitialize`: where a driver's `DriverEntry` registers its entry points.
#![expect(unsafe_code, reason = "the driver passes pointers; they are read here")]

use pvgpu_kmd_ddi::*;

use super::driver::Table;
use crate::irql::{self, Irql};
use crate::system;
use crate::verifier::Rule;

/// `DxgkInitialize`, as the IOCTL to dxgkrnl's device gives it. `PASSIVE_LEVEL`, in `DriverEntry`.
pub(crate) unsafe extern "win64" fn dxgk_initialize(
    driver_object: *mut DRIVER_OBJECT,
    registry_path: *mut UNICODE_STRING,
    data: *mut DRIVER_INITIALIZATION_DATA,
) -> NTSTATUS {
    const FUNCTION: &str = "DxgkInitialize";
    irql::require(Irql::Passive, FUNCTION);
    if driver_object.is_null() || registry_path.is_null() || data.is_null() {
        system::report(Rule::Ddi, FUNCTION, || "an argument is null".to_owned());
        return STATUS_INVALID_PARAMETER;
    }
    if system::with(|system, _| system.inject.may_fail(FUNCTION)) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    let version = data.cast::<u32>();
    // SAFETY: the contract: at least the version is there.
    let version = unsafe { version.read() };
    let bytes = DRIVER_INITIALIZATION_DATA::size_for(version);
    let mut table = DRIVER_INITIALIZATION_DATA::default();
    // SAFETY: the contract: as many bytes as the version's struct has, which is a beginning of ours.
    unsafe { std::ptr::copy_nonoverlapping(data.cast::<u8>(), (&raw mut table).cast::<u8>(), bytes) };
    system::with(|system, _| system.register(Table(table)))
}
