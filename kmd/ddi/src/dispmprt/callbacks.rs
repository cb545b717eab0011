//! What dxgkrnl gives a device to call: `DXGKRNL_INTERFACE`.
//!
//! Each type's comment says at which IRQL the driver may call it. `DeviceHandle` and `hAdapter` are both
//! `DXGKRNL_INTERFACE::DeviceHandle`.

use core::ffi::c_void;

use crate::*;

/// What `DxgkCbExcludeAdapterAccess` calls, at `PASSIVE_LEVEL`.
pub type DXGKDDI_PROTECTED_CALLBACK = Option<
    unsafe extern "win64" fn(
        MiniportDeviceContext: *mut c_void,
        ProtectedCallbackContext: *mut c_void,
        ProtectionStatus: NTSTATUS,
    ),
>;
/// `PASSIVE_LEVEL`. Calls an ACPI method.
pub type DXGKCB_EVAL_ACPI_METHOD = Option<
    unsafe extern "win64" fn(
        DeviceHandle: HANDLE,
        DeviceUid: u32,
        AcpiInputBuffer: *mut c_void,
        AcpiInputSize: u32,
        AcpiOutputBuffer: *mut c_void,
        AcpiOutputSize: u32,
    ) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. Resources and registry path.
pub type DXGKCB_GET_DEVICE_INFORMATION =
    Option<unsafe extern "win64" fn(DeviceHandle: HANDLE, DeviceInfo: *mut DXGK_DEVICE_INFO) -> NTSTATUS>;
/// ≤ `DISPATCH_LEVEL`. A child was plugged in or out, or turned.
pub type DXGKCB_INDICATE_CHILD_STATUS =
    Option<unsafe extern "win64" fn(DeviceHandle: HANDLE, ChildStatus: *mut DXGK_CHILD_STATUS) -> NTSTATUS>;
/// `PASSIVE_LEVEL`. Maps device memory.
pub type DXGKCB_MAP_MEMORY = Option<
    unsafe extern "win64" fn(
        DeviceHandle: HANDLE,
        TranslatedAddress: PHYSICAL_ADDRESS,
        Length: u32,
        InIoSpace: BOOLEAN,
        MapToUserMode: BOOLEAN,
        CacheType: MEMORY_CACHING_TYPE,
        VirtualAddress: *mut *mut c_void,
    ) -> NTSTATUS,
>;
/// Any IRQL. Queues the DPC; 0: it was queued already.
pub type DXGKCB_QUEUE_DPC = Option<unsafe extern "win64" fn(DeviceHandle: HANDLE) -> BOOLEAN>;
/// `PASSIVE_LEVEL`. Optional services.
pub type DXGKCB_QUERY_SERVICES = Option<
    unsafe extern "win64" fn(
        DeviceHandle: HANDLE,
        ServicesType: DXGK_SERVICES,
        Interface: *mut INTERFACE,
    ) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. Reads configuration space.
pub type DXGKCB_READ_DEVICE_SPACE = Option<
    unsafe extern "win64" fn(
        DeviceHandle: HANDLE,
        DataType: u32,
        Buffer: *mut c_void,
        Offset: u32,
        Length: u32,
        BytesRead: *mut u32,
    ) -> NTSTATUS,
>;
/// ≤ `DISPATCH_LEVEL`. Calls a routine with the interrupt held off.
pub type DXGKCB_SYNCHRONIZE_EXECUTION = Option<
    unsafe extern "win64" fn(
        DeviceHandle: HANDLE,
        SynchronizeRoutine: KSYNCHRONIZE_ROUTINE,
        Context: *mut c_void,
        MessageNumber: u32,
        ReturnValue: *mut BOOLEAN,
    ) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. Unmaps device memory.
pub type DXGKCB_UNMAP_MEMORY =
    Option<unsafe extern "win64" fn(DeviceHandle: HANDLE, VirtualAddress: *mut c_void) -> NTSTATUS>;
/// `PASSIVE_LEVEL`. Writes configuration space.
pub type DXGKCB_WRITE_DEVICE_SPACE = Option<
    unsafe extern "win64" fn(
        DeviceHandle: HANDLE,
        DataType: u32,
        Buffer: *mut c_void,
        Offset: u32,
        Length: u32,
        BytesWritten: *mut u32,
    ) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. Whether a PCI device is there.
pub type DXGKCB_IS_DEVICE_PRESENT = Option<
    unsafe extern "win64" fn(
        DeviceHandle: HANDLE,
        DevicePresenceParameters: *mut c_void,
        DevicePresent: *mut BOOLEAN,
    ) -> NTSTATUS,
>;
/// ≤ `APC_LEVEL`. The driver's handle behind one of dxgkrnl's; null: none.
pub type DXGKCB_GETHANDLEDATA =
    Option<unsafe extern "win64" fn(pData: *const DXGKARGCB_GETHANDLEDATA) -> *mut c_void>;
