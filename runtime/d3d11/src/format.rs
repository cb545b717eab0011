//! `DXGI_FORMAT`s as the runtime's rules see them: families, typeless formats, depth.
//!
//! Sizes of blocks come from `pvgpu_protocol::format`. Which format may view which follows section 19.1 of the Direct3D
//! 11.3 Functional Specification: a typeless resource can be viewed by every member of its family, a typed one only by
//! itself (and, since Direct3D 11.1's runtime, an sRGB/UNORM sibling only when the resource is typeless).

/// `DXGI_FORMAT_UNKNOWN`.
pub const UNKNOWN: u32 = 0;
/// `DXGI_FORMAT_R32_TYPELESS`: the format of raw views.
pub const R32_TYPELESS: u32 = 39;

/// `DXGI_FORMAT_R8G8B8A8_UNORM_SRGB`: may be bound for unordered access, although no such view can be made of it.
pub const R8G8B8A8_SRGB: u32 = 29;

/// The typeless format that stands for `format`'s family; the format itself when it has no typeless parent.
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

/// Whether the bits have no type until a view gives them one.
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

/// Whether a depth-stencil view can have this format.
pub const fn is_depth(format: u32) -> bool {
    matches!(format, 20 | 40 | 45 | 55)
}

/// Whether a shader-resource view of this format reads the stencil plane.
pub const fn is_stencil(format: u32) -> bool {
    matches!(format, 22 | 47)
}

/// Whether no member of a typeless format's family is a colour (R32G8X24, R24G8).
pub const fn is_only_depth(typeless: u32) -> bool {
    matches!(typeless, 19 | 44)
}

/// Whether a view of `view` may be made of a resource of `resource`.
pub const fn can_view(resource: u32, view: u32) -> bool {
    if resource == view {
        return !is_typeless(view);
    }
    // Depth data is read through formats of which one component is typeless: R24_UNORM_X8_TYPELESS and its kin are
    // members of their families (46, 47, 21, 22).
    is_typeless(resource) && family(view) == resource && !is_typeless(view)
}

/// Whether an unordered-access view of `view` may be made of a resource of `resource`: also a 32-bit integer or float of any
/// typeless format of 32 bits, since few other formats can be loaded from.
pub const fn can_view_unordered(resource: u32, view: u32) -> bool {
    can_view(resource, view) || matches!(view, 41..=43) && matches!(resource, 23 | 27 | 33 | 39 | 90)
}

/// Whether a view of `view` may be made of a swap chain's buffer: any typed format of the family, so that a flip-model
/// buffer, which cannot be sRGB itself, is drawn to as sRGB.
pub const fn can_view_back_buffer(resource: u32, view: u32) -> bool {
    family(resource) == family(view) && !is_typeless(view)
}

/// Whether texels can be copied between the two as bits (`CopyResource` and its kin): within a family; and between blocks and
/// texels of one size, where `blocks` says that the feature level has it ("Format Conversion using Direct3D 10.1").
pub fn can_copy(to: u32, from: u32, blocks: bool) -> bool {
    let (to, from) = (family(to), family(from));
    let pair = |texels: u32, other: u32| match other {
        // BC1, BC4; BC2, BC3, BC5, BC6H, BC7; R9G9B9E5.
        70 | 79 => matches!(texels, 9 | 15),
        73 | 76 | 82 | 94 | 97 => texels == 1,
        67 => texels == 39,
        _ => false,
    };
    to == from || blocks && (pair(to, from) || pair(from, to))
}

/// Whether a format holds luma and chroma, for views of other formats (`DXGI_FORMAT_AYUV` to `…_Y216`).
pub const fn is_video(format: u32) -> bool {
    matches!(format, 100..=105 | 107..=109)
}

/// Whether a view of `view` shows a plane, or all, of a video texture (documentation of `CreateShaderResourceView`, "Remarks").
/// Unordered access may see 32 bits at once.
pub const fn can_view_video(resource: u32, view: u32, unordered: bool) -> bool {
    match (resource, view) {
        (100 | 107, 28 | 30) | (101, 24 | 25) | (102 | 108 | 109, 11 | 12) => true,
        (103, 61 | 62 | 49 | 50) | (104 | 105, 56 | 57 | 35 | 36) => true,
        (100 | 101 | 104 | 105 | 107, 42) => unordered,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_stay_in_the_family() {
        assert!(can_view(27, 28) && can_view(27, 29) && can_view(28, 28));
        assert!(!can_view(28, 29) && !can_view(28, 87) && !can_view(27, 27) && !can_view(27, 87));
        assert!(can_view(90, 87) && can_view(90, 91) && can_view(44, 45) && can_view(44, 46));
        assert!(is_depth(45) && !is_depth(44));
        assert!(can_view_unordered(27, 42) && !can_view_unordered(28, 42) && !can_view_unordered(9, 42));
        assert!(
            can_view_back_buffer(28, 29) && !can_view_back_buffer(28, 27) && !can_view_back_buffer(28, 87)
        );
    }

    #[test]
    fn families_are_headed_by_their_typeless_format() {
        for format in 0..116 {
            let head = family(format);
            assert_eq!(family(head), head, "format {format}");
            assert!(head == format || is_typeless(head), "format {format}");
        }
        assert!(can_copy(28, 29, false) && can_copy(27, 30, false) && !can_copy(28, 87, true));
        assert!(can_copy(71, 10, true) && can_copy(17, 80, true) && !can_copy(71, 10, false));
        assert!(can_copy(67, 41, true) && !can_copy(67, 28, true) && !can_copy(71, 80, true));
        assert!(can_view_video(103, 49, false) && !can_view_video(103, 28, false) && is_video(107));
    }
}
