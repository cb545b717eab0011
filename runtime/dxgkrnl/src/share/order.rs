//! The order of submissions of several processes that have one resource.
//!
//! Within a process the host keeps what it is told in order. Processes have a worker each there, so what one has submitted when
//! another submits must be done first. Each submission draws a ticket from the section, in the order of submission; it begins
//! when every other process says that it has none in flight with a smaller one. So nobody waits for whom it keeps waiting.
//!
//! A process that is gone is waited for until its worker has ended, which does all that is in its rings.
//!
//! The places of those who have a resource say also whether anybody has it: one whose work alone is not done does not.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::OnDone;
use super::section::{MAX_USERS, Section, Sections, Waiting, at, cell, wait, wake};
use crate::port::Port;
use crate::port::device::SyncState;

/// In a place: the process does not have the resource any more.
const CLOSED: u64 = 1 << 32;
/// No submission in flight.
const NONE: u64 = u64::MAX;
/// TIMEOUT: a submission waits so long for another process, which may be stopped by a debugger. It is the time after which Windows
/// takes a GPU to hang.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often a wait looks whether the other process is alive.
const LOOK: Duration = Duration::from_millis(20);
/// A wait is at most so long, in case that somebody else was woken.
const SLICE: Duration = Duration::from_millis(1);

/// A process's place among those who have a resource.
pub(super) struct Place {
    section: Arc<dyn Section>,
    sections: &'static dyn Sections,
    /// The first of the place's cells; none when all places are taken.
    first: Option<usize>,
    flying: Mutex<BTreeSet<u64>>,
}

impl Place {
    /// Takes a place. Without one this process waits for others, but they do not for it: more processes than any program starts.
    pub(super) fn take(section: Arc<dyn Section>, sections: &'static dyn Sections) -> Arc<Self> {
        let process = sections.process();
        let mut first = None;
        for index in (0..MAX_USERS).map(|user| cell::USERS + 2 * user) {
            let owner = at(&*section, index);
            let before = owner.load(Ordering::SeqCst);
            // CAST: a process's number.
            let user = before as u32;
            let free = before == 0 || user != process && !sections.is_alive(user);
            let taken = u64::from(process);
            if free && owner.compare_exchange(before, taken, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
                at(&*section, index + 1).store(NONE, Ordering::SeqCst);
                first = Some(index);
                break;
            }
        }
        Arc::new(Self { section, sections, first, flying: Mutex::default() })
    }

    fn flying(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.flying.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, flying: &BTreeSet<u64>) {
        if let Some(first) = self.first {
            let oldest = flying.first().copied().unwrap_or(NONE);
            at(&*self.section, first + 1).store(oldest, Ordering::SeqCst);
        }
    }

    /// Begins a submission: its ticket, and what is to happen when it is done.
    pub(super) fn begin(this: &Arc<Self>) -> (u64, OnDone) {
        let mut flying = this.flying();
        let ticket = at(&*this.section, cell::TICKET).fetch_add(1, Ordering::SeqCst) + 1;
        flying.insert(ticket);
        this.say(&flying);
        drop(flying);
        let place = this.clone();
        let done = OnDone::new(move || {
            let mut flying = place.flying();
            flying.remove(&ticket);
            place.say(&flying);
            drop(flying);
            wake(&*place.section);
        });
        (ticket, done)
    }

    /// This process does not have the resource any more; others wait for its work all the same.
    pub(super) fn close(&self) {
        if let Some(first) = self.first {
            at(&*self.section, first).fetch_or(CLOSED, Ordering::SeqCst);
        }
    }

    /// The processes that have a submission with a smaller ticket in flight.
    pub(super) fn before(&self, ticket: u64) -> Vec<u32> {
        let others = (0..MAX_USERS).map(|user| cell::USERS + 2 * user);
        let others = others.filter(|index| Some(*index) != self.first);
        others
            .filter_map(|index| {
                let process = at(&*self.section, index).load(Ordering::SeqCst) & !CLOSED;
                let oldest = at(&*self.section, index + 1).load(Ordering::SeqCst);
                // CAST: a process's number.
                let other = process != 0 && process != u64::from(self.sections.process());
                (other && oldest < ticket).then_some(process as u32)
            })
            .collect()
    }

    /// Whether nothing needs to be waited for; `looking` also asks whether those are alive that are waited for.
    fn is_first(&self, ticket: u64, looking: bool) -> bool {
        let before = self.before(ticket);
        before.is_empty() || looking && !before.into_iter().any(|process| self.sections.is_alive(process))
    }
}

/// Whether a process has the resource of a section.
pub(super) fn is_had(section: &dyn Section) -> bool {
    let mut users = (0..MAX_USERS).map(|user| at(section, cell::USERS + 2 * user).load(Ordering::SeqCst));
    users.any(|user| user != 0 && user & CLOSED == 0)
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(first) = self.first {
            at(&*self.section, first + 1).store(NONE, Ordering::SeqCst);
            at(&*self.section, first).store(0, Ordering::SeqCst);
        }
    }
}

