//! The driver's entry points, as function types.
//!
//! Each type's comment says at which IRQL dxgkrnl calls it; entries that the driver's capabilities rule out take an opaque
//! argument. `hAdapter` is the `MiniportDeviceContext` that `DxgkDdiAddDevice` gave; the other handles are those that the driver
//! gave for a device, a context, an allocation.

use core::ffi::c_void;

use crate::*;

/// `PASSIVE_LEVEL`. A device was found; gives its context.
pub type DXGKDDI_ADD_DEVICE = Option<
    unsafe extern "win64" fn(
        PhysicalDeviceObject: *mut DEVICE_OBJECT,
        MiniportDeviceContext: *mut *mut c_void,
    ) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. Starts a device.
pub type DXGKDDI_START_DEVICE = Option<
    unsafe extern "win64" fn(
        MiniportDeviceContext: *mut c_void,
        DxgkStartInfo: *mut DXGK_START_INFO,
        DxgkInterface: *mut DXGKRNL_INTERFACE,
        NumberOfVideoPresentSources: *mut u32,
        NumberOfChildren: *mut u32,
    ) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. Stops a device.
pub type DXGKDDI_STOP_DEVICE =
    Option<unsafe extern "win64" fn(MiniportDeviceContext: *mut c_void) -> NTSTATUS>;
/// `PASSIVE_LEVEL`. Frees a device's context.
pub type DXGKDDI_REMOVE_DEVICE =
    Option<unsafe extern "win64" fn(MiniportDeviceContext: *mut c_void) -> NTSTATUS>;
/// `PASSIVE_LEVEL`. A request of the video port.
pub type DXGKDDI_DISPATCH_IO_REQUEST = Option<
    unsafe extern "win64" fn(
        MiniportDeviceContext: *mut c_void,
        VidPnSourceId: u32,
        VideoRequestPacket: *mut VIDEO_REQUEST_PACKET,
    ) -> NTSTATUS,
>;
/// Device IRQL. An interrupt; nonzero: it was this device's.
pub type DXGKDDI_INTERRUPT_ROUTINE =
    Option<unsafe extern "win64" fn(MiniportDeviceContext: *mut c_void, MessageNumber: u32) -> BOOLEAN>;
/// `DISPATCH_LEVEL`. The DPC that `DxgkCbQueueDpc` queued.
pub type DXGKDDI_DPC_ROUTINE = Option<unsafe extern "win64" fn(MiniportDeviceContext: *mut c_void)>;
/// `PASSIVE_LEVEL`. The children; the array ends with a zeroed entry, its size is in bytes.
pub type DXGKDDI_QUERY_CHILD_RELATIONS = Option<
    unsafe extern "win64" fn(
        MiniportDeviceContext: *mut c_void,
        ChildRelations: *mut DXGK_CHILD_DESCRIPTOR,
        ChildRelationsSize: u32,
    ) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. The state of a child.
pub type DXGKDDI_QUERY_CHILD_STATUS = Option<
    unsafe extern "win64" fn(
        MiniportDeviceContext: *mut c_void,
        ChildStatus: *mut DXGK_CHILD_STATUS,
        NonDestructiveOnly: BOOLEAN,
    ) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. A part of a child's descriptor.
pub type DXGKDDI_QUERY_DEVICE_DESCRIPTOR = Option<
    unsafe extern "win64" fn(
        MiniportDeviceContext: *mut c_void,
        ChildUid: u32,
        DeviceDescriptor: *mut DXGK_DEVICE_DESCRIPTOR,
    ) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. The power state of the adapter or a child changes.
pub type DXGKDDI_SET_POWER_STATE = Option<
    unsafe extern "win64" fn(
        MiniportDeviceContext: *mut c_void,
        DeviceUid: u32,
        DevicePowerState: DEVICE_POWER_STATE,
        ActionType: POWER_ACTION,
    ) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. An ACPI event.
