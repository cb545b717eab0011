//! What processes have in common of a shared resource: a section of some KiB, and a way to wake whoever waits for a change in it.
//!
//! Windows' dxgkrnl is one kernel for all processes. This model is one for each, so what must be known to all of them lies in
//! memory that all map. Which memory, how it is named and who may map it is the runtime's part ([`Sections`]); what stands in it
//! is said here:
//!
//! | cells | what |
//! |---|---|
//! | 0 | [`MAGIC`], last of all that its maker writes |
//! | 1 | a number by which one resource differs from a later one with the same handle |
//! | 2 | whether it has a keyed mutex |
//! | 3, 4 | the mutex, see [`super::mutex`] |
//! | 5 | whether somebody waits |
//! | 6 | the last ticket of a submission, see [`super::order`] |
//! | 8 … | who has it, two cells each, see [`super::order`] |
//! | 64 … | what is kept for those who open it: three runs of bytes, each behind its length |
//!
//! All of it is one user's: a process that writes nonsense hurts its user's other programs, as it could by other means. Nothing
//! here is trusted with memory of this process, though: lengths are checked, and the bytes are copied before they are looked at.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// "pvgpu shared resource, second form".
pub const MAGIC: u64 = u64::from_le_bytes(*b"pvgpush2");
/// Cells of a section: a page.
pub const CELLS: usize = 512;

/// Indices of cells.
pub(crate) mod cell {
    pub(crate) const MAGIC: usize = 0;
    pub(crate) const UNIQUE: usize = 1;
    pub(crate) const KEYED: usize = 2;
    pub(crate) const MUTEX: usize = 3;
    pub(crate) const KEY: usize = 4;
    pub(crate) const WAITING: usize = 5;
    pub(crate) const TICKET: usize = 6;
    pub(crate) const USERS: usize = 8;
    pub(crate) const DATA: usize = 64;
}

/// Processes that may have one resource open at a time.
pub(crate) const MAX_USERS: usize = (cell::DATA - cell::USERS) / 2;

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// Somebody has changed something, perhaps.
    Woken,
    /// The time is over.
    Timeout,
}

/// A section of a shared resource. It lives as long as a process has it.
pub trait Section: Send + Sync {
    /// [`CELLS`] cells, zeros at first.
    fn cells(&self) -> &[AtomicU64];

    /// Wakes one of those who wait, in whichever process.
    fn wake(&self);

    /// Waits until somebody wakes.
    fn wait(&self, timeout: Duration) -> Waited;
}

/// Where sections come from.
pub trait Sections: Send + Sync {
    /// Makes the section of a handle; none when there is one already.
    fn create(&self, handle: u32) -> Option<Arc<dyn Section>>;

    /// The section of a handle, if a process has it.
    fn open(&self, handle: u32) -> Option<Arc<dyn Section>>;

    /// This process; never 0.
    fn process(&self) -> u32;

    /// Whether a process is alive, or what it has submitted is still executed.
    fn is_alive(&self, process: u32) -> bool;
}

/// A cell; sections have all that are asked for.
pub(crate) fn at(section: &dyn Section, index: usize) -> &AtomicU64 {
    static NONE: AtomicU64 = AtomicU64::new(0);
    section.cells().get(index).unwrap_or(&NONE)
}

/// Wakes somebody, if somebody waits.
pub(crate) fn wake(section: &dyn Section) {
    if at(section, cell::WAITING).load(Ordering::SeqCst) != 0 {
        section.wake();
    }
}

/// Waits until somebody wakes, or for so long.
pub(crate) fn wait(section: &dyn Section, timeout: Duration) {
    section.wait(timeout);
}

/// Somebody waits, for as long as this lives.
pub(crate) struct Waiting<'s>(&'s dyn Section);

impl<'s> Waiting<'s> {
    /// To be made before the state is looked at, so that no change goes unnoticed.
    pub(crate) fn begin(section: &'s dyn Section) -> Self {
        at(section, cell::WAITING).fetch_add(1, Ordering::SeqCst);
        Self(section)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        at(self.0, cell::WAITING).fetch_sub(1, Ordering::SeqCst);
    }
}

/// Writes what is kept for those who open the resource; false when there is more than a section holds.
pub(crate) fn write_data(section: &dyn Section, runs: [&[u8]; 3]) -> bool {
    let mut index = cell::DATA;
    for run in runs {
        let end = index + 1 + run.len().div_ceil(8);
        if end > CELLS {
            return false;
        }
        at(section, index).store(run.len() as u64, Ordering::Relaxed);
        for (offset, chunk) in run.chunks(8).enumerate() {
            let mut word = [0; 8];
            word.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
            at(section, index + 1 + offset).store(u64::from_le_bytes(word), Ordering::Relaxed);
        }
        index = end;
    }
    true
}

/// Reads it.
pub(crate) fn read_data(section: &dyn Section) -> Option<[Vec<u8>; 3]> {
    let mut index = cell::DATA;
    let mut run = || {
        let length = usize::try_from(at(section, index).load(Ordering::Relaxed)).ok()?;
        let end = index.checked_add(1)?.checked_add(length.div_ceil(8))?;
        if end > CELLS {
            return None;
        }
        let words = (index + 1..end).map(|index| at(section, index).load(Ordering::Relaxed));
        let mut bytes: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
        bytes.truncate(length);
        index = end;
        Some(bytes)
    };
    Some([run()?, run()?, run()?])
}
