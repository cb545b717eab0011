//! VidPNs: the objects that describe how sources drive targets, as the driver sees them through dxgkrnl's interfaces.
//!
//! Everything that an `Acquire…` or `Create…` gives is counted until it is given back or has become part of its VidPN; after
//! each entry of the driver nothing may be left ([`State::check_released`]). To a set that is part of a VidPN already nothing can
//! be added: a new set is made and assigned. A mode may be pinned in either.
#![expect(unsafe_code, reason = "the driver gets modes and paths as pointers and writes new ones")]

mod calls;

use std::cell::UnsafeCell;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pvgpu_kmd_ddi::*;

use super::driver::NtResult;
use crate::handles;
use crate::verifier::{Rule, Verifier};

pub(super) use calls::{interface, monitor_mode_interface};

/// A mode of some kind of set.
pub(crate) trait ModeInfo: Copy + Default {
    /// Its number in the set.
    fn id(&self) -> u32;
    /// Sets the number.
    fn set_id(&mut self, id: u32);
    /// Whether the two say the same, but for their numbers.
    fn same(&self, other: &Self) -> bool;
}

impl ModeInfo for D3DKMDT_VIDPN_SOURCE_MODE {
    fn id(&self) -> u32 {
        self.Id
    }
    fn set_id(&mut self, id: u32) {
        self.Id = id;
    }
    fn same(&self, other: &Self) -> bool {
        (self.Type, self.Format) == (other.Type, other.Format)
    }
}

impl ModeInfo for D3DKMDT_VIDPN_TARGET_MODE {
    fn id(&self) -> u32 {
        self.Id
    }
    fn set_id(&mut self, id: u32) {
        self.Id = id;
    }
    fn same(&self, other: &Self) -> bool {
        self.VideoSignalInfo == other.VideoSignalInfo
    }
}

impl ModeInfo for D3DKMDT_MONITOR_SOURCE_MODE {
    fn id(&self) -> u32 {
        self.Id
    }
    fn set_id(&mut self, id: u32) {
        self.Id = id;
    }
    fn same(&self, other: &Self) -> bool {
        self.VideoSignalInfo == other.VideoSignalInfo
    }
}

/// Copies that the driver has the addresses of.
struct Infos<M> {
    /// By address: the copy, and where it is in its set (`None` for a new one).
    all: BTreeMap<usize, (Box<UnsafeCell<M>>, Option<usize>)>,
}

impl<M> Default for Infos<M> {
    fn default() -> Self {
        Self { all: BTreeMap::new() }
    }
}

impl<M: Copy> Infos<M> {
    /// Lends a copy; `place` is where the original is.
    fn lend(&mut self, info: M, place: Option<usize>) -> *mut M {
        let copy = Box::new(UnsafeCell::new(info));
        let address = copy.get();
        self.all.insert(address.expose_provenance(), (copy, place));
        address
    }

    /// Where the original of a lent copy is.
    fn place(&self, address: usize) -> Option<usize> {
        self.all.get(&address)?.1
    }

    /// What stands in a copy that was lent as a new one.
    fn new_one(&self, address: usize) -> Option<M> {
        let (copy, place) = self.all.get(&address)?;
        // SAFETY: the cell lives in the table; the driver does not write it while it calls.
        place.is_none().then(|| unsafe { copy.get().read() })
    }

    /// Takes a copy back; tells whether there was one.
    fn give_back(&mut self, address: usize) -> bool {
        self.all.remove(&address).is_some()
    }
}

/// A set of modes.
struct ModeSet<M> {
    modes: Vec<M>,
    pinned: Option<u32>,
    next_id: u32,
    /// It is part of a VidPN: it cannot be changed any more.
    assigned: bool,
    /// How often the driver has acquired it.
    acquired: u32,
    infos: Infos<M>,
}

impl<M: ModeInfo> ModeSet<M> {
    fn new(assigned: bool) -> Self {
        Self { modes: Vec::new(), pinned: None, next_id: 1, assigned, acquired: 0, infos: Infos::default() }
    }

