//! Lock-free single-producer single-consumer byte rings over memory that two machines share.
//!
//! For the drivers in the guest and the worker on the host. The peer may be hostile, crash at any
//! instruction, or write any value to any shared word at any time. The invariants:
//!
//! - Shared memory is only ever reached as `&[AtomicU64]` ([`Memory`]). No reference or slice of plain data
//!   points into it. Payload moves by relaxed loads and stores of whole words, ordered by the release and
//!   acquire of each record's header and of the head.
//! - A record is copied out once, in full, and its length is read once; what is checked is the copy.
//! - "Empty" and "full" are flow. [`Corrupt`] is final for that end of the ring: latched, never retried.
//! - Nothing here blocks, allocates, panics on the peer's values, or names an operating system. Waiting and
//!   doorbells belong to `pvgpu-transport`.
//! - The ring knows how long a record is, not what it says.
//!
//! # Use
//!
//! ```
//! use pvgpu_ring::{AtomicU64, Consumer, HEADER_BYTES, Producer, initialise};
//! use std::sync::Arc;
//!
//! let cells = (HEADER_BYTES + 4096) / 8;
//! let memory: Arc<[AtomicU64]> = (0..cells).map(|_| AtomicU64::new(0)).collect();
//! initialise(&memory, 0)?;
//! let mut producer = Producer::new(memory.clone(), 0)?;
//! let mut consumer = Consumer::new(memory, 0)?;
//!
//! let mut record = producer.reserve(5)?;
//! record.write(b"hello")?;
//! let published = record.commit(7);
//! assert!(!published.wake, "nobody sleeps");
//!
//! let mut local = [0u64; 64];
//! let record = consumer.pop_into(&mut local)?.expect("one record is published");
//! assert_eq!((record.tag(), record.payload()), (7, &b"hello\0\0\0"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![no_std]
#![forbid(unsafe_code)]

#[cfg(target_endian = "big")]
compile_error!("shared words are little-endian in memory: pvgpu-ring supports little-endian machines only");

mod alarm;
pub mod bytes;
mod consumer;
mod error;
mod fence;
mod layout;
pub mod mirror;
mod producer;
mod record;
mod reservation;
mod sync;
pub mod telemetry;

pub use alarm::Idle;
pub use consumer::Consumer;
pub use error::{BadMemory, Corrupt, Overrun, ReserveError};
pub use fence::{FenceReader, FenceWriter, IrqRequest, LINE_BYTES};
pub use layout::{HEADER_BYTES, MAX_CAPACITY, MIN_CAPACITY, Memory, Positions, initialise, positions};
pub use producer::Producer;
pub use record::{Batch, RECORD_HEADER_BYTES, Record};
pub use reservation::{CellReservation, Published, Reservation};
pub use sync::AtomicU64;
