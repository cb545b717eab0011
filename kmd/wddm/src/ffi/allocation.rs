//! Allocations: made, opened, described, and the private data of those that dxgkrnl makes itself.
#![expect(unsafe_code, reason = "entry points of the DDI")]

use pvgpu_kmd::Status;
use pvgpu_kmd::ddi::{AllocationInfo, SEGMENT_ID, SEGMENT_SET, StandardAllocation};
use pvgpu_kmd_ddi::{
    D3DDDI_ALLOCATIONPRIORITY_NORMAL, D3DDDI_MULTISAMPLINGMETHOD, D3DDDI_RATIONAL, D3DDDI_ROTATION_IDENTITY,
    D3DKMDT_STANDARDALLOCATION_GDISURFACE, D3DKMDT_STANDARDALLOCATION_SHADOWSURFACE,
    D3DKMDT_STANDARDALLOCATION_SHAREDPRIMARYSURFACE, D3DKMDT_STANDARDALLOCATION_STAGINGSURFACE,
    DXGK_ALLOCATIONINFO, DXGK_ALLOCATIONINFOFLAGS, DXGK_OPENALLOCATIONINFO, DXGK_SEGMENTPREFERENCE,
    DXGKARG_CLOSEALLOCATION, DXGKARG_CREATEALLOCATION, DXGKARG_DESCRIBEALLOCATION, DXGKARG_DESTROYALLOCATION,
    DXGKARG_GETSTANDARDALLOCATIONDRIVERDATA, DXGKARG_OPENALLOCATION, HANDLE, NTSTATUS, STATUS_INVALID_HANDLE,
    STATUS_INVALID_PARAMETER, STATUS_NOT_SUPPORTED, STATUS_SUCCESS,
};
use pvgpu_protocol::aperture::PAGE_BYTES;
use pvgpu_protocol::kernel_interface::standard_kind;

use crate::convert::{argument, array, array_mut, bytes, bytes_mut, error, handle_of, number_of, status_of};
use crate::device::Device;
use crate::format::{DXGI_FORMAT_B8G8R8A8_UNORM, from_dxgi, to_dxgi};
use crate::handles::Object;
use crate::nt::Nt;

/// Tells dxgkrnl what an allocation is: it lies in the one segment, and is evicted to system memory.
fn describe(place: &mut DXGK_ALLOCATIONINFO, info: &AllocationInfo) {
    let cpu_visible = if info.cpu_visible { DXGK_ALLOCATIONINFOFLAGS::CpuVisible } else { 0 };
    place.Alignment = PAGE_BYTES as u32;
    // CAST: sizes have 64 bits.
    place.Size = info.size as usize;
    place.PitchAlignedSize = 0;
    place.HintedBank.Value = 0;
    place.PreferredSegment =
        DXGK_SEGMENTPREFERENCE::new(0).with(DXGK_SEGMENTPREFERENCE::SegmentId0, SEGMENT_ID);
    place.SupportedReadSegmentSet = SEGMENT_SET;
    place.SupportedWriteSegmentSet = SEGMENT_SET;
    place.EvictionSegmentSet = 0;
    place.MaximumRenamingListLength = 0;
    place.hAllocation = handle_of(info.h_allocation);
    place.Flags = DXGK_ALLOCATIONINFOFLAGS::new(cpu_visible);
    place.pAllocationUsageHint = core::ptr::null_mut();
    place.AllocationPriority = D3DDDI_ALLOCATIONPRIORITY_NORMAL;
}

