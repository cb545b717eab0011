//! The VidPN entries' decisions against a small fake of dxgkrnl's VidPN tables.
//!
//! The fake keeps the books: what was acquired or created must be given back once, to where it came from, sets are assigned
//! whole, pinned modes stay pinned. And any of its calls can be made to fail, so each test also runs once for every call.
#![expect(
    unsafe_code,
    reason = "the fake's functions are C functions: they write answers to places and read blocks"
)]

use core::cell::RefCell;
use core::ffi::c_void;
use std::boxed::Box;
use std::collections::BTreeMap;
use std::format;
use std::string::String;
use std::vec::Vec;

use pvgpu_kmd::display::{CommittedMode, DEFAULT_MODE, ModeList, SIZES, Size};
use pvgpu_kmd_ddi::*;
use pvgpu_protocol::mode::DisplayMode;

use super::modes::NewSourceModes;
use super::monitor;
use super::network::{check_path, enumerate, functional_mode, is_supported, recommend_functional};
use super::signal::{fill_monitor, fill_source, fill_target, source_size, target_mode};
use super::vidpn::VidPn;

/// A mode of any of the three kinds of sets.
trait Mode: Copy + Default + 'static {
    fn id(&self) -> u32;
    fn set_id(&mut self, id: u32);
    /// What makes two modes the same one.
    fn key(&self) -> Vec<u32>;
    fn world(world: &mut World) -> &mut Sets<Self>;
}

fn signal_key(signal: &D3DKMDT_VIDEO_SIGNAL_INFO) -> Vec<u32> {
    let D3DKMDT_VIDEO_SIGNAL_INFO { TotalSize, ActiveSize, VSyncFreq, HSyncFreq, .. } = *signal;
    assert_ne!(signal.VideoStandard, D3DKMDT_VSS_UNINITIALIZED);
    assert_eq!(signal.AdditionalSignalInfo.Value, D3DDDI_VSSLO_PROGRESSIVE, "progressive, no divider");
    let regions = [TotalSize.cx, TotalSize.cy, ActiveSize.cx, ActiveSize.cy];
    let rates = [VSyncFreq.Numerator, VSyncFreq.Denominator, HSyncFreq.Numerator, HSyncFreq.Denominator];
    [regions, rates].concat()
}

impl Mode for D3DKMDT_VIDPN_SOURCE_MODE {
    fn id(&self) -> u32 {
        self.Id
    }
    fn set_id(&mut self, id: u32) {
        self.Id = id;
    }
    fn key(&self) -> Vec<u32> {
        assert_eq!(self.Type, D3DKMDT_RMT_GRAPHICS);
        let format = self.Format.Graphics;
        Vec::from([format.PrimSurfSize.cx, format.PrimSurfSize.cy, format.Stride, format.PixelFormat])
    }
    fn world(world: &mut World) -> &mut Sets<Self> {
        &mut world.sources
    }
}

impl Mode for D3DKMDT_VIDPN_TARGET_MODE {
    fn id(&self) -> u32 {
        self.Id
    }
    fn set_id(&mut self, id: u32) {
        self.Id = id;
    }
    fn key(&self) -> Vec<u32> {
        signal_key(&self.VideoSignalInfo)
    }
    fn world(world: &mut World) -> &mut Sets<Self> {
        &mut world.targets
    }
}

impl Mode for D3DKMDT_MONITOR_SOURCE_MODE {
    fn id(&self) -> u32 {
        self.Id
    }
    fn set_id(&mut self, id: u32) {
        self.Id = id;
    }
    fn key(&self) -> Vec<u32> {
        assert_eq!(self.Origin, D3DKMDT_MCO_DRIVER);
        signal_key(&self.VideoSignalInfo)
    }
    fn world(world: &mut World) -> &mut Sets<Self> {
        &mut world.monitors
    }
}

/// A mode set.
#[derive(Default)]
struct Set<M> {
    modes: Vec<M>,
    pinned: Option<u32>,
    /// Times that it was acquired and not released.
    acquired: u32,
    /// Created and neither assigned nor released.
    unassigned: bool,
}

/// The mode sets of one kind, and what is lent of them.
struct Sets<M> {
    sets: BTreeMap<usize, Set<M>>,
    /// The set that the VidPN has.
    current: usize,
    /// Modes lent or created: address → (set, whether it was created).
    lent: BTreeMap<usize, (usize, bool)>,
    next_id: u32,
    next_set: usize,
}

impl<M> Default for Sets<M> {
    fn default() -> Self {
        let mut sets = BTreeMap::new();
        sets.insert(0x100, Set { modes: Vec::new(), pinned: None, acquired: 0, unassigned: false });
        Self { sets, current: 0x100, lent: BTreeMap::new(), next_id: 1, next_set: 0x101 }
    }
}

/// dxgkrnl's side of one VidPN.
#[derive(Default)]
struct World {
    paths: Vec<D3DKMDT_VIDPN_PRESENT_PATH>,
    lent_paths: BTreeMap<usize, bool>,
    sources: Sets<D3DKMDT_VIDPN_SOURCE_MODE>,
    targets: Sets<D3DKMDT_VIDPN_TARGET_MODE>,
    monitors: Sets<D3DKMDT_MONITOR_SOURCE_MODE>,
    calls: u32,
    /// This call fails.
    fails_at: Option<u32>,
    violations: Vec<String>,
}

std::thread_local! {
    static WORLD: RefCell<World> = RefCell::default();
}

pub(crate) const VIDPN: D3DKMDT_HVIDPN = D3DKMDT_HVIDPN(core::ptr::without_provenance_mut(0x11));
const TOPOLOGY: D3DKMDT_HVIDPNTOPOLOGY = D3DKMDT_HVIDPNTOPOLOGY(core::ptr::without_provenance_mut(0x22));
/// What an injected failure looks like.
const FAILURE: NTSTATUS = STATUS_NO_MEMORY;