    fn acquire(&mut self, place: usize) -> NtResult<*const M> {
        match self.modes.get(place) {
            Some(mode) => Ok(self.infos.lend(*mode, Some(place)).cast_const()),
            None if place == 0 => Err(STATUS_GRAPHICS_DATASET_IS_EMPTY),
            None => Err(STATUS_GRAPHICS_NO_MORE_ELEMENTS_IN_DATASET),
        }
    }

    fn acquire_next(&mut self, before: usize) -> NtResult<*const M> {
        let place = self.infos.place(before).ok_or(STATUS_INVALID_PARAMETER)?;
        self.acquire(place + 1)
    }

    fn acquire_pinned(&mut self) -> NtResult<*const M> {
        let pinned = self.pinned.and_then(|id| self.modes.iter().position(|mode| mode.id() == id));
        self.acquire(pinned.ok_or(STATUS_GRAPHICS_MODE_NOT_PINNED)?)
    }

    fn create(&mut self) -> NtResult<*mut M> {
        if self.assigned {
            return Err(STATUS_INVALID_PARAMETER);
        }
        let mut mode = M::default();
        mode.set_id(self.next_id);
        self.next_id += 1;
        Ok(self.infos.lend(mode, None))
    }

    fn add(&mut self, address: usize) -> NtResult<()> {
        let mode = self.infos.new_one(address).ok_or(STATUS_INVALID_PARAMETER)?;
        if self.assigned {
            return Err(STATUS_INVALID_PARAMETER);
        }
        if self.modes.iter().any(|other| other.same(&mode)) {
            return Err(STATUS_GRAPHICS_MODE_ALREADY_IN_MODESET);
        }
        self.infos.give_back(address);
        self.modes.push(mode);
        Ok(())
    }

    fn pin(&mut self, id: u32) -> NtResult<()> {
        if !self.modes.iter().any(|mode| mode.id() == id) {
            return Err(STATUS_INVALID_PARAMETER);
        }
        self.pinned = Some(id);
        Ok(())
    }

    /// How much of it the driver has not given back.
    fn held(&self) -> usize {
        self.infos.all.len() + self.acquired as usize + usize::from(!self.assigned)
    }
}

/// A VidPN.
#[derive(Default)]
struct VidPn {
    paths: Vec<D3DKMDT_VIDPN_PRESENT_PATH>,
    infos: Infos<D3DKMDT_VIDPN_PRESENT_PATH>,
    sources: BTreeMap<u32, usize>,
    targets: BTreeMap<u32, usize>,
    /// Sources and targets of the adapter.
    extent: (u32, u32),
}

/// All VidPNs of an adapter.
#[derive(Default)]
pub(crate) struct State {
    vidpns: BTreeMap<usize, VidPn>,
    sources: BTreeMap<usize, ModeSet<D3DKMDT_VIDPN_SOURCE_MODE>>,
    targets: BTreeMap<usize, ModeSet<D3DKMDT_VIDPN_TARGET_MODE>>,
    monitors: BTreeMap<usize, ModeSet<D3DKMDT_MONITOR_SOURCE_MODE>>,
}

// SAFETY: the addresses inside are those of gamma ramps, which nothing here follows, and of copies that the tables own.
unsafe impl Send for State {}

/// The table, behind its lock.
#[derive(Default)]
pub(crate) struct VidPns {
    state: Mutex<State>,
}

impl VidPns {
    /// Takes the table.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a topology's handle is beyond its VidPN's: handles are multiples of 16.
const TOPOLOGY: usize = 8;

impl State {
    /// A VidPN with these paths, each from a source to a target, and empty sets.
    pub(crate) fn create(&mut self, paths: &[(u32, u32)], extent: (u32, u32)) -> D3DKMDT_HVIDPN {
        let mut vidpn = VidPn { extent, ..VidPn::default() };
        for source in 0..extent.0 {
            vidpn.sources.insert(source, self.new_source_set(true));
        }
        for target in 0..extent.1 {
            vidpn.targets.insert(target, self.new_target_set(true));
        }
        vidpn.paths = paths.iter().map(|path| new_path(*path)).collect();
        let handle = handles::next();
        self.vidpns.insert(handle, vidpn);
        D3DKMDT_HVIDPN(std::ptr::without_provenance_mut(handle))
    }

