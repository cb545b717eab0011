//! The rules by subject.

mod binding;
mod contents;
mod creation;
mod gpu;
mod lifetime;
mod many;

use windows::core::Result;

use crate::check::Report;
use crate::device;

/// Checks everything on a device of its own.
///
/// # Errors
/// What stops the checks: no device, or an object that everything else needs.
pub fn all(report: &mut Report) -> Result<()> {
    let device = device::device()?;
    lifetime::check(report, &device)?;
    creation::check(report, &device)?;
    binding::check(report, &device)?;
    contents::check(report, &device)?;
    gpu::check(report, &device)?;
    many::check(report, &device)
}