pub type DXGKDDI_NOTIFY_ACPI_EVENT = Option<
    unsafe extern "win64" fn(
        MiniportDeviceContext: *mut c_void,
        EventType: DXGK_EVENT_TYPE,
        Event: u32,
        Argument: *mut c_void,
        AcpiFlags: *mut u32,
    ) -> NTSTATUS,
>;
/// Any IRQL. The system goes down: the display must be usable by the firmware.
pub type DXGKDDI_RESET_DEVICE = Option<unsafe extern "win64" fn(MiniportDeviceContext: *mut c_void)>;
/// `PASSIVE_LEVEL`. The driver is unloaded.
pub type DXGKDDI_UNLOAD = Option<unsafe extern "win64" fn()>;
/// `PASSIVE_LEVEL`. Another driver asks for an interface.
pub type DXGKDDI_QUERY_INTERFACE = Option<
    unsafe extern "win64" fn(
        MiniportDeviceContext: *mut c_void,
        QueryInterface: *mut QUERY_INTERFACE,
    ) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. Tracing is switched.
pub type DXGKDDI_CONTROL_ETW_LOGGING =
    Option<unsafe extern "win64" fn(Enable: BOOLEAN, Flags: u32, Level: u8)>;
/// `PASSIVE_LEVEL`. Capabilities, segments.
pub type DXGKDDI_QUERYADAPTERINFO = Option<
    unsafe extern "win64" fn(
        hAdapter: HANDLE,
        pQueryAdapterInfo: *const DXGKARG_QUERYADAPTERINFO,
    ) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. A process creates a device.
pub type DXGKDDI_CREATEDEVICE =
    Option<unsafe extern "win64" fn(hAdapter: HANDLE, pCreateDevice: *mut DXGKARG_CREATEDEVICE) -> NTSTATUS>;
/// `PASSIVE_LEVEL`. Creates allocations.
pub type DXGKDDI_CREATEALLOCATION = Option<
    unsafe extern "win64" fn(hAdapter: HANDLE, pCreateAllocation: *mut DXGKARG_CREATEALLOCATION) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. Destroys allocations.
pub type DXGKDDI_DESTROYALLOCATION = Option<
    unsafe extern "win64" fn(
        hAdapter: HANDLE,
        pDestroyAllocation: *const DXGKARG_DESTROYALLOCATION,
    ) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. Describes an allocation.
pub type DXGKDDI_DESCRIBEALLOCATION = Option<
    unsafe extern "win64" fn(
        hAdapter: HANDLE,
        pDescribeAllocation: *mut DXGKARG_DESCRIBEALLOCATION,
    ) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. Private data of a standard allocation.
pub type DXGKDDI_GETSTANDARDALLOCATIONDRIVERDATA = Option<
    unsafe extern "win64" fn(
        hAdapter: HANDLE,
        pGetStandardAllocationDriverData: *mut DXGKARG_GETSTANDARDALLOCATIONDRIVERDATA,
    ) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. Not called: there are no swizzling ranges.
pub type DXGKDDI_ACQUIRESWIZZLINGRANGE =
    Option<unsafe extern "win64" fn(hAdapter: HANDLE, pAcquireSwizzlingRange: *mut c_void) -> NTSTATUS>;
/// `PASSIVE_LEVEL`. Not called: there are no swizzling ranges.
pub type DXGKDDI_RELEASESWIZZLINGRANGE =
    Option<unsafe extern "win64" fn(hAdapter: HANDLE, pReleaseSwizzlingRange: *const c_void) -> NTSTATUS>;
/// `PASSIVE_LEVEL`. Puts addresses into a DMA buffer.
pub type DXGKDDI_PATCH =
    Option<unsafe extern "win64" fn(hAdapter: HANDLE, pPatch: *const DXGKARG_PATCH) -> NTSTATUS>;
/// `DISPATCH_LEVEL`. Submits a DMA buffer.
pub type DXGKDDI_SUBMITCOMMAND = Option<
    unsafe extern "win64" fn(hAdapter: HANDLE, pSubmitCommand: *const DXGKARG_SUBMITCOMMAND) -> NTSTATUS,
