//! Render targets: several at once, parts of textures, writes beside them, clears, generated levels, copies, updates.

use super::common::*;
use super::textures::{bytes, patchwork};
use crate::kit::expected::from_srgb;
use crate::kit::*;

cases![
    eight,
    mixed,
    level,
    slice,
    cube_face,
    depth_slice,
    whole_volume,
    write_beside,
    write_alone,
    count_pixels,
    discard_then_write,
    bands_of_part,
    feedback,
    clear_view,
    clear_view_uav,
    clear_unsigned,
    generate_levels,
    generate_array_levels,
    generate_volume_levels,
    generate_srgb_levels,
    copy_resource,
    copy_box,
    copy_levels,
    copy_volume,
    copy_buffer,
    copy_blocks,
    copy_as_other_type,
    copy_blocks_as_words,
    resolve,
    resolve_slice,
    resolve_float,
    update_box,
    update_slice,
    update_volume,
    update_blocks,
    update_buffer,
    map_texture,
    map_discard,
    map_no_overwrite,
    linked,
];

const TARGET: D3D11_BIND_FLAG = D3D11_BIND_FLAG(D3D11_BIND_RENDER_TARGET.0 | D3D11_BIND_SHADER_RESOURCE.0);

/// What `targets.shade` returns, on a target of this size.
fn shade(size: u32, x: u32, y: u32) -> [f32; 4] {
    // CAST: small.
    let [u, v] = centre(x, y).map(|place| place / size as f32);
    [u, v, 1.0 - u, 1.0]
}

fn eight(t: &mut Test<'_>) -> Result<()> {
    let pass = Pass { ps: shader!("targets.eight"), ..Pass::default() };
    let textures: Vec<Texture> = (0..8).map(|_| t.target(&pass)).collect::<Result<_>>()?;
    let targets = textures.iter().map(|texture| t.gpu.rtv(texture)).collect::<Result<_>>()?;
    t.gpu.draw(&Pass { targets, ..pass }, &Call::Vertices(3))?;
    for (n, texture) in (0_u8..).map(f32::from).zip(&textures) {
        let found = t.show(texture)?;
        t.expect(&found, |x, y| {
            let [u, v, ..] = shade(64, x, y);
            [n / 8.0, u, v, 1.0]
        });
    }
    Ok(())
}

/// Targets of different formats, with a gap between them.
fn mixed(t: &mut Test<'_>) -> Result<()> {
    let formats = [
        DXGI_FORMAT_R8G8B8A8_UNORM,
        DXGI_FORMAT_R8G8B8A8_UINT,
        DXGI_FORMAT_R8_UNORM,
        DXGI_FORMAT_R32G32B32A32_FLOAT,
    ];
    let pass = Pass { ps: shader!("targets.mixed"), ..Pass::default() };
    let textures: Vec<Texture> = formats
        .iter()
        .map(|format| t.target(&Pass { canvas: Canvas { format: *format, ..pass.canvas }, ..pass.clone() }))
        .collect::<Result<_>>()?;
    let targets = textures.iter().map(|texture| t.gpu.rtv(texture)).collect::<Result<_>>()?;
    t.gpu.draw(&Pass { targets, ..pass }, &Call::Vertices(3))?;
    let found: Vec<Picture> = textures.iter().map(|texture| t.show(texture)).collect::<Result<_>>()?;
    t.expect(&found[0], |x, y| {
        let [u, v, ..] = shade(64, x, y);
        [u, v, 0.0, 1.0]
    });
    // CAST: below 64.
    t.expect_within(0.0, &found[1], |x, y| [x as f32, y as f32, 7.0, 9.0]);
    t.expect_within(1e-3, &found[3], |x, y| {
        let [u, v, ..] = shade(64, x, y);
        [u * 100.0, v * 100.0, -5.0, 1000.0]
    });
    Ok(())
}

/// Draws `targets.shade` through a view of a part of a texture; its other subresources stay as they were.
fn part(
    t: &mut Test<'_>,
    shape: Shape,
    dimension: D3D11_RTV_DIMENSION,
    part: D3D11_RENDER_TARGET_VIEW_DESC_0,
    (drawn, size): (u32, u32),
) -> Result<()> {
    let shape = Shape { bind: TARGET, ..shape };
    let subresources = shape.slices * shape.levels;
    let data: Vec<Vec<u8>> = (0..subresources)
        .map(|sub| {
            let (row, rows) = shape.row_and_rows(sub % shape.levels);
            vec![51; row * rows]
        })
        .collect();
    let texture = t.gpu.texture(&shape, &data)?;
    let view = t.gpu.rtv_as(&texture, shape.format, dimension, part)?;
    let canvas = Canvas { width: size, height: size, ..Canvas::default() };
    t.gpu.draw(
        &Pass { ps: shader!("targets.shade"), targets: vec![view], canvas, ..Pass::default() },
        &Call::Vertices(3),
    )?;
    for sub in 0..subresources {
        let found = t.show_part(&texture, sub)?;
        t.expect(&found, |x, y| if sub == drawn { shade(size, x, y) } else { [0.2; 4] });
    }
    Ok(())
}

