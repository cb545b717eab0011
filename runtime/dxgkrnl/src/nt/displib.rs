//! What a driver image needs of NT to find dxgkrnl: the steps that the WDK's displib takes in `DriverEntry`.
#![expect(non_snake_case, reason = "the functions have their exported names")]

use std::ffi::c_void;
use std::sync::Arc;

use pvgpu_kmd_ddi::{
    DRIVER_INITIALIZATION_DATA, DRIVER_OBJECT, IO_STATUS_BLOCK, NTSTATUS, STATUS_IMAGE_ALREADY_LOADED,
    STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_PARAMETER,
    STATUS_OBJECT_NAME_NOT_FOUND, STATUS_SUCCESS, UNICODE_STRING,
};

use super::dispatcher::Header;
use super::model_nt::text;
use super::object::EventObject;
use crate::irql::{self, Irql};
use crate::port::dxgk_initialize;
use crate::system;
use crate::verifier::Rule;

/// The IOCTL that dxgkrnl of Windows 8 and later answers with the address of `DxgkInitialize`.
const IOCTL_INITIALIZE: u32 = 0x23_0047;
/// Its service and its device, as drivers name them; names are compared without case.
const SERVICE: &str = "\\registry\\machine\\system\\currentcontrolset\\services\\dxgkrnl";
const DEVICE: &str = "\\device\\dxgkrnl";
/// The tag of I/O request packets.
const IRP_TAG: u32 = u32::from_le_bytes(*b"Irp ");

/// dxgkrnl's device object; only its address counts.
static DEVICE_OBJECT: u64 = 0;

/// The address of `DxgkInitialize`.
type Initialize = unsafe extern "win64" fn(
    *mut DRIVER_OBJECT,
    *mut UNICODE_STRING,
    *mut DRIVER_INITIALIZATION_DATA,
) -> NTSTATUS;

/// A request that was built.
#[derive(Clone, Copy)]
#[repr(C)]
struct Request {
    code: u32,
    internal: u8,
    output: *mut c_void,
    output_bytes: u32,
    event: *mut c_void,
    status: *mut IO_STATUS_BLOCK,
}

fn device_object() -> *mut c_void {
    (&raw const DEVICE_OBJECT).cast_mut().cast()
}

/// `ZwLoadDriver`: dxgkrnl runs already.
pub(super) unsafe extern "win64" fn ZwLoadDriver(service: *mut UNICODE_STRING) -> NTSTATUS {
    const FUNCTION: &str = "ZwLoadDriver";
    irql::require(Irql::Passive, FUNCTION);
    if system::with(|system, _| system.inject.may_fail(FUNCTION)) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    // SAFETY: the contract: readable.
    match unsafe { text(service) } {
        Some(name) if name.to_lowercase() == SERVICE => STATUS_IMAGE_ALREADY_LOADED,
        _ => STATUS_OBJECT_NAME_NOT_FOUND,
    }
}

/// `IoGetDeviceObjectPointer`: gives dxgkrnl's device and a reference to a file on it.
pub(super) unsafe extern "win64" fn IoGetDeviceObjectPointer(
    name: *mut UNICODE_STRING,
    _access: u32,
    file: *mut *mut c_void,
    device: *mut *mut c_void,
) -> NTSTATUS {
    const FUNCTION: &str = "IoGetDeviceObjectPointer";
    irql::require(Irql::Passive, FUNCTION);
    if system::with(|system, _| system.inject.may_fail(FUNCTION)) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    // SAFETY: the contract: readable.
    match unsafe { text(name) } {
        Some(name) if name.to_lowercase() == DEVICE => {}
        _ => return STATUS_OBJECT_NAME_NOT_FOUND,
    }
    let object = system::with(|system, _| system.references.reference(Arc::new(EventObject::new(None))));
    // SAFETY: the contract: writable.
    unsafe { file.write(std::ptr::with_exposed_provenance_mut(object)) };
    // SAFETY: as above.
    unsafe { device.write(device_object()) };
    STATUS_SUCCESS
}

