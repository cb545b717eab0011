//! Commands that break a rule: each poisons its context with the right code, and nothing else happens.

use pvgpu_protocol::command::*;
use pvgpu_protocol::event::error_code as code;

use crate::harness::{Ctx, Guest, Happened, range_2d, texture_2d};
use crate::send;

const RGBA8: u32 = 28;

/// Runs a deed in a context of its own and expects its code.
fn check(guest: &mut Guest, expected: u32, name: &str, deed: impl FnOnce(&mut Ctx)) {
    let mut ctx = guest.context();
    deed(&mut ctx);
    ctx.fence();
    match guest.event() {
        Happened::Error { context, code, .. } => {
            assert_eq!(
                (context, code),
                (ctx.number, expected),
                "{name}: {}",
                pvgpu_protocol::event::error_code::name(code)
            );
        }
        other => panic!("{name}: {other:?}"),
    }
    assert_eq!(ctx.error(), u64::from(expected), "{name}: the error cell");
    assert_eq!(ctx.completed(), 0, "{name}: the fence must not complete");
}

/// A list of deeds, a few contexts at a time (the heap of a test is small).
macro_rules! deeds {
    ($test:ident: $($code:ident $name:literal => |$ctx:ident| $deed:expr;)+) => {
        #[test]
        fn $test() {
            let mut guest = Guest::new();
            let mut count = 0;
            $(
                if count == 4 {
                    guest.end();
                    guest = Guest::new();
                    count = 0;
                }
                count += 1;
                check(&mut guest, code::$code, $name, |$ctx| { $deed; });
            )+
            let _ = count;
            // The worker is alive and well.
            let mut ctx = guest.context();
            guest.finish(&mut ctx);
            guest.end();
        }
    };
}

fn whole(data: HeapRange, dst: u32, width: u32, height: u32) -> UpdateSubresource {
    let dst_box = SubresourceBox { right: width, bottom: height, back: 1, ..Default::default() };
    UpdateSubresource {
        data,
        dst,
        dst_subresource: 0,
        dst_box,
        row_pitch: width * 4,
        depth_pitch: width * height * 4,
    }
}

fn plain_buffer(ctx: &mut Ctx) -> u32 {
    ctx.buffer(&[], 64, usage::DEFAULT, bind::VERTEX_BUFFER, 0, 0)
}

/// A copy of a row of 16 pixels.
fn blit(src: HeapRange, dst: HeapRange) -> BlitHeap {
    let rect = Rect { left: 0, top: 0, right: 16, bottom: 1 };
    let (src_pitch, dst_pitch, format, reserved) = (64, 64, 87, 0);
    BlitHeap { src, dst, src_pitch, dst_pitch, format, reserved, src_rect: rect, dst_rect: rect, clip: rect }
}

/// A fill of a row of 16 pixels.
fn fill(dst: HeapRange) -> FillHeap {
    let rect = Rect { left: 0, top: 0, right: 16, bottom: 1 };
    FillHeap { dst, rect, pitch: 64, format: 87, value: 0x0102_0304, reserved: 0 }
}

/// A screen of 16 × 16.
const SCANOUT: SetScanout = SetScanout {
    surface: HeapRange { offset: 0, length: 1024 },
    source: 0,
    visible: 1,
    width: 16,
    height: 16,
    pitch: 64,
    format: 87,
    refresh_millihertz: 60_000,
    reserved: 0,
};

/// A pointer of 4 × 4.
const POINTER: SetPointerShape = SetPointerShape {
    shape: HeapRange { offset: 0, length: 64 },
    source: 0,
    kind: pointer_kind::COLOR,
    width: 4,
    height: 4,
    pitch: 16,
    reserved: 0,
};

