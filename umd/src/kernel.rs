//! What the driver asks of the kernel, as a safe trait: the D3DDDI callbacks behind it are in [`crate::ffi`].
//!
//! Everything here is rare: a context is set up once, heap ranges come by the megabyte, waits and submissions happen a few
//! times a frame. Commands never pass through it.

use core::ffi::c_void;

use pvgpu_protocol::kernel_interface::{AllocationData, FenceMarker, SharedResourceData};
use pvgpu_protocol::telemetry::Level;
use pvgpu_ring::AtomicU64;
use pvgpu_umd_ddi::D3DKMT_HANDLE;

use crate::error::Error;

/// Cells of shared memory that stay mapped until their grant is given back or the context ends.
pub type Cells = &'static [AtomicU64];

/// A range of the aperture's heap that belongs to the context.
#[derive(Debug)]
pub struct Grant {
    /// First byte, from the start of the heap.
    pub offset: u64,
    /// The range in this process.
    pub cells: Cells,
}

/// A context as the kernel set it up.
#[derive(Debug)]
pub struct Mapped {
    /// The context's number, for allocations and fence markers.
    pub context: u32,
    /// The ring's words and data area.
    pub ring: Cells,
    /// The fence line; only read.
    pub fence: Cells,
    /// The first heap range; it is never given back.
    pub heap: Grant,
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// The fence has reached the value.
    Reached,
    /// The time is over.
    Timeout,
    /// The context is poisoned or the host is gone.
    Removed,
}

/// The kernel's services for one context.
pub trait Kernel {
    /// Grants one more heap range of at least `bytes`.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] when the heap has no room.
    fn allocate_heap(&mut self, bytes: u64) -> Result<Grant, Error>;

    /// Takes a range back. No cell of it may be used after this, by this side or the host.
    fn free_heap(&mut self, grant: Grant);

    /// Sleeps until the context's fence reaches `value`, at most `timeout_ms`.
    fn wait_for_fence(&mut self, value: u64, timeout_ms: u32) -> Wait;

    /// Wakes the host.
    fn ring_doorbell(&mut self);

    /// Writes a trace record; see [`pvgpu_protocol::telemetry::code`].
    fn trace(&mut self, level: Level, code: u16, args: [u64; 4]);

    /// Hands a fence marker to the scheduler (`pfnRenderCb`).
    ///
    /// # Errors
    /// [`Error::DeviceRemoved`], or what the callback returned.
    fn render(&mut self, marker: &FenceMarker) -> Result<(), Error>;

    /// Presents an allocation's frame (`pfnPresentCb` of DXGI), whose commands end at the marker.
    ///
    /// # Errors
    /// [`Error::DeviceRemoved`], or what the callback returned.
    fn present(
        &mut self,
        source: D3DKMT_HANDLE,
        destination: D3DKMT_HANDLE,
        dxgi_context: *mut c_void,
        marker: &FenceMarker,
    ) -> Result<(), Error>;

    /// Makes an allocation known to the kernel for the runtime's resource; `shared` is what devices that open the resource get.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], [`Error::DeviceRemoved`], or what the callback returned.
    fn allocate(
        &mut self,
        runtime_resource: *mut c_void,
        data: &AllocationData,
        shared: Option<&SharedResourceData>,
    ) -> Result<D3DKMT_HANDLE, Error>;

    /// Destroys the allocations of the runtime's resource.
    fn deallocate(&mut self, runtime_resource: *mut c_void, allocation: D3DKMT_HANDLE);

    /// Reports an error of the DDI call in progress to the runtime (`pfnSetErrorCb`).
    fn set_error(&mut self, error: Error);
}
