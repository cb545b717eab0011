//! The COM edge of the context: arguments in, `Locked`'s methods, results out.
//!
//! Interface pointers of chain 0 are what `object` says; arrays have the lengths that the calls say. Those are the promises
//! of COM that every SAFETY comment here means by "COM's contract".

use core::ffi::c_void;

use pvgpu_umd_ddi::{D3D10_DDI_RECT, D3D10_DDI_VIEWPORT};
use windows::Win32::Foundation::RECT;
use windows::Win32::Graphics::Direct3D::D3D_PRIMITIVE_TOPOLOGY;
use windows::Win32::Graphics::Direct3D11::*;
use windows::Win32::Graphics::Dxgi::Common::DXGI_FORMAT;
use windows_core::{BOOL, IUnknownImpl, OutRef, Ref};

use super::super::convert::{com, error, region};
use super::super::driver::{Calls, Stage};
use super::super::object::Com;
use super::super::query::Query;
use super::super::resource::Resource;
use super::super::view::View;
use super::get::{ConstantBuffersOut, address, put, put_instances, put_slot, put_slots};
use super::list::CommandList;
use super::output::{Targets, Uavs};
use super::state::{UAVS, VIEWPORTS};
use super::state_object::ContextState;
use super::transfer::Place;
use super::{Kind, objects, values};
use crate::hresult::{E_INVALIDARG, require};

/// `D3D11_KEEP_RENDER_TARGETS_AND_DEPTH_STENCIL` and `D3D11_KEEP_UNORDERED_ACCESS_VIEWS`.
const KEEP: u32 = u32::MAX;

// The API's structs and the DDI's are the same words, so arrays of them pass as they are.
const _: () = assert!(size_of::<D3D11_VIEWPORT>() == size_of::<D3D10_DDI_VIEWPORT>());
const _: () = assert!(size_of::<RECT>() == size_of::<D3D10_DDI_RECT>());

/// The functions that every stage has.
macro_rules! stage {
    ($stage:ident, $shader:ty, $set_shader:ident, $set_resources:ident, $set_samplers:ident, $set_buffers:ident,
     $get_shader:ident, $get_resources:ident, $get_samplers:ident, $get_buffers:ident) => {
        #[inline]
        fn $set_shader(
            &self,
            shader: Ref<$shader>,
            instances: *const Option<ID3D11ClassInstance>,
            count: u32,
        ) {
            // SAFETY: COM's contract.
            let instances = unsafe { objects(instances, count) };
            self.lock().set_shader(Stage::$stage, Com::from_interface(&shader), instances);
        }

        #[inline]
        fn $set_resources(&self, start: u32, count: u32, views: *const Option<ID3D11ShaderResourceView>) {
            // SAFETY: COM's contract.
            let views = unsafe { objects(views, count) };
            self.lock().set_shader_resources(Stage::$stage, start, count, views);
        }

        #[inline]
        fn $set_samplers(&self, start: u32, count: u32, samplers: *const Option<ID3D11SamplerState>) {
            // SAFETY: COM's contract.
            let samplers = unsafe { objects(samplers, count) };
            self.lock().set_samplers(Stage::$stage, start, count, samplers);
        }

        #[inline]
        fn $set_buffers(&self, start: u32, count: u32, buffers: *const Option<ID3D11Buffer>) {
            // SAFETY: COM's contract.
            let buffers = unsafe { objects(buffers, count) };
            self.lock().set_constant_buffers(Stage::$stage, start, count, buffers, None);
        }

        fn $get_shader(
            &self,
            shader: OutRef<$shader>,
            instances: OutRef<ID3D11ClassInstance>,
            count: *mut u32,
        ) {
            let guard = self.lock();
            let bound = &guard.state.stages[Stage::$stage as usize];
            // SAFETY: COM's contract.
            unsafe { put_slot(address(shader), &bound.shader) };
            // SAFETY: COM's contract.
            unsafe { put_instances(address(instances), &bound.instances, count) };
        }

        fn $get_resources(&self, start: u32, count: u32, views: *mut Option<ID3D11ShaderResourceView>) {
            let guard = self.lock();
            let bound = &guard.state.stages[Stage::$stage as usize].shader_resources;
            // SAFETY: COM's contract.
            unsafe { put_slots(views.cast(), bound, start, count) };
        }

        fn $get_samplers(&self, start: u32, count: u32, samplers: *mut Option<ID3D11SamplerState>) {
            let guard = self.lock();
            let bound = &guard.state.stages[Stage::$stage as usize].samplers;
            // SAFETY: COM's contract.
            unsafe { put_slots(samplers.cast(), bound, start, count) };
        }

        fn $get_buffers(&self, start: u32, count: u32, buffers: *mut Option<ID3D11Buffer>) {
            let out = ConstantBuffersOut {
                start,
                count,
                buffers: buffers.cast(),
                firsts: core::ptr::null_mut(),
                counts: core::ptr::null_mut(),
            };
            // SAFETY: COM's contract.
            unsafe { self.lock().get_constant_buffers(Stage::$stage, out) };
        }
    };
}