    /// Ends a VidPN with its sets.
    pub(crate) fn destroy(&mut self, vidpn: D3DKMDT_HVIDPN) {
        if let Some(vidpn) = self.vidpns.remove(&vidpn.0.addr()) {
            vidpn.sources.values().for_each(|set| drop(self.sources.remove(set)));
            vidpn.targets.values().for_each(|set| drop(self.targets.remove(set)));
        }
    }

    fn new_source_set(&mut self, assigned: bool) -> usize {
        let handle = handles::next();
        self.sources.insert(handle, ModeSet::new(assigned));
        handle
    }

    fn new_target_set(&mut self, assigned: bool) -> usize {
        let handle = handles::next();
        self.targets.insert(handle, ModeSet::new(assigned));
        handle
    }

    /// A set of a monitor's modes that the driver may add to.
    pub(crate) fn create_monitor_set(&mut self) -> D3DKMDT_HMONITORSOURCEMODESET {
        let handle = handles::next();
        self.monitors.insert(handle, ModeSet::new(false));
        D3DKMDT_HMONITORSOURCEMODESET(std::ptr::without_provenance_mut(handle))
    }

    /// Ends it; gives its modes.
    pub(crate) fn take_monitor_set(
        &mut self,
        verifier: &Verifier,
        set: D3DKMDT_HMONITORSOURCEMODESET,
    ) -> Vec<D3DKMDT_MONITOR_SOURCE_MODE> {
        let Some(set) = self.monitors.remove(&set.0.addr()) else { return Vec::new() };
        if !set.infos.all.is_empty() {
            let left = set.infos.all.len();
            verifier.report(Rule::VidPn, "DxgkDdiRecommendMonitorModes", || {
                format!("{left} modes are left acquired")
            });
        }
        set.modes
    }

    /// The modes of a source's set.
    pub(crate) fn source_modes(&self, vidpn: D3DKMDT_HVIDPN, source: u32) -> Vec<D3DKMDT_VIDPN_SOURCE_MODE> {
        let set = self.vidpns.get(&vidpn.0.addr()).and_then(|vidpn| vidpn.sources.get(&source));
        set.and_then(|set| self.sources.get(set)).map(|set| set.modes.clone()).unwrap_or_default()
    }

    /// The modes of a target's set.
    pub(crate) fn target_modes(&self, vidpn: D3DKMDT_HVIDPN, target: u32) -> Vec<D3DKMDT_VIDPN_TARGET_MODE> {
        let set = self.vidpns.get(&vidpn.0.addr()).and_then(|vidpn| vidpn.targets.get(&target));
        set.and_then(|set| self.targets.get(set)).map(|set| set.modes.clone()).unwrap_or_default()
    }

    /// Pins a mode of a source, as dxgkrnl does with what somebody chose.
    pub(crate) fn pin_source(&mut self, vidpn: D3DKMDT_HVIDPN, source: u32, id: u32) {
        let set = self.vidpns.get(&vidpn.0.addr()).and_then(|vidpn| vidpn.sources.get(&source));
        if let Some(set) = set.and_then(|set| self.sources.get_mut(set)) {
            set.pinned = Some(id);
        }
    }

    /// Pins a mode of a target.
    pub(crate) fn pin_target(&mut self, vidpn: D3DKMDT_HVIDPN, target: u32, id: u32) {
        let set = self.vidpns.get(&vidpn.0.addr()).and_then(|vidpn| vidpn.targets.get(&target));
        if let Some(set) = set.and_then(|set| self.targets.get_mut(set)) {
            set.pinned = Some(id);
        }
    }

