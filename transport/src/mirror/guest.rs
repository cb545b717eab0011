//! The guest's end of a mirror: towards the drivers it behaves like a host on the same machine.
//!
//! | thread | does |
//! |---|---|
//! | `mirror out` | reads rings as their consumer, sees which parts of the heap their records use, sends both |
//! | `mirror in` | writes fence lines, events and the host's half of the control page, gives rings' bytes back |
//! | `mirror bulk out` | sends what [`super::bulk`] queues |
//! | `mirror bulk in` | writes what the host sends into the heap |

use std::collections::{BTreeMap, VecDeque};
use std::io::IoSlice;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pvgpu_protocol::aperture::{
    GuestHello, Layout, RING_HEADER_BYTES, RingRegion, TELEMETRY_HEADER_BYTES, fence_cell, guest_cell,
    host_cell, host_state, refusal, request_cell,
};
use pvgpu_protocol::command::HeapRange;
use pvgpu_protocol::limits::{MAX_CONTEXTS, MAX_RECORD_BYTES};
use pvgpu_protocol::record::RecordHeader;
use pvgpu_ring::mirror::{Sink, Source, give_back};
use pvgpu_ring::{IrqRequest, LINE_BYTES, Memory, bytes, telemetry};

use super::bulk::{self, Item, SharedQueue};
use super::copies::{Copy, Line, Lines};
use super::footprint::{Footprint, Use};
use super::link::{Beat, Bell, Due, Life, LinkStats, SILENCE, lock};
use super::outlet::{OutBell, Outlet, Turns};
use super::reader::MessageReader;
use super::shadow::{MIN_BYTES, Shadows};
use super::wire::{EVENT_RING, MAX_BULK_BYTES, MAX_URGENT_BYTES, MAX_WANTED, Message, VERSION, Wanted};
use crate::carrier::{Channels, Sender};
use crate::mapping::{MapError, Mapping, Region};
use crate::shm::Wake;

/// How long a wait looks at most.
const LOOK: Duration = Duration::from_micros(100);
/// What is at most that long travels among the urgent messages, in front of the records that need it.
const INLINE_BYTES: u64 = 16 << 10;
/// Words of records that one message carries at most.
const MESSAGE_WORDS: usize = MAX_RECORD_BYTES as usize / 8;
/// Bytes of messages after which they are sent.
const BATCH_BYTES: usize = 64 << 10;

/// A ring of the guest.
struct Ring {
    source: Source<Region>,
    footprint: Footprint,
    /// What its records write, since the last fence.
    wanted: Vec<Wanted>,
    /// The bulk item that its next records need.
    need: u64,
}

/// What the threads share.
struct Shared {
    life: Life,
    /// Wakes the sending thread.
    doorbell: OutBell,
    interrupts: Interrupts,
    queue: SharedQueue,
    aperture: Region,
    heap: Region,
    /// Where rings lie and how far they were sent, for what the host gives back; by context.
    rings: Mutex<BTreeMap<u16, (Region, Arc<AtomicU64>)>>,
    arriving: Mutex<Arriving>,
    /// Bulk items that have come.
    applied: AtomicU64,
    /// Something must be told at the next turn.
    owes_status: AtomicBool,
    /// A ping to answer.
    pong: Mutex<Option<u64>>,
}

/// What may wait for bulk.
struct Arriving {
    events: Copy,
    lines: Lines,
}

/// Interrupts of the guest.
#[derive(Debug, Default)]
struct Interrupts {
    bell: Bell,
    woken: AtomicBool,
    rung: AtomicBool,
    /// The last wait was for one that came.
    came: AtomicBool,
}

/// A guest that is connected through a mirror. Dropping it ends the link.
pub struct MirrorGuest {
    mapping: Mapping,
    shared: Arc<Shared>,
    out: Arc<Outlet<Out>>,
}

impl std::fmt::Debug for MirrorGuest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MirrorGuest").field("life", &self.shared.life).finish_non_exhaustive()
    }
}

