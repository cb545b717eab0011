//! `[Version]`.

use super::{Lint, Rule, text};
use crate::package::{CLASS, CLASS_GUID};
use crate::parse::Inf;

pub(super) fn check(inf: &Inf, lint: &mut Lint) {
    let line = inf.section("Version").map_or(0, |section| section.line);
    let value = |key: &str| inf.entry("Version", key).map(|entry| (entry.line, text(inf, entry.field(0))));

    match value("Signature") {
        Some((_, signature)) if signature.eq_ignore_ascii_case("$WINDOWS NT$") => {}
        Some((line, other)) => lint.find(Rule::Signature, line, format!("the signature is {other:?}")),
        None => lint.find(Rule::Signature, line, "there is no Signature"),
    }
    let class = value("Class").is_some_and(|(_, class)| class.eq_ignore_ascii_case(CLASS));
    let guid = value("ClassGuid").is_some_and(|(_, guid)| guid.eq_ignore_ascii_case(CLASS_GUID));
    if !class || !guid {
        lint.find(Rule::Class, line, format!("Class and ClassGuid are not {CLASS} and {CLASS_GUID}"));
    }
    match value("Provider") {
        None => lint.find(Rule::Provider, line, "there is no Provider"),
        Some((line, provider))
            if provider.is_empty() || provider.to_ascii_lowercase().contains("microsoft") =>
        {
            lint.find(Rule::Provider, line, format!("the provider is {provider:?}"));
        }
        Some(_) => {}
    }
    match value("CatalogFile") {
        Some((_, file)) if file.to_ascii_lowercase().ends_with(".cat") && !file.contains('\\') => {}
        Some((line, file)) => lint.find(Rule::Catalog, line, format!("{file:?} is no catalog's name")),
        None => lint.find(Rule::Catalog, line, "there is no CatalogFile"),
    }
    match value("PnpLockdown") {
        Some((_, lockdown)) if lockdown == "1" => {}
        other => {
            let line = other.map_or(line, |(line, _)| line);
            lint.find(Rule::Lockdown, line, "PnpLockdown is not 1");
        }
    }
    match inf.entry("Version", "DriverVer") {
        None => lint.find(Rule::DriverVer, line, "there is no DriverVer"),
        Some(entry) => {
            let (date, version) = (text(inf, entry.field(0)), text(inf, entry.field(1)));
            if !is_date(&date) {
                lint.find(Rule::DriverVer, entry.line, format!("{date:?} is no date as mm/dd/yyyy"));
            }
            if !is_version(&version) {
                lint.find(Rule::DriverVer, entry.line, format!("{version:?} is no version as w.x.y.z"));
            }
        }
    }
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split(['/', '-']).collect();
    let [month, day, year] = parts.as_slice() else { return false };
    let number =
        |part: &str, digits: usize| (part.len() == digits).then(|| part.parse::<u16>().ok()).flatten();
    let (Some(month), Some(day), Some(year)) = (number(month, 2), number(day, 2), number(year, 4)) else {
        return false;
    };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day) && year >= 1990
}

fn is_version(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let digits = |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit()) && part.parse::<u16>().is_ok();
    parts.len() == 4 && parts.iter().all(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for text in ["11/21/2026", "02/29/2024", "12-31-1999"] {
            assert!(is_date(text), "{text}");
        }
        for text in
            ["2026/11/21", "13/01/2026", "02/29/2026", "1/1/2026", "11/31/2026", "", "a/b/cdef", "00/10/2026"]
        {
            assert!(!is_date(text), "{text}");
        }
    }

    #[test]
    fn versions() {
        for text in ["0.1.0.0", "65535.0.0.1"] {
            assert!(is_version(text), "{text}");
        }
        for text in ["1.4.1", "1.2.3.65536", "1.2.3.x", "1.2.3.4.5", "", "1..2.3", "+1.2.3.4"] {
            assert!(!is_version(text), "{text}");
        }
    }
}
