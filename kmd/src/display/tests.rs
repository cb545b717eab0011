//! Mode list, timings, EDID, vsync clock and pointer by themselves: the EDID is taken apart again by a reader of its own.

use std::collections::BTreeSet;
use std::string::String;
use std::vec::Vec;

use proptest::prelude::*;
use pvgpu_protocol::command::{HeapRange, pointer_kind};
use pvgpu_protocol::mode::DisplayMode;
use pvgpu_ring::AtomicU64;

use super::edid::Edid;
use super::mode::{DEFAULT_MODE, ModeList, REFRESH_MILLIHERTZ, SIZES, Size, pitch};
use super::pointer::{POINTER_BYTES, Pointer, PointerShape, write_rows};
use super::source::{CommittedMode, Source, Surface};
use super::timing::Timing;
use super::vsync::{ScanLine, VsyncClock};
use crate::status::Status;

const fn mode(width: u32, height: u32, refresh_millihertz: u32) -> DisplayMode {
    DisplayMode { width, height, refresh_millihertz }
}

fn full(custom: Option<DisplayMode>) -> ModeList {
    ModeList::new(custom, None, u64::MAX)
}

/// Modes as the host may ask for them.
fn any_mode() -> impl Strategy<Value = DisplayMode> {
    (320_u32..=3840, 480_u32..=4320, 24_000_u32..=240_000).prop_map(|(w, h, r)| mode(2 * w, h, r))
}

#[test]
fn the_table_spans_what_is_promised() {
    let modes: Vec<_> = full(None).modes().collect();
    assert_eq!(modes.len(), SIZES.len() * REFRESH_MILLIHERTZ.len());
    let distinct: BTreeSet<_> = modes.iter().collect();
    assert_eq!(distinct.len(), modes.len());
    for wanted in [mode(1280, 720, 60_000), mode(1920, 1080, 144_000), mode(3840, 2160, 144_000)] {
        assert!(modes.contains(&wanted), "{wanted}");
    }
    for mode in modes {
        assert_eq!(mode.check(), Ok(()), "{mode}");
        assert_eq!(u64::from(pitch(mode.width)) * u64::from(mode.height), mode.frame_bytes());
    }
}

#[test]
fn what_the_monitor_prefers() {
    let wish = mode(2222, 1111, 59_940);
    assert_eq!(full(None).preferred(), DEFAULT_MODE);
    assert_eq!(full(Some(wish)).preferred(), wish);
    let boot = |width, height| ModeList::new(None, Some(Size { width, height }), u64::MAX).preferred();
    assert_eq!(boot(2560, 1440), mode(2560, 1440, 60_000));
    // A size that is in no table is no reason for anything.
    assert_eq!(boot(1024, 768), DEFAULT_MODE);
    // The host's wish counts more.
    assert_eq!(ModeList::new(Some(wish), Some(SIZES[0]), u64::MAX).preferred(), wish);
    // Too large for the memory, and then the largest that is not.
    let small = ModeList::new(Some(mode(7680, 4320, 60_000)), None, 4 << 20);
    assert_eq!(small.custom(), None);
    assert_eq!(small.preferred(), mode(1280, 800, 60_000));
    // Never without any mode.
    let none = ModeList::new(Some(wish), Some(SIZES[3]), 0);
    assert_eq!(none.preferred(), mode(1280, 720, 60_000));
    assert_eq!(none.sizes().collect::<Vec<_>>(), [SIZES[0]]);
}

proptest! {
    #[test]
    fn a_list_has_what_it_prefers(wish in proptest::option::of(any_mode()), bytes in 0_u64..200 << 20) {
        let list = ModeList::new(wish, None, bytes);
        let modes: Vec<_> = list.modes().collect();
        let sizes: Vec<_> = list.sizes().collect();
        prop_assert!(modes.contains(&list.preferred()));
        prop_assert_eq!(modes.iter().collect::<BTreeSet<_>>().len(), modes.len());
        prop_assert_eq!(sizes.iter().collect::<BTreeSet<_>>().len(), sizes.len());
        for mode in modes {
            prop_assert!(sizes.contains(&mode.into()) && list.has(mode) && list.has_size(mode.into()));
            prop_assert!(mode.frame_bytes() <= bytes || Size::from(mode) == SIZES[0]);
        }
    }
}

