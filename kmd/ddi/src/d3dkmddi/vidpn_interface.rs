//! The interfaces through which the driver reads and changes a VidPN.
//!
//! What an `Acquire…` gave is given back by the matching `Release…`; what a `Create…` gave becomes part of the VidPN by
//! `Assign…` or `Add…`, or is given back. All functions are called at `PASSIVE_LEVEL`.

use crate::*;

enumeration! {
    /// Versions of the VidPN interface.
    DXGK_VIDPN_INTERFACE_VERSION: u32 {
        DXGK_VIDPN_INTERFACE_VERSION_UNINITIALIZED = 0, DXGK_VIDPN_INTERFACE_VERSION_V1 = 1,
    }
}

/// How many paths there are.
pub type DXGKDDI_VIDPNTOPOLOGY_GETNUMPATHS = Option<
    unsafe extern "win64" fn(hVidPnTopology: D3DKMDT_HVIDPNTOPOLOGY, pNumPaths: *mut usize) -> NTSTATUS,
>;
/// How many paths a source has.
pub type DXGKDDI_VIDPNTOPOLOGY_GETNUMPATHSFROMSOURCE = Option<
    unsafe extern "win64" fn(
        hVidPnTopology: D3DKMDT_HVIDPNTOPOLOGY,
        VidPnSourceId: D3DDDI_VIDEO_PRESENT_SOURCE_ID,
        pNumPathsFromSource: *mut usize,
    ) -> NTSTATUS,
>;
/// The target of a source's n-th path.
pub type DXGKDDI_VIDPNTOPOLOGY_ENUMPATHTARGETSFROMSOURCE = Option<
    unsafe extern "win64" fn(
        hVidPnTopology: D3DKMDT_HVIDPNTOPOLOGY,
        VidPnSourceId: D3DDDI_VIDEO_PRESENT_SOURCE_ID,
        VidPnPresentPathIndex: D3DKMDT_VIDPN_PRESENT_PATH_INDEX,
        pVidPnTargetId: *mut D3DDDI_VIDEO_PRESENT_TARGET_ID,
    ) -> NTSTATUS,
>;
/// The source of a target's path.
pub type DXGKDDI_VIDPNTOPOLOGY_GETPATHSOURCEFROMTARGET = Option<
    unsafe extern "win64" fn(
        hVidPnTopology: D3DKMDT_HVIDPNTOPOLOGY,
        VidPnTargetId: D3DDDI_VIDEO_PRESENT_TARGET_ID,
        pVidPnSourceId: *mut D3DDDI_VIDEO_PRESENT_SOURCE_ID,
    ) -> NTSTATUS,
>;
/// The path between a source and a target.
pub type DXGKDDI_VIDPNTOPOLOGY_ACQUIREPATHINFO = Option<
    unsafe extern "win64" fn(
        hVidPnTopology: D3DKMDT_HVIDPNTOPOLOGY,
        VidPnSourceId: D3DDDI_VIDEO_PRESENT_SOURCE_ID,
        VidPnTargetId: D3DDDI_VIDEO_PRESENT_TARGET_ID,
        ppVidPnPresentPathInfo: *mut *const D3DKMDT_VIDPN_PRESENT_PATH,
    ) -> NTSTATUS,
>;
/// The first path; `STATUS_GRAPHICS_DATASET_IS_EMPTY`: none.
pub type DXGKDDI_VIDPNTOPOLOGY_ACQUIREFIRSTPATHINFO = Option<
    unsafe extern "win64" fn(
        hVidPnTopology: D3DKMDT_HVIDPNTOPOLOGY,
        ppFirstVidPnPresentPathInfo: *mut *const D3DKMDT_VIDPN_PRESENT_PATH,
    ) -> NTSTATUS,
