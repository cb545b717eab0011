//! The command line: what may be asked, and the help that says so.

use pvgpu_control::Level;

/// What `--help` prints.
pub const HELP: &str = "\
Watches a pvgpu host: who renders on it, how fast, and what the drivers say.

Usage: pvgpu-ctl [--link LINK] COMMAND

Commands:
  status [--json] [--watch]   the GPU, and each guest's frames, draws, bytes and latencies
  tail   [--json] [FILTER…]   what drivers and host say, one line a record, until interrupted
  config [--json]             which link is used, and where that was decided

Filters of tail:
  --level LEVEL     error, warning, info or verbose: that level and graver ones (default: verbose)
  --area AREA       only that part, e.g. umd, submission, worker
  --context N       only that context
  --process PID     only that guest process

Options:
  --link LINK       shm:NAME, tcp://HOST:PORT, …; otherwise PVGPU_LINK, a pvgpu.toml, or shm:default
  -h, --help        this text
  -V, --version     the version

Exit codes: 0 done, 1 the host could not be asked, 2 the command line is wrong.";

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Print [`HELP`].
    Help,
    /// Print the version.
    Version,
    /// Show the state.
    Status {
        /// As JSON.
        json: bool,
        /// Again every second.
        watch: bool,
    },
    /// Follow the records.
    Tail {
        /// As JSON, a line a record.
        json: bool,
        /// Which ones.
        filter: Filter,
    },
    /// Explain the link.
    Config {
        /// As JSON.
        json: bool,
    },
}

/// Which records `tail` shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// This level and graver ones.
    pub level: Level,
    /// Only this area.
    pub area: Option<String>,
    /// Only this context.
    pub context: Option<u32>,
    /// Only this guest process.
    pub process: Option<u32>,
}

impl Default for Filter {
    fn default() -> Self {
        Self { level: Level::Verbose, area: None, context: None, process: None }
    }
}

/// The whole command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `--link`, if given.
    pub link: Option<String>,
    /// What to do.
    pub command: Command,
}

/// Parses the arguments that follow the program's name.
///
/// # Errors
/// A sentence that names the argument at fault.
pub fn parse<I>(arguments: I) -> Result<Options, lexopt::Error>
where
    I: IntoIterator,
    I::Item: Into<std::ffi::OsString>,
{
    use lexopt::prelude::*;

    let mut parser = lexopt::Parser::from_args(arguments);
    let mut link = None;
    let mut command: Option<Command> = None;
    while let Some(argument) = parser.next()? {
        match (argument, &mut command) {
            (Short('h') | Long("help"), _) => return Ok(Options { link, command: Command::Help }),
            (Short('V') | Long("version"), _) => return Ok(Options { link, command: Command::Version }),
            (Long("link"), _) => link = Some(parser.value()?.string()?),
            (Value(name), None) => command = Some(named(&name.string()?)?),
            (
                Long("json"),
                Some(Command::Status { json, .. } | Command::Tail { json, .. } | Command::Config { json }),
            ) => *json = true,
            (Long("watch"), Some(Command::Status { watch, .. })) => *watch = true,
            (Long("level"), Some(Command::Tail { filter, .. })) => {
                filter.level = level(&parser.value()?.string()?)?;
            }
            (Long("area"), Some(Command::Tail { filter, .. })) => {
                filter.area = Some(parser.value()?.string()?);
            }
            (Long("context"), Some(Command::Tail { filter, .. })) => {
                filter.context = Some(parser.value()?.parse()?);
            }
            (Long("process"), Some(Command::Tail { filter, .. })) => {
                filter.process = Some(parser.value()?.parse()?);
            }
            (argument, _) => return Err(argument.unexpected()),
        }
    }
    match command {
        Some(Command::Status { json: true, watch: true }) => {
            Err("--json and --watch do not go together; repeat the call instead".into())
        }
        Some(command) => Ok(Options { link, command }),
        None => Err("no command given; try `pvgpu-ctl --help`".into()),
    }
}

fn named(name: &str) -> Result<Command, lexopt::Error> {
    match name {
        "status" => Ok(Command::Status { json: false, watch: false }),
        "tail" => Ok(Command::Tail { json: false, filter: Filter::default() }),
        "config" => Ok(Command::Config { json: false }),
        "help" => Ok(Command::Help),
        _ => Err(format!("there is no command {name:?}; try `pvgpu-ctl --help`").into()),
    }
}

fn level(name: &str) -> Result<Level, lexopt::Error> {
    match name {
        "error" => Ok(Level::Error),
        "warning" => Ok(Level::Warning),
        "info" => Ok(Level::Info),
        "verbose" => Ok(Level::Verbose),
        _ => Err(format!("level {name:?} is none of error, warning, info, verbose").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expect: Result<Command, &str>) {
        let parsed = parse(line.split_whitespace()).map(|options| options.command);
        match (parsed, expect) {
            (Ok(command), Ok(expect)) => assert_eq!(command, expect, "{line}"),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{line}: {error}"),
            (parsed, expect) => panic!("{line}: {parsed:?} instead of {expect:?}"),
        }
    }

    #[test]
    fn command_lines() {
        check("status", Ok(Command::Status { json: false, watch: false }));
        check("--link shm:x status --json", Ok(Command::Status { json: true, watch: false }));
        check("status --watch", Ok(Command::Status { json: false, watch: true }));
        check("status --watch --json", Err("do not go together"));
        check("config --json", Ok(Command::Config { json: true }));
        check("--help", Ok(Command::Help));
        check("-V", Ok(Command::Version));
        check("", Err("no command"));
        check("stats", Err("no command \"stats\""));
        check("status --level info", Err("--level"));
        check("tail --level loud", Err("\"loud\""));
        check("tail --context many", Err("many"));
        check(
            "tail --level warning --area umd --context 3 --process 12",
            Ok(Command::Tail {
                json: false,
                filter: Filter {
                    level: Level::Warning,
                    area: Some("umd".to_owned()),
                    context: Some(3),
                    process: Some(12),
                },
            }),
        );
    }

    #[test]
    fn the_link_is_kept() {
        let options = parse(["status", "--link", "tcp://10.0.0.1:7777"]).expect("legal");
        assert_eq!(options.link.as_deref(), Some("tcp://10.0.0.1:7777"));
    }
}
