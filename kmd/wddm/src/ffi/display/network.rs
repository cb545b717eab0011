//! What the VidPN entries decide: which networks are supported, which modes go together, what a commit sets.
//!
//! There is one source and one target, no scaling and no rotation. So a network is supported when it has the one path or none,
//! and two modes go together when they have the same size.

use pvgpu_kmd::display::{CommittedMode, ModeList, SOURCE_ID, Size, TARGET_ID};
use pvgpu_kmd_ddi::{
    D3DDDI_GAMMARAMP_DEFAULT, D3DDDI_GAMMARAMP_RGB256x3x16 as GAMMARAMP_RGB256,
    D3DDDI_GAMMARAMP_UNINITIALIZED, D3DKMDT_CB_SCRGB, D3DKMDT_CB_SRGB, D3DKMDT_CB_UNINITIALIZED,
    D3DKMDT_COLOR_COEFF_DYNAMIC_RANGES, D3DKMDT_EPT_ROTATION, D3DKMDT_EPT_SCALING, D3DKMDT_EPT_VIDPNSOURCE,
    D3DKMDT_EPT_VIDPNTARGET, D3DKMDT_HVIDPN, D3DKMDT_VIDPN_PRESENT_PATH,
    D3DKMDT_VIDPN_PRESENT_PATH_COPYPROTECTION_SUPPORT as CopyProtectionSupport,
    D3DKMDT_VIDPN_PRESENT_PATH_ROTATION_SUPPORT as RotationSupport,
    D3DKMDT_VIDPN_PRESENT_PATH_SCALING_SUPPORT as ScalingSupport, D3DKMDT_VPPC_GRAPHICS,
    D3DKMDT_VPPI_PRIMARY, D3DKMDT_VPPMT_NOPROTECTION, D3DKMDT_VPPR_IDENTITY, D3DKMDT_VPPR_NOTSPECIFIED,
    D3DKMDT_VPPR_UNINITIALIZED, D3DKMDT_VPPR_UNPINNED, D3DKMDT_VPPS_IDENTITY, D3DKMDT_VPPS_NOTSPECIFIED,
    D3DKMDT_VPPS_UNINITIALIZED, D3DKMDT_VPPS_UNPINNED, DXGKARG_ENUMVIDPNCOFUNCMODALITY, DXGKRNL_INTERFACE,
    NTSTATUS, STATUS_GRAPHICS_GAMMA_RAMP_NOT_SUPPORTED, STATUS_GRAPHICS_INVALID_COLORBASIS,
    STATUS_GRAPHICS_INVALID_VIDEO_PRESENT_SOURCE, STATUS_GRAPHICS_INVALID_VIDEO_PRESENT_SOURCE_MODE,
    STATUS_GRAPHICS_INVALID_VIDEO_PRESENT_TARGET, STATUS_GRAPHICS_INVALID_VIDPN_TOPOLOGY,
    STATUS_GRAPHICS_PATH_CONTENT_GEOMETRY_TRANSFORMATION_NOT_SUPPORTED,
};

use super::modes::{NewSourceModes, NewTargetModes, SourceModes, TargetModes};
use super::signal::{FORMATS, committed, fill_source, fill_target, source_size, target_mode};
use super::vidpn::{Topology, VidPn};

/// Refuses all sources but the one.
pub(super) fn check_source(id: u32) -> Result<(), NTSTATUS> {
    if id == SOURCE_ID { Ok(()) } else { Err(STATUS_GRAPHICS_INVALID_VIDEO_PRESENT_SOURCE) }
}

/// Refuses all targets but the one.
pub(super) fn check_target(id: u32) -> Result<(), NTSTATUS> {
    if id == TARGET_ID { Ok(()) } else { Err(STATUS_GRAPHICS_INVALID_VIDEO_PRESENT_TARGET) }
}

