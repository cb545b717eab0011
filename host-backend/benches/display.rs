//! Ring 0's copies and fills through the whole host: record in the ring, checks, heap, fence. `-- --json` prints JSON.
//!
//! A 2560 × 1440 frame is copied as `DxgkDdiPresent` asks for it, copied with a stretch from 1280 × 720, and filled. Nothing
//! of it touches the GPU.

use std::time::Instant;

use pvgpu_protocol::command::*;

#[path = "../tests/it/harness.rs"]
#[expect(dead_code, reason = "shared with the tests, which use more of it")]
mod harness;

use harness::Guest;

const WIDTH: i32 = 2560;
const HEIGHT: i32 = 1440;
const PITCH: u32 = 2560 * 4;
const FORMAT: u32 = 87;
const ROUNDS: u32 = 60;

/// The median of some runs, in microseconds, each up to ring 0's fence.
fn measure(guest: &mut Guest, mut send: impl FnMut(&mut Guest)) -> u128 {
    let mut times: Vec<u128> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            send(guest);
            guest.finish_ring0();
            start.elapsed().as_micros()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}

fn main() {
    let json = std::env::args().any(|argument| argument == "--json");
    let mut guest = Guest::without_validation();
    let bytes = u64::from(PITCH) * HEIGHT as u64;
    let (src, dst) = (guest.take_heap(bytes), guest.take_heap(bytes));
    let whole = Rect { left: 0, top: 0, right: WIDTH, bottom: HEIGHT };
    let quarter = Rect { right: WIDTH / 2, bottom: HEIGHT / 2, ..whole };
    let blit = |src_rect| BlitHeap {
        src,
        dst,
        src_pitch: PITCH,
        dst_pitch: PITCH,
        format: FORMAT,
        reserved: 0,
        src_rect,
        dst_rect: whole,
        clip: whole,
    };
    let fill = FillHeap { dst, rect: whole, pitch: PITCH, format: FORMAT, value: 0xff00_0000, reserved: 0 };
    let nothing = measure(&mut guest, |_| {});
    let copy = measure(&mut guest, |guest| {
        send!(guest.ring0, blit(whole));
    });
    let stretch = measure(&mut guest, |guest| {
        send!(guest.ring0, blit(quarter));
    });
    let filled = measure(&mut guest, |guest| {
        send!(guest.ring0, fill);
    });
    guest.end();
    if json {
        println!(
            r#"{{"bench":"display","width":{WIDTH},"height":{HEIGHT},"fence_us":{nothing},"copy_us":{copy},"stretch_us":{stretch},"fill_us":{filled}}}"#
        );
    } else {
        println!("a frame of {WIDTH} × {HEIGHT}, median of {ROUNDS}, up to ring 0's fence:");
        for (name, micros) in [("nothing", nothing), ("copy", copy), ("stretch", stretch), ("fill", filled)] {
            println!("  {name:<8} {micros:>7} µs");
        }
    }
}
