//! A host without a GPU: the other end of the aperture, as honest or as hostile as a scenario wants.
//!
//! It reads ring 0 and the contexts' rings, honours gates and waits, executes copies and fills in the heap, completes fences
//! and interrupts. [`Manners`] make it lie, stall or die.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use pvgpu_protocol::aperture::{
    GuestHello, LINE_BYTES, Layout, RING_HEADER_BYTES, RingRegion, fence_cell, host_cell, host_state, refusal,
};
use pvgpu_protocol::command::{
    ArchivedBlitHeap, ArchivedFillHeap, ArchivedHeapRange, ArchivedRect, CommandRef, RecordSink, decode,
    encode,
};
use pvgpu_protocol::event::{ContextDestroyed, ContextError, ModeRequest, error_code};
use pvgpu_protocol::format::FORMAT_COUNT;
use pvgpu_protocol::host_info::{FormatSupport, HostInfo, text_field};
use pvgpu_protocol::limits::MAX_CONTEXTS;
use pvgpu_protocol::mode::DisplayMode;
use pvgpu_protocol::version;
use pvgpu_ring::{AtomicU64, Consumer, Corrupt, FenceWriter, IrqRequest, Producer};
use pvgpu_transport::Region;

/// What the host tells the guest.
enum Told {
    Mode(ModeRequest),
    Error(ContextError),
    Destroyed(ContextDestroyed),
}

/// An encoded event, without its header.
#[derive(Default)]
struct Payload(Vec<u8>);

impl RecordSink for Payload {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

/// How the host behaves. Changed by [`ScriptedHost::behave`] at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Manners {
    /// As the protocol says.
    Honest,
    /// It refuses the hello.
    Refuses,
    /// It never answers the hello.
    Silent,
    /// Its heart beats, and nothing is executed any more.
    Hangs,
    /// Its fence lines go backwards.
    FencesFallBack,
    /// It writes events that mean nothing.
    GarbageEvents,
    /// Its heartbeat stands still.
    HeartStops,
    /// It poisons every context at its next record.
    Poisons,
    /// It says that it ends, and does.
    SaysGone,
    /// It executes nothing of the contexts' rings any more; ring 0 it serves.
    HangsContexts,
}

const MANNERS: [Manners; 10] = [
    Manners::Honest,
    Manners::Refuses,
    Manners::Silent,
    Manners::Hangs,
    Manners::FencesFallBack,
    Manners::GarbageEvents,
    Manners::HeartStops,
    Manners::Poisons,
    Manners::SaysGone,
    Manners::HangsContexts,
];

/// What the host has seen and done.
#[derive(Debug, Default)]
pub struct Counts {
    /// Guests whose hello it answered.
    pub guests: AtomicU64,
    /// Fences completed, ring 0's among them.
    pub fences: AtomicU64,
    /// Gates opened.
    pub gates: AtomicU64,
    /// Copies in the heap.
    pub blits: AtomicU64,
    /// Fills in the heap.
    pub fills: AtomicU64,
    /// `SetScanout` records.
    pub scanouts: AtomicU64,
    /// Contexts begun.
    pub contexts: AtomicU64,
    /// Contexts ended.
    pub ended: AtomicU64,
    /// Interrupts sent.
    pub interrupts: AtomicU64,
}

struct Shared {
    stop: AtomicBool,
    manners: AtomicU32,
    /// What it goes by at the moment.
    seen: AtomicU32,
    mode: Mutex<Option<DisplayMode>>,
    counts: Counts,
}

impl Shared {
    fn manners(&self) -> Manners {
        let manners = self.manners.load(Ordering::Acquire);
        self.seen.store(manners, Ordering::Release);
        MANNERS[manners as usize]
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}

/// The host's end of a machine.
pub trait Carrier: Send + 'static {
    /// The aperture.
    fn aperture(&self) -> Region;

    /// Waits until the guest rings; false when the time is over.
    fn wait_doorbell(&self, timeout: Duration) -> bool;

