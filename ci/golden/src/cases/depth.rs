//! Depth and stencil: every comparison and operation, masks, clears, formats, and what pixel shaders do to depth.

use super::common::*;
use crate::kit::*;

cases![
    compare_never => |t| compare(t, D3D11_COMPARISON_NEVER, [false, false, false]),
    compare_less => |t| compare(t, D3D11_COMPARISON_LESS, [true, false, false]),
    compare_equal => |t| compare(t, D3D11_COMPARISON_EQUAL, [false, true, false]),
    compare_less_equal => |t| compare(t, D3D11_COMPARISON_LESS_EQUAL, [true, true, false]),
    compare_greater => |t| compare(t, D3D11_COMPARISON_GREATER, [false, false, true]),
    compare_not_equal => |t| compare(t, D3D11_COMPARISON_NOT_EQUAL, [true, false, true]),
    compare_greater_equal => |t| compare(t, D3D11_COMPARISON_GREATER_EQUAL, [false, true, true]),
    compare_always => |t| compare(t, D3D11_COMPARISON_ALWAYS, [true, true, true]),
    disabled, write_mask_zero,
    stencil_keep => |t| operation(t, D3D11_STENCIL_OP_KEEP, [0, 5, 255]),
    stencil_zero => |t| operation(t, D3D11_STENCIL_OP_ZERO, [0, 0, 0]),
    stencil_replace => |t| operation(t, D3D11_STENCIL_OP_REPLACE, [7, 7, 7]),
    stencil_increase_saturated => |t| operation(t, D3D11_STENCIL_OP_INCR_SAT, [1, 6, 255]),
    stencil_decrease_saturated => |t| operation(t, D3D11_STENCIL_OP_DECR_SAT, [0, 4, 254]),
    stencil_invert => |t| operation(t, D3D11_STENCIL_OP_INVERT, [255, 250, 0]),
    stencil_increase => |t| operation(t, D3D11_STENCIL_OP_INCR, [1, 6, 0]),
    stencil_decrease => |t| operation(t, D3D11_STENCIL_OP_DECR, [255, 4, 254]),
    stencil_never => |t| stencil_compare(t, D3D11_COMPARISON_NEVER, [false, false, false]),
    stencil_less => |t| stencil_compare(t, D3D11_COMPARISON_LESS, [false, false, true]),
    stencil_equal => |t| stencil_compare(t, D3D11_COMPARISON_EQUAL, [false, true, false]),
    stencil_less_equal => |t| stencil_compare(t, D3D11_COMPARISON_LESS_EQUAL, [false, true, true]),
    stencil_greater => |t| stencil_compare(t, D3D11_COMPARISON_GREATER, [true, false, false]),
    stencil_not_equal => |t| stencil_compare(t, D3D11_COMPARISON_NOT_EQUAL, [true, false, true]),
    stencil_greater_equal => |t| stencil_compare(t, D3D11_COMPARISON_GREATER_EQUAL, [true, true, false]),
    stencil_outcomes, stencil_masks, stencil_two_sided, clear_parts,
    format_16 => |t| format(t, DXGI_FORMAT_D16_UNORM),
    format_24_8 => |t| format(t, DXGI_FORMAT_D24_UNORM_S8_UINT),
    format_32 => |t| format(t, DXGI_FORMAT_D32_FLOAT),
    format_32_8 => |t| format(t, DXGI_FORMAT_D32_FLOAT_S8X24_UINT),
    output => |t| given(t, shader!("depth.output"), 0.0, |x| x),
    output_beyond => |t| given(t, shader!("depth.output_beyond"), 0.0, |x| (x * 3.0 - 1.0).clamp(0.0, 1.0)),
    output_greater => |t| given(t, shader!("depth.greater"), 0.25, |x| 0.25 + x / 2.0),
    output_less => |t| given(t, shader!("depth.less"), 0.75, |x| 0.75 - x / 2.0),
    early_test, late_test, discard_keeps_depth, early_discard_writes_depth, read_only_view, stencil_view,
    multisampled,
];