>;
/// The path after one; `STATUS_GRAPHICS_NO_MORE_ELEMENTS_IN_DATASET`: none.
pub type DXGKDDI_VIDPNTOPOLOGY_ACQUIRENEXTPATHINFO = Option<
    unsafe extern "win64" fn(
        hVidPnTopology: D3DKMDT_HVIDPNTOPOLOGY,
        pVidPnPresentPathInfo: *const D3DKMDT_VIDPN_PRESENT_PATH,
        ppNextVidPnPresentPathInfo: *mut *const D3DKMDT_VIDPN_PRESENT_PATH,
    ) -> NTSTATUS,
>;
/// Changes what a path supports.
pub type DXGKDDI_VIDPNTOPOLOGY_UPDATEPATHSUPPORTINFO = Option<
    unsafe extern "win64" fn(
        hVidPnTopology: D3DKMDT_HVIDPNTOPOLOGY,
        pVidPnPresentPathInfo: *const D3DKMDT_VIDPN_PRESENT_PATH,
    ) -> NTSTATUS,
>;
/// Gives a path back.
pub type DXGKDDI_VIDPNTOPOLOGY_RELEASEPATHINFO = Option<
    unsafe extern "win64" fn(
        hVidPnTopology: D3DKMDT_HVIDPNTOPOLOGY,
        pVidPnPresentPathInfo: *const D3DKMDT_VIDPN_PRESENT_PATH,
    ) -> NTSTATUS,
>;
/// A new path.
pub type DXGKDDI_VIDPNTOPOLOGY_CREATENEWPATHINFO = Option<
    unsafe extern "win64" fn(
        hVidPnTopology: D3DKMDT_HVIDPNTOPOLOGY,
        ppNewVidPnPresentPathInfo: *mut *mut D3DKMDT_VIDPN_PRESENT_PATH,
    ) -> NTSTATUS,
>;
/// Adds a new path.
pub type DXGKDDI_VIDPNTOPOLOGY_ADDPATH = Option<
    unsafe extern "win64" fn(
        hVidPnTopology: D3DKMDT_HVIDPNTOPOLOGY,
        pVidPnPresentPath: *mut D3DKMDT_VIDPN_PRESENT_PATH,
    ) -> NTSTATUS,
>;
/// Removes a path.
pub type DXGKDDI_VIDPNTOPOLOGY_REMOVEPATH = Option<
    unsafe extern "win64" fn(
        hVidPnTopology: D3DKMDT_HVIDPNTOPOLOGY,
        VidPnSourceId: D3DDDI_VIDEO_PRESENT_SOURCE_ID,
        VidPnTargetId: D3DDDI_VIDEO_PRESENT_TARGET_ID,
    ) -> NTSTATUS,
>;

/// The paths of a VidPN.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGK_VIDPNTOPOLOGY_INTERFACE {
    pub pfnGetNumPaths: DXGKDDI_VIDPNTOPOLOGY_GETNUMPATHS,
    pub pfnGetNumPathsFromSource: DXGKDDI_VIDPNTOPOLOGY_GETNUMPATHSFROMSOURCE,
    pub pfnEnumPathTargetsFromSource: DXGKDDI_VIDPNTOPOLOGY_ENUMPATHTARGETSFROMSOURCE,
    pub pfnGetPathSourceFromTarget: DXGKDDI_VIDPNTOPOLOGY_GETPATHSOURCEFROMTARGET,
    pub pfnAcquirePathInfo: DXGKDDI_VIDPNTOPOLOGY_ACQUIREPATHINFO,
    pub pfnAcquireFirstPathInfo: DXGKDDI_VIDPNTOPOLOGY_ACQUIREFIRSTPATHINFO,
    pub pfnAcquireNextPathInfo: DXGKDDI_VIDPNTOPOLOGY_ACQUIRENEXTPATHINFO,
    pub pfnUpdatePathSupportInfo: DXGKDDI_VIDPNTOPOLOGY_UPDATEPATHSUPPORTINFO,
    pub pfnReleasePathInfo: DXGKDDI_VIDPNTOPOLOGY_RELEASEPATHINFO,
    pub pfnCreateNewPathInfo: DXGKDDI_VIDPNTOPOLOGY_CREATENEWPATHINFO,
    pub pfnAddPath: DXGKDDI_VIDPNTOPOLOGY_ADDPATH,
    pub pfnRemovePath: DXGKDDI_VIDPNTOPOLOGY_REMOVEPATH,
}

