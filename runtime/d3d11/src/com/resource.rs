//! Buffers and textures: one class for `ID3D11Buffer` and the three textures.
//!
//! A resource also is an `IDXGIResource1`, and a 2D texture of one subresource an `IDXGISurface2` (see `surface`).

use core::cell::Cell;
use core::ffi::c_void;
use core::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;

use pvgpu_protocol::format::{self as blocks, FormatInfo};
use pvgpu_protocol::staging::Shape as Extents;
use pvgpu_protocol::tiling::Tiling;
use pvgpu_umd_ddi::{
    D3D10_DDI_BIND_PRESENT, D3D10_DDI_RESOURCE_MISC_SHARED, D3D10_DDIARG_SUBRESOURCE_UP, D3D10DDI_MIPINFO,
    D3D10DDIRESOURCE_BUFFER, D3D10DDIRESOURCE_TEXTURE1D, D3D10DDIRESOURCE_TEXTURE2D,
    D3D10DDIRESOURCE_TEXTURE3D, D3D10DDIRESOURCE_TEXTURECUBE, D3D11_DDI_BIND_UNORDERED_ACCESS,
    D3D11DDIARG_CREATERESOURCE, DXGI_SAMPLE_DESC as DdiSampleDesc,
};
use windows::Win32::Graphics::Direct3D10::{
    ID3D10Buffer_Vtbl, ID3D10Texture1D_Vtbl, ID3D10Texture2D_Vtbl, ID3D10Texture3D_Vtbl,
};
use windows::Win32::Graphics::Direct3D11::{
    D3D11_BUFFER_DESC, D3D11_RESOURCE_DIMENSION, D3D11_RESOURCE_DIMENSION_BUFFER,
    D3D11_RESOURCE_DIMENSION_TEXTURE1D, D3D11_RESOURCE_DIMENSION_TEXTURE2D,
    D3D11_RESOURCE_DIMENSION_TEXTURE3D, D3D11_TEXTURE1D_DESC, D3D11_TEXTURE2D_DESC, D3D11_TEXTURE2D_DESC1,
    D3D11_TEXTURE3D_DESC, D3D11_TEXTURE3D_DESC1, D3D11_USAGE, ID3D11Buffer_Impl, ID3D11Buffer_Vtbl,
    ID3D11Resource_Impl, ID3D11Texture1D_Impl, ID3D11Texture1D_Vtbl, ID3D11Texture2D_Impl,
    ID3D11Texture2D1_Impl, ID3D11Texture2D1_Vtbl, ID3D11Texture3D_Impl, ID3D11Texture3D1_Impl,
    ID3D11Texture3D1_Vtbl,
};
use windows::Win32::Graphics::Dxgi::Common::{DXGI_FORMAT, DXGI_SAMPLE_DESC};
use windows::Win32::Graphics::Dxgi::{
    DXGI_RESOURCE_PRIORITY, DXGI_RESOURCE_PRIORITY_NORMAL, IDXGIKeyedMutex_Vtbl, IDXGIResource1_Vtbl,
    IDXGISurface2_Vtbl,
};
use windows_core::GUID;

use super::d3d10;
use super::device::Device;
use super::driver::Object;
use super::guard::{Guard, Locked};
use super::kernel::SharedResource;
use super::object::{CHAINS, Class, Com, Vtables, vtable};
use super::share;
use super::surface::{RESOURCE_TABLE, SURFACE_TABLE};
use super::surface_dc::Drawing;
use crate::desc::resource::{Flags, bind, misc};
use crate::desc::subresource::mip_info;
use crate::desc::texture::Dimension;
use crate::desc::view::Shape;
use crate::hresult::{DXGI_ERROR_DRIVER_INTERNAL_ERROR, Result};

/// Chain of `IDXGIResource1`.
pub const DXGI_RESOURCE: usize = 1;
/// Chain of `IDXGISurface2`.
pub const DXGI_SURFACE: usize = 2;
/// Chain of `IDXGIKeyedMutex`.
const KEYED_MUTEX: usize = 3;

