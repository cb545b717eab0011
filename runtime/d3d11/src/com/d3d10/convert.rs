//! Descriptions of Direct3D 10 to those of Direct3D 11 and back: total functions over plain values.
//!
//! Depth-stencil, rasterizer, sampler, shader-resource and render-target descriptions are the same words in both, which the
//! assertions below check.

use windows::Win32::Graphics::Direct3D10::*;
use windows::Win32::Graphics::Direct3D11::*;

use crate::hresult::{Result, require};

const _: () = assert!(size_of::<D3D10_DEPTH_STENCIL_DESC>() == size_of::<D3D11_DEPTH_STENCIL_DESC>());
const _: () = assert!(size_of::<D3D10_RASTERIZER_DESC>() == size_of::<D3D11_RASTERIZER_DESC>());
const _: () = assert!(size_of::<D3D10_SAMPLER_DESC>() == size_of::<D3D11_SAMPLER_DESC>());
const _: () =
    assert!(size_of::<D3D10_SHADER_RESOURCE_VIEW_DESC>() == size_of::<D3D11_SHADER_RESOURCE_VIEW_DESC>());
const _: () =
    assert!(size_of::<D3D10_SHADER_RESOURCE_VIEW_DESC1>() == size_of::<D3D11_SHADER_RESOURCE_VIEW_DESC>());
const _: () =
    assert!(size_of::<D3D10_RENDER_TARGET_VIEW_DESC>() == size_of::<D3D11_RENDER_TARGET_VIEW_DESC>());
const _: () = assert!(size_of::<D3D10_BLEND_DESC1>() == size_of::<D3D11_BLEND_DESC>());
const _: () = assert!(size_of::<D3D10_INPUT_ELEMENT_DESC>() == size_of::<D3D11_INPUT_ELEMENT_DESC>());
const _: () = assert!(size_of::<D3D10_SUBRESOURCE_DATA>() == size_of::<D3D11_SUBRESOURCE_DATA>());
const _: () = assert!(size_of::<D3D10_QUERY_DESC>() == size_of::<D3D11_QUERY_DESC>());
const _: () = assert!(size_of::<D3D10_COUNTER_DESC>() == size_of::<D3D11_COUNTER_DESC>());
const _: () = assert!(size_of::<D3D10_COUNTER_INFO>() == size_of::<D3D11_COUNTER_INFO>());
const _: () = assert!(size_of::<D3D10_BOX>() == size_of::<D3D11_BOX>());

/// `D3D10_RESOURCE_MISC_FLAG`s and the `D3D11_RESOURCE_MISC_FLAG`s of the same meaning; the first three are the same bits.
const MISC: [(u32, u32); 5] = [
    (D3D10_RESOURCE_MISC_GENERATE_MIPS.0 as u32, D3D11_RESOURCE_MISC_GENERATE_MIPS.0 as u32),
    (D3D10_RESOURCE_MISC_SHARED.0 as u32, D3D11_RESOURCE_MISC_SHARED.0 as u32),
    (D3D10_RESOURCE_MISC_TEXTURECUBE.0 as u32, D3D11_RESOURCE_MISC_TEXTURECUBE.0 as u32),
    (D3D10_RESOURCE_MISC_SHARED_KEYEDMUTEX.0 as u32, D3D11_RESOURCE_MISC_SHARED_KEYEDMUTEX.0 as u32),
    (D3D10_RESOURCE_MISC_GDI_COMPATIBLE.0 as u32, D3D11_RESOURCE_MISC_GDI_COMPATIBLE.0 as u32),
];
/// A flag that no resource may have.
const INVALID_MISC: u32 = 1 << 31;

/// Miscellaneous flags of Direct3D 11; those that do not exist become one that is refused.
pub fn misc(flags: u32) -> u32 {
    let known = MISC.iter().fold(0, |known, (from, _)| known | from);
    let flag = |all: u32, (from, to): &(u32, u32)| if flags & from != 0 { all | to } else { all };
    MISC.iter().fold(if flags & !known != 0 { INVALID_MISC } else { 0 }, flag)
}

/// Miscellaneous flags of Direct3D 10; those that it does not have are left out.
pub fn misc_back(flags: u32) -> u32 {
    MISC.iter().fold(0, |all, (from, to)| if flags & to != 0 { all | from } else { all })
}

/// `D3D11_BUFFER_DESC`.
pub fn buffer(desc: &D3D10_BUFFER_DESC) -> D3D11_BUFFER_DESC {
    D3D11_BUFFER_DESC {
        ByteWidth: desc.ByteWidth,
        Usage: D3D11_USAGE(desc.Usage.0),
        BindFlags: desc.BindFlags,
        CPUAccessFlags: desc.CPUAccessFlags,
        MiscFlags: misc(desc.MiscFlags),
        StructureByteStride: 0,
    }
}

/// `D3D10_BUFFER_DESC`.
pub fn buffer_back(desc: &D3D11_BUFFER_DESC) -> D3D10_BUFFER_DESC {
    D3D10_BUFFER_DESC {
        ByteWidth: desc.ByteWidth,
        Usage: D3D10_USAGE(desc.Usage.0),
        BindFlags: desc.BindFlags,
        CPUAccessFlags: desc.CPUAccessFlags,
        MiscFlags: misc_back(desc.MiscFlags),
    }
}

