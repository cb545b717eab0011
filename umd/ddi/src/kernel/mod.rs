//! The kernel callbacks of a user-mode driver and their arguments (`d3dumddi.h`, `d3dukmdt.h`).

mod allocation;
mod callbacks;
mod context;
mod sync;

pub use allocation::*;
pub use callbacks::*;
pub use context::*;
pub use sync::*;
