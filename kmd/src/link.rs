//! The guest's half of the link to a host, from the hello on: rings, events, trace records, the watch on the host.
//!
//! A link outlives its host: when one is gone, the hello is withdrawn, and later said anew in the same memory
//! ([`Link::begin_again`]), without allocating, so that a DPC can do it.

use alloc::vec::Vec;

use pvgpu_protocol::aperture::{Layout, PAGE_BYTES, host_cell, request_cell};
use pvgpu_ring::telemetry::Writer;
use pvgpu_ring::{Corrupt, FenceReader, IrqRequest};

use crate::bring_up::{HostDescription, load, say_hello, withdraw_hello};
use crate::events::Events;
use crate::kernel::Kernel;
use crate::region::Region;
use crate::ring0::Ring0;
use crate::status::Status;
use crate::trace::Tracer;
use crate::watch::HostWatch;

/// After a host is gone, the hello stays withdrawn this long, in nanoseconds: twice the time after which either side takes a
/// silent peer for gone, so that what is left of the old host has noticed.
pub(crate) const QUIET_NS: u64 = 2 * pvgpu_protocol::aperture::HEARTBEAT_TIMEOUT_MS * 1_000_000;

/// Ring 0's line of the fence page.
const RING_0: usize = 0;

/// Where the hello is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hello {
    /// It stands, and nobody has answered.
    Stands,
    /// A host has answered it.
    Answered,
    /// It was taken back at this time: the host is gone.
    Withdrawn {
        /// Nanoseconds of the kernel's clock.
        at: u64,
    },
}

/// The guest's half of a link.
pub(crate) struct Link<K: Kernel> {
    pub(crate) aperture: K::Aperture,
    pub(crate) layout: Layout,
    pub(crate) hello: Hello,
    pub(crate) ring0: Ring0<Region<K::Aperture>>,
    pub(crate) events: Events<Region<K::Aperture>>,
    pub(crate) tracer: Tracer<K>,
    pub(crate) watch: HostWatch,
    pub(crate) host: HostDescription,
    fence_page: Region<K::Aperture>,
    fence: FenceReader<Region<K::Aperture>>,
    request: IrqRequest<Region<K::Aperture>>,
    ring0_region: Region<K::Aperture>,
    event_region: Region<K::Aperture>,
}

impl<K: Kernel> Link<K> {
    /// A link whose hello stands. `host_info` has room for the host's. `PASSIVE_LEVEL`.
    pub(crate) fn new(
        kernel: &K,
        aperture: K::Aperture,
        layout: Layout,
        [ring0, events, telemetry]: [Region<K::Aperture>; 3],
        host_info: Vec<u64>,
    ) -> Result<Self, Status> {
        let bytes = aperture.as_ref().len() as u64 * 8;
        let no_line = Status::Aperture { bytes };
        // The fence page begins at a page of its own.
        let whole = Region::new(aperture.clone(), 0, bytes).ok_or(no_line)?;
        let page = Region::new(aperture.clone(), Layout::fence_page_offset(), PAGE_BYTES).ok_or(no_line)?;
        let request_line = Layout::request_line(0).ok_or(no_line)? + request_cell::AT_VALUE;
        Ok(Self {
            ring0: Ring0::new(ring0.clone())?,
            events: Events::new(events.clone())?,
            tracer: Tracer::new(Writer::new(telemetry.clone())?, telemetry),
            watch: HostWatch::new(0, kernel.time_ns()),
            host: HostDescription { abi_version: 0, features: 0, host_info },
            hello: Hello::Stands,
            fence: FenceReader::new(page.clone(), RING_0)?,
            request: IrqRequest::new(whole, request_line)?,
            fence_page: page,
            ring0_region: ring0,
            event_region: events,
            aperture,
            layout,
        })
    }

    /// Takes the hello back; the host is gone at time `now`.
    pub(crate) fn withdraw(&mut self, now: u64) {
        if !matches!(self.hello, Hello::Withdrawn { .. }) {
            withdraw_hello(&self.aperture);
            self.hello = Hello::Withdrawn { at: now };
        }
    }

    /// Says hello anew, with empty rings. Allocates nothing. IRQL ≤ `DISPATCH_LEVEL`.
    pub(crate) fn begin_again(&mut self, kernel: &K) -> Result<(), Status> {
        say_hello(kernel, &self.aperture, &self.layout, (&self.ring0_region, &self.event_region))?;
        self.ring0 = Ring0::new(self.ring0_region.clone())?;
        self.events.begin_again(self.event_region.clone())?;
        self.fence = FenceReader::new(self.fence_page.clone(), RING_0)?;
        self.hello = Hello::Stands;
        Ok(())
    }

    /// Begins to watch the host's heartbeat.
    pub(crate) fn watch_from(&mut self, now: u64) {
        self.watch = HostWatch::new(load(&self.aperture, host_cell::HEARTBEAT), now);
    }

    /// How far the host has executed ring 0: the highest completed value of its fence.
    pub(crate) fn completed(&mut self) -> Result<u64, Corrupt> {
        self.fence.poll()
    }

    /// Asks for an interrupt when ring 0's fence reaches `value`; true when it has already.
    pub(crate) fn arm(&mut self, value: u64) -> Result<bool, Corrupt> {
        Ok(!self.request.arm(value, &mut self.fence)?)
    }
}