/// Mode, clock in kHz rounded down as the standard does, vertical front porch: what `edid-decode --cvt …,rb=2` says, an
/// implementation of the standard that is not ours.
const CVT: [(DisplayMode, u64, u32); 14] = [
    (mode(1280, 720, 60_000), 60_465, 7),
    (mode(1280, 720, 144_000), 151_188, 38),
    (mode(1366, 768, 75_000), 86_326, 14),
    (mode(1440, 900, 120_000), 173_827, 39),
    (mode(1920, 1080, 60_000), 133_320, 17),
    (mode(1920, 1080, 144_000), 333_216, 63),
    (mode(1920, 1200, 60_000), 148_200, 21),
    (mode(2560, 1440, 144_000), 586_586, 89),
    (mode(3440, 1440, 120_000), 644_160, 71),
    (mode(3840, 2160, 60_000), 522_614, 48),
    (mode(3840, 2160, 120_000), 1_075_804, 113),
    (mode(3840, 2160, 144_000), 1_306_206, 140),
    (mode(640, 480, 24_000), 8_553, 1),
    (mode(7680, 4320, 240_000), 9_045_676, 523),
];

#[test]
fn timings_are_those_of_the_standard() {
    for (mode, kilohertz, front_porch) in CVT {
        let timing = Timing::new(mode);
        assert_eq!(timing.pixel_clock_hz / 1000, kilohertz, "{mode}");
        assert_eq!(timing.v_front_porch, front_porch, "{mode}");
        assert_eq!((timing.h_blank(), timing.h_front_porch, timing.h_sync), (80, 8, 32));
        assert_eq!(timing.v_sync, 8);
    }
}

proptest! {
    #[test]
    fn timings_hold_together(mode in any_mode()) {
        let timing = Timing::new(mode);
        prop_assert_eq!(timing.v_blank(), timing.v_front_porch + timing.v_sync + 6);
        prop_assert!(timing.v_front_porch >= 1);
        let area = u64::from(timing.h_total) * u64::from(timing.v_total);
        let exact = u128::from(area) * u128::from(mode.refresh_millihertz);
        prop_assert!((u128::from(timing.pixel_clock_hz) * 1000).abs_diff(exact) <= 500);
        // The blanking time is what the standard asks for, but for the least number of lines.
        let blank_ps = u128::from(timing.v_blank()) * 1_000_000_000_000_000
            / (u128::from(timing.v_total) * u128::from(mode.refresh_millihertz));
        prop_assert!(blank_ps >= 460_000_000, "{} ps", blank_ps);
    }

    #[test]
    fn any_numbers_have_a_timing(width: u32, height: u32, rate: u32) {
        let timing = Timing::new(mode(width, height, rate));
        prop_assert!(timing.v_total >= height && timing.h_total >= width);
    }
}

/// A detailed timing as a reader sees it.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    clock_10khz: u32,
    width: u32,
    h_blank: u32,
    height: u32,
    v_blank: u32,
    v_front: u32,
    v_sync: u32,
    h_front: u32,
    h_sync: u32,
    flags: u8,
}

fn read_timing(d: &[u8]) -> Option<Read> {
    let at = |index: usize| u32::from(d[index]);
    let clock_10khz = at(0) | at(1) << 8;
    (clock_10khz != 0).then(|| Read {
        clock_10khz,
        width: at(2) | (at(4) & 0xF0) << 4,
        h_blank: at(3) | (at(4) & 0x0F) << 8,
        height: at(5) | (at(7) & 0xF0) << 4,
        v_blank: at(6) | (at(7) & 0x0F) << 8,
        h_front: at(8) | (at(11) & 0xC0) << 2,
        h_sync: at(9) | (at(11) & 0x30) << 4,
        v_front: at(10) >> 4 | (at(11) & 0x0C) << 2,
        v_sync: at(10) & 0x0F | (at(11) & 0x03) << 4,
        flags: d[17],
    })
}

