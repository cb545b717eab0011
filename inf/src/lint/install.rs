//! Models, install sections, services.

use super::{Lint, Model, Rule, install_sections, named, number, text};
use crate::parse::Inf;

/// SPSVCINST_ASSOCSERVICE: the service is the device's function driver.
const FUNCTION_DRIVER: u32 = 0x2;

/// What a service's section must say.
const SERVICE_ENTRIES: [&str; 4] = ["ServiceType", "StartType", "ErrorControl", "ServiceBinary"];

/// Directives and sections that drivers may not use any more, as "INF Validation Errors and Warnings" and the pages of the
/// directives say.
const LEGACY: [&str; 22] = [
    "BitReg",
    "CoInstallers",
    "CopyINF",
    "DelFiles",
    "DelReg",
    "DelService",
    "DelProperty",
    "DriverPackageType",
    "FactDef",
    "Ini2Reg",
    "LogConfig",
    "LogConfigOverride",
    "ProfileItems",
    "RegisterDlls",
    "RenFiles",
    "Reboot",
    "UnregisterDlls",
    "UpdateIniFields",
    "UpdateInis",
    "LayoutFile",
    "WMIInterface",
    "ConfigPriority",
];

/// Follows `[Manufacturer]` to the devices.
pub(super) fn models(inf: &Inf, lint: &mut Lint) -> Vec<Model> {
    let mut models = Vec::new();
    for manufacturer in inf.entries("Manufacturer") {
        let base = if manufacturer.key.is_some() { manufacturer.field(0) } else { continue };
        let decorations = manufacturer.fields.iter().skip(1).map(String::as_str);
        let decorations: Vec<&str> =
            if manufacturer.fields.len() > 1 { decorations.collect() } else { vec![""] };
        for decoration in decorations {
            let name = if decoration.is_empty() { base.to_owned() } else { format!("{base}.{decoration}") };
            if inf.section(&name).is_none() {
                lint.find(Rule::SectionExists, manufacturer.line, format!("[{name}] is missing"));
            }
            for entry in inf.entries(&name) {
                models.push(Model {
                    install: entry.field(0).to_owned(),
                    decoration: decoration.to_owned(),
                    line: entry.line,
                    hardware_ids: entry.fields.iter().skip(1).map(|id| text(inf, id)).collect(),
                });
            }
        }
    }
    models
}

pub(super) fn check(inf: &Inf, models: &[Model], lint: &mut Lint) {
    devices(inf, models, lint);
    if let (Some(section), Some(_)) = (inf.section("DefaultInstall"), inf.section("Manufacturer")) {
        lint.find(Rule::DefaultInstall, section.line, "both [DefaultInstall] and [Manufacturer] are there");
    }
    for section in &inf.sections {
        if section.name.to_ascii_lowercase().starts_with("classinstall32") {
            lint.find(Rule::ClassInstall, section.line, format!("[{}]", section.name));
        }
        let suffix = section.name.rsplit('.').next().unwrap_or_default();
        if LEGACY.iter().any(|legacy| legacy.eq_ignore_ascii_case(suffix)) {
            lint.find(Rule::Legacy, section.line, format!("[{}]", section.name));
        }
        for entry in &section.entries {
            let directive = entry.key.as_deref().unwrap_or_default();
            if LEGACY.iter().any(|legacy| legacy.eq_ignore_ascii_case(directive)) {
                lint.find(Rule::Legacy, entry.line, format!("the directive {directive}"));
            }
        }
        needs(section, lint);
    }
    for install in install_sections(models) {
        services(inf, install, lint);
    }
}

fn devices(inf: &Inf, models: &[Model], lint: &mut Lint) {
    if models.iter().all(|model| model.hardware_ids.is_empty()) {
        let line = inf.section("Manufacturer").map_or(0, |section| section.line);
        lint.find(Rule::Devices, line, "no hardware id follows from [Manufacturer]");
    }
    let mut seen: Vec<(&str, String)> = Vec::new();
    for model in models {
        for id in &model.hardware_ids {
            let (enumerator, device) = id.split_once('\\').unwrap_or_default();
            if enumerator.is_empty() || device.is_empty() || id.contains([' ', ',']) || id.len() > 200 {
                lint.find(Rule::HardwareIds, model.line, format!("{id:?} is no hardware id"));
            }
            let key = (model.decoration.as_str(), id.to_ascii_uppercase());
            if seen.contains(&key) {
                lint.find(Rule::HardwareIds, model.line, format!("{id} stands there twice"));
            }
            seen.push(key);
        }
    }
}

fn needs(section: &crate::parse::Section, lint: &mut Lint) {
    let extension = |name: &str| name.rsplit_once('.').map(|(_, suffix)| suffix.to_ascii_lowercase());
    let known = |extension: &Option<String>| match extension.as_deref() {
        Some(
            found @ ("services" | "hw" | "interfaces" | "events" | "wdf" | "filters" | "software"
            | "components"),
        ) => Some(found.to_owned()),
        _ => None,
    };
    for entry in section.entries.iter().filter(|entry| entry.is("Needs")) {
        if !section.entries.iter().any(|entry| entry.is("Include")) {
            lint.find(Rule::Needs, entry.line, format!("[{}] has Needs without Include", section.name));
        }
        for needed in &entry.fields {
            if known(&extension(needed)) != known(&extension(&section.name)) {
                lint.find(
                    Rule::Needs,
                    entry.line,
                    format!("[{}] needs [{needed}], which is of another kind", section.name),
                );
            }
        }
    }
}

fn services(inf: &Inf, install: &str, lint: &mut Lint) {
    let name = format!("{install}.Services");
    let Some(section) = inf.section(&name) else {
        let line = inf.section(install).map_or(0, |section| section.line);
        lint.find(Rule::Service, line, format!("[{name}] is missing"));
        return;
    };
    let added: Vec<_> = section.entries.iter().filter(|entry| entry.is("AddService")).collect();
    let function_drivers = added
        .iter()
        .filter(|entry| number(inf, entry.field(1)).is_some_and(|flags| flags & FUNCTION_DRIVER != 0));
    let count = function_drivers.count();
    if count != 1 {
        lint.find(Rule::Service, section.line, format!("[{name}] adds {count} function drivers"));
    }
    for entry in added {
        let service = entry.field(2);
        if inf.section(service).is_none() {
            continue;
        }
        for wanted in SERVICE_ENTRIES {
            if named(inf, service, wanted).is_empty() {
                lint.find(Rule::ServiceComplete, entry.line, format!("[{service}] has no {wanted}"));
            }
        }
    }
}
