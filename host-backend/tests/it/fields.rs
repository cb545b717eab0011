//! Every field of every command with hostile values, on the real executor with the validation layers on.
//!
//! A guest performs a program that uses each command at least once, in its sense: what it creates is drawn with, copied, read
//! back and presented. It is recorded. Then the recording is replayed once for each field of each command and each hostile
//! value, everything else left as it was: so what is created with a wrong number is used afterwards, and what is used comes after
//! legal creations. Whatever happens, the layers stay silent and nothing panics.

use std::collections::{BTreeMap, BTreeSet};

use pvgpu_host_backend::record::{Limits, Reader};
use pvgpu_host_backend::replay::replay;
use pvgpu_host_backend::vulkan::validation_messages;
use pvgpu_protocol::CommandRef;
use pvgpu_protocol::aperture::Sizes;
use pvgpu_protocol::command::*;
use pvgpu_protocol::limits::MIN_APERTURE_BYTES;
use pvgpu_protocol::tiling::TILE_BYTES;

use crate::drawing::{draw_quad, floats, shader, target};
use crate::harness::{Ctx, Gpu, Guest, SharedFile, range_2d, texture_2d};
use crate::recording::{file_of, items};
use crate::send;

const RGBA8: u32 = 28;
const R32_UINT: u32 = 42;
const BC1: u32 = 71;
const D32: u32 = 40;
const SIDE: u32 = 16;

/// Commands that a program without the kernel-mode driver's display half does not send; `worker/surface` and `hostile` have them.
const NOT_PERFORMED: [u16; 8] = [
    // Needs a shader with interfaces; `classes` has its mistakes.
    LinkShader::OPCODE,
    BlitHeap::OPCODE,
    FillHeap::OPCODE,
    SetScanout::OPCODE,
    SetPointerShape::OPCODE,
    SetPointerPosition::OPCODE,
    Gate::OPCODE,
    OpenGate::OPCODE,
];

/// What is put in place of a field, given what stood there.
fn hostile_values(field: u32) -> BTreeSet<u32> {
    let mut values = BTreeSet::from([
        0,
        1,
        0x4001,
        0x7fff_ffff,
        0x8000_0000,
        u32::MAX,
        field.wrapping_add(1),
        // Not a number, for floats.
        0x7fc0_0000,
    ]);
    values.remove(&field);
    values
}

fn update(
    data: HeapRange,
    dst: u32,
    subresource: u32,
    width: u32,
    height: u32,
    texel: u32,
) -> UpdateSubresource {
    let dst_box = SubresourceBox { right: width, bottom: height, back: 1, ..Default::default() };
    let (row_pitch, depth_pitch) = (width * texel, width * height * texel);
    UpdateSubresource { data, dst, dst_subresource: subresource, dst_box, row_pitch, depth_pitch }
}

fn copy(dst: u32, src: u32, src_box: SubresourceBox) -> CopyRegion {
    CopyRegion {
        dst,
        dst_subresource: 0,
        dst_x: 0,
        dst_y: 0,
        dst_z: 0,
        src,
        src_subresource: 0,
        src_box,
        reserved: 0,
    }
}

