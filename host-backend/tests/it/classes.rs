//! The mistakes that have cost other paravirtual GPUs their hosts, a test for each class; see also `hostile`, which goes by command,
//! and `fields`, which leaves none out. Everything runs with the validation layers on, and they stay silent.

use std::sync::atomic::{AtomicBool, Ordering};

use pvgpu_protocol::command::*;
use pvgpu_protocol::event::error_code as code;

use crate::drawing::{draw_quad, shader, target};
use crate::harness::{Ctx, Guest, HEAP_BYTES, Happened, RING_BYTES, range_2d, texture_2d};
use crate::send;

const RGBA8: u32 = 28;
const RGBA32_FLOAT: u32 = 2;
const R32_TYPELESS: u32 = 39;
const D32: u32 = 40;
const R32_FLOAT: u32 = 41;
const R32_UINT: u32 = 42;
const R24G8_TYPELESS: u32 = 44;
const BC1_TYPELESS: u32 = 70;
const BC1: u32 = 71;

/// What is done, the code that it ends with, and how.
type Deed = (&'static str, u32, fn(&mut Ctx));

/// Does each deed in a new context, all in one worker, which must refuse each and be none the worse.
fn refuse(deeds: &[Deed]) {
    let mut guest = Guest::new();
    let ring = guest.take_heap(4096 + RING_BYTES);
    let heap = guest.take_heap(HEAP_BYTES);
    for (name, expected, deed) in deeds {
        let mut ctx = guest.context_in(1, ring, heap);
        deed(&mut ctx);
        ctx.fence();
        match guest.event() {
            Happened::Error { context: 1, code, .. } => {
                let name_of = pvgpu_protocol::event::error_code::name;
                assert_eq!(code, *expected, "{name}: {} instead of {}", name_of(code), name_of(*expected));
            }
            other => panic!("{name}: {other:?}"),
        }
        assert_eq!(ctx.completed(), 0, "{name}: the fence must not complete");
        send!(guest.ring0, DestroyContext { context: 1, reserved: 0 });
        assert_eq!(guest.event(), Happened::Destroyed { context: 1 }, "{name}");
    }
    let mut ctx = guest.context_in(1, ring, heap);
    guest.finish(&mut ctx);
    guest.end();
}

fn plain(ctx: &mut Ctx) -> u32 {
    ctx.buffer(&[], 64, usage::DEFAULT, bind::VERTEX_BUFFER, 0, 0)
}

fn dynamic(ctx: &mut Ctx) -> u32 {
    ctx.buffer(&[], 64, usage::DYNAMIC, bind::VERTEX_BUFFER, 0, 0)
}

fn square(ctx: &mut Ctx) -> u32 {
    ctx.texture(RGBA8, 16, 16, 1, bind::SHADER_RESOURCE | bind::RENDER_TARGET, 0)
}

fn box_of(left: u32, top: u32, front: u32, right: u32, bottom: u32, back: u32) -> SubresourceBox {
    SubresourceBox { left, top, front, right, bottom, back }
}

fn update(
    data: HeapRange,
    dst: u32,
    dst_box: SubresourceBox,
    row_pitch: u32,
    depth_pitch: u32,
) -> UpdateSubresource {
    UpdateSubresource { data, dst, dst_subresource: 0, dst_box, row_pitch, depth_pitch }
}

fn copy(dst: u32, at: [u32; 3], src: u32, src_box: SubresourceBox) -> CopyRegion {
    let [dst_x, dst_y, dst_z] = at;
    CopyRegion { dst, dst_subresource: 0, dst_x, dst_y, dst_z, src, src_subresource: 0, src_box, reserved: 0 }
}

fn present(frame: HeapRange, src: u32, width: u32, height: u32, row_pitch: u32) -> Present {
    Present { frame, src, src_subresource: 0, width, height, row_pitch, flags: 0, sequence: 1 }
}

fn buffer_range(first_element: u32, num_elements: u32, flags: u32) -> ViewRange {
    ViewRange { dimension: dimension::BUFFER, first_element, num_elements, flags, ..Default::default() }
}

#[test]
fn negative_or_short_transfers() {
    refuse(&[
        ("a box whose right is its left", code::BAD_ARGUMENT, |ctx| {
            let (data, dst) = (ctx.take(64), plain(ctx));
            send!(ctx.ring, update(data, dst, box_of(8, 0, 0, 8, 1, 1), 0, 0));
        }),
        ("a box whose right is before its left", code::BAD_ARGUMENT, |ctx| {
            let (data, dst) = (ctx.take(64), square(ctx));
            send!(ctx.ring, update(data, dst, box_of(8, 0, 0, 4, 1, 1), 64, 64));
        }),
        ("a box whose bottom is before its top", code::BAD_ARGUMENT, |ctx| {
            let (a, b) = (square(ctx), square(ctx));
            send!(ctx.ring, copy(a, [0; 3], b, box_of(0, 8, 0, 4, 4, 1)));
        }),
        ("a box without slices", code::BAD_ARGUMENT, |ctx| {
            let (a, b) = (square(ctx), square(ctx));
            send!(ctx.ring, copy(a, [0; 3], b, box_of(0, 0, 1, 4, 4, 1)));
        }),
        ("data for one row of two", code::BAD_HEAP_RANGE, |ctx| {
            let (data, dst) = (ctx.take(64), square(ctx));
            send!(ctx.ring, update(data, dst, box_of(0, 0, 0, 16, 2, 1), 64, 64));
        }),
        ("a byte too few", code::BAD_HEAP_RANGE, |ctx| {
            let (data, dst) = (ctx.take(127), square(ctx));
            send!(ctx.ring, update(data, dst, box_of(0, 0, 0, 16, 2, 1), 64, 128));
        }),
        ("rows that overlap", code::BAD_HEAP_RANGE, |ctx| {
            let (data, dst) = (ctx.take(1024), square(ctx));
            send!(ctx.ring, update(data, dst, box_of(0, 0, 0, 16, 16, 1), 32, 1024));
        }),
        ("a discard of half a buffer", code::BAD_ARGUMENT, |ctx| {
            let (data, dst) = (ctx.take(32), dynamic(ctx));
            send!(ctx.ring, DiscardBuffer { data, dst, reserved: 0 });
        }),
        ("a frame of half its rows", code::BAD_ARGUMENT, |ctx| {
            let (frame, src) = (ctx.take(512), square(ctx));
            send!(ctx.ring, present(frame, src, 16, 16, 64));
        }),
        ("a frame whose rows overlap", code::BAD_ARGUMENT, |ctx| {
            let (frame, src) = (ctx.take(4096), square(ctx));
            send!(ctx.ring, present(frame, src, 16, 16, 60));
        }),
        ("a frame of another size than its texture", code::BAD_ARGUMENT, |ctx| {
            let (frame, src) = (ctx.take(4096), square(ctx));
            send!(ctx.ring, present(frame, src, 17, 16, 68));
        }),
        ("nothing inline", code::BAD_ARGUMENT, |ctx| {
            let dst = plain(ctx);
            send!(ctx.ring, UpdateInline { dst, offset: 0, data: &[] });
        }),
        ("a query's slot of 8 bytes", code::BAD_HEAP_RANGE, |ctx| {
            let (slot, id) = (ctx.take(8), ctx.id());
            send!(ctx.ring, CreateQuery { slot, id, kind: 4 });
        }),
        ("tokens that end within a dword", code::BAD_SHADER, |ctx| {
            let (tokens, id) = (ctx.take(62), ctx.id());
            send!(
                ctx.ring,
                CreateShader { tokens, id, stage: 0, input: &[], output: &[], patch_constant: &[] }
            );
        }),
        ("no tokens", code::BAD_HEAP_RANGE, |ctx| {
            let (tokens, id) = (ctx.take(0), ctx.id());
            send!(
                ctx.ring,
                CreateShader { tokens, id, stage: 0, input: &[], output: &[], patch_constant: &[] }
            );
        }),
    ]);
}

#[test]
fn offset_plus_length_wraps() {
    refuse(&[
        ("data whose end is beyond 2^64", code::BAD_HEAP_RANGE, |ctx| {
            let dst = dynamic(ctx);
            let data = HeapRange { offset: u64::MAX - 31, length: 64 };
            send!(ctx.ring, DiscardBuffer { data, dst, reserved: 0 });
        }),
        ("data whose length is 2^64 - 1", code::BAD_HEAP_RANGE, |ctx| {
            let (place, dst) = (ctx.take(64), dynamic(ctx));
            let data = HeapRange { length: u64::MAX, ..place };
            send!(ctx.ring, WriteNoOverwrite { data, dst, offset: 0 });
        }),
        ("a write behind the end of a buffer", code::BAD_ARGUMENT, |ctx| {
            let (data, dst) = (ctx.take(64), dynamic(ctx));
            send!(ctx.ring, WriteNoOverwrite { data, dst, offset: u32::MAX });
        }),
        ("a write that ends behind a buffer", code::BAD_ARGUMENT, |ctx| {
            let (data, dst) = (ctx.take(8), dynamic(ctx));
            send!(ctx.ring, WriteNoOverwrite { data, dst, offset: 57 });
        }),
        ("a target that wraps", code::BAD_ARGUMENT, |ctx| {
            let (a, b) = (square(ctx), square(ctx));
            send!(ctx.ring, copy(a, [u32::MAX - 3, 0, 0], b, box_of(0, 0, 0, 4, 4, 1)));
        }),
        ("a target whose slices wrap", code::BAD_ARGUMENT, |ctx| {
            let (a, b) = (square(ctx), square(ctx));
            send!(ctx.ring, copy(a, [0, 0, u32::MAX], b, box_of(0, 0, 0, 4, 4, 1)));
        }),
        ("elements that wrap", code::BAD_ARGUMENT, |ctx| {
            let flags = misc::BUFFER_STRUCTURED;
            let buffer = ctx.buffer(&[], 4096, usage::DEFAULT, bind::UNORDERED_ACCESS, flags, 2048);
            ctx.view(buffer, view_kind::UNORDERED_ACCESS, 0, buffer_range(u32::MAX, u32::MAX, 0));
        }),
        ("slices that wrap", code::BAD_ARGUMENT, |ctx| {
            let texture = square(ctx);
            let range = ViewRange { first_array_slice: u32::MAX, ..range_2d() };
            ctx.view(texture, view_kind::RENDER_TARGET, RGBA8, range);
        }),
        ("mips that wrap", code::BAD_ARGUMENT, |ctx| {
            let texture = square(ctx);
            let range = ViewRange { most_detailed_mip: u32::MAX, mip_levels: 2, ..range_2d() };
            ctx.view(texture, view_kind::SHADER_RESOURCE, RGBA8, range);
        }),
        ("mips that remain behind the last", code::BAD_ARGUMENT, |ctx| {
            let texture = square(ctx);
            let range = ViewRange { most_detailed_mip: 7, mip_levels: u32::MAX, ..range_2d() };
            ctx.view(texture, view_kind::SHADER_RESOURCE, RGBA8, range);
        }),
        ("arguments behind the end", code::BAD_ARGUMENT, |ctx| {
            let buffer = ctx.buffer(&[], 16, usage::DEFAULT, 0, misc::DRAWINDIRECT_ARGS, 0);
            send!(ctx.ring, DrawIndirect { kind: 0, buffer, offset: u32::MAX - 3, reserved: 0 });
        }),
        ("a counter written behind the end", code::BAD_ARGUMENT, |ctx| {
            let flags = misc::BUFFER_STRUCTURED;
            let source = ctx.buffer(&[], 64, usage::DEFAULT, bind::UNORDERED_ACCESS, flags, 4);
            let src_view = ctx.view(source, view_kind::UNORDERED_ACCESS, 0, buffer_range(0, 16, 4));
            let dst = plain(ctx);
            send!(ctx.ring, CopyStructureCount { dst, dst_offset: u32::MAX - 3, src_view, reserved: 0 });
        }),
        ("slots that wrap", code::BAD_ARGUMENT, |ctx| {
            send!(ctx.ring, SetSamplers { stage: 4, start_slot: u32::MAX, samplers: &[NONE, NONE] });
        }),
    ]);
}

#[test]
fn width_height_bpp_overflow() {
    const M: u32 = u32::MAX;
    fn texture(ctx: &mut Ctx, change: impl FnOnce(&mut CreateResource)) {
        let mut desc = texture_2d(ctx.id(), RGBA32_FLOAT, 16, 16, 1, bind::SHADER_RESOURCE, 0);
        change(&mut desc);
        send!(ctx.ring, desc);
    }
    refuse(&[
        ("2^32 texels", code::BAD_ARGUMENT, |ctx| {
            texture(ctx, |desc| (desc.width, desc.height) = (1 << 16, 1 << 16))
        }),
        ("2^64 texels", code::BAD_ARGUMENT, |ctx| texture(ctx, |desc| (desc.width, desc.height) = (M, M))),
        ("a size that is 16 modulo 2^32", code::BAD_ARGUMENT, |ctx| {
            texture(ctx, |desc| (desc.width, desc.height) = (0x1000_0001, 0x1000_0001));
        }),
        ("a row too many", code::BAD_ARGUMENT, |ctx| texture(ctx, |desc| desc.height = 16_385)),
        ("2,049 slices", code::BAD_ARGUMENT, |ctx| texture(ctx, |desc| desc.array_size = 2049)),
        ("no slices", code::BAD_ARGUMENT, |ctx| texture(ctx, |desc| desc.array_size = 0)),
        ("no depth", code::BAD_ARGUMENT, |ctx| texture(ctx, |desc| desc.depth = 0)),
        ("a volume of 2^33 texels", code::BAD_ARGUMENT, |ctx| {
            texture(ctx, |desc| {
                desc.dimension = dimension::TEXTURE3D;
                (desc.width, desc.height, desc.depth) = (2048, 2048, 2048);
            });
        }),
        ("slices and mips beyond the memory of a guest", code::BAD_ARGUMENT, |ctx| {
            texture(ctx, |desc| {
                (desc.width, desc.height, desc.array_size, desc.mip_levels) = (16_384, 16_384, 2048, 15);
            });
        }),
        ("all that a guest may have, and no more than it has", code::LIMIT, |ctx| {
            for _ in 0..9 {
                texture(ctx, |desc| (desc.width, desc.height) = (16_384, 8192));
            }
        }),
        ("mips of nothing", code::BAD_ARGUMENT, |ctx| texture(ctx, |desc| desc.mip_levels = 0)),
        ("more mips than bits", code::BAD_ARGUMENT, |ctx| texture(ctx, |desc| desc.mip_levels = 33)),
        ("2^31 samples", code::UNSUPPORTED, |ctx| texture(ctx, |desc| desc.sample_count = 1 << 31)),
        ("no samples", code::UNSUPPORTED, |ctx| texture(ctx, |desc| desc.sample_count = 0)),
        ("three samples", code::UNSUPPORTED, |ctx| texture(ctx, |desc| desc.sample_count = 3)),
        ("a buffer of 4 GiB", code::BAD_ARGUMENT, |ctx| {
            ctx.buffer(&[], M, usage::DEFAULT, bind::VERTEX_BUFFER, 0, 0);
        }),
        ("a buffer of nothing", code::BAD_ARGUMENT, |ctx| {
            ctx.buffer(&[], 0, usage::DEFAULT, bind::VERTEX_BUFFER, 0, 0);
        }),
        ("a structure of 4 GiB", code::BAD_ARGUMENT, |ctx| {
            ctx.buffer(&[], 64, usage::DEFAULT, bind::SHADER_RESOURCE, misc::BUFFER_STRUCTURED, M - 3);
        }),
        ("a pitch times its rows beyond 2^32", code::BAD_HEAP_RANGE, |ctx| {
            let (data, dst) = (ctx.take(4096), square(ctx));
            send!(ctx.ring, update(data, dst, box_of(0, 0, 0, 16, 16, 1), 0x1000_0000, M));
        }),
        ("slices whose pitch overflows", code::BAD_HEAP_RANGE, |ctx| {
            let id = ctx.id();
            let desc = texture_2d(id, RGBA8, 16, 16, 1, bind::SHADER_RESOURCE, 0);
            send!(ctx.ring, CreateResource { dimension: dimension::TEXTURE3D, depth: 16, ..desc });
            let data = ctx.take(4096);
            send!(ctx.ring, update(data, id, box_of(0, 0, 0, 16, 1, 16), 64, M));
        }),
        ("a frame's pitch that overflows", code::BAD_ARGUMENT, |ctx| {
            let (frame, src) = (ctx.take(4096), square(ctx));
            send!(ctx.ring, present(frame, src, 16, 16, M - 3));
        }),
        ("65,536 thread groups", code::BAD_ARGUMENT, |ctx| {
            send!(ctx.ring, Dispatch { x: 1, y: 65_536, z: 1, reserved: 0 });
        }),
    ]);
}

#[test]
fn id_out_of_range() {
    refuse(&[
        ("the first number too high", code::BAD_OBJECT, |ctx| {
            send!(ctx.ring, texture_2d(1 << 20, RGBA8, 4, 4, 1, bind::SHADER_RESOURCE, 0));
        }),
        ("nothing, created", code::BAD_OBJECT, |ctx| {
            send!(ctx.ring, texture_2d(NONE, RGBA8, 4, 4, 1, bind::SHADER_RESOURCE, 0));
        }),
        ("nothing, destroyed", code::BAD_OBJECT, |ctx| {
            send!(ctx.ring, DestroyObject { id: NONE, reserved: 0 });
        }),
        ("a view of nothing", code::BAD_OBJECT, |ctx| {
            ctx.view(NONE, view_kind::SHADER_RESOURCE, RGBA8, range_2d());
        }),
        ("a view that is a slot's index", code::BAD_OBJECT, |ctx| {
            send!(ctx.ring, SetShaderResources { stage: 4, start_slot: 0, views: &[1 << 31] });
        }),
        ("a stage of no shader", code::BAD_ARGUMENT, |ctx| {
            send!(ctx.ring, SetShader { stage: 6, shader: NONE });
        }),
        ("a stage of no constants", code::BAD_ARGUMENT, |ctx| {
            send!(ctx.ring, SetConstantBuffers { stage: u32::MAX, start_slot: 0, buffers: &[] });
        }),
        ("a vertex-buffer slot too many", code::BAD_ARGUMENT, |ctx| {
            let none = VertexBufferBinding { buffer: NONE, stride: 0, offset: 0 };
            send!(ctx.ring, SetVertexBuffers { start_slot: 32, reserved: 0, buffers: &[none] });
        }),
        ("nine render targets", code::BAD_ARGUMENT, |ctx| {
            send!(
                ctx.ring,
                SetRenderTargets { depth_stencil: NONE, uav_start: 0, render_targets: &[NONE; 9], uavs: &[] }
            );
        }),
        ("a 65th unordered-access view", code::BAD_ARGUMENT, |ctx| {
            let uav = UavBinding { view: NONE, initial_count: 0 };
            send!(ctx.ring, SetComputeUavs { start_slot: 64, reserved: 0, uavs: &[uav] });
        }),
        ("17 viewports", code::BAD_ARGUMENT, |ctx| {
            send!(ctx.ring, SetViewports { viewports: &[Viewport::default(); 17] });
        }),
        ("17 scissors", code::BAD_ARGUMENT, |ctx| {
            let rect = Rect { left: 0, top: 0, right: 1, bottom: 1 };
            send!(ctx.ring, SetScissorRects { rects: &[rect; 17] });
        }),
        ("33 vertex attributes", code::BAD_ARGUMENT, |ctx| {
            let elements = [InputElement { format: RGBA32_FLOAT, ..Default::default() }; 33];
            let id = ctx.id();
            send!(ctx.ring, CreateElementLayout { id, reserved: 0, elements: &elements });
        }),
        ("an attribute of a 33rd register", code::BAD_ARGUMENT, |ctx| {
            let element = InputElement { format: RGBA32_FLOAT, input_register: 32, ..Default::default() };
            let id = ctx.id();
            send!(ctx.ring, CreateElementLayout { id, reserved: 0, elements: &[element] });
        }),
        ("a subresource too many", code::BAD_ARGUMENT, |ctx| {
            let (data, dst) = (ctx.take(1024), square(ctx));
            let update = update(data, dst, box_of(0, 0, 0, 16, 16, 1), 64, 1024);
            send!(ctx.ring, UpdateSubresource { dst_subresource: 1, ..update });
        }),
        ("the last subresource of all", code::BAD_ARGUMENT, |ctx| {
            let (a, b) = (square(ctx), square(ctx));
            let copy = copy(a, [0; 3], b, box_of(0, 0, 0, 4, 4, 1));
            send!(ctx.ring, CopyRegion { src_subresource: u32::MAX, ..copy });
        }),
        ("the frame of a subresource that is not there", code::BAD_ARGUMENT, |ctx| {
            let (frame, src) = (ctx.take(1024), square(ctx));
            send!(ctx.ring, Present { src_subresource: 1, ..present(frame, src, 16, 16, 64) });
        }),
        ("a query of no kind", code::UNSUPPORTED, |ctx| {
            let (slot, id) = (ctx.take(128), ctx.id());
            send!(ctx.ring, CreateQuery { slot, id, kind: 4711 });
        }),
        ("a context's fence that does not exist", code::BAD_ARGUMENT, |ctx| {
            send!(ctx.ring, WaitFence { value: 1, context: 64, reserved: 0 });
        }),
    ]);
}

#[test]
fn use_after_destroy() {
    refuse(&[
        ("a texture, viewed", code::BAD_OBJECT, |ctx| {
            let texture = square(ctx);
            send!(ctx.ring, DestroyObject { id: texture, reserved: 0 });
            ctx.view(texture, view_kind::SHADER_RESOURCE, RGBA8, range_2d());
        }),
        ("a texture, presented", code::BAD_OBJECT, |ctx| {
            let (frame, src) = (ctx.take(1024), square(ctx));
            send!(ctx.ring, DestroyObject { id: src, reserved: 0 });
            send!(ctx.ring, present(frame, src, 16, 16, 64));
        }),
        ("a buffer, bound", code::BAD_OBJECT, |ctx| {
            let buffer = plain(ctx);
            send!(ctx.ring, DestroyObject { id: buffer, reserved: 0 });
            let buffers = [VertexBufferBinding { buffer, stride: 4, offset: 0 }];
            send!(ctx.ring, SetVertexBuffers { start_slot: 0, reserved: 0, buffers: &buffers });
        }),
        ("a view, bound", code::BAD_OBJECT, |ctx| {
            let texture = square(ctx);
            let view = ctx.view(texture, view_kind::SHADER_RESOURCE, RGBA8, range_2d());
            send!(ctx.ring, DestroyObject { id: view, reserved: 0 });
            send!(ctx.ring, SetShaderResources { stage: 4, start_slot: 0, views: &[view] });
        }),
        ("a query, ended", code::BAD_OBJECT, |ctx| {
            let (slot, query) = (ctx.take(128), ctx.id());
            send!(ctx.ring, CreateQuery { slot, id: query, kind: 1 });
            send!(ctx.ring, BeginQuery { query, reserved: 0 });
            send!(ctx.ring, DestroyObject { id: query, reserved: 0 });
            send!(ctx.ring, EndQuery { query, reserved: 0 });
        }),
        ("a shader, bound", code::BAD_OBJECT, |ctx| {
            let vs = ctx.shader(stage::VERTEX, &shader("vs_sdl_like"));
            send!(ctx.ring, DestroyObject { id: vs, reserved: 0 });
            send!(ctx.ring, SetShader { stage: stage::VERTEX, shader: vs });
        }),
        ("one of two that rotate", code::BAD_OBJECT, |ctx| {
            let (a, b) = (square(ctx), square(ctx));
            send!(ctx.ring, DestroyObject { id: b, reserved: 0 });
            send!(ctx.ring, RotateResourceIdentities { resources: &[a, b] });
        }),
        ("a number that is something else by now", code::BAD_OBJECT, |ctx| {
            let texture = square(ctx);
            let view = ctx.view(texture, view_kind::RENDER_TARGET, RGBA8, range_2d());
            send!(ctx.ring, DestroyObject { id: view, reserved: 0 });
            send!(ctx.ring, texture_2d(view, RGBA8, 4, 4, 1, bind::SHADER_RESOURCE, 0));
            send!(ctx.ring, ClearRenderTargetView { color: [0.0; 4], view, reserved: 0 });
        }),
        ("another context's object", code::BAD_OBJECT, |ctx| {
            send!(ctx.ring, CopyResource { dst: 2, src: 3 });
        }),
    ]);
}

/// What is bound, or seen through a view, lives on though its number is gone; and what was freed is not seen through old views.
#[test]
fn use_after_destroy_of_what_is_bound() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let (texture, view) = target(&mut ctx, RGBA8, 16, 16);
    send!(ctx.ring, ClearRenderTargetView { color: [1.0, 0.0, 0.0, 1.0], view, reserved: 0 });
    let constants = draw_quad(&mut ctx, view, 16.0);
    // Everything that the draw uses goes, up to the last number; then it is drawn again.
    for id in 2..ctx.id() {
        if id != texture && id != constants {
            send!(ctx.ring, DestroyObject { id, reserved: 0 });
        }
    }
    send!(ctx.ring, Draw { vertex_count: 6, instance_count: 1, start_vertex: 0, start_instance: 0 });
    guest.finish(&mut ctx);
    send!(ctx.ring, Draw { vertex_count: 6, instance_count: 1, start_vertex: 0, start_instance: 0 });
    let place = ctx.read_back(texture, RGBA8, 16, 16, 4);
    guest.finish(&mut ctx);
    assert_eq!(ctx.get(place)[..4], [0, 255, 0, 255], "the quad");

    // A view's image goes with the texture that has it after a rotation. A new image may get the same handle, and the view must
    // not take it for the old one.
    let flags = bind::RENDER_TARGET | bind::SHADER_RESOURCE | bind::PRESENT;
    let texture = |ctx: &mut Ctx| ctx.texture(RGBA8, 16, 16, 1, flags, 0);
    let shown = texture(&mut ctx);
    let view = ctx.view(shown, view_kind::RENDER_TARGET, RGBA8, range_2d());
    for round in 0..20u8 {
        let other = texture(&mut ctx);
        // Its green is 1.0 in each odd round.
        let color = [1.0, f32::from(round % 2), 0.0, 1.0];
        send!(ctx.ring, ClearRenderTargetView { color, view, reserved: 0 });
        send!(ctx.ring, RotateResourceIdentities { resources: &[shown, other] });
        let cleared = ctx.read_back(other, RGBA8, 16, 16, 4);
        send!(ctx.ring, DestroyObject { id: other, reserved: 0 });
        guest.finish(&mut ctx);
        assert_eq!(ctx.get(cleared)[..4], [255, 255 * (round % 2), 0, 255], "round {round}");
    }
    guest.end();
}

