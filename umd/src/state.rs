//! State objects: blend, depth-stencil, rasterizer, sampler.
//!
//! The DDI's numbers travel as they are; the host gives them their meaning. What a state does not use (a stencil operation
//! without stencil, say) may be anything in the DDI; the host takes legal values only, so it becomes the default there.

use pvgpu_protocol::command::{
    CreateBlendState, CreateDepthStencilState, CreateRasterizerState, CreateSampler, RenderTargetBlend,
    StencilFace,
};
use pvgpu_umd_ddi::*;

use crate::device::Device;
use crate::error::Error;
use crate::object::{BlendState, DepthStencilState, RasterizerState, Sampler};

/// A C boolean as 0 or 1.
const fn flag(value: BOOL) -> u32 {
    (value != 0) as u32
}

/// The 11.0 description as the 11.1 one.
pub fn map_blend_10_1(desc: &D3D10_1_DDI_BLEND_DESC) -> D3D11_1_DDI_BLEND_DESC {
    let mut wide = D3D11_1_DDI_BLEND_DESC {
        AlphaToCoverageEnable: desc.AlphaToCoverageEnable,
        IndependentBlendEnable: desc.IndependentBlendEnable,
        ..Default::default()
    };
    for (to, from) in wide.RenderTarget.iter_mut().zip(&desc.RenderTarget) {
        to.BlendEnable = from.BlendEnable;
        to.SrcBlend = from.SrcBlend;
        to.DestBlend = from.DestBlend;
        to.BlendOp = from.BlendOp;
        to.SrcBlendAlpha = from.SrcBlendAlpha;
        to.DestBlendAlpha = from.DestBlendAlpha;
        to.BlendOpAlpha = from.BlendOpAlpha;
        to.LogicOp = D3D11_1_DDI_LOGIC_OP_NOOP;
        to.RenderTargetWriteMask = from.RenderTargetWriteMask;
    }
    wide
}

/// The 11.0 description as the 11.1 one.
pub fn map_rasterizer_10(desc: &D3D10_DDI_RASTERIZER_DESC) -> D3D11_1_DDI_RASTERIZER_DESC {
    D3D11_1_DDI_RASTERIZER_DESC {
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
    }
}

/// A finite number: NaN as 0, infinities as the largest ones. A program may pass any bits where the host takes numbers only.
pub fn finite(value: f32) -> f32 {
    if value.is_nan() { 0.0 } else { value.clamp(f32::MIN, f32::MAX) }
}

/// The value if it counts, else the default.
const fn used_or(used: bool, value: u32, default: u32) -> u32 {
    if used { value } else { default }
}

fn map_face(face: &D3D10_DDI_DEPTH_STENCILOP_DESC, used: bool) -> StencilFace {
    if !used {
        return StencilFace {
            fail_op: D3D10_DDI_STENCIL_OP_KEEP,
            depth_fail_op: D3D10_DDI_STENCIL_OP_KEEP,
            pass_op: D3D10_DDI_STENCIL_OP_KEEP,
            func: D3D10_DDI_COMPARISON_ALWAYS,
        };
    }
    StencilFace {
        fail_op: face.StencilFailOp,
        depth_fail_op: face.StencilDepthFailOp,
        pass_op: face.StencilPassOp,
        func: face.StencilFunc,
    }
}

