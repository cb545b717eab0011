//! The interfaces through which the driver reads what a monitor can do.
//!
//! What an `Acquire…` gave is given back by the matching `Release…`. All functions are called at `PASSIVE_LEVEL`.

use crate::*;

enumeration! {
    /// Versions of the monitor interface.
    DXGK_MONITOR_INTERFACE_VERSION: u32 {
        DXGK_MONITOR_INTERFACE_VERSION_UNINITIALIZED = 0,
        DXGK_MONITOR_INTERFACE_VERSION_V1 = 1,
        DXGK_MONITOR_INTERFACE_VERSION_V2 = 2,
    }
}

/// How many modes there are.
pub type DXGKDDI_MONITORSOURCEMODESET_GETNUMMODES = Option<
    unsafe extern "win64" fn(
        hMonitorSourceModeSet: D3DKMDT_HMONITORSOURCEMODESET,
        pNumMonitorSourceModes: *mut usize,
    ) -> NTSTATUS,
>;
/// The preferred mode; `STATUS_GRAPHICS_NO_PREFERRED_MODE`: none.
pub type DXGKDDI_MONITORSOURCEMODESET_ACQUIREPREFERREDMODEINFO = Option<
    unsafe extern "win64" fn(
        hMonitorSourceModeSet: D3DKMDT_HMONITORSOURCEMODESET,
        ppFirstMonitorSourceModeInfo: *mut *const D3DKMDT_MONITOR_SOURCE_MODE,
    ) -> NTSTATUS,
>;
/// The first mode.
pub type DXGKDDI_MONITORSOURCEMODESET_ACQUIREFIRSTMODEINFO = Option<
    unsafe extern "win64" fn(
        hMonitorSourceModeSet: D3DKMDT_HMONITORSOURCEMODESET,
        ppFirstMonitorSourceModeInfo: *mut *const D3DKMDT_MONITOR_SOURCE_MODE,
    ) -> NTSTATUS,
>;
/// The mode after one.
pub type DXGKDDI_MONITORSOURCEMODESET_ACQUIRENEXTMODEINFO = Option<
    unsafe extern "win64" fn(
        hMonitorSourceModeSet: D3DKMDT_HMONITORSOURCEMODESET,
        pMonitorSourceModeInfo: *const D3DKMDT_MONITOR_SOURCE_MODE,
        ppNextMonitorSourceModeInfo: *mut *const D3DKMDT_MONITOR_SOURCE_MODE,
    ) -> NTSTATUS,
>;
/// A new mode.
pub type DXGKDDI_MONITORSOURCEMODESET_CREATENEWMODEINFO = Option<
    unsafe extern "win64" fn(
        hMonitorSourceModeSet: D3DKMDT_HMONITORSOURCEMODESET,
        ppNewMonitorSourceModeInfo: *mut *mut D3DKMDT_MONITOR_SOURCE_MODE,
    ) -> NTSTATUS,
>;
/// Adds a new mode.
pub type DXGKDDI_MONITORSOURCEMODESET_ADDMODE = Option<
    unsafe extern "win64" fn(
        hMonitorSourceModeSet: D3DKMDT_HMONITORSOURCEMODESET,
        pMonitorSourceModeInfo: *const D3DKMDT_MONITOR_SOURCE_MODE,
    ) -> NTSTATUS,
>;
/// Gives a mode back.
pub type DXGKDDI_MONITORSOURCEMODESET_RELEASEMODEINFO = Option<
    unsafe extern "win64" fn(
        hMonitorSourceModeSet: D3DKMDT_HMONITORSOURCEMODESET,
        pMonitorSourceModeInfo: *const D3DKMDT_MONITOR_SOURCE_MODE,
    ) -> NTSTATUS,
>;

/// The modes of a monitor.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGK_MONITORSOURCEMODESET_INTERFACE {
    pub pfnGetNumModes: DXGKDDI_MONITORSOURCEMODESET_GETNUMMODES,
    pub pfnAcquirePreferredModeInfo: DXGKDDI_MONITORSOURCEMODESET_ACQUIREPREFERREDMODEINFO,
    pub pfnAcquireFirstModeInfo: DXGKDDI_MONITORSOURCEMODESET_ACQUIREFIRSTMODEINFO,
    pub pfnAcquireNextModeInfo: DXGKDDI_MONITORSOURCEMODESET_ACQUIRENEXTMODEINFO,
    pub pfnCreateNewModeInfo: DXGKDDI_MONITORSOURCEMODESET_CREATENEWMODEINFO,
    pub pfnAddMode: DXGKDDI_MONITORSOURCEMODESET_ADDMODE,
    pub pfnReleaseModeInfo: DXGKDDI_MONITORSOURCEMODESET_RELEASEMODEINFO,
}

