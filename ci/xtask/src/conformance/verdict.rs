//! Comparing a function's run on pvgpu with the one on Wine's own renderer.

use std::fmt;

use super::output::{Ending, Run};
use crate::table::Table;

/// A place where pvgpu is worse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worse {
    /// The line in the test's source; 0 for the function as a whole.
    pub line: u32,
    /// What happened there.
    pub what: String,
}

/// Both runs of a function.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// `suite::function`.
    pub name: String,
    /// On pvgpu.
    pub ours: Run,
    /// On Wine's own renderer.
    pub reference: Run,
    /// Where pvgpu is worse.
    pub worse: Vec<Worse>,
}

impl Verdict {
    /// Compares two runs.
    pub fn new(name: String, ours: Run, reference: Run) -> Self {
        let mut worse = Vec::new();
        if reference.ending == Ending::Finished {
            let last = ours.last_line;
            let whole = match ours.ending {
                Ending::Finished => None,
                Ending::Crashed(code) => {
                    let exception = ours.exception.as_deref().unwrap_or("no exception");
                    Some(format!("crashed with {code} after line {last}: {exception}"))
                }
                Ending::TimedOut => Some(format!("timed out after line {last}")),
            };
            worse.extend(whole.map(|what| Worse { line: 0, what }));
        }
        for (&line, check) in &ours.checks {
            let other = reference.checks.get(&line);
            if check.fails() && !other.is_some_and(|other| other.fails()) {
                let expected = if check.failed > 0 { "" } else { "todo: " };
                let times = check.failed.max(check.todo);
                worse.push(Worse { line, what: format!("{expected}{} ({times} times)", check.message) });
            } else if check.skipped > 0 && other.is_none_or(|other| other.skipped == 0) {
                worse.push(Worse { line, what: format!("skipped: {}", check.message) });
            }
        }
        Self { name, ours, reference, worse }
    }
}

/// One row for each function, and the sums.
pub fn table(verdicts: &[Verdict]) -> impl fmt::Display {
    let mut table = Table::new(&[
        "function",
        "result",
        "Wine's",
        "checks",
        "Wine's",
        "lines fail",
        "Wine's",
        "todo",
        "todo passed",
        "skipped",
        "worse",
        "s",
    ]);
    for verdict in verdicts {
        let (ours, reference) = (&verdict.ours, &verdict.reference);
        let count = |count: usize| if count == 0 { String::new() } else { count.to_string() };
        let checks = |run: &Run| run.executed.map_or_else(|| "?".to_owned(), |count| count.to_string());
        table.push(vec![
            verdict.name.clone(),
            result(ours).to_owned(),
            result(reference).to_owned(),
            checks(ours),
            checks(reference),
            count(ours.lines(|check| check.failed > 0)),
            count(reference.lines(|check| check.failed > 0)),
            count(ours.lines(|check| check.todo > 0)),
            count(ours.lines(|check| check.todo_passed > 0)),
            count(ours.lines(|check| check.skipped > 0)),
            count(verdict.worse.len()),
            format!("{:.1}", ours.time.as_secs_f64()),
        ]);
    }
    let sums = |run: fn(&Verdict) -> &Run| {
        let runs = || verdicts.iter().map(run);
        let ended = |ending: fn(&Ending) -> bool| runs().filter(|run| ending(&run.ending)).count();
        let lines =
            |count: fn(&super::output::Check) -> bool| runs().map(|run| run.lines(count)).sum::<usize>();
        format!(
            "{} functions: {} passed, {} with failures, {} crashed, {} timed out; {} checks; lines: {} failed, {} todo, {} todo passed, \
             {} skipped",
            verdicts.len(),
            runs().filter(|run| result(run) == "passed").count(),
            runs().filter(|run| result(run) == "failed").count(),
            ended(|ending| matches!(ending, Ending::Crashed(_))),
            ended(|ending| *ending == Ending::TimedOut),
            runs().filter_map(|run| run.executed).sum::<u64>(),
            lines(|check| check.failed > 0),
            lines(|check| check.todo > 0),
            lines(|check| check.todo_passed > 0),
            lines(|check| check.skipped > 0),
        )
    };
    let (ours, reference) = (sums(|verdict| &verdict.ours), sums(|verdict| &verdict.reference));
    format!("\n{table}\npvgpu:  {ours}\nWine's: {reference}\n")
}

fn result(run: &Run) -> &'static str {
    match run.ending {
        Ending::Finished if run.lines(|check| check.failed > 0) > 0 => "failed",
        Ending::Finished => "passed",
        Ending::Crashed(_) => "CRASHED",
        Ending::TimedOut => "TIMED OUT",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const END: &str = "0024:x: 9 tests executed (0 marked as todo, 0 as flaky, 1 failure), 0 skipped.\n";

    fn worse_lines(ours: &str, reference: &str) -> Vec<u32> {
        let run = |text: &str| Run::read(text, Some(0), Duration::ZERO);
        let verdict = Verdict::new("x::test_y".to_owned(), run(ours), run(reference));
        verdict.worse.iter().map(|worse| worse.line).collect()
    }

    #[test]
    fn only_what_passes_on_the_reference_counts() {
        let ours = format!(
            "x.c:1: Test failed: a\nx.c:2: Test failed: b\nx.c:3: Test marked todo: c\nx.c:4: Tests skipped: d\n{END}"
        );
        let reference = format!("x.c:2: Test marked todo: b\nx.c:3: Test marked todo: c\n{END}");
        assert_eq!(worse_lines(&ours, &reference), [1, 4]);
        assert_eq!(worse_lines(&reference, &ours), [0; 0]);
    }

    #[test]
    fn a_todo_that_the_reference_passes_counts() {
        let ours = format!("x.c:3: Test marked todo: c\n{END}");
        let reference = format!("x.c:3: Test succeeded inside todo block: c\n{END}");
        assert_eq!(worse_lines(&ours, &reference), [3]);
        assert_eq!(worse_lines(&reference, &ours), [0; 0]);
    }

    #[test]
    fn a_crash_counts_unless_both_crash() {
        assert_eq!(worse_lines("x.c:1: trace\n", END), [0]);
        assert_eq!(worse_lines("x.c:1: trace\n", "x.c:1: trace\n"), [0; 0]);
    }
}
