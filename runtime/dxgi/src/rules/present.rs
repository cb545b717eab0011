//! Arguments of Present: which are allowed, and how many frames may be in flight.

use pvgpu_protocol::limits::MAX_FRAMES_IN_FLIGHT;

use super::chain::{Chain, flag as chain_flag};

/// `DXGI_PRESENT` flags.
pub mod flag {
    /// `DXGI_PRESENT_TEST`: only tell whether presenting would work.
    pub const TEST: u32 = 1;
    /// `DXGI_PRESENT_DO_NOT_SEQUENCE`: show the same buffer again, do not take turns.
    pub const DO_NOT_SEQUENCE: u32 = 2;
    /// `DXGI_PRESENT_RESTART`: forget frames that wait to be shown.
    pub const RESTART: u32 = 4;
    /// `DXGI_PRESENT_DO_NOT_WAIT`: fail rather than wait for a free frame.
    pub const DO_NOT_WAIT: u32 = 8;
    /// `DXGI_PRESENT_RESTRICT_TO_OUTPUT`.
    pub const RESTRICT_TO_OUTPUT: u32 = 64;
    /// `DXGI_PRESENT_ALLOW_TEARING`.
    pub const ALLOW_TEARING: u32 = 512;
    /// Flags that can be served.
    pub const SUPPORTED: u32 =
        TEST | DO_NOT_SEQUENCE | RESTART | DO_NOT_WAIT | RESTRICT_TO_OUTPUT | ALLOW_TEARING;
}

/// The largest sync interval.
pub const MAX_SYNC_INTERVAL: u32 = 4;
/// The largest `SetMaximumFrameLatency`.
pub const MAX_LATENCY: u32 = 16;
/// The frame latency of a swap chain with a waitable object until the application sets another.
pub const WAITABLE_LATENCY: u32 = 1;

/// Whether `Present(sync_interval, flags)` is a valid call on `chain`, which is full-screen or not.
pub fn is_valid(chain: &Chain, fullscreen: bool, sync_interval: u32, flags: u32) -> bool {
    let tearing = flags & flag::ALLOW_TEARING == 0
        || (sync_interval == 0 && !fullscreen && chain.flags & chain_flag::ALLOW_TEARING != 0);
    sync_interval <= MAX_SYNC_INTERVAL && flags & !flag::SUPPORTED == 0 && tearing
}

/// Presents that may be in flight before the application waits: its own limit, and those that are complete and only wait for
/// the window, but never more than frames have slots.
pub fn frames_in_flight(latency: u32, complete: u32) -> u32 {
    latency.saturating_add(complete).clamp(1, MAX_FRAMES_IN_FLIGHT)
}

/// Whether an application may ask for this latency.
pub fn is_latency(latency: u32) -> bool {
    (1..=MAX_LATENCY).contains(&latency)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::chain::Request;

    fn chain(flags: u32) -> Chain {
        let request = Request {
            width: 64,
            height: 64,
            format: 28,
            stereo: false,
            sample_count: 1,
            sample_quality: 0,
            usage: 0x20,
            buffer_count: 2,
            scaling: 0,
            effect: 4,
            alpha_mode: 0,
            flags,
        };
        request.check((64, 64)).unwrap()
    }

    #[test]
    fn arguments_are_checked() {
        let (plain, tearing) = (chain(0), chain(chain_flag::ALLOW_TEARING));
        assert!(is_valid(&plain, false, 4, 0));
        assert!(!is_valid(&plain, false, 5, 0));
        assert!(!is_valid(&plain, false, 0, 16));
        assert!(!is_valid(&plain, false, 0, flag::ALLOW_TEARING));
        assert!(is_valid(&tearing, false, 0, flag::ALLOW_TEARING));
        assert!(!is_valid(&tearing, false, 1, flag::ALLOW_TEARING));
        assert!(!is_valid(&tearing, true, 0, flag::ALLOW_TEARING));
    }

    #[test]
    fn frames_in_flight_stay_within_the_slots() {
        assert_eq!([0, 1, 2, 3, 16].map(|latency| frames_in_flight(latency, 0)), [1, 1, 2, 3, 3]);
        assert_eq!([0, 1, 2, 3, u32::MAX].map(|complete| frames_in_flight(1, complete)), [1, 2, 3, 3, 3]);
        assert_eq!([0, 1, 16, 17].map(is_latency), [false, true, true, false]);
    }
}
