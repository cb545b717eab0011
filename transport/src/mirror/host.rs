//! The host's end of a mirror: towards a worker it behaves like a guest on the same machine.
//!
//! | thread | does |
//! |---|---|
//! | `mirror in` | writes rings and small parts of the heap, notes what the guest wants back |
//! | `mirror out` | sends fence lines, events and the control page, and what was wanted in front of them |
//! | `mirror bulk in` | writes what the guest sends into the heap |
//! | `mirror bulk out` | sends what [`super::bulk`] queues |
//!
//! The guest is not trusted: whatever it sends changes the copy of its own aperture, which a worker trusts as little as shared
//! memory, and ends at most its own link.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io::IoSlice;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::{Duration, Instant};

use pvgpu_protocol::aperture::{
    GuestHello, LINE_BYTES, Layout, PAGE_BYTES, RING_HEADER_BYTES, RingRegion, TELEMETRY_HEADER_BYTES,
    fence_cell, guest_cell, host_cell, host_state, request_cell,
};
use pvgpu_protocol::limits::{MAX_CONTEXTS, MAX_RECORD_BYTES};
use pvgpu_ring::mirror::{Sink, Source, give_back};
use pvgpu_ring::{FenceReader, IrqRequest, Memory, bytes, initialise, telemetry};

use super::bulk::{self, Item, PIXEL_BYTES, SharedQueue};
use super::copies::Copy;
use super::frames::FrameItem;
use super::link::{Beat, Bell, Due, Life, LinkStats, lock};
use super::outlet::{OutBell, Outlet, Turns};
use super::reader::MessageReader;
use super::wire::{
    CONTROL_CELLS, EVENT_RING, Head, MAX_BULK_BYTES, MAX_TEXT_BYTES, MAX_URGENT_BYTES, Message, VERSION,
    Wanted,
};
use crate::carrier::{Channel, Channels, Sender, TimeLimit};
use crate::mapping::{MapError, Mapping, Region};
use crate::shm::Wake;
use crate::tiles::{Geometry, TileMask};

/// Ranges that a guest may want of all fences that have not completed: 3 frames with 20,000 queries each.
const MAX_WANTS: usize = 1 << 16;
/// Frames whose changes may wait for their fence.
const MAX_FRAMES: usize = 256;
/// What is at most that long travels among the urgent messages, in front of the fence.
const INLINE_BYTES: u64 = 16 << 10;
/// Bytes of messages after which they are sent.
const BATCH_BYTES: usize = 64 << 10;

/// Why a guest cannot be served.
#[derive(Debug)]
pub enum GreetError {
    /// The first message did not come.
    Read(super::reader::ReadError),
    /// It was another one.
    NoHello,
    /// The guest speaks other messages.
    Version {
        /// Which.
        theirs: u32,
    },
    /// The answer could not be sent.
    Send(std::io::Error),
}

impl fmt::Display for GreetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::NoHello => f.write_str("the guest did not begin with its hello"),
            Self::Version { theirs } => write!(
                f,
                "the guest speaks version {theirs} of the link's messages and this host {VERSION}; update the older one"
            ),
            Self::Send(error) => write!(f, "the link has failed ({error})"),
        }
    }
}

impl std::error::Error for GreetError {}

/// A guest that has said what its aperture is, and waits.
pub struct Greeted {
    /// Its hello.
    pub hello: GuestHello,
    urgent: MessageReader,
    sender: Box<dyn Sender>,
    closer: Arc<dyn crate::carrier::Close>,
    bulk: Channel,
}

impl fmt::Debug for Greeted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Greeted").field("hello", &self.hello).finish_non_exhaustive()
    }
}

