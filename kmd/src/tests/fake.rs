//! A system whose time and faults the test controls, and a host that reads ring 0 and completes fences when told to.

use std::boxed::Box;
use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::string::String;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64 as StdU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::vec::Vec;

use pvgpu_protocol::aperture::{
    GuestHello, Layout, RING_HEADER_BYTES, RingRegion, fence_cell, host_cell, host_state, request_cell,
};
use pvgpu_protocol::command::{ArchivedRect, CommandRef, HeapRange, decode, encode};
use pvgpu_protocol::event::{ContextDestroyed, ContextError, ModeRequest};
use pvgpu_protocol::format::FORMAT_COUNT;
use pvgpu_protocol::host_info::{FormatSupport, HostInfo, text_field};
use pvgpu_protocol::kernel_interface::{
    ContextData, ContextState, FenceMarker, MapContext, PrivateData, PrivateHeader, device_kind, kind,
};
use pvgpu_protocol::limits::MIN_APERTURE_BYTES;
use pvgpu_protocol::mode::DisplayMode;
use pvgpu_protocol::telemetry::Level;
use pvgpu_protocol::version;
use pvgpu_ring::{AtomicU64, Consumer, FenceWriter, IrqRequest, Producer};

use crate::ddi::{ContextInfo, CreateContext, Escape, Render, Rendered, SubmitCommand};
use crate::{
    Access, Adapter, ApertureRange, Event, Handle, Kernel, Notification, Region, Removal, Settings, SpinLock,
    Status, SystemCopy,
};

/// The aperture: memory that the system gives zeroed, page by page as it is touched.
#[derive(Clone)]
pub(super) struct Cells(Arc<Box<[AtomicU64]>>);

impl AsRef<[AtomicU64]> for Cells {
    fn as_ref(&self) -> &[AtomicU64] {
        &self.0
    }
}

impl Deref for Cells {
    type Target = [AtomicU64];

    fn deref(&self) -> &[AtomicU64] {
        &self.0
    }
}

/// Aperture addresses of the fake process begin here.
pub(super) const USER_BASE: u64 = 0x7000_0000_0000;

/// An MDL that no copy will ever reach.
pub(super) const UNREACHABLE: u64 = 0xbad;

/// How the host answers the hello.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Answer {
    #[default]
    Ready,
    Silent,
    Unreachable,
    Refuse(u64),
    State(u64),
    Version(u64),
    Features(u64),
    InfoBytes(u64),
}

#[derive(Default)]
pub(super) struct FakeKernel {
    pub(super) aperture: Mutex<Option<Cells>>,
    pub(super) answer: Mutex<Answer>,
    pub(super) notifications: Mutex<Vec<Notification>>,
    pub(super) notified_dpcs: AtomicU32,
    pub(super) dpc: AtomicBool,
    pub(super) time_ns: StdU64,
    pub(super) process: AtomicU32,
    pub(super) doorbells: AtomicU32,
    /// Mappings that may still succeed; negative for all.
    pub(super) maps_left: AtomicI32,
    pub(super) mapped: AtomicI32,
    /// What happens while the driver sleeps.
    pub(super) while_asleep: Mutex<Option<Box<dyn FnMut() + Send>>>,
    /// What happens at the next unmapping, before it.
    pub(super) while_mapped: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    /// Whether memory of an earlier life may be in the aperture.
    pub(super) dirty: AtomicBool,
    /// Whether the calling process may load drivers.
    pub(super) privileged: AtomicBool,
    /// The event of the link service.
    pub(super) link_event: Mutex<Option<u64>>,
    /// System memory by MDL.
    pub(super) system: Mutex<BTreeMap<u64, Vec<u64>>>,
    /// Paging copies that fail before the next one succeeds.
    pub(super) copies_to_fail: AtomicU32,
    /// The largest of them, in bytes.
    pub(super) largest_copy: StdU64,
    /// The monitor's connection, as dxgkrnl was told.
    pub(super) connections: Mutex<Vec<bool>>,
    /// What the vertical blank's timer was set to last.
    pub(super) vsync_due: Mutex<Option<u64>>,
}

pub(super) struct FakeLock<T>(Mutex<T>);

impl<T: Send> SpinLock<T> for FakeLock<T> {
    fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    fn lock(&self) -> impl DerefMut<Target = T> {
        self.0.try_lock_or_wait()
    }
}

