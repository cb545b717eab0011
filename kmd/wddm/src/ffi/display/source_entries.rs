//! What the source shows: address, visibility, palette, pointer, scan line, vertical blank.
#![expect(unsafe_code, reason = "entry points of the DDI")]

use pvgpu_kmd::display::{PointerShape, SOURCE_ID, SetVidPnSourceAddress};
use pvgpu_kmd::{Adapter, Kernel};
use pvgpu_kmd_ddi::{
    BOOLEAN, D3DDDI_ID_ALL, DXGK_SETPOINTERPOSITIONFLAGS, DXGKARG_GETSCANLINE, DXGKARG_SETPALETTE,
    DXGKARG_SETPOINTERPOSITION, DXGKARG_SETPOINTERSHAPE, DXGKARG_SETVIDPNSOURCEADDRESS,
    DXGKARG_SETVIDPNSOURCEVISIBILITY, HANDLE, NTSTATUS, STATUS_INVALID_PARAMETER, STATUS_NOT_SUPPORTED,
    STATUS_SUCCESS,
};

use crate::convert::{bytes, error, ntstatus, number_of};
use crate::device::Device;
use crate::nt::Nt;

/// `DxgkDdiSetVidPnSourceAddress`: called for mode changes; flips go through DMA buffers. IRQL ≤ `DISPATCH_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_set_vid_pn_source_address<N: Nt>(
    h_adapter: HANDLE,
    set_vid_pn_source_address: *const DXGKARG_SETVIDPNSOURCEADDRESS,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(h_adapter) };
    // SAFETY: dxgkrnl's block, which nobody writes meanwhile.
    let args = unsafe { set_vid_pn_source_address.as_ref() };
    let Some((device, args)) = device.zip(args) else { return STATUS_INVALID_PARAMETER };
    ntstatus(device.adapter().set_vid_pn_source_address(SetVidPnSourceAddress {
        vid_pn_source_id: args.VidPnSourceId,
        h_allocation: number_of(args.hAllocation),
        primary_address: args.PrimaryAddress.cast_unsigned(),
    }))
}

/// `DxgkDdiSetVidPnSourceVisibility`. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_set_vid_pn_source_visibility<N: Nt>(
    h_adapter: HANDLE,
    set_vid_pn_source_visibility: *const DXGKARG_SETVIDPNSOURCEVISIBILITY,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(h_adapter) };
    // SAFETY: dxgkrnl's block, which nobody writes meanwhile.
    let args = unsafe { set_vid_pn_source_visibility.as_ref() };
    let Some((device, args)) = device.zip(args) else { return STATUS_INVALID_PARAMETER };
    let source = if args.VidPnSourceId == D3DDDI_ID_ALL { SOURCE_ID } else { args.VidPnSourceId };
    ntstatus(device.adapter().set_vid_pn_source_visibility(source, args.Visible != 0))
}

/// `DxgkDdiSetPalette`: no mode has a palette. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_set_palette(
    h_adapter: HANDLE,
    set_palette: *const DXGKARG_SETPALETTE,
) -> NTSTATUS {
    if h_adapter.is_null() || set_palette.is_null() { STATUS_INVALID_PARAMETER } else { STATUS_NOT_SUPPORTED }
}

/// `DxgkDdiSetPointerPosition`. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_set_pointer_position<N: Nt>(
    h_adapter: HANDLE,
    set_pointer_position: *const DXGKARG_SETPOINTERPOSITION,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(h_adapter) };
    // SAFETY: dxgkrnl's block, which nobody writes meanwhile.
    let args = unsafe { set_pointer_position.as_ref() };
    let Some((device, args)) = device.zip(args) else { return STATUS_INVALID_PARAMETER };
    let visible = args.Flags.has(DXGK_SETPOINTERPOSITIONFLAGS::Visible);
    ntstatus(device.adapter().set_pointer_position(args.VidPnSourceId, (args.X, args.Y), visible))
}

/// `DxgkDdiSetPointerShape`. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says: `pPixels` is kernel memory, perhaps paged, with as many bytes as the shape's fields say.
pub(crate) unsafe extern "win64" fn dxgk_ddi_set_pointer_shape<N: Nt>(
    h_adapter: HANDLE,
    set_pointer_shape: *const DXGKARG_SETPOINTERSHAPE,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(h_adapter) };
    // SAFETY: dxgkrnl's block, which nobody writes meanwhile.
    let args = unsafe { set_pointer_shape.as_ref() };
    let Some((device, args)) = device.zip(args) else { return STATUS_INVALID_PARAMETER };
    let shape = PointerShape {
        vid_pn_source_id: args.VidPnSourceId,
        kind: args.Flags.Value,
        width: args.Width,
        height: args.Height,
        pitch: args.Pitch,
    };
    let count = match shape.bytes() {
        Ok(count) => count,
        Err(status) => return error(status),
    };
    let Ok(count) = u32::try_from(count) else { return STATUS_INVALID_PARAMETER };
    // SAFETY: dxgkrnl's bitmap, of as many bytes as its fields say.
    let Some(pixels) = (unsafe { bytes(args.pPixels, count) }) else { return STATUS_INVALID_PARAMETER };
    // PANIC: the pitch is not 0, since it holds a row.
    let rows = pixels.chunks(shape.pitch as usize);
    ntstatus(device.adapter().set_pointer_shape(&shape, rows))
}

/// `DxgkDdiGetScanLine`. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_get_scan_line<N: Nt>(
    h_adapter: HANDLE,
    get_scan_line: *mut DXGKARG_GETSCANLINE,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(h_adapter) };
    // SAFETY: dxgkrnl's block is the call's alone.
    let args = unsafe { get_scan_line.as_mut() };
    let Some((device, args)) = device.zip(args) else { return STATUS_INVALID_PARAMETER };
    match device.adapter().get_scan_line(args.VidPnTargetId) {
        Ok(line) => {
            args.InVerticalBlank = BOOLEAN::from(line.in_vertical_blank);
            args.ScanLine = line.scan_line;
            STATUS_SUCCESS
        }
        Err(status) => error(status),
    }
}

/// The vertical blank's part of `DxgkDdiControlInterrupt`. IRQL ≤ `DISPATCH_LEVEL`.
pub(crate) fn control_vsync<K: Kernel>(adapter: &Adapter<K>, enable: bool) -> NTSTATUS {
    adapter.control_vsync(enable);
    STATUS_SUCCESS
}
