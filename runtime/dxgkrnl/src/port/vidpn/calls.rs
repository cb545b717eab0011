//! The interfaces' functions: each finds its object, does its work in the table, and answers.
#![expect(non_snake_case, reason = "the functions have the names that they have in the interfaces")]

use pvgpu_kmd_ddi::*;

use super::super::driver::NtResult;
use super::{State, TOPOLOGY};
use crate::irql::{self, Irql};
use crate::system;
use crate::verifier::Rule;

/// Runs a function of an interface on the table. `PASSIVE_LEVEL`.
///
/// A failure other than "there is no more" is the driver's mistake, unless it was injected.
fn on_table<T>(function: &'static str, run: impl FnOnce(&mut State) -> NtResult<T>) -> NtResult<T> {
    irql::require(Irql::Passive, function);
    if system::with(|system, _| system.inject.may_fail(function)) {
        return Err(STATUS_NO_MEMORY);
    }
    let port = system::with(|system, _| system.port()).ok_or(STATUS_GRAPHICS_INVALID_VIDPN)?;
    let result = run(&mut port.vidpns().lock());
    if let Err(status) = result
        && !NT_SUCCESS(status)
        && status != STATUS_GRAPHICS_MODE_ALREADY_IN_MODESET
        && status != STATUS_GRAPHICS_PATH_NOT_IN_TOPOLOGY
    {
        system::report(Rule::VidPn, function, || format!("it refused with {status:#010x}"));
    }
    result
}

/// The same for functions that only may be called to give something back, which never fails.
fn give_back(function: &'static str, run: impl FnOnce(&mut State) -> NtResult<()>) -> NTSTATUS {
    irql::require(Irql::Passive, function);
    let Some(port) = system::with(|system, _| system.port()) else { return STATUS_GRAPHICS_INVALID_VIDPN };
    let result = run(&mut port.vidpns().lock());
    if let Err(status) = result {
        system::report(Rule::VidPn, function, || format!("it refused with {status:#010x}"));
    }
    result.err().unwrap_or(STATUS_SUCCESS)
}

/// Writes an answer.
///
/// # Safety
/// `to` is writable.
unsafe fn answer<T>(to: *mut T, result: NtResult<T>) -> NTSTATUS {
    match result {
        Ok(value) => {
            // SAFETY: this function's contract.
            unsafe { to.write(value) };
            STATUS_SUCCESS
        }
        Err(status) => status,
    }
}

fn done(result: NtResult<()>) -> NTSTATUS {
    result.err().unwrap_or(STATUS_SUCCESS)
}

fn pointer<T>(handle: usize) -> *mut T {
    std::ptr::without_provenance_mut(handle)
}

/// `DxgkCbQueryVidPnInterface`.
pub(crate) fn interface(
    vidpn: D3DKMDT_HVIDPN,
    version: DXGK_VIDPN_INTERFACE_VERSION,
) -> NtResult<*const DXGK_VIDPN_INTERFACE> {
    if version != DXGK_VIDPN_INTERFACE_VERSION_V1 {
        return Err(STATUS_NOT_SUPPORTED);
    }
    on_table("DxgkCbQueryVidPnInterface", |state| state.vidpn(vidpn.0.addr()).map(|_| ()))?;
    Ok(&raw const VIDPN)
}

/// The functions for a monitor's modes.
pub(crate) fn monitor_mode_interface() -> *const DXGK_MONITORSOURCEMODESET_INTERFACE {
    &raw const MONITOR_MODES
}

static VIDPN: DXGK_VIDPN_INTERFACE = DXGK_VIDPN_INTERFACE {
    Version: DXGK_VIDPN_INTERFACE_VERSION_V1,
    pfnGetTopology: Some(GetTopology),
    pfnAcquireSourceModeSet: Some(AcquireSourceModeSet),
    pfnReleaseSourceModeSet: Some(ReleaseSourceModeSet),
    pfnCreateNewSourceModeSet: Some(CreateNewSourceModeSet),
    pfnAssignSourceModeSet: Some(AssignSourceModeSet),
    pfnAssignMultisamplingMethodSet: Some(AssignMultisamplingMethodSet),
    pfnAcquireTargetModeSet: Some(AcquireTargetModeSet),
    pfnReleaseTargetModeSet: Some(ReleaseTargetModeSet),
    pfnCreateNewTargetModeSet: Some(CreateNewTargetModeSet),
    pfnAssignTargetModeSet: Some(AssignTargetModeSet),
};

