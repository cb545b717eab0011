//! `PvgpuOpenKernelAdapter`: dxgi.dll's way to the adapter, and this DLL's way back from an `IDXGIAdapter`.

use core::ffi::c_void;

use pvgpu_interfaces::{
    INTERFACE_VERSION, IPvgpuDxgiAdapter, IPvgpuKernelAdapter, IPvgpuKernelAdapter_Impl, PvgpuAdapterDesc,
};
use windows::Win32::Foundation::{E_INVALIDARG, E_POINTER, HMODULE, S_OK};
use windows::Win32::Graphics::Dxgi::IDXGIAdapter;
use windows::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
};
use windows_core::{BOOL, GUID, HRESULT, IUnknown, Interface, PCWSTR, implement};

use super::kernel::Adapter;
use crate::hresult::{DXGI_ERROR_UNSUPPORTED, Result};

/// An open adapter as dxgi.dll sees it.
#[implement(IPvgpuKernelAdapter)]
struct KernelAdapter {
    adapter: Adapter,
}

impl IPvgpuKernelAdapter_Impl for KernelAdapter_Impl {
    unsafe fn GetDesc(&self, desc: *mut PvgpuAdapterDesc) -> HRESULT {
        // SAFETY: COM's contract: not null means valid.
        let Some(desc) = (unsafe { desc.as_mut() }) else { return E_POINTER };
        let info = self.adapter.host_info();
        *desc = PvgpuAdapterDesc {
            description: description(self.adapter.gpu_name()),
            vendor_id: info.vendor_id.to_native(),
            device_id: info.device_id.to_native(),
            software: u32::from(self.adapter.is_software()),
            feature_level: info.feature_level.to_native(),
            dedicated_video_memory: info.dedicated_video_memory.to_native(),
            shared_system_memory: info.shared_system_memory.to_native(),
            luid: self.adapter.luid(),
        };
        S_OK
    }

    unsafe fn IsRemoved(&self) -> BOOL {
        self.adapter.removed().into()
    }
}

/// "pvgpu (GPU of the host)" as `DXGI_ADAPTER_DESC` has it, cut if need be, zero-terminated.
fn description(gpu: &str) -> [u16; 128] {
    let mut text = [0; 128];
    let units = format!("pvgpu ({gpu})").encode_utf16().collect::<Vec<_>>();
    for (to, from) in text.iter_mut().take(127).zip(units) {
        *to = from;
    }
    text
}

/// Export: opens the process's adapter; see `pvgpu_interfaces::PfnPvgpuOpenKernelAdapter`.
///
/// # Safety
/// `riid` and `adapter` are null or valid.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn PvgpuOpenKernelAdapter(
    version: u32,
    riid: *const GUID,
    adapter: *mut *mut c_void,
) -> HRESULT {
    if riid.is_null() || adapter.is_null() {
        return E_POINTER;
    }
    // SAFETY: just checked, and valid by contract.
    unsafe { adapter.write(core::ptr::null_mut()) };
    if version != INTERFACE_VERSION {
        return E_INVALIDARG;
    }
    pin();
    match Adapter::open() {
        Ok(open) => {
            let object: IUnknown = KernelAdapter { adapter: open }.into();
            // SAFETY: the pointers are valid by contract.
            unsafe { object.query(riid, adapter) }
        }
        Err(error) => HRESULT(error.0),
    }
}

/// The kernel adapter of one of our dxgi.dll's adapters.
///
/// # Errors
/// `DXGI_ERROR_UNSUPPORTED` for an adapter of another DXGI; the error of opening when the adapter was removed.
pub fn of_dxgi(adapter: &IDXGIAdapter) -> Result<Adapter> {
    let ours: IPvgpuDxgiAdapter = adapter.cast().map_err(|_| DXGI_ERROR_UNSUPPORTED)?;
    let mut kernel = core::ptr::null_mut();
    // SAFETY: `kernel` receives an interface with a reference.
    let result = unsafe { ours.GetKernelAdapter(&mut kernel) };
    if result.is_err() || kernel.is_null() {
        return Err(DXGI_ERROR_UNSUPPORTED);
    }
    // SAFETY: the pointer and its reference are ours now.
    drop(unsafe { IPvgpuKernelAdapter::from_raw(kernel) });
    // A process has one adapter: the one that dxgi.dll has, or after a removal its successor.
    pin();
    Adapter::open()
}

/// Keeps this DLL loaded until the process ends: the kernel model's threads run in it, and programs unload d3d11.dll.
fn pin() {
    let inside = PCWSTR(pin as *const c_void as *const u16);
    let mut module = HMODULE::default();
    let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN;
    // SAFETY: with these flags the "name" is an address inside the module, which is loaded: this code runs in it.
    let pinned = unsafe { GetModuleHandleExW(flags, inside, &mut module) };
    if let Err(error) = pinned {
        super::kernel::report(&format!("pvgpu: d3d11.dll cannot be kept loaded ({error})"));
    }
}
