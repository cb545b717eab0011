//! Keyed mutexes, between devices and between processes.
//!
//! The state is one word of the section: what it is, a count of changes, and the process that has it. The key stands in a cell
//! beside it, which only the owner writes, before it lets go.
//!
//! ```text
//!  free ──acquire(key)──► held ──release──► releasing ──the GPU is done──► free
//!    ▲                      │                  │ acquire(key) by the same process
//!  abandoned ◄──its process, or its device, is gone
//! ```
//! What the owner has submitted is done before another process has the mutex: their GPU queues know nothing of each other. A
//! device of the same process need not wait for that: its contexts do, by a sync object.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::section::{Section, Sections, Waiting, at, cell, wait, wake};
use super::{Acquired, OnDone};
use crate::device::DeviceInner;
use crate::port::device::SyncState;

/// A wait is at most so long, in case that somebody else was woken: a wake is for one.
const SLICE: Duration = Duration::from_millis(1);

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Free = 0,
    Held = 1,
    Releasing = 2,
    Abandoned = 3,
}

/// The mutex's word, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Word {
    kind: Kind,
    count: u32,
    process: u32,
}

impl Word {
    fn of(word: u64) -> Self {
        let kind = match word & 3 {
            0 => Kind::Free,
            1 => Kind::Held,
            2 => Kind::Releasing,
            _ => Kind::Abandoned,
        };
        // CAST: the parts' own widths.
        Self { kind, count: (word as u32) >> 2, process: (word >> 32) as u32 }
    }

    fn word(self) -> u64 {
        u64::from(self.process) << 32 | u64::from(self.count << 2) | self.kind as u64
    }

    /// The next word.
    fn then(self, kind: Kind, process: u32) -> Self {
        Self { kind, process, count: self.count.wrapping_add(1) & (u32::MAX >> 2) }
    }
}

/// `D3DKMT`'s keyed mutex, as one process sees it.
pub(super) struct KeyedMutex {
    section: Arc<dyn Section>,
    sections: &'static dyn Sections,
    own: Mutex<Own>,
    /// The value is that of the last release of this process whose work is done.
    sync: Arc<SyncState>,
}

/// What only this process needs to know.
#[derive(Default)]
struct Own {
    /// The owner's handle.
    owner: Option<usize>,
    /// Releases of this process.
    releases: u64,
}

/// How a try went.
enum Tried {
    Got(Acquired),
    /// Free for another key, or another's: this process's number, 0 for none.
    Not(u32),
}

impl KeyedMutex {
    pub(super) fn new(section: Arc<dyn Section>, sections: &'static dyn Sections) -> Self {
        Self { section, sections, own: Mutex::default(), sync: Arc::default() }
    }

