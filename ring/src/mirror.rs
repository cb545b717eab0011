//! The two ends of a ring that is copied to another machine: [`Source`] reads the ring in place of its consumer, [`Sink`] writes the
//! copy in place of its producer.
//!
//! ```text
//!  producer ──► ring ──► Source ~~~ records, in order ~~~► Sink ──► copy ──► consumer
//!                 ▲                                                   │
//!             give_back ◄~~~~~~~~~~~~ positions ~~~~~~~~~~~~~~~~~~ Sink::consumed
//! ```
//!
//! The copy has the ring's capacity and positions. Bytes are given back to the producer only when the true consumer has taken
//! them, so that what is between the two fits the copy: the ring's own room is the credit, and nobody buffers more.
//!
//! A record may be *hidden* in the copy: written, but with a zero for its header, so that the consumer stops in front of it until
//! [`Sink::show`]. That is how a record waits for bytes that travel by another way.

use crate::alarm;
use crate::consumer::State;
use crate::error::{BadMemory, Corrupt};
use crate::layout::{END_BYTES, Memory, View, check_position};
use crate::record::{RECORD_HEADER_BYTES, length_of};
use crate::sync::{AtomicU64, Ordering, fence};

/// Reads a ring in place of its consumer, without giving anything back. There must be only one, and no consumer.
#[derive(Debug)]
pub struct Source<M> {
    memory: M,
    state: State,
}

impl<M: Memory> Source<M> {
    /// Reads a ring that was initialised at `position` ([`crate::initialise`]).
    ///
    /// # Errors
    /// [`BadMemory`] when the size is impossible or `position` is not a multiple of 8.
    pub fn new(memory: M, position: u64) -> Result<Self, BadMemory> {
        let view = View::new(&memory)?;
        check_position(position, view)?;
        let state = State::new(view.capacity(), position);
        Ok(Self { memory, state })
    }

    /// Copies as many published records as fit into `local`, header words included; none when none is published.
    ///
    /// `limit` is the most bytes that one record may have; `local` must be that large at least.
    ///
    /// # Errors
    /// [`Corrupt`] once the producer has broken the rules. Records before the broken one, copied by the same call, are lost with it.
    pub fn read<'b>(&mut self, local: &'b mut [u64], limit: usize) -> Result<&'b [u64], Corrupt> {
        let view = View::again(&self.memory);
        let limit = (limit as u64).min(local.len() as u64 * 8);
        let mut used = 0;
        while let Some(rest) = local.get_mut(used..)
            && let Some(words) = self.state.copy_record(view, rest, limit)?
        {
            used += words;
        }
        Ok(local.get(..used).unwrap_or_default())
    }

    /// The position after the last record that was read.
    pub fn position(&self) -> u64 {
        self.state.position()
    }

    /// Tells whether a record is waiting.
    ///
    /// # Errors
    /// [`Corrupt`] once the producer has broken the rules.
    pub fn is_empty(&self) -> Result<bool, Corrupt> {
        Ok(self.state.header(View::again(&self.memory))? == 0)
    }

    /// Prepares to sleep until the next record: false when one has come meanwhile. Call [`Source::wake_up`] after the sleep.
    ///
    /// # Errors
    /// [`Corrupt`] once the producer has broken the rules.
    pub fn prepare_sleep(&mut self) -> Result<bool, Corrupt> {
        let view = View::again(&self.memory);
        alarm::arm(view.consumer_alarm(), alarm::word(self.position().wrapping_add(8)));
        let header = self.state.header(view);
        if header != Ok(0) {
            alarm::disarm(view.consumer_alarm());
        }
        Ok(header? == 0)
    }

    /// Ends a sleep: takes the alarm back, in case the sleep ended by its time limit.
    pub fn wake_up(&mut self) {
        alarm::disarm(View::again(&self.memory).consumer_alarm());
    }
}

/// Gives the bytes before `head` back to the producer of a mirrored ring: true when it sleeps for them and its doorbell must be rung.
///
/// `head` is what [`Sink::consumed`] has told; the caller has seen to it that it neither goes back nor beyond what was read. A
/// wrong one corrupts this ring and nothing else.
///
/// # Errors
/// [`BadMemory`] when the memory is no ring.
pub fn give_back(memory: &(impl Memory + ?Sized), head: u64) -> Result<bool, BadMemory> {
    let view = View::new(memory)?;
    // Pairs with the acquire load in the producer's `refresh`, as the consumer's own store does.
    view.head().store(head, Ordering::Release);
    fence(Ordering::SeqCst);
    Ok(alarm::fire(view.producer_alarm(), alarm::word(head)))
}

/// Records that stand in the copy but are not shown to the consumer.
#[must_use = "hidden records are shown at some time"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hidden {
    /// Where the first one begins.
    position: u64,
    /// Its header word.
    word: u64,
    /// Where the last one ends.
    end: u64,
}

/// Why a [`Sink`] did not take records. Final: the peer must be treated as gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SinkError {
    /// The words are no whole records.
    Record(Corrupt),
    /// There is no room for them, which the other end would know if it kept the rules.
    Room {
        /// Bytes of the records.
        bytes: u64,
        /// Bytes free.
        free: u64,
    },
    /// The consumer of the copy broke the rules.
    Head(Corrupt),
}

impl core::fmt::Display for SinkError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Record(corrupt) | Self::Head(corrupt) => corrupt.fmt(f),
            Self::Room { bytes, free } => {
                write!(f, "{bytes} bytes of records were sent to a ring with room for {free}")
            }
        }
    }
}

