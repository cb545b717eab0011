//! How submissions end: what is reported to dxgkrnl next, who is woken, and for what the host is asked to interrupt.

use pvgpu_protocol::command::OpenGate;
use pvgpu_protocol::event::error_code;
use pvgpu_protocol::kernel_interface::counter;
use pvgpu_protocol::limits::MAX_CONTEXTS;
use pvgpu_protocol::telemetry::{Level, area, code};

use crate::context::Life;
use crate::core_state::Core;
use crate::kernel::{FaultKind, Kernel, Notification};
use crate::operation::{Operation, Piece};
use crate::ring0::KernelCommand;
use crate::state::Removal;
use crate::submission::{Pending, Work};

/// How far a fence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Reached.
    Reached,
    /// Not yet.
    Waiting,
    /// Never: the context is poisoned or gone, or the host is.
    Never(FaultKind),
}

/// What the DPC has to do outside the lock.
pub(crate) enum Next<K: Kernel> {
    /// Report this.
    Report(Notification),
    /// Do this piece of paging.
    Page(Piece<K>),
    /// Nothing: the host interrupts for the rest.
    Idle,
}

impl<K: Kernel> Core<K> {
    /// How far a fence of a context is. A fence that went backwards removes the adapter.
    pub(crate) fn progress(&mut self, kernel: &K, number: u32, generation: u64, value: u64) -> Progress {
        if !self.state.is_linked() {
            return Progress::Never(FaultKind::Host);
        }
        let Some(link) = &self.link else { return Progress::Never(FaultKind::Host) };
        let epoch = self.epoch;
        let Some(context) = self.contexts.by_generation(number, generation) else {
            return Progress::Never(FaultKind::Context { code: error_code::NONE });
        };
        if context.epoch != epoch {
            // The line is the next host's, which has zeroed it.
            return Progress::Never(FaultKind::Context { code: error_code::DEVICE_LOST });
        }
        match context.completed() {
            Ok(completed) if completed >= value => return Progress::Reached,
            Ok(_) => {}
            // The host zeroes the line of a context that it ends, before it says so.
            Err(_) if context.is_ending() => {}
            Err(_) => {
                self.trace(kernel, Level::Error, (area::SUBMISSION, code::FENCE_BACKWARDS), number, &[]);
                self.host_gone(kernel, Removal::HostLies);
                return Progress::Never(FaultKind::Host);
            }
        }
        match context.life {
            Life::Poisoned { code } => Progress::Never(FaultKind::Context { code }),
            Life::Live => {
                let code = context.line_error(&link.aperture);
                if code == error_code::NONE {
                    return Progress::Waiting;
                }
                self.poison(kernel, number, [u64::from(code), 0, u64::from(u32::MAX), 0]);
                Progress::Never(FaultKind::Context { code })
            }
            Life::Beginning | Life::Ending(_) => {
                Progress::Never(FaultKind::Context { code: error_code::NONE })
            }
        }
    }

    /// Opens the gates that submissions have asked for and that ring 0 had no room for.
    pub(crate) fn open_gates(&mut self, kernel: &K) {
        loop {
            let wanted = self
                .contexts
                .iter_mut()
                .find(|(_, context)| context.life == Life::Live && context.gate_wanted > context.gate_opened)
                .map(|(number, context)| (number, context.gate_wanted));
            let Some((context, number)) = wanted else { return };
            let command = KernelCommand::OpenGate(OpenGate { number, context, reserved: 0 });
            if self.send(kernel, command).is_err() {
                // Ring 0 is full, which the next DPC tries again, or the host is gone, which ends all waiting.
                return;
            }
            if let Some(context) = self.contexts.by_number(context) {
                context.gate_opened = number;
            }
            self.count(counter::GATES);
            self.trace(kernel, Level::Verbose, (area::SUBMISSION, code::GATE_OPENED), context, &[number]);
        }
    }

