//! Our model of dxgkrnl: plays Windows' graphics kernel inside a process, around the driver's real kernel-mode core.
//!
//! For `runtime/d3d11`, which gives its callback tables to the user-mode driver when no driver is installed, and for tests,
//! which drive the whole guest on Linux. The road is the one that a machine with the driver takes: user-mode driver →
//! [`D3DDDI_DEVICECALLBACKS`](pvgpu_umd_ddi::D3DDDI_DEVICECALLBACKS) → dxgkrnl (here) → `DxgkDdi*` functions of `pvgpu-kmd` →
//! aperture.
//!
//! What it models: adapters, devices, contexts, allocations, one node with one engine whose submissions complete in order,
//! interrupts and DPCs on a thread of their own, the removal of devices, presents that complete as frames. It checks what
//! Windows checks on the way in ([`irql`]): that no service is called at a level too high for it.
//!
//! # Invariants
//! - A handle from the user-mode driver is looked up in a table, never followed.
//! - Memory of the caller is read and written in `ffi` only, through copies.
//! - No lock is held while a sink or a callback of the caller runs.

mod adapter;
mod device;
mod ffi;
mod frame;
mod handles;
mod hresult;
pub mod irql;
mod kernel;
mod scheduler;

pub use adapter::{Adapter, OpenError};
pub use device::{Device, DeviceError, FrameSlot, RemovedReason};
pub use frame::{Frame, PresentSink};
