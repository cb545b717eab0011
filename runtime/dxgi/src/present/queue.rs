//! The queue between Present and the thread that shows frames: one per swap chain.
//!
//! Present puts a [`Ticket`] in, the host's frames arrive later and in the same order, and the presenter takes both out
//! together. An older frame is never shown after a newer one. A frame that nobody waited for (sync interval 0) replaces frames
//! that are not shown yet, unless every frame is to be saved.
//!
//! # Invariants
//! - Frames are given back in the order of their presents, because the device uses their memory again in that order: a frame
//!   that is replaced while an older one is still being copied waits until that is done.
//! - Frames are dropped outside of the lock, because their release runs foreign code.
//! - `tickets` has one entry for each present whose frame has not arrived.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::rules::chain::Scaling;
use crate::rules::partial::Partial;
use crate::rules::rotation::Rotation;

/// What Present knew about a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Ticket {
    /// Number of the file that the frame is saved in, if frames are saved.
    pub shot: Option<u32>,
    /// 0 to 4, as in Present.
    pub sync_interval: u32,
    /// `DXGI_PRESENT_RESTART`.
    pub restart: bool,
    /// Width and height of the part of the frame that is shown, from its top left corner.
    pub source: (u32, u32),
    /// How the part is fitted to the window.
    pub scaling: Scaling,
    /// Colour of what the frame leaves uncovered: red, green, blue.
    pub background: [u8; 3],
    /// How far the program turned the picture.
    pub rotation: Rotation,
    /// What of the frame is new; `None`: all of it.
    pub partial: Option<Partial>,
}

impl Ticket {
    /// A frame of which only parts are new needs the frames before it.
    fn replaces_waiting(&self) -> bool {
        (self.sync_interval == 0 || self.restart) && self.partial.is_none()
    }
}

/// What the presenter is to do.
#[derive(Debug, PartialEq)]
pub enum Next<F> {
    /// Copy and drop this frame, call [`Queue::copied`], show the copy, then call [`Queue::done`].
    Frame(Ticket, F),
    /// Nothing came for as long as it asked to wait.
    Idle,
    /// The swap chain is gone: end.
    Closed,
}

/// The queue; `F` is a frame.
#[derive(Debug)]
pub struct Queue<F> {
    state: Mutex<State<F>>,
    changed: Condvar,
    keep_all: bool,
}

#[derive(Debug)]
struct State<F> {
    tickets: VecDeque<Ticket>,
    ready: VecDeque<(Ticket, F)>,
    /// Replaced frames that wait for an older one to be given back.
    late: Vec<F>,
    /// A frame has been given out and not come back yet.
    copying: bool,
    /// A frame has been given out and is not shown yet.
    showing: bool,
    closed: bool,
}

impl<F> Queue<F> {
    /// An empty queue; `keep_all`: no frame may be left out.
    pub fn new(keep_all: bool) -> Self {
        let state = State {
            tickets: VecDeque::new(),
            ready: VecDeque::new(),
            late: Vec::new(),
            copying: false,
            showing: false,
            closed: false,
        };
        Self { state: Mutex::new(state), changed: Condvar::new(), keep_all }
    }

    fn lock(&self) -> MutexGuard<'_, State<F>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Complete frames that wait here although a newer one may replace them. The host and the GPU are done with them, so
    /// they are no latency: a slow window must not throttle a program that does not wait for it.
    pub fn replaceable(&self) -> u32 {
        let state = self.lock();
        let waiting = state.ready.iter().filter(|(ticket, _)| ticket.replaces_waiting()).count();
        u32::try_from(waiting + state.late.len()).unwrap_or(u32::MAX)
    }

    /// Notes a present that is about to be sent to the device.
    pub fn submit(&self, ticket: Ticket) {
        self.lock().tickets.push_back(ticket);
    }

    /// Takes the last [`submit`](Self::submit) back: the device refused the present, no frame will come.
    pub fn cancel(&self) {
        self.lock().tickets.pop_back();
        self.changed.notify_all();
    }

