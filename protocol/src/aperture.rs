//! Where things lie in the aperture: the one region of memory that a guest and its host share.
//!
//! ```text
//!   0        4 KiB    8 KiB      12 KiB      28 KiB       …            …            …          heap_offset      size
//!   ┌────────┬────────┬──────────┬───────────┬────────────┬────────────┬────────────┬──────────┬─────────────────┐
//!   │control │ fence  │interrupt │ host info │ ring 0     │ event ring │ telemetry  │ (unused) │ heap            │
//!   │page    │ page   │requests  │           │            │            │ ring       │          │ rings 1.., data │
//!   └────────┴────────┴──────────┴───────────┴────────────┴────────────┴────────────┴──────────┴─────────────────┘
//!    half each   host     guest      host         guest        host        guest          guest allocates
//! ```
//! The second row of labels says who writes. Both sides compute the [`Layout`] from the sizes that the guest states
//! once in its hello, keep it private, and never read it back from shared memory.
//!
//! Offsets of single words are given as indices of 64-bit little-endian cells from the start of the aperture, because
//! that is how shared memory is read and written: one atomic cell at a time.

use crate::limits::{MAX_APERTURE_BYTES, MAX_CONTEXTS, MIN_APERTURE_BYTES};
use crate::version::VersionRange;

/// First word of an aperture: "PVGPUap1", little-endian. The guest writes it last.
pub const MAGIC: u64 = u64::from_le_bytes(*b"PVGPUap1");

/// Bytes of a page, the unit of every part.
pub const PAGE_BYTES: u64 = 4096;
/// Bytes of a fence or interrupt-request line.
pub const LINE_BYTES: u64 = 64;

/// Cells of the control page that the guest writes.
pub mod guest_cell {
    /// [`super::MAGIC`], written last: the rest of the hello is complete once it stands there.
    pub const MAGIC: usize = 0;
    /// [`VersionRange`](crate::version::VersionRange) that the guest speaks.
    pub const VERSIONS: usize = 1;
    /// Bits of [`crate::version::feature`] that the guest offers.
    pub const FEATURES: usize = 2;
    /// Bytes of the aperture.
    pub const APERTURE_BYTES: usize = 3;
    /// Bytes of ring 0's data area.
    pub const RING0_BYTES: usize = 4;
    /// Bytes of the event ring's data area.
    pub const EVENT_BYTES: usize = 5;
    /// Bytes of the telemetry ring's data area.
    pub const TELEMETRY_BYTES: usize = 6;
    /// The guest process that opened the adapter, for people who watch.
    pub const PROCESS: usize = 7;
    /// Rises while the guest lives, at least every [`super::HEARTBEAT_MS`].
    pub const HEARTBEAT: usize = 8;
    /// On an ivshmem device one more than the guest's `IVPosition`: the peer that the host interrupts. 0 elsewhere.
    pub const PEER: usize = 9;
}

/// Cells of the control page that the host writes.
pub mod host_cell {
    /// One of [`super::host_state`], written last.
    pub const STATE: usize = 256;
    /// The ABI version that the host chose.
    pub const VERSION: usize = 257;
    /// The features that are on.
    pub const FEATURES: usize = 258;
    /// [`VersionRange`](crate::version::VersionRange) that the host speaks, also when it refuses.
    pub const VERSIONS: usize = 259;
    /// Bytes of the archived [`crate::host_info::HostInfo`] in the host-info part.
    pub const HOST_INFO_BYTES: usize = 260;
    /// One of [`super::refusal`], with state `REFUSED` or `GONE`.
    pub const REASON: usize = 261;
    /// Rises while the worker lives, at least every [`super::HEARTBEAT_MS`].
    pub const HEARTBEAT: usize = 262;
    /// On an ivshmem device one more than the 32-bit value that the guest writes into its `Doorbell` register (peer << 16 |
    /// vector); written before the state. 0 elsewhere. Until it stands there the guest cannot ring, and the host looks for
    /// the hello by itself.
    pub const DOORBELL: usize = 263;
}

