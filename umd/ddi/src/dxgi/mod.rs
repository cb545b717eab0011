//! The DXGI part of the DDI: presentation, display modes, residency (`dxgiddi.h`).

mod args;
mod callbacks;
mod functions;

pub use args::*;
pub use callbacks::*;
pub use functions::*;
