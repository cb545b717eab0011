//! The display: one video present source, one target, and the virtual monitor behind it.
//!
//! The monitor is connected as long as a host serves this guest. What is on the screen is a surface in the heap: the host is
//! told which ([`pvgpu_protocol::command::SetScanout`]) and looks at it when somebody wants to see it. Pixels never pass
//! through the driver.
//!
//! ```text
//!   mode, timing, edid   what the monitor can do: pure arithmetic on a mode list
//!   source, pointer      what is shown; vsync: when
//!   state                all of it behind the adapter's lock, and what host and dxgkrnl were told
//!   ddi, reports         the entry points; what dxgkrnl is told without asking
//!   crash                the bugcheck screen, without the lock
//! ```

mod crash;
mod ddi;
mod edid;
mod mode;
mod pointer;
mod reports;
mod source;
mod state;
#[cfg(test)]
mod tests;
mod timing;
mod vsync;

pub(crate) use crash::CrashScreen;
pub use crash::SystemDisplay;
pub use ddi::SetVidPnSourceAddress;
pub use edid::{EDID_BYTES, Edid};
pub use mode::{
    BYTES_PER_PIXEL, DEFAULT_MODE, HARDWARE_POINTER, ModeList, PITCH_ALIGNMENT, REFRESH_MILLIHERTZ, SIZES,
    SOURCE_ID, SOURCES, Size, TARGET_ID, TARGETS, pitch,
};
pub use pointer::PointerShape;
pub use pvgpu_protocol::limits::MAX_POINTER_EXTENT;
pub use source::{CommittedMode, Surface};
pub(crate) use state::Display;
pub use timing::Timing;
pub use vsync::ScanLine;