fn level(t: &mut Test<'_>) -> Result<()> {
    let view = D3D11_RENDER_TARGET_VIEW_DESC_0 { Texture2D: D3D11_TEX2D_RTV { MipSlice: 2 } };
    part(t, Shape { levels: 4, ..Shape::square(64) }, D3D11_RTV_DIMENSION_TEXTURE2D, view, (2, 16))
}

fn slice(t: &mut Test<'_>) -> Result<()> {
    let view = D3D11_RENDER_TARGET_VIEW_DESC_0 {
        Texture2DArray: D3D11_TEX2D_ARRAY_RTV { MipSlice: 1, FirstArraySlice: 2, ArraySize: 1 },
    };
    let shape = Shape { levels: 2, slices: 4, ..Shape::square(32) };
    part(t, shape, D3D11_RTV_DIMENSION_TEXTURE2DARRAY, view, (5, 16))
}

fn cube_face(t: &mut Test<'_>) -> Result<()> {
    let view = D3D11_RENDER_TARGET_VIEW_DESC_0 {
        Texture2DArray: D3D11_TEX2D_ARRAY_RTV { MipSlice: 0, FirstArraySlice: 4, ArraySize: 1 },
    };
    let shape = Shape { kind: Kind::Cube, slices: 6, ..Shape::square(32) };
    part(t, shape, D3D11_RTV_DIMENSION_TEXTURE2DARRAY, view, (4, 32))
}

fn volume(t: &Test<'_>) -> Result<Texture> {
    t.gpu.texture(&Shape { kind: Kind::D3, depth: 4, bind: TARGET, ..Shape::square(16) }, &[vec![51; 4096]])
}

fn depth_slice(t: &mut Test<'_>) -> Result<()> {
    let texture = volume(t)?;
    let part = D3D11_RENDER_TARGET_VIEW_DESC_0 {
        Texture3D: D3D11_TEX3D_RTV { MipSlice: 0, FirstWSlice: 2, WSize: 1 },
    };
    let view = t.gpu.rtv_as(&texture, texture.shape.format, D3D11_RTV_DIMENSION_TEXTURE3D, part)?;
    let canvas = Canvas { width: 16, height: 16, ..Canvas::default() };
    t.gpu.draw(
        &Pass { ps: shader!("targets.shade"), targets: vec![view], canvas, ..Pass::default() },
        &Call::Vertices(3),
    )?;
    let found = t.show(&texture)?;
    t.expect(&found, |x, y| if y / 16 == 2 { shade(16, x, y % 16) } else { [0.2; 4] });
    Ok(())
}

/// A clear of a view of slices 1 and 2 of four.
fn whole_volume(t: &mut Test<'_>) -> Result<()> {
    let texture = volume(t)?;
    let part = D3D11_RENDER_TARGET_VIEW_DESC_0 {
        Texture3D: D3D11_TEX3D_RTV { MipSlice: 0, FirstWSlice: 1, WSize: 2 },
    };
    let view = t.gpu.rtv_as(&texture, texture.shape.format, D3D11_RTV_DIMENSION_TEXTURE3D, part)?;
    t.gpu.clear(&view, GREEN);
    let found = t.show(&texture)?;
    t.expect(&found, |_, y| if (1..3).contains(&(y / 16)) { GREEN } else { [0.2; 4] });
    Ok(())
}

const UAV: D3D11_BIND_FLAG = D3D11_BIND_UNORDERED_ACCESS;

fn write_beside(t: &mut Test<'_>) -> Result<()> {
    let texture = t.gpu.texture(&Shape { bind: UAV, ..Shape::default() }, &[])?;
    let pass =
        Pass { ps: shader!("targets.write_beside"), uavs: vec![t.gpu.uav(&texture)?], ..Pass::default() };
    let found = t.full(&pass)?;
    t.expect(&found, |x, y| {
        let [u, v, ..] = shade(64, x, y);
        [0.0, u, v, 1.0]
    });
    let found = t.show(&texture)?;
    t.expect(&found, |x, y| {
        let [u, v, ..] = shade(64, 63 - x, y);
        [u, v, 1.0, 1.0]
    });
    Ok(())
}