unsafe extern "win64" fn GetTopology(
    hVidPn: D3DKMDT_HVIDPN,
    phVidPnTopology: *mut D3DKMDT_HVIDPNTOPOLOGY,
    ppVidPnTopologyInterface: *mut *const DXGK_VIDPNTOPOLOGY_INTERFACE,
) -> NTSTATUS {
    let handle = hVidPn.0.addr();
    let found = on_table("pfnGetTopology", |state| state.vidpn(handle).map(|_| ()));
    let topology = found.map(|()| D3DKMDT_HVIDPNTOPOLOGY(pointer(handle + TOPOLOGY)));
    if topology.is_ok() {
        // SAFETY: the DDI's contract: writable.
        unsafe { ppVidPnTopologyInterface.write(&raw const TOPOLOGIES) };
    }
    // SAFETY: the DDI's contract: writable.
    unsafe { answer(phVidPnTopology, topology) }
}

unsafe extern "win64" fn AssignMultisamplingMethodSet(
    hVidPn: D3DKMDT_HVIDPN,
    _VidPnSourceId: D3DDDI_VIDEO_PRESENT_SOURCE_ID,
    _NumMethods: usize,
    _pSupportedMethodSet: *const D3DDDI_MULTISAMPLINGMETHOD,
) -> NTSTATUS {
    done(on_table("pfnAssignMultisamplingMethodSet", |state| state.vidpn(hVidPn.0.addr()).map(|_| ())))
}

unsafe extern "win64" fn AcquireSourceModeSet(
    hVidPn: D3DKMDT_HVIDPN,
    VidPnSourceId: D3DDDI_VIDEO_PRESENT_SOURCE_ID,
    phVidPnSourceModeSet: *mut D3DKMDT_HVIDPNSOURCEMODESET,
    ppVidPnSourceModeSetInterface: *mut *const DXGK_VIDPNSOURCEMODESET_INTERFACE,
) -> NTSTATUS {
    let set =
        on_table("pfnAcquireSourceModeSet", |state| state.acquire_source_set(hVidPn.0.addr(), VidPnSourceId));
    if set.is_ok() {
        // SAFETY: the DDI's contract: writable.
        unsafe { ppVidPnSourceModeSetInterface.write(&raw const SOURCE_MODES) };
    }
    // SAFETY: the DDI's contract: writable.
    unsafe { answer(phVidPnSourceModeSet, set.map(|set| D3DKMDT_HVIDPNSOURCEMODESET(pointer(set)))) }
}

unsafe extern "win64" fn ReleaseSourceModeSet(
    hVidPn: D3DKMDT_HVIDPN,
    hVidPnSourceModeSet: D3DKMDT_HVIDPNSOURCEMODESET,
) -> NTSTATUS {
    give_back("pfnReleaseSourceModeSet", |state| {
        state.vidpn(hVidPn.0.addr())?;
        state.release_source_set(hVidPnSourceModeSet.0.addr())
    })
}

unsafe extern "win64" fn CreateNewSourceModeSet(
    hVidPn: D3DKMDT_HVIDPN,
    VidPnSourceId: D3DDDI_VIDEO_PRESENT_SOURCE_ID,
    phNewVidPnSourceModeSet: *mut D3DKMDT_HVIDPNSOURCEMODESET,
    ppVidPnSourceModeSetInterface: *mut *const DXGK_VIDPNSOURCEMODESET_INTERFACE,
) -> NTSTATUS {
    let set = on_table("pfnCreateNewSourceModeSet", |state| {
        let known = state.vidpn(hVidPn.0.addr())?.sources.contains_key(&VidPnSourceId);
        if known {
            Ok(state.new_source_set(false))
        } else {
            Err(STATUS_GRAPHICS_INVALID_VIDEO_PRESENT_SOURCE)
        }
    });
    if set.is_ok() {
        // SAFETY: the DDI's contract: writable.
        unsafe { ppVidPnSourceModeSetInterface.write(&raw const SOURCE_MODES) };
    }
    // SAFETY: the DDI's contract: writable.
    unsafe { answer(phNewVidPnSourceModeSet, set.map(|set| D3DKMDT_HVIDPNSOURCEMODESET(pointer(set)))) }
}

