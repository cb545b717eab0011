//! The contexts: `ID3D11DeviceContext4`, `ID3DUserDefinedAnnotation`, and of the immediate one `ID3D11Multithread`.
//!
//! `api` and `api4` are the COM edge, one line a method; `bind`, `output`, `draw`, `transfer`, `tiles` and `get` do the work of both
//! kinds of context, `map` and `async_query` that of the immediate one, under the device's lock, and `deferred` that of
//! deferred ones (see `record`); `state` is what is bound, `hazard` what may not be bound at once, `restore` the bindings as a
//! whole.

mod annotation;
mod api;
mod api4;
mod async_query;
mod bind;
pub mod deferred;
mod draw;
mod get;
mod hazard;
pub mod list;
mod map;
mod output;
mod restore;
pub mod state;
pub mod state_object;
mod tiles;
mod transfer;

use core::ffi::c_void;
use core::ops::DerefMut;
use core::ptr::NonNull;

use pvgpu_umd_ddi::D3D10DDI_MAPPED_SUBRESOURCE;
use windows::Win32::Foundation::HANDLE;
use windows::Win32::Graphics::Direct3D11::{
    D3D11_DEVICE_CONTEXT_IMMEDIATE, D3D11_DEVICE_CONTEXT_TYPE, ID3D11DeviceContext4_Vtbl,
    ID3D11Multithread_Impl, ID3D11Multithread_Vtbl, ID3DUserDefinedAnnotation_Vtbl,
};
use windows_core::{BOOL, GUID};

use super::device::{Device, ID3D10_MULTITHREAD};
use super::driver::Driver;
use super::fence::Fence;
use super::guard::{Guard, Locked, Pipeline};
use super::object::{CHAINS, Class, Com, vtable};
use super::query::{Query, RESULT_WORDS};
use super::record::Sink;
use super::resource::Resource;
use crate::hresult::{DXGI_ERROR_INVALID_CALL, E_INVALIDARG, Result};
use list::CommandList;
use state_object::ContextState;

/// Chain of `ID3D11Multithread`.
const MULTITHREAD: usize = 1;
/// Chain of `ID3DUserDefinedAnnotation`.
const ANNOTATION: usize = 2;

/// A kind of context: what immediate and deferred contexts do each in their way.
pub trait Kind: Class {
    /// Where its calls go.
    type Sink: Sink;
    /// The right to use its bindings.
    type Access<'a>: DerefMut<Target = Pipeline<Self::Sink>>;
    /// `GetType`.
    const TYPE: D3D11_DEVICE_CONTEXT_TYPE;

    /// Takes that right.
    fn access(this: &Com<Self>) -> Self::Access<'_>;

    /// `Map`.
    ///
    /// # Errors
    /// `E_INVALIDARG` when the resource or the context does not allow the mode, and more by kind.
    fn map(
        this: &Com<Self>,
        resource: &Com<Resource>,
        subresource: u32,
        mode: u32,
        flags: u32,
    ) -> Result<D3D10DDI_MAPPED_SUBRESOURCE>;

    /// `Unmap`.
    fn unmap(this: &Com<Self>, resource: &Com<Resource>, subresource: u32);

    /// `Begin`.
    fn begin(this: &Com<Self>, query: &Com<Query>);

    /// `End`.
    fn end(this: &Com<Self>, query: &Com<Query>);

    /// `GetData`.
    ///
    /// # Errors
    /// Those of the API.
    fn get_data(this: &Com<Self>, query: &Com<Query>, size: u32, flags: u32) -> Result<[u64; RESULT_WORDS]>;

    /// `Flush`.
    fn flush(this: &Com<Self>);

    /// The event of `Flush1`: sets it when the GPU has done what was flushed.
    fn set_event(this: &Com<Self>, event: HANDLE);

    /// `Signal`.
    ///
    /// # Errors
    /// `E_INVALIDARG` for no fence and of deferred contexts, and the driver's.
    fn signal(_fence: Option<&Com<Fence>>, _value: u64) -> Result {
        Err(E_INVALIDARG)
    }

    /// `Wait`.
    ///
    /// # Errors
    /// `E_INVALIDARG` for no fence, of deferred contexts, and for a value that was not signalled.
    fn wait(_fence: Option<&Com<Fence>>, _value: u64) -> Result {
        Err(E_INVALIDARG)
    }

