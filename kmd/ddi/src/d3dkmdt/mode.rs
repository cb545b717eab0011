//! Modes of video present sources and targets.

use bytemuck::{Pod, Zeroable};

use crate::*;

handles! {
    /// A video present network.
    D3DKMDT_HVIDPN,
    /// The topology of a VidPN.
    D3DKMDT_HVIDPNTOPOLOGY,
    /// The modes of a source of a VidPN.
    D3DKMDT_HVIDPNSOURCEMODESET,
    /// The modes of a target of a VidPN.
    D3DKMDT_HVIDPNTARGETMODESET,
    /// The modes of a monitor.
    D3DKMDT_HMONITORSOURCEMODESET,
    /// The frequency ranges of a monitor.
    D3DKMDT_HMONITORFREQUENCYRANGESET,
    /// The descriptors of a monitor.
    D3DKMDT_HMONITORDESCRIPTORSET,
}

/// The adapter, as the monitor interface names it.
pub type D3DKMDT_ADAPTER = HANDLE;
/// A source mode's number within its set.
pub type D3DKMDT_VIDEO_PRESENT_SOURCE_MODE_ID = u32;
/// A target mode's number within its set.
pub type D3DKMDT_VIDEO_PRESENT_TARGET_MODE_ID = u32;
/// A path's number among those of one source.
pub type D3DKMDT_VIDPN_PRESENT_PATH_INDEX = usize;

pub const D3DKMDT_DIMENSION_UNINITIALIZED: u32 = !0;
pub const D3DKMDT_FREQUENCY_UNINITIALIZED: u32 = !0;
pub const D3DKMDT_DIMENSION_NOTSPECIFIED: u32 = !1;
pub const D3DKMDT_FREQUENCY_NOTSPECIFIED: u32 = !1;

enumeration! {
    /// Which standard the timings of a signal follow; those of television are left out.
    D3DKMDT_VIDEO_SIGNAL_STANDARD: u32 {
        D3DKMDT_VSS_UNINITIALIZED = 0,
        D3DKMDT_VSS_VESA_DMT = 1,
        D3DKMDT_VSS_VESA_GTF = 2,
        D3DKMDT_VSS_VESA_CVT = 3,
        D3DKMDT_VSS_IBM = 4,
        D3DKMDT_VSS_APPLE = 5,
        D3DKMDT_VSS_EIA_861 = 25,
        D3DKMDT_VSS_EIA_861A = 26,
        D3DKMDT_VSS_EIA_861B = 27,
        D3DKMDT_VSS_OTHER = 255,
    }
}

enumeration! {
    /// Whether a source mode is graphics or text.
    D3DKMDT_VIDPN_SOURCE_MODE_TYPE: u32 {
        D3DKMDT_RMT_UNINITIALIZED = 0,
        D3DKMDT_RMT_GRAPHICS = 1,
        D3DKMDT_RMT_TEXT = 2,
        D3DKMDT_RMT_GRAPHICS_STEREO = 3,
        D3DKMDT_RMT_GRAPHICS_STEREO_ADVANCED_SCAN = 4,
    }
}

enumeration! {
    /// How a pixel's value gives its colour.
    D3DKMDT_PIXEL_VALUE_ACCESS_MODE: u32 {
        D3DKMDT_PVAM_UNINITIALIZED = 0,
        D3DKMDT_PVAM_DIRECT = 1,
        D3DKMDT_PVAM_PRESETPALETTE = 2,
        D3DKMDT_PVAM_SETTABLEPALETTE = 3,
    }
}

enumeration! {
    /// The basis of a pixel's colour.
    D3DKMDT_COLOR_BASIS: u32 {
        D3DKMDT_CB_UNINITIALIZED = 0,
        D3DKMDT_CB_INTENSITY = 1,
        D3DKMDT_CB_SRGB = 2,
        D3DKMDT_CB_SCRGB = 3,
        D3DKMDT_CB_YCBCR = 4,
        D3DKMDT_CB_YPBPR = 5,
    }
}

