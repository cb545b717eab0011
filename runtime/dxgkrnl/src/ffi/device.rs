//! The kernel callbacks of a device.
//!
//! Those that a Direct3D 11 driver of WDDM 1.3 has no use for, and those of later models, answer `E_NOTIMPL`.

use pvgpu_umd_ddi::{
    BOOL, D3DDDI_ALLOCATIONINFO, D3DDDI_DEVICECALLBACKS, D3DDDI_RESIDENCYSTATUS_RESIDENTINSHAREDMEMORY,
    D3DDDICB_ALLOCATE, D3DDDICB_CREATECONTEXT, D3DDDICB_DEALLOCATE, D3DDDICB_DESTROYCONTEXT, D3DDDICB_ESCAPE,
    D3DDDICB_OFFERALLOCATIONS, D3DDDICB_QUERYRESIDENCY, D3DDDICB_RECLAIMALLOCATIONS, D3DDDICB_RENDER,
    D3DDDICB_SETPRIORITY, D3DKMT_HANDLE, E_NOTIMPL, FALSE, HANDLE, HRESULT,
};

use super::memory::{read, read_array, read_private, write, write_private};
use super::{CallError, UserBuffers, number, to_handle, with_device};
use crate::device::DeviceInner;
use crate::handles;

/// The table.
pub(crate) fn device_callbacks() -> &'static D3DDDI_DEVICECALLBACKS {
    static CALLBACKS: D3DDDI_DEVICECALLBACKS = D3DDDI_DEVICECALLBACKS {
        pfnAllocateCb: Some(allocate),
        pfnDeallocateCb: Some(deallocate),
        pfnSetPriorityCb: Some(set_priority),
        pfnQueryResidencyCb: Some(query_residency),
        pfnSetDisplayModeCb: Some(unsupported),
        pfnPresentCb: Some(unsupported_const),
        pfnRenderCb: Some(render),
        pfnLockCb: Some(unsupported),
        pfnUnlockCb: Some(unsupported_const),
        pfnEscapeCb: Some(escape),
        pfnCreateOverlayCb: Some(unsupported),
        pfnUpdateOverlayCb: Some(unsupported),
        pfnFlipOverlayCb: Some(unsupported),
        pfnDestroyOverlayCb: Some(unsupported),
        pfnCreateContextCb: Some(create_context),
        pfnDestroyContextCb: Some(destroy_context),
        pfnCreateSynchronizationObjectCb: Some(unsupported),
        pfnDestroySynchronizationObjectCb: Some(unsupported_const),
        pfnWaitForSynchronizationObjectCb: Some(unsupported_const),
        pfnSignalSynchronizationObjectCb: Some(unsupported_const),
        pfnSetAsyncCallbacksCb: Some(set_async_callbacks),
        pfnSetDisplayPrivateDriverFormatCb: Some(unsupported_const),
        pfnOfferAllocationsCb: Some(offer_allocations),
        pfnReclaimAllocationsCb: Some(reclaim_allocations),
        pfnCreateSynchronizationObject2Cb: Some(unsupported),
        pfnWaitForSynchronizationObject2Cb: Some(unsupported_const),
        pfnSignalSynchronizationObject2Cb: Some(unsupported_const),
        pfnPresentMultiPlaneOverlayCb: Some(unsupported),
        pfnLogUMDMarkerCb: Some(unsupported),
        pfnMakeResidentCb: Some(unsupported),
        pfnEvictCb: Some(unsupported),
        pfnWaitForSynchronizationObjectFromCpuCb: Some(unsupported),
        pfnSignalSynchronizationObjectFromCpuCb: Some(unsupported),
        pfnWaitForSynchronizationObjectFromGpuCb: Some(unsupported),
        pfnSignalSynchronizationObjectFromGpuCb: Some(unsupported),
        pfnCreatePagingQueueCb: Some(unsupported),
        pfnDestroyPagingQueueCb: Some(unsupported),
        pfnLock2Cb: Some(unsupported),
        pfnUnlock2Cb: Some(unsupported),
        pfnInvalidateCacheCb: Some(unsupported),
        pfnReserveGpuVirtualAddressCb: Some(unsupported),
        pfnMapGpuVirtualAddressCb: Some(unsupported),
        pfnFreeGpuVirtualAddressCb: Some(unsupported),
        pfnUpdateGpuVirtualAddressCb: Some(unsupported),
        pfnCreateContextVirtualCb: Some(unsupported),
        pfnSubmitCommandCb: Some(unsupported),
        pfnDeallocate2Cb: Some(unsupported),
        pfnSignalSynchronizationObjectFromGpu2Cb: Some(unsupported),
        pfnReclaimAllocations2Cb: Some(unsupported),
        pfnGetResourcePresentPrivateDriverDataCb: Some(unsupported),
        pfnUpdateAllocationPropertyCb: Some(unsupported),
        pfnOfferAllocations2Cb: Some(unsupported),
        pfnReclaimAllocations3Cb: Some(unsupported),
        pfnAcquireResourceCb: Some(unsupported),
        pfnReleaseResourceCb: Some(unsupported),
        pfnCreateHwContextCb: Some(unsupported),
        pfnDestroyHwContextCb: Some(unsupported),
        pfnCreateHwQueueCb: Some(unsupported),
        pfnDestroyHwQueueCb: Some(unsupported),
        pfnSubmitCommandToHwQueueCb: Some(unsupported),
        pfnSubmitWaitForSyncObjectsToHwQueueCb: Some(unsupported),
        pfnSubmitSignalSyncObjectsToHwQueueCb: Some(unsupported),
        pfnSubmitPresentBltToHwQueueCb: Some(unsupported),
        pfnSubmitPresentToHwQueueCb: Some(unsupported),
        pfnSubmitHistorySequenceCb: Some(unsupported),
    };
    &CALLBACKS
}