#[test]
fn view_of_the_wrong_type() {
    refuse(&[
        ("a render target of a texture that is none", code::BAD_ARGUMENT, |ctx| {
            let texture = ctx.texture(RGBA8, 16, 16, 1, bind::SHADER_RESOURCE, 0);
            ctx.view(texture, view_kind::RENDER_TARGET, RGBA8, range_2d());
        }),
        ("a view of no kind", code::BAD_ARGUMENT, |ctx| {
            let texture = square(ctx);
            ctx.view(texture, 9, RGBA8, range_2d());
        }),
        ("a texture seen as a buffer", code::BAD_ARGUMENT, |ctx| {
            let texture = square(ctx);
            ctx.view(texture, view_kind::SHADER_RESOURCE, RGBA8, buffer_range(0, 4, 0));
        }),
        ("a buffer seen as a texture", code::BAD_ARGUMENT, |ctx| {
            let buffer = ctx.buffer(&[], 64, usage::DEFAULT, bind::SHADER_RESOURCE, 0, 0);
            ctx.view(buffer, view_kind::SHADER_RESOURCE, RGBA8, range_2d());
        }),
        ("a square seen as a cube", code::BAD_ARGUMENT, |ctx| {
            let texture = square(ctx);
            let range = ViewRange { dimension: dimension::TEXTURECUBE, array_size: 6, ..range_2d() };
            ctx.view(texture, view_kind::SHADER_RESOURCE, RGBA8, range);
        }),
        ("a texture seen in typeless texels", code::BAD_ARGUMENT, |ctx| {
            let texture = ctx.texture(27, 16, 16, 1, bind::SHADER_RESOURCE, 0);
            ctx.view(texture, view_kind::SHADER_RESOURCE, 27, range_2d());
        }),
        ("colours seen as depth", code::BAD_ARGUMENT, |ctx| {
            let texture = ctx.texture(R32_TYPELESS, 16, 16, 1, bind::RENDER_TARGET, 0);
            ctx.view(texture, view_kind::RENDER_TARGET, D32, range_2d());
        }),
        ("depth seen as a render target", code::BAD_ARGUMENT, |ctx| {
            let texture = ctx.texture(D32, 16, 16, 1, bind::DEPTH_STENCIL, 0);
            ctx.view(texture, view_kind::RENDER_TARGET, R32_FLOAT, range_2d());
        }),
        ("blocks that are rendered to", code::UNSUPPORTED, |ctx| {
            let texture = ctx.texture(BC1_TYPELESS, 16, 16, 1, bind::RENDER_TARGET, 0);
            ctx.view(texture, view_kind::RENDER_TARGET, BC1, range_2d());
        }),
        ("blocks with unordered access", code::UNSUPPORTED, |ctx| {
            let texture = ctx.texture(BC1_TYPELESS, 16, 16, 1, bind::UNORDERED_ACCESS, 0);
            ctx.view(texture, view_kind::UNORDERED_ACCESS, BC1, range_2d());
        }),
        ("the depth part of packed depth, rendered to", code::UNSUPPORTED, |ctx| {
            let texture = ctx.texture(R24G8_TYPELESS, 16, 16, 1, bind::RENDER_TARGET, 0);
            ctx.view(texture, view_kind::RENDER_TARGET, 46, range_2d());
        }),
        ("a buffer's depth", code::UNSUPPORTED, |ctx| {
            let buffer = ctx.buffer(&[], 64, usage::DEFAULT, bind::SHADER_RESOURCE, 0, 0);
            ctx.view(buffer, view_kind::SHADER_RESOURCE, D32, buffer_range(0, 16, 0));
        }),
        ("a raw view of a buffer that allows none", code::BAD_ARGUMENT, |ctx| {
            let buffer = ctx.buffer(&[], 64, usage::DEFAULT, bind::SHADER_RESOURCE, 0, 0);
            ctx.view(buffer, view_kind::SHADER_RESOURCE, R32_TYPELESS, buffer_range(0, 16, 1));
        }),
        ("a counter of a texture", code::BAD_OBJECT, |ctx| {
            let texture = ctx.texture(R32_UINT, 16, 16, 1, bind::UNORDERED_ACCESS, 0);
            let src_view = ctx.view(texture, view_kind::UNORDERED_ACCESS, R32_UINT, range_2d());
            let dst = plain(ctx);
            send!(ctx.ring, CopyStructureCount { dst, dst_offset: 0, src_view, reserved: 0 });
        }),
        ("mips of integers", code::BAD_ARGUMENT, |ctx| {
            let flags = bind::SHADER_RESOURCE | bind::RENDER_TARGET;
            let texture = ctx.texture(R32_UINT, 16, 16, 5, flags, misc::AUTO_GEN_MIP_MAP);
            let range = ViewRange { mip_levels: 5, ..range_2d() };
            let view = ctx.view(texture, view_kind::SHADER_RESOURCE, R32_UINT, range);
            send!(ctx.ring, GenerateMips { view, reserved: 0 });
        }),
        ("a frame of integers", code::UNSUPPORTED, |ctx| {
            let (frame, src) = (ctx.take(1024), ctx.texture(R32_UINT, 16, 16, 1, bind::RENDER_TARGET, 0));
            send!(ctx.ring, present(frame, src, 16, 16, 64));
        }),
        ("a frame of blocks", code::UNSUPPORTED, |ctx| {
            let (frame, src) = (ctx.take(1024), ctx.texture(BC1, 16, 16, 1, bind::SHADER_RESOURCE, 0));
            send!(ctx.ring, present(frame, src, 16, 16, 64));
        }),
        ("a frame of packed depth", code::BAD_OBJECT, |ctx| {
            let src = ctx.texture(R24G8_TYPELESS, 16, 16, 1, bind::SHADER_RESOURCE, 0);
            let frame = ctx.take(1024);
            send!(ctx.ring, present(frame, src, 16, 16, 64));
        }),
        ("a resolve onto itself", code::BAD_ARGUMENT, |ctx| {
            let dst = square(ctx);
            let (dst_subresource, src_subresource, format) = (0, 0, RGBA8);
            let (src, reserved) = (dst, 0);
            send!(
                ctx.ring,
                ResolveSubresource { dst, dst_subresource, src, src_subresource, format, reserved }
            );
        }),
        ("a shader of another stage than it says", code::BAD_SHADER, |ctx| {
            ctx.shader(stage::PIXEL, &shader("vs_sdl_like"));
        }),
        ("a link of what is no shader", code::BAD_OBJECT, |ctx| {
            let (id, shader) = (ctx.id(), plain(ctx));
            send!(ctx.ring, LinkShader { id, shader, instances: &[] });
        }),
        ("a share of a buffer", code::BAD_ARGUMENT, |ctx| {
            let id = plain(ctx);
            send!(ctx.ring, ShareResource { token: [1, 2], id, reserved: 0 });
        }),
        ("a share of nobody", code::BAD_ARGUMENT, |ctx| {
            let id = square(ctx);
            send!(ctx.ring, ShareResource { token: [0, 0], id, reserved: 0 });
        }),
        ("a shader bound where another stage is", code::BAD_OBJECT, |ctx| {
            let vs = ctx.shader(stage::VERTEX, &shader("vs_sdl_like"));
            send!(ctx.ring, SetShader { stage: stage::PIXEL, shader: vs });
        }),
    ]);
}