fn with<T>(run: impl FnOnce(&mut World) -> T) -> T {
    WORLD.with_borrow_mut(run)
}

/// Counts a call of dxgkrnl's; an injected failure ends it here.
fn call(run: impl FnOnce(&mut World) -> NTSTATUS) -> NTSTATUS {
    with(|world| {
        world.calls += 1;
        if world.fails_at == Some(world.calls) { FAILURE } else { run(world) }
    })
}

/// A release: it is done even when it says that it failed.
fn release(run: impl FnOnce(&mut World)) -> NTSTATUS {
    with(|world| {
        world.calls += 1;
        run(world);
        if world.fails_at == Some(world.calls) { FAILURE } else { STATUS_SUCCESS }
    })
}

fn put<T>(place: *mut T, value: T) {
    assert!(!place.is_null());
    // SAFETY: the driver's place for an answer of this type.
    unsafe { place.write(value) };
}

fn get<T: Copy>(block: *const T) -> T {
    assert!(!block.is_null());
    // SAFETY: a block of this type, from the driver or from `lend`.
    unsafe { block.read() }
}

fn lend<T>(value: T) -> *mut T {
    Box::into_raw(Box::new(value))
}

fn take_back<T>(value: *mut T) {
    // SAFETY: from `lend`; the books say that it is taken back once.
    drop(unsafe { Box::from_raw(value) });
}

/// The handles of mode sets are numbers.
trait SetHandle: Copy {
    fn number(self) -> usize;
    fn of(number: usize) -> Self;
}

macro_rules! set_handle {
    ($($name:ident),+) => {$(
        impl SetHandle for $name {
            fn number(self) -> usize {
                self.0.addr()
            }
            fn of(number: usize) -> Self {
                Self(core::ptr::without_provenance_mut::<c_void>(number))
            }
        }
    )+};
}
set_handle!(D3DKMDT_HVIDPNSOURCEMODESET, D3DKMDT_HVIDPNTARGETMODESET, D3DKMDT_HMONITORSOURCEMODESET);

impl<M: Mode> Sets<M> {
    fn lend(&mut self, set: usize, mode: M, created: bool) -> *mut M {
        let mode = lend(mode);
        self.lent.insert(mode.addr(), (set, created));
        mode
    }
}

extern "win64" fn acquire_pinned<M: Mode, H: SetHandle>(set: H, place: *mut *const M) -> NTSTATUS {
    call(|world| {
        let sets = M::world(world);
        let Some(set_now) = sets.sets.get(&set.number()) else { return STATUS_INVALID_PARAMETER };
        let pinned = set_now.pinned.and_then(|id| set_now.modes.iter().find(|mode| mode.id() == id)).copied();
        let Some(mode) = pinned else {
            put(place, core::ptr::null());
            return STATUS_GRAPHICS_MODE_NOT_PINNED;
        };
        put(place, sets.lend(set.number(), mode, false));
        STATUS_SUCCESS
    })
}

extern "win64" fn release_mode<M: Mode, H: SetHandle>(set: H, mode: *const M) -> NTSTATUS {
    release(|world| match M::world(world).lent.remove(&mode.addr()) {
        Some((owner, _)) if owner == set.number() => take_back(mode.cast_mut()),
        other => world.violations.push(format!("a mode is released to {}: {other:?}", set.number())),
    })
}

extern "win64" fn create_mode<M: Mode, H: SetHandle>(set: H, place: *mut *mut M) -> NTSTATUS {
    call(|world| {
        let sets = M::world(world);
        let mut mode = M::default();
        mode.set_id(sets.next_id);
        sets.next_id += 1;
        put(place, sets.lend(set.number(), mode, true));
        STATUS_SUCCESS
    })
}

fn add<M: Mode, H: SetHandle>(set: H, mode: *mut M) -> NTSTATUS {
    call(|world| {
        let sets = M::world(world);
        if sets.lent.get(&mode.addr()) != Some(&(set.number(), true)) {
            world.violations.push("a mode is added that was not created for this set".into());
            return STATUS_INVALID_PARAMETER;
        }
        let new = get(mode.cast_const());
        let Some(there) = sets.sets.get_mut(&set.number()) else { return STATUS_INVALID_PARAMETER };
        if there.modes.iter().any(|one| one.key() == new.key()) {
            return STATUS_GRAPHICS_MODE_ALREADY_IN_MODESET;
        }
        there.modes.push(new);
        sets.lent.remove(&mode.addr());
        take_back(mode);
        STATUS_SUCCESS
    })
}

extern "win64" fn add_mode<M: Mode, H: SetHandle>(set: H, mode: *mut M) -> NTSTATUS {
    add(set, mode)
}

extern "win64" fn add_monitor_mode(
    set: D3DKMDT_HMONITORSOURCEMODESET,
    mode: *const D3DKMDT_MONITOR_SOURCE_MODE,
) -> NTSTATUS {
    add(set, mode.cast_mut())
}

extern "win64" fn pin_mode<M: Mode, H: SetHandle>(set: H, id: u32) -> NTSTATUS {
    call(|world| match M::world(world).sets.get_mut(&set.number()) {
        Some(set) if set.modes.iter().any(|mode| mode.id() == id) => {
            set.pinned = Some(id);
            STATUS_SUCCESS
        }
        _ => STATUS_GRAPHICS_MODE_NOT_IN_MODESET,
    })
}

