//! Running one Windows program, on pvgpu or on Wine's own renderer.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use pvgpu_control::Guest;

use crate::daemon::Daemon;
use crate::wine::{Display, Prefix, windows_path};
use crate::{Error, Result, kernel, packages, paths, process, toolchain};

/// Our DLLs, in the places of Wine's own: the Direct3D runtime and the user-mode driver.
const DLLS: [&str; 3] = ["d3d11.dll", "dxgi.dll", "pvgpuumd.dll"];
/// The one of them that is another file on the road with the driver's image, and that file.
const KERNEL_ROAD: (&str, &str) = ("d3d11.dll", "d3d11_kernel.dll");
/// Tells that file where the image is.
const IMAGE_VARIABLE: &str = "PVGPU_DRIVER_IMAGE";
/// For Wine: of those that it has too, use the installed ones only; a broken one must not be replaced in silence.
const OURS: &str = "d3d11,dxgi=n";
/// For Wine: use its own only, even for a program with other ones beside it.
const WINES_OWN: &str = "d3d11,dxgi=b";
/// The exit code for a program that ran out of time, as of coreutils' `timeout`.
const EXIT_TIMED_OUT: u8 = 124;

/// Who renders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renderer {
    /// Our DLLs and `pvgpud`.
    Pvgpu {
        /// A daemon that already runs; without one, a daemon is started for this program alone.
        link: Option<String>,
    },
    /// Wine's own Direct3D 11, with the hook that captures frames.
    Reference,
    /// Without anything of ours around the program: the d3d11.dll and dxgi.dll in a folder, or else Wine's own.
    Other {
        /// The folder.
        dlls: Option<PathBuf>,
    },
}

/// Where the program's output goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// To the terminal.
    Terminal,
    /// To a file.
    File(PathBuf),
}

/// A program and how to run it.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who renders.
    pub renderer: Renderer,
    /// The program: a path of this machine, or a Windows path.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Environment variables to set for it.
    pub environment: Vec<(&'static str, String)>,
    /// Close it after so many frames.
    pub frames: Option<u32>,
    /// Save its frames in this folder. Frames of an earlier run there are removed.
    pub shots: Option<PathBuf>,
    /// End it after this time.
    pub timeout: Option<Duration>,
    /// Where its output goes.
    pub output: Output,
    /// Have the kernel-mode driver's image, pvgpukmd.sys, drive, in place of the driver that is linked into our d3d11.dll.
    pub kernel: bool,
    /// Have Vulkan's validation layer check what `pvgpud` does, if one is started for the program.
    pub validate: bool,
    /// Build everything first; only [`task`] does so.
    pub build: bool,
}

/// How a run went.
#[derive(Debug)]
pub struct Outcome {
    /// The program's exit code; None if time ran out.
    pub code: Option<i32>,
    /// The worker's last counters before the program ended, when a daemon was started for it.
    pub guest: Option<Guest>,
    /// Frames per second from the first frame to the last, from the worker's counters.
    pub fps: Option<f64>,
    /// The messages of the daemon that was started for it.
    pub daemon_log: Option<PathBuf>,
}

impl Request {
    /// A request without any options.
    pub fn new(renderer: Renderer, program: PathBuf) -> Self {
        Self {
            renderer,
            program,
            arguments: Vec::new(),
            environment: Vec::new(),
            frames: None,
            shots: None,
            timeout: None,
            output: Output::Terminal,
            kernel: false,
            validate: false,
            build: true,
        }
    }
}

/// `cargo xtask run`: makes sure that everything is there, runs the program, and hands its exit code on.
///
/// # Errors
/// If something is missing or the program cannot be started.
pub fn task(request: &Request) -> Result<ExitCode> {
    packages::ensure(packages::Purpose::Programs)?;
    match request.renderer {
        _ if !request.build => {}
        Renderer::Reference | Renderer::Other { .. } => toolchain::build_windows_tools()?,
        Renderer::Pvgpu { .. } => {
            toolchain::build_host()?;
            toolchain::build_windows()?;
            if request.kernel {
                kernel::build()?;
                toolchain::build_kernel_road()?;
            }
        }
    }
    let outcome = run(request, &Display::start()?)?;
    Ok(match outcome.code {
        // CAST: Unix passes on the lower 8 bits of an exit code anyway.
        Some(code) => ExitCode::from(code as u8),
        None => {
            eprintln!("xtask: the program ran out of time");
            ExitCode::from(EXIT_TIMED_OUT)
        }
    })
}

/// Runs a program in a prefix of its own until it ends or its time is over.
///
/// # Errors
/// If it cannot be started. A program that fails is no error here.
pub fn run(request: &Request, display: &Display) -> Result<Outcome> {
    let mut running = Running::start(request, display)?;
    running.wait(request.timeout)
}

