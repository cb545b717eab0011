//! The device object: what it owns, and its life.
//!
//! It is `ID3D11Device5` (creation in `device_create`, `device2` and `device5`, queries in `device_support`), `IDXGIDevice4` (`device_dxgi`),
//! `ID3D11Multithread`, and for dxgi.dll `IPvgpuDxgiDevice` (`device_present`).

use core::cell::{Cell, UnsafeCell};
use core::ffi::c_void;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, Ordering};
use std::sync::Arc;

use pvgpu_interfaces::IPvgpuDxgiDevice_Vtbl;
use windows::Win32::Graphics::Direct3D10::ID3D10Device1_Vtbl;
use windows::Win32::Graphics::Direct3D11::{
    ID3D11Device5_Vtbl, ID3D11Multithread_Impl, ID3D11Multithread_Vtbl,
};
use windows::Win32::Graphics::Dxgi::{IDXGIAdapter, IDXGIDevice4_Vtbl};
use windows_core::{BOOL, GUID};

use super::context::{self, Context};
use super::d3d10;
use super::device_dxgi;
use super::driver::Driver;
use super::guard::{Guard, Locked};
use super::kernel;
use super::lock::Lock;
use super::object::{CHAINS, Class, Com, vtable};
use super::record::stream::Pool;
use super::removal::RemovalWatch;

/// Chain of `IDXGIDevice4`.
pub const DXGI: usize = 1;
/// Chain of `ID3D11Multithread`.
const MULTITHREAD: usize = 2;
/// Chain of `IPvgpuDxgiDevice`.
const PRESENT: usize = 3;

/// `ID3D10Multithread`: the interface that `ID3D11Multithread` took over, method for method.
pub const ID3D10_MULTITHREAD: GUID = GUID::from_u128(0x9b7e4e00_342c_4106_a19f_4f2704f689f0);

/// `D3D11_CREATE_DEVICE_SINGLETHREADED`.
pub const SINGLETHREADED: u32 = 1;

/// DXGI's default of `SetMaximumFrameLatency`.
pub const DEFAULT_FRAME_LATENCY: u32 = 3;

/// A device.
pub struct Device {
    /// The lock of everything below it.
    pub lock: Lock,
    /// What the lock guards. Declared before `kernel`: the driver goes first.
    pub locked: UnsafeCell<Locked>,
    /// The kernel's side.
    pub kernel: kernel::Device,
    /// The adapter.
    pub adapter: kernel::Adapter,
    /// The adapter as the application knows it.
    pub dxgi_adapter: IDXGIAdapter,
    /// The immediate context; set once, right after the device is made.
    context: Cell<Option<NonNull<Com<Context>>>>,
    /// `D3D_FEATURE_LEVEL`.
    pub feature_level: u32,
    /// `D3D11_CREATE_DEVICE_FLAG`.
    pub creation_flags: u32,
    /// `ID3D11Device::SetExceptionMode`.
    pub exception_mode: AtomicU32,
    /// `IDXGIDevice1::SetMaximumFrameLatency`.
    pub frame_latency: AtomicU32,
    /// `IDXGIDevice::SetGPUThreadPriority`.
    pub gpu_thread_priority: AtomicI32,
    /// `ID3D10Device::SetTextFilterSize`: the width, above it the height.
    pub text_filter: AtomicU64,
    /// Whether it also is an `ID3D10Device1`: a device that `D3D11CreateDevice` makes is not before
    /// `CreateDeviceContextState`.
    d3d10: AtomicBool,
    multithread_protected: AtomicBool,
    /// Memory of command lists.
    pub chunks: Arc<Pool>,
    /// Who wants to know that the device is lost.
    pub removal: RemovalWatch,
}

/// What a new device is made of.
pub struct Parts {
    /// The driver's device.
    pub driver: Driver,
    /// The kernel's device.
    pub kernel: kernel::Device,
    /// The adapter.
    pub adapter: kernel::Adapter,
    /// The adapter as the application knows it.
    pub dxgi_adapter: IDXGIAdapter,
    /// `D3D_FEATURE_LEVEL`.
    pub feature_level: u32,
    /// `D3D11_CREATE_DEVICE_FLAG`.
    pub creation_flags: u32,
    /// Whether it also is a device of Direct3D 10.
    pub d3d10: bool,
}

