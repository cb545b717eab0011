//! dxgkrnl's VidPN objects as values that give themselves back.
//!
//! Whatever an `Acquire…` or `Create…` gave is released when its value is dropped, on every path out of a function. A release
//! that dxgkrnl refuses leaves nothing that could be done about it. All of it is called at `PASSIVE_LEVEL`.
//!
//! | value | comes from | ends by |
//! |---|---|---|
//! | [`Path`] | AcquireFirst-, AcquireNext-, AcquirePathInfo | ReleasePathInfo |
//! | [`NewPath`] | CreateNewPathInfo | AddPath, or ReleasePathInfo |
//! | [`super::modes`]: sets | AcquireSourceModeSet, AcquireTargetModeSet | Release…ModeSet |
//! | [`super::modes`]: new sets | CreateNewSourceModeSet, CreateNewTargetModeSet | Assign…ModeSet, or Release…ModeSet |
#![expect(unsafe_code, reason = "dxgkrnl's VidPN functions are C functions")]

use core::ops::Deref;
use core::ptr::{NonNull, from_mut, null, null_mut};

use pvgpu_kmd_ddi::{
    D3DDDI_VIDEO_PRESENT_SOURCE_ID, D3DDDI_VIDEO_PRESENT_TARGET_ID, D3DKMDT_HVIDPN, D3DKMDT_HVIDPNTOPOLOGY,
    D3DKMDT_VIDPN_PRESENT_PATH, DXGK_VIDPN_INTERFACE, DXGK_VIDPN_INTERFACE_VERSION_V1,
    DXGK_VIDPNTOPOLOGY_INTERFACE, DXGKRNL_INTERFACE, NT_SUCCESS, NTSTATUS, STATUS_GRAPHICS_INVALID_VIDPN,
    STATUS_GRAPHICS_INVALID_VIDPN_TOPOLOGY, STATUS_GRAPHICS_SOURCE_NOT_IN_TOPOLOGY, STATUS_NOT_SUPPORTED,
};

/// What dxgkrnl said, as a result. What it merely remarks ("the set is empty") is no error; the pointer is null then.
pub(super) fn check(status: NTSTATUS) -> Result<(), NTSTATUS> {
    if NT_SUCCESS(status) { Ok(()) } else { Err(status) }
}

/// A function of a table; one that is missing is not supported.
pub(super) fn function<F>(function: Option<F>) -> Result<F, NTSTATUS> {
    function.ok_or(STATUS_NOT_SUPPORTED)
}

/// A VidPN.
#[derive(Clone, Copy)]
pub(super) struct VidPn<'v> {
    pub(super) handle: D3DKMDT_HVIDPN,
    pub(super) interface: &'v DXGK_VIDPN_INTERFACE,
}

impl<'v> VidPn<'v> {
    /// `DxgkCbQueryVidPnInterface`.
    ///
    /// # Errors
    /// dxgkrnl's.
    pub(super) fn query(dxgkrnl: &'v DXGKRNL_INTERFACE, handle: D3DKMDT_HVIDPN) -> Result<Self, NTSTATUS> {
        let query = function(dxgkrnl.DxgkCbQueryVidPnInterface)?;
        let mut interface: *const DXGK_VIDPN_INTERFACE = null();
        // SAFETY: a handle that dxgkrnl passed to this call, and a place for a pointer.
        check(unsafe { query(handle, DXGK_VIDPN_INTERFACE_VERSION_V1, from_mut(&mut interface)) })?;
        // SAFETY: dxgkrnl's table, which outlives the call that is under way.
        let interface = unsafe { interface.as_ref() }.ok_or(STATUS_GRAPHICS_INVALID_VIDPN)?;
        Ok(Self { handle, interface })
    }

    /// `pfnGetTopology`. The topology belongs to the VidPN and is not given back.
    ///
    /// # Errors
    /// dxgkrnl's.
    pub(super) fn topology(&self) -> Result<Topology<'v>, NTSTATUS> {
        let get = function(self.interface.pfnGetTopology)?;
        let mut handle = D3DKMDT_HVIDPNTOPOLOGY::NULL;
        let mut interface: *const DXGK_VIDPNTOPOLOGY_INTERFACE = null();
        // SAFETY: the VidPN's own handle, and places for both answers.
        check(unsafe { get(self.handle, from_mut(&mut handle), from_mut(&mut interface)) })?;
        // SAFETY: dxgkrnl's table, which outlives the call that is under way.
        let interface = unsafe { interface.as_ref() }.ok_or(STATUS_GRAPHICS_INVALID_VIDPN_TOPOLOGY)?;
        Ok(Topology { handle, interface })
    }
}

/// The paths of a VidPN.
#[derive(Clone, Copy)]
pub(super) struct Topology<'v> {
    handle: D3DKMDT_HVIDPNTOPOLOGY,
    interface: &'v DXGK_VIDPNTOPOLOGY_INTERFACE,
}

impl<'v> Topology<'v> {
    /// `pfnGetNumPathsFromSource`; none for a source that is in no path.
    ///
    /// # Errors
    /// dxgkrnl's.
    pub(super) fn paths_from(&self, source: D3DDDI_VIDEO_PRESENT_SOURCE_ID) -> Result<usize, NTSTATUS> {
        let count = function(self.interface.pfnGetNumPathsFromSource)?;
        let mut paths = 0;
        // SAFETY: the topology's own handle, and a place for a number.
        let status = unsafe { count(self.handle, source, from_mut(&mut paths)) };
        if status == STATUS_GRAPHICS_SOURCE_NOT_IN_TOPOLOGY {
            return Ok(0);
        }
        check(status)?;
        Ok(paths)
    }