    /// Takes a frame in, for the oldest present without one. Returns the frames that will not be shown: the caller drops them.
    pub fn deliver(&self, frame: F) -> Vec<F> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let Some(ticket) = state.tickets.pop_front() else { return vec![frame] };
        if !self.keep_all && ticket.replaces_waiting() {
            state.late.extend(state.ready.drain(..).map(|(_, frame)| frame));
        }
        if state.closed && !self.keep_all {
            state.late.push(frame);
        } else {
            state.ready.push_back((ticket, frame));
        }
        let dropped = if state.copying { Vec::new() } else { std::mem::take(&mut state.late) };
        drop(guard);
        self.changed.notify_all();
        dropped
    }

    /// The next frame to show; waits `timeout` at most. A closed queue still gives out frames that must be kept.
    pub fn next(&self, timeout: Duration) -> Next<F> {
        let (mut state, _) = self
            .changed
            .wait_timeout_while(self.lock(), timeout, |state| state.ready.is_empty() && !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        if state.closed && !self.keep_all {
            return Next::Closed;
        }
        match state.ready.pop_front() {
            Some((ticket, frame)) => {
                state.copying = true;
                state.showing = true;
                Next::Frame(ticket, frame)
            }
            None if state.closed => Next::Closed,
            None => Next::Idle,
        }
    }

    /// The frame given out last is copied and given back. Returns newer frames that will not be shown: the caller drops them.
    pub fn copied(&self) -> Vec<F> {
        let mut state = self.lock();
        state.copying = false;
        std::mem::take(&mut state.late)
    }

    /// The frame given out last is shown and saved.
    pub fn done(&self) {
        self.lock().showing = false;
        self.changed.notify_all();
    }

    /// Waits until every present so far is shown; false when that takes longer than `timeout`.
    pub fn wait_empty(&self, timeout: Duration) -> bool {
        self.wait_while(timeout, |state| {
            !state.tickets.is_empty() || !state.ready.is_empty() || state.showing
        })
    }

    /// Waits until the frame of every present so far is here; false when that takes longer than `timeout`.
    pub fn wait_delivered(&self, timeout: Duration) -> bool {
        self.wait_while(timeout, |state| !state.tickets.is_empty())
    }

    fn wait_while(&self, timeout: Duration, busy: impl FnMut(&mut State<F>) -> bool) -> bool {
        let waited = self.changed.wait_timeout_while(self.lock(), timeout, busy);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Sleeps until `deadline`; less if the queue closes.
    pub fn sleep_until(&self, deadline: Instant) {
        let timeout = deadline.saturating_duration_since(Instant::now());
        drop(self.changed.wait_timeout_while(self.lock(), timeout, |state| !state.closed));
    }

    /// No present will follow.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;
    const NONE: [u32; 0] = [];

    fn ticket(sync_interval: u32) -> Ticket {
        Ticket {
            shot: None,
            sync_interval,
            restart: false,
            source: (1, 1),
            scaling: Scaling::Stretch,
            background: [0; 3],
            rotation: Rotation::Identity,
            partial: None,
        }
    }

    fn taken(queue: &Queue<u32>) -> Option<u32> {
        match queue.next(NOW) {
            Next::Frame(_, frame) => {
                assert_eq!(queue.copied(), NONE);
                queue.done();
                Some(frame)
            }
            Next::Idle | Next::Closed => None,
        }
    }

    #[test]
    fn only_the_newest_frame_is_shown_without_sync() {
        let queue = Queue::new(false);
        for _ in 0..3 {
            queue.submit(ticket(0));
        }
        assert_eq!(queue.deliver(1), NONE);
        assert_eq!(queue.deliver(2), [1]);
        assert_eq!(queue.deliver(3), [2]);
        assert_eq!(taken(&queue), Some(3));
        assert_eq!(taken(&queue), None);
        assert!(queue.wait_empty(NOW));
    }

    #[test]
    fn synchronised_frames_and_frames_to_save_are_all_shown_in_order() {
        for (keep_all, sync_interval) in [(false, 1), (true, 0)] {
            let queue = Queue::new(keep_all);
            for frame in 1..=3 {
                queue.submit(ticket(sync_interval));
                assert_eq!(queue.deliver(frame), NONE);
            }
            assert_eq!([(); 4].map(|()| taken(&queue)), [Some(1), Some(2), Some(3), None]);
        }
    }

    #[test]
    fn frames_are_given_back_in_order() {
        let queue = Queue::new(false);
        (0..3).for_each(|_| queue.submit(ticket(0)));
        assert_eq!(queue.deliver(1), NONE);
        assert_eq!(queue.next(NOW), Next::Frame(ticket(0), 1));
        assert_eq!(queue.deliver(2), NONE);
        assert_eq!(queue.deliver(3), NONE, "frame 2 is replaced, but frame 1 is still in use");
        assert_eq!(queue.copied(), [2]);
        queue.done();
        assert_eq!(taken(&queue), Some(3));
    }

    #[test]
    fn only_frames_that_may_be_replaced_are_no_latency() {
        let queue = Queue::new(false);
        assert_eq!(queue.replaceable(), 0);
        queue.submit(ticket(1));
        queue.deliver(1);
        assert_eq!(queue.replaceable(), 0, "its turn to be shown will come");
        queue.submit(ticket(0));
        assert_eq!(queue.replaceable(), 0, "not complete yet");
        queue.deliver(2);
        assert_eq!(queue.replaceable(), 1);
    }

    #[test]
    fn restart_drops_what_waits() {
        let queue = Queue::new(false);
        queue.submit(ticket(1));
        queue.submit(Ticket { restart: true, ..ticket(1) });
        assert_eq!(queue.deliver(1), NONE);
        assert_eq!(queue.deliver(2), [1]);
        assert_eq!(taken(&queue), Some(2));
    }

    #[test]
    fn delivered_frames_need_not_be_shown() {
        let queue = Queue::new(false);
        assert!(queue.wait_delivered(NOW));
        queue.submit(ticket(0));
        assert!(!queue.wait_delivered(NOW));
        assert_eq!(queue.deliver(1), NONE);
        assert!(queue.wait_delivered(NOW) && !queue.wait_empty(NOW));
    }

    #[test]
    fn partial_frames_need_those_before_them() {
        let queue = Queue::new(false);
        let partial = Some(Partial { scroll: None, dirty: Vec::new() });
        queue.submit(ticket(0));
        queue.submit(Ticket { partial, ..ticket(0) });
        queue.submit(ticket(0));
        assert_eq!(queue.deliver(1), NONE);
        assert_eq!(queue.deliver(2), NONE);
        assert_eq!(queue.replaceable(), 1);
        assert_eq!(queue.deliver(3), [1, 2], "a whole frame needs none");
    }

    #[test]
    fn frames_nobody_presented_are_dropped() {
        let queue = Queue::new(true);
        assert_eq!(queue.deliver(7), [7]);
        queue.submit(ticket(0));
        queue.cancel();
        assert_eq!(queue.deliver(8), [8]);
        assert_eq!(queue.next(NOW), Next::Idle);
    }

    #[test]
    fn closing_ends_the_presenter_but_not_before_frames_are_saved() {
        let queue: Queue<u32> = Queue::new(false);
        queue.submit(ticket(0));
        queue.submit(ticket(0));
        assert_eq!(queue.deliver(1), NONE);
        queue.close();
        assert_eq!(queue.next(NOW), Next::Closed);
        assert_eq!(queue.deliver(2), [1, 2]);

        let queue = Queue::new(true);
        queue.submit(ticket(0));
        assert!(!queue.wait_empty(NOW));
        assert_eq!(queue.deliver(1), NONE);
        queue.close();
        assert_eq!(queue.next(NOW), Next::Frame(ticket(0), 1));
        assert_eq!(queue.copied(), NONE);
        assert!(!queue.wait_empty(NOW), "the frame is being shown");
        queue.done();
        assert!(queue.wait_empty(NOW));
        assert_eq!(queue.next(NOW), Next::Closed);
    }
}
