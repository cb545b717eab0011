//! The rasterizer: topologies, rules for edges, culling, scissors, viewports, clipping, bias, multisampling.

use super::common::*;
use crate::kit::expected::{clip, covers};
use crate::kit::*;

cases![
    triangle_list, triangle_strip, triangle_list_adjacency, triangle_strip_adjacency, line_list, line_strip,
    line_list_adjacency, line_strip_adjacency, diagonal_line, point_list, shared_edges, degenerate, guard_band,
    behind_the_eye, restart_16, restart_32, no_restart_in_lists, strip_winding,
    cull_none => |t| culled(t, D3D11_CULL_NONE, false, [true, true]),
    cull_back => |t| culled(t, D3D11_CULL_BACK, false, [true, false]),
    cull_front => |t| culled(t, D3D11_CULL_FRONT, false, [false, true]),
    cull_back_counter_clockwise => |t| culled(t, D3D11_CULL_BACK, true, [false, true]),
    cull_front_counter_clockwise => |t| culled(t, D3D11_CULL_FRONT, true, [true, false]),
    wireframe, scissor, scissor_empty, scissor_disabled, viewport_part, viewport_fraction, viewport_depth,
    pixel_centres,
    depth_clip => |t| depth_clip(t, true),
    no_depth_clip => |t| depth_clip(t, false),
    depth_bias_float, depth_bias_16, depth_bias_slope, depth_bias_clamp, multisampled, sample_mask,
    sample_mask_single, alpha_to_coverage, forced_sample_count,
    forced_sample_count_blended, forced_sample_count_one,
];

const TRIANGLES: [[f32; 2]; 6] =
    [[4.0, 4.0], [60.0, 10.0], [10.0, 40.0], [30.5, 60.25], [61.3, 20.7], [55.0, 62.0]];
const STRIP: [[f32; 2]; 6] =
    [[3.0, 30.0], [12.0, 3.0], [25.0, 40.0], [38.0, 6.0], [44.0, 60.0], [62.0, 20.0]];

fn covered(triangles: &[[[f32; 2]; 3]], x: u32, y: u32) -> bool {
    triangles.iter().any(|triangle| covers(*triangle, centre(x, y)))
}

/// Draws vertices in a topology and expects the union of some triangles.
fn expect_triangles(
    t: &mut Test<'_>,
    topology: D3D_PRIMITIVE_TOPOLOGY,
    places: &[[f32; 2]],
    triangles: &[[usize; 3]],
) -> Result<()> {
    let pass = Pass { topology, ..outline(t, places)? };
    // CAST: a few vertices.
    let found = t.draw(&pass, Call::Vertices(places.len() as u32))?;
    let triangles: Vec<_> = triangles.iter().map(|corners| corners.map(|corner| places[corner])).collect();
    t.expect(&found, |x, y| white_if(covered(&triangles, x, y)));
    Ok(())
}

fn triangle_list(t: &mut Test<'_>) -> Result<()> {
    expect_triangles(t, D3D_PRIMITIVE_TOPOLOGY_TRIANGLELIST, &TRIANGLES, &[[0, 1, 2], [3, 4, 5]])
}

fn triangle_strip(t: &mut Test<'_>) -> Result<()> {
    let triangles = [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5]];
    expect_triangles(t, D3D_PRIMITIVE_TOPOLOGY_TRIANGLESTRIP, &STRIP, &triangles)
}

/// Without a geometry shader adjacent vertices are ignored.
fn triangle_list_adjacency(t: &mut Test<'_>) -> Result<()> {
    expect_triangles(t, D3D_PRIMITIVE_TOPOLOGY_TRIANGLELIST_ADJ, &STRIP, &[[0, 2, 4]])
}

