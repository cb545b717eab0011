//! Registry values.

use super::{Lint, Model, Rule, install_sections, named, number, text};
use crate::parse::{Entry, Inf};

/// FLG_ADDREG_APPEND of setupapi.h.
const APPEND: u32 = 0x8;

/// A registry value that a section writes.
pub(super) struct Value<'a> {
    pub(super) entry: &'a Entry,
    pub(super) key: String,
    pub(super) name: String,
    pub(super) data: Vec<String>,
}

/// Everything that the AddReg directives of a section write.
pub(super) fn values<'a>(inf: &'a Inf, section: &str) -> Vec<Value<'a>> {
    let sections = named(inf, section, "AddReg");
    let entries = sections.into_iter().flat_map(|(_, name)| inf.entries(name));
    entries
        .map(|entry| Value {
            entry,
            key: text(inf, entry.field(1)),
            name: text(inf, entry.field(2)),
            data: entry.fields.iter().skip(4).map(|field| text(inf, field)).collect(),
        })
        .collect()
}

pub(super) fn check(inf: &Inf, models: &[Model], lint: &mut Lint) {
    for section in &inf.sections {
        for value in values(inf, &section.name) {
            one(inf, &value, lint);
        }
    }
    for install in install_sections(models) {
        for section in [install.to_owned(), format!("{install}.HW")] {
            let mut seen: Vec<Value<'_>> = Vec::new();
            for value in values(inf, &section) {
                let same = |other: &&Value<'_>| {
                    other.key.eq_ignore_ascii_case(&value.key) && other.name.eq_ignore_ascii_case(&value.name)
                };
                if seen.iter().find(same).is_some_and(|other| other.data != value.data) {
                    lint.find(
                        Rule::Conflicts,
                        value.entry.line,
                        format!("[{section}] writes {} in two ways", value.name),
                    );
                }
                seen.push(value);
            }
        }
    }
}

fn one(inf: &Inf, value: &Value<'_>, lint: &mut Lint) {
    let (entry, root) = (value.entry, text(inf, value.entry.field(0)));
    if !root.eq_ignore_ascii_case("HKR") {
        lint.find(Rule::RelativeKeys, entry.line, format!("{} is written below {root}", value.name));
    }
    if root.eq_ignore_ascii_case("HKLM")
        && value.key.to_ascii_lowercase().contains(r"currentcontrolset\services")
    {
        lint.find(Rule::ServicesKey, entry.line, value.key.clone());
    }
    if value.name.eq_ignore_ascii_case("CoInstallers32") {
        lint.find(Rule::CoInstallers, entry.line, "CoInstallers32 is written");
    }
    if number(inf, entry.field(3)).is_some_and(|flags| flags & APPEND != 0) {
        lint.find(Rule::AppendedList, entry.line, format!("{} is appended to", value.name));
    }
}
