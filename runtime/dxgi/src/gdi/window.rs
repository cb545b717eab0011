//! A window that somebody else owns and may destroy at any time.
//!
//! Every call on a destroyed window fails without harm, so that nothing here has to know whether it still exists. Calls that
//! send messages to the window's thread say so: they must not be made with a lock held.

#![expect(unsafe_code, reason = "Win32 has no safe interface")]

use windows::Win32::Foundation::{HWND, LPARAM, RECT, WPARAM};
use windows::Win32::UI::WindowsAndMessaging::{
    AdjustWindowRectEx, GWL_EXSTYLE, GWL_STYLE, GetClientRect, GetMenu, GetWindowLongPtrW, GetWindowRect,
    HWND_NOTOPMOST, HWND_TOPMOST, IsIconic, IsWindow, PostMessageW, SET_WINDOW_POS_FLAGS, SWP_FRAMECHANGED,
    SWP_NOACTIVATE, SWP_NOMOVE, SWP_NOZORDER, SWP_SHOWWINDOW, SetWindowLongPtrW, SetWindowPos,
    WINDOW_EX_STYLE, WINDOW_LONG_PTR_INDEX, WINDOW_STYLE, WM_CLOSE, WS_CAPTION, WS_CHILD, WS_EX_TOPMOST,
    WS_THICKFRAME,
};
use windows_core::Result;

use super::monitor::Rectangle;

/// A window's handle; a number, so that threads may share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window(isize);

/// What a window looked like before it became full-screen.
#[derive(Clone, Copy, Debug)]
pub struct Saved {
    style: isize,
    topmost: bool,
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
        // SAFETY: any value is allowed. For child windows it is an identifier, not a menu.
        let menu = unsafe { GetMenu(self.handle()) };
        let has_menu = style.0 & WS_CHILD.0 == 0 && !menu.is_invalid();
        // SAFETY: `area` is valid for reading and writing.
        unsafe { AdjustWindowRectEx(&mut area, style, has_menu, extended) }?;
        let size = Rectangle {
            x: 0,
            y: 0,
            width: area.right.saturating_sub(area.left),
            height: area.bottom.saturating_sub(area.top),
        };
        self.set_position(None, size, SWP_NOMOVE | SWP_NOZORDER | SWP_NOACTIVATE)
    }

    /// Makes the window cover `area` without a border. Sends messages.
    ///
    /// # Errors
    /// What Win32 reports, for example for a destroyed window.
    pub fn cover(self, area: Rectangle) -> Result<Saved> {
        let mut before = RECT::default();
        // SAFETY: `before` is valid for writing.
        unsafe { GetWindowRect(self.handle(), &mut before) }?;
        let style = self.long(GWL_STYLE);
        let topmost = low_half(self.long(GWL_EXSTYLE)) & WS_EX_TOPMOST.0 != 0;
        self.set_style(style & !isize::try_from(WS_CAPTION.0 | WS_THICKFRAME.0).unwrap_or(0));
        self.set_position(Some(HWND_TOPMOST), area, SWP_FRAMECHANGED | SWP_SHOWWINDOW)?;
        Ok(Saved { style, topmost, area: before.into() })
    }

    /// Undoes [`cover`](Self::cover). Sends messages.
    ///
    /// # Errors
    /// What Win32 reports, for example for a destroyed window.
    pub fn restore(self, saved: &Saved) -> Result<()> {
        self.set_style(saved.style);
        let order = if saved.topmost { HWND_TOPMOST } else { HWND_NOTOPMOST };
        self.set_position(Some(order), saved.area, SWP_FRAMECHANGED | SWP_NOACTIVATE)
    }

    fn long(self, index: WINDOW_LONG_PTR_INDEX) -> isize {
        // SAFETY: any window is allowed; the styles are plain numbers.
        unsafe { GetWindowLongPtrW(self.handle(), index) }
    }

    fn set_style(self, style: isize) {
        // SAFETY: as above. The return value is the former style.
        let _before = unsafe { SetWindowLongPtrW(self.handle(), GWL_STYLE, style) };
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