/// A lock taken twice by one thread would hang the test; after ten seconds it fails instead.
trait TryLockOrWait<T> {
    fn try_lock_or_wait(&self) -> MutexGuard<'_, T>;
}

impl<T> TryLockOrWait<T> for Mutex<T> {
    fn try_lock_or_wait(&self) -> MutexGuard<'_, T> {
        for _ in 0..100_000 {
            if let Ok(guard) = self.try_lock() {
                return guard;
            }
            std::thread::sleep(std::time::Duration::from_micros(100));
        }
        panic!("the spin lock is held forever");
    }
}

#[derive(Clone, Default)]
pub(super) struct FakeEvent(Arc<(Mutex<bool>, Condvar)>);

impl Event for FakeEvent {
    fn set(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    fn wait(&self, timeout_ms: u32) -> bool {
        let timeout = std::time::Duration::from_millis(u64::from(timeout_ms));
        let guard = self.0.0.lock().unwrap();
        *self.0.1.wait_timeout_while(guard, timeout, |set| !*set).unwrap().0
    }
}

impl Kernel for FakeKernel {
    type Aperture = Cells;
    type SpinLock<T: Send> = FakeLock<T>;
    type Event = FakeEvent;
    type UserMapping = ApertureRange;

    fn connect(&self, hello: &mut dyn FnMut(&Cells)) -> Result<Cells, Status> {
        let answer = *self.answer.lock().unwrap();
        if answer == Answer::Unreachable {
            return Err(Status::HostUnreachable);
        }
        let bytes = usize::try_from(MIN_APERTURE_BYTES).expect("small");
        let cells = Cells(Arc::new(bytemuck::zeroed_slice_box(bytes / 8)));
        if self.dirty.load(Ordering::Relaxed) {
            // All but the fence page, which the host zeroes before it serves anybody.
            for cell in cells.iter().take(512).chain(cells.iter().skip(1024)) {
                cell.store(u64::MAX, Ordering::Relaxed);
            }
        }
        hello(&cells);
        respond(&cells, answer);
        *self.aperture.lock().unwrap() = Some(cells.clone());
        Ok(cells)
    }

    fn aperture_is_zero(&self) -> bool {
        !self.dirty.load(Ordering::Relaxed)
    }

    fn is_privileged(&self) -> bool {
        self.privileged.load(Ordering::Relaxed)
    }

    fn attach_link(&self, event: u64) -> Result<(), Status> {
        if event == 0 {
            return Err(Status::BadHandle(Handle::Event));
        }
        assert_eq!(self.link_event.lock().unwrap().replace(event), None, "one at a time");
        Ok(())
    }

    fn detach_link(&self) {
        assert!(self.link_event.lock().unwrap().take().is_some(), "one was attached");
    }

    fn copy_system_memory(&self, copy: SystemCopy) -> Result<(), Status> {
        if self.copies_to_fail.load(Ordering::Relaxed) != 0 {
            self.copies_to_fail.fetch_sub(1, Ordering::Relaxed);
            return Err(Status::NoMemory);
        }
        if copy.mdl == UNREACHABLE {
            return Err(Status::Aperture { bytes: 0 });
        }
        self.largest_copy.fetch_max(copy.bytes, Ordering::Relaxed);
        let cells = self.aperture.lock().unwrap().clone().expect("connected");
        let mut system = self.system.lock().unwrap();
        let words = system.get_mut(&copy.mdl).expect("a locked MDL");
        let (first, count) = ((copy.mdl_offset / 8) as usize, (copy.bytes / 8) as usize);
        let cells = &cells[(copy.aperture_offset / 8) as usize..][..count];
        for (word, cell) in words[first..first + count].iter_mut().zip(cells) {
            if copy.to_aperture {
                cell.store(*word, Ordering::Relaxed);
            } else {
                *word = cell.load(Ordering::Relaxed);
            }
        }
        Ok(())
    }

    fn indicate_child_status(&self, _child_uid: u32, connected: bool) {
        self.connections.lock().unwrap().push(connected);
    }

    fn set_vsync_timer(&self, due_in_ns: Option<u64>) {
        *self.vsync_due.lock().unwrap() = due_in_ns;
    }

    fn crash_aperture(&self) -> Option<Cells> {
        self.aperture.try_lock().ok()?.clone()
    }

