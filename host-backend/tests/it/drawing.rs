//! Pixels and numbers that commands must give.

use pvgpu_protocol::command::*;

use crate::harness::{Ctx, Guest, range_2d, texture_2d};
use crate::send;

const RGBA8: u32 = 28;
const BGRA8: u32 = 87;
const D32: u32 = 40;
const R32G32B32_FLOAT: u32 = 6;
const R32G32_FLOAT: u32 = 16;
const RGBA32_FLOAT: u32 = 2;
const TRIANGLES: u32 = 4;

pub fn shader(name: &str) -> Vec<u8> {
    let bytes: &[u8] = match name {
        "vs_sdl_like" => include_bytes!("../../../dxbc/tests/in/vs_sdl_like.dxbc"),
        "ps_sdl_like" => include_bytes!("../../../dxbc/tests/in/ps_sdl_like.dxbc"),
        "cs_structured" => include_bytes!("../../../dxbc/tests/in/cs_structured.dxbc"),
        other => panic!("no shader {other}"),
    };
    bytes.to_vec()
}

pub fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// A render target with its view.
pub fn target(ctx: &mut Ctx, format: u32, width: u32, height: u32) -> (u32, u32) {
    let texture =
        ctx.texture(format, width, height, 1, bind::RENDER_TARGET | bind::SHADER_RESOURCE | bind::PRESENT, 0);
    let view = ctx.view(texture, view_kind::RENDER_TARGET, format, range_2d());
    (texture, view)
}

/// Runs a deed with the heap imported into Vulkan, and with copies in between.
fn on_both_roads(deed: impl Fn(Guest)) {
    deed(Guest::new());
    deed(Guest::bouncing());
}

#[test]
fn a_clear_is_read_back_and_presented() {
    on_both_roads(|mut guest| {
        let mut ctx = guest.context();
        let (texture, view) = target(&mut ctx, RGBA8, 16, 8);
        send!(ctx.ring, ClearRenderTargetView { color: [1.0, 0.2, 0.0, 1.0], view, reserved: 0 });
        let staging = ctx.read_back(texture, RGBA8, 16, 8, 4);
        let frame = ctx.present(texture, 16, 8);
        guest.finish(&mut ctx);
        assert_eq!(ctx.get(staging)[..4], [255, 51, 0, 255]);
        assert!(ctx.get(staging).as_chunks::<4>().0[..128].iter().all(|texel| *texel == [255, 51, 0, 255]));
        assert!(ctx.get(frame).as_chunks::<4>().0.iter().all(|texel| *texel == [0, 51, 255, 255]), "BGRA");
        guest.end();
    });
}

#[test]
fn new_resources_read_as_zeros() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let texture = ctx.texture(RGBA8, 8, 8, 1, bind::SHADER_RESOURCE, 0);
    let blocks = ctx.texture(71, 8, 8, 4, bind::SHADER_RESOURCE, 0);
    let buffer = ctx.buffer(&[], 100, usage::DEFAULT, bind::VERTEX_BUFFER, 0, 0);
    let places = [
        ctx.read_back(texture, RGBA8, 8, 8, 4),
        ctx.read_back(blocks, 71, 8, 8, 8),
        ctx.read_back_buffer(buffer, 100),
    ];
    guest.finish(&mut ctx);
    for place in places {
        assert!(ctx.get(place).iter().all(|byte| *byte == 0));
    }
    guest.end();
}