/// Whether the adapter can do what a path asks for.
///
/// A gamma ramp of 256 entries is taken and changes nothing: `DxgkDdiUpdateActiveVidPnPresentPath` must support ramps, as its page
/// says, and what looks at the surface here is the host, whose own screen has a ramp of its own.
///
/// # Errors
/// The status that names what it cannot do.
pub(super) fn check_path(path: &D3DKMDT_VIDPN_PRESENT_PATH) -> Result<(), NTSTATUS> {
    check_source(path.VidPnSourceId)?;
    check_target(path.VidPnTargetId)?;
    let transformation = &path.ContentTransformation;
    let scaling_known = matches!(
        transformation.Scaling,
        D3DKMDT_VPPS_IDENTITY
            | D3DKMDT_VPPS_NOTSPECIFIED
            | D3DKMDT_VPPS_UNINITIALIZED
            | D3DKMDT_VPPS_UNPINNED
    );
    let rotation_known = matches!(
        transformation.Rotation,
        D3DKMDT_VPPR_IDENTITY
            | D3DKMDT_VPPR_NOTSPECIFIED
            | D3DKMDT_VPPR_UNINITIALIZED
            | D3DKMDT_VPPR_UNPINNED
    );
    if !scaling_known || !rotation_known {
        return Err(STATUS_GRAPHICS_PATH_CONTENT_GEOMETRY_TRANSFORMATION_NOT_SUPPORTED);
    }
    let ramp_known = matches!(
        path.GammaRamp.Type,
        D3DDDI_GAMMARAMP_UNINITIALIZED | D3DDDI_GAMMARAMP_DEFAULT | GAMMARAMP_RGB256
    );
    if !ramp_known {
        return Err(STATUS_GRAPHICS_GAMMA_RAMP_NOT_SUPPORTED);
    }
    let basis_known =
        matches!(path.VidPnTargetColorBasis, D3DKMDT_CB_SCRGB | D3DKMDT_CB_SRGB | D3DKMDT_CB_UNINITIALIZED);
    if basis_known { Ok(()) } else { Err(STATUS_GRAPHICS_INVALID_COLORBASIS) }
}

/// Whether a VidPN is supported (`DxgkDdiIsSupportedVidPn`); its sets may be without pinned modes.
///
/// # Errors
/// dxgkrnl's.
pub(super) fn is_supported(
    dxgkrnl: &DXGKRNL_INTERFACE,
    list: &ModeList,
    vid_pn: D3DKMDT_HVIDPN,
) -> Result<bool, NTSTATUS> {
    if vid_pn.is_null() {
        // The adapter can always show nothing.
        return Ok(true);
    }
    let vid_pn = VidPn::query(dxgkrnl, vid_pn)?;
    let topology = vid_pn.topology()?;
    let Some(path) = topology.first()? else { return Ok(true) };
    if check_path(&path).is_err() {
        return Ok(false);
    }
    // One target takes part in one path.
    if topology.next(path)?.is_some() {
        return Ok(false);
    }
    let sources = SourceModes::acquire(vid_pn, SOURCE_ID)?;
    let size = match sources.pinned()? {
        None => None,
        Some(mode) => match source_size(list, &mode) {
            None => return Ok(false),
            size => size,
        },
    };
    let targets = TargetModes::acquire(vid_pn, TARGET_ID)?;
    let Some(mode) = targets.pinned()? else { return Ok(true) };
    let Some(mode) = target_mode(list, &mode) else { return Ok(false) };
    Ok(size.is_none_or(|size| size == mode.into()))
}

/// `DxgkDdiEnumVidPnCofuncModality`: gives each set that is not the pivot and has no pinned mode the modes that go with
/// those that are pinned, and says what paths support.
///
/// # Errors
/// dxgkrnl's.
pub(super) fn enumerate(
    dxgkrnl: &DXGKRNL_INTERFACE,
    list: &ModeList,
    args: &DXGKARG_ENUMVIDPNCOFUNCMODALITY,
) -> Result<(), NTSTATUS> {
    let vid_pn = VidPn::query(dxgkrnl, args.hConstrainingVidPn)?;
    let topology = vid_pn.topology()?;
    let mut path = topology.first()?;
    while let Some(current) = path {
        check_source(current.VidPnSourceId)?;
        check_target(current.VidPnTargetId)?;
        enumerate_modes(vid_pn, list, args)?;
        enumerate_support(topology, args, &current)?;
        path = topology.next(current)?;
    }
    Ok(())
}