fn triangle_strip_adjacency(t: &mut Test<'_>) -> Result<()> {
    let places: Vec<_> = STRIP.iter().flat_map(|place| [*place, [32.0, 63.0]]).collect();
    let triangles = [[0, 2, 4], [2, 4, 6], [4, 6, 8], [6, 8, 10]];
    expect_triangles(t, D3D_PRIMITIVE_TOPOLOGY_TRIANGLESTRIP_ADJ, &places, &triangles)
}

/// Every second triangle of a strip is turned, so that all of them face the same way.
fn strip_winding(t: &mut Test<'_>) -> Result<()> {
    let places = [[3.0, 40.0], [12.0, 3.0], [25.0, 40.0], [38.0, 6.0], [44.0, 60.0]];
    let rasterizer = D3D11_RASTERIZER_DESC { CullMode: D3D11_CULL_BACK, ..rasterizer() };
    let pass = Pass {
        topology: D3D_PRIMITIVE_TOPOLOGY_TRIANGLESTRIP,
        rasterizer: Some(rasterizer),
        ..outline(t, &places)?
    };
    let found = t.draw(&pass, Call::Vertices(5))?;
    let triangles =
        [[0, 1, 2], [1, 2, 3], [2, 3, 4]].map(|corners| corners.map(|corner: usize| places[corner]));
    t.expect(&found, |x, y| white_if(covered(&triangles, x, y)));
    Ok(())
}

/// Horizontal and vertical lines, of which a last pixel belongs to none.
fn expect_lines(
    t: &mut Test<'_>,
    topology: D3D_PRIMITIVE_TOPOLOGY,
    places: &[[f32; 2]],
    lines: &[[usize; 2]],
) -> Result<()> {
    let pass = Pass { topology, ..outline(t, places)? };
    // CAST: a few vertices.
    let found = t.draw(&pass, Call::Vertices(places.len() as u32))?;
    let on = |[from, to]: &[usize; 2], [x, y]: [f32; 2]| {
        let ([ax, ay], [bx, by]) = (places[*from], places[*to]);
        let between = |a: f32, b: f32, p: f32| if a < b { (a..b).contains(&p) } else { p <= a && p > b };
        if ay == by { y == ay && between(ax, bx, x) } else { x == ax && between(ay, by, y) }
    };
    t.expect(&found, |x, y| white_if(lines.iter().any(|line| on(line, centre(x, y)))));
    Ok(())
}

const CORNERS: [[f32; 2]; 6] =
    [[5.5, 5.5], [50.5, 5.5], [50.5, 40.5], [20.5, 40.5], [20.5, 20.5], [30.5, 20.5]];

fn line_list(t: &mut Test<'_>) -> Result<()> {
    expect_lines(t, D3D_PRIMITIVE_TOPOLOGY_LINELIST, &CORNERS, &[[0, 1], [2, 3], [4, 5]])
}

fn line_strip(t: &mut Test<'_>) -> Result<()> {
    let lines = [[0, 1], [1, 2], [2, 3], [3, 4], [4, 5]];
    expect_lines(t, D3D_PRIMITIVE_TOPOLOGY_LINESTRIP, &CORNERS, &lines)
}

fn line_list_adjacency(t: &mut Test<'_>) -> Result<()> {
    expect_lines(t, D3D_PRIMITIVE_TOPOLOGY_LINELIST_ADJ, &CORNERS[..4], &[[1, 2]])
}

fn line_strip_adjacency(t: &mut Test<'_>) -> Result<()> {
    expect_lines(t, D3D_PRIMITIVE_TOPOLOGY_LINESTRIP_ADJ, &CORNERS, &[[1, 2], [2, 3], [3, 4]])
}

/// One pixel for each column of a flat line, one for each row of a steep one.
fn diagonal_line(t: &mut Test<'_>) -> Result<()> {
    let places = [[2.5, 3.5], [60.5, 20.5], [4.5, 62.5], [20.5, 22.5]];
    let pass = Pass { topology: D3D_PRIMITIVE_TOPOLOGY_LINELIST, ..outline(t, &places)? };
    let found = t.draw(&pass, Call::Vertices(4))?;
    t.equal("pixels", &found.count(|texel| texel == WHITE), &(58 + 40));
    Ok(())
}