/// A textured quad as SDL draws it: matrices, a texture, vertex colours, blending.
pub fn draw_quad(ctx: &mut Ctx, view: u32, size: f32) -> u32 {
    let vs = ctx.shader(stage::VERTEX, &shader("vs_sdl_like"));
    let ps = ctx.shader(stage::PIXEL, &shader("ps_sdl_like"));
    #[rustfmt::skip]
    let identity = [1.0, 0.0, 0.0, 0.0,  0.0, 1.0, 0.0, 0.0,  0.0, 0.0, 1.0, 0.0,  0.0, 0.0, 0.0, 1.0];
    let matrices = floats(&[identity, identity].concat());
    let constants = ctx.buffer(&matrices, 128, usage::DEFAULT, bind::CONSTANT_BUFFER, 0, 0);
    let (green, half) = ([0.0, 1.0, 0.0, 1.0], 0.5);
    // A quad over the upper left quarter, as two clockwise triangles.
    let corner = |x: f32, y: f32| [vec![x, y, half, x, y], green.to_vec()].concat();
    let corners = [
        corner(-1.0, 1.0),
        corner(0.0, 1.0),
        corner(-1.0, 0.0),
        corner(-1.0, 0.0),
        corner(0.0, 1.0),
        corner(0.0, 0.0),
    ];
    let vertices = ctx.buffer(&floats(&corners.concat()), 6 * 36, usage::DEFAULT, bind::VERTEX_BUFFER, 0, 0);
    let white = ctx.texture(RGBA8, 1, 1, 1, bind::SHADER_RESOURCE, 0);
    let data = ctx.put(&[255; 4]);
    let dst_box = SubresourceBox { right: 1, bottom: 1, back: 1, ..Default::default() };
    send!(
        ctx.ring,
        UpdateSubresource { data, dst: white, dst_subresource: 0, dst_box, row_pitch: 4, depth_pitch: 4 }
    );
    let white = ctx.view(white, view_kind::SHADER_RESOURCE, RGBA8, range_2d());
    let layout = ctx.id();
    let element = |register, format, offset| InputElement {
        format,
        aligned_byte_offset: offset,
        input_register: register,
        ..Default::default()
    };
    let elements =
        [element(0, R32G32B32_FLOAT, 0), element(1, R32G32_FLOAT, 12), element(2, RGBA32_FLOAT, 20)];
    send!(ctx.ring, CreateElementLayout { id: layout, reserved: 0, elements: &elements });
    ctx.set_target(view, NONE, size, size);
    send!(ctx.ring, SetInputLayout { layout, reserved: 0 });
    send!(ctx.ring, SetTopology { topology: TRIANGLES, reserved: 0 });
    send!(ctx.ring, SetShader { stage: stage::VERTEX, shader: vs });
    send!(ctx.ring, SetShader { stage: stage::PIXEL, shader: ps });
    let binding = ConstantBufferBinding { buffer: constants, first_constant: 0, num_constants: 4096 };
    send!(ctx.ring, SetConstantBuffers { stage: stage::VERTEX, start_slot: 0, buffers: &[binding] });
    send!(ctx.ring, SetShaderResources { stage: stage::PIXEL, start_slot: 0, views: &[white] });
    let buffers = [VertexBufferBinding { buffer: vertices, stride: 36, offset: 0 }];
    send!(ctx.ring, SetVertexBuffers { start_slot: 0, reserved: 0, buffers: &buffers });
    send!(ctx.ring, Draw { vertex_count: 6, instance_count: 1, start_vertex: 0, start_instance: 0 });
    constants
}

#[test]
fn a_quad_covers_the_upper_left_quarter() {
    on_both_roads(|mut guest| {
        let mut ctx = guest.context();
        let (texture, view) = target(&mut ctx, BGRA8, 64, 64);
        send!(ctx.ring, ClearRenderTargetView { color: [0.0, 0.0, 1.0, 1.0], view, reserved: 0 });
        draw_quad(&mut ctx, view, 64.0);
        let frame = ctx.present(texture, 64, 64);
        guest.finish(&mut ctx);
        let bytes = ctx.get(frame);
        for (index, texel) in bytes.as_chunks::<4>().0.iter().enumerate() {
            let inside = index % 64 < 32 && index / 64 < 32;
            let expected = if inside { [0, 255, 0, 255] } else { [255, 0, 0, 255] };
            assert_eq!(*texel, expected, "pixel {}, {}", index % 64, index / 64);
        }
        guest.end();
    });
}