/// Why a mirror cannot begin.
#[derive(Debug)]
pub enum BeginError {
    /// No hello stands in the aperture, or one that no aperture can have.
    Hello,
    /// The aperture is smaller than its hello says.
    Map(MapError),
    /// The system gives no thread.
    Thread(std::io::Error),
    /// The hello cannot be sent.
    Send(std::io::Error),
}

impl std::fmt::Display for BeginError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Hello => f.write_str("the aperture has no hello that a mirror could send"),
            Self::Map(error) => error.fmt(f),
            Self::Thread(error) => write!(f, "the link's threads cannot be started ({error})"),
            Self::Send(error) => write!(f, "the link has failed ({error})"),
        }
    }
}

impl std::error::Error for BeginError {}

impl MirrorGuest {
    /// Begins to mirror an aperture in which the guest's hello is complete.
    ///
    /// # Errors
    /// [`BeginError`]; the channels are closed.
    pub fn begin(mapping: Mapping, channels: Channels) -> Result<Self, BeginError> {
        let closers = [channels.urgent.closer.clone(), channels.bulk.closer.clone()];
        Self::begin_over(mapping, channels).inspect_err(|_| closers.iter().for_each(|closer| closer.close()))
    }

    fn begin_over(mapping: Mapping, channels: Channels) -> Result<Self, BeginError> {
        let cells = mapping.whole();
        let cell = |index: usize| cells.cells().get(index).map_or(0, |cell| cell.load(Ordering::Acquire));
        let hello = GuestHello::read(cell).ok_or(BeginError::Hello)?;
        let layout = Layout::new(hello.sizes).map_err(|_| BeginError::Hello)?;
        let region = |offset, length| mapping.region(offset, length).map_err(BeginError::Map);
        let aperture = region(0, layout.sizes.aperture)?;
        let heap = region(layout.heap_offset, layout.heap_bytes())?;
        let ring = |place: RingRegion| region(place.ring_offset(), RING_HEADER_BYTES + place.capacity);
        let events = Sink::new(ring(layout.event)?, 0).map_err(|_| BeginError::Hello)?;
        let ring0 = ring(layout.ring0)?;
        let source = Source::new(ring0.clone(), 0).map_err(|_| BeginError::Hello)?;
        let trace =
            region(layout.telemetry.telemetry_offset(), TELEMETRY_HEADER_BYTES + layout.telemetry.capacity)?;
        let trace = telemetry::Reader::new(trace).map_err(|_| BeginError::Hello)?;

        let Channels { urgent, bulk } = channels;
        let mut sender = urgent.sender;
        let mut first = Vec::new();
        let cells = std::array::from_fn(|index| cell(guest_cell::VERSIONS + index));
        Message::Hello { version: VERSION, cells }.encode(&mut first);
        sender.send(&[IoSlice::new(&first)]).map_err(BeginError::Send)?;

        let life = Life::new(vec![urgent.closer, bulk.closer]);
        life.hear();
        let sent = Arc::new(AtomicU64::new(0));
        let shared = Arc::new(Shared {
            life,
            doorbell: OutBell::default(),
            interrupts: Interrupts::default(),
            queue: SharedQueue::default(),
            aperture,
            heap,
            rings: Mutex::new(BTreeMap::from([(0, (ring0, sent.clone()))])),
            arriving: Mutex::new(Arriving { events: Copy::new(events), lines: Lines::default() }),
            applied: AtomicU64::new(0),
            owes_status: AtomicBool::new(false),
            pong: Mutex::new(None),
        });
        let ring = Ring { source, footprint: Footprint::default(), wanted: Vec::new(), need: 0 };
        let out = Out {
            shared: shared.clone(),
            rings: BTreeMap::from([(0, (ring, sent))]),
            trace,
            shadows: Shadows::default(),
            unconfirmed: VecDeque::new(),
            writing: VecDeque::new(),
            local: vec![0; MESSAGE_WORDS],
            bytes: Vec::new(),
            out: Vec::with_capacity(2 * BATCH_BYTES),
            sender,
            beat: Beat::new(),
        };
        let guest = Self { mapping, shared, out: Arc::new(Outlet::new(out)) };
        let out = guest.out.clone();
        guest.start("mirror out", move |shared| {
            out.run(&shared.doorbell, &shared.life);
            shared.gone();
        })?;
        let reader = MessageReader::new(urgent.receiver, MAX_URGENT_BYTES);
        guest.start("mirror in", move |shared| shared.listen(reader))?;
        let sender = bulk.sender;
        guest.start("mirror bulk out", move |shared| {
            bulk::send(&shared.queue, &shared.heap, sender, &shared.life);
        })?;
        let reader = MessageReader::new(bulk.receiver, MAX_BULK_BYTES);
        guest.start("mirror bulk in", move |shared| {
            bulk::receive(reader, &shared.heap, &shared.life, &shared.applied, |applied| {
                shared.show(applied);
                Ok(())
            });
            shared.gone();
        })?;
        Ok(guest)
    }