/// Values of [`host_cell::STATE`].
pub mod host_state {
    /// Nobody has looked at the hello yet.
    pub const NONE: u64 = 0;
    /// A worker serves this guest.
    pub const READY: u64 = 1;
    /// The host will not serve this guest; see [`super::host_cell::REASON`].
    pub const REFUSED: u64 = 2;
    /// The worker has ended; nothing will be completed any more.
    pub const GONE: u64 = 3;
}

/// Values of [`host_cell::REASON`].
pub mod refusal {
    /// No reason given.
    pub const NONE: u64 = 0;
    /// The version ranges do not meet.
    pub const VERSION: u64 = 1;
    /// The hello's sizes break a rule of [`super::Layout::new`].
    pub const LAYOUT: u64 = 2;
    /// The host has no Vulkan device that can serve.
    pub const NO_DEVICE: u64 = 3;
    /// The host serves as many guests as it may.
    pub const TOO_MANY_GUESTS: u64 = 4;
    /// The worker crashed or was ended.
    pub const WORKER_ENDED: u64 = 5;
    /// The host is shutting down.
    pub const SHUTDOWN: u64 = 6;

    /// What a reason means, for people: the rest of a sentence about the host.
    pub const fn text(reason: u64) -> &'static str {
        match reason {
            VERSION => "the protocol versions of guest and host do not meet; update the older one",
            LAYOUT => "it does not accept the sizes of the aperture",
            NO_DEVICE => "it has no GPU with Vulkan 1.3",
            TOO_MANY_GUESTS => "it serves as many guests as it may",
            WORKER_ENDED => "its worker for this guest ended",
            SHUTDOWN => "it is shutting down",
            _ => "it gave no reason",
        }
    }
}

/// Each side's heartbeat rises at least this often, in milliseconds.
pub const HEARTBEAT_MS: u64 = 100;
/// A side whose heartbeat has stood still for this long counts as gone, in milliseconds. The guest in a virtual machine does not: it may
/// be paused, and whether the machine is there its connection tells.
pub const HEARTBEAT_TIMEOUT_MS: u64 = 1000;

/// Cells of a fence line, from its start. The host writes them.
pub mod fence_cell {
    /// The highest completed value; monotonic.
    pub const COMPLETED: usize = 0;
    /// When it completed: host's `CLOCK_MONOTONIC`, nanoseconds.
    pub const TIME_NS: usize = 1;
    /// Nonzero once the context is poisoned: a code of [`crate::event::error_code`].
    pub const ERROR: usize = 2;
}

/// Cells of an interrupt-request line, from its start. The guest's kernel-mode driver writes them.
pub mod request_cell {
    /// The host interrupts the guest once when this context's fence reaches the value, and sets it to 0; 0 asks for
    /// nothing.
    pub const AT_VALUE: usize = 0;
}

/// Bytes of the host-info part.
pub const HOST_INFO_BYTES: u64 = 4 * PAGE_BYTES;

const FENCE_OFFSET: u64 = PAGE_BYTES;
const REQUEST_OFFSET: u64 = 2 * PAGE_BYTES;
const HOST_INFO_OFFSET: u64 = 3 * PAGE_BYTES;
const RING0_OFFSET: u64 = HOST_INFO_OFFSET + HOST_INFO_BYTES;
const HEAP_ALIGN: u64 = 64 * 1024;

static_assertions::const_assert_eq!(MAX_CONTEXTS as u64 * LINE_BYTES, PAGE_BYTES);

/// The sizes that a guest states in its hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// The whole aperture, a multiple of 64 KiB.
    pub aperture: u64,
    /// Ring 0's data area, a power of two.
    pub ring0: u64,
    /// The event ring's data area, a power of two.
    pub event: u64,
    /// The telemetry ring's data area, a power of two.
    pub telemetry: u64,
}

impl Sizes {
    /// Usual sizes for an aperture of the given size.
    pub const fn with_aperture(aperture: u64) -> Self {
        Self { aperture, ring0: 256 << 10, event: 64 << 10, telemetry: 256 << 10 }
    }
}

/// Bytes of the words (positions, alarms) that stand right before a command or event ring's data area, at the end of its
/// header page: with them the ring is one run of cells, and the data area begins on a page.
pub const RING_HEADER_BYTES: u64 = 256;
/// The same for the telemetry ring.
pub const TELEMETRY_HEADER_BYTES: u64 = 64;

