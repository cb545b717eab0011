//! `DXGI_FORMAT` to `VkFormat`: total functions over tables.

use ash::vk;

use super::caps::Caps;
use crate::format::{can_hold_depth, family};

/// How a view of a format reads its image.
#[derive(Clone, Copy, Debug)]
pub struct ViewFormat {
    pub format: vk::Format,
    pub swizzle: vk::ComponentMapping,
    pub aspect: vk::ImageAspectFlags,
}

const IDENTITY: vk::ComponentMapping = vk::ComponentMapping {
    r: vk::ComponentSwizzle::IDENTITY,
    g: vk::ComponentSwizzle::IDENTITY,
    b: vk::ComponentSwizzle::IDENTITY,
    a: vk::ComponentSwizzle::IDENTITY,
};

/// The colour format of a typed `DXGI_FORMAT`; `UNDEFINED` for depth, typeless and what Vulkan has no counterpart for.
pub fn map_color(format: u32) -> vk::Format {
    use vk::Format as F;
    match format {
        2 => F::R32G32B32A32_SFLOAT,
        3 => F::R32G32B32A32_UINT,
        4 => F::R32G32B32A32_SINT,
        6 => F::R32G32B32_SFLOAT,
        7 => F::R32G32B32_UINT,
        8 => F::R32G32B32_SINT,
        10 => F::R16G16B16A16_SFLOAT,
        11 => F::R16G16B16A16_UNORM,
        12 => F::R16G16B16A16_UINT,
        13 => F::R16G16B16A16_SNORM,
        14 => F::R16G16B16A16_SINT,
        16 => F::R32G32_SFLOAT,
        17 => F::R32G32_UINT,
        18 => F::R32G32_SINT,
        24 => F::A2B10G10R10_UNORM_PACK32,
        25 => F::A2B10G10R10_UINT_PACK32,
        26 => F::B10G11R11_UFLOAT_PACK32,
        28 => F::R8G8B8A8_UNORM,
        29 => F::R8G8B8A8_SRGB,
        30 => F::R8G8B8A8_UINT,
        31 => F::R8G8B8A8_SNORM,
        32 => F::R8G8B8A8_SINT,
        34 => F::R16G16_SFLOAT,
        35 => F::R16G16_UNORM,
        36 => F::R16G16_UINT,
        37 => F::R16G16_SNORM,
        38 => F::R16G16_SINT,
        41 => F::R32_SFLOAT,
        42 => F::R32_UINT,
        43 => F::R32_SINT,
        49 => F::R8G8_UNORM,
        50 => F::R8G8_UINT,
        51 => F::R8G8_SNORM,
        52 => F::R8G8_SINT,
        54 => F::R16_SFLOAT,
        56 => F::R16_UNORM,
        57 => F::R16_UINT,
        58 => F::R16_SNORM,
        59 => F::R16_SINT,
        61 => F::R8_UNORM,
        62 => F::R8_UINT,
        63 => F::R8_SNORM,
        64 => F::R8_SINT,
        // Kept with all four components, see `texels`.
        65 | 68 | 69 => F::R8G8B8A8_UNORM,
        67 => F::E5B9G9R9_UFLOAT_PACK32,
        71 => F::BC1_RGBA_UNORM_BLOCK,
        72 => F::BC1_RGBA_SRGB_BLOCK,
        74 => F::BC2_UNORM_BLOCK,
        75 => F::BC2_SRGB_BLOCK,
        77 => F::BC3_UNORM_BLOCK,
        78 => F::BC3_SRGB_BLOCK,
        80 => F::BC4_UNORM_BLOCK,
        81 => F::BC4_SNORM_BLOCK,
        83 => F::BC5_UNORM_BLOCK,
        84 => F::BC5_SNORM_BLOCK,
        85 => F::R5G6B5_UNORM_PACK16,
        86 => F::A1R5G5B5_UNORM_PACK16,
        87 | 88 => F::B8G8R8A8_UNORM,
        // Memory and scan-out only: no view has these numbers.
        89 => F::A2B10G10R10_UNORM_PACK32,
        91 | 93 => F::B8G8R8A8_SRGB,
        95 => F::BC6H_UFLOAT_BLOCK,
        96 => F::BC6H_SFLOAT_BLOCK,
        98 => F::BC7_UNORM_BLOCK,
        99 => F::BC7_SRGB_BLOCK,
        115 => F::A4R4G4B4_UNORM_PACK16,
        _ => F::UNDEFINED,
    }
}