fn acquire_set<M: Mode, H: SetHandle, I: 'static>(
    id: u32,
    handle: *mut H,
    table: *mut *const I,
    to: &'static I,
) -> NTSTATUS {
    call(|world| {
        if id != 0 {
            return STATUS_GRAPHICS_INVALID_VIDEO_PRESENT_SOURCE;
        }
        let sets = M::world(world);
        if let Some(set) = sets.sets.get_mut(&sets.current) {
            set.acquired += 1;
        }
        put(handle, H::of(sets.current));
        put(table, to);
        STATUS_SUCCESS
    })
}

fn create_set<M: Mode, H: SetHandle, I: 'static>(
    id: u32,
    handle: *mut H,
    table: *mut *const I,
    to: &'static I,
) -> NTSTATUS {
    call(|world| {
        let sets = M::world(world);
        if sets.sets.values().any(|set| set.unassigned) {
            world.violations.push("a second set is created before the first is assigned".into());
            return STATUS_GRAPHICS_UNASSIGNED_MODESET_ALREADY_EXISTS;
        }
        if id != 0 {
            return STATUS_GRAPHICS_INVALID_VIDEO_PRESENT_SOURCE;
        }
        let number = sets.next_set;
        sets.next_set += 1;
        sets.sets.insert(number, Set { modes: Vec::new(), pinned: None, acquired: 0, unassigned: true });
        put(handle, H::of(number));
        put(table, to);
        STATUS_SUCCESS
    })
}

extern "win64" fn release_set<M: Mode, H: SetHandle>(vid_pn: D3DKMDT_HVIDPN, set: H) -> NTSTATUS {
    assert_eq!(vid_pn, VIDPN);
    release(|world| {
        let sets = M::world(world);
        let lent = sets.lent.values().filter(|(owner, _)| *owner == set.number()).count();
        match sets.sets.get_mut(&set.number()) {
            Some(there) if there.unassigned => {
                sets.sets.remove(&set.number());
            }
            Some(there) if there.acquired > 0 => there.acquired -= 1,
            _ => return world.violations.push("a set is released that nobody holds".into()),
        }
        if lent > 0 {
            world.violations.push(format!("a set is released before {lent} of its modes"));
        }
    })
}

extern "win64" fn assign_set<M: Mode, H: SetHandle>(vid_pn: D3DKMDT_HVIDPN, id: u32, set: H) -> NTSTATUS {
    assert_eq!((vid_pn, id), (VIDPN, 0));
    call(|world| {
        let sets = M::world(world);
        let pinned = sets.sets.get(&sets.current).is_some_and(|set| set.pinned.is_some());
        let Some(there) = sets.sets.get_mut(&set.number()).filter(|set| set.unassigned) else {
            world.violations.push("a set is assigned that is not a new one".into());
            return STATUS_GRAPHICS_INVALID_VIDPN_SOURCEMODESET;
        };
        if there.modes.is_empty() || pinned {
            sets.sets.remove(&set.number());
            world.violations.push("an empty set, or one in place of a pinned mode, is assigned".into());
            return STATUS_GRAPHICS_PINNED_MODE_MUST_REMAIN_IN_SET;
        }
        there.unassigned = false;
        sets.current = set.number();
        STATUS_SUCCESS
    })
}

type SourceMode = D3DKMDT_VIDPN_SOURCE_MODE;
type TargetMode = D3DKMDT_VIDPN_TARGET_MODE;
type SourceSet = D3DKMDT_HVIDPNSOURCEMODESET;
type TargetSet = D3DKMDT_HVIDPNTARGETMODESET;

static SOURCE_TABLE: DXGK_VIDPNSOURCEMODESET_INTERFACE = DXGK_VIDPNSOURCEMODESET_INTERFACE {
    pfnGetNumModes: None,
    pfnAcquireFirstModeInfo: None,
    pfnAcquireNextModeInfo: None,
    pfnAcquirePinnedModeInfo: Some(acquire_pinned::<SourceMode, SourceSet>),
    pfnReleaseModeInfo: Some(release_mode::<SourceMode, SourceSet>),
    pfnCreateNewModeInfo: Some(create_mode::<SourceMode, SourceSet>),
    pfnAddMode: Some(add_mode::<SourceMode, SourceSet>),
    pfnPinMode: Some(pin_mode::<SourceMode, SourceSet>),
};

static TARGET_TABLE: DXGK_VIDPNTARGETMODESET_INTERFACE = DXGK_VIDPNTARGETMODESET_INTERFACE {
    pfnGetNumModes: None,
    pfnAcquireFirstModeInfo: None,
    pfnAcquireNextModeInfo: None,
    pfnAcquirePinnedModeInfo: Some(acquire_pinned::<TargetMode, TargetSet>),
    pfnReleaseModeInfo: Some(release_mode::<TargetMode, TargetSet>),
    pfnCreateNewModeInfo: Some(create_mode::<TargetMode, TargetSet>),
    pfnAddMode: Some(add_mode::<TargetMode, TargetSet>),
    pfnPinMode: Some(pin_mode::<TargetMode, TargetSet>),
};

static MONITOR_TABLE: DXGK_MONITORSOURCEMODESET_INTERFACE = DXGK_MONITORSOURCEMODESET_INTERFACE {
    pfnGetNumModes: None,
    pfnAcquirePreferredModeInfo: None,
    pfnAcquireFirstModeInfo: None,
    pfnAcquireNextModeInfo: None,
    pfnCreateNewModeInfo: Some(create_mode::<D3DKMDT_MONITOR_SOURCE_MODE, D3DKMDT_HMONITORSOURCEMODESET>),
    pfnAddMode: Some(add_monitor_mode),
    pfnReleaseModeInfo: Some(release_mode::<D3DKMDT_MONITOR_SOURCE_MODE, D3DKMDT_HMONITORSOURCEMODESET>),
};

