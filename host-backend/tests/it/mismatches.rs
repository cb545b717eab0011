//! What no program of a well-behaved runtime does, but a guest's driver can be made to send: parts that do not fit each other, and
//! numbers that only the GPU knows. Each has a defined result, the validation layers stay silent, and the device goes on.

use pvgpu_protocol::command::*;

use crate::harness::{Ctx, Guest, range_2d, texture_2d};
use crate::scene::*;
use crate::send;

const RGBA32_FLOAT: u32 = 2;
const RGBA32_UINT: u32 = 3;
const RGBA32_SINT: u32 = 4;
const RGBA8_UINT: u32 = 30;
const RGBA8_SINT: u32 = 32;
const D32: u32 = 40;
const R32_TYPELESS: u32 = 39;
const R32_FLOAT: u32 = 41;
const SIDE: u32 = 64;

/// A vertex layout of position and colour in slot 0, bound.
fn set_layout(ctx: &mut Ctx, elements: &[(u32, u32)]) {
    let layout = ctx.id();
    let elements: Vec<_> = (0..)
        .zip(elements)
        .map(|(register, (format, offset))| InputElement {
            format: *format,
            aligned_byte_offset: *offset,
            input_register: register,
            ..Default::default()
        })
        .collect();
    send!(ctx.ring, CreateElementLayout { id: layout, reserved: 0, elements: &elements });
    send!(ctx.ring, SetInputLayout { layout, reserved: 0 });
}

fn set_stride(ctx: &mut Ctx, buffer: u32, stride: u32) {
    let buffers = [VertexBufferBinding { buffer, stride, offset: 0 }];
    send!(ctx.ring, SetVertexBuffers { start_slot: 0, reserved: 0, buffers: &buffers });
}

/// A guest with a context, and a black target with its view, bound.
fn begin() -> (Guest, Ctx, u32, u32) {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let (texture, view) = target(&mut ctx, SIDE, SIDE);
    clear(&mut ctx, view, [0.0; 4]);
    bind(&mut ctx, stage::VERTEX, "vs_stage");
    bind(&mut ctx, stage::PIXEL, "ps_stage");
    ctx.set_target(view, NONE, SIDE as f32, SIDE as f32);
    set_topology(&mut ctx, TRIANGLES);
    (guest, ctx, texture, view)
}

fn read(ctx: &mut Ctx, texture: u32) -> HeapRange {
    ctx.read_back(texture, RGBA8, SIDE, SIDE, 4)
}

fn middle(ctx: &Ctx, place: HeapRange) -> [u8; 4] {
    Texels::new(ctx, place, SIDE as usize).at(32, 32)
}

#[test]
fn attributes_of_another_type_are_taken_by_their_bits() {
    let (mut guest, mut ctx, texture, view) = begin();
    let vertices = everything([0.25, 0.5, 0.75, 1.0]);
    let mut places = Vec::new();
    for shader in ["vs_stage", "vs_bits.unsigned_bits", "vs_bits.signed_bits"] {
        bind(&mut ctx, stage::VERTEX, shader);
        for format in [RGBA32_FLOAT, RGBA32_UINT, RGBA32_SINT] {
            clear(&mut ctx, view, [0.0; 4]);
            set_vertices(&mut ctx, &vertices);
            set_layout(&mut ctx, &[(format, 0), (format, 16)]);
            draw(&mut ctx, 3);
            places.push((shader, format, read(&mut ctx, texture)));
        }
    }
    guest.finish(&mut ctx);
    for (shader, format, place) in places {
        assert_eq!(middle(&ctx, place), [64, 128, 191, 255], "{shader}, {format}");
    }
    guest.end();
}

#[test]
fn attributes_are_converted_before_their_bits_are_taken() {
    let (mut guest, mut ctx, texture, _) = begin();
    // The shader takes for integers what the format makes floats of: a colour of four bytes.
    bind(&mut ctx, stage::VERTEX, "vs_bits.unsigned_bits");
    let mut bytes = Vec::new();
    for [x, y, z, w, ..] in everything([0.0; 4]) {
        bytes.extend(floats(&[x, y, z, w]));
        bytes.extend([51, 102, 153, 255]);
    }
    let buffer = ctx.buffer(&bytes, 60, usage::DEFAULT, bind::VERTEX_BUFFER, 0, 0);
    set_layout(&mut ctx, &[(RGBA32_FLOAT, 0), (RGBA8, 16)]);
    set_stride(&mut ctx, buffer, 20);
    draw(&mut ctx, 3);
    let place = read(&mut ctx, texture);
    guest.finish(&mut ctx);
    assert_eq!(middle(&ctx, place), [51, 102, 153, 255]);
    guest.end();
}

