//! What one context does, or suffers, is nobody else's: heap ranges that change hands, contexts that end or never began.

use std::sync::atomic::Ordering;

use pvgpu_host_backend::worker::Ended;
use pvgpu_protocol::aperture::PAGE_BYTES;
use pvgpu_protocol::command::*;
use pvgpu_protocol::event::error_code as code;
use pvgpu_transport::Region;

use crate::harness::{Ctx, Guest, HEAP_BYTES, Happened, RING_BYTES, gpu_name, range_2d, texture_2d};
use crate::send;

const RGBA8: u32 = 28;
/// Texels that are one in all channels.
const WHITE: u64 = u64::MAX;
/// What the next owner of a range writes there.
const NEXT: u64 = 0x5555_5555_5555_5555;

/// Copies that take some tenths of a second on a software renderer, and not much less on a GPU.
fn slow_work(ctx: &mut Ctx) {
    let copies = if gpu_name() == "llvmpipe" { 100 } else { 5000 };
    let textures = [0; 2].map(|_: u8| ctx.texture(RGBA8, 2048, 2048, 1, bind::SHADER_RESOURCE, 0));
    for index in 0..copies {
        send!(ctx.ring, CopyResource { dst: textures[index % 2], src: textures[(index + 1) % 2] });
    }
}

/// A texture of 64 × 64 white texels.
fn white(ctx: &mut Ctx) -> u32 {
    let texture = ctx.texture(RGBA8, 64, 64, 1, bind::RENDER_TARGET, 0);
    let view = ctx.view(texture, view_kind::RENDER_TARGET, RGBA8, range_2d());
    send!(ctx.ring, ClearRenderTargetView { color: [1.0; 4], view, reserved: 0 });
    texture
}

/// A staging texture of the same size in a range of 16 KiB.
fn staging(ctx: &mut Ctx, heap: HeapRange) -> u32 {
    let id = ctx.id();
    send!(ctx.ring, CreateResource { usage: usage::STAGING, heap, ..texture_2d(id, RGBA8, 64, 64, 1, 0, 0) });
    id
}

/// Grants a new range to a context.
fn grant(guest: &mut Guest, ctx: &Ctx) -> HeapRange {
    let range = guest.take_heap(64 * 64 * 4);
    send!(guest.ring0, GrantHeap { range, context: ctx.number, reserved: 0 });
    range
}

/// Takes the range back, and waits until it may have another owner.
fn revoke(guest: &mut Guest, ctx: &Ctx, range: HeapRange) {
    send!(guest.ring0, RevokeHeap { range, context: ctx.number, reserved: 0 });
    guest.finish_ring0();
}

fn wait_until_read(guest: &mut Guest, ctx: &mut Ctx) {
    guest.wait("the ring to be read", |_| ctx.ring.is_read());
}

fn all(region: &Region, word: u64) -> bool {
    region.as_ref().iter().all(|cell| cell.load(Ordering::Acquire) == word)
}

fn fill(region: &Region, word: u64) {
    region.as_ref().iter().for_each(|cell| cell.store(word, Ordering::Release));
}

#[test]
fn a_range_is_free_once_the_gpu_has_left_it() {
    for bounce in [false, true] {
        let mut guest = if bounce { Guest::bouncing() } else { Guest::new() };
        for submitted in [false, true] {
            let name = format!("bounce {bounce}, submitted {submitted}");
            let mut ctx = guest.context();
            let range = grant(&mut guest, &ctx);
            let region = guest.heap_region(range);
            let (dst, src) = (staging(&mut ctx, range), white(&mut ctx));
            slow_work(&mut ctx);
            send!(ctx.ring, CopyResource { dst, src });
            let fence = submitted.then(|| ctx.fence());
            wait_until_read(&mut guest, &mut ctx);
            revoke(&mut guest, &ctx, range);
            assert!(all(&region, WHITE), "{name}: the copy is still to come");
            assert!(fence.is_none_or(|fence| ctx.completed() >= fence), "{name}");
            // Its next owner.
            let mut other = guest.context();
            send!(guest.ring0, GrantHeap { range, context: other.number, reserved: 0 });
            fill(&region, NEXT);
            guest.finish(&mut ctx);
            guest.finish(&mut other);
            assert!(all(&region, NEXT), "{name}: somebody else's copy");
        }
        guest.end();
    }
}

