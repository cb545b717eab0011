//! Views that any stage writes, rendering without targets, indirect arguments from shaders, windows of constant buffers.

use pvgpu_protocol::command::*;

use crate::harness::{Ctx, Guest, range_2d, texture_2d};
use crate::scene::*;
use crate::send;

const R32_UINT: u32 = 42;
const R32_FLOAT: u32 = 41;
const NO_TARGETS: SetRenderTargets<'_> =
    SetRenderTargets { depth_stencil: NONE, uav_start: 0, render_targets: &[], uavs: &[] };

fn raw_view(ctx: &mut Ctx, buffer: u32, bytes: u32) -> u32 {
    let range =
        ViewRange { dimension: dimension::BUFFER, num_elements: bytes / 4, flags: 1, ..Default::default() };
    ctx.view(buffer, view_kind::UNORDERED_ACCESS, 39, range)
}

fn raw_buffer(ctx: &mut Ctx, bytes: u32, more: u32) -> (u32, u32) {
    let misc = misc::BUFFER_ALLOW_RAW_VIEWS | more;
    let buffer = ctx.buffer(&[], bytes, usage::DEFAULT, bind::UNORDERED_ACCESS, misc, 0);
    (buffer, raw_view(ctx, buffer, bytes))
}

fn keep(view: u32) -> UavBinding {
    UavBinding { view, initial_count: u32::MAX }
}

fn typed_texture(ctx: &mut Ctx, format: u32, width: u32, height: u32) -> (u32, u32) {
    let texture = ctx.texture(format, width, height, 1, bind::UNORDERED_ACCESS | bind::SHADER_RESOURCE, 0);
    let view = ctx.view(texture, view_kind::UNORDERED_ACCESS, format, range_2d());
    (texture, view)
}

#[test]
fn pixels_without_targets_cover_the_viewport() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let (counts, counts_view) = raw_buffer(&mut ctx, 16, 0);
    let (places, places_view) = typed_texture(&mut ctx, R32_UINT, 64, 64);
    bind(&mut ctx, stage::VERTEX, "vs_bare");
    bind(&mut ctx, stage::PIXEL, "ps_count");
    send!(
        ctx.ring,
        SetRenderTargets { uav_start: 2, uavs: &[keep(counts_view), keep(places_view)], ..NO_TARGETS }
    );
    set_topology(&mut ctx, TRIANGLES);
    set_vertices(&mut ctx, &everything([1.0; 4]));
    let viewport = |x, y, width, height| Viewport {
        top_left_x: x,
        top_left_y: y,
        width,
        height,
        min_depth: 0.0,
        max_depth: 1.0,
    };
    send!(ctx.ring, SetViewports { viewports: &[viewport(0.0, 0.0, 8.0, 4.0)] });
    draw(&mut ctx, 3);
    // A larger one in the same batch.
    send!(ctx.ring, SetViewports { viewports: &[viewport(40.0, 50.0, 24.0, 14.0)] });
    draw(&mut ctx, 3);
    let (count, place) = (ctx.read_back_buffer(counts, 16), ctx.read_back(places, R32_UINT, 64, 64, 4));
    guest.finish(&mut ctx);
    assert_eq!(dwords(&ctx, count), [0, 8 * 4 + 24 * 14, 0, 0]);
    let texels = dwords(&ctx, place);
    for (index, texel) in texels.iter().enumerate().skip(1) {
        let (x, y) = (index as u32 % 64, index as u32 / 64);
        let inside = x < 8 && y < 4 || x >= 40 && y >= 50;
        assert_eq!(*texel, if inside { x | y << 16 } else { 0 }, "{x}, {y}");
    }
    guest.end();
}

