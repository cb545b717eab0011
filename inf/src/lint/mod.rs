//! The linter: rules that InfVerif and the display driver pages state, checked on the text.
//!
//! [`Rule::about`] gives each rule's sentence and source. A rule that needs Windows (does the class installer take the
//! file? does the driver store?) is none of these; `docs/checked.md` lists those.

mod display;
mod files;
mod install;
mod registry;
mod rules;
mod sections;
mod version;

use std::fmt;

pub use rules::{About, Rule};

use crate::parse::{Entry, Inf};

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which one.
    pub rule: Rule,
    /// Where, from 1; 0 if something is missing altogether.
    pub line: usize,
    /// What is wrong, with the names.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)?;
        if let Some(code) = self.rule.about().code {
            write!(f, " (InfVerif {code})")?;
        }
        write!(f, "\n  rule: {}; see \"{}\"", self.rule.about().sentence, self.rule.about().source)
    }
}

/// Checks a file's text; no findings mean that it keeps all rules.
pub fn check(text: &str) -> Vec<Finding> {
    let mut lint = Lint::default();
    if let Some(line) = text.lines().position(|line| !line.is_ascii()) {
        lint.find(Rule::Encoding, line + 1, "a character that is not ASCII");
    }
    match Inf::parse(text) {
        Ok(inf) => {
            let models = install::models(&inf, &mut lint);
            version::check(&inf, &mut lint);
            install::check(&inf, &models, &mut lint);
            sections::check(&inf, &models, &mut lint);
            registry::check(&inf, &models, &mut lint);
            files::check(&inf, &models, &mut lint);
            display::check(&inf, &models, &mut lint);
        }
        Err(error) => lint.find(Rule::Syntax, error.line, error.what),
    }
    lint.findings.sort_by_key(|finding| (finding.rule, finding.line));
    lint.findings
}

/// A device that the file installs on.
struct Model {
    /// The section that installs it.
    install: String,
    /// The decoration of the models section, e.g. `NTamd64.10.0...16299`.
    decoration: String,
    line: usize,
    hardware_ids: Vec<String>,
}

#[derive(Default)]
struct Lint {
    findings: Vec<Finding>,
}

impl Lint {
    fn find(&mut self, rule: Rule, line: usize, what: impl Into<String>) {
        let finding = Finding { rule, line, what: what.into() };
        // Two devices often share a section; its faults are named once.
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }
}

/// The install sections, each once.
fn install_sections(models: &[Model]) -> Vec<&str> {
    let mut names: Vec<&str> = models.iter().map(|model| model.install.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// A field with its tokens replaced; a token that is not defined is reported elsewhere and stays.
fn text(inf: &Inf, field: &str) -> String {
    inf.expand(field).unwrap_or_else(|_| field.to_owned())
}

/// A number as INFs write them: decimal, or hexadecimal with 0x.
fn number(inf: &Inf, field: &str) -> Option<u32> {
    let text = text(inf, field);
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// The sections that a directive names in one section: `CopyFiles = A, B`. A file (`@x`) is none.
fn named<'a>(inf: &'a Inf, section: &str, directive: &str) -> Vec<(&'a Entry, &'a str)> {
    let entries = inf.entries(section).iter().filter(|entry| entry.is(directive));
    let names = entries.flat_map(|entry| entry.fields.iter().map(move |field| (entry, field.as_str())));
    names.filter(|(_, name)| !name.is_empty() && !name.starts_with('@')).collect()
}

#[cfg(test)]
mod tests;