/// The functions that every stage got with 11.1.
macro_rules! stage1 {
    ($stage:ident, $set:ident, $get:ident) => {
        fn $set(
            &self,
            start: u32,
            count: u32,
            buffers: *const Option<ID3D11Buffer>,
            firsts: *const u32,
            counts: *const u32,
        ) {
            // SAFETY: COM's contract.
            let buffers = unsafe { objects(buffers, count) };
            // SAFETY: COM's contract.
            let firsts = unsafe { values(firsts, count) };
            // SAFETY: COM's contract.
            let counts = unsafe { values(counts, count) };
            self.lock().set_constant_buffers(Stage::$stage, start, count, buffers, Some((firsts, counts)));
        }

        fn $get(
            &self,
            start: u32,
            count: u32,
            buffers: OutRef<ID3D11Buffer>,
            firsts: *mut u32,
            counts: *mut u32,
        ) {
            let out = ConstantBuffersOut { start, count, buffers: address(buffers), firsts, counts };
            // SAFETY: COM's contract.
            unsafe { self.lock().get_constant_buffers(Stage::$stage, out) };
        }
    };
}

impl<C: Kind> ID3D11DeviceContext_Impl for Com<C> {
    stage!(
        Vertex,
        ID3D11VertexShader,
        VSSetShader,
        VSSetShaderResources,
        VSSetSamplers,
        VSSetConstantBuffers,
        VSGetShader,
        VSGetShaderResources,
        VSGetSamplers,
        VSGetConstantBuffers
    );
    stage!(
        Hull,
        ID3D11HullShader,
        HSSetShader,
        HSSetShaderResources,
        HSSetSamplers,
        HSSetConstantBuffers,
        HSGetShader,
        HSGetShaderResources,
        HSGetSamplers,
        HSGetConstantBuffers
    );
    stage!(
        Domain,
        ID3D11DomainShader,
        DSSetShader,
        DSSetShaderResources,
        DSSetSamplers,
        DSSetConstantBuffers,
        DSGetShader,
        DSGetShaderResources,
        DSGetSamplers,
        DSGetConstantBuffers
    );
    stage!(
        Geometry,
        ID3D11GeometryShader,
        GSSetShader,
        GSSetShaderResources,
        GSSetSamplers,
        GSSetConstantBuffers,
        GSGetShader,
        GSGetShaderResources,
        GSGetSamplers,
        GSGetConstantBuffers
    );
    stage!(
        Pixel,
        ID3D11PixelShader,
        PSSetShader,
        PSSetShaderResources,
        PSSetSamplers,
        PSSetConstantBuffers,
        PSGetShader,
        PSGetShaderResources,
        PSGetSamplers,
        PSGetConstantBuffers
    );
    stage!(
        Compute,
        ID3D11ComputeShader,
        CSSetShader,
        CSSetShaderResources,
        CSSetSamplers,
        CSSetConstantBuffers,
        CSGetShader,
        CSGetShaderResources,
        CSGetSamplers,
        CSGetConstantBuffers
    );

