//! A window that somebody else owns and may destroy at any time.
//!
//! Every call on a destroyed window fails without harm, so that nothing here has to know whether it still exists. Calls that
//! send messages to the window's thread say so: they must not be made with a lock held.

#![expect(unsafe_code, reason = "Win32 has no safe interface")]

use windows::Win32::Foundation::{HWND, LPARAM, RECT, WPARAM};
use windows::Win32::System::Threading::GetCurrentProcessId;
use windows::Win32::UI::WindowsAndMessaging::{
    AdjustWindowRectEx, GWL_EXSTYLE, GWL_STYLE, GetClientRect, GetWindowLongPtrW, GetWindowRect,
    GetWindowThreadProcessId, HWND_NOTOPMOST, HWND_TOPMOST, IsIconic, IsWindow, PostMessageW,
    SET_WINDOW_POS_FLAGS, SWP_FRAMECHANGED, SWP_NOACTIVATE, SWP_NOMOVE, SWP_NOZORDER, SetWindowLongPtrW,
    SetWindowPos, WINDOW_EX_STYLE, WINDOW_LONG_PTR_INDEX, WINDOW_STYLE, WM_CLOSE, WS_EX_TOPMOST, WS_VISIBLE,
};
use windows_core::Result;

use super::monitor::Rectangle;
use crate::rules::style;

/// A window's handle; a number, so that threads may share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window(isize);

/// What a window looked like before it became full-screen.
#[derive(Clone, Copy, Debug)]
pub struct Saved {
    style: u32,
    extended: u32,
    area: Rectangle,
}

impl Window {
    /// The window with this handle.
    pub fn new(handle: HWND) -> Self {
        Self(handle.0.addr().cast_signed())
    }

    /// The handle.
    pub fn handle(self) -> HWND {
        HWND(std::ptr::without_provenance_mut(self.0.cast_unsigned()))
    }

    /// The handle as a number; 0 is no window.
    pub fn number(self) -> isize {
        self.0
    }

    /// Whether the window exists.
    pub fn exists(self) -> bool {
        // SAFETY: any value is allowed.
        unsafe { IsWindow(Some(self.handle())) }.as_bool()
    }

    /// Whether the window is minimised.
    pub fn is_minimised(self) -> bool {
        // SAFETY: any value is allowed.
        unsafe { IsIconic(self.handle()) }.as_bool()
    }

    /// Width and height of the client area in pixels; zeros while minimised and for a destroyed window.
    pub fn client_size(self) -> (u32, u32) {
        let mut area = RECT::default();
        // SAFETY: `area` is valid for writing; a destroyed window leaves it at zeros.
        let _destroyed = unsafe { GetClientRect(self.handle(), &mut area) };
        (area.right.unsigned_abs(), area.bottom.unsigned_abs())
    }

    /// Asks the window to close, as its user would. Only posts a message.
    pub fn close(self) {
        // SAFETY: the message has no pointers. A destroyed window needs none.
        let _destroyed = unsafe { PostMessageW(Some(self.handle()), WM_CLOSE, WPARAM(0), LPARAM(0)) };
    }

    /// Gives the client area a new size. Sends messages.
    ///
    /// # Errors
    /// What Win32 reports, for example for a destroyed window.
    pub fn resize_client(self, width: u32, height: u32) -> Result<()> {
        let length = |length: u32| i32::try_from(length).unwrap_or(i32::MAX);
        let mut area = RECT { left: 0, top: 0, right: length(width), bottom: length(height) };
        let style = WINDOW_STYLE(low_half(self.long(GWL_STYLE)));
        let extended = WINDOW_EX_STYLE(low_half(self.long(GWL_EXSTYLE)));
        // As on Windows, a menu takes its height from the client area.
        // SAFETY: `area` is valid for reading and writing.
        unsafe { AdjustWindowRectEx(&mut area, style, false, extended) }?;
        let size = Rectangle {
            x: 0,
            y: 0,
            width: area.right.saturating_sub(area.left),
            height: area.bottom.saturating_sub(area.top),
        };
        self.set_position(None, size, SWP_NOMOVE | SWP_NOZORDER | SWP_NOACTIVATE)
    }

