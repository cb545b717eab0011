//! System values, interpolation modes, constants.

use super::common::*;
use crate::kit::expected::{clip, covers, stored};
use crate::kit::*;

cases![
    vertex_number, instance_number, primitive_number, front_face, sample_number, coverage_in, coverage_out,
    clip_distance, cull_distance, position_in,
    interpolation_linear => |t| interpolated(t, shader!("common.coloured_ps"), true),
    interpolation_straight => |t| interpolated(t, shader!("values.straight"), false),
    interpolation_flat, interpolation_flat_line,
    interpolation_centroid => |t| within(t, shader!("values.at_centroid")),
    interpolation_evaluated_centroid => |t| within(t, shader!("values.evaluated_at_centroid")),
    interpolation_sample, interpolation_evaluated_sample, interpolation_evaluated_offset,
    constant_index, constant_beyond, constant_offsets, two_buffers, unbound_constants, packed_constants, integers,
];

fn points(vs: Code) -> Pass {
    Pass {
        vs,
        ps: shader!("common.coloured_ps"),
        topology: D3D_PRIMITIVE_TOPOLOGY_POINTLIST,
        ..Pass::default()
    }
}

/// The number begins at zero whatever the first vertex is.
fn vertex_number(t: &mut Test<'_>) -> Result<()> {
    let found = t.draw(&points(shader!("values.vertex_number")), Call::Instances(10, 1, 0, 0))?;
    // CAST: below 64.
    t.expect(&found, |x, y| if y < 10 && x == y * 2 { [y as f32 / 16.0, 0.0, 1.0, 1.0] } else { BLACK });
    Ok(())
}

/// The instance's number does not count from the first instance of the call.
fn instance_number(t: &mut Test<'_>) -> Result<()> {
    let found = t.draw(&points(shader!("values.instance_number")), Call::Instances(5, 7, 0, 3))?;
    t.expect(&found, |x, y| {
        let is = x % 2 == 1 && y % 2 == 1 && x / 2 < 5 && y / 2 < 7;
        // CAST: below 64.
        if is { [(x / 2) as f32 / 16.0, (y / 2) as f32 / 16.0, 1.0, 1.0] } else { BLACK }
    });
    Ok(())
}

/// Four triangles side by side.
fn row() -> Vec<[f32; 2]> {
    [0.0_f32, 16.0, 32.0, 48.0].iter().flat_map(|x| [[*x, 0.0], [x + 16.0, 0.0], [*x, 64.0]]).collect()
}

fn primitive_number(t: &mut Test<'_>) -> Result<()> {
    let places = row();
    let pass = Pass { ps: shader!("values.primitive_number"), ..outline(t, &places)? };
    // The second instance counts from zero again.
    let found = t.draw(&pass, Call::Instances(12, 2, 0, 0))?;
    let (triangles, _) = places.as_chunks::<3>();
    t.expect(&found, |x, y| {
        let number = triangles.iter().position(|triangle| covers(*triangle, centre(x, y)));
        // CAST: below 4.
        number.map_or(BLACK, |number| [number as f32 / 8.0, 0.0, 0.0, 1.0])
    });
    Ok(())
}

fn front_face(t: &mut Test<'_>) -> Result<()> {
    let places = [[0.0, 0.0], [32.0, 0.0], [0.0, 64.0], [64.0, 0.0], [32.0, 0.0], [64.0, 64.0]];
    let pass = Pass { ps: shader!("values.front_face"), ..outline(t, &places)? };
    let found = t.draw(&pass, Call::Vertices(6))?;
    let (triangles, _) = places.as_chunks::<3>();
    t.expect(&found, |x, y| match [0, 1].map(|number| covers(triangles[number], centre(x, y))) {
        [true, _] => GREEN,
        [_, true] => RED,
        _ => BLACK,
    });
    Ok(())
}

/// A shader that asks for the sample's number runs for each sample.
fn sample_number(t: &mut Test<'_>) -> Result<()> {
    let canvas = Canvas { samples: 4, ..Canvas::default() };
    let found = t.full(&Pass { ps: shader!("values.sample_number"), canvas, ..Pass::default() })?;
    t.expect(&found, |_, _| [(0.0 + 0.25 + 0.5 + 0.75) / 4.0; 4]);
    Ok(())
}

