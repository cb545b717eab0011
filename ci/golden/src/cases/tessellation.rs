//! Hull shaders, tessellation and domain shaders.

use super::common::*;
use crate::kit::expected::covers;
use crate::kit::*;

/// What factors are used for each domain: those of three or four edges, and those of the inside.
type Factors = ([f32; 4], [f32; 2]);

cases![
    triangle_integer => |t| triangle(t, shader!("tessellation.triangle_integer"), EVEN, Some(6 * 4)),
    triangle_power => |t| triangle(t, shader!("tessellation.triangle_power"), EVEN, Some(6 * 4)),
    // Factors are rounded up.
    triangle_rounded => |t| triangle(t, shader!("tessellation.triangle_integer"), ([3.2; 4], [3.7; 2]), Some(6 * 4)),
    triangle_odd => |t| triangle(t, shader!("tessellation.triangle_odd"), ([3.5; 4], [4.25; 2]), None),
    triangle_even => |t| triangle(t, shader!("tessellation.triangle_even"), ([3.5; 4], [4.25; 2]), None),
    triangle_uneven => |t| triangle(t, shader!("tessellation.triangle_integer"), ([1.0, 7.0, 3.0, 0.0], [4.0; 2]), None),
    triangle_one => |t| triangle(t, shader!("tessellation.triangle_integer"), ([1.0; 4], [1.0; 2]), Some(1)),
    triangle_most => |t| triangle(t, shader!("tessellation.triangle_integer"), ([64.0; 4], [64.0; 2]), Some(6 * 32 * 32)),
    quad_integer => |t| quad(t, shader!("tessellation.quad_integer"), EVEN, Some(2 * 16)),
    quad_odd => |t| quad(t, shader!("tessellation.quad_odd"), ([3.5; 4], [4.25, 5.75]), None),
    quad_even => |t| quad(t, shader!("tessellation.quad_even"), ([3.5; 4], [4.25, 5.75]), None),
    quad_uneven => |t| quad(t, shader!("tessellation.quad_integer"), ([1.0, 2.0, 5.0, 9.0], [3.0, 6.0]), None),
    quad_most => |t| quad(t, shader!("tessellation.quad_integer"), ([64.0; 4], [64.0; 2]), Some(2 * 64 * 64)),
    winding, turned_winding, triangle_points, quad_points, line_points, lines, culled_by_zero, culled_by_nan,
    described, grown, long_patch, geometry_shader, wireframe_odd, wireframe_even,
];

const EVEN: Factors = ([4.0; 4], [4.0; 2]);

const TRIANGLE: [[f32; 2]; 3] = [[4.0, 4.0], [60.0, 10.0], [20.0, 60.0]];
/// In the order of a quad's domain: u to the right, v downwards.
const QUAD: [[f32; 2]; 4] = [[4.0, 4.0], [60.0, 4.0], [4.0, 60.0], [60.0, 60.0]];

fn pass(t: &Test<'_>, hs: Code, ds: Code, places: &[[f32; 2]], (edges, inside): Factors) -> Result<Pass> {
    let colours = [RED, GREEN, BLUE, WHITE];
    let vertices: Vec<Vertex> =
        places.iter().zip(colours.iter().cycle()).map(|(place, colour)| at(*place, 0.5, *colour)).collect();
    // CAST: at most 32 control points.
    let topology =
        D3D_PRIMITIVE_TOPOLOGY(D3D_PRIMITIVE_TOPOLOGY_1_CONTROL_POINT_PATCHLIST.0 + places.len() as i32 - 1);
    let constants = [edges, [inside[0], inside[1], 0.0, 0.0]];
    Ok(Pass {
        vs: shader!("tessellation.control"),
        hs,
        ds,
        topology,
        constants: vec![t.gpu.constants(&floats(constants.as_flattened()))?],
        ..coloured(t, &vertices)?
    })
}

fn triangle_pass(t: &Test<'_>, hs: Code, factors: Factors) -> Result<Pass> {
    pass(t, hs, shader!("tessellation.of_triangle"), &TRIANGLE, factors)
}

fn quad_pass(t: &Test<'_>, hs: Code, factors: Factors) -> Result<Pass> {
    pass(t, hs, shader!("tessellation.of_quad"), &QUAD, factors)
}