    fn disconnect(&self) {
        *self.aperture.lock().unwrap() = None;
    }

    fn ring_doorbell(&self) {
        self.doorbells.fetch_add(1, Ordering::Relaxed);
    }

    fn map_user(&self, range: ApertureRange, _access: Access) -> Result<ApertureRange, Status> {
        if self.maps_left.load(Ordering::Relaxed) == 0 {
            return Err(Status::NoMemory);
        }
        self.maps_left.fetch_sub(1, Ordering::Relaxed);
        self.mapped.fetch_add(1, Ordering::Relaxed);
        Ok(range)
    }

    fn user_address(&self, mapping: &ApertureRange) -> u64 {
        USER_BASE + mapping.offset
    }

    fn unmap_user(&self, _mapping: ApertureRange) {
        let happen = self.while_mapped.lock().unwrap().take();
        if let Some(happen) = happen {
            happen();
        }
        self.mapped.fetch_sub(1, Ordering::Relaxed);
    }

    fn current_process(&self) -> u32 {
        self.process.load(Ordering::Relaxed)
    }

    fn time_ns(&self) -> u64 {
        self.time_ns.load(Ordering::Relaxed)
    }

    fn sleep_ms(&self, ms: u32) {
        self.time_ns.fetch_add(u64::from(ms) * 1_000_000, Ordering::Relaxed);
        if let Some(happen) = &mut *self.while_asleep.lock().unwrap() {
            happen();
        }
    }

    fn new_event(&self) -> Result<FakeEvent, Status> {
        Ok(FakeEvent::default())
    }

    fn queue_dpc(&self) {
        self.dpc.store(true, Ordering::Relaxed);
    }

    fn notify_interrupt(&self, notification: Notification) {
        self.notifications.lock().unwrap().push(notification);
    }

    fn notify_dpc(&self) {
        self.notified_dpcs.fetch_add(1, Ordering::Relaxed);
    }
}

/// The host's half of the control page.
pub(super) fn respond(cells: &Cells, answer: Answer) {
    let put = |cell: usize, value| cells[cell].store(value, Ordering::Release);
    let info = HostInfo {
        gpu_name: text_field("a GPU"),
        driver: text_field("a driver"),
        dedicated_video_memory: 1 << 30,
        shared_system_memory: 1 << 30,
        timestamp_frequency: 1_000_000_000,
        vendor_id: 1,
        device_id: 2,
        feature_level: 0xb000,
        features: 0,
        formats: [FormatSupport::default(); FORMAT_COUNT],
    };
    let first = (Layout::host_info_offset() / 8) as usize;
    for (index, word) in info.to_words().into_iter().enumerate() {
        put(first + index, word);
    }
    put(host_cell::VERSION, u64::from(version::ABI_VERSION));
    put(host_cell::FEATURES, version::feature::PRESENT_TO_GUEST);
    put(host_cell::VERSIONS, version::VersionRange::OURS.to_word());
    put(host_cell::HOST_INFO_BYTES, HostInfo::WORDS as u64 * 8);
    put(host_cell::REASON, 0);
    put(host_cell::HEARTBEAT, 1);
    let mut state = host_state::READY;
    match answer {
        Answer::Ready => {}
        Answer::Silent | Answer::Unreachable => state = host_state::NONE,
        Answer::Refuse(reason) => {
            put(host_cell::REASON, reason);
            state = host_state::REFUSED;
        }
        Answer::State(wrong) => state = wrong,
        Answer::Version(wrong) => put(host_cell::VERSION, wrong),
        Answer::Features(wrong) => put(host_cell::FEATURES, wrong),
        Answer::InfoBytes(wrong) => put(host_cell::HOST_INFO_BYTES, wrong),
    }
    put(host_cell::STATE, state);
}

/// What the host has read from ring 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Create { context: u32, ring: (u64, u64), process: u32 },
    Destroy(u32),
    Grant { context: u32, range: (u64, u64) },
    Revoke { context: u32, range: (u64, u64) },
    OpenGate { context: u32, number: u64 },
    Blit { src: u64, dst: u64, pitches: (u32, u32), src_rect: [i32; 4], dst_rect: [i32; 4] },
    Fill { dst: u64, rect: [i32; 4], value: u32 },
    Scanout { offset: u64, bytes: u64 },
    PointerShape { offset: u64, bytes: u64, kind: u32 },
    PointerPosition { x: i32, y: i32, visible: bool },
    Fence(u64),
    Other(String),
}