const SAMPLES: [[f32; 2]; 4] = [[6.0, 2.0], [14.0, 6.0], [2.0, 10.0], [10.0, 14.0]];

fn samples_in(triangle: [[f32; 2]; 3], x: u32, y: u32) -> usize {
    // CAST: small.
    let hit = |[sx, sy]: &&[f32; 2]| covers(triangle, [x as f32 + sx / 16.0, y as f32 + sy / 16.0]);
    SAMPLES.iter().filter(hit).count()
}

const TRIANGLE: [[f32; 2]; 3] = [[4.3, 5.1], [60.2, 20.9], [18.7, 61.5]];

fn coverage_in(t: &mut Test<'_>) -> Result<()> {
    let canvas = Canvas { samples: 4, ..Canvas::default() };
    let pass = Pass { ps: shader!("values.coverage_in"), canvas, ..outline(t, &TRIANGLE)? };
    let found = t.draw(&pass, Call::Vertices(3))?;
    t.expect(&found, |x, y| match samples_in(TRIANGLE, x, y) {
        4 => GREEN,
        // CAST: at most 3.
        count => RED.map(|channel| channel * count as f32 / 4.0),
    });
    Ok(())
}

fn coverage_out(t: &mut Test<'_>) -> Result<()> {
    let canvas = Canvas { samples: 4, ..Canvas::default() };
    let found = t.full(&Pass { ps: shader!("values.coverage_out"), canvas, ..Pass::default() })?;
    t.expect(&found, |x, _| if x < 32 { [0.25; 4] } else { [0.75; 4] });
    Ok(())
}

fn clip_distance(t: &mut Test<'_>) -> Result<()> {
    let vertices = rectangle([0.0, 0.0, 64.0, 64.0], 0.5, WHITE);
    let pass = Pass { vs: shader!("values.clip_distance"), ..coloured(t, &vertices)? };
    let found = t.draw(&pass, Call::Vertices(6))?;
    // x + 0.5 ≥ 0 from column 16 on; 0.25 - y ≥ 0 from row 24 on.
    t.expect(&found, |x, y| white_if(x >= 16 && y >= 24));
    Ok(())
}

fn cull_distance(t: &mut Test<'_>) -> Result<()> {
    let places = [[2.0, 2.0], [28.0, 2.0], [2.0, 60.0], [10.0, 62.0], [40.0, 20.0], [60.0, 62.0]];
    let pass = Pass { vs: shader!("values.cull_distance"), ..outline(t, &places)? };
    let found = t.draw(&pass, Call::Vertices(6))?;
    t.expect(&found, |x, y| white_if(covers([places[3], places[4], places[5]], centre(x, y))));
    Ok(())
}

/// A rectangle that is nearer on the left: w is 1 there, and 4 on the right.
fn perspective(t: &Test<'_>, [left, right]: [[f32; 4]; 2]) -> Result<Pass> {
    let corner = |x: f32, y: f32| {
        let ([cx, cy], w, colour) =
            (clip([x, y]), if x == 0.0 { 1.0 } else { 4.0 }, if x == 0.0 { left } else { right });
        ([cx * w, cy * w, 0.5 * w, w], colour)
    };
    let corners = [[0.0, 0.0], [64.0, 0.0], [0.0, 64.0], [0.0, 64.0], [64.0, 0.0], [64.0, 64.0]];
    coloured(t, &corners.map(|[x, y]| corner(x, y)))
}

/// The place of the pixel, its depth, and w as the vertex shader gave it: its reciprocal is interpolated straight on the screen.
fn position_in(t: &mut Test<'_>) -> Result<()> {
    let pass = Pass { ps: shader!("values.position_in"), ..perspective(t, [BLACK, WHITE])? };
    let found = t.draw(&pass, Call::Vertices(6))?;
    t.expect_within(0.02, &found, |x, y| {
        let [px, py] = centre(x, y).map(|place| place / 64.0);
        let reciprocal = 1.0 - px * 0.75;
        [px, py, 0.5, 0.25 / reciprocal]
    });
    Ok(())
}

fn interpolated(t: &mut Test<'_>, ps: Code, in_perspective: bool) -> Result<()> {
    let pass = Pass { ps, ..perspective(t, [RED, BLUE])? };
    let found = t.draw(&pass, Call::Vertices(6))?;
    t.expect(&found, |x, y| {
        let s = centre(x, y)[0] / 64.0;
        let share = if in_perspective { (s / 4.0) / (1.0 - s + s / 4.0) } else { s };
        [1.0 - share, 0.0, share, 1.0]
    });
    Ok(())
}

