//! The entry points, grouped as `DRIVER_INITIALIZATION_DATA` groups them, with their arguments.
//!
//! Functions and fields have the names of `dispmprt.h` and `d3dkmddi.h` in snake case. Arguments are plain Rust: the .sys
//! and the model of dxgkrnl convert theirs. What dxgkrnl passes as pointer and size is a slice here: the caller has
//! copied what lies in user memory. Handles (`h_device`, …) are the driver's own numbers, as dxgkrnl stores and returns them.

mod adapter;
pub(crate) mod allocation;
mod color;
mod context;
pub(crate) mod dma;
mod escape;
mod interrupt;
pub(crate) mod link;
mod paging;
pub(crate) mod power;
mod present;
mod ranges;
mod rects;
mod render;
pub(crate) mod segment;
mod standard;
mod status_escapes;
mod submit;
mod surface;
mod timeout;

pub use adapter::QueryAdapterInfo;
pub use allocation::{AllocationInfo, DescribeAllocation};
pub use context::{ContextInfo, CreateContext};
pub use dma::{DMA_BUFFER_BYTES, DmaStep, PatchLocation, Rendered, step_kind};
pub use escape::Escape;
pub use paging::{BuildPagingBuffer, PagingOperation, PagingPlace};
pub use power::PowerState;
pub use present::{PRESENT_DESTINATION_INDEX, PRESENT_SOURCE_INDEX, Patch, Present, PresentKind};
pub use render::{AllocationListEntry, Render};
pub use segment::{SEGMENT_ID, SEGMENT_SET, Segment};
pub use standard::{StandardAllocation, StandardAllocationInfo};
pub use submit::SubmitCommand;
