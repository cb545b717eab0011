//! The command line of `pvgpud`, and the one with which it starts its workers.

use std::fmt;
use std::path::PathBuf;

use pvgpu_protocol::aperture::Sizes;
use pvgpu_protocol::limits::{
    DEFAULT_APERTURE_BYTES, MAX_APERTURE_BYTES, MAX_GUEST_BYTES, MIN_APERTURE_BYTES,
};
use pvgpu_transport::link::trust_link;
use pvgpu_transport::{LinkError, Resolved};

use crate::record::{Limits, MIN_MAX_BYTES};
use crate::replay;
use crate::supervisor::Options;
use crate::vulkan::DeviceOptions;
use crate::worker::{Carrier, WorkerArguments};

/// What `--help` prints.
pub const HELP: &str = "\
pvgpud: renders for pvgpu guests on this machine's GPU

usage: pvgpud [OPTIONS]
       pvgpud replay FILE [OPTIONS]

  --link LINK               what to serve: shm:NAME, ivshmem:SOCKET for virtual machines, tcp://HOST:PORT,
                            thunderbolt:auto for every such cable, or tbstream:/dev/tbstreamN
                            (default: PVGPU_LINK, pvgpu.toml, shm:default)
  --trust-link              encrypt nothing and ask for no key: for one cable between two machines only
  --aperture SIZE           memory that each virtual machine shares with pvgpud: a power of two from 64M to 8G
                            (default: 256M); the machine's device has this size
  --gpu INDEX|NAME-PART     which GPU (default: discrete, else integrated, else software)
  --max-guest-memory BYTES  GPU memory that one guest may hold (default: 16 GiB)
  --max-guest-vram BYTES    of the GPU's own memory; textures beyond live in system memory (default: what is left)
  --cache DIR|none          where pipelines are kept for later starts (default: pvgpu in the user's cache folder)
  --log LEVEL               error, warn, info or debug (default: info)
  --validate                run with the Vulkan validation layer
  --bounce                  copy a guest's memory even where the driver could import it
  --record FOLDER           record every guest there (default: PVGPU_RECORD); see `pvgpu-ctl record`
  --record-max-bytes BYTES  where a recording ends (default: 8 GiB)
  --record-each             write each record before it is executed: for workers that die
  --ready-fd N              write \"ready\" to this file descriptor once guests may come
  --version                 print the version
  --help                    print this

replay executes a recording again, on any GPU, and compares each frame with the recorded one:
  --gpu, --validate, --bounce, --max-guest-memory, --log   as above; --device is --gpu
  --png FOLDER              write the frames there as PNG files
  --every N                 only each Nth frame becomes a file
  --bench                   print rates, time per draw, and waits for the GPU
  --strict                  fail when a frame differs from the recorded one

`pvgpu-ctl status` and `pvgpu-ctl tail` show what it does.
";

/// What the command line asks for.
#[derive(Debug)]
pub enum Invocation {
    /// Print the help.
    Help,
    /// Print the version.
    Version,
    /// Serve a link.
    Serve(Options),
    /// Serve one guest, as a worker.
    Work(WorkerArguments, String),
    /// Replay a recording.
    Replay(replay::Options),
}

/// A command line that makes no sense.
#[derive(Debug)]
pub enum CliError {
    /// An option that is not known.
    Unknown(String),
    /// An option without its value, or with one that is none.
    Value {
        /// Which option.
        option: &'static str,
        /// What it takes.
        takes: &'static str,
    },
    /// The link.
    Link(LinkError),
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(option) => write!(f, "{option} is no option of pvgpud; see pvgpud --help"),
            Self::Value { option, takes } => write!(f, "{option} takes {takes}"),
            Self::Link(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CliError {}

/// Everything that either command line may hold.
#[derive(Default)]
struct Given {
    link: Option<String>,
    device: DeviceOptions,
    log: String,
    ready_fd: Option<u32>,
    aperture_bytes: u64,
    trust_link: bool,
    carrier: Option<Carrier>,
    abi: u16,
    features: u64,
    sizes: Option<Sizes>,
    process: u64,
    record: Option<PathBuf>,
    recording: bool,
    limits: Limits,
    file: Option<PathBuf>,
    png: Option<PathBuf>,
    every: u64,
    bench: bool,
    strict: bool,
    cache: Option<String>,
    pipelines: Option<PathBuf>,
}

/// Reads a command line without the program's name.
///
/// # Errors
/// [`CliError`] names the option.
pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Invocation, CliError> {
    let mut arguments = arguments.into_iter().peekable();
    let worker = arguments.next_if_eq("worker").is_some();
    let replaying = !worker && arguments.next_if_eq("replay").is_some();
    let mut given = Given {
        device: DeviceOptions { memory_limit: MAX_GUEST_BYTES, ..DeviceOptions::default() },
        log: if replaying { "warn" } else { "info" }.to_owned(),
        every: 1,
        aperture_bytes: DEFAULT_APERTURE_BYTES,
        ..Given::default()
    };
    while let Some(argument) = arguments.next() {
        let mut value = |option, takes| arguments.next().ok_or(CliError::Value { option, takes });
        match argument.as_str() {
            "--help" | "-h" => return Ok(Invocation::Help),
            "--version" | "-V" => return Ok(Invocation::Version),
            "--link" if !replaying => given.link = Some(value("--link", "a link such as shm:default")?),
            "--gpu" | "--device" if argument == "--gpu" || replaying => {
                let text = value("--gpu", "an index or a part of a name")?;
                given.device.gpu = text.parse().unwrap_or_default();
            }
            "--max-guest-memory" => {
                let takes = "a number of bytes";
                given.device.memory_limit =
                    number("--max-guest-memory", takes, &value("--max-guest-memory", takes)?)?;
            }
            "--max-guest-vram" => {
                let takes = "a number of bytes";
                given.device.local_limit =
                    Some(number("--max-guest-vram", takes, &value("--max-guest-vram", takes)?)?);
            }
            "--log" => {
                let takes = "error, warn, info or debug";
                given.log = value("--log", takes)?;
                if !["error", "warn", "info", "debug"].contains(&given.log.as_str()) {
                    return Err(CliError::Value { option: "--log", takes });
                }
            }
            "--cache" => given.cache = Some(value("--cache", "a folder, or none")?),
            "--pipelines" if worker => given.pipelines = Some(value("--pipelines", "a path")?.into()),
            "--validate" => given.device.validation = true,
            "--bounce" => given.device.bounce = true,
            "--ready-fd" if !replaying => {
                let takes = "the number of an open file descriptor";
                given.ready_fd = Some(number("--ready-fd", takes, &value("--ready-fd", takes)?)?);
            }
            "--record" if !replaying && !worker => {
                given.record = Some(value("--record", "a folder")?.into());
            }
            "--recording" if worker => given.recording = true,
            "--record-max-bytes" if !replaying => {
                let takes = "a number of bytes from 1 MiB";
                let text = value("--record-max-bytes", takes)?;
                given.limits.bytes = number("--record-max-bytes", takes, &text)?;
                if given.limits.bytes < MIN_MAX_BYTES {
                    return Err(CliError::Value { option: "--record-max-bytes", takes });
                }
            }
            "--record-each" if !replaying => given.limits.each = true,
            "--record-frames" if worker => {
                let text = value("--record-frames", "a number")?;
                given.limits.frames = Some(number("--record-frames", "a number", &text)?);
            }
            "--record-seconds" if worker => {
                let text = value("--record-seconds", "a number")?;
                given.limits.seconds = Some(number("--record-seconds", "a number", &text)?);
            }
            "--png" if replaying => given.png = Some(value("--png", "a folder")?.into()),
            "--every" if replaying => {
                let takes = "a number from 1";
                given.every = number("--every", takes, &value("--every", takes)?)?;
                if given.every == 0 {
                    return Err(CliError::Value { option: "--every", takes });
                }
            }
            "--bench" if replaying => given.bench = true,
            "--strict" if replaying => given.strict = true,
            "--aperture" if worker => {
                given.carrier = Some(Carrier::Shm(value("--aperture", "a path")?.into()));
            }
            "--aperture" if !replaying => {
                let takes = "a power of two from 64M to 8G";
                let wrong = CliError::Value { option: "--aperture", takes };
                given.aperture_bytes = aperture_bytes(&value("--aperture", takes)?).ok_or(wrong)?;
            }
            "--ivshmem" if worker => given.carrier = Some(Carrier::Ivshmem),
            "--remote" if worker => given.carrier = Some(Carrier::Remote),
            "--trust-link" if !worker && !replaying => given.trust_link = true,
            "--abi" if worker => given.abi = number("--abi", "a version", &value("--abi", "a version")?)?,
            "--features" if worker => {
                given.features = number("--features", "bits", &value("--features", "bits")?)?
            }
            "--process" if worker => {
                given.process = number("--process", "a number", &value("--process", "a number")?)?
            }
            "--sizes" if worker => given.sizes = Some(sizes(&value("--sizes", "four sizes")?)?),
            _ if replaying && given.file.is_none() && !argument.starts_with('-') => {
                given.file = Some(argument.into());
            }
            _ => return Err(CliError::Unknown(argument)),
        }
    }
    if worker {
        let none = Sizes { aperture: 0, ring0: 0, event: 0, telemetry: 0 };
        // A guest of another machine tells its worker.
        let sizes = given.sizes.or((given.carrier == Some(Carrier::Remote)).then_some(none));
        let sizes = sizes.ok_or(CliError::Value { option: "--sizes", takes: "four sizes" })?;
        let carrier = given.carrier.ok_or(CliError::Value { option: "--aperture", takes: "a path" })?;
        let arguments = WorkerArguments {
            carrier,
            version: given.abi,
            features: given.features,
            sizes,
            process: given.process,
            device: given.device,
            recording: given.recording.then_some(given.limits),
            pipelines: given.pipelines,
        };
        return Ok(Invocation::Work(arguments, given.log));
    }
    if replaying {
        return Ok(Invocation::Replay(replay::Options {
            file: given.file.ok_or(CliError::Value { option: "replay", takes: "a recording's file" })?,
            png: given.png,
            every: given.every,
            bench: given.bench,
            strict: given.strict,
            device: given.device,
            log: given.log,
        }));
    }
    let record = given.record.or_else(|| std::env::var_os("PVGPU_RECORD").map(PathBuf::from));
    let link = Resolved::find(given.link.as_deref()).map_err(CliError::Link)?.link;
    let limits = given.limits;
    let cache = match given.cache.as_deref() {
        Some("none") => None,
        Some(folder) => Some(folder.into()),
        None => cache_folder(),
    };
    Ok(Invocation::Serve(Options {
        link,
        trust_link: given.trust_link || trust_link(),
        aperture_bytes: given.aperture_bytes,
        device: given.device,
        cache,
        ready_fd: given.ready_fd,
        log: given.log,
        record: record.filter(|folder| !folder.as_os_str().is_empty()),
        limits,
    }))
}

/// The user's cache folder, as the XDG base directory specification has it, and ours in it; for a user without a home, none.
fn cache_folder() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(folder.join("pvgpu"))
}

fn number<T: std::str::FromStr>(
    option: &'static str,
    takes: &'static str,
    text: &str,
) -> Result<T, CliError> {
    text.parse().map_err(|_| CliError::Value { option, takes })
}

/// The size of an aperture: bytes, or with `M` or `G` as many MiB or GiB.
fn aperture_bytes(text: &str) -> Option<u64> {
    let (digits, unit) = match text.as_bytes().last()? {
        b'M' | b'm' => (text.get(..text.len() - 1)?, 1 << 20),
        b'G' | b'g' => (text.get(..text.len() - 1)?, 1 << 30),
        _ => (text, 1),
    };
    let bytes = digits.parse::<u64>().ok()?.checked_mul(unit)?;
    let legal = bytes.is_power_of_two() && (MIN_APERTURE_BYTES..=MAX_APERTURE_BYTES).contains(&bytes);
    legal.then_some(bytes)
}

fn sizes(text: &str) -> Result<Sizes, CliError> {
    let wrong = || CliError::Value { option: "--sizes", takes: "four sizes" };
    let numbers: Vec<u64> = text.split(',').map(str::parse).collect::<Result<_, _>>().map_err(|_| wrong())?;
    match numbers[..] {
        [aperture, ring0, event, telemetry] => Ok(Sizes { aperture, ring0, event, telemetry }),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(line: &str) -> Result<Invocation, CliError> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_link_is_served() {
        let Ok(Invocation::Serve(options)) =
            run("--link shm:test --gpu 1 --log debug --ready-fd 3 --validate --cache /a/b")
        else {
            panic!("a legal command line");
        };
        assert_eq!(options.link.to_string(), "shm:test");
        assert_eq!((options.ready_fd, options.log.as_str()), (Some(3), "debug"));
        assert!(options.device.validation);
        assert_eq!(options.cache, Some(PathBuf::from("/a/b")));
        assert_eq!(options.device.memory_limit, MAX_GUEST_BYTES);
    }

    #[test]
    fn mistakes_are_named() {
        for (line, text) in [
            ("--lnik x", "--lnik is no option of pvgpud; see pvgpud --help"),
            ("--ready-fd x", "--ready-fd takes the number of an open file descriptor"),
            ("--log loud", "--log takes error, warn, info or debug"),
            ("--link", "--link takes a link such as shm:default"),
            ("--pipelines x", "--pipelines is no option of pvgpud; see pvgpud --help"),
            ("--sizes 1,2,3,4", "--sizes is no option of pvgpud; see pvgpud --help"),
            ("worker --sizes 1,2,3", "--sizes takes four sizes"),
            ("worker", "--sizes takes four sizes"),
            ("worker --sizes 1,2,3,4", "--aperture takes a path"),
            ("--ivshmem", "--ivshmem is no option of pvgpud; see pvgpud --help"),
            ("replay a --aperture 64M", "--aperture is no option of pvgpud; see pvgpud --help"),
        ] {
            assert_eq!(run(line).expect_err(line).to_string(), text);
        }
    }

    #[test]
    fn apertures_of_machines_have_a_size() {
        for (text, bytes) in [
            ("64M", Some(64 << 20)),
            ("268435456", Some(256 << 20)),
            ("1g", Some(1 << 30)),
            ("8G", Some(8 << 30)),
            ("32M", None),
            ("96M", None),
            ("16G", None),
            ("0", None),
            ("G", None),
            ("", None),
            ("99999999999999G", None),
            ("-64M", None),
            ("64MB", None),
            ("64\u{20ac}", None),
        ] {
            assert_eq!(aperture_bytes(text), bytes, "{text}");
        }
        let Ok(Invocation::Serve(options)) = run("--link ivshmem:/run/vm.sock --aperture 1G") else {
            panic!("a legal command line")
        };
        assert_eq!(
            (options.link.to_string().as_str(), options.aperture_bytes),
            ("ivshmem:/run/vm.sock", 1 << 30)
        );
        let error = run("--aperture 100M").expect_err("no power of two").to_string();
        assert_eq!(error, "--aperture takes a power of two from 64M to 8G");
    }

    #[test]
    fn a_recording_is_replayed() {
        let line = "replay a.rec --png out --every 10 --device 2 --bench --strict --bounce";
        let Ok(Invocation::Replay(options)) = run(line) else { panic!("a legal command line") };
        assert_eq!((options.file, options.png), (PathBuf::from("a.rec"), Some(PathBuf::from("out"))));
        assert_eq!((options.every, options.bench, options.strict), (10, true, true));
        assert_eq!(options.device.gpu.to_string(), "2");
        assert_eq!((options.device.bounce, options.log.as_str()), (true, "warn"));
        for (line, text) in [
            ("replay", "replay takes a recording's file"),
            ("replay a b", "b is no option of pvgpud; see pvgpud --help"),
            ("replay a --every 0", "--every takes a number from 1"),
            ("replay a --link shm:x", "--link is no option of pvgpud; see pvgpud --help"),
            ("--png x", "--png is no option of pvgpud; see pvgpud --help"),
            ("--device 1", "--device is no option of pvgpud; see pvgpud --help"),
            ("--record-max-bytes 5", "--record-max-bytes takes a number of bytes from 1 MiB"),
        ] {
            assert_eq!(run(line).expect_err(line).to_string(), text);
        }
    }

    #[test]
    fn guests_are_recorded_where_somebody_says() {
        let Ok(Invocation::Serve(options)) =
            run("--link shm:x --record d --record-each --record-max-bytes 2000000")
        else {
            panic!("a legal command line")
        };
        assert_eq!(options.record, Some(PathBuf::from("d")));
        assert_eq!(options.limits, Limits { bytes: 2_000_000, each: true, ..Limits::default() });
        let line = "worker --aperture /a --sizes 1,2,3,4 --recording --record-frames 7 --record-seconds 8";
        let Ok(Invocation::Work(arguments, _)) = run(line) else { panic!("a legal command line") };
        let limits = Limits { frames: Some(7), seconds: Some(8), ..Limits::default() };
        assert_eq!(arguments.recording, Some(limits));
    }

    #[test]
    fn a_worker_gets_what_was_agreed() {
        let line = "worker --aperture /a/b --abi 1 --features 3 --sizes 1,2,3,4 --process 9 --max-guest-memory 5 \
                    --max-guest-vram 4 --pipelines /c";
        let Ok(Invocation::Work(arguments, log)) = run(line) else { panic!("a legal command line") };
        assert_eq!(arguments.sizes, Sizes { aperture: 1, ring0: 2, event: 3, telemetry: 4 });
        assert_eq!(arguments.carrier, Carrier::Shm("/a/b".into()));
        assert_eq!((arguments.version, arguments.features, arguments.process), (1, 3, 9));
        assert_eq!((arguments.device.memory_limit, arguments.device.local_limit), (5, Some(4)));
        assert_eq!(log, "info");
        assert_eq!(arguments.pipelines, Some(PathBuf::from("/c")));
        let Ok(Invocation::Work(arguments, _)) = run("worker --ivshmem --sizes 1,2,3,4") else {
            panic!("a legal command line")
        };
        assert_eq!(arguments.carrier, Carrier::Ivshmem);
    }
}