    /// Interrupts the guest.
    fn interrupt(&self);

    /// The link breaks.
    fn hang_up(&self);
}

/// A running host; dropping it ends it as abruptly as a killed process.
pub struct ScriptedHost {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl ScriptedHost {
    /// Serves the guest at the other end, and again each time that it says hello anew.
    pub fn serve(carrier: impl Carrier, manners: Manners) -> Self {
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            manners: AtomicU32::new(manners as u32),
            seen: AtomicU32::new(manners as u32),
            mode: Mutex::default(),
            counts: Counts::default(),
        });
        let thread = std::thread::spawn({
            let shared = shared.clone();
            move || {
                while !shared.stopped() {
                    carrier.wait_doorbell(Duration::from_millis(1));
                    shared.manners();
                    Worker::serve(&carrier, &shared);
                }
                carrier.hang_up();
            }
        });
        Self { shared, thread: Some(thread) }
    }

    /// Changes its manners, for the guest that is there and for later ones. When this returns it goes by them, and has
    /// done with what it did before.
    pub fn behave(&self, manners: Manners) {
        self.shared.manners.store(manners as u32, Ordering::Release);
        let ended = || self.thread.as_ref().is_none_or(JoinHandle::is_finished);
        while self.shared.seen.load(Ordering::Acquire) != manners as u32 && !ended() {
            std::thread::sleep(Duration::from_micros(100));
        }
    }

    /// Asks the guest for a display mode.
    pub fn request_mode(&self, mode: DisplayMode) {
        *self.shared.mode.lock().unwrap_or_else(PoisonError::into_inner) = Some(mode);
    }

    /// What it has seen and done.
    pub fn counts(&self) -> &Counts {
        &self.shared.counts
    }
}

impl Drop for ScriptedHost {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let joined = thread.join();
            assert!(joined.is_ok() || std::thread::panicking(), "the host does not panic");
        }
    }
}

/// What holds a context's ring.
#[derive(Clone, Copy)]
enum Held {
    No,
    Gate(u64),
    Fence { context: u32, value: u64 },
}

struct Context {
    ring: Consumer<Region>,
    fence: FenceWriter<Region>,
    request: IrqRequest<Region>,
    held: Held,
    opened: u64,
    poisoned: bool,
}

/// The host's half for one guest.
struct Worker<'s, C> {
    shared: &'s Shared,
    carrier: &'s C,
    whole: Region,
    layout: Layout,
    ring0: Consumer<Region>,
    ring0_fence: FenceWriter<Region>,
    ring0_request: IrqRequest<Region>,
    events: Producer<Region>,
    contexts: BTreeMap<u32, Context>,
    local: Vec<u64>,
}

fn ring(whole: &Region, region: RingRegion) -> Region {
    whole.part(region.ring_offset(), RING_HEADER_BYTES + region.capacity).expect("inside")
}

fn line_index(number: u32) -> usize {
    Layout::fence_line(number).expect("a context") / (LINE_BYTES as usize / 8)
}

/// How soon a guest that begins to write its rings anew has taken the host's answer away.
const NEW_HELLO: Duration = Duration::from_millis(50);
/// What the host wants to find in the doorbell register: peer 0, vector 1.
const DOORBELL_VALUE: u64 = 1;

/// What an answer says about a GPU that is not there.
fn host_info() -> HostInfo {
    HostInfo {
        gpu_name: text_field("no GPU"),
        driver: text_field("a scripted host"),
        dedicated_video_memory: 0,
        shared_system_memory: 0,
        timestamp_frequency: 1,
        vendor_id: 1,
        device_id: 2,
        feature_level: 0xb000,
        features: 0,
        formats: [FormatSupport::default(); FORMAT_COUNT],
    }
}

