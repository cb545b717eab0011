//! The adapter: the host's GPU as DXGI describes it, and its monitors.

#![expect(unsafe_code, reason = "implements COM interfaces")]

use std::ffi::c_void;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use pvgpu_interfaces::{IPvgpuDxgiAdapter, IPvgpuDxgiAdapter_Impl, IPvgpuKernelAdapter, PvgpuAdapterDesc};
use windows::Win32::Foundation::{E_INVALIDARG, E_POINTER, HANDLE, LUID, S_OK};
use windows::Win32::Graphics::Dxgi::{
    DXGI_ADAPTER_DESC, DXGI_ADAPTER_DESC1, DXGI_ADAPTER_DESC2, DXGI_ADAPTER_DESC3, DXGI_ADAPTER_FLAG_NONE,
    DXGI_ADAPTER_FLAG_SOFTWARE, DXGI_ADAPTER_FLAG3_KEYED_MUTEX_CONFORMANCE, DXGI_ADAPTER_FLAG3_NONE,
    DXGI_ADAPTER_FLAG3_SOFTWARE, DXGI_COMPUTE_PREEMPTION_DMA_BUFFER_BOUNDARY, DXGI_ERROR_INVALID_CALL,
    DXGI_ERROR_NOT_FOUND, DXGI_ERROR_UNSUPPORTED, DXGI_GRAPHICS_PREEMPTION_DMA_BUFFER_BOUNDARY,
    DXGI_MEMORY_SEGMENT_GROUP, DXGI_MEMORY_SEGMENT_GROUP_LOCAL, DXGI_MEMORY_SEGMENT_GROUP_NON_LOCAL,
    DXGI_QUERY_VIDEO_MEMORY_INFO, IDXGIAdapter_Impl, IDXGIAdapter_Vtbl, IDXGIAdapter1_Impl,
    IDXGIAdapter1_Vtbl, IDXGIAdapter2_Impl, IDXGIAdapter2_Vtbl, IDXGIAdapter3_Impl, IDXGIAdapter3_Vtbl,
    IDXGIAdapter4, IDXGIAdapter4_Impl, IDXGIAdapter4_Vtbl, IDXGIDevice, IDXGIFactory, IDXGIObject_Impl,
    IDXGIOutput,
};
use windows::Win32::System::Threading::SetEvent;
use windows_core::{GUID, HRESULT, IUnknown, IUnknownImpl, Interface, Ref, Result, implement};

use super::output::Output;
use super::private_data::PrivateData;
use super::vtable::{self, refusing_null};
use crate::gdi::monitor::Monitor;

/// Version of the user-mode driver, as `CheckInterfaceSupport` reports it: four 16-bit numbers.
const DRIVER_VERSION: i64 = {
    const fn number(text: &str) -> i64 {
        let (mut value, mut at) = (0, 0);
        while at < text.len() {
            // PANIC: evaluated by the compiler; cargo gives decimal numbers.
            value = value * 10 + (text.as_bytes()[at] - b'0') as i64;
            at += 1;
        }
        value
    }
    number(env!("CARGO_PKG_VERSION_MAJOR")) << 48
        | number(env!("CARGO_PKG_VERSION_MINOR")) << 32
        | number(env!("CARGO_PKG_VERSION_PATCH")) << 16
};

/// `IID_ID3D10Device` and `IID_ID3D10Device1`: what a program may ask `CheckInterfaceSupport` for.
const ID3D10_DEVICE: GUID = GUID::from_u128(0x9b7e4c0f_342c_4106_a19f_4f2704f689f0);
const ID3D10_DEVICE1: GUID = GUID::from_u128(0x9b7e4c8f_342c_4106_a19f_4f2704f689f0);

