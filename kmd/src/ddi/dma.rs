//! What a DMA buffer of ours is: a run of [`DmaStep`]s.
//!
//! The host has long had the commands themselves, through the context's ring. A DMA buffer says what its submission waits
//! for and what ring 0 or the processor does in it. The steps stand in the DMA buffer's *private data*, which comes along to
//! [`Adapter::submit_command`](crate::Adapter::submit_command); the DMA buffer proper gets a copy of the same length, so that
//! both advance alike and an offset in one is an offset in the other. Neither is visible to user mode.

use bytemuck::{Pod, Zeroable};
use pvgpu_protocol::command::Rect;

use crate::status::Status;

/// Bytes of a DMA buffer, of its private data, and of a paging buffer.
pub const DMA_BUFFER_BYTES: u32 = 4096;

/// Values of [`DmaStep::kind`].
pub mod step_kind {
    /// Wait for a context's fence; open a gate before.
    pub const FENCE: u32 = 1;
    /// Copy a rectangle between two allocations.
    pub const BLIT: u32 = 2;
    /// Fill a rectangle of an allocation.
    pub const FILL: u32 = 3;
    /// Show an allocation.
    pub const FLIP: u32 = 4;
    /// Copy bytes inside the segment.
    pub const MOVE: u32 = 5;
    /// Fill bytes of the segment.
    pub const ZERO: u32 = 6;
    /// Copy bytes from system memory into the segment.
    pub const PAGE_IN: u32 = 7;
    /// Copy bytes from the segment to system memory.
    pub const PAGE_OUT: u32 = 8;
    /// Nothing.
    pub const NOTHING: u32 = 9;
}

/// One step of a submission. Fields that its kind does not need are zero.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct DmaStep {
    /// One of [`step_kind`].
    pub kind: u32,
    /// For presents: which frame of the source allocation.
    pub frame: u32,
    /// The context whose fence is waited for.
    pub h_context: u64,
    /// The protocol fence; the texel or pattern of a fill.
    pub value: u64,
    /// The gate to open first, 0 for none; for paging the bytes from the start of the MDL.
    pub gate: u64,
    /// Where the source lies in the segment ([`DmaStep::SOURCE`] patches it); for paging in, the MDL.
    pub source: u64,
    /// Where the destination lies in the segment ([`DmaStep::DESTINATION`] patches it); for paging out, the MDL.
    pub destination: u64,
    /// The driver's handle of the source allocation.
    pub source_allocation: u64,
    /// The driver's handle of the destination allocation; bytes, for paging.
    pub destination_allocation: u64,
    /// What is read: left, top, right, bottom.
    pub source_rect: [i32; 4],
    /// Where it lands.
    pub destination_rect: [i32; 4],
    /// Only destination pixels inside are written.
    pub clip: [i32; 4],
    /// Zero.
    pub reserved: [u32; 4],
}

const _: () = assert!(size_of::<DmaStep>() == 128 && DMA_BUFFER_BYTES.is_multiple_of(128));

impl DmaStep {
    /// Offset in a step of what `Patch` writes for the source.
    pub const SOURCE: u32 = core::mem::offset_of!(Self, source) as u32;
    /// The same for the destination.
    pub const DESTINATION: u32 = core::mem::offset_of!(Self, destination) as u32;

    /// A step of a kind, all else zero.
    pub(crate) fn of(kind: u32) -> Self {
        Self { kind, ..Self::zeroed() }
    }
}

/// A rectangle as ring 0 carries it.
pub(crate) fn rect([left, top, right, bottom]: [i32; 4]) -> Rect {
    Rect { left, top, right, bottom }
}

/// Writes steps to DMA buffer and private data, and what they refer to to the patch list.
pub(crate) struct Writer<'a> {
    dma_buffer: &'a mut [u8],
    private_data: &'a mut [u8],
    patches: &'a mut [PatchLocation],
    bytes: usize,
    patch_count: usize,
}

/// `D3DDDI_PATCHLOCATIONLIST`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PatchLocation {
    /// Index in the allocation list.
    pub allocation_index: u32,
    /// Where in the DMA buffer. At a step's [`DmaStep::SOURCE`] or [`DmaStep::DESTINATION`] an address is written; at its
    /// start the entry only says that the allocation is used.
    pub patch_offset: u32,
}

/// How much of its buffers a call has filled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// Bytes of the DMA buffer.
    pub dma_buffer_bytes: usize,
    /// Bytes of its private data.
    pub private_data_bytes: usize,
    /// Entries of the patch location list.
    pub patch_locations: usize,
    /// What did not fit is to be asked for again with this `MultipassOffset`; dxgkrnl gets
    /// `STATUS_GRAPHICS_INSUFFICIENT_DMA_BUFFER` then, and what is in the buffers so far counts.
    pub multipass_offset: Option<u32>,
}

impl<'a> Writer<'a> {
    /// Writes to the start of these.
    pub(crate) fn new(
        dma_buffer: &'a mut [u8],
        private_data: &'a mut [u8],
        patches: &'a mut [PatchLocation],
    ) -> Self {
        Self { dma_buffer, private_data, patches, bytes: 0, patch_count: 0 }
    }

    /// Writes one step. `references` are the allocations it refers to: index in the allocation list, and offset in the step.
    ///
    /// # Errors
    /// [`Status::InsufficientDmaBuffer`], and nothing is written.
    pub(crate) fn push(&mut self, step: &DmaStep, references: &[(u32, u32)]) -> Result<(), Status> {
        let end = self.bytes + size_of::<DmaStep>();
        let full = Status::InsufficientDmaBuffer { needed: end };
        let patch_end = self.patch_count + references.len();
        let no_patches = Status::InsufficientDmaBuffer { needed: patch_end };
        let places = self.patches.get_mut(self.patch_count..patch_end).ok_or(no_patches)?;
        let dma = self.dma_buffer.get_mut(self.bytes..end).ok_or(full)?;
        let private = self.private_data.get_mut(self.bytes..end).ok_or(full)?;
        dma.copy_from_slice(bytemuck::bytes_of(step));
        private.copy_from_slice(bytemuck::bytes_of(step));
        // CAST: buffers of ours are small.
        let start = self.bytes as u32;
        for (place, (allocation_index, offset)) in places.iter_mut().zip(references) {
            *place = PatchLocation { allocation_index: *allocation_index, patch_offset: start + offset };
        }
        self.bytes = end;
        self.patch_count = patch_end;
        Ok(())
    }

    /// What was written.
    pub(crate) fn rendered(&self, multipass_offset: Option<u32>) -> Rendered {
        Rendered {
            dma_buffer_bytes: self.bytes,
            private_data_bytes: self.bytes,
            patch_locations: self.patch_count,
            multipass_offset,
        }
    }
}

/// The steps in a submission's private data.
///
/// # Errors
/// [`Status::BadField`] unless it is a whole number of steps.
pub(crate) fn steps(private_data: &[u8]) -> Result<impl Iterator<Item = DmaStep> + Clone, Status> {
    let (chunks, rest) = private_data.as_chunks::<{ size_of::<DmaStep>() }>();
    if !rest.is_empty() {
        return Err(Status::BadField {
            field: "DmaBufferPrivateDataSize",
            value: private_data.len() as u64,
            rule: "it holds whole steps",
        });
    }
    Ok(chunks.iter().map(|chunk| bytemuck::pod_read_unaligned(chunk)))
}
