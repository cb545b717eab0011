//! The DXGI side of resources: `IDXGIResource1`, and `IDXGISurface2` of plain 2D textures.

use core::ffi::c_void;

use windows::Win32::Foundation::{HANDLE, RECT};
use windows::Win32::Graphics::Dxgi::Common::{DXGI_FORMAT, DXGI_SAMPLE_DESC};
use windows::Win32::Graphics::Dxgi::{
    DXGI_MAP_FLAGS, DXGI_MAPPED_RECT, DXGI_RESOURCE_PRIORITY, DXGI_SURFACE_DESC, DXGI_USAGE,
    DXGI_USAGE_RENDER_TARGET_OUTPUT, DXGI_USAGE_SHADER_INPUT, DXGI_USAGE_UNORDERED_ACCESS,
    IDXGIDeviceSubObject_Impl, IDXGIObject_Impl, IDXGIResource, IDXGIResource_Impl, IDXGIResource_Vtbl,
    IDXGIResource1_Impl, IDXGIResource1_Vtbl, IDXGISurface_Impl, IDXGISurface_Vtbl, IDXGISurface1_Impl,
    IDXGISurface1_Vtbl, IDXGISurface2, IDXGISurface2_Impl, IDXGISurface2_Vtbl,
};
use windows::Win32::Graphics::Gdi::HDC;
use windows::Win32::Security::SECURITY_ATTRIBUTES;
use windows_core::{BOOL, GUID, IUnknown, IUnknownImpl, Interface, PCWSTR, Ref, implement};

use super::convert::{com, error};
use super::guard::Guard;
use super::object::{Com, refusing_null};
use super::resource::{DXGI_RESOURCE, Resource};
use crate::desc::resource::bind;
use crate::desc::texture::Dimension;
use crate::desc::view::Shape;
use crate::hresult::{DXGI_ERROR_INVALID_CALL, E_INVALIDARG, E_POINTER, require};

/// How the DXGI side of resources treats null pointers.
pub static RESOURCE_TABLE: IDXGIResource1_Vtbl = {
    let mut table = IDXGIResource1_Vtbl::new::<Com<Resource>, -1>();
    table.base__.GetSharedHandle = refusing_null!(
        IDXGIResource_Vtbl::<Com<Resource>, -1>::GetSharedHandle(=> HANDLE), E_INVALIDARG);
    table.base__.GetUsage = refusing_null!(
        IDXGIResource_Vtbl::<Com<Resource>, -1>::GetUsage(=> DXGI_USAGE), E_INVALIDARG);
    table.base__.GetEvictionPriority = refusing_null!(
        IDXGIResource_Vtbl::<Com<Resource>, -1>::GetEvictionPriority(=> DXGI_RESOURCE_PRIORITY), E_INVALIDARG);
    table.CreateSubresourceSurface = refusing_null!(
        IDXGIResource1_Vtbl::<Com<Resource>, -1>::CreateSubresourceSurface(index: u32 => *mut c_void),
        E_INVALIDARG);
    table.CreateSharedHandle = refusing_null!(
        IDXGIResource1_Vtbl::<Com<Resource>, -1>::CreateSharedHandle(
            attributes: *const SECURITY_ATTRIBUTES, access: u32, name: PCWSTR => HANDLE),
        E_INVALIDARG);
    table
};

/// The same for surfaces.
pub static SURFACE_TABLE: IDXGISurface2_Vtbl = {
    let mut table = IDXGISurface2_Vtbl::new::<Com<Resource>, -2>();
    table.base__.base__.GetDesc = refusing_null!(
        IDXGISurface_Vtbl::<Com<Resource>, -2>::GetDesc(=> DXGI_SURFACE_DESC), E_INVALIDARG);
    table.base__.GetDC = refusing_null!(
        IDXGISurface1_Vtbl::<Com<Resource>, -2>::GetDC(discard: BOOL => HDC), E_INVALIDARG);
    table
};

impl Resource {
    /// The resource behind an `IDXGIResource` of this runtime.
    pub fn of_dxgi(resource: &IDXGIResource) -> &Com<Self> {
        let chain: *const *const c_void = resource.as_raw().cast();
        // SAFETY: the pointer is to the chain's place in the vtables, of which the first is the object's start.
        let object = unsafe { chain.sub(DXGI_RESOURCE) };
        // SAFETY: as above; the interface keeps the object alive.
        unsafe { &*object.cast::<Com<Self>>() }
    }

