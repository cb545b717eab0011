//! The command line.

use std::ffi::OsString;
use std::fmt;

use lexopt::prelude::*;

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Show the help.
    Help,
    /// Show the version.
    Version,
    /// Carry the aperture.
    Run,
    /// Make it a service, and start it.
    Install,
    /// End the service, and remove it.
    Uninstall,
    /// Pair this machine with a host.
    Pair {
        /// Where the host is.
        link: String,
        /// What it shows.
        code: String,
    },
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// What to do.
    pub command: Command,
    /// `--link`.
    pub link: Option<String>,
    /// `--trust-link`.
    pub trust_link: bool,
    /// Another DLL with the entry points of gdi32.dll, for tests.
    pub thunks: Option<String>,
}

/// A command line that says nothing.
#[derive(Debug)]
pub struct UsageError(String);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; see pvgpu-link --help", self.0)
    }
}

impl From<lexopt::Error> for UsageError {
    fn from(error: lexopt::Error) -> Self {
        Self(error.to_string())
    }
}

/// The help.
pub const HELP: &str = r"pvgpu-link carries the installed driver's frames and commands to a host on another machine.

usage: pvgpu-link [options]                  carry, in this console, until Ctrl-C
       pvgpu-link --install [options]        make it a service that starts with Windows, and start it
       pvgpu-link --uninstall                end the service and remove it
       pvgpu-link --pair LINK CODE           pair with the host that shows this code (`pvgpu-ctl pair` there)

  --link LINK        where the host is, such as tcp://HOST:7777; else PVGPU_LINK, else a pvgpu.toml beside
                     this program, else what --install has noted
  --trust-link       no encryption and no pairing; only over one cable
  --version, --help

All of it wants a console opened with `Run as administrator`.";

/// Reads the arguments behind the program's name.
///
/// # Errors
/// [`UsageError`] is a sentence.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Options, UsageError> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let mut commands = Vec::new();
    let mut options = Options { command: Command::Run, link: None, trust_link: false, thunks: None };
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => commands.push(Command::Help),
            Short('V') | Long("version") => commands.push(Command::Version),
            Long("install") => commands.push(Command::Install),
            Long("uninstall") => commands.push(Command::Uninstall),
            Long("pair") => {
                let (link, code) = (parser.value()?.string()?, parser.value()?.string()?);
                commands.push(Command::Pair { link, code });
            }
            Long("link") => options.link = Some(parser.value()?.string()?),
            Long("trust-link") => options.trust_link = true,
            Long("thunks") => options.thunks = Some(parser.value()?.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    if commands.len() > 1 {
        return Err(UsageError("only one thing can be done at a time".to_owned()));
    }
    options.command = commands.pop().unwrap_or(Command::Run);
    let takes_link = matches!(options.command, Command::Run | Command::Install);
    if !takes_link && (options.link.is_some() || options.trust_link) {
        return Err(UsageError("--link and --trust-link are for carrying and for --install".to_owned()));
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Options, String> {
        parse(line.split_whitespace().map(OsString::from)).map_err(|error| error.to_string())
    }

    fn run() -> Options {
        Options { command: Command::Run, link: None, trust_link: false, thunks: None }
    }

    #[test]
    fn lines_that_say_something() {
        assert_eq!(parsed(""), Ok(run()));
        let link = Some("tcp://box:7777".to_owned());
        assert_eq!(
            parsed("--link tcp://box:7777 --trust-link"),
            Ok(Options { link: link.clone(), trust_link: true, ..run() })
        );
        assert_eq!(
            parsed("--install --link=tcp://box:7777"),
            Ok(Options { command: Command::Install, link, ..run() })
        );
        assert_eq!(parsed("--uninstall"), Ok(Options { command: Command::Uninstall, ..run() }));
        let pair = Command::Pair { link: "tcp://box:7777".to_owned(), code: "K4WX-7QPA".to_owned() };
        assert_eq!(parsed("--pair tcp://box:7777 K4WX-7QPA"), Ok(Options { command: pair, ..run() }));
        assert_eq!(parsed("--thunks a.dll"), Ok(Options { thunks: Some("a.dll".to_owned()), ..run() }));
        assert_eq!(parsed("-V"), Ok(Options { command: Command::Version, ..run() }));
    }

    #[test]
    fn lines_that_do_not() {
        for line in [
            "run",
            "--link",
            "--pair tcp://box:7777",
            "--install --uninstall",
            "--uninstall --link shm:a",
            "--pair a b --trust-link",
            "--lnik a",
        ] {
            let error = parsed(line).expect_err(line);
            assert!(error.ends_with("see pvgpu-link --help"), "{error}");
        }
    }

    #[test]
    fn the_help_is_narrow() {
        for line in HELP.lines() {
            assert!(line.chars().count() <= 110, "{line}");
        }
    }
}
