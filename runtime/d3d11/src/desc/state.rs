//! Fixed-function state descriptions: checks, and the one form that equal states share.
//!
//! Direct3D 11 returns the same object for descriptions that mean the same, and `GetDesc` shows the normalised form:
//! members that have no effect hold their defaults. [`Key`] is the normalised form as words, to look states up by.

use pvgpu_umd_ddi::{
    D3D10_DDI_BLEND_ONE, D3D10_DDI_BLEND_OP_ADD, D3D10_DDI_BLEND_ZERO, D3D10_DDI_COMPARISON_ALWAYS,
    D3D10_DDI_COMPARISON_LESS, D3D10_DDI_COMPARISON_NEVER, D3D10_DDI_DEPTH_STENCIL_DESC,
    D3D10_DDI_DEPTH_STENCILOP_DESC, D3D10_DDI_DEPTH_WRITE_MASK_ALL, D3D10_DDI_SAMPLER_DESC,
    D3D10_DDI_STENCIL_OP_KEEP, D3D10_DDI_TEXTURE_ADDRESS_BORDER, D3D11_1_DDI_BLEND_DESC,
    D3D11_1_DDI_LOGIC_OP_NOOP, D3D11_1_DDI_RASTERIZER_DESC, D3D11_1_DDI_RENDER_TARGET_BLEND_DESC, FALSE,
    TRUE,
};

use crate::hresult::{Result, require};

/// The words of a normalised description.
pub type Key = Vec<u32>;

/// Checks and normalises a blend description.
///
/// # Errors
/// `E_INVALIDARG`: a value is no member of its enum, or logic operations are combined with blending, with separate
/// targets, or not supported (`logic_op`).
pub fn blend(desc: &D3D11_1_DDI_BLEND_DESC, logic_op: bool) -> Result<(D3D11_1_DDI_BLEND_DESC, Key)> {
    let mut normal = D3D11_1_DDI_BLEND_DESC {
        AlphaToCoverageEnable: truth(desc.AlphaToCoverageEnable),
        IndependentBlendEnable: truth(desc.IndependentBlendEnable),
        ..Default::default()
    };
    let independent = normal.IndependentBlendEnable == TRUE;
    let [first, ..] = &desc.RenderTarget;
    let mut key = vec![normal.AlphaToCoverageEnable.cast_unsigned(), u32::from(independent)];
    for (to, own) in normal.RenderTarget.iter_mut().zip(&desc.RenderTarget) {
        let from = if independent { own } else { first };
        *to = render_target(from)?;
        if from.LogicOpEnable != FALSE {
            require(logic_op && !independent && from.BlendEnable == FALSE)?;
        }
        key.extend([
            to.BlendEnable.cast_unsigned(),
            to.LogicOpEnable.cast_unsigned(),
            to.SrcBlend,
            to.DestBlend,
            to.BlendOp,
            to.SrcBlendAlpha,
            to.DestBlendAlpha,
            to.BlendOpAlpha,
            to.LogicOp,
            u32::from(to.RenderTargetWriteMask),
        ]);
    }
    Ok((normal, key))
}

fn render_target(
    desc: &D3D11_1_DDI_RENDER_TARGET_BLEND_DESC,
) -> Result<D3D11_1_DDI_RENDER_TARGET_BLEND_DESC> {
    require(desc.RenderTargetWriteMask <= 0xf)?;
    let mut normal = D3D11_1_DDI_RENDER_TARGET_BLEND_DESC {
        BlendEnable: truth(desc.BlendEnable),
        LogicOpEnable: truth(desc.LogicOpEnable),
        SrcBlend: D3D10_DDI_BLEND_ONE,
        DestBlend: D3D10_DDI_BLEND_ZERO,
        BlendOp: D3D10_DDI_BLEND_OP_ADD,
        SrcBlendAlpha: D3D10_DDI_BLEND_ONE,
        DestBlendAlpha: D3D10_DDI_BLEND_ZERO,
        BlendOpAlpha: D3D10_DDI_BLEND_OP_ADD,
        LogicOp: D3D11_1_DDI_LOGIC_OP_NOOP,
        RenderTargetWriteMask: desc.RenderTargetWriteMask,
    };
    if normal.BlendEnable == TRUE {
        // 12 and 13 are Direct3D 9's; alpha factors may not be colours.
        let factor = |value: u32| matches!(value, 1..=11 | 14..=19);
        let colour = |value: u32| matches!(value, 3 | 4 | 9 | 10 | 16 | 17);
        require(factor(desc.SrcBlend) && factor(desc.DestBlend))?;
        require(factor(desc.SrcBlendAlpha) && factor(desc.DestBlendAlpha))?;
        require(!colour(desc.SrcBlendAlpha) && !colour(desc.DestBlendAlpha))?;
        require((1..=5).contains(&desc.BlendOp) && (1..=5).contains(&desc.BlendOpAlpha))?;
        normal.SrcBlend = desc.SrcBlend;
        normal.DestBlend = desc.DestBlend;
        normal.BlendOp = desc.BlendOp;
        normal.SrcBlendAlpha = desc.SrcBlendAlpha;
        normal.DestBlendAlpha = desc.DestBlendAlpha;
        normal.BlendOpAlpha = desc.BlendOpAlpha;
    }
    if normal.LogicOpEnable == TRUE {
        require(desc.LogicOp <= 15)?;
        normal.LogicOp = desc.LogicOp;
    }
    Ok(normal)
}

