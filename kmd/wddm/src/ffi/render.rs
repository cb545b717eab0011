//! Render, Present and Patch: the DMA buffers.
#![expect(unsafe_code, reason = "entry points of the DDI")]

use core::ffi::c_void;

use pvgpu_kmd::Status;
use pvgpu_kmd::ddi::{
    PRESENT_DESTINATION_INDEX, PRESENT_SOURCE_INDEX, Patch, PatchLocation, Present, PresentKind, Render,
    Rendered,
};
use pvgpu_kmd_ddi::{
    D3DDDI_PATCHLOCATIONLIST, DXGK_PATCHFLAGS, DXGK_PRESENTFLAGS, DXGKARG_PATCH, DXGKARG_PRESENT,
    DXGKARG_RENDER, HANDLE, NTSTATUS, RECT, STATUS_GRAPHICS_INSUFFICIENT_DMA_BUFFER,
    STATUS_INVALID_PARAMETER, STATUS_INVALID_USER_BUFFER, STATUS_NOT_SUPPORTED, STATUS_SUCCESS,
};
use pvgpu_protocol::kernel_interface::FenceMarker;

use crate::convert::{argument, array, array_mut, bytes_mut, error};
use crate::device::Device;
use crate::handles::Object;
use crate::lists::{MAX_ENTRIES, allocation, patch, with_list, write_patches};
use crate::nt::Nt;

/// Copies what `pCommand` points to: a marker in user memory, which may change or vanish at any time.
///
/// # Errors
/// `STATUS_INVALID_USER_BUFFER` when it is not as long as a marker, or not there.
fn copy_command<N: Nt>(argument: &DXGKARG_RENDER) -> Result<[u8; size_of::<FenceMarker>()], NTSTATUS> {
    let mut command = [0; size_of::<FenceMarker>()];
    if argument.CommandLength as usize != command.len() {
        return Err(STATUS_INVALID_USER_BUFFER);
    }
    // SAFETY: the copy has room for as many bytes; whether they can be read is what the function finds out.
    let copied = unsafe { N::copy_from_user(command.as_mut_ptr(), argument.pCommand.cast(), command.len()) };
    if copied { Ok(command) } else { Err(STATUS_INVALID_USER_BUFFER) }
}

/// The buffers that a call fills, and how far they are filled.
struct Buffers<'a> {
    dma: &'a mut *mut c_void,
    dma_bytes: &'a mut u32,
    private: &'a mut *mut c_void,
    private_bytes: &'a mut u32,
    patches: &'a mut *mut D3DDDI_PATCHLOCATIONLIST,
    patch_count: &'a mut u32,
    multipass_offset: &'a mut u32,
}

impl Buffers<'_> {
    /// Lets the core fill them, and moves the pointers behind what it wrote, as the DDI wants them.
    ///
    /// # Safety
    /// The pointers are null or have the room that stands beside them, which is the call's alone.
    unsafe fn fill(
        self,
        fill: impl FnOnce(&mut [u8], &mut [u8], &mut [PatchLocation]) -> Result<Rendered, Status>,
    ) -> NTSTATUS {
        // SAFETY: the caller's promise.
        let dma = unsafe { bytes_mut(*self.dma, *self.dma_bytes) };
        // SAFETY: the caller's promise.
        let private = unsafe { bytes_mut(*self.private, *self.private_bytes) };
        // SAFETY: the caller's promise.
        let patches = unsafe { array_mut(*self.patches, *self.patch_count) };
        let (Some(dma), Some(private), Some(patches)) = (dma, private, patches) else {
            return STATUS_INVALID_PARAMETER;
        };
        let mut list = [PatchLocation::default(); MAX_ENTRIES];
        let room = list.get_mut(..patches.len().min(MAX_ENTRIES)).unwrap_or_default();
        let rendered = match fill(dma, private, room) {
            Ok(rendered) => rendered,
            Err(status) => return error(status),
        };
        let made = list.get(..rendered.patch_locations).unwrap_or_default();
        write_patches(patches, made);
        *self.dma = self.dma.wrapping_byte_add(rendered.dma_buffer_bytes);
        *self.private = self.private.wrapping_byte_add(rendered.private_data_bytes);
        *self.patches = self.patches.wrapping_add(made.len());
        match rendered.multipass_offset {
            None => STATUS_SUCCESS,
            Some(offset) => {
                *self.multipass_offset = offset;
                STATUS_GRAPHICS_INSUFFICIENT_DMA_BUFFER
            }
        }
    }
}

