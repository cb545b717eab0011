//! `DXGKRNL_INTERFACE`: the functions of dxgkrnl that the driver calls.
//!
//! Each checks where it is called: the IRQL that its page states, the adapter's life, and that the driver asks for what
//! exists. A function that can fail asks the failure injection first.
#![expect(unsafe_code, reason = "the driver passes pointers; they are read and written here")]
#![expect(non_snake_case, reason = "the functions have the names that they have in the table")]

use std::ffi::c_void;
use std::sync::Arc;

use pvgpu_kmd_ddi::*;

use super::{Life, Port};
use crate::irql::{self, Irql};
use crate::system;
use crate::verifier::Rule;

/// The table for a port.
pub(super) fn interface(port: &Port) -> DXGKRNL_INTERFACE {
    DXGKRNL_INTERFACE {
        Size: size_of::<DXGKRNL_INTERFACE>() as u32,
        Version: DXGKDDI_INTERFACE_VERSION_WDDM1_3,
        DeviceHandle: port.device_handle(),
        DxgkCbEvalAcpiMethod: Some(EvalAcpiMethod),
        DxgkCbGetDeviceInformation: Some(GetDeviceInformation),
        DxgkCbIndicateChildStatus: Some(IndicateChildStatus),
        DxgkCbMapMemory: Some(MapMemory),
        DxgkCbQueueDpc: Some(QueueDpc),
        DxgkCbQueryServices: Some(QueryServices),
        DxgkCbReadDeviceSpace: Some(ReadDeviceSpace),
        DxgkCbSynchronizeExecution: Some(SynchronizeExecution),
        DxgkCbUnmapMemory: Some(UnmapMemory),
        DxgkCbWriteDeviceSpace: Some(WriteDeviceSpace),
        DxgkCbIsDevicePresent: Some(IsDevicePresent),
        DxgkCbGetHandleData: Some(GetHandleData),
        DxgkCbGetHandleParent: Some(GetHandleParent),
        DxgkCbEnumHandleChildren: Some(EnumHandleChildren),
        DxgkCbNotifyInterrupt: Some(NotifyInterrupt),
        DxgkCbNotifyDpc: Some(NotifyDpc),
        DxgkCbQueryVidPnInterface: Some(QueryVidPnInterface),
        DxgkCbQueryMonitorInterface: Some(QueryMonitorInterface),
        DxgkCbGetCaptureAddress: Some(GetCaptureAddress),
        DxgkCbLogEtwEvent: Some(LogEtwEvent),
        DxgkCbExcludeAdapterAccess: Some(ExcludeAdapterAccess),
        DxgkCbCreateContextAllocation: Some(CreateContextAllocation),
        DxgkCbDestroyContextAllocation: Some(DestroyContextAllocation),
        DxgkCbSetPowerComponentActive: Some(SetPowerComponentActive),
        DxgkCbSetPowerComponentIdle: Some(SetPowerComponentIdle),
        DxgkCbAcquirePostDisplayOwnership: Some(AcquirePostDisplayOwnership),
        DxgkCbPowerRuntimeControlRequest: Some(PowerRuntimeControlRequest),
        DxgkCbSetPowerComponentLatency: Some(SetPowerComponentLatency),
        DxgkCbSetPowerComponentResidency: Some(SetPowerComponentResidency),
        DxgkCbCompleteFStateTransition: Some(CompleteFStateTransition),
        DxgkCbCompletePStateTransition: Some(CompletePStateTransition),
    }
}

/// The port behind the handle that a callback was given, if the driver may call it now.
fn port(handle: HANDLE, highest: Irql, function: &'static str) -> Option<Arc<Port>> {
    irql::require(highest, function);
    let Some(port) = system::with(|system, _| system.port()) else {
        system::report(Rule::AfterStop, function, || "the adapter is gone".to_owned());
        return None;
    };
    if port.device_handle() != handle {
        system::report(Rule::Callback, function, || format!("{handle:p} is not the adapter's DeviceHandle"));
        return None;
    }
    if matches!(port.life(), Life::Stopped | Life::Removed) {
        system::report(Rule::AfterStop, function, || "the adapter is stopped".to_owned());
        return None;
    }
    Some(port)
}

/// Whether an injected failure hits this call.
fn fails(function: &'static str) -> bool {
    system::with(|system, _| system.inject.may_fail(function))
}

/// A callback that this driver has no business calling.
fn unexpected(function: &'static str) -> NTSTATUS {
    system::report(Rule::Callback, function, || "a driver without the feature called it".to_owned());
    STATUS_NOT_SUPPORTED
}

