//! What screens refuse, and what a picture shows.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use pvgpu_protocol::command::{CommandRef, SetPointerPosition, SetPointerShape, SetScanout, decode, encode};
use pvgpu_protocol::event::error_code;

use super::*;
use crate::memory::{Part, SharedCells};

const BYTES: u64 = 4096;

fn heap() -> Heap {
    let memory: Arc<[AtomicU64]> = (0..BYTES / 8).map(|_| AtomicU64::new(0)).collect();
    let cells: SharedCells = Arc::new(memory);
    Heap::new(Part::new(&cells, 0, BYTES).expect("whole"))
}

/// Sends a command to the screens as the worker does.
macro_rules! apply {
    ($screens:expr, $heap:expr, $command:expr) => {{
        let mut bytes = Vec::new();
        let header = encode(&$command, &mut |part: &[u8]| bytes.extend_from_slice(part)).expect("small");
        let mut words = vec![header.to_word()];
        words.extend(bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)));
        match decode(&words) {
            Ok(CommandRef::SetScanout(c)) => $screens.set_scanout($heap, c),
            Ok(CommandRef::SetPointerShape(c)) => $screens.set_pointer_shape($heap, c),
            Ok(CommandRef::SetPointerPosition(c)) => $screens.set_pointer_position(c),
            _ => panic!("not for screens"),
        }
        .map_err(|fault| fault.code)
    }};
}

/// 4 × 2 pixels at 64.
const SCANOUT: SetScanout = SetScanout {
    surface: HeapRange { offset: 64, length: 64 },
    source: 0,
    visible: 1,
    width: 4,
    height: 2,
    pitch: 32,
    format: scanout_format::B8G8R8X8,
    refresh_millihertz: 60_000,
    reserved: 0,
};

const SHAPE: SetPointerShape = SetPointerShape {
    shape: HeapRange { offset: 512, length: 64 },
    source: 0,
    kind: pointer_kind::COLOR,
    width: 2,
    height: 2,
    pitch: 8,
    reserved: 0,
};

#[test]
fn broken_rules() {
    use error_code::{BAD_ARGUMENT, BAD_HEAP_RANGE};
    let (heap, mut screens) = (heap(), Screens::default());
    let none = HeapRange::default();
    for (code, name, command) in [
        (BAD_ARGUMENT, "another source", SetScanout { source: MAX_SOURCES, ..SCANOUT }),
        (BAD_ARGUMENT, "half visible", SetScanout { visible: 2, ..SCANOUT }),
        (BAD_ARGUMENT, "sizes without a surface", SetScanout { surface: none, ..SCANOUT }),
        (BAD_ARGUMENT, "no width", SetScanout { width: 0, ..SCANOUT }),
        (BAD_ARGUMENT, "a huge height", SetScanout { height: u32::MAX, ..SCANOUT }),
        (BAD_ARGUMENT, "rows beyond the pitch", SetScanout { width: 9, ..SCANOUT }),
        (BAD_ARGUMENT, "a format that is no screen's", SetScanout { format: 10, ..SCANOUT }),
        (BAD_HEAP_RANGE, "too many rows", SetScanout { height: 3, ..SCANOUT }),
        (
            BAD_HEAP_RANGE,
            "outside",
            SetScanout { surface: HeapRange { offset: BYTES - 32, length: 64 }, ..SCANOUT },
        ),
    ] {
        assert_eq!(apply!(screens, &heap, command), Err(code), "{name}");
    }
    for (code, name, command) in [
        (BAD_ARGUMENT, "another source", SetPointerShape { source: 9, ..SHAPE }),
        (BAD_ARGUMENT, "two kinds at once", SetPointerShape { kind: 3, ..SHAPE }),
        (BAD_ARGUMENT, "no width", SetPointerShape { width: 0, ..SHAPE }),
        (BAD_ARGUMENT, "too high", SetPointerShape { height: 257, ..SHAPE }),
        (BAD_ARGUMENT, "rows beyond the pitch", SetPointerShape { width: 3, ..SHAPE }),
        (BAD_HEAP_RANGE, "no shape", SetPointerShape { shape: none, ..SHAPE }),
        (BAD_HEAP_RANGE, "too many rows", SetPointerShape { height: 9, ..SHAPE }),
        (
            BAD_HEAP_RANGE,
            "too many rows of two masks",
            SetPointerShape { kind: pointer_kind::MONOCHROME, height: 5, ..SHAPE },
        ),
    ] {
        assert_eq!(apply!(screens, &heap, command), Err(code), "{name}");
    }
    for (name, command) in [
        ("another source", SetPointerPosition { source: 1, visible: 0, x: 0, y: 0 }),
        ("half visible", SetPointerPosition { source: 0, visible: 2, x: 0, y: 0 }),
    ] {
        assert_eq!(apply!(screens, &heap, command), Err(BAD_ARGUMENT), "{name}");
    }
    assert_eq!(screens.status(), None, "what was refused shows nothing");
    assert_eq!(screens.picture(&heap), None);
}

fn at(picture: &Picture, column: usize, row: usize) -> [u8; 3] {
    let start = (row * picture.width as usize + column) * 3;
    picture.rgb[start..start + 3].try_into().expect("three")
}

