//! DXVK, a peer to compare with: Debian's package of a newer suite, fetched into `target/dxvk` when it is measured.
//!
//! Neither root's rights nor a change of the machine's configuration is needed: apt works on lists of its own here. Nothing is
//! installed, and the DLLs are never committed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Error, Result, paths, process, progress};

/// Suites that have the package, in the order in which they are tried: Debian 12 has none. Older ones ask less of the driver and
/// of Wine.
const SUITES: [&str; 2] = ["trixie", "sid"];
/// The package with the 64-bit DLLs.
const PACKAGE: &str = "dxvk-wine64";
/// Where the DLLs lie in it. They are Windows DLLs in spite of their names.
const FOLDER: &str = "usr/lib/dxvk/wine64";
/// Who signs Debian's lists.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// A version of DXVK.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dxvk {
    /// The package's version.
    pub version: String,
    /// Where its d3d11.dll and dxgi.dll lie.
    pub folder: PathBuf,
}

/// Every version that can be had, the first of [`SUITES`] first.
///
/// # Errors
/// That none can, and why the last one cannot.
pub fn ensure() -> Result<Vec<Dxvk>> {
    let mut found = Vec::new();
    let mut failed = None;
    for suite in SUITES {
        match fetch(suite) {
            Ok(dxvk) => found.push(dxvk),
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        Some(error) if found.is_empty() => Err(error),
        _ => Ok(found),
    }
}

/// Fetches the DLLs of a suite unless they are there.
fn fetch(suite: &str) -> Result<Dxvk> {
    let folder = paths::target("dxvk").join(suite);
    let note = folder.join("version");
    if let Ok(version) = fs::read_to_string(&note) {
        return Ok(Dxvk { version, folder });
    }
    progress::step(format!("Fetching {PACKAGE} of Debian {suite}"), || {
        let apt = folder.join("apt");
        for part in ["lists/partial", "cache/archives/partial", "sources", "download"] {
            let part = apt.join(part);
            fs::create_dir_all(&part).map_err(Error::io("make", &part))?;
        }
        let list = apt.join("sources").join("suite.list");
        fs::write(&list, format!("deb [signed-by={KEYRING}] {} {suite} main\n", mirror()?))
            .map_err(Error::io("write", &list))?;
        process::run_quietly(apt_get(&apt).arg("update"))?;
        let download = apt.join("download");
        process::run_quietly(apt_get(&apt).args(["download", PACKAGE]).current_dir(&download))?;
        let package = only_file(&download)?;
        process::run_quietly(Command::new("dpkg").arg("--extract").arg(&package).arg(apt.join("files")))?;
        for dll in ["d3d11.dll", "dxgi.dll"] {
            let packed = apt.join("files").join(FOLDER).join(format!("{dll}.so"));
            fs::copy(&packed, folder.join(dll)).map_err(Error::io("copy", &packed))?;
        }
        let name = package.file_name().unwrap_or_default().to_string_lossy();
        let version = name.split('_').nth(1).unwrap_or("of an unknown version").to_owned();
        fs::remove_dir_all(&apt).map_err(Error::io("remove", &apt))?;
        // Last, because it says that the rest is there.
        fs::write(&note, &version).map_err(Error::io("write", &note))
    })?;
    let version = fs::read_to_string(&note).map_err(Error::io("read", &note))?;
    Ok(Dxvk { version, folder })
}

/// The mirror that apt uses for the machine's own suite.
fn mirror() -> Result<String> {
    let format = ["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"];
    let listing = process::run_quietly(Command::new("apt-get").args(format))?;
    let mirror =
        listing.lines().map(|line| line.trim_end_matches('/')).find(|line| line.ends_with("/debian"));
    mirror.map(str::to_owned).ok_or_else(|| Error::Missing("apt knows no mirror of Debian".to_owned()))
}

/// `apt-get` with lists of its own.
fn apt_get(apt: &Path) -> Command {
    let mut command = Command::new("apt-get");
    let mut option = |name: &str, value: &Path| {
        command.arg("--option").arg(format!("{name}={}", value.display()));
    };
    option("Dir::Etc::sourcelist", Path::new("/dev/null"));
    option("Dir::Etc::sourceparts", &apt.join("sources"));
    option("Dir::State::lists", &apt.join("lists"));
    option("Dir::Cache", &apt.join("cache"));
    // Only the list of packages is needed. Root's apt would download as another user, who may not write here.
    command.args([
        "--option",
        "Acquire::Languages=none",
        "--option",
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
        "--option",
        "APT::Sandbox::User=",
        "--quiet",
    ]);
    command
}

fn only_file(folder: &Path) -> Result<PathBuf> {
    let mut entries = fs::read_dir(folder).map_err(Error::io("read", folder))?.flatten();
    let file = entries.next().map(|entry| entry.path());
    file.ok_or_else(|| Error::Failed(format!("apt has put nothing into {}", folder.display())))
}
