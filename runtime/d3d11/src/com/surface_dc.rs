//! `IDXGISurface1::GetDC`: GDI draws to a copy of the surface, which is copied back by `ReleaseDC`.

use core::ffi::c_void;

use windows::Win32::Foundation::RECT;
use windows::Win32::Graphics::Gdi::{
    BI_RGB, BITMAPINFO, BITMAPINFOHEADER, CreateCompatibleDC, CreateDIBSection, DIB_RGB_COLORS, DeleteDC,
    DeleteObject, GdiFlush, HBITMAP, HDC, HGDIOBJ, SelectObject,
};
use windows_core::IUnknownImpl;

use super::guard::{Guard, Locked};
use super::object::Com;
use super::resource::Resource;
use crate::desc::resource::{Flags, Usage, cpu, misc};
use crate::desc::texture::Desc;
use crate::desc::view::Shape;
use crate::hresult::{DXGI_ERROR_INVALID_CALL, E_OUTOFMEMORY, Result};

/// `D3D11_MAP_READ`.
const MAP_READ: u32 = 1;

/// Whether GDI can draw in this format: `DXGI_FORMAT_B8G8R8A8_UNORM`, its typeless family and its sRGB form.
pub fn has_format(format: u32) -> bool {
    matches!(format, 87 | 90 | 91)
}

/// A bitmap that GDI draws to, of 32 bits a pixel, first row on top.
pub struct Drawing {
    context: HDC,
    bitmap: HBITMAP,
    before: HGDIOBJ,
    bits: *mut u8,
    width: u32,
    height: u32,
}

impl Drawing {
    fn new(width: u32, height: u32) -> Result<Box<Self>> {
        // Negative: top-down. Textures have at most 2^14 texels in a direction.
        let header = BITMAPINFOHEADER {
            biSize: size_of::<BITMAPINFOHEADER>() as u32,
            biWidth: width.cast_signed(),
            biHeight: -height.cast_signed(),
            biPlanes: 1,
            biBitCount: 32,
            biCompression: BI_RGB.0,
            ..Default::default()
        };
        let info = BITMAPINFO { bmiHeader: header, ..Default::default() };
        let mut bits: *mut c_void = core::ptr::null_mut();
        // SAFETY: no context means one like the screen's.
        let context = unsafe { CreateCompatibleDC(None) };
        // SAFETY: `info` is complete and `bits` is valid for writing.
        let bitmap = unsafe { CreateDIBSection(None, &info, DIB_RGB_COLORS, &mut bits, None, 0) };
        let Ok(bitmap) = bitmap else {
            // SAFETY: it was made above; null is allowed.
            let _deleted = unsafe { DeleteDC(context) };
            return Err(E_OUTOFMEMORY);
        };
        // SAFETY: both were made above.
        let before = unsafe { SelectObject(context, bitmap.into()) };
        let bits = bits.cast();
        let drawing = Box::new(Self { context, bitmap, before, bits, width, height });
        if context.is_invalid() || bits.is_null() { Err(E_OUTOFMEMORY) } else { Ok(drawing) }
    }

    const fn pitch(&self) -> usize {
        self.width as usize * 4
    }
}

impl Drop for Drawing {
    fn drop(&mut self) {
        // SAFETY: the context is live and the object was selected in it before.
        let _ours = unsafe { SelectObject(self.context, self.before) };
        // SAFETY: the bitmap is selected nowhere any more.
        let _deleted = unsafe { DeleteObject(self.bitmap.into()) };
        // SAFETY: the context was made by `new`.
        let _deleted = unsafe { DeleteDC(self.context) };
    }
}

