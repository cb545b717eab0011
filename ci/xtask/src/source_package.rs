//! Debian's source packages: other people's programs and tests, fetched into `target/source` when needed.
//!
//! Neither root's rights nor a change of the machine's configuration is needed: apt works on lists of its own here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Error, Result, paths, process, progress};

/// Lists of source packages where apt finds its own lists of binary packages.
const APT_SOURCES: [&str; 2] = ["/etc/apt/sources.list", "/etc/apt/sources.list.d"];

/// Where a package's source is unpacked, whether it was fetched or not.
pub fn folder(package: &str) -> PathBuf {
    paths::target("source").join(package)
}

/// Fetches and unpacks the original source archive of a package unless it is there; returns its top folder.
///
/// # Errors
/// If the package or an archive of it cannot be had.
pub fn ensure(package: &str) -> Result<PathBuf> {
    let unpacked = folder(package);
    if unpacked.exists() {
        return Ok(unpacked);
    }
    progress::step(format!("Fetching the source package {package}"), || {
        let apt = paths::target("source/apt");
        let download = apt.join("download").join(package);
        for part in ["lists/partial", "cache/archives/partial", "sources"].map(|part| apt.join(part)) {
            fs::create_dir_all(&part).map_err(Error::io("make", &part))?;
        }
        fs::create_dir_all(&download).map_err(Error::io("make", &download))?;
        add_lists(&apt.join("sources"), as_source_list)?;
        // A list that does not exist for source packages makes `update` fail; what counts is whether the package is there.
        if let Err(error) = process::run_quietly(apt_get(&apt).arg("update")) {
            eprintln!("    {error}; going on");
        }
        process::run_quietly(
            apt_get(&apt).args(["source", "--download-only", package]).current_dir(&download),
        )?;
        let archive = files(&download)?
            .into_iter()
            .find(|file| file.to_string_lossy().contains(".orig.tar"))
            .ok_or_else(|| Error::Failed(format!("{package} has no original source archive")))?;
        let fresh = unpacked.with_extension("new");
        fs::create_dir_all(&fresh).map_err(Error::io("make", &fresh))?;
        process::run_quietly(
            Command::new("tar")
                .arg("--extract")
                .arg("--file")
                .arg(archive)
                .args(["--strip-components", "1"])
                .current_dir(&fresh),
        )?;
        fs::rename(&fresh, &unpacked).map_err(Error::io("name", &unpacked))
    })?;
    Ok(unpacked)
}

/// `apt-get` with lists of its own, so that the machine's are left alone and no special rights are needed.
pub fn apt_get(apt: &Path) -> Command {
    let mut command = Command::new("apt-get");
    let mut option = |name: &str, value: &Path| {
        command.arg("--option").arg(format!("{name}={}", value.display()));
    };
    option("Dir::Etc::sourcelist", Path::new("/dev/null"));
    option("Dir::Etc::sourceparts", &apt.join("sources"));
    option("Dir::State::lists", &apt.join("lists"));
    option("Dir::Cache", &apt.join("cache"));
    // Otherwise root's apt downloads as another user, who may not write here.
    command.args(["--option", "APT::Sandbox::User=", "--quiet"]);
    command
}

/// Writes the machine's lists of packages changed by `change`, which gets a file's extension and text; files for which it gives
/// nothing are left out.
///
/// # Errors
/// If a list cannot be read or written.
pub fn add_lists(folder: &Path, change: impl Fn(&str, &str) -> Option<String>) -> Result<()> {
    let mut lists = Vec::new();
    for place in APT_SOURCES.map(Path::new) {
        if place.is_dir() {
            lists.extend(files(place)?);
        } else if place.exists() {
            lists.push(place.to_owned());
        }
    }
    for list in lists {
        let extension = list.extension().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&list).map_err(Error::io("read", &list))?;
        let Some(text) = change(&extension, &text) else { continue };
        let copy = folder.join(list.file_name().unwrap_or_default());
        fs::write(&copy, text).map_err(Error::io("write", &copy))?;
    }
    Ok(())
}

/// A list in one of apt's two formats with "binary packages" replaced by "source packages"; None for other files.
fn as_source_list(extension: &str, text: &str) -> Option<String> {
    let line = |line: &str| match extension {
        "list" => line.strip_prefix("deb ").map(|rest| format!("deb-src {rest}")),
        _ if line.starts_with("Types:") => Some("Types: deb-src".to_owned()),
        _ => Some(line.to_owned()),
    };
    matches!(extension, "list" | "sources")
        .then(|| text.lines().filter_map(line).map(|line| line + "\n").collect())
}

/// The files of a folder, sorted.
///
/// # Errors
/// If the folder cannot be read.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(Error::io("read", folder))?;
    let mut files: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_become_source_lists() {
        let old = "# comment\ndeb http://mirror.example/debian bookworm main\ndeb-src http://x y z\n";
        assert_eq!(
            as_source_list("list", old).as_deref(),
            Some("deb-src http://mirror.example/debian bookworm main\n")
        );
        let new = "Types: deb\nURIs: http://mirror.example/debian\n";
        assert_eq!(
            as_source_list("sources", new).as_deref(),
            Some("Types: deb-src\nURIs: http://mirror.example/debian\n")
        );
        assert_eq!(as_source_list("disabled", new), None);
    }
}