impl<'s, C: Carrier> Worker<'s, C> {
    /// Answers the hello, if one stands there, and serves until the guest says another or the host is to end.
    fn serve(carrier: &'s C, shared: &'s Shared) {
        let whole = carrier.aperture();
        let cells = whole.as_ref();
        let load = |cell: usize| cells[cell].load(Ordering::Acquire);
        let Some(hello) = GuestHello::read(load).filter(|_| load(host_cell::STATE) == host_state::NONE)
        else {
            return;
        };
        match shared.manners() {
            Manners::Silent | Manners::SaysGone => return,
            Manners::Refuses => {
                cells[host_cell::REASON].store(refusal::TOO_MANY_GUESTS, Ordering::Release);
                cells[host_cell::STATE].store(host_state::REFUSED, Ordering::Release);
                carrier.interrupt();
                return;
            }
            _ => {}
        }
        let layout = Layout::new(hello.sizes).expect("sizes");
        let first = (Layout::host_info_offset() / 8) as usize;
        for (index, word) in host_info().to_words().into_iter().enumerate() {
            cells[first + index].store(word, Ordering::Relaxed);
        }
        let request0 = Layout::request_line(0).expect("ring 0 has a line");
        for context in 0..MAX_CONTEXTS {
            let line = Layout::fence_line(context).expect("a context");
            cells[line..line + LINE_BYTES as usize / 8]
                .iter()
                .for_each(|cell| cell.store(0, Ordering::Relaxed));
        }
        let worker = Self {
            shared,
            carrier,
            ring0: Consumer::new(ring(&whole, layout.ring0), 0).expect("ring 0"),
            ring0_fence: FenceWriter::new(whole.clone(), line_index(0)).expect("a line"),
            ring0_request: IrqRequest::new(whole.clone(), request0).expect("a line"),
            events: Producer::new(ring(&whole, layout.event), 0).expect("event ring"),
            layout,
            contexts: BTreeMap::new(),
            local: vec![0; 8192],
            whole: whole.clone(),
        };
        for (cell, value) in [
            (host_cell::VERSION, u64::from(version::ABI_VERSION)),
            (host_cell::FEATURES, version::feature::ALL),
            (host_cell::HOST_INFO_BYTES, HostInfo::WORDS as u64 * 8),
            (host_cell::DOORBELL, 1 + DOORBELL_VALUE),
            (host_cell::HEARTBEAT, 1),
            (host_cell::STATE, host_state::READY),
        ] {
            cells[cell].store(value, Ordering::Release);
        }
        shared.counts.guests.fetch_add(1, Ordering::Relaxed);
        worker.interrupt();
        worker.run();
    }

    fn run(mut self) {
        while !self.shared.stopped() {
            self.carrier.wait_doorbell(Duration::from_millis(1));
            let manners = self.shared.manners();
            if manners != Manners::HeartStops {
                self.whole.as_ref()[host_cell::HEARTBEAT].fetch_add(1, Ordering::Relaxed);
            }
            if self.whole.as_ref()[host_cell::STATE].load(Ordering::Acquire) != host_state::READY {
                // The guest says hello anew.
                return;
            }
            match manners {
                Manners::Hangs | Manners::HeartStops => continue,
                Manners::GarbageEvents => self.garbage(),
                Manners::FencesFallBack => self.fall_back(),
                Manners::SaysGone => {
                    let cells = self.whole.as_ref();
                    cells[host_cell::REASON].store(refusal::WORKER_ENDED, Ordering::Release);
                    cells[host_cell::STATE].store(host_state::GONE, Ordering::Release);
                    self.interrupt();
                    return;
                }
                Manners::Honest
                | Manners::Refuses
                | Manners::Silent
                | Manners::Poisons
                | Manners::HangsContexts => {}
            }
            let mode = self.shared.mode.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(DisplayMode { width, height, refresh_millihertz }) = mode {
                self.event(Told::Mode(ModeRequest { width, height, refresh_millihertz, reserved: 0 }));
            }
            self.serve_ring0();
            if manners != Manners::HangsContexts {
                let numbers: Vec<u32> = self.contexts.keys().copied().collect();
                numbers.into_iter().for_each(|number| self.serve_context(number, manners));
            }
        }
    }

