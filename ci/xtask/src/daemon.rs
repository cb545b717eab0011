//! A `pvgpud` of our own, on a link that nobody else uses.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener};
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

/// How a daemon is started.
struct Start<'a> {
    /// Further options.
    more: &'a [&'a str],
    /// The folder of its keys, where it needs one.
    keys: Option<&'a Path>,
    validate: bool,
    cache: Option<&'a Path>,
    new_mesa: bool,
}

/// A running `pvgpud`; it ends with this value.
pub struct Daemon {
    child: Child,
    link: String,
    folder: PathBuf,
    remove: PathBuf,
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

    /// Starts a daemon at a free port of this machine's loopback address, on a trusted link or with the keys in a folder.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub fn start_on_network(keys: Option<&Path>, validate: bool) -> Result<Self> {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
        let port = free.map_err(|error| Error::Failed(format!("there is no free port: {error}")))?.port();
        let name = format!("tcp-{port}");
        let folder = Path::new("/dev/shm").join(format!("pvgpu-{name}"));
        let link = format!("tcp://127.0.0.1:{port}");
        let options = Start {
            more: if keys.is_none() { &["--trust-link"] } else { &[] },
            keys,
            validate,
            cache: None,
            new_mesa: mesa::wanted(),
        };
        Self::start_with(&name, (link, folder.clone(), folder), &options)
    }

    /// Starts a daemon for virtual machines on the socket `vm.sock` in the folder `/dev/shm/pvgpu-NAME`, which it makes and removes.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub fn start_for_machines(name: &str, validate: bool) -> Result<Self> {
        let folder = Path::new("/dev/shm").join(format!("pvgpu-{name}"));
        fs::create_dir_all(&folder).map_err(Error::io("make", &folder))?;
        let socket = folder.join("vm.sock");
        let control = folder.join("vm.sock.pvgpud");
        let link = format!("ivshmem:{}", socket.display());
        let options = Start {
            more: &["--aperture", "64M"],
            keys: None,
            validate,
            cache: None,
            new_mesa: mesa::wanted(),
        };
        let daemon = Self::start_with(name, (link, control, folder.clone()), &options);
        if daemon.is_err() {
            let _removed = fs::remove_dir_all(&folder);
        }
        daemon
    }

    /// Starts a daemon on this address and waits until it serves. It takes any guest that reaches it, so nobody else may: it has to be
    /// started in a network namespace of its own. Its folder is named after the port, which therefore nobody else may have either. With
    /// the folder of its keys it takes machines that it is paired with.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub fn start_on_cable(address: SocketAddr, keys: Option<&Path>) -> Result<Self> {
        let name = format!("tcp-{}", address.port());
        let folder = Path::new("/dev/shm").join(format!("pvgpu-{name}"));
        let places = (format!("tcp://{address}"), folder.clone(), folder);
        let options = Start {
            more: if keys.is_none() { &["--trust-link"] } else { &[] },
            keys,
            validate: false,
            cache: None,
            new_mesa: mesa::wanted(),
        };
        Self::start_with(&name, places, &options)
    }

    fn start_as(name: &str, validate: bool, cache: Option<&Path>, new_mesa: bool) -> Result<Self> {
        let folder = Path::new("/dev/shm").join(format!("pvgpu-{name}"));
        let link = format!("shm:{name}");
        let options = Start { more: &[], keys: None, validate, cache, new_mesa };
        Self::start_with(name, (link, folder.clone(), folder), &options)
    }

    /// On a link with the daemon's folder and the one to remove in the end.
    fn start_with(
        name: &str,
        (link, folder, remove): (String, PathBuf, PathBuf),
        options: &Start<'_>,
    ) -> Result<Self> {
        let Start { more, keys, validate, cache, new_mesa } = *options;
        let logs = paths::target("logs");
        fs::create_dir_all(&logs).map_err(Error::io("make", &logs))?;
        let log = logs.join(format!("pvgpud-{name}.log"));
        let log_file = File::create(&log).map_err(Error::io("write", &log))?;
        let mut command = Command::new(paths::host_program("pvgpud"));
        // Standard output becomes the descriptor that "ready" is written to; messages go to standard error.
        command.args(["--link", &link, "--ready-fd", "1"]).args(more);
        match cache {
            Some(folder) => command.arg("--cache").arg(folder),
            // What one program leaves must not change how the next one runs.
            None => command.args(["--cache", "none"]),
        };
        if let Some(folder) = keys {
            command.env("PVGPU_KEYS", folder);
        }
        if validate {
            command.arg("--validate");
        }
        if new_mesa {
            mesa::apply(&mut command)?;
        }
        let mut child = process::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log_file))?;
        let output = child.stdout.take();
        let mut daemon = Self { child, link, folder, remove, log };
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
        self.remove = PathBuf::new();
    }

    fn stop_and_read_log(&mut self) -> String {
        process::end(&mut self.child);
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        process::end(&mut self.child);
        if !self.remove.as_os_str().is_empty() {
            // A daemon that ends in an orderly way removes its folder itself.
            let _removed = fs::remove_dir_all(&self.remove);
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
