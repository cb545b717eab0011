//! Bindings.

use pvgpu_protocol::command::{
    ClassInstance, ConstantBufferBinding, StreamOutputTarget, UavBinding, VertexBufferBinding,
};
use pvgpu_umd_ddi::*;

use crate::ffi::argument::{Id, List, entries, entry_index, id};
use crate::object::{
    BlendState, DepthStencilState, DepthStencilView, ElementLayout, RasterizerState, RenderTargetView,
    Sampler, Shader, ShaderResourceView, UnorderedAccessView,
};
use crate::resource::Resource;
use crate::shadow::KEEP_COUNT;

/// An 11.0 constant buffer shows all that a shader can see.
const ALL_CONSTANTS: u32 = 4096;

/// The entries of one kind for the six stages, in the order of [`pvgpu_protocol::command::stage`].
macro_rules! by_stage {
    ($stage:ident: $($member:ident),+) => {
        *const { &[$(entry_index!($member)),+] }.get($stage as usize).unwrap_or(&0)
    };
}

/// The binding of an unordered-access view with its counter.
///
/// # Safety
/// The handle is the runtime's.
unsafe fn uav(handle: D3D11DDI_HUNORDEREDACCESSVIEW, counts: &[u32], index: usize) -> UavBinding {
    // SAFETY: passed on from the caller.
    let view = unsafe { id::<UnorderedAccessView>(handle) };
    UavBinding { view, initial_count: counts.get(index).copied().unwrap_or(KEEP_COUNT) }
}

/// A class instance from the number of its function table and the bits of its `D3D11DDIARG_POINTERDATA`.
fn class_instance(function_table: u32, pointer: u32) -> ClassInstance {
    let field = |mask: u32| (pointer & mask) >> mask.trailing_zeros();
    ClassInstance {
        function_table,
        constant_buffer: field(D3D11DDIARG_POINTERDATA::uCBID),
        constant_offset: field(D3D11DDIARG_POINTERDATA::uCBOffset),
        texture: field(D3D11DDIARG_POINTERDATA::uBaseTex),
        sampler: field(D3D11DDIARG_POINTERDATA::uBaseSamp),
    }
}

