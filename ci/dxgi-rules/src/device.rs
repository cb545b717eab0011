//! A device for swap chains that renders nothing: its back buffers have one colour, its frames arrive when the test wants.

#![expect(unsafe_code, reason = "the test's side of COM interfaces")]

use std::ffi::c_void;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use pvgpu_interfaces::{
    IPvgpuDxgiDevice, IPvgpuDxgiDevice_Impl, IPvgpuFrame, IPvgpuFrame_Impl, IPvgpuPresentSink,
    PvgpuBackBufferDesc, PvgpuFrameDesc, PvgpuPresent,
};
use windows::Win32::Foundation::{E_NOINTERFACE, S_FALSE, S_OK};
use windows::Win32::Graphics::Dxgi::{
    DXGI_ADAPTER_DESC, DXGI_ERROR_NOT_FOUND, DXGI_RESIDENCY, DXGI_SHARED_RESOURCE, DXGI_SURFACE_DESC,
    DXGI_USAGE, IDXGIAdapter, IDXGIAdapter_Impl, IDXGIDevice_Impl, IDXGIDevice1, IDXGIDevice1_Impl,
    IDXGIObject_Impl, IDXGIOutput, IDXGISurface,
};
use windows_core::{ComObject, GUID, HRESULT, IUnknown, Interface, Ref, Result, implement};

/// A frame of one colour (blue, green, red, alpha); also stands in for the texture of a back buffer.
#[implement(IPvgpuFrame)]
pub struct Frame {
    desc: PvgpuFrameDesc,
    colour: [u8; 4],
}

impl IPvgpuFrame_Impl for Frame_Impl {
    unsafe fn GetDesc(&self, desc: *mut PvgpuFrameDesc) -> HRESULT {
        // SAFETY: the caller's pointer is valid for writing, as the contract says.
        unsafe { desc.write(self.desc) };
        S_OK
    }

    unsafe fn CopyTo(&self, data: *mut u8, size: usize) -> HRESULT {
        assert_eq!(size, (self.desc.row_pitch * self.desc.height) as usize);
        // SAFETY: the caller has `size` bytes there that nobody else uses.
        let pixels = unsafe { std::slice::from_raw_parts_mut(data.cast::<[u8; 4]>(), size / 4) };
        pixels.fill(self.colour);
        S_OK
    }
}

/// An adapter without outputs, as the parent of those that swap chains make.
#[implement(IDXGIAdapter)]
struct Adapter;

impl IDXGIObject_Impl for Adapter_Impl {
    fn SetPrivateData(&self, _: *const GUID, _: u32, _: *const c_void) -> Result<()> {
        Err(E_NOINTERFACE.into())
    }

    fn SetPrivateDataInterface(&self, _: *const GUID, _: Ref<'_, IUnknown>) -> Result<()> {
        Err(E_NOINTERFACE.into())
    }

    fn GetPrivateData(&self, _: *const GUID, _: *mut u32, _: *mut c_void) -> Result<()> {
        Err(E_NOINTERFACE.into())
    }

    fn GetParent(&self, _: *const GUID, _: *mut *mut c_void) -> Result<()> {
        Err(E_NOINTERFACE.into())
    }
}

impl IDXGIAdapter_Impl for Adapter_Impl {
    fn EnumOutputs(&self, _: u32) -> Result<IDXGIOutput> {
        Err(DXGI_ERROR_NOT_FOUND.into())
    }

    fn GetDesc(&self) -> Result<DXGI_ADAPTER_DESC> {
        Err(E_NOINTERFACE.into())
    }

    fn CheckInterfaceSupport(&self, _: *const GUID) -> Result<i64> {
        Err(E_NOINTERFACE.into())
    }
}

/// The device.
#[implement(IPvgpuDxgiDevice, IDXGIDevice1)]
pub struct Device {
    /// What `RemovedReason` answers.
    pub removed: AtomicI32,
    /// What `WaitForFrameSlot` answers.
    pub slot: AtomicI32,
    /// `max` and `timeout_ms` of the last `WaitForFrameSlot`.
    pub waited: Mutex<(u32, u32)>,
    /// Back buffers that exist or existed.
    pub buffers: AtomicU32,
    /// Back buffers that were given back.
    pub released: AtomicU32,
    /// Buffers in the last rotation.
    pub rotated: AtomicU32,
    pub presents: AtomicU32,
    /// The size of new back buffers.
    size: Mutex<(u32, u32)>,
    sink: Mutex<Option<IPvgpuPresentSink>>,
}

impl Device {
    pub fn new() -> ComObject<Self> {
        ComObject::new(Self {
            removed: AtomicI32::new(0),
            slot: AtomicI32::new(0),
            waited: Mutex::default(),
            buffers: AtomicU32::new(0),
            released: AtomicU32::new(0),
            rotated: AtomicU32::new(0),
            presents: AtomicU32::new(0),
            size: Mutex::default(),
            sink: Mutex::new(None),
        })
    }

    /// The colour of present `number`: blue, green, red.
    pub fn colour(number: u32) -> [u8; 4] {
        [(number * 40) as u8, 10, 200, 0]
    }
}

impl IPvgpuDxgiDevice_Impl for Device_Impl {
    unsafe fn GetDxgiAdapter(&self, riid: *const GUID, adapter: *mut *mut c_void) -> HRESULT {
        let made: IDXGIAdapter = Adapter.into();
        // SAFETY: the caller's pointers are valid.
        unsafe { made.query(riid, adapter) }
    }

