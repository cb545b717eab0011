//! A host without a GPU: it reads the rings over the real carrier, fills presented frames with a pattern and completes
//! fences.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use pvgpu_protocol::aperture::{
    GuestHello, LINE_BYTES, Layout, RING_HEADER_BYTES, RingRegion, fence_cell, host_cell, host_state,
};
use pvgpu_protocol::command::{CommandRef, decode, encode};
use pvgpu_protocol::event::{ContextDestroyed, ContextError, error_code};
use pvgpu_protocol::format::FORMAT_COUNT;
use pvgpu_protocol::host_info::{FormatSupport, HostInfo, text_field};
use pvgpu_protocol::version;
use pvgpu_ring::{Consumer, FenceWriter, IrqRequest, Producer};
use pvgpu_transport::shm::{HostListener, HostPort, Wake};
use pvgpu_transport::{Link, Region};

/// A running host; it ends when this is dropped, as a killed one would.
pub struct FakeHost {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

pub fn link(folder: &Path) -> Link {
    format!("shm:{}", folder.display()).parse().expect("an absolute folder")
}

impl FakeHost {
    /// Serves the first guest that comes.
    pub fn serve(link: &Link) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut listener = HostListener::bind(link).expect("a free folder");
        let thread = {
            let stop = stop.clone();
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    if let Some(aperture) = listener.next_guest().expect("the folder is there") {
                        Worker::new(HostPort::open(&aperture).expect("doorbells")).run(&stop);
                        return;
                    }
                    std::thread::sleep(Duration::from_millis(1));
                }
            })
        };
        Self { stop, thread: Some(thread) }
    }

    /// Ends it and waits until it has.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the host does not panic");
        }
    }
}

impl Drop for FakeHost {
    fn drop(&mut self) {
        self.end();
    }
}

struct Worker {
    port: HostPort,
    layout: Layout,
    ring0: Consumer<Region>,
    events: Producer<Region>,
    contexts: BTreeMap<u32, Context>,
    local: Vec<u64>,
}

struct Context {
    ring: Consumer<Region>,
    fence: FenceWriter<Region>,
    request: IrqRequest<Region>,
    poisoned: bool,
}

fn ring(port: &HostPort, region: RingRegion) -> Region {
    port.mapping().region(region.ring_offset(), RING_HEADER_BYTES + region.capacity).expect("inside")
}

impl Worker {
    fn new(port: HostPort) -> Self {
        let whole = port.mapping().whole();
        let cells = whole.as_ref();
        let hello = GuestHello::read(|cell| cells[cell].load(Ordering::Acquire)).expect("a hello");
        let layout = Layout::new(hello.sizes).expect("sizes");
        let info = HostInfo {
            gpu_name: text_field("no GPU"),
            driver: text_field("a test"),
            dedicated_video_memory: 0,
            shared_system_memory: 0,
            timestamp_frequency: 1,
            vendor_id: 1,
            device_id: 2,
            feature_level: 0xb000,
            features: 0,
            formats: [FormatSupport::default(); FORMAT_COUNT],
        };
        let first = (Layout::host_info_offset() / 8) as usize;
        for (index, word) in info.to_words().into_iter().enumerate() {
            cells[first + index].store(word, Ordering::Relaxed);
        }
        for (cell, value) in [
            (host_cell::VERSION, u64::from(version::ABI_VERSION)),
            (host_cell::FEATURES, version::feature::ALL),
            (host_cell::HOST_INFO_BYTES, HostInfo::WORDS as u64 * 8),
            (host_cell::HEARTBEAT, 1),
            (host_cell::STATE, host_state::READY),
        ] {
            cells[cell].store(value, Ordering::Release);
        }
        Self {
            ring0: Consumer::new(ring(&port, layout.ring0), 0).expect("ring 0"),
            events: Producer::new(ring(&port, layout.event), 0).expect("event ring"),
            layout,
            port,
            contexts: BTreeMap::new(),
            local: vec![0; 8192],
        }
    }

