//! A guest made of the real rings and records, and the worker's real loop in a thread of the same process.

use std::fs::File;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use pvgpu_host_backend::memory::{Heap, Part, SharedCells};
use pvgpu_host_backend::pipeline_file::GpuId;
use pvgpu_host_backend::record::{Header, Limits, Tap};
use pvgpu_host_backend::shared_image::Broker;
use pvgpu_host_backend::vulkan::{Device, DeviceOptions, TileWatch, host_info, validation_messages};
use pvgpu_host_backend::worker::{Ended, Engine, Inbox, Parts, Port, Report, Stats};
use pvgpu_protocol::aperture::{Layout, PAGE_BYTES, RING_HEADER_BYTES, Sizes, fence_cell};
use pvgpu_protocol::command::*;
use pvgpu_protocol::event::{EventRef, decode_event};
use pvgpu_protocol::limits::{MAX_GUEST_BYTES, MIN_APERTURE_BYTES};
use pvgpu_protocol::record::RecordHeader;
use pvgpu_protocol::version::ABI_VERSION;
use pvgpu_ring::{Consumer, FenceReader, Producer, ReserveError, initialise};
use pvgpu_transport::shm::Wake;
use pvgpu_transport::{Mapping, Region};

/// Data area of each context's ring in these tests.
pub const RING_BYTES: u64 = 1 << 18;
/// Heap of each context.
pub const HEAP_BYTES: u64 = 8 << 20;
/// Nothing in these tests takes longer, even on a loaded machine with validation.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends a command on a ring of the guest.
#[macro_export]
macro_rules! send {
    ($ring:expr, $command:expr) => {{
        let command = $command;
        if $crate::harness::tells() {
            eprintln!("    {command:?}");
        }
        let mut bytes = Vec::new();
        let mut sink = |part: &[u8]| bytes.extend_from_slice(part);
        let header = pvgpu_protocol::command::encode(&command, &mut sink).expect("a small command");
        $ring.push(header, &bytes)
    }};
}

/// Whether commands are told before they are sent.
pub fn tells() -> bool {
    static TELLS: OnceLock<bool> = OnceLock::new();
    *TELLS.get_or_init(|| std::env::var_os("PVGPU_TEST_TRACE").is_some())
}

/// A doorbell between threads.
#[derive(Default)]
pub struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    fn ring(&self) {
        *self.rung.lock().expect("no panic") = true;
        self.changed.notify_all();
    }
}

impl Port for Bell {
    fn interrupt(&self) {}

    fn wait(&self, timeout: Duration) -> Wake {
        let rung = self.rung.lock().expect("no panic");
        let (mut rung, _) = self.changed.wait_timeout_while(rung, timeout, |rung| !*rung).expect("no panic");
        if std::mem::take(&mut *rung) { Wake::Rung } else { Wake::Timeout }
    }
}

/// The GPU of the tests: lavapipe, or what `PVGPU_TEST_GPU` names.
pub fn gpu_name() -> String {
    std::env::var("PVGPU_TEST_GPU").unwrap_or("llvmpipe".to_owned())
}

/// With the validation layer, and nothing that the driver lacks.
pub fn validated() -> DeviceOptions {
    let validation = std::env::var_os("PVGPU_TEST_NO_VALIDATION").is_none();
    DeviceOptions { validation, memory_limit: MAX_GUEST_BYTES, ..DeviceOptions::default() }
}

/// Devices that are open in this process.
static OPEN: (Mutex<usize>, Condvar) = (Mutex::new(0), Condvar::new());
/// What a test with several devices counts for: more than any limit.
const SEVERAL: usize = 1 << 20;

/// How many devices `PVGPU_TEST_DEVICES` says a test process may have at a time. A driver may stop with several (NVIDIA's 580 was
/// seen to, with four).
fn most_devices() -> Option<usize> {
    std::env::var("PVGPU_TEST_DEVICES").ok().and_then(|text| text.parse().ok())
}

/// The right to have one more device open. Without `PVGPU_TEST_DEVICES` one has it at a time: the validation layer (1.3.239) looks its
/// devices up without a lock, and while another thread opens one, it finds an empty table and calls nowhere.
pub struct Permit(usize);