/// Adapters refuse null pointers; only the version of `CheckInterfaceSupport` need not be wanted.
static TABLE: IDXGIAdapter4_Vtbl = {
    let mut table = IDXGIAdapter4_Vtbl::new::<Adapter_Impl, -1>();
    {
        let first = &mut table.base__.base__.base__.base__;
        first.EnumOutputs = refusing_null!(
            IDXGIAdapter_Vtbl::<Adapter_Impl>::EnumOutputs(number: u32 => *mut c_void), E_INVALIDARG);
        first.GetDesc =
            refusing_null!(IDXGIAdapter_Vtbl::<Adapter_Impl>::GetDesc(=> DXGI_ADAPTER_DESC), E_INVALIDARG);
        first.CheckInterfaceSupport = check_interface_support;
    }
    table.base__.base__.base__.GetDesc1 =
        refusing_null!(IDXGIAdapter1_Vtbl::<Adapter_Impl>::GetDesc1(=> DXGI_ADAPTER_DESC1), E_INVALIDARG);
    table.base__.base__.GetDesc2 =
        refusing_null!(IDXGIAdapter2_Vtbl::<Adapter_Impl>::GetDesc2(=> DXGI_ADAPTER_DESC2), E_INVALIDARG);
    table.base__.RegisterHardwareContentProtectionTeardownStatusEvent = refusing_null!(
        IDXGIAdapter3_Vtbl::<Adapter_Impl>::RegisterHardwareContentProtectionTeardownStatusEvent(
            event: HANDLE => u32),
        DXGI_ERROR_INVALID_CALL);
    table.base__.RegisterVideoMemoryBudgetChangeNotificationEvent = refusing_null!(
        IDXGIAdapter3_Vtbl::<Adapter_Impl>::RegisterVideoMemoryBudgetChangeNotificationEvent(
            event: HANDLE => u32),
        DXGI_ERROR_INVALID_CALL);
    table.GetDesc3 =
        refusing_null!(IDXGIAdapter4_Vtbl::<Adapter_Impl>::GetDesc3(=> DXGI_ADAPTER_DESC3), E_INVALIDARG);
    table
};

unsafe extern "system" fn check_interface_support(
    this: *mut c_void,
    interface: *const GUID,
    version: *mut i64,
) -> HRESULT {
    const ORIGINAL: IDXGIAdapter_Vtbl = IDXGIAdapter_Vtbl::new::<Adapter_Impl, -1>();
    let mut unwanted = 0;
    let version = if version.is_null() { &raw mut unwanted } else { version };
    // SAFETY: these are the arguments of an entry of this object's vtable.
    unsafe { (ORIGINAL.CheckInterfaceSupport)(this, interface, version) }
}

/// An adapter.
#[implement(IDXGIAdapter4, IPvgpuDxgiAdapter)]
pub struct Adapter {
    factory: IDXGIFactory,
    kernel: IPvgpuKernelAdapter,
    desc: PvgpuAdapterDesc,
    private: PrivateData,
    /// What `SetVideoMemoryReservation` asked for: the GPU's own memory, system memory.
    reservations: Mutex<[u64; 2]>,
}

/// A locally unique id from the number that the kernel model uses.
pub fn luid(number: u64) -> LUID {
    // CAST: the two halves of the number.
    LUID { LowPart: number as u32, HighPart: ((number >> 32) as u32).cast_signed() }
}

impl Adapter {
    /// The adapter behind `kernel`, listed by `factory`.
    ///
    /// # Errors
    /// What d3d11.dll reports.
    pub fn open(factory: IDXGIFactory, kernel: IPvgpuKernelAdapter) -> Result<IDXGIAdapter4> {
        let mut desc = PvgpuAdapterDesc::default();
        // SAFETY: `desc` is valid for writing.
        unsafe { kernel.GetDesc(&mut desc) }.ok()?;
        let adapter =
            Self { factory, kernel, desc, private: PrivateData::default(), reservations: Mutex::default() };
        Ok(vtable::replace(IDXGIAdapter4::from(adapter), &TABLE))
    }

    /// Description in its second version, which the others are parts of.
    fn desc1(&self) -> DXGI_ADAPTER_DESC1 {
        let bytes = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        let flags = if self.desc.software != 0 { DXGI_ADAPTER_FLAG_SOFTWARE } else { DXGI_ADAPTER_FLAG_NONE };
        DXGI_ADAPTER_DESC1 {
            Description: self.desc.description,
            VendorId: self.desc.vendor_id,
            DeviceId: self.desc.device_id,
            SubSysId: 0,
            Revision: 0,
            DedicatedVideoMemory: bytes(self.desc.dedicated_video_memory),
            DedicatedSystemMemory: 0,
            SharedSystemMemory: bytes(self.desc.shared_system_memory),
            AdapterLuid: luid(self.desc.luid),
            Flags: flags.0.cast_unsigned(),
        }
    }

