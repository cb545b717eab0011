//! The link itself: `pvgpud` on one side, a program on the other, as on a cable whose other end is trusted.
//!
//! Frame rates are those of ordinary Windows programs, counted by our dxgi.dll where the frames arrive. Throughput and round trip come
//! from a program that speaks to the host without Windows, `link-bench` of [`PROBE`]:
//!
//! - `link-bench --link LINK bulk --seconds S` prints `{"bits_per_second": N}`: contents of the heap that reached the host;
//! - `link-bench --link LINK upload --seconds S` prints the same of uploads into a buffer of the host's renderer;
//! - `link-bench --link LINK ping --seconds S` prints `{"p50_us": N, "p99_us": N}`: from publishing an empty command to its fence;
//! - `link-bench --link LINK idle --seconds S` connects, does nothing, and ends;
//! - `link-bench keys FOLDER` makes two paired machines.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pvgpu_netlab::{Lab, Side};
use serde_json::Value;

use super::cpu;
use super::results::Figure;
use crate::daemon::Daemon;
use crate::program::{Output, Renderer, Request, Running};
use crate::wine::{Display, windows_path};
use crate::{Error, Result, paths, process, sdl};

/// Where ports of links begin. A daemon's folder is named after its port, so that each process has one of its own.
const FIRST_PORT: u16 = 20_000;
/// How many there are.
const PORTS: u16 = 40_000;
/// The guest's word for `--trust-link`.
const TRUST: (&str, &str) = ("PVGPU_TRUST_LINK", "1");
/// The program without Windows, below `target/release`.
pub const PROBE: &str = "link-bench";
/// TIMEOUT: until a program has shown its first frames. Wine takes 3 s, and a far host makes every start longer.
const START: Duration = Duration::from_secs(60);
/// TIMEOUT: how much longer than asked the program without Windows may take.
const GRACE: Duration = Duration::from_secs(30);
/// How often the counters of a program are looked at; they change once a second.
const LOOK: Duration = Duration::from_millis(100);
/// Seconds of frames that do not count: pipelines are made, and buffers fill.
const WARM_UP: f64 = 1.0;
/// More frames than a program shows in any time.
const ENDLESS: &str = "1000000000";
/// How long idle processes are watched.
const IDLE: Duration = Duration::from_secs(10);

/// A value, or why there is none.
pub type Measured = (Figure, std::result::Result<f64, String>);

/// Figures that need [`PROBE`].
const PROBED: [Figure; 4] = [Figure::LinkThroughput, Figure::Uploads, Figure::LinkP50, Figure::LinkP99];

/// A daemon that serves a path, or the memory of this machine.
pub struct Product<'a> {
    lab: Option<&'a Lab>,
    /// Where programs show their windows; none without programs.
    display: Option<&'a Display>,
    daemon: Daemon,
    /// The guest's keys, if the two are paired.
    keys: Option<PathBuf>,
}

impl<'a> Product<'a> {
    /// Starts the daemon on the host's side; without a lab, on shared memory.
    ///
    /// # Errors
    /// If it does not start, with its messages.
    pub fn start(lab: Option<&'a Lab>, display: Option<&'a Display>) -> Result<Self> {
        let daemon = match lab {
            None => Daemon::start(false)?,
            Some(lab) => {
                let address = SocketAddr::new(lab.address(Side::Host), port());
                on(Some(lab), Side::Host, || Daemon::start_on_cable(address, None))?
            }
        };
        Ok(Self { lab, display, daemon, keys: None })
    }