/// A program that runs. It ends with this value, and with it its prefix and its daemon.
pub struct Running {
    // In the order of their end: the program first, the prefix with what is left of Wine's processes last.
    child: Child,
    daemon: Option<Daemon>,
    counters: Counters,
    _prefix: Prefix,
}

impl Running {
    /// Starts a program in a prefix of its own.
    ///
    /// # Errors
    /// If it or its daemon cannot be started.
    pub fn start(request: &Request, display: &Display) -> Result<Self> {
        let prefix = Prefix::new()?;
        let daemon = match &request.renderer {
            Renderer::Pvgpu { link: None } => Some(Daemon::start(request.validate)?),
            _ => None,
        };
        let mut command = command(request, &prefix, daemon.as_ref())?;
        let child = process::spawn(command.env("DISPLAY", display.name()))?;
        Ok(Self { child, daemon, counters: Counters::default(), _prefix: prefix })
    }

    /// Waits until the program ends; ends it when `limit` is over.
    ///
    /// # Errors
    /// If the system cannot tell about the process.
    pub fn wait(&mut self, limit: Option<Duration>) -> Result<Outcome> {
        let Self { child, daemon, counters, .. } = self;
        let status = process::wait(child, limit, || {
            if let Some(daemon) = daemon {
                counters.look(daemon);
            }
        })?;
        if status.is_none() {
            process::end(&mut self.child);
        }
        Ok(Outcome {
            code: status.map(exit_code),
            guest: self.counters.last.clone(),
            fps: self.counters.fps(),
            daemon_log: self.daemon.as_ref().map(|daemon| daemon.log().to_owned()),
        })
    }

    /// The exit code if the program has ended by itself; None while it runs.
    ///
    /// # Errors
    /// If the system cannot tell about the process.
    pub fn look(&mut self) -> Result<Option<i32>> {
        let status = process::wait(&mut self.child, Some(Duration::ZERO), || {})?;
        Ok(status.map(exit_code))
    }

    /// Kills the program without any warning, as a crash would.
    pub fn kill(&mut self) {
        process::end(&mut self.child);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        process::end(&mut self.child);
    }
}

/// The command that starts the program, with everything set that its renderer needs.
fn command(request: &Request, prefix: &Prefix, daemon: Option<&Daemon>) -> Result<Command> {
    let (name, folder) = locate(&if needs_no_neighbours(request) {
        apart(&request.program)?
    } else {
        request.program.clone()
    })?;
    let shots = request.shots.as_deref().map(prepare_shots).transpose()?;
    let mut command = match &request.renderer {
        Renderer::Reference => {
            let mut command = wine_on_reference(prefix);
            command.arg(windows_path(&paths::windows_file("pvgpu-shots.exe")));
            if let Some(frames) = request.frames {
                command.arg("--frames").arg(frames.to_string());
            }
            if let Some(shots) = shots {
                command.arg("--shots").arg(shots);
            }
            command.arg("--");
            command
        }
        Renderer::Other { dlls: None } => prefix.wine(WINES_OWN),
        Renderer::Other { dlls: Some(folder) } => {
            for dll in ["d3d11.dll", "dxgi.dll"] {
                prefix.install(&folder.join(dll))?;
            }
            prefix.wine(OURS)
        }
        Renderer::Pvgpu { link } => {
            install(prefix, request.kernel)?;
            let link = daemon.map(Daemon::link).or(link.as_deref());
            let mut command = wine_on_pvgpu(prefix, request.kernel, link);
            if let Some(frames) = request.frames {
                command.env("PVGPU_FRAMES", frames.to_string());
            }
            if let Some(shots) = shots {
                command.env("PVGPU_SHOTS", shots);
            }
            command
        }
    };
    command.arg(name).args(&request.arguments).envs(request.environment.iter().cloned());
    if let Some(folder) = folder {
        if matches!(request.renderer, Renderer::Pvgpu { .. }) && folder != paths::windows_file("") {
            warn_of_own_dlls(&folder);
        }
        command.current_dir(folder);
    }
    if let Output::File(file) = &request.output {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).map_err(Error::io("make", folder))?;
        }
        let output = File::create(file).map_err(Error::io("write", file))?;
        let errors = output.try_clone().map_err(Error::io("write", file))?;
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
    }
    Ok(command)
}

/// Whether our DLLs must not lie beside the program, where Windows would find them first.
fn needs_no_neighbours(request: &Request) -> bool {
    request.kernel || matches!(request.renderer, Renderer::Other { dlls: Some(_) })
}

