//! A driver that does what pvgpukmd.sys does with a link service, and what it should not do.
#![expect(unsafe_code, reason = "promises that its memory is there")]

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use bytemuck::{bytes_of, pod_read_unaligned};
use pvgpu_link::host::{Answer, answer};
use pvgpu_link::{Device, Driver, DriverError, LinkEscapes};
use pvgpu_protocol::aperture::{
    GuestHello, Layout, PAGE_BYTES, RING_HEADER_BYTES, RingRegion, Sizes, TELEMETRY_HEADER_BYTES, guest_cell,
    host_cell, request_cell,
};
use pvgpu_protocol::kernel_interface::{AttachLink, PrivateData, PrivateHeader, kind};
use pvgpu_protocol::version::VersionRange;
use pvgpu_ring::{FenceReader, Producer, initialise, telemetry};
use pvgpu_thunks::NtStatus;
use pvgpu_transport::{Mapping, Region};

use crate::PATIENCE;

const APERTURE: u64 = 64 << 20;
/// What the event's handle is.
const EVENT: u64 = 0x1234;

/// What is wrong with the driver's next answers.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// It fails.
    Status(NtStatus),
    /// The aperture is said to be there.
    Address(u64),
    /// It is said to have so many bytes.
    Bytes(u64),
    /// The answer's header names another kind.
    Kind(u16),
    /// No hello stands.
    NoHello,
    /// The last host's word stands.
    LeftOver,
}

#[derive(Default)]
struct State {
    devices: u32,
    aperture: Option<Mapping>,
    ring0: Option<Producer<Region>>,
    hellos: u32,
    counts: BTreeMap<u16, u32>,
    faults: BTreeMap<u16, (Fault, u32)>,
    closed: Option<(DriverError, u32)>,
    refusal: u64,
    /// Ring 0's fence, as the driver has seen it at its last kick.
    completed: u64,
    event: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// The driver.
#[derive(Clone, Default)]
pub struct FakeDriver(Arc<Shared>);

fn layout() -> Layout {
    Layout::new(Sizes::with_aperture(APERTURE)).expect("a usual size")
}

fn cell(mapping: &Mapping, index: usize, value: u64) {
    mapping.whole().as_ref()[index].store(value, Ordering::Release);
}

/// An aperture in which a hello stands. Each attachment has memory of its own, so that whoever uses it after its end is caught.
fn begin() -> (Mapping, Producer<Region>) {
    let layout = layout();
    // CAST: 64 MiB.
    let mapping = Mapping::anonymous(APERTURE as usize).expect("memory");
    let ring = |place: RingRegion| {
        mapping.region(place.ring_offset(), RING_HEADER_BYTES + place.capacity).expect("inside")
    };
    for place in [layout.ring0, layout.event] {
        initialise(&ring(place), 0).expect("a ring");
    }
    let slots = TELEMETRY_HEADER_BYTES + layout.telemetry.capacity;
    telemetry::Writer::new(mapping.region(layout.telemetry.telemetry_offset(), slots).expect("inside"))
        .expect("a ring");
    let hello = GuestHello { versions: VersionRange::OURS, features: 0, sizes: layout.sizes, process: 4 };
    for (index, value) in hello.cells() {
        cell(&mapping, index, value);
    }
    let ring0 = Producer::new(ring(layout.ring0), 0).expect("a ring");
    (mapping, ring0)
}

impl FakeDriver {
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().expect("whole")
    }

    fn wait(&self, what: &str, so: impl Fn(&State) -> bool) {
        let wait = self.0.changed.wait_timeout_while(self.state(), PATIENCE, |state| !so(state));
        let (state, timeout) = wait.expect("whole");
        assert!(!timeout.timed_out(), "{what}: {:?}", state.counts);
    }

    /// Devices that are open.
    pub fn devices(&self) -> u32 {
        self.state().devices
    }

    /// Whether a service is attached.
    pub fn attached(&self) -> bool {
        self.state().aperture.is_some()
    }

    /// Hellos that were said.
    pub fn hellos(&self) -> u32 {
        self.state().hellos
    }

    /// How often an escape has come.
    pub fn count(&self, kind: u16) -> u32 {
        self.state().counts.get(&kind).copied().unwrap_or(0)
    }

    /// Waits until an escape has come so often.
    pub fn wait_count(&self, kind: u16, count: u32) {
        self.wait("an escape", |state| state.counts.get(&kind).is_some_and(|seen| *seen >= count));
    }

    /// Why the last host refused, as the driver has read it.
    pub fn last_refusal(&self) -> u64 {
        self.state().refusal
    }

    /// The next `times` answers to an escape are wrong.
    pub fn fault(&self, kind: u16, fault: Fault, times: u32) {
        self.state().faults.insert(kind, (fault, times));
    }

    /// The next `times` tries to open it fail.
    pub fn refuse_to_open(&self, error: DriverError, times: u32) {
        self.state().closed = Some((error, times));
    }

    /// Takes the hello back.
    pub fn withdraw_hello(&self) {
        let state = self.state();
        cell(state.aperture.as_ref().expect("attached"), guest_cell::MAGIC, 0);
    }

    /// Sets the service's event.
    pub fn set_event(&self) {
        self.state().event = true;
        self.0.changed.notify_all();
    }

