//! Presents as DMA buffers: blits, colour fills and flips behind the fence of what they show; and the addresses in them.

use pvgpu_protocol::kernel_interface::{FenceMarker, PrivateData, PrivateHeader, counter};

use super::allocation::bad;
use super::color::texel;
use super::dma::{DmaStep, PatchLocation, Rendered, Writer, step_kind, steps};
use super::rects::{Edges, blit, intersect, whole};
use super::render::{AllocationListEntry, fence_step};
use super::surface::address_in;
use crate::adapter::Adapter;
use crate::context::KERNEL_CONTEXT;
use crate::core_state::Core;
use crate::kernel::{Kernel, SpinLock};
use crate::status::{Handle, Status};

/// `DXGK_PRESENT_SOURCE_INDEX`: the source's place in the allocation list.
pub const PRESENT_SOURCE_INDEX: u32 = 1;
/// `DXGK_PRESENT_DESTINATION_INDEX`: the destination's.
pub const PRESENT_DESTINATION_INDEX: u32 = 2;

/// What a present does (`DXGKARG_PRESENT::Flags`).
#[derive(Clone, Copy, Debug)]
pub enum PresentKind<'a> {
    /// `Flip`: the source itself is shown, once it is ready.
    Flip,
    /// `Blt`: the source is copied.
    Blt {
        /// `SrcRect`: left, top, right, bottom.
        source_rect: [i32; 4],
        /// `DstRect`.
        destination_rect: [i32; 4],
        /// `pDstSubRects`: what of the destination is seen; none for all of it.
        sub_rects: &'a [[i32; 4]],
    },
    /// `ColorFill`: the destination gets one colour.
    ColorFill {
        /// `Color`, as `D3DDDIFMT_A8R8G8B8`.
        color: u32,
        /// `DstRect`.
        destination_rect: [i32; 4],
        /// `pDstSubRects`: what of the destination is seen; none for all of it.
        sub_rects: &'a [[i32; 4]],
    },
}

/// `DXGKARG_PRESENT`.
#[derive(Debug)]
pub struct Present<'a> {
    /// What it does.
    pub kind: PresentKind<'a>,
    /// `pPrivateDriverData`: a copy of the [`FenceMarker`] from user mode, or nothing: then the context's last rendered one
    /// counts.
    pub private_driver_data: &'a [u8],
    /// `pDmaBuffer`.
    pub dma_buffer: &'a mut [u8],
    /// `pDmaBufferPrivateData`.
    pub dma_buffer_private_data: &'a mut [u8],
    /// `pAllocationList[`[`PRESENT_SOURCE_INDEX`]`]`.
    pub source: AllocationListEntry,
    /// `pAllocationList[`[`PRESENT_DESTINATION_INDEX`]`]`.
    pub destination: AllocationListEntry,
    /// `pPatchLocationListOut`.
    pub patch_location_list_out: &'a mut [PatchLocation],
    /// `MultipassOffset`: 0, or what the call before gave.
    pub multipass_offset: u32,
}

/// `DXGKARG_PATCH`.
#[derive(Debug)]
pub struct Patch<'a> {
    /// `pDmaBufferPrivateData`, the part of this submission.
    pub dma_buffer_private_data: &'a mut [u8],
    /// `pAllocationList`.
    pub allocation_list: &'a [AllocationListEntry],
    /// `pPatchLocationList`, the part of this submission.
    pub patch_location_list: &'a [PatchLocation],
}

/// Formats that differ only in what they call their bits copy as they are.
fn same_bits(a: u32, b: u32) -> bool {
    let family = |format| match format {
        // R10G10B10A2.
        23..=25 => 23,
        // R8G8B8A8.
        27..=32 => 27,
        // B8G8R8A8 and B8G8R8X8.
        87 | 88 | 90..=93 => 87,
        other => other,
    };
    family(a) == family(b)
}

/// The rectangles to do, from `multipass_offset` on, with the offset that comes after each.
fn parts<'a>(
    all: &'a Edges,
    sub_rects: &'a [Edges],
    multipass_offset: u32,
) -> impl Iterator<Item = (u32, Edges)> + 'a {
    let list = if sub_rects.is_empty() { core::slice::from_ref(all) } else { sub_rects };
    let left = list.get(multipass_offset as usize..).unwrap_or_default();
    (multipass_offset..).zip(left).map(|(index, edges)| (index, *edges))
}

