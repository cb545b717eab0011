//! From two verdicts and what both renderers left to one judgement.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Verdict, known};
use crate::{Error, Result, compare};

/// By how much floats may differ, relative to the larger of 1 and the reference.
const TOLERANCE: f64 = 2e-3;

/// What is to be thought of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It looks as on Wine's renderer, and is as the CPU computed it if it can be computed.
    Both,
    /// It is as the CPU computed it; Wine's renderer is wrong, or lacks the feature.
    Processor(String),
    /// The device need not have the feature, and has not.
    Skipped(String),
    /// It is wrong, as is known: how, and why.
    Known(String, &'static str),
    /// It is wrong.
    Failed(String),
}

impl Judgement {
    /// True for a case that is wrong and not known to be.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Failed(_))
    }
}

/// A case with its judgement.
#[derive(Clone, Debug)]
pub struct Row {
    /// `AREA/NAME`.
    pub name: String,
    /// What is to be thought of it.
    pub judgement: Judgement,
}

impl Row {
    /// Judges a case by its verdict alone.
    pub fn alone(name: String, verdict: Verdict) -> Self {
        let judgement = match verdict {
            Verdict::Passed | Verdict::Unjudged => Judgement::Both,
            Verdict::Skipped(why) => Judgement::Skipped(why),
            Verdict::Failed(why) => Judgement::Failed(why),
        };
        Self { name, judgement }
    }

    /// Judges a case by its verdict, by that on Wine's renderer, and by the files in both folders.
    ///
    /// # Errors
    /// If a folder cannot be read.
    pub fn compared(
        name: String,
        found: Verdict,
        reference: Option<Verdict>,
        reference_folder: &Path,
        found_folder: &Path,
    ) -> Result<Self> {
        let difference = || difference(&name, reference_folder, found_folder);
        let judgement = match (found, reference) {
            (Verdict::Failed(why), _) => Judgement::Failed(why),
            (Verdict::Skipped(why), _) => Judgement::Skipped(why),
            (Verdict::Passed, Some(Verdict::Failed(why))) => Judgement::Processor(why),
            (Verdict::Passed, Some(Verdict::Skipped(why))) => Judgement::Processor(why),
            (Verdict::Unjudged, Some(Verdict::Failed(why) | Verdict::Skipped(why))) => {
                Judgement::Failed(format!("nothing tells what is right; Wine's renderer: {why}"))
            }
            (_, None) => Judgement::Failed("there is no reference".to_owned()),
            (Verdict::Passed | Verdict::Unjudged, Some(Verdict::Passed | Verdict::Unjudged)) => {
                match difference()? {
                    None => Judgement::Both,
                    Some(difference) => Judgement::Failed(difference),
                }
            }
        };
        let judgement = match (judgement, known::reason(&name)) {
            (Judgement::Failed(how), Some(why)) => Judgement::Known(how, why),
            (judgement, _) => judgement,
        };
        Ok(Self { name, judgement })
    }
}

/// How what a case has left differs from the reference.
fn difference(name: &str, reference: &Path, found: &Path) -> Result<Option<String>> {
    let (expected, files) = (files(&reference.join(name))?, files(&found.join(name))?);
    if expected.len() != files.len() {
        return Ok(Some(format!("it left {} files, on Wine's renderer {}", files.len(), expected.len())));
    }
    for (expected, file) in expected.iter().zip(&files) {
        let name = file.file_name().unwrap_or_default().display();
        if file.extension().is_some_and(|extension| extension == "txt") {
            if let Some(line) = numbers_differ(expected, file)? {
                return Ok(Some(format!("line {line} of {name} differs from Wine's renderer")));
            }
            continue;
        }
        let matching = compare::files(expected, file)?;
        if !matching.passes() {
            let share = (1.0 - matching.worst) * 100.0;
            return Ok(Some(format!("{share:.1} % of {name} differ from Wine's renderer")));
        }
    }
    Ok(None)
}

/// The pictures and numbers of a case, sorted.
fn files(stem: &Path) -> Result<Vec<PathBuf>> {
    let (folder, name) =
        (stem.parent().unwrap_or(stem), stem.file_name().unwrap_or_default().to_string_lossy());
    let is_of_case = |path: &PathBuf| {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let rest = stem.strip_prefix(name.as_ref());
        rest.is_some_and(|rest| {
            rest.is_empty() || rest.strip_prefix('-').is_some_and(|rest| rest.parse::<u32>().is_ok())
        })
    };
    let entries = fs::read_dir(folder).map_err(Error::io("read", folder))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_of_case).collect();
    files.sort();
    Ok(files)
}

/// The first line, from 1, in which two lists of numbers differ.
fn numbers_differ(reference: &Path, found: &Path) -> Result<Option<usize>> {
    let read = |file: &Path| fs::read_to_string(file).map_err(Error::io("read", file));
    let (reference, found) = (read(reference)?, read(found)?);
    let (expected, lines): (Vec<&str>, Vec<&str>) = (reference.lines().collect(), found.lines().collect());
    if expected.len() != lines.len() {
        return Ok(Some(expected.len().min(lines.len()) + 1));
    }
    Ok(expected.iter().zip(&lines).position(|(a, b)| !same(a, b)).map(|place| place + 1))
}

/// Words and whole numbers must be equal; floats, which are written with an exponent, nearly so.
fn same(expected: &str, found: &str) -> bool {
    let float = |text: &str| text.contains(['e', '.']).then(|| text.parse::<f64>().ok()).flatten();
    match (float(expected), float(found)) {
        (Some(expected), Some(found)) => {
            (expected - found).abs() <= TOLERANCE * expected.abs().max(1.0)
                || expected == found
                || (expected.is_nan() && found.is_nan())
        }
        _ => expected == found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_may_differ_a_little() {
        assert!(same("1e0", "1.0001e0") && same("NaN", "NaN") && same("7", "7"));
        assert!(!same("1e0", "1.01e0") && !same("7", "8") && !same("1000000", "1000001"));
    }

    #[test]
    fn a_wrong_reference_leaves_the_cpu() {
        let row = |found, reference| {
            Row::compared("a/b".into(), found, Some(reference), Path::new(""), Path::new(""))
                .expect("no file is read")
                .judgement
        };
        let failed = || Verdict::Failed("x".to_owned());
        assert_eq!(row(Verdict::Passed, failed()), Judgement::Processor("x".to_owned()));
        assert!(row(Verdict::Unjudged, failed()).is_failure());
        assert!(row(failed(), Verdict::Passed).is_failure());
    }
}
