//! Room for one record, filled in place: bytes go straight from the encoder into the ring's cells.
//!
//! [`Reservation::write`] appends any number of bytes, as rkyv's `Writer` does: whole words are stored at once,
//! the bytes of an unfinished word wait in a register. Nothing is visible to the consumer before
//! [`Reservation::commit`]; a dropped reservation leaves the ring as it was.

use crate::alarm;
use crate::error::Overrun;
use crate::layout::View;
use crate::producer::{Held, State};
use crate::record::{RECORD_HEADER_BYTES, header_word};
use crate::sync::{AtomicU64, Ordering};

/// What became of a committed record.
#[must_use = "a consumer that sleeps must be woken"]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// The ring position after this record: it is consumed once the head reaches it.
    pub position: u64,
    /// The consumer sleeps: ring its doorbell now. Reported once per sleep.
    pub wake: bool,
}

/// Bytes of a cache line of every machine this runs on. Another size would cost speed only.
const LINE_BYTES: u64 = 64;

/// Room for one record in the ring.
#[derive(Debug)]
pub struct Reservation<'a> {
    state: &'a mut State,
    view: View<'a>,
    /// The cell of the header word, stored last.
    first: &'a AtomicU64,
    /// Cells still to fill up to the ring's end.
    cells: &'a [AtomicU64],
    /// Cells still to fill after the ring's end, from its start.
    wrapped: &'a [AtomicU64],
    /// The bytes of the unfinished word, from bit 0 up.
    partial: u64,
    /// Payload bytes written.
    written: usize,
    /// Payload bytes that fit.
    limit: usize,
}

impl<'a> Reservation<'a> {
    /// Opens the reservation of `words` cells (header included) at the producer's tail.
    #[inline(always)]
    pub(crate) fn open(view: View<'a>, state: &'a mut State, words: usize) -> Option<Self> {
        let (cells, wrapped) = view.window(state.tail, words);
        let (first, cells) = cells.split_first()?;
        Some(Self { state, view, first, cells, wrapped, partial: 0, written: 0, limit: (words - 1) * 8 })
    }

    /// Payload bytes written so far: the offset of the next byte from the payload's start.
    #[inline]
    pub fn position(&self) -> usize {
        self.written
    }

    /// Payload bytes that still fit.
    #[inline]
    pub fn remaining(&self) -> usize {
        self.limit - self.written
    }

    /// Appends bytes to the payload.
    ///
    /// # Errors
    /// [`Overrun`] when they do not fit; then none of them is stored.
    #[inline]
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Overrun> {
        if bytes.len() > self.remaining() {
            return Err(self.overrun(bytes.len()));
        }
        let (words, rest) = bytes.as_chunks::<8>();
        self.append_words(words.iter().map(|word| u64::from_le_bytes(*word)));
        if !rest.is_empty() {
            self.append_rest(rest);
        }
        Ok(())
    }

    /// Appends words to the payload, each as its 8 little-endian bytes.
    ///
    /// # Errors
    /// [`Overrun`] when they do not fit; then none of them is stored.
    #[inline]
    pub fn write_words(&mut self, words: &[u64]) -> Result<(), Overrun> {
        let bytes = words.len().saturating_mul(8);
        if bytes > self.remaining() {
            return Err(self.overrun(bytes));
        }
        self.append_words(words.iter().copied());
        Ok(())
    }

    /// Publishes the record under `tag`, the upper half of its header word.
    ///
    /// The record is as long as what was written, rounded up to 8 bytes; unused room goes back to the ring.
    #[inline]
    pub fn commit(mut self, tag: u32) -> Published {
        if !self.written.is_multiple_of(8) {
            self.put(self.partial);
        }
        let length = (RECORD_HEADER_BYTES + self.written.next_multiple_of(8)) as u64;
        publish(self.state, self.view, self.first, length, tag)
    }

    #[cold]
    fn overrun(&self, more: usize) -> Overrun {
        Overrun { written: self.written, more, limit: self.limit }
    }

    /// Stores one word in the next cell.
    #[inline]
    fn put(&mut self, word: u64) {
        if self.cells.is_empty() {
            self.cells = core::mem::take(&mut self.wrapped);
        }
        if let Some((cell, rest)) = self.cells.split_first() {
            cell.store(word, Ordering::Relaxed);
            self.cells = rest;
        }
    }

    /// Appends whole words that are known to fit.
    #[inline]
    fn append_words(&mut self, words: impl ExactSizeIterator<Item = u64>) {
        let count = words.len();
        let shift = (self.written % 8) * 8;
        if shift != 0 {
            for word in words {
                self.put(self.partial | word << shift);
                self.partial = word >> (64 - shift);
            }
        } else if let Some((now, later)) = self.cells.split_at_checked(count) {
            for (cell, word) in now.iter().zip(words) {
                cell.store(word, Ordering::Relaxed);
            }
            self.cells = later;
        } else {
            for word in words {
                self.put(word);
            }
        }
        self.written += count * 8;
    }

