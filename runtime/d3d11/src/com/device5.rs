//! `ID3D11Device3`, `4` and `5`.
//!
//! "COM's contract" in the SAFETY comments is that of `device_create`.

use core::ffi::c_void;

use windows::Win32::Foundation::HANDLE;
use windows::Win32::Graphics::Direct3D11::*;
use windows_core::{GUID, IUnknownImpl, OutRef, Ref};

use super::convert::{com, error};
use super::device::Device;
use super::device_create::Out;
use super::fence::Fence;
use super::object::Com;
use crate::hresult::{DXGI_ERROR_UNSUPPORTED, E_INVALIDARG, E_NOTIMPL, E_POINTER, require};

/// The device's table: that of `windows`, with what `device2` changes.
pub const VTABLE: ID3D11Device5_Vtbl = {
    let mut table = ID3D11Device5_Vtbl::new::<Com<Device>, 0>();
    table.base__.base__.base__ = super::device2::VTABLE;
    table
};

/// An out argument of another interface of the same object's first chain.
///
/// # Safety
/// Objects of both interfaces are the same.
unsafe fn same_object<'a, From: windows_core::Type<From>, To: windows_core::Type<To>>(
    out: OutRef<'a, From>,
) -> OutRef<'a, To> {
    const { assert!(size_of::<OutRef<'_, From>>() == size_of::<OutRef<'_, To>>()) };
    // SAFETY: an `OutRef` is a transparent pointer to where the interface pointer goes.
    unsafe { core::mem::transmute_copy(&out) }
}

/// A struct that begins with the members of an older one, which is all that is read of it.
///
/// # Safety
/// `new` is null or valid, and begins with an `Old`.
unsafe fn old_part<'a, Old, New>(new: *const New) -> Option<&'a Old> {
    const { assert!(size_of::<Old>() <= size_of::<New>() && align_of::<Old>() == align_of::<New>()) };
    // SAFETY: the caller's promise.
    unsafe { new.cast::<Old>().as_ref() }
}

impl ID3D11Device3_Impl for Com<Device> {
    fn CreateTexture2D1(
        &self,
        desc: *const D3D11_TEXTURE2D_DESC1,
        data: *const D3D11_SUBRESOURCE_DATA,
        texture: OutRef<ID3D11Texture2D1>,
    ) -> windows_core::Result<()> {
        // SAFETY: COM's contract; the layout is the one member more.
        let layout =
            unsafe { desc.as_ref() }.map_or(D3D11_TEXTURE_LAYOUT_UNDEFINED, |desc| desc.TextureLayout);
        // Other layouts are for textures that are mapped while the GPU uses them, which there are not.
        com(require(layout == D3D11_TEXTURE_LAYOUT_UNDEFINED))?;
        // SAFETY: as above.
        let old = unsafe { old_part(desc) }.map_or(core::ptr::null(), core::ptr::from_ref);
        // SAFETY: 2D textures have both interfaces.
        let texture = unsafe { same_object(texture) };
        ID3D11Device_Impl::CreateTexture2D(self, old, data, texture)
    }

    fn CreateTexture3D1(
        &self,
        desc: *const D3D11_TEXTURE3D_DESC1,
        data: *const D3D11_SUBRESOURCE_DATA,
        texture: OutRef<ID3D11Texture3D1>,
    ) -> windows_core::Result<()> {
        // SAFETY: COM's contract; the layout is the one member more.
        let layout =
            unsafe { desc.as_ref() }.map_or(D3D11_TEXTURE_LAYOUT_UNDEFINED, |desc| desc.TextureLayout);
        com(require(layout == D3D11_TEXTURE_LAYOUT_UNDEFINED))?;
        // SAFETY: as above.
        let old = unsafe { old_part(desc) }.map_or(core::ptr::null(), core::ptr::from_ref);
        // SAFETY: 3D textures have both interfaces.
        let texture = unsafe { same_object(texture) };
        ID3D11Device_Impl::CreateTexture3D(self, old, data, texture)
    }

    fn CreateRasterizerState2(
        &self,
        desc: *const D3D11_RASTERIZER_DESC2,
        state: OutRef<ID3D11RasterizerState2>,
    ) -> windows_core::Result<()> {
        // SAFETY: COM's contract.
        let mode = unsafe { desc.as_ref() }
            .map_or(D3D11_CONSERVATIVE_RASTERIZATION_MODE_OFF, |desc| desc.ConservativeRaster);
        // `D3D11_OPTIONS2` says that there is no conservative rasterization.
        com(require(mode == D3D11_CONSERVATIVE_RASTERIZATION_MODE_OFF))?;
        // SAFETY: the mode is the one member more.
        let old = unsafe { old_part(desc) }.map_or(core::ptr::null(), core::ptr::from_ref);
        // SAFETY: rasterizer states have both interfaces.
        let state = unsafe { same_object(state) };
        ID3D11Device1_Impl::CreateRasterizerState1(self, old, state)
    }

    fn CreateShaderResourceView1(
        &self,
        resource: Ref<ID3D11Resource>,
        desc: *const D3D11_SHADER_RESOURCE_VIEW_DESC1,
        view: OutRef<ID3D11ShaderResourceView1>,
    ) -> windows_core::Result<()> {
        // A plane is chosen by the view's format; its number, the last member of the union, follows from that.
        // SAFETY: COM's contract; the description begins with the older one.
        let old = unsafe { old_part(desc) }.map_or(core::ptr::null(), core::ptr::from_ref);
        // SAFETY: shader-resource views have both interfaces.
        let view = unsafe { same_object(view) };
        ID3D11Device_Impl::CreateShaderResourceView(self, resource, old, view)
    }

