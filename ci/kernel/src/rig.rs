//! A system with the image as its driver, a device, and a host: what every scenario begins with and how it ends.

use std::fmt::{self, Write as _};
use std::time::{Duration, Instant};

use pvgpu_dxgkrnl::strict::{BootError, DeviceKind, HostEnd, Options, System};
use pvgpu_dxgkrnl::{Injected, Violation};
use pvgpu_kmd_ddi::NTSTATUS;
use pvgpu_protocol::kernel_interface::adapter_state;
use pvgpu_transport::Region;

use crate::host::{Carrier, Manners, ScriptedHost};
use crate::image;

/// What something of the driver gives.
pub type NtResult<T> = Result<T, NTSTATUS>;

/// Why a scenario ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The driver, or dxgkrnl, refused something.
    Status(NTSTATUS),
    /// What should have become so did not; a failure that was injected may be why.
    Wrong(&'static str),
}

impl From<NTSTATUS> for Failure {
    fn from(status: NTSTATUS) -> Self {
        Self::Status(status)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "status {status:#010x}"),
            Self::Wrong(what) => f.write_str(what),
        }
    }
}

/// What a scenario gives.
pub type Ended<T = ()> = Result<T, Failure>;

/// Ends the scenario unless something is so.
///
/// # Errors
/// [`Failure::Wrong`].
pub fn require(so: bool, otherwise: &'static str) -> Ended {
    if so { Ok(()) } else { Err(Failure::Wrong(otherwise)) }
}

/// Ends the scenario unless something becomes so soon.
///
/// # Errors
/// [`Failure::Wrong`].
pub fn eventually(so: impl Fn() -> bool, otherwise: &'static str) -> Ended {
    let start = Instant::now();
    while !so() {
        if start.elapsed() > SOON {
            return Err(Failure::Wrong(otherwise));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Longer than anything takes on a machine that is busy with other tests.
pub const SOON: Duration = Duration::from_secs(20);

impl Carrier for HostEnd {
    fn aperture(&self) -> Region {
        Self::aperture(self)
    }

    fn wait_doorbell(&self, timeout: Duration) -> bool {
        Self::wait_doorbell(self, timeout)
    }

    fn interrupt(&self) {
        Self::interrupt(self);
    }

    fn hang_up(&self) {
        Self::hang_up(self);
    }
}

/// A booted system, and its host once there is one.
pub struct Rig {
    /// The system.
    pub system: System,
    /// How its device is connected.
    pub device: DeviceKind,
}

impl Rig {
    /// Boots: the driver is loaded and registered; the `nth` call that may fail does fail, 0 for none.
    ///
    /// # Errors
    /// How `DriverEntry` failed.
    ///
    /// # Panics
    /// When the image cannot be loaded or the machine not be made.
    pub fn boot(options: Options, nth: u64) -> Result<Self, Outcome> {
        let device = options.device;
        match System::boot_failing(Options { image: Some(image::shipped()), ..options }, nth) {
            Ok(system) => Ok(Self { system, device }),
            Err(BootError::DriverEntry { status, injected, violations }) => {
                Err(Outcome { result: Err(status.into()), injected, violations, debug_lines: Vec::new() })
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// A host with these manners at the device's other end.
    pub fn host(&self, manners: Manners) -> ScriptedHost {
        ScriptedHost::serve(self.system.host(), manners)
    }

    /// Adds and starts the device; a root device gets its link service.
    ///
    /// # Errors
    /// The driver's status.
    pub fn start(&self) -> NtResult<()> {
        self.system.add_device()?;
        self.start_again()
    }

    /// Starts a device that was stopped, or added.
    ///
    /// # Errors
    /// The driver's status.
    pub fn start_again(&self) -> NtResult<()> {
        self.system.start()?;
        if self.device == DeviceKind::Root { self.system.attach_link() } else { Ok(()) }
    }

    /// Waits until a host serves the adapter.
    ///
    /// # Errors
    /// [`Failure::Wrong`].
    pub fn wait_running(&self) -> Ended {
        self.wait_state(adapter_state::RUNNING)
    }

    /// Waits for one of [`adapter_state`].
    ///
    /// # Errors
    /// [`Failure::Wrong`].
    pub fn wait_state(&self, state: u32) -> Ended {
        let reached = self.system.wait_for_state(state, SOON);
        require(reached, "the adapter does not come into the state that it should")
    }

    /// Device started, host there and honest.
    ///
    /// # Errors
    /// The driver's status.
    pub fn bring_up(&self) -> Ended<ScriptedHost> {
        let host = self.host(Manners::Honest);
        self.start()?;
        self.wait_running()?;
        Ok(host)
    }
}

/// A scenario: what the system is made of, and what happens in it. It runs as a test, and again and again in the sweep.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// Its name in reports.
    pub name: &'static str,
    /// What the system is made of.
    pub options: fn() -> Options,
    /// What happens. An error of the driver ends it; what it finds wrong is a panic.
    pub run: fn(&Rig) -> Ended,
}

/// How a scenario ended.
#[derive(Debug)]
pub struct Outcome {
    /// The scenario's own result.
    pub result: Ended,
    /// What the failure injection did.
    pub injected: Injected,
    /// What the driver did wrong, what it did not give back among it.
    pub violations: Vec<Violation>,
    /// What the driver wrote to the debugger.
    pub debug_lines: Vec<String>,
}

impl Scenario {
    /// Runs it once, in a system of its own; the `nth` call that may fail does fail, 0 for none.
    pub fn execute(&self, nth: u64) -> Outcome {
        let rig = match Rig::boot((self.options)(), nth) {
            Ok(rig) => rig,
            Err(outcome) => return outcome,
        };
        let result = (self.run)(&rig);
        rig.system.unload();
        let injected = rig.system.stop_failing();
        let (violations, debug_lines) = (rig.system.violations(), rig.system.debug_lines());
        Outcome { result, injected, violations, debug_lines }
    }

    /// Runs it once without failures, and panics with all that went wrong.
    ///
    /// # Panics
    /// When anything went wrong.
    pub fn check(&self) {
        let outcome = self.execute(0);
        let report = outcome.report();
        assert!(outcome.result.is_ok() && outcome.violations.is_empty(), "{}: {report}", self.name);
    }
}

impl Outcome {
    /// All of it, for people.
    pub fn report(&self) -> String {
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = match &self.result {
            Ok(()) => write!(text, "it ran to its end"),
            Err(failure) => write!(text, "{failure}"),
        };
        if let Some(function) = self.injected.failed_at {
            let _ = write!(text, ", after {function} failed");
        }
        for violation in &self.violations {
            let _ = write!(text, "\n  {violation}");
        }
        for line in &self.debug_lines {
            let _ = write!(text, "\n  the driver says: {}", line.trim_end());
        }
        text
    }
}
