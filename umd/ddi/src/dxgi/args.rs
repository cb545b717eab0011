//! Arguments of the DXGI DDI: presents, blits, display modes, residency.
//!
//! Devices and resources are named by their driver handles as integers ([`DXGI_DDI_HDEVICE`],
//! [`DXGI_DDI_HRESOURCE`]).
#![expect(non_camel_case_types, non_snake_case, non_upper_case_globals, reason = "names are Microsoft's")]
#![expect(missing_docs, reason = "members keep Microsoft's names; the DDI reference describes each one")]

use core::ffi::c_void;

use crate::*;

/// A rate in hertz.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DXGI_DDI_RATIONAL {
    pub Numerator: u32,
    pub Denominator: u32,
}

/// How a mode scans.
pub type DXGI_DDI_MODE_SCANLINE_ORDER = u32;
pub const DXGI_DDI_MODE_SCANLINE_ORDER_UNSPECIFIED: DXGI_DDI_MODE_SCANLINE_ORDER = 0;
pub const DXGI_DDI_MODE_SCANLINE_ORDER_PROGRESSIVE: DXGI_DDI_MODE_SCANLINE_ORDER = 1;
pub const DXGI_DDI_MODE_SCANLINE_ORDER_UPPER_FIELD_FIRST: DXGI_DDI_MODE_SCANLINE_ORDER = 2;
pub const DXGI_DDI_MODE_SCANLINE_ORDER_LOWER_FIELD_FIRST: DXGI_DDI_MODE_SCANLINE_ORDER = 3;

/// A rotation of the picture.
pub type DXGI_DDI_MODE_ROTATION = u32;
pub const DXGI_DDI_MODE_ROTATION_UNSPECIFIED: DXGI_DDI_MODE_ROTATION = 0;
pub const DXGI_DDI_MODE_ROTATION_IDENTITY: DXGI_DDI_MODE_ROTATION = 1;
pub const DXGI_DDI_MODE_ROTATION_ROTATE90: DXGI_DDI_MODE_ROTATION = 2;
pub const DXGI_DDI_MODE_ROTATION_ROTATE180: DXGI_DDI_MODE_ROTATION = 3;
pub const DXGI_DDI_MODE_ROTATION_ROTATE270: DXGI_DDI_MODE_ROTATION = 4;

/// How a mode is scaled to the monitor.
pub type DXGI_DDI_MODE_SCALING = u32;
pub const DXGI_DDI_MODE_SCALING_UNSPECIFIED: DXGI_DDI_MODE_SCALING = 0;
pub const DXGI_DDI_MODE_SCALING_STRETCHED: DXGI_DDI_MODE_SCALING = 1;
pub const DXGI_DDI_MODE_SCALING_CENTERED: DXGI_DDI_MODE_SCALING = 2;

/// A display mode.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DXGI_DDI_MODE_DESC {
    pub Width: u32,
    pub Height: u32,
    pub Format: DXGI_FORMAT,
    pub RefreshRate: DXGI_DDI_RATIONAL,
    pub ScanlineOrdering: DXGI_DDI_MODE_SCANLINE_ORDER,
    pub Rotation: DXGI_DDI_MODE_ROTATION,
    pub Scaling: DXGI_DDI_MODE_SCALING,
}

/// Marks a resource as a primary of `VidPnSourceId`; `Flags` are the `DXGI_DDI_PRIMARY_*` bits, `DriverFlags`
/// the driver's answer.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGI_DDI_PRIMARY_DESC {
    pub Flags: u32,
    pub VidPnSourceId: D3DDDI_VIDEO_PRESENT_SOURCE_ID,
    pub ModeDesc: DXGI_DDI_MODE_DESC,
    pub DriverFlags: u32,
}

// Bits of `DXGI_DDI_PRIMARY_DESC::Flags`; the last is the driver's answer in `DriverFlags`.
pub const DXGI_DDI_PRIMARY_OPTIONAL: u32 = 0x1;
pub const DXGI_DDI_PRIMARY_NONPREROTATED: u32 = 0x2;
pub const DXGI_DDI_PRIMARY_STEREO: u32 = 0x4;
pub const DXGI_DDI_PRIMARY_INDIRECT: u32 = 0x8;
pub const DXGI_DDI_PRIMARY_DRIVER_FLAG_NO_SCANOUT: u32 = 0x1;

