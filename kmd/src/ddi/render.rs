//! Turns what user mode submits into DMA buffers: a checked copy of the fence marker, and nothing else.
//!
//! The commands themselves reached the host through the context's ring long before. The DMA buffer names the fence that
//! says when they are done; what [`Adapter::submit_command`] needs of it travels in the DMA buffer's private data, which
//! user mode never sees.

use bytemuck::{Pod, Zeroable};
use pvgpu_protocol::kernel_interface::{FenceMarker, PrivateData};
use pvgpu_protocol::limits::MAX_FRAMES_IN_FLIGHT;

use crate::adapter::Adapter;
use crate::context::{Life, Marker};
use crate::core_state::Core;
use crate::kernel::{Kernel, SpinLock};
use crate::status::{Handle, Status};

/// What the DMA buffer's private data holds, written by [`Adapter::render`] and [`Adapter::present`].
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct DmaPrivateData {
    /// The context.
    pub h_context: u64,
    /// The protocol fence.
    pub value: u64,
    /// The gate to open first, 0 for none.
    pub gate: u64,
    /// The presented frame.
    pub frame: u32,
    /// Zero.
    pub reserved: u32,
}

/// `DXGK_ALLOCATIONLIST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllocationListEntry {
    /// What [`Adapter::open_allocation`] gave.
    pub h_device_specific_allocation: u64,
    /// `WriteOperation`.
    pub write_operation: bool,
}

/// `D3DDDI_PATCHLOCATIONLIST`. The DMA buffer holds no address, so an entry only says that an allocation is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PatchLocation {
    /// Index in the allocation list.
    pub allocation_index: u32,
    /// Where in the DMA buffer; the start.
    pub patch_offset: u32,
}

/// `DXGKARG_RENDER`.
#[derive(Debug)]
pub struct Render<'a> {
    /// `pCommand`: a [`FenceMarker`] from user mode.
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

/// `DXGKARG_PRESENT`.
#[derive(Debug)]
pub struct Present<'a> {
    /// `pPrivateDriverData`: a [`FenceMarker`] from user mode, or nothing: then the context's last rendered one counts.
    pub private_driver_data: &'a [u8],
    /// `pDmaBuffer`.
    pub dma_buffer: &'a mut [u8],
    /// `pDmaBufferPrivateData`.
    pub dma_buffer_private_data: &'a mut [u8],
    /// The source.
    pub source: AllocationListEntry,
    /// `pPatchLocationListOut`.
    pub patch_location_list_out: &'a mut [PatchLocation],
}

/// How much of its buffers a call has filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// Bytes of the DMA buffer.
    pub dma_buffer_bytes: usize,
    /// Bytes of its private data.
    pub private_data_bytes: usize,
    /// Entries of the patch location list.
    pub patch_locations: usize,
}

/// Copies `from` to the start of `to`.
fn put(to: &mut [u8], from: &[u8]) -> Result<(), Status> {
    let room = to.get_mut(..from.len()).ok_or(Status::InsufficientDmaBuffer { needed: from.len() })?;
    room.copy_from_slice(from);
    Ok(())
}

/// Writes DMA buffer, private data and patch list.
fn emit(
    marker: &FenceMarker,
    private: &DmaPrivateData,
    (dma_buffer, dma_private): (&mut [u8], &mut [u8]),
    allocations: usize,
    patch_list: &mut [PatchLocation],
) -> Result<Rendered, Status> {
    let patches =
        patch_list.get_mut(..allocations).ok_or(Status::InsufficientDmaBuffer { needed: allocations })?;
    put(dma_buffer, bytemuck::bytes_of(marker))?;
    put(dma_private, bytemuck::bytes_of(private))?;
    for (patch, allocation_index) in patches.iter_mut().zip(0..) {
        *patch = PatchLocation { allocation_index, patch_offset: 0 };
    }
    Ok(Rendered {
        dma_buffer_bytes: size_of::<FenceMarker>(),
        private_data_bytes: size_of::<DmaPrivateData>(),
        patch_locations: allocations,
    })
}