impl Greeted {
    /// Hears the guest's hello.
    ///
    /// # Errors
    /// [`GreetError`]; a guest of another version was told.
    pub fn hear(channels: Channels, patience: Duration) -> Result<Self, GreetError> {
        let Channels { urgent, bulk } = channels;
        let Channel { mut sender, receiver, closer } = urgent;
        let mut reader = MessageReader::new(receiver, MAX_URGENT_BYTES);
        let limit = TimeLimit::begin(closer.clone(), patience).map_err(GreetError::Send)?;
        let (version, cells) = match reader.read().map_err(GreetError::Read)? {
            Message::Hello { version, cells } => (version, cells),
            _ => return Err(GreetError::NoHello),
        };
        if version != VERSION {
            let error = GreetError::Version { theirs: version };
            let mut bytes = Vec::new();
            Message::Bye { text: &error.to_string() }.encode(&mut bytes);
            sender.send(&[IoSlice::new(&bytes)]).map_err(GreetError::Send)?;
            return Err(error);
        }
        let cell = |index: usize| match index {
            guest_cell::MAGIC => pvgpu_protocol::aperture::MAGIC,
            index => cells.get(index - guest_cell::VERSIONS).copied().unwrap_or(0),
        };
        let hello = GuestHello::read(cell).ok_or(GreetError::NoHello)?;
        drop(limit);
        Ok(Self { hello, urgent: reader, sender, closer, bulk })
    }

    /// Tells the guest that it is not served, with the host's half of the control page and in words.
    pub fn refuse(mut self, cells: [u64; CONTROL_CELLS], text: &str) {
        let mut bytes = Vec::new();
        Message::Control { cells, info: &[] }.encode(&mut bytes);
        Message::Bye { text: shorten(text) }.encode(&mut bytes);
        // A guest that has gone needs no answer.
        let _ = self.sender.send(&[IoSlice::new(&bytes)]);
    }

    /// Writes the hello into a fresh aperture of zeros and begins to mirror.
    ///
    /// # Errors
    /// [`BeginError`].
    pub fn begin(self, mapping: Mapping, layout: Layout) -> Result<Arc<MirrorHost>, BeginError> {
        MirrorHost::begin(self, mapping, layout)
    }
}

/// As much of a text as a message takes.
fn shorten(text: &str) -> &str {
    let mut end = text.len().min(MAX_TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Why a mirror cannot begin.
#[derive(Debug)]
pub enum BeginError {
    /// The aperture does not hold its layout.
    Map(MapError),
    /// A part of it is no ring.
    Ring(pvgpu_ring::BadMemory),
    /// The system gives no thread.
    Thread(std::io::Error),
}

impl fmt::Display for BeginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Map(error) => error.fmt(f),
            Self::Ring(error) => error.fmt(f),
            Self::Thread(error) => write!(f, "the link's threads cannot be started ({error})"),
        }
    }
}

impl std::error::Error for BeginError {}

/// A worker's port to a guest at the other end of a link. [`MirrorHost::end`] ends the link.
pub struct MirrorHost {
    mapping: Mapping,
    life: Life,
    /// Wakes the worker.
    doorbell: Bell,
    rung: AtomicBool,
    /// Wakes the sending thread.
    interrupt: OutBell,
    /// What that thread has; it holds this.
    out: OnceLock<Weak<Outlet<Out>>>,
    queue: SharedQueue,
    aperture: Region,
    heap: Region,
    copies: Mutex<BTreeMap<u16, Copy>>,
    wants: Mutex<Wants>,
    /// Bulk items that have come.
    applied: AtomicU64,
    /// The event ring, and how far it was sent.
    events: (Region, AtomicU64),
    pong: Mutex<Option<u64>>,
    /// Where frames differ from the ones before, by context and place, until they are sent.
    changed: Mutex<BTreeMap<(u16, u64), (Geometry, TileMask)>>,
}

impl fmt::Debug for MirrorHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MirrorHost").field("life", &self.life).finish_non_exhaustive()
    }
}

/// What the guest wants behind fences.
#[derive(Debug, Default)]
struct Wants {
    by_context: BTreeMap<u16, VecDeque<(u64, Vec<Wanted>)>>,
    count: usize,
}

