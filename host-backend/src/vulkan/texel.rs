//! One texel of a clear: components in, the bytes that a `DXGI_FORMAT` prescribes out.
//!
//! Layouts and conversions are those of the Direct3D 11.3 Functional Specification, sections 3.2.3 and 19.1.

use crate::fault::Fault;

/// How a component becomes bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Float,
    Unorm,
    Snorm,
    Uint,
    Sint,
}

/// A format's components from the lowest bit on: which, and how many bits.
type Fields = &'static [(usize, u32)];

const RGBA32: Fields = &[(0, 32), (1, 32), (2, 32), (3, 32)];
const RGBA16: Fields = &[(0, 16), (1, 16), (2, 16), (3, 16)];
const RGBA8: Fields = &[(0, 8), (1, 8), (2, 8), (3, 8)];
const RGB10A2: Fields = &[(0, 10), (1, 10), (2, 10), (3, 2)];

fn layout(format: u32) -> Option<(Fields, Encoding)> {
    use Encoding::{Float, Sint, Snorm, Uint, Unorm};
    let fields = match format {
        1..=4 => RGBA32,
        5..=8 => RGBA32.first_chunk::<3>()?,
        9..=14 => RGBA16,
        15..=18 => RGBA32.first_chunk::<2>()?,
        23..=25 => RGB10A2,
        26 => &[(0, 11), (1, 11), (2, 10)],
        27..=32 => RGBA8,
        33..=38 => RGBA16.first_chunk::<2>()?,
        39..=43 => RGBA32.first_chunk::<1>()?,
        48..=52 => RGBA8.first_chunk::<2>()?,
        53..=59 => RGBA16.first_chunk::<1>()?,
        60..=64 => RGBA8.first_chunk::<1>()?,
        65 => &[(3, 8)],
        85 => &[(2, 5), (1, 6), (0, 5)],
        86 => &[(2, 5), (1, 5), (0, 5), (3, 1)],
        87 | 88 | 90..=93 => &[(2, 8), (1, 8), (0, 8), (3, 8)],
        115 => &[(2, 4), (1, 4), (0, 4), (3, 4)],
        _ => return None,
    };
    let encoding = match format {
        2 | 6 | 10 | 16 | 26 | 34 | 41 | 54 => Float,
        13 | 31 | 37 | 51 | 58 | 63 => Snorm,
        3 | 7 | 12 | 17 | 25 | 30 | 36 | 42 | 50 | 57 | 62 => Uint,
        4 | 8 | 14 | 18 | 32 | 38 | 43 | 52 | 59 | 64 => Sint,
        _ => Unorm,
    };
    Some((fields, encoding))
}

/// The bytes of one texel. Without `is_float`, components are bits as they are, of which the lowest count.
///
/// # Errors
/// [`Fault`] for formats that views for loads and stores do not have.
pub fn pack(format: u32, value: [u32; 4], is_float: bool) -> Result<Vec<u8>, Fault> {
    let unsupported = || Fault::unsupported(format!("clearing unordered access to format {format}"));
    let (fields, encoding) = layout(format).ok_or_else(unsupported)?;
    let (mut texel, mut place) = (0u128, 0);
    for (component, bits) in fields {
        let component = value.get(*component).copied().unwrap_or(0);
        let raw = if is_float { encode(encoding, f32::from_bits(component), *bits) } else { component };
        texel |= u128::from(raw & mask(*bits)) << place;
        place += bits;
    }
    // CAST: at most 128 bits.
    Ok(texel.to_le_bytes().get(..place.div_ceil(8) as usize).unwrap_or_default().to_vec())
}

/// Integer components as far as a format holds them, as Vulkan wants them for a clear.
pub fn masked(format: u32, value: [u32; 4]) -> [u32; 4] {
    let Some((fields, encoding)) = layout(format) else { return value };
    let mut result = [0; 4];
    for (component, bits) in fields {
        let (Some(to), Some(from)) = (result.get_mut(*component), value.get(*component)) else { continue };
        let unused = 32 - bits;
        *to = match encoding {
            Encoding::Sint => (from.cast_signed() << unused >> unused).cast_unsigned(),
            _ => from & mask(*bits),
        };
    }
    result
}

/// The dword of which a texel consists, if it does.
pub fn dword(texel: &[u8]) -> Option<u32> {
    let wide = match texel {
        [byte] => [*byte; 4],
        [low, high] => [*low, *high, *low, *high],
        _ => *texel.first_chunk::<4>()?,
    };
    let same = texel.len() < 4 || texel.chunks(4).all(|part| part == wide);
    same.then(|| u32::from_le_bytes(wide))
}

const fn mask(bits: u32) -> u32 {
    if bits >= 32 { u32::MAX } else { (1 << bits) - 1 }
}

