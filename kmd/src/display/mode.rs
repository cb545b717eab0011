//! Display modes: the table that every adapter offers, and the one mode that the host may add.

use pvgpu_protocol::limits::MAX_MODES;
use pvgpu_protocol::mode::{BadMode, DisplayMode};

use crate::status::Status;

/// Video present sources of the adapter (`NumberOfVideoPresentSources`).
pub const SOURCES: u32 = 1;
/// Children of the adapter (`NumberOfChildren`): one video output, which is also the one video present target.
pub const TARGETS: u32 = 1;
/// Whether dxgkrnl is told that there is a hardware pointer, of every kind and up to [`MAX_POINTER_EXTENT`](super::MAX_POINTER_EXTENT) pixels wide and
/// high (`DXGK_DRIVERCAPS::PointerCaps`): the host draws it.
pub const HARDWARE_POINTER: bool = true;
/// The one source; dxgkrnl counts them from 0.
pub const SOURCE_ID: u32 = 0;
/// The one child's `ChildUid`, which is its target's id.
pub const TARGET_ID: u32 = 0;

/// A resolution, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size {
    /// Pixels in a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
}

/// The resolutions of the table, smallest first. 1280 × 720 to 3840 × 2160, in the aspect ratios of monitors that are sold.
pub const SIZES: [Size; 15] = [
    Size { width: 1280, height: 720 },
    Size { width: 1280, height: 800 },
    Size { width: 1280, height: 1024 },
    Size { width: 1366, height: 768 },
    Size { width: 1440, height: 900 },
    Size { width: 1600, height: 900 },
    Size { width: 1680, height: 1050 },
    Size { width: 1920, height: 1080 },
    Size { width: 1920, height: 1200 },
    Size { width: 2560, height: 1080 },
    Size { width: 2560, height: 1440 },
    Size { width: 2560, height: 1600 },
    Size { width: 3440, height: 1440 },
    Size { width: 3840, height: 1600 },
    Size { width: 3840, height: 2160 },
];

/// The refresh rates of the table, in millihertz; each goes with each resolution.
pub const REFRESH_MILLIHERTZ: [u32; 4] = [60_000, 75_000, 120_000, 144_000];

// All of them and the host's mode fit into the escape that lists them.
const _: () = assert!(SIZES.len() * REFRESH_MILLIHERTZ.len() < MAX_MODES);

/// What the monitor prefers while the host has no wish.
pub const DEFAULT_MODE: DisplayMode = DisplayMode { width: 1920, height: 1080, refresh_millihertz: 60_000 };

/// Bytes of one pixel of every primary: `D3DDDIFMT_A8R8G8B8` and `D3DDDIFMT_X8R8G8B8`.
pub const BYTES_PER_PIXEL: u32 = 4;
/// A primary's rows begin at multiples of this, as [`DisplayMode::frame_bytes`] counts.
pub const PITCH_ALIGNMENT: u32 = 256;

/// Bytes from row to row of a primary of the given width.
pub const fn pitch(width: u32) -> u32 {
    width.saturating_mul(BYTES_PER_PIXEL).saturating_add(PITCH_ALIGNMENT - 1) / PITCH_ALIGNMENT
        * PITCH_ALIGNMENT
}

impl Size {
    /// The mode of this size with a refresh rate.
    pub const fn at(self, refresh_millihertz: u32) -> DisplayMode {
        DisplayMode { width: self.width, height: self.height, refresh_millihertz }
    }
}

impl From<DisplayMode> for Size {
    fn from(mode: DisplayMode) -> Self {
        Self { width: mode.width, height: mode.height }
    }
}

impl From<BadMode> for Status {
    fn from(error: BadMode) -> Self {
        let (field, value, rule) = match error {
            BadMode::Width { pixels } => ("width", pixels, "it is even and from 640 to 7680"),
            BadMode::Height { pixels } => ("height", pixels, "it is from 480 to 4320"),
            BadMode::Refresh { millihertz } => {
                ("refresh", millihertz, "it is from 24000 to 240000 millihertz")
            }
        };
        Self::BadField { field, value: u64::from(value), rule }
    }
}

/// What the adapter offers at the moment: a small value, copied out of the lock and then enumerated without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModeList {
    custom: Option<DisplayMode>,
    boot_size: Option<Size>,
    max_primary_bytes: u64,
}

impl ModeList {
    /// The table's modes whose primary has at most `max_primary_bytes`, and the host's.
    ///
    /// A mode whose primary cannot be allocated would make Windows fall back to another one, with a black screen between.
    /// The smallest mode is always offered, so that the monitor is never without one.
    pub const fn new(custom: Option<DisplayMode>, boot_size: Option<Size>, max_primary_bytes: u64) -> Self {
        Self { custom, boot_size, max_primary_bytes }
    }

    /// The same list without the host's mode.
    pub const fn without_custom(self) -> Self {
        Self { custom: None, ..self }
    }

    /// The host's mode, if it has one that fits.
    pub fn custom(&self) -> Option<DisplayMode> {
        self.custom.filter(|mode| self.fits((*mode).into()))
    }

    /// What the monitor prefers: the host's mode, else the size that was on the screen before the driver started, else
    /// [`DEFAULT_MODE`], else the largest that fits.
    pub fn preferred(&self) -> DisplayMode {
        self.custom().unwrap_or_else(|| {
            let [smallest, ..] = SIZES;
            let wanted = [self.boot_size, Some(DEFAULT_MODE.into())].into_iter().flatten();
            let size = wanted.filter(|size| self.has_size(*size)).chain(self.sizes().last()).next();
            size.unwrap_or(smallest).at(DEFAULT_MODE.refresh_millihertz)
        })
    }

    /// The resolutions, each once.
    pub fn sizes(&self) -> impl Iterator<Item = Size> + use<> {
        let list = *self;
        let of_host = list.custom().map(Size::from).filter(|size| !SIZES.contains(size));
        let smallest = SIZES.iter().take(1);
        let others = SIZES.iter().skip(1).filter(move |size| list.fits(**size));
        smallest.chain(others).copied().chain(of_host)
    }

    /// All modes, each once; the preferred one is among them.
    pub fn modes(&self) -> impl Iterator<Item = DisplayMode> + use<> {
        let list = *self;
        let of_table = list.sizes().filter(|size| SIZES.contains(size)).flat_map(|size| {
            REFRESH_MILLIHERTZ.into_iter().map(move |refresh_millihertz| size.at(refresh_millihertz))
        });
        let in_table = |mode: &DisplayMode| {
            SIZES.contains(&Size::from(*mode)) && REFRESH_MILLIHERTZ.contains(&mode.refresh_millihertz)
        };
        let of_host = list.custom().filter(|mode| !in_table(mode));
        of_table.chain(of_host)
    }

    /// Whether the adapter scans out surfaces of this size.
    pub fn has_size(&self, size: Size) -> bool {
        self.sizes().any(|one| one == size)
    }

    /// Whether the adapter has this mode.
    pub fn has(&self, mode: DisplayMode) -> bool {
        self.modes().any(|one| one == mode)
    }

    fn fits(&self, size: Size) -> bool {
        size.at(DEFAULT_MODE.refresh_millihertz).frame_bytes() <= self.max_primary_bytes
    }
}