/// A ring's region: one header page, then the data area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingRegion {
    /// Bytes from the start of the aperture (or of the heap, for contexts' rings) to the header page.
    pub offset: u64,
    /// Bytes of the data area, a power of two.
    pub capacity: u64,
}

impl RingRegion {
    /// Smallest data area: a ring must hold the largest record twice.
    pub const MIN_CAPACITY: u64 = 2 * crate::limits::MAX_RECORD_BYTES as u64;
    /// Largest data area.
    pub const MAX_CAPACITY: u64 = 64 << 20;

    /// The region that fills `length` bytes at `offset`, or `None` when its data area is not a legal one.
    pub const fn from_range(offset: u64, length: u64) -> Option<Self> {
        if length <= PAGE_BYTES || !offset.is_multiple_of(PAGE_BYTES) || offset.checked_add(length).is_none()
        {
            return None;
        }
        let capacity = length - PAGE_BYTES;
        if !capacity.is_power_of_two() || capacity < Self::MIN_CAPACITY || capacity > Self::MAX_CAPACITY {
            return None;
        }
        Some(Self { offset, capacity })
    }

    /// Bytes of the region, header page included.
    pub const fn length(self) -> u64 {
        PAGE_BYTES + self.capacity
    }

    /// One past the last byte.
    pub const fn end(self) -> u64 {
        self.offset + self.length()
    }

    /// Where a command or event ring's run of cells begins: [`RING_HEADER_BYTES`] of words, then the data area.
    pub const fn ring_offset(self) -> u64 {
        self.offset + PAGE_BYTES - RING_HEADER_BYTES
    }

    /// Where the telemetry ring's run of cells begins: [`TELEMETRY_HEADER_BYTES`] of words, then the slots.
    pub const fn telemetry_offset(self) -> u64 {
        self.offset + PAGE_BYTES - TELEMETRY_HEADER_BYTES
    }
}

/// Where every part of an aperture lies. Fields are bytes from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The sizes it was computed from.
    pub sizes: Sizes,
    /// The kernel-mode driver's command ring.
    pub ring0: RingRegion,
    /// The host's event ring.
    pub event: RingRegion,
    /// The guest's telemetry ring.
    pub telemetry: RingRegion,
    /// Where the heap begins; it ends with the aperture.
    pub heap_offset: u64,
}

impl Layout {
    /// Computes the layout.
    ///
    /// # Errors
    /// [`LayoutError`] when a size is out of its range.
    pub const fn new(sizes: Sizes) -> Result<Self, LayoutError> {
        if sizes.aperture < MIN_APERTURE_BYTES
            || sizes.aperture > MAX_APERTURE_BYTES
            || !sizes.aperture.is_multiple_of(HEAP_ALIGN)
        {
            return Err(LayoutError::Aperture { bytes: sizes.aperture });
        }
        let Some(ring0) = ring_at(RING0_OFFSET, sizes.ring0) else {
            return Err(LayoutError::Ring { which: "ring 0", bytes: sizes.ring0 });
        };
        let Some(event) = ring_at(ring0.end(), sizes.event) else {
            return Err(LayoutError::Ring { which: "the event ring", bytes: sizes.event });
        };
        let Some(telemetry) = ring_at(event.end(), sizes.telemetry) else {
            return Err(LayoutError::Ring { which: "the telemetry ring", bytes: sizes.telemetry });
        };
        let heap_offset = telemetry.end().next_multiple_of(HEAP_ALIGN);
        if heap_offset >= sizes.aperture {
            return Err(LayoutError::NoHeap { rings: heap_offset, aperture: sizes.aperture });
        }
        Ok(Self { sizes, ring0, event, telemetry, heap_offset })
    }

    /// Bytes of the heap.
    pub const fn heap_bytes(&self) -> u64 {
        self.sizes.aperture - self.heap_offset
    }

    /// Cell index of a context's fence line.
    pub const fn fence_line(context: u32) -> Option<usize> {
        line(FENCE_OFFSET, context)
    }

