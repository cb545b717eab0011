//! The consuming end of a ring: copies records out, checks every number the producer wrote.
//!
//! The consumer trusts its own copy of the head. The tail and each record's length are read once into locals,
//! checked, and used only from there; a producer that rewrites its ring at any moment changes at most the payload
//! that the caller validates anyway.

use crate::alarm::{self, Idle};
use crate::error::{BadMemory, Corrupt};
use crate::layout::{Memory, View, check_position};
use crate::record::{Batch, RECORD_HEADER_BYTES, Record, length_of};
use crate::sync::{AtomicU64, Ordering, fence};

/// The consuming end of a ring. There must be only one per ring; a second would only miscount its own head.
#[derive(Debug)]
pub struct Consumer<M> {
    memory: M,
    state: State,
}

/// What the consumer knows by itself.
#[derive(Debug)]
struct State {
    capacity: u64,
    /// Bytes consumed. The shared head is a copy of this.
    head: u64,
    /// The producer's tail as last read and checked: `head ≤ tail ≤ head + capacity`.
    tail: u64,
    /// Nothing was given back since the last look at the producer's alarm behind a fence.
    kicked: bool,
    /// The producer is due a doorbell that the caller has not taken yet.
    wake: bool,
    corrupt: Option<Corrupt>,
}

impl State {
    #[inline]
    fn available(&self) -> u64 {
        self.tail.wrapping_sub(self.head)
    }

    /// Latches and returns an error.
    #[cold]
    fn fail(&mut self, corrupt: Corrupt) -> Corrupt {
        self.corrupt = Some(corrupt);
        corrupt
    }

    /// Reads and checks the producer's tail.
    #[inline]
    fn refresh(&mut self, view: View<'_>) -> Result<(), Corrupt> {
        if let Some(corrupt) = self.corrupt {
            return Err(corrupt);
        }
        // Pairs with the release store in `Reservation::commit`: the words of every record below the tail are
        // visible after this load.
        let tail = view.tail().load(Ordering::Acquire);
        let (published, known) = (tail.wrapping_sub(self.head), self.available());
        if published < known || published > self.capacity || !published.is_multiple_of(8) {
            return Err(self.fail(Corrupt::Tail { tail, head: self.head, known, capacity: self.capacity }));
        }
        self.tail = tail;
        Ok(())
    }

    /// Copies the next record into the start of `local` and steps over it. Gives its words, or none when no
    /// whole record is known to be published or `local` cannot hold it although `limit` allows it.
    #[inline]
    fn copy_record(&mut self, view: View<'_>, local: &mut [u64], limit: u64) -> Result<Option<usize>, Corrupt> {
        let published = self.available();
        let (first, _) = view.window(self.head, 1);
        let Some(cell) = first.first().filter(|_| published != 0) else { return Ok(None) };
        // The only read of this word. What is checked is what is used and what the caller gets.
        let header = cell.load(Ordering::Relaxed);
        let length = u64::from(length_of(header));
        if length < RECORD_HEADER_BYTES as u64 || !length.is_multiple_of(8) || length > published.min(limit) {
            let length = length_of(header);
            return Err(self.fail(Corrupt::Length { position: self.head, length, published, limit }));
        }
        // CAST: at most the capacity, which fits a usize.
        let words = (length / 8) as usize;
        let Some((slot, payload)) = local.get_mut(..words).and_then(<[u64]>::split_first_mut) else {
            return Ok(None);
        };
        *slot = header;
        let (cells, wrapped) = view.window(self.head.wrapping_add(8), words - 1);
        let (now, later) = payload.split_at_mut_checked(cells.len()).unwrap_or_default();
        copy(cells, now);
        copy(wrapped, later);
        self.head = self.head.wrapping_add(length);
        Ok(Some(words))
    }

    /// Gives the consumed bytes back to the producer.
    #[inline]
    fn release(&mut self, view: View<'_>) {
        // Pairs with the acquire load in the producer's `refresh`: the copies are made before the bytes are given.
        view.head().store(self.head, Ordering::Release);
        self.kicked = false;
        self.wake |= alarm::fire(view.producer_alarm(), alarm::word(self.head));
    }
}

/// Copies cells to local words.
#[inline]
fn copy(from: &[AtomicU64], to: &mut [u64]) {
    for (cell, word) in from.iter().zip(to) {
        *word = cell.load(Ordering::Relaxed);
    }
}

impl<M: Memory> Consumer<M> {
    /// Takes the consuming end of a ring that was initialised at `position` ([`crate::initialise`]) and from
    /// which nothing was consumed yet.
    ///
    /// # Errors
    /// [`BadMemory`] when the size is impossible or `position` is not a multiple of 8.
    pub fn new(memory: M, position: u64) -> Result<Self, BadMemory> {
        let view = View::new(&memory)?;
        check_position(position, view)?;
        let capacity = view.capacity();
        let state =
            State { capacity, head: position, tail: position, kicked: true, wake: false, corrupt: None };
        Ok(Self { memory, state })
    }

