//! The sending half of a mirror's end: a thread that sends what there is, and a short cut past it.
//!
//! A round trip through two mirrors would wake six threads, where that of two programs wakes two. To wake a thread that sleeps takes longer than
//! to send a small message. So whoever rings while the sending thread sleeps takes its turn, once, and the thread sleeps on. What comes
//! soon after that, without the peer having answered, is the thread's, or a program that records draws would send each of them itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

use super::link::{Beat, Bell, Life, SILENCE};

/// How long the sending thread looks for more before it sleeps: a doorbell of this process costs about that.
const SPIN: Duration = Duration::from_micros(20);
/// How long after a turn of another thread the next one is the sending thread's, unless the peer has answered. A turn takes about 10 µs, so that
/// whoever rings is slowed down by a tenth at most.
const APART: Duration = Duration::from_micros(100);

/// Wakes the sending thread.
#[derive(Debug, Default)]
pub struct OutBell {
    bell: Bell,
    /// The peer has answered since the last turn of another thread.
    answered: AtomicBool,
}

impl OutBell {
    /// Wakes the thread.
    pub fn ring(&self) {
        self.bell.ring();
    }

    /// The peer has sent what somebody may wait for: whoever rings next does not ring for one thing of many.
    pub fn answered(&self) {
        self.answered.store(true, Ordering::Relaxed);
    }
}

/// What sends.
pub trait Turns: Send {
    /// Sends what there is; true when there was something.
    ///
    /// # Errors
    /// A sentence; the link is to end.
    fn turn(&mut self) -> Result<bool, String>;

    /// Asks to be rung for what comes from now on; false when something has come meanwhile.
    fn arm(&mut self) -> bool;

    /// Asks for no more rings.
    fn disarm(&mut self);

    /// When something has to be said.
    fn beat(&mut self) -> &mut Beat;
}

/// Where turns are taken.
#[derive(Debug)]
pub struct Outlet<T> {
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    turns: T,
    /// When another thread took the last turn.
    taken: Option<Instant>,
}

impl<T: Turns> Outlet<T> {
    /// With what sends.
    pub fn new(turns: T) -> Self {
        Self { state: Mutex::new(State { turns, taken: None }) }
    }

    /// The sending thread: returns when the link has ended. `bell` wakes it.
    pub fn run(&self, bell: &OutBell, life: &Life) {
        let mut busy = Instant::now();
        let mut state = self.take_back(life);
        while !life.has_ended() {
            match state.turns.turn() {
                Ok(true) => {
                    busy = Instant::now();
                    state.turns.beat().work();
                }
                Ok(false) if busy.elapsed() < SPIN => std::thread::yield_now(),
                Ok(false) => {
                    let mut rung = true;
                    if state.turns.arm() {
                        // A peer that falls silent is noticed in time, whenever the next word is due.
                        let left = state.turns.beat().left().min(life.patience());
                        drop(state);
                        rung = bell.bell.wait(left.max(Duration::from_millis(1)));
                        state = self.take_back(life);
                    }
                    state.turns.disarm();
                    // Behind a sleep that nobody has ended nothing follows at once.
                    if rung {
                        busy = Instant::now();
                    }
                }
                Err(why) => life.end(|| why),
            }
            life.check_silence();
        }
    }

