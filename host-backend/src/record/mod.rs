//! Recordings: what a guest said, and what it gave the host to read, in a file that [`replay`](crate::replay) executes again.
//!
//! - `format`: the bytes of a file. `writer`, `reader`: a file as a stream of items.
//! - `tap`: what the engine tells while it records, and when that ends.
//!
//! A recording begins with a guest's first record, since everything later refers to what came before it. It holds the records of
//! all rings in the order in which the worker executed them; of the heap, exactly those bytes that commands read, as they were
//! then; which fences had completed by then, since a guest may change the heap once it has seen one; the events; and a hash of
//! each frame that the guest got.
//!
//! # Invariants
//! - Recording changes no order and no command; the guest cannot tell. Without a recording it costs a branch a record.
//! - A file is bounded, and is as useful as it can be when the worker dies: what has been written is whole.
//! - Any bytes read as a recording, or give an error that says what is wrong with them.

#![forbid(unsafe_code)]

pub mod format;
mod reader;
mod tap;
mod writer;

pub use format::{BadFile, FrameHash, Header, Item};
pub use reader::{ReadError, Reader};
pub use tap::{ContextTap, Limits, Recorded, Tap};
pub use writer::{WriteError, Writer};

/// Bytes of a recording when nobody chose a limit: minutes of most programs, and no full disk.
pub const DEFAULT_MAX_BYTES: u64 = 8 << 30;
/// The smallest limit: a header and a few records.
pub const MIN_MAX_BYTES: u64 = 1 << 20;
