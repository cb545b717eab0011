//! The producing end of a ring: reserves room, publishes records, learns when to wake the consumer.
//!
//! The producer trusts its own copy of the tail and reads the consumer's head only when the room it knows of is
//! used up. The head it reads may be any value: it is checked against the last one and the tail.

use crate::alarm::{self, Idle};
use crate::error::{BadMemory, Corrupt, ReserveError};
use crate::layout::{END_BYTES, Memory, View, check_position};
use crate::record::RECORD_HEADER_BYTES;
use crate::reservation::{CellReservation, Reservation};
use crate::sync::{Ordering, fence};

/// A producer that waits for room is woken when at least this part of the ring is free, so that it does not
/// sleep again after one record.
const WAKE_FRACTION: u64 = 4;

/// The producing end of a ring. There must be only one per ring; a second would overwrite the first's records,
/// which the consumer survives.
#[derive(Debug)]
pub struct Producer<M> {
    memory: M,
    state: State,
}

/// What the producer knows by itself.
#[derive(Debug)]
pub(crate) struct State {
    capacity: u64,
    /// Bytes published. The shared tail is a copy of this, and the word at it is zero.
    pub(crate) tail: u64,
    /// The consumer's head as last read and checked: `head ≤ tail ≤ head + capacity - 8`.
    head: u64,
    /// Nothing was published since the last look at the consumer's alarm behind a fence.
    pub(crate) kicked: bool,
    /// Records that the consumer does not see yet; see [`CellReservation::commit_held`].
    pub(crate) held: Option<Held>,
    /// The consumer must be woken, which nobody was told yet.
    pub(crate) owes_wake: bool,
    corrupt: Option<Corrupt>,
}

/// Records that wait for the first one's header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    /// Where the first one begins.
    pub(crate) position: u64,
    /// Its header word.
    pub(crate) word: u64,
}

impl State {
    /// Lets the consumer see what is held.
    #[inline]
    pub(crate) fn release_held(&mut self, view: View<'_>) {
        let Some(held) = self.held.take() else { return };
        if let Some(first) = view.cell(held.position) {
            // Pairs with the acquire load in `Consumer`: all records behind this one are complete, headers included.
            first.store(held.word, Ordering::Release);
        }
        view.tail().store(self.tail, Ordering::Release);
        self.kicked = false;
        self.owes_wake |= alarm::fire(view.consumer_alarm(), alarm::word(self.tail));
    }

    #[inline(always)]
    pub(crate) fn free(&self) -> u64 {
        // The word behind the last record is never given away: it ends the ring. Does not underflow: see `head`.
        self.capacity - END_BYTES - self.tail.wrapping_sub(self.head)
    }

    /// Reads and checks the consumer's head.
    #[cold]
    fn refresh(&mut self, view: View<'_>) -> Result<(), Corrupt> {
        if let Some(corrupt) = self.corrupt {
            return Err(corrupt);
        }
        // Pairs with the release store in `Consumer::release`: the consumer has finished with the bytes it gives
        // back before this end writes new ones over them.
        let head = view.head().load(Ordering::Acquire);
        let behind = self.tail.wrapping_sub(head);
        if behind > self.tail.wrapping_sub(self.head) || !behind.is_multiple_of(8) {
            let corrupt = Corrupt::Head { head, last: self.head, tail: self.tail };
            self.corrupt = Some(corrupt);
            return Err(corrupt);
        }
        self.head = head;
        Ok(())
    }
}

/// Bytes a record of `payload` bytes takes in the ring, or none when no ring is that large.
#[inline(always)]
fn record_bytes(payload: usize) -> Option<u64> {
    let bytes = payload.checked_add(RECORD_HEADER_BYTES)?.checked_next_multiple_of(8)?;
    u64::try_from(bytes).ok()
}

impl<M: Memory> Producer<M> {
    /// Takes the producing end of a ring that was initialised at `position` ([`crate::initialise`]) and into
    /// which nothing was published yet.
    ///
    /// # Errors
    /// [`BadMemory`] when the size is impossible or `position` is not a multiple of 8.
    pub fn new(memory: M, position: u64) -> Result<Self, BadMemory> {
        let view = View::new(&memory)?;
        check_position(position, view)?;
        let capacity = view.capacity();
        let state = State {
            capacity,
            tail: position,
            head: position,
            kicked: true,
            held: None,
            owes_wake: false,
            corrupt: None,
        };
        Ok(Self { memory, state })
    }

