//! Geometry, hull and domain shaders: what they draw, and that stages which do not fit together draw nothing.

use pvgpu_protocol::command::*;

use crate::harness::{Ctx, Guest};
use crate::scene::*;
use crate::send;

/// Draws one red point in the middle with the square-making geometry shader.
fn draw_square(ctx: &mut Ctx, vertex: &str, view: u32) {
    bind(ctx, stage::VERTEX, vertex);
    bind(ctx, stage::GEOMETRY, "gs_square");
    bind(ctx, stage::PIXEL, "ps_stage");
    ctx.set_target(view, NONE, 64.0, 64.0);
    set_topology(ctx, POINTS);
    set_vertices(ctx, &[vertex_at(0.0, 0.0, [1.0, 0.0, 0.0, 1.0])]);
    draw(ctx, 1);
}

#[test]
fn a_geometry_shader_makes_a_square_of_a_point() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let (texture, view) = target(&mut ctx, 64, 64);
    clear(&mut ctx, view, [0.0; 4]);
    draw_square(&mut ctx, "vs_stage", view);
    let place = ctx.read_back(texture, RGBA8, 64, 64, 4);
    guest.finish(&mut ctx);
    let texels = Texels::new(&ctx, place, 64);
    for (x, y) in [(16, 16), (47, 16), (16, 47), (47, 47), (32, 32)] {
        assert_eq!(texels.at(x, y), [255, 0, 0, 255], "{x}, {y}");
    }
    for (x, y) in [(15, 32), (48, 32), (32, 15), (32, 48), (0, 0)] {
        assert_eq!(texels.at(x, y), [0; 4], "{x}, {y}");
    }
    guest.end();
}

#[test]
fn what_the_stage_before_does_not_write_reads_as_zero() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let (texture, view) = target(&mut ctx, 64, 64);
    clear(&mut ctx, view, [1.0; 4]);
    draw_square(&mut ctx, "vs_bare", view);
    let place = ctx.read_back(texture, RGBA8, 64, 64, 4);
    guest.finish(&mut ctx);
    let texels = Texels::new(&ctx, place, 64);
    assert_eq!(texels.at(32, 32), [0; 4], "a colour that nobody writes");
    assert_eq!(texels.at(2, 2), [255; 4], "outside");
    guest.end();
}

#[test]
fn what_only_another_stream_writes_reads_as_zero() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let (texture, view) = target(&mut ctx, 64, 64);
    clear(&mut ctx, view, [1.0; 4]);
    bind(&mut ctx, stage::VERTEX, "vs_stage");
    bind(&mut ctx, stage::GEOMETRY, "gs_two_streams");
    bind(&mut ctx, stage::PIXEL, "ps_number");
    ctx.set_target(view, NONE, 64.0, 64.0);
    set_topology(&mut ctx, POINTS);
    // The second primitive's number is not 0.
    let places = [(20, 20), (40, 30)];
    let centre = |pixel: usize| (pixel as f32 + 0.5) / 32.0 - 1.0;
    set_vertices(&mut ctx, &places.map(|(x, y)| vertex_at(centre(x), -centre(y), [1.0; 4])));
    draw(&mut ctx, 2);
    let numbers = ctx.read_back(texture, RGBA8, 64, 64, 4);
    // What the rasterized stream writes, and what nobody writes.
    clear(&mut ctx, view, [1.0; 4]);
    bind(&mut ctx, stage::PIXEL, "ps_stage");
    set_vertices(&mut ctx, &places.map(|(x, y)| vertex_at(centre(x), -centre(y), [0.0, 1.0, 0.0, 1.0])));
    draw(&mut ctx, 2);
    let colors = ctx.read_back(texture, RGBA8, 64, 64, 4);
    guest.finish(&mut ctx);
    for (place, expected) in [(numbers, [0, 0, 0, 255]), (colors, [0, 255, 0, 255])] {
        let texels = Texels::new(&ctx, place, 64);
        for (x, y) in places {
            assert_eq!(texels.at(x, y), expected, "{x}, {y}");
        }
        assert_eq!(texels.at(2, 2), [255; 4], "outside");
    }
    guest.end();
}

/// Four corners of the whole target, as control points.
fn corners() -> [Vertex; 4] {
    let color = [0.0, 0.0, 1.0, 1.0];
    [
        vertex_at(-1.0, 1.0, color),
        vertex_at(1.0, 1.0, color),
        vertex_at(-1.0, -1.0, color),
        vertex_at(1.0, -1.0, color),
    ]
}

fn bind_tessellation(ctx: &mut Ctx, view: u32) {
    bind(ctx, stage::VERTEX, "vs_patch");
    bind(ctx, stage::HULL, "hs_square");
    bind(ctx, stage::DOMAIN, "ds_square");
    bind(ctx, stage::PIXEL, "ps_stage");
    ctx.set_target(view, NONE, 64.0, 64.0);
    set_vertices(ctx, &corners());
}