    #[inline]
    fn DrawIndexed(&self, count: u32, first: u32, base: i32) {
        self.lock().driver.draw_indexed(count, first, base);
    }

    #[inline]
    fn Draw(&self, count: u32, first: u32) {
        self.lock().driver.draw(count, first);
    }

    #[inline]
    fn DrawIndexedInstanced(&self, count: u32, instances: u32, first: u32, base: i32, first_instance: u32) {
        self.lock().driver.draw_indexed_instanced(count, instances, first, base, first_instance);
    }

    #[inline]
    fn DrawInstanced(&self, count: u32, instances: u32, first: u32, first_instance: u32) {
        self.lock().driver.draw_instanced(count, instances, first, first_instance);
    }

    fn DrawAuto(&self) {
        self.lock().driver.draw_auto();
    }

    fn DrawIndexedInstancedIndirect(&self, arguments: Ref<ID3D11Buffer>, offset: u32) {
        let mut guard = self.lock();
        if let Some((handle, offset)) = guard.indirect(Com::from_interface(&arguments), offset, 20) {
            guard.driver.draw_indexed_instanced_indirect(handle, offset);
        }
    }

    fn DrawInstancedIndirect(&self, arguments: Ref<ID3D11Buffer>, offset: u32) {
        let mut guard = self.lock();
        if let Some((handle, offset)) = guard.indirect(Com::from_interface(&arguments), offset, 16) {
            guard.driver.draw_instanced_indirect(handle, offset);
        }
    }

    fn Dispatch(&self, x: u32, y: u32, z: u32) {
        // `D3D11_CS_DISPATCH_MAX_THREAD_GROUPS_PER_DIMENSION`: a larger call is dropped.
        if x.max(y).max(z) <= 65535 {
            self.lock().driver.dispatch(x, y, z);
        }
    }

    fn DispatchIndirect(&self, arguments: Ref<ID3D11Buffer>, offset: u32) {
        let mut guard = self.lock();
        if let Some((handle, offset)) = guard.indirect(Com::from_interface(&arguments), offset, 12) {
            guard.driver.dispatch_indirect(handle, offset);
        }
    }

    #[inline]
    fn Map(
        &self,
        resource: Ref<ID3D11Resource>,
        subresource: u32,
        mode: D3D11_MAP,
        flags: u32,
        mapped: *mut D3D11_MAPPED_SUBRESOURCE,
    ) -> windows_core::Result<()> {
        let resource = com(Com::<Resource>::from_interface(&resource).ok_or(E_INVALIDARG))?;
        let result = C::map(self, resource, subresource, mode.0.cast_unsigned(), flags);
        let memory = match result {
            Ok(memory) => memory,
            Err(code) => {
                // SAFETY: COM's contract.
                // The pitches stay as they are.
                if let Some(mapped) = unsafe { mapped.as_mut() } {
                    mapped.pData = core::ptr::null_mut();
                }
                com(self.device().inner.kernel.require_alive())?;
                return Err(error(code));
            }
        };
        let value = D3D11_MAPPED_SUBRESOURCE {
            pData: memory.pData,
            RowPitch: memory.RowPitch,
            DepthPitch: memory.DepthPitch,
        };
        // SAFETY: COM's contract.
        unsafe { put(mapped, value) };
        Ok(())
    }

    #[inline]
    fn Unmap(&self, resource: Ref<ID3D11Resource>, subresource: u32) {
        if let Some(resource) = Com::from_interface(&resource) {
            C::unmap(self, resource, subresource);
        }
    }

    #[inline]
    fn IASetInputLayout(&self, layout: Ref<ID3D11InputLayout>) {
        self.lock().set_input_layout(Com::from_interface(&layout));
    }