/// `D3D11_TEXTURE1D_DESC`.
pub fn texture1d(desc: &D3D10_TEXTURE1D_DESC) -> D3D11_TEXTURE1D_DESC {
    D3D11_TEXTURE1D_DESC {
        Width: desc.Width,
        MipLevels: desc.MipLevels,
        ArraySize: desc.ArraySize,
        Format: desc.Format,
        Usage: D3D11_USAGE(desc.Usage.0),
        BindFlags: desc.BindFlags,
        CPUAccessFlags: desc.CPUAccessFlags,
        MiscFlags: misc(desc.MiscFlags),
    }
}

/// `D3D10_TEXTURE1D_DESC`.
pub fn texture1d_back(desc: &D3D11_TEXTURE1D_DESC) -> D3D10_TEXTURE1D_DESC {
    D3D10_TEXTURE1D_DESC {
        Width: desc.Width,
        MipLevels: desc.MipLevels,
        ArraySize: desc.ArraySize,
        Format: desc.Format,
        Usage: D3D10_USAGE(desc.Usage.0),
        BindFlags: desc.BindFlags,
        CPUAccessFlags: desc.CPUAccessFlags,
        MiscFlags: misc_back(desc.MiscFlags),
    }
}

/// `D3D11_TEXTURE2D_DESC`.
pub fn texture2d(desc: &D3D10_TEXTURE2D_DESC) -> D3D11_TEXTURE2D_DESC {
    D3D11_TEXTURE2D_DESC {
        Width: desc.Width,
        Height: desc.Height,
        MipLevels: desc.MipLevels,
        ArraySize: desc.ArraySize,
        Format: desc.Format,
        SampleDesc: desc.SampleDesc,
        Usage: D3D11_USAGE(desc.Usage.0),
        BindFlags: desc.BindFlags,
        CPUAccessFlags: desc.CPUAccessFlags,
        MiscFlags: misc(desc.MiscFlags),
    }
}

/// `D3D10_TEXTURE2D_DESC`.
pub fn texture2d_back(desc: &D3D11_TEXTURE2D_DESC) -> D3D10_TEXTURE2D_DESC {
    D3D10_TEXTURE2D_DESC {
        Width: desc.Width,
        Height: desc.Height,
        MipLevels: desc.MipLevels,
        ArraySize: desc.ArraySize,
        Format: desc.Format,
        SampleDesc: desc.SampleDesc,
        Usage: D3D10_USAGE(desc.Usage.0),
        BindFlags: desc.BindFlags,
        CPUAccessFlags: desc.CPUAccessFlags,
        MiscFlags: misc_back(desc.MiscFlags),
    }
}

/// `D3D11_TEXTURE3D_DESC`.
pub fn texture3d(desc: &D3D10_TEXTURE3D_DESC) -> D3D11_TEXTURE3D_DESC {
    D3D11_TEXTURE3D_DESC {
        Width: desc.Width,
        Height: desc.Height,
        Depth: desc.Depth,
        MipLevels: desc.MipLevels,
        Format: desc.Format,
        Usage: D3D11_USAGE(desc.Usage.0),
        BindFlags: desc.BindFlags,
        CPUAccessFlags: desc.CPUAccessFlags,
        MiscFlags: misc(desc.MiscFlags),
    }
}

/// `D3D10_TEXTURE3D_DESC`.
pub fn texture3d_back(desc: &D3D11_TEXTURE3D_DESC) -> D3D10_TEXTURE3D_DESC {
    D3D10_TEXTURE3D_DESC {
        Width: desc.Width,
        Height: desc.Height,
        Depth: desc.Depth,
        MipLevels: desc.MipLevels,
        Format: desc.Format,
        Usage: D3D10_USAGE(desc.Usage.0),
        BindFlags: desc.BindFlags,
        CPUAccessFlags: desc.CPUAccessFlags,
        MiscFlags: misc_back(desc.MiscFlags),
    }
}

/// `D3D11_BLEND_DESC`: Direct3D 10.0 has one equation for all targets, and a switch and a mask for each.
pub fn blend(desc: &D3D10_BLEND_DESC) -> D3D11_BLEND_DESC {
    let mut targets = [D3D11_RENDER_TARGET_BLEND_DESC::default(); 8];
    for ((target, enabled), mask) in targets.iter_mut().zip(desc.BlendEnable).zip(desc.RenderTargetWriteMask)
    {
        *target = D3D11_RENDER_TARGET_BLEND_DESC {
            BlendEnable: enabled,
            SrcBlend: D3D11_BLEND(desc.SrcBlend.0),
            DestBlend: D3D11_BLEND(desc.DestBlend.0),
            BlendOp: D3D11_BLEND_OP(desc.BlendOp.0),
            SrcBlendAlpha: D3D11_BLEND(desc.SrcBlendAlpha.0),
            DestBlendAlpha: D3D11_BLEND(desc.DestBlendAlpha.0),
            BlendOpAlpha: D3D11_BLEND_OP(desc.BlendOpAlpha.0),
            RenderTargetWriteMask: mask,
        };
    }
    let [first, rest @ ..] = &targets;
    let differs = |target: &D3D11_RENDER_TARGET_BLEND_DESC| {
        target.BlendEnable != first.BlendEnable || target.RenderTargetWriteMask != first.RenderTargetWriteMask
    };
    D3D11_BLEND_DESC {
        AlphaToCoverageEnable: desc.AlphaToCoverageEnable,
        IndependentBlendEnable: rest.iter().any(differs).into(),
        RenderTarget: targets,
    }
}