impl Wants {
    /// What is wanted up to a fence.
    fn take(&mut self, context: u16, completed: u64) -> Vec<Wanted> {
        let mut taken = Vec::new();
        if let Some(queue) = self.by_context.get_mut(&context) {
            while let Some((_, ranges)) = queue.pop_front_if(|(fence, _)| *fence <= completed) {
                taken.extend(ranges);
            }
        }
        self.count -= taken.len();
        taken
    }
}

impl MirrorHost {
    fn begin(greeted: Greeted, mapping: Mapping, layout: Layout) -> Result<Arc<Self>, BeginError> {
        let Greeted { hello, urgent, sender, closer, bulk } = greeted;
        let region = |offset, length| mapping.region(offset, length).map_err(BeginError::Map);
        let aperture = region(0, layout.sizes.aperture)?;
        for (index, value) in hello.cells() {
            if let Some(cell) = aperture.cells().get(index) {
                cell.store(value, Ordering::Release);
            }
        }
        let heap = region(layout.heap_offset, layout.heap_bytes())?;
        let ring = |place: RingRegion| region(place.ring_offset(), RING_HEADER_BYTES + place.capacity);
        let ring0 = Sink::new(ring(layout.ring0)?, 0).map_err(BeginError::Ring)?;
        let events = ring(layout.event)?;
        let source = Source::new(events.clone(), 0).map_err(BeginError::Ring)?;
        let place = layout.telemetry;
        let trace = region(place.telemetry_offset(), TELEMETRY_HEADER_BYTES + place.capacity)?;
        let trace = telemetry::Writer::new(trace).map_err(BeginError::Ring)?;
        let fences = region(Layout::fence_page_offset(), PAGE_BYTES)?;
        let requests = (0..MAX_CONTEXTS).filter_map(Layout::request_line).map(|cell| {
            let line = region(cell as u64 * 8, LINE_BYTES)?;
            IrqRequest::new(line, request_cell::AT_VALUE).map_err(BeginError::Ring)
        });
        let requests = requests.collect::<Result<_, _>>()?;
        let host = Arc::new(Self {
            mapping,
            life: Life::new(vec![closer, bulk.closer]),
            doorbell: Bell::default(),
            rung: AtomicBool::new(false),
            interrupt: OutBell::default(),
            out: OnceLock::new(),
            queue: SharedQueue::default(),
            aperture,
            heap,
            copies: Mutex::new(BTreeMap::from([(0, Copy::new(ring0))])),
            wants: Mutex::default(),
            applied: AtomicU64::new(0),
            events: (events, AtomicU64::new(0)),
            pong: Mutex::new(None),
            changed: Mutex::default(),
        });
        host.life.hear();
        let out = Out {
            host: host.clone(),
            events: source,
            fences,
            requests,
            sent: [Line::default(); MAX_CONTEXTS as usize],
            state: host_state::NONE,
            local: vec![0; MAX_RECORD_BYTES as usize / 8],
            bytes: Vec::new(),
            out: Vec::with_capacity(2 * BATCH_BYTES),
            sender,
            beat: Beat::new(),
        };
        let out = Arc::new(Outlet::new(out));
        host.out.get_or_init(|| Arc::downgrade(&out));
        host.start("mirror out", move |host| {
            out.run(&host.interrupt, &host.life);
            host.gone();
        })?;
        host.start("mirror in", move |host| host.listen(urgent, trace))?;
        let sender = bulk.sender;
        host.start("mirror bulk out", move |host| bulk::send(&host.queue, &host.heap, sender, &host.life))?;
        let reader = MessageReader::new(bulk.receiver, MAX_BULK_BYTES);
        host.start("mirror bulk in", move |host| {
            bulk::receive(reader, &host.heap, &host.life, &host.applied, |applied| {
                let wake =
                    lock(&host.copies).values_mut().fold(false, |wake, copy| wake | copy.show(applied));
                if wake {
                    host.ring();
                }
                Ok(())
            });
            host.gone();
        })?;
        Ok(host)
    }

