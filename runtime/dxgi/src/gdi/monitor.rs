//! The monitors of the desktop, their areas and their display modes.

#![expect(unsafe_code, reason = "Win32 has no safe interface")]

use windows::Win32::Foundation::{LPARAM, RECT};
use windows::Win32::Graphics::Gdi::{
    CDS_FULLSCREEN, CDS_TYPE, ChangeDisplaySettingsExW, DEVMODEW, DISP_CHANGE_SUCCESSFUL, DM_BITSPERPEL,
    DM_DISPLAYFREQUENCY, DM_PELSHEIGHT, DM_PELSWIDTH, ENUM_CURRENT_SETTINGS, ENUM_DISPLAY_SETTINGS_MODE,
    EnumDisplayMonitors, EnumDisplaySettingsW, GetMonitorInfoW, HDC, HMONITOR, MONITOR_DEFAULTTONEAREST,
    MONITORINFO, MONITORINFOEXW, MonitorFromWindow,
};
use windows::core::BOOL;
use windows_core::PCWSTR;

use super::window::Window;
use crate::rules::mode::Timing;

/// A rectangle on the desktop, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rectangle {
    /// Left edge; negative left of the main monitor.
    pub x: i32,
    /// Upper edge.
    pub y: i32,
    /// Pixels.
    pub width: i32,
    /// Pixels.
    pub height: i32,
}

impl From<RECT> for Rectangle {
    fn from(area: RECT) -> Self {
        Self {
            x: area.left,
            y: area.top,
            width: area.right.saturating_sub(area.left),
            height: area.bottom.saturating_sub(area.top),
        }
    }
}

/// A monitor that belongs to the desktop.
#[derive(Clone, Copy, Debug)]
pub struct Monitor {
    handle: isize,
    /// The display device, for example `\\.\DISPLAY1`: UTF-16, zero-terminated.
    pub device: [u16; 32],
    /// Its part of the desktop.
    pub area: Rectangle,
}

impl Monitor {
    /// The handle.
    pub fn handle(&self) -> HMONITOR {
        HMONITOR(std::ptr::without_provenance_mut(self.handle.cast_unsigned()))
    }

    /// All monitors, the main one first.
    pub fn all() -> Vec<Self> {
        let mut handles: Vec<HMONITOR> = Vec::new();
        let list = LPARAM((&raw mut handles).expose_provenance().cast_signed());
        // SAFETY: `collect` gets the address of `handles`, which outlives the call and is used by nobody else meanwhile.
        // The result says whether the callback stopped early, which ours does not.
        let _complete = unsafe { EnumDisplayMonitors(None, None, Some(collect), list) };
        let mut monitors: Vec<Self> = handles.into_iter().filter_map(Self::describe).collect();
        // The main monitor is the one at the desktop's origin.
        monitors.sort_by_key(|monitor| (monitor.area.x, monitor.area.y) != (0, 0));
        monitors
    }

    /// The monitor that shows most of a window, or is nearest to it.
    pub fn of_window(window: Window) -> Option<Self> {
        // SAFETY: any window is allowed.
        Self::describe(unsafe { MonitorFromWindow(window.handle(), MONITOR_DEFAULTTONEAREST) })
    }

    /// The monitor of a display device, where it is now; `None` once it left the desktop.
    pub fn of_device(device: &[u16; 32]) -> Option<Self> {
        Self::all().into_iter().find(|monitor| monitor.device == *device)
    }

    /// The main monitor's rotation and the others': `DMDO_*`, which counts quarter turns.
    pub fn quarter_turns(&self) -> u32 {
        self.settings(ENUM_CURRENT_SETTINGS).map_or(0, |mode| {
            // SAFETY: `EnumDisplaySettingsW` fills the display's half of the union for a display device.
            unsafe { mode.Anonymous1.Anonymous2 }.dmDisplayOrientation.0
        })
    }