impl Permit {
    /// Waits until another device may be opened.
    pub fn take() -> Self {
        Self::wait(1, most_devices().unwrap_or(1))
    }

    /// Waits until no device is open, for a test with several workers, whose devices need no permit of their own. None where a process
    /// must not have several.
    pub fn of_several() -> Option<Self> {
        (most_devices() != Some(1)).then(|| Self::wait(SEVERAL, SEVERAL))
    }

    /// Waits until there is room for `count` devices below `limit`.
    fn wait(count: usize, limit: usize) -> Self {
        let open = OPEN.0.lock().expect("no panic");
        let mut open = OPEN.1.wait_while(open, |open| *open + count > limit).expect("no panic");
        *open += count;
        Self(count)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        *OPEN.0.lock().expect("no panic") -= self.0;
        OPEN.1.notify_all();
    }
}

/// A device for replays, opened while no guest of the test is alive.
pub struct Gpu {
    pub device: Arc<Device>,
    // Dropped after the device.
    _permit: Permit,
}

impl Gpu {
    pub fn open() -> Self {
        let _permit = Permit::take();
        let gpu = gpu_name().parse().expect("a name");
        Self { device: Device::open(&DeviceOptions { gpu, ..validated() }).expect("a GPU"), _permit }
    }
}

/// A file in memory that both sides hold.
#[derive(Clone, Default)]
pub struct SharedFile(pub Arc<Mutex<Vec<u8>>>);

impl Write for SharedFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A recording's header as a worker writes it.
pub fn header(device: &Device, sizes: Sizes) -> Header {
    Header {
        abi: ABI_VERSION,
        features: 0,
        sizes,
        process: 77,
        began: 1,
        program: "test".to_owned(),
        device: device.name(),
        driver: device.driver().to_owned(),
    }
}

/// How a guest rings its host.
pub type RingBell = Arc<dyn Fn() + Send + Sync>;

/// The guest's end of a ring.
pub struct Ring {
    producer: Producer<Region>,
    bell: RingBell,
}

impl Ring {
    /// Takes the producing end of a new ring whose run of cells begins at `offset`.
    pub fn new(mapping: &Mapping, offset: u64, capacity: u64, bell: &RingBell) -> Self {
        let region = mapping.region(offset, RING_HEADER_BYTES + capacity).expect("inside");
        initialise(&region, 0).expect("a ring");
        Self { producer: Producer::new(region, 0).expect("a ring"), bell: bell.clone() }
    }

    /// Publishes a record; gives the position behind it.
    pub fn push(&mut self, header: RecordHeader, payload: &[u8]) -> u64 {
        self.push_raw(u32::from(header.opcode) | u32::from(header.flags) << 16, payload)
    }

    /// Publishes a record with any tag.
    pub fn push_raw(&mut self, tag: u32, payload: &[u8]) -> u64 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.producer.reserve(payload.len()) {
                Ok(mut record) => {
                    record.write(payload).expect("reserved");
                    let position = record.commit(tag).position;
                    // Always rung: these tests are not about the idle protocol.
                    (self.bell)();
                    return position;
                }
                Err(ReserveError::Full) if Instant::now() < deadline => std::thread::yield_now(),
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Whether the host has read everything.
    pub fn is_read(&mut self) -> bool {
        self.producer.consumed().expect("honest") == self.producer.published()
    }
}

/// What happened, as plain numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    Error { context: u32, code: u32, opcode: u32, object: u32 },
    Destroyed { context: u32 },
    Mode { width: u32, height: u32, refresh_millihertz: u32 },
}

/// An adapter with a worker's loop behind it.
pub struct Guest {
    mapping: Mapping,
    pub layout: Layout,
    pub ring0: Ring,
    events: Consumer<Region>,
    bell: Arc<Bell>,
    ring_bell: RingBell,
    stop: Arc<AtomicBool>,
    pub stats: Arc<Stats>,
    pub inbox: Arc<Inbox>,
    /// The file of pipelines that the worker has reported last.
    pub pipelines: Arc<Mutex<Vec<u8>>>,
    gpu: Arc<OnceLock<GpuId>>,
    worker: Option<JoinHandle<Ended>>,
    next_heap: u64,
    next_context: u32,
    next_fence: u64,
}