fn point_list(t: &mut Test<'_>) -> Result<()> {
    let places: Vec<[f32; 2]> =
        (0..16_u8).map(|n| [f32::from(n) * 3.71 + 1.3, f32::from(n * n % 61) + 0.6]).collect();
    let pass = Pass { topology: D3D_PRIMITIVE_TOPOLOGY_POINTLIST, ..outline(t, &places)? };
    let found = t.draw(&pass, Call::Vertices(16))?;
    t.expect(&found, |x, y| {
        let [px, py] = centre(x, y);
        white_if(places.iter().any(|[x, y]| x.floor() + 0.5 == px && y.floor() + 0.5 == py))
    });
    Ok(())
}

/// A fan whose triangles share edges through pixel centres: each pixel is drawn exactly once.
fn shared_edges(t: &mut Test<'_>) -> Result<()> {
    let rim = [
        [32.5, 2.5],
        [62.5, 2.5],
        [62.5, 32.5],
        [62.5, 62.5],
        [32.5, 62.5],
        [2.5, 62.5],
        [2.5, 32.5],
        [2.5, 2.5],
    ];
    let grey = [0.25, 0.25, 0.25, 0.25];
    let fan: Vec<Vertex> = (0..8)
        .flat_map(|n| [[32.5, 32.5], rim[n], rim[(n + 1) % 8]])
        .map(|place| at(place, 0.5, grey))
        .collect();
    let mut blend = D3D11_BLEND_DESC::default();
    blend.RenderTarget[0] = D3D11_RENDER_TARGET_BLEND_DESC {
        BlendEnable: true.into(),
        SrcBlend: D3D11_BLEND_ONE,
        DestBlend: D3D11_BLEND_ONE,
        BlendOp: D3D11_BLEND_OP_ADD,
        SrcBlendAlpha: D3D11_BLEND_ONE,
        DestBlendAlpha: D3D11_BLEND_ONE,
        BlendOpAlpha: D3D11_BLEND_OP_ADD,
        RenderTargetWriteMask: 15,
    };
    let pass = Pass { blend: Some(blend), ..coloured(t, &fan)? };
    let found = t.draw(&pass, Call::Vertices(24))?;
    let inside = 2..62;
    t.expect(&found, |x, y| if inside.contains(&x) && inside.contains(&y) { grey } else { BLACK });
    Ok(())
}

fn degenerate(t: &mut Test<'_>) -> Result<()> {
    let places = [[5.5, 5.5], [40.5, 5.5], [60.5, 5.5], [9.0, 9.0], [9.0, 9.0], [9.0, 9.0]];
    let found = t.draw(&outline(t, &places)?, Call::Vertices(6))?;
    t.expect(&found, |_, _| BLACK);
    Ok(())
}

/// A triangle far larger than the target.
fn guard_band(t: &mut Test<'_>) -> Result<()> {
    let places = [[-4000.0, 30.0], [32.0, -4000.0], [4000.0, 34.0]];
    expect_triangles(t, D3D_PRIMITIVE_TOPOLOGY_TRIANGLELIST, &places, &[[0, 1, 2]])
}

/// One vertex is behind the eye, so that the triangle is cut there.
fn behind_the_eye(t: &mut Test<'_>) -> Result<()> {
    let vertices =
        [([-0.5, -0.5, 0.5, 1.0], RED), ([0.5, -0.5, 0.5, 1.0], GREEN), ([0.0, -0.5, -0.5, -0.5], BLUE)];
    let found = t.draw(&coloured(t, &vertices)?, Call::Vertices(3))?;
    t.holds("something is drawn", found.count(|texel| texel != BLACK) > 100);
    t.holds("not everything is drawn", found.count(|texel| texel == BLACK) > 100);
    Ok(())
}

