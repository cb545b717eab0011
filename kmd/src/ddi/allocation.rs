//! Allocations: the surfaces that dxgkrnl must know because they are presented.

use pvgpu_protocol::command::HeapRange;
use pvgpu_protocol::format;
use pvgpu_protocol::kernel_interface::{AllocationData, PrivateData};
use pvgpu_protocol::limits::MAX_FRAMES_IN_FLIGHT;
use pvgpu_protocol::telemetry::{Level, area, code};

use crate::adapter::Adapter;
use crate::context::handle;
use crate::core_state::Core;
use crate::kernel::{ApertureRange, Kernel, SpinLock};
use crate::slab::Slab;
use crate::status::{Handle, Status};

/// `D3D11_REQ_TEXTURE2D_U_OR_V_DIMENSION`.
const MAX_EXTENT: u32 = 16384;
/// The byte size of a presented pixel, `B8G8R8A8_UNORM`.
const PIXEL_BYTES: u32 = 4;

/// An allocation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allocation {
    h_context: u64,
    data: AllocationData,
}

/// An allocation as a device has opened it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenedAllocation {
    h_device: u64,
    h_allocation: u64,
}

/// `DXGK_ALLOCATIONINFO`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllocationInfo {
    /// The driver's handle.
    pub h_allocation: u64,
    /// Bytes.
    pub size: u64,
}

/// `DXGKARG_DESCRIBEALLOCATION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DescribeAllocation {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// `DXGI_FORMAT`.
    pub format: u32,
}

/// A frame that the host has written, or will: where it lies in the aperture. `B8G8R8A8_UNORM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PresentedFrame {
    /// Where it lies: `row_pitch` × `height` bytes.
    pub range: ApertureRange,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Bytes from row to row.
    pub row_pitch: u32,
}

impl Allocation {
    /// The heap range of all frames, `None` when it is never presented to the guest.
    fn frames(&self) -> Option<HeapRange> {
        let length = self.data.frame_bytes.checked_mul(u64::from(MAX_FRAMES_IN_FLIGHT))?;
        (length != 0).then_some(HeapRange { offset: self.data.frames_offset, length })
    }

    /// Whether the allocation's frames lie in a range of a context.
    pub(crate) fn uses(&self, h_context: u64, range: HeapRange) -> bool {
        self.h_context == h_context
            && self.frames().is_some_and(|frames| {
                frames.offset >= range.offset && frames.offset - range.offset < range.length
            })
    }
}

fn bad(field: &'static str, value: u64, rule: &'static str) -> Status {
    Status::BadField { field, value, rule }
}

/// Checks what does not depend on the context.
fn check(data: &AllocationData) -> Result<(), Status> {
    for (field, value) in [("width", data.width), ("height", data.height)] {
        if !(1..=MAX_EXTENT).contains(&value) {
            return Err(bad(field, u64::from(value), "it is 1 to 16384"));
        }
    }
    if format::info(data.format).is_none() {
        return Err(bad("format", u64::from(data.format), "it is a known DXGI_FORMAT"));
    }
    if data.frame_bytes == 0 {
        return Ok(());
    }
    let pitch = u64::from(data.row_pitch);
    if !data.row_pitch.is_multiple_of(PIXEL_BYTES) || pitch < u64::from(data.width) * u64::from(PIXEL_BYTES) {
        return Err(bad("row_pitch", pitch, "it is a multiple of 4 and holds a row"));
    }
    if !data.frame_bytes.is_multiple_of(8) || data.frame_bytes < pitch * u64::from(data.height) {
        return Err(bad("frame_bytes", data.frame_bytes, "it is a multiple of 8 and holds all rows"));
    }
    if !data.frames_offset.is_multiple_of(8) {
        return Err(bad("frames_offset", data.frames_offset, "it is a multiple of 8"));
    }
    Ok(())
}

impl<K: Kernel> Adapter<K> {
    /// `DxgkDdiCreateAllocation`, for one allocation of the calling process. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::PrivateData`], [`Status::BadField`], [`Status::BadHandle`] and [`Status::NotOwner`] for a context that is
    /// not the process's.
    pub fn create_allocation(&self, private_driver_data: &[u8]) -> Result<AllocationInfo, Status> {
        let data = AllocationData::read(private_driver_data)?;
        check(&data)?;
        let mut core = self.core.lock();
        core.working_link()?;
        let context = core.contexts.by_number(data.context).ok_or(Status::BadHandle(Handle::Context))?;
        let (h_context, h_device) = (handle(data.context, context.generation), context.device);
        core.owned_device(&self.kernel, h_device)?;
        let (_, context) = core.contexts.get(h_context)?;
        let allocation = Allocation { h_context, data };
        let frames = allocation.frames();
        if data.frame_bytes != 0 && !frames.is_some_and(|frames| context.owns(frames)) {
            return Err(bad(
                "frames_offset",
                data.frames_offset,
                "the frames lie in one of the context's ranges",
            ));
        }
        let h_allocation = core.allocations.insert(allocation)?;
        let size = frames.map_or(0, |frames| frames.length);
        let args = [h_allocation, data.frames_offset, size];
        let what = (area::MEMORY, code::ALLOCATION_CREATED);
        core.trace(&self.kernel, Level::Verbose, what, data.context, &args);
        Ok(AllocationInfo { h_allocation, size })
    }