#[test]
fn targets_of_another_type_take_the_bits() {
    let (mut guest, mut ctx, ..) = begin();
    set_vertices(&mut ctx, &everything([0.25, 0.5, 0.75, 1.0]));
    let mut places = Vec::new();
    for format in [RGBA32_UINT, RGBA32_SINT, RGBA8_UINT, RGBA8_SINT] {
        let texture = ctx.texture(format, SIDE, SIDE, 1, bind::RENDER_TARGET, 0);
        let view = ctx.view(texture, view_kind::RENDER_TARGET, format, range_2d());
        ctx.set_target(view, NONE, SIDE as f32, SIDE as f32);
        draw(&mut ctx, 3);
        let texel = if format < 5 { 16 } else { 4 };
        places.push((format, ctx.read_back(texture, format, SIDE, SIDE, texel)));
    }
    guest.finish(&mut ctx);
    for (format, place) in places.into_iter().take(2) {
        let found: Vec<f32> = read_floats(&ctx, place).into_iter().take(4).collect();
        assert_eq!(found, [0.25, 0.5, 0.75, 1.0], "{format}");
    }
    guest.end();
}

#[test]
fn vertices_may_overlap() {
    let (mut guest, mut ctx, texture, view) = begin();
    // Positions of 16 bytes, 4 bytes apart; the colour lies at 16 of each.
    let numbers = [-1.0, 3.0, -1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
    let bytes = floats(&numbers);
    let short = ctx.buffer(&bytes, 40, usage::DEFAULT, bind::VERTEX_BUFFER, 0, 0);
    set_layout(&mut ctx, &[(RGBA32_FLOAT, 0), (RGBA32_FLOAT, 16)]);
    set_stride(&mut ctx, short, 4);
    draw(&mut ctx, 3);
    // The same with the layout that comes after, between draws whose vertices do not overlap, and with another stride.
    set_vertices(&mut ctx, &everything([0.0, 1.0, 0.0, 1.0]));
    draw(&mut ctx, 3);
    set_stride(&mut ctx, short, 8);
    draw(&mut ctx, 3);
    set_layout(&mut ctx, &[(RGBA32_FLOAT, 0)]);
    draw(&mut ctx, 3);
    // And with another slot that nothing is bound to.
    let layout = ctx.id();
    let element = |register, slot| InputElement {
        format: RGBA32_FLOAT,
        input_register: register,
        input_slot: slot,
        ..Default::default()
    };
    let elements = [element(0, 0), element(1, 5)];
    send!(ctx.ring, CreateElementLayout { id: layout, reserved: 0, elements: &elements });
    send!(ctx.ring, SetInputLayout { layout, reserved: 0 });
    draw(&mut ctx, 3);
    let arguments: Vec<u8> = [3u32, 1, 0, 0].iter().flat_map(|word| word.to_le_bytes()).collect();
    let arguments = ctx.buffer(&arguments, 16, usage::DEFAULT, 0, misc::DRAWINDIRECT_ARGS, 0);
    send!(ctx.ring, DrawIndirect { kind: indirect_kind::DRAW, buffer: arguments, offset: 0, reserved: 0 });
    clear(&mut ctx, view, [0.0; 4]);
    // The third one is read beyond the end.
    let corners = [-1.0, 3.0, 0.5, 1.0, 3.0, -1.0, 0.5, 1.0, -1.0, -1.0, 0.5, 1.0, 0.0, 0.0, 1.0, 1.0];
    let corners = ctx.buffer(&floats(&corners), 64, usage::DEFAULT, bind::VERTEX_BUFFER, 0, 0);
    set_layout(&mut ctx, &[(RGBA32_FLOAT, 0), (RGBA32_FLOAT, 16)]);
    set_stride(&mut ctx, corners, 16);
    draw(&mut ctx, 3);
    let overlapping = read(&mut ctx, texture);
    set_vertices(&mut ctx, &everything([1.0, 0.0, 0.0, 1.0]));
    draw(&mut ctx, 3);
    let plain = read(&mut ctx, texture);
    guest.finish(&mut ctx);
    // The first corner's colour is the second one's position, and so on; in the lower left corner it is the fourth place's.
    let corner = Texels::new(&ctx, overlapping, SIDE as usize).at(0, 63);
    assert!(corner[2] >= 250 && corner[3] >= 250, "{corner:?}");
    assert_eq!(middle(&ctx, plain), [255, 0, 0, 255]);
    guest.end();
}

#[test]
fn a_pixel_shader_has_no_part_in_a_mere_stream_output() {
    let (mut guest, mut ctx, texture, _) = begin();
    let buffer = ctx.buffer(&[], 256, usage::DEFAULT, bind::STREAM_OUTPUT | bind::VERTEX_BUFFER, 0, 0);
    set_vertices(&mut ctx, &everything([0.25, 0.5, 0.75, 1.0]));
    let id = ctx.id();
    let entries = [StreamOutputEntry { stream: 0, buffer: 0, register: 1, mask: 15 }];
    send!(
        ctx.ring,
        CreateStreamOutputShader {
            tokens: HeapRange { offset: 0, length: 0 },
            id,
            rasterized_stream: SO_NO_RASTERIZED_STREAM,
            strides: [16, 0, 0, 0],
            input: &[],
            output: &[],
            entries: &entries
        }
    );
    send!(ctx.ring, SetShader { stage: stage::GEOMETRY, shader: id });
    send!(ctx.ring, SetStreamOutputTargets { targets: &[StreamOutputTarget { buffer, offset: 0 }] });
    for shader in ["ps_stage", "ps_two", "ps_load"] {
        bind(&mut ctx, stage::PIXEL, shader);
        draw(&mut ctx, 3);
    }
    let (pixels, streamed) = (read(&mut ctx, texture), ctx.read_back_buffer(buffer, 256));
    guest.finish(&mut ctx);
    assert_eq!(middle(&ctx, pixels), [0; 4]);
    assert_eq!(read_floats(&ctx, streamed)[..36], [0.25, 0.5, 0.75, 1.0].repeat(9));
    guest.end();
}

#[test]
fn stream_output_begins_nowhere_behind_its_buffer() {
    let (mut guest, mut ctx, ..) = begin();
    set_vertices(&mut ctx, &everything([0.25, 0.5, 0.75, 1.0]));
    let id = ctx.id();
    let entries = [StreamOutputEntry { stream: 0, buffer: 0, register: 1, mask: 15 }];
    send!(
        ctx.ring,
        CreateStreamOutputShader {
            tokens: HeapRange { offset: 0, length: 0 },
            id,
            rasterized_stream: SO_NO_RASTERIZED_STREAM,
            strides: [16, 0, 0, 0],
            input: &[],
            output: &[],
            entries: &entries
        }
    );
    send!(ctx.ring, SetShader { stage: stage::GEOMETRY, shader: id });
    let flags = bind::STREAM_OUTPUT | bind::VERTEX_BUFFER;
    let mut places = Vec::new();
    for (bytes, offset) in
        [(64, 0xffff_fff8), (64, 0xffff_ffff - 1), (64, 0x8000_0000), (64, 64), (3, 0), (1, 7)]
    {
        let buffer = ctx.buffer(&[], bytes, usage::DEFAULT, flags, 0, 0);
        send!(ctx.ring, SetStreamOutputTargets { targets: &[StreamOutputTarget { buffer, offset }] });
        draw(&mut ctx, 3);
        places.push(ctx.read_back_buffer(buffer, bytes));
    }
    guest.finish(&mut ctx);
    for place in places {
        assert!(ctx.get(place).iter().all(|byte| *byte == 0), "written behind the end");
    }
    guest.end();
}

#[test]
fn draw_auto_skips_no_more_than_there_is() {
    let (mut guest, mut ctx, ..) = begin();
    // Three vertices of 32 bytes.
    let buffer = ctx.buffer(&[], 1024, usage::DEFAULT, bind::STREAM_OUTPUT | bind::VERTEX_BUFFER, 0, 0);
    set_vertices(&mut ctx, &everything([1.0; 4]));
    let id = ctx.id();
    let entries = [0, 1].map(|register| StreamOutputEntry { stream: 0, buffer: 0, register, mask: 15 });
    send!(
        ctx.ring,
        CreateStreamOutputShader {
            tokens: HeapRange { offset: 0, length: 0 },
            id,
            rasterized_stream: SO_NO_RASTERIZED_STREAM,
            strides: [32, 0, 0, 0],
            input: &[],
            output: &[],
            entries: &entries
        }
    );
    send!(ctx.ring, SetShader { stage: stage::GEOMETRY, shader: id });
    send!(ctx.ring, SetStreamOutputTargets { targets: &[StreamOutputTarget { buffer, offset: 0 }] });
    draw(&mut ctx, 3);
    send!(ctx.ring, SetStreamOutputTargets { targets: &[] });
    unbind(&mut ctx, stage::GEOMETRY);
    set_topology(&mut ctx, POINTS);
    let mut counts = Vec::new();
    for (stride, offset) in
        [(32, 0), (32, 32), (32, 96), (32, 97), (32, 1000), (32, u32::MAX), (6, 0), (2048, 0)]
    {
        let buffers = [VertexBufferBinding { buffer, stride, offset }];
        send!(ctx.ring, SetVertexBuffers { start_slot: 0, reserved: 0, buffers: &buffers });
        let statistics = begin_query(&mut ctx, 8);
        send!(ctx.ring, DrawAuto { reserved: 0 });
        send!(ctx.ring, EndQuery { query: statistics.0, reserved: 0 });
        counts.push(statistics.1);
    }
    guest.finish(&mut ctx);
    let counts: Vec<u64> = counts.into_iter().map(|place| words(&ctx, place)[0]).collect();
    assert_eq!(counts, [3, 2, 0, 0, 0, 0, 16, 0]);
    guest.end();
}

#[test]
fn no_more_groups_are_dispatched_than_direct3d_has() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let misc = misc::BUFFER_ALLOW_RAW_VIEWS;
    let counts = ctx.buffer(&[], 16, usage::DEFAULT, bind::UNORDERED_ACCESS, misc, 0);
    let range = ViewRange { dimension: dimension::BUFFER, num_elements: 4, flags: 1, ..Default::default() };
    let view = ctx.view(counts, view_kind::UNORDERED_ACCESS, R32_TYPELESS, range);
    bind(&mut ctx, stage::COMPUTE, "cs_groups");
    let uav = UavBinding { view, initial_count: u32::MAX };
    send!(ctx.ring, SetComputeUavs { start_slot: 0, reserved: 0, uavs: &[uav] });
    let groups: [[u32; 3]; 8] = [
        [2, 3, 4],
        [u32::MAX, 1, 1],
        [1, u32::MAX, 1],
        [1, 1, u32::MAX],
        [65_536, 1, 1],
        [0, u32::MAX, u32::MAX],
        [0, 0, 0],
        [1, 1, 7],
    ];
    let bytes: Vec<u8> = groups.as_flattened().iter().flat_map(|word| word.to_le_bytes()).collect();
    let arguments = ctx.buffer(&bytes, 96, usage::DEFAULT, 0, misc::DRAWINDIRECT_ARGS, 0);
    for offset in (0..96).step_by(12) {
        send!(
            ctx.ring,
            DrawIndirect { kind: indirect_kind::DISPATCH, buffer: arguments, offset, reserved: 0 }
        );
    }
    // And while nothing is bound.
    unbind(&mut ctx, stage::COMPUTE);
    send!(
        ctx.ring,
        DrawIndirect { kind: indirect_kind::DISPATCH, buffer: arguments, offset: 0, reserved: 0 }
    );
    let place = ctx.read_back_buffer(counts, 16);
    guest.finish(&mut ctx);
    assert_eq!(dwords(&ctx, place)[0], 24 + 7);
    guest.end();
}

