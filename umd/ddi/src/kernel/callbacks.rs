//! The kernel callback tables: how the driver reaches dxgkrnl through the runtime.
//!
//! The first argument is the runtime's device handle ([`D3D10DDI_HRTDEVICE`]; the adapter's for adapter
//! callbacks and for `EscapeCb`). Callbacks that a WDDM 1.3 driver of Direct3D 11 has no use for keep their
//! place with an opaque argument.
#![expect(non_camel_case_types, non_snake_case, reason = "names are Microsoft's")]
#![expect(missing_docs, reason = "members keep Microsoft's names; the DDI reference describes each one")]

use core::ffi::c_void;

use crate::*;

/// A kernel callback that takes its argument `T` and may write to it.
pub type KernelCallback<T> = Option<unsafe extern "system" fn(hDevice: HANDLE, pData: *mut T) -> HRESULT>;
/// A kernel callback that only reads its argument `T`.
pub type KernelCallbackConst<T> =
    Option<unsafe extern "system" fn(hDevice: HANDLE, pData: *const T) -> HRESULT>;
/// `SetAsyncCallbacksCb`: says whether the driver will call from threads of its own.
pub type PFND3DDDI_SETASYNCCALLBACKSCB =
    Option<unsafe extern "system" fn(hDevice: HANDLE, Enable: BOOL) -> HRESULT>;

/// Callbacks of an adapter, in the order of the header.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DDDI_ADAPTERCALLBACKS {
    pub pfnQueryAdapterInfoCb: KernelCallbackConst<D3DDDICB_QUERYADAPTERINFO>,
    pub pfnGetMultisampleMethodListCb: KernelCallback<D3DDDICB_GETMULTISAMPLEMETHODLIST>,
    pub pfnQueryAdapterInfoCb2: KernelCallbackConst<c_void>,
}

