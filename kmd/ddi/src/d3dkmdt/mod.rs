//! Kernel-mode data types that the DDI and user mode share (`d3dkmdt.h`).

mod engine;
mod mode;
mod monitor;
mod path;
mod surface;

pub use engine::*;
pub use mode::*;
pub use monitor::*;
pub use path::*;
pub use surface::*;
