//! Textures that several contexts have: contents, order, lifetimes, and tokens that are nobody's.

use pvgpu_protocol::aperture::PAGE_BYTES;
use pvgpu_protocol::command::*;
use pvgpu_protocol::event::error_code as code;

use crate::harness::{Ctx, Guest, HEAP_BYTES, Happened, RING_BYTES, range_2d};
use crate::send;

const RGBA8: u32 = 28;
const SIZE: u32 = 16;
const TOKEN: [u64; SHARE_TOKEN_WORDS] = [0x1234_5678, 0x9abc_def0];

fn drawable(ctx: &mut Ctx) -> u32 {
    ctx.texture(RGBA8, SIZE, SIZE, 1, bind::RENDER_TARGET | bind::SHADER_RESOURCE, 0)
}

fn share(ctx: &mut Ctx, id: u32, token: [u64; SHARE_TOKEN_WORDS]) {
    send!(ctx.ring, ShareResource { token, id, reserved: 0 });
}

fn open(ctx: &mut Ctx, token: [u64; SHARE_TOKEN_WORDS]) -> u32 {
    let id = ctx.id();
    send!(ctx.ring, OpenSharedResource { token, id, reserved: 0 });
    id
}

/// Fills a texture with one value in all channels.
fn fill(ctx: &mut Ctx, texture: u32, value: f32) {
    let view = ctx.view(texture, view_kind::RENDER_TARGET, RGBA8, range_2d());
    send!(ctx.ring, ClearRenderTargetView { color: [value; 4], view, reserved: 0 });
    send!(ctx.ring, DestroyObject { id: view, reserved: 0 });
}

/// Whether all channels of a texture have this value.
fn is_filled(guest: &mut Guest, ctx: &mut Ctx, texture: u32, value: u8) -> bool {
    let range = ctx.read_back(texture, RGBA8, SIZE, SIZE, 4);
    guest.finish(ctx);
    ctx.get(range)[..(SIZE * SIZE * 4) as usize].iter().all(|byte| *byte == value)
}

#[test]
fn contexts_see_what_the_others_draw() {
    let mut guest = Guest::new();
    let (mut one, mut other) = (guest.context(), guest.context());
    let texture = drawable(&mut one);
    fill(&mut one, texture, 1.0);
    share(&mut one, texture, TOKEN);
    let opened = open(&mut other, TOKEN);
    assert!(is_filled(&mut guest, &mut other, opened, 255), "what was drawn before it was shared");
    for round in 0..16_u8 {
        let value = f32::from(round) / 255.0;
        let (writer, target, reader, source) = if round.is_multiple_of(2) {
            (&mut one, texture, &mut other, opened)
        } else {
            (&mut other, opened, &mut one, texture)
        };
        fill(writer, target, value);
        let fence = writer.fence();
        send!(reader.ring, WaitFence { value: fence, context: writer.number, reserved: 0 });
        assert!(is_filled(&mut guest, reader, source, round), "round {round}");
    }
    guest.end();
}

#[test]
fn whoever_opens_first_waits_for_the_owner() {
    let mut guest = Guest::new();
    let (mut one, mut other) = (guest.context(), guest.context());
    let opened = open(&mut other, TOKEN);
    other.fence();
    guest.finish(&mut one);
    assert_eq!(other.completed(), 0, "there is nothing to open yet");
    let texture = drawable(&mut one);
    fill(&mut one, texture, 1.0);
    share(&mut one, texture, TOKEN);
    one.fence();
    assert!(is_filled(&mut guest, &mut other, opened, 255));
    guest.end();
}

#[test]
fn a_texture_lives_as_long_as_a_context_has_it() {
    let mut guest = Guest::new();
    let mut other = guest.context();
    let (ring, heap) = (guest.take_heap(PAGE_BYTES + RING_BYTES), guest.take_heap(HEAP_BYTES));
    let mut owner = guest.context_in(9, ring, heap);
    let texture = drawable(&mut owner);
    share(&mut owner, texture, TOKEN);
    fill(&mut owner, texture, 1.0);
    guest.finish(&mut owner);
    let opened = open(&mut other, TOKEN);
    guest.finish(&mut other);
    send!(owner.ring, DestroyObject { id: texture, reserved: 0 });
    guest.finish(&mut owner);
    send!(guest.ring0, DestroyContext { context: 9, reserved: 0 });
    assert_eq!(guest.event(), Happened::Destroyed { context: 9 });
    assert!(is_filled(&mut guest, &mut other, opened, 255), "its owner is gone");
    let twin = open(&mut other, TOKEN);
    fill(&mut other, twin, 0.0);
    assert!(is_filled(&mut guest, &mut other, opened, 0), "one context may have it twice");
    send!(other.ring, DestroyObject { id: twin, reserved: 0 });
    send!(other.ring, DestroyObject { id: opened, reserved: 0 });
    // Another resource may have the token now.
    let next = drawable(&mut other);
    share(&mut other, next, TOKEN);
    guest.finish(&mut other);
    guest.end();
}