deeds! { resources_are_checked:
    BAD_ARGUMENT "a buffer placed at an odd place" => |ctx| {
        let dst = ctx.buffer(&[], 64, usage::DYNAMIC, bind::VERTEX_BUFFER, 0, 0);
        let data = ctx.put(&[0; 512]);
        send!(ctx.ring, PlaceBuffer { data: HeapRange { offset: data.offset + 16, length: 64 }, dst, reserved: 0 })
    };
    BAD_ARGUMENT "a buffer placed in a range of another size" => |ctx| {
        let dst = ctx.buffer(&[], 64, usage::DYNAMIC, bind::VERTEX_BUFFER, 0, 0);
        let data = ctx.put(&[0; 128]);
        send!(ctx.ring, PlaceBuffer { data, dst, reserved: 0 })
    };
    BAD_HEAP_RANGE "a buffer placed outside of the grants" => |ctx| {
        let dst = ctx.buffer(&[], 64, usage::DYNAMIC, bind::VERTEX_BUFFER, 0, 0);
        send!(ctx.ring, PlaceBuffer { data: HeapRange { offset: u64::MAX - 255, length: 64 }, dst, reserved: 0 })
    };
    BAD_OBJECT "a buffer placed that is not dynamic" => |ctx| {
        let (dst, data) = (plain_buffer(ctx), ctx.put(&[0; 64]));
        send!(ctx.ring, PlaceBuffer { data, dst, reserved: 0 })
    };
    BAD_OBJECT "a least mip without the flag" => |ctx| {
        let resource = ctx.texture(RGBA8, 4, 4, 1, bind::SHADER_RESOURCE, 0);
        send!(ctx.ring, SetResourceMinLod { resource, min_lod: 1.0 })
    };
    BAD_ARGUMENT "a least mip that is no number" => |ctx| {
        let resource = ctx.texture(RGBA8, 4, 4, 1, bind::SHADER_RESOURCE, misc::RESOURCE_CLAMP);
        send!(ctx.ring, SetResourceMinLod { resource, min_lod: f32::NAN })
    };
    BAD_OBJECT "a shader-resource view is cleared" => |ctx| {
        let texture = ctx.texture(RGBA8, 4, 4, 1, bind::SHADER_RESOURCE, 0);
        let view = ctx.view(texture, view_kind::SHADER_RESOURCE, RGBA8, range_2d());
        send!(ctx.ring, ClearView { color: [0.0; 4], view, reserved: 0, rects: &[] })
    };
    BAD_ARGUMENT "half a texel of chroma" => |ctx| ctx.texture(103, 5, 4, 1, 0, 0);
    BAD_ARGUMENT "half a row of chroma" => |ctx| ctx.texture(103, 4, 5, 1, 0, 0);
    BAD_ARGUMENT "planes seen as another format" => |ctx| {
        let texture = ctx.texture(103, 4, 4, 1, bind::SHADER_RESOURCE, 0);
        ctx.view(texture, view_kind::SHADER_RESOURCE, RGBA8, range_2d())
    };
    BAD_ARGUMENT "a part of planes is written" => |ctx| {
        let dst = ctx.texture(103, 8, 8, 1, 0, 0);
        let data = ctx.put(&[0; 96]);
        let dst_box = SubresourceBox { right: 8, bottom: 4, back: 1, ..Default::default() };
        send!(ctx.ring, UpdateSubresource { data, dst, dst_subresource: 0, dst_box, row_pitch: 8, depth_pitch: 96 })
    };
    BAD_HEAP_RANGE "planes from too few bytes" => |ctx| {
        let dst = ctx.texture(103, 8, 8, 1, 0, 0);
        let data = ctx.put(&[0; 64]);
        let dst_box = SubresourceBox { right: 8, bottom: 8, back: 1, ..Default::default() };
        send!(ctx.ring, UpdateSubresource { data, dst, dst_subresource: 0, dst_box, row_pitch: 8, depth_pitch: 64 })
    };
    BAD_ARGUMENT "depth and stencil copied as color" => |ctx| {
        let src = ctx.texture(45, 4, 4, 1, bind::DEPTH_STENCIL, 0);
        let dst = ctx.texture(RGBA8, 4, 4, 1, 0, 0);
        send!(ctx.ring, CopyResource { dst, src })
    };
    BAD_ARGUMENT "depth is resolved" => |ctx| {
        let (src, dst) = (ctx.texture(44, 4, 4, 1, 0, 0), ctx.texture(44, 4, 4, 1, 0, 0));
        send!(ctx.ring, ResolveSubresource { dst, dst_subresource: 0, src, src_subresource: 0, format: 46, reserved: 0 })
    };
    BAD_ARGUMENT "mips of integers" => |ctx| {
        let both = bind::SHADER_RESOURCE | bind::RENDER_TARGET;
        let texture = ctx.texture(30, 4, 4, 3, both, misc::AUTO_GEN_MIP_MAP);
        let view = ctx.view(texture, view_kind::SHADER_RESOURCE, 30, ViewRange { mip_levels: 3, ..range_2d() });
        send!(ctx.ring, GenerateMips { view, reserved: 0 })
    };
}

