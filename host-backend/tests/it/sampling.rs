//! Any sampler with any view: texels that the device does not filter are taken as they are, those beside them are filtered all the
//! same, and the validation layer stays silent.

use pvgpu_protocol::command::*;

use crate::harness::{Ctx, Guest, range_2d};
use crate::scene::*;
use crate::send;

const R8: u32 = 61;
const RG8_UINT: u32 = 50;
const SIDE: u32 = 64;
/// What is cleared to, and what a shader makes of it in a colour.
const DEPTH: f32 = 0.5;
const STENCIL: u8 = 7;
const HALF: u8 = 128;
/// The middle of the target is right of the middle between two texels, 0 and 255, by 1 / 64.
const MIXED: u8 = 131;
const NEAREST: u8 = 255;

/// Depth formats: the texture's, those of its depth-stencil view and of what shaders see, and of its stencil.
const DEPTHS: [(u32, u32, u32, Option<u32>); 4] =
    [(39, 40, 41, None), (53, 55, 56, None), (44, 45, 46, Some(47)), (19, 20, 21, Some(22))];

/// Bits of a filter: mip, mag and min are linear; anisotropic; comparison.
const MIP: u32 = 0x1;
const MAG: u32 = 0x4;
const MIN: u32 = 0x10;
const ANISOTROPIC: u32 = 0x40;
const COMPARISON: u32 = 0x80;

/// A guest with a context, and a target whose every pixel a triangle covers.
fn begin() -> (Guest, Ctx, u32) {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let (texture, view) = target(&mut ctx, SIDE, SIDE);
    bind(&mut ctx, stage::VERTEX, "vs_bare");
    ctx.set_target(view, NONE, SIDE as f32, SIDE as f32);
    set_topology(&mut ctx, TRIANGLES);
    set_vertices(&mut ctx, &everything([1.0; 4]));
    (guest, ctx, texture)
}

/// A view of two texels beside each other.
fn two_texels(ctx: &mut Ctx, format: u32, texels: &[u8]) -> u32 {
    let texture = ctx.texture(format, 2, 1, 1, bind::SHADER_RESOURCE, 0);
    let data = ctx.put(texels);
    let dst_box = SubresourceBox { right: 2, bottom: 1, back: 1, ..Default::default() };
    // CAST: two texels.
    let pitch = texels.len() as u32;
    send!(
        ctx.ring,
        UpdateSubresource {
            data,
            dst: texture,
            dst_subresource: 0,
            dst_box,
            row_pitch: pitch,
            depth_pitch: pitch
        }
    );
    ctx.view(texture, view_kind::SHADER_RESOURCE, format, range_2d())
}

/// Views of a texture's depth, and of its stencil or of some other integers.
fn depth(ctx: &mut Ctx, (format, written, seen, stencil): (u32, u32, u32, Option<u32>)) -> (u32, u32) {
    let texture = ctx.texture(format, 2, 2, 1, bind::DEPTH_STENCIL | bind::SHADER_RESOURCE, 0);
    let view = ctx.view(texture, view_kind::DEPTH_STENCIL, written, range_2d());
    let flags = if stencil.is_some() { 3 } else { 1 };
    send!(ctx.ring, ClearDepthStencilView { view, flags, depth: DEPTH, stencil: u32::from(STENCIL) });
    let depths = ctx.view(texture, view_kind::SHADER_RESOURCE, seen, range_2d());
    let numbers = match stencil {
        Some(stencil) => ctx.view(texture, view_kind::SHADER_RESOURCE, stencil, range_2d()),
        None => two_texels(ctx, RG8_UINT, &[1, STENCIL, 2, STENCIL]),
    };
    (depths, numbers)
}

/// Binds a sampler with a filter to slot 0, or none.
fn set_sampler(ctx: &mut Ctx, filter: Option<u32>) {
    let id = if filter.is_some() { ctx.id() } else { NONE };
    if let Some(filter) = filter {
        let state = CreateSampler {
            id,
            filter,
            address_u: 3,
            address_v: 3,
            address_w: 3,
            mip_lod_bias: 0.0,
            max_anisotropy: 8,
            comparison_func: 2,
            border_color: [0.0; 4],
            min_lod: 0.0,
            max_lod: 1000.0,
        };
        send!(ctx.ring, state);
    }
    send!(ctx.ring, SetSamplers { stage: stage::PIXEL, start_slot: 0, samplers: &[id] });
}

fn set_views(ctx: &mut Ctx, views: &[u32]) {
    send!(ctx.ring, SetShaderResources { stage: stage::PIXEL, start_slot: 0, views });
}

/// Draws, and gives the place of the picture.
fn picture(ctx: &mut Ctx, texture: u32) -> HeapRange {
    draw(ctx, 3);
    ctx.read_back(texture, RGBA8, SIDE, SIDE, 4)
}

