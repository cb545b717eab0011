//! Stream output: what lands in which buffer, appending, overflow, `DrawAuto`, and the queries that count it.

use pvgpu_protocol::command::*;

use crate::harness::{Ctx, Guest};
use crate::scene::*;
use crate::send;

const APPEND: u32 = u32::MAX;

/// `StreamOutputEntry` in short.
fn entry(stream: u32, buffer: u32, register: u32, mask: u32) -> StreamOutputEntry {
    StreamOutputEntry { stream, buffer, register, mask }
}

/// A geometry shader with stream output, of a compiled one or passing through; bound.
fn bind_stream_output(
    ctx: &mut Ctx,
    name: Option<&str>,
    entries: &[StreamOutputEntry],
    strides: [u32; 4],
    rasterized_stream: u32,
) {
    let id = ctx.id();
    let container = name.map(|name| pvgpu_dxbc::container::parse(shader(name)).expect("a container of ours"));
    let tokens = match &container {
        Some(container) => {
            let bytes: Vec<u8> = container.tokens.iter().flat_map(|token| token.to_le_bytes()).collect();
            ctx.put(&bytes)
        }
        None => HeapRange { offset: 0, length: 0 },
    };
    let signatures = container.map(|container| container.signatures).unwrap_or_default();
    let (input, output) = (signature(&signatures.input), signature(&signatures.output));
    send!(
        ctx.ring,
        CreateStreamOutputShader {
            tokens,
            id,
            rasterized_stream,
            strides,
            input: &input,
            output: &output,
            entries
        }
    );
    send!(ctx.ring, SetShader { stage: stage::GEOMETRY, shader: id });
}

fn signature(elements: &[pvgpu_dxbc::SignatureElement]) -> Vec<SignatureElement> {
    let map = |e: &pvgpu_dxbc::SignatureElement| SignatureElement {
        system_value: e.system_value,
        register: e.register,
        mask: e.mask.into(),
        component_type: e.component_type,
        stream: e.stream,
    };
    elements.iter().map(map).collect()
}

fn so_buffer(ctx: &mut Ctx, bytes: u32) -> u32 {
    ctx.buffer(&[], bytes, usage::DEFAULT, bind::STREAM_OUTPUT | bind::VERTEX_BUFFER, 0, 0)
}

fn set_targets(ctx: &mut Ctx, targets: &[(u32, u32)]) {
    let targets: Vec<_> = targets
        .iter()
        .map(|(buffer, offset)| StreamOutputTarget { buffer: *buffer, offset: *offset })
        .collect();
    send!(ctx.ring, SetStreamOutputTargets { targets: &targets });
}

/// Points with numbers as colours: n, n + 0.25, n + 0.5, n + 0.75.
fn points(count: u32) -> Vec<Vertex> {
    (0..count)
        .map(|n| {
            let n = n as f32;
            vertex_at(n / 16.0, 0.0, [n, n + 0.25, n + 0.5, n + 0.75])
        })
        .collect()
}

#[test]
fn a_vertex_shader_streams_out_with_gaps_and_appends() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    bind(&mut ctx, stage::VERTEX, "vs_stage");
    // x and y of the position, a gap of one dword, the colour's last three components; 28 bytes from vertex to vertex.
    let entries = [entry(0, 0, 0, 0x3), entry(0, 0, SO_GAP, 0x1), entry(0, 0, 1, 0xe)];
    bind_stream_output(&mut ctx, None, &entries, [28, 0, 0, 0], SO_NO_RASTERIZED_STREAM);
    let buffer = so_buffer(&mut ctx, 256);
    set_vertices(&mut ctx, &points(4));
    set_topology(&mut ctx, POINTS);
    set_targets(&mut ctx, &[(buffer, 28)]);
    draw(&mut ctx, 2);
    // Behind that, with another binding in between; and then over the first.
    set_targets(&mut ctx, &[]);
    draw(&mut ctx, 4);
    set_targets(&mut ctx, &[(buffer, APPEND)]);
    draw(&mut ctx, 1);
    draw(&mut ctx, 3);
    let first = ctx.read_back_buffer(buffer, 256);
    set_targets(&mut ctx, &[(buffer, 0)]);
    send!(ctx.ring, Draw { vertex_count: 1, instance_count: 1, start_vertex: 3, start_instance: 0 });
    let second = ctx.read_back_buffer(buffer, 256);
    guest.finish(&mut ctx);
    let vertex = |n: f32| [n / 16.0, 0.0, 0.0, n + 0.25, n + 0.5, n + 0.75, 0.0];
    let expect = |list: &[f32]| {
        let mut all: Vec<f32> = list.iter().flat_map(|n| vertex(*n)).collect();
        all.resize(64, 0.0);
        all
    };
    let mut expected = expect(&[9.0, 0.0, 1.0, 0.0, 0.0, 1.0, 2.0]);
    expected[..7].fill(0.0);
    assert_eq!(read_floats(&ctx, first), expected);
    expected[..7].copy_from_slice(&vertex(3.0));
    assert_eq!(read_floats(&ctx, second), expected);
    guest.end();
}