/// A cleared depth buffer of 64×64 and its view.
fn buffer(
    t: &Test<'_>,
    format: DXGI_FORMAT,
    depth: f32,
    stencil: u8,
) -> Result<(Texture, ID3D11DepthStencilView)> {
    let shape = Shape { format, bind: D3D11_BIND_DEPTH_STENCIL, ..Shape::default() };
    let buffer = t.gpu.texture(&shape, &[])?;
    let view = t.gpu.dsv(&buffer)?;
    let flags = match format {
        DXGI_FORMAT_D16_UNORM | DXGI_FORMAT_D32_FLOAT => D3D11_CLEAR_DEPTH.0,
        _ => D3D11_CLEAR_DEPTH.0 | D3D11_CLEAR_STENCIL.0,
    };
    t.gpu.clear_depth(&view, D3D11_CLEAR_FLAG(flags), depth, stencil);
    Ok((buffer, view))
}

/// Three bands from left to right, nearer than 0.5, at 0.5, and farther.
fn bands() -> Vec<Vertex> {
    [0.25, 0.5, 0.75]
        .iter()
        .zip([[0.0, 0.0, 20.0, 64.0], [20.0, 0.0, 40.0, 64.0], [40.0, 0.0, 64.0, 64.0]])
        .flat_map(|(depth, place)| rectangle(place, *depth, WHITE))
        .collect()
}

fn band(x: u32) -> usize {
    [20, 40, 64].iter().position(|end| x < *end).unwrap_or(2)
}

fn compare(t: &mut Test<'_>, function: D3D11_COMPARISON_FUNC, passes: [bool; 3]) -> Result<()> {
    let (depths, view) = buffer(t, DXGI_FORMAT_D32_FLOAT, 0.5, 0)?;
    let state = D3D11_DEPTH_STENCIL_DESC { DepthFunc: function, ..depth_stencil() };
    let pass = Pass { depth: Some(view), depth_stencil: Some(state), ..coloured(t, &bands())? };
    let found = t.draw(&pass, Call::Vertices(18))?;
    t.expect(&found, |x, _| white_if(passes[band(x)]));
    let written = t.show(&depths)?;
    let depth = |x| if passes[band(x)] { [0.25, 0.5, 0.75][band(x)] } else { 0.5 };
    t.expect_within(1e-6, &written, |x, _| [depth(x), 0.0, 0.0, 1.0]);
    Ok(())
}

/// Without the test every pixel passes and no depth is written.
fn disabled(t: &mut Test<'_>) -> Result<()> {
    let (depths, view) = buffer(t, DXGI_FORMAT_D32_FLOAT, 0.5, 0)?;
    let state = D3D11_DEPTH_STENCIL_DESC { DepthEnable: false.into(), ..depth_stencil() };
    let pass = Pass { depth: Some(view), depth_stencil: Some(state), ..coloured(t, &bands())? };
    let found = t.draw(&pass, Call::Vertices(18))?;
    t.expect(&found, |_, _| WHITE);
    let written = t.show(&depths)?;
    t.expect_within(0.0, &written, |_, _| [0.5, 0.0, 0.0, 1.0]);
    Ok(())
}

fn write_mask_zero(t: &mut Test<'_>) -> Result<()> {
    let (depths, view) = buffer(t, DXGI_FORMAT_D32_FLOAT, 0.5, 0)?;
    let state = D3D11_DEPTH_STENCIL_DESC { DepthWriteMask: D3D11_DEPTH_WRITE_MASK_ZERO, ..depth_stencil() };
    let pass = Pass { depth: Some(view), depth_stencil: Some(state), ..coloured(t, &bands())? };
    let found = t.draw(&pass, Call::Vertices(18))?;
    t.expect(&found, |x, _| white_if(band(x) == 0));
    let written = t.show(&depths)?;
    t.expect_within(0.0, &written, |_, _| [0.5, 0.0, 0.0, 1.0]);
    Ok(())
}

/// A state whose stencil test always passes and then does one thing.
fn stencil(operation: D3D11_STENCIL_OP) -> D3D11_DEPTH_STENCIL_DESC {
    let face = D3D11_DEPTH_STENCILOP_DESC { StencilPassOp: operation, ..depth_stencil().FrontFace };
    D3D11_DEPTH_STENCIL_DESC {
        DepthEnable: false.into(),
        StencilEnable: true.into(),
        FrontFace: face,
        BackFace: face,
        ..depth_stencil()
    }
}

