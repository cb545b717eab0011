//! Frames: how a presented picture comes back from the host.

use core::ffi::c_void;

use windows_core::{HRESULT, IUnknown, IUnknown_Vtbl, interface};

/// Size of a frame; its format is always B8G8R8A8 (alpha without meaning), first row on top.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PvgpuFrameDesc {
    /// Pixels.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Bytes from row to row that [`IPvgpuFrame::CopyTo`] writes: at least `width * 4`.
    pub row_pitch: u32,
    /// Number of the present on its device, from 1, in order of Present.
    pub sequence: u64,
}

/// A complete frame in shared memory; its slot is free for a later present again once the last reference is released.
#[interface("5f1c2a60-6f0e-4c0b-9e57-6d3a1b8c0a03")]
pub unsafe trait IPvgpuFrame: IUnknown {
    /// Describes the frame.
    pub unsafe fn GetDesc(&self, desc: *mut PvgpuFrameDesc) -> HRESULT;
    /// Copies the pixels to `data`, which has `size` bytes.
    ///
    /// Errors: `E_INVALIDARG` when `size` is below `row_pitch * height`.
    pub unsafe fn CopyTo(&self, data: *mut u8, size: usize) -> HRESULT;
}

/// Receives frames; implemented by dxgi.dll, once per device.
#[interface("5f1c2a60-6f0e-4c0b-9e57-6d3a1b8c0a04")]
pub unsafe trait IPvgpuPresentSink: IUnknown {
    /// The frame of a present is complete. Called in the order of the presents, from a thread of the kernel model, which
    /// must not be kept waiting: take a reference and return. `dxgi_context` is that of the present; `frame` is an
    /// [`IPvgpuFrame`].
    pub unsafe fn FrameReady(&self, dxgi_context: usize, frame: *mut c_void);
}
