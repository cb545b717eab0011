//! What the adapter's lock protects, and the steps that are taken while it is held.
//!
//! Nothing here waits or calls dxgkrnl. Methods that take the [`Kernel`] use it for the clock, the doorbell and the DPC.

use pvgpu_protocol::command::DestroyContext;
use pvgpu_protocol::event::error_code;
use pvgpu_protocol::kernel_interface::counter;
use pvgpu_protocol::limits::MAX_CONTEXTS;
use pvgpu_protocol::telemetry::{Level, area, code};

use crate::context::{ContextTable, End, KernelContext, Life, Until};
use crate::ddi::allocation::{Allocation, OpenedAllocation};
use crate::ddi::link::LinkService;
use crate::ddi::power::PowerState;
use crate::display::Display;
use crate::events::HostEvent;
use crate::heap::Heap;
use crate::kernel::Kernel;
use crate::link::Link;
use crate::ring0::KernelCommand;
use crate::settings::Settings;
use crate::slab::Slab;
use crate::state::{AdapterState, Removal};
use crate::status::Status;
use crate::submission::SubmissionQueue;
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
    pub(crate) power: PowerState,
    pub(crate) settings: Settings,
    pub(crate) link: Option<Link<K>>,
    /// Counts the hellos: what the host was told of contexts before this one, no host knows any more.
    pub(crate) epoch: u64,
    pub(crate) service: Option<LinkService<K>>,
    pub(crate) heap: Option<Heap>,
    pub(crate) contexts: ContextTable<K>,
    pub(crate) kernel_contexts: Slab<KernelContext>,
    pub(crate) devices: Slab<Device>,
    pub(crate) allocations: Slab<Allocation>,
    pub(crate) opened: Slab<OpenedAllocation>,
    /// Revoked ranges that wait for ring 0's fence, at most.
    pub(crate) revoking: u32,
    pub(crate) queue: SubmissionQueue,
    pub(crate) display: Display,
    /// The allocation whose surface the screen shows; 0 for none.
    pub(crate) scanned_out: u64,
    pub(crate) reporter: Reporter,
    /// The DPC is at a piece of paging, outside the lock.
    pub(crate) paging: bool,
    pub(crate) next_waiter: u64,
    /// [`SubmissionQueue::progress`] when dxgkrnl last asked whether there is any.
    pub(crate) progress_asked: u64,
    pub(crate) started_at: u64,
    pub(crate) counters: [u64; counter::COUNT],
}

impl<K: Kernel> Core<K> {
    /// An adapter that is stopped.
    pub(crate) const fn new() -> Self {
        Self {
            state: AdapterState::Stopped,
            power: PowerState::On,
            settings: Settings { device: 0, log_level: Level::Error, segment_bytes: 0, driver_version: 0 },
            link: None,
            epoch: 1,
            service: None,
            heap: None,
            contexts: ContextTable::new(),
            kernel_contexts: Slab::new(),
            devices: Slab::new(),
            allocations: Slab::new(),
            opened: Slab::new(),
            revoking: 0,
            queue: SubmissionQueue::new(),
            display: Display::new(),
            scanned_out: 0,
            reporter: Reporter::Idle,
            paging: false,
            next_waiter: 1,
            progress_asked: 0,
            started_at: 0,
            counters: [0; counter::COUNT],
        }
    }

    /// Forgets everything but link, contexts and service, which need more than that to go: the adapter is being stopped.
    pub(crate) fn forget_objects(&mut self) {
        self.power = PowerState::On;
        self.epoch = 1;
        self.heap = None;
        self.kernel_contexts = Slab::new();
        self.devices = Slab::new();
        self.allocations = Slab::new();
        self.opened = Slab::new();
        self.revoking = 0;
        self.queue = SubmissionQueue::new();
        self.scanned_out = 0;
        self.display = Display::new();
        self.progress_asked = 0;
        self.started_at = 0;
        self.counters = [0; counter::COUNT];
    }

    /// The link of an adapter that accepts work.
    pub(crate) fn working_link(&mut self) -> Result<&mut Link<K>, Status> {
        if self.state == AdapterState::Starting || self.power == PowerState::Off {
            return Err(Status::NotReady);
        }
        self.link.as_mut().filter(|_| self.state.accepts_work()).ok_or(Status::DeviceRemoved)
    }

    /// Refuses what needs a device that is started; a host it need not have.
    pub(crate) fn started(&self) -> Result<(), Status> {
        if self.state.is_started() { Ok(()) } else { Err(Status::DeviceRemoved) }
    }

