//! Pageable memory: what dxgkrnl lends to the driver from paged pool, for the time of a call.
//!
//! In strict runs on Linux each such buffer has pages of its own. While the thread that lends it is at `DISPATCH_LEVEL` or
//! above, these pages cannot be accessed: a touch, which on Windows is a bug check as soon as the pages are not resident,
//! ends the process with a message. Behind the bytes stands a guard. Elsewhere the caller's own bytes are lent.

#[cfg(target_os = "linux")]
mod linux;

use std::ptr;

#[cfg(target_os = "linux")]
pub(crate) use linux::level_changed;

use crate::verifier::Verifier;

/// A buffer that is lent as pageable memory. What the driver has written is in the caller's bytes after the drop.
pub(crate) struct Pageable<'a, T: Copy> {
    bytes: &'a mut [T],
    #[cfg(target_os = "linux")]
    pages: Option<linux::Pages<'a>>,
}

impl<'a, T: Copy> Pageable<'a, T> {
    /// Lends `bytes` to `entry`, which the calling thread calls; a copy of them in a strict run.
    pub(crate) fn new(verifier: &'a Verifier, entry: &'static str, bytes: &'a mut [T]) -> Self {
        #[cfg(target_os = "linux")]
        let pages = {
            let wanted = verifier.is_strict() && !bytes.is_empty();
            let pages = wanted.then(|| linux::Pages::new(verifier, entry, size_of_val(bytes))).flatten();
            if let Some(pages) = &pages {
                // SAFETY: the pages are new and hold as many bytes as the slice, from a page's start on.
                unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), pages.start().cast(), bytes.len()) };
            }
            pages
        };
        #[cfg(not(target_os = "linux"))]
        let _ = (verifier, entry);
        Self {
            bytes,
            #[cfg(target_os = "linux")]
            pages,
        }
    }

    /// How many bytes they are, as arguments of entries say it.
    pub(crate) fn size(&self) -> u32 {
        // CAST: what dxgkrnl lends is far below 4 GiB.
        size_of_val(self.bytes) as u32
    }

    /// Ends the loan: what was lent is the caller's again, with what the driver wrote.
    pub(crate) fn take_back(self) {}

    /// Where the driver finds them; null for none at all.
    pub(crate) fn pointer(&mut self) -> *mut T {
        #[cfg(target_os = "linux")]
        if let Some(pages) = &self.pages {
            return pages.start().cast();
        }
        if self.bytes.is_empty() { ptr::null_mut() } else { self.bytes.as_mut_ptr() }
    }
}

#[cfg(target_os = "linux")]
impl<T: Copy> Drop for Pageable<'_, T> {
    fn drop(&mut self) {
        let Some(pages) = &self.pages else { return };
        pages.take_back();
        // SAFETY: the pages are accessible again and hold as many bytes as the slice; the driver wrote values of the type or
        // left what was copied there.
        unsafe { ptr::copy_nonoverlapping(pages.start().cast(), self.bytes.as_mut_ptr(), self.bytes.len()) };
    }
}

/// Nothing is pageable here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn level_changed(_high: bool) {}

#[cfg(all(test, target_os = "linux"))]
mod tests;
