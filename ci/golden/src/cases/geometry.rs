//! Geometry shaders: inputs, outputs, instances, slices, viewports.

use super::common::*;
use crate::kit::expected::covers;
use crate::kit::*;

cases![
    point_to_strip, two_strips, line_to_line, line_to_triangles, triangle_to_triangle, triangle_to_points,
    strip_to_triangles, line_adjacency, line_strip_adjacency, triangle_adjacency, triangle_strip_adjacency,
    instances, primitive_number, numbered, nothing, many, viewports, viewport_scissors,
    slices => |t| slices(t, shader!("common.coloured_ps"), |slice| [slice / 4.0, 1.0, 0.0, 1.0]),
    slice_in_pixel_shader => |t| slices(t, shader!("geometry.show_slice"), |slice| [slice / 4.0, 0.0, 1.0, 1.0]),
];

fn pass(t: &Test<'_>, gs: Code, topology: D3D_PRIMITIVE_TOPOLOGY, places: &[[f32; 2]]) -> Result<Pass> {
    Ok(Pass { gs, topology, ..outline(t, places)? })
}

const POINTS: [[f32; 2]; 3] = [[10.0, 10.0], [40.0, 12.0], [30.0, 50.0]];

fn point_to_strip(t: &mut Test<'_>) -> Result<()> {
    let pass = pass(t, shader!("geometry.point_to_strip"), D3D_PRIMITIVE_TOPOLOGY_POINTLIST, &POINTS)?;
    let found = t.draw(&pass, Call::Vertices(3))?;
    let near = |[x, y]: [f32; 2], [px, py]: &[f32; 2]| (x - px).abs() < 4.0 && (y - py).abs() < 4.0;
    t.expect(&found, |x, y| white_if(POINTS.iter().any(|point| near(centre(x, y), point))));
    Ok(())
}

fn two_strips(t: &mut Test<'_>) -> Result<()> {
    let pass = pass(t, shader!("geometry.two_strips"), D3D_PRIMITIVE_TOPOLOGY_POINTLIST, &POINTS[..2])?;
    let found = t.draw(&pass, Call::Vertices(2))?;
    let triangles = POINTS[..2].iter().flat_map(|[x, y]| {
        let place = |dx: f32, dy: f32| [x + dx, y + dy];
        [
            [place(-8.0, -8.0), place(0.0, -8.0), place(-8.0, 8.0)],
            [place(2.0, -8.0), place(10.0, -8.0), place(10.0, 8.0)],
        ]
    });
    let triangles: Vec<_> = triangles.collect();
    t.expect(&found, |x, y| white_if(triangles.iter().any(|triangle| covers(*triangle, centre(x, y)))));
    Ok(())
}

fn line_to_line(t: &mut Test<'_>) -> Result<()> {
    let places = [[5.5, 5.5], [50.5, 5.5], [10.5, 30.5], [40.5, 30.5]];
    let pass = pass(t, shader!("geometry.line_to_line"), D3D_PRIMITIVE_TOPOLOGY_LINELIST, &places)?;
    let found = t.draw(&pass, Call::Vertices(4))?;
    t.expect(&found, |x, y| {
        white_if((y == 15 && (5..50).contains(&x)) || (y == 40 && (10..40).contains(&x)))
    });
    Ok(())
}

fn line_to_triangles(t: &mut Test<'_>) -> Result<()> {
    let places = [[5.0, 10.0], [50.0, 10.0], [50.0, 40.0]];
    let topology = D3D_PRIMITIVE_TOPOLOGY_LINESTRIP;
    let pass = pass(t, shader!("geometry.line_to_triangles"), topology, &places)?;
    let found = t.draw(&pass, Call::Vertices(3))?;
    // The second line is vertical, so that its two triangles have no area.
    t.expect(&found, |x, y| white_if((5..50).contains(&x) && (7..13).contains(&y)));
    Ok(())
}

const TRIANGLES: [[f32; 2]; 6] =
    [[4.0, 4.0], [60.0, 10.0], [10.0, 40.0], [30.5, 60.25], [61.3, 20.7], [55.0, 62.0]];

