//! Translates a corpus, validates what came out, measures it, and tells what was found.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::peer::{Failure, Process};
use crate::statistics::{median, quantile};
use crate::validator;

use super::Found;

/// Measurements of each shader; the median counts.
const ROUNDS: usize = 7;

/// What became of a corpus.
#[derive(Debug, Default)]
pub struct Report {
    /// Containers that were found.
    pub found: usize,
    /// Those of them that hold no program of shader model 4 or later: signatures, effects, DXIL, root signatures.
    pub without_program: usize,
    /// Those that gave a module.
    pub translated: usize,
    /// The modules that spirv-val accepts.
    pub valid: usize,
    /// Where the others came from, with spirv-val's words.
    pub invalid: Vec<(String, String)>,
    /// Where the containers came from that the compiler panicked or hung on, and what it said.
    pub panicked: Vec<(String, String)>,
    /// Why programs were refused, and where they came from.
    pub refused: BTreeMap<String, Vec<String>>,
    /// Median and 99th percentile of the time from container to module.
    pub time: Option<[Duration; 2]>,
}

impl Report {
    /// Whether nothing is invalid and nothing panicked.
    pub fn is_good(&self) -> bool {
        self.invalid.is_empty() && self.panicked.is_empty()
    }
}

/// Judges the compiler that `worker` serves by a corpus.
///
/// # Errors
/// If the worker cannot be started.
pub fn judge(corpus: &[Found], worker: &mut Process) -> Result<Report, Failure> {
    let mut report = Report { found: corpus.len(), ..Report::default() };
    let mut modules = Vec::new();
    for found in corpus {
        let origin = found.origin.clone();
        match worker.translate(&found.bytes) {
            Ok((_, Ok(module))) => modules.push((found, module.spirv)),
            Ok((_, Err(reason))) if reason.contains(NO_PROGRAM) => report.without_program += 1,
            Ok((_, Err(reason))) => report.refused.entry(group(&reason)).or_default().push(origin),
            Err(Failure::Broken(error)) => return Err(Failure::Broken(error)),
            Err(failure) => report.panicked.push((origin, failure.to_string())),
        }
    }
    report.translated = modules.len();
    let words: Vec<&[u32]> = modules.iter().map(|(_, spirv)| spirv.as_slice()).collect();
    for ((found, _), result) in modules.iter().zip(validator::check_all(&words)) {
        match result {
            Ok(()) => report.valid += 1,
            Err(text) => report.invalid.push((found.origin.clone(), text.trim().to_owned())),
        }
    }
    let containers: Vec<Vec<u8>> = modules.iter().map(|(found, _)| found.bytes.clone()).collect();
    let rounds = (0..ROUNDS).map(|_| worker.time(&containers)).collect::<Result<Vec<_>, _>>()?;
    let of_shader = |place: usize| rounds.iter().map(|round| round[place].whole).collect::<Vec<_>>();
    let times: Vec<Duration> = (0..containers.len()).filter_map(|place| median(&of_shader(place))).collect();
    report.time = median(&times).zip(quantile(&times, 0.99)).map(<[Duration; 2]>::from);
    Ok(report)
}

/// What [`pvgpu_dxbc::ContainerError::NoProgram`] says.
const NO_PROGRAM: &str = "no SHDR or SHEX chunk";

/// A reason without where in the program it applies, so that equal reasons come together.
fn group(reason: &str) -> String {
    let words: Vec<&str> = reason.split(' ').collect();
    let mut kept = Vec::new();
    let mut place = 0;
    while let Some(word) = words.get(place) {
        let number = words.get(place + 2).filter(|number| number.starts_with(|c: char| c.is_ascii_digit()));
        if let (&"at", Some(&"dword"), Some(number)) = (word, words.get(place + 1), number) {
            // "x at dword 12: y" becomes "x: y".
            let rest = number.trim_start_matches(|c: char| c.is_ascii_digit());
            if let Some(last) = kept.last_mut() {
                *last = format!("{last}{rest}");
            }
            place += 3;
        } else {
            kept.push((*word).to_owned());
            place += 1;
        }
    }
    kept.join(" ")
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let refused: usize = self.refused.values().map(Vec::len).sum();
        let mut line = |name: &str, count: usize| writeln!(f, "{name:<18}{count:>6}");
        line("found", self.found)?;
        line("  without program", self.without_program)?;
        line("  refused", refused)?;
        line("  panicked or hung", self.panicked.len())?;
        line("  translated", self.translated)?;
        line("    valid", self.valid)?;
        line("    invalid", self.invalid.len())?;
        if let Some([middle, slow]) = self.time {
            let [middle, slow] = [middle, slow].map(|time| time.as_secs_f64() * 1e6);
            writeln!(f, "\nper shader: median {middle:.1} µs, 99th percentile {slow:.1} µs")?;
        }
        if refused > 0 {
            writeln!(f, "\nrefused:")?;
            let mut reasons: Vec<_> = self.refused.iter().collect();
            reasons.sort_by_key(|(_, origins)| std::cmp::Reverse(origins.len()));
            for (reason, origins) in reasons {
                writeln!(f, "{:>6}  {reason} (first in {})", origins.len(), origins[0])?;
            }
        }
        for (heading, cases) in [("panicked or hung", &self.panicked), ("invalid", &self.invalid)] {
            for (origin, text) in cases {
                writeln!(f, "\n{heading}: {origin}\n  {text}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_do_not_separate_reasons() {
        assert_eq!(group("unknown opcode 201 at dword 70"), "unknown opcode 201");
        assert_eq!(group("dcl_input at dword 12: the rule at hand"), "dcl_input: the rule at hand");
        assert_eq!(group("unsupported: hull shaders"), "unsupported: hull shaders");
        assert_eq!(group("at dword 5"), "");
        let error = pvgpu_dxbc::ContainerError::NoProgram;
        assert_eq!(error.to_string(), NO_PROGRAM);
    }
}