/// Bytes that no new resource has by itself.
const OLD: u8 = 0xa7;

/// Fills textures and buffers of some kinds with old bytes and destroys them; gives what new ones of the same kinds hold.
fn reborn(guest: &mut Guest, ctx: &mut Ctx) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let flags = bind::SHADER_RESOURCE | bind::RENDER_TARGET;
    let volume = |ctx: &mut Ctx| {
        let id = ctx.id();
        let desc = texture_2d(id, RGBA8, 32, 32, 1, bind::SHADER_RESOURCE, 0);
        send!(ctx.ring, CreateResource { dimension: dimension::TEXTURE3D, depth: 4, ..desc });
        id
    };
    // Format, bytes of a texel or block, texels of its side.
    let kinds = [(RGBA8, 4, 1), (RGBA32_FLOAT, 16, 1), (BC1, 8, 4), (R32_FLOAT, 4, 1)];
    for (format, texel, side) in kinds {
        for fresh in [false, true] {
            let bound = if side == 1 { flags } else { bind::SHADER_RESOURCE };
            let texture = ctx.texture(format, 64, 64, 1, bound, 0);
            if fresh {
                let place = ctx.read_back(texture, format, 64, 64, texel);
                guest.finish(ctx);
                found.push((format!("format {format}"), ctx.get(place)));
                continue;
            }
            let blocks = 64 / side;
            let data = ctx.put(&vec![OLD; (blocks * blocks * texel) as usize]);
            let all = box_of(0, 0, 0, 64, 64, 1);
            send!(ctx.ring, update(data, texture, all, blocks * texel, blocks * blocks * texel));
            send!(ctx.ring, DestroyObject { id: texture, reserved: 0 });
            guest.finish(ctx);
        }
    }
    let old = volume(ctx);
    let data = ctx.put(&[OLD; 32 * 32 * 4 * 4]);
    send!(ctx.ring, update(data, old, box_of(0, 0, 0, 32, 32, 4), 128, 4096));
    send!(ctx.ring, DestroyObject { id: old, reserved: 0 });
    guest.finish(ctx);
    let new = volume(ctx);
    let slice = ctx.texture(RGBA8, 32, 32, 1, flags, 0);
    send!(ctx.ring, copy(slice, [0; 3], new, box_of(0, 0, 3, 32, 32, 4)));
    let place = ctx.read_back(slice, RGBA8, 32, 32, 4);
    guest.finish(ctx);
    found.push(("a volume".to_owned(), ctx.get(place)));
    for (name, kind, length) in [
        ("a buffer", usage::DEFAULT, 1000),
        ("a dynamic buffer", usage::DYNAMIC, 1000),
        ("a small dynamic buffer", usage::DYNAMIC, 20),
    ] {
        let old = ctx.buffer(&[], length, kind, bind::VERTEX_BUFFER, 0, 0);
        let data = ctx.put(&vec![OLD; length as usize]);
        send!(ctx.ring, update(data, old, box_of(0, 0, 0, length, 1, 1), 0, 0));
        send!(ctx.ring, DestroyObject { id: old, reserved: 0 });
        guest.finish(ctx);
        // Of the same slice, if it is one.
        let new = ctx.buffer(&[], length, kind, bind::VERTEX_BUFFER, 0, 0);
        let place = ctx.read_back_buffer(new, length);
        guest.finish(ctx);
        found.push((name.to_owned(), ctx.get(place)));
    }
    // Samples, seen through a resolve.
    for fresh in [false, true] {
        let id = ctx.id();
        let desc = texture_2d(id, RGBA8, 32, 32, 1, flags, 0);
        send!(ctx.ring, CreateResource { sample_count: 4, ..desc });
        if !fresh {
            let view = ctx.view(id, view_kind::RENDER_TARGET, RGBA8, range_2d());
            send!(ctx.ring, ClearRenderTargetView { color: [0.7; 4], view, reserved: 0 });
            send!(ctx.ring, DestroyObject { id: view, reserved: 0 });
            send!(ctx.ring, DestroyObject { id, reserved: 0 });
            guest.finish(ctx);
            continue;
        }
        let dst = ctx.texture(RGBA8, 32, 32, 1, flags, 0);
        let (dst_subresource, src_subresource, format, reserved) = (0, 0, RGBA8, 0);
        send!(
            ctx.ring,
            ResolveSubresource { dst, dst_subresource, src: id, src_subresource, format, reserved }
        );
        let place = ctx.read_back(dst, RGBA8, 32, 32, 4);
        guest.finish(ctx);
        found.push(("samples".to_owned(), ctx.get(place)));
    }
    found
}

