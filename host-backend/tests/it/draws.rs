//! Draws with anything bound: each number and object is one that may be sent, but nobody has seen to it that they belong together.
//! Shaders of the project's own, of all stages, meet layouts, buffers, targets, states, queries and stream output at random. Nothing is
//! poisoned without need, the layers stay silent, and the worker lives. See `creations` for how a case is found again.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use pvgpu_dxbc::ShaderStage;
use pvgpu_protocol::command::*;

use crate::creations::{Random, run};
use crate::harness::{Ctx, range_2d, texture_2d};
use crate::send;

const M: u32 = u32::MAX;
/// Formats of vertex attributes, with what their offsets are multiples of.
const ATTRIBUTES: [(u32, u32); 14] = [
    (2, 4),
    (3, 4),
    (4, 4),
    (6, 4),
    (10, 2),
    (12, 2),
    (16, 4),
    (24, 4),
    (28, 1),
    (30, 1),
    (36, 2),
    (41, 4),
    (42, 4),
    (62, 1),
];

/// A compiled shader and its stage.
struct Compiled {
    stage: u32,
    bytes: Vec<u8>,
}

/// The project's shaders.
fn shaders() -> &'static [Compiled] {
    static ALL: OnceLock<Vec<Compiled>> = OnceLock::new();
    ALL.get_or_init(|| {
        let top = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files: Vec<PathBuf> = ["tests/it/shaders", "../ci/golden/shaders", "../dxbc/tests/in"]
            .iter()
            .flat_map(|folder| std::fs::read_dir(top.join(folder)).expect("a folder of shaders"))
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "dxbc"))
            .collect();
        files.sort();
        let all: Vec<_> = files.iter().filter_map(|path| compiled(path)).collect();
        assert!(all.len() > 100, "{} shaders", all.len());
        all
    })
}

/// A shader that can be made as it is, without class instances.
fn compiled(path: &Path) -> Option<Compiled> {
    let bytes = std::fs::read(path).expect("a readable file");
    let container = pvgpu_dxbc::container::parse(&bytes).ok()?;
    let layout = pvgpu_dxbc::BindingLayout::default();
    let reflection = pvgpu_dxbc::reflect(&container.tokens, &container.signatures, &layout).ok()?;
    let stage = match reflection.stage {
        ShaderStage::Vertex => stage::VERTEX,
        ShaderStage::Hull => stage::HULL,
        ShaderStage::Domain => stage::DOMAIN,
        ShaderStage::Geometry => stage::GEOMETRY,
        ShaderStage::Pixel => stage::PIXEL,
        _ => stage::COMPUTE,
    };
    let endless = path.to_string_lossy().contains("hang");
    (reflection.interfaces.is_empty() && !endless).then_some(Compiled { stage, bytes })
}

/// The objects of a case, by kind.
#[derive(Default)]
struct Objects {
    buffers: Vec<u32>,
    arguments: u32,
    streamed: Vec<u32>,
    layouts: Vec<u32>,
    shaders: [Vec<u32>; stage::COUNT],
    resources: Vec<u32>,
    targets: Vec<u32>,
    depths: Vec<u32>,
    unordered: Vec<u32>,
    samplers: Vec<u32>,
    blends: Vec<u32>,
    depth_states: Vec<u32>,
    rasterizers: Vec<u32>,
    queries: Vec<(u32, u32, bool)>,
}