deeds! { objects_are_checked:
    BAD_OBJECT "an unknown resource is viewed" => |ctx| ctx.view(99, view_kind::SHADER_RESOURCE, RGBA8, range_2d());
    BAD_OBJECT "an object is created twice" => |ctx| {
        send!(ctx.ring, texture_2d(7, RGBA8, 4, 4, 1, bind::SHADER_RESOURCE, 0));
        send!(ctx.ring, texture_2d(7, RGBA8, 4, 4, 1, bind::SHADER_RESOURCE, 0))
    };
    BAD_OBJECT "a number out of range" => |ctx| {
        send!(ctx.ring, texture_2d(1 << 20, RGBA8, 4, 4, 1, bind::SHADER_RESOURCE, 0))
    };
    BAD_OBJECT "an object is used after its end" => |ctx| {
        let texture = ctx.texture(RGBA8, 4, 4, 1, bind::RENDER_TARGET, 0);
        let view = ctx.view(texture, view_kind::RENDER_TARGET, RGBA8, range_2d());
        send!(ctx.ring, DestroyObject { id: view, reserved: 0 });
        send!(ctx.ring, ClearRenderTargetView { color: [0.0; 4], view, reserved: 0 })
    };
    BAD_OBJECT "an object is destroyed twice" => |ctx| {
        let buffer = plain_buffer(ctx);
        send!(ctx.ring, DestroyObject { id: buffer, reserved: 0 });
        send!(ctx.ring, DestroyObject { id: buffer, reserved: 0 })
    };
    BAD_OBJECT "a view of the wrong type is bound" => |ctx| {
        let texture = ctx.texture(RGBA8, 4, 4, 1, bind::RENDER_TARGET | bind::SHADER_RESOURCE, 0);
        let view = ctx.view(texture, view_kind::RENDER_TARGET, RGBA8, range_2d());
        send!(ctx.ring, SetShaderResources { stage: stage::PIXEL, start_slot: 0, views: &[view] })
    };
    BAD_OBJECT "a resource where a view is due" => |ctx| {
        let texture = ctx.texture(RGBA8, 4, 4, 1, bind::RENDER_TARGET, 0);
        send!(ctx.ring, ClearRenderTargetView { color: [0.0; 4], view: texture, reserved: 0 })
    };
    BAD_OBJECT "a shader that does not exist" => |ctx| send!(ctx.ring, SetShader { stage: stage::VERTEX, shader: 3 });
}

