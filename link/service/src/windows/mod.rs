//! The program on Windows: a console, a service, and what both are made of.

mod console;
mod driver;
mod event_log;
mod fault;
mod manager;
mod privilege;
mod registry;
mod service;

use std::ffi::OsString;
use std::fmt::Display;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use pvgpu_link::{Configured, Event, Service, Stop, Trouble};
use pvgpu_transport::secure::{KEYS_VARIABLE, keys_folder};

use crate::options::{self, Command, HELP, Options};
use crate::pair;

/// What ends the loop: Ctrl-C, the service manager.
static STOP: Stop = Stop::new();

/// The program.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    // The service manager starts it without arguments; so may a person.
    if arguments.is_empty() && service::run() {
        return ExitCode::SUCCESS;
    }
    let options = match options::parse(arguments) {
        Ok(options) => options,
        Err(error) => return complain(&error, 2),
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error, 1),
    }
}

fn complain(error: &dyn Display, code: u8) -> ExitCode {
    // Whoever closed the pipe reads nothing more.
    let _ = writeln!(std::io::stderr(), "pvgpu-link: {error}");
    ExitCode::from(code)
}

fn say(text: &dyn Display) {
    // As above.
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn run(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    match &options.command {
        Command::Help => say(&HELP),
        Command::Version => say(&concat!("pvgpu-link ", env!("CARGO_PKG_VERSION"))),
        Command::Run => {
            console::stop_at_its_end()?;
            let report = |event: &Event<'_>| {
                if event.is_trouble() {
                    complain(event, 0);
                } else {
                    say(event);
                }
            };
            carry(options, pvgpu_link::Options::default(), &report)?;
        }
        Command::Install => {
            // A misspelt address is better told now than in the event log.
            if let Some(link) = &options.link {
                link.parse::<pvgpu_transport::Link>()?;
            }
            for done in manager::install(options.link.as_deref(), options.trust_link)? {
                say(&done);
            }
        }
        Command::Uninstall => {
            for done in manager::uninstall()? {
                say(&done);
            }
        }
        Command::Pair { link, code } => {
            let host = pair::pair(&keys()?, link, code)?;
            say(&format!("paired with {} ({})", host.name, host.key.fingerprint()));
        }
    }
    Ok(())
}

/// Says why the program ends at once, where somebody will look for it.
fn last_words(text: &str) {
    if service::is_one() {
        event_log::EventLog::open().write(text, true);
    } else {
        complain(&text, 1);
    }
}

/// Carries the aperture until [`STOP`] is requested.
///
/// # Errors
/// As [`Service::run`].
fn carry(
    options: &Options,
    behaviour: pvgpu_link::Options,
    report: &dyn Fn(&Event<'_>),
) -> Result<(), Trouble> {
    // One that cannot be had is the driver's to miss.
    privilege::enable_load_driver();
    fault::watch();
    let driver = driver::Installed::new(options.thunks.clone());
    let keys = keys().map_err(Trouble::Keys)?;
    let noted = registry::noted();
    let connect = Configured {
        option: options.link.clone(),
        registry: Box::new(|| registry::noted().link),
        keys,
        trust_link: options.trust_link || noted.trust_link,
    };
    Service { driver: &driver, connect: &connect, stop: &STOP, report, options: behaviour }.run()
}

/// Where this machine's key and its peers' are: the system's own, whoever has started the program, so that a pairing made in a console
/// is the service's as well. Administrators and the system may read the folder, nobody else.
fn keys() -> Result<PathBuf, pvgpu_transport::secure::KeysError> {
    if std::env::var_os(KEYS_VARIABLE).is_some_and(|value| !value.is_empty()) {
        return keys_folder();
    }
    let windows = std::env::var_os("SystemRoot").map_or_else(|| PathBuf::from(r"C:\Windows"), PathBuf::from);
    Ok(windows.join(r"System32\config\systemprofile\AppData\Roaming\pvgpu"))
}
