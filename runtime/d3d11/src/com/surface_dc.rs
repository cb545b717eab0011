//! `IDXGISurface1::GetDC`: GDI draws to a copy of the surface, which is copied back by `ReleaseDC`.

use windows::Wdk::Graphics::Direct3D::{
    D3DDDIFMT_A8R8G8B8, D3DKMT_CREATEDCFROMMEMORY, D3DKMT_DESTROYDCFROMMEMORY, D3DKMTCreateDCFromMemory,
    D3DKMTDestroyDCFromMemory,
};
use windows::Win32::Foundation::{HANDLE, RECT};
use windows::Win32::Graphics::Gdi::{CreateCompatibleDC, DeleteDC, GdiFlush, HDC};
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

/// A bitmap that GDI draws to, of 32 bits a pixel, first row on top. As programs expect it of a surface, `GetObject` tells no image
/// size of it, which it does of a DIB section.
pub struct Drawing {
    context: HDC,
    bitmap: HANDLE,
    /// The pixels. GDI writes them as long as the context lives, so they are reached by raw pointers only.
    bits: *mut u32,
    width: u32,
    height: u32,
}

impl Drawing {
    fn new(width: u32, height: u32) -> Result<Box<Self>> {
        let mut pixels = Vec::new();
        // Textures have at most 2^14 texels in a direction.
        let count = width as usize * height as usize;
        pixels.try_reserve_exact(count).map_err(|_| E_OUTOFMEMORY)?;
        pixels.resize(count, 0_u32);
        let bits = Box::into_raw(pixels.into_boxed_slice()).cast::<u32>();
        // From here on the value frees them.
        let mut drawing =
            Box::new(Self { context: HDC::default(), bitmap: HANDLE::default(), bits, width, height });
        // SAFETY: no context means one like the screen's.
        let screen = unsafe { CreateCompatibleDC(None) };
        let mut desc = D3DKMT_CREATEDCFROMMEMORY {
            pMemory: bits.cast(),
            Format: D3DDDIFMT_A8R8G8B8,
            Width: width,
            Height: height,
            // CAST: at most 2^16.
            Pitch: drawing.pitch() as u32,
            hDeviceDc: screen,
            ..Default::default()
        };
        // SAFETY: the memory has that many rows of that pitch, and lives longer than the context.
        let status = unsafe { D3DKMTCreateDCFromMemory(&raw mut desc) };
        // SAFETY: it was made above; null is refused.
        let _deleted = unsafe { DeleteDC(screen) };
        status.ok().map_err(|_| E_OUTOFMEMORY)?;
        (drawing.context, drawing.bitmap) = (desc.hDc, desc.hBitmap);
        Ok(drawing)
    }

    const fn pitch(&self) -> usize {
        self.width as usize * 4
    }

    /// The first byte of a row, or of the end.
    const fn row(&self, row: usize) -> *mut u8 {
        self.bits.cast::<u8>().wrapping_add(row * self.pitch())
    }
}

impl Drop for Drawing {
    fn drop(&mut self) {
        if !self.context.is_invalid() {
            let desc = D3DKMT_DESTROYDCFROMMEMORY { hDc: self.context, hBitmap: self.bitmap };
            // SAFETY: both were made by `new`.
            let _destroyed = unsafe { D3DKMTDestroyDCFromMemory(&raw const desc) };
        }
        let pixels =
            core::ptr::slice_from_raw_parts_mut(self.bits, self.width as usize * self.height as usize);
        // SAFETY: the slice was boxed by `new`, and the context that used it is gone.
        drop(unsafe { Box::from_raw(pixels) });
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
            let to = drawing.row(row);
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
        let data = drawing.row(area.top as usize).wrapping_add(area.left as usize * 4);
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
