//! What the adapter's lock protects, and the steps that are taken while it is held.
//!
//! Nothing here waits or calls dxgkrnl. Methods that take the [`Kernel`] use it for the clock, the doorbell and the DPC.

use pvgpu_protocol::aperture::{guest_cell, host_cell};
use pvgpu_protocol::command::OpenGate;
use pvgpu_protocol::event::error_code;
use pvgpu_protocol::limits::MAX_CONTEXTS;
use pvgpu_protocol::telemetry::{Level, area, code};

use crate::bring_up::{Link, host_end, load, store};
use crate::context::{ContextTable, Life};
use crate::ddi::allocation::{Allocation, OpenedAllocation};
use crate::events::HostEvent;
use crate::heap::Heap;
use crate::kernel::{FaultKind, Kernel, Notification};
use crate::ring0::KernelCommand;
use crate::slab::Slab;
use crate::state::{AdapterEvent, AdapterState, Removal};
use crate::status::Status;
use crate::submission::{Pending, SubmissionQueue, Work};
use crate::trace::Trace;

/// Events taken at one look. An honest host has a few for each context at most.
const EVENTS_A_LOOK: u32 = 4 * MAX_CONTEXTS;

/// A device: what a process opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Device {
    /// The process.
    pub(crate) process: u32,
}

/// Who reports to dxgkrnl: only one DPC at a time, so that reports keep their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reporter {
    /// Nobody.
    Idle,
    /// A DPC is at it.
    Busy,
    /// A DPC is at it, and must look again because another one came.
    BusyAgain,
}

/// Everything behind the lock.
pub(crate) struct Core<K: Kernel> {
    pub(crate) state: AdapterState,
    pub(crate) link: Option<Link<K>>,
    pub(crate) heap: Option<Heap>,
    pub(crate) contexts: ContextTable<K>,
    pub(crate) devices: Slab<Device>,
    pub(crate) allocations: Slab<Allocation>,
    pub(crate) opened: Slab<OpenedAllocation>,
    pub(crate) queue: SubmissionQueue,
    pub(crate) reporter: Reporter,
    pub(crate) next_waiter: u64,
}

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

impl<K: Kernel> Core<K> {
    /// An adapter that is stopped.
    pub(crate) const fn new() -> Self {
        Self {
            state: AdapterState::Stopped,
            link: None,
            heap: None,
            contexts: ContextTable::new(),
            devices: Slab::new(),
            allocations: Slab::new(),
            opened: Slab::new(),
            queue: SubmissionQueue::new(),
            reporter: Reporter::Idle,
            next_waiter: 1,
        }
    }

    /// The link of an adapter that accepts work.
    pub(crate) fn working_link(&mut self) -> Result<&mut Link<K>, Status> {
        self.link.as_mut().filter(|_| self.state.accepts_work()).ok_or(Status::DeviceRemoved)
    }

    /// Writes a trace record, if there is a ring for it.
    pub(crate) fn trace(
        &mut self,
        kernel: &K,
        level: Level,
        (area, code): (u16, u16),
        context: u32,
        args: &[u64],
    ) {
        if let Some(link) = &mut self.link {
            let mut all = [0; 4];
            for (to, from) in all.iter_mut().zip(args) {
                *to = *from;
            }
            link.tracer.record(kernel, Trace { level, area, code, context, args: all });
        }
    }

    /// Sends a command on ring 0.
    pub(crate) fn send(&mut self, kernel: &K, command: KernelCommand) -> Result<(), Status> {
        let Some(link) = self.link.as_mut().filter(|_| self.state.is_linked()) else {
            return Err(Status::DeviceRemoved);
        };
        match link.ring0.push(command) {
            Ok(wake) => {
                if wake {
                    kernel.ring_doorbell();
                }
                Ok(())
            }
            Err(Status::Ring(_)) => {
                self.host_gone(kernel, Removal::HostLies);
                Err(Status::DeviceRemoved)
            }
            Err(status) => Err(status),
        }
    }

    /// The host is gone: nothing completes any more, everybody who waits is told.
    pub(crate) fn host_gone(&mut self, kernel: &K, why: Removal) {
        let was_linked = self.state.is_linked();
        if let Ok(state) = self.state.next(AdapterEvent::HostGone(why)) {
            self.state = state;
        }
        if !was_linked {
            return;
        }
        let reason = match why {
            Removal::HostSaysGone { reason } => reason,
            _ => 0,
        };
        self.trace(kernel, Level::Error, (area::ADAPTER, code::HOST_GONE), 0, &[reason]);
        for (_, context) in self.contexts.iter_mut() {
            context.wake_all();
        }
        kernel.queue_dpc();
    }

    /// The context executes no more.
    pub(crate) fn poison(&mut self, kernel: &K, number: u32, error: [u64; 4]) {
        let Some(context) = self.contexts.by_number(number) else { return };
        if context.life != Life::Live {
            return;
        }
        // CAST: the code was a u32 when it came.
        context.life = Life::Poisoned { code: error[0] as u32 };
        context.wake_all();
        self.trace(kernel, Level::Error, (area::CONTEXT, code::CONTEXT_ERROR), number, &error);
    }

