//! Resources and views of any shape, made and used at random: most fields are as they should be, some are at the edge of what may be
//! or beyond. What is made is cleared, drawn with, copied, resolved and presented. Each case is a context of its own, which goes on or
//! is poisoned; the layers stay silent, and the worker lives.
//!
//! The numbers come from a fixed seed. `PVGPU_TEST_SEED` takes another one, `PVGPU_TEST_CASES` another count and `PVGPU_TEST_FIRST` leaves out
//! cases; `PVGPU_TEST_TRACE` has each case and command told, to find one that takes the process with it.

use pvgpu_host_backend::vulkan::validation_messages;
use pvgpu_protocol::command::*;

use crate::harness::{Ctx, Guest, HEAP_BYTES, Happened, RING_BYTES, tells};
use crate::scene::{TRIANGLES, bind, everything, set_topology, set_vertices, target};
use crate::send;

/// Bytes of GPU memory for the guest: what is larger is refused before anybody fills it with zeros.
const MEMORY: u64 = 192 << 20;
const M: u32 = u32::MAX;
const HIGH: u32 = 1 << 31;

/// Numbers that look random and are always the same (Marsaglia, "Xorshift RNGs").
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, end: u32) -> u32 {
        (self.next() >> 16) as u32 % end
    }

    pub fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len() as u32) as usize]
    }

    pub fn once_in(&mut self, count: u32) -> bool {
        self.below(count) == 0
    }
}

/// Whether something is as it should not be.
fn odd(random: &mut Random) -> bool {
    random.once_in(120)
}

/// Numbers for sizes: small ones mostly.
fn size(random: &mut Random) -> u32 {
    if odd(random) {
        return random.pick(&[0, 16_384, 16_385, 2048, 2049, 65_536, i32::MAX as u32, HIGH, M]);
    }
    random.pick(&[1, 2, 3, 4, 5, 7, 8, 12, 16, 16, 30, 64])
}

/// A usual number, or one beyond.
fn count(random: &mut Random, usual: &[u32]) -> u32 {
    if odd(random) { random.pick(&[0, 7, 13, 16, 33, 2048, 2049, HIGH, M]) } else { random.pick(usual) }
}

/// Some of several flags.
fn some(random: &mut Random, all: &[u32]) -> u32 {
    let picked = all.iter().filter(|_| random.once_in(3)).fold(0, |flags, flag| flags | flag);
    if random.once_in(60) { picked | 1 << random.below(32) } else { picked }
}

/// Formats whose textures hold depth.
const DEPTHS: [u32; 9] = [19, 20, 39, 40, 41, 44, 45, 53, 55];

/// A format of the same family as a typeless one, or nearly.
fn member(random: &mut Random, format: u32) -> u32 {
    if odd(random) {
        return random.below(120);
    }
    match format {
        19 | 44 => format + 1 + random.below(3),
        1 | 5 | 9 | 15 | 23 | 27 | 33 | 39 | 48 | 53 | 60 | 70 | 73 | 76 | 79 | 82 | 94 | 97 => {
            format + 1 + random.below(5)
        }
        90 | 92 => random.pick(&[87, 88, 91, 93]),
        20 => random.pick(&[20, 21, 22]),
        45 => random.pick(&[45, 46, 47]),
        100..=109 => random.pick(&[28, 30, 35, 42, 49, 56, 61, 62, 11, 24]),
        _ if random.once_in(40) => format.wrapping_add(random.below(5)).wrapping_sub(2),
        _ => format,
    }
}

fn buffer(random: &mut Random, id: u32) -> CreateResource {
    let binds = [
        bind::VERTEX_BUFFER,
        bind::INDEX_BUFFER,
        bind::CONSTANT_BUFFER,
        bind::STREAM_OUTPUT,
        bind::SHADER_RESOURCE,
        bind::RENDER_TARGET,
        bind::UNORDERED_ACCESS,
    ];
    let more = random.pick(&[bind::SHADER_RESOURCE, bind::UNORDERED_ACCESS, bind::RENDER_TARGET, 0]);
    CreateResource {
        id,
        dimension: dimension::BUFFER,
        width: count(random, &[1, 3, 4, 60, 64, 256, 4096, 65_536]),
        height: 1,
        depth: 1,
        mip_levels: 1,
        array_size: 1,
        sample_count: 1,
        usage: random.pick(&[0, 0, 0, 1, 2]),
        bind_flags: some(random, &binds) | more,
        misc_flags: random.pick(&[
            0,
            misc::BUFFER_ALLOW_RAW_VIEWS,
            misc::BUFFER_STRUCTURED,
            misc::BUFFER_STRUCTURED | misc::BUFFER_ALLOW_RAW_VIEWS | misc::DRAWINDIRECT_ARGS,
        ]),
        structure_stride: count(random, &[4, 8, 12, 16, 20, 2048]),
        ..Default::default()
    }
}