#[test]
fn plain_floats_are_compared() {
    let (mut guest, mut ctx, texture, view) = begin();
    bind(&mut ctx, stage::VERTEX, "vs_bare");
    bind(&mut ctx, stage::PIXEL, "ps_compare");
    set_vertices(&mut ctx, &everything([1.0; 4]));
    let sampler = ctx.id();
    let state = CreateSampler {
        id: sampler,
        // Comparison, of points.
        filter: 0x80,
        address_u: 3,
        address_v: 3,
        address_w: 3,
        mip_lod_bias: 0.0,
        max_anisotropy: 1,
        // Less.
        comparison_func: 2,
        border_color: [0.0; 4],
        min_lod: 0.0,
        max_lod: 1000.0,
    };
    send!(ctx.ring, state);
    // A sampler that does not compare, and none at all, for a shader that does.
    let plain = ctx.id();
    send!(ctx.ring, CreateSampler { id: plain, filter: 0, ..state });
    for other in [plain, NONE] {
        send!(ctx.ring, SetSamplers { stage: stage::PIXEL, start_slot: 0, samplers: &[other] });
        draw(&mut ctx, 3);
    }
    send!(ctx.ring, SetSamplers { stage: stage::PIXEL, start_slot: 0, samplers: &[sampler] });
    let mut places = Vec::new();
    for (format, seen_as, flags) in [
        (R32_FLOAT, R32_FLOAT, bind::RENDER_TARGET),
        (R32_TYPELESS, R32_FLOAT, bind::RENDER_TARGET),
        (R32_TYPELESS, R32_FLOAT, bind::DEPTH_STENCIL),
    ] {
        let compared = ctx.texture(format, SIDE, SIDE, 1, bind::SHADER_RESOURCE | flags, 0);
        let seen = ctx.view(compared, view_kind::SHADER_RESOURCE, seen_as, range_2d());
        for value in [0.75, 0.25] {
            if flags == bind::DEPTH_STENCIL {
                let depth = ctx.view(compared, view_kind::DEPTH_STENCIL, D32, range_2d());
                send!(ctx.ring, ClearDepthStencilView { view: depth, flags: 1, depth: value, stencil: 0 });
            } else {
                let color = ctx.view(compared, view_kind::RENDER_TARGET, seen_as, range_2d());
                clear(&mut ctx, color, [value; 4]);
            }
            clear(&mut ctx, view, [0.0; 4]);
            send!(ctx.ring, SetShaderResources { stage: stage::PIXEL, start_slot: 0, views: &[seen] });
            draw(&mut ctx, 3);
            places.push(read(&mut ctx, texture));
        }
    }
    guest.finish(&mut ctx);
    let found: Vec<u8> = places.into_iter().map(|place| middle(&ctx, place)[0]).collect();
    let (colors, depths) = found.split_at(4);
    // A device that cannot compare colours compares with nothing: a half is not less.
    assert!(matches!(colors, [255, 0, 255, 0] | [0, 0, 0, 0]), "{colors:?}");
    assert_eq!(depths, [255, 0]);
    guest.end();
}