/// How many modes there are.
pub type DXGKDDI_VIDPNSOURCEMODESET_GETNUMMODES = Option<
    unsafe extern "win64" fn(
        hVidPnSourceModeSet: D3DKMDT_HVIDPNSOURCEMODESET,
        pNumSourceModes: *mut usize,
    ) -> NTSTATUS,
>;
/// The first mode; `STATUS_GRAPHICS_DATASET_IS_EMPTY`: none.
pub type DXGKDDI_VIDPNSOURCEMODESET_ACQUIREFIRSTMODEINFO = Option<
    unsafe extern "win64" fn(
        hVidPnSourceModeSet: D3DKMDT_HVIDPNSOURCEMODESET,
        ppFirstVidPnSourceModeInfo: *mut *const D3DKMDT_VIDPN_SOURCE_MODE,
    ) -> NTSTATUS,
>;
/// The mode after one; `STATUS_GRAPHICS_NO_MORE_ELEMENTS_IN_DATASET`: none.
pub type DXGKDDI_VIDPNSOURCEMODESET_ACQUIRENEXTMODEINFO = Option<
    unsafe extern "win64" fn(
        hVidPnSourceModeSet: D3DKMDT_HVIDPNSOURCEMODESET,
        pVidPnSourceModeInfo: *const D3DKMDT_VIDPN_SOURCE_MODE,
        ppNextVidPnSourceModeInfo: *mut *const D3DKMDT_VIDPN_SOURCE_MODE,
    ) -> NTSTATUS,
>;
/// The pinned mode; `STATUS_GRAPHICS_MODE_NOT_PINNED`: none.
pub type DXGKDDI_VIDPNSOURCEMODESET_ACQUIREPINNEDMODEINFO = Option<
    unsafe extern "win64" fn(
        hVidPnSourceModeSet: D3DKMDT_HVIDPNSOURCEMODESET,
        ppPinnedVidPnSourceModeInfo: *mut *const D3DKMDT_VIDPN_SOURCE_MODE,
    ) -> NTSTATUS,
>;
/// Gives a mode back.
pub type DXGKDDI_VIDPNSOURCEMODESET_RELEASEMODEINFO = Option<
    unsafe extern "win64" fn(
        hVidPnSourceModeSet: D3DKMDT_HVIDPNSOURCEMODESET,
        pVidPnSourceModeInfo: *const D3DKMDT_VIDPN_SOURCE_MODE,
    ) -> NTSTATUS,
>;
/// A new mode.
pub type DXGKDDI_VIDPNSOURCEMODESET_CREATENEWMODEINFO = Option<
    unsafe extern "win64" fn(
        hVidPnSourceModeSet: D3DKMDT_HVIDPNSOURCEMODESET,
        ppNewVidPnSourceModeInfo: *mut *mut D3DKMDT_VIDPN_SOURCE_MODE,
    ) -> NTSTATUS,
>;
/// Adds a new mode.
pub type DXGKDDI_VIDPNSOURCEMODESET_ADDMODE = Option<
    unsafe extern "win64" fn(
        hVidPnSourceModeSet: D3DKMDT_HVIDPNSOURCEMODESET,
        pVidPnSourceModeInfo: *mut D3DKMDT_VIDPN_SOURCE_MODE,
    ) -> NTSTATUS,
>;
/// Pins a mode.
pub type DXGKDDI_VIDPNSOURCEMODESET_PINMODE = Option<
    unsafe extern "win64" fn(
        hVidPnSourceModeSet: D3DKMDT_HVIDPNSOURCEMODESET,
        VidPnSourceModeId: D3DKMDT_VIDEO_PRESENT_SOURCE_MODE_ID,
    ) -> NTSTATUS,
>;

