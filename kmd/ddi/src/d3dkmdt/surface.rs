//! Standard allocations, the firmware's display, palettes.

use bytemuck::{Pod, Zeroable};

use crate::*;

enumeration! {
    /// Allocations that the system creates and the driver describes.
    D3DKMDT_STANDARDALLOCATION_TYPE: u32 {
        D3DKMDT_STANDARDALLOCATION_SHAREDPRIMARYSURFACE = 1,
        D3DKMDT_STANDARDALLOCATION_SHADOWSURFACE = 2,
        D3DKMDT_STANDARDALLOCATION_STAGINGSURFACE = 3,
        D3DKMDT_STANDARDALLOCATION_GDISURFACE = 4,
    }
}

enumeration! {
    /// What a GDI surface is for.
    D3DKMDT_GDISURFACETYPE: u32 {
        D3DKMDT_GDISURFACE_INVALID = 0,
        D3DKMDT_GDISURFACE_TEXTURE = 1,
        D3DKMDT_GDISURFACE_STAGING_CPUVISIBLE = 2,
        D3DKMDT_GDISURFACE_STAGING = 3,
        D3DKMDT_GDISURFACE_LOOKUPTABLE = 4,
        D3DKMDT_GDISURFACE_EXISTINGSYSMEM = 5,
        D3DKMDT_GDISURFACE_TEXTURE_CPUVISIBLE = 6,
        D3DKMDT_GDISURFACE_TEXTURE_CROSSADAPTER = 7,
        D3DKMDT_GDISURFACE_TEXTURE_CPUVISIBLE_CROSSADAPTER = 8,
    }
}

flags! {
    /// Nothing yet.
    D3DKMDT_GDISURFACEFLAGS { Reserved = 0..32, }
}

/// A primary.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct D3DKMDT_SHAREDPRIMARYSURFACEDATA {
    /// Pixels.
    pub Width: u32,
    /// Lines.
    pub Height: u32,
    pub Format: D3DDDIFORMAT,
    pub RefreshRate: D3DDDI_RATIONAL,
    pub VidPnSourceId: D3DDDI_VIDEO_PRESENT_SOURCE_ID,
}

/// A copy of a primary that the processor reads.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct D3DKMDT_SHADOWSURFACEDATA {
    /// Pixels.
    pub Width: u32,
    /// Lines.
    pub Height: u32,
    pub Format: D3DDDIFORMAT,
    /// Out: bytes from one line to the next.
    pub Pitch: u32,
}

/// A surface for transfers between a shadow and a primary.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct D3DKMDT_STAGINGSURFACEDATA {
    /// Pixels.
    pub Width: u32,
    /// Lines.
    pub Height: u32,
    /// Out: bytes from one line to the next.
    pub Pitch: u32,
}

/// A surface of GDI or of the desktop's composition.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct D3DKMDT_GDISURFACEDATA {
    /// Pixels.
    pub Width: u32,
    /// Lines.
    pub Height: u32,
    pub Format: D3DDDIFORMAT,
    pub Type: D3DKMDT_GDISURFACETYPE,
    pub Flags: D3DKMDT_GDISURFACEFLAGS,
    /// Out: bytes from one line to the next.
    pub Pitch: u32,
}

/// What the firmware, or another driver, left on a display.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGK_DISPLAY_INFORMATION {
    /// Pixels; 0 where there is no display.
    pub Width: u32,
    /// Lines.
    pub Height: u32,
    /// Bytes from one line to the next.
    pub Pitch: u32,
    pub ColorFormat: D3DDDIFORMAT,
    pub PhysicAddress: PHYSICAL_ADDRESS,
    pub TargetId: D3DDDI_VIDEO_PRESENT_TARGET_ID,
    pub AcpiId: u32,
}

/// One colour of a palette.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct D3DKMDT_PALETTEDATA {
    pub Red: u8,
    pub Green: u8,
    pub Blue: u8,
    pub Unused: u8,
}

/// Argument of `DxgkDdiSetPalette`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGKARG_SETPALETTE {
    pub VidPnSourceId: D3DDDI_VIDEO_PRESENT_SOURCE_ID,
    pub FirstEntry: u32,
    pub NumEntries: u32,
    pub pLookupTable: *mut D3DKMDT_PALETTEDATA,
}
