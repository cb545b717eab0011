//! The guest's road over the real carrier, called as a user-mode driver calls it: through the callback tables.
#![cfg(unix)]
#![expect(unsafe_code, reason = "the test plays the user-mode driver, which calls and is called by pointers")]

mod common;

use std::ffi::c_void;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pvgpu_dxgkrnl::{Adapter, Device, Frame, FrameSlot, PresentSink, RemovedReason};
use pvgpu_protocol::Command;
use pvgpu_protocol::aperture::RING_HEADER_BYTES;
use pvgpu_protocol::command::{Draw, Fence, HeapRange, Present, encode};
use pvgpu_protocol::event::error_code;
use pvgpu_protocol::kernel_interface::{
    AdapterData, AllocationData, ContextData, FenceMarker, MapContext, PrivateData, PrivateHeader,
    WaitForFence, kind, wait_result,
};
use pvgpu_protocol::limits::MIN_APERTURE_BYTES;
use pvgpu_ring::{AtomicU64, Producer};
use pvgpu_umd_ddi::*;

use common::{FakeHost, link};

const SOON: Duration = Duration::from_secs(10);

/// Where a record's bytes go.
type Sinking<'f> = Box<dyn FnMut(&[u8]) + 'f>;

struct Sink(Mutex<Sender<(usize, Frame)>>);

impl PresentSink for Sink {
    fn frame_ready(&self, dxgi_context: usize, frame: Frame) {
        let _ = self.0.lock().expect("no panic").send((dxgi_context, frame));
    }
}

/// A device, its frames, and the context of a driver that has just been made.
struct Driver {
    device: Device,
    frames: Receiver<(usize, Frame)>,
    context: D3DDDICB_CREATECONTEXT,
    map: MapContext,
    ring: Producer<&'static [AtomicU64]>,
    value: u64,
}

/// Calls one of the tables' functions with its argument.
macro_rules! call {
    ($table:expr, $entry:ident, $handle:expr, $data:expr) => {{
        let entry = $table.$entry.expect("no entry is null");
        // SAFETY: the argument and what it points to are alive and of the entry's type.
        unsafe { entry($handle, $data) }
    }};
}

fn bytes_of<T: bytemuck::Pod>(data: &mut T) -> (*mut c_void, u32) {
    (std::ptr::from_mut(data).cast(), size_of::<T>() as u32)
}

impl Driver {
    fn new(adapter: &Arc<Adapter>) -> Self {
        let (sender, frames) = channel();
        let device = adapter.create_device(Arc::new(Sink(Mutex::new(sender)))).expect("the host lives");
        let mut data = ContextData {
            header: PrivateHeader::new(kind::CONTEXT),
            ring_bytes: 128 << 10,
            heap_bytes: 1 << 20,
        };
        let (pointer, bytes) = bytes_of(&mut data);
        let mut context = D3DDDICB_CREATECONTEXT {
            pPrivateDriverData: pointer,
            PrivateDriverDataSize: bytes,
            ..Default::default()
        };
        assert_eq!(call!(device.callbacks(), pfnCreateContextCb, device.handle(), &raw mut context), S_OK);
        let mut map: MapContext = bytemuck::Zeroable::zeroed();
        map.header = PrivateHeader::new(kind::MAP_CONTEXT);
        let (address, cells) = {
            assert_eq!(escape(&device, context.hContext, &mut map), S_OK);
            (map.ring_address as usize, (RING_HEADER_BYTES + map.ring_bytes) as usize / 8)
        };
        let first: *const AtomicU64 = std::ptr::with_exposed_provenance(address);
        // SAFETY: the kernel mapped these cells for the context, and the test ends before the adapter goes.
        let cells = unsafe { std::slice::from_raw_parts(first, cells) };
        let ring = Producer::new(cells, 0).expect("a ring");
        Self { device, frames, context, map, ring, value: 0 }
    }

