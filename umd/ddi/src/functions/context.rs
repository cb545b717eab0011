//! Function types of the device table for the device itself, deferred contexts and command lists.
//!
//! Each type is an `Option`: a null pointer is `None`. Null handles unbind.
#![expect(non_camel_case_types, non_snake_case, reason = "names are Microsoft's")]

use core::ffi::c_void;

use crate::*;

/// Submits what was recorded.
pub type PFND3D10DDI_FLUSH = Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE)>;

/// Submits what was recorded ([`D3D11_1_DDI_FLUSH_FLAGS`](crate::D3D11_1_DDI_FLUSH_FLAGS)); FALSE if nothing
/// was submitted.
pub type PFND3D11_1DDI_FLUSH =
    Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, FlushFlags: u32) -> BOOL>;

/// Destroys the device, or a deferred context.
pub type PFND3D10DDI_DESTROYDEVICE = Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE)>;

/// Says that the runtime moved the function table (11.0).
pub type PFND3D11DDI_RELOCATEDEVICEFUNCS =
    Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, pDeviceFunctions: *mut D3D11DDI_DEVICEFUNCS)>;

/// Says that the runtime moved the function table (11.1).
pub type PFND3D11_1DDI_RELOCATEDEVICEFUNCS = Option<
    unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, pDeviceFunctions: *mut D3D11_1DDI_DEVICEFUNCS),
>;

/// Says that the runtime moved the function table (WDDM 1.3).
pub type PFND3DWDDM1_3DDI_RELOCATEDEVICEFUNCS =
    Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, DeviceFuncs: *mut D3DWDDM1_3DDI_DEVICEFUNCS)>;

/// Runs a command list on the immediate context.
pub type PFND3D11DDI_COMMANDLISTEXECUTE =
    Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hCommandList: D3D11DDI_HCOMMANDLIST)>;

/// Reports the driver memory each kind of object needs per deferred context.
pub type PFND3D11DDI_CHECKDEFERREDCONTEXTHANDLESIZES = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pHSizes: *mut u32,
        pHandleSize: *mut D3D11DDI_HANDLESIZE,
    ),
>;

/// Bytes of driver memory for one object in a deferred context.
pub type PFND3D11DDI_CALCDEFERREDCONTEXTHANDLESIZE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        HandleType: D3D11DDI_HANDLETYPE,
        pICObject: *mut c_void,
    ) -> usize,
>;

/// Bytes of driver memory for a deferred context.
pub type PFND3D11DDI_CALCPRIVATEDEFERREDCONTEXTSIZE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCalcPrivateDeferredContextSize: *const D3D11DDIARG_CALCPRIVATEDEFERREDCONTEXTSIZE,
    ) -> usize,
>;

/// Creates a deferred context; the driver fills its function table.
pub type PFND3D11DDI_CREATEDEFERREDCONTEXT = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCreateDeferredContext: *const D3D11DDIARG_CREATEDEFERREDCONTEXT,
    ),
>;

/// Drops what a deferred context recorded.
pub type PFND3D11DDI_ABANDONCOMMANDLIST = Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE)>;

/// Bytes of driver memory for a command list.
pub type PFND3D11DDI_CALCPRIVATECOMMANDLISTSIZE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCreateCommandList: *const D3D11DDIARG_CREATECOMMANDLIST,
    ) -> usize,
>;

/// Turns what a deferred context recorded into a command list.
pub type PFND3D11DDI_CREATECOMMANDLIST = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCreateCommandList: *const D3D11DDIARG_CREATECOMMANDLIST,
        hCommandList: D3D11DDI_HCOMMANDLIST,
        hRTCommandList: D3D11DDI_HRTCOMMANDLIST,
    ),
>;

/// Destroys (or recycles the driver part of) a command list.
pub type PFND3D11DDI_DESTROYCOMMANDLIST =
    Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hCommandList: D3D11DDI_HCOMMANDLIST)>;

/// Says that a command list may be recycled.
pub type PFND3D11DDI_RECYCLECOMMANDLIST =
    Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hCommandList: D3D11DDI_HCOMMANDLIST)>;

/// As [`PFND3D11DDI_CREATECOMMANDLIST`], on recycled memory.
pub type PFND3D11DDI_RECYCLECREATECOMMANDLIST = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCreateCommandList: *const D3D11DDIARG_CREATECOMMANDLIST,
        hCommandList: D3D11DDI_HCOMMANDLIST,
        hRTCommandList: D3D11DDI_HRTCOMMANDLIST,
    ) -> HRESULT,
>;

/// As [`PFND3D11DDI_CREATEDEFERREDCONTEXT`], on recycled memory.
pub type PFND3D11DDI_RECYCLECREATEDEFERREDCONTEXT = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCreateDeferredContext: *const D3D11DDIARG_CREATEDEFERREDCONTEXT,
    ) -> HRESULT,
>;
