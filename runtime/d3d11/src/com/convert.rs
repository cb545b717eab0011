//! Descriptions of the API to those of the DDI and back: total functions over plain values.

use pvgpu_umd_ddi::{
    D3D10_DDI_BOX, D3D10_DDI_DEPTH_STENCIL_DESC, D3D10_DDI_DEPTH_STENCILOP_DESC, D3D10_DDI_SAMPLER_DESC,
    D3D11_1_DDI_BLEND_DESC, D3D11_1_DDI_RASTERIZER_DESC, D3D11_1_DDI_RENDER_TARGET_BLEND_DESC, FALSE,
};
use windows::Win32::Graphics::Direct3D11::{
    D3D11_BLEND, D3D11_BLEND_DESC, D3D11_BLEND_DESC1, D3D11_BLEND_OP, D3D11_BOX, D3D11_COMPARISON_FUNC,
    D3D11_CULL_MODE, D3D11_DEPTH_STENCIL_DESC, D3D11_DEPTH_STENCILOP_DESC, D3D11_DEPTH_WRITE_MASK,
    D3D11_FILL_MODE, D3D11_FILTER, D3D11_LOGIC_OP, D3D11_RASTERIZER_DESC, D3D11_RASTERIZER_DESC1,
    D3D11_RENDER_TARGET_BLEND_DESC, D3D11_RENDER_TARGET_BLEND_DESC1, D3D11_SAMPLER_DESC, D3D11_STENCIL_OP,
    D3D11_TEXTURE_ADDRESS_MODE,
};
use windows_core::BOOL;

use crate::hresult::Hresult;

/// A result of the safe part as a COM result. Errors without a message allocate nothing.
pub fn com<T>(result: crate::hresult::Result<T>) -> windows_core::Result<T> {
    result.map_err(error)
}

/// An error, or `S_FALSE`, as `windows-core` carries it.
pub fn error(code: Hresult) -> windows_core::Error {
    windows_core::Error::from_hresult(windows_core::HRESULT(code.0))
}

/// An enum of the API (a signed integer in `windows`) as the DDI's unsigned number.
const fn unsigned(value: i32) -> u32 {
    value.cast_unsigned()
}

/// A number of the DDI as an enum of the API.
const fn signed(value: u32) -> i32 {
    value.cast_signed()
}

/// `D3D11_BLEND_DESC` without logic operations.
pub fn blend(desc: &D3D11_BLEND_DESC) -> D3D11_1_DDI_BLEND_DESC {
    D3D11_1_DDI_BLEND_DESC {
        AlphaToCoverageEnable: desc.AlphaToCoverageEnable.0,
        IndependentBlendEnable: desc.IndependentBlendEnable.0,
        RenderTarget: desc.RenderTarget.map(|target| D3D11_1_DDI_RENDER_TARGET_BLEND_DESC {
            BlendEnable: target.BlendEnable.0,
            LogicOpEnable: FALSE,
            SrcBlend: unsigned(target.SrcBlend.0),
            DestBlend: unsigned(target.DestBlend.0),
            BlendOp: unsigned(target.BlendOp.0),
            SrcBlendAlpha: unsigned(target.SrcBlendAlpha.0),
            DestBlendAlpha: unsigned(target.DestBlendAlpha.0),
            BlendOpAlpha: unsigned(target.BlendOpAlpha.0),
            LogicOp: 0,
            RenderTargetWriteMask: target.RenderTargetWriteMask,
        }),
    }
}

