//! The executor's loop: reads ring 0 and all contexts' rings in turn, sleeps when there is nothing to do.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pvgpu_protocol::aperture::{Layout, RING_HEADER_BYTES, RingRegion, TELEMETRY_HEADER_BYTES};
use pvgpu_protocol::event::{ContextDestroyed, ContextError, ModeRequest, error_code};
use pvgpu_protocol::host_info::{HostInfo, host_feature};
use pvgpu_protocol::limits::MAX_RECORD_BYTES;
use pvgpu_protocol::telemetry::{TelemetryRecord, code};
use pvgpu_ring::{Consumer, telemetry};
use pvgpu_transport::shm::Wake;

use super::events::{Event, Events};
use super::fences::Fences;
use super::kernel::{Kernel, KernelStep, add};
use super::running::{opcode_name, pop};
use super::{Inbox, Port, Stats};
use crate::decoder::HostCaps;
use crate::fault::Fault;
use crate::memory::{Heap, Part, SharedCells};
use crate::record::format::end;
use crate::record::{Recorded, Tap};
use crate::shared_image::Broker;
use crate::vulkan::{Completion, Device, FrameWatch, Shared, TileWatch, Watches};

/// Records of one context before the next has its turn: some hundred µs at most.
const TURN: u64 = 1024;
/// How long the loop looks for work before it sleeps: about what a doorbell costs (2–25 µs, measured with FIFOs).
const SPIN: Duration = Duration::from_micros(50);
/// Sleeps are bounded, since a peer may never ring.
const SLEEP: Duration = Duration::from_millis(100);
/// How often new pipelines are saved while nothing else is to be done. The driver takes some ms to write its cache.
const SAVE: Duration = Duration::from_secs(2);
/// Sleeps while a context waits for something that rings no doorbell.
const SHORT_SLEEP: Duration = Duration::from_millis(1);

/// Why the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The guest is gone.
    GuestGone,
    /// Somebody asked.
    Stopped,
    /// Ring 0 or the aperture breaks the rules.
    Corrupt,
    /// The GPU is lost.
    DeviceLost,
}

/// Something that the loop has to tell those who watch.
#[derive(Clone, Debug)]
pub enum Report {
    /// A driver's trace record.
    Telemetry(TelemetryRecord),
    /// Trace records were overwritten before they were read.
    TelemetryDropped {
        /// Since the last report.
        now: u64,
        /// In all.
        all: u64,
    },
    /// The file of pipelines that this guest needed, for later ones.
    Pipelines(Vec<u8>),
    /// A context was poisoned.
    Poisoned(ContextError, Fault),
    /// A context began or ended.
    Context {
        /// Its number.
        context: u32,
        /// Its process.
        process: u32,
        /// Whether it began.
        began: bool,
    },
    /// A recording has ended.
    Recorded(Recorded),
}

/// What a worker is made of.
pub struct Parts {
    /// The aperture.
    pub cells: SharedCells,
    /// Its layout, from sizes that were read once.
    pub layout: Layout,
    /// Doorbells.
    pub port: Arc<dyn Port>,
    /// The GPU.
    pub device: Arc<Device>,
    /// What the guest was told about it.
    pub host_info: HostInfo,
    /// Counters.
    pub stats: Arc<Stats>,
    /// What people ask for.
    pub inbox: Arc<Inbox>,
    /// The way to what other workers share, if there is one.
    pub broker: Option<Arc<dyn Broker>>,
    /// A recording of this guest from its first record, if there is to be one.
    pub tap: Option<Rc<Tap>>,
    /// Sees presented frames; a recording brings its own.
    pub frames: Option<FrameWatch>,
    /// Sees presented frames with what has changed in them, as a mirror needs it; comparing costs time, so none without one.
    pub tiles: Option<TileWatch>,
    /// Takes reports; must not block.
    pub report: Box<dyn FnMut(Report)>,
}