#[test]
fn a_revoke_waits_for_the_users_of_its_range_only() {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let (used, unused) = (grant(&mut guest, &ctx), grant(&mut guest, &ctx));
    let (dst, src) = (staging(&mut ctx, used), white(&mut ctx));
    slow_work(&mut ctx);
    send!(ctx.ring, CopyResource { dst, src });
    let fence = ctx.fence();
    wait_until_read(&mut guest, &mut ctx);
    revoke(&mut guest, &ctx, unused);
    assert!(ctx.completed() < fence, "nothing uses that range, yet it was waited for");
    send!(guest.ring0, RevokeHeap { range: used, context: ctx.number, reserved: 0 });
    // While the fence behind that waits, ring 0 goes on.
    let blits = guest.stats.blits.load(Ordering::Relaxed);
    let rect = Rect { left: 0, top: 0, right: 16, bottom: 1 };
    send!(guest.ring0, Fence { value: 1000 });
    send!(guest.ring0, FillHeap { dst: unused, rect, pitch: 64, format: RGBA8, value: 7, reserved: 0 });
    guest.wait("the fill", |guest| guest.stats.blits.load(Ordering::Relaxed) > blits);
    assert!(ctx.completed() < fence, "ring 0 has stood still");
    guest.wait_fence(&mut ctx, fence);
    guest.end();
}