    fn emit<C>(&mut self, command: &C)
    where
        C: Command
            + for<'s, 'a, 'f> rkyv::Serialize<pvgpu_protocol::command::RecordSerializer<'s, 'a, Sinking<'f>>>,
    {
        let mut record = self.ring.reserve(command.record_bound() as usize).expect("room");
        let header = {
            let mut sink: Sinking<'_> = Box::new(|bytes| record.write(bytes).expect("fits"));
            encode(command, &mut sink).expect("small")
        };
        let _ = record.commit((header.to_word() >> 32) as u32);
    }

    /// A fence behind everything so far, told to the kernel.
    fn flush(&mut self, frame: u32) -> HRESULT {
        self.value += 1;
        self.emit(&Fence { value: self.value });
        let marker = FenceMarker {
            header: PrivateHeader::new(kind::FENCE_MARKER),
            context: self.map.context,
            frame,
            position: self.ring.published(),
            value: self.value,
            gate: 0,
        };
        // SAFETY: the command buffer that the context was given, larger than a marker.
        unsafe { self.context.pCommandBuffer.cast::<FenceMarker>().write_unaligned(marker) };
        let mut render = D3DDDICB_RENDER {
            CommandLength: size_of::<FenceMarker>() as u32,
            hContext: self.context.hContext,
            ..Default::default()
        };
        let result = call!(self.device.callbacks(), pfnRenderCb, self.device.handle(), &raw mut render);
        if result == S_OK {
            assert_eq!(render.pNewCommandBuffer, self.context.pCommandBuffer);
        }
        result
    }

    fn wait(&self, timeout_ms: u32) -> u32 {
        let header = PrivateHeader::new(kind::WAIT_FOR_FENCE);
        let mut wait = WaitForFence { header, value: self.value, timeout_ms, result: 0 };
        assert_eq!(escape(&self.device, self.context.hContext, &mut wait), S_OK);
        wait.result
    }

    /// A back buffer of 64 × 4 pixels, its three frames at the heap's start.
    fn allocate(&self) -> D3DKMT_HANDLE {
        let mut data = AllocationData {
            header: PrivateHeader::new(kind::ALLOCATION),
            context: self.map.context,
            resource: 1,
            width: 64,
            height: 4,
            format: 87,
            row_pitch: 256,
            frames_offset: self.map.heap_offset,
            frame_bytes: 1024,
        };
        let (pointer, bytes) = bytes_of(&mut data);
        let mut info = D3DDDI_ALLOCATIONINFO {
            pPrivateDriverData: pointer,
            PrivateDriverDataSize: bytes,
            ..Default::default()
        };
        let mut args = D3DDDICB_ALLOCATE {
            hResource: std::ptr::without_provenance_mut(0x77),
            NumAllocations: 1,
            pAllocationInfo: &raw mut info,
            ..Default::default()
        };
        let callbacks = self.device.callbacks();
        assert_eq!(call!(callbacks, pfnAllocateCb, self.device.handle(), &raw mut args), S_OK);
        assert_ne!((info.hAllocation, args.hKMResource), (0, 0));
        info.hAllocation
    }

    /// Presents frame number `sequence` of the back buffer.
    fn present(&mut self, allocation: D3DKMT_HANDLE, sequence: u64) -> HRESULT {
        let slot = (sequence - 1) % 3;
        self.emit(&Present {
            frame: HeapRange { offset: self.map.heap_offset + slot * 1024, length: 1024 },
            src: 1,
            src_subresource: 0,
            width: 64,
            height: 4,
            row_pitch: 256,
            flags: 0,
            sequence,
        });
        let flushed = self.flush(slot as u32);
        if flushed != S_OK {
            return flushed;
        }
        let mut present = DXGIDDICB_PRESENT {
            hSrcAllocation: allocation,
            pDXGIContext: std::ptr::without_provenance_mut(0x1234),
            hContext: self.context.hContext,
            ..Default::default()
        };
        call!(self.device.dxgi_callbacks(), pfnPresentCb, self.device.handle(), &raw mut present)
    }
}