/// A context of the guest.
pub struct Ctx {
    pub number: u32,
    pub ring: Ring,
    fence: FenceReader<Region>,
    mapping: Mapping,
    layout: Layout,
    next_fence: u64,
    next_id: u32,
    heap: HeapRange,
    heap_used: u64,
}

impl Guest {
    /// An adapter of the smallest size with the validation layer, on lavapipe or what `PVGPU_TEST_GPU` names.
    pub fn new() -> Self {
        Self::with_memory(MAX_GUEST_BYTES)
    }

    /// The same without the layer: for measuring, and for streams that no program would send.
    pub fn without_validation() -> Self {
        Self::start(DeviceOptions { memory_limit: MAX_GUEST_BYTES, ..DeviceOptions::default() })
    }

    /// The same with a limit on GPU memory.
    pub fn with_memory(memory_limit: u64) -> Self {
        Self::start(DeviceOptions { memory_limit, ..validated() })
    }

    /// The same on a driver that cannot import the heap.
    pub fn bouncing() -> Self {
        Self::start(DeviceOptions { bounce: true, ..validated() })
    }

    /// The same with a limit on the GPU's own memory, beyond which textures live elsewhere.
    pub fn with_local_memory(local_limit: u64) -> Self {
        Self::start(DeviceOptions { local_limit: Some(local_limit), ..validated() })
    }

    /// The same on a device that cannot merge the samples of a rasterizer that has more than its targets.
    pub fn merging_in_shaders() -> Self {
        Self::start(DeviceOptions { merge_in_shaders: true, ..validated() })
    }

    /// The same with what an earlier run has left for pipelines.
    pub fn with_pipelines(file: Vec<u8>) -> Self {
        Self::start_with(validated(), Some(file))
    }

    /// The GPU that the worker has opened.
    pub fn gpu_id(&self) -> GpuId {
        *self.gpu.wait()
    }

    /// The same on a driver that has no more than some command pools, hence room for as many contexts.
    pub fn with_command_pools(count: u32) -> Self {
        Self::start(DeviceOptions { command_pools: Some(count), ..validated() })
    }

    /// The same, recorded to the end.
    pub fn recorded(file: &SharedFile, limits: Limits, bounce: bool) -> Self {
        Self::start_recorded(DeviceOptions { bounce, ..validated() }, Some((file.clone(), limits)))
    }

    fn start(options: DeviceOptions) -> Self {
        Self::start_with(options, None)
    }

    /// The same with a way to what other workers share, under [`Permit::of_several`]. Returns when its device is open.
    pub fn with_broker(memory_limit: u64, broker: Arc<dyn Broker>) -> Self {
        let guest =
            Self::start_all(DeviceOptions { memory_limit, ..validated() }, None, None, Some(broker), None);
        while guest.gpu.get().is_none() && guest.worker.as_ref().is_some_and(|worker| !worker.is_finished()) {
            std::thread::sleep(Duration::from_millis(1));
        }
        guest
    }

    /// An adapter whose frames are compared.
    pub fn watched(options: DeviceOptions, watch: TileWatch) -> Self {
        Self::start_all(options, None, None, None, Some(watch))
    }

    fn start_with(options: DeviceOptions, known_pipelines: Option<Vec<u8>>) -> Self {
        Self::start_all(options, known_pipelines, None, None, None)
    }

    fn start_recorded(options: DeviceOptions, recording: Option<(SharedFile, Limits)>) -> Self {
        Self::start_all(options, None, recording, None, None)
    }

