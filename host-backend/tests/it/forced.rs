//! Rasterizers with more samples than the render targets (`ForcedSampleCount`).

use pvgpu_protocol::command::*;
use pvgpu_protocol::format;

use crate::harness::{Ctx, Guest, range_2d, texture_2d};
use crate::scene::*;
use crate::send;

const RGBA32_FLOAT: u32 = 2;
const D32: u32 = 40;
const R16_UINT: u32 = 57;
const SIZE: u32 = 16;
/// Wider than the targets, so that what covers them is never clipped: a device may split what it clips, and shade the pixels
/// of the seam for both parts.
const WIDE: Viewport = Viewport {
    top_left_x: 0.0,
    top_left_y: 0.0,
    width: 4.0 * SIZE as f32,
    height: 4.0 * SIZE as f32,
    min_depth: 0.0,
    max_depth: 1.0,
};
/// No blending, all channels.
const PLAIN: RenderTargetBlend = RenderTargetBlend {
    blend_enable: 0,
    logic_op_enable: 0,
    src_blend: 2,
    dest_blend: 1,
    blend_op: 1,
    src_blend_alpha: 2,
    dest_blend_alpha: 1,
    blend_op_alpha: 1,
    logic_op: 4,
    write_mask: 0xf,
};

/// A blend equation for colours and alpha alike.
fn blending(src: u32, dest: u32, op: u32) -> RenderTargetBlend {
    RenderTargetBlend {
        blend_enable: 1,
        src_blend: src,
        dest_blend: dest,
        blend_op: op,
        src_blend_alpha: alpha_factor(src),
        dest_blend_alpha: alpha_factor(dest),
        blend_op_alpha: op,
        ..PLAIN
    }
}

/// Factors of alpha may not name colours.
fn alpha_factor(factor: u32) -> u32 {
    match factor {
        3 | 4 | 16 | 17 => factor + 2,
        9 | 10 => factor - 2,
        other => other,
    }
}

/// Runs a deed where the device merges samples, if it can, and where shaders blend.
fn on_both_roads(deed: impl Fn(Guest)) {
    deed(Guest::new());
    deed(Guest::merging_in_shaders());
}

fn force(ctx: &mut Ctx, forced_sample_count: u32) {
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
}

fn set_blend(ctx: &mut Ctx, target: RenderTargetBlend, factor: [f32; 4], sample_mask: u32) {
    let id = ctx.id();
    send!(
        ctx.ring,
        CreateBlendState {
            id,
            alpha_to_coverage_enable: 0,
            independent_blend_enable: 0,
            reserved: 0,
            render_targets: [target; 8]
        }
    );
    send!(ctx.ring, SetBlendState { blend_factor: factor, state: id, sample_mask });
}

/// A render target of a format, with its view.
fn target_of(ctx: &mut Ctx, format: u32) -> (u32, u32) {
    let texture = ctx.texture(format, SIZE, SIZE, 1, bind::RENDER_TARGET | bind::SHADER_RESOURCE, 0);
    (texture, ctx.view(texture, view_kind::RENDER_TARGET, format, range_2d()))
}

fn set_targets(ctx: &mut Ctx, views: &[u32]) {
    send!(ctx.ring, SetRenderTargets { depth_stencil: NONE, uav_start: 0, render_targets: views, uavs: &[] });
    send!(ctx.ring, SetViewports { viewports: &[WIDE] });
}

/// Binds the shaders and vertices of a drawing.
fn prepare(ctx: &mut Ctx, pixel: &str, vertices: &[Vertex]) {
    bind(ctx, stage::VERTEX, "vs_stage");
    bind(ctx, stage::PIXEL, pixel);
    set_topology(ctx, TRIANGLES);
    set_vertices(ctx, vertices);
}

/// A triangle that covers a target.
fn cover(color: [f32; 4]) -> [Vertex; 3] {
    [vertex_at(-1.0, 1.0, color), vertex_at(1.0, 1.0, color), vertex_at(-1.0, -1.0, color)]
}

/// Such triangles, one for each colour.
fn layers(colors: &[[f32; 4]]) -> Vec<Vertex> {
    colors.iter().flat_map(|color| cover(*color)).collect()
}