impl<K: Kernel> Adapter<K> {
    /// `DxgkDdiPresent`: a DMA buffer that waits for what is shown, and then copies, fills or flips. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// As [`Adapter::render`]; [`Status::BadField`] also for a flip when nothing was rendered yet, for surfaces whose formats
    /// differ, for a fill of one whose texels are no colours, and for a stretch within one allocation. What does not fit into the buffers is no error: see
    /// [`Rendered::multipass_offset`].
    pub fn present(&self, h_context: u64, args: Present<'_>) -> Result<Rendered, Status> {
        let (source, destination) = (&args.source, &args.destination);
        let is_flip = matches!(args.kind, PresentKind::Flip);
        let is_fill = matches!(args.kind, PresentKind::ColorFill { .. });
        // Behind the lock only what needs it: rectangles and buffers may be paged out, and there may be many.
        let (fence, from, to) = {
            let mut core = self.core.lock();
            core.started()?;
            core.count(counter::PRESENTS);
            let marker = core.present_marker(h_context, args.private_driver_data)?;
            let fence = marker.filter(|marker| marker.value != 0);
            if is_flip && fence.is_none() && h_context & KERNEL_CONTEXT == 0 {
                let rule = "a present follows the Render of its fence";
                return Err(Status::BadField { field: "value", value: 0, rule });
            }
            let from = if is_fill { None } else { Some(core.source_side(h_context, source, marker)?) };
            let to = if is_flip { None } else { Some(core.side(h_context, destination)?) };
            (fence, from.unwrap_or_default(), to.unwrap_or_default())
        };
        let mut writer =
            Writer::new(args.dma_buffer, args.dma_buffer_private_data, args.patch_location_list_out);
        if let Some(marker) = fence {
            writer.push(&fence_step(h_context, &marker), &[])?;
        }
        match args.kind {
            PresentKind::Flip => {
                let step = DmaStep {
                    frame: from.frame,
                    source: from.address,
                    source_allocation: from.h_allocation,
                    ..DmaStep::of(step_kind::FLIP)
                };
                writer.push(&step, &[(PRESENT_SOURCE_INDEX, DmaStep::SOURCE)])?;
                Ok(writer.rendered(None))
            }
            PresentKind::Blt { source_rect, destination_rect, sub_rects } => {
                if !same_bits(from.format, to.format) {
                    let rule = "source and destination have one format";
                    return Err(bad("format", u64::from(from.format), rule));
                }
                let blit_of = |clip| {
                    let rects = blit((source_rect, from.bounds), (destination_rect, to.bounds), clip)?;
                    Some(DmaStep {
                        frame: from.frame,
                        source: from.address,
                        destination: to.address,
                        source_allocation: from.h_allocation,
                        destination_allocation: to.h_allocation,
                        source_rect: rects.source,
                        destination_rect: rects.destination,
                        clip: rects.clip,
                        ..DmaStep::of(step_kind::BLIT)
                    })
                };
                let references = [
                    (PRESENT_SOURCE_INDEX, DmaStep::SOURCE),
                    (PRESENT_DESTINATION_INDEX, DmaStep::DESTINATION),
                ];
                let rects = parts(&destination_rect, sub_rects, args.multipass_offset);
                push_parts(&mut writer, rects, &references, blit_of)
            }
            PresentKind::ColorFill { color, destination_rect, sub_rects } => {
                let rule = "its texels are colours";
                let value = texel(color, to.format).ok_or(bad("format", u64::from(to.format), rule))?;
                let fill_of = |clip| {
                    let rect = intersect(intersect(clip, destination_rect)?, to.bounds)?;
                    Some(DmaStep {
                        value: u64::from(value),
                        destination: to.address,
                        destination_allocation: to.h_allocation,
                        destination_rect: rect,
                        ..DmaStep::of(step_kind::FILL)
                    })
                };
                let references = [(PRESENT_DESTINATION_INDEX, DmaStep::DESTINATION)];
                let rects = parts(&destination_rect, sub_rects, args.multipass_offset);
                push_parts(&mut writer, rects, &references, fill_of)
            }
        }
    }