/// Puts our DLLs into a prefix; with `kernel`, the one that loads the driver's image.
pub(crate) fn install(prefix: &Prefix, kernel: bool) -> Result<()> {
    for dll in DLLS {
        let file = if kernel && dll == KERNEL_ROAD.0 { KERNEL_ROAD.1 } else { dll };
        prefix.install_as(&paths::windows_file(file), dll)?;
    }
    Ok(())
}

/// A command that runs a program on our DLLs, which [`install`] has put into the prefix, over this link.
pub(crate) fn wine_on_pvgpu(prefix: &Prefix, kernel: bool, link: Option<&str>) -> Command {
    let mut command = prefix.wine(OURS);
    if kernel {
        command.env(IMAGE_VARIABLE, windows_path(&paths::kernel_file("pvgpukmd.sys")));
    }
    if let Some(link) = link {
        command.env("PVGPU_LINK", link);
    }
    command
}

/// A command that runs a program on Wine's own renderer.
pub(crate) fn wine_on_reference(prefix: &Prefix) -> Command {
    prefix.wine(WINES_OWN)
}

/// A program of ours lies beside our DLLs, of which Windows would take the d3d11.dll with the linked driver: a copy that lies alone.
/// Other programs stay where they are.
fn apart(program: &Path) -> Result<PathBuf> {
    let file = fs::canonicalize(program).unwrap_or_else(|_| program.to_owned());
    let ours = fs::canonicalize(paths::windows_file("")).unwrap_or_default();
    let Some(name) = file.file_name().filter(|_| file.parent() == Some(&*ours)) else {
        return Ok(file);
    };
    let folder = paths::target("kernel-road");
    fs::create_dir_all(&folder).map_err(Error::io("make", &folder))?;
    let copy = folder.join(name);
    fs::copy(&file, &copy).map_err(Error::io("copy", &file))?;
    Ok(copy)
}

/// Windows looks for DLLs in the program's own folder first, so DLLs there render instead of ours.
fn warn_of_own_dlls(folder: &Path) {
    for dll in DLLS.iter().filter(|dll| folder.join(dll).exists()) {
        eprintln!("warning: {} has a {dll} of its own, which is used instead of pvgpu's", folder.display());
    }
}

/// The program's Windows name, and for a file of this machine its folder, where it is started.
fn locate(program: &Path) -> Result<(String, Option<PathBuf>)> {
    match fs::canonicalize(program) {
        Ok(file) => Ok((windows_path(&file), file.parent().map(Path::to_owned))),
        Err(_) if program.to_string_lossy().contains(":\\") => {
            Ok((program.to_string_lossy().into_owned(), None))
        }
        Err(error) => Err(Error::io("find the program", program)(error)),
    }
}

/// Makes the folder for frames, removes frames of an earlier run, and returns the folder's Windows name.
fn prepare_shots(folder: &Path) -> Result<String> {
    fs::create_dir_all(folder).map_err(Error::io("make", folder))?;
    let folder = fs::canonicalize(folder).map_err(Error::io("find", folder))?;
    for entry in fs::read_dir(&folder).map_err(Error::io("read", &folder))?.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("frame-") && name.ends_with(".png") {
            fs::remove_file(entry.path()).map_err(Error::io("remove", &entry.path()))?;
        }
    }
    Ok(windows_path(&folder))
}

fn exit_code(status: ExitStatus) -> i32 {
    // As shells do: 128 plus the signal that ended the program.
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or_default()
}

/// The worker's counters while the program runs. They are gone with the program, so the last ones seen are kept.
#[derive(Default)]
struct Counters {
    last: Option<Guest>,
    /// When frames were first seen, and how many.
    first_frames: Option<(Instant, u64)>,
    /// When the number of frames last grew, and to what.
    last_frames: Option<(Instant, u64)>,
    looked: Option<Instant>,
}

impl Counters {
    /// How often the daemon is asked.
    const INTERVAL: Duration = Duration::from_millis(50);

    fn look(&mut self, daemon: &Daemon) {
        let now = Instant::now();
        if self.looked.is_some_and(|looked| now - looked < Self::INTERVAL) {
            return;
        }
        self.looked = Some(now);
        // A program may come back as a second guest after losing its device; the newest one counts.
        if let Some(guest) = daemon.status().and_then(|status| status.guests.into_iter().last()) {
            if guest.frames > 0 {
                self.first_frames.get_or_insert((now, guest.frames));
                if self.last_frames.is_none_or(|(_, frames)| guest.frames > frames) {
                    self.last_frames = Some((now, guest.frames));
                }
            }
            self.last = Some(guest);
        }
    }

    fn fps(&self) -> Option<f64> {
        let ((start, first), (end, last)) = (self.first_frames?, self.last_frames?);
        // CAST: frame counts are far below 2^53.
        (end > start).then(|| (last.saturating_sub(first)) as f64 / (end - start).as_secs_f64())
    }
}
