//! Formats, copies, clears and resolves of every kind: bytes in, bytes out.

use pvgpu_protocol::command::*;
use pvgpu_protocol::staging::Shape;

use crate::harness::{Ctx, Guest, range_2d, texture_2d};
use crate::send;

const R32_FLOAT: u32 = 41;
const R32_UINT: u32 = 42;
const RGBA8_TYPELESS: u32 = 27;
const RGBA8: u32 = 28;
const RGBA8_SRGB: u32 = 29;
const RGBA8_UINT: u32 = 30;
const D24S8: u32 = 45;
const D32S8: u32 = 20;
const D32: u32 = 40;
const A8: u32 = 65;
const R8G8_B8G8: u32 = 68;
const BC1: u32 = 71;
const RGBA16_UINT: u32 = 12;
const NV12: u32 = 103;
const YUY2: u32 = 107;

/// Runs a deed with the heap imported into Vulkan, and with copies in between.
fn on_both_roads(deed: impl Fn(Guest)) {
    deed(Guest::new());
    deed(Guest::bouncing());
}

fn whole(width: u32, height: u32, depth: u32) -> SubresourceBox {
    SubresourceBox { right: width, bottom: height, back: depth, ..Default::default() }
}

/// A staging texture of the same description; gives its number and the bytes of its first subresource.
fn staging(ctx: &mut Ctx, desc: CreateResource) -> (u32, HeapRange) {
    let format = pvgpu_protocol::format::info(desc.format).expect("known");
    let shape = Shape {
        width: desc.width,
        height: desc.height,
        depth: desc.depth,
        mip_levels: desc.mip_levels,
        array_size: desc.array_size,
    };
    let total = shape.total_bytes(format).expect("small");
    let heap = ctx.take(total);
    let id = ctx.id();
    send!(
        ctx.ring,
        CreateResource {
            id,
            heap,
            usage: usage::STAGING,
            bind_flags: 0,
            misc_flags: 0,
            sample_count: 1,
            ..desc
        }
    );
    let length = shape.subresource(format, 0).expect("it exists").length;
    (id, HeapRange { length, ..heap })
}

/// Writes all of a subresource from tight rows.
fn update(ctx: &mut Ctx, dst: u32, dst_subresource: u32, size: [u32; 3], row_pitch: u32, bytes: &[u8]) {
    let data = ctx.put(bytes);
    let [width, height, depth] = size;
    let depth_pitch = bytes.len() as u32 / depth;
    send!(
        ctx.ring,
        UpdateSubresource {
            data,
            dst,
            dst_subresource,
            dst_box: whole(width, height, depth),
            row_pitch,
            depth_pitch
        }
    );
}

/// Copies all of a 2D texture's only subresource into a new staging texture.
fn read_all(ctx: &mut Ctx, src: u32, desc: CreateResource) -> HeapRange {
    let (copy, place) = staging(ctx, desc);
    send!(ctx.ring, CopyResource { dst: copy, src });
    place
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n * 37 + n / 7 + 11) as u8).collect()
}

fn range_3d(first: u32, count: u32) -> ViewRange {
    ViewRange {
        dimension: dimension::TEXTURE3D,
        mip_levels: 1,
        first_array_slice: first,
        array_size: count,
        ..Default::default()
    }
}

#[test]
fn bytes_of_every_format_come_back() {
    on_both_roads(|mut guest| {
        let mut ctx = guest.context();
        let mut places = Vec::new();
        let typed =
            [2, 3, 5, 6, 8, 10, 11, 16, 24, 25, 26, 28, 29, 34, 41, 42, 45, 49, 54, 55, 56, 61, A8, 67];
        let odd =
            [R8G8_B8G8, 69, BC1, 77, 80, 95, 98, 85, 86, 87, 88, 115, 89, D32, NV12, YUY2, 100, 102, 104];
        let typeless = [1, 9, 15, 19, 23, 27, 33, 39, 44, 48, 53, 60, 70, 79, 90, 92, 97];
        for format in typed.into_iter().chain(odd).chain(typeless) {
            let info = pvgpu_protocol::format::info(format).expect("known");
            let id = ctx.id();
            let desc = texture_2d(id, format, 8, 8, 1, 0, 0);
            send!(ctx.ring, desc);
            let row = 8 / info.block_width * info.block_bytes;
            let rows = info.rows(8);
            let mut bytes = pattern((row * rows) as usize);
            if matches!(format, 19 | D32S8) {
                // The unused bytes are not kept.
                bytes.chunks_mut(8).for_each(|texel| texel[5..].fill(0));
            }
            if matches!(format, D32 | 19) {
                // Depths are numbers that a copy may not change, NaN among them perhaps.
                let step = info.block_bytes as usize;
                bytes.chunks_mut(step).for_each(|texel| texel[..4].copy_from_slice(&0.25f32.to_le_bytes()));
            }
            update(&mut ctx, id, 0, [8, 8, 1], row, &bytes);
            places.push((format, read_all(&mut ctx, id, desc), bytes));
        }
        guest.finish(&mut ctx);
        for (format, place, bytes) in places {
            assert_eq!(ctx.get(place), bytes, "format {format}");
        }
        guest.end();
    });
}

