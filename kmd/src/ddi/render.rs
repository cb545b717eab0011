//! Turns what user mode submits into DMA buffers: a checked copy of the fence marker, and nothing else.

use pvgpu_protocol::kernel_interface::{FenceMarker, PrivateData};
use pvgpu_protocol::limits::MAX_FRAMES_IN_FLIGHT;

use super::dma::{DmaStep, PatchLocation, Rendered, Writer, step_kind};
use crate::adapter::Adapter;
use crate::context::{Life, Marker};
use crate::core_state::Core;
use crate::kernel::{Kernel, SpinLock};
use crate::status::{Handle, Status};

/// `DXGK_ALLOCATIONLIST`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AllocationListEntry {
    /// What [`Adapter::open_allocation`] gave; 0 for an entry that is not used.
    pub h_device_specific_allocation: u64,
    /// `WriteOperation`.
    pub write_operation: bool,
    /// The segment in which the allocation lies now, 0 when it lies in none.
    pub segment_id: u32,
    /// Its address there.
    pub physical_address: u64,
}

/// `DXGKARG_RENDER`.
#[derive(Debug)]
pub struct Render<'a> {
    /// `pCommand`: a copy of the [`FenceMarker`] from user mode.
    pub command: &'a [u8],
    /// `pDmaBuffer`.
    pub dma_buffer: &'a mut [u8],
    /// `pDmaBufferPrivateData`.
    pub dma_buffer_private_data: &'a mut [u8],
    /// `pAllocationList`.
    pub allocation_list: &'a [AllocationListEntry],
    /// `pPatchLocationListOut`.
    pub patch_location_list_out: &'a mut [PatchLocation],
}

impl<K: Kernel> Adapter<K> {
    /// `DxgkDdiRender`: checks the marker and writes it as the DMA buffer. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::PrivateData`], [`Status::BadField`] for a marker of another context or one that goes backwards;
    /// [`Status::InsufficientDmaBuffer`], after which dxgkrnl calls again with larger buffers; [`Status::DeviceRemoved`].
    pub fn render(&self, h_context: u64, args: Render<'_>) -> Result<Rendered, Status> {
        let marker = FenceMarker::read(args.command)?;
        {
            let mut core = self.core.lock();
            core.check_next_marker(h_context, &marker)?;
            let h_device = core.device_of_context(h_context)?;
            for entry in args.allocation_list {
                core.opened_by(h_device, entry.h_device_specific_allocation)?;
            }
        }
        // Outside the lock: the lists may be paged out.
        let mut writer =
            Writer::new(args.dma_buffer, args.dma_buffer_private_data, args.patch_location_list_out);
        // A marker has no address, but dxgkrnl keeps only those allocations in their place that the patch list names.
        let mut uses = [(0, 0); MAX_USES];
        for (place, index) in uses.iter_mut().zip(0..) {
            *place = (index, 0);
        }
        let uses = uses.get(..args.allocation_list.len()).ok_or(Status::BadField {
            field: "AllocationListSize",
            value: args.allocation_list.len() as u64,
            rule: "it is what CreateContext said at most",
        })?;
        writer.push(&fence_step(h_context, &marker), uses)?;
        let FenceMarker { position, value, gate, frame, .. } = marker;
        let mut core = self.core.lock();
        core.check_next_marker(h_context, &marker)?;
        let (_, context) = core.contexts.get(h_context)?;
        context.marker = Marker { position, value, gate, frame };
        Ok(writer.rendered(None))
    }
}

/// The most allocations that a marker may name.
const MAX_USES: usize = 64;

/// The step that waits for a marker's fence.
pub(crate) fn fence_step(h_context: u64, marker: &FenceMarker) -> DmaStep {
    let FenceMarker { value, gate, frame, .. } = *marker;
    DmaStep { h_context, value, gate, frame, ..DmaStep::of(step_kind::FENCE) }
}

impl<K: Kernel> Core<K> {
    /// Checks a marker that is to follow the context's last one.
    fn check_next_marker(&mut self, h_context: u64, marker: &FenceMarker) -> Result<(), Status> {
        let before = self.check_marker(h_context, marker)?;
        if marker.value <= before.value || marker.position <= before.position {
            let rule = "fences and positions rise from submission to submission";
            return Err(Status::BadField { field: "value", value: marker.value, rule });
        }
        Ok(())
    }

    /// Checks a marker against its context; gives the context's last marker.
    pub(crate) fn check_marker(&mut self, h_context: u64, marker: &FenceMarker) -> Result<Marker, Status> {
        self.working_link()?;
        let (number, context) = self.contexts.get(h_context)?;
        if context.life != Life::Live {
            return Err(Status::DeviceRemoved);
        }
        let last = context.marker;
        if marker.context != number {
            return Err(Status::NotOwner(Handle::Context));
        }
        if marker.frame >= MAX_FRAMES_IN_FLIGHT {
            let rule = "an allocation has MAX_FRAMES_IN_FLIGHT frames";
            return Err(Status::BadField { field: "frame", value: u64::from(marker.frame), rule });
        }
        Ok(last)
    }
}