/// How many ranges there are.
pub type DXGKDDI_MONITORFREQUENCYRANGESET_GETNUMFREQUENCYRANGES = Option<
    unsafe extern "win64" fn(
        hMonitorFrequencyRangeSet: D3DKMDT_HMONITORFREQUENCYRANGESET,
        pNumMonitorFrequencyRanges: *mut usize,
    ) -> NTSTATUS,
>;
/// The first range.
pub type DXGKDDI_MONITORFREQUENCYRANGESET_ACQUIREFIRSTFREQUENCYRANGEINFO = Option<
    unsafe extern "win64" fn(
        hMonitorFrequencyRangeSet: D3DKMDT_HMONITORFREQUENCYRANGESET,
        ppFirstMonitorFrequencyRangeInfo: *mut *const D3DKMDT_MONITOR_FREQUENCY_RANGE,
    ) -> NTSTATUS,
>;
/// The range after one.
pub type DXGKDDI_MONITORFREQUENCYRANGESET_ACQUIRENEXTFREQUENCYRANGEINFO = Option<
    unsafe extern "win64" fn(
        hMonitorFrequencyRangeSet: D3DKMDT_HMONITORFREQUENCYRANGESET,
        pMonitorFrequencyRangeInfo: *const D3DKMDT_MONITOR_FREQUENCY_RANGE,
        ppNextMonitorFrequencyRangeInfo: *mut *const D3DKMDT_MONITOR_FREQUENCY_RANGE,
    ) -> NTSTATUS,
>;
/// Gives a range back.
pub type DXGKDDI_MONITORFREQUENCYRANGESET_RELEASEFREQUENCYRANGEINFO = Option<
    unsafe extern "win64" fn(
        hMonitorFrequencyRangeSet: D3DKMDT_HMONITORFREQUENCYRANGESET,
        pMonitorFrequencyRangeInfo: *const D3DKMDT_MONITOR_FREQUENCY_RANGE,
    ) -> NTSTATUS,
>;

/// The frequency ranges of a monitor.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGK_MONITORFREQUENCYRANGESET_INTERFACE {
    pub pfnGetNumFrequencyRanges: DXGKDDI_MONITORFREQUENCYRANGESET_GETNUMFREQUENCYRANGES,
    pub pfnAcquireFirstFrequencyRangeInfo: DXGKDDI_MONITORFREQUENCYRANGESET_ACQUIREFIRSTFREQUENCYRANGEINFO,
    pub pfnAcquireNextFrequencyRangeInfo: DXGKDDI_MONITORFREQUENCYRANGESET_ACQUIRENEXTFREQUENCYRANGEINFO,
    pub pfnReleaseFrequencyRangeInfo: DXGKDDI_MONITORFREQUENCYRANGESET_RELEASEFREQUENCYRANGEINFO,
}

/// How many descriptors there are.
pub type DXGKDDI_MONITORDESCRIPTORSET_GETNUMDESCRIPTORS = Option<
    unsafe extern "win64" fn(
        hMonitorDescriptorSet: D3DKMDT_HMONITORDESCRIPTORSET,
        pNumMonitorDescriptors: *mut usize,
    ) -> NTSTATUS,
>;
/// The first descriptor.
pub type DXGKDDI_MONITORDESCRIPTORSET_ACQUIREFIRSTDESCRIPTORINFO = Option<
    unsafe extern "win64" fn(
        hMonitorDescriptorSet: D3DKMDT_HMONITORDESCRIPTORSET,
        ppFirstMonitorDescriptorInfo: *mut *const D3DKMDT_MONITOR_DESCRIPTOR,
    ) -> NTSTATUS,
>;
/// The descriptor after one.
pub type DXGKDDI_MONITORDESCRIPTORSET_ACQUIRENEXTDESCRIPTORINFO = Option<
    unsafe extern "win64" fn(
        hMonitorDescriptorSet: D3DKMDT_HMONITORDESCRIPTORSET,
        pMonitorDescriptorInfo: *const D3DKMDT_MONITOR_DESCRIPTOR,
        ppNextMonitorDescriptorInfo: *mut *const D3DKMDT_MONITOR_DESCRIPTOR,
    ) -> NTSTATUS,