    /// The paths of a VidPN: source and target of each.
    pub(crate) fn paths(&self, vidpn: D3DKMDT_HVIDPN) -> Vec<D3DKMDT_VIDPN_PRESENT_PATH> {
        self.vidpns.get(&vidpn.0.addr()).map(|vidpn| vidpn.paths.clone()).unwrap_or_default()
    }

    /// Notes everything that the driver has not given back, and takes it back.
    pub(crate) fn check_released(&mut self, verifier: &Verifier, entry: &'static str) {
        let mut left = 0;
        for vidpn in self.vidpns.values_mut() {
            left += std::mem::take(&mut vidpn.infos).all.len();
        }
        let sources = self.sources.values().map(ModeSet::held);
        left += sources.chain(self.targets.values().map(ModeSet::held)).sum::<usize>();
        if left == 0 {
            return;
        }
        verifier.report(Rule::VidPn, entry, || format!("{left} modes, paths or sets were not given back"));
        self.sources.retain(|_, set| set.assigned);
        self.targets.retain(|_, set| set.assigned);
        for set in self.sources.values_mut() {
            (set.acquired, set.infos) = (0, Infos::default());
        }
        for set in self.targets.values_mut() {
            (set.acquired, set.infos) = (0, Infos::default());
        }
    }

    fn vidpn(&mut self, handle: usize) -> NtResult<&mut VidPn> {
        self.vidpns.get_mut(&handle).ok_or(STATUS_GRAPHICS_INVALID_VIDPN)
    }

    fn topology(&mut self, handle: usize) -> NtResult<&mut VidPn> {
        let vidpn = handle.checked_sub(TOPOLOGY).ok_or(STATUS_GRAPHICS_INVALID_VIDPN_TOPOLOGY)?;
        self.vidpns.get_mut(&vidpn).ok_or(STATUS_GRAPHICS_INVALID_VIDPN_TOPOLOGY)
    }

    fn source_set(&mut self, handle: usize) -> NtResult<&mut ModeSet<D3DKMDT_VIDPN_SOURCE_MODE>> {
        self.sources.get_mut(&handle).ok_or(STATUS_GRAPHICS_INVALID_VIDPN_SOURCEMODESET)
    }

    fn target_set(&mut self, handle: usize) -> NtResult<&mut ModeSet<D3DKMDT_VIDPN_TARGET_MODE>> {
        self.targets.get_mut(&handle).ok_or(STATUS_GRAPHICS_INVALID_VIDPN_TARGETMODESET)
    }

    fn monitor_set(&mut self, handle: usize) -> NtResult<&mut ModeSet<D3DKMDT_MONITOR_SOURCE_MODE>> {
        self.monitors.get_mut(&handle).ok_or(STATUS_INVALID_PARAMETER)
    }

    fn acquire_source_set(&mut self, vidpn: usize, source: u32) -> NtResult<usize> {
        let set =
            *self.vidpn(vidpn)?.sources.get(&source).ok_or(STATUS_GRAPHICS_INVALID_VIDEO_PRESENT_SOURCE)?;
        self.source_set(set)?.acquired += 1;
        Ok(set)
    }

    fn acquire_target_set(&mut self, vidpn: usize, target: u32) -> NtResult<usize> {
        let set =
            *self.vidpn(vidpn)?.targets.get(&target).ok_or(STATUS_GRAPHICS_INVALID_VIDEO_PRESENT_TARGET)?;
        self.target_set(set)?.acquired += 1;
        Ok(set)
    }

    /// Gives an acquired set back, or a new one that was not assigned.
    fn release_source_set(&mut self, handle: usize) -> NtResult<()> {
        let set = self.source_set(handle)?;
        if !set.assigned {
            self.sources.remove(&handle);
            return Ok(());
        }
        set.acquired = set.acquired.checked_sub(1).ok_or(STATUS_INVALID_PARAMETER)?;
        Ok(())
    }