    fn start(
        self: &Arc<Self>,
        name: &str,
        run: impl FnOnce(&Self) + Send + 'static,
    ) -> Result<(), BeginError> {
        let host = self.clone();
        let builder = std::thread::Builder::new().name(name.to_owned());
        builder.spawn(move || run(&host)).map(drop).map_err(BeginError::Thread)
    }

    /// The aperture.
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// Has the mirror look at fences, events and the control page, as an interrupt has a guest.
    pub fn interrupt(&self) {
        match self.out.get().and_then(Weak::upgrade) {
            Some(out) => out.ring(&self.interrupt, &self.life),
            None => self.interrupt.ring(),
        }
    }

    /// Waits for the doorbell; rings that came before count, several count as one.
    pub fn wait_doorbell(&self, timeout: Duration) -> Wake {
        let deadline = Instant::now() + timeout;
        loop {
            if self.rung.swap(false, Ordering::AcqRel) {
                return Wake::Rung;
            }
            if self.life.has_ended() {
                return Wake::Gone;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Wake::Timeout;
            }
            self.doorbell.wait(left);
        }
    }

    /// Sends what is left, as far as the guest takes it at once, and ends the link.
    pub fn end(&self, why: &str) {
        self.interrupt.ring();
        // TIMEOUT: the sending thread is told at once and needs less; a guest that takes nothing is not waited for.
        std::thread::sleep(Duration::from_millis(20));
        self.life.end(|| why.to_owned());
        self.gone();
    }

    /// A frame is at `offset` in the heap, and differs from the one before of its context and sizes in these tiles. To be called before
    /// the fence that follows the frame is complete. A frame of which nobody tells is sent whole.
    pub fn frame_changed(&self, context: u32, offset: u64, geometry: Geometry, changed: &TileMask) {
        let Ok(context) = u16::try_from(context) else { return };
        let mut frames = lock(&self.changed);
        let full = frames.len() >= MAX_FRAMES;
        match frames.get_mut(&(context, offset)) {
            // One that the guest did not want: its changes are those of the next one in its place.
            Some((known, mask)) if *known == geometry => mask.extend(changed),
            Some(other) => *other = (geometry, changed.clone()),
            // A guest that presents and wants nothing costs no memory.
            None if full => {}
            None => drop(frames.insert((context, offset), (geometry, changed.clone()))),
        }
    }

    /// What the link has counted.
    pub fn stats(&self) -> LinkStats {
        self.life.counters.snapshot()
    }

    /// Why the link has ended, once it has.
    pub fn why(&self) -> Option<String> {
        self.life.why()
    }

    fn ring(&self) {
        self.rung.store(true, Ordering::Release);
        self.doorbell.ring();
    }

    fn gone(&self) {
        self.queue.end();
        self.interrupt.ring();
        self.doorbell.ring();
    }

    /// The thread that hears the guest.
    fn listen(&self, mut reader: MessageReader, mut trace: telemetry::Writer<Region>) {
        let mut words = Vec::new();
        loop {
            let heard = match reader.read() {
                Ok(message) => {
                    self.life.hear();
                    self.hear(message, &mut words, &mut trace)
                }
                Err(error) => Err(error.to_string()),
            };
            self.life.counters.urgent_received.store(reader.received(), Ordering::Relaxed);
            if let Err(why) = heard {
                self.life.end(|| why);
                return self.gone();
            }
        }
    }

