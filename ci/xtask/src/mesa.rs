//! A newer Mesa than the machine's, from Debian's backports: its software renderer has sparse memory, hence tiled resources.
//!
//! It is unpacked into `target/mesa` and used by the daemons that are started here when `PVGPU_NEW_MESA` is set; nothing is installed.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::source_package::{add_lists, apt_get, files};
use crate::{Error, Result, paths, process, progress};

/// Has daemons use it.
const VARIABLE: &str = "PVGPU_NEW_MESA";
/// The drivers, and what they need newer than the machine has it.
const PACKAGES: [&str; 3] = ["mesa-vulkan-drivers", "libdrm2", "libdrm-amdgpu1"];

/// Whether the environment asks for it.
pub fn wanted() -> bool {
    env::var_os(VARIABLE).is_some()
}

/// Has a daemon use the newer Mesa.
///
/// # Errors
/// If it cannot be had.
pub fn apply(command: &mut Command) -> Result<()> {
    let folder = ensure()?;
    let libraries = folder.join("usr/lib").join(format!("{}-linux-gnu", env::consts::ARCH));
    let driver = folder.join("lvp_icd.json");
    let text = format!(
        "{{\"ICD\": {{\"api_version\": \"1.4.305\", \"library_path\": \"{}\"}}, \"file_format_version\": \"1.0.0\"}}\n",
        libraries.join("libvulkan_lvp.so").display()
    );
    fs::write(&driver, text).map_err(Error::io("write", &driver))?;
    // The older name is for older loaders.
    command
        .env("VK_DRIVER_FILES", &driver)
        .env("VK_ICD_FILENAMES", &driver)
        .env("LD_LIBRARY_PATH", libraries);
    Ok(())
}

/// Fetches and unpacks the packages unless they are there; returns their folder.
fn ensure() -> Result<PathBuf> {
    let unpacked = paths::target("mesa");
    if unpacked.exists() {
        return Ok(unpacked);
    }
    progress::step("Fetching a newer Mesa".to_owned(), || {
        let apt = paths::target("source/backports");
        let download = apt.join("download");
        for part in ["lists/partial", "cache/archives/partial", "sources", "download"] {
            let part = apt.join(part);
            fs::create_dir_all(&part).map_err(Error::io("make", &part))?;
        }
        let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
        let release = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME=")).unwrap_or("");
        let suite = format!("{release}-backports");
        add_lists(&apt.join("sources"), |extension, text| as_backports(extension, text, release))?;
        process::run_quietly(apt_get(&apt).arg("update"))?;
        process::run_quietly(
            apt_get(&apt)
                .args(["--target-release", &suite, "download"])
                .args(PACKAGES)
                .current_dir(&download),
        )?;
        let fresh = unpacked.with_extension("new");
        fs::create_dir_all(&fresh).map_err(Error::io("make", &fresh))?;
        for package in files(&download)? {
            process::run_quietly(Command::new("dpkg-deb").arg("--extract").arg(package).arg(&fresh))?;
        }
        fs::rename(&fresh, &unpacked).map_err(Error::io("name", &unpacked))
    })?;
    Ok(unpacked)
}

/// A list in one of apt's two formats with a release replaced by its backports; None for files that do not list the release.
fn as_backports(extension: &str, text: &str, release: &str) -> Option<String> {
    let suite = format!("{release}-backports");
    let lists = |line: &str| line.split_whitespace().any(|word| word == release);
    let list: String = match extension {
        "list" => {
            let listed = text.lines().filter(|line| line.starts_with("deb ") && lists(line));
            listed
                .map(|line| line.replacen(&format!(" {release} "), &format!(" {suite} "), 1) + "\n")
                .collect()
        }
        "sources" => {
            // The other suites of a release have no backports.
            let changed = |line: &str| match line.starts_with("Suites:") {
                true => format!("Suites: {suite}\n"),
                false => format!("{line}\n"),
            };
            let listed = text
                .split("\n\n")
                .filter(|stanza| stanza.lines().any(|line| line.starts_with("Suites:") && lists(line)));
            listed.map(|stanza| stanza.lines().map(changed).collect::<String>() + "\n").collect()
        }
        _ => String::new(),
    };
    (!list.is_empty()).then_some(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_become_their_backports() {
        let old = "# comment\ndeb http://mirror.example/debian bookworm main\ndeb http://x y z\n";
        let expected = "deb http://mirror.example/debian bookworm-backports main\n";
        assert_eq!(as_backports("list", old, "bookworm").as_deref(), Some(expected));
        let new = "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\n";
        let new = format!("{new}\nTypes: deb\nURIs: http://x\nSuites: bookworm-security\n");
        let new = new.as_str();
        let expected = "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm-backports\n\n";
        assert_eq!(as_backports("sources", new, "bookworm").as_deref(), Some(expected));
        let security = "Types: deb\nSuites: bookworm-security\n";
        assert_eq!(as_backports("sources", security, "bookworm"), None);
        assert_eq!(as_backports("disabled", old, "bookworm"), None);
    }
}
