//! A guest without a driver: what kernel- and user-mode driver do to begin a context, and no more.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use pvgpu_protocol::aperture::{
    GuestHello, LINE_BYTES, Layout, PAGE_BYTES, RING_HEADER_BYTES, RingRegion, Sizes, guest_cell, host_cell,
    host_state, request_cell,
};
use pvgpu_protocol::command::{self, CreateContext, GrantHeap, HeapRange};
use pvgpu_protocol::limits::DEFAULT_APERTURE_BYTES;
use pvgpu_protocol::version::{VersionRange, feature};
use pvgpu_ring::{AtomicU64, FenceReader, IrqRequest, Producer, ReserveError, bytes, initialise};
use pvgpu_transport::guest::{GuestPort, Unannounced};
use pvgpu_transport::shm::Wake;
use pvgpu_transport::{Link, Mapping, Region};

/// Where the context's ring lies in the heap, and its region.
const RING: HeapRange = HeapRange { offset: 0, length: PAGE_BYTES + (1 << 20) };
/// Where the context's part of the heap begins, and how long it is.
const DATA: HeapRange = HeapRange { offset: 4 << 20, length: 64 << 20 };
/// The context.
const CONTEXT: u32 = 1;
/// TIMEOUT: for a host that starts a worker on a busy machine.
const READY: Duration = Duration::from_secs(20);
/// TIMEOUT: a fence that takes longer does not come.
const FENCE: Duration = Duration::from_secs(30);

/// A connected guest with one context.
pub struct Guest {
    port: GuestPort,
    heap: Region,
    ring: Producer<Region>,
    fences: FenceReader<Region>,
    request: IrqRequest<Region>,
}

