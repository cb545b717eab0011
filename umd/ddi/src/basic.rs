//! Windows base types that the DDI uses: results, BOOL, rectangles, formats' companions.
//!
//! They repeat public SDK types so that this crate depends on nothing and builds for every target.
#![expect(non_camel_case_types, non_snake_case, reason = "names are Microsoft's")]

/// A result code; negative is failure.
pub type HRESULT = i32;
/// A C boolean: 0 is false, anything else is true. It stays an integer because the other side may send any
/// value.
pub type BOOL = i32;
/// [`BOOL`] true.
pub const TRUE: BOOL = 1;
/// [`BOOL`] false.
pub const FALSE: BOOL = 0;

/// The call succeeded.
pub const S_OK: HRESULT = 0;
/// The call succeeded with the answer "no".
pub const S_FALSE: HRESULT = 1;
/// Not implemented.
pub const E_NOTIMPL: HRESULT = 0x8000_4001_u32.cast_signed();
/// Unspecified failure.
pub const E_FAIL: HRESULT = 0x8000_4005_u32.cast_signed();
/// An argument is wrong.
pub const E_INVALIDARG: HRESULT = 0x8007_0057_u32.cast_signed();
/// Out of memory.
pub const E_OUTOFMEMORY: HRESULT = 0x8007_000e_u32.cast_signed();
/// The graphics device was removed: the one error every DDI may report at any time.
pub const D3DDDIERR_DEVICEREMOVED: HRESULT = 0x8876_0870_u32.cast_signed();
/// The allocation is in use and the caller asked not to wait (kernel callbacks).
pub const D3DDDIERR_WASSTILLDRAWING: HRESULT = 0x8876_021c_u32.cast_signed();
/// The result is not ready, or the resource is in use and the caller asked not to wait.
pub const DXGI_DDI_ERR_WASSTILLDRAWING: HRESULT = 0x887b_0001_u32.cast_signed();
/// The driver does not support what was asked.
pub const DXGI_DDI_ERR_UNSUPPORTED: HRESULT = 0x887b_0002_u32.cast_signed();
/// Exclusive access of another process is in the way.
pub const DXGI_DDI_ERR_NONEXCLUSIVE: HRESULT = 0x887b_0003_u32.cast_signed();

/// A rectangle; right and bottom are exclusive.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RECT {
    /// First column.
    pub left: i32,
    /// First row.
    pub top: i32,
    /// Column after the last.
    pub right: i32,
    /// Row after the last.
    pub bottom: i32,
}

/// The DDI's name of [`RECT`].
pub type D3D10_DDI_RECT = RECT;

/// Samples per pixel and the quality level.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DXGI_SAMPLE_DESC {
    /// Samples per pixel; 1 is no multisampling.
    pub Count: u32,
    /// The quality level, below what `CheckMultisampleQualityLevels` reports.
    pub Quality: u32,
}

/// A display output as the kernel numbers it.
pub type D3DDDI_VIDEO_PRESENT_SOURCE_ID = u32;
/// A Direct3D 9 format number; only `GetMultisampleMethodList` still uses it.
pub type D3DDDIFORMAT = u32;

const _: () = assert!(size_of::<RECT>() == 16);
const _: () = assert!(size_of::<DXGI_SAMPLE_DESC>() == 8);
