//! The driver through its export and its tables, against a runtime, a kernel and a host as small as can be.
#![expect(unsafe_code, reason = "plays the other side of the DDI")]

#[macro_use]
mod support;

mod memory;
mod records;
mod removed;
mod sharing;
mod tables;
mod tiled;