/// The mode sets of the one path's ends.
fn enumerate_modes(
    vid_pn: VidPn<'_>,
    list: &ModeList,
    args: &DXGKARG_ENUMVIDPNCOFUNCMODALITY,
) -> Result<(), NTSTATUS> {
    let is_pivot = |kind, id, own| args.EnumPivotType == kind && id == own;
    let source_is_pivot = is_pivot(D3DKMDT_EPT_VIDPNSOURCE, args.EnumPivot.VidPnSourceId, SOURCE_ID);
    let target_is_pivot = is_pivot(D3DKMDT_EPT_VIDPNTARGET, args.EnumPivot.VidPnTargetId, TARGET_ID);
    // What is pinned at either end. A mode that the list has lost since it was pinned goes with nothing.
    let source_size = pinned_source(vid_pn, list)?;
    let target_size = pinned_target(vid_pn, list)?;
    if source_size == Pinned::No && !source_is_pivot {
        let new = NewSourceModes::create(vid_pn, SOURCE_ID)?;
        for size in list.sizes().filter(|size| target_size.goes_with(*size)) {
            for format in FORMATS {
                new.offer(|mode| fill_source(mode, size, format))?;
            }
        }
        new.assign()?;
    }
    if target_size == Pinned::No && !target_is_pivot {
        let new = NewTargetModes::create(vid_pn, TARGET_ID)?;
        for mode in list.modes().filter(|mode| source_size.goes_with((*mode).into())) {
            new.offer(|target| fill_target(target, list, mode))?;
        }
        new.assign()?;
    }
    Ok(())
}

/// The size that is pinned at one end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pinned {
    No,
    Size(Size),
}

impl Pinned {
    fn goes_with(self, size: Size) -> bool {
        self == Self::No || self == Self::Size(size)
    }
}

/// # Errors
/// `STATUS_GRAPHICS_INVALID_VIDEO_PRESENT_SOURCE_MODE` for a pinned mode that the adapter does not have.
fn pinned_source(vid_pn: VidPn<'_>, list: &ModeList) -> Result<Pinned, NTSTATUS> {
    let modes = SourceModes::acquire(vid_pn, SOURCE_ID)?;
    let Some(mode) = modes.pinned()? else { return Ok(Pinned::No) };
    source_size(list, &mode).map(Pinned::Size).ok_or(STATUS_GRAPHICS_INVALID_VIDEO_PRESENT_SOURCE_MODE)
}

/// # Errors
/// `STATUS_GRAPHICS_INVALID_VIDEO_PRESENT_TARGET_MODE` for a pinned mode that the adapter does not have.
fn pinned_target(vid_pn: VidPn<'_>, list: &ModeList) -> Result<Pinned, NTSTATUS> {
    let modes = TargetModes::acquire(vid_pn, TARGET_ID)?;
    let Some(mode) = modes.pinned()? else { return Ok(Pinned::No) };
    let mode = target_mode(list, &mode);
    mode.map(|mode| Pinned::Size(mode.into()))
        .ok_or(pvgpu_kmd_ddi::STATUS_GRAPHICS_INVALID_VIDEO_PRESENT_TARGET_MODE)
}

/// What the path supports, where nothing is pinned: pixel for pixel, upright, unprotected.
fn enumerate_support(
    topology: Topology<'_>,
    args: &DXGKARG_ENUMVIDPNCOFUNCMODALITY,
    path: &D3DKMDT_VIDPN_PRESENT_PATH,
) -> Result<(), NTSTATUS> {
    let here = args.EnumPivot.VidPnSourceId == path.VidPnSourceId
        && args.EnumPivot.VidPnTargetId == path.VidPnTargetId;
    let is_pivot = |kind| here && args.EnumPivotType == kind;
    let mut local = *path;
    let mut changed = false;
    let transformation = &mut local.ContentTransformation;
    if transformation.Scaling == D3DKMDT_VPPS_UNPINNED && !is_pivot(D3DKMDT_EPT_SCALING) {
        transformation.ScalingSupport = ScalingSupport::new(ScalingSupport::Identity);
        changed = true;
    }
    if transformation.Rotation == D3DKMDT_VPPR_UNPINNED && !is_pivot(D3DKMDT_EPT_ROTATION) {
        transformation.RotationSupport = RotationSupport::new(RotationSupport::Identity);
        changed = true;
    }
    if !changed {
        return Ok(());
    }
    local.CopyProtection.CopyProtectionType = D3DKMDT_VPPMT_NOPROTECTION;
    local.CopyProtection.CopyProtectionSupport =
        CopyProtectionSupport::new(CopyProtectionSupport::NoProtection);
    topology.update_support(&local)
}