/// Without any target the viewport says where pixels are.
fn write_alone(t: &mut Test<'_>) -> Result<()> {
    let texture = t.gpu.texture(&Shape { bind: UAV, ..Shape::default() }, &[])?;
    let pass =
        Pass { ps: shader!("targets.write_alone"), uavs: vec![t.gpu.uav(&texture)?], ..Pass::default() };
    t.gpu.draw(&pass, &Call::Vertices(3))?;
    let found = t.show(&texture)?;
    t.expect(&found, |x, y| {
        let [u, v, ..] = shade(64, y, x);
        [u, v, 0.5, 1.0]
    });
    Ok(())
}

/// A structured buffer with a hidden counter and a byte-address buffer, for a pixel shader.
fn counters(t: &Test<'_>) -> Result<(Buffer, [ID3D11UnorderedAccessView; 2])> {
    let counted = t.gpu.structured(4, &[0; 16])?;
    let counted =
        t.gpu.buffer_uav(&counted.raw, DXGI_FORMAT_UNKNOWN, (0, 4), D3D11_BUFFER_UAV_FLAG_COUNTER)?;
    let bytes = t.gpu.buffer_with(UAV, D3D11_RESOURCE_MISC_BUFFER_ALLOW_RAW_VIEWS, 0, &[0; 16])?;
    let view = t.gpu.buffer_uav(&bytes.raw, DXGI_FORMAT_R32_TYPELESS, (0, 4), D3D11_BUFFER_UAV_FLAG_RAW)?;
    Ok((bytes, [counted, view]))
}

fn count_pixels(t: &mut Test<'_>) -> Result<()> {
    let (bytes, views) = counters(t)?;
    let count = views[0].clone();
    t.full(&Pass { ps: shader!("targets.count_pixels"), uavs: views.to_vec(), ..Pass::default() })?;
    let target = t.gpu.buffer(D3D11_BIND_VERTEX_BUFFER, &[0; 4])?;
    t.gpu.copy_count(&target, 0, &count);
    let found = [t.gpu.read_words(&target)?[0], t.gpu.read_words(&bytes)?[1]];
    t.expect_words(&found, &[4096, 1024]);
    Ok(())
}

fn discard_then_write(t: &mut Test<'_>) -> Result<()> {
    let (bytes, views) = counters(t)?;
    let found =
        t.full(&Pass { ps: shader!("targets.discard_then_write"), uavs: views.to_vec(), ..Pass::default() })?;
    t.expect(&found, |x, _| white_if(x >= 32));
    let found = t.gpu.read_words(&bytes)?;
    t.expect_words(&found[..1], &[2048]);
    Ok(())
}

/// A pixel shader reads a structured view that begins in the middle of its buffer.
fn bands_of_part(t: &mut Test<'_>) -> Result<()> {
    let colours: Vec<[f32; 3]> =
        (0..16_u8).map(|n| [0.0, 1.0, 2.0].map(|k| (f32::from(n) + k) / 20.0)).collect();
    let buffer = t.gpu.structured(12, &floats(colours.as_flattened()))?;
    let pass = Pass {
        ps: shader!("targets.bands"),
        resources: vec![t.gpu.buffer_srv(&buffer.raw, DXGI_FORMAT_UNKNOWN, 3, 7)?],
        ..Pass::default()
    };
    let found = t.full(&pass)?;
    // The eighth band lies beyond the view.
    t.expect(&found, |x, _| match colours[3..10].get(x as usize / 8) {
        Some([red, green, blue]) => [*red, *green, *blue, 1.0],
        None => [0.0, 0.0, 0.0, 1.0],
    });
    Ok(())
}

fn point() -> D3D11_SAMPLER_DESC {
    sampler(D3D11_FILTER_MIN_MAG_MIP_POINT, D3D11_TEXTURE_ADDRESS_CLAMP)
}

/// Two textures, each drawn from the other in turn.
fn feedback(t: &mut Test<'_>) -> Result<()> {
    let pass = Pass { ps: shader!("targets.halve"), samplers: vec![point()], ..Pass::default() };
    let textures = [t.target(&pass)?, t.target(&pass)?];
    t.gpu.clear(&t.gpu.rtv(&textures[0])?, WHITE);
    for n in 0..5 {
        let (from, to) = (&textures[n % 2], &textures[(n + 1) % 2]);
        let (resources, targets) = (vec![t.gpu.srv(from)?], vec![t.gpu.rtv(to)?]);
        t.gpu.draw(&Pass { resources, targets, ..pass.clone() }, &Call::Vertices(3))?;
    }
    let found = t.show(&textures[1])?;
    t.expect(&found, |_, _| [1.0 / 32.0; 4]);
    Ok(())
}

fn rect(left: i32, top: i32, right: i32, bottom: i32) -> RECT {
    RECT { left, top, right, bottom }
}