#[test]
fn draw_auto_draws_what_was_streamed_out() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let (texture, view) = target(&mut ctx, 64, 64);
    clear(&mut ctx, view, [0.0; 4]);
    bind(&mut ctx, stage::VERTEX, "vs_stage");
    let whole = [entry(0, 0, 0, 0xf), entry(0, 0, 1, 0xf)];
    bind_stream_output(&mut ctx, None, &whole, [0; 4], SO_NO_RASTERIZED_STREAM);
    let buffer = so_buffer(&mut ctx, 1024);
    set_vertices(&mut ctx, &everything([0.0, 1.0, 0.0, 1.0]));
    set_topology(&mut ctx, TRIANGLES);
    set_targets(&mut ctx, &[(buffer, 0)]);
    draw(&mut ctx, 3);
    set_targets(&mut ctx, &[]);
    // The second draw is of the last two vertices: no triangle.
    unbind(&mut ctx, stage::GEOMETRY);
    bind(&mut ctx, stage::PIXEL, "ps_stage");
    ctx.set_target(view, NONE, 64.0, 64.0);
    set_vertex_buffer(&mut ctx, buffer, 32);
    send!(ctx.ring, DrawAuto { reserved: 0 });
    let before = ctx.read_back(texture, RGBA8, 64, 64, 4);
    set_vertex_buffer(&mut ctx, buffer, 0);
    let statistics = begin_query(&mut ctx, 8);
    send!(ctx.ring, DrawAuto { reserved: 0 });
    send!(ctx.ring, EndQuery { query: statistics.0, reserved: 0 });
    let after = ctx.read_back(texture, RGBA8, 64, 64, 4);
    guest.finish(&mut ctx);
    assert!(ctx.get(before).iter().all(|byte| *byte == 0));
    let texels = Texels::new(&ctx, after, 64);
    assert_eq!((texels.at(0, 0), texels.at(63, 63)), ([0, 255, 0, 255], [0, 255, 0, 255]));
    assert_eq!(words(&ctx, statistics.1)[..2], [3, 1], "vertices and primitives");
    guest.end();
}

#[test]
fn streams_go_to_their_buffers_and_are_counted() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    bind(&mut ctx, stage::VERTEX, "vs_stage");
    // Colours of stream 0 to buffer 2, numbers of stream 1 to buffer 0.
    let entries = [entry(0, 2, 1, 0xf), entry(1, 0, 0, 0x3)];
    bind_stream_output(&mut ctx, Some("gs_two_streams"), &entries, [0; 4], SO_NO_RASTERIZED_STREAM);
    let (numbers, colors) = (so_buffer(&mut ctx, 8 * 5), so_buffer(&mut ctx, 256));
    set_vertices(&mut ctx, &points(4));
    set_topology(&mut ctx, POINTS);
    set_targets(&mut ctx, &[(numbers, 0), (NONE, 0), (colors, 16)]);
    // Statistics of streams 0 and 1, and of stream 0 by its older number; overflow of both, of any, of a stream that is not there.
    let queries = [9, 10, 6, 13, 14, 7, 16].map(|kind| begin_query(&mut ctx, kind));
    draw(&mut ctx, 1);
    draw(&mut ctx, 3);
    for (query, _) in queries {
        send!(ctx.ring, EndQuery { query, reserved: 0 });
    }
    let places = [ctx.read_back_buffer(numbers, 8 * 5), ctx.read_back_buffer(colors, 256)];
    guest.finish(&mut ctx);
    // Four points make eight numbers, for five of which there is room.
    assert_eq!(dwords(&ctx, places[0]), [0, 100, 0, 101, 0, 100, 0, 101, 1, 100]);
    let mut expected = vec![0.0; 4];
    for n in [0.0, 0.0, 1.0, 2.0] {
        expected.extend([n, n + 0.25, n + 0.5, n + 0.75]);
    }
    expected.resize(64, 0.0);
    assert_eq!(read_floats(&ctx, places[1]), expected);
    let result = |index: usize| {
        let all = words(&ctx, queries[index].1);
        (all[0], all[1])
    };
    assert_eq!(result(0), (4, 4), "stream 0");
    assert_eq!(result(1), (5, 8), "stream 1");
    assert_eq!(result(2), (4, 4), "the older number");
    let overflown = [3, 4, 5, 6].map(|index| result(index).0);
    assert_eq!(overflown, [0, 1, 1, 0], "stream 0, stream 1, any, stream 3");
    guest.end();
}