/// What kind of present is asked for.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DXGI_DDI_PRESENT_FLAGS {
    /// All bits; the associated constants are masks of it.
    pub Value: u32,
}

impl DXGI_DDI_PRESENT_FLAGS {
    pub const Blt: u32 = 0x1;
    pub const Flip: u32 = 0x2;
    pub const PreferRight: u32 = 0x4;
    pub const TemporaryMono: u32 = 0x8;
    pub const AllowTearing: u32 = 0x10;
    pub const AllowFlexibleRefresh: u32 = 0x20;
    pub const NoScanoutTransform: u32 = 0x40;
    /// Not Microsoft's, which have never set this bit of `Reserved`: from pvgpu's own runtime, for a frame that no newer one may replace.
    pub const PvgpuKeep: u32 = 0x8000_0000;
}

/// After how many vertical blanks the flip happens.
pub type DXGI_DDI_FLIP_INTERVAL_TYPE = u32;
pub const DXGI_DDI_FLIP_INTERVAL_IMMEDIATE: DXGI_DDI_FLIP_INTERVAL_TYPE = 0;
pub const DXGI_DDI_FLIP_INTERVAL_ONE: DXGI_DDI_FLIP_INTERVAL_TYPE = 1;
pub const DXGI_DDI_FLIP_INTERVAL_TWO: DXGI_DDI_FLIP_INTERVAL_TYPE = 2;
pub const DXGI_DDI_FLIP_INTERVAL_THREE: DXGI_DDI_FLIP_INTERVAL_TYPE = 3;
pub const DXGI_DDI_FLIP_INTERVAL_FOUR: DXGI_DDI_FLIP_INTERVAL_TYPE = 4;
pub const DXGI_DDI_FLIP_INTERVAL_IMMEDIATE_ALLOW_TEARING: DXGI_DDI_FLIP_INTERVAL_TYPE = 5;

/// Argument of `Present`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGI_DDI_ARG_PRESENT {
    pub hDevice: DXGI_DDI_HDEVICE,
    pub hSurfaceToPresent: DXGI_DDI_HRESOURCE,
    pub SrcSubResourceIndex: u32,
    pub hDstResource: DXGI_DDI_HRESOURCE,
    pub DstSubResourceIndex: u32,
    pub pDXGIContext: *mut c_void,
    pub Flags: DXGI_DDI_PRESENT_FLAGS,
    pub FlipInterval: DXGI_DDI_FLIP_INTERVAL_TYPE,
}

/// One surface of `Present1`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGI_DDI_ARG_PRESENTSURFACE {
    pub hSurface: DXGI_DDI_HRESOURCE,
    pub SubResourceIndex: u32,
}

/// Argument of `Present1` (WDDM 1.3). `BackBufferMultiplicity` is only there on newer runtimes: do not read
/// it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGI_DDI_ARG_PRESENT1 {
    pub hDevice: DXGI_DDI_HDEVICE,
    pub phSurfacesToPresent: *const DXGI_DDI_ARG_PRESENTSURFACE,
    pub SurfacesToPresent: u32,
    pub hDstResource: DXGI_DDI_HRESOURCE,
    pub DstSubResourceIndex: u32,
    pub pDXGIContext: *mut c_void,
    pub Flags: DXGI_DDI_PRESENT_FLAGS,
    pub FlipInterval: DXGI_DDI_FLIP_INTERVAL_TYPE,
    pub Reserved: u32,
    pub pDirtyRects: *const RECT,
    pub DirtyRects: u32,
    pub BackBufferMultiplicity: u32,
}

/// Argument of `RotateResourceIdentities`: resource i takes the memory of resource i+1, the last that of the
/// first.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGI_DDI_ARG_ROTATE_RESOURCE_IDENTITIES {
    pub hDevice: DXGI_DDI_HDEVICE,
    pub pResources: *const DXGI_DDI_HRESOURCE,
    pub Resources: u32,
}

