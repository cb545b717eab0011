//! The display in the system's hands: before the driver starts, when it stops, and when Windows stops.
#![expect(unsafe_code, reason = "entry points of the DDI")]

use core::ffi::c_void;

use pvgpu_kmd::display::Size;
use pvgpu_kmd_ddi::{
    D3DDDI_VIDEO_PRESENT_TARGET_ID, D3DDDIFMT_X8R8G8B8, D3DDDIFORMAT, DXGK_DISPLAY_INFORMATION,
    DXGKARG_SYSTEM_DISPLAY_ENABLE_FLAGS, NT_SUCCESS, NTSTATUS, STATUS_INVALID_PARAMETER,
    STATUS_NOT_SUPPORTED, STATUS_SUCCESS,
};

use crate::convert::bytes;
use crate::device::Device;
use crate::nt::Nt;

/// `DxgkCbAcquirePostDisplayOwnership`, within StartDevice: if there was a screen before, the monitor prefers its size, so
/// that the first mode is the one that people look at already. A system that has nothing to tell is fine. `PASSIVE_LEVEL`.
pub(crate) fn acquire_post_display_ownership<N: Nt>(device: &Device<N>) {
    let Some(dxgkrnl) = device.dxgkrnl() else { return };
    let Some(acquire) = dxgkrnl.DxgkCbAcquirePostDisplayOwnership else { return };
    let mut information = DXGK_DISPLAY_INFORMATION::default();
    // SAFETY: dxgkrnl's own handle, and a place for the answer.
    let status = unsafe { acquire(dxgkrnl.DeviceHandle, core::ptr::from_mut(&mut information)) };
    if NT_SUCCESS(status) && information.Width != 0 && information.Height != 0 {
        device.adapter().set_boot_size(Size { width: information.Width, height: information.Height });
    }
}

/// `DxgkDdiStopDeviceAndReleasePostDisplayOwnership`: refused, whereupon the system stops the device by StopDevice, as the
/// entry's page says.
///
/// The driver would have to leave a screen behind that the basic display driver can go on with. The only eye that looks at
/// this adapter's memory is the host's, and it looks away when the driver says goodbye; besides, neither of the two devices
/// is ever the one that firmware draws on. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_stop_device_and_release_post_display_ownership(
    miniport_device_context: *mut c_void,
    _target_id: D3DDDI_VIDEO_PRESENT_TARGET_ID,
    display_info: *mut DXGK_DISPLAY_INFORMATION,
) -> NTSTATUS {
    if miniport_device_context.is_null() || display_info.is_null() {
        return STATUS_INVALID_PARAMETER;
    }
    STATUS_NOT_SUPPORTED
}

/// `DxgkDdiSystemDisplayEnable`: the mode that is set stays. Any IRQL, no lock, no call of the system's.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_system_display_enable<N: Nt>(
    miniport_device_context: *mut c_void,
    target_id: D3DDDI_VIDEO_PRESENT_TARGET_ID,
    _flags: *mut DXGKARG_SYSTEM_DISPLAY_ENABLE_FLAGS,
    width: *mut u32,
    height: *mut u32,
    color_format: *mut D3DDDIFORMAT,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(miniport_device_context) };
    let Some(device) = device else { return STATUS_INVALID_PARAMETER };
    if width.is_null() || height.is_null() || color_format.is_null() {
        return STATUS_INVALID_PARAMETER;
    }
    let Some(screen) = device.adapter().system_display_enable(target_id) else { return STATUS_NOT_SUPPORTED };
    // SAFETY: dxgkrnl's place for the number.
    unsafe { width.write(screen.width) };
    // SAFETY: dxgkrnl's place for the number.
    unsafe { height.write(screen.height) };
    // SAFETY: dxgkrnl's place for the format.
    unsafe { color_format.write(D3DDDIFMT_X8R8G8B8) };
    STATUS_SUCCESS
}

/// `DxgkDdiSystemDisplayWrite`: the processor copies the block into the surface that is scanned out. Any IRQL, no lock, no
/// call of the system's.
///
/// # Safety
/// dxgkrnl calls it as the DDI says: `source` has `source_height` rows of `source_width` pixels of four bytes.
pub(crate) unsafe extern "win64" fn dxgk_ddi_system_display_write<N: Nt>(
    miniport_device_context: *mut c_void,
    source: *mut c_void,
    source_width: u32,
    source_height: u32,
    source_stride: u32,
    position_x: u32,
    position_y: u32,
) {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let Some(device) = (unsafe { Device::<N>::from_context(miniport_device_context) }) else { return };
    let Some(row_bytes) = source_width.checked_mul(4).filter(|bytes| *bytes <= source_stride) else { return };
    if source.is_null() {
        return;
    }
    let source: *const u8 = source.cast_const().cast();
    let row = |y: u32| {
        let row = source.wrapping_add(y as usize * source_stride as usize);
        // SAFETY: a row of dxgkrnl's image, in memory that is not paged and that nobody writes now.
        unsafe { bytes(row.cast(), row_bytes) }.unwrap_or_default()
    };
    device.adapter().system_display_write((0..source_height).map(row), (position_x, position_y));
}
