//! Modes as the mode sets state them, and back.

use pvgpu_kmd::display::{CommittedMode, DEFAULT_MODE, ModeList, Size, Timing, pitch};
use pvgpu_kmd_ddi::{
    D3DDDI_RATIONAL, D3DDDI_VSSLO_PROGRESSIVE, D3DDDIFMT_A8R8G8B8, D3DDDIFMT_X8R8G8B8, D3DDDIFORMAT,
    D3DKMDT_2DREGION, D3DKMDT_CB_SCRGB, D3DKMDT_CB_SRGB, D3DKMDT_CB_UNINITIALIZED,
    D3DKMDT_COLOR_COEFF_DYNAMIC_RANGES, D3DKMDT_FREQUENCY_NOTSPECIFIED, D3DKMDT_GRAPHICS_RENDERING_FORMAT,
    D3DKMDT_MCO_DRIVER, D3DKMDT_MODE_PREFERENCE, D3DKMDT_MONITOR_SOURCE_MODE, D3DKMDT_MP_NOTPREFERRED,
    D3DKMDT_MP_PREFERRED, D3DKMDT_PVAM_DIRECT, D3DKMDT_RMT_GRAPHICS, D3DKMDT_VIDEO_SIGNAL_INFO,
    D3DKMDT_VIDEO_SIGNAL_INFO_AdditionalSignalInfo, D3DKMDT_VIDPN_SOURCE_MODE, D3DKMDT_VIDPN_TARGET_MODE,
    D3DKMDT_VSS_OTHER,
};
use pvgpu_protocol::command::scanout_format;
use pvgpu_protocol::mode::DisplayMode;

/// The formats of a primary.
pub(super) const FORMATS: [D3DDDIFORMAT; 2] = [D3DDDIFMT_A8R8G8B8, D3DDDIFMT_X8R8G8B8];

/// A primary's format as the host knows it.
fn scanout(format: D3DDDIFORMAT) -> Option<u32> {
    match format {
        D3DDDIFMT_A8R8G8B8 => Some(scanout_format::B8G8R8A8),
        D3DDDIFMT_X8R8G8B8 => Some(scanout_format::B8G8R8X8),
        _ => None,
    }
}

/// A size as a region.
fn region(width: u32, height: u32) -> D3DKMDT_2DREGION {
    D3DKMDT_2DREGION { cx: width, cy: height }
}

/// A mode's signal. Its frequencies are exact: millihertz over 1000.
fn signal(mode: DisplayMode) -> D3DKMDT_VIDEO_SIGNAL_INFO {
    let timing = Timing::new(mode);
    let rate = |millihertz| D3DDDI_RATIONAL { Numerator: millihertz, Denominator: 1000 };
    let additional = D3DKMDT_VIDEO_SIGNAL_INFO_AdditionalSignalInfo::new(0);
    D3DKMDT_VIDEO_SIGNAL_INFO {
        // The timing is CVT's, but for a clock that is not rounded.
        VideoStandard: D3DKMDT_VSS_OTHER,
        TotalSize: region(timing.h_total, timing.v_total),
        ActiveSize: region(mode.width, mode.height),
        VSyncFreq: rate(mode.refresh_millihertz),
        HSyncFreq: rate(timing.h_sync_millihertz()),
        // CAST: pointers have 64 bits.
        PixelRate: timing.pixel_clock_hz as usize,
        AdditionalSignalInfo: additional
            .with(D3DKMDT_VIDEO_SIGNAL_INFO_AdditionalSignalInfo::ScanLineOrdering, D3DDDI_VSSLO_PROGRESSIVE),
    }
}

/// Whether a mode is the preferred one.
fn preference(list: &ModeList, mode: DisplayMode) -> D3DKMDT_MODE_PREFERENCE {
    if list.preferred() == mode { D3DKMDT_MP_PREFERRED } else { D3DKMDT_MP_NOTPREFERRED }
}