fn make_buffers(random: &mut Random, ctx: &mut Ctx, objects: &mut Objects) {
    let words: Vec<u8> = (0..256u32).flat_map(|n| (n % 7).to_le_bytes()).collect();
    let flags = bind::VERTEX_BUFFER | bind::INDEX_BUFFER | bind::CONSTANT_BUFFER;
    for usage in [usage::DEFAULT, usage::DYNAMIC] {
        let buffer = ctx.buffer(&words, 1024, usage, flags, 0, 0);
        if usage == usage::DYNAMIC && random.once_in(2) {
            let data = ctx.put(&words);
            send!(ctx.ring, PlaceBuffer { data, dst: buffer, reserved: 0 });
        }
        objects.buffers.push(buffer);
    }
    objects.arguments = ctx.buffer(&words, 1024, usage::DEFAULT, 0, misc::DRAWINDIRECT_ARGS, 0);
    // The layer's tracking of hazards does not know where a buffer ends: what lies behind is none that is written meanwhile.
    for bytes in [random.pick(&[1 << 15, 1 << 16]), 1 << 16] {
        let flags = bind::STREAM_OUTPUT | bind::VERTEX_BUFFER;
        let streamed = ctx.buffer(&[], bytes, usage::DEFAULT, flags, 0, 0);
        objects.streamed.push(streamed);
        objects.buffers.push(streamed);
    }
    let flags = bind::SHADER_RESOURCE | bind::UNORDERED_ACCESS;
    let range = ViewRange { dimension: dimension::BUFFER, num_elements: 16, ..Default::default() };
    let typed = ctx.buffer(&words, 1024, usage::DEFAULT, flags, 0, 0);
    let raw = ctx.buffer(&words, 1024, usage::DEFAULT, flags, misc::BUFFER_ALLOW_RAW_VIEWS, 0);
    let stride = random.pick(&[4, 16, 32]);
    let structured = ctx.buffer(&words, 1024, usage::DEFAULT, flags, misc::BUFFER_STRUCTURED, stride);
    let counted = random.pick(&[0, 2, 4]);
    for (buffer, format, flags) in [(typed, 42, 0), (typed, 41, 0), (raw, 39, 1), (structured, 0, 0)] {
        let seen = ctx.view(buffer, view_kind::SHADER_RESOURCE, format, ViewRange { flags, ..range });
        objects.resources.push(seen);
        let flags = if buffer == structured { counted } else { flags };
        objects.unordered.push(ctx.view(
            buffer,
            view_kind::UNORDERED_ACCESS,
            format,
            ViewRange { flags, ..range },
        ));
    }
}

fn make_textures(random: &mut Random, ctx: &mut Ctx, objects: &mut Objects) {
    let side = random.pick(&[4, 16, 33]);
    let samples = if random.once_in(4) { 4 } else { 1 };
    for format in [28, 29, 2, 3, 42, 10, random.pick(&[24, 41, 87, 65, 30, 26])] {
        let id = ctx.id();
        let flags = bind::RENDER_TARGET | bind::SHADER_RESOURCE;
        let desc = texture_2d(id, format, side, random.pick(&[side, 8]), 1, flags, 0);
        let slices = if samples == 1 { random.pick(&[1, 1, 3]) } else { 1 };
        send!(ctx.ring, CreateResource { sample_count: samples, array_size: slices, ..desc });
        let range = ViewRange { array_size: slices, ..range_2d() };
        objects.targets.push(ctx.view(id, view_kind::RENDER_TARGET, format, range));
        objects.resources.push(ctx.view(id, view_kind::SHADER_RESOURCE, format, range));
    }
    for (format, depth, seen) in [(39, 40, 41), (44, 45, 46)] {
        let id = ctx.id();
        let flags = bind::DEPTH_STENCIL | bind::SHADER_RESOURCE;
        let desc = texture_2d(id, format, side, side, 1, flags, 0);
        send!(ctx.ring, CreateResource { sample_count: samples, ..desc });
        let range = ViewRange { flags: random.pick(&[0, 0, 1, 3]), ..range_2d() };
        objects.depths.push(ctx.view(id, view_kind::DEPTH_STENCIL, depth, range));
        // Depth is what a float texture meets most often.
        for _ in 0..2 {
            objects.resources.push(ctx.view(id, view_kind::SHADER_RESOURCE, seen, range_2d()));
        }
        if format == 44 {
            objects.resources.push(ctx.view(id, view_kind::SHADER_RESOURCE, 47, range_2d()));
        }
    }
    for format in [42, 41, 28] {
        let texture = ctx.texture(format, side, side, 1, bind::UNORDERED_ACCESS | bind::SHADER_RESOURCE, 0);
        objects.unordered.push(ctx.view(texture, view_kind::UNORDERED_ACCESS, format, range_2d()));
        objects.resources.push(ctx.view(texture, view_kind::SHADER_RESOURCE, format, range_2d()));
    }
    for (dimension, height, depth, slices) in
        [(dimension::TEXTURE1D, 1, 1, 2), (dimension::TEXTURE3D, 8, 4, 1), (dimension::TEXTURECUBE, 8, 1, 12)]
    {
        let id = ctx.id();
        let desc = texture_2d(id, 28, 8, height, 2, bind::SHADER_RESOURCE, 0);
        send!(ctx.ring, CreateResource { dimension, depth, array_size: slices, ..desc });
        let range = ViewRange { dimension, mip_levels: 2, array_size: slices, ..Default::default() };
        objects.resources.push(ctx.view(id, view_kind::SHADER_RESOURCE, 28, range));
    }
}

