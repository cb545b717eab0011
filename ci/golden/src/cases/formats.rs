//! Formats: rendering to each, reading each, compressed blocks, views in another format.

use super::blocks;
use super::common::*;
use crate::kit::expected::{from_srgb, random};
use crate::kit::*;

/// By how much channels may differ: half a step of `n` bits, and a little more.
const fn bits(n: u32) -> f32 {
    // CAST: at most 2^24.
    1.05 / ((1 << n) - 1) as f32
}

/// Half a step of 8 bits: sRGB is decoded by approximations.
const SRGB: f32 = bits(8) / 2.0;

cases![
    write_r8 => |t| unit(t, DXGI_FORMAT_R8_UNORM, bits(8)),
    write_r8g8 => |t| unit(t, DXGI_FORMAT_R8G8_UNORM, bits(8)),
    write_r8g8b8a8 => |t| unit(t, DXGI_FORMAT_R8G8B8A8_UNORM, bits(8)),
    write_b8g8r8a8 => |t| unit(t, DXGI_FORMAT_B8G8R8A8_UNORM, bits(8)),
    write_b8g8r8x8 => |t| unit(t, DXGI_FORMAT_B8G8R8X8_UNORM, bits(8)),
    write_r8g8b8a8_srgb => |t| unit(t, DXGI_FORMAT_R8G8B8A8_UNORM_SRGB, 0.012),
    write_b8g8r8a8_srgb => |t| unit(t, DXGI_FORMAT_B8G8R8A8_UNORM_SRGB, 0.012),
    write_a8 => |t| unit(t, DXGI_FORMAT_A8_UNORM, bits(8)),
    write_r16 => |t| unit(t, DXGI_FORMAT_R16_UNORM, bits(14)),
    write_r16g16 => |t| unit(t, DXGI_FORMAT_R16G16_UNORM, bits(14)),
    write_r16g16b16a16 => |t| unit(t, DXGI_FORMAT_R16G16B16A16_UNORM, bits(14)),
    write_r10g10b10a2 => |t| unit(t, DXGI_FORMAT_R10G10B10A2_UNORM, bits(2)),
    write_r11g11b10 => |t| unit(t, DXGI_FORMAT_R11G11B10_FLOAT, bits(5)),
    write_r16_float => |t| unit(t, DXGI_FORMAT_R16_FLOAT, bits(10)),
    write_r16g16_float => |t| unit(t, DXGI_FORMAT_R16G16_FLOAT, bits(10)),
    write_r32_float => |t| beyond(t, DXGI_FORMAT_R32_FLOAT, 1),
    write_r32g32_float => |t| beyond(t, DXGI_FORMAT_R32G32_FLOAT, 2),
    write_r16g16b16a16_float => |t| beyond(t, DXGI_FORMAT_R16G16B16A16_FLOAT, 4),
    write_r32g32b32a32_float => |t| beyond(t, DXGI_FORMAT_R32G32B32A32_FLOAT, 4),
    write_b5g6r5 => |t| unit(t, DXGI_FORMAT_B5G6R5_UNORM, bits(5)),
    write_b5g5r5a1 => |t| unit(t, DXGI_FORMAT_B5G5R5A1_UNORM, 0.51),
    write_b4g4r4a4 => |t| {
        if t.lacks_target(DXGI_FORMAT_B4G4R4A4_UNORM) {
            return Ok(());
        }
        unit(t, DXGI_FORMAT_B4G4R4A4_UNORM, bits(4))
    },
    write_r8_snorm => |t| signed_unit(t, DXGI_FORMAT_R8_SNORM, 1, bits(7)),
    write_r8g8b8a8_snorm => |t| signed_unit(t, DXGI_FORMAT_R8G8B8A8_SNORM, 4, bits(7)),
    write_r16g16_snorm => |t| signed_unit(t, DXGI_FORMAT_R16G16_SNORM, 2, bits(13)),
    write_r16g16b16a16_snorm => |t| signed_unit(t, DXGI_FORMAT_R16G16B16A16_SNORM, 4, bits(13)),
    write_r8_uint => |t| unsigned(t, DXGI_FORMAT_R8_UINT, 1),
    write_r8g8b8a8_uint => |t| unsigned(t, DXGI_FORMAT_R8G8B8A8_UINT, 4),
    write_r16g16_uint => |t| unsigned(t, DXGI_FORMAT_R16G16_UINT, 2),
    write_r16g16b16a16_uint => |t| unsigned(t, DXGI_FORMAT_R16G16B16A16_UINT, 4),
    write_r32_uint => |t| unsigned(t, DXGI_FORMAT_R32_UINT, 1),
    write_r32g32b32a32_uint => |t| unsigned(t, DXGI_FORMAT_R32G32B32A32_UINT, 4),
    write_r10g10b10a2_uint => |t| unsigned(t, DXGI_FORMAT_R10G10B10A2_UINT, 4),
    write_r8g8_sint => |t| signed(t, DXGI_FORMAT_R8G8_SINT, 2),
    write_r8g8b8a8_sint => |t| signed(t, DXGI_FORMAT_R8G8B8A8_SINT, 4),
    write_r16_sint => |t| signed(t, DXGI_FORMAT_R16_SINT, 1),
    write_r32g32_sint => |t| signed(t, DXGI_FORMAT_R32G32_SINT, 2),
    write_clamped,
    read_r8 => |t| read(t, DXGI_FORMAT_R8_UNORM),
    read_r8g8 => |t| read(t, DXGI_FORMAT_R8G8_UNORM),
    read_r8g8b8a8 => |t| read(t, DXGI_FORMAT_R8G8B8A8_UNORM),
    read_r8g8b8a8_srgb => |t| read(t, DXGI_FORMAT_R8G8B8A8_UNORM_SRGB),
    read_b8g8r8a8 => |t| read(t, DXGI_FORMAT_B8G8R8A8_UNORM),
    read_b8g8r8x8 => |t| read(t, DXGI_FORMAT_B8G8R8X8_UNORM),
    read_a8 => |t| read(t, DXGI_FORMAT_A8_UNORM),
    read_r8_snorm => |t| read(t, DXGI_FORMAT_R8_SNORM),
    read_r8g8b8a8_snorm => |t| read(t, DXGI_FORMAT_R8G8B8A8_SNORM),
    read_r16 => |t| read(t, DXGI_FORMAT_R16_UNORM),
    read_r16g16_snorm => |t| read(t, DXGI_FORMAT_R16G16_SNORM),
    read_r16g16b16a16 => |t| read(t, DXGI_FORMAT_R16G16B16A16_UNORM),
    read_r10g10b10a2 => |t| read(t, DXGI_FORMAT_R10G10B10A2_UNORM),
    read_r11g11b10 => |t| read(t, DXGI_FORMAT_R11G11B10_FLOAT),
    read_r16_float => |t| read(t, DXGI_FORMAT_R16_FLOAT),
    read_r16g16b16a16_float => |t| read(t, DXGI_FORMAT_R16G16B16A16_FLOAT),
    read_b5g6r5 => |t| read(t, DXGI_FORMAT_B5G6R5_UNORM),
    read_b5g5r5a1 => |t| read(t, DXGI_FORMAT_B5G5R5A1_UNORM),
    read_b4g4r4a4 => |t| read(t, DXGI_FORMAT_B4G4R4A4_UNORM),
    read_r9g9b9e5, read_r8g8_b8g8, read_g8r8_g8b8, read_r32g32b32,
    read_r8_uint => |t| read_integers(t, DXGI_FORMAT_R8_UINT, shader!("formats.read_unsigned")),
    read_r16g16_uint => |t| read_integers(t, DXGI_FORMAT_R16G16_UINT, shader!("formats.read_unsigned")),
    read_r10g10b10a2_uint => |t| read_integers(t, DXGI_FORMAT_R10G10B10A2_UINT, shader!("formats.read_unsigned")),
    read_r8g8b8a8_sint => |t| read_integers(t, DXGI_FORMAT_R8G8B8A8_SINT, shader!("formats.read_signed")),
    read_r16_sint => |t| read_integers(t, DXGI_FORMAT_R16_SINT, shader!("formats.read_signed")),
    block_1 => |t| compressed(t, DXGI_FORMAT_BC1_UNORM, 8, bits(5), |b| blocks::colours(b, true)),
    block_1_srgb => |t| compressed(t, DXGI_FORMAT_BC1_UNORM_SRGB, 8, 0.06, |b| {
        blocks::colours(b, true).map(|[r, g, b, a]| [from_srgb(r), from_srgb(g), from_srgb(b), a])
    }),
    block_2 => |t| compressed(t, DXGI_FORMAT_BC2_UNORM, 16, bits(5), blocks::explicit_alpha),
    block_3 => |t| compressed(t, DXGI_FORMAT_BC3_UNORM, 16, bits(5), blocks::interpolated_alpha),
    block_4 => |t| compressed(t, DXGI_FORMAT_BC4_UNORM, 8, bits(7), |b| blocks::one(b).map(|r| [r, 0.0, 0.0, 1.0])),
    block_4_signed => |t| compressed(t, DXGI_FORMAT_BC4_SNORM, 8, bits(6), |b| {
        blocks::one_signed(b).map(|r| [r, 0.0, 0.0, 1.0])
    }),
    block_5 => |t| compressed(t, DXGI_FORMAT_BC5_UNORM, 16, bits(7), |b| blocks::two(b, blocks::one)),
    block_5_signed => |t| compressed(t, DXGI_FORMAT_BC5_SNORM, 16, bits(6), |b| blocks::two(b, blocks::one_signed)),
    block_6 => |t| compressed(t, DXGI_FORMAT_BC6H_UF16, 16, 2e-3, |b| blocks::high_range(&blocks::mode_11(b), false)),
    block_6_signed => |t| compressed(t, DXGI_FORMAT_BC6H_SF16, 16, 2e-3, |b| {
        blocks::high_range(&blocks::mode_11(b), true)
    }),
    block_7 => |t| compressed(t, DXGI_FORMAT_BC7_UNORM, 16, bits(7), |b| blocks::mode_6_colours(&blocks::mode_6(b))),
    view_as_srgb, view_as_unsigned, view_depth_16, render_through_srgb_view,
];

