//! Brings the link up: says hello in the control page, and reads and checks what the host answers.

use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use pvgpu_protocol::aperture::{
    GuestHello, Layout, MAGIC, PAGE_BYTES, RING_HEADER_BYTES, RingRegion, Sizes, TELEMETRY_HEADER_BYTES,
    guest_cell, host_cell, host_state, refusal, request_cell,
};
use pvgpu_protocol::host_info::HostInfo;
use pvgpu_protocol::limits::MAX_CONTEXTS;
use pvgpu_protocol::version::{VersionRange, feature};
use pvgpu_ring::telemetry::Writer;
use pvgpu_ring::{AtomicU64, initialise};

use crate::kernel::Kernel;
use crate::link::Link;
use crate::region::Region;
use crate::status::Status;

/// What host and guest agreed on.
pub(crate) struct HostDescription {
    /// The protocol version.
    pub(crate) abi_version: u16,
    /// The features that are on.
    pub(crate) features: u64,
    /// The archived [`HostInfo`], checked; empty before a host has ever answered.
    pub(crate) host_info: Vec<u64>,
}

/// Reads one cell of the aperture; cells that do not exist read as 0.
pub(crate) fn load(aperture: &impl AsRef<[AtomicU64]>, cell: usize) -> u64 {
    aperture.as_ref().get(cell).map_or(0, |cell| cell.load(Ordering::Acquire))
}

/// Writes one cell of the aperture.
pub(crate) fn store(aperture: &impl AsRef<[AtomicU64]>, cell: usize, value: u64) {
    if let Some(cell) = aperture.as_ref().get(cell) {
        cell.store(value, Ordering::Release);
    }
}

/// Gets the aperture and says hello in it; what comes back waits for its host. `PASSIVE_LEVEL`.
///
/// # Errors
/// Why there is no aperture, or no memory for this side's half.
pub(crate) fn bring_up<K: Kernel>(kernel: &K) -> Result<Link<K>, Status> {
    let mut prepared = Err(Status::HostUnreachable);
    let aperture = kernel.connect(&mut |aperture| prepared = prepare::<K>(kernel, aperture))?;
    let Prepared { layout, ring0, events, telemetry } = prepared?;
    let mut host_info = Vec::new();
    host_info.try_reserve_exact(HostInfo::WORDS).map_err(|_| Status::NoMemory)?;
    Link::new(kernel, aperture, layout, [ring0, events, telemetry], host_info)
}

/// The parts of an aperture that is ready to be shown.
struct Prepared<K: Kernel> {
    layout: Layout,
    ring0: Region<K::Aperture>,
    events: Region<K::Aperture>,
    telemetry: Region<K::Aperture>,
}

/// Writes everything that the host must find: empty rings, no interrupt request, the hello.
fn prepare<K: Kernel>(kernel: &K, aperture: &K::Aperture) -> Result<Prepared<K>, Status> {
    let bytes = aperture.as_ref().len() as u64 * 8;
    let sizes = Sizes::with_aperture(bytes);
    let layout = Layout::new(sizes).map_err(|_| Status::Aperture { bytes })?;
    let ring0 = ring(aperture, layout.ring0)?;
    let events = ring(aperture, layout.event)?;
    let slots = TELEMETRY_HEADER_BYTES + layout.telemetry.capacity;
    let telemetry = region(aperture, layout.telemetry.telemetry_offset(), slots)?;
    Writer::new(telemetry.clone())?;
    say_hello(kernel, aperture, &layout, (&ring0, &events))?;
    Ok(Prepared { layout, ring0, events, telemetry })
}

/// Begins ring 0 and the event ring and writes the hello; an earlier one is withdrawn first. Allocates nothing.
/// IRQL ≤ `DISPATCH_LEVEL`.
pub(crate) fn say_hello<K: Kernel>(
    kernel: &K,
    aperture: &K::Aperture,
    layout: &Layout,
    (ring0, events): (&Region<K::Aperture>, &Region<K::Aperture>),
) -> Result<(), Status> {
    withdraw_hello(aperture);
    initialise(ring0, 0)?;
    initialise(events, 0)?;
    for context in 0..MAX_CONTEXTS {
        if let Some(line) = Layout::request_line(context) {
            store(aperture, line + request_cell::AT_VALUE, 0);
        }
    }
    for cell in [host_cell::STATE, host_cell::REASON, host_cell::HEARTBEAT] {
        // The host's half; what stands there is from a host of an earlier start, and this one has not looked yet.
        store(aperture, cell, 0);
    }
    store(aperture, guest_cell::HEARTBEAT, 1);
    let hello = GuestHello {
        versions: VersionRange::GUEST,
        features: feature::ALL,
        sizes: layout.sizes,
        process: u64::from(kernel.current_process()),
    };
    for (cell, value) in hello.cells() {
        store(aperture, cell, value);
    }
    Ok(())
}