/// Draws with everything added up in steps of a quarter, so that a pixel that is drawn twice shows, and counts the triangles.
fn added(t: &mut Test<'_>, pass: Pass) -> Result<(Picture, u64)> {
    let mut blend = D3D11_BLEND_DESC::default();
    blend.RenderTarget[0] = D3D11_RENDER_TARGET_BLEND_DESC {
        BlendEnable: true.into(),
        SrcBlend: D3D11_BLEND_BLEND_FACTOR,
        DestBlend: D3D11_BLEND_ONE,
        BlendOp: D3D11_BLEND_OP_ADD,
        SrcBlendAlpha: D3D11_BLEND_BLEND_FACTOR,
        DestBlendAlpha: D3D11_BLEND_ONE,
        BlendOpAlpha: D3D11_BLEND_OP_ADD,
        RenderTargetWriteMask: 15,
    };
    let query = t.gpu.query(D3D11_QUERY_PIPELINE_STATISTICS)?;
    let target = t.target(&pass)?;
    let targets = vec![t.gpu.rtv(&target)?];
    // CAST: a few control points.
    let count = (pass.topology.0 - D3D_PRIMITIVE_TOPOLOGY_1_CONTROL_POINT_PATCHLIST.0 + 1).cast_unsigned();
    t.gpu.bind(&Pass { blend: Some(blend), blend_factor: [0.25; 4], targets, ..pass })?;
    t.gpu.begin(&query)?;
    t.gpu.call(&Call::Vertices(count));
    t.gpu.end(&query)?;
    let found = t.show(&target)?;
    let statistics: D3D11_QUERY_DATA_PIPELINE_STATISTICS = t.gpu.data(&query)?;
    Ok((found, statistics.CInvocations))
}

/// A patch covers what its outline covers, once, whatever its factors are.
fn expect_once(t: &mut Test<'_>, pass: Pass, triangles: &[[[f32; 2]; 3]], count: Option<u64>) -> Result<()> {
    let (found, triangles_made) = added(t, pass)?;
    if let Some(count) = count {
        t.equal("triangles", &triangles_made, &count);
    }
    let alpha =
        |x, y| if triangles.iter().any(|triangle| covers(*triangle, centre(x, y))) { 0.25 } else { 0.0 };
    // Vertices on edges are rounded, which moves an edge a little.
    t.expect_most(6, 0.01, &found, |x, y| {
        let [r, g, b, _] = found.at(x, y);
        [r, g, b, alpha(x, y)]
    });
    Ok(())
}

fn triangle(t: &mut Test<'_>, hs: Code, factors: Factors, count: Option<u64>) -> Result<()> {
    let pass = triangle_pass(t, hs, factors)?;
    expect_once(t, pass, &[TRIANGLE], count)
}

fn quad(t: &mut Test<'_>, hs: Code, factors: Factors, count: Option<u64>) -> Result<()> {
    let pass = quad_pass(t, hs, factors)?;
    let [a, b, c, d] = QUAD;
    expect_once(t, pass, &[[a, b, c], [c, b, d]], count)
}

fn culled(t: &mut Test<'_>, hs: Code) -> Result<usize> {
    let rasterizer = D3D11_RASTERIZER_DESC { CullMode: D3D11_CULL_BACK, ..rasterizer() };
    let pass = Pass { rasterizer: Some(rasterizer), ..triangle_pass(t, hs, EVEN)? };
    let found = t.draw(&pass, Call::Vertices(3))?;
    Ok(found.count(|texel| texel != BLACK))
}

/// Clockwise triangles of a clockwise patch face the viewer.
fn winding(t: &mut Test<'_>) -> Result<()> {
    let pixels = culled(t, shader!("tessellation.triangle_integer"))?;
    t.holds("the patch is drawn", pixels > 1000);
    Ok(())
}

fn turned_winding(t: &mut Test<'_>) -> Result<()> {
    let pixels = culled(t, shader!("tessellation.triangle_turned"))?;
    t.equal("pixels", &pixels, &0);
    Ok(())
}

