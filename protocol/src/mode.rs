//! Display modes: what a custom mode may be, and how one is written.

use core::fmt;

/// Smallest custom mode, in pixels; below it Windows refuses to show a desktop.
pub const MIN_EXTENT: (u32, u32) = (640, 480);
/// Largest custom mode, in pixels: 8K.
pub const MAX_EXTENT: (u32, u32) = (7680, 4320);
/// Slowest refresh, in frames a second × 1000.
pub const MIN_REFRESH_MILLIHERTZ: u32 = 24_000;
/// Fastest refresh, in frames a second × 1000.
pub const MAX_REFRESH_MILLIHERTZ: u32 = 240_000;

/// A display mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DisplayMode {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Frames a second × 1000.
    pub refresh_millihertz: u32,
}

impl DisplayMode {
    /// Asks that there be no custom mode any more.
    pub const NONE: Self = Self { width: 0, height: 0, refresh_millihertz: 0 };

    /// Bytes of one frame with 32 bits a pixel, each row a multiple of 256 bytes; saturates.
    pub const fn frame_bytes(self) -> u64 {
        // CAST: widening.
        (self.width as u64 * 4).next_multiple_of(256).saturating_mul(self.height as u64)
    }

    /// Checks the rules for a custom mode.
    ///
    /// # Errors
    /// [`BadMode`] names the broken rule.
    pub const fn check(self) -> Result<(), BadMode> {
        if self.width < MIN_EXTENT.0 || self.width > MAX_EXTENT.0 || !self.width.is_multiple_of(2) {
            return Err(BadMode::Width { pixels: self.width });
        }
        if self.height < MIN_EXTENT.1 || self.height > MAX_EXTENT.1 {
            return Err(BadMode::Height { pixels: self.height });
        }
        if self.refresh_millihertz < MIN_REFRESH_MILLIHERTZ
            || self.refresh_millihertz > MAX_REFRESH_MILLIHERTZ
        {
            return Err(BadMode::Refresh { millihertz: self.refresh_millihertz });
        }
        Ok(())
    }
}

impl fmt::Display for DisplayMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}@{}", self.width, self.height, self.refresh_millihertz / 1000)?;
        match self.refresh_millihertz % 1000 {
            0 => Ok(()),
            part => write!(f, ".{part:03}"),
        }
    }
}

/// A mode that nobody may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadMode {
    /// The width is odd or out of its range.
    Width {
        /// What was asked.
        pixels: u32,
    },
    /// The height is out of its range.
    Height {
        /// What was asked.
        pixels: u32,
    },
    /// The refresh is out of its range.
    Refresh {
        /// What was asked.
        millihertz: u32,
    },
}

impl fmt::Display for BadMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Width { pixels } => write!(
                f,
                "a width of {pixels} is not an even number from {} to {}",
                MIN_EXTENT.0, MAX_EXTENT.0
            ),
            Self::Height { pixels } => {
                write!(f, "a height of {pixels} is not from {} to {}", MIN_EXTENT.1, MAX_EXTENT.1)
            }
            Self::Refresh { millihertz } => write!(
                f,
                "a refresh of {}.{:03} Hz is not from {} to {} Hz",
                millihertz / 1000,
                millihertz % 1000,
                MIN_REFRESH_MILLIHERTZ / 1000,
                MAX_REFRESH_MILLIHERTZ / 1000
            ),
        }
    }
}

impl core::error::Error for BadMode {}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString as _;

    use super::*;

    fn check(width: u32, height: u32, refresh_millihertz: u32, expect: Result<(), BadMode>) {
        let mode = DisplayMode { width, height, refresh_millihertz };
        assert_eq!(mode.check(), expect, "{mode}");
    }

    #[test]
    fn bounds_of_a_custom_mode() {
        check(640, 480, 24_000, Ok(()));
        check(7680, 4320, 240_000, Ok(()));
        check(1366, 768, 59_940, Ok(()));
        check(638, 480, 60_000, Err(BadMode::Width { pixels: 638 }));
        check(1281, 720, 60_000, Err(BadMode::Width { pixels: 1281 }));
        check(7682, 4320, 60_000, Err(BadMode::Width { pixels: 7682 }));
        check(640, 479, 60_000, Err(BadMode::Height { pixels: 479 }));
        check(640, 4321, 60_000, Err(BadMode::Height { pixels: 4321 }));
        check(640, 480, 23_999, Err(BadMode::Refresh { millihertz: 23_999 }));
        check(640, 480, 240_001, Err(BadMode::Refresh { millihertz: 240_001 }));
        check(u32::MAX, u32::MAX, u32::MAX, Err(BadMode::Width { pixels: u32::MAX }));
    }

    #[test]
    fn modes_read_well() {
        let mode = DisplayMode { width: 1920, height: 1080, refresh_millihertz: 59_940 };
        assert_eq!(mode.to_string(), "1920x1080@59.940");
        assert_eq!(DisplayMode { refresh_millihertz: 144_000, ..mode }.to_string(), "1920x1080@144");
        assert_eq!(mode.frame_bytes(), 7680 * 1080);
        let largest = DisplayMode { width: u32::MAX, height: u32::MAX, refresh_millihertz: 0 };
        assert_eq!(largest.frame_bytes(), u64::MAX);
    }
}
