//! Outputs: the monitors that Windows (or Wine) knows, with their display modes.
//!
//! Swap chains never own a monitor here (full-screen is a borderless window), so whatever needs ownership is refused.

#![expect(unsafe_code, reason = "implements COM interfaces")]

use std::ffi::c_void;
use std::thread;
use std::time::Instant;

use windows::Win32::Foundation::{E_INVALIDARG, RECT};
use windows::Win32::Graphics::Dxgi::Common::{
    DXGI_FORMAT, DXGI_GAMMA_CONTROL, DXGI_GAMMA_CONTROL_CAPABILITIES, DXGI_MODE_DESC,
    DXGI_MODE_ROTATION_IDENTITY, DXGI_MODE_SCALING, DXGI_MODE_SCANLINE_ORDER, DXGI_RATIONAL,
};
use windows::Win32::Graphics::Dxgi::{
    DXGI_ENUM_MODES, DXGI_ERROR_INVALID_CALL, DXGI_ERROR_MORE_DATA, DXGI_ERROR_NOT_CURRENTLY_AVAILABLE,
    DXGI_ERROR_NOT_FOUND, DXGI_ERROR_UNSUPPORTED, DXGI_FRAME_STATISTICS, DXGI_MODE_DESC1, DXGI_OUTPUT_DESC,
    IDXGIAdapter, IDXGIObject_Impl, IDXGIOutput_Impl, IDXGIOutput1, IDXGIOutput1_Impl,
    IDXGIOutputDuplication, IDXGIResource, IDXGISurface,
};
use windows_core::{BOOL, GUID, IUnknown, Interface, Ref, Result, implement};

use super::private_data::PrivateData;
use crate::gdi::monitor::Monitor;
use crate::present::pacing::Blanks;
use crate::rules::format;
use crate::rules::mode::{self, Mode};

/// A monitor.
#[implement(IDXGIOutput1)]
pub struct Output {
    adapter: IDXGIAdapter,
    monitor: Monitor,
    private: PrivateData,
}

/// A mode as DXGI writes it.
pub fn mode_desc(mode: &Mode) -> DXGI_MODE_DESC {
    DXGI_MODE_DESC {
        Width: mode.width,
        Height: mode.height,
        RefreshRate: DXGI_RATIONAL { Numerator: mode.refresh.0, Denominator: mode.refresh.1 },
        Format: DXGI_FORMAT(mode.format.cast_signed()),
        ScanlineOrdering: DXGI_MODE_SCANLINE_ORDER(mode.scanline_order),
        Scaling: DXGI_MODE_SCALING(mode.scaling),
    }
}

fn mode_desc1(mode: &Mode) -> DXGI_MODE_DESC1 {
    let desc = mode_desc(mode);
    DXGI_MODE_DESC1 {
        Width: desc.Width,
        Height: desc.Height,
        RefreshRate: desc.RefreshRate,
        Format: desc.Format,
        ScanlineOrdering: desc.ScanlineOrdering,
        Scaling: desc.Scaling,
        Stereo: false.into(),
    }
}

/// A mode as DXGI reads it.
fn mode_of(desc: &DXGI_MODE_DESC) -> Mode {
    Mode {
        width: desc.Width,
        height: desc.Height,
        refresh: (desc.RefreshRate.Numerator, desc.RefreshRate.Denominator),
        format: desc.Format.0.cast_unsigned(),
        scanline_order: desc.ScanlineOrdering.0,
        scaling: desc.Scaling.0,
    }
}

impl Output {
    /// The output of `adapter` that is `monitor`.
    pub fn new(adapter: IDXGIAdapter, monitor: Monitor) -> Self {
        Self { adapter, monitor, private: PrivateData::default() }
    }