/// A depth buffer whose stencil is 0, 5 and 255 in three bands.
fn banded(t: &Test<'_>) -> Result<(Texture, ID3D11DepthStencilView)> {
    let (depths, view) = buffer(t, DXGI_FORMAT_D24_UNORM_S8_UINT, 1.0, 0)?;
    let target = t.gpu.rtv(&t.target(&Pass::default())?)?;
    let pass = Pass {
        targets: vec![target],
        depth: Some(view.clone()),
        depth_stencil: Some(stencil(D3D11_STENCIL_OP_REPLACE)),
        ..coloured(t, &bands())?
    };
    let numbers = [0, 5, 255];
    for (first, number) in [0, 6, 12].into_iter().zip(numbers) {
        t.gpu.draw(&Pass { stencil_reference: number, ..pass.clone() }, &Call::Instances(6, 1, first, 0))?;
    }
    Ok((depths, view))
}

/// A picture of the stencil alone, as numbers in the second component.
fn expect_stencil(t: &mut Test<'_>, depths: &Texture, expected: impl Fn(u32, u32) -> u8) -> Result<()> {
    let found = t.gpu.picture(depths, 0)?;
    for x in [10, 30, 50] {
        t.note(found.at(x, 10)[1]);
    }
    t.expect_within(0.0, &found, |x, y| [found.at(x, y)[0], f32::from(expected(x, y)), 0.0, 1.0]);
    Ok(())
}

fn operation(t: &mut Test<'_>, operation: D3D11_STENCIL_OP, expected: [u8; 3]) -> Result<()> {
    let (depths, view) = banded(t)?;
    let pass = Pass {
        depth: Some(view),
        depth_stencil: Some(stencil(operation)),
        stencil_reference: 7,
        ..coloured(t, &bands())?
    };
    let found = t.draw(&pass, Call::Vertices(18))?;
    t.expect(&found, |_, _| WHITE);
    expect_stencil(t, &depths, |x, _| expected[band(x)])
}

/// The reference is compared with the stencil: `reference FUNCTION stencil`.
fn stencil_compare(t: &mut Test<'_>, function: D3D11_COMPARISON_FUNC, passes: [bool; 3]) -> Result<()> {
    let (_, view) = banded(t)?;
    let mut state = stencil(D3D11_STENCIL_OP_KEEP);
    state.FrontFace.StencilFunc = function;
    state.BackFace.StencilFunc = function;
    let pass = Pass {
        depth: Some(view),
        depth_stencil: Some(state),
        stencil_reference: 5,
        ..coloured(t, &bands())?
    };
    let found = t.draw(&pass, Call::Vertices(18))?;
    t.expect(&found, |x, _| white_if(passes[band(x)]));
    Ok(())
}

/// One operation for each of: the stencil test fails, the depth test fails, both pass.
fn stencil_outcomes(t: &mut Test<'_>) -> Result<()> {
    let (depths, view) = banded(t)?;
    t.gpu.clear_depth(&view, D3D11_CLEAR_DEPTH, 0.6, 0);
    let mut state = stencil(D3D11_STENCIL_OP_INVERT);
    state.DepthEnable = true.into();
    state.FrontFace.StencilFunc = D3D11_COMPARISON_LESS;
    state.FrontFace.StencilFailOp = D3D11_STENCIL_OP_REPLACE;
    state.FrontFace.StencilDepthFailOp = D3D11_STENCIL_OP_DECR;
    // Reference 3 is not less than 0: the test fails on the left. On the right depth 0.75 is not less than 0.6.
    let pass = Pass {
        depth: Some(view),
        depth_stencil: Some(state),
        stencil_reference: 3,
        ..coloured(t, &bands())?
    };
    let found = t.draw(&pass, Call::Vertices(18))?;
    t.expect(&found, |x, _| white_if(band(x) == 1));
    expect_stencil(t, &depths, |x, _| [3, 250, 254][band(x)])
}