/// Draws points, each of which must be of a set of places; places are in pixels.
fn expect_points(t: &mut Test<'_>, pass: &Pass, count: u32, places: &[[f32; 2]]) -> Result<()> {
    let found = t.draw(&Pass { ps: shader!("common.white"), ..pass.clone() }, Call::Vertices(count))?;
    // A point between two pixels may be in either.
    let near = |[x, y]: [f32; 2], [px, py]: &[f32; 2]| (x - px).abs() < 1.01 && (y - py).abs() < 1.01;
    let drawn: Vec<[f32; 2]> =
        found.places().filter(|(x, y)| found.at(*x, *y) == WHITE).map(|(x, y)| centre(x, y)).collect();
    t.equal("points", &drawn.len(), &places.len());
    t.holds(
        "each point is where it must be",
        drawn.iter().all(|point| places.iter().any(|place| near(*point, place))),
    );
    t.holds(
        "each place has a point",
        places.iter().all(|place| drawn.iter().any(|point| near(*point, place))),
    );
    Ok(())
}

/// With a factor of 4 everywhere: rings of 12, 3·2 and 1 points.
fn triangle_points(t: &mut Test<'_>) -> Result<()> {
    let pass = triangle_pass(t, shader!("tessellation.triangle_points"), EVEN)?;
    let middle = [0, 1].map(|axis| TRIANGLE.iter().map(|corner| corner[axis]).sum::<f32>() / 3.0);
    let ring = |scale: f32, parts: u8| {
        (0..3).flat_map(move |side: usize| {
            (0..parts).map(move |part| {
                let share = f32::from(part) / f32::from(parts);
                [0, 1].map(|axis| {
                    let (a, b) = (TRIANGLE[side][axis], TRIANGLE[(side + 1) % 3][axis]);
                    middle[axis] + (a + (b - a) * share - middle[axis]) * scale
                })
            })
        })
    };
    let places: Vec<[f32; 2]> = ring(1.0, 4).chain(ring(0.5, 2)).chain([middle]).collect();
    expect_points(t, &pass, 3, &places)
}

fn quad_points(t: &mut Test<'_>) -> Result<()> {
    let pass = quad_pass(t, shader!("tessellation.quad_points"), EVEN)?;
    let places: Vec<[f32; 2]> = (0..5_u8)
        .flat_map(|row| (0..5_u8).map(move |column| [column, row].map(|n| 4.0 + f32::from(n) * 14.0)))
        .collect();
    expect_points(t, &pass, 4, &places)
}

/// Three lines, at 0, 1/3 and 2/3, of five points each.
fn line_points(t: &mut Test<'_>) -> Result<()> {
    let ds = shader!("tessellation.of_lines");
    let pass = pass(t, shader!("tessellation.line_points"), ds, &QUAD, ([3.0, 4.0, 0.0, 0.0], [0.0; 2]))?;
    let places: Vec<[f32; 2]> = (0..3_u8)
        .flat_map(|row| {
            (0..5_u8).map(move |column| [4.0 + f32::from(column) * 14.0, 4.0 + f32::from(row) * 56.0 / 3.0])
        })
        .collect();
    expect_points(t, &pass, 4, &places)
}

fn lines(t: &mut Test<'_>) -> Result<()> {
    let ds = shader!("tessellation.of_lines");
    let places = QUAD.map(|[x, y]| [x + 0.5, y + 0.5]);
    let pass = pass(t, shader!("tessellation.lines"), ds, &places, ([4.0, 7.0, 0.0, 0.0], [0.0; 2]))?;
    let found = t.draw(&Pass { ps: shader!("common.white"), ..pass }, Call::Vertices(4))?;
    t.expect(&found, |x, y| white_if((4..60).contains(&x) && [4, 18, 32, 46].contains(&y)));
    Ok(())
}

/// A patch of which one edge has a factor of zero, or less, disappears.
fn culled_by_zero(t: &mut Test<'_>) -> Result<()> {
    for factor in [0.0, -1.0] {
        let pass =
            triangle_pass(t, shader!("tessellation.triangle_integer"), ([4.0, factor, 4.0, 4.0], [4.0; 2]))?;
        let found = t.draw(&pass, Call::Vertices(3))?;
        t.expect(&found, |_, _| BLACK);
    }
    Ok(())
}

fn culled_by_nan(t: &mut Test<'_>) -> Result<()> {
    let pass =
        triangle_pass(t, shader!("tessellation.triangle_integer"), ([4.0, 4.0, f32::NAN, 4.0], [4.0; 2]))?;
    let found = t.draw(&pass, Call::Vertices(3))?;
    t.expect(&found, |_, _| BLACK);
    Ok(())
}

