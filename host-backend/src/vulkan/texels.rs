//! Texels that Vulkan keeps differently than D3D11 lays them out in memory, and the conversion between the two.
//!
//! Where an image holds a format in another form, bytes change on their way: [`Conversion::split`] on the way in, [`Conversion::join`]
//! on the way out. The GPU only ever copies planes, one for each aspect; the CPU interleaves them, when it records an upload,
//! or when a download has finished. Layouts are those of the Direct3D 11.3 Functional Specification, section 19.1.

use ash::vk;

use crate::format::{dxgi, family};

/// How texels of an image become the bytes that D3D11 prescribes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conversion {
    /// 24 bits of depth below 8 of stencil; the image's depth is 24 bits wide, or a float.
    Depth24Stencil8 { float: bool },
    /// 32 bits of depth, then 8 of stencil and 24 unused.
    Depth32Stencil8,
    /// One byte of alpha; the image has red, green and blue too.
    Alpha,
    /// Three components of 32 bits; the image has a fourth.
    ThreeOfFour,
    /// Two texels in four bytes that share red and blue; the image has all four components of each. `green_first`:
    /// `G8R8_G8B8`, otherwise `R8G8_B8G8`.
    SharedRedBlue { green_first: bool },
}

/// One part of an image as Vulkan copies it.
#[derive(Clone, Copy, Debug)]
pub struct Plane {
    pub aspect: vk::ImageAspectFlags,
    /// Bytes that the copy takes a texel.
    pub bytes: u32,
}

const COLOR: [Plane; 1] = [Plane { aspect: vk::ImageAspectFlags::COLOR, bytes: 4 }];
const WIDE_COLOR: [Plane; 1] = [Plane { aspect: vk::ImageAspectFlags::COLOR, bytes: 16 }];
const DEPTH_STENCIL: [Plane; 2] = [
    Plane { aspect: vk::ImageAspectFlags::DEPTH, bytes: 4 },
    Plane { aspect: vk::ImageAspectFlags::STENCIL, bytes: 1 },
];

impl Conversion {
    /// The conversion between a `DXGI_FORMAT` and the image that holds it; none where the bytes are the same.
    pub fn of(format: u32, image: vk::Format) -> Option<Self> {
        use vk::Format as F;
        match (format, image) {
            (_, F::D24_UNORM_S8_UINT) => Some(Self::Depth24Stencil8 { float: false }),
            (_, F::D32_SFLOAT_S8_UINT) if family(format) == dxgi::R24G8_TYPELESS => {
                Some(Self::Depth24Stencil8 { float: true })
            }
            (_, F::D32_SFLOAT_S8_UINT) => Some(Self::Depth32Stencil8),
            (dxgi::A8_UNORM, F::R8G8B8A8_UNORM) => Some(Self::Alpha),
            _ if family(format) == dxgi::R32G32B32_TYPELESS => Some(Self::ThreeOfFour),
            (dxgi::R8G8_B8G8_UNORM, _) => Some(Self::SharedRedBlue { green_first: false }),
            (dxgi::G8R8_G8B8_UNORM, _) => Some(Self::SharedRedBlue { green_first: true }),
            _ => None,
        }
    }

    /// What Vulkan copies.
    pub fn planes(self) -> &'static [Plane] {
        match self {
            Self::Depth24Stencil8 { .. } | Self::Depth32Stencil8 => &DEPTH_STENCIL,
            Self::Alpha | Self::SharedRedBlue { .. } => &COLOR,
            Self::ThreeOfFour => &WIDE_COLOR,
        }
    }

    /// Bytes of a row of `texels` in D3D11's layout.
    pub fn row_bytes(self, texels: u32) -> u32 {
        match self {
            Self::Depth24Stencil8 { .. } => texels.saturating_mul(4),
            Self::Depth32Stencil8 => texels.saturating_mul(8),
            Self::Alpha => texels,
            Self::ThreeOfFour => texels.saturating_mul(12),
            Self::SharedRedBlue { .. } => texels.div_ceil(2).saturating_mul(4),
        }
    }

    /// Takes a row in D3D11's layout apart into one row for each plane. What is missing reads as zero.
    pub fn split(self, row: &[u8], texels: u32, planes: &mut [Vec<u8>]) {
        let mut put = |plane: usize, bytes: &[u8]| {
            if let Some(plane) = planes.get_mut(plane) {
                plane.extend_from_slice(bytes);
            }
        };
        for x in 0..texels as usize {
            match self {
                Self::Depth24Stencil8 { float } => {
                    let word = u32::from_le_bytes(chunk(row, x * 4));
                    let [_, _, _, stencil] = word.to_le_bytes();
                    let depth = word & MAX_24;
                    put(0, &if float { unorm_to_float(depth).to_le_bytes() } else { depth.to_le_bytes() });
                    put(1, &[stencil]);
                }
                Self::Depth32Stencil8 => {
                    put(0, &chunk::<4>(row, x * 8));
                    put(1, &chunk::<1>(row, x * 8 + 4));
                }
                Self::Alpha => {
                    let [alpha] = chunk(row, x);
                    put(0, &[0, 0, 0, alpha]);
                }
                Self::ThreeOfFour => {
                    put(0, &chunk::<12>(row, x * 12));
                    put(0, &[0; 4]);
                }
                Self::SharedRedBlue { green_first } => {
                    let pair: [u8; 4] = chunk(row, x / 2 * 4);
                    let (red, blue, greens) = if green_first {
                        let [g0, r, g1, b] = pair;
                        (r, b, [g0, g1])
                    } else {
                        let [r, g0, b, g1] = pair;
                        (r, b, [g0, g1])
                    };
                    let [even, odd] = greens;
                    put(0, &[red, if x % 2 == 0 { even } else { odd }, blue, u8::MAX]);
                }
            }
        }
    }

    /// Makes a row in D3D11's layout of one row for each plane.
    pub fn join(self, planes: [&[u8]; 2], texels: u32, row: &mut Vec<u8>) {
        let [first, second] = planes;
        row.clear();
        let count = texels as usize;
        match self {
            Self::Depth24Stencil8 { float } => {
                for x in 0..count {
                    let depth = chunk(first, x * 4);
                    let depth = if float {
                        float_to_unorm(f32::from_le_bytes(depth))
                    } else {
                        // Vulkan leaves the other bits undefined.
                        u32::from_le_bytes(depth) & MAX_24
                    };
                    let [stencil] = chunk(second, x);
                    row.extend_from_slice(&(depth | u32::from(stencil) << 24).to_le_bytes());
                }
            }
            Self::Depth32Stencil8 => {
                for x in 0..count {
                    let [stencil] = chunk(second, x);
                    row.extend_from_slice(&chunk::<4>(first, x * 4));
                    row.extend_from_slice(&[stencil, 0, 0, 0]);
                }
            }
            Self::Alpha => row.extend(first.iter().skip(3).step_by(4).take(count)),
            Self::ThreeOfFour => {
                for x in 0..count {
                    row.extend_from_slice(&chunk::<12>(first, x * 16));
                }
            }
            Self::SharedRedBlue { green_first } => {
                for pair in 0..count.div_ceil(2) {
                    let [red, g0, blue, _] = chunk::<4>(first, pair * 8);
                    let [_, g1, _, _] = chunk::<4>(first, pair * 8 + 4);
                    row.extend_from_slice(&if green_first {
                        [g0, red, g1, blue]
                    } else {
                        [red, g0, blue, g1]
                    });
                }
            }
        }
    }
}

