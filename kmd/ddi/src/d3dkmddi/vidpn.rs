//! VidPn entries: which modes go together, and which are set.

use core::ffi::c_void;

use bytemuck::{Pod, Zeroable};

use crate::*;

/// Argument of `DxgkDdiIsSupportedVidPn`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGKARG_ISSUPPORTEDVIDPN {
    /// In; null stands for the empty VidPN.
    pub hDesiredVidPn: D3DKMDT_HVIDPN,
    /// Out.
    pub IsVidPnSupported: BOOLEAN,
}

enumeration! {
    /// Why a functional VidPN is wanted.
    DXGK_RECOMMENDFUNCTIONALVIDPN_REASON: u32 {
        DXGK_RFVR_UNINITIALIZED = 0, DXGK_RFVR_HOTKEY = 1, DXGK_RFVR_USERMODE = 2, DXGK_RFVR_FIRMWARE = 3,
    }
}

/// Argument of `DxgkDdiRecommendFunctionalVidPn`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGKARG_RECOMMENDFUNCTIONALVIDPN {
    pub NumberOfVidPnTargets: u32,
    pub pVidPnTargetPrioritizationVector: *const D3DDDI_VIDEO_PRESENT_TARGET_ID,
    pub hRecommendedFunctionalVidPn: D3DKMDT_HVIDPN,
    pub RequestReason: DXGK_RECOMMENDFUNCTIONALVIDPN_REASON,
    pub pPrivateDriverData: *mut c_void,
    /// Bytes.
    pub PrivateDriverDataSize: u32,
}

/// The part that an enumeration must not change.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGK_ENUM_PIVOT {
    pub VidPnSourceId: D3DDDI_VIDEO_PRESENT_SOURCE_ID,
    pub VidPnTargetId: D3DDDI_VIDEO_PRESENT_TARGET_ID,
}

/// Argument of `DxgkDdiEnumVidPnCofuncModality`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGKARG_ENUMVIDPNCOFUNCMODALITY {
    pub hConstrainingVidPn: D3DKMDT_HVIDPN,
    pub EnumPivotType: D3DKMDT_ENUMCOFUNCMODALITY_PIVOT_TYPE,
    pub EnumPivot: DXGK_ENUM_PIVOT,
}

flags! {
    /// How a VidPN is committed.
    DXGKARG_COMMITVIDPN_FLAGS { PathPowerTransition = 0, PathPoweredOff = 1, }
}

/// Argument of `DxgkDdiCommitVidPn`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGKARG_COMMITVIDPN {
    pub hFunctionalVidPn: D3DKMDT_HVIDPN,
    /// Or `D3DDDI_ID_ALL`.
    pub AffectedVidPnSourceId: D3DDDI_VIDEO_PRESENT_SOURCE_ID,
    pub MonitorConnectivityChecks: D3DKMDT_MONITOR_CONNECTIVITY_CHECKS,
    /// The driver's handle of the primary, or null.
    pub hPrimaryAllocation: HANDLE,
    pub Flags: DXGKARG_COMMITVIDPN_FLAGS,
}

/// Argument of `DxgkDdiUpdateActiveVidPnPresentPath`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGKARG_UPDATEACTIVEVIDPNPRESENTPATH {
    pub VidPnPresentPathInfo: D3DKMDT_VIDPN_PRESENT_PATH,
}

/// Argument of `DxgkDdiRecommendMonitorModes`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGKARG_RECOMMENDMONITORMODES {
    pub VideoPresentTargetId: D3DDDI_VIDEO_PRESENT_TARGET_ID,
    pub hMonitorSourceModeSet: D3DKMDT_HMONITORSOURCEMODESET,
    pub pMonitorSourceModeSetInterface: *const DXGK_MONITORSOURCEMODESET_INTERFACE,
}

enumeration! {
    /// Why a topology is wanted.
    DXGK_RECOMMENDVIDPNTOPOLOGY_REASON: u32 {
        DXGK_RVT_UNINITIALIZED = 0,
        DXGK_RVT_INITIALIZATION_NOLKG = 1,
        DXGK_RVT_AUGMENTATION_NOLKG = 2,
        DXGK_RVT_AUGMENTATION_LKGOVERRIDE = 3,
        DXGK_RVT_INITIALIZATION_LKGOVERRIDE = 4,
    }
}

/// Argument of `DxgkDdiRecommendVidPnTopology`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGKARG_RECOMMENDVIDPNTOPOLOGY {
    pub hVidPn: D3DKMDT_HVIDPN,
    pub VidPnSourceId: D3DDDI_VIDEO_PRESENT_SOURCE_ID,
    pub RequestReason: DXGK_RECOMMENDVIDPNTOPOLOGY_REASON,
    pub hFallbackTopology: D3DKMDT_HVIDPNTOPOLOGY,
}

/// Argument of `DxgkDdiQueryVidPnHWCapability`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGKARG_QUERYVIDPNHWCAPABILITY {
    pub hFunctionalVidPn: D3DKMDT_HVIDPN,
    pub SourceId: D3DDDI_VIDEO_PRESENT_SOURCE_ID,
    pub TargetId: D3DDDI_VIDEO_PRESENT_TARGET_ID,
    /// Out.
    pub VidPnHWCaps: D3DKMDT_VIDPN_HW_CAPABILITY,
}