fn target(format: DXGI_FORMAT) -> Canvas {
    Canvas { format, ..Canvas::default() }
}

/// Writes numbers from 0 to 1 and expects those channels that the format has.
fn unit(t: &mut Test<'_>, format: DXGI_FORMAT, tolerance: f32) -> Result<()> {
    let found =
        t.full(&Pass { ps: shader!("formats.write_unit"), canvas: target(format), ..Pass::default() })?;
    let has = channels(format);
    t.expect_within(tolerance, &found, |x, y| {
        let [u, v] = centre(x, y).map(|place| place / 64.0);
        only([u, v, 0.75, 0.25], has)
    });
    Ok(())
}

/// Which of red, green, blue and alpha a format stores.
fn channels(format: DXGI_FORMAT) -> [bool; 4] {
    match format {
        DXGI_FORMAT_A8_UNORM => [false, false, false, true],
        DXGI_FORMAT_R8_UNORM | DXGI_FORMAT_R16_UNORM | DXGI_FORMAT_R16_FLOAT => [true, false, false, false],
        DXGI_FORMAT_R8G8_UNORM | DXGI_FORMAT_R16G16_UNORM | DXGI_FORMAT_R16G16_FLOAT => {
            [true, true, false, false]
        }
        DXGI_FORMAT_R11G11B10_FLOAT | DXGI_FORMAT_B5G6R5_UNORM | DXGI_FORMAT_B8G8R8X8_UNORM => {
            [true, true, true, false]
        }
        _ => [true; 4],
    }
}