/// The modes of a source.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGK_VIDPNSOURCEMODESET_INTERFACE {
    pub pfnGetNumModes: DXGKDDI_VIDPNSOURCEMODESET_GETNUMMODES,
    pub pfnAcquireFirstModeInfo: DXGKDDI_VIDPNSOURCEMODESET_ACQUIREFIRSTMODEINFO,
    pub pfnAcquireNextModeInfo: DXGKDDI_VIDPNSOURCEMODESET_ACQUIRENEXTMODEINFO,
    pub pfnAcquirePinnedModeInfo: DXGKDDI_VIDPNSOURCEMODESET_ACQUIREPINNEDMODEINFO,
    pub pfnReleaseModeInfo: DXGKDDI_VIDPNSOURCEMODESET_RELEASEMODEINFO,
    pub pfnCreateNewModeInfo: DXGKDDI_VIDPNSOURCEMODESET_CREATENEWMODEINFO,
    pub pfnAddMode: DXGKDDI_VIDPNSOURCEMODESET_ADDMODE,
    pub pfnPinMode: DXGKDDI_VIDPNSOURCEMODESET_PINMODE,
}

/// How many modes there are.
pub type DXGKDDI_VIDPNTARGETMODESET_GETNUMMODES = Option<
    unsafe extern "win64" fn(
        hVidPnTargetModeSet: D3DKMDT_HVIDPNTARGETMODESET,
        pNumTargetModes: *mut usize,
    ) -> NTSTATUS,
>;
/// The first mode; `STATUS_GRAPHICS_DATASET_IS_EMPTY`: none.
pub type DXGKDDI_VIDPNTARGETMODESET_ACQUIREFIRSTMODEINFO = Option<
    unsafe extern "win64" fn(
        hVidPnTargetModeSet: D3DKMDT_HVIDPNTARGETMODESET,
        ppFirstVidPnTargetModeInfo: *mut *const D3DKMDT_VIDPN_TARGET_MODE,
    ) -> NTSTATUS,
>;
/// The mode after one; `STATUS_GRAPHICS_NO_MORE_ELEMENTS_IN_DATASET`: none.
pub type DXGKDDI_VIDPNTARGETMODESET_ACQUIRENEXTMODEINFO = Option<
    unsafe extern "win64" fn(
        hVidPnTargetModeSet: D3DKMDT_HVIDPNTARGETMODESET,
        pVidPnTargetModeInfo: *const D3DKMDT_VIDPN_TARGET_MODE,
        ppNextVidPnTargetModeInfo: *mut *const D3DKMDT_VIDPN_TARGET_MODE,
    ) -> NTSTATUS,
>;
/// The pinned mode; `STATUS_GRAPHICS_MODE_NOT_PINNED`: none.
pub type DXGKDDI_VIDPNTARGETMODESET_ACQUIREPINNEDMODEINFO = Option<
    unsafe extern "win64" fn(
        hVidPnTargetModeSet: D3DKMDT_HVIDPNTARGETMODESET,
        ppPinnedVidPnTargetModeInfo: *mut *const D3DKMDT_VIDPN_TARGET_MODE,
    ) -> NTSTATUS,
>;
/// Gives a mode back.
pub type DXGKDDI_VIDPNTARGETMODESET_RELEASEMODEINFO = Option<
    unsafe extern "win64" fn(
        hVidPnTargetModeSet: D3DKMDT_HVIDPNTARGETMODESET,
        pVidPnTargetModeInfo: *const D3DKMDT_VIDPN_TARGET_MODE,
    ) -> NTSTATUS,
>;
/// A new mode.
pub type DXGKDDI_VIDPNTARGETMODESET_CREATENEWMODEINFO = Option<
    unsafe extern "win64" fn(
        hVidPnTargetModeSet: D3DKMDT_HVIDPNTARGETMODESET,
        ppNewVidPnTargetModeInfo: *mut *mut D3DKMDT_VIDPN_TARGET_MODE,
    ) -> NTSTATUS,
>;
/// Adds a new mode.
pub type DXGKDDI_VIDPNTARGETMODESET_ADDMODE = Option<
    unsafe extern "win64" fn(
        hVidPnTargetModeSet: D3DKMDT_HVIDPNTARGETMODESET,
        pVidPnTargetModeInfo: *mut D3DKMDT_VIDPN_TARGET_MODE,
    ) -> NTSTATUS,