/// `D3D11_BLEND_DESC1`.
pub fn blend1(desc: &D3D11_BLEND_DESC1) -> D3D11_1_DDI_BLEND_DESC {
    D3D11_1_DDI_BLEND_DESC {
        AlphaToCoverageEnable: desc.AlphaToCoverageEnable.0,
        IndependentBlendEnable: desc.IndependentBlendEnable.0,
        RenderTarget: desc.RenderTarget.map(|target| D3D11_1_DDI_RENDER_TARGET_BLEND_DESC {
            BlendEnable: target.BlendEnable.0,
            LogicOpEnable: target.LogicOpEnable.0,
            SrcBlend: unsigned(target.SrcBlend.0),
            DestBlend: unsigned(target.DestBlend.0),
            BlendOp: unsigned(target.BlendOp.0),
            SrcBlendAlpha: unsigned(target.SrcBlendAlpha.0),
            DestBlendAlpha: unsigned(target.DestBlendAlpha.0),
            BlendOpAlpha: unsigned(target.BlendOpAlpha.0),
            LogicOp: unsigned(target.LogicOp.0),
            RenderTargetWriteMask: target.RenderTargetWriteMask,
        }),
    }
}

/// Back to `D3D11_BLEND_DESC`.
pub fn blend_desc(desc: &D3D11_1_DDI_BLEND_DESC) -> D3D11_BLEND_DESC {
    D3D11_BLEND_DESC {
        AlphaToCoverageEnable: BOOL(desc.AlphaToCoverageEnable),
        IndependentBlendEnable: BOOL(desc.IndependentBlendEnable),
        RenderTarget: desc.RenderTarget.map(|target| D3D11_RENDER_TARGET_BLEND_DESC {
            BlendEnable: BOOL(target.BlendEnable),
            SrcBlend: D3D11_BLEND(signed(target.SrcBlend)),
            DestBlend: D3D11_BLEND(signed(target.DestBlend)),
            BlendOp: D3D11_BLEND_OP(signed(target.BlendOp)),
            SrcBlendAlpha: D3D11_BLEND(signed(target.SrcBlendAlpha)),
            DestBlendAlpha: D3D11_BLEND(signed(target.DestBlendAlpha)),
            BlendOpAlpha: D3D11_BLEND_OP(signed(target.BlendOpAlpha)),
            RenderTargetWriteMask: target.RenderTargetWriteMask,
        }),
    }
}

/// Back to `D3D11_BLEND_DESC1`.
pub fn blend_desc1(desc: &D3D11_1_DDI_BLEND_DESC) -> D3D11_BLEND_DESC1 {
    D3D11_BLEND_DESC1 {
        AlphaToCoverageEnable: BOOL(desc.AlphaToCoverageEnable),
        IndependentBlendEnable: BOOL(desc.IndependentBlendEnable),
        RenderTarget: desc.RenderTarget.map(|target| D3D11_RENDER_TARGET_BLEND_DESC1 {
            BlendEnable: BOOL(target.BlendEnable),
            LogicOpEnable: BOOL(target.LogicOpEnable),
            SrcBlend: D3D11_BLEND(signed(target.SrcBlend)),
            DestBlend: D3D11_BLEND(signed(target.DestBlend)),
            BlendOp: D3D11_BLEND_OP(signed(target.BlendOp)),
            SrcBlendAlpha: D3D11_BLEND(signed(target.SrcBlendAlpha)),
            DestBlendAlpha: D3D11_BLEND(signed(target.DestBlendAlpha)),
            BlendOpAlpha: D3D11_BLEND_OP(signed(target.BlendOpAlpha)),
            LogicOp: D3D11_LOGIC_OP(signed(target.LogicOp)),
            RenderTargetWriteMask: target.RenderTargetWriteMask,
        }),
    }
}

/// `D3D11_DEPTH_STENCIL_DESC`.
pub fn depth_stencil(desc: &D3D11_DEPTH_STENCIL_DESC) -> D3D10_DDI_DEPTH_STENCIL_DESC {
    let face = |face: &D3D11_DEPTH_STENCILOP_DESC| D3D10_DDI_DEPTH_STENCILOP_DESC {
        StencilFailOp: unsigned(face.StencilFailOp.0),
        StencilDepthFailOp: unsigned(face.StencilDepthFailOp.0),
        StencilPassOp: unsigned(face.StencilPassOp.0),
        StencilFunc: unsigned(face.StencilFunc.0),
    };
    D3D10_DDI_DEPTH_STENCIL_DESC {
        DepthEnable: desc.DepthEnable.0,
        DepthWriteMask: unsigned(desc.DepthWriteMask.0),
        DepthFunc: unsigned(desc.DepthFunc.0),
        StencilEnable: desc.StencilEnable.0,
        FrontEnable: 1,
        BackEnable: 1,
        StencilReadMask: desc.StencilReadMask,
        StencilWriteMask: desc.StencilWriteMask,
        FrontFace: face(&desc.FrontFace),
        BackFace: face(&desc.BackFace),
    }
}