/// Callbacks of a device, in the order of the header.
///
/// The runtime provides the members of its own version: a driver must not read past those of the interface it
/// was created with (WDDM 1.3 ends with `pfnLogUMDMarkerCb`).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3DDDI_DEVICECALLBACKS {
    pub pfnAllocateCb: KernelCallback<D3DDDICB_ALLOCATE>,
    pub pfnDeallocateCb: KernelCallbackConst<D3DDDICB_DEALLOCATE>,
    pub pfnSetPriorityCb: KernelCallback<D3DDDICB_SETPRIORITY>,
    pub pfnQueryResidencyCb: KernelCallbackConst<D3DDDICB_QUERYRESIDENCY>,
    pub pfnSetDisplayModeCb: KernelCallback<D3DDDICB_SETDISPLAYMODE>,
    pub pfnPresentCb: KernelCallbackConst<D3DDDICB_PRESENT>,
    pub pfnRenderCb: KernelCallback<D3DDDICB_RENDER>,
    pub pfnLockCb: KernelCallback<D3DDDICB_LOCK>,
    pub pfnUnlockCb: KernelCallbackConst<D3DDDICB_UNLOCK>,
    pub pfnEscapeCb: KernelCallbackConst<D3DDDICB_ESCAPE>,
    pub pfnCreateOverlayCb: KernelCallback<c_void>,
    pub pfnUpdateOverlayCb: KernelCallback<c_void>,
    pub pfnFlipOverlayCb: KernelCallback<c_void>,
    pub pfnDestroyOverlayCb: KernelCallback<c_void>,
    pub pfnCreateContextCb: KernelCallback<D3DDDICB_CREATECONTEXT>,
    pub pfnDestroyContextCb: KernelCallbackConst<D3DDDICB_DESTROYCONTEXT>,
    pub pfnCreateSynchronizationObjectCb: KernelCallback<D3DDDICB_CREATESYNCHRONIZATIONOBJECT>,
    pub pfnDestroySynchronizationObjectCb: KernelCallbackConst<D3DDDICB_DESTROYSYNCHRONIZATIONOBJECT>,
    pub pfnWaitForSynchronizationObjectCb: KernelCallbackConst<D3DDDICB_WAITFORSYNCHRONIZATIONOBJECT>,
    pub pfnSignalSynchronizationObjectCb: KernelCallbackConst<D3DDDICB_SIGNALSYNCHRONIZATIONOBJECT>,
    pub pfnSetAsyncCallbacksCb: PFND3DDDI_SETASYNCCALLBACKSCB,
    pub pfnSetDisplayPrivateDriverFormatCb: KernelCallbackConst<D3DDDICB_SETDISPLAYPRIVATEDRIVERFORMAT>,
    pub pfnOfferAllocationsCb: KernelCallbackConst<D3DDDICB_OFFERALLOCATIONS>,
    pub pfnReclaimAllocationsCb: KernelCallbackConst<D3DDDICB_RECLAIMALLOCATIONS>,
    pub pfnCreateSynchronizationObject2Cb: KernelCallback<D3DDDICB_CREATESYNCHRONIZATIONOBJECT2>,
    pub pfnWaitForSynchronizationObject2Cb: KernelCallbackConst<D3DDDICB_WAITFORSYNCHRONIZATIONOBJECT2>,
    pub pfnSignalSynchronizationObject2Cb: KernelCallbackConst<D3DDDICB_SIGNALSYNCHRONIZATIONOBJECT2>,
    pub pfnPresentMultiPlaneOverlayCb: KernelCallback<c_void>,
    pub pfnLogUMDMarkerCb: KernelCallback<c_void>,
    pub pfnMakeResidentCb: KernelCallback<c_void>,
    pub pfnEvictCb: KernelCallback<c_void>,
    pub pfnWaitForSynchronizationObjectFromCpuCb: KernelCallback<c_void>,
    pub pfnSignalSynchronizationObjectFromCpuCb: KernelCallback<c_void>,
    pub pfnWaitForSynchronizationObjectFromGpuCb: KernelCallback<c_void>,
    pub pfnSignalSynchronizationObjectFromGpuCb: KernelCallback<c_void>,
    pub pfnCreatePagingQueueCb: KernelCallback<c_void>,
    pub pfnDestroyPagingQueueCb: KernelCallback<c_void>,
    pub pfnLock2Cb: KernelCallback<c_void>,
    pub pfnUnlock2Cb: KernelCallback<c_void>,
    pub pfnInvalidateCacheCb: KernelCallback<c_void>,
    pub pfnReserveGpuVirtualAddressCb: KernelCallback<c_void>,
    pub pfnMapGpuVirtualAddressCb: KernelCallback<c_void>,
    pub pfnFreeGpuVirtualAddressCb: KernelCallback<c_void>,
    pub pfnUpdateGpuVirtualAddressCb: KernelCallback<c_void>,
    pub pfnCreateContextVirtualCb: KernelCallback<c_void>,
    pub pfnSubmitCommandCb: KernelCallback<c_void>,
    pub pfnDeallocate2Cb: KernelCallback<c_void>,
    pub pfnSignalSynchronizationObjectFromGpu2Cb: KernelCallback<c_void>,
    pub pfnReclaimAllocations2Cb: KernelCallback<c_void>,
    pub pfnGetResourcePresentPrivateDriverDataCb: KernelCallback<c_void>,
    pub pfnUpdateAllocationPropertyCb: KernelCallback<c_void>,
    pub pfnOfferAllocations2Cb: KernelCallback<c_void>,
    pub pfnReclaimAllocations3Cb: KernelCallback<c_void>,
    pub pfnAcquireResourceCb: KernelCallback<c_void>,
    pub pfnReleaseResourceCb: KernelCallback<c_void>,
    pub pfnCreateHwContextCb: KernelCallback<c_void>,
    pub pfnDestroyHwContextCb: KernelCallback<c_void>,
    pub pfnCreateHwQueueCb: KernelCallback<c_void>,
    pub pfnDestroyHwQueueCb: KernelCallback<c_void>,
    pub pfnSubmitCommandToHwQueueCb: KernelCallback<c_void>,
    pub pfnSubmitWaitForSyncObjectsToHwQueueCb: KernelCallback<c_void>,
    pub pfnSubmitSignalSyncObjectsToHwQueueCb: KernelCallback<c_void>,
    pub pfnSubmitPresentBltToHwQueueCb: KernelCallback<c_void>,
    pub pfnSubmitPresentToHwQueueCb: KernelCallback<c_void>,
    pub pfnSubmitHistorySequenceCb: KernelCallback<c_void>,
}

// Sizes on x64, from the sources named in SOURCES.md.
const _: () = assert!(size_of::<D3DDDI_ADAPTERCALLBACKS>() == 24);
const _: () = assert!(size_of::<D3DDDI_DEVICECALLBACKS>() == 520);
const _: () = assert!(core::mem::offset_of!(D3DDDI_DEVICECALLBACKS, pfnRenderCb) == 48);
const _: () = assert!(core::mem::offset_of!(D3DDDI_DEVICECALLBACKS, pfnEscapeCb) == 72);
const _: () = assert!(core::mem::offset_of!(D3DDDI_DEVICECALLBACKS, pfnCreateContextCb) == 112);
const _: () = assert!(core::mem::offset_of!(D3DDDI_DEVICECALLBACKS, pfnLogUMDMarkerCb) == 224);
const _: () = assert!(core::mem::offset_of!(D3DDDI_DEVICECALLBACKS, pfnMakeResidentCb) == 232);
const _: () = assert!(core::mem::offset_of!(D3DDDI_DEVICECALLBACKS, pfnSubmitCommandCb) == 360);