/// What `DxgkDdiCommitVidPn` sets for the source: `None` when it shows nothing.
///
/// # Errors
/// dxgkrnl's; `STATUS_GRAPHICS_INVALID_VIDPN_TOPOLOGY` for more than one path, else what the path or its modes lack.
pub(super) fn functional_mode(
    dxgkrnl: &DXGKRNL_INTERFACE,
    list: &ModeList,
    vid_pn: D3DKMDT_HVIDPN,
) -> Result<Option<CommittedMode>, NTSTATUS> {
    if vid_pn.is_null() {
        return Ok(None);
    }
    let vid_pn = VidPn::query(dxgkrnl, vid_pn)?;
    let topology = vid_pn.topology()?;
    match topology.paths_from(SOURCE_ID)? {
        0 => return Ok(None),
        1 => {}
        _ => return Err(STATUS_GRAPHICS_INVALID_VIDPN_TOPOLOGY),
    }
    check_path(&*topology.path(SOURCE_ID, TARGET_ID)?)?;
    let sources = SourceModes::acquire(vid_pn, SOURCE_ID)?;
    let Some(source) = sources.pinned()? else { return Ok(None) };
    let targets = TargetModes::acquire(vid_pn, TARGET_ID)?;
    let Some(target) = targets.pinned()? else {
        return Err(pvgpu_kmd_ddi::STATUS_GRAPHICS_INVALID_VIDEO_PRESENT_TARGET_MODE);
    };
    let mode = committed(list, &source, &target);
    mode.map(Some).ok_or(STATUS_GRAPHICS_INVALID_VIDEO_PRESENT_SOURCE_MODE)
}

/// `DxgkDdiRecommendFunctionalVidPn`: fills an empty VidPN with the one path and the preferred mode, in the order that the
/// entry's page states: path, source modes, their pin, target modes, their pin.
///
/// # Errors
/// dxgkrnl's.
pub(super) fn recommend_functional(
    dxgkrnl: &DXGKRNL_INTERFACE,
    list: &ModeList,
    vid_pn: D3DKMDT_HVIDPN,
) -> Result<(), NTSTATUS> {
    let vid_pn = VidPn::query(dxgkrnl, vid_pn)?;
    vid_pn.topology()?.create_path()?.add(fill_path)?;
    let mode = list.preferred();
    let [format, ..] = FORMATS;
    let new = NewSourceModes::create(vid_pn, SOURCE_ID)?;
    let id = new.add(|source| fill_source(source, mode.into(), format))?;
    new.assign()?;
    SourceModes::acquire(vid_pn, SOURCE_ID)?.pin(id)?;
    let new = NewTargetModes::create(vid_pn, TARGET_ID)?;
    let id = new.add(|target| fill_target(target, list, mode))?;
    new.assign()?;
    TargetModes::acquire(vid_pn, TARGET_ID)?.pin(id)
}

/// The one path.
fn fill_path(path: &mut D3DKMDT_VIDPN_PRESENT_PATH) {
    path.VidPnSourceId = SOURCE_ID;
    path.VidPnTargetId = TARGET_ID;
    path.ImportanceOrdinal = D3DKMDT_VPPI_PRIMARY;
    path.ContentTransformation.Scaling = D3DKMDT_VPPS_IDENTITY;
    path.ContentTransformation.ScalingSupport = ScalingSupport::new(ScalingSupport::Identity);
    path.ContentTransformation.Rotation = D3DKMDT_VPPR_IDENTITY;
    path.ContentTransformation.RotationSupport = RotationSupport::new(RotationSupport::Identity);
    path.VidPnTargetColorBasis = D3DKMDT_CB_SRGB;
    let bits = 8;
    path.VidPnTargetColorCoeffDynamicRanges = D3DKMDT_COLOR_COEFF_DYNAMIC_RANGES {
        FirstChannel: bits,
        SecondChannel: bits,
        ThirdChannel: bits,
        FourthChannel: bits,
    };
    path.Content = D3DKMDT_VPPC_GRAPHICS;
    path.CopyProtection.CopyProtectionType = D3DKMDT_VPPMT_NOPROTECTION;
    path.CopyProtection.CopyProtectionSupport =
        CopyProtectionSupport::new(CopyProtectionSupport::NoProtection);
    path.GammaRamp.Type = D3DDDI_GAMMARAMP_DEFAULT;
}