/// Makes a device with one public reference.
pub fn new(parts: Parts) -> NonNull<Com<Device>> {
    let inner = Device {
        lock: Lock::default(),
        locked: UnsafeCell::new(Locked::new(parts.driver)),
        kernel: parts.kernel,
        adapter: parts.adapter,
        dxgi_adapter: parts.dxgi_adapter,
        context: Cell::new(None),
        feature_level: parts.feature_level,
        creation_flags: parts.creation_flags,
        exception_mode: AtomicU32::new(0),
        frame_latency: AtomicU32::new(DEFAULT_FRAME_LATENCY),
        gpu_thread_priority: AtomicI32::new(0),
        text_filter: AtomicU64::new(0),
        d3d10: AtomicBool::new(parts.d3d10),
        // Direct3D 10's default is protection.
        multithread_protected: AtomicBool::new(parts.d3d10 && parts.creation_flags & SINGLETHREADED == 0),
        chunks: Arc::default(),
        removal: RemovalWatch::default(),
    };
    let mut vtables = [core::ptr::null(); CHAINS];
    vtables[0] = core::ptr::from_ref(const { &super::device5::VTABLE }).cast();
    vtables[DXGI] = core::ptr::from_ref(&device_dxgi::TABLE).cast();
    vtables[MULTITHREAD] = vtable!(ID3D11Multithread_Vtbl, Com<Device>, 2);
    vtables[PRESENT] = vtable!(IPvgpuDxgiDevice_Vtbl, Com<Device>, 3);
    vtables[d3d10::CHAIN] = core::ptr::from_ref(const { &d3d10::VTABLE }).cast();
    let device = Com::boxed(vtables, 1, core::ptr::null_mut(), core::ptr::null(), inner);
    let context = context::new(device.as_ptr());
    // SAFETY: the device was just made.
    unsafe { device.as_ref() }.inner.context.set(Some(context));
    device
}

impl Device {
    /// The immediate context.
    pub fn context(&self) -> Option<&Com<Context>> {
        // SAFETY: the device holds its context until it is dropped.
        self.context.get().map(|context| unsafe { context.as_ref() })
    }

    /// Whether it is an `ID3D10Device1`, too.
    pub fn serves_d3d10(&self) -> bool {
        self.d3d10.load(Ordering::Relaxed)
    }

    /// Makes it an `ID3D10Device1`, too.
    pub fn serve_d3d10(&self) {
        self.d3d10.store(true, Ordering::Relaxed);
    }

    /// Sets `ID3D11Multithread`'s switch; the old value. The lock is taken either way: creation is free-threaded always.
    pub fn set_multithread_protected(&self, protect: bool) -> bool {
        self.multithread_protected.swap(protect, Ordering::Relaxed)
    }

    /// `ID3D11Multithread`'s switch.
    pub fn multithread_protected(&self) -> bool {
        self.multithread_protected.load(Ordering::Relaxed)
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.removal.end();
        // No public reference to any child is left: what is alive is alive because it is bound.
        let mut guard = Guard::new(self);
        guard.clear_state();
        let locked = &mut *guard;
        locked.own.current.set(None, &mut locked.graves);
        drop(guard);
        if let Some(context) = self.context.take() {
            // SAFETY: the box came from `Com::new_held`, and nobody has a reference to it.
            drop(unsafe { Box::from_raw(context.as_ptr()) });
        }
    }
}

impl Class for Device {
    fn chain(&self, iid: &GUID) -> Option<usize> {
        if ID3D11Device5_Vtbl::matches(iid) {
            Some(0)
        } else if IDXGIDevice4_Vtbl::matches(iid) {
            Some(DXGI)
        } else if ID3D11Multithread_Vtbl::matches(iid) || *iid == ID3D10_MULTITHREAD {
            Some(MULTITHREAD)
        } else if self.serves_d3d10() && ID3D10Device1_Vtbl::matches(iid) {
            Some(d3d10::CHAIN)
        } else {
            IPvgpuDxgiDevice_Vtbl::matches(iid).then_some(PRESENT)
        }
    }

    // A device is no child: it is freed by its last release.
    fn destroy(&self, _handle: *mut c_void, _locked: &mut Locked) {}
}

impl ID3D11Multithread_Impl for Com<Device> {
    fn Enter(&self) {
        self.inner.lock.enter();
    }

    fn Leave(&self) {
        self.inner.lock.leave();
    }

    fn SetMultithreadProtected(&self, protect: BOOL) -> BOOL {
        self.inner.set_multithread_protected(protect.as_bool()).into()
    }

    fn GetMultithreadProtected(&self) -> BOOL {
        self.inner.multithread_protected().into()
    }
}