fn edges(rect: &ArchivedRect) -> [i32; 4] {
    [rect.left, rect.top, rect.right, rect.bottom].map(|edge| edge.to_native())
}

/// A host that does what the test says.
pub(super) struct FakeHost {
    pub(super) cells: Cells,
    ring0: Consumer<Region<Cells>>,
    events: Producer<Region<Cells>>,
    fences: BTreeMap<u32, FenceWriter<Cells>>,
}

pub(super) fn ring_region(cells: &Cells, ring: RingRegion) -> Region<Cells> {
    Region::new(cells.clone(), ring.ring_offset(), RING_HEADER_BYTES + ring.capacity).expect("inside")
}

impl FakeHost {
    pub(super) fn new(cells: Cells) -> Self {
        let hello = GuestHello::read(|cell| cells[cell].load(Ordering::Acquire)).expect("a hello");
        let layout = Layout::new(hello.sizes).expect("sizes");
        Self {
            ring0: Consumer::new(ring_region(&cells, layout.ring0), 0).expect("ring 0"),
            events: Producer::new(ring_region(&cells, layout.event), 0).expect("events"),
            fences: BTreeMap::new(),
            cells,
        }
    }

    /// Reads ring 0 until it is empty.
    pub(super) fn read(&mut self) -> Vec<Seen> {
        let mut local = std::vec![0u64; 8192];
        let mut seen = Vec::new();
        while let Some(record) = self.ring0.pop_into(&mut local).expect("an honest guest") {
            let words = record.ring_bytes() / 8;
            seen.push(match decode(&local[..words]).expect("a command") {
                CommandRef::CreateContext(create) => Seen::Create {
                    context: create.context.to_native(),
                    ring: (create.ring.offset.to_native(), create.ring.length.to_native()),
                    process: create.process.to_native(),
                },
                CommandRef::DestroyContext(destroy) => Seen::Destroy(destroy.context.to_native()),
                CommandRef::GrantHeap(grant) => Seen::Grant {
                    context: grant.context.to_native(),
                    range: (grant.range.offset.to_native(), grant.range.length.to_native()),
                },
                CommandRef::RevokeHeap(revoke) => Seen::Revoke {
                    context: revoke.context.to_native(),
                    range: (revoke.range.offset.to_native(), revoke.range.length.to_native()),
                },
                CommandRef::OpenGate(open) => {
                    Seen::OpenGate { context: open.context.to_native(), number: open.number.to_native() }
                }
                CommandRef::BlitHeap(blit) => {
                    let (src, dst): (HeapRange, HeapRange) = (blit.src.into(), blit.dst.into());
                    Seen::Blit {
                        src: src.offset,
                        dst: dst.offset,
                        pitches: (blit.src_pitch.to_native(), blit.dst_pitch.to_native()),
                        src_rect: edges(&blit.src_rect),
                        dst_rect: edges(&blit.dst_rect),
                    }
                }
                CommandRef::FillHeap(fill) => {
                    let (dst, value): (HeapRange, u32) = (fill.dst.into(), fill.value.to_native());
                    Seen::Fill { dst: dst.offset, rect: edges(&fill.rect), value }
                }
                CommandRef::SetScanout(scanout) => {
                    let range: HeapRange = scanout.surface.into();
                    Seen::Scanout { offset: range.offset, bytes: range.length }
                }
                CommandRef::SetPointerShape(shape) => {
                    let (range, kind): (HeapRange, u32) = (shape.shape.into(), shape.kind.to_native());
                    Seen::PointerShape { offset: range.offset, bytes: range.length, kind }
                }
                CommandRef::SetPointerPosition(position) => {
                    let (x, y) = (position.x.to_native(), position.y.to_native());
                    Seen::PointerPosition { x, y, visible: position.visible.to_native() == 1 }
                }
                CommandRef::Fence(fence) => Seen::Fence(fence.value.to_native()),
                other => Seen::Other(other.name().into()),
            });
        }
        seen
    }