impl Read {
    fn of(timing: &Timing) -> Self {
        Self {
            clock_10khz: u32::try_from((timing.pixel_clock_hz + 5000) / 10_000).expect("small"),
            width: timing.mode.width,
            h_blank: timing.h_blank(),
            height: timing.mode.height,
            v_blank: timing.v_blank(),
            v_front: timing.v_front_porch,
            v_sync: timing.v_sync,
            h_front: timing.h_front_porch,
            h_sync: timing.h_sync,
            flags: 0x1A,
        }
    }
}

/// The preferred timing; asserts everything that a reader may rely on.
fn read_edid(edid: &Edid) -> Read {
    let bytes = edid.bytes();
    assert_eq!(bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)), 0, "checksum");
    assert_eq!(bytes[..8], [0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0]);
    let id = u16::from_be_bytes([bytes[8], bytes[9]]);
    let letter = |shift: u32| char::from(b'@' + (id >> shift & 31) as u8);
    assert_eq!([letter(10), letter(5), letter(0)], ['P', 'V', 'G']);
    assert_eq!((bytes[18], bytes[19]), (1, 4), "EDID 1.4");
    assert_eq!(bytes[20], 0xA0, "digital, 8 bits a colour");
    assert_eq!(bytes[126], 0, "no extension");
    let text = |d: &[u8]| String::from(String::from_utf8_lossy(&d[5..]).trim_end());
    let descriptors: Vec<&[u8]> = bytes[54..126].chunks(18).collect();
    let kinds: Vec<_> = descriptors[1..].iter().map(|d| (d[0], d[1], d[2], d[3], d[4] & 0xF0)).collect();
    assert_eq!(kinds, [(0, 0, 0, 0xFD, 0), (0, 0, 0, 0xFC, 0), (0, 0, 0, 0xFF, 0)]);
    assert_eq!(text(descriptors[2]), "pvgpu");
    assert_eq!(text(descriptors[3]), "0000000007");
    read_timing(descriptors[0]).expect("the first descriptor is a timing")
}

#[test]
fn the_edid_of_the_table() {
    let edid = Edid::new(&full(None), 7);
    assert_eq!(read_edid(&edid), Read::of(&Timing::new(DEFAULT_MODE)));
    // 51 cm × 29 cm; vertical 60 to 144 Hz, horizontal 44 to 334 kHz (less 255), 1310 MHz.
    assert_eq!(edid.bytes()[21..23], [51, 29]);
    assert_eq!(edid.bytes()[72..90][4..11], [0b1000, 60, 144, 44, 79, 131, 1]);
}

#[test]
fn every_size_of_the_table_can_be_stated() {
    for size in SIZES {
        let read = read_edid(&Edid::new(&ModeList::new(None, Some(size), u64::MAX), 7));
        assert_eq!(read, Read::of(&Timing::new(size.at(60_000))));
    }
}

#[test]
fn a_wish_that_no_detailed_timing_can_state() {
    let first = |wish| read_edid(&Edid::new(&full(Some(wish)), 7));
    let stated = |mode| Read::of(&Timing::new(mode));
    // 144 Hz needs 1306 MHz and 75 Hz 64 lines of front porch: the fastest rate of the table below that fits.
    assert_eq!(first(mode(3840, 2160, 144_000)), stated(mode(3840, 2160, 60_000)));
    assert_eq!(first(mode(2560, 1440, 144_000)), stated(mode(2560, 1440, 75_000)));
    // More than 4095 columns cannot be written down at all.
    assert_eq!(first(mode(7680, 4320, 60_000)), stated(DEFAULT_MODE));
    assert_eq!(first(mode(2222, 1111, 59_940)), stated(mode(2222, 1111, 59_940)));
}

proptest! {
    #[test]
    fn every_edid_can_be_read(wish in any_mode(), bytes in 0_u64..200 << 20) {
        let list = ModeList::new(Some(wish), None, bytes);
        let stated = read_edid(&Edid::new(&list, 7));
        let size = Size { width: stated.width, height: stated.height };
        prop_assert!(list.has_size(size));
        let wanted = Timing::new(list.preferred());
        let clock = (10_000_000..=655_350_000).contains(&wanted.pixel_clock_hz);
        let fits = clock && wanted.mode.width < 4096 && wanted.v_front_porch < 64;
        if fits && wanted.mode.height < 4096 {
            prop_assert_eq!(stated, Read::of(&wanted));
        }
    }

    #[test]
    fn parts_of_an_edid(offset in 0_usize..400, length in 0_usize..400) {
        let edid = Edid::new(&full(None), 7);
        let mut out = std::vec![0xEE; length];
        let read = edid.read(offset, &mut out);
        match edid.bytes().get(offset..).filter(|part| !part.is_empty()) {
            None => prop_assert_eq!(read, None),
            Some(part) => {
                let bytes = part.len().min(length);
                prop_assert_eq!(read, Some(bytes));
                prop_assert_eq!(&out[..bytes], &part[..bytes]);
                prop_assert!(out[bytes..].iter().all(|byte| *byte == 0xEE));
            }
        }
    }
}

