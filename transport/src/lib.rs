//! Carriers of an aperture: how a guest and its host come to share memory, wake each other and notice a death.
//!
//! For `kmd`'s surroundings (`runtime/dxgkrnl`) on the guest's side and for `host-backend` on the other. Link addresses and
//! the rules by which one of them wins are here, too.
//!
//! # Invariants
//! - The only crate that maps shared memory or rings a doorbell.
//! - Parses no protocol byte, but for the guest's end of a [`mirror`], which reads its own guest's records: what stands in the
//!   aperture is the business of its users, who reach it through [`Region`]s of atomic cells.
//! - Each error is one sentence that says what to do.
//!
//! # Carriers
//! - [`shm`]: a file in `/dev/shm` and two FIFOs, on one machine; also from a Windows program under Wine.
//! - [`ivshmem`]: QEMU's `ivshmem-doorbell` device, whose server the host is: one memory for each virtual machine.
//! - [`tcp`]: two connections over a network, authenticated and encrypted by [`secure`].
//! - [`thunderbolt`]: finds a Thunderbolt or USB4 cable, its network interface and the machine at its other end, for [`tcp`] to carry.
//! - [`tbstream`]: a raw stream device over such a cable, between two Linux machines.
//! - [`mirror`]: an aperture on two machines, over any carrier that gives two channels ([`carrier`]).

pub mod carrier;
#[cfg(unix)]
mod cell_file;
#[cfg(target_os = "linux")]
mod control;
pub mod guest;
#[cfg(target_os = "linux")]
pub mod ivshmem;
pub mod link;
mod mapping;
pub mod mirror;
pub mod pipe;
pub mod secure;
pub mod shm;
mod span;
mod stream;
pub mod tbstream;
pub mod tcp;
pub mod thunderbolt;
pub mod tiles;

#[cfg(unix)]
pub use cell_file::CellFile;
#[cfg(target_os = "linux")]
pub use control::{control_folder, control_link};
pub use link::{Link, LinkError, Origin, Resolved};
pub use mapping::{MapError, Mapping, Region};
pub use span::Span;
