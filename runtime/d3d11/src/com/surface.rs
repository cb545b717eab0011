//! The DXGI side of resources: `IDXGIResource1`, and `IDXGISurface2` of plain 2D textures.

use core::ffi::c_void;

use windows::Win32::Foundation::{HANDLE, RECT};
use windows::Win32::Graphics::Dxgi::Common::{DXGI_FORMAT, DXGI_SAMPLE_DESC};
use windows::Win32::Graphics::Dxgi::{
    DXGI_MAP_FLAGS, DXGI_MAPPED_RECT, DXGI_RESOURCE_PRIORITY, DXGI_SURFACE_DESC, DXGI_USAGE,
    DXGI_USAGE_RENDER_TARGET_OUTPUT, DXGI_USAGE_SHADER_INPUT, DXGI_USAGE_UNORDERED_ACCESS,
    IDXGIDeviceSubObject_Impl, IDXGIResource, IDXGIResource_Impl, IDXGIResource1_Impl, IDXGISurface_Impl,
    IDXGISurface1_Impl, IDXGISurface2, IDXGISurface2_Impl,
};
use windows::Win32::Graphics::Gdi::HDC;
use windows::Win32::Security::SECURITY_ATTRIBUTES;
use windows_core::{BOOL, GUID, IUnknownImpl, Interface, PCWSTR};

use super::convert::error;
use super::guard::Guard;
use super::object::Com;
use super::resource::{DXGI_RESOURCE, Resource};
use crate::desc::resource::bind;
use crate::desc::view::Shape;
use crate::hresult::{DXGI_ERROR_INVALID_CALL, DXGI_ERROR_UNSUPPORTED, E_INVALIDARG, E_POINTER};

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

impl IDXGIDeviceSubObject_Impl for Com<Resource> {
    fn GetDevice(&self, riid: *const GUID, device: *mut *mut c_void) -> windows_core::Result<()> {
        // SAFETY: COM's contract.
        unsafe { self.device().QueryInterface(riid, device) }.ok()
    }
}

impl IDXGIResource_Impl for Com<Resource> {
    fn GetSharedHandle(&self) -> windows_core::Result<HANDLE> {
        // Resources cannot be made shareable, see `device_create`.
        Err(error(E_INVALIDARG))
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
    fn CreateSubresourceSurface(&self, _index: u32) -> windows_core::Result<IDXGISurface2> {
        Err(error(DXGI_ERROR_UNSUPPORTED))
    }

    fn CreateSharedHandle(
        &self,
        _attributes: *const SECURITY_ATTRIBUTES,
        _access: u32,
        _name: &PCWSTR,
    ) -> windows_core::Result<HANDLE> {
        Err(error(E_INVALIDARG))
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
        // `DXGI_MAP_READ`, `DXGI_MAP_WRITE`, `DXGI_MAP_DISCARD` as Direct3D 11's map modes.
        let mode = match flags.0 {
            1 => 1,
            2 => 2,
            3 => 3,
            6 => 4,
            _ => return Err(error(E_INVALIDARG)),
        };
        // SAFETY: COM's contract.
        let Some(rect) = (unsafe { rect.as_mut() }) else { return Err(error(E_POINTER)) };
        let mapped = Guard::new(&self.device().inner).map(self, 0, mode, 0).map_err(error)?;
        // CAST: rows of textures are far below 2 GiB.
        *rect = DXGI_MAPPED_RECT { Pitch: mapped.RowPitch.cast_signed(), pBits: mapped.pData.cast() };
        Ok(())
    }

    fn Unmap(&self) -> windows_core::Result<()> {
        Guard::new(&self.device().inner).unmap(self, 0);
        Ok(())
    }
}

impl IDXGISurface1_Impl for Com<Resource> {
    fn GetDC(&self, _discard: BOOL) -> windows_core::Result<HDC> {
        // Of GDI-compatible textures only, which cannot be made.
        Err(error(DXGI_ERROR_INVALID_CALL))
    }

    fn ReleaseDC(&self, _dirty: *const RECT) -> windows_core::Result<()> {
        Err(error(DXGI_ERROR_INVALID_CALL))
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
