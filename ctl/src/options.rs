//! The command line: what may be asked, and the help that says so.

use std::path::PathBuf;

use pvgpu_control::Level;
use pvgpu_protocol::mode::DisplayMode;

use crate::install;

/// Who answers: the two kinds of machine have most commands in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// A host with pvgpud.
    Host,
    /// A Windows machine with the driver.
    Driver,
}

impl Side {
    /// The machine that this program was built for.
    pub const HERE: Self = if cfg!(windows) { Self::Driver } else { Self::Host };

    /// What `--help` prints.
    pub const fn help(self) -> &'static str {
        match self {
            Self::Host => HOST_HELP,
            Self::Driver => DRIVER_HELP,
        }
    }
}

/// The part of the help about tail's filters.
macro_rules! filters {
    () => {
        "\
Filters of tail:
  --level LEVEL     error, warning, info or verbose: that level and graver ones (default: verbose)
  --area AREA       only that part, e.g. umd, submission, display
  --context N       only that context
  --process PID     only that guest process
"
    };
}

const HOST_HELP: &str = concat!(
    "\
Watches a pvgpu host: who renders on it, how fast, and what the drivers say.

Usage: pvgpu-ctl [--link LINK] COMMAND

Commands:
  status [--json] [--watch]   the GPU, and each guest's frames, draws, screen, bytes and latencies
  link   [--json] [--watch]   of guests on other machines: round trip, rate, queues, bytes, frames dropped
  tail   [--json] [FILTER…]   what drivers and host say, one line a record, until interrupted
  mode   WIDTHxHEIGHT[@HZ] [--guest GUEST]
                              has a guest's desktop offer and prefer that mode (60 Hz if not said);
                              `mode auto` takes it away again
  screenshot FILE [--guest GUEST]
                              writes what a guest's desktop shows as a PNG file
  record FILE [--guest GUEST] [--frames N] [--seconds N] [--max-bytes N] [--each]
                              records the next guest from its start, for `pvgpud replay FILE`, until it ends,
                              a limit is reached, or this is interrupted; --each loses nothing when the
                              guest's worker dies, and is slow
  config [--json]             which link is used, and where that was decided
  pair                        shows a code by which another machine is paired with this host
  pair LINK CODE              pairs this machine with the host that shows that link and that code
  cables                      this machine's Thunderbolt and USB4 cables to others, and what they lack
  peers [--json]              the paired machines; `peers forget NAME` removes one

",
    filters!(),
    "
Options:
  --guest GUEST     a guest's name or process, as status shows them; needed when there are several
  --link LINK       shm:NAME, tcp://HOST:PORT, …; otherwise PVGPU_LINK, a pvgpu.toml, or shm:default
  -h, --help        this text
  -V, --version     the version

Exit codes: 0 done, 1 it could not be done, 2 the command line is wrong."
);

const DRIVER_HELP: &str = concat!(
    "\
Watches the pvgpu driver: its adapters, their host, and what the driver says.

Usage: pvgpu-ctl [--adapter N] COMMAND

Commands:
  status [--json] [--watch]   each adapter's state, host, memory, modes and counters
  tail   [--json] [FILTER…]   what the driver says, one line a record, until interrupted
  mode   WIDTHxHEIGHT[@HZ]    has the desktop offer and prefer that mode (60 Hz if not said);
                              `mode auto` takes it away again
  config [--json]             which link programs without the driver use, and where that was decided
  pair LINK CODE              pairs this machine with the host whose `pvgpu-ctl pair` shows that link and code
  cables                      this machine's Thunderbolt and USB4 cables to others, and what they lack
  peers [--json]              the paired hosts; `peers forget NAME` removes one
  install [--device auto|pci|root] [--inf FILE] [--force] [--dry-run]
                              installs the driver package beside this program, and makes a device for it
                              where there is no ivshmem device; --dry-run only says what it would do
  uninstall [--dry-run]       removes our devices and every version of the package

",
    filters!(),
    "
Options:
  --adapter N       the pvgpu adapter, counted from 0 as status shows them; needed when there are several
  --thunks DLL      another DLL with the D3DKMT entry points than gdi32.dll: for tests without the driver
  -h, --help        this text
  -V, --version     the version

Exit codes: 0 done, 1 it could not be done, 2 the command line is wrong."
);