    /// What a ring gave. A guest that says hello anew writes its rings anew as well; any other breaks the protocol.
    fn expect<T>(&self, of_ring: Result<T, Corrupt>) -> Option<T> {
        match of_ring {
            Ok(value) => Some(value),
            Err(error) => {
                std::thread::sleep(NEW_HELLO);
                let state = self.whole.as_ref()[host_cell::STATE].load(Ordering::Acquire);
                assert_ne!(state, host_state::READY, "the guest breaks the protocol: {error}");
                None
            }
        }
    }

    fn interrupt(&self) {
        self.shared.counts.interrupts.fetch_add(1, Ordering::Relaxed);
        self.carrier.interrupt();
    }

    fn event(&mut self, event: Told) {
        let mut payload = Payload::default();
        let header = match event {
            Told::Mode(event) => encode(&event, &mut payload),
            Told::Error(event) => encode(&event, &mut payload),
            Told::Destroyed(event) => encode(&event, &mut payload),
        };
        let header = header.expect("events are small");
        let mut record = self.events.reserve(payload.0.len()).expect("room");
        record.write(&payload.0).expect("fits");
        let _ = record.commit((header.to_word() >> 32) as u32);
        self.interrupt();
    }

    /// Bytes that are no event.
    fn garbage(&mut self) {
        let mut record = self.events.reserve(64).expect("room");
        record.write(&[0xa5; 56]).expect("fits");
        let _ = record.commit(0xffff);
        self.interrupt();
    }

    /// Every line that has completed something says less.
    fn fall_back(&mut self) {
        for number in self.contexts.keys() {
            let line = Layout::fence_line(*number).expect("a context");
            let completed = &self.whole.as_ref()[line + fence_cell::COMPLETED];
            if completed.load(Ordering::Acquire) > 1 {
                completed.store(1, Ordering::Release);
            }
        }
        self.interrupt();
    }

    fn serve_ring0(&mut self) {
        loop {
            let mut local = std::mem::take(&mut self.local);
            let words =
                self.ring0.pop_into(&mut local).map(|record| record.map(|record| record.ring_bytes() / 8));
            let words = self.expect(words).flatten();
            if let Some(words) = words {
                self.execute_ring0(decode(&local[..words]).expect("a command"));
            }
            self.local = local;
            if words.is_none() {
                return;
            }
        }
    }

