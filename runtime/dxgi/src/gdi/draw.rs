//! Draws a picture into a window's client area with GDI.

#![expect(unsafe_code, reason = "Win32 has no safe interface")]

use windows::Win32::Foundation::{COLORREF, RECT};
use windows::Win32::Graphics::Gdi::{
    BI_RGB, BITMAPINFO, BITMAPINFOHEADER, COLORONCOLOR, CreateSolidBrush, DIB_RGB_COLORS, DeleteObject,
    FillRect, GDI_ERROR, GetDC, HALFTONE, HDC, ReleaseDC, SRCCOPY, SetDIBitsToDevice, SetStretchBltMode,
    StretchDIBits,
};

use super::window::Window;
use crate::present::compose::Picture;
use crate::present::placement::{Area, place, uncovered};
use crate::rules::chain::Scaling;

/// A window's device context, given back when dropped.
struct Context {
    window: Window,
    context: HDC,
}

impl Context {
    /// None for a destroyed window.
    fn of(window: Window) -> Option<Self> {
        // SAFETY: any window is allowed.
        let context = unsafe { GetDC(Some(window.handle())) };
        (!context.is_invalid()).then_some(Self { window, context })
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: the context came from `GetDC` on this thread. The result says whether the window still exists.
        let _released = unsafe { ReleaseDC(Some(self.window.handle()), self.context) };
    }
}

/// Draws the upper left `source` of the picture as `scaling` says; the rest of the client area gets the background colour.
///
/// Nothing is drawn to a destroyed or minimised window. False when GDI refused.
pub fn draw(
    window: Window,
    picture: &Picture,
    source: (u32, u32),
    scaling: Scaling,
    [red, green, blue]: [u8; 3],
) -> bool {
    let client = window.client_size();
    let source = (source.0.min(picture.width), source.1.min(picture.height));
    let target = place(scaling, source, client);
    let length = picture.width as usize * picture.height as usize * 4;
    if target.is_empty() || source.0 == 0 || source.1 == 0 || picture.pixels.len() < length {
        return true;
    }
    let Some(context) = Context::of(window) else { return true };
    let background = COLORREF(u32::from_le_bytes([red, green, blue, 0]));
    uncovered(target, client)
        .iter()
        .filter(|bar| !bar.is_empty())
        .for_each(|bar| fill(&context, bar, background));
    blit(&context, picture, source, target)
}

/// Copies the picture, scaled where the sizes differ.
fn blit(context: &Context, picture: &Picture, source: (u32, u32), target: Area) -> bool {
    // Only the rows that are shown are described, so that row 0 is on top for either function. Negative: top-down.
    let header = BITMAPINFOHEADER {
        biSize: size_of::<BITMAPINFOHEADER>() as u32,
        biWidth: signed(picture.width),
        biHeight: -signed(source.1),
        biPlanes: 1,
        biBitCount: 32,
        biCompression: BI_RGB.0,
        ..BITMAPINFOHEADER::default()
    };
    let format = BITMAPINFO { bmiHeader: header, ..BITMAPINFO::default() };
    let pixels = picture.pixels.as_ptr().cast();
    if (target.width, target.height) == source {
        let (x, y) = (signed(target.x), signed(target.y));
        // SAFETY: `draw` checked that the pixels are as many as `format` says, and both outlive the call.
        let rows = unsafe {
            SetDIBitsToDevice(
                context.context,
                x,
                y,
                source.0,
                source.1,
                0,
                0,
                0,
                source.1,
                pixels,
                &format,
                DIB_RGB_COLORS,
            )
        };
        return rows != 0;
    }
    let smaller = target.width < source.0 || target.height < source.1;
    // SAFETY: the context is live. The result is the former mode.
    let _before =
        unsafe { SetStretchBltMode(context.context, if smaller { HALFTONE } else { COLORONCOLOR }) };
    // SAFETY: as above.
    let rows = unsafe {
        StretchDIBits(
            context.context,
            signed(target.x),
            signed(target.y),
            signed(target.width),
            signed(target.height),
            0,
            0,
            signed(source.0),
            signed(source.1),
            Some(pixels),
            &format,
            DIB_RGB_COLORS,
            SRCCOPY,
        )
    };
    rows != 0 && rows != GDI_ERROR
}

fn fill(context: &Context, area: &Area, colour: COLORREF) {
    // SAFETY: any colour is allowed.
    let brush = unsafe { CreateSolidBrush(colour) };
    let rectangle = RECT {
        left: signed(area.x),
        top: signed(area.y),
        right: signed(area.x.saturating_add(area.width)),
        bottom: signed(area.y.saturating_add(area.height)),
    };
    // SAFETY: context and brush are live, the rectangle outlives the call. A failure leaves the old pixels, nothing else.
    let _filled = unsafe { FillRect(context.context, &rectangle, brush) };
    // SAFETY: the brush was made above and is selected nowhere.
    let _deleted = unsafe { DeleteObject(brush.into()) };
}

/// Lengths in pixels stay far below 2^31: textures have at most 2^14.
fn signed(length: u32) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}