#[test]
fn depth_and_stencil_travel_together() {
    on_both_roads(|mut guest| {
        let mut ctx = guest.context();
        let mut found = Vec::new();
        for format in [D24S8, D32S8] {
            let id = ctx.id();
            let desc = texture_2d(id, format, 4, 4, 1, bind::DEPTH_STENCIL, 0);
            send!(ctx.ring, desc);
            let view = ctx.view(id, view_kind::DEPTH_STENCIL, format, range_2d());
            send!(ctx.ring, ClearDepthStencilView { view, flags: 3, depth: 1.0, stencil: 0x5a });
            let cleared = read_all(&mut ctx, id, desc);
            // Out, and into another texture by way of memory.
            let (copy, _) = staging(&mut ctx, desc);
            send!(ctx.ring, CopyResource { dst: copy, src: id });
            let other = ctx.id();
            send!(ctx.ring, CreateResource { id: other, ..desc });
            send!(ctx.ring, CopyResource { dst: other, src: copy });
            let (second, place) = staging(&mut ctx, desc);
            send!(ctx.ring, CopyResource { dst: second, src: other });
            // And from one staging texture to the next, which the CPU has written late.
            let (third, last) = staging(&mut ctx, desc);
            send!(ctx.ring, CopyResource { dst: third, src: second });
            found.push((format, [cleared, place, last]));
        }
        guest.finish(&mut ctx);
        for (format, places) in found {
            let texel = if format == D24S8 {
                0x5aff_ffff_u32.to_le_bytes().to_vec()
            } else {
                [1.0f32.to_le_bytes(), [0x5a, 0, 0, 0]].concat()
            };
            for (index, place) in places.into_iter().enumerate() {
                assert_eq!(ctx.get(place), texel.repeat(16), "format {format}, copy {index}");
            }
        }
        guest.end();
    });
}

#[test]
fn copies_overlap_as_if_all_was_read_first() {
    on_both_roads(|mut guest| {
        let mut ctx = guest.context();
        let id = ctx.id();
        let desc = texture_2d(id, RGBA8, 8, 1, 1, 0, 0);
        send!(ctx.ring, desc);
        let bytes = pattern(32);
        update(&mut ctx, id, 0, [8, 1, 1], 32, &bytes);
        let shift = |id| CopyRegion {
            dst: id,
            dst_subresource: 0,
            dst_x: 2,
            dst_y: 0,
            dst_z: 0,
            src: id,
            src_subresource: 0,
            src_box: whole(6, 1, 1),
            reserved: 0,
        };
        send!(ctx.ring, shift(id));
        let texture = read_all(&mut ctx, id, desc);
        let buffer = ctx.buffer(&bytes, 32, usage::DEFAULT, bind::VERTEX_BUFFER, 0, 0);
        send!(ctx.ring, CopyRegion { dst_x: 8, src_box: whole(24, 1, 1), ..shift(buffer) });
        let buffer = ctx.read_back_buffer(buffer, 32);
        let (memory, place) = staging(&mut ctx, desc);
        send!(ctx.ring, CopyResource { dst: memory, src: id });
        send!(ctx.ring, shift(memory));
        guest.finish(&mut ctx);
        let once = [&bytes[..8], &bytes[..24]].concat();
        assert_eq!(ctx.get(texture), once);
        assert_eq!(ctx.get(buffer), once);
        assert_eq!(ctx.get(place), [&once[..8], &once[..24]].concat());
        guest.end();
    });
}