fn stencil_masks(t: &mut Test<'_>) -> Result<()> {
    let (depths, view) = banded(t)?;
    let mut state = stencil(D3D11_STENCIL_OP_REPLACE);
    state.StencilReadMask = 0x0f;
    state.StencilWriteMask = 0xf0;
    state.FrontFace.StencilFunc = D3D11_COMPARISON_EQUAL;
    // 0x35 and 5 are equal in the bits that are read; only the upper half of 0x35 is written.
    let pass = Pass {
        depth: Some(view),
        depth_stencil: Some(state),
        stencil_reference: 0x35,
        ..coloured(t, &bands())?
    };
    let found = t.draw(&pass, Call::Vertices(18))?;
    t.expect(&found, |x, _| white_if(band(x) == 1));
    expect_stencil(t, &depths, |x, _| [0, 0x35, 255][band(x)])
}

/// Triangles that face away have operations of their own.
fn stencil_two_sided(t: &mut Test<'_>) -> Result<()> {
    let (depths, view) = buffer(t, DXGI_FORMAT_D24_UNORM_S8_UINT, 1.0, 9)?;
    let mut state = stencil(D3D11_STENCIL_OP_INCR);
    state.BackFace.StencilPassOp = D3D11_STENCIL_OP_DECR;
    let mut away = rectangle([32.0, 0.0, 64.0, 64.0], 0.5, WHITE);
    away.reverse();
    let vertices = [rectangle([0.0, 0.0, 32.0, 64.0], 0.5, WHITE), away].concat();
    let pass = Pass { depth: Some(view), depth_stencil: Some(state), ..coloured(t, &vertices)? };
    t.draw(&pass, Call::Vertices(12))?;
    expect_stencil(t, &depths, |x, _| if x < 32 { 10 } else { 8 })
}

fn clear_parts(t: &mut Test<'_>) -> Result<()> {
    let (depths, view) = buffer(t, DXGI_FORMAT_D24_UNORM_S8_UINT, 0.25, 9)?;
    t.gpu.clear_depth(&view, D3D11_CLEAR_DEPTH, 0.5, 77);
    let found = t.gpu.picture(&depths, 0)?;
    t.expect_within(1e-6, &found, |_, _| [0.5, 9.0, 0.0, 1.0]);
    t.gpu.clear_depth(&view, D3D11_CLEAR_STENCIL, 0.75, 55);
    let found = t.gpu.picture(&depths, 0)?;
    t.expect_within(1e-6, &found, |_, _| [0.5, 55.0, 0.0, 1.0]);
    Ok(())
}

fn format(t: &mut Test<'_>, format: DXGI_FORMAT) -> Result<()> {
    let (depths, view) = buffer(t, format, 1.0, 0x5a)?;
    let mut vertices = rectangle([0.0, 0.0, 64.0, 64.0], 0.0, WHITE);
    for ([x, _, z, _], _) in &mut vertices {
        *z = (*x + 1.0) / 2.0;
    }
    t.draw(&Pass { depth: Some(view), ..coloured(t, &vertices)? }, Call::Vertices(6))?;
    let found = t.gpu.picture(&depths, 0)?;
    t.note(found.at(20, 20)[0]);
    let has_stencil = matches!(format, DXGI_FORMAT_D24_UNORM_S8_UINT | DXGI_FORMAT_D32_FLOAT_S8X24_UINT);
    let stencil = if has_stencil { 90.0 } else { 0.0 };
    t.expect_within(2e-5, &found, |x, y| [centre(x, y)[0] / 64.0, stencil, 0.0, 1.0]);
    Ok(())
}

/// Depth from a pixel shader, over a target at some depth.
fn given(t: &mut Test<'_>, ps: Code, depth: f32, expected: fn(f32) -> f32) -> Result<()> {
    let (depths, view) = buffer(t, DXGI_FORMAT_D32_FLOAT, 0.5, 0)?;
    let constants = vec![t.gpu.constants(&floats(&[depth]))?];
    let found =
        t.full(&Pass { vs: shader!("common.full_at"), ps, constants, depth: Some(view), ..Pass::default() })?;
    let new = |x: u32| expected(centre(x, 0)[0] / 64.0);
    t.expect(&found, |x, _| white_if(new(x) < 0.5));
    let written = t.show(&depths)?;
    t.expect_within(1e-5, &written, |x, _| [new(x).min(0.5), 0.0, 0.0, 1.0]);
    Ok(())
}

