//! Timeout detection and recovery: dxgkrnl asks whether the adapter hangs, and resets it when it does.
//!
//! What can hang is the host's work for a context, or the host. In the first case the context is poisoned and everything
//! else goes on. In the second, the host counts as gone: otherwise each program that starts would hang in its turn, and Windows
//! answers the sixth timeout within a minute with a bug check. Which it is shows a fence on ring 0, which waits for no
//! context: the host has half a second for it.

use core::fmt::{self, Write};

use pvgpu_protocol::event::error_code;
use pvgpu_protocol::kernel_interface::counter;
use pvgpu_protocol::limits::MAX_CONTEXTS;
use pvgpu_protocol::telemetry::{Level, area, code};

use crate::adapter::Adapter;
use crate::context::Life;
use crate::core_state::Core;
use crate::kernel::{Kernel, SpinLock};
use crate::link::Link;
use crate::state::{AdapterEvent, Removal};
use crate::status::Status;
use crate::submission::Work;

/// How long the host may take for a fence on ring 0 in a reset. It takes microseconds; half a second is what a machine that
/// swaps may need, and far below the two seconds after which dxgkrnl would call the next reset.
const PING_NS: u64 = 500_000_000;
/// Pause between two looks, in milliseconds.
const PING_POLL_MS: u32 = 2;

/// A line of the report, on the stack: the place that the report goes to may be paged out, and the lock is held.
struct Line {
    bytes: [u8; LINE_BYTES],
    used: usize,
}

/// The longest line; what is longer is cut.
const LINE_BYTES: usize = 320;

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.bytes.get_mut(self.used..).unwrap_or_default();
        let bytes = text.len().min(room.len());
        if let (Some(to), Some(from)) = (room.get_mut(..bytes), text.as_bytes().get(..bytes)) {
            to.copy_from_slice(from);
        }
        self.used += bytes;
        if bytes == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

/// There is one node with one engine.
fn check_engine(node_ordinal: u32, engine_ordinal: u32) -> Result<(), Status> {
    for (field, ordinal) in [("NodeOrdinal", node_ordinal), ("EngineOrdinal", engine_ordinal)] {
        if ordinal != 0 {
            let value = u64::from(ordinal);
            return Err(Status::BadField { field, value, rule: "there is one node with one engine" });
        }
    }
    Ok(())
}

impl<K: Kernel> Adapter<K> {
    /// `DxgkDdiResetFromTimeout`: dxgkrnl gave up waiting. What was submitted is forgotten, the contexts it belongs to are
    /// poisoned, and none of it is touched when this returns. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::State`] when the adapter is not started.
    pub fn reset_from_timeout(&self) -> Result<(), Status> {
        {
            let mut core = self.core.lock();
            core.state = core.state.next(AdapterEvent::Timeout)?;
            core.count(counter::RESETS);
            let (submitted, completed) = (core.queue.last_submitted(), core.queue.last_completed());
            let args = [u64::from(submitted), u64::from(completed)];
            let what = (area::POWER, code::RESET_FROM_TIMEOUT);
            core.trace(&self.kernel, Level::Error, what, 0, &args);
            core.poison_pending(&self.kernel);
            core.queue.give_up(submitted);
        }
        self.wait_for_paging();
        self.ping_host();
        Ok(())
    }

    /// `DxgkDdiRestartFromTimeout`. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::State`] without a reset before.
    pub fn restart_from_timeout(&self) -> Result<(), Status> {
        let mut core = self.core.lock();
        core.state = core.state.next(AdapterEvent::Restart)?;
        core.trace(&self.kernel, Level::Warning, (area::POWER, code::RESTART_FROM_TIMEOUT), 0, &[]);
        Ok(())
    }

    /// `DxgkDdiQueryEngineStatus`: whether the engine gets on: it is idle, or has completed something since the last time
    /// that dxgkrnl asked. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::BadField`] for an engine that there is not.
    pub fn query_engine_status(&self, node_ordinal: u32, engine_ordinal: u32) -> Result<bool, Status> {
        check_engine(node_ordinal, engine_ordinal)?;
        let mut core = self.core.lock();
        let progress = core.queue.progress();
        let responsive = core.queue.is_empty() || progress != core.progress_asked;
        core.progress_asked = progress;
        Ok(responsive)
    }

    /// `DxgkDdiResetEngine`: the submission that executes is aborted, and its context with it; gives its fence id. Those behind
    /// it are forgotten, since the scheduler submits them again. When this returns the engine is idle. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::BadField`] for an engine that there is not, [`Status::State`] when the adapter is not started.
    pub fn reset_engine(&self, node_ordinal: u32, engine_ordinal: u32) -> Result<u32, Status> {
        check_engine(node_ordinal, engine_ordinal)?;
        let aborted = {
            let mut core = self.core.lock();
            core.started()?;
            core.count(counter::RESETS);
            // A preemption is no packet that executes, and its id no submission's.
            let head = core.queue.first_work();
            if let Some(head) = head {
                core.poison_work(&self.kernel, head.work);
            }
            core.queue.clear();
            let aborted = head.map_or(core.queue.last_completed(), |head| head.fence_id);
            core.queue.give_up(aborted);
            let what = (area::POWER, code::ENGINE_RESET);
            core.trace(&self.kernel, Level::Error, what, 0, &[0, 0, u64::from(aborted)]);
            aborted
        };
        self.wait_for_paging();
        self.ping_host();
        Ok(aborted)
    }