#[test]
fn copies_connect_blocks_texels_lines_and_volumes() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let bytes = pattern(4 * 8);
    // Two by two blocks of 8 bytes are two by two texels of 8 bytes.
    let (blocks, texels) = (ctx.id(), ctx.id());
    let block_desc = texture_2d(blocks, BC1, 8, 8, 1, 0, 0);
    let texel_desc = texture_2d(texels, RGBA16_UINT, 2, 2, 1, 0, 0);
    send!(ctx.ring, block_desc);
    send!(ctx.ring, texel_desc);
    update(&mut ctx, blocks, 0, [8, 8, 1], 16, &bytes);
    let copy = |dst, src, src_box| CopyRegion {
        dst,
        dst_subresource: 0,
        dst_x: 0,
        dst_y: 0,
        dst_z: 0,
        src,
        src_subresource: 0,
        src_box,
        reserved: 0,
    };
    send!(ctx.ring, copy(texels, blocks, whole(8, 8, 1)));
    let as_texels = read_all(&mut ctx, texels, texel_desc);
    let again = ctx.id();
    send!(ctx.ring, CreateResource { id: again, ..block_desc });
    send!(ctx.ring, copy(again, texels, whole(2, 2, 1)));
    let as_blocks = read_all(&mut ctx, again, block_desc);
    // A line to a plane, a slice of a volume to a plane and back.
    let line = ctx.id();
    let line_desc =
        CreateResource { dimension: dimension::TEXTURE1D, ..texture_2d(line, RGBA16_UINT, 4, 1, 1, 0, 0) };
    send!(ctx.ring, line_desc);
    update(&mut ctx, line, 0, [4, 1, 1], 32, &bytes);
    let plane = ctx.id();
    let plane_desc = texture_2d(plane, RGBA16_UINT, 4, 1, 1, 0, 0);
    send!(ctx.ring, plane_desc);
    send!(ctx.ring, copy(plane, line, whole(4, 1, 1)));
    let from_line = read_all(&mut ctx, plane, plane_desc);
    let volume = ctx.id();
    let volume_desc = CreateResource {
        dimension: dimension::TEXTURE3D,
        depth: 3,
        ..texture_2d(volume, RGBA16_UINT, 4, 1, 1, 0, 0)
    };
    send!(ctx.ring, volume_desc);
    send!(ctx.ring, CopyRegion { dst_z: 2, ..copy(volume, plane, whole(4, 1, 1)) });
    let slice = SubresourceBox { front: 2, back: 3, ..whole(4, 1, 1) };
    let back = ctx.id();
    send!(ctx.ring, CreateResource { id: back, ..plane_desc });
    send!(ctx.ring, copy(back, volume, slice));
    let from_volume = read_all(&mut ctx, back, plane_desc);
    let all = read_all(&mut ctx, volume, volume_desc);
    guest.finish(&mut ctx);
    for (what, place) in
        [("texels", as_texels), ("blocks", as_blocks), ("line", from_line), ("volume", from_volume)]
    {
        assert_eq!(ctx.get(place), bytes, "{what}");
    }
    assert_eq!(ctx.get(all), [vec![0; 64], bytes].concat());
    guest.end();
}

