//! The state of a daemon and of its guests, as `status` answers it.

use serde::{Deserialize, Serialize};

/// The daemon and everything it serves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Version of `pvgpud`.
    pub version: String,
    /// The daemon's process.
    pub process: u32,
    /// The link it serves, as `--link` takes it.
    pub link: String,
    /// The GPU that it would give a new guest.
    pub gpu: Gpu,
    /// One entry a guest, the oldest first.
    pub guests: Vec<Guest>,
}

/// A GPU of the host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gpu {
    /// As Vulkan gives it.
    pub name: String,
    /// The driver's name and version.
    pub driver: String,
    /// It renders on the CPU.
    pub software: bool,
    /// Bytes of memory of its own.
    pub memory_bytes: u64,
}

/// One guest and the counters of its worker, all since the guest came.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Guest {
    /// The name of its aperture in the link's folder.
    pub name: String,
    /// The guest process, as its hello states it.
    pub guest_process: u64,
    /// The worker's process.
    pub worker_process: u32,
    /// Seconds since it came.
    pub uptime_s: f64,
    /// The GPU that executes its commands.
    pub gpu: Gpu,
    /// Contexts alive.
    pub contexts: u32,
    /// Frames presented.
    pub frames: u64,
    /// Frames a second, over the last second.
    pub fps: f64,
    /// Draws executed.
    pub draws: u64,
    /// Dispatches executed.
    pub dispatches: u64,
    /// Commands executed, all kinds together.
    pub commands: u64,
    /// Bytes of records taken from its rings.
    pub ring_bytes: u64,
    /// Bytes that commands took from the heap.
    pub upload_bytes: u64,
    /// From a fence's record decoded to its value in the fence page.
    pub fence_latency: Latency,
    /// Times that an application thread waited for the host, as the driver's telemetry tells.
    pub sync_round_trips: u64,
    /// Bytes of GPU memory that its objects hold.
    pub gpu_memory_bytes: u64,
    /// Graphics and compute pipelines built.
    pub pipelines: u64,
    /// Those of them that a draw or dispatch was the first to ask for.
    pub pipelines_in_frames: u64,
    /// Draws and dispatches that came to a pipeline before it was ready.
    pub pipelines_late: u64,
    /// Textures that had to leave the GPU's own memory.
    pub evictions: u64,
    /// Contexts poisoned by an error.
    pub errors: u64,
    /// Driver trace records that were overwritten before the host read them.
    pub telemetry_dropped: u64,
    /// What its screen shows; none for a guest without a desktop of its own.
    pub screen: Option<Screen>,
    /// The custom mode that was asked of it last.
    pub requested_mode: Option<Mode>,
    /// Copies and fills that its kernel-mode driver had done.
    pub blits: u64,
    /// Bytes that they wrote.
    pub blit_bytes: u64,
    /// What the link to it carries; none for a guest that shares memory with the host.
    pub link_counters: Option<LinkCounters>,
}

/// What a link between two machines has carried, and what its way is like, as the host sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LinkCounters {
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// Bytes sent of commands' answers, fences and events.
    pub urgent_sent: u64,
    /// Bytes received of commands and what goes with them.
    pub urgent_received: u64,
    /// Bytes sent of frames and what is read back.
    pub bulk_sent: u64,
    /// Bytes of memory that these stood for.
    pub bulk_sent_raw: u64,
    /// Bytes received of uploads.
    pub bulk_received: u64,
    /// Bytes of memory that these stood for.
    pub bulk_received_raw: u64,
    /// Parts of memory that wait to be sent.
    pub bulk_queued: u64,
    /// Their bytes.
    pub bulk_queued_bytes: u64,
    /// Frames sent.
    pub frames: u64,
    /// Frames that newer ones have replaced before they were sent.
    pub frames_dropped: u64,
    /// Round trip, smoothed, in nanoseconds; 0 before the first.
    pub rtt_ns: u64,
    /// The shortest round trip, in nanoseconds; 0 before the first.
    pub rtt_min_ns: u64,
    /// Bytes a second that bulk took while it was busy, smoothed; 0 while there was none.
    pub rate: u64,
}

/// A guest's screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Screen {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Frames a second × 1000.
    pub refresh_millihertz: u32,
    /// Whether it shows anything but black.
    pub visible: bool,
    /// Frames shown: flips, and copies into what is shown.
    pub frames: u64,
}

/// A display mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mode {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Frames a second × 1000.
    pub refresh_millihertz: u32,
}

/// The spread of a latency, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// Half are below.
    pub p50_us: u64,
    /// One of a hundred is above.
    pub p99_us: u64,
    /// How many were measured.
    pub samples: u64,
}
