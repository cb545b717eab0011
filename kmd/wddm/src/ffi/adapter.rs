//! The adapter's life: AddDevice to RemoveDevice, power, and what PnP asks in between.
#![expect(unsafe_code, reason = "entry points of the DDI")]

use core::ffi::c_void;

use pvgpu_kmd::ddi::PowerState;
use pvgpu_kmd_ddi::{
    BOOLEAN, DEVICE_POWER_STATE, DISPLAY_ADAPTER_HW_ID, DXGK_EVENT_TYPE, DXGK_START_INFO,
    DXGK_SURPRISE_REMOVAL_TYPE, DXGKRNL_INTERFACE, DxgkRemovalHibernation, DxgkRemovalPnPNotify, NTSTATUS,
    POWER_ACTION, PowerDeviceD0, QUERY_INTERFACE, STATUS_INVALID_PARAMETER, STATUS_NOT_SUPPORTED,
    STATUS_SUCCESS, VIDEO_REQUEST_PACKET,
};

use super::start;
use crate::convert::{error, ntstatus};
use crate::device::Device;
use crate::nt::Nt;
use crate::timer::flush_dpcs;

/// `DxgkDdiAddDevice`: makes the context block; no hardware is touched. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_add_device<N: Nt>(
    physical_device_object: *mut pvgpu_kmd_ddi::DEVICE_OBJECT,
    miniport_device_context: *mut *mut c_void,
) -> NTSTATUS {
    if physical_device_object.is_null() || miniport_device_context.is_null() {
        return STATUS_INVALID_PARAMETER;
    }
    match Device::<N>::create() {
        Ok(context) => {
            // SAFETY: dxgkrnl's place for the context.
            unsafe { miniport_device_context.write(context) };
            STATUS_SUCCESS
        }
        Err(status) => error(status),
    }
}

/// `DxgkDdiStartDevice`: maps what PnP gave, prepares the aperture, says hello. A host need not be there.
/// `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_start_device<N: Nt>(
    miniport_device_context: *mut c_void,
    dxgk_start_info: *mut DXGK_START_INFO,
    dxgk_interface: *mut DXGKRNL_INTERFACE,
    number_of_video_present_sources: *mut u32,
    number_of_children: *mut u32,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(miniport_device_context) };
    let Some(device) = device else { return STATUS_INVALID_PARAMETER };
    if dxgk_start_info.is_null()
        || dxgk_interface.is_null()
        || number_of_video_present_sources.is_null()
        || number_of_children.is_null()
    {
        return STATUS_INVALID_PARAMETER;
    }
    // SAFETY: dxgkrnl's interface.
    match unsafe { start::start(device, dxgk_interface) } {
        Ok(()) => {}
        Err(status) => return status,
    }
    // SAFETY: dxgkrnl's place for the number.
    unsafe { number_of_video_present_sources.write(pvgpu_kmd::display::SOURCES) };
    // SAFETY: dxgkrnl's place for the number.
    unsafe { number_of_children.write(pvgpu_kmd::display::TARGETS) };
    STATUS_SUCCESS
}

/// `DxgkDdiStopDevice`: gives everything back that StartDevice took. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_stop_device<N: Nt>(
    miniport_device_context: *mut c_void,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(miniport_device_context) };
    device.map_or(STATUS_INVALID_PARAMETER, |device| ntstatus(start::stop(device)))
}

/// `DxgkDdiRemoveDevice`: frees the context block. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says; the context is not used any more.
pub(crate) unsafe extern "win64" fn dxgk_ddi_remove_device<N: Nt>(
    miniport_device_context: *mut c_void,
) -> NTSTATUS {
    if miniport_device_context.is_null() {
        return STATUS_INVALID_PARAMETER;
    }
    // SAFETY: what AddDevice made, which dxgkrnl removes once.
    unsafe { Device::<N>::end(miniport_device_context) };
    STATUS_SUCCESS
}