unsafe extern "win64" fn EvalAcpiMethod(
    _DeviceHandle: HANDLE,
    _DeviceUid: u32,
    _AcpiInputBuffer: *mut c_void,
    _AcpiInputSize: u32,
    _AcpiOutputBuffer: *mut c_void,
    _AcpiOutputSize: u32,
) -> NTSTATUS {
    unexpected("DxgkCbEvalAcpiMethod")
}

unsafe extern "win64" fn GetDeviceInformation(
    DeviceHandle: HANDLE,
    DeviceInfo: *mut DXGK_DEVICE_INFO,
) -> NTSTATUS {
    const FUNCTION: &str = "DxgkCbGetDeviceInformation";
    let Some(port) = port(DeviceHandle, Irql::Passive, FUNCTION) else { return STATUS_INVALID_PARAMETER };
    if fails(FUNCTION) {
        return STATUS_UNSUCCESSFUL;
    }
    // SAFETY: the DDI's contract: writable.
    unsafe { DeviceInfo.write(port.device_info()) };
    STATUS_SUCCESS
}

unsafe extern "win64" fn IndicateChildStatus(
    DeviceHandle: HANDLE,
    ChildStatus: *mut DXGK_CHILD_STATUS,
) -> NTSTATUS {
    const FUNCTION: &str = "DxgkCbIndicateChildStatus";
    let Some(port) = port(DeviceHandle, Irql::Dispatch, FUNCTION) else { return STATUS_INVALID_PARAMETER };
    if fails(FUNCTION) {
        return STATUS_NO_MEMORY;
    }
    // SAFETY: the DDI's contract: readable.
    port.child_status(unsafe { ChildStatus.read() });
    STATUS_SUCCESS
}

unsafe extern "win64" fn MapMemory(
    DeviceHandle: HANDLE,
    TranslatedAddress: PHYSICAL_ADDRESS,
    Length: u32,
    InIoSpace: BOOLEAN,
    MapToUserMode: BOOLEAN,
    _CacheType: MEMORY_CACHING_TYPE,
    VirtualAddress: *mut *mut c_void,
) -> NTSTATUS {
    const FUNCTION: &str = "DxgkCbMapMemory";
    if port(DeviceHandle, Irql::Passive, FUNCTION).is_none() {
        return STATUS_INVALID_PARAMETER;
    }
    if InIoSpace != 0 || MapToUserMode != 0 {
        return unexpected(FUNCTION);
    }
    if fails(FUNCTION) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    // CAST: a physical address has 64 bits without a sign.
    let address =
        system::with(|system, _| system.memory.map_io(system, TranslatedAddress as u64, Length as usize));
    if address.is_null() {
        return STATUS_INVALID_PARAMETER;
    }
    // SAFETY: the DDI's contract: writable.
    unsafe { VirtualAddress.write(address) };
    STATUS_SUCCESS
}

unsafe extern "win64" fn QueueDpc(DeviceHandle: HANDLE) -> BOOLEAN {
    match port(DeviceHandle, Irql::Device, "DxgkCbQueueDpc") {
        Some(port) => u8::from(port.queue_dpc()),
        None => 0,
    }
}

unsafe extern "win64" fn QueryServices(
    DeviceHandle: HANDLE,
    _ServicesType: DXGK_SERVICES,
    _Interface: *mut INTERFACE,
) -> NTSTATUS {
    // The model offers no optional service, as Windows may.
    match port(DeviceHandle, Irql::Passive, "DxgkCbQueryServices") {
        Some(_) => STATUS_NOT_SUPPORTED,
        None => STATUS_INVALID_PARAMETER,
    }
}

unsafe extern "win64" fn ReadDeviceSpace(
    _DeviceHandle: HANDLE,
    _DataType: u32,
    _Buffer: *mut c_void,
    _Offset: u32,
    _Length: u32,
    _BytesRead: *mut u32,
) -> NTSTATUS {
    unexpected("DxgkCbReadDeviceSpace")
}

unsafe extern "win64" fn SynchronizeExecution(
    DeviceHandle: HANDLE,
    SynchronizeRoutine: KSYNCHRONIZE_ROUTINE,
    Context: *mut c_void,
    _MessageNumber: u32,
    ReturnValue: *mut BOOLEAN,
) -> NTSTATUS {
    const FUNCTION: &str = "DxgkCbSynchronizeExecution";
    let Some(port) = port(DeviceHandle, Irql::Dispatch, FUNCTION) else { return STATUS_INVALID_PARAMETER };
    let Some(routine) = SynchronizeRoutine else { return STATUS_INVALID_PARAMETER };
    if fails(FUNCTION) {
        return STATUS_UNSUCCESSFUL;
    }
    let result = port.synchronized(|system| {
        system.call_driver("a routine of DxgkCbSynchronizeExecution", Irql::Device, || {
            // SAFETY: the DDI's contract: the driver's routine and its context.
            unsafe { routine(Context) }
        })
    });
    // SAFETY: the DDI's contract: writable.
    unsafe { ReturnValue.write(result) };
    STATUS_SUCCESS
}

