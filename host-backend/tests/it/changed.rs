//! What has changed in a presented frame, found by the GPU and by the processor, beside a plain comparison of what stood in the heap.

use std::sync::{Arc, Mutex};

use pvgpu_host_backend::memory::Heap;
use pvgpu_host_backend::vulkan::{ComparedBy, DeviceOptions, Frame, TileWatch};
use pvgpu_protocol::command::*;
use pvgpu_transport::tiles::TileMask;

use crate::harness::{Ctx, Guest, validated};
use crate::send;

const RGBA16_FLOAT: u32 = 10;
const RGB10A2: u32 = 24;
const RGBA8: u32 = 28;
const RGBA8_SRGB: u32 = 29;
const BGRA8: u32 = 87;
const TILE: u32 = 64;

/// A frame as the watch saw it.
#[derive(Clone)]
struct Seen {
    frame: Frame,
    mask: TileMask,
    rows: Vec<u8>,
}

/// Frames in the order in which they were told.
#[derive(Clone, Default)]
struct Film(Arc<Mutex<Vec<Seen>>>);

impl Film {
    fn watch(&self, by: ComparedBy) -> TileWatch {
        let film = self.0.clone();
        let sink = move |frame: &Frame, mask: &TileMask, heap: &Heap| {
            let seen = Seen { frame: *frame, mask: mask.clone(), rows: frame.rows(heap) };
            film.lock().expect("no panic").push(seen);
        };
        TileWatch { sink: Arc::new(sink), by }
    }

    fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.0.lock().expect("no panic"))
    }
}

/// The tiles in which two frames of a size differ, texel by texel.
fn difference(before: &[u8], now: &[u8], width: u32) -> Vec<u32> {
    let mut tiles = Vec::new();
    for (index, (before, now)) in (0..).zip(before.chunks(4).zip(now.chunks(4))) {
        let (column, row) = (index % width, index / width);
        let tile = row / TILE * width.div_ceil(TILE) + column / TILE;
        if before != now {
            tiles.push(tile);
        }
    }
    tiles.sort_unstable();
    tiles.dedup();
    tiles
}

fn masks(seen: &[Seen]) -> Vec<Vec<u32>> {
    seen.iter().map(|seen| seen.mask.iter().collect()).collect()
}

/// What the masks of frames of one size must be.
fn expected(seen: &[Seen]) -> Vec<Vec<u32>> {
    let width = seen[0].frame.width;
    let mut masks = vec![(0..seen[0].mask.tiles()).collect()];
    masks.extend(seen.windows(2).map(|pair| difference(&pair[0].rows, &pair[1].rows, width)));
    masks
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (((self.0 >> 33) * u64::from(bound)) >> 31) as u32
    }
}

/// Writes random texels of one colour into a rectangle of a texture.
fn paint(
    ctx: &mut Ctx,
    texture: u32,
    format: u32,
    [left, top, right, bottom]: [u32; 4],
    random: &mut Random,
) {
    let texel: Vec<u8> = match format {
        // Numbers between 0 and 1.
        RGBA16_FLOAT => (0..4).flat_map(|_| (random.below(0x3c00) as u16).to_le_bytes()).collect(),
        _ => (0..4).map(|_| random.below(256) as u8).collect(),
    };
    let (columns, rows) = (right - left, bottom - top);
    let data = ctx.put(&texel.repeat((columns * rows) as usize));
    let row_pitch = columns * texel.len() as u32;
    let dst_box = SubresourceBox { left, top, front: 0, right, bottom, back: 1 };
    let update = UpdateSubresource {
        data,
        dst: texture,
        dst_subresource: 0,
        dst_box,
        row_pitch,
        depth_pitch: row_pitch * rows,
    };
    send!(ctx.ring, update);
}

fn rectangle(width: u32, height: u32, random: &mut Random) -> [u32; 4] {
    let (left, top) = (random.below(width), random.below(height));
    let right = left + 1 + random.below((width - left).min(40));
    let bottom = top + 1 + random.below((height - top).min(40));
    [left, top, right.min(width), bottom.min(height)]
}