#[test]
fn clear_view_takes_rectangles() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let id = ctx.texture(RGBA8, 8, 4, 1, bind::RENDER_TARGET, 0);
    let view = ctx.view(id, view_kind::RENDER_TARGET, RGBA8, range_2d());
    let rects = [
        Rect { left: -3, top: 1, right: 2, bottom: 3 },
        Rect { left: 6, top: 0, right: 99, bottom: 1 },
        Rect { left: 5, top: 2, right: 4, bottom: 3 },
    ];
    let white = [1.0; 4];
    send!(ctx.ring, ClearView { color: white, view, reserved: 0, rects: &rects });
    let color = ctx.read_back(id, RGBA8, 8, 4, 4);
    // The same while it is bound and a pass is open.
    ctx.set_target(view, NONE, 8.0, 4.0);
    send!(ctx.ring, ClearRenderTargetView { color: [0.0; 4], view, reserved: 0 });
    send!(ctx.ring, ClearView { color: white, view, reserved: 0, rects: &rects });
    let bound = ctx.read_back(id, RGBA8, 8, 4, 4);
    let depth = ctx.texture(D32, 8, 4, 1, bind::DEPTH_STENCIL, 0);
    let dsv = ctx.view(depth, view_kind::DEPTH_STENCIL, D32, range_2d());
    send!(ctx.ring, ClearView { color: [0.5, 9.0, 9.0, 9.0], view: dsv, reserved: 0, rects: &rects });
    let depth = ctx.read_back(depth, D32, 8, 4, 4);
    let image = ctx.texture(RGBA8, 8, 4, 1, bind::UNORDERED_ACCESS, 0);
    let uav = ctx.view(image, view_kind::UNORDERED_ACCESS, RGBA8, range_2d());
    send!(ctx.ring, ClearView { color: white, view: uav, reserved: 0, rects: &rects });
    let image = ctx.read_back(image, RGBA8, 8, 4, 4);
    let buffer = ctx.buffer(&[], 64, usage::DEFAULT, bind::UNORDERED_ACCESS, 0, 0);
    let range =
        ViewRange { dimension: dimension::BUFFER, first_element: 4, num_elements: 8, ..Default::default() };
    let uav = ctx.view(buffer, view_kind::UNORDERED_ACCESS, R32_FLOAT, range);
    let part = [Rect { left: 2, top: 0, right: 100, bottom: 1 }];
    send!(ctx.ring, ClearView { color: [2.0; 4], view: uav, reserved: 0, rects: &part });
    let buffer = ctx.read_back_buffer(buffer, 64);
    // All of it when there are none.
    send!(ctx.ring, ClearView { color: [0.0, 1.0, 0.0, 1.0], view, reserved: 0, rects: &[] });
    let all = ctx.read_back(id, RGBA8, 8, 4, 4);
    guest.finish(&mut ctx);
    let inside = |x: usize, y: usize| (x < 2 && (1..3).contains(&y)) || x >= 6 && y == 0;
    for (name, place, value) in [
        ("color", color, [255; 4]),
        ("bound", bound, [255; 4]),
        ("depth", depth, 0.5f32.to_le_bytes()),
        ("image", image, [255; 4]),
    ] {
        for (index, texel) in ctx.get(place).as_chunks::<4>().0.iter().take(32).enumerate() {
            let expected = if inside(index % 8, index / 8) { value } else { [0; 4] };
            assert_eq!(*texel, expected, "{name} at {}, {}", index % 8, index / 8);
        }
    }
    for (index, element) in ctx.get(buffer).as_chunks::<4>().0.iter().enumerate() {
        let expected = if (6..12).contains(&index) { 2.0f32 } else { 0.0 };
        assert_eq!(f32::from_le_bytes(*element), expected, "element {index}");
    }
    assert!(ctx.get(all).as_chunks::<4>().0.iter().take(32).all(|texel| *texel == [0, 255, 0, 255]));
    guest.end();
}