fn escape<T: PrivateData>(device: &Device, context: HANDLE, data: &mut T) -> HRESULT {
    let (pointer, bytes) = bytes_of(data);
    let escape = D3DDDICB_ESCAPE {
        hDevice: device.handle(),
        pPrivateDriverData: pointer,
        PrivateDriverDataSize: bytes,
        hContext: context,
        ..Default::default()
    };
    let (adapter, _) = device.adapter().adapter_callbacks();
    call!(device.callbacks(), pfnEscapeCb, adapter, &raw const escape)
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < SOON, "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn nobody_there_is_one_sentence() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = Adapter::open(&link(&folder.path().join("none"))).expect_err("nobody serves");
    let text = error.to_string();
    assert!(text.contains("start one with `pvgpud --link shm:/") && !text.contains('\n'), "{text}");
}

#[test]
fn frames_come_out_in_order_and_no_more_than_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let link = link(&folder.path().join("link"));
    let host = FakeHost::serve(&link);
    let adapter = Adapter::open_with(&link, MIN_APERTURE_BYTES).expect("served");
    assert_eq!(adapter.host_info().vendor_id.to_native(), 1);
    let (handle, callbacks) = adapter.adapter_callbacks();
    let mut data: AdapterData = bytemuck::Zeroable::zeroed();
    let (pointer, bytes) = bytes_of(&mut data);
    let query = D3DDDICB_QUERYADAPTERINFO { pPrivateDriverData: pointer, PrivateDriverDataSize: bytes };
    assert_eq!(call!(callbacks, pfnQueryAdapterInfoCb, handle, &raw const query), S_OK);
    assert!(AdapterData::read(bytemuck::bytes_of(&data)).is_ok());

    let mut driver = Driver::new(&adapter);
    assert_eq!(driver.flush(0), S_OK);
    assert_eq!(driver.wait(10_000), wait_result::REACHED);

    let allocation = driver.allocate();
    let mut held = Vec::new();
    for sequence in 1..=3 {
        assert_eq!(driver.device.wait_for_frame_slot(3, Duration::ZERO), FrameSlot::Free);
        assert_eq!(driver.present(allocation, sequence), S_OK);
        let (dxgi_context, frame) = driver.frames.recv_timeout(SOON).expect("a frame");
        assert_eq!((dxgi_context, frame.sequence()), (0x1234, sequence));
        assert_eq!((frame.width(), frame.height(), frame.row_pitch(), frame.bytes()), (64, 4, 256, 1024));
        held.push(frame);
    }
    assert_eq!(driver.device.frames_in_flight(), 3);
    assert_eq!(driver.device.wait_for_frame_slot(3, Duration::from_millis(5)), FrameSlot::Timeout);
    for (frame, sequence) in held.drain(..).zip(1u64..) {
        let mut copy = [0xff; 1030];
        assert_eq!(frame.copy_to(&mut copy), 1024);
        assert_eq!(copy[1016..1024], (sequence << 32 | 127).to_le_bytes());
        assert_eq!(copy[1024..], [0xff; 6], "not past the frame");
        let mut short = [0; 12];
        assert_eq!(frame.copy_to(&mut short), 12);
        assert_eq!(short[8..], [1, 0, 0, 0]);
    }
    assert_eq!(driver.device.wait_for_frame_slot(3, Duration::ZERO), FrameSlot::Free);
    // The program runs ahead of whoever shows the frames, by three.
    let shown = |driver: &Driver, sequence| {
        let (_, frame) = driver.frames.recv_timeout(SOON).expect("a frame");
        assert_eq!(frame.sequence(), sequence);
    };
    for sequence in 4..100 {
        if sequence >= 7 {
            shown(&driver, sequence - 3);
        }
        assert_eq!(driver.device.wait_for_frame_slot(3, Duration::ZERO), FrameSlot::Free);
        assert_eq!(driver.present(allocation, sequence), S_OK);
    }
    (97..100).for_each(|sequence| shown(&driver, sequence));
    assert_eq!(driver.device.frames_in_flight(), 0);
    assert_eq!(driver.device.removed_reason(), None);

    let args =
        D3DDDICB_DEALLOCATE { hResource: std::ptr::without_provenance_mut(0x77), ..Default::default() };
    let handle = driver.device.handle();
    assert_eq!(call!(driver.device.callbacks(), pfnDeallocateCb, handle, &raw const args), S_OK);
    assert_eq!(driver.present(allocation, 100), E_INVALIDARG, "the allocation is gone");
    let destroy = D3DDDICB_DESTROYCONTEXT { hContext: driver.context.hContext };
    assert_eq!(call!(driver.device.callbacks(), pfnDestroyContextCb, handle, &raw const destroy), S_OK);
    assert_eq!(
        call!(driver.device.callbacks(), pfnDestroyContextCb, handle, &raw const destroy),
        E_INVALIDARG
    );
    drop((driver, adapter));
    host.kill();
}

