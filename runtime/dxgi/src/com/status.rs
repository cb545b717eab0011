//! `Register*Status*`: events and messages that tell a program of a change it waits for.
//!
//! - Occlusion: a swap chain's window became minimised, or visible again.
//! - Stereo: never changes, since no monitor here shows stereo; a registration is kept and nothing follows.
//! - Adapters: the host went away. A thread watches for it while there is a registration's adapter to watch.

#![expect(unsafe_code, reason = "sets events of the program")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pvgpu_interfaces::IPvgpuKernelAdapter;
use windows::Win32::Foundation::{HANDLE, HWND};
use windows::Win32::Graphics::Dxgi::DXGI_ERROR_INVALID_CALL;
use windows::Win32::System::Threading::SetEvent;
use windows_core::Result;

use super::kernel;
use crate::gdi::window::Window;

/// TIMEOUT: how often it is looked whether the adapter is still there.
const WATCH_PERIOD: Duration = Duration::from_millis(500);

/// What is told to the program.
#[derive(Clone, Copy)]
enum Target {
    Event(isize),
    Message(Window, u32),
}

/// A kind of change.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// `RegisterOcclusionStatus*`.
    Occlusion,
    /// `RegisterStereoStatus*`.
    Stereo,
    /// `RegisterAdaptersChangedEvent`.
    Adapters,
}

/// Registrations by cookie.
static REGISTERED: Mutex<BTreeMap<u32, (Change, Target)>> = Mutex::new(BTreeMap::new());

fn add(change: Change, target: Target) -> u32 {
    static COOKIE: AtomicU32 = AtomicU32::new(1);
    let cookie = COOKIE.fetch_add(1, Ordering::Relaxed);
    REGISTERED.lock().unwrap_or_else(PoisonError::into_inner).insert(cookie, (change, target));
    cookie
}

/// Lets a change set an event; the cookie ends it.
///
/// # Errors
/// `DXGI_ERROR_INVALID_CALL` without an event.
pub fn register_event(change: Change, event: HANDLE) -> Result<u32> {
    if event.is_invalid() {
        return Err(DXGI_ERROR_INVALID_CALL.into());
    }
    if change == Change::Adapters {
        watch_adapters();
    }
    Ok(add(change, Target::Event(event.0.addr().cast_signed())))
}

/// Lets a change post a message to a window; the cookie ends it.
///
/// # Errors
/// `DXGI_ERROR_INVALID_CALL` without a window.
pub fn register_window(change: Change, window: HWND, message: u32) -> Result<u32> {
    let window = Window::new(window);
    if !window.exists() {
        return Err(DXGI_ERROR_INVALID_CALL.into());
    }
    Ok(add(change, Target::Message(window, message)))
}

/// Ends a registration; false if there is none with this cookie.
pub fn unregister(change: Change, cookie: u32) -> bool {
    let mut registered = REGISTERED.lock().unwrap_or_else(PoisonError::into_inner);
    if registered.get(&cookie).is_some_and(|entry| entry.0 == change) {
        registered.remove(&cookie);
        return true;
    }
    false
}

/// Tells whoever waits for it that something changed.
pub fn changed(change: Change) {
    let registered = REGISTERED.lock().unwrap_or_else(PoisonError::into_inner);
    for (_, target) in registered.values().filter(|entry| entry.0 == change) {
        match *target {
            Target::Event(event) => {
                let event = HANDLE(std::ptr::without_provenance_mut(event.cast_unsigned()));
                // SAFETY: any handle is allowed; one that the program closed gives an error.
                let _closed = unsafe { SetEvent(event) };
            }
            Target::Message(window, message) => window.post(message),
        }
    }
}

/// The kernel's adapter, whose interface any thread may call.
struct Watched(IPvgpuKernelAdapter);

// SAFETY: the interface is free-threaded: it belongs to the process, not to a thread.
unsafe impl Send for Watched {}

/// Starts a thread that looks after the adapter until it is gone, unless one does.
fn watch_adapters() {
    static WATCHING: AtomicBool = AtomicBool::new(false);
    let Ok(adapter) = kernel::open_adapter() else { return };
    if WATCHING.swap(true, Ordering::Relaxed) {
        return;
    }
    let adapter = Watched(adapter);
    let watch = move || {
        let Watched(adapter) = { adapter };
        // SAFETY: the interface is live.
        while !unsafe { adapter.IsRemoved() }.as_bool() {
            std::thread::sleep(WATCH_PERIOD);
        }
        WATCHING.store(false, Ordering::Relaxed);
        changed(Change::Adapters);
    };
    if std::thread::Builder::new().name("pvgpu adapters".into()).spawn(watch).is_err() {
        // The program learns of the loss from its device, as without a registration.
        WATCHING.store(false, Ordering::Relaxed);
    }
}