/// A buffer or texture.
pub struct Resource {
    /// What it is.
    pub shape: Shape,
    /// Which of its subresources are mapped. Guarded by the device's lock.
    pub mapped: Box<[Cell<bool>]>,
    /// The tiles of a tiled resource.
    pub tiling: Option<Tiling>,
    /// What `SetResourceMinLOD` set last: the bits of a float.
    pub min_lod: AtomicU32,
    /// `DXGI_USAGE` of a back buffer's swap chain, 0 for other resources.
    pub swap_chain_usage: u32,
    /// What other devices open, if they may.
    pub shared: Option<Arc<SharedResource>>,
    /// What GDI draws to between `GetDC` and `ReleaseDC`. Guarded by the device's lock.
    pub drawing: Cell<Option<Box<Drawing>>>,
    priority: AtomicU32,
    _memory: Object,
}

impl Resource {
    /// Usage and flags.
    #[inline]
    pub fn flags(&self) -> Flags {
        match &self.shape {
            Shape::Buffer(buffer) => buffer.flags,
            Shape::Texture(texture) => texture.flags,
        }
    }

    /// Whether it is a buffer.
    #[inline]
    pub fn is_buffer(&self) -> bool {
        matches!(self.shape, Shape::Buffer(_))
    }

    /// Whether it is a constant buffer, whose updates have an entry of their own.
    pub fn is_constant_buffer(&self) -> bool {
        self.flags().bind & bind::CONSTANT_BUFFER != 0
    }

    /// What `SetResourceMinLOD` set last.
    pub fn min_lod(&self) -> f32 {
        f32::from_bits(self.min_lod.load(Ordering::Relaxed))
    }

    /// `DXGI_FORMAT`; `UNKNOWN` for buffers.
    pub fn format(&self) -> u32 {
        match &self.shape {
            Shape::Buffer(_) => crate::format::UNKNOWN,
            Shape::Texture(texture) => texture.format,
        }
    }

    /// Number of subresources.
    pub fn subresources(&self) -> u32 {
        match &self.shape {
            Shape::Buffer(_) => 1,
            Shape::Texture(texture) => texture.subresources(),
        }
    }

    /// Samples a texel.
    pub fn sample_count(&self) -> u32 {
        match &self.shape {
            Shape::Buffer(_) => 1,
            Shape::Texture(texture) => texture.sample_count,
        }
    }

    /// Size of a subresource; of a buffer, its bytes.
    pub fn subresource_size(&self, subresource: u32) -> Option<D3D10DDI_MIPINFO> {
        match &self.shape {
            Shape::Buffer(buffer) if subresource == 0 => Some(buffer_size(buffer.byte_width)),
            Shape::Buffer(_) => None,
            Shape::Texture(texture) => {
                let (level, _) = texture.split(subresource)?;
                Some(mip_info(texture.format, texture.width, texture.height, texture.depth, level))
            }
        }
    }

    /// Whether it may be bound as a target, so that hazards with shader resources are possible.
    #[inline]
    pub fn can_be_output(&self) -> bool {
        let outputs =
            bind::RENDER_TARGET | bind::DEPTH_STENCIL | bind::UNORDERED_ACCESS | bind::STREAM_OUTPUT;
        self.flags().bind & outputs != 0
    }

    /// Whether it has a surface: a 1D or 2D texture with one subresource.
    fn is_surface(&self) -> bool {
        match &self.shape {
            Shape::Texture(texture) => texture.dimension != Dimension::Three && texture.subresources() == 1,
            Shape::Buffer(_) => false,
        }
    }
}

