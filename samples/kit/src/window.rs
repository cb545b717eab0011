//! One top-level window, its messages, and its client area's size.

#![expect(unsafe_code, reason = "Win32 has no safe interface")]

use windows::Win32::Foundation::{HWND, LPARAM, LRESULT, RECT, WPARAM};
use windows::Win32::System::LibraryLoader::GetModuleHandleW;
use windows::Win32::UI::WindowsAndMessaging::{
    AdjustWindowRect, CW_USEDEFAULT, CreateWindowExW, DefWindowProcW, DestroyWindow, DispatchMessageW,
    GetClientRect, IDC_ARROW, LoadCursorW, MSG, PM_REMOVE, PeekMessageW, PostQuitMessage, RegisterClassW,
    SW_SHOW, SWP_NOMOVE, SWP_NOZORDER, SetWindowPos, ShowWindow, TranslateMessage, WINDOW_EX_STYLE,
    WM_DESTROY, WM_QUIT, WNDCLASSW, WS_OVERLAPPEDWINDOW,
};
use windows::core::{HSTRING, Result, w};

/// A visible window; destroyed with this value.
pub struct Window {
    handle: HWND,
}

impl Window {
    /// Opens a window whose client area has `width` × `height` pixels.
    ///
    /// # Errors
    /// What Win32 reports, for example when there is no display.
    pub fn open(title: &str, width: u32, height: u32) -> Result<Self> {
        // SAFETY: asks for this program's own module, which stays loaded.
        let instance = unsafe { GetModuleHandleW(None) }?;
        // SAFETY: a predefined cursor needs no module.
        let cursor = unsafe { LoadCursorW(None, IDC_ARROW) }?;
        let class = WNDCLASSW {
            lpfnWndProc: Some(on_message),
            hInstance: instance.into(),
            hCursor: cursor,
            lpszClassName: w!("pvgpu sample"),
            ..WNDCLASSW::default()
        };
        // SAFETY: `class` is complete and its strings are constants. A second window finds the class registered, and
        // `CreateWindowExW` reports it if registration failed for another reason.
        unsafe { RegisterClassW(&class) };
        let (width, height) = outer_size(width, height)?;
        // SAFETY: the class is registered by this module and the title outlives the call.
        let handle = unsafe {
            CreateWindowExW(
                WINDOW_EX_STYLE::default(),
                class.lpszClassName,
                &HSTRING::from(title),
                WS_OVERLAPPEDWINDOW,
                CW_USEDEFAULT,
                CW_USEDEFAULT,
                width,
                height,
                None,
                None,
                Some(class.hInstance),
                None,
            )
        }?;
        // SAFETY: the window was made above, by this thread. The return value is the former visibility, not an error.
        let _was_visible = unsafe { ShowWindow(handle, SW_SHOW) };
        Ok(Self { handle })
    }

    /// The window's handle, valid as long as this value lives and the user has not closed it.
    pub fn handle(&self) -> HWND {
        self.handle
    }

    /// Handles waiting messages; false once the window is closed.
    pub fn pump(&self) -> bool {
        let mut message = MSG::default();
        // SAFETY: `message` is valid for writing; messages of all windows of this thread are asked for.
        while unsafe { PeekMessageW(&mut message, None, 0, 0, PM_REMOVE) }.as_bool() {
            if message.message == WM_QUIT {
                return false;
            }
            // SAFETY: `message` was filled by `PeekMessageW`. It returns whether a character message was added.
            let _added = unsafe { TranslateMessage(&message) };
            // SAFETY: as above. The result is the window procedure's, which means nothing here.
            unsafe { DispatchMessageW(&message) };
        }
        true
    }

    /// Width and height of the client area in pixels; zeros while minimised or after closing.
    pub fn client_size(&self) -> (u32, u32) {
        let mut area = RECT::default();
        // SAFETY: `area` is valid for writing. A closed window leaves it at zeros.
        let _closed = unsafe { GetClientRect(self.handle, &mut area) };
        (area.right.unsigned_abs(), area.bottom.unsigned_abs())
    }

    /// Gives the client area a new size.
    ///
    /// # Errors
    /// What Win32 reports, for example for a closed window.
    pub fn set_client_size(&self, width: u32, height: u32) -> Result<()> {
        let (width, height) = outer_size(width, height)?;
        // SAFETY: no pointers are passed; a closed window gives an error.
        unsafe { SetWindowPos(self.handle, None, 0, 0, width, height, SWP_NOMOVE | SWP_NOZORDER) }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // SAFETY: the window belongs to this thread. If the user closed it already, the call just fails.
        let _closed = unsafe { DestroyWindow(self.handle) };
    }
}

/// The outer size of a window whose client area has `width` × `height` pixels.
fn outer_size(width: u32, height: u32) -> Result<(i32, i32)> {
    let mut area = RECT { left: 0, top: 0, right: width.cast_signed(), bottom: height.cast_signed() };
    // SAFETY: `area` is valid for reading and writing.
    unsafe { AdjustWindowRect(&mut area, WS_OVERLAPPEDWINDOW, false) }?;
    Ok((area.right - area.left, area.bottom - area.top))
}

/// Ends the message loop with the window; everything else is Windows' default.
extern "system" fn on_message(window: HWND, message: u32, wparam: WPARAM, lparam: LPARAM) -> LRESULT {
    if message == WM_DESTROY {
        // SAFETY: only posts a message to this thread.
        unsafe { PostQuitMessage(0) };
        return LRESULT(0);
    }
    // SAFETY: hands on exactly what Windows passed in.
    unsafe { DefWindowProcW(window, message, wparam, lparam) }
}
