//! Copies and fills against a model that works on plain bytes, and the exact code for each broken rule.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use pvgpu_protocol::command::{
    BlitHeap, CommandRef, FillHeap, SetPointerPosition, SetPointerShape, SetScanout, decode, encode,
    pointer_kind,
};

use super::*;
use crate::memory::{Part, SharedCells};
use crate::worker::Screens;

const BYTES: u64 = 4096;
const BGRA8: u32 = 87;
const R8: u32 = 61;

fn heap() -> Heap {
    let memory: Arc<[AtomicU64]> =
        (0..BYTES / 8).map(|index| AtomicU64::new((index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    let cells: SharedCells = Arc::new(memory);
    Heap::new(Part::new(&cells, 0, BYTES).expect("whole"))
}

fn contents(heap: &Heap) -> Vec<u8> {
    let mut bytes = vec![0; BYTES as usize];
    heap.read(HeapRange { offset: 0, length: BYTES }, &mut bytes);
    bytes
}

/// The words of a record, as the host has them.
macro_rules! words {
    ($command:expr) => {{
        let mut bytes = Vec::new();
        let header = encode(&$command, &mut |part: &[u8]| bytes.extend_from_slice(part)).expect("small");
        let mut words = vec![header.to_word()];
        words.extend(bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)));
        words
    }};
}

fn check_blit(heap: &Heap, command: BlitHeap) -> Result<Blit, Fault> {
    match decode(&words!(command)) {
        Ok(CommandRef::BlitHeap(c)) => Blit::new(heap, c),
        _ => panic!("not a blit"),
    }
}

fn check_fill(heap: &Heap, command: FillHeap) -> Result<Fill, Fault> {
    match decode(&words!(command)) {
        Ok(CommandRef::FillHeap(c)) => Fill::new(heap, c),
        _ => panic!("not a fill"),
    }
}

fn area(left: i32, top: i32, width: i32, height: i32) -> Rect {
    Rect { left, top, right: left + width, bottom: top + height }
}

/// 8 × 4 texels at 0, and 8 × 8 texels at 2048 with a pitch of 40.
fn good() -> BlitHeap {
    BlitHeap {
        src: HeapRange { offset: 0, length: 128 },
        dst: HeapRange { offset: 2048, length: 320 },
        src_pitch: 32,
        dst_pitch: 40,
        format: BGRA8,
        reserved: 0,
        src_rect: area(1, 0, 4, 4),
        dst_rect: area(2, 1, 4, 4),
        clip: area(0, 0, 100, 100),
    }
}

#[test]
fn broken_rules_of_a_blit() {
    let heap = heap();
    let far = HeapRange { offset: BYTES, length: 8 };
    let wrapped = HeapRange { offset: u64::MAX - 7, length: 128 };
    let cases = [
        (error_code::BAD_HEAP_RANGE, "no source", BlitHeap { src: HeapRange::default(), ..good() }),
        (error_code::BAD_HEAP_RANGE, "a source outside", BlitHeap { src: far, ..good() }),
        (error_code::BAD_HEAP_RANGE, "a destination that wraps", BlitHeap { dst: wrapped, ..good() }),
        (
            error_code::BAD_HEAP_RANGE,
            "an odd offset",
            BlitHeap { src: HeapRange { offset: 4, length: 128 }, ..good() },
        ),
        (error_code::BAD_HEAP_RANGE, "a row too many", BlitHeap { src_rect: area(0, 1, 4, 4), ..good() }),
        (
            error_code::BAD_HEAP_RANGE,
            "rows whose bytes pass 2^32",
            BlitHeap {
                src_rect: Rect { bottom: i32::MAX, ..area(0, 0, 4, 4) },
                src_pitch: 1 << 20,
                ..good()
            },
        ),
        (error_code::BAD_ARGUMENT, "no pitch", BlitHeap { dst_pitch: 0, ..good() }),
        (error_code::BAD_ARGUMENT, "an odd pitch", BlitHeap { dst_pitch: 42, ..good() }),
        (error_code::BAD_ARGUMENT, "a huge pitch", BlitHeap { src_pitch: u32::MAX - 3, ..good() }),
        (error_code::BAD_ARGUMENT, "an unknown format", BlitHeap { format: 5000, ..good() }),
        (error_code::BAD_ARGUMENT, "a compressed format", BlitHeap { format: 71, ..good() }),
        (error_code::BAD_ARGUMENT, "a packed format", BlitHeap { format: 68, ..good() }),
        (error_code::BAD_ARGUMENT, "nothing to read", BlitHeap { src_rect: area(3, 1, 0, 1), ..good() }),
        (error_code::BAD_ARGUMENT, "a negative size", BlitHeap { dst_rect: area(3, 1, -1, 1), ..good() }),
        (error_code::BAD_ARGUMENT, "a negative place", BlitHeap { dst_rect: area(-1, 0, 4, 4), ..good() }),
        (error_code::BAD_ARGUMENT, "a column too many", BlitHeap { src_rect: area(5, 0, 4, 4), ..good() }),
        (
            error_code::BAD_ARGUMENT,
            "an overlap with another pitch",
            BlitHeap { dst: HeapRange { offset: 8, length: 320 }, ..good() },
        ),
        (
            error_code::BAD_ARGUMENT,
            "a stretch in place",
            BlitHeap { dst: good().src, dst_pitch: 32, dst_rect: area(0, 0, 8, 4), ..good() },
        ),
    ];
    assert!(check_blit(&heap, good()).is_ok());
    for (code, name, command) in cases {
        assert_eq!(check_blit(&heap, command).map(|_| ()).map_err(|fault| fault.code), Err(code), "{name}");
    }
}

#[test]
fn broken_rules_of_a_fill() {
    let heap = heap();
    let dst = HeapRange { offset: 64, length: 128 };
    let good = FillHeap { dst, rect: area(0, 0, 8, 4), pitch: 32, format: BGRA8, value: 7, reserved: 0 };
    let cases = [
        (
            error_code::BAD_HEAP_RANGE,
            "outside",
            FillHeap { dst: HeapRange { offset: BYTES - 64, ..dst }, ..good },
        ),
        (error_code::BAD_HEAP_RANGE, "a row too many", FillHeap { rect: area(0, 0, 8, 5), ..good }),
        (error_code::BAD_ARGUMENT, "a column too many", FillHeap { rect: area(1, 0, 8, 4), ..good }),
        (error_code::BAD_ARGUMENT, "nothing", FillHeap { rect: area(1, 1, 0, 0), ..good }),
        (error_code::BAD_ARGUMENT, "a large texel", FillHeap { format: 10, rect: area(0, 0, 1, 1), ..good }),
        (error_code::BAD_ARGUMENT, "a pitch of nothing", FillHeap { pitch: 0, ..good }),
    ];
    assert!(check_fill(&heap, good).is_ok());
    for (code, name, command) in cases {
        assert_eq!(check_fill(&heap, command).map(|_| ()).map_err(|fault| fault.code), Err(code), "{name}");
    }
}

#[test]
fn a_fill_of_pages_and_of_single_bytes() {
    let heap = heap();
    let before = contents(&heap);
    let dst = HeapRange { offset: 1024, length: 2048 };
    let rect = area(0, 0, 128, 4);
    let fill = FillHeap { dst, rect, pitch: 512, format: 42, value: 0x0403_0201, reserved: 0 };
    let fill = check_fill(&heap, fill).expect("legal");
    assert_eq!(fill.bytes(), 2048);
    let mut beats = 0;
    fill.run(&heap, || beats += 1);
    assert_eq!(beats, 4);
    let after = contents(&heap);
    assert!(after[1024..3072].chunks(4).all(|texel| texel == [1, 2, 3, 4]));
    assert_eq!((&after[..1024], &after[3072..]), (&before[..1024], &before[3072..]));

    let rect = area(3, 1, 2, 1);
    let fill = FillHeap { dst, rect, pitch: 512, format: R8, value: 0xaabb_ccdd, reserved: 0 };
    check_fill(&heap, fill).expect("legal").run(&heap, || {});
    assert_eq!(contents(&heap)[1024 + 512..][..8], [1, 2, 3, 0xdd, 0xdd, 2, 3, 4]);
}

/// What a blit must do, on plain bytes, straight from the record's words.
fn model(bytes: &mut [u8], c: &BlitHeap, texel: usize) {
    let before = bytes.to_vec();
    let size = |rect: Rect| (i64::from(rect.right - rect.left), i64::from(rect.bottom - rect.top));
    let ((src_w, src_h), (dst_w, dst_h)) = (size(c.src_rect), size(c.dst_rect));
    for y in 0..dst_h {
        for x in 0..dst_w {
            let (column, row) = (i64::from(c.dst_rect.left) + x, i64::from(c.dst_rect.top) + y);
            let clip = c.clip;
            let columns = i64::from(clip.left)..i64::from(clip.right);
            let rows = i64::from(clip.top)..i64::from(clip.bottom);
            if !columns.contains(&column) || !rows.contains(&row) {
                continue;
            }
            let from_x = i64::from(c.src_rect.left) + (2 * x + 1) * src_w / (2 * dst_w);
            let from_y = i64::from(c.src_rect.top) + (2 * y + 1) * src_h / (2 * dst_h);
            let from =
                c.src.offset as usize + from_y as usize * c.src_pitch as usize + from_x as usize * texel;
            let to = c.dst.offset as usize + row as usize * c.dst_pitch as usize + column as usize * texel;
            bytes[to..to + texel].copy_from_slice(&before[from..from + texel]);
        }
    }
}

fn rects(extent: i32) -> impl Strategy<Value = Rect> {
    (0..extent, 0..extent, 1..=extent, 1..=extent)
        .prop_map(|(left, top, width, height)| area(left, top, width, height))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn blits_do_what_the_model_does(
        src_at in 0u64..256,
        dst_at in 0u64..256,
        lengths in (1u64..2048, 1u64..2048),
        pitches in (1u32..20, 1u32..20),
        same in any::<bool>(),
        rects in (rects(12), rects(12), (-4i32..14, -4i32..14, 0i32..20, 0i32..20)),
        format in prop::sample::select(vec![(R8, 1usize), (85, 2), (BGRA8, 4), (10, 8), (2, 16)]),
    ) {
        let (src_rect, dst_rect, clip) = rects;
        let dst_rect = if same {
            area(dst_rect.left, dst_rect.top, src_rect.right - src_rect.left, src_rect.bottom - src_rect.top)
        } else {
            dst_rect
        };
        let src_pitch = pitches.0 * 4;
        let command = BlitHeap {
            src: HeapRange { offset: src_at * 8, length: lengths.0 },
            dst: HeapRange { offset: dst_at * 8, length: lengths.1 },
            src_pitch,
            dst_pitch: if same { src_pitch } else { pitches.1 * 4 },
            format: format.0,
            reserved: 0,
            src_rect,
            dst_rect,
            clip: area(clip.0, clip.1, clip.2, clip.3),
        };
        let heap = heap();
        let mut expected = contents(&heap);
        if let Ok(blit) = check_blit(&heap, command) {
            model(&mut expected, &command, format.1);
            blit.run(&heap, || {});
        }
        prop_assert_eq!(contents(&heap), expected);
    }
}

/// xorshift64*: small, fixed, good enough to spread bits.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// Changes up to three half words of a record.
fn mutate(random: &mut Random, record: &[u64]) -> Vec<u64> {
    const INTERESTING: [u32; 8] = [0, 1, 2, 64, 0x7fff_ffff, 0x8000_0000, u32::MAX - 1, u32::MAX];
    let mut words = record.to_vec();
    for _ in 0..random.below(4) {
        // The header word stays: framing is the ring's, opcodes are the decoder's to test.
        let at = 1 + random.below(words.len() - 1);
        let shift = 32 * random.below(2);
        let low = random.below(INTERESTING.len());
        match random.below(4) {
            0 => words[at] ^= 1 << random.below(64),
            1 => words[at] = random.next(),
            2 => words[at] = words[at] & !(0xffff_ffff << shift) | u64::from(INTERESTING[low]) << shift,
            _ => words[at] = words[at] & !(0xff << shift) | (random.next() & 0x1f) << shift,
        }
    }
    words
}

#[test]
fn mutated_records_change_nothing_outside_of_the_heap() {
    const GUARD: u64 = 512;
    let memory: Arc<[AtomicU64]> = (0..(BYTES + 2 * GUARD) / 8).map(|_| AtomicU64::new(7)).collect();
    let cells: SharedCells = Arc::new(memory);
    let heap = Heap::new(Part::new(&cells, GUARD, BYTES).expect("inside"));
    let surface = HeapRange { offset: 64, length: 2048 };
    let fill =
        FillHeap { dst: surface, rect: area(1, 1, 8, 8), pitch: 64, format: 28, value: 9, reserved: 0 };
    let scanout = SetScanout {
        surface,
        source: 0,
        visible: 1,
        width: 16,
        height: 16,
        pitch: 64,
        format: BGRA8,
        refresh_millihertz: 60_000,
        reserved: 0,
    };
    let shape = |kind| SetPointerShape {
        shape: surface,
        source: 0,
        kind,
        width: 16,
        height: 8,
        pitch: 64,
        reserved: 0,
    };
    let records = [
        words!(good()),
        words!(BlitHeap {
            dst: good().src,
            dst_pitch: 32,
            src_rect: area(1, 0, 4, 3),
            dst_rect: area(2, 1, 4, 3),
            ..good()
        }),
        words!(fill),
        words!(scanout),
        words!(shape(pointer_kind::COLOR)),
        words!(shape(pointer_kind::MONOCHROME)),
        words!(SetPointerPosition { source: 0, visible: 1, x: -3, y: 5 }),
    ];
    let (mut random, mut screens) = (Random(0x5eed_0003), Screens::default());
    let (mut done, mut refused) = ([0u32; 7], 0u32);
    for index in 0..300_000 {
        let pick = random.below(records.len());
        let words = mutate(&mut random, &records[pick]);
        let result = match decode(&words).expect("any fields decode") {
            CommandRef::BlitHeap(c) => Blit::new(&heap, c).map(|blit| blit.run(&heap, || {})),
            CommandRef::FillHeap(c) => Fill::new(&heap, c).map(|fill| fill.run(&heap, || {})),
            CommandRef::SetScanout(c) => screens.set_scanout(&heap, c),
            CommandRef::SetPointerShape(c) => screens.set_pointer_shape(&heap, c),
            CommandRef::SetPointerPosition(c) => screens.set_pointer_position(c),
            _ => panic!("the opcode has changed"),
        };
        match result {
            Ok(()) => done[pick] += 1,
            Err(fault) => {
                let known = [error_code::BAD_ARGUMENT, error_code::BAD_HEAP_RANGE];
                assert!(known.contains(&fault.code), "{fault}");
                refused += 1;
            }
        }
        if index % 100 == 0
            && let Some(picture) = screens.picture(&heap)
        {
            assert_eq!(picture.rgb.len(), picture.width as usize * picture.height as usize * 3);
        }
    }
    assert!(done.iter().all(|count| *count > 5_000) && refused > 50_000, "{done:?}, {refused} refused");
    let all = cells.cells();
    let guard = (GUARD / 8) as usize;
    for cell in all[..guard].iter().chain(&all[all.len() - guard..]) {
        assert_eq!(cell.load(Ordering::Relaxed), 7, "a cell outside of the heap");
    }
}