    /// Counts one of [`counter`].
    pub(crate) fn count(&mut self, which: usize) {
        if let Some(counter) = self.counters.get_mut(which) {
            *counter += 1;
        }
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
        if level > self.settings.log_level {
            return;
        }
        let process = match context {
            0 => 0,
            number => self.contexts.by_number(number).map_or(0, |context| context.process),
        };
        if let Some(link) = &mut self.link {
            let mut all = [0; 4];
            for (to, from) in all.iter_mut().zip(args) {
                *to = *from;
            }
            link.tracer.record(kernel, process, Trace { level, area, code, context, args: all });
        }
    }

    /// Whether the host can be told this now. One that is told of a context that it does not know, or no longer, removes the
    /// adapter.
    fn may_tell(&mut self, command: &KernelCommand) -> bool {
        let Some(number) = command.context() else { return true };
        let epoch = self.epoch;
        self.contexts.by_number(number).is_some_and(|context| {
            let known = match command {
                KernelCommand::CreateContext(_) => context.life == Life::Beginning,
                KernelCommand::DestroyContext(_) => context.life == Life::Ending(End::Unasked),
                _ => matches!(context.life, Life::Live | Life::Poisoned { .. }),
            };
            // The host that knew a context of another epoch is gone.
            known && context.epoch == epoch
        })
    }

    /// Sends a command on ring 0.
    ///
    /// # Errors
    /// [`Status::DeviceRemoved`] when there is no host, or none that knows the command's context; [`Status::Ring0Full`].
    pub(crate) fn send(&mut self, kernel: &K, command: KernelCommand) -> Result<(), Status> {
        if !self.may_tell(&command) {
            return Err(Status::DeviceRemoved);
        }
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

    /// Takes the events from the host. A host that writes them as fast as they are read is left to the next DPC.
    pub(crate) fn take_events(&mut self, kernel: &K) {
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
                let ending = self
                    .contexts
                    .by_number(number)
                    .is_some_and(|context| context.life == Life::Ending(End::Asked));
                if ending {
                    self.forget_context(number);
                } else {
                    self.host_gone(kernel, Removal::HostLies);
                }
            }
            HostEvent::ModeRequest(mode) => {
                // A refusal is traced; there is nobody else to tell.
                let _ = self.request_mode(kernel, mode, false);
            }
        }
    }

    /// Asks the host to end the contexts that their processes have no more. What ring 0 has no room for the next DPC sends.
    pub(crate) fn send_ends(&mut self, kernel: &K) {
        for number in 0..MAX_CONTEXTS {
            let context = self.contexts.by_number(number);
            if context.is_none_or(|context| context.life != Life::Ending(End::Unasked)) {
                continue;
            }
            let end = DestroyContext { context: number, reserved: 0 };
            match self.send(kernel, KernelCommand::DestroyContext(end)) {
                Ok(()) => {
                    if let Some(context) = self.contexts.by_number(number) {
                        context.life = Life::Ending(End::Asked);
                    }
                }
                Err(Status::Ring0Full) => return,
                // No host will ever answer: it is gone, or another one has come that does not know the context.
                Err(_) => self.forget_context(number),
            }
        }
    }

    /// Frees the revoked ranges with which the host is done; tells whether any is left that it is not done with.
    pub(crate) fn free_revoked(&mut self, kernel: &K) -> bool {
        if self.revoking == 0 {
            return false;
        }
        let completed = match self.link.as_mut().filter(|_| self.state.is_linked()).map(Link::completed) {
            Some(Ok(completed)) => completed,
            Some(Err(_)) => {
                self.host_gone(kernel, Removal::HostLies);
                return false;
            }
            None => return false,
        };
        self.send_fence(kernel);
        let mut left = 0;
        let Some(heap) = &mut self.heap else { return false };
        for (_, context) in self.contexts.iter_mut().filter(|(_, context)| context.epoch == self.epoch) {
            context.revoked.retain(|revoked| {
                let Until::Fence(fence) = revoked.until else { return true };
                if fence <= completed {
                    heap.free(revoked.range);
                    return false;
                }
                left += 1;
                true
            });
        }
        self.revoking = left;
        left != 0
    }

    /// Gives a context's number and memory back; its mappings are gone already.
    pub(crate) fn forget_context(&mut self, number: u32) {
        let Some(context) = self.contexts.remove(number) else { return };
        if let Some(heap) = &mut self.heap {
            heap.free(context.ring_range());
            for revoked in context.revoked.iter().filter(|revoked| revoked.until != Until::Unmapped) {
                heap.free(revoked.range);
            }
        }
    }
}
