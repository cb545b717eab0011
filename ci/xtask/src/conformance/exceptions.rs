//! The places where pvgpu may be worse than Wine's own renderer, each with its reason: `ci/conformance/exceptions.txt`.

use std::fmt;
use std::fs;

use super::verdict::{Verdict, Worse};
use crate::{Error, Result, paths};

/// More exceptions than this are no exceptions any more.
const MOST: usize = 10;
/// The file, in the checkout.
const FILE: &str = "ci/conformance/exceptions.txt";

/// One exception.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Exception {
    /// `suite::function`.
    name: String,
    /// The line in the test's source; None for the whole function.
    line: Option<u32>,
    reason: String,
}

impl Exception {
    fn covers(&self, name: &str, worse: &Worse) -> bool {
        self.name == name && self.line.is_none_or(|line| line == worse.line)
    }
}

/// All exceptions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exceptions {
    list: Vec<Exception>,
}

/// What is worse, apart from the exceptions.
#[derive(Debug)]
pub struct Judged {
    worse: Vec<(String, Worse)>,
    excused: Vec<(String, Worse, String)>,
    stale: Vec<String>,
}

impl Exceptions {
    /// Reads the file.
    ///
    /// # Errors
    /// If it cannot be read, a line is not understood, or there are too many.
    pub fn read() -> Result<Self> {
        let file = paths::root().join(FILE);
        Self::parse(&fs::read_to_string(&file).map_err(Error::io("read", &file))?)
    }

    /// Lines `suite::function:LINE reason` or, for the function as a whole, `suite::function reason`; `#` starts a comment.
    fn parse(text: &str) -> Result<Self> {
        let wrong =
            |line: &str| Error::Failed(format!("{FILE}: \"{line}\" is not `suite::function[:LINE] reason`"));
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let list = lines
            .map(|line| {
                let (place, reason) = line.split_once(' ').ok_or_else(|| wrong(line))?;
                let (suite, function) = place.split_once("::").ok_or_else(|| wrong(line))?;
                let (function, number) = match function.split_once(':') {
                    Some((function, number)) => (function, Some(number.parse().map_err(|_| wrong(line))?)),
                    None => (function, None),
                };
                Ok(Exception {
                    name: format!("{suite}::{function}"),
                    line: number,
                    reason: reason.trim().to_owned(),
                })
            })
            .collect::<Result<Vec<_>>>()?;
        if list.len() > MOST {
            return Err(Error::Failed(format!("{FILE} has {} exceptions; {MOST} is the most", list.len())));
        }
        Ok(Self { list })
    }

    /// Tells exceptions and the rest apart. An exception of a function that ran and was not worse there is stale.
    pub fn judge(&self, verdicts: &[Verdict]) -> Judged {
        let mut judged = Judged { worse: Vec::new(), excused: Vec::new(), stale: Vec::new() };
        for verdict in verdicts {
            for worse in &verdict.worse {
                let found = self.list.iter().find(|exception| exception.covers(&verdict.name, worse));
                match found {
                    Some(exception) => {
                        judged.excused.push((verdict.name.clone(), worse.clone(), exception.reason.clone()));
                    }
                    None => judged.worse.push((verdict.name.clone(), worse.clone())),
                }
            }
            let of_this = self.list.iter().filter(|exception| exception.name == verdict.name);
            let stale = of_this.filter(|exception| {
                !verdict.worse.iter().any(|worse| exception.covers(&verdict.name, worse))
            });
            judged.stale.extend(stale.map(|exception| {
                let line = exception.line.map_or_else(String::new, |line| format!(":{line}"));
                format!("{}{line} {}", exception.name, exception.reason)
            }));
        }
        judged
    }
}

impl Judged {
    /// True if nothing is worse without an exception.
    pub fn passes(&self) -> bool {
        self.worse.is_empty()
    }
}

impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nworse than Wine's own renderer: {}", self.worse.len())?;
        for (name, Worse { line, what }) in &self.worse {
            writeln!(f, "  {name}:{line} {what}")?;
        }
        if !self.excused.is_empty() {
            writeln!(f, "worse for a known reason: {}", self.excused.len())?;
        }
        for (name, Worse { line, what }, reason) in &self.excused {
            writeln!(f, "  {name}:{line} {what} [{reason}]")?;
        }
        for stale in &self.stale {
            writeln!(f, "no longer an exception, remove it from {FILE}: {stale}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::output::Run;
    use super::*;

    fn verdict(name: &str, ours: &str) -> Verdict {
        let end = "0024:x: 9 tests executed (0 marked as todo, 0 as flaky, 1 failure), 0 skipped.\n";
        let run = |text: &str| Run::read(&format!("{text}{end}"), Some(0), Duration::ZERO);
        Verdict::new(name.to_owned(), run(ours), run(""))
    }

    #[test]
    fn exceptions_cover_lines_or_functions_and_grow_stale() {
        let text = "# comment\nx::test_a:7 no such hardware\nx::test_b everything is different\nx::test_a:9 gone\ny::test_c:1 other\n";
        let exceptions = Exceptions::parse(text).expect("the text is right");
        let verdicts = [
            verdict("x::test_a", "x.c:7: Test failed: a\nx.c:8: Test failed: b\n"),
            verdict("x::test_b", "x.c:1: Test failed: c\n"),
        ];
        let judged = exceptions.judge(&verdicts);
        assert!(!judged.passes());
        assert_eq!(judged.worse.iter().map(|(_, worse)| worse.line).collect::<Vec<_>>(), [8]);
        assert_eq!(judged.excused.len(), 2);
        assert_eq!(judged.stale, ["x::test_a:9 gone"]);
    }

    #[test]
    fn the_committed_file_is_understood() {
        Exceptions::read().expect("the file is right");
    }

    #[test]
    fn exceptions_need_a_reason_and_are_few() {
        assert!(Exceptions::parse("x::test_a").is_err());
        assert!(Exceptions::parse("x::test_a:b reason").is_err());
        let many = (0..=MOST).map(|line| format!("x::test_a:{line} reason\n")).collect::<String>();
        assert!(Exceptions::parse(&many).is_err());
    }
}