    #[inline]
    fn IASetVertexBuffers(
        &self,
        start: u32,
        count: u32,
        buffers: *const Option<ID3D11Buffer>,
        strides: *const u32,
        offsets: *const u32,
    ) {
        // SAFETY: COM's contract.
        let buffers = unsafe { objects(buffers, count) };
        // SAFETY: COM's contract.
        let strides = unsafe { values(strides, count) };
        // SAFETY: COM's contract.
        let offsets = unsafe { values(offsets, count) };
        self.lock().set_vertex_buffers(start, count, buffers, strides, offsets);
    }

    #[inline]
    fn IASetIndexBuffer(&self, buffer: Ref<ID3D11Buffer>, format: DXGI_FORMAT, offset: u32) {
        self.lock().set_index_buffer(Com::from_interface(&buffer), format.0.cast_unsigned(), offset);
    }

    #[inline]
    fn IASetPrimitiveTopology(&self, topology: D3D_PRIMITIVE_TOPOLOGY) {
        self.lock().set_topology(topology.0.cast_unsigned());
    }

    fn Begin(&self, query: Ref<ID3D11Asynchronous>) {
        if let Some(query) = Com::from_interface(&query) {
            C::begin(self, query);
        }
    }

    fn End(&self, query: Ref<ID3D11Asynchronous>) {
        if let Some(query) = Com::from_interface(&query) {
            C::end(self, query);
        }
    }

    fn GetData(
        &self,
        query: Ref<ID3D11Asynchronous>,
        data: *mut c_void,
        size: u32,
        flags: u32,
    ) -> windows_core::Result<()> {
        let query = com(Com::<Query>::from_interface(&query).ok_or(E_INVALIDARG))?;
        com(require(size == 0 || !data.is_null()))?;
        let result = C::get_data(self, query, size, flags);
        if result.is_err() {
            com(self.device().inner.kernel.require_alive())?;
        }
        let words = com(result)?;
        // SAFETY: COM's contract; `size` is at most that of the words.
        unsafe {
            core::ptr::copy_nonoverlapping(words.as_ptr().cast::<u8>(), data.cast::<u8>(), size as usize)
        };
        Ok(())
    }

    fn SetPredication(&self, predicate: Ref<ID3D11Predicate>, value: BOOL) {
        self.lock().set_predication(Com::from_interface(&predicate), value.0);
    }

    fn OMSetRenderTargets(
        &self,
        count: u32,
        views: *const Option<ID3D11RenderTargetView>,
        depth: Ref<ID3D11DepthStencilView>,
    ) {
        // SAFETY: COM's contract.
        let views = unsafe { objects(views, count) };
        let no_uavs = Uavs { start: 0, views: &[], counts: &[] };
        let targets = Targets { views, depth: Com::from_interface(&depth) };
        self.lock().set_targets(Some(targets), Some(no_uavs));
    }

    fn OMSetRenderTargetsAndUnorderedAccessViews(
        &self,
        count: u32,
        views: *const Option<ID3D11RenderTargetView>,
        depth: Ref<ID3D11DepthStencilView>,
        uav_start: u32,
        uav_count: u32,
        uavs: *const Option<ID3D11UnorderedAccessView>,
        counts: *const u32,
    ) {
        let targets = (count != KEEP).then(|| {
            // SAFETY: COM's contract.
            let views = unsafe { objects(views, count) };
            Targets { views, depth: Com::from_interface(&depth) }
        });
        let uavs = (uav_count != KEEP).then(|| {
            // SAFETY: COM's contract.
            let views = unsafe { objects(uavs, uav_count) };
            // SAFETY: COM's contract.
            let counts = unsafe { values(counts, uav_count) };
            Uavs { start: uav_start, views, counts }
        });
        self.lock().set_targets(targets, uavs);
    }

    #[inline]
    fn OMSetBlendState(&self, state: Ref<ID3D11BlendState>, factor: *const f32, mask: u32) {
        // SAFETY: COM's contract.
        let factor = unsafe { factor.cast::<[f32; 4]>().as_ref() }.copied();
        self.lock().set_blend_state(Com::from_interface(&state), factor, mask);
    }

