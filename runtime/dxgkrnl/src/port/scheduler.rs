//! dxgkrnl's scheduler: one node whose submissions reach the driver in the order of their fence ids, and the driver's reports.
//!
//! A submission gets its fence id and reaches the driver under one lock, so that the driver sees ids in order. Reports come
//! at device level, where nothing may wait or call back; they are only noted there. The DPC acts on them.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pvgpu_kmd_ddi::*;

use super::buffers::DmaBuffer;
use super::driver::{Driver, DriverHandle, NtResult};
use crate::nt::process::Process;
use crate::verifier::{Rule, Verifier};

/// What is told when a submission ends.
pub(crate) trait Completion: Send + Sync {
    /// The driver reported it as completed. `DISPATCH_LEVEL`.
    fn completed(&self);

    /// The driver reported it as faulted, or the adapter was reset: the device's contexts are to be asked why.
    /// `DISPATCH_LEVEL`.
    fn faulted(&self, status: NTSTATUS);
}

/// What happens when all work before it is done.
pub(crate) type Then = Box<dyn FnOnce() + Send>;

/// What is to be submitted.
pub(crate) struct Work {
    /// The process in whose name the driver is called.
    pub(crate) process: Arc<Process>,
    /// The driver's context; none for paging.
    pub(crate) context: DriverHandle,
    /// The DMA buffer, filled by the driver.
    pub(crate) dma: DmaBuffer,
    /// `DXGK_SUBMITCOMMANDFLAGS`.
    pub(crate) flags: u32,
    /// Who is told.
    pub(crate) completion: Arc<dyn Completion>,
}

/// A submission that the driver has not reported yet.
struct InFlight {
    fence_id: u32,
    work: Work,
    then: Vec<Then>,
    since: Instant,
}

/// The scheduler of the one node.
pub(crate) struct Scheduler {
    /// Held while a submission is patched and handed to the driver; the last fence id.
    submit: Mutex<u32>,
    queue: Mutex<Queue>,
    /// The queue became shorter.
    shorter: Condvar,
    /// Reports that the DPC has to act on, in their order.
    reported: Mutex<Vec<Report>>,
    /// Held while reports are acted on, so that they keep their order.
    acting: Mutex<()>,
}

#[derive(Default)]
struct Queue {
    in_flight: VecDeque<InFlight>,
    /// Submissions that are reported, and whose reports the DPC has not acted on, in their order.
    reported: VecDeque<u32>,
    last_completed: u32,
    /// Preemption requests that the driver has not answered.
    preemptions: Vec<u32>,
    vsyncs: u64,
    /// Nothing is accepted any more.
    closed: bool,
}

enum Report {
    Done(InFlight),
    Faulted(InFlight, NTSTATUS),
    /// A present behind work that is done already.
    Then(Then),
}

/// Notes the failure of an entry where dxgkrnl has no use for one: Windows would stop.
fn must_not_fail(driver: &Driver, entry: &'static str, status: NTSTATUS) {
    driver.system().verifier.report(Rule::Ddi, entry, || format!("it failed with {status:#010x}"));
}

/// Submissions that the model hands to the driver before it waits for the first to be done.
const MAX_IN_FLIGHT: usize = 1024;

/// Whether fence id `a` comes after `b`; they wrap.
fn after(a: u32, b: u32) -> bool {
    a != b && a.wrapping_sub(b) < 1 << 31
}

impl Scheduler {
    pub(crate) fn new() -> Self {
        Self {
            submit: Mutex::new(0),
            queue: Mutex::default(),
            shorter: Condvar::new(),
            reported: Mutex::default(),
            acting: Mutex::default(),
        }
    }

    /// Begins fence ids after `fence_id`, for tests of their wrap. Nothing was submitted yet.
    pub(crate) fn begin_after(&self, fence_id: u32) {
        *self.submit.lock().unwrap_or_else(PoisonError::into_inner) = fence_id;
        self.queue().last_completed = fence_id;
    }