fn states(ctx: &mut Ctx) {
    let blend = ctx.id();
    let render_target = RenderTargetBlend {
        blend_enable: 1,
        src_blend: 5,
        dest_blend: 6,
        blend_op: 1,
        src_blend_alpha: 2,
        dest_blend_alpha: 1,
        blend_op_alpha: 1,
        write_mask: 15,
        ..Default::default()
    };
    send!(
        ctx.ring,
        CreateBlendState {
            id: blend,
            alpha_to_coverage_enable: 0,
            independent_blend_enable: 0,
            reserved: 0,
            render_targets: [render_target; 8]
        }
    );
    let face = StencilFace { fail_op: 1, depth_fail_op: 1, pass_op: 1, func: 8 };
    let depth = ctx.id();
    send!(
        ctx.ring,
        CreateDepthStencilState {
            id: depth,
            depth_enable: 1,
            depth_write_mask: 1,
            depth_func: 4,
            stencil_enable: 1,
            stencil_read_mask: 255,
            stencil_write_mask: 255,
            reserved: 0,
            front_face: face,
            back_face: face
        }
    );
    let rasterizer = ctx.id();
    send!(
        ctx.ring,
        CreateRasterizerState {
            id: rasterizer,
            fill_mode: 3,
            cull_mode: 1,
            front_counter_clockwise: 0,
            depth_bias: 1,
            depth_bias_clamp: 0.5,
            slope_scaled_depth_bias: 0.5,
            depth_clip_enable: 1,
            scissor_enable: 1,
            multisample_enable: 0,
            antialiased_line_enable: 0,
            forced_sample_count: 0
        }
    );
    let sampler = ctx.id();
    send!(
        ctx.ring,
        CreateSampler {
            id: sampler,
            filter: 0x15,
            address_u: 1,
            address_v: 4,
            address_w: 3,
            mip_lod_bias: 0.0,
            max_anisotropy: 4,
            comparison_func: 1,
            border_color: [0.25, 0.5, 0.0, 1.0],
            min_lod: 0.0,
            max_lod: 100.0
        }
    );
    send!(ctx.ring, SetBlendState { state: blend, sample_mask: u32::MAX, blend_factor: [1.0; 4] });
    send!(ctx.ring, SetDepthStencilState { state: depth, stencil_ref: 3 });
    send!(ctx.ring, SetRasterizerState { state: rasterizer, reserved: 0 });
    send!(ctx.ring, SetSamplers { stage: stage::PIXEL, start_slot: 0, samplers: &[sampler] });
    send!(ctx.ring, SetScissorRects { rects: &[Rect { left: 0, top: 0, right: 16, bottom: 16 }] });
}

/// Draws in each way, inside of a query, with blending, depth and stencil.
fn draws(ctx: &mut Ctx) -> u32 {
    let (texture, view) = target(ctx, RGBA8, SIDE, SIDE);
    let depth = ctx.texture(D32, SIDE, SIDE, 1, bind::DEPTH_STENCIL, 0);
    let depth_view = ctx.view(depth, view_kind::DEPTH_STENCIL, D32, range_2d());
    send!(ctx.ring, ClearRenderTargetView { color: [0.5; 4], view, reserved: 0 });
    send!(ctx.ring, ClearDepthStencilView { view: depth_view, flags: 1, depth: 1.0, stencil: 0 });
    draw_quad(ctx, view, SIDE as f32);
    states(ctx);
    ctx.set_target(view, depth_view, SIDE as f32, SIDE as f32);
    let indices: Vec<u8> = (0..6u16).flat_map(u16::to_le_bytes).collect();
    let indices = ctx.buffer(&indices, 12, usage::DEFAULT, bind::INDEX_BUFFER, 0, 0);
    send!(ctx.ring, SetIndexBuffer { buffer: indices, format: 57, offset: 0, reserved: 0 });
    let slot = ctx.put(&[0; 128]);
    let query = ctx.id();
    send!(ctx.ring, CreateQuery { slot, id: query, kind: 1 });
    send!(ctx.ring, BeginQuery { query, reserved: 0 });
    send!(ctx.ring, Draw { vertex_count: 6, instance_count: 1, start_vertex: 0, start_instance: 0 });
    let (index_count, instance_count, start_index) = (6, 1, 0);
    let (base_vertex, start_instance, reserved) = (0, 0, 0);
    send!(
        ctx.ring,
        DrawIndexed { index_count, instance_count, start_index, base_vertex, start_instance, reserved }
    );
    let arguments: Vec<u8> = [6u32, 1, 0, 0, 0].iter().flat_map(|word| word.to_le_bytes()).collect();
    let arguments = ctx.buffer(&arguments, 20, usage::DEFAULT, 0, misc::DRAWINDIRECT_ARGS, 0);
    send!(ctx.ring, DrawIndirect { kind: indirect_kind::DRAW, buffer: arguments, offset: 0, reserved: 0 });
    send!(
        ctx.ring,
        DrawIndirect { kind: indirect_kind::DRAW_INDEXED, buffer: arguments, offset: 0, reserved: 0 }
    );
    send!(ctx.ring, EndQuery { query, reserved: 0 });
    texture
}

