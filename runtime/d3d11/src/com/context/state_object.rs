//! `ID3DDeviceContextState`: the bindings of the immediate context, set aside.

use core::cell::RefCell;
use core::ffi::c_void;
use core::ptr::NonNull;

use windows::Win32::Graphics::Direct3D11::{ID3DDeviceContextState_Impl, ID3DDeviceContextState_Vtbl};
use windows_core::GUID;

use super::super::device::Device;
use super::super::guard::{Guard, Locked};
use super::super::object::{CHAINS, Class, Com, vtable};
use super::state::State;

/// A context state.
pub struct ContextState {
    /// What was bound when the state was swapped out; nothing while it is the context's. Guarded by the device's lock.
    saved: RefCell<Option<Box<State>>>,
}

/// A new state with nothing bound and one public reference.
pub fn new(device: &Com<Device>) -> NonNull<Com<ContextState>> {
    let mut vtables = [core::ptr::null(); CHAINS];
    vtables[0] = vtable!(ID3DDeviceContextState_Vtbl, Com<ContextState>, 0);
    Com::new(vtables, device, core::ptr::null_mut(), ContextState { saved: RefCell::new(None) })
}

impl Class for ContextState {
    fn chain(&self, iid: &GUID) -> Option<usize> {
        ID3DDeviceContextState_Vtbl::matches(iid).then_some(0)
    }

    fn destroy(&self, _handle: *mut c_void, locked: &mut Locked) {
        if let Some(saved) = self.saved.take() {
            saved.unhold(&mut locked.graves);
        }
    }
}

impl ID3DDeviceContextState_Impl for Com<ContextState> {}

impl Com<Device> {
    /// `SwapDeviceContextState` of the immediate context: a public reference to the state that was the context's before, as
    /// an interface pointer, or null for no state.
    pub fn swap_state(&self, state: Option<&Com<ContextState>>) -> *mut c_void {
        let Some(state) = state else { return core::ptr::null_mut() };
        let mut guard = Guard::new(&self.inner);
        let fresh = guard.own.current.get().is_none().then(|| new(self));
        let locked = &mut *guard;
        // SAFETY: the object was just made.
        let old = locked.own.current.get().or(fresh.as_ref().map(|fresh| unsafe { fresh.as_ref() }));
        let Some(old) = old.map(NonNull::from) else { return core::ptr::null_mut() };
        // SAFETY: it is the context's current state, or was just made.
        let old = unsafe { old.as_ref() };
        // A fresh one has its reference already.
        let pointer =
            if fresh.is_some() { core::ptr::from_ref(old).cast_mut().cast() } else { old.hand_out() };
        if core::ptr::eq(old, state) {
            return pointer;
        }
        locked.state.send_nothing(&mut locked.driver);
        let new = state.inner.saved.take().map(|saved| *saved).unwrap_or_default();
        let saved = core::mem::replace(&mut locked.state, new);
        old.inner.saved.replace(Some(Box::new(saved)));
        locked.state.send(&mut locked.driver);
        locked.own.current.set(Some(state), &mut locked.graves);
        pointer
    }
}
