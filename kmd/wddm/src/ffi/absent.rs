//! Entries for hardware that is not there: swizzling ranges, overlays, capture, links of several adapters.
//!
//! The capabilities say so, and dxgkrnl does not call them; whoever does is told.
#![expect(unsafe_code, reason = "entry points of the DDI")]

use core::ffi::c_void;

use pvgpu_kmd_ddi::{
    DEVICE_OBJECT, DXGKARG_SETDISPLAYPRIVATEDRIVERFORMAT, HANDLE, LINKED_DEVICE, NTSTATUS,
    STATUS_NOT_SUPPORTED,
};

/// `DxgkDdiAcquireSwizzlingRange`, `DxgkDdiCreateOverlay`. `PASSIVE_LEVEL`.
///
/// # Safety
/// None: it touches nothing.
pub(crate) unsafe extern "win64" fn not_there(_object: HANDLE, _argument: *mut c_void) -> NTSTATUS {
    STATUS_NOT_SUPPORTED
}

/// `DxgkDdiReleaseSwizzlingRange`, `DxgkDdiStopCapture`, `DxgkDdiUpdateOverlay`, `DxgkDdiFlipOverlay`. `PASSIVE_LEVEL`.
///
/// # Safety
/// None: it touches nothing.
pub(crate) unsafe extern "win64" fn not_there_const(_object: HANDLE, _argument: *const c_void) -> NTSTATUS {
    STATUS_NOT_SUPPORTED
}

/// `DxgkDdiDestroyOverlay`. `PASSIVE_LEVEL`.
///
/// # Safety
/// None: it touches nothing.
pub(crate) unsafe extern "win64" fn destroy_overlay(_overlay: HANDLE) -> NTSTATUS {
    STATUS_NOT_SUPPORTED
}

/// `DxgkDdiLinkDevice`: the adapter is part of no chain. `PASSIVE_LEVEL`.
///
/// # Safety
/// None: it touches nothing.
pub(crate) unsafe extern "win64" fn link_device(
    _physical_device_object: *mut DEVICE_OBJECT,
    _miniport_device_context: *mut c_void,
    _linked_device: *mut LINKED_DEVICE,
) -> NTSTATUS {
    STATUS_NOT_SUPPORTED
}

/// `DxgkDdiSetDisplayPrivateDriverFormat`: primaries have no private formats. `PASSIVE_LEVEL`.
///
/// # Safety
/// None: it touches nothing.
pub(crate) unsafe extern "win64" fn set_display_private_driver_format(
    _adapter: HANDLE,
    _argument: *const DXGKARG_SETDISPLAYPRIVATEDRIVERFORMAT,
) -> NTSTATUS {
    STATUS_NOT_SUPPORTED
}