#[test]
fn constants_change_between_draws_of_one_pass() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let (texture, view) = target(&mut ctx, BGRA8, 64, 64);
    send!(ctx.ring, ClearRenderTargetView { color: [0.0; 4], view, reserved: 0 });
    let constants = draw_quad(&mut ctx, view, 64.0);
    // The second draw lands in the lower right quarter: x + 1, y − 1.
    #[rustfmt::skip]
    let moved = [1.0, 0.0, 0.0, 1.0,  0.0, 1.0, 0.0, -1.0,  0.0, 0.0, 1.0, 0.0,  0.0, 0.0, 0.0, 1.0f32];
    let data = floats(&moved);
    send!(ctx.ring, UpdateInline { dst: constants, offset: 0, data: &data });
    send!(ctx.ring, Draw { vertex_count: 6, instance_count: 1, start_vertex: 0, start_instance: 0 });
    let frame = ctx.present(texture, 64, 64);
    guest.finish(&mut ctx);
    let bytes = ctx.get(frame);
    let texel = |x: usize, y: usize| bytes.as_chunks::<4>().0[y * 64 + x];
    assert_eq!(texel(10, 10), [0, 255, 0, 255]);
    assert_eq!(texel(50, 50), [0, 255, 0, 255]);
    assert_eq!(texel(50, 10), [0; 4]);
    guest.end();
}

#[test]
fn depth_hides_what_is_behind() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let (texture, view) = target(&mut ctx, RGBA8, 16, 16);
    let depth = ctx.texture(D32, 16, 16, 1, bind::DEPTH_STENCIL, 0);
    let dsv = ctx.view(depth, view_kind::DEPTH_STENCIL, D32, range_2d());
    send!(ctx.ring, ClearRenderTargetView { color: [0.0; 4], view, reserved: 0 });
    draw_quad(&mut ctx, view, 16.0);
    // The quad lies at 0.5: behind a depth of 0.25, in front of 0.75.
    for (value, drawn) in [(0.25, false), (0.75, true)] {
        send!(ctx.ring, ClearRenderTargetView { color: [1.0, 0.0, 0.0, 1.0], view, reserved: 0 });
        send!(ctx.ring, ClearDepthStencilView { view: dsv, flags: 1, depth: value, stencil: 0 });
        ctx.set_target(view, dsv, 16.0, 16.0);
        send!(ctx.ring, Draw { vertex_count: 6, instance_count: 1, start_vertex: 0, start_instance: 0 });
        let staging = ctx.read_back(texture, RGBA8, 16, 16, 4);
        guest.finish(&mut ctx);
        let expected = if drawn { [0, 255, 0, 255] } else { [255, 0, 0, 255] };
        assert_eq!(ctx.get(staging)[..4], expected, "depth {value}");
    }
    guest.end();
}