    /// The same between two paired machines, so that everything is encrypted.
    ///
    /// # Errors
    /// As for [`start`](Self::start), and if the machines cannot be paired.
    pub fn start_encrypted(lab: &'a Lab) -> Result<Self> {
        let folder = paths::target("bench/link/keys");
        let probe = probe().ok_or_else(|| Error::Failed(no_probe()))?;
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io("remove", &folder)(error));
            }
            _ => {}
        }
        process::run(Command::new(probe).arg("keys").arg(&folder))?;
        let address = SocketAddr::new(lab.address(Side::Host), port());
        let host = folder.join("host");
        let daemon = on(Some(lab), Side::Host, || Daemon::start_on_cable(address, Some(&host)))?;
        Ok(Self { lab: Some(lab), display: None, daemon, keys: Some(folder.join("guest")) })
    }

    /// Contents of the heap that reach the host, over about `time`.
    pub fn throughput(&self, time: Duration) -> std::result::Result<f64, String> {
        let probe = probe().ok_or_else(no_probe)?;
        number(&self.probe(&probe, "bulk", time), "bits_per_second").map(|bits| bits / 1e9)
    }

    /// The same into a buffer of the renderer.
    pub fn uploads(&self, time: Duration) -> std::result::Result<f64, String> {
        let probe = probe().ok_or_else(no_probe)?;
        number(&self.probe(&probe, "upload", time), "bits_per_second").map(|bits| bits / 1e9)
    }

    /// Everything that is measured at each point, over about `time` each.
    pub fn measure(&self, time: Duration) -> Vec<Measured> {
        let mut measured = Vec::new();
        match probe() {
            None => measured.extend(PROBED.map(|figure| (figure, Err(no_probe())))),
            Some(probe) => {
                measured.push((Figure::LinkThroughput, self.throughput(time)));
                measured.push((Figure::Uploads, self.uploads(time)));
                let ping = self.probe(&probe, "ping", time);
                measured.push((Figure::LinkP50, number(&ping, "p50_us")));
                measured.push((Figure::LinkP99, number(&ping, "p99_us")));
            }
        }
        let Some(display) = self.display else { return measured };
        let cube = self.request(paths::windows_file("cube.exe"), &["--frames", ENDLESS]);
        measured.push((Figure::Cube, self.frame_rate(cube, display, time)));
        let mut sprites =
            self.request(sdl::program("testsprite2"), &["--info", "render", "--iterations", ENDLESS]);
        sprites.environment.push(("SDL_RENDER_DRIVER", "direct3d11".to_owned()));
        measured.push((Figure::Sprites, self.frame_rate(sprites, display, time)));
        measured
    }

    /// What processes use that have nothing to do: the daemon alone, then it and a guest.
    pub fn idle(&self) -> Vec<Measured> {
        let percent = |used: Option<&Option<f64>>| {
            used.copied().flatten().map(|share| share * 100.0).ok_or_else(|| "a process has ended".to_owned())
        };
        let daemon = self.daemon.process();
        let mut measured = vec![(Figure::AloneHost, percent(cpu::used(&[daemon], IDLE).first()))];
        let Some(probe) = probe() else {
            measured.extend([Figure::IdleHost, Figure::IdleGuest].map(|figure| (figure, Err(no_probe()))));
            return measured;
        };
        // A little longer at both ends, so that neither its start nor its end is seen.
        let settle = Duration::from_secs(2);
        let mut command = self.probe_command(&probe, "idle", IDLE + 2 * settle);
        command.stdout(Stdio::null());
        match on(self.lab, Side::Guest, || process::spawn(&mut command)) {
            Err(error) => {
                let error = error.to_string();
                measured
                    .extend([Figure::IdleHost, Figure::IdleGuest].map(|figure| (figure, Err(error.clone()))));
            }
            Ok(mut guest) => {
                std::thread::sleep(settle);
                let used = cpu::used(&[daemon, guest.id()], IDLE);
                measured.push((Figure::IdleHost, percent(used.first())));
                measured.push((Figure::IdleGuest, percent(used.get(1))));
                process::end(&mut guest);
            }
        }
        measured
    }

    fn request(&self, program: PathBuf, arguments: &[&str]) -> Request {
        let link = Some(self.daemon.link().to_owned());
        let mut request = Request::new(Renderer::Pvgpu { link }, program);
        request.arguments = arguments.iter().map(Into::into).collect();
        request.environment.extend(self.lab.map(|_| (TRUST.0, TRUST.1.to_owned())));
        request
    }

    /// Frames a second once the program runs evenly; it is ended then.
    fn frame_rate(
        &self,
        mut request: Request,
        display: &Display,
        time: Duration,
    ) -> std::result::Result<f64, String> {
        let name = request.program.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let folder = paths::target("bench/link");
        let failed = |error: Error| error.to_string();
        fs::create_dir_all(&folder).map_err(Error::io("make", &folder)).map_err(failed)?;
        let (counters, output) = (folder.join(format!("{name}.json")), folder.join(format!("{name}.txt")));
        match fs::remove_file(&counters) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed(Error::io("remove", &counters)(error)));
            }
            _ => {}
        }
        request.environment.push(("PVGPU_STATS", windows_path(&counters)));
        request.output = Output::File(output.clone());
        let mut running = on(self.lab, Side::Guest, || Running::start(&request, display)).map_err(failed)?;
        let (start, mut first, mut last) = (Instant::now(), None, None);
        loop {
            let outcome = running.look().map_err(failed)?;
            if let Some(code) = outcome {
                let text = fs::read_to_string(&output).unwrap_or_default();
                let line = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no message");
                return Err(format!("{name} ended with exit code {code}: {line}"));
            }
            if let Some(shown) = Shown::read(&fs::read_to_string(&counters).unwrap_or_default()) {
                if shown.seconds >= WARM_UP {
                    first.get_or_insert(shown);
                }
                last = Some(shown);
            }
            let rate = first.zip(last).and_then(|(first, last)| last.rate_since(first, time));
            if let Some(rate) = rate {
                return Ok(rate);
            }
            if start.elapsed() > START + time {
                return Err(match last {
                    None => format!("{name} shows no frame within {} s", (START + time).as_secs()),
                    Some(shown) => format!("{name} stops after {} frames", shown.frames),
                });
            }
            std::thread::sleep(LOOK);
        }
    }

    fn probe_command(&self, probe: &PathBuf, what: &str, time: Duration) -> Command {
        let mut command = Command::new(probe);
        command.args(["--link", self.daemon.link(), what, "--seconds", &time.as_secs_f64().to_string()]);
        match &self.keys {
            Some(keys) => command.env("PVGPU_KEYS", keys).env(TRUST.0, "0"),
            None => command.envs(self.lab.map(|_| TRUST)),
        };
        command.stdin(Stdio::null());
        command
    }

    /// Runs the program without Windows; its line of JSON.
    fn probe(&self, probe: &PathBuf, what: &str, time: Duration) -> std::result::Result<Value, String> {
        let mut command = self.probe_command(probe, what, time);
        let file = paths::target(&format!("bench/link/{what}.txt"));
        let failed = |error: Error| error.to_string();
        let folder = paths::target("bench/link");
        fs::create_dir_all(&folder).map_err(Error::io("make", &folder)).map_err(failed)?;
        let output = fs::File::create(&file).map_err(Error::io("write", &file)).map_err(failed)?;
        command.stdout(output);
        let mut child = on(self.lab, Side::Guest, || process::spawn(&mut command)).map_err(failed)?;
        let status = process::wait(&mut child, Some(time + GRACE), || {});
        process::end(&mut child);
        match status.map_err(failed)? {
            None => return Err(format!("{PROBE} {what} does not end")),
            Some(status) if !status.success() => return Err(format!("{PROBE} {what} failed: {status}")),
            Some(_) => {}
        }
        let text = fs::read_to_string(&file).map_err(Error::io("read", &file)).map_err(failed)?;
        let line = text.lines().find_map(|line| serde_json::from_str(line).ok());
        line.ok_or_else(|| format!("{PROBE} {what} prints no line of JSON"))
    }
}

