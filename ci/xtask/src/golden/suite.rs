//! Running the cases to the end, whatever they do to the program.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::program::{self, Output, Renderer, Request};
use crate::wine::{Display, windows_path};
use crate::{Error, Result, paths};

/// The program.
const PROGRAM: &str = "pvgpu-golden.exe";
/// Where its standard output is kept.
const OUTPUT: &str = "output.txt";
/// TIMEOUT: for one start of the program. It ends itself when a case takes too long; this is for when that fails.
const TIMEOUT: Duration = Duration::from_secs(600);
/// The program's exit code when a case takes too long.
const HUNG: i32 = 3;

/// How a case went, in the words of the program, or how it ended the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is as the CPU computed it.
    Passed,
    /// It cannot be computed on the CPU.
    Unjudged,
    /// The device need not have the feature, and has not.
    Skipped(String),
    /// It is not as it must be, or the program ended in it.
    Failed(String),
}

impl Verdict {
    /// Reads what the program says after a case's name.
    pub fn parse(text: &str) -> Self {
        match text.split_once(' ').unwrap_or((text, "")) {
            ("passed", _) => Self::Passed,
            ("unjudged", _) => Self::Unjudged,
            ("skipped", why) => Self::Skipped(why.to_owned()),
            ("failed", why) => Self::Failed(why.to_owned()),
            _ => Self::Failed(format!("it said \"{text}\"")),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("passed"),
            Self::Unjudged => f.write_str("unjudged"),
            Self::Skipped(why) => write!(f, "skipped {why}"),
            Self::Failed(why) => write!(f, "failed {why}"),
        }
    }
}

/// The cases on one renderer.
pub struct Suite {
    renderer: Renderer,
    folder: PathBuf,
    /// With the kernel-mode driver's image.
    pub kernel: bool,
    /// With Vulkan's validation layer.
    pub validate: bool,
    /// The messages of the daemons that were started.
    pub logs: Vec<PathBuf>,
}

impl Suite {
    /// Results go to `folder`.
    pub fn new(renderer: Renderer, folder: PathBuf) -> Self {
        Self { renderer, folder, kernel: false, validate: false, logs: Vec::new() }
    }

    /// Runs all cases whose name contains `filter`.
    ///
    /// # Errors
    /// If the program cannot be started or ends before its first case.
    pub fn run(&mut self, filter: Option<&str>, display: &Display) -> Result<BTreeMap<String, Verdict>> {
        let filter: Vec<String> =
            filter.map(|filter| vec!["--filter".to_owned(), filter.to_owned()]).unwrap_or_default();
        self.run_with(&filter, display)
    }

    /// Runs the cases of these names.
    ///
    /// # Errors
    /// As for [`run`](Self::run).
    pub fn run_named(&mut self, names: &[String], display: &Display) -> Result<BTreeMap<String, Verdict>> {
        self.run_with(names, display)
    }

    /// Starts the program again after a case that ended it, with the cases that follow.
    fn run_with(&mut self, arguments: &[String], display: &Display) -> Result<BTreeMap<String, Verdict>> {
        let mut verdicts = BTreeMap::new();
        let mut after = Vec::new();
        loop {
            let (text, code) = self.start([arguments, &after].concat(), display)?;
            let (found, unfinished) = read(&text);
            let any = !found.is_empty() || unfinished.is_some();
            verdicts.extend(found);
            let Some(name) = unfinished else {
                if code == Some(0) {
                    return Ok(verdicts);
                }
                let end = text.lines().rev().take(5).collect::<Vec<_>>().join("; ");
                return Err(Error::Failed(format!("{PROGRAM} ended with {code:?}, at last: {end}")));
            };
            if !any {
                return Err(Error::Failed(format!("{PROGRAM} ran no case")));
            }
            let why = match code {
                None | Some(HUNG) => "it hung".to_owned(),
                Some(code) => format!("it ended the program with exit code {code}"),
            };
            verdicts.insert(name.clone(), Verdict::Failed(why));
            after = vec!["--after".to_owned(), name];
        }
    }