extern "win64" fn acquire_source_set(
    _: D3DKMDT_HVIDPN,
    id: u32,
    handle: *mut SourceSet,
    table: *mut *const DXGK_VIDPNSOURCEMODESET_INTERFACE,
) -> NTSTATUS {
    acquire_set::<SourceMode, _, _>(id, handle, table, &SOURCE_TABLE)
}

extern "win64" fn create_source_set(
    _: D3DKMDT_HVIDPN,
    id: u32,
    handle: *mut SourceSet,
    table: *mut *const DXGK_VIDPNSOURCEMODESET_INTERFACE,
) -> NTSTATUS {
    create_set::<SourceMode, _, _>(id, handle, table, &SOURCE_TABLE)
}

extern "win64" fn acquire_target_set(
    _: D3DKMDT_HVIDPN,
    id: u32,
    handle: *mut TargetSet,
    table: *mut *const DXGK_VIDPNTARGETMODESET_INTERFACE,
) -> NTSTATUS {
    acquire_set::<TargetMode, _, _>(id, handle, table, &TARGET_TABLE)
}

extern "win64" fn create_target_set(
    _: D3DKMDT_HVIDPN,
    id: u32,
    handle: *mut TargetSet,
    table: *mut *const DXGK_VIDPNTARGETMODESET_INTERFACE,
) -> NTSTATUS {
    create_set::<TargetMode, _, _>(id, handle, table, &TARGET_TABLE)
}

fn lend_path(
    world: &mut World,
    index: usize,
    place: *mut *const D3DKMDT_VIDPN_PRESENT_PATH,
    none: NTSTATUS,
) -> NTSTATUS {
    let Some(path) = world.paths.get(index).copied() else { return none };
    let path = lend(path);
    world.lent_paths.insert(path.addr(), false);
    put(place, path.cast_const());
    STATUS_SUCCESS
}

extern "win64" fn count_paths_from(_: D3DKMDT_HVIDPNTOPOLOGY, source: u32, place: *mut usize) -> NTSTATUS {
    call(|world| {
        let paths = world.paths.iter().filter(|path| path.VidPnSourceId == source).count();
        put(place, paths);
        if paths == 0 { STATUS_GRAPHICS_SOURCE_NOT_IN_TOPOLOGY } else { STATUS_SUCCESS }
    })
}

extern "win64" fn acquire_path(
    _: D3DKMDT_HVIDPNTOPOLOGY,
    source: u32,
    target: u32,
    place: *mut *const D3DKMDT_VIDPN_PRESENT_PATH,
) -> NTSTATUS {
    call(|world| {
        let is_it =
            |path: &D3DKMDT_VIDPN_PRESENT_PATH| (path.VidPnSourceId, path.VidPnTargetId) == (source, target);
        let index = world.paths.iter().position(is_it).unwrap_or(usize::MAX);
        lend_path(world, index, place, STATUS_GRAPHICS_PATH_NOT_IN_TOPOLOGY)
    })
}

extern "win64" fn acquire_first_path(
    topology: D3DKMDT_HVIDPNTOPOLOGY,
    place: *mut *const D3DKMDT_VIDPN_PRESENT_PATH,
) -> NTSTATUS {
    assert_eq!(topology, TOPOLOGY);
    call(|world| lend_path(world, 0, place, STATUS_GRAPHICS_DATASET_IS_EMPTY))
}

extern "win64" fn acquire_next_path(
    _: D3DKMDT_HVIDPNTOPOLOGY,
    path: *const D3DKMDT_VIDPN_PRESENT_PATH,
    place: *mut *const D3DKMDT_VIDPN_PRESENT_PATH,
) -> NTSTATUS {
    call(|world| {
        if world.lent_paths.get(&path.addr()) != Some(&false) {
            world.violations.push("the path before the next is not held".into());
            return STATUS_INVALID_PARAMETER;
        }
        let now = get(path);
        let ids = |path: &D3DKMDT_VIDPN_PRESENT_PATH| (path.VidPnSourceId, path.VidPnTargetId);
        let index =
            world.paths.iter().position(|one| ids(one) == ids(&now)).map_or(usize::MAX, |index| index + 1);
        lend_path(world, index, place, STATUS_GRAPHICS_NO_MORE_ELEMENTS_IN_DATASET)
    })
}

extern "win64" fn update_path(
    _: D3DKMDT_HVIDPNTOPOLOGY,
    path: *const D3DKMDT_VIDPN_PRESENT_PATH,
) -> NTSTATUS {
    call(|world| {
        let new = get(path);
        for old in &mut world.paths {
            if (old.VidPnSourceId, old.VidPnTargetId) == (new.VidPnSourceId, new.VidPnTargetId) {
                old.ContentTransformation = new.ContentTransformation;
                old.CopyProtection = new.CopyProtection;
                return STATUS_SUCCESS;
            }
        }
        STATUS_INVALID_PARAMETER
    })
}

extern "win64" fn release_path(
    _: D3DKMDT_HVIDPNTOPOLOGY,
    path: *const D3DKMDT_VIDPN_PRESENT_PATH,
) -> NTSTATUS {
    release(|world| match world.lent_paths.remove(&path.addr()) {
        Some(_) => take_back(path.cast_mut()),
        None => world.violations.push("a path is released that nobody holds".into()),
    })
}

extern "win64" fn create_path(
    _: D3DKMDT_HVIDPNTOPOLOGY,
    place: *mut *mut D3DKMDT_VIDPN_PRESENT_PATH,
) -> NTSTATUS {
    call(|world| {
        let path = lend(D3DKMDT_VIDPN_PRESENT_PATH::default());
        world.lent_paths.insert(path.addr(), true);
        put(place, path);
        STATUS_SUCCESS
    })
}

