//! What both ends of a mirror share among their threads: whether it lives, what it has counted, how long the way is.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::carrier::Close;

/// TIMEOUT: how long a peer may say nothing. It says something ten times as often; a link that has ended is noticed within 1 s.
pub const SILENCE: Duration = Duration::from_millis(900);
/// How often each end says something while there is something to say.
pub const BEAT: Duration = Duration::from_millis(100);
/// How often each end says something while nothing happens: often enough for [`SILENCE`], and with half of the wake-ups.
pub const IDLE_BEAT: Duration = Duration::from_millis(200);
/// Beats of an idle link from one measured round trip to the next.
const IDLE_PINGS: u32 = 5;

/// When an end has to say something.
#[derive(Debug)]
pub struct Beat {
    last: Instant,
    /// Something has happened since.
    active: bool,
    /// Beats since the last ping.
    unmeasured: u32,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing.
    Nothing,
    /// A word.
    Word,
    /// A word and a ping.
    Ping,
}

impl Beat {
    /// Begins with a ping after the first beat.
    pub fn new() -> Self {
        Self { last: Instant::now(), active: true, unmeasured: 0 }
    }

    /// Something has happened.
    pub fn work(&mut self) {
        self.active = true;
    }

    /// How long to wait for what is due next.
    pub fn left(&self) -> Duration {
        let every = if self.active { BEAT } else { IDLE_BEAT };
        every.saturating_sub(self.last.elapsed())
    }

    /// Whether something is due; it counts as said.
    pub fn due(&mut self) -> Due {
        if !self.left().is_zero() {
            return Due::Nothing;
        }
        self.last = Instant::now();
        self.unmeasured += 1;
        if std::mem::take(&mut self.active) || self.unmeasured >= IDLE_PINGS {
            self.unmeasured = 0;
            return Due::Ping;
        }
        Due::Word
    }
}

impl Default for Beat {
    fn default() -> Self {
        Self::new()
    }
}

/// Locks; what a panicking thread left is as good as what it found.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Something to sleep on: rings count until somebody hears them, several as one.
#[derive(Debug, Default)]
pub struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    /// Rings.
    pub fn ring(&self) {
        *lock(&self.rung) = true;
        self.changed.notify_all();
    }

    /// Sleeps until somebody rings or the time is over: true when somebody has rung.
    pub fn wait(&self, timeout: Duration) -> bool {
        let rung = lock(&self.rung);
        let wait = self.changed.wait_timeout_while(rung, timeout, |rung| !*rung);
        std::mem::take(&mut *wait.unwrap_or_else(PoisonError::into_inner).0)
    }
}

/// Counters of one link, as `pvgpu-ctl link` shows them.
#[derive(Debug, Default)]
pub struct Counters {
    /// Bytes sent on the urgent channel.
    pub urgent_sent: AtomicU64,
    /// Bytes received on the urgent channel.
    pub urgent_received: AtomicU64,
    /// Bytes sent on the bulk channel.
    pub bulk_sent: AtomicU64,
    /// Bytes of the heap that these stood for.
    pub bulk_sent_raw: AtomicU64,
    /// Bytes received on the bulk channel.
    pub bulk_received: AtomicU64,
    /// Bytes of the heap that these stood for.
    pub bulk_received_raw: AtomicU64,
    /// Items that wait for the bulk channel.
    pub bulk_queued: AtomicU64,
    /// Bytes of these items.
    pub bulk_queued_bytes: AtomicU64,
    /// Frames that were sent.
    pub frames: AtomicU64,
    /// Frames that were superseded before they were sent.
    pub frames_dropped: AtomicU64,
    /// Round trip, smoothed, in nanoseconds.
    pub rtt_ns: AtomicU64,
    /// The shortest round trip, in nanoseconds; 0 before the first.
    pub rtt_min_ns: AtomicU64,
    /// Bytes a second that the bulk channel took while it was busy, smoothed.
    pub rate: AtomicU64,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkStats {
    /// See [`Counters::urgent_sent`].
    pub urgent_sent: u64,
    /// See [`Counters::urgent_received`].
    pub urgent_received: u64,
    /// See [`Counters::bulk_sent`].
    pub bulk_sent: u64,
    /// See [`Counters::bulk_sent_raw`].
    pub bulk_sent_raw: u64,
    /// See [`Counters::bulk_received`].
    pub bulk_received: u64,
    /// See [`Counters::bulk_received_raw`].
    pub bulk_received_raw: u64,
    /// See [`Counters::bulk_queued`].
    pub bulk_queued: u64,
    /// See [`Counters::bulk_queued_bytes`].
    pub bulk_queued_bytes: u64,
    /// See [`Counters::frames`].
    pub frames: u64,
    /// See [`Counters::frames_dropped`].
    pub frames_dropped: u64,
    /// See [`Counters::rtt_ns`].
    pub rtt_ns: u64,
    /// See [`Counters::rtt_min_ns`].
    pub rtt_min_ns: u64,
    /// See [`Counters::rate`].
    pub rate: u64,
}

impl Counters {
    /// What they say now.
    pub fn snapshot(&self) -> LinkStats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        LinkStats {
            urgent_sent: get(&self.urgent_sent),
            urgent_received: get(&self.urgent_received),
            bulk_sent: get(&self.bulk_sent),
            bulk_sent_raw: get(&self.bulk_sent_raw),
            bulk_received: get(&self.bulk_received),
            bulk_received_raw: get(&self.bulk_received_raw),
            bulk_queued: get(&self.bulk_queued),
            bulk_queued_bytes: get(&self.bulk_queued_bytes),
            frames: get(&self.frames),
            frames_dropped: get(&self.frames_dropped),
            rtt_ns: get(&self.rtt_ns),
            rtt_min_ns: get(&self.rtt_min_ns),
            rate: get(&self.rate),
        }
    }