    /// What the program wrote, and its exit code.
    fn start(&mut self, arguments: Vec<String>, display: &Display) -> Result<(String, Option<i32>)> {
        fs::create_dir_all(&self.folder).map_err(Error::io("make", &self.folder))?;
        let output = self.folder.join(OUTPUT);
        let mut all = vec![OsString::from("--out"), windows_path(&self.folder).into()];
        all.extend(arguments.into_iter().map(OsString::from));
        let request = Request {
            arguments: all,
            timeout: Some(TIMEOUT),
            output: Output::File(output.clone()),
            kernel: self.kernel,
            validate: self.validate,
            ..Request::new(self.renderer.clone(), paths::windows_file(PROGRAM))
        };
        let outcome = program::run(&request, display)?;
        self.logs.extend(outcome.daemon_log);
        Ok((fs::read_to_string(&output).unwrap_or_default(), outcome.code))
    }
}

/// The verdicts of a run of the program whose output was kept beside what it left.
///
/// # Errors
/// If there is no output, or no case in it.
pub fn left_in(folder: &Path) -> Result<BTreeMap<String, Verdict>> {
    let file = folder.join(OUTPUT);
    let text = fs::read_to_string(&file).map_err(Error::io("read", &file))?;
    let mut verdicts = BTreeMap::new();
    // It may have been started again after a case that ended it.
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("begin ") {
            verdicts.insert(name.to_owned(), Verdict::Failed("it ended the program".to_owned()));
        }
    }
    verdicts.extend(read(&text).0);
    if verdicts.is_empty() {
        return Err(Error::Failed(format!("{} tells of no case", file.display())));
    }
    Ok(verdicts)
}

/// The verdicts in the program's output, and the case that it did not finish.
fn read(text: &str) -> (BTreeMap<String, Verdict>, Option<String>) {
    let (mut verdicts, mut unfinished) = (BTreeMap::new(), None);
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("begin ") {
            unfinished = Some(name.to_owned());
        } else if let Some((name, verdict)) = line.strip_prefix("end ").and_then(|rest| rest.split_once(' '))
        {
            verdicts.insert(name.to_owned(), Verdict::parse(verdict));
            unfinished = None;
        }
    }
    (verdicts, unfinished)
}

/// Changes with the program, and so whenever reference results might.
pub fn program_hash() -> Result<String> {
    let file = paths::windows_file(PROGRAM);
    let mut hasher = DefaultHasher::new();
    fs::read(&file).map_err(Error::io("read", &file))?.hash(&mut hasher);
    Ok(format!("{:016x}", hasher.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_without_an_end_is_found() {
        let text =
            "begin a/b\r\nend a/b passed\r\nbegin a/c\r\nend a/c failed 3 texels differ\r\nbegin a/d\r\n";
        let (verdicts, unfinished) = read(text);
        assert_eq!(verdicts["a/b"], Verdict::Passed);
        assert_eq!(verdicts["a/c"], Verdict::Failed("3 texels differ".to_owned()));
        assert_eq!(unfinished.as_deref(), Some("a/d"));
    }

    #[test]
    fn what_was_left_elsewhere_is_read_over_several_starts() {
        let folder = std::env::temp_dir().join(format!("pvgpu-golden-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder can be made");
        assert!(left_in(&folder).is_err());
        let text = "begin a/b\nend a/b passed\nbegin a/c\nbegin a/d\nend a/d unjudged\n";
        fs::write(folder.join(OUTPUT), text).expect("a file can be written");
        let verdicts = left_in(&folder).expect("there are cases");
        fs::remove_dir_all(&folder).expect("the folder can be removed");
        assert_eq!(verdicts["a/b"], Verdict::Passed);
        assert!(matches!(verdicts["a/c"], Verdict::Failed(_)));
        assert_eq!(verdicts["a/d"], Verdict::Unjudged);
    }

    #[test]
    fn verdicts_can_be_kept_as_text() {
        for verdict in
            [Verdict::Passed, Verdict::Unjudged, Verdict::Skipped("no".into()), Verdict::Failed("a b".into())]
        {
            assert_eq!(Verdict::parse(&verdict.to_string()), verdict);
        }
    }
}