    fn start_all(
        options: DeviceOptions,
        known_pipelines: Option<Vec<u8>>,
        recording: Option<(SharedFile, Limits)>,
        broker: Option<Arc<dyn Broker>>,
        tiles: Option<TileWatch>,
    ) -> Self {
        let _ = env_logger::Builder::new().filter_level(log::LevelFilter::Warn).is_test(true).try_init();
        let layout = Layout::new(Sizes::with_aperture(MIN_APERTURE_BYTES)).expect("legal");
        let file: File = tempfile::tempfile_in("/dev/shm").expect("a file");
        file.set_len(layout.sizes.aperture).expect("room");
        let mapping = Mapping::of_file(&file).expect("maps");
        let bell = Arc::new(Bell::default());
        let ring_bell: RingBell = Arc::new({
            let bell = bell.clone();
            move || bell.ring()
        });
        let ring0 = Ring::new(&mapping, layout.ring0.ring_offset(), layout.ring0.capacity, &ring_bell);
        let event = layout.event;
        let region = mapping.region(event.ring_offset(), RING_HEADER_BYTES + event.capacity).expect("inside");
        initialise(&region, 0).expect("a ring");
        let events = Consumer::new(region, 0).expect("a ring");
        let stop = Arc::new(AtomicBool::new(false));
        let (stats, inbox) = (Arc::new(Stats::default()), Arc::new(Inbox::default()));
        let (pipelines, known) = (Arc::<Mutex<Vec<u8>>>::default(), Arc::<OnceLock<GpuId>>::default());
        let worker = std::thread::spawn({
            let (mapping, bell, stop) = (mapping.clone(), bell.clone(), stop.clone());
            let (stats, inbox) = (stats.clone(), inbox.clone());
            let (pipelines, known) = (pipelines.clone(), known.clone());
            move || {
                // Dropped last, when the device is closed.
                let _permit = broker.is_none().then(Permit::take);
                let gpu = gpu_name().parse().expect("a name");
                let options = DeviceOptions { gpu, ..options };
                let device = Device::open_with(&options, known_pipelines.as_deref()).expect("a GPU");
                let _first = known.set(device.gpu_id());
                let cells: SharedCells = Arc::new(mapping.whole());
                let host_info = host_info(&device);
                let report = Box::new(move |report| {
                    if let Report::Pipelines(file) = report {
                        *pipelines.lock().expect("nobody has panicked") = file;
                    }
                });
                let tap = recording.map(|(file, limits)| {
                    let heap = Part::new(&cells, layout.heap_offset, layout.heap_bytes()).map(Heap::new);
                    let header = header(&device, layout.sizes);
                    Tap::new(Box::new(file), &header, limits, heap.expect("inside")).expect("begins")
                });
                let frames = None;
                let parts = Parts {
                    cells,
                    layout,
                    port: bell,
                    device,
                    host_info,
                    stats,
                    inbox,
                    broker,
                    tap,
                    frames,
                    tiles,
                    report,
                };
                let mut engine = Engine::new(parts).expect("starts");
                let ended = engine.run(&stop);
                engine.save_pipelines();
                ended
            }
        });
        Self {
            mapping,
            layout,
            ring0,
            events,
            bell,
            ring_bell,
            stop,
            stats,
            inbox,
            pipelines,
            gpu: known,
            worker: Some(worker),
            next_heap: 0,
            next_context: 1,
            next_fence: 1,
        }
    }

    /// Takes a part of the heap that nobody else has.
    pub fn take_heap(&mut self, length: u64) -> HeapRange {
        let range = HeapRange { offset: self.next_heap, length: length.next_multiple_of(PAGE_BYTES) };
        self.next_heap += range.length;
        assert!(self.next_heap <= self.layout.heap_bytes(), "the tests' heap is used up");
        range
    }

    /// Begins a context with a ring and a heap range.
    pub fn context(&mut self) -> Ctx {
        let number = self.next_context;
        self.next_context += 1;
        let ring = self.take_heap(PAGE_BYTES + RING_BYTES);
        let heap = self.take_heap(HEAP_BYTES);
        self.context_in(number, ring, heap)
    }

    /// Begins a context with given ranges.
    pub fn context_in(&mut self, number: u32, ring: HeapRange, heap: HeapRange) -> Ctx {
        let (mapping, bell) = (self.mapping.clone(), self.ring_bell.clone());
        let ring = Ctx::begin(&mut self.ring0, &mapping, self.layout, &bell, number, ring, heap);
        // The fence line begins anew when the host has read the command.
        self.wait("ring 0 to be read", |guest| guest.ring0.is_read());
        Ctx::new(ring, mapping, self.layout, number, heap)
    }

    /// Waits until the host has executed ring 0 so far, by ring 0's own fence.
    pub fn finish_ring0(&mut self) {
        let value = self.next_fence;
        self.next_fence += 1;
        send!(self.ring0, Fence { value });
        let page = self.mapping.region(Layout::fence_page_offset(), PAGE_BYTES).expect("inside");
        let mut line = FenceReader::new(page, 0).expect("a line");
        self.wait("ring 0's fence", |guest| {
            if let Some(event) = guest.poll_event() {
                panic!("{event:?}");
            }
            line.poll().expect("monotonic") >= value
        });
    }