extern "win64" fn add_path(_: D3DKMDT_HVIDPNTOPOLOGY, path: *mut D3DKMDT_VIDPN_PRESENT_PATH) -> NTSTATUS {
    call(|world| {
        if world.lent_paths.remove(&path.addr()) != Some(true) {
            world.violations.push("a path is added that was not created".into());
            return STATUS_INVALID_PARAMETER;
        }
        world.paths.push(get(path.cast_const()));
        take_back(path);
        STATUS_SUCCESS
    })
}

static TOPOLOGY_TABLE: DXGK_VIDPNTOPOLOGY_INTERFACE = DXGK_VIDPNTOPOLOGY_INTERFACE {
    pfnGetNumPaths: None,
    pfnGetNumPathsFromSource: Some(count_paths_from),
    pfnEnumPathTargetsFromSource: None,
    pfnGetPathSourceFromTarget: None,
    pfnAcquirePathInfo: Some(acquire_path),
    pfnAcquireFirstPathInfo: Some(acquire_first_path),
    pfnAcquireNextPathInfo: Some(acquire_next_path),
    pfnUpdatePathSupportInfo: Some(update_path),
    pfnReleasePathInfo: Some(release_path),
    pfnCreateNewPathInfo: Some(create_path),
    pfnAddPath: Some(add_path),
    pfnRemovePath: None,
};

extern "win64" fn get_topology(
    vid_pn: D3DKMDT_HVIDPN,
    handle: *mut D3DKMDT_HVIDPNTOPOLOGY,
    table: *mut *const DXGK_VIDPNTOPOLOGY_INTERFACE,
) -> NTSTATUS {
    assert_eq!(vid_pn, VIDPN);
    call(|_| {
        put(handle, TOPOLOGY);
        put(table, &TOPOLOGY_TABLE);
        STATUS_SUCCESS
    })
}

static VIDPN_TABLE: DXGK_VIDPN_INTERFACE = DXGK_VIDPN_INTERFACE {
    Version: DXGK_VIDPN_INTERFACE_VERSION_V1,
    pfnGetTopology: Some(get_topology),
    pfnAcquireSourceModeSet: Some(acquire_source_set),
    pfnReleaseSourceModeSet: Some(release_set::<SourceMode, SourceSet>),
    pfnCreateNewSourceModeSet: Some(create_source_set),
    pfnAssignSourceModeSet: Some(assign_set::<SourceMode, SourceSet>),
    pfnAssignMultisamplingMethodSet: None,
    pfnAcquireTargetModeSet: Some(acquire_target_set),
    pfnReleaseTargetModeSet: Some(release_set::<TargetMode, TargetSet>),
    pfnCreateNewTargetModeSet: Some(create_target_set),
    pfnAssignTargetModeSet: Some(assign_set::<TargetMode, TargetSet>),
};

extern "win64" fn query_vid_pn(
    vid_pn: D3DKMDT_HVIDPN,
    version: u32,
    place: *mut *const DXGK_VIDPN_INTERFACE,
) -> NTSTATUS {
    call(|_| {
        if vid_pn != VIDPN || version != DXGK_VIDPN_INTERFACE_VERSION_V1 {
            return STATUS_GRAPHICS_INVALID_VIDPN;
        }
        put(place, &VIDPN_TABLE);
        STATUS_SUCCESS
    })
}

/// The fake's callback, for whoever calls the entries themselves.
pub(crate) const QUERY_VIDPN: DXGKCB_QUERYVIDPNINTERFACE = Some(query_vid_pn);

/// Makes the VidPN a functional one with this mode, or an empty one.
pub(crate) fn set_network(mode: Option<DisplayMode>) {
    with(|world| {
        *world = World::default();
        if let Some(mode) = mode {
            one_path(world);
            pin_source(world, mode.into());
            pin_target(world, mode);
        }
    });
}

fn dxgkrnl() -> DXGKRNL_INTERFACE {
    DXGKRNL_INTERFACE { DxgkCbQueryVidPnInterface: Some(query_vid_pn), ..DXGKRNL_INTERFACE::default() }
}

/// The books, which must balance.
pub(crate) fn balance(what: &str) {
    with(|world| {
        assert_eq!(world.violations, Vec::<String>::new(), "{what}");
        let held = world.sources.sets.values().filter(|set| set.acquired > 0 || set.unassigned).count()
            + world.targets.sets.values().filter(|set| set.acquired > 0 || set.unassigned).count();
        let modes = world.sources.lent.len() + world.targets.lent.len() + world.monitors.lent.len();
        assert_eq!(
            (held, modes, world.lent_paths.len()),
            (0, 0, 0),
            "{what}: sets, modes, paths not given back"
        );
    });
}

/// Runs something on a VidPN: first undisturbed, then once for each call of dxgkrnl's, which fails. The undisturbed result comes
/// last, and its world stays.
fn sweep<T>(begin: impl Fn(&mut World), run: impl Fn() -> Result<T, NTSTATUS>) -> Result<T, NTSTATUS> {
    let reset = |fails_at| {
        with(|world| {
            *world = World { fails_at, ..World::default() };
            begin(world);
        });
    };
    reset(None);
    let undisturbed = run().is_ok();
    balance("undisturbed");
    let calls = with(|world| world.calls);
    for call in 1..=calls {
        reset(Some(call));
        let result = run();
        balance(&format!("call {call} of {calls} fails"));
        // A release that fails is nobody's business; all else is passed on.
        if undisturbed {
            assert!(result.err().is_none_or(|status| status == FAILURE), "call {call} of {calls}");
        }
    }
    reset(None);
    run()
}