#[test]
fn uninitialised_readback() {
    for bounce in [false, true] {
        let mut guest = if bounce { Guest::bouncing() } else { Guest::new() };
        let mut first = guest.context();
        for (name, bytes) in reborn(&mut guest, &mut first) {
            assert!(
                bytes.iter().all(|byte| *byte == 0),
                "{name}, bounce {bounce}: an earlier resource's bytes"
            );
        }
        // What another context leaves behind.
        send!(guest.ring0, DestroyContext { context: first.number, reserved: 0 });
        guest.event();
        let mut second = guest.context();
        for (name, bytes) in reborn(&mut guest, &mut second) {
            assert!(bytes.iter().all(|byte| *byte == 0), "{name}, bounce {bounce}: another context's bytes");
        }
        guest.end();
    }
}

/// A copy to the heap writes the texels that it names, and none of what lies around them in the executor's memory.
#[test]
fn uninitialised_readback_of_padding() {
    for bounce in [false, true] {
        let mut guest = if bounce { Guest::bouncing() } else { Guest::new() };
        let mut ctx = guest.context();
        // Something to leave in the memory that downloads use.
        let large = ctx.texture(RGBA8, 64, 64, 1, bind::RENDER_TARGET, 0);
        let view = ctx.view(large, view_kind::RENDER_TARGET, RGBA8, range_2d());
        send!(ctx.ring, ClearRenderTargetView { color: [1.0; 4], view, reserved: 0 });
        ctx.read_back(large, RGBA8, 64, 64, 4);
        guest.finish(&mut ctx);
        let small = ctx.texture(RGBA8, 5, 3, 1, bind::RENDER_TARGET, 0);
        let place = ctx.take(4096);
        let region = guest.heap_region(HeapRange { length: 4096, ..place });
        region.as_ref().iter().for_each(|cell| cell.store(0x1111_1111_1111_1111, Ordering::Relaxed));
        let frame = HeapRange { length: 3 * 64, ..place };
        send!(ctx.ring, present(frame, small, 5, 3, 64));
        guest.finish(&mut ctx);
        let bytes = ctx.get(HeapRange { length: 4096, ..place });
        for (at, byte) in bytes.iter().enumerate() {
            let texel = at < 3 * 64 && at % 64 < 20;
            assert_eq!(*byte == 0x11, !texel, "byte {at}, bounce {bounce}: {byte:#x}");
        }
        guest.end();
    }
}