fn inside(rect: RECT, x: u32, y: u32) -> bool {
    // CAST: small.
    (rect.left..rect.right).contains(&(x as i32)) && (rect.top..rect.bottom).contains(&(y as i32))
}

/// Direct3D 11.1: only some rectangles of a view.
fn clear_view(t: &mut Test<'_>) -> Result<()> {
    let texture = t.target(&Pass::default())?;
    let rects = [rect(4, 4, 20, 60), rect(30, 10, 50, 20)];
    t.gpu.clear_view(&t.gpu.rtv(&texture)?, GREEN, &rects)?;
    let found = t.show(&texture)?;
    t.expect(&found, |x, y| if rects.iter().any(|rect| inside(*rect, x, y)) { GREEN } else { BLACK });
    Ok(())
}

fn clear_view_uav(t: &mut Test<'_>) -> Result<()> {
    let texture = t.gpu.texture(&Shape { bind: UAV, ..Shape::default() }, &[vec![0; 16384]])?;
    let rects = [rect(4, 4, 20, 60)];
    t.gpu.clear_view(&t.gpu.uav(&texture)?, [0.2, 0.4, 0.6, 0.8], &rects)?;
    let found = t.show(&texture)?;
    t.expect(&found, |x, y| if inside(rects[0], x, y) { [0.2, 0.4, 0.6, 0.8] } else { BLACK });
    Ok(())
}

/// A clear of an integer target takes whole numbers.
fn clear_unsigned(t: &mut Test<'_>) -> Result<()> {
    let canvas = Canvas {
        format: DXGI_FORMAT_R16G16B16A16_UINT,
        clear: [1.0, 300.0, 65535.0, 2.75],
        ..Canvas::default()
    };
    let texture = t.target(&Pass { canvas, ..Pass::default() })?;
    let found = t.gpu.picture(&texture, 0)?;
    t.expect_within(0.0, &found, |_, _| [1.0, 300.0, 65535.0, 2.0]);
    Ok(())
}

/// A texture whose first level (of each slice) has texels, and which can have its levels made.
fn to_generate(t: &Test<'_>, shape: Shape, texels: &[u8]) -> Result<Texture> {
    let shape = Shape { bind: TARGET, misc: D3D11_RESOURCE_MISC_GENERATE_MIPS, ..shape };
    let texture = t.gpu.texture(&shape, &[])?;
    let (row, rows) = shape.row_and_rows(0);
    for slice in 0..shape.slices {
        // CAST: small.
        t.gpu.update(&texture, slice * shape.levels, None, texels, (row as u32, (row * rows) as u32));
    }
    t.gpu.generate_mips(&t.gpu.srv(&texture)?);
    Ok(texture)
}

/// Each texel is the mean of four of the level before.
fn halved(picture: &Picture) -> Picture {
    let (width, height) = (picture.width / 2, picture.height / 2);
    let mean = |x: u32, y: u32| {
        let four = [[0, 0], [1, 0], [0, 1], [1, 1]].map(|[dx, dy]| picture.at(2 * x + dx, 2 * y + dy));
        [0, 1, 2, 3].map(|channel| four.iter().map(|texel| texel[channel]).sum::<f32>() / 4.0)
    };
    let texels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| mean(x, y)).collect();
    Picture { width, height, texels }
}

/// Compares all levels of a slice with means of their predecessors; each level adds a step of rounding.
fn expect_levels(t: &mut Test<'_>, texture: &Texture, slice: u32, tolerance: f32) -> Result<()> {
    let levels = texture.shape.levels;
    let mut expected = t.gpu.picture(texture, slice * levels)?;
    for level in 1..levels {
        expected = halved(&expected);
        let found = t.show_part(texture, slice * levels + level)?;
        // CAST: below 8.
        t.expect_within(tolerance * (level + 1) as f32, &found, |x, y| expected.at(x, y));
    }
    Ok(())
}

fn generate_levels(t: &mut Test<'_>) -> Result<()> {
    let texture = to_generate(t, Shape { levels: 6, ..Shape::square(32) }, &bytes(&patchwork(32)))?;
    expect_levels(t, &texture, 0, 1.0 / 255.0)
}

fn generate_array_levels(t: &mut Test<'_>) -> Result<()> {
    let texture =
        to_generate(t, Shape { levels: 5, slices: 3, ..Shape::square(16) }, &bytes(&patchwork(16)))?;
    expect_levels(t, &texture, 2, 1.0 / 255.0)
}

