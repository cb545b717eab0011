//! The table of entry points that a driver registers with `DxgkInitialize`.

use core::ffi::c_void;
use core::mem::offset_of;

use crate::*;

/// The driver's entry points, in the header's order, up to WDDM 2.2.
///
/// dxgkrnl reads what the interface version in `Version` has: 8 + 8 × the number of entries.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DRIVER_INITIALIZATION_DATA {
    /// `DXGKDDI_INTERFACE_VERSION_…`.
    pub Version: u32,
    // Windows Vista.
    pub DxgkDdiAddDevice: DXGKDDI_ADD_DEVICE,
    pub DxgkDdiStartDevice: DXGKDDI_START_DEVICE,
    pub DxgkDdiStopDevice: DXGKDDI_STOP_DEVICE,
    pub DxgkDdiRemoveDevice: DXGKDDI_REMOVE_DEVICE,
    pub DxgkDdiDispatchIoRequest: DXGKDDI_DISPATCH_IO_REQUEST,
    pub DxgkDdiInterruptRoutine: DXGKDDI_INTERRUPT_ROUTINE,
    pub DxgkDdiDpcRoutine: DXGKDDI_DPC_ROUTINE,
    pub DxgkDdiQueryChildRelations: DXGKDDI_QUERY_CHILD_RELATIONS,
    pub DxgkDdiQueryChildStatus: DXGKDDI_QUERY_CHILD_STATUS,
    pub DxgkDdiQueryDeviceDescriptor: DXGKDDI_QUERY_DEVICE_DESCRIPTOR,
    pub DxgkDdiSetPowerState: DXGKDDI_SET_POWER_STATE,
    pub DxgkDdiNotifyAcpiEvent: DXGKDDI_NOTIFY_ACPI_EVENT,
    pub DxgkDdiResetDevice: DXGKDDI_RESET_DEVICE,
    pub DxgkDdiUnload: DXGKDDI_UNLOAD,
    pub DxgkDdiQueryInterface: DXGKDDI_QUERY_INTERFACE,
    pub DxgkDdiControlEtwLogging: DXGKDDI_CONTROL_ETW_LOGGING,
    pub DxgkDdiQueryAdapterInfo: DXGKDDI_QUERYADAPTERINFO,
    pub DxgkDdiCreateDevice: DXGKDDI_CREATEDEVICE,
    pub DxgkDdiCreateAllocation: DXGKDDI_CREATEALLOCATION,
    pub DxgkDdiDestroyAllocation: DXGKDDI_DESTROYALLOCATION,
    pub DxgkDdiDescribeAllocation: DXGKDDI_DESCRIBEALLOCATION,
    pub DxgkDdiGetStandardAllocationDriverData: DXGKDDI_GETSTANDARDALLOCATIONDRIVERDATA,
    pub DxgkDdiAcquireSwizzlingRange: DXGKDDI_ACQUIRESWIZZLINGRANGE,
    pub DxgkDdiReleaseSwizzlingRange: DXGKDDI_RELEASESWIZZLINGRANGE,
    pub DxgkDdiPatch: DXGKDDI_PATCH,
    pub DxgkDdiSubmitCommand: DXGKDDI_SUBMITCOMMAND,
    pub DxgkDdiPreemptCommand: DXGKDDI_PREEMPTCOMMAND,
    pub DxgkDdiBuildPagingBuffer: DXGKDDI_BUILDPAGINGBUFFER,
    pub DxgkDdiSetPalette: DXGKDDI_SETPALETTE,
    pub DxgkDdiSetPointerPosition: DXGKDDI_SETPOINTERPOSITION,
    pub DxgkDdiSetPointerShape: DXGKDDI_SETPOINTERSHAPE,
    pub DxgkDdiResetFromTimeout: DXGKDDI_RESETFROMTIMEOUT,
    pub DxgkDdiRestartFromTimeout: DXGKDDI_RESTARTFROMTIMEOUT,
    pub DxgkDdiEscape: DXGKDDI_ESCAPE,
    pub DxgkDdiCollectDbgInfo: DXGKDDI_COLLECTDBGINFO,
    pub DxgkDdiQueryCurrentFence: DXGKDDI_QUERYCURRENTFENCE,
    pub DxgkDdiIsSupportedVidPn: DXGKDDI_ISSUPPORTEDVIDPN,
    pub DxgkDdiRecommendFunctionalVidPn: DXGKDDI_RECOMMENDFUNCTIONALVIDPN,
    pub DxgkDdiEnumVidPnCofuncModality: DXGKDDI_ENUMVIDPNCOFUNCMODALITY,
    pub DxgkDdiSetVidPnSourceAddress: DXGKDDI_SETVIDPNSOURCEADDRESS,
    pub DxgkDdiSetVidPnSourceVisibility: DXGKDDI_SETVIDPNSOURCEVISIBILITY,
    pub DxgkDdiCommitVidPn: DXGKDDI_COMMITVIDPN,
    pub DxgkDdiUpdateActiveVidPnPresentPath: DXGKDDI_UPDATEACTIVEVIDPNPRESENTPATH,
    pub DxgkDdiRecommendMonitorModes: DXGKDDI_RECOMMENDMONITORMODES,
    pub DxgkDdiRecommendVidPnTopology: DXGKDDI_RECOMMENDVIDPNTOPOLOGY,
    pub DxgkDdiGetScanLine: DXGKDDI_GETSCANLINE,
    pub DxgkDdiStopCapture: DXGKDDI_STOPCAPTURE,
    pub DxgkDdiControlInterrupt: DXGKDDI_CONTROLINTERRUPT,
    pub DxgkDdiCreateOverlay: DXGKDDI_CREATEOVERLAY,
    pub DxgkDdiDestroyDevice: DXGKDDI_DESTROYDEVICE,
    pub DxgkDdiOpenAllocation: DXGKDDI_OPENALLOCATIONINFO,
    pub DxgkDdiCloseAllocation: DXGKDDI_CLOSEALLOCATION,
    pub DxgkDdiRender: DXGKDDI_RENDER,
    pub DxgkDdiPresent: DXGKDDI_PRESENT,
    pub DxgkDdiUpdateOverlay: DXGKDDI_UPDATEOVERLAY,
    pub DxgkDdiFlipOverlay: DXGKDDI_FLIPOVERLAY,
    pub DxgkDdiDestroyOverlay: DXGKDDI_DESTROYOVERLAY,
    pub DxgkDdiCreateContext: DXGKDDI_CREATECONTEXT,
    pub DxgkDdiDestroyContext: DXGKDDI_DESTROYCONTEXT,
    pub DxgkDdiLinkDevice: DXGKDDI_LINK_DEVICE,
    pub DxgkDdiSetDisplayPrivateDriverFormat: DXGKDDI_SETDISPLAYPRIVATEDRIVERFORMAT,
    // WDDM 1.1 (Windows 7).
    /// Reserved: null.
    pub DxgkDdiDescribePageTable: NotDescribed,
    /// Reserved: null.
    pub DxgkDdiUpdatePageTable: NotDescribed,
    /// Reserved: null.
    pub DxgkDdiUpdatePageDirectory: NotDescribed,
    /// Reserved: null.
    pub DxgkDdiMovePageDirectory: NotDescribed,
    /// Reserved: null.
    pub DxgkDdiSubmitRender: NotDescribed,
    /// Reserved: null.
    pub DxgkDdiCreateAllocation2: NotDescribed,
    pub DxgkDdiRenderKm: DXGKDDI_RENDER,
    /// Null.
    pub Reserved: *mut c_void,
    pub DxgkDdiQueryVidPnHWCapability: DXGKDDI_QUERYVIDPNHWCAPABILITY,
    // WDDM 1.2 (Windows 8).
    pub DxgkDdiSetPowerComponentFState: DXGKDDISETPOWERCOMPONENTFSTATE,
    pub DxgkDdiQueryDependentEngineGroup: DXGKDDI_QUERYDEPENDENTENGINEGROUP,
    pub DxgkDdiQueryEngineStatus: DXGKDDI_QUERYENGINESTATUS,
    pub DxgkDdiResetEngine: DXGKDDI_RESETENGINE,
    pub DxgkDdiStopDeviceAndReleasePostDisplayOwnership:
        DXGKDDI_STOP_DEVICE_AND_RELEASE_POST_DISPLAY_OWNERSHIP,
    pub DxgkDdiSystemDisplayEnable: DXGKDDI_SYSTEM_DISPLAY_ENABLE,
    pub DxgkDdiSystemDisplayWrite: DXGKDDI_SYSTEM_DISPLAY_WRITE,
    /// Called only for a driver with `DXGK_VIDSCHCAPS::CancelCommandAware`.
    pub DxgkDdiCancelCommand: DXGKDDI_CANCELCOMMAND,
    pub DxgkDdiGetChildContainerId: DXGKDDI_GET_CHILD_CONTAINER_ID,
    pub DxgkDdiPowerRuntimeControlRequest: DXGKDDIPOWERRUNTIMECONTROLREQUEST,
    pub DxgkDdiSetVidPnSourceAddressWithMultiPlaneOverlay: NotDescribed,
    pub DxgkDdiNotifySurpriseRemoval: DXGKDDI_NOTIFY_SURPRISE_REMOVAL,
    // WDDM 1.3 (Windows 8.1).
    pub DxgkDdiGetNodeMetadata: DXGKDDI_GETNODEMETADATA,
    /// Reserved: null.
    pub DxgkDdiSetPowerPState: DXGKDDISETPOWERPSTATE,
    pub DxgkDdiControlInterrupt2: DXGKDDI_CONTROLINTERRUPT2,
    pub DxgkDdiCheckMultiPlaneOverlaySupport: NotDescribed,
    pub DxgkDdiCalibrateGpuClock: DXGKDDI_CALIBRATEGPUCLOCK,
    pub DxgkDdiFormatHistoryBuffer: NotDescribed,
    // WDDM 2.0.
    pub DxgkDdiRenderGdi: NotDescribed,
    pub DxgkDdiSubmitCommandVirtual: NotDescribed,
    pub DxgkDdiSetRootPageTable: NotDescribed,
    pub DxgkDdiGetRootPageTableSize: NotDescribed,
    pub DxgkDdiMapCpuHostAperture: NotDescribed,
    pub DxgkDdiUnmapCpuHostAperture: NotDescribed,
    pub DxgkDdiCheckMultiPlaneOverlaySupport2: NotDescribed,
    pub DxgkDdiCreateProcess: NotDescribed,
    pub DxgkDdiDestroyProcess: NotDescribed,
    pub DxgkDdiSetVidPnSourceAddressWithMultiPlaneOverlay2: NotDescribed,
    /// Null.
    pub Reserved1: *mut c_void,
    /// Null.
    pub Reserved2: *mut c_void,
    pub DxgkDdiPowerRuntimeSetDeviceHandle: NotDescribed,
    pub DxgkDdiSetStablePowerState: DXGKDDI_SETSTABLEPOWERSTATE,
    pub DxgkDdiSetVideoProtectedRegion: NotDescribed,
    // WDDM 2.1.
    pub DxgkDdiCheckMultiPlaneOverlaySupport3: NotDescribed,
    pub DxgkDdiSetVidPnSourceAddressWithMultiPlaneOverlay3: NotDescribed,
    pub DxgkDdiPostMultiPlaneOverlayPresent: NotDescribed,
    pub DxgkDdiValidateUpdateAllocationProperty: NotDescribed,
    pub DxgkDdiControlModeBehavior: NotDescribed,
    pub DxgkDdiUpdateMonitorLinkInfo: NotDescribed,
    // WDDM 2.2.
    pub DxgkDdiCreateHwContext: NotDescribed,
    pub DxgkDdiDestroyHwContext: NotDescribed,
    pub DxgkDdiCreateHwQueue: NotDescribed,
    pub DxgkDdiDestroyHwQueue: NotDescribed,
    pub DxgkDdiSubmitCommandToHwQueue: NotDescribed,
    pub DxgkDdiSwitchToHwContextList: NotDescribed,
    pub DxgkDdiResetHwEngine: NotDescribed,
    pub DxgkDdiCreatePeriodicFrameNotification: NotDescribed,
    pub DxgkDdiDestroyPeriodicFrameNotification: NotDescribed,
    pub DxgkDdiSetTimingsFromVidPn: NotDescribed,
    pub DxgkDdiSetTargetGamma: NotDescribed,
    pub DxgkDdiSetTargetContentType: NotDescribed,
    pub DxgkDdiSetTargetAnalogCopyProtection: NotDescribed,
    pub DxgkDdiSetTargetAdjustedColorimetry: NotDescribed,
    pub DxgkDdiDisplayDetectControl: NotDescribed,
    pub DxgkDdiQueryConnectionChange: NotDescribed,
    pub DxgkDdiExchangePreStartInfo: NotDescribed,
    pub DxgkDdiGetMultiPlaneOverlayCaps: NotDescribed,
    pub DxgkDdiGetPostCompositionCaps: NotDescribed,
}