#[test]
fn leaks_per_context() {
    const MEMORY: u64 = 192 << 20;
    let mut guest = Guest::with_memory(MEMORY);
    let ring = guest.take_heap(4096 + RING_BYTES);
    let heap = guest.take_heap(HEAP_BYTES);
    for round in 0..24 {
        let mut ctx = guest.context_in(1, ring, heap);
        let (_, view) = target(&mut ctx, RGBA8, 64, 64);
        draw_quad(&mut ctx, view, 64.0);
        // Two thirds of what the guest may have.
        for _ in 0..2 {
            ctx.texture(RGBA32_FLOAT, 2048, 2048, 1, bind::SHADER_RESOURCE, 0);
        }
        match round % 3 {
            // Everything is left alive, finished or not.
            0 => guest.finish(&mut ctx),
            1 => {}
            // The context dies of a mistake, some objects of which half exist.
            _ => {
                ctx.texture(BC1_TYPELESS, 16, 16, 1, bind::UNORDERED_ACCESS, 0);
                send!(ctx.ring, SetTopology { topology: 6, reserved: 0 });
                let Happened::Error { context: 1, code, .. } = guest.event() else { panic!("round {round}") };
                assert_ne!(code, code::LIMIT, "round {round}: what earlier contexts had is not free");
            }
        }
        send!(guest.ring0, DestroyContext { context: 1, reserved: 0 });
        assert_eq!(guest.event(), Happened::Destroyed { context: 1 }, "round {round}");
    }
    guest.end();
}