fn generate_volume_levels(t: &mut Test<'_>) -> Result<()> {
    let colours: Vec<u8> =
        [RED, GREEN, BLUE, WHITE].iter().flat_map(|colour| bytes(&[*colour; 64])).collect();
    let shape = Shape { kind: Kind::D3, depth: 4, levels: 3, ..Shape::square(8) };
    let texture = to_generate(t, shape, &colours)?;
    let found = t.show_part(&texture, 1)?;
    t.expect_within(
        2.0 / 255.0,
        &found,
        |_, y| if y < 4 { [0.5, 0.5, 0.0, 1.0] } else { [0.5, 0.5, 1.0, 1.0] },
    );
    let found = t.show_part(&texture, 2)?;
    t.expect_within(2.0 / 255.0, &found, |_, _| [0.5, 0.5, 0.5, 1.0]);
    Ok(())
}

/// Means are of linear values: black and white give a grey of 188, not 128.
fn generate_srgb_levels(t: &mut Test<'_>) -> Result<()> {
    let checks: Vec<u8> =
        (0..256_u32).flat_map(|n| if (n + n / 16) % 2 == 0 { [0, 0, 0, 255] } else { [255; 4] }).collect();
    let shape = Shape { format: DXGI_FORMAT_R8G8B8A8_UNORM_SRGB, levels: 2, ..Shape::square(16) };
    let texture = to_generate(t, shape, &checks)?;
    let found = t.gpu.picture(&texture, 1)?;
    let grey = from_srgb(188.0 / 255.0);
    t.expect_within(0.012, &found, |_, _| [grey, grey, grey, 1.0]);
    Ok(())
}

fn shaded(t: &Test<'_>, shape: Shape) -> Result<Texture> {
    let texture = t.gpu.texture(&Shape { bind: TARGET, ..shape }, &[])?;
    let targets = vec![t.gpu.rtv(&texture)?];
    let canvas = Canvas { width: shape.width, height: shape.height, ..Canvas::default() };
    t.gpu.draw(
        &Pass { ps: shader!("targets.shade"), targets, canvas, ..Pass::default() },
        &Call::Vertices(3),
    )?;
    Ok(texture)
}

fn copy_resource(t: &mut Test<'_>) -> Result<()> {
    let from = shaded(t, Shape::default())?;
    let to = t.gpu.texture(&Shape::default(), &[])?;
    t.gpu.copy(&to, &from);
    let found = t.show(&to)?;
    t.expect(&found, |x, y| shade(64, x, y));
    Ok(())
}

fn region(left: u32, top: u32, front: u32, [width, height, depth]: [u32; 3]) -> D3D11_BOX {
    D3D11_BOX { left, top, front, right: left + width, bottom: top + height, back: front + depth }
}

fn copy_box(t: &mut Test<'_>) -> Result<()> {
    let from = shaded(t, Shape::default())?;
    let to = t.target(&Pass::default())?;
    t.gpu.copy_region(&to, (0, [40, 8, 0]), &from, (0, Some(region(10, 20, 0, [16, 30, 1]))));
    // An empty box copies nothing.
    t.gpu.copy_region(&to, (0, [0, 0, 0]), &from, (0, Some(region(10, 20, 0, [0, 30, 1]))));
    let found = t.show(&to)?;
    t.expect(&found, |x, y| {
        if (40..56).contains(&x) && (8..38).contains(&y) { shade(64, x - 30, y + 12) } else { BLACK }
    });
    Ok(())
}

/// From a level and slice to another one's.
fn copy_levels(t: &mut Test<'_>) -> Result<()> {
    let texels = patchwork(16);
    let from_shape = Shape { levels: 2, slices: 2, ..Shape::square(32) };
    let data = [vec![0; 4096], vec![0; 1024], vec![0; 4096], bytes(&texels)];
    let from = t.gpu.texture(&from_shape, &data)?;
    let to = t.gpu.texture(
        &Shape { levels: 3, ..Shape::square(64) },
        &[vec![0; 16384], vec![0; 4096], vec![0; 1024]],
    )?;
    t.gpu.copy_region(&to, (2, [0; 3]), &from, (3, None));
    let found = t.show_part(&to, 2)?;
    t.expect(&found, |x, y| texels[(x + y * 16) as usize]);
    Ok(())
}

fn copy_volume(t: &mut Test<'_>) -> Result<()> {
    let texels = patchwork(16);
    let shape = Shape { kind: Kind::D3, depth: 4, ..Shape::square(8) };
    let from = t.gpu.texture(&shape, &[bytes(&texels)])?;
    let to = t.gpu.texture(&shape, &[vec![0; 1024]])?;
    t.gpu.copy_region(&to, (0, [4, 2, 1]), &from, (0, Some(region(1, 3, 2, [3, 4, 2]))));
    let found = t.show(&to)?;
    t.expect(&found, |x, y| {
        let (y, z) = (y % 8, y / 8);
        let is = (4..7).contains(&x) && (2..6).contains(&y) && (1..3).contains(&z);
        if is { texels[((x - 3) + (y + 1) * 8 + (z + 1) * 64) as usize] } else { BLACK }
    });
    Ok(())
}

