//! Function tables of the DXGI DDI, one per version; each begins with the one before.
//!
//! `CreateDevice` finds the table to fill in [`DXGI_DDI_BASE_ARGS`]; which arm is live follows from the
//! device's interface: 11.0 has [`DXGI1_1_DDI_BASE_FUNCTIONS`], 11.1 [`DXGI1_2_DDI_BASE_FUNCTIONS`], WDDM 1.3
//! [`DXGI1_3_DDI_BASE_FUNCTIONS`].
#![expect(non_snake_case, reason = "names are Microsoft's")]
#![expect(missing_docs, reason = "members keep Microsoft's names; the DDI reference describes each one")]

use core::ffi::c_void;

use crate::*;

/// An entry of a DXGI table with argument `T` (`c_void`: multiplane overlays, which this crate does not
/// model).
pub type DxgiEntry<T> = Option<unsafe extern "system" fn(pArgs: *mut T) -> HRESULT>;

/// Table of DXGI 1.0 (Windows Vista).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGI_DDI_BASE_FUNCTIONS {
    pub pfnPresent: DxgiEntry<DXGI_DDI_ARG_PRESENT>,
    pub pfnGetGammaCaps: DxgiEntry<DXGI_DDI_ARG_GET_GAMMA_CONTROL_CAPS>,
    pub pfnSetDisplayMode: DxgiEntry<DXGI_DDI_ARG_SETDISPLAYMODE>,
    pub pfnSetResourcePriority: DxgiEntry<DXGI_DDI_ARG_SETRESOURCEPRIORITY>,
    pub pfnQueryResourceResidency: DxgiEntry<DXGI_DDI_ARG_QUERYRESOURCERESIDENCY>,
    pub pfnRotateResourceIdentities: DxgiEntry<DXGI_DDI_ARG_ROTATE_RESOURCE_IDENTITIES>,
    pub pfnBlt: DxgiEntry<DXGI_DDI_ARG_BLT>,
}

/// Table of DXGI 1.1 (Windows 7).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGI1_1_DDI_BASE_FUNCTIONS {
    pub pfnPresent: DxgiEntry<DXGI_DDI_ARG_PRESENT>,
    pub pfnGetGammaCaps: DxgiEntry<DXGI_DDI_ARG_GET_GAMMA_CONTROL_CAPS>,
    pub pfnSetDisplayMode: DxgiEntry<DXGI_DDI_ARG_SETDISPLAYMODE>,
    pub pfnSetResourcePriority: DxgiEntry<DXGI_DDI_ARG_SETRESOURCEPRIORITY>,
    pub pfnQueryResourceResidency: DxgiEntry<DXGI_DDI_ARG_QUERYRESOURCERESIDENCY>,
    pub pfnRotateResourceIdentities: DxgiEntry<DXGI_DDI_ARG_ROTATE_RESOURCE_IDENTITIES>,
    pub pfnBlt: DxgiEntry<DXGI_DDI_ARG_BLT>,
    pub pfnResolveSharedResource: DxgiEntry<DXGI_DDI_ARG_RESOLVESHAREDRESOURCE>,
}

/// Table of DXGI 1.2 (WDDM 1.2).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGI1_2_DDI_BASE_FUNCTIONS {
    pub pfnPresent: DxgiEntry<DXGI_DDI_ARG_PRESENT>,
    pub pfnGetGammaCaps: DxgiEntry<DXGI_DDI_ARG_GET_GAMMA_CONTROL_CAPS>,
    pub pfnSetDisplayMode: DxgiEntry<DXGI_DDI_ARG_SETDISPLAYMODE>,
    pub pfnSetResourcePriority: DxgiEntry<DXGI_DDI_ARG_SETRESOURCEPRIORITY>,
    pub pfnQueryResourceResidency: DxgiEntry<DXGI_DDI_ARG_QUERYRESOURCERESIDENCY>,
    pub pfnRotateResourceIdentities: DxgiEntry<DXGI_DDI_ARG_ROTATE_RESOURCE_IDENTITIES>,
    pub pfnBlt: DxgiEntry<DXGI_DDI_ARG_BLT>,
    pub pfnResolveSharedResource: DxgiEntry<DXGI_DDI_ARG_RESOLVESHAREDRESOURCE>,
    pub pfnBlt1: DxgiEntry<DXGI_DDI_ARG_BLT1>,
    pub pfnOfferResources: DxgiEntry<DXGI_DDI_ARG_OFFERRESOURCES>,
    pub pfnReclaimResources: DxgiEntry<DXGI_DDI_ARG_RECLAIMRESOURCES>,
    pub pfnGetMultiplaneOverlayCaps: DxgiEntry<c_void>,
    pub pfnGetMultiplaneOverlayFilterRange: DxgiEntry<c_void>,
    pub pfnCheckMultiplaneOverlaySupport: DxgiEntry<c_void>,
    pub pfnPresentMultiplaneOverlay: DxgiEntry<c_void>,
}