>;
/// `DISPATCH_LEVEL`. Preempts an engine.
pub type DXGKDDI_PREEMPTCOMMAND = Option<
    unsafe extern "win64" fn(hAdapter: HANDLE, pPreemptCommand: *const DXGKARG_PREEMPTCOMMAND) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. Writes paging commands.
pub type DXGKDDI_BUILDPAGINGBUFFER = Option<
    unsafe extern "win64" fn(
        hAdapter: HANDLE,
        pBuildPagingBuffer: *mut DXGKARG_BUILDPAGINGBUFFER,
    ) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. Sets a palette.
pub type DXGKDDI_SETPALETTE =
    Option<unsafe extern "win64" fn(hAdapter: HANDLE, pSetPalette: *const DXGKARG_SETPALETTE) -> NTSTATUS>;
/// `PASSIVE_LEVEL`. Moves, shows or hides the pointer.
pub type DXGKDDI_SETPOINTERPOSITION = Option<
    unsafe extern "win64" fn(
        hAdapter: HANDLE,
        pSetPointerPosition: *const DXGKARG_SETPOINTERPOSITION,
    ) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. Sets the pointer's image.
pub type DXGKDDI_SETPOINTERSHAPE = Option<
    unsafe extern "win64" fn(hAdapter: HANDLE, pSetPointerShape: *const DXGKARG_SETPOINTERSHAPE) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. The GPU hangs: stop it and its interrupts.
pub type DXGKDDI_RESETFROMTIMEOUT = Option<unsafe extern "win64" fn(hAdapter: HANDLE) -> NTSTATUS>;
/// `PASSIVE_LEVEL`. The GPU may work again.
pub type DXGKDDI_RESTARTFROMTIMEOUT = Option<unsafe extern "win64" fn(hAdapter: HANDLE) -> NTSTATUS>;
/// `PASSIVE_LEVEL`. A request from user mode.
pub type DXGKDDI_ESCAPE =
    Option<unsafe extern "win64" fn(hAdapter: HANDLE, pEscape: *const DXGKARG_ESCAPE) -> NTSTATUS>;
/// `PASSIVE_LEVEL`. A debug report.
pub type DXGKDDI_COLLECTDBGINFO = Option<
    unsafe extern "win64" fn(hAdapter: HANDLE, pCollectDbgInfo: *const DXGKARG_COLLECTDBGINFO) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. The last completed submission.
pub type DXGKDDI_QUERYCURRENTFENCE = Option<
    unsafe extern "win64" fn(
        hAdapter: HANDLE,
        pQueryCurrentFence: *mut DXGKARG_QUERYCURRENTFENCE,
    ) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. Whether a VidPN can be set.
pub type DXGKDDI_ISSUPPORTEDVIDPN = Option<
    unsafe extern "win64" fn(hAdapter: HANDLE, pIsSupportedVidPn: *mut DXGKARG_ISSUPPORTEDVIDPN) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. Makes a functional VidPN.
pub type DXGKDDI_RECOMMENDFUNCTIONALVIDPN = Option<
    unsafe extern "win64" fn(
        hAdapter: HANDLE,
        pRecommendFunctionalVidPn: *const DXGKARG_RECOMMENDFUNCTIONALVIDPN,
    ) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. Which modes go with those pinned.
pub type DXGKDDI_ENUMVIDPNCOFUNCMODALITY = Option<
    unsafe extern "win64" fn(
        hAdapter: HANDLE,
        pEnumVidPnCofuncModality: *const DXGKARG_ENUMVIDPNCOFUNCMODALITY,
    ) -> NTSTATUS,
>;
/// Device IRQL where flips are by MMIO, else `PASSIVE_LEVEL`. What a source shows.
pub type DXGKDDI_SETVIDPNSOURCEADDRESS = Option<
    unsafe extern "win64" fn(
        hAdapter: HANDLE,
        pSetVidPnSourceAddress: *const DXGKARG_SETVIDPNSOURCEADDRESS,
    ) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. Whether a source shows.