/// Stream output of what the draws' vertex shader gives, and a draw of that.
fn streams(ctx: &mut Ctx) {
    let (shader, buffer) =
        (ctx.id(), ctx.buffer(&[], 256, usage::DEFAULT, bind::STREAM_OUTPUT | bind::VERTEX_BUFFER, 0, 0));
    let entries = [StreamOutputEntry { stream: 0, buffer: 0, register: 0, mask: 15 }];
    let tokens = HeapRange::default();
    let (strides, rasterized_stream, input, output) = ([16, 0, 0, 0], SO_NO_RASTERIZED_STREAM, &[], &[]);
    let id = shader;
    send!(
        ctx.ring,
        CreateStreamOutputShader { tokens, id, rasterized_stream, strides, input, output, entries: &entries }
    );
    // What is written is one register, and nothing is rasterized.
    send!(ctx.ring, SetShader { stage: stage::PIXEL, shader: NONE });
    send!(ctx.ring, SetShader { stage: stage::GEOMETRY, shader });
    send!(ctx.ring, SetStreamOutputTargets { targets: &[StreamOutputTarget { buffer, offset: 0 }] });
    send!(ctx.ring, Draw { vertex_count: 6, instance_count: 1, start_vertex: 0, start_instance: 0 });
    send!(ctx.ring, SetStreamOutputTargets { targets: &[] });
    send!(ctx.ring, SetShader { stage: stage::GEOMETRY, shader: NONE });
    send!(ctx.ring, SetInputLayout { layout: NONE, reserved: 0 });
    let written = [VertexBufferBinding { buffer, stride: 16, offset: 0 }];
    send!(ctx.ring, SetVertexBuffers { start_slot: 0, reserved: 0, buffers: &written });
    send!(ctx.ring, DrawAuto { reserved: 0 });
}

/// Draws that a predicate leaves out.
fn predicates(ctx: &mut Ctx) {
    let (slot, query) = (ctx.put(&[0; 128]), ctx.id());
    send!(ctx.ring, CreateQuery { slot, id: query, kind: 5 });
    send!(ctx.ring, BeginQuery { query, reserved: 0 });
    send!(ctx.ring, EndQuery { query, reserved: 0 });
    send!(ctx.ring, SetPredication { query, value: 0, hint: 0, reserved: 0 });
    send!(ctx.ring, Draw { vertex_count: 6, instance_count: 1, start_vertex: 0, start_instance: 0 });
    send!(ctx.ring, SetPredication { query: NONE, value: 0, hint: 0, reserved: 0 });
}

/// A dispatch of the particles' shader on structured buffers, and what else unordered access has.
fn computes(ctx: &mut Ctx) {
    let cs = ctx.shader(stage::COMPUTE, &shader("cs_structured"));
    let flags = bind::SHADER_RESOURCE | bind::UNORDERED_ACCESS;
    let source = ctx.buffer(&[1; 256], 256, usage::DEFAULT, flags, misc::BUFFER_STRUCTURED, 32);
    let result = ctx.buffer(&[], 256, usage::DEFAULT, flags, misc::BUFFER_STRUCTURED, 32);
    let range = ViewRange { dimension: dimension::BUFFER, num_elements: 8, ..Default::default() };
    let source_view = ctx.view(source, view_kind::SHADER_RESOURCE, 0, range);
    let result_view = ctx.view(result, view_kind::UNORDERED_ACCESS, 0, ViewRange { flags: 4, ..range });
    let constants = ctx.buffer(&floats(&[0.5; 4]), 16, usage::DYNAMIC, bind::CONSTANT_BUFFER, 0, 0);
    let data = ctx.put(&[0; 16]);
    send!(ctx.ring, DiscardBuffer { data, dst: constants, reserved: 0 });
    let data = ctx.put(&[0x3e; 16]);
    send!(ctx.ring, PlaceBuffer { data, dst: constants, reserved: 0 });
    send!(ctx.ring, WriteStaging { data });
    let data = ctx.put(&[0x3f; 8]);
    send!(ctx.ring, WriteNoOverwrite { data, dst: constants, offset: 8 });
    send!(ctx.ring, UpdateInline { dst: result, offset: 32, data: &[1, 2, 3, 4, 5, 6, 7] });
    send!(ctx.ring, SetShader { stage: stage::COMPUTE, shader: cs });
    let binding = ConstantBufferBinding { buffer: constants, first_constant: 0, num_constants: 16 };
    send!(ctx.ring, SetConstantBuffers { stage: stage::COMPUTE, start_slot: 0, buffers: &[binding] });
    send!(ctx.ring, SetShaderResources { stage: stage::COMPUTE, start_slot: 0, views: &[source_view] });
    let uav = UavBinding { view: result_view, initial_count: 5 };
    send!(ctx.ring, SetComputeUavs { start_slot: 0, reserved: 0, uavs: &[uav] });
    send!(ctx.ring, Dispatch { x: 1, y: 1, z: 1, reserved: 0 });
    let count = ctx.buffer(&[], 16, usage::DEFAULT, bind::VERTEX_BUFFER, 0, 0);
    send!(ctx.ring, CopyStructureCount { dst: count, dst_offset: 4, src_view: result_view, reserved: 0 });
    ctx.read_back_buffer(result, 256);
    let typed = ctx.buffer(&[], 64, usage::DEFAULT, flags, 0, 0);
    let typed_range = ViewRange { num_elements: 16, ..range };
    let typed_view = ctx.view(typed, view_kind::UNORDERED_ACCESS, R32_UINT, typed_range);
    send!(ctx.ring, ClearUnorderedAccessView { value: [1, 2, 3, 4], view: typed_view, is_float: 0 });
    let image = ctx.texture(R32_UINT, SIDE, SIDE, 1, flags, 0);
    let image_view = ctx.view(image, view_kind::UNORDERED_ACCESS, R32_UINT, range_2d());
    send!(ctx.ring, ClearUnorderedAccessView { value: [1, 2, 3, 4], view: image_view, is_float: 0 });
    send!(
        ctx.ring,
        SetRenderTargets { depth_stencil: NONE, uav_start: 1, render_targets: &[], uavs: &[uav] }
    );
}

