//! Display modes: the list an output reports, and the one closest to a wish.
//!
//! Sources: the DXGI pages of `IDXGIOutput::GetDisplayModeList` and `IDXGIOutput::FindClosestMatchingMode`.

use super::format;

/// `DXGI_MODE_SCANLINE_ORDER_PROGRESSIVE`.
pub const PROGRESSIVE: i32 = 1;
/// `DXGI_MODE_SCALING_UNSPECIFIED`.
pub const SCALING_UNSPECIFIED: i32 = 0;
/// `DXGI_MODE_SCALING_CENTERED` and `DXGI_MODE_SCALING_STRETCHED`.
const SCALINGS: [i32; 2] = [1, 2];
/// `DXGI_ENUM_MODES_SCALING`: list scaled modes as well.
pub const ENUM_SCALING: u32 = 2;

/// A display mode, as in `DXGI_MODE_DESC`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Refreshes per second: numerator and denominator. 0/0 means "any" in a wish.
    pub refresh: (u32, u32),
    /// `DXGI_FORMAT`.
    pub format: u32,
    /// `DXGI_MODE_SCANLINE_ORDER`.
    pub scanline_order: i32,
    /// `DXGI_MODE_SCALING`.
    pub scaling: i32,
}

/// A mode as Windows itself lists it: width, height, refreshes per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timing {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Refreshes per second; 0 and 1 mean "the hardware's own" in `DEVMODEW`.
    pub frequency: u32,
}

impl Timing {
    /// Refreshes per second, 60 where the display driver does not tell.
    pub fn hertz(&self) -> u32 {
        if self.frequency > 1 { self.frequency } else { 60 }
    }
}

/// All modes in `enum_format`, sorted by size and then refresh rate, each once. `flags` are `DXGI_ENUM_MODES` bits.
///
/// A format that no monitor scans out has no modes. Scaled modes exist for every size but the largest.
pub fn list(timings: &[Timing], enum_format: u32, flags: u32) -> Vec<Mode> {
    if !format::is_scan_out(enum_format) {
        return Vec::new();
    }
    let mut timings: Vec<Timing> =
        timings.iter().map(|timing| Timing { frequency: timing.hertz(), ..*timing }).collect();
    timings.sort_unstable();
    timings.dedup();
    let largest = timings.last().map(|timing| (timing.width, timing.height));
    let mut modes = Vec::with_capacity(timings.len());
    for timing in timings {
        let mode = Mode {
            width: timing.width,
            height: timing.height,
            refresh: (timing.frequency, 1),
            format: enum_format,
            scanline_order: PROGRESSIVE,
            scaling: SCALING_UNSPECIFIED,
        };
        modes.push(mode);
        if flags & ENUM_SCALING != 0 && largest != Some((mode.width, mode.height)) {
            modes.extend(SCALINGS.map(|scaling| Mode { scaling, ..mode }));
        }
    }
    modes
}

/// The mode of `modes` that is closest to `wish`: size first, then refresh rate. Zeros in the wish mean "like `desktop`".
pub fn closest(modes: &[Mode], wish: &Mode, desktop: Timing) -> Option<Mode> {
    let (width, height) =
        if wish.width == 0 { (desktop.width, desktop.height) } else { (wish.width, wish.height) };
    let milli = |(numerator, denominator): (u32, u32)| {
        u64::from(numerator).saturating_mul(1000).checked_div(u64::from(denominator)).unwrap_or(0)
    };
    let hertz = match milli(wish.refresh) {
        0 => u64::from(desktop.hertz()) * 1000,
        wished => wished,
    };
    modes.iter().copied().min_by_key(|mode| {
        let away = u64::from(mode.width.abs_diff(width)) + u64::from(mode.height.abs_diff(height));
        let scaling = wish.scaling != SCALING_UNSPECIFIED && wish.scaling != mode.scaling;
        let order = wish.scanline_order != 0 && wish.scanline_order != mode.scanline_order;
        (order, away, scaling, milli(mode.refresh).abs_diff(hertz))
    })
}

/// Whether a wish is well-formed: width and height are both given or both open.
pub fn is_wish(wish: &Mode) -> bool {
    (wish.width == 0) == (wish.height == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn timing(width: u32, height: u32, frequency: u32) -> Timing {
        Timing { width, height, frequency }
    }

    const TIMINGS: [Timing; 5] = [
        timing(1024, 768, 75),
        timing(640, 480, 60),
        timing(1024, 768, 0),
        timing(1024, 768, 60),
        timing(800, 600, 60),
    ];

    fn wish(width: u32, height: u32, refresh: (u32, u32)) -> Mode {
        Mode { width, height, refresh, format: 28, scanline_order: 0, scaling: 0 }
    }

    #[test]
    fn modes_are_sorted_and_listed_once() {
        let modes = list(&TIMINGS, format::R8G8B8A8_UNORM, 0);
        let sizes: Vec<_> = modes.iter().map(|mode| (mode.width, mode.refresh)).collect();
        assert_eq!(sizes, [(640, (60, 1)), (800, (60, 1)), (1024, (60, 1)), (1024, (75, 1))]);
        assert!(list(&TIMINGS, format::UNKNOWN, 0).is_empty());
        assert!(list(&TIMINGS, format::B8G8R8X8_UNORM, 0).is_empty());
        // Two sizes below the largest, each plain, centred and stretched.
        assert_eq!(list(&TIMINGS, format::R8G8B8A8_UNORM, ENUM_SCALING).len(), 2 * 3 + 2);
    }

    #[test]
    fn the_closest_mode_is_found() {
        let modes = list(&TIMINGS, format::R8G8B8A8_UNORM, 0);
        let desktop = timing(1024, 768, 60);
        let found = |wish: Mode| closest(&modes, &wish, desktop).map(|mode| (mode.width, mode.refresh.0));
        assert_eq!(found(wish(0, 0, (0, 0))), Some((1024, 60)));
        assert_eq!(found(wish(1024, 768, (75, 1))), Some((1024, 75)));
        assert_eq!(found(wish(1024, 768, (74_000, 1000))), Some((1024, 75)));
        assert_eq!(found(wish(700, 500, (60, 1))), Some((640, 60)));
        assert_eq!(found(wish(10_000, 10_000, (0, 0))), Some((1024, 60)));
        assert_eq!(found(wish(1024, 768, (u32::MAX, 0))), Some((1024, 60)));
        assert_eq!(closest(&[], &wish(1, 1, (1, 1)), desktop), None);
        assert!(is_wish(&wish(0, 0, (0, 0))) && !is_wish(&wish(0, 480, (0, 0))));
    }
}
