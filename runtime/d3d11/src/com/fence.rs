//! `ID3D11Fence`: a number that rises as the GPU gets through what was sent to it.
//!
//! `Signal` sends an event query after all that came before, and the fence has its value once the query has a result. A
//! device has one queue, so waiting on it for a value that it signalled before needs nothing; a value that it did not
//! signal could come from nowhere, for fences are not shared.

use core::cell::RefCell;
use core::ffi::c_void;
use std::collections::VecDeque;
use std::time::Duration;

use pvgpu_umd_ddi as ddi;
use windows::Win32::Foundation::HANDLE;
use windows::Win32::Graphics::Direct3D11::{ID3D11Fence_Impl, ID3D11Fence_Vtbl};
use windows::Win32::Security::SECURITY_ATTRIBUTES;
use windows::Win32::System::Threading::SetEvent;
use windows_core::{GUID, IUnknownImpl, PCWSTR};

use super::convert::{com, error};
use super::device::Device;
use super::driver::Object;
use super::guard::{Guard, Locked};
use super::object::{CHAINS, Class, Com, vtable};
use crate::hresult::{DXGI_ERROR_WAS_STILL_DRAWING, E_INVALIDARG, Result, require};

/// TIMEOUT: how often a wait for the GPU looks whether it is over: granularity of a Windows timer; guess.
const POLL: Duration = Duration::from_millis(1);

/// A fence. Guarded by the device's lock.
pub struct Fence {
    progress: RefCell<Progress>,
}

#[derive(Default)]
struct Progress {
    completed: u64,
    /// Signals that the GPU has not got to, in order.
    pending: VecDeque<(u64, Object)>,
    /// Events to be set at values.
    waiters: Vec<(u64, HANDLE)>,
    /// Whether a thread looks after the waiters.
    watched: bool,
}

impl Fence {
    /// Takes note of what the GPU has done: the value now.
    fn update(&self, locked: &mut Locked) -> u64 {
        let mut progress = self.progress.borrow_mut();
        while let Some((value, query)) = progress.pending.front_mut() {
            let (value, handle) = (*value, query.handle());
            // A lost device gets nothing done any more, and keeps nobody waiting.
            if locked.driver.query_get_data(handle, &mut [], 0, true) == Err(DXGI_ERROR_WAS_STILL_DRAWING) {
                break;
            }
            locked.driver.destroy_query(handle);
            progress.pending.pop_front();
            progress.completed = value;
        }
        let now = progress.completed;
        progress.waiters.retain(|(value, event)| {
            if *value <= now {
                // SAFETY: the event is the application's; a handle that is none is refused.
                let _ = unsafe { SetEvent(*event) };
            }
            *value > now
        });
        now
    }
}

impl Com<Device> {
    /// Creates a fence: a public reference as an interface pointer of chain 0.
    ///
    /// # Errors
    /// What a removed device reports.
    pub fn create_fence(&self, initial: u64) -> Result<*mut c_void> {
        self.inner.kernel.require_alive()?;
        let mut vtables = [core::ptr::null(); CHAINS];
        vtables[0] = vtable!(ID3D11Fence_Vtbl, Com<Fence>, 0);
        let progress = Progress { completed: initial, ..Progress::default() };
        let fence = Fence { progress: RefCell::new(progress) };
        Ok(Com::new(vtables, self, core::ptr::null_mut(), fence).as_ptr().cast())
    }
}

impl Com<Fence> {
    /// `Signal` of the immediate context.
    ///
    /// # Errors
    /// The driver's.
    pub fn signal(&self, value: u64) -> Result {
        let device = self.device();
        device.inner.kernel.require_alive()?;
        let argument = ddi::D3D10DDIARG_CREATEQUERY { Query: ddi::D3D10DDI_QUERY_EVENT, MiscFlags: 0 };
        let mut guard = Guard::new(&device.inner);
        let mut query = guard.driver.create_query(&argument)?;
        guard.driver.query_end(query.handle());
        guard.driver.flush();
        self.inner.progress.borrow_mut().pending.push_back((value, query));
        self.watch();
        Ok(())
    }

    /// `Wait` of the immediate context.
    ///
    /// # Errors
    /// `E_INVALIDARG` for a value that the device has not signalled.
    pub fn wait(&self, value: u64) -> Result {
        let _guard = Guard::new(&self.device().inner);
        let progress = self.inner.progress.borrow();
        let signalled = progress.pending.iter().any(|(pending, _)| *pending >= value);
        require(progress.completed >= value || signalled)
    }

    /// Starts a thread that sets events, if there are some that a signal will set. The caller has the device's lock.
    fn watch(&self) {
        let mut progress = self.inner.progress.borrow_mut();
        if progress.watched || progress.waiters.is_empty() || progress.pending.is_empty() {
            return;
        }
        // The thread's reference keeps the fence alive.
        self.AddRef();
        let fence = Watched(core::ptr::from_ref(self));
        progress.watched = std::thread::Builder::new().spawn(move || fence.watch()).is_ok();
        if !progress.watched {
            // Without a thread, events are set when somebody asks for the value.
            drop(progress);
            // SAFETY: the reference was just added, and the caller has another.
            unsafe { Self::Release(core::ptr::from_ref(self).cast_mut()) };
        }
    }
}

/// A fence with a reference, for a thread.
struct Watched(*const Com<Fence>);

// SAFETY: what changes in a fence changes under its device's lock.
unsafe impl Send for Watched {}

impl Watched {
    /// Waits until no event is left that a signal will set.
    fn watch(self) {
        loop {
            std::thread::sleep(POLL);
            // SAFETY: this thread has a reference.
            let fence = unsafe { &*self.0 };
            let mut guard = Guard::new(&fence.device().inner);
            fence.inner.update(&mut guard);
            let mut progress = fence.inner.progress.borrow_mut();
            if progress.waiters.is_empty() || progress.pending.is_empty() {
                progress.watched = false;
                break;
            }
        }
        // SAFETY: this is the thread's reference.
        unsafe { Com::<Fence>::Release(self.0.cast_mut()) };
    }
}

impl Class for Fence {
    fn chain(&self, iid: &GUID) -> Option<usize> {
        ID3D11Fence_Vtbl::matches(iid).then_some(0)
    }

    fn destroy(&self, _handle: *mut c_void, locked: &mut Locked) {
        for (_, mut query) in self.progress.take().pending {
            locked.driver.destroy_query(query.handle());
        }
    }
}

impl ID3D11Fence_Impl for Com<Fence> {
    fn CreateSharedHandle(
        &self,
        _attributes: *const SECURITY_ATTRIBUTES,
        _access: u32,
        _name: &PCWSTR,
    ) -> windows_core::Result<HANDLE> {
        // Of fences made to be shared, which cannot be made.
        Err(error(E_INVALIDARG))
    }

    fn GetCompletedValue(&self) -> u64 {
        self.inner.update(&mut Guard::new(&self.device().inner))
    }

    fn SetEventOnCompletion(&self, value: u64, event: HANDLE) -> windows_core::Result<()> {
        let device = &self.device().inner;
        if event.is_invalid() {
            // Without an event the call itself waits.
            while self.inner.update(&mut Guard::new(device)) < value {
                com(device.kernel.require_alive())?;
                std::thread::sleep(POLL);
            }
            return Ok(());
        }
        let mut guard = Guard::new(device);
        self.inner.progress.borrow_mut().waiters.push((value, event));
        self.inner.update(&mut guard);
        self.watch();
        Ok(())
    }
}
