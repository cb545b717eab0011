//! Carriers of an aperture: how a guest and its host come to share memory, wake each other and notice a death.
//!
//! For `kmd`'s surroundings (`runtime/dxgkrnl`) on the guest's side and for `host-backend` on the other. Link addresses and
//! the rules by which one of them wins are here, too.
//!
//! # Invariants
//! - The only crate that maps shared memory or rings a doorbell.
//! - Parses no protocol byte: what stands in the aperture is the business of its users, who reach it through
//!   [`Region`]s of atomic cells.
//! - Each error is one sentence that says what to do.
//!
//! # Carriers
//! - [`shm`]: a file in `/dev/shm` and two FIFOs, on one machine; also from a Windows program under Wine.
//! - The others that [`link::Link`] can name are not built into this version and say so.

pub mod link;
mod mapping;
pub mod shm;

pub use link::{Link, LinkError, Origin, Resolved};
pub use mapping::{MapError, Mapping, Region};