    fn start(&self, name: &str, run: impl FnOnce(&Shared) + Send + 'static) -> Result<(), BeginError> {
        let shared = self.shared.clone();
        let builder = std::thread::Builder::new().name(name.to_owned());
        builder.spawn(move || run(&shared)).map(drop).map_err(BeginError::Thread)
    }

    /// The aperture.
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// Wakes the mirror, which is the host as far as the drivers know.
    pub fn ring_doorbell(&self) {
        self.out.ring(&self.shared.doorbell, &self.shared.life);
    }

    /// Waits for an interrupt; interrupts that came before count, several count as one.
    pub fn wait_interrupt(&self, timeout: Duration) -> Wake {
        let Shared { interrupts, life, .. } = &*self.shared;
        let begin = Instant::now();
        let (deadline, look) = (begin + timeout, begin + self.look());
        loop {
            if interrupts.rung.swap(false, Ordering::AcqRel) {
                interrupts.came.store(true, Ordering::Relaxed);
                return Wake::Rung;
            }
            if life.has_ended() {
                return Wake::Gone;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if interrupts.woken.swap(false, Ordering::AcqRel) || left.is_zero() {
                return Wake::Timeout;
            }
            if Instant::now() < look {
                std::thread::yield_now();
                continue;
            }
            // Whoever ends the link rings; bounded all the same.
            interrupts.bell.wait(left.min(SILENCE));
        }
    }

    /// How long a wait looks before it sleeps: on a link that answers at once, to be woken takes as long as the answer. Not where nothing comes.
    fn look(&self) -> Duration {
        let (round_trip, came) =
            (self.round_trip(), self.shared.interrupts.came.swap(false, Ordering::Relaxed));
        if came && !round_trip.is_zero() && round_trip <= LOOK { LOOK } else { Duration::ZERO }
    }

    /// Ends a wait of another thread, or the next one, as if its time were over.
    pub fn wake_waiter(&self) {
        self.shared.interrupts.woken.store(true, Ordering::Release);
        self.shared.interrupts.bell.ring();
    }

    /// What the link has counted.
    pub fn stats(&self) -> LinkStats {
        self.shared.life.counters.snapshot()
    }

    /// The shortest round trip so far; zero before the first.
    pub fn round_trip(&self) -> Duration {
        Duration::from_nanos(self.shared.life.counters.rtt_min_ns.load(Ordering::Relaxed))
    }

    /// Why the link has ended, once it has.
    pub fn why(&self) -> Option<String> {
        self.shared.life.why()
    }
}

impl Drop for MirrorGuest {
    fn drop(&mut self) {
        self.shared.life.end(|| "the guest has ended the link".to_owned());
        self.shared.queue.end();
        self.shared.doorbell.ring();
    }
}

impl Shared {
    fn interrupt(&self) {
        self.interrupts.rung.store(true, Ordering::Release);
        self.interrupts.bell.ring();
    }

