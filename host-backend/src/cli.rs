//! The command line of `pvgpud`, and the one with which it starts its workers.

use std::fmt;
use std::path::PathBuf;

use pvgpu_protocol::aperture::Sizes;
use pvgpu_protocol::limits::MAX_GUEST_BYTES;
use pvgpu_transport::{LinkError, Resolved};

use crate::supervisor::Options;
use crate::vulkan::DeviceOptions;
use crate::worker::WorkerArguments;

/// What `--help` prints.
pub const HELP: &str = "\
pvgpud: renders for pvgpu guests on this machine's GPU

usage: pvgpud [OPTIONS]

  --link LINK               what to serve: shm:NAME (default: PVGPU_LINK, pvgpu.toml, shm:default)
  --gpu INDEX|NAME-PART     which GPU (default: discrete, else integrated, else software)
  --max-guest-memory BYTES  GPU memory that one guest may hold (default: 16 GiB)
  --log LEVEL               error, warn, info or debug (default: info)
  --validate                run with the Vulkan validation layer
  --bounce                  copy a guest's memory even where the driver could import it
  --ready-fd N              write \"ready\" to this file descriptor once guests may come
  --version                 print the version
  --help                    print this

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
    aperture: PathBuf,
    abi: u16,
    features: u64,
    sizes: Option<Sizes>,
    process: u64,
}

/// Reads a command line without the program's name.
///
/// # Errors
/// [`CliError`] names the option.
pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Invocation, CliError> {
    let mut arguments = arguments.into_iter().peekable();
    let worker = arguments.next_if_eq("worker").is_some();
    let mut given = Given {
        device: DeviceOptions { memory_limit: MAX_GUEST_BYTES, ..DeviceOptions::default() },
        log: "info".to_owned(),
        ..Given::default()
    };
    while let Some(argument) = arguments.next() {
        let mut value = |option, takes| arguments.next().ok_or(CliError::Value { option, takes });
        match argument.as_str() {
            "--help" | "-h" => return Ok(Invocation::Help),
            "--version" | "-V" => return Ok(Invocation::Version),
            "--link" => given.link = Some(value("--link", "a link such as shm:default")?),
            "--gpu" => {
                let text = value("--gpu", "an index or a part of a name")?;
                given.device.gpu = text.parse().unwrap_or_default();
            }
            "--max-guest-memory" => {
                let takes = "a number of bytes";
                given.device.memory_limit =
                    number("--max-guest-memory", takes, &value("--max-guest-memory", takes)?)?;
            }
            "--log" => {
                let takes = "error, warn, info or debug";
                given.log = value("--log", takes)?;
                if !["error", "warn", "info", "debug"].contains(&given.log.as_str()) {
                    return Err(CliError::Value { option: "--log", takes });
                }
            }
            "--validate" => given.device.validation = true,
            "--bounce" => given.device.bounce = true,
            "--ready-fd" => {
                let takes = "the number of an open file descriptor";
                given.ready_fd = Some(number("--ready-fd", takes, &value("--ready-fd", takes)?)?);
            }
            "--aperture" if worker => given.aperture = value("--aperture", "a path")?.into(),
            "--abi" if worker => given.abi = number("--abi", "a version", &value("--abi", "a version")?)?,
            "--features" if worker => {
                given.features = number("--features", "bits", &value("--features", "bits")?)?
            }
            "--process" if worker => {
                given.process = number("--process", "a number", &value("--process", "a number")?)?
            }
            "--sizes" if worker => given.sizes = Some(sizes(&value("--sizes", "four sizes")?)?),
            _ => return Err(CliError::Unknown(argument)),
        }
    }
    if worker {
        let sizes = given.sizes.ok_or(CliError::Value { option: "--sizes", takes: "four sizes" })?;
        let arguments = WorkerArguments {
            aperture: given.aperture,
            version: given.abi,
            features: given.features,
            sizes,
            process: given.process,
            device: given.device,
        };
        return Ok(Invocation::Work(arguments, given.log));
    }
    let link = Resolved::find(given.link.as_deref()).map_err(CliError::Link)?.link;
    Ok(Invocation::Serve(Options { link, device: given.device, ready_fd: given.ready_fd, log: given.log }))
}

fn number<T: std::str::FromStr>(
    option: &'static str,
    takes: &'static str,
    text: &str,
) -> Result<T, CliError> {
    text.parse().map_err(|_| CliError::Value { option, takes })
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
            run("--link shm:test --gpu 1 --log debug --ready-fd 3 --validate")
        else {
            panic!("a legal command line");
        };
        assert_eq!(options.link.to_string(), "shm:test");
        assert_eq!((options.ready_fd, options.log.as_str()), (Some(3), "debug"));
        assert!(options.device.validation);
        assert_eq!(options.device.memory_limit, MAX_GUEST_BYTES);
    }

    #[test]
    fn mistakes_are_named() {
        for (line, text) in [
            ("--lnik x", "--lnik is no option of pvgpud; see pvgpud --help"),
            ("--ready-fd x", "--ready-fd takes the number of an open file descriptor"),
            ("--log loud", "--log takes error, warn, info or debug"),
            ("--link", "--link takes a link such as shm:default"),
            ("--sizes 1,2,3,4", "--sizes is no option of pvgpud; see pvgpud --help"),
            ("worker --sizes 1,2,3", "--sizes takes four sizes"),
            ("worker", "--sizes takes four sizes"),
        ] {
            assert_eq!(run(line).expect_err(line).to_string(), text);
        }
    }

    #[test]
    fn a_worker_gets_what_was_agreed() {
        let line =
            "worker --aperture /a/b --abi 1 --features 3 --sizes 1,2,3,4 --process 9 --max-guest-memory 5";
        let Ok(Invocation::Work(arguments, log)) = run(line) else { panic!("a legal command line") };
        assert_eq!(arguments.sizes, Sizes { aperture: 1, ring0: 2, event: 3, telemetry: 4 });
        assert_eq!((arguments.version, arguments.features, arguments.process), (1, 3, 9));
        assert_eq!(arguments.device.memory_limit, 5);
        assert_eq!(log, "info");
    }
}