/// What a blit does besides copying.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DXGI_DDI_ARG_BLT_FLAGS {
    /// All bits; the associated constants are masks of it.
    pub Value: u32,
}

impl DXGI_DDI_ARG_BLT_FLAGS {
    pub const Resolve: u32 = 0x1;
    pub const Convert: u32 = 0x2;
    pub const Stretch: u32 = 0x4;
    pub const Present: u32 = 0x8;
}

/// Argument of `Blt`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGI_DDI_ARG_BLT {
    pub hDevice: DXGI_DDI_HDEVICE,
    pub hDstResource: DXGI_DDI_HRESOURCE,
    pub DstSubresource: u32,
    pub DstLeft: u32,
    pub DstTop: u32,
    pub DstRight: u32,
    pub DstBottom: u32,
    pub hSrcResource: DXGI_DDI_HRESOURCE,
    pub SrcSubresource: u32,
    pub Flags: DXGI_DDI_ARG_BLT_FLAGS,
    pub Rotate: DXGI_DDI_MODE_ROTATION,
}

/// Argument of `Blt1`: with a source rectangle.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGI_DDI_ARG_BLT1 {
    pub hDevice: DXGI_DDI_HDEVICE,
    pub hDstResource: DXGI_DDI_HRESOURCE,
    pub DstSubresource: u32,
    pub DstLeft: u32,
    pub DstTop: u32,
    pub DstRight: u32,
    pub DstBottom: u32,
    pub hSrcResource: DXGI_DDI_HRESOURCE,
    pub SrcSubresource: u32,
    pub SrcLeft: u32,
    pub SrcTop: u32,
    pub SrcRight: u32,
    pub SrcBottom: u32,
    pub Flags: DXGI_DDI_ARG_BLT_FLAGS,
    pub Rotate: DXGI_DDI_MODE_ROTATION,
}

/// Argument of `SetDisplayMode`: the primary to show.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGI_DDI_ARG_SETDISPLAYMODE {
    pub hDevice: DXGI_DDI_HDEVICE,
    pub hResource: DXGI_DDI_HRESOURCE,
    pub SubResourceIndex: u32,
}

/// What gamma ramps the output takes.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct DXGI_GAMMA_CONTROL_CAPABILITIES {
    pub ScaleAndOffsetSupported: BOOL,
    pub MaxConvertedValue: f32,
    pub MinConvertedValue: f32,
    pub NumGammaControlPoints: u32,
    pub ControlPointPositions: [f32; 1025],
}

impl Default for DXGI_GAMMA_CONTROL_CAPABILITIES {
    fn default() -> Self {
        Self {
            ScaleAndOffsetSupported: FALSE,
            MaxConvertedValue: 0.0,
            MinConvertedValue: 0.0,
            NumGammaControlPoints: 0,
            ControlPointPositions: [0.0; 1025],
        }
    }
}

/// Argument of `GetGammaCaps`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGI_DDI_ARG_GET_GAMMA_CONTROL_CAPS {
    pub hDevice: DXGI_DDI_HDEVICE,
    pub pGammaCapabilities: *mut DXGI_GAMMA_CONTROL_CAPABILITIES,
}

/// Argument of `SetResourcePriority`; `D3DDDI_ALLOCATIONPRIORITY_*` are its usual values.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGI_DDI_ARG_SETRESOURCEPRIORITY {
    pub hDevice: DXGI_DDI_HDEVICE,
    pub hResource: DXGI_DDI_HRESOURCE,
    pub Priority: u32,
}

/// Where a resource's memory is.
pub type DXGI_DDI_RESIDENCY = u32;
pub const DXGI_DDI_RESIDENCY_FULLY_RESIDENT: DXGI_DDI_RESIDENCY = 1;
pub const DXGI_DDI_RESIDENCY_RESIDENT_IN_SHARED_MEMORY: DXGI_DDI_RESIDENCY = 2;
pub const DXGI_DDI_RESIDENCY_EVICTED_TO_DISK: DXGI_DDI_RESIDENCY = 3;

