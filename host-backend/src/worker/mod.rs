//! A worker: the process that serves one guest. It is sandboxed, and a guest can at worst end its own.
//!
//! - `engine`: the loop that reads rings. `kernel`: ring 0. `running`: one context.
//! - `surface`, `screen`: what ring 0 has copied, filled and shown. `inbox`: what people ask of the engine.
//! - `revokes`: ring 0's fences behind heap ranges that the GPU still uses.
//! - `fences`, `events`: what is written back. `stats`: what is counted.
//! - `feed`: records that come from a recording instead of rings.
//! - `broker`: what other workers share.
//! - `process`: the process around it: control page, sandbox, threads, the line to the supervisor.

mod broker;
mod engine;
mod events;
mod feed;
mod fences;
mod inbox;
mod kernel;
mod process;
mod revokes;
mod running;
mod screen;
mod stats;
mod surface;

use std::time::Duration;

use pvgpu_transport::shm::{HostPort, Wake};

pub use engine::{BadAperture, Ended, Engine, Parts, Report};
pub use feed::{Fed, Stuck};
pub use inbox::Inbox;
pub use process::{FromWorker, ToWorker, WorkerArguments, main, monotonic_ns};
pub use screen::{Picture, Screens};
pub use stats::Stats;

/// Doorbells between a worker and its guest.
pub trait Port: Send + Sync {
    /// Interrupts the guest.
    fn interrupt(&self);
    /// Sleeps until the guest rings.
    fn wait(&self, timeout: Duration) -> Wake;
}

impl Port for HostPort {
    fn interrupt(&self) {
        Self::interrupt(self);
    }

    fn wait(&self, timeout: Duration) -> Wake {
        self.wait_doorbell(timeout)
    }
}
