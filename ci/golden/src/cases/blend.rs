//! Blending: every factor and operation, two sources, logic operations, masks, several targets, sRGB and float targets.

use super::common::*;
use crate::kit::expected::{from_srgb, stored};
use crate::kit::*;

cases![
    zero => |t| factors(t, D3D11_BLEND_ZERO),
    one => |t| factors(t, D3D11_BLEND_ONE),
    source_colour => |t| factors(t, D3D11_BLEND_SRC_COLOR),
    inverse_source_colour => |t| factors(t, D3D11_BLEND_INV_SRC_COLOR),
    source_alpha => |t| factors(t, D3D11_BLEND_SRC_ALPHA),
    inverse_source_alpha => |t| factors(t, D3D11_BLEND_INV_SRC_ALPHA),
    destination_alpha => |t| factors(t, D3D11_BLEND_DEST_ALPHA),
    inverse_destination_alpha => |t| factors(t, D3D11_BLEND_INV_DEST_ALPHA),
    destination_colour => |t| factors(t, D3D11_BLEND_DEST_COLOR),
    inverse_destination_colour => |t| factors(t, D3D11_BLEND_INV_DEST_COLOR),
    source_alpha_saturated => |t| factors(t, D3D11_BLEND_SRC_ALPHA_SAT),
    blend_factor => |t| factors(t, D3D11_BLEND_BLEND_FACTOR),
    inverse_blend_factor => |t| factors(t, D3D11_BLEND_INV_BLEND_FACTOR),
    second_colour => |t| dual(t, D3D11_BLEND_SRC1_COLOR, D3D11_BLEND_SRC1_ALPHA),
    inverse_second_colour => |t| dual(t, D3D11_BLEND_INV_SRC1_COLOR, D3D11_BLEND_INV_SRC1_ALPHA),
    second_alpha => |t| dual(t, D3D11_BLEND_SRC1_ALPHA, D3D11_BLEND_SRC1_ALPHA),
    inverse_second_alpha => |t| dual(t, D3D11_BLEND_INV_SRC1_ALPHA, D3D11_BLEND_INV_SRC1_ALPHA),
    add => |t| operation(t, D3D11_BLEND_OP_ADD, |s, d| s * 0.5 + d * 0.25),
    subtract => |t| operation(t, D3D11_BLEND_OP_SUBTRACT, |s, d| s * 0.5 - d * 0.25),
    reverse_subtract => |t| operation(t, D3D11_BLEND_OP_REV_SUBTRACT, |s, d| d * 0.25 - s * 0.5),
    // Factors do not count for these two.
    minimum => |t| operation(t, D3D11_BLEND_OP_MIN, f32::min),
    maximum => |t| operation(t, D3D11_BLEND_OP_MAX, f32::max),
    alpha_apart, write_mask, independent, one_for_all, srgb_target, float_target, alpha_only_target,
    logic_clear => |t| logic(t, D3D11_LOGIC_OP_CLEAR, |_, _| 0),
    logic_set => |t| logic(t, D3D11_LOGIC_OP_SET, |_, _| 255),
    logic_copy => |t| logic(t, D3D11_LOGIC_OP_COPY, |s, _| s),
    logic_copy_inverted => |t| logic(t, D3D11_LOGIC_OP_COPY_INVERTED, |s, _| !s),
    logic_nothing => |t| logic(t, D3D11_LOGIC_OP_NOOP, |_, d| d),
    logic_invert => |t| logic(t, D3D11_LOGIC_OP_INVERT, |_, d| !d),
    logic_and => |t| logic(t, D3D11_LOGIC_OP_AND, |s, d| s & d),
    logic_nand => |t| logic(t, D3D11_LOGIC_OP_NAND, |s, d| !(s & d)),
    logic_or => |t| logic(t, D3D11_LOGIC_OP_OR, |s, d| s | d),
    logic_nor => |t| logic(t, D3D11_LOGIC_OP_NOR, |s, d| !(s | d)),
    logic_xor => |t| logic(t, D3D11_LOGIC_OP_XOR, |s, d| s ^ d),
    logic_equivalent => |t| logic(t, D3D11_LOGIC_OP_EQUIV, |s, d| !(s ^ d)),
    logic_and_reverse => |t| logic(t, D3D11_LOGIC_OP_AND_REVERSE, |s, d| s & !d),
    logic_and_inverted => |t| logic(t, D3D11_LOGIC_OP_AND_INVERTED, |s, d| !s & d),
    logic_or_reverse => |t| logic(t, D3D11_LOGIC_OP_OR_REVERSE, |s, d| s | !d),
    logic_or_inverted => |t| logic(t, D3D11_LOGIC_OP_OR_INVERTED, |s, d| !s | d),
];

