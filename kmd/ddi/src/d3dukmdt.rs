//! What user mode and kernel mode share: identifiers, pixel formats, patch lists, gamma ramps (`d3dukmdt.h`).

use bytemuck::{Pod, Zeroable};

/// The interface versions that a driver may state in `DRIVER_INITIALIZATION_DATA::Version`.
pub const DXGKDDI_INTERFACE_VERSION_VISTA: u32 = 0x1052;
pub const DXGKDDI_INTERFACE_VERSION_VISTA_SP1: u32 = 0x1053;
pub const DXGKDDI_INTERFACE_VERSION_WIN7: u32 = 0x2005;
pub const DXGKDDI_INTERFACE_VERSION_WIN8: u32 = 0x300e;
pub const DXGKDDI_INTERFACE_VERSION_WDDM1_3: u32 = 0x4002;
pub const DXGKDDI_INTERFACE_VERSION_WDDM1_3_PATH_INDEPENDENT_ROTATION: u32 = 0x4003;
pub const DXGKDDI_INTERFACE_VERSION_WDDM2_0: u32 = 0x5023;
pub const DXGKDDI_INTERFACE_VERSION_WDDM2_1: u32 = 0x6003;
pub const DXGKDDI_INTERFACE_VERSION_WDDM2_2: u32 = 0x700a;

/// dxgkrnl's handle of an object that user mode can name.
pub type D3DKMT_HANDLE = u32;
/// A video present source: what can be scanned out.
pub type D3DDDI_VIDEO_PRESENT_SOURCE_ID = u32;
/// A video present target: what a monitor plugs into.
pub type D3DDDI_VIDEO_PRESENT_TARGET_ID = u32;
/// A GPU's virtual address in bytes.
pub type D3DGPU_VIRTUAL_ADDRESS = u64;

pub const D3DDDI_ID_UNINITIALIZED: u32 = !0;
pub const D3DDDI_ID_NOTAPPLICABLE: u32 = 0;
pub const D3DDDI_ID_ANY: u32 = !1;
pub const D3DDDI_ID_ALL: u32 = !2;

/// How many contexts one command buffer can be broadcast to besides its own.
pub const D3DDDI_MAX_BROADCAST_CONTEXT: usize = 64;
pub const D3DKMDT_MAX_VIDPN_SOURCES: u32 = 16;

pub const D3DDDI_ALLOCATIONPRIORITY_MINIMUM: u32 = 0x2800_0000;
pub const D3DDDI_ALLOCATIONPRIORITY_LOW: u32 = 0x5000_0000;
pub const D3DDDI_ALLOCATIONPRIORITY_NORMAL: u32 = 0x7800_0000;
pub const D3DDDI_ALLOCATIONPRIORITY_HIGH: u32 = 0xa000_0000;
pub const D3DDDI_ALLOCATIONPRIORITY_MAXIMUM: u32 = 0xc800_0000;

enumeration! {
    /// A pixel format, by the names and numbers of Direct3D 9; those that a primary or a GDI surface can have.
    D3DDDIFORMAT: u32 {
        D3DDDIFMT_UNKNOWN = 0,
        D3DDDIFMT_R8G8B8 = 20,
        D3DDDIFMT_A8R8G8B8 = 21,
        D3DDDIFMT_X8R8G8B8 = 22,
        D3DDDIFMT_R5G6B5 = 23,
        D3DDDIFMT_X1R5G5B5 = 24,
        D3DDDIFMT_A1R5G5B5 = 25,
        D3DDDIFMT_A4R4G4B4 = 26,
        D3DDDIFMT_R3G3B2 = 27,
        D3DDDIFMT_A8 = 28,
        D3DDDIFMT_A2B10G10R10 = 31,
        D3DDDIFMT_A8B8G8R8 = 32,
        D3DDDIFMT_X8B8G8R8 = 33,
        D3DDDIFMT_G16R16 = 34,
        D3DDDIFMT_A2R10G10B10 = 35,
        D3DDDIFMT_A16B16G16R16 = 36,
        D3DDDIFMT_P8 = 41,
        D3DDDIFMT_L8 = 50,
        D3DDDIFMT_A16B16G16R16F = 113,
        D3DDDIFMT_A2B10G10R10_XR_BIAS = 119,
    }
}

