//! Allocations: the surfaces that dxgkrnl must know because they are presented, shared, or its own.
//!
//! There are two shapes. *Frames* are a presented resource of the user-mode driver: they lie in a heap range of their context,
//! where the host writes them, and never move; dxgkrnl's memory manager is told of a single page, so that it keeps books of
//! them without paying for them. *Standard* allocations (primary, shadow, staging, GDI surface) lie where the memory manager
//! puts them: in the segment ([`super::segment`]).
//!
//! Who may use one: the device that has opened it. dxgkrnl decides who opens (it knows who may share what); a context of
//! another process that has opened frames may present them, and still never gets at the memory of their owner itself.

use pvgpu_protocol::aperture::PAGE_BYTES;
use pvgpu_protocol::command::HeapRange;
use pvgpu_protocol::format;
use pvgpu_protocol::kernel_interface::{
    AllocationData, PrivateData, PrivateDataError, PrivateHeader, StandardAllocationData, kind, standard_kind,
};
use pvgpu_protocol::limits::{MAX_FRAMES_IN_FLIGHT, MAX_SURFACE_PITCH};
use pvgpu_protocol::telemetry::{Level, area, code};

use super::standard;
use crate::adapter::Adapter;
use crate::context::handle;
use crate::kernel::{Kernel, SpinLock};
use crate::status::{Handle, Status};

/// `D3D11_REQ_TEXTURE2D_U_OR_V_DIMENSION`.
pub(crate) const MAX_EXTENT: u32 = 16384;
/// The byte size of a presented pixel, `B8G8R8A8_UNORM`.
const PIXEL_BYTES: u32 = 4;
/// `DXGI_FORMAT_B8G8R8A8_UNORM`, the format of presented frames.
pub(crate) const FRAME_FORMAT: u32 = 87;

/// What an allocation is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// A presented resource of a context.
    Frames {
        h_context: u64,
        data: AllocationData,
        /// The frame presented last.
        shown: u32,
    },
    /// One of dxgkrnl's own.
    Standard(StandardAllocationData),
}

/// An allocation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allocation {
    pub(crate) shape: Shape,
}

/// An allocation as a device has opened it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenedAllocation {
    pub(crate) h_device: u64,
    pub(crate) h_allocation: u64,
}

/// `DXGK_ALLOCATIONINFO`. The segment is the only one, for reading, writing and eviction ([`super::SEGMENT_ID`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AllocationInfo {
    /// The driver's handle.
    pub h_allocation: u64,
    /// Bytes that the memory manager is to set aside: whole pages.
    pub size: u64,
    /// Bytes from row to row; 0 where nobody outside of the driver needs to know.
    pub pitch: u32,
    /// The processor locks it (`CpuVisible`), where the segment can be seen by it.
    pub cpu_visible: bool,
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
    /// Frames a second × 1000 of a primary; 0 otherwise.
    pub refresh_millihertz: u32,
    /// The video present source of a primary; 0 otherwise.
    pub vid_pn_source_id: u32,
}

/// The heap range of all frames, `None` when they are never presented to the guest.
pub(crate) fn frames(data: &AllocationData) -> Option<HeapRange> {
    let length = data.frame_bytes.checked_mul(u64::from(MAX_FRAMES_IN_FLIGHT))?;
    (length != 0).then_some(HeapRange { offset: data.frames_offset, length })
}

impl Allocation {
    /// Whether the allocation's frames lie in a range of a context.
    pub(crate) fn uses(&self, of_context: u64, range: HeapRange) -> bool {
        let Shape::Frames { h_context, data, .. } = &self.shape else { return false };
        *h_context == of_context
            && frames(data).is_some_and(|frames| {
                frames.offset >= range.offset && frames.offset - range.offset < range.length
            })
    }

    /// Width, height and format.
    pub(crate) fn extent(&self) -> (u32, u32, u32) {
        match &self.shape {
            Shape::Frames { data, .. } => (data.width, data.height, FRAME_FORMAT),
            Shape::Standard(data) => (data.width, data.height, data.format),
        }
    }
}

