//! Both ends of a mirror in one process: drivers write into one aperture, a worker reads the other.

mod channels;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use pvgpu_protocol::aperture::{
    GuestHello, LINE_BYTES, Layout, PAGE_BYTES, RING_HEADER_BYTES, RingRegion, Sizes, host_cell, host_state,
    request_cell,
};
use pvgpu_protocol::command::{
    self, CopyResource, CreateContext, CreateResource, Fence, HeapRange, PlaceBuffer, UpdateSubresource,
    WriteNoOverwrite, dimension, usage,
};
use pvgpu_protocol::record::RecordHeader;
use pvgpu_protocol::version::VersionRange;
use pvgpu_ring::{Consumer, FenceReader, FenceWriter, IrqRequest, Producer, ReserveError, bytes, initialise};
use pvgpu_transport::carrier::Channels;
use pvgpu_transport::mirror::{Greeted, MirrorGuest, MirrorHost};
use pvgpu_transport::shm::Wake;
use pvgpu_transport::{Mapping, Region};

const APERTURE: u64 = 64 << 20;
/// TIMEOUT: for what takes some ms; tests fail by it only when the mirror has lost something.
const PATIENCE: Duration = Duration::from_secs(20);

macro_rules! send {
    ($ring:expr, $link:expr, $command:expr) => {{
        let mut bytes = Vec::new();
        let mut sink = |part: &[u8]| bytes.extend_from_slice(part);
        let header = command::encode(&$command, &mut sink).expect("a small command");
        push($ring, $link, header, &bytes)
    }};
}

fn layout() -> Layout {
    Layout::new(Sizes::with_aperture(APERTURE)).expect("a usual size")
}

/// The drivers' side.
struct Guest {
    mapping: Mapping,
    heap: Region,
    ring0: Producer<Region>,
}

impl Guest {
    fn new() -> Self {
        let mapping = Mapping::anonymous(APERTURE as usize).expect("memory");
        let layout = layout();
        let ring = |place: RingRegion| {
            mapping.region(place.ring_offset(), RING_HEADER_BYTES + place.capacity).expect("inside")
        };
        for place in [layout.ring0, layout.event] {
            initialise(&ring(place), 0).expect("a ring");
        }
        let ring0 = Producer::new(ring(layout.ring0), 0).expect("a ring");
        let heap = mapping.region(layout.heap_offset, layout.heap_bytes()).expect("inside");
        let hello =
            GuestHello { versions: VersionRange::OURS, features: 0, sizes: layout.sizes, process: 77 };
        let cells = mapping.whole();
        for (index, value) in hello.cells() {
            cells.as_ref()[index].store(value, Ordering::Release);
        }
        Self { mapping, heap, ring0 }
    }

    fn begin(&self, channels: Channels) -> MirrorGuest {
        MirrorGuest::begin(self.mapping.clone(), channels).expect("it begins")
    }

    /// A context whose ring lies at `offset` in the heap.
    fn context(&mut self, link: &MirrorGuest, context: u32, offset: u64) -> Producer<Region> {
        let place = RingRegion::from_range(offset, PAGE_BYTES + (256 << 10)).expect("a ring");
        let memory = self.heap.part(place.ring_offset(), RING_HEADER_BYTES + place.capacity).expect("inside");
        initialise(&memory, 0).expect("a ring");
        let ring = HeapRange { offset, length: place.length() };
        send!(&mut self.ring0, link, CreateContext { ring, context, process: 1 });
        Producer::new(memory, 0).expect("a ring")
    }

    fn fences(&self) -> Region {
        self.mapping.region(Layout::fence_page_offset(), PAGE_BYTES).expect("inside")
    }
}

/// The worker's side.
struct Worker {
    port: Arc<MirrorHost>,
    heap: Region,
    ring0: Consumer<Region>,
}

impl Worker {
    fn new(channels: Channels) -> Self {
        let greeted = Greeted::hear(channels, PATIENCE).expect("a hello");
        assert_eq!((greeted.hello.sizes, greeted.hello.process), (layout().sizes, 77));
        let layout = layout();
        let mapping = Mapping::anonymous(APERTURE as usize).expect("memory");
        let port = greeted.begin(mapping.clone(), layout).expect("it begins");
        let ring = |place: RingRegion| {
            mapping.region(place.ring_offset(), RING_HEADER_BYTES + place.capacity).expect("inside")
        };
        let heap = mapping.region(layout.heap_offset, layout.heap_bytes()).expect("inside");
        let ring0 = Consumer::new(ring(layout.ring0), 0).expect("a ring");
        Self { port, heap, ring0 }
    }