/// What a format lacks is 0, or 1 for alpha.
fn only(texel: [f32; 4], has: [bool; 4]) -> [f32; 4] {
    [0, 1, 2, 3].map(|channel| if has[channel] { texel[channel] } else { BLACK_OPAQUE[channel] })
}

const BLACK_OPAQUE: [f32; 4] = [0.0, 0.0, 0.0, 1.0];

fn first(count: usize) -> [bool; 4] {
    [0, 1, 2, 3].map(|channel| channel < count)
}

fn beyond(t: &mut Test<'_>, format: DXGI_FORMAT, count: usize) -> Result<()> {
    let found =
        t.full(&Pass { ps: shader!("formats.write_beyond"), canvas: target(format), ..Pass::default() })?;
    t.expect_within(2e-3, &found, |x, y| {
        let [u, v] = centre(x, y).map(|place| place / 16.0 - 2.0);
        only([u, v, 3.0, -3.0], first(count))
    });
    Ok(())
}

fn signed_unit(t: &mut Test<'_>, format: DXGI_FORMAT, count: usize, tolerance: f32) -> Result<()> {
    let found = t.full(&Pass {
        ps: shader!("formats.write_signed_unit"),
        canvas: target(format),
        ..Pass::default()
    })?;
    t.expect_within(tolerance, &found, |x, y| {
        let [u, v] = centre(x, y).map(|place| place / 32.0 - 1.0);
        only([u, v, -0.5, 0.25], first(count))
    });
    Ok(())
}