unsafe extern "win64" fn UnmapMemory(DeviceHandle: HANDLE, VirtualAddress: *mut c_void) -> NTSTATUS {
    if port(DeviceHandle, Irql::Passive, "DxgkCbUnmapMemory").is_none() {
        return STATUS_INVALID_PARAMETER;
    }
    system::with(|system, _| system.memory.unmap_io(&system.verifier, VirtualAddress));
    STATUS_SUCCESS
}

unsafe extern "win64" fn WriteDeviceSpace(
    _DeviceHandle: HANDLE,
    _DataType: u32,
    _Buffer: *mut c_void,
    _Offset: u32,
    _Length: u32,
    _BytesWritten: *mut u32,
) -> NTSTATUS {
    unexpected("DxgkCbWriteDeviceSpace")
}

unsafe extern "win64" fn IsDevicePresent(
    _DeviceHandle: HANDLE,
    _DevicePresenceParameters: *mut c_void,
    _DevicePresent: *mut BOOLEAN,
) -> NTSTATUS {
    unexpected("DxgkCbIsDevicePresent")
}

unsafe extern "win64" fn GetHandleData(pData: *const DXGKARGCB_GETHANDLEDATA) -> *mut c_void {
    const FUNCTION: &str = "DxgkCbGetHandleData";
    irql::require(Irql::Passive, FUNCTION);
    // SAFETY: the DDI's contract: readable.
    let data = unsafe { pData.read() };
    if fails(FUNCTION) {
        return std::ptr::null_mut();
    }
    let Some(port) = system::with(|system, _| system.port()) else { return std::ptr::null_mut() };
    match data.Type {
        DXGK_HANDLE_ALLOCATION => port.handle_data(data.hObject),
        // The model's resources have no data of the driver.
        DXGK_HANDLE_RESOURCE => std::ptr::null_mut(),
        other => {
            system::report(Rule::Callback, FUNCTION, || format!("handles of type {other} do not exist"));
            std::ptr::null_mut()
        }
    }
}

unsafe extern "win64" fn GetHandleParent(hAllocation: D3DKMT_HANDLE) -> D3DKMT_HANDLE {
    const FUNCTION: &str = "DxgkCbGetHandleParent";
    irql::require(Irql::Passive, FUNCTION);
    if fails(FUNCTION) {
        return 0;
    }
    system::with(|system, _| system.port()).map_or(0, |port| port.handle_parent(hAllocation))
}

unsafe extern "win64" fn EnumHandleChildren(pData: *const DXGKARGCB_ENUMHANDLECHILDREN) -> D3DKMT_HANDLE {
    const FUNCTION: &str = "DxgkCbEnumHandleChildren";
    irql::require(Irql::Passive, FUNCTION);
    if fails(FUNCTION) {
        return 0;
    }
    // SAFETY: the DDI's contract: readable.
    let data = unsafe { pData.read() };
    let port = system::with(|system, _| system.port());
    port.map_or(0, |port| port.handle_child(data.hObject, data.Index as usize))
}

unsafe extern "win64" fn NotifyInterrupt(hAdapter: HANDLE, pData: *const DXGKARGCB_NOTIFY_INTERRUPT_DATA) {
    const FUNCTION: &str = "DxgkCbNotifyInterrupt";
    let Some(port) = port(hAdapter, Irql::Device, FUNCTION) else { return };
    irql::require_exactly(Irql::Device, FUNCTION);
    // SAFETY: the DDI's contract: readable.
    let data = unsafe { pData.read() };
    port.notify_interrupt(&data);
}

unsafe extern "win64" fn NotifyDpc(hAdapter: HANDLE) {
    const FUNCTION: &str = "DxgkCbNotifyDpc";
    let Some(port) = port(hAdapter, Irql::Dispatch, FUNCTION) else { return };
    irql::require_exactly(Irql::Dispatch, FUNCTION);
    port.notify_dpc();
}

unsafe extern "win64" fn QueryVidPnInterface(
    hVidPn: D3DKMDT_HVIDPN,
    VidPnInterfaceVersion: DXGK_VIDPN_INTERFACE_VERSION,
    ppVidPnInterface: *mut *const DXGK_VIDPN_INTERFACE,
) -> NTSTATUS {
    const FUNCTION: &str = "DxgkCbQueryVidPnInterface";
    irql::require(Irql::Passive, FUNCTION);
    if fails(FUNCTION) {
        return STATUS_NO_MEMORY;
    }
    match super::vidpn::interface(hVidPn, VidPnInterfaceVersion) {
        Ok(interface) => {
            // SAFETY: the DDI's contract: writable.
            unsafe { ppVidPnInterface.write(interface) };
            STATUS_SUCCESS
        }
        Err(status) => status,
    }
}