impl Com<Resource> {
    /// A device context that draws to the surface; `discard`: what is there need not be kept.
    ///
    /// # Errors
    /// `DXGI_ERROR_INVALID_CALL` for a surface that is not GDI-compatible or has a context already, and the driver's.
    pub fn get_dc(&self, discard: bool) -> Result<HDC> {
        let Shape::Texture(texture) = self.inner.shape else { return Err(DXGI_ERROR_INVALID_CALL) };
        let compatible = texture.flags.misc & misc::GDI_COMPATIBLE != 0 && texture.sample_count == 1;
        if !compatible || !has_format(texture.format) {
            return Err(DXGI_ERROR_INVALID_CALL);
        }
        let drawing = Drawing::new(texture.width, texture.height)?;
        if !discard {
            let flags = Flags { usage: Usage::Staging, bind: 0, cpu: cpu::READ, misc: 0 };
            let copy = Desc { flags, back_buffer: false, ..texture };
            let copy = self.device().create_resource(Shape::Texture(copy), &[], 0)?;
            // SAFETY: it was just created, with a reference for us.
            let Some(staging) = (unsafe { Self::from_raw(copy) }) else { return Err(E_OUTOFMEMORY) };
            let read = self.read_through(staging, &drawing);
            // SAFETY: the reference is given up and not used after.
            unsafe { Self::Release(copy.cast()) };
            read?;
        }
        let context = drawing.context;
        let guard = Guard::new(&self.device().inner);
        let before = self.inner.drawing.take();
        let taken = before.is_some();
        self.inner.drawing.set(if taken { before } else { Some(drawing) });
        drop(guard);
        if taken { Err(DXGI_ERROR_INVALID_CALL) } else { Ok(context) }
    }

    /// Copies the surface to the bitmap by way of `staging`.
    fn read_through(&self, staging: &Self, drawing: &Drawing) -> Result {
        let mut guard = Guard::new(&self.device().inner);
        guard.copy_resource(Some(staging), Some(self));
        let mapped = guard.map(staging, 0, MAP_READ, 0)?;
        for row in 0..drawing.height as usize {
            // SAFETY: the driver mapped as many rows of this pitch as the surface has.
            let from = unsafe { mapped.pData.cast::<u8>().add(row * mapped.RowPitch as usize) };
            // SAFETY: the bitmap has as many rows.
            let to = unsafe { drawing.bits.add(row * drawing.pitch()) };
            // SAFETY: a row of either has at least `pitch` bytes; they do not overlap.
            unsafe { to.copy_from_nonoverlapping(from, drawing.pitch()) };
        }
        guard.unmap(staging, 0);
        Ok(())
    }

    /// Gives the device context back: what was drawn, in `dirty` or anywhere, is copied to the surface.
    ///
    /// # Errors
    /// `DXGI_ERROR_INVALID_CALL` without a context.
    pub fn release_dc(&self, dirty: Option<&RECT>) -> Result {
        let mut guard = Guard::new(&self.device().inner);
        let drawing = self.inner.drawing.take().ok_or(DXGI_ERROR_INVALID_CALL)?;
        // SAFETY: no arguments. It completes what GDI has batched.
        let _flushed = unsafe { GdiFlush() };
        let whole = RECT {
            left: 0,
            top: 0,
            right: drawing.width.cast_signed(),
            bottom: drawing.height.cast_signed(),
        };
        let dirty = dirty.copied().unwrap_or(whole);
        let area = RECT {
            left: dirty.left.max(0),
            top: dirty.top.max(0),
            right: dirty.right.min(whole.right),
            bottom: dirty.bottom.min(whole.bottom),
        };
        if area.left < area.right && area.top < area.bottom {
            self.write_back(&mut guard, &drawing, &area);
        }
        drop(guard);
        drop(drawing);
        Ok(())
    }

    /// Copies a part of the bitmap, which lies within it and is not empty, to the surface.
    fn write_back(&self, locked: &mut Locked, drawing: &Drawing, area: &RECT) {
        let offset = area.top as usize * drawing.pitch() + area.left as usize * 4;
        // SAFETY: the area lies within the bitmap.
        let data = unsafe { drawing.bits.add(offset) };
        let region = pvgpu_umd_ddi::D3D10_DDI_BOX {
            left: area.left,
            top: area.top,
            front: 0,
            right: area.right,
            bottom: area.bottom,
            back: 1,
        };
        // CAST: at most 2^16.
        let pitches = [drawing.pitch() as u32, 0];
        // SAFETY: the bitmap has a row of this pitch for each row of the box.
        unsafe { locked.update_subresource(Some(self), 0, Some(region), data.cast(), pitches, 0) };
    }
}
