//! How much of a processor a process and everything it has started uses, from `/proc/PID/stat`.

use std::fs;
use std::time::{Duration, Instant};

/// Ticks of a second in what Linux tells to programs, on every processor that it runs Windows programs on.
const TICKS: f64 = 100.0;
/// The place of the parent's number in the line, counted from what follows the program's name.
const PARENT: usize = 1;
/// The places of the ticks in the program and in the kernel.
const TICKS_USED: [usize; 2] = [11, 12];

/// Parts of one core that each process with its descendants uses on average over `time`; None for one that has ended.
pub fn used(processes: &[u32], time: Duration) -> Vec<Option<f64>> {
    let before: Vec<Option<u64>> = processes.iter().map(|process| ticks(*process)).collect();
    let start = Instant::now();
    std::thread::sleep(time);
    let seconds = start.elapsed().as_secs_f64();
    let after = processes.iter().map(|process| ticks(*process));
    // CAST: ticks of some seconds.
    let share = |(before, after): (Option<u64>, Option<u64>)| {
        Some(after?.saturating_sub(before?) as f64 / TICKS / seconds)
    };
    before.into_iter().zip(after).map(share).collect()
}

/// Ticks that a process and its living descendants have used.
fn ticks(process: u32) -> Option<u64> {
    let mut wanted = vec![process];
    let all: Vec<(u32, u32, u64)> = fs::read_dir("/proc")
        .ok()?
        .flatten()
        .filter_map(|entry| {
            let number = entry.file_name().to_str()?.parse().ok()?;
            let (parent, ticks) = parse(&fs::read_to_string(entry.path().join("stat")).ok()?)?;
            Some((number, parent, ticks))
        })
        .collect();
    let mut place = 0;
    while let Some(parent) = wanted.get(place).copied() {
        wanted.extend(all.iter().filter(|(_, its, _)| *its == parent).map(|(number, ..)| *number));
        place += 1;
    }
    let of = |number: &u32| all.iter().find(|(its, ..)| its == number).map(|(.., ticks)| *ticks);
    of(&process)?;
    Some(wanted.iter().filter_map(of).sum())
}

/// Parent and ticks in a line of `stat`. The program's name, in parentheses, may hold anything.
fn parse(line: &str) -> Option<(u32, u64)> {
    let rest: Vec<&str> = line.get(line.rfind(')')? + 1..)?.split_whitespace().collect();
    let parent = rest.get(PARENT)?.parse().ok()?;
    let ticks = TICKS_USED.iter().map(|place| rest.get(*place)?.parse::<u64>().ok()).sum::<Option<u64>>()?;
    Some((parent, ticks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_spaces_is_no_trap() {
        let line = "12 (a) b 3) S 7 12 12 0 -1 4194304 100 0 0 0 250 31 9 8 20 0 1 0 500 1 2 3";
        assert_eq!(parse(line), Some((7, 281)));
        assert_eq!(parse("12 (a"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn work_counts_and_a_process_that_is_gone_does_not() {
        let own = std::process::id();
        let before = ticks(own).expect("this process runs");
        let mut sum = 0_u64;
        // A tick is 10 ms of work, however long that takes on a busy machine.
        while ticks(own).expect("this process runs") < before + 3 {
            sum = (0..1_000_000).fold(sum, |sum, number| std::hint::black_box(sum ^ number));
        }
        let mut child = std::process::Command::new("true").spawn().expect("a program starts");
        child.wait().expect("it ends");
        assert_eq!(used(&[child.id()], Duration::ZERO), [None]);
    }
}
