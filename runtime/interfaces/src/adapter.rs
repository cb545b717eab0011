//! Adapters: from dxgi.dll's `IDXGIAdapter` to the kernel model's adapter and back.

use core::ffi::c_void;

use windows_core::{BOOL, GUID, HRESULT, IUnknown, IUnknown_Vtbl, interface};

/// Name of d3d11.dll's export of type [`PfnPvgpuOpenKernelAdapter`].
pub const OPEN_KERNEL_ADAPTER_EXPORT: &str = "PvgpuOpenKernelAdapter";

/// Opens the adapter that the link leads to (once per process; later calls give the same one while it is not removed).
///
/// `version` is [`INTERFACE_VERSION`](crate::INTERFACE_VERSION); `riid` is usually that of [`IPvgpuKernelAdapter`].
///
/// # Errors
/// `E_INVALIDARG` for another version; `DXGI_ERROR_NOT_FOUND` when no host serves the link: one sentence that says what
/// to do has then been written to stderr and to the debugger.
pub type PfnPvgpuOpenKernelAdapter =
    unsafe extern "system" fn(version: u32, riid: *const GUID, adapter: *mut *mut c_void) -> HRESULT;

/// What `DXGI_ADAPTER_DESC` needs to know.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PvgpuAdapterDesc {
    /// "pvgpu (GPU of the host)", UTF-16, zero-terminated.
    pub description: [u16; 128],
    /// PCI vendor of the host's GPU.
    pub vendor_id: u32,
    /// PCI device of the host's GPU.
    pub device_id: u32,
    /// 1 when the host renders in software, else 0.
    pub software: u32,
    /// Highest `D3D_FEATURE_LEVEL` that the host serves.
    pub feature_level: u32,
    /// Bytes of memory that is the GPU's own.
    pub dedicated_video_memory: u64,
    /// Bytes of system memory that the GPU can use.
    pub shared_system_memory: u64,
    /// The adapter's locally unique id: `LowPart` in the lower half, `HighPart` in the upper.
    pub luid: u64,
}

impl Default for PvgpuAdapterDesc {
    /// All zero, to be filled by [`IPvgpuKernelAdapter::GetDesc`].
    fn default() -> Self {
        Self {
            description: [0; 128],
            vendor_id: 0,
            device_id: 0,
            software: 0,
            feature_level: 0,
            dedicated_video_memory: 0,
            shared_system_memory: 0,
            luid: 0,
        }
    }
}

/// An open adapter of the kernel model.
#[interface("5f1c2a60-6f0e-4c0b-9e57-6d3a1b8c0a01")]
pub unsafe trait IPvgpuKernelAdapter: IUnknown {
    /// Describes the adapter.
    pub unsafe fn GetDesc(&self, desc: *mut PvgpuAdapterDesc) -> HRESULT;
    /// Whether the host is gone; a removed adapter never comes back, a new one must be opened.
    pub unsafe fn IsRemoved(&self) -> BOOL;
}

/// What every `IDXGIAdapter` of our dxgi.dll also is.
#[interface("5f1c2a60-6f0e-4c0b-9e57-6d3a1b8c0a02")]
pub unsafe trait IPvgpuDxgiAdapter: IUnknown {
    /// The kernel adapter behind it: an [`IPvgpuKernelAdapter`] with a reference for the caller.
    pub unsafe fn GetKernelAdapter(&self, adapter: *mut *mut c_void) -> HRESULT;
}
