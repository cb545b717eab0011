//! What a test function printed, read: which checks failed, were expected to fail, or were skipped.
//!
//! The test framework prints one line for each check that did not simply pass, with the check's place in the source:
//!
//! ```text
//! d3d11.c:1607: Test failed: Got hr 0x80070057.
//! d3d11.c:2011: Test marked todo: Feature level 0x9100: Got refcount 3.
//! 0024:d3d11: 561 tests executed (7 marked as todo, 0 as flaky, 1 failure), 2 skipped.
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

/// How a function's process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It ran to its end.
    Finished,
    /// It ended before, with this exit code.
    Crashed(i32),
    /// It was ended after its time.
    TimedOut,
}

/// One check: a line of the test's source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Check {
    /// How often it failed.
    pub failed: u32,
    /// How often it failed where Wine's developers expect Wine to fail.
    pub todo: u32,
    /// How often it passed there.
    pub todo_passed: u32,
    /// How often it skipped other checks.
    pub skipped: u32,
    /// The first message of a failure, else the first of all.
    pub message: String,
}

impl Check {
    /// True if it failed, whatever was expected.
    pub fn fails(&self) -> bool {
        self.failed > 0 || self.todo > 0
    }
}

/// A function's run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// How it ended.
    pub ending: Ending,
    /// How long it took.
    pub time: Duration,
    /// How many checks were executed; None if it did not run to its end.
    pub executed: Option<u64>,
    /// By line, those that said something.
    pub checks: BTreeMap<u32, Check>,
    /// What it said of an exception, if there was one.
    pub exception: Option<String>,
    /// The last line that said anything.
    pub last_line: u32,
}

impl Run {
    /// Reads a function's output. `code` is the exit code, None if time ran out.
    pub fn read(output: &str, code: Option<i32>, time: Duration) -> Self {
        let mut run = Self { time, ..Self::empty() };
        for line in output.lines() {
            if let Some((number, text)) = placed(line) {
                run.last_line = number;
                run.note(number, text);
            } else if line.starts_with("exception ") || line.contains(" unhandled exception ") {
                run.exception.get_or_insert_with(|| line.to_owned());
            } else if let Some(count) = summary(line) {
                run.executed = Some(count);
            }
        }
        run.ending = match (code, run.executed) {
            (None, _) => Ending::TimedOut,
            // The exit code counts failures; the summary is the last thing that is printed.
            (Some(_), Some(_)) => Ending::Finished,
            (Some(code), None) => Ending::Crashed(code),
        };
        run
    }

    /// A run of which nothing is known.
    pub fn empty() -> Self {
        Self {
            ending: Ending::Finished,
            time: Duration::ZERO,
            executed: None,
            checks: BTreeMap::new(),
            exception: None,
            last_line: 0,
        }
    }

    /// How many lines of the source `count` is true for.
    pub fn lines(&self, count: impl Fn(&Check) -> bool) -> usize {
        self.checks.values().filter(|check| count(check)).count()
    }

    fn note(&mut self, number: u32, text: &str) {
        let kinds: [(&str, Counter); 4] = [
            ("Test failed: ", |check| &mut check.failed),
            ("Test marked todo: ", |check| &mut check.todo),
            ("Test succeeded inside todo block: ", |check| &mut check.todo_passed),
            ("Tests skipped: ", |check| &mut check.skipped),
        ];
        for (prefix, counter) in kinds {
            if let Some(message) = text.strip_prefix(prefix) {
                let check = self.checks.entry(number).or_default();
                let first_failure = prefix == kinds[0].0 && check.failed == 0;
                if first_failure || check.message.is_empty() {
                    message.trim_end().clone_into(&mut check.message);
                }
                *counter(check) += 1;
            }
        }
    }
}

/// Splits `file.c:LINE:SECONDS TEXT`, where the seconds may be missing.
fn placed(line: &str) -> Option<(u32, &str)> {
    let (file, rest) = line.split_once(':')?;
    let (number, rest) = rest.split_once(':')?;
    let (_seconds, text) = rest.split_once(' ')?;
    file.ends_with(".c").then_some(())?;
    Some((number.parse().ok()?, text))
}

/// One of a check's counts.
type Counter = fn(&mut Check) -> &mut u32;

/// The number of checks in the line that ends a run.
fn summary(line: &str) -> Option<u64> {
    let (head, _) = line.split_once(" tests executed (")?;
    head.rsplit([' ', ':']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
d3d11.c:50: Adapter: pvgpu.
d3d11.c:1607: Test failed: Got hr 0x80070057.
d3d11.c:1607: Test failed: Got hr 0x1.
d3d11.c:2011:1.250 Test marked todo: Feature level 0x9100: Got refcount 3.
d3d11.c:2012: Test succeeded inside todo block: Got 1.
d3d11.c:2013: Tests skipped: No UAVs.
some driver: said something
0024:d3d11: 561 tests executed (7 marked as todo, 0 as flaky, 2 failures), 1 skipped.
";

    #[test]
    fn each_kind_is_counted_by_line() {
        let run = Run::read(OUTPUT, Some(2), Duration::ZERO);
        assert_eq!((run.ending, run.executed, run.last_line), (Ending::Finished, Some(561), 2013));
        assert_eq!(run.checks[&1607].failed, 2);
        assert_eq!(run.checks[&1607].message, "Got hr 0x80070057.");
        assert_eq!((run.checks[&2011].todo, run.checks[&2011].fails()), (1, true));
        assert_eq!((run.checks[&2012].todo_passed, run.checks[&2012].fails()), (1, false));
        assert_eq!(run.lines(|check| check.skipped > 0), 1);
        assert_eq!(run.checks.len(), 4);
    }

    #[test]
    fn without_a_summary_it_crashed() {
        let output = "d3d11.c:7: Test failed: x.\nexception c0000005 in C:\\windows\\d3d11.dll+0x10\n";
        let run = Run::read(output, Some(5), Duration::ZERO);
        assert_eq!((run.ending, run.last_line), (Ending::Crashed(5), 7));
        assert!(run.exception.is_some_and(|text| text.contains("d3d11.dll+0x10")));
        assert_eq!(Run::read(output, None, Duration::ZERO).ending, Ending::TimedOut);
    }
}
