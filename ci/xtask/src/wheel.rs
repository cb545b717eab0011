//! Windows DLLs out of wheels from the Python package index. They are fetched when needed and never committed.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Error, Result, paths, process, progress};

/// A file in a wheel.
pub struct WheelFile {
    /// The package with its version, as pip takes it.
    pub requirement: &'static str,
    /// The file's path inside the wheel.
    pub member: &'static str,
    /// The folder below `target/` where it is kept.
    pub folder: &'static str,
}

/// Fetches a file unless it is there already; returns where it lies.
///
/// # Errors
/// pip's failure, or that the wheel does not contain the file.
pub fn ensure(file: &WheelFile) -> Result<PathBuf> {
    ensure_members(file.requirement, &[file.member], file.folder)?;
    Ok(place(file.folder, file.member))
}

/// Fetches several files of one wheel into a folder below `target/` unless all are there already.
///
/// # Errors
/// As for [`ensure`].
pub fn ensure_members(requirement: &str, members: &[&str], folder: &str) -> Result<()> {
    let missing: Vec<&&str> = members.iter().filter(|member| !place(folder, member).exists()).collect();
    let names: Vec<String> =
        missing.iter().map(|member| name(member).to_string_lossy().into_owned()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    progress::step(format!("Fetching {} from the package {requirement}", names.join(", ")), || {
        let download = paths::target(folder).join("download");
        std::fs::create_dir_all(&download).map_err(Error::io("make", &download))?;
        process::run_quietly(
            Command::new("python3")
                .args([
                    "-m",
                    "pip",
                    "download",
                    "--quiet",
                    "--no-deps",
                    "--only-binary=:all:",
                    "--platform",
                    "win_amd64",
                ])
                .arg("--dest")
                .arg(&download)
                .arg(requirement),
        )?;
        let wheel = only_entry(&download)?;
        process::run_quietly(
            Command::new("python3").args(["-m", "zipfile", "--extract"]).arg(&wheel).arg(&download),
        )?;
        for member in missing {
            let unpacked = download.join(member);
            std::fs::rename(&unpacked, place(folder, member))
                .map_err(Error::io("take out of the wheel", &unpacked))?;
        }
        std::fs::remove_dir_all(&download).map_err(Error::io("remove", &download))
    })
}

fn name(member: &str) -> &std::ffi::OsStr {
    Path::new(member).file_name().unwrap_or_default()
}

/// Where a file of a wheel is kept.
fn place(folder: &str, member: &str) -> PathBuf {
    paths::target(folder).join(name(member))
}

/// The wheel that pip has put into an otherwise empty folder.
fn only_entry(folder: &Path) -> Result<PathBuf> {
    let mut entries = std::fs::read_dir(folder).map_err(Error::io("read", folder))?.flatten();
    let wheel = entries.find(|entry| entry.path().extension().is_some_and(|extension| extension == "whl"));
    wheel
        .map(|entry| entry.path())
        .ok_or_else(|| Error::Failed(format!("pip left no wheel in {}", folder.display())))
}
