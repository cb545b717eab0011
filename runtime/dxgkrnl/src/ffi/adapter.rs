//! The callbacks of an adapter.

use pvgpu_umd_ddi::{
    D3DDDI_ADAPTERCALLBACKS, D3DDDICB_GETMULTISAMPLEMETHODLIST, D3DDDICB_QUERYADAPTERINFO, E_INVALIDARG,
    E_NOTIMPL, HANDLE, HRESULT,
};

use super::memory::{read, read_private, write_private};
use super::{number, result};
use crate::adapter::ADAPTERS;

/// The table.
pub(crate) fn adapter_callbacks() -> &'static D3DDDI_ADAPTERCALLBACKS {
    static CALLBACKS: D3DDDI_ADAPTERCALLBACKS = D3DDDI_ADAPTERCALLBACKS {
        pfnQueryAdapterInfoCb: Some(query_adapter_info),
        pfnGetMultisampleMethodListCb: Some(get_multisample_method_list),
        pfnQueryAdapterInfoCb2: None,
    };
    &CALLBACKS
}

unsafe extern "system" fn query_adapter_info(
    adapter: HANDLE,
    data: *const D3DDDICB_QUERYADAPTERINFO,
) -> HRESULT {
    let Some(adapter) = ADAPTERS.get(number(adapter)) else { return E_INVALIDARG };
    // SAFETY: the DDI's contract: the argument is readable.
    let data = match unsafe { read(data) } {
        Ok(data) => data,
        Err(error) => return result(Err(error)),
    };
    // SAFETY: the DDI's contract: pointer and size describe the caller's buffer.
    let copied = unsafe { read_private(data.pPrivateDriverData, data.PrivateDriverDataSize) };
    result(copied.and_then(|mut private| {
        adapter.query_adapter_info(&mut private)?;
        // SAFETY: the buffer that the copy came from, which the callback is asked to fill.
        unsafe { write_private(data.pPrivateDriverData, &private) };
        Ok(())
    }))
}

/// Only primaries of Direct3D 9 have lists of methods.
unsafe extern "system" fn get_multisample_method_list(
    _adapter: HANDLE,
    _data: *mut D3DDDICB_GETMULTISAMPLEMETHODLIST,
) -> HRESULT {
    E_NOTIMPL
}