    #[inline]
    fn OMSetDepthStencilState(&self, state: Ref<ID3D11DepthStencilState>, reference: u32) {
        self.lock().set_depth_stencil_state(Com::from_interface(&state), reference);
    }

    fn SOSetTargets(&self, count: u32, targets: *const Option<ID3D11Buffer>, offsets: *const u32) {
        // SAFETY: COM's contract.
        let targets = unsafe { objects(targets, count) };
        // SAFETY: COM's contract.
        let offsets = unsafe { values(offsets, count) };
        self.lock().set_so_targets(targets, offsets);
    }

    #[inline]
    fn RSSetState(&self, state: Ref<ID3D11RasterizerState>) {
        self.lock().set_rasterizer_state(Com::from_interface(&state));
    }

    #[inline]
    fn RSSetViewports(&self, count: u32, viewports: *const D3D11_VIEWPORT) {
        if count as usize <= VIEWPORTS {
            // SAFETY: COM's contract, and the two structs are the same words.
            let viewports = unsafe { values(viewports.cast::<D3D10_DDI_VIEWPORT>(), count) };
            self.lock().set_viewports(viewports);
        }
    }

    #[inline]
    fn RSSetScissorRects(&self, count: u32, rects: *const RECT) {
        if count as usize <= VIEWPORTS {
            // SAFETY: COM's contract, and the two structs are the same words.
            let rects = unsafe { values(rects.cast::<D3D10_DDI_RECT>(), count) };
            self.lock().set_scissor_rects(rects);
        }
    }

    fn CopySubresourceRegion(
        &self,
        to: Ref<ID3D11Resource>,
        to_subresource: u32,
        x: u32,
        y: u32,
        z: u32,
        from: Ref<ID3D11Resource>,
        from_subresource: u32,
        source: *const D3D11_BOX,
    ) {
        self.CopySubresourceRegion1(to, to_subresource, x, y, z, from, from_subresource, source, 0);
    }

    fn CopyResource(&self, to: Ref<ID3D11Resource>, from: Ref<ID3D11Resource>) {
        self.lock().copy_resource(Com::from_interface(&to), Com::from_interface(&from));
    }

    #[inline]
    fn UpdateSubresource(
        &self,
        to: Ref<ID3D11Resource>,
        subresource: u32,
        target: *const D3D11_BOX,
        data: *const c_void,
        row_pitch: u32,
        depth_pitch: u32,
    ) {
        self.UpdateSubresource1(to, subresource, target, data, row_pitch, depth_pitch, 0);
    }

    fn CopyStructureCount(&self, to: Ref<ID3D11Buffer>, offset: u32, view: Ref<ID3D11UnorderedAccessView>) {
        self.lock().copy_structure_count(Com::from_interface(&to), offset, Com::from_interface(&view));
    }

    #[inline]
    fn ClearRenderTargetView(&self, view: Ref<ID3D11RenderTargetView>, color: *const f32) {
        // SAFETY: COM's contract: four components.
        if let Some(color) = unsafe { color.cast::<[f32; 4]>().as_ref() } {
            self.lock().clear_render_target(Com::from_interface(&view), color);
        }
    }

    fn ClearUnorderedAccessViewUint(&self, view: Ref<ID3D11UnorderedAccessView>, values: *const u32) {
        // SAFETY: COM's contract: four components.
        let values = unsafe { values.cast::<[u32; 4]>().as_ref() };
        if let (Some(view), Some(values)) = (Com::<View>::from_interface(&view), values) {
            self.lock().clear_uint(view, values);
        }
    }

    fn ClearUnorderedAccessViewFloat(&self, view: Ref<ID3D11UnorderedAccessView>, values: *const f32) {
        // SAFETY: COM's contract: four components.
        let values = unsafe { values.cast::<[f32; 4]>().as_ref() };
        if let (Some(view), Some(values)) = (Com::<View>::from_interface(&view), values) {
            self.lock().clear_float(view, values);
        }
    }

    fn ClearDepthStencilView(&self, view: Ref<ID3D11DepthStencilView>, flags: u32, depth: f32, stencil: u8) {
        self.lock().clear_depth_stencil(Com::from_interface(&view), flags, depth, stencil);
    }