/// The tiles of a resource that the driver has made.
fn tiling_of(locked: &mut Locked, shape: &Shape, handle: *mut c_void) -> Result<Tiling> {
    let tiling = match shape {
        Shape::Buffer(buffer) => {
            let extents =
                Extents { width: buffer.byte_width, height: 1, depth: 1, mip_levels: 1, array_size: 1 };
            Tiling::new(D3D10DDIRESOURCE_BUFFER, FormatInfo::BYTES, extents, 1, 0)
        }
        Shape::Texture(texture) => {
            let [packed_mips, packed_tiles] = locked.driver.mip_packing(handle)?;
            let (width, height, depth) = (texture.width, texture.height, texture.depth);
            let (mip_levels, array_size) = (texture.mip_levels, texture.array_size);
            let extents = Extents { width, height, depth, mip_levels, array_size };
            let standard = mip_levels.checked_sub(packed_mips);
            blocks::info(texture.format).zip(standard).and_then(|(block, standard)| {
                Tiling::new(D3D10DDIRESOURCE_TEXTURE2D, block, extents, standard, packed_tiles)
            })
        }
    };
    tiling.ok_or(DXGI_ERROR_DRIVER_INTERNAL_ERROR)
}

fn buffer_size(bytes: u32) -> D3D10DDI_MIPINFO {
    D3D10DDI_MIPINFO {
        TexelWidth: bytes,
        TexelHeight: 1,
        TexelDepth: 1,
        PhysicalWidth: bytes,
        PhysicalHeight: 1,
        PhysicalDepth: 1,
    }
}

impl Com<Device> {
    /// Creates a resource: a public reference as an interface pointer of chain 0.
    ///
    /// `initial` is empty or has an entry for each subresource. `swap_chain_usage` is not 0 for a back buffer, which the
    /// driver is then told can be presented.
    ///
    /// # Errors
    /// The driver's.
    pub fn create_resource(
        &self,
        shape: Shape,
        initial: &[D3D10_DDIARG_SUBRESOURCE_UP],
        swap_chain_usage: u32,
    ) -> Result<*mut c_void> {
        self.inner.kernel.require_alive()?;
        let (dimension, mips, format, samples, array_size, stride, flags) = match &shape {
            Shape::Buffer(buffer) => {
                let one = DdiSampleDesc { Count: 1, Quality: 0 };
                let mips = vec![buffer_size(buffer.byte_width)];
                (D3D10DDIRESOURCE_BUFFER, mips, 0, one, 1, buffer.stride, buffer.flags)
            }
            Shape::Texture(texture) => {
                let dimension = match texture.dimension {
                    Dimension::One => D3D10DDIRESOURCE_TEXTURE1D,
                    Dimension::Two if texture.is_cube() => D3D10DDIRESOURCE_TEXTURECUBE,
                    Dimension::Two => D3D10DDIRESOURCE_TEXTURE2D,
                    Dimension::Three => D3D10DDIRESOURCE_TEXTURE3D,
                };
                let level =
                    |level| mip_info(texture.format, texture.width, texture.height, texture.depth, level);
                let mips: Vec<_> = (0..texture.mip_levels).map(level).collect();
                let samples = DdiSampleDesc { Count: texture.sample_count, Quality: texture.sample_quality };
                (dimension, mips, texture.format, samples, texture.array_size, 0, texture.flags)
            }
        };
        let present = if swap_chain_usage != 0 { D3D10_DDI_BIND_PRESENT } else { 0 };
        let bound = match format {
            // Nothing can come of it, and the driver would have to refuse.
            crate::format::R8G8B8A8_SRGB => flags.ddi_bind() & !D3D11_DDI_BIND_UNORDERED_ACCESS,
            _ => flags.ddi_bind(),
        };
        let is_shared = matches!(&shape, Shape::Texture(texture) if texture.can_be_opened());
        let argument = D3D11DDIARG_CREATERESOURCE {
            pMipInfoList: mips.as_ptr(),
            pInitialDataUP: if initial.is_empty() { core::ptr::null() } else { initial.as_ptr() },
            ResourceDimension: dimension,
            Usage: flags.usage.number(),
            BindFlags: bound | present,
            MapFlags: flags.ddi_map(),
            MiscFlags: flags.ddi_misc() & if is_shared { u32::MAX } else { !D3D10_DDI_RESOURCE_MISC_SHARED },
            Format: format,
            SampleDesc: samples,
            // CAST: at most 15.
            MipLevels: mips.len() as u32,
            ArraySize: array_size,
            ByteStride: stride,
            ..Default::default()
        };
        let mut guard = Guard::new(&self.inner);
        let mut memory = guard.driver.create_resource(&argument)?;
        let handle = memory.handle();
        let tiling = if flags.misc & misc::TILED != 0 {
            let tiling = tiling_of(&mut guard, &shape, handle);
            Some(tiling.inspect_err(|_| guard.driver.destroy_resource(handle))?)
        } else {
            None
        };
        let shared = match &shape {
            Shape::Texture(texture) if is_shared => {
                let keyed = flags.misc & misc::SHARED_KEYEDMUTEX != 0;
                let shared = self.inner.kernel.share(handle as usize, *texture, keyed);
                Some(shared.inspect_err(|_| guard.driver.destroy_resource(handle))?)
            }
            _ => None,
        };
        Ok(self.resource_of(shape, memory, swap_chain_usage, shared, tiling))
    }

