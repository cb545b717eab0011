//! A `pvgpud` of our own, on a link that nobody else uses.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use pvgpu_control::{Client, Status};

use crate::{Error, Result, mesa, paths, process};

/// TIMEOUT: until `pvgpud` says that it is ready. It creates a Vulkan instance before, which takes 0.1 to 3 s.
const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// A running `pvgpud`; it ends with this value.
pub struct Daemon {
    child: Child,
    link: String,
    folder: PathBuf,
    log: PathBuf,
}

impl Daemon {
    /// Starts a daemon on a new private link and waits until it serves; `validate` has Vulkan's validation layer check it.
    ///
    /// # Errors
    /// If it cannot be started or does not become ready; its last messages are part of the error.
    pub fn start(validate: bool) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self::start_on(&format!("run-{}-{number}", std::process::id()), validate)
    }

    /// The same with a folder for what later starts can use.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub fn start_with_cache(name: &str, cache: &Path) -> Result<Self> {
        Self::start_as(name, false, Some(cache), mesa::wanted())
    }

    /// Starts a daemon on the link `shm:NAME` and waits until it serves.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub fn start_on(name: &str, validate: bool) -> Result<Self> {
        Self::start_as(name, validate, None, mesa::wanted())
    }

    /// Starts a daemon on the software renderer of [`mesa`], on a new private link.
    ///
    /// # Errors
    /// As for [`start`](Self::start); if that renderer cannot be had.
    pub fn start_on_new_mesa() -> Result<Self> {
        Self::start_as(&format!("mesa-{}", std::process::id()), false, None, true)
    }

    fn start_as(name: &str, validate: bool, cache: Option<&Path>, new_mesa: bool) -> Result<Self> {
        let folder = Path::new("/dev/shm").join(format!("pvgpu-{name}"));
        let link = format!("shm:{name}");
        let logs = paths::target("logs");
        fs::create_dir_all(&logs).map_err(Error::io("make", &logs))?;
        let log = logs.join(format!("pvgpud-{name}.log"));
        let log_file = File::create(&log).map_err(Error::io("write", &log))?;
        let mut command = Command::new(paths::host_program("pvgpud"));
        // Standard output becomes the descriptor that "ready" is written to; messages go to standard error.
        command.args(["--link", &link, "--ready-fd", "1"]);
        match cache {
            Some(folder) => command.arg("--cache").arg(folder),
            // What one program leaves must not change how the next one runs.
            None => command.args(["--cache", "none"]),
        };
        if validate {
            command.arg("--validate");
        }
        if new_mesa {
            mesa::apply(&mut command)?;
        }
        let mut child = process::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log_file))?;
        let output = child.stdout.take();
        let mut daemon = Self { child, link, folder, log };
        match output.map(wait_until_ready) {
            Some(true) => Ok(daemon),
            _ => Err(Error::Failed(format!("pvgpud did not start:\n{}", daemon.stop_and_read_log()))),
        }
    }

    /// The link's name, as `PVGPU_LINK` takes it.
    pub fn link(&self) -> &str {
        &self.link
    }

    /// The process of the supervisor.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Where its messages go.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The daemon and its guests; None while it does not answer.
    pub fn status(&self) -> Option<Status> {
        Client::connect(&self.folder).ok()?.status().ok()
    }

    /// Kills the daemon without any warning, as a crash would. Its link's folder stays.
    pub fn kill(mut self) {
        process::end(&mut self.child);
        // What a crash leaves behind must not be tidied up by `drop`.
        self.folder = PathBuf::new();
    }

    fn stop_and_read_log(&mut self) -> String {
        process::end(&mut self.child);
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        process::end(&mut self.child);
        if !self.folder.as_os_str().is_empty() {
            // A daemon that ends in an orderly way removes its folder itself.
            let _removed = fs::remove_dir_all(&self.folder);
        }
    }
}

/// True once the daemon writes a line. Whatever it writes later is read and dropped, so that it never blocks.
fn wait_until_ready(output: ChildStdout) -> bool {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut reader = BufReader::new(output);
        let mut line = String::new();
        let ready = reader.read_line(&mut line).is_ok_and(|length| length > 0);
        // Nobody listens any more if time ran out.
        let _sent = sender.send(ready);
        let _dropped = reader.read_to_end(&mut Vec::new());
    });
    receiver.recv_timeout(READY_TIMEOUT).unwrap_or(false)
}