fn restart(t: &mut Test<'_>, topology: D3D_PRIMITIVE_TOPOLOGY, wide: bool) -> Result<Picture> {
    let cut = if wide { u32::MAX } else { 0xffff };
    let indices = [0, 1, 2, cut, 3, 4, 5];
    let bytes = if wide {
        words(&indices)
    } else {
        // CAST: the cut index is the largest 16-bit number.
        indices.iter().flat_map(|index| (*index as u16).to_le_bytes()).collect()
    };
    let indices = t.gpu.buffer(D3D11_BIND_INDEX_BUFFER, &bytes)?;
    let format = if wide { DXGI_FORMAT_R32_UINT } else { DXGI_FORMAT_R16_UINT };
    let pass = Pass { topology, indices: Some((indices, format)), ..outline(t, &STRIP)? };
    t.draw(&pass, Call::Indices(7, 0, 0))
}

fn restarted(t: &mut Test<'_>, wide: bool) -> Result<()> {
    let found = restart(t, D3D_PRIMITIVE_TOPOLOGY_TRIANGLESTRIP, wide)?;
    let triangles = [[STRIP[0], STRIP[1], STRIP[2]], [STRIP[3], STRIP[4], STRIP[5]]];
    t.expect(&found, |x, y| white_if(covered(&triangles, x, y)));
    Ok(())
}

fn restart_16(t: &mut Test<'_>) -> Result<()> {
    restarted(t, false)
}

fn restart_32(t: &mut Test<'_>) -> Result<()> {
    restarted(t, true)
}

/// In a list the largest index is an index like any other: of a vertex beyond the buffer, which is all zeros.
fn no_restart_in_lists(t: &mut Test<'_>) -> Result<()> {
    let found = restart(t, D3D_PRIMITIVE_TOPOLOGY_TRIANGLELIST, false)?;
    let triangle = [[STRIP[0], STRIP[1], STRIP[2]]];
    t.expect(&found, |x, y| white_if(covered(&triangle, x, y)));
    Ok(())
}

/// A triangle on the left that runs clockwise, and one on the right that does not.
fn culled(t: &mut Test<'_>, cull: D3D11_CULL_MODE, counter_clockwise: bool, shown: [bool; 2]) -> Result<()> {
    let places = [[2.0, 2.0], [30.0, 30.0], [2.0, 60.0], [34.0, 2.0], [34.0, 60.0], [62.0, 30.0]];
    let rasterizer = D3D11_RASTERIZER_DESC {
        CullMode: cull,
        FrontCounterClockwise: counter_clockwise.into(),
        ..rasterizer()
    };
    let found = t.draw(&Pass { rasterizer: Some(rasterizer), ..outline(t, &places)? }, Call::Vertices(6))?;
    let (triangles, _) = places.as_chunks::<3>();
    t.expect(&found, |x, y| {
        let is = |number: usize| shown[number] && covers(triangles[number], centre(x, y));
        white_if(is(0) || is(1))
    });
    Ok(())
}

fn wireframe(t: &mut Test<'_>) -> Result<()> {
    let places = [[8.5, 8.5], [56.5, 8.5], [8.5, 56.5]];
    let rasterizer = D3D11_RASTERIZER_DESC { FillMode: D3D11_FILL_WIREFRAME, ..rasterizer() };
    let found = t.draw(&Pass { rasterizer: Some(rasterizer), ..outline(t, &places)? }, Call::Vertices(3))?;
    t.equal("inside", &found.at(16, 16), &BLACK);
    t.equal("top edge", &found.at(30, 8), &WHITE);
    t.equal("left edge", &found.at(8, 30), &WHITE);
    t.equal("slanted edge", &found.at(32, 32), &WHITE);
    Ok(())
}

fn scissored(t: &mut Test<'_>, enable: bool, rect: RECT) -> Result<Picture> {
    let rasterizer = D3D11_RASTERIZER_DESC { ScissorEnable: enable.into(), ..rasterizer() };
    t.full(&Pass { rasterizer: Some(rasterizer), scissors: vec![rect], ..Pass::default() })
}

