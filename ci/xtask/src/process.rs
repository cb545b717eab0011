//! Starting tools and waiting for them, with a time limit where one is needed.

use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Error, Result};

/// How often a waiting loop looks again.
const POLL: Duration = Duration::from_millis(20);

/// Runs a tool whose output goes to the terminal.
///
/// # Errors
/// If it cannot be started or does not succeed.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|source| not_started(command, source))?;
    succeeded(command, status)
}

/// Runs a tool and keeps its output; what it wrote is printed only if it fails.
///
/// # Errors
/// If it cannot be started or does not succeed.
pub fn run_quietly(command: &mut Command) -> Result<String> {
    let output = command.output().map_err(|source| not_started(command, source))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        eprint!("{text}{}", String::from_utf8_lossy(&output.stderr));
    }
    succeeded(command, output.status).map(|()| text)
}

/// Starts a program that goes on beside this one.
///
/// # Errors
/// If it cannot be started.
pub fn spawn(command: &mut Command) -> Result<Child> {
    command.spawn().map_err(|source| not_started(command, source))
}

/// Waits until the process ends or `limit` is over (None: without end), calling `meanwhile` every now and then.
///
/// Returns None if time ran out; the process still runs then.
///
/// # Errors
/// If the system cannot tell about the process.
pub fn wait(
    child: &mut Child,
    limit: Option<Duration>,
    mut meanwhile: impl FnMut(),
) -> Result<Option<ExitStatus>> {
    let start = Instant::now();
    loop {
        let status = child.try_wait().map_err(|source| Error::Io {
            what: format!("cannot wait for process {}", child.id()),
            source,
        })?;
        if status.is_some() || limit.is_some_and(|limit| start.elapsed() >= limit) {
            return Ok(status);
        }
        meanwhile();
        thread::sleep(POLL);
    }
}

/// Ends a process at once and takes its status, so that nothing of it is left.
pub fn end(child: &mut Child) {
    // Both fail only if it has ended already, which is what is wanted.
    let _killed = child.kill();
    let _status = child.wait();
}

/// True if a tool can be started and reports success.
pub fn works(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

fn succeeded(command: &Command, status: ExitStatus) -> Result<()> {
    if status.success() {
        Ok(())
    } else {
        Err(Error::Tool { tool: short(command), ending: status.to_string() })
    }
}

fn not_started(command: &Command, source: std::io::Error) -> Error {
    if source.kind() == std::io::ErrorKind::NotFound {
        let program = command.get_program().display();
        return Error::Missing(format!(
            "`{program}` is not installed or not built; `cargo xtask setup` installs what is missing, `cargo xtask build` builds"
        ));
    }
    Error::Io { what: format!("cannot start `{}`", command.get_program().display()), source }
}

/// The program and its first arguments, for a message.
fn short(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args().take(3) {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    if command.get_args().len() > 3 {
        text.push_str(" …");
    }
    text
}
