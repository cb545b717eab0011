//! dxgkrnl's scheduler as far as the model needs it: one node, submissions in order, reports from the driver.
//!
//! A submission gets its fence id and reaches the driver under one lock, so that the driver sees ids in order. Reports come
//! at device level, where nothing may wait or call back; they are only noted there. The DPC acts on them.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pvgpu_kmd::{FaultKind, Notification, Status};

use crate::device::{DeviceState, RemovedReason};
use crate::frame::Frame;

/// What happens when a submission is done.
pub(crate) enum Then {
    /// Nothing more: it was a `Render`.
    Nothing,
    /// A frame is there, for `pDXGIContext`.
    Show {
        /// What the caller gave.
        dxgi_context: usize,
        /// The frame.
        frame: Frame,
    },
}

/// A submission that the driver has not reported yet.
struct InFlight {
    fence_id: u32,
    device: Arc<DeviceState>,
    then: Then,
}

/// The scheduler of the one node.
pub(crate) struct Scheduler {
    queue: Mutex<Queue>,
    /// Reports that the DPC has to act on.
    reported: Mutex<Vec<Report>>,
}

#[derive(Default)]
struct Queue {
    last_fence_id: u32,
    in_flight: VecDeque<InFlight>,
}

/// How a submission ended.
enum Outcome {
    Done,
    Faulted(FaultKind),
}

struct Report {
    submission: InFlight,
    outcome: Outcome,
}

impl Scheduler {
    pub(crate) fn new() -> Self {
        Self { queue: Mutex::default(), reported: Mutex::default() }
    }

    /// Gives a submission its fence id and hands it to the driver.
    pub(crate) fn submit(
        &self,
        device: Arc<DeviceState>,
        then: Then,
        to_driver: impl FnOnce(u32) -> Result<(), Status>,
    ) -> Result<(), Status> {
        let mut queue = self.queue();
        let fence_id = queue.last_fence_id.wrapping_add(1);
        queue.in_flight.push_back(InFlight { fence_id, device, then });
        match to_driver(fence_id) {
            Ok(()) => {
                queue.last_fence_id = fence_id;
                Ok(())
            }
            Err(status) => {
                let refused = queue.in_flight.pop_back();
                drop(queue);
                // A frame that was never presented gives its slot back without the lock.
                drop(refused);
                Err(status)
            }
        }
    }

    /// `DxgkCbNotifyInterrupt`. Device level.
    pub(crate) fn notify_interrupt(&self, notification: Notification) {
        let (fence_id, outcome) = match notification {
            Notification::DmaCompleted { submission_fence_id } => (submission_fence_id, Outcome::Done),
            Notification::DmaFaulted { faulted_fence_id, kind } => (faulted_fence_id, Outcome::Faulted(kind)),
            // The model never asks for a preemption.
            Notification::DmaPreempted { .. } => return,
        };
        let submission = {
            let mut queue = self.queue();
            let head = queue.in_flight.front().map(|head| head.fence_id);
            // PANIC: the driver's own mistake: Windows would answer a fence out of order with
            // VIDEO_SCHEDULER_INTERNAL_ERROR.
            assert_eq!(head, Some(fence_id), "the driver reported a fence out of order");
            queue.in_flight.pop_front()
        };
        if let Some(submission) = submission {
            self.reported().push(Report { submission, outcome });
        }
    }

    /// `DxgkCbNotifyDpc`: acts on what was reported. `DISPATCH_LEVEL`.
    pub(crate) fn notify_dpc(&self) {
        let reports = mem::take(&mut *self.reported());
        for Report { submission, outcome } in reports {
            match (outcome, submission.then) {
                (Outcome::Done, Then::Show { dxgi_context, frame }) => {
                    submission.device.show(dxgi_context, frame);
                }
                (Outcome::Done, Then::Nothing) => {}
                (Outcome::Faulted(FaultKind::Context { code }), _) => {
                    submission.device.remove(RemovedReason::Context { code });
                }
                // The adapter is removed, which all its devices are told at once.
                (Outcome::Faulted(FaultKind::Host), _) => {}
            }
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reported(&self) -> MutexGuard<'_, Vec<Report>> {
        self.reported.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
