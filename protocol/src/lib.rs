//! What crosses the boundary between a pvgpu guest (Windows) and its host (Linux).
//!
//! This crate is the authority on the wire format and nothing else: where things lie in the [aperture](aperture),
//! how a [record](record) is framed, which [commands](command) exist, what the fence page, [events](event) and
//! [telemetry](telemetry) records look like, and the private data that the user-mode driver and the kernel-mode
//! driver exchange through dxgkrnl ([kernel_interface]). It maps no memory, owns no ring and talks to no GPU.
//!
//! # Invariants
//! - `no_std`, no allocation, no `unsafe`, no dependency on another crate of pvgpu.
//! - Every byte string either decodes or gives an error: [`command::decode`] never panics.
//! - Numbers are little-endian and of fixed width. Enumerations travel as integers; the receiver decides what it knows.
//! - A change of any archived layout changes the golden bytes under `tests/golden/` and is a bump of
//!   [`version::ABI_VERSION`].
#![no_std]
#![forbid(unsafe_code)]

pub mod aperture;
pub mod command;
pub mod event;
pub mod format;
pub mod host_info;
pub mod kernel_interface;
pub mod limits;
pub mod mode;
pub mod record;
pub mod staging;
pub mod telemetry;
pub mod tiling;
pub mod version;

pub use command::{Command, CommandRef};
pub use record::RecordHeader;