#[test]
fn unordered_access_is_cleared_in_every_format() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let float = |values: [f32; 4]| values.map(f32::to_bits);
    // Format, value, whether it is floats, the texel.
    let cases: [(u32, [u32; 4], bool, &[u8]); 9] = [
        (36, [0x12345, 2, 3, 4], false, &[0x45, 0x23, 2, 0]),
        (35, [1, 2, 3, 4], false, &[1, 0, 2, 0]),
        (34, [1, 2, 3, 4], false, &[1, 0, 2, 0]),
        (RGBA8_UINT, [0x123, 0, 0, 0], false, &[0x23, 0, 0, 0]),
        (26, [1, 2, 3, 4], false, &[0x01, 0x10, 0xc0, 0]),
        (26, float([0.5, 0.0, -1.0, 0.5]), true, &[0x80, 0x03, 0, 0]),
        (RGBA8, float([0.0, 0.0, 1.0, 1.0]), true, &[0, 0, 255, 255]),
        (31, float([-1.0, 0.0, 1.0, 1.0]), true, &[0x81, 0, 127, 127]),
        (24, [1023, 0, 1, 3], false, &[0xff, 0x03, 0x10, 0xc0]),
    ];
    let mut places = Vec::new();
    for (format, value, is_float, texel) in cases {
        for resource_format in [format, if matches!(format, 28..=32) { RGBA8_TYPELESS } else { format }] {
            let id = ctx.texture(resource_format, 5, 3, 1, bind::UNORDERED_ACCESS, 0);
            let view = ctx.view(id, view_kind::UNORDERED_ACCESS, format, range_2d());
            let is_float = u32::from(is_float);
            send!(ctx.ring, ClearUnorderedAccessView { value, view, is_float });
            places.push((format, ctx.read_back(id, resource_format, 5, 3, 4), texel.repeat(15)));
        }
    }
    // Some slices of a volume, and as another format.
    let volume = ctx.id();
    let desc = CreateResource {
        dimension: dimension::TEXTURE3D,
        depth: 4,
        ..texture_2d(volume, RGBA8_TYPELESS, 2, 2, 1, bind::UNORDERED_ACCESS, 0)
    };
    send!(ctx.ring, desc);
    let view = ctx.view(volume, view_kind::UNORDERED_ACCESS, R32_UINT, range_3d(1, 2));
    send!(ctx.ring, ClearUnorderedAccessView { value: [0x0403_0201, 0, 0, 0], view, is_float: 0 });
    places.push((
        R32_UINT,
        read_all(&mut ctx, volume, desc),
        [vec![0; 16], [1, 2, 3, 4].repeat(8), vec![0; 16]].concat(),
    ));
    // A band is smaller than this.
    let wide = ctx.texture(34, 1024, 600, 1, bind::UNORDERED_ACCESS, 0);
    let view = ctx.view(wide, view_kind::UNORDERED_ACCESS, 34, range_2d());
    send!(ctx.ring, ClearUnorderedAccessView { value: [7, 9, 0, 0], view, is_float: 0 });
    places.push((34, ctx.read_back(wide, 34, 1024, 600, 4), [7, 0, 9, 0].repeat(1024 * 600)));
    guest.finish(&mut ctx);
    for (format, place, expected) in places {
        assert_eq!(ctx.get(place)[..expected.len()], expected, "format {format}");
    }
    guest.end();
}

#[test]
fn resolves_average_in_the_format_asked_for() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let mut places = Vec::new();
    for (rtv_format, format, color, expected) in [
        (RGBA8, RGBA8, [0.0, 1.0, 0.0, 1.0], [0, 255, 0, 255]),
        (RGBA8_SRGB, RGBA8_SRGB, [0.0, 0.5, 0.0, 1.0], [0, 188, 0, 255]),
        (RGBA8_UINT, RGBA8_UINT, [1.0, 2.0, 3.0, 4.0], [1, 2, 3, 4]),
    ] {
        let source = ctx.id();
        let desc = texture_2d(source, RGBA8_TYPELESS, 4, 4, 1, bind::RENDER_TARGET, 0);
        send!(ctx.ring, CreateResource { sample_count: 4, ..desc });
        let view = ctx.view(source, view_kind::RENDER_TARGET, rtv_format, range_2d());
        send!(ctx.ring, ClearRenderTargetView { color, view, reserved: 0 });
        let target = ctx.texture(RGBA8_TYPELESS, 4, 4, 1, bind::SHADER_RESOURCE, 0);
        send!(
            ctx.ring,
            ResolveSubresource {
                dst: target,
                dst_subresource: 0,
                src: source,
                src_subresource: 0,
                format,
                reserved: 0
            }
        );
        places.push((format, ctx.read_back(target, RGBA8_TYPELESS, 4, 4, 4), expected));
    }
    guest.finish(&mut ctx);
    for (format, place, expected) in places {
        for texel in ctx.get(place).as_chunks::<4>().0.iter().take(16) {
            let close = texel.iter().zip(expected).all(|(found, expected)| found.abs_diff(expected) <= 1);
            assert!(close, "format {format}: {texel:?}, not {expected:?}");
        }
    }
    guest.end();
}