impl DRIVER_INITIALIZATION_DATA {
    /// Bytes of the table that a driver with this `Version` has.
    #[must_use]
    pub const fn size_for(version: u32) -> usize {
        match version {
            DXGKDDI_INTERFACE_VERSION_WDDM2_2.. => size_of::<Self>(),
            DXGKDDI_INTERFACE_VERSION_WDDM2_1.. => offset_of!(Self, DxgkDdiCreateHwContext),
            DXGKDDI_INTERFACE_VERSION_WDDM2_0.. => offset_of!(Self, DxgkDdiCheckMultiPlaneOverlaySupport3),
            DXGKDDI_INTERFACE_VERSION_WDDM1_3.. => offset_of!(Self, DxgkDdiRenderGdi),
            DXGKDDI_INTERFACE_VERSION_WIN8.. => offset_of!(Self, DxgkDdiGetNodeMetadata),
            DXGKDDI_INTERFACE_VERSION_WIN7.. => offset_of!(Self, DxgkDdiSetPowerComponentFState),
            _ => offset_of!(Self, DxgkDdiDescribePageTable),
        }
    }
}

/// What `DxgkInitialize` is: registers the table with dxgkrnl. `PASSIVE_LEVEL`, from `DriverEntry`.
pub type DXGK_INITIALIZE = Option<
    unsafe extern "win64" fn(
        DriverObject: *mut DRIVER_OBJECT,
        RegistryPath: *mut UNICODE_STRING,
        DriverInitializationData: *mut DRIVER_INITIALIZATION_DATA,
    ) -> NTSTATUS,
>;