/// Uploads, copies, mips, resolves, in textures of several kinds.
fn transfers(ctx: &mut Ctx, drawn: u32) {
    let flags = bind::SHADER_RESOURCE | bind::RENDER_TARGET;
    let mipped = ctx.texture(RGBA8, SIDE, SIDE, 5, flags, misc::AUTO_GEN_MIP_MAP | misc::RESOURCE_CLAMP);
    send!(ctx.ring, SetResourceMinLod { resource: mipped, min_lod: 1.5 });
    let clear = ctx.view(mipped, view_kind::RENDER_TARGET, RGBA8, range_2d());
    let rect = Rect { left: 2, top: 2, right: 6, bottom: 5 };
    send!(ctx.ring, ClearView { color: [0.5; 4], view: clear, reserved: 0, rects: &[rect] });
    let data = ctx.put(&[0x55; 1024]);
    send!(ctx.ring, update(data, mipped, 0, SIDE, SIDE, 4));
    let view = ctx.view(mipped, view_kind::SHADER_RESOURCE, RGBA8, ViewRange { mip_levels: 5, ..range_2d() });
    send!(ctx.ring, GenerateMips { view, reserved: 0 });
    let blocks = ctx.texture(BC1, SIDE, SIDE, 5, bind::SHADER_RESOURCE, 0);
    let data = ctx.put(&[0x11; 128]);
    let whole = SubresourceBox { right: SIDE, bottom: SIDE, back: 1, ..Default::default() };
    let packed = UpdateSubresource {
        data,
        dst: blocks,
        dst_subresource: 0,
        dst_box: whole,
        row_pitch: 32,
        depth_pitch: 128,
    };
    send!(ctx.ring, packed);
    let other = ctx.texture(BC1, SIDE, SIDE, 5, bind::SHADER_RESOURCE, 0);
    send!(ctx.ring, CopyResource { dst: other, src: blocks });
    send!(
        ctx.ring,
        copy(blocks, other, SubresourceBox { right: 8, bottom: 4, back: 1, ..Default::default() })
    );
    let volume = ctx.id();
    let desc = CreateResource {
        dimension: dimension::TEXTURE3D,
        depth: 8,
        ..texture_2d(volume, RGBA8, SIDE, SIDE, 2, bind::SHADER_RESOURCE, 0)
    };
    send!(ctx.ring, desc);
    let data = ctx.put(&[0x77; 16 * 4 * 4]);
    let dst_box = SubresourceBox { left: 4, top: 4, front: 1, right: 8, bottom: 8, back: 5 };
    let slices =
        UpdateSubresource { data, dst: volume, dst_subresource: 0, dst_box, row_pitch: 16, depth_pitch: 64 };
    send!(ctx.ring, slices);
    let row_box = SubresourceBox { left: 0, top: 0, front: 0, right: 16, bottom: 1, back: 2 };
    let data = ctx.put(&[0x66; 128]);
    let rows = UpdateSubresource {
        data,
        dst: volume,
        dst_subresource: 0,
        dst_box: row_box,
        row_pitch: 64,
        depth_pitch: 64,
    };
    send!(ctx.ring, rows);
    let samples = ctx.id();
    let desc = CreateResource { sample_count: 4, ..texture_2d(samples, RGBA8, SIDE, SIDE, 1, flags, 0) };
    send!(ctx.ring, desc);
    let resolve = ResolveSubresource {
        dst: mipped,
        dst_subresource: 0,
        src: samples,
        src_subresource: 0,
        format: RGBA8,
        reserved: 0,
    };
    send!(ctx.ring, resolve);
    send!(ctx.ring, ResolveSubresource { dst: drawn, src: mipped, ..resolve });
    let place = ctx.read_back(drawn, RGBA8, SIDE, SIDE, 4);
    let (left, right) = (ctx.texture(RGBA8, SIDE, SIDE, 1, flags | bind::PRESENT, 0), drawn);
    let id = ctx.id();
    let desc = texture_2d(id, RGBA8, SIDE, SIDE, 1, 0, 0);
    send!(ctx.ring, CreateResource { usage: usage::STAGING, heap: place, ..desc });
    send!(ctx.ring, copy(left, id, whole));
    send!(ctx.ring, RotateResourceIdentities { resources: &[left, right] });
    ctx.present(left, SIDE, SIDE);
}

