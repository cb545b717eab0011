//! Our packages among setup information files.
//!
//! Windows copies the INF of each package in the driver store to `%windir%\INF` as `oemN.inf`. Which of them are ours is
//! read there, as "Using Device Installation Functions" suggests for programs that did not keep the name.

use std::fs;
use std::path::Path;

use pvgpu_inf::package::{CATALOG, PROVIDER};
use pvgpu_inf::parse::Inf;

use crate::state::{Published, Version};

/// A file beyond this size is none of ours; that has 3 KB.
const LARGEST: u64 = 64 * 1024;

/// The version of a package that is to be installed.
///
/// # Errors
/// A sentence for the user, if there is no such file or it is not a package of ours.
pub fn package_version(inf: &Path) -> Result<Version, String> {
    let shown = inf.display();
    match fs::metadata(inf) {
        Err(_) => Err(format!(
            "there is no {shown}; start pvgpu-ctl.exe from the package's folder or name the file with --inf"
        )),
        Ok(_) => read(inf).ok_or_else(|| format!("{shown} is not the setup information of a pvgpu package")),
    }
}

/// Our packages in the folder where Windows keeps setup information.
pub fn published(folder: &Path) -> Vec<Published> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<Published> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().to_ascii_lowercase();
            let number = name.strip_prefix("oem")?.strip_suffix(".inf")?;
            let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
            let version = is_number.then(|| read(&entry.path()))??;
            Some(Published { name, version })
        })
        .collect();
    found.sort_unstable_by(|one, other| (one.name.len(), &one.name).cmp(&(other.name.len(), &other.name)));
    found
}

/// The version in an INF, if it is one of ours.
fn read(inf: &Path) -> Option<Version> {
    if fs::metadata(inf).ok()?.len() > LARGEST {
        return None;
    }
    let inf = Inf::parse(&Inf::decode(&fs::read(inf).ok()?)?).ok()?;
    let value = |key: &str, index: usize| inf.expand(inf.entry("Version", key)?.field(index)).ok();
    let ours = value("Provider", 0)? == PROVIDER && value("CatalogFile", 0)?.eq_ignore_ascii_case(CATALOG);
    ours.then(|| version(&value("DriverVer", 1)?))?
}

/// `w.x.y.z` as numbers.
pub fn version(text: &str) -> Option<Version> {
    let mut parts = text.split('.').map(|part| part.trim().parse::<u16>().ok());
    let version = [parts.next()??, parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(version)
}