    /// Opens what another device, or this one, shares: a public reference as an interface pointer of chain 0.
    ///
    /// # Errors
    /// `E_INVALIDARG` once no device has it; the driver's.
    pub fn open_resource(&self, shared: Arc<SharedResource>) -> Result<*mut c_void> {
        self.inner.kernel.require_alive()?;
        let texture = share::texture(&shared)?;
        let mut guard = Guard::new(&self.inner);
        let mut opened = None;
        let memory = guard.driver.open_resource(|resource| {
            opened = Some(resource);
            self.inner.kernel.open(&shared, resource)
        });
        if let (Err(_), Some(resource)) = (&memory, opened) {
            self.inner.kernel.close(resource);
        }
        Ok(self.resource_of(Shape::Texture(texture), memory?, 0, Some(shared), None))
    }

    /// The object of a resource that the driver has made.
    fn resource_of(
        &self,
        shape: Shape,
        mut memory: Object,
        swap_chain_usage: u32,
        shared: Option<Arc<SharedResource>>,
        tiling: Option<Tiling>,
    ) -> *mut c_void {
        let handle = memory.handle();
        let mut inner = Resource {
            shape,
            mapped: Box::default(),
            tiling,
            min_lod: AtomicU32::new(0),
            swap_chain_usage,
            shared,
            drawing: Cell::new(None),
            priority: AtomicU32::new(DXGI_RESOURCE_PRIORITY_NORMAL.0),
            _memory: memory,
        };
        if inner.flags().cpu != 0 {
            inner.mapped = vec![Cell::new(false); inner.subresources() as usize].into_boxed_slice();
        }
        let vtables = vtables(&inner);
        Com::new(vtables, self, handle, inner).as_ptr().cast()
    }
}

impl Class for Resource {
    fn chain(&self, iid: &GUID) -> Option<usize> {
        let old = match &self.shape {
            // Direct3D 10 has no structured buffers.
            Shape::Buffer(buffer) => buffer.stride == 0 && ID3D10Buffer_Vtbl::matches(iid),
            Shape::Texture(texture) => match texture.dimension {
                Dimension::One => ID3D10Texture1D_Vtbl::matches(iid),
                Dimension::Two => ID3D10Texture2D_Vtbl::matches(iid),
                Dimension::Three => ID3D10Texture3D_Vtbl::matches(iid),
            },
        };
        let own = match &self.shape {
            Shape::Buffer(_) => ID3D11Buffer_Vtbl::matches(iid),
            Shape::Texture(texture) => match texture.dimension {
                Dimension::One => ID3D11Texture1D_Vtbl::matches(iid),
                Dimension::Two => ID3D11Texture2D1_Vtbl::matches(iid),
                Dimension::Three => ID3D11Texture3D1_Vtbl::matches(iid),
            },
        };
        if own {
            Some(0)
        } else if old {
            Some(d3d10::CHAIN)
        } else if IDXGIResource1_Vtbl::matches(iid) {
            Some(DXGI_RESOURCE)
        } else if self.shared.as_ref().is_some_and(|shared| shared.is_keyed())
            && IDXGIKeyedMutex_Vtbl::matches(iid)
        {
            Some(KEYED_MUTEX)
        } else {
            (self.is_surface() && IDXGISurface2_Vtbl::matches(iid)).then_some(DXGI_SURFACE)
        }
    }

