//! The miniport's entry points, dxgkrnl's callbacks, and the adapter's children (`dispmprt.h`).

mod callbacks;
mod child;
mod device_info;
mod entry;
mod initialization;

pub use callbacks::*;
pub use child::*;
pub use device_info::*;
pub use entry::*;
pub use initialization::*;
