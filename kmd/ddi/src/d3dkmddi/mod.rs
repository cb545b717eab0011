//! Arguments of the miniport's entry points, and the interfaces dxgkrnl lends it (`d3dkmddi.h`).

mod adapter_info;
mod allocation;
mod device;
mod display;
mod engine;
mod interrupt;
mod monitor_interface;
mod paging;
mod submission;
mod vidpn;
mod vidpn_interface;

pub use adapter_info::*;
pub use allocation::*;
pub use device::*;
pub use display::*;
pub use engine::*;
pub use interrupt::*;
pub use monitor_interface::*;
pub use paging::*;
pub use submission::*;
pub use vidpn::*;
pub use vidpn_interface::*;
