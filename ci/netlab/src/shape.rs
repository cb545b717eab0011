//! What one direction of a path does to packets, as arithmetic on a clock that the caller reads.
//!
//! A packet first takes its time on the wire (the rate), then the delay and a part of the jitter. Packets keep their order: one
//! that would overtake leaves together with the one before it. Chance is a fixed sequence of numbers from the seed, one pair for
//! each packet, so that which packets are lost depends on nothing but the seed and their order.

use std::time::Duration;

/// Picoseconds of a second: fine enough that rounding a packet's time never adds up to anything.
const PICOS: u128 = 1_000_000_000_000;
const PICOS_OF_NANO: u64 = 1_000;
/// Parts of a whole, for [`Shape::loss_ppm`].
const MILLION: u64 = 1_000_000;

/// One direction of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Bits a second; None for as fast as it goes.
    pub rate: Option<u64>,
    /// Added to each packet.
    pub delay: Duration,
    /// Each packet gets an even share between nothing and this on top.
    pub jitter: Duration,
    /// Packets of a million that are lost.
    pub loss_ppm: u32,
    /// Bytes that may wait for the wire; what comes when it is full is dropped.
    pub queue: usize,
    /// Where chance begins.
    pub seed: u64,
}

impl Shape {
    /// Nothing that would need a queue.
    pub fn is_immediate(&self) -> bool {
        self.rate.is_none() && self.delay.is_zero() && self.jitter.is_zero()
    }
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It leaves at this time.
    Leaves(Duration),
    /// It is lost by chance, after its time on the wire.
    Lost,
    /// The queue in front of the wire is full.
    Full,
}

/// Decides on packets in the order of their coming.
#[derive(Debug)]
pub struct Shaper {
    shape: Shape,
    chance: Chance,
    /// When the wire is free again, in picoseconds.
    free: u64,
    /// When the last packet leaves, in picoseconds.
    last: u64,
}

impl Shaper {
    /// A direction on which nothing has been sent.
    pub fn new(shape: Shape) -> Self {
        Self { shape, chance: Chance(shape.seed), free: 0, last: 0 }
    }

    /// A packet of so many bytes comes at `now`, which is a time since any fixed moment and never goes back.
    pub fn admit(&mut self, now: Duration, bytes: usize) -> Verdict {
        let (loss, jitter) = (self.chance.next(), self.chance.next());
        let now = picos(now);
        let start = now.max(self.free);
        if let Some(rate) = self.shape.rate {
            let rate = u128::from(rate.max(1));
            // CAST: a `usize` fits.
            let waiting = u128::from(start - now) * rate / (8 * PICOS);
            if waiting > 0 && waiting + bytes as u128 > self.shape.queue as u128 {
                return Verdict::Full;
            }
            let time = bytes as u128 * 8 * PICOS / rate;
            self.free = start.saturating_add(u64::try_from(time).unwrap_or(u64::MAX));
        } else {
            self.free = now;
        }
        if loss % MILLION < u64::from(self.shape.loss_ppm) {
            return Verdict::Lost;
        }
        // CAST: the product of two 64-bit numbers, divided by 2^64, has 64 bits.
        let share = ((u128::from(picos(self.shape.jitter)) * u128::from(jitter)) >> 64) as u64;
        let leaves = self.free.saturating_add(picos(self.shape.delay)).saturating_add(share);
        self.last = self.last.max(leaves);
        Verdict::Leaves(Duration::from_nanos(self.last.div_ceil(PICOS_OF_NANO)))
    }
}

/// Picoseconds; 213 days and more are 213 days.
fn picos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).saturating_mul(PICOS_OF_NANO)
}