/// The program; gives its recording's items.
fn perform() -> Vec<Vec<u8>> {
    let file = SharedFile::default();
    let mut guest = Guest::recorded(&file, Limits::default(), false);
    let (mut ctx, mut other) = (guest.context(), guest.context());
    let drawn = draws(&mut ctx);
    streams(&mut ctx);
    predicates(&mut ctx);
    computes(&mut ctx);
    transfers(&mut ctx, drawn);
    let gone = ctx.buffer(&[], 64, usage::DEFAULT, bind::VERTEX_BUFFER, 0, 0);
    send!(ctx.ring, DestroyObject { id: gone, reserved: 0 });
    let shared = ctx.texture(RGBA8, SIDE, SIDE, 1, bind::SHADER_RESOURCE | bind::RENDER_TARGET, 0);
    send!(ctx.ring, ShareResource { token: [1, 2], id: shared, reserved: 0 });
    guest.finish(&mut ctx);
    let id = other.id();
    send!(other.ring, OpenSharedResource { token: [1, 2], id, reserved: 0 });
    let (again, status) = (other.id(), other.take(8));
    send!(other.ring, TryOpenSharedResource { token: [1, 2], status, id: again, reserved: 0 });
    let opened = other.view(id, view_kind::RENDER_TARGET, RGBA8, range_2d());
    send!(other.ring, ClearRenderTargetView { color: [0.5; 4], view: opened, reserved: 0 });
    send!(other.ring, WaitFence { value: 1, context: ctx.number, reserved: 0 });
    guest.finish(&mut other);
    let extra = guest.take_heap(4096);
    send!(guest.ring0, GrantHeap { range: extra, context: other.number, reserved: 0 });
    send!(guest.ring0, RevokeHeap { range: extra, context: other.number, reserved: 0 });
    guest.finish_ring0();
    send!(guest.ring0, DestroyContext { context: other.number, reserved: 0 });
    guest.event();
    guest.end();
    items(&file.0.lock().expect("no panic"))
}

