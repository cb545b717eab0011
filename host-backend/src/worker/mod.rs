//! A worker: the process that serves one guest. It is sandboxed, and a guest can at worst end its own.
//!
//! - `engine`: the loop that reads rings. `kernel`: ring 0. `running`: one context.
//! - `surface`, `screen`: what ring 0 has copied, filled and shown. `inbox`: what people ask of the engine.
//! - `revokes`: ring 0's fences behind heap ranges that the GPU still uses.
//! - `fences`, `events`: what is written back. `stats`: what is counted.
//! - `feed`: records that come from a recording instead of rings.
//! - `broker`: what other workers share.
//! - `carrier`: the aperture and the doorbells, by the link's carrier.
//! - `process`: the process around it: control page, sandbox, threads, the line to the supervisor.

mod broker;
mod carrier;
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

use std::sync::Arc;
use std::time::Duration;

use pvgpu_control::LinkCounters;
use pvgpu_transport::ivshmem;
use pvgpu_transport::mirror::MirrorHost;
use pvgpu_transport::mirror::bulk::PIXEL_BYTES;
use pvgpu_transport::shm::{self, Wake};
use pvgpu_transport::tiles::Geometry;

use crate::vulkan::{ComparedBy, Frame, TileSink, TileWatch};

pub use carrier::{Carrier, Connection};
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
    /// Who wants to know what has changed in presented frames, if somebody does.
    fn tile_watch(self: Arc<Self>) -> Option<TileWatch> {
        None
    }
    /// What the link has carried, where there is one between two machines.
    fn link_counters(&self) -> Option<LinkCounters> {
        None
    }
    /// Nothing comes any more, and why; what stands in the aperture has been said.
    fn hang_up(&self, _why: &str) {}
}

impl Port for MirrorHost {
    fn interrupt(&self) {
        Self::interrupt(self);
    }

    fn wait(&self, timeout: Duration) -> Wake {
        self.wait_doorbell(timeout)
    }

    fn tile_watch(self: Arc<Self>) -> Option<TileWatch> {
        let sink: TileSink = Arc::new(move |frame, changed, _| {
            let Frame { context, offset, width, height, row_pitch, .. } = *frame;
            if let Ok(geometry) = Geometry::new(width, height, PIXEL_BYTES, row_pitch) {
                self.frame_changed(context, offset, geometry, changed);
            }
        });
        Some(TileWatch { sink, by: ComparedBy::Fastest })
    }

    fn link_counters(&self) -> Option<LinkCounters> {
        let stats = self.stats();
        Some(LinkCounters {
            // The carrier knows.
            encrypted: false,
            urgent_sent: stats.urgent_sent,
            urgent_received: stats.urgent_received,
            bulk_sent: stats.bulk_sent,
            bulk_sent_raw: stats.bulk_sent_raw,
            bulk_received: stats.bulk_received,
            bulk_received_raw: stats.bulk_received_raw,
            bulk_queued: stats.bulk_queued,
            bulk_queued_bytes: stats.bulk_queued_bytes,
            frames: stats.frames,
            frames_dropped: stats.frames_dropped,
            rtt_ns: stats.rtt_ns,
            rtt_min_ns: stats.rtt_min_ns,
            rate: stats.rate,
        })
    }

    fn hang_up(&self, why: &str) {
        self.end(why);
    }
}

impl Port for shm::HostPort {
    fn interrupt(&self) {
        Self::interrupt(self);
    }

    fn wait(&self, timeout: Duration) -> Wake {
        self.wait_doorbell(timeout)
    }
}

impl Port for ivshmem::HostPort {
    fn interrupt(&self) {
        Self::interrupt(self);
    }

    fn wait(&self, timeout: Duration) -> Wake {
        self.wait_doorbell(timeout)
    }
}
