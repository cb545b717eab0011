//! `ID3D10Device1`: Direct3D 11's device and immediate context in one interface.

use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::Ordering;

use windows::Win32::Foundation::{HANDLE, RECT};
use windows::Win32::Graphics::Direct3D::D3D_PRIMITIVE_TOPOLOGY;
use windows::Win32::Graphics::Direct3D10::*;
use windows::Win32::Graphics::Direct3D11::*;
use windows::Win32::Graphics::Dxgi::Common::DXGI_FORMAT;
use windows_core::{BOOL, GUID, HRESULT, IUnknown, Interface, OutRef, PSTR, Ref, Type};

use super::super::context::Context;
use super::super::convert::com;
use super::super::device::Device;
use super::super::device2;
use super::super::object::Com;
use super::{Lent, Places, convert, lend, lower, raise};
use crate::hresult::E_INVALIDARG;

/// The device's table: that of `windows`, whose own methods leave an answer alone when they fail.
pub const VTABLE: ID3D10Device1_Vtbl = {
    let mut table = ID3D10Device1_Vtbl::new::<Com<Device>, { -4 }>();
    table.base__.CheckFormatSupport = check_format_support;
    table.base__.CheckMultisampleQualityLevels = check_multisample_quality_levels;
    table
};

unsafe extern "system" fn check_format_support(
    this: *mut c_void,
    format: DXGI_FORMAT,
    out: *mut u32,
) -> HRESULT {
    // SAFETY: passed on from the caller, with the first chain's pointer.
    unsafe { device2::check_format_support(lower(this), format, out) }
}

unsafe extern "system" fn check_multisample_quality_levels(
    this: *mut c_void,
    format: DXGI_FORMAT,
    samples: u32,
    out: *mut u32,
) -> HRESULT {
    // SAFETY: passed on from the caller, with the first chain's pointer.
    unsafe { device2::check_multisample_quality_levels(lower(this), format, samples, out) }
}

/// Viewports that can be set at once, `D3D10_VIEWPORT_AND_SCISSORRECT_OBJECT_COUNT_PER_PIPELINE`.
const VIEWPORTS: usize = 16;

impl Com<Device> {
    /// The immediate context, which outlives everything but the device.
    fn immediate(&self) -> Option<&Com<Context>> {
        self.inner.context()
    }

    /// Creates an object by a function of Direct3D 11 and returns its Direct3D 10 interface.
    fn created<To: Interface>(
        create: impl FnOnce(Places) -> windows_core::Result<()>,
    ) -> windows_core::Result<To> {
        let mut object = ptr::null_mut();
        create(Places::own(&mut object))?;
        // SAFETY: the creation succeeded, so the object is there, with a reference for its new owner.
        Ok(unsafe { To::from_raw(raise(object)) })
    }
}

/// Creates an object by a function of Direct3D 11 where Direct3D 10's caller wants it.
fn create_at<T: Type<T>>(
    out: &OutRef<'_, T>,
    create: impl FnOnce(Places) -> windows_core::Result<()>,
) -> windows_core::Result<()> {
    let places = Places::one(out);
    create(places)?;
    // SAFETY: COM's contract; a creation that succeeds has written an object.
    unsafe { places.raise() };
    Ok(())
}

/// A description, which must be there.
///
/// # Safety
/// `desc` is null or valid.
unsafe fn given<'a, T>(desc: *const T) -> windows_core::Result<&'a T> {
    // SAFETY: the caller's promise.
    com(unsafe { desc.as_ref() }.ok_or(E_INVALIDARG))
}