/// Objects that come and go in one context leave nothing behind, states that pipelines were made of included.
#[test]
fn leaks_per_object() {
    let mut guest = Guest::with_memory(192 << 20);
    let mut ctx = guest.context();
    let (_, view) = target(&mut ctx, RGBA8, 16, 16);
    draw_quad(&mut ctx, view, 16.0);
    guest.finish(&mut ctx);
    let id = ctx.id();
    for round in 0..100 {
        send!(ctx.ring, texture_2d(id, RGBA32_FLOAT, 1024, 1024, 1, bind::SHADER_RESOURCE, 0));
        send!(ctx.ring, DestroyObject { id, reserved: 0 });
        if round % 4 == 3 {
            guest.finish(&mut ctx);
        }
    }
    guest.finish(&mut ctx);
    guest.end();
}

/// What outlives the objects that it was made of is bounded: here, the different blend states that a context has had.
#[test]
fn leaks_of_what_objects_leave_behind() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let id = ctx.id();
    let mut made = 0u32;
    let mut ended = None;
    while ended.is_none() && made < 1 << 20 {
        made += 1;
        let mut render_targets = [RenderTargetBlend::default(); 8];
        for (index, target) in (0..).zip(&mut render_targets) {
            target.write_mask = made >> (4 * index) & 15;
        }
        let (alpha_to_coverage_enable, independent_blend_enable, reserved) = (0, 1, 0);
        send!(
            ctx.ring,
            CreateBlendState {
                id,
                alpha_to_coverage_enable,
                independent_blend_enable,
                reserved,
                render_targets
            }
        );
        send!(ctx.ring, DestroyObject { id, reserved: 0 });
        // A poisoned context reads nothing more: no more is said than the ring holds.
        if made.is_multiple_of(200) {
            let value = ctx.fence();
            guest.wait("the states", |guest| {
                ended = guest.poll_event();
                ended.is_some() || ctx.completed() >= value
            });
        }
    }
    match ended {
        Some(Happened::Error { code, .. }) => assert_eq!(code, code::LIMIT),
        other => panic!("{made} blend states: {other:?}"),
    }
    let mut other = guest.context();
    guest.finish(&mut other);
    guest.end();
}