/// A triangle drawn towards its middle to one half of its size.
fn halved(triangle: [[f32; 2]; 3]) -> [[f32; 2]; 3] {
    let [a, b, c] = triangle;
    let middle = [0, 1].map(|axis| (a[axis] + b[axis] + c[axis]) / 3.0);
    triangle.map(|corner| [0, 1].map(|axis| (corner[axis] + middle[axis]) / 2.0))
}

fn triangle_to_triangle(t: &mut Test<'_>) -> Result<()> {
    let topology = D3D_PRIMITIVE_TOPOLOGY_TRIANGLELIST;
    let pass = pass(t, shader!("geometry.triangle_to_triangle"), topology, &TRIANGLES)?;
    let found = t.draw(&pass, Call::Vertices(6))?;
    let (triangles, _) = TRIANGLES.as_chunks::<3>();
    // Vertices that the shader computes may be off by the last bit, which moves an edge over a pixel's centre.
    t.expect_most(4, 0.01, &found, |x, y| {
        white_if(triangles.iter().any(|triangle| covers(halved(*triangle), centre(x, y))))
    });
    Ok(())
}

fn strip_to_triangles(t: &mut Test<'_>) -> Result<()> {
    let topology = D3D_PRIMITIVE_TOPOLOGY_TRIANGLESTRIP;
    let pass = pass(t, shader!("geometry.triangle_to_triangle"), topology, &TRIANGLES[..4])?;
    let found = t.draw(&pass, Call::Vertices(4))?;
    let triangles =
        [[0, 1, 2], [1, 2, 3]].map(|corners: [usize; 3]| halved(corners.map(|corner| TRIANGLES[corner])));
    t.expect_most(4, 0.01, &found, |x, y| {
        white_if(triangles.iter().any(|triangle| covers(*triangle, centre(x, y))))
    });
    Ok(())
}

/// Points at places, each of which has a colour; the last one drawn at a place counts.
fn expect_points(t: &mut Test<'_>, found: &Picture, points: &[([f32; 2], [f32; 4])]) {
    t.expect(found, |x, y| {
        let here = |place: &[f32; 2]| place.map(|value| value.floor() + 0.5) == centre(x, y);
        points.iter().rfind(|(place, _)| here(place)).map_or(BLACK, |(_, colour)| *colour)
    });
}

fn triangle_to_points(t: &mut Test<'_>) -> Result<()> {
    let places = [[5.5, 5.5], [40.5, 8.5], [20.5, 50.5]];
    let topology = D3D_PRIMITIVE_TOPOLOGY_TRIANGLELIST;
    let pass = pass(t, shader!("geometry.triangle_to_points"), topology, &places)?;
    let found = t.draw(&pass, Call::Vertices(3))?;
    let colours = [0.0, 0.25, 0.5].map(|red| [red, 0.0, 1.0, 1.0]);
    expect_points(t, &found, &places.into_iter().zip(colours).collect::<Vec<_>>());
    Ok(())
}

/// Vertices in a row; primitive n consists of the vertices at `primitives[n]`, and its points lie 4 n pixels lower.
fn adjacency(
    t: &mut Test<'_>,
    gs: Code,
    topology: D3D_PRIMITIVE_TOPOLOGY,
    count: u8,
    primitives: &[&[u8]],
) -> Result<()> {
    let places: Vec<[f32; 2]> = (0..count).map(|n| [f32::from(n) * 4.0 + 2.5, 8.5]).collect();
    let pass = pass(t, gs, topology, &places)?;
    let found = t.draw(&pass, Call::Vertices(count.into()))?;
    let mut points = Vec::new();
    for (id, vertices) in (0_u8..).map(f32::from).zip(primitives) {
        for (n, vertex) in (0_u8..).map(f32::from).zip(*vertices) {
            let [x, y] = places[usize::from(*vertex)];
            points.push(([x, y + id * 4.0], [n / 8.0, id / 8.0, 1.0, 1.0]));
        }
    }
    expect_points(t, &found, &points);
    Ok(())
}

fn line_adjacency(t: &mut Test<'_>) -> Result<()> {
    let topology = D3D_PRIMITIVE_TOPOLOGY_LINELIST_ADJ;
    adjacency(t, shader!("geometry.line_adjacency"), topology, 8, &[&[0, 1, 2, 3], &[4, 5, 6, 7]])
}