/// Functions that bind or return an array of objects to or from slots of a stage.
macro_rules! slots {
    ($($set:ident, $get:ident, $interface:ident;)*) => {$(
        fn $set(&self, start: u32, count: u32, objects: *const Option<$interface>) {
            // SAFETY: COM's contract.
            let lent = unsafe { Lent::new(objects, count) };
            if let (Some(context), Some(lent)) = (self.immediate(), lent) {
                ID3D11DeviceContext_Impl::$set(context, start, count, lent.array());
            }
        }

        fn $get(&self, start: u32, count: u32, objects: *mut Option<$interface>) {
            // SAFETY: COM's contract.
            let places = unsafe { Places::array(objects, count).clear() };
            if let Some(context) = self.immediate() {
                ID3D11DeviceContext_Impl::$get(context, start, count, places.slots());
            }
            // SAFETY: COM's contract; what the function above has written are interfaces.
            unsafe { places.raise() };
        }
    )*};
}

/// Functions that bind or return a stage's shader.
macro_rules! shaders {
    ($($set:ident, $get:ident, $interface:ident;)*) => {$(
        fn $set(&self, shader: Ref<$interface>) {
            if let Some(context) = self.immediate() {
                ID3D11DeviceContext_Impl::$set(context, lend(&shader), ptr::null(), 0);
            }
        }

        fn $get(&self, shader: OutRef<$interface>) {
            // SAFETY: COM's contract.
            let places = unsafe { Places::one(&shader).clear() };
            let mut none = None;
            if let Some(context) = self.immediate() {
                let instances = OutRef::from(&mut none);
                ID3D11DeviceContext_Impl::$get(context, places.out(), instances, ptr::null_mut());
            }
            // SAFETY: COM's contract; what the function above has written is an interface.
            unsafe { places.raise() };
        }
    )*};
}

/// Functions that pass plain values on to the context.
macro_rules! plain {
    ($($name:ident($($argument:ident: $type:ty),*);)*) => {$(
        fn $name(&self, $($argument: $type),*) {
            if let Some(context) = self.immediate() {
                ID3D11DeviceContext_Impl::$name(context, $($argument),*);
            }
        }
    )*};
}

/// Creations from a description that is the same words in both versions.
macro_rules! creations {
    ($($name:ident, $desc:ident, $interface:ident;)*) => {$(
        fn $name(&self, desc: *const $desc, object: OutRef<$interface>) -> windows_core::Result<()> {
            create_at(&object, |places| ID3D11Device_Impl::$name(self, desc.cast(), places.out()))
        }
    )*};
}

/// Creations of shaders.
macro_rules! programs {
    ($($name:ident, $interface:ident;)*) => {$(
        fn $name(
            &self,
            bytecode: *const c_void,
            length: usize,
            shader: OutRef<$interface>,
        ) -> windows_core::Result<()> {
            create_at(&shader, |places| {
                ID3D11Device_Impl::$name(self, bytecode, length, Ref::default(), places.out())
            })
        }
    )*};
}

impl ID3D10Device_Impl for Com<Device> {
    slots!(
        VSSetConstantBuffers, VSGetConstantBuffers, ID3D10Buffer;
        GSSetConstantBuffers, GSGetConstantBuffers, ID3D10Buffer;
        PSSetConstantBuffers, PSGetConstantBuffers, ID3D10Buffer;
        VSSetShaderResources, VSGetShaderResources, ID3D10ShaderResourceView;
        GSSetShaderResources, GSGetShaderResources, ID3D10ShaderResourceView;
        PSSetShaderResources, PSGetShaderResources, ID3D10ShaderResourceView;
        VSSetSamplers, VSGetSamplers, ID3D10SamplerState;
        GSSetSamplers, GSGetSamplers, ID3D10SamplerState;
        PSSetSamplers, PSGetSamplers, ID3D10SamplerState;
    );

    shaders!(
        VSSetShader, VSGetShader, ID3D10VertexShader;
        GSSetShader, GSGetShader, ID3D10GeometryShader;
        PSSetShader, PSGetShader, ID3D10PixelShader;
    );

    plain!(
        Draw(count: u32, first: u32);
        DrawIndexed(count: u32, first: u32, base: i32);
        DrawInstanced(count: u32, instances: u32, first: u32, first_instance: u32);
        DrawIndexedInstanced(count: u32, instances: u32, first: u32, base: i32, first_instance: u32);
        DrawAuto();
        IASetPrimitiveTopology(topology: D3D_PRIMITIVE_TOPOLOGY);
        IAGetPrimitiveTopology(topology: *mut D3D_PRIMITIVE_TOPOLOGY);
        RSSetScissorRects(count: u32, rects: *const RECT);
        RSGetScissorRects(count: *mut u32, rects: *mut RECT);
        ClearState();
        Flush();
    );