    fn run(mut self, stop: &AtomicBool) {
        let whole = self.port.mapping().whole();
        while !stop.load(Ordering::Relaxed) {
            whole.as_ref()[host_cell::HEARTBEAT].fetch_add(1, Ordering::Relaxed);
            if self.port.wait_doorbell(Duration::from_millis(1)) == Wake::Gone {
                return;
            }
            self.serve_ring0();
            let numbers: Vec<u32> = self.contexts.keys().copied().collect();
            numbers.into_iter().for_each(|number| self.serve_context(number));
        }
    }

    fn serve_ring0(&mut self) {
        while let Some(record) = self.ring0.pop_into(&mut self.local).expect("an honest guest") {
            let words = record.ring_bytes() / 8;
            match decode(&self.local[..words]).expect("a command") {
                CommandRef::CreateContext(create) => {
                    let offset = self.layout.heap_offset + create.ring.offset.to_native();
                    let region =
                        RingRegion::from_range(offset, create.ring.length.to_native()).expect("a ring");
                    let number = create.context.to_native();
                    let whole = self.port.mapping().whole();
                    let line = Layout::fence_line(number).expect("a context") / (LINE_BYTES as usize / 8);
                    let request = Layout::request_line(number).expect("a context");
                    let context = Context {
                        ring: Consumer::new(ring(&self.port, region), 0).expect("a ring"),
                        fence: FenceWriter::new(whole.clone(), line).expect("a line"),
                        request: IrqRequest::new(whole, request).expect("a line"),
                        poisoned: false,
                    };
                    self.contexts.insert(number, context);
                }
                CommandRef::DestroyContext(destroy) => {
                    let number = destroy.context.to_native();
                    self.contexts.remove(&number).expect("a context");
                    let line = Layout::fence_line(number).expect("a context");
                    let whole = self.port.mapping().whole();
                    whole.as_ref()[line..line + 8].iter().for_each(|cell| cell.store(0, Ordering::Release));
                    let event = ContextDestroyed { context: number, reserved: 0 };
                    let mut record = self.events.reserve(64).expect("room");
                    let header = encode(&event, &mut |bytes: &[u8]| record.write(bytes).expect("fits"))
                        .expect("small");
                    let _ = record.commit((header.to_word() >> 32) as u32);
                    self.port.interrupt();
                }
                _ => {}
            }
        }
    }

    fn serve_context(&mut self, number: u32) {
        let whole = self.port.mapping().whole();
        let Some(context) = self.contexts.get_mut(&number).filter(|context| !context.poisoned) else {
            return;
        };
        while let Some(record) = context.ring.pop_into(&mut self.local).expect("an honest guest") {
            let words = record.ring_bytes() / 8;
            match decode(&self.local[..words]).expect("a command") {
                CommandRef::Present(present) => {
                    let first = ((self.layout.heap_offset + present.frame.offset.to_native()) / 8) as usize;
                    let count = (present.frame.length.to_native() / 8) as usize;
                    let pattern = present.sequence.to_native();
                    for (index, cell) in whole.as_ref()[first..first + count].iter().enumerate() {
                        cell.store(pattern << 32 | index as u64, Ordering::Relaxed);
                    }
                }
                CommandRef::Fence(fence) => {
                    let value = fence.value.to_native();
                    context.fence.complete(value, 1);
                    if context.request.fire(value) {
                        self.port.interrupt();
                    }
                }
                other => {
                    // It draws nothing: everything else breaks a rule.
                    context.poisoned = true;
                    let line = Layout::fence_line(number).expect("a context");
                    let code = error_code::UNSUPPORTED;
                    whole.as_ref()[line + fence_cell::ERROR].store(u64::from(code), Ordering::Release);
                    let opcode = u32::from(other.opcode());
                    let event = ContextError { context: number, code, opcode, object: 0, position: 0 };
                    let mut record = self.events.reserve(64).expect("room");
                    let header = encode(&event, &mut |bytes: &[u8]| record.write(bytes).expect("fits"))
                        .expect("small");
                    let _ = record.commit((header.to_word() >> 32) as u32);
                    self.port.interrupt();
                    return;
                }
            }
        }
    }
}
