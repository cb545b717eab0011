//! Layouts at their limits.

use super::*;
use crate::limits::DEFAULT_APERTURE_BYTES;

#[test]
fn parts_follow_each_other_without_overlap() {
    for aperture in [MIN_APERTURE_BYTES, DEFAULT_APERTURE_BYTES, MAX_APERTURE_BYTES] {
        let layout = Layout::new(Sizes::with_aperture(aperture)).expect("usual sizes are legal");
        assert_eq!(layout.ring0.offset, 28 * 1024);
        assert_eq!(layout.event.offset, layout.ring0.end());
        assert_eq!(layout.telemetry.offset, layout.event.end());
        assert!(layout.heap_offset >= layout.telemetry.end());
        assert!(layout.heap_offset.is_multiple_of(HEAP_ALIGN));
        assert_eq!(layout.heap_offset + layout.heap_bytes(), aperture);
        assert!(layout.heap_bytes() > aperture - (2 << 20));
    }
}

#[test]
fn sizes_out_of_range_are_refused() {
    let usual = Sizes::with_aperture(DEFAULT_APERTURE_BYTES);
    for aperture in [
        0,
        MIN_APERTURE_BYTES - HEAP_ALIGN,
        MAX_APERTURE_BYTES + HEAP_ALIGN,
        MIN_APERTURE_BYTES + 1,
        u64::MAX,
    ] {
        assert_eq!(Layout::new(Sizes { aperture, ..usual }), Err(LayoutError::Aperture { bytes: aperture }));
    }
    for bytes in [0, 1, 2048, 4097, 3 << 12, 128 << 20, u64::MAX] {
        assert!(Layout::new(Sizes { ring0: bytes, ..usual }).is_err(), "{bytes}");
        assert!(Layout::new(Sizes { event: bytes, ..usual }).is_err(), "{bytes}");
        assert!(Layout::new(Sizes { telemetry: bytes, ..usual }).is_err(), "{bytes}");
    }
}

#[test]
fn rings_leave_a_heap_or_are_refused() {
    let most = Sizes { aperture: MIN_APERTURE_BYTES, ring0: 64 << 20, event: 64 << 20, telemetry: 64 << 20 };
    let Err(LayoutError::NoHeap { rings, aperture: MIN_APERTURE_BYTES }) = Layout::new(most) else {
        panic!("rings of 192 MiB in an aperture of 64 MiB");
    };
    assert!(rings > 3 * (64 << 20));
    let just =
        Layout::new(Sizes { aperture: rings + HEAP_ALIGN, ..most }).expect("room for the smallest heap");
    assert_eq!(just.heap_bytes(), HEAP_ALIGN);
    assert!(Layout::new(Sizes { aperture: rings, ..most }).is_err());
}

#[test]
fn lines_stay_in_their_page() {
    assert_eq!(Layout::fence_line(0), Some(512));
    assert_eq!(Layout::fence_line(MAX_CONTEXTS - 1), Some(512 + 63 * 8));
    assert_eq!(Layout::fence_line(MAX_CONTEXTS), None);
    assert_eq!(Layout::request_line(0), Some(1024));
    assert_eq!(Layout::request_line(u32::MAX), None);
}

#[test]
fn context_rings_have_a_header_page_and_a_power_of_two() {
    assert_eq!(
        RingRegion::from_range(4096, PAGE_BYTES + (1 << 20)),
        Some(RingRegion { offset: 4096, capacity: 1 << 20 })
    );
    for (offset, length) in [
        (1, PAGE_BYTES + (1 << 20)),
        (0, 1 << 20),
        (0, 0),
        (0, PAGE_BYTES),
        (0, u64::MAX),
        (0, PAGE_BYTES + 4096),
    ] {
        assert_eq!(RingRegion::from_range(offset, length), None, "{offset} {length}");
    }
}

#[test]
fn a_hello_survives_the_cells() {
    let hello = GuestHello {
        versions: VersionRange::OURS,
        features: 3,
        sizes: Sizes::with_aperture(DEFAULT_APERTURE_BYTES),
        process: 4242,
    };
    let mut cells = [0u64; 512];
    assert_eq!(GuestHello::read(|index| cells[index]), None);
    for (index, value) in hello.cells() {
        cells[index] = value;
    }
    assert_eq!(GuestHello::read(|index| cells[index]), Some(hello));
}