    /// Completes a fence; tells whether the guest is due an interrupt.
    pub(super) fn complete(&mut self, context: u32, value: u64) -> bool {
        let line = Layout::fence_line(context).expect("a context") / 8;
        let cells = &self.cells;
        let fence = self
            .fences
            .entry(context)
            .or_insert_with(|| FenceWriter::new(cells.clone(), line).expect("line"));
        fence.complete(value, 1);
        let cell = Layout::request_line(context).expect("a context") + request_cell::AT_VALUE;
        IrqRequest::new(self.cells.clone(), cell).expect("inside").fire(value)
    }

    /// Writes a fence line as only a liar does.
    pub(super) fn force_fence(&self, context: u32, value: u64) {
        let line = Layout::fence_line(context).expect("a context");
        self.cells[line + fence_cell::COMPLETED].store(value, Ordering::Release);
    }

    pub(super) fn set(&self, cell: usize, value: u64) {
        self.cells[cell].store(value, Ordering::Release);
    }

    fn push(&mut self, encode: impl FnOnce(&mut dyn FnMut(&[u8])) -> pvgpu_protocol::RecordHeader) {
        let mut reservation = self.events.reserve(64).expect("room");
        let header = encode(&mut |bytes| reservation.write(bytes).expect("fits"));
        let _ = reservation.commit((header.to_word() >> 32) as u32);
    }

    pub(super) fn poison(&mut self, context: u32, code: u32) {
        let event = ContextError { context, code, opcode: 0x300, object: 7, position: 64 };
        self.push(|mut sink| encode(&event, &mut sink).expect("small"));
    }

    pub(super) fn request_mode(&mut self, mode: DisplayMode) {
        let DisplayMode { width, height, refresh_millihertz } = mode;
        let event = ModeRequest { width, height, refresh_millihertz, reserved: 0 };
        self.push(|mut sink| encode(&event, &mut sink).expect("small"));
    }

    /// Ends a context as an honest host does: first the line, then the event.
    pub(super) fn end(&mut self, context: u32) {
        self.fences.remove(&context);
        self.force_fence(context, 0);
        self.end_keeping_line(context);
    }

    pub(super) fn end_keeping_line(&mut self, context: u32) {
        let event = ContextDestroyed { context, reserved: 0 };
        self.push(|mut sink| encode(&event, &mut sink).expect("small"));
    }

    /// Puts raw words into the event ring.
    pub(super) fn raw_event(&mut self, tag: u32, payload: &[u64]) {
        let mut reservation = self.events.reserve(payload.len() * 8).expect("room");
        reservation.write_words(payload).expect("fits");
        let _ = reservation.commit(tag);
    }
}

/// An adapter with its host.
pub(super) struct Rig {
    pub(super) adapter: Box<Adapter<FakeKernel>>,
    pub(super) host: FakeHost,
}

pub(super) fn adapter() -> Adapter<FakeKernel> {
    let kernel = FakeKernel::default();
    kernel.maps_left.store(-1, Ordering::Relaxed);
    kernel.process.store(100, Ordering::Relaxed);
    Adapter::new(kernel)
}

/// Every record is traced, and there is no segment.
pub(super) const SETTINGS: Settings =
    Settings { device: device_kind::ROOT, log_level: Level::Verbose, segment_bytes: 0, driver_version: 7 };

pub(super) fn rig() -> Rig {
    rig_with(SETTINGS)
}

pub(super) fn rig_with(settings: Settings) -> Rig {
    let adapter = Box::new(adapter());
    adapter.start_device(settings, 0).expect("there is memory");
    adapter.kernel().dpc.store(false, Ordering::Relaxed);
    let cells = adapter.kernel().aperture.lock().unwrap().clone().expect("connected");
    Rig { adapter, host: FakeHost::new(cells) }
}

pub(super) const RING_BYTES: u64 = 128 << 10;
pub(super) const HEAP_BYTES: u64 = 64 << 10;

/// What the user-mode driver sends with `CreateContext`.
pub(super) fn context_data(ring_bytes: u64, heap_bytes: u64) -> ContextData {
    ContextData { header: PrivateHeader::new(kind::CONTEXT), ring_bytes, heap_bytes }
}

/// A context with its number, as a test wants it.
#[derive(Clone, Copy, Debug)]
pub(super) struct TestContext {
    pub(super) h_device: u64,
    pub(super) h_context: u64,
    pub(super) number: u32,
    pub(super) map: MapContext,
}

