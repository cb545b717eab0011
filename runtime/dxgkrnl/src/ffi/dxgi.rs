//! The DXGI callbacks of a device.

use std::ffi::c_void;

use pvgpu_umd_ddi::{DXGI_DDI_BASE_CALLBACKS, DXGIDDICB_PRESENT, E_NOTIMPL, HANDLE, HRESULT};

use super::memory::read;
use super::{number, with_device};

/// The table.
pub(crate) fn dxgi_callbacks() -> &'static DXGI_DDI_BASE_CALLBACKS {
    static CALLBACKS: DXGI_DDI_BASE_CALLBACKS = DXGI_DDI_BASE_CALLBACKS {
        pfnPresentCb: Some(present),
        pfnPresentMultiplaneOverlayCb: Some(multiplane_overlay),
        pfnPresentMultiplaneOverlay1Cb: Some(multiplane_overlay),
        pfnSubmitPresentBltToHwQueueCb: Some(unsupported),
        pfnSubmitPresentToHwQueueCb: Some(unsupported),
    };
    &CALLBACKS
}

unsafe extern "system" fn present(device: HANDLE, data: *mut DXGIDDICB_PRESENT) -> HRESULT {
    with_device(device, |device| {
        // SAFETY: the DDI's contract: the argument is readable.
        let data = unsafe { read(data) }?;
        let context = device.context(number(data.hContext))?;
        // Private data reaches drivers of later models only.
        device.present(&context, data.hSrcAllocation, data.pDXGIContext.addr())?;
        Ok(())
    })
}

/// The model has no overlays.
unsafe extern "system" fn multiplane_overlay(_device: HANDLE, _data: *const c_void) -> HRESULT {
    E_NOTIMPL
}

/// The model's driver has no hardware queues.
unsafe extern "system" fn unsupported(_device: HANDLE, _data: *mut c_void) -> HRESULT {
    E_NOTIMPL
}