/// Two steps of 8 bits: a software renderer blends in 8 bits too.
const TOLERANCE: f32 = 2.05 / 255.0;
const DESTINATION: [f32; 4] = [0.8, 0.4, 0.2, 0.6];
const FACTOR: [f32; 4] = [0.25, 0.5, 0.75, 0.3];

/// What `blend.gradient` returns.
fn gradient(x: u32, y: u32) -> [f32; 4] {
    let [u, v] = centre(x, y).map(|place| place / 64.0);
    [u, v, 0.75, 0.25 + u / 2.0]
}

/// Source and destination are multiplied by these, and added.
fn target(source: D3D11_BLEND, destination: D3D11_BLEND) -> D3D11_RENDER_TARGET_BLEND_DESC {
    D3D11_RENDER_TARGET_BLEND_DESC {
        BlendEnable: true.into(),
        SrcBlend: source,
        DestBlend: destination,
        BlendOp: D3D11_BLEND_OP_ADD,
        SrcBlendAlpha: source,
        DestBlendAlpha: destination,
        BlendOpAlpha: D3D11_BLEND_OP_ADD,
        RenderTargetWriteMask: 15,
    }
}

fn state(target: D3D11_RENDER_TARGET_BLEND_DESC) -> D3D11_BLEND_DESC {
    D3D11_BLEND_DESC { RenderTarget: [target; 8], ..Default::default() }
}

/// The value of a factor for a channel.
fn value(factor: D3D11_BLEND, source: [f32; 4], second: [f32; 4], channel: usize) -> f32 {
    let destination = DESTINATION.map(stored);
    match factor {
        D3D11_BLEND_ZERO => 0.0,
        D3D11_BLEND_ONE => 1.0,
        D3D11_BLEND_SRC_COLOR => source[channel],
        D3D11_BLEND_INV_SRC_COLOR => 1.0 - source[channel],
        D3D11_BLEND_SRC_ALPHA => source[3],
        D3D11_BLEND_INV_SRC_ALPHA => 1.0 - source[3],
        D3D11_BLEND_DEST_ALPHA => destination[3],
        D3D11_BLEND_INV_DEST_ALPHA => 1.0 - destination[3],
        D3D11_BLEND_DEST_COLOR => destination[channel],
        D3D11_BLEND_INV_DEST_COLOR => 1.0 - destination[channel],
        D3D11_BLEND_SRC_ALPHA_SAT if channel == 3 => 1.0,
        D3D11_BLEND_SRC_ALPHA_SAT => source[3].min(1.0 - destination[3]),
        D3D11_BLEND_BLEND_FACTOR => FACTOR[channel],
        D3D11_BLEND_INV_BLEND_FACTOR => 1.0 - FACTOR[channel],
        D3D11_BLEND_SRC1_COLOR => second[channel],
        D3D11_BLEND_INV_SRC1_COLOR => 1.0 - second[channel],
        D3D11_BLEND_SRC1_ALPHA => second[3],
        D3D11_BLEND_INV_SRC1_ALPHA => 1.0 - second[3],
        other => panic!("no case uses factor {}", other.0),
    }
}

/// The factors that alpha takes: those of colour are not allowed there.
fn for_alpha(factor: D3D11_BLEND) -> D3D11_BLEND {
    match factor {
        D3D11_BLEND_SRC_COLOR => D3D11_BLEND_SRC_ALPHA,
        D3D11_BLEND_INV_SRC_COLOR => D3D11_BLEND_INV_SRC_ALPHA,
        D3D11_BLEND_DEST_COLOR => D3D11_BLEND_DEST_ALPHA,
        D3D11_BLEND_INV_DEST_COLOR => D3D11_BLEND_INV_DEST_ALPHA,
        other => other,
    }
}

