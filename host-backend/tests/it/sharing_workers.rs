//! Textures that several workers have: what goes from one to the other, what is refused, and what is left when one ends.
//!
//! Both workers run in this process, with the registry of a supervisor between them; `supervisor` has the processes.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pvgpu_host_backend::ops::ShareToken;
use pvgpu_host_backend::shared_image::{Asked, Broker, SharedImage};
use pvgpu_host_backend::supervisor::Shares;
use pvgpu_protocol::command::*;
use pvgpu_protocol::event::error_code as code;
use pvgpu_protocol::limits::MAX_GUEST_BYTES;

use crate::harness::{Ctx, Guest, Happened, Permit, range_2d};
use crate::send;

const RGBA8: u32 = 28;
const SIZE: u32 = 64;
const TOKEN: ShareToken = [0x1234_5678, 0x9abc_def0];

/// Makes something else of what others are told.
type Lie = fn(&mut SharedImage);

/// A worker's end of a registry.
struct End {
    shares: Arc<Shares>,
    guest: u64,
    /// What others are told of an image, in place of what it is.
    lie: Mutex<Option<Lie>>,
}

impl Broker for End {
    fn publish(&self, token: ShareToken, image: &SharedImage, memory: OwnedFd) {
        let mut image = *image;
        if let Some(lie) = *self.lie.lock().expect("no panic") {
            lie(&mut image);
        }
        self.shares.publish(self.guest, token, image, memory);
    }

    fn withdraw(&self, token: ShareToken) {
        self.shares.withdraw(self.guest, token);
    }

    fn ask(&self, token: ShareToken) -> Asked {
        match self.shares.open(self.guest, token) {
            Some((image, memory)) => Asked::Found(Box::new(image), memory),
            None => Asked::Unknown,
        }
    }
}

fn registry() -> Arc<Shares> {
    Arc::new(Shares::new(&"shm:test".parse().expect("a link")))
}

fn end(shares: &Arc<Shares>, guest: u64) -> Arc<End> {
    Arc::new(End { shares: shares.clone(), guest, lie: Mutex::default() })
}

fn worker(shares: &Arc<Shares>, guest: u64) -> Guest {
    Guest::with_broker(MAX_GUEST_BYTES, end(shares, guest))
}

fn drawable(ctx: &mut Ctx) -> u32 {
    ctx.texture(RGBA8, SIZE, SIZE, 1, bind::RENDER_TARGET | bind::SHADER_RESOURCE, misc::SHARED)
}

fn share(ctx: &mut Ctx, id: u32, token: ShareToken) {
    send!(ctx.ring, ShareResource { token, id, reserved: 0 });
}

/// Opens what is shared, and gives the answer too.
fn try_open(guest: &mut Guest, ctx: &mut Ctx, token: ShareToken) -> (u32, u64) {
    let (id, status) = (ctx.id(), ctx.take(8));
    send!(ctx.ring, TryOpenSharedResource { token, status, id, reserved: 0 });
    guest.finish(ctx);
    (id, u64::from_le_bytes(ctx.get(status).try_into().expect("8 bytes")))
}

fn open(guest: &mut Guest, ctx: &mut Ctx, token: ShareToken) -> u32 {
    let (id, status) = try_open(guest, ctx, token);
    assert_eq!(status, open_status::OPENED);
    id
}

/// Fills a texture with one value in all channels.
fn fill(ctx: &mut Ctx, texture: u32, value: u8) {
    let view = ctx.view(texture, view_kind::RENDER_TARGET, RGBA8, range_2d());
    let color = [f32::from(value) / 255.0; 4];
    send!(ctx.ring, ClearRenderTargetView { color, view, reserved: 0 });
    send!(ctx.ring, DestroyObject { id: view, reserved: 0 });
}

/// Whether all channels of a texture have this value.
fn is_filled(guest: &mut Guest, ctx: &mut Ctx, texture: u32, value: u8) -> bool {
    let range = ctx.read_back(texture, RGBA8, SIZE, SIZE, 4);
    guest.finish(ctx);
    ctx.get(range).iter().all(|byte| *byte == value)
}

