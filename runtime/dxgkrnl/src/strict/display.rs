//! The display of a test system: modes, primaries, the pointer, the vertical blank, the screen of a bug check.

use std::fmt;
use std::sync::Arc;

use pvgpu_kmd_ddi::{
    D3DDDI_RATIONAL, D3DDDIFMT_A8R8G8B8, D3DKMDT_GDISURFACE_TEXTURE, D3DKMDT_GDISURFACEDATA,
    D3DKMDT_PALETTEDATA, D3DKMDT_SHADOWSURFACEDATA, D3DKMDT_SHAREDPRIMARYSURFACEDATA,
    D3DKMDT_STAGINGSURFACEDATA, D3DKMDT_STANDARDALLOCATION_GDISURFACE,
    D3DKMDT_STANDARDALLOCATION_SHADOWSURFACE, D3DKMDT_STANDARDALLOCATION_SHAREDPRIMARYSURFACE,
    D3DKMDT_STANDARDALLOCATION_STAGINGSURFACE, DXGK_CRTC_VSYNC_STATE,
};

use super::device::Allocation;
use crate::port::Port;
use crate::port::display::{ModeFacts, PATH};
use crate::port::driver::NtResult;

/// A mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mode {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Frames a second × 1000.
    pub refresh_millihertz: u32,
}

impl From<ModeFacts> for Mode {
    fn from(mode: ModeFacts) -> Self {
        let ModeFacts { width, height, refresh_millihertz } = mode;
        Self { width, height, refresh_millihertz }
    }
}

impl From<Mode> for ModeFacts {
    fn from(mode: Mode) -> Self {
        let Mode { width, height, refresh_millihertz } = mode;
        Self { width, height, refresh_millihertz }
    }
}

/// What kind of standard allocation is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standard {
    /// A primary that the desktop is shown from, with its mode.
    SharedPrimary(Mode),
    /// A shadow of one: width and height.
    Shadow(u32, u32),
    /// A staging surface: width and height.
    Staging(u32, u32),
    /// A surface of GDI: width and height.
    Gdi(u32, u32),
}

/// The display.
#[derive(Clone)]
pub struct Display {
    port: Arc<Port>,
}

impl fmt::Debug for Display {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Display").finish_non_exhaustive()
    }
}

impl Display {
    pub(super) fn new(port: Arc<Port>) -> Self {
        Self { port }
    }

    /// All modes that the driver offers, by its enumeration.
    ///
    /// # Errors
    /// The driver's status.
    pub fn modes(&self) -> NtResult<Vec<Mode>> {
        Ok(self.port.modes()?.into_iter().map(Mode::from).collect())
    }

    /// Sets a mode and shows a primary of its size.
    ///
    /// # Errors
    /// `STATUS_GRAPHICS_INVALID_VIDEO_PRESENT_SOURCE_MODE` for a mode that the driver does not offer, the driver's status.
    pub fn set_mode(&self, mode: Mode, primary: &Allocation) -> NtResult<()> {
        self.port.set_mode(mode.into(), primary.kernel())
    }

    /// Shows another primary of the same mode.
    ///
    /// # Errors
    /// The driver's status.
    pub fn show(&self, primary: &Allocation) -> NtResult<()> {
        self.port.show(primary.kernel())
    }

    /// Shows nothing any more.
    ///
    /// # Errors
    /// The driver's status.
    pub fn blank(&self) -> NtResult<()> {
        self.port.blank()
    }

    /// `DxgkDdiSetVidPnSourceVisibility`.
    ///
    /// # Errors
    /// The driver's status.
    pub fn set_visible(&self, visible: bool) -> NtResult<()> {
        self.port.driver().set_source_visibility(PATH.0, visible)
    }

    /// `DxgkDdiGetStandardAllocationDriverData`: private data for [`super::Device::create_allocation`].
    ///
    /// # Errors
    /// The driver's status.
    pub fn standard_allocation(&self, kind: Standard) -> NtResult<Vec<u8>> {
        let driver = self.port.driver();
        let format = D3DDDIFMT_A8R8G8B8;
        match kind {
            Standard::SharedPrimary(mode) => {
                let mut data = D3DKMDT_SHAREDPRIMARYSURFACEDATA {
                    Width: mode.width,
                    Height: mode.height,
                    Format: format,
                    RefreshRate: D3DDDI_RATIONAL { Numerator: mode.refresh_millihertz, Denominator: 1000 },
                    VidPnSourceId: PATH.0,
                };
                driver.standard_allocation_data(D3DKMDT_STANDARDALLOCATION_SHAREDPRIMARYSURFACE, &mut data)
            }
            Standard::Shadow(width, height) => {
                let mut data = D3DKMDT_SHADOWSURFACEDATA {
                    Width: width,
                    Height: height,
                    Format: format,
                    ..Default::default()
                };
                driver.standard_allocation_data(D3DKMDT_STANDARDALLOCATION_SHADOWSURFACE, &mut data)
            }
            Standard::Staging(width, height) => {
                let mut data =
                    D3DKMDT_STAGINGSURFACEDATA { Width: width, Height: height, ..Default::default() };
                driver.standard_allocation_data(D3DKMDT_STANDARDALLOCATION_STAGINGSURFACE, &mut data)
            }
            Standard::Gdi(width, height) => {
                let mut data = D3DKMDT_GDISURFACEDATA {
                    Width: width,
                    Height: height,
                    Format: format,
                    Type: D3DKMDT_GDISURFACE_TEXTURE,
                    ..Default::default()
                };
                driver.standard_allocation_data(D3DKMDT_STANDARDALLOCATION_GDISURFACE, &mut data)
            }
        }
    }

