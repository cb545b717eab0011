//! Paging: into the segment, inside it, out of it; with and without a host.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::vec;
use std::vec::Vec;

use pvgpu_protocol::aperture::PAGE_BYTES;

use super::fake::{Answer, Cells, Rig, SETTINGS, Seen, UNREACHABLE, adapter, completed, rig_with};
use super::presents::frames;
use crate::ddi::{BuildPagingBuffer, PagingOperation, PagingPlace, SEGMENT_ID, SubmitCommand};
use crate::{Adapter, Settings, Status, SystemCopy};

const SEGMENT: Settings = Settings { segment_bytes: 8 << 20, ..SETTINGS };

fn build(adapter: &Adapter<super::fake::FakeKernel>, operation: PagingOperation) -> Result<Vec<u8>, Status> {
    let mut private = [0; 256];
    let args =
        BuildPagingBuffer { operation, dma_buffer: &mut [0; 256], dma_buffer_private_data: &mut private };
    let rendered = adapter.build_paging_buffer(args)?;
    Ok(private[..rendered.private_data_bytes].to_vec())
}

fn submit(adapter: &Adapter<super::fake::FakeKernel>, private: &[u8], submission_fence_id: u32) {
    let args = SubmitCommand { dma_buffer_private_data: private, submission_fence_id, node_ordinal: 0 };
    adapter.submit_command(args);
}

fn segment(rig: &Rig, offset: u64) -> PagingPlace {
    let address = rig.adapter.segment().expect("started").base_address + offset;
    PagingPlace::Segment { segment_id: SEGMENT_ID, address }
}

fn transfer(bytes: u64, source: PagingPlace, destination: PagingPlace) -> PagingOperation {
    PagingOperation::Transfer { h_allocation: 0, offset: 0, bytes, source, destination }
}

/// The cells of the segment from `offset` on.
fn cells(rig: &Rig, offset: u64, words: usize) -> Vec<u64> {
    let start = rig.adapter.segment().expect("started").aperture_offset + offset;
    let cells: &Cells = &rig.host.cells;
    cells[(start / 8) as usize..][..words].iter().map(|cell| cell.load(Ordering::Relaxed)).collect()
}

/// A megabyte and a half of system memory with a pattern, as MDL 7.
fn system_memory() -> BTreeMap<u64, Vec<u64>> {
    BTreeMap::from([(7, (0..(3 << 20) / 16).collect())])
}

#[test]
fn pages_go_in_and_out() {
    let rig = rig_with(SEGMENT);
    *rig.adapter.kernel().system.lock().unwrap() = system_memory();
    let bytes = 5 << 18;
    let mdl = PagingPlace::System { mdl: 7, offset: PAGE_BYTES };
    let private = build(&rig.adapter, transfer(bytes, mdl, segment(&rig, 8192))).expect("good");
    submit(&rig.adapter, &private, 1);
    assert_eq!(rig.reports(), [completed(1)]);
    let words = (bytes / 8) as usize;
    let first = PAGE_BYTES / 8;
    assert_eq!(cells(&rig, 8192, words), (first..first + bytes / 8).collect::<Vec<_>>());
    assert_eq!(cells(&rig, 8192 + bytes, 1), [0], "and not one word more");
    assert_eq!(rig.adapter.kernel().largest_copy.load(Ordering::Relaxed), SystemCopy::MAX_BYTES);

    rig.adapter.kernel().system.lock().unwrap().insert(9, vec![0; words]);
    let out = transfer(bytes, segment(&rig, 8192), PagingPlace::System { mdl: 9, offset: 0 });
    let private = build(&rig.adapter, out).expect("good");
    submit(&rig.adapter, &private, 2);
    assert_eq!(rig.reports(), [completed(2)]);
    let system = rig.adapter.kernel().system.lock().unwrap();
    assert_eq!(system[&9], (first..first + bytes / 8).collect::<Vec<_>>());
}