fn make_states(random: &mut Random, ctx: &mut Ctx, objects: &mut Objects) {
    for _ in 0..2 {
        let id = ctx.id();
        let mut render_targets = [RenderTargetBlend::default(); 8];
        for target in &mut render_targets {
            // Two sources are left out: the layer counts a depth that is written as one more.
            let factor = |random: &mut Random| random.pick(&[1, 2, 3, 5, 8, 9, 11, 14]);
            *target = RenderTargetBlend {
                blend_enable: random.below(2),
                src_blend: factor(random),
                dest_blend: factor(random),
                blend_op: 1 + random.below(5),
                src_blend_alpha: factor(random),
                dest_blend_alpha: factor(random),
                blend_op_alpha: 1 + random.below(5),
                logic_op_enable: 0,
                logic_op: random.below(16),
                write_mask: random.below(16),
            };
        }
        if random.once_in(4) {
            for target in &mut render_targets {
                (target.blend_enable, target.logic_op_enable) = (0, 1);
            }
        }
        send!(
            ctx.ring,
            CreateBlendState {
                id,
                alpha_to_coverage_enable: random.below(2),
                independent_blend_enable: random.below(2),
                reserved: 0,
                render_targets
            }
        );
        objects.blends.push(id);
        let id = ctx.id();
        let face = |random: &mut Random| StencilFace {
            fail_op: 1 + random.below(8),
            depth_fail_op: 1 + random.below(8),
            pass_op: 1 + random.below(8),
            func: 1 + random.below(8),
        };
        send!(
            ctx.ring,
            CreateDepthStencilState {
                id,
                depth_enable: random.below(2),
                depth_write_mask: random.below(2),
                depth_func: 1 + random.below(8),
                stencil_enable: random.below(2),
                stencil_read_mask: random.below(256),
                stencil_write_mask: random.below(256),
                reserved: 0,
                front_face: face(random),
                back_face: face(random)
            }
        );
        objects.depth_states.push(id);
        let id = ctx.id();
        send!(
            ctx.ring,
            CreateRasterizerState {
                id,
                fill_mode: 2 + random.below(2),
                cull_mode: 1 + random.below(3),
                front_counter_clockwise: random.below(2),
                depth_bias: random.pick(&[0, 1, i32::MIN, i32::MAX]),
                depth_bias_clamp: random.pick(&[0.0, 1.0, -1e30]),
                slope_scaled_depth_bias: random.pick(&[0.0, 3e38, -1.0]),
                depth_clip_enable: random.below(2),
                scissor_enable: random.below(2),
                multisample_enable: random.below(2),
                antialiased_line_enable: random.below(2),
                forced_sample_count: random.pick(&[0, 0, 0, 1, 2, 4, 8, 16])
            }
        );
        objects.rasterizers.push(id);
        let id = ctx.id();
        let mut address = || 1 + random.below(5);
        let [address_u, address_v, address_w] = [address(), address(), address()];
        send!(
            ctx.ring,
            CreateSampler {
                id,
                filter: random.pick(&[0x15, 0x80, 0x55, 0, 0x95, 0x1, 0x4, 0x10]),
                address_u,
                address_v,
                address_w,
                mip_lod_bias: random.pick(&[0.0, -1e9, 1e9]),
                max_anisotropy: random.below(17),
                comparison_func: random.below(9),
                border_color: [0.3, 1e30, -1.0, 0.0],
                min_lod: random.pick(&[0.0, -1e9, 1e9]),
                max_lod: random.pick(&[0.0, -1e9, 1e9])
            }
        );
        objects.samplers.push(id);
        let id = ctx.id();
        let elements: Vec<_> = (0..random.below(8))
            .map(|register| {
                let (format, alignment) = random.pick(&ATTRIBUTES);
                InputElement {
                    input_slot: random.pick(&[0, 0, 1, 2, 31]),
                    aligned_byte_offset: random.below(40) * alignment,
                    format,
                    input_slot_class: random.below(2),
                    instance_data_step_rate: random.pick(&[0, 1, 2, M]),
                    input_register: register,
                }
            })
            .collect();
        send!(ctx.ring, CreateElementLayout { id, reserved: 0, elements: &elements });
        objects.layouts.push(id);
    }
    for kind in [1, 4, 5, 6, 7, 9, 10, 13, 14] {
        let (slot, id) = (ctx.take(128), ctx.id());
        send!(ctx.ring, CreateQuery { slot, id, kind });
        objects.queries.push((id, kind, false));
    }
}