    fn hear(
        &self,
        message: Message<'_>,
        words: &mut Vec<u64>,
        trace: &mut telemetry::Writer<Region>,
    ) -> Result<(), String> {
        match message {
            Message::Ring { ring, need, position, records } => {
                self.interrupt.answered();
                words.clear();
                let (chunks, _) = records.as_chunks::<8>();
                words.extend(chunks.iter().map(|chunk| u64::from_le_bytes(*chunk)));
                let mut copies = lock(&self.copies);
                let copy = copies.get_mut(&ring).ok_or_else(|| {
                    format!("the guest sent records for ring {ring}, which it has not opened")
                })?;
                let wake = copy.add(position, need, words, self.applied.load(Ordering::Acquire))?;
                drop(copies);
                if wake {
                    self.ring();
                }
                Ok(())
            }
            Message::Heap { offset, bytes } => {
                let inside =
                    offset.checked_add(bytes.len() as u64).is_some_and(|end| end <= self.heap.len() as u64);
                if !inside {
                    return Err(format!("the guest sent {} bytes for {offset:#x} of the heap", bytes.len()));
                }
                bytes::write(self.heap.cells(), offset, bytes);
                Ok(())
            }
            Message::Want { context, fence, ranges } => self.want(context, fence, ranges),
            Message::OpenRing { context, offset, length } => self.open_ring(context, offset, length),
            Message::CloseRing { context } => {
                lock(&self.copies).remove(&context);
                let mut wants = lock(&self.wants);
                wants.take(context, u64::MAX);
                wants.by_context.remove(&context);
                Ok(())
            }
            Message::Status { heartbeat, applied, heads } => self.status(heartbeat, applied, &heads),
            Message::Telemetry { records } => {
                let (chunks, _) = records.as_chunks::<{ telemetry::PAYLOAD_WORDS * 8 }>();
                for chunk in chunks {
                    let mut payload = [0; telemetry::PAYLOAD_WORDS];
                    let (words, _) = chunk.as_chunks::<8>();
                    for (to, from) in payload.iter_mut().zip(words) {
                        *to = u64::from_le_bytes(*from);
                    }
                    trace.write(&payload);
                }
                Ok(())
            }
            Message::Ping { time } => {
                *lock(&self.pong) = Some(time);
                self.interrupt.ring();
                Ok(())
            }
            Message::Pong { time } => {
                self.life.round_trip(time);
                Ok(())
            }
            Message::Bye { text } => Err(format!("the guest has ended the link: {text}")),
            _ => Err("the guest sent what only a host sends".to_owned()),
        }
    }

    fn want(&self, context: u16, fence: u64, ranges: Vec<Wanted>) -> Result<(), String> {
        let heap = self.heap.len() as u64;
        let inside =
            |wanted: &Wanted| wanted.offset.checked_add(wanted.length).is_some_and(|end| end <= heap);
        if !ranges.iter().all(|wanted| wanted.length != 0 && inside(wanted)) {
            return Err("the guest wants what does not lie in its heap".to_owned());
        }
        if u32::from(context) >= MAX_CONTEXTS {
            return Err(format!("the guest wants something of context {context}"));
        }
        let mut wants = lock(&self.wants);
        wants.count += ranges.len();
        if wants.count > MAX_WANTS {
            return Err(format!("the guest wants more than {MAX_WANTS} parts of its heap at once"));
        }
        wants.by_context.entry(context).or_default().push_back((fence, ranges));
        Ok(())
    }

    fn open_ring(&self, context: u16, offset: u64, length: u64) -> Result<(), String> {
        let place = RingRegion::from_range(offset, length)
            .filter(|_| context != 0 && u32::from(context) < MAX_CONTEXTS)
            .ok_or_else(|| format!("the guest opened ring {context} with {length} bytes at {offset:#x}"))?;
        let memory = self
            .heap
            .part(place.ring_offset(), RING_HEADER_BYTES + place.capacity)
            .map_err(|error| error.to_string())?;
        // The copy may hold what an earlier ring has left there.
        initialise(&memory, 0).map_err(|error| error.to_string())?;
        let sink = Sink::new(memory, 0).map_err(|error| error.to_string())?;
        lock(&self.copies).insert(context, Copy::new(sink));
        Ok(())
    }