fn copy_buffer(t: &mut Test<'_>) -> Result<()> {
    let from = t.gpu.buffer(D3D11_BIND_VERTEX_BUFFER, &(0..64).collect::<Vec<u8>>())?;
    let to = t.gpu.buffer(D3D11_BIND_INDEX_BUFFER, &[255; 64])?;
    t.gpu.copy_region(&to, (0, [7, 0, 0]), &from, (0, Some(region(13, 0, 0, [20, 1, 1]))));
    let found = t.gpu.read_buffer(&to)?;
    let expected: Vec<u8> = (0..64).map(|n| if (7..27).contains(&n) { n + 6 } else { 255 }).collect();
    t.equal("bytes", &found, &expected);
    Ok(())
}

fn block_bytes() -> Vec<u8> {
    bytes(&patchwork(16))[..512].to_vec()
}

/// Four blocks of sixteen.
fn copy_blocks(t: &mut Test<'_>) -> Result<()> {
    let shape = Shape { format: DXGI_FORMAT_BC1_UNORM, ..Shape::square(32) };
    let from = t.gpu.texture(&shape, &[block_bytes()])?;
    let to = t.gpu.texture(&shape, &[vec![0; 512]])?;
    t.gpu.copy_region(&to, (0, [4, 8, 0]), &from, (0, Some(region(16, 12, 0, [8, 8, 1]))));
    let found = t.gpu.read(&to, 0)?;
    let mut expected = vec![0; 512];
    for (row, column) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let (from, to) = (((3 + row) * 8 + 4 + column) * 8, ((2 + row) * 8 + 1 + column) * 8);
        expected[to..to + 8].copy_from_slice(&block_bytes()[from..from + 8]);
    }
    t.equal("blocks", &found, &expected);
    Ok(())
}

/// Formats of one family: the bits are copied.
fn copy_as_other_type(t: &mut Test<'_>) -> Result<()> {
    let from = t.gpu.texture(&Shape::square(16), &[bytes(&patchwork(16))])?;
    let to = t.gpu.texture(&Shape { format: DXGI_FORMAT_R8G8B8A8_UINT, ..Shape::square(16) }, &[])?;
    t.gpu.copy(&to, &from);
    let found = t.gpu.read(&to, 0)?;
    t.equal("bytes", &found, &bytes(&patchwork(16)));
    Ok(())
}

/// A texel of 64 bits becomes a block.
fn copy_blocks_as_words(t: &mut Test<'_>) -> Result<()> {
    let from =
        t.gpu.texture(&Shape { format: DXGI_FORMAT_R32G32_UINT, ..Shape::square(8) }, &[block_bytes()])?;
    let to = t.gpu.texture(&Shape { format: DXGI_FORMAT_BC1_UNORM, ..Shape::square(32) }, &[vec![0; 512]])?;
    t.gpu.copy_region(&to, (0, [0; 3]), &from, (0, None));
    let found = t.gpu.read(&to, 0)?;
    t.equal("blocks", &found, &block_bytes());
    Ok(())
}

/// A multisampled target whose left half has one colour in two of its samples.
fn half_covered(t: &Test<'_>, format: DXGI_FORMAT, slices: u32) -> Result<Texture> {
    let texture =
        t.gpu.texture(&Shape { format, samples: 4, slices, bind: TARGET, ..Shape::default() }, &[])?;
    let view = t.gpu.rtv(&texture)?;
    t.gpu.clear(&view, BLACK);
    let rasterizer = D3D11_RASTERIZER_DESC { ScissorEnable: true.into(), ..rasterizer() };
    let pass = Pass {
        targets: vec![view],
        sample_mask: 3,
        rasterizer: Some(rasterizer),
        scissors: vec![rect(0, 0, 32, 64)],
        ..Pass::default()
    };
    t.gpu.draw(&pass, &Call::Vertices(3))?;
    Ok(texture)
}

fn resolve(t: &mut Test<'_>) -> Result<()> {
    let texture = half_covered(t, DXGI_FORMAT_R8G8B8A8_UNORM, 1)?;
    let found = t.show(&texture)?;
    t.expect(&found, |x, _| if x < 32 { [0.5; 4] } else { BLACK });
    Ok(())
}