#[test]
fn a_geometry_shader_writes_as_many_components_as_it_may() {
    let (mut guest, mut ctx, texture, _) = begin();
    bind(&mut ctx, stage::GEOMETRY, "gs_points");
    set_topology(&mut ctx, POINTS);
    let pixel = 1.0 / SIDE as f32;
    set_vertices(&mut ctx, &[vertex_at(pixel, pixel, [1.0; 4])]);
    draw(&mut ctx, 1);
    let place = read(&mut ctx, texture);
    guest.finish(&mut ctx);
    let lit = ctx.get(place).chunks(4).filter(|texel| **texel == [255; 4]).count();
    // A pixel each.
    assert_eq!(lit, 128);
    guest.end();
}

#[test]
fn what_is_rendered_to_is_not_seen_by_shaders() {
    let (mut guest, mut ctx, texture, _) = begin();
    bind(&mut ctx, stage::VERTEX, "vs_bare");
    bind(&mut ctx, stage::PIXEL, "ps_load");
    set_vertices(&mut ctx, &everything([1.0; 4]));
    let seen = ctx.view(texture, view_kind::SHADER_RESOURCE, RGBA8, range_2d());
    send!(ctx.ring, SetShaderResources { stage: stage::PIXEL, start_slot: 0, views: &[seen] });
    draw(&mut ctx, 3);
    draw(&mut ctx, 3);
    let feedback = read(&mut ctx, texture);
    // Elsewhere it is seen; and so is the mip below of a target.
    let (other, other_view) = target(&mut ctx, SIDE, SIDE);
    ctx.set_target(other_view, NONE, SIDE as f32, SIDE as f32);
    draw(&mut ctx, 3);
    let elsewhere = read(&mut ctx, other);
    let flags = bind::RENDER_TARGET | bind::SHADER_RESOURCE;
    let mips = ctx.texture(RGBA8, SIDE, SIDE, 2, flags, 0);
    let below = ViewRange { most_detailed_mip: 1, ..range_2d() };
    let small = ctx.view(mips, view_kind::RENDER_TARGET, RGBA8, below);
    clear(&mut ctx, small, [0.5; 4]);
    let small_seen = ctx.view(mips, view_kind::SHADER_RESOURCE, RGBA8, below);
    let large = ctx.view(mips, view_kind::RENDER_TARGET, RGBA8, range_2d());
    ctx.set_target(large, NONE, 32.0, 32.0);
    send!(ctx.ring, SetShaderResources { stage: stage::PIXEL, start_slot: 0, views: &[small_seen] });
    draw(&mut ctx, 3);
    let chain = read(&mut ctx, mips);
    guest.finish(&mut ctx);
    assert_eq!(middle(&ctx, feedback), [64; 4], "a texel of nothing, and a quarter");
    assert_eq!(middle(&ctx, elsewhere), [128; 4]);
    assert_eq!(Texels::new(&ctx, chain, SIDE as usize).at(3, 3), [192; 4]);
    guest.end();
}