#[test]
fn a_compute_shader_steps_particles() {
    on_both_roads(|mut guest| {
        const COUNT: u32 = 100;

        let mut ctx = guest.context();
        // position, mass, velocity, id: the shader's `Particle`.
        let particles: Vec<u8> = (0..COUNT)
            .flat_map(|n| {
                let mut bytes = floats(&[n as f32, 10.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
                bytes.extend_from_slice(&n.to_le_bytes());
                bytes
            })
            .collect();
        let structured = misc::BUFFER_STRUCTURED;
        let both = bind::SHADER_RESOURCE | bind::UNORDERED_ACCESS;
        let source = ctx.buffer(&particles, COUNT * 32, usage::DEFAULT, both, structured, 32);
        let target = ctx.buffer(&[], COUNT * 32, usage::DEFAULT, both, structured, 32);
        let list = ctx.buffer(&[], 4096, usage::DEFAULT, both, structured, 4);
        let range = |elements, flags| ViewRange {
            dimension: dimension::BUFFER,
            num_elements: elements,
            flags,
            ..Default::default()
        };
        let srv = ctx.view(source, view_kind::SHADER_RESOURCE, 0, range(COUNT, 0));
        let uav = ctx.view(target, view_kind::UNORDERED_ACCESS, 0, range(COUNT, 0));
        let alive = ctx.view(list, view_kind::UNORDERED_ACCESS, 0, range(512, 2));
        let dead =
            ctx.view(list, view_kind::UNORDERED_ACCESS, 0, ViewRange { first_element: 512, ..range(512, 2) });
        let mut constants = floats(&[0.5]);
        constants.extend_from_slice(&COUNT.to_le_bytes());
        constants.resize(16, 0);
        let constants = ctx.buffer(&constants, 16, usage::DEFAULT, bind::CONSTANT_BUFFER, 0, 0);
        let cs = ctx.shader(stage::COMPUTE, &shader("cs_structured"));
        send!(ctx.ring, SetShader { stage: stage::COMPUTE, shader: cs });
        let binding = ConstantBufferBinding { buffer: constants, first_constant: 0, num_constants: 4096 };
        send!(ctx.ring, SetConstantBuffers { stage: stage::COMPUTE, start_slot: 0, buffers: &[binding] });
        send!(ctx.ring, SetShaderResources { stage: stage::COMPUTE, start_slot: 0, views: &[srv] });
        let bound = |view| UavBinding { view, initial_count: 0 };
        send!(
            ctx.ring,
            SetComputeUavs { start_slot: 0, reserved: 0, uavs: &[bound(uav), bound(alive), bound(dead)] }
        );
        send!(ctx.ring, Dispatch { x: COUNT.div_ceil(64), y: 1, z: 1, reserved: 0 });
        let place = ctx.read_back_buffer(target, COUNT * 32);
        guest.finish(&mut ctx);
        let bytes = ctx.get(place);
        for n in 0..COUNT as usize {
            let word = |index: usize| {
                let at = n * 32 + index * 4;
                f32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
            };
            let velocity = 0.0 - 9.81 * 0.5;
            assert_eq!(word(0), n as f32 + 0.5, "x of {n}");
            assert!((word(1) - (10.0 + velocity * 0.5)).abs() < 1e-5, "y of {n}: {}", word(1));
            assert!((word(5) - velocity).abs() < 1e-5, "velocity of {n}");
        }
        guest.end();
    });
}

#[test]
fn queries_tell_what_was_drawn() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let (_, view) = target(&mut ctx, RGBA8, 64, 64);
    let slots: Vec<HeapRange> = (0..4).map(|_| ctx.put(&[0xee; 128])).collect();
    // Event, occlusion, timestamp, pipeline statistics.
    let kinds = [0, 1, 2, 4];
    let queries: Vec<u32> = kinds.iter().map(|_| ctx.id()).collect();
    for ((slot, kind), id) in slots.iter().zip(kinds).zip(&queries) {
        send!(ctx.ring, CreateQuery { slot: *slot, id: *id, kind });
    }
    for index in [1, 3] {
        send!(ctx.ring, BeginQuery { query: queries[index], reserved: 0 });
    }
    draw_quad(&mut ctx, view, 64.0);
    // A clear of another size in between ends the pass: the query goes on in the next one.
    let (_, other) = target(&mut ctx, RGBA8, 8, 8);
    send!(ctx.ring, ClearRenderTargetView { color: [0.0; 4], view: other, reserved: 0 });
    send!(ctx.ring, Draw { vertex_count: 6, instance_count: 1, start_vertex: 0, start_instance: 0 });
    for query in &queries {
        send!(ctx.ring, EndQuery { query: *query, reserved: 0 });
    }
    guest.finish(&mut ctx);
    let word = |slot: usize, index: usize| {
        u64::from_le_bytes(ctx.get(slots[slot])[index * 8..index * 8 + 8].try_into().expect("eight bytes"))
    };
    assert_eq!(word(0, 0) as u32, 1, "the event is there");
    assert_eq!(word(1, 0), 2 * 32 * 32, "samples of both draws");
    assert_ne!(word(2, 0), 0xeeee_eeee_eeee_eeee, "a time");
    assert_eq!((word(3, 0), word(3, 1)), (12, 4), "vertices and primitives");
    guest.end();
}

#[test]
fn queries_may_overlap() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let (_, view) = target(&mut ctx, RGBA8, 64, 64);
    draw_quad(&mut ctx, view, 64.0);
    let slots: Vec<HeapRange> = (0..3).map(|_| ctx.put(&[0xee; 128])).collect();
    let queries: Vec<u32> = slots.iter().map(|_| ctx.id()).collect();
    // Two occlusion queries and an occlusion predicate: of one type to Vulkan.
    for ((slot, id), kind) in slots.iter().zip(&queries).zip([1, 1, 5]) {
        send!(ctx.ring, CreateQuery { slot: *slot, id: *id, kind });
    }
    let draw = Draw { vertex_count: 6, instance_count: 1, start_vertex: 0, start_instance: 0 };
    send!(ctx.ring, BeginQuery { query: queries[0], reserved: 0 });
    send!(ctx.ring, draw);
    send!(ctx.ring, BeginQuery { query: queries[1], reserved: 0 });
    send!(ctx.ring, BeginQuery { query: queries[2], reserved: 0 });
    send!(ctx.ring, draw);
    send!(ctx.ring, EndQuery { query: queries[0], reserved: 0 });
    ctx.fence();
    send!(ctx.ring, draw);
    send!(ctx.ring, DestroyObject { id: queries[2], reserved: 0 });
    send!(ctx.ring, EndQuery { query: queries[1], reserved: 0 });
    guest.finish(&mut ctx);
    let word = |slot: usize| u64::from_le_bytes(ctx.get(slots[slot])[..8].try_into().expect("eight bytes"));
    assert_eq!((word(0), word(1)), (2 * 32 * 32, 2 * 32 * 32));
    assert_eq!(word(2), 0xeeee_eeee_eeee_eeee, "a destroyed query writes nothing");
    guest.end();
}

