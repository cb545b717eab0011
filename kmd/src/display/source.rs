//! The video present source: its mode, the surface that it scans out, whether it is visible.

use pvgpu_protocol::command::{HeapRange, SetScanout};
use pvgpu_protocol::mode::DisplayMode;

use super::mode::{DEFAULT_MODE, SOURCE_ID};
use super::timing::Timing;

/// A surface that a source can scan out. It lies in the heap, and whoever made this has checked that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Surface {
    /// Where the rows lie.
    pub range: HeapRange,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Bytes from row to row.
    pub pitch: u32,
    /// One of [`pvgpu_protocol::command::scanout_format`].
    pub format: u32,
    /// The address that dxgkrnl knows it by: in its segment, for the vsync interrupt.
    pub address: u64,
}

/// A source's committed mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommittedMode {
    /// Size and rate.
    pub mode: DisplayMode,
    /// One of [`pvgpu_protocol::command::scanout_format`].
    pub format: u32,
}

/// The source.
#[derive(Debug)]
pub(crate) struct Source {
    mode: Option<CommittedMode>,
    surface: Option<Surface>,
    /// The address that dxgkrnl named last. It is reported with each vertical blank, also while nothing is scanned out: "the
    /// operating system still expects a non-NULL physical address" (DXGKARGCB_NOTIFY_INTERRUPT_DATA).
    address: Option<u64>,
    visible: bool,
}

impl Source {
    /// A source without a mode.
    pub(crate) const fn new() -> Self {
        Self { mode: None, surface: None, address: None, visible: false }
    }

    /// The committed mode.
    pub(crate) const fn mode(&self) -> Option<CommittedMode> {
        self.mode
    }

    /// The surface that is scanned out.
    pub(crate) const fn surface(&self) -> Option<Surface> {
        self.surface
    }

    /// The address for the vsync interrupt; `None` before dxgkrnl has named one.
    pub(crate) const fn address(&self) -> Option<u64> {
        self.address
    }

    /// Whether the source is to be seen.
    pub(crate) const fn visible(&self) -> bool {
        self.visible
    }

    /// The signal's timing; of the default mode while none is set.
    pub(crate) fn timing(&self) -> Timing {
        Timing::new(self.mode.map_or(DEFAULT_MODE, |committed| committed.mode))
    }

    /// Sets a mode, or none. Another mode needs another surface; dxgkrnl names it next.
    pub(crate) fn commit(&mut self, mode: Option<CommittedMode>) {
        if self.mode != mode {
            self.surface = None;
        }
        self.mode = mode;
        if mode.is_none() {
            self.visible = false;
        }
    }

    /// Scans another surface out.
    pub(crate) fn flip(&mut self, surface: Surface) {
        self.surface = Some(surface);
        self.address = Some(surface.address);
    }

    /// Forgets the surface if it touches a range that is given back, so that the host never reads what is somebody else's.
    pub(crate) fn forget(&mut self, range: HeapRange) {
        let touches = |surface: &Surface| {
            let (a, b) = (surface.range, range);
            a.offset < b.offset.saturating_add(b.length) && b.offset < a.offset.saturating_add(a.length)
        };
        self.surface = self.surface.filter(|surface| !touches(surface));
    }

    /// Shows or hides the source.
    pub(crate) fn set_visible(&mut self, visible: bool) {
        self.visible = visible;
    }

    /// What the host must be told: the record that says all of it.
    pub(crate) fn scanout(&self) -> SetScanout {
        match (self.mode, self.surface) {
            (Some(committed), Some(surface)) => SetScanout {
                surface: surface.range,
                source: SOURCE_ID,
                visible: u32::from(self.visible),
                width: surface.width,
                height: surface.height,
                pitch: surface.pitch,
                format: surface.format,
                refresh_millihertz: committed.mode.refresh_millihertz,
                reserved: 0,
            },
            _ => SetScanout {
                surface: HeapRange::default(),
                source: SOURCE_ID,
                visible: 0,
                width: 0,
                height: 0,
                pitch: 0,
                format: 0,
                refresh_millihertz: 0,
                reserved: 0,
            },
        }
    }
}
