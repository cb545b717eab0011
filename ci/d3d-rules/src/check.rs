//! Counts rules that hold and prints those that do not.

use std::fmt::Debug;
use std::process::ExitCode;

/// What has been found so far.
#[derive(Debug, Default)]
pub struct Report {
    kept: u32,
    broken: u32,
}

impl Report {
    /// Notes whether two values are equal.
    pub fn equal<T: PartialEq + Debug>(&mut self, rule: &str, found: T, expected: T) {
        if found == expected {
            self.kept += 1;
        } else {
            self.broken += 1;
            println!("BROKEN: {rule}: found {found:?}, expected {expected:?}");
        }
    }

    /// Notes whether something is so.
    pub fn holds(&mut self, rule: &str, is_so: bool) {
        self.equal(rule, is_so, true);
    }

    /// Prints the sum.
    pub fn finish(self) -> ExitCode {
        println!("d3d-rules: {} kept, {} broken", self.kept, self.broken);
        if self.broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
