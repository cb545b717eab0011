//! The atomics of this crate: `core`'s, or loom's when the models run.
//!
//! Every other module takes its atomics from here and from nowhere else. That is what lets loom see each
//! access. Loom knows sequentially consistent *fences* but treats sequentially consistent *accesses* as
//! acquire/release, so the handshakes of this crate are built on fences.

#[cfg(not(feature = "loom"))]
pub use core::sync::atomic::{AtomicU64, Ordering, fence};
#[cfg(feature = "loom")]
pub use loom::sync::atomic::{AtomicU64, Ordering, fence};