    /// Takes a round trip into account.
    pub fn round_trip(&self, time: Duration) {
        // CAST: 584 years of nanoseconds fit.
        let ns = (time.as_nanos() as u64).max(1);
        let smooth = self.rtt_ns.load(Ordering::Relaxed);
        // RFC 6298's gain of 1/8; written by one thread only.
        let next = if smooth == 0 { ns } else { smooth - smooth / 8 + ns / 8 };
        self.rtt_ns.store(next, Ordering::Relaxed);
        let min = self.rtt_min_ns.load(Ordering::Relaxed);
        if min == 0 || ns < min {
            self.rtt_min_ns.store(ns, Ordering::Relaxed);
        }
    }

    /// Takes the rate of a busy stretch into account.
    pub fn sent_at(&self, bytes: u64, time: Duration) {
        // CAST: 584 years of nanoseconds fit.
        let ns = (time.as_nanos() as u64).max(1);
        let now = bytes.saturating_mul(1_000_000_000) / ns;
        let smooth = self.rate.load(Ordering::Relaxed);
        let next = if smooth == 0 { now } else { smooth - smooth / 8 + now / 8 };
        self.rate.store(next, Ordering::Relaxed);
    }
}

/// A link's life.
pub struct Life {
    ended: AtomicBool,
    why: Mutex<Option<String>>,
    closers: Vec<Arc<dyn Close>>,
    began: Instant,
    /// When the peer last said something, in nanoseconds since `began`.
    heard: AtomicU64,
    /// What the link counts.
    pub counters: Counters,
}

impl std::fmt::Debug for Life {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Life").field("ended", &self.why()).finish_non_exhaustive()
    }
}

impl Life {
    /// A link that lives over channels with these closers.
    pub fn new(closers: Vec<Arc<dyn Close>>) -> Self {
        Self {
            ended: AtomicBool::new(false),
            why: Mutex::new(None),
            closers,
            began: Instant::now(),
            heard: AtomicU64::new(0),
            counters: Counters::default(),
        }
    }

    /// Ends the link; the first reason stays.
    pub fn end(&self, why: impl FnOnce() -> String) {
        let mut slot = lock(&self.why);
        if slot.is_none() {
            *slot = Some(why());
        }
        drop(slot);
        self.ended.store(true, Ordering::Release);
        for closer in &self.closers {
            closer.close();
        }
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Why it has ended, once it has.
    pub fn why(&self) -> Option<String> {
        lock(&self.why).clone()
    }

    /// Nanoseconds since the link began.
    pub fn now(&self) -> u64 {
        // CAST: 584 years fit.
        self.began.elapsed().as_nanos() as u64
    }

    /// The peer has said something.
    pub fn hear(&self) {
        self.heard.store(self.now(), Ordering::Relaxed);
    }

    /// How long the peer may still be silent.
    pub fn patience(&self) -> Duration {
        let silent = Duration::from_nanos(self.now().saturating_sub(self.heard.load(Ordering::Relaxed)));
        SILENCE.saturating_sub(silent)
    }

    /// Ends the link if the peer has been silent for too long.
    pub fn check_silence(&self) {
        let silent = Duration::from_nanos(self.now().saturating_sub(self.heard.load(Ordering::Relaxed)));
        if silent > SILENCE {
            self.end(|| format!("the peer has said nothing for {} ms", silent.as_millis()));
        }
    }

    /// A round trip that began at [`Life::now`] `sent`.
    pub fn round_trip(&self, sent: u64) {
        self.counters.round_trip(Duration::from_nanos(self.now().saturating_sub(sent)));
    }
}