>;
/// Pins a mode.
pub type DXGKDDI_VIDPNTARGETMODESET_PINMODE = Option<
    unsafe extern "win64" fn(
        hVidPnTargetModeSet: D3DKMDT_HVIDPNTARGETMODESET,
        VidPnTargetModeId: D3DKMDT_VIDEO_PRESENT_TARGET_MODE_ID,
    ) -> NTSTATUS,
>;

/// The modes of a target.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGK_VIDPNTARGETMODESET_INTERFACE {
    pub pfnGetNumModes: DXGKDDI_VIDPNTARGETMODESET_GETNUMMODES,
    pub pfnAcquireFirstModeInfo: DXGKDDI_VIDPNTARGETMODESET_ACQUIREFIRSTMODEINFO,
    pub pfnAcquireNextModeInfo: DXGKDDI_VIDPNTARGETMODESET_ACQUIRENEXTMODEINFO,
    pub pfnAcquirePinnedModeInfo: DXGKDDI_VIDPNTARGETMODESET_ACQUIREPINNEDMODEINFO,
    pub pfnReleaseModeInfo: DXGKDDI_VIDPNTARGETMODESET_RELEASEMODEINFO,
    pub pfnCreateNewModeInfo: DXGKDDI_VIDPNTARGETMODESET_CREATENEWMODEINFO,
    pub pfnAddMode: DXGKDDI_VIDPNTARGETMODESET_ADDMODE,
    pub pfnPinMode: DXGKDDI_VIDPNTARGETMODESET_PINMODE,
}

/// The topology.
pub type DXGKDDI_VIDPN_GETTOPOLOGY = Option<
    unsafe extern "win64" fn(
        hVidPn: D3DKMDT_HVIDPN,
        phVidPnTopology: *mut D3DKMDT_HVIDPNTOPOLOGY,
        ppVidPnTopologyInterface: *mut *const DXGK_VIDPNTOPOLOGY_INTERFACE,
    ) -> NTSTATUS,
>;
/// The modes of a source.
pub type DXGKDDI_VIDPN_ACQUIRESOURCEMODESET = Option<
    unsafe extern "win64" fn(
        hVidPn: D3DKMDT_HVIDPN,
        VidPnSourceId: D3DDDI_VIDEO_PRESENT_SOURCE_ID,
        phVidPnSourceModeSet: *mut D3DKMDT_HVIDPNSOURCEMODESET,
        ppVidPnSourceModeSetInterface: *mut *const DXGK_VIDPNSOURCEMODESET_INTERFACE,
    ) -> NTSTATUS,
>;
/// Gives a mode set back.
pub type DXGKDDI_VIDPN_RELEASESOURCEMODESET = Option<
    unsafe extern "win64" fn(
        hVidPn: D3DKMDT_HVIDPN,
        hVidPnSourceModeSet: D3DKMDT_HVIDPNSOURCEMODESET,
    ) -> NTSTATUS,
>;
/// A new, empty mode set.
pub type DXGKDDI_VIDPN_CREATENEWSOURCEMODESET = Option<
    unsafe extern "win64" fn(
        hVidPn: D3DKMDT_HVIDPN,
        VidPnSourceId: D3DDDI_VIDEO_PRESENT_SOURCE_ID,
        phNewVidPnSourceModeSet: *mut D3DKMDT_HVIDPNSOURCEMODESET,
        ppVidPnSourceModeSetInterface: *mut *const DXGK_VIDPNSOURCEMODESET_INTERFACE,
    ) -> NTSTATUS,
>;
/// Makes a new mode set that of a source.
pub type DXGKDDI_VIDPN_ASSIGNSOURCEMODESET = Option<
    unsafe extern "win64" fn(
        hVidPn: D3DKMDT_HVIDPN,
        VidPnSourceId: D3DDDI_VIDEO_PRESENT_SOURCE_ID,
        hVidPnSourceModeSet: D3DKMDT_HVIDPNSOURCEMODESET,
    ) -> NTSTATUS,