    fn execute_ring0(&mut self, command: CommandRef<'_>) {
        let counts = &self.shared.counts;
        match command {
            CommandRef::CreateContext(create) => {
                let offset = self.layout.heap_offset + create.ring.offset.to_native();
                let region = RingRegion::from_range(offset, create.ring.length.to_native()).expect("a ring");
                let number = create.context.to_native();
                let request = Layout::request_line(number).expect("a context");
                let context = Context {
                    ring: Consumer::new(ring(&self.whole, region), 0).expect("a ring"),
                    fence: FenceWriter::new(self.whole.clone(), line_index(number)).expect("a line"),
                    request: IrqRequest::new(self.whole.clone(), request).expect("a line"),
                    held: Held::No,
                    opened: 0,
                    poisoned: false,
                };
                assert!(self.contexts.insert(number, context).is_none(), "context {number} begins once");
                counts.contexts.fetch_add(1, Ordering::Relaxed);
            }
            CommandRef::DestroyContext(destroy) => {
                let number = destroy.context.to_native();
                assert!(self.contexts.remove(&number).is_some(), "context {number} was there");
                let line = Layout::fence_line(number).expect("a context");
                let cells = &self.whole.as_ref()[line..line + LINE_BYTES as usize / 8];
                cells.iter().for_each(|cell| cell.store(0, Ordering::Release));
                counts.ended.fetch_add(1, Ordering::Relaxed);
                self.event(Told::Destroyed(ContextDestroyed { context: number, reserved: 0 }));
            }
            CommandRef::OpenGate(open) => {
                let number = open.number.to_native();
                if let Some(context) = self.contexts.get_mut(&open.context.to_native()) {
                    context.opened = context.opened.max(number);
                }
                counts.gates.fetch_add(1, Ordering::Relaxed);
            }
            CommandRef::BlitHeap(blit) => {
                self.copy_rows(blit);
                self.shared.counts.blits.fetch_add(1, Ordering::Relaxed);
            }
            CommandRef::FillHeap(fill) => {
                self.fill_rows(fill);
                self.shared.counts.fills.fetch_add(1, Ordering::Relaxed);
            }
            CommandRef::SetScanout(_) => {
                counts.scanouts.fetch_add(1, Ordering::Relaxed);
            }
            CommandRef::Fence(fence) => {
                let value = fence.value.to_native();
                self.ring0_fence.complete(value, 1);
                counts.fences.fetch_add(1, Ordering::Relaxed);
                if self.ring0_request.fire(value) {
                    self.interrupt();
                }
            }
            CommandRef::GrantHeap(_)
            | CommandRef::RevokeHeap(_)
            | CommandRef::SetPointerShape(_)
            | CommandRef::SetPointerPosition(_) => {}
            other => panic!("ring 0 carries opcode {:#x}", other.opcode()),
        }
    }

    /// The cell that holds a texel of the heap, and by how many bits it stands to the left there. No texel lies in two cells:
    /// texels have 1, 2 or 4 bytes, and an honest guest's rows are aligned to 4.
    fn texel(&self, offset: u64) -> (&AtomicU64, u32) {
        let byte = self.layout.heap_offset + offset;
        (&self.whole.as_ref()[(byte / 8) as usize], (byte % 8 * 8) as u32)
    }

    fn load_texel(&self, offset: u64, mask: u64) -> u64 {
        let (cell, shift) = self.texel(offset);
        cell.load(Ordering::Relaxed) >> shift & mask
    }

    fn store_texel(&self, offset: u64, mask: u64, value: u64) {
        let (cell, shift) = self.texel(offset);
        let kept = cell.load(Ordering::Relaxed) & !(mask << shift);
        cell.store(kept | (value & mask) << shift, Ordering::Relaxed);
    }

    /// Copies a rectangle, each texel from the nearest one of the source.
    fn copy_rows(&self, blit: &ArchivedBlitHeap) {
        let bytes = texel_bytes(blit.format.to_native());
        let mask = u64::MAX >> (64 - 8 * bytes);
        let [from, to, clip] = [&blit.src_rect, &blit.dst_rect, &blit.clip].map(edges);
        let (wide, high) = (from[2] - from[0], from[3] - from[1]);
        let (to_wide, to_high) = (to[2] - to[0], to[3] - to[1]);
        assert!(
            wide > 0 && high > 0 && to_wide > 0 && to_high > 0,
            "an honest guest's rectangles have texels"
        );
        let mut texels = Vec::new();
        for y in to[1].max(clip[1])..to[3].min(clip[3]) {
            for x in to[0].max(clip[0])..to[2].min(clip[2]) {
                let from_x = from[0] + (x - to[0]) * wide / to_wide;
                let from_y = from[1] + (y - to[1]) * high / to_high;
                let source = place(&blit.src, blit.src_pitch.to_native(), bytes, from_x, from_y);
                let target = place(&blit.dst, blit.dst_pitch.to_native(), bytes, x, y);
                texels.push((target, self.load_texel(source, mask)));
            }
        }
        // All is read before anything is written: the surfaces may be one.
        texels.into_iter().for_each(|(target, value)| self.store_texel(target, mask, value));
    }

