//! What the children of a Direct3D 10 device have of their own: their device, descriptions, `Map` of resources, queries.

use core::ffi::c_void;
use core::ptr;

use windows::Win32::Graphics::Direct3D10::*;
use windows::Win32::Graphics::Direct3D11::*;
use windows_core::{GUID, IUnknown, Interface, OutRef, Ref};

use super::super::convert::{com, error};
use super::super::object::{Class, Com};
use super::super::query::{Query, RESULT_WORDS};
use super::super::resource::Resource;
use super::super::shader::{InputLayout, Shader};
use super::super::state_object::StateObject;
use super::super::view::View;
use super::{Places, convert, lent, raise};
use crate::hresult::{DXGI_ERROR_INVALID_CALL, E_INVALIDARG};

/// Bytes of `D3D10_QUERY_DATA_PIPELINE_STATISTICS`; Direct3D 11's has counters of three more stages after the same ones.
const STATISTICS_BYTES: u32 = size_of::<D3D10_QUERY_DATA_PIPELINE_STATISTICS>() as u32;

/// The object as an argument of Direct3D 11.
fn own<T: Class, I: windows_core::Type<I>>(object: &Com<T>) -> Ref<'_, I> {
    lent(ptr::from_ref(object).cast_mut().cast())
}

impl<T: Class> ID3D10DeviceChild_Impl for Com<T> {
    fn GetDevice(&self, device: OutRef<ID3D10Device>) {
        // A child of a device that was not made for Direct3D 10 has none of it.
        let interface = self.device().inner.serves_d3d10().then(|| {
            let pointer = raise(self.device().hand_out());
            // SAFETY: the pointer has a reference for its new owner.
            unsafe { ID3D10Device::from_raw(pointer) }
        });
        let _ = device.write(interface);
    }

    fn GetPrivateData(
        &self,
        guid: *const GUID,
        size: *mut u32,
        data: *mut c_void,
    ) -> windows_core::Result<()> {
        // SAFETY: COM's contract.
        com(unsafe { self.get_private_data(guid, size, data) })
    }

    fn SetPrivateData(&self, guid: *const GUID, size: u32, data: *const c_void) -> windows_core::Result<()> {
        // SAFETY: COM's contract.
        com(unsafe { self.set_private_data(guid, size, data) })
    }

    fn SetPrivateDataInterface(&self, guid: *const GUID, data: Ref<IUnknown>) -> windows_core::Result<()> {
        // SAFETY: COM's contract.
        com(unsafe { self.set_private_data_interface(guid, data.cloned()) })
    }
}

impl Com<Resource> {
    /// Maps a subresource by the immediate context.
    fn map10(
        &self,
        subresource: u32,
        mode: D3D10_MAP,
        flags: u32,
    ) -> windows_core::Result<D3D11_MAPPED_SUBRESOURCE> {
        let context = self.device().inner.context().ok_or_else(|| error(DXGI_ERROR_INVALID_CALL))?;
        let mut mapped = D3D11_MAPPED_SUBRESOURCE::default();
        let mode = D3D11_MAP(mode.0);
        ID3D11DeviceContext_Impl::Map(context, own(self), subresource, mode, flags, &mut mapped)?;
        Ok(mapped)
    }

    fn unmap10(&self, subresource: u32) {
        if let Some(context) = self.device().inner.context() {
            ID3D11DeviceContext_Impl::Unmap(context, own(self), subresource);
        }
    }

    /// Maps a subresource of which the caller wants the address only.
    ///
    /// # Safety
    /// `data` is null or valid for a write.
    unsafe fn map_address(
        &self,
        subresource: u32,
        mode: D3D10_MAP,
        flags: u32,
        data: *mut *mut c_void,
    ) -> windows_core::Result<()> {
        // SAFETY: the caller's promise.
        let data = unsafe { data.as_mut() }.ok_or_else(|| error(E_INVALIDARG))?;
        *data = self.map10(subresource, mode, flags)?.pData;
        Ok(())
    }
}

impl ID3D10Resource_Impl for Com<Resource> {
    fn GetType(&self, dimension: *mut D3D10_RESOURCE_DIMENSION) {
        let mut value = D3D11_RESOURCE_DIMENSION::default();
        ID3D11Resource_Impl::GetType(self, &mut value);
        // SAFETY: COM's contract: not null means valid.
        if let Some(out) = unsafe { dimension.as_mut() } {
            *out = D3D10_RESOURCE_DIMENSION(value.0);
        }
    }