    /// Switches to a display mode, for as long as the program runs or until [`restore_modes`]. Sends messages.
    pub fn switch(&self, timing: Timing) -> bool {
        let mode = DEVMODEW {
            dmSize: size_of::<DEVMODEW>() as u16,
            dmFields: DM_BITSPERPEL | DM_PELSWIDTH | DM_PELSHEIGHT | DM_DISPLAYFREQUENCY,
            dmBitsPerPel: 32,
            dmPelsWidth: timing.width,
            dmPelsHeight: timing.height,
            dmDisplayFrequency: timing.frequency,
            ..DEVMODEW::default()
        };
        if self.timing() == timing {
            return true;
        }
        let device = PCWSTR(self.device.as_ptr());
        // SAFETY: the name is zero-terminated and the mode says its own size; both outlive the call.
        let result = unsafe { ChangeDisplaySettingsExW(device, Some(&mode), None, CDS_FULLSCREEN, None) };
        result == DISP_CHANGE_SUCCESSFUL
    }

    fn describe(handle: HMONITOR) -> Option<Self> {
        let mut info = MONITORINFOEXW {
            monitorInfo: MONITORINFO { cbSize: size_of::<MONITORINFOEXW>() as u32, ..MONITORINFO::default() },
            ..MONITORINFOEXW::default()
        };
        // SAFETY: `info` is valid for writing, and `cbSize` says that it is the larger structure.
        let known = unsafe { GetMonitorInfoW(handle, (&raw mut info).cast()) };
        known.as_bool().then(|| Self {
            handle: handle.0.addr().cast_signed(),
            device: info.szDevice,
            area: info.monitorInfo.rcMonitor.into(),
        })
    }

    /// All display modes with 32 bits per pixel.
    pub fn timings(&self) -> Vec<Timing> {
        let numbers = (0..).map_while(|number| self.settings(ENUM_DISPLAY_SETTINGS_MODE(number)));
        numbers.filter(|mode| mode.dmBitsPerPel == 32).map(|mode| timing(&mode)).collect()
    }

    /// The display mode in use.
    pub fn timing(&self) -> Timing {
        self.settings(ENUM_CURRENT_SETTINGS).map_or_else(
            || Timing {
                width: self.area.width.unsigned_abs(),
                height: self.area.height.unsigned_abs(),
                frequency: 0,
            },
            |mode| timing(&mode),
        )
    }

    fn settings(&self, number: ENUM_DISPLAY_SETTINGS_MODE) -> Option<DEVMODEW> {
        let mut mode = DEVMODEW { dmSize: size_of::<DEVMODEW>() as u16, ..DEVMODEW::default() };
        // SAFETY: the name is zero-terminated, because `GetMonitorInfoW` wrote it; `mode` is valid for writing and tells
        // its size.
        let found = unsafe { EnumDisplaySettingsW(PCWSTR(self.device.as_ptr()), number, &mut mode) };
        found.as_bool().then_some(mode)
    }
}

/// Gives all monitors the display modes that their user chose. Sends messages.
pub fn restore_modes() -> bool {
    // SAFETY: no device and no mode mean the registry's modes for all devices.
    let result = unsafe { ChangeDisplaySettingsExW(PCWSTR::null(), None, None, CDS_TYPE(0), None) };
    result == DISP_CHANGE_SUCCESSFUL
}

fn timing(mode: &DEVMODEW) -> Timing {
    Timing { width: mode.dmPelsWidth, height: mode.dmPelsHeight, frequency: mode.dmDisplayFrequency }
}

/// Adds a monitor to the list whose address is `list`.
extern "system" fn collect(monitor: HMONITOR, _context: HDC, _area: *mut RECT, list: LPARAM) -> BOOL {
    let list: *mut Vec<HMONITOR> = std::ptr::with_exposed_provenance_mut(list.0.cast_unsigned());
    // SAFETY: `Monitor::all` passed the address of a vector that nobody else uses meanwhile.
    unsafe { (*list).push(monitor) };
    true.into()
}