/// Table of DXGI 1.3 (WDDM 1.3).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGI1_3_DDI_BASE_FUNCTIONS {
    pub pfnPresent: DxgiEntry<DXGI_DDI_ARG_PRESENT>,
    pub pfnGetGammaCaps: DxgiEntry<DXGI_DDI_ARG_GET_GAMMA_CONTROL_CAPS>,
    pub pfnSetDisplayMode: DxgiEntry<DXGI_DDI_ARG_SETDISPLAYMODE>,
    pub pfnSetResourcePriority: DxgiEntry<DXGI_DDI_ARG_SETRESOURCEPRIORITY>,
    pub pfnQueryResourceResidency: DxgiEntry<DXGI_DDI_ARG_QUERYRESOURCERESIDENCY>,
    pub pfnRotateResourceIdentities: DxgiEntry<DXGI_DDI_ARG_ROTATE_RESOURCE_IDENTITIES>,
    pub pfnBlt: DxgiEntry<DXGI_DDI_ARG_BLT>,
    pub pfnResolveSharedResource: DxgiEntry<DXGI_DDI_ARG_RESOLVESHAREDRESOURCE>,
    pub pfnBlt1: DxgiEntry<DXGI_DDI_ARG_BLT1>,
    pub pfnOfferResources: DxgiEntry<DXGI_DDI_ARG_OFFERRESOURCES>,
    pub pfnReclaimResources: DxgiEntry<DXGI_DDI_ARG_RECLAIMRESOURCES>,
    pub pfnGetMultiplaneOverlayCaps: DxgiEntry<c_void>,
    pub pfnGetMultiplaneOverlayGroupCaps: DxgiEntry<c_void>,
    pub pfnReserved1: DxgiEntry<c_void>,
    pub pfnPresentMultiplaneOverlay: DxgiEntry<c_void>,
    pub pfnReserved2: DxgiEntry<c_void>,
    pub pfnPresent1: DxgiEntry<DXGI_DDI_ARG_PRESENT1>,
    pub pfnCheckPresentDurationSupport: DxgiEntry<DXGI_DDI_ARG_CHECKPRESENTDURATIONSUPPORT>,
}

/// The part of `CreateDevice` that belongs to DXGI.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGI_DDI_BASE_ARGS {
    pub pDXGIBaseCallbacks: *mut DXGI_DDI_BASE_CALLBACKS,
    pub Anonymous: DXGI_DDI_BASE_ARGS_0,
}

/// The anonymous union of [`DXGI_DDI_BASE_ARGS`]: the table to fill.
#[repr(C)]
#[derive(Clone, Copy)]
pub union DXGI_DDI_BASE_ARGS_0 {
    pub pDXGIDDIBaseFunctions4: *mut DXGI1_3_DDI_BASE_FUNCTIONS,
    pub pDXGIDDIBaseFunctions3: *mut DXGI1_2_DDI_BASE_FUNCTIONS,
    pub pDXGIDDIBaseFunctions2: *mut DXGI1_1_DDI_BASE_FUNCTIONS,
    pub pDXGIDDIBaseFunctions: *mut DXGI_DDI_BASE_FUNCTIONS,
}
union_impls!(DXGI_DDI_BASE_ARGS_0, pDXGIDDIBaseFunctions4);

// Sizes on x64, from the sources named in SOURCES.md.
const _: () = assert!(size_of::<DXGI_DDI_BASE_FUNCTIONS>() == 56);
const _: () = assert!(size_of::<DXGI1_1_DDI_BASE_FUNCTIONS>() == 64);
const _: () = assert!(size_of::<DXGI1_2_DDI_BASE_FUNCTIONS>() == 120);
const _: () = assert!(size_of::<DXGI1_3_DDI_BASE_FUNCTIONS>() == 144);
const _: () = assert!(size_of::<DXGI_DDI_BASE_ARGS>() == 16);