#[test]
fn a_gate_lets_what_was_submitted_before_go_first() {
    let mut guest = Guest::new();
    let (mut one, mut other) = (guest.context(), guest.context());
    let texture = drawable(&mut one);
    share(&mut one, texture, TOKEN);
    guest.finish(&mut one);
    let opened = open(&mut other, TOKEN);
    guest.finish(&mut other);
    for round in 1..=8_u64 {
        // More than a turn's records before the one that counts.
        for _ in 0..600 {
            fill(&mut one, texture, 0.0);
        }
        fill(&mut one, texture, 1.0);
        one.fence();
        send!(other.ring, Gate { number: round });
        send!(guest.ring0, OpenGate { number: round, context: other.number, reserved: 0 });
        assert!(is_filled(&mut guest, &mut other, opened, 255), "round {round}");
    }
    guest.end();
}

#[test]
fn gates_that_open_together_let_the_earlier_go_first() {
    let mut guest = Guest::new();
    // The reader has its turns first.
    let (mut reader, mut writer) = (guest.context(), guest.context());
    let texture = drawable(&mut reader);
    share(&mut reader, texture, TOKEN);
    guest.finish(&mut reader);
    let opened = open(&mut writer, TOKEN);
    guest.finish(&mut writer);
    for round in 1..=32_u8 {
        let number = u64::from(round);
        send!(writer.ring, Gate { number });
        fill(&mut writer, opened, f32::from(round) / 255.0);
        writer.fence();
        send!(reader.ring, Gate { number });
        let range = reader.read_back(texture, RGBA8, SIZE, SIZE, 4);
        let fence = reader.fence();
        send!(guest.ring0, OpenGate { number, context: writer.number, reserved: 0 });
        send!(guest.ring0, OpenGate { number, context: reader.number, reserved: 0 });
        guest.wait_fence(&mut reader, fence);
        assert!(reader.get(range).iter().take(64).all(|byte| *byte == round), "round {round}");
    }
    guest.end();
}

/// A deed that costs its context.
type Deed = fn(&mut Ctx);

#[test]
fn what_may_not_be_shared_costs_its_context() {
    let deeds: [(&str, u32, Deed); 7] = [
        ("a token that is in use", code::BAD_ARGUMENT, |ctx| {
            let texture = drawable(ctx);
            share(ctx, texture, TOKEN);
        }),
        ("a token with a zero", code::BAD_ARGUMENT, |ctx| {
            let texture = drawable(ctx);
            share(ctx, texture, [1, 0]);
        }),
        ("no resource", code::BAD_OBJECT, |ctx| share(ctx, 77, [1, 2])),
        ("a buffer", code::BAD_ARGUMENT, |ctx| {
            let buffer = ctx.buffer(&[], 64, usage::DEFAULT, bind::VERTEX_BUFFER, 0, 0);
            share(ctx, buffer, [1, 2]);
        }),
        ("what is presented", code::BAD_ARGUMENT, |ctx| {
            let texture = ctx.texture(RGBA8, SIZE, SIZE, 1, bind::RENDER_TARGET | bind::PRESENT, 0);
            share(ctx, texture, [1, 2]);
        }),
        ("a number that is in use", code::BAD_OBJECT, |ctx| {
            let id = drawable(ctx);
            send!(ctx.ring, OpenSharedResource { token: TOKEN, id, reserved: 0 });
        }),
        ("a token that nobody has", code::BAD_ARGUMENT, |ctx| {
            open(ctx, [5, 6]);
        }),
    ];
    let mut guest = Guest::new();
    let mut owner = guest.context();
    let texture = drawable(&mut owner);
    share(&mut owner, texture, TOKEN);
    guest.finish(&mut owner);
    for (number, (name, expected, deed)) in (20..).zip(deeds) {
        let (ring, heap) = (guest.take_heap(PAGE_BYTES + RING_BYTES), guest.take_heap(PAGE_BYTES));
        let mut ctx = guest.context_in(number, ring, heap);
        deed(&mut ctx);
        ctx.fence();
        match guest.event() {
            Happened::Error { context, code, .. } => {
                assert_eq!((context, code), (ctx.number, expected), "{name}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    fill(&mut owner, texture, 1.0);
    assert!(is_filled(&mut guest, &mut owner, texture, 255), "its owner goes on");
    guest.end();
}