/// Another of tiled resources, which not every GPU has.
fn perform_tiles() -> Vec<Vec<u8>> {
    let file = SharedFile::default();
    let mut guest = Guest::recorded(&file, Limits::default(), false);
    let mut ctx = guest.context();
    let buffer = |id: u32, tiles: u64, misc_flags: u32| CreateResource {
        id,
        dimension: dimension::BUFFER,
        // CAST: a few tiles.
        width: (tiles * TILE_BYTES) as u32,
        height: 1,
        depth: 1,
        mip_levels: 1,
        array_size: 1,
        sample_count: 1,
        misc_flags,
        ..Default::default()
    };
    let [pool, tiled, texture, plain] = std::array::from_fn(|_| ctx.id());
    let flags = bind::SHADER_RESOURCE | bind::RENDER_TARGET;
    let bound = CreateResource { bind_flags: bind::SHADER_RESOURCE, ..buffer(tiled, 3, misc::TILED) };
    send!(ctx.ring, buffer(pool, 4, misc::TILE_POOL));
    send!(ctx.ring, bound);
    send!(ctx.ring, texture_2d(texture, RGBA8, 300, 140, 9, flags, misc::TILED));
    send!(ctx.ring, buffer(plain, 2, 0));
    let slot = ctx.take(TILING_SLOT_BYTES);
    send!(ctx.ring, DescribeTiling { slot, resource: texture, reserved: 0 });
    let runs = [
        TileRun { first: 0, count: 2, kind: tile_run::SEQUENTIAL, pool_tile: 1 },
        TileRun { first: 2, count: 1, kind: tile_run::REUSE, pool_tile: 0 },
    ];
    send!(ctx.ring, UpdateTileMappings { resource: tiled, pool, runs: &runs });
    let pairs = &[TilePair { dst_first: 0, src_first: 0, count: 2 }];
    send!(ctx.ring, CopyTileMappings { dst: texture, src: tiled, pairs });
    let data = ctx.take(TILE_BYTES);
    let spans = &[TileSpan { first: 1, count: 1 }];
    send!(ctx.ring, UpdateTiles { data, resource: texture, reserved: 0, spans });
    send!(ctx.ring, TiledResourceBarrier { reserved: 0 });
    let direction = tile_copy::TO_BUFFER;
    let copy =
        CopyTiles { buffer_offset: 0, resource: texture, buffer: plain, direction, reserved: 0, spans };
    send!(ctx.ring, copy);
    send!(ctx.ring, ResizeTilePool { bytes: 6 * TILE_BYTES, pool, reserved: 0 });
    let later = [TileRun { first: 4, count: 2, kind: tile_run::SEQUENTIAL, pool_tile: 4 }];
    send!(ctx.ring, UpdateTileMappings { resource: texture, pool, runs: &later });
    let view = ctx.view(texture, view_kind::RENDER_TARGET, RGBA8, range_2d());
    send!(ctx.ring, ClearRenderTargetView { color: [0.5; 4], view, reserved: 0 });
    ctx.read_back(texture, RGBA8, 300, 140, 4);
    ctx.read_back_buffer(tiled, 3 << 16);
    guest.finish(&mut ctx);
    guest.end();
    items(&file.0.lock().expect("no panic"))
}

/// Where the words of a record lie in an item, and its opcode.
fn record(item: &[u8]) -> Option<(u16, usize)> {
    const WORDS: usize = 1 + 4 + 8 + 4;
    let is_record = item.first() == Some(&1);
    let opcode = item.get(WORDS + 4..WORDS + 6).filter(|_| is_record)?;
    Some((u16::from_le_bytes([opcode[0], opcode[1]]), WORDS))
}

fn name(opcode: u16) -> &'static str {
    CommandRef::OPCODES.iter().find(|(code, _)| *code == opcode).map_or("?", |(_, name)| name)
}

/// Replays with records changed, and keeps the cases that the validation layers complain of.
struct Judge {
    gpu: Gpu,
    cases: usize,
    messages: u64,
    offenders: Vec<String>,
}

impl Judge {
    fn new() -> Self {
        Self { gpu: Gpu::open(), cases: 0, messages: validation_messages(), offenders: Vec::new() }
    }

    fn replay(&mut self, items: &[Vec<u8>], case: impl FnOnce() -> String) {
        let device = &self.gpu.device;
        let file = file_of(device, Sizes::with_aperture(MIN_APERTURE_BYTES), items);
        let _ = replay(Reader::new(&file[..]).expect("a recording"), device.clone(), None);
        self.cases += 1;
        let messages = validation_messages();
        if messages != self.messages {
            self.messages = messages;
            self.offenders.push(case());
        }
    }

    fn end(self, at_least: usize) {
        let offenders = self.offenders.join("\n  ");
        assert!(offenders.is_empty(), "the validation layers have complained of\n  {offenders}");
        assert!(self.cases >= at_least, "{} cases", self.cases);
    }
}