/// ≤ `APC_LEVEL`. The resource of an allocation.
pub type DXGKCB_GETHANDLEPARENT =
    Option<unsafe extern "win64" fn(hAllocation: D3DKMT_HANDLE) -> D3DKMT_HANDLE>;
/// `PASSIVE_LEVEL`. The n-th allocation of a resource.
pub type DXGKCB_ENUMHANDLECHILDREN =
    Option<unsafe extern "win64" fn(pData: *const DXGKARGCB_ENUMHANDLECHILDREN) -> D3DKMT_HANDLE>;
/// Device IRQL. Tells of an interrupt.
pub type DXGKCB_NOTIFY_INTERRUPT =
    Option<unsafe extern "win64" fn(hAdapter: HANDLE, pData: *const DXGKARGCB_NOTIFY_INTERRUPT_DATA)>;
/// `DISPATCH_LEVEL`. Lets the scheduler act on what was told.
pub type DXGKCB_NOTIFY_DPC = Option<unsafe extern "win64" fn(hAdapter: HANDLE)>;
/// ≤ `APC_LEVEL`. The functions for a VidPN.
pub type DXGKCB_QUERYVIDPNINTERFACE = Option<
    unsafe extern "win64" fn(
        hVidPn: D3DKMDT_HVIDPN,
        VidPnInterfaceVersion: DXGK_VIDPN_INTERFACE_VERSION,
        ppVidPnInterface: *mut *const DXGK_VIDPN_INTERFACE,
    ) -> NTSTATUS,
>;
/// ≤ `APC_LEVEL`. The functions for monitors.
pub type DXGKCB_QUERYMONITORINTERFACE = Option<
    unsafe extern "win64" fn(
        hAdapter: HANDLE,
        MonitorInterfaceVersion: DXGK_MONITOR_INTERFACE_VERSION,
        ppMonitorInterface: *mut *const DXGK_MONITOR_INTERFACE,
    ) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. Of capture buffers, which this driver has not.
pub type DXGKCB_GETCAPTUREADDRESS =
    Option<unsafe extern "win64" fn(pGetCaptureAddress: *mut c_void) -> NTSTATUS>;
/// Any IRQL up to 256 bytes. Logs an event.
pub type DXGKCB_LOG_ETW_EVENT = Option<
    unsafe extern "win64" fn(
        EventGuid: *const GUID,
        Type: u8,
        EventBufferSize: u16,
        EventBuffer: *mut c_void,
    ),
>;
/// `PASSIVE_LEVEL`. Stops the adapter, calls back, starts it again.
pub type DXGKCB_EXCLUDE_ADAPTER_ACCESS = Option<
    unsafe extern "win64" fn(
        DeviceHandle: HANDLE,
        Attributes: u32,
        DxgkProtectedCallback: DXGKDDI_PROTECTED_CALLBACK,
        ProtectedCallbackContext: *mut c_void,
    ) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. Makes an allocation for a context.
pub type DXGKCB_CREATECONTEXTALLOCATION =
    Option<unsafe extern "win64" fn(ContextAllocation: *mut DXGKARGCB_CREATECONTEXTALLOCATION) -> NTSTATUS>;
/// `PASSIVE_LEVEL`. Destroys one.
pub type DXGKCB_DESTROYCONTEXTALLOCATION =
    Option<unsafe extern "win64" fn(hAdapter: HANDLE, hAllocation: HANDLE) -> NTSTATUS>;
/// `PASSIVE_LEVEL`, or ≤ `DISPATCH_LEVEL` for a component that never waits. A component is needed.
pub type DXGKCB_SETPOWERCOMPONENTACTIVE =
    Option<unsafe extern "win64" fn(hAdapter: HANDLE, ComponentIndex: u32)>;
/// ≤ `DISPATCH_LEVEL`. A component is not needed.
pub type DXGKCB_SETPOWERCOMPONENTIDLE =
    Option<unsafe extern "win64" fn(hAdapter: HANDLE, ComponentIndex: u32)>;
/// ≤ `APC_LEVEL`, in `DxgkDdiStartDevice`. What the firmware left on the display.
pub type DXGKCB_ACQUIRE_POST_DISPLAY_OWNERSHIP = Option<
    unsafe extern "win64" fn(DeviceHandle: HANDLE, DisplayInfo: *mut DXGK_DISPLAY_INFORMATION) -> NTSTATUS,
>;
/// ≤ `DISPATCH_LEVEL`. A request to the power plug-in.
pub type DXGKCB_POWERRUNTIMECONTROLREQUEST = Option<
    unsafe extern "win64" fn(
        hAdapter: HANDLE,
        PowerControlCode: *const GUID,
        InBuffer: *mut c_void,
        InBufferSize: usize,
        OutBuffer: *mut c_void,
        OutBufferSize: usize,
        BytesReturned: *mut usize,
    ) -> NTSTATUS,