    fn status(&self, heartbeat: u64, applied: u64, heads: &[Head]) -> Result<(), String> {
        if let Some(cell) = self.aperture.cells().get(guest_cell::HEARTBEAT) {
            cell.store(heartbeat, Ordering::Release);
        }
        self.queue.acknowledge(applied);
        for head in heads {
            let (memory, sent) = &self.events;
            let sent = sent.load(Ordering::Acquire);
            // Wrapping differences, as everywhere in rings.
            if head.ring != EVENT_RING || sent.wrapping_sub(head.position) >= 1 << 63 {
                return Err(format!("the guest has consumed {:#x} of ring {}", head.position, head.ring));
            }
            // The worker looks for room whenever it has an event.
            let _ = give_back(memory, head.position).map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}

/// A fence line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Line {
    value: u64,
    time: u64,
    error: u64,
}

/// The thread that sends.
struct Out {
    host: Arc<MirrorHost>,
    events: Source<Region>,
    fences: Region,
    /// The contexts' interrupt requests.
    requests: Vec<IrqRequest<Region>>,
    /// What the guest was told.
    sent: [Line; MAX_CONTEXTS as usize],
    /// The host's state that it was told.
    state: u64,
    local: Vec<u64>,
    bytes: Vec<u8>,
    out: Vec<u8>,
    sender: Box<dyn Sender>,
    beat: Beat,
}

impl Turns for Out {
    fn turn(&mut self) -> Result<bool, String> {
        // Events first, fences behind them, parts of the heap last: whatever an event or a fence stands for is written by then. Sent
        // the other way round.
        let events = self.events.read(&mut self.local, MAX_RECORD_BYTES as usize);
        let events = events.map_err(|corrupt| format!("the event ring is corrupt: {corrupt}"))?.to_vec();
        let mut worked = !events.is_empty();
        for context in 0..MAX_CONTEXTS as usize {
            worked |= self.fence(context);
        }
        if !events.is_empty() {
            self.event_message(&events);
        }
        self.control();
        self.tell()?;
        self.flush()?;
        Ok(worked)
    }

    fn arm(&mut self) -> bool {
        // A corrupt ring is found by the next turn.
        let mut idle = self.events.prepare_sleep().unwrap_or(false);
        for (context, (sent, request)) in self.sent.iter().zip(&self.requests).enumerate() {
            // A new reader each time: a context that begins anew begins at 0.
            if let Ok(mut reader) = FenceReader::new(&self.fences, context) {
                idle &= request.arm(sent.value.wrapping_add(1), &mut reader).unwrap_or(false);
            }
        }
        idle
    }

    fn disarm(&mut self) {
        self.events.wake_up();
    }

    fn beat(&mut self) -> &mut Beat {
        &mut self.beat
    }
}

impl Out {
    fn line(&self, context: usize) -> Line {
        let cell = |index: usize| {
            let index = context * LINE_BYTES as usize / 8 + index;
            self.fences.cells().get(index).map_or(0, |cell| cell.load(Ordering::Acquire))
        };
        // The value first: what it stands for was written before.
        let value = cell(fence_cell::COMPLETED);
        Line { value, time: cell(fence_cell::TIME_NS), error: cell(fence_cell::ERROR) }
    }

    /// Sends a fence line if it has changed, and what the guest wants before that.
    fn fence(&mut self, context: usize) -> bool {
        let line = self.line(context);
        let Some(sent) = self.sent.get_mut(context) else { return false };
        // The time alone is worth no message.
        if (line.value, line.error) == (sent.value, sent.error) {
            return false;
        }
        *sent = line;
        // CAST: below MAX_CONTEXTS.
        let number = context as u16;
        let wanted = lock(&self.host.wants).take(number, line.value);
        let mut need = 0;
        for wanted in wanted {
            need = need.max(self.give(number, wanted));
        }
        let Line { value, time, error } = line;
        Message::Fence { context: number, need, value, time, error }.encode(&mut self.out);
        true
    }

