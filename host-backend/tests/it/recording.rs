//! Recordings and their replay: the same frames, the same mistakes, and hostile files.

use std::sync::{Arc, Mutex};

use pvgpu_host_backend::record::format::{MAX_BLOCK_BYTES, end};
use pvgpu_host_backend::record::{Item, Limits, Reader, Writer};
use pvgpu_host_backend::replay::{FrameSink, Matching, Outcome, ReplayError, replay};
use pvgpu_host_backend::vulkan::{Device, validation_messages};
use pvgpu_protocol::aperture::Sizes;
use pvgpu_protocol::command::*;
use pvgpu_protocol::event::error_code;
use pvgpu_protocol::limits::MIN_APERTURE_BYTES;

use crate::drawing::{draw_quad, target};
use crate::harness::{Ctx, Gpu, Guest, Happened, SharedFile, header, texture_2d};
use crate::send;

const RGBA8: u32 = 28;
/// Pixels of a frame's side.
const SIDE: u32 = 32;
/// Bytes of a frame.
const FRAME: u64 = SIDE as u64 * SIDE as u64 * 4;

/// Replays a file; gives the rows of each frame, too.
fn play(file: &[u8], device: &Arc<Device>) -> (Outcome, Result<(), ReplayError>, Vec<Vec<u8>>) {
    let frames = Arc::new(Mutex::new(Vec::new()));
    let taken = frames.clone();
    let sink: FrameSink = Box::new(move |_, _, rows| taken.lock().expect("no panic").push(rows));
    let reader = match Reader::new(file) {
        Ok(reader) => reader,
        Err(error) => return (Outcome::default(), Err(ReplayError::Read(error)), Vec::new()),
    };
    let (outcome, result) = replay(reader, device.clone(), Some(sink));
    let frames = std::mem::take(&mut *frames.lock().expect("no panic"));
    (outcome, result, frames)
}

fn bytes(file: &SharedFile) -> Vec<u8> {
    file.0.lock().expect("no panic").clone()
}

/// A frame's worth of texels that nobody else has.
fn texels(seed: u32) -> Vec<u8> {
    (0..SIDE * SIDE)
        .flat_map(|at| (at.wrapping_mul(2_654_435_761) ^ seed << 8 | 0xff00_0000).to_le_bytes())
        .collect()
}

/// Puts bytes at a place that was used before, as a guest does that has waited for the fence.
fn put_at(guest: &Guest, range: HeapRange, bytes: &[u8]) {
    let region = guest.heap_region(range);
    for (cell, word) in region.as_ref().iter().zip(bytes.as_chunks::<8>().0) {
        cell.store(u64::from_le_bytes(*word), std::sync::atomic::Ordering::Relaxed);
    }
}

fn whole(data: HeapRange, dst: u32) -> UpdateSubresource {
    let dst_box = SubresourceBox { right: SIDE, bottom: SIDE, back: 1, ..Default::default() };
    UpdateSubresource {
        data,
        dst,
        dst_subresource: 0,
        dst_box,
        row_pitch: SIDE * 4,
        depth_pitch: SIDE * SIDE * 4,
    }
}

fn present_at(ctx: &mut Ctx, src: u32, frame: HeapRange, sequence: u64) {
    let (width, height, row_pitch) = (SIDE, SIDE, SIDE * 4);
    send!(ctx.ring, Present { frame, src, src_subresource: 0, width, height, row_pitch, flags: 0, sequence });
}

fn staging(ctx: &mut Ctx, heap: HeapRange) -> u32 {
    let id = ctx.id();
    send!(
        ctx.ring,
        CreateResource { usage: usage::STAGING, heap, ..texture_2d(id, RGBA8, SIDE, SIDE, 1, 0, 0) }
    );
    id
}