#[test]
fn a_screen_shows_its_surface_while_it_is_visible() {
    let (heap, mut screens) = (heap(), Screens::default());
    heap.write(64 + 32 + 4, &[1, 2, 3, 4]);
    apply!(screens, &heap, SCANOUT).expect("legal");
    let picture = screens.picture(&heap).expect("a screen");
    assert_eq!((picture.width, picture.height), (4, 2));
    assert_eq!((at(&picture, 1, 1), at(&picture, 1, 0)), ([3, 2, 1], [0, 0, 0]));
    apply!(screens, &heap, SetScanout { format: scanout_format::R8G8B8A8, ..SCANOUT }).expect("legal");
    assert_eq!(at(&screens.picture(&heap).expect("a screen"), 1, 1), [1, 2, 3]);
    let word: u32 = 1023 | 512 << 10 | 4 << 20;
    heap.write(64, &word.to_le_bytes());
    apply!(screens, &heap, SetScanout { format: scanout_format::R10G10B10A2, ..SCANOUT }).expect("legal");
    assert_eq!(at(&screens.picture(&heap).expect("a screen"), 0, 0), [255, 128, 1]);

    let status = screens.status().expect("a screen");
    assert_eq!((status.width, status.height, status.refresh_millihertz), (4, 2, 60_000));
    assert_eq!((status.visible, status.frames), (true, 3));
    screens.written(HeapRange { offset: 127, length: 8 });
    screens.written(HeapRange { offset: 128, length: 8 });
    assert_eq!(screens.status().expect("a screen").frames, 4, "only what touches the surface counts");

    apply!(screens, &heap, SetScanout { visible: 0, ..SCANOUT }).expect("legal");
    screens.written(SCANOUT.surface);
    let dark = screens.picture(&heap).expect("a screen");
    assert!(dark.rgb.iter().all(|channel| *channel == 0));
    assert_eq!(screens.status().map(|screen| (screen.visible, screen.frames)), Some((false, 4)));
    let nothing = SetScanout {
        surface: HeapRange::default(),
        width: 0,
        height: 0,
        pitch: 0,
        format: 0,
        visible: 0,
        refresh_millihertz: 0,
        ..SCANOUT
    };
    apply!(screens, &heap, nothing).expect("legal");
    assert_eq!((screens.status(), screens.picture(&heap)), (None, None));
}

#[test]
fn pointers_are_drawn_over_the_surface() {
    let (heap, mut screens) = (heap(), Screens::default());
    heap.write(64, &[100; 64]);
    apply!(screens, &heap, SCANOUT).expect("legal");
    let show = |x, y| SetPointerPosition { source: 0, visible: 1, x, y };

    // Opaque red, half blue; below green, transparent.
    heap.write(512, &[0, 0, 200, 255, 200, 0, 0, 128, 0, 200, 0, 255, 9, 9, 9, 0]);
    apply!(screens, &heap, SHAPE).expect("legal");
    heap.write(512, &[0; 64]);
    assert_eq!(at(&screens.picture(&heap).expect("a screen"), 0, 0), [100; 3], "not shown yet");
    apply!(screens, &heap, show(1, 0)).expect("legal");
    let picture = screens.picture(&heap).expect("a screen");
    assert_eq!((at(&picture, 1, 0), at(&picture, 2, 0)), ([200, 0, 0], [50, 50, 150]));
    assert_eq!((at(&picture, 1, 1), at(&picture, 2, 1)), ([0, 200, 0], [100; 3]));
    assert_eq!(at(&picture, 0, 0), [100; 3]);
    // Partly and wholly outside.
    apply!(screens, &heap, show(-1, -1)).expect("legal");
    let picture = screens.picture(&heap).expect("a screen");
    assert_eq!((at(&picture, 0, 0), at(&picture, 1, 1)), ([100; 3], [100; 3]));
    for (x, y) in [(i32::MIN, 0), (i32::MAX, i32::MAX), (4, 0), (0, 2)] {
        apply!(screens, &heap, show(x, y)).expect("legal");
        assert!(screens.picture(&heap).expect("a screen").rgb.iter().all(|channel| *channel == 100));
    }

    // Replace, then exclusive or.
    heap.write(512, &[1, 2, 3, 0, 0xff, 0xff, 0xff, 0xff]);
    apply!(screens, &heap, SetPointerShape { kind: pointer_kind::MASKED_COLOR, height: 1, ..SHAPE })
        .expect("legal");
    apply!(screens, &heap, show(0, 0)).expect("legal");
    let picture = screens.picture(&heap).expect("a screen");
    assert_eq!((at(&picture, 0, 0), at(&picture, 1, 0)), ([3, 2, 1], [155; 3]));

    // AND above XOR: black, white, screen, inverse.
    heap.write(512, &[0b0011_0000, 0, 0, 0, 0b0101_0000, 0, 0, 0]);
    let mono = SetPointerShape { kind: pointer_kind::MONOCHROME, width: 4, height: 1, pitch: 4, ..SHAPE };
    apply!(screens, &heap, mono).expect("legal");
    let picture = screens.picture(&heap).expect("a screen");
    let row: Vec<_> = (0..4).map(|column| at(&picture, column, 0)).collect();
    assert_eq!(row, [[0; 3], [255; 3], [100; 3], [155; 3]]);
}
