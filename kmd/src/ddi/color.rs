//! Colours of fills. dxgkrnl names them as `D3DDDIFMT_A8R8G8B8` whatever the destination is; ring 0 fills with texels.

/// The texel of a `DXGI_FORMAT` that is nearest to an A8R8G8B8 colour; `None` for a format whose texels are no colours. Formats
/// of linear light are taken as they are, as GDI takes them.
pub(crate) fn texel(color: u32, format: u32) -> Option<u32> {
    let [blue, green, red, alpha] = color.to_le_bytes().map(u32::from);
    // The nearest of 2^bits levels, and where it stands in the texel.
    let channel = |value: u32, bits: u32, at: u32| ((value * ((1 << bits) - 1) + 127) / 255) << at;
    Some(match format {
        // R10G10B10A2.
        23 | 24 => {
            channel(red, 10, 0) | channel(green, 10, 10) | channel(blue, 10, 20) | channel(alpha, 2, 30)
        }
        // R8G8B8A8.
        27..=29 => channel(red, 8, 0) | channel(green, 8, 8) | channel(blue, 8, 16) | channel(alpha, 8, 24),
        // R8.
        60 | 61 => red,
        // A8.
        65 => alpha,
        // B5G6R5.
        85 => channel(blue, 5, 0) | channel(green, 6, 5) | channel(red, 5, 11),
        // B5G5R5A1.
        86 => channel(blue, 5, 0) | channel(green, 5, 5) | channel(red, 5, 10) | channel(alpha, 1, 15),
        // B8G8R8A8 and B8G8R8X8: the colour's own.
        87 | 88 | 90..=93 => color,
        // B4G4R4A4.
        115 => channel(blue, 4, 0) | channel(green, 4, 4) | channel(red, 4, 8) | channel(alpha, 4, 12),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::texel;

    #[test]
    fn colours_become_texels() {
        for (format, of_color, of_white) in [
            (24, 0x95934448, u32::MAX),
            (28, 0xa056_3412, u32::MAX),
            (61, 0x12, 0xff),
            (65, 0xa0, 0xff),
            (85, 0x11aa, 0xffff),
            (86, 0x88ca, 0xffff),
            (87, 0xa012_3456, u32::MAX),
            (88, 0xa012_3456, u32::MAX),
            (115, 0x9135, 0xffff),
        ] {
            assert_eq!(texel(0xa012_3456, format), Some(of_color), "format {format}");
            assert_eq!(texel(u32::MAX, format), Some(of_white), "format {format}");
            assert_eq!(texel(0, format), Some(0), "format {format}");
        }
        for format in [0, 2, 10, 30, 41, 57, 67, 71, 89, 116, u32::MAX] {
            assert_eq!(texel(0, format), None, "format {format}");
        }
    }
}