    fn destroy(&self, handle: *mut c_void, locked: &mut Locked) {
        locked.driver.destroy_resource(handle);
    }
}

fn vtables(resource: &Resource) -> Vtables {
    let mut vtables = [core::ptr::null(); CHAINS];
    vtables[0] = match &resource.shape {
        Shape::Buffer(_) => vtable!(ID3D11Buffer_Vtbl, Com<Resource>, 0),
        Shape::Texture(texture) => match texture.dimension {
            Dimension::One => vtable!(ID3D11Texture1D_Vtbl, Com<Resource>, 0),
            Dimension::Two => vtable!(ID3D11Texture2D1_Vtbl, Com<Resource>, 0),
            Dimension::Three => vtable!(ID3D11Texture3D1_Vtbl, Com<Resource>, 0),
        },
    };
    vtables[d3d10::CHAIN] = match &resource.shape {
        Shape::Buffer(_) => vtable!(ID3D10Buffer_Vtbl, Com<Resource>, 4),
        Shape::Texture(texture) => match texture.dimension {
            Dimension::One => vtable!(ID3D10Texture1D_Vtbl, Com<Resource>, 4),
            Dimension::Two => vtable!(ID3D10Texture2D_Vtbl, Com<Resource>, 4),
            Dimension::Three => vtable!(ID3D10Texture3D_Vtbl, Com<Resource>, 4),
        },
    };
    vtables[KEYED_MUTEX] = vtable!(IDXGIKeyedMutex_Vtbl, Com<Resource>, 3);
    vtables[DXGI_RESOURCE] = core::ptr::from_ref(&RESOURCE_TABLE).cast();
    vtables[DXGI_SURFACE] = core::ptr::from_ref(&SURFACE_TABLE).cast();
    vtables
}

impl Com<Resource> {
    /// Sets how long the resource should stay in GPU memory (`DXGI_RESOURCE_PRIORITY`).
    pub fn set_priority(&self, priority: u32) {
        self.inner.priority.store(priority, Ordering::Relaxed);
        Guard::new(&self.device().inner).driver.set_resource_priority(self.handle(), priority);
    }

    /// The priority set last.
    pub fn priority(&self) -> DXGI_RESOURCE_PRIORITY {
        DXGI_RESOURCE_PRIORITY(self.inner.priority.load(Ordering::Relaxed))
    }
}

impl ID3D11Resource_Impl for Com<Resource> {
    fn GetType(&self, dimension: *mut D3D11_RESOURCE_DIMENSION) {
        let value = match &self.inner.shape {
            Shape::Buffer(_) => D3D11_RESOURCE_DIMENSION_BUFFER,
            Shape::Texture(texture) => match texture.dimension {
                Dimension::One => D3D11_RESOURCE_DIMENSION_TEXTURE1D,
                Dimension::Two => D3D11_RESOURCE_DIMENSION_TEXTURE2D,
                Dimension::Three => D3D11_RESOURCE_DIMENSION_TEXTURE3D,
            },
        };
        // SAFETY: COM's contract: not null means valid.
        if let Some(out) = unsafe { dimension.as_mut() } {
            *out = value;
        }
    }

    fn SetEvictionPriority(&self, priority: u32) {
        self.set_priority(priority);
    }

    fn GetEvictionPriority(&self) -> u32 {
        self.priority().0
    }
}

/// `D3D11_USAGE` as `windows` has it.
fn usage(flags: &Flags) -> D3D11_USAGE {
    D3D11_USAGE(flags.usage.number().cast_signed())
}

/// `DXGI_FORMAT` as `windows` has it.
fn format(format: u32) -> DXGI_FORMAT {
    DXGI_FORMAT(format.cast_signed())
}

// An object has the vtable of its own dimension only, so each `GetDesc` meets its own shape.

