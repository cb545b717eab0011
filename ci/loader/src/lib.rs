//! Loads a kernel-mode driver's image, pvgpukmd.sys, into an ordinary process: natively on Linux, and on Windows (Wine).
//!
//! It does what NT's loader does: places the sections, relocates, binds imports, protects, and after DriverEntry takes INIT away.
//! Who answers the imports is the caller's business ([`Exports`]); in this project it is the model of NT in `pvgpu-dxgkrnl`.
//! The same machine code runs in both systems, because a driver uses the Windows x64 calling convention for everything.
//!
//! - `headers`, `relocate`, `bind`, `unwind`: what an image says, as safe functions over bytes;
//! - `memory`, `fault`: what the system must do, once for Unix and once for Windows: the only unsafe code;
//! - [`Image`]: all of it in order.
//!
//! # Exceptions
//! The driver reads user memory in a routine with an exception handler. On Windows its unwind tables are registered, and
//! the system finds the handler. On Linux a signal handler does: a fault at an instruction that an entry of a scope table covers
//! continues at that entry's target. Any other fault in the image is reported as an offset in it, and ends the process.
//!
//! # Invariants
//! - No file makes this panic, or write outside the image's own memory.
//! - No page is ever writable and executable while the image can run.

mod bind;
mod bytes;
mod error;
mod fault;
mod headers;
mod image;
mod memory;
mod relocate;
mod unwind;

pub use bind::Exports;
pub use error::LoadError;
pub use image::{DriverEntry, Image};
pub use unwind::Scope;