    /// `DXGI_USAGE` of the resource.
    fn usage(&self) -> DXGI_USAGE {
        if self.swap_chain_usage != 0 {
            return DXGI_USAGE(self.swap_chain_usage);
        }
        let flags = [
            (bind::SHADER_RESOURCE, DXGI_USAGE_SHADER_INPUT),
            (bind::RENDER_TARGET, DXGI_USAGE_RENDER_TARGET_OUTPUT),
            (bind::UNORDERED_ACCESS, DXGI_USAGE_UNORDERED_ACCESS),
        ];
        let set = flags.iter().filter(|flag| self.flags().bind & flag.0 != 0);
        DXGI_USAGE(set.fold(0, |all, flag| all | flag.1.0))
    }
}

impl Com<Resource> {
    /// `IDXGISurface::Map` of a subresource.
    ///
    /// # Safety
    /// `rect` is null or valid for writing.
    unsafe fn map_surface(
        &self,
        index: u32,
        rect: *mut DXGI_MAPPED_RECT,
        flags: DXGI_MAP_FLAGS,
    ) -> windows_core::Result<()> {
        // `DXGI_MAP_READ`, `DXGI_MAP_WRITE`, `DXGI_MAP_DISCARD` as Direct3D 11's map modes.
        let mode = match flags.0 {
            1 => 1,
            2 => 2,
            3 => 3,
            6 => 4,
            _ => return Err(error(E_INVALIDARG)),
        };
        // SAFETY: the caller's promise.
        let Some(rect) = (unsafe { rect.as_mut() }) else { return Err(error(E_POINTER)) };
        let mapped = Guard::new(&self.device().inner).map(self, index, mode, 0).map_err(error)?;
        // CAST: rows of textures are far below 2 GiB.
        *rect = DXGI_MAPPED_RECT { Pitch: mapped.RowPitch.cast_signed(), pBits: mapped.pData.cast() };
        Ok(())
    }
}

impl IDXGIDeviceSubObject_Impl for Com<Resource> {
    fn GetDevice(&self, riid: *const GUID, device: *mut *mut c_void) -> windows_core::Result<()> {
        // SAFETY: COM's contract.
        unsafe { self.device().QueryInterface(riid, device) }.ok()
    }
}

impl IDXGIResource_Impl for Com<Resource> {
    fn GetSharedHandle(&self) -> windows_core::Result<HANDLE> {
        com(self.inner.shared_handle())
    }

    fn GetUsage(&self) -> windows_core::Result<DXGI_USAGE> {
        Ok(self.inner.usage())
    }

    fn SetEvictionPriority(&self, priority: DXGI_RESOURCE_PRIORITY) -> windows_core::Result<()> {
        self.set_priority(priority.0);
        Ok(())
    }

    fn GetEvictionPriority(&self) -> windows_core::Result<DXGI_RESOURCE_PRIORITY> {
        Ok(self.priority())
    }
}

impl IDXGIResource1_Impl for Com<Resource> {
    fn CreateSubresourceSurface(&self, index: u32) -> windows_core::Result<IDXGISurface2> {
        let Shape::Texture(texture) = &self.inner.shape else { return Err(error(E_INVALIDARG)) };
        com(require(texture.dimension == Dimension::Two && index < texture.subresources()))?;
        self.AddRef();
        // SAFETY: the reference was just added for the surface.
        let texture = unsafe { IUnknown::from_raw(core::ptr::from_ref(self).cast_mut().cast()) };
        let surface = SubresourceSurface { texture, index };
        let surface: IDXGISurface2 = surface.into();
        Ok(surface)
    }

    fn CreateSharedHandle(
        &self,
        attributes: *const SECURITY_ATTRIBUTES,
        access: u32,
        name: &PCWSTR,
    ) -> windows_core::Result<HANDLE> {
        // SAFETY: COM's contract.
        unsafe { self.inner.create_shared_handle(attributes, access, *name) }
    }
}

impl IDXGISurface_Impl for Com<Resource> {
    fn GetDesc(&self) -> windows_core::Result<DXGI_SURFACE_DESC> {
        let Shape::Texture(texture) = &self.inner.shape else { return Err(error(E_INVALIDARG)) };
        Ok(DXGI_SURFACE_DESC {
            Width: texture.width,
            Height: texture.height,
            Format: DXGI_FORMAT(texture.format.cast_signed()),
            SampleDesc: DXGI_SAMPLE_DESC { Count: texture.sample_count, Quality: texture.sample_quality },
        })
    }

    fn Map(&self, rect: *mut DXGI_MAPPED_RECT, flags: DXGI_MAP_FLAGS) -> windows_core::Result<()> {
        // SAFETY: COM's contract.
        unsafe { self.map_surface(0, rect, flags) }
    }

    fn Unmap(&self) -> windows_core::Result<()> {
        Guard::new(&self.device().inner).unmap(self, 0);
        Ok(())
    }
}