unsafe extern "win64" fn AssignSourceModeSet(
    hVidPn: D3DKMDT_HVIDPN,
    VidPnSourceId: D3DDDI_VIDEO_PRESENT_SOURCE_ID,
    hVidPnSourceModeSet: D3DKMDT_HVIDPNSOURCEMODESET,
) -> NTSTATUS {
    done(on_table("pfnAssignSourceModeSet", |state| {
        state.assign_source_set(hVidPn.0.addr(), VidPnSourceId, hVidPnSourceModeSet.0.addr())
    }))
}

unsafe extern "win64" fn AcquireTargetModeSet(
    hVidPn: D3DKMDT_HVIDPN,
    VidPnTargetId: D3DDDI_VIDEO_PRESENT_TARGET_ID,
    phVidPnTargetModeSet: *mut D3DKMDT_HVIDPNTARGETMODESET,
    ppVidPnTargetModeSetInterface: *mut *const DXGK_VIDPNTARGETMODESET_INTERFACE,
) -> NTSTATUS {
    let set =
        on_table("pfnAcquireTargetModeSet", |state| state.acquire_target_set(hVidPn.0.addr(), VidPnTargetId));
    if set.is_ok() {
        // SAFETY: the DDI's contract: writable.
        unsafe { ppVidPnTargetModeSetInterface.write(&raw const TARGET_MODES) };
    }
    // SAFETY: the DDI's contract: writable.
    unsafe { answer(phVidPnTargetModeSet, set.map(|set| D3DKMDT_HVIDPNTARGETMODESET(pointer(set)))) }
}

unsafe extern "win64" fn ReleaseTargetModeSet(
    hVidPn: D3DKMDT_HVIDPN,
    hVidPnTargetModeSet: D3DKMDT_HVIDPNTARGETMODESET,
) -> NTSTATUS {
    give_back("pfnReleaseTargetModeSet", |state| {
        state.vidpn(hVidPn.0.addr())?;
        state.release_target_set(hVidPnTargetModeSet.0.addr())
    })
}

unsafe extern "win64" fn CreateNewTargetModeSet(
    hVidPn: D3DKMDT_HVIDPN,
    VidPnTargetId: D3DDDI_VIDEO_PRESENT_TARGET_ID,
    phNewVidPnTargetModeSet: *mut D3DKMDT_HVIDPNTARGETMODESET,
    ppVidPnTargetModeSetInterface: *mut *const DXGK_VIDPNTARGETMODESET_INTERFACE,
) -> NTSTATUS {
    let set = on_table("pfnCreateNewTargetModeSet", |state| {
        let known = state.vidpn(hVidPn.0.addr())?.targets.contains_key(&VidPnTargetId);
        if known {
            Ok(state.new_target_set(false))
        } else {
            Err(STATUS_GRAPHICS_INVALID_VIDEO_PRESENT_TARGET)
        }
    });
    if set.is_ok() {
        // SAFETY: the DDI's contract: writable.
        unsafe { ppVidPnTargetModeSetInterface.write(&raw const TARGET_MODES) };
    }
    // SAFETY: the DDI's contract: writable.
    unsafe { answer(phNewVidPnTargetModeSet, set.map(|set| D3DKMDT_HVIDPNTARGETMODESET(pointer(set)))) }
}

unsafe extern "win64" fn AssignTargetModeSet(
    hVidPn: D3DKMDT_HVIDPN,
    VidPnTargetId: D3DDDI_VIDEO_PRESENT_TARGET_ID,
    hVidPnTargetModeSet: D3DKMDT_HVIDPNTARGETMODESET,
) -> NTSTATUS {
    done(on_table("pfnAssignTargetModeSet", |state| {
        state.assign_target_set(hVidPn.0.addr(), VidPnTargetId, hVidPnTargetModeSet.0.addr())
    }))
}

static SOURCE_MODES: DXGK_VIDPNSOURCEMODESET_INTERFACE = DXGK_VIDPNSOURCEMODESET_INTERFACE {
    pfnGetNumModes: Some(source_set::get_num_modes),
    pfnAcquireFirstModeInfo: Some(source_set::acquire_first),
    pfnAcquireNextModeInfo: Some(source_set::acquire_next),
    pfnAcquirePinnedModeInfo: Some(source_set::acquire_pinned),
    pfnReleaseModeInfo: Some(source_set::release),
    pfnCreateNewModeInfo: Some(source_set::create),
    pfnAddMode: Some(source_set::add),
    pfnPinMode: Some(source_set::pin),
};

