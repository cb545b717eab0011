//! Opening the driver: `OpenAdapter10_2`, the adapter table, device creation.
//!
//! The runtime loads the driver, calls its one export [`PFND3D10DDI_OPENADAPTER`] and receives
//! [`D3D10_2DDI_ADAPTERFUNCS`]. It asks for versions and capabilities, then for the size of the driver's
//! device, and calls `CreateDevice` with the tables to fill. Only the arms of the Direct3D 11 versions are in
//! the unions here.
#![expect(non_camel_case_types, non_snake_case, reason = "names are Microsoft's")]
#![expect(missing_docs, reason = "members keep Microsoft's names; the DDI reference describes each one")]

use core::ffi::c_void;

use crate::*;

// Bits of `Flags` in `D3D10DDIARG_CREATEDEVICE`, `D3D10DDIARG_CALCPRIVATEDEVICESIZE` and the
// deferred-context arguments.
pub const D3D10DDI_CREATEDEVICE_FLAG_DISABLE_EXTRA_THREAD_CREATION: u32 = 0x1;
pub const D3D11DDI_CREATEDEVICE_FLAG_3DPIPELINESUPPORT_SHIFT: u32 = 1;
pub const D3D11DDI_CREATEDEVICE_FLAG_3DPIPELINESUPPORT_MASK: u32 =
    0x7 << D3D11DDI_CREATEDEVICE_FLAG_3DPIPELINESUPPORT_SHIFT;
pub const D3D11DDI_CREATEDEVICE_FLAG_SINGLETHREADED: u32 = 0x10;
pub const D3D11DDI_CREATEDEVICE_FLAG_DEBUGGABLE: u32 = 0x20;

/// Argument of `OpenAdapter10_2`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D10DDIARG_OPENADAPTER {
    pub hRTAdapter: D3D10DDI_HRTADAPTER,
    pub hAdapter: D3D10DDI_HADAPTER,
    pub Interface: u32,
    pub Version: u32,
    pub pAdapterCallbacks: *const D3DDDI_ADAPTERCALLBACKS,
    pub pAdapterFuncs_2: *mut D3D10_2DDI_ADAPTERFUNCS,
}

/// The type of the export `OpenAdapter10_2`.
pub type PFND3D10DDI_OPENADAPTER =
    Option<unsafe extern "system" fn(pOpenData: *mut D3D10DDIARG_OPENADAPTER) -> HRESULT>;

/// Bytes of driver memory for a device.
pub type PFND3D10DDI_CALCPRIVATEDEVICESIZE = Option<
    unsafe extern "system" fn(
        hAdapter: D3D10DDI_HADAPTER,
        pData: *const D3D10DDIARG_CALCPRIVATEDEVICESIZE,
    ) -> usize,
>;

/// Creates a device: the driver fills the function tables the argument points to.
pub type PFND3D10DDI_CREATEDEVICE = Option<
    unsafe extern "system" fn(
        hAdapter: D3D10DDI_HADAPTER,
        pCreateData: *mut D3D10DDIARG_CREATEDEVICE,
    ) -> HRESULT,
>;

/// Closes the adapter.
pub type PFND3D10DDI_CLOSEADAPTER = Option<unsafe extern "system" fn(hAdapter: D3D10DDI_HADAPTER) -> HRESULT>;

/// Lists DDI versions; with a null array only their number.
pub type PFND3D10_2DDI_GETSUPPORTEDVERSIONS = Option<
    unsafe extern "system" fn(
        hAdapter: D3D10DDI_HADAPTER,
        puEntries: *mut u32,
        pSupportedDDIInterfaceVersions: *mut u64,
    ) -> HRESULT,
>;

/// Answers one capability question.
pub type PFND3D10_2DDI_GETCAPS = Option<
    unsafe extern "system" fn(hAdapter: D3D10DDI_HADAPTER, pData: *const D3D10_2DDIARG_GETCAPS) -> HRESULT,
>;

/// The adapter's functions, in the order of the header.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D10_2DDI_ADAPTERFUNCS {
    pub pfnCalcPrivateDeviceSize: PFND3D10DDI_CALCPRIVATEDEVICESIZE,
    pub pfnCreateDevice: PFND3D10DDI_CREATEDEVICE,
    pub pfnCloseAdapter: PFND3D10DDI_CLOSEADAPTER,
    pub pfnGetSupportedVersions: PFND3D10_2DDI_GETSUPPORTEDVERSIONS,
    pub pfnGetCaps: PFND3D10_2DDI_GETCAPS,
}

/// Argument of `CalcPrivateDeviceSize`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct D3D10DDIARG_CALCPRIVATEDEVICESIZE {
    pub Interface: u32,
    pub Version: u32,
    pub Flags: u32,
}

/// Argument of `CreateDevice`; `Interface` says which arm of each union is live.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D10DDIARG_CREATEDEVICE {
    pub hRTDevice: D3D10DDI_HRTDEVICE,
    pub Interface: u32,
    pub Version: u32,
    pub pKTCallbacks: *const D3DDDI_DEVICECALLBACKS,
    pub Anonymous: D3D10DDIARG_CREATEDEVICE_0,
    pub hDrvDevice: D3D10DDI_HDEVICE,
    pub DXGIBaseDDI: DXGI_DDI_BASE_ARGS,
    pub hRTCoreLayer: D3D10DDI_HRTCORELAYER,
    pub p11UMCallbacks: *const D3D11DDI_CORELAYER_DEVICECALLBACKS,
    pub Flags: u32,
    pub ppfnRetrieveSubObject: *mut PFND3D10DDI_RETRIEVESUBOBJECT,
}

/// The anonymous union of [`D3D10DDIARG_CREATEDEVICE`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union D3D10DDIARG_CREATEDEVICE_0 {
    pub p11DeviceFuncs: *mut D3D11DDI_DEVICEFUNCS,
    pub p11_1DeviceFuncs: *mut D3D11_1DDI_DEVICEFUNCS,
    pub pWDDM1_3DeviceFuncs: *mut D3DWDDM1_3DDI_DEVICEFUNCS,
}
union_impls!(D3D10DDIARG_CREATEDEVICE_0, p11DeviceFuncs);

/// Asks the device for another of its interfaces (video); 11.1 and later.
pub type PFND3D10DDI_RETRIEVESUBOBJECT = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        SubDeviceID: u32,
        ParamSize: usize,
        pParams: *mut c_void,
        OutputParamSize: usize,
        pOutputParamsBuffer: *mut c_void,
    ) -> HRESULT,
>;

// Sizes on x64, from the sources named in SOURCES.md.
const _: () = assert!(size_of::<D3D10DDIARG_OPENADAPTER>() == 40);
const _: () = assert!(size_of::<D3D10_2DDI_ADAPTERFUNCS>() == 40);
const _: () = assert!(size_of::<D3D10DDIARG_CALCPRIVATEDEVICESIZE>() == 12);
const _: () = assert!(size_of::<D3D10DDIARG_CREATEDEVICE_0>() == 8);
const _: () = assert!(size_of::<D3D10DDIARG_CREATEDEVICE>() == 88);
const _: () = assert!(core::mem::offset_of!(D3D10DDIARG_CREATEDEVICE, hDrvDevice) == 32);
const _: () = assert!(core::mem::offset_of!(D3D10DDIARG_CREATEDEVICE, DXGIBaseDDI) == 40);
const _: () = assert!(core::mem::offset_of!(D3D10DDIARG_CREATEDEVICE, ppfnRetrieveSubObject) == 80);