/// A factor for the source, and after that for the destination, with one half of the other.
fn factors(t: &mut Test<'_>, factor: D3D11_BLEND) -> Result<()> {
    for is_source in [true, false] {
        let (source, destination) =
            if is_source { (factor, D3D11_BLEND_INV_SRC_ALPHA) } else { (D3D11_BLEND_DEST_ALPHA, factor) };
        let blend = D3D11_RENDER_TARGET_BLEND_DESC {
            SrcBlendAlpha: for_alpha(source),
            DestBlendAlpha: for_alpha(destination),
            ..target(source, destination)
        };
        let pass = Pass {
            ps: shader!("blend.gradient"),
            blend: Some(state(blend)),
            blend_factor: FACTOR,
            canvas: Canvas { clear: DESTINATION, ..Canvas::default() },
            ..Pass::default()
        };
        let found = t.full(&pass)?;
        t.expect_within(TOLERANCE, &found, |x, y| {
            let colour = gradient(x, y);
            [0, 1, 2, 3].map(|channel| {
                let s = value(source, colour, BLACK, channel);
                let d = value(destination, colour, BLACK, channel);
                (colour[channel] * s + stored(DESTINATION[channel]) * d).min(1.0)
            })
        });
    }
    Ok(())
}

/// Blending with the pixel shader's second output.
fn dual(t: &mut Test<'_>, factor: D3D11_BLEND, for_alpha: D3D11_BLEND) -> Result<()> {
    let blend = D3D11_RENDER_TARGET_BLEND_DESC {
        SrcBlendAlpha: for_alpha,
        DestBlendAlpha: D3D11_BLEND_ONE,
        ..target(factor, D3D11_BLEND_SRC1_COLOR)
    };
    let pass = Pass {
        ps: shader!("blend.dual"),
        blend: Some(state(blend)),
        canvas: Canvas { clear: DESTINATION, ..Canvas::default() },
        ..Pass::default()
    };
    let found = t.full(&pass)?;
    t.expect_within(TOLERANCE, &found, |x, y| {
        let [u, v] = centre(x, y).map(|place| place / 64.0);
        let (colour, second) = ([0.5, 1.0, 0.25, 0.5], [u, v, 0.5, v]);
        [0, 1, 2, 3].map(|channel| {
            let factor = if channel == 3 { for_alpha } else { factor };
            let kept = if channel == 3 { 1.0 } else { second[channel] };
            (colour[channel] * value(factor, colour, second, channel) + stored(DESTINATION[channel]) * kept)
                .min(1.0)
        })
    });
    Ok(())
}

/// An operation on half of the source and a quarter of the destination.
fn operation(t: &mut Test<'_>, operation: D3D11_BLEND_OP, expected: fn(f32, f32) -> f32) -> Result<()> {
    let blend = D3D11_RENDER_TARGET_BLEND_DESC {
        BlendOp: operation,
        BlendOpAlpha: operation,
        ..target(D3D11_BLEND_BLEND_FACTOR, D3D11_BLEND_DEST_ALPHA)
    };
    let pass = Pass {
        ps: shader!("blend.gradient"),
        blend: Some(state(blend)),
        blend_factor: [0.5; 4],
        canvas: Canvas { clear: [0.8, 0.4, 0.2, 0.25], ..Canvas::default() },
        ..Pass::default()
    };
    let found = t.full(&pass)?;
    let destination = [0.8, 0.4, 0.2, 0.25].map(stored);
    t.expect_within(TOLERANCE, &found, |x, y| {
        let colour = gradient(x, y);
        [0, 1, 2, 3].map(|channel| expected(colour[channel], destination[channel]).clamp(0.0, 1.0))
    });
    Ok(())
}

/// Alpha has factors and an operation of its own.
fn alpha_apart(t: &mut Test<'_>) -> Result<()> {
    let blend = D3D11_RENDER_TARGET_BLEND_DESC {
        SrcBlendAlpha: D3D11_BLEND_ONE,
        DestBlendAlpha: D3D11_BLEND_ONE,
        BlendOpAlpha: D3D11_BLEND_OP_REV_SUBTRACT,
        ..target(D3D11_BLEND_SRC_ALPHA, D3D11_BLEND_INV_SRC_ALPHA)
    };
    let canvas = Canvas { clear: DESTINATION, ..Canvas::default() };
    let pass = Pass { ps: shader!("blend.gradient"), blend: Some(state(blend)), canvas, ..Pass::default() };
    let found = t.full(&pass)?;
    let [r, g, b, a] = DESTINATION.map(stored);
    t.expect_within(TOLERANCE, &found, |x, y| {
        let [sr, sg, sb, sa] = gradient(x, y);
        let mix = |s: f32, d: f32| s * sa + d * (1.0 - sa);
        [mix(sr, r), mix(sg, g), mix(sb, b), (a - sa).max(0.0)]
    });
    Ok(())
}

