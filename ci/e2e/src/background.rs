//! Programs that a test runs, beside it or to their end, and what they write.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::wait_for;

/// TIMEOUT: for what takes a second or three.
pub const SOON: Duration = Duration::from_secs(30);

/// Gives a guest its keys, or has it trust the link.
pub fn with_keys<'c>(command: &'c mut Command, keys: Option<&Path>) -> &'c mut Command {
    match keys {
        Some(keys) => command.env("PVGPU_KEYS", keys).env("PVGPU_TRUST_LINK", "0"),
        None => command.env("PVGPU_TRUST_LINK", "1"),
    }
}

/// Runs something to its end: whether it was content, and what it wrote.
///
/// # Panics
/// If it does not start.
pub fn run(command: &mut Command) -> (bool, String) {
    let output = command.stdin(Stdio::null()).output().expect("it starts");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// A program that is ended when this is dropped, and what it has written.
#[derive(Debug)]
pub struct Program {
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts it; what it writes goes to the file `log`.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start(command: &mut Command, log: PathBuf) -> Self {
        fs::create_dir_all(log.parent().expect("a folder")).expect("a folder");
        let file = File::create(&log).expect("a log");
        let command = command.stdin(Stdio::null()).stdout(file.try_clone().expect("a log")).stderr(file);
        Self { child: command.spawn().expect("it starts"), log }
    }

    /// What it has written.
    ///
    /// # Panics
    /// If that cannot be read.
    pub fn text(&self) -> String {
        fs::read_to_string(&self.log).expect("a log")
    }

    /// Waits until it has written something for the `times`-th time.
    ///
    /// # Panics
    /// If it does not within [`SOON`].
    pub fn says(&self, text: &str, times: usize) {
        let begin = Instant::now();
        while self.text().matches(text).count() < times {
            assert!(begin.elapsed() < SOON, "waited in vain for {text:?}:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until it ends by itself, and gives whether it was content.
    ///
    /// # Panics
    /// If it does not within `limit`.
    pub fn ends(&mut self, limit: Duration) -> bool {
        wait_for("a program to end", limit, || self.child.try_wait().expect("it is ours")).success()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