/// `DxgkDdiResetDevice`: the HAL is about to write to the screen; there is no VGA mode to go back to. Any IRQL.
///
/// # Safety
/// None: it touches nothing.
pub(crate) unsafe extern "win64" fn dxgk_ddi_reset_device(_miniport_device_context: *mut c_void) {}

/// `DxgkDdiUnload`: there is nothing that does not belong to an adapter. `PASSIVE_LEVEL`.
///
/// # Safety
/// None: it touches nothing.
pub(crate) unsafe extern "win64" fn dxgk_ddi_unload() {}

/// `DxgkDdiDispatchIoRequest`: no video I/O control code is known here. `PASSIVE_LEVEL`.
///
/// # Safety
/// None: it touches nothing.
pub(crate) unsafe extern "win64" fn dxgk_ddi_dispatch_io_request(
    _miniport_device_context: *mut c_void,
    _vid_pn_source_id: u32,
    _video_request_packet: *mut VIDEO_REQUEST_PACKET,
) -> NTSTATUS {
    STATUS_NOT_SUPPORTED
}

/// `DxgkDdiQueryInterface`: the children have no drivers of their own to speak with. `PASSIVE_LEVEL`.
///
/// # Safety
/// None: it touches nothing.
pub(crate) unsafe extern "win64" fn dxgk_ddi_query_interface(
    _miniport_device_context: *mut c_void,
    _query_interface: *mut QUERY_INTERFACE,
) -> NTSTATUS {
    STATUS_NOT_SUPPORTED
}

/// `DxgkDdiControlEtwLogging`: the driver's records go to the telemetry ring, whose level the registry sets.
/// `PASSIVE_LEVEL`.
///
/// # Safety
/// None: it touches nothing.
pub(crate) unsafe extern "win64" fn dxgk_ddi_control_etw_logging(_enable: BOOLEAN, _flags: u32, _level: u8) {}

/// `DxgkDdiNotifyAcpiEvent`: the device has no ACPI methods. `PASSIVE_LEVEL`.
///
/// # Safety
/// None: it touches nothing.
pub(crate) unsafe extern "win64" fn dxgk_ddi_notify_acpi_event(
    _miniport_device_context: *mut c_void,
    _event_type: DXGK_EVENT_TYPE,
    _event: u32,
    _argument: *mut c_void,
    _acpi_flags: *mut u32,
) -> NTSTATUS {
    STATUS_SUCCESS
}

/// `DxgkDdiSetPowerState`: never fails. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_set_power_state<N: Nt>(
    miniport_device_context: *mut c_void,
    device_uid: u32,
    device_power_state: DEVICE_POWER_STATE,
    action_type: POWER_ACTION,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(miniport_device_context) };
    let Some(device) = device else { return STATUS_INVALID_PARAMETER };
    if device_uid != DISPLAY_ADAPTER_HW_ID {
        // A monitor has no power of its own here; it goes dark with the source's visibility.
        return STATUS_SUCCESS;
    }
    if device_power_state == PowerDeviceD0 {
        start::enable_interrupt(device, true);
        device.adapter().set_power_state(PowerState::On, action_type);
        device.kernel().start_heartbeat();
    } else {
        device.adapter().set_power_state(PowerState::Off, action_type);
        device.kernel().stop_timers();
        start::enable_interrupt(device, false);
        flush_dpcs::<N>();
    }
    STATUS_SUCCESS
}

/// `DxgkDdiNotifySurpriseRemoval`: the device is gone; calls go on failing until StopDevice. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_notify_surprise_removal<N: Nt>(
    miniport_device_context: *mut c_void,
    removal_type: DXGK_SURPRISE_REMOVAL_TYPE,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(miniport_device_context) };
    let Some(device) = device else { return STATUS_INVALID_PARAMETER };
    if ![DxgkRemovalHibernation, DxgkRemovalPnPNotify].contains(&removal_type) {
        return STATUS_NOT_SUPPORTED;
    }
    device.kernel().set_gone(true);
    device.adapter().surprise_removal();
    STATUS_SUCCESS
}
