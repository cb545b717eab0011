//! Driver trace records: fixed size, written by the guest, drop-oldest, read by people through `pvgpu-ctl tail`.

/// 64-bit words of a record's body; the ring adds one word of its own, which makes a record one cache line.
pub const RECORD_WORDS: usize = 7;

/// How much a record matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something failed.
    Error,
    /// Something is odd.
    Warning,
    /// Life-cycle steps.
    Info,
    /// Every step.
    Verbose,
}

impl Level {
    /// The number on the wire.
    pub const fn to_wire(self) -> u8 {
        match self {
            Self::Error => 1,
            Self::Warning => 2,
            Self::Info => 3,
            Self::Verbose => 4,
        }
    }

    /// The level for a number; unknown ones count as the most verbose.
    pub const fn from_wire(level: u8) -> Self {
        match level {
            1 => Self::Error,
            2 => Self::Warning,
            3 => Self::Info,
            _ => Self::Verbose,
        }
    }

    /// Lower case, for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Verbose => "verbose",
        }
    }
}

/// Which part of the driver speaks.
pub mod area {
    /// Kernel-mode driver: adapter life cycle.
    pub const ADAPTER: u16 = 1;
    /// Kernel-mode driver: devices and contexts.
    pub const CONTEXT: u16 = 2;
    /// Kernel-mode driver: allocations and heap.
    pub const MEMORY: u16 = 3;
    /// Kernel-mode driver: submission, fences, interrupts.
    pub const SUBMISSION: u16 = 4;
    /// User-mode driver: entries.
    pub const UMD: u16 = 5;
    /// The model of dxgkrnl.
    pub const DXGKRNL: u16 = 6;
    /// Kernel-mode driver: modes, monitor, scanout, pointer.
    pub const DISPLAY: u16 = 7;
    /// Kernel-mode driver: power and timeouts.
    pub const POWER: u16 = 8;

    /// The area's name, for people.
    pub const fn name(area: u16) -> &'static str {
        match area {
            ADAPTER => "adapter",
            CONTEXT => "context",
            MEMORY => "memory",
            SUBMISSION => "submission",
            UMD => "umd",
            DXGKRNL => "dxgkrnl",
            DISPLAY => "display",
            POWER => "power",
            _ => "unknown",
        }
    }
}