fn middle(ctx: &Ctx, place: HeapRange) -> [u8; 4] {
    Texels::new(ctx, place, SIDE as usize).at(32, 32)
}

fn near(found: u8, expected: u8) -> bool {
    found.abs_diff(expected) <= 2
}

#[test]
fn what_is_not_filtered_leaves_its_neighbours_filtered() {
    let (mut guest, mut ctx, texture) = begin();
    let colors = two_texels(&mut ctx, R8, &[0, 255]);
    let filters = [
        (Some(0), NEAREST),
        (Some(MIP), NEAREST),
        (Some(MIN), NEAREST),
        (Some(MIN | MIP), NEAREST),
        (Some(MAG), MIXED),
        (Some(MIN | MAG), MIXED),
        (Some(MIN | MAG | MIP), MIXED),
        (Some(MIN | MAG | MIP | ANISOTROPIC), MIXED),
        (Some(MIN | MAG | MIP | COMPARISON), MIXED),
        (None, MIXED),
    ];
    let mut places = Vec::new();
    for shader in ["ps_filter.floats", "ps_filter.all"] {
        bind(&mut ctx, stage::PIXEL, shader);
        for formats in DEPTHS {
            let (depths, numbers) = depth(&mut ctx, formats);
            set_views(&mut ctx, &[colors, depths, numbers]);
            for (filter, expected) in filters {
                set_sampler(&mut ctx, filter);
                let what = format!("{shader}, {formats:?}, {filter:x?}");
                places.push((what, shader, expected, picture(&mut ctx, texture)));
            }
        }
    }
    guest.finish(&mut ctx);
    for (what, shader, expected, place) in places {
        let [color, deep, number, gathered] = middle(&ctx, place);
        assert!(near(color, expected), "{what}: {color}");
        assert!(near(deep, HALF), "{what}: {deep}");
        if shader == "ps_filter.all" {
            assert!(number == STENCIL && near(gathered, HALF), "{what}: {number}, {gathered}");
        }
    }
    guest.end();
}

#[test]
fn views_change_under_a_sampler() {
    let (mut guest, mut ctx, texture) = begin();
    bind(&mut ctx, stage::PIXEL, "ps_filter.floats");
    set_sampler(&mut ctx, Some(MIN | MAG | MIP));
    let colors = two_texels(&mut ctx, R8, &[0, 255]);
    let (depths, _) = depth(&mut ctx, DEPTHS[0]);
    let mut places = Vec::new();
    // Colours where depths were, and the other way; nothing in between.
    for (views, expected) in [
        ([colors, depths], [Some(MIXED), Some(HALF)]),
        ([depths, colors], [Some(HALF), Some(MIXED)]),
        ([colors, colors], [Some(MIXED), Some(MIXED)]),
        ([depths, depths], [Some(HALF), Some(HALF)]),
        ([colors, NONE], [Some(MIXED), Some(0)]),
        ([NONE, colors], [Some(0), Some(MIXED)]),
    ] {
        set_views(&mut ctx, &views);
        places.push((expected, picture(&mut ctx, texture)));
    }
    guest.finish(&mut ctx);
    for (expected, place) in places {
        let found = middle(&ctx, place);
        for (expected, found) in expected.into_iter().zip(found) {
            assert!(expected.is_none_or(|expected| near(found, expected)), "{found} for {expected:?}");
        }
    }
    guest.end();
}

#[test]
fn without_room_for_samplers_nothing_is_filtered_or_all() {
    let (mut guest, mut ctx, texture) = begin();
    bind(&mut ctx, stage::PIXEL, "ps_filter.many");
    set_sampler(&mut ctx, Some(MIN | MAG | MIP));
    let colors = two_texels(&mut ctx, R8, &[0, 255]);
    let dark = two_texels(&mut ctx, R8, &[10, 10]);
    let (depths, _) = depth(&mut ctx, DEPTHS[0]);
    let mut views = [dark; 23];
    (views[0], views[1]) = (colors, depths);
    set_views(&mut ctx, &views);
    let all = picture(&mut ctx, texture);
    // The last one shares the descriptor of the first.
    views[22] = depths;
    set_views(&mut ctx, &views);
    let shared = picture(&mut ctx, texture);
    guest.finish(&mut ctx);
    let [color, deep, sum, _] = middle(&ctx, all);
    assert!(near(color, MIXED) && near(deep, HALF) && near(sum, 200), "{:?}", middle(&ctx, all));
    let [color, deep, sum, _] = middle(&ctx, shared);
    // A device that filters depth filters both.
    assert!(color == NEAREST || near(color, MIXED), "{color}");
    assert!(near(deep, HALF) && sum == 255, "{deep}, {sum}");
    guest.end();
}
