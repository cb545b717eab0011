//! `pvgpu-ctl`: watches pvgpu from a terminal, and asks for display modes.
//!
//! On a host it is a client of the daemon's control socket; on Windows it asks the kernel-mode driver, by escapes. The only
//! crate whose business is text for people; the same code writes it for both. Errors are one sentence on stderr. Exit
//! codes: 0 done, 1 it could not be done, 2 the command line is wrong.
#![forbid(unsafe_code)]

mod cables;
#[cfg(any(windows, test))]
mod driver;
mod error;
#[cfg(unix)]
mod host;
mod install;
#[cfg(unix)]
mod links;
mod options;
mod output;
mod pairing;
#[cfg(unix)]
mod status;
#[cfg(unix)]
mod table;
mod tail;
mod text;

use std::io::ErrorKind;
use std::process::ExitCode;

use error::Error;
use options::{Command, Options, Side};
use output::{print, print_json};
use pvgpu_transport::Resolved;

fn main() -> ExitCode {
    let options = match options::parse(Side::HERE, std::env::args_os().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("pvgpu-ctl: {error}");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever closed the pipe has seen enough.
        Err(Error::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pvgpu-ctl: {error}");
            ExitCode::from(1)
        }
    }
}

fn run(options: &Options) -> Result<(), Error> {
    match &options.command {
        Command::Help => print(Side::HERE.help()),
        Command::Version => print(concat!("pvgpu-ctl ", env!("CARGO_PKG_VERSION"))),
        Command::Config { json } => config(&find(options)?, *json),
        Command::Cables => cables::show(),
        Command::Pair { link, code } => pairing::pair(link, code),
        Command::Peers { json } => pairing::show(*json),
        Command::Forget { name } => pairing::forget(name),
        #[cfg(windows)]
        Command::Install(request) => {
            pvgpu_install::perform(request, &mut std::io::stdout().lock()).map_err(Error::Install)
        }
        command => ask(options, command),
    }
}

fn find(options: &Options) -> Result<Resolved, Error> {
    Resolved::find(options.link.as_deref()).map_err(Error::Link)
}

/// The commands that somebody must answer: here the daemon.
#[cfg(unix)]
fn ask(options: &Options, command: &Command) -> Result<(), Error> {
    let host = host::Host::of(&find(options)?)?;
    match command {
        Command::Status { json, watch } => host.status(*json, *watch),
        Command::Link { json, watch } => host.link(*json, *watch),
        Command::Tail { json, filter } => host.tail(*json, filter),
        Command::Mode { guest, mode } => host.mode(guest.as_deref(), *mode),
        Command::Screenshot { guest, file } => host.screenshot(guest.as_deref(), file),
        Command::Record(record) => host.record(record),
        Command::Offer => host.offer(),
        // Not reached: `run` has dealt with them.
        Command::Help
        | Command::Version
        | Command::Config { .. }
        | Command::Cables
        | Command::Pair { .. }
        | Command::Peers { .. }
        | Command::Forget { .. }
        | Command::Install(_) => Ok(()),
    }
}

/// The commands that somebody must answer: here the driver.
#[cfg(windows)]
fn ask(options: &Options, command: &Command) -> Result<(), Error> {
    let thunks = pvgpu_thunks::Library::load(options.thunks.as_deref())
        .map_err(|error| Error::Driver(driver::DriverError::Thunks(error)))?;
    driver::ask(&thunks, options.adapter, command)
}

fn config(resolved: &Resolved, json: bool) -> Result<(), Error> {
    let (link, why) = (resolved.link.to_string(), resolved.origin.to_string());
    if json {
        return print_json(&serde_json::json!({ "link": link, "why": why }));
    }
    print(&format!("link  {link}\nwhy   {why}"))
}
