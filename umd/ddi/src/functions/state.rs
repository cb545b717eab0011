//! Function types of the device table that create, bind and destroy state objects.
//!
//! Each type is an `Option`: a null pointer is `None`. Null handles unbind.
#![expect(non_camel_case_types, non_snake_case, reason = "names are Microsoft's")]

use crate::*;

/// Bytes of driver memory for an input layout.
pub type PFND3D10DDI_CALCPRIVATEELEMENTLAYOUTSIZE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCreateElementLayout: *const D3D10DDIARG_CREATEELEMENTLAYOUT,
    ) -> usize,
>;

/// Creates an input layout.
pub type PFND3D10DDI_CREATEELEMENTLAYOUT = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCreateElementLayout: *const D3D10DDIARG_CREATEELEMENTLAYOUT,
        hElementLayout: D3D10DDI_HELEMENTLAYOUT,
        hRTElementLayout: D3D10DDI_HRTELEMENTLAYOUT,
    ),
>;

/// Destroys an input layout.
pub type PFND3D10DDI_DESTROYELEMENTLAYOUT =
    Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hElementLayout: D3D10DDI_HELEMENTLAYOUT)>;

/// Bytes of driver memory for a blend state (10.1, 11.0).
pub type PFND3D10_1DDI_CALCPRIVATEBLENDSTATESIZE = Option<
    unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, pBlendDesc: *const D3D10_1_DDI_BLEND_DESC) -> usize,
>;

/// Creates a blend state (10.1, 11.0).
pub type PFND3D10_1DDI_CREATEBLENDSTATE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pBlendDesc: *const D3D10_1_DDI_BLEND_DESC,
        hBlendState: D3D10DDI_HBLENDSTATE,
        hRTBlendState: D3D10DDI_HRTBLENDSTATE,
    ),
>;

/// Bytes of driver memory for a blend state (11.1).
pub type PFND3D11_1DDI_CALCPRIVATEBLENDSTATESIZE = Option<
    unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, pBlendDesc: *const D3D11_1_DDI_BLEND_DESC) -> usize,
>;

/// Creates a blend state (11.1).
pub type PFND3D11_1DDI_CREATEBLENDSTATE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pBlendDesc: *const D3D11_1_DDI_BLEND_DESC,
        hBlendState: D3D10DDI_HBLENDSTATE,
        hRTBlendState: D3D10DDI_HRTBLENDSTATE,
    ),
>;

/// Destroys a blend state.
pub type PFND3D10DDI_DESTROYBLENDSTATE =
    Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hBlendState: D3D10DDI_HBLENDSTATE)>;

/// Bytes of driver memory for a depth-stencil state.
pub type PFND3D10DDI_CALCPRIVATEDEPTHSTENCILSTATESIZE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pDepthStencilDesc: *const D3D10_DDI_DEPTH_STENCIL_DESC,
    ) -> usize,
>;

/// Creates a depth-stencil state.
pub type PFND3D10DDI_CREATEDEPTHSTENCILSTATE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pDepthStencilDesc: *const D3D10_DDI_DEPTH_STENCIL_DESC,
        hDepthStencilState: D3D10DDI_HDEPTHSTENCILSTATE,
        hRTDepthStencilState: D3D10DDI_HRTDEPTHSTENCILSTATE,
    ),
>;

/// Destroys a depth-stencil state.
pub type PFND3D10DDI_DESTROYDEPTHSTENCILSTATE = Option<
    unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hDepthStencilState: D3D10DDI_HDEPTHSTENCILSTATE),
>;

/// Bytes of driver memory for a rasterizer state (10.0 to 11.0).
pub type PFND3D10DDI_CALCPRIVATERASTERIZERSTATESIZE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pRasterizerDesc: *const D3D10_DDI_RASTERIZER_DESC,
    ) -> usize,
>;

/// Creates a rasterizer state (10.0 to 11.0).
pub type PFND3D10DDI_CREATERASTERIZERSTATE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pRasterizerDesc: *const D3D10_DDI_RASTERIZER_DESC,
        hRasterizerState: D3D10DDI_HRASTERIZERSTATE,
        hRTRasterizerState: D3D10DDI_HRTRASTERIZERSTATE,
    ),
>;

/// Bytes of driver memory for a rasterizer state (11.1).
pub type PFND3D11_1DDI_CALCPRIVATERASTERIZERSTATESIZE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pRasterizerDesc: *const D3D11_1_DDI_RASTERIZER_DESC,
    ) -> usize,
>;

/// Creates a rasterizer state (11.1).
pub type PFND3D11_1DDI_CREATERASTERIZERSTATE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pRasterizerDesc: *const D3D11_1_DDI_RASTERIZER_DESC,
        hRasterizerState: D3D10DDI_HRASTERIZERSTATE,
        hRTRasterizerState: D3D10DDI_HRTRASTERIZERSTATE,
    ),
>;

/// Destroys a rasterizer state.
pub type PFND3D10DDI_DESTROYRASTERIZERSTATE =
    Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hRasterizerState: D3D10DDI_HRASTERIZERSTATE)>;

/// Bytes of driver memory for a sampler.
pub type PFND3D10DDI_CALCPRIVATESAMPLERSIZE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pSamplerDesc: *const D3D10_DDI_SAMPLER_DESC,
    ) -> usize,
>;

/// Creates a sampler.
pub type PFND3D10DDI_CREATESAMPLER = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pSamplerDesc: *const D3D10_DDI_SAMPLER_DESC,
        hSampler: D3D10DDI_HSAMPLER,
        hRTSampler: D3D10DDI_HRTSAMPLER,
    ),
>;

/// Destroys a sampler.
pub type PFND3D10DDI_DESTROYSAMPLER =
    Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hSampler: D3D10DDI_HSAMPLER)>;

/// Binds a blend state with four blend factors and the sample mask.
pub type PFND3D10DDI_SETBLENDSTATE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hState: D3D10DDI_HBLENDSTATE,
        pBlendFactor: *const f32,
        SampleMask: u32,
    ),
>;

/// Binds a depth-stencil state and the stencil reference.
pub type PFND3D10DDI_SETDEPTHSTENCILSTATE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hState: D3D10DDI_HDEPTHSTENCILSTATE,
        StencilRef: u32,
    ),
>;

/// Binds a rasterizer state.
pub type PFND3D10DDI_SETRASTERIZERSTATE =
    Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hRasterizerState: D3D10DDI_HRASTERIZERSTATE)>;

/// Sets the size of the 1-bit text filter (10.0 only; kept in every table).
pub type PFND3D10DDI_SETTEXTFILTERSIZE =
    Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, Width: u32, Height: u32)>;
