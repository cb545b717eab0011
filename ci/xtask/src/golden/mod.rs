//! `cargo xtask golden`: small programs, each of which shows one feature, on pvgpu and on Wine's own renderer.
//!
//! Each case checks itself against values computed on the CPU where that is possible (`ci/golden`), and its pictures and numbers
//! are compared with those of Wine's renderer. Where Wine's renderer fails a case's own checks, refuses it or crashes in it,
//! the case is judged by the CPU's values alone, and the table says so.

mod judge;
mod known;
mod suite;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

pub use judge::{Judgement, Row};
pub use suite::{Suite, Verdict};

use crate::program::Renderer;
use crate::table::Table;
use crate::wine::Display;
use crate::{Error, Result, kernel, packages, paths, progress, toolchain};

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Only cases whose name contains this.
    pub filter: Option<String>,
    /// Only Wine's renderer, judged by the CPU's values.
    pub reference: bool,
    /// With the kernel-mode driver's image.
    pub kernel: bool,
    /// With Vulkan's validation layer.
    pub validate: bool,
    /// Run nothing of ours: what the program has left in this folder, on another machine for instance, is judged.
    pub judge: Option<PathBuf>,
    /// Build nothing.
    pub built: bool,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// One row for each case.
    pub rows: Vec<Row>,
    /// The messages of the daemons that were started.
    pub logs: Vec<PathBuf>,
}

/// Builds, runs, compares, prints. The exit code is 1 if a case fails that is not known to.
///
/// # Errors
/// If something is missing or does not build, or the program cannot be started.
pub fn task(options: &Options) -> Result<ExitCode> {
    packages::ensure(packages::Purpose::Programs)?;
    if !options.built {
        toolchain::build_windows_tools()?;
        if !options.reference && options.judge.is_none() {
            toolchain::build_host()?;
            toolchain::build_windows()?;
        }
        if options.kernel {
            kernel::build()?;
            toolchain::build_kernel_road()?;
        }
    }
    let outcome = run(options, &Display::start()?)?;
    print(&outcome.rows);
    let failed = outcome.rows.iter().any(|row| row.judgement.is_failure());
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Runs the cases on pvgpu and, unless their results are kept from an earlier run, on Wine's renderer; compares.
///
/// # Errors
/// If the program cannot be started or says nothing.
pub fn run(options: &Options, display: &Display) -> Result<Outcome> {
    if options.reference {
        let mut suite = Suite::new(Renderer::Reference, folder("reference"));
        let verdicts = progress::step("Running the cases on Wine's own renderer", || {
            suite.run(options.filter.as_deref(), display)
        })?;
        keep_reference(&verdicts)?;
        let rows = verdicts.into_iter().map(|(name, verdict)| Row::alone(name, verdict)).collect();
        return Ok(Outcome { rows, logs: suite.logs });
    }
    let (verdicts, logs, found) = if let Some(found) = &options.judge {
        (suite::left_in(found)?, Vec::new(), found.clone())
    } else {
        let found = folder(if options.kernel { "kernel" } else { "pvgpu" });
        let mut suite = Suite::new(Renderer::Pvgpu { link: None }, found.clone());
        (suite.kernel, suite.validate) = (options.kernel, options.validate);
        let verdicts =
            progress::step("Running the cases on pvgpu", || suite.run(options.filter.as_deref(), display))?;
        (verdicts, suite.logs, found)
    };
    let reference = reference(&verdicts.keys().cloned().collect::<Vec<_>>(), display)?;
    let mut rows = Vec::new();
    for (name, verdict) in verdicts {
        let expected = reference.get(&name).cloned();
        rows.push(Row::compared(name, verdict, expected, &folder("reference"), &found)?);
    }
    Ok(Outcome { rows, logs })
}

/// Where pictures and numbers go.
fn folder(name: &str) -> PathBuf {
    paths::target("golden").join(name)
}

/// The verdicts on these cases on Wine's renderer, from earlier runs of the same program where there are any.
fn reference(names: &[String], display: &Display) -> Result<BTreeMap<String, Verdict>> {
    let mut verdicts = kept_reference()?;
    let missing: Vec<String> = names.iter().filter(|name| !verdicts.contains_key(*name)).cloned().collect();
    if !missing.is_empty() {
        let step = format!("Running {} cases on Wine's own renderer for comparison", missing.len());
        let mut suite = Suite::new(Renderer::Reference, folder("reference"));
        verdicts.extend(progress::step(step, || suite.run_named(&missing, display))?);
        keep_reference(&verdicts)?;
    }
    Ok(verdicts)
}

/// A file with a hash of the program, and a line for each case.
fn reference_file() -> PathBuf {
    folder("reference").join("verdicts.txt")
}

fn kept_reference() -> Result<BTreeMap<String, Verdict>> {
    let text = fs::read_to_string(reference_file()).unwrap_or_default();
    let mut lines = text.lines();
    if lines.next() != Some(&suite::program_hash()?) {
        return Ok(BTreeMap::new());
    }
    let verdict = |line: &str| {
        let (name, verdict) = line.split_once(' ')?;
        Some((name.to_owned(), Verdict::parse(verdict)))
    };
    Ok(lines.filter_map(verdict).collect())
}

fn keep_reference(new: &BTreeMap<String, Verdict>) -> Result<()> {
    let mut verdicts = kept_reference()?;
    verdicts.extend(new.iter().map(|(name, verdict)| (name.clone(), verdict.clone())));
    let lines: String = verdicts.iter().map(|(name, verdict)| format!("{name} {verdict}\n")).collect();
    let file = reference_file();
    fs::write(&file, format!("{}\n{lines}", suite::program_hash()?)).map_err(Error::io("write", &file))
}

/// Prints what is not as it should be, case by case, and a sum for each area.
fn print(rows: &[Row]) {
    let mut areas: BTreeMap<&str, [usize; 5]> = BTreeMap::new();
    let mut sum = [0; 5];
    for row in rows {
        let area = row.name.split('/').next().unwrap_or_default();
        let column = match &row.judgement {
            Judgement::Both => 0,
            Judgement::Processor(why) => {
                println!("by the CPU's values alone: {}: Wine's renderer: {why}", row.name);
                1
            }
            Judgement::Skipped(why) => {
                println!("skipped: {}: {why}", row.name);
                2
            }
            Judgement::Known(how, why) => {
                println!("known: {}: {how}: {why}", row.name);
                3
            }
            Judgement::Failed(why) => {
                println!("FAILED {}: {why}", row.name);
                4
            }
        };
        areas.entry(area).or_default()[column] += 1;
        sum[column] += 1;
    }
    let mut table = Table::new(&["area", "cases", "as Wine", "CPU alone", "skipped", "known", "failed"]);
    let mut push = |name: &str, counts: &[usize; 5]| {
        let all: usize = counts.iter().sum();
        let cells = std::iter::once(all).chain(counts.iter().copied()).map(|count| count.to_string());
        table.push(std::iter::once(name.to_owned()).chain(cells).collect());
    };
    for (area, counts) in &areas {
        push(area, counts);
    }
    push("all", &sum);
    println!("\n{table}");
    println!("Pictures and numbers are in {}.", folder("").display());
}
