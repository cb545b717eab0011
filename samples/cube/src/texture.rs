//! A procedural texture with all its mip levels: rounded tiles of slightly different colours.

/// One mip level, 4 bytes (red, green, blue, alpha) per texel, rows from top to bottom.
pub struct Level {
    /// Width and height in texels.
    pub size: u32,
    /// `size * size * 4` bytes.
    pub texels: Vec<u8>,
}

/// Width and height of the largest level.
pub const SIZE: u32 = 256;
/// Tiles along each side.
const TILES: u32 = 4;

/// The levels from 256×256 down to 1×1, each the average of 2×2 texels of the one before.
pub fn levels() -> Vec<Level> {
    let texels = (0..SIZE).flat_map(|y| (0..SIZE).flat_map(move |x| texel(x, y))).collect();
    let mut levels = vec![Level { size: SIZE, texels }];
    while let Some(last) = levels.last().filter(|level| level.size > 1) {
        levels.push(halved(last));
    }
    levels
}

/// One texel of the largest level.
fn texel(x: u32, y: u32) -> [u8; 4] {
    let tile = SIZE / TILES;
    let (column, row) = (x / tile, y / tile);
    // Distance from the tile's middle, 0 to 1 at its edges; the fourth power makes a rounded square.
    let from_middle = |position: u32| ((position % tile) as f32 + 0.5) / (tile as f32 / 2.0) - 1.0;
    let (u, v) = (from_middle(x), from_middle(y));
    let inside = 1.0 - ((u.powi(4) + v.powi(4)) - 0.55).clamp(0.0, 0.2) / 0.2;
    let base = match (column + row) % 3 {
        0 => [0.93, 0.88, 0.78],
        1 => [0.80, 0.52, 0.30],
        _ => [0.36, 0.52, 0.66],
    };
    let shine = 0.9 + 0.1 * (1.0 - v);
    let [r, g, b] = base.map(|channel: f32| {
        let colour = 0.22 + (channel * shine - 0.22) * inside;
        // CAST: the value is clamped to a byte's range.
        (colour * 255.0).round().clamp(0.0, 255.0) as u8
    });
    [r, g, b, 255]
}

/// The next smaller level.
fn halved(level: &Level) -> Level {
    let size = level.size / 2;
    let at = |x: u32, y: u32, channel: usize| {
        u32::from(level.texels[((y * level.size + x) * 4) as usize + channel])
    };
    let mut texels = Vec::new();
    for y in 0..size {
        for x in 0..size {
            for channel in 0..4 {
                let (x, y) = (2 * x, 2 * y);
                let sum = at(x, y, channel)
                    + at(x + 1, y, channel)
                    + at(x, y + 1, channel)
                    + at(x + 1, y + 1, channel);
                // CAST: the average of four bytes is a byte.
                texels.push(((sum + 2) / 4) as u8);
            }
        }
    }
    Level { size, texels }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_halve_down_to_one_texel() {
        let levels = levels();
        let sizes: Vec<u32> = levels.iter().map(|level| level.size).collect();
        assert_eq!(sizes, [256, 128, 64, 32, 16, 8, 4, 2, 1]);
        assert!(levels.iter().all(|level| level.texels.len() == (level.size * level.size * 4) as usize));
    }

    #[test]
    fn a_level_is_the_average_of_the_one_before() {
        let square = Level {
            size: 2,
            texels: [[0, 0, 9, 255], [4, 0, 9, 255], [0, 1, 9, 255], [4, 0, 9, 255]].concat(),
        };
        assert_eq!(halved(&square).texels, [2, 0, 9, 255]);
    }
}
