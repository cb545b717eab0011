//! The miniport's C entry points: `DxgkDdi*` functions over the portable core, generic over the kernel's services.
//!
//! dxgkrnl, or our model of it, calls what [`initialization_data`] lists; the arguments become plain Rust and go to
//! [`pvgpu_kmd::Adapter`]. What the core needs of the system ([`pvgpu_kmd::Kernel`]) is made here of two things: the exports of
//! ntoskrnl.exe ([`Nt`]) and dxgkrnl's callbacks. So the same code runs in pvgpukmd.sys, linked into the model, and in tests.
//!
//! # Invariants
//! - Each entry states its IRQL; none waits above `PASSIVE_LEVEL`.
//! - Nothing is allocated but by fallible functions, and nothing at all between an interrupt and the report
//!   of a fence.
//! - User memory is touched by [`Nt::copy_from_user`] alone.
//! - No panic: what comes from user mode or the host is checked, here or in the core.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod aperture;
mod convert;
mod device;
mod event;
mod ffi;
mod format;
mod handles;
mod ivshmem;
mod kernel;
mod link_event;
mod lists;
mod lock;
mod machine;
mod memory;
mod nt;
mod nt_types;
mod port;
mod registry;
mod resources;
mod settings;
#[cfg(test)]
mod tests;
mod timer;
mod while_started;

pub use ffi::initialization_data;
pub use nt::Nt;

/// The NT types that [`Nt`] names.
pub mod types {
    pub use crate::nt_types::*;
}