pub type DXGKDDI_SETVIDPNSOURCEVISIBILITY = Option<
    unsafe extern "win64" fn(
        hAdapter: HANDLE,
        pSetVidPnSourceVisibility: *const DXGKARG_SETVIDPNSOURCEVISIBILITY,
    ) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. Sets a VidPN.
pub type DXGKDDI_COMMITVIDPN =
    Option<unsafe extern "win64" fn(hAdapter: HANDLE, pCommitVidPn: *const DXGKARG_COMMITVIDPN) -> NTSTATUS>;
/// `PASSIVE_LEVEL`. Changes an active path.
pub type DXGKDDI_UPDATEACTIVEVIDPNPRESENTPATH = Option<
    unsafe extern "win64" fn(
        hAdapter: HANDLE,
        pUpdateActiveVidPnPresentPath: *const DXGKARG_UPDATEACTIVEVIDPNPRESENTPATH,
    ) -> NTSTATUS,
>;
/// ≤ `APC_LEVEL`. Adds modes to a monitor.
pub type DXGKDDI_RECOMMENDMONITORMODES = Option<
    unsafe extern "win64" fn(
        hAdapter: HANDLE,
        pRecommendMonitorModes: *const DXGKARG_RECOMMENDMONITORMODES,
    ) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. Makes a topology.
pub type DXGKDDI_RECOMMENDVIDPNTOPOLOGY = Option<
    unsafe extern "win64" fn(
        hAdapter: HANDLE,
        pRecommendVidPnTopology: *const DXGKARG_RECOMMENDVIDPNTOPOLOGY,
    ) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. Where a target's scan-out is.
pub type DXGKDDI_GETSCANLINE =
    Option<unsafe extern "win64" fn(hAdapter: HANDLE, pGetScanLine: *mut DXGKARG_GETSCANLINE) -> NTSTATUS>;
/// `PASSIVE_LEVEL`. Not called: there is no capture.
pub type DXGKDDI_STOPCAPTURE =
    Option<unsafe extern "win64" fn(hAdapter: HANDLE, pStopCapture: *const c_void) -> NTSTATUS>;
/// `PASSIVE_LEVEL`. Switches an interrupt.
pub type DXGKDDI_CONTROLINTERRUPT = Option<
    unsafe extern "win64" fn(
        hAdapter: HANDLE,
        InterruptType: DXGK_INTERRUPT_TYPE,
        EnableInterrupt: BOOLEAN,
    ) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. Not called: there are no overlays.
pub type DXGKDDI_CREATEOVERLAY =
    Option<unsafe extern "win64" fn(hAdapter: HANDLE, pCreateOverlay: *mut c_void) -> NTSTATUS>;
/// `PASSIVE_LEVEL`. Destroys a device.
pub type DXGKDDI_DESTROYDEVICE = Option<unsafe extern "win64" fn(hDevice: HANDLE) -> NTSTATUS>;
/// `PASSIVE_LEVEL`. Opens allocations for a device.
pub type DXGKDDI_OPENALLOCATIONINFO = Option<
    unsafe extern "win64" fn(hDevice: HANDLE, pOpenAllocation: *const DXGKARG_OPENALLOCATION) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. Closes allocations of a device.
pub type DXGKDDI_CLOSEALLOCATION = Option<
    unsafe extern "win64" fn(hDevice: HANDLE, pCloseAllocation: *const DXGKARG_CLOSEALLOCATION) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. Makes a DMA buffer of a command buffer.
pub type DXGKDDI_RENDER =
    Option<unsafe extern "win64" fn(hContext: HANDLE, pRender: *mut DXGKARG_RENDER) -> NTSTATUS>;
/// `PASSIVE_LEVEL`. Makes a DMA buffer of a present.
pub type DXGKDDI_PRESENT =
    Option<unsafe extern "win64" fn(hContext: HANDLE, pPresent: *mut DXGKARG_PRESENT) -> NTSTATUS>;
