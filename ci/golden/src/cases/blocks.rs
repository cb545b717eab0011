//! Compressed blocks decoded on the CPU, as Direct3D's specification describes them.

use crate::kit::expected::from_half;

/// Sixteen texels.
type Texels = [[f32; 4]; 16];

/// Some bits of a block, from the lowest on.
fn field(block: &[u8], from: usize, count: usize) -> u32 {
    (0..count).map(|n| u32::from(block[(from + n) / 8] >> ((from + n) % 8) & 1) << n).sum()
}

/// A colour of 5, 6 and 5 bits.
fn colour(word: u32) -> [f32; 3] {
    // CAST: small.
    [(word >> 11 & 31) as f32 / 31.0, (word >> 5 & 63) as f32 / 63.0, (word & 31) as f32 / 31.0]
}

/// BC1's block; the second half of BC2's and BC3's, where there are always four colours.
pub fn colours(block: &[u8], may_have_three: bool) -> Texels {
    let (first, second) = (field(block, 0, 16), field(block, 16, 16));
    let (a, b) = (colour(first), colour(second));
    let mix = |share: f32| [0, 1, 2].map(|n| a[n] + (b[n] - a[n]) * share);
    let opaque = |[r, g, b]: [f32; 3]| [r, g, b, 1.0];
    let palette = if first > second || !may_have_three {
        [opaque(a), opaque(b), opaque(mix(1.0 / 3.0)), opaque(mix(2.0 / 3.0))]
    } else {
        [opaque(a), opaque(b), opaque(mix(0.5)), [0.0; 4]]
    };
    std::array::from_fn(|n| palette[field(block, 32 + 2 * n, 2) as usize])
}

/// BC2: four bits of alpha for each texel.
pub fn explicit_alpha(block: &[u8]) -> Texels {
    let mut texels = colours(&block[8..], false);
    for (n, texel) in texels.iter_mut().enumerate() {
        // CAST: below 16.
        texel[3] = field(block, 4 * n, 4) as f32 / 15.0;
    }
    texels
}

/// BC3: alpha as BC4's red.
pub fn interpolated_alpha(block: &[u8]) -> Texels {
    let mut texels = colours(&block[8..], false);
    for (texel, alpha) in texels.iter_mut().zip(one(block)) {
        texel[3] = alpha;
    }
    texels
}

/// Eight values from two, with or without the ends of the range, and which one each texel has.
fn interpolated(block: &[u8], [a, b]: [f32; 2], whole: bool, [low, high]: [f32; 2]) -> [f32; 16] {
    let mix = |n: u8, of: u8| a + (b - a) * f32::from(n) / f32::from(of);
    let palette = if whole {
        [a, b, mix(1, 7), mix(2, 7), mix(3, 7), mix(4, 7), mix(5, 7), mix(6, 7)]
    } else {
        [a, b, mix(1, 5), mix(2, 5), mix(3, 5), mix(4, 5), low, high]
    };
    std::array::from_fn(|n| palette[field(block, 16 + 3 * n, 3) as usize])
}

/// BC4.
pub fn one(block: &[u8]) -> [f32; 16] {
    let ends = [block[0], block[1]];
    interpolated(block, ends.map(|end| f32::from(end) / 255.0), ends[0] > ends[1], [0.0, 1.0])
}

/// BC4 with a sign.
pub fn one_signed(block: &[u8]) -> [f32; 16] {
    let ends = [block[0].cast_signed(), block[1].cast_signed()];
    interpolated(block, ends.map(|end| (f32::from(end) / 127.0).max(-1.0)), ends[0] > ends[1], [-1.0, 1.0])
}

/// BC5: two of BC4's.
pub fn two(block: &[u8], one: fn(&[u8]) -> [f32; 16]) -> Texels {
    let (red, green) = (one(&block[..8]), one(&block[8..]));
    std::array::from_fn(|n| [red[n], green[n], 0.0, 1.0])
}

/// Weights of 64 for the four bits of an index.
const WEIGHTS: [i32; 16] = [0, 4, 9, 13, 17, 21, 26, 30, 34, 38, 43, 47, 51, 55, 60, 64];

/// The weight of a texel whose block's last 63 bits are indices: the first texel's has three bits, all others four.
fn weight(block: &[u8], n: usize) -> i32 {
    let index = if n == 0 { field(block, 65, 3) } else { field(block, 64 + 4 * n, 4) };
    WEIGHTS[index as usize]
}

/// Makes a BC7 block one of mode 6: two colours with alpha for all texels.
pub fn mode_6(block: &[u8]) -> Vec<u8> {
    let mut block = block.to_vec();
    block[0] = block[0] & 0x80 | 0x40;
    block
}

/// BC7 in mode 6: seven bits for each end of each channel, and an eighth for all of an end's channels.
pub fn mode_6_colours(block: &[u8]) -> Texels {
    // CAST: below 256.
    let end = |channel: usize, end: usize| {
        (field(block, 7 + 14 * channel + 7 * end, 7) << 1 | field(block, 63 + end, 1)) as i32
    };
    std::array::from_fn(|n| {
        let w = weight(block, n);
        [0, 1, 2, 3]
            .map(|channel| ((end(channel, 0) * (64 - w) + end(channel, 1) * w + 32) >> 6) as f32 / 255.0)
    })
}

/// Makes a BC6H block one of mode 11: two colours of ten bits a channel.
pub fn mode_11(block: &[u8]) -> Vec<u8> {
    let mut block = block.to_vec();
    block[0] = block[0] & 0xe0 | 0x03;
    block
}

/// BC6H in mode 11.
pub fn high_range(block: &[u8], signed: bool) -> Texels {
    // CAST: at most 17 bits.
    let end = |channel: usize, end: usize| {
        let bits = field(block, 5 + 10 * channel + 30 * end, 10) as i32;
        if !signed {
            return match bits {
                0 => 0,
                1023 => 0xffff,
                _ => ((bits << 16) + 0x8000) >> 10,
            };
        }
        let bits = bits << 22 >> 22;
        let size = match bits.abs() {
            0 => 0,
            511.. => 0x7fff,
            size => ((size << 15) + 0x4000) >> 9,
        };
        size * bits.signum()
    };
    std::array::from_fn(|n| {
        let w = weight(block, n);
        let [r, g, b] = [0, 1, 2].map(|channel| {
            let mixed = (end(channel, 0) * (64 - w) + end(channel, 1) * w + 32) >> 6;
            let bits = if signed { (mixed.abs() * 31) >> 5 } else { (mixed * 31) >> 6 };
            from_half(bits as u16) * if mixed < 0 { -1.0 } else { 1.0 }
        });
        [r, g, b, 1.0]
    })
}