/// Into the second slice of an array.
fn resolve_slice(t: &mut Test<'_>) -> Result<()> {
    let texture = half_covered(t, DXGI_FORMAT_R8G8B8A8_UNORM, 1)?;
    let to = t.gpu.texture(
        &Shape { slices: 2, bind: TARGET, ..Shape::default() },
        &[vec![51; 16384], vec![51; 16384]],
    )?;
    t.gpu.resolve(&to, 1, &texture, 0);
    let found = t.show_part(&to, 0)?;
    t.expect(&found, |_, _| [0.2; 4]);
    let found = t.show_part(&to, 1)?;
    t.expect(&found, |x, _| if x < 32 { [0.5; 4] } else { BLACK });
    Ok(())
}

fn resolve_float(t: &mut Test<'_>) -> Result<()> {
    let texture = half_covered(t, DXGI_FORMAT_R16G16B16A16_FLOAT, 1)?;
    let found = t.show(&texture)?;
    t.expect(&found, |x, _| if x < 32 { [0.5; 4] } else { BLACK });
    Ok(())
}

fn update_box(t: &mut Test<'_>) -> Result<()> {
    let texels = patchwork(16);
    let texture = t.gpu.texture(&Shape::square(16), &[vec![0; 1024]])?;
    // 5×3 texels, with a pitch of 16 texels.
    t.gpu.update(&texture, 0, Some(region(9, 2, 0, [5, 3, 1])), &bytes(&texels), (64, 0));
    let found = t.show(&texture)?;
    t.expect(&found, |x, y| {
        let is = (9..14).contains(&x) && (2..5).contains(&y);
        if is { texels[((x - 9) + (y - 2) * 16) as usize] } else { BLACK }
    });
    Ok(())
}

fn update_slice(t: &mut Test<'_>) -> Result<()> {
    let texels = patchwork(8);
    let shape = Shape { slices: 3, levels: 2, ..Shape::square(16) };
    let data: Vec<Vec<u8>> = [1024, 256].iter().cycle().take(6).map(|size| vec![0; *size]).collect();
    let texture = t.gpu.texture(&shape, &data)?;
    t.gpu.update(&texture, 3, None, &bytes(&texels), (32, 0));
    let found = t.show_part(&texture, 3)?;
    t.expect(&found, |x, y| texels[(x + y * 8) as usize]);
    let found = t.show_part(&texture, 5)?;
    t.expect(&found, |_, _| BLACK);
    Ok(())
}

fn update_volume(t: &mut Test<'_>) -> Result<()> {
    let texels = patchwork(16);
    let texture = t.gpu.texture(&Shape { kind: Kind::D3, depth: 4, ..Shape::square(8) }, &[vec![0; 1024]])?;
    // 2×2×2 texels; rows are 4 texels apart, slices 32.
    t.gpu.update(&texture, 0, Some(region(3, 4, 1, [2, 2, 2])), &bytes(&texels), (16, 128));
    let found = t.show(&texture)?;
    t.expect(&found, |x, y| {
        let (y, z) = (y % 8, y / 8);
        let is = (3..5).contains(&x) && (4..6).contains(&y) && (1..3).contains(&z);
        if is { texels[((x - 3) + (y - 4) * 4 + (z - 1) * 32) as usize] } else { BLACK }
    });
    Ok(())
}

fn update_blocks(t: &mut Test<'_>) -> Result<()> {
    let texture =
        t.gpu.texture(&Shape { format: DXGI_FORMAT_BC1_UNORM, ..Shape::square(32) }, &[vec![0; 512]])?;
    t.gpu.update(&texture, 0, Some(region(8, 4, 0, [12, 4, 1])), &block_bytes(), (24, 0));
    let found = t.gpu.read(&texture, 0)?;
    let mut expected = vec![0; 512];
    expected[8 * 8 + 16..8 * 8 + 40].copy_from_slice(&block_bytes()[..24]);
    t.equal("blocks", &found, &expected);
    Ok(())
}

fn update_buffer(t: &mut Test<'_>) -> Result<()> {
    let buffer = t.gpu.buffer(D3D11_BIND_VERTEX_BUFFER, &[255; 64])?;
    t.gpu.update(&buffer, 0, Some(region(9, 0, 0, [21, 1, 1])), &(0..64).collect::<Vec<u8>>(), (0, 0));
    let found = t.gpu.read_buffer(&buffer)?;
    let expected: Vec<u8> = (0..64).map(|n| if (9..30).contains(&n) { n - 9 } else { 255 }).collect();
    t.equal("bytes", &found, &expected);
    Ok(())
}

