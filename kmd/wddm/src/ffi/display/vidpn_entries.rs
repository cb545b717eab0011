//! The VidPN entries of the DDI.
#![expect(unsafe_code, reason = "entry points of the DDI")]

use pvgpu_kmd::display::{ModeList, SOURCE_ID};
use pvgpu_kmd_ddi::{
    BOOLEAN, D3DDDI_ID_ALL, D3DKMDT_MCC_ENFORCE, D3DKMDT_VIDPN_HW_CAPABILITY, DXGKARG_COMMITVIDPN,
    DXGKARG_COMMITVIDPN_FLAGS, DXGKARG_ENUMVIDPNCOFUNCMODALITY, DXGKARG_ISSUPPORTEDVIDPN,
    DXGKARG_QUERYVIDPNHWCAPABILITY, DXGKARG_RECOMMENDFUNCTIONALVIDPN, DXGKARG_RECOMMENDMONITORMODES,
    DXGKARG_RECOMMENDVIDPNTOPOLOGY, DXGKARG_UPDATEACTIVEVIDPNPRESENTPATH, DXGKRNL_INTERFACE, HANDLE,
    NTSTATUS, STATUS_DEVICE_REMOVED, STATUS_GRAPHICS_INVALID_VIDPN_TOPOLOGY,
    STATUS_GRAPHICS_NO_RECOMMENDED_FUNCTIONAL_VIDPN, STATUS_GRAPHICS_NO_RECOMMENDED_VIDPN_TOPOLOGY,
    STATUS_INVALID_PARAMETER,
};

use super::network::{check_path, check_source, check_target};
use super::{monitor, network};
use crate::convert::{error, status_of};
use crate::device::Device;
use crate::nt::Nt;

/// What a VidPN entry works with: the mode list as it is now, and dxgkrnl's functions.
///
/// # Errors
/// `STATUS_DEVICE_REMOVED` for a device that is not started.
fn parts<N: Nt>(device: &Device<N>) -> Result<(ModeList, &DXGKRNL_INTERFACE), NTSTATUS> {
    let dxgkrnl = device.dxgkrnl().ok_or(STATUS_DEVICE_REMOVED)?;
    Ok((device.adapter().mode_list(), dxgkrnl))
}

/// Runs an entry with its adapter and its argument block; null pointers are refused.
///
/// # Safety
/// `h_adapter` is null or what AddDevice made; `argument` is null or points to a block that nobody writes meanwhile.
unsafe fn entry<N: Nt, A>(
    h_adapter: HANDLE,
    argument: *const A,
    run: impl FnOnce(&Device<N>, &A) -> Result<(), NTSTATUS>,
) -> NTSTATUS {
    // SAFETY: the caller's promise.
    let device = unsafe { Device::<N>::from_context(h_adapter) };
    // SAFETY: the caller's promise.
    let argument = unsafe { argument.as_ref() };
    match device.zip(argument) {
        Some((device, argument)) => status_of(run(device, argument)),
        None => STATUS_INVALID_PARAMETER,
    }
}

/// `DxgkDdiIsSupportedVidPn`. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_is_supported_vid_pn<N: Nt>(
    h_adapter: HANDLE,
    is_supported_vid_pn: *mut DXGKARG_ISSUPPORTEDVIDPN,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(h_adapter) };
    // SAFETY: dxgkrnl's block is the call's alone.
    let argument = unsafe { is_supported_vid_pn.as_mut() };
    let Some((device, argument)) = device.zip(argument) else { return STATUS_INVALID_PARAMETER };
    argument.IsVidPnSupported = 0;
    let supported = parts(device)
        .and_then(|(list, dxgkrnl)| network::is_supported(dxgkrnl, &list, argument.hDesiredVidPn));
    status_of(supported.map(|supported| argument.IsVidPnSupported = BOOLEAN::from(supported)))
}

/// `DxgkDdiRecommendFunctionalVidPn`: the preferred mode while a monitor is there. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_recommend_functional_vid_pn<N: Nt>(
    h_adapter: HANDLE,
    recommend_functional_vid_pn: *const DXGKARG_RECOMMENDFUNCTIONALVIDPN,
) -> NTSTATUS {
    let run = |device: &Device<N>, args: &DXGKARG_RECOMMENDFUNCTIONALVIDPN| {
        let (list, dxgkrnl) = parts(device)?;
        if !is_connected(device) {
            return Err(STATUS_GRAPHICS_NO_RECOMMENDED_FUNCTIONAL_VIDPN);
        }
        network::recommend_functional(dxgkrnl, &list, args.hRecommendedFunctionalVidPn)
    };
    // SAFETY: dxgkrnl's context and argument block.
    unsafe { entry(h_adapter, recommend_functional_vid_pn, run) }
}