    /// `DxgkDdiPatch`: writes where the memory manager has put the allocations. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::BadField`] for a patch that no call of ours asked for.
    pub fn patch(&self, args: Patch<'_>) -> Result<(), Status> {
        let (step_bytes, size) = (size_of::<DmaStep>() as u32, args.dma_buffer_private_data.len());
        // Private data that is not whole steps is not ours.
        let _ = steps(args.dma_buffer_private_data)?;
        for patch in args.patch_location_list {
            let at = patch.patch_offset % step_bytes;
            if at == 0 && (patch.patch_offset as usize) < size {
                continue;
            }
            let rule = "it is one that the driver asked for";
            let wrong = bad("PatchOffset", u64::from(patch.patch_offset), rule);
            let place = (patch.patch_offset as usize)
                .checked_add(8)
                .filter(|_| at == DmaStep::SOURCE || at == DmaStep::DESTINATION)
                .and_then(|end| args.dma_buffer_private_data.get_mut(patch.patch_offset as usize..end))
                .ok_or(wrong)?;
            let entry = args.allocation_list.get(patch.allocation_index as usize).ok_or(bad(
                "AllocationIndex",
                u64::from(patch.allocation_index),
                "it is in the allocation list",
            ))?;
            let address = address_in(entry.segment_id, entry.physical_address);
            place.copy_from_slice(&address.to_le_bytes());
        }
        Ok(())
    }
}

/// Writes a step for each rectangle that is seen; what does not fit is for the next pass.
fn push_parts(
    writer: &mut Writer<'_>,
    rects: impl Iterator<Item = (u32, Edges)>,
    references: &[(u32, u32)],
    step_of: impl Fn(Edges) -> Option<DmaStep>,
) -> Result<Rendered, Status> {
    let mut any = false;
    for (index, rect) in rects {
        let Some(step) = step_of(rect) else { continue };
        match writer.push(&step, references) {
            Ok(()) => any = true,
            Err(Status::InsufficientDmaBuffer { .. }) if any => return Ok(writer.rendered(Some(index))),
            Err(status) => return Err(status),
        }
    }
    if !any {
        // Nothing is seen, but dxgkrnl wants to submit something.
        writer.push(&DmaStep::of(step_kind::NOTHING), &[])?;
    }
    Ok(writer.rendered(None))
}

/// One side of a present.
#[derive(Clone, Copy, Debug, Default)]
struct Side {
    h_allocation: u64,
    bounds: Edges,
    format: u32,
    address: u64,
    frame: u32,
}

impl<K: Kernel> Core<K> {
    /// The marker of a present: what came along, or the context's last. A context without a ring has none.
    fn present_marker(&mut self, h_context: u64, given: &[u8]) -> Result<Option<FenceMarker>, Status> {
        if h_context & KERNEL_CONTEXT != 0 {
            self.device_of_context(h_context)?;
            return Ok(None);
        }
        let given = if given.is_empty() { None } else { Some(FenceMarker::read(given)?) };
        let (number, context) = self.contexts.get(h_context)?;
        let last = context.marker;
        let marker = given.unwrap_or(FenceMarker {
            header: PrivateHeader::new(FenceMarker::KIND),
            context: number,
            frame: last.frame,
            position: last.position,
            value: last.value,
            gate: 0,
        });
        let last = self.check_marker(h_context, &marker)?;
        if marker.value > last.value {
            let rule = "a present follows the Render of its fence";
            return Err(Status::BadField { field: "value", value: marker.value, rule });
        }
        Ok(Some(marker))
    }

    /// An allocation that the context's device has opened.
    fn side(&mut self, h_context: u64, entry: &AllocationListEntry) -> Result<Side, Status> {
        let h_device = self.device_of_context(h_context)?;
        let h_allocation = self.opened_by(h_device, entry.h_device_specific_allocation)?;
        let allocation = self.allocations.get(h_allocation).ok_or(Status::BadHandle(Handle::Allocation))?;
        let (width, height, format) = allocation.extent();
        let address = address_in(entry.segment_id, entry.physical_address);
        Ok(Side { h_allocation, bounds: whole(width, height), format, address, frame: 0 })
    }

    /// The side that is shown, with the frame that is: the marker's, or for those who present what others have drawn, like the
    /// desktop's compositor, the one that was presented last.
    fn source_side(
        &mut self,
        h_context: u64,
        entry: &AllocationListEntry,
        marker: Option<FenceMarker>,
    ) -> Result<Side, Status> {
        let side = self.side(h_context, entry)?;
        let frame = match marker {
            Some(marker) => {
                self.set_frame_shown(side.h_allocation, marker.frame);
                marker.frame
            }
            None => self.frame_shown(side.h_allocation),
        };
        Ok(Side { frame, ..side })
    }
}