    /// `FinishCommandList`: a list with a public reference.
    ///
    /// # Errors
    /// `DXGI_ERROR_INVALID_CALL` of the immediate context, and what a removed device reports.
    fn finish(this: &Com<Self>, restore: bool) -> Result<NonNull<Com<CommandList>>>;

    /// `SwapDeviceContextState`: the state before, with a public reference, or null.
    fn swap_state(this: &Com<Self>, state: Option<&Com<ContextState>>) -> *mut c_void;
}

/// The immediate context. Its state is the device's, under the device's lock.
pub struct Context;

/// Makes the immediate context of a device, held once by it.
pub fn new(device: *const Com<Device>) -> NonNull<Com<Context>> {
    let mut vtables = [core::ptr::null(); CHAINS];
    vtables[0] = vtable!(ID3D11DeviceContext4_Vtbl, Com<Context>, 0);
    vtables[MULTITHREAD] = vtable!(ID3D11Multithread_Vtbl, Com<Context>, 1);
    vtables[ANNOTATION] = vtable!(ID3DUserDefinedAnnotation_Vtbl, Com<Context>, 2);
    Com::new_held(vtables, device, Context)
}

impl Class for Context {
    fn chain(&self, iid: &GUID) -> Option<usize> {
        if ID3D11DeviceContext4_Vtbl::matches(iid) {
            Some(0)
        } else if ID3DUserDefinedAnnotation_Vtbl::matches(iid) {
            Some(ANNOTATION)
        } else {
            (ID3D11Multithread_Vtbl::matches(iid) || *iid == ID3D10_MULTITHREAD).then_some(MULTITHREAD)
        }
    }

    fn destroy(&self, _handle: *mut c_void, _locked: &mut Locked) {}
}

impl Kind for Context {
    type Sink = Driver;
    type Access<'a> = Guard<'a>;
    const TYPE: D3D11_DEVICE_CONTEXT_TYPE = D3D11_DEVICE_CONTEXT_IMMEDIATE;

    #[inline]
    fn access(this: &Com<Self>) -> Guard<'_> {
        Guard::new(&this.device().inner)
    }

    #[inline]
    fn map(
        this: &Com<Self>,
        resource: &Com<Resource>,
        subresource: u32,
        mode: u32,
        flags: u32,
    ) -> Result<D3D10DDI_MAPPED_SUBRESOURCE> {
        this.lock().map(resource, subresource, mode, flags)
    }

    #[inline]
    fn unmap(this: &Com<Self>, resource: &Com<Resource>, subresource: u32) {
        this.lock().unmap(resource, subresource);
    }

    fn begin(this: &Com<Self>, query: &Com<Query>) {
        this.lock().begin(query);
    }

    fn end(this: &Com<Self>, query: &Com<Query>) {
        this.lock().end(query);
    }

    fn get_data(this: &Com<Self>, query: &Com<Query>, size: u32, flags: u32) -> Result<[u64; RESULT_WORDS]> {
        this.lock().get_data(query, size, flags)
    }

    fn flush(this: &Com<Self>) {
        this.lock().driver.flush();
    }

    fn set_event(this: &Com<Self>, event: HANDLE) {
        if !event.is_invalid() {
            this.device().set_event_when_idle(event);
        }
    }

    fn signal(fence: Option<&Com<Fence>>, value: u64) -> Result {
        fence.ok_or(E_INVALIDARG)?.signal(value)
    }

    fn wait(fence: Option<&Com<Fence>>, value: u64) -> Result {
        fence.ok_or(E_INVALIDARG)?.wait(value)
    }

    fn finish(_this: &Com<Self>, _restore: bool) -> Result<NonNull<Com<CommandList>>> {
        // Of deferred contexts only.
        Err(DXGI_ERROR_INVALID_CALL)
    }

    fn swap_state(this: &Com<Self>, state: Option<&Com<ContextState>>) -> *mut c_void {
        this.device().swap_state(state)
    }
}

impl<C: Kind> Com<C> {
    /// Takes the right to use the context's bindings: of the immediate context, the device's lock.
    #[inline]
    fn lock(&self) -> C::Access<'_> {
        C::access(self)
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
