//! The immediate context: `ID3D11DeviceContext1` and `ID3D11Multithread`.
//!
//! `api` is the COM edge, one line a method; `bind`, `output`, `draw`, `transfer`, `map`, `get` and `async_query` do the work
//! under the device's lock; `state` is what is bound, `hazard` what may not be bound at once.

mod api;
mod async_query;
mod bind;
mod draw;
mod get;
mod hazard;
mod map;
mod output;
pub mod state;
mod transfer;

use core::ffi::c_void;
use core::ptr::NonNull;

use windows::Win32::Graphics::Direct3D11::{
    ID3D11DeviceContext1_Vtbl, ID3D11Multithread_Impl, ID3D11Multithread_Vtbl,
};
use windows_core::{BOOL, GUID};

use super::device::{Device, ID3D10_MULTITHREAD};
use super::guard::{Guard, Locked};
use super::object::{CHAINS, Class, Com, vtable};

/// Chain of `ID3D11Multithread`.
const MULTITHREAD: usize = 1;

/// The immediate context. Its state is the device's, under the device's lock.
pub struct Context;

/// Makes the immediate context of a device, held once by it.
pub fn new(device: *const Com<Device>) -> NonNull<Com<Context>> {
    let mut vtables = [core::ptr::null(); CHAINS];
    vtables[0] = vtable!(ID3D11DeviceContext1_Vtbl, Com<Context>, 0);
    vtables[MULTITHREAD] = vtable!(ID3D11Multithread_Vtbl, Com<Context>, 1);
    Com::new_held(vtables, device, Context)
}

impl Class for Context {
    fn chain(&self, iid: &GUID) -> Option<usize> {
        if ID3D11DeviceContext1_Vtbl::matches(iid) {
            Some(0)
        } else {
            (ID3D11Multithread_Vtbl::matches(iid) || *iid == ID3D10_MULTITHREAD).then_some(MULTITHREAD)
        }
    }

    fn destroy(&self, _handle: *mut c_void, _locked: &mut Locked) {}
}

impl Com<Context> {
    /// Takes the device's lock.
    #[inline]
    fn lock(&self) -> Guard<'_> {
        Guard::new(&self.device().inner)
    }
}

impl ID3D11Multithread_Impl for Com<Context> {
    fn Enter(&self) {
        self.device().inner.lock.enter();
    }

    fn Leave(&self) {
        self.device().inner.lock.leave();
    }

    fn SetMultithreadProtected(&self, protect: BOOL) -> BOOL {
        self.device().inner.set_multithread_protected(protect.as_bool()).into()
    }

    fn GetMultithreadProtected(&self) -> BOOL {
        self.device().inner.multithread_protected().into()
    }
}

/// The objects in an array of interface pointers of chain 0; a null array is an array of nulls that is not there.
///
/// # Safety
/// `array` is null or has `count` pointers, each null or a live object of class `T`.
#[inline]
unsafe fn objects<'a, T: Class, I>(array: *const Option<I>, count: u32) -> &'a [Option<&'a Com<T>>] {
    if array.is_null() {
        return &[];
    }
    // SAFETY: the caller's promise; `Option<&_>` is a nullable pointer.
    unsafe { core::slice::from_raw_parts(array.cast(), count as usize) }
}

/// The values in an array; a null array is empty.
///
/// # Safety
/// `array` is null or has `count` values.
#[inline]
unsafe fn values<'a, T>(array: *const T, count: u32) -> &'a [T] {
    if array.is_null() {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { core::slice::from_raw_parts(array, count as usize) }
}