/// The functions of DXGK_VIDPNSOURCEMODESET_INTERFACE.
mod source_set {
    use pvgpu_kmd_ddi::*;

    use super::{answer, done, give_back, on_table};

    type Set = D3DKMDT_HVIDPNSOURCEMODESET;
    type Mode = D3DKMDT_VIDPN_SOURCE_MODE;

    pub(super) unsafe extern "win64" fn get_num_modes(set: Set, count: *mut usize) -> NTSTATUS {
        let modes = on_table("pfnGetNumModes", |state| Ok(state.source_set(set.0.addr())?.modes.len()));
        // SAFETY: the DDI's contract: writable.
        unsafe { answer(count, modes) }
    }

    pub(super) unsafe extern "win64" fn acquire_first(set: Set, mode: *mut *const Mode) -> NTSTATUS {
        let first = on_table("pfnAcquireFirstModeInfo", |state| state.source_set(set.0.addr())?.acquire(0));
        // SAFETY: the DDI's contract: writable.
        unsafe { answer(mode, first) }
    }

    pub(super) unsafe extern "win64" fn acquire_next(
        set: Set,
        before: *const Mode,
        mode: *mut *const Mode,
    ) -> NTSTATUS {
        let next = on_table("pfnAcquireNextModeInfo", |state| {
            state.source_set(set.0.addr())?.acquire_next(before.addr())
        });
        // SAFETY: the DDI's contract: writable.
        unsafe { answer(mode, next) }
    }

    pub(super) unsafe extern "win64" fn release(set: Set, mode: *const Mode) -> NTSTATUS {
        give_back("pfnReleaseModeInfo", |state| {
            let known = state.source_set(set.0.addr())?.infos.give_back(mode.addr());
            if known { Ok(()) } else { Err(STATUS_INVALID_PARAMETER) }
        })
    }

    pub(super) unsafe extern "win64" fn create(set: Set, mode: *mut *mut Mode) -> NTSTATUS {
        let new = on_table("pfnCreateNewModeInfo", |state| state.source_set(set.0.addr())?.create());
        // SAFETY: the DDI's contract: writable.
        unsafe { answer(mode, new) }
    }

    pub(super) unsafe extern "win64" fn add(set: Set, mode: *mut Mode) -> NTSTATUS {
        done(on_table("pfnAddMode", |state| state.source_set(set.0.addr())?.add(mode.addr())))
    }

    pub(super) unsafe extern "win64" fn acquire_pinned(set: Set, mode: *mut *const Mode) -> NTSTATUS {
        let pinned =
            on_table("pfnAcquirePinnedModeInfo", |state| state.source_set(set.0.addr())?.acquire_pinned());
        // SAFETY: the DDI's contract: writable.
        unsafe { answer(mode, pinned) }
    }

    pub(super) unsafe extern "win64" fn pin(set: Set, id: u32) -> NTSTATUS {
        done(on_table("pfnPinMode", |state| state.source_set(set.0.addr())?.pin(id)))
    }
}

static TARGET_MODES: DXGK_VIDPNTARGETMODESET_INTERFACE = DXGK_VIDPNTARGETMODESET_INTERFACE {
    pfnGetNumModes: Some(target_set::get_num_modes),
    pfnAcquireFirstModeInfo: Some(target_set::acquire_first),
    pfnAcquireNextModeInfo: Some(target_set::acquire_next),
    pfnAcquirePinnedModeInfo: Some(target_set::acquire_pinned),
    pfnReleaseModeInfo: Some(target_set::release),
    pfnCreateNewModeInfo: Some(target_set::create),
    pfnAddMode: Some(target_set::add),
    pfnPinMode: Some(target_set::pin),
};

/// The functions of DXGK_VIDPNTARGETMODESET_INTERFACE.
mod target_set {
    use pvgpu_kmd_ddi::*;

    use super::{answer, done, give_back, on_table};

    type Set = D3DKMDT_HVIDPNTARGETMODESET;
    type Mode = D3DKMDT_VIDPN_TARGET_MODE;

