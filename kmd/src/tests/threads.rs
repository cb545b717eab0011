//! Programs, the DPC, the timer and the host at the same time.

use std::boxed::Box;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use std::vec::Vec;

use pvgpu_protocol::aperture::host_cell;
use pvgpu_protocol::kernel_interface::{
    AllocateHeap, FenceMarker, FreeHeap, PrivateHeader, WaitForFence, kind, wait_result,
};

use super::fake::{FakeHost, HEAP_BYTES, RING_BYTES, Rig, SETTINGS, Seen, context_data, rig_with};
use crate::ddi::{CreateContext, Escape, Render, SubmitCommand};
use crate::{Adapter, AdapterState, Notification, Settings, SpinLock};

/// Programs at once, and contexts that each makes in turn.
const PROGRAMS: usize = 4;
const LIVES: usize = 40;
/// Submissions in each life.
const FRAMES: u64 = 20;

type Fake = Adapter<super::fake::FakeKernel>;

/// dxgkrnl's scheduler: numbers submissions in the order in which the driver gets them.
struct Scheduler<'a> {
    adapter: &'a Fake,
    next: Mutex<u32>,
}

impl Scheduler<'_> {
    fn submit(&self, private: &[u8]) {
        let mut next = self.next.lock().unwrap();
        *next += 1;
        let args =
            SubmitCommand { dma_buffer_private_data: private, submission_fence_id: *next, node_ordinal: 0 };
        self.adapter.submit_command(args);
    }
}

/// A program: contexts come, draw, wait and go.
fn program(scheduler: &Scheduler<'_>, host: &mpsc::Sender<(u32, u64)>) {
    let adapter = scheduler.adapter;
    let h_device = adapter.create_device().expect("running");
    let escape = |h_context: u64, data: &mut [u8]| {
        adapter.escape(Escape { h_device, h_context, private_driver_data: data }).expect("well-formed");
    };
    for life in 0..LIVES {
        let data = context_data(RING_BYTES, HEAP_BYTES);
        let args = CreateContext { node_ordinal: 0, private_driver_data: bytemuck::bytes_of(&data) };
        let h_context = adapter.create_context(h_device, args).expect("room").h_context;
        let mut map: pvgpu_protocol::kernel_interface::MapContext = bytemuck::Zeroable::zeroed();
        map.header = PrivateHeader::new(kind::MAP_CONTEXT);
        escape(h_context, bytemuck::bytes_of_mut(&mut map));
        for value in 1..=FRAMES {
            let header = PrivateHeader::new(kind::FENCE_MARKER);
            let position = value * 24;
            let marker =
                FenceMarker { header, context: map.context, frame: 0, position, value, gate: value % 3 };
            let mut private = [0; 128];
            let args = Render {
                command: bytemuck::bytes_of(&marker),
                dma_buffer: &mut [0; 128],
                dma_buffer_private_data: &mut private,
                allocation_list: &[],
                patch_location_list_out: &mut [],
            };
            adapter.render(h_context, args).expect("a good marker");
            scheduler.submit(&private);
            host.send((map.context, value)).expect("the host lives");
        }
        churn(adapter, h_device, h_context, map.heap_offset);
        // Some contexts end with work in flight.
        if life % 4 != 0 {
            let header = PrivateHeader::new(kind::WAIT_FOR_FENCE);
            let mut wait = WaitForFence { header, value: FRAMES, timeout_ms: 20_000, result: 0 };
            escape(h_context, bytemuck::bytes_of_mut(&mut wait));
            assert_eq!(wait.result, wait_result::REACHED);
        }
        adapter.destroy_context(h_context).expect("live");
    }
    adapter.destroy_device(h_device).expect("live");
}

/// Two threads of the program grow and shrink the context's heap; one of them gives back what is not its own.
fn churn(adapter: &Fake, h_device: u64, h_context: u64, first: u64) {
    let escape = |data: &mut [u8]| adapter.escape(Escape { h_device, h_context, private_driver_data: data });
    let free = |offset| {
        escape(bytemuck::bytes_of_mut(&mut FreeHeap { header: PrivateHeader::new(kind::FREE_HEAP), offset }))
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            for pages in 1..8 {
                let header = PrivateHeader::new(kind::ALLOCATE_HEAP);
                let mut grow = AllocateHeap { header, bytes: pages << 12, address: 0, offset: 0 };
                escape(bytemuck::bytes_of_mut(&mut grow)).expect("room");
                // The other thread may have been faster.
                let _ = free(grow.offset);
            }
        });
        scope.spawn(|| {
            for page in 0..200 {
                let offset = page << 12;
                if offset != first {
                    let _ = free(offset);
                }
            }
        });
    });
}

/// Who has which part of the heap, as a strict host keeps it: context, first byte, bytes.
struct Ledger(Vec<(u32, u64, u64)>);

