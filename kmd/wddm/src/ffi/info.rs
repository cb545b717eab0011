//! What dxgkrnl asks of the adapter as a whole: capabilities, segments, engines, clocks.
#![expect(unsafe_code, reason = "entry points of the DDI")]

use core::ffi::c_void;

use bytemuck::{Pod, Zeroable};
use pvgpu_kmd::ddi::{DMA_BUFFER_BYTES, QueryAdapterInfo, Segment};
use pvgpu_kmd_ddi::{
    BOOLEAN, D3DKMDT_COMPUTE_PREEMPTION_DMA_BUFFER_BOUNDARY, D3DKMDT_GRAPHICS_PREEMPTION_DMA_BUFFER_BOUNDARY,
    D3DKMDT_PREEMPTION_CAPS, DXGK_DRIVERCAPS, DXGK_ENGINE_TYPE_3D, DXGK_GPUENGINETOPOLOGY, DXGK_POINTERFLAGS,
    DXGK_PRESENTATIONCAPS, DXGK_QUERYSEGMENTOUT3, DXGK_SEGMENTDESCRIPTOR3, DXGK_SEGMENTFLAGS,
    DXGK_VIDSCHCAPS, DXGKARG_CALIBRATEGPUCLOCK, DXGKARG_GETNODEMETADATA, DXGKARG_QUERYADAPTERINFO,
    DXGKDDI_WDDMv1_3, DXGKQAITYPE_DRIVERCAPS, DXGKQAITYPE_HISTORYBUFFERPRECISION,
    DXGKQAITYPE_NUMPOWERCOMPONENTS, DXGKQAITYPE_QUERYSEGMENT3, DXGKQAITYPE_UMDRIVERPRIVATE, HANDLE, NTSTATUS,
    STATUS_BUFFER_TOO_SMALL, STATUS_INVALID_PARAMETER, STATUS_NOT_SUPPORTED, STATUS_SUCCESS,
};
use pvgpu_protocol::limits::MAX_POINTER_EXTENT;

use crate::convert::{argument, array_mut, bytes_mut, error, ntstatus};
use crate::device::Device;
use crate::lists::MAX_ENTRIES;
use crate::machine::Machine;
use crate::nt::Nt;

/// `DXGKARG_HISTORYBUFFERPRECISION`, of which there is one for each node: how many bits of a time stamp are true.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct HistoryBufferPrecision {
    precision_bits: u32,
}

/// `DxgkDdiQueryAdapterInfo`. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_query_adapter_info<N: Nt>(
    h_adapter: HANDLE,
    query_adapter_info: *const DXGKARG_QUERYADAPTERINFO,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(h_adapter) };
    // SAFETY: dxgkrnl's argument, which is only read.
    let argument = unsafe { query_adapter_info.as_ref() };
    let (Some(device), Some(argument)) = (device, argument) else { return STATUS_INVALID_PARAMETER };
    match argument.Type {
        DXGKQAITYPE_UMDRIVERPRIVATE => {
            // SAFETY: dxgkrnl's copy of user mode's buffer, which it copies back.
            let place = unsafe { bytes_mut(argument.pOutputData, argument.OutputDataSize) };
            let Some(output_data) = place else { return STATUS_INVALID_PARAMETER };
            ntstatus(device.adapter().query_adapter_info(QueryAdapterInfo::UmDriverPrivate { output_data }))
        }
        DXGKQAITYPE_DRIVERCAPS => {
            // SAFETY: dxgkrnl's own buffer.
            match unsafe { output::<DXGK_DRIVERCAPS>(argument) } {
                Ok(place) => {
                    *place = driver_caps();
                    STATUS_SUCCESS
                }
                Err(status) => status,
            }
        }
        DXGKQAITYPE_QUERYSEGMENT3 => {
            // SAFETY: dxgkrnl's own buffer.
            match unsafe { output::<DXGK_QUERYSEGMENTOUT3>(argument) } {
                Ok(place) => query_segment(device, place),
                Err(status) => status,
            }
        }
        DXGKQAITYPE_NUMPOWERCOMPONENTS => {
            // SAFETY: dxgkrnl's own buffer.
            match unsafe { output::<u32>(argument) } {
                Ok(place) => {
                    // Nothing of it can be switched off by itself.
                    *place = 0;
                    STATUS_SUCCESS
                }
                Err(status) => status,
            }
        }
        DXGKQAITYPE_HISTORYBUFFERPRECISION => {
            let count = argument.OutputDataSize / size_of::<HistoryBufferPrecision>() as u32;
            // SAFETY: dxgkrnl's own buffer.
            let nodes = unsafe { array_mut(argument.pOutputData.cast::<HistoryBufferPrecision>(), count) };
            for node in nodes.unwrap_or_default() {
                // The clock that submissions are timed by is the performance counter, and all of it is true.
                node.precision_bits = u64::BITS;
            }
            STATUS_SUCCESS
        }
        _ => STATUS_NOT_SUPPORTED,
    }
}