/// A callback that the model does not have.
unsafe extern "system" fn unsupported<T>(_device: HANDLE, _data: *mut T) -> HRESULT {
    E_NOTIMPL
}

/// A callback that the model does not have, of those with a constant argument.
unsafe extern "system" fn unsupported_const<T>(_device: HANDLE, _data: *const T) -> HRESULT {
    E_NOTIMPL
}

/// Callbacks from other threads are always allowed here.
unsafe extern "system" fn set_async_callbacks(device: HANDLE, _enable: BOOL) -> HRESULT {
    with_device(device, |_| Ok(()))
}

unsafe extern "system" fn create_context(device: HANDLE, data: *mut D3DDDICB_CREATECONTEXT) -> HRESULT {
    with_device(device, |device| {
        // SAFETY: the DDI's contract: the argument is readable.
        let mut args = unsafe { read(data) }?;
        // SAFETY: the DDI's contract: pointer and size describe the caller's buffer.
        let mut private = unsafe { read_private(args.pPrivateDriverData, args.PrivateDriverDataSize) }?;
        let (handle, context) = device.create_context(args.NodeOrdinal, &mut private)?;
        args.hContext = to_handle(handle);
        (args.pCommandBuffer, args.CommandBufferSize) = context.user.command();
        (args.pAllocationList, args.AllocationListSize) = context.user.allocations();
        (args.pPatchLocationList, args.PatchLocationListSize) = context.user.patches();
        // SAFETY: the DDI's contract: the argument is writable.
        unsafe { write(data, args) }
    })
}

unsafe extern "system" fn destroy_context(device: HANDLE, data: *const D3DDDICB_DESTROYCONTEXT) -> HRESULT {
    with_device(device, |device| {
        // SAFETY: the DDI's contract: the argument is readable.
        let args = unsafe { read(data) }?;
        Ok(device.destroy_context(number(args.hContext))?)
    })
}

unsafe extern "system" fn render(device: HANDLE, data: *mut D3DDDICB_RENDER) -> HRESULT {
    with_device(device, |device| {
        // SAFETY: the DDI's contract: the argument is readable.
        let mut args = unsafe { read(data) }?;
        let context = device.context(number(args.hContext))?;
        let user: &UserBuffers = &context.user;
        let marker = user.copy_command(args.CommandOffset, args.CommandLength)?;
        let command = user.user_command(args.CommandOffset, args.CommandLength, args.NumPatchLocations)?;
        let allocations = user.copy_allocations(args.NumAllocations)?;
        device.render(&context, command, &marker, &allocations)?;
        // What was submitted has been copied: the next buffers are the same ones.
        (args.pNewCommandBuffer, args.NewCommandBufferSize) = user.command();
        (args.pNewAllocationList, args.NewAllocationListSize) = user.allocations();
        (args.pNewPatchLocationList, args.NewPatchLocationListSize) = user.patches();
        // SAFETY: the DDI's contract: the argument is writable.
        unsafe { write(data, args) }
    })
}

/// The first argument is the adapter's handle, the device's stands in the data.
unsafe extern "system" fn escape(adapter: HANDLE, data: *const D3DDDICB_ESCAPE) -> HRESULT {
    // SAFETY: the DDI's contract: the argument is readable.
    let args = match unsafe { read(data) } {
        Ok(args) => args,
        Err(error) => return super::result(Err(error)),
    };
    with_device(args.hDevice, |device| {
        if device.adapter.handle() != number(adapter) {
            return Err(CallError::Argument);
        }
        let context = device.context(number(args.hContext))?;
        // SAFETY: the DDI's contract: pointer and size describe the caller's buffer.
        let mut private = unsafe { read_private(args.pPrivateDriverData, args.PrivateDriverDataSize) }?;
        device.escape(&context, &mut private)?;
        // SAFETY: the buffer that the copy came from; escapes go both ways.
        unsafe { write_private(args.pPrivateDriverData, &private) };
        Ok(())
    })
}