    pub(super) unsafe extern "win64" fn get_num_modes(set: Set, count: *mut usize) -> NTSTATUS {
        let modes = on_table("pfnGetNumModes", |state| Ok(state.target_set(set.0.addr())?.modes.len()));
        // SAFETY: the DDI's contract: writable.
        unsafe { answer(count, modes) }
    }

    pub(super) unsafe extern "win64" fn acquire_first(set: Set, mode: *mut *const Mode) -> NTSTATUS {
        let first = on_table("pfnAcquireFirstModeInfo", |state| state.target_set(set.0.addr())?.acquire(0));
        // SAFETY: the DDI's contract: writable.
        unsafe { answer(mode, first) }
    }

    pub(super) unsafe extern "win64" fn acquire_next(
        set: Set,
        before: *const Mode,
        mode: *mut *const Mode,
    ) -> NTSTATUS {
        let next = on_table("pfnAcquireNextModeInfo", |state| {
            state.target_set(set.0.addr())?.acquire_next(before.addr())
        });
        // SAFETY: the DDI's contract: writable.
        unsafe { answer(mode, next) }
    }

    pub(super) unsafe extern "win64" fn release(set: Set, mode: *const Mode) -> NTSTATUS {
        give_back("pfnReleaseModeInfo", |state| {
            let known = state.target_set(set.0.addr())?.infos.give_back(mode.addr());
            if known { Ok(()) } else { Err(STATUS_INVALID_PARAMETER) }
        })
    }

    pub(super) unsafe extern "win64" fn create(set: Set, mode: *mut *mut Mode) -> NTSTATUS {
        let new = on_table("pfnCreateNewModeInfo", |state| state.target_set(set.0.addr())?.create());
        // SAFETY: the DDI's contract: writable.
        unsafe { answer(mode, new) }
    }

    pub(super) unsafe extern "win64" fn add(set: Set, mode: *mut Mode) -> NTSTATUS {
        done(on_table("pfnAddMode", |state| state.target_set(set.0.addr())?.add(mode.addr())))
    }

    pub(super) unsafe extern "win64" fn acquire_pinned(set: Set, mode: *mut *const Mode) -> NTSTATUS {
        let pinned =
            on_table("pfnAcquirePinnedModeInfo", |state| state.target_set(set.0.addr())?.acquire_pinned());
        // SAFETY: the DDI's contract: writable.
        unsafe { answer(mode, pinned) }
    }

    pub(super) unsafe extern "win64" fn pin(set: Set, id: u32) -> NTSTATUS {
        done(on_table("pfnPinMode", |state| state.target_set(set.0.addr())?.pin(id)))
    }
}

static MONITOR_MODES: DXGK_MONITORSOURCEMODESET_INTERFACE = DXGK_MONITORSOURCEMODESET_INTERFACE {
    pfnGetNumModes: Some(monitor_set::get_num_modes),
    pfnAcquirePreferredModeInfo: Some(monitor_set::acquire_preferred),
    pfnAcquireFirstModeInfo: Some(monitor_set::acquire_first),
    pfnAcquireNextModeInfo: Some(monitor_set::acquire_next),
    pfnReleaseModeInfo: Some(monitor_set::release),
    pfnCreateNewModeInfo: Some(monitor_set::create),
    pfnAddMode: Some(monitor_set::add),
};

/// The functions of DXGK_MONITORSOURCEMODESET_INTERFACE.
mod monitor_set {
    use pvgpu_kmd_ddi::*;

    use super::{answer, done, give_back, on_table};

    type Set = D3DKMDT_HMONITORSOURCEMODESET;
    type Mode = D3DKMDT_MONITOR_SOURCE_MODE;

    pub(super) unsafe extern "win64" fn get_num_modes(set: Set, count: *mut usize) -> NTSTATUS {
        let modes = on_table("pfnGetNumModes", |state| Ok(state.monitor_set(set.0.addr())?.modes.len()));
        // SAFETY: the DDI's contract: writable.
        unsafe { answer(count, modes) }
    }

    pub(super) unsafe extern "win64" fn acquire_first(set: Set, mode: *mut *const Mode) -> NTSTATUS {
        let first = on_table("pfnAcquireFirstModeInfo", |state| state.monitor_set(set.0.addr())?.acquire(0));
        // SAFETY: the DDI's contract: writable.
        unsafe { answer(mode, first) }
    }