/// `DxgkDdiEnumVidPnCofuncModality`. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_enum_vid_pn_cofunc_modality<N: Nt>(
    h_adapter: HANDLE,
    enum_vid_pn_cofunc_modality: *const DXGKARG_ENUMVIDPNCOFUNCMODALITY,
) -> NTSTATUS {
    let run = |device: &Device<N>, args: &DXGKARG_ENUMVIDPNCOFUNCMODALITY| {
        let (list, dxgkrnl) = parts(device)?;
        network::enumerate(dxgkrnl, &list, args)
    };
    // SAFETY: dxgkrnl's context and argument block.
    unsafe { entry(h_adapter, enum_vid_pn_cofunc_modality, run) }
}

/// `DxgkDdiCommitVidPn`: all or nothing, since nothing is set before the whole network was read. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_commit_vid_pn<N: Nt>(
    h_adapter: HANDLE,
    commit_vid_pn: *const DXGKARG_COMMITVIDPN,
) -> NTSTATUS {
    let run = |device: &Device<N>, args: &DXGKARG_COMMITVIDPN| {
        if args.AffectedVidPnSourceId != D3DDDI_ID_ALL {
            check_source(args.AffectedVidPnSourceId)?;
        }
        let (list, dxgkrnl) = parts(device)?;
        // A mode change told while the monitor is switched off: it is told again when it is switched on.
        if args.Flags.has(DXGKARG_COMMITVIDPN_FLAGS::PathPoweredOff) {
            return Ok(());
        }
        let mode = network::functional_mode(dxgkrnl, &list, args.hFunctionalVidPn)?;
        let enforce = args.MonitorConnectivityChecks == D3DKMDT_MCC_ENFORCE;
        if mode.is_some() && enforce && !is_connected(device) {
            return Err(STATUS_GRAPHICS_INVALID_VIDPN_TOPOLOGY);
        }
        device.adapter().commit_vid_pn(SOURCE_ID, mode).map_err(error)
    };
    // SAFETY: dxgkrnl's context and argument block.
    unsafe { entry(h_adapter, commit_vid_pn, run) }
}

/// `DxgkDdiUpdateActiveVidPnPresentPath`: nothing of a path can change but its gamma ramp, which has no effect; see
/// [`check_path`]. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_update_active_vid_pn_present_path<N: Nt>(
    h_adapter: HANDLE,
    update_active_vid_pn_present_path: *const DXGKARG_UPDATEACTIVEVIDPNPRESENTPATH,
) -> NTSTATUS {
    let run =
        |_: &Device<N>, args: &DXGKARG_UPDATEACTIVEVIDPNPRESENTPATH| check_path(&args.VidPnPresentPathInfo);
    // SAFETY: dxgkrnl's context and argument block.
    unsafe { entry(h_adapter, update_active_vid_pn_present_path, run) }
}

/// `DxgkDdiRecommendMonitorModes`. IRQL ≤ `APC_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_recommend_monitor_modes<N: Nt>(
    h_adapter: HANDLE,
    recommend_monitor_modes: *const DXGKARG_RECOMMENDMONITORMODES,
) -> NTSTATUS {
    let run = |device: &Device<N>, args: &DXGKARG_RECOMMENDMONITORMODES| {
        let list = device.adapter().mode_list();
        // SAFETY: dxgkrnl's set and interface.
        unsafe { monitor::recommend(&list, args) }
    };
    // SAFETY: dxgkrnl's context and argument block.
    unsafe { entry(h_adapter, recommend_monitor_modes, run) }
}

/// `DxgkDdiRecommendVidPnTopology`: there is one topology, and it is the one that dxgkrnl falls back to. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_recommend_vid_pn_topology<N: Nt>(
    h_adapter: HANDLE,
    recommend_vid_pn_topology: *const DXGKARG_RECOMMENDVIDPNTOPOLOGY,
) -> NTSTATUS {
    let run = |_: &Device<N>, args: &DXGKARG_RECOMMENDVIDPNTOPOLOGY| {
        if args.VidPnSourceId != D3DDDI_ID_ALL {
            check_source(args.VidPnSourceId)?;
        }
        Err(STATUS_GRAPHICS_NO_RECOMMENDED_VIDPN_TOPOLOGY)
    };
    // SAFETY: dxgkrnl's context and argument block.
    unsafe { entry(h_adapter, recommend_vid_pn_topology, run) }
}

/// `DxgkDdiQueryVidPnHWCapability`: nothing is done by a copy of the driver's own; there is no rotation, scaling or cloning at
/// all. `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_query_vid_pn_hw_capability<N: Nt>(
    h_adapter: HANDLE,
    vid_pn_hw_caps: *mut DXGKARG_QUERYVIDPNHWCAPABILITY,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(h_adapter) };
    // SAFETY: dxgkrnl's block is the call's alone.
    let argument = unsafe { vid_pn_hw_caps.as_mut() };
    let Some((_, argument)) = device.zip(argument) else { return STATUS_INVALID_PARAMETER };
    let known = check_source(argument.SourceId).and(check_target(argument.TargetId));
    status_of(known.map(|()| argument.VidPnHWCaps = D3DKMDT_VIDPN_HW_CAPABILITY::new(0)))
}

/// Whether a monitor is there.
fn is_connected<N: Nt>(device: &Device<N>) -> bool {
    device.adapter().has_monitor()
}