/// `DxgkDdiCreateAllocation`: all of them are made, or none is. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_create_allocation<N: Nt>(
    h_adapter: HANDLE,
    create_allocation: *mut DXGKARG_CREATEALLOCATION,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(h_adapter) };
    // SAFETY: dxgkrnl's argument.
    let argument = unsafe { argument(create_allocation) };
    let (Some(device), Some(argument)) = (device, argument) else { return STATUS_INVALID_PARAMETER };
    // SAFETY: dxgkrnl's array.
    let places = unsafe { array_mut(argument.pAllocationInfo, argument.NumAllocations) };
    let Some(places) = places else { return STATUS_INVALID_PARAMETER };
    let mut result = Ok(());
    let mut made = 0;
    for place in places.iter_mut() {
        // SAFETY: dxgkrnl's copy of what user mode sent.
        let data = unsafe { bytes(place.pPrivateDriverData, place.PrivateDriverDataSize) };
        let one = data.ok_or(STATUS_INVALID_PARAMETER);
        match one.and_then(|data| device.adapter().create_allocation(data).map_err(error)) {
            Ok(info) => describe(place, &info),
            Err(status) => {
                result = Err(status);
                break;
            }
        }
        made += 1;
    }
    if result.is_err() {
        for place in places.iter_mut().take(made) {
            // It was made a moment ago, and nobody else knows of it.
            let _ = device.adapter().destroy_allocation(number_of(place.hAllocation));
            place.hAllocation = core::ptr::null_mut();
        }
    }
    status_of(result)
}

/// The first error of several steps, all of which are taken.
fn each<T>(list: &[T], mut step: impl FnMut(&T) -> Result<(), Status>) -> NTSTATUS {
    let mut result = STATUS_SUCCESS;
    for one in list {
        if let Err(status) = step(one)
            && result == STATUS_SUCCESS
        {
            result = error(status);
        }
    }
    result
}

/// `DxgkDdiDestroyAllocation`. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_destroy_allocation<N: Nt>(
    h_adapter: HANDLE,
    destroy_allocation: *const DXGKARG_DESTROYALLOCATION,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(h_adapter) };
    // SAFETY: dxgkrnl's argument, which is only read.
    let argument = unsafe { destroy_allocation.as_ref() };
    let (Some(device), Some(argument)) = (device, argument) else { return STATUS_INVALID_PARAMETER };
    // SAFETY: dxgkrnl's array.
    let list = unsafe { array(argument.pAllocationList, argument.NumAllocations) };
    let Some(list) = list else { return STATUS_INVALID_PARAMETER };
    each(list, |handle| device.adapter().destroy_allocation(number_of(*handle)))
}

/// `DxgkDdiDescribeAllocation`: of primaries and of what is presented. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_describe_allocation<N: Nt>(
    h_adapter: HANDLE,
    describe_allocation: *mut DXGKARG_DESCRIBEALLOCATION,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(h_adapter) };
    // SAFETY: dxgkrnl's argument.
    let argument = unsafe { argument(describe_allocation) };
    let (Some(device), Some(argument)) = (device, argument) else { return STATUS_INVALID_PARAMETER };
    let described = match device.adapter().describe_allocation(number_of(argument.hAllocation)) {
        Ok(described) => described,
        Err(status) => return error(status),
    };
    argument.Width = described.width;
    argument.Height = described.height;
    argument.Format = from_dxgi(described.format);
    argument.MultisampleMethod = D3DDDI_MULTISAMPLINGMETHOD { NumSamples: 1, NumQualityLevels: 0 };
    argument.RefreshRate = match described.refresh_millihertz {
        0 => D3DDDI_RATIONAL::default(),
        millihertz => D3DDDI_RATIONAL { Numerator: millihertz, Denominator: 1000 },
    };
    argument.PrivateDriverFormatAttribute = 0;
    argument.Rotation = D3DDDI_ROTATION_IDENTITY;
    STATUS_SUCCESS
}

/// A fraction of hertz in thousandths; 0 for none.
fn millihertz(rate: D3DDDI_RATIONAL) -> u32 {
    let thousandths = u64::from(rate.Numerator) * 1000;
    thousandths
        .checked_div(u64::from(rate.Denominator))
        .and_then(|rate| u32::try_from(rate).ok())
        .unwrap_or(0)
}

