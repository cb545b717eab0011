//! Ring 0's own work through the whole worker: copies, fills, screens, fences; and modes on their way to the guest.

use std::sync::atomic::Ordering;

use pvgpu_protocol::command::*;
use pvgpu_protocol::mode::DisplayMode;
use pvgpu_transport::Region;

use crate::harness::{Guest, Happened, range_2d};
use crate::send;

const BGRA8: u32 = 87;
const RGBA8: u32 = 28;

fn put(region: &Region, bytes: &[u8]) {
    for (cell, word) in region.as_ref().iter().zip(bytes.as_chunks::<8>().0) {
        cell.store(u64::from_le_bytes(*word), Ordering::Relaxed);
    }
}

fn get(region: &Region) -> Vec<u8> {
    region.as_ref().iter().flat_map(|cell| cell.load(Ordering::Acquire).to_le_bytes()).collect()
}

fn rect(left: i32, top: i32, right: i32, bottom: i32) -> Rect {
    Rect { left, top, right, bottom }
}

#[test]
fn a_presented_frame_reaches_the_screen() {
    let mut guest = Guest::new();
    let primary = guest.take_heap(128 * 96 * 4);
    send!(
        guest.ring0,
        FillHeap {
            dst: primary,
            rect: rect(0, 0, 128, 96),
            pitch: 512,
            format: BGRA8,
            value: 0xff20_1008,
            reserved: 0
        }
    );
    send!(
        guest.ring0,
        SetScanout {
            surface: primary,
            source: 0,
            visible: 1,
            width: 128,
            height: 96,
            pitch: 512,
            format: BGRA8,
            refresh_millihertz: 60_000,
            reserved: 0
        }
    );
    guest.finish_ring0();

    // A context presents 64 × 64 into its own range; then ring 0 copies it to 32,16.
    let mut ctx = guest.context();
    let texture = ctx.texture(RGBA8, 64, 64, 1, bind::RENDER_TARGET, 0);
    let view = ctx.view(texture, view_kind::RENDER_TARGET, RGBA8, range_2d());
    send!(ctx.ring, ClearRenderTargetView { color: [1.0, 0.0, 0.2, 1.0], view, reserved: 0 });
    let frame = ctx.present(texture, 64, 64);
    guest.finish(&mut ctx);
    let copy = BlitHeap {
        src: frame,
        dst: primary,
        src_pitch: 256,
        dst_pitch: 512,
        format: BGRA8,
        reserved: 0,
        src_rect: rect(0, 0, 64, 64),
        dst_rect: rect(32, 16, 96, 80),
        clip: rect(32, 16, 96, 80),
    };
    send!(guest.ring0, copy);
    guest.finish_ring0();

    let bytes = get(&guest.heap_region(primary));
    let pixel = |x: usize, y: usize| &bytes[y * 512 + x * 4..][..4];
    assert_eq!(pixel(32, 16), [51, 0, 255, 255]);
    assert_eq!(pixel(95, 79), [51, 0, 255, 255]);
    for (x, y) in [(31, 16), (32, 15), (96, 79), (95, 80), (0, 0), (127, 95)] {
        assert_eq!(pixel(x, y), [8, 16, 32, 255], "{x},{y}");
    }
    let status = guest.stats.screens().status().expect("a screen");
    assert_eq!((status.width, status.height, status.visible, status.frames), (128, 96, true, 2));
    assert_eq!(guest.stats.blits.load(Ordering::Relaxed), 2);
    assert_eq!(guest.stats.blit_bytes.load(Ordering::Relaxed), 128 * 96 * 4 + 64 * 64 * 4);
    guest.end();
}

#[test]
fn a_copy_onto_itself_moves_like_a_scrolled_window() {
    let mut guest = Guest::new();
    let surface = guest.take_heap(4096);
    let before: Vec<u8> = (0..4096u32).map(|index| (index * 7 % 251) as u8).collect();
    for (from, to) in [(0, 1), (1, 0), (0, 3)] {
        put(&guest.heap_region(surface), &before);
        let moved = BlitHeap {
            src: surface,
            dst: surface,
            src_pitch: 256,
            dst_pitch: 256,
            format: BGRA8,
            reserved: 0,
            src_rect: rect(0, from, 64, from + 12),
            dst_rect: rect(0, to, 64, to + 12),
            clip: rect(0, 0, 64, 16),
        };
        send!(guest.ring0, moved);
        guest.finish_ring0();
        let mut expected = before.clone();
        let (from, to) = (from as usize * 256, to as usize * 256);
        expected.copy_within(from..from + 12 * 256, to);
        assert_eq!(get(&guest.heap_region(surface)), expected, "{from} to {to}");
    }
    guest.end();
}

#[test]
fn a_mode_reaches_the_guest() {
    let mut guest = Guest::new();
    let mode = DisplayMode { width: 2560, height: 1440, refresh_millihertz: 143_970 };
    guest.inbox.ask_for_mode(mode);
    assert_eq!(guest.event(), Happened::Mode { width: 2560, height: 1440, refresh_millihertz: 143_970 });
    guest.inbox.ask_for_mode(DisplayMode::NONE);
    assert_eq!(guest.event(), Happened::Mode { width: 0, height: 0, refresh_millihertz: 0 });
    guest.finish_ring0();
    guest.end();
}