    creations!(
        CreateDepthStencilState, D3D10_DEPTH_STENCIL_DESC, ID3D10DepthStencilState;
        CreateRasterizerState, D3D10_RASTERIZER_DESC, ID3D10RasterizerState;
        CreateSamplerState, D3D10_SAMPLER_DESC, ID3D10SamplerState;
        CreateQuery, D3D10_QUERY_DESC, ID3D10Query;
        CreatePredicate, D3D10_QUERY_DESC, ID3D10Predicate;
        CreateCounter, D3D10_COUNTER_DESC, ID3D10Counter;
    );

    programs!(
        CreateVertexShader, ID3D10VertexShader;
        CreateGeometryShader, ID3D10GeometryShader;
        CreatePixelShader, ID3D10PixelShader;
    );

    fn IASetInputLayout(&self, layout: Ref<ID3D10InputLayout>) {
        if let Some(context) = self.immediate() {
            ID3D11DeviceContext_Impl::IASetInputLayout(context, lend(&layout));
        }
    }

    fn IAGetInputLayout(&self, layout: OutRef<ID3D10InputLayout>) {
        // SAFETY: COM's contract.
        let places = unsafe { Places::one(&layout).clear() };
        if let Some(context) = self.immediate() {
            ID3D11DeviceContext_Impl::IAGetInputLayout(context, places.out());
        }
        // SAFETY: COM's contract; what the function above has written is an interface.
        unsafe { places.raise() };
    }

    fn IASetVertexBuffers(
        &self,
        start: u32,
        count: u32,
        buffers: *const Option<ID3D10Buffer>,
        strides: *const u32,
        offsets: *const u32,
    ) {
        // SAFETY: COM's contract.
        let lent = unsafe { Lent::new(buffers, count) };
        if let (Some(context), Some(lent)) = (self.immediate(), lent) {
            ID3D11DeviceContext_Impl::IASetVertexBuffers(
                context,
                start,
                count,
                lent.array(),
                strides,
                offsets,
            );
        }
    }

    fn IAGetVertexBuffers(
        &self,
        start: u32,
        count: u32,
        buffers: OutRef<ID3D10Buffer>,
        strides: *mut u32,
        offsets: *mut u32,
    ) {
        // SAFETY: COM's contract.
        let places = unsafe { Places::several(&buffers, count).clear() };
        if let Some(context) = self.immediate() {
            ID3D11DeviceContext_Impl::IAGetVertexBuffers(
                context,
                start,
                count,
                places.out(),
                strides,
                offsets,
            );
        }
        // SAFETY: COM's contract; what the function above has written are interfaces.
        unsafe { places.raise() };
    }

    fn IASetIndexBuffer(&self, buffer: Ref<ID3D10Buffer>, format: DXGI_FORMAT, offset: u32) {
        if let Some(context) = self.immediate() {
            ID3D11DeviceContext_Impl::IASetIndexBuffer(context, lend(&buffer), format, offset);
        }
    }

    fn IAGetIndexBuffer(&self, buffer: OutRef<ID3D10Buffer>, format: *mut DXGI_FORMAT, offset: *mut u32) {
        // SAFETY: COM's contract.
        let places = unsafe { Places::one(&buffer).clear() };
        if let Some(context) = self.immediate() {
            ID3D11DeviceContext_Impl::IAGetIndexBuffer(context, places.out(), format, offset);
        }
        // SAFETY: COM's contract; what the function above has written is an interface.
        unsafe { places.raise() };
    }

    fn SetPredication(&self, predicate: Ref<ID3D10Predicate>, value: BOOL) {
        if let Some(context) = self.immediate() {
            ID3D11DeviceContext_Impl::SetPredication(context, lend(&predicate), value);
        }
    }