/// Back to `D3D11_DEPTH_STENCIL_DESC`.
pub fn depth_stencil_desc(desc: &D3D10_DDI_DEPTH_STENCIL_DESC) -> D3D11_DEPTH_STENCIL_DESC {
    let face = |face: &D3D10_DDI_DEPTH_STENCILOP_DESC| D3D11_DEPTH_STENCILOP_DESC {
        StencilFailOp: D3D11_STENCIL_OP(signed(face.StencilFailOp)),
        StencilDepthFailOp: D3D11_STENCIL_OP(signed(face.StencilDepthFailOp)),
        StencilPassOp: D3D11_STENCIL_OP(signed(face.StencilPassOp)),
        StencilFunc: D3D11_COMPARISON_FUNC(signed(face.StencilFunc)),
    };
    D3D11_DEPTH_STENCIL_DESC {
        DepthEnable: BOOL(desc.DepthEnable),
        DepthWriteMask: D3D11_DEPTH_WRITE_MASK(signed(desc.DepthWriteMask)),
        DepthFunc: D3D11_COMPARISON_FUNC(signed(desc.DepthFunc)),
        StencilEnable: BOOL(desc.StencilEnable),
        StencilReadMask: desc.StencilReadMask,
        StencilWriteMask: desc.StencilWriteMask,
        FrontFace: face(&desc.FrontFace),
        BackFace: face(&desc.BackFace),
    }
}

/// `D3D11_RASTERIZER_DESC1`.
pub fn rasterizer1(desc: &D3D11_RASTERIZER_DESC1) -> D3D11_1_DDI_RASTERIZER_DESC {
    D3D11_1_DDI_RASTERIZER_DESC {
        FillMode: unsigned(desc.FillMode.0),
        CullMode: unsigned(desc.CullMode.0),
        FrontCounterClockwise: desc.FrontCounterClockwise.0,
        DepthBias: desc.DepthBias,
        DepthBiasClamp: desc.DepthBiasClamp,
        SlopeScaledDepthBias: desc.SlopeScaledDepthBias,
        DepthClipEnable: desc.DepthClipEnable.0,
        ScissorEnable: desc.ScissorEnable.0,
        MultisampleEnable: desc.MultisampleEnable.0,
        AntialiasedLineEnable: desc.AntialiasedLineEnable.0,
        ForcedSampleCount: desc.ForcedSampleCount,
    }
}

/// `D3D11_RASTERIZER_DESC`.
pub fn rasterizer(desc: &D3D11_RASTERIZER_DESC) -> D3D11_1_DDI_RASTERIZER_DESC {
    rasterizer1(&D3D11_RASTERIZER_DESC1 {
        FillMode: desc.FillMode,
        CullMode: desc.CullMode,
        FrontCounterClockwise: desc.FrontCounterClockwise,
        DepthBias: desc.DepthBias,
        DepthBiasClamp: desc.DepthBiasClamp,
        SlopeScaledDepthBias: desc.SlopeScaledDepthBias,
        DepthClipEnable: desc.DepthClipEnable,
        ScissorEnable: desc.ScissorEnable,
        MultisampleEnable: desc.MultisampleEnable,
        AntialiasedLineEnable: desc.AntialiasedLineEnable,
        ForcedSampleCount: 0,
    })
}

