//! Sections that refer to sections, and strings.

use super::{Lint, Model, Rule};
use crate::parse::{Inf, tokens};

/// Directives whose fields name sections.
const DIRECTIVES: [&str; 3] = ["CopyFiles", "AddReg", "AddProperty"];
/// Directives that name a section in one of their fields.
const DIRECTIVES_AT: [(&str, usize); 2] = [("AddService", 2), ("AddInterface", 2)];
/// Sections that Windows reads by their names.
const KNOWN: [&str; 6] =
    ["Version", "Manufacturer", "Strings", "DestinationDirs", "SourceDisksNames", "SourceDisksFiles"];
/// Extensions of install sections that Windows reads by themselves.
const EXTENSIONS: [&str; 8] =
    ["HW", "Services", "Interfaces", "Events", "WDF", "Filters", "Software", "Components"];

pub(super) fn check(inf: &Inf, models: &[Model], lint: &mut Lint) {
    let mut used: Vec<(String, &str)> = Vec::new();
    for model in models {
        let name = model.install.as_str();
        if inf.section(name).is_none() {
            lint.find(Rule::SectionExists, model.line, format!("[{name}] is missing"));
        }
    }
    for section in &inf.sections {
        for entry in &section.entries {
            let directive = entry.key.as_deref().unwrap_or_default();
            let all = DIRECTIVES.iter().find(|known| known.eq_ignore_ascii_case(directive));
            let at = DIRECTIVES_AT.iter().find(|(known, _)| known.eq_ignore_ascii_case(directive));
            let (kind, names): (&str, Vec<&str>) = match (all, at) {
                (Some(kind), _) => (kind, entry.fields.iter().map(String::as_str).collect()),
                (None, Some((kind, index))) => (kind, vec![entry.field(*index)]),
                (None, None) => continue,
            };
            for name in names.into_iter().filter(|name| !name.is_empty() && !name.starts_with('@')) {
                if inf.section(name).is_none() {
                    lint.find(Rule::SectionExists, entry.line, format!("[{name}] is missing"));
                }
                if let Some((_, other)) =
                    used.iter().find(|(known, other)| known.eq_ignore_ascii_case(name) && *other != kind)
                {
                    lint.find(
                        Rule::SectionOnce,
                        entry.line,
                        format!("[{name}] is used by {other} and by {kind}"),
                    );
                }
                used.push((name.to_owned(), kind));
            }
        }
    }
    let models_sections = models_sections(inf);
    for section in &inf.sections {
        let name = section.name.as_str();
        let is = |other: &str| other.eq_ignore_ascii_case(name);
        let known = KNOWN.iter().any(|known| is(known))
            || ["SourceDisksNames.", "SourceDisksFiles.", "Strings.", "ClassInstall32", "DefaultInstall"]
                .iter()
                .any(|start| name.to_ascii_lowercase().starts_with(&start.to_ascii_lowercase()));
        let of_model = models.iter().any(|model| {
            is(&model.install)
                || EXTENSIONS.iter().any(|extension| is(&format!("{}.{extension}", model.install)))
        });
        let referred =
            used.iter().any(|(other, _)| is(other)) || models_sections.iter().any(|other| is(other));
        if !known && !of_model && !referred {
            lint.find(Rule::SectionUsed, section.line, format!("[{name}] is not referred to"));
        }
    }
    strings(inf, lint);
}

fn models_sections(inf: &Inf) -> Vec<String> {
    let mut names = Vec::new();
    for entry in inf.entries("Manufacturer") {
        names.push(entry.field(0).to_owned());
        names
            .extend(entry.fields.iter().skip(1).map(|decoration| format!("{}.{decoration}", entry.field(0))));
    }
    names
}

fn strings(inf: &Inf, lint: &mut Lint) {
    let mut used: Vec<String> = Vec::new();
    for section in inf.sections.iter().filter(|section| !section.name.eq_ignore_ascii_case("Strings")) {
        for entry in &section.entries {
            for text in entry.key.iter().chain(&entry.fields) {
                if !text.matches('%').count().is_multiple_of(2) {
                    lint.find(Rule::StringDefined, entry.line, format!("{text:?} has a lonely percent sign"));
                }
                for token in tokens(text) {
                    if inf.entry("Strings", token).is_none() {
                        lint.find(Rule::StringDefined, entry.line, format!("%{token}% is not defined"));
                    }
                    used.push(token.to_owned());
                }
            }
        }
    }
    for entry in inf.entries("Strings") {
        let name = entry.key.as_deref().unwrap_or_default();
        if !used.iter().any(|token| token.eq_ignore_ascii_case(name)) {
            lint.find(Rule::StringUsed, entry.line, format!("%{name}% is not used"));
        }
    }
}