/// Everything whose replay depends on when the heap had which contents. Gives the frames as the guest saw them.
fn perform(guest: &mut Guest) -> Vec<Vec<u8>> {
    let mut seen = Vec::new();
    let mut ctx = guest.context();
    let (texture, view) = target(&mut ctx, RGBA8, SIDE, SIDE);
    let (data, frame) = (ctx.take(FRAME), ctx.take(FRAME));
    let mut show = |guest: &mut Guest, ctx: &mut Ctx, texture| {
        present_at(ctx, texture, frame, seen.len() as u64 + 1);
        guest.finish(ctx);
        seen.push(ctx.get(frame));
    };
    // The same place holds other data in each frame.
    for seed in 0..4 {
        put_at(guest, data, &texels(seed));
        send!(ctx.ring, whole(data, texture));
        show(guest, &mut ctx, texture);
    }
    // A draw, with shaders, constants and vertices out of the heap.
    send!(ctx.ring, ClearRenderTargetView { color: [0.5, 0.0, 0.25, 1.0], view, reserved: 0 });
    draw_quad(&mut ctx, view, SIDE as f32);
    show(guest, &mut ctx, texture);
    // A staging texture that the guest writes between fences.
    let place = ctx.take(FRAME);
    let upload = staging(&mut ctx, place);
    for seed in 10..13 {
        put_at(guest, place, &texels(seed));
        send!(ctx.ring, CopyResource { dst: texture, src: upload });
        show(guest, &mut ctx, texture);
    }
    // The GPU writes it, twice before a fence, and reads it; then the guest changes a part of what the GPU wrote.
    send!(ctx.ring, ClearRenderTargetView { color: [0.0, 1.0, 0.0, 1.0], view, reserved: 0 });
    send!(ctx.ring, CopyResource { dst: upload, src: texture });
    send!(ctx.ring, ClearRenderTargetView { color: [1.0, 0.0, 0.0, 1.0], view, reserved: 0 });
    ctx.fence();
    let src_box = SubresourceBox { right: SIDE / 2, bottom: SIDE, back: 1, ..Default::default() };
    let half = |dst, src| CopyRegion {
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
    send!(ctx.ring, half(upload, texture));
    send!(ctx.ring, CopyResource { dst: texture, src: upload });
    show(guest, &mut ctx, texture);
    put_at(guest, HeapRange { length: 512, ..place }, &[0x40; 512]);
    send!(ctx.ring, CopyResource { dst: texture, src: upload });
    show(guest, &mut ctx, texture);
    // Another context that waits for this one, ends, and gives its number to a third.
    let mut second = guest.context();
    let (other, other_view) = target(&mut second, RGBA8, SIDE, SIDE);
    let other_frame = second.take(FRAME);
    let value = ctx.fence();
    send!(second.ring, WaitFence { value, context: ctx.number, reserved: 0 });
    for color in [[0.0, 0.0, 1.0, 1.0], [1.0, 1.0, 0.0, 1.0]] {
        send!(second.ring, ClearRenderTargetView { color, view: other_view, reserved: 0 });
        present_at(&mut second, other, other_frame, 1);
        guest.finish(&mut second);
        seen.push(second.get(other_frame));
    }
    send!(guest.ring0, DestroyContext { context: second.number, reserved: 0 });
    assert_eq!(guest.event(), Happened::Destroyed { context: second.number });
    let (ring, heap) = (guest.take_heap(4096 + crate::harness::RING_BYTES), guest.take_heap(1 << 20));
    let mut third = guest.context_in(second.number, ring, heap);
    let (other, other_view) = target(&mut third, RGBA8, SIDE, SIDE);
    let other_frame = third.take(FRAME);
    send!(third.ring, ClearRenderTargetView { color: [1.0; 4], view: other_view, reserved: 0 });
    present_at(&mut third, other, other_frame, 1);
    guest.finish(&mut third);
    seen.push(third.get(other_frame));
    seen
}

fn record(limits: Limits, bounce: bool) -> (Vec<u8>, Vec<Vec<u8>>) {
    let file = SharedFile::default();
    let mut guest = Guest::recorded(&file, limits, bounce);
    let seen = perform(&mut guest);
    guest.end();
    (bytes(&file), seen)
}

#[test]
fn a_replay_shows_what_the_guest_saw() {
    for bounce in [false, true] {
        let (file, seen) = record(Limits::default(), bounce);
        let gpu = Gpu::open();
        let device = &gpu.device;
        // Twice: the second time on a device with a past.
        for _ in 0..2 {
            let (outcome, result, frames) = play(&file, device);
            result.expect("a whole recording");
            let count = seen.len() as u64;
            assert_eq!(outcome.matching, Matching { same: count, ..Matching::default() }, "bounce {bounce}");
            assert_eq!((outcome.frames, outcome.skipped, outcome.draws), (count, 0, 1));
            assert!(frames == seen, "bounce {bounce}: the frames themselves");
        }
        assert_eq!(validation_messages(), 0);
    }
}

#[test]
fn a_mistake_is_replayed() {
    let file = SharedFile::default();
    let mut guest = Guest::recorded(&file, Limits::default(), false);
    let mut ctx = guest.context();
    send!(ctx.ring, SetTopology { topology: 6, reserved: 0 });
    let Happened::Error { code: error_code::BAD_ARGUMENT, .. } = guest.event() else { panic!("poisoned") };
    let mut other = guest.context();
    guest.finish(&mut other);
    guest.end();
    let (outcome, result, _) = play(&bytes(&file), &Gpu::open().device);
    result.expect("a whole recording");
    assert_eq!((outcome.poisoned.len(), outcome.odd.len()), (1, 0), "{outcome:?}");
    assert!(outcome.poisoned[0].contains("topology 6"), "{}", outcome.poisoned[0]);
}

#[test]
fn limits_end_a_recording_and_leave_it_whole() {
    let (file, seen) = record(Limits { frames: Some(3), ..Limits::default() }, false);
    assert!(seen.len() > 3);
    let (outcome, result, _) = play(&file, &Gpu::open().device);
    result.expect("a whole recording");
    assert_eq!(outcome.matching, Matching { same: 3, ..Matching::default() });
    // A limit in bytes: as many whole blocks as fit, and the end.
    let bytes = 9000;
    let (file, _) = record(Limits { bytes, each: true, ..Limits::default() }, false);
    assert!(file.len() as u64 <= bytes, "{} bytes", file.len());
    let mut reader = Reader::new(&file[..]).expect("a recording");
    let mut last = None;
    while let Some(item) = reader.next_item().expect("whole") {
        if let Item::End { reason, records, .. } = item {
            last = Some((reason, records));
        }
    }
    let (reason, records) = last.expect("an end");
    assert_eq!(reason, end::BYTES);
    assert!(records > 5, "{records} records");
}

#[test]
fn each_record_is_there_before_it_is_executed() {
    let file = SharedFile::default();
    let mut guest = Guest::recorded(&file, Limits { each: true, ..Limits::default() }, false);
    let mut ctx = guest.context();
    let (_, view) = target(&mut ctx, RGBA8, SIDE, SIDE);
    guest.finish(&mut ctx);
    send!(ctx.ring, ClearRenderTargetView { color: [0.0; 4], view, reserved: 0 });
    guest.wait("the ring to be read", |_| ctx.ring.is_read());
    // As it stands when the worker dies now.
    let file = bytes(&file);
    guest.end();
    let (outcome, result, _) = play(&file, &Gpu::open().device);
    let error = result.expect_err("no end").to_string();
    assert!(error.starts_with("its end is missing"), "{error}");
    // The context, its grant, the texture, its view, a fence, the clear.
    assert_eq!(outcome.records, 6);
}

/// The items of a file, each by itself.
pub fn items(file: &[u8]) -> Vec<Vec<u8>> {
    let mut reader = Reader::new(file).expect("a recording");
    let mut items = Vec::new();
    while let Some(item) = reader.next_item().expect("whole") {
        let mut bytes = Vec::new();
        item.write(&mut bytes);
        items.push(bytes);
    }
    items
}

/// A file with the checksums of its own items, whatever they are.
pub fn file_of(device: &Device, sizes: Sizes, items: &[Vec<u8>]) -> Vec<u8> {
    let file = SharedFile::default();
    let mut writer = Writer::new(Box::new(file.clone()), &header(device, sizes), u64::MAX).expect("begins");
    for item in items {
        writer.raw(item).expect("memory");
    }
    writer.flush().expect("memory");
    bytes(&file)
}

#[test]
fn hostile_files_give_errors() {
    let sizes = Sizes::with_aperture(MIN_APERTURE_BYTES);
    let (file, _) = record(Limits::default(), false);
    let gpu = Gpu::open();
    let device = gpu.device.clone();
    let fails = |file: &[u8], text: &str| {
        let (_, result, _) = play(file, &device);
        let error = result.expect_err(text).to_string();
        assert!(error.contains(text), "{error:?} instead of {text:?}");
    };
    fails(b"", "it is no recording of pvgpu");
    fails(b"\x7fELF and so on, for some bytes", "it is no recording of pvgpu");
    let changed = |at: usize, byte: u8| {
        let mut file = file.clone();
        file[at] = byte;
        file
    };
    fails(&changed(8, 2), "it is of format 2, and this pvgpud reads format 1");
    fails(&changed(8, 0), "there is no format 0");
    fails(&changed(14, 9), "its header of");
    fails(&changed(30, 0xee), "the checksum of its header does not fit");
    let last = file.len() - 30;
    fails(&changed(last, file[last] ^ 1), "it is corrupt");
    for length in (9..file.len()).step_by(file.len() / 40) {
        let (_, result, _) = play(&file[..length], &device);
        let error = result.expect_err("cut off").to_string();
        assert!(error.contains("cut off") || error.contains("its end is missing"), "{error}");
    }
    let mut longer = file.clone();
    longer.extend_from_slice(&file[file.len() - 100..]);
    let (_, result, _) = play(&longer, &device);
    result.expect_err("something follows");

    let item = |item: Item<'_>| {
        let mut bytes = Vec::new();
        item.write(&mut bytes);
        bytes
    };
    let of = |items: &[Vec<u8>]| file_of(&device, sizes, items);
    let good = items(&file);
    let end = item(Item::End { reason: 0, records: 0, frames: 0 });
    fails(&of(&[]), "its end is missing");
    fails(&of(&[vec![99]]), "an item of kind 99");
    fails(&of(&[end.clone(), end.clone()]), "something follows its end");
    fails(&of(&[vec![1, 0, 0, 0, 0]]), "an item ends too early");
    fails(&of(&[vec![2, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255]]), "an item ends too early");
    fails(&of(&[item(Item::Heap { offset: 0, bytes: &[0; 8] })]), "8 bytes for the heap at 0x0");
    fails(
        &of(&[good[0].clone(), item(Item::Heap { offset: u64::MAX - 3, bytes: &[0; 8] })]),
        "8 bytes for the heap at 0xfffffffffffffffc",
    );
    fails(&of(&[item(Item::Completed { context: 3, value: 1 })]), "context 3 does not exist");
    fails(&of(&[item(Item::Completed { context: 0, value: 1 })]), "fence 1 of context 0 is waited for");
    fails(&of(&[good[0].clone(), good[0].clone(), end.clone()]), "ring 0 is poisoned");
    let large = vec![0; MAX_BLOCK_BYTES as usize + 1];
    let mut raw = of(&[]);
    raw.extend((large.len() as u64 | (large.len() as u64) << 32).to_le_bytes());
    fails(&raw, "it is cut off");
    raw.extend([0; 8]);
    raw.extend(large);
    fails(&raw, "a block of 2097153 bytes");
    let mut foreign = header(&device, sizes);
    foreign.abi = 77;
    let file = SharedFile::default();
    Writer::new(Box::new(file.clone()), &foreign, u64::MAX).expect("begins");
    fails(&bytes(&file), "its guest spoke ABI version 77");
    let small = Sizes { aperture: 4096, ..sizes };
    fails(&file_of(&device, small, &[]), "it is corrupt");
    assert_eq!(validation_messages(), 0);
}

