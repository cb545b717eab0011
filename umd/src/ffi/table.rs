//! The device function tables, every entry filled.
//!
//! Entries that this driver does not implement report `E_NOTIMPL` and a trace record that names them.

use pvgpu_protocol::command::stage::{COMPUTE, DOMAIN, GEOMETRY, HULL, PIXEL, VERTEX};
use pvgpu_umd_ddi::*;

use super::argument::device;
use super::entries::lifecycle::{no_size, size, size2};
use super::entries::{bind, draw, lifecycle, query, resource, shader, state, tiled, transfer, view};
use crate::error::Error;
use crate::object::{
    BlendState, DepthStencilState, DepthStencilView, ElementLayout, RasterizerState, RenderTargetView,
    Sampler, Shader, ShaderResourceView, UnorderedAccessView,
};
use crate::query::Query;
use crate::resource::Resource;

/// What an entry that this driver does not implement does.
struct Report;

impl OnUnsupported for Report {
    fn unsupported(handle: D3D10DDI_HDEVICE, entry: &'static str) {
        // SAFETY: the runtime calls one entry of a living device at a time.
        let Some(device) = (unsafe { device(handle) }) else { return };
        let index = D3DWDDM1_3DDI_DEVICEFUNCS::NAMES.iter().position(|name| *name == entry);
        device.report(index.unwrap_or(usize::MAX), Error::Unsupported(entry));
    }
}

