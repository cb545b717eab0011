//! Installing and removing the driver package: what `pvgpu-ctl.exe install` and `uninstall` do.
//!
//! A plan is made from the state of the machine ([`State`]) by pure functions ([`plan`]); then each step is said, done and
//! reported ([`run`]). Doing it twice does nothing the second time. [`store`] finds our packages among the setup information
//! files that Windows keeps; the calls to Windows are in `windows`.
//!
//! # Invariants
//! Nothing is changed in a dry run. No step is taken before the whole plan stands.

pub mod plan;
mod state;
pub mod store;
#[cfg(windows)]
mod windows;

use std::fmt;
use std::io::{self, Write};

pub use plan::{Request, Step, Which};
pub use state::{Device, Published, State, Version, shown};

/// A machine that steps can be taken on.
pub trait Machine {
    /// Takes a step; true if Windows must be restarted to complete it.
    ///
    /// # Errors
    /// What Windows answered, with what to do about it where that is known.
    fn take(&mut self, step: &Step) -> Result<bool, Failure>;
}

/// A step that Windows refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Windows' number, an HRESULT.
    pub code: u32,
    /// Windows' words for it.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:#010x})", self.message.trim_end(), self.code)?;
        match hint(self.code) {
            Some(hint) => write!(f, "\n  {hint}"),
            None => Ok(()),
        }
    }
}

/// What to do about errors that many meet, from "Troubleshooting driver signing installation" and winerror.h.
fn hint(code: u32) -> Option<&'static str> {
    Some(match code {
        // CERT_E_UNTRUSTEDROOT, SPAPI_E_AUTHENTICODE_TRUST_NOT_ESTABLISHED, SPAPI_E_AUTHENTICODE_PUBLISHER_NOT_TRUSTED.
        0x800b_0109 | 0x800f_0242 | 0x800f_0243 => {
            "the package's certificate is not trusted here: import pvgpu-test.cer into the machine's Root and TrustedPublisher \
             stores, as INSTALL.md says"
        }
        // TRUST_E_NOSIGNATURE, SPAPI_E_FILE_HASH_NOT_IN_CATALOG.
        0x800b_0100 | 0x800f_024b => {
            "a file of the package was changed after signing: use the package as it was made"
        }
        // TRUST_E_EXPLICIT_DISTRUST and ERROR_INVALID_IMAGE_HASH.
        0x800b_0111 | 0x8007_0241 => {
            "Windows does not load test-signed drivers: turn test signing on, as INSTALL.md says"
        }
        // ERROR_ACCESS_DENIED, ERROR_IN_WOW64.
        0x8007_0005 => "open the console with \"Run as administrator\"",
        0x800f_0235 => "use the 64-bit pvgpu-ctl.exe on 64-bit Windows",
        // ERROR_FILE_NOT_FOUND.
        0x8007_0002 => "the folder must hold all files of the package",
        _ => return None,
    })
}

/// Why nothing, or not everything, was done.
#[derive(Debug)]
pub enum Error {
    /// The process may not change drivers.
    NotElevated,
    /// There is no setup information file, or it is not ours.
    Package(String),
    /// The state of the machine could not be found out.
    State(Failure),
    /// A step failed; those before it have been taken.
    Step {
        /// Which one.
        step: Step,
        /// Why.
        failure: Failure,
    },
    /// Nobody reads what is written.
    Output(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotElevated => f.write_str(
                "changing drivers needs an administrator: open the console with \"Run as administrator\" and try again \
                 (--dry-run only shows what would be done)",
            ),
            Self::Package(what) => f.write_str(what),
            Self::State(failure) => write!(f, "the machine's devices cannot be listed: {failure}"),
            Self::Step { step, failure } => write!(f, "{step}: {failure}"),
            Self::Output(source) => write!(f, "the output cannot be written: {source}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(source: io::Error) -> Self {
        Self::Output(source)
    }
}

/// Makes a plan for this machine and carries it out; says each thing that is done.
///
/// # Errors
/// See [`Error`].
#[cfg(windows)]
pub fn perform(request: &Request, out: &mut dyn Write) -> Result<(), Error> {
    let state = windows::state().map_err(Error::State)?;
    run(request, &state, &mut windows::ThisMachine, out)
}

/// Makes a plan for a machine in this state and carries it out.
///
/// # Errors
/// See [`Error`].
pub fn run(
    request: &Request,
    state: &State,
    machine: &mut dyn Machine,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let plan = plan::make(request, state)?;
    for fact in &plan.facts {
        writeln!(out, "{fact}")?;
    }
    if plan.steps.is_empty() {
        writeln!(out, "Nothing to do.")?;
        return Ok(());
    }
    if request.is_dry_run() {
        for step in &plan.steps {
            writeln!(out, "Would do: {step}")?;
        }
        if !state.elevated {
            writeln!(out, "An administrator must do it.")?;
        }
        return Ok(());
    }
    if !state.elevated {
        return Err(Error::NotElevated);
    }
    let mut restart = false;
    for step in plan.steps {
        write!(out, "{step} … ")?;
        out.flush()?;
        match machine.take(&step) {
            Ok(wants_restart) => {
                restart |= wants_restart;
                writeln!(out, "done")?;
            }
            Err(failure) => {
                writeln!(out, "failed")?;
                return Err(Error::Step { step, failure });
            }
        }
    }
    if restart {
        writeln!(out, "Restart Windows to complete this.")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