const PAIR_TAKES: &str = "pair takes the host's link and its code, as in `pair tcp://box:7777 K4WX-7QPA`";

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Print the help.
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
    /// Show what the links carry.
    Link {
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
    /// Ask for a display mode.
    Mode {
        /// Which guest, on a host.
        guest: Option<String>,
        /// The mode; `None` takes the custom mode away.
        mode: Option<DisplayMode>,
    },
    /// Write a picture of a guest's screen.
    Screenshot {
        /// Which guest.
        guest: Option<String>,
        /// Where to.
        file: PathBuf,
    },
    /// Record a guest.
    Record(Record),
    /// Install or remove the driver.
    Install(pvgpu_install::Request),
    /// Explain the link.
    Config {
        /// As JSON.
        json: bool,
    },
    /// Show the cables to other machines.
    Cables,
    /// Show a code to be paired by.
    Offer,
    /// Be paired by a code.
    Pair {
        /// The host, as a link.
        link: String,
        /// What it shows.
        code: String,
    },
    /// Show the paired machines.
    Peers {
        /// As JSON.
        json: bool,
    },
    /// Forget a paired machine.
    Forget {
        /// Its name.
        name: String,
    },
}

/// What `record` is to record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Which guest.
    pub guest: Option<String>,
    /// Where to.
    pub file: PathBuf,
    /// Frames.
    pub frames: Option<u64>,
    /// Seconds.
    pub seconds: Option<u64>,
    /// Bytes of the file.
    pub max_bytes: Option<u64>,
    /// Each record is written before it is executed.
    pub each: bool,
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

/// A whole command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `--link`.
    pub link: Option<String>,
    /// `--adapter`.
    pub adapter: Option<usize>,
    /// `--thunks`.
    pub thunks: Option<String>,
    /// The command.
    pub command: Command,
}

