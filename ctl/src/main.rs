//! `pvgpu-ctl`: watches a pvgpu host from a terminal.
//!
//! A client of the daemon's control socket and nothing else; the only crate whose business is text for people.
//! Errors are one sentence on stderr. Exit codes: 0 done, 1 the host could not be asked, 2 the command line is wrong.
#![forbid(unsafe_code)]

mod options;
mod status;
mod tail;
mod text;

use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use options::{Command, Filter, HELP};
use pvgpu_control::{Client, ClientError};
use pvgpu_transport::{LinkError, Resolved, shm};

/// How often `status --watch` looks again.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

/// Why nothing could be shown.
#[derive(Debug)]
enum Error {
    /// The link is none, or none that this version carries.
    Link(LinkError),
    /// The daemon does not answer.
    Client { link: String, source: ClientError },
    /// Standard output is gone; nobody reads any more.
    Output(std::io::Error),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Link(error) => error.fmt(f),
            Self::Client { link, source: ClientError::Connect { source, .. } } => match source.kind() {
                ErrorKind::NotFound | ErrorKind::ConnectionRefused => {
                    write!(f, "no pvgpud serves {link}; start one with `pvgpud --link {link}`")
                }
                ErrorKind::PermissionDenied => {
                    write!(
                        f,
                        "the pvgpud that serves {link} belongs to another user; run pvgpu-ctl as that user"
                    )
                }
                _ => write!(f, "the pvgpud that serves {link} cannot be reached: {source}"),
            },
            Self::Client { link, source } => write!(f, "{source} (link {link})"),
            Self::Output(source) => write!(f, "the output cannot be written: {source}"),
        }
    }
}

fn main() -> ExitCode {
    let options = match options::parse(std::env::args_os().skip(1)) {
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

fn run(options: &options::Options) -> Result<(), Error> {
    let find = || Resolved::find(options.link.as_deref()).map_err(Error::Link);
    match &options.command {
        Command::Help => print(HELP),
        Command::Version => print(concat!("pvgpu-ctl ", env!("CARGO_PKG_VERSION"))),
        Command::Config { json } => config(&find()?, *json),
        Command::Status { json, watch } => status(&Host::of(find()?)?, *json, *watch),
        Command::Tail { json, filter } => tail(&Host::of(find()?)?, *json, filter),
    }
}

/// Which daemon is asked.
struct Host {
    link: String,
    folder: PathBuf,
}

impl Host {
    fn of(resolved: Resolved) -> Result<Self, Error> {
        let folder = shm::folder(&resolved.link).map_err(Error::Link)?;
        Ok(Self { link: resolved.link.to_string(), folder })
    }

    fn connect(&self) -> Result<Client, Error> {
        Client::connect(&self.folder).map_err(|source| self.error(source))
    }

    fn error(&self, source: ClientError) -> Error {
        Error::Client { link: self.link.clone(), source }
    }
}

fn status(host: &Host, json: bool, watch: bool) -> Result<(), Error> {
    loop {
        let status = host.connect()?.status().map_err(|source| host.error(source))?;
        if json {
            return print_json(&status);
        }
        let page = status::page(&status);
        if !watch {
            return print(page.trim_end());
        }
        // Home, the page, and clear what the last one left below: no flicker.
        print(&format!("\x1b[H{}\x1b[J", page.replace('\n', "\x1b[K\n")))?;
        std::thread::sleep(WATCH_INTERVAL);
    }
}

fn tail(host: &Host, json: bool, filter: &Filter) -> Result<(), Error> {
    for record in host.connect()?.tail().map_err(|source| host.error(source))? {
        let record = record.map_err(|source| host.error(source))?;
        if !filter.shows(&record) {
            continue;
        }
        if json {
            print_json(&record)?;
        } else {
            print(&tail::line(&record))?;
        }
    }
    Ok(())
}

fn config(resolved: &Resolved, json: bool) -> Result<(), Error> {
    let (link, why) = (resolved.link.to_string(), resolved.origin.to_string());
    if json {
        return print_json(&serde_json::json!({ "link": link, "why": why }));
    }
    print(&format!("link  {link}\nwhy   {why}"))
}

fn print_json(value: &impl serde::Serialize) -> Result<(), Error> {
    let text = serde_json::to_string(value).map_err(|error| Error::Output(error.into()))?;
    print(&text)
}

fn print(text: &str) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(Error::Output)
}