    /// Locks for the sending thread. Whoever takes its turn is done in a moment, or waits for a peer that takes nothing; then the link ends, and that
    /// wait with it.
    fn take_back(&self, life: &Life) -> MutexGuard<'_, State<T>> {
        let begin = Instant::now();
        loop {
            match self.state.try_lock() {
                Ok(state) => return state,
                Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
                Err(TryLockError::WouldBlock) if begin.elapsed() < APART => std::thread::yield_now(),
                Err(TryLockError::WouldBlock) => {
                    life.check_silence();
                    if begin.elapsed() > SILENCE {
                        life.end(|| "the peer takes nothing".to_owned());
                    }
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        }
    }

    /// There may be something to send: sends it, or has the sending thread do so.
    pub fn ring(&self, bell: &OutBell, life: &Life) {
        // Whoever has the lock may be about to sleep, and hears the bell then.
        let mut state = match self.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return bell.ring(),
        };
        let State { turns, taken } = &mut *state;
        let now = Instant::now();
        let answered = bell.answered.swap(false, Ordering::Relaxed);
        if !answered && taken.is_some_and(|taken| now.saturating_duration_since(taken) < APART) {
            return bell.ring();
        }
        *taken = Some(now);
        turns.disarm();
        match turns.turn() {
            Ok(worked) => {
                if worked {
                    turns.beat().work();
                }
                if !turns.arm() {
                    turns.disarm();
                    bell.ring();
                }
            }
            Err(why) => {
                life.end(|| why);
                bell.ring();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    use std::thread::{self, ThreadId};

    use super::super::link::lock;
    use super::*;

    /// Something to send, and by which thread it was sent.
    #[derive(Debug, Default)]
    struct Post {
        waiting: AtomicU64,
        armed: AtomicBool,
        sent: Mutex<Vec<ThreadId>>,
    }

    struct Postman(Arc<Post>, Beat);

    impl Turns for Postman {
        fn turn(&mut self) -> Result<bool, String> {
            let count = self.0.waiting.swap(0, Ordering::SeqCst);
            let mut sent = lock(&self.0.sent);
            (0..count).for_each(|_| sent.push(thread::current().id()));
            Ok(count != 0)
        }

        fn arm(&mut self) -> bool {
            self.0.armed.store(true, Ordering::SeqCst);
            self.0.waiting.load(Ordering::SeqCst) == 0
        }

        fn disarm(&mut self) {
            self.0.armed.store(false, Ordering::SeqCst);
        }

        fn beat(&mut self) -> &mut Beat {
            &mut self.1
        }
    }

    struct World {
        post: Arc<Post>,
        outlet: Outlet<Postman>,
        bell: OutBell,
        life: Life,
    }

    impl World {
        fn new() -> Self {
            let post = Arc::new(Post::default());
            let outlet = Outlet::new(Postman(post.clone(), Beat::new()));
            let life = Life::new(Vec::new());
            life.hear();
            Self { post, outlet, bell: OutBell::default(), life }
        }

        fn put(&self) {
            self.post.waiting.fetch_add(1, Ordering::SeqCst);
            if self.post.armed.swap(false, Ordering::SeqCst) {
                self.outlet.ring(&self.bell, &self.life);
            }
        }

        fn until(&self, what: impl Fn(&Self) -> bool) {
            let begin = Instant::now();
            while !what(self) {
                assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", self.post);
                self.life.hear();
                thread::yield_now();
            }
        }

        fn end(&self) {
            self.life.end(|| "over".to_owned());
            self.bell.ring();
        }
    }

    #[test]
    fn one_turn_is_the_ringers_and_the_next_ones_the_threads_until_the_peer_answers() {
        let world = World::new();
        thread::scope(|scope| {
            let sending = scope.spawn(|| world.outlet.run(&world.bell, &world.life)).thread().id();
            world.until(|world| world.post.armed.load(Ordering::SeqCst));
            // The thread holds the lock until it sleeps.
            world.until(|world| world.outlet.state.try_lock().is_ok());
            world.put();
            assert_eq!(*lock(&world.post.sent), [thread::current().id()]);
            lock(&world.outlet.state).taken = Some(Instant::now() + Duration::from_secs(3600));
            world.put();
            world.until(|world| lock(&world.post.sent).len() == 2);
            assert_eq!(lock(&world.post.sent)[1], sending);
            world.until(|world| world.post.armed.load(Ordering::SeqCst));
            world.until(|world| world.outlet.state.try_lock().is_ok());
            world.bell.answered();
            world.put();
            assert_eq!(lock(&world.post.sent)[2], thread::current().id());
            world.end();
        });
    }

    #[test]
    fn nothing_is_left_lying() {
        let world = World::new();
        thread::scope(|scope| {
            scope.spawn(|| world.outlet.run(&world.bell, &world.life));
            let ringers: Vec<_> = (0..3)
                .map(|_| {
                    scope.spawn(|| {
                        for pause in 0..2000_u64 {
                            world.put();
                            thread::sleep(Duration::from_micros(pause % 7 * 20));
                            world.life.hear();
                        }
                    })
                })
                .collect();
            for ringer in ringers {
                ringer.join().expect("no panic");
            }
            // Without a ring of anybody's: each of them has found its way, or its armed bell has rung.
            let begin = Instant::now();
            world.until(|world| lock(&world.post.sent).len() == 6000);
            assert!(begin.elapsed() < Duration::from_millis(90), "it was the beat that found it");
            world.end();
        });
    }

    /// Sends to a peer that takes nothing until the link ends.
    struct Stuck(Arc<Stopper>, Beat);

    #[derive(Debug, Default)]
    struct Stopper {
        begun: AtomicBool,
        ended: Bell,
    }

    impl crate::carrier::Close for Stopper {
        fn close(&self) {
            self.ended.ring();
        }
    }

    impl Turns for Stuck {
        fn turn(&mut self) -> Result<bool, String> {
            self.0.begun.store(true, Ordering::SeqCst);
            assert!(self.0.ended.wait(Duration::from_secs(20)));
            Err("closed".to_owned())
        }

        fn arm(&mut self) -> bool {
            true
        }

        fn disarm(&mut self) {}

        fn beat(&mut self) -> &mut Beat {
            &mut self.1
        }
    }

    #[test]
    fn a_peer_that_takes_nothing_holds_nobody_for_long() {
        let stopper = Arc::new(Stopper::default());
        let outlet = Outlet::new(Stuck(stopper.clone(), Beat::new()));
        let life = Life::new(vec![stopper.clone()]);
        let bell = OutBell::default();
        life.hear();
        thread::scope(|scope| {
            // The peer goes on talking, so that it is not its silence which ends the link.
            scope.spawn(|| {
                let begin = Instant::now();
                while !life.has_ended() && begin.elapsed() < Duration::from_secs(20) {
                    life.hear();
                    thread::sleep(Duration::from_millis(20));
                }
            });
            scope.spawn(|| outlet.ring(&bell, &life));
            while !stopper.begun.load(Ordering::SeqCst) {
                thread::yield_now();
            }
            outlet.run(&bell, &life);
        });
        assert_eq!(life.why().as_deref(), Some("the peer takes nothing"));
    }
}
