//! `DXGI_FORMAT`s as D3D11 groups them: families that views may cast within, and the kind of number in a format.
//!
//! Facts of `dxgiformat.h` and of the Direct3D 11.3 Functional Specification, section 19.1. No Vulkan here.

/// `DXGI_FORMAT` values that are named in this crate.
#[expect(missing_docs, reason = "the names are DXGI's")]
pub mod dxgi {
    pub const R32G32B32_TYPELESS: u32 = 5;
    pub const R16G16B16A16_FLOAT: u32 = 10;
    pub const R32G8X24_TYPELESS: u32 = 19;
    pub const R8G8B8A8_UNORM_SRGB: u32 = 29;
    pub const R32_FLOAT: u32 = 41;
    pub const R32_TYPELESS: u32 = 39;
    pub const R32_UINT: u32 = 42;
    pub const R24G8_TYPELESS: u32 = 44;
    pub const R16_TYPELESS: u32 = 53;
    pub const R16_UINT: u32 = 57;
    pub const A8_UNORM: u32 = 65;
    pub const R8G8_B8G8_UNORM: u32 = 68;
    pub const G8R8_G8B8_UNORM: u32 = 69;
    pub const R10G10B10_XR_BIAS_A2_UNORM: u32 = 89;
    pub const B8G8R8A8_UNORM: u32 = 87;
    pub const B8G8R8X8_UNORM: u32 = 88;
    pub const B8G8R8A8_UNORM_SRGB: u32 = 91;
    pub const B8G8R8X8_UNORM_SRGB: u32 = 93;
}

/// The numbers in a format, as a shader or a clear sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberKind {
    /// Floats, and what reads as floats: UNORM, SNORM, sRGB, depth.
    Float,
    /// Unsigned integers.
    Uint,
    /// Signed integers.
    Sint,
    /// Not decided until a view is made.
    Typeless,
}

/// The family of a format: the typeless format that all its members can be cast from; formats without one are their own.
pub const fn family(format: u32) -> u32 {
    match format {
        1..=4 => 1,
        5..=8 => 5,
        9..=14 => 9,
        15..=18 => 15,
        19..=22 => 19,
        23..=25 | 89 => 23,
        27..=32 => 27,
        33..=38 => 33,
        39..=43 => 39,
        44..=47 => 44,
        48..=52 => 48,
        53..=59 => 53,
        60..=64 => 60,
        70..=72 => 70,
        73..=75 => 73,
        76..=78 => 76,
        79..=81 => 79,
        82..=84 => 82,
        87 | 90 | 91 => 90,
        88 | 92 | 93 => 92,
        94..=96 => 94,
        97..=99 => 97,
        other => other,
    }
}

/// Whether a format leaves the kind of its numbers open.
pub const fn is_typeless(format: u32) -> bool {
    matches!(
        format,
        1 | 5
            | 9
            | 15
            | 19
            | 23
            | 27
            | 33
            | 39
            | 44
            | 48
            | 53
            | 60
            | 70
            | 73
            | 76
            | 79
            | 82
            | 90
            | 92
            | 94
            | 97
    )
}

/// The numbers of a format. Formats such as `R24_UNORM_X8_TYPELESS` count as what they show.
pub const fn number_kind(format: u32) -> NumberKind {
    if is_typeless(format) {
        return NumberKind::Typeless;
    }
    match format {
        3 | 7 | 12 | 17 | 22 | 25 | 30 | 36 | 42 | 47 | 50 | 57 | 62 => NumberKind::Uint,
        4 | 8 | 14 | 18 | 32 | 38 | 43 | 52 | 59 | 64 => NumberKind::Sint,
        _ => NumberKind::Float,
    }
}

/// Whether a depth-stencil view may have this format.
pub const fn is_depth_stencil(format: u32) -> bool {
    matches!(format, 20 | 40 | 45 | 55)
}

/// Whether resources of this format hold depth when they are bound as depth-stencil.
pub const fn can_hold_depth(format: u32) -> bool {
    matches!(
        family(format),
        dxgi::R32G8X24_TYPELESS | dxgi::R32_TYPELESS | dxgi::R24G8_TYPELESS | dxgi::R16_TYPELESS
    )
}

/// Whether a depth format has a stencil part too.
pub const fn has_stencil(format: u32) -> bool {
    matches!(family(format), dxgi::R32G8X24_TYPELESS | dxgi::R24G8_TYPELESS)
}

