//! Frames of a replay: compared with the recorded ones as they come, and handed on for files.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::memory::Heap;
use crate::record::FrameHash;
use crate::vulkan::{Frame, FrameWatch};

/// Frames that may wait for their counterpart; in flight are a handful.
const MAX_WAITING: usize = 1 << 16;

/// A frame as far as it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    pub context: u32,
    pub sequence: u64,
    pub width: u32,
    pub height: u32,
    pub hash: FrameHash,
}

/// Takes a frame's number, counted from 1, and its rows of `B8G8R8A8`; may block.
pub type FrameSink = Box<dyn Fn(u64, &Frame, Vec<u8>) + Send + Sync>;

/// How the frames of a replay compare with the recorded ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Matching {
    /// The same, byte for byte.
    pub same: u64,
    /// Of the same size, with other pixels.
    pub different: u64,
    /// Number of the first such frame, counted from 1; 0 for none.
    pub first_different: u64,
    /// Recorded and not presented now. Those that were presented behind the last recorded one had not reached the guest when the
    /// recording ended, and are no difference.
    pub missing: u64,
}

#[derive(Default)]
struct Inner {
    recorded: VecDeque<Known>,
    replayed: VecDeque<Known>,
    count: u64,
    matching: Matching,
}

/// Both rows of frames.
#[derive(Default)]
pub struct Frames {
    inner: Mutex<Inner>,
}

impl Frames {
    /// What the completion thread is to do.
    pub fn watch(self: &Arc<Self>, sink: Option<FrameSink>) -> FrameWatch {
        let frames = self.clone();
        Arc::new(move |frame: &Frame, heap: &Heap| {
            let rows = frame.rows(heap);
            let Frame { context, sequence, width, height, .. } = *frame;
            let number =
                frames.add(Known { context, sequence, width, height, hash: FrameHash::of(&rows) }, false);
            if let Some(sink) = &sink {
                sink(number, frame, rows);
            }
        })
    }

    /// A frame that the guest got.
    pub fn recorded(&self, frame: Known) {
        self.add(frame, true);
    }

    /// Gives the number of replayed frames.
    fn add(&self, frame: Known, recorded: bool) -> u64 {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let inner = &mut *inner;
        let row = if recorded { &mut inner.recorded } else { &mut inner.replayed };
        if row.len() < MAX_WAITING {
            row.push_back(frame);
        } else {
            inner.matching.missing += u64::from(recorded);
        }
        inner.count += u64::from(!recorded);
        while !inner.recorded.is_empty() && !inner.replayed.is_empty() {
            let (before, now) = (inner.recorded.pop_front(), inner.replayed.pop_front());
            let pixels = |frame: &Known| (frame.width, frame.height, frame.hash);
            if before.as_ref().map(pixels) == now.as_ref().map(pixels) {
                inner.matching.same += 1;
                continue;
            }
            inner.matching.different += 1;
            if inner.matching.first_different == 0 {
                inner.matching.first_different = inner.matching.same + inner.matching.different;
            }
        }
        inner.count
    }

    /// How many frames came, and how they compare; to be asked at the end.
    pub fn result(&self) -> (u64, Matching) {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let mut matching = inner.matching;
        matching.missing += inner.recorded.len() as u64;
        (inner.count, matching)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(number: u128) -> Known {
        Known { context: 1, sequence: 1, width: 2, height: 2, hash: FrameHash(number) }
    }

    #[test]
    fn frames_are_compared_in_order_whoever_comes_first() {
        let frames = Frames::default();
        frames.recorded(known(1));
        frames.recorded(known(2));
        assert_eq!(frames.add(known(1), false), 1);
        assert_eq!(frames.add(known(9), false), 2);
        assert_eq!(frames.add(known(3), false), 3);
        frames.recorded(Known { context: 7, sequence: 9, ..known(3) });
        frames.recorded(known(4));
        let matching = Matching { same: 2, different: 1, first_different: 2, missing: 1 };
        assert_eq!(frames.result(), (3, matching));
    }
}