    /// Index and size of a memory segment group; there is one node.
    fn segment(&self, node: u32, group: DXGI_MEMORY_SEGMENT_GROUP) -> Result<(usize, u64)> {
        match (node, group) {
            (0, DXGI_MEMORY_SEGMENT_GROUP_LOCAL) => Ok((0, self.desc.dedicated_video_memory)),
            (0, DXGI_MEMORY_SEGMENT_GROUP_NON_LOCAL) => Ok((1, self.desc.shared_system_memory)),
            _ => Err(E_INVALIDARG.into()),
        }
    }
}

/// Bytes of `size` that an application may reserve: half.
fn reservable(size: u64) -> u64 {
    size / 2
}

impl IDXGIObject_Impl for Adapter_Impl {
    fn SetPrivateData(&self, name: *const GUID, size: u32, data: *const c_void) -> Result<()> {
        // SAFETY: the arguments follow DXGI's contract, which is that of `set`.
        unsafe { self.private.set(name, size, data) }
    }

    fn SetPrivateDataInterface(&self, name: *const GUID, interface: Ref<'_, IUnknown>) -> Result<()> {
        // SAFETY: as above.
        unsafe { self.private.set_interface(name, interface) }
    }

    fn GetPrivateData(&self, name: *const GUID, size: *mut u32, data: *mut c_void) -> Result<()> {
        // SAFETY: as above.
        unsafe { self.private.get(name, size, data) }
    }

    fn GetParent(&self, riid: *const GUID, parent: *mut *mut c_void) -> Result<()> {
        // SAFETY: DXGI's contract: a valid interface id and out-pointer.
        unsafe { self.factory.query(riid, parent) }.ok()
    }
}

impl IDXGIAdapter_Impl for Adapter_Impl {
    fn EnumOutputs(&self, output: u32) -> Result<IDXGIOutput> {
        let monitors = Monitor::all();
        let monitor = monitors.get(output as usize).ok_or(DXGI_ERROR_NOT_FOUND)?;
        Ok(Output::new(self.to_interface::<IDXGIAdapter4>().into(), *monitor).into_interface())
    }

    fn GetDesc(&self) -> Result<DXGI_ADAPTER_DESC> {
        let desc = self.desc1();
        Ok(DXGI_ADAPTER_DESC {
            Description: desc.Description,
            VendorId: desc.VendorId,
            DeviceId: desc.DeviceId,
            SubSysId: desc.SubSysId,
            Revision: desc.Revision,
            DedicatedVideoMemory: desc.DedicatedVideoMemory,
            DedicatedSystemMemory: desc.DedicatedSystemMemory,
            SharedSystemMemory: desc.SharedSystemMemory,
            AdapterLuid: desc.AdapterLuid,
        })
    }

    fn CheckInterfaceSupport(&self, interface: *const GUID) -> Result<i64> {
        // SAFETY: DXGI's contract: null or valid.
        let interface = unsafe { interface.as_ref() }.ok_or(E_INVALIDARG)?;
        // As on Windows, Direct3D 11 is not asked for here but by trying to make a device.
        let known = [IDXGIDevice::IID, ID3D10_DEVICE, ID3D10_DEVICE1];
        if known.contains(interface) { Ok(DRIVER_VERSION) } else { Err(DXGI_ERROR_UNSUPPORTED.into()) }
    }
}

impl IDXGIAdapter1_Impl for Adapter_Impl {
    fn GetDesc1(&self) -> Result<DXGI_ADAPTER_DESC1> {
        Ok(self.desc1())
    }
}

impl IDXGIAdapter2_Impl for Adapter_Impl {
    fn GetDesc2(&self) -> Result<DXGI_ADAPTER_DESC2> {
        let desc = self.desc1();
        Ok(DXGI_ADAPTER_DESC2 {
            Description: desc.Description,
            VendorId: desc.VendorId,
            DeviceId: desc.DeviceId,
            SubSysId: desc.SubSysId,
            Revision: desc.Revision,
            DedicatedVideoMemory: desc.DedicatedVideoMemory,
            DedicatedSystemMemory: desc.DedicatedSystemMemory,
            SharedSystemMemory: desc.SharedSystemMemory,
            AdapterLuid: desc.AdapterLuid,
            Flags: desc.Flags,
            GraphicsPreemptionGranularity: DXGI_GRAPHICS_PREEMPTION_DMA_BUFFER_BOUNDARY,
            ComputePreemptionGranularity: DXGI_COMPUTE_PREEMPTION_DMA_BUFFER_BOUNDARY,
        })
    }
}