enumeration! {
    /// Whether a mode is preferred.
    D3DKMDT_MODE_PREFERENCE: u32 {
        D3DKMDT_MP_UNINITIALIZED = 0, D3DKMDT_MP_PREFERRED = 1, D3DKMDT_MP_NOTPREFERRED = 2,
    }
}

enumeration! {
    /// Text modes have no formats yet.
    D3DKMDT_TEXT_RENDERING_FORMAT: u32 { D3DKMDT_TRF_UNINITIALIZED = 0, }
}

/// A width and a height in pixels.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct D3DKMDT_2DREGION {
    pub cx: u32,
    pub cy: u32,
}

/// A distance in pixels.
pub type D3DKMDT_2DOFFSET = D3DKMDT_2DREGION;

/// Bits of each colour channel.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct D3DKMDT_COLOR_COEFF_DYNAMIC_RANGES {
    pub FirstChannel: u32,
    pub SecondChannel: u32,
    pub ThirdChannel: u32,
    pub FourthChannel: u32,
}

/// A graphics mode of a source.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct D3DKMDT_GRAPHICS_RENDERING_FORMAT {
    pub PrimSurfSize: D3DKMDT_2DREGION,
    pub VisibleRegionSize: D3DKMDT_2DREGION,
    /// Bytes from one line to the next.
    pub Stride: u32,
    pub PixelFormat: D3DDDIFORMAT,
    pub ColorBasis: D3DKMDT_COLOR_BASIS,
    pub PixelValueAccessMode: D3DKMDT_PIXEL_VALUE_ACCESS_MODE,
}

/// `D3DKMDT_VIDPN_SOURCE_MODE::Format`: a union of a graphics and a text format, of which the first is the larger.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct D3DKMDT_VIDPN_SOURCE_MODE_Format {
    /// Valid for the graphics types.
    pub Graphics: D3DKMDT_GRAPHICS_RENDERING_FORMAT,
}

impl D3DKMDT_VIDPN_SOURCE_MODE_Format {
    /// Valid for `D3DKMDT_RMT_TEXT`.
    #[must_use]
    pub const fn Text(&self) -> D3DKMDT_TEXT_RENDERING_FORMAT {
        self.Graphics.PrimSurfSize.cx
    }
}

/// A mode of a source.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct D3DKMDT_VIDPN_SOURCE_MODE {
    pub Id: D3DKMDT_VIDEO_PRESENT_SOURCE_MODE_ID,
    pub Type: D3DKMDT_VIDPN_SOURCE_MODE_TYPE,
    pub Format: D3DKMDT_VIDPN_SOURCE_MODE_Format,
}

flags! {
    /// `D3DKMDT_VIDEO_SIGNAL_INFO::AdditionalSignalInfo`; before WDDM 1.3 the whole word is the scan line ordering.
    D3DKMDT_VIDEO_SIGNAL_INFO_AdditionalSignalInfo {
        /// A `D3DDDI_VIDEO_SIGNAL_SCANLINE_ORDERING`.
        ScanLineOrdering = 0..3,
        /// By how much the vertical frequency of a virtual refresh rate is divided; 0 where there is none.
        VSyncFreqDivider = 3..9,
    }
}

/// The signal of a mode.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3DKMDT_VIDEO_SIGNAL_INFO {
    pub VideoStandard: D3DKMDT_VIDEO_SIGNAL_STANDARD,
    pub TotalSize: D3DKMDT_2DREGION,
    pub ActiveSize: D3DKMDT_2DREGION,
    pub VSyncFreq: D3DDDI_RATIONAL,
    pub HSyncFreq: D3DDDI_RATIONAL,
    /// Pixels per second.
    pub PixelRate: usize,
    /// The header's unnamed union.
    pub AdditionalSignalInfo: D3DKMDT_VIDEO_SIGNAL_INFO_AdditionalSignalInfo,
}

/// A mode of a target.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3DKMDT_VIDPN_TARGET_MODE {
    pub Id: D3DKMDT_VIDEO_PRESENT_TARGET_MODE_ID,
    pub VideoSignalInfo: D3DKMDT_VIDEO_SIGNAL_INFO,
    pub Preference: D3DKMDT_MODE_PREFERENCE,
}