fn list() -> ModeList {
    ModeList::new(Some(DisplayMode { width: 2222, height: 1111, refresh_millihertz: 59_940 }), None, u64::MAX)
}

fn one_path(world: &mut World) {
    let mut path = D3DKMDT_VIDPN_PRESENT_PATH::default();
    path.ContentTransformation.Scaling = D3DKMDT_VPPS_UNPINNED;
    path.ContentTransformation.Rotation = D3DKMDT_VPPR_UNPINNED;
    world.paths.push(path);
}

/// Puts one mode into the VidPN's source set and pins it.
fn pin_source(world: &mut World, size: Size) {
    let mut mode = SourceMode::default();
    fill_source(&mut mode, size, D3DDDIFMT_A8R8G8B8);
    mode.Id = 77;
    let set = world.sources.sets.get_mut(&0x100).expect("the first set");
    (set.modes, set.pinned) = (Vec::from([mode]), Some(77));
}

fn pin_target(world: &mut World, mode: DisplayMode) {
    let mut target = TargetMode::default();
    fill_target(&mut target, &list(), mode);
    target.Id = 88;
    let set = world.targets.sets.get_mut(&0x100).expect("the first set");
    (set.modes, set.pinned) = (Vec::from([target]), Some(88));
}

fn sources() -> Vec<(Size, u32)> {
    with(|world| {
        let set = &world.sources.sets[&world.sources.current];
        let one = |mode: &SourceMode| {
            let format = mode.Format.Graphics;
            (Size { width: format.PrimSurfSize.cx, height: format.PrimSurfSize.cy }, format.PixelFormat)
        };
        set.modes.iter().map(one).collect()
    })
}

fn targets() -> Vec<(DisplayMode, bool)> {
    with(|world| {
        let set = &world.targets.sets[&world.targets.current];
        let one = |mode: &TargetMode| {
            (target_mode(&list(), mode).expect("in the list"), mode.Preference == D3DKMDT_MP_PREFERRED)
        };
        set.modes.iter().map(one).collect()
    })
}

fn enumeration(kind: u32) -> impl Fn() -> Result<(), NTSTATUS> {
    move || {
        let args = DXGKARG_ENUMVIDPNCOFUNCMODALITY {
            hConstrainingVidPn: VIDPN,
            EnumPivotType: kind,
            EnumPivot: DXGK_ENUM_PIVOT::default(),
        };
        enumerate(&dxgkrnl(), &list(), &args)
    }
}

const HD: Size = Size { width: 1920, height: 1080 };

#[test]
fn all_modes_go_together_while_nothing_is_pinned() {
    assert_eq!(sweep(one_path, enumeration(D3DKMDT_EPT_NOPIVOT)), Ok(()));
    let sizes: Vec<Size> = list().sizes().collect();
    assert_eq!(sources().len(), 2 * sizes.len());
    assert!(sizes.iter().all(|size| sources().contains(&(*size, D3DDDIFMT_X8R8G8B8))));
    assert_eq!(
        targets().iter().map(|(mode, _)| *mode).collect::<Vec<_>>(),
        list().modes().collect::<Vec<_>>()
    );
    let preferred: Vec<_> = targets().into_iter().filter(|(_, preferred)| *preferred).collect();
    assert_eq!(preferred, [(list().preferred(), true)]);
    with(|world| {
        let transformation = world.paths[0].ContentTransformation;
        assert_eq!(transformation.ScalingSupport.Value, 1, "identity");
        assert_eq!(transformation.RotationSupport.Value, 1, "identity");
        assert_eq!(world.paths[0].CopyProtection.CopyProtectionSupport.Value, 1, "none");
    });
    // Nothing to do without a path.
    assert_eq!(sweep(|_| {}, enumeration(D3DKMDT_EPT_NOPIVOT)), Ok(()));
    assert!(sources().is_empty());
}

#[test]
fn modes_go_with_the_one_that_is_pinned() {
    let pinned_source = |world: &mut World| {
        one_path(world);
        pin_source(world, HD);
    };
    assert_eq!(sweep(pinned_source, enumeration(D3DKMDT_EPT_NOPIVOT)), Ok(()));
    assert_eq!(sources(), [(HD, D3DDDIFMT_A8R8G8B8)], "a set with a pinned mode is left alone");
    let rates: Vec<u32> = targets().iter().map(|(mode, _)| mode.refresh_millihertz).collect();
    assert_eq!(rates, [60_000, 75_000, 120_000, 144_000]);
    assert!(targets().iter().all(|(mode, _)| Size::from(*mode) == HD));

    let pinned_target = |world: &mut World| {
        one_path(world);
        pin_target(world, list().preferred());
    };
    assert_eq!(sweep(pinned_target, enumeration(D3DKMDT_EPT_NOPIVOT)), Ok(()));
    let size = Size { width: 2222, height: 1111 };
    assert_eq!(sources(), [(size, D3DDDIFMT_A8R8G8B8), (size, D3DDDIFMT_X8R8G8B8)]);
    assert_eq!(targets().len(), 1);
    // A mode that the list does not have any more.
    let lost = |world: &mut World| {
        one_path(world);
        pin_source(world, Size { width: 800, height: 600 });
    };
    let result = sweep(lost, enumeration(D3DKMDT_EPT_NOPIVOT));
    assert_eq!(result, Err(STATUS_GRAPHICS_INVALID_VIDEO_PRESENT_SOURCE_MODE));
}

