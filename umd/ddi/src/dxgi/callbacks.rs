//! Callbacks of the DXGI runtime.
//!
//! The driver's `Present` resolves its resources to allocations and calls
//! [`pfnPresentCb`](DXGI_DDI_BASE_CALLBACKS::pfnPresentCb) with the context whose DMA buffers have to precede
//! the present.
#![expect(non_camel_case_types, non_snake_case, reason = "names are Microsoft's")]
#![expect(missing_docs, reason = "members keep Microsoft's names; the DDI reference describes each one")]

use core::ffi::c_void;

use crate::*;

/// Argument of `pfnPresentCb`.
///
/// Members from `BroadcastSrcAllocation` on came with later versions (WDDM 1.2 and 2.x); the runtime reads
/// only the part that the driver's version has.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGIDDICB_PRESENT {
    pub hSrcAllocation: D3DKMT_HANDLE,
    pub hDstAllocation: D3DKMT_HANDLE,
    pub pDXGIContext: *mut c_void,
    pub hContext: HANDLE,
    pub BroadcastContextCount: u32,
    pub BroadcastContext: BroadcastContexts,
    pub BroadcastSrcAllocation: *mut D3DKMT_HANDLE,
    pub BroadcastDstAllocation: *mut D3DKMT_HANDLE,
    pub PrivateDriverDataSize: u32,
    pub pPrivateDriverData: *mut c_void,
    pub bOptimizeForComposition: u8,
    pub SyncIntervalOverrideValid: BOOL,
    pub SyncIntervalOverride: DXGI_DDI_FLIP_INTERVAL_TYPE,
}

/// Presents: allocation to screen or window.
pub type PFNDDXGIDDI_PRESENTCB =
    Option<unsafe extern "system" fn(hDevice: HANDLE, pPresentData: *mut DXGIDDICB_PRESENT) -> HRESULT>;
/// Presents several planes; only drivers with multiplane overlays call it.
pub type PFNDDXGIDDI_PRESENT_MULTIPLANE_OVERLAYCB =
    Option<unsafe extern "system" fn(hDevice: HANDLE, pPresentData: *const c_void) -> HRESULT>;

/// The DXGI runtime's callbacks, in the order of the header.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGI_DDI_BASE_CALLBACKS {
    pub pfnPresentCb: PFNDDXGIDDI_PRESENTCB,
    pub pfnPresentMultiplaneOverlayCb: PFNDDXGIDDI_PRESENT_MULTIPLANE_OVERLAYCB,
    pub pfnPresentMultiplaneOverlay1Cb: PFNDDXGIDDI_PRESENT_MULTIPLANE_OVERLAYCB,
    pub pfnSubmitPresentBltToHwQueueCb: KernelCallback<c_void>,
    pub pfnSubmitPresentToHwQueueCb: KernelCallback<c_void>,
}

// Sizes on x64, from the sources named in SOURCES.md.
const _: () = assert!(size_of::<DXGIDDICB_PRESENT>() == 592);
const _: () = assert!(size_of::<DXGI_DDI_BASE_CALLBACKS>() == 40);
const _: () = assert!(core::mem::offset_of!(DXGIDDICB_PRESENT, BroadcastContext) == 32);
const _: () = assert!(core::mem::offset_of!(DXGIDDICB_PRESENT, BroadcastSrcAllocation) == 544);