    /// Gives a submission its fence id, has it patched, and hands it to the driver; gives the id.
    pub(crate) fn submit(&self, driver: &Driver, work: Work) -> NtResult<u32> {
        let mut last = self.submit.lock().unwrap_or_else(PoisonError::into_inner);
        let fence_id = last.wrapping_add(1);
        let patch = work.dma.patch_args(work.context, fence_id, work.flags);
        let submit = work.dma.submit_args(work.context, fence_id, work.flags);
        let process = work.process.clone();
        if work.dma.needs_patch() {
            driver
                .patch(&process, &patch)
                .inspect_err(|status| must_not_fail(driver, "DxgkDdiPatch", *status))?;
        }
        {
            let mut queue = self.queue();
            // The processor itself makes room by reporting; it cannot wait for that.
            let may_wait = !driver.system().cpu.is_current();
            while queue.in_flight.len() >= MAX_IN_FLIGHT && !queue.closed && may_wait {
                queue = self.shorter.wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
            if queue.closed {
                return Err(STATUS_DEVICE_REMOVED);
            }
            queue.in_flight.push_back(InFlight { fence_id, work, then: Vec::new(), since: Instant::now() });
        }
        match driver.submit_command(&process, &submit) {
            Ok(()) => {
                *last = fence_id;
                Ok(fence_id)
            }
            Err(status) => {
                let refused = {
                    let mut queue = self.queue();
                    match queue.in_flight.back() {
                        Some(back) if back.fence_id == fence_id => queue.in_flight.pop_back(),
                        _ => None,
                    }
                };
                drop(refused);
                must_not_fail(driver, "DxgkDdiSubmitCommand", status);
                Err(status)
            }
        }
    }

    /// Runs `then` when the submission, and so all before it, is done; now, when it is already.
    pub(crate) fn when_done(&self, fence_id: u32, then: Then) {
        let mut queue = self.queue();
        if let Some(submission) = queue.in_flight.iter_mut().find(|work| work.fence_id == fence_id) {
            submission.then.push(then);
            return;
        }
        // Behind what is reported and not acted on yet.
        self.reported().push(Report::Then(then));
        drop(queue);
        self.act();
    }

    /// `DxgkCbNotifyInterrupt`. Device level.
    pub(crate) fn notify_interrupt(&self, verifier: &Verifier, data: &DXGKARGCB_NOTIFY_INTERRUPT_DATA) {
        match data.InterruptType {
            DXGK_INTERRUPT_DMA_COMPLETED => {
                self.ended(verifier, data.u.DmaCompleted().SubmissionFenceId, None);
            }
            DXGK_INTERRUPT_DMA_FAULTED => {
                let faulted = data.u.DmaFaulted();
                self.ended(verifier, faulted.FaultedFenceId, Some(faulted.Status));
            }
            DXGK_INTERRUPT_DMA_PREEMPTED => {
                let preempted = data.u.DmaPreempted();
                let mut queue = self.queue();
                let asked = queue.preemptions.first() == Some(&preempted.PreemptionFenceId);
                let last = queue.last_completed;
                if asked {
                    queue.preemptions.remove(0);
                }
                drop(queue);
                if !asked || preempted.LastCompletedFenceId != last {
                    verifier.report(Rule::Fence, "DxgkCbNotifyInterrupt", || {
                        format!("{preempted:?} where {last} was completed last, asked for: {asked}")
                    });
                }
                self.shorter.notify_all();
            }
            DXGK_INTERRUPT_CRTC_VSYNC => self.queue().vsyncs += 1,
            other => {
                verifier.report(Rule::Fence, "DxgkCbNotifyInterrupt", || {
                    format!("interrupt type {other} is none that a driver of WDDM 1.3 reports")
                });
            }
        }
    }

    /// A submission was reported: all before it are done, too.
    fn ended(&self, verifier: &Verifier, fence_id: u32, fault: Option<NTSTATUS>) {
        let mut queue = self.queue();
        let Some(place) = queue.in_flight.iter().position(|work| work.fence_id == fence_id) else {
            let last = queue.last_completed;
            drop(queue);
            verifier.report(Rule::Fence, "DxgkCbNotifyInterrupt", || {
                let what = if after(fence_id, last) { "was never submitted" } else { "is over" };
                format!("fence {fence_id} {what}; {last} was completed last")
            });
            return;
        };
        queue.last_completed = fence_id;
        // The lock stays: whoever asks whether a submission is in flight finds it here or there.
        let mut reported = self.reported();
        for index in 0..=place {
            let Some(submission) = queue.in_flight.pop_front() else { break };
            queue.reported.push_back(submission.fence_id);
            reported.push(match fault {
                Some(status) if index == place => Report::Faulted(submission, status),
                _ => Report::Done(submission),
            });
        }
        drop(reported);
        drop(queue);
        self.shorter.notify_all();
    }

    /// `DxgkCbNotifyDpc`: acts on what was reported. `DISPATCH_LEVEL`, or `PASSIVE_LEVEL` for a present of its own.
    pub(crate) fn act(&self) {
        let _acting = self.acting.lock().unwrap_or_else(PoisonError::into_inner);
        let reports = mem::take(&mut *self.reported());
        let ended = reports.iter().filter(|report| !matches!(report, Report::Then(_))).count();
        for report in reports {
            match report {
                Report::Done(submission) => {
                    submission.work.completion.completed();
                    submission.then.into_iter().for_each(|then| then());
                }
                Report::Faulted(submission, status) => submission.work.completion.faulted(status),
                Report::Then(then) => then(),
            }
        }
        if ended != 0 {
            let mut queue = self.queue();
            let ended = ended.min(queue.reported.len());
            queue.reported.drain(..ended);
            drop(queue);
            self.shorter.notify_all();
        }
    }

    /// Everything in flight is lost: the adapter was reset, or is going. Nothing is submitted meanwhile.
    pub(crate) fn abandon(&self, status: NTSTATUS) {
        {
            let mut queue = self.queue();
            queue.preemptions.clear();
            let lost: Vec<InFlight> = queue.in_flight.drain(..).collect();
            if let Some(last) = lost.last() {
                queue.last_completed = last.fence_id;
            }
            queue.reported.extend(lost.iter().map(|work| work.fence_id));
            self.reported().extend(lost.into_iter().map(|work| Report::Faulted(work, status)));
        }
        self.shorter.notify_all();
        super::at_dispatch(|| self.act());
    }

    /// Runs while nothing is submitted.
    pub(crate) fn exclusively<R>(&self, run: impl FnOnce() -> R) -> R {
        let _nobody = self.submit.lock().unwrap_or_else(PoisonError::into_inner);
        run()
    }

    /// Nothing is accepted any more; whoever waits for room gives up.
    pub(crate) fn close(&self) {
        self.queue().closed = true;
        self.shorter.notify_all();
    }

    /// Since when the oldest submission is in flight, with its fence id.
    pub(crate) fn oldest(&self) -> Option<(u32, Duration)> {
        self.queue().in_flight.front().map(|work| (work.fence_id, work.since.elapsed()))
    }

    /// Waits until nothing is in flight; false when the time is over.
    pub(crate) fn wait_idle(&self, timeout: Duration) -> bool {
        let queue = self.queue();
        let busy = |queue: &mut Queue| {
            !queue.in_flight.is_empty() || !queue.reported.is_empty() || !queue.preemptions.is_empty()
        };
        let wait = self.shorter.wait_timeout_while(queue, timeout, busy);
        !wait.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Waits until a submission is done, and whoever is to know knows; false when the time is over.
    pub(crate) fn wait_done(&self, fence_id: u32, timeout: Duration) -> bool {
        let queue = self.queue();
        let busy = |queue: &mut Queue| {
            queue.reported.contains(&fence_id) || queue.in_flight.iter().any(|work| work.fence_id == fence_id)
        };
        let wait = self.shorter.wait_timeout_while(queue, timeout, busy);
        !wait.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Asks the driver to preempt: gives the preemption's fence id.
    pub(crate) fn preempt(&self, driver: &Driver) -> NtResult<u32> {
        let mut last = self.submit.lock().unwrap_or_else(PoisonError::into_inner);
        let fence_id = last.wrapping_add(1);
        self.queue().preemptions.push(fence_id);
        let result = driver.preempt_command(fence_id);
        match result {
            Ok(()) => {
                *last = fence_id;
                Ok(fence_id)
            }
            Err(status) => {
                self.queue().preemptions.retain(|id| *id != fence_id);
                must_not_fail(driver, "DxgkDdiPreemptCommand", status);
                Err(status)
            }
        }
    }

    /// Fence id of the last submission that was reported.
    pub(crate) fn last_completed(&self) -> u32 {
        self.queue().last_completed
    }

    /// Submissions in flight.
    pub(crate) fn in_flight(&self) -> usize {
        self.queue().in_flight.len()
    }

    /// Vertical blanks that the driver reported.
    pub(crate) fn vsyncs(&self) -> u64 {
        self.queue().vsyncs
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reported(&self) -> MutexGuard<'_, Vec<Report>> {
        self.reported.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::super::buffers::{BufferPool, Sizes};
    use super::*;

    #[derive(Default)]
    struct Counts {
        completed: AtomicU32,
        faulted: AtomicU32,
    }

    impl Completion for Counts {
        fn completed(&self) {
            self.completed.fetch_add(1, Ordering::Relaxed);
        }

        fn faulted(&self, _status: NTSTATUS) {
            self.faulted.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A scheduler with submissions of these fence ids in flight, as if the driver had taken them.
    fn in_flight(fence_ids: &[u32]) -> (Scheduler, Verifier, Arc<Counts>) {
        let scheduler = Scheduler::new();
        scheduler.begin_after(fence_ids.first().map_or(0, |first| first.wrapping_sub(1)));
        let counts = Arc::new(Counts::default());
        let pool = BufferPool::new(Sizes { dma: 64, private: 64, allocations: 1, patches: 1 });
        for fence_id in fence_ids {
            let work = Work {
                process: Arc::new(Process::new(8, false)),
                context: DriverHandle::default(),
                dma: pool.take(),
                flags: 0,
                completion: counts.clone(),
            };
            let since = Instant::now();
            let submission = InFlight { fence_id: *fence_id, work, then: Vec::new(), since };
            scheduler.queue().in_flight.push_back(submission);
        }
        (scheduler, Verifier::new(true), counts)
    }

    fn completed(fence_id: u32) -> DXGKARGCB_NOTIFY_INTERRUPT_DATA {
        let data = DXGKARGCB_NOTIFY_INTERRUPT_DATA_DmaCompleted {
            SubmissionFenceId: fence_id,
            ..Default::default()
        };
        DXGKARGCB_NOTIFY_INTERRUPT_DATA::dma_completed(data)
    }

    fn details(verifier: &Verifier) -> Vec<String> {
        verifier.all().iter().map(|violation| violation.detail.clone()).collect()
    }

    #[test]
    fn a_report_ends_all_before_it_also_where_ids_wrap() {
        let (scheduler, verifier, counts) = in_flight(&[u32::MAX - 1, u32::MAX, 0, 1]);
        scheduler.notify_interrupt(&verifier, &completed(0));
        assert_eq!(counts.completed.load(Ordering::Relaxed), 0, "nothing happens before the DPC");
        scheduler.act();
        assert_eq!((counts.completed.load(Ordering::Relaxed), scheduler.last_completed()), (3, 0));
        let fault = DXGKARGCB_NOTIFY_INTERRUPT_DATA_DmaFaulted { FaultedFenceId: 1, ..Default::default() };
        scheduler.notify_interrupt(&verifier, &DXGKARGCB_NOTIFY_INTERRUPT_DATA::dma_faulted(fault));
        scheduler.act();
        assert_eq!((counts.faulted.load(Ordering::Relaxed), scheduler.in_flight()), (1, 0));
        assert_eq!(details(&verifier), Vec::<String>::new());
    }

    #[test]
    fn stale_and_unknown_fences_are_noticed() {
        let (scheduler, verifier, counts) = in_flight(&[5, 6]);
        scheduler.notify_interrupt(&verifier, &completed(5));
        for wrong in [5, 4, 7] {
            scheduler.notify_interrupt(&verifier, &completed(wrong));
        }
        let preempted = DXGKARGCB_NOTIFY_INTERRUPT_DATA_DmaPreempted {
            PreemptionFenceId: 9,
            LastCompletedFenceId: 5,
            ..Default::default()
        };
        scheduler.notify_interrupt(&verifier, &DXGKARGCB_NOTIFY_INTERRUPT_DATA::dma_preempted(preempted));
        scheduler.act();
        assert_eq!(counts.completed.load(Ordering::Relaxed), 1);
        let details = details(&verifier);
        assert_eq!(details.len(), 4);
        assert!(details[0].contains("is over") && details[2].contains("never submitted"), "{details:?}");
    }

    #[test]
    fn what_waits_runs_behind_what_is_reported() {
        let (scheduler, verifier, _) = in_flight(&[1, 2]);
        let order = Arc::new(Mutex::new(Vec::new()));
        let note = |name: &'static str| -> Then {
            let order = order.clone();
            Box::new(move || order.lock().expect("no panic").push(name))
        };
        scheduler.when_done(1, note("first"));
        scheduler.when_done(2, note("second"));
        scheduler.notify_interrupt(&verifier, &completed(1));
        // Submission 1 is reported and not acted on: this comes behind it.
        scheduler.when_done(1, note("late"));
        scheduler.notify_interrupt(&verifier, &completed(2));
        scheduler.act();
        assert_eq!(*order.lock().expect("no panic"), ["first", "late", "second"]);
    }

    #[test]
    fn what_is_abandoned_has_faulted() {
        let (scheduler, verifier, counts) = in_flight(&[1, 2]);
        scheduler.abandon(STATUS_GRAPHICS_ADAPTER_WAS_RESET);
        assert_eq!((counts.faulted.load(Ordering::Relaxed), scheduler.in_flight()), (2, 0));
        scheduler.notify_interrupt(&verifier, &completed(2));
        assert_eq!(details(&verifier).len(), 1, "it is over");
    }
}