#[test]
fn a_pivot_is_left_as_it_is() {
    let first = 0x100;
    let current = || with(|world| (world.sources.current == first, world.targets.current == first));
    let support = || with(|world| world.paths[0].ContentTransformation);
    for (kind, untouched) in [
        (D3DKMDT_EPT_NOPIVOT, (false, false)),
        (D3DKMDT_EPT_VIDPNSOURCE, (true, false)),
        (D3DKMDT_EPT_VIDPNTARGET, (false, true)),
        (D3DKMDT_EPT_SCALING, (false, false)),
        (D3DKMDT_EPT_ROTATION, (false, false)),
    ] {
        assert_eq!(sweep(one_path, enumeration(kind)), Ok(()));
        assert_eq!(current(), untouched, "pivot {kind}");
        assert_eq!(support().ScalingSupport.Value, u32::from(kind != D3DKMDT_EPT_SCALING));
        assert_eq!(support().RotationSupport.Value, u32::from(kind != D3DKMDT_EPT_ROTATION));
    }
    // What is pinned of a path is not enumerated either.
    let pinned = |world: &mut World| {
        one_path(world);
        world.paths[0].ContentTransformation.Scaling = D3DKMDT_VPPS_IDENTITY;
        world.paths[0].ContentTransformation.Rotation = D3DKMDT_VPPR_IDENTITY;
    };
    assert_eq!(sweep(pinned, enumeration(D3DKMDT_EPT_NOPIVOT)), Ok(()));
    assert_eq!((support().ScalingSupport.Value, support().RotationSupport.Value), (0, 0));
}

#[test]
fn which_networks_are_supported() {
    let supported = |begin: &dyn Fn(&mut World)| sweep(begin, || is_supported(&dxgkrnl(), &list(), VIDPN));
    let path = |change: fn(&mut D3DKMDT_VIDPN_PRESENT_PATH)| {
        move |world: &mut World| {
            one_path(world);
            change(&mut world.paths[0]);
        }
    };
    assert_eq!(is_supported(&dxgkrnl(), &list(), D3DKMDT_HVIDPN::NULL), Ok(true));
    assert_eq!(supported(&|_| {}), Ok(true), "no path");
    assert_eq!(supported(&one_path), Ok(true));
    assert_eq!(supported(&path(|path| path.VidPnSourceId = 1)), Ok(false));
    assert_eq!(supported(&path(|path| path.VidPnTargetId = 1)), Ok(false));
    let turned = path(|path| path.ContentTransformation.Rotation = D3DKMDT_VPPR_ROTATE90);
    assert_eq!(supported(&turned), Ok(false));
    let stretched = path(|path| path.ContentTransformation.Scaling = D3DKMDT_VPPS_STRETCHED);
    assert_eq!(supported(&stretched), Ok(false));
    let two = |world: &mut World| {
        one_path(world);
        one_path(world);
        world.paths[1].VidPnTargetId = 1;
    };
    assert_eq!(supported(&two), Ok(false));
    let pinned = |size, mode| {
        move |world: &mut World| {
            one_path(world);
            pin_source(world, size);
            pin_target(world, mode);
        }
    };
    assert_eq!(supported(&pinned(HD, DEFAULT_MODE)), Ok(true));
    assert_eq!(supported(&pinned(SIZES[0], DEFAULT_MODE)), Ok(false), "sizes differ");
    assert_eq!(supported(&pinned(Size { width: 800, height: 600 }, DEFAULT_MODE)), Ok(false));
    let slow = DisplayMode { refresh_millihertz: 50_000, ..DEFAULT_MODE };
    assert_eq!(supported(&pinned(HD, slow)), Ok(false), "no such rate");
    let only_source = |world: &mut World| {
        one_path(world);
        pin_source(world, HD);
    };
    assert_eq!(supported(&only_source), Ok(true));
}

#[test]
fn what_a_commit_sets() {
    let commit = |begin: &dyn Fn(&mut World)| sweep(begin, || functional_mode(&dxgkrnl(), &list(), VIDPN));
    let fast = DisplayMode { refresh_millihertz: 144_000, ..DEFAULT_MODE };
    let functional = |world: &mut World| {
        one_path(world);
        pin_source(world, HD);
        pin_target(world, fast);
    };
    assert_eq!(functional_mode(&dxgkrnl(), &list(), D3DKMDT_HVIDPN::NULL), Ok(None));
    assert_eq!(commit(&|_| {}), Ok(None), "no path");
    assert_eq!(commit(&one_path), Ok(None), "nothing pinned");
    assert_eq!(commit(&functional), Ok(Some(CommittedMode { mode: fast, format: 87 })));
    let without_target = |world: &mut World| {
        one_path(world);
        pin_source(world, HD);
    };
    assert_eq!(commit(&without_target), Err(STATUS_GRAPHICS_INVALID_VIDEO_PRESENT_TARGET_MODE));
    let other_size = |world: &mut World| {
        functional(world);
        pin_target(world, list().preferred());
    };
    assert_eq!(commit(&other_size), Err(STATUS_GRAPHICS_INVALID_VIDEO_PRESENT_SOURCE_MODE));
    let other_target = |world: &mut World| {
        functional(world);
        world.paths[0].VidPnTargetId = 3;
    };
    assert_eq!(commit(&other_target), Err(STATUS_GRAPHICS_PATH_NOT_IN_TOPOLOGY));
    let turned = |world: &mut World| {
        functional(world);
        world.paths[0].ContentTransformation.Rotation = D3DKMDT_VPPR_ROTATE270;
    };
    assert_eq!(commit(&turned), Err(STATUS_GRAPHICS_PATH_CONTENT_GEOMETRY_TRANSFORMATION_NOT_SUPPORTED));
    let two = |world: &mut World| {
        functional(world);
        one_path(world);
    };
    assert_eq!(commit(&two), Err(STATUS_GRAPHICS_INVALID_VIDPN_TOPOLOGY));
}

