//! Paths of a VidPN: from a source to a target.

use core::ffi::c_void;

use bytemuck::{Pod, Zeroable};

use crate::*;

/// Bytes of `D3DKMDT_VIDPN_PRESENT_PATH_COPYPROTECTION::OEMCopyProtection`.
pub const D3DKMDT_MACROVISION_OEMCOPYPROTECTION_SIZE: usize = 256;

enumeration! {
    /// Which part of a VidPN an enumeration must not change.
    D3DKMDT_ENUMCOFUNCMODALITY_PIVOT_TYPE: u32 {
        D3DKMDT_EPT_UNINITIALIZED = 0,
        D3DKMDT_EPT_VIDPNSOURCE = 1,
        D3DKMDT_EPT_VIDPNTARGET = 2,
        D3DKMDT_EPT_SCALING = 3,
        D3DKMDT_EPT_ROTATION = 4,
        D3DKMDT_EPT_NOPIVOT = 5,
    }
}

enumeration! {
    /// How an image is fitted to a target.
    D3DKMDT_VIDPN_PRESENT_PATH_SCALING: u32 {
        D3DKMDT_VPPS_UNINITIALIZED = 0,
        D3DKMDT_VPPS_IDENTITY = 1,
        D3DKMDT_VPPS_CENTERED = 2,
        D3DKMDT_VPPS_STRETCHED = 3,
        D3DKMDT_VPPS_ASPECTRATIOCENTEREDMAX = 4,
        D3DKMDT_VPPS_CUSTOM = 5,
        D3DKMDT_VPPS_RESERVED1 = 253,
        D3DKMDT_VPPS_UNPINNED = 254,
        D3DKMDT_VPPS_NOTSPECIFIED = 255,
    }
}

enumeration! {
    /// How an image is turned for a target.
    D3DKMDT_VIDPN_PRESENT_PATH_ROTATION: u32 {
        D3DKMDT_VPPR_UNINITIALIZED = 0,
        D3DKMDT_VPPR_IDENTITY = 1,
        D3DKMDT_VPPR_ROTATE90 = 2,
        D3DKMDT_VPPR_ROTATE180 = 3,
        D3DKMDT_VPPR_ROTATE270 = 4,
        D3DKMDT_VPPR_UNPINNED = 254,
        D3DKMDT_VPPR_NOTSPECIFIED = 255,
    }
}

enumeration! {
    /// How important a path is.
    D3DKMDT_VIDPN_PRESENT_PATH_IMPORTANCE: u32 {
        D3DKMDT_VPPI_UNINITIALIZED = 0,
        D3DKMDT_VPPI_PRIMARY = 1,
        D3DKMDT_VPPI_SECONDARY = 2,
        D3DKMDT_VPPI_TERTIARY = 3,
        D3DKMDT_VPPI_QUATERNARY = 4,
        D3DKMDT_VPPI_QUINARY = 5,
        D3DKMDT_VPPI_SENARY = 6,
        D3DKMDT_VPPI_SEPTENARY = 7,
        D3DKMDT_VPPI_OCTONARY = 8,
        D3DKMDT_VPPI_NONARY = 9,
        D3DKMDT_VPPI_DENARY = 10,
    }
}

enumeration! {
    /// What a path shows.
    D3DKMDT_VIDPN_PRESENT_PATH_CONTENT: u32 {
        D3DKMDT_VPPC_UNINITIALIZED = 0, D3DKMDT_VPPC_GRAPHICS = 1, D3DKMDT_VPPC_VIDEO = 2, D3DKMDT_VPPC_NOTSPECIFIED = 255,
    }
}

enumeration! {
    /// How a path protects its content.
    D3DKMDT_VIDPN_PRESENT_PATH_COPYPROTECTION_TYPE: u32 {
        D3DKMDT_VPPMT_UNINITIALIZED = 0,
        D3DKMDT_VPPMT_NOPROTECTION = 1,
        D3DKMDT_VPPMT_MACROVISION_APSTRIGGER = 2,
        D3DKMDT_VPPMT_MACROVISION_FULLSUPPORT = 3,
    }
}