impl IDXGIAdapter3_Impl for Adapter_Impl {
    fn RegisterHardwareContentProtectionTeardownStatusEvent(&self, _event: HANDLE) -> Result<u32> {
        Err(DXGI_ERROR_UNSUPPORTED.into())
    }

    fn UnregisterHardwareContentProtectionTeardownStatus(&self, _cookie: u32) {}

    /// Budget and reservation of a segment group. The host does not tell how much of it this process uses: reported as 0.
    fn QueryVideoMemoryInfo(
        &self,
        node: u32,
        group: DXGI_MEMORY_SEGMENT_GROUP,
        info: *mut DXGI_QUERY_VIDEO_MEMORY_INFO,
    ) -> Result<()> {
        let (index, size) = self.segment(node, group)?;
        let reservations = *self.reservations.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = DXGI_QUERY_VIDEO_MEMORY_INFO {
            Budget: size,
            CurrentUsage: 0,
            AvailableForReservation: reservable(size),
            CurrentReservation: reservations.get(index).copied().unwrap_or(0),
        };
        // SAFETY: DXGI's contract: null or valid for writing.
        *unsafe { info.as_mut() }.ok_or(E_INVALIDARG)? = answer;
        Ok(())
    }

    fn SetVideoMemoryReservation(
        &self,
        node: u32,
        group: DXGI_MEMORY_SEGMENT_GROUP,
        bytes: u64,
    ) -> Result<()> {
        let (index, size) = self.segment(node, group)?;
        if bytes > reservable(size) {
            return Err(E_INVALIDARG.into());
        }
        let mut reservations = self.reservations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reservation) = reservations.get_mut(index) {
            *reservation = bytes;
        }
        Ok(())
    }

    /// The budget never changes: the event is set once, to tell of the budget there is.
    fn RegisterVideoMemoryBudgetChangeNotificationEvent(&self, event: HANDLE) -> Result<u32> {
        static COOKIE: AtomicU32 = AtomicU32::new(1);
        if event.is_invalid() {
            return Err(DXGI_ERROR_INVALID_CALL.into());
        }
        // SAFETY: any handle is allowed; one that is no event gives an error.
        unsafe { SetEvent(event) }?;
        Ok(COOKIE.fetch_add(1, Ordering::Relaxed))
    }

    fn UnregisterVideoMemoryBudgetChangeNotification(&self, _cookie: u32) {}
}

impl IDXGIAdapter4_Impl for Adapter_Impl {
    fn GetDesc3(&self) -> Result<DXGI_ADAPTER_DESC3> {
        let desc = self.GetDesc2()?;
        let software =
            if self.desc.software != 0 { DXGI_ADAPTER_FLAG3_SOFTWARE } else { DXGI_ADAPTER_FLAG3_NONE };
        Ok(DXGI_ADAPTER_DESC3 {
            Description: desc.Description,
            VendorId: desc.VendorId,
            DeviceId: desc.DeviceId,
            SubSysId: desc.SubSysId,
            Revision: desc.Revision,
            DedicatedVideoMemory: desc.DedicatedVideoMemory,
            DedicatedSystemMemory: desc.DedicatedSystemMemory,
            SharedSystemMemory: desc.SharedSystemMemory,
            AdapterLuid: desc.AdapterLuid,
            Flags: software | DXGI_ADAPTER_FLAG3_KEYED_MUTEX_CONFORMANCE,
            GraphicsPreemptionGranularity: desc.GraphicsPreemptionGranularity,
            ComputePreemptionGranularity: desc.ComputePreemptionGranularity,
        })
    }
}

impl IPvgpuDxgiAdapter_Impl for Adapter_Impl {
    unsafe fn GetKernelAdapter(&self, adapter: *mut *mut c_void) -> HRESULT {
        if adapter.is_null() {
            return E_POINTER;
        }
        // SAFETY: the caller passes a valid out-pointer.
        unsafe { adapter.write(self.kernel.clone().into_raw()) };
        S_OK
    }
}