/// Where an answer goes.
///
/// # Errors
/// `STATUS_BUFFER_TOO_SMALL`, `STATUS_INVALID_PARAMETER`.
///
/// # Safety
/// `pOutputData` is null or has `OutputDataSize` bytes, aligned for a `T`, which are the call's alone.
unsafe fn output<'a, T>(query: &DXGKARG_QUERYADAPTERINFO) -> Result<&'a mut T, NTSTATUS> {
    if (query.OutputDataSize as usize) < size_of::<T>() {
        return Err(STATUS_BUFFER_TOO_SMALL);
    }
    // SAFETY: the caller's promise.
    unsafe { argument(query.pOutputData.cast()) }.ok_or(STATUS_INVALID_PARAMETER)
}

/// What the driver can do. What is not named is 0: no swizzling ranges, no overlays, no gamma ramp, no runtime power
/// management, no direct flip.
fn driver_caps() -> DXGK_DRIVERCAPS {
    let mut presentation = DXGK_PRESENTATIONCAPS::new(0);
    // A screen-to-screen copy is a round trip to the host like any other, but one that overlaps is memory moved by rows.
    presentation.Value |=
        DXGK_PRESENTATIONCAPS::NoScreenToScreenBlt | DXGK_PRESENTATIONCAPS::NoOverlapScreenBlt;
    // Textures of 2048 << 3 = 16384 texels.
    presentation = presentation.with(DXGK_PRESENTATIONCAPS::MaxTextureWidthShift, 3);
    presentation = presentation.with(DXGK_PRESENTATIONCAPS::MaxTextureHeightShift, 3);
    let pointer = DXGK_POINTERFLAGS::Monochrome | DXGK_POINTERFLAGS::Color | DXGK_POINTERFLAGS::MaskedColor;
    let scheduling = DXGK_VIDSCHCAPS::MultiEngineAware
        | DXGK_VIDSCHCAPS::VSyncPowerSaveAware
        | DXGK_VIDSCHCAPS::PreemptionAware
        | DXGK_VIDSCHCAPS::CancelCommandAware;
    DXGK_DRIVERCAPS {
        // All of system memory.
        HighestAcceptableAddress: -1,
        // A marker names as many allocations at most, each in a slot of its own.
        MaxAllocationListSlotId: MAX_ENTRIES as u32,
        MaxPointerWidth: MAX_POINTER_EXTENT,
        MaxPointerHeight: MAX_POINTER_EXTENT,
        PointerCaps: DXGK_POINTERFLAGS::new(pointer),
        PresentationCaps: presentation,
        MaxQueuedFlipOnVSync: 1,
        SchedulingCaps: DXGK_VIDSCHCAPS::new(scheduling),
        GpuEngineTopology: DXGK_GPUENGINETOPOLOGY {
            NbAsymetricProcessingNodes: 1,
            ..DXGK_GPUENGINETOPOLOGY::default()
        },
        WDDMVersion: DXGKDDI_WDDMv1_3,
        PreemptionCaps: D3DKMDT_PREEMPTION_CAPS {
            GraphicsPreemptionGranularity: D3DKMDT_GRAPHICS_PREEMPTION_DMA_BUFFER_BOUNDARY,
            ComputePreemptionGranularity: D3DKMDT_COMPUTE_PREEMPTION_DMA_BUFFER_BOUNDARY,
        },
        SupportNonVGA: BOOLEAN::from(true),
        SupportPerEngineTDR: BOOLEAN::from(true),
        SupportSurpriseRemovalInHibernation: BOOLEAN::from(true),
        ..DXGK_DRIVERCAPS::default()
    }
}

/// The one segment. Asked first for the number, then for the descriptors.
fn query_segment<N: Nt>(device: &Device<N>, place: &mut DXGK_QUERYSEGMENTOUT3) -> NTSTATUS {
    let segment = match device.adapter().segment() {
        Ok(segment) => segment,
        Err(status) => return error(status),
    };
    place.PagingBufferSegmentId = 0;
    place.PagingBufferSize = DMA_BUFFER_BYTES;
    place.PagingBufferPrivateDataSize = DMA_BUFFER_BYTES;
    // SAFETY: null when dxgkrnl asks for the number, else as many descriptors as it was told.
    let descriptors = unsafe { array_mut(place.pSegmentDescriptor, 1) };
    place.NbSegment = 1;
    if let Some([descriptor]) = descriptors {
        *descriptor = describe_segment(device, &segment);
    }
    STATUS_SUCCESS
}