fn make_shaders(random: &mut Random, ctx: &mut Ctx, objects: &mut Objects) {
    for stage in [stage::VERTEX, stage::HULL, stage::DOMAIN, stage::GEOMETRY, stage::PIXEL, stage::COMPUTE] {
        let all: Vec<_> = shaders().iter().filter(|shader| shader.stage == stage).collect();
        for _ in 0..3 {
            let shader = ctx.shader(stage, &random.pick(&all).bytes);
            objects.shaders[stage as usize].push(shader);
        }
    }
    let id = ctx.id();
    let entries: Vec<_> = (0..1 + random.below(4))
        .map(|_| StreamOutputEntry {
            stream: 0,
            buffer: random.below(2),
            register: random.pick(&[0, 1, 2, SO_GAP]),
            mask: random.pick(&[1, 3, 7, 15, 2]),
        })
        .collect();
    send!(
        ctx.ring,
        CreateStreamOutputShader {
            tokens: HeapRange { offset: 0, length: 0 },
            id,
            rasterized_stream: random.pick(&[0, SO_NO_RASTERIZED_STREAM]),
            strides: [64, 64, 64, 64],
            input: &[],
            output: &[],
            entries: &entries
        }
    );
    objects.shaders[stage::GEOMETRY as usize].push(id);
}

/// One of a list, or nothing.
fn maybe(random: &mut Random, list: &[u32]) -> u32 {
    if random.once_in(4) { NONE } else { random.pick(list) }
}

fn bind_inputs(random: &mut Random, ctx: &mut Ctx, objects: &Objects) {
    match random.below(6) {
        0 => {
            let buffers: Vec<_> = (0..1 + random.below(3))
                .map(|_| VertexBufferBinding {
                    buffer: maybe(random, &objects.buffers),
                    stride: random.pick(&[0, 4, 8, 12, 16, 32, 48, 6, 1, 2048]),
                    offset: random.pick(&[0, 0, 16, 4, 1, 1020, 1024, M]),
                })
                .collect();
            let start_slot = random.pick(&[0, 0, 1, 29]);
            send!(ctx.ring, SetVertexBuffers { start_slot, reserved: 0, buffers: &buffers });
        }
        1 => {
            let buffer = maybe(random, &objects.buffers[..2]);
            let offset = random.pick(&[0, 0, 2, 4, 3, 1020, 1024, M]);
            let format = random.pick(&[42, 57]);
            send!(ctx.ring, SetIndexBuffer { buffer, format, offset, reserved: 0 });
        }
        2 => {
            let layout = maybe(random, &objects.layouts);
            send!(ctx.ring, SetInputLayout { layout, reserved: 0 });
        }
        3 => {
            let topology = random.pick(&[0, 1, 2, 3, 4, 4, 5, 10, 11, 12, 13, 33, 35, 36, 64]);
            send!(ctx.ring, SetTopology { topology, reserved: 0 });
        }
        _ => {
            let stage = random.pick(&[0, 0, 1, 2, 3, 4, 4, 5]);
            let shader = maybe(random, &objects.shaders[stage as usize]);
            send!(ctx.ring, SetShader { stage, shader });
        }
    }
}

