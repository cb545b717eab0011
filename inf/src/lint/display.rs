//! What the display class adds.

use super::registry::values;
use super::{Lint, Model, Rule, install_sections};
use crate::parse::Inf;

/// Slots of UserModeDriverName up to Direct3D 11.
const SLOTS: usize = 3;
/// Where user-mode drivers lie.
const STORE: &str = r"%13%\";

pub(super) fn check(inf: &Inf, models: &[Model], lint: &mut Lint) {
    for install in install_sections(models) {
        let line = inf.section(install).map_or(0, |section| section.line);
        let score = inf.entry(install, "FeatureScore").map_or("", |entry| entry.field(0));
        if score.len() != 2 || u8::from_str_radix(score, 16).is_err() {
            lint.find(Rule::FeatureScore, line, format!("[{install}] has the score {score:?}"));
        }
        user_drivers(inf, install, line, lint);
    }
}

fn user_drivers(inf: &Inf, install: &str, line: usize, lint: &mut Lint) {
    let values = values(inf, install);
    let find = |name: &str| values.iter().find(|value| value.name.eq_ignore_ascii_case(name));
    let mut drivers: Vec<String> = Vec::new();
    for name in ["UserModeDriverName", "UserModeDriverNameWow"] {
        let Some(value) = find(name) else {
            lint.find(Rule::UserDrivers, line, format!("[{install}] writes no {name}"));
            continue;
        };
        if value.data.len() < SLOTS {
            lint.find(
                Rule::UserDrivers,
                value.entry.line,
                format!("{name} has {} entries", value.data.len()),
            );
        }
        for file in &value.data {
            let Some(file) = file.strip_prefix(STORE).and_then(|file| file.strip_suffix(".dll")) else {
                lint.find(
                    Rule::UserDrivers,
                    value.entry.line,
                    format!("{name} names {file}, which is no DLL in the driver store"),
                );
                continue;
            };
            if inf.entry("SourceDisksFiles", &format!("{file}.dll")).is_none() {
                lint.find(
                    Rule::UserDrivers,
                    value.entry.line,
                    format!("{name} names {file}.dll, which is not installed"),
                );
            }
            drivers.push(file.to_owned());
        }
    }
    drivers.sort_unstable();
    drivers.dedup();
    let mut listed = find("InstalledDisplayDrivers").map_or(Vec::new(), |value| value.data.clone());
    listed.sort_unstable();
    listed.dedup();
    if listed != drivers {
        let line = find("InstalledDisplayDrivers").map_or(line, |value| value.entry.line);
        lint.find(Rule::InstalledDrivers, line, format!("{listed:?} are listed, {drivers:?} are registered"));
    }
}