    fn GenerateMips(&self, view: Ref<ID3D11ShaderResourceView>) {
        self.lock().generate_mips(Com::from_interface(&view));
    }

    fn SetResourceMinLOD(&self, resource: Ref<ID3D11Resource>, lod: f32) {
        if let Some(resource) = Com::<Resource>::from_interface(&resource) {
            self.lock().set_min_lod(resource, lod);
        }
    }

    fn GetResourceMinLOD(&self, resource: Ref<ID3D11Resource>) -> f32 {
        Com::<Resource>::from_interface(&resource).map_or(0.0, |resource| resource.inner.min_lod())
    }

    fn ResolveSubresource(
        &self,
        to: Ref<ID3D11Resource>,
        to_subresource: u32,
        from: Ref<ID3D11Resource>,
        from_subresource: u32,
        format: DXGI_FORMAT,
    ) {
        let format = format.0.cast_unsigned();
        let (to, from) = (Com::from_interface(&to), Com::from_interface(&from));
        self.lock().resolve(to, to_subresource, from, from_subresource, format);
    }

    fn ExecuteCommandList(&self, list: Ref<ID3D11CommandList>, restore: BOOL) {
        let list = Com::<CommandList>::from_interface(&list);
        // A list of another device has handles of another driver.
        if let Some(list) = list.filter(|list| core::ptr::eq(list.device(), self.device())) {
            self.lock().execute(list, restore.as_bool());
        }
    }

    fn CSSetUnorderedAccessViews(
        &self,
        start: u32,
        count: u32,
        views: *const Option<ID3D11UnorderedAccessView>,
        counts: *const u32,
    ) {
        if count as usize > UAVS {
            return;
        }
        let nothing = [None; UAVS];
        // SAFETY: COM's contract.
        let views = match unsafe { objects(views, count) } {
            [] => nothing.get(..count as usize).unwrap_or_default(),
            views => views,
        };
        // SAFETY: COM's contract.
        let counts = unsafe { values(counts, count) };
        self.lock().set_compute_uavs(start, views, counts);
    }

    fn IAGetInputLayout(&self, layout: OutRef<ID3D11InputLayout>) {
        // SAFETY: COM's contract.
        unsafe { put_slot(address(layout), &self.lock().state.input_layout) };
    }

    fn IAGetVertexBuffers(
        &self,
        start: u32,
        count: u32,
        buffers: OutRef<ID3D11Buffer>,
        strides: *mut u32,
        offsets: *mut u32,
    ) {
        let guard = self.lock();
        // SAFETY: COM's contract.
        unsafe { put_slots(address(buffers), &guard.state.vertex_buffers, start, count) };
        // SAFETY: COM's contract.
        unsafe { super::get::put_numbers(strides, &guard.state.strides, start, count) };
        // SAFETY: COM's contract.
        unsafe { super::get::put_numbers(offsets, &guard.state.offsets, start, count) };
    }

    fn IAGetIndexBuffer(&self, buffer: OutRef<ID3D11Buffer>, format: *mut DXGI_FORMAT, offset: *mut u32) {
        let guard = self.lock();
        // SAFETY: COM's contract.
        unsafe { put_slot(address(buffer), &guard.state.index_buffer) };
        // SAFETY: COM's contract.
        unsafe { put(format, DXGI_FORMAT(guard.state.index_format.cast_signed())) };
        // SAFETY: COM's contract.
        unsafe { put(offset, guard.state.index_offset) };
    }

    fn IAGetPrimitiveTopology(&self, topology: *mut D3D_PRIMITIVE_TOPOLOGY) {
        let value = D3D_PRIMITIVE_TOPOLOGY(self.lock().state.topology.cast_signed());
        // SAFETY: COM's contract.
        unsafe { put(topology, value) };
    }