    fn CreateUnorderedAccessView1(
        &self,
        resource: Ref<ID3D11Resource>,
        desc: *const D3D11_UNORDERED_ACCESS_VIEW_DESC1,
        view: OutRef<ID3D11UnorderedAccessView1>,
    ) -> windows_core::Result<()> {
        // SAFETY: COM's contract; the description begins with the older one.
        let old = unsafe { old_part(desc) }.map_or(core::ptr::null(), core::ptr::from_ref);
        // SAFETY: unordered-access views have both interfaces.
        let view = unsafe { same_object(view) };
        ID3D11Device_Impl::CreateUnorderedAccessView(self, resource, old, view)
    }

    fn CreateRenderTargetView1(
        &self,
        resource: Ref<ID3D11Resource>,
        desc: *const D3D11_RENDER_TARGET_VIEW_DESC1,
        view: OutRef<ID3D11RenderTargetView1>,
    ) -> windows_core::Result<()> {
        // SAFETY: COM's contract; the description begins with the older one.
        let old = unsafe { old_part(desc) }.map_or(core::ptr::null(), core::ptr::from_ref);
        // SAFETY: render-target views have both interfaces.
        let view = unsafe { same_object(view) };
        ID3D11Device_Impl::CreateRenderTargetView(self, resource, old, view)
    }

    fn CreateQuery1(
        &self,
        desc: *const D3D11_QUERY_DESC1,
        query: OutRef<ID3D11Query1>,
    ) -> windows_core::Result<()> {
        // SAFETY: COM's contract.
        let kind = unsafe { desc.as_ref() }.map_or(D3D11_CONTEXT_TYPE_ALL, |desc| desc.ContextType);
        // The device has one queue, for all.
        com(require((0..=D3D11_CONTEXT_TYPE_VIDEO.0).contains(&kind.0)))?;
        // SAFETY: the kind of context is the one member more.
        let old = unsafe { old_part(desc) }.map_or(core::ptr::null(), core::ptr::from_ref);
        // SAFETY: queries have both interfaces.
        let query = unsafe { same_object(query) };
        ID3D11Device_Impl::CreateQuery(self, old, query)
    }

    fn GetImmediateContext3(&self, context: OutRef<ID3D11DeviceContext3>) {
        self.put_context(Out::new(context));
    }

    fn CreateDeferredContext3(
        &self,
        flags: u32,
        context: OutRef<ID3D11DeviceContext3>,
    ) -> windows_core::Result<()> {
        self.create_deferred_context(flags, Out::new(context))
    }

    // Of default textures that are mapped: `D3D11_OPTIONS2` says that they cannot be (`MapOnDefaultTextures`).
    fn WriteToSubresource(
        &self,
        _to: Ref<ID3D11Resource>,
        _subresource: u32,
        _region: *const D3D11_BOX,
        _data: *const c_void,
        _row_pitch: u32,
        _depth_pitch: u32,
    ) {
    }

    fn ReadFromSubresource(
        &self,
        _data: *mut c_void,
        _row_pitch: u32,
        _depth_pitch: u32,
        _from: Ref<ID3D11Resource>,
        _subresource: u32,
        _region: *const D3D11_BOX,
    ) {
    }
}

impl ID3D11Device4_Impl for Com<Device> {
    fn RegisterDeviceRemovedEvent(&self, event: HANDLE) -> windows_core::Result<u32> {
        com(self.inner.removal.register(&self.inner, event))
    }

    fn UnregisterDeviceRemoved(&self, cookie: u32) {
        self.inner.removal.unregister(cookie);
    }
}

impl ID3D11Device5_Impl for Com<Device> {
    fn OpenSharedFence(
        &self,
        _handle: HANDLE,
        _riid: *const GUID,
        fence: *mut *mut c_void,
    ) -> windows_core::Result<()> {
        if !fence.is_null() {
            // SAFETY: COM's contract.
            unsafe { fence.write(core::ptr::null_mut()) };
        }
        // The kernel model has no synchronization objects that several processes see.
        Err(error(E_NOTIMPL))
    }

    fn CreateFence(
        &self,
        initial: u64,
        flags: D3D11_FENCE_FLAG,
        riid: *const GUID,
        fence: *mut *mut c_void,
    ) -> windows_core::Result<()> {
        if riid.is_null() || fence.is_null() {
            return Err(error(E_POINTER));
        }
        // SAFETY: COM's contract.
        unsafe { fence.write(core::ptr::null_mut()) };
        if flags != D3D11_FENCE_FLAG_NONE {
            // Shared ones, see `OpenSharedFence`.
            let known = D3D11_FENCE_FLAG_SHARED.0 | D3D11_FENCE_FLAG_SHARED_CROSS_ADAPTER.0;
            return Err(error(if flags.0 & !known == 0 { DXGI_ERROR_UNSUPPORTED } else { E_INVALIDARG }));
        }
        let pointer = com(self.create_fence(initial))?.cast::<Com<Fence>>();
        // SAFETY: the object was just made.
        let object = unsafe { &*pointer };
        // SAFETY: COM's contract.
        let result = unsafe { object.QueryInterface(riid, fence) };
        // SAFETY: this is the creation's reference; the caller has one of its own if the interface is there.
        unsafe { Com::<Fence>::Release(pointer) };
        result.ok()
    }
}