enumeration! {
    /// After how many vertical blanks a flip becomes visible.
    D3DDDI_FLIPINTERVAL_TYPE: u32 {
        D3DDDI_FLIPINTERVAL_IMMEDIATE = 0,
        D3DDDI_FLIPINTERVAL_ONE = 1,
        D3DDDI_FLIPINTERVAL_TWO = 2,
        D3DDDI_FLIPINTERVAL_THREE = 3,
        D3DDDI_FLIPINTERVAL_FOUR = 4,
    }
}

enumeration! {
    /// How an image is turned, clockwise.
    D3DDDI_ROTATION: u32 {
        D3DDDI_ROTATION_IDENTITY = 1, D3DDDI_ROTATION_90 = 2, D3DDDI_ROTATION_180 = 3, D3DDDI_ROTATION_270 = 4,
    }
}

enumeration! {
    /// In which order the lines of a frame are sent.
    D3DDDI_VIDEO_SIGNAL_SCANLINE_ORDERING: u32 {
        D3DDDI_VSSLO_UNINITIALIZED = 0,
        D3DDDI_VSSLO_PROGRESSIVE = 1,
        D3DDDI_VSSLO_INTERLACED_UPPERFIELDFIRST = 2,
        D3DDDI_VSSLO_INTERLACED_LOWERFIELDFIRST = 3,
        D3DDDI_VSSLO_OTHER = 255,
    }
}

enumeration! {
    /// What a gamma ramp consists of.
    D3DDDI_GAMMARAMP_TYPE: u32 {
        D3DDDI_GAMMARAMP_UNINITIALIZED = 0,
        D3DDDI_GAMMARAMP_DEFAULT = 1,
        D3DDDI_GAMMARAMP_RGB256x3x16 = 2,
        D3DDDI_GAMMARAMP_DXGI_1 = 3,
    }
}

flags! {
    /// How an escape is made.
    D3DDDI_ESCAPEFLAGS { HardwareAccess = 0, DeviceStatusQuery = 1, ChangeFrameLatency = 2, }
}

/// A fraction; frequencies are in hertz.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct D3DDDI_RATIONAL {
    pub Numerator: u32,
    pub Denominator: u32,
}

/// A multisampling method.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct D3DDDI_MULTISAMPLINGMETHOD {
    pub NumSamples: u32,
    pub NumQualityLevels: u32,
}

flags! {
    /// The slot of a patch location.
    D3DDDI_PATCHLOCATIONLIST_SLOT { SlotId = 0..24, }
}

/// A place in a DMA buffer where an allocation's address belongs.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct D3DDDI_PATCHLOCATIONLIST {
    /// Index into the allocation list.
    pub AllocationIndex: u32,
    /// The header's unnamed union.
    pub Slot: D3DDDI_PATCHLOCATIONLIST_SLOT,
    pub DriverId: u32,
    /// Bytes into the allocation.
    pub AllocationOffset: u32,
    /// Bytes into the DMA buffer.
    pub PatchOffset: u32,
    /// Bytes into the DMA buffer: where it may be split.
    pub SplitOffset: u32,
}

/// A gamma ramp of 3 × 256 16-bit values.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct D3DDDI_GAMMA_RAMP_RGB256x3x16 {
    pub Red: [u16; 256],
    pub Green: [u16; 256],
    pub Blue: [u16; 256],
}

impl Default for D3DDDI_GAMMA_RAMP_RGB256x3x16 {
    fn default() -> Self {
        Zeroable::zeroed()
    }
}
