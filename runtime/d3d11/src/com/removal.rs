//! `ID3D11Device4::RegisterDeviceRemovedEvent`: events that are set when the device is lost.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use windows::Win32::Foundation::HANDLE;
use windows::Win32::System::Threading::SetEvent;

use super::device::Device;
use crate::hresult::{E_INVALIDARG, E_OUTOFMEMORY, Result};

/// TIMEOUT: how late a program may learn that its device is lost; guess.
const POLL: Duration = Duration::from_millis(20);

/// Who wants to know that a device is lost. The thread that looks is there from the first of them on.
#[derive(Default)]
pub struct RemovalWatch {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// Told when the thread is to end.
    ends: Condvar,
}

#[derive(Default)]
struct State {
    events: Vec<(u32, HANDLE)>,
    last: u32,
    lost: bool,
    ending: bool,
}

// SAFETY: handles of events are numbers that any thread may use.
unsafe impl Send for State {}

/// A device, for the thread that it joins before it is gone.
struct Watched(*const Device);

// SAFETY: the thread only asks whether the device is lost, which any thread may.
unsafe impl Send for Watched {}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the device until it is lost, or gone.
    fn watch(&self, device: Watched) {
        let mut state = self.state();
        while !state.ending {
            // SAFETY: the device joins this thread before it is gone.
            let is_lost = unsafe { &(*device.0).kernel }.require_alive().is_err();
            if is_lost {
                state.lost = true;
                for (_, event) in state.events.drain(..) {
                    set(event);
                }
                return;
            }
            state = self.ends.wait_timeout(state, POLL).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn set(event: HANDLE) {
    // SAFETY: the event is the application's; a handle that is none is refused.
    let _ = unsafe { SetEvent(event) };
}

impl RemovalWatch {
    /// Sets `event` when `device`, whose watch this is, is lost: the number to unregister it with.
    ///
    /// # Errors
    /// `E_INVALIDARG` for no event, `E_OUTOFMEMORY` when no thread can be started.
    pub fn register(&self, device: &Device, event: HANDLE) -> Result<u32> {
        if event.is_invalid() {
            return Err(E_INVALIDARG);
        }
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.shared.state();
        state.last = state.last.wrapping_add(1);
        let cookie = state.last;
        if state.lost {
            set(event);
            return Ok(cookie);
        }
        state.events.push((cookie, event));
        drop(state);
        if thread.is_none() {
            let (shared, device) = (Arc::clone(&self.shared), Watched(device));
            let started = std::thread::Builder::new().spawn(move || shared.watch(device));
            *thread = Some(started.map_err(|_| E_OUTOFMEMORY)?);
        }
        Ok(cookie)
    }

    /// Forgets an event.
    pub fn unregister(&self, cookie: u32) {
        self.shared.state().events.retain(|(other, _)| *other != cookie);
    }

    /// Ends the thread. The device is about to go.
    pub fn end(&self) {
        self.shared.state().ending = true;
        self.shared.ends.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // It does nothing that could panic; if it did, it is over all the same.
            let _ = thread.join();
        }
    }
}