    /// Writes a record into ring 0 without ringing; gives its header.
    pub fn push_ring0(&self, header: u64) -> u64 {
        let mut state = self.state();
        let ring = state.ring0.as_mut().expect("attached");
        let record = ring.reserve(0).expect("room");
        // The test rings by itself.
        // CAST: the header's upper half.
        let _ = record.commit((header >> 32) as u32);
        header
    }

    /// Asks for an interrupt at a value of ring 0's fence.
    pub fn arm(&self, value: u64) {
        let state = self.state();
        let line = Layout::request_line(0).expect("ring 0");
        cell(state.aperture.as_ref().expect("attached"), line + request_cell::AT_VALUE, value);
    }

    /// Waits until a kick has shown that ring 0's fence has a value.
    pub fn wait_completed(&self, value: u64) {
        self.wait("a fence", |state| state.completed == value);
    }

    fn escape(&self, data: &mut [u8]) -> Result<(), NtStatus> {
        let header: PrivateHeader = pod_read_unaligned(&data[..8]);
        assert_eq!(header, PrivateHeader::new(header.kind));
        let mut state = self.state();
        *state.counts.entry(header.kind).or_default() += 1;
        let fault = match state.faults.get_mut(&header.kind) {
            Some((fault, times)) if *times != 0 => {
                *times -= 1;
                Some(*fault)
            }
            _ => None,
        };
        let answered = self.answer(&mut state, header.kind, fault, data);
        drop(state);
        self.0.changed.notify_all();
        answered
    }

    fn answer(
        &self,
        state: &mut State,
        kind: u16,
        fault: Option<Fault>,
        data: &mut [u8],
    ) -> Result<(), NtStatus> {
        if let Some(Fault::Status(status)) = fault {
            return Err(status);
        }
        if kind == kind::ATTACH_LINK {
            let mut attach = AttachLink::read(data).map_err(|_| NtStatus::INVALID_PARAMETER)?;
            assert_eq!((attach.event, attach.address, attach.bytes), (EVENT, 0, 0));
            if state.aperture.is_some() {
                return Err(NtStatus::DEVICE_BUSY);
            }
            let (mapping, ring0) = begin();
            attach.address = mapping.as_ptr().expose_provenance() as u64;
            attach.bytes = APERTURE;
            state.hellos += 1;
            state.completed = 0;
            match fault {
                Some(Fault::Address(address)) => attach.address = address,
                Some(Fault::Bytes(bytes)) => attach.bytes = bytes,
                Some(Fault::Kind(kind)) => attach.header = PrivateHeader::new(kind),
                Some(Fault::NoHello) => cell(&mapping, guest_cell::MAGIC, 0),
                Some(Fault::LeftOver) => cell(&mapping, host_cell::STATE, 3),
                Some(Fault::Status(_)) | None => {}
            }
            state.aperture = Some(mapping);
            state.ring0 = Some(ring0);
            data.copy_from_slice(bytes_of(&attach));
            return Ok(());
        }
        let mapping = state.aperture.clone().ok_or(NtStatus::ACCESS_DENIED)?;
        match kind {
            kind::LINK_UP => match answer(&mapping.whole()) {
                Answer::Ready => Ok(()),
                Answer::None => Err(NtStatus::DEVICE_NOT_READY),
                Answer::Refused(reason) | Answer::Gone(reason) => {
                    state.refusal = reason.refusal;
                    Err(NtStatus::DEVICE_REMOVED)
                }
            },
            kind::LINK_KICK => {
                let page = mapping.region(Layout::fence_page_offset(), PAGE_BYTES).expect("inside");
                let mut fence = FenceReader::new(page, 0).expect("a line");
                state.completed = fence.poll().expect("honest");
                Ok(())
            }
            kind::DETACH_LINK => {
                state.ring0 = None;
                state.aperture = None;
                Ok(())
            }
            _ => Err(NtStatus::NOT_SUPPORTED),
        }
    }
}

impl Driver for FakeDriver {
    type Device = FakeDevice;

    fn open(&self) -> Result<FakeDevice, DriverError> {
        let mut state = self.state();
        if let Some((error, times)) = &mut state.closed
            && *times != 0
        {
            *times -= 1;
            return Err(error.clone());
        }
        state.devices += 1;
        state.event = false;
        Ok(FakeDevice(self.clone()))
    }
}

/// A device on it.
pub struct FakeDevice(FakeDriver);

impl LinkEscapes for FakeDevice {
    type Error = NtStatus;

    fn escape(&self, data: &mut [u8]) -> Result<(), NtStatus> {
        self.0.escape(data)
    }
}

// SAFETY: `answer` keeps the mapping that it names until `DETACH_LINK`, and the device's end is the same. What faults name instead is
// refused before it is used, or is a part of the mapping.
unsafe impl Device for FakeDevice {
    fn event(&self) -> u64 {
        EVENT
    }

    fn wait(&self, timeout: Duration) -> bool {
        let wait = self.0.0.changed.wait_timeout_while(self.0.state(), timeout, |state| !state.event);
        std::mem::take(&mut wait.expect("whole").0.event)
    }

    fn wake(&self) {
        self.0.set_event();
    }
}

impl Drop for FakeDevice {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.devices -= 1;
        state.ring0 = None;
        state.aperture = None;
    }
}