/// Argument of `QueryResourceResidency`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGI_DDI_ARG_QUERYRESOURCERESIDENCY {
    pub hDevice: DXGI_DDI_HDEVICE,
    pub pResources: *const DXGI_DDI_HRESOURCE,
    pub pStatus: *mut DXGI_DDI_RESIDENCY,
    pub Resources: usize,
}

/// Argument of `ResolveSharedResource`: finish all writes so that another process may read.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGI_DDI_ARG_RESOLVESHAREDRESOURCE {
    pub hDevice: DXGI_DDI_HDEVICE,
    pub hResource: DXGI_DDI_HRESOURCE,
}

/// Argument of `OfferResources`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGI_DDI_ARG_OFFERRESOURCES {
    pub hDevice: DXGI_DDI_HDEVICE,
    pub pResources: *const DXGI_DDI_HRESOURCE,
    pub Resources: u32,
    pub Priority: D3DDDI_OFFER_PRIORITY,
}

/// Argument of `ReclaimResources`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGI_DDI_ARG_RECLAIMRESOURCES {
    pub hDevice: DXGI_DDI_HDEVICE,
    pub pResources: *const DXGI_DDI_HRESOURCE,
    pub pDiscarded: *mut BOOL,
    pub Resources: u32,
}

/// Argument of `CheckPresentDurationSupport`; durations in 100 ns.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGI_DDI_ARG_CHECKPRESENTDURATIONSUPPORT {
    pub hDevice: DXGI_DDI_HDEVICE,
    pub VidPnSourceId: D3DDDI_VIDEO_PRESENT_SOURCE_ID,
    pub DesiredPresentDuration: u32,
    pub ClosestSmallerDuration: u32,
    pub ClosestLargerDuration: u32,
}

// Sizes on x64, from the sources named in SOURCES.md.
const _: () = assert!(size_of::<DXGI_DDI_RATIONAL>() == 8);
const _: () = assert!(size_of::<DXGI_DDI_MODE_DESC>() == 32);
const _: () = assert!(size_of::<DXGI_DDI_PRIMARY_DESC>() == 44);
const _: () = assert!(size_of::<DXGI_DDI_PRESENT_FLAGS>() == 4);
const _: () = assert!(size_of::<DXGI_DDI_ARG_PRESENT>() == 56);
const _: () = assert!(size_of::<DXGI_DDI_ARG_PRESENTSURFACE>() == 16);
const _: () = assert!(size_of::<DXGI_DDI_ARG_PRESENT1>() == 80);
const _: () = assert!(size_of::<DXGI_DDI_ARG_ROTATE_RESOURCE_IDENTITIES>() == 24);
const _: () = assert!(size_of::<DXGI_DDI_ARG_BLT_FLAGS>() == 4);
const _: () = assert!(size_of::<DXGI_DDI_ARG_BLT>() == 64);
const _: () = assert!(size_of::<DXGI_DDI_ARG_BLT1>() == 80);
const _: () = assert!(size_of::<DXGI_DDI_ARG_SETDISPLAYMODE>() == 24);
const _: () = assert!(size_of::<DXGI_GAMMA_CONTROL_CAPABILITIES>() == 4116);
const _: () = assert!(size_of::<DXGI_DDI_ARG_GET_GAMMA_CONTROL_CAPS>() == 16);
const _: () = assert!(size_of::<DXGI_DDI_ARG_SETRESOURCEPRIORITY>() == 24);
const _: () = assert!(size_of::<DXGI_DDI_ARG_QUERYRESOURCERESIDENCY>() == 32);
const _: () = assert!(size_of::<DXGI_DDI_ARG_RESOLVESHAREDRESOURCE>() == 16);
const _: () = assert!(size_of::<DXGI_DDI_ARG_OFFERRESOURCES>() == 24);
const _: () = assert!(size_of::<DXGI_DDI_ARG_RECLAIMRESOURCES>() == 32);
const _: () = assert!(size_of::<DXGI_DDI_ARG_CHECKPRESENTDURATIONSUPPORT>() == 24);