#[test]
fn unordered_access_views_are_cleared() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let both = bind::SHADER_RESOURCE | bind::UNORDERED_ACCESS;
    let buffer = ctx.buffer(&[], 64, usage::DEFAULT, both, misc::BUFFER_ALLOW_RAW_VIEWS, 0);
    let raw = ViewRange {
        dimension: dimension::BUFFER,
        first_element: 4,
        num_elements: 8,
        flags: 1,
        ..Default::default()
    };
    let raw = ctx.view(buffer, view_kind::UNORDERED_ACCESS, 39, raw);
    // Made as R32_FLOAT, seen as R32_UINT: the bits arrive as they are.
    let texture = ctx.texture(39, 8, 8, 1, both, 0);
    let uint = ctx.view(texture, view_kind::UNORDERED_ACCESS, 42, range_2d());
    send!(ctx.ring, ClearUnorderedAccessView { value: [0x01020304; 4], view: raw, is_float: 0 });
    send!(ctx.ring, ClearUnorderedAccessView { value: [0xdeadbeef; 4], view: uint, is_float: 0 });
    let bytes = ctx.read_back_buffer(buffer, 64);
    let texels = ctx.read_back(texture, 39, 8, 8, 4);
    guest.finish(&mut ctx);
    let bytes = ctx.get(bytes);
    assert_eq!(
        (bytes[15], &bytes[16..20], &bytes[44..48], bytes[48]),
        (0, &[4, 3, 2, 1][..], &[4, 3, 2, 1][..], 0)
    );
    assert!(ctx.get(texels).as_chunks::<4>().0.iter().all(|texel| *texel == 0xdeadbeefu32.to_le_bytes()));
    guest.end();
}