fn resource(random: &mut Random, id: u32) -> CreateResource {
    if random.once_in(6) {
        return buffer(random, id);
    }
    let dimension = match random.below(8) {
        0 if odd(random) => random.pick(&[0, dimension::BUFFEREX, 7, M]),
        0 => dimension::TEXTURE1D,
        1 if random.once_in(2) => dimension::TEXTURE3D,
        2 | 3 => dimension::TEXTURECUBE,
        _ => dimension::TEXTURE2D,
    };
    let (format, bind_flags) = if random.once_in(4) {
        (random.pick(&DEPTHS), bind::DEPTH_STENCIL | random.pick(&[0, bind::SHADER_RESOURCE]))
    } else {
        let some = if random.once_in(3) { some(random, &[bind::UNORDERED_ACCESS, bind::PRESENT]) } else { 0 };
        let usual = random.pick(&[
            bind::SHADER_RESOURCE,
            bind::RENDER_TARGET,
            bind::SHADER_RESOURCE | bind::RENDER_TARGET,
        ]);
        let format = match random.below(4) {
            _ if odd(random) => random.pick(&[0, 20, 45, 116, 130, HIGH, M]),
            0 => 1 + random.below(115),
            // Typeless ones, of which much can be seen.
            1 => random.pick(&[1, 9, 15, 23, 27, 33, 39, 48, 53, 60, 90]),
            _ => {
                random.pick(&[2, 10, 24, 28, 29, 30, 34, 36, 41, 42, 49, 54, 56, 61, 62, 65, 71, 83, 87, 88])
            }
        };
        (format, usual | some)
    };
    let width = if (100..=109).contains(&format) { 16 } else { size(random) };
    let (height, depth) = (if width == 16 { 16 } else { size(random) }, size(random));
    let height = match dimension {
        dimension::TEXTURECUBE if !odd(random) => width,
        dimension::TEXTURE1D if !odd(random) => 1,
        _ => height,
    };
    let depth = if dimension == dimension::TEXTURE3D || odd(random) { depth } else { 1 };
    let most = 1 + width.max(height).max(depth).max(1).ilog2();
    let usual = random.pick(&[1, 1, 2, 3, most]).min(most);
    let mip_levels = count(random, &[usual]);
    let array_size = match dimension {
        dimension::TEXTURECUBE => count(random, &[6, 6, 7, 12, 18]),
        dimension::TEXTURE3D if !odd(random) => 1,
        _ => count(random, &[1, 1, 1, 2, 6, 7]),
    };
    let samples = dimension == dimension::TEXTURE2D && mip_levels == 1 && random.once_in(4);
    CreateResource {
        id,
        dimension,
        format,
        width,
        height,
        depth,
        mip_levels,
        array_size,
        sample_count: if samples { count(random, &[4]) } else { count(random, &[1]) },
        sample_quality: if odd(random) { M } else { 0 },
        usage: if odd(random) { 1 + random.below(6) } else { 0 },
        bind_flags,
        misc_flags: some(random, &[misc::AUTO_GEN_MIP_MAP, misc::RESOURCE_CLAMP]),
        structure_stride: 0,
        ..Default::default()
    }
}

