//! Comparing frames with reference frames, pixel by pixel.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// By how much a channel may differ, of 255.
const CHANNEL_TOLERANCE: u8 = 2;
/// How many of a frame's pixels must be within the tolerance.
pub const PIXELS_REQUIRED: f64 = 0.995;

/// A picture's red, green and blue; transparency means nothing in a frame and is dropped.
#[derive(Debug)]
pub struct Picture {
    width: u32,
    height: u32,
    pixels: Vec<[u8; 3]>,
}

/// How well two series of frames match.
#[derive(Clone, Debug, PartialEq)]
pub struct Match {
    /// How many frames were compared.
    pub frames: usize,
    /// The worst frame's number, from 1.
    pub worst_frame: usize,
    /// The share of the worst frame's pixels that match, 0 to 1.
    pub worst: f64,
    /// The largest difference of any channel in any frame, of 255.
    pub largest_difference: u8,
}

impl Match {
    /// True if every frame matches well enough.
    pub fn passes(&self) -> bool {
        self.worst >= PIXELS_REQUIRED
    }
}

impl Picture {
    /// Reads a PNG file.
    ///
    /// # Errors
    /// If the file cannot be read or is not an 8-bit RGB or RGBA picture.
    pub fn read(file: &Path) -> Result<Self> {
        let unreadable =
            |error: &dyn std::fmt::Display| Error::Failed(format!("cannot read {}: {error}", file.display()));
        let input = File::open(file).map_err(Error::io("open", file))?;
        let mut reader =
            png::Decoder::new(BufReader::new(input)).read_info().map_err(|error| unreadable(&error))?;
        let size = reader.output_buffer_size().ok_or_else(|| unreadable(&"it is too large"))?;
        let mut bytes = vec![0; size];
        let info = reader.next_frame(&mut bytes).map_err(|error| unreadable(&error))?;
        let channels = match (info.color_type, info.bit_depth) {
            (png::ColorType::Rgb, png::BitDepth::Eight) => 3,
            (png::ColorType::Rgba, png::BitDepth::Eight) => 4,
            other => return Err(unreadable(&format!("its pixel format is {other:?}"))),
        };
        let pixels = bytes.chunks_exact(channels).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
        Ok(Self { width: info.width, height: info.height, pixels })
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// Red, green and blue of the pixel in column `x` of row `y`, if there is one.
    pub fn pixel(&self, x: u32, y: u32) -> Option<[u8; 3]> {
        let inside = x < self.width && y < self.height;
        let index = y as usize * self.width as usize + x as usize;
        self.pixels.get(index).copied().filter(|_| inside)
    }

    /// The share of pixels that are the same within the tolerance, and the largest difference of a channel.
    fn compare(&self, other: &Self) -> (f64, u8) {
        let differences = self.pixels.iter().zip(&other.pixels).map(|(a, b)| {
            let channels = a.iter().zip(b).map(|(a, b)| a.abs_diff(*b));
            channels.max().unwrap_or_default()
        });
        let (mut good, mut largest) = (0_usize, 0);
        for difference in differences {
            good += usize::from(difference <= CHANNEL_TOLERANCE);
            largest = largest.max(difference);
        }
        // CAST: pixel counts are far below 2^53.
        (good as f64 / self.pixels.len().max(1) as f64, largest)
    }
}

/// Compares all frames of a folder with the reference's.
///
/// # Errors
/// If there are no frames, another number of them, or frames of another size; or if one cannot be read.
pub fn folders(reference: &Path, found: &Path) -> Result<Match> {
    let (reference_frames, found_frames) = (frames(reference)?, frames(found)?);
    if reference_frames.is_empty() || reference_frames.len() != found_frames.len() {
        return Err(Error::Failed(format!(
            "{} frames were saved, the reference has {}",
            found_frames.len(),
            reference_frames.len()
        )));
    }
    let mut result =
        Match { frames: reference_frames.len(), worst_frame: 0, worst: f64::INFINITY, largest_difference: 0 };
    for (index, (reference, found)) in reference_frames.iter().zip(&found_frames).enumerate() {
        let one = files(reference, found)?;
        result.largest_difference = result.largest_difference.max(one.largest_difference);
        if one.worst < result.worst {
            result.worst = one.worst;
            result.worst_frame = index + 1;
        }
    }
    Ok(result)
}

/// Compares one picture with its reference.
///
/// # Errors
/// If one cannot be read, or if they are of different sizes.
pub fn files(reference: &Path, found: &Path) -> Result<Match> {
    let (expected, picture) = (Picture::read(reference)?, Picture::read(found)?);
    if (expected.width, expected.height) != (picture.width, picture.height) {
        return Err(Error::Failed(format!(
            "{} has {}×{} pixels, the reference {}×{}",
            found.display(),
            picture.width,
            picture.height,
            expected.width,
            expected.height
        )));
    }
    let (worst, largest_difference) = expected.compare(&picture);
    Ok(Match { frames: 1, worst_frame: 1, worst, largest_difference })
}

/// The frames in a folder, in order.
///
/// # Errors
/// If the folder cannot be read.
pub fn frames(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(Error::io("read", folder))?;
    let mut frames: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "png"))
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("frame-")))
        .collect();
    frames.sort();
    Ok(frames)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(value: u8, odd_pixels: usize, odd_value: u8) -> Picture {
        let mut pixels = vec![[value; 3]; 1000];
        for pixel in &mut pixels[..odd_pixels] {
            pixel[1] = odd_value;
        }
        Picture { width: 100, height: 10, pixels }
    }

    #[test]
    fn small_differences_match() {
        assert_eq!(grey(100, 0, 0).compare(&grey(102, 0, 0)), (1.0, 2));
        assert_eq!(grey(100, 0, 0).compare(&grey(103, 0, 0)), (0.0, 3));
    }

    #[test]
    fn few_pixels_may_differ() {
        let passes = |odd| {
            let (worst, largest_difference) = grey(100, 0, 0).compare(&grey(100, odd, 200));
            Match { frames: 1, worst_frame: 1, worst, largest_difference }.passes()
        };
        assert!(passes(5));
        assert!(!passes(6));
    }
}