impl IDXGISurface1_Impl for Com<Resource> {
    fn GetDC(&self, discard: BOOL) -> windows_core::Result<HDC> {
        com(self.get_dc(discard.as_bool()))
    }

    fn ReleaseDC(&self, dirty: *const RECT) -> windows_core::Result<()> {
        // SAFETY: COM's contract.
        com(self.release_dc(unsafe { dirty.as_ref() }))
    }
}

impl IDXGISurface2_Impl for Com<Resource> {
    fn GetResource(
        &self,
        riid: *const GUID,
        resource: *mut *mut c_void,
        subresource: *mut u32,
    ) -> windows_core::Result<()> {
        if subresource.is_null() {
            return Err(error(E_POINTER));
        }
        // SAFETY: COM's contract.
        unsafe { self.QueryInterface(riid, resource) }.ok()?;
        // SAFETY: COM's contract.
        unsafe { subresource.write(0) };
        Ok(())
    }
}

/// One subresource of a 2D texture as a surface; private data is the texture's.
#[implement(IDXGISurface2)]
struct SubresourceSurface {
    texture: IUnknown,
    index: u32,
}

impl SubresourceSurface {
    /// The texture.
    fn resource(&self) -> &Com<Resource> {
        // SAFETY: `texture` is a resource's first chain, kept alive by `self`.
        unsafe { &*self.texture.as_raw().cast::<Com<Resource>>() }
    }
}

impl IDXGIObject_Impl for SubresourceSurface_Impl {
    fn SetPrivateData(&self, name: *const GUID, size: u32, data: *const c_void) -> windows_core::Result<()> {
        // SAFETY: COM's contract.
        com(unsafe { self.resource().set_private_data(name, size, data) })
    }

    fn SetPrivateDataInterface(&self, name: *const GUID, data: Ref<IUnknown>) -> windows_core::Result<()> {
        // SAFETY: COM's contract.
        com(unsafe { self.resource().set_private_data_interface(name, data.cloned()) })
    }

    fn GetPrivateData(
        &self,
        name: *const GUID,
        size: *mut u32,
        data: *mut c_void,
    ) -> windows_core::Result<()> {
        // SAFETY: COM's contract.
        com(unsafe { self.resource().get_private_data(name, size, data) })
    }

    fn GetParent(&self, riid: *const GUID, parent: *mut *mut c_void) -> windows_core::Result<()> {
        self.resource().GetParent(riid, parent)
    }
}

impl IDXGIDeviceSubObject_Impl for SubresourceSurface_Impl {
    fn GetDevice(&self, riid: *const GUID, device: *mut *mut c_void) -> windows_core::Result<()> {
        IDXGIDeviceSubObject_Impl::GetDevice(self.resource(), riid, device)
    }
}

impl IDXGISurface_Impl for SubresourceSurface_Impl {
    fn GetDesc(&self) -> windows_core::Result<DXGI_SURFACE_DESC> {
        let size = self.resource().inner.subresource_size(self.index).ok_or_else(|| error(E_INVALIDARG))?;
        let desc = IDXGISurface_Impl::GetDesc(self.resource())?;
        Ok(DXGI_SURFACE_DESC { Width: size.TexelWidth, Height: size.TexelHeight, ..desc })
    }

    fn Map(&self, rect: *mut DXGI_MAPPED_RECT, flags: DXGI_MAP_FLAGS) -> windows_core::Result<()> {
        // SAFETY: COM's contract.
        unsafe { self.resource().map_surface(self.index, rect, flags) }
    }

    fn Unmap(&self) -> windows_core::Result<()> {
        Guard::new(&self.resource().device().inner).unmap(self.resource(), self.index);
        Ok(())
    }
}

impl IDXGISurface1_Impl for SubresourceSurface_Impl {
    /// GDI draws to whole textures only.
    fn GetDC(&self, _discard: BOOL) -> windows_core::Result<HDC> {
        Err(error(DXGI_ERROR_INVALID_CALL))
    }

    fn ReleaseDC(&self, _dirty: *const RECT) -> windows_core::Result<()> {
        Err(error(DXGI_ERROR_INVALID_CALL))
    }
}

impl IDXGISurface2_Impl for SubresourceSurface_Impl {
    fn GetResource(
        &self,
        riid: *const GUID,
        resource: *mut *mut c_void,
        subresource: *mut u32,
    ) -> windows_core::Result<()> {
        if subresource.is_null() {
            return Err(error(E_POINTER));
        }
        // SAFETY: COM's contract.
        unsafe { self.texture.query(riid, resource) }.ok()?;
        // SAFETY: COM's contract.
        unsafe { subresource.write(self.index) };
        Ok(())
    }
}