/// The guest writes what the host is reading: tokens in the heap, and the records themselves.
#[test]
fn double_fetch() {
    let mut guest = Guest::new();
    let ring = guest.take_heap(4096 + RING_BYTES);
    let heap = guest.take_heap(HEAP_BYTES);
    let container = pvgpu_dxbc::container::parse(&shader("ps_sdl_like")).expect("a container of ours");
    let tokens: Vec<u8> = container.tokens.iter().flat_map(|token| token.to_le_bytes()).collect();
    let (mut refused, mut taken) = (0, 0);
    for round in 0..30 {
        let mut ctx = guest.context_in(1, ring, heap);
        let place = ctx.put(&tokens);
        let cells = guest.heap_region(HeapRange { length: place.length.next_multiple_of(8), ..place });
        // The data area of the context's ring begins behind its first page.
        let records = guest.heap_region(HeapRange { offset: ring.offset + 4096, length: 4096 });
        let stop = AtomicBool::new(false);
        let poisoned = std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut at = round;
                while !stop.load(Ordering::Relaxed) {
                    at = (at * 5 + 1) % 1_000_003;
                    let cells = if round % 2 == 0 { &cells } else { &records };
                    let cell = &cells.as_ref()[at % cells.as_ref().len()];
                    let word = cell.load(Ordering::Relaxed);
                    // Header words stay, so that the stream is not over at once.
                    if round % 2 == 0 || word >> 56 != 0 || word & 7 != 0 {
                        cell.store(word ^ (1 << (at % 64)), Ordering::Relaxed);
                        std::hint::spin_loop();
                        cell.store(word, Ordering::Relaxed);
                    }
                }
            });
            for _ in 0..20 {
                let id = ctx.id();
                let stage = stage::PIXEL;
                send!(
                    ctx.ring,
                    CreateShader { tokens: place, id, stage, input: &[], output: &[], patch_constant: &[] }
                );
            }
            ctx.fence();
            let mut poisoned = false;
            guest.wait("the stream's end", |guest| {
                poisoned |= matches!(guest.poll_event(), Some(Happened::Error { .. }));
                poisoned || ctx.completed() != 0
            });
            stop.store(true, Ordering::Relaxed);
            poisoned
        });
        *(if poisoned { &mut refused } else { &mut taken }) += 1;
        send!(guest.ring0, DestroyContext { context: 1, reserved: 0 });
        guest.wait("the context's end", |guest| {
            guest.poll_event() == Some(Happened::Destroyed { context: 1 })
        });
    }
    assert_eq!(refused + taken, 30);
    guest.end();
}

