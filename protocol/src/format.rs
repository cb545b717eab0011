//! `DXGI_FORMAT`s as far as both sides must agree: the size and shape of a block.
//!
//! Values and sizes are those of `dxgiformat.h` and of the Direct3D 11.3 Functional Specification, section 19.1.

/// One more than the highest format known here (`DXGI_FORMAT_B4G4R4A4_UNORM` is 115); tables are indexed by format.
pub const FORMAT_COUNT: usize = 116;

/// The block of a format: one texel for most, 4 × 4 texels for BC1 to BC7, 2 × 1 for packed YUV. Planar formats: a texel of luma.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormatInfo {
    /// Bytes a block.
    pub block_bytes: u32,
    /// Texels.
    pub block_width: u32,
    /// Texels.
    pub block_height: u32,
    /// Rows of chroma follow those of luma, half as many, with the same pitch (`DXGI_FORMAT_NV12` and its like).
    pub planar: bool,
}

impl FormatInfo {
    /// The "format" of a buffer: one byte an element.
    pub const BYTES: Self = Self::texel(1);

    const fn texel(bytes: u32) -> Self {
        Self { block_bytes: bytes, block_width: 1, block_height: 1, planar: false }
    }

    const fn bc(bytes: u32) -> Self {
        Self { block_bytes: bytes, block_width: 4, block_height: 4, planar: false }
    }

    const fn pair(bytes: u32) -> Self {
        Self { block_width: 2, ..Self::texel(bytes) }
    }

    const fn planar(bytes: u32) -> Self {
        Self { planar: true, ..Self::texel(bytes) }
    }

    /// Rows of blocks in memory for `texels` rows of texels, those of chroma included.
    pub const fn rows(self, texels: u32) -> u32 {
        let rows = texels.div_ceil(self.block_height);
        if self.planar { rows.saturating_add(rows.div_ceil(2)) } else { rows }
    }

    /// Whether a block covers several texels.
    pub const fn is_block_compressed(self) -> bool {
        self.block_height == 4
    }
}

/// The block of a `DXGI_FORMAT`; `None` for `UNKNOWN`, `R1_UNORM`, video formats without views and what is not known.
pub const fn info(format: u32) -> Option<FormatInfo> {
    Some(match format {
        // R32G32B32A32, R32G32B32.
        1..=4 => FormatInfo::texel(16),
        5..=8 => FormatInfo::texel(12),
        // R16G16B16A16, R32G32, R32G8X24.
        9..=22 => FormatInfo::texel(8),
        // R10G10B10A2, R11G11B10, R8G8B8A8, R16G16, R32, R24G8.
        23..=47 => FormatInfo::texel(4),
        // R8G8, R16.
        48..=59 => FormatInfo::texel(2),
        // R8, A8.
        60..=65 => FormatInfo::texel(1),
        // R9G9B9E5.
        67 => FormatInfo::texel(4),
        // R8G8_B8G8, G8R8_G8B8.
        68 | 69 => FormatInfo::pair(4),
        // BC1.
        70..=72 => FormatInfo::bc(8),
        // BC2, BC3.
        73..=78 => FormatInfo::bc(16),
        // BC4.
        79..=81 => FormatInfo::bc(8),
        // BC5.
        82..=84 => FormatInfo::bc(16),
        // B5G6R5, B5G5R5A1.
        85 | 86 => FormatInfo::texel(2),
        // B8G8R8A8, B8G8R8X8, R10G10B10_XR_BIAS_A2 and their kin.
        87..=93 => FormatInfo::texel(4),
        // BC6H, BC7.
        94..=99 => FormatInfo::bc(16),
        // AYUV, Y410, Y416.
        100 | 101 => FormatInfo::texel(4),
        102 => FormatInfo::texel(8),
        // NV12, P010, P016.
        103 => FormatInfo::planar(1),
        104 | 105 => FormatInfo::planar(2),
        // YUY2, Y210, Y216.
        107 => FormatInfo::pair(4),
        108 | 109 => FormatInfo::pair(8),
        // B4G4R4A4.
        115 => FormatInfo::texel(2),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_dxgi() {
        for (format, bytes) in [
            (2, 16),
            (6, 12),
            (10, 8),
            (20, 8),
            (24, 4),
            (28, 4),
            (45, 4),
            (49, 2),
            (61, 1),
            (87, 4),
            (71, 8),
            (98, 16),
            (115, 2),
        ] {
            assert_eq!(info(format).map(|info| info.block_bytes), Some(bytes), "format {format}");
        }
        for format in [0, 66, 106, 110, 114, 116, u32::MAX] {
            assert_eq!(info(format), None, "format {format}");
        }
        assert!(info(77).is_some_and(FormatInfo::is_block_compressed));
        assert!(!info(68).is_some_and(FormatInfo::is_block_compressed));
        assert_eq!(info(103).map(|info| info.rows(4)), Some(6));
        assert_eq!(info(71).map(|info| info.rows(5)), Some(2));
    }
}