fn unsigned(t: &mut Test<'_>, format: DXGI_FORMAT, count: usize) -> Result<()> {
    let found =
        t.full(&Pass { ps: shader!("formats.write_unsigned"), canvas: target(format), ..Pass::default() })?;
    // CAST: below 64.
    t.expect_within(0.0, &found, |x, y| only([x as f32, y as f32, 100.0, 3.0], first(count)));
    Ok(())
}

fn signed(t: &mut Test<'_>, format: DXGI_FORMAT, count: usize) -> Result<()> {
    let found =
        t.full(&Pass { ps: shader!("formats.write_signed"), canvas: target(format), ..Pass::default() })?;
    // CAST: below 64.
    t.expect_within(0.0, &found, |x, y| only([x as f32 - 32.0, y as f32 - 32.0, -100.0, 3.0], first(count)));
    Ok(())
}

/// Numbers beyond 0 to 1 are cut.
fn write_clamped(t: &mut Test<'_>) -> Result<()> {
    let found = t.full(&Pass { ps: shader!("formats.write_beyond"), ..Pass::default() })?;
    t.expect(&found, |x, y| {
        let [u, v] = centre(x, y).map(|place| (place / 16.0 - 2.0).clamp(0.0, 1.0));
        [u, v, 1.0, 0.0]
    });
    Ok(())
}

/// A texture of 16×16 texels read one by one into floats.
fn read_bytes(t: &mut Test<'_>, format: DXGI_FORMAT, ps: Code, bytes: &[u8]) -> Result<Picture> {
    let texture = t.gpu.texture(&Shape { format, ..Shape::square(16) }, &[bytes.to_vec()])?;
    let canvas =
        Canvas { format: DXGI_FORMAT_R32G32B32A32_FLOAT, width: 16, height: 16, ..Canvas::default() };
    t.full(&Pass { ps, canvas, resources: vec![t.gpu.srv(&texture)?], ..Pass::default() })
}

/// Random bytes, but no float that is infinite or no number.
fn random_bytes(format: DXGI_FORMAT, count: usize) -> Vec<u8> {
    let mut next = random(1234);
    let words = std::iter::from_fn(|| {
        let word = next();
        Some(match format {
            DXGI_FORMAT_R16_FLOAT | DXGI_FORMAT_R16G16B16A16_FLOAT => word & 0xbbff_bbff,
            DXGI_FORMAT_R11G11B10_FLOAT => word & 0xdff_bfdff & !(0x200 << 22),
            _ => word,
        })
    });
    words.flat_map(u32::to_le_bytes).take(count).collect()
}

fn read(t: &mut Test<'_>, format: DXGI_FORMAT) -> Result<()> {
    read_as(t, format, shader!("formats.read"), SRGB)
}

fn read_integers(t: &mut Test<'_>, format: DXGI_FORMAT, ps: Code) -> Result<()> {
    read_as(t, format, ps, 0.0)
}

fn read_as(t: &mut Test<'_>, format: DXGI_FORMAT, ps: Code, tolerance: f32) -> Result<()> {
    let (row, rows) = Shape { format, ..Shape::square(16) }.row_and_rows(0);
    let bytes = random_bytes(format, row * rows);
    let expected = Picture::decoded(format, 16, &bytes);
    let found = read_bytes(t, format, ps, &bytes)?;
    t.expect_within(tolerance, &found, |x, y| expected.at(x, y));
    Ok(())
}

fn read_r9g9b9e5(t: &mut Test<'_>) -> Result<()> {
    let mut next = random(9);
    // Exponents from 8 to 23, around the middle of 15.
    let texels: Vec<u32> =
        (0..256).map(|_| next()).map(|word| word & 0x07ff_ffff | (word % 16 + 8) << 27).collect();
    let found = read_bytes(t, DXGI_FORMAT_R9G9B9E5_SHAREDEXP, shader!("formats.read"), &words(&texels))?;
    t.expect_within(1e-3, &found, |x, y| {
        let word = texels[(x + y * 16) as usize];
        // CAST: small.
        let scale = 2.0_f32.powi((word >> 27) as i32 - 15 - 9);
        let [r, g, b] = [0, 9, 18].map(|shift| (word >> shift & 0x1ff) as f32 * scale);
        [r, g, b, 1.0]
    });
    Ok(())
}