    /// The cells of a part of the heap.
    pub fn heap_region(&self, range: HeapRange) -> Region {
        self.mapping.region(self.layout.heap_offset + range.offset, range.length).expect("inside")
    }

    /// Waits for something that must come.
    pub fn wait(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            assert!(Instant::now() < deadline, "{what} does not come");
            assert!(self.worker.as_ref().is_some_and(|worker| !worker.is_finished()), "the worker has ended");
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// The next event, if there is one.
    pub fn poll_event(&mut self) -> Option<Happened> {
        let mut local = [0; 64];
        let record = self.events.pop_into(&mut local).expect("an honest host")?;
        let mut words = vec![record.ring_bytes() as u64 | u64::from(record.tag()) << 32];
        words.extend_from_slice(record.payload_words());
        Some(match decode_event(&words).expect("an event") {
            EventRef::ContextError(event) => Happened::Error {
                context: event.context.to_native(),
                code: event.code.to_native(),
                opcode: event.opcode.to_native(),
                object: event.object.to_native(),
            },
            EventRef::ContextDestroyed(event) => Happened::Destroyed { context: event.context.to_native() },
            EventRef::ModeRequest(event) => Happened::Mode {
                width: event.width.to_native(),
                height: event.height.to_native(),
                refresh_millihertz: event.refresh_millihertz.to_native(),
            },
        })
    }

    /// The next event.
    pub fn event(&mut self) -> Happened {
        let mut event = None;
        self.wait("an event", |guest| {
            event = guest.poll_event();
            event.is_some()
        });
        event.expect("it came")
    }

    /// Waits for a fence.
    pub fn finish(&mut self, ctx: &mut Ctx) {
        let value = ctx.fence();
        self.wait_fence(ctx, value);
    }

    /// Waits until a context's fence has reached a value.
    pub fn wait_fence(&mut self, ctx: &mut Ctx, value: u64) {
        self.wait("the fence", |guest| {
            if let Some(event) = guest.poll_event() {
                panic!("{event:?}");
            }
            ctx.fence.poll().expect("monotonic") >= value
        });
    }

    /// Ends the worker; fails when a validation layer has complained.
    pub fn end(mut self) -> Ended {
        let ended = self.join().expect("the worker has not panicked");
        assert_eq!(validation_messages(), 0, "the validation layer has complained");
        ended
    }

    fn join(&mut self) -> Option<Ended> {
        self.stop.store(true, Ordering::Relaxed);
        self.bell.ring();
        self.worker.take()?.join().ok()
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.join();
    }
}

impl Ctx {
    /// Asks the host to begin a context; gives its ring.
    pub fn begin(
        ring0: &mut Ring,
        mapping: &Mapping,
        layout: Layout,
        bell: &RingBell,
        number: u32,
        ring: HeapRange,
        heap: HeapRange,
    ) -> Ring {
        let offset = layout.heap_offset + ring.offset + PAGE_BYTES - RING_HEADER_BYTES;
        let context_ring = Ring::new(mapping, offset, RING_BYTES, bell);
        send!(ring0, CreateContext { ring, context: number, process: 77 });
        send!(ring0, GrantHeap { range: heap, context: number, reserved: 0 });
        context_ring
    }

    /// A context that the host has begun.
    pub fn new(ring: Ring, mapping: Mapping, layout: Layout, number: u32, heap: HeapRange) -> Self {
        let page = mapping.region(Layout::fence_page_offset(), PAGE_BYTES).expect("inside");
        let fence = FenceReader::new(page, number as usize).expect("a line");
        Self { number, ring, fence, mapping, layout, next_fence: 1, next_id: 1, heap, heap_used: 0 }
    }

    /// A new object number.
    pub fn id(&mut self) -> u32 {
        self.next_id += 1;
        self.next_id
    }

    /// Sends a fence and gives its value.
    pub fn fence(&mut self) -> u64 {
        let value = self.next_fence;
        self.next_fence += 1;
        send!(self.ring, Fence { value });
        value
    }