    fn SetEvictionPriority(&self, priority: u32) {
        ID3D11Resource_Impl::SetEvictionPriority(self, priority);
    }

    fn GetEvictionPriority(&self) -> u32 {
        ID3D11Resource_Impl::GetEvictionPriority(self)
    }
}

/// `GetDesc` of a kind of resource.
macro_rules! desc {
    ($desc10:ident, $desc11:ident, $interface:ident, $convert:ident) => {
        fn GetDesc(&self, desc: *mut $desc10) {
            let mut value = $desc11::default();
            $interface::GetDesc(self, &mut value);
            // SAFETY: COM's contract: not null means valid.
            if let Some(out) = unsafe { desc.as_mut() } {
                *out = convert::$convert(&value);
            }
        }
    };
}

impl ID3D10Buffer_Impl for Com<Resource> {
    fn Map(&self, mode: D3D10_MAP, flags: u32, data: *mut *mut c_void) -> windows_core::Result<()> {
        // SAFETY: COM's contract.
        unsafe { self.map_address(0, mode, flags, data) }
    }

    fn Unmap(&self) {
        self.unmap10(0);
    }

    desc!(D3D10_BUFFER_DESC, D3D11_BUFFER_DESC, ID3D11Buffer_Impl, buffer_back);
}

impl ID3D10Texture1D_Impl for Com<Resource> {
    fn Map(
        &self,
        subresource: u32,
        mode: D3D10_MAP,
        flags: u32,
        data: *mut *mut c_void,
    ) -> windows_core::Result<()> {
        // SAFETY: COM's contract.
        unsafe { self.map_address(subresource, mode, flags, data) }
    }

    fn Unmap(&self, subresource: u32) {
        self.unmap10(subresource);
    }

    desc!(D3D10_TEXTURE1D_DESC, D3D11_TEXTURE1D_DESC, ID3D11Texture1D_Impl, texture1d_back);
}

impl ID3D10Texture2D_Impl for Com<Resource> {
    fn Map(
        &self,
        subresource: u32,
        mode: D3D10_MAP,
        flags: u32,
    ) -> windows_core::Result<D3D10_MAPPED_TEXTURE2D> {
        let mapped = self.map10(subresource, mode, flags)?;
        Ok(D3D10_MAPPED_TEXTURE2D { pData: mapped.pData, RowPitch: mapped.RowPitch })
    }

    fn Unmap(&self, subresource: u32) {
        self.unmap10(subresource);
    }

    desc!(D3D10_TEXTURE2D_DESC, D3D11_TEXTURE2D_DESC, ID3D11Texture2D_Impl, texture2d_back);
}

impl ID3D10Texture3D_Impl for Com<Resource> {
    fn Map(
        &self,
        subresource: u32,
        mode: D3D10_MAP,
        flags: u32,
    ) -> windows_core::Result<D3D10_MAPPED_TEXTURE3D> {
        let mapped = self.map10(subresource, mode, flags)?;
        Ok(D3D10_MAPPED_TEXTURE3D {
            pData: mapped.pData,
            RowPitch: mapped.RowPitch,
            DepthPitch: mapped.DepthPitch,
        })
    }

    fn Unmap(&self, subresource: u32) {
        self.unmap10(subresource);
    }

    desc!(D3D10_TEXTURE3D_DESC, D3D11_TEXTURE3D_DESC, ID3D11Texture3D_Impl, texture3d_back);
}

impl ID3D10View_Impl for Com<View> {
    fn GetResource(&self, resource: OutRef<ID3D10Resource>) {
        let places = Places::one(&resource);
        ID3D11View_Impl::GetResource(self, places.out());
        // SAFETY: COM's contract; the function above has written an interface.
        unsafe { places.raise() };
    }
}

impl ID3D10ShaderResourceView_Impl for Com<View> {
    fn GetDesc(&self, desc: *mut D3D10_SHADER_RESOURCE_VIEW_DESC) {
        ID3D11ShaderResourceView_Impl::GetDesc(self, desc.cast());
    }
}

