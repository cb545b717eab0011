//! Replay: executes a recording again, on this machine's GPU.
//!
//! A recording is as untrusted as a guest: it goes through the decoder, the validation and the executor of a guest's records, in a
//! process with the sandbox of a worker, and a file of any bytes gives an error and nothing worse. On the device that it was made
//! on, it gives the same frames byte for byte; on another one, what that one makes of the same commands.

#![forbid(unsafe_code)]

mod command;
mod frames;
mod run;

pub use command::{Options, main};
pub use frames::{FrameSink, Matching};
pub use run::{Outcome, ReplayError, Times, replay};
