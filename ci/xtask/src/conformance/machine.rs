//! Where test functions run: a display, a Wine prefix and, for pvgpu, a `pvgpud`, kept from one function to the next.

use std::fs::{self, File};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::output::{Ending, Run};
use crate::daemon::Daemon;
use crate::program;
use crate::wine::{Display, Prefix, windows_path};
use crate::{Error, Result, process};

/// Names the function to the program; see `ci/conformance/include/report.h`.
const FUNCTION_VARIABLE: &str = "PVGPU_TEST";
/// Has the tests run one after the other.
const NO_THREADS_VARIABLE: &str = "WINETEST_NO_MT_D3D";

/// Who renders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Road {
    /// Wine's own Direct3D.
    Reference,
    /// Our DLLs and `pvgpud`.
    Pvgpu {
        /// With the kernel-mode driver's image in place of the linked driver.
        kernel: bool,
    },
}

/// A place to run functions in, one at a time.
pub struct Machine {
    road: Road,
    // In the order of their end: the prefix's processes first.
    prefix: Prefix,
    daemon: Option<Daemon>,
    display: Display,
}

impl Machine {
    /// Starts the display, the prefix and what the road needs.
    ///
    /// # Errors
    /// If one of them cannot be started.
    pub fn start(road: Road) -> Result<Self> {
        let display = Display::start()?;
        let prefix = Prefix::new()?;
        // Tests of full screen look for a second display mode, and some crash without one.
        prefix.use_desktop()?;
        let daemon = match road {
            Road::Reference => None,
            Road::Pvgpu { kernel } => {
                program::install(&prefix, kernel)?;
                Some(Daemon::start(false)?)
            }
        };
        Ok(Self { road, prefix, daemon, display })
    }

    /// Runs one function; its output goes to the file `output`, too.
    ///
    /// # Errors
    /// If the program or a new `pvgpud` cannot be started.
    pub fn run(&mut self, program: &Path, function: &str, limit: Duration, output: &Path) -> Result<Run> {
        if let Some(daemon) = &mut self.daemon
            && daemon.status().is_none()
        {
            eprintln!("warning: pvgpud does not answer any more: {}", daemon.log().display());
            *daemon = Daemon::start(false)?;
        }
        let mut command = match self.road {
            Road::Reference => program::wine_on_reference(&self.prefix),
            Road::Pvgpu { kernel } => {
                program::wine_on_pvgpu(&self.prefix, kernel, self.daemon.as_ref().map(Daemon::link))
            }
        };
        let folder = output.parent().unwrap_or(output);
        fs::create_dir_all(folder).map_err(Error::io("make", folder))?;
        let file = File::create(output).map_err(Error::io("write", output))?;
        let errors = file.try_clone().map_err(Error::io("write", output))?;
        command
            .arg(windows_path(program))
            .env(FUNCTION_VARIABLE, function)
            .env(NO_THREADS_VARIABLE, "1")
            .env("DISPLAY", self.display.name())
            .current_dir(program.parent().unwrap_or(program))
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(errors);
        let said_before = self.daemon.as_ref().map_or(0, |daemon| log_of(daemon).len());
        let start = Instant::now();
        let mut child = process::spawn(&mut command)?;
        let status = process::wait(&mut child, Some(limit), || {});
        process::end(&mut child);
        let mut text = fs::read(output).map_err(Error::io("read", output))?;
        if let Some(daemon) = &self.daemon {
            text.extend(warnings(&log_of(daemon), said_before).bytes());
            fs::write(output, &text).map_err(Error::io("write", output))?;
        }
        let code = status?.as_ref().map(exit_code);
        let run = Run::read(&String::from_utf8_lossy(&text), code, start.elapsed());
        if run.ending != Ending::Finished {
            self.renew()?;
        }
        Ok(run)
    }

    /// A crash may leave a display mode, windows or processes behind: the next function starts as the first one did.
    fn renew(&mut self) -> Result<()> {
        *self = Self::start(self.road)?;
        Ok(())
    }
}

/// What a daemon has said so far.
fn log_of(daemon: &Daemon) -> String {
    fs::read_to_string(daemon.log()).unwrap_or_default()
}

/// What `pvgpud` complained about after the first `start` bytes of its log: why a device was removed, for instance.
fn warnings(log: &str, start: usize) -> String {
    let lines = log.get(start..).unwrap_or_default().lines();
    lines.filter(|line| !line.contains(" INFO ")).map(|line| format!("pvgpud: {line}\n")).collect()
}

/// The exit code; -1 for a process that a signal ended.
fn exit_code(status: &ExitStatus) -> i32 {
    status.code().unwrap_or(-1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_new_complaints_are_added() {
        let log = "[1 WARN ] old\n[2 INFO ] chat\n[3 WARN ] new\n";
        assert_eq!(warnings(log, 14), "pvgpud: [3 WARN ] new\n");
        assert_eq!(warnings(log, 1000), "");
    }
}
