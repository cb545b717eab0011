//! The WDDM miniport's portable core: what pvgpukmd.sys does, without a line that names Windows.
//!
//! `pvgpu-kmd-wddm` turns the C entry points of the driver into calls of the methods of [`Adapter`], which have the names and
//! the meaning of the `DxgkDdi*` functions of `dispmprt.h` and `d3dkmddi.h` ([`ddi`], [`display`]). What the core needs from
//! the system comes through one trait, [`Kernel`]. It owns the guest's half of the aperture: the hello, ring 0, the event
//! ring, the telemetry ring, the heap's ranges, the numbers of contexts, and the translation of dxgkrnl's fences.
//!
//! # How the parts work together
//! - *Hosts come and go.* The device starts without one. Interrupt, heartbeat and link service each look for the host's answer;
//!   when a host is gone, the hello is taken back and later said anew, and only the contexts of before are lost (`host`,
//!   `link`, `state`).
//! - *A submission* is a run of steps in the DMA buffer's private data ([`ddi::DmaStep`]): wait for a context's fence, and
//!   for presents and paging then work in the heap, by ring 0 and its fence or by the processor (`submission`,
//!   `operation`, `reports`).
//! - *One segment* at the heap's end is dxgkrnl's, for the desktop; everything else in the heap is given to contexts in ranges.
//!
//! # Invariants
//! - Nothing that user mode or the host wrote is used before it was copied and checked.
//! - Each function states its IRQL. Nothing waits at `DISPATCH_LEVEL`; no call is made to dxgkrnl while the lock is held.
//! - What runs in the interrupt, the DPC and the timers allocates nothing.
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
pub mod display;
mod events;
mod heap;
mod host;
mod kernel;
mod link;
mod operation;
mod region;
mod reports;
mod ring0;
mod settings;
mod slab;
mod state;
mod status;
mod submission;
mod trace;
mod watch;

#[cfg(test)]
mod tests;

pub use adapter::Adapter;
pub use heap::{Heap, HeapFull};
pub use kernel::{Access, ApertureRange, Event, FaultKind, Kernel, Notification, SpinLock, SystemCopy};
pub use region::Region;
pub use settings::Settings;
pub use state::{AdapterEvent, AdapterState, IllegalTransition, Removal};
pub use status::{Handle, NtStatus, Status};
