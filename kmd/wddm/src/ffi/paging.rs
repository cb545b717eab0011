//! BuildPagingBuffer: the memory manager moves allocations.
#![expect(unsafe_code, reason = "entry points of the DDI")]

use pvgpu_kmd::ddi::{BuildPagingBuffer, PagingOperation, PagingPlace};
use pvgpu_kmd_ddi::{
    DXGK_OPERATION_DISCARD_CONTENT, DXGK_OPERATION_FILL, DXGK_OPERATION_READ_PHYSICAL,
    DXGK_OPERATION_TRANSFER, DXGK_OPERATION_WRITE_PHYSICAL, DXGKARG_BUILDPAGINGBUFFER,
    DXGKARG_BUILDPAGINGBUFFER_Location, HANDLE, NTSTATUS, STATUS_INVALID_PARAMETER, STATUS_NOT_SUPPORTED,
    STATUS_SUCCESS,
};
use pvgpu_protocol::aperture::PAGE_BYTES;

use crate::convert::{argument, bytes_mut, error};
use crate::device::Device;
use crate::nt::Nt;

/// One end of a transfer.
fn place(location: DXGKARG_BUILDPAGINGBUFFER_Location, mdl_offset: u32) -> PagingPlace {
    // An address within the segment, or the address of an MDL: 64 bits either way.
    let address = location.SegmentAddress.cast_unsigned();
    match location.SegmentId {
        0 => PagingPlace::System { mdl: address, offset: u64::from(mdl_offset) * PAGE_BYTES },
        segment_id => PagingPlace::Segment { segment_id, address },
    }
}

/// What is to be done; `None` for what only other kinds of segments and later versions of WDDM need.
fn operation(argument: &DXGKARG_BUILDPAGINGBUFFER) -> Option<PagingOperation> {
    match argument.Operation {
        DXGK_OPERATION_TRANSFER => {
            let transfer = argument.u.Transfer();
            Some(PagingOperation::Transfer {
                h_allocation: transfer.hAllocation.0,
                offset: u64::from(transfer.TransferOffset),
                bytes: transfer.TransferSize,
                source: place(transfer.Source, transfer.MdlOffset),
                destination: place(transfer.Destination, transfer.MdlOffset),
            })
        }
        DXGK_OPERATION_FILL => {
            let fill = argument.u.Fill();
            Some(PagingOperation::Fill {
                h_allocation: fill.hAllocation.0,
                bytes: fill.FillSize,
                pattern: fill.FillPattern,
                destination: place(fill.Destination, 0),
            })
        }
        // Flushing a GPU's caches by a read or a write: the host's see what guest and host share.
        DXGK_OPERATION_DISCARD_CONTENT | DXGK_OPERATION_READ_PHYSICAL | DXGK_OPERATION_WRITE_PHYSICAL => {
            Some(PagingOperation::Nothing)
        }
        _ => None,
    }
}

/// `DxgkDdiBuildPagingBuffer`. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_build_paging_buffer<N: Nt>(
    h_adapter: HANDLE,
    build_paging_buffer: *mut DXGKARG_BUILDPAGINGBUFFER,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(h_adapter) };
    // SAFETY: dxgkrnl's argument.
    let argument = unsafe { argument(build_paging_buffer) };
    let (Some(device), Some(argument)) = (device, argument) else { return STATUS_INVALID_PARAMETER };
    let Some(operation) = operation(argument) else { return STATUS_NOT_SUPPORTED };
    // SAFETY: dxgkrnl's own buffer.
    let dma = unsafe { bytes_mut(argument.pDmaBuffer, argument.DmaSize) };
    // SAFETY: dxgkrnl's own buffer.
    let private = unsafe { bytes_mut(argument.pDmaBufferPrivateData, argument.DmaBufferPrivateDataSize) };
    let (Some(dma_buffer), Some(dma_buffer_private_data)) = (dma, private) else {
        return STATUS_INVALID_PARAMETER;
    };
    let args = BuildPagingBuffer { operation, dma_buffer, dma_buffer_private_data };
    match device.adapter().build_paging_buffer(args) {
        Ok(built) => {
            argument.pDmaBuffer = argument.pDmaBuffer.wrapping_byte_add(built.dma_buffer_bytes);
            argument.pDmaBufferPrivateData =
                argument.pDmaBufferPrivateData.wrapping_byte_add(built.private_data_bytes);
            STATUS_SUCCESS
        }
        Err(status) => error(status),
    }
}