/// Which surface dxgkrnl wants.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER` without a description, `STATUS_NOT_SUPPORTED` for a kind of a later WDDM.
///
/// # Safety
/// The argument's pointer is null or the description of its kind.
unsafe fn wanted(argument: &DXGKARG_GETSTANDARDALLOCATIONDRIVERDATA) -> Result<StandardAllocation, NTSTATUS> {
    let none = StandardAllocation {
        kind: 0,
        width: 0,
        height: 0,
        format: 0,
        vid_pn_source_id: 0,
        refresh_millihertz: 0,
        gdi_type: 0,
    };
    match argument.StandardAllocationType {
        D3DKMDT_STANDARDALLOCATION_SHAREDPRIMARYSURFACE => {
            // SAFETY: the caller's promise.
            let data = unsafe { argument.pCreateSharedPrimarySurfaceData().as_ref() };
            let data = data.ok_or(STATUS_INVALID_PARAMETER)?;
            Ok(StandardAllocation {
                kind: standard_kind::SHARED_PRIMARY,
                width: data.Width,
                height: data.Height,
                format: to_dxgi(data.Format),
                vid_pn_source_id: data.VidPnSourceId,
                refresh_millihertz: millihertz(data.RefreshRate),
                ..none
            })
        }
        D3DKMDT_STANDARDALLOCATION_SHADOWSURFACE => {
            // SAFETY: the caller's promise.
            let data = unsafe { argument.pCreateShadowSurfaceData().as_ref() };
            let data = data.ok_or(STATUS_INVALID_PARAMETER)?;
            let format = to_dxgi(data.Format);
            let (width, height) = (data.Width, data.Height);
            Ok(StandardAllocation { kind: standard_kind::SHADOW, width, height, format, ..none })
        }
        D3DKMDT_STANDARDALLOCATION_STAGINGSURFACE => {
            // SAFETY: the caller's promise.
            let data = unsafe { argument.pCreateStagingSurfaceData().as_ref() };
            let data = data.ok_or(STATUS_INVALID_PARAMETER)?;
            // Its pixels' format is not said; the desktop's are the largest that there are.
            let format = DXGI_FORMAT_B8G8R8A8_UNORM;
            let (width, height) = (data.Width, data.Height);
            Ok(StandardAllocation { kind: standard_kind::STAGING, width, height, format, ..none })
        }
        D3DKMDT_STANDARDALLOCATION_GDISURFACE => {
            // SAFETY: the caller's promise.
            let data = unsafe { argument.pCreateGdiSurfaceData().as_ref() };
            let data = data.ok_or(STATUS_INVALID_PARAMETER)?;
            Ok(StandardAllocation {
                kind: standard_kind::GDI,
                width: data.Width,
                height: data.Height,
                format: to_dxgi(data.Format),
                gdi_type: data.Type,
                ..none
            })
        }
        _ => Err(STATUS_NOT_SUPPORTED),
    }
}