unsafe extern "system" fn allocate(device: HANDLE, data: *mut D3DDDICB_ALLOCATE) -> HRESULT {
    with_device(device, |device| {
        // SAFETY: the DDI's contract: the argument is readable.
        let mut args = unsafe { read(data) }?;
        let mut made = Vec::new();
        // SAFETY: the DDI's contract: the array has that many entries.
        let result = unsafe { allocate_all(device, &args, &mut made) };
        if result.is_err() {
            for handle in made {
                // Just made, so that the driver has no reason to refuse.
                let _ = device.deallocate(handle);
            }
            return result;
        }
        if args.PrivateDriverDataSize != 0 && !args.hResource.is_null() {
            // SAFETY: the DDI's contract: pointer and size describe the caller's buffer.
            let private = unsafe { read_private(args.pPrivateDriverData, args.PrivateDriverDataSize) }?;
            device.keep_private(args.hResource.addr(), private);
        }
        // CAST: a kernel handle is 32 bits; the counter is far below.
        args.hKMResource = if args.hResource.is_null() { 0 } else { handles::next() as D3DKMT_HANDLE };
        // SAFETY: the DDI's contract: the argument is writable.
        unsafe { write(data, args) }
    })
}

/// Makes each allocation of the array and writes its handle there.
///
/// # Safety
/// `args` describes readable and writable memory as the DDI says.
unsafe fn allocate_all(
    device: &DeviceInner,
    args: &D3DDDICB_ALLOCATE,
    made: &mut Vec<D3DKMT_HANDLE>,
) -> Result<(), CallError> {
    // SAFETY: this function's contract.
    let infos = unsafe { read_array(args.pAllocationInfo, args.NumAllocations as usize) }?;
    for (index, mut info) in infos.into_iter().enumerate() {
        // SAFETY: this function's contract.
        let private = unsafe { read_private(info.pPrivateDriverData, info.PrivateDriverDataSize) }?;
        info.hAllocation = device.allocate(args.hResource.addr(), &private)?;
        made.push(info.hAllocation);
        let entry: *mut D3DDDI_ALLOCATIONINFO = args.pAllocationInfo.wrapping_add(index);
        // SAFETY: this function's contract: the entry is writable.
        unsafe { write(entry, info) }?;
    }
    Ok(())
}

unsafe extern "system" fn deallocate(device: HANDLE, data: *const D3DDDICB_DEALLOCATE) -> HRESULT {
    with_device(device, |device| {
        // SAFETY: the DDI's contract: the argument is readable.
        let args = unsafe { read(data) }?;
        if !args.hResource.is_null() {
            return Ok(device.deallocate_resource(args.hResource.addr())?);
        }
        // SAFETY: the DDI's contract: the array has that many entries.
        let handles = unsafe { read_array(args.HandleList, args.NumAllocations as usize) }?;
        Ok(handles.into_iter().try_for_each(|handle| device.deallocate(handle))?)
    })
}

/// Everything has the same priority: the heap is never paged.
unsafe extern "system" fn set_priority(device: HANDLE, data: *mut D3DDDICB_SETPRIORITY) -> HRESULT {
    with_device(device, |device| {
        // SAFETY: the DDI's contract: the argument is readable.
        let args = unsafe { read(data.cast_const()) }?;
        if args.hResource.is_null() {
            // SAFETY: the DDI's contract: the array has that many entries.
            let handles = unsafe { read_array(args.HandleList, args.NumAllocations as usize) }?;
            device.check_allocations(&handles)?;
        }
        Ok(())
    })
}

/// Everything is always resident in the aperture.
unsafe extern "system" fn query_residency(device: HANDLE, data: *const D3DDDICB_QUERYRESIDENCY) -> HRESULT {
    with_device(device, |device| {
        // SAFETY: the DDI's contract: the argument is readable.
        let args = unsafe { read(data) }?;
        let count = if args.hResource.is_null() { args.NumAllocations as usize } else { 1 };
        if args.hResource.is_null() {
            // SAFETY: the DDI's contract: the array has that many entries.
            let handles = unsafe { read_array(args.HandleList, count) }?;
            device.check_allocations(&handles)?;
        }
        for index in 0..count {
            let status = args.pResidencyStatus.wrapping_add(index);
            // SAFETY: the DDI's contract: as many answers as questions have room.
            unsafe { write(status, D3DDDI_RESIDENCYSTATUS_RESIDENTINSHAREDMEMORY) }?;
        }
        Ok(())
    })
}

/// What is offered is kept.
unsafe extern "system" fn offer_allocations(
    device: HANDLE,
    _data: *const D3DDDICB_OFFERALLOCATIONS,
) -> HRESULT {
    with_device(device, |_| Ok(()))
}

/// Nothing offered was discarded.
unsafe extern "system" fn reclaim_allocations(
    device: HANDLE,
    data: *const D3DDDICB_RECLAIMALLOCATIONS,
) -> HRESULT {
    with_device(device, |_| {
        // SAFETY: the DDI's contract: the argument is readable.
        let args = unsafe { read(data) }?;
        if !args.pDiscarded.is_null() {
            for index in 0..args.NumAllocations as usize {
                let discarded = args.pDiscarded.wrapping_add(index);
                // SAFETY: the DDI's contract: as many answers as allocations have room.
                unsafe { write(discarded, FALSE) }?;
            }
        }
        Ok(())
    })
}