fn line_strip_adjacency(t: &mut Test<'_>) -> Result<()> {
    let topology = D3D_PRIMITIVE_TOPOLOGY_LINESTRIP_ADJ;
    adjacency(
        t,
        shader!("geometry.line_adjacency"),
        topology,
        6,
        &[&[0, 1, 2, 3], &[1, 2, 3, 4], &[2, 3, 4, 5]],
    )
}

fn triangle_adjacency(t: &mut Test<'_>) -> Result<()> {
    let topology = D3D_PRIMITIVE_TOPOLOGY_TRIANGLELIST_ADJ;
    let primitives: [&[u8]; 2] = [&[0, 1, 2, 3, 4, 5], &[6, 7, 8, 9, 10, 11]];
    adjacency(t, shader!("geometry.triangle_adjacency"), topology, 12, &primitives)
}

/// Three triangles: 0 2 4, 2 6 4 and 4 6 8; between two of them the other one's far vertex is adjacent.
fn triangle_strip_adjacency(t: &mut Test<'_>) -> Result<()> {
    let topology = D3D_PRIMITIVE_TOPOLOGY_TRIANGLESTRIP_ADJ;
    let primitives: [&[u8]; 3] = [&[0, 1, 2, 6, 4, 3], &[2, 5, 6, 8, 4, 0], &[4, 2, 6, 9, 8, 7]];
    adjacency(t, shader!("geometry.triangle_adjacency"), topology, 10, &primitives)
}

fn instances(t: &mut Test<'_>) -> Result<()> {
    let places = [[3.5, 5.5], [30.5, 40.5]];
    let pass = pass(t, shader!("geometry.instances"), D3D_PRIMITIVE_TOPOLOGY_POINTLIST, &places)?;
    let found = t.draw(&pass, Call::Vertices(2))?;
    let points: Vec<_> = places
        .iter()
        .flat_map(|[x, y]| {
            (0..5_u8)
                .map(f32::from)
                .map(|id| ([*x + id * 3.0, *y], [id / 8.0, 0.0, 1.0, 1.0]))
                .collect::<Vec<_>>()
        })
        .collect();
    expect_points(t, &found, &points);
    Ok(())
}

fn primitive_number(t: &mut Test<'_>) -> Result<()> {
    let places: Vec<[f32; 2]> = (0..8_u8).map(|n| [f32::from(n) * 4.0 + 2.5, 8.5]).collect();
    let pass = pass(t, shader!("geometry.primitive_number"), D3D_PRIMITIVE_TOPOLOGY_POINTLIST, &places)?;
    let found = t.draw(&pass, Call::Vertices(8))?;
    let colours = (0..8_u8).map(|n| [f32::from(n) / 8.0, 0.0, 1.0, 1.0]);
    expect_points(t, &found, &places.iter().copied().zip(colours).collect::<Vec<_>>());
    Ok(())
}

fn numbered(t: &mut Test<'_>) -> Result<()> {
    let places = [[2.0, 2.0], [28.0, 2.0], [2.0, 60.0], [34.0, 2.0], [60.0, 2.0], [34.0, 60.0]];
    let topology = D3D_PRIMITIVE_TOPOLOGY_TRIANGLELIST;
    let pass = pass(t, shader!("geometry.numbered"), topology, &places)?;
    let found = t.draw(&Pass { ps: shader!("geometry.show_number"), ..pass }, Call::Vertices(6))?;
    let (triangles, _) = places.as_chunks::<3>();
    t.expect(&found, |x, y| match [0, 1].map(|number| covers(triangles[number], centre(x, y))) {
        [true, _] => [0.125, 0.0, 0.0, 1.0],
        [_, true] => [0.375, 0.0, 0.0, 1.0],
        _ => BLACK,
    });
    Ok(())
}

fn nothing(t: &mut Test<'_>) -> Result<()> {
    let topology = D3D_PRIMITIVE_TOPOLOGY_TRIANGLELIST;
    let pass = pass(t, shader!("geometry.nothing"), topology, &TRIANGLES)?;
    let found = t.draw(&pass, Call::Vertices(6))?;
    t.expect(&found, |_, _| BLACK);
    Ok(())
}