#[test]
fn multisampled_targets_resolve() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let id = ctx.id();
    let flags = bind::RENDER_TARGET | bind::PRESENT;
    send!(ctx.ring, CreateResource { sample_count: 4, ..texture_2d(id, BGRA8, 64, 64, 1, flags, 0) });
    let view = ctx.view(id, view_kind::RENDER_TARGET, BGRA8, range_2d());
    send!(ctx.ring, ClearRenderTargetView { color: [0.0, 0.0, 1.0, 1.0], view, reserved: 0 });
    draw_quad(&mut ctx, view, 64.0);
    let single = ctx.texture(BGRA8, 64, 64, 1, bind::RENDER_TARGET, 0);
    let resolve = ResolveSubresource {
        dst: single,
        dst_subresource: 0,
        src: id,
        src_subresource: 0,
        format: BGRA8,
        reserved: 0,
    };
    send!(ctx.ring, resolve);
    let resolved = ctx.read_back(single, BGRA8, 64, 64, 4);
    let frame = ctx.present(id, 64, 64);
    guest.finish(&mut ctx);
    assert_eq!(ctx.get(resolved), ctx.get(frame));
    assert_eq!(ctx.get(frame)[..4], [0, 255, 0, 255]);
    guest.end();
}

#[test]
fn mips_are_averages() {
    on_both_roads(|mut guest| {
        let mut ctx = guest.context();
        let flags = bind::SHADER_RESOURCE | bind::RENDER_TARGET;
        let texture = ctx.texture(RGBA8, 4, 4, 3, flags, misc::AUTO_GEN_MIP_MAP);
        // Columns of 0 and 200.
        let texels: Vec<u8> = (0..16).flat_map(|index| [if index % 2 == 0 { 0 } else { 200 }; 4]).collect();
        let data = ctx.put(&texels);
        let dst_box = SubresourceBox { right: 4, bottom: 4, back: 1, ..Default::default() };
        send!(
            ctx.ring,
            UpdateSubresource {
                data,
                dst: texture,
                dst_subresource: 0,
                dst_box,
                row_pitch: 16,
                depth_pitch: 64
            }
        );
        let view = ctx.view(
            texture,
            view_kind::SHADER_RESOURCE,
            RGBA8,
            ViewRange { mip_levels: u32::MAX, ..range_2d() },
        );
        send!(ctx.ring, GenerateMips { view, reserved: 0 });
        let last = ctx.texture(RGBA8, 1, 1, 1, bind::SHADER_RESOURCE, 0);
        let src_box = SubresourceBox { right: 1, bottom: 1, back: 1, ..Default::default() };
        send!(
            ctx.ring,
            CopyRegion {
                dst: last,
                dst_subresource: 0,
                dst_x: 0,
                dst_y: 0,
                dst_z: 0,
                src: texture,
                src_subresource: 2,
                src_box,
                reserved: 0
            }
        );
        let place = ctx.read_back(last, RGBA8, 1, 1, 4);
        guest.finish(&mut ctx);
        assert_eq!(ctx.get(place)[..4], [100; 4]);
        guest.end();
    });
}

#[test]
fn dynamic_buffers_keep_what_earlier_draws_saw() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let dynamic = ctx.buffer(&[], 64, usage::DYNAMIC, bind::VERTEX_BUFFER, 0, 0);
    let mut places = Vec::new();
    for value in 1..=3u8 {
        let data = ctx.put(&[value; 64]);
        send!(ctx.ring, DiscardBuffer { data, dst: dynamic, reserved: 0 });
        let part = ctx.put(&[value + 100; 8]);
        send!(ctx.ring, WriteNoOverwrite { data: part, dst: dynamic, offset: 16 });
        places.push(ctx.read_back_buffer(dynamic, 64));
    }
    guest.finish(&mut ctx);
    for (value, place) in (1..=3u8).zip(places) {
        let bytes = ctx.get(place);
        assert_eq!((bytes[0], bytes[16], bytes[23], bytes[24]), (value, value + 100, value + 100, value));
    }
    guest.end();
}