const COLORS: [[f32; 4]; 3] = [[0.9, 0.3, 0.1, 0.5], [0.2, 0.6, 0.7, 0.25], [0.4, 0.1, 0.8, 0.75]];
const CORNERS: [[f32; 2]; 3] = [[1.3, 1.9], [14.6, 3.7], [4.2, 13.1]];

/// A triangle by its places in pixels.
fn triangle(corners: [[f32; 2]; 3], color: [f32; 4]) -> [Vertex; 3] {
    let half = WIDE.width / 2.0;
    corners.map(|[x, y]| vertex_at(x / half - 1.0, 1.0 - y / half, color))
}

/// Whether a place is inside of [`CORNERS`], no edge of which goes through a sample.
fn inside([x, y]: [f32; 2]) -> bool {
    (0..3).all(|corner| {
        let ([ax, ay], [bx, by]) = (CORNERS[corner], CORNERS[(corner + 1) % 3]);
        (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0.0
    })
}

/// The places of four samples, in sixteenths from the pixel's corner.
const SAMPLES: [[f32; 2]; 4] = [[6.0, 2.0], [14.0, 6.0], [2.0, 10.0], [10.0, 14.0]];

#[test]
fn shaders_see_which_samples_are_covered() {
    on_both_roads(|mut guest| {
        let mut ctx = guest.context();
        prepare(&mut ctx, "ps_forced.coverage", &triangle(CORNERS, [0.0; 4]));
        let mut places = Vec::new();
        for samples in [0, 1, 4, 8, 16] {
            let (texture, view) = target_of(&mut ctx, RGBA32_FLOAT);
            set_targets(&mut ctx, &[view]);
            force(&mut ctx, samples);
            draw(&mut ctx, 3);
            places.push((samples, ctx.read_back(texture, RGBA32_FLOAT, SIZE, SIZE, 16)));
        }
        guest.finish(&mut ctx);
        for (samples, place) in places {
            let texels = read_floats(&ctx, place);
            let mut partly = 0;
            for (index, texel) in texels.as_chunks::<4>().0.iter().take((SIZE * SIZE) as usize).enumerate() {
                let (x, y) = ((index as u32 % SIZE) as f32, (index as u32 / SIZE) as f32);
                let [count, mask, _, written] = *texel;
                let (count, mask) = (count as u32, mask as u32);
                assert_eq!(count, mask.count_ones());
                assert_eq!(written == 1.0, mask != 0, "{x}, {y}: {texel:?}");
                let hit = |[sx, sy]: [f32; 2]| u32::from(inside([x + sx / 16.0, y + sy / 16.0]));
                match samples {
                    0 | 1 => assert_eq!(mask, hit([8.0, 8.0]), "{x}, {y}"),
                    4 => {
                        let bits = (0..).zip(SAMPLES).fold(0, |bits, (n, place)| bits | hit(place) << n);
                        assert_eq!(mask, bits, "{x}, {y}");
                    }
                    _ => {
                        let corners = [[0.0, 0.0], [16.0, 0.0], [0.0, 16.0], [16.0, 16.0]].map(hit);
                        if corners == [1; 4] {
                            assert_eq!(count, samples, "{x}, {y}");
                        }
                    }
                }
                assert!(count <= samples.max(1), "{count} of {samples}");
                partly += u32::from(count != 0 && count != samples);
            }
            assert!(samples <= 1 || partly > 10, "{partly} pixels of {samples} samples have some");
        }
        guest.end();
    });
}

/// Draws overlapping layers without and with forced samples, and expects the same.
fn compare(guest: &mut Guest, ctx: &mut Ctx, formats: &[u32], equations: &[RenderTargetBlend], pixel: &str) {
    let (factor, mut wrong, mut seen) = ([0.3, 0.8, 0.55, 0.4], Vec::new(), false);
    prepare(ctx, pixel, &layers(&COLORS));
    for format in formats {
        let bytes = format::info(*format).map_or(0, |info| info.block_bytes);
        let mut places = Vec::new();
        for equation in equations {
            set_blend(ctx, *equation, factor, u32::MAX);
            places.push([0, 4].map(|samples| {
                let (texture, view) = target_of(ctx, *format);
                clear(ctx, view, [0.25, 0.5, 0.125, 0.6]);
                set_targets(ctx, &[view]);
                force(ctx, samples);
                draw(ctx, 9);
                ctx.read_back(texture, *format, SIZE, SIZE, bytes)
            }));
        }
        guest.finish(ctx);
        for (equation, [plain, forced]) in equations.iter().zip(places) {
            let (plain, forced) = (ctx.get(plain), ctx.get(forced));
            let texels = (SIZE * SIZE * bytes) as usize;
            let [plain, forced] = [&plain, &forced].map(|all| values(*format, &all[..texels]));
            let off = |(a, b): (&f32, &f32)| (a - b).abs() > tolerance(*format);
            if let Some(place) = plain.iter().zip(&forced).position(off) {
                let around = place / 4 * 4..(place / 4 * 4 + 4).min(plain.len());
                let (plain, forced) = (&plain[around.clone()], &forced[around]);
                let what = format!("value {place} is {forced:?} instead of {plain:?}");
                wrong.push(format!("format {format}, {equation:?}: {what}"));
            }
            seen |= plain.iter().any(|value| *value != 0.0);
        }
    }
    assert!(seen && wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The numbers of texels of a format.
fn values(format: u32, bytes: &[u8]) -> Vec<f32> {
    let dwords = || bytes.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes));
    let words = || bytes.as_chunks::<2>().0.iter().map(|bytes| u16::from_le_bytes(*bytes));
    match format {
        2 | 16 | 41 => dwords().map(f32::from_bits).collect(),
        10 | 34 | 54 => words().map(half).collect(),
        11 | 35 | 56 => words().map(f32::from).collect(),
        13 | 37 | 58 => words().map(|word| f32::from(word.cast_signed())).collect(),
        24 => fields(dwords(), [(0, 10), (10, 10), (20, 10), (30, 2)], |bits| bits as f32),
        26 => fields(dwords(), [(0, 11), (11, 11), (22, 10), (0, 0)], |bits| bits as f32),
        85 => fields(words().map(u32::from), [(0, 5), (5, 6), (11, 5), (0, 0)], |bits| bits as f32),
        86 => fields(words().map(u32::from), [(0, 5), (5, 5), (10, 5), (15, 1)], |bits| bits as f32),
        115 => fields(words().map(u32::from), [(0, 4), (4, 4), (8, 4), (12, 4)], |bits| bits as f32),
        // The fourth channel is no one's.
        88 | 93 => bytes
            .as_chunks::<4>()
            .0
            .iter()
            .flat_map(|[b, g, r, _]| [b, g, r].map(|c| f32::from(*c)))
            .collect(),
        31 | 51 | 63 => bytes.iter().map(|byte| f32::from(byte.cast_signed())).collect(),
        _ => bytes.iter().map(|byte| f32::from(*byte)).collect(),
    }
}

fn fields(texels: impl Iterator<Item = u32>, fields: [(u32, u32); 4], map: fn(u32) -> f32) -> Vec<f32> {
    let field = |texel: u32, (offset, bits): (u32, u32)| map(texel >> offset & ((1 << bits) - 1));
    texels.flat_map(|texel| fields.map(|one| field(texel, one))).collect()
}

fn half(bits: u16) -> f32 {
    let (exponent, mantissa) = (i32::from(bits >> 10 & 31), f32::from(bits & 0x3ff));
    let magnitude = match exponent {
        0 => mantissa / 1024.0 * 2f32.powi(-14),
        _ => (1.0 + mantissa / 1024.0) * 2f32.powi(exponent - 15),
    };
    if bits >> 15 != 0 { -magnitude } else { magnitude }
}

/// Of three layers, each of which may round another way, and some multiply what is there.
fn tolerance(format: u32) -> f32 {
    match format {
        2 | 16 | 41 => 1e-5,
        10 | 34 | 54 => 0.004,
        11 | 13 | 24 | 26 | 29 | 35 | 37 | 56 | 58 | 91 | 93 => 3.01,
        85 | 86 | 115 => 1.01,
        _ => 2.01,
    }
}

#[test]
fn every_format_blends_as_without_forced_samples() {
    on_both_roads(|mut guest| {
        let mut ctx = guest.context();
        let mut formats =
            vec![2, 10, 11, 16, 24, 26, 28, 29, 34, 35, 41, 49, 54, 56, 61, 65, 85, 86, 87, 88, 91, 93];
        // Not every device renders to B4G4R4A4; the one that tests run on by themselves does.
        if std::env::var_os("PVGPU_TEST_GPU").is_none() {
            formats.push(115);
        }
        let equations =
            [PLAIN, blending(5, 6, 1), RenderTargetBlend { write_mask: 0b0110, ..blending(2, 2, 1) }];
        compare(&mut guest, &mut ctx, &formats, &equations, "ps_stage");
        // Not every device blends these by itself.
        let equations = [PLAIN, RenderTargetBlend { write_mask: 0b1101, ..PLAIN }];
        compare(&mut guest, &mut ctx, &[13, 31, 37, 51, 58, 63], &equations, "ps_stage");
        guest.end();
    });
}

#[test]
fn every_factor_and_operation_blends_as_without_forced_samples() {
    on_both_roads(|mut guest| {
        let mut ctx = guest.context();
        let factors = (1..=11).chain([14, 15]);
        let mut equations: Vec<_> =
            factors.flat_map(|one| [blending(one, 4, 1), blending(2, one, 1)]).collect();
        equations.extend([2, 3, 4, 5].map(|op| blending(2, 6, op)));
        equations.extend((0..16).map(|write_mask| RenderTargetBlend { write_mask, ..blending(5, 6, 1) }));
        compare(&mut guest, &mut ctx, &[RGBA8, RGBA32_FLOAT, 88], &equations, "ps_stage");
        guest.end();
    });
}

#[test]
fn two_sources_blend_as_without_forced_samples() {
    on_both_roads(|mut guest| {
        let mut ctx = guest.context();
        let equations = [16, 17, 18, 19].map(|factor| blending(factor, 17, 1));
        compare(&mut guest, &mut ctx, &[RGBA8, 29], &equations, "ps_two");
        guest.end();
    });
}

#[test]
fn integers_take_logic_operations_and_masks() {
    on_both_roads(|mut guest| {
        let mut ctx = guest.context();
        // Two layers of all four samples each, over a target that holds 5.
        prepare(&mut ctx, "ps_forced.bits", &layers(&COLORS[..2]));
        let mut cases = Vec::new();
        let (before, source) = (5u32, 15u32);
        let operations: [fn(u32, u32) -> u32; 16] = [
            |_, _| 0,
            |_, _| u32::MAX,
            |s, _| s,
            |s, _| !s,
            |_, d| d,
            |_, d| !d,
            |s, d| s & d,
            |s, d| !(s & d),
            |s, d| s | d,
            |s, d| !(s | d),
            |s, d| s ^ d,
            |s, d| !(s ^ d),
            |s, d| s & !d,
            |s, d| !s & d,
            |s, d| s | !d,
            |s, d| !s | d,
        ];
        for (op, operation) in (0..).zip(operations) {
            let blend = RenderTargetBlend { logic_op_enable: 1, logic_op: op, ..PLAIN };
            let twice = operation(source, operation(source, before));
            cases.push((R16_UINT, blend, [twice & 0xffff, 0, 0, 0], 1));
        }
        // Channels of 8, 16 and 32 bits; signed ones of 2 bits at least take 15; those of the mask only.
        for format in [3, 4, 12, 14, 17, 18, 30, 32, 36, 38, 42, 43, 50, 52, 57, 59, 62, 64] {
            let info = format::info(format).expect("it exists");
            let count = match format {
                3 | 4 | 12 | 14 | 30 | 32 => 4,
                17 | 18 | 36 | 38 | 50 | 52 => 2,
                _ => 1,
            };
            let blend = RenderTargetBlend { write_mask: 0b0101, ..PLAIN };
            let expected = [source, before, source, before];
            cases.push((format, blend, expected, count));
            assert_eq!(info.block_bytes % count as u32, 0);
        }
        let mut places = Vec::new();
        for (format, blend, ..) in &cases {
            let bytes = format::info(*format).map_or(0, |info| info.block_bytes);
            let (texture, view) = target_of(&mut ctx, *format);
            clear(&mut ctx, view, [before as f32; 4]);
            set_targets(&mut ctx, &[view]);
            set_blend(&mut ctx, *blend, [1.0; 4], u32::MAX);
            force(&mut ctx, 4);
            draw(&mut ctx, 6);
            places.push(ctx.read_back(texture, *format, SIZE, SIZE, bytes));
        }
        guest.finish(&mut ctx);
        for ((format, blend, expected, count), place) in cases.into_iter().zip(places) {
            let bytes = format::info(format).map_or(0, |info| info.block_bytes) as usize;
            for (index, texel) in ctx.get(place).chunks(bytes).take((SIZE * SIZE) as usize).enumerate() {
                let channels: Vec<u32> = texel
                    .chunks(bytes / count)
                    .map(|channel| channel.iter().rev().fold(0, |all, byte| all << 8 | u32::from(*byte)))
                    .collect();
                assert_eq!(channels, expected[..count], "texel {index} of format {format}, {blend:?}");
            }
        }
        guest.end();
    });
}

#[test]
fn partly_covered_pixels_blend_once() {
    on_both_roads(|mut guest| {
        let mut ctx = guest.context();
        let vertices = [triangle(CORNERS, [0.25; 4]), triangle(CORNERS, [0.5; 4])].concat();
        prepare(&mut ctx, "ps_stage", &vertices);
        let (texture, view) = target_of(&mut ctx, RGBA8);
        set_targets(&mut ctx, &[view]);
        set_blend(&mut ctx, blending(2, 2, 1), [1.0; 4], u32::MAX);
        force(&mut ctx, 4);
        draw(&mut ctx, 6);
        let place = ctx.read_back(texture, RGBA8, SIZE, SIZE, 4);
        guest.finish(&mut ctx);
        let texels = Texels::new(&ctx, place, SIZE as usize);
        for (x, y) in (0..SIZE * SIZE).map(|place| (place % SIZE, place / SIZE)) {
            let hit = SAMPLES.iter().any(|[sx, sy]| inside([x as f32 + sx / 16.0, y as f32 + sy / 16.0]));
            let [red, ..] = texels.at(x as usize, y as usize);
            assert!(if hit { (191..=192).contains(&red) } else { red == 0 }, "{x}, {y}: {red}");
        }
        guest.end();
    });
}

/// The sample mask and what a shader writes of coverage are the target's: of one sample.
#[test]
fn masks_are_of_the_targets_samples() {
    on_both_roads(|mut guest| {
        let mut ctx = guest.context();
        let mut places = Vec::new();
        for (mask, pixel) in [
            (1, "ps_stage"),
            (0xffff_fffe, "ps_stage"),
            (u32::MAX, "ps_forced.masked"),
            (u32::MAX, "ps_forced.discarded"),
        ] {
            prepare(&mut ctx, pixel, &cover([1.0; 4]));
            let (texture, view) = target_of(&mut ctx, RGBA8);
            set_targets(&mut ctx, &[view]);
            set_blend(&mut ctx, PLAIN, [1.0; 4], mask);
            force(&mut ctx, 4);
            let query = begin_query(&mut ctx, 1);
            draw(&mut ctx, 3);
            send!(ctx.ring, EndQuery { query: query.0, reserved: 0 });
            places.push((ctx.read_back(texture, RGBA8, SIZE, SIZE, 4), query.1));
        }
        guest.finish(&mut ctx);
        let expected = [(255, 255), (0, 0), (255, 0), (255, 0)];
        for ((place, query), (even, odd)) in places.into_iter().zip(expected) {
            let texels = Texels::new(&ctx, place, SIZE as usize);
            for (x, y) in (0..SIZE as usize).flat_map(|x| (0..SIZE as usize).map(move |y| (x, y))) {
                assert_eq!(texels.at(x, y), [if x % 2 == 0 { even } else { odd }; 4], "{x}, {y}");
            }
            // The rasterizer's samples are counted; those that a mask takes may be, or not.
            let pixels = u64::from(SIZE * SIZE) * (u64::from(even != 0) + u64::from(odd != 0)) / 2;
            let [counted, ..] = words(&ctx, query)[..] else { panic!("no count") };
            assert!([4 * pixels, 4 * u64::from(SIZE * SIZE)].contains(&counted), "{counted} of {pixels}");
        }
        guest.end();
    });
}

#[test]
fn draws_follow_one_another_with_clears_views_and_other_states() {
    on_both_roads(|mut guest| {
        let mut ctx = guest.context();
        let range =
            ViewRange { dimension: dimension::BUFFER, num_elements: 4, flags: 1, ..Default::default() };
        let misc = misc::BUFFER_ALLOW_RAW_VIEWS;
        let counts = ctx.buffer(&[], 16, usage::DEFAULT, bind::UNORDERED_ACCESS, misc, 0);
        let counts_view = ctx.view(counts, view_kind::UNORDERED_ACCESS, 39, range);
        prepare(&mut ctx, "ps_forced.counted", &cover([0.125; 4]));
        let (texture, view) = target_of(&mut ctx, RGBA8);
        // A texture that was rendered to before it is blended into by shaders.
        clear(&mut ctx, view, [0.125; 4]);
        let uavs = [UavBinding { view: counts_view, initial_count: u32::MAX }];
        send!(
            ctx.ring,
            SetRenderTargets { depth_stencil: NONE, uav_start: 2, render_targets: &[view], uavs: &uavs }
        );
        send!(ctx.ring, SetViewports { viewports: &[WIDE] });
        set_blend(&mut ctx, blending(2, 2, 1), [1.0; 4], u32::MAX);
        for samples in [4, 4, 0, 8] {
            force(&mut ctx, samples);
            draw(&mut ctx, 3);
        }
        let sum = ctx.read_back(texture, RGBA8, SIZE, SIZE, 4);
        // In the middle of such a pass, and before it.
        draw(&mut ctx, 3);
        clear(&mut ctx, view, [0.0; 4]);
        draw(&mut ctx, 3);
        let cleared = ctx.read_back(texture, RGBA8, SIZE, SIZE, 4);
        // Half of the blend factor of then.
        set_blend(&mut ctx, blending(14, 1, 1), [0.5, 1.0, 0.25, 1.0], u32::MAX);
        draw(&mut ctx, 3);
        set_blend(&mut ctx, blending(14, 2, 1), [1.0, 0.5, 0.5, 1.0], u32::MAX);
        draw(&mut ctx, 3);
        let scaled = ctx.read_back(texture, RGBA8, SIZE, SIZE, 4);
        let counted = ctx.read_back_buffer(counts, 16);
        guest.finish(&mut ctx);
        let near = |place, expected: [u8; 4]| {
            let found = Texels::new(&ctx, place, SIZE as usize).at(7, 9);
            let off = found.iter().zip(expected).any(|(a, b)| a.abs_diff(b) > 2);
            assert!(!off, "{found:?} instead of {expected:?}");
        };
        near(sum, [159; 4]);
        near(cleared, [32; 4]);
        near(scaled, [48, 48, 24, 64]);
        let pixels = SIZE * SIZE;
        // Drivers may shade a few pixels that no sample lies in.
        let shaded = dwords(&ctx, counted)[1];
        assert!((8 * pixels..16 * pixels).contains(&shaded), "{shaded}: once for each pixel");
        guest.end();
    });
}

#[test]
fn several_targets_and_layers_are_blended_into() {
    on_both_roads(|mut guest| {
        let mut ctx = guest.context();
        prepare(&mut ctx, "ps_two", &cover([0.5, 0.25, 1.0, 0.5]));
        let (first, first_view) = target_of(&mut ctx, RGBA8);
        let layered = ctx.id();
        let many = CreateResource {
            array_size: 3,
            ..texture_2d(layered, 10, SIZE, SIZE, 1, bind::RENDER_TARGET | bind::SHADER_RESOURCE, 0)
        };
        send!(ctx.ring, many);
        let range = ViewRange { first_array_slice: 1, array_size: 2, ..range_2d() };
        let second_view = ctx.view(layered, view_kind::RENDER_TARGET, 10, range);
        set_targets(&mut ctx, &[first_view, second_view]);
        set_blend(&mut ctx, blending(2, 2, 1), [1.0; 4], u32::MAX);
        force(&mut ctx, 4);
        draw(&mut ctx, 3);
        let slice = ctx.texture(10, SIZE, SIZE, 1, bind::SHADER_RESOURCE, 0);
        let places = [0, 1, 2].map(|src_subresource| {
            let src_box = SubresourceBox { right: SIZE, bottom: SIZE, back: 1, ..Default::default() };
            send!(
                ctx.ring,
                CopyRegion {
                    dst: slice,
                    dst_subresource: 0,
                    dst_x: 0,
                    dst_y: 0,
                    dst_z: 0,
                    src: layered,
                    src_subresource,
                    src_box,
                    reserved: 0
                }
            );
            ctx.read_back(slice, 10, SIZE, SIZE, 8)
        });
        let place = ctx.read_back(first, RGBA8, SIZE, SIZE, 4);
        guest.finish(&mut ctx);
        let [before, there, behind] = places.map(|place| values(10, &ctx.get(place))[..4].to_vec());
        assert_eq!((before, behind), (vec![0.0; 4], vec![0.0; 4]));
        assert_eq!(there, [0.25, 0.125, 0.5, 0.25]);
        // A half has two nearest bytes.
        let [r, g, b, a] = Texels::new(&ctx, place, SIZE as usize).at(3, 4);
        assert!([r, a].iter().all(|half| [127, 128].contains(half)), "{r} {a}");
        assert_eq!((g, b), (64, 255));
        guest.end();
    });
}

/// What Direct3D leaves undefined is drawn somehow, and nobody complains.
#[test]
fn states_that_are_not_allowed_do_no_harm() {
    on_both_roads(|mut guest| {
        let mut ctx = guest.context();
        let (texture, view) = target_of(&mut ctx, RGBA8);
        let depth = ctx.texture(D32, SIZE, SIZE, 1, bind::DEPTH_STENCIL, 0);
        let depth_view = ctx.view(depth, view_kind::DEPTH_STENCIL, D32, range_2d());
        let several = ctx.id();
        let four = CreateResource {
            sample_count: 4,
            ..texture_2d(several, RGBA8, SIZE, SIZE, 1, bind::RENDER_TARGET, 0)
        };
        send!(ctx.ring, four);
        let several_view = ctx.view(several, view_kind::RENDER_TARGET, RGBA8, range_2d());
        let volume = ctx.id();
        send!(
            ctx.ring,
            CreateResource {
                dimension: dimension::TEXTURE3D,
                depth: 4,
                ..texture_2d(volume, RGBA8, SIZE, SIZE, 1, bind::RENDER_TARGET, 0)
            }
        );
        let slices = ViewRange { dimension: dimension::TEXTURE3D, array_size: 2, ..range_2d() };
        let volume_view = ctx.view(volume, view_kind::RENDER_TARGET, RGBA8, slices);
        let half = ctx.texture(RGBA8, SIZE / 2, SIZE / 2, 1, bind::RENDER_TARGET, 0);
        let half_view = ctx.view(half, view_kind::RENDER_TARGET, RGBA8, range_2d());
        set_blend(&mut ctx, blending(5, 6, 1), [1.0; 4], u32::MAX);
        for samples in [1, 4, 16] {
            force(&mut ctx, samples);
            for (pixel, depth_stencil, targets) in [
                ("ps_stage", depth_view, &[view][..]),
                ("ps_stage", depth_view, &[][..]),
                ("ps_stage", NONE, &[several_view][..]),
                ("ps_stage", NONE, &[volume_view][..]),
                ("ps_two", NONE, &[view, half_view][..]),
                ("ps_two", NONE, &[NONE, view][..]),
                ("ps_forced.sampled", NONE, &[view][..]),
                ("ps_forced.coverage", NONE, &[][..]),
            ] {
                prepare(&mut ctx, pixel, &cover([1.0; 4]));
                send!(
                    ctx.ring,
                    SetRenderTargets { depth_stencil, uav_start: 0, render_targets: targets, uavs: &[] }
                );
                send!(ctx.ring, SetViewports { viewports: &[WIDE] });
                draw(&mut ctx, 3);
            }
            // No pixel shader.
            unbind(&mut ctx, stage::PIXEL);
            set_targets(&mut ctx, &[view]);
            draw(&mut ctx, 3);
        }
        clear(&mut ctx, view, [1.0, 0.2, 0.0, 1.0]);
        let place = ctx.read_back(texture, RGBA8, SIZE, SIZE, 4);
        guest.finish(&mut ctx);
        assert_eq!(Texels::new(&ctx, place, SIZE as usize).at(15, 15), [255, 51, 0, 255]);
        guest.end();
    });
}