fn many(t: &mut Test<'_>) -> Result<()> {
    let places = [[3.5, 5.5], [30.5, 40.5]];
    let pass = pass(t, shader!("geometry.many"), D3D_PRIMITIVE_TOPOLOGY_POINTLIST, &places)?;
    let found = t.draw(&pass, Call::Vertices(2))?;
    t.expect(&found, |x, y| {
        let within = |left, top| (left..left + 16).contains(&x) && (top..top + 7).contains(&y);
        white_if(within(3, 5) || within(30, 40))
    });
    Ok(())
}

fn quarters() -> Vec<D3D11_VIEWPORT> {
    [[0.0, 0.0], [32.0, 0.0], [0.0, 32.0], [32.0, 32.0]]
        .map(|[x, y]| D3D11_VIEWPORT {
            TopLeftX: x,
            TopLeftY: y,
            Width: 32.0,
            Height: 32.0,
            MinDepth: 0.0,
            MaxDepth: 1.0,
        })
        .to_vec()
}

/// The same triangle, whole in each quarter.
fn viewports(t: &mut Test<'_>) -> Result<()> {
    let places = [[0.0, 0.0], [64.0, 0.0], [0.0, 64.0]];
    let topology = D3D_PRIMITIVE_TOPOLOGY_TRIANGLELIST;
    let pass = Pass { viewports: quarters(), ..pass(t, shader!("geometry.viewports"), topology, &places)? };
    let found = t.draw(&pass, Call::Vertices(3))?;
    let triangle = [[0.0, 0.0], [32.0, 0.0], [0.0, 32.0]];
    t.expect(&found, |x, y| {
        let number = x / 32 + y / 32 * 2;
        // CAST: below 4.
        let colour = [number as f32 / 4.0, 1.0, 0.0, 1.0];
        if covers(triangle, centre(x % 32, y % 32)) { colour } else { BLACK }
    });
    Ok(())
}

/// Each viewport has a scissor rectangle of its own.
fn viewport_scissors(t: &mut Test<'_>) -> Result<()> {
    let places = [[0.0, 0.0], [128.0, 0.0], [0.0, 128.0]];
    let topology = D3D_PRIMITIVE_TOPOLOGY_TRIANGLELIST;
    let rect = |left, top, size| RECT { left, top, right: left + size, bottom: top + size };
    let scissors = vec![rect(0, 0, 8), rect(32, 0, 16), rect(0, 32, 24), rect(40, 40, 8)];
    let rasterizer = D3D11_RASTERIZER_DESC { ScissorEnable: true.into(), ..rasterizer() };
    let pass = Pass {
        viewports: quarters(),
        scissors: scissors.clone(),
        rasterizer: Some(rasterizer),
        ..pass(t, shader!("geometry.viewports"), topology, &places)?
    };
    let found = t.draw(&pass, Call::Vertices(3))?;
    t.expect(&found, |x, y| {
        let number = x / 32 + y / 32 * 2;
        let rect = scissors[number as usize];
        // CAST: below 64.
        let inside =
            (rect.left..rect.right).contains(&(x as i32)) && (rect.top..rect.bottom).contains(&(y as i32));
        if inside { [number as f32 / 4.0, 1.0, 0.0, 1.0] } else { BLACK }
    });
    Ok(())
}

/// A triangle in each slice of an array, in the slice's own colour.
fn slices(t: &mut Test<'_>, ps: Code, colour: fn(f32) -> [f32; 4]) -> Result<()> {
    let bind = D3D11_BIND_RENDER_TARGET | D3D11_BIND_SHADER_RESOURCE;
    let target = t.gpu.texture(&Shape { slices: 4, bind, ..Shape::default() }, &[])?;
    let view = t.gpu.rtv(&target)?;
    t.gpu.clear(&view, BLACK);
    let places = [[3.0, 4.0], [60.0, 20.0], [20.0, 62.0]];
    let topology = D3D_PRIMITIVE_TOPOLOGY_TRIANGLELIST;
    let pass = Pass { ps, targets: vec![view], ..pass(t, shader!("geometry.slices"), topology, &places)? };
    t.gpu.draw(&pass, &Call::Vertices(3))?;
    for slice in 0..4_u8 {
        let found = t.show_part(&target, slice.into())?;
        t.expect(&found, |x, y| if covers(places, centre(x, y)) { colour(slice.into()) } else { BLACK });
    }
    Ok(())
}