    /// Asks the window for `message`, as a status registration of DXGI does. Only posts it.
    pub fn post(self, message: u32) {
        // SAFETY: the message has no pointers. A destroyed window needs none.
        let _destroyed = unsafe { PostMessageW(Some(self.handle()), message, WPARAM(0), LPARAM(0)) };
    }

    /// The thread that handles the window's messages; `None` if it belongs to another process or is destroyed.
    pub fn own_thread(self) -> Option<u32> {
        let mut process = 0;
        // SAFETY: any window is allowed, and `process` is valid for writing.
        let thread = unsafe { GetWindowThreadProcessId(self.handle(), Some(&mut process)) };
        // SAFETY: no arguments.
        (thread != 0 && process == unsafe { GetCurrentProcessId() }).then_some(thread)
    }

    /// What is to be restored after [`cover`](Self::cover).
    ///
    /// # Errors
    /// What Win32 reports, for example for a destroyed window.
    pub fn save(self) -> Result<Saved> {
        let mut area = RECT::default();
        // SAFETY: `area` is valid for writing.
        unsafe { GetWindowRect(self.handle(), &mut area) }?;
        let (style, extended) = (low_half(self.long(GWL_STYLE)), low_half(self.long(GWL_EXSTYLE)));
        Ok(Saved { style, extended, area: area.into() })
    }

    /// Makes the window cover `area` without a border. Whether it is visible stays as it is. Sends messages.
    ///
    /// # Errors
    /// What Win32 reports, for example for a destroyed window.
    pub fn cover(self, area: Rectangle) -> Result<()> {
        self.set_long(GWL_STYLE, style::full_screen(low_half(self.long(GWL_STYLE))));
        self.set_long(GWL_EXSTYLE, style::full_screen_extended(low_half(self.long(GWL_EXSTYLE))));
        self.move_over(area)
    }

    /// Moves a window that [`cover`](Self::cover)s to another area. Sends messages.
    ///
    /// # Errors
    /// What Win32 reports, for example for a destroyed window.
    pub fn move_over(self, area: Rectangle) -> Result<()> {
        self.set_position(Some(HWND_TOPMOST), area, SWP_FRAMECHANGED | SWP_NOACTIVATE)
    }

    /// Undoes [`cover`](Self::cover). A window that was shown or hidden meanwhile stays so. Sends messages.
    ///
    /// # Errors
    /// What Win32 reports, for example for a destroyed window.
    pub fn restore(self, saved: &Saved) -> Result<()> {
        let visible = low_half(self.long(GWL_STYLE)) & WS_VISIBLE.0;
        self.set_long(GWL_STYLE, saved.style & !WS_VISIBLE.0 | visible);
        self.set_long(GWL_EXSTYLE, saved.extended);
        let order = if saved.extended & WS_EX_TOPMOST.0 != 0 { HWND_TOPMOST } else { HWND_NOTOPMOST };
        self.set_position(Some(order), saved.area, SWP_FRAMECHANGED | SWP_NOACTIVATE)
    }

    fn long(self, index: WINDOW_LONG_PTR_INDEX) -> isize {
        // SAFETY: any window is allowed; the styles are plain numbers.
        unsafe { GetWindowLongPtrW(self.handle(), index) }
    }

    fn set_long(self, index: WINDOW_LONG_PTR_INDEX, style: u32) {
        // SAFETY: as above. The return value is the former style.
        let _before = unsafe { SetWindowLongPtrW(self.handle(), index, style as isize) };
    }

    fn set_position(self, order: Option<HWND>, area: Rectangle, flags: SET_WINDOW_POS_FLAGS) -> Result<()> {
        // SAFETY: no pointers are passed; a destroyed window gives an error.
        unsafe { SetWindowPos(self.handle(), order, area.x, area.y, area.width, area.height, flags) }
    }
}

/// Window styles are 32 bits in a pointer-sized number.
fn low_half(style: isize) -> u32 {
    // CAST: the upper half is unused.
    style as u32
}