#[test]
fn a_subresource_is_one_target_at_a_time() {
    let (mut guest, mut ctx, texture, view) = begin();
    bind(&mut ctx, stage::PIXEL, "ps_two");
    set_vertices(&mut ctx, &everything([1.0; 4]));
    let again = ctx.view(texture, view_kind::RENDER_TARGET, RGBA8, range_2d());
    for second in [view, again] {
        clear(&mut ctx, view, [0.0; 4]);
        let targets = SetRenderTargets {
            depth_stencil: NONE,
            uav_start: 0,
            render_targets: &[view, second],
            uavs: &[],
        };
        send!(ctx.ring, targets);
        draw(&mut ctx, 3);
        let place = read(&mut ctx, texture);
        guest.finish(&mut ctx);
        assert_eq!(middle(&ctx, place), [255; 4], "what goes to the first");
    }
    guest.end();
}

#[test]
fn only_the_first_target_blends_with_two_sources() {
    let (mut guest, mut ctx, texture, view) = begin();
    bind(&mut ctx, stage::PIXEL, "ps_two");
    set_vertices(&mut ctx, &everything([1.0; 4]));
    let (second, second_view) = target(&mut ctx, SIDE, SIDE);
    clear(&mut ctx, second_view, [0.0; 4]);
    let plain = RenderTargetBlend { write_mask: 15, ..Default::default() };
    // ONE and SRC1_COLOR.
    let two = RenderTargetBlend {
        blend_enable: 1,
        src_blend: 2,
        dest_blend: 16,
        blend_op: 1,
        src_blend_alpha: 2,
        dest_blend_alpha: 18,
        blend_op_alpha: 1,
        ..plain
    };
    for enabled in [1, 0] {
        let mut render_targets = [plain; 8];
        render_targets[1] = RenderTargetBlend { blend_enable: enabled, ..two };
        let id = ctx.id();
        send!(
            ctx.ring,
            CreateBlendState {
                id,
                alpha_to_coverage_enable: 0,
                independent_blend_enable: 1,
                reserved: 0,
                render_targets
            }
        );
        send!(ctx.ring, SetBlendState { state: id, blend_factor: [1.0; 4], sample_mask: u32::MAX });
        let targets = SetRenderTargets {
            depth_stencil: NONE,
            uav_start: 0,
            render_targets: &[view, second_view],
            uavs: &[],
        };
        send!(ctx.ring, targets);
        draw(&mut ctx, 3);
    }
    let places = [read(&mut ctx, texture), read(&mut ctx, second)];
    guest.finish(&mut ctx);
    assert_eq!(places.map(|place| middle(&ctx, place)), [[255; 4], [128; 4]]);
    guest.end();
}