impl ID3D10ShaderResourceView1_Impl for Com<View> {
    fn GetDesc1(&self, desc: *mut D3D10_SHADER_RESOURCE_VIEW_DESC1) {
        ID3D11ShaderResourceView_Impl::GetDesc(self, desc.cast());
    }
}

impl ID3D10RenderTargetView_Impl for Com<View> {
    fn GetDesc(&self, desc: *mut D3D10_RENDER_TARGET_VIEW_DESC) {
        ID3D11RenderTargetView_Impl::GetDesc(self, desc.cast());
    }
}

impl ID3D10DepthStencilView_Impl for Com<View> {
    fn GetDesc(&self, desc: *mut D3D10_DEPTH_STENCIL_VIEW_DESC) {
        let mut words = [0; 6];
        ID3D11DepthStencilView_Impl::GetDesc(self, words.as_mut_ptr().cast());
        // SAFETY: COM's contract; the description is five words.
        if let Some(out) = unsafe { desc.cast::<[u32; 5]>().as_mut() } {
            *out = convert::depth_stencil_view_back(words);
        }
    }
}

impl ID3D10BlendState_Impl for Com<StateObject> {
    desc!(D3D10_BLEND_DESC, D3D11_BLEND_DESC, ID3D11BlendState_Impl, blend_back);
}

impl ID3D10BlendState1_Impl for Com<StateObject> {
    fn GetDesc1(&self, desc: *mut D3D10_BLEND_DESC1) {
        ID3D11BlendState_Impl::GetDesc(self, desc.cast());
    }
}

impl ID3D10DepthStencilState_Impl for Com<StateObject> {
    fn GetDesc(&self, desc: *mut D3D10_DEPTH_STENCIL_DESC) {
        ID3D11DepthStencilState_Impl::GetDesc(self, desc.cast());
    }
}

impl ID3D10RasterizerState_Impl for Com<StateObject> {
    fn GetDesc(&self, desc: *mut D3D10_RASTERIZER_DESC) {
        ID3D11RasterizerState_Impl::GetDesc(self, desc.cast());
    }
}

impl ID3D10SamplerState_Impl for Com<StateObject> {
    fn GetDesc(&self, desc: *mut D3D10_SAMPLER_DESC) {
        ID3D11SamplerState_Impl::GetDesc(self, desc.cast());
    }
}

impl ID3D10VertexShader_Impl for Com<Shader> {}
impl ID3D10GeometryShader_Impl for Com<Shader> {}
impl ID3D10PixelShader_Impl for Com<Shader> {}
impl ID3D10InputLayout_Impl for Com<InputLayout> {}

impl ID3D10Asynchronous_Impl for Com<Query> {
    fn Begin(&self) {
        if let Some(context) = self.device().inner.context() {
            ID3D11DeviceContext_Impl::Begin(context, own(self));
        }
    }

    fn End(&self) {
        if let Some(context) = self.device().inner.context() {
            ID3D11DeviceContext_Impl::End(context, own(self));
        }
    }

    fn GetData(&self, data: *mut c_void, size: u32, flags: u32) -> windows_core::Result<()> {
        let context = self.device().inner.context().ok_or_else(|| error(DXGI_ERROR_INVALID_CALL))?;
        if self.inner.size <= STATISTICS_BYTES || data.is_null() {
            return ID3D11DeviceContext_Impl::GetData(context, own(self), data, size, flags);
        }
        if size != STATISTICS_BYTES {
            return Err(error(E_INVALIDARG));
        }
        let mut words = [0_u64; RESULT_WORDS];
        let place = words.as_mut_ptr().cast();
        ID3D11DeviceContext_Impl::GetData(context, own(self), place, self.inner.size, flags)?;
        // SAFETY: COM's contract: `data` has `size` bytes, of which the local array has more.
        unsafe { ptr::copy_nonoverlapping(words.as_ptr().cast::<u8>(), data.cast(), size as usize) };
        Ok(())
    }

    fn GetDataSize(&self) -> u32 {
        self.inner.size.min(STATISTICS_BYTES)
    }
}

impl ID3D10Query_Impl for Com<Query> {
    fn GetDesc(&self, desc: *mut D3D10_QUERY_DESC) {
        ID3D11Query_Impl::GetDesc(self, desc.cast());
    }
}

impl ID3D10Predicate_Impl for Com<Query> {}
