//! What the adapter is told when it starts: which device it is, and what the registry says.

use pvgpu_protocol::aperture::PAGE_BYTES;
use pvgpu_protocol::kernel_interface::device_kind;
use pvgpu_protocol::telemetry::Level;

/// The settings of one start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// One of [`device_kind`]. A `ROOT` device gets its host from a link service, a `PCI` device has one.
    pub device: u32,
    /// Records that matter less are not written.
    pub log_level: Level,
    /// Bytes at the end of the heap that dxgkrnl's video memory manager gets as its segment; see
    /// [`crate::ddi::Segment`]. Rounded down to pages, and at most three quarters of the heap.
    pub segment_bytes: u64,
    /// The driver package's version, four 16-bit parts, the first in the highest bits.
    pub driver_version: u64,
}

impl Default for Settings {
    /// A `ROOT` device for programs alone: no memory is set aside for a desktop.
    fn default() -> Self {
        Self { device: device_kind::ROOT, log_level: Level::Info, segment_bytes: 0, driver_version: 0 }
    }
}

/// A 4K primary, and the shadow of it that the desktop is drawn on when nobody composes.
const DESKTOP_BYTES: u64 = 2 * 3840 * 2160 * 4;

impl Settings {
    /// Settings for an adapter with a desktop: a quarter of the aperture is the segment, but no less than a 4K desktop
    /// needs, and no more than half of the aperture.
    pub const fn with_desktop(self, aperture_bytes: u64) -> Self {
        let mut bytes = aperture_bytes / 4;
        if bytes < DESKTOP_BYTES {
            bytes = DESKTOP_BYTES;
        }
        if bytes > aperture_bytes / 2 {
            bytes = aperture_bytes / 2;
        }
        Self { segment_bytes: bytes - bytes % PAGE_BYTES, ..self }
    }

    /// The segment's size in a heap of `heap_bytes`.
    pub(crate) const fn segment_in(&self, heap_bytes: u64) -> u64 {
        let most = heap_bytes / 4 * 3;
        let bytes = if self.segment_bytes < most { self.segment_bytes } else { most };
        bytes - bytes % PAGE_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_holds_a_desktop_and_leaves_room() {
        let segment = |aperture| Settings::default().with_desktop(aperture).segment_bytes;
        assert_eq!(segment(64 << 20), 32 << 20);
        assert_eq!(segment(256 << 20), 64 << 20);
        assert_eq!(segment(160 << 20), DESKTOP_BYTES);
        assert_eq!(segment(8 << 30), 2 << 30);
        let all = Settings { segment_bytes: u64::MAX, ..Settings::default() };
        assert_eq!(all.segment_in(64 << 20), 48 << 20);
        let odd = Settings { segment_bytes: PAGE_BYTES + 1, ..all };
        assert_eq!(odd.segment_in(64 << 20), PAGE_BYTES);
        assert_eq!(odd.segment_in(0), 0);
    }
}
