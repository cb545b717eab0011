//! Whatever is submitted, completed, lost or reset, in whatever order: dxgkrnl hears of each submission once, in its order.

use std::boxed::Box;
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::vec;

use proptest::prelude::*;

use pvgpu_protocol::aperture::{Layout, host_cell, host_state};
use pvgpu_protocol::kernel_interface::device_kind;

use super::fake::{Answer, FakeHost, Rig, SETTINGS, Seen, TestContext, respond, rig_with};
use super::presents::Buffers;
use super::standard::Desktop;
use crate::ddi::{
    AllocationListEntry, BuildPagingBuffer, PagingOperation, PagingPlace, PresentKind, SEGMENT_ID,
};
use crate::{AdapterState, Notification, Settings};

/// What happens next.
#[derive(Clone, Debug)]
enum Step {
    /// A context of two renders and submits.
    Fence(usize),
    /// The desktop blits.
    Blit,
    /// A megabyte is paged in.
    Page,
    /// dxgkrnl wants to preempt.
    Preempt,
    /// The host completes all that a context has submitted.
    Complete(usize),
    /// The host executes ring 0.
    Ring0,
    /// The host interrupts.
    Interrupt,
    /// The timer.
    Heartbeat,
    /// The next copies of paging fail.
    NoMemory,
    /// The host refuses a context's command.
    Poison(usize),
    /// dxgkrnl resets the engine.
    Reset,
    /// The host ends, and another one comes.
    NewHost,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0usize..2).prop_map(Step::Fence),
        4 => Just(Step::Blit),
        2 => Just(Step::Page),
        1 => Just(Step::Preempt),
        6 => (0usize..2).prop_map(Step::Complete),
        4 => Just(Step::Ring0),
        8 => Just(Step::Interrupt),
        3 => Just(Step::Heartbeat),
        1 => Just(Step::NoMemory),
        1 => (0usize..2).prop_map(Step::Poison),
        1 => Just(Step::Reset),
        1 => Just(Step::NewHost),
    ]
}

/// The adapter as dxgkrnl's scheduler sees it.
struct Scheduler {
    rig: Rig,
    contexts: [TestContext; 2],
    values: [u64; 2],
    desktop: Desktop,
    next: u32,
    /// What was submitted and not reported.
    waiting: VecDeque<u32>,
}

impl Scheduler {
    fn new() -> Self {
        let settings = Settings { segment_bytes: 8 << 20, device: device_kind::PCI, ..SETTINGS };
        let rig = rig_with(settings);
        rig.adapter.kernel().system.lock().unwrap().insert(7, vec![1; (1 << 20) / 8]);
        let contexts = [rig.context(), rig.context()];
        let desktop = Desktop::new(&rig, 64, 48);
        // Ids that wrap while the test runs.
        Self { rig, contexts, values: [0; 2], desktop, next: u32::MAX - 3, waiting: VecDeque::new() }
    }