fn scissor(t: &mut Test<'_>) -> Result<()> {
    let found = scissored(t, true, RECT { left: 10, top: 20, right: 33, bottom: 200 })?;
    t.expect(&found, |x, y| white_if((10..33).contains(&x) && y >= 20));
    Ok(())
}

fn scissor_empty(t: &mut Test<'_>) -> Result<()> {
    let found = scissored(t, true, RECT { left: 20, top: 20, right: 20, bottom: 40 })?;
    t.expect(&found, |_, _| BLACK);
    Ok(())
}

fn scissor_disabled(t: &mut Test<'_>) -> Result<()> {
    let found = scissored(t, false, RECT { left: 20, top: 20, right: 24, bottom: 24 })?;
    t.expect(&found, |_, _| WHITE);
    Ok(())
}

fn viewport(left: f32, top: f32, width: f32, height: f32) -> D3D11_VIEWPORT {
    D3D11_VIEWPORT {
        TopLeftX: left,
        TopLeftY: top,
        Width: width,
        Height: height,
        MinDepth: 0.0,
        MaxDepth: 1.0,
    }
}

/// A triangle over the whole of a viewport draws in it and nowhere else.
fn viewport_part(t: &mut Test<'_>) -> Result<()> {
    let found = t.full(&Pass { viewports: vec![viewport(8.0, 16.0, 20.0, 40.0)], ..Pass::default() })?;
    t.expect(&found, |x, y| white_if((8..28).contains(&x) && (16..56).contains(&y)));
    Ok(())
}

/// Viewports of Direct3D 11 need not begin at whole pixels.
fn viewport_fraction(t: &mut Test<'_>) -> Result<()> {
    let pass = Pass { viewports: vec![viewport(8.75, 4.25, 32.0, 32.0)], ..outline(t, &STRIP[..3])? };
    let found = t.draw(&pass, Call::Vertices(3))?;
    let moved = [0, 1, 2].map(|corner: usize| {
        let [x, y] = STRIP[corner];
        [x / 2.0 + 8.75, y / 2.0 + 4.25]
    });
    t.expect(&found, |x, y| white_if(covered(&[moved], x, y)));
    Ok(())
}

fn viewport_depth(t: &mut Test<'_>) -> Result<()> {
    let vertices = rectangle([0.0, 0.0, 64.0, 64.0], 0.5, WHITE);
    let range = D3D11_VIEWPORT { MinDepth: 0.25, MaxDepth: 0.75, ..viewport(0.0, 0.0, 64.0, 64.0) };
    let near = D3D11_VIEWPORT { MinDepth: 0.125, MaxDepth: 0.375, ..range };
    for (range, expected) in [(range, 0.5), (near, 0.25)] {
        let pass = Pass { ps: shader!("raster.depth"), viewports: vec![range], ..coloured(t, &vertices)? };
        let found = t.draw(&pass, Call::Vertices(6))?;
        t.expect(&found, |_, _| [expected, expected, expected, 1.0]);
    }
    Ok(())
}

fn pixel_centres(t: &mut Test<'_>) -> Result<()> {
    let pass = Pass { ps: shader!("raster.place"), ..outline(t, &[[0.0, 0.0], [128.0, 0.0], [0.0, 128.0]])? };
    let found = t.draw(&pass, Call::Vertices(3))?;
    t.expect(&found, |x, y| {
        let [px, py] = centre(x, y);
        [px / 64.0, py / 64.0, 0.5, 0.5]
    });
    Ok(())
}

