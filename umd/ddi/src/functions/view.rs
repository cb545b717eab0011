//! Function types of the device table that create, clear and destroy views.
//!
//! Each type is an `Option`: a null pointer is `None`. Null handles unbind.
#![expect(non_camel_case_types, non_snake_case, reason = "names are Microsoft's")]

use core::ffi::c_void;

use crate::*;

/// Bytes of driver memory for a shader-resource view.
pub type PFND3D11DDI_CALCPRIVATESHADERRESOURCEVIEWSIZE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCreateShaderResourceView: *const D3D11DDIARG_CREATESHADERRESOURCEVIEW,
    ) -> usize,
>;

/// Creates a shader-resource view.
pub type PFND3D11DDI_CREATESHADERRESOURCEVIEW = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCreateShaderResourceView: *const D3D11DDIARG_CREATESHADERRESOURCEVIEW,
        hShaderResourceView: D3D10DDI_HSHADERRESOURCEVIEW,
        hRTShaderResourceView: D3D10DDI_HRTSHADERRESOURCEVIEW,
    ),
>;

/// Destroys a shader-resource view.
pub type PFND3D10DDI_DESTROYSHADERRESOURCEVIEW = Option<
    unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hShaderResourceView: D3D10DDI_HSHADERRESOURCEVIEW),
>;

/// Bytes of driver memory for a render-target view.
pub type PFND3D10DDI_CALCPRIVATERENDERTARGETVIEWSIZE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCreateRenderTargetView: *const D3D10DDIARG_CREATERENDERTARGETVIEW,
    ) -> usize,
>;

/// Creates a render-target view.
pub type PFND3D10DDI_CREATERENDERTARGETVIEW = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCreateRenderTargetView: *const D3D10DDIARG_CREATERENDERTARGETVIEW,
        hRenderTargetView: D3D10DDI_HRENDERTARGETVIEW,
        hRTRenderTargetView: D3D10DDI_HRTRENDERTARGETVIEW,
    ),
>;

/// Destroys a render-target view.
pub type PFND3D10DDI_DESTROYRENDERTARGETVIEW = Option<
    unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hRenderTargetView: D3D10DDI_HRENDERTARGETVIEW),
>;

/// Bytes of driver memory for a depth-stencil view.
pub type PFND3D11DDI_CALCPRIVATEDEPTHSTENCILVIEWSIZE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCreateDepthStencilView: *const D3D11DDIARG_CREATEDEPTHSTENCILVIEW,
    ) -> usize,
>;

/// Creates a depth-stencil view.
pub type PFND3D11DDI_CREATEDEPTHSTENCILVIEW = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCreateDepthStencilView: *const D3D11DDIARG_CREATEDEPTHSTENCILVIEW,
        hDepthStencilView: D3D10DDI_HDEPTHSTENCILVIEW,
        hRTDepthStencilView: D3D10DDI_HRTDEPTHSTENCILVIEW,
    ),
>;

/// Destroys a depth-stencil view.
pub type PFND3D10DDI_DESTROYDEPTHSTENCILVIEW = Option<
    unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hDepthStencilView: D3D10DDI_HDEPTHSTENCILVIEW),
>;

/// Bytes of driver memory for an unordered-access view.
pub type PFND3D11DDI_CALCPRIVATEUNORDEREDACCESSVIEWSIZE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCreateUnorderedAccessView: *const D3D11DDIARG_CREATEUNORDEREDACCESSVIEW,
    ) -> usize,
>;

/// Creates an unordered-access view.
pub type PFND3D11DDI_CREATEUNORDEREDACCESSVIEW = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCreateUnorderedAccessView: *const D3D11DDIARG_CREATEUNORDEREDACCESSVIEW,
        hUnorderedAccessView: D3D11DDI_HUNORDEREDACCESSVIEW,
        hRTUnorderedAccessView: D3D11DDI_HRTUNORDEREDACCESSVIEW,
    ),
>;

/// Destroys an unordered-access view.
pub type PFND3D11DDI_DESTROYUNORDEREDACCESSVIEW = Option<
    unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hUnorderedAccessView: D3D11DDI_HUNORDEREDACCESSVIEW),
>;

/// Clears a render-target view to four floats.
pub type PFND3D10DDI_CLEARRENDERTARGETVIEW = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hRenderTargetView: D3D10DDI_HRENDERTARGETVIEW,
        pColorRGBA: *const f32,
    ),
>;

/// Clears depth and/or stencil ([`D3D10_DDI_CLEAR_FLAG`](crate::D3D10_DDI_CLEAR_FLAG)).
pub type PFND3D10DDI_CLEARDEPTHSTENCILVIEW = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hDepthStencilView: D3D10DDI_HDEPTHSTENCILVIEW,
        Flags: u32,
        Depth: f32,
        Stencil: u8,
    ),
>;

/// Clears an unordered-access view to four integers.
pub type PFND3D11DDI_CLEARUNORDEREDACCESSVIEWUINT = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hUnorderedAccessView: D3D11DDI_HUNORDEREDACCESSVIEW,
        pUints: *const u32,
    ),
>;

/// Clears an unordered-access view to four floats.
pub type PFND3D11DDI_CLEARUNORDEREDACCESSVIEWFLOAT = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hUnorderedAccessView: D3D11DDI_HUNORDEREDACCESSVIEW,
        pFloats: *const f32,
    ),
>;

/// Clears rectangles of a view of any kind to four floats.
pub type PFND3D11_1DDI_CLEARVIEW = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        HandleType: D3D11DDI_HANDLETYPE,
        hView: *mut c_void,
        Color: *const f32,
        pRect: *const D3D10_DDI_RECT,
        NumRects: u32,
    ),
>;
