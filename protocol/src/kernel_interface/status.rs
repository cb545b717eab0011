//! Escapes that tell what the driver knows: one context's state, the adapter's state; and the one that asks for a mode.

use bytemuck::{Pod, Zeroable};

use super::PrivateHeader;
use crate::host_info::TEXT_BYTES;
use crate::limits::MAX_MODES;
use crate::mode::DisplayMode;

/// Escape: tells how a context is.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct ContextState {
    /// Kind [`kind::CONTEXT_STATE`](super::kind::CONTEXT_STATE); the context is the escape's `hContext`.
    pub header: PrivateHeader,
    /// Out: the context's number.
    pub context: u32,
    /// Out: one of [`context_life`].
    pub life: u32,
    /// Out: a code of [`crate::event::error_code`]; `NONE` unless the context is poisoned.
    pub error: u32,
    /// Out: one of [`removal`], when the adapter is removed.
    pub removal: u32,
    /// Out: the highest protocol fence that was submitted.
    pub submitted: u64,
    /// Out: the highest protocol fence that has completed.
    pub completed: u64,
}

/// Values of [`ContextState::life`].
pub mod context_life {
    /// It takes work.
    pub const LIVE: u32 = 1;
    /// The host refused one of its commands; see [`super::ContextState::error`].
    pub const POISONED: u32 = 2;
    /// It was lost in a reset.
    pub const RESET: u32 = 3;
    /// The adapter is removed, and every context with it.
    pub const REMOVED: u32 = 4;

    /// The life's name, for people.
    pub const fn name(life: u32) -> &'static str {
        match life {
            LIVE => "live",
            POISONED => "poisoned",
            RESET => "reset",
            REMOVED => "removed",
            _ => "unknown",
        }
    }
}

/// Values of [`AdapterStatus::state`].
pub mod adapter_state {
    /// Not started, or stopped.
    pub const STOPPED: u32 = 0;
    /// Waiting for a host.
    pub const STARTING: u32 = 1;
    /// A host serves it.
    pub const RUNNING: u32 = 2;
    /// Being reset after a timeout.
    pub const RESETTING: u32 = 3;
    /// The host is gone.
    pub const REMOVED: u32 = 4;
    /// Being stopped.
    pub const STOPPING: u32 = 5;

    /// The state's name, for people.
    pub const fn name(state: u32) -> &'static str {
        match state {
            STOPPED => "stopped",
            STARTING => "waiting for a host",
            RUNNING => "running",
            RESETTING => "resetting",
            REMOVED => "removed",
            STOPPING => "stopping",
            _ => "unknown",
        }
    }
}

/// Why an adapter is removed: values of [`AdapterStatus::removal`].
pub mod removal {
    /// It is not.
    pub const NONE: u32 = 0;
    /// The control page says so; the detail is a code of [`crate::aperture::refusal`].
    pub const HOST_SAYS_GONE: u32 = 1;
    /// The host's heartbeat stood still.
    pub const HEARTBEAT_STOPPED: u32 = 2;
    /// The link broke: the service or the device is gone.
    pub const LINK_BROKEN: u32 = 3;
    /// The host broke the protocol.
    pub const HOST_LIES: u32 = 4;
    /// The host refused ring 0; the detail is a code of [`crate::event::error_code`].
    pub const KERNEL_RING_ERROR: u32 = 5;
    /// The device was surprise-removed, or is powered down for good.
    pub const DEVICE_GONE: u32 = 6;
    /// The host lives, but executed nothing of ring 0 for so long that dxgkrnl's time limit ended.
    pub const HOST_HANGS: u32 = 7;

    /// The reason's name, for people.
    pub const fn name(reason: u32) -> &'static str {
        match reason {
            NONE => "none",
            HOST_SAYS_GONE => "the host ended this guest's worker",
            HEARTBEAT_STOPPED => "the host's heartbeat stopped",
            LINK_BROKEN => "the link to the host broke",
            HOST_LIES => "the host broke the protocol",
            KERNEL_RING_ERROR => "the host refused the kernel ring",
            DEVICE_GONE => "the device is gone",
            HOST_HANGS => "the host hangs",
            _ => "unknown",
        }
    }
}

/// Which device an adapter is: values of [`AdapterStatus::device`].
pub mod device_kind {
    /// `PCI\VEN_1AF4&DEV_1110`: memory shared with the machine's host.
    pub const PCI: u32 = 1;
    /// `ROOT\PVGPU`: memory of its own that a link service mirrors.
    pub const ROOT: u32 = 2;

    /// The hardware id, for people.
    pub const fn name(device: u32) -> &'static str {
        match device {
            PCI => "PCI\\VEN_1AF4&DEV_1110",
            ROOT => "ROOT\\PVGPU",
            _ => "unknown",
        }
    }
}

/// One entry of the adapter's mode list.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct ModeEntry {
    /// Pixels; 0 ends the list.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Frames a second × 1000.
    pub refresh_millihertz: u32,
    /// Bits of [`mode_flag`].
    pub flags: u32,
}

impl ModeEntry {
    /// The mode, without its flags.
    pub const fn mode(self) -> DisplayMode {
        let Self { width, height, refresh_millihertz, .. } = self;
        DisplayMode { width, height, refresh_millihertz }
    }
}

/// Bits of [`ModeEntry::flags`].
pub mod mode_flag {
    /// What the monitor prefers.
    pub const PREFERRED: u32 = 1 << 0;
    /// Asked for by [`super::SetMode`] or by the host.
    pub const CUSTOM: u32 = 1 << 1;
}