    fn GetPredication(&self, predicate: OutRef<ID3D10Predicate>, value: *mut BOOL) {
        // SAFETY: COM's contract.
        let places = unsafe { Places::one(&predicate).clear() };
        if let Some(context) = self.immediate() {
            ID3D11DeviceContext_Impl::GetPredication(context, places.out(), value);
        }
        // SAFETY: COM's contract; what the function above has written is an interface.
        unsafe { places.raise() };
    }

    fn OMSetRenderTargets(
        &self,
        count: u32,
        views: *const Option<ID3D10RenderTargetView>,
        depth: Ref<ID3D10DepthStencilView>,
    ) {
        // SAFETY: COM's contract.
        let lent = unsafe { Lent::new(views, count) };
        if let (Some(context), Some(lent)) = (self.immediate(), lent) {
            ID3D11DeviceContext_Impl::OMSetRenderTargets(context, count, lent.array(), lend(&depth));
        }
    }

    fn OMGetRenderTargets(
        &self,
        count: u32,
        views: *mut Option<ID3D10RenderTargetView>,
        depth: OutRef<ID3D10DepthStencilView>,
    ) {
        // SAFETY: COM's contract.
        let places = unsafe { Places::array(views, count).clear() };
        // SAFETY: COM's contract.
        let depth = unsafe { Places::one(&depth).clear() };
        if let Some(context) = self.immediate() {
            ID3D11DeviceContext_Impl::OMGetRenderTargets(context, count, places.slots(), depth.out());
        }
        // SAFETY: COM's contract; what the function above has written are interfaces.
        unsafe { places.raise() };
        // SAFETY: as above.
        unsafe { depth.raise() };
    }

    fn OMSetBlendState(&self, state: Ref<ID3D10BlendState>, factor: *const f32, mask: u32) {
        if let Some(context) = self.immediate() {
            ID3D11DeviceContext_Impl::OMSetBlendState(context, lend(&state), factor, mask);
        }
    }

    fn OMGetBlendState(&self, state: OutRef<ID3D10BlendState>, factor: *mut f32, mask: *mut u32) {
        // SAFETY: COM's contract.
        let places = unsafe { Places::one(&state).clear() };
        if let Some(context) = self.immediate() {
            ID3D11DeviceContext_Impl::OMGetBlendState(context, places.out(), factor, mask);
        }
        // SAFETY: COM's contract; what the function above has written is an interface.
        unsafe { places.raise() };
    }

    fn OMSetDepthStencilState(&self, state: Ref<ID3D10DepthStencilState>, reference: u32) {
        if let Some(context) = self.immediate() {
            ID3D11DeviceContext_Impl::OMSetDepthStencilState(context, lend(&state), reference);
        }
    }

    fn OMGetDepthStencilState(&self, state: OutRef<ID3D10DepthStencilState>, reference: *mut u32) {
        // SAFETY: COM's contract.
        let places = unsafe { Places::one(&state).clear() };
        if let Some(context) = self.immediate() {
            ID3D11DeviceContext_Impl::OMGetDepthStencilState(context, places.out(), reference);
        }
        // SAFETY: COM's contract; what the function above has written is an interface.
        unsafe { places.raise() };
    }

    fn SOSetTargets(&self, count: u32, targets: *const Option<ID3D10Buffer>, offsets: *const u32) {
        // SAFETY: COM's contract.
        let lent = unsafe { Lent::new(targets, count) };
        if let (Some(context), Some(lent)) = (self.immediate(), lent) {
            ID3D11DeviceContext_Impl::SOSetTargets(context, count, lent.array(), offsets);
        }
    }