    /// One look at both heartbeats; true when there is something for a DPC to do.
    pub(crate) fn heartbeat(&mut self, kernel: &K) -> bool {
        let Some(link) = self.link.as_mut().filter(|_| self.state.is_linked()) else {
            return !self.queue.is_empty();
        };
        let beat = load(&link.aperture, guest_cell::HEARTBEAT).wrapping_add(1);
        store(&link.aperture, guest_cell::HEARTBEAT, beat);
        if let Some(reason) = host_end(&link.aperture) {
            self.host_gone(kernel, Removal::HostSaysGone { reason });
            return true;
        }
        if !link.watch.look(load(&link.aperture, host_cell::HEARTBEAT), kernel.time_ns()) {
            self.host_gone(kernel, Removal::HeartbeatStopped);
            return true;
        }
        !self.queue.is_empty() || self.contexts.iter_mut().any(|(_, context)| !context.waiters.is_empty())
    }

    /// Takes the events from the host. A host that writes them as fast as they are read is left to the next DPC.
    fn take_events(&mut self, kernel: &K) {
        for _ in 0..EVENTS_A_LOOK {
            let Some(link) = self.link.as_mut().filter(|_| self.state.is_linked()) else { return };
            let event = link.events.next();
            if link.events.wake_due() {
                kernel.ring_doorbell();
            }
            match event {
                Ok(None) => return,
                Ok(Some(event)) => self.take_event(kernel, event),
                Err(_) => self.host_gone(kernel, Removal::HostLies),
            }
        }
        kernel.queue_dpc();
    }

    fn take_event(&mut self, kernel: &K, event: HostEvent) {
        match event {
            HostEvent::ContextError { context, code, opcode, object, position } => {
                // Code 0 would say "no error".
                let code = if code == error_code::NONE { error_code::DEVICE_LOST } else { code };
                if context == 0 {
                    self.host_gone(kernel, Removal::KernelRingError { code });
                    return;
                }
                let error = [u64::from(code), u64::from(opcode), u64::from(object), position];
                self.poison(kernel, context, error);
            }
            HostEvent::ContextDestroyed { context: number } => {
                let ending =
                    self.contexts.by_number(number).is_some_and(|context| context.life == Life::Ending);
                if ending {
                    self.forget_context(number);
                } else {
                    self.host_gone(kernel, Removal::HostLies);
                }
            }
        }
    }

    /// Gives a context's number and memory back; its mappings are gone already.
    pub(crate) fn forget_context(&mut self, number: u32) {
        let Some(context) = self.contexts.remove(number) else { return };
        if let Some(heap) = &mut self.heap {
            heap.free(context.ring_range());
            for range in context.revoked {
                heap.free(range);
            }
        }
    }

    /// How far a fence of a context is. A fence that went backwards removes the adapter.
    pub(crate) fn progress(&mut self, kernel: &K, number: u32, generation: u64, value: u64) -> Progress {
        if !self.state.is_linked() {
            return Progress::Never(FaultKind::Host);
        }
        let Some(link) = &self.link else { return Progress::Never(FaultKind::Host) };
        let Some(context) = self.contexts.by_generation(number, generation) else {
            return Progress::Never(FaultKind::Context { code: error_code::NONE });
        };
        match context.completed() {
            Ok(completed) if completed >= value => return Progress::Reached,
            Ok(_) => {}
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
            Life::Beginning | Life::Ending => Progress::Never(FaultKind::Context { code: error_code::NONE }),
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
            self.trace(kernel, Level::Verbose, (area::SUBMISSION, code::GATE_OPENED), context, &[number]);
        }
    }

    /// Asks the host for an interrupt at whatever is waited for next. True when some of it is there already, so that no
    /// interrupt will come for it.
    pub(crate) fn arm(&mut self, kernel: &K) -> bool {
        if !self.state.is_linked() {
            return !self.queue.is_empty();
        }
        let head = match self.queue.head().map(|head| head.work) {
            Some(Work::Fence { context, generation, value }) => Some((context, generation, value)),
            Some(Work::Preemption) => return true,
            None => None,
        };
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

    /// The next thing to report to dxgkrnl; `None` when all is reported and the host will interrupt for the rest.
    ///
    /// Ends: each turn takes a submission or a sleeper out of the waiting.
    pub(crate) fn next_report(&mut self, kernel: &K) -> Option<Notification> {
        loop {
            self.take_events(kernel);
            self.open_gates(kernel);
            self.wake_waiters(kernel);
            if let Some(head) = self.queue.head()
                && let Some(report) = self.report(kernel, head)
            {
                return Some(report);
            }
            if !self.arm(kernel) {
                return None;
            }
        }
    }

    /// What is to be reported of the queue's head now, which takes it off the queue.
    fn report(&mut self, kernel: &K, head: Pending) -> Option<Notification> {
        let Work::Fence { context, generation, value } = head.work else {
            self.queue.complete_head();
            return Some(Notification::DmaPreempted {
                preemption_fence_id: head.fence_id,
                last_completed_fence_id: self.queue.last_completed(),
            });
        };
        match self.progress(kernel, context, generation, value) {
            Progress::Waiting => None,
            Progress::Reached => {
                self.queue.complete_head();
                let what = (area::SUBMISSION, code::FENCE_COMPLETED);
                self.trace(kernel, Level::Verbose, what, context, &[u64::from(head.fence_id), value]);
                Some(Notification::DmaCompleted { submission_fence_id: head.fence_id })
            }
            Progress::Never(kind) => {
                self.queue.complete_head();
                Some(Notification::DmaFaulted { faulted_fence_id: head.fence_id, kind })
            }
        }
    }
}
