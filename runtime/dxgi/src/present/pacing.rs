//! Vertical blanks: the moments at which a monitor takes a new picture.
//!
//! Nobody tells a program-local DXGI when they are, so they are counted from the start of the process at the monitor's refresh
//! rate. All swap chains and outputs of one rate share the same moments.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The vertical blanks of a monitor.
#[derive(Clone, Copy, Debug)]
pub struct Blanks {
    start: Instant,
    period: Duration,
}

impl Blanks {
    /// Those of a monitor with `hertz` refreshes per second (0 counts as 1).
    pub fn at_rate(hertz: u32) -> Self {
        static START: OnceLock<Instant> = OnceLock::new();
        Self { start: *START.get_or_init(Instant::now), period: Duration::from_secs(1) / hertz.max(1) }
    }

    /// Blanks that were before `at`: the number of the latest one.
    pub fn count(&self, at: Instant) -> u64 {
        let nanoseconds = at.saturating_duration_since(self.start).as_nanos() / self.period.as_nanos().max(1);
        u64::try_from(nanoseconds).unwrap_or(u64::MAX)
    }

    /// When blank `number` is.
    pub fn moment(&self, number: u64) -> Instant {
        let nanoseconds = u64::try_from(self.period.as_nanos()).unwrap_or(u64::MAX).saturating_mul(number);
        self.start + Duration::from_nanos(nanoseconds)
    }

    /// The blank at which a frame with `sync_interval` ≥ 1 is due when the frame before it was shown at blank `last`:
    /// never one that has passed.
    pub fn due(&self, now: Instant, last: Option<u64>, sync_interval: u32) -> u64 {
        let soonest = self.count(now).saturating_add(1);
        last.map_or(soonest, |last| last.saturating_add(u64::from(sync_interval)).max(soonest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_come_at_the_rate() {
        let blanks = Blanks { start: Instant::now(), period: Duration::from_millis(10) };
        let at = |milliseconds| blanks.start + Duration::from_millis(milliseconds);
        assert_eq!((blanks.count(at(0)), blanks.count(at(9)), blanks.count(at(25))), (0, 0, 2));
        assert_eq!(blanks.moment(3), at(30));
        assert_eq!(blanks.due(at(25), None, 1), 3);
        assert_eq!(blanks.due(at(25), Some(2), 1), 3);
        assert_eq!(blanks.due(at(25), Some(2), 4), 6);
        assert_eq!(blanks.due(at(95), Some(2), 1), 10);
    }
}