pub(crate) fn bad(field: &'static str, value: u64, rule: &'static str) -> Status {
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
    // The host removes the adapter for a surface whose rows are further apart, whatever is done with it.
    if data.row_pitch > MAX_SURFACE_PITCH {
        return Err(bad("row_pitch", pitch, "it is at most 1 MiB"));
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
    /// `DxgkDdiCreateAllocation`, for one allocation. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::PrivateData`], [`Status::BadField`], [`Status::BadHandle`] and [`Status::NotOwner`] for a context that is
    /// not the process's, [`Status::NoMemory`].
    pub fn create_allocation(&self, private_driver_data: &[u8]) -> Result<AllocationInfo, Status> {
        let size = size_of::<PrivateHeader>();
        let header = private_driver_data
            .get(..size)
            .map(bytemuck::pod_read_unaligned::<PrivateHeader>)
            .ok_or(PrivateDataError::Size { expected: size, actual: private_driver_data.len() })?;
        if header.kind == kind::STANDARD_ALLOCATION {
            self.create_standard(StandardAllocationData::read(private_driver_data)?)
        } else {
            self.create_frames(AllocationData::read(private_driver_data)?)
        }
    }

    /// `DxgkDdiCreateAllocation`, for several: all are made or none is. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// As [`Adapter::create_allocation`]; [`Status::BadField`] unless there is a place for each result.
    pub fn create_allocations(
        &self,
        private_driver_data: &[&[u8]],
        infos: &mut [AllocationInfo],
    ) -> Result<(), Status> {
        if private_driver_data.len() != infos.len() {
            return Err(bad("NumAllocations", infos.len() as u64, "there is a place for each result"));
        }
        let mut made = 0;
        let mut failed = None;
        for (data, info) in private_driver_data.iter().zip(infos.iter_mut()) {
            match self.create_allocation(data) {
                Ok(one) => *info = one,
                Err(status) => {
                    failed = Some(status);
                    break;
                }
            }
            made += 1;
        }
        let Some(status) = failed else { return Ok(()) };
        for info in infos.iter_mut().take(made) {
            // It was made a moment ago, and nobody else knows its handle.
            let _ = self.destroy_allocation(info.h_allocation);
            *info = AllocationInfo::default();
        }
        Err(status)
    }

    fn create_standard(&self, data: StandardAllocationData) -> Result<AllocationInfo, Status> {
        standard::check(&data)?;
        let mut core = self.core.lock();
        core.started()?;
        let h_allocation = core.allocations.insert(Allocation { shape: Shape::Standard(data) })?;
        let what = (area::MEMORY, code::ALLOCATION_CREATED);
        core.trace(&self.kernel, Level::Verbose, what, 0, &[h_allocation, 0, data.bytes]);
        let cpu_visible = data.kind != standard_kind::SHARED_PRIMARY;
        Ok(AllocationInfo { h_allocation, size: data.bytes, pitch: data.pitch, cpu_visible })
    }

    fn create_frames(&self, data: AllocationData) -> Result<AllocationInfo, Status> {
        check(&data)?;
        let mut core = self.core.lock();
        core.working_link()?;
        let context = core.contexts.by_number(data.context).ok_or(Status::BadHandle(Handle::Context))?;
        let (h_context, h_device) = (handle(data.context, context.generation), context.device);
        core.owned_device(&self.kernel, h_device)?;
        let (_, context) = core.contexts.get(h_context)?;
        let frames = frames(&data);
        if data.frame_bytes != 0 && !frames.is_some_and(|frames| context.owns(frames)) {
            return Err(bad(
                "frames_offset",
                data.frames_offset,
                "the frames lie in one of the context's ranges",
            ));
        }
        let shape = Shape::Frames { h_context, data, shown: 0 };
        let h_allocation = core.allocations.insert(Allocation { shape })?;
        let args = [h_allocation, data.frames_offset, frames.map_or(0, |frames| frames.length)];
        let what = (area::MEMORY, code::ALLOCATION_CREATED);
        core.trace(&self.kernel, Level::Verbose, what, data.context, &args);
        Ok(AllocationInfo { h_allocation, size: PAGE_BYTES, pitch: 0, cpu_visible: false })
    }

    /// `DxgkDdiDestroyAllocation`, for one. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::BadHandle`].
    pub fn destroy_allocation(&self, h_allocation: u64) -> Result<(), Status> {
        let mut core = self.core.lock();
        let allocation =
            core.allocations.remove(h_allocation).ok_or(Status::BadHandle(Handle::Allocation))?;
        let context = match allocation.shape {
            Shape::Frames { data, .. } => {
                if let Some(range) = frames(&data) {
                    self.forget_scanout(&mut core, range);
                }
                data.context
            }
            Shape::Standard(_) => {
                let shown = core.display.source.surface().filter(|_| core.scanned_out == h_allocation);
                if let Some(surface) = shown {
                    self.forget_scanout(&mut core, surface.range);
                }
                0
            }
        };
        let what = (area::MEMORY, code::ALLOCATION_DESTROYED);
        core.trace(&self.kernel, Level::Verbose, what, context, &[h_allocation]);
        Ok(())
    }

    /// `DxgkDdiOpenAllocation`, for one allocation: gives `hDeviceSpecificAllocation`. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::BadHandle`], [`Status::NoMemory`].
    pub fn open_allocation(&self, h_device: u64, h_allocation: u64) -> Result<u64, Status> {
        let mut core = self.core.lock();
        // dxgkrnl has checked whose device it is; for its own it calls from whatever process there is.
        core.devices.get(h_device).ok_or(Status::BadHandle(Handle::Device))?;
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
        let allocation = core.allocations.get(h_allocation).ok_or(Status::BadHandle(Handle::Allocation))?;
        Ok(match allocation.shape {
            Shape::Frames { data, .. } => DescribeAllocation {
                width: data.width,
                height: data.height,
                format: data.format,
                refresh_millihertz: 0,
                vid_pn_source_id: 0,
            },
            Shape::Standard(data) => DescribeAllocation {
                width: data.width,
                height: data.height,
                format: data.format,
                refresh_millihertz: data.refresh_millihertz,
                vid_pn_source_id: data.source,
            },
        })
    }
}
