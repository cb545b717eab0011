//! `DxgkDdiGetStandardAllocationDriverData`: the surfaces that dxgkrnl makes for the desktop.

use bytemuck::bytes_of;
use pvgpu_protocol::aperture::PAGE_BYTES;
use pvgpu_protocol::format;
use pvgpu_protocol::kernel_interface::{PrivateHeader, StandardAllocationData, kind, standard_kind};
use pvgpu_protocol::limits::{MAX_SOURCES, MAX_SURFACE_PITCH};

use super::allocation::{MAX_EXTENT, bad};
use crate::adapter::Adapter;
use crate::kernel::Kernel;
use crate::status::Status;

/// Rows begin at multiples of this, in bytes: the pitch of [`crate::display::pitch`], which the source modes state.
const PITCH_ALIGN: u32 = 256;

/// `DXGKARG_GETSTANDARDALLOCATIONDRIVERDATA`: which surface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandardAllocation {
    /// `StandardAllocationType`: one of [`standard_kind`].
    pub kind: u32,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// `DXGI_FORMAT`; the C side translates `D3DDDIFORMAT`.
    pub format: u32,
    /// `VidPnSourceId` of a shared primary.
    pub vid_pn_source_id: u32,
    /// Frames a second × 1000 of a shared primary.
    pub refresh_millihertz: u32,
    /// `D3DKMDT_GDISURFACETYPE` of a GDI surface.
    pub gdi_type: u32,
}

/// What dxgkrnl is told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandardAllocationInfo {
    /// `AllocationPrivateDriverDataSize`, in bytes. `ResourcePrivateDriverDataSize` is 0.
    pub private_data_bytes: usize,
    /// Bytes from row to row (`Pitch` of shadow, staging and GDI surfaces).
    pub pitch: u32,
}

/// What a surface of these sizes needs.
fn plan(wanted: &StandardAllocation) -> Result<StandardAllocationData, Status> {
    check_extent(wanted.width, wanted.height)?;
    let texel = texel_bytes(wanted.format)?;
    let pitch = (wanted.width * texel).next_multiple_of(PITCH_ALIGN);
    let of_primary = wanted.kind == standard_kind::SHARED_PRIMARY;
    let data = StandardAllocationData {
        header: PrivateHeader::new(kind::STANDARD_ALLOCATION),
        kind: wanted.kind,
        width: wanted.width,
        height: wanted.height,
        pitch,
        format: wanted.format,
        source: if of_primary { wanted.vid_pn_source_id } else { 0 },
        refresh_millihertz: if of_primary { wanted.refresh_millihertz } else { 0 },
        gdi_type: if wanted.kind == standard_kind::GDI { wanted.gdi_type } else { 0 },
        bytes: (u64::from(pitch) * u64::from(wanted.height)).next_multiple_of(PAGE_BYTES),
    };
    check(&data)?;
    Ok(data)
}

fn check_extent(width: u32, height: u32) -> Result<(), Status> {
    for (field, value) in [("width", width), ("height", height)] {
        if !(1..=MAX_EXTENT).contains(&value) {
            return Err(bad(field, u64::from(value), "it is 1 to 16384"));
        }
    }
    Ok(())
}

/// Bytes of a texel of a format that ring 0 can copy and fill: 1, 2 or 4.
fn texel_bytes(format: u32) -> Result<u32, Status> {
    format::info(format)
        .filter(|info| (info.block_width, info.block_height) == (1, 1))
        .map(|info| info.block_bytes)
        .filter(|bytes| matches!(bytes, 1 | 2 | 4))
        .ok_or(bad("format", u64::from(format), "it is a DXGI_FORMAT of 1, 2 or 4 bytes a pixel"))
}

/// Checks private data that was written by [`plan`], or by somebody who can write too.
///
/// # Errors
/// [`Status::BadField`].
pub(crate) fn check(data: &StandardAllocationData) -> Result<(), Status> {
    if !(standard_kind::SHARED_PRIMARY..=standard_kind::GDI).contains(&data.kind) {
        return Err(bad("kind", u64::from(data.kind), "it is one of standard_kind"));
    }
    check_extent(data.width, data.height)?;
    let texel = texel_bytes(data.format)?;
    let pitch = u64::from(data.pitch);
    let row = u64::from(data.width) * u64::from(texel);
    if pitch < row || data.pitch > MAX_SURFACE_PITCH || !data.pitch.is_multiple_of(4) {
        return Err(bad("pitch", pitch, "it is a multiple of 4 up to 1 MiB and holds a row"));
    }
    if data.bytes < pitch * u64::from(data.height) || !data.bytes.is_multiple_of(PAGE_BYTES) {
        return Err(bad("bytes", data.bytes, "it is whole pages and holds all rows"));
    }
    if data.bytes > MAX_STANDARD_BYTES {
        return Err(bad("bytes", data.bytes, "it is no larger than the largest surface"));
    }
    if data.source >= MAX_SOURCES {
        return Err(bad("source", u64::from(data.source), "there is one source"));
    }
    Ok(())
}

/// 16384 × 16384 pixels of 4 bytes.
const MAX_STANDARD_BYTES: u64 = 1 << 30;

impl<K: Kernel> Adapter<K> {
    /// `DxgkDdiGetStandardAllocationDriverData`. dxgkrnl calls twice: without a buffer to learn its size, then with it.
    /// `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::BadField`] for a surface that cannot be, or a buffer of the wrong size.
    pub fn get_standard_allocation_driver_data(
        &self,
        wanted: &StandardAllocation,
        private_driver_data: Option<&mut [u8]>,
    ) -> Result<StandardAllocationInfo, Status> {
        let data = plan(wanted)?;
        let private_data_bytes = size_of::<StandardAllocationData>();
        if let Some(place) = private_driver_data {
            if place.len() != private_data_bytes {
                let rule = "it is what the first call said";
                return Err(bad("AllocationPrivateDriverDataSize", place.len() as u64, rule));
            }
            place.copy_from_slice(bytes_of(&data));
        }
        Ok(StandardAllocationInfo { private_data_bytes, pitch: data.pitch })
    }
}