    /// `pfnAcquirePathInfo`.
    ///
    /// # Errors
    /// dxgkrnl's; `STATUS_GRAPHICS_PATH_NOT_IN_TOPOLOGY` is one of them.
    pub(super) fn path(
        &self,
        source: D3DDDI_VIDEO_PRESENT_SOURCE_ID,
        target: D3DDDI_VIDEO_PRESENT_TARGET_ID,
    ) -> Result<Path<'v>, NTSTATUS> {
        let acquire = function(self.interface.pfnAcquirePathInfo)?;
        let mut path: *const D3DKMDT_VIDPN_PRESENT_PATH = null();
        // SAFETY: the topology's own handle, and a place for a pointer.
        check(unsafe { acquire(self.handle, source, target, from_mut(&mut path)) })?;
        Path::own(*self, path).ok_or(STATUS_GRAPHICS_INVALID_VIDPN_TOPOLOGY)
    }

    /// `pfnAcquireFirstPathInfo`; `None` for an empty topology.
    ///
    /// # Errors
    /// dxgkrnl's.
    pub(super) fn first(&self) -> Result<Option<Path<'v>>, NTSTATUS> {
        let acquire = function(self.interface.pfnAcquireFirstPathInfo)?;
        let mut path: *const D3DKMDT_VIDPN_PRESENT_PATH = null();
        // SAFETY: the topology's own handle, and a place for a pointer.
        check(unsafe { acquire(self.handle, from_mut(&mut path)) })?;
        Ok(Path::own(*self, path))
    }

    /// `pfnAcquireNextPathInfo`, after which the path before is given back; `None` behind the last one.
    ///
    /// # Errors
    /// dxgkrnl's.
    pub(super) fn next(&self, path: Path<'v>) -> Result<Option<Path<'v>>, NTSTATUS> {
        let acquire = function(self.interface.pfnAcquireNextPathInfo)?;
        let mut next: *const D3DKMDT_VIDPN_PRESENT_PATH = null();
        // SAFETY: the topology's own handle, a path of it that is not given back yet, and a place for a pointer.
        check(unsafe { acquire(self.handle, path.path.as_ptr(), from_mut(&mut next)) })?;
        Ok(Path::own(*self, next))
    }

    /// `pfnUpdatePathSupportInfo`: source and target in `path` say which path is meant.
    ///
    /// # Errors
    /// dxgkrnl's.
    pub(super) fn update_support(&self, path: &D3DKMDT_VIDPN_PRESENT_PATH) -> Result<(), NTSTATUS> {
        let update = function(self.interface.pfnUpdatePathSupportInfo)?;
        // SAFETY: the topology's own handle; dxgkrnl only reads the path.
        check(unsafe { update(self.handle, path) })
    }

    /// `pfnCreateNewPathInfo`.
    ///
    /// # Errors
    /// dxgkrnl's.
    pub(super) fn create_path(&self) -> Result<NewPath<'v>, NTSTATUS> {
        let create = function(self.interface.pfnCreateNewPathInfo)?;
        let mut path: *mut D3DKMDT_VIDPN_PRESENT_PATH = null_mut();
        // SAFETY: the topology's own handle, and a place for a pointer.
        check(unsafe { create(self.handle, from_mut(&mut path)) })?;
        let path = NonNull::new(path).ok_or(STATUS_GRAPHICS_INVALID_VIDPN_TOPOLOGY)?;
        Ok(NewPath { topology: *self, path })
    }

    fn release(&self, path: *const D3DKMDT_VIDPN_PRESENT_PATH) {
        if let Some(release) = self.interface.pfnReleasePathInfo {
            // SAFETY: a path of this topology, which its owner gives up here and now.
            let _ = unsafe { release(self.handle, path) };
        }
    }
}

/// A path that is to be read.
pub(super) struct Path<'v> {
    topology: Topology<'v>,
    path: NonNull<D3DKMDT_VIDPN_PRESENT_PATH>,
}

impl<'v> Path<'v> {
    /// The path that dxgkrnl gave, if it gave one.
    fn own(topology: Topology<'v>, path: *const D3DKMDT_VIDPN_PRESENT_PATH) -> Option<Self> {
        NonNull::new(path.cast_mut()).map(|path| Self { topology, path })
    }
}

impl Deref for Path<'_> {
    type Target = D3DKMDT_VIDPN_PRESENT_PATH;

    fn deref(&self) -> &D3DKMDT_VIDPN_PRESENT_PATH {
        // SAFETY: dxgkrnl keeps it until it is released, and changes it only when this driver asks for that.
        unsafe { self.path.as_ref() }
    }
}

impl Drop for Path<'_> {
    fn drop(&mut self) {
        self.topology.release(self.path.as_ptr());
    }
}

/// A path that is not in the topology yet.
pub(super) struct NewPath<'v> {
    topology: Topology<'v>,
    path: NonNull<D3DKMDT_VIDPN_PRESENT_PATH>,
}

impl NewPath<'_> {
    /// Fills the path and adds it (`pfnAddPath`); one that is refused is given back.
    ///
    /// # Errors
    /// dxgkrnl's.
    pub(super) fn add(mut self, fill: impl FnOnce(&mut D3DKMDT_VIDPN_PRESENT_PATH)) -> Result<(), NTSTATUS> {
        let add = function(self.topology.interface.pfnAddPath)?;
        // SAFETY: this driver's alone until it is added.
        fill(unsafe { self.path.as_mut() });
        // SAFETY: the topology's own handle, and a path that was created for it.
        check(unsafe { add(self.topology.handle, self.path.as_ptr()) })?;
        // It is the topology's from here on.
        core::mem::forget(self);
        Ok(())
    }
}

impl Drop for NewPath<'_> {
    fn drop(&mut self) {
        self.topology.release(self.path.as_ptr());
    }
}