/// Counts how often a pixel shader runs when half of the pixels fail the depth test.
fn runs(t: &mut Test<'_>, ps: Code) -> Result<u32> {
    let (_, view) = buffer(t, DXGI_FORMAT_D32_FLOAT, 1.0, 0)?;
    let near =
        Pass { depth: Some(view.clone()), ..coloured(t, &rectangle([0.0, 0.0, 32.0, 64.0], 0.25, RED))? };
    t.draw(&near, Call::Vertices(6))?;
    let bind = D3D11_BIND_UNORDERED_ACCESS;
    let misc = D3D11_RESOURCE_MISC_BUFFER_ALLOW_RAW_VIEWS;
    let counter = t.gpu.buffer_with(bind, misc, 0, &words(&[0; 4]))?;
    let uav = t.gpu.buffer_uav(&counter.raw, DXGI_FORMAT_R32_TYPELESS, (0, 4), D3D11_BUFFER_UAV_FLAG_RAW)?;
    let constants = vec![t.gpu.constants(&floats(&[0.5]))?];
    let vs = shader!("common.full_at");
    let found = t.full(&Pass { vs, ps, constants, uavs: vec![uav], depth: Some(view), ..Pass::default() })?;
    t.expect(&found, |x, _| white_if(x >= 32));
    Ok(t.gpu.read_words(&counter)?[0])
}

fn early_test(t: &mut Test<'_>) -> Result<()> {
    let count = runs(t, shader!("depth.early"))?;
    t.expect_words(&[count], &[2048]);
    Ok(())
}

/// A shader that writes to a view runs for each pixel unless it asks for early tests.
fn late_test(t: &mut Test<'_>) -> Result<()> {
    let count = runs(t, shader!("depth.late"))?;
    t.expect_words(&[count], &[4096]);
    Ok(())
}

fn discarded(t: &mut Test<'_>, ps: Code, depth: fn(u32) -> f32) -> Result<()> {
    let (depths, view) = buffer(t, DXGI_FORMAT_D32_FLOAT, 1.0, 0)?;
    let found = t.full(&Pass { ps, depth: Some(view), ..Pass::default() })?;
    t.expect(&found, |x, _| white_if(x >= 32));
    let written = t.show(&depths)?;
    t.expect_within(0.0, &written, |x, _| [depth(x), 0.0, 0.0, 1.0]);
    Ok(())
}

fn discard_keeps_depth(t: &mut Test<'_>) -> Result<()> {
    discarded(t, shader!("depth.discard_left"), |x| if x < 32 { 1.0 } else { 0.0 })
}

/// With early tests depth is written before the shader discards.
fn early_discard_writes_depth(t: &mut Test<'_>) -> Result<()> {
    discarded(t, shader!("depth.early_discard"), |_| 0.0)
}

/// A depth buffer that is tested and read by the shader at once.
fn read_only_view(t: &mut Test<'_>) -> Result<()> {
    let bind = D3D11_BIND_DEPTH_STENCIL | D3D11_BIND_SHADER_RESOURCE;
    let depths = t.gpu.texture(&Shape { format: DXGI_FORMAT_R32_TYPELESS, bind, ..Shape::default() }, &[])?;
    let view = t.gpu.dsv_as(&depths, DXGI_FORMAT_D32_FLOAT, 0)?;
    t.gpu.clear_depth(&view, D3D11_CLEAR_DEPTH, 1.0, 0);
    let state = D3D11_DEPTH_STENCIL_DESC { DepthFunc: D3D11_COMPARISON_ALWAYS, ..depth_stencil() };
    t.draw(
        &Pass { depth: Some(view), depth_stencil: Some(state), ..coloured(t, &bands())? },
        Call::Vertices(18),
    )?;
    let read_only =
        t.gpu.dsv_as(&depths, DXGI_FORMAT_D32_FLOAT, D3D11_DSV_READ_ONLY_DEPTH.0.cast_unsigned())?;
    let part =
        D3D11_SHADER_RESOURCE_VIEW_DESC_0 { Texture2D: D3D11_TEX2D_SRV { MostDetailedMip: 0, MipLevels: 1 } };
    let resource = t.gpu.srv_as(&depths, DXGI_FORMAT_R32_FLOAT, D3D11_SRV_DIMENSION_TEXTURE2D, part)?;
    let pass = Pass {
        vs: shader!("common.full_at"),
        ps: shader!("depth.show_depth"),
        constants: vec![t.gpu.constants(&floats(&[0.4]))?],
        resources: vec![resource],
        depth: Some(read_only),
        depth_stencil: Some(D3D11_DEPTH_STENCIL_DESC {
            DepthWriteMask: D3D11_DEPTH_WRITE_MASK_ZERO,
            ..depth_stencil()
        }),
        ..Pass::default()
    };
    let found = t.full(&pass)?;
    t.expect(&found, |x, _| match band(x) {
        0 => BLACK,
        1 => [0.5, 0.5, 0.5, 1.0],
        _ => [0.75, 0.75, 0.75, 1.0],
    });
    Ok(())
}