fn view(random: &mut Random, of: &CreateResource, id: u32) -> CreateView {
    let kinds = [
        (bind::SHADER_RESOURCE, view_kind::SHADER_RESOURCE),
        (bind::RENDER_TARGET, view_kind::RENDER_TARGET),
        (bind::DEPTH_STENCIL, view_kind::DEPTH_STENCIL),
        (bind::UNORDERED_ACCESS, view_kind::UNORDERED_ACCESS),
    ];
    let allowed: Vec<u32> =
        kinds.iter().filter(|(flag, _)| of.bind_flags & flag != 0).map(|(_, kind)| *kind).collect();
    let kind = if allowed.is_empty() || odd(random) { 1 + random.below(5) } else { random.pick(&allowed) };
    let mip = if odd(random) { count(random, &[1, 2]) } else { random.below(of.mip_levels.clamp(1, 32)) };
    let slice =
        if odd(random) { count(random, &[1, 2, 5, 6]) } else { random.below(of.array_size.clamp(1, 32)) };
    let cube = of.dimension == dimension::TEXTURECUBE && kind == view_kind::SHADER_RESOURCE;
    let slice = if (cube || random.once_in(2)) && !odd(random) { 0 } else { slice };
    let left = |all: u32, first: u32| all.saturating_sub(first).max(1);
    let range = ViewRange {
        dimension: if odd(random) { random.below(8) } else { of.dimension },
        first_element: if random.once_in(8) { count(random, &[1, 2, 4, 16]) } else { 0 },
        num_elements: count(random, &[1, 1, 1, 2, 4]),
        most_detailed_mip: mip,
        mip_levels: count(random, &[1, M, left(of.mip_levels, mip)]),
        first_array_slice: slice,
        array_size: if cube {
            count(random, &[6])
        } else {
            count(random, &[1, M, left(of.array_size, slice)])
        },
        flags: match of.dimension {
            dimension::BUFFER if of.misc_flags & misc::BUFFER_ALLOW_RAW_VIEWS != 0 && random.once_in(2) => 1,
            dimension::BUFFER if of.misc_flags & misc::BUFFER_STRUCTURED != 0 => random.pick(&[0, 2, 4]),
            dimension::BUFFER => 0,
            _ if kind == view_kind::DEPTH_STENCIL => random.below(4),
            _ => count(random, &[0]) & 0xf,
        },
    };
    let format = match (of.dimension, kind) {
        (dimension::BUFFER, _) if range.flags & 1 != 0 => 39,
        (dimension::BUFFER, _) => count(random, &[2, 10, 28, 41, 42, 50, 61]),
        (_, view_kind::DEPTH_STENCIL) if !odd(random) => match of.format {
            19 | 20 => 20,
            39..=43 => 40,
            44..=47 => 45,
            _ => 55,
        },
        (_, view_kind::SHADER_RESOURCE) if of.bind_flags & bind::DEPTH_STENCIL != 0 => match of.format {
            19 | 20 => random.pick(&[21, 22]),
            39..=43 => 41,
            44..=47 => random.pick(&[46, 47]),
            _ => 56,
        },
        _ => member(random, of.format),
    };
    CreateView { id, resource: of.id, kind, format, range }
}

fn a_box(random: &mut Random, of: &CreateResource) -> SubresourceBox {
    let mut edge = |end: u32| match random.below(40) {
        0 | 1 => (random.pick(&[0, 1, 4, end, M]), random.pick(&[0, 1, 4, 8, end, end.wrapping_add(1), M])),
        2..=5 => (end.saturating_sub(4) / 4 * 4, end),
        6..=9 => (0, end.min(4)),
        _ => (0, end),
    };
    let whole = of.sample_count > 1 || of.bind_flags & bind::DEPTH_STENCIL != 0;
    let mut edge = |end: u32| if whole { (0, end) } else { edge(end) };
    let ((left, right), (top, bottom), (front, back)) = (edge(of.width), edge(of.height), edge(of.depth));
    SubresourceBox { left, top, front, right, bottom, back }
}

fn subresource(random: &mut Random, of: &CreateResource) -> u32 {
    let last = of.mip_levels.saturating_mul(of.array_size).saturating_sub(1);
    if random.once_in(4) { count(random, &[0, last, of.mip_levels.min(last)]) } else { 0 }
}