    fn id(&mut self) -> u32 {
        self.next = self.next.wrapping_add(1);
        self.waiting.push_back(self.next);
        self.next
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Fence(which) => {
                let value = self.values[which] + 1;
                let marker = self.rig.marker(self.contexts[which], value);
                if let Ok(private) = self.rig.render(self.contexts[which].h_context, &marker) {
                    self.values[which] = value;
                    let id = self.id();
                    self.rig.submit_private(&private, id);
                }
            }
            Step::Blit => {
                let rect = [0, 0, 64, 48];
                let kind = PresentKind::ColorFill { color: 1, destination_rect: rect, sub_rects: &[] };
                let mut buffers = Buffers::new();
                let sides = (AllocationListEntry::default(), self.desktop.entry);
                buffers.present(&self.rig, self.desktop.h_context, kind, sides, &[], 0).expect("good");
                let id = self.id();
                buffers.submit(&self.rig, id);
            }
            Step::Page => {
                let address = self.rig.adapter.segment().expect("started").base_address;
                let operation = PagingOperation::Transfer {
                    h_allocation: 0,
                    offset: 0,
                    bytes: 1 << 20,
                    source: PagingPlace::System { mdl: 7, offset: 0 },
                    destination: PagingPlace::Segment { segment_id: SEGMENT_ID, address },
                };
                let mut private = [0; 128];
                let args = BuildPagingBuffer {
                    operation,
                    dma_buffer: &mut [0; 128],
                    dma_buffer_private_data: &mut private,
                };
                self.rig.adapter.build_paging_buffer(args).expect("good");
                let id = self.id();
                self.rig.submit_private(&private, id);
            }
            Step::Preempt => {
                let id = self.id();
                self.rig.adapter.preempt_command(id);
            }
            Step::Complete(which) => {
                self.rig.host.complete(self.contexts[which].number, self.values[which]);
            }
            Step::Ring0 => self.ring_0(),
            Step::Interrupt => {
                self.rig.adapter.interrupt_routine();
            }
            Step::Heartbeat => self.rig.adapter.heartbeat(),
            Step::NoMemory => self.rig.adapter.kernel().copies_to_fail.store(2, Ordering::Relaxed),
            Step::Poison(which) => {
                if self.rig.adapter.state() == AdapterState::Running {
                    self.rig.host.poison(self.contexts[which].number, 5);
                }
            }
            Step::Reset => {
                self.ring_0();
                self.hear();
                self.answer_while_asleep();
                let aborted = self.rig.adapter.reset_engine(0, 0).expect("the engine");
                *self.rig.adapter.kernel().while_asleep.lock().unwrap() = None;
                if let Some(head) = self.waiting.front() {
                    assert_eq!(aborted, *head, "what executes is the oldest");
                }
                self.waiting.clear();
            }
            Step::NewHost => self.new_host(),
        }
        self.hear();
    }

    fn ring_0(&mut self) {
        for seen in self.rig.host.read() {
            if let Seen::Fence(value) = seen {
                self.rig.host.complete(0, value);
            }
        }
    }

    /// A reset asks ring 0 whether the host lives: while the driver sleeps, the host executes the one fence that is there.
    fn answer_while_asleep(&self) {
        let line = Layout::fence_line(0).expect("ring 0");
        let cells = self.rig.host.cells.clone();
        let happen = move || {
            cells[line].fetch_add(1, Ordering::Release);
        };
        *self.rig.adapter.kernel().while_asleep.lock().unwrap() = Some(Box::new(happen));
    }

    /// The host goes; two seconds later another one is there, and the contexts are made anew.
    fn new_host(&mut self) {
        if self.rig.adapter.state() != AdapterState::Running {
            return;
        }
        self.rig.host.set(host_cell::STATE, host_state::GONE);
        // Paging that found no memory is tried again by each.
        for _ in 0..4 {
            self.rig.adapter.heartbeat();
            self.hear();
        }
        assert!(self.waiting.is_empty(), "all is lost, and reported: {:?}", self.waiting);
        self.rig.adapter.kernel().time_ns.fetch_add(2_100_000_000, Ordering::Relaxed);
        self.rig.adapter.heartbeat();
        for line in 0..64 {
            self.rig.host.force_fence(line, 0);
        }
        respond(&self.rig.host.cells.clone(), Answer::Ready);
        self.rig.adapter.heartbeat();
        assert_eq!(self.rig.adapter.state(), AdapterState::Running);
        self.rig.host = FakeHost::new(self.rig.host.cells.clone());
        for context in self.contexts {
            self.rig.adapter.destroy_context(context.h_context).expect("there");
        }
        self.contexts = [self.rig.context(), self.rig.context()];
        self.values = [0; 2];
    }

    /// Takes the reports; each must be of the oldest submission.
    fn hear(&mut self) {
        for report in self.rig.reports() {
            let id = match report {
                Notification::DmaCompleted { submission_fence_id } => submission_fence_id,
                Notification::DmaFaulted { faulted_fence_id, .. } => faulted_fence_id,
                Notification::DmaPreempted { preemption_fence_id, .. } => preemption_fence_id,
                Notification::CrtcVsync { .. } => continue,
            };
            assert_eq!(self.waiting.pop_front(), Some(id), "in dxgkrnl's order");
        }
    }

    /// Lets everything end.
    fn end(&mut self) {
        // A blit takes two turns, one to be sent and one to be done, and paging at most two more for its memory.
        for _ in 0..2 * self.waiting.len() + 4 {
            self.rig.host.complete(self.contexts[0].number, self.values[0]);
            self.rig.host.complete(self.contexts[1].number, self.values[1]);
            self.ring_0();
            self.rig.adapter.heartbeat();
            self.rig.adapter.interrupt_routine();
            self.hear();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn each_submission_is_reported_once_in_order(steps in prop::collection::vec(step(), 1..80)) {
        let mut scheduler = Scheduler::new();
        for step in &steps {
            scheduler.run(step);
        }
        scheduler.end();
        prop_assert!(scheduler.waiting.is_empty(), "{:?} waits forever", scheduler.waiting);
        prop_assert_eq!(scheduler.rig.adapter.state(), AdapterState::Running);
    }
}