impl Ledger {
    /// Checks what the host has read; gives a context that is to end.
    fn enter(&mut self, seen: &Seen) -> Option<u32> {
        match *seen {
            Seen::Create { context, ring: (offset, bytes), .. }
            | Seen::Grant { context, range: (offset, bytes) } => {
                let known = self.0.iter().any(|(of, ..)| *of == context);
                assert_eq!(known, matches!(seen, Seen::Grant { .. }), "{seen:?}");
                let free = |(_, other, length): &(u32, u64, u64)| {
                    offset >= other + length || *other >= offset + bytes
                };
                assert!(self.0.iter().all(free), "{seen:?} overlaps");
                self.0.push((context, offset, bytes));
                None
            }
            Seen::Revoke { context, range: (offset, bytes) } => {
                let index = self.0.iter().position(|entry| *entry == (context, offset, bytes));
                self.0.swap_remove(index.expect("it was granted"));
                None
            }
            Seen::Destroy(context) => Some(context),
            _ => None,
        }
    }
}

/// A host that completes what it is told of, and ends what it is asked to end.
fn serve(host: &mut FakeHost, work: &mpsc::Receiver<(u32, u64)>, adapter: &Fake) {
    let mut open = true;
    let mut beats = 1;
    let mut ledger = Ledger(Vec::new());
    let mut later: Vec<u32> = Vec::new();
    while open {
        beats += 1;
        host.set(host_cell::HEARTBEAT, beats);
        let mut told = Vec::new();
        match work.recv_timeout(Duration::from_micros(200)) {
            Ok(one) => told.push(one),
            Err(error) => open = error == mpsc::RecvTimeoutError::Timeout,
        }
        // What a context that is to end was told of, it was told before.
        for seen in host.read() {
            if let Seen::Fence(value) = seen {
                host.complete(0, value);
            }
            later.extend(ledger.enter(&seen));
        }
        told.extend(work.try_iter());
        for (context, value) in told {
            if host.complete(context, value) {
                adapter.interrupt_routine();
            }
        }
        for context in later.drain(..) {
            ledger.0.retain(|(of, ..)| *of != context);
            host.end(context);
            adapter.interrupt_routine();
        }
    }
}

/// Ends the threads that have no end of their own, also when a program panics.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[test]
fn everybody_at_once() {
    let Rig { adapter, mut host } = rig_with(Settings { segment_bytes: 8 << 20, ..SETTINGS });
    let free = adapter.core.lock().heap.as_ref().expect("running").free_bytes();
    let adapter = &*adapter;
    // The driver sleeps in earnest: the host's thread gets its time.
    let asleep = Box::new(|| thread::sleep(Duration::from_millis(1)));
    *adapter.kernel().while_asleep.lock().unwrap() = Some(asleep);
    let done = AtomicBool::new(false);
    let start = Instant::now();
    let scheduler = Scheduler { adapter, next: Mutex::new(0) };
    thread::scope(|scope| {
        let end = End(&done);
        let dpcs = [(); 2].map(|()| {
            scope.spawn(|| {
                while !done.load(Ordering::Acquire) {
                    if adapter.kernel().dpc.swap(false, Ordering::AcqRel) {
                        adapter.dpc_routine();
                    } else {
                        thread::sleep(Duration::from_micros(50));
                    }
                }
            })
        });
        let timer = scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                adapter.heartbeat();
                let _ = adapter.collect_dbg_info(&mut [0; 512]);
                thread::sleep(Duration::from_millis(1));
            }
        });
        let (sender, receiver) = mpsc::channel();
        let programs: Vec<_> = (0..PROGRAMS)
            .map(|_| {
                let (sender, scheduler) = (sender.clone(), &scheduler);
                scope.spawn(move || program(scheduler, &sender))
            })
            .collect();
        drop(sender);
        let host = &mut host;
        let served = scope.spawn(move || serve(host, &receiver, adapter));
        for program in programs {
            program.join().expect("no panic");
        }
        served.join().expect("no panic");
        thread::sleep(Duration::from_millis(20));
        drop(end);
        timer.join().expect("no panic");
        for dpc in dpcs {
            dpc.join().expect("no panic");
        }
    });
    adapter.dpc_routine();
    assert!(start.elapsed() < Duration::from_secs(60));
    assert_eq!(adapter.state(), AdapterState::Running);
    let reports = core::mem::take(&mut *adapter.kernel().notifications.lock().unwrap());
    let ids = reports.iter().map(|report| match *report {
        Notification::DmaCompleted { submission_fence_id } => submission_fence_id,
        Notification::DmaFaulted { faulted_fence_id, .. } => faulted_fence_id,
        ref other => panic!("{other:?}"),
    });
    assert!(ids.eq(1..=(PROGRAMS * LIVES) as u32 * FRAMES as u32), "each once, in order");
    assert_eq!(adapter.core.lock().heap.as_ref().expect("running").free_bytes(), free, "no memory is lost");
    assert_eq!(adapter.kernel().mapped.load(Ordering::Relaxed), 0, "no mapping is lost");
}