    pub(super) unsafe extern "win64" fn acquire_next(
        set: Set,
        before: *const Mode,
        mode: *mut *const Mode,
    ) -> NTSTATUS {
        let next = on_table("pfnAcquireNextModeInfo", |state| {
            state.monitor_set(set.0.addr())?.acquire_next(before.addr())
        });
        // SAFETY: the DDI's contract: writable.
        unsafe { answer(mode, next) }
    }

    pub(super) unsafe extern "win64" fn release(set: Set, mode: *const Mode) -> NTSTATUS {
        give_back("pfnReleaseModeInfo", |state| {
            let known = state.monitor_set(set.0.addr())?.infos.give_back(mode.addr());
            if known { Ok(()) } else { Err(STATUS_INVALID_PARAMETER) }
        })
    }

    pub(super) unsafe extern "win64" fn create(set: Set, mode: *mut *mut Mode) -> NTSTATUS {
        let new = on_table("pfnCreateNewModeInfo", |state| state.monitor_set(set.0.addr())?.create());
        // SAFETY: the DDI's contract: writable.
        unsafe { answer(mode, new) }
    }

    pub(super) unsafe extern "win64" fn add(set: Set, mode: *const Mode) -> NTSTATUS {
        done(on_table("pfnAddMode", |state| state.monitor_set(set.0.addr())?.add(mode.addr())))
    }

    pub(super) unsafe extern "win64" fn acquire_preferred(set: Set, mode: *mut *const Mode) -> NTSTATUS {
        let preferred = on_table("pfnAcquirePreferredModeInfo", |state| {
            let set = state.monitor_set(set.0.addr())?;
            let place = set.modes.iter().position(|mode| mode.Preference == D3DKMDT_MP_PREFERRED);
            set.acquire(place.ok_or(STATUS_GRAPHICS_NO_PREFERRED_MODE)?)
        });
        // SAFETY: the DDI's contract: writable.
        unsafe { answer(mode, preferred) }
    }
}

static TOPOLOGIES: DXGK_VIDPNTOPOLOGY_INTERFACE = DXGK_VIDPNTOPOLOGY_INTERFACE {
    pfnGetNumPaths: Some(topology::get_num_paths),
    pfnGetNumPathsFromSource: Some(topology::get_num_paths_from_source),
    pfnEnumPathTargetsFromSource: Some(topology::enum_path_targets_from_source),
    pfnGetPathSourceFromTarget: Some(topology::get_path_source_from_target),
    pfnAcquirePathInfo: Some(topology::acquire),
    pfnAcquireFirstPathInfo: Some(topology::acquire_first),
    pfnAcquireNextPathInfo: Some(topology::acquire_next),
    pfnUpdatePathSupportInfo: Some(topology::update_support),
    pfnReleasePathInfo: Some(topology::release),
    pfnCreateNewPathInfo: Some(topology::create),
    pfnAddPath: Some(topology::add),
    pfnRemovePath: Some(topology::remove),
};

/// The functions of DXGK_VIDPNTOPOLOGY_INTERFACE.
mod topology {
    use pvgpu_kmd_ddi::*;

    use super::{answer, done, give_back, on_table};
    use crate::port::vidpn::new_path;

    type Topology = D3DKMDT_HVIDPNTOPOLOGY;
    type Path = D3DKMDT_VIDPN_PRESENT_PATH;

    pub(super) unsafe extern "win64" fn get_num_paths(topology: Topology, count: *mut usize) -> NTSTATUS {
        let paths = on_table("pfnGetNumPaths", |state| Ok(state.topology(topology.0.addr())?.paths.len()));
        // SAFETY: the DDI's contract: writable.
        unsafe { answer(count, paths) }
    }

    pub(super) unsafe extern "win64" fn get_num_paths_from_source(
        topology: Topology,
        source: u32,
        count: *mut usize,
    ) -> NTSTATUS {
        let paths = on_table("pfnGetNumPathsFromSource", |state| {
            let paths = &state.topology(topology.0.addr())?.paths;
            Ok(paths.iter().filter(|path| path.VidPnSourceId == source).count())
        });
        // SAFETY: the DDI's contract: writable.
        unsafe { answer(count, paths) }
    }

