//! Outputs: the monitors that Windows (or Wine) knows, with their display modes.

#![expect(unsafe_code, reason = "implements COM interfaces")]

use std::ffi::c_void;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use windows::Win32::Foundation::{E_INVALIDARG, RECT};
use windows::Win32::Graphics::Dxgi::Common::{
    DXGI_COLOR_SPACE_RGB_FULL_G22_NONE_P709, DXGI_COLOR_SPACE_TYPE, DXGI_FORMAT, DXGI_GAMMA_CONTROL,
    DXGI_GAMMA_CONTROL_CAPABILITIES, DXGI_MODE_DESC, DXGI_MODE_ROTATION, DXGI_MODE_SCALING,
    DXGI_MODE_SCANLINE_ORDER, DXGI_RATIONAL,
};
use windows::Win32::Graphics::Dxgi::{
    DXGI_ENUM_MODES, DXGI_ERROR_FRAME_STATISTICS_DISJOINT, DXGI_ERROR_INVALID_CALL, DXGI_ERROR_MORE_DATA,
    DXGI_ERROR_NOT_CURRENTLY_AVAILABLE, DXGI_ERROR_NOT_FOUND, DXGI_ERROR_UNSUPPORTED, DXGI_FRAME_STATISTICS,
    DXGI_MODE_DESC1, DXGI_OUTPUT_DESC, DXGI_OUTPUT_DESC1, IDXGIAdapter, IDXGIObject_Impl, IDXGIOutput,
    IDXGIOutput_Impl, IDXGIOutput_Vtbl, IDXGIOutput1_Impl, IDXGIOutput1_Vtbl, IDXGIOutput2_Impl,
    IDXGIOutput3_Impl, IDXGIOutput3_Vtbl, IDXGIOutput4_Impl, IDXGIOutput4_Vtbl, IDXGIOutput5_Impl,
    IDXGIOutput6, IDXGIOutput6_Impl, IDXGIOutput6_Vtbl, IDXGIOutputDuplication, IDXGIResource, IDXGISurface,
};
use windows_core::{BOOL, GUID, IUnknown, Interface, Ref, Result, implement};

use super::ownership;
use super::private_data::PrivateData;
use super::swap_chain::frame_statistics;
use super::vtable::{self, refusing_null};
use crate::gdi::monitor::Monitor;
use crate::gdi::vidpn::Ownership;
use crate::present::pacing::Blanks;
use crate::rules::format;
use crate::rules::gamma;
use crate::rules::mode::{self, Mode};

/// A monitor.
#[implement(IDXGIOutput6)]
pub struct Output {
    adapter: IDXGIAdapter,
    monitor: Monitor,
    private: PrivateData,
    /// What `TakeOwnership` took.
    taken: Mutex<Option<Ownership>>,
}