#[test]
fn large_transfers_let_others_in() {
    let rig = rig_with(SEGMENT);
    rig.adapter.kernel().system.lock().unwrap().insert(7, vec![1; (8 << 20) / 8]);
    let mdl = PagingPlace::System { mdl: 7, offset: 0 };
    let private = build(&rig.adapter, transfer(8 << 20, mdl, segment(&rig, 0))).expect("good");
    submit(&rig.adapter, &private, 1);
    rig.adapter.kernel().dpc.store(false, Ordering::Relaxed);
    rig.adapter.dpc_routine();
    assert!(rig.adapter.kernel().dpc.load(Ordering::Relaxed), "one DPC does not do all of it");
    assert!(rig.adapter.kernel().notifications.lock().unwrap().is_empty());
    assert_eq!(rig.reports(), [completed(1)]);
}

#[test]
fn paging_waits_for_its_turn() {
    let mut rig = rig_with(SEGMENT);
    let context = rig.context();
    *rig.adapter.kernel().system.lock().unwrap() = system_memory();
    rig.submit(context, 1, 1);
    let mdl = PagingPlace::System { mdl: 7, offset: 0 };
    let private = build(&rig.adapter, transfer(PAGE_BYTES, mdl, segment(&rig, 0))).expect("good");
    submit(&rig.adapter, &private, 2);
    let zero = PagingOperation::Fill {
        h_allocation: 0,
        bytes: PAGE_BYTES * 2,
        pattern: 0x0102_0304,
        destination: segment(&rig, PAGE_BYTES),
    };
    submit(&rig.adapter, &build(&rig.adapter, zero).expect("good"), 3);
    let shift = transfer(PAGE_BYTES, segment(&rig, 0), segment(&rig, 1 << 20));
    submit(&rig.adapter, &build(&rig.adapter, shift).expect("good"), 4);
    submit(&rig.adapter, &build(&rig.adapter, PagingOperation::Nothing).expect("good"), 5);
    rig.host.read();
    assert_eq!(rig.reports(), []);
    assert_eq!(cells(&rig, 0, 2), [0, 0], "the context before may still use it");
    rig.host.complete(context.number, 1);
    assert_eq!(rig.interrupt(), [completed(1), completed(2)]);
    assert_eq!(cells(&rig, 0, 2), [0, 1]);
    let base = rig.adapter.segment().expect("started").base_address;
    let (page, two) = ([0, 0, 1024, 1], [0, 0, 1024, 2]);
    let expect = [
        Seen::Fill { dst: base + PAGE_BYTES, rect: two, value: 0x0102_0304 },
        Seen::Blit {
            src: base,
            dst: base + (1 << 20),
            pitches: (4096, 4096),
            src_rect: page,
            dst_rect: page,
        },
        Seen::Fence(1),
    ];
    assert_eq!(rig.host.read(), expect);
    rig.host.complete(0, 1);
    assert_eq!(rig.interrupt(), [completed(3), completed(4), completed(5)]);
}

#[test]
fn memory_that_cannot_be_mapped_is_tried_again() {
    let rig = rig_with(SEGMENT);
    *rig.adapter.kernel().system.lock().unwrap() = system_memory();
    rig.adapter.kernel().copies_to_fail.store(2, Ordering::Relaxed);
    let mdl = PagingPlace::System { mdl: 7, offset: 0 };
    let private = build(&rig.adapter, transfer(PAGE_BYTES, mdl, segment(&rig, 0))).expect("good");
    submit(&rig.adapter, &private, 1);
    assert_eq!(rig.reports(), [], "it does not spin");
    rig.adapter.heartbeat();
    assert_eq!(rig.reports(), []);
    rig.adapter.heartbeat();
    assert_eq!(rig.reports(), [completed(1)]);
    assert_eq!(cells(&rig, 0, 3), [0, 1, 2]);
}

#[test]
fn what_will_never_work_is_given_up() {
    let rig = rig_with(SEGMENT);
    let mdl = PagingPlace::System { mdl: UNREACHABLE, offset: 0 };
    let private = build(&rig.adapter, transfer(8 << 20, mdl, segment(&rig, 0))).expect("good");
    submit(&rig.adapter, &private, 1);
    assert_eq!(rig.reports(), [completed(1)], "dxgkrnl would reset the adapter for ever");
}