#[test]
fn mips_are_made_in_the_format_of_the_view() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let mut places = Vec::new();
    // Black and white in turn: the mean is half the light, which sRGB encodes as 188.
    let stripes = [[0, 0, 0, 255], [255; 4]].concat().repeat(2 * 4);
    for (resource_format, format, expected) in
        [(RGBA8, RGBA8, 128), (RGBA8_SRGB, RGBA8_SRGB, 188), (RGBA8_TYPELESS, RGBA8_SRGB, 188)]
    {
        let both = bind::SHADER_RESOURCE | bind::RENDER_TARGET;
        let id = ctx.texture(resource_format, 4, 4, 3, both, misc::AUTO_GEN_MIP_MAP);
        update(&mut ctx, id, 0, [4, 4, 1], 16, &stripes);
        let range = ViewRange { mip_levels: u32::MAX, ..range_2d() };
        let view = ctx.view(id, view_kind::SHADER_RESOURCE, format, range);
        send!(ctx.ring, GenerateMips { view, reserved: 0 });
        let small = ctx.id();
        let desc = texture_2d(small, resource_format, 2, 2, 1, 0, 0);
        send!(ctx.ring, desc);
        send!(
            ctx.ring,
            CopyRegion {
                dst: small,
                dst_subresource: 0,
                dst_x: 0,
                dst_y: 0,
                dst_z: 0,
                src: id,
                src_subresource: 1,
                src_box: whole(2, 2, 1),
                reserved: 0
            }
        );
        places.push((resource_format, format, read_all(&mut ctx, small, desc), expected));
    }
    guest.finish(&mut ctx);
    for (resource_format, format, place, expected) in places {
        for texel in ctx.get(place).as_chunks::<4>().0 {
            assert!(texel[0].abs_diff(expected) <= 1, "{resource_format} as {format}: {texel:?}");
        }
    }
    guest.end();
}

#[test]
fn planes_of_video_are_seen_apart() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let id = ctx.id();
    let desc = texture_2d(id, NV12, 8, 4, 1, bind::RENDER_TARGET | bind::SHADER_RESOURCE, 0);
    send!(ctx.ring, desc);
    // R8_UNORM shows luma, R8G8_UNORM chroma of half the size.
    let luma = ctx.view(id, view_kind::RENDER_TARGET, 61, range_2d());
    let chroma = ctx.view(id, view_kind::RENDER_TARGET, 49, range_2d());
    send!(ctx.ring, ClearRenderTargetView { color: [1.0, 0.0, 0.0, 0.0], view: luma, reserved: 0 });
    let rects = [Rect { left: 2, top: 1, right: 4, bottom: 2 }];
    send!(ctx.ring, ClearView { color: [0.2, 1.0, 0.0, 0.0], view: chroma, reserved: 0, rects: &rects });
    let planar = read_all(&mut ctx, id, desc);
    let packed = ctx.id();
    let desc = texture_2d(packed, YUY2, 4, 2, 1, bind::RENDER_TARGET, 0);
    send!(ctx.ring, desc);
    let view = ctx.view(packed, view_kind::RENDER_TARGET, RGBA8, range_2d());
    send!(ctx.ring, ClearRenderTargetView { color: [1.0, 0.0, 0.0, 1.0], view, reserved: 0 });
    let packed = read_all(&mut ctx, packed, desc);
    guest.finish(&mut ctx);
    let mut expected = vec![255; 32];
    expected.extend([0; 8]);
    expected.extend([0, 0, 0, 0, 51, 255, 51, 255]);
    assert_eq!(ctx.get(planar), expected);
    assert_eq!(ctx.get(packed), [255, 0, 0, 255].repeat(4));
    guest.end();
}

#[test]
fn alpha_alone_is_rendered_to() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let id = ctx.texture(A8, 4, 4, 1, bind::RENDER_TARGET, 0);
    let view = ctx.view(id, view_kind::RENDER_TARGET, A8, range_2d());
    send!(ctx.ring, ClearRenderTargetView { color: [1.0, 0.0, 1.0, 0.4], view, reserved: 0 });
    let place = ctx.read_back(id, A8, 4, 4, 1);
    guest.finish(&mut ctx);
    assert_eq!(ctx.get(place)[..16], [102; 16]);
    guest.end();
}

/// A dynamic vertex buffer of 64 bytes.
fn dynamic(ctx: &mut Ctx) -> u32 {
    ctx.buffer(&[], 64, usage::DYNAMIC, bind::VERTEX_BUFFER, 0, 0)
}