flags! {
    /// Which scalings a path supports.
    D3DKMDT_VIDPN_PRESENT_PATH_SCALING_SUPPORT {
        Identity = 0, Centered = 1, Stretched = 2, AspectRatioCenteredMax = 3, Custom = 4,
    }
}

flags! {
    /// Which rotations a path supports.
    D3DKMDT_VIDPN_PRESENT_PATH_ROTATION_SUPPORT {
        Identity = 0, Rotate90 = 1, Rotate180 = 2, Rotate270 = 3,
    }
}

flags! {
    /// Which copy protections a path supports.
    D3DKMDT_VIDPN_PRESENT_PATH_COPYPROTECTION_SUPPORT { NoProtection = 0, MacroVisionApsTrigger = 1, MacroVisionFull = 2, }
}

flags! {
    /// What of a path the driver does in hardware.
    D3DKMDT_VIDPN_HW_CAPABILITY {
        DriverRotation = 0,
        DriverScaling = 1,
        DriverCloning = 2,
        DriverColorConvert = 3,
        DriverLinkedAdapaterOutput = 4,
        DriverRemoteDisplay = 5,
    }
}

/// Scaling and rotation of a path.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct D3DKMDT_VIDPN_PRESENT_PATH_TRANSFORMATION {
    pub Scaling: D3DKMDT_VIDPN_PRESENT_PATH_SCALING,
    pub ScalingSupport: D3DKMDT_VIDPN_PRESENT_PATH_SCALING_SUPPORT,
    pub Rotation: D3DKMDT_VIDPN_PRESENT_PATH_ROTATION,
    pub RotationSupport: D3DKMDT_VIDPN_PRESENT_PATH_ROTATION_SUPPORT,
}

/// Copy protection of a path.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct D3DKMDT_VIDPN_PRESENT_PATH_COPYPROTECTION {
    pub CopyProtectionType: D3DKMDT_VIDPN_PRESENT_PATH_COPYPROTECTION_TYPE,
    pub APSTriggerBits: u32,
    pub OEMCopyProtection: [u8; D3DKMDT_MACROVISION_OEMCOPYPROTECTION_SIZE],
    pub CopyProtectionSupport: D3DKMDT_VIDPN_PRESENT_PATH_COPYPROTECTION_SUPPORT,
}

impl Default for D3DKMDT_VIDPN_PRESENT_PATH_COPYPROTECTION {
    fn default() -> Self {
        Zeroable::zeroed()
    }
}

/// A gamma ramp, by pointer.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DKMDT_GAMMA_RAMP {
    pub Type: D3DDDI_GAMMARAMP_TYPE,
    /// Bytes.
    pub DataSize: usize,
    /// The header's union of pointers `Data`; `pRaw` of it.
    pub Data: *mut c_void,
}

impl D3DKMDT_GAMMA_RAMP {
    /// Valid for `D3DDDI_GAMMARAMP_RGB256x3x16`.
    #[must_use]
    pub const fn pRgb256x3x16(&self) -> *mut D3DDDI_GAMMA_RAMP_RGB256x3x16 {
        self.Data.cast()
    }
}

/// A path.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DKMDT_VIDPN_PRESENT_PATH {
    pub VidPnSourceId: D3DDDI_VIDEO_PRESENT_SOURCE_ID,
    pub VidPnTargetId: D3DDDI_VIDEO_PRESENT_TARGET_ID,
    pub ImportanceOrdinal: D3DKMDT_VIDPN_PRESENT_PATH_IMPORTANCE,
    pub ContentTransformation: D3DKMDT_VIDPN_PRESENT_PATH_TRANSFORMATION,
    pub VisibleFromActiveTLOffset: D3DKMDT_2DOFFSET,
    pub VisibleFromActiveBROffset: D3DKMDT_2DOFFSET,
    pub VidPnTargetColorBasis: D3DKMDT_COLOR_BASIS,
    pub VidPnTargetColorCoeffDynamicRanges: D3DKMDT_COLOR_COEFF_DYNAMIC_RANGES,
    pub Content: D3DKMDT_VIDPN_PRESENT_PATH_CONTENT,
    pub CopyProtection: D3DKMDT_VIDPN_PRESENT_PATH_COPYPROTECTION,
    pub GammaRamp: D3DKMDT_GAMMA_RAMP,
}
