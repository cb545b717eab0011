//! `DXGI_FORMAT`s as the runtime's rules see them: families, typeless formats, depth.
//!
//! Sizes of blocks come from `pvgpu_protocol::format`. Which format may view which follows section 19.1 of the Direct3D
//! 11.3 Functional Specification: a typeless resource can be viewed by every member of its family, a typed one only by
//! itself (and, since Direct3D 11.1's runtime, an sRGB/UNORM sibling only when the resource is typeless).

/// `DXGI_FORMAT_UNKNOWN`.
pub const UNKNOWN: u32 = 0;
/// `DXGI_FORMAT_R32_TYPELESS`: the format of raw views.
pub const R32_TYPELESS: u32 = 39;

/// The typeless format that stands for `format`'s family; the format itself when it has no typeless parent.
pub const fn family(format: u32) -> u32 {
    match format {
        1..=4 => 1,
        5..=8 => 5,
        9..=14 => 9,
        15..=18 => 15,
        19..=22 => 19,
        23..=25 => 23,
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

/// Whether texels can be copied between the two as bits (`CopyResource` and its kin).
pub const fn can_copy(to: u32, from: u32) -> bool {
    family(to) == family(from)
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
        assert!(can_copy(28, 29) && can_copy(27, 30) && !can_copy(28, 87));
    }
}
