//! Pictures: texels as numbers, whatever the format was, and PNG files to look at.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use windows::Win32::Graphics::Dxgi::Common::DXGI_FORMAT;

use super::format;

/// Texels from left to right and top to bottom.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    pub width: u32,
    pub height: u32,
    /// Red, green, blue, alpha; what a format lacks is 0, or 1 for alpha. Integers are kept as numbers.
    pub texels: Vec<[f32; 4]>,
}

impl Picture {
    /// Texels of a format, from bytes.
    pub fn decoded(format: DXGI_FORMAT, width: u32, bytes: &[u8]) -> Self {
        let texels = format::decode(format, bytes);
        // CAST: pictures are small.
        Self { width, height: texels.len() as u32 / width, texels }
    }

    /// Each texel changed.
    pub fn map(&self, change: impl Fn([f32; 4]) -> [f32; 4]) -> Self {
        Self { texels: self.texels.iter().map(|texel| change(*texel)).collect(), ..*self }
    }

    /// The texel in column x of row y.
    ///
    /// # Panics
    /// If there is none.
    pub fn at(&self, x: u32, y: u32) -> [f32; 4] {
        self.texels[(y * self.width + x) as usize]
    }

    /// Calls something for each texel's column and row.
    pub fn places(&self) -> impl Iterator<Item = (u32, u32)> {
        let width = self.width;
        (0..self.height).flat_map(move |y| (0..width).map(move |x| (x, y)))
    }

    /// How many texels satisfy a condition.
    pub fn count(&self, condition: impl Fn([f32; 4]) -> bool) -> usize {
        self.texels.iter().filter(|texel| condition(**texel)).count()
    }

    /// Saves red, green and blue, cut to the range from 0 to 1.
    pub fn save(&self, file: &Path) -> std::io::Result<()> {
        let mut encoder = png::Encoder::new(BufWriter::new(File::create(file)?), self.width, self.height);
        encoder.set_color(png::ColorType::Rgba);
        encoder.set_depth(png::BitDepth::Eight);
        // CAST: the range is 0 to 255.
        let bytes: Vec<u8> =
            self.texels.iter().flatten().map(|value| (value.clamp(0.0, 1.0) * 255.0).round() as u8).collect();
        encoder.write_header()?.write_image_data(&bytes)?;
        Ok(())
    }
}