/// Outputs refuse null pointers.
static TABLE: IDXGIOutput6_Vtbl = {
    let mut table = IDXGIOutput6_Vtbl::new::<Output_Impl, -1>();
    table.base__.base__.base__.base__.base__.base__.GetDesc =
        refusing_null!(IDXGIOutput_Vtbl::<Output_Impl>::GetDesc(=> DXGI_OUTPUT_DESC), E_INVALIDARG);
    table.base__.base__.base__.base__.base__.DuplicateOutput = refusing_null!(
        IDXGIOutput1_Vtbl::<Output_Impl>::DuplicateOutput(device: *mut c_void => *mut c_void), E_INVALIDARG);
    table.base__.base__.base__.CheckOverlaySupport = refusing_null!(
        IDXGIOutput3_Vtbl::<Output_Impl>::CheckOverlaySupport(format: DXGI_FORMAT, device: *mut c_void => u32),
        E_INVALIDARG);
    table.base__.base__.CheckOverlayColorSpaceSupport = refusing_null!(
        IDXGIOutput4_Vtbl::<Output_Impl>::CheckOverlayColorSpaceSupport(
            format: DXGI_FORMAT, space: DXGI_COLOR_SPACE_TYPE, device: *mut c_void => u32),
        E_INVALIDARG);
    table.GetDesc1 =
        refusing_null!(IDXGIOutput6_Vtbl::<Output_Impl>::GetDesc1(=> DXGI_OUTPUT_DESC1), E_INVALIDARG);
    table.CheckHardwareCompositionSupport = refusing_null!(
        IDXGIOutput6_Vtbl::<Output_Impl>::CheckHardwareCompositionSupport(=> u32), E_INVALIDARG);
    table
};

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
pub fn mode_of(desc: &DXGI_MODE_DESC) -> Mode {
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
        Self { adapter, monitor, private: PrivateData::default(), taken: Mutex::new(None) }
    }

    /// The output as a COM object.
    pub fn into_interface(self) -> IDXGIOutput {
        vtable::replace(IDXGIOutput6::from(self), &TABLE).into()
    }

    fn description(&self) -> DXGI_OUTPUT_DESC {
        // A display mode may have changed, or the monitor left the desktop, since the object was made.
        let current = Monitor::of_device(&self.monitor.device);
        let area = current.map(|monitor| monitor.area).unwrap_or_default();
        DXGI_OUTPUT_DESC {
            DeviceName: self.monitor.device,
            DesktopCoordinates: RECT {
                left: area.x,
                top: area.y,
                right: area.x.saturating_add(area.width),
                bottom: area.y.saturating_add(area.height),
            },
            AttachedToDesktop: current.is_some().into(),
            // Quarter turns from 0, where the enumeration has its identity at 1.
            Rotation: DXGI_MODE_ROTATION(
                current.map_or(0, |monitor| monitor.quarter_turns().min(3)).cast_signed() + 1,
            ),
            Monitor: current.map(|monitor| monitor.handle()).unwrap_or_default(),
        }
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
        Ok(self.description())
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

    /// For programs that draw to a monitor by themselves. Only exclusive ownership can be had.
    fn TakeOwnership(&self, device: Ref<'_, IUnknown>, exclusive: BOOL) -> Result<()> {
        if device.is_null() {
            return Err(DXGI_ERROR_INVALID_CALL.into());
        }
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let owned = taken.is_some() || ownership::is_owned(&self.monitor.device);
        if !exclusive.as_bool() {
            return Err(if owned { E_INVALIDARG } else { DXGI_ERROR_NOT_CURRENTLY_AVAILABLE }.into());
        }
        if taken.is_none() {
            let ownership = Ownership::take(&self.monitor.device);
            *taken = Some(ownership.ok_or(DXGI_ERROR_NOT_CURRENTLY_AVAILABLE)?);
        }
        Ok(())
    }

    fn ReleaseOwnership(&self) {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(taken);
        ownership::release(&self.monitor.device);
    }

    /// Gamma belongs to the desktop unless a swap chain covers the monitor.
    fn GetGammaControlCapabilities(&self, capabilities: *mut DXGI_GAMMA_CONTROL_CAPABILITIES) -> Result<()> {
        // SAFETY: DXGI's contract: null or valid for writing.
        let capabilities = unsafe { capabilities.as_mut() }.ok_or(DXGI_ERROR_INVALID_CALL)?;
        if !ownership::is_owned(&self.monitor.device) {
            return Err(DXGI_ERROR_INVALID_CALL.into());
        }
        *capabilities = DXGI_GAMMA_CONTROL_CAPABILITIES {
            ScaleAndOffsetSupported: true.into(),
            MaxConvertedValue: gamma::MAXIMUM,
            MinConvertedValue: 0.0,
            NumGammaControlPoints: gamma::POINTS,
            ..Default::default()
        };
        for (index, position) in (0..gamma::POINTS).zip(&mut capabilities.ControlPointPositions) {
            *position = gamma::position(index);
        }
        Ok(())
    }

    fn SetGammaControl(&self, gamma: *const DXGI_GAMMA_CONTROL) -> Result<()> {
        // SAFETY: DXGI's contract: null or valid.
        let gamma = unsafe { gamma.as_ref() }.ok_or(DXGI_ERROR_INVALID_CALL)?;
        let set = ownership::set_gamma(&self.monitor.device, gamma);
        if set { Ok(()) } else { Err(DXGI_ERROR_INVALID_CALL.into()) }
    }

    /// What was set; without that there is nothing to get.
    fn GetGammaControl(&self, gamma: *mut DXGI_GAMMA_CONTROL) -> Result<()> {
        // SAFETY: DXGI's contract: null or valid for writing.
        let gamma = unsafe { gamma.as_mut() }.ok_or(DXGI_ERROR_INVALID_CALL)?;
        *gamma = *ownership::gamma(&self.monitor.device).ok_or(DXGI_ERROR_INVALID_CALL)?;
        Ok(())
    }

    fn SetDisplaySurface(&self, _surface: Ref<'_, IDXGISurface>) -> Result<()> {
        Err(DXGI_ERROR_INVALID_CALL.into())
    }

    fn GetDisplaySurfaceData(&self, _destination: Ref<'_, IDXGISurface>) -> Result<()> {
        Err(DXGI_ERROR_INVALID_CALL.into())
    }

    /// Those of the swap chain that covers the monitor.
    fn GetFrameStatistics(&self, statistics: *mut DXGI_FRAME_STATISTICS) -> Result<()> {
        // SAFETY: DXGI's contract: null or valid for writing.
        let statistics = unsafe { statistics.as_mut() }.ok_or(DXGI_ERROR_INVALID_CALL)?;
        let shared = ownership::shared(&self.monitor.device).ok_or(DXGI_ERROR_INVALID_CALL)?;
        let shown = shared.statistics();
        if shown.disjoint {
            return Err(DXGI_ERROR_FRAME_STATISTICS_DISJOINT.into());
        }
        *statistics = frame_statistics(&shown);
        Ok(())
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
    fn DuplicateOutput(&self, device: Ref<'_, IUnknown>) -> Result<IDXGIOutputDuplication> {
        Err(if device.is_null() { E_INVALIDARG } else { DXGI_ERROR_UNSUPPORTED }.into())
    }
}

impl IDXGIOutput2_Impl for Output_Impl {
    fn SupportsOverlays(&self) -> BOOL {
        false.into()
    }
}

impl IDXGIOutput3_Impl for Output_Impl {
    /// There are no overlay planes: no `DXGI_OVERLAY_SUPPORT_FLAG` is set.
    fn CheckOverlaySupport(&self, _format: DXGI_FORMAT, device: Ref<'_, IUnknown>) -> Result<u32> {
        if device.is_null() { Err(E_INVALIDARG.into()) } else { Ok(0) }
    }
}

impl IDXGIOutput4_Impl for Output_Impl {
    fn CheckOverlayColorSpaceSupport(
        &self,
        _format: DXGI_FORMAT,
        _space: DXGI_COLOR_SPACE_TYPE,
        device: Ref<'_, IUnknown>,
    ) -> Result<u32> {
        if device.is_null() { Err(E_INVALIDARG.into()) } else { Ok(0) }
    }
}

impl IDXGIOutput5_Impl for Output_Impl {
    /// As `DuplicateOutput`.
    fn DuplicateOutput1(
        &self,
        device: Ref<'_, IUnknown>,
        _flags: u32,
        count: u32,
        formats: *const DXGI_FORMAT,
    ) -> Result<IDXGIOutputDuplication> {
        let wrong = device.is_null() || count == 0 || formats.is_null();
        Err(if wrong { E_INVALIDARG } else { DXGI_ERROR_UNSUPPORTED }.into())
    }
}

impl IDXGIOutput6_Impl for Output_Impl {
    /// A monitor of standard range: the primaries of ITU-R BT.709 and the luminance that sRGB (IEC 61966-2-1) assumes.
    fn GetDesc1(&self) -> Result<DXGI_OUTPUT_DESC1> {
        let desc = self.description();
        Ok(DXGI_OUTPUT_DESC1 {
            DeviceName: desc.DeviceName,
            DesktopCoordinates: desc.DesktopCoordinates,
            AttachedToDesktop: desc.AttachedToDesktop,
            Rotation: desc.Rotation,
            Monitor: desc.Monitor,
            BitsPerColor: 8,
            ColorSpace: DXGI_COLOR_SPACE_RGB_FULL_G22_NONE_P709,
            RedPrimary: [0.64, 0.33],
            GreenPrimary: [0.30, 0.60],
            BluePrimary: [0.15, 0.06],
            WhitePoint: [0.3127, 0.3290],
            MinLuminance: 0.2,
            MaxLuminance: 80.0,
            MaxFullFrameLuminance: 80.0,
        })
    }

    /// No swap chain reaches the monitor without the desktop's composition.
    fn CheckHardwareCompositionSupport(&self) -> Result<u32> {
        Ok(0)
    }
}