#[test]
fn coverage_without_a_colour_is_full() {
    let (mut guest, mut ctx, ..) = begin();
    let id = ctx.id();
    let samples = texture_2d(id, RGBA8, SIDE, SIDE, 1, bind::RENDER_TARGET, 0);
    send!(ctx.ring, CreateResource { sample_count: 4, ..samples });
    let view = ctx.view(id, view_kind::RENDER_TARGET, RGBA8, range_2d());
    let blend = ctx.id();
    send!(
        ctx.ring,
        CreateBlendState {
            id: blend,
            alpha_to_coverage_enable: 1,
            independent_blend_enable: 0,
            reserved: 0,
            render_targets: [RenderTargetBlend { write_mask: 15, ..Default::default() }; 8]
        }
    );
    send!(ctx.ring, SetBlendState { state: blend, blend_factor: [1.0; 4], sample_mask: u32::MAX });
    set_vertices(&mut ctx, &everything([1.0; 4]));
    ctx.set_target(view, NONE, SIDE as f32, SIDE as f32);
    unbind(&mut ctx, stage::PIXEL);
    let query = begin_query(&mut ctx, 1);
    draw(&mut ctx, 3);
    send!(ctx.ring, EndQuery { query: query.0, reserved: 0 });
    guest.finish(&mut ctx);
    assert_eq!(words(&ctx, query.1)[0], u64::from(SIDE * SIDE * 4));
    guest.end();
}