impl<K: Kernel> Adapter<K> {
    /// `DxgkDdiRender`: checks the marker and writes it as the DMA buffer. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::PrivateData`], [`Status::BadField`] for a marker of another context or one that goes backwards;
    /// [`Status::InsufficientDmaBuffer`], after which dxgkrnl calls again with larger buffers; [`Status::DeviceRemoved`].
    pub fn render(&self, h_context: u64, args: Render<'_>) -> Result<Rendered, Status> {
        let marker = FenceMarker::read(args.command)?;
        let mut core = self.core.lock();
        let before = core.check_marker(h_context, &marker, args.allocation_list)?;
        if marker.value <= before.value || marker.position <= before.position {
            let rule = "fences and positions rise from submission to submission";
            return Err(Status::BadField { field: "value", value: marker.value, rule });
        }
        let rendered = emit(
            &marker,
            &private_data(h_context, &marker),
            (args.dma_buffer, args.dma_buffer_private_data),
            args.allocation_list.len(),
            args.patch_location_list_out,
        )?;
        let FenceMarker { position, value, gate, frame, .. } = marker;
        let (_, context) = core.contexts.get(h_context)?;
        context.marker = Marker { position, value, gate, frame };
        Ok(rendered)
    }

    /// `DxgkDdiPresent`, of a frame that the context's ring presents: writes a DMA buffer that is done when the frame
    /// is there. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// As [`Adapter::render`]; [`Status::BadField`] also when nothing was rendered yet.
    pub fn present(&self, h_context: u64, args: Present<'_>) -> Result<Rendered, Status> {
        let given = if args.private_driver_data.is_empty() {
            None
        } else {
            Some(FenceMarker::read(args.private_driver_data)?)
        };
        let mut core = self.core.lock();
        let (number, context) = core.contexts.get(h_context)?;
        let last = context.marker;
        let marker = given.unwrap_or(FenceMarker {
            header: pvgpu_protocol::kernel_interface::PrivateHeader::new(FenceMarker::KIND),
            context: number,
            frame: last.frame,
            position: last.position,
            value: last.value,
            gate: 0,
        });
        let last = core.check_marker(h_context, &marker, &[args.source])?;
        if marker.value == 0 || marker.value > last.value {
            let rule = "a present follows the Render of its fence";
            return Err(Status::BadField { field: "value", value: marker.value, rule });
        }
        emit(
            &marker,
            &private_data(h_context, &marker),
            (args.dma_buffer, args.dma_buffer_private_data),
            1,
            args.patch_location_list_out,
        )
    }

    /// `DxgkDdiPatch`: the DMA buffer holds no address, so nothing is patched. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::BadField`] for a patch that [`Adapter::render`] did not ask for.
    pub fn patch(&self, patch_location_list: &[PatchLocation]) -> Result<(), Status> {
        match patch_location_list.iter().find(|patch| patch.patch_offset != 0) {
            Some(patch) => {
                let value = u64::from(patch.patch_offset);
                Err(Status::BadField { field: "PatchOffset", value, rule: "a marker has no addresses" })
            }
            None => Ok(()),
        }
    }
}

fn private_data(h_context: u64, marker: &FenceMarker) -> DmaPrivateData {
    DmaPrivateData { h_context, value: marker.value, gate: marker.gate, frame: marker.frame, reserved: 0 }
}

impl<K: Kernel> Core<K> {
    /// Checks a marker against its context and the allocations it comes with; gives the context's last marker.
    fn check_marker(
        &mut self,
        h_context: u64,
        marker: &FenceMarker,
        allocations: &[AllocationListEntry],
    ) -> Result<Marker, Status> {
        self.working_link()?;
        let (number, context) = self.contexts.get(h_context)?;
        if context.life != Life::Live {
            return Err(Status::DeviceRemoved);
        }
        let (device, last) = (context.device, context.marker);
        if marker.context != number {
            return Err(Status::NotOwner(Handle::Context));
        }
        if marker.frame >= MAX_FRAMES_IN_FLIGHT {
            let rule = "an allocation has MAX_FRAMES_IN_FLIGHT frames";
            return Err(Status::BadField { field: "frame", value: u64::from(marker.frame), rule });
        }
        for entry in allocations {
            self.opened_by(device, entry.h_device_specific_allocation)?;
        }
        Ok(last)
    }
}
