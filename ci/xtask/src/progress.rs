//! Lines that tell a human what is being done and how long it took.

use std::fmt::Display;
use std::time::Instant;

use crate::Result;

/// Prints what begins, does it, and prints how long it took if that was noticeable.
///
/// # Errors
/// The action's own.
pub fn step<T>(what: impl Display, action: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("==> {what}");
    let start = Instant::now();
    let result = action()?;
    let seconds = start.elapsed().as_secs_f64();
    if seconds >= 1.0 {
        eprintln!("    done in {seconds:.1} s");
    }
    Ok(result)
}
