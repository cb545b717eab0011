//! `DxgkDdiBuildPagingBuffer`: how allocations get into the segment, move in it, and leave it.
//!
//! Copies and fills inside the segment are the host's; those to and from system memory are the processor's
//! ([`crate::operation`]). Frames of the user-mode driver never move, so paging them is no work.

use pvgpu_protocol::aperture::PAGE_BYTES;
use pvgpu_protocol::kernel_interface::counter;
use pvgpu_protocol::telemetry::{Level, area, code};

use super::allocation::bad;
use super::dma::{DmaStep, Rendered, Writer, step_kind};
use super::segment::SEGMENT_ID;
use crate::adapter::Adapter;
use crate::core_state::Core;
use crate::kernel::{Kernel, SpinLock};
use crate::status::Status;

/// One side of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PagingPlace {
    /// `SegmentId` is not 0: the allocation's first byte is here.
    Segment {
        /// `SegmentId`.
        segment_id: u32,
        /// `SegmentAddress`.
        address: u64,
    },
    /// `SegmentId` is 0.
    System {
        /// `pMdl`: valid until the paging buffer is completed.
        mdl: u64,
        /// `MdlOffset`, which counts pages, in bytes.
        offset: u64,
    },
}

/// `DXGKARG_BUILDPAGINGBUFFER`'s operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PagingOperation {
    /// `DXGK_OPERATION_TRANSFER`.
    Transfer {
        /// `hAllocation`: the driver's handle, 0 for none.
        h_allocation: u64,
        /// `TransferOffset`: bytes from the allocation's start. It counts on the segments' sides; a system side's MDL
        /// already begins there, at its own offset.
        offset: u64,
        /// `TransferSize`, in bytes.
        bytes: u64,
        /// `Source`.
        source: PagingPlace,
        /// `Destination`.
        destination: PagingPlace,
    },
    /// `DXGK_OPERATION_FILL`.
    Fill {
        /// `hAllocation`: the driver's handle, 0 for none.
        h_allocation: u64,
        /// `FillSize`, in bytes.
        bytes: u64,
        /// `FillPattern`.
        pattern: u32,
        /// `Destination`.
        destination: PagingPlace,
    },
    /// `DXGK_OPERATION_DISCARD_CONTENT`, and what asks this driver for nothing.
    Nothing,
}

/// `DXGKARG_BUILDPAGINGBUFFER`.
#[derive(Debug)]
pub struct BuildPagingBuffer<'a> {
    /// What is to be done.
    pub operation: PagingOperation,
    /// `pDmaBuffer`.
    pub dma_buffer: &'a mut [u8],
    /// `pDmaBufferPrivateData`.
    pub dma_buffer_private_data: &'a mut [u8],
}

impl<K: Kernel> Adapter<K> {
    /// `DxgkDdiBuildPagingBuffer`: one operation is one step, whatever its size. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::InsufficientDmaBuffer`]; [`Status::BadField`] for a place outside of the segment or a part of a page;
    /// [`Status::DeviceRemoved`] when the adapter is not started.
    pub fn build_paging_buffer(&self, args: BuildPagingBuffer<'_>) -> Result<Rendered, Status> {
        let step = self.paging_step(args.operation)?;
        // Outside the lock: who knows where the buffer lies. It has no patch list, as the operation names the addresses.
        let mut writer = Writer::new(args.dma_buffer, args.dma_buffer_private_data, &mut []);
        writer.push(&step, &[])?;
        Ok(writer.rendered(None))
    }