    unsafe fn CreateBackBuffer(
        &self,
        desc: *const PvgpuBackBufferDesc,
        texture: *mut *mut c_void,
    ) -> HRESULT {
        // SAFETY: the caller's description is valid.
        let desc = unsafe { desc.read() };
        *self.size.lock().unwrap() = (desc.width, desc.height);
        self.buffers.fetch_add(1, Ordering::Relaxed);
        let buffer: IPvgpuFrame = Frame { desc: PvgpuFrameDesc::default(), colour: [0; 4] }.into();
        // SAFETY: the caller's pointer is valid for writing.
        unsafe { texture.write(buffer.into_raw()) };
        S_OK
    }

    unsafe fn ReleaseBackBuffer(&self, texture: *mut c_void) {
        self.released.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller gives up its reference.
        drop(unsafe { IUnknown::from_raw(texture) });
    }

    unsafe fn BackBufferIdle(&self, texture: *mut c_void) -> HRESULT {
        // Two references are the one that `CreateBackBuffer` left and ours.
        // SAFETY: the caller's pointer is an interface that lives through the call.
        let texture = unsafe { IUnknown::from_raw_borrowed(&texture) }.unwrap().clone();
        // SAFETY: the pointer is its own interface; the reference given up is the one just taken.
        let count = unsafe { (Interface::vtable(&texture).Release)(texture.as_raw()) };
        std::mem::forget(texture);
        if count == 1 { S_OK } else { S_FALSE }
    }

    unsafe fn Present(&self, _texture: *mut c_void, present: *const PvgpuPresent) -> HRESULT {
        let number = self.presents.fetch_add(1, Ordering::Relaxed) + 1;
        let (width, height) = *self.size.lock().unwrap();
        let desc = PvgpuFrameDesc { width, height, row_pitch: width * 4, sequence: number.into() };
        let frame: IPvgpuFrame = Frame { desc, colour: Device::colour(number) }.into();
        let sink = self.sink.lock().unwrap().clone().unwrap();
        // SAFETY: the caller's description is valid.
        let context = unsafe { present.read() }.dxgi_context;
        // SAFETY: the sink is alive, and the frame through the call.
        unsafe { sink.FrameReady(context, frame.as_raw()) };
        S_OK
    }

    unsafe fn RotateResourceIdentities(&self, _textures: *const *mut c_void, count: u32) -> HRESULT {
        self.rotated.store(count, Ordering::Relaxed);
        S_OK
    }

    unsafe fn FramesInFlight(&self) -> u32 {
        0
    }

    unsafe fn WaitForFrameSlot(&self, max: u32, timeout_ms: u32) -> HRESULT {
        *self.waited.lock().unwrap() = (max, timeout_ms);
        HRESULT(self.slot.load(Ordering::Relaxed))
    }

    unsafe fn SetPresentSink(&self, sink: Option<&IPvgpuPresentSink>) -> HRESULT {
        *self.sink.lock().unwrap() = sink.cloned();
        S_OK
    }

    unsafe fn RemovedReason(&self) -> HRESULT {
        HRESULT(self.removed.load(Ordering::Relaxed))
    }

    unsafe fn Flush(&self) -> HRESULT {
        S_OK
    }
}

impl IDXGIObject_Impl for Device_Impl {
    fn SetPrivateData(&self, _: *const GUID, _: u32, _: *const c_void) -> Result<()> {
        Err(E_NOINTERFACE.into())
    }

    fn SetPrivateDataInterface(&self, _: *const GUID, _: Ref<'_, IUnknown>) -> Result<()> {
        Err(E_NOINTERFACE.into())
    }

    fn GetPrivateData(&self, _: *const GUID, _: *mut u32, _: *mut c_void) -> Result<()> {
        Err(E_NOINTERFACE.into())
    }

    fn GetParent(&self, _: *const GUID, _: *mut *mut c_void) -> Result<()> {
        Err(E_NOINTERFACE.into())
    }
}

impl IDXGIDevice_Impl for Device_Impl {
    fn GetAdapter(&self) -> Result<IDXGIAdapter> {
        Err(E_NOINTERFACE.into())
    }

    fn CreateSurface(
        &self,
        _: *const DXGI_SURFACE_DESC,
        _: u32,
        _: DXGI_USAGE,
        _: *const DXGI_SHARED_RESOURCE,
        _: *mut Option<IDXGISurface>,
    ) -> Result<()> {
        Err(E_NOINTERFACE.into())
    }

    fn QueryResourceResidency(
        &self,
        _: *const Option<IUnknown>,
        _: *mut DXGI_RESIDENCY,
        _: u32,
    ) -> Result<()> {
        Err(E_NOINTERFACE.into())
    }

    fn SetGPUThreadPriority(&self, _: i32) -> Result<()> {
        Err(E_NOINTERFACE.into())
    }

    fn GetGPUThreadPriority(&self) -> Result<i32> {
        Err(E_NOINTERFACE.into())
    }
}

impl IDXGIDevice1_Impl for Device_Impl {
    fn SetMaximumFrameLatency(&self, _: u32) -> Result<()> {
        Ok(())
    }

    fn GetMaximumFrameLatency(&self) -> Result<u32> {
        Ok(2)
    }
}