    /// Reserves room for a record of at most `payload` bytes. What is not written is not used up.
    ///
    /// # Errors
    /// [`ReserveError::Full`] when there is no room now; [`ReserveError::TooLarge`] when there never will be;
    /// [`ReserveError::Corrupt`] once the consumer has broken the rules.
    #[inline(always)]
    pub fn reserve(&mut self, payload: usize) -> Result<Reservation<'_>, ReserveError> {
        let too_large = ReserveError::TooLarge { payload, limit: self.max_payload() };
        let bytes = record_bytes(payload).ok_or(too_large)?;
        let view = View::again(&self.memory);
        if bytes > self.state.free() {
            if bytes > self.state.capacity - END_BYTES {
                return Err(too_large);
            }
            // The consumer cannot make room of what it does not see.
            self.state.release_held(view);
            self.state.refresh(view)?;
            if bytes > self.state.free() {
                return Err(ReserveError::Full);
            }
        }
        // CAST: at most the capacity, which fits a usize.
        Reservation::open(view, &mut self.state, (bytes / 8) as usize).ok_or(too_large)
    }

    /// As [`Producer::reserve`], for a record whose cells lie in a row.
    ///
    /// None when they would run over the ring's end, or when the room that this end knows of is used up: then
    /// [`Producer::reserve`] tells.
    #[inline(always)]
    pub fn reserve_cells(&mut self, payload: usize) -> Option<CellReservation<'_>> {
        let bytes = record_bytes(payload).filter(|bytes| *bytes <= self.state.free())?;
        // CAST: at most the capacity, which fits a usize.
        CellReservation::open(View::again(&self.memory), &mut self.state, (bytes / 8) as usize)
    }

    /// Looks at the consumer's alarm behind a fence: true when its doorbell must be rung now.
    ///
    /// To be called at the end of each batch of records (flush, present, before this thread waits for
    /// anything), since [`Reservation::commit`] looks without a fence. Free when nothing was published since.
    #[inline]
    #[must_use = "a consumer that sleeps must be woken"]
    pub fn kick(&mut self) -> bool {
        let view = View::again(&self.memory);
        self.state.release_held(view);
        let owed = core::mem::take(&mut self.state.owes_wake);
        if self.state.kicked {
            return owed;
        }
        self.state.kicked = true;
        fence(Ordering::SeqCst);
        owed | alarm::fire(view.consumer_alarm(), alarm::word(self.state.tail))
    }

    /// Prepares to sleep until there is room for a record of `payload` bytes.
    ///
    /// When the answer says `sleep`, wait for the doorbell (bounded), then call [`Producer::wake_up`] and reserve
    /// again. Does what [`Producer::kick`] does as well.
    ///
    /// # Errors
    /// [`ReserveError::TooLarge`] or [`ReserveError::Corrupt`], never `Full`.
    pub fn prepare_sleep(&mut self, payload: usize) -> Result<Idle, ReserveError> {
        let too_large = ReserveError::TooLarge { payload, limit: self.max_payload() };
        let bytes = record_bytes(payload)
            .filter(|bytes| *bytes <= self.state.capacity - END_BYTES)
            .ok_or(too_large)?;
        let view = View::again(&self.memory);
        self.state.release_held(view);
        let owed = core::mem::take(&mut self.state.owes_wake);
        let room = bytes.max(self.state.capacity / WAKE_FRACTION);
        // The head at which `room` bytes are free. Does not underflow: `room` is at most the capacity less a word.
        let goal = self.state.tail.wrapping_sub(self.state.capacity - END_BYTES - room);
        alarm::arm(view.producer_alarm(), alarm::word(goal));
        self.state.kicked = true;
        let wake = owed | alarm::fire(view.consumer_alarm(), alarm::word(self.state.tail));
        let refreshed = self.state.refresh(view);
        let sleep = refreshed.is_ok() && bytes > self.state.free();
        if !sleep {
            alarm::disarm(view.producer_alarm());
        }
        refreshed?;
        Ok(Idle { sleep, wake })
    }

    /// Ends a sleep: takes the alarm back, in case the sleep ended by its time limit.
    pub fn wake_up(&mut self) {
        alarm::disarm(View::again(&self.memory).producer_alarm());
    }

    /// The position after the last published record.
    #[inline]
    pub fn published(&self) -> u64 {
        self.state.tail
    }

    /// Reads how far the consumer has come: the position after the last consumed record.
    ///
    /// # Errors
    /// [`Corrupt`] once the consumer has broken the rules.
    pub fn consumed(&mut self) -> Result<u64, Corrupt> {
        self.state.refresh(View::again(&self.memory))?;
        Ok(self.state.head)
    }

    /// The most payload bytes that one record of this ring holds.
    #[inline(always)]
    pub fn max_payload(&self) -> usize {
        // CAST: a capacity is from 64 bytes to 2 GiB.
        (self.state.capacity - END_BYTES) as usize - RECORD_HEADER_BYTES
    }
}