    fn release_target_set(&mut self, handle: usize) -> NtResult<()> {
        let set = self.target_set(handle)?;
        if !set.assigned {
            self.targets.remove(&handle);
            return Ok(());
        }
        set.acquired = set.acquired.checked_sub(1).ok_or(STATUS_INVALID_PARAMETER)?;
        Ok(())
    }

    fn assign_source_set(&mut self, vidpn: usize, source: u32, handle: usize) -> NtResult<()> {
        if !self.vidpn(vidpn)?.sources.contains_key(&source) {
            return Err(STATUS_GRAPHICS_INVALID_VIDEO_PRESENT_SOURCE);
        }
        let set = self.source_set(handle)?;
        if set.assigned || !set.infos.all.is_empty() {
            return Err(STATUS_INVALID_PARAMETER);
        }
        set.assigned = true;
        let old = self.vidpn(vidpn)?.sources.insert(source, handle);
        old.and_then(|old| self.sources.remove(&old));
        Ok(())
    }

    fn assign_target_set(&mut self, vidpn: usize, target: u32, handle: usize) -> NtResult<()> {
        if !self.vidpn(vidpn)?.targets.contains_key(&target) {
            return Err(STATUS_GRAPHICS_INVALID_VIDEO_PRESENT_TARGET);
        }
        let set = self.target_set(handle)?;
        if set.assigned || !set.infos.all.is_empty() {
            return Err(STATUS_INVALID_PARAMETER);
        }
        set.assigned = true;
        let old = self.vidpn(vidpn)?.targets.insert(target, handle);
        old.and_then(|old| self.targets.remove(&old));
        Ok(())
    }
}

/// A path of which nothing is decided.
fn new_path((source, target): (u32, u32)) -> D3DKMDT_VIDPN_PRESENT_PATH {
    D3DKMDT_VIDPN_PRESENT_PATH {
        VidPnSourceId: source,
        VidPnTargetId: target,
        ImportanceOrdinal: D3DKMDT_VPPI_PRIMARY,
        ContentTransformation: D3DKMDT_VIDPN_PRESENT_PATH_TRANSFORMATION {
            Scaling: D3DKMDT_VPPS_UNPINNED,
            Rotation: D3DKMDT_VPPR_UNPINNED,
            ..Default::default()
        },
        VidPnTargetColorBasis: D3DKMDT_CB_UNINITIALIZED,
        Content: D3DKMDT_VPPC_GRAPHICS,
        ..Default::default()
    }
}

impl VidPn {
    fn acquire_path(&mut self, place: usize) -> NtResult<*const D3DKMDT_VIDPN_PRESENT_PATH> {
        match self.paths.get(place) {
            Some(path) => Ok(self.infos.lend(*path, Some(place)).cast_const()),
            None if place == 0 => Err(STATUS_GRAPHICS_DATASET_IS_EMPTY),
            None => Err(STATUS_GRAPHICS_NO_MORE_ELEMENTS_IN_DATASET),
        }
    }

    fn find(&self, source: u32, target: u32) -> NtResult<usize> {
        let same =
            |path: &D3DKMDT_VIDPN_PRESENT_PATH| (path.VidPnSourceId, path.VidPnTargetId) == (source, target);
        self.paths.iter().position(same).ok_or(STATUS_GRAPHICS_PATH_NOT_IN_TOPOLOGY)
    }

    fn update_support(&mut self, path: &D3DKMDT_VIDPN_PRESENT_PATH) -> NtResult<()> {
        let place = self.find(path.VidPnSourceId, path.VidPnTargetId)?;
        if let Some(own) = self.paths.get_mut(place) {
            own.ContentTransformation.ScalingSupport = path.ContentTransformation.ScalingSupport;
            own.ContentTransformation.RotationSupport = path.ContentTransformation.RotationSupport;
            own.CopyProtection = path.CopyProtection;
        }
        Ok(())
    }

