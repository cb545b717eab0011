//! What it costs to know which tiles of a presented frame have changed: frames through the whole host without that, compared by the
//! completion thread, and compared by the GPU (lavapipe, or what `PVGPU_TEST_GPU` names). `-- --json` prints JSON.
//!
//! A frame is a rectangle of 300 × 200 texels that is cleared to another colour, and a present; each is waited for. Wall-clock time of the
//! frame and processor time of the whole process, medians.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pvgpu_host_backend::vulkan::{ComparedBy, DeviceOptions, TileWatch};
use pvgpu_protocol::aperture::PAGE_BYTES;
use pvgpu_protocol::command::*;
use pvgpu_protocol::limits::MAX_GUEST_BYTES;

#[path = "../tests/it/harness.rs"]
#[expect(dead_code, reason = "shared with the tests, which use more of it")]
mod harness;

use harness::{Guest, RING_BYTES, range_2d};

const BGRA8: u32 = 87;
const SIZES: [(u32, u32); 2] = [(1920, 1080), (2560, 1600)];
const ROUNDS: usize = 60;
const WARM_UP: usize = 5;

/// Processor time of this process.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// Medians of wall-clock and processor time of a frame in microseconds, and the tiles that changed in all.
fn measure(by: Option<ComparedBy>, (width, height): (u32, u32)) -> (u128, u128, u64) {
    let tiles = Arc::new(AtomicU64::new(0));
    let mut guest = match by {
        None => Guest::without_validation(),
        Some(by) => {
            let tiles = tiles.clone();
            let sink = Arc::new(move |_: &_, mask: &pvgpu_transport::tiles::TileMask, _: &_| {
                tiles.fetch_add(mask.count().into(), Ordering::Relaxed);
            });
            Guest::watched(
                DeviceOptions { memory_limit: MAX_GUEST_BYTES, ..DeviceOptions::default() },
                TileWatch { sink, by },
            )
        }
    };
    let ring = guest.take_heap(PAGE_BYTES + RING_BYTES);
    let heap = guest.take_heap(u64::from(width * height * 4) + (1 << 20));
    let mut ctx = guest.context_in(1, ring, heap);
    let texture = ctx.texture(BGRA8, width, height, 1, bind::RENDER_TARGET, 0);
    let view = ctx.view(texture, view_kind::RENDER_TARGET, BGRA8, range_2d());
    let frame = ctx.take(u64::from(width * height * 4));
    let (mut wall, mut processor) = (Vec::new(), Vec::new());
    for round in 0..WARM_UP + ROUNDS {
        let start = (Instant::now(), processor_time());
        let rects = [Rect { left: 500, top: 300, right: 800, bottom: 500 }];
        let color = [round as f32 / 100.0, 0.5, 0.25, 1.0];
        send!(ctx.ring, ClearView { view, color, reserved: 0, rects: &rects });
        ctx.present_in(frame, texture, width, height, width * 4);
        guest.finish(&mut ctx);
        if round >= WARM_UP {
            wall.push(start.0.elapsed().as_micros());
            processor.push((processor_time() - start.1).as_micros());
        }
    }
    guest.end();
    wall.sort_unstable();
    processor.sort_unstable();
    (wall[ROUNDS / 2], processor[ROUNDS / 2], tiles.load(Ordering::Relaxed))
}

fn main() {
    let json = std::env::args().any(|argument| argument == "--json");
    for size in SIZES {
        let (width, height) = size;
        for (name, by) in [
            ("not compared", None),
            ("processor", Some(ComparedBy::Processor)),
            ("GPU", Some(ComparedBy::Gpu)),
        ] {
            let (wall, processor, tiles) = measure(by, size);
            if json {
                println!(
                    r#"{{"bench":"changed","width":{width},"height":{height},"by":"{name}","frame_us":{wall},"processor_us":{processor},"tiles":{tiles}}}"#
                );
            } else {
                println!(
                    "{width:>5} × {height:<5} {name:<13} frame {wall:>6} µs, processor {processor:>6} µs, {tiles} tiles"
                );
            }
        }
    }
}