    fn SOGetTargets(&self, count: u32, targets: OutRef<ID3D10Buffer>, offsets: *mut u32) {
        // SAFETY: COM's contract.
        let places = unsafe { Places::several(&targets, count).clear() };
        if let Some(context) = self.immediate() {
            ID3D11DeviceContext_Impl::SOGetTargets(context, count, places.slots());
        }
        // SAFETY: COM's contract; what the function above has written are interfaces.
        unsafe { places.raise() };
        if offsets.is_null() {
            return;
        }
        let mut bound: [Option<ID3D11Buffer>; D3D10_SO_BUFFER_SLOT_COUNT as usize] = Default::default();
        if let Some(context) = self.immediate() {
            ID3D11DeviceContext_Impl::SOGetTargets(context, D3D10_SO_BUFFER_SLOT_COUNT, bound.as_mut_ptr());
        }
        for index in 0..count as usize {
            // Where a buffer stands by now is known to the GPU only; Direct3D 11 does not return it any more.
            let offset = if matches!(bound.get(index), Some(Some(_))) { u32::MAX } else { 0 };
            // SAFETY: COM's contract.
            let place = unsafe { offsets.add(index) };
            // SAFETY: as above.
            unsafe { place.write(offset) };
        }
    }

    fn RSSetState(&self, state: Ref<ID3D10RasterizerState>) {
        if let Some(context) = self.immediate() {
            ID3D11DeviceContext_Impl::RSSetState(context, lend(&state));
        }
    }

    fn RSGetState(&self, state: OutRef<ID3D10RasterizerState>) {
        // SAFETY: COM's contract.
        let places = unsafe { Places::one(&state).clear() };
        if let Some(context) = self.immediate() {
            ID3D11DeviceContext_Impl::RSGetState(context, places.out());
        }
        // SAFETY: COM's contract; what the function above has written is an interface.
        unsafe { places.raise() };
    }

    fn RSSetViewports(&self, count: u32, viewports: *const D3D10_VIEWPORT) {
        let mut floats = [D3D11_VIEWPORT::default(); VIEWPORTS];
        if !viewports.is_null() {
            // SAFETY: COM's contract.
            let given = unsafe { core::slice::from_raw_parts(viewports, count as usize) };
            for (float, viewport) in floats.iter_mut().zip(given) {
                *float = convert::viewport(viewport);
            }
        }
        let Some(context) = self.immediate().filter(|_| count as usize <= VIEWPORTS) else { return };
        let array = if viewports.is_null() { ptr::null() } else { floats.as_ptr() };
        ID3D11DeviceContext_Impl::RSSetViewports(context, count, array);
    }

    fn RSGetViewports(&self, count: *mut u32, viewports: *mut D3D10_VIEWPORT) {
        let Some(context) = self.immediate() else { return };
        if viewports.is_null() {
            return ID3D11DeviceContext_Impl::RSGetViewports(context, count, ptr::null_mut());
        }
        // SAFETY: COM's contract.
        let Some(wanted) = (unsafe { count.as_mut() }) else { return };
        let mut floats = [D3D11_VIEWPORT::default(); VIEWPORTS];
        // CAST: sixteen.
        let mut found = (*wanted).min(VIEWPORTS as u32);
        ID3D11DeviceContext_Impl::RSGetViewports(context, &mut found, floats.as_mut_ptr());
        // What is wanted beyond what is set is zero.
        for index in 0..*wanted as usize {
            // SAFETY: COM's contract: the array has as many places as are wanted.
            let place = unsafe { viewports.add(index) };
            let value = floats.get(index).map(convert::viewport_back).unwrap_or_default();
            // SAFETY: as above.
            unsafe { place.write(value) };
        }
        *wanted = found;
    }

    fn CopySubresourceRegion(
        &self,
        to: Ref<ID3D10Resource>,
        subresource: u32,
        x: u32,
        y: u32,
        z: u32,
        from: Ref<ID3D10Resource>,
        from_subresource: u32,
        region: *const D3D10_BOX,
    ) {
        if let Some(context) = self.immediate() {
            ID3D11DeviceContext_Impl::CopySubresourceRegion(
                context,
                lend(&to),
                subresource,
                x,
                y,
                z,
                lend(&from),
                from_subresource,
                region.cast(),
            );
        }
    }