/// The first vertex gives the value.
fn interpolation_flat(t: &mut Test<'_>) -> Result<()> {
    let corners = [[0.0, 0.0], [64.0, 0.0], [0.0, 64.0], [64.0, 64.0]];
    let colours = [RED, GREEN, BLUE, WHITE];
    let vertices: Vec<Vertex> =
        corners.iter().zip(colours).map(|(place, colour)| at(*place, 0.5, colour)).collect();
    let topology = D3D_PRIMITIVE_TOPOLOGY_TRIANGLESTRIP;
    let pass = Pass { ps: shader!("values.flat_ps"), topology, ..coloured(t, &vertices)? };
    let found = t.draw(&pass, Call::Vertices(4))?;
    let first = [corners[0], corners[1], corners[2]];
    t.expect(&found, |x, y| if covers(first, centre(x, y)) { RED } else { GREEN });
    Ok(())
}

fn interpolation_flat_line(t: &mut Test<'_>) -> Result<()> {
    let vertices = [at([4.5, 10.5], 0.5, RED), at([40.5, 10.5], 0.5, GREEN), at([40.5, 50.5], 0.5, BLUE)];
    let topology = D3D_PRIMITIVE_TOPOLOGY_LINESTRIP;
    let pass = Pass { ps: shader!("values.flat_ps"), topology, ..coloured(t, &vertices)? };
    let found = t.draw(&pass, Call::Vertices(3))?;
    t.equal("first line", &found.at(20, 10), &RED);
    t.equal("second line", &found.at(40, 30), &GREEN);
    Ok(())
}

/// Colours that are never negative inside a triangle, though they are at the centres of pixels that it only touches.
fn within(t: &mut Test<'_>, ps: Code) -> Result<()> {
    let colours = [[0.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, 1.0]];
    let vertices: Vec<Vertex> =
        TRIANGLE.iter().zip(colours).map(|(place, colour)| at(*place, 0.5, colour)).collect();
    let canvas = Canvas { samples: 4, ..Canvas::default() };
    let found = t.draw(&Pass { ps, canvas, ..coloured(t, &vertices)? }, Call::Vertices(3))?;
    t.equal("pixels with a value from outside", &found.count(|[red, ..]| red > 0.0), &0);
    t.holds("something is drawn", found.count(|[_, green, ..]| green == 1.0) > 500);
    Ok(())
}

/// Colours that are places: x and y of the target, 0 to 1.
fn places(t: &Test<'_>) -> Result<Pass> {
    let corners = [[0.0, 0.0], [64.0, 0.0], [0.0, 64.0], [0.0, 64.0], [64.0, 0.0], [64.0, 64.0]];
    let vertices = corners.map(|[x, y]: [f32; 2]| at([x, y], 0.5, [x / 64.0, y / 64.0, 0.0, 1.0]));
    let canvas = Canvas { samples: 4, ..Canvas::default() };
    Ok(Pass { canvas, ..coloured(t, &vertices)? })
}

/// Each sample has its own place: two of four lie in the left half of their pixel.
fn interpolation_sample(t: &mut Test<'_>) -> Result<()> {
    let pass = Pass { ps: shader!("values.at_sample"), ..places(t)? };
    let found = t.draw(&pass, Call::Vertices(6))?;
    t.expect(&found, |_, _| [0.5; 4]);
    Ok(())
}

fn interpolation_evaluated_sample(t: &mut Test<'_>) -> Result<()> {
    let pass = Pass { ps: shader!("values.evaluated_at_sample"), ..places(t)? };
    let found = t.draw(&pass, Call::Vertices(6))?;
    t.expect(&found, |_, _| [stored(14.0 / 16.0), 0.0, 0.0, 1.0]);
    Ok(())
}

/// An offset in sixteenths of a pixel from its centre.
fn interpolation_evaluated_offset(t: &mut Test<'_>) -> Result<()> {
    let pass = Pass { ps: shader!("values.evaluated_at_offset"), ..places(t)? };
    let found = t.draw(&pass, Call::Vertices(6))?;
    t.expect_within(0.02, &found, |x, y| {
        let row = found.at(x, y)[1];
        // A place exactly between two pixels may come out as 0 or as nearly 1.
        [12.0 / 16.0, if row > 0.5 { 1.0 } else { 0.0 }, 0.0, 1.0]
    });
    Ok(())
}