>;
/// ≤ `DISPATCH_LEVEL`. Units of 100 ns.
pub type DXGKCB_SETPOWERCOMPONENTLATENCY =
    Option<unsafe extern "win64" fn(hAdapter: HANDLE, ComponentIndex: u32, Latency: u64)>;
/// ≤ `DISPATCH_LEVEL`. Units of 100 ns.
pub type DXGKCB_SETPOWERCOMPONENTRESIDENCY =
    Option<unsafe extern "win64" fn(hAdapter: HANDLE, ComponentIndex: u32, Residency: u64)>;
/// ≤ `DISPATCH_LEVEL`. An F-state was reached.
pub type DXGKCB_COMPLETEFSTATETRANSITION =
    Option<unsafe extern "win64" fn(hAdapter: HANDLE, ComponentIndex: u32)>;
/// ≤ `DISPATCH_LEVEL`. A P-state was reached.
pub type DXGKCB_COMPLETEPSTATETRANSITION =
    Option<unsafe extern "win64" fn(hAdapter: HANDLE, ComponentIndex: u32, CompletedPState: u32)>;

/// The callbacks of WDDM 1.3; later versions append to them.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGKRNL_INTERFACE {
    /// Bytes of the whole struct, as dxgkrnl has it.
    pub Size: u32,
    /// The interface version of dxgkrnl.
    pub Version: u32,
    pub DeviceHandle: HANDLE,
    pub DxgkCbEvalAcpiMethod: DXGKCB_EVAL_ACPI_METHOD,
    pub DxgkCbGetDeviceInformation: DXGKCB_GET_DEVICE_INFORMATION,
    pub DxgkCbIndicateChildStatus: DXGKCB_INDICATE_CHILD_STATUS,
    pub DxgkCbMapMemory: DXGKCB_MAP_MEMORY,
    pub DxgkCbQueueDpc: DXGKCB_QUEUE_DPC,
    pub DxgkCbQueryServices: DXGKCB_QUERY_SERVICES,
    pub DxgkCbReadDeviceSpace: DXGKCB_READ_DEVICE_SPACE,
    pub DxgkCbSynchronizeExecution: DXGKCB_SYNCHRONIZE_EXECUTION,
    pub DxgkCbUnmapMemory: DXGKCB_UNMAP_MEMORY,
    pub DxgkCbWriteDeviceSpace: DXGKCB_WRITE_DEVICE_SPACE,
    pub DxgkCbIsDevicePresent: DXGKCB_IS_DEVICE_PRESENT,
    pub DxgkCbGetHandleData: DXGKCB_GETHANDLEDATA,
    pub DxgkCbGetHandleParent: DXGKCB_GETHANDLEPARENT,
    pub DxgkCbEnumHandleChildren: DXGKCB_ENUMHANDLECHILDREN,
    pub DxgkCbNotifyInterrupt: DXGKCB_NOTIFY_INTERRUPT,
    pub DxgkCbNotifyDpc: DXGKCB_NOTIFY_DPC,
    pub DxgkCbQueryVidPnInterface: DXGKCB_QUERYVIDPNINTERFACE,
    pub DxgkCbQueryMonitorInterface: DXGKCB_QUERYMONITORINTERFACE,
    pub DxgkCbGetCaptureAddress: DXGKCB_GETCAPTUREADDRESS,
    pub DxgkCbLogEtwEvent: DXGKCB_LOG_ETW_EVENT,
    pub DxgkCbExcludeAdapterAccess: DXGKCB_EXCLUDE_ADAPTER_ACCESS,
    pub DxgkCbCreateContextAllocation: DXGKCB_CREATECONTEXTALLOCATION,
    pub DxgkCbDestroyContextAllocation: DXGKCB_DESTROYCONTEXTALLOCATION,
    pub DxgkCbSetPowerComponentActive: DXGKCB_SETPOWERCOMPONENTACTIVE,
    pub DxgkCbSetPowerComponentIdle: DXGKCB_SETPOWERCOMPONENTIDLE,
    pub DxgkCbAcquirePostDisplayOwnership: DXGKCB_ACQUIRE_POST_DISPLAY_OWNERSHIP,
    pub DxgkCbPowerRuntimeControlRequest: DXGKCB_POWERRUNTIMECONTROLREQUEST,
    pub DxgkCbSetPowerComponentLatency: DXGKCB_SETPOWERCOMPONENTLATENCY,
    pub DxgkCbSetPowerComponentResidency: DXGKCB_SETPOWERCOMPONENTRESIDENCY,
    pub DxgkCbCompleteFStateTransition: DXGKCB_COMPLETEFSTATETRANSITION,
    pub DxgkCbCompletePStateTransition: DXGKCB_COMPLETEPSTATETRANSITION,
}
