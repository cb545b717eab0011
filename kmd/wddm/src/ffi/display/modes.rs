//! Mode sets of sources and targets, and the modes in them, as values that give themselves back; see [`super::vidpn`].
#![expect(unsafe_code, reason = "dxgkrnl's VidPN functions are C functions")]

use core::ops::Deref;
use core::ptr::{NonNull, from_mut, null, null_mut};

use pvgpu_kmd_ddi::{
    D3DKMDT_HVIDPNSOURCEMODESET, D3DKMDT_HVIDPNTARGETMODESET, D3DKMDT_VIDPN_SOURCE_MODE,
    D3DKMDT_VIDPN_TARGET_MODE, DXGK_VIDPNSOURCEMODESET_INTERFACE, DXGK_VIDPNTARGETMODESET_INTERFACE,
    NTSTATUS, STATUS_GRAPHICS_INVALID_VIDPN_SOURCEMODESET, STATUS_GRAPHICS_INVALID_VIDPN_TARGETMODESET,
    STATUS_GRAPHICS_MODE_ALREADY_IN_MODESET, STATUS_GRAPHICS_PINNED_MODE_MUST_REMAIN_IN_SET,
    STATUS_GRAPHICS_RESOURCES_NOT_RELATED,
};

use super::vidpn::{VidPn, check, function};

/// Whether a refused `Assign…ModeSet` has released the set all the same. dxgkrnl does so once it knows which set is meant:
/// for a set without the mode that is pinned, and for one that was made for somebody else (the DDI page also names empty sets,
/// which this driver never assigns).
fn released_on_refusal(status: NTSTATUS) -> bool {
    matches!(status, STATUS_GRAPHICS_PINNED_MODE_MUST_REMAIN_IN_SET | STATUS_GRAPHICS_RESOURCES_NOT_RELATED)
}