/// What a shader makes of a colour format's numbers, as `D3D10_SB_REGISTER_COMPONENT_TYPE` has it: 1 for unsigned and 2 for signed
/// integers, 3 for floats, 0 for no format.
pub const fn number_type(format: vk::Format) -> u32 {
    use vk::Format as F;
    match format {
        F::UNDEFINED => 0,
        F::R32G32B32A32_UINT
        | F::R32G32B32_UINT
        | F::R16G16B16A16_UINT
        | F::R32G32_UINT
        | F::A2B10G10R10_UINT_PACK32
        | F::R8G8B8A8_UINT
        | F::R16G16_UINT
        | F::R32_UINT
        | F::R8G8_UINT
        | F::R16_UINT
        | F::R8_UINT => 1,
        F::R32G32B32A32_SINT
        | F::R32G32B32_SINT
        | F::R16G16B16A16_SINT
        | F::R32G32_SINT
        | F::R8G8B8A8_SINT
        | F::R16G16_SINT
        | F::R32_SINT
        | F::R8G8_SINT
        | F::R16_SINT
        | F::R8_SINT => 2,
        _ => 3,
    }
}

/// The depth format of a family; `UNDEFINED` for other families.
pub fn map_depth(format: u32, caps: &Caps) -> vk::Format {
    match family(format) {
        19 => vk::Format::D32_SFLOAT_S8_UINT,
        39 => vk::Format::D32_SFLOAT,
        44 if caps.d24s8 => vk::Format::D24_UNORM_S8_UINT,
        44 => vk::Format::D32_SFLOAT_S8_UINT,
        53 => vk::Format::D16_UNORM,
        _ => vk::Format::UNDEFINED,
    }
}

/// How the planes of a video format are kept (`DXGI_FORMAT_NV12` and its like; see "Format Support for Direct3D Video").
#[derive(Clone, Copy, Debug)]
pub struct Planes {
    /// The image of luma, or of everything.
    pub luma: vk::Format,
    /// Texels of the texture in a texel of that image: two where they share chroma.
    pub luma_width: u32,
    /// The image of chroma; `UNDEFINED` for none.
    pub chroma: vk::Format,
    /// Texels of the texture for each of chroma, across and down.
    pub scale: [u32; 2],
}

impl Planes {
    const fn packed(format: vk::Format, luma_width: u32) -> Self {
        Self { luma: format, luma_width, chroma: vk::Format::UNDEFINED, scale: [1, 1] }
    }

    const fn planar(luma: vk::Format, chroma: vk::Format) -> Self {
        Self { luma, luma_width: 1, chroma, scale: [2, 2] }
    }

    /// Whether views of this format show chroma.
    pub fn shows_chroma(&self, format: u32) -> bool {
        self.chroma != vk::Format::UNDEFINED && matches!(format, 35 | 36 | 42 | 49 | 50)
    }
}

/// The planes of a video format; none for other formats.
pub const fn map_planes(format: u32) -> Option<Planes> {
    use vk::Format as F;
    Some(match format {
        // AYUV, Y410, Y416.
        100 => Planes::packed(F::R8G8B8A8_UNORM, 1),
        101 => Planes::packed(F::A2B10G10R10_UNORM_PACK32, 1),
        102 => Planes::packed(F::R16G16B16A16_UNORM, 1),
        // NV12, P010 and P016.
        103 => Planes::planar(F::R8_UNORM, F::R8G8_UNORM),
        104 | 105 => Planes::planar(F::R16_UNORM, F::R16G16_UNORM),
        // YUY2, Y210 and Y216.
        107 => Planes::packed(F::R8G8B8A8_UNORM, 2),
        108 | 109 => Planes::packed(F::R16G16B16A16_UNORM, 2),
        _ => return None,
    })
}

/// A typed member of a typeless format's family, in which the image is made.
const fn typed_member(format: u32) -> u32 {
    match format {
        1 => 2,
        5 => 6,
        9 => 10,
        15 => 16,
        23 => 24,
        27 => 28,
        33 => 34,
        39 => 41,
        48 => 49,
        53 => 56,
        60 => 61,
        70 => 71,
        73 => 74,
        76 => 77,
        79 => 80,
        82 => 83,
        90 => 87,
        92 => 88,
        94 => 95,
        97 => 98,
        other => other,
    }
}

/// The format that an image of a `DXGI_FORMAT` is made in. `depth`: it will be bound as depth-stencil.
pub fn map_image(format: u32, depth: bool, caps: &Caps) -> vk::Format {
    // Families of packed depth and stencil, and the depth formats themselves, exist as depth only.
    if can_hold_depth(format) && (depth || matches!(family(format), 19 | 44) || matches!(format, 40 | 55)) {
        return map_depth(format, caps);
    }
    if let Some(planes) = map_planes(format) {
        return planes.luma;
    }
    // Textures of three wide components have a fourth here, see `texels`.
    if family(format) == 5 {
        return map_color(wide(format));
    }
    map_color(typed_member(format))
}

/// The format of four wide components for one of three.
const fn wide(format: u32) -> u32 {
    match format {
        5 | 6 => 2,
        7 => 3,
        8 => 4,
        other => other,
    }
}