/// xorshift64*.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }
}

#[test]
fn mutated_recordings_do_no_harm() {
    const MUTANTS: usize = 120;
    let sizes = Sizes::with_aperture(MIN_APERTURE_BYTES);
    let (file, _) = record(Limits::default(), false);
    let gpu = Gpu::open();
    let device = gpu.device.clone();
    let good = items(&file);
    let mut random = Random(0x5eed_0005);
    let (mut whole, mut refused) = (0, 0);
    for _ in 0..MUTANTS {
        let mut mutant = good.clone();
        for _ in 0..=random.below(4) {
            let index = random.below(mutant.len());
            match random.below(6) {
                0 => drop(mutant.remove(index)),
                1 => mutant.insert(index, good[random.below(good.len())].clone()),
                2 => {
                    let other = random.below(mutant.len());
                    mutant.swap(index, other);
                }
                _ => {
                    let item = &mut mutant[index];
                    // The front holds what matters: kinds, numbers, the record's words.
                    let limit = item.len().min(if random.below(2) == 0 { 32 } else { usize::MAX });
                    let at = random.below(limit);
                    item[at] = if random.below(2) == 0 { item[at] ^ (1 << random.below(8)) } else { 0xff };
                }
            }
        }
        let (_, result, _) = play(&file_of(&device, sizes, &mutant), &device);
        match result {
            Ok(()) => whole += 1,
            Err(_) => refused += 1,
        }
    }
    assert!(whole > 5 && refused > 5, "{whole} were executed, {refused} refused");
    assert_eq!(validation_messages(), 0, "the validation layer has complained");
}