/// Checks and normalises a depth-stencil description.
///
/// # Errors
/// `E_INVALIDARG`: a value is no member of its enum.
pub fn depth_stencil(desc: &D3D10_DDI_DEPTH_STENCIL_DESC) -> Result<(D3D10_DDI_DEPTH_STENCIL_DESC, Key)> {
    let face = D3D10_DDI_DEPTH_STENCILOP_DESC {
        StencilFailOp: D3D10_DDI_STENCIL_OP_KEEP,
        StencilDepthFailOp: D3D10_DDI_STENCIL_OP_KEEP,
        StencilPassOp: D3D10_DDI_STENCIL_OP_KEEP,
        StencilFunc: D3D10_DDI_COMPARISON_ALWAYS,
    };
    let mut normal = D3D10_DDI_DEPTH_STENCIL_DESC {
        DepthEnable: truth(desc.DepthEnable),
        DepthWriteMask: D3D10_DDI_DEPTH_WRITE_MASK_ALL,
        DepthFunc: D3D10_DDI_COMPARISON_LESS,
        StencilEnable: truth(desc.StencilEnable),
        FrontEnable: TRUE,
        BackEnable: TRUE,
        StencilReadMask: 0xff,
        StencilWriteMask: 0xff,
        FrontFace: face,
        BackFace: face,
    };
    if normal.DepthEnable == TRUE {
        require(desc.DepthWriteMask <= 1 && comparison(desc.DepthFunc))?;
        normal.DepthWriteMask = desc.DepthWriteMask;
        normal.DepthFunc = desc.DepthFunc;
    }
    if normal.StencilEnable == TRUE {
        for face in [&desc.FrontFace, &desc.BackFace] {
            let ops = [face.StencilFailOp, face.StencilDepthFailOp, face.StencilPassOp];
            require(ops.iter().all(|op| (1..=8).contains(op)) && comparison(face.StencilFunc))?;
        }
        normal.StencilReadMask = desc.StencilReadMask;
        normal.StencilWriteMask = desc.StencilWriteMask;
        normal.FrontFace = desc.FrontFace;
        normal.BackFace = desc.BackFace;
    }
    let mut key = vec![
        normal.DepthEnable.cast_unsigned(),
        normal.DepthWriteMask,
        normal.DepthFunc,
        normal.StencilEnable.cast_unsigned(),
        u32::from(normal.StencilReadMask),
        u32::from(normal.StencilWriteMask),
    ];
    for face in [&normal.FrontFace, &normal.BackFace] {
        key.extend([face.StencilFailOp, face.StencilDepthFailOp, face.StencilPassOp, face.StencilFunc]);
    }
    Ok((normal, key))
}

