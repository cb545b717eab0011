//! Devices: what a swap chain needs of an `ID3D11Device`.

use core::ffi::c_void;

use windows_core::{GUID, HRESULT, IUnknown, IUnknown_Vtbl, interface};

use crate::IPvgpuPresentSink;

/// A back buffer to be made.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PvgpuBackBufferDesc {
    /// Texels.
    pub width: u32,
    /// Texels.
    pub height: u32,
    /// `DXGI_FORMAT`.
    pub format: u32,
    /// Samples a texel; above 1 only for blit-model swap chains.
    pub sample_count: u32,
    /// Quality level of the samples.
    pub sample_quality: u32,
    /// `DXGI_USAGE` bits of the buffer: render target, shader input, unordered access, …, and what `GetUsage` tells of it.
    pub usage: u32,
    /// 1 when GDI may draw to it (`IDXGISurface1::GetDC`), else 0.
    pub gdi_compatible: u32,
}

/// One present.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PvgpuPresent {
    /// Handed to [`IPvgpuPresentSink::FrameReady`] as it is.
    pub dxgi_context: usize,
    /// 0 to 4, as in `IDXGISwapChain::Present`.
    pub sync_interval: u32,
    /// 1 for the flip model, 0 for the blit model.
    pub flip: u32,
    /// 1 for a frame that is needed even when there is a newer one, else 0.
    pub keep: u32,
}

/// What our `ID3D11Device` also is, for dxgi.dll only.
///
/// Methods take the device's lock; none of them may be called from [`IPvgpuPresentSink::FrameReady`] except
/// `FramesInFlight` and `RemovedReason`.
#[interface("5f1c2a60-6f0e-4c0b-9e57-6d3a1b8c0a05")]
pub unsafe trait IPvgpuDxgiDevice: IUnknown {
    /// The `IDXGIAdapter` that the device was created on.
    pub unsafe fn GetDxgiAdapter(&self, riid: *const GUID, adapter: *mut *mut c_void) -> HRESULT;
    /// Makes a texture that can be presented: an `ID3D11Texture2D` without a public reference, which the device holds until
    /// `ReleaseBackBuffer`. The caller holds the device for longer.
    pub unsafe fn CreateBackBuffer(
        &self,
        desc: *const PvgpuBackBufferDesc,
        texture: *mut *mut c_void,
    ) -> HRESULT;
    /// Gives a texture of `CreateBackBuffer` up.
    pub unsafe fn ReleaseBackBuffer(&self, texture: *mut c_void);
    /// `S_OK` when nobody but the caller holds `texture`, directly or through a view, bound or not; `S_FALSE` when somebody
    /// does.
    pub unsafe fn BackBufferIdle(&self, texture: *mut c_void) -> HRESULT;
    /// Presents a back buffer of this device. Does not wait: call `WaitForFrameSlot` before.
    ///
    /// Errors: the removed reason once the device is removed.
    pub unsafe fn Present(&self, texture: *mut c_void, present: *const PvgpuPresent) -> HRESULT;
    /// Back buffer i takes the memory of i + 1, the last that of the first (`DXGI_DDI_ARG_ROTATE_RESOURCE_IDENTITIES`).
    pub unsafe fn RotateResourceIdentities(&self, textures: *const *mut c_void, count: u32) -> HRESULT;
    /// Presents whose frame is not complete and released yet.
    pub unsafe fn FramesInFlight(&self) -> u32;
    /// Waits until fewer than `max` presents are in flight.
    ///
    /// Errors: `DXGI_ERROR_WAS_STILL_DRAWING` after `timeout_ms`, the removed reason once the device is removed.
    pub unsafe fn WaitForFrameSlot(&self, max: u32, timeout_ms: u32) -> HRESULT;
    /// Sets who receives this device's frames, `None` for nobody. Frames without a receiver are dropped.
    pub unsafe fn SetPresentSink(&self, sink: Option<&IPvgpuPresentSink>) -> HRESULT;
    /// `S_OK`, or why the device is removed, as `ID3D11Device::GetDeviceRemovedReason`.
    pub unsafe fn RemovedReason(&self) -> HRESULT;
    /// Sends everything encoded so far to the host.
    pub unsafe fn Flush(&self) -> HRESULT;
}