/// Whether a format has bytes of luma and chroma that views show as other formats (`DXGI_FORMAT_AYUV` to `…_Y216`).
pub const fn is_video(format: u32) -> bool {
    matches!(format, 100..=105 | 107..=109)
}

/// What addresses of a format's texels in vertex buffers are multiples of: the bytes of a component, or of the texel where components
/// are packed.
pub const fn component_bytes(format: u32) -> u32 {
    match format {
        1..=8 | 15..=18 | 23..=26 | 39..=43 | 67 | 89 => 4,
        9..=14 | 33..=38 | 53..=59 | 85 | 86 | 115 => 2,
        _ => 1,
    }
}

/// Whether a view may show a texture in a format, besides the texture's own: the members of a typeless family; where values are
/// loaded and stored, 32-bit numbers instead of any typeless format of 32 bits (Direct3D 11.3 Functional Specification, section
/// 5.3.9.5); the channels of video formats (`ID3D11Device::CreateShaderResourceView`, "Video formats").
pub const fn can_view(resource: u32, view: u32, unordered: bool) -> bool {
    if is_typeless(view) {
        return false;
    }
    if family(resource) == family(view) {
        return !is_video(resource);
    }
    match (resource, view) {
        (23 | 27 | 33 | 39 | 90, 41..=43) => unordered,
        // AYUV and YUY2; Y410; Y416, Y210 and Y216; NV12; P010 and P016.
        (100 | 107, 28 | 30) => true,
        (101, 24 | 25) => true,
        (102 | 108 | 109, 11 | 12) => true,
        (103, 61 | 62 | 49 | 50) => true,
        (104 | 105, 56 | 57 | 35 | 36) => true,
        (100 | 101 | 104 | 105 | 107, 42) => unordered,
        _ => false,
    }
}

/// Whether copies may take the bytes of one format for those of another: within a family, or of blocks of one size where neither
/// is kept in a form of its own.
pub const fn can_copy(to: u32, from: u32, same_block_bytes: bool) -> bool {
    family(to) == family(from) || same_block_bytes && is_plain(to) && is_plain(from)
}

/// Whether the GPU copies the very bytes of a format as one plane.
const fn is_plain(format: u32) -> bool {
    let converted = matches!(format, dxgi::A8_UNORM | dxgi::R8G8_B8G8_UNORM | dxgi::G8R8_G8B8_UNORM);
    !converted && family(format) != dxgi::R32G32B32_TYPELESS && !has_stencil(format) && !is_video(format)
}

/// Whether the bytes of a format are sRGB-encoded.
pub const fn is_srgb(format: u32) -> bool {
    matches!(format, 29 | 72 | 75 | 78 | 91 | 93 | 99)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_begin_with_their_typeless_member() {
        for format in 1..116 {
            let first = family(format);
            assert_eq!(family(first), first, "{format}");
            if first != format {
                assert!(is_typeless(first), "{format}");
                assert!(!is_typeless(format), "{format}");
            }
        }
        assert_eq!(family(u32::MAX), u32::MAX);
    }

    #[test]
    fn views_and_copies_stay_within_what_d3d11_allows() {
        assert!(can_view(27, 29, false) && can_view(28, 28, false) && can_view(44, 46, false));
        assert!(!can_view(27, 27, false) && !can_view(27, 87, false) && !can_view(27, 42, false));
        assert!(can_view(27, 42, true) && !can_view(28, 42, true));
        assert!(can_view(103, 61, false) && can_view(103, 50, false) && !can_view(103, 103, false));
        assert!(can_copy(27, 28, true) && can_copy(71, 10, true) && !can_copy(71, 2, false));
        assert!(!can_copy(65, 61, true) && can_copy(65, 65, true) && !can_copy(44, 28, true));
        assert!(can_copy(45, 44, true) && can_copy(40, 41, true));
    }

    #[test]
    fn kinds_of_numbers() {
        assert_eq!(number_kind(28), NumberKind::Float);
        assert_eq!(number_kind(30), NumberKind::Uint);
        assert_eq!(number_kind(32), NumberKind::Sint);
        assert_eq!(number_kind(27), NumberKind::Typeless);
        assert_eq!(number_kind(46), NumberKind::Float);
        assert_eq!(number_kind(47), NumberKind::Uint);
    }
}