deeds! { arguments_are_checked:
    BAD_ARGUMENT "a texture of no width" => |ctx| send!(ctx.ring, texture_2d(1, RGBA8, 0, 4, 1, bind::SHADER_RESOURCE, 0));
    BAD_ARGUMENT "a texture whose size overflows" => |ctx| {
        send!(ctx.ring, texture_2d(1, 2, u32::MAX, u32::MAX, 1, bind::SHADER_RESOURCE, 0))
    };
    BAD_ARGUMENT "more mips than there are" => |ctx| send!(ctx.ring, texture_2d(1, RGBA8, 4, 4, 4, bind::SHADER_RESOURCE, 0));
    UNSUPPORTED "a format that nobody knows" => |ctx| send!(ctx.ring, texture_2d(1, 5000, 4, 4, 1, bind::SHADER_RESOURCE, 0));
    BAD_ARGUMENT "a view beyond the mips" => |ctx| {
        let texture = ctx.texture(RGBA8, 4, 4, 1, bind::SHADER_RESOURCE, 0);
        ctx.view(texture, view_kind::SHADER_RESOURCE, RGBA8, ViewRange { most_detailed_mip: 1, ..range_2d() })
    };
    BAD_ARGUMENT "a view whose slices overflow" => |ctx| {
        let texture = ctx.texture(RGBA8, 4, 4, 1, bind::SHADER_RESOURCE, 0);
        let range = ViewRange { first_array_slice: u32::MAX, array_size: 2, ..range_2d() };
        ctx.view(texture, view_kind::SHADER_RESOURCE, RGBA8, range)
    };
    BAD_ARGUMENT "a view of another family" => |ctx| {
        let texture = ctx.texture(RGBA8, 4, 4, 1, bind::SHADER_RESOURCE, 0);
        ctx.view(texture, view_kind::SHADER_RESOURCE, 42, range_2d())
    };
    BAD_ARGUMENT "a view that the bind flags forbid" => |ctx| {
        let texture = ctx.texture(RGBA8, 4, 4, 1, bind::SHADER_RESOURCE, 0);
        ctx.view(texture, view_kind::RENDER_TARGET, RGBA8, range_2d())
    };
    BAD_ARGUMENT "elements whose end overflows" => |ctx| {
        let buffer = ctx.buffer(&[], 64, usage::DEFAULT, bind::SHADER_RESOURCE, misc::BUFFER_STRUCTURED, 4);
        let range = ViewRange {
            dimension: dimension::BUFFER, first_element: u32::MAX, num_elements: 2, ..Default::default()
        };
        ctx.view(buffer, view_kind::SHADER_RESOURCE, 0, range)
    };
    BAD_ARGUMENT "a copy box outside" => |ctx| {
        let (a, b) = (plain_buffer(ctx), plain_buffer(ctx));
        let src_box = SubresourceBox { left: 60, right: 70, bottom: 1, back: 1, ..Default::default() };
        send!(ctx.ring, CopyRegion { dst: a, dst_subresource: 0, dst_x: 0, dst_y: 0, dst_z: 0, src: b, src_subresource: 0, src_box, reserved: 0 })
    };
    BAD_ARGUMENT "a copy that ends outside" => |ctx| {
        let (a, b) = (plain_buffer(ctx), plain_buffer(ctx));
        let src_box = SubresourceBox { right: 64, bottom: 1, back: 1, ..Default::default() };
        send!(ctx.ring, CopyRegion { dst: a, dst_subresource: 0, dst_x: u32::MAX, dst_y: 0, dst_z: 0, src: b, src_subresource: 0, src_box, reserved: 0 })
    };
    BAD_ARGUMENT "an inline update outside" => |ctx| {
        let buffer = plain_buffer(ctx);
        send!(ctx.ring, UpdateInline { dst: buffer, offset: u32::MAX, data: &[1; 8] })
    };
    BAD_ARGUMENT "an unknown topology" => |ctx| send!(ctx.ring, SetTopology { topology: 6, reserved: 0 });
    BAD_ARGUMENT "slots beyond the last" => |ctx| {
        send!(ctx.ring, SetShaderResources { stage: stage::PIXEL, start_slot: 127, views: &[NONE, NONE] })
    };
    BAD_ARGUMENT "a fence that falls back" => |ctx| {
        send!(ctx.ring, Gate { number: 0 })
    };
    BAD_ARGUMENT "a wait for oneself" => |ctx| {
        let context = ctx.number;
        send!(ctx.ring, WaitFence { value: 1, context, reserved: 0 })
    };
    BAD_ARGUMENT "a frame that is too small" => |ctx| {
        let texture = ctx.texture(RGBA8, 64, 64, 1, bind::RENDER_TARGET, 0);
        let frame = ctx.take(64);
        send!(ctx.ring, Present { frame, src: texture, src_subresource: 0, width: 64, height: 64, row_pitch: 256, flags: 0, sequence: 1 })
    };
    BAD_ARGUMENT "a present with a flag that there is not" => |ctx| {
        let texture = ctx.texture(RGBA8, 64, 64, 1, bind::RENDER_TARGET, 0);
        let frame = ctx.take(64 * 256);
        send!(ctx.ring, Present { frame, src: texture, src_subresource: 0, width: 64, height: 64, row_pitch: 256, flags: 2, sequence: 1 })
    };
}

