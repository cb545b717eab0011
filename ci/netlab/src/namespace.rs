//! A network namespace that lives as long as this process has it open: nothing is left of it after a crash.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::{Error, Result};

/// A namespace, held by an open file of this process only.
#[derive(Debug)]
pub(crate) struct Namespace {
    file: File,
}

impl Namespace {
    /// Makes an empty namespace with a loopback device.
    pub fn new() -> Result<Self> {
        // `cat` answers once it is in the new namespace, and stays until its input ends.
        let mut command = Command::new("unshare");
        command.args(["--net", "cat"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(not_started("unshare", "util-linux"))?;
        let mut input = child.stdin.take();
        let told = input.as_mut().map(|input| input.write_all(b"?"));
        let answered = child.stdout.take().map(|mut output| output.read_exact(&mut [0]));
        let opened = match (told, answered) {
            (Some(Ok(())), Some(Ok(()))) => Some(File::open(format!("/proc/{}/ns/net", child.id()))),
            _ => None,
        };
        drop(input);
        let output = child.wait_with_output().map_err(Error::io("`unshare` cannot be waited for"))?;
        let Some(file) = opened else {
            let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(Error::NotAllowed { message });
        };
        let namespace = Self { file: file.map_err(Error::io("a new network namespace cannot be opened"))? };
        // A program's own connections; and what the kernel itself sends for IPv6 would be packets that nobody expects.
        namespace.run("ip", &["link", "set", "lo", "up"])?;
        namespace.inside(|| std::fs::write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1").ok())?;
        namespace.inside(|| std::fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1").ok())?;
        Ok(namespace)
    }

    /// Where tools find it as long as this value lives.
    pub fn path(&self) -> PathBuf {
        format!("/proc/{}/fd/{}", std::process::id(), self.file.as_raw_fd()).into()
    }

    /// Runs `what` on a thread in the namespace. Sockets that it opens and processes that it starts are there for good.
    pub fn inside<T: Send>(&self, what: impl FnOnce() -> T + Send) -> Result<T> {
        thread::scope(|scope| {
            let thread = scope.spawn(|| {
                move_into_link_name_space(self.file.as_fd(), Some(LinkNameSpaceType::Network))
                    .map_err(Error::system("a network namespace cannot be entered"))?;
                Ok(what())
            });
            match thread.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }

    /// Runs a tool of the package iproute2 in the namespace.
    pub fn run(&self, tool: &'static str, arguments: &[&str]) -> Result<()> {
        let output = self.inside(|| Command::new(tool).args(arguments).output())?;
        let output = output.map_err(not_started(tool, "iproute2"))?;
        if output.status.success() {
            return Ok(());
        }
        Err(Error::Tool {
            command: format!("{tool} {}", arguments.join(" ")),
            message: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }
}

fn not_started(tool: &'static str, package: &'static str) -> impl FnOnce(std::io::Error) -> Error {
    move |source| match source.kind() {
        std::io::ErrorKind::NotFound => Error::NoTool { tool, package },
        _ => Error::Io { what: "a tool cannot be started", source },
    }
}
