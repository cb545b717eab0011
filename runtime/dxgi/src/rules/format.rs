//! The pixel formats (`DXGI_FORMAT`) that swap chains and display modes know.

/// No format; in calls that change a swap chain: keep the one it has.
pub const UNKNOWN: u32 = 0;
/// 16-bit floats.
pub const R16G16B16A16_FLOAT: u32 = 10;
/// 10 bits of colour, 2 of alpha.
pub const R10G10B10A2_UNORM: u32 = 24;
/// 8 bits, red in the lowest byte.
pub const R8G8B8A8_UNORM: u32 = 28;
/// The same with sRGB encoding in views.
pub const R8G8B8A8_UNORM_SRGB: u32 = 29;
/// 8 bits, blue in the lowest byte.
pub const B8G8R8A8_UNORM: u32 = 87;
/// The same without alpha.
pub const B8G8R8X8_UNORM: u32 = 88;
/// [`B8G8R8A8_UNORM`] with sRGB encoding in views.
pub const B8G8R8A8_UNORM_SRGB: u32 = 91;
/// [`B8G8R8X8_UNORM`] with sRGB encoding in views.
pub const B8G8R8X8_UNORM_SRGB: u32 = 93;

/// Formats of back buffers of the flip model.
const FLIP: [u32; 4] = [R16G16B16A16_FLOAT, R10G10B10A2_UNORM, R8G8B8A8_UNORM, B8G8R8A8_UNORM];
/// Formats that only the blit model takes.
const BLIT_ONLY: [u32; 4] = [R8G8B8A8_UNORM_SRGB, B8G8R8X8_UNORM, B8G8R8A8_UNORM_SRGB, B8G8R8X8_UNORM_SRGB];
/// Formats in which a monitor can scan out; display modes exist in these.
const SCAN_OUT: [u32; 6] = [
    R16G16B16A16_FLOAT,
    R10G10B10A2_UNORM,
    R8G8B8A8_UNORM,
    R8G8B8A8_UNORM_SRGB,
    B8G8R8A8_UNORM,
    B8G8R8A8_UNORM_SRGB,
];

/// Whether back buffers may have this format.
pub fn is_presentable(format: u32, flip: bool) -> bool {
    FLIP.contains(&format) || (!flip && BLIT_ONLY.contains(&format))
}

/// Whether display modes exist in this format.
pub fn is_scan_out(format: u32) -> bool {
    SCAN_OUT.contains(&format)
}