    /// The list protocol of DXGI: without an array only the count is written; an array that is too small leaves everything as it was.
    ///
    /// # Safety
    /// `count` is null or valid; `array` is null or has `*count` writable elements.
    unsafe fn write_modes<T>(
        &self,
        (enum_format, flags): (DXGI_FORMAT, DXGI_ENUM_MODES),
        count: *mut u32,
        array: *mut T,
        convert: impl Fn(&Mode) -> T,
    ) -> Result<()> {
        // SAFETY: as the caller promises.
        let count = unsafe { count.as_mut() }.ok_or(DXGI_ERROR_INVALID_CALL)?;
        let modes = mode::list(&self.monitor.timings(), enum_format.0.cast_unsigned(), flags.0);
        let length = u32::try_from(modes.len()).map_err(|_| E_INVALIDARG)?;
        if !array.is_null() && *count < length {
            return Err(DXGI_ERROR_MORE_DATA.into());
        }
        *count = length;
        if array.is_null() {
            return Ok(());
        }
        for (index, mode) in modes.iter().enumerate() {
            // SAFETY: `index` is below the array's length, as checked above.
            let element = unsafe { array.add(index) };
            // SAFETY: as above; the element may be uninitialised, so it is not dropped.
            unsafe { element.write(convert(mode)) };
        }
        Ok(())
    }

    /// The mode closest to `wish`.
    fn closest(&self, wish: &Mode, device: Ref<'_, IUnknown>) -> Result<Mode> {
        if !mode::is_wish(wish) || (wish.format == format::UNKNOWN && device.is_null()) {
            return Err(DXGI_ERROR_INVALID_CALL.into());
        }
        let enum_format = if wish.format == format::UNKNOWN { format::R8G8B8A8_UNORM } else { wish.format };
        let modes = mode::list(&self.monitor.timings(), enum_format, mode::ENUM_SCALING);
        mode::closest(&modes, wish, self.monitor.timing()).ok_or_else(|| DXGI_ERROR_NOT_FOUND.into())
    }
}

impl IDXGIObject_Impl for Output_Impl {
    fn SetPrivateData(&self, name: *const GUID, size: u32, data: *const c_void) -> Result<()> {
        // SAFETY: the arguments follow DXGI's contract, which is that of `set`.
        unsafe { self.private.set(name, size, data) }
    }

    fn SetPrivateDataInterface(&self, name: *const GUID, interface: Ref<'_, IUnknown>) -> Result<()> {
        // SAFETY: as above.
        unsafe { self.private.set_interface(name, interface) }
    }

    fn GetPrivateData(&self, name: *const GUID, size: *mut u32, data: *mut c_void) -> Result<()> {
        // SAFETY: as above.
        unsafe { self.private.get(name, size, data) }
    }

    fn GetParent(&self, riid: *const GUID, parent: *mut *mut c_void) -> Result<()> {
        // SAFETY: DXGI's contract: a valid interface id and out-pointer.
        unsafe { self.adapter.query(riid, parent) }.ok()
    }
}

impl IDXGIOutput_Impl for Output_Impl {
    fn GetDesc(&self) -> Result<DXGI_OUTPUT_DESC> {
        let area = self.monitor.area;
        Ok(DXGI_OUTPUT_DESC {
            DeviceName: self.monitor.device,
            DesktopCoordinates: RECT {
                left: area.x,
                top: area.y,
                right: area.x.saturating_add(area.width),
                bottom: area.y.saturating_add(area.height),
            },
            AttachedToDesktop: true.into(),
            Rotation: DXGI_MODE_ROTATION_IDENTITY,
            Monitor: self.monitor.handle(),
        })
    }

    fn GetDisplayModeList(
        &self,
        enum_format: DXGI_FORMAT,
        flags: DXGI_ENUM_MODES,
        count: *mut u32,
        modes: *mut DXGI_MODE_DESC,
    ) -> Result<()> {
        // SAFETY: DXGI's contract is that of `write_modes`.
        unsafe { self.write_modes((enum_format, flags), count, modes, mode_desc) }
    }

    fn FindClosestMatchingMode(
        &self,
        wish: *const DXGI_MODE_DESC,
        closest: *mut DXGI_MODE_DESC,
        device: Ref<'_, IUnknown>,
    ) -> Result<()> {
        // SAFETY: DXGI's contract: null or valid.
        let wish = unsafe { wish.as_ref() }.ok_or(DXGI_ERROR_INVALID_CALL)?;
        let mode = self.closest(&mode_of(wish), device)?;
        // SAFETY: DXGI's contract: null or valid for writing.
        *unsafe { closest.as_mut() }.ok_or(DXGI_ERROR_INVALID_CALL)? = mode_desc(&mode);
        Ok(())
    }