    fn CopyResource(&self, to: Ref<ID3D10Resource>, from: Ref<ID3D10Resource>) {
        if let Some(context) = self.immediate() {
            ID3D11DeviceContext_Impl::CopyResource(context, lend(&to), lend(&from));
        }
    }

    fn UpdateSubresource(
        &self,
        to: Ref<ID3D10Resource>,
        subresource: u32,
        region: *const D3D10_BOX,
        data: *const c_void,
        row_pitch: u32,
        depth_pitch: u32,
    ) {
        if let Some(context) = self.immediate() {
            let (to, region) = (lend(&to), region.cast());
            ID3D11DeviceContext_Impl::UpdateSubresource(
                context,
                to,
                subresource,
                region,
                data,
                row_pitch,
                depth_pitch,
            );
        }
    }

    fn ClearRenderTargetView(&self, view: Ref<ID3D10RenderTargetView>, color: *const f32) {
        if let Some(context) = self.immediate() {
            ID3D11DeviceContext_Impl::ClearRenderTargetView(context, lend(&view), color);
        }
    }

    fn ClearDepthStencilView(&self, view: Ref<ID3D10DepthStencilView>, flags: u32, depth: f32, stencil: u8) {
        if let Some(context) = self.immediate() {
            ID3D11DeviceContext_Impl::ClearDepthStencilView(context, lend(&view), flags, depth, stencil);
        }
    }

    fn GenerateMips(&self, view: Ref<ID3D10ShaderResourceView>) {
        if let Some(context) = self.immediate() {
            ID3D11DeviceContext_Impl::GenerateMips(context, lend(&view));
        }
    }

    fn ResolveSubresource(
        &self,
        to: Ref<ID3D10Resource>,
        subresource: u32,
        from: Ref<ID3D10Resource>,
        from_subresource: u32,
        format: DXGI_FORMAT,
    ) {
        if let Some(context) = self.immediate() {
            let (to, from) = (lend(&to), lend(&from));
            ID3D11DeviceContext_Impl::ResolveSubresource(
                context,
                to,
                subresource,
                from,
                from_subresource,
                format,
            );
        }
    }

    fn GetDeviceRemovedReason(&self) -> windows_core::Result<()> {
        ID3D11Device_Impl::GetDeviceRemovedReason(self)
    }

    fn SetExceptionMode(&self, flags: u32) -> windows_core::Result<()> {
        ID3D11Device_Impl::SetExceptionMode(self, flags)
    }

    fn GetExceptionMode(&self) -> u32 {
        ID3D11Device_Impl::GetExceptionMode(self)
    }

    fn GetPrivateData(
        &self,
        guid: *const GUID,
        size: *mut u32,
        data: *mut c_void,
    ) -> windows_core::Result<()> {
        ID3D11Device_Impl::GetPrivateData(self, guid, size, data)
    }

    fn SetPrivateData(&self, guid: *const GUID, size: u32, data: *const c_void) -> windows_core::Result<()> {
        ID3D11Device_Impl::SetPrivateData(self, guid, size, data)
    }

    fn SetPrivateDataInterface(&self, guid: *const GUID, data: Ref<IUnknown>) -> windows_core::Result<()> {
        ID3D11Device_Impl::SetPrivateDataInterface(self, guid, data)
    }

    fn CreateBuffer(
        &self,
        desc: *const D3D10_BUFFER_DESC,
        data: *const D3D10_SUBRESOURCE_DATA,
        buffer: OutRef<ID3D10Buffer>,
    ) -> windows_core::Result<()> {
        // SAFETY: COM's contract.
        let desc = convert::buffer(unsafe { given(desc) }?);
        create_at(&buffer, |places| ID3D11Device_Impl::CreateBuffer(self, &desc, data.cast(), places.out()))
    }

    fn CreateTexture1D(
        &self,
        desc: *const D3D10_TEXTURE1D_DESC,
        data: *const D3D10_SUBRESOURCE_DATA,
    ) -> windows_core::Result<ID3D10Texture1D> {
        // SAFETY: COM's contract.
        let desc = convert::texture1d(unsafe { given(desc) }?);
        Self::created(|places| ID3D11Device_Impl::CreateTexture1D(self, &desc, data.cast(), places.out()))
    }