    /// Asks the host for an interrupt at whatever is waited for next. True when some of it is there already, so that no
    /// interrupt will come for it.
    pub(crate) fn arm(&mut self, kernel: &K) -> bool {
        if !self.state.is_linked() {
            return !self.queue.is_empty();
        }
        let mut head = None;
        match self.queue.head().map(|head| head.work) {
            Some(Work::Fence { context, generation, value }) => head = Some((context, generation, value)),
            Some(Work::Operation(Operation { fence: Some(value), .. })) => {
                let Some(link) = &mut self.link else { return true };
                match link.arm(value) {
                    Ok(false) => {}
                    Ok(true) => return true,
                    Err(_) => {
                        self.host_gone(kernel, Removal::HostLies);
                        return true;
                    }
                }
            }
            // Ring 0 has no room, or the memory to be paged is not to be had: the heartbeat looks again.
            Some(Work::Operation(_) | Work::Paging(_)) | None => {}
            Some(Work::Preemption | Work::Nothing) => return true,
        }
        let mut ready = false;
        let mut lies = false;
        for (number, context) in self.contexts.iter_mut().filter(|(_, context)| context.life == Life::Live) {
            let of_head = head
                .filter(|(head, generation, _)| (*head, *generation) == (number, context.generation))
                .map(|(.., value)| value);
            match context.arm(of_head) {
                Ok(reached) => ready |= reached,
                Err(_) => lies = true,
            }
        }
        if lies {
            self.host_gone(kernel, Removal::HostLies);
        }
        ready | lies
    }

    /// Wakes the sleepers whose fence is reached or never will be.
    fn wake_waiters(&mut self, kernel: &K) {
        for number in 0..MAX_CONTEXTS {
            let sleeper = self.contexts.by_number(number).and_then(|context| {
                let lowest =
                    context.waiters.iter().filter(|waiter| !waiter.woken).map(|waiter| waiter.value).min()?;
                Some((context.generation, lowest))
            });
            let Some((generation, lowest)) = sleeper else { continue };
            let progress = self.progress(kernel, number, generation, lowest);
            let Some(context) = self.contexts.by_number(number) else { continue };
            match progress {
                Progress::Waiting => {}
                Progress::Reached => {
                    let completed = context.completed().unwrap_or(u64::MAX);
                    context.wake(completed);
                }
                Progress::Never(_) => context.wake_all(),
            }
        }
    }

    /// What is to be done outside the lock now.
    ///
    /// Ends: each turn takes a submission or a sleeper out of the waiting.
    pub(crate) fn next(&mut self, kernel: &K) -> Next<K> {
        loop {
            self.take_events(kernel);
            self.open_gates(kernel);
            self.send_ends(kernel);
            self.free_revoked(kernel);
            self.wake_waiters(kernel);
            self.send_operations(kernel);
            if let Some(piece) = self.paging_piece() {
                return Next::Page(piece);
            }
            match self.queue.head().map(|head| self.look_at(kernel, head)) {
                Some(Look::Report(report)) => return Next::Report(report),
                Some(Look::Done) => continue,
                Some(Look::Waiting) | None => {}
            }
            if !self.arm(kernel) {
                return Next::Idle;
            }
        }
    }

    /// How the queue's head is; what is done is taken off the queue.
    fn look_at(&mut self, kernel: &K, head: Pending) -> Look {
        match head.work {
            Work::Fence { context, generation, value } => {
                match self.progress(kernel, context, generation, value) {
                    Progress::Waiting => Look::Waiting,
                    Progress::Reached => {
                        let what = (area::SUBMISSION, code::FENCE_COMPLETED);
                        let args = [u64::from(head.fence_id), value];
                        self.trace(kernel, Level::Verbose, what, context, &args);
                        self.complete(head)
                    }
                    Progress::Never(kind) => {
                        self.queue.fail_head();
                        Look::Report(Notification::DmaFaulted { faulted_fence_id: head.fence_id, kind })
                    }
                }
            }
            Work::Operation(Operation { fence: Some(value), .. }) => {
                match self.link.as_mut().map(crate::link::Link::completed) {
                    Some(Ok(completed)) if completed < value => Look::Waiting,
                    Some(Ok(_)) => self.complete(head),
                    Some(Err(_)) | None => {
                        // The next turn finds an operation without a host.
                        self.host_gone(kernel, Removal::HostLies);
                        Look::Waiting
                    }
                }
            }
            Work::Operation(_) => Look::Waiting,
            Work::Paging(work) if self.paging_finished(&work) => self.complete(head),
            Work::Paging(_) => Look::Waiting,
            Work::Nothing => self.complete(head),
            Work::Preemption => {
                self.queue.complete_head();
                Look::Report(Notification::DmaPreempted {
                    preemption_fence_id: head.fence_id,
                    last_completed_fence_id: self.queue.last_completed(),
                })
            }
        }
    }

    /// Takes the head off, which is done.
    fn complete(&mut self, head: Pending) -> Look {
        if !self.queue.complete_head() {
            return Look::Done;
        }
        self.count(counter::COMPLETIONS);
        Look::Report(Notification::DmaCompleted { submission_fence_id: head.fence_id })
    }
}

/// How the queue's head is.
enum Look {
    /// Reported to dxgkrnl.
    Report(Notification),
    /// Done, and there is more of its submission.
    Done,
    /// Not done.
    Waiting,
}