#[test]
fn samples_without_targets_are_as_many_as_forced() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let (counts, counts_view) = raw_buffer(&mut ctx, 16, 0);
    bind(&mut ctx, stage::VERTEX, "vs_bare");
    bind(&mut ctx, stage::PIXEL, "ps_count");
    send!(ctx.ring, SetRenderTargets { uav_start: 2, uavs: &[keep(counts_view)], ..NO_TARGETS });
    set_topology(&mut ctx, TRIANGLES);
    set_vertices(&mut ctx, &everything([1.0; 4]));
    send!(
        ctx.ring,
        SetViewports {
            viewports: &[Viewport { width: 4.0, height: 4.0, max_depth: 1.0, ..Default::default() }]
        }
    );
    let mut samples = Vec::new();
    for forced_sample_count in [0, 1, 4] {
        let id = ctx.id();
        send!(
            ctx.ring,
            CreateRasterizerState {
                id,
                fill_mode: 3,
                cull_mode: 1,
                front_counter_clockwise: 0,
                depth_bias: 0,
                depth_bias_clamp: 0.0,
                slope_scaled_depth_bias: 0.0,
                depth_clip_enable: 1,
                scissor_enable: 0,
                multisample_enable: 0,
                antialiased_line_enable: 0,
                forced_sample_count
            }
        );
        send!(ctx.ring, SetRasterizerState { state: id, reserved: 0 });
        let query = begin_query(&mut ctx, 1);
        draw(&mut ctx, 3);
        send!(ctx.ring, EndQuery { query: query.0, reserved: 0 });
        samples.push(query.1);
    }
    let count = ctx.read_back_buffer(counts, 16);
    guest.finish(&mut ctx);
    let samples: Vec<u64> = samples.into_iter().map(|place| words(&ctx, place)[0]).collect();
    assert_eq!(samples, [16, 16, 64]);
    // Drivers may shade a few pixels that no sample lies in.
    let shaded = dwords(&ctx, count)[1];
    assert!((48..96).contains(&shaded), "{shaded}: one pixel shader for all samples of a pixel");
    guest.end();
}

#[test]
fn all_stages_share_the_views() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let (texture, view) = target(&mut ctx, 16, 16);
    let (counts, counts_view) = raw_buffer(&mut ctx, 16, 0);
    bind(&mut ctx, stage::VERTEX, "vs_count");
    bind(&mut ctx, stage::PIXEL, "ps_count");
    let uavs = [keep(counts_view), keep(NONE), keep(NONE), keep(counts_view)];
    send!(
        ctx.ring,
        SetRenderTargets { depth_stencil: NONE, uav_start: 2, render_targets: &[view], uavs: &uavs }
    );
    send!(
        ctx.ring,
        SetViewports {
            viewports: &[Viewport { width: 16.0, height: 16.0, max_depth: 1.0, ..Default::default() }]
        }
    );
    set_topology(&mut ctx, TRIANGLES);
    set_vertices(&mut ctx, &everything([1.0; 4]));
    draw(&mut ctx, 3);
    let place = ctx.read_back_buffer(counts, 16);
    let _ = texture;
    guest.finish(&mut ctx);
    let counts = dwords(&ctx, place);
    assert!(counts[0] >= 3, "each vertex counts once at least: {counts:?}");
    assert_eq!(counts[1], 256, "pixels");
    guest.end();
}

#[test]
fn a_shader_writes_the_arguments_of_a_draw() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let (texture, view) = target(&mut ctx, 16, 16);
    clear(&mut ctx, view, [0.0; 4]);
    let (arguments, arguments_view) = raw_buffer(&mut ctx, 64, misc::DRAWINDIRECT_ARGS);
    bind(&mut ctx, stage::VERTEX, "vs_stage");
    bind(&mut ctx, stage::PIXEL, "ps_stage");
    ctx.set_target(view, NONE, 16.0, 16.0);
    set_topology(&mut ctx, TRIANGLES);
    set_vertices(&mut ctx, &everything([0.0, 1.0, 0.0, 1.0]));
    let indirect =
        |offset| DrawIndirect { kind: indirect_kind::DRAW, buffer: arguments, offset, reserved: 0 };
    // Zeros so far: no vertices.
    send!(ctx.ring, indirect(16));
    let before = ctx.read_back(texture, RGBA8, 16, 16, 4);
    bind(&mut ctx, stage::COMPUTE, "cs_arguments");
    send!(ctx.ring, SetComputeUavs { start_slot: 0, reserved: 0, uavs: &[keep(arguments_view)] });
    send!(ctx.ring, Dispatch { x: 1, y: 1, z: 1, reserved: 0 });
    send!(ctx.ring, indirect(16));
    let after = ctx.read_back(texture, RGBA8, 16, 16, 4);
    guest.finish(&mut ctx);
    assert!(ctx.get(before).iter().all(|byte| *byte == 0));
    assert_eq!(Texels::new(&ctx, after, 16).at(9, 9), [0, 255, 0, 255]);
    guest.end();
}