/// Another reader, where it is installed (Debian package edid-decode): it checks what the standards demand.
#[test]
fn edid_decode_finds_no_fault() {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    let boot = SIZES.map(|size| ModeList::new(None, Some(size), u64::MAX));
    let wishes = [
        mode(2222, 1111, 59_940),
        mode(3840, 2160, 144_000),
        mode(640, 480, 24_000),
        mode(7680, 4320, 240_000),
    ];
    for list in wishes.map(|wish| full(Some(wish))).into_iter().chain(boot) {
        let pipes =
            || Command::new("edid-decode").arg("-c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut reader = match pipes() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            reader => reader.expect("edid-decode starts"),
        };
        let mut input = reader.stdin.take().expect("piped");
        input.write_all(Edid::new(&list, 7).bytes()).expect("edid-decode reads");
        drop(input);
        let output = reader.wait_with_output().expect("edid-decode ends");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("EDID conformity: PASS"), "{list:?}:\n{text}");
    }
}

const SECOND: u64 = 1_000_000_000;

#[test]
fn the_beam_runs_through_the_frame() {
    let timing = Timing::new(DEFAULT_MODE);
    let mut clock = VsyncClock::new();
    clock.restart(5 * SECOND);
    let line_ns = |line: u64| SECOND * line / 60 / u64::from(timing.v_total) + 1;
    let at = |ns: u64| clock.scan_line(&timing, 5 * SECOND + ns);
    let blank = u64::from(timing.v_blank());
    assert_eq!(at(0), ScanLine { in_vertical_blank: true, scan_line: 1080 });
    assert_eq!(at(line_ns(blank - 1)), ScanLine { in_vertical_blank: true, scan_line: 1080 + 30 });
    assert_eq!(at(line_ns(blank)), ScanLine { in_vertical_blank: false, scan_line: 0 });
    assert_eq!(at(line_ns(blank + 1079)), ScanLine { in_vertical_blank: false, scan_line: 1079 });
    assert_eq!(at(line_ns(blank + 1080)), ScanLine { in_vertical_blank: true, scan_line: 1080 });
    // A clock that the time has not reached stands still.
    assert_eq!(clock.scan_line(&timing, 0).scan_line, 1080);
}

#[test]
fn ticks_do_not_drift_and_none_is_reported_twice() {
    let timing = Timing::new(mode(1920, 1080, 144_000));
    let mut clock = VsyncClock::new();
    let mut now = 0;
    assert_eq!(clock.tick(&timing, now), None, "nobody wants it");
    let mut due = clock.enable(true, &timing, now).expect("enabled");
    let mut reports = 0_u64;
    while now < 100 * SECOND {
        now += due;
        let tick = clock.tick(&timing, now).expect("enabled");
        assert!(tick.report, "tick at {now}");
        // An early timer: nothing has begun.
        let early = clock.tick(&timing, now + tick.next_in_ns / 2).expect("enabled");
        assert!(!early.report && early.next_in_ns < tick.next_in_ns);
        reports += 1;
        due = tick.next_in_ns;
    }
    assert_eq!(reports, 14_400);
    // A timer that comes late reports the missed ones as one and goes on in phase.
    let late = clock.tick(&timing, now + SECOND).expect("enabled");
    assert!(late.report);
    assert_eq!((now + SECOND + late.next_in_ns) * 144 / SECOND, (now / SECOND + 1) * 144 + 1);
    assert_eq!(clock.enable(false, &timing, now), None);
    assert_eq!(clock.tick(&timing, now + 2 * SECOND), None);
}

