//! Passes and states that several areas start from.

use crate::kit::expected::clip;
use crate::kit::*;

pub const BLACK: [f32; 4] = [0.0; 4];
pub const WHITE: [f32; 4] = [1.0; 4];
pub const RED: [f32; 4] = [1.0, 0.0, 0.0, 1.0];
pub const GREEN: [f32; 4] = [0.0, 1.0, 0.0, 1.0];
pub const BLUE: [f32; 4] = [0.0, 0.0, 1.0, 1.0];

/// Direct3D's default rasterizer state, without culling.
pub fn rasterizer() -> D3D11_RASTERIZER_DESC {
    D3D11_RASTERIZER_DESC {
        FillMode: D3D11_FILL_SOLID,
        CullMode: D3D11_CULL_NONE,
        DepthClipEnable: true.into(),
        ..Default::default()
    }
}

/// Direct3D's default depth-stencil state.
pub fn depth_stencil() -> D3D11_DEPTH_STENCIL_DESC {
    let keep = D3D11_DEPTH_STENCILOP_DESC {
        StencilFailOp: D3D11_STENCIL_OP_KEEP,
        StencilDepthFailOp: D3D11_STENCIL_OP_KEEP,
        StencilPassOp: D3D11_STENCIL_OP_KEEP,
        StencilFunc: D3D11_COMPARISON_ALWAYS,
    };
    D3D11_DEPTH_STENCIL_DESC {
        DepthEnable: true.into(),
        DepthWriteMask: D3D11_DEPTH_WRITE_MASK_ALL,
        DepthFunc: D3D11_COMPARISON_LESS,
        StencilEnable: false.into(),
        StencilReadMask: 0xff,
        StencilWriteMask: 0xff,
        FrontFace: keep,
        BackFace: keep,
    }
}

/// A sampler with this filter and address mode in all directions.
pub fn sampler(filter: D3D11_FILTER, mode: D3D11_TEXTURE_ADDRESS_MODE) -> D3D11_SAMPLER_DESC {
    D3D11_SAMPLER_DESC {
        Filter: filter,
        AddressU: mode,
        AddressV: mode,
        AddressW: mode,
        MaxAnisotropy: 1,
        ComparisonFunc: D3D11_COMPARISON_NEVER,
        MaxLOD: D3D11_FLOAT32_MAX,
        ..Default::default()
    }
}

/// One element of a vertex, in slot 0 unless changed.
pub fn element(name: windows::core::PCSTR, format: DXGI_FORMAT, offset: u32) -> D3D11_INPUT_ELEMENT_DESC {
    D3D11_INPUT_ELEMENT_DESC {
        SemanticName: name,
        Format: format,
        AlignedByteOffset: offset,
        ..Default::default()
    }
}

/// A vertex in clip space, and its colour.
pub type Vertex = ([f32; 4], [f32; 4]);

/// A pass that draws coloured vertices.
pub fn coloured(t: &Test<'_>, vertices: &[Vertex]) -> Result<Pass> {
    let numbers: Vec<f32> = vertices.iter().flat_map(|(place, colour)| [*place, *colour]).flatten().collect();
    let buffer = t.gpu.buffer(D3D11_BIND_VERTEX_BUFFER, &floats(&numbers))?;
    Ok(Pass {
        vs: shader!("common.coloured_vs"),
        ps: shader!("common.coloured_ps"),
        elements: vec![
            element(s!("POSITION"), DXGI_FORMAT_R32G32B32A32_FLOAT, 0),
            element(s!("COLOR"), DXGI_FORMAT_R32G32B32A32_FLOAT, 16),
        ],
        vertices: vec![(buffer, 32, 0)],
        rasterizer: Some(rasterizer()),
        ..Pass::default()
    })
}

/// A vertex at a place of a 64×64 target, at some depth.
pub fn at(place: [f32; 2], depth: f32, colour: [f32; 4]) -> Vertex {
    let [x, y] = clip(place);
    ([x, y, depth, 1.0], colour)
}

/// A pass that draws white vertices at places of a 64×64 target.
pub fn outline(t: &Test<'_>, places: &[[f32; 2]]) -> Result<Pass> {
    coloured(t, &places.iter().map(|place| at(*place, 0.5, WHITE)).collect::<Vec<_>>())
}

/// Six vertices of a rectangle of a 64×64 target, clockwise.
pub fn rectangle([left, top, right, bottom]: [f32; 4], depth: f32, colour: [f32; 4]) -> [Vertex; 6] {
    [[left, top], [right, top], [left, bottom], [left, bottom], [right, top], [right, bottom]]
        .map(|place| at(place, depth, colour))
}

/// A pixel's centre.
pub fn centre(x: u32, y: u32) -> [f32; 2] {
    // CAST: targets are small.
    [x as f32 + 0.5, y as f32 + 0.5]
}

/// White where a condition holds, otherwise black.
pub fn white_if(condition: bool) -> [f32; 4] {
    if condition { WHITE } else { BLACK }
}