deeds! { heap_ranges_are_checked:
    BAD_HEAP_RANGE "an upload from another's heap" => |ctx| {
        let texture = ctx.texture(RGBA8, 4, 4, 1, bind::SHADER_RESOURCE, 0);
        send!(ctx.ring, whole(HeapRange { offset: 0, length: 64 }, texture, 4, 4))
    };
    BAD_HEAP_RANGE "an upload whose end overflows" => |ctx| {
        let texture = ctx.texture(RGBA8, 4, 4, 1, bind::SHADER_RESOURCE, 0);
        let data = HeapRange { offset: u64::MAX - 8, length: 64 };
        send!(ctx.ring, whole(data, texture, 4, 4))
    };
    BAD_HEAP_RANGE "an upload that is too short" => |ctx| {
        let texture = ctx.texture(RGBA8, 4, 4, 1, bind::SHADER_RESOURCE, 0);
        let data = ctx.take(60);
        send!(ctx.ring, whole(data, texture, 4, 4))
    };
    BAD_HEAP_RANGE "a staging resource outside" => |ctx| {
        let desc = texture_2d(1, RGBA8, 64, 64, 1, 0, 0);
        send!(ctx.ring, CreateResource { usage: usage::STAGING, heap: HeapRange { offset: 1 << 40, length: 1 << 14 }, ..desc })
    };
    BAD_HEAP_RANGE "a staging resource in too small a place" => |ctx| {
        let heap = ctx.take(64);
        send!(ctx.ring, CreateResource { usage: usage::STAGING, heap, ..texture_2d(1, RGBA8, 64, 64, 1, 0, 0) })
    };
    BAD_HEAP_RANGE "shader tokens that are not there" => |ctx| {
        let tokens = HeapRange { offset: 0, length: 64 };
        send!(ctx.ring, CreateShader { tokens, id: 1, stage: 0, input: &[], output: &[], patch_constant: &[] })
    };
    BAD_SHADER "tokens that are none" => |ctx| {
        let tokens = ctx.put(&[0xff; 64]);
        send!(ctx.ring, CreateShader { tokens, id: 1, stage: 0, input: &[], output: &[], patch_constant: &[] })
    };
    NOT_ALLOWED "a copy as only the kernel-mode driver may ask for" => |ctx| {
        let (src, dst) = (ctx.take(64), ctx.take(64));
        send!(ctx.ring, blit(src, dst))
    };
    NOT_ALLOWED "a fill as only the kernel-mode driver may ask for" => |ctx| {
        let dst = ctx.take(64);
        send!(ctx.ring, fill(dst))
    };
    NOT_ALLOWED "a screen" => |ctx| send!(ctx.ring, SCANOUT);
    NOT_ALLOWED "a pointer's shape" => |ctx| send!(ctx.ring, POINTER);
    NOT_ALLOWED "a pointer's position" => |ctx| {
        send!(ctx.ring, SetPointerPosition { source: 0, visible: 1, x: 0, y: 0 })
    };
    NOT_ALLOWED "a command of the kernel-mode driver" => |ctx| {
        let context = ctx.number;
        send!(ctx.ring, OpenGate { number: 1, context, reserved: 0 })
    };
    MALFORMED "an unknown opcode" => |ctx| ctx.ring.push_raw(0x7777, &[0; 8]);
    MALFORMED "an unknown flag" => |ctx| ctx.ring.push_raw(0x0001 | 1 << 16, &[0; 8]);
    MALFORMED "a record that is too short" => |ctx| ctx.ring.push_raw(0x0100, &[0; 8]);
}

#[test]
fn memory_is_limited() {
    let mut guest = Guest::with_memory(96 << 20);
    let mut ctx = guest.context();
    for id in 1..20 {
        send!(ctx.ring, texture_2d(id, 2, 1024, 1024, 1, bind::SHADER_RESOURCE, 0));
    }
    match guest.event() {
        Happened::Error { code, .. } => assert_eq!(code, code::LIMIT),
        other => panic!("{other:?}"),
    }
    let mut other = guest.context();
    guest.finish(&mut other);
    guest.end();
}

#[test]
fn a_poisoned_context_leaves_the_others_alone() {
    let mut guest = Guest::new();
    let (mut bad, mut good) = (guest.context(), guest.context());
    bad.ring.push_raw(0x7777, &[0; 8]);
    match guest.event() {
        Happened::Error { context, opcode, .. } => assert_eq!((context, opcode), (bad.number, 0x7777)),
        other => panic!("{other:?}"),
    }
    for _ in 0..3 {
        guest.finish(&mut good);
    }
    bad.fence();
    guest.finish(&mut good);
    assert_eq!(bad.completed(), 0);
    guest.end();
}