#[test]
fn workers_see_what_the_others_have_drawn() {
    let Some(_permit) = Permit::of_several() else { return };
    let shares = registry();
    let (mut here, mut there) = (worker(&shares, 1), worker(&shares, 2));
    let (mut one, mut other) = (here.context(), there.context());
    let texture = drawable(&mut one);
    fill(&mut one, texture, 255);
    share(&mut one, texture, TOKEN);
    here.finish(&mut one);
    let opened = open(&mut there, &mut other, TOKEN);
    assert!(is_filled(&mut there, &mut other, opened, 255), "what was drawn before it was shared");
    for round in 0..32_u8 {
        let mut sides = [(&mut here, &mut one, texture), (&mut there, &mut other, opened)];
        if !round.is_multiple_of(2) {
            sides.reverse();
        }
        let [(writer, from, target), (reader, to, source)] = &mut sides;
        fill(from, *target, round);
        writer.finish(from);
        assert!(is_filled(reader, to, *source, round), "round {round}");
    }
    // A context of the same worker opens it by the same token.
    let mut third = there.context();
    let again = open(&mut there, &mut third, TOKEN);
    fill(&mut third, again, 77);
    there.finish(&mut third);
    assert!(is_filled(&mut here, &mut one, texture, 77));
    here.end();
    there.end();
}

#[test]
fn a_texture_outlives_its_owner() {
    let Some(_permit) = Permit::of_several() else { return };
    let shares = registry();
    let (mut here, mut there) = (worker(&shares, 1), worker(&shares, 2));
    let (mut one, mut other) = (here.context(), there.context());
    let texture = drawable(&mut one);
    fill(&mut one, texture, 9);
    share(&mut one, texture, TOKEN);
    here.finish(&mut one);
    let opened = open(&mut there, &mut other, TOKEN);
    here.end();
    shares.forget(1);
    assert!(is_filled(&mut there, &mut other, opened, 9), "its worker is gone");
    fill(&mut other, opened, 10);
    there.finish(&mut other);
    let mut last = worker(&shares, 3);
    let mut third = last.context();
    let again = open(&mut last, &mut third, TOKEN);
    assert!(is_filled(&mut last, &mut third, again, 10), "and it can be opened as long as a worker has it");
    send!(other.ring, DestroyObject { id: opened, reserved: 0 });
    send!(third.ring, DestroyObject { id: again, reserved: 0 });
    there.finish(&mut other);
    last.finish(&mut third);
    assert_eq!(try_open(&mut last, &mut third, TOKEN).1, open_status::REFUSED, "but no longer");
    last.end();
    there.end();
}

#[test]
fn a_token_that_is_nobodys_costs_nothing_where_an_answer_is_asked_for() {
    let shares = registry();
    let mut guest = worker(&shares, 1);
    let mut ctx = guest.context();
    let (id, status) = try_open(&mut guest, &mut ctx, [5, 6]);
    assert_eq!(status, open_status::REFUSED);
    // Its number is free, and the context goes on.
    let command = crate::harness::texture_2d(id, RGBA8, SIZE, SIZE, 1, bind::RENDER_TARGET, 0);
    send!(ctx.ring, command);
    fill(&mut ctx, id, 3);
    assert!(is_filled(&mut guest, &mut ctx, id, 3));
    // A number that is in use is the guest's mistake, and so is an answer where it may not write.
    for (id, status, expected) in
        [(id, ctx.take(8), code::BAD_OBJECT), (99, HeapRange { offset: 0, length: 8 }, code::BAD_HEAP_RANGE)]
    {
        let mut ctx = guest.context();
        if expected == code::BAD_OBJECT {
            send!(ctx.ring, crate::harness::texture_2d(id, RGBA8, 4, 4, 1, 0, 0));
        }
        let status = if expected == code::BAD_OBJECT { ctx.take(8) } else { status };
        send!(ctx.ring, TryOpenSharedResource { token: [5, 6], status, id, reserved: 0 });
        match guest.event() {
            Happened::Error { context, code, .. } => assert_eq!((context, code), (ctx.number, expected)),
            other => panic!("{other:?}"),
        }
    }
    guest.end();
}