/// Presents pictures of several sizes in which random rectangles change, and compares each mask with the frames.
fn compare(mut guest: Guest, film: &Film, formats: &[u32], seed: u64) {
    let mut random = Random(seed);
    let mut some = 0;
    for (width, height) in [(64, 64), (200, 131), (1, 1), (130, 70), (33, 300), (1100, 65)] {
        let format = formats[random.below(formats.len() as u32) as usize];
        let mut ctx = guest.context();
        let texture = ctx.texture(format, width, height, 1, bind::RENDER_TARGET | bind::SHADER_RESOURCE, 0);
        paint(&mut ctx, texture, format, [0, 0, width, height], &mut random);
        ctx.present(texture, width, height);
        for step in 0..12 {
            // Nothing, one rectangle, or a few; several frames without a fence in between.
            for _ in 0..step % 4 {
                let area = rectangle(width, height, &mut random);
                paint(&mut ctx, texture, format, area, &mut random);
            }
            ctx.present(texture, width, height);
            if random.below(3) != 0 {
                guest.finish(&mut ctx);
            }
        }
        guest.finish(&mut ctx);
        let seen = film.take();
        assert_eq!(seen.len(), 13, "{width} × {height}");
        some += seen.iter().skip(1).filter(|seen| !seen.mask.is_empty()).count();
        assert_eq!(masks(&seen), expected(&seen), "{width} × {height}, format {format}");
    }
    assert!(some > 20, "only {some} frames had changes");
    guest.end();
}

/// Frames of several sizes and pitches in turn are compared with the last one of their own kind.
fn take_turns(by: ComparedBy) {
    let film = Film::default();
    let mut guest = Guest::watched(validated(), film.watch(by));
    let mut ctx = guest.context();
    let mut random = Random(9);
    let kinds = [(100, 70, 400), (70, 100, 280), (100, 70, 416)];
    let textures =
        kinds.map(|(width, height, _)| ctx.texture(BGRA8, width, height, 1, bind::RENDER_TARGET, 0));
    for _ in 0..5 {
        for (texture, (width, height, row_pitch)) in textures.iter().zip(kinds) {
            let area = rectangle(width, height, &mut random);
            paint(&mut ctx, *texture, BGRA8, area, &mut random);
            ctx.present_with_pitch(*texture, width, height, row_pitch);
        }
    }
    guest.finish(&mut ctx);
    let all = film.take();
    for (width, height, row_pitch) in kinds {
        let is_same =
            |frame: &Frame| (frame.width, frame.height, frame.row_pitch) == (width, height, row_pitch);
        let seen: Vec<Seen> = all.iter().filter(|seen| is_same(&seen.frame)).cloned().collect();
        assert_eq!(seen.len(), 5);
        assert_eq!(masks(&seen), expected(&seen), "{width} × {height}, pitch {row_pitch}");
    }
    // Another context's frames have nothing to do with these.
    let mut other = guest.context();
    let texture = other.texture(BGRA8, 100, 70, 1, bind::RENDER_TARGET, 0);
    other.present_with_pitch(texture, 100, 70, 400);
    guest.finish(&mut other);
    assert_eq!(masks(&film.take()), [[0, 1, 2, 3]]);
    guest.end();
}

#[test]
fn the_gpu_compares_frames_of_a_kind() {
    take_turns(ComparedBy::Gpu);
}

#[test]
fn the_processor_compares_frames_of_a_kind() {
    take_turns(ComparedBy::Processor);
}

#[test]
fn the_gpus_mask_is_the_difference() {
    let film = Film::default();
    let guest = Guest::watched(validated(), film.watch(ComparedBy::Gpu));
    compare(guest, &film, &[RGBA8, BGRA8, RGB10A2, RGBA16_FLOAT, RGBA8_SRGB], 1);
}

#[test]
fn the_gpus_mask_is_the_difference_where_frames_are_copied_once_more() {
    let film = Film::default();
    let guest = Guest::watched(DeviceOptions { bounce: true, ..validated() }, film.watch(ComparedBy::Gpu));
    compare(guest, &film, &[BGRA8, RGBA16_FLOAT], 2);
}

#[test]
fn the_processors_mask_is_the_difference() {
    let film = Film::default();
    let guest = Guest::watched(validated(), film.watch(ComparedBy::Processor));
    compare(guest, &film, &[RGBA8, BGRA8, RGB10A2, RGBA16_FLOAT], 3);
}