/// SplitMix64: a sequence of numbers that look like chance.
#[derive(Debug)]
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Shape = Shape {
        rate: None,
        delay: Duration::ZERO,
        jitter: Duration::ZERO,
        loss_ppm: 0,
        queue: usize::MAX,
        seed: 1,
    };
    const MS: Duration = Duration::from_millis(1);

    fn leaves(verdict: Verdict) -> Duration {
        match verdict {
            Verdict::Leaves(at) => at,
            other => panic!("{other:?} instead of a time"),
        }
    }

    #[test]
    fn a_plain_path_lets_everything_through_at_once() {
        assert!(PLAIN.is_immediate());
        let mut shaper = Shaper::new(PLAIN);
        for packet in 0..100 {
            assert_eq!(shaper.admit(MS * packet, 1500), Verdict::Leaves(MS * packet));
        }
    }

    #[test]
    fn the_rate_holds_exactly_over_many_packets() {
        // 1 Gb/s, whose packet of 1,501 bytes takes 12.008 µs; all come at once.
        let mut shaper = Shaper::new(Shape { rate: Some(1_000_000_000), delay: 5 * MS, ..PLAIN });
        let mut last = Duration::ZERO;
        for packet in 1..=100_000 {
            last = leaves(shaper.admit(Duration::ZERO, 1501));
            assert_eq!(last, 5 * MS + Duration::from_nanos(12_008) * packet);
        }
        // A rate that divides nothing evenly: 3 Gb/s, 64 bytes take 170.67 ns.
        let mut shaper = Shaper::new(Shape { rate: Some(3_000_000_000), ..PLAIN });
        for _ in 0..3_000_000 {
            last = leaves(shaper.admit(Duration::ZERO, 64));
        }
        let off = last.abs_diff(Duration::from_millis(512));
        assert!(off < Duration::from_micros(3), "{off:?} off after 3 million packets");
    }

    #[test]
    fn the_wire_rests_when_nothing_comes() {
        let mut shaper = Shaper::new(Shape { rate: Some(8_000_000), ..PLAIN });
        assert_eq!(leaves(shaper.admit(MS, 1000)), 2 * MS);
        assert_eq!(leaves(shaper.admit(10 * MS, 1000)), 11 * MS);
    }

    #[test]
    fn a_full_queue_drops_and_takes_no_time_of_the_wire() {
        // 1,000 bytes take 1 ms; 3,000 may wait.
        let mut shaper = Shaper::new(Shape { rate: Some(8_000_000), queue: 3000, ..PLAIN });
        let verdicts: Vec<Verdict> = (0..5).map(|_| shaper.admit(Duration::ZERO, 1000)).collect();
        assert_eq!(verdicts[..3], [1, 2, 3].map(|ms| Verdict::Leaves(ms * MS)));
        assert_eq!(verdicts[3..], [Verdict::Full; 2]);
        assert_eq!(shaper.admit(MS, 1000), Verdict::Leaves(4 * MS));
        // However large a packet is, an idle wire takes it.
        assert_eq!(shaper.admit(10 * MS, 60_000), Verdict::Leaves(70 * MS));
    }

    #[test]
    fn jitter_stays_in_its_bounds_and_keeps_the_order() {
        let shape = Shape { delay: 5 * MS, jitter: 2 * MS, seed: 7, ..PLAIN };
        let mut shaper = Shaper::new(shape);
        let (mut last, mut sum) = (Duration::ZERO, Duration::ZERO);
        let count = 20_000;
        for packet in 0..count {
            // Far enough apart that none has to wait for the one before it.
            let now = 3 * MS * packet;
            let at = leaves(shaper.admit(now, 100));
            let delay = at - now;
            assert!((5 * MS..=7 * MS).contains(&delay), "{delay:?}");
            assert!(at >= last);
            (last, sum) = (at, sum + delay);
        }
        let mean = sum / count;
        assert!(mean.abs_diff(6 * MS) < Duration::from_micros(20), "mean {mean:?}");
        // Close together: the order stays, and nothing leaves later than its own bound or its predecessor.
        let mut shaper = Shaper::new(shape);
        let mut last = Duration::ZERO;
        for packet in 0..count {
            let now = Duration::from_micros(10) * packet;
            let at = leaves(shaper.admit(now, 100));
            assert!(at >= last && at >= now + 5 * MS && at <= now + 7 * MS);
            last = at;
        }
    }

    #[test]
    fn loss_is_the_seeds_and_as_frequent_as_asked() {
        let lost = |seed: u64, gap: Duration| -> Vec<u32> {
            let mut shaper = Shaper::new(Shape { loss_ppm: 10_000, seed, ..PLAIN });
            (0..100_000).filter(|packet| shaper.admit(gap * *packet, 100) == Verdict::Lost).collect()
        };
        let first = lost(3, MS);
        assert_eq!(first, lost(3, Duration::ZERO), "the time makes no difference");
        assert_ne!(first, lost(4, MS));
        // 1% of 100,000: the standard deviation is 31.
        assert!((900..1100).contains(&first.len()), "{} lost", first.len());
        let mut shaper = Shaper::new(Shape { loss_ppm: 1_000_000, ..PLAIN });
        assert!((0..1000).all(|_| shaper.admit(MS, 100) == Verdict::Lost));
    }

    #[test]
    fn what_is_lost_has_taken_its_time_on_the_wire() {
        let mut shaper = Shaper::new(Shape { rate: Some(8_000_000), loss_ppm: 500_000, ..PLAIN });
        for packet in 1..=100 {
            match shaper.admit(Duration::ZERO, 1000) {
                Verdict::Leaves(at) => assert_eq!(at, packet * MS),
                verdict => assert_eq!(verdict, Verdict::Lost),
            }
        }
    }
}