/// 16 colours for a constant buffer.
fn palette(from: u32) -> Vec<f32> {
    // CAST: below 256.
    (from..from + 16)
        .flat_map(|n| [n as f32 / 64.0, 1.0 - n as f32 / 64.0, (n % 4) as f32 / 4.0, 1.0])
        .collect()
}

fn constant_index(t: &mut Test<'_>) -> Result<()> {
    let numbers = palette(0);
    let constants = vec![t.gpu.constants(&floats(&numbers))?];
    let found = t.full(&Pass { ps: shader!("values.constant_index"), constants, ..Pass::default() })?;
    let (colours, _) = numbers.as_chunks::<4>();
    t.expect(&found, |x, _| colours[x as usize / 4]);
    Ok(())
}

/// Constants beyond the buffer are zero.
fn constant_beyond(t: &mut Test<'_>) -> Result<()> {
    let numbers = &palette(0)[..8 * 4];
    let constants = vec![t.gpu.constants(&floats(numbers))?];
    let found = t.full(&Pass { ps: shader!("values.constant_beyond"), constants, ..Pass::default() })?;
    let (colours, _) = numbers.as_chunks::<4>();
    t.expect(&found, |x, _| colours.get(x as usize).copied().unwrap_or(BLACK));
    Ok(())
}

/// Direct3D 11.1: a part of a larger buffer, in units of 16 constants.
fn constant_offsets(t: &mut Test<'_>) -> Result<()> {
    let numbers: Vec<f32> = [palette(0), palette(16), palette(32)].concat();
    let constants = vec![t.gpu.constants(&floats(&numbers))?];
    let (colours, _) = numbers.as_chunks::<4>();
    for first in [0, 16, 32] {
        let constant_ranges = vec![(first, 16)];
        let pass = Pass {
            ps: shader!("values.constant_index"),
            constants: constants.clone(),
            constant_ranges,
            ..Pass::default()
        };
        let found = t.full(&pass)?;
        t.expect(&found, |x, _| colours[(x / 4 + first) as usize]);
    }
    Ok(())
}

fn two_buffers(t: &mut Test<'_>) -> Result<()> {
    let (first, second) = (palette(0), palette(16));
    let constants = vec![t.gpu.constants(&floats(&first))?, t.gpu.constants(&floats(&second))?];
    let found = t.full(&Pass { ps: shader!("values.two_buffers"), constants, ..Pass::default() })?;
    t.expect(&found, |_, y| if y < 32 { first.as_chunks().0[1] } else { second.as_chunks().0[2] });
    Ok(())
}

fn unbound_constants(t: &mut Test<'_>) -> Result<()> {
    let canvas = Canvas { clear: WHITE, ..Canvas::default() };
    let found = t.full(&Pass { ps: shader!("values.constant_index"), canvas, ..Pass::default() })?;
    t.expect(&found, |_, _| BLACK);
    Ok(())
}

fn packed_constants(t: &mut Test<'_>) -> Result<()> {
    // first, second; third[0] and third[1], each in a register of its own, the latter before fourth; two rows of three; three columns
    // of two.
    let numbers = [
        [0.125, 9.0, 9.0, 0.25],
        [9.0; 4],
        [9.0, 0.125, 0.25, 9.0],
        [9.0; 4],
        [0.0625, 9.0, 9.0, 9.0],
        [9.0, 0.125, 9.0, 9.0],
        [9.0; 4],
        [9.0; 4],
    ];
    let buffer = t.gpu.constants(&floats(numbers.as_flattened()))?;
    let constants = vec![buffer.clone(), buffer.clone(), buffer];
    let found = t.full(&Pass { ps: shader!("values.packed_constants"), constants, ..Pass::default() })?;
    t.expect(&found, |_, _| [0.125, 0.25, 0.375, 0.1875]);
    Ok(())
}

fn integers(t: &mut Test<'_>) -> Result<()> {
    let found = t.full(&Pass { ps: shader!("values.integers"), ..Pass::default() })?;
    // CAST: at most 15.
    t.expect(&found, |x, y| [(x ^ y) & 15, (x * y) & 15, x % 5, 15].map(|number| number as f32 / 15.0));
    Ok(())
}