    fn GetPredication(&self, predicate: OutRef<ID3D11Predicate>, value: *mut BOOL) {
        let guard = self.lock();
        // SAFETY: COM's contract.
        unsafe { put_slot(address(predicate), &guard.state.predicate) };
        // SAFETY: COM's contract.
        unsafe { put(value, BOOL(guard.state.predicate_value)) };
    }

    fn OMGetRenderTargets(
        &self,
        count: u32,
        views: *mut Option<ID3D11RenderTargetView>,
        depth: OutRef<ID3D11DepthStencilView>,
    ) {
        let guard = self.lock();
        // SAFETY: COM's contract.
        unsafe { put_slots(views.cast(), &guard.state.render_targets, 0, count) };
        // SAFETY: COM's contract.
        unsafe { put_slot(address(depth), &guard.state.depth_stencil) };
    }

    fn OMGetRenderTargetsAndUnorderedAccessViews(
        &self,
        count: u32,
        views: *mut Option<ID3D11RenderTargetView>,
        depth: OutRef<ID3D11DepthStencilView>,
        uav_start: u32,
        uav_count: u32,
        uavs: *mut Option<ID3D11UnorderedAccessView>,
    ) {
        self.OMGetRenderTargets(count, views, depth);
        // SAFETY: COM's contract.
        unsafe { put_slots(uavs.cast(), &self.lock().state.uavs, uav_start, uav_count) };
    }

    fn OMGetBlendState(&self, state: OutRef<ID3D11BlendState>, factor: *mut f32, mask: *mut u32) {
        let guard = self.lock();
        // SAFETY: COM's contract.
        unsafe { put_slot(address(state), &guard.state.blend) };
        // SAFETY: COM's contract: four components.
        unsafe { put(factor.cast::<[f32; 4]>(), guard.state.blend_factor) };
        // SAFETY: COM's contract.
        unsafe { put(mask, guard.state.sample_mask) };
    }

    fn OMGetDepthStencilState(&self, state: OutRef<ID3D11DepthStencilState>, reference: *mut u32) {
        let guard = self.lock();
        // SAFETY: COM's contract.
        unsafe { put_slot(address(state), &guard.state.depth_state) };
        // SAFETY: COM's contract.
        unsafe { put(reference, guard.state.stencil_ref) };
    }

    fn SOGetTargets(&self, count: u32, targets: *mut Option<ID3D11Buffer>) {
        // SAFETY: COM's contract.
        unsafe { put_slots(targets.cast(), &self.lock().state.so_targets, 0, count) };
    }

    fn RSGetState(&self, state: OutRef<ID3D11RasterizerState>) {
        // SAFETY: COM's contract.
        unsafe { put_slot(address(state), &self.lock().state.rasterizer) };
    }

    fn RSGetViewports(&self, count: *mut u32, viewports: *mut D3D11_VIEWPORT) {
        // SAFETY: COM's contract.
        unsafe { self.lock().get_viewports(count, viewports) };
    }

    fn RSGetScissorRects(&self, count: *mut u32, rects: *mut RECT) {
        // SAFETY: COM's contract.
        unsafe { self.lock().get_scissor_rects(count, rects) };
    }

    fn CSGetUnorderedAccessViews(
        &self,
        start: u32,
        count: u32,
        views: *mut Option<ID3D11UnorderedAccessView>,
    ) {
        // SAFETY: COM's contract.
        unsafe { put_slots(views.cast(), &self.lock().state.compute_uavs, start, count) };
    }

    fn ClearState(&self) {
        self.lock().clear_state();
    }

    fn Flush(&self) {
        C::flush(self);
    }

    fn GetType(&self) -> D3D11_DEVICE_CONTEXT_TYPE {
        C::TYPE
    }

    fn GetContextFlags(&self) -> u32 {
        0
    }

    fn FinishCommandList(&self, restore: BOOL, list: OutRef<ID3D11CommandList>) -> windows_core::Result<()> {
        let out = address(list);
        // SAFETY: COM's contract.
        unsafe { put(out, core::ptr::null_mut()) };
        let list = com(C::finish(self, restore.as_bool()))?;
        if out.is_null() {
            // SAFETY: the list was just made, and this gives its only reference up.
            unsafe { Com::<CommandList>::Release(list.as_ptr()) };
        } else {
            // SAFETY: COM's contract; the reference goes to the caller.
            unsafe { out.write(list.as_ptr().cast()) };
        }
        Ok(())
    }
}

