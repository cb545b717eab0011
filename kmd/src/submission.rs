//! What dxgkrnl has submitted and waits for: the only place where its 32-bit fence ids meet the protocol's 64-bit fences.
//!
//! dxgkrnl numbers everything it submits to a node with a `SubmissionFenceId`, a `u32` that wraps, and wants completions
//! in that order. A context's fence is a `u64` of the protocol, and so is ring 0's. A submission is one or more pieces of
//! [`Work`]; the queue holds them in dxgkrnl's order, so a context that is slow holds back the reports (not the work) of
//! those behind it.

use alloc::collections::VecDeque;

use crate::operation::{Operation, PagingWork};
use crate::status::Status;

/// Pieces of work that dxgkrnl may have outstanding; its own limit, a few submissions to a node at a time, is far below.
/// 0.6 MiB of memory, which is taken when the device starts.
pub(crate) const MAX_PENDING: usize = 4096;
/// One place more, so that a full queue always holds a submission, or a preemption request, that another can join.
const SPARE: usize = 1;

/// What waits in the queue.
#[derive(Clone, Copy, Debug, PartialEq)]
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
    /// Done by the host, on ring 0, when all before it is done.
    Operation(Operation),
    /// Done by the processor, when all before it is done.
    Paging(PagingWork),
    /// Done when all before it is.
    Nothing,
    /// A preemption request: done when all before it is.
    Preemption,
}

/// One piece of a submission.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pending {
    /// dxgkrnl's number.
    pub(crate) fence_id: u32,
    /// It ends its submission, which is then reported.
    pub(crate) last: bool,
    /// What it waits for.
    pub(crate) work: Work,
}

/// The submissions of the one node, in dxgkrnl's order.
pub(crate) struct SubmissionQueue {
    pending: VecDeque<Pending>,
    last_submitted: u32,
    last_completed: u32,
    /// Counts every piece that was completed, so that standstill shows.
    completed: u64,
}

impl SubmissionQueue {
    /// An empty queue; nothing has completed.
    pub(crate) const fn new() -> Self {
        Self { pending: VecDeque::new(), last_submitted: 0, last_completed: 0, completed: 0 }
    }

    /// Takes the memory that the queue will need, so that submitting never allocates.
    pub(crate) fn reserve(&mut self) -> Result<(), Status> {
        self.pending.try_reserve_exact(MAX_PENDING + SPARE).map_err(|_| Status::NoMemory)
    }

    /// Whether so many pieces of work have room.
    pub(crate) fn has_room(&self, pieces: usize) -> bool {
        // Before the adapter is started there is no memory, and none is taken here.
        let places = self.pending.capacity().saturating_sub(SPARE).min(MAX_PENDING);
        self.pending.len() + pieces <= places
    }

    /// Appends a piece of work. Never fails, as dxgkrnl would answer with a bug check: what finds no room joins the last of its
    /// kind, and is reported with it.
    pub(crate) fn push(&mut self, pending: Pending) {
        if pending.work != Work::Preemption {
            self.last_submitted = pending.fence_id;
        }
        if self.has_room(1) {
            self.pending.push_back(pending);
        } else {
            self.join(pending);
        }
    }

    /// Gives the last submission another number, or the last preemption request.
    fn join(&mut self, pending: Pending) {
        let is_preemption = pending.work == Work::Preemption;
        let of_kind = |other: &Pending| (other.work == Work::Preemption) == is_preemption;
        let last = self.pending.iter().rev().find(|other| of_kind(other)).map(|other| other.fence_id);
        if let Some(last) = last {
            // All that is left of it.
            let others = self.pending.iter_mut().rev().filter(|other| of_kind(other));
            for other in others.take_while(|other| other.fence_id == last) {
                other.fence_id = pending.fence_id;
            }
        } else if self.pending.len() < self.pending.capacity() {
            // None of its kind: then nobody has taken the spare place. Without memory there is no adapter to report for.
            self.pending.push_back(pending);
        }
    }

    /// The piece to be done or reported next.
    pub(crate) fn head(&self) -> Option<Pending> {
        self.pending.front().copied()
    }

    /// The first piece that is no preemption request.
    pub(crate) fn first_work(&self) -> Option<Pending> {
        self.pending.iter().find(|pending| pending.work != Work::Preemption).copied()
    }

    /// The head, to be changed.
    pub(crate) fn head_mut(&mut self) -> Option<&mut Pending> {
        self.pending.front_mut()
    }