#[test]
fn a_recommended_network_is_functional() {
    assert_eq!(sweep(|_| {}, || recommend_functional(&dxgkrnl(), &list(), VIDPN)), Ok(()));
    let committed = functional_mode(&dxgkrnl(), &list(), VIDPN);
    assert_eq!(committed, Ok(Some(CommittedMode { mode: list().preferred(), format: 87 })));
    assert_eq!(is_supported(&dxgkrnl(), &list(), VIDPN), Ok(true));
    balance("recommended");
}

#[test]
fn a_monitor_gets_the_modes_that_it_does_not_have() {
    let args = || DXGKARG_RECOMMENDMONITORMODES {
        VideoPresentTargetId: 0,
        hMonitorSourceModeSet: SetHandle::of(0x100),
        pMonitorSourceModeSetInterface: &MONITOR_TABLE,
    };
    // SAFETY: the fake's set and table.
    let run = || unsafe { monitor::recommend(&list(), &args()) };
    let with_edid = |world: &mut World| {
        let mut mode = D3DKMDT_MONITOR_SOURCE_MODE::default();
        fill_monitor(&mut mode, &list(), list().preferred());
        world.monitors.sets.get_mut(&0x100).expect("the set").modes.push(mode);
    };
    assert_eq!(sweep(with_edid, run), Ok(()));
    with(|world| {
        let modes = &world.monitors.sets[&0x100].modes;
        assert_eq!(modes.len(), list().modes().count(), "the one that was there is not added again");
        let preferred = modes.iter().filter(|mode| mode.Preference == D3DKMDT_MP_PREFERRED).count();
        assert_eq!(preferred, 1);
    });
    let elsewhere = DXGKARG_RECOMMENDMONITORMODES { VideoPresentTargetId: 1, ..args() };
    // SAFETY: as above.
    let result = unsafe { monitor::recommend(&list(), &elsewhere) };
    assert_eq!(result, Err(STATUS_GRAPHICS_INVALID_VIDEO_PRESENT_TARGET));
    let nothing =
        DXGKARG_RECOMMENDMONITORMODES { pMonitorSourceModeSetInterface: core::ptr::null(), ..args() };
    // SAFETY: as above.
    let result = unsafe { monitor::recommend(&list(), &nothing) };
    assert_eq!(result, Err(STATUS_GRAPHICS_INVALID_MONITOR_SOURCEMODESET));
}

#[test]
fn a_mode_is_in_a_set_once() {
    let twice = || {
        let dxgkrnl = dxgkrnl();
        let new = NewSourceModes::create(VidPn::query(&dxgkrnl, VIDPN)?, 0)?;
        for _ in 0..2 {
            new.offer(|mode| fill_source(mode, HD, D3DDDIFMT_A8R8G8B8))?;
        }
        new.assign()
    };
    assert_eq!(sweep(one_path, twice), Ok(()));
    assert_eq!(sources(), [(HD, D3DDDIFMT_A8R8G8B8)]);
}

#[test]
fn modes_survive_the_mode_sets() {
    for mode in list().modes() {
        let mut target = TargetMode::default();
        fill_target(&mut target, &list(), mode);
        assert_eq!(target_mode(&list(), &target), Some(mode));
        // As somebody states it who thinks in pixel clocks.
        let signal = &mut target.VideoSignalInfo;
        let pixels = signal.TotalSize.cx * signal.TotalSize.cy;
        let clock = u32::try_from(signal.PixelRate).expect("below 4 GHz");
        signal.VSyncFreq = D3DDDI_RATIONAL { Numerator: clock, Denominator: pixels };
        assert_eq!(target_mode(&list(), &target), Some(mode));
        target.VideoSignalInfo.VSyncFreq.Denominator = 0;
        assert_eq!(target_mode(&list(), &target), None);
    }
    for size in list().sizes() {
        let mut source = SourceMode::default();
        fill_source(&mut source, size, D3DDDIFMT_X8R8G8B8);
        assert_eq!(source_size(&list(), &source), Some(size));
        assert_eq!(source.Format.Graphics.Stride % 256, 0);
        let format = &mut source.Format.Graphics;
        format.PixelFormat = D3DDDIFMT_R5G6B5;
        assert_eq!(source_size(&list(), &source), None);
    }
    let mut target = TargetMode::default();
    fill_target(&mut target, &list(), DEFAULT_MODE);
    let unspecified = D3DKMDT_FREQUENCY_NOTSPECIFIED;
    target.VideoSignalInfo.VSyncFreq = D3DDDI_RATIONAL { Numerator: unspecified, Denominator: unspecified };
    assert_eq!(target_mode(&list(), &target), Some(DEFAULT_MODE));
}

#[test]
fn gamma_ramps_are_taken_and_others_refused() {
    let with_ramp = |kind| {
        let mut path = D3DKMDT_VIDPN_PRESENT_PATH::default();
        path.GammaRamp.Type = kind;
        check_path(&path)
    };
    assert_eq!(with_ramp(D3DDDI_GAMMARAMP_DEFAULT), Ok(()));
    assert_eq!(with_ramp(D3DDDI_GAMMARAMP_RGB256x3x16), Ok(()));
    assert_eq!(with_ramp(D3DDDI_GAMMARAMP_DXGI_1), Err(STATUS_GRAPHICS_GAMMA_RAMP_NOT_SUPPORTED));
    let path = D3DKMDT_VIDPN_PRESENT_PATH { VidPnTargetColorBasis: D3DKMDT_CB_YCBCR, ..Default::default() };
    assert_eq!(check_path(&path), Err(STATUS_GRAPHICS_INVALID_COLORBASIS));
}