/// The stencil read by a shader, as the second component of its view.
fn stencil_view(t: &mut Test<'_>) -> Result<()> {
    let bind = D3D11_BIND_DEPTH_STENCIL | D3D11_BIND_SHADER_RESOURCE;
    let depths =
        t.gpu.texture(&Shape { format: DXGI_FORMAT_R24G8_TYPELESS, bind, ..Shape::default() }, &[])?;
    let view = t.gpu.dsv_as(&depths, DXGI_FORMAT_D24_UNORM_S8_UINT, 0)?;
    t.gpu.clear_depth(&view, D3D11_CLEAR_FLAG(D3D11_CLEAR_DEPTH.0 | D3D11_CLEAR_STENCIL.0), 0.5, 40);
    let state = stencil(D3D11_STENCIL_OP_REPLACE);
    let pass = Pass {
        depth: Some(view),
        depth_stencil: Some(state),
        stencil_reference: 200,
        ..coloured(t, &rectangle([0.0, 0.0, 32.0, 32.0], 0.5, WHITE))?
    };
    t.draw(&pass, Call::Vertices(6))?;
    let part =
        D3D11_SHADER_RESOURCE_VIEW_DESC_0 { Texture2D: D3D11_TEX2D_SRV { MostDetailedMip: 0, MipLevels: 1 } };
    let dimension = D3D11_SRV_DIMENSION_TEXTURE2D;
    let resources = vec![
        t.gpu.srv_as(&depths, DXGI_FORMAT_R24_UNORM_X8_TYPELESS, dimension, part)?,
        t.gpu.srv_as(&depths, DXGI_FORMAT_X24_TYPELESS_G8_UINT, dimension, part)?,
    ];
    let found =
        t.full(&Pass { ps: shader!("depth.show_stencil"), resources: resources.clone(), ..Pass::default() })?;
    let value = |x, y| if x < 32 && y < 32 { 200.0 / 255.0 } else { 40.0 / 255.0 };
    t.expect(&found, |x, y| [value(x, y), value(x, y), value(x, y), 1.0]);
    let found = t.full(&Pass { ps: shader!("depth.show_depth"), resources, ..Pass::default() })?;
    t.expect(&found, |_, _| [0.5, 0.5, 0.5, 1.0]);
    Ok(())
}

/// Two triangles that cut through each other: the edge between them has samples of both.
fn multisampled(t: &mut Test<'_>) -> Result<()> {
    let bind = D3D11_BIND_DEPTH_STENCIL;
    let depths =
        t.gpu.texture(&Shape { format: DXGI_FORMAT_D32_FLOAT, samples: 4, bind, ..Shape::default() }, &[])?;
    let view = t.gpu.dsv(&depths)?;
    t.gpu.clear_depth(&view, D3D11_CLEAR_DEPTH, 1.0, 0);
    let mut slanted = rectangle([0.0, 0.0, 64.0, 64.0], 0.0, RED);
    for ([x, y, z, _], _) in &mut slanted {
        *z = 0.5 + (*x + *y * 0.25) / 4.0;
    }
    let vertices = [slanted, rectangle([0.0, 0.0, 64.0, 64.0], 0.5, GREEN)].concat();
    let canvas = Canvas { samples: 4, ..Canvas::default() };
    let found = t.draw(&Pass { depth: Some(view), canvas, ..coloured(t, &vertices)? }, Call::Vertices(12))?;
    t.equal("left", &found.at(4, 32), &RED);
    t.equal("right", &found.at(60, 32), &GREEN);
    t.holds("some pixels are mixed", found.count(|texel| texel != RED && texel != GREEN) > 20);
    Ok(())
}