    /// All pieces, in order.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Pending> {
        self.pending.iter_mut()
    }

    /// Takes the head off, which is done. Tells whether its submission is done with it and is to be reported.
    pub(crate) fn complete_head(&mut self) -> bool {
        let Some(pending) = self.pending.pop_front() else { return false };
        self.completed += 1;
        if pending.last && pending.work != Work::Preemption {
            self.last_completed = pending.fence_id;
        }
        pending.last
    }

    /// Takes the head off with all that is left of its submission, which has failed and is reported at once.
    pub(crate) fn fail_head(&mut self) {
        while !self.pending.is_empty() && !self.complete_head() {}
    }

    /// Forgets everything: dxgkrnl does not wait for it any more.
    pub(crate) fn clear(&mut self) {
        self.pending.clear();
    }

    /// What `DxgkDdiQueryCurrentFence` tells.
    pub(crate) fn last_completed(&self) -> u32 {
        self.last_completed
    }

    /// The submission that came last.
    pub(crate) fn last_submitted(&self) -> u32 {
        self.last_submitted
    }

    /// Everything up to this id counts as completed: dxgkrnl gave up waiting for it.
    pub(crate) fn give_up(&mut self, last: u32) {
        self.last_completed = last;
    }

    /// How many pieces were ever completed.
    pub(crate) fn progress(&self) -> u64 {
        self.completed
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// How many pieces wait.
    pub(crate) fn len(&self) -> usize {
        self.pending.len()
    }
}

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use super::*;

    fn fence(value: u64) -> Work {
        Work::Fence { context: 1, generation: 1, value }
    }

    fn whole(fence_id: u32, work: Work) -> Pending {
        Pending { fence_id, last: true, work }
    }

    #[test]
    fn ids_wrap_and_preemption_is_not_a_completion() {
        let mut queue = SubmissionQueue::new();
        queue.reserve().expect("memory");
        queue.push(whole(u32::MAX, fence(u64::from(u32::MAX))));
        queue.push(whole(7, Work::Preemption));
        queue.push(whole(0, fence(u64::from(u32::MAX) + 1)));
        assert_eq!(queue.last_submitted(), 0);
        assert!(queue.complete_head());
        assert_eq!(queue.last_completed(), u32::MAX);
        assert!(queue.complete_head());
        assert_eq!(queue.last_completed(), u32::MAX);
        assert_eq!(queue.head().map(|head| head.work), Some(fence(1 << 32)));
        assert!(queue.complete_head());
        assert_eq!(queue.last_completed(), 0);
        assert!(queue.is_empty());
        assert_eq!(queue.progress(), 3);
    }

    #[test]
    fn a_submission_of_pieces_is_one() {
        let mut queue = SubmissionQueue::new();
        queue.reserve().expect("memory");
        for (fence_id, last) in [(5, false), (5, false), (5, true), (6, false), (6, true), (7, true)] {
            queue.push(Pending { fence_id, last, work: Work::Nothing });
        }
        assert!(!queue.complete_head());
        assert_eq!(queue.last_completed(), 0, "half of it is done");
        queue.fail_head();
        assert_eq!((queue.last_completed(), queue.len()), (5, 3), "the rest of 5 went with it");
        queue.fail_head();
        assert_eq!(queue.head().map(|head| head.fence_id), Some(7));
        queue.clear();
        assert!(queue.is_empty());
        queue.fail_head();
        assert_eq!(queue.last_completed(), 6);
    }

    #[test]
    fn the_queue_is_bounded() {
        let mut queue = SubmissionQueue::new();
        queue.reserve().expect("memory");
        let capacity = queue.pending.capacity();
        for fence_id in 0..MAX_PENDING as u32 {
            queue.push(Pending { fence_id: fence_id / 2, last: fence_id % 2 == 1, work: Work::Nothing });
        }
        assert!(queue.has_room(0) && !queue.has_room(1));
        let of_both = |queue: &SubmissionQueue| {
            let of_submissions = queue.pending.iter().filter(|pending| pending.work == Work::Nothing);
            let ids: Vec<u32> = of_submissions.rev().take(3).map(|pending| pending.fence_id).collect();
            (ids, queue.pending.back().map(|pending| pending.fence_id), queue.len(), queue.last_submitted())
        };
        for fence_id in [5000, 5001] {
            queue.push(whole(fence_id, Work::Nothing));
        }
        for fence_id in [7, 8] {
            queue.push(whole(fence_id, Work::Preemption));
        }
        assert_eq!(of_both(&queue), (vec![5001, 5001, 2046], Some(8), MAX_PENDING + 1, 5001));
        queue.push(whole(5002, Work::Nothing));
        assert_eq!(of_both(&queue), (vec![5002, 5002, 2046], Some(8), MAX_PENDING + 1, 5002));

        queue.clear();
        for fence_id in 0..MAX_PENDING as u32 + 5 {
            queue.push(whole(fence_id, Work::Preemption));
        }
        for fence_id in [1, 2] {
            queue.push(whole(fence_id, Work::Nothing));
        }
        assert_eq!(of_both(&queue), (vec![2], Some(2), MAX_PENDING + 1, 2));
        assert_eq!(queue.pending.capacity(), capacity, "no memory is taken");
        let mut stopped = SubmissionQueue::new();
        stopped.push(whole(1, Work::Nothing));
        assert!(stopped.is_empty());
    }
}