/// Fills the entries that have one prototype in all versions.
macro_rules! fill_common {
    ($table:ident) => {
        $table.pfnPsSetShaderResources = Some(bind::set_shader_resources::<PIXEL>);
        $table.pfnVsSetShaderResources = Some(bind::set_shader_resources::<VERTEX>);
        $table.pfnGsSetShaderResources = Some(bind::set_shader_resources::<GEOMETRY>);
        $table.pfnHsSetShaderResources = Some(bind::set_shader_resources::<HULL>);
        $table.pfnDsSetShaderResources = Some(bind::set_shader_resources::<DOMAIN>);
        $table.pfnCsSetShaderResources = Some(bind::set_shader_resources::<COMPUTE>);
        $table.pfnPsSetShader = Some(bind::set_shader::<PIXEL>);
        $table.pfnVsSetShader = Some(bind::set_shader::<VERTEX>);
        $table.pfnGsSetShader = Some(bind::set_shader::<GEOMETRY>);
        $table.pfnHsSetShader = Some(bind::set_shader::<HULL>);
        $table.pfnDsSetShader = Some(bind::set_shader::<DOMAIN>);
        $table.pfnCsSetShader = Some(bind::set_shader::<COMPUTE>);
        $table.pfnPsSetShaderWithIfaces = Some(bind::set_shader_with_ifaces::<PIXEL>);
        $table.pfnVsSetShaderWithIfaces = Some(bind::set_shader_with_ifaces::<VERTEX>);
        $table.pfnGsSetShaderWithIfaces = Some(bind::set_shader_with_ifaces::<GEOMETRY>);
        $table.pfnHsSetShaderWithIfaces = Some(bind::set_shader_with_ifaces::<HULL>);
        $table.pfnDsSetShaderWithIfaces = Some(bind::set_shader_with_ifaces::<DOMAIN>);
        $table.pfnCsSetShaderWithIfaces = Some(bind::set_shader_with_ifaces::<COMPUTE>);
        $table.pfnPsSetSamplers = Some(bind::set_samplers::<PIXEL>);
        $table.pfnVsSetSamplers = Some(bind::set_samplers::<VERTEX>);
        $table.pfnGsSetSamplers = Some(bind::set_samplers::<GEOMETRY>);
        $table.pfnHsSetSamplers = Some(bind::set_samplers::<HULL>);
        $table.pfnDsSetSamplers = Some(bind::set_samplers::<DOMAIN>);
        $table.pfnCsSetSamplers = Some(bind::set_samplers::<COMPUTE>);
        $table.pfnIaSetInputLayout = Some(bind::ia_set_input_layout);
        $table.pfnIaSetVertexBuffers = Some(bind::ia_set_vertex_buffers);
        $table.pfnIaSetIndexBuffer = Some(bind::ia_set_index_buffer);
        $table.pfnIaSetTopology = Some(bind::ia_set_topology);
        $table.pfnSetRenderTargets = Some(bind::set_render_targets);
        $table.pfnCsSetUnorderedAccessViews = Some(bind::cs_set_unordered_access_views);
        $table.pfnSetBlendState = Some(bind::set_blend_state);
        $table.pfnSetDepthStencilState = Some(bind::set_depth_stencil_state);
        $table.pfnSetRasterizerState = Some(bind::set_rasterizer_state);
        $table.pfnSetViewports = Some(bind::set_viewports);
        $table.pfnSetScissorRects = Some(bind::set_scissor_rects);
        $table.pfnSoSetTargets = Some(bind::so_set_targets);

        $table.pfnDraw = Some(draw::draw);
        $table.pfnDrawIndexed = Some(draw::draw_indexed);
        $table.pfnDrawInstanced = Some(draw::draw_instanced);
        $table.pfnDrawIndexedInstanced = Some(draw::draw_indexed_instanced);
        $table.pfnDrawInstancedIndirect = Some(draw::draw_instanced_indirect);
        $table.pfnDrawIndexedInstancedIndirect = Some(draw::draw_indexed_instanced_indirect);
        $table.pfnDrawAuto = Some(draw::draw_auto);
        $table.pfnDispatch = Some(draw::dispatch);
        $table.pfnDispatchIndirect = Some(draw::dispatch_indirect);

        $table.pfnDynamicIABufferMapNoOverwrite = Some(resource::resource_map);
        $table.pfnDynamicIABufferMapDiscard = Some(resource::resource_map);
        $table.pfnDynamicConstantBufferMapDiscard = Some(resource::resource_map);
        $table.pfnDynamicResourceMapDiscard = Some(resource::resource_map);
        $table.pfnStagingResourceMap = Some(resource::resource_map);
        $table.pfnResourceMap = Some(resource::resource_map);
        $table.pfnDynamicIABufferUnmap = Some(resource::resource_unmap);
        $table.pfnDynamicConstantBufferUnmap = Some(resource::resource_unmap);
        $table.pfnDynamicResourceUnmap = Some(resource::resource_unmap);
        $table.pfnStagingResourceUnmap = Some(resource::resource_unmap);
        $table.pfnResourceUnmap = Some(resource::resource_unmap);
        $table.pfnResourceIsStagingBusy = Some(resource::resource_is_staging_busy);
        $table.pfnResourceReadAfterWriteHazard = Some(resource::resource_read_after_write_hazard);
        $table.pfnShaderResourceViewReadAfterWriteHazard = Some(resource::view_read_after_write_hazard);
        $table.pfnSetResourceMinLOD = Some(resource::set_resource_min_lod);
        $table.pfnCalcPrivateResourceSize = Some(size::<Resource, _>);
        $table.pfnCalcPrivateOpenedResourceSize = Some(size::<Resource, _>);
        $table.pfnOpenResource = Some(resource::open_resource);
        $table.pfnCreateResource = Some(resource::create_resource);
        $table.pfnDestroyResource = Some(resource::destroy_resource);

        $table.pfnResourceCopy = Some(transfer::resource_copy);
        $table.pfnResourceConvert = Some(transfer::resource_copy);
        $table.pfnResourceResolveSubresource = Some(transfer::resource_resolve_subresource);
        $table.pfnGenMips = Some(transfer::gen_mips);
        $table.pfnCopyStructureCount = Some(transfer::copy_structure_count);
        $table.pfnClearRenderTargetView = Some(transfer::clear_render_target_view);
        $table.pfnClearDepthStencilView = Some(transfer::clear_depth_stencil_view);
        $table.pfnClearUnorderedAccessViewUint = Some(transfer::clear_unordered_access_view_uint);
        $table.pfnClearUnorderedAccessViewFloat = Some(transfer::clear_unordered_access_view_float);

        $table.pfnCalcPrivateShaderResourceViewSize = Some(size::<ShaderResourceView, _>);
        $table.pfnCreateShaderResourceView = Some(view::create_shader_resource_view);
        $table.pfnDestroyShaderResourceView = Some(view::destroy_shader_resource_view);
        $table.pfnCalcPrivateRenderTargetViewSize = Some(size::<RenderTargetView, _>);
        $table.pfnCreateRenderTargetView = Some(view::create_render_target_view);
        $table.pfnDestroyRenderTargetView = Some(view::destroy_render_target_view);
        $table.pfnCalcPrivateDepthStencilViewSize = Some(size::<DepthStencilView, _>);
        $table.pfnCreateDepthStencilView = Some(view::create_depth_stencil_view);
        $table.pfnDestroyDepthStencilView = Some(view::destroy_depth_stencil_view);
        $table.pfnCalcPrivateUnorderedAccessViewSize = Some(size::<UnorderedAccessView, _>);
        $table.pfnCreateUnorderedAccessView = Some(view::create_unordered_access_view);
        $table.pfnDestroyUnorderedAccessView = Some(view::destroy_unordered_access_view);

        $table.pfnCalcPrivateElementLayoutSize = Some(size::<ElementLayout, _>);
        $table.pfnCreateElementLayout = Some(shader::create_element_layout);
        $table.pfnDestroyElementLayout = Some(shader::destroy_element_layout);
        $table.pfnCreateComputeShader = Some(shader::create_compute_shader);
        $table.pfnDestroyShader = Some(shader::destroy_shader);
        $table.pfnCalcPrivateShaderSize = Some(size2::<Shader, _, _>);
        $table.pfnCalcPrivateGeometryShaderWithStreamOutput = Some(size2::<Shader, _, _>);
        $table.pfnCalcPrivateTessellationShaderSize = Some(size2::<Shader, _, _>);

        $table.pfnCalcPrivateBlendStateSize = Some(size::<BlendState, _>);
        $table.pfnDestroyBlendState = Some(state::destroy_blend_state);
        $table.pfnCalcPrivateDepthStencilStateSize = Some(size::<DepthStencilState, _>);
        $table.pfnCreateDepthStencilState = Some(state::create_depth_stencil_state);
        $table.pfnDestroyDepthStencilState = Some(state::destroy_depth_stencil_state);
        $table.pfnCalcPrivateRasterizerStateSize = Some(size::<RasterizerState, _>);
        $table.pfnDestroyRasterizerState = Some(state::destroy_rasterizer_state);
        $table.pfnCalcPrivateSamplerSize = Some(size::<Sampler, _>);
        $table.pfnCreateSampler = Some(state::create_sampler);
        $table.pfnDestroySampler = Some(state::destroy_sampler);

        $table.pfnCalcPrivateQuerySize = Some(size::<Query, _>);
        $table.pfnCreateQuery = Some(query::create_query);
        $table.pfnDestroyQuery = Some(query::destroy_query);
        $table.pfnQueryBegin = Some(query::query_begin);
        $table.pfnQueryEnd = Some(query::query_end);
        $table.pfnQueryGetData = Some(query::query_get_data);
        $table.pfnSetPredication = Some(query::set_predication);
        $table.pfnCheckFormatSupport = Some(query::check_format_support);
        $table.pfnCheckCounterInfo = Some(query::check_counter_info);

        $table.pfnDestroyDevice = Some(lifecycle::destroy_device);
        $table.pfnSetTextFilterSize = Some(lifecycle::set_text_filter_size);
        $table.pfnCheckDeferredContextHandleSizes = Some(lifecycle::check_deferred_context_handle_sizes);
        $table.pfnCalcPrivateDeferredContextSize = Some(no_size);
        $table.pfnCalcPrivateCommandListSize = Some(no_size);
    };
}

