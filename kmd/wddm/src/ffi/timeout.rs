//! Time-out detection and recovery: engines that do not get on.
#![expect(unsafe_code, reason = "entry points of the DDI")]

use pvgpu_kmd_ddi::{
    DXGK_ENGINESTATUS, DXGKARG_COLLECTDBGINFO, DXGKARG_QUERYDEPENDENTENGINEGROUP, DXGKARG_QUERYENGINESTATUS,
    DXGKARG_RESETENGINE, HANDLE, NTSTATUS, STATUS_INVALID_PARAMETER, STATUS_SUCCESS, STATUS_UNSUCCESSFUL,
    VIDEO_ENGINE_TIMEOUT_DETECTED, VIDEO_TDR_TIMEOUT_DETECTED,
};

use crate::convert::{argument, array_mut, error, ntstatus};
use crate::device::Device;
use crate::nt::Nt;
use crate::timer::flush_dpcs;

/// `DxgkDdiResetFromTimeout`: what was submitted is forgotten, and nothing of it is touched any more. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_reset_from_timeout<N: Nt>(h_adapter: HANDLE) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(h_adapter) };
    let Some(device) = device else { return STATUS_INVALID_PARAMETER };
    let reset = device.adapter().reset_from_timeout();
    // A DPC that had a report in its hands when the core forgot the submissions has told it when this is over. Told later,
    // it would be of a fence that dxgkrnl does not know any more: bug check 0x119.
    flush_dpcs::<N>();
    ntstatus(reset)
}

/// `DxgkDdiRestartFromTimeout`: work may come again. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_restart_from_timeout<N: Nt>(h_adapter: HANDLE) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(h_adapter) };
    device.map_or(STATUS_INVALID_PARAMETER, |device| ntstatus(device.adapter().restart_from_timeout()))
}

/// `DxgkDdiQueryDependentEngineGroup`: the one engine is reset alone. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_query_dependent_engine_group(
    _h_adapter: HANDLE,
    query_dependent_engine_group: *mut DXGKARG_QUERYDEPENDENTENGINEGROUP,
) -> NTSTATUS {
    // SAFETY: dxgkrnl's argument.
    let argument = unsafe { argument(query_dependent_engine_group) };
    let Some(argument) = argument else { return STATUS_INVALID_PARAMETER };
    if (argument.NodeOrdinal, argument.EngineOrdinal) != (0, 0) {
        return STATUS_INVALID_PARAMETER;
    }
    argument.DependentNodeOrdinalMask = 1;
    STATUS_SUCCESS
}

/// `DxgkDdiQueryEngineStatus`. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_query_engine_status<N: Nt>(
    h_adapter: HANDLE,
    query_engine_status: *mut DXGKARG_QUERYENGINESTATUS,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(h_adapter) };
    // SAFETY: dxgkrnl's argument.
    let argument = unsafe { argument(query_engine_status) };
    let (Some(device), Some(argument)) = (device, argument) else { return STATUS_INVALID_PARAMETER };
    match device.adapter().query_engine_status(argument.NodeOrdinal, argument.EngineOrdinal) {
        Ok(responsive) => {
            argument.EngineStatus =
                DXGK_ENGINESTATUS::new(0).with(DXGK_ENGINESTATUS::Responsive, u32::from(responsive));
            STATUS_SUCCESS
        }
        Err(status) => error(status),
    }
}

/// `DxgkDdiResetEngine`. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_reset_engine<N: Nt>(
    h_adapter: HANDLE,
    reset_engine: *mut DXGKARG_RESETENGINE,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(h_adapter) };
    // SAFETY: dxgkrnl's argument.
    let argument = unsafe { argument(reset_engine) };
    let (Some(device), Some(argument)) = (device, argument) else { return STATUS_INVALID_PARAMETER };
    let reset = device.adapter().reset_engine(argument.NodeOrdinal, argument.EngineOrdinal);
    // As in `dxgk_ddi_reset_from_timeout`.
    flush_dpcs::<N>();
    match reset {
        Ok(aborted) => {
            argument.LastAbortedFenceId = aborted;
            STATUS_SUCCESS
        }
        Err(status) => error(status),
    }
}

/// `DxgkDdiCollectDbgInfo`: how the adapter is, in lines for people. `PASSIVE_LEVEL` when it is about a time-out. Before other
/// bug checks the IRQL is anybody's guess, and a lock that is held then is held forever, so nothing is said then.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_collect_dbg_info<N: Nt>(
    h_adapter: HANDLE,
    collect_dbg_info: *const DXGKARG_COLLECTDBGINFO,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(h_adapter) };
    // SAFETY: dxgkrnl's argument, which is only read.
    let argument = unsafe { collect_dbg_info.as_ref() };
    let (Some(device), Some(argument)) = (device, argument) else { return STATUS_INVALID_PARAMETER };
    if !matches!(argument.Reason, VIDEO_TDR_TIMEOUT_DETECTED | VIDEO_ENGINE_TIMEOUT_DETECTED) {
        return STATUS_UNSUCCESSFUL;
    }
    // Reports have a few hundred kilobytes at most.
    let room = u32::try_from(argument.BufferSize).unwrap_or(u32::MAX);
    // SAFETY: dxgkrnl's own buffer.
    let place = unsafe { array_mut(argument.pBuffer.cast::<u8>(), room) };
    let Some(place) = place else { return STATUS_INVALID_PARAMETER };
    let written = device.adapter().collect_dbg_info(place);
    // What was there before is not the report's.
    place.get_mut(written..).unwrap_or_default().fill(0);
    // SAFETY: null, or dxgkrnl's own place for more.
    if let Some(extension) = unsafe { argument.pExtension.as_mut() } {
        extension.BucketingKey = argument.Reason;
        extension.CurrentDmaBufferOffset = 0;
    }
    STATUS_SUCCESS
}
