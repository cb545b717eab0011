//! The link service of `ROOT\PVGPU`: what a service in user mode does on Windows, the model does for itself.
//!
//! It has a process, a device, and an event that the driver sets to wake the host; it maps the aperture by an escape, shows
//! it to the host, and kicks the driver whenever the host's side has changed. Its escapes and its reading of the host's answer are
//! those of the service that ships ([`pvgpu_link`]). It has no loop, since a program that has lost its host opens another adapter,
//! and no mapping of its own, since the aperture is what the host of this program's link is shown anyway.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pvgpu_kmd::Status;
use pvgpu_kmd_ddi::{NTSTATUS, STATUS_INVALID_PARAMETER};
use pvgpu_link::LinkEscapes;
use pvgpu_link::host::{Answer, Reason, answer};
use pvgpu_transport::guest::ConnectError;

use super::driver::{DriverHandle, NtResult};
use super::{Port, Wake};
use crate::handles;
use crate::machine::RootMachine;
use crate::nt::object::EventObject;
use crate::nt::process::Process;

/// How long the host may take to answer the hello. It starts a process and a Vulkan device, which takes 0.1 to 2 s; measured
/// on a 2-core machine under load, with room to spare.
const HOST_READY_TIMEOUT_MS: u32 = 15_000;
/// Pause between two looks at the host's answer.
const POLL: Duration = Duration::from_millis(2);

/// Why the link does not come up.
#[derive(Debug)]
pub(crate) enum LinkError {
    /// The transport's reason.
    Connect(ConnectError),
    /// The host's answer, or its silence.
    Host(Status),
    /// The driver's status.
    Driver(NTSTATUS),
}

/// The service.
pub(crate) struct LinkService {
    process: Arc<Process>,
    device: DriverHandle,
    event: usize,
    attached: AtomicBool,
}

impl LinkService {
    /// Opens a device for the service and attaches it to the link: `doorbell` wakes the host, the aperture has `bytes`.
    ///
    /// # Errors
    /// The driver's status; `STATUS_INVALID_PARAMETER` when it maps another aperture.
    pub(crate) fn attach(
        port: &Port,
        process: Arc<Process>,
        doorbell: Box<dyn Fn() + Send + Sync>,
        bytes: u64,
    ) -> NtResult<Self> {
        let event = process.open(Arc::new(EventObject::new(Some(doorbell))));
        let device = match port.driver().create_device(&process, handles::next()) {
            Ok(device) => device,
            Err(status) => {
                process.close(event);
                return Err(status);
            }
        };
        let service = Self { process, device, event, attached: AtomicBool::new(true) };
        let attached = service.through(port).attach_link(event as u64);
        let request = match attached {
            Ok(request) => request,
            Err(status) => {
                service.attached.store(false, Ordering::Release);
                service.end(port);
                return Err(status);
            }
        };
        if request.bytes != bytes || request.address == 0 {
            service.end(port);
            return Err(STATUS_INVALID_PARAMETER);
        }
        Ok(service)
    }

    /// `LINK_UP`: the host has answered.
    ///
    /// # Errors
    /// The driver's status.
    pub(crate) fn up(&self, port: &Port) -> NtResult<()> {
        self.through(port).link_up()
    }

    /// Shows the aperture to the host of a program's own adapter, waits for its answer, and tells the driver.
    ///
    /// # Errors
    /// [`LinkError`] says whose fault it is.
    pub(crate) fn bring_up(&self, port: &Port, machine: &RootMachine) -> Result<(), LinkError> {
        machine.announce().map_err(LinkError::Connect)?;
        await_host(machine)?;
        machine.open_doorbells().map_err(LinkError::Connect)?;
        self.up(port).map_err(LinkError::Driver)?;
        // Whatever the driver rang for before the doorbell was there.
        machine.ring_doorbell();
        Ok(())
    }

    /// Something happened on the host's side.
    pub(super) fn machine_event(&self, port: &Port, wake: Wake) {
        if !self.attached.load(Ordering::Acquire) {
            return;
        }
        // A driver that refuses a kick has stopped; nobody waits for it any more.
        match wake {
            Wake::Rung => {
                let _ = self.through(port).link_kick();
            }
            Wake::Gone => self.detach(port),
            Wake::Timeout => {}
        }
    }

    /// `DETACH_LINK`: the host counts as gone.
    fn detach(&self, port: &Port) {
        if self.attached.swap(false, Ordering::AcqRel) {
            // The driver knows no reason to refuse; if it does, the service's end does the same.
            let _ = self.through(port).detach_link();
        }
    }

    /// Ends the service.
    pub(crate) fn end(&self, port: &Port) {
        self.detach(port);
        let _ = port.driver().destroy_device(&self.process, self.device);
        self.process.close(self.event);
    }

    /// The way of its escapes.
    fn through<'a>(&'a self, port: &'a Port) -> Through<'a> {
        Through { service: self, port }
    }
}

/// The service's device on a port.
struct Through<'a> {
    service: &'a LinkService,
    port: &'a Port,
}

impl LinkEscapes for Through<'_> {
    type Error = NTSTATUS;

    fn escape(&self, data: &mut [u8]) -> NtResult<()> {
        let handles = (self.service.device, DriverHandle::default());
        self.port.driver().escape(&self.service.process, handles, data)
    }
}

/// Waits until the host's half of the control page says something.
fn await_host(machine: &RootMachine) -> Result<(), LinkError> {
    let start = Instant::now();
    let cells = machine.mapping().whole();
    loop {
        match answer(&cells) {
            Answer::None => {}
            Answer::Refused(Reason { refusal, versions }) | Answer::Gone(Reason { refusal, versions }) => {
                return Err(LinkError::Host(Status::HostRefused { reason: refusal, versions }));
            }
            Answer::Ready => return Ok(()),
        }
        if start.elapsed() > Duration::from_millis(u64::from(HOST_READY_TIMEOUT_MS)) {
            return Err(LinkError::Host(Status::HostSilent { waited_ms: HOST_READY_TIMEOUT_MS }));
        }
        std::thread::sleep(POLL);
    }
}

impl fmt::Debug for LinkService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkService").field("attached", &self.attached).finish_non_exhaustive()
    }
}