/// The table of Direct3D 11.0.
pub(super) fn d3d11() -> D3D11DDI_DEVICEFUNCS {
    let mut table = D3D11DDI_DEVICEFUNCS::unsupported::<Report>();
    fill_common!(table);
    table.pfnVsSetConstantBuffers = Some(bind::set_constant_buffers::<VERTEX>);
    table.pfnPsSetConstantBuffers = Some(bind::set_constant_buffers::<PIXEL>);
    table.pfnGsSetConstantBuffers = Some(bind::set_constant_buffers::<GEOMETRY>);
    table.pfnHsSetConstantBuffers = Some(bind::set_constant_buffers::<HULL>);
    table.pfnDsSetConstantBuffers = Some(bind::set_constant_buffers::<DOMAIN>);
    table.pfnCsSetConstantBuffers = Some(bind::set_constant_buffers::<COMPUTE>);
    table.pfnDefaultConstantBufferUpdateSubresourceUP = Some(transfer::update_subresource_11_0);
    table.pfnResourceUpdateSubresourceUP = Some(transfer::update_subresource_11_0);
    table.pfnResourceCopyRegion = Some(transfer::resource_copy_region_11_0);
    table.pfnResourceConvertRegion = Some(transfer::resource_copy_region_11_0);
    table.pfnCheckMultisampleQualityLevels = Some(query::check_multisample_quality_levels);
    table.pfnFlush = Some(lifecycle::flush_11_0);
    table.pfnRelocateDeviceFuncs = Some(lifecycle::relocate_device_funcs_11_0);
    table.pfnCreateBlendState = Some(state::create_blend_state_11_0);
    table.pfnCreateRasterizerState = Some(state::create_rasterizer_state_11_0);
    table.pfnCreateVertexShader = Some(shader::create_vertex_shader_11_0);
    table.pfnCreateGeometryShader = Some(shader::create_geometry_shader_11_0);
    table.pfnCreateGeometryShaderWithStreamOutput = Some(shader::create_stream_output_shader_11_0);
    table.pfnCreatePixelShader = Some(shader::create_pixel_shader_11_0);
    table.pfnCreateHullShader = Some(shader::create_hull_shader_11_0);
    table.pfnCreateDomainShader = Some(shader::create_domain_shader_11_0);
    table
}

