//! Devices, contexts, escapes.
#![expect(unsafe_code, reason = "entry points of the DDI")]

use pvgpu_kmd::ddi::{ContextInfo, CreateContext, Escape};
use pvgpu_kmd_ddi::{
    Address, DXGK_CONTEXTINFO, DXGK_CREATECONTEXTFLAGS, DXGKARG_CREATECONTEXT, DXGKARG_CREATEDEVICE,
    DXGKARG_CREATEDEVICE_u, DXGKARG_ESCAPE, HANDLE, NTSTATUS, STATUS_INVALID_HANDLE,
    STATUS_INVALID_PARAMETER, STATUS_SUCCESS,
};

use crate::convert::{argument, bytes, bytes_mut, error, ntstatus};
use crate::device::Device;
use crate::handles::Object;
use crate::nt::Nt;

/// `DxgkDdiCreateDevice`: a device of the calling process. It has contexts, so it has no DMA buffers of its own and there
/// is no `pInfo`. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_create_device<N: Nt>(
    h_adapter: HANDLE,
    create_device: *mut DXGKARG_CREATEDEVICE,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(h_adapter) };
    // SAFETY: dxgkrnl's argument.
    let argument = unsafe { argument(create_device) };
    let (Some(device), Some(argument)) = (device, argument) else { return STATUS_INVALID_PARAMETER };
    let object = match Object::reserve(device) {
        Ok(object) => object,
        Err(status) => return error(status),
    };
    match device.adapter().create_device() {
        Ok(h_device) => {
            argument.hDevice = object.into_handle(h_device);
            argument.u = DXGKARG_CREATEDEVICE_u::from_info(Address::NULL);
            STATUS_SUCCESS
        }
        Err(status) => error(status),
    }
}

/// `DxgkDdiDestroyDevice`. `PASSIVE_LEVEL`, in the device's process.
///
/// # Safety
/// dxgkrnl calls it as the DDI says; the handle is not used any more.
pub(crate) unsafe extern "win64" fn dxgk_ddi_destroy_device<N: Nt>(h_device: HANDLE) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what CreateDevice made.
    let object = unsafe { Object::<N>::from_handle(h_device) };
    let Some(object) = object else { return STATUS_INVALID_HANDLE };
    let destroyed = object.device().adapter().destroy_device(object.number());
    // SAFETY: dxgkrnl destroys it once, and does not use it any more.
    unsafe { Object::<N>::free(h_device) };
    ntstatus(destroyed)
}

/// What the page of `DXGK_CONTEXTINFO` wants as the allocation list's size of a GDI context.
const GDI_ALLOCATION_LIST: u32 = 256;

/// `DXGK_CONTEXTINFO`: DMA buffers lie in system memory (segment set 0); no GPU reads them.
fn context_info(info: &ContextInfo, flags: DXGK_CREATECONTEXTFLAGS) -> DXGK_CONTEXTINFO {
    let of_gdi = flags.has(DXGK_CREATECONTEXTFLAGS::GdiContext);
    DXGK_CONTEXTINFO {
        DmaBufferSize: info.dma_buffer_size,
        DmaBufferSegmentSet: 0,
        DmaBufferPrivateDataSize: info.dma_buffer_private_data_size,
        AllocationListSize: if of_gdi { GDI_ALLOCATION_LIST } else { info.allocation_list_size },
        PatchLocationListSize: info.patch_location_list_size,
        Reserved: 0,
    }
}

/// `DxgkDdiCreateContext`. `PASSIVE_LEVEL`, in the process that gets the context's memory.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_create_context<N: Nt>(
    h_device: HANDLE,
    create_context: *mut DXGKARG_CREATECONTEXT,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what CreateDevice made.
    let of_device = unsafe { Object::<N>::from_handle(h_device) };
    // SAFETY: dxgkrnl's argument.
    let argument = unsafe { argument(create_context) };
    let (Some(of_device), Some(argument)) = (of_device, argument) else { return STATUS_INVALID_PARAMETER };
    // SAFETY: dxgkrnl's copy of what user mode sent.
    let data = unsafe { bytes(argument.pPrivateDriverData, argument.PrivateDriverDataSize) };
    let Some(private_driver_data) = data else { return STATUS_INVALID_PARAMETER };
    let device = of_device.device();
    let object = match Object::reserve(device) {
        Ok(object) => object,
        Err(status) => return error(status),
    };
    let wish = CreateContext { node_ordinal: argument.NodeOrdinal, private_driver_data };
    match device.adapter().create_context(of_device.number(), wish) {
        Ok(info) => {
            argument.hContext = object.into_handle(info.h_context);
            argument.ContextInfo = context_info(&info, argument.Flags);
            STATUS_SUCCESS
        }
        Err(status) => error(status),
    }
}

/// `DxgkDdiDestroyContext`. `PASSIVE_LEVEL`, in the context's process.
///
/// # Safety
/// dxgkrnl calls it as the DDI says; the handle is not used any more.
pub(crate) unsafe extern "win64" fn dxgk_ddi_destroy_context<N: Nt>(h_context: HANDLE) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what CreateContext made.
    let object = unsafe { Object::<N>::from_handle(h_context) };
    let Some(object) = object else { return STATUS_INVALID_HANDLE };
    let destroyed = object.device().adapter().destroy_context(object.number());
    // SAFETY: dxgkrnl destroys it once, and does not use it any more.
    unsafe { Object::<N>::free(h_context) };
    ntstatus(destroyed)
}

/// `DxgkDdiEscape`: [`pvgpu_protocol::kernel_interface`]. `PASSIVE_LEVEL`, in the caller's process.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_escape<N: Nt>(
    h_adapter: HANDLE,
    escape: *const DXGKARG_ESCAPE,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(h_adapter) };
    // SAFETY: dxgkrnl's argument, which is only read.
    let argument = unsafe { escape.as_ref() };
    let (Some(device), Some(argument)) = (device, argument) else { return STATUS_INVALID_PARAMETER };
    // SAFETY: dxgkrnl gives back what CreateDevice made, or null.
    let of_device = unsafe { Object::<N>::from_handle(argument.hDevice) };
    // SAFETY: dxgkrnl gives back what CreateContext made, or null.
    let of_context = unsafe { Object::<N>::from_handle(argument.hContext) };
    // SAFETY: dxgkrnl's copy of what user mode sent, which it copies back.
    let data = unsafe { bytes_mut(argument.pPrivateDriverData, argument.PrivateDriverDataSize) };
    let Some(private_driver_data) = data else { return STATUS_INVALID_PARAMETER };
    ntstatus(device.adapter().escape(Escape {
        h_device: of_device.map_or(0, Object::number),
        h_context: of_context.map_or(0, Object::number),
        private_driver_data,
    }))
}