    fn ring(&self, range: HeapRange) -> Consumer<Region> {
        let place = RingRegion::from_range(range.offset, range.length).expect("a ring");
        let memory = self.heap.part(place.ring_offset(), RING_HEADER_BYTES + place.capacity).expect("inside");
        Consumer::new(memory, 0).expect("a ring")
    }

    fn line(&self, context: u32) -> FenceWriter<Region> {
        let page = self.port.mapping().region(Layout::fence_page_offset(), PAGE_BYTES).expect("inside");
        FenceWriter::new(page, context as usize).expect("a line")
    }

    /// Completes a fence as a worker does: the line, then the interrupt if it was asked for.
    fn complete(&self, line: &mut FenceWriter<Region>, context: u32, value: u64) {
        line.complete(value, 5);
        let cell = Layout::request_line(context).expect("a context");
        let request = self.port.mapping().region(cell as u64 * 8, LINE_BYTES).expect("inside");
        if IrqRequest::new(request, request_cell::AT_VALUE).expect("a cell").fire(value) {
            self.port.interrupt();
        }
    }

    /// The next record of a ring, as words.
    fn next(&self, ring: &mut Consumer<Region>) -> Vec<u64> {
        let begin = Instant::now();
        let mut local = vec![0; 8192];
        loop {
            if let Some(record) = ring.pop_into(&mut local).expect("an honest ring") {
                let words = record.ring_bytes() / 8;
                if ring.wake_due() {
                    self.port.interrupt();
                }
                local.truncate(words);
                return local;
            }
            let idle = ring.prepare_sleep().expect("an honest ring");
            if idle.wake {
                self.port.interrupt();
            }
            if idle.sleep {
                assert_ne!(
                    self.port.wait_doorbell(Duration::from_secs(1)),
                    Wake::Gone,
                    "{:?}",
                    self.port.why()
                );
            }
            ring.wake_up();
            assert!(begin.elapsed() < PATIENCE, "no record has come");
        }
    }
}

