//! Running many functions, several at once, and keeping Wine's results.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::Options;
use super::machine::{Machine, Road};
use super::output::{Ending, Run};
use super::suite::Program;
use crate::{Error, Result, paths};

/// A function to run.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// Its program.
    pub program: &'a Program,
    /// Its name.
    pub function: &'a str,
}

impl Job<'_> {
    /// `suite::function`.
    pub fn name(&self) -> String {
        format!("{}::{}", self.program.suite, self.function)
    }
}

/// Runs the functions, or for Wine's own renderer takes results of an earlier time; the runs come in the jobs' order.
///
/// # Errors
/// If a machine cannot be started.
pub fn run(jobs: &[Job<'_>], road: &Road, options: &Options) -> Result<Vec<Run>> {
    let folders = folders(jobs, road)?;
    let results: Mutex<Vec<Option<Run>>> = Mutex::new(vec![None; jobs.len()]);
    let next = AtomicUsize::new(0);
    let worker = || -> Result<()> {
        let mut machine: Option<Machine> = None;
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(index) else { return Ok(()) };
            let folder = &folders[job.program.suite];
            let output = folder.join(job.function).with_extension("txt");
            let run = match kept(road, &output) {
                Some(run) => run,
                None => {
                    let machine = match &mut machine {
                        Some(machine) => machine,
                        empty => empty.insert(Machine::start(*road)?),
                    };
                    let run = machine.run(&job.program.file, job.function, options.timeout, &output)?;
                    keep(&run, &output)?;
                    eprintln!("    {}: {} in {:.1} s", job.name(), word(&run), run.time.as_secs_f64());
                    run
                }
            };
            // PANIC: nothing panics while this lock is held, and the index comes from a list of the same length.
            results.lock().expect("no panic under this lock")[index] = Some(run);
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..options.jobs.max(1)).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().try_for_each(|worker| {
            worker.join().unwrap_or_else(|_| Err(Error::Failed("a worker died".to_owned())))
        })
    })?;
    let results = results.into_inner().unwrap_or_default();
    Ok(results.into_iter().flatten().collect())
}

/// The results of Wine's own renderer that were kept; an empty run for a function without.
///
/// # Errors
/// If a test program cannot be read.
pub fn kept_only(jobs: &[Job<'_>]) -> Result<Vec<Run>> {
    let folders = folders(jobs, &Road::Reference)?;
    let run = |job: &Job<'_>| {
        let output = folders[job.program.suite].join(job.function).with_extension("txt");
        kept(&Road::Reference, &output).unwrap_or_else(Run::empty)
    };
    Ok(jobs.iter().map(run).collect())
}

fn word(run: &Run) -> String {
    match run.ending {
        Ending::Finished => match run.lines(|check| check.failed > 0) {
            0 => "no failures".to_owned(),
            lines => format!("{lines} lines fail"),
        },
        Ending::Crashed(code) => format!("crashed ({code})"),
        Ending::TimedOut => "timed out".to_owned(),
    }
}

/// For each suite the folder of its functions' output. Wine's results are valid for one version of Wine and one test program.
fn folders<'a>(jobs: &[Job<'a>], road: &Road) -> Result<HashMap<&'a str, PathBuf>> {
    let top = match road {
        Road::Reference => "reference",
        Road::Pvgpu { kernel: false } => "pvgpu",
        Road::Pvgpu { kernel: true } => "kernel",
    };
    let top = paths::target("conformance").join(top);
    let mut folders = HashMap::new();
    for Program { suite, file, .. } in jobs.iter().map(|job| job.program) {
        if folders.contains_key(suite) {
            continue;
        }
        let folder = match road {
            Road::Reference => {
                let program = fs::read(file).map_err(Error::io("read", file))?;
                top.join(format!("{suite}-{}-desktop-{:016x}", wine_version()?, fnv1a(&program)))
            }
            Road::Pvgpu { .. } => top.join(suite),
        };
        folders.insert(*suite, folder);
    }
    Ok(folders)
}

fn wine_version() -> Result<String> {
    let output = Command::new("wine").arg("--version").output();
    let output = output.map_err(|source| Error::Io { what: "cannot start `wine`".to_owned(), source })?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '.').collect())
}

/// A number that changes with a file's contents: the hash FNV-1a of 64 bits. Nobody tries to deceive it.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Where a run's ending is kept beside its output.
fn ending_file(output: &Path) -> PathBuf {
    output.with_extension("ending")
}

/// Keeps how a run ended, except that its time ran out: another time may be longer.
fn keep(run: &Run, output: &Path) -> Result<()> {
    let code = match run.ending {
        Ending::Finished => 0,
        Ending::Crashed(code) => code,
        Ending::TimedOut => {
            let _removed = fs::remove_file(ending_file(output));
            return Ok(());
        }
    };
    let file = ending_file(output);
    fs::write(&file, format!("{code} {}", run.time.as_millis())).map_err(Error::io("write", &file))
}

/// A run of Wine's own renderer that was kept.
fn kept(road: &Road, output: &Path) -> Option<Run> {
    (*road == Road::Reference).then_some(())?;
    let ending = fs::read_to_string(ending_file(output)).ok()?;
    let (code, time) = ending.split_once(' ')?;
    let text = fs::read(output).ok()?;
    let time = Duration::from_millis(time.parse().ok()?);
    Some(Run::read(&String::from_utf8_lossy(&text), Some(code.parse().ok()?), time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_wines_results_are_kept() {
        let folder = std::env::temp_dir().join(format!("pvgpu-conformance-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder can be made");
        let output = folder.join("test_x.txt");
        let text = "x.c:3: Test failed: a.\n0024:x: 5 tests executed (0 marked as todo, 0 as flaky, 1 failure), 0 skipped.\n";
        fs::write(&output, text).expect("a file can be written");
        let run = Run::read(text, Some(1), Duration::from_millis(250));
        assert_eq!(kept(&Road::Reference, &output), None);
        keep(&run, &output).expect("it can be kept");
        assert_eq!(kept(&Road::Reference, &output), Some(run));
        assert_eq!(kept(&Road::Pvgpu { kernel: false }, &output), None);
        keep(&Run::read(text, None, Duration::ZERO), &output).expect("it can be dropped");
        assert_eq!(kept(&Road::Reference, &output), None);
        fs::remove_dir_all(&folder).expect("the folder can be removed");
    }

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
