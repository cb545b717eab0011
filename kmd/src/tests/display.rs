//! The display's entries: what host and dxgkrnl hear of modes, the monitor, the source, the pointer, the vertical blank.

use std::sync::atomic::Ordering;
use std::vec;
use std::vec::Vec;

use pvgpu_protocol::command::pointer_kind;
use pvgpu_protocol::mode::DisplayMode;

use super::fake::{Answer, FakeHost, Rig, SETTINGS, Seen, adapter, respond, rig, rig_with};
use super::standard::Desktop;
use crate::ddi::PowerState;
use crate::display::{
    CommittedMode, DEFAULT_MODE, Edid, PointerShape, SOURCE_ID, SetVidPnSourceAddress, Size, SystemDisplay,
    TARGET_ID,
};
use crate::{AdapterState, Kernel, Notification, Removal, Settings, SpinLock, Status};

const MIB: u64 = 1 << 20;
const WISH: DisplayMode = DisplayMode { width: 1600, height: 1000, refresh_millihertz: 90_000 };

/// An adapter with a segment that holds two Full HD primaries.
fn desktop_rig() -> Rig {
    let rig = rig_with(Settings { segment_bytes: 20 * MIB, ..SETTINGS });
    assert_eq!(rig.adapter.query_child_status(TARGET_ID), Ok(true), "as dxgkrnl asks after every start");
    let _ = rig.interrupt();
    assert_eq!(connections(&rig), [], "it knows");
    rig
}

fn committed(mode: DisplayMode) -> Option<CommittedMode> {
    Some(CommittedMode { mode, format: 88 })
}

/// What dxgkrnl does to show a desktop: commit, address, visibility. Gives the primary.
fn show(rig: &Rig, mode: DisplayMode) -> Desktop {
    let desktop = Desktop::new(rig, mode.width, mode.height);
    rig.adapter.commit_vid_pn(SOURCE_ID, committed(mode)).expect("on the list");
    rig.adapter
        .set_vid_pn_source_address(address(desktop.h_allocation, desktop.address))
        .expect("in the segment");
    rig.adapter.set_vid_pn_source_visibility(SOURCE_ID, true).expect("one source");
    desktop
}

fn address(h_allocation: u64, primary_address: u64) -> SetVidPnSourceAddress {
    SetVidPnSourceAddress { vid_pn_source_id: SOURCE_ID, h_allocation, primary_address }
}

fn connections(rig: &Rig) -> Vec<bool> {
    core::mem::take(&mut *rig.adapter.kernel().connections.lock().unwrap())
}