#[test]
fn what_a_worker_says_of_an_image_is_checked_again() {
    let Some(_permit) = Permit::of_several() else { return };
    let lies: [(&str, Lie); 8] = [
        ("a larger image", |image| image.command[2] *= 4),
        ("a buffer", |image| image.command[0] = dimension::BUFFER),
        ("no format", |image| image.command[1] = 0),
        ("a staging texture", |image| image.command[9] = usage::STAGING),
        ("an image that is presented", |image| image.command[10] |= bind::PRESENT),
        ("other memory", |image| image.memory_type = 31),
        ("more memory", |image| image.size += 4096),
        ("another GPU", |image| image.gpu.device[3] ^= 1),
    ];
    let shares = registry();
    let liar = end(&shares, 1);
    let mut here = Guest::with_broker(MAX_GUEST_BYTES, liar.clone());
    let mut there = worker(&shares, 2);
    let (mut one, mut other) = (here.context(), there.context());
    for (word, (name, lie)) in (1..).zip(lies) {
        *liar.lie.lock().expect("no panic") = Some(lie);
        let texture = drawable(&mut one);
        share(&mut one, texture, [word, 1]);
        here.finish(&mut one);
        let (_, status) = try_open(&mut there, &mut other, [word, 1]);
        assert_eq!(status, open_status::REFUSED, "{name}");
    }
    here.end();
    there.end();
}

#[test]
fn opened_images_count_against_the_guest_that_opens() {
    let Some(_permit) = Permit::of_several() else { return };
    let shares = registry();
    let mut here = worker(&shares, 1);
    let mut one = here.context();
    let side = 1024;
    let flags = bind::RENDER_TARGET;
    for word in 1..=8 {
        let texture = one.texture(RGBA8, side, side, 1, flags, misc::SHARED);
        share(&mut one, texture, [word, 1]);
    }
    here.finish(&mut one);
    // Room for some of them and what a context itself takes.
    let limit = u64::from(side * side * 4) * 5;
    let mut there = Guest::with_broker(limit, end(&shares, 2));
    let mut other = there.context();
    let mut opened = Vec::new();
    for word in 1..=8 {
        let (id, status) = try_open(&mut there, &mut other, [word, 1]);
        if status == open_status::REFUSED {
            break;
        }
        opened.push(id);
    }
    assert!((2..=5).contains(&opened.len()), "{} fit", opened.len());
    send!(other.ring, DestroyObject { id: opened[0], reserved: 0 });
    // It goes with the work that follows.
    for _ in 0..2 {
        fill(&mut other, opened[1], 1);
        there.finish(&mut other);
    }
    let (_, status) = try_open(&mut there, &mut other, [8, 1]);
    assert_eq!(status, open_status::OPENED, "what is gone makes room");
    there.end();
    here.end();
}

#[test]
fn many_cycles_leave_nothing_behind() {
    let Some(_permit) = Permit::of_several() else { return };
    let shares = registry();
    let (mut here, mut there) = (worker(&shares, 1), worker(&shares, 2));
    let (mut one, mut other) = (here.context(), there.context());
    let status = other.take(8);
    let files = || std::fs::read_dir("/proc/self/fd").expect("a folder").count();
    let mut before = 0;
    for round in 0..2000_u64 {
        let token = [round + 1, 1];
        let texture = one.texture(RGBA8, 4, 4, 1, bind::RENDER_TARGET, misc::SHARED);
        share(&mut one, texture, token);
        here.finish(&mut one);
        let id = other.id();
        send!(other.ring, TryOpenSharedResource { token, status, id, reserved: 0 });
        there.finish(&mut other);
        assert_eq!(other.get(status)[0], 1, "round {round}");
        send!(one.ring, DestroyObject { id: texture, reserved: 0 });
        send!(other.ring, DestroyObject { id, reserved: 0 });
        if round == 100 {
            before = files();
        }
    }
    // What was destroyed last goes with the next submission.
    for _ in 0..2 {
        here.finish(&mut one);
        there.finish(&mut other);
    }
    std::thread::sleep(Duration::from_millis(50));
    // Other tests of this process open files meanwhile, some dozens.
    assert!(files() < before + 500, "{} files, {before} before", files());
    for round in 0..2000_u64 {
        assert!(shares.open(3, [round + 1, 1]).is_none(), "round {round}");
    }
    here.end();
    there.end();
}