/// A rectangle whose depth runs from -1 on the left to 2 on the right.
fn depth_clip(t: &mut Test<'_>, enable: bool) -> Result<()> {
    let [l, r] = [0.0, 64.0].map(|x| move |y: f32| (clip([x, y]), x / 64.0 * 3.0 - 1.0));
    let vertices =
        [l(0.0), r(0.0), l(64.0), l(64.0), r(0.0), r(64.0)].map(|([x, y], z)| ([x, y, z, 1.0], WHITE));
    let rasterizer = D3D11_RASTERIZER_DESC { DepthClipEnable: enable.into(), ..rasterizer() };
    let pass = Pass { ps: shader!("raster.depth"), rasterizer: Some(rasterizer), ..coloured(t, &vertices)? };
    let found = t.draw(&pass, Call::Vertices(6))?;
    t.expect(&found, |x, y| {
        let z = centre(x, y)[0] / 64.0 * 3.0 - 1.0;
        if enable && !(0.0..=1.0).contains(&z) { BLACK } else { [z, z, z, 1.0].map(|z| z.clamp(0.0, 1.0)) }
    });
    Ok(())
}

/// Draws a rectangle, whose depth rises by `slope` from left to right, and returns the depth buffer.
fn biased(
    t: &mut Test<'_>,
    format: DXGI_FORMAT,
    (depth, slope): (f32, f32),
    (bias, scaled, clamp): (i32, f32, f32),
) -> Result<Picture> {
    let shape = Shape { format, bind: D3D11_BIND_DEPTH_STENCIL, ..Shape::square(64) };
    let buffer = t.gpu.texture(&shape, &[])?;
    let view = t.gpu.dsv(&buffer)?;
    t.gpu.clear_depth(&view, D3D11_CLEAR_DEPTH, 1.0, 0);
    let mut vertices = rectangle([0.0, 0.0, 64.0, 64.0], depth, WHITE);
    for ([x, _, z, _], _) in &mut vertices {
        *z += (*x + 1.0) / 2.0 * slope;
    }
    let rasterizer = D3D11_RASTERIZER_DESC {
        DepthBias: bias,
        SlopeScaledDepthBias: scaled,
        DepthBiasClamp: clamp,
        ..rasterizer()
    };
    let pass = Pass { depth: Some(view), rasterizer: Some(rasterizer), ..coloured(t, &vertices)? };
    t.draw(&pass, Call::Vertices(6))?;
    t.show(&buffer)
}

/// The unit of a float depth buffer's bias is the last bit of the primitive's largest depth.
fn depth_bias_float(t: &mut Test<'_>) -> Result<()> {
    let found = biased(t, DXGI_FORMAT_D32_FLOAT, (0.375, 0.0), (1 << 16, 0.0, 0.0))?;
    let expected = 0.375 + 65536.0 * 2.0_f32.powi(-2 - 23);
    t.expect_within(1e-5, &found, |_, _| [expected, 0.0, 0.0, 1.0]);
    Ok(())
}

fn depth_bias_16(t: &mut Test<'_>) -> Result<()> {
    let found = biased(t, DXGI_FORMAT_D16_UNORM, (0.25, 0.0), (4096, 0.0, 0.0))?;
    t.expect_within(4e-5, &found, |_, _| [0.25 + 4096.0 / 65536.0, 0.0, 0.0, 1.0]);
    Ok(())
}

fn depth_bias_slope(t: &mut Test<'_>) -> Result<()> {
    let found = biased(t, DXGI_FORMAT_D32_FLOAT, (0.25, 0.5), (0, 4.0, 0.0))?;
    t.expect_within(1e-4, &found, |x, y| {
        [0.25 + centre(x, y)[0] / 64.0 * 0.5 + 4.0 * 0.5 / 64.0, 0.0, 0.0, 1.0]
    });
    Ok(())
}

fn depth_bias_clamp(t: &mut Test<'_>) -> Result<()> {
    let found = biased(t, DXGI_FORMAT_D32_FLOAT, (0.25, 0.5), (0, 64.0, 0.0625))?;
    t.expect_within(1e-4, &found, |x, y| [0.25 + centre(x, y)[0] / 64.0 * 0.5 + 0.0625, 0.0, 0.0, 1.0]);
    Ok(())
}