/// Does something on a side of the lab, or, without one, here.
fn on<T: Send>(lab: Option<&Lab>, side: Side, what: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    match lab {
        None => what(),
        Some(lab) => lab.inside(side, what).map_err(|error| Error::Failed(error.to_string()))?,
    }
}

/// The port of this process's links.
fn port() -> u16 {
    // CAST: the remainder is below `PORTS`.
    FIRST_PORT + (std::process::id() % u32::from(PORTS)) as u16
}

/// The program without Windows, if it has been built.
fn probe() -> Option<PathBuf> {
    Some(paths::host_program(PROBE)).filter(|file| file.exists())
}

fn no_probe() -> String {
    format!("there is no target/release/{PROBE}")
}

fn number(line: &std::result::Result<Value, String>, name: &str) -> std::result::Result<f64, String> {
    let line = line.as_ref().map_err(Clone::clone)?;
    line[name].as_f64().ok_or_else(|| format!("{PROBE} prints no number {name}"))
}

/// What our dxgi.dll says of a program's frames.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Shown {
    frames: f64,
    /// From the first frame to the last.
    seconds: f64,
}

impl Shown {
    fn read(text: &str) -> Option<Self> {
        let line: Value = serde_json::from_str(text).ok()?;
        Some(Self { frames: line["frames"].as_f64()?, seconds: line["seconds"].as_f64()? })
    }

    /// Frames a second since `first`, once there are enough seconds between the two and a frame.
    fn rate_since(self, first: Self, time: Duration) -> Option<f64> {
        let (frames, seconds) = (self.frames - first.frames, self.seconds - first.seconds);
        (seconds >= time.as_secs_f64() && seconds > 0.0 && frames > 0.0).then(|| frames / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_of_a_program_does_not_count() {
        let read = |text| Shown::read(text).expect("counters");
        let first = read("{\"program\":\"a\",\"frames\":100,\"seconds\":1.5,\"fps\":66.0}\n");
        let last = read("{\"program\":\"a\",\"frames\":700,\"seconds\":4.5,\"fps\":155.5}\n");
        assert_eq!(last.rate_since(first, Duration::from_secs(3)), Some(200.0));
        assert_eq!(last.rate_since(first, Duration::from_secs(4)), None);
        assert_eq!(last.rate_since(last, Duration::ZERO), None);
        assert_eq!(Shown::read("{\"frames\":1"), None, "a file that is being written");
    }

    #[test]
    fn numbers_come_out_of_a_line_or_say_what_is_wrong() {
        let line = Ok(serde_json::json!({ "p50_us": 12.5 }));
        assert_eq!(number(&line, "p50_us"), Ok(12.5));
        assert!(number(&line, "p99_us").is_err_and(|text| text.contains("p99_us")));
        assert_eq!(number(&Err("gone".to_owned()), "p50_us"), Err("gone".to_owned()));
    }
}