/// `DxgkDdiGetStandardAllocationDriverData`: called for the size of the private data, then for the data. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_get_standard_allocation_driver_data<N: Nt>(
    h_adapter: HANDLE,
    get_standard_allocation_driver_data: *mut DXGKARG_GETSTANDARDALLOCATIONDRIVERDATA,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(h_adapter) };
    // SAFETY: dxgkrnl's argument.
    let argument = unsafe { argument(get_standard_allocation_driver_data) };
    let (Some(device), Some(argument)) = (device, argument) else { return STATUS_INVALID_PARAMETER };
    // SAFETY: dxgkrnl's description.
    let wanted = match unsafe { wanted(argument) } {
        Ok(wanted) => wanted,
        Err(status) => return status,
    };
    let place = argument.pAllocationPrivateDriverData;
    let place = if place.is_null() {
        None
    } else {
        // SAFETY: dxgkrnl's buffer.
        unsafe { bytes_mut(place, argument.AllocationPrivateDriverDataSize) }
    };
    let info = match device.adapter().get_standard_allocation_driver_data(&wanted, place) {
        Ok(info) => info,
        Err(status) => return error(status),
    };
    // CAST: a small structure.
    argument.AllocationPrivateDriverDataSize = info.private_data_bytes as u32;
    argument.ResourcePrivateDriverDataSize = 0;
    match argument.StandardAllocationType {
        D3DKMDT_STANDARDALLOCATION_SHADOWSURFACE => {
            // SAFETY: dxgkrnl's description, which `wanted` has found to be there.
            unsafe { (*argument.pCreateShadowSurfaceData()).Pitch = info.pitch };
        }
        D3DKMDT_STANDARDALLOCATION_STAGINGSURFACE => {
            // SAFETY: as above.
            unsafe { (*argument.pCreateStagingSurfaceData()).Pitch = info.pitch };
        }
        D3DKMDT_STANDARDALLOCATION_GDISURFACE => {
            // SAFETY: as above.
            unsafe { (*argument.pCreateGdiSurfaceData()).Pitch = info.pitch };
        }
        _ => {}
    }
    STATUS_SUCCESS
}

/// `DxgkDdiOpenAllocation`: all of them are opened, or none is. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_open_allocation<N: Nt>(
    h_device: HANDLE,
    open_allocation: *const DXGKARG_OPENALLOCATION,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what CreateDevice made.
    let object = unsafe { Object::<N>::from_handle(h_device) };
    // SAFETY: dxgkrnl's argument, which is only read.
    let argument = unsafe { open_allocation.as_ref() };
    let (Some(object), Some(argument)) = (object, argument) else { return STATUS_INVALID_PARAMETER };
    // SAFETY: dxgkrnl's array.
    let list = unsafe { array_mut(argument.pOpenAllocation, argument.NumAllocations) };
    let Some(list) = list else { return STATUS_INVALID_PARAMETER };
    let mut opened = 0;
    let mut result = Ok(());
    for one in list.iter_mut() {
        if let Err(status) = open(object, one) {
            result = Err(status);
            break;
        }
        opened += 1;
    }
    if result.is_err() {
        for one in list.iter_mut().take(opened) {
            // It was opened a moment ago, and nobody else knows of it.
            let _ = object.device().adapter().close_allocation(number_of(one.hDeviceSpecificAllocation));
            one.hDeviceSpecificAllocation = core::ptr::null_mut();
        }
    }
    status_of(result)
}

/// Opens one allocation.
fn open<N: Nt>(of_device: &Object<N>, one: &mut DXGK_OPENALLOCATIONINFO) -> Result<(), NTSTATUS> {
    let device = of_device.device();
    let port = device.kernel().port.get().ok_or(STATUS_INVALID_HANDLE)?;
    let allocation = port.allocation_of(one.hAllocation).ok_or(STATUS_INVALID_HANDLE)?;
    let opened =
        device.adapter().open_allocation(of_device.number(), number_of(allocation)).map_err(error)?;
    one.hDeviceSpecificAllocation = handle_of(opened);
    Ok(())
}

/// `DxgkDdiCloseAllocation`. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_close_allocation<N: Nt>(
    h_device: HANDLE,
    close_allocation: *const DXGKARG_CLOSEALLOCATION,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what CreateDevice made.
    let object = unsafe { Object::<N>::from_handle(h_device) };
    // SAFETY: dxgkrnl's argument, which is only read.
    let argument = unsafe { close_allocation.as_ref() };
    let (Some(object), Some(argument)) = (object, argument) else { return STATUS_INVALID_PARAMETER };
    // SAFETY: dxgkrnl's array.
    let list = unsafe { array(argument.pOpenHandleList, argument.NumAllocations) };
    let Some(list) = list else { return STATUS_INVALID_PARAMETER };
    each(list, |handle| object.device().adapter().close_allocation(number_of(*handle)))
}