>;
/// Gives a descriptor back.
pub type DXGKDDI_MONITORDESCRIPTORSET_RELEASEDESCRIPTORINFO = Option<
    unsafe extern "win64" fn(
        hMonitorDescriptorSet: D3DKMDT_HMONITORDESCRIPTORSET,
        pMonitorDescriptorInfo: *const D3DKMDT_MONITOR_DESCRIPTOR,
    ) -> NTSTATUS,
>;

/// The descriptors of a monitor.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGK_MONITORDESCRIPTORSET_INTERFACE {
    pub pfnGetNumDescriptors: DXGKDDI_MONITORDESCRIPTORSET_GETNUMDESCRIPTORS,
    pub pfnAcquireFirstDescriptorInfo: DXGKDDI_MONITORDESCRIPTORSET_ACQUIREFIRSTDESCRIPTORINFO,
    pub pfnAcquireNextDescriptorInfo: DXGKDDI_MONITORDESCRIPTORSET_ACQUIRENEXTDESCRIPTORINFO,
    pub pfnReleaseDescriptorInfo: DXGKDDI_MONITORDESCRIPTORSET_RELEASEDESCRIPTORINFO,
}

/// The modes of the monitor at a target.
pub type DXGKDDI_MONITOR_ACQUIREMONITORSOURCEMODESET = Option<
    unsafe extern "win64" fn(
        hAdapter: D3DKMDT_ADAPTER,
        VideoPresentTargetId: D3DDDI_VIDEO_PRESENT_TARGET_ID,
        phMonitorSourceModeSet: *mut D3DKMDT_HMONITORSOURCEMODESET,
        ppMonitorSourceModeSetInterface: *mut *const DXGK_MONITORSOURCEMODESET_INTERFACE,
    ) -> NTSTATUS,
>;
/// Gives a mode set back.
pub type DXGKDDI_MONITOR_RELEASEMONITORSOURCEMODESET = Option<
    unsafe extern "win64" fn(
        hAdapter: D3DKMDT_ADAPTER,
        hMonitorSourceModeSet: D3DKMDT_HMONITORSOURCEMODESET,
    ) -> NTSTATUS,
>;
/// The ranges of the monitor at a target.
pub type DXGKDDI_MONITOR_GETMONITORFREQUENCYRANGESET = Option<
    unsafe extern "win64" fn(
        hAdapter: D3DKMDT_ADAPTER,
        VideoPresentTargetId: D3DDDI_VIDEO_PRESENT_TARGET_ID,
        phMonitorFrequencyRangeSet: *mut D3DKMDT_HMONITORFREQUENCYRANGESET,
        ppMonitorFrequencyRangeSetInterface: *mut *const DXGK_MONITORFREQUENCYRANGESET_INTERFACE,
    ) -> NTSTATUS,
>;
/// The descriptors of the monitor at a target.
pub type DXGKDDI_MONITOR_GETMONITORDESCRIPTORSET = Option<
    unsafe extern "win64" fn(
        hAdapter: D3DKMDT_ADAPTER,
        VideoPresentTargetId: D3DDDI_VIDEO_PRESENT_TARGET_ID,
        phMonitorDescriptorSet: *mut D3DKMDT_HMONITORDESCRIPTORSET,
        ppMonitorDescriptorSetInterface: *mut *const DXGK_MONITORDESCRIPTORSET_INTERFACE,
    ) -> NTSTATUS,
>;

/// Monitors: their mode, range and descriptor sets (version 1).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGK_MONITOR_INTERFACE {
    pub Version: DXGK_MONITOR_INTERFACE_VERSION,
    pub pfnAcquireMonitorSourceModeSet: DXGKDDI_MONITOR_ACQUIREMONITORSOURCEMODESET,
    pub pfnReleaseMonitorSourceModeSet: DXGKDDI_MONITOR_RELEASEMONITORSOURCEMODESET,
    pub pfnGetMonitorFrequencyRangeSet: DXGKDDI_MONITOR_GETMONITORFREQUENCYRANGESET,
    pub pfnGetMonitorDescriptorSet: DXGKDDI_MONITOR_GETMONITORDESCRIPTORSET,
}
