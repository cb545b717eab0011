//! The vertical blanking clock: arithmetic on the time, no state that ticks.
//!
//! Blanking periods have numbers; number n begins n frames after an epoch, computed anew each time, so that nothing drifts.
//! While nobody wants the interrupt, no timer runs: `GetScanLine` computes where a beam would be.
//!
//! ```text
//!   blanking n           picture                          blanking n+1
//!   |◄── v_blank lines ──►|◄───────── height lines ───────►|
//!   epoch + n frames
//! ```

use super::timing::Timing;

/// Where the beam is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanLine {
    /// Between two pictures.
    pub in_vertical_blank: bool,
    /// The line: 0 is the picture's first, lines of the blanking period follow the picture's last.
    pub scan_line: u32,
}

/// The clock of one target.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VsyncClock {
    /// Whether dxgkrnl wants the interrupt.
    enabled: bool,
    /// When blanking period 0 began, in nanoseconds of the kernel's clock.
    epoch_ns: u64,
    /// The last blanking period that was reported or skipped.
    reported: u64,
}

/// What a timer's expiry is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tick {
    /// A blanking period has begun since the last look.
    pub(crate) report: bool,
    /// Nanoseconds until the next one begins.
    pub(crate) next_in_ns: u64,
}

/// Nanoseconds × millihertz in a frame: 1000 seconds' nanoseconds.
const NS_TIMES_MILLIHERTZ: u128 = 1_000_000_000_000;

impl VsyncClock {
    /// A clock that reports nothing.
    pub(crate) const fn new() -> Self {
        Self { enabled: false, epoch_ns: 0, reported: 0 }
    }

    /// A mode was set: a new epoch begins, and with it the numbers.
    pub(crate) fn restart(&mut self, now_ns: u64) {
        self.epoch_ns = now_ns;
        self.reported = 0;
    }

    /// Whether dxgkrnl wants the interrupt.
    pub(crate) const fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Turns the interrupt on or off; gives the nanoseconds until the first one.
    pub(crate) fn enable(&mut self, enabled: bool, timing: &Timing, now_ns: u64) -> Option<u64> {
        self.enabled = enabled;
        if !enabled {
            return None;
        }
        // What began before is not news.
        self.reported = self.period(timing, now_ns);
        Some(self.until(timing, self.reported.saturating_add(1), now_ns))
    }

    /// The timer expired; `None` when nobody wants to know any more. Periods that passed unseen, because a timer is no more
    /// exact than the system's tick, are reported as one.
    pub(crate) fn tick(&mut self, timing: &Timing, now_ns: u64) -> Option<Tick> {
        if !self.enabled {
            return None;
        }
        let period = self.period(timing, now_ns);
        let report = period > self.reported;
        self.reported = self.reported.max(period);
        Some(Tick { report, next_in_ns: self.until(timing, self.reported.saturating_add(1), now_ns) })
    }

    /// Where the beam is now.
    pub(crate) fn scan_line(&self, timing: &Timing, now_ns: u64) -> ScanLine {
        let phase = self.frames(timing, now_ns) % NS_TIMES_MILLIHERTZ;
        // Less than the whole, since the phase is.
        let line = phase * u128::from(timing.v_total) / NS_TIMES_MILLIHERTZ;
        let line = u32::try_from(line).unwrap_or(0);
        match line.checked_sub(timing.v_blank()) {
            Some(scan_line) => ScanLine { in_vertical_blank: false, scan_line },
            None => ScanLine { in_vertical_blank: true, scan_line: timing.mode.height.saturating_add(line) },
        }
    }

    /// Frames since the epoch, in units of 10⁻¹² frames.
    fn frames(&self, timing: &Timing, now_ns: u64) -> u128 {
        u128::from(now_ns.saturating_sub(self.epoch_ns)) * u128::from(timing.mode.refresh_millihertz)
    }

    /// The number of the blanking period that began last.
    fn period(&self, timing: &Timing, now_ns: u64) -> u64 {
        u64::try_from(self.frames(timing, now_ns) / NS_TIMES_MILLIHERTZ).unwrap_or(u64::MAX)
    }

    /// Nanoseconds until a blanking period begins, rounded up, so that it has begun when they are over.
    fn until(&self, timing: &Timing, period: u64, now_ns: u64) -> u64 {
        let rate = u128::from(timing.mode.refresh_millihertz.max(1));
        let since_epoch = (u128::from(period) * NS_TIMES_MILLIHERTZ).div_ceil(rate);
        let elapsed = u128::from(now_ns.saturating_sub(self.epoch_ns));
        u64::try_from(since_epoch.saturating_sub(elapsed)).unwrap_or(u64::MAX).max(1)
    }
}