#[test]
fn a_placed_buffer_is_what_lies_there() {
    on_both_roads(|mut guest| {
        let mut ctx = guest.context();
        let dst = dynamic(&mut ctx);
        let (first, second) = (ctx.put(&[1; 64]), ctx.put(&[2; 64]));
        send!(ctx.ring, PlaceBuffer { data: first, dst, reserved: 0 });
        let one = ctx.read_back_buffer(dst, 64);
        guest.finish(&mut ctx);
        // More of the same contents, written where they lie.
        ctx.set(first.offset + 16, &[3; 16]);
        send!(ctx.ring, WriteNoOverwrite { data: first, dst, offset: 0 });
        let more = ctx.read_back_buffer(dst, 64);
        // New contents; then some from elsewhere.
        send!(ctx.ring, PlaceBuffer { data: second, dst, reserved: 0 });
        let two = ctx.read_back_buffer(dst, 64);
        // What is not overwritten must not be in use.
        guest.finish(&mut ctx);
        let part = HeapRange { length: 8, ..first };
        send!(ctx.ring, WriteNoOverwrite { data: part, dst, offset: 40 });
        let mixed = ctx.read_back_buffer(dst, 64);
        send!(ctx.ring, DiscardBuffer { data: first, dst, reserved: 0 });
        let copy = ctx.read_back_buffer(dst, 64);
        send!(ctx.ring, DestroyObject { id: dst, reserved: 0 });
        guest.finish(&mut ctx);
        let three = [[1; 16], [3; 16], [1; 16], [1; 16]].concat();
        assert_eq!(ctx.get(one), [1; 64]);
        assert_eq!(ctx.get(more), three);
        assert_eq!(ctx.get(two), [2; 64]);
        let mut expected = [2; 64];
        expected[40..48].fill(1);
        assert_eq!(ctx.get(mixed), expected);
        assert_eq!(ctx.get(copy), three);
        guest.end();
    });
}

#[test]
fn a_buffer_leaves_a_range_that_is_taken_back() {
    on_both_roads(|mut guest| {
        let mut ctx = guest.context();
        let range = guest.take_heap(4096);
        send!(guest.ring0, GrantHeap { range, context: ctx.number, reserved: 0 });
        guest.finish_ring0();
        let region = guest.heap_region(range);
        let fill = |word: u64| {
            region.as_ref().iter().for_each(|cell| cell.store(word, std::sync::atomic::Ordering::Release));
        };
        fill(0x0101_0101_0101_0101);
        let dst = dynamic(&mut ctx);
        let data = HeapRange { length: 64, ..range };
        send!(ctx.ring, PlaceBuffer { data, dst, reserved: 0 });
        let before = ctx.read_back_buffer(dst, 64);
        guest.finish(&mut ctx);
        send!(guest.ring0, RevokeHeap { range, context: ctx.number, reserved: 0 });
        guest.finish_ring0();
        // Another's by now.
        fill(u64::MAX);
        let after = ctx.read_back_buffer(dst, 64);
        guest.finish(&mut ctx);
        assert_eq!((ctx.get(before), ctx.get(after)), (vec![1; 64], vec![1; 64]));
        guest.end();
    });
}

#[test]
fn buffers_are_render_targets() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let bytes = pattern(64);
    let buffer = ctx.buffer(&bytes, 64, usage::DEFAULT, bind::RENDER_TARGET, 0, 0);
    let range =
        ViewRange { dimension: dimension::BUFFER, first_element: 4, num_elements: 8, ..Default::default() };
    let view = ctx.view(buffer, view_kind::RENDER_TARGET, RGBA8, range);
    // In a pass of its own, which keeps what it does not write.
    ctx.set_target(view, NONE, 8.0, 1.0);
    send!(ctx.ring, ClearRenderTargetView { color: [1.0, 0.0, 0.0, 1.0], view, reserved: 0 });
    let cleared = ctx.read_back_buffer(buffer, 64);
    let rects = [Rect { left: 2, top: 0, right: 4, bottom: 1 }];
    send!(ctx.ring, ClearView { color: [0.0, 1.0, 0.0, 1.0], view, reserved: 0, rects: &rects });
    let part = ctx.read_back_buffer(buffer, 64);
    // A quad over the left half of the only row.
    crate::drawing::draw_quad(&mut ctx, view, 8.0);
    let drawn = ctx.read_back_buffer(buffer, 64);
    guest.finish(&mut ctx);
    let mut expected = bytes.clone();
    expected[16..48].copy_from_slice(&[255, 0, 0, 255].repeat(8));
    assert_eq!(ctx.get(cleared), expected);
    expected[24..32].copy_from_slice(&[0, 255, 0, 255].repeat(2));
    assert_eq!(ctx.get(part), expected);
    expected[16..32].copy_from_slice(&[0, 255, 0, 255].repeat(4));
    assert_eq!(ctx.get(drawn), expected);
    guest.end();
}
