//! Watches the host: is its heartbeat still rising, does its control page still say that it serves us?

use pvgpu_protocol::aperture::HEARTBEAT_TIMEOUT_MS;

/// Time that passed between two looks counts at most this much, in nanoseconds: when this side itself did not run (a
/// suspended machine, a starved timer), the host cannot be blamed for it.
const MAX_STEP_NS: u64 = 250_000_000;

/// What is known of the host's heartbeat.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HostWatch {
    beat: u64,
    looked_at: u64,
    still_ns: u64,
}

impl HostWatch {
    /// Begins to watch at time `now`.
    pub(crate) const fn new(beat: u64, now: u64) -> Self {
        Self { beat, looked_at: now, still_ns: 0 }
    }

    /// Takes a reading; tells whether the host lives.
    pub(crate) fn look(&mut self, beat: u64, now: u64) -> bool {
        let step = now.saturating_sub(self.looked_at).min(MAX_STEP_NS);
        self.looked_at = now;
        if beat == self.beat {
            self.still_ns = self.still_ns.saturating_add(step);
        } else {
            self.beat = beat;
            self.still_ns = 0;
        }
        self.still_ns <= HEARTBEAT_TIMEOUT_MS * 1_000_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn a_second_of_silence_is_the_end() {
        let mut watch = HostWatch::new(5, 0);
        for tick in 1..=10 {
            assert!(watch.look(5, tick * 100 * MS), "{tick}");
        }
        assert!(!watch.look(5, 1100 * MS));
        assert!(watch.look(6, 1200 * MS), "any change counts");
    }

    #[test]
    fn our_own_sleep_is_not_the_hosts_fault() {
        let mut watch = HostWatch::new(5, 0);
        assert!(watch.look(5, 3_600_000 * MS), "an hour in suspend");
        assert!(watch.look(6, 3_600_010 * MS));
        assert!(watch.look(6, 0), "a clock that goes backwards counts as no time");
    }
}