>;
/// Says which multisampling methods a source supports.
pub type DXGKDDI_VIDPN_ASSIGNMULTISAMPLINGMETHODSET = Option<
    unsafe extern "win64" fn(
        hVidPn: D3DKMDT_HVIDPN,
        VidPnSourceId: D3DDDI_VIDEO_PRESENT_SOURCE_ID,
        NumMethods: usize,
        pSupportedMethodSet: *const D3DDDI_MULTISAMPLINGMETHOD,
    ) -> NTSTATUS,
>;
/// The modes of a target.
pub type DXGKDDI_VIDPN_ACQUIRETARGETMODESET = Option<
    unsafe extern "win64" fn(
        hVidPn: D3DKMDT_HVIDPN,
        VidPnTargetId: D3DDDI_VIDEO_PRESENT_TARGET_ID,
        phVidPnTargetModeSet: *mut D3DKMDT_HVIDPNTARGETMODESET,
        ppVidPnTargetModeSetInterface: *mut *const DXGK_VIDPNTARGETMODESET_INTERFACE,
    ) -> NTSTATUS,
>;
/// Gives a mode set back.
pub type DXGKDDI_VIDPN_RELEASETARGETMODESET = Option<
    unsafe extern "win64" fn(
        hVidPn: D3DKMDT_HVIDPN,
        hVidPnTargetModeSet: D3DKMDT_HVIDPNTARGETMODESET,
    ) -> NTSTATUS,
>;
/// A new, empty mode set.
pub type DXGKDDI_VIDPN_CREATENEWTARGETMODESET = Option<
    unsafe extern "win64" fn(
        hVidPn: D3DKMDT_HVIDPN,
        VidPnTargetId: D3DDDI_VIDEO_PRESENT_TARGET_ID,
        phNewVidPnTargetModeSet: *mut D3DKMDT_HVIDPNTARGETMODESET,
        ppVidPnTargetModeSetInterface: *mut *const DXGK_VIDPNTARGETMODESET_INTERFACE,
    ) -> NTSTATUS,
>;
/// Makes a new mode set that of a target.
pub type DXGKDDI_VIDPN_ASSIGNTARGETMODESET = Option<
    unsafe extern "win64" fn(
        hVidPn: D3DKMDT_HVIDPN,
        VidPnTargetId: D3DDDI_VIDEO_PRESENT_TARGET_ID,
        hVidPnTargetModeSet: D3DKMDT_HVIDPNTARGETMODESET,
    ) -> NTSTATUS,
>;

/// A VidPN: its topology and the mode sets of its sources and targets.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGK_VIDPN_INTERFACE {
    pub Version: DXGK_VIDPN_INTERFACE_VERSION,
    pub pfnGetTopology: DXGKDDI_VIDPN_GETTOPOLOGY,
    pub pfnAcquireSourceModeSet: DXGKDDI_VIDPN_ACQUIRESOURCEMODESET,
    pub pfnReleaseSourceModeSet: DXGKDDI_VIDPN_RELEASESOURCEMODESET,
    pub pfnCreateNewSourceModeSet: DXGKDDI_VIDPN_CREATENEWSOURCEMODESET,
    pub pfnAssignSourceModeSet: DXGKDDI_VIDPN_ASSIGNSOURCEMODESET,
    pub pfnAssignMultisamplingMethodSet: DXGKDDI_VIDPN_ASSIGNMULTISAMPLINGMETHODSET,
    pub pfnAcquireTargetModeSet: DXGKDDI_VIDPN_ACQUIRETARGETMODESET,
    pub pfnReleaseTargetModeSet: DXGKDDI_VIDPN_RELEASETARGETMODESET,
    pub pfnCreateNewTargetModeSet: DXGKDDI_VIDPN_CREATENEWTARGETMODESET,
    pub pfnAssignTargetModeSet: DXGKDDI_VIDPN_ASSIGNTARGETMODESET,
}