    /// The fence's completed value.
    pub fn completed(&mut self) -> u64 {
        self.fence.poll().expect("monotonic")
    }

    /// The error cell of its fence line.
    pub fn error(&self) -> u64 {
        let cell = Layout::fence_line(self.number).expect("a line") + fence_cell::ERROR;
        self.mapping.whole().as_ref()[cell].load(Ordering::Acquire)
    }

    /// Takes a piece of the context's heap.
    pub fn take(&mut self, length: u64) -> HeapRange {
        let range = HeapRange { offset: self.heap.offset + self.heap_used, length };
        self.heap_used += length.next_multiple_of(256);
        assert!(self.heap_used <= self.heap.length, "the context's heap is used up");
        range
    }

    /// Puts bytes into the heap.
    pub fn put(&mut self, bytes: &[u8]) -> HeapRange {
        let range = self.take(bytes.len() as u64);
        let mut padded = bytes.to_vec();
        padded.resize(bytes.len().next_multiple_of(8), 0);
        let region = self.region(range.offset, padded.len() as u64);
        for (cell, word) in region.as_ref().iter().zip(padded.as_chunks::<8>().0) {
            cell.store(u64::from_le_bytes(*word), Ordering::Relaxed);
        }
        range
    }

    /// Changes whole words of the heap.
    pub fn set(&mut self, offset: u64, bytes: &[u8]) {
        let region = self.region(offset, bytes.len() as u64);
        for (cell, word) in region.as_ref().iter().zip(bytes.as_chunks::<8>().0) {
            cell.store(u64::from_le_bytes(*word), Ordering::Relaxed);
        }
    }

    /// Reads bytes of the heap.
    pub fn get(&self, range: HeapRange) -> Vec<u8> {
        let region = self.region(range.offset, range.length.next_multiple_of(8));
        let words = region.as_ref().iter().map(|cell| cell.load(Ordering::Acquire));
        let mut bytes: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
        bytes.truncate(range.length as usize);
        bytes
    }

    fn region(&self, offset: u64, length: u64) -> Region {
        self.mapping.region(self.layout.heap_offset + offset, length).expect("inside")
    }

    /// Creates a buffer, with contents if there are some.
    pub fn buffer(
        &mut self,
        bytes: &[u8],
        length: u32,
        usage: u32,
        bind_flags: u32,
        misc: u32,
        stride: u32,
    ) -> u32 {
        let id = self.id();
        send!(
            self.ring,
            CreateResource {
                id,
                dimension: dimension::BUFFER,
                width: length,
                height: 1,
                depth: 1,
                mip_levels: 1,
                array_size: 1,
                sample_count: 1,
                usage,
                bind_flags,
                misc_flags: misc,
                structure_stride: stride,
                ..Default::default()
            }
        );
        if !bytes.is_empty() {
            let data = self.put(bytes);
            let dst_box =
                SubresourceBox { right: bytes.len() as u32, bottom: 1, back: 1, ..Default::default() };
            send!(
                self.ring,
                UpdateSubresource {
                    data,
                    dst: id,
                    dst_subresource: 0,
                    dst_box,
                    row_pitch: 0,
                    depth_pitch: 0
                }
            );
        }
        id
    }

    /// A 2D texture without contents.
    pub fn texture(
        &mut self,
        format: u32,
        width: u32,
        height: u32,
        mips: u32,
        bind_flags: u32,
        misc: u32,
    ) -> u32 {
        let id = self.id();
        send!(self.ring, texture_2d(id, format, width, height, mips, bind_flags, misc));
        id
    }

    /// A staging copy of a texture's first subresource; gives its place.
    pub fn read_back(&mut self, src: u32, format: u32, width: u32, height: u32, texel: u32) -> HeapRange {
        let heap = self.take(u64::from(width * height * texel).next_multiple_of(64 * u64::from(texel)));
        let id = self.id();
        let staging =
            CreateResource { usage: usage::STAGING, heap, ..texture_2d(id, format, width, height, 1, 0, 0) };
        send!(self.ring, staging);
        let src_box = SubresourceBox { right: width, bottom: height, back: 1, ..Default::default() };
        send!(
            self.ring,
            CopyRegion {
                dst: id,
                dst_subresource: 0,
                dst_x: 0,
                dst_y: 0,
                dst_z: 0,
                src,
                src_subresource: 0,
                src_box,
                reserved: 0
            }
        );
        heap
    }