/// Reads the command line, without the program's name.
///
/// # Errors
/// A sentence that names the mistake.
pub fn parse<I>(side: Side, arguments: I) -> Result<Options, lexopt::Error>
where
    I: IntoIterator,
    I::Item: Into<std::ffi::OsString>,
{
    use lexopt::prelude::*;
    let mut parser = lexopt::Parser::from_args(arguments);
    let (mut link, mut adapter, mut thunks) = (None, None, None);
    let mut command: Option<Command> = None;
    let (on_host, on_driver) = (side == Side::Host, side == Side::Driver);
    while let Some(argument) = parser.next()? {
        match (argument, &mut command) {
            (Short('h') | Long("help"), _) => {
                return Ok(Options { link, adapter, thunks, command: Command::Help });
            }
            (Short('V') | Long("version"), _) => {
                return Ok(Options { link, adapter, thunks, command: Command::Version });
            }
            (Long("link"), _) => link = Some(parser.value()?.string()?),
            (Long("adapter"), _) if on_driver => adapter = Some(parser.value()?.parse()?),
            (Long("thunks"), _) if on_driver => thunks = Some(parser.value()?.string()?),
            (Value(name), None) => {
                let mut next = |what: &str| match parser.next()? {
                    Some(Value(value)) => Ok(value),
                    Some(other) => Err(other.unexpected()),
                    None => Err(what.into()),
                };
                command = Some(match name.string()?.as_str() {
                    "status" => Command::Status { json: false, watch: false },
                    "link" if !on_driver => Command::Link { json: false, watch: false },
                    "tail" => Command::Tail { json: false, filter: Filter::default() },
                    "config" => Command::Config { json: false },
                    "mode" => {
                        let text = next("mode takes WIDTHxHEIGHT[@HZ] or auto")?.string()?;
                        Command::Mode { guest: None, mode: mode(&text)? }
                    }
                    "screenshot" if on_host => {
                        let file = next("screenshot takes the name of a file")?.into();
                        Command::Screenshot { guest: None, file }
                    }
                    "record" if on_host => {
                        let file = next("record takes the name of a file")?.into();
                        Command::Record(Record { file, ..Record::default() })
                    }
                    "cables" => Command::Cables,
                    "pair" => Command::Offer,
                    "peers" => Command::Peers { json: false },
                    "install" if on_driver => Command::Install(install::install(&mut parser)?),
                    "uninstall" if on_driver => Command::Install(install::uninstall(&mut parser)?),
                    "help" => Command::Help,
                    other => {
                        return Err(format!("there is no command {other:?}; try `pvgpu-ctl --help`").into());
                    }
                });
            }
            (Value(link), Some(command @ Command::Offer)) => {
                let link = link.string()?;
                let Some(Value(code)) = parser.next()? else { return Err(PAIR_TAKES.into()) };
                *command = Command::Pair { link, code: code.string()? };
            }
            (Value(word), Some(command @ Command::Peers { json: false })) if word == "forget" => {
                let Some(Value(name)) = parser.next()? else {
                    return Err("peers forget takes the name of a paired machine, as peers shows it".into());
                };
                *command = Command::Forget { name: name.string()? };
            }
            (
                Long("json"),
                Some(
                    Command::Status { json, .. }
                    | Command::Link { json, .. }
                    | Command::Tail { json, .. }
                    | Command::Config { json }
                    | Command::Peers { json },
                ),
            ) => *json = true,
            (Long("watch"), Some(Command::Status { watch, .. } | Command::Link { watch, .. })) => {
                *watch = true
            }
            (Long("guest"), Some(Command::Mode { guest, .. } | Command::Screenshot { guest, .. }))
                if on_host =>
            {
                *guest = Some(parser.value()?.string()?);
            }
            (Long("guest"), Some(Command::Record(record))) => {
                record.guest = Some(parser.value()?.string()?);
            }
            (Long("frames"), Some(Command::Record(record))) => record.frames = Some(parser.value()?.parse()?),
            (Long("seconds"), Some(Command::Record(record))) => {
                record.seconds = Some(parser.value()?.parse()?);
            }
            (Long("max-bytes"), Some(Command::Record(record))) => {
                record.max_bytes = Some(parser.value()?.parse()?);
            }
            (Long("each"), Some(Command::Record(record))) => record.each = true,
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
        Some(Command::Status { json: true, watch: true } | Command::Link { json: true, watch: true }) => {
            Err("--json and --watch do not go together; repeat the call instead".into())
        }
        Some(Command::Offer) if on_driver => Err(PAIR_TAKES.into()),
        Some(command) => Ok(Options { link, adapter, thunks, command }),
        None => Err("no command given; try `pvgpu-ctl --help`".into()),
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

/// `1920x1080`, `2560x1440@144`, `1920x1080@59.94`, `auto`.
fn mode(text: &str) -> Result<Option<DisplayMode>, lexopt::Error> {
    if text == "auto" {
        return Ok(None);
    }
    let parsed = || {
        let (size, refresh) = text.split_once('@').unwrap_or((text, "60"));
        let (width, height) = size.split_once(['x', 'X'])?;
        let refresh_millihertz = millihertz(refresh)?;
        Some(DisplayMode { width: number(width)?, height: number(height)?, refresh_millihertz })
    };
    let mode = parsed().ok_or_else(|| {
        lexopt::Error::from(format!("{text:?} is no mode such as 1920x1080, 2560x1440@144, 1920x1080@59.94"))
    })?;
    mode.check().map_err(|error| lexopt::Error::from(error.to_string()))?;
    Ok(Some(mode))
}

/// Digits only: no sign, no blank.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Hertz with up to three decimals.
fn millihertz(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let (digits, scale) = (u32::try_from(part.len()).ok()?, part.len() <= 3);
    let part = number(part).filter(|_| scale)?;
    number(whole)?.checked_mul(1000)?.checked_add(part * 10u32.pow(3 - digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_on(side: Side, line: &str, expect: Result<Command, &str>) {
        let parsed = parse(side, line.split_whitespace()).map(|options| options.command);
        match (parsed, expect) {
            (Ok(command), Ok(expect)) => assert_eq!(command, expect, "{line}"),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{line}: {error}"),
            (parsed, expect) => panic!("{line}: {parsed:?} instead of {expect:?}"),
        }
    }

    fn check(line: &str, expect: Result<Command, &str>) {
        check_on(Side::Host, line, expect);
    }

    #[test]
    fn command_lines() {
        check("status", Ok(Command::Status { json: false, watch: false }));
        check("--link shm:x status --json", Ok(Command::Status { json: true, watch: false }));
        check("link", Ok(Command::Link { json: false, watch: false }));
        check("link --watch", Ok(Command::Link { json: false, watch: true }));
        check("link --json --watch", Err("do not go together"));
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
    fn modes() {
        let asked = |width, height, refresh_millihertz| {
            let mode = Some(DisplayMode { width, height, refresh_millihertz });
            Ok(Command::Mode { guest: None, mode })
        };
        check("mode 1920x1080", asked(1920, 1080, 60_000));
        check("mode 2560X1440@144", asked(2560, 1440, 144_000));
        check("mode 1366x768@59.94", asked(1366, 768, 59_940));
        check("mode 1280x720@59.9", asked(1280, 720, 59_900));
        check("mode auto", Ok(Command::Mode { guest: None, mode: None }));
        check(
            "mode 640x480@24.001 --guest guest-7",
            Ok(Command::Mode {
                guest: Some("guest-7".to_owned()),
                mode: Some(DisplayMode { width: 640, height: 480, refresh_millihertz: 24_001 }),
            }),
        );
        for text in [
            "1920",
            "x",
            "1920x",
            "x1080",
            "-1x5",
            "1920x1080@",
            "1920x1080@6.",
            "1920x1080@.5",
            "1x1@1.2345",
            "1920x1080x60",
            "9999999999x1080",
            "1920x1080@99999999",
            "+1920x1080",
            "1920x1080@6O",
        ] {
            check(&format!("mode -- {text}"), Err("is no mode such as"));
        }
        check("mode 1921x1080", Err("an even number from 640 to 7680"));
        check("mode 1920x1080@241", Err("241.000 Hz is not from 24 to 240 Hz"));
        check("mode", Err("mode takes WIDTHxHEIGHT[@HZ] or auto"));
        check("mode 1920x1080 --json", Err("--json"));
    }

    #[test]
    fn each_side_has_its_own() {
        let picture = Command::Screenshot { guest: Some("7".to_owned()), file: "a.png".into() };
        check("screenshot a.png --guest 7", Ok(picture));
        check("screenshot", Err("the name of a file"));
        let record = Record { file: "a.pvrec".into(), frames: Some(9), each: true, ..Record::default() };
        check("record a.pvrec --frames 9 --each", Ok(Command::Record(record)));
        check("record", Err("record takes the name of a file"));
        check("record a --frames many", Err("many"));
        check_on(Side::Driver, "record a", Err("no command \"record\""));
        check("status --guest 7", Err("--guest"));
        check("--adapter 1 status", Err("--adapter"));
        check("--thunks x.dll status", Err("--thunks"));
        check_on(Side::Driver, "screenshot a.png", Err("no command \"screenshot\""));
        check_on(Side::Driver, "mode 1920x1080 --guest 7", Err("--guest"));
        let line = "--adapter 1 --thunks z:\\x.dll mode auto";
        let options = parse(Side::Driver, line.split_whitespace()).expect("legal");
        assert_eq!((options.adapter, options.thunks.as_deref()), (Some(1), Some("z:\\x.dll")));
        for side in [Side::Host, Side::Driver] {
            let wide = side.help().lines().find(|line| line.chars().count() > 110);
            assert_eq!(wide, None, "the help fits a terminal");
        }
    }

    #[test]
    fn pairing() {
        let pair = Command::Pair { link: "tcp://box:7777".to_owned(), code: "K4WX-7QPA".to_owned() };
        for side in [Side::Host, Side::Driver] {
            check_on(side, "pair tcp://box:7777 K4WX-7QPA", Ok(pair.clone()));
            check_on(side, "pair tcp://box:7777", Err("pair takes the host's link and its code"));
            check_on(side, "cables", Ok(Command::Cables));
            check_on(side, "peers", Ok(Command::Peers { json: false }));
            check_on(side, "peers --json", Ok(Command::Peers { json: true }));
            check_on(side, "peers forget box", Ok(Command::Forget { name: "box".to_owned() }));
            check_on(side, "peers forget", Err("takes the name of a paired machine"));
            check_on(side, "peers remove box", Err("remove"));
        }
        check("pair", Ok(Command::Offer));
        check_on(Side::Driver, "pair", Err("pair takes the host's link and its code"));
    }

    #[test]
    fn installing_is_for_windows() {
        let request = pvgpu_install::Request::Uninstall { dry_run: true };
        check_on(Side::Driver, "uninstall --dry-run", Ok(Command::Install(request)));
        check_on(Side::Driver, "install --device usb", Err("none of auto, pci, root"));
        check("install", Err("no command \"install\""));
        check("uninstall", Err("no command \"uninstall\""));
    }

    #[test]
    fn the_link_is_kept() {
        let options = parse(Side::Host, ["status", "--link", "tcp://10.0.0.1:7777"]).expect("legal");
        assert_eq!(options.link.as_deref(), Some("tcp://10.0.0.1:7777"));
    }
}
