//! Presented frames: where a device's presents come out.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pvgpu_transport::Region;

/// Takes a device's frames, in the order in which they were presented.
pub trait PresentSink: Send + Sync {
    /// A frame is there. `dxgi_context` is what the present's `pDXGIContext` held. Called on the device's present thread;
    /// as long as it takes, later frames wait.
    fn frame_ready(&self, dxgi_context: usize, frame: Frame);
}

/// How a frame lies in the aperture: as the user-mode driver said in the allocation's private data, and the kernel-mode
/// driver accepted it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Pixels.
    pub(crate) width: u32,
    /// Pixels.
    pub(crate) height: u32,
    /// Bytes from row to row.
    pub(crate) row_pitch: u32,
}

/// A frame in the aperture, `B8G8R8A8_UNORM`. Its place is used again once this is dropped.
pub struct Frame {
    pixels: Region,
    shape: Shape,
    sequence: u64,
    _slot: Slot,
}

impl Frame {
    pub(crate) fn new(pixels: Region, shape: Shape, sequence: u64, slot: Slot) -> Self {
        Self { pixels, shape, sequence, _slot: slot }
    }

    /// Pixels a row.
    pub fn width(&self) -> u32 {
        self.shape.width
    }

    /// Rows.
    pub fn height(&self) -> u32 {
        self.shape.height
    }

    /// Bytes from row to row.
    pub fn row_pitch(&self) -> u32 {
        self.shape.row_pitch
    }

    /// Bytes of the frame: row pitch × height.
    pub fn bytes(&self) -> usize {
        self.shape.row_pitch as usize * self.shape.height as usize
    }

    /// Counts the device's presents, from 1.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Copies the frame's first bytes out, as many as both sides have, and tells how many that were.
    ///
    /// The host may write the frame while it is copied, if it breaks the rules; then the copy shows it, nothing more.
    pub fn copy_to(&self, to: &mut [u8]) -> usize {
        let count = to.len().min(self.bytes());
        let (words, rest) = to.get_mut(..count).unwrap_or_default().as_chunks_mut::<8>();
        let cells = self.pixels.as_ref();
        for (word, cell) in words.iter_mut().zip(cells) {
            *word = cell.load(Ordering::Relaxed).to_le_bytes();
        }
        if let Some(last) = cells.get(words.len()) {
            for (to, from) in rest.iter_mut().zip(last.load(Ordering::Relaxed).to_le_bytes()) {
                *to = from;
            }
        }
        count
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frame").field("shape", &self.shape).field("sequence", &self.sequence).finish()
    }
}

/// How many of a device's frames are between the present and the end of their use.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    state: Mutex<ThrottleState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct ThrottleState {
    in_flight: u32,
    removed: bool,
}

/// How many frames more a program may have in flight because of the way to its host.
///
/// A program's frame latency is about frames that wait to be rendered. Over a link each frame is also on its way for a round trip,
/// in which nothing renders if the program waits for it: with a latency of 1, as SDL asks for, a frame would take its own time and a
/// round trip. So as many frames more may be in flight as begin within a round trip, where that is not next to nothing.
#[derive(Debug, Default)]
pub(crate) struct RunAhead(Mutex<Interval>);

/// The time from present to present.
#[derive(Debug, Default)]
struct Interval {
    last: Option<Instant>,
    /// Smoothed.
    ns: u64,
}

impl RunAhead {
    /// Frames more, for a present at `now`.
    pub(crate) fn frames(&self, round_trip: Duration, now: Instant) -> u32 {
        let mut interval = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = interval.last.replace(now) {
            // CAST: 584 years of nanoseconds fit.
            let ns = now.saturating_duration_since(last).as_nanos() as u64;
            interval.ns = if interval.ns == 0 { ns } else { interval.ns - interval.ns / 8 + ns / 8 };
        }
        // CAST: as above.
        let round_trip = round_trip.as_nanos() as u64;
        // A twentieth of a frame is nothing: a frame more would be a frame later.
        let counts = round_trip.saturating_sub(interval.ns / 20);
        u32::try_from(counts.div_ceil(interval.ns.max(1))).unwrap_or(u32::MAX)
    }
}

/// How a wait for a frame slot ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Throttled {
    Free,
    Timeout,
    Removed,
}

impl Throttle {
    /// Counts one frame more, until the slot is dropped.
    pub(crate) fn take(self: &Arc<Self>) -> Slot {
        let mut state = self.state();
        state.in_flight = state.in_flight.saturating_add(1);
        Slot { throttle: self.clone() }
    }

    /// Frames in flight.
    pub(crate) fn in_flight(&self) -> u32 {
        self.state().in_flight
    }

    /// Ends all waits for good: the device is removed.
    pub(crate) fn remove(&self) {
        self.state().removed = true;
        self.changed.notify_all();
    }

    /// Waits until fewer than `max` frames are in flight.
    pub(crate) fn wait(&self, max: u32, timeout: Duration) -> Throttled {
        let deadline = Instant::now() + timeout;
        let mut state = self.state();
        loop {
            if state.removed {
                return Throttled::Removed;
            }
            if state.in_flight < max.max(1) {
                return Throttled::Free;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Throttled::Timeout;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn state(&self) -> MutexGuard<'_, ThrottleState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One frame in flight.
#[derive(Debug)]
pub(crate) struct Slot {
    throttle: Arc<Throttle>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = self.throttle.state();
        state.in_flight = state.in_flight.saturating_sub(1);
        drop(state);
        self.throttle.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_on_their_way_may_be_more() {
        let ms = Duration::from_micros(1000);
        // At once the frames that a round trip takes, where frames take this long.
        let frames = |round_trip: Duration, frame: Duration| {
            let (run_ahead, mut now) = (RunAhead::default(), Instant::now());
            let mut more = 0;
            for _ in 0..100 {
                more = run_ahead.frames(round_trip, now);
                now += frame;
            }
            more
        };
        assert_eq!(frames(Duration::ZERO, ms), 0, "one machine");
        assert_eq!(frames(ms / 2, ms * 16), 0, "next to nothing");
        assert_eq!(frames(ms * 5, ms * 16), 1);
        assert_eq!(frames(ms * 5, ms * 2), 3);
        assert_eq!(RunAhead::default().frames(Duration::ZERO, Instant::now()), 0);
    }

    #[test]
    fn the_fourth_frame_waits_for_the_first() {
        let throttle = Arc::new(Throttle::default());
        let slots: Vec<_> = (0..3).map(|_| throttle.take()).collect();
        assert_eq!(throttle.in_flight(), 3);
        assert_eq!(throttle.wait(3, Duration::from_millis(1)), Throttled::Timeout);
        assert_eq!(throttle.wait(4, Duration::ZERO), Throttled::Free);
        let waiter = {
            let throttle = throttle.clone();
            std::thread::spawn(move || throttle.wait(3, Duration::from_secs(10)))
        };
        drop(slots);
        assert_eq!(waiter.join().expect("no panic"), Throttled::Free);
        throttle.remove();
        assert_eq!(throttle.wait(3, Duration::ZERO), Throttled::Removed);
    }
}
