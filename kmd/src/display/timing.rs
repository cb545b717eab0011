//! Signal timings, computed as VESA's Coordinated Video Timings Standard 1.2 prescribes for reduced blanking, version 2.
//!
//! There is no cable and no crystal. The timings exist because Windows' mode sets, the EDID and `GetScanLine` speak in
//! them. Version 2 is taken because it has a one-pixel character cell: any width that the host asks for is possible.
//!
//! # The formula (CVT 1.2, section 5.4, with the constants of table 5-4)
//! ```text
//! h_period_estimate = (1 000 000 / rate − 460) / lines          [µs; the rate in Hz]
//! blank_lines       = max(⌊460 / h_period_estimate⌋ + 1, 1 + 8 + 6)
//! total_lines       = lines + blank_lines
//! total_pixels      = pixels + 80                               (front 8, sync 32, back 40)
//! pixel_clock       = rate × total_lines × total_pixels
//! ```
//! Vertically the sync has 8 lines, the back porch 6 and the front porch the rest; horizontal sync is positive, vertical
//! sync negative. The estimate is a quotient of integers, so nothing is rounded before the floor. The last step of the
//! standard, rounding the clock down to a multiple of 1 kHz, is left out: a virtual signal can have exactly the rate that
//! its mode states, and then Windows shows 60 Hz instead of 59.999.

use pvgpu_protocol::mode::DisplayMode;

/// `RB_MIN_V_BLANK`: the shortest vertical blanking time, in microseconds.
const MIN_BLANK_US: u64 = 460;
/// `RB_H_BLANK` of version 2, in pixels, and its parts.
const H_BLANK: u32 = 80;
const H_FRONT_PORCH: u32 = 8;
const H_SYNC: u32 = 32;
/// `RB_V_FPORCH` of version 2: the least, in lines.
const V_MIN_FRONT_PORCH: u32 = 1;
/// Lines of vertical sync of version 2.
const V_SYNC: u32 = 8;
/// `RB_MIN_V_BPORCH`, in lines.
const V_BACK_PORCH: u32 = 6;

/// A signal's timing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// The mode.
    pub mode: DisplayMode,
    /// Pixels in a line, blanking included.
    pub h_total: u32,
    /// Pixels between the picture and the sync.
    pub h_front_porch: u32,
    /// Pixels of horizontal sync.
    pub h_sync: u32,
    /// Lines, blanking included.
    pub v_total: u32,
    /// Lines between the picture and the sync.
    pub v_front_porch: u32,
    /// Lines of vertical sync.
    pub v_sync: u32,
    /// Pixels a second, rounded to the nearest.
    pub pixel_clock_hz: u64,
}

impl Timing {
    /// The timing of a mode. Total: modes of any size and rate have one; those beyond what [`DisplayMode::check`] accepts
    /// saturate.
    pub fn new(mode: DisplayMode) -> Self {
        let rate = u64::from(mode.refresh_millihertz).max(1);
        let lines = u64::from(mode.height);
        // ⌊460 / ((10⁹ / rate − 460) / lines)⌋, both sides multiplied by the rate (here in millihertz).
        let frame = 1_000_000_000_u64.saturating_sub(MIN_BLANK_US.saturating_mul(rate)).max(1);
        let blank = MIN_BLANK_US.saturating_mul(lines).saturating_mul(rate) / frame;
        let least = V_MIN_FRONT_PORCH + V_SYNC + V_BACK_PORCH;
        let blank = u32::try_from(blank.saturating_add(1)).unwrap_or(u32::MAX).max(least);
        let v_total = mode.height.saturating_add(blank);
        let h_total = mode.width.saturating_add(H_BLANK);
        let area = u128::from(h_total) * u128::from(v_total);
        let clock = (area * u128::from(rate) + 500) / 1000;
        Self {
            mode,
            h_total,
            h_front_porch: H_FRONT_PORCH,
            h_sync: H_SYNC,
            v_total,
            v_front_porch: blank - V_SYNC - V_BACK_PORCH,
            v_sync: V_SYNC,
            pixel_clock_hz: u64::try_from(clock).unwrap_or(u64::MAX),
        }
    }

    /// Lines without picture.
    pub const fn v_blank(&self) -> u32 {
        self.v_total - self.mode.height
    }

    /// Pixels without picture in each line.
    pub const fn h_blank(&self) -> u32 {
        self.h_total - self.mode.width
    }

    /// Lines in 1000 seconds; saturates.
    pub fn h_sync_millihertz(&self) -> u32 {
        self.v_total.saturating_mul(self.mode.refresh_millihertz)
    }
}