fn bind_views(random: &mut Random, ctx: &mut Ctx, objects: &Objects) {
    let stage = random.below(6);
    let start_slot = random.pick(&[0, 0, 1, 3]);
    let uav = |random: &mut Random| UavBinding {
        view: maybe(random, &objects.unordered),
        initial_count: random.pick(&[0, 5, M]),
    };
    match random.below(6) {
        0 => {
            let buffers: Vec<_> = (0..1 + random.below(3))
                .map(|_| ConstantBufferBinding {
                    buffer: maybe(random, &objects.buffers[..2]),
                    first_constant: random.pick(&[0, 16, 3, 64, M]),
                    num_constants: random.pick(&[0, 16, 4096]),
                })
                .collect();
            send!(ctx.ring, SetConstantBuffers { stage, start_slot, buffers: &buffers });
        }
        1 | 2 => {
            let views: Vec<_> = (0..1 + random.below(4)).map(|_| maybe(random, &objects.resources)).collect();
            send!(ctx.ring, SetShaderResources { stage, start_slot, views: &views });
        }
        3 => {
            let samplers: Vec<_> = (0..2).map(|_| maybe(random, &objects.samplers)).collect();
            send!(ctx.ring, SetSamplers { stage, start_slot, samplers: &samplers });
        }
        4 => {
            let render_targets: Vec<_> =
                (0..random.below(4)).map(|_| maybe(random, &objects.targets)).collect();
            let uavs: Vec<_> = (0..random.below(3)).map(|_| uav(random)).collect();
            let depth_stencil = maybe(random, &objects.depths);
            let uav_start = random.pick(&[0, 1, 2, 5]);
            send!(
                ctx.ring,
                SetRenderTargets { depth_stencil, uav_start, render_targets: &render_targets, uavs: &uavs }
            );
        }
        _ => {
            let uavs: Vec<_> = (0..1 + random.below(3)).map(|_| uav(random)).collect();
            send!(ctx.ring, SetComputeUavs { start_slot, reserved: 0, uavs: &uavs });
        }
    }
}

fn set_states(random: &mut Random, ctx: &mut Ctx, objects: &mut Objects) {
    match random.below(9) {
        0 => {
            let viewports: Vec<_> = (0..random.below(4))
                .map(|_| Viewport {
                    top_left_x: random.pick(&[0.0, -8.0, 0.5, 1e30, -4e4]),
                    top_left_y: random.pick(&[0.0, 3.0, -1e30]),
                    width: random.pick(&[16.0, 16.0, 0.0, 0.25, 16_384.0, 1e30, -4.0]),
                    height: random.pick(&[16.0, 8.0, 0.0, 3e38]),
                    min_depth: random.pick(&[0.0, -1.0, 0.75]),
                    max_depth: random.pick(&[1.0, 2.0, 0.25]),
                })
                .collect();
            send!(ctx.ring, SetViewports { viewports: &viewports });
        }
        1 => {
            let rects: Vec<_> = (0..random.below(3))
                .map(|_| Rect {
                    left: random.pick(&[0, -5, i32::MIN, 7]),
                    top: random.pick(&[0, 3, i32::MAX]),
                    right: random.pick(&[16, 2, i32::MAX, i32::MIN]),
                    bottom: random.pick(&[16, 1, i32::MAX]),
                })
                .collect();
            send!(ctx.ring, SetScissorRects { rects: &rects });
        }
        2 => {
            let (state, sample_mask) = (maybe(random, &objects.blends), random.pick(&[M, M, 1, 0, 6]));
            send!(ctx.ring, SetBlendState { state, blend_factor: [f32::NAN, 1e30, -2.0, 0.5], sample_mask });
        }
        3 => {
            let state = maybe(random, &objects.depth_states);
            send!(ctx.ring, SetDepthStencilState { state, stencil_ref: M });
        }
        4 => {
            let state = maybe(random, &objects.rasterizers);
            send!(ctx.ring, SetRasterizerState { state, reserved: 0 });
        }
        5 => {
            let targets: Vec<_> = (0..random.below(3))
                .map(|_| StreamOutputTarget {
                    buffer: maybe(random, &objects.streamed),
                    offset: random.pick(&[0, 0, M, 4, 64, 5000, 0x7fff_fffc]),
                })
                .collect();
            send!(ctx.ring, SetStreamOutputTargets { targets: &targets });
        }
        6 | 7 => {
            let index = random.below(objects.queries.len() as u32) as usize;
            let (query, _, begun) = &mut objects.queries[index];
            let query = *query;
            if *begun {
                send!(ctx.ring, EndQuery { query, reserved: 0 });
            } else {
                send!(ctx.ring, BeginQuery { query, reserved: 0 });
            }
            *begun = !*begun;
        }
        _ => {
            let predicates: Vec<u32> = objects
                .queries
                .iter()
                .filter(|(_, kind, _)| matches!(kind, 5 | 7 | 13 | 14))
                .map(|(query, ..)| *query)
                .collect();
            let query = if random.once_in(2) { NONE } else { random.pick(&predicates) };
            send!(
                ctx.ring,
                SetPredication { query, value: random.below(2), hint: random.below(2), reserved: 0 }
            );
        }
    }
}

