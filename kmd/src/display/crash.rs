//! The bugcheck screen: rows of pixels written straight into the surface that is scanned out.
//!
//! `DxgkDdiSystemDisplayEnable` and `DxgkDdiSystemDisplayWrite` are called at any IRQL, with all other processors stopped
//! wherever they were, the adapter's lock perhaps held. So this part has cells of its own, takes no lock, calls nothing, and
//! checks each place against the aperture's size. A surface that was just changing while the system stopped gives a
//! garbled screen at worst.

use core::sync::atomic::{AtomicU64, Ordering};

use pvgpu_protocol::command::scanout_format;

use super::mode::{BYTES_PER_PIXEL, TARGET_ID};
use super::source::Surface;
use crate::adapter::Adapter;
use crate::kernel::Kernel;

// A pixel of the bugcheck screen is as large as one of a primary.
const _: () = assert!(BYTES_PER_PIXEL == 4);

/// Where the bugcheck screen goes.
#[derive(Debug, Default)]
pub(crate) struct CrashScreen {
    /// First byte, from the start of the aperture.
    offset: AtomicU64,
    /// Width in the low half, height in the high one; 0 while nothing is scanned out.
    extent: AtomicU64,
    /// Pitch in the low half, format in the high one.
    layout: AtomicU64,
}

/// A bugcheck screen's size (`DxgkDdiSystemDisplayEnable`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemDisplay {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// Two halves of a word.
fn halves(word: u64) -> (u32, u32) {
    // CAST: the low half, then the high one.
    (word as u32, (word >> 32) as u32)
}

/// A word of two halves.
fn word(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

impl CrashScreen {
    /// Remembers what is scanned out; `heap_offset` is where the heap begins in the aperture. Under the adapter's lock.
    pub(crate) fn set(&self, surface: Option<Surface>, heap_offset: u64) {
        let Some(surface) = surface else {
            self.extent.store(0, Ordering::Relaxed);
            return;
        };
        self.offset.store(heap_offset.saturating_add(surface.range.offset), Ordering::Relaxed);
        self.layout.store(word(surface.pitch, surface.format), Ordering::Relaxed);
        self.extent.store(word(surface.width, surface.height), Ordering::Relaxed);
    }

    /// The screen's size; `None` when nothing is scanned out. Any IRQL.
    pub(crate) fn size(&self) -> Option<SystemDisplay> {
        let (width, height) = halves(self.extent.load(Ordering::Relaxed));
        (width != 0 && height != 0).then_some(SystemDisplay { width, height })
    }

    /// Writes one row of `X8R8G8B8` pixels, four bytes each; what lies outside the screen or the aperture is left out. Any
    /// IRQL.
    pub(crate) fn write_row(&self, cells: &[AtomicU64], (x, y): (u32, u32), pixels: &[u8]) {
        let Some(SystemDisplay { width, height }) = self.size() else { return };
        let (pitch, format) = halves(self.layout.load(Ordering::Relaxed));
        if x >= width || y >= height {
            return;
        }
        let offset = self.offset.load(Ordering::Relaxed);
        let row = u64::from(y) * u64::from(pitch) + u64::from(x) * 4;
        // A place beyond the aperture has no cell, and all that follow have none either.
        let Some(mut at) = offset.checked_add(row) else { return };
        for pixel in pixels.chunks_exact(4).take((width - x) as usize) {
            let &[blue, green, red, _] = pixel else { continue };
            let Some(cell) = usize::try_from(at / 8).ok().and_then(|cell| cells.get(cell)) else { return };
            let texel = u64::from(texel(format, [red, green, blue]));
            // Nobody else runs, so this need not be one step.
            let old = cell.load(Ordering::Relaxed);
            let new =
                if at.is_multiple_of(8) { old >> 32 << 32 | texel } else { old & 0xFFFF_FFFF | texel << 32 };
            cell.store(new, Ordering::Relaxed);
            // Does not overflow: a cell at this place exists.
            at += 4;
        }
    }
}

impl<K: Kernel> Adapter<K> {
    /// `DxgkDdiSystemDisplayEnable`: keeps the mode that is set; `None` when nothing is scanned out. Any IRQL, no lock.
    pub fn system_display_enable(&self, vid_pn_target_id: u32) -> Option<SystemDisplay> {
        self.kernel.crash_aperture()?;
        self.crash.size().filter(|_| vid_pn_target_id == TARGET_ID)
    }

    /// `DxgkDdiSystemDisplayWrite`: writes `rows` of `X8R8G8B8` pixels at a position. Any IRQL, no lock.
    pub fn system_display_write<'a>(
        &self,
        rows: impl Iterator<Item = &'a [u8]>,
        (position_x, position_y): (u32, u32),
    ) {
        let Some(aperture) = self.kernel.crash_aperture() else { return };
        let mut next = Some(position_y);
        for row in rows {
            let Some(y) = next else { return };
            self.crash.write_row(aperture.as_ref(), (position_x, y), row);
            next = y.checked_add(1);
        }
    }
}

/// A colour in a scanout format.
fn texel(format: u32, [red, green, blue]: [u8; 3]) -> u32 {
    match format {
        scanout_format::R8G8B8A8 => u32::from_le_bytes([red, green, blue, 0xFF]),
        scanout_format::R10G10B10A2 => {
            // Eight bits become ten as UNORM formats convert: the highest bits again at the end.
            let ten = |value: u8| u32::from(value) << 2 | u32::from(value) >> 6;
            ten(red) | ten(green) << 10 | ten(blue) << 20 | 3 << 30
        }
        _ => u32::from_le_bytes([blue, green, red, 0xFF]),
    }
}
