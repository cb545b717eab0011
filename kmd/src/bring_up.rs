//! Brings the link up: says hello in the control page, waits for the host, checks its answer. A straight list of steps.

use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use pvgpu_protocol::aperture::{
    GuestHello, Layout, PAGE_BYTES, RING_HEADER_BYTES, RingRegion, Sizes, TELEMETRY_HEADER_BYTES, guest_cell,
    host_cell, host_state, refusal, request_cell,
};
use pvgpu_protocol::host_info::HostInfo;
use pvgpu_protocol::limits::MAX_CONTEXTS;
use pvgpu_protocol::version::{VersionRange, feature};
use pvgpu_ring::telemetry::Writer;
use pvgpu_ring::{AtomicU64, initialise};

use crate::events::Events;
use crate::kernel::Kernel;
use crate::region::Region;
use crate::ring0::Ring0;
use crate::status::Status;
use crate::trace::Tracer;
use crate::watch::HostWatch;

/// How long the host may take to answer the hello. It starts a process and a Vulkan device, which takes 0.1 to 2 s;
/// measured on a 2-core machine under load, with room to spare.
pub const HOST_READY_TIMEOUT_MS: u32 = 15_000;
/// Pause between two looks at the host's answer.
const POLL_MS: u32 = 2;

/// What host and guest agreed on.
#[derive(Debug, PartialEq, Eq)]
pub struct HostDescription {
    /// The protocol version.
    pub abi_version: u16,
    /// The features that are on.
    pub features: u64,
    /// The archived [`HostInfo`], checked.
    pub host_info: Vec<u64>,
}

impl HostDescription {
    /// A copy.
    pub(crate) fn try_clone(&self) -> Result<Self, Status> {
        let mut host_info = Vec::new();
        host_info.try_reserve_exact(self.host_info.len()).map_err(|_| Status::NoMemory)?;
        host_info.extend_from_slice(&self.host_info);
        Ok(Self { abi_version: self.abi_version, features: self.features, host_info })
    }
}

/// The guest's half of a link that is up.
pub(crate) struct Link<K: Kernel> {
    pub(crate) aperture: K::Aperture,
    pub(crate) layout: Layout,
    pub(crate) ring0: Ring0<Region<K::Aperture>>,
    pub(crate) events: Events<Region<K::Aperture>>,
    pub(crate) tracer: Tracer<K>,
    pub(crate) watch: HostWatch,
    pub(crate) host: HostDescription,
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

/// Brings the link up. `PASSIVE_LEVEL`.
pub(crate) fn bring_up<K: Kernel>(kernel: &K) -> Result<Link<K>, Status> {
    let mut prepared = Err(Status::HostUnreachable);
    let aperture = kernel.connect(&mut |aperture| prepared = prepare::<K>(kernel, aperture))?;
    let Prepared { layout, ring0, events, telemetry } = prepared?;
    await_host(kernel, &aperture)?;
    let host = read_answer(&aperture)?;
    kernel.host_ready()?;
    let watch = HostWatch::new(load(&aperture, host_cell::HEARTBEAT), kernel.time_ns());
    let tracer = Tracer::new(Writer::new(telemetry)?);
    Ok(Link {
        ring0: Ring0::new(ring0)?,
        events: Events::new(events)?,
        aperture,
        layout,
        tracer,
        watch,
        host,
    })
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
    let ring0 = begin_ring(aperture, layout.ring0)?;
    let events = begin_ring(aperture, layout.event)?;
    let slots = TELEMETRY_HEADER_BYTES + layout.telemetry.capacity;
    let telemetry = region(aperture, layout.telemetry.telemetry_offset(), slots)?;
    Writer::new(telemetry.clone())?;
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
        versions: VersionRange::OURS,
        features: feature::ALL,
        sizes,
        process: u64::from(kernel.current_process()),
    };
    for (cell, value) in hello.cells() {
        store(aperture, cell, value);
    }
    Ok(Prepared { layout, ring0, events, telemetry })
}

/// A part of the aperture; parts come from the layout, so a missing one means that the aperture is too small.
fn region<A: AsRef<[AtomicU64]> + Clone>(aperture: &A, offset: u64, bytes: u64) -> Result<Region<A>, Status> {
    Region::new(aperture.clone(), offset, bytes).ok_or(Status::Aperture { bytes })
}

/// Prepares a ring's words.
fn begin_ring<A: AsRef<[AtomicU64]> + Clone>(aperture: &A, ring: RingRegion) -> Result<Region<A>, Status> {
    let region = region(aperture, ring.ring_offset(), RING_HEADER_BYTES + ring.capacity)?;
    initialise(&region, 0)?;
    Ok(region)
}

/// Prepares the ring of a new context, which lies at `offset` from the heap's start.
pub(crate) fn begin_context_ring<A>(aperture: &A, layout: &Layout, ring: RingRegion) -> Result<(), Status>
where
    A: AsRef<[AtomicU64]> + Clone,
{
    let offset = layout.heap_offset.saturating_add(ring.offset);
    begin_ring(aperture, RingRegion { offset, ..ring }).map(|_| ())
}

/// Waits until the host has looked at the hello.
fn await_host<K: Kernel>(kernel: &K, aperture: &K::Aperture) -> Result<(), Status> {
    let start = kernel.time_ns();
    let limit = u64::from(HOST_READY_TIMEOUT_MS) * 1_000_000;
    while load(aperture, host_cell::STATE) == host_state::NONE {
        if kernel.time_ns().saturating_sub(start) > limit {
            return Err(Status::HostSilent { waited_ms: HOST_READY_TIMEOUT_MS });
        }
        kernel.sleep_ms(POLL_MS);
    }
    Ok(())
}

/// Copies the host's half of the control page out and checks it.
fn read_answer<A: AsRef<[AtomicU64]>>(aperture: &A) -> Result<HostDescription, Status> {
    let cell = |index| load(aperture, index);
    let state = cell(host_cell::STATE);
    match state {
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
        .filter(|version| (VersionRange::OURS.min..=VersionRange::OURS.max).contains(version))
        .ok_or(Status::HostLies { rule: "the chosen version is one that we offered", value: version })?;
    let features = cell(host_cell::FEATURES);
    if features & !feature::ALL != 0 {
        return Err(Status::HostLies { rule: "only features that we offered are on", value: features });
    }
    let bytes = cell(host_cell::HOST_INFO_BYTES);
    if bytes != HostInfo::WORDS as u64 * 8 {
        return Err(Status::HostLies { rule: "the host info has the size of this version", value: bytes });
    }
    let mut host_info = Vec::new();
    host_info.try_reserve_exact(HostInfo::WORDS).map_err(|_| Status::NoMemory)?;
    let first = (Layout::host_info_offset() / 8) as usize;
    host_info.extend((first..first + HostInfo::WORDS).map(cell));
    HostInfo::access(&host_info)
        .map_err(|_| Status::HostLies { rule: "the host info is well-formed", value: bytes })?;
    Ok(HostDescription { abi_version, features, host_info })
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
