//! The services of NT that the driver uses: the model's implementation of [`pvgpu_kmd_wddm::Nt`].
//!
//! The functions find the [`System`](crate::system::System) that the calling thread is in, check what Windows and its
//! Driver Verifier check, let a sweep make them fail ([`crate::inject`]), and do their work on the standard library. Memory
//! that NT lends the driver is real memory; "physical pages" are ranges of it, so that a page's mappings are coherent.
#![expect(
    unsafe_code,
    reason = "NT's services take pointers to the driver's memory; they are followed in these files"
)]

pub(crate) mod cpu;
pub(crate) mod dispatcher;
mod displib;
pub(crate) mod exports;
mod memory;
mod model_nt;
pub(crate) mod object;
pub(crate) mod pageable;
mod pool;
pub(crate) mod process;
pub(crate) mod registry;
mod spin_lock;

pub(crate) use memory::{Memory, Pages};
pub use model_nt::ModelNt;
pub(crate) use pageable::Pageable;
pub(crate) use pool::Pool;
pub(crate) use spin_lock::{held_locks, release_all};

use pvgpu_kmd_ddi::{
    STATUS_BUFFER_OVERFLOW, STATUS_BUFFER_TOO_SMALL, STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_HANDLE,
    STATUS_INVALID_PARAMETER, STATUS_NOT_SUPPORTED, STATUS_OBJECT_NAME_NOT_FOUND,
    STATUS_OBJECT_TYPE_MISMATCH, STATUS_SUCCESS, STATUS_TIMEOUT,
};