/// Uses a view as what it is, or as something else now and then.
fn use_view(random: &mut Random, ctx: &mut Ctx, view: &CreateView, scene: &Scene) {
    let id = view.id;
    let kind = if odd(random) { 1 + random.below(4) } else { view.kind };
    let rects = [
        Rect { left: -1, top: 0, right: 9, bottom: i32::MAX },
        Rect { left: 3, top: 2, right: 1, bottom: 0 },
    ];
    let color = [0.5, f32::NAN, -1.0, 3e38];
    match kind {
        view_kind::SHADER_RESOURCE => {
            send!(ctx.ring, SetShaderResources { stage: stage::PIXEL, start_slot: 0, views: &[id] });
            ctx.set_target(scene.target, NONE, 16.0, 16.0);
            draw(ctx);
            if random.once_in(3) && scene.generates {
                send!(ctx.ring, GenerateMips { view: id, reserved: 0 });
            }
        }
        view_kind::RENDER_TARGET => {
            send!(ctx.ring, ClearRenderTargetView { color, view: id, reserved: 0 });
            ctx.set_target(id, NONE, 16.0, 16.0);
            draw(ctx);
            send!(ctx.ring, ClearView { color, view: id, reserved: 0, rects: &rects });
            draw(ctx);
        }
        view_kind::DEPTH_STENCIL => {
            let flags = count(random, &[1, 2, 3, 3]) & 7;
            send!(ctx.ring, ClearDepthStencilView { view: id, flags, depth: 0.5, stencil: 7 });
            ctx.set_target(scene.target, id, 16.0, 16.0);
            draw(ctx);
            send!(ctx.ring, ClearView { color, view: id, reserved: 0, rects: &rects });
        }
        _ => {
            let value = [1, M, HIGH, 0x7fc0_0000];
            send!(ctx.ring, ClearUnorderedAccessView { value, view: id, is_float: random.below(2) });
            send!(ctx.ring, ClearView { color, view: id, reserved: 0, rects: &rects });
            let uav = UavBinding { view: id, initial_count: random.pick(&[0, 3, M]) };
            let both = SetRenderTargets {
                depth_stencil: NONE,
                uav_start: 1,
                render_targets: &[scene.target],
                uavs: &[uav],
            };
            send!(ctx.ring, both);
            draw(ctx);
            send!(ctx.ring, SetComputeUavs { start_slot: 0, reserved: 0, uavs: &[uav] });
            send!(ctx.ring, Dispatch { x: 1, y: 1, z: 1, reserved: 0 });
            if view.range.flags & 6 != 0 || odd(random) {
                send!(
                    ctx.ring,
                    CopyStructureCount { dst: view.resource, dst_offset: 4, src_view: id, reserved: 0 }
                );
            }
        }
    }
}

/// Uses a resource, together with another one of the same shape.
fn use_resource(random: &mut Random, ctx: &mut Ctx, of: &CreateResource, other: u32) {
    let (id, src_box) = (of.id, a_box(random, of));
    match random.below(8) {
        0 => {
            send!(ctx.ring, CopyResource { dst: other, src: id });
        }
        1 | 2 => {
            let (dst, src) = random.pick(&[(other, id), (id, id), (id, other)]);
            let copy = CopyRegion {
                dst,
                dst_subresource: subresource(random, of),
                dst_x: if random.once_in(8) { random.pick(&[1, 4, 8, M]) } else { 0 },
                dst_y: if random.once_in(20) { 4 } else { 0 },
                dst_z: if random.once_in(20) { 1 } else { 0 },
                src,
                src_subresource: subresource(random, of),
                src_box,
                reserved: 0,
            };
            send!(ctx.ring, copy);
        }
        3 | 4 => {
            let data = ctx.take(random.pick(&[4096, 1 << 16, 1 << 18, 1 << 20]));
            let row_pitch = random.pick(&[1024, 1024, 1027, 2048, 256, 0, M]);
            let depth_pitch = random.pick(&[16_384, 65_536, 65_532, 65_537, 4096, 0, M]);
            let dst_subresource = subresource(random, of);
            send!(
                ctx.ring,
                UpdateSubresource {
                    data,
                    dst: id,
                    dst_subresource,
                    dst_box: src_box,
                    row_pitch,
                    depth_pitch
                }
            );
        }
        5 if of.sample_count > 1 || odd(random) => {
            let format = member(random, of.format);
            let resolve = ResolveSubresource {
                dst: other,
                dst_subresource: 0,
                src: id,
                src_subresource: 0,
                format,
                reserved: 0,
            };
            send!(ctx.ring, resolve);
        }
        6 if [10, 24, 27, 28, 29, 87, 90, 91].contains(&of.format) || odd(random) => {
            let frame = ctx.take(1 << 16);
            let (width, height) = (of.width, of.height);
            let present = Present {
                frame,
                src: id,
                src_subresource: 0,
                width,
                height,
                row_pitch: 1024,
                flags: 0,
                sequence: 1,
            };
            send!(ctx.ring, present);
        }
        _ => {
            send!(ctx.ring, RotateResourceIdentities { resources: &[id, other] });
            if of.misc_flags & misc::RESOURCE_CLAMP == 0 && !odd(random) {
                return;
            }
            send!(
                ctx.ring,
                SetResourceMinLod { resource: id, min_lod: random.pick(&[0.0, 0.5, 2.25, 1e30]) }
            );
        }
    }
}