    pub(super) unsafe extern "win64" fn enum_path_targets_from_source(
        topology: Topology,
        source: u32,
        index: usize,
        target: *mut u32,
    ) -> NTSTATUS {
        let found = on_table("pfnEnumPathTargetsFromSource", |state| {
            let paths = &state.topology(topology.0.addr())?.paths;
            let mut from = paths.iter().filter(|path| path.VidPnSourceId == source);
            from.nth(index).map(|path| path.VidPnTargetId).ok_or(STATUS_GRAPHICS_PATH_NOT_IN_TOPOLOGY)
        });
        // SAFETY: the DDI's contract: writable.
        unsafe { answer(target, found) }
    }

    pub(super) unsafe extern "win64" fn get_path_source_from_target(
        topology: Topology,
        target: u32,
        source: *mut u32,
    ) -> NTSTATUS {
        let found = on_table("pfnGetPathSourceFromTarget", |state| {
            let paths = &state.topology(topology.0.addr())?.paths;
            let path = paths.iter().find(|path| path.VidPnTargetId == target);
            path.map(|path| path.VidPnSourceId).ok_or(STATUS_GRAPHICS_PATH_NOT_IN_TOPOLOGY)
        });
        // SAFETY: the DDI's contract: writable.
        unsafe { answer(source, found) }
    }

    pub(super) unsafe extern "win64" fn acquire(
        topology: Topology,
        source: u32,
        target: u32,
        path: *mut *const Path,
    ) -> NTSTATUS {
        let found = on_table("pfnAcquirePathInfo", |state| {
            let vidpn = state.topology(topology.0.addr())?;
            let place = vidpn.find(source, target)?;
            vidpn.acquire_path(place)
        });
        // SAFETY: the DDI's contract: writable.
        unsafe { answer(path, found) }
    }

    pub(super) unsafe extern "win64" fn acquire_first(
        topology: Topology,
        path: *mut *const Path,
    ) -> NTSTATUS {
        let first =
            on_table("pfnAcquireFirstPathInfo", |state| state.topology(topology.0.addr())?.acquire_path(0));
        // SAFETY: the DDI's contract: writable.
        unsafe { answer(path, first) }
    }

    pub(super) unsafe extern "win64" fn acquire_next(
        topology: Topology,
        before: *const Path,
        path: *mut *const Path,
    ) -> NTSTATUS {
        let next = on_table("pfnAcquireNextPathInfo", |state| {
            let vidpn = state.topology(topology.0.addr())?;
            let place = vidpn.infos.place(before.addr()).ok_or(STATUS_INVALID_PARAMETER)?;
            vidpn.acquire_path(place + 1)
        });
        // SAFETY: the DDI's contract: writable.
        unsafe { answer(path, next) }
    }

    pub(super) unsafe extern "win64" fn update_support(topology: Topology, path: *const Path) -> NTSTATUS {
        // SAFETY: the DDI's contract: readable.
        let path = unsafe { path.read() };
        done(on_table("pfnUpdatePathSupportInfo", |state| {
            state.topology(topology.0.addr())?.update_support(&path)
        }))
    }

    pub(super) unsafe extern "win64" fn release(topology: Topology, path: *const Path) -> NTSTATUS {
        give_back("pfnReleasePathInfo", |state| {
            let known = state.topology(topology.0.addr())?.infos.give_back(path.addr());
            if known { Ok(()) } else { Err(STATUS_INVALID_PARAMETER) }
        })
    }

    pub(super) unsafe extern "win64" fn create(topology: Topology, path: *mut *mut Path) -> NTSTATUS {
        let new = on_table("pfnCreateNewPathInfo", |state| {
            Ok(state.topology(topology.0.addr())?.infos.lend(new_path((u32::MAX, u32::MAX)), None))
        });
        // SAFETY: the DDI's contract: writable.
        unsafe { answer(path, new) }
    }

    pub(super) unsafe extern "win64" fn add(topology: Topology, path: *mut Path) -> NTSTATUS {
        done(on_table("pfnAddPath", |state| state.topology(topology.0.addr())?.add_path(path.addr())))
    }

    pub(super) unsafe extern "win64" fn remove(topology: Topology, source: u32, target: u32) -> NTSTATUS {
        done(on_table("pfnRemovePath", |state| {
            let vidpn = state.topology(topology.0.addr())?;
            let place = vidpn.find(source, target)?;
            vidpn.paths.remove(place);
            Ok(())
        }))
    }
}