/// Back to `D3D11_RASTERIZER_DESC1`.
pub fn rasterizer_desc1(desc: &D3D11_1_DDI_RASTERIZER_DESC) -> D3D11_RASTERIZER_DESC1 {
    D3D11_RASTERIZER_DESC1 {
        FillMode: D3D11_FILL_MODE(signed(desc.FillMode)),
        CullMode: D3D11_CULL_MODE(signed(desc.CullMode)),
        FrontCounterClockwise: BOOL(desc.FrontCounterClockwise),
        DepthBias: desc.DepthBias,
        DepthBiasClamp: desc.DepthBiasClamp,
        SlopeScaledDepthBias: desc.SlopeScaledDepthBias,
        DepthClipEnable: BOOL(desc.DepthClipEnable),
        ScissorEnable: BOOL(desc.ScissorEnable),
        MultisampleEnable: BOOL(desc.MultisampleEnable),
        AntialiasedLineEnable: BOOL(desc.AntialiasedLineEnable),
        ForcedSampleCount: desc.ForcedSampleCount,
    }
}

/// Back to `D3D11_RASTERIZER_DESC`.
pub fn rasterizer_desc(desc: &D3D11_1_DDI_RASTERIZER_DESC) -> D3D11_RASTERIZER_DESC {
    let desc = rasterizer_desc1(desc);
    D3D11_RASTERIZER_DESC {
        FillMode: desc.FillMode,
        CullMode: desc.CullMode,
        FrontCounterClockwise: desc.FrontCounterClockwise,
        DepthBias: desc.DepthBias,
        DepthBiasClamp: desc.DepthBiasClamp,
        SlopeScaledDepthBias: desc.SlopeScaledDepthBias,
        DepthClipEnable: desc.DepthClipEnable,
        ScissorEnable: desc.ScissorEnable,
        MultisampleEnable: desc.MultisampleEnable,
        AntialiasedLineEnable: desc.AntialiasedLineEnable,
    }
}

/// `D3D11_SAMPLER_DESC`.
pub fn sampler(desc: &D3D11_SAMPLER_DESC) -> D3D10_DDI_SAMPLER_DESC {
    D3D10_DDI_SAMPLER_DESC {
        Filter: unsigned(desc.Filter.0),
        AddressU: unsigned(desc.AddressU.0),
        AddressV: unsigned(desc.AddressV.0),
        AddressW: unsigned(desc.AddressW.0),
        MipLODBias: desc.MipLODBias,
        MaxAnisotropy: desc.MaxAnisotropy,
        ComparisonFunc: unsigned(desc.ComparisonFunc.0),
        BorderColor: desc.BorderColor,
        MinLOD: desc.MinLOD,
        MaxLOD: desc.MaxLOD,
    }
}

/// Back to `D3D11_SAMPLER_DESC`.
pub fn sampler_desc(desc: &D3D10_DDI_SAMPLER_DESC) -> D3D11_SAMPLER_DESC {
    D3D11_SAMPLER_DESC {
        Filter: D3D11_FILTER(signed(desc.Filter)),
        AddressU: D3D11_TEXTURE_ADDRESS_MODE(signed(desc.AddressU)),
        AddressV: D3D11_TEXTURE_ADDRESS_MODE(signed(desc.AddressV)),
        AddressW: D3D11_TEXTURE_ADDRESS_MODE(signed(desc.AddressW)),
        MipLODBias: desc.MipLODBias,
        MaxAnisotropy: desc.MaxAnisotropy,
        ComparisonFunc: D3D11_COMPARISON_FUNC(signed(desc.ComparisonFunc)),
        BorderColor: desc.BorderColor,
        MinLOD: desc.MinLOD,
        MaxLOD: desc.MaxLOD,
    }
}

/// `D3D11_BOX`; a corner beyond `i32::MAX` stays beyond every resource.
pub fn region(region: &D3D11_BOX) -> D3D10_DDI_BOX {
    let corner = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
    D3D10_DDI_BOX {
        left: corner(region.left),
        top: corner(region.top),
        front: corner(region.front),
        right: corner(region.right),
        bottom: corner(region.bottom),
        back: corner(region.back),
    }
}