/// `DxgkDdiRender`: checks the marker that user mode wrote, and makes a DMA buffer of it. `PASSIVE_LEVEL`, in the context's
/// process.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_render<N: Nt>(
    h_context: HANDLE,
    render: *mut DXGKARG_RENDER,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what CreateContext made.
    let object = unsafe { Object::<N>::from_handle(h_context) };
    // SAFETY: dxgkrnl's argument.
    let argument = unsafe { argument(render) };
    let (Some(object), Some(argument)) = (object, argument) else { return STATUS_INVALID_PARAMETER };
    let command = match copy_command::<N>(argument) {
        Ok(command) => command,
        Err(status) => return status,
    };
    // SAFETY: dxgkrnl's own list.
    let list = unsafe { array(argument.pAllocationList, argument.AllocationListSize) };
    let Some(list) = list else { return STATUS_INVALID_PARAMETER };
    let buffers = Buffers {
        dma: &mut argument.pDmaBuffer,
        dma_bytes: &mut argument.DmaSize,
        private: &mut argument.pDmaBufferPrivateData,
        private_bytes: &mut argument.DmaBufferPrivateDataSize,
        patches: &mut argument.pPatchLocationListOut,
        patch_count: &mut argument.PatchLocationListOutSize,
        multipass_offset: &mut argument.MultipassOffset,
    };
    let rendered = with_list(list, allocation, |allocation_list| {
        let render = |dma_buffer: &mut [u8], private: &mut [u8], patches: &mut [PatchLocation]| {
            object.device().adapter().render(
                object.number(),
                Render {
                    command: &command,
                    dma_buffer,
                    dma_buffer_private_data: private,
                    allocation_list,
                    patch_location_list_out: patches,
                },
            )
        };
        // SAFETY: dxgkrnl's buffers, with the sizes that it says.
        unsafe { buffers.fill(render) }
    });
    rendered.unwrap_or(STATUS_INVALID_PARAMETER)
}

/// `DxgkDdiRenderKm`: GDI's commands, which the capabilities do not offer. `PASSIVE_LEVEL`.
///
/// # Safety
/// None: it touches nothing.
pub(crate) unsafe extern "win64" fn dxgk_ddi_render_km(
    _h_context: HANDLE,
    _render: *mut DXGKARG_RENDER,
) -> NTSTATUS {
    STATUS_NOT_SUPPORTED
}

/// A rectangle as the core has it: left, top, right, bottom.
fn edges(rect: RECT) -> [i32; 4] {
    [rect.left, rect.top, rect.right, rect.bottom]
}

/// What a present does, by its flags.
fn present_kind<'a>(argument: &DXGKARG_PRESENT, sub_rects: &'a [[i32; 4]]) -> Option<PresentKind<'a>> {
    let flags = argument.Flags;
    let destination_rect = edges(argument.DstRect);
    let known = DXGK_PRESENTFLAGS::Blt
        | DXGK_PRESENTFLAGS::ColorFill
        | DXGK_PRESENTFLAGS::Flip
        | DXGK_PRESENTFLAGS::FlipWithNoWait;
    if flags.Value & !known != 0 {
        // Colour keys, stereo, overlays, rotation: nothing that the capabilities offer.
        return None;
    }
    if flags.has(DXGK_PRESENTFLAGS::ColorFill) {
        Some(PresentKind::ColorFill { color: argument.Color, destination_rect, sub_rects })
    } else if flags.has(DXGK_PRESENTFLAGS::Blt) {
        Some(PresentKind::Blt { source_rect: edges(argument.SrcRect), destination_rect, sub_rects })
    } else if flags.Value & (DXGK_PRESENTFLAGS::Flip | DXGK_PRESENTFLAGS::FlipWithNoWait) != 0 {
        Some(PresentKind::Flip)
    } else {
        None
    }
}