/// How a view of `format` reads an image that was made in `image`.
pub fn map_view(format: u32, image: vk::Format) -> ViewFormat {
    let aspects = aspects(image);
    if aspects.contains(vk::ImageAspectFlags::COLOR) {
        let swizzle = match format {
            // A8 has alpha only; rendering may have written the rest.
            65 => vk::ComponentMapping {
                r: vk::ComponentSwizzle::ZERO,
                g: vk::ComponentSwizzle::ZERO,
                b: vk::ComponentSwizzle::ZERO,
                a: vk::ComponentSwizzle::IDENTITY,
            },
            // BGRX and its like: alpha reads as one.
            6..=8 | 68 | 69 | 88 | 93 => vk::ComponentMapping { a: vk::ComponentSwizzle::ONE, ..IDENTITY },
            _ => IDENTITY,
        };
        let format = map_color(wide(format));
        return ViewFormat { format, swizzle, aspect: vk::ImageAspectFlags::COLOR };
    }
    let (aspect, swizzle) = match format {
        // X32_TYPELESS_G8X24_UINT and X24_TYPELESS_G8_UINT show stencil in the second component.
        22 | 47 => {
            let zero = vk::ComponentSwizzle::ZERO;
            let swizzle = vk::ComponentMapping {
                r: zero,
                g: vk::ComponentSwizzle::R,
                b: zero,
                a: vk::ComponentSwizzle::ONE,
            };
            (vk::ImageAspectFlags::STENCIL, swizzle)
        }
        20 | 45 => (aspects, IDENTITY),
        _ => (vk::ImageAspectFlags::DEPTH, IDENTITY),
    };
    ViewFormat { format: image, swizzle, aspect }
}

/// The aspects of a format.
pub fn aspects(format: vk::Format) -> vk::ImageAspectFlags {
    match format {
        vk::Format::D16_UNORM | vk::Format::D32_SFLOAT => vk::ImageAspectFlags::DEPTH,
        vk::Format::D24_UNORM_S8_UINT | vk::Format::D32_SFLOAT_S8_UINT => {
            vk::ImageAspectFlags::DEPTH | vk::ImageAspectFlags::STENCIL
        }
        _ => vk::ImageAspectFlags::COLOR,
    }
}

/// Whether a format has no alpha where its Vulkan format has one (B8G8R8X8).
pub const fn lacks_alpha(format: u32) -> bool {
    matches!(format, 88 | 93)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_families_make_depth_images() {
        let caps = Caps { d24s8: true, ..Caps::default() };
        assert_eq!(map_image(44, true, &caps), vk::Format::D24_UNORM_S8_UINT);
        assert_eq!(map_image(44, true, &Caps::default()), vk::Format::D32_SFLOAT_S8_UINT);
        assert_eq!(map_image(39, true, &caps), vk::Format::D32_SFLOAT);
        assert_eq!(map_image(39, false, &caps), vk::Format::R32_SFLOAT);
        assert_eq!(map_image(40, false, &caps), vk::Format::D32_SFLOAT);
        assert_eq!(map_image(53, false, &caps), vk::Format::R16_UNORM);
        assert_eq!(map_image(55, true, &caps), vk::Format::D16_UNORM);
    }

    #[test]
    fn every_typeless_format_with_a_family_has_an_image() {
        for format in 1..116 {
            let known = pvgpu_protocol::format::info(format).is_some();
            if known {
                assert_ne!(map_image(format, false, &Caps::default()), vk::Format::UNDEFINED, "{format}");
            }
        }
        assert_eq!(map_image(u32::MAX, true, &Caps::default()), vk::Format::UNDEFINED);
    }

    #[test]
    fn numbers_are_those_of_dxgi() {
        use crate::format::{NumberKind, number_kind};
        for format in 1..116 {
            let expected = match (map_color(format), number_kind(format)) {
                (vk::Format::UNDEFINED, _) => 0,
                (_, NumberKind::Uint) => 1,
                (_, NumberKind::Sint) => 2,
                _ => 3,
            };
            assert_eq!(number_type(map_color(format)), expected, "{format}");
        }
    }

    #[test]
    fn views_swizzle_what_dxgi_packs_differently() {
        assert_eq!(map_view(65, vk::Format::R8G8B8A8_UNORM).swizzle.r, vk::ComponentSwizzle::ZERO);
        assert_eq!(map_view(65, vk::Format::R8G8B8A8_UNORM).swizzle.a, vk::ComponentSwizzle::IDENTITY);
        assert_eq!(map_view(88, vk::Format::B8G8R8A8_UNORM).swizzle.a, vk::ComponentSwizzle::ONE);
        assert_eq!(map_view(47, vk::Format::D24_UNORM_S8_UINT).aspect, vk::ImageAspectFlags::STENCIL);
        assert_eq!(map_view(46, vk::Format::D24_UNORM_S8_UINT).aspect, vk::ImageAspectFlags::DEPTH);
    }
}