#[test]
fn a_host_that_dies_removes_the_device_and_another_one_serves() {
    let folder = tempfile::tempdir().expect("a folder");
    let link = link(&folder.path().join("link"));
    let host = FakeHost::serve(&link);
    let adapter = Adapter::open_with(&link, MIN_APERTURE_BYTES).expect("served");
    let mut driver = Driver::new(&adapter);
    let allocation = driver.allocate();
    assert_eq!(driver.present(allocation, 1), S_OK);
    let held = driver.frames.recv_timeout(SOON).expect("a frame");
    host.kill();
    let killed = Instant::now();
    assert_eq!(driver.device.wait_for_frame_slot(1, SOON), FrameSlot::Removed);
    assert!(killed.elapsed() < Duration::from_secs(2), "{:?}", killed.elapsed());
    assert!(matches!(driver.device.removed_reason(), Some(RemovedReason::Host(_))));
    assert!(adapter.removed());
    assert_eq!(driver.flush(0), D3DDDIERR_DEVICEREMOVED);
    assert_eq!(driver.wait(10_000), wait_result::REMOVED);
    let nobody = Arc::new(Sink(Mutex::new(channel().0)));
    assert!(adapter.create_device(nobody).is_err());

    let _host = FakeHost::serve(&link);
    let again = Adapter::open_with(&link, MIN_APERTURE_BYTES).expect("the new host serves");
    assert_eq!(again.luid(), adapter.luid());
    let mut fresh = Driver::new(&again);
    assert_eq!(fresh.flush(0), S_OK);
    assert_eq!(fresh.wait(10_000), wait_result::REACHED);
    drop(held);
}

#[test]
fn a_refused_command_removes_its_device_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let link = link(&folder.path().join("link"));
    let _host = FakeHost::serve(&link);
    let adapter = Adapter::open_with(&link, MIN_APERTURE_BYTES).expect("served");
    let (mut bad, mut good) = (Driver::new(&adapter), Driver::new(&adapter));
    bad.emit(&Draw { vertex_count: 3, instance_count: 1, start_vertex: 0, start_instance: 0 });
    assert_eq!(bad.flush(0), S_OK, "nobody knows yet");
    assert_eq!(bad.wait(10_000), wait_result::REMOVED);
    let why = RemovedReason::Context { code: error_code::UNSUPPORTED };
    wait_until("the removal", || bad.device.removed_reason() == Some(why));
    assert_eq!(bad.flush(0), D3DDDIERR_DEVICEREMOVED);
    assert_eq!(good.flush(0), S_OK);
    assert_eq!(good.wait(10_000), wait_result::REACHED);
    assert_eq!((good.device.removed_reason(), adapter.removed()), (None, false));
}