/// Three patches, each with values of its own: 1, 2 and 3 parts, moved by 0, 4 and 8 pixels to the right and half as much down.
fn described(t: &mut Test<'_>) -> Result<()> {
    let places: Vec<[f32; 2]> = [0.0, 20.0, 40.0]
        .iter()
        .flat_map(|top| [[2.0, *top], [12.0, *top], [2.0, top + 10.0], [12.0, top + 10.0]])
        .collect();
    let pass =
        pass(t, shader!("tessellation.described"), shader!("tessellation.of_described"), &places, EVEN)?;
    let topology = D3D_PRIMITIVE_TOPOLOGY_4_CONTROL_POINT_PATCHLIST;
    let found = t.draw(&Pass { topology, ..pass }, Call::Vertices(12))?;
    t.expect(&found, |x, y| {
        let is = |id: u32| {
            let (left, top) = (2 + id * 4, id * 22);
            (left..left + 10).contains(&x) && (top..top + 10).contains(&y)
        };
        // CAST: below 3. The mean of red, green, blue and white is one half.
        (0..3).find(|id| is(*id)).map_or(BLACK, |id| [0.5, 0.5, id as f32 / 4.0, 1.0])
    });
    Ok(())
}

/// A patch of one control point grows to a quad, from the middle of the target; a second one has its factors set to zero.
fn grown(t: &mut Test<'_>) -> Result<()> {
    let places = [[32.0, 32.0], [2.0, 2.0]];
    let pass = pass(t, shader!("tessellation.grown"), shader!("tessellation.of_grown"), &places, EVEN)?;
    let topology = D3D_PRIMITIVE_TOPOLOGY_1_CONTROL_POINT_PATCHLIST;
    let found = t.draw(&Pass { topology, ..pass }, Call::Vertices(2))?;
    t.expect(&found, |x, y| {
        let [u, v] = centre(x, y).map(|place| (place - 32.0) / 32.0);
        if x >= 32 && y >= 32 { [u, v, 0.0, 1.0] } else { BLACK }
    });
    Ok(())
}

/// 32 control points in reverse order, of which the first 17 are drawn.
fn long_patch(t: &mut Test<'_>) -> Result<()> {
    let places: Vec<[f32; 2]> = (0..32_u8).map(|n| [f32::from(n) * 2.0 + 0.5, f32::from(n) + 10.5]).collect();
    let pass =
        pass(t, shader!("tessellation.long_patch"), shader!("tessellation.of_long_patch"), &places, EVEN)?;
    let found = t.draw(&pass, Call::Vertices(32))?;
    t.expect(&found, |x, y| {
        let n = x / 2;
        if x % 2 == 0 && n >= 15 && y == n + 10 { [RED, GREEN, BLUE, WHITE][n as usize % 4] } else { BLACK }
    });
    Ok(())
}

fn geometry_shader(t: &mut Test<'_>) -> Result<()> {
    let pass = quad_pass(t, shader!("tessellation.quad_integer"), EVEN)?;
    let found = t.draw(&Pass { gs: shader!("tessellation.shrunk"), ..pass }, Call::Vertices(4))?;
    // Each of 32 triangles keeps a quarter of its area of 56² / 32 pixels.
    let pixels = found.count(|texel| texel == WHITE);
    t.holds("a quarter is drawn", (650..1000).contains(&pixels));
    Ok(())
}

/// Edges of the triangles themselves, which show where vertices are.
fn wireframe(t: &mut Test<'_>, hs: Code) -> Result<()> {
    let rasterizer = D3D11_RASTERIZER_DESC { FillMode: D3D11_FILL_WIREFRAME, ..rasterizer() };
    let pass = Pass { rasterizer: Some(rasterizer), ..quad_pass(t, hs, ([3.5; 4], [4.25, 5.75]))? };
    let found = t.draw(&pass, Call::Vertices(4))?;
    t.holds("lines are drawn", found.count(|texel| texel != BLACK) > 300);
    t.holds("nothing else is", found.count(|texel| texel == BLACK) > 1000);
    Ok(())
}

fn wireframe_odd(t: &mut Test<'_>) -> Result<()> {
    wireframe(t, shader!("tessellation.quad_odd"))
}

fn wireframe_even(t: &mut Test<'_>) -> Result<()> {
    wireframe(t, shader!("tessellation.quad_even"))
}