#[test]
fn a_patch_is_tessellated_with_its_domain_the_right_way_up() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let (texture, view) = target(&mut ctx, 64, 64);
    clear(&mut ctx, view, [0.0; 4]);
    bind_tessellation(&mut ctx, view);
    set_topology(&mut ctx, PATCHES + 4);
    let statistics = begin_query(&mut ctx, 8);
    draw(&mut ctx, 4);
    send!(ctx.ring, EndQuery { query: statistics.0, reserved: 0 });
    let place = ctx.read_back(texture, RGBA8, 64, 64, 4);
    guest.finish(&mut ctx);
    let texels = Texels::new(&ctx, place, 64);
    // Back faces are culled: that the square is there at all tells that its winding is right.
    let near = |a: u8, b: f32| (f32::from(a) - b * 255.0).abs() < 3.0;
    for (x, y) in [(1, 1), (62, 1), (1, 62), (62, 62), (20, 40)] {
        let [red, green, blue, _] = texels.at(x, y);
        let (u, v) = ((x as f32 + 0.5) / 64.0, (y as f32 + 0.5) / 64.0);
        assert!(near(red, u) && near(green, v) && blue == 255, "{x}, {y}: {:?}", texels.at(x, y));
    }
    let counts = words(&ctx, statistics.1);
    assert_eq!(counts[0], 4, "vertices of the input assembler");
    assert!(counts[9] >= 15, "domain shader: 5 × 3 points at least, {counts:?}");
    assert_eq!(counts[6], 16, "primitives that come out of clipping, {counts:?}");
    guest.end();
}

#[test]
fn stages_that_do_not_fit_together_draw_nothing() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let (texture, view) = target(&mut ctx, 64, 64);
    clear(&mut ctx, view, [0.0; 4]);
    // Triangles where the hull shader wants patches; patches with too few points; a hull shader alone; none at all.
    bind_tessellation(&mut ctx, view);
    set_topology(&mut ctx, TRIANGLES);
    draw(&mut ctx, 3);
    set_topology(&mut ctx, PATCHES + 3);
    draw(&mut ctx, 3);
    set_topology(&mut ctx, PATCHES + 4);
    unbind(&mut ctx, stage::DOMAIN);
    draw(&mut ctx, 4);
    unbind(&mut ctx, stage::HULL);
    bind(&mut ctx, stage::VERTEX, "vs_stage");
    draw(&mut ctx, 4);
    // A geometry shader of points that gets triangles, or patches.
    bind(&mut ctx, stage::GEOMETRY, "gs_square");
    draw(&mut ctx, 4);
    set_topology(&mut ctx, TRIANGLES);
    draw(&mut ctx, 3);
    let place = ctx.read_back(texture, RGBA8, 64, 64, 4);
    // And then one that fits.
    set_topology(&mut ctx, POINTS);
    draw(&mut ctx, 1);
    let after = ctx.read_back(texture, RGBA8, 64, 64, 4);
    guest.finish(&mut ctx);
    assert!(ctx.get(place).iter().all(|byte| *byte == 0), "nothing was drawn");
    assert!(ctx.get(after).iter().any(|byte| *byte != 0), "a square was drawn");
    guest.end();
}

#[test]
fn a_geometry_shader_chooses_the_viewport() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let (texture, view) = target(&mut ctx, 64, 64);
    clear(&mut ctx, view, [0.0; 4]);
    bind(&mut ctx, stage::VERTEX, "vs_stage");
    bind(&mut ctx, stage::GEOMETRY, "gs_viewports");
    bind(&mut ctx, stage::PIXEL, "ps_stage");
    ctx.set_target(view, NONE, 64.0, 64.0);
    set_topology(&mut ctx, TRIANGLES);
    let white = [1.0; 4];
    set_vertices(
        &mut ctx,
        &[vertex_at(-1.0, 3.0, white), vertex_at(3.0, -1.0, white), vertex_at(-1.0, -1.0, white)],
    );
    // Three viewports for four indices: what goes to the fourth is not drawn.
    let quarter = |x, y| Viewport {
        top_left_x: x,
        top_left_y: y,
        width: 32.0,
        height: 32.0,
        min_depth: 0.0,
        max_depth: 1.0,
    };
    let viewports = [quarter(0.0, 0.0), quarter(32.0, 0.0), quarter(0.0, 32.0)];
    send!(ctx.ring, SetViewports { viewports: &viewports });
    draw(&mut ctx, 3);
    let place = ctx.read_back(texture, RGBA8, 64, 64, 4);
    guest.finish(&mut ctx);
    let texels = Texels::new(&ctx, place, 64);
    assert_eq!(texels.at(16, 16), [64; 4]);
    // A half has two nearest bytes.
    assert!([[127; 4], [128; 4]].contains(&texels.at(48, 16)));
    assert_eq!(texels.at(16, 48), [191; 4]);
    assert_eq!(texels.at(48, 48), [0; 4]);
    guest.end();
}