/// All fields of the commands whose opcodes lie in a range.
fn check_fields(items: &[Vec<u8>], opcodes: std::ops::Range<u16>, at_least: usize) {
    let mut judge = Judge::new();
    // Commands that say in their fields what they are about are worth several records.
    let most = |opcode| match opcode {
        CreateResource::OPCODE | CreateView::OPCODE | UpdateSubresource::OPCODE => 6,
        CopyRegion::OPCODE | ResolveSubresource::OPCODE | ClearUnorderedAccessView::OPCODE => 3,
        _ => 1,
    };
    let mut seen: BTreeMap<u16, usize> = BTreeMap::new();
    for index in 0..items.len() {
        let Some((opcode, words)) = record(&items[index]) else { continue };
        let count = seen.entry(opcode).or_default();
        *count += 1;
        if !opcodes.contains(&opcode) || *count > most(opcode) {
            continue;
        }
        // The header word is the ring's and the decoder's; the lists of states repeat themselves.
        let fields = (words + 8..items[index].len() - 3).step_by(4).take(24);
        for at in fields {
            let field = u32::from_le_bytes(items[index][at..at + 4].try_into().expect("four bytes"));
            for value in hostile_values(field) {
                // Counts of draws are nobody's to refuse, and a software renderer would work at them for ever.
                if matches!(opcode, Draw::OPCODE | DrawIndexed::OPCODE) && value > 0xffff && at < words + 16 {
                    continue;
                }
                let mut mutant = items.to_vec();
                mutant[index][at..at + 4].copy_from_slice(&value.to_le_bytes());
                let at = at - words - 8;
                judge.replay(&mutant, || {
                    format!("{} with {value:#x} for {field:#x} at byte {at}", name(opcode))
                });
            }
        }
    }
    judge.end(at_least);
}

#[test]
fn the_program_performs_every_command() {
    let items = perform();
    // Where the GPU has no tiles, `tiled` has what becomes of them.
    let tiles = if crate::tiled::has_tiles() { perform_tiles() } else { Vec::new() };
    let refused = |opcode: &u16| tiles.is_empty() && (0x0170..0x0180).contains(opcode);
    let performed: BTreeSet<u16> =
        items.iter().chain(&tiles).filter_map(|item| record(item)).map(|(opcode, _)| opcode).collect();
    let missing: Vec<_> = CommandRef::OPCODES
        .iter()
        .filter(|(opcode, _)| {
            !performed.contains(opcode) && !NOT_PERFORMED.contains(opcode) && !refused(opcode)
        })
        .collect();
    assert!(missing.is_empty(), "the hostile suite leaves these commands out: {missing:x?}");
    let frames = items.iter().filter(|item| matches!(item.first(), Some(4))).count();
    assert_eq!(frames, 1);
    let mut judge = Judge::new();
    judge.replay(&items, || "the program itself".to_owned());
    judge.end(1);
}

#[test]
fn fields_of_ring_0() {
    check_fields(&perform(), 0x0000..0x0100, 100);
}

#[test]
fn fields_of_bindings() {
    check_fields(&perform(), 0x0200..0x0300, 400);
}

#[test]
fn fields_of_tiles() {
    if crate::tiled::has_tiles() {
        let items = perform_tiles();
        check_fields(&items, 0x0100..0x0180, 400);
    }
}

#[test]
fn fields_of_draws_and_queries() {
    check_fields(&perform(), 0x0300..0x0400, 100);
}

#[test]
fn fields_of_transfers() {
    check_fields(&perform(), 0x0400..0x8000, 500);
}

/// A record cut short, or longer than it says, one of each command.
#[test]
fn records_of_other_lengths() {
    let items = perform();
    let mut judge = Judge::new();
    let mut seen = BTreeSet::new();
    for index in 0..items.len() {
        let Some((opcode, words)) = record(&items[index]) else { continue };
        if !seen.insert(opcode) {
            continue;
        }
        let count = (items[index].len() - words) / 8;
        // Each case is a device of its own: the ends of a record, and one place inside, stand for all lengths.
        let lengths = BTreeSet::from([0, 1, count / 2, count.saturating_sub(1), count + 1]);
        for length in lengths {
            let mut mutant = items.clone();
            mutant[index].resize(words + length * 8, 0xff);
            mutant[index][words - 4..words].copy_from_slice(&(length as u32).to_le_bytes());
            // Once as it is, once with a header that agrees.
            judge.replay(&mutant, || format!("{length} words of {}", name(opcode)));
            if length != 0 {
                mutant[index][words..words + 4].copy_from_slice(&(length as u32 * 8).to_le_bytes());
                judge.replay(&mutant, || format!("{length} words of {}, as it says", name(opcode)));
            }
        }
    }
    judge.end(200);
}
