//! The commands on a host: they ask the daemon through its control socket.

use std::path::{Path, PathBuf};
use std::time::Duration;

use pvgpu_control::{Client, ClientError, Mode, Pairing, Recording, Request};
use pvgpu_protocol::mode::DisplayMode;
use pvgpu_transport::{Resolved, control_folder};

use crate::error::Error;
use crate::options::{Filter, Record};
use crate::output::{print, print_json, print_over};
use crate::{links, status, tail, text};

/// How often `status --watch` looks again.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

/// Which daemon is asked.
pub struct Host {
    link: String,
    folder: PathBuf,
}

impl Host {
    /// The daemon that serves a link.
    ///
    /// # Errors
    /// [`Error::Link`] for a link that this version does not carry.
    pub fn of(resolved: &Resolved) -> Result<Self, Error> {
        let folder = control_folder(&resolved.link).map_err(Error::Link)?;
        Ok(Self { link: resolved.link.to_string(), folder })
    }

    fn connect(&self) -> Result<Client, Error> {
        Client::connect(&self.folder).map_err(|source| self.error(source))
    }

    fn error(&self, source: ClientError) -> Error {
        Error::Client { link: self.link.clone(), source }
    }

    /// `status`.
    ///
    /// # Errors
    /// [`Error`], as for all commands.
    pub fn status(&self, json: bool, watch: bool) -> Result<(), Error> {
        self.look(watch, |status| if json { None } else { Some(status::page(status)) })
    }

    /// `link`.
    ///
    /// # Errors
    /// [`Error`], as for all commands.
    pub fn link(&self, json: bool, watch: bool) -> Result<(), Error> {
        if !json {
            return self.look(watch, |status| Some(links::page(status)));
        }
        let status = self.connect()?.status().map_err(|source| self.error(source))?;
        let linked = status.guests.iter().filter_map(|guest| Some((&guest.name, guest.link_counters?)));
        print_json(
            &linked
                .map(|(guest, link)| serde_json::json!({ "guest": guest, "link": link }))
                .collect::<Vec<_>>(),
        )
    }

    /// Shows a page of the status once, or again and again; as JSON where there is no page.
    fn look(
        &self,
        watch: bool,
        page: impl Fn(&pvgpu_control::Status) -> Option<String>,
    ) -> Result<(), Error> {
        loop {
            let status = self.connect()?.status().map_err(|source| self.error(source))?;
            let Some(page) = page(&status) else { return print_json(&status) };
            if !watch {
                return print(page.trim_end());
            }
            print_over(&page)?;
            std::thread::sleep(WATCH_INTERVAL);
        }
    }

    /// `tail`.
    ///
    /// # Errors
    /// [`Error`], as for all commands.
    pub fn tail(&self, json: bool, filter: &Filter) -> Result<(), Error> {
        for record in self.connect()?.tail().map_err(|source| self.error(source))? {
            let record = record.map_err(|source| self.error(source))?;
            tail::show(&record, json, filter)?;
        }
        Ok(())
    }

    /// `mode`.
    ///
    /// # Errors
    /// [`Error`], as for all commands.
    pub fn mode(&self, guest: Option<&str>, mode: Option<DisplayMode>) -> Result<(), Error> {
        let wire = mode.map(|mode| Mode {
            width: mode.width,
            height: mode.height,
            refresh_millihertz: mode.refresh_millihertz,
        });
        let asked = self.connect()?.mode(guest.map(str::to_owned), wire);
        let name = asked.map_err(|source| self.error(source))?;
        match mode {
            Some(mode) => print(&format!("{name} is asked to offer {mode}")),
            None => print(&format!("{name} is asked to forget its custom mode")),
        }
    }

    /// `record`.
    ///
    /// # Errors
    /// [`Error`], as for all commands; also when the recording has ended too early.
    pub fn record(&self, record: &Record) -> Result<(), Error> {
        let failed = |source| Error::File { path: record.file.clone(), source };
        let file = std::path::absolute(&record.file).map_err(failed)?;
        let Record { guest, frames, seconds, max_bytes, each, .. } = record.clone();
        let request = Request::Record { guest, file, frames, seconds, max_bytes, each };
        for recording in self.connect()?.record(&request).map_err(|source| self.error(source))? {
            match recording.map_err(|source| self.error(source))? {
                Recording::Waiting => print("waiting for a guest to come")?,
                Recording::Began { guest } => print(&format!("recording {guest}"))?,
                Recording::Ended { guest, records, frames, bytes, error } => {
                    let path = record.file.display();
                    let mib = bytes.div_ceil(1 << 20);
                    print(&format!("{path}: {records} records, {frames} frames of {guest}, {mib} MiB"))?;
                    return match error {
                        None => Ok(()),
                        Some(error) => Err(Error::Recording { path: record.file.clone(), error }),
                    };
                }
            }
        }
        let error = "the guest's worker has died; what it wrote until then can be replayed".to_owned();
        Err(Error::Recording { path: record.file.clone(), error })
    }

    /// `pair`, without a code: shows one.
    ///
    /// # Errors
    /// [`Error`], as for all commands; also when nobody was paired.
    pub fn offer(&self) -> Result<(), Error> {
        for pairing in self.connect()?.pair().map_err(|source| self.error(source))? {
            match pairing.map_err(|source| self.error(source))? {
                Pairing::Offered { code, fingerprint, links, seconds } => {
                    print(&format!(
                        "code       {code}\nthis host  {fingerprint}\n\non the other machine, run one of"
                    ))?;
                    for link in links {
                        print(&format!("  pvgpu-ctl pair {link} {code}"))?;
                    }
                    print(&format!("within {}, while this waits", text::duration(seconds as f64)))?;
                }
                Pairing::Paired { name, fingerprint } => {
                    return print(&format!("paired with {name} ({fingerprint})"));
                }
                Pairing::Ended { error } => return Err(Error::NotPaired { error }),
            }
        }
        Err(Error::NotPaired {
            error: "pvgpud has ended; start it and run `pvgpu-ctl pair` again".to_owned(),
        })
    }

    /// `screenshot`.
    ///
    /// # Errors
    /// [`Error`], as for all commands.
    pub fn screenshot(&self, guest: Option<&str>, path: &Path) -> Result<(), Error> {
        let asked = self.connect()?.screenshot(guest.map(str::to_owned));
        let (head, file) = asked.map_err(|source| self.error(source))?;
        let failed = |source| Error::File { path: path.to_owned(), source };
        std::fs::write(path, file).map_err(failed)?;
        print(&format!("{}: {} \u{d7} {} pixels of {}", path.display(), head.width, head.height, head.guest))
    }
}