impl Device {
    /// `CreateBlendState`.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], [`Error::DeviceRemoved`], as every method here.
    pub fn create_blend_state(&mut self, desc: &D3D11_1_DDI_BLEND_DESC) -> Result<BlendState, Error> {
        let [first, ..] = desc.RenderTarget;
        let independent = desc.IndependentBlendEnable != 0;
        let render_targets =
            desc.RenderTarget.map(|target| if independent { target } else { first }).map(|target| {
                let (blends, logic) = (target.BlendEnable != 0, target.LogicOpEnable != 0);
                let (one, zero, add) = (D3D10_DDI_BLEND_ONE, D3D10_DDI_BLEND_ZERO, D3D10_DDI_BLEND_OP_ADD);
                RenderTargetBlend {
                    blend_enable: u32::from(blends),
                    logic_op_enable: u32::from(logic),
                    src_blend: used_or(blends, target.SrcBlend, one),
                    dest_blend: used_or(blends, target.DestBlend, zero),
                    blend_op: used_or(blends, target.BlendOp, add),
                    src_blend_alpha: used_or(blends, target.SrcBlendAlpha, one),
                    dest_blend_alpha: used_or(blends, target.DestBlendAlpha, zero),
                    blend_op_alpha: used_or(blends, target.BlendOpAlpha, add),
                    logic_op: used_or(logic, target.LogicOp, D3D11_1_DDI_LOGIC_OP_NOOP),
                    write_mask: u32::from(target.RenderTargetWriteMask),
                }
            });
        let mut command = CreateBlendState {
            id: 0,
            alpha_to_coverage_enable: flag(desc.AlphaToCoverageEnable),
            independent_blend_enable: flag(desc.IndependentBlendEnable),
            reserved: 0,
            render_targets,
        };
        self.create(
            |context, id| {
                command.id = id;
                context.emit(&command)
            },
            |id| BlendState { id },
        )
    }

    /// `CreateDepthStencilState`.
    ///
    /// # Errors
    /// As [`Device::create_blend_state`].
    pub fn create_depth_stencil_state(
        &mut self,
        desc: &D3D10_DDI_DEPTH_STENCIL_DESC,
    ) -> Result<DepthStencilState, Error> {
        let (depth, stencil) = (desc.DepthEnable != 0, desc.StencilEnable != 0);
        self.create(
            |context, id| {
                context.emit(&CreateDepthStencilState {
                    id,
                    depth_enable: flag(desc.DepthEnable),
                    depth_write_mask: used_or(depth, desc.DepthWriteMask, D3D10_DDI_DEPTH_WRITE_MASK_ZERO),
                    depth_func: used_or(depth, desc.DepthFunc, D3D10_DDI_COMPARISON_ALWAYS),
                    stencil_enable: flag(desc.StencilEnable),
                    stencil_read_mask: u32::from(desc.StencilReadMask),
                    stencil_write_mask: u32::from(desc.StencilWriteMask),
                    reserved: 0,
                    front_face: map_face(&desc.FrontFace, stencil),
                    back_face: map_face(&desc.BackFace, stencil),
                })
            },
            |id| DepthStencilState { id },
        )
    }

    /// `CreateRasterizerState`.
    ///
    /// # Errors
    /// As [`Device::create_blend_state`].
    pub fn create_rasterizer_state(
        &mut self,
        desc: &D3D11_1_DDI_RASTERIZER_DESC,
    ) -> Result<RasterizerState, Error> {
        self.create(
            |context, id| {
                context.emit(&CreateRasterizerState {
                    id,
                    fill_mode: desc.FillMode,
                    cull_mode: desc.CullMode,
                    front_counter_clockwise: flag(desc.FrontCounterClockwise),
                    depth_bias: desc.DepthBias,
                    depth_bias_clamp: finite(desc.DepthBiasClamp),
                    slope_scaled_depth_bias: finite(desc.SlopeScaledDepthBias),
                    depth_clip_enable: flag(desc.DepthClipEnable),
                    scissor_enable: flag(desc.ScissorEnable),
                    multisample_enable: flag(desc.MultisampleEnable),
                    antialiased_line_enable: flag(desc.AntialiasedLineEnable),
                    forced_sample_count: desc.ForcedSampleCount,
                })
            },
            |id| RasterizerState { id },
        )
    }

    /// `CreateSampler`.
    ///
    /// # Errors
    /// As [`Device::create_blend_state`].
    pub fn create_sampler(&mut self, desc: &D3D10_DDI_SAMPLER_DESC) -> Result<Sampler, Error> {
        self.create(
            |context, id| {
                context.emit(&CreateSampler {
                    id,
                    filter: desc.Filter,
                    address_u: desc.AddressU,
                    address_v: desc.AddressV,
                    address_w: desc.AddressW,
                    mip_lod_bias: finite(desc.MipLODBias),
                    max_anisotropy: desc.MaxAnisotropy,
                    comparison_func: desc.ComparisonFunc,
                    border_color: desc.BorderColor.map(finite),
                    min_lod: finite(desc.MinLOD),
                    max_lod: finite(desc.MaxLOD),
                })
            },
            |id| Sampler { id },
        )
    }
}