    fn CreateTexture2D(
        &self,
        desc: *const D3D10_TEXTURE2D_DESC,
        data: *const D3D10_SUBRESOURCE_DATA,
    ) -> windows_core::Result<ID3D10Texture2D> {
        // SAFETY: COM's contract.
        let desc = convert::texture2d(unsafe { given(desc) }?);
        Self::created(|places| ID3D11Device_Impl::CreateTexture2D(self, &desc, data.cast(), places.out()))
    }

    fn CreateTexture3D(
        &self,
        desc: *const D3D10_TEXTURE3D_DESC,
        data: *const D3D10_SUBRESOURCE_DATA,
    ) -> windows_core::Result<ID3D10Texture3D> {
        // SAFETY: COM's contract.
        let desc = convert::texture3d(unsafe { given(desc) }?);
        Self::created(|places| ID3D11Device_Impl::CreateTexture3D(self, &desc, data.cast(), places.out()))
    }

    fn CreateShaderResourceView(
        &self,
        resource: Ref<ID3D10Resource>,
        desc: *const D3D10_SHADER_RESOURCE_VIEW_DESC,
        view: OutRef<ID3D10ShaderResourceView>,
    ) -> windows_core::Result<()> {
        create_at(&view, |places| {
            ID3D11Device_Impl::CreateShaderResourceView(self, lend(&resource), desc.cast(), places.out())
        })
    }

    fn CreateRenderTargetView(
        &self,
        resource: Ref<ID3D10Resource>,
        desc: *const D3D10_RENDER_TARGET_VIEW_DESC,
        view: OutRef<ID3D10RenderTargetView>,
    ) -> windows_core::Result<()> {
        create_at(&view, |places| {
            ID3D11Device_Impl::CreateRenderTargetView(self, lend(&resource), desc.cast(), places.out())
        })
    }

    fn CreateDepthStencilView(
        &self,
        resource: Ref<ID3D10Resource>,
        desc: *const D3D10_DEPTH_STENCIL_VIEW_DESC,
        view: OutRef<ID3D10DepthStencilView>,
    ) -> windows_core::Result<()> {
        // SAFETY: COM's contract; the description is five words.
        let words =
            unsafe { desc.cast::<[u32; 5]>().as_ref() }.map(|words| convert::depth_stencil_view(*words));
        let desc = words.as_ref().map_or(ptr::null(), |words| words.as_ptr().cast());
        create_at(&view, |places| {
            ID3D11Device_Impl::CreateDepthStencilView(self, lend(&resource), desc, places.out())
        })
    }

    fn CreateInputLayout(
        &self,
        elements: *const D3D10_INPUT_ELEMENT_DESC,
        count: u32,
        bytecode: *const c_void,
        length: usize,
        layout: OutRef<ID3D10InputLayout>,
    ) -> windows_core::Result<()> {
        create_at(&layout, |places| {
            ID3D11Device_Impl::CreateInputLayout(self, elements.cast(), count, bytecode, length, places.out())
        })
    }

    fn CreateGeometryShaderWithStreamOutput(
        &self,
        bytecode: *const c_void,
        length: usize,
        declaration: *const D3D10_SO_DECLARATION_ENTRY,
        count: u32,
        stride: u32,
        shader: OutRef<ID3D10GeometryShader>,
    ) -> windows_core::Result<()> {
        let entries = if declaration.is_null() {
            &[]
        } else {
            // SAFETY: COM's contract.
            unsafe { core::slice::from_raw_parts(declaration, count as usize) }
        };
        create_at(&shader, |places| {
            let converted = convert::stream_output(entries, stride).inspect_err(|_| {
                // SAFETY: COM's contract.
                unsafe { places.clear() };
            });
            let (converted, strides) = com(converted)?;
            ID3D11Device_Impl::CreateGeometryShaderWithStreamOutput(
                self,
                bytecode,
                length,
                if declaration.is_null() { ptr::null() } else { converted.as_ptr() },
                count,
                strides.as_ptr(),
                // CAST: a slot number has 8 bits.
                strides.len() as u32,
                0,
                Ref::default(),
                places.out(),
            )
        })
    }

