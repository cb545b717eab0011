//! `D3DDDIFORMAT` and `DXGI_FORMAT`: those that a primary, shadow, staging or GDI surface has.

use pvgpu_kmd_ddi::{
    D3DDDIFMT_A2B10G10R10, D3DDDIFMT_A8, D3DDDIFMT_A8B8G8R8, D3DDDIFMT_A8R8G8B8, D3DDDIFMT_A16B16G16R16F,
    D3DDDIFMT_L8, D3DDDIFMT_P8, D3DDDIFMT_R5G6B5, D3DDDIFMT_UNKNOWN, D3DDDIFMT_X8B8G8R8, D3DDDIFMT_X8R8G8B8,
    D3DDDIFORMAT,
};

/// The pairs. Where a format has several partners, the first pair is how it is translated.
const PAIRS: [(D3DDDIFORMAT, u32); 16] = [
    (D3DDDIFMT_A8R8G8B8, DXGI_FORMAT_B8G8R8A8_UNORM),
    (D3DDDIFMT_X8R8G8B8, DXGI_FORMAT_B8G8R8X8_UNORM),
    (D3DDDIFMT_A8B8G8R8, DXGI_FORMAT_R8G8B8A8_UNORM),
    (D3DDDIFMT_X8B8G8R8, DXGI_FORMAT_R8G8B8A8_UNORM),
    (D3DDDIFMT_A2B10G10R10, DXGI_FORMAT_R10G10B10A2_UNORM),
    (D3DDDIFMT_A16B16G16R16F, DXGI_FORMAT_R16G16B16A16_FLOAT),
    (D3DDDIFMT_R5G6B5, DXGI_FORMAT_B5G6R5_UNORM),
    (D3DDDIFMT_A8, DXGI_FORMAT_A8_UNORM),
    (D3DDDIFMT_L8, DXGI_FORMAT_R8_UNORM),
    (D3DDDIFMT_P8, DXGI_FORMAT_R8_UNORM),
    // What a program may present, which dxgkrnl knows by its bits alone.
    (D3DDDIFMT_A8R8G8B8, DXGI_FORMAT_B8G8R8A8_TYPELESS),
    (D3DDDIFMT_A8R8G8B8, DXGI_FORMAT_B8G8R8A8_UNORM_SRGB),
    (D3DDDIFMT_X8R8G8B8, DXGI_FORMAT_B8G8R8X8_TYPELESS),
    (D3DDDIFMT_X8R8G8B8, DXGI_FORMAT_B8G8R8X8_UNORM_SRGB),
    (D3DDDIFMT_A8B8G8R8, DXGI_FORMAT_R8G8B8A8_TYPELESS),
    (D3DDDIFMT_A8B8G8R8, DXGI_FORMAT_R8G8B8A8_UNORM_SRGB),
];

const DXGI_FORMAT_R16G16B16A16_FLOAT: u32 = 10;
const DXGI_FORMAT_R10G10B10A2_UNORM: u32 = 24;
const DXGI_FORMAT_R8G8B8A8_TYPELESS: u32 = 27;
const DXGI_FORMAT_R8G8B8A8_UNORM: u32 = 28;
const DXGI_FORMAT_R8G8B8A8_UNORM_SRGB: u32 = 29;
const DXGI_FORMAT_R8_UNORM: u32 = 61;
const DXGI_FORMAT_A8_UNORM: u32 = 65;
const DXGI_FORMAT_B5G6R5_UNORM: u32 = 85;
/// Four bytes a pixel, the format of desktops.
pub(crate) const DXGI_FORMAT_B8G8R8A8_UNORM: u32 = 87;
const DXGI_FORMAT_B8G8R8X8_UNORM: u32 = 88;
const DXGI_FORMAT_B8G8R8A8_TYPELESS: u32 = 90;
const DXGI_FORMAT_B8G8R8A8_UNORM_SRGB: u32 = 91;
const DXGI_FORMAT_B8G8R8X8_TYPELESS: u32 = 92;
const DXGI_FORMAT_B8G8R8X8_UNORM_SRGB: u32 = 93;

/// DXGI's name for a format; 0 (`DXGI_FORMAT_UNKNOWN`) when it has none here.
pub(crate) fn to_dxgi(format: D3DDDIFORMAT) -> u32 {
    PAIRS.iter().find(|(ours, _)| *ours == format).map_or(0, |(_, dxgi)| *dxgi)
}

/// dxgkrnl's name for a format; `D3DDDIFMT_UNKNOWN` when it has none here.
pub(crate) fn from_dxgi(format: u32) -> D3DDDIFORMAT {
    PAIRS.iter().find(|(_, dxgi)| *dxgi == format).map_or(D3DDDIFMT_UNKNOWN, |(ours, _)| *ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for format in [D3DDDIFMT_A8R8G8B8, D3DDDIFMT_X8R8G8B8, D3DDDIFMT_A8B8G8R8, D3DDDIFMT_R5G6B5] {
            assert_eq!(from_dxgi(to_dxgi(format)), format);
        }
        assert_eq!(from_dxgi(DXGI_FORMAT_B8G8R8A8_UNORM_SRGB), D3DDDIFMT_A8R8G8B8);
        assert_eq!(to_dxgi(D3DDDIFMT_UNKNOWN), 0);
        assert_eq!(from_dxgi(0), D3DDDIFMT_UNKNOWN);
        assert_eq!(from_dxgi(u32::MAX), D3DDDIFMT_UNKNOWN);
    }
}