/// What happened. Numbers are stable; names are for people.
pub mod code {
    /// Declares the codes and their names together.
    macro_rules! codes {
        ($($(#[$doc:meta])* $value:literal $name:ident),+ $(,)?) => {
            $($(#[$doc])* pub const $name: u16 = $value;)+

            /// The code's name, for people.
            pub const fn name(code: u16) -> &'static str {
                match code { $($value => stringify!($name),)+ _ => "UNKNOWN" }
            }
        };
    }

    codes! {
        /// The adapter started: args = aperture bytes, ABI version, features.
        1 ADAPTER_STARTED,
        /// The adapter stopped.
        2 ADAPTER_STOPPED,
        /// The host is gone: args = reason.
        3 HOST_GONE,
        /// A link service has attached: args = aperture bytes.
        4 LINK_ATTACHED,
        /// The link service has detached, or its process has ended.
        5 LINK_DETACHED,
        /// The link service says that the host has answered.
        6 LINK_UP,
        /// The device was removed without warning.
        7 SURPRISE_REMOVAL,
        /// An escape was refused: args = its kind, NTSTATUS.
        8 ESCAPE_REFUSED,
        /// Another call of dxgkrnl was refused: args = entry's index in the table, NTSTATUS.
        9 CALL_REFUSED,
        /// A context was made: args = ring offset, ring bytes.
        10 CONTEXT_CREATED,
        /// A context was destroyed.
        11 CONTEXT_DESTROYED,
        /// A context was poisoned: args = error code, opcode, object, position.
        12 CONTEXT_ERROR,
        /// An allocation was made: args = handle, heap offset, bytes.
        20 ALLOCATION_CREATED,
        /// An allocation was destroyed: args = handle.
        21 ALLOCATION_DESTROYED,
        /// A heap range was granted: args = offset, bytes.
        22 HEAP_GRANTED,
        /// A heap range was taken back: args = offset, bytes.
        23 HEAP_REVOKED,
        /// The heap has no room: args = bytes asked.
        24 HEAP_FULL,
        /// A paging operation was built: args = DXGK_BUILDPAGINGBUFFER_OPERATION, offset in the segment, bytes.
        25 PAGING,
        /// A fence marker was submitted: args = submission fence, protocol fence.
        30 FENCE_SUBMITTED,
        /// A submission completed: args = submission fence, protocol fence.
        31 FENCE_COMPLETED,
        /// A gate was opened: args = gate.
        32 GATE_OPENED,
        /// A fence line went backwards: args = before, now.
        33 FENCE_BACKWARDS,
        /// dxgkrnl asked for a preemption: args = preemption fence.
        34 PREEMPTION,
        /// The host does a blit or a fill: args = submission fence, ring 0's fence.
        35 BLIT,
        /// A DDI entry that this driver does not support was called: args = entry's index in the table.
        40 UMD_UNSUPPORTED,
        /// A DDI call was refused: args = entry's index, HRESULT.
        41 UMD_ERROR,
        /// A device was made: args = interface version.
        42 UMD_DEVICE_CREATED,
        /// A device was destroyed.
        43 UMD_DEVICE_DESTROYED,
        /// The application thread waited for the host: args = fence, nanoseconds.
        44 UMD_WAITED,
        /// Somebody wants a custom mode: args = width, height, refresh in millihertz, 0 for the host or 1 for an escape.
        50 MODE_REQUESTED,
        /// A custom mode cannot be had: args = width, height, refresh in millihertz, NTSTATUS.
        51 MODE_REFUSED,
        /// A mode was set: args = width, height, refresh in millihertz, source.
        52 MODE_SET,
        /// The monitor arrived.
        53 MONITOR_CONNECTED,
        /// The monitor left.
        54 MONITOR_DISCONNECTED,
        /// A source shows another surface: args = source, offset in the heap.
        55 SOURCE_ADDRESS,
        /// A source became visible or invisible: args = source, 0 or 1.
        56 SOURCE_VISIBILITY,
        /// The device changed its power state: args = DEVICE_POWER_STATE, POWER_ACTION.
        60 POWER_STATE,
        /// dxgkrnl found the adapter hung and resets it: args = last submitted fence, last completed fence.
        61 RESET_FROM_TIMEOUT,
        /// The adapter works again after a reset.
        62 RESTART_FROM_TIMEOUT,
        /// An engine was reset: args = node, engine, last aborted fence.
        63 ENGINE_RESET,
    }
}

/// One trace record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TelemetryRecord {
    /// Guest time in nanoseconds; any epoch, one clock.
    pub time_ns: u64,
    /// How much it matters.
    pub level: Level,
    /// One of [`area`].
    pub area: u16,
    /// One of [`code`].
    pub code: u16,
    /// Guest process.
    pub process: u32,
    /// Context, 0 when it concerns none.
    pub context: u32,
    /// Meaning by `code`.
    pub args: [u64; 4],
}

impl TelemetryRecord {
    /// The record as words.
    pub const fn to_words(self) -> [u64; RECORD_WORDS] {
        let what = self.level.to_wire() as u64 | (self.area as u64) << 16 | (self.code as u64) << 32;
        let who = self.process as u64 | (self.context as u64) << 32;
        let [a, b, c, d] = self.args;
        [self.time_ns, what, who, a, b, c, d]
    }

    /// The record that words state; any words are some record.
    pub const fn from_words(words: [u64; RECORD_WORDS]) -> Self {
        let [time_ns, what, who, a, b, c, d] = words;
        Self {
            time_ns,
            level: Level::from_wire(what as u8),
            area: (what >> 16) as u16,
            code: (what >> 32) as u16,
            process: who as u32,
            context: (who >> 32) as u32,
            args: [a, b, c, d],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_survives_its_words() {
        let record = TelemetryRecord {
            time_ns: u64::MAX - 1,
            level: Level::Warning,
            area: area::UMD,
            code: code::UMD_WAITED,
            process: 0x1234_5678,
            context: 63,
            args: [1, u64::MAX, 3, 4],
        };
        assert_eq!(TelemetryRecord::from_words(record.to_words()), record);
        assert_eq!(code::name(record.code), "UMD_WAITED");
        assert_eq!(area::name(record.area), "umd");
        assert_eq!(record.level.name(), "warning");
    }
}