/// Checks and normalises a rasterizer description.
///
/// # Errors
/// `E_INVALIDARG`: a value is no member of its enum, or the forced sample count is not 0, 1, 4, 8 or 16.
pub fn rasterizer(desc: &D3D11_1_DDI_RASTERIZER_DESC) -> Result<(D3D11_1_DDI_RASTERIZER_DESC, Key)> {
    require(matches!(desc.FillMode, 2 | 3) && (1..=3).contains(&desc.CullMode))?;
    require(matches!(desc.ForcedSampleCount, 0 | 1 | 4 | 8 | 16))?;
    require(!desc.DepthBiasClamp.is_nan() && !desc.SlopeScaledDepthBias.is_nan())?;
    let normal = D3D11_1_DDI_RASTERIZER_DESC {
        FrontCounterClockwise: truth(desc.FrontCounterClockwise),
        DepthClipEnable: truth(desc.DepthClipEnable),
        ScissorEnable: truth(desc.ScissorEnable),
        MultisampleEnable: truth(desc.MultisampleEnable),
        AntialiasedLineEnable: truth(desc.AntialiasedLineEnable),
        ..*desc
    };
    let key = vec![
        normal.FillMode,
        normal.CullMode,
        normal.FrontCounterClockwise.cast_unsigned(),
        normal.DepthBias.cast_unsigned(),
        normal.DepthBiasClamp.to_bits(),
        normal.SlopeScaledDepthBias.to_bits(),
        normal.DepthClipEnable.cast_unsigned(),
        normal.ScissorEnable.cast_unsigned(),
        normal.MultisampleEnable.cast_unsigned(),
        normal.AntialiasedLineEnable.cast_unsigned(),
        normal.ForcedSampleCount,
    ];
    Ok((normal, key))
}

/// Checks and normalises a sampler description.
///
/// # Errors
/// `E_INVALIDARG`: a value is no member of its enum, or anisotropy or the levels are out of range.
pub fn sampler(desc: &D3D10_DDI_SAMPLER_DESC) -> Result<(D3D10_DDI_SAMPLER_DESC, Key)> {
    // D3D11_FILTER: three two-bit filters (linear or point), anisotropy, and the reduction in bits 7 and 8.
    const ANISOTROPIC: u32 = 0x55;
    let base = desc.Filter & 0x7f;
    let reduction = desc.Filter >> 7;
    // Minimum and maximum reduction (2, 3) came with tiled resources, tier 2, which this version does not serve.
    require(reduction <= 1 && (base == ANISOTROPIC || base & !0x15 == 0))?;
    let address = |mode: u32| (1..=5).contains(&mode);
    require(address(desc.AddressU) && address(desc.AddressV) && address(desc.AddressW))?;
    let compares = reduction == 1;
    let anisotropic = base == ANISOTROPIC;
    if compares {
        require(comparison(desc.ComparisonFunc))?;
    }
    if anisotropic {
        require((1..=16).contains(&desc.MaxAnisotropy))?;
    }
    require(!desc.MipLODBias.is_nan() && !desc.MinLOD.is_nan() && !desc.MaxLOD.is_nan())?;
    let bordered = [desc.AddressU, desc.AddressV, desc.AddressW].contains(&D3D10_DDI_TEXTURE_ADDRESS_BORDER);
    let normal = D3D10_DDI_SAMPLER_DESC {
        MaxAnisotropy: if anisotropic { desc.MaxAnisotropy } else { 0 },
        ComparisonFunc: if compares { desc.ComparisonFunc } else { D3D10_DDI_COMPARISON_NEVER },
        BorderColor: if bordered { desc.BorderColor } else { [0.0; 4] },
        ..*desc
    };
    let mut key = vec![
        normal.Filter,
        normal.AddressU,
        normal.AddressV,
        normal.AddressW,
        normal.MipLODBias.to_bits(),
        normal.MaxAnisotropy,
        normal.ComparisonFunc,
        normal.MinLOD.to_bits(),
        normal.MaxLOD.to_bits(),
    ];
    key.extend(normal.BorderColor.map(f32::to_bits));
    Ok((normal, key))
}

const fn truth(value: i32) -> i32 {
    if value == FALSE { FALSE } else { TRUE }
}

