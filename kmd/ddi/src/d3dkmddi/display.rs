//! Display: pointer, scan line, source address and visibility.

use core::ffi::c_void;

use bytemuck::{Pod, Zeroable};

use crate::*;

flags! {
    /// How the pointer is shown.
    DXGK_SETPOINTERPOSITIONFLAGS { Visible = 0, Procedural = 1, }
}

/// Argument of `DxgkDdiSetPointerPosition`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGKARG_SETPOINTERPOSITION {
    pub VidPnSourceId: D3DDDI_VIDEO_PRESENT_SOURCE_ID,
    /// Of the image's left column; may be negative.
    pub X: i32,
    /// Of the image's upper line; may be negative.
    pub Y: i32,
    pub Flags: DXGK_SETPOINTERPOSITIONFLAGS,
}

/// Argument of `DxgkDdiSetPointerShape`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGKARG_SETPOINTERSHAPE {
    /// Exactly one kind.
    pub Flags: DXGK_POINTERFLAGS,
    /// Pixels.
    pub Width: u32,
    /// Lines; a monochrome image has these twice: the AND mask, then the XOR mask.
    pub Height: u32,
    /// Bytes from one line to the next.
    pub Pitch: u32,
    pub VidPnSourceId: D3DDDI_VIDEO_PRESENT_SOURCE_ID,
    /// Colour: 32-bit ARGB; masked colour: the same with 0 (replace) or 0xff (XOR) as alpha; monochrome: one bit a pixel.
    pub pPixels: *const c_void,
    pub XHot: u32,
    pub YHot: u32,
}

/// Argument of `DxgkDdiGetScanLine`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGKARG_GETSCANLINE {
    pub VidPnTargetId: D3DDDI_VIDEO_PRESENT_TARGET_ID,
    /// Out.
    pub InVerticalBlank: BOOLEAN,
    /// Out.
    pub ScanLine: u32,
}

flags! {
    /// How a source's address changes.
    DXGK_SETVIDPNSOURCEADDRESS_FLAGS {
        ModeChange = 0,
        FlipImmediate = 1,
        FlipOnNextVSync = 2,
        FlipStereo = 3,
        FlipStereoTemporaryMono = 4,
        FlipStereoPreferRight = 5,
        SharedPrimaryTransition = 6,
        IndependentFlipExclusive = 7,
    }
}

/// `DXGKARG_SETVIDPNSOURCEADDRESS::Context`.
#[repr(transparent)]
#[derive(Clone, Copy, Debug)]
pub struct SourceAddressContexts(pub [HANDLE; 1 + D3DDDI_MAX_BROADCAST_CONTEXT]);

impl Default for SourceAddressContexts {
    fn default() -> Self {
        Self([core::ptr::null_mut(); 1 + D3DDDI_MAX_BROADCAST_CONTEXT])
    }
}

/// Argument of `DxgkDdiSetVidPnSourceAddress`; the layout of WDDM 1.3, which WDDM 2.0 extends.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGKARG_SETVIDPNSOURCEADDRESS {
    pub VidPnSourceId: D3DDDI_VIDEO_PRESENT_SOURCE_ID,
    pub PrimarySegment: u32,
    /// Within the segment.
    pub PrimaryAddress: PHYSICAL_ADDRESS,
    /// The driver's handle.
    pub hAllocation: HANDLE,
    pub ContextCount: u32,
    pub Context: SourceAddressContexts,
    pub Flags: DXGK_SETVIDPNSOURCEADDRESS_FLAGS,
    /// Units of 100 ns: from this flip to the next vertical blank.
    pub Duration: u32,
}

/// Argument of `DxgkDdiSetVidPnSourceVisibility`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGKARG_SETVIDPNSOURCEVISIBILITY {
    /// Or `D3DDDI_ID_ALL`.
    pub VidPnSourceId: D3DDDI_VIDEO_PRESENT_SOURCE_ID,
    pub Visible: BOOLEAN,
}

/// Argument of `DxgkDdiSetDisplayPrivateDriverFormat`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGKARG_SETDISPLAYPRIVATEDRIVERFORMAT {
    pub VidPnSourceId: D3DDDI_VIDEO_PRESENT_SOURCE_ID,
    pub PrimaryAllocation: HANDLE,
    pub PrivateDriverFormatAttribute: u32,
}