/// dxgkrnl evicts what was in a device that is gone, and takes no error for an answer.
#[test]
fn a_device_that_is_gone_is_evicted() {
    let rig = rig_with(SEGMENT);
    let (at, mdl) = (segment(&rig, 0), PagingPlace::System { mdl: 7, offset: 0 });
    rig.adapter.surprise_removal();
    submit(&rig.adapter, &build(&rig.adapter, transfer(PAGE_BYTES, at, mdl)).expect("nothing to do"), 1);
    assert_eq!(rig.reports(), [completed(1)]);
}

#[test]
fn without_a_host_memory_is_still_made_new() {
    let adapter = adapter();
    *adapter.kernel().answer.lock().unwrap() = Answer::Silent;
    adapter.start_device(SEGMENT, 0).expect("a host is not needed");
    *adapter.kernel().system.lock().unwrap() = system_memory();
    let at = adapter.segment().expect("started");
    let place = |offset| PagingPlace::Segment { segment_id: SEGMENT_ID, address: at.base_address + offset };
    let mdl = PagingPlace::System { mdl: 7, offset: 8 * 512 };
    submit(&adapter, &build(&adapter, transfer(PAGE_BYTES, mdl, place(0))).expect("good"), 1);
    let zero = PagingOperation::Fill {
        h_allocation: 0,
        bytes: PAGE_BYTES,
        pattern: 5,
        destination: place(PAGE_BYTES),
    };
    submit(&adapter, &build(&adapter, zero).expect("good"), 2);
    submit(&adapter, &build(&adapter, transfer(PAGE_BYTES, place(0), place(8192))).expect("good"), 3);
    adapter.dpc_routine();
    let reported = core::mem::take(&mut *adapter.kernel().notifications.lock().unwrap());
    assert_eq!(reported, [completed(1), completed(2), completed(3)]);
    let cells = adapter.kernel().aperture.lock().unwrap().clone().expect("connected");
    let word = |offset: u64| cells[((at.aperture_offset + offset) / 8) as usize].load(Ordering::Relaxed);
    assert_eq!((word(0), word(8)), (512, 513), "the processor does what needs no host");
    assert_eq!(word(PAGE_BYTES), 5 << 32 | 5);
    assert_eq!(word(2 * PAGE_BYTES), 0, "a copy inside the segment is the host's");
}

#[test]
fn paging_is_checked() {
    let rig = rig_with(SEGMENT);
    let at = rig.adapter.segment().expect("started");
    let mdl = PagingPlace::System { mdl: 7, offset: 0 };
    let place = |segment_id, address| PagingPlace::Segment { segment_id, address };
    let page = PAGE_BYTES;
    for (bytes, source, destination) in [
        (0, mdl, place(1, at.base_address)),
        (page + 8, mdl, place(1, at.base_address)),
        (page, mdl, place(2, at.base_address)),
        (page, mdl, place(1, at.base_address - page)),
        (page, mdl, place(1, at.base_address + 8)),
        (page, mdl, place(1, at.base_address + at.bytes)),
        (2 * page, place(1, at.base_address + at.bytes - page), mdl),
        (page, place(1, u64::MAX - 4095), mdl),
        (u64::MAX - 4095, place(1, at.base_address), mdl),
        (page, mdl, mdl),
    ] {
        let error = build(&rig.adapter, transfer(bytes, source, destination));
        assert!(
            matches!(error, Err(Status::BadField { .. })),
            "{bytes} {source:?} {destination:?}: {error:?}"
        );
    }
    // Frames never move: paging them is nothing, wherever dxgkrnl believes them to be.
    let context = rig.context();
    let info = rig.adapter.create_allocation(bytemuck::bytes_of(&frames(context))).expect("good");
    let operation = PagingOperation::Fill {
        h_allocation: info.h_allocation,
        bytes: page,
        pattern: 0,
        destination: segment(&rig, 0),
    };
    submit(&rig.adapter, &build(&rig.adapter, operation).expect("good"), 1);
    assert_eq!(rig.reports(), [completed(1)]);
    // Private data that nobody wrote is no work, whatever it says.
    for kind in 0..12u8 {
        let mut forged = [0xff; 128];
        forged[..4].copy_from_slice(&u32::from(kind).to_le_bytes());
        if kind != 1 {
            submit(&rig.adapter, &forged, 2);
            assert_eq!(rig.reports(), [completed(2)], "{kind}");
        }
    }
}
