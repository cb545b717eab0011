//! What a worker counts, and the spread of its fence latencies.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pvgpu_control::Latency;

use super::Screens;
use crate::vulkan::Counters;

/// Buckets of a power of two.
const STEPS: u64 = 8;
/// Buckets in all: from 0 µs to about 2^30 µs.
const BUCKETS: usize = 31 * STEPS as usize;

/// Counters of a worker. Each has one writer.
#[derive(Debug, Default)]
pub struct Stats {
    /// Of the executor.
    pub gpu: Arc<Counters>,
    /// Commands executed.
    pub commands: AtomicU64,
    /// Bytes of records taken from rings.
    pub ring_bytes: AtomicU64,
    /// Contexts alive.
    pub contexts: AtomicU64,
    /// Contexts poisoned.
    pub errors: AtomicU64,
    /// Waits of application threads, by telemetry.
    pub sync_round_trips: AtomicU64,
    /// Telemetry records lost.
    pub telemetry_dropped: AtomicU64,
    /// Copies and fills that ring 0 asked for, and the bytes that they wrote.
    pub blits: AtomicU64,
    /// See [`Stats::blits`].
    pub blit_bytes: AtomicU64,
    screens: Mutex<Screens>,
    /// Rises with each record and each turn of the executor's loop: the watchdog's sign of life.
    pub beats: AtomicU64,
    /// From a fence's record decoded to its value written.
    pub fence_latency: Histogram,
}

impl Stats {
    /// What the guest's screens show. Held for a moment by whoever looks.
    pub fn screens(&self) -> MutexGuard<'_, Screens> {
        self.screens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A histogram of durations in microseconds, with 8 buckets for each power of two: off by at most an eighth.
#[derive(Debug)]
pub struct Histogram {
    buckets: [AtomicU64; BUCKETS],
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: [const { AtomicU64::new(0) }; BUCKETS] }
    }
}

impl Histogram {
    /// Adds one measurement.
    pub fn add(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let last = self.buckets.last();
        if let Some(bucket) = self.buckets.get(index(micros)).or(last) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The spread of everything added.
    pub fn latency(&self) -> Latency {
        let counts: Vec<u64> = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect();
        let samples = counts.iter().sum();
        Latency {
            p50_us: percentile(&counts, samples, 50),
            p99_us: percentile(&counts, samples, 99),
            samples,
        }
    }
}

/// The bucket of a value: values below 8 have their own.
fn index(value: u64) -> usize {
    let power = value.checked_ilog2().unwrap_or(0).max(3);
    let step = (value >> (power - 3)) & (STEPS - 1);
    let base = u64::from(power - 3) * STEPS;
    // CAST: at most 61 × 8 + 15.
    if value < STEPS { value as usize } else { (base + STEPS + step) as usize }
}

/// The smallest value of a bucket.
fn floor(index: usize) -> u64 {
    let index = index as u64;
    if index < STEPS {
        return index;
    }
    let power = index / STEPS - 1;
    (STEPS + index % STEPS) << power
}

fn percentile(counts: &[u64], samples: u64, percent: u64) -> u64 {
    let rank = (samples * percent).div_ceil(100).max(1);
    let mut seen = 0;
    for (index, count) in counts.iter().enumerate() {
        seen += count;
        if *count != 0 && seen >= rank {
            return floor(index);
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_each_other() {
        let mut last = 0;
        for value in (0..100_000).chain([1 << 29, u64::MAX]) {
            let index = index(value);
            assert!(index == last || index == last + 1 || value >= 1 << 29, "{value}");
            assert!(floor(index) <= value, "{value}");
            assert!(value >= 1 << 29 || value - floor(index) <= value / 8, "{value}");
            last = index;
        }
    }

    #[test]
    fn percentiles() {
        let histogram = Histogram::default();
        assert_eq!(histogram.latency(), Latency::default());
        for micros in 1..=100 {
            histogram.add(Duration::from_micros(micros));
        }
        histogram.add(Duration::MAX);
        let latency = histogram.latency();
        assert_eq!(latency.samples, 101);
        assert!((44..=51).contains(&latency.p50_us), "{latency:?}");
        assert!((88..=100).contains(&latency.p99_us), "{latency:?}");
    }
}