fn draw(ctx: &mut Ctx) {
    send!(ctx.ring, Draw { vertex_count: 3, instance_count: 1, start_vertex: 0, start_instance: 0 });
}

/// What each context has besides.
struct Scene {
    target: u32,
    generates: bool,
}

fn scene(ctx: &mut Ctx) -> Scene {
    let (_, target) = target(ctx, 16, 16);
    bind(ctx, stage::VERTEX, "vs_bare");
    bind(ctx, stage::PIXEL, "ps_load");
    bind(ctx, stage::COMPUTE, "cs_groups");
    set_topology(ctx, TRIANGLES);
    set_vertices(ctx, &everything([1.0; 4]));
    Scene { target, generates: false }
}

/// One case; tells it in words.
fn case(random: &mut Random, ctx: &mut Ctx) -> String {
    let mut scene = scene(ctx);
    let mut told = String::new();
    let mut made = resource(random, ctx.id());
    if made.usage == usage::STAGING && !random.once_in(4) {
        (made.heap, made.bind_flags, made.sample_count) = (ctx.take(1 << 18), 0, 1);
    }
    scene.generates = made.misc_flags & misc::AUTO_GEN_MIP_MAP != 0 || odd(random);
    send!(ctx.ring, made);
    told += &format!("{made:?}\n");
    let other = CreateResource { id: ctx.id(), ..made };
    send!(ctx.ring, other);
    for _ in 0..1 + random.below(3) {
        if random.once_in(3) {
            use_resource(random, ctx, &made, other.id);
        }
        let view = view(random, &made, ctx.id());
        told += &format!("  {view:?}\n");
        send!(ctx.ring, view);
        use_view(random, ctx, &view, &scene);
    }
    use_resource(random, ctx, &made, other.id);
    if random.once_in(2) {
        send!(ctx.ring, DestroyObject { id: made.id, reserved: 0 });
        draw(ctx);
    }
    told
}

/// A number from the environment.
fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Has a case executed with each of so many series of numbers. At least one of `share` must not be poisoned.
pub fn run(seed: u64, cases: u64, share: u64, case: impl Fn(&mut Random, &mut Ctx) -> String) {
    let seed = number("PVGPU_TEST_SEED", seed);
    let (trace, first) = (tells(), number("PVGPU_TEST_FIRST", 0));
    let mut guest = Guest::with_memory(MEMORY);
    let ring = guest.take_heap(4096 + RING_BYTES);
    let heap = guest.take_heap(HEAP_BYTES);
    let (mut fine, mut offenders) = (0, Vec::new());
    let cases = number("PVGPU_TEST_CASES", cases);
    let mut messages = validation_messages();
    for index in first..cases {
        let mut random = Random((seed << 32 | index).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        random.next();
        let mut ctx = guest.context_in(1, ring, heap);
        if trace {
            eprintln!("case {index}");
        }
        let told = case(&mut random, &mut ctx);
        if trace {
            eprintln!("{told}");
        }
        let value = ctx.fence();
        let mut poisoned = false;
        guest.wait("the case to end", |guest| {
            poisoned = matches!(guest.poll_event(), Some(Happened::Error { context: 1, .. }));
            poisoned || ctx.completed() == value
        });
        fine += u64::from(!poisoned);
        send!(guest.ring0, DestroyContext { context: 1, reserved: 0 });
        assert_eq!(guest.event(), Happened::Destroyed { context: 1 }, "case {index}: {told}");
        let now = validation_messages();
        if now != messages {
            messages = now;
            offenders.push(format!("case {index}: {told}"));
        }
    }
    assert!(offenders.is_empty(), "the validation layers have complained of\n{}", offenders.join("\n"));
    assert!(fine >= cases / share, "only {fine} of {cases} cases were executed to their end");
    let mut ctx = guest.context_in(1, ring, heap);
    guest.finish(&mut ctx);
    guest.end();
}

#[test]
fn any_resource_is_made_or_refused() {
    run(1, 400, 8, case);
}

#[test]
fn any_other_resource_is_made_or_refused() {
    run(2, 400, 8, case);
}
