//! The rules by subject.

mod binding;
mod contents;
mod creation;
mod deferred;
mod gpu;
mod levels;
mod lifetime;
mod linkage;
mod many;
mod processes;
mod resources;
pub mod sharing;
mod tiled;

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
    deferred::check(report, &device)?;
    resources::check(report, &device)?;
    linkage::check(report, &device)?;
    levels::check(report, &device)?;
    sharing::check(report, &device)?;
    processes::check(report, &device)?;
    tiled::check(report, &device)?;
    many::check(report, &device)
}