    /// `DxgkDdiRecommendFunctionalVidPn` with an empty VidPN: how many paths it recommends.
    ///
    /// # Errors
    /// The driver's status.
    pub fn recommend(&self) -> NtResult<usize> {
        self.port.recommend()
    }

    /// `DxgkDdiRecommendVidPnTopology` with an empty VidPN: how many paths it recommends.
    ///
    /// # Errors
    /// The driver's status.
    pub fn recommend_topology(&self) -> NtResult<usize> {
        self.port.recommend_topology()
    }

    /// `DxgkDdiRecommendMonitorModes`: how many modes it adds to what the EDID says.
    ///
    /// # Errors
    /// The driver's status.
    pub fn recommend_monitor_modes(&self) -> NtResult<usize> {
        self.port.recommend_monitor_modes()
    }

    /// `DxgkDdiUpdateActiveVidPnPresentPath` with a path of which nothing changes.
    ///
    /// # Errors
    /// The driver's status.
    pub fn update_active_path(&self) -> NtResult<()> {
        self.port.update_active_path()
    }

    /// `DxgkDdiQueryVidPnHWCapability`: what the driver itself does, as flags.
    ///
    /// # Errors
    /// The driver's status.
    pub fn capability(&self) -> NtResult<u32> {
        self.port.capability()
    }

    /// `DxgkDdiControlInterrupt`: whether vertical blanks are reported.
    ///
    /// # Errors
    /// The driver's status.
    pub fn control_vsync(&self, enable: bool) -> NtResult<()> {
        self.port.driver().control_vsync(enable)
    }

    /// `DxgkDdiControlInterrupt2`, with a value of `DXGK_CRTC_VSYNC_STATE`.
    ///
    /// # Errors
    /// The driver's status.
    pub fn control_vsync2(&self, state: DXGK_CRTC_VSYNC_STATE) -> NtResult<()> {
        self.port.driver().control_vsync2(state)
    }

    /// `DxgkDdiGetScanLine`: whether it is in the vertical blank, and the line.
    ///
    /// # Errors
    /// The driver's status.
    pub fn scan_line(&self) -> NtResult<(bool, u32)> {
        self.port.driver().get_scan_line(PATH.1)
    }

    /// `DxgkDdiSetPointerPosition`.
    ///
    /// # Errors
    /// The driver's status.
    pub fn set_pointer_position(&self, x: i32, y: i32, visible: bool) -> NtResult<()> {
        self.port.driver().set_pointer_position(PATH.0, (x, y), visible)
    }

    /// `DxgkDdiSetPointerShape`, with flags of `DXGK_POINTERFLAGS`; `pixels` is as large as flags, size and pitch say.
    ///
    /// # Errors
    /// The driver's status.
    pub fn set_pointer_shape(
        &self,
        flags: u32,
        size_and_pitch: (u32, u32, u32),
        hot_spot: (u32, u32),
        pixels: &[u8],
    ) -> NtResult<()> {
        self.port.driver().set_pointer_shape(PATH.0, flags, size_and_pitch, hot_spot, pixels)
    }

    /// `DxgkDdiSetPalette` with a grey ramp.
    ///
    /// # Errors
    /// The driver's status.
    pub fn set_palette(&self) -> NtResult<()> {
        let mut entries = [D3DKMDT_PALETTEDATA::default(); 256];
        for (grey, entry) in (0..=u8::MAX).zip(&mut entries) {
            (entry.Red, entry.Green, entry.Blue) = (grey, grey, grey);
        }
        self.port.driver().set_palette(PATH.0, &mut entries)
    }

    /// `DxgkDdiSystemDisplayEnable`: width, height and `D3DDDIFORMAT` of the screen of a bug check.
    ///
    /// # Errors
    /// The driver's status.
    pub fn system_display_enable(&self) -> NtResult<(u32, u32, u32)> {
        self.port.driver().system_display_enable(PATH.1)
    }

    /// `DxgkDdiSystemDisplayWrite` of 32-bit pixels, at device level.
    ///
    /// # Errors
    /// `STATUS_NOT_IMPLEMENTED` when the driver has no such entry.
    pub fn system_display_write(
        &self,
        pixels: &[u32],
        size: (u32, u32),
        position: (u32, u32),
    ) -> NtResult<()> {
        self.port.driver().system_display_write(pixels, size, position)
    }

    /// `DxgkDdiResetDevice`, at device level.
    ///
    /// # Errors
    /// `STATUS_NOT_IMPLEMENTED` when the driver has no such entry.
    pub fn reset_device(&self) -> NtResult<()> {
        self.port.driver().reset_device()
    }

    /// `DxgkDdiCalibrateGpuClock`: GPU frequency, GPU clock, CPU clock.
    ///
    /// # Errors
    /// The driver's status.
    pub fn calibrate_gpu_clock(&self) -> NtResult<(u64, u64, u64)> {
        let data = self.port.driver().calibrate_gpu_clock()?;
        Ok((data.GpuFrequency, data.GpuClockCounter, data.CpuClockCounter))
    }
}