fn write_mask(t: &mut Test<'_>) -> Result<()> {
    for mask in [1, 2, 4, 8, 0, 10] {
        let mut blend = state(target(D3D11_BLEND_ONE, D3D11_BLEND_ZERO));
        blend.RenderTarget[0].BlendEnable = false.into();
        blend.RenderTarget[0].RenderTargetWriteMask = mask;
        let canvas = Canvas { clear: DESTINATION, ..Canvas::default() };
        let pass = Pass { ps: shader!("blend.gradient"), blend: Some(blend), canvas, ..Pass::default() };
        let found = t.full(&pass)?;
        t.expect_within(TOLERANCE, &found, |x, y| {
            let colour = gradient(x, y);
            [0, 1, 2, 3].map(|channel| {
                if mask >> channel & 1 == 1 { colour[channel] } else { stored(DESTINATION[channel]) }
            })
        });
    }
    Ok(())
}

/// Four targets; returns their pictures.
fn four(t: &mut Test<'_>, blend: D3D11_BLEND_DESC) -> Result<Vec<Picture>> {
    let canvas = Canvas { clear: DESTINATION, ..Canvas::default() };
    let pass = Pass { ps: shader!("blend.four"), blend: Some(blend), canvas, ..Pass::default() };
    let textures = [t.target(&pass)?, t.target(&pass)?, t.target(&pass)?, t.target(&pass)?];
    let targets = textures.iter().map(|texture| t.gpu.rtv(texture)).collect::<Result<_>>()?;
    t.gpu.draw(&Pass { targets, ..pass }, &Call::Vertices(3))?;
    textures.iter().map(|texture| t.show(texture)).collect()
}

fn four_colour(x: u32, y: u32) -> [f32; 4] {
    let [u, v] = centre(x, y).map(|place| place / 64.0);
    [u, v, 0.0, 0.5]
}

/// Each target has a state of its own: opaque, added, masked, mixed by alpha.
fn independent(t: &mut Test<'_>) -> Result<()> {
    let mut blend = state(target(D3D11_BLEND_ONE, D3D11_BLEND_ZERO));
    blend.IndependentBlendEnable = true.into();
    blend.RenderTarget[0].BlendEnable = false.into();
    blend.RenderTarget[1] = target(D3D11_BLEND_ONE, D3D11_BLEND_ONE);
    blend.RenderTarget[2].RenderTargetWriteMask = 2;
    blend.RenderTarget[3] = target(D3D11_BLEND_SRC_ALPHA, D3D11_BLEND_INV_SRC_ALPHA);
    let found = four(t, blend)?;
    let d = DESTINATION.map(stored);
    t.expect_within(TOLERANCE, &found[0], four_colour);
    t.expect_within(TOLERANCE, &found[1], |x, y| {
        let s = four_colour(x, y);
        [0, 1, 2, 3].map(|channel| (s[channel] + d[channel]).min(1.0))
    });
    t.expect_within(TOLERANCE, &found[2], |x, y| [d[0], four_colour(x, y)[1], d[2], d[3]]);
    t.expect_within(TOLERANCE, &found[3], |x, y| {
        let s = four_colour(x, y);
        [0, 1, 2, 3].map(|channel| (s[channel] + d[channel]) * 0.5)
    });
    Ok(())
}

/// Without independence the first target's state is everybody's.
fn one_for_all(t: &mut Test<'_>) -> Result<()> {
    let mut blend = state(target(D3D11_BLEND_ONE, D3D11_BLEND_ZERO));
    blend.RenderTarget[0] = target(D3D11_BLEND_ZERO, D3D11_BLEND_SRC_ALPHA);
    let found = four(t, blend)?;
    for picture in &found {
        t.expect_within(TOLERANCE, picture, |_, _| DESTINATION.map(|channel| stored(channel) * 0.5));
    }
    Ok(())
}