/// A submission that waits for other processes.
struct Held {
    place: Arc<Place>,
    ticket: u64,
    since: Instant,
    looked: Instant,
    sync: Arc<SyncState>,
    port: Weak<Port>,
}

impl Held {
    fn is_over(&mut self) -> bool {
        let looking = self.looked.elapsed() > LOOK;
        if looking {
            self.looked = Instant::now();
        }
        self.place.is_first(self.ticket, looking) || self.since.elapsed() > PATIENCE
    }

    fn let_go(self) {
        self.sync.signal(1);
        if let Some(port) = self.port.upgrade() {
            port.note_signal();
        }
    }
}

/// A sync object that gets the value 1 when no other process has a submission with a smaller ticket in flight; none if that is so
/// now.
pub(super) fn wait_for_others(place: &Arc<Place>, ticket: u64, port: &Arc<Port>) -> Option<Arc<SyncState>> {
    if place.before(ticket).is_empty() {
        return None;
    }
    let sync = Arc::<SyncState>::default();
    let now = Instant::now();
    let held = Held {
        place: place.clone(),
        ticket,
        since: now,
        looked: now,
        sync: sync.clone(),
        port: Arc::downgrade(port),
    };
    // Without the thread nobody would let it go.
    watcher().and_then(|watcher| watcher.send(held).ok()).map(|()| sync)
}

/// The thread that lets submissions of this process go; it sleeps while none waits.
fn watcher() -> Option<Sender<Held>> {
    static WATCHER: OnceLock<Mutex<Option<Sender<Held>>>> = OnceLock::new();
    let watcher = WATCHER.get_or_init(|| {
        let (sender, receiver) = channel();
        let thread = std::thread::Builder::new().name("pvgpu shares".to_owned());
        let started = thread.spawn(move || watch(&receiver));
        Mutex::new(started.is_ok().then_some(sender))
    });
    watcher.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn watch(receiver: &Receiver<Held>) {
    let mut waiting: Vec<Held> = Vec::new();
    loop {
        if waiting.is_empty() {
            let Ok(held) = receiver.recv() else { return };
            waiting.push(held);
        }
        waiting.extend(receiver.try_iter());
        let first = waiting.first().map(|held| held.place.section.clone());
        let noted = first.as_deref().map(Waiting::begin);
        let (over, still): (Vec<Held>, Vec<Held>) = std::mem::take(&mut waiting)
            .into_iter()
            .map(|mut held| (held.is_over(), held))
            .fold((Vec::new(), Vec::new()), |(mut over, mut still), (is_over, held)| {
                if is_over {
                    over.push(held)
                } else {
                    still.push(held)
                }
                (over, still)
            });
        let idle = over.is_empty();
        over.into_iter().for_each(Held::let_go);
        waiting = still;
        if let (true, Some(section)) = (idle, &first) {
            wait(&**section, SLICE);
        }
        drop(noted);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Machine;
    use super::*;

    #[test]
    fn a_submission_waits_for_those_before_it_and_for_no_others() {
        let machine = Machine::new();
        let (one, other) = (machine.place(10), machine.place(20));
        let (first, first_done) = Place::begin(&one);
        assert_eq!(one.before(first), [0; 0], "nobody waits for itself");
        let (second, second_done) = Place::begin(&other);
        let (third, third_done) = Place::begin(&one);
        assert_eq!((other.before(second), one.before(third)), (vec![10], vec![20]));
        // Out of order, as contexts of one process may end.
        drop(third_done);
        assert_eq!(other.before(second), [10]);
        drop(first_done);
        assert_eq!(other.before(second), [0; 0]);
        assert_eq!(one.before(third), [20]);
        drop(second_done);
        assert!(one.is_first(third, false));
    }

    #[test]
    fn the_dead_are_not_waited_for_and_leave_their_places() {
        let machine = Machine::new();
        let (one, other) = (machine.place(10), machine.place(20));
        let (_, done) = Place::begin(&one);
        let (ticket, _done) = Place::begin(&other);
        assert!(!other.is_first(ticket, true));
        machine.kill(10);
        assert!(other.is_first(ticket, true));
        std::mem::forget((one, done));
        let places: Vec<_> = (0..MAX_USERS as u32).map(|user| machine.place(100 + user)).collect();
        assert_eq!(places.iter().filter(|place| place.first.is_some()).count(), MAX_USERS - 1);
        drop(places);
        assert!(machine.place(99).first.is_some());
    }

    #[test]
    fn who_has_closed_a_resource_is_waited_for_but_does_not_have_it() {
        let machine = Machine::new();
        let one = machine.place(10);
        let section = one.section.clone();
        let (_, done) = Place::begin(&one);
        assert!(is_had(&*section));
        one.close();
        drop(one);
        assert!(!is_had(&*section));
        let other = machine.place(20);
        let (ticket, _done) = Place::begin(&other);
        assert_eq!(other.before(ticket), [10]);
        drop(done);
        assert_eq!(other.before(ticket), [0; 0]);
    }
}