#[test]
fn a_clamp_that_changes_with_each_draw_keeps_no_memory() {
    let (mut guest, mut ctx, ..) = begin();
    bind(&mut ctx, stage::VERTEX, "vs_bare");
    bind(&mut ctx, stage::PIXEL, "ps_load");
    set_vertices(&mut ctx, &everything([1.0; 4]));
    let clamped = ctx.texture(RGBA8, SIDE, SIDE, 7, bind::SHADER_RESOURCE, misc::RESOURCE_CLAMP);
    let seen =
        ctx.view(clamped, view_kind::SHADER_RESOURCE, RGBA8, ViewRange { mip_levels: 7, ..range_2d() });
    send!(ctx.ring, SetShaderResources { stage: stage::PIXEL, start_slot: 0, views: &[seen] });
    for step in 0..200 {
        let min_lod = step as f32 / 32.0;
        send!(ctx.ring, SetResourceMinLod { resource: clamped, min_lod });
        draw(&mut ctx, 3);
        if step % 50 == 0 {
            guest.finish(&mut ctx);
        }
    }
    guest.finish(&mut ctx);
    guest.end();
}

#[test]
fn bytes_of_a_slot_without_a_buffer_are_zeros() {
    let (mut guest, mut ctx, texture, _) = begin();
    set_vertices(&mut ctx, &everything([1.0; 4]));
    let mut places = Vec::new();
    for (slot, format, class, rate, offset) in [
        (31, 62, 0, 0, 0),
        (31, 62, 1, 2, 36),
        (1, 62, 1, 1, 0),
        (1, RGBA8, 0, 0, 0),
        (31, RGBA8, 1, 0, 4),
        (1, 49, 0, 0, 0),
        (1, 10, 0, 0, 0),
    ] {
        let layout = ctx.id();
        let position = InputElement { format: RGBA32_FLOAT, ..Default::default() };
        let absent = InputElement {
            input_slot: slot,
            aligned_byte_offset: offset,
            format,
            input_slot_class: class,
            instance_data_step_rate: rate,
            input_register: 1,
        };
        let elements = [position, absent];
        send!(ctx.ring, CreateElementLayout { id: layout, reserved: 0, elements: &elements });
        send!(ctx.ring, SetInputLayout { layout, reserved: 0 });
        draw(&mut ctx, 3);
        send!(
            ctx.ring,
            Draw { vertex_count: 3, instance_count: 3, start_vertex: 0, start_instance: u32::MAX }
        );
        places.push(read(&mut ctx, texture));
    }
    guest.finish(&mut ctx);
    for place in places {
        assert_eq!(middle(&ctx, place)[..3], [0; 3]);
    }
    guest.end();
}

#[test]
fn vertices_see_nothing_in_views_that_are_not_bound() {
    let (mut guest, mut ctx, texture, view) = begin();
    set_vertices(&mut ctx, &everything([1.0; 4]));
    for shader in ["vs_views.element", "vs_views.stored", "vs_views.level", "vs_views.texel"] {
        bind(&mut ctx, stage::VERTEX, shader);
        clear(&mut ctx, view, [1.0; 4]);
        draw(&mut ctx, 3);
        let place = read(&mut ctx, texture);
        guest.finish(&mut ctx);
        assert_eq!(middle(&ctx, place), [0; 4], "{shader}");
    }
    guest.end();
}