proptest! {
    #[test]
    fn the_next_tick_is_always_ahead(mode in any_mode(), now: u64, epoch: u64) {
        let timing = Timing::new(mode);
        let mut clock = VsyncClock::new();
        clock.restart(epoch);
        let due = clock.enable(true, &timing, now).expect("enabled");
        prop_assert!(due >= 1);
        if now >= epoch && now < u64::MAX / 2 {
            prop_assert!(due <= 2_000_000_000_000 / u64::from(mode.refresh_millihertz), "{}", due);
            prop_assert!(clock.tick(&timing, now + due).expect("enabled").report);
        }
        let line = clock.scan_line(&timing, now);
        prop_assert!(line.scan_line < timing.v_total);
        prop_assert_eq!(line.in_vertical_blank, line.scan_line >= mode.height);
    }
}

/// A heap of cells and a pointer that has its place in it.
fn pointer() -> (Pointer, Vec<AtomicU64>) {
    let mut pointer = Pointer::new();
    let offset = 4096;
    pointer.give_slots(HeapRange { offset, length: POINTER_BYTES });
    let cells = usize::try_from((offset + POINTER_BYTES) / 8).expect("small");
    (pointer, (0..cells).map(|_| AtomicU64::new(0)).collect())
}

fn bytes_at(heap: &[AtomicU64], offset: u64, bytes: usize) -> Vec<u8> {
    let first = usize::try_from(offset / 8).expect("small");
    let cells = heap[first..].iter().take(bytes.div_ceil(8));
    let all: Vec<u8> =
        cells.flat_map(|cell| cell.load(std::sync::atomic::Ordering::Relaxed).to_le_bytes()).collect();
    all[..bytes].to_vec()
}

/// The three steps of a shape whose bitmap is `pixels`.
fn set_shape(
    pointer: &mut Pointer,
    shape: &PointerShape,
    pixels: &[u8],
    heap: &[AtomicU64],
) -> Result<(), Status> {
    let record = pointer.place(shape)?;
    write_rows(shape, &record, heap, pixels.chunks(shape.pitch as usize))?;
    pointer.publish(record)
}

#[test]
fn shapes_land_in_the_heap_row_by_row() {
    let (mut pointer, heap) = pointer();
    assert_eq!(pointer.shape(), None);
    let pixels: Vec<u8> = (0..=255).cycle().take(3 * 50 + 20).collect();
    let shape =
        PointerShape { vid_pn_source_id: 0, kind: pointer_kind::COLOR, width: 5, height: 4, pitch: 50 };
    set_shape(&mut pointer, &shape, &pixels, &heap).expect("a good shape");
    let record = pointer.shape().expect("there is one");
    assert_eq!((record.width, record.height, record.pitch, record.kind), (5, 4, 24, pointer_kind::COLOR));
    assert_eq!(record.shape, HeapRange { offset: 4096, length: 96 });
    for row in 0..4 {
        let there = bytes_at(&heap, record.shape.offset + row * 24, 20);
        assert_eq!(there, pixels[row as usize * 50..][..20], "row {row}");
    }
    // Two masks of one bit a pixel, in the next slot.
    let masks = [0xA5; 2 * 256 * 32];
    let monochrome =
        PointerShape { kind: pointer_kind::MONOCHROME, width: 256, height: 256, pitch: 32, ..shape };
    set_shape(&mut pointer, &monochrome, &masks, &heap).expect("a good shape");
    let record = pointer.shape().expect("there is one");
    assert_eq!(record.shape, HeapRange { offset: 4096 + (256 << 10), length: 16 << 10 });
    assert_eq!(bytes_at(&heap, record.shape.offset, 16 << 10), masks);
    // The slots are used in turn.
    for _ in 0..3 {
        set_shape(&mut pointer, &shape, &pixels, &heap).expect("a good shape");
    }
    assert_eq!(pointer.shape().expect("there is one").shape.offset, 4096);
    // Two at a time do not get into each other's way, and the later one stays.
    let (first, second) = (pointer.place(&shape).expect("good"), pointer.place(&shape).expect("good"));
    assert_ne!(first.shape, second.shape);
    assert_eq!(pointer.shape().expect("the one before").shape.offset, 4096, "none is complete yet");
    pointer.publish(first).expect("mine");
    pointer.publish(second).expect("mine");
    assert_eq!(pointer.shape(), Some(second));
    let mut other = Pointer::new();
    assert_eq!(other.publish(second), Err(Status::DeviceRemoved), "its place is gone");
    other.give_slots(HeapRange { offset: 64 << 20, length: POINTER_BYTES });
    assert_eq!(other.publish(second), Err(Status::DeviceRemoved), "its place is another");
    assert_eq!(other.shape(), None);
}