entries! {
    /// `pfnVsSetShader` and its like.
    set_shader<const STAGE: u32>
    at by_stage!(STAGE: pfnVsSetShader, pfnHsSetShader, pfnDsSetShader, pfnGsSetShader, pfnPsSetShader, pfnCsSetShader) =>
    |device, shader: Id<Shader>| device.set_shader(STAGE, shader.0);

    /// `pfnVsSetShaderWithIfaces` and its like.
    set_shader_with_ifaces<const STAGE: u32>
    at by_stage!(STAGE: pfnVsSetShaderWithIfaces, pfnHsSetShaderWithIfaces, pfnDsSetShaderWithIfaces,
        pfnGsSetShaderWithIfaces, pfnPsSetShaderWithIfaces, pfnCsSetShaderWithIfaces) =>
    |device, shader: Id<Shader>, count: u32, ifaces: List<u32>, pointers: List<D3D11DDIARG_POINTERDATA>| {
        // SAFETY: the count came with the list.
        let ifaces = unsafe { ifaces.get(count) };
        // SAFETY: the count came with the list.
        let pointers = unsafe { pointers.get(count) };
        let instances: Vec<ClassInstance> =
            ifaces.iter().zip(pointers).map(|(table, pointer)| class_instance(*table, pointer.Value)).collect();
        device.set_linked_shader(STAGE, shader.0, &instances)
    };

    /// `pfnVsSetShaderResources` and its like.
    set_shader_resources<const STAGE: u32>
    at by_stage!(STAGE: pfnVsSetShaderResources, pfnHsSetShaderResources, pfnDsSetShaderResources,
        pfnGsSetShaderResources, pfnPsSetShaderResources, pfnCsSetShaderResources) =>
    |device, start: u32, count: u32, views: List<D3D10DDI_HSHADERRESOURCEVIEW>| {
        // SAFETY: the count came with the list.
        let views = unsafe { views.get(count) };
        // SAFETY: the handles are the runtime's.
        device.set_shader_resources(STAGE, start, views.iter().map(|view| unsafe { id::<ShaderResourceView>(*view) }))
    };

    /// `pfnVsSetSamplers` and its like.
    set_samplers<const STAGE: u32>
    at by_stage!(STAGE: pfnVsSetSamplers, pfnHsSetSamplers, pfnDsSetSamplers,
        pfnGsSetSamplers, pfnPsSetSamplers, pfnCsSetSamplers) =>
    |device, start: u32, count: u32, samplers: List<D3D10DDI_HSAMPLER>| {
        // SAFETY: the count came with the list.
        let samplers = unsafe { samplers.get(count) };
        // SAFETY: the handles are the runtime's.
        device.set_samplers(STAGE, start, samplers.iter().map(|sampler| unsafe { id::<Sampler>(*sampler) }))
    };

    /// `pfnVsSetConstantBuffers` and its like, of 11.0.
    set_constant_buffers<const STAGE: u32>
    at by_stage!(STAGE: pfnVsSetConstantBuffers, pfnHsSetConstantBuffers, pfnDsSetConstantBuffers,
        pfnGsSetConstantBuffers, pfnPsSetConstantBuffers, pfnCsSetConstantBuffers) =>
    |device, start: u32, count: u32, buffers: List<D3D10DDI_HRESOURCE>| {
        // SAFETY: the count came with the list.
        let buffers = unsafe { buffers.get(count) };
        let bindings = buffers.iter().map(|buffer| {
            // SAFETY: the handles are the runtime's.
            let buffer = unsafe { id::<Resource>(*buffer) };
            ConstantBufferBinding { buffer, first_constant: 0, num_constants: ALL_CONSTANTS }
        });
        device.set_constant_buffers(STAGE, start, bindings)
    };

    /// `pfnVsSetConstantBuffers` and its like, of 11.1.
    set_constant_buffers_11_1<const STAGE: u32>
    at by_stage!(STAGE: pfnVsSetConstantBuffers, pfnHsSetConstantBuffers, pfnDsSetConstantBuffers,
        pfnGsSetConstantBuffers, pfnPsSetConstantBuffers, pfnCsSetConstantBuffers) =>
    |device, start: u32, count: u32, buffers: List<D3D10DDI_HRESOURCE>, first: List<u32>, number: List<u32>| {
        // SAFETY: the count came with the list.
        let buffers = unsafe { buffers.get(count) };
        // SAFETY: the count came with the list.
        let first = unsafe { first.get(count) };
        // SAFETY: the count came with the list.
        let number = unsafe { number.get(count) };
        let bindings = buffers.iter().enumerate().map(|(index, buffer)| {
            // SAFETY: the handles are the runtime's.
            let buffer = unsafe { id::<Resource>(*buffer) };
            let first_constant = first.get(index).copied().unwrap_or(0);
            let num_constants = number.get(index).copied().unwrap_or(ALL_CONSTANTS);
            ConstantBufferBinding { buffer, first_constant, num_constants }
        });
        device.set_constant_buffers(STAGE, start, bindings)
    };

    /// `pfnIaSetVertexBuffers`.
    ia_set_vertex_buffers at entry_index!(pfnIaSetVertexBuffers) =>
    |device, start: u32, count: u32, buffers: List<D3D10DDI_HRESOURCE>, strides: List<u32>, offsets: List<u32>| {
        // SAFETY: the count came with the list.
        let buffers = unsafe { buffers.get(count) };
        // SAFETY: the count came with the list.
        let strides = unsafe { strides.get(count) };
        // SAFETY: the count came with the list.
        let offsets = unsafe { offsets.get(count) };
        let bindings = buffers.iter().zip(strides).zip(offsets).map(|((buffer, stride), offset)| {
            // SAFETY: the handles are the runtime's.
            let buffer = unsafe { id::<Resource>(*buffer) };
            VertexBufferBinding { buffer, stride: *stride, offset: *offset }
        });
        device.set_vertex_buffers(start, bindings)
    };

    /// `pfnIaSetIndexBuffer`.
    ia_set_index_buffer at entry_index!(pfnIaSetIndexBuffer) =>
    |device, buffer: Id<Resource>, format: u32, offset: u32| device.set_index_buffer(buffer.0, format, offset);

    /// `pfnIaSetInputLayout`.
    ia_set_input_layout at entry_index!(pfnIaSetInputLayout) =>
    |device, layout: Id<ElementLayout>| device.set_input_layout(layout.0);

    /// `pfnIaSetTopology`.
    ia_set_topology at entry_index!(pfnIaSetTopology) =>
    |device, topology: u32| device.set_topology(topology);

    /// `pfnSetBlendState`.
    set_blend_state at entry_index!(pfnSetBlendState) =>
    |device, state: Id<BlendState>, factor: List<f32>, sample_mask: u32| {
        // SAFETY: the DDI's blend factor has four components.
        let factor = unsafe { factor.get(4) };
        device.set_blend_state(state.0, factor.first_chunk().copied().unwrap_or([1.0; 4]), sample_mask)
    };

    /// `pfnSetDepthStencilState`.
    set_depth_stencil_state at entry_index!(pfnSetDepthStencilState) =>
    |device, state: Id<DepthStencilState>, stencil_ref: u32| device.set_depth_stencil_state(state.0, stencil_ref);

    /// `pfnSetRasterizerState`.
    set_rasterizer_state at entry_index!(pfnSetRasterizerState) =>
    |device, state: Id<RasterizerState>| device.set_rasterizer_state(state.0);

    /// `pfnSetRenderTargets`.
    set_render_targets at entry_index!(pfnSetRenderTargets) =>
    |device, targets: List<D3D10DDI_HRENDERTARGETVIEW>, count: u32, _unbound: u32,
        depth_stencil: Id<DepthStencilView>, uavs: List<D3D11DDI_HUNORDEREDACCESSVIEW>, counts: List<u32>,
        uav_start: u32, uav_count: u32, first_updated: u32, updated: u32| {
        // SAFETY: the count came with the list.
        let targets = unsafe { targets.get(count) };
        // SAFETY: the count came with the list.
        let uavs = unsafe { uavs.get(uav_count) };
        // SAFETY: the count came with the list.
        let counts = unsafe { counts.get(uav_count) };
        // SAFETY: the handles are the runtime's.
        let targets = targets.iter().map(|target| unsafe { id::<RenderTargetView>(*target) });
        // SAFETY: the handles are the runtime's.
        let uavs = uavs.iter().enumerate().map(|(index, view)| unsafe { uav(*view, counts, index) });
        let updated = first_updated..first_updated.saturating_add(updated);
        device.set_render_targets(targets, depth_stencil.0, uav_start, uavs, updated)
    };

    /// `pfnCsSetUnorderedAccessViews`.
    cs_set_unordered_access_views at entry_index!(pfnCsSetUnorderedAccessViews) =>
    |device, start: u32, count: u32, uavs: List<D3D11DDI_HUNORDEREDACCESSVIEW>, counts: List<u32>| {
        // SAFETY: the count came with the list.
        let uavs = unsafe { uavs.get(count) };
        // SAFETY: the count came with the list.
        let counts = unsafe { counts.get(count) };
        // SAFETY: the handles are the runtime's.
        let uavs = uavs.iter().enumerate().map(|(index, view)| unsafe { uav(*view, counts, index) });
        device.set_compute_uavs(start, uavs)
    };

    /// `pfnSetViewports`.
    set_viewports at entry_index!(pfnSetViewports) =>
    |device, count: u32, _cleared: u32, viewports: List<D3D10_DDI_VIEWPORT>| {
        // SAFETY: the count came with the list.
        device.set_viewports(unsafe { viewports.get(count) })
    };

    /// `pfnSetScissorRects`.
    set_scissor_rects at entry_index!(pfnSetScissorRects) =>
    |device, count: u32, _cleared: u32, rects: List<D3D10_DDI_RECT>| {
        // SAFETY: the count came with the list.
        device.set_scissor_rects(unsafe { rects.get(count) })
    };

    /// `pfnSoSetTargets`: slots behind the count are cleared.
    so_set_targets at entry_index!(pfnSoSetTargets) =>
    |device, count: u32, _cleared: u32, targets: List<D3D10DDI_HRESOURCE>, offsets: List<u32>| {
        // SAFETY: the count came with the list.
        let targets = unsafe { targets.get(count) };
        // SAFETY: the count came with the list.
        let offsets = unsafe { offsets.get(count) };
        device.set_stream_output_targets(targets.iter().zip(offsets).map(|(target, offset)| {
            // SAFETY: the handles are the runtime's.
            let buffer = unsafe { id::<Resource>(*target) };
            StreamOutputTarget { buffer, offset: *offset }
        }))
    };
}