/// A dynamic texture, written twice by the CPU; each draw sees what was there when it was called.
fn map_texture(t: &mut Test<'_>) -> Result<()> {
    let shape = Shape { usage: D3D11_USAGE_DYNAMIC, ..Shape::default() };
    let texture = t.gpu.texture(&shape, &[])?;
    let pass = Pass { ps: shader!("common.texel"), resources: vec![t.gpu.srv(&texture)?], ..Pass::default() };
    let targets = [t.target(&pass)?, t.target(&pass)?];
    for (n, target) in (0..2_u8).zip(&targets) {
        t.gpu.map_rows(&texture, |y, row| {
            for (x, texel) in row.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                // CAST: below 64.
                *texel = [x as u8 * 4, y as u8 * 4, n * 100, 255];
            }
        })?;
        t.gpu.draw(&Pass { targets: vec![t.gpu.rtv(target)?], ..pass.clone() }, &Call::Vertices(3))?;
    }
    for (n, target) in (0..2_u8).zip(&targets) {
        let found = t.show(target)?;
        // CAST: below 64.
        t.expect(&found, |x, y| {
            [x as f32 * 4.0, y as f32 * 4.0, f32::from(n) * 100.0, 255.0].map(|c| c / 255.0)
        });
    }
    Ok(())
}

/// A hundred draws, each with other constants in the same buffer.
fn map_discard(t: &mut Test<'_>) -> Result<()> {
    let buffer = t.gpu.dynamic(D3D11_BIND_CONSTANT_BUFFER, &[0; 64])?;
    let pass = Pass { ps: shader!("common.constant"), constants: vec![buffer.clone()], ..Pass::default() };
    let target = t.target(&pass)?;
    let rasterizer = D3D11_RASTERIZER_DESC { ScissorEnable: true.into(), ..rasterizer() };
    let pass = Pass { targets: vec![t.gpu.rtv(&target)?], rasterizer: Some(rasterizer), ..pass };
    for n in 0..64_u8 {
        let colour = floats(&[f32::from(n) / 64.0, 1.0 - f32::from(n) / 64.0, 0.0, 1.0]);
        t.gpu.map(&buffer, D3D11_MAP_WRITE_DISCARD, |bytes| bytes[..16].copy_from_slice(&colour))?;
        let column = i32::from(n);
        t.gpu.draw(
            &Pass { scissors: vec![rect(column, 0, column + 1, 64)], ..pass.clone() },
            &Call::Vertices(3),
        )?;
    }
    let found = t.show(&target)?;
    // CAST: below 64.
    t.expect(&found, |x, _| [x as f32 / 64.0, 1.0 - x as f32 / 64.0, 0.0, 1.0]);
    Ok(())
}

/// A vertex buffer that is filled while earlier parts of it are being drawn.
fn map_no_overwrite(t: &mut Test<'_>) -> Result<()> {
    let vertices: Vec<Vertex> = (0..8_u8)
        .flat_map(|n| rectangle([f32::from(n) * 8.0, 0.0, f32::from(n) * 8.0 + 4.0, 64.0], 0.5, GREEN))
        .collect();
    let numbers: Vec<f32> = vertices.iter().flat_map(|(place, colour)| [*place, *colour]).flatten().collect();
    let bytes = floats(&numbers);
    let buffer = t.gpu.dynamic(D3D11_BIND_VERTEX_BUFFER, &vec![0; bytes.len()])?;
    let pass = coloured(t, &vertices)?;
    let target = t.target(&pass)?;
    let pass = Pass { targets: vec![t.gpu.rtv(&target)?], vertices: vec![(buffer.clone(), 32, 0)], ..pass };
    for (n, part) in (0..8_u32).zip(bytes.chunks_exact(6 * 32)) {
        let how = if n == 0 { D3D11_MAP_WRITE_DISCARD } else { D3D11_MAP_WRITE_NO_OVERWRITE };
        let start = n as usize * 6 * 32;
        t.gpu.map(&buffer, how, |bytes| bytes[start..start + 6 * 32].copy_from_slice(part))?;
        t.gpu.draw(&pass, &Call::Instances(6, 1, n * 6, 0))?;
    }
    let found = t.show(&target)?;
    t.expect(&found, |x, _| if x % 8 < 4 { GREEN } else { BLACK });
    Ok(())
}

/// The shader's interface is one class or another, as it is bound.
fn linked(t: &mut Test<'_>) -> Result<()> {
    let constants = vec![t.gpu.constants(&floats([RED, GREEN, BLUE].as_flattened()))?];
    let pass = Pass { ps: shader!("targets.linked"), constants, ..Pass::default() };
    let found = t.full(&Pass { instance: Some(s!("plain")), ..pass.clone() })?;
    t.expect(&found, |_, _| RED);
    let found = t.full(&Pass { instance: Some(s!("striped")), ..pass })?;
    t.expect(&found, |x, _| if x % 16 < 8 { GREEN } else { BLUE });
    Ok(())
}
