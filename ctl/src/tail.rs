//! `tail`: which records are shown, and how one looks as a line.

use pvgpu_control::{Level, Source, TailRecord};

use crate::error::Error;
use crate::options::Filter;
use crate::output::{print, print_json};
use crate::text::plain;

impl Filter {
    /// Whether a record is shown.
    pub fn shows(&self, record: &TailRecord) -> bool {
        record.level <= self.level
            && self.area.as_ref().is_none_or(|area| *area == record.area)
            && self.context.is_none_or(|context| context == record.context)
            && self.process.is_none_or(|process| process == record.process)
    }
}

/// Shows a record, if the filter lets it pass.
///
/// # Errors
/// [`Error::Output`] when nobody reads any more.
pub fn show(record: &TailRecord, json: bool, filter: &Filter) -> Result<(), Error> {
    match (filter.shows(record), json) {
        (false, _) => Ok(()),
        (true, true) => print_json(record),
        (true, false) => print(&line(record)),
    }
}

/// A record as a line: time in seconds, level, who, what, and the numbers or the sentence.
pub fn line(record: &TailRecord) -> String {
    let seconds = record.time_ns / 1_000_000_000;
    let micros = record.time_ns / 1_000 % 1_000_000;
    let source = match record.source {
        Source::Driver => "driver",
        Source::Host => "host",
    };
    let mut line = format!(
        "{seconds:>7}.{micros:06} {:<7} {:<20} {}",
        level(record.level),
        format!("{source}/{}", record.area),
        record.code
    );
    if !record.guest.is_empty() {
        line.push_str(&format!(" guest={}", record.guest));
    }
    if record.process != 0 {
        line.push_str(&format!(" process={}", record.process));
    }
    if record.context != 0 {
        line.push_str(&format!(" context={}", record.context));
    }
    if !record.args.is_empty() {
        let args: Vec<String> = record.args.iter().map(u64::to_string).collect();
        line.push_str(&format!(" args={}", args.join(",")));
    }
    if !record.text.is_empty() {
        line.push_str(&format!(": {}", record.text));
    }
    // What a guest wrote must not steer the terminal.
    plain(&line)
}

const fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Info => "info",
        Level::Verbose => "verbose",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> TailRecord {
        TailRecord {
            time_ns: 12_000_345_678,
            source: Source::Driver,
            level: Level::Warning,
            guest: "guest-7".to_owned(),
            area: "umd".to_owned(),
            code: "UMD_WAITED".to_owned(),
            process: 7,
            context: 2,
            args: vec![5, 6],
            text: String::new(),
        }
    }

    #[test]
    fn a_line_holds_everything() {
        assert_eq!(
            line(&record()),
            "     12.000345 warning driver/umd           UMD_WAITED guest=guest-7 process=7 context=2 args=5,6"
        );
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let record = TailRecord { guest: "a\u{1b}[2J\nb".to_owned(), ..record() };
        assert!(line(&record).chars().all(|c| !c.is_control()));
    }

    #[test]
    fn filters() {
        let record = record();
        let all = Filter::default();
        assert!(all.shows(&record));
        assert!(Filter { level: Level::Warning, ..all.clone() }.shows(&record));
        assert!(!Filter { level: Level::Error, ..all.clone() }.shows(&record));
        assert!(!Filter { area: Some("worker".to_owned()), ..all.clone() }.shows(&record));
        assert!(!Filter { context: Some(1), ..all.clone() }.shows(&record));
        assert!(Filter { context: Some(2), process: Some(7), ..all.clone() }.shows(&record));
        assert!(!Filter { process: Some(8), ..all }.shows(&record));
    }
}