/// The places of four samples that all hardware uses, in sixteenths from the pixel's corner.
const SAMPLES: [[f32; 2]; 4] = [[6.0, 2.0], [14.0, 6.0], [2.0, 10.0], [10.0, 14.0]];

fn multisampled(t: &mut Test<'_>) -> Result<()> {
    let canvas = Canvas { samples: 4, ..Canvas::default() };
    let found = t.draw(&Pass { canvas, ..outline(t, &TRIANGLES[..3])? }, Call::Vertices(3))?;
    let triangle = [TRIANGLES[0], TRIANGLES[1], TRIANGLES[2]];
    t.expect(&found, |x, y| {
        // CAST: at most 4.
        let hit = |[sx, sy]: &[f32; 2]| covers(triangle, [x as f32 + sx / 16.0, y as f32 + sy / 16.0]);
        [SAMPLES.iter().filter(|sample| hit(sample)).count() as f32 / 4.0; 4]
    });
    Ok(())
}

fn sample_mask(t: &mut Test<'_>) -> Result<()> {
    let canvas = Canvas { samples: 4, ..Canvas::default() };
    for (mask, expected) in [(0b0101, 0.5), (0b1000, 0.25), (0xffff_fff0, 0.0)] {
        let found = t.full(&Pass { canvas, sample_mask: mask, ..Pass::default() })?;
        t.expect(&found, |_, _| [expected; 4]);
    }
    Ok(())
}

/// The mask counts for targets of one sample as well.
fn sample_mask_single(t: &mut Test<'_>) -> Result<()> {
    for (mask, expected) in [(1, WHITE), (2, BLACK)] {
        let found = t.full(&Pass { sample_mask: mask, ..Pass::default() })?;
        t.expect(&found, |_, _| expected);
    }
    Ok(())
}

/// How alpha becomes coverage is the hardware's choice, but not by more than one sample.
fn alpha_to_coverage(t: &mut Test<'_>) -> Result<()> {
    let canvas = Canvas { samples: 4, ..Canvas::default() };
    let mut blend = D3D11_BLEND_DESC { AlphaToCoverageEnable: true.into(), ..Default::default() };
    blend.RenderTarget[0].RenderTargetWriteMask = 15;
    let pass = Pass { ps: shader!("raster.rising_alpha"), canvas, blend: Some(blend), ..Pass::default() };
    let target = t.target(&pass)?;
    t.gpu.draw(&Pass { targets: vec![t.gpu.rtv(&target)?], ..pass }, &Call::Vertices(3))?;
    let single = t.gpu.texture(&Shape { samples: 1, ..target.shape }, &[])?;
    t.gpu.resolve(&single, 0, &target, 0);
    let found = t.gpu.picture(&single, 0)?;
    // Devices may choose other samples for neighbours of the same alpha.
    let block = |left: u32| -> f32 {
        (0..64).map(|place| found.at(left + place % 8, place / 8)[0]).sum::<f32>() / 64.0
    };
    let red: Vec<f32> = (0..8).map(|column| block(column * 8)).collect();
    t.holds("more alpha covers no less", red.is_sorted());
    let near = |(column, red): (u8, &f32)| (red - (f32::from(column) + 0.5) / 8.0).abs() <= 0.27;
    t.holds("coverage follows alpha", (0..8).zip(&red).all(near));
    Ok(())
}

/// A rasterizer with its own number of samples.
fn forced(samples: u32) -> D3D11_RASTERIZER_DESC1 {
    D3D11_RASTERIZER_DESC1 {
        FillMode: D3D11_FILL_SOLID,
        CullMode: D3D11_CULL_NONE,
        DepthClipEnable: true.into(),
        ForcedSampleCount: samples,
        ..Default::default()
    }
}