/// `DxgkDdiPresent`: a DMA buffer that waits for what is shown and then copies, fills or flips. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_present<N: Nt>(
    h_context: HANDLE,
    present: *mut DXGKARG_PRESENT,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what CreateContext made.
    let object = unsafe { Object::<N>::from_handle(h_context) };
    // SAFETY: dxgkrnl's argument.
    let argument = unsafe { argument(present) };
    let (Some(object), Some(argument)) = (object, argument) else { return STATUS_INVALID_PARAMETER };
    // SAFETY: dxgkrnl's own list, which has a place for nothing, for the source and for the destination.
    let list = unsafe { array(argument.pAllocationList, PRESENT_DESTINATION_INDEX + 1) };
    let side = |index: u32| list.and_then(|list| list.get(index as usize)).map(allocation);
    let (Some(source), Some(destination)) = (side(PRESENT_SOURCE_INDEX), side(PRESENT_DESTINATION_INDEX))
    else {
        return STATUS_INVALID_PARAMETER;
    };
    // SAFETY: dxgkrnl's own list.
    let sub_rects = unsafe { array(argument.pDstSubRects, argument.SubRectCnt) };
    let Some(sub_rects) = sub_rects else { return STATUS_INVALID_PARAMETER };
    // PANIC: a RECT is four integers in this order, so the cast is of equal sizes and alignments.
    let Some(kind) = present_kind(argument, bytemuck::cast_slice(sub_rects)) else {
        return STATUS_NOT_SUPPORTED;
    };
    let multipass_offset = argument.MultipassOffset;
    let buffers = Buffers {
        dma: &mut argument.pDmaBuffer,
        dma_bytes: &mut argument.DmaSize,
        private: &mut argument.pDmaBufferPrivateData,
        private_bytes: &mut argument.DmaBufferPrivateDataSize,
        patches: &mut argument.pPatchLocationListOut,
        patch_count: &mut argument.PatchLocationListOutSize,
        multipass_offset: &mut argument.MultipassOffset,
    };
    let present = |dma_buffer: &mut [u8], private: &mut [u8], patches: &mut [PatchLocation]| {
        object.device().adapter().present(
            object.number(),
            Present {
                kind,
                private_driver_data: &[],
                dma_buffer,
                dma_buffer_private_data: private,
                source,
                destination,
                patch_location_list_out: patches,
                multipass_offset,
            },
        )
    };
    // SAFETY: dxgkrnl's buffers, with the sizes that it says.
    unsafe { buffers.fill(present) }
}

/// `DxgkDdiPatch`: writes where the memory manager has put the allocations. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_patch<N: Nt>(
    h_adapter: HANDLE,
    patch: *const DXGKARG_PATCH,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(h_adapter) };
    // SAFETY: dxgkrnl's argument, which is only read.
    let argument = unsafe { patch.as_ref() };
    let (Some(device), Some(argument)) = (device, argument) else { return STATUS_INVALID_PARAMETER };
    if argument.Flags.has(DXGK_PATCHFLAGS::Paging) {
        // The operation named the addresses.
        return STATUS_SUCCESS;
    }
    patch_dma_buffer(device, argument).unwrap_or(STATUS_INVALID_PARAMETER)
}

/// The patches of one submission; `None` for an argument that contradicts itself.
fn patch_dma_buffer<N: Nt>(device: &Device<N>, argument: &DXGKARG_PATCH) -> Option<NTSTATUS> {
    // Offsets count from the start of the DMA buffer, and the steps stand at the same places in the private data.
    let end = argument.DmaBufferSubmissionEndOffset as usize;
    // SAFETY: dxgkrnl's own buffer, which is the call's alone.
    let private = unsafe { bytes_mut(argument.pDmaBufferPrivateData, argument.DmaBufferPrivateDataSize) }?;
    let private = private.get_mut(..end)?;
    // SAFETY: dxgkrnl's own list.
    let allocations = unsafe { array(argument.pAllocationList, argument.AllocationListSize) }?;
    // SAFETY: dxgkrnl's own list.
    let patches = unsafe { array(argument.pPatchLocationList, argument.PatchLocationListSize) }?;
    let first = argument.PatchLocationListSubmissionStart as usize;
    let patches = patches.get(first..)?.get(..argument.PatchLocationListSubmissionLength as usize)?;
    // One at a time, since the lists are dxgkrnl's: user mode may have asked for longer ones than the context began with, and a
    // failure here ends the system (bug check 0x119).
    for entry in patches {
        let used = allocations.get(entry.AllocationIndex as usize).map(allocation);
        let patched = device.adapter().patch(Patch {
            dma_buffer_private_data: &mut *private,
            allocation_list: used.as_slice(),
            patch_location_list: &[PatchLocation { allocation_index: 0, ..patch(entry) }],
        });
        if let Err(status) = patched {
            return Some(error(status));
        }
    }
    Some(STATUS_SUCCESS)
}