#[test]
fn staging_resources_are_copied_among_each_other() {
    on_both_roads(|mut guest| {
        let mut ctx = guest.context();
        let bytes: Vec<u8> = (0..64).collect();
        let buffer = ctx.buffer(&bytes, 64, usage::DEFAULT, bind::VERTEX_BUFFER, 0, 0);
        // GPU to staging, staging to staging, staging to GPU and back again, without a fence between.
        let staging = |ctx: &mut Ctx| {
            let heap = ctx.take(64);
            let id = ctx.id();
            let desc = CreateResource {
                heap,
                id,
                dimension: dimension::BUFFER,
                width: 64,
                height: 1,
                depth: 1,
                mip_levels: 1,
                array_size: 1,
                sample_count: 1,
                usage: usage::STAGING,
                ..Default::default()
            };
            send!(ctx.ring, desc);
            id
        };
        let (first, second) = (staging(&mut ctx), staging(&mut ctx));
        let other = ctx.buffer(&[], 64, usage::DEFAULT, bind::VERTEX_BUFFER, 0, 0);
        for (dst, src) in [(first, buffer), (second, first), (other, second)] {
            send!(ctx.ring, CopyResource { dst, src });
        }
        let place = ctx.read_back_buffer(other, 64);
        guest.finish(&mut ctx);
        assert_eq!(ctx.get(place), bytes);
        guest.end();
    });
}

#[test]
fn identities_rotate() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let targets: Vec<(u32, u32)> = (0..3).map(|_| target(&mut ctx, RGBA8, 4, 4)).collect();
    for (index, (_, view)) in targets.iter().enumerate() {
        send!(
            ctx.ring,
            ClearRenderTargetView { color: [index as f32 * 0.2, 0.0, 0.0, 1.0], view: *view, reserved: 0 }
        );
    }
    let ids: Vec<u32> = targets.iter().map(|(texture, _)| *texture).collect();
    send!(ctx.ring, RotateResourceIdentities { resources: &ids });
    let places: Vec<HeapRange> = ids.iter().map(|id| ctx.read_back(*id, RGBA8, 4, 4, 4)).collect();
    guest.finish(&mut ctx);
    let reds: Vec<u8> = places.iter().map(|place| ctx.get(*place)[0]).collect();
    assert_eq!(reds, [51, 102, 0]);
    guest.end();
}

#[test]
fn rings_wait_for_gates_and_for_each_other() {
    let mut guest = Guest::new();
    let (mut first, mut second) = (guest.context(), guest.context());
    send!(second.ring, WaitFence { value: 1, context: first.number, reserved: 0 });
    let after = second.fence();
    send!(first.ring, Gate { number: 1 });
    let behind = first.fence();
    std::thread::sleep(std::time::Duration::from_millis(50));
    assert_eq!((first.completed(), second.completed()), (0, 0));
    send!(guest.ring0, OpenGate { number: 1, context: first.number, reserved: 0 });
    guest.wait_fence(&mut first, behind);
    guest.wait_fence(&mut second, after);
    guest.end();
}

#[test]
fn a_context_ends_and_its_number_is_free_again() {
    use crate::harness::{HEAP_BYTES, Happened, RING_BYTES};
    let mut guest = Guest::new();
    let ring = guest.take_heap(4096 + RING_BYTES);
    let heap = guest.take_heap(HEAP_BYTES);
    for _ in 0..3 {
        let mut ctx = guest.context_in(5, ring, heap);
        let (_, view) = target(&mut ctx, RGBA8, 64, 64);
        send!(ctx.ring, ClearRenderTargetView { color: [0.0; 4], view, reserved: 0 });
        guest.finish(&mut ctx);
        send!(guest.ring0, DestroyContext { context: 5, reserved: 0 });
        assert_eq!(guest.event(), Happened::Destroyed { context: 5 });
    }
    guest.end();
}
