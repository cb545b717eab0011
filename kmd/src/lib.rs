//! The WDDM miniport's portable core: what pvgpukmd.sys does, without a line that names Windows.
//!
//! dxgkrnl, or our model of it (`pvgpu-dxgkrnl`), calls the methods of [`Adapter`], which have the names and the meaning
//! of the `DxgkDdi*` functions of `dispmprt.h` and `d3dkmddi.h` ([`ddi`]). What the core needs from the system comes
//! through one trait, [`Kernel`]. It owns the guest's half of the aperture: the hello, ring 0, the event ring, the
//! telemetry ring, the heap's ranges, the numbers of contexts, and the translation of dxgkrnl's fences.
//!
//! # Invariants
//! - Nothing that user mode or the host wrote is used before it was copied and checked.
//! - Each function states its IRQL. Nothing waits at `DISPATCH_LEVEL`; no call is made to dxgkrnl while the lock is held.
//! - No thread of its own: the system calls [`Adapter::heartbeat`] on a timer and [`Adapter::interrupt_routine`] on an
//!   interrupt, and while nothing is in flight neither does any work beyond its two words.
//! - A panic is never reachable from what user mode or the host wrote.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod adapter;
mod bring_up;
mod context;
mod core_state;
pub mod ddi;
mod events;
mod heap;
mod kernel;
mod region;
mod ring0;
mod slab;
mod state;
mod status;
mod submission;
mod trace;
mod watch;

#[cfg(test)]
mod tests;

pub use adapter::Adapter;
pub use bring_up::{HOST_READY_TIMEOUT_MS, HostDescription};
pub use heap::{Heap, HeapFull};
pub use kernel::{Access, ApertureRange, Event, FaultKind, Kernel, Notification, SpinLock};
pub use region::Region;
pub use state::{AdapterEvent, AdapterState, IllegalTransition, Removal};
pub use status::{Handle, NtStatus, Status};