/// Takes the hello back: whoever looks from now on finds no guest.
pub(crate) fn withdraw_hello(aperture: &impl AsRef<[AtomicU64]>) {
    store(aperture, guest_cell::MAGIC, 0);
}

/// Whether our hello stands in the control page, where only this side writes; it does not after the memory was lost.
pub(crate) fn hello_stands(aperture: &impl AsRef<[AtomicU64]>) -> bool {
    load(aperture, guest_cell::MAGIC) == MAGIC
}

/// A part of the aperture; parts come from the layout, so a missing one means that the aperture is too small.
fn region<A: AsRef<[AtomicU64]> + Clone>(aperture: &A, offset: u64, bytes: u64) -> Result<Region<A>, Status> {
    Region::new(aperture.clone(), offset, bytes).ok_or(Status::Aperture { bytes })
}

/// A ring's run of cells.
fn ring<A: AsRef<[AtomicU64]> + Clone>(aperture: &A, ring: RingRegion) -> Result<Region<A>, Status> {
    region(aperture, ring.ring_offset(), RING_HEADER_BYTES + ring.capacity)
}

/// Prepares the ring of a new context, which lies at `offset` from the heap's start.
pub(crate) fn begin_context_ring<A>(aperture: &A, layout: &Layout, ring: RingRegion) -> Result<(), Status>
where
    A: AsRef<[AtomicU64]> + Clone,
{
    let offset = layout.heap_offset.saturating_add(ring.offset);
    initialise(&self::ring(aperture, RingRegion { offset, ..ring })?, 0)?;
    Ok(())
}

/// Copies the host's half of the control page into `host` and checks it; tells whether the host has looked at the hello at
/// all. Allocates nothing, since `host` has its memory. IRQL ≤ `DISPATCH_LEVEL`.
pub(crate) fn read_answer<A: AsRef<[AtomicU64]>>(
    aperture: &A,
    host: &mut HostDescription,
) -> Result<bool, Status> {
    let cell = |index| load(aperture, index);
    let state = cell(host_cell::STATE);
    match state {
        host_state::NONE => return Ok(false),
        host_state::READY => {}
        host_state::REFUSED | host_state::GONE => {
            return Err(Status::HostRefused {
                reason: cell(host_cell::REASON),
                versions: VersionRange::from_word(cell(host_cell::VERSIONS)),
            });
        }
        _ => return Err(Status::HostLies { rule: "the host's state is a known one", value: state }),
    }
    let version = cell(host_cell::VERSION);
    let abi_version = u16::try_from(version)
        .ok()
        .filter(|version| (VersionRange::GUEST.min..=VersionRange::GUEST.max).contains(version))
        .ok_or(Status::HostLies { rule: "the chosen version is one that we offered", value: version })?;
    let features = cell(host_cell::FEATURES);
    if features & !feature::ALL != 0 {
        return Err(Status::HostLies { rule: "only features that we offered are on", value: features });
    }
    let bytes = cell(host_cell::HOST_INFO_BYTES);
    if bytes != HostInfo::WORDS as u64 * 8 {
        return Err(Status::HostLies { rule: "the host info has the size of this version", value: bytes });
    }
    let first = (Layout::host_info_offset() / 8) as usize;
    // Into the place that it will have, since a kernel stack has none to spare; a bad one is forgotten again.
    host.host_info.clear();
    if host.host_info.capacity() >= HostInfo::WORDS {
        host.host_info.extend((first..first + HostInfo::WORDS).map(cell));
    }
    if HostInfo::access(&host.host_info).is_err() {
        host.host_info.clear();
        return Err(Status::HostLies { rule: "the host info is well-formed", value: bytes });
    }
    host.abi_version = abi_version;
    host.features = features;
    Ok(true)
}

/// What the control page says about the host's end, if it says anything.
pub(crate) fn host_end<A: AsRef<[AtomicU64]>>(aperture: &A) -> Option<u64> {
    match load(aperture, host_cell::STATE) {
        host_state::READY => None,
        _ => Some(match load(aperture, host_cell::REASON) {
            refusal::NONE => refusal::WORKER_ENDED,
            reason => reason,
        }),
    }
}

/// Zeroes a range of the heap, a whole number of pages, cell by cell.
pub(crate) fn zero<A: AsRef<[AtomicU64]>>(aperture: &A, layout: &Layout, offset: u64, bytes: u64) {
    debug_assert!(offset.is_multiple_of(PAGE_BYTES) && bytes.is_multiple_of(PAGE_BYTES));
    let first = usize::try_from(layout.heap_offset.saturating_add(offset) / 8).unwrap_or(usize::MAX);
    let cells = usize::try_from(bytes / 8).unwrap_or(0);
    let range = aperture.as_ref().get(first..).and_then(|rest| rest.get(..cells)).unwrap_or_default();
    for cell in range {
        cell.store(0, Ordering::Relaxed);
    }
}