impl core::error::Error for SinkError {}

/// Writes the copy of a ring in place of its producer.
#[derive(Debug)]
pub struct Sink<M> {
    memory: M,
    capacity: u64,
    /// Bytes written, hidden ones included. The word at it is zero.
    tail: u64,
    /// The consumer's head as last read and checked.
    head: u64,
}

impl<M: Memory> Sink<M> {
    /// Writes a ring that was initialised at `position` ([`crate::initialise`]).
    ///
    /// # Errors
    /// [`BadMemory`] when the size is impossible or `position` is not a multiple of 8.
    pub fn new(memory: M, position: u64) -> Result<Self, BadMemory> {
        let view = View::new(&memory)?;
        check_position(position, view)?;
        let capacity = view.capacity();
        Ok(Self { memory, capacity, tail: position, head: position })
    }

    /// The position after the last record that was written.
    pub fn position(&self) -> u64 {
        self.tail
    }

    /// Bytes of the data area.
    pub fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Writes whole records without showing them; none when there are none.
    ///
    /// # Errors
    /// [`SinkError`], and then nothing was written.
    pub fn hide(&mut self, words: &[u64]) -> Result<Option<Hidden>, SinkError> {
        let Some((first, rest)) = words.split_first() else { return Ok(None) };
        self.check(words)?;
        let bytes = words.len() as u64 * 8;
        if bytes > self.free() {
            self.consumed().map_err(SinkError::Head)?;
            if bytes > self.free() {
                return Err(SinkError::Room { bytes, free: self.free() });
            }
        }
        let view = View::again(&self.memory);
        let end = self.tail.wrapping_add(bytes);
        let (cells, wrapped) = view.window(self.tail.wrapping_add(8), rest.len());
        let (now, later) = rest.split_at_checked(cells.len()).unwrap_or((rest, &[]));
        store(cells, now);
        store(wrapped, later);
        if let Some(cell) = view.cell(end) {
            cell.store(0, Ordering::Relaxed);
        }
        let hidden = Hidden { position: self.tail, word: *first, end };
        self.tail = end;
        Ok(Some(hidden))
    }

    /// Shows what was hidden: true when the consumer sleeps and its doorbell must be rung.
    ///
    /// To be called in the order of hiding: what stands behind something hidden is not seen before that is shown.
    #[must_use = "a consumer that sleeps must be woken"]
    pub fn show(&mut self, hidden: Hidden) -> bool {
        let view = View::again(&self.memory);
        if let Some(cell) = view.cell(hidden.position) {
            // Pairs with the acquire load in `Consumer`: the records' words, and the zero behind them, come before the header.
            cell.store(hidden.word, Ordering::Release);
        }
        view.tail().store(hidden.end, Ordering::Release);
        fence(Ordering::SeqCst);
        alarm::fire(view.consumer_alarm(), alarm::word(hidden.end))
    }

    /// How far the consumer of the copy has come.
    ///
    /// # Errors
    /// [`Corrupt::Head`] when it is nowhere between what it was and what is written.
    pub fn consumed(&mut self) -> Result<u64, Corrupt> {
        let head = View::again(&self.memory).head().load(Ordering::Acquire);
        let behind = self.tail.wrapping_sub(head);
        if behind > self.tail.wrapping_sub(self.head) || !behind.is_multiple_of(8) {
            return Err(Corrupt::Head { head, last: self.head, tail: self.tail });
        }
        self.head = head;
        Ok(head)
    }

    /// Has the consumer ring the doorbell once it has come to `position`: false when it has already.
    ///
    /// # Errors
    /// [`Corrupt`] as [`Sink::consumed`].
    pub fn arm(&mut self, position: u64) -> Result<bool, Corrupt> {
        alarm::arm(View::again(&self.memory).producer_alarm(), alarm::word(position));
        let head = self.consumed();
        // A wrapping difference below half the number range means "at or past".
        let reached = !matches!(head, Ok(head) if head.wrapping_sub(position) >= 1 << 63);
        if reached {
            alarm::disarm(View::again(&self.memory).producer_alarm());
        }
        head?;
        Ok(!reached)
    }

    fn free(&self) -> u64 {
        self.capacity - END_BYTES - self.tail.wrapping_sub(self.head)
    }

    /// Whether words are whole records that a ring of this capacity can hold.
    fn check(&self, words: &[u64]) -> Result<(), SinkError> {
        let limit = self.capacity - END_BYTES;
        let mut rest = words;
        while let Some(header) = rest.first() {
            let length = length_of(*header);
            // CAST: a u32 fits a usize on every machine with this crate's 64-bit atomics.
            let record = rest.split_at_checked(length as usize / 8);
            match record {
                Some((_, later))
                    if length as usize >= RECORD_HEADER_BYTES
                        && length.is_multiple_of(8)
                        && u64::from(length) <= limit =>
                {
                    rest = later;
                }
                _ => {
                    let written = (words.len() - rest.len()) as u64 * 8;
                    let position = self.tail.wrapping_add(written);
                    return Err(SinkError::Record(Corrupt::Length { position, length, limit }));
                }
            }
        }
        Ok(())
    }
}

fn store(cells: &[AtomicU64], words: &[u64]) {
    for (cell, word) in cells.iter().zip(words) {
        cell.store(*word, Ordering::Relaxed);
    }
}
