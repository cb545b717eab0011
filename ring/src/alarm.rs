//! The handshake that puts one side to sleep and lets the other wake it exactly once.
//!
//! An alarm is one word: 0 when disarmed, else the goal that its owner waits for. The sleeper and its peer:
//!
//! ```text
//! sleeper                                peer
//!   alarm := goal   (read-modify-write)    progress := value   (release)
//!   fence(SeqCst)                          fence(SeqCst)       (in `kick` only)
//!   progress reached? -> stay awake        alarm set and goal reached?
//!   sleep, at most 100 ms                    -> alarm := 0 by compare-exchange, ring the doorbell
//! ```
//!
//! With both fences one of the two always sees the other's store, so no wake-up is lost. The compare-exchange
//! lets one peer win, once per arming.
//!
//! A fence costs about 20 cycles (`mfence`, or a locked instruction), too much for every record: a draw is
//! eight of them. So the peer looks at the alarm after *each* publication without a fence, a load that hits
//! its own cache while nobody sleeps, and repeats the look behind a fence once per batch (`kick`). What the look
//! without fence can miss is an alarm armed within the nanoseconds that its store spends in the store buffer;
//! the next publication sees it, and `kick` at the batch's end sees it for certain. A producer that ends its batches
//! with `kick` therefore never leaves a sleeper behind, which is what the loom models prove. A progress store that
//! is itself a locked exchange would save the fence but costs the same 20 cycles per record; an asymmetric
//! barrier (membarrier, FlushProcessWriteBuffers) does not reach across machines.
//!
//! Sleeps are bounded (100 ms in `pvgpu-transport`) because a hostile or dead peer may never ring.

use crate::sync::{AtomicU64, Ordering, fence};

/// What an end of the ring should do after it has prepared to sleep.
#[must_use = "a peer that is due a doorbell must get it"]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Idle {
    /// Nothing came meanwhile: sleep until the doorbell, at most 100 ms, then call `wake_up`.
    pub sleep: bool,
    /// The peer sleeps and can go on: ring its doorbell first.
    pub wake: bool,
}

/// Arms the sleeper's alarm. The progress it waits for must be read again after this.
pub(crate) fn arm(alarm: &AtomicU64, goal: u64) {
    alarm.swap(goal, Ordering::AcqRel);
    fence(Ordering::SeqCst);
}

/// Takes the sleeper's alarm back.
pub(crate) fn disarm(alarm: &AtomicU64) {
    alarm.store(0, Ordering::Relaxed);
}

/// Tells whether a sleeper waits for a goal that `progress` has reached, and disarms its alarm if so.
///
/// Certain only after a sequentially consistent fence that follows the publication of `progress`.
#[inline(always)]
pub(crate) fn fire(alarm: &AtomicU64, progress: u64) -> bool {
    let goal = alarm.load(Ordering::Relaxed);
    goal != 0 && fire_armed(alarm, goal, progress)
}

/// The rare half of [`fire`], kept out of the per-record path.
#[cold]
fn fire_armed(alarm: &AtomicU64, goal: u64, progress: u64) -> bool {
    // A wrapping difference below half the number range means "at or past the goal".
    progress.wrapping_sub(goal) < 1 << 63
        && alarm.compare_exchange(goal, 0, Ordering::AcqRel, Ordering::Relaxed).is_ok()
}

/// The alarm word for a ring position: positions are multiples of 8, so bit 0 tells "armed" from 0.
#[inline(always)]
pub(crate) fn word(position: u64) -> u64 {
    position | 1
}
