//! NT types: what `wdm.h`, `ntddk.h` and `ntdef.h` call them.

mod device;
mod object;
mod resource;
mod status;

pub use device::*;
pub use object::*;
pub use resource::*;
pub use status::*;