impl Guest {
    /// Connects and begins the context.
    ///
    /// # Errors
    /// A sentence.
    pub fn connect(link: &Link) -> Result<Self, String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let unannounced = Unannounced::new(link, DEFAULT_APERTURE_BYTES).map_err(|error| text(&error))?;
        let mapping = unannounced.mapping().clone();
        let sizes = Sizes::with_aperture(DEFAULT_APERTURE_BYTES);
        let layout = Layout::new(sizes).map_err(|error| text(&error))?;
        let region = |offset, length| mapping.region(offset, length).map_err(|error| text(&error));
        let place = layout.ring0;
        let ring0 = region(place.ring_offset(), RING_HEADER_BYTES + place.capacity)?;
        let heap = region(layout.heap_offset, layout.heap_bytes())?;
        let place = RingRegion::from_range(RING.offset, RING.length).ok_or("an impossible ring")?;
        let ring = heap
            .part(place.ring_offset(), RING_HEADER_BYTES + place.capacity)
            .map_err(|error| text(&error))?;
        let events = layout.event;
        let events = region(events.ring_offset(), RING_HEADER_BYTES + events.capacity)?;
        for memory in [&ring0, &ring, &events] {
            initialise(memory, 0).map_err(|error| text(&error))?;
        }
        let features = feature::ALL;
        let process = u64::from(std::process::id());
        let hello = GuestHello { versions: VersionRange::GUEST, features, sizes, process };
        for (index, value) in hello.cells() {
            store(&mapping, index, value);
        }
        let announced = unannounced.announce().map_err(|error| text(&error))?;
        let begin = Instant::now();
        while load(&mapping, host_cell::STATE) != host_state::READY {
            if let Some(why) = announced.why() {
                return Err(why);
            }
            if begin.elapsed() > READY || load(&mapping, host_cell::STATE) == host_state::REFUSED {
                return Err("the host does not serve this guest; its log says why".to_owned());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let port = announced.open_doorbells().map_err(|error| text(&error))?;
        let producer = |memory| Producer::new(memory, 0).map_err(|error| text(&error));
        let mut ring0 = producer(ring0)?;
        push(&mut ring0, &port, &CreateContext { ring: RING, context: CONTEXT, process: 0 })?;
        push(&mut ring0, &port, &GrantHeap { range: DATA, context: CONTEXT, reserved: 0 })?;
        let page = region(Layout::fence_page_offset(), PAGE_BYTES)?;
        let fences = FenceReader::new(page, CONTEXT as usize).map_err(|error| text(&error))?;
        let cell = Layout::request_line(CONTEXT).ok_or("an impossible context")?;
        let request = region(cell as u64 * 8, LINE_BYTES)?;
        let request = IrqRequest::new(request, request_cell::AT_VALUE).map_err(|error| text(&error))?;
        let ring = producer(ring)?;
        beat(&mapping);
        Ok(Self { port, heap, ring, fences, request })
    }

    /// Where data may lie, in bytes from the heap's start.
    pub fn data_offset(&self) -> u64 {
        DATA.offset
    }

    /// Fills a part of the data with bytes that do not pack.
    pub fn fill(&self, offset: u64, length: u64, seed: u64) {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        // CAST: some MiB.
        let mut contents = vec![0; length as usize];
        for chunk in contents.chunks_mut(8) {
            // Xorshift: fast, and nothing packs it.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let word = state.to_le_bytes();
            chunk.copy_from_slice(word.get(..chunk.len()).unwrap_or_default());
        }
        bytes::write(self.heap.as_ref(), DATA.offset + offset, &contents);
    }

    /// Sends a command on the context's ring.
    ///
    /// # Errors
    /// A sentence.
    pub fn send<C: Encode>(&mut self, command: &C) -> Result<(), String> {
        push(&mut self.ring, &self.port, command)
    }

    /// Waits until a fence is complete.
    ///
    /// # Errors
    /// A sentence.
    pub fn wait(&mut self, value: u64) -> Result<(), String> {
        let begin = Instant::now();
        loop {
            let waits = self.request.arm(value, &mut self.fences).map_err(|error| error.to_string())?;
            if !waits {
                return Ok(());
            }
            if self.port.wait_interrupt(Duration::from_millis(100)) == Wake::Gone {
                return Err("the link has ended; the host's log says why".to_owned());
            }
            if begin.elapsed() > FENCE {
                return Err(format!("fence {value} does not come"));
            }
        }
    }

    /// Does nothing for some time.
    ///
    /// # Errors
    /// A sentence: the link has ended.
    pub fn idle(&mut self, time: Duration) -> Result<(), String> {
        let begin = Instant::now();
        while begin.elapsed() < time {
            let left = time.saturating_sub(begin.elapsed());
            if self.port.wait_interrupt(left) == Wake::Gone {
                return Err("the link has ended; the host's log says why".to_owned());
            }
        }
        Ok(())
    }
}

/// Keeps the guest's heartbeat rising, as its driver does.
fn beat(mapping: &Mapping) {
    let mapping = mapping.clone();
    std::thread::spawn(move || {
        for beat in 2.. {
            store(&mapping, guest_cell::HEARTBEAT, beat);
            std::thread::sleep(Duration::from_millis(64));
        }
    });
}

/// A command that can be written into a buffer.
pub trait Encode {
    /// Its tag, the upper half of a record's header, and its payload.
    fn record(&self) -> Result<(u32, Vec<u8>), String>;
}

macro_rules! encode {
    ($($command:ty),+) => { $(
        impl Encode for $command {
            fn record(&self) -> Result<(u32, Vec<u8>), String> {
                let mut payload = Vec::new();
                let mut sink = |part: &[u8]| payload.extend_from_slice(part);
                let header = command::encode(self, &mut sink).map_err(|error| error.to_string())?;
                // CAST: the header's upper half.
                Ok(((header.to_word() >> 32) as u32, payload))
            }
        }
    )+ };
}

encode!(
    CreateContext,
    GrantHeap,
    command::CreateResource,
    command::UpdateSubresource,
    command::WriteStaging,
    command::Fence
);

fn push<C: Encode>(ring: &mut Producer<Region>, port: &GuestPort, command: &C) -> Result<(), String> {
    let (tag, payload) = command.record()?;
    loop {
        match ring.reserve(payload.len()) {
            Ok(mut record) => {
                record.write(&payload).map_err(|error| error.to_string())?;
                let wake = record.commit(tag).wake;
                if wake | ring.kick() {
                    port.ring_doorbell();
                }
                return Ok(());
            }
            Err(ReserveError::Full) => {
                let idle = ring.prepare_sleep(payload.len()).map_err(|error| error.to_string())?;
                if idle.wake {
                    port.ring_doorbell();
                }
                if idle.sleep && port.wait_interrupt(Duration::from_millis(100)) == Wake::Gone {
                    return Err("the link has ended; the host's log says why".to_owned());
                }
                ring.wake_up();
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}

fn store(mapping: &Mapping, index: usize, value: u64) {
    let whole = mapping.whole();
    let cells: &[AtomicU64] = whole.as_ref();
    if let Some(cell) = cells.get(index) {
        cell.store(value, Ordering::Release);
    }
}

fn load(mapping: &Mapping, index: usize) -> u64 {
    let whole = mapping.whole();
    let cells: &[AtomicU64] = whole.as_ref();
    cells.get(index).map_or(0, |cell| cell.load(Ordering::Acquire))
}
