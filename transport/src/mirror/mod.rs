//! An aperture on two machines: each end keeps a copy of it, and what one side writes for the other is carried over.
//!
//! ```text
//!  drivers          guest.rs                             host.rs            worker
//!  rings      ───►  Source, footprint ── urgent ──────►  Sink         ───►  rings
//!  heap       ───►  what records read ── urgent, bulk ►  heap
//!  fence page ◄───  lines             ◄─ urgent ───────  what changed ◄───  fence page
//!  event ring ◄───  Sink              ◄─ urgent ───────  Source       ◄───  event ring
//!  heap       ◄───                    ◄─ urgent, bulk ─  what fences' records have written
//! ```
//!
//! `docs/mirror.md` has the order of things and why it holds. In short:
//!
//! - Two channels ([`crate::carrier`]). What is urgent never waits behind bulk: a message that needs bulk names the item, and waits
//!   at the receiving end for that item alone ([`copies`]), ring by ring.
//! - Neither side buffers more than the aperture holds: rings carry their own credit ([`pvgpu_ring::mirror`]), bulk is queued as
//!   places in the heap ([`bulk`]).
//! - The guest's end reads records to see what they touch ([`footprint`]); the host's end knows no record.
//! - Each end says something every 100 ms, every 200 ms on an idle link, and counts the other as gone after 900 ms of silence ([`link`]).

pub mod bulk;
pub mod copies;
pub mod footprint;
pub mod frames;
pub mod guest;
pub mod host;
pub mod link;
pub mod looks;
pub mod outlet;
pub mod pack;
pub mod reader;
pub mod shadow;
pub mod wire;

pub use guest::MirrorGuest;
pub use host::{Greeted, MirrorHost};
pub use link::LinkStats;