    /// Appends 1 to 7 bytes that are known to fit.
    #[inline]
    fn append_rest(&mut self, bytes: &[u8]) {
        let mut word = 0;
        for (index, byte) in bytes.iter().enumerate() {
            word |= u64::from(*byte) << (index * 8);
        }
        let used = self.written % 8;
        self.partial |= word << (used * 8);
        if used + bytes.len() >= 8 {
            self.put(self.partial);
            // `used` is at least 1 here, so the shift is below 64.
            self.partial = word >> (64 - used * 8);
        }
        self.written += bytes.len();
    }
}

/// Room for one record whose cells lie in a row, for an encoder that stores whole words by itself.
///
/// Smaller than a [`Reservation`], so that it stays in registers. Nothing is visible to the consumer before
/// [`CellReservation::commit`]; a dropped one leaves the ring as it was.
#[derive(Debug)]
pub struct CellReservation<'a> {
    state: &'a mut State,
    view: View<'a>,
    /// The cell of the header word, stored last.
    first: &'a AtomicU64,
    /// The payload's cells.
    cells: &'a [AtomicU64],
}

impl<'a> CellReservation<'a> {
    /// Opens the reservation of `words` cells (header included) at the producer's tail; none when they do not lie in a row.
    #[inline(always)]
    pub(crate) fn open(view: View<'a>, state: &'a mut State, words: usize) -> Option<Self> {
        let (first, cells) = view.row(state.tail, words)?.split_first()?;
        Some(Self { state, view, first, cells })
    }

    /// The payload's cells, to be stored to from the first on.
    #[inline(always)]
    pub fn cells(&self) -> &'a [AtomicU64] {
        self.cells
    }

    /// Publishes the first `words` cells as a record under `tag`; see [`Reservation::commit`].
    ///
    /// Cells that were not stored to hold whatever was there before. More words than there are cells count as all of them.
    #[inline(always)]
    pub fn commit(self, words: usize, tag: u32) -> Published {
        let length = (RECORD_HEADER_BYTES + words.min(self.cells.len()) * 8) as u64;
        publish(self.state, self.view, self.first, length, tag)
    }

    /// The same, but the consumer need not see the record before `limit` bytes are held, something else is committed, or the
    /// producer kicks or waits.
    ///
    /// A consumer that follows closely takes the cache line of each record from the producer, which has to fetch it again for
    /// the next record. Held records go over by the line, once.
    #[inline(always)]
    pub fn commit_held(self, words: usize, tag: u32, limit: u64) -> Published {
        let Self { state, view, first, cells } = self;
        let length = (RECORD_HEADER_BYTES + words.min(cells.len()) * 8) as u64;
        let position = state.tail.wrapping_add(length);
        if let Some(end) = view.cell(position) {
            end.store(0, Ordering::Relaxed);
        }
        let word = header_word(length, tag);
        let begin = match state.held {
            // The zero that ends the ring stays in its place.
            None => {
                state.held = Some(Held { position: state.tail, word });
                state.tail
            }
            Some(held) => {
                first.store(word, Ordering::Relaxed);
                held.position
            }
        };
        state.tail = position;
        state.kicked = false;
        if position.wrapping_sub(begin) >= limit {
            state.release_held(view);
            take_line_behind(state, view, position);
        }
        Published { position, wake: core::mem::take(&mut state.owes_wake) }
    }
}

/// Publishes a record of `length` bytes, header included, whose other words are stored.
#[inline(always)]
fn publish(state: &mut State, view: View<'_>, first: &AtomicU64, length: u64, tag: u32) -> Published {
    let position = state.tail.wrapping_add(length);
    // The ring ends behind this record, until the next one's header takes the place of the zero.
    if let Some(end) = view.cell(position) {
        end.store(0, Ordering::Relaxed);
    }
    // Pairs with the acquire load in `Consumer`: the record's words and the zero come before its header.
    first.store(header_word(length, tag), Ordering::Release);
    state.tail = position;
    if state.held.is_some() {
        state.release_held(view);
    } else {
        view.tail().store(position, Ordering::Release);
    }
    state.kicked = false;
    if (position ^ position.wrapping_sub(length)) >= LINE_BYTES {
        take_line_behind(state, view, position);
    }
    let wake = core::mem::take(&mut state.owes_wake);
    Published { position, wake: wake | alarm::fire(view.consumer_alarm(), alarm::word(position)) }
}

/// Makes the cache line behind the one of `position` this core's own, where it is free.
///
/// The end's zero of a later record will lie in it, and stores reach memory in order: without this, that record's header
/// waits until the line has come from the core that last read it. Measured between two processes on cores that share
/// no cache (November 2026): one way 1.07 instead of 1.48 times the bare cache line.
#[inline(always)]
fn take_line_behind(state: &State, view: View<'_>, position: u64) {
    let next = (position & !(LINE_BYTES - 1)).wrapping_add(LINE_BYTES);
    if state.free() >= 2 * LINE_BYTES
        && let Some(cell) = view.cell(next)
    {
        cell.store(0, Ordering::Relaxed);
    }
}