#[test]
fn what_is_needed_is_counted_without_buffers_too() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    bind(&mut ctx, stage::VERTEX, "vs_stage");
    let entries = [entry(0, 2, 1, 0xf), entry(1, 0, 0, 0x1), entry(1, 1, 0, 0x2)];
    bind_stream_output(&mut ctx, Some("gs_two_streams"), &entries, [0; 4], SO_NO_RASTERIZED_STREAM);
    set_vertices(&mut ctx, &points(4));
    set_topology(&mut ctx, POINTS);
    let first = [9, 10].map(|kind| begin_query(&mut ctx, kind));
    draw(&mut ctx, 3);
    // One of the second stream's two buffers: it takes what it can, as if the other one were not declared.
    let buffer = so_buffer(&mut ctx, 4 * 3);
    set_targets(&mut ctx, &[(NONE, 0), (buffer, 0)]);
    for (query, _) in first {
        send!(ctx.ring, EndQuery { query, reserved: 0 });
    }
    let second = [9, 10].map(|kind| begin_query(&mut ctx, kind));
    draw(&mut ctx, 2);
    for (query, _) in second {
        send!(ctx.ring, EndQuery { query, reserved: 0 });
    }
    draw(&mut ctx, 4);
    let place = ctx.read_back_buffer(buffer, 12);
    guest.finish(&mut ctx);
    let result = |(_, place): (u32, HeapRange)| words(&ctx, place)[..2].to_vec();
    assert_eq!(first.map(result), [[0, 3], [0, 6]]);
    assert_eq!(second.map(result), [[0, 2], [3, 4]]);
    assert_eq!(dwords(&ctx, place), [100, 101, 100]);
    guest.end();
}

#[test]
fn one_stream_is_rasterized_while_others_stream_out() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let (texture, view) = target(&mut ctx, 64, 64);
    clear(&mut ctx, view, [0.0; 4]);
    bind(&mut ctx, stage::VERTEX, "vs_stage");
    bind_stream_output(&mut ctx, Some("gs_two_streams"), &[entry(1, 1, 0, 0x3)], [0; 4], 0);
    bind(&mut ctx, stage::PIXEL, "ps_stage");
    ctx.set_target(view, NONE, 64.0, 64.0);
    set_topology(&mut ctx, POINTS);
    set_vertices(&mut ctx, &[vertex_at(1.0 / 64.0, 1.0 / 64.0, [0.0, 0.0, 1.0, 1.0])]);
    let numbers = so_buffer(&mut ctx, 64);
    set_targets(&mut ctx, &[(NONE, 0), (numbers, 0)]);
    draw(&mut ctx, 1);
    let places = [ctx.read_back(texture, RGBA8, 64, 64, 4), ctx.read_back_buffer(numbers, 64)];
    guest.finish(&mut ctx);
    let lit =
        ctx.get(places[0]).as_chunks::<4>().0.iter().filter(|texel| **texel == [0, 0, 255, 255]).count();
    assert_eq!(lit, 1, "the point");
    assert_eq!(dwords(&ctx, places[1])[..5], [0, 100, 0, 101, 0]);
    guest.end();
}

#[test]
fn a_declaration_may_name_registers_that_the_bound_shader_lacks() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    bind(&mut ctx, stage::VERTEX, "vs_bare");
    bind_stream_output(&mut ctx, None, &[entry(0, 0, 1, 0xf), entry(0, 0, 0, 0x1)], [0; 4], 0);
    let buffer = so_buffer(&mut ctx, 64);
    set_vertices(&mut ctx, &[vertex_at(0.5, 0.0, [1.0; 4])]);
    set_topology(&mut ctx, POINTS);
    set_targets(&mut ctx, &[(buffer, 0)]);
    draw(&mut ctx, 1);
    let place = ctx.read_back_buffer(buffer, 64);
    guest.finish(&mut ctx);
    assert_eq!(read_floats(&ctx, place)[..6], [0.0, 0.0, 0.0, 0.0, 0.5, 0.0]);
    guest.end();
}