/// Two texels share red and blue.
fn shared(t: &mut Test<'_>, format: DXGI_FORMAT, [red, green, blue, second]: [usize; 4]) -> Result<()> {
    let bytes = random_bytes(format, 16 * 16 * 2);
    let shape = Shape { format, ..Shape::square(16) };
    let texture = t.gpu.texture_of_pairs(&shape, &bytes)?;
    let canvas =
        Canvas { format: DXGI_FORMAT_R32G32B32A32_FLOAT, width: 16, height: 16, ..Canvas::default() };
    let resources = vec![t.gpu.srv(&texture)?];
    let found = t.full(&Pass { ps: shader!("formats.read"), canvas, resources, ..Pass::default() })?;
    t.expect(&found, |x, y| {
        let pair = &bytes[(x / 2 * 4 + y * 32) as usize..];
        let green = if x % 2 == 0 { green } else { second };
        let [r, g, b] = [red, green, blue].map(|n| f32::from(pair[n]) / 255.0);
        [r, g, b, 1.0]
    });
    Ok(())
}

fn read_r8g8_b8g8(t: &mut Test<'_>) -> Result<()> {
    shared(t, DXGI_FORMAT_R8G8_B8G8_UNORM, [0, 1, 2, 3])
}

fn read_g8r8_g8b8(t: &mut Test<'_>) -> Result<()> {
    shared(t, DXGI_FORMAT_G8R8_G8B8_UNORM, [1, 0, 3, 2])
}

/// Three floats in a buffer; as a texture this format is optional.
fn read_r32g32b32(t: &mut Test<'_>) -> Result<()> {
    let numbers: Vec<f32> = (0..48_u8).map(|n| f32::from(n) / 48.0).collect();
    let buffer = t.gpu.buffer(D3D11_BIND_SHADER_RESOURCE, &floats(&numbers))?;
    let (target, view) = {
        let buffer = t.gpu.buffer(D3D11_BIND_UNORDERED_ACCESS, &[0; 256])?;
        let view = t.gpu.buffer_uav(
            &buffer.raw,
            DXGI_FORMAT_R32G32B32A32_FLOAT,
            (0, 16),
            D3D11_BUFFER_UAV_FLAG(0),
        )?;
        (buffer, view)
    };
    let dispatch = Dispatch {
        cs: shader!("compute.typed_buffers"),
        resources: vec![t.gpu.typed_srv(&buffer.raw, DXGI_FORMAT_R32G32B32_FLOAT, 16)?],
        uavs: vec![view],
        ..Dispatch::default()
    };
    t.dispatch(dispatch, 1)?;
    let found = t.gpu.read_words(&target)?;
    let expected: Vec<f32> = numbers.chunks_exact(3).rev().flat_map(|n| [n[2], n[1], n[0], 1.0]).collect();
    t.expect_floats(0.0, &found, &expected);
    Ok(())
}

/// 4×4 blocks of random bytes, each decoded on the CPU.
fn compressed(
    t: &mut Test<'_>,
    format: DXGI_FORMAT,
    size: usize,
    tolerance: f32,
    decode: fn(&[u8]) -> [[f32; 4]; 16],
) -> Result<()> {
    let mut bytes = random_bytes(format, size * 16);
    // These have modes, of which only one is decoded here.
    for block in bytes.chunks_exact_mut(size) {
        match format {
            DXGI_FORMAT_BC6H_UF16 | DXGI_FORMAT_BC6H_SF16 => block.copy_from_slice(&blocks::mode_11(block)),
            DXGI_FORMAT_BC7_UNORM => block.copy_from_slice(&blocks::mode_6(block)),
            _ => {}
        }
    }
    let found = read_bytes(t, format, shader!("formats.read"), &bytes)?;
    let decoded: Vec<[[f32; 4]; 16]> = bytes.chunks_exact(size).map(decode).collect();
    let relative =
        |texel: [f32; 4]| texel.iter().fold(1.0_f32, |largest, channel| largest.max(channel.abs()));
    let scale = decoded.iter().flatten().map(|texel| relative(*texel)).fold(1.0, f32::max);
    t.expect_within(tolerance * scale, &found, |x, y| {
        decoded[(x / 4 + y / 4 * 4) as usize][(x % 4 + y % 4 * 4) as usize]
    });
    Ok(())
}