    /// The step for an operation.
    fn paging_step(&self, operation: PagingOperation) -> Result<DmaStep, Status> {
        let mut core = self.core.lock();
        core.started()?;
        core.count(counter::PAGING);
        if core.link.is_none() {
            // The device is gone, and its memory: evicting what was there is no work, and dxgkrnl takes no error for an answer.
            return Ok(DmaStep::of(step_kind::NOTHING));
        }
        let (operation, step) = match operation {
            PagingOperation::Nothing => (2, DmaStep::of(step_kind::NOTHING)),
            PagingOperation::Transfer { h_allocation, .. } | PagingOperation::Fill { h_allocation, .. }
                if h_allocation != 0 && !core.is_placed(h_allocation) =>
            {
                (0, DmaStep::of(step_kind::NOTHING))
            }
            PagingOperation::Transfer { offset, bytes, source, destination, .. } => {
                (0, core.transfer_step(offset, bytes, source, destination)?)
            }
            PagingOperation::Fill { bytes, pattern, destination, .. } => {
                (1, core.zero_step(bytes, pattern, destination)?)
            }
        };
        // The other side of a transfer is an MDL: a kernel address, which nobody outside is to learn.
        let place = if step.kind == step_kind::PAGE_OUT { step.source } else { step.destination };
        let trace = [operation, place, step.destination_allocation];
        core.trace(&self.kernel, Level::Verbose, (area::MEMORY, code::PAGING), 0, &trace);
        Ok(step)
    }
}

/// Whole pages.
fn check_bytes(bytes: u64) -> Result<(), Status> {
    if bytes == 0 || !bytes.is_multiple_of(PAGE_BYTES) {
        return Err(bad("TransferSize", bytes, "it is whole pages"));
    }
    Ok(())
}

impl<K: Kernel> Core<K> {
    fn transfer_step(
        &self,
        offset: u64,
        bytes: u64,
        source: PagingPlace,
        destination: PagingPlace,
    ) -> Result<DmaStep, Status> {
        check_bytes(bytes)?;
        let step = DmaStep { destination_allocation: bytes, ..DmaStep::of(step_kind::NOTHING) };
        Ok(match (source, destination) {
            (PagingPlace::Segment { .. }, PagingPlace::Segment { .. }) => DmaStep {
                kind: step_kind::MOVE,
                source: self.place_in_segment(source, offset, bytes)?,
                destination: self.place_in_segment(destination, offset, bytes)?,
                ..step
            },
            (PagingPlace::System { mdl, offset: mdl_offset }, PagingPlace::Segment { .. }) => DmaStep {
                kind: step_kind::PAGE_IN,
                source: mdl,
                gate: mdl_offset,
                destination: self.place_in_segment(destination, offset, bytes)?,
                ..step
            },
            (PagingPlace::Segment { .. }, PagingPlace::System { mdl, offset: mdl_offset }) => DmaStep {
                kind: step_kind::PAGE_OUT,
                source: self.place_in_segment(source, offset, bytes)?,
                gate: mdl_offset,
                destination: mdl,
                ..step
            },
            (PagingPlace::System { .. }, PagingPlace::System { .. }) => {
                return Err(bad("SegmentId", 0, "one side of a transfer is a segment"));
            }
        })
    }

    fn zero_step(&self, bytes: u64, pattern: u32, destination: PagingPlace) -> Result<DmaStep, Status> {
        check_bytes(bytes)?;
        Ok(DmaStep {
            value: u64::from(pattern),
            destination: self.place_in_segment(destination, 0, bytes)?,
            destination_allocation: bytes,
            ..DmaStep::of(step_kind::ZERO)
        })
    }

    /// The heap offset of a place, all of which lies in the segment.
    fn place_in_segment(&self, place: PagingPlace, offset: u64, bytes: u64) -> Result<u64, Status> {
        let PagingPlace::Segment { segment_id, address } = place else {
            return Err(bad("SegmentId", 0, "the destination of a fill is a segment"));
        };
        if segment_id != SEGMENT_ID {
            return Err(bad("SegmentId", u64::from(segment_id), "there is one segment"));
        }
        let start =
            address.checked_add(offset).ok_or(bad("SegmentAddress", address, "it is in the segment"))?;
        if !self.in_segment(start, bytes) || !start.is_multiple_of(PAGE_BYTES) {
            return Err(bad("SegmentAddress", start, "it is in the segment, at a page"));
        }
        Ok(start)
    }

    /// Whether bytes of the heap lie in the segment.
    pub(crate) fn in_segment(&self, start: u64, bytes: u64) -> bool {
        let end = start.checked_add(bytes);
        self.segment_range().is_some_and(|segment| {
            start >= segment.offset && end.is_some_and(|end| end <= segment.offset + segment.length)
        })
    }
}