#[test]
fn objects_in_a_revoked_range_are_refused() {
    type Deed = (&'static str, fn(&mut Ctx, HeapRange) -> u32, fn(&mut Ctx, u32));
    let deeds: [Deed; 5] = [
        ("a copy to it", staging, |ctx, dst| {
            let src = white(ctx);
            send!(ctx.ring, CopyResource { dst, src });
        }),
        ("a copy from it", staging, |ctx, src| {
            let dst = white(ctx);
            send!(ctx.ring, CopyResource { dst, src });
        }),
        ("a copy of a part to it", staging, |ctx, dst| {
            let src = white(ctx);
            let src_box = SubresourceBox { right: 1, bottom: 1, back: 1, ..Default::default() };
            send!(
                ctx.ring,
                CopyRegion {
                    dst,
                    dst_subresource: 0,
                    dst_x: 0,
                    dst_y: 0,
                    dst_z: 0,
                    src,
                    src_subresource: 0,
                    src_box,
                    reserved: 0
                }
            );
        }),
        ("a counter to it", staging_buffer, |ctx, dst| {
            let buffer =
                ctx.buffer(&[], 64, usage::DEFAULT, bind::UNORDERED_ACCESS, misc::BUFFER_STRUCTURED, 4);
            let range = ViewRange {
                dimension: dimension::BUFFER,
                num_elements: 16,
                flags: COUNTER,
                ..Default::default()
            };
            let src_view = ctx.view(buffer, view_kind::UNORDERED_ACCESS, 0, range);
            send!(ctx.ring, CopyStructureCount { dst, dst_offset: 0, src_view, reserved: 0 });
        }),
        ("a query's result", event_query, |ctx, query| {
            send!(ctx.ring, EndQuery { query, reserved: 0 });
        }),
    ];
    let mut guest = Guest::new();
    let mut number = 9;
    for (name, make, deed) in deeds {
        for revoked in [false, true] {
            number += 1;
            let (ring, heap) = (guest.take_heap(PAGE_BYTES + RING_BYTES), guest.take_heap(PAGE_BYTES));
            let mut ctx = guest.context_in(number, ring, heap);
            let range = grant(&mut guest, &ctx);
            let id = make(&mut ctx, range);
            guest.finish(&mut ctx);
            if revoked {
                revoke(&mut guest, &ctx, range);
            }
            deed(&mut ctx, id);
            if !revoked {
                send!(ctx.ring, DestroyObject { id, reserved: 0 });
                guest.finish(&mut ctx);
                continue;
            }
            ctx.fence();
            match guest.event() {
                Happened::Error { context, code, .. } => {
                    assert_eq!((context, code), (ctx.number, code::BAD_HEAP_RANGE), "{name}");
                }
                other => panic!("{name}: {other:?}"),
            }
        }
    }
    // To destroy one is no use of it.
    let mut ctx = guest.context();
    let range = grant(&mut guest, &ctx);
    let id = staging(&mut ctx, range);
    guest.finish(&mut ctx);
    revoke(&mut guest, &ctx, range);
    send!(ctx.ring, DestroyObject { id, reserved: 0 });
    guest.finish(&mut ctx);
    guest.end();
}

/// `D3D11_BUFFER_UAV_FLAG_COUNTER`.
const COUNTER: u32 = 4;

fn staging_buffer(ctx: &mut Ctx, heap: HeapRange) -> u32 {
    let id = ctx.id();
    let usage = usage::STAGING;
    let desc = CreateResource { id, heap, usage, dimension: dimension::BUFFER, width: 64, ..ONE };
    send!(ctx.ring, desc);
    id
}

/// A resource of one row, slice, mip and sample.
const ONE: CreateResource = CreateResource {
    heap: HeapRange { offset: 0, length: 0 },
    id: 0,
    dimension: 0,
    format: 0,
    width: 1,
    height: 1,
    depth: 1,
    mip_levels: 1,
    array_size: 1,
    sample_count: 1,
    sample_quality: 0,
    usage: 0,
    bind_flags: 0,
    misc_flags: 0,
    structure_stride: 0,
};

fn event_query(ctx: &mut Ctx, slot: HeapRange) -> u32 {
    let id = ctx.id();
    send!(ctx.ring, CreateQuery { slot, id, kind: 0 });
    id
}

#[test]
fn a_context_ends_after_its_last_result() {
    let mut guest = Guest::new();
    let mut other = guest.context();
    let (ring, heap) = (guest.take_heap(PAGE_BYTES + RING_BYTES), guest.take_heap(HEAP_BYTES));
    let mut ctx = guest.context_in(9, ring, heap);
    let range = grant(&mut guest, &ctx);
    let region = guest.heap_region(range);
    guest.finish_ring0();
    slow_work(&mut other);
    let fence = other.fence();
    wait_until_read(&mut guest, &mut other);
    // A query and a fence that need nothing of the GPU, but their turn.
    let query = event_query(&mut ctx, range);
    send!(ctx.ring, EndQuery { query, reserved: 0 });
    ctx.fence();
    wait_until_read(&mut guest, &mut ctx);
    send!(guest.ring0, DestroyContext { context: 9, reserved: 0 });
    assert_eq!(guest.event(), Happened::Destroyed { context: 9 });
    let slot = &region.as_ref()[0];
    assert_eq!(slot.swap(0, Ordering::AcqRel), 1, "the result is still to come");
    let mut next = guest.context_in(9, ring, heap);
    guest.wait_fence(&mut other, fence);
    guest.finish(&mut other);
    assert_eq!(next.completed(), 0, "another context's fence");
    assert_eq!(slot.load(Ordering::Acquire), 0, "another context's result");
    guest.finish(&mut next);
    guest.end();
}

#[test]
fn a_context_that_the_gpu_has_no_room_for_is_poisoned_alone() {
    let mut guest = Guest::with_command_pools(1);
    let mut good = guest.context();
    let (ring, heap) = (guest.take_heap(PAGE_BYTES + RING_BYTES), guest.take_heap(HEAP_BYTES));
    for _ in 0..3 {
        let mut bad = guest.context_in(9, ring, heap);
        let happened = guest.event();
        let expected = Happened::Error { context: 9, code: code::OUT_OF_MEMORY, opcode: 0, object: NONE };
        assert_eq!(happened, expected);
        assert_eq!(bad.error(), u64::from(code::OUT_OF_MEMORY));
        bad.fence();
        // Ring 0 and the others go on, and what ring 0 says of this context is answered as ever.
        let range = grant(&mut guest, &bad);
        send!(guest.ring0, OpenGate { number: 1, context: 9, reserved: 0 });
        revoke(&mut guest, &bad, range);
        guest.finish(&mut good);
        assert_eq!(bad.completed(), 0);
        send!(guest.ring0, DestroyContext { context: 9, reserved: 0 });
        assert_eq!(guest.event(), Happened::Destroyed { context: 9 });
        assert_eq!(bad.error(), 0);
    }
    send!(guest.ring0, DestroyContext { context: good.number, reserved: 0 });
    assert_eq!(guest.event(), Happened::Destroyed { context: good.number });
    let mut better = guest.context_in(9, ring, heap);
    guest.finish(&mut better);
    // Its ring is its own until it has ended.
    let (ring, heap) = (guest.take_heap(PAGE_BYTES + RING_BYTES), guest.take_heap(HEAP_BYTES));
    guest.context_in(10, ring, heap);
    assert!(matches!(guest.event(), Happened::Error { context: 10, .. }));
    send!(guest.ring0, GrantHeap { range: ring, context: 9, reserved: 0 });
    let happened = guest.event();
    assert!(
        matches!(happened, Happened::Error { context: 0, code: code::BAD_HEAP_RANGE, .. }),
        "{happened:?}"
    );
    assert_eq!(guest.end(), Ended::Corrupt);
}
