//! Textures that cases read, and the same reads on the CPU.

use crate::kit::expected::{random, stored};
use crate::kit::*;

/// Texels of random colours, as 8 bits store them.
pub fn patchwork(size: u32) -> Vec<[f32; 4]> {
    let mut next = random(size * 7919);
    // CAST: 8 bits.
    let mut channel = || f32::from((next() >> 13) as u8) / 255.0;
    (0..size * size).map(|_| [channel(), channel(), channel(), channel()]).collect()
}

/// Colours as bytes of an RGBA texture.
pub fn bytes(texels: &[[f32; 4]]) -> Vec<u8> {
    // CAST: 0 to 255.
    texels.iter().flatten().map(|channel| (channel * 255.0).round() as u8).collect()
}

/// A square texture of these texels.
pub fn plane(t: &Test<'_>, size: u32, texels: &[[f32; 4]]) -> Result<Texture> {
    t.gpu.texture(&Shape::square(size), &[bytes(texels)])
}

/// The colour of a level of [`levels`], and between two levels.
pub fn level_colour(level: f32) -> [f32; 4] {
    let (below, share) = (level.floor(), level.fract());
    let at = |level: f32| [level / 5.0, 1.0 - level / 5.0, (level * 0.37).fract(), 1.0].map(stored);
    let (a, b) = (at(below), at((below + 1.0).min(5.0)));
    [0, 1, 2, 3].map(|channel| a[channel] * (1.0 - share) + b[channel] * share)
}

/// A texture of 32×32 texels and 6 levels, each of one colour.
pub fn levels(t: &Test<'_>, misc: D3D11_RESOURCE_MISC_FLAG) -> Result<Texture> {
    let data: Vec<Vec<u8>> = (0..6_u8)
        .map(|level| bytes(&vec![level_colour(f32::from(level)); (32 >> level) * (32 >> level)]))
        .collect();
    t.gpu.texture(&Shape { levels: 6, misc, ..Shape::square(32) }, &data)
}

/// Texels to be read on the CPU as a sampler reads them.
pub struct Source<'a> {
    pub texels: &'a [[f32; 4]],
    pub size: i32,
    /// Horizontally and vertically.
    pub modes: [D3D11_TEXTURE_ADDRESS_MODE; 2],
    pub border: [f32; 4],
}

impl Source<'_> {
    /// The texel at a place, which may be outside.
    pub fn texel(&self, [x, y]: [i32; 2]) -> [f32; 4] {
        let size = self.size;
        let fold = |place: i32, mode| match mode {
            D3D11_TEXTURE_ADDRESS_WRAP => Some(place.rem_euclid(size)),
            D3D11_TEXTURE_ADDRESS_MIRROR => {
                let place = place.rem_euclid(2 * size);
                Some(if place < size { place } else { 2 * size - 1 - place })
            }
            D3D11_TEXTURE_ADDRESS_BORDER => (0..size).contains(&place).then_some(place),
            // Mirrored at zero, then clamped.
            D3D11_TEXTURE_ADDRESS_MIRROR_ONCE => {
                Some((if place < 0 { -1 - place } else { place }).min(size - 1))
            }
            _ => Some(place.clamp(0, size - 1)),
        };
        match (fold(x, self.modes[0]), fold(y, self.modes[1])) {
            // CAST: both are inside.
            (Some(x), Some(y)) => self.texels[(y * size + x) as usize],
            _ => self.border,
        }
    }

    /// The texel that is nearest to a coordinate.
    pub fn point(&self, at: [f32; 2]) -> [f32; 4] {
        // CAST: cases stay near the texture; so below.
        self.texel(at.map(|place| (place * self.size as f32).floor() as i32))
    }

    /// Four texels mixed.
    pub fn linear(&self, at: [f32; 2]) -> [f32; 4] {
        let [x, y] = at.map(|place| place * self.size as f32 - 0.5);
        let (left, top) = (x.floor(), y.floor());
        let (right, down) = (x - left, y - top);
        let corner = |dx, dy| self.texel([left as i32 + dx, top as i32 + dy]);
        let (a, b, c, d) = (corner(0, 0), corner(1, 0), corner(0, 1), corner(1, 1));
        [0, 1, 2, 3].map(|n: usize| {
            (a[n] * (1.0 - right) + b[n] * right) * (1.0 - down)
                + (c[n] * (1.0 - right) + d[n] * right) * down
        })
    }
}