/// Declares the values of one kind of mode set.
macro_rules! mode_set {
    (
        $set:ident, $new_set:ident, $mode:ident: $c_mode:ty, $handle:ty, $interface:ty, invalid $invalid:ident,
        acquire $acquire:ident, release $release:ident, create $create:ident, assign $assign:ident
    ) => {
        /// A mode set that is to be read.
        pub(super) struct $set<'v> {
            vid_pn: VidPn<'v>,
            handle: $handle,
            interface: &'v $interface,
        }

        impl<'v> $set<'v> {
            /// The mode set of a source or target.
            ///
            /// # Errors
            /// dxgkrnl's.
            pub(super) fn acquire(vid_pn: VidPn<'v>, id: u32) -> Result<Self, NTSTATUS> {
                Self::get(vid_pn, id, function(vid_pn.interface.$acquire)?)
            }

            fn get(
                vid_pn: VidPn<'v>,
                id: u32,
                get: unsafe extern "win64" fn(
                    pvgpu_kmd_ddi::D3DKMDT_HVIDPN,
                    u32,
                    *mut $handle,
                    *mut *const $interface,
                ) -> NTSTATUS,
            ) -> Result<Self, NTSTATUS> {
                let mut handle = <$handle>::NULL;
                let mut interface: *const $interface = null();
                // SAFETY: the VidPN's own handle, and places for both answers.
                check(unsafe { get(vid_pn.handle, id, from_mut(&mut handle), from_mut(&mut interface)) })?;
                // SAFETY: dxgkrnl's table, which outlives the call that is under way.
                let interface = unsafe { interface.as_ref() }.ok_or($invalid)?;
                Ok(Self { vid_pn, handle, interface })
            }

            /// The pinned mode, if one is (`pfnAcquirePinnedModeInfo`).
            ///
            /// # Errors
            /// dxgkrnl's.
            pub(super) fn pinned(&self) -> Result<Option<$mode<'_, 'v>>, NTSTATUS> {
                let acquire = function(self.interface.pfnAcquirePinnedModeInfo)?;
                let mut mode: *const $c_mode = null();
                // SAFETY: the set's own handle, and a place for a pointer.
                check(unsafe { acquire(self.handle, from_mut(&mut mode)) })?;
                Ok(NonNull::new(mode.cast_mut()).map(|mode| $mode { set: self, mode }))
            }

            /// Pins a mode of the set (`pfnPinMode`).
            ///
            /// # Errors
            /// dxgkrnl's.
            pub(super) fn pin(&self, id: u32) -> Result<(), NTSTATUS> {
                let pin = function(self.interface.pfnPinMode)?;
                // SAFETY: the set's own handle.
                check(unsafe { pin(self.handle, id) })
            }

            fn release_mode(&self, mode: *const $c_mode) {
                if let Some(release) = self.interface.pfnReleaseModeInfo {
                    // SAFETY: a mode of this set, which its owner gives up here and now.
                    let _ = unsafe { release(self.handle, mode) };
                }
            }
        }

        impl Drop for $set<'_> {
            fn drop(&mut self) {
                if let Some(release) = self.vid_pn.interface.$release {
                    // SAFETY: a set of this VidPN, which its owner gives up here and now.
                    let _ = unsafe { release(self.vid_pn.handle, self.handle) };
                }
            }
        }

        /// A mode that is to be read.
        pub(super) struct $mode<'s, 'v> {
            set: &'s $set<'v>,
            mode: NonNull<$c_mode>,
        }

        impl Deref for $mode<'_, '_> {
            type Target = $c_mode;

            fn deref(&self) -> &$c_mode {
                // SAFETY: dxgkrnl keeps it, unchanged, until it is released.
                unsafe { self.mode.as_ref() }
            }
        }

        impl Drop for $mode<'_, '_> {
            fn drop(&mut self) {
                self.set.release_mode(self.mode.as_ptr());
            }
        }

        /// A mode set that is not assigned yet.
        pub(super) struct $new_set<'v> {
            set: $set<'v>,
            id: u32,
        }

        impl<'v> $new_set<'v> {
            /// An empty set for a source or target.
            ///
            /// # Errors
            /// dxgkrnl's.
            pub(super) fn create(vid_pn: VidPn<'v>, id: u32) -> Result<Self, NTSTATUS> {
                let set = $set::get(vid_pn, id, function(vid_pn.interface.$create)?)?;
                Ok(Self { set, id })
            }

            /// Adds a mode as [`Self::add`] does; one that is in the set already is left out.
            ///
            /// # Errors
            /// dxgkrnl's.
            pub(super) fn offer(&self, fill: impl FnOnce(&mut $c_mode)) -> Result<(), NTSTATUS> {
                match self.add(fill) {
                    Ok(_) | Err(STATUS_GRAPHICS_MODE_ALREADY_IN_MODESET) => Ok(()),
                    Err(status) => Err(status),
                }
            }

            /// Creates a mode, has it filled but for its id, and adds it; gives the id. One that is refused is given
            /// back.
            ///
            /// # Errors
            /// dxgkrnl's.
            pub(super) fn add(&self, fill: impl FnOnce(&mut $c_mode)) -> Result<u32, NTSTATUS> {
                let create = function(self.set.interface.pfnCreateNewModeInfo)?;
                let add = function(self.set.interface.pfnAddMode)?;
                let mut mode: *mut $c_mode = null_mut();
                // SAFETY: the set's own handle, and a place for a pointer.
                check(unsafe { create(self.set.handle, from_mut(&mut mode)) })?;
                let mut mode = $mode { set: &self.set, mode: NonNull::new(mode).ok_or($invalid)? };
                // SAFETY: this driver's alone until it is added.
                let new = unsafe { mode.mode.as_mut() };
                fill(new);
                let id = new.Id;
                // SAFETY: the set's own handle, and a mode that was created for it.
                check(unsafe { add(self.set.handle, mode.mode.as_ptr()) })?;
                // It is the set's from here on.
                core::mem::forget(mode);
                Ok(id)
            }

            /// Makes it the mode set of its source or target.
            ///
            /// # Errors
            /// dxgkrnl's.
            pub(super) fn assign(self) -> Result<(), NTSTATUS> {
                let vid_pn = self.set.vid_pn;
                let assign = function(vid_pn.interface.$assign)?;
                // SAFETY: the VidPN's own handle, and a set that was created for this id.
                let assigned = check(unsafe { assign(vid_pn.handle, self.id, self.set.handle) });
                if assigned.err().is_none_or(released_on_refusal) {
                    core::mem::forget(self);
                }
                assigned
            }
        }
    };
}

mode_set! {
    SourceModes, NewSourceModes, SourceMode: D3DKMDT_VIDPN_SOURCE_MODE, D3DKMDT_HVIDPNSOURCEMODESET,
    DXGK_VIDPNSOURCEMODESET_INTERFACE, invalid STATUS_GRAPHICS_INVALID_VIDPN_SOURCEMODESET,
    acquire pfnAcquireSourceModeSet, release pfnReleaseSourceModeSet,
    create pfnCreateNewSourceModeSet, assign pfnAssignSourceModeSet
}

mode_set! {
    TargetModes, NewTargetModes, TargetMode: D3DKMDT_VIDPN_TARGET_MODE, D3DKMDT_HVIDPNTARGETMODESET,
    DXGK_VIDPNTARGETMODESET_INTERFACE, invalid STATUS_GRAPHICS_INVALID_VIDPN_TARGETMODESET,
    acquire pfnAcquireTargetModeSet, release pfnReleaseTargetModeSet,
    create pfnCreateNewTargetModeSet, assign pfnAssignTargetModeSet
}