    /// Cell index of a context's interrupt-request line.
    pub const fn request_line(context: u32) -> Option<usize> {
        line(REQUEST_OFFSET, context)
    }

    /// Bytes from the start of the aperture to the host-info part.
    pub const fn host_info_offset() -> u64 {
        HOST_INFO_OFFSET
    }

    /// Bytes from the start of the aperture to the fence page.
    pub const fn fence_page_offset() -> u64 {
        FENCE_OFFSET
    }
}

const fn line(page: u64, context: u32) -> Option<usize> {
    if context >= MAX_CONTEXTS {
        return None;
    }
    Some(((page + context as u64 * LINE_BYTES) / 8) as usize)
}

/// Small rings (events, telemetry) may be smaller than a context's.
const fn ring_at(offset: u64, capacity: u64) -> Option<RingRegion> {
    if !capacity.is_power_of_two() || capacity < PAGE_BYTES || capacity > RingRegion::MAX_CAPACITY {
        return None;
    }
    Some(RingRegion { offset, capacity })
}

/// A hello whose sizes no aperture can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayoutError {
    /// The aperture's size is out of range or no multiple of 64 KiB.
    Aperture {
        /// What the hello says.
        bytes: u64,
    },
    /// The rings leave no heap.
    NoHeap {
        /// Bytes up to the end of the rings.
        rings: u64,
        /// Bytes of the aperture.
        aperture: u64,
    },
    /// A ring's data area is no power of two, or out of range.
    Ring {
        /// Which ring.
        which: &'static str,
        /// What the hello says.
        bytes: u64,
    },
}

impl core::fmt::Display for LayoutError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Aperture { bytes } => write!(
                f,
                "an aperture of {bytes} bytes is not a multiple of {HEAP_ALIGN} from {MIN_APERTURE_BYTES} to {MAX_APERTURE_BYTES}"
            ),
            Self::NoHeap { rings, aperture } => {
                write!(f, "rings that end at {rings} leave no heap in an aperture of {aperture} bytes")
            }
            Self::Ring { which, bytes } => write!(
                f,
                "{which} of {bytes} bytes is not a power of two from {PAGE_BYTES} to {}",
                RingRegion::MAX_CAPACITY
            ),
        }
    }
}

impl core::error::Error for LayoutError {}

/// The guest's hello, read cell by cell from the control page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuestHello {
    /// What the guest speaks.
    pub versions: VersionRange,
    /// What the guest offers.
    pub features: u64,
    /// What the guest chose.
    pub sizes: Sizes,
    /// Which guest process opened the adapter.
    pub process: u64,
}

impl GuestHello {
    /// Reads a hello through `cell`, which reads one cell of the aperture; `None` while the magic is missing.
    pub fn read(mut cell: impl FnMut(usize) -> u64) -> Option<Self> {
        if cell(guest_cell::MAGIC) != MAGIC {
            return None;
        }
        Some(Self {
            versions: VersionRange::from_word(cell(guest_cell::VERSIONS)),
            features: cell(guest_cell::FEATURES),
            sizes: Sizes {
                aperture: cell(guest_cell::APERTURE_BYTES),
                ring0: cell(guest_cell::RING0_BYTES),
                event: cell(guest_cell::EVENT_BYTES),
                telemetry: cell(guest_cell::TELEMETRY_BYTES),
            },
            process: cell(guest_cell::PROCESS),
        })
    }

    /// The cells to write, in this order; the magic comes last and must be stored with release order.
    pub const fn cells(&self) -> [(usize, u64); 8] {
        [
            (guest_cell::VERSIONS, self.versions.to_word()),
            (guest_cell::FEATURES, self.features),
            (guest_cell::APERTURE_BYTES, self.sizes.aperture),
            (guest_cell::RING0_BYTES, self.sizes.ring0),
            (guest_cell::EVENT_BYTES, self.sizes.event),
            (guest_cell::TELEMETRY_BYTES, self.sizes.telemetry),
            (guest_cell::PROCESS, self.process),
            (guest_cell::MAGIC, MAGIC),
        ]
    }
}

#[cfg(test)]
mod tests;