    /// Copies the next record into `local` and gives its room back; none when the ring is empty.
    ///
    /// A record longer than `local` is corruption: `local` has to have the size of the largest record that the
    /// protocol allows. Ask [`Consumer::wake_due`] afterwards.
    ///
    /// # Errors
    /// [`Corrupt`] once the producer has broken the rules; every later call returns the same error.
    #[inline]
    pub fn pop_into<'b>(&mut self, local: &'b mut [u64]) -> Result<Option<Record<'b>>, Corrupt> {
        let view = View::again(&self.memory);
        if self.state.available() == 0 || self.state.corrupt.is_some() {
            self.state.refresh(view)?;
        }
        let limit = local.len() as u64 * 8;
        let Some(words) = self.state.copy_record(view, local, limit)? else { return Ok(None) };
        self.state.release(view);
        Ok(local.get(..words).and_then(Record::from_words))
    }

    /// Copies as many published records as fit into `local` and gives their room back at once.
    ///
    /// `limit` is the most bytes one record may have (header included), at most the size of `local`. An empty
    /// batch means that the ring is empty. Ask [`Consumer::wake_due`] afterwards.
    ///
    /// # Errors
    /// [`Corrupt`] once the producer has broken the rules. Records before the broken one, copied by the same
    /// call, are lost with it.
    #[inline]
    pub fn pop_batch<'b>(&mut self, local: &'b mut [u64], limit: usize) -> Result<Batch<'b>, Corrupt> {
        let view = View::again(&self.memory);
        self.state.refresh(view)?;
        let limit = (limit as u64).min(local.len() as u64 * 8);
        let mut used = 0;
        while let Some(rest) = local.get_mut(used..)
            && let Some(words) = self.state.copy_record(view, rest, limit)?
        {
            used += words;
        }
        if used != 0 {
            self.state.release(view);
        }
        Ok(Batch::from_words(local.get(..used).unwrap_or_default()))
    }

    /// Takes the note that the producer sleeps for room and has it now: true means ring its doorbell.
    #[inline]
    #[must_use = "a producer that sleeps must be woken"]
    pub fn wake_due(&mut self) -> bool {
        core::mem::take(&mut self.state.wake)
    }

    /// Looks at the producer's alarm behind a fence: true when its doorbell must be rung now.
    ///
    /// For a consumer that finds the ring empty and spins on before it prepares to sleep. Free when nothing
    /// was consumed since the last look.
    #[inline]
    #[must_use = "a producer that sleeps must be woken"]
    pub fn kick(&mut self) -> bool {
        if !self.state.kicked {
            self.state.kicked = true;
            fence(Ordering::SeqCst);
            self.state.wake |=
                alarm::fire(View::again(&self.memory).producer_alarm(), alarm::word(self.state.head));
        }
        self.wake_due()
    }

    /// Tells whether a record is waiting, for spinning.
    ///
    /// # Errors
    /// [`Corrupt`] once the producer has broken the rules.
    #[inline]
    pub fn is_empty(&mut self) -> Result<bool, Corrupt> {
        self.state.refresh(View::again(&self.memory))?;
        Ok(self.state.available() == 0)
    }

    /// Prepares to sleep until the next record.
    ///
    /// When the answer says `sleep`, wait for the doorbell (bounded), then call [`Consumer::wake_up`] and pop again.
    /// Does what [`Consumer::kick`] does as well.
    ///
    /// # Errors
    /// [`Corrupt`] once the producer has broken the rules.
    pub fn prepare_sleep(&mut self) -> Result<Idle, Corrupt> {
        let view = View::again(&self.memory);
        alarm::arm(view.consumer_alarm(), alarm::word(self.state.head.wrapping_add(8)));
        self.state.kicked = true;
        self.state.wake |= alarm::fire(view.producer_alarm(), alarm::word(self.state.head));
        let refreshed = self.state.refresh(view);
        let sleep = refreshed.is_ok() && self.state.available() == 0;
        if !sleep {
            alarm::disarm(view.consumer_alarm());
        }
        refreshed?;
        Ok(Idle { sleep, wake: self.wake_due() })
    }

    /// Ends a sleep: takes the alarm back, in case the sleep ended by its time limit.
    pub fn wake_up(&mut self) {
        alarm::disarm(View::again(&self.memory).consumer_alarm());
    }

    /// The position after the last consumed record.
    #[inline]
    pub fn consumed(&self) -> u64 {
        self.state.head
    }
}
