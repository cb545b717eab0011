//! State objects.

use pvgpu_umd_ddi::*;

use crate::ffi::argument::{In, Place, Runtime, Taken, entries, entry_index};
use crate::object::{BlendState, DepthStencilState, Object, RasterizerState, Sampler};
use crate::state::{map_blend_10_1, map_rasterizer_10};

entries! {
    /// `pfnCreateBlendState` of 11.1.
    create_blend_state at entry_index!(pfnCreateBlendState) =>
    |device, desc: In<D3D11_1_DDI_BLEND_DESC>, place: Place<BlendState>, _rt: Runtime<D3D10DDI_HRTBLENDSTATE>| {
        device.create_blend_state(&desc).map(|state| place.put(state))
    };

    /// `pfnCreateBlendState` of 11.0.
    create_blend_state_11_0 at entry_index!(pfnCreateBlendState) =>
    |device, desc: In<D3D10_1_DDI_BLEND_DESC>, place: Place<BlendState>, _rt: Runtime<D3D10DDI_HRTBLENDSTATE>| {
        device.create_blend_state(&map_blend_10_1(&desc)).map(|state| place.put(state))
    };

    /// `pfnDestroyBlendState`.
    destroy_blend_state at entry_index!(pfnDestroyBlendState) =>
    |device, state: Taken<BlendState>| device.destroy(state.0.id());

    /// `pfnCreateDepthStencilState`.
    create_depth_stencil_state at entry_index!(pfnCreateDepthStencilState) =>
    |device, desc: In<D3D10_DDI_DEPTH_STENCIL_DESC>, place: Place<DepthStencilState>,
        _rt: Runtime<D3D10DDI_HRTDEPTHSTENCILSTATE>| {
        device.create_depth_stencil_state(&desc).map(|state| place.put(state))
    };

    /// `pfnDestroyDepthStencilState`.
    destroy_depth_stencil_state at entry_index!(pfnDestroyDepthStencilState) =>
    |device, state: Taken<DepthStencilState>| device.destroy(state.0.id());

    /// `pfnCreateRasterizerState` of 11.1.
    create_rasterizer_state at entry_index!(pfnCreateRasterizerState) =>
    |device, desc: In<D3D11_1_DDI_RASTERIZER_DESC>, place: Place<RasterizerState>,
        _rt: Runtime<D3D10DDI_HRTRASTERIZERSTATE>| {
        device.create_rasterizer_state(&desc).map(|state| place.put(state))
    };

    /// `pfnCreateRasterizerState` of 11.0.
    create_rasterizer_state_11_0 at entry_index!(pfnCreateRasterizerState) =>
    |device, desc: In<D3D10_DDI_RASTERIZER_DESC>, place: Place<RasterizerState>,
        _rt: Runtime<D3D10DDI_HRTRASTERIZERSTATE>| {
        device.create_rasterizer_state(&map_rasterizer_10(&desc)).map(|state| place.put(state))
    };

    /// `pfnDestroyRasterizerState`.
    destroy_rasterizer_state at entry_index!(pfnDestroyRasterizerState) =>
    |device, state: Taken<RasterizerState>| device.destroy(state.0.id());

    /// `pfnCreateSampler`.
    create_sampler at entry_index!(pfnCreateSampler) =>
    |device, desc: In<D3D10_DDI_SAMPLER_DESC>, place: Place<Sampler>, _rt: Runtime<D3D10DDI_HRTSAMPLER>| {
        device.create_sampler(&desc).map(|sampler| place.put(sampler))
    };

    /// `pfnDestroySampler`.
    destroy_sampler at entry_index!(pfnDestroySampler) =>
    |device, sampler: Taken<Sampler>| device.destroy(sampler.0.id());
}
