//! Files: where they come from, where they go.

use super::{Lint, Model, Rule, install_sections, named, text};
use crate::parse::Inf;

/// The directory id of the driver store.
const DRIVER_STORE: &str = "13";

/// A file that is copied: its name at the destination, its name at the source, and where that is said.
struct Copied {
    to: String,
    from: String,
    line: usize,
}

pub(super) fn check(inf: &Inf, models: &[Model], lint: &mut Lint) {
    let mut all: Vec<Copied> = Vec::new();
    for install in install_sections(models) {
        let copied = copied(inf, install);
        for (index, file) in copied.iter().enumerate() {
            let twice = copied[..index].iter().any(|other| {
                other.to.eq_ignore_ascii_case(&file.to) && !other.from.eq_ignore_ascii_case(&file.from)
            });
            if twice {
                lint.find(Rule::Conflicts, file.line, format!("{} is copied from two files", file.to));
            }
        }
        all.extend(copied);
    }
    for file in &all {
        source(inf, file, lint);
        if !file.to.eq_ignore_ascii_case(&file.from) {
            lint.find(Rule::SameName, file.line, format!("{} is renamed to {}", file.from, file.to));
        }
    }
    for entry in inf.entries("SourceDisksFiles") {
        let name = entry.key.as_deref().unwrap_or_default();
        if !all.iter().any(|file| file.from.eq_ignore_ascii_case(name)) {
            lint.find(Rule::SourceUsed, entry.line, format!("{name} is not copied"));
        }
    }
    destinations(inf, lint);
    for model in models {
        if !is_new_enough(&model.decoration) {
            let what =
                format!("[…{}] is also for Windows before build {DRIVER_STORE_BUILD}", model.decoration);
            lint.find(Rule::TargetVersion, model.line, what);
        }
    }
}

fn copied(inf: &Inf, install: &str) -> Vec<Copied> {
    let mut files = Vec::new();
    for (_, section) in named(inf, install, "CopyFiles") {
        for entry in inf.entries(section) {
            let to = text(inf, entry.field(0));
            let from = text(inf, entry.field(1));
            let from = if from.is_empty() { to.clone() } else { from };
            files.push(Copied { to, from, line: entry.line });
        }
    }
    for entry in inf.entries(install).iter().filter(|entry| entry.is("CopyFiles")) {
        for name in entry.fields.iter().filter_map(|field| field.strip_prefix('@')) {
            files.push(Copied { to: name.to_owned(), from: name.to_owned(), line: entry.line });
        }
    }
    files
}

fn source(inf: &Inf, file: &Copied, lint: &mut Lint) {
    let of = |section: &str| inf.entry(section, &file.from);
    let Some(entry) = of("SourceDisksFiles").or_else(|| of("SourceDisksFiles.amd64")) else {
        lint.find(Rule::SourceFile, file.line, format!("{} is missing in [SourceDisksFiles]", file.from));
        return;
    };
    let disk = entry.field(0);
    if inf.entry("SourceDisksNames", disk).or_else(|| inf.entry("SourceDisksNames.amd64", disk)).is_none() {
        lint.find(
            Rule::SourceFile,
            entry.line,
            format!("disk {disk:?} of {} is missing in [SourceDisksNames]", file.from),
        );
    }
}

fn destinations(inf: &Inf, lint: &mut Lint) {
    let line = inf.section("DestinationDirs").map_or(0, |section| section.line);
    if inf.entry("DestinationDirs", "DefaultDestDir").is_none() {
        lint.find(Rule::DriverStore, line, "there is no DefaultDestDir");
    }
    for entry in inf.entries("DestinationDirs") {
        if entry.field(0) != DRIVER_STORE {
            lint.find(Rule::DriverStore, entry.line, format!("files go to directory {}", entry.field(0)));
        }
        if !entry.field(1).is_empty() {
            lint.find(Rule::SameName, entry.line, format!("files go to the subfolder {}", entry.field(1)));
        }
    }
    for section in &inf.sections {
        for entry in section.entries.iter().filter(|entry| entry.is("ServiceBinary")) {
            if !entry.field(0).starts_with(r"%13%\") {
                lint.find(Rule::DriverStore, entry.line, format!("the service runs from {}", entry.field(0)));
            }
        }
    }
}

/// The first Windows build that runs drivers from the driver store (DIRID 13) for every kind of device: version 1709.
const DRIVER_STORE_BUILD: u32 = 16_299;

/// True if a decoration such as `NTamd64.10.0...16299` limits a models section to a build that knows DIRID 13.
fn is_new_enough(decoration: &str) -> bool {
    let mut parts = decoration.split('.').skip(1);
    let mut number =
        || parts.next().and_then(|part| if part.is_empty() { Some(0) } else { part.parse::<u32>().ok() });
    let (major, minor, _product, _suite, build) = (number(), number(), number(), number(), number());
    match (major, minor) {
        (Some(major), _) if major > 10 => true,
        (Some(10), Some(minor)) => minor > 0 || build.is_some_and(|build| build >= DRIVER_STORE_BUILD),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decorations() {
        for text in ["NTamd64.10.0...16299", "NTamd64.10.0...22000", "NTamd64.10.0.1.2.19041", "NTamd64.11.0"]
        {
            assert!(is_new_enough(text), "{text}");
        }
        for text in ["", "NTamd64", "NTamd64.10.0", "NTamd64.10.0...14393", "NTamd64.6.3", "NTamd64.10.0...x"]
        {
            assert!(!is_new_enough(text), "{text}");
        }
    }
}