/// The executor.
pub struct Engine {
    port: Arc<dyn Port>,
    pub(super) stats: Arc<Stats>,
    inbox: Arc<Inbox>,
    pub(super) fences: Arc<Fences>,
    pub(super) kernel: Kernel,
    ring0: Consumer<Part>,
    events: Events,
    telemetry: telemetry::Reader<Part>,
    tap: Option<Rc<Tap>>,
    /// Whose records came last, where they come from a recording.
    pub(super) fed: u32,
    pub(super) report: Box<dyn FnMut(Report)>,
    pub(super) device: Arc<Device>,
    local: Vec<u64>,
    /// Dropped after the contexts, which wait for it.
    _completion: Completion,
}

/// A part of the aperture is no ring: the layout and the file do not fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadAperture;

impl std::fmt::Display for BadAperture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the aperture is smaller than its layout, or no thread could be started")
    }
}

impl std::error::Error for BadAperture {}

impl Engine {
    /// Sets everything up; the guest may be told that the host is ready.
    ///
    /// # Errors
    /// [`BadAperture`] when the mapping does not hold the layout.
    pub fn new(parts: Parts) -> Result<Self, BadAperture> {
        let Parts {
            cells,
            layout,
            port,
            device,
            host_info,
            stats,
            inbox,
            broker,
            tap,
            frames,
            tiles,
            report,
        } = parts;
        let ring =
            |region: RingRegion| Part::new(&cells, region.ring_offset(), RING_HEADER_BYTES + region.capacity);
        let ring0 = ring(layout.ring0).and_then(|part| Consumer::new(part, 0).ok()).ok_or(BadAperture)?;
        let events = ring(layout.event).and_then(|part| Events::new(part).ok()).ok_or(BadAperture)?;
        let region = layout.telemetry;
        let telemetry =
            Part::new(&cells, region.telemetry_offset(), TELEMETRY_HEADER_BYTES + region.capacity)
                .and_then(|part| telemetry::Reader::new(part).ok())
                .ok_or(BadAperture)?;
        let heap =
            Part::new(&cells, layout.heap_offset, layout.heap_bytes()).map(Heap::new).ok_or(BadAperture)?;
        let fences = Fences::new(cells.clone(), port.clone(), stats.clone());
        fences.begin(0);
        let frames = tap.as_ref().map_or(frames, |tap| Some(tap.frame_watch()));
        let watches = Watches { frames, tiles };
        let completion = Completion::start(device.clone(), heap.clone(), fences.clone(), watches)
            .map_err(|_| BadAperture)?;
        let tiled = host_info.features & host_feature::TILED_RESOURCES_1 != 0;
        let caps = Rc::new(HostCaps { formats: host_info.formats.to_vec(), tiled });
        let shared =
            Shared::new(device.clone(), heap.clone(), completion.handle(), stats.gpu.clone(), broker);
        let kernel = Kernel::new(cells, layout, heap, caps, shared, stats.clone(), tap.clone());
        let local = vec![0; MAX_RECORD_BYTES as usize / 8];
        Ok(Self {
            port,
            stats,
            inbox,
            fences,
            kernel,
            ring0,
            events,
            telemetry,
            tap,
            fed: 0,
            report,
            device,
            local,
            _completion: completion,
        })
    }

    /// Serves the guest until it goes or `stop` is set.
    pub fn run(&mut self, stop: &AtomicBool) -> Ended {
        let ended = self.serve(stop);
        if let Some(tap) = &self.tap {
            tap.end(end::GUEST);
            self.poll_tap();
        }
        ended
    }

    fn serve(&mut self, stop: &AtomicBool) -> Ended {
        let (mut busy, mut saved) = (Instant::now(), Instant::now());
        loop {
            if stop.load(Ordering::Relaxed) {
                return Ended::Stopped;
            }
            add(&self.stats.beats, 1);
            let Ok(mut worked) = self.ring0_turn() else { return Ended::Corrupt };
            worked |= self.context_turns();
            worked |= self.end_contexts();
            worked |= self.end_revokes();
            self.ask_guest();
            self.poll_tap();
            if self.events.flush() {
                self.port.interrupt();
            }
            if self.device.is_lost() {
                self.poison_all(&Fault::new(error_code::DEVICE_LOST, "the GPU is lost"));
                return Ended::DeviceLost;
            }
            if worked {
                busy = Instant::now();
                continue;
            }
            self.read_telemetry();
            if saved.elapsed() > SAVE {
                self.save_pipelines();
                saved = Instant::now();
            }
            if busy.elapsed() < SPIN {
                std::thread::yield_now();
                continue;
            }
            if self.sleep() == Wake::Gone {
                return Ended::GuestGone;
            }
            busy = Instant::now();
        }
    }

