//! Our model of Windows' graphics kernel: NT's services and dxgkrnl, inside a process, around the driver's real entry points.
//!
//! For `runtime/d3d11`, which gives its callback tables to the user-mode driver when no driver is installed, and for tests,
//! which drive the whole guest on Linux. The road is the one that a machine with the driver takes: user-mode driver →
//! [`D3DDDI_DEVICECALLBACKS`](pvgpu_umd_ddi::D3DDDI_DEVICECALLBACKS) → dxgkrnl (here) → `DxgkDdi*` functions of the driver, in
//! C → aperture. The driver is linked in (`pvgpu-kmd-wddm` over `nt`'s services), or it is the image of pvgpukmd.sys
//! ([`set_driver_image`]); nothing else differs.
//!
//! | module | what |
//! |---|---|
//! | `nt` | pool, spin locks, events, timers, DPCs, MDLs, objects, the registry, processes |
//! | `port` | dxgkrnl: the adapter's life, devices, contexts, allocations, submissions, its callbacks |
//! | `machine` | what is under Windows: a device, its memory, its interrupts |
//! | `verifier`, `irql`, `inject` | what Driver Verifier does: rules that are checked, failures that are injected |
//! | `adapter`, `device`, `frame`, `share`, `ffi` | the side of the user-mode driver |
//! | [`strict`] | the same as a test bench, with all checks on |
//!
//! # Invariants
//! - A handle from the user-mode driver is looked up in a table, never followed.
//! - Memory of the caller is read and written in `ffi` only, through copies.
//! - No lock is held while a sink or a callback of the caller runs, and none while the driver is called but the ones whose
//!   documentation says so.

mod adapter;
mod device;
mod ffi;
mod frame;
mod handles;
mod hresult;
mod inject;
pub mod irql;
mod load;
mod machine;
mod nt;
mod port;
mod removal;
mod share;
pub mod strict;
mod system;
mod verifier;

pub use adapter::{Adapter, OpenError};
pub use device::{Device, DeviceError, FrameSlot, RemovedReason};
pub use frame::{Frame, PresentSink};
pub use inject::Injected;
pub use load::{DriverEntry, DriverImage, LoadedImage, set_driver_image};
pub use nt::registry::RegistryValue;
pub use removal::Removal;
pub use share::{
    Acquired, CELLS as SECTION_CELLS, OpenedResource, Section, Sections, SharedResource, Waited,
};
pub use verifier::{Rule, Violation};