    /// Sends a part of the heap; gives the bulk item that it has become.
    fn give(&mut self, context: u16, wanted: Wanted) -> u64 {
        let Wanted { offset, length, pitch, .. } = wanted;
        let queue = &self.host.queue;
        // Bulk that is still under way must not come over newer bytes.
        if pitch == 0 && length <= INLINE_BYTES && queue.last() == queue.acknowledged() {
            // CAST: at most INLINE_BYTES.
            self.bytes.resize(length as usize, 0);
            bytes::read(self.host.heap.cells(), offset, &mut self.bytes);
            Message::Heap { offset, bytes: &self.bytes }.encode(&mut self.out);
            return 0;
        }
        let frame = self.frame_item(context, &wanted);
        queue.add(&self.host.life, Item { offset, length, fixed: None, frame })
    }

    /// What is known of a wanted part if it is a frame.
    fn frame_item(&self, context: u16, wanted: &Wanted) -> Option<FrameItem> {
        let Wanted { offset, length, pitch, width, surface, keep } = *wanted;
        let height = u32::try_from(length.checked_div(u64::from(pitch))?).ok()?;
        let geometry = Geometry::new(width, height, PIXEL_BYTES, pitch).ok()?;
        let changed = lock(&self.host.changed).remove(&(context, offset));
        let changed = changed.filter(|(of, _)| *of == geometry).map(|(_, mask)| mask);
        Some(FrameItem { context, geometry, changed, surface, keep })
    }

    fn event_message(&mut self, words: &[u64]) {
        let end = self.events.position();
        self.host.events.1.store(end, Ordering::Release);
        self.bytes.clear();
        self.bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        // A context that has ended gives its memory to others: nothing for it may be under way then.
        let need = self.host.queue.last();
        let position = end.wrapping_sub(words.len() as u64 * 8);
        Message::Ring { ring: EVENT_RING, need, position, records: &self.bytes }.encode(&mut self.out);
    }

    /// Sends the host's half of the control page when its state has changed.
    fn control(&mut self) {
        let cells = self.host.aperture.cells();
        let cell = |index: usize| cells.get(index).map_or(0, |cell| cell.load(Ordering::Acquire));
        let state = cell(host_cell::STATE);
        if state == self.state {
            return;
        }
        self.state = state;
        let mut half: [u64; CONTROL_CELLS] = std::array::from_fn(|index| cell(host_cell::STATE + index));
        half[0] = state;
        let length = cell(host_cell::HOST_INFO_BYTES).min(pvgpu_protocol::aperture::HOST_INFO_BYTES);
        // CAST: at most 16 KiB.
        self.bytes.resize(if state == host_state::READY { length as usize } else { 0 }, 0);
        bytes::read(cells, Layout::host_info_offset(), &mut self.bytes);
        Message::Control { cells: half, info: &self.bytes }.encode(&mut self.out);
    }

    /// Tells how far this end is, when it is time.
    fn tell(&mut self) -> Result<(), String> {
        if let Some(time) = lock(&self.host.pong).take() {
            Message::Pong { time }.encode(&mut self.out);
        }
        let due = self.beat.due();
        let word = due != Due::Nothing;
        let mut heads = Vec::new();
        for (ring, copy) in lock(&self.host.copies).iter_mut() {
            if let Some(position) = copy.head(word)? {
                heads.push(Head { ring: *ring, position });
            }
        }
        if word || !heads.is_empty() {
            let heartbeat = self.host.aperture.cells().get(host_cell::HEARTBEAT);
            let heartbeat = heartbeat.map_or(0, |cell| cell.load(Ordering::Acquire));
            let applied = self.host.applied.load(Ordering::Acquire);
            Message::Status { heartbeat, applied, heads }.encode(&mut self.out);
        }
        if due == Due::Ping {
            Message::Ping { time: self.host.life.now() }.encode(&mut self.out);
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), String> {
        if self.out.is_empty() {
            return Ok(());
        }
        let sent = self.sender.send(&[IoSlice::new(&self.out)]);
        self.host.life.counters.urgent_sent.fetch_add(self.out.len() as u64, Ordering::Relaxed);
        self.out.clear();
        sent.map_err(|error| format!("the link has failed ({error})"))
    }
}