    /// Reports which pipelines were needed, if some were that earlier runs did not need.
    pub fn save_pipelines(&mut self) {
        if let Some(file) = self.kernel.shared().pipeline_file() {
            (self.report)(Report::Pipelines(file));
        }
    }

    /// Executes what ring 0 holds; true when there was something.
    fn ring0_turn(&mut self) -> Result<bool, Ended> {
        let mut worked = false;
        loop {
            let position = self.ring0.consumed();
            let (result, opcode) = match pop(&mut self.ring0, &mut self.local) {
                Ok(None) => break,
                Ok(Some(words)) => {
                    add(&self.stats.commands, 1);
                    add(&self.stats.ring_bytes, size_of_val(words) as u64);
                    if let Some(tap) = &self.tap {
                        tap.record(0, position, words, |context| self.fences.completed(context));
                    }
                    let opcode = words.first().map_or(0, |word| (word >> 32) as u16);
                    (self.kernel.step(words), opcode)
                }
                Err(corrupt) => (Err(Fault::new(error_code::CORRUPT_RING, corrupt.to_string())), 0),
            };
            worked = true;
            self.ring0_stepped(result, opcode, position)?;
        }
        if self.ring0.wake_due() || self.ring0.kick() {
            self.port.interrupt();
        }
        self.stats.contexts.store(self.kernel.contexts.len() as u64, Ordering::Relaxed);
        Ok(worked)
    }

    /// Does what follows from a record of ring 0.
    pub(super) fn ring0_stepped(
        &mut self,
        result: Result<KernelStep, Fault>,
        opcode: u16,
        position: u64,
    ) -> Result<(), Ended> {
        match result {
            Ok(KernelStep::Continue) => {}
            Ok(KernelStep::Created(context)) => {
                self.fences.begin(context);
                let process = self.kernel.contexts.get(&context).map_or(0, |running| running.process);
                (self.report)(Report::Context { context, process, began: true });
            }
            Ok(KernelStep::Fence(value)) => self.fences.complete(0, value),
            Err(fault) => {
                let event = ContextError {
                    context: 0,
                    code: fault.code,
                    opcode: opcode.into(),
                    object: fault.object,
                    position,
                };
                self.poisoned(event, fault);
                self.poison_all(&Fault::new(error_code::CORRUPT_RING, "ring 0 is poisoned"));
                return Err(Ended::Corrupt);
            }
        }
        // After a new context's line has begun, so that its error stays there.
        for (event, fault) in std::mem::take(&mut self.kernel.poisoned) {
            self.poisoned(event, fault);
        }
        Ok(())
    }

    /// Gives each context its turn; true when one had something to do.
    fn context_turns(&mut self) -> bool {
        let (mut worked, mut wake) = (false, false);
        let mut failed = Vec::new();
        self.kernel.pass_gates();
        let (fences, ring0) = (&self.fences, &mut self.ring0);
        for context in self.kernel.contexts.values_mut() {
            let completed = |number| fences.completed(number);
            let (turn, result) =
                context.turn(TURN, &mut self.local, completed, || ring0.is_empty() != Ok(true));
            worked |= turn.records != 0;
            wake |= turn.wake;
            add(&self.stats.commands, turn.records);
            add(&self.stats.ring_bytes, turn.bytes);
            failed.extend(result.err());
        }
        for (event, fault) in failed {
            self.poisoned(event, fault);
        }
        if wake {
            self.port.interrupt();
        }
        worked
    }

    /// Takes contexts out that have ended; true when there was one.
    pub(super) fn end_contexts(&mut self) -> bool {
        let mut worked = false;
        while let Some(context) = self.kernel.take_ended() {
            // First the line, then the event: once the guest has read it, a new context may get the number.
            self.fences.end(context);
            if let Some(tap) = &self.tap {
                tap.destroyed(context);
            }
            self.tell(Event::Destroyed(ContextDestroyed { context, reserved: 0 }));
            (self.report)(Report::Context { context, process: 0, began: false });
            self.stats.contexts.store(self.kernel.contexts.len() as u64, Ordering::Relaxed);
            worked = true;
        }
        worked
    }

