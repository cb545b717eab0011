//! Predication: what is left out, by which predicate, on which road.

use pvgpu_protocol::command::*;

use crate::harness::{Ctx, Guest};
use crate::scene::*;
use crate::send;

const OCCLUSION_PREDICATE: u32 = 5;
const RED: [f32; 4] = [1.0, 0.0, 0.0, 1.0];

/// A scene that can draw to all of its target.
fn scene(ctx: &mut Ctx) -> (u32, u32) {
    let (texture, view) = target(ctx, 16, 16);
    clear(ctx, view, [0.0; 4]);
    bind(ctx, stage::VERTEX, "vs_stage");
    bind(ctx, stage::PIXEL, "ps_stage");
    ctx.set_target(view, NONE, 16.0, 16.0);
    set_topology(ctx, TRIANGLES);
    set_vertices(ctx, &everything(RED));
    (texture, view)
}

/// An occlusion predicate that sees some pixels, or none; in one pass or in two.
fn predicate(ctx: &mut Ctx, view: u32, visible: bool, passes: u32) -> u32 {
    let (query, _) = begin_query(ctx, OCCLUSION_PREDICATE);
    for pass in 0..passes {
        if pass != 0 {
            // A clear of another texture ends the pass.
            let (_, other) = target(ctx, 8, 8);
            clear(ctx, other, [0.0; 4]);
        }
        draw(ctx, if visible && pass == 0 { 3 } else { 2 });
    }
    send!(ctx.ring, EndQuery { query, reserved: 0 });
    clear(ctx, view, [0.0; 4]);
    query
}

fn set_predication(ctx: &mut Ctx, query: u32, value: bool) {
    send!(ctx.ring, SetPredication { query, value: value.into(), hint: 0, reserved: 0 });
}

/// Whether a deed happens with a predicate of each kind and each value.
fn check(deed: impl Fn(&mut Ctx, u32, u32)) {
    for passes in [1, 2] {
        for (visible, value) in [(false, false), (false, true), (true, false), (true, true)] {
            let mut guest = Guest::new();
            let mut ctx = guest.context();
            let (texture, view) = scene(&mut ctx);
            let query = predicate(&mut ctx, view, visible, passes);
            set_predication(&mut ctx, query, value);
            deed(&mut ctx, texture, view);
            set_predication(&mut ctx, NONE, false);
            let place = ctx.read_back(texture, RGBA8, 16, 16, 4);
            guest.finish(&mut ctx);
            let expected = if visible != value { [255, 0, 0, 255] } else { [0; 4] };
            let what = format!("visible {visible}, left out if {value}, {passes} passes");
            assert_eq!(Texels::new(&ctx, place, 16).at(5, 5), expected, "{what}");
            guest.end();
        }
    }
}

#[test]
fn draws_depend_on_the_predicate() {
    check(|ctx, _, _| draw(ctx, 3));
}

#[test]
fn clears_depend_on_the_predicate() {
    check(|ctx, _, view| clear(ctx, view, RED));
}

#[test]
fn copies_and_updates_depend_on_the_predicate() {
    check(|ctx, texture, _| {
        let data = ctx.put(&[255, 0, 0, 255].repeat(256));
        let dst_box = SubresourceBox { right: 16, bottom: 16, back: 1, ..Default::default() };
        send!(
            ctx.ring,
            UpdateSubresource {
                data,
                dst: texture,
                dst_subresource: 0,
                dst_box,
                row_pitch: 64,
                depth_pitch: 1024
            }
        );
    });
}

#[test]
fn predication_ends_and_a_new_predicate_counts() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let (texture, view) = scene(&mut ctx);
    let (unseen, seen) = (predicate(&mut ctx, view, false, 1), predicate(&mut ctx, view, true, 1));
    set_predication(&mut ctx, unseen, false);
    draw(&mut ctx, 3);
    // The batch ends between the predicate and the draw: the condition holds in the next one.
    let value = ctx.fence();
    guest.wait_fence(&mut ctx, value);
    draw(&mut ctx, 3);
    let nothing = ctx.read_back(texture, RGBA8, 16, 16, 4);
    set_predication(&mut ctx, NONE, false);
    let still_nothing = ctx.read_back(texture, RGBA8, 16, 16, 4);
    set_predication(&mut ctx, seen, false);
    draw(&mut ctx, 3);
    set_predication(&mut ctx, NONE, false);
    let drawn = ctx.read_back(texture, RGBA8, 16, 16, 4);
    guest.finish(&mut ctx);
    // The first copy is left out as well.
    assert!(ctx.get(nothing).iter().all(|byte| *byte == 0));
    assert!(ctx.get(still_nothing).iter().all(|byte| *byte == 0));
    assert_eq!(Texels::new(&ctx, drawn, 16).at(3, 3), [255, 0, 0, 255]);
    guest.end();
}