fn comparison(value: u32) -> bool {
    (1..=8).contains(&value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The blend state of a device without one: no blending, all channels written.
    fn default_blend() -> D3D11_1_DDI_BLEND_DESC {
        let target =
            D3D11_1_DDI_RENDER_TARGET_BLEND_DESC { RenderTargetWriteMask: 0xf, ..Default::default() };
        D3D11_1_DDI_BLEND_DESC { RenderTarget: [target; 8], ..Default::default() }
    }

    /// The depth-stencil state of a device without one: depth test and writes on, no stencil.
    fn default_depth_stencil() -> D3D10_DDI_DEPTH_STENCIL_DESC {
        D3D10_DDI_DEPTH_STENCIL_DESC {
            DepthEnable: TRUE,
            DepthWriteMask: D3D10_DDI_DEPTH_WRITE_MASK_ALL,
            DepthFunc: D3D10_DDI_COMPARISON_LESS,
            ..Default::default()
        }
    }

    /// The rasterizer state of a device without one: solid, back faces culled, clipped.
    fn default_rasterizer() -> D3D11_1_DDI_RASTERIZER_DESC {
        D3D11_1_DDI_RASTERIZER_DESC { FillMode: 3, CullMode: 3, DepthClipEnable: TRUE, ..Default::default() }
    }

    /// The sampler of a slot without one: linear, clamped, all levels.
    fn default_sampler() -> D3D10_DDI_SAMPLER_DESC {
        D3D10_DDI_SAMPLER_DESC {
            Filter: 0x15,
            AddressU: 3,
            AddressV: 3,
            AddressW: 3,
            MaxAnisotropy: 0,
            ComparisonFunc: D3D10_DDI_COMPARISON_NEVER,
            MinLOD: -f32::MAX,
            MaxLOD: f32::MAX,
            ..Default::default()
        }
    }

    #[test]
    fn defaults_are_valid() {
        assert!(blend(&default_blend(), false).is_ok());
        assert!(depth_stencil(&default_depth_stencil()).is_ok());
        assert!(rasterizer(&default_rasterizer()).is_ok());
        assert!(sampler(&default_sampler()).is_ok());
    }

    #[test]
    fn members_without_effect_do_not_tell_states_apart() {
        let plain = default_blend();
        let mut other = plain;
        other.RenderTarget[0].SrcBlend = 77;
        other.RenderTarget[5].RenderTargetWriteMask = 1;
        let (one, two) = (blend(&plain, false).expect("valid"), blend(&other, false).expect("valid"));
        assert_eq!(one.1, two.1);
        assert_eq!(two.0.RenderTarget[5].RenderTargetWriteMask, 0xf);
        assert_eq!(two.0.RenderTarget[0].SrcBlend, D3D10_DDI_BLEND_ONE);
        other.IndependentBlendEnable = 7;
        assert_ne!(one.1, blend(&other, false).expect("valid").1);

        let plain = default_sampler();
        let other = D3D10_DDI_SAMPLER_DESC { BorderColor: [1.0; 4], ComparisonFunc: 0, ..plain };
        assert_eq!(sampler(&plain).map(|state| state.1), sampler(&other).map(|state| state.1));
        let other = D3D10_DDI_SAMPLER_DESC { AddressW: 4, ..other };
        assert_eq!(sampler(&other).expect("valid").0.BorderColor, [1.0; 4]);
    }

    #[test]
    fn values_outside_their_enums_are_refused() {
        let mut desc = default_blend();
        desc.RenderTarget[0].BlendEnable = TRUE;
        assert!(blend(&desc, false).is_err());
        desc.RenderTarget[0] = D3D11_1_DDI_RENDER_TARGET_BLEND_DESC {
            BlendEnable: TRUE,
            SrcBlend: 5,
            DestBlend: 6,
            BlendOp: 1,
            SrcBlendAlpha: 2,
            DestBlendAlpha: 1,
            BlendOpAlpha: 1,
            RenderTargetWriteMask: 15,
            ..Default::default()
        };
        assert!(blend(&desc, false).is_ok());
        desc.RenderTarget[0].SrcBlendAlpha = 3;
        assert!(blend(&desc, false).is_err());
        let mut desc = default_blend();
        desc.RenderTarget[0].LogicOpEnable = TRUE;
        assert!(blend(&desc, false).is_err() && blend(&desc, true).is_ok());

        assert!(
            depth_stencil(&D3D10_DDI_DEPTH_STENCIL_DESC { DepthFunc: 0, ..default_depth_stencil() }).is_err()
        );
        let stencil = D3D10_DDI_DEPTH_STENCIL_DESC { StencilEnable: TRUE, ..default_depth_stencil() };
        assert!(depth_stencil(&stencil).is_err());
        assert!(rasterizer(&D3D11_1_DDI_RASTERIZER_DESC { CullMode: 0, ..default_rasterizer() }).is_err());
        for filter in [2, 0x56, 0x115, 0x80000000] {
            assert!(sampler(&D3D10_DDI_SAMPLER_DESC { Filter: filter, ..default_sampler() }).is_err());
        }
        let anisotropic = D3D10_DDI_SAMPLER_DESC { Filter: 0x55, MaxAnisotropy: 17, ..default_sampler() };
        assert!(sampler(&anisotropic).is_err());
    }
}