/// `IoBuildDeviceIoControlRequest`.
pub(super) unsafe extern "win64" fn IoBuildDeviceIoControlRequest(
    code: u32,
    device: *mut c_void,
    _input: *mut c_void,
    _input_bytes: u32,
    output: *mut c_void,
    output_bytes: u32,
    internal: u8,
    event: *mut c_void,
    status: *mut IO_STATUS_BLOCK,
) -> *mut c_void {
    const FUNCTION: &str = "IoBuildDeviceIoControlRequest";
    irql::require(Irql::Passive, FUNCTION);
    if device != device_object() {
        system::report(Rule::Object, FUNCTION, || format!("{device:p} is no device"));
        return std::ptr::null_mut();
    }
    let request = system::with(|system, _| {
        if system.inject.may_fail(FUNCTION) {
            return std::ptr::null_mut();
        }
        system.pool.allocate(&system.verifier, 0x40, size_of::<Request>(), IRP_TAG)
    });
    if !request.is_null() {
        let value = Request { code, internal, output, output_bytes, event, status };
        // SAFETY: memory for one, just allocated, aligned to 16.
        unsafe { request.cast::<Request>().write(value) };
    }
    request
}

/// `IofCallDriver`: dxgkrnl answers at once; the request is gone afterwards.
pub(super) unsafe extern "win64" fn IofCallDriver(device: *mut c_void, irp: *mut c_void) -> NTSTATUS {
    const FUNCTION: &str = "IofCallDriver";
    irql::require(Irql::Passive, FUNCTION);
    if device != device_object() || irp.is_null() {
        system::report(Rule::Object, FUNCTION, || format!("{device:p} is no device, or there is no request"));
        return STATUS_INVALID_PARAMETER;
    }
    // SAFETY: the contract: a request of `IoBuildDeviceIoControlRequest` that was not sent yet.
    let request = unsafe { irp.cast::<Request>().read() };
    let room = request.output_bytes as usize >= size_of::<Initialize>() && !request.output.is_null();
    let result = if request.code != IOCTL_INITIALIZE || request.internal == 0 {
        STATUS_INVALID_DEVICE_REQUEST
    } else if !room {
        STATUS_INVALID_PARAMETER
    } else {
        let initialize: Initialize = dxgk_initialize;
        // SAFETY: the caller's output buffer, large enough.
        unsafe { request.output.cast::<Initialize>().write_unaligned(initialize) };
        STATUS_SUCCESS
    };
    let end = IO_STATUS_BLOCK { Status: result, Padding0: 0, Information: size_of::<Initialize>() };
    if !request.status.is_null() {
        // SAFETY: the caller's, which lives until the request has ended.
        unsafe { request.status.write(end) };
    }
    if !request.event.is_null() {
        let _ = request.event.expose_provenance();
        // SAFETY: the caller's event, which lives until the request has ended.
        unsafe { Header::at(request.event.cast()) }.signal();
    }
    system::with(|system, _| system.pool.free(&system.verifier, irp, IRP_TAG));
    result
}

/// `KeBugCheckEx`: the system stops. The process does, after saying everything that the verifier knows.
pub(super) unsafe extern "win64" fn KeBugCheckEx(code: u32, a: usize, b: usize, c: usize, d: usize) -> ! {
    system::report(Rule::BugCheck, "KeBugCheckEx", || format!("{code:#x} ({a:#x}, {b:#x}, {c:#x}, {d:#x})"));
    eprintln!("pvgpu: the driver stopped the system: {code:#x} ({a:#x}, {b:#x}, {c:#x}, {d:#x})");
    system::with(|system, _| {
        for line in system.debug_lines() {
            eprintln!("  debugger: {line}");
        }
        for violation in system.verifier.all() {
            eprintln!("  {violation}");
        }
    });
    std::process::abort();
}