/// A float as the bits of one component.
fn encode(encoding: Encoding, value: f32, bits: u32) -> u32 {
    match (encoding, bits) {
        // CAST: saturating, NaN becomes 0.
        (Encoding::Uint, _) => (value as u32).min(mask(bits)),
        (Encoding::Sint, _) => {
            let highest = (mask(bits) >> 1).cast_signed();
            (value as i32).clamp(-highest - 1, highest).cast_unsigned()
        }
        // CAST: at most 2^16 - 1; NaN becomes 0.
        (Encoding::Unorm, _) => (value.clamp(0.0, 1.0) * mask(bits) as f32).round() as u32,
        (Encoding::Snorm, _) => {
            ((value.clamp(-1.0, 1.0) * (mask(bits) >> 1) as f32).round() as i32).cast_unsigned()
        }
        (Encoding::Float, 32) => value.to_bits(),
        (Encoding::Float, 16) => half(value),
        // Floats of 11 and 10 bits have a half's exponent and no sign: negative ones become 0.
        (Encoding::Float, _) if value.is_sign_negative() && !value.is_nan() => 0,
        (Encoding::Float, _) => (half(value) & 0x7fff) >> (15 - bits.min(15)),
    }
}

/// A float as the bits of a half, rounded towards zero.
fn half(value: f32) -> u32 {
    let bits = value.to_bits();
    let sign = bits >> 16 & 0x8000;
    let exponent = (bits >> 23 & 0xff).cast_signed() - 127 + 15;
    let fraction = bits & 0x7f_ffff;
    match exponent {
        143 if fraction != 0 => sign | 0x7e00,
        143 => sign | 0x7c00,
        // Rounding towards zero never reaches infinity.
        31.. => sign | 0x7bff,
        1..31 => sign | exponent.cast_unsigned() << 10 | fraction >> 13,
        -10..1 => sign | (fraction | 0x80_0000) >> (14 - exponent),
        _ => sign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves() {
        for (value, bits) in [
            (0.0, 0),
            (1.0, 0x3c00),
            (-2.0, 0xc000),
            (65504.0, 0x7bff),
            (1e9, 0x7bff),
            (f32::INFINITY, 0x7c00),
            (5.960_464_5e-8, 1),
        ] {
            assert_eq!(half(value), bits, "{value}");
        }
        assert_eq!(half(f32::NAN) & 0x7c00, 0x7c00);
        assert_ne!(half(f32::NAN) & 0x3ff, 0);
    }

    #[test]
    fn texels_are_packed() {
        let float = |values: [f32; 4]| values.map(f32::to_bits);
        let cases: [(u32, [u32; 4], bool, &[u8]); 10] = [
            (30, [1, 2, 3, 0x1ff], false, &[1, 2, 3, 255]),
            (28, float([1.0, 0.0, 0.0, 0.5]), true, &[255, 0, 0, 128]),
            (41, [7, 0, 0, 0], false, &[7, 0, 0, 0]),
            (26, [1, 2, 3, 4], false, &0x00c0_1001_u32.to_le_bytes()),
            (26, float([0.5, 0.0, -1.0, 0.5]), true, &0x380_u32.to_le_bytes()),
            (35, float([0.5, 1.0, 0.0, 0.0]), true, &0xffff_8000_u32.to_le_bytes()),
            (24, float([1.0, 0.0, 0.0, 1.0]), true, &0xc000_03ff_u32.to_le_bytes()),
            (85, float([1.0, 0.0, 0.0, 0.0]), true, &0xf800_u16.to_le_bytes()),
            (87, float([1.0, 0.0, 0.0, 0.0]), true, &[0, 0, 255, 0]),
            (6, [1, 2, 3, 4], false, &[1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]),
        ];
        for (format, value, is_float, expected) in cases {
            assert_eq!(pack(format, value, is_float).expect("known"), expected, "format {format}");
        }
        assert!(pack(71, [0; 4], true).is_err());
    }

    #[test]
    fn integers_are_cut_to_their_bits() {
        assert_eq!(masked(36, [0x12345, 1, 2, 3]), [0x2345, 1, 0, 0]);
        assert_eq!(masked(64, [0x1ff, 0, 0, 0]), [u32::MAX, 0, 0, 0]);
        assert_eq!(masked(43, [0x8000_0000, 0, 0, 0]), [0x8000_0000, 0, 0, 0]);
    }

    #[test]
    fn patterns_of_dwords_are_found() {
        assert_eq!(dword(&[5]), Some(0x0505_0505));
        assert_eq!(dword(&[1, 2]), Some(0x0201_0201));
        assert_eq!(dword(&[1, 2, 3, 4]), Some(0x0403_0201));
        assert_eq!(dword(&[1, 0, 0, 0, 1, 0, 0, 0]), Some(1));
        assert_eq!(dword(&[1, 0, 0, 0, 2, 0, 0, 0]), None);
        assert_eq!(dword(&[1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4]), Some(0x0403_0201));
    }
}