    /// `DxgkDdiCollectDbgInfo`: how the adapter is, in lines for people; gives the bytes written. What does not fit is left
    /// out. IRQL ≤ `DISPATCH_LEVEL`.
    pub fn collect_dbg_info(&self, place: &mut [u8]) -> usize {
        let mut used = 0;
        for number in 0..HEAD_LINES + MAX_CONTEXTS {
            let mut line = Line { bytes: [0; LINE_BYTES], used: 0 };
            // Fails only where the line ends.
            let _ = self.core.lock().describe(number, &mut line);
            let room = place.get_mut(used..).unwrap_or_default();
            let bytes = line.used.min(room.len());
            if let (Some(to), Some(from)) = (room.get_mut(..bytes), line.bytes.get(..bytes)) {
                to.copy_from_slice(from);
            }
            used += bytes;
        }
        used
    }

    /// Asks the host for a fence on ring 0; one that does not answer is gone. `PASSIVE_LEVEL`.
    fn ping_host(&self) {
        let start = self.kernel.time_ns();
        let Some(value) = self.core.lock().begin_ping(&self.kernel) else { return };
        loop {
            {
                let mut core = self.core.lock();
                if core.ping_answered(&self.kernel, value) {
                    return;
                }
                if self.kernel.time_ns().saturating_sub(start) > PING_NS {
                    core.host_gone(&self.kernel, Removal::HostHangs);
                    return;
                }
            }
            self.kernel.sleep_ms(PING_POLL_MS);
        }
    }

    /// Waits until no DPC is at system memory any more that dxgkrnl is about to unlock: microseconds. `PASSIVE_LEVEL`.
    pub(crate) fn wait_for_paging(&self) {
        while self.core.lock().paging {
            self.kernel.sleep_ms(1);
        }
    }
}

impl<K: Kernel> Core<K> {
    /// The value of a fence that ring 0 now carries, or will; `None` when there is no host.
    fn begin_ping(&mut self, kernel: &K) -> Option<u64> {
        let value = self.link.as_mut().filter(|_| self.state.is_linked())?.ring0.owe_fence();
        self.send_fence(kernel);
        Some(value)
    }

    /// Whether the fence has completed, or nobody is there any more to complete it.
    fn ping_answered(&mut self, kernel: &K, value: u64) -> bool {
        self.send_fence(kernel);
        let Some(link) = self.link.as_mut().filter(|_| self.state.is_linked()) else { return true };
        match link.completed() {
            Ok(completed) => completed >= value,
            Err(_) => {
                self.host_gone(kernel, Removal::HostLies);
                true
            }
        }
    }

    /// Poisons every context that a submission waits for, and forgets the submissions.
    fn poison_pending(&mut self, kernel: &K) {
        while let Some(head) = self.queue.head() {
            self.queue.complete_head();
            self.poison_work(kernel, head.work);
        }
    }

    /// Poisons the context that a piece of work waits for.
    fn poison_work(&mut self, kernel: &K, work: Work) {
        if let Work::Fence { context, generation, .. } = work
            && self.contexts.by_generation(context, generation).is_some()
        {
            let error = [u64::from(error_code::DEVICE_LOST), 0, u64::from(u32::MAX), 0];
            self.poison(kernel, context, error);
        }
    }

    /// Writes line `number` of the report: first those of the adapter, then one for each context there is.
    fn describe(&mut self, number: u32, to: &mut Line) -> fmt::Result {
        match number {
            0 => writeln!(to, "pvgpu {:?}, power {:?}, hello {}", self.state, self.power, self.epoch),
            1 => {
                let (submitted, completed) = (self.queue.last_submitted(), self.queue.last_completed());
                let waiting = self.queue.len();
                writeln!(to, "fences: submitted {submitted}, completed {completed}, waiting {waiting}")
            }
            2 => match self.queue.head() {
                Some(head) => writeln!(to, "next: {} {:?}", head.fence_id, head.work),
                None => Ok(()),
            },
            3 => {
                let free = self.heap.as_ref().map_or(0, crate::heap::Heap::free_bytes);
                let counts = (self.devices.len(), self.allocations.len(), self.opened.len());
                writeln!(
                    to,
                    "heap: {free} bytes free; devices {}, allocations {}, opened {}",
                    counts.0, counts.1, counts.2
                )
            }
            4 => match self.link.as_mut().filter(|_| self.state.is_linked()).map(Link::completed) {
                Some(Ok(fence)) => writeln!(to, "ring 0: fence {fence}"),
                _ => Ok(()),
            },
            _ => self.describe_context(number - HEAD_LINES, to),
        }
    }

    fn describe_context(&mut self, number: u32, to: &mut Line) -> fmt::Result {
        let (linked, epoch) = (self.state.is_linked(), self.epoch);
        let Some(context) = self.contexts.by_number(number) else { return Ok(()) };
        let known = linked && context.epoch == epoch && !context.is_ending();
        let fence = if known { context.completed().ok() } else { None };
        let life = match context.life {
            Life::Poisoned { code } => error_code::name(code),
            Life::Beginning => "beginning",
            Life::Live => "live",
            Life::Ending(_) => "ending",
        };
        let (process, submitted, gate) = (context.process, context.submitted, context.gate_opened);
        writeln!(
            to,
            "context {number}: process {process}, {life}, fence {fence:?} of {submitted}, gate {gate}"
        )
    }
}

/// Lines of the report before those of the contexts.
const HEAD_LINES: u32 = 5;