/// The segment for dxgkrnl. The processor sees it where it is in one piece: in BAR2.
fn describe_segment<N: Nt>(device: &Device<N>, segment: &Segment) -> DXGK_SEGMENTDESCRIPTOR3 {
    let kept = DXGK_SEGMENTFLAGS::PreservedDuringStandby;
    let (flags, translated) = match device.kernel().machine.get() {
        Some(Machine::Pci(pci)) => {
            let start = pci.aperture.start.saturating_add(segment.aperture_offset);
            (kept | DXGK_SEGMENTFLAGS::CpuVisible, start)
        }
        Some(Machine::Root(_)) | None => (kept, 0),
    };
    // CAST: sizes have 64 bits.
    let bytes = segment.bytes as usize;
    DXGK_SEGMENTDESCRIPTOR3 {
        Flags: DXGK_SEGMENTFLAGS::new(flags),
        BaseAddress: segment.base_address.cast_signed(),
        CpuTranslatedAddress: translated.cast_signed(),
        Size: bytes,
        CommitLimit: bytes,
        ..DXGK_SEGMENTDESCRIPTOR3::default()
    }
}

/// `DxgkDdiGetNodeMetadata`: one node, for 3D. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_get_node_metadata(
    h_adapter: HANDLE,
    node_ordinal: u32,
    get_node_metadata: *mut DXGKARG_GETNODEMETADATA,
) -> NTSTATUS {
    // SAFETY: dxgkrnl's argument.
    let argument = unsafe { argument(get_node_metadata) };
    let Some(argument) = argument else { return STATUS_INVALID_PARAMETER };
    if h_adapter.is_null() || node_ordinal != 0 {
        return STATUS_INVALID_PARAMETER;
    }
    *argument = DXGKARG_GETNODEMETADATA { EngineType: DXGK_ENGINE_TYPE_3D, ..Default::default() };
    STATUS_SUCCESS
}

/// `DxgkDdiCalibrateGpuClock`: submissions are timed by the guest, so both clocks are the performance counter.
/// `DISPATCH_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_calibrate_gpu_clock<N: Nt>(
    h_adapter: HANDLE,
    node_ordinal: u32,
    engine_ordinal: u32,
    clock_calibration: *mut DXGKARG_CALIBRATEGPUCLOCK,
) -> NTSTATUS {
    // SAFETY: dxgkrnl's argument.
    let argument = unsafe { argument(clock_calibration) };
    let Some(argument) = argument else { return STATUS_INVALID_PARAMETER };
    if h_adapter.is_null() || (node_ordinal, engine_ordinal) != (0, 0) {
        return STATUS_INVALID_PARAMETER;
    }
    let mut frequency = 0;
    // SAFETY: the frequency's place lives here.
    let now = unsafe { N::KeQueryPerformanceCounter(core::ptr::from_mut(&mut frequency)) };
    *argument = DXGKARG_CALIBRATEGPUCLOCK {
        GpuFrequency: frequency.cast_unsigned(),
        GpuClockCounter: now.cast_unsigned(),
        CpuClockCounter: now.cast_unsigned(),
    };
    STATUS_SUCCESS
}

/// `DxgkDdiSetStablePowerState` (WDDM 2.0): the guest has no clocks to hold still; the host's are its own. `PASSIVE_LEVEL`.
///
/// # Safety
/// None: it touches nothing.
pub(crate) unsafe extern "win64" fn dxgk_ddi_set_stable_power_state(
    _h_adapter: HANDLE,
    _arguments: *const c_void,
) {
}

/// `DxgkDdiSetPowerComponentFState`: there are no components. IRQL ≤ `DISPATCH_LEVEL`.
///
/// # Safety
/// None: it touches nothing.
pub(crate) unsafe extern "win64" fn dxgk_ddi_set_power_component_state(
    _h_adapter: HANDLE,
    _component_index: u32,
    _state: u32,
) -> NTSTATUS {
    STATUS_INVALID_PARAMETER
}

/// `DxgkDdiPowerRuntimeControlRequest`: no request is known here. `PASSIVE_LEVEL`.
///
/// # Safety
/// None: it touches nothing.
pub(crate) unsafe extern "win64" fn dxgk_ddi_power_runtime_control_request(
    _h_adapter: HANDLE,
    _power_control_code: *const pvgpu_kmd_ddi::GUID,
    _in_buffer: *mut c_void,
    _in_buffer_size: usize,
    _out_buffer: *mut c_void,
    _out_buffer_size: usize,
    _bytes_returned: *mut usize,
) -> NTSTATUS {
    STATUS_NOT_SUPPORTED
}
