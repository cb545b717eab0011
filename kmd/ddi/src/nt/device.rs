//! Drivers, devices, requests, bus interfaces.

use core::ffi::c_void;

use crate::*;

/// A device object; opaque here.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DEVICE_OBJECT {
    pub Opaque: [u8; 0],
}

/// A file object; opaque here.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct FILE_OBJECT {
    pub Opaque: [u8; 0],
}

/// An I/O request packet; opaque here.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct IRP {
    pub Opaque: [u8; 0],
}

/// `DriverUnload`.
pub type DRIVER_UNLOAD = Option<unsafe extern "win64" fn(DriverObject: *mut DRIVER_OBJECT)>;
/// `DriverEntry`.
pub type DRIVER_INITIALIZE = Option<
    unsafe extern "win64" fn(DriverObject: *mut DRIVER_OBJECT, RegistryPath: *mut UNICODE_STRING) -> NTSTATUS,
>;
/// A dispatch routine.
pub type DRIVER_DISPATCH =
    Option<unsafe extern "win64" fn(DeviceObject: *mut DEVICE_OBJECT, Irp: *mut IRP) -> NTSTATUS>;

/// The last `IRP_MJ_…`.
pub const IRP_MJ_MAXIMUM_FUNCTION: usize = 0x1b;

/// A loaded driver.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DRIVER_OBJECT {
    pub Type: i16,
    pub Size: i16,
    pub Padding0: u32,
    pub DeviceObject: *mut DEVICE_OBJECT,
    pub Flags: u32,
    pub Padding1: u32,
    pub DriverStart: *mut c_void,
    /// Bytes of the image.
    pub DriverSize: u32,
    pub Padding2: u32,
    pub DriverSection: *mut c_void,
    pub DriverExtension: *mut c_void,
    pub DriverName: UNICODE_STRING,
    pub HardwareDatabase: *mut UNICODE_STRING,
    pub FastIoDispatch: *mut c_void,
    pub DriverInit: DRIVER_INITIALIZE,
    pub DriverStartIo: *mut c_void,
    pub DriverUnload: DRIVER_UNLOAD,
    pub MajorFunction: [DRIVER_DISPATCH; IRP_MJ_MAXIMUM_FUNCTION + 1],
}

/// `InterfaceReference` and `InterfaceDereference`.
pub type INTERFACE_REFERENCE = Option<unsafe extern "win64" fn(Context: *mut c_void)>;

/// The head of every interface that drivers exchange.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct INTERFACE {
    /// Bytes of the whole interface.
    pub Size: u16,
    pub Version: u16,
    pub Padding0: u32,
    pub Context: *mut c_void,
    pub InterfaceReference: INTERFACE_REFERENCE,
    pub InterfaceDereference: INTERFACE_REFERENCE,
}

/// What `DxgkDdiQueryInterface` is asked for (`video.h`).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct QUERY_INTERFACE {
    pub InterfaceType: *const GUID,
    /// Bytes that `Interface` has room for.
    pub Size: u16,
    pub Version: u16,
    pub Padding0: u32,
    pub Interface: *mut INTERFACE,
    pub InterfaceSpecificData: *mut c_void,
}

/// How a request of the video port ended (`video.h`).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct STATUS_BLOCK {
    /// The header's union of a status and a pointer; only the lower half is the status.
    pub Status: i32,
    pub Padding0: u32,
    pub Information: usize,
}

/// A video I/O control request (`video.h`).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct VIDEO_REQUEST_PACKET {
    pub IoControlCode: u32,
    pub Padding0: u32,
    pub StatusBlock: *mut STATUS_BLOCK,
    pub InputBuffer: *mut c_void,
    pub InputBufferLength: u32,
    pub Padding1: u32,
    pub OutputBuffer: *mut c_void,
    pub OutputBufferLength: u32,
    pub Padding2: u32,
}