    fn CreateBlendState(
        &self,
        desc: *const D3D10_BLEND_DESC,
        state: OutRef<ID3D10BlendState>,
    ) -> windows_core::Result<()> {
        // SAFETY: COM's contract.
        let desc = convert::blend(unsafe { given(desc) }?);
        create_at(&state, |places| ID3D11Device_Impl::CreateBlendState(self, &desc, places.out()))
    }

    fn CheckFormatSupport(&self, format: DXGI_FORMAT) -> windows_core::Result<u32> {
        ID3D11Device_Impl::CheckFormatSupport(self, format)
    }

    fn CheckMultisampleQualityLevels(&self, format: DXGI_FORMAT, samples: u32) -> windows_core::Result<u32> {
        ID3D11Device_Impl::CheckMultisampleQualityLevels(self, format, samples)
    }

    fn CheckCounterInfo(&self, info: *mut D3D10_COUNTER_INFO) {
        ID3D11Device_Impl::CheckCounterInfo(self, info.cast());
    }

    fn CheckCounter(
        &self,
        desc: *const D3D10_COUNTER_DESC,
        kind: *mut D3D10_COUNTER_TYPE,
        active: *mut u32,
        name: PSTR,
        name_length: *mut u32,
        units: PSTR,
        units_length: *mut u32,
        description: PSTR,
        description_length: *mut u32,
    ) -> windows_core::Result<()> {
        ID3D11Device_Impl::CheckCounter(
            self,
            desc.cast(),
            kind.cast(),
            active,
            name,
            name_length,
            units,
            units_length,
            description,
            description_length,
        )
    }

    fn GetCreationFlags(&self) -> u32 {
        ID3D11Device_Impl::GetCreationFlags(self)
    }

    fn OpenSharedResource(
        &self,
        handle: HANDLE,
        interface: *const GUID,
        resource: *mut *mut c_void,
    ) -> windows_core::Result<()> {
        ID3D11Device_Impl::OpenSharedResource(self, handle, interface, resource)
    }

    fn SetTextFilterSize(&self, width: u32, height: u32) {
        self.inner.text_filter.store(u64::from(height) << 32 | u64::from(width), Ordering::Relaxed);
    }

    fn GetTextFilterSize(&self, width: *mut u32, height: *mut u32) {
        let size = self.inner.text_filter.load(Ordering::Relaxed);
        // SAFETY: COM's contract: not null means valid.
        if let Some(width) = unsafe { width.as_mut() } {
            // CAST: the lower half.
            *width = size as u32;
        }
        // SAFETY: as above.
        if let Some(height) = unsafe { height.as_mut() } {
            // CAST: the upper half.
            *height = (size >> 32) as u32;
        }
    }
}

impl ID3D10Device1_Impl for Com<Device> {
    fn CreateShaderResourceView1(
        &self,
        resource: Ref<ID3D10Resource>,
        desc: *const D3D10_SHADER_RESOURCE_VIEW_DESC1,
        view: OutRef<ID3D10ShaderResourceView1>,
    ) -> windows_core::Result<()> {
        create_at(&view, |places| {
            ID3D11Device_Impl::CreateShaderResourceView(self, lend(&resource), desc.cast(), places.out())
        })
    }

    fn CreateBlendState1(
        &self,
        desc: *const D3D10_BLEND_DESC1,
        state: OutRef<ID3D10BlendState1>,
    ) -> windows_core::Result<()> {
        create_at(&state, |places| ID3D11Device_Impl::CreateBlendState(self, desc.cast(), places.out()))
    }

    fn GetFeatureLevel(&self) -> D3D10_FEATURE_LEVEL1 {
        D3D10_FEATURE_LEVEL1(self.inner.feature_level.cast_signed())
    }
}
