//! What dxgkrnl has submitted and waits for: the only place where its 32-bit fence ids meet the protocol's 64-bit fences.
//!
//! dxgkrnl numbers everything it submits to a node with a `SubmissionFenceId`, a `u32` that wraps, and wants completions
//! in that order. A context's fence is a `u64` of the protocol. A submission is the pair; the queue holds the pairs in
//! dxgkrnl's order, so a context that is slow holds back the reports (not the work) of those behind it.

use alloc::collections::VecDeque;

use crate::status::Status;

/// Submissions that dxgkrnl may have outstanding; its own limit is far below.
const MAX_PENDING: usize = 4096;

/// What waits in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Done when the context's fence reaches the value.
    Fence {
        /// The context's number.
        context: u32,
        /// The life of that number, so that a later context with the same number is not waited for.
        generation: u64,
        /// The protocol fence.
        value: u64,
    },
    /// A preemption request: done when all before it is.
    Preemption,
}

/// One submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pending {
    /// dxgkrnl's number.
    pub(crate) fence_id: u32,
    /// What it waits for.
    pub(crate) work: Work,
}

/// The submissions of the one node, in dxgkrnl's order.
pub(crate) struct SubmissionQueue {
    pending: VecDeque<Pending>,
    last_completed: u32,
}

impl SubmissionQueue {
    /// An empty queue; nothing has completed.
    pub(crate) const fn new() -> Self {
        Self { pending: VecDeque::new(), last_completed: 0 }
    }

    /// Takes the memory that the queue will need, so that submitting never allocates.
    pub(crate) fn reserve(&mut self) -> Result<(), Status> {
        self.pending.try_reserve_exact(MAX_PENDING).map_err(|_| Status::NoMemory)
    }

    /// Appends a submission.
    pub(crate) fn push(&mut self, pending: Pending) -> Result<(), Status> {
        if self.pending.len() >= MAX_PENDING {
            return Err(Status::InsufficientDmaBuffer { needed: MAX_PENDING + 1 });
        }
        self.pending.push_back(pending);
        Ok(())
    }

    /// The submission to be reported next.
    pub(crate) fn head(&self) -> Option<Pending> {
        self.pending.front().copied()
    }

    /// Takes the head off; what is completed becomes the last completed one.
    pub(crate) fn complete_head(&mut self) {
        if let Some(pending) = self.pending.pop_front()
            && pending.work != Work::Preemption
        {
            self.last_completed = pending.fence_id;
        }
    }

    /// What `DxgkDdiQueryCurrentFence` tells.
    pub(crate) fn last_completed(&self) -> u32 {
        self.last_completed
    }

    /// Whether anything waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_wrap_and_preemption_is_not_a_completion() {
        let mut queue = SubmissionQueue::new();
        queue.reserve().expect("memory");
        let fence = |value| Work::Fence { context: 1, generation: 1, value };
        queue.push(Pending { fence_id: u32::MAX, work: fence(u64::from(u32::MAX)) }).expect("room");
        queue.push(Pending { fence_id: 7, work: Work::Preemption }).expect("room");
        queue.push(Pending { fence_id: 0, work: fence(u64::from(u32::MAX) + 1) }).expect("room");
        queue.complete_head();
        assert_eq!(queue.last_completed(), u32::MAX);
        queue.complete_head();
        assert_eq!(queue.last_completed(), u32::MAX);
        assert_eq!(queue.head().map(|head| head.work), Some(fence(1 << 32)));
        queue.complete_head();
        assert_eq!(queue.last_completed(), 0);
        assert!(queue.is_empty());
    }

    #[test]
    fn the_queue_is_bounded() {
        let mut queue = SubmissionQueue::new();
        queue.reserve().expect("memory");
        let pending = Pending { fence_id: 1, work: Work::Preemption };
        for _ in 0..MAX_PENDING {
            queue.push(pending).expect("room");
        }
        assert!(queue.push(pending).is_err());
    }
}