    /// Fills a rectangle.
    fn fill_rows(&self, fill: &ArchivedFillHeap) {
        let bytes = texel_bytes(fill.format.to_native());
        let mask = u64::MAX >> (64 - 8 * bytes);
        let rect = edges(&fill.rect);
        for y in rect[1]..rect[3] {
            for x in rect[0]..rect[2] {
                let target = place(&fill.dst, fill.pitch.to_native(), bytes, x, y);
                self.store_texel(target, mask, u64::from(fill.value.to_native()));
            }
        }
    }

    fn serve_context(&mut self, number: u32, manners: Manners) {
        let mut local = std::mem::take(&mut self.local);
        while let Some(command) = self.next_of(number, &mut local) {
            let Some(context) = self.contexts.get_mut(&number) else { break };
            if manners == Manners::Poisons {
                context.poisoned = true;
                let line = Layout::fence_line(number).expect("a context");
                let code = error_code::UNSUPPORTED;
                self.whole.as_ref()[line + fence_cell::ERROR].store(u64::from(code), Ordering::Release);
                let error = ContextError { context: number, code, opcode: 0, object: u32::MAX, position: 0 };
                self.event(Told::Error(error));
                break;
            }
            match command {
                Step::Other => {}
                Step::Held(held) => context.held = held,
                Step::Fence(value) => {
                    context.fence.complete(value, 1);
                    self.shared.counts.fences.fetch_add(1, Ordering::Relaxed);
                    if context.request.fire(value) {
                        self.interrupt();
                    }
                }
            }
        }
        self.local = local;
    }

    /// The next record of a context's ring, unless something holds it.
    fn next_of(&mut self, number: u32, local: &mut [u64]) -> Option<Step> {
        let held = self.contexts.get(&number)?.held;
        let passed = match held {
            Held::No => true,
            Held::Gate(gate) => self.contexts.get(&number)?.opened >= gate,
            Held::Fence { context, value } => {
                self.contexts.get(&context).is_none_or(|other| other.fence.completed() >= value)
            }
        };
        let context = self.contexts.get_mut(&number)?;
        if !passed || context.poisoned {
            return None;
        }
        context.held = Held::No;
        let words = context.ring.pop_into(local).map(|record| record.map(|record| record.ring_bytes() / 8));
        let words = self.expect(words)??;
        Some(match decode(&local[..words]).expect("a command") {
            CommandRef::Fence(fence) => Step::Fence(fence.value.to_native()),
            CommandRef::Gate(gate) => Step::Held(Held::Gate(gate.number.to_native())),
            CommandRef::WaitFence(wait) => {
                let (context, value) = (wait.context.to_native(), wait.value.to_native());
                Step::Held(Held::Fence { context, value })
            }
            _ => Step::Other,
        })
    }
}

/// What a record of a context's ring means to a host that draws nothing.
enum Step {
    Other,
    Held(Held),
    Fence(u64),
}

/// Bytes of a texel that ring 0 copies.
fn texel_bytes(format: u32) -> u64 {
    let bytes = pvgpu_protocol::format::info(format).expect("a known format").block_bytes;
    assert!(matches!(bytes, 1 | 2 | 4), "ring 0 copies texels of 1, 2 and 4 bytes, not {bytes}");
    u64::from(bytes)
}

/// Left, top, right, bottom, with room for products.
fn edges(rect: &ArchivedRect) -> [i64; 4] {
    [&rect.left, &rect.top, &rect.right, &rect.bottom].map(|edge| i64::from(edge.to_native()))
}

/// Where a texel of a surface lies in the heap.
fn place(range: &ArchivedHeapRange, pitch: u32, bytes: u64, x: i64, y: i64) -> u64 {
    let (x, y) = (u64::try_from(x).expect("inside"), u64::try_from(y).expect("inside"));
    let offset = y * u64::from(pitch) + x * bytes;
    assert!(offset + bytes <= range.length.to_native(), "an honest guest stays inside its surfaces");
    range.offset.to_native() + offset
}