    /// `DxgkDdiDestroyAllocation`. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::BadHandle`].
    pub fn destroy_allocation(&self, h_allocation: u64) -> Result<(), Status> {
        let mut core = self.core.lock();
        let allocation =
            core.allocations.remove(h_allocation).ok_or(Status::BadHandle(Handle::Allocation))?;
        let what = (area::MEMORY, code::ALLOCATION_DESTROYED);
        core.trace(&self.kernel, Level::Verbose, what, allocation.data.context, &[h_allocation]);
        Ok(())
    }

    /// `DxgkDdiOpenAllocation`, for one allocation: gives `hDeviceSpecificAllocation`. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::BadHandle`], [`Status::NotOwner`], [`Status::NoMemory`].
    pub fn open_allocation(&self, h_device: u64, h_allocation: u64) -> Result<u64, Status> {
        let mut core = self.core.lock();
        core.owned_device(&self.kernel, h_device)?;
        core.allocations.get(h_allocation).ok_or(Status::BadHandle(Handle::Allocation))?;
        core.opened.insert(OpenedAllocation { h_device, h_allocation })
    }

    /// `DxgkDdiCloseAllocation`, for one allocation. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::BadHandle`].
    pub fn close_allocation(&self, h_device_specific_allocation: u64) -> Result<(), Status> {
        let mut core = self.core.lock();
        core.opened
            .remove(h_device_specific_allocation)
            .map(|_| ())
            .ok_or(Status::BadHandle(Handle::Allocation))
    }

    /// `DxgkDdiDescribeAllocation`. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::BadHandle`].
    pub fn describe_allocation(&self, h_allocation: u64) -> Result<DescribeAllocation, Status> {
        let core = self.core.lock();
        let data = core.allocations.get(h_allocation).ok_or(Status::BadHandle(Handle::Allocation))?.data;
        Ok(DescribeAllocation { width: data.width, height: data.height, format: data.format })
    }

    /// Where frame number `frame` of an opened allocation lies, for whoever shows it. IRQL ≤ `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// [`Status::BadHandle`] also when its context is gone; [`Status::BadField`] for a frame that it has not.
    pub fn presented_frame(
        &self,
        h_device_specific_allocation: u64,
        frame: u32,
    ) -> Result<PresentedFrame, Status> {
        let mut core = self.core.lock();
        let allocation = core.opened_allocation(h_device_specific_allocation)?;
        core.contexts.get(allocation.h_context)?;
        let heap_offset = core.link.as_ref().map_or(0, |link| link.layout.heap_offset);
        let AllocationData { width, height, row_pitch, .. } = allocation.data;
        if allocation.frames().is_none() || frame >= MAX_FRAMES_IN_FLIGHT {
            return Err(bad("frame", u64::from(frame), "the allocation has such a frame"));
        }
        // Does not overflow: all frames lie inside the heap.
        let offset =
            heap_offset + allocation.data.frames_offset + u64::from(frame) * allocation.data.frame_bytes;
        let bytes = u64::from(row_pitch) * u64::from(height);
        Ok(PresentedFrame { range: ApertureRange { offset, bytes }, width, height, row_pitch })
    }
}

impl<K: Kernel> Core<K> {
    /// What a device has opened.
    pub(crate) fn opened_allocation(&self, h_device_specific_allocation: u64) -> Result<Allocation, Status> {
        let opened =
            self.opened.get(h_device_specific_allocation).ok_or(Status::BadHandle(Handle::Allocation))?;
        self.allocations.get(opened.h_allocation).copied().ok_or(Status::BadHandle(Handle::Allocation))
    }

    /// The same, for a call of one of that device's contexts.
    pub(crate) fn opened_by(
        &self,
        h_device: u64,
        h_device_specific_allocation: u64,
    ) -> Result<Allocation, Status> {
        let opened =
            self.opened.get(h_device_specific_allocation).ok_or(Status::BadHandle(Handle::Allocation))?;
        if opened.h_device != h_device {
            return Err(Status::NotOwner(Handle::Allocation));
        }
        self.opened_allocation(h_device_specific_allocation)
    }

    /// Closes what a device has left open.
    pub(crate) fn close_allocations_of(&mut self, h_device: u64) {
        let next = |opened: &Slab<OpenedAllocation>| {
            opened.iter().find(|(_, opened)| opened.h_device == h_device).map(|(handle, _)| handle)
        };
        while let Some(handle) = next(&self.opened) {
            self.opened.remove(handle);
        }
    }
}