impl ID3D11Buffer_Impl for Com<Resource> {
    fn GetDesc(&self, desc: *mut D3D11_BUFFER_DESC) {
        let Shape::Buffer(buffer) = &self.inner.shape else { return };
        let value = D3D11_BUFFER_DESC {
            ByteWidth: buffer.byte_width,
            Usage: usage(&buffer.flags),
            BindFlags: buffer.flags.bind,
            CPUAccessFlags: buffer.flags.cpu,
            MiscFlags: buffer.flags.misc,
            StructureByteStride: buffer.stride,
        };
        // SAFETY: COM's contract: not null means valid.
        if let Some(out) = unsafe { desc.as_mut() } {
            *out = value;
        }
    }
}

impl ID3D11Texture1D_Impl for Com<Resource> {
    fn GetDesc(&self, desc: *mut D3D11_TEXTURE1D_DESC) {
        let Shape::Texture(texture) = &self.inner.shape else { return };
        let value = D3D11_TEXTURE1D_DESC {
            Width: texture.width,
            MipLevels: texture.mip_levels,
            ArraySize: texture.array_size,
            Format: format(texture.format),
            Usage: usage(&texture.flags),
            BindFlags: texture.flags.bind,
            CPUAccessFlags: texture.flags.cpu,
            MiscFlags: texture.flags.misc,
        };
        // SAFETY: COM's contract: not null means valid.
        if let Some(out) = unsafe { desc.as_mut() } {
            *out = value;
        }
    }
}

impl ID3D11Texture2D_Impl for Com<Resource> {
    fn GetDesc(&self, desc: *mut D3D11_TEXTURE2D_DESC) {
        let Shape::Texture(texture) = &self.inner.shape else { return };
        let value = D3D11_TEXTURE2D_DESC {
            Width: texture.width,
            Height: texture.height,
            MipLevels: texture.mip_levels,
            ArraySize: texture.array_size,
            Format: format(texture.format),
            SampleDesc: DXGI_SAMPLE_DESC { Count: texture.sample_count, Quality: texture.sample_quality },
            Usage: usage(&texture.flags),
            BindFlags: texture.flags.bind,
            CPUAccessFlags: texture.flags.cpu,
            MiscFlags: texture.flags.misc,
        };
        // SAFETY: COM's contract: not null means valid.
        if let Some(out) = unsafe { desc.as_mut() } {
            *out = value;
        }
    }
}

impl ID3D11Texture3D_Impl for Com<Resource> {
    fn GetDesc(&self, desc: *mut D3D11_TEXTURE3D_DESC) {
        let Shape::Texture(texture) = &self.inner.shape else { return };
        let value = D3D11_TEXTURE3D_DESC {
            Width: texture.width,
            Height: texture.height,
            Depth: texture.depth,
            MipLevels: texture.mip_levels,
            Format: format(texture.format),
            Usage: usage(&texture.flags),
            BindFlags: texture.flags.bind,
            CPUAccessFlags: texture.flags.cpu,
            MiscFlags: texture.flags.misc,
        };
        // SAFETY: COM's contract: not null means valid.
        if let Some(out) = unsafe { desc.as_mut() } {
            *out = value;
        }
    }
}

impl ID3D11Texture2D1_Impl for Com<Resource> {
    fn GetDesc1(&self, desc: *mut D3D11_TEXTURE2D_DESC1) {
        // The description begins with the older one, and the layout is undefined.
        // SAFETY: COM's contract: not null means valid.
        if let Some(out) = unsafe { desc.as_mut() } {
            *out = D3D11_TEXTURE2D_DESC1::default();
        }
        ID3D11Texture2D_Impl::GetDesc(self, desc.cast());
    }
}

impl ID3D11Texture3D1_Impl for Com<Resource> {
    fn GetDesc1(&self, desc: *mut D3D11_TEXTURE3D_DESC1) {
        // As for 2D textures.
        // SAFETY: COM's contract: not null means valid.
        if let Some(out) = unsafe { desc.as_mut() } {
            *out = D3D11_TEXTURE3D_DESC1::default();
        }
        ID3D11Texture3D_Impl::GetDesc(self, desc.cast());
    }
}