/// What ring 0 may not say, the code that it ends with, and the object it is about.
type Ring0Deed = (&'static str, u32, fn(&mut Guest) -> u64);

const RING_0_DEEDS: [Ring0Deed; 17] = [
    ("a ring without a data area", code::BAD_HEAP_RANGE, |guest| {
        let ring = HeapRange { offset: 0, length: 4096 };
        send!(guest.ring0, CreateContext { ring, context: 1, process: 0 })
    }),
    ("the end of nothing", code::BAD_OBJECT, |guest| {
        send!(guest.ring0, DestroyContext { context: 9, reserved: 0 })
    }),
    ("a draw", code::NOT_ALLOWED, |guest| {
        let draw = Draw { vertex_count: 1, instance_count: 1, start_vertex: 0, start_instance: 0 };
        send!(guest.ring0, draw)
    }),
    ("a grant that wraps", code::BAD_HEAP_RANGE, |guest| {
        let range = HeapRange { offset: u64::MAX - 4096, length: 8192 };
        let _ = guest.context();
        send!(guest.ring0, GrantHeap { range, context: 1, reserved: 0 })
    }),
    ("a fence that falls back", code::BAD_ARGUMENT, |guest| {
        guest.finish_ring0();
        send!(guest.ring0, Fence { value: 1 })
    }),
    ("a fence of nothing", code::BAD_ARGUMENT, |guest| send!(guest.ring0, Fence { value: 0 })),
    ("a wait", code::NOT_ALLOWED, |guest| {
        send!(guest.ring0, WaitFence { value: 1, context: 1, reserved: 0 })
    }),
    ("a copy from outside", code::BAD_HEAP_RANGE, |guest| {
        let (src, dst) = (HeapRange { offset: guest.layout.heap_bytes(), length: 64 }, guest.take_heap(64));
        send!(guest.ring0, blit(src, dst))
    }),
    ("a copy to where an end wraps", code::BAD_HEAP_RANGE, |guest| {
        let (src, dst) = (guest.take_heap(64), HeapRange { offset: u64::MAX - 31, length: 64 });
        send!(guest.ring0, blit(src, dst))
    }),
    ("a copy of a negative rectangle", code::BAD_ARGUMENT, |guest| {
        let (src, dst) = (guest.take_heap(64), guest.take_heap(64));
        let src_rect = Rect { left: i32::MIN, top: 0, right: i32::MAX, bottom: 1 };
        send!(guest.ring0, BlitHeap { src_rect, ..blit(src, dst) })
    }),
    ("a copy into a context's ring", code::BAD_HEAP_RANGE, |guest| {
        let ring = HeapRange { offset: guest.take_heap(0).offset + 4096, length: 64 };
        let ctx = guest.context();
        let src = guest.take_heap(64);
        drop(ctx);
        send!(guest.ring0, blit(src, ring))
    }),
    ("a fill of a context's ring", code::BAD_HEAP_RANGE, |guest| {
        let ring = HeapRange { offset: guest.take_heap(0).offset + 4096, length: 64 };
        let _ = guest.context();
        send!(guest.ring0, fill(ring))
    }),
    ("a fill of a compressed surface", code::BAD_ARGUMENT, |guest| {
        let dst = guest.take_heap(64);
        send!(guest.ring0, FillHeap { format: 71, ..fill(dst) })
    }),
    ("a fill of a column too many", code::BAD_ARGUMENT, |guest| {
        let dst = guest.take_heap(64);
        let rect = Rect { left: 0, top: 0, right: 17, bottom: 1 };
        send!(guest.ring0, FillHeap { rect, ..fill(dst) })
    }),
    ("a screen outside", code::BAD_HEAP_RANGE, |guest| {
        let surface = HeapRange { offset: guest.layout.heap_bytes() - 64, length: 1024 };
        send!(guest.ring0, SetScanout { surface, ..SCANOUT })
    }),
    ("a pointer that is too large", code::BAD_ARGUMENT, |guest| {
        send!(guest.ring0, SetPointerShape { width: 257, ..POINTER })
    }),
    ("a pointer of no source", code::BAD_ARGUMENT, |guest| {
        send!(guest.ring0, SetPointerPosition { source: u32::MAX, visible: 0, x: 0, y: 0 })
    }),
];

#[test]
fn ring_0_is_checked() {
    use pvgpu_host_backend::worker::Ended;
    for (name, expected, deed) in RING_0_DEEDS {
        let mut guest = Guest::new();
        deed(&mut guest);
        match guest.event() {
            Happened::Error { context: 0, code, .. } => assert_eq!(code, expected, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
        assert_eq!(guest.end(), Ended::Corrupt, "{name}");
    }
}