    /// The link has ended: what a host that goes writes last.
    fn gone(&self) {
        self.queue.end();
        let cell = |index: usize| self.aperture.cells().get(index);
        if let (Some(state), Some(reason)) = (cell(host_cell::STATE), cell(host_cell::REASON)) {
            let before = state.load(Ordering::Acquire);
            if before != host_state::REFUSED && before != host_state::GONE {
                reason.store(refusal::WORKER_ENDED, Ordering::Relaxed);
                state.store(host_state::GONE, Ordering::Release);
            }
        }
        self.doorbell.ring();
        self.interrupt();
    }

    /// The thread that hears the host.
    fn listen(&self, mut reader: MessageReader) {
        let mut words = Vec::new();
        loop {
            let heard = match reader.read() {
                Ok(message) => {
                    self.life.hear();
                    self.hear(&message, &mut words)
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

    fn hear(&self, message: &Message<'_>, words: &mut Vec<u64>) -> Result<(), String> {
        match message {
            Message::Control { cells, info } => self.control(cells, info),
            Message::Ring { ring: EVENT_RING, need, position, records } => {
                to_words(records, words);
                let mut arriving = lock(&self.arriving);
                let applied = self.applied.load(Ordering::Acquire);
                // The guest's kernel is not asked whether it sleeps: an event is rare, and worth an interrupt.
                let _sleeps = arriving.events.add(*position, *need, words, applied)?;
                drop(arriving);
                self.interrupt();
                Ok(())
            }
            Message::Heap { offset, bytes } => {
                let inside =
                    offset.checked_add(bytes.len() as u64).is_some_and(|end| end <= self.heap.len() as u64);
                if !inside {
                    return Err(format!("the host sent {} bytes for {offset:#x} of the heap", bytes.len()));
                }
                bytes::write(self.heap.cells(), *offset, bytes);
                Ok(())
            }
            Message::Fence { context, need, value, time, error } => {
                self.doorbell.answered();
                let line = Line { need: *need, value: *value, time: *time, error: *error };
                let mut arriving = lock(&self.arriving);
                let applied = self.applied.load(Ordering::Acquire);
                arriving.lines.add(*context, line, applied, |context, line| self.complete(context, line))
            }
            Message::Status { heartbeat, applied, heads } => {
                if let Some(cell) = self.aperture.cells().get(host_cell::HEARTBEAT) {
                    cell.store(*heartbeat, Ordering::Release);
                }
                self.queue.acknowledge(*applied);
                for head in heads {
                    self.give_back(head.ring, head.position)?;
                }
                Ok(())
            }
            Message::Ping { time } => {
                *lock(&self.pong) = Some(*time);
                self.doorbell.ring();
                Ok(())
            }
            Message::Pong { time } => {
                self.life.round_trip(*time);
                Ok(())
            }
            Message::Bye { text } => Err(format!("the host has ended the link: {text}")),
            _ => Err("the host sent what only a guest sends".to_owned()),
        }
    }

    fn control(&self, cells: &[u64], info: &[u8]) -> Result<(), String> {
        // CAST: 12 KiB.
        let first = Layout::host_info_offset() as usize;
        if info.len() as u64 > pvgpu_protocol::aperture::HOST_INFO_BYTES {
            return Err(format!("the host says {} bytes of itself", info.len()));
        }
        bytes::write(self.aperture.cells(), first as u64, info);
        // The state comes last, and the beat and the doorbell are the mirror's own.
        for (index, value) in cells.iter().enumerate().skip(1) {
            let index = host_cell::STATE + index;
            if matches!(index, host_cell::HEARTBEAT | host_cell::DOORBELL) {
                continue;
            }
            if let Some(cell) = self.aperture.cells().get(index) {
                cell.store(*value, Ordering::Relaxed);
            }
        }
        if let (Some(cell), Some(state)) = (self.aperture.cells().get(host_cell::STATE), cells.first()) {
            cell.store(*state, Ordering::Release);
        }
        self.interrupt();
        Ok(())
    }

    /// Bulk has come: writes what has waited for it.
    fn show(&self, applied: u64) {
        let mut arriving = lock(&self.arriving);
        arriving.lines.show(applied, |context, line| self.complete(context, line));
        if arriving.events.show(applied) {
            self.interrupt();
        }
        drop(arriving);
        self.owes_status.store(true, Ordering::Relaxed);
    }

    /// Writes a fence line, and interrupts if the guest has asked for that.
    fn complete(&self, context: u16, line: Line) {
        let Some(first) = Layout::fence_line(u32::from(context)) else { return };
        let cell = |index: usize| self.aperture.cells().get(first + index);
        if let (Some(value), Some(time), Some(error)) =
            (cell(fence_cell::COMPLETED), cell(fence_cell::TIME_NS), cell(fence_cell::ERROR))
        {
            time.store(line.time, Ordering::Relaxed);
            error.store(line.error, Ordering::Release);
            // Pairs with the acquire load in `FenceReader::poll`.
            value.store(line.value, Ordering::Release);
        }
        let request = Layout::request_line(u32::from(context))
            .and_then(|cell| self.aperture.part(cell as u64 * 8, LINE_BYTES as u64).ok())
            .and_then(|line| IrqRequest::new(line, request_cell::AT_VALUE).ok());
        if request.is_some_and(|request| request.fire(line.value)) || line.error != 0 {
            self.interrupt();
        }
    }

    /// The host has consumed a ring up to a position.
    fn give_back(&self, ring: u16, position: u64) -> Result<(), String> {
        let rings = lock(&self.rings);
        // A ring that has ended meanwhile needs nothing.
        let Some((memory, sent)) = rings.get(&ring) else { return Ok(()) };
        let sent = sent.load(Ordering::Acquire);
        // Wrapping differences, as everywhere in rings.
        if sent.wrapping_sub(position) >= 1 << 63 {
            return Err(format!("the host has consumed {position:#x} of a ring that was sent to {sent:#x}"));
        }
        if give_back(memory, position).map_err(|error| error.to_string())? {
            self.interrupt();
        }
        Ok(())
    }
}

/// The words of records.
fn to_words(records: &[u8], words: &mut Vec<u64>) {
    words.clear();
    let (chunks, _) = records.as_chunks::<8>();
    words.extend(chunks.iter().map(|chunk| u64::from_le_bytes(*chunk)));
}

/// The thread that sends.
struct Out {
    shared: Arc<Shared>,
    rings: BTreeMap<u16, (Ring, Arc<AtomicU64>)>,
    trace: telemetry::Reader<Region>,
    shadows: Shadows,
    /// Bulk items that the host may not have yet, with their ranges.
    unconfirmed: VecDeque<(u64, HeapRange)>,
    /// What ring 0's records write, by the fence behind it.
    writing: VecDeque<(u64, HeapRange)>,
    local: Vec<u64>,
    bytes: Vec<u8>,
    out: Vec<u8>,
    sender: Box<dyn Sender>,
    beat: Beat,
}

impl Turns for Out {
    fn turn(&mut self) -> Result<bool, String> {
        let contexts: Vec<u16> = self.rings.keys().copied().filter(|context| *context != 0).collect();
        let mut taken = VecDeque::new();
        for context in contexts {
            // Read before ring 0 is looked at: a record may refer to what ring 0 said before.
            if let Some(words) = self.take(context)? {
                taken.push_back((context, words));
            }
        }
        let ring0 = self.take(0)?;
        let worked = ring0.is_some() || !taken.is_empty();
        if let Some(words) = ring0 {
            self.send_records(0, &words)?;
        }
        for (context, words) in taken {
            if self.rings.contains_key(&context) {
                self.send_records(context, &words)?;
            }
        }
        self.trace();
        self.tell();
        self.flush(0)?;
        Ok(worked)
    }

    fn arm(&mut self) -> bool {
        let mut idle = true;
        for (ring, _) in self.rings.values_mut() {
            // A corrupt ring is found by the next turn.
            idle &= ring.source.prepare_sleep().unwrap_or(false);
        }
        idle
    }

    fn disarm(&mut self) {
        for (ring, _) in self.rings.values_mut() {
            ring.source.wake_up();
        }
    }

    fn beat(&mut self) -> &mut Beat {
        &mut self.beat
    }
}

impl Out {
    /// Takes records of a ring, as many as one message carries.
    fn take(&mut self, context: u16) -> Result<Option<Vec<u64>>, String> {
        let Some((ring, _)) = self.rings.get_mut(&context) else { return Ok(None) };
        // The host would poison the context; here it is the end, since what follows cannot be told from what is missing.
        let words = ring
            .source
            .read(&mut self.local, MAX_RECORD_BYTES as usize)
            .map_err(|corrupt| format!("ring {context} is corrupt: {corrupt}"))?;
        Ok((!words.is_empty()).then(|| words.to_vec()))
    }

    /// Sends records with what they need.
    fn send_records(&mut self, context: u16, words: &[u64]) -> Result<(), String> {
        let Some((ring, sent)) = self.rings.get(&context) else { return Ok(()) };
        let (sent, end) = (sent.clone(), ring.source.position());
        let mut position = end.wrapping_sub(words.len() as u64 * 8);
        let (mut rest, mut ready) = (words, 0);
        let mut uses = Vec::new();
        let mut ended = None;
        while let Some(header) = rest.get(ready) {
            // CAST: a length that the source has checked.
            let length = RecordHeader::from_word(*header).length as usize / 8;
            let record = rest.get(ready..ready + length.max(1)).unwrap_or_default();
            uses.clear();
            let Some((ring, _)) = self.rings.get_mut(&context) else { return Ok(()) };
            ring.footprint.record(record, |what| uses.push(what));
            let before = ring.need;
            for what in &uses {
                ended = ended.or(self.use_heap(context, *what)?);
            }
            let need = self.rings.get(&context).map_or(0, |(ring, _)| ring.need);
            if need != before && ready != 0 {
                // What came before does not wait for it.
                let (now, later) = rest.split_at_checked(ready).unwrap_or((rest, &[]));
                self.ring_message(context, before, position, now);
                position = position.wrapping_add(now.len() as u64 * 8);
                (rest, ready) = (later, 0);
            }
            ready += length.max(1);
        }
        let need = self.rings.get(&context).map_or(0, |(ring, _)| ring.need);
        // Before the host can have consumed anything of it.
        sent.store(end, Ordering::Release);
        self.ring_message(context, need, position, rest);
        if let Some(context) = ended {
            self.rings.remove(&context);
            lock(&self.shared.rings).remove(&context);
            Message::CloseRing { context }.encode(&mut self.out);
        }
        self.flush(BATCH_BYTES)
    }

    fn ring_message(&mut self, ring: u16, need: u64, position: u64, words: &[u64]) {
        if words.is_empty() {
            return;
        }
        self.bytes.clear();
        self.bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        // What is here already needs not be waited for.
        let need = if need <= self.shared.queue.acknowledged() { 0 } else { need };
        Message::Ring { ring, need, position, records: &self.bytes }.encode(&mut self.out);
    }

    /// Sends what a record reads, and notes what it writes; gives the context that it ends.
    fn use_heap(&mut self, context: u16, what: Use) -> Result<Option<u16>, String> {
        match what {
            Use::Reads(range) => {
                self.shadows.forget(range.offset, range.length);
                self.send_range(context, range, None);
            }
            Use::Updates(range) => self.update(context, range),
            Use::Writes(range) => {
                let HeapRange { offset, length } = range;
                self.want(context, Wanted { offset, length, ..Wanted::default() });
            }
            Use::Shows { range, pitch, width, surface, keep } => {
                let HeapRange { offset, length } = range;
                self.want(context, Wanted { offset, length, pitch, width, surface, keep });
            }
            Use::Fence(value) => self.fence(context, value),
            Use::Begins { context, ring } => self.begin_ring(context, ring)?,
            // CAST: a context's number.
            Use::Ends { context } => return Ok((context < MAX_CONTEXTS).then_some(context as u16)),
        }
        Ok(None)
    }

    fn want(&mut self, context: u16, wanted: Wanted) {
        let range = HeapRange { offset: wanted.offset, length: wanted.length };
        if range.length == 0 || !self.lies_inside(range) {
            return;
        }
        self.shadows.forget(range.offset, range.length);
        if let Some((ring, _)) = self.rings.get_mut(&context) {
            ring.wanted.push(wanted);
        }
    }

    fn lies_inside(&self, range: HeapRange) -> bool {
        range.offset.checked_add(range.length).is_some_and(|end| end <= self.shared.heap.len() as u64)
    }

    /// Tells the host what it must send before it says that a fence is complete.
    fn fence(&mut self, context: u16, fence: u64) {
        let Some((ring, _)) = self.rings.get_mut(&context) else { return };
        let mut wanted = std::mem::take(&mut ring.wanted);
        if wanted.is_empty() {
            return;
        }
        wanted.sort_unstable();
        wanted.dedup();
        if context == 0 {
            self.writing.extend(
                wanted
                    .iter()
                    .map(|wanted| (fence, HeapRange { offset: wanted.offset, length: wanted.length })),
            );
        }
        for ranges in wanted.chunks(MAX_WANTED) {
            Message::Want { context, fence, ranges: ranges.to_vec() }.encode(&mut self.out);
        }
    }

    fn begin_ring(&mut self, context: u32, range: HeapRange) -> Result<(), String> {
        let number = u16::try_from(context).ok().filter(|_| context != 0 && context < MAX_CONTEXTS);
        let place = RingRegion::from_range(range.offset, range.length);
        // The host will say what is wrong with such a record.
        let (Some(number), Some(place)) = (number, place) else { return Ok(()) };
        let Ok(memory) = self.shared.heap.part(place.ring_offset(), RING_HEADER_BYTES + place.capacity)
        else {
            return Ok(());
        };
        let source = Source::new(memory.clone(), 0).map_err(|error| error.to_string())?;
        let sent = Arc::new(AtomicU64::new(0));
        lock(&self.shared.rings).insert(number, (memory, sent.clone()));
        let ring = Ring { source, footprint: Footprint::default(), wanted: Vec::new(), need: 0 };
        self.rings.insert(number, (ring, sent));
        let (offset, length) = (range.offset, range.length);
        self.shadows.forget(offset, length);
        Message::OpenRing { context: number, offset, length }.encode(&mut self.out);
        Ok(())
    }

    /// Sends what has changed of a part that is written again and again.
    fn update(&mut self, context: u16, range: HeapRange) {
        if context == 0 && self.is_being_written(range) {
            // The host has it newer than this machine.
            return;
        }
        // CAST: inside the heap, which is mapped.
        let length = range.length as usize;
        if length < MIN_BYTES || !self.lies_inside(range) {
            return self.send_range(context, range, None);
        }
        let mut now = vec![0; length];
        bytes::read(self.shared.heap.cells(), range.offset, &mut now);
        match self.shadows.update(range.offset, &now) {
            None => self.send_range(context, range, Some(now)),
            Some(runs) => {
                for run in runs {
                    let part = HeapRange {
                        offset: range.offset + run.start as u64,
                        length: (run.end - run.start) as u64,
                    };
                    let bytes = now.get(run).map(<[u8]>::to_vec);
                    self.send_range(context, part, bytes);
                }
            }
        }
    }

    /// Whether ring 0's records write into a part, and the host has not said yet that it is done.
    fn is_being_written(&mut self, range: HeapRange) -> bool {
        let completed = Layout::fence_line(0)
            .and_then(|line| self.shared.aperture.cells().get(line + fence_cell::COMPLETED))
            .map_or(0, |cell| cell.load(Ordering::Acquire));
        while self.writing.pop_front_if(|(fence, _)| *fence <= completed).is_some() {}
        self.writing.iter().any(|(_, written)| overlap(*written, range))
    }

    /// Sends a part of the heap: in front of the records if it is small, else by the bulk channel.
    fn send_range(&mut self, context: u16, range: HeapRange, fixed: Option<Vec<u8>>) {
        if range.length == 0 || !self.lies_inside(range) {
            return;
        }
        let HeapRange { offset, length } = range;
        let acknowledged = self.shared.queue.acknowledged();
        while self.unconfirmed.pop_front_if(|(number, _)| *number <= acknowledged).is_some() {}
        // Bulk that is still under way must not come over newer bytes.
        let behind = self.unconfirmed.iter().any(|(_, other)| overlap(*other, range));
        if length <= INLINE_BYTES && !behind {
            // CAST: at most INLINE_BYTES.
            self.bytes.resize(length as usize, 0);
            match fixed {
                Some(fixed) => self.bytes.copy_from_slice(&fixed),
                None => bytes::read(self.shared.heap.cells(), offset, &mut self.bytes),
            }
            return Message::Heap { offset, bytes: &self.bytes }.encode(&mut self.out);
        }
        let number = self.shared.queue.add(&self.shared.life, Item { offset, length, fixed, frame: None });
        self.unconfirmed.push_back((number, range));
        if let Some((ring, _)) = self.rings.get_mut(&context) {
            ring.need = number;
        }
    }

    /// Sends trace records.
    fn trace(&mut self) {
        self.bytes.clear();
        // A corrupt telemetry ring costs its own contents only.
        while self.bytes.len() < BATCH_BYTES
            && let Ok(Some(words)) = self.trace.read()
        {
            self.bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        }
        if !self.bytes.is_empty() {
            Message::Telemetry { records: &self.bytes }.encode(&mut self.out);
        }
    }

    /// Tells how far this end is, when it is time.
    fn tell(&mut self) {
        if let Some(time) = lock(&self.shared.pong).take() {
            Message::Pong { time }.encode(&mut self.out);
        }
        let due = self.beat.due();
        let word = due != Due::Nothing;
        let mut heads = Vec::new();
        {
            let mut arriving = lock(&self.shared.arriving);
            match arriving.events.head(word) {
                Ok(Some(position)) => heads.push(super::wire::Head { ring: EVENT_RING, position }),
                Ok(None) => {}
                Err(why) => self.shared.life.end(|| why),
            }
        }
        if word || !heads.is_empty() || self.shared.owes_status.swap(false, Ordering::Relaxed) {
            let heartbeat = self.shared.aperture.cells().get(guest_cell::HEARTBEAT);
            let heartbeat = heartbeat.map_or(0, |cell| cell.load(Ordering::Acquire));
            let applied = self.shared.applied.load(Ordering::Acquire);
            Message::Status { heartbeat, applied, heads }.encode(&mut self.out);
        }
        if due == Due::Ping {
            Message::Ping { time: self.shared.life.now() }.encode(&mut self.out);
        }
    }

    /// Sends what has gathered, if that is more than `least` bytes.
    fn flush(&mut self, least: usize) -> Result<(), String> {
        if self.out.len() <= least {
            return Ok(());
        }
        let sent = self.sender.send(&[IoSlice::new(&self.out)]);
        self.shared.life.counters.urgent_sent.fetch_add(self.out.len() as u64, Ordering::Relaxed);
        self.out.clear();
        sent.map_err(|error| format!("the link has failed ({error})"))
    }
}

fn overlap(a: HeapRange, b: HeapRange) -> bool {
    a.offset < b.offset.saturating_add(b.length) && b.offset < a.offset.saturating_add(a.length)
}