    fn own(&self) -> MutexGuard<'_, Own> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn load(&self) -> Word {
        Word::of(at(&*self.section, cell::MUTEX).load(Ordering::SeqCst))
    }

    fn change(&self, from: Word, to: Word) -> bool {
        let word = at(&*self.section, cell::MUTEX);
        word.compare_exchange(from.word(), to.word(), Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    pub(super) fn acquire(&self, device: &DeviceInner, key: u64, timeout: Option<Duration>) -> Acquired {
        self.acquire_for(device.number(), key, timeout, |sync, value| device.wait_for(sync, value))
    }

    fn acquire_for(
        &self,
        device: usize,
        key: u64,
        timeout: Option<Duration>,
        wait_for: impl Fn(&Arc<SyncState>, u64),
    ) -> Acquired {
        if let Tried::Got(acquired) = self.attempt(device, key, &wait_for) {
            return acquired;
        }
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let _waiting = Waiting::begin(&*self.section);
        loop {
            let owner = match self.attempt(device, key, &wait_for) {
                Tried::Got(acquired) => return acquired,
                Tried::Not(owner) => owner,
            };
            if owner != 0 && owner != self.sections.process() && !self.sections.is_alive(owner) {
                let word = self.load();
                if word.process == owner {
                    // If another has been faster, the next try sees what came of it.
                    self.change(word, word.then(Kind::Abandoned, 0));
                }
                continue;
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Acquired::Timeout;
            }
            wait(&*self.section, left.map_or(SLICE, |left| left.min(SLICE)));
        }
    }

    /// Takes the mutex if it can be had now.
    fn attempt(&self, device: usize, key: u64, wait_for: impl Fn(&Arc<SyncState>, u64)) -> Tried {
        let process = self.sections.process();
        let mut own = self.own();
        if own.owner == Some(device) {
            return Tried::Got(Acquired::Invalid);
        }
        let word = self.load();
        // If the word is still the same below, the key was that of the word.
        let fits = at(&*self.section, cell::KEY).load(Ordering::SeqCst) == key;
        let (may, how) = match word.kind {
            Kind::Free => (fits, Acquired::Done),
            // A process that had this one's number.
            Kind::Held if word.process == process && own.owner.is_none() => (true, Acquired::Abandoned),
            Kind::Releasing if word.process == process && own.releases == 0 => (true, Acquired::Abandoned),
            Kind::Releasing => (fits && word.process == process, Acquired::Done),
            Kind::Abandoned => (true, Acquired::Abandoned),
            Kind::Held => (false, Acquired::Timeout),
        };
        if !may || !self.change(word, word.then(Kind::Held, process)) {
            return Tried::Not(word.process);
        }
        own.owner = Some(device);
        let releases = own.releases;
        drop(own);
        if word.kind == Kind::Releasing && how == Acquired::Done {
            wait_for(&self.sync, releases);
        }
        Tried::Got(how)
    }

    pub(super) fn release(this: &Arc<Self>, device: &DeviceInner, key: u64) -> bool {
        let Some((value, done)) = Self::let_go(this, device.number(), key) else { return false };
        device.signal(&this.sync, value);
        device.when_done(done);
        true
    }

    /// Begins a release: gives its number, and what is to happen when the GPU is done.
    fn let_go(this: &Arc<Self>, device: usize, key: u64) -> Option<(u64, OnDone)> {
        let mut own = this.own();
        let word = this.load();
        if own.owner != Some(device) || word.kind != Kind::Held || word.process != this.sections.process() {
            return None;
        }
        own.owner = None;
        own.releases += 1;
        let value = own.releases;
        at(&*this.section, cell::KEY).store(key, Ordering::SeqCst);
        let releasing = word.then(Kind::Releasing, word.process);
        this.change(word, releasing);
        drop(own);
        // Another device of this process need not wait for the GPU.
        wake(&*this.section);
        let mutex = this.clone();
        let done = OnDone::new(move || {
            // Somebody of this process may have it again.
            mutex.change(releasing, releasing.then(Kind::Free, 0));
            wake(&*mutex.section);
        });
        Some((value, done))
    }

    /// A device is gone: what it owned is free.
    pub(super) fn abandon(&self, device: usize) {
        let mut own = self.own();
        if own.owner == Some(device) {
            own.owner = None;
            let word = self.load();
            if word.kind == Kind::Held && word.process == self.sections.process() {
                self.change(word, word.then(Kind::Abandoned, 0));
            }
            wake(&*self.section);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Machine;
    use super::*;

    const SOON: Option<Duration> = Some(Duration::from_secs(20));
    const NOW: Option<Duration> = Some(Duration::ZERO);

    fn acquire(mutex: &KeyedMutex, device: usize, key: u64, timeout: Option<Duration>) -> Acquired {
        mutex.acquire_for(device, key, timeout, |_, _| {})
    }

    fn release(mutex: &Arc<KeyedMutex>, device: usize, key: u64) -> Option<OnDone> {
        KeyedMutex::let_go(mutex, device, key).map(|(_, done)| done)
    }

    #[test]
    fn another_process_has_it_when_the_gpu_is_done() {
        let machine = Machine::new();
        let (one, other) = (machine.mutex(10), machine.mutex(20));
        assert_eq!(acquire(&one, 1, 0, NOW), Acquired::Done);
        assert_eq!(acquire(&one, 1, 0, NOW), Acquired::Invalid);
        assert_eq!(acquire(&other, 1, 0, NOW), Acquired::Timeout, "device numbers are a process's own");
        assert!(release(&other, 1, 5).is_none());
        let done = release(&one, 1, 5).expect("it was the owner");
        assert_eq!(acquire(&other, 1, 5, NOW), Acquired::Timeout, "its work is not done");
        drop(done);
        assert_eq!(acquire(&other, 1, 4, NOW), Acquired::Timeout, "not with this key");
        assert_eq!(acquire(&other, 1, 5, NOW), Acquired::Done);
        assert!(release(&one, 1, 5).is_none());
    }

    #[test]
    fn the_same_process_need_not_wait_for_the_gpu() {
        let machine = Machine::new();
        let (one, other) = (machine.mutex(10), machine.mutex(20));
        assert_eq!(acquire(&one, 1, 0, NOW), Acquired::Done);
        let done = release(&one, 1, 5).expect("it was the owner");
        let waits = std::cell::Cell::new(0);
        assert_eq!(one.acquire_for(2, 5, NOW, |_, value| waits.set(value)), Acquired::Done);
        assert_eq!(waits.get(), 1, "its contexts do");
        drop(done);
        assert_eq!(acquire(&other, 1, 5, NOW), Acquired::Timeout, "a late end frees nothing");
        drop(release(&one, 2, 6));
        assert_eq!(acquire(&other, 1, 6, NOW), Acquired::Done);
    }

    #[test]
    fn what_a_dead_owner_had_is_abandoned() {
        let machine = Machine::new();
        let (one, other) = (machine.mutex(10), machine.mutex(20));
        assert_eq!(acquire(&one, 1, 0, NOW), Acquired::Done);
        machine.kill(10);
        assert_eq!(acquire(&other, 1, 77, NOW), Acquired::Abandoned, "with whatever key");
        drop(release(&other, 1, 3));
        assert_eq!(acquire(&other, 2, 3, NOW), Acquired::Done, "once");
        other.abandon(2);
        assert_eq!(acquire(&other, 1, 9, NOW), Acquired::Abandoned, "a device may go as well");
        // One that died before its work was done.
        let third = machine.mutex(30);
        let done = release(&other, 1, 4).expect("it was the owner");
        machine.kill(20);
        assert_eq!(acquire(&third, 1, 4, NOW), Acquired::Abandoned);
        drop(done);
        assert_eq!(acquire(&machine.mutex(40), 1, 4, NOW), Acquired::Timeout);
    }

    #[test]
    fn many_processes_take_turns() {
        const ROUNDS: u64 = 200;
        const SIDES: u64 = 4;
        let machine = Machine::new();
        let sum = Arc::new(Mutex::new(0));
        std::thread::scope(|scope| {
            for side in 0..SIDES {
                let (machine, sum) = (&machine, sum.clone());
                scope.spawn(move || {
                    // CAST: small numbers.
                    let mutex = machine.mutex(10 + side as u32);
                    for round in 0..ROUNDS {
                        let key = round * SIDES + side;
                        assert_eq!(acquire(&mutex, 1, key, SOON), Acquired::Done);
                        *sum.try_lock().expect("nobody else has the mutex") += 1;
                        drop(release(&mutex, 1, key + 1));
                    }
                });
            }
        });
        assert_eq!(*sum.lock().expect("no panic"), ROUNDS * SIDES);
    }
}