    /// A staging copy of a buffer; gives its place.
    pub fn read_back_buffer(&mut self, src: u32, length: u32) -> HeapRange {
        let heap = self.take(u64::from(length).next_multiple_of(64));
        let id = self.id();
        send!(
            self.ring,
            CreateResource {
                heap,
                id,
                dimension: dimension::BUFFER,
                width: length,
                height: 1,
                depth: 1,
                mip_levels: 1,
                array_size: 1,
                sample_count: 1,
                usage: usage::STAGING,
                ..Default::default()
            }
        );
        send!(self.ring, CopyResource { dst: id, src });
        HeapRange { length: length.into(), ..heap }
    }

    /// A view of all of a resource.
    pub fn view(&mut self, resource: u32, kind: u32, format: u32, range: ViewRange) -> u32 {
        let id = self.id();
        send!(self.ring, CreateView { id, resource, kind, format, range });
        id
    }

    /// A shader from a DXBC container.
    pub fn shader(&mut self, stage: u32, container: &[u8]) -> u32 {
        let container = pvgpu_dxbc::container::parse(container).expect("a container of ours");
        let bytes: Vec<u8> = container.tokens.iter().flat_map(|token| token.to_le_bytes()).collect();
        let tokens = self.put(&bytes);
        let signature = |elements: &[pvgpu_dxbc::SignatureElement]| -> Vec<SignatureElement> {
            let map = |e: &pvgpu_dxbc::SignatureElement| SignatureElement {
                system_value: e.system_value,
                register: e.register,
                mask: e.mask.into(),
                component_type: e.component_type,
                stream: e.stream,
            };
            elements.iter().map(map).collect()
        };
        let id = self.id();
        let (input, output) =
            (signature(&container.signatures.input), signature(&container.signatures.output));
        let patch_constant = signature(&container.signatures.patch_constant);
        send!(
            self.ring,
            CreateShader {
                tokens,
                id,
                stage,
                input: &input,
                output: &output,
                patch_constant: &patch_constant
            }
        );
        id
    }

    /// Binds one render target with a viewport of its size.
    pub fn set_target(&mut self, view: u32, depth_stencil: u32, width: f32, height: f32) {
        send!(
            self.ring,
            SetRenderTargets { depth_stencil, uav_start: 0, render_targets: &[view], uavs: &[] }
        );
        let viewport = Viewport { width, height, max_depth: 1.0, ..Default::default() };
        send!(self.ring, SetViewports { viewports: &[viewport] });
    }

    /// Presents a texture; gives the frame's place.
    pub fn present(&mut self, src: u32, width: u32, height: u32) -> HeapRange {
        self.present_with_pitch(src, width, height, width * 4)
    }

    /// The same with rows that begin so many bytes apart.
    pub fn present_with_pitch(&mut self, src: u32, width: u32, height: u32, row_pitch: u32) -> HeapRange {
        let frame = self.take(u64::from(row_pitch * height));
        self.present_in(frame, src, width, height, row_pitch);
        frame
    }

    /// The same into a given place.
    pub fn present_in(&mut self, frame: HeapRange, src: u32, width: u32, height: u32, row_pitch: u32) {
        send!(
            self.ring,
            Present { frame, src, src_subresource: 0, width, height, row_pitch, flags: 0, sequence: 1 }
        );
    }
}

/// A 2D texture's description.
pub fn texture_2d(
    id: u32,
    format: u32,
    width: u32,
    height: u32,
    mips: u32,
    bind_flags: u32,
    misc: u32,
) -> CreateResource {
    CreateResource {
        id,
        dimension: dimension::TEXTURE2D,
        format,
        width,
        height,
        depth: 1,
        mip_levels: mips,
        array_size: 1,
        sample_count: 1,
        bind_flags,
        misc_flags: misc,
        ..Default::default()
    }
}

/// A view of the first mip of a 2D texture.
pub fn range_2d() -> ViewRange {
    ViewRange { dimension: dimension::TEXTURE2D, mip_levels: 1, array_size: 1, ..Default::default() }
}