#[test]
fn wrong_arguments_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let link = link(&folder.path().join("link"));
    let _host = FakeHost::serve(&link);
    let adapter = Adapter::open_with(&link, MIN_APERTURE_BYTES).expect("served");
    let driver = Driver::new(&adapter);
    let (device, table) = (driver.device.handle(), driver.device.callbacks());
    let (hadapter, adapter_table) = adapter.adapter_callbacks();
    let null: HANDLE = std::ptr::null_mut();
    assert_eq!(call!(table, pfnRenderCb, device, std::ptr::null_mut()), E_INVALIDARG);
    assert_eq!(call!(table, pfnCreateContextCb, device, std::ptr::null_mut()), E_INVALIDARG);
    assert_eq!(call!(adapter_table, pfnQueryAdapterInfoCb, hadapter, std::ptr::null()), E_INVALIDARG);
    let mut render = D3DDDICB_RENDER { hContext: driver.context.hContext, ..Default::default() };
    for wrong in [null, hadapter, driver.context.hContext] {
        assert_eq!(call!(table, pfnRenderCb, wrong, &raw mut render), E_INVALIDARG);
    }
    assert_eq!(call!(table, pfnRenderCb, device, &raw mut render), E_INVALIDARG, "no marker");
    for (offset, length) in [(0, 5000), (4096, 40), (u32::MAX, 40)] {
        render.CommandOffset = offset;
        render.CommandLength = length;
        assert_eq!(call!(table, pfnRenderCb, device, &raw mut render), E_INVALIDARG, "{offset} {length}");
    }
    let mut present = DXGIDDICB_PRESENT { hContext: driver.context.hContext, ..Default::default() };
    assert_eq!(call!(driver.device.dxgi_callbacks(), pfnPresentCb, device, &raw mut present), E_INVALIDARG);
    assert_eq!(call!(table, pfnMakeResidentCb, device, null), E_NOTIMPL);
    let mut unknown: MapContext = bytemuck::Zeroable::zeroed();
    unknown.header = PrivateHeader::new(99);
    assert_eq!(escape(&driver.device, driver.context.hContext, &mut unknown), E_NOTIMPL);
    assert_eq!(escape(&driver.device, null, &mut unknown), E_INVALIDARG);
}

/// Every entry is there: a null one would crash the user-mode driver.
#[test]
fn no_entry_is_null() {
    let folder = tempfile::tempdir().expect("a folder");
    let link = link(&folder.path().join("link"));
    let _host = FakeHost::serve(&link);
    let adapter = Adapter::open_with(&link, MIN_APERTURE_BYTES).expect("served");
    let driver = Driver::new(&adapter);
    let table = std::ptr::from_ref(driver.device.callbacks()).cast::<usize>();
    for index in 0..size_of::<D3DDDI_DEVICECALLBACKS>() / 8 {
        // SAFETY: the table is nothing but pointers, as many as it has words.
        assert_ne!(unsafe { table.wrapping_add(index).read() }, 0, "{index}");
    }
}

#[test]
fn devices_of_several_threads_do_not_disturb_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let link = link(&folder.path().join("link"));
    let _host = FakeHost::serve(&link);
    let adapter = Adapter::open_with(&link, MIN_APERTURE_BYTES).expect("served");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5 {
                    // Each life of a device may get the context number of an earlier one.
                    let mut driver = Driver::new(&adapter);
                    let allocation = driver.allocate();
                    for sequence in 1..=40 {
                        assert_eq!(driver.device.wait_for_frame_slot(3, SOON), FrameSlot::Free);
                        assert_eq!(driver.present(allocation, sequence), S_OK);
                        if sequence % 8 == 0 {
                            assert_eq!(driver.wait(10_000), wait_result::REACHED);
                        }
                        if sequence >= 3 {
                            let (_, frame) = driver.frames.recv_timeout(SOON).expect("a frame");
                            assert_eq!(frame.sequence(), sequence - 2);
                        }
                    }
                    assert_eq!(driver.device.removed_reason(), None);
                }
            });
        }
    });
    assert!(!adapter.removed());
}