const MAX_24: u32 = 0xff_ffff;

/// Bytes at a place; zeros where there are none.
fn chunk<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.first_chunk().copied().unwrap_or([0; N])
}

fn unorm_to_float(depth: u32) -> f32 {
    // CAST: 24 bits divided in double precision round once, to the nearest float.
    (f64::from(depth) / f64::from(MAX_24)) as f32
}

fn float_to_unorm(depth: f32) -> u32 {
    // CAST: between 0 and 2^24 - 1; NaN becomes 0.
    (f64::from(depth).clamp(0.0, 1.0) * f64::from(MAX_24)).round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(conversion: Conversion, row: &[u8], texels: u32) -> (Vec<Vec<u8>>, Vec<u8>) {
        let mut planes = vec![Vec::new(); conversion.planes().len()];
        conversion.split(row, texels, &mut planes);
        let second = planes.get(1).map_or(&[][..], Vec::as_slice);
        let mut back = Vec::new();
        conversion.join([&planes[0], second], texels, &mut back);
        (planes, back)
    }

    #[test]
    fn every_byte_comes_back() {
        let row: Vec<u8> = (0..32).map(|n: u8| n.wrapping_mul(37).wrapping_add(11)).collect();
        for float in [false, true] {
            let (planes, back) = there_and_back(Conversion::Depth24Stencil8 { float }, &row, 8);
            assert_eq!(back, row);
            assert_eq!((planes[0].len(), planes[1].len()), (32, 8));
        }
        let (_, back) = there_and_back(Conversion::Alpha, &row, 32);
        assert_eq!(back, row);
        let (planes, back) = there_and_back(Conversion::ThreeOfFour, &row[..24], 2);
        assert_eq!((back, planes[0].len()), (row[..24].to_vec(), 32));
        for green_first in [false, true] {
            let (planes, back) = there_and_back(Conversion::SharedRedBlue { green_first }, &row, 16);
            assert_eq!(back, row);
            assert_eq!(planes[0].len(), 64);
        }
        // The unused bytes are not kept.
        let (_, back) = there_and_back(Conversion::Depth32Stencil8, &row, 4);
        for (index, (found, expected)) in back.iter().zip(&row).enumerate() {
            assert_eq!(*found, if index % 8 < 5 { *expected } else { 0 }, "byte {index}");
        }
    }

    #[test]
    fn all_of_24_bits_survive_a_float() {
        for depth in (0..=MAX_24).step_by(251).chain([MAX_24 - 1, MAX_24]) {
            assert_eq!(float_to_unorm(unorm_to_float(depth)), depth);
        }
        assert_eq!(float_to_unorm(f32::NAN), 0);
        assert_eq!(float_to_unorm(2.0), MAX_24);
    }

    #[test]
    fn red_and_blue_are_shared() {
        let mut planes = vec![Vec::new()];
        Conversion::SharedRedBlue { green_first: false }.split(&[1, 2, 3, 4], 2, &mut planes);
        assert_eq!(planes[0], [1, 2, 3, 255, 1, 4, 3, 255]);
        let mut planes = vec![Vec::new()];
        Conversion::SharedRedBlue { green_first: true }.split(&[1, 2, 3, 4], 2, &mut planes);
        assert_eq!(planes[0], [2, 1, 4, 255, 2, 3, 4, 255]);
    }

    #[test]
    fn short_rows_read_as_zero() {
        let mut planes = vec![Vec::new(), Vec::new()];
        Conversion::Depth32Stencil8.split(&[1], 1, &mut planes);
        assert_eq!((planes[0].len(), planes[1].len()), (4, 1));
    }
}
