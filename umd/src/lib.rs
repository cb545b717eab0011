//! The Direct3D 11 user-mode driver of pvgpu.
//!
//! The Direct3D runtime loads this library, calls its one export `OpenAdapter10_2`, and then the entries of the tables it
//! gets. Each DDI call becomes at most one command, encoded in place in the ring of the device's context, which the
//! kernel-mode driver has mapped into this process; the host reads it from there at once. The kernel is called to set up a
//! context, for more heap memory, to submit a fence, to present, and to sleep; see [`kernel::Kernel`].
//!
//! [`ffi`] is the outside: raw tables, handles and pointers. Everything else is safe Rust that never sees a raw DDI argument
//! with a pointer in it: [`device::Device`] has a method per group of entries, [`stream`] the ring, [`heap`] and [`arena`] the
//! shared memory.
//!
//! The driver has no policy that the host must trust: whatever a process writes into its own ring, the host checks.

pub mod adapter;
mod arena;
mod bind;
mod context;
mod copy;
pub mod device;
mod draw;
pub mod error;
pub mod ffi;
mod frames;
mod heap;
mod ids;
pub mod kernel;
mod link;
mod map;
pub mod object;
mod present;
pub mod query;
pub mod resource;
mod serializer;
pub mod shader;
mod shadow;
mod share;
mod state;
mod stream;
#[cfg(test)]
mod test_kernel;
pub mod tiled;
mod transfer;
pub mod view;
