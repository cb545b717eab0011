//! What the scheduler does with DMA buffers: submits, preempts, cancels, asks how far they are.
#![expect(unsafe_code, reason = "entry points of the DDI")]

use pvgpu_kmd::Kernel;
use pvgpu_kmd::ddi::SubmitCommand;
use pvgpu_kmd_ddi::{
    DXGK_SUBMITCOMMANDFLAGS, DXGKARG_CANCELCOMMAND, DXGKARG_PREEMPTCOMMAND, DXGKARG_QUERYCURRENTFENCE,
    DXGKARG_SUBMITCOMMAND, HANDLE, NTSTATUS, STATUS_INVALID_PARAMETER, STATUS_SUCCESS,
};

use crate::convert::{argument, bytes};
use crate::device::Device;
use crate::nt::Nt;
use crate::timer::flush_dpcs;

/// `DxgkDdiSubmitCommand`. `DISPATCH_LEVEL`. dxgkrnl takes a failure for a broken driver and ends the system, so what fails
/// here is only what dxgkrnl itself got wrong.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_submit_command<N: Nt>(
    h_adapter: HANDLE,
    submit_command: *const DXGKARG_SUBMITCOMMAND,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(h_adapter) };
    // SAFETY: dxgkrnl's argument, which is only read.
    let argument = unsafe { submit_command.as_ref() };
    let (Some(device), Some(argument)) = (device, argument) else { return STATUS_INVALID_PARAMETER };
    // SAFETY: dxgkrnl's own buffer.
    let private = unsafe { bytes(argument.pDmaBufferPrivateData, argument.DmaBufferPrivateDataSize) };
    // Steps stand at the same places in the DMA buffer and in its private data; only the latter has a range of its own for
    // each paging submission, and only the former for each part of a buffer that was split.
    let (start, end) = if argument.Flags.has(DXGK_SUBMITCOMMANDFLAGS::Paging) {
        (argument.DmaBufferPrivateDataSubmissionStartOffset, argument.DmaBufferPrivateDataSubmissionEndOffset)
    } else {
        (argument.DmaBufferSubmissionStartOffset, argument.DmaBufferSubmissionEndOffset)
    };
    // dxgkrnl ends the system when a submission is refused: one that lies outside its buffer is no work.
    let steps = private.and_then(|private| private.get(start as usize..end as usize)).unwrap_or_default();
    device.adapter().submit_command(SubmitCommand {
        dma_buffer_private_data: steps,
        submission_fence_id: argument.SubmissionFenceId,
        node_ordinal: argument.NodeOrdinal,
    });
    STATUS_SUCCESS
}

/// `DxgkDdiPreemptCommand`. `DISPATCH_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_preempt_command<N: Nt>(
    h_adapter: HANDLE,
    preempt_command: *const DXGKARG_PREEMPTCOMMAND,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(h_adapter) };
    // SAFETY: dxgkrnl's argument, which is only read.
    let argument = unsafe { preempt_command.as_ref() };
    let (Some(device), Some(argument)) = (device, argument) else { return STATUS_INVALID_PARAMETER };
    if (argument.NodeOrdinal, argument.EngineOrdinal) != (0, 0) {
        return STATUS_INVALID_PARAMETER;
    }
    device.adapter().preempt_command(argument.PreemptionFenceId);
    STATUS_SUCCESS
}

/// `DxgkDdiCancelCommand`: a DMA buffer will never be submitted. dxgkrnl ends the system when this fails, so it does not.
/// `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_cancel_command<N: Nt>(
    h_adapter: HANDLE,
    cancel_command: *const DXGKARG_CANCELCOMMAND,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(h_adapter) };
    // SAFETY: dxgkrnl's argument, which is only read.
    let argument = unsafe { cancel_command.as_ref() };
    let (Some(device), Some(argument)) = (device, argument) else { return STATUS_INVALID_PARAMETER };
    // SAFETY: dxgkrnl's own buffer.
    let private = unsafe { bytes(argument.pDmaBufferPrivateData, argument.DmaBufferPrivateDataSize) };
    let start = argument.DmaBufferSubmissionStartOffset as usize;
    let end = argument.DmaBufferSubmissionEndOffset as usize;
    if let Some(steps) = private.and_then(|private| private.get(start..end)) {
        device.adapter().cancel_command(steps);
    }
    STATUS_SUCCESS
}

/// `DxgkDdiQueryCurrentFence`: reports first what is done and was not reported yet, as an interrupt that was lost would have
/// it; then says what was reported last. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_query_current_fence<N: Nt>(
    h_adapter: HANDLE,
    query_current_fence: *mut DXGKARG_QUERYCURRENTFENCE,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(h_adapter) };
    // SAFETY: dxgkrnl's argument.
    let argument = unsafe { argument(query_current_fence) };
    let (Some(device), Some(argument)) = (device, argument) else { return STATUS_INVALID_PARAMETER };
    if (argument.NodeOrdinal, argument.EngineOrdinal) != (0, 0) {
        return STATUS_INVALID_PARAMETER;
    }
    device.kernel().queue_dpc();
    flush_dpcs::<N>();
    argument.CurrentFence = device.adapter().query_current_fence();
    STATUS_SUCCESS
}