    /// Completes ring 0's fences that have waited for revoked ranges; true when there was one.
    pub(super) fn end_revokes(&mut self) -> bool {
        let value = self.kernel.revokes.finished();
        if let Some(value) = value {
            self.fences.complete(0, value);
        }
        value.is_some()
    }

    /// Adds an event for the guest.
    fn tell(&mut self, event: Event) {
        if let Some(tap) = &self.tap {
            tap.event(&event.words());
        }
        self.events.push(event);
    }

    /// Has a recording go on, and tells when it has ended.
    fn poll_tap(&mut self) {
        let Some(tap) = &self.tap else { return };
        if self.inbox.is_recording_to_stop() {
            tap.end(end::ASKED);
        }
        if let Some(recorded) = tap.poll() {
            (self.report)(Report::Recorded(recorded));
        }
    }

    /// Passes on what people ask of the guest.
    fn ask_guest(&mut self) {
        if let Some(mode) = self.inbox.take_mode() {
            let (width, height) = (mode.width, mode.height);
            let refresh_millihertz = mode.refresh_millihertz;
            self.tell(Event::Mode(ModeRequest { width, height, refresh_millihertz, reserved: 0 }));
        }
    }

    /// Tells the guest and those who watch that a context is poisoned.
    pub(super) fn poisoned(&mut self, event: ContextError, fault: Fault) {
        log::error!(
            "context {} is poisoned by {} at {:#x}: {fault}",
            event.context,
            opcode_name(event.opcode),
            event.position
        );
        add(&self.stats.errors, 1);
        self.fences.write_error(event.context, event.code);
        self.tell(Event::Error(event));
        (self.report)(Report::Poisoned(event, fault));
        if self.events.flush() {
            self.port.interrupt();
        }
    }

    fn poison_all(&mut self, fault: &Fault) {
        let contexts = self.kernel.contexts.values_mut();
        let events: Vec<_> =
            contexts.filter_map(|context| context.poison_from_outside(fault.clone())).collect();
        for (event, fault) in events {
            self.poisoned(event, fault);
        }
    }

    /// Forwards what the drivers trace.
    fn read_telemetry(&mut self) {
        // A corrupt telemetry ring costs its own contents only.
        while let Ok(Some(words)) = self.telemetry.read() {
            let record = TelemetryRecord::from_words(words);
            if record.code == code::UMD_WAITED {
                add(&self.stats.sync_round_trips, 1);
            }
            (self.report)(Report::Telemetry(record));
        }
        let all = self.telemetry.dropped();
        let before = self.stats.telemetry_dropped.swap(all, Ordering::Relaxed);
        if all > before {
            (self.report)(Report::TelemetryDropped { now: all - before, all });
        }
    }

    /// Sleeps until a doorbell, unless a record has come meanwhile.
    fn sleep(&mut self) -> Wake {
        let mut timeout = if self.kernel.revokes.is_empty() { SLEEP } else { SHORT_SLEEP };
        let mut idle = true;
        let mut wake = false;
        // A corrupt ring is found by the next turn.
        let mut prepare = |ring: &mut Consumer<Part>| match ring.prepare_sleep() {
            Ok(state) => {
                wake |= state.wake;
                idle &= state.sleep;
            }
            Err(_) => idle = false,
        };
        prepare(&mut self.ring0);
        for context in self.kernel.contexts.values_mut() {
            context.collect();
            if context.is_reading() {
                prepare(context.ring());
            } else if context.waits_silently() {
                timeout = SHORT_SLEEP;
            }
        }
        if wake {
            self.port.interrupt();
        }
        let result = if idle { self.port.wait(timeout) } else { Wake::Rung };
        self.ring0.wake_up();
        for context in self.kernel.contexts.values_mut() {
            if context.is_reading() {
                context.ring().wake_up();
            }
        }
        result
    }
}
