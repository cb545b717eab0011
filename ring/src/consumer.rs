//! The consuming end of a ring: copies records out, checks every number the producer wrote.
//!
//! The consumer trusts its own copy of the head. A record's header is read once into a local, checked, and used only from
//! there; a producer that rewrites its ring at any moment changes at most the payload that the caller validates anyway.

use crate::alarm::{self, Idle};
use crate::error::{BadMemory, Corrupt};
use crate::layout::{END_BYTES, Memory, View, check_position};
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
pub(crate) struct State {
    capacity: u64,
    /// Bytes consumed. The shared head is a copy of this.
    head: u64,
    /// Nothing was given back since the last look at the producer's alarm behind a fence.
    kicked: bool,
    /// The producer is due a doorbell that the caller has not taken yet.
    wake: bool,
    corrupt: Option<Corrupt>,
}

impl State {
    /// Nothing is consumed yet of a ring that begins at `position`.
    pub(crate) fn new(capacity: u64, position: u64) -> Self {
        Self { capacity, head: position, kicked: true, wake: false, corrupt: None }
    }

    /// Bytes consumed.
    #[inline]
    pub(crate) fn position(&self) -> u64 {
        self.head
    }

    /// Latches and returns an error.
    #[cold]
    fn fail(&mut self, corrupt: Corrupt) -> Corrupt {
        self.corrupt = Some(corrupt);
        corrupt
    }

    /// Reads the header word of the next record; 0 when none is published.
    #[inline(always)]
    pub(crate) fn header(&self, view: View<'_>) -> Result<u64, Corrupt> {
        if let Some(corrupt) = self.corrupt {
            return Err(corrupt);
        }
        // Pairs with the release store of the header in `Reservation::publish`: the words of the record, and the zero behind
        // it, are visible after this load.
        Ok(view.cell(self.head).map_or(0, |cell| cell.load(Ordering::Acquire)))
    }

    /// Copies the next record into the start of `local` and steps over it. Gives its words, or none when no record is
    /// published or `local` cannot hold it although `limit` allows it.
    #[inline(always)]
    pub(crate) fn copy_record(
        &mut self,
        view: View<'_>,
        local: &mut [u64],
        limit: u64,
    ) -> Result<Option<usize>, Corrupt> {
        // The only read of this word. What is checked is what is used and what the caller gets.
        let header = self.header(view)?;
        if header == 0 {
            return Ok(None);
        }
        let length = u64::from(length_of(header));
        let limit = limit.min(self.capacity - END_BYTES);
        if length < RECORD_HEADER_BYTES as u64 || !length.is_multiple_of(8) || length > limit {
            return Err(self.fail(Corrupt::Length { position: self.head, length: length_of(header), limit }));
        }
        // CAST: at most the capacity, which fits a usize.
        let words = (length / 8) as usize;
        let Some((slot, payload)) = local.get_mut(..words).and_then(<[u64]>::split_first_mut) else {
            return Ok(None);
        };
        *slot = header;
        let (cells, wrapped) = view.window(self.head.wrapping_add(8), words - 1);
        if wrapped.is_empty() {
            copy(cells, payload);
        } else {
            let (now, later) = payload.split_at_mut_checked(cells.len()).unwrap_or_default();
            copy(cells, now);
            copy(wrapped, later);
        }
        self.head = self.head.wrapping_add(length);
        Ok(Some(words))
    }

    /// Gives the consumed bytes back to the producer.
    #[inline(always)]
    fn release(&mut self, view: View<'_>) {
        // Pairs with the acquire load in the producer's `refresh`: the copies are made before the bytes are given.
        view.head().store(self.head, Ordering::Release);
        self.kicked = false;
        self.wake |= alarm::fire(view.producer_alarm(), alarm::word(self.head));
    }
}

/// Copies cells to local words.
#[inline(always)]
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
        let state = State::new(view.capacity(), position);
        Ok(Self { memory, state })
    }

    /// Copies the next record into `local` and gives its room back; none when the ring is empty.
    ///
    /// A record longer than `local` is corruption: `local` has to have the size of the largest record that the
    /// protocol allows. Ask [`Consumer::wake_due`] afterwards.
    ///
    /// # Errors
    /// [`Corrupt`] once the producer has broken the rules; every later call returns the same error.
    #[inline(always)]
    pub fn pop_into<'b>(&mut self, local: &'b mut [u64]) -> Result<Option<Record<'b>>, Corrupt> {
        let view = View::again(&self.memory);
        let limit = local.len() as u64 * 8;
        let Some(words) = self.state.copy_record(view, local, limit)? else { return Ok(None) };
        self.state.release(view);
        Ok(local.get(..words).and_then(Record::from_words))
    }

    /// Copies as many published records as fit into `local` and gives their room back at once.
    ///
    /// `limit` is the most bytes one record may have (header included); `local` must be that large at least. An empty
    /// batch means that the ring is empty. Ask [`Consumer::wake_due`] afterwards.
    ///
    /// # Errors
    /// [`Corrupt`] once the producer has broken the rules. Records before the broken one, copied by the same
    /// call, are lost with it.
    #[inline]
    pub fn pop_batch<'b>(&mut self, local: &'b mut [u64], limit: usize) -> Result<Batch<'b>, Corrupt> {
        let view = View::again(&self.memory);
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
        Ok(self.state.header(View::again(&self.memory))? == 0)
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
        let header = self.state.header(view);
        let sleep = header == Ok(0);
        if !sleep {
            alarm::disarm(view.consumer_alarm());
        }
        header?;
        Ok(Idle { sleep, wake: self.wake_due() })
    }

    /// Ends a sleep: takes the alarm back, in case the sleep ended by its time limit.
    pub fn wake_up(&mut self) {
        alarm::disarm(View::again(&self.memory).consumer_alarm());
    }

    /// Bytes that the producer says it has published since the ring began: for comparison with [`consumed`](Self::consumed)
    /// only, since the producer may write anything there.
    pub fn published(&self) -> u64 {
        View::again(&self.memory).tail().load(Ordering::Acquire)
    }

    /// The position after the last consumed record.
    #[inline]
    pub fn consumed(&self) -> u64 {
        self.state.head
    }
}
