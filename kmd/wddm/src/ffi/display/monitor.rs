//! The monitor's own mode set: the driver adds what the EDID cannot state.
#![expect(unsafe_code, reason = "dxgkrnl's monitor functions are C functions")]

use core::ptr::{NonNull, from_mut, null_mut};

use pvgpu_kmd::display::ModeList;
use pvgpu_kmd_ddi::{
    D3DKMDT_HMONITORSOURCEMODESET, D3DKMDT_MONITOR_SOURCE_MODE, DXGK_MONITORSOURCEMODESET_INTERFACE,
    DXGKARG_RECOMMENDMONITORMODES, NTSTATUS, STATUS_GRAPHICS_INVALID_MONITOR_SOURCEMODESET,
    STATUS_GRAPHICS_MODE_ALREADY_IN_MODESET,
};

use super::network::check_target;
use super::signal::fill_monitor;
use super::vidpn::{check, function};

/// A monitor mode that is not in its set yet; given back unless it is added.
struct NewMode<'i> {
    set: D3DKMDT_HMONITORSOURCEMODESET,
    interface: &'i DXGK_MONITORSOURCEMODESET_INTERFACE,
    mode: NonNull<D3DKMDT_MONITOR_SOURCE_MODE>,
}

impl Drop for NewMode<'_> {
    fn drop(&mut self) {
        if let Some(release) = self.interface.pfnReleaseModeInfo {
            // SAFETY: a mode that was created for this set, which its owner gives up here and now.
            let _ = unsafe { release(self.set, self.mode.as_ptr()) };
        }
    }
}

/// `DxgkDdiRecommendMonitorModes`: adds all modes of the list, the preferred one as preferred. A mode that is there already,
/// from the EDID, stays as it is. IRQL ≤ `APC_LEVEL`.
///
/// # Errors
/// dxgkrnl's; what was added before stays in the set.
///
/// # Safety
/// The set and its interface are those that dxgkrnl passed to the call that is under way.
pub(super) unsafe fn recommend(
    list: &ModeList,
    args: &DXGKARG_RECOMMENDMONITORMODES,
) -> Result<(), NTSTATUS> {
    check_target(args.VideoPresentTargetId)?;
    // SAFETY: the caller's promise.
    let interface = unsafe { args.pMonitorSourceModeSetInterface.as_ref() };
    let interface = interface.ok_or(STATUS_GRAPHICS_INVALID_MONITOR_SOURCEMODESET)?;
    let set = args.hMonitorSourceModeSet;
    let create = function(interface.pfnCreateNewModeInfo)?;
    let add = function(interface.pfnAddMode)?;
    for mode in list.modes() {
        let mut new: *mut D3DKMDT_MONITOR_SOURCE_MODE = null_mut();
        // SAFETY: the set's own handle, and a place for a pointer.
        check(unsafe { create(set, from_mut(&mut new)) })?;
        let new = NonNull::new(new).ok_or(STATUS_GRAPHICS_INVALID_MONITOR_SOURCEMODESET)?;
        let mut new = NewMode { set, interface, mode: new };
        // SAFETY: this driver's alone until it is added.
        fill_monitor(unsafe { new.mode.as_mut() }, list, mode);
        // SAFETY: the set's own handle, and a mode that was created for it.
        match check(unsafe { add(set, new.mode.as_ptr()) }) {
            // It is the set's from here on.
            Ok(()) => core::mem::forget(new),
            Err(STATUS_GRAPHICS_MODE_ALREADY_IN_MODESET) => {}
            Err(status) => return Err(status),
        }
    }
    Ok(())
}