unsafe extern "win64" fn QueryMonitorInterface(
    hAdapter: HANDLE,
    _MonitorInterfaceVersion: DXGK_MONITOR_INTERFACE_VERSION,
    _ppMonitorInterface: *mut *const DXGK_MONITOR_INTERFACE,
) -> NTSTATUS {
    match port(hAdapter, Irql::Passive, "DxgkCbQueryMonitorInterface") {
        // A driver that describes its monitor by an EDID has no need of it.
        Some(_) => STATUS_NOT_SUPPORTED,
        None => STATUS_INVALID_PARAMETER,
    }
}

unsafe extern "win64" fn GetCaptureAddress(_pGetCaptureAddress: *mut c_void) -> NTSTATUS {
    unexpected("DxgkCbGetCaptureAddress")
}

unsafe extern "win64" fn LogEtwEvent(
    _EventGuid: *const GUID,
    _Type: u8,
    EventBufferSize: u16,
    _EventBuffer: *mut c_void,
) {
    if EventBufferSize > 256 {
        irql::require(Irql::Apc, "DxgkCbLogEtwEvent");
    }
}

unsafe extern "win64" fn ExcludeAdapterAccess(
    _DeviceHandle: HANDLE,
    _Attributes: u32,
    _DxgkProtectedCallback: DXGKDDI_PROTECTED_CALLBACK,
    _ProtectedCallbackContext: *mut c_void,
) -> NTSTATUS {
    unexpected("DxgkCbExcludeAdapterAccess")
}

unsafe extern "win64" fn CreateContextAllocation(
    _ContextAllocation: *mut DXGKARGCB_CREATECONTEXTALLOCATION,
) -> NTSTATUS {
    unexpected("DxgkCbCreateContextAllocation")
}

unsafe extern "win64" fn DestroyContextAllocation(_hAdapter: HANDLE, _hAllocation: HANDLE) -> NTSTATUS {
    unexpected("DxgkCbDestroyContextAllocation")
}

unsafe extern "win64" fn SetPowerComponentActive(_hAdapter: HANDLE, _ComponentIndex: u32) {
    unexpected("DxgkCbSetPowerComponentActive");
}

unsafe extern "win64" fn SetPowerComponentIdle(_hAdapter: HANDLE, _ComponentIndex: u32) {
    unexpected("DxgkCbSetPowerComponentIdle");
}

unsafe extern "win64" fn AcquirePostDisplayOwnership(
    DeviceHandle: HANDLE,
    DisplayInfo: *mut DXGK_DISPLAY_INFORMATION,
) -> NTSTATUS {
    const FUNCTION: &str = "DxgkCbAcquirePostDisplayOwnership";
    let Some(port) = port(DeviceHandle, Irql::Passive, FUNCTION) else { return STATUS_INVALID_PARAMETER };
    if port.life() != Life::Starting {
        system::report(Rule::Callback, FUNCTION, || "it is called in DxgkDdiStartDevice".to_owned());
    }
    if fails(FUNCTION) {
        return STATUS_UNSUCCESSFUL;
    }
    // The firmware never showed anything on this adapter: all zero.
    // SAFETY: the DDI's contract: writable.
    unsafe { DisplayInfo.write(DXGK_DISPLAY_INFORMATION::default()) };
    STATUS_SUCCESS
}

unsafe extern "win64" fn PowerRuntimeControlRequest(
    _hAdapter: HANDLE,
    _PowerControlCode: *const GUID,
    _InBuffer: *mut c_void,
    _InBufferSize: usize,
    _OutBuffer: *mut c_void,
    _OutBufferSize: usize,
    _BytesReturned: *mut usize,
) -> NTSTATUS {
    unexpected("DxgkCbPowerRuntimeControlRequest")
}

unsafe extern "win64" fn SetPowerComponentLatency(_hAdapter: HANDLE, _ComponentIndex: u32, _Latency: u64) {
    unexpected("DxgkCbSetPowerComponentLatency");
}

unsafe extern "win64" fn SetPowerComponentResidency(
    _hAdapter: HANDLE,
    _ComponentIndex: u32,
    _Residency: u64,
) {
    unexpected("DxgkCbSetPowerComponentResidency");
}

unsafe extern "win64" fn CompleteFStateTransition(_hAdapter: HANDLE, _ComponentIndex: u32) {
    unexpected("DxgkCbCompleteFStateTransition");
}

unsafe extern "win64" fn CompletePStateTransition(
    _hAdapter: HANDLE,
    _ComponentIndex: u32,
    _CompletedPState: u32,
) {
    unexpected("DxgkCbCompletePStateTransition");
}
