//! The one segment that dxgkrnl's video memory manager has, and why there is one.
//!
//! WDDM 1.3 wants every allocation in a segment, with addresses that the driver patches into DMA buffers. The memory of a
//! Direct3D program is not here: it is the host GPU's, and what guest and host share of it lies in heap ranges that
//! `CreateContext` and the escapes give out. What dxgkrnl itself needs memory for is the desktop: primaries, shadows,
//! staging and GDI surfaces. So:
//!
//! ```text
//!   heap   0 ─────────────────────────────────┬──────────────────────── end
//!          rings, heap ranges of contexts     │ segment 1: the memory
//!          (the driver's own list)            │ manager's
//!          ───────────────────────────────────┴────────────────────────
//! ```
//! - It is a memory segment, not an aperture segment: the host sees the aperture and nothing of the guest's system memory, so
//!   pages cannot be "mapped" for it, only copied.
//! - `BaseAddress` is the segment's place in the heap: an address that dxgkrnl gives is a heap offset, which ring 0 carries as
//!   it is, and 0 is never one.
//! - On PCI, BAR 2 is contiguous, so the segment is CPU-visible at `CpuTranslatedAddress`. On `ROOT\PVGPU` the aperture's
//!   pages lie anywhere, so it is not; a locked allocation is then paged out to system memory and in again, by the processor.
//! - It is the eviction segment of nothing: what is evicted goes to system memory ([`super::paging`]).

use pvgpu_protocol::command::HeapRange;

use crate::adapter::Adapter;
use crate::core_state::Core;
use crate::kernel::{Kernel, SpinLock};
use crate::status::Status;

/// The segment's number; dxgkrnl counts from 1, and 0 means system memory.
pub const SEGMENT_ID: u32 = 1;
/// `SupportedReadSegmentSet` and `SupportedWriteSegmentSet` of every allocation: a bit for each segment, from bit 0 on.
pub const SEGMENT_SET: u32 = 1 << (SEGMENT_ID - 1);

/// `DXGK_SEGMENTDESCRIPTOR3`, as far as the core decides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// `BaseAddress`: bytes from the start of the heap.
    pub base_address: u64,
    /// Bytes from the start of the aperture. `CpuTranslatedAddress` is this far behind the aperture's physical address,
    /// where it has one.
    pub aperture_offset: u64,
    /// `Size` and `CommitLimit`: bytes, whole pages.
    pub bytes: u64,
}

impl<K: Kernel> Adapter<K> {
    /// The segment, for `DXGKQAITYPE_QUERYSEGMENT3`. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// [`Status::DeviceRemoved`] when the adapter is not started.
    pub fn segment(&self) -> Result<Segment, Status> {
        let core = self.core.lock();
        let range = core.segment_range().ok_or(Status::DeviceRemoved)?;
        let heap_offset = core.link.as_ref().ok_or(Status::DeviceRemoved)?.layout.heap_offset;
        Ok(Segment {
            base_address: range.offset,
            aperture_offset: heap_offset + range.offset,
            bytes: range.length,
        })
    }
}

impl<K: Kernel> Core<K> {
    /// Where the segment lies in the heap; `None` when the adapter is not started.
    pub(crate) fn segment_range(&self) -> Option<HeapRange> {
        let heap = self.link.as_ref()?.layout.heap_bytes();
        let length = self.settings.segment_in(heap);
        let end = heap - heap % pvgpu_protocol::aperture::PAGE_BYTES;
        Some(HeapRange { offset: end - length, length })
    }
}