impl Rig {
    pub(super) fn try_context(&self, h_device: u64) -> Result<ContextInfo, Status> {
        let data = context_data(RING_BYTES, HEAP_BYTES);
        let args = CreateContext { node_ordinal: 0, private_driver_data: bytemuck::bytes_of(&data) };
        self.adapter.create_context(h_device, args)
    }

    pub(super) fn context(&self) -> TestContext {
        let h_device = self.adapter.create_device().expect("running");
        let h_context = self.try_context(h_device).expect("room").h_context;
        let mut map: MapContext = bytemuck::Zeroable::zeroed();
        map.header = PrivateHeader::new(kind::MAP_CONTEXT);
        self.escape(h_device, h_context, &mut map).expect("just made");
        TestContext { h_device, h_context, number: map.context, map }
    }

    pub(super) fn escape<T: PrivateData>(
        &self,
        h_device: u64,
        h_context: u64,
        data: &mut T,
    ) -> Result<(), Status> {
        let private_driver_data = bytemuck::bytes_of_mut(data);
        self.adapter.escape(Escape { h_device, h_context, private_driver_data })
    }

    /// What `CONTEXT_STATE` says: one of `context_life`, and the error code.
    pub(super) fn context_life(&self, context: TestContext) -> (u32, u32) {
        let mut state: ContextState = bytemuck::Zeroable::zeroed();
        state.header = PrivateHeader::new(kind::CONTEXT_STATE);
        self.escape(context.h_device, context.h_context, &mut state).expect("mine");
        (state.life, state.error)
    }

    /// The link breaks, for whatever reason.
    pub(super) fn break_link(&self) {
        self.adapter.core.lock().host_gone(self.adapter.kernel(), Removal::LinkBroken);
    }

    /// Where a frame of an allocation lies in the heap, with its pitch.
    pub(super) fn frame(&self, h_allocation: u64, frame: u32) -> Result<(HeapRange, u32), Status> {
        let surface = self.adapter.core.lock().surface(h_allocation, frame, 0)?;
        Ok((surface.range, surface.pitch))
    }

    pub(super) fn marker(&self, context: TestContext, value: u64) -> FenceMarker {
        let header = PrivateHeader::new(kind::FENCE_MARKER);
        let position = value * 24;
        FenceMarker { header, context: context.number, frame: 0, position, value, gate: 0 }
    }

    pub(super) fn render(&self, h_context: u64, marker: &FenceMarker) -> Result<[u8; 128], Status> {
        let mut private = [0; 128];
        self.render_into(h_context, bytemuck::bytes_of(marker), &mut private)?;
        Ok(private)
    }

    pub(super) fn render_into(
        &self,
        h_context: u64,
        command: &[u8],
        private: &mut [u8],
    ) -> Result<Rendered, Status> {
        let args = Render {
            command,
            dma_buffer: &mut [0; 128],
            dma_buffer_private_data: private,
            allocation_list: &[],
            patch_location_list_out: &mut [],
        };
        self.adapter.render(h_context, args)
    }

    /// Renders a marker and submits it as `fence_id`.
    pub(super) fn submit(&self, context: TestContext, value: u64, fence_id: u32) {
        let private = self.render(context.h_context, &self.marker(context, value)).expect("a good marker");
        self.submit_private(&private, fence_id);
    }

    pub(super) fn submit_private(&self, private: &[u8], submission_fence_id: u32) {
        let args = SubmitCommand { dma_buffer_private_data: private, submission_fence_id, node_ordinal: 0 };
        self.adapter.submit_command(args);
    }

    /// Runs the DPC if it is queued, and gives what was reported since the last call.
    pub(super) fn reports(&self) -> Vec<Notification> {
        let kernel = self.adapter.kernel();
        while kernel.dpc.swap(false, Ordering::Relaxed) {
            self.adapter.dpc_routine();
        }
        core::mem::take(&mut *kernel.notifications.lock().unwrap())
    }

    pub(super) fn interrupt(&self) -> Vec<Notification> {
        assert!(self.adapter.interrupt_routine());
        self.reports()
    }

    pub(super) fn free_heap_bytes(&self) -> u64 {
        self.adapter.core.lock().heap.as_ref().expect("running").free_bytes()
    }
}

pub(super) fn completed(submission_fence_id: u32) -> Notification {
    Notification::DmaCompleted { submission_fence_id }
}
