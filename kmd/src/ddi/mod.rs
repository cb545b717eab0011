//! The entry points, grouped as `DRIVER_INITIALIZATION_DATA` groups them, with their arguments.
//!
//! Functions and fields have the names of `dispmprt.h` and `d3dkmddi.h` in snake case. Arguments are plain Rust: the .sys
//! and the model of dxgkrnl convert theirs. What dxgkrnl passes as pointer and size is a slice here: the caller has probed
//! and locked user memory. Handles (`h_device`, …) are the driver's own numbers, as dxgkrnl stores and returns them.

mod adapter;
pub(crate) mod allocation;
mod context;
mod escape;
mod interrupt;
mod render;
mod submit;

pub use adapter::QueryAdapterInfo;
pub use allocation::{AllocationInfo, DescribeAllocation, PresentedFrame};
pub use context::{ContextInfo, CreateContext};
pub use escape::Escape;
pub use render::{AllocationListEntry, DmaPrivateData, PatchLocation, Present, Render, Rendered};
pub use submit::SubmitCommand;