    fn WaitForVBlank(&self) -> Result<()> {
        let blanks = Blanks::at_rate(self.monitor.timing().hertz());
        let now = Instant::now();
        thread::sleep(blanks.moment(blanks.due(now, None, 1)).saturating_duration_since(now));
        Ok(())
    }

    fn TakeOwnership(&self, device: Ref<'_, IUnknown>, _exclusive: BOOL) -> Result<()> {
        let error =
            if device.is_null() { DXGI_ERROR_INVALID_CALL } else { DXGI_ERROR_NOT_CURRENTLY_AVAILABLE };
        Err(error.into())
    }

    fn ReleaseOwnership(&self) {}

    fn GetGammaControlCapabilities(&self, capabilities: *mut DXGI_GAMMA_CONTROL_CAPABILITIES) -> Result<()> {
        // No control points: the monitor's gamma belongs to the desktop.
        let none = DXGI_GAMMA_CONTROL_CAPABILITIES { MaxConvertedValue: 1.0, ..Default::default() };
        // SAFETY: DXGI's contract: null or valid for writing.
        *unsafe { capabilities.as_mut() }.ok_or(DXGI_ERROR_INVALID_CALL)? = none;
        Ok(())
    }

    fn SetGammaControl(&self, _gamma: *const DXGI_GAMMA_CONTROL) -> Result<()> {
        Err(DXGI_ERROR_INVALID_CALL.into())
    }

    fn GetGammaControl(&self, _gamma: *mut DXGI_GAMMA_CONTROL) -> Result<()> {
        Err(DXGI_ERROR_INVALID_CALL.into())
    }

    fn SetDisplaySurface(&self, _surface: Ref<'_, IDXGISurface>) -> Result<()> {
        Err(DXGI_ERROR_INVALID_CALL.into())
    }

    fn GetDisplaySurfaceData(&self, _destination: Ref<'_, IDXGISurface>) -> Result<()> {
        Err(DXGI_ERROR_INVALID_CALL.into())
    }

    fn GetFrameStatistics(&self, _statistics: *mut DXGI_FRAME_STATISTICS) -> Result<()> {
        Err(DXGI_ERROR_INVALID_CALL.into())
    }
}

impl IDXGIOutput1_Impl for Output_Impl {
    fn GetDisplayModeList1(
        &self,
        enum_format: DXGI_FORMAT,
        flags: DXGI_ENUM_MODES,
        count: *mut u32,
        modes: *mut DXGI_MODE_DESC1,
    ) -> Result<()> {
        // SAFETY: DXGI's contract is that of `write_modes`.
        unsafe { self.write_modes((enum_format, flags), count, modes, mode_desc1) }
    }

    fn FindClosestMatchingMode1(
        &self,
        wish: *const DXGI_MODE_DESC1,
        closest: *mut DXGI_MODE_DESC1,
        device: Ref<'_, IUnknown>,
    ) -> Result<()> {
        // SAFETY: DXGI's contract: null or valid.
        let wish = unsafe { wish.as_ref() }.ok_or(DXGI_ERROR_INVALID_CALL)?;
        let plain = DXGI_MODE_DESC {
            Width: wish.Width,
            Height: wish.Height,
            RefreshRate: wish.RefreshRate,
            Format: wish.Format,
            ScanlineOrdering: wish.ScanlineOrdering,
            Scaling: wish.Scaling,
        };
        let mode = self.closest(&mode_of(&plain), device)?;
        // SAFETY: DXGI's contract: null or valid for writing.
        *unsafe { closest.as_mut() }.ok_or(DXGI_ERROR_INVALID_CALL)? = mode_desc1(&mode);
        Ok(())
    }

    fn GetDisplaySurfaceData1(&self, _destination: Ref<'_, IDXGIResource>) -> Result<()> {
        Err(DXGI_ERROR_INVALID_CALL.into())
    }

    /// The desktop belongs to Windows; its pictures never pass through here.
    fn DuplicateOutput(&self, _device: Ref<'_, IUnknown>) -> Result<IDXGIOutputDuplication> {
        Err(DXGI_ERROR_UNSUPPORTED.into())
    }
}