#[test]
fn bad_shapes_are_refused() {
    let (mut pointer, heap) = pointer();
    let pixels = std::vec![0; 257 * 257 * 4];
    let good = PointerShape {
        vid_pn_source_id: 0,
        kind: pointer_kind::MASKED_COLOR,
        width: 256,
        height: 256,
        pitch: 1024,
    };
    let refused = |result| match result {
        Err(Status::BadField { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    let field =
        |shape: PointerShape, pointer: &mut Pointer| refused(set_shape(pointer, &shape, &pixels, &heap));
    assert_eq!(set_shape(&mut pointer, &good, &pixels, &heap), Ok(()));
    let before = pointer.shape();
    assert_eq!(field(PointerShape { width: 0, ..good }, &mut pointer), "Width");
    assert_eq!(field(PointerShape { width: 257, pitch: 1028, ..good }, &mut pointer), "Width");
    assert_eq!(field(PointerShape { height: 0, ..good }, &mut pointer), "Height");
    assert_eq!(field(PointerShape { height: u32::MAX, ..good }, &mut pointer), "Height");
    assert_eq!(field(PointerShape { kind: 3, ..good }, &mut pointer), "Flags");
    assert_eq!(field(PointerShape { kind: 0, ..good }, &mut pointer), "Flags");
    assert_eq!(field(PointerShape { pitch: 1023, ..good }, &mut pointer), "Pitch");
    let short = &pixels[..1024 * 256 - 1];
    assert_eq!(refused(set_shape(&mut pointer, &good, short, &heap)), "pPixels");
    assert_eq!(field(PointerShape { pitch: u32::MAX, ..good }, &mut pointer), "pPixels");
    let mut homeless = Pointer::new();
    let full = |bytes| Err(Status::HeapFull { bytes });
    assert_eq!(set_shape(&mut homeless, &good, &pixels, &heap), full(POINTER_BYTES));
    assert_eq!(set_shape(&mut pointer, &good, &pixels, &heap[..8]), full(1024 * 256));
    assert_eq!(pointer.shape(), before, "what is refused leaves what was");
}

#[test]
fn a_source_shows_nothing_without_mode_and_surface() {
    let mut source = Source::new();
    let nothing = source.scanout();
    assert_eq!(
        (nothing.surface.length, nothing.visible, nothing.width, nothing.refresh_millihertz),
        (0, 0, 0, 0)
    );
    let range = HeapRange { offset: 1 << 20, length: 7680 * 1080 };
    let surface = Surface { range, width: 1920, height: 1080, pitch: 7680, format: 88, address: 1 << 20 };
    let committed = Some(CommittedMode { mode: DEFAULT_MODE, format: 88 });
    source.flip(surface);
    source.set_visible(true);
    assert_eq!(source.scanout(), nothing, "a surface without a mode");
    source.commit(committed);
    assert_eq!(source.scanout(), nothing, "another mode wants another surface");
    source.flip(surface);
    let shown = source.scanout();
    assert_eq!(
        (shown.surface, shown.visible, shown.pitch, shown.refresh_millihertz),
        (range, 1, 7680, 60_000)
    );
    source.commit(committed);
    assert_eq!(source.scanout(), shown, "the same mode again changes nothing");
    // Memory next to it, before and behind, is somebody else's business.
    source.forget(HeapRange { offset: 0, length: 1 << 20 });
    source.forget(HeapRange { offset: range.offset + range.length, length: 4096 });
    assert_eq!(source.surface(), Some(surface));
    source.forget(HeapRange { offset: range.offset + range.length - 1, length: 1 });
    assert_eq!(source.scanout(), nothing);
    source.flip(surface);
    source.commit(None);
    assert_eq!(source.scanout(), nothing);
}