#[test]
fn more_than_its_share() {
    refuse(&[
        ("1,025 queries that count at a time", code::LIMIT, |ctx| {
            let slot = ctx.take(128);
            for _ in 0..1025 {
                let id = ctx.id();
                send!(ctx.ring, CreateQuery { slot, id, kind: 1 });
                send!(ctx.ring, BeginQuery { query: id, reserved: 0 });
            }
        }),
        ("a clear of 128,000 parts", code::LIMIT, |ctx| {
            let texture = ctx.texture(R32_FLOAT, 16_384, 1024, 1, bind::UNORDERED_ACCESS, 0);
            let view = ctx.view(texture, view_kind::UNORDERED_ACCESS, R32_FLOAT, range_2d());
            let rects = [Rect { left: 0, top: 0, right: 16_384, bottom: 1024 }; 2000];
            send!(ctx.ring, ClearView { color: [0.5; 4], view, reserved: 0, rects: &rects });
        }),
        ("samples of an unordered texture", code::BAD_ARGUMENT, |ctx| {
            let id = ctx.id();
            let flags = bind::UNORDERED_ACCESS | bind::RENDER_TARGET;
            send!(
                ctx.ring,
                CreateResource { sample_count: 4, ..texture_2d(id, R32_FLOAT, 4, 4, 1, flags, 0) }
            );
        }),
        ("a volume of depths", code::BAD_ARGUMENT, |ctx| {
            let id = ctx.id();
            let desc = texture_2d(id, R32_TYPELESS, 4, 4, 1, bind::DEPTH_STENCIL, 0);
            send!(ctx.ring, CreateResource { dimension: dimension::TEXTURE3D, depth: 4, ..desc });
        }),
    ]);
}
