//! Heap ranges that ring 0 has taken back while the GPU could still touch them, and ring 0's fences behind them.
//!
//! The kernel-mode driver gives a range to another process once a fence behind its `RevokeHeap` has completed. So such a
//! fence waits for the work that was submitted before and uses the range; only for that, and ring 0 itself goes on.

#![forbid(unsafe_code)]

use std::collections::VecDeque;

use crate::vulkan::Work;

#[derive(Debug)]
enum Waiting {
    /// Work that uses a revoked range.
    Work(Work),
    /// A fence of ring 0.
    Fence(u64),
}

/// What ring 0's fences wait for, in ring 0's order.
#[derive(Debug, Default)]
pub struct Revokes {
    queue: VecDeque<Waiting>,
}

impl Revokes {
    /// A range was revoked that this work may still touch; none when there is no such work.
    pub fn wait(&mut self, work: Option<Work>) {
        let Some(work) = work else { return };
        let joined = match self.queue.back_mut() {
            Some(Waiting::Work(last)) => last.extend(&work),
            _ => false,
        };
        if !joined {
            self.queue.push_back(Waiting::Work(work));
        }
    }

    /// A fence of ring 0, higher than those before: gives it back when it may complete at once.
    pub fn fence(&mut self, value: u64) -> Option<u64> {
        match self.queue.back_mut() {
            None => return Some(value),
            // Nothing lies between: the earlier one is complete with this one, no later than it would have been.
            Some(Waiting::Fence(last)) => *last = value,
            Some(Waiting::Work(_)) => self.queue.push_back(Waiting::Fence(value)),
        }
        None
    }

    /// The highest fence that may complete now, if one has waited.
    pub fn finished(&mut self) -> Option<u64> {
        let mut highest = None;
        while let Some(waiting) = self.queue.pop_front_if(|waiting| match waiting {
            Waiting::Work(work) => work.is_done(),
            Waiting::Fence(_) => true,
        }) {
            if let Waiting::Fence(value) = waiting {
                highest = Some(value);
            }
        }
        highest
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vulkan::Progress;

    #[test]
    fn fences_wait_for_what_was_revoked_before_them_only() {
        let (a, b) = (Progress::default(), Progress::default());
        let mut revokes = Revokes::default();
        assert_eq!(revokes.fence(1), Some(1), "nothing was revoked");
        revokes.wait(None);
        assert_eq!(revokes.fence(2), Some(2), "nobody used it");
        revokes.wait(Some(a.until(3)));
        revokes.wait(Some(a.until(5)));
        assert_eq!(revokes.fence(3), None);
        assert_eq!(revokes.fence(4), None);
        revokes.wait(Some(b.until(1)));
        assert_eq!(revokes.fence(5), None);
        assert_eq!(revokes.finished(), None);
        a.until(4).finish();
        assert_eq!(revokes.finished(), None, "one of two revokes is still waited for");
        a.until(5).finish();
        assert_eq!(revokes.finished(), Some(4));
        assert!(!revokes.is_empty());
        b.until(1).finish();
        assert_eq!(revokes.finished(), Some(5));
        assert!(revokes.is_empty());
        assert_eq!(revokes.fence(6), Some(6));
    }

    #[test]
    fn fences_complete_in_order() {
        let (slow, fast) = (Progress::default(), Progress::default());
        let mut revokes = Revokes::default();
        revokes.wait(Some(slow.until(1)));
        assert_eq!(revokes.fence(1), None);
        revokes.wait(Some(fast.until(1)));
        assert_eq!(revokes.fence(2), None);
        fast.until(1).finish();
        assert_eq!(revokes.finished(), None);
        slow.until(1).finish();
        assert_eq!(revokes.finished(), Some(2));
    }
}
