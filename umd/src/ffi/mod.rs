//! The outside of the driver: the export, the tables, and raw arguments on their way to safe code.
//!
//! # What this module relies on
//! The other side is the Direct3D runtime of the same process. It keeps to the DDI:
//! - a handle is what an earlier call of this driver put its object behind, and the object is not destroyed yet;
//! - pointers are valid for the length of the call and point to what the entry's prototype says; lists are as long as the
//!   count beside them;
//! - one call at a time enters a device: the driver reports no threading support.
//!
//! No runtime can be checked for that; a driver that asks for it gets undefined behaviour inside the process that broke the
//! rules, and nothing beyond: what reaches the kernel and the host is checked there.
#![expect(unsafe_code, reason = "the DDI passes raw pointers and function tables")]

mod adapter;
mod argument;
mod dxgi;
mod entries;
mod kernel;
mod table;

pub use adapter::OpenAdapter10_2;