impl<C: Kind> ID3D11DeviceContext1_Impl for Com<C> {
    stage1!(Vertex, VSSetConstantBuffers1, VSGetConstantBuffers1);
    stage1!(Hull, HSSetConstantBuffers1, HSGetConstantBuffers1);
    stage1!(Domain, DSSetConstantBuffers1, DSGetConstantBuffers1);
    stage1!(Geometry, GSSetConstantBuffers1, GSGetConstantBuffers1);
    stage1!(Pixel, PSSetConstantBuffers1, PSGetConstantBuffers1);
    stage1!(Compute, CSSetConstantBuffers1, CSGetConstantBuffers1);

    fn CopySubresourceRegion1(
        &self,
        to: Ref<ID3D11Resource>,
        to_subresource: u32,
        x: u32,
        y: u32,
        z: u32,
        from: Ref<ID3D11Resource>,
        from_subresource: u32,
        source: *const D3D11_BOX,
        flags: u32,
    ) {
        // SAFETY: COM's contract.
        let source = unsafe { source.as_ref() }.map(region);
        let place = Place { subresource: to_subresource, at: [x, y, z] };
        let (to, from) = (Com::from_interface(&to), Com::from_interface(&from));
        self.lock().copy_region(to, place, from, from_subresource, source, flags);
    }

    fn UpdateSubresource1(
        &self,
        to: Ref<ID3D11Resource>,
        subresource: u32,
        target: *const D3D11_BOX,
        data: *const c_void,
        row_pitch: u32,
        depth_pitch: u32,
        flags: u32,
    ) {
        // SAFETY: COM's contract.
        let target = unsafe { target.as_ref() }.map(region);
        let (to, pitches) = (Com::from_interface(&to), [row_pitch, depth_pitch]);
        // SAFETY: COM's contract: `data` has what the box and the pitches say.
        unsafe { self.lock().update_subresource(to, subresource, target, data, pitches, flags) };
    }

    fn DiscardResource(&self, resource: Ref<ID3D11Resource>) {
        self.lock().discard_resource(Com::from_interface(&resource));
    }

    fn DiscardView(&self, view: Ref<ID3D11View>) {
        self.lock().discard_view(Com::from_interface(&view), &[]);
    }

    fn SwapDeviceContextState(
        &self,
        state: Ref<ID3DDeviceContextState>,
        previous: OutRef<ID3DDeviceContextState>,
    ) {
        let out = address(previous);
        let pointer = C::swap_state(self, Com::from_interface(&state));
        if !out.is_null() {
            // SAFETY: COM's contract; the reference goes to the caller.
            unsafe { out.write(pointer) };
        } else if let Some(previous) = core::ptr::NonNull::new(pointer) {
            // SAFETY: nobody wants the reference that `swap_state` gave.
            unsafe { Com::<ContextState>::Release(previous.as_ptr().cast()) };
        }
    }

    fn ClearView(&self, view: Ref<ID3D11View>, color: *const f32, rects: *const RECT, count: u32) {
        // SAFETY: COM's contract, and the two structs are the same words.
        let rects = unsafe { values(rects.cast::<D3D10_DDI_RECT>(), count) };
        // SAFETY: COM's contract: four components.
        if let Some(color) = unsafe { color.cast::<[f32; 4]>().as_ref() } {
            self.lock().clear_view(Com::from_interface(&view), color, rects);
        }
    }

    fn DiscardView1(&self, view: Ref<ID3D11View>, rects: *const RECT, count: u32) {
        // SAFETY: COM's contract, and the two structs are the same words.
        let rects = unsafe { values(rects.cast::<D3D10_DDI_RECT>(), count) };
        self.lock().discard_view(Com::from_interface(&view), rects);
    }
}