fn draw(random: &mut Random, ctx: &mut Ctx, objects: &Objects) {
    let count = random.below(13);
    let instance_count = random.pick(&[1, 1, 0, 3]);
    let start_instance = random.pick(&[0, 0, 2, M]);
    match random.below(9) {
        0..=2 => {
            let start_vertex = random.pick(&[0, 0, 3, M, 0x7fff_ffff]);
            send!(ctx.ring, Draw { vertex_count: count, instance_count, start_vertex, start_instance });
        }
        3 | 4 => {
            let (start_index, base_vertex) =
                (random.pick(&[0, 0, 5, 255, M]), random.pick(&[0, 1, i32::MIN, i32::MAX]));
            send!(
                ctx.ring,
                DrawIndexed {
                    index_count: count,
                    instance_count,
                    start_index,
                    base_vertex,
                    start_instance,
                    reserved: 0
                }
            );
        }
        5 => {
            send!(ctx.ring, DrawAuto { reserved: 0 });
        }
        6 => {
            let (kind, offset) = (random.below(3), random.below(64) * 4);
            send!(ctx.ring, DrawIndirect { kind, buffer: objects.arguments, offset, reserved: 0 });
        }
        7 => {
            let [x, y, z] = [random.below(3), random.pick(&[1, 2]), 1];
            send!(ctx.ring, Dispatch { x, y, z, reserved: 0 });
        }
        _ => {
            let (target, depth) = (random.pick(&objects.targets), random.pick(&objects.depths));
            send!(ctx.ring, ClearRenderTargetView { color: [0.5; 4], view: target, reserved: 0 });
            send!(ctx.ring, ClearDepthStencilView { view: depth, flags: 3, depth: 0.5, stencil: 1 });
        }
    }
}

fn case(random: &mut Random, ctx: &mut Ctx) -> String {
    let mut objects = Objects::default();
    make_buffers(random, ctx, &mut objects);
    make_textures(random, ctx, &mut objects);
    make_states(random, ctx, &mut objects);
    make_shaders(random, ctx, &mut objects);
    let vertex = objects.shaders[0][0];
    send!(ctx.ring, SetShader { stage: stage::VERTEX, shader: vertex });
    send!(ctx.ring, SetTopology { topology: 4, reserved: 0 });
    ctx.set_target(objects.targets[0], NONE, 16.0, 16.0);
    for _ in 0..60 {
        match random.below(8) {
            0 | 1 => bind_inputs(random, ctx, &objects),
            2 | 3 => bind_views(random, ctx, &objects),
            4 => set_states(random, ctx, &mut objects),
            5 if random.once_in(10) => {
                ctx.fence();
            }
            _ => draw(random, ctx, &objects),
        }
    }
    String::new()
}

#[test]
fn anything_bound_is_drawn_with_or_not() {
    run(5, 60, 3, case);
}