/// What the driver has counted since it started: [`AdapterStatus::counters`] is indexed by these.
pub mod counter {
    /// Declares the counters and their names together.
    macro_rules! counters {
        ($($(#[$doc:meta])* $index:literal $name:ident = $text:literal),+ $(,)?) => {
            $($(#[$doc])* pub const $name: usize = $index;)+
            /// How many there are.
            pub const COUNT: usize = [$($index),+].len();
            /// Their names, for people, in order.
            pub const NAMES: [&str; COUNT] = [$($text),+];
        };
    }

    counters! {
        /// Calls of `SubmitCommand`.
        0 SUBMISSIONS = "submissions",
        /// Submissions reported as completed.
        1 COMPLETIONS = "completions",
        /// Calls of `Present`.
        2 PRESENTS = "presents",
        /// Blits and fills that the host did.
        3 BLITS = "blits",
        /// `SetVidPnSourceAddress`.
        4 FLIPS = "flips",
        /// Interrupts that were ours.
        5 INTERRUPTS = "interrupts",
        /// Runs of the DPC.
        6 DPCS = "dpcs",
        /// Vertical blanks reported.
        7 VSYNCS = "vsyncs",
        /// Gates opened.
        8 GATES = "gates",
        /// Preemptions that were asked for.
        9 PREEMPTIONS = "preemptions",
        /// Resets after a timeout.
        10 RESETS = "resets",
        /// Paging buffers built.
        11 PAGING = "paging operations",
        /// Mode sets.
        12 MODE_SETS = "mode sets",
        /// Escapes served.
        13 ESCAPES = "escapes",
        /// Escapes refused.
        14 ESCAPES_REFUSED = "escapes refused",
        /// Trace records written.
        15 TRACE_RECORDS = "trace records",
    }

    const _: () = {
        // Indices are the positions in the list, or NAMES would lie.
        assert!(SUBMISSIONS == 0 && TRACE_RECORDS == COUNT - 1);
    };
}

/// Escape: tells how the adapter is. Anybody may ask, with or without a device.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct AdapterStatus {
    /// Kind [`kind::ADAPTER_STATUS`](super::kind::ADAPTER_STATUS).
    pub header: PrivateHeader,
    /// Out: the driver package's version, four 16-bit parts, the first in the highest bits.
    pub driver_version: u64,
    /// Out: one of [`adapter_state`].
    pub state: u32,
    /// Out: one of [`removal`].
    pub removal: u32,
    /// Out: what the removal says of itself.
    pub removal_detail: u64,
    /// Out: one of [`device_kind`].
    pub device: u32,
    /// Out: 1 while a link service is attached (always 0 on PCI).
    pub link_attached: u32,
    /// Out: the protocol version agreed with the host; 0 before there was one.
    pub abi_version: u32,
    /// Out: [`crate::telemetry::Level`] up to which records are written.
    pub log_level: u32,
    /// Out: the features agreed with the host.
    pub features: u64,
    /// Out: nanoseconds since the adapter started.
    pub uptime_ns: u64,
    /// Out: bytes of the aperture.
    pub aperture_bytes: u64,
    /// Out: bytes of its heap.
    pub heap_bytes: u64,
    /// Out: bytes of the heap in use.
    pub heap_used: u64,
    /// Out: devices alive.
    pub devices: u32,
    /// Out: contexts alive.
    pub contexts: u32,
    /// Out: allocations alive.
    pub allocations: u32,
    /// Out: submissions in flight.
    pub in_flight: u32,
    /// Out: 1 while the monitor is connected.
    pub connected: u32,
    /// Out: 1 while the source is visible.
    pub visible: u32,
    /// Out: the mode that is set; width 0 for none.
    pub current: ModeEntry,
    /// Out: the modes on offer; those not used are zero.
    pub modes: [ModeEntry; MAX_MODES],
    /// Out: by [`counter`].
    pub counters: [u64; counter::COUNT],
    /// Out: the host's GPU, zero-padded UTF-8; empty before a host answered.
    pub gpu_name: [u8; TEXT_BYTES],
    /// Out: the host's Vulkan driver, zero-padded UTF-8.
    pub gpu_driver: [u8; TEXT_BYTES],
}

impl AdapterStatus {
    /// A request.
    pub fn new() -> Self {
        Self { header: PrivateHeader::new(super::kind::ADAPTER_STATUS), ..Zeroable::zeroed() }
    }
}

impl Default for AdapterStatus {
    fn default() -> Self {
        Self::new()
    }
}

/// Escape: asks for a custom mode, which the adapter then offers and prefers. Anybody may ask: the desktop itself
/// changes only when the system sets a mode.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct SetMode {
    /// Kind [`kind::SET_MODE`](super::kind::SET_MODE).
    pub header: PrivateHeader,
    /// In: pixels. The mode keeps the rules of [`DisplayMode::check`], and its frame fits into the heap; all zero takes
    /// the custom mode away.
    pub width: u32,
    /// In: pixels.
    pub height: u32,
    /// In: frames a second × 1000.
    pub refresh_millihertz: u32,
    /// Must be zero.
    pub reserved: u32,
}

impl SetMode {
    /// A request.
    pub const fn new(mode: DisplayMode) -> Self {
        let DisplayMode { width, height, refresh_millihertz } = mode;
        let header = PrivateHeader::new(super::kind::SET_MODE);
        Self { header, width, height, refresh_millihertz, reserved: 0 }
    }
}
