//! Monitors: their descriptors, frequency ranges, modes, and what they plug into.

use core::ffi::c_void;

use crate::*;

/// A monitor source mode's number.
pub type D3DKMDT_MONITOR_SOURCE_MODE_ID = u32;
/// A monitor descriptor's number.
pub type D3DKMDT_MONITOR_DESCRIPTOR_ID = u32;

enumeration! {
    /// What a target's connector is.
    D3DKMDT_VIDEO_OUTPUT_TECHNOLOGY: i32 {
        D3DKMDT_VOT_UNINITIALIZED = -2,
        D3DKMDT_VOT_OTHER = -1,
        D3DKMDT_VOT_HD15 = 0,
        D3DKMDT_VOT_SVIDEO = 1,
        D3DKMDT_VOT_COMPOSITE_VIDEO = 2,
        D3DKMDT_VOT_COMPONENT_VIDEO = 3,
        D3DKMDT_VOT_DVI = 4,
        D3DKMDT_VOT_HDMI = 5,
        D3DKMDT_VOT_LVDS = 6,
        D3DKMDT_VOT_D_JPN = 8,
        D3DKMDT_VOT_SDI = 9,
        D3DKMDT_VOT_DISPLAYPORT_EXTERNAL = 10,
        D3DKMDT_VOT_DISPLAYPORT_EMBEDDED = 11,
        D3DKMDT_VOT_UDI_EXTERNAL = 12,
        D3DKMDT_VOT_UDI_EMBEDDED = 13,
        D3DKMDT_VOT_SDTVDONGLE = 14,
        D3DKMDT_VOT_MIRACAST = 15,
        D3DKMDT_VOT_INTERNAL = i32::MIN,
    }
}

enumeration! {
    /// How the orientation of a monitor is known.
    D3DKMDT_MONITOR_ORIENTATION_AWARENESS: u32 {
        D3DKMDT_MOA_UNINITIALIZED = 0, D3DKMDT_MOA_NONE = 1, D3DKMDT_MOA_POLLED = 2, D3DKMDT_MOA_INTERRUPTIBLE = 3,
    }
}

enumeration! {
    /// How a monitor's presence is known.
    DXGK_CHILD_DEVICE_HPD_AWARENESS: u32 {
        HpdAwarenessUninitialized = 0,
        HpdAwarenessAlwaysConnected = 1,
        HpdAwarenessNone = 2,
        HpdAwarenessPolled = 3,
        HpdAwarenessInterruptible = 4,
    }
}

enumeration! {
    /// Where a statement about a monitor comes from.
    D3DKMDT_MONITOR_CAPABILITIES_ORIGIN: u32 {
        D3DKMDT_MCO_UNINITIALIZED = 0,
        D3DKMDT_MCO_DEFAULTMONITORPROFILE = 1,
        D3DKMDT_MCO_MONITORDESCRIPTOR = 2,
        D3DKMDT_MCO_MONITORDESCRIPTOR_REGISTRYOVERRIDE = 3,
        D3DKMDT_MCO_SPECIFICCAP_REGISTRYOVERRIDE = 4,
        D3DKMDT_MCO_DRIVER = 5,
    }
}

enumeration! {
    /// What a monitor descriptor is.
    D3DKMDT_MONITOR_DESCRIPTOR_TYPE: u32 {
        D3DKMDT_MDT_UNINITIALIZED = 0,
        D3DKMDT_MDT_VESA_EDID_V1_BASEBLOCK = 1,
        D3DKMDT_MDT_VESA_EDID_V1_BLOCKMAP = 2,
        D3DKMDT_MDT_OTHER = 255,
    }
}

enumeration! {
    /// What constrains a frequency range.
    D3DKMDT_MONITOR_FREQUENCY_RANGE_CONSTRAINT: u32 {
        D3DKMDT_MFRC_UNINITIALIZED = 0, D3DKMDT_MFRC_ACTIVESIZE = 1, D3DKMDT_MFRC_MAXPIXELRATE = 2,
    }
}

enumeration! {
    /// Whether a commit checks that monitors are connected.
    D3DKMDT_MONITOR_CONNECTIVITY_CHECKS: u32 {
        D3DKMDT_MCC_UNINITIALIZED = 0, D3DKMDT_MCC_IGNORE = 1, D3DKMDT_MCC_ENFORCE = 2,
    }
}

/// A mode of a monitor.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DKMDT_MONITOR_SOURCE_MODE {
    pub Id: D3DKMDT_MONITOR_SOURCE_MODE_ID,
    pub VideoSignalInfo: D3DKMDT_VIDEO_SIGNAL_INFO,
    pub ColorBasis: D3DKMDT_COLOR_BASIS,
    pub ColorCoeffDynamicRanges: D3DKMDT_COLOR_COEFF_DYNAMIC_RANGES,
    pub Origin: D3DKMDT_MONITOR_CAPABILITIES_ORIGIN,
    pub Preference: D3DKMDT_MODE_PREFERENCE,
}

/// A descriptor of a monitor.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DKMDT_MONITOR_DESCRIPTOR {
    pub Id: D3DKMDT_MONITOR_DESCRIPTOR_ID,
    pub Type: D3DKMDT_MONITOR_DESCRIPTOR_TYPE,
    /// Bytes.
    pub DataSize: usize,
    pub pData: *mut c_void,
    pub Origin: D3DKMDT_MONITOR_CAPABILITIES_ORIGIN,
}

/// Frequencies in hertz.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DKMDT_FREQUENCY_RANGE {
    pub MinVSyncFreq: D3DDDI_RATIONAL,
    pub MaxVSyncFreq: D3DDDI_RATIONAL,
    pub MinHSyncFreq: D3DDDI_RATIONAL,
    pub MaxHSyncFreq: D3DDDI_RATIONAL,
}

union_block! {
    /// `D3DKMDT_MONITOR_FREQUENCY_RANGE::Constraint`.
    D3DKMDT_MONITOR_FREQUENCY_RANGE_Constraint: [u64; 1] {
        /// The active size that the range is for.
        ActiveSize: D3DKMDT_2DREGION, from_active_size;
        /// Pixels per second at most.
        MaxPixelRate: u64, from_max_pixel_rate;
    }
}

/// A frequency range of a monitor.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DKMDT_MONITOR_FREQUENCY_RANGE {
    pub Origin: D3DKMDT_MONITOR_CAPABILITIES_ORIGIN,
    pub RangeLimits: D3DKMDT_FREQUENCY_RANGE,
    pub ConstraintType: D3DKMDT_MONITOR_FREQUENCY_RANGE_CONSTRAINT,
    pub Constraint: D3DKMDT_MONITOR_FREQUENCY_RANGE_Constraint,
}