/// Fills the entries that 11.1 and 11.2 have in common and 11.0 has not, or in another form.
macro_rules! fill_11_1 {
    ($table:ident) => {
        $table.pfnVsSetConstantBuffers = Some(bind::set_constant_buffers_11_1::<VERTEX>);
        $table.pfnPsSetConstantBuffers = Some(bind::set_constant_buffers_11_1::<PIXEL>);
        $table.pfnGsSetConstantBuffers = Some(bind::set_constant_buffers_11_1::<GEOMETRY>);
        $table.pfnHsSetConstantBuffers = Some(bind::set_constant_buffers_11_1::<HULL>);
        $table.pfnDsSetConstantBuffers = Some(bind::set_constant_buffers_11_1::<DOMAIN>);
        $table.pfnCsSetConstantBuffers = Some(bind::set_constant_buffers_11_1::<COMPUTE>);
        $table.pfnDefaultConstantBufferUpdateSubresourceUP = Some(transfer::update_subresource);
        $table.pfnResourceUpdateSubresourceUP = Some(transfer::update_subresource);
        $table.pfnResourceCopyRegion = Some(transfer::resource_copy_region);
        $table.pfnResourceConvertRegion = Some(transfer::resource_copy_region);
        $table.pfnFlush = Some(lifecycle::flush);
        $table.pfnCreateBlendState = Some(state::create_blend_state);
        $table.pfnCreateRasterizerState = Some(state::create_rasterizer_state);
        $table.pfnCreateVertexShader = Some(shader::create_vertex_shader);
        $table.pfnCreateGeometryShader = Some(shader::create_geometry_shader);
        $table.pfnCreateGeometryShaderWithStreamOutput = Some(shader::create_stream_output_shader);
        $table.pfnCreatePixelShader = Some(shader::create_pixel_shader);
        $table.pfnCreateHullShader = Some(shader::create_hull_shader);
        $table.pfnCreateDomainShader = Some(shader::create_domain_shader);
        $table.pfnDiscard = Some(resource::discard);
        $table.pfnAssignDebugBinary = Some(shader::assign_debug_binary);
        $table.pfnDynamicConstantBufferMapNoOverwrite = Some(resource::resource_map);
        $table.pfnCheckDirectFlipSupport = Some(resource::check_direct_flip_support);
        $table.pfnClearView = Some(view::clear_view);
    };
}

/// The table of Direct3D 11.1.
pub(super) fn d3d11_1() -> D3D11_1DDI_DEVICEFUNCS {
    let mut table = D3D11_1DDI_DEVICEFUNCS::unsupported::<Report>();
    fill_common!(table);
    fill_11_1!(table);
    table.pfnCheckMultisampleQualityLevels = Some(query::check_multisample_quality_levels);
    table.pfnRelocateDeviceFuncs = Some(lifecycle::relocate_device_funcs);
    table
}

/// The table of Direct3D 11.2 (WDDM 1.3).
pub(super) fn wddm1_3() -> D3DWDDM1_3DDI_DEVICEFUNCS {
    let mut table = D3DWDDM1_3DDI_DEVICEFUNCS::unsupported::<Report>();
    fill_common!(table);
    fill_11_1!(table);
    table.pfnCheckMultisampleQualityLevels = Some(tiled::check_multisample_quality_levels_wddm1_3);
    table.pfnRelocateDeviceFuncs = Some(tiled::relocate_device_funcs_wddm1_3);
    table.pfnUpdateTileMappings = Some(tiled::update_tile_mappings);
    table.pfnCopyTileMappings = Some(tiled::copy_tile_mappings);
    table.pfnCopyTiles = Some(tiled::copy_tiles);
    table.pfnUpdateTiles = Some(tiled::update_tiles);
    table.pfnTiledResourceBarrier = Some(tiled::tiled_resource_barrier);
    table.pfnGetMipPacking = Some(tiled::get_mip_packing);
    table.pfnResizeTilePool = Some(tiled::resize_tile_pool);
    table.pfnSetMarker = Some(tiled::set_marker);
    table.pfnSetMarkerMode = Some(tiled::set_marker_mode);
    table
}
