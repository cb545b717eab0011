//! Function types of the device table for queries, predicates, capability checks and markers.
//!
//! Each type is an `Option`: a null pointer is `None`. Null handles unbind.
#![expect(non_camel_case_types, non_snake_case, reason = "names are Microsoft's")]

use core::ffi::{c_char, c_void};

use crate::*;

/// Bytes of driver memory for a query.
pub type PFND3D10DDI_CALCPRIVATEQUERYSIZE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCreateQuery: *const D3D10DDIARG_CREATEQUERY,
    ) -> usize,
>;

/// Creates a query.
pub type PFND3D10DDI_CREATEQUERY = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCreateQuery: *const D3D10DDIARG_CREATEQUERY,
        hQuery: D3D10DDI_HQUERY,
        hRTQuery: D3D10DDI_HRTQUERY,
    ),
>;

/// Destroys a query.
pub type PFND3D10DDI_DESTROYQUERY =
    Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hQuery: D3D10DDI_HQUERY)>;

/// Begins a query.
pub type PFND3D10DDI_QUERYBEGIN =
    Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hQuery: D3D10DDI_HQUERY)>;

/// Ends a query.
pub type PFND3D10DDI_QUERYEND =
    Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hQuery: D3D10DDI_HQUERY)>;

/// Reads a query's result; not ready is `DXGI_DDI_ERR_WASSTILLDRAWING` through `pfnSetErrorCb`.
pub type PFND3D10DDI_QUERYGETDATA = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hQuery: D3D10DDI_HQUERY,
        pData: *mut c_void,
        DataSize: u32,
        Flags: u32,
    ),
>;

/// Makes drawing depend on a query's result (null query: no longer).
pub type PFND3D10DDI_SETPREDICATION = Option<
    unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hQuery: D3D10DDI_HQUERY, PredicateValue: BOOL),
>;

/// Reports `D3D10_DDI_FORMAT_SUPPORT_*` of a format.
pub type PFND3D10DDI_CHECKFORMATSUPPORT =
    Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, Format: DXGI_FORMAT, pFormatCaps: *mut u32)>;

/// Reports the number of quality levels (0: not supported).
pub type PFND3D10DDI_CHECKMULTISAMPLEQUALITYLEVELS = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        Format: DXGI_FORMAT,
        SampleCount: u32,
        pNumQualityLevels: *mut u32,
    ),
>;

/// As [`PFND3D10DDI_CHECKMULTISAMPLEQUALITYLEVELS`], with flags.
pub type PFND3DWDDM1_3DDI_CHECKMULTISAMPLEQUALITYLEVELS = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        Format: DXGI_FORMAT,
        SampleCount: u32,
        Flags: u32,
        pNumQualityLevels: *mut u32,
    ),
>;

/// Reports which counters exist.
pub type PFND3D10DDI_CHECKCOUNTERINFO =
    Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, pCounterInfo: *mut D3D10DDI_COUNTER_INFO)>;

/// Describes one counter; strings in the caller's buffers.
pub type PFND3D10DDI_CHECKCOUNTER = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        Query: D3D10DDI_QUERY,
        pCounterType: *mut D3D10DDI_COUNTER_TYPE,
        pActiveCounters: *mut u32,
        pName: *mut c_char,
        pNameLength: *mut u32,
        pUnits: *mut c_char,
        pUnitsLength: *mut u32,
        pDescription: *mut c_char,
        pDescriptionLength: *mut u32,
    ),
>;

/// Notes the point in the command stream for the profiler.
pub type PFND3DWDDM1_3DDI_SETMARKER = Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE) -> HRESULT>;

/// Chooses how markers are recorded.
pub type PFND3DWDDM1_3DDI_SETMARKERMODE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        Type: D3DWDDM1_3DDI_MARKER_TYPE,
        Flags: u32,
    ) -> HRESULT,
>;