/// Blending happens on linear values.
fn srgb_target(t: &mut Test<'_>) -> Result<()> {
    let clear = [0.1, 0.5, 0.9, 1.0];
    let canvas = Canvas { format: DXGI_FORMAT_R8G8B8A8_UNORM_SRGB, clear, ..Canvas::default() };
    let blend = state(target(D3D11_BLEND_SRC_ALPHA, D3D11_BLEND_INV_SRC_ALPHA));
    let pass = Pass { ps: shader!("blend.gradient"), blend: Some(blend), canvas, ..Pass::default() };
    let found = t.full(&pass)?;
    // A step of the 8 stored bits is at most this much of the linear value.
    let step = (1.0 - from_srgb(254.0 / 255.0)) * 1.3;
    t.expect_within(step, &found, |x, y| {
        let [r, g, b, a] = gradient(x, y);
        let mix = |s: f32, d: f32| s * a + d * (1.0 - a);
        [mix(r, clear[0]), mix(g, clear[1]), mix(b, clear[2]), mix(a, clear[3])]
    });
    Ok(())
}

/// Nothing is clamped in a float target.
fn float_target(t: &mut Test<'_>) -> Result<()> {
    let clear = [-1.0, 5.0, 0.25, -2.0];
    let canvas = Canvas { format: DXGI_FORMAT_R32G32B32A32_FLOAT, clear, ..Canvas::default() };
    let blend = state(target(D3D11_BLEND_ONE, D3D11_BLEND_INV_SRC_ALPHA));
    let pass = Pass { ps: shader!("blend.negative"), blend: Some(blend), canvas, ..Pass::default() };
    let found = t.full(&pass)?;
    t.expect_within(1e-4, &found, |x, y| {
        [centre(x, y)[0] / 16.0 - 2.0 - 0.5, -1.0 + 2.5, 3.0 + 0.125, 0.5 - 1.0]
    });
    Ok(())
}

/// A target without alpha reads as alpha 1.
fn alpha_only_target(t: &mut Test<'_>) -> Result<()> {
    let clear = [0.5, 0.25, 0.0, 0.0];
    let canvas = Canvas { format: DXGI_FORMAT_R8G8_UNORM, clear, ..Canvas::default() };
    let blend = state(target(D3D11_BLEND_DEST_ALPHA, D3D11_BLEND_INV_DEST_ALPHA));
    let pass = Pass { ps: shader!("blend.gradient"), blend: Some(blend), canvas, ..Pass::default() };
    let found = t.full(&pass)?;
    t.expect_within(TOLERANCE, &found, |x, y| {
        let [r, g, ..] = gradient(x, y);
        [r, g, 0.0, 1.0]
    });
    Ok(())
}

/// Direct3D 11.1: operations on the bits of an integer target.
fn logic(t: &mut Test<'_>, operation: D3D11_LOGIC_OP, expected: fn(u8, u8) -> u8) -> Result<()> {
    if t.lacks(D3D_FEATURE_LEVEL_11_1) {
        return Ok(());
    }
    let target = D3D11_RENDER_TARGET_BLEND_DESC1 {
        LogicOpEnable: true.into(),
        SrcBlend: D3D11_BLEND_ONE,
        DestBlend: D3D11_BLEND_ZERO,
        BlendOp: D3D11_BLEND_OP_ADD,
        SrcBlendAlpha: D3D11_BLEND_ONE,
        DestBlendAlpha: D3D11_BLEND_ZERO,
        BlendOpAlpha: D3D11_BLEND_OP_ADD,
        LogicOp: operation,
        RenderTargetWriteMask: 15,
        ..Default::default()
    };
    let blend1 = D3D11_BLEND_DESC1 { RenderTarget: [target; 8], ..Default::default() };
    let canvas =
        Canvas { format: DXGI_FORMAT_R8G8B8A8_UINT, clear: [204.0, 51.0, 170.0, 240.0], ..Canvas::default() };
    let pass = Pass { ps: shader!("blend.bits"), blend1: Some(blend1), canvas, ..Pass::default() };
    let found = t.full(&pass)?;
    t.expect_within(0.0, &found, |x, y| {
        // CAST: cut to 8 bits as the shader does.
        let source = [(x * 5) as u8, (y * 9) as u8, 0x0f, 0xaa];
        let destination = [204, 51, 170, 240];
        [0, 1, 2, 3].map(|channel: usize| f32::from(expected(source[channel], destination[channel])))
    });
    Ok(())
}