/// `PASSIVE_LEVEL`. Not called: there are no overlays.
pub type DXGKDDI_UPDATEOVERLAY =
    Option<unsafe extern "win64" fn(hOverlay: HANDLE, pUpdateOverlay: *const c_void) -> NTSTATUS>;
/// `PASSIVE_LEVEL`. Not called: there are no overlays.
pub type DXGKDDI_FLIPOVERLAY =
    Option<unsafe extern "win64" fn(hOverlay: HANDLE, pFlipOverlay: *const c_void) -> NTSTATUS>;
/// `PASSIVE_LEVEL`. Not called: there are no overlays.
pub type DXGKDDI_DESTROYOVERLAY = Option<unsafe extern "win64" fn(hOverlay: HANDLE) -> NTSTATUS>;
/// `PASSIVE_LEVEL`. Creates a context.
pub type DXGKDDI_CREATECONTEXT =
    Option<unsafe extern "win64" fn(hDevice: HANDLE, pCreateContext: *mut DXGKARG_CREATECONTEXT) -> NTSTATUS>;
/// `PASSIVE_LEVEL`. Destroys a context.
pub type DXGKDDI_DESTROYCONTEXT = Option<unsafe extern "win64" fn(hContext: HANDLE) -> NTSTATUS>;
/// `PASSIVE_LEVEL`. Links several adapters.
pub type DXGKDDI_LINK_DEVICE = Option<
    unsafe extern "win64" fn(
        PhysicalDeviceObject: *mut DEVICE_OBJECT,
        MiniportDeviceContext: *mut c_void,
        LinkedDevice: *mut LINKED_DEVICE,
    ) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. Sets a private format.
pub type DXGKDDI_SETDISPLAYPRIVATEDRIVERFORMAT = Option<
    unsafe extern "win64" fn(
        hAdapter: HANDLE,
        pSetDisplayPrivateDriverFormat: *const DXGKARG_SETDISPLAYPRIVATEDRIVERFORMAT,
    ) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. What hardware does on a path.
pub type DXGKDDI_QUERYVIDPNHWCAPABILITY = Option<
    unsafe extern "win64" fn(hAdapter: HANDLE, pVidPnHWCaps: *mut DXGKARG_QUERYVIDPNHWCAPABILITY) -> NTSTATUS,
>;
/// ≤ `DISPATCH_LEVEL`. A component changes its F-state.
pub type DXGKDDISETPOWERCOMPONENTFSTATE =
    Option<unsafe extern "win64" fn(DriverContext: HANDLE, ComponentIndex: u32, FState: u32) -> NTSTATUS>;
/// `PASSIVE_LEVEL`. Which engines are reset together.
pub type DXGKDDI_QUERYDEPENDENTENGINEGROUP = Option<
    unsafe extern "win64" fn(
        hAdapter: HANDLE,
        pQueryDependentEngineGroup: *mut DXGKARG_QUERYDEPENDENTENGINEGROUP,
    ) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. Whether an engine makes progress.
pub type DXGKDDI_QUERYENGINESTATUS = Option<
    unsafe extern "win64" fn(
        hAdapter: HANDLE,
        pQueryEngineStatus: *mut DXGKARG_QUERYENGINESTATUS,
    ) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. Resets an engine.
pub type DXGKDDI_RESETENGINE =
    Option<unsafe extern "win64" fn(hAdapter: HANDLE, pResetEngine: *mut DXGKARG_RESETENGINE) -> NTSTATUS>;
/// `PASSIVE_LEVEL`. Stops a device and leaves its display to somebody else.
pub type DXGKDDI_STOP_DEVICE_AND_RELEASE_POST_DISPLAY_OWNERSHIP = Option<
    unsafe extern "win64" fn(
        MiniportDeviceContext: *mut c_void,
        TargetId: D3DDDI_VIDEO_PRESENT_TARGET_ID,
        DisplayInfo: *mut DXGK_DISPLAY_INFORMATION,
    ) -> NTSTATUS,