/// The share of four samples of a pixel that lie in a triangle.
fn share(triangle: [[f32; 2]; 3], x: u32, y: u32) -> f32 {
    let hit = |[sx, sy]: &[f32; 2]| covers(triangle, [x as f32 + sx / 16.0, y as f32 + sy / 16.0]);
    // CAST: at most 4.
    SAMPLES.iter().filter(|sample| hit(sample)).count() as f32 / 4.0
}

/// Direct3D 11.1: more samples of coverage than the target has, for the shader to count.
fn forced_sample_count(t: &mut Test<'_>) -> Result<()> {
    if t.lacks(D3D_FEATURE_LEVEL_11_1) {
        return Ok(());
    }
    let places = [TRIANGLES[0], TRIANGLES[1], TRIANGLES[2]];
    let pass = Pass {
        ps: shader!("raster.covered"),
        rasterizer: None,
        rasterizer1: Some(forced(4)),
        ..outline(t, &places)?
    };
    let found = t.draw(&pass, Call::Vertices(3))?;
    t.expect(&found, |x, y| [share(places, x, y); 4]);
    Ok(())
}

/// Each of two triangles is blended once, whatever of a pixel it covers.
fn forced_sample_count_blended(t: &mut Test<'_>) -> Result<()> {
    if t.lacks(D3D_FEATURE_LEVEL_11_1) {
        return Ok(());
    }
    let mut blend = D3D11_BLEND_DESC::default();
    blend.RenderTarget[0] = D3D11_RENDER_TARGET_BLEND_DESC {
        BlendEnable: true.into(),
        SrcBlend: D3D11_BLEND_ONE,
        DestBlend: D3D11_BLEND_BLEND_FACTOR,
        BlendOp: D3D11_BLEND_OP_ADD,
        SrcBlendAlpha: D3D11_BLEND_ONE,
        DestBlendAlpha: D3D11_BLEND_ONE,
        BlendOpAlpha: D3D11_BLEND_OP_ADD,
        RenderTargetWriteMask: 0b1011,
    };
    let places = [TRIANGLES[0], TRIANGLES[1], TRIANGLES[2], TRIANGLES[0], TRIANGLES[5], TRIANGLES[1]];
    let pass = Pass {
        ps: shader!("raster.covered"),
        canvas: Canvas { format: DXGI_FORMAT_R16G16B16A16_FLOAT, ..Canvas::default() },
        blend: Some(blend),
        blend_factor: [0.5, 0.25, 1.0, 1.0],
        rasterizer: None,
        rasterizer1: Some(forced(4)),
        ..outline(t, &places)?
    };
    let found = t.draw(&pass, Call::Vertices(6))?;
    let [a, b, c, d, e, f] = places;
    t.expect(&found, |x, y| {
        let (first, second) = (share([a, b, c], x, y), share([d, e, f], x, y));
        // A pixel that no sample of the second lies in keeps what the first one gave.
        let faded = |factor: f32| if second > 0.0 { first * factor + second } else { first };
        [faded(0.5), faded(0.25), 0.0, faded(1.0)]
    });
    Ok(())
}

/// One sample is the pixel's centre, and the sample mask is the target's.
fn forced_sample_count_one(t: &mut Test<'_>) -> Result<()> {
    if t.lacks(D3D_FEATURE_LEVEL_11_1) {
        return Ok(());
    }
    let places = [TRIANGLES[0], TRIANGLES[1], TRIANGLES[2]];
    for (samples, sample_mask) in [(1, 1), (1, 2), (4, 1), (4, 0xe)] {
        let pass = Pass {
            ps: shader!("raster.covered"),
            sample_mask,
            rasterizer: None,
            rasterizer1: Some(forced(samples)),
            ..outline(t, &places)?
        };
        let found = t.draw(&pass, Call::Vertices(3))?;
        t.expect(&found, |x, y| match (samples, sample_mask & 1) {
            (_, 0) => [0.0; 4],
            (1, _) => [if covers(places, centre(x, y)) { 0.25 } else { 0.0 }; 4],
            _ => [share(places, x, y); 4],
        });
    }
    Ok(())
}
