//! Alt+Enter: watches the messages that a window's thread takes from its queue.
//!
//! DXGI switches between window and full-screen when the user presses Alt+Enter, without a window procedure of its own. So do
//! we: a `WH_GETMESSAGE` hook for each thread with a window that has a swap chain.

#![expect(unsafe_code, reason = "Win32 has no safe interface")]

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use windows::Win32::Foundation::{LPARAM, LRESULT, WPARAM};
use windows::Win32::UI::WindowsAndMessaging::{
    CallNextHookEx, HHOOK, MSG, PM_REMOVE, SetWindowsHookExW, UnhookWindowsHookEx, WH_GETMESSAGE,
    WM_SYSKEYDOWN,
};

use super::window::Window;

/// `VK_RETURN`.
const RETURN: usize = 13;
/// In `WM_SYSKEYDOWN`'s `lParam`: Alt is down, and the key was down before.
const ALT: isize = 1 << 29;
const REPEATED: isize = 1 << 30;

/// Hooks by thread, each with the number of swap chains that need it.
static HOOKS: Mutex<BTreeMap<u32, (isize, usize)>> = Mutex::new(BTreeMap::new());

/// Called on the window's thread when its user presses Alt+Enter.
static PRESSED: Mutex<Option<fn(Window)>> = Mutex::new(None);

/// A watched thread; it is left alone again when the last watch of it is dropped.
#[derive(Debug)]
pub struct Watch(u32);

impl Watch {
    /// Watches the thread of `window`; `None` for windows of other processes. All watches call the same function.
    pub fn new(window: Window, pressed: fn(Window)) -> Option<Self> {
        let thread = window.own_thread()?;
        *PRESSED.lock().unwrap_or_else(PoisonError::into_inner) = Some(pressed);
        let mut hooks = HOOKS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, users)) = hooks.get_mut(&thread) {
            *users = users.saturating_add(1);
            return Some(Self(thread));
        }
        // SAFETY: `taken` is a procedure of this kind in this library, which stays loaded until the process ends.
        let hook = unsafe { SetWindowsHookExW(WH_GETMESSAGE, Some(taken), None, thread) }.ok()?;
        hooks.insert(thread, (hook.0.addr().cast_signed(), 1));
        Some(Self(thread))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut hooks = HOOKS.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((hook, users)) = hooks.get_mut(&self.0) else { return };
        *users = users.saturating_sub(1);
        if *users == 0 {
            let hook = HHOOK(std::ptr::without_provenance_mut(hook.cast_unsigned()));
            // SAFETY: the hook was set by `new`. It is gone already if its thread has ended.
            let _ended = unsafe { UnhookWindowsHookEx(hook) };
            hooks.remove(&self.0);
        }
    }
}

/// The hook procedure: `message` is the address of a `MSG`.
unsafe extern "system" fn taken(code: i32, removed: WPARAM, message: LPARAM) -> LRESULT {
    if code == 0 && removed.0 == PM_REMOVE.0 as usize {
        let pointer: *const MSG = std::ptr::with_exposed_provenance(message.0.cast_unsigned());
        // SAFETY: with this code, the system passes a message that is valid during the call.
        let message = unsafe { &*pointer };
        let flags = message.lParam.0;
        if (message.message, message.wParam.0) == (WM_SYSKEYDOWN, RETURN) && flags & (ALT | REPEATED) == ALT {
            let pressed = *PRESSED.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(pressed) = pressed {
                pressed(Window::new(message.hwnd));
            }
        }
    }
    // SAFETY: the arguments are those that came in; the first is ignored.
    unsafe { CallNextHookEx(None, code, removed, message) }
}