/// `D3D10_BLEND_DESC`: the equation is the first target's.
pub fn blend_back(desc: &D3D11_BLEND_DESC) -> D3D10_BLEND_DESC {
    let [first, ..] = &desc.RenderTarget;
    let of = |target: &D3D11_RENDER_TARGET_BLEND_DESC| {
        if desc.IndependentBlendEnable.as_bool() { *target } else { *first }
    };
    D3D10_BLEND_DESC {
        AlphaToCoverageEnable: desc.AlphaToCoverageEnable,
        BlendEnable: desc.RenderTarget.each_ref().map(|target| of(target).BlendEnable),
        SrcBlend: D3D10_BLEND(first.SrcBlend.0),
        DestBlend: D3D10_BLEND(first.DestBlend.0),
        BlendOp: D3D10_BLEND_OP(first.BlendOp.0),
        SrcBlendAlpha: D3D10_BLEND(first.SrcBlendAlpha.0),
        DestBlendAlpha: D3D10_BLEND(first.DestBlendAlpha.0),
        BlendOpAlpha: D3D10_BLEND_OP(first.BlendOpAlpha.0),
        RenderTargetWriteMask: desc.RenderTarget.each_ref().map(|target| of(target).RenderTargetWriteMask),
    }
}

/// The words of a `D3D11_DEPTH_STENCIL_VIEW_DESC`, which has flags that Direct3D 10 does not know.
pub fn depth_stencil_view(words: [u32; 5]) -> [u32; 6] {
    let [format, dimension, a, b, c] = words;
    [format, dimension, 0, a, b, c]
}

/// The words of a `D3D10_DEPTH_STENCIL_VIEW_DESC`.
pub fn depth_stencil_view_back(words: [u32; 6]) -> [u32; 5] {
    let [format, dimension, _flags, a, b, c] = words;
    [format, dimension, a, b, c]
}

const _: () = assert!(size_of::<D3D10_DEPTH_STENCIL_VIEW_DESC>() == size_of::<[u32; 5]>());
const _: () = assert!(size_of::<D3D11_DEPTH_STENCIL_VIEW_DESC>() == size_of::<[u32; 6]>());

/// `D3D11_VIEWPORT`: Direct3D 10's is in whole pixels.
pub fn viewport(viewport: &D3D10_VIEWPORT) -> D3D11_VIEWPORT {
    // CAST: the largest target has 16384 pixels, which a float holds exactly.
    D3D11_VIEWPORT {
        TopLeftX: viewport.TopLeftX as f32,
        TopLeftY: viewport.TopLeftY as f32,
        Width: viewport.Width as f32,
        Height: viewport.Height as f32,
        MinDepth: viewport.MinDepth,
        MaxDepth: viewport.MaxDepth,
    }
}

/// `D3D10_VIEWPORT`.
pub fn viewport_back(viewport: &D3D11_VIEWPORT) -> D3D10_VIEWPORT {
    // CAST: fractions are cut off; what is too large is the largest number.
    D3D10_VIEWPORT {
        TopLeftX: viewport.TopLeftX as i32,
        TopLeftY: viewport.TopLeftY as i32,
        Width: viewport.Width as u32,
        Height: viewport.Height as u32,
        MinDepth: viewport.MinDepth,
        MaxDepth: viewport.MaxDepth,
    }
}

/// The entries of a stream-output declaration of stream 0, and the strides of their buffers: one, or none to say that the outputs lie
/// close together.
///
/// # Errors
/// `E_INVALIDARG` for several buffers with a stride, and for one without.
pub fn stream_output(
    entries: &[D3D10_SO_DECLARATION_ENTRY],
    stride: u32,
) -> Result<(Vec<D3D11_SO_DECLARATION_ENTRY>, Vec<u32>)> {
    let converted = entries.iter().map(|entry| D3D11_SO_DECLARATION_ENTRY {
        Stream: 0,
        SemanticName: entry.SemanticName,
        SemanticIndex: entry.SemanticIndex,
        StartComponent: entry.StartComponent,
        ComponentCount: entry.ComponentCount,
        OutputSlot: entry.OutputSlot,
    });
    // Several buffers hold one output each, close together; there is no stride to say then.
    let one_buffer = !entries.is_empty() && entries.iter().all(|entry| entry.OutputSlot == 0);
    require(one_buffer == (stride != 0))?;
    let strides = if one_buffer { vec![stride] } else { Vec::new() };
    Ok((converted.collect(), strides))
}