/// Fills a source mode but for its id.
pub(super) fn fill_source(mode: &mut D3DKMDT_VIDPN_SOURCE_MODE, size: Size, format: D3DDDIFORMAT) {
    let region = region(size.width, size.height);
    mode.Type = D3DKMDT_RMT_GRAPHICS;
    mode.Format.Graphics = D3DKMDT_GRAPHICS_RENDERING_FORMAT {
        PrimSurfSize: region,
        VisibleRegionSize: region,
        Stride: pitch(size.width),
        PixelFormat: format,
        ColorBasis: D3DKMDT_CB_SCRGB,
        PixelValueAccessMode: D3DKMDT_PVAM_DIRECT,
    };
}

/// Fills a target mode but for its id.
pub(super) fn fill_target(target: &mut D3DKMDT_VIDPN_TARGET_MODE, list: &ModeList, mode: DisplayMode) {
    target.VideoSignalInfo = signal(mode);
    target.Preference = preference(list, mode);
}

/// Fills a monitor's mode but for its id.
pub(super) fn fill_monitor(monitor: &mut D3DKMDT_MONITOR_SOURCE_MODE, list: &ModeList, mode: DisplayMode) {
    monitor.VideoSignalInfo = signal(mode);
    monitor.ColorBasis = D3DKMDT_CB_SRGB;
    monitor.ColorCoeffDynamicRanges = D3DKMDT_COLOR_COEFF_DYNAMIC_RANGES {
        FirstChannel: 8,
        SecondChannel: 8,
        ThirdChannel: 8,
        FourthChannel: 8,
    };
    monitor.Origin = D3DKMDT_MCO_DRIVER;
    monitor.Preference = preference(list, mode);
}

/// The size of a source mode that the adapter has; `None` for one that it does not have.
pub(super) fn source_size(list: &ModeList, mode: &D3DKMDT_VIDPN_SOURCE_MODE) -> Option<Size> {
    let format = mode.Format.Graphics;
    let size = Size { width: format.PrimSurfSize.cx, height: format.PrimSurfSize.cy };
    let known = mode.Type == D3DKMDT_RMT_GRAPHICS
        && scanout(format.PixelFormat).is_some()
        && format.VisibleRegionSize == format.PrimSurfSize
        && format.PixelValueAccessMode == D3DKMDT_PVAM_DIRECT
        && matches!(format.ColorBasis, D3DKMDT_CB_SCRGB | D3DKMDT_CB_SRGB | D3DKMDT_CB_UNINITIALIZED)
        && list.has_size(size);
    known.then_some(size)
}

/// The mode of a target mode that the adapter has; `None` for one that it does not have. A signal without a frequency is
/// the default one's.
pub(super) fn target_mode(list: &ModeList, target: &D3DKMDT_VIDPN_TARGET_MODE) -> Option<DisplayMode> {
    let D3DKMDT_VIDEO_SIGNAL_INFO { ActiveSize: active, VSyncFreq: rate, .. } = target.VideoSignalInfo;
    let refresh_millihertz = if rate.Numerator == D3DKMDT_FREQUENCY_NOTSPECIFIED {
        DEFAULT_MODE.refresh_millihertz
    } else {
        // Rounded to the nearest: whoever states the rate as pixels a second over pixels a frame means the same.
        let millihertz = (u64::from(rate.Numerator) * 1000 + u64::from(rate.Denominator) / 2)
            .checked_div(u64::from(rate.Denominator))?;
        u32::try_from(millihertz).ok()?
    };
    let mode = DisplayMode { width: active.cx, height: active.cy, refresh_millihertz };
    list.has(mode).then_some(mode)
}

/// What a pinned source mode and a pinned target mode set, when the adapter has both and they fit.
pub(super) fn committed(
    list: &ModeList,
    source: &D3DKMDT_VIDPN_SOURCE_MODE,
    target: &D3DKMDT_VIDPN_TARGET_MODE,
) -> Option<CommittedMode> {
    let size = source_size(list, source)?;
    let mode = target_mode(list, target).filter(|mode| Size::from(*mode) == size)?;
    Some(CommittedMode { mode, format: scanout(source.Format.Graphics.PixelFormat)? })
}
