//! What SetupAPI makes of the INF and of the registry with it, compared with our own reading of it.

use std::path::Path;
use std::process::Command;

use pvgpu_inf::package::{
    Bus, DEVICES, FILES, KERNEL_DRIVER, LINK_PROGRAM, LINK_SERVICE, LINK_TITLE, SERVICE, SETTINGS,
    USER_DRIVER, USER_DRIVER_32,
};
use pvgpu_inf::parse::Inf;

use crate::wine::{Prefix, windows_path};
use crate::{Error, Result, paths, process};

/// The program that asks, built for Windows.
const PROBE: &str = "inf-probe.exe";
/// What Wine adds to every service.
const WINES_OWN: [&str; 2] = ["ObjectName", "PreshutdownTimeout"];
/// The driver store's directory id, which Wine replaces by a folder of its own choice.
const STORE: &str = "%13%";

/// Has Wine's SetupAPI read the INF and write its registry values; returns how many facts agreed.
pub(super) fn check(file: &Path) -> Result<usize> {
    let prefix = Prefix::new()?;
    let mut wine: Command = prefix.wine("");
    wine.arg(paths::windows_file(PROBE)).arg(windows_path(file));
    let sections = DEVICES.iter().map(|device| device.section.to_owned());
    let hardware =
        DEVICES.iter().filter(|device| device.bus == Bus::Pci).map(|device| format!("{}.HW", device.section));
    wine.args(sections).args(hardware);
    for device in DEVICES {
        wine.args(["--services", &format!("{}.Services", device.section)]);
    }
    let output = process::run_quietly(&mut wine)?;
    let said: Vec<Vec<&str>> =
        output.lines().map(|line| line.trim_end_matches('\r').split('\t').collect()).collect();
    let expected = expected()?;
    for fact in &expected {
        if !said.iter().any(|line| agrees(line, fact)) {
            return Err(Error::Failed(format!(
                "SetupAPI does not say \"{}\" of {}; it says:\n{output}",
                fact.join(" | "),
                file.display()
            )));
        }
    }
    // Nothing else may be read into the file either.
    if let Some(extra) =
        said.iter().find(|line| !is_wines(line) && !expected.iter().any(|fact| agrees(line, fact)))
    {
        return Err(Error::Failed(format!(
            "SetupAPI also says \"{}\" of {}",
            extra.join(" | "),
            file.display()
        )));
    }
    Ok(expected.len())
}

/// A line about a service that says what Wine adds.
fn is_wines(line: &[&str]) -> bool {
    line.first() == Some(&"service") && line.get(2).is_some_and(|name| WINES_OWN.contains(name))
}

/// A line of the probe's against a fact of ours. A path in the driver store agrees if its end does.
fn agrees(line: &[&str], fact: &[String]) -> bool {
    let field = |(said, expected): (&&str, &String)| match expected.strip_prefix(STORE) {
        Some(rest) => said.ends_with(rest) && said.len() > rest.len(),
        None => said == expected,
    };
    line.len() == fact.len() && line.iter().zip(fact).all(field)
}

/// Every line that the probe must print, from our own parser and from the table.
fn expected() -> Result<Vec<Vec<String>>> {
    let failed = |what: String| Error::Failed(format!("our own INF cannot be read: {what}"));
    let inf = Inf::parse(&pvgpu_inf::text::inf()).map_err(|error| failed(error.to_string()))?;
    let expand = |text: &str| inf.expand(text).map_err(|error| failed(format!("{error:?} in {text}")));
    let mut facts = Vec::new();
    for section in &inf.sections {
        for entry in &section.entries {
            let mut fact = vec!["entry".to_owned(), section.name.clone()];
            let key =
                entry.key.as_deref().unwrap_or(if entry.fields.len() == 1 { entry.field(0) } else { "" });
            fact.push(expand(key)?);
            for field in &entry.fields {
                fact.push(expand(field)?);
            }
            facts.push(fact);
        }
    }
    for (name, kind, data) in [
        ("DisplayName", "string", "pvgpu display driver"),
        ("ErrorControl", "dword", "0"),
        ("Group", "string", "Video"),
        ("ImagePath", "string", &format!(r"{STORE}\{KERNEL_DRIVER}")),
        ("Start", "dword", "3"),
        ("Type", "dword", "1"),
    ] {
        facts.push(words(&["service", SERVICE, name, kind, data]));
    }
    for (name, kind, data) in [
        ("DisplayName", "string", LINK_TITLE),
        ("ErrorControl", "dword", "0"),
        ("ImagePath", "string", &format!(r"{STORE}\{LINK_PROGRAM}")),
        ("Start", "dword", "2"),
        ("Type", "dword", "16"),
    ] {
        facts.push(words(&["service", LINK_SERVICE, name, kind, data]));
    }
    facts.extend(FILES.iter().map(|file| words(&["source", file, "1", ""])));
    for device in DEVICES {
        let value = |name: &str, kind: &str, data: &[&str]| {
            words(&[&["value", device.section, "", name, kind], data].concat())
        };
        let (driver, driver_32) = (format!(r"{STORE}\{USER_DRIVER}"), format!(r"{STORE}\{USER_DRIVER_32}"));
        facts.push(value("UserModeDriverName", "strings", &[driver.as_str(); 3]));
        facts.push(value("UserModeDriverNameWow", "strings", &[driver_32.as_str(); 3]));
        facts.push(value("InstalledDisplayDrivers", "strings", &["pvgpuumd", "pvgpuumd32"]));
        for setting in SETTINGS {
            facts.push(value(setting.name, "dword", &[&setting.default.to_string()]));
        }
        if device.bus == Bus::Pci {
            let section = format!("{}.HW", device.section);
            let key = r"Interrupt Management\MessageSignaledInterruptProperties";
            for name in ["MSISupported", "MessageNumberLimit"] {
                facts.push(words(&["value", &section, key, name, "dword", "1"]));
            }
        }
    }
    Ok(facts)
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_in_the_store_agree_by_their_ends() {
        let fact = words(&["value", r"%13%\a.dll"]);
        assert!(agrees(&["value", r"C:\windows\unknown\a.dll"], &fact));
        assert!(!agrees(&["value", r"C:\windows\unknown\b.dll"], &fact));
        assert!(!agrees(&["value", r"\a.dll"], &fact));
        assert!(!agrees(&["value"], &fact));
    }

    #[test]
    fn every_entry_is_expected() {
        let facts = expected().expect("our own INF is legal");
        assert!(facts.iter().any(|fact| fact[1..] == ["Version", "PnpLockdown", "1"]), "{facts:?}");
        assert!(facts.len() > 60, "{}", facts.len());
    }
}