/// A view of a texture without a type, or with another one.
fn viewed(
    t: &mut Test<'_>,
    typeless: DXGI_FORMAT,
    view: DXGI_FORMAT,
    ps: Code,
    bytes: &[u8],
) -> Result<Picture> {
    let texture = t.gpu.texture(&Shape { format: typeless, ..Shape::square(16) }, &[bytes.to_vec()])?;
    let part =
        D3D11_SHADER_RESOURCE_VIEW_DESC_0 { Texture2D: D3D11_TEX2D_SRV { MostDetailedMip: 0, MipLevels: 1 } };
    let resources = vec![t.gpu.srv_as(&texture, view, D3D11_SRV_DIMENSION_TEXTURE2D, part)?];
    let canvas =
        Canvas { format: DXGI_FORMAT_R32G32B32A32_FLOAT, width: 16, height: 16, ..Canvas::default() };
    t.full(&Pass { ps, canvas, resources, ..Pass::default() })
}

fn view_as_srgb(t: &mut Test<'_>) -> Result<()> {
    let bytes = random_bytes(DXGI_FORMAT_R8G8B8A8_TYPELESS, 1024);
    let view = DXGI_FORMAT_R8G8B8A8_UNORM_SRGB;
    let found = viewed(t, DXGI_FORMAT_R8G8B8A8_TYPELESS, view, shader!("formats.read"), &bytes)?;
    let expected = Picture::decoded(view, 16, &bytes);
    t.expect_within(SRGB, &found, |x, y| expected.at(x, y));
    Ok(())
}

/// The bits of floats as integers.
fn view_as_unsigned(t: &mut Test<'_>) -> Result<()> {
    let bytes = random_bytes(DXGI_FORMAT_R8G8B8A8_TYPELESS, 1024);
    let view = DXGI_FORMAT_R8G8B8A8_UINT;
    let found = viewed(t, DXGI_FORMAT_R8G8B8A8_TYPELESS, view, shader!("formats.read_unsigned"), &bytes)?;
    let expected = Picture::decoded(view, 16, &bytes);
    t.expect_within(0.0, &found, |x, y| expected.at(x, y));
    Ok(())
}

fn view_depth_16(t: &mut Test<'_>) -> Result<()> {
    let bind = D3D11_BIND_DEPTH_STENCIL | D3D11_BIND_SHADER_RESOURCE;
    let depths = t.gpu.texture(&Shape { format: DXGI_FORMAT_R16_TYPELESS, bind, ..Shape::default() }, &[])?;
    let view = t.gpu.dsv_as(&depths, DXGI_FORMAT_D16_UNORM, 0)?;
    t.gpu.clear_depth(&view, D3D11_CLEAR_DEPTH, 0.3, 0);
    let part =
        D3D11_SHADER_RESOURCE_VIEW_DESC_0 { Texture2D: D3D11_TEX2D_SRV { MostDetailedMip: 0, MipLevels: 1 } };
    let resources =
        vec![t.gpu.srv_as(&depths, DXGI_FORMAT_R16_UNORM, D3D11_SRV_DIMENSION_TEXTURE2D, part)?];
    let found = t.full(&Pass { ps: shader!("formats.read"), resources, ..Pass::default() })?;
    t.expect(&found, |_, _| [0.3, 0.0, 0.0, 1.0]);
    Ok(())
}

/// Colours are encoded on their way through the view, and read back as they were stored.
fn render_through_srgb_view(t: &mut Test<'_>) -> Result<()> {
    let bind = D3D11_BIND_RENDER_TARGET;
    let texture =
        t.gpu.texture(&Shape { format: DXGI_FORMAT_R8G8B8A8_TYPELESS, bind, ..Shape::default() }, &[])?;
    let part = D3D11_RENDER_TARGET_VIEW_DESC_0 { Texture2D: D3D11_TEX2D_RTV { MipSlice: 0 } };
    let view =
        t.gpu.rtv_as(&texture, DXGI_FORMAT_R8G8B8A8_UNORM_SRGB, D3D11_RTV_DIMENSION_TEXTURE2D, part)?;
    t.gpu.draw(
        &Pass { ps: shader!("formats.write_unit"), targets: vec![view], ..Pass::default() },
        &Call::Vertices(3),
    )?;
    let found = t.show(&texture)?;
    t.expect_within(
        0.012,
        &found.map(|[r, g, b, a]| [from_srgb(r), from_srgb(g), from_srgb(b), a]),
        |x, y| {
            let [u, v] = centre(x, y).map(|place| place / 64.0);
            [u, v, 0.75, 0.25]
        },
    );
    Ok(())
}