fn bad_field(result: Result<(), Status>) -> &'static str {
    match result {
        Err(Status::BadField { field, .. }) => field,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_host_may_wish_a_mode() {
    let mut rig = desktop_rig();
    let preferred = |rig: &Rig| rig.adapter.mode_list().preferred();
    assert_eq!(preferred(&rig), DEFAULT_MODE);
    rig.host.request_mode(WISH);
    let _ = rig.interrupt();
    assert_eq!(preferred(&rig), WISH);
    assert_eq!(connections(&rig), [false, true], "the monitor arrives anew");
    let edid = rig.adapter.monitor_descriptor(TARGET_ID).expect("one child").expect("connected");
    assert_eq!(edid, Edid::new(&rig.adapter.mode_list(), 1));
    // The same wish again changes nothing.
    rig.host.request_mode(WISH);
    let _ = rig.interrupt();
    assert_eq!(connections(&rig), []);
    // One of the table takes the place of the first.
    rig.host.request_mode(DEFAULT_MODE);
    let _ = rig.interrupt();
    assert_eq!((preferred(&rig), connections(&rig)), (DEFAULT_MODE, vec![false, true]));
    assert!(!rig.adapter.mode_list().has(WISH));
    // What was wished is forgotten, once.
    rig.host.request_mode(WISH);
    let _ = rig.interrupt();
    assert_eq!((preferred(&rig), connections(&rig)), (WISH, vec![false, true]));
    for expected in [vec![false, true], vec![]] {
        rig.host.request_mode(DisplayMode::NONE);
        let _ = rig.interrupt();
        assert_eq!((preferred(&rig), connections(&rig)), (DEFAULT_MODE, expected));
    }
    // Too large for the segment: the host's, and a process's.
    let large = DisplayMode { width: 3840, height: 2160, refresh_millihertz: 60_000 };
    rig.host.request_mode(large);
    let _ = rig.interrupt();
    assert_eq!((preferred(&rig), connections(&rig)), (DEFAULT_MODE, vec![]));
    assert_eq!(rig.adapter.request_mode(large), Err(Status::HeapFull { bytes: large.frame_bytes() }));
    let odd = DisplayMode { width: 1601, ..WISH };
    assert_eq!(bad_field(rig.adapter.request_mode(odd)), "width");
    assert_eq!(rig.adapter.state(), AdapterState::Running);
}

#[test]
fn the_monitor_comes_and_goes_with_the_host() {
    let adapter = adapter();
    *adapter.kernel().answer.lock().unwrap() = Answer::Silent;
    adapter.set_boot_size(Size { width: 1280, height: 720 });
    adapter.start_device(Settings { segment_bytes: 20 * MIB, ..SETTINGS }, 0).expect("a host is not needed");
    assert_eq!(adapter.query_child_status(TARGET_ID), Ok(false));
    assert_eq!(adapter.monitor_descriptor(TARGET_ID), Ok(None));
    // A wish before the monitor is there is simply part of it.
    adapter.request_mode(WISH).expect("it fits");
    adapter.dpc_routine();
    assert!(adapter.kernel().connections.lock().unwrap().is_empty());
    let cells = adapter.kernel().aperture.lock().unwrap().clone().expect("connected");
    respond(&cells, Answer::Ready);
    adapter.heartbeat();
    adapter.dpc_routine();
    adapter.dpc_routine();
    assert_eq!(*adapter.kernel().connections.lock().unwrap(), [true], "told once");
    assert_eq!(adapter.query_child_status(TARGET_ID), Ok(true));
    adapter.core.lock().host_gone(adapter.kernel(), Removal::LinkBroken);
    adapter.dpc_routine();
    assert_eq!(*adapter.kernel().connections.lock().unwrap(), [true, false]);
    assert_eq!(adapter.monitor_descriptor(TARGET_ID), Ok(None));
    assert!(matches!(adapter.query_child_status(1), Err(Status::BadField { field: "VidPnTargetId", .. })));
    adapter.stop_device().expect("started");
    adapter.dpc_routine();
    assert_eq!(adapter.kernel().connections.lock().unwrap().len(), 2, "a stopped adapter tells nothing");
}

#[test]
fn the_first_mode_has_the_size_that_was_on_the_screen() {
    let adapter = adapter();
    adapter.set_boot_size(Size { width: 1280, height: 720 });
    adapter.start_device(Settings { segment_bytes: 20 * MIB, ..SETTINGS }, 0).expect("there is memory");
    let preferred = adapter.mode_list().preferred();
    assert_eq!((preferred.width, preferred.height), (1280, 720));
    assert_eq!(rig().adapter.mode_list().preferred().width, 1280, "without a segment, the smallest");
}

#[test]
fn the_host_hears_what_is_shown() {
    let mut rig = desktop_rig();
    let nothing = Seen::Scanout { offset: 0, bytes: 0 };
    rig.adapter.commit_vid_pn(SOURCE_ID, committed(DEFAULT_MODE)).expect("on the list");
    rig.adapter.set_vid_pn_source_visibility(SOURCE_ID, true).expect("one source");
    assert_eq!(rig.host.read(), [], "there is nothing to show");
    let desktop = show(&rig, DEFAULT_MODE);
    let primary = Seen::Scanout { offset: desktop.address, bytes: 7680 * 1080 };
    assert_eq!(rig.host.read(), core::slice::from_ref(&primary));
    // The same address again is no news; visibility is.
    rig.adapter.set_vid_pn_source_address(address(desktop.h_allocation, desktop.address)).expect("again");
    assert_eq!(rig.host.read(), []);
    rig.adapter.set_vid_pn_source_visibility(SOURCE_ID, false).expect("one source");
    assert_eq!(rig.host.read(), core::slice::from_ref(&primary));
    // Another mode: the old primary is not shown any more.
    let mode = DisplayMode { width: 1280, height: 720, refresh_millihertz: 144_000 };
    rig.adapter.commit_vid_pn(SOURCE_ID, committed(mode)).expect("on the list");
    assert_eq!(rig.host.read(), core::slice::from_ref(&nothing));
    assert_eq!(rig.adapter.committed_mode(), committed(mode));
    let wrong_size = rig.adapter.set_vid_pn_source_address(address(desktop.h_allocation, desktop.address));
    assert_eq!(bad_field(wrong_size), "hAllocation");
    // Without an allocation the mode says how large it is.
    rig.adapter.set_vid_pn_source_address(address(0, desktop.address)).expect("inside");
    assert_eq!(rig.host.read(), [Seen::Scanout { offset: desktop.address, bytes: 5120 * 720 }]);
    rig.adapter.commit_vid_pn(SOURCE_ID, None).expect("showing nothing is always possible");
    assert_eq!(rig.host.read(), [nothing]);
}

#[test]
fn sources_modes_and_addresses_are_checked() {
    let rig = desktop_rig();
    let adapter = &rig.adapter;
    assert_eq!(bad_field(adapter.commit_vid_pn(1, None)), "VidPnSourceId");
    let other = DisplayMode { width: 800, height: 600, refresh_millihertz: 60_000 };
    assert_eq!(bad_field(adapter.commit_vid_pn(SOURCE_ID, committed(other))), "PrimSurfSize");
    let palette = Some(CommittedMode { mode: DEFAULT_MODE, format: 41 });
    assert_eq!(bad_field(adapter.commit_vid_pn(SOURCE_ID, palette)), "PixelFormat");
    assert_eq!(bad_field(adapter.set_vid_pn_source_visibility(7, true)), "VidPnSourceId");
    assert_eq!(bad_field(adapter.set_vid_pn_source_address(address(0, 0))), "VidPnSourceId");
    adapter.commit_vid_pn(SOURCE_ID, committed(DEFAULT_MODE)).expect("on the list");
    // A primary without an allocation lies in the segment too, never in what contexts were given.
    let (segment, frame) = (adapter.segment().expect("started"), 7680 * 1080_u64.next_multiple_of(8));
    let context = rig.context();
    let last = (segment.base_address + segment.bytes - frame) / 4096 * 4096;
    let heap = super::fake::USER_BASE + segment.aperture_offset - segment.base_address;
    let ring = (context.map.ring_address - heap) / 4096 * 4096;
    assert!(ring + frame <= segment.base_address, "only who lives there speaks against it");
    for bad in [0, 4, ring, segment.base_address - 4096, segment.base_address + 8, last + 4096] {
        assert_eq!(bad_field(adapter.set_vid_pn_source_address(address(0, bad))), "PrimaryAddress", "{bad}");
    }
    for bad in [u64::MAX, u64::MAX - 4095, 64 * MIB] {
        assert_eq!(bad_field(adapter.set_vid_pn_source_address(address(0, bad))), "PrimaryAddress", "{bad}");
    }
    for good in [segment.base_address, last] {
        adapter.set_vid_pn_source_address(address(0, good)).expect("inside");
    }
    assert!(adapter.set_vid_pn_source_address(address(12345, 0)).is_err(), "no such allocation");
    assert_eq!(bad_field(adapter.set_pointer_position(3, (0, 0), true)), "VidPnSourceId");
    assert!(matches!(adapter.get_scan_line(2), Err(Status::BadField { .. })));
}

#[test]
fn a_new_host_is_told_everything_again() {
    let mut rig = desktop_rig();
    let desktop = show(&rig, DEFAULT_MODE);
    let primary = Seen::Scanout { offset: desktop.address, bytes: 7680 * 1080 };
    let pixels = [0; 4];
    set_shape(&rig, &shape(pointer_kind::COLOR, 1, 1, 4), &pixels).expect("small");
    rig.adapter.set_pointer_position(SOURCE_ID, (-3, 7), true).expect("one source");
    let seen = rig.host.read();
    assert_eq!(seen.first(), Some(&primary));
    assert_eq!(seen.last(), Some(&Seen::PointerPosition { x: -3, y: 7, visible: true }));
    rig.break_link();
    let _ = rig.reports();
    assert_eq!(connections(&rig), [false]);
    // Nobody hears it now.
    rig.adapter.set_pointer_position(SOURCE_ID, (5, 5), true).expect("one source");
    let kernel = rig.adapter.kernel();
    kernel.time_ns.fetch_add(60_000_000_000, Ordering::Relaxed);
    {
        let mut core = rig.adapter.core.lock();
        core.begin_again(kernel);
    }
    let cells = kernel.aperture.lock().unwrap().clone().expect("connected");
    rig.host = FakeHost::new(cells.clone());
    respond(&cells, Answer::Ready);
    rig.adapter.heartbeat();
    let _ = rig.reports();
    assert_eq!(connections(&rig), [true]);
    let again = rig.host.read();
    assert!(matches!(again[1], Seen::PointerShape { bytes: 8, .. }), "{again:?}");
    assert_eq!([&again[0], &again[2]], [&primary, &Seen::PointerPosition { x: 5, y: 5, visible: true }]);
    assert_eq!(again.len(), 3, "the latest of each");
}

#[test]
fn a_full_ring_0_delays_the_screen_but_loses_nothing() {
    let mut rig = desktop_rig();
    let desktop = show(&rig, DEFAULT_MODE);
    let _ = rig.host.read();
    let pixels = [0; 4];
    set_shape(&rig, &shape(pointer_kind::COLOR, 1, 1, 4), &pixels).expect("small");
    // Far more than ring 0 holds, while the host does not read.
    let moves = 100_000;
    for x in 0..moves {
        rig.adapter.set_pointer_position(SOURCE_ID, (x, 0), true).expect("never an error");
    }
    rig.adapter.set_vid_pn_source_visibility(SOURCE_ID, false).expect("one source");
    let seen = rig.host.read();
    assert!(seen.len() < moves as usize);
    assert!(!seen.contains(&Seen::Scanout { offset: desktop.address, bytes: 7680 * 1080 }));
    rig.adapter.heartbeat();
    let rest = rig.host.read();
    let expect = [
        Seen::Scanout { offset: desktop.address, bytes: 7680 * 1080 },
        Seen::PointerPosition { x: moves - 1, y: 0, visible: true },
    ];
    assert_eq!(rest, expect, "the heartbeat tells what is left, the newest only");
}

fn shape(kind: u32, width: u32, height: u32, pitch: u32) -> PointerShape {
    PointerShape { vid_pn_source_id: SOURCE_ID, kind, width, height, pitch }
}

fn set_shape(rig: &Rig, shape: &PointerShape, pixels: &[u8]) -> Result<(), Status> {
    rig.adapter.set_pointer_shape(shape, pixels.chunks(shape.pitch as usize))
}

#[test]
fn the_pointer_has_a_place_in_the_heap() {
    let mut rig = desktop_rig();
    let free = rig.free_heap_bytes();
    let pixels = vec![0xAB; 32 * 32 * 4];
    let good = shape(pointer_kind::MASKED_COLOR, 32, 32, 128);
    // A position before there is a mode changes nothing, but is no error.
    rig.adapter.set_pointer_position(SOURCE_ID, (1, 1), true).expect("as the DDI wants it");
    show(&rig, DEFAULT_MODE);
    let _ = rig.host.read();
    set_shape(&rig, &good, &pixels).expect("room");
    let taken = free - rig.free_heap_bytes();
    assert_eq!(taken, 4 * 256 * 256 * 4);
    let seen = rig.host.read();
    let [Seen::PointerShape { offset, bytes, kind }, Seen::PointerPosition { x: 0, y: 0, visible: false }] =
        seen[..]
    else {
        panic!("{seen:?}")
    };
    assert_eq!((bytes, kind), (32 * 32 * 4, pointer_kind::MASKED_COLOR));
    let heap_offset = rig.adapter.core.lock().link.as_ref().expect("running").layout.heap_offset;
    let cell = &rig.host.cells[((heap_offset + offset) / 8) as usize];
    assert_eq!(cell.load(Ordering::Relaxed), 0xABAB_ABAB_ABAB_ABAB);
    set_shape(&rig, &good, &pixels).expect("the next slot");
    assert_eq!(free - rig.free_heap_bytes(), taken, "the place is taken once");
    assert_eq!(rig.host.read().len(), 1, "the position is known");
    let refused = |shape, pixels| bad_field(set_shape(&rig, &shape, pixels));
    assert_eq!(refused(PointerShape { kind: 8, ..good }, &pixels), "Flags");
    assert_eq!(refused(PointerShape { vid_pn_source_id: 1, ..good }, &pixels), "VidPnSourceId");
    assert_eq!(refused(good, &pixels[1..]), "pPixels");
    assert_eq!(rig.host.read(), [], "the shape of before stays");
    rig.adapter.stop_device().expect("started");
    assert_eq!(set_shape(&rig, &good, &pixels), Err(Status::DeviceRemoved));
}

#[test]
fn a_pointers_bitmap_is_read_without_the_lock() {
    let mut rig = desktop_rig();
    show(&rig, DEFAULT_MODE);
    let pixels = vec![0xAB; 8 * 32];
    let good = shape(pointer_kind::COLOR, 8, 8, 32);
    let (adapter, host) = (&rig.adapter, core::cell::RefCell::new(&mut rig.host));
    // Where a page of it must be read in first, all that others do needs the lock: a bitmap read behind it would hang here.
    let rows = pixels.chunks(32).zip(0..).map(|(row, x)| {
        adapter.set_pointer_position(SOURCE_ID, (x, 0), true).expect("one source");
        let seen = host.borrow_mut().read();
        assert!(!seen.iter().any(|seen| matches!(seen, Seen::PointerShape { .. })), "not complete");
        row
    });
    adapter.set_pointer_shape(&good, rows).expect("small");
    let seen = rig.host.read();
    assert!(matches!(seen[0], Seen::PointerShape { bytes: 256, .. }), "{seen:?}");

    // The device goes while the bitmap is read.
    let rows = pixels.chunks(32).inspect(|_| rig.adapter.surprise_removal());
    assert_eq!(rig.adapter.set_pointer_shape(&good, rows), Ok(()));
    assert_eq!(rig.adapter.state(), AdapterState::Removed(Removal::DeviceGone));
    let rig = desktop_rig();
    let mut started = true;
    let rows = pixels.chunks(32).inspect(|_| {
        if core::mem::take(&mut started) {
            rig.adapter.stop_device().expect("started");
        }
    });
    assert_eq!(rig.adapter.set_pointer_shape(&good, rows), Err(Status::DeviceRemoved));
    assert!(!started, "it came so far");
}

#[test]
fn what_dxgkrnl_asks_after_a_start_it_is_not_told() {
    let adapter = adapter();
    let told = || core::mem::take(&mut *adapter.kernel().connections.lock().unwrap());
    for _ in 0..2 {
        // The host answers within the start, and a DPC runs, on another processor, before dxgkrnl has asked for children.
        adapter.start_device(Settings { segment_bytes: 20 * MIB, ..SETTINGS }, 0).expect("there is memory");
        assert_eq!(adapter.state(), AdapterState::Running);
        adapter.request_mode(WISH).expect("it fits");
        adapter.dpc_routine();
        assert_eq!(told(), [], "before the child is known");
        assert!(adapter.has_monitor());
        adapter.dpc_routine();
        assert_eq!(told(), [], "only dxgkrnl's own question counts");
        assert_eq!(adapter.query_child_status(TARGET_ID), Ok(true));
        adapter.dpc_routine();
        assert_eq!(told(), [], "what it has asked, modes included, it knows");
        let other = DisplayMode { width: 1602, ..WISH };
        adapter.request_mode(other).expect("it fits");
        adapter.dpc_routine();
        assert_eq!(told(), [false, true]);
        adapter.core.lock().host_gone(adapter.kernel(), Removal::LinkBroken);
        // Asking again takes nothing back.
        assert_eq!(adapter.query_child_status(TARGET_ID), Ok(false));
        adapter.dpc_routine();
        assert_eq!(told(), [false]);
        adapter.stop_device().expect("started");
    }
}

#[test]
fn the_vertical_blank_costs_nothing_while_it_is_off() {
    let rig = desktop_rig();
    let kernel = rig.adapter.kernel();
    let due = || *kernel.vsync_due.lock().unwrap();
    let desktop = show(&rig, DEFAULT_MODE);
    assert_eq!(due(), None);
    rig.adapter.vsync_timer();
    assert_eq!(rig.reports(), [], "a timer that expires late is silent");

    rig.adapter.control_vsync(true);
    let mut reported = Vec::new();
    for _ in 0..60 {
        kernel.time_ns.fetch_add(due().expect("on"), Ordering::Relaxed);
        rig.adapter.vsync_timer();
        reported.append(&mut rig.reports());
    }
    let report = Notification::CrtcVsync { vid_pn_target_id: TARGET_ID, physical_address: desktop.address };
    assert_eq!(reported, vec![report; 60]);
    let second = 1_000_000_000;
    let now = kernel.time_ns();
    assert!((second..second + 1000).contains(&now), "60 of 60 Hz take a second: {now}");
    let line = rig.adapter.get_scan_line(TARGET_ID).expect("one target");
    assert!(line.in_vertical_blank && line.scan_line == 1080, "{line:?}");

    // Too early: not reported, and set again.
    rig.adapter.vsync_timer();
    assert_eq!(rig.reports(), []);
    assert!(due().is_some());
    rig.adapter.control_vsync(false);
    assert_eq!(due(), None);
    kernel.time_ns.fetch_add(second, Ordering::Relaxed);
    rig.adapter.vsync_timer();
    assert_eq!((due(), rig.reports()), (None, vec![]));
    rig.adapter.control_vsync(true);
    rig.adapter.stop_device().expect("started");
    assert_eq!(due(), None, "a stopped adapter has no timer");
    rig.adapter.vsync_timer();
    assert_eq!(due(), None);
}

#[test]
fn windows_last_screen_is_written_without_the_lock() {
    let rig = desktop_rig();
    assert_eq!(rig.adapter.system_display_enable(TARGET_ID), None, "nothing is shown");
    let desktop = show(&rig, DEFAULT_MODE);
    let heap_offset = rig.adapter.core.lock().link.as_ref().expect("running").layout.heap_offset;
    let pixel = |x: u64, y: u64| {
        let at = heap_offset + desktop.address + y * 7680 + x * 4;
        let cell = rig.host.cells[(at / 8) as usize].load(Ordering::Relaxed);
        if at.is_multiple_of(8) { cell & 0xFFFF_FFFF } else { cell >> 32 }
    };
    // As if a processor had stopped with the lock in its hands.
    let lock = rig.adapter.core.lock();
    assert_eq!(
        rig.adapter.system_display_enable(TARGET_ID),
        Some(SystemDisplay { width: 1920, height: 1080 })
    );
    assert_eq!(rig.adapter.system_display_enable(1), None);
    let image: Vec<u8> = (0..3 * 2).flat_map(|pixel: u8| [pixel + 1, 0x22, 0x33, 0]).collect();
    let write = |position| rig.adapter.system_display_write(image.chunks(12), position);
    write((7, 5));
    assert_eq!([6, 7, 8, 9, 10].map(|x| pixel(x, 5)), [0, 0xFF33_2201, 0xFF33_2202, 0xFF33_2203, 0]);
    assert_eq!([6, 7, 8, 9, 10].map(|x| pixel(x, 6)), [0, 0xFF33_2204, 0xFF33_2205, 0xFF33_2206, 0]);
    // What reaches beyond the screen's edges is cut off; it must not turn up in the next row.
    write((1918, 9));
    assert_eq!([pixel(1918, 9), pixel(1919, 9), pixel(0, 10)], [0xFF33_2201, 0xFF33_2202, 0]);
    write((0, 1079));
    assert_eq!([pixel(0, 1079), pixel(0, 1080)], [0xFF33_2201, 0]);
    write((1920, 0));
    write((0, 1080));
    write((u32::MAX, u32::MAX));
    assert_eq!(pixel(0, 1), 0);
    drop(lock);
    rig.adapter.stop_device().expect("started");
    assert_eq!(rig.adapter.system_display_enable(TARGET_ID), None);
    write((0, 0));
}

#[test]
fn a_primary_that_goes_away_is_not_shown_any_more() {
    let mut rig = desktop_rig();
    let desktop = show(&rig, DEFAULT_MODE);
    let _ = rig.host.read();
    rig.adapter.destroy_allocation(desktop.h_allocation).expect("there");
    let _ = rig.interrupt();
    // dxgkrnl moves or frees the memory by paging only; until then the picture stays.
    let range = pvgpu_protocol::command::HeapRange { offset: desktop.address, length: 4096 };
    rig.adapter.forget_scanout(&mut rig.adapter.core.lock(), range);
    assert_eq!(rig.host.read().last(), Some(&Seen::Scanout { offset: 0, bytes: 0 }));
}

#[test]
fn dxgkrnl_hears_of_a_vertical_blank_from_the_dpc() {
    let rig = desktop_rig();
    let kernel = rig.adapter.kernel();
    let notified = || kernel.notified_dpcs.swap(0, Ordering::Relaxed);
    let _ = (show(&rig, DEFAULT_MODE), rig.reports(), notified());
    rig.adapter.control_vsync(true);
    for _ in 0..3 {
        kernel.time_ns.fetch_add(20_000_000, Ordering::Relaxed);
        rig.adapter.vsync_timer();
        assert_eq!(kernel.notifications.lock().unwrap().len(), 1);
        assert_eq!(notified(), 0, "the timer's DPC is not the driver's");
        assert_eq!((rig.reports().len(), notified()), (1, 1));
        assert_eq!((rig.interrupt(), notified()), (vec![], 0), "once");
    }
    // A DPC that finds another one at work leaves it to that one.
    kernel.time_ns.fetch_add(20_000_000, Ordering::Relaxed);
    rig.adapter.core.lock().reporter = crate::core_state::Reporter::Busy;
    rig.adapter.vsync_timer();
    assert_eq!((rig.reports().len(), notified()), (1, 0));
    rig.adapter.core.lock().reporter = crate::core_state::Reporter::Idle;
    assert_eq!((rig.interrupt(), notified()), (vec![], 1));
}

#[test]
fn the_vertical_blank_sleeps_and_wakes_with_the_device() {
    let rig = desktop_rig();
    let kernel = rig.adapter.kernel();
    let due = || *kernel.vsync_due.lock().unwrap();
    // NT's timer, which wddm stops when the power goes.
    let sleep = || {
        rig.adapter.set_power_state(PowerState::Off, 2);
        kernel.set_vsync_timer(None);
        kernel.time_ns.fetch_add(3600 * 1_000_000_000, Ordering::Relaxed);
    };
    let wake = || rig.adapter.set_power_state(PowerState::On, 2);
    show(&rig, DEFAULT_MODE);
    sleep();
    wake();
    assert_eq!(due(), None, "it was off before");
    rig.adapter.control_vsync(true);
    let _ = rig.reports();
    sleep();
    rig.adapter.vsync_timer();
    assert_eq!((due(), rig.reports()), (None, vec![]), "one that was expiring meanwhile");
    wake();
    let next = due().expect("it was on before");
    assert!((1..16_700_000).contains(&next), "{next}");
    assert_eq!(rig.reports(), [], "what passed in the night is no news");
    kernel.time_ns.fetch_add(next, Ordering::Relaxed);
    rig.adapter.vsync_timer();
    assert_eq!((rig.reports().len(), due().is_some()), (1, true));

    // Switched while there is no power: it counts from then on.
    sleep();
    rig.adapter.control_vsync(false);
    wake();
    assert_eq!(due(), None);
    sleep();
    rig.adapter.control_vsync(true);
    assert_eq!(due(), None, "no timer without power");
    wake();
    assert!(due().is_some());
}

#[test]
fn a_bugcheck_writes_nothing_into_memory_that_is_somebody_elses() {
    let rig = desktop_rig();
    let desktop = show(&rig, DEFAULT_MODE);
    assert!(rig.adapter.system_display_enable(TARGET_ID).is_some());
    rig.adapter.destroy_allocation(desktop.h_allocation).expect("there");
    assert_eq!(rig.adapter.system_display_enable(TARGET_ID), None, "at once, without a DPC");
    let before: u64 =
        rig.host.cells.iter().map(|cell| cell.load(Ordering::Relaxed).count_ones() as u64).sum();
    rig.adapter.system_display_write([&[0xFF; 64][..]; 8].into_iter(), (0, 0));
    let after: u64 = rig.host.cells.iter().map(|cell| cell.load(Ordering::Relaxed).count_ones() as u64).sum();
    assert_eq!(before, after);
    // A device that is gone has no screen.
    let desktop = show(&rig, DEFAULT_MODE);
    assert!(rig.adapter.system_display_enable(TARGET_ID).is_some());
    rig.adapter.surprise_removal();
    assert_eq!(rig.adapter.system_display_enable(TARGET_ID), None);
    rig.adapter.destroy_allocation(desktop.h_allocation).expect("there");
}
