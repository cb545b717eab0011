//! The host side of pvgpu: takes the records of guests, validates them and executes them on Vulkan.
//!
//! ```text
//!  supervisor ──starts──► worker, one process per guest
//!                           engine   ring 0 and contexts' rings, copied out record by record
//!                             │
//!                           decoder  any words → a validated operation, or a fault   (no unsafe)
//!                             │ ops
//!                           vulkan   operations → command buffers                    (only place with ash)
//!                             │
//!                           completion thread → fence page, interrupts
//! ```
//! Start reading at [`worker`] (`engine`), then [`decoder`], then [`vulkan`].
//!
//! # Invariants
//! - Nothing in shared memory is read twice; what is checked is a private copy.
//! - A fault ends one context; a crash ends one worker. Neither touches another guest.
//! - `unsafe` stands in [`vulkan`] only.
#![deny(unsafe_code)]

pub mod cli;
pub mod decoder;
pub mod fault;
pub mod fd_line;
pub mod format;
pub mod memory;
pub mod ops;
pub mod pipeline_file;
pub mod record;
pub mod replay;
pub mod sandbox;
pub mod shared_image;
pub mod slots;
pub mod supervisor;
pub mod vulkan;
pub mod worker;