>;
/// Any IRQL. The system takes the display for an error screen.
pub type DXGKDDI_SYSTEM_DISPLAY_ENABLE = Option<
    unsafe extern "win64" fn(
        MiniportDeviceContext: *mut c_void,
        TargetId: D3DDDI_VIDEO_PRESENT_TARGET_ID,
        Flags: *mut DXGKARG_SYSTEM_DISPLAY_ENABLE_FLAGS,
        Width: *mut u32,
        Height: *mut u32,
        ColorFormat: *mut D3DDDIFORMAT,
    ) -> NTSTATUS,
>;
/// Any IRQL. The system draws an error screen.
pub type DXGKDDI_SYSTEM_DISPLAY_WRITE = Option<
    unsafe extern "win64" fn(
        MiniportDeviceContext: *mut c_void,
        Source: *mut c_void,
        SourceWidth: u32,
        SourceHeight: u32,
        SourceStride: u32,
        PositionX: u32,
        PositionY: u32,
    ),
>;
/// `PASSIVE_LEVEL`. A DMA buffer will never be submitted.
pub type DXGKDDI_CANCELCOMMAND = Option<
    unsafe extern "win64" fn(hAdapter: HANDLE, pCancelCommand: *const DXGKARG_CANCELCOMMAND) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. The container of a child.
pub type DXGKDDI_GET_CHILD_CONTAINER_ID = Option<
    unsafe extern "win64" fn(
        MiniportDeviceContext: *mut c_void,
        ChildUid: u32,
        ContainerId: *mut DXGK_CHILD_CONTAINER_ID,
    ) -> NTSTATUS,
>;
/// ≤ `DISPATCH_LEVEL`. A request of the power plug-in.
pub type DXGKDDIPOWERRUNTIMECONTROLREQUEST = Option<
    unsafe extern "win64" fn(
        DriverContext: HANDLE,
        PowerControlCode: *const GUID,
        InBuffer: *mut c_void,
        InBufferSize: usize,
        OutBuffer: *mut c_void,
        OutBufferSize: usize,
        BytesReturned: *mut usize,
    ) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. The device is gone.
pub type DXGKDDI_NOTIFY_SURPRISE_REMOVAL = Option<
    unsafe extern "win64" fn(
        MiniportDeviceContext: *mut c_void,
        RemovalType: DXGK_SURPRISE_REMOVAL_TYPE,
    ) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. What a node is.
pub type DXGKDDI_GETNODEMETADATA = Option<
    unsafe extern "win64" fn(
        hAdapter: HANDLE,
        NodeOrdinal: u32,
        pGetNodeMetadata: *mut DXGKARG_GETNODEMETADATA,
    ) -> NTSTATUS,
>;
/// ≤ `DISPATCH_LEVEL`. A component changes its P-state.
pub type DXGKDDISETPOWERPSTATE = Option<
    unsafe extern "win64" fn(DriverContext: HANDLE, ComponentIndex: u32, RequestedPState: u32) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. Switches an interrupt.
pub type DXGKDDI_CONTROLINTERRUPT2 = Option<
    unsafe extern "win64" fn(hAdapter: HANDLE, InterruptControl: DXGKARG_CONTROLINTERRUPT2) -> NTSTATUS,
>;
/// `DISPATCH_LEVEL`. The clocks of an engine and of the processor at one instant.
pub type DXGKDDI_CALIBRATEGPUCLOCK = Option<
    unsafe extern "win64" fn(
        hAdapter: HANDLE,
        NodeOrdinal: u32,
        EngineOrdinal: u32,
        pClockCalibration: *mut DXGKARG_CALIBRATEGPUCLOCK,
    ) -> NTSTATUS,
>;
/// `PASSIVE_LEVEL`. Clocks shall not change while somebody measures. No public source states the argument's layout.
pub type DXGKDDI_SETSTABLEPOWERSTATE =
    Option<unsafe extern "win64" fn(hAdapter: HANDLE, pArgs: *const c_void)>;

/// An entry that no driver of WDDM 1.3 is called through, or that this crate does not describe.
pub type NotDescribed = Option<unsafe extern "win64" fn()>;