/// Pushes a record, waiting for room as a driver does.
fn push(ring: &mut Producer<Region>, link: &MirrorGuest, header: RecordHeader, payload: &[u8]) {
    let begin = Instant::now();
    loop {
        match ring.reserve(payload.len()) {
            Ok(mut record) => {
                record.write(payload).expect("reserved");
                // CAST: the header's upper half.
                let wake = record.commit((header.to_word() >> 32) as u32).wake;
                if wake | ring.kick() {
                    link.ring_doorbell();
                }
                return;
            }
            Err(ReserveError::Full) => {
                let idle = ring.prepare_sleep(payload.len()).expect("an honest ring");
                if idle.wake {
                    link.ring_doorbell();
                }
                if idle.sleep {
                    link.wait_interrupt(Duration::from_millis(100));
                }
                ring.wake_up();
                assert!(begin.elapsed() < PATIENCE, "the ring stays full: {:?}", link.why());
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// A cheap sequence of numbers that look random.
struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

fn pattern(seed: u64, length: usize) -> Vec<u8> {
    let mut random = Random(seed);
    (0..length).map(|_| random.next(251) as u8).collect()
}

/// Waits until the guest sees a fence, as a driver does.
fn wait_fence(guest: &Guest, link: &MirrorGuest, context: u32, value: u64) {
    let mut reader = FenceReader::new(guest.fences(), context as usize).expect("a line");
    let cell = Layout::request_line(context).expect("a context");
    let request = guest.mapping.region(cell as u64 * 8, LINE_BYTES).expect("inside");
    let request = IrqRequest::new(request, request_cell::AT_VALUE).expect("a cell");
    let begin = Instant::now();
    while request.arm(value, &mut reader).expect("an honest host") {
        assert_ne!(link.wait_interrupt(Duration::from_secs(1)), Wake::Gone, "{:?}", link.why());
        assert!(begin.elapsed() < PATIENCE, "fence {value} does not come");
    }
    request.disarm();
}

fn connect() -> (Guest, MirrorGuest, Worker) {
    connect_over(channels::Carrier::Pipe)
}

fn connect_over(carrier: channels::Carrier) -> (Guest, MirrorGuest, Worker) {
    let (ours, theirs) = channels::pair(carrier);
    let guest = Guest::new();
    let link = guest.begin(ours);
    (guest, link, Worker::new(theirs))
}

const RING_AT: u64 = 1 << 20;
const RING: HeapRange = HeapRange { offset: RING_AT, length: PAGE_BYTES + (256 << 10) };

/// What the worker does with each update: compares what stands in its copy of the heap.
#[test]
fn records_find_what_they_read() {
    for carrier in channels::ALL {
        records_find_it_over(carrier);
    }
}

fn records_find_it_over(carrier: channels::Carrier) {
    let (mut guest, link, mut worker) = connect_over(carrier);
    let mut ring = guest.context(&link, 1, RING_AT);
    const ROUNDS: u64 = 300;
    // Small ones travel in front of the records, large ones beside them; a few are larger than a pipe.
    let size = |round: u64| match round % 7 {
        0 => 3_000_000 + round as usize,
        1..=3 => 40_000 + round as usize * 11,
        _ => 100 + round as usize,
    };
    let place = |round: u64| (8 << 20) + round % 8 * (4 << 20) + round % 5;
    std::thread::scope(|scope| {
        let judge = scope.spawn(|| {
            assert!(matches!(
                command::decode(&worker.next_of_ring0()),
                Ok(command::CommandRef::CreateContext(_))
            ));
            let mut ring = worker.ring(RING);
            let mut line = worker.line(1);
            for round in 0..ROUNDS {
                let words = worker.next(&mut ring);
                let Ok(command::CommandRef::UpdateSubresource(update)) = command::decode(&words) else {
                    panic!("an update")
                };
                let range = HeapRange::from(update.data);
                let mut found = vec![0; range.length as usize];
                bytes::read(worker.heap.as_ref(), range.offset, &mut found);
                assert!(found == pattern(round, size(round)), "round {round}");
                let words = worker.next(&mut ring);
                assert!(matches!(command::decode(&words), Ok(command::CommandRef::Fence(_))));
                worker.complete(&mut line, 1, round + 1);
            }
        });
        for round in 0..ROUNDS {
            // The memory is used again, once the host is done with it.
            if round >= 8 {
                wait_fence(&guest, &link, 1, round - 7);
            }
            let bytes = pattern(round, size(round));
            bytes::write(guest.heap.as_ref(), place(round), &bytes);
            let data = HeapRange { offset: place(round), length: bytes.len() as u64 };
            let update = UpdateSubresource {
                data,
                dst: 1,
                dst_subresource: 0,
                dst_box: command::SubresourceBox::default(),
                row_pitch: 0,
                depth_pitch: 0,
            };
            send!(&mut ring, &link, update);
            send!(&mut ring, &link, Fence { value: round + 1 });
        }
        judge.join().expect("no panic");
    });
    assert_eq!(link.why(), None);
}

impl Worker {
    fn next_of_ring0(&mut self) -> Vec<u64> {
        let place = layout().ring0;
        let region = self
            .port
            .mapping()
            .region(place.ring_offset(), RING_HEADER_BYTES + place.capacity)
            .expect("inside");
        let mut ring = std::mem::replace(&mut self.ring0, Consumer::new(region, 0).expect("a ring"));
        let words = self.next(&mut ring);
        self.ring0 = ring;
        words
    }
}

/// What a copy into a staging resource writes is there when the fence is.
#[test]
fn fences_bring_what_was_written() {
    for carrier in channels::ALL {
        fences_bring_it_over(carrier);
    }
}

fn fences_bring_it_over(carrier: channels::Carrier) {
    let (mut guest, link, mut worker) = connect_over(carrier);
    let mut ring = guest.context(&link, 1, RING_AT);
    const SIZES: [u32; 3] = [64, 30_000, 9_000_000];
    const ROUNDS: u64 = 60;
    let place = |index: usize| HeapRange {
        offset: (8 << 20) + index as u64 * (12 << 20),
        length: u64::from(SIZES[index]),
    };
    std::thread::scope(|scope| {
        let judge = scope.spawn(|| {
            worker.next_of_ring0();
            let mut ring = worker.ring(RING);
            let mut line = worker.line(1);
            for _ in SIZES {
                let words = worker.next(&mut ring);
                assert!(matches!(command::decode(&words), Ok(command::CommandRef::CreateResource(_))));
            }
            for round in 0..ROUNDS {
                for _ in SIZES {
                    let words = worker.next(&mut ring);
                    let Ok(command::CommandRef::CopyResource(copy)) = command::decode(&words) else {
                        panic!("a copy")
                    };
                    let index = copy.dst.to_native() as usize;
                    let bytes = pattern(round * 3 + index as u64, SIZES[index] as usize);
                    bytes::write(worker.heap.as_ref(), place(index).offset, &bytes);
                }
                worker.next(&mut ring);
                worker.complete(&mut line, 1, round + 1);
            }
        });
        for (index, size) in SIZES.into_iter().enumerate() {
            let create = CreateResource {
                heap: place(index),
                id: index as u32,
                dimension: dimension::BUFFER,
                width: size,
                height: 1,
                depth: 1,
                mip_levels: 1,
                array_size: 1,
                sample_count: 1,
                usage: usage::STAGING,
                ..Default::default()
            };
            send!(&mut ring, &link, create);
        }
        for round in 0..ROUNDS {
            for index in 0..SIZES.len() {
                send!(&mut ring, &link, CopyResource { dst: index as u32, src: 99 });
            }
            send!(&mut ring, &link, Fence { value: round + 1 });
            wait_fence(&guest, &link, 1, round + 1);
            for (index, size) in SIZES.into_iter().enumerate() {
                let mut found = vec![0; size as usize];
                bytes::read(guest.heap.as_ref(), place(index).offset, &mut found);
                assert!(
                    found == pattern(round * 3 + index as u64, size as usize),
                    "round {round}, {size} bytes"
                );
            }
        }
        judge.join().expect("no panic");
    });
}

/// A dynamic buffer that is written again and again while the host reads it.
#[test]
fn updates_in_place_arrive_and_cost_what_changed() {
    let (mut guest, link, mut worker) = connect();
    let mut ring = guest.context(&link, 1, RING_AT);
    const BYTES: u64 = 1 << 20;
    const ROUNDS: u64 = 200;
    let data = HeapRange { offset: 16 << 20, length: BYTES };
    let mut expected = vec![pattern(5, BYTES as usize)];
    let mut random = Random(9);
    let mut changes = Vec::new();
    for round in 0..ROUNDS {
        let mut next = expected.last().expect("one").clone();
        let (at, length) = (random.next(BYTES - 600) as usize, 1 + random.next(500) as usize);
        next[at..at + length].copy_from_slice(&pattern(100 + round, length));
        changes.push((at, length));
        expected.push(next);
    }
    let raw = std::thread::scope(|scope| {
        let judge = scope.spawn(|| {
            worker.next_of_ring0();
            let mut ring = worker.ring(RING);
            let mut line = worker.line(1);
            for (round, expected) in expected.iter().enumerate() {
                worker.next(&mut ring);
                let mut found = vec![0; BYTES as usize];
                bytes::read(worker.heap.as_ref(), data.offset, &mut found);
                assert!(&found == expected, "round {round}");
                worker.complete(&mut line, 1, round as u64 + 1);
            }
        });
        bytes::write(guest.heap.as_ref(), data.offset, &expected[0]);
        send!(&mut ring, &link, PlaceBuffer { data, dst: 1, reserved: 0 });
        for (round, (at, length)) in changes.iter().enumerate() {
            wait_fence(&guest, &link, 1, round as u64 + 1);
            let bytes = &expected[round + 1][*at..at + length];
            bytes::write(guest.heap.as_ref(), data.offset + *at as u64, bytes);
            send!(&mut ring, &link, WriteNoOverwrite { data, dst: 1, offset: 0 });
        }
        judge.join().expect("no panic");
        let stats = link.stats();
        stats.bulk_sent_raw + stats.urgent_sent
    });
    assert!(raw < BYTES * 2, "{raw} bytes were sent");
}

/// A ring that is used round and round.
#[test]
fn a_small_ring_carries_much() {
    let (mut guest, link, mut worker) = connect();
    let mut ring = guest.context(&link, 1, RING_AT);
    const RECORDS: u64 = 100_000;
    std::thread::scope(|scope| {
        let judge = scope.spawn(|| {
            worker.next_of_ring0();
            let mut ring = worker.ring(RING);
            for value in 1..=RECORDS {
                let words = worker.next(&mut ring);
                let Ok(command::CommandRef::Fence(fence)) = command::decode(&words) else {
                    panic!("a fence")
                };
                assert_eq!(fence.value.to_native(), value);
            }
        });
        for value in 1..=RECORDS {
            send!(&mut ring, &link, Fence { value });
        }
        judge.join().expect("no panic");
    });
}

/// A host that goes is noticed within a second, and so is a guest.
#[test]
fn an_end_is_seen_on_both_sides() {
    let (guest, link, worker) = connect();
    let state = |mapping: &Mapping| mapping.whole().as_ref()[host_cell::STATE].load(Ordering::Acquire);
    worker.port.mapping().whole().as_ref()[host_cell::STATE].store(host_state::READY, Ordering::Release);
    worker.port.interrupt();
    let begin = Instant::now();
    while state(&guest.mapping) != host_state::READY {
        assert!(begin.elapsed() < PATIENCE, "the state does not come");
        link.wait_interrupt(Duration::from_millis(10));
    }
    worker.port.end("the test ends it");
    while link.wait_interrupt(Duration::from_millis(100)) != Wake::Gone {
        assert!(begin.elapsed() < PATIENCE, "nobody notices");
    }
    assert_eq!(state(&guest.mapping), host_state::GONE);

    let (_guest, link, worker) = connect();
    drop(link);
    while worker.port.wait_doorbell(Duration::from_millis(100)) != Wake::Gone {
        assert!(begin.elapsed() < PATIENCE, "nobody notices");
    }
}