#[test]
fn floats_are_exchanged_in_textures_and_buffers() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let (image, image_view) = typed_texture(&mut ctx, R32_FLOAT, 4, 1);
    let list = ctx.buffer(&floats(&[7.0; 4]), 16, usage::DEFAULT, bind::UNORDERED_ACCESS, 0, 0);
    let range = ViewRange { dimension: dimension::BUFFER, num_elements: 4, ..Default::default() };
    let list_view = ctx.view(list, view_kind::UNORDERED_ACCESS, R32_FLOAT, range);
    bind(&mut ctx, stage::COMPUTE, "cs_exchange_float");
    send!(
        ctx.ring,
        SetComputeUavs { start_slot: 0, reserved: 0, uavs: &[keep(image_view), keep(list_view)] }
    );
    send!(ctx.ring, Dispatch { x: 1, y: 1, z: 1, reserved: 0 });
    send!(ctx.ring, Dispatch { x: 1, y: 1, z: 1, reserved: 0 });
    let places = (ctx.read_back(image, R32_FLOAT, 4, 1, 4), ctx.read_back_buffer(list, 16));
    guest.finish(&mut ctx);
    assert_eq!(read_floats(&ctx, places.0)[..4], [0.0, 1.5, 3.0, 4.5]);
    assert_eq!(read_floats(&ctx, places.1), [0.0, 11.5, 23.0, 34.5]);
    guest.end();
}

#[test]
fn constants_outside_the_window_read_as_zero() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let (texture, view) = target(&mut ctx, 16, 16);
    bind(&mut ctx, stage::VERTEX, "vs_bare");
    bind(&mut ctx, stage::PIXEL, "ps_window");
    ctx.set_target(view, NONE, 16.0, 16.0);
    set_topology(&mut ctx, TRIANGLES);
    set_vertices(&mut ctx, &everything([1.0; 4]));
    // Constant n is n / 255 in red, and 1 in alpha.
    let constants: Vec<f32> = (0..64).flat_map(|n| [n as f32 / 255.0, 0.0, 0.0, 0.25]).collect();
    let buffer = ctx.buffer(&floats(&constants), 1024, usage::DEFAULT, bind::CONSTANT_BUFFER, 0, 0);
    let mut places = Vec::new();
    // The whole buffer; from 16 with 32 constants, with 16, and more than there are; behind the end.
    for (first_constant, num_constants) in [(0, 4096), (16, 32), (16, 16), (48, 4096), (64, 16)] {
        let binding = ConstantBufferBinding { buffer, first_constant, num_constants };
        send!(ctx.ring, SetConstantBuffers { stage: stage::PIXEL, start_slot: 0, buffers: &[binding] });
        draw(&mut ctx, 3);
        places.push(ctx.read_back(texture, RGBA8, 16, 16, 4));
    }
    guest.finish(&mut ctx);
    let red: Vec<u8> = places.into_iter().map(|place| Texels::new(&ctx, place, 16).at(0, 0)[0]).collect();
    assert_eq!(red, [17, 16 + 33, 16, 48, 0]);
    guest.end();
}

#[test]
fn nothing_bound_and_nothing_counted_is_no_error() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    // Nothing at all; then a vertex shader without buffers, targets or a layout; indices that are not there.
    draw(&mut ctx, 3);
    send!(ctx.ring, DrawAuto { reserved: 0 });
    bind(&mut ctx, stage::VERTEX, "vs_stage");
    set_topology(&mut ctx, TRIANGLES);
    draw(&mut ctx, 3);
    draw(&mut ctx, 0);
    send!(ctx.ring, DrawAuto { reserved: 0 });
    let indexed = DrawIndexed {
        index_count: 3,
        instance_count: 1,
        start_index: 0,
        base_vertex: -5,
        start_instance: 0,
        reserved: 0,
    };
    send!(ctx.ring, indexed);
    // A buffer that ends within a vertex and begins misaligned; offsets behind the end; indices out of range.
    let (_, view) = target(&mut ctx, 16, 16);
    ctx.set_target(view, NONE, 16.0, 16.0);
    bind(&mut ctx, stage::PIXEL, "ps_stage");
    let short = ctx.buffer(&[1; 40], 40, usage::DEFAULT, bind::VERTEX_BUFFER | bind::INDEX_BUFFER, 0, 0);
    for offset in [4, 40, 4000] {
        set_vertex_buffer(&mut ctx, short, offset);
        draw(&mut ctx, 30);
        send!(ctx.ring, SetIndexBuffer { buffer: short, format: 57, offset, reserved: 0 });
        send!(ctx.ring, DrawIndexed { index_count: 3000, base_vertex: i32::MAX, ..indexed });
        send!(
            ctx.ring,
            Draw {
                vertex_count: 3,
                instance_count: 2,
                start_vertex: u32::MAX - 8,
                start_instance: u32::MAX - 8
            }
        );
    }
    let texture = ctx.id();
    send!(ctx.ring, texture_2d(texture, RGBA8, 4, 4, 1, bind::SHADER_RESOURCE, 0));
    guest.finish(&mut ctx);
    guest.end();
}