    fn add_path(&mut self, address: usize) -> NtResult<()> {
        let path = self.infos.new_one(address).ok_or(STATUS_INVALID_PARAMETER)?;
        let (source, target) = (path.VidPnSourceId, path.VidPnTargetId);
        if source >= self.extent.0 {
            return Err(STATUS_GRAPHICS_INVALID_VIDEO_PRESENT_SOURCE);
        }
        if target >= self.extent.1 {
            return Err(STATUS_GRAPHICS_INVALID_VIDEO_PRESENT_TARGET);
        }
        if self.find(source, target).is_ok() {
            return Err(STATUS_GRAPHICS_PATH_ALREADY_IN_TOPOLOGY);
        }
        self.infos.give_back(address);
        self.paths.push(path);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: &str = "an entry";

    fn address<T>(pointer: *const T) -> usize {
        pointer.addr()
    }

    #[test]
    fn a_new_set_replaces_the_old_one() {
        let (mut state, verifier) = (State::default(), Verifier::new(true));
        let vidpn = state.create(&[(0, 0)], (1, 1));
        let handle = vidpn.0.addr();
        let set = state.new_source_set(false);
        for width in [640, 800] {
            let mode = state.source_set(set).expect("there").create().expect("new");
            // SAFETY: the table owns the copy until it is added.
            unsafe { (*mode).Format.Graphics.PrimSurfSize.cx = width };
            state.source_set(set).expect("there").add(address(mode)).expect("added");
        }
        let same = state.source_set(set).expect("there").create().expect("new");
        // SAFETY: as above.
        unsafe { (*same).Format.Graphics.PrimSurfSize.cx = 800 };
        let again = state.source_set(set).expect("there").add(address(same));
        assert_eq!(again, Err(STATUS_GRAPHICS_MODE_ALREADY_IN_MODESET));
        assert!(state.assign_source_set(handle, 0, set).is_err(), "a mode is still out");
        assert!(state.source_set(set).expect("there").infos.give_back(address(same)));
        state.assign_source_set(handle, 0, set).expect("assigned");
        state.check_released(&verifier, ENTRY);
        assert_eq!(state.source_modes(vidpn, 0).len(), 2);
        assert_eq!(state.acquire_source_set(handle, 0), Ok(set));
        let acquired = state.source_set(set).expect("there");
        assert_eq!(acquired.create(), Err(STATUS_INVALID_PARAMETER), "it is part of the VidPN");
        assert_eq!(acquired.acquire_pinned(), Err(STATUS_GRAPHICS_MODE_NOT_PINNED));
        let first = acquired.acquire(0).expect("a mode");
        let second = acquired.acquire_next(address(first)).expect("a mode");
        let end = acquired.acquire_next(address(second));
        assert_eq!(end, Err(STATUS_GRAPHICS_NO_MORE_ELEMENTS_IN_DATASET));
        for mode in [first, second] {
            assert!(acquired.infos.give_back(address(mode)));
        }
        state.release_source_set(set).expect("released");
        state.check_released(&verifier, ENTRY);
        assert!(verifier.all().is_empty(), "{:?}", verifier.all());
        assert!(state.release_source_set(set).is_err(), "released twice");
        state.destroy(vidpn);
        assert!(state.source_set(set).is_err());
    }

    #[test]
    fn what_is_not_given_back_is_noticed_once() {
        let (mut state, verifier) = (State::default(), Verifier::new(true));
        let vidpn = state.create(&[(0, 0)], (1, 1));
        let handle = vidpn.0.addr();
        state.acquire_target_set(handle, 0).expect("a set");
        state.new_target_set(false);
        state.vidpn(handle).expect("there").acquire_path(0).expect("a path");
        state.check_released(&verifier, ENTRY);
        state.check_released(&verifier, ENTRY);
        let details: Vec<String> = verifier.all().iter().map(|violation| violation.detail.clone()).collect();
        assert_eq!(details, ["3 modes, paths or sets were not given back"]);
        assert!(state.acquire_source_set(handle, 1).is_err() && state.acquire_target_set(handle, 1).is_err());
    }
}
