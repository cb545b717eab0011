//! The bulk channel: parts of the heap, in pieces, in the order in which they were asked for.
//!
//! The queue holds places, not bytes: what is sent is what stands in the heap when its turn comes, which is what was declared,
//! since neither side changes it before the fence that follows. So however much waits, nothing is buffered.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use pvgpu_ring::Memory;

use super::frames::{FrameItem, FrameReceiver, FrameSender, Part, rates};
use super::link::{Life, lock};
use super::looks::Looks;
use super::pack;
use super::reader::{Bulk, MessageReader};
use super::wire::{MAX_BULK_BYTES, Message, piece_header};
use crate::carrier::Sender;
use crate::mapping::Region;
use crate::span::Span;
use crate::tiles::{Cells, Choice, Geometry, RANGE_SAMPLE_BYTES, Target, TileError, compress_range, packs};

/// The largest piece: with its header it fills four of an encrypted channel's largest records.
pub const MAX_PIECE: u64 = (256 << 10) - 64;
/// The smallest piece.
const MIN_PIECE: u64 = 16 << 10;
/// Bytes of a frame's pixel: `B8G8R8A8_UNORM`.
pub const PIXEL_BYTES: u32 = 4;
/// Bytes that a carrier may take without waiting for the link: what TCP lets stand unsent.
const TAKEN_AT_ONCE: u64 = 128 << 10;
/// How long a piece may take, in nanoseconds: what a draw may be delayed by where both channels share one wire.
const PIECE_NS: u64 = 500_000;

/// A part of the heap to be sent.
#[derive(Debug)]
pub struct Item {
    /// Bytes from the heap's start.
    pub offset: u64,
    /// Bytes; not 0.
    pub length: u64,
    /// The bytes, where they were fixed when the item was made.
    pub fixed: Option<Vec<u8>>,
    /// What is known of it if it is a frame.
    pub frame: Option<FrameItem>,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<(u64, Item)>,
    /// Items that were ever added.
    added: u64,
    ended: bool,
}

/// Items that wait for the bulk channel.
#[derive(Debug, Default)]
pub struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    /// Items that the peer has told to have.
    acknowledged: AtomicU64,
}

impl Queue {
    /// Adds an item and gives its number, from 1.
    pub fn add(&self, life: &Life, item: Item) -> u64 {
        life.counters.bulk_queued.fetch_add(1, Ordering::Relaxed);
        life.counters.bulk_queued_bytes.fetch_add(item.length, Ordering::Relaxed);
        let mut state = lock(&self.state);
        state.added += 1;
        let number = state.added;
        state.items.push_back((number, item));
        drop(state);
        self.changed.notify_one();
        number
    }

    /// The number of the last item.
    pub fn last(&self) -> u64 {
        lock(&self.state).added
    }

    /// The peer has so many items.
    pub fn acknowledge(&self, items: u64) {
        self.acknowledged.fetch_max(items, Ordering::Relaxed);
    }

    /// How many items the peer has told to have.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Nothing is sent any more.
    pub fn end(&self) {
        lock(&self.state).ended = true;
        self.changed.notify_all();
    }

    /// The next item, and whether it is a frame that a newer one of its surface and size has overtaken.
    fn take(&self) -> Option<(Item, bool)> {
        let mut state = lock(&self.state);
        loop {
            if state.ended {
                return None;
            }
            if let Some((_, item)) = state.items.pop_front() {
                let key = |item: &Item| {
                    item.frame.as_ref().map(|frame| (frame.context, frame.surface, frame.geometry))
                };
                let ours = key(&item).filter(|_| item.frame.as_ref().is_some_and(|frame| !frame.keep));
                let overtaken = ours.is_some() && state.items.iter().any(|(_, other)| key(other) == ours);
                return Some((item, overtaken));
            }
            state = self.changed.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }
}

/// Sends items until the link ends.
pub fn send(queue: &Queue, heap: &Region, sender: Box<dyn Sender>, life: &Life) {
    let mut output = Output {
        heap,
        sender,
        life,
        frames: FrameSender::new(heap.len() as u64),
        buffer: vec![0; MAX_PIECE as usize],
        coded: Vec::new(),
        looks: Looks::default(),
        sending: Duration::ZERO,
    };
    while let Some((item, overtaken)) = queue.take() {
        if let Err(error) = output.item(&item, overtaken) {
            life.end(|| error);
            queue.end();
        }
        life.counters.bulk_queued.fetch_sub(1, Ordering::Relaxed);
        life.counters.bulk_queued_bytes.fetch_sub(item.length, Ordering::Relaxed);
    }
}

/// The sending end.
struct Output<'o> {
    heap: &'o Region,
    sender: Box<dyn Sender>,
    life: &'o Life,
    frames: FrameSender,
    buffer: Vec<u8>,
    coded: Vec<u8>,
    looks: Looks,
    /// How long the carrier has taken over the current item.
    sending: Duration,
}

/// What a part of a frame fails with.
enum FrameError {
    Tiles(TileError),
    Send(String),
}

impl From<TileError> for FrameError {
    fn from(error: TileError) -> Self {
        Self::Tiles(error)
    }
}

/// What is to be sent of a range.
#[derive(Clone, Copy)]
enum Contents<'c> {
    /// What stands in the heap.
    Heap(Span<'c>),
    /// Bytes that were fixed before.
    Fixed(&'c [u8]),
}

impl<'c> Contents<'c> {
    fn len(self) -> usize {
        match self {
            Self::Heap(span) => span.len(),
            Self::Fixed(bytes) => bytes.len(),
        }
    }

    fn split_at(self, count: usize) -> (Self, Self) {
        match self {
            Self::Heap(span) => {
                let (now, later) = span.split_at(count);
                (Self::Heap(now), Self::Heap(later))
            }
            Self::Fixed(bytes) => {
                let (now, later) = bytes.split_at_checked(count).unwrap_or((bytes, &[]));
                (Self::Fixed(now), Self::Fixed(later))
            }
        }
    }

    fn is_zero(self) -> bool {
        match self {
            Self::Heap(span) => span.is_zero(),
            Self::Fixed(bytes) => bytes.iter().all(|byte| *byte == 0),
        }
    }

    /// The first bytes, as many as there is room for.
    fn bytes<'b>(self, room: &'b mut [u8]) -> &'b [u8]
    where
        'c: 'b,
    {
        match self {
            Self::Heap(span) => {
                let count = span.read(room);
                room.get(..count).unwrap_or_default()
            }
            Self::Fixed(bytes) => bytes.get(..room.len()).unwrap_or(bytes),
        }
    }
}

impl Output<'_> {
    fn item(&mut self, item: &Item, overtaken: bool) -> Result<(), String> {
        self.sending = Duration::ZERO;
        let rate = self.life.counters.rate.load(Ordering::Relaxed);
        let choice = Choice::new(rate, rates(), rates());
        let before = self.life.counters.bulk_sent.load(Ordering::Relaxed);
        match &item.frame {
            Some(frame) => self.frame(item, frame, overtaken, &choice, piece_bytes(rate))?,
            None => self.range(item, &choice, piece_bytes(rate))?,
        }
        let sent = self.life.counters.bulk_sent.load(Ordering::Relaxed) - before;
        // What the carrier takes at once says nothing of the link, and neither does the time for coding.
        if sent >= MAX_PIECE {
            self.life.counters.sent_at(sent - TAKEN_AT_ONCE, self.sending);
        }
        Ok(())
    }

    /// Sends bytes as they stand, or in fewer.
    fn range(&mut self, item: &Item, choice: &Choice, piece: u64) -> Result<(), String> {
        let all = match &item.fixed {
            Some(fixed) => Contents::Fixed(fixed),
            None => Span::new(self.heap, item.offset, item.length)
                .map(Contents::Heap)
                .ok_or("an item does not lie in the heap, though it was looked at")?,
        };
        let (mut rest, mut offset) = (all, item.offset);
        while rest.len() > 0 {
            // CAST: at most MAX_PIECE.
            let (now, later) = rest.split_at(piece as usize);
            let length = now.len();
            let (packing, bytes) = self.pack(now, choice);
            // CAST: at most MAX_PIECE.
            let header = piece_header(offset, length as u32, packing, later.len() == 0, bytes);
            let began = Instant::now();
            let result = match (packing, now) {
                (pack::ZEROS, _) => self.sender.send(&[IoSlice::new(&header)]),
                (pack::CODED, _) => self.sender.send(&[IoSlice::new(&header), IoSlice::new(&self.coded)]),
                (_, Contents::Fixed(data)) => self.sender.send(&[IoSlice::new(&header), IoSlice::new(data)]),
                (_, Contents::Heap(span)) => self.sender.send_from(&header, span, &mut self.buffer),
            };
            self.sending += began.elapsed();
            result.map_err(|error| format!("the link has failed ({error})"))?;
            self.life.counters.bulk_sent.fetch_add((header.len() + bytes) as u64, Ordering::Relaxed);
            self.life.counters.bulk_sent_raw.fetch_add(length as u64, Ordering::Relaxed);
            offset += length as u64;
            rest = later;
        }
        Ok(())
    }

    /// How to send a piece, and in how many bytes; those of a coded one are in `coded`.
    fn pack(&mut self, piece: Contents<'_>, choice: &Choice) -> (u8, usize) {
        if piece.is_zero() {
            return (pack::ZEROS, 0);
        }
        let length = piece.len();
        if self.looks.may() {
            let mut looks = 1;
            let sample = piece.split_at((length.saturating_sub(RANGE_SAMPLE_BYTES) / 2) & !63).1;
            let room = self.buffer.get_mut(..RANGE_SAMPLE_BYTES).unwrap_or_default();
            if packs(sample.bytes(room), choice) {
                self.coded.clear();
                compress_range(piece.bytes(&mut self.buffer), choice, &mut self.coded);
                if self.coded.len() < length {
                    return (pack::CODED, self.coded.len());
                }
                // Coding looks at all of it.
                looks += (length / RANGE_SAMPLE_BYTES) as u64;
            }
            self.looks.in_vain(looks, choice);
        }
        self.looks.sent(length, choice);
        (pack::RAW, length)
    }

    /// Sends what has changed in a frame.
    fn frame(
        &mut self,
        item: &Item,
        frame: &FrameItem,
        overtaken: bool,
        choice: &Choice,
        piece: u64,
    ) -> Result<(), String> {
        let Self { heap, sender, life, frames, coded, sending, .. } = self;
        let source = Cells::new(heap.cells(), item.offset, item.length)
            .ok_or("a frame does not lie in the heap, though it was looked at")?;
        let FrameItem { context, geometry, .. } = frame;
        // CAST: at most MAX_PIECE.
        let sent = frames.send(frame, overtaken, &source, choice, piece as usize, |part| {
            let Part { reset, last, code } = part;
            coded.clear();
            Message::Tiles {
                context: *context,
                offset: item.offset,
                width: geometry.width(),
                height: geometry.height(),
                pitch: geometry.pitch(),
                reset,
                last,
                code,
            }
            .encode(coded);
            life.counters.bulk_sent.fetch_add(coded.len() as u64, Ordering::Relaxed);
            let began = Instant::now();
            let result = sender.send(&[IoSlice::new(coded)]);
            *sending += began.elapsed();
            result.map_err(|error| FrameError::Send(format!("the link has failed ({error})")))
        });
        sent.map_err(|error| match error {
            FrameError::Tiles(error) => error.to_string(),
            FrameError::Send(error) => error,
        })?;
        life.counters.bulk_sent_raw.fetch_add(item.length, Ordering::Relaxed);
        let counter = if overtaken { &life.counters.frames_dropped } else { &life.counters.frames };
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// Bytes of a piece that takes about [`PIECE_NS`] at a rate in bytes a second; the smallest while none is known.
fn piece_bytes(rate: u64) -> u64 {
    (rate / (1_000_000_000 / PIECE_NS)).clamp(MIN_PIECE, MAX_PIECE) & !7
}

/// Receives items into the heap until the link ends; `applied` counts them, and `then` runs after each.
pub fn receive(
    mut reader: MessageReader,
    heap: &Region,
    life: &Life,
    applied: &AtomicU64,
    then: impl Fn(u64) -> Result<(), String>,
) {
    let mut input = Input { heap, frames: FrameReceiver::new(heap.len() as u64), scratch: Vec::new() };
    loop {
        let taken = match reader.read_bulk(|offset, length| span(heap, offset, length)) {
            Ok(bulk) => {
                life.hear();
                match bulk {
                    Bulk::Message(message) => input.take(&message),
                    Bulk::Placed { length, last } => Ok((u64::from(length), last)),
                }
            }
            Err(error) => Err(error.to_string()),
        };
        life.counters.bulk_received.store(reader.received(), Ordering::Relaxed);
        let result = taken.and_then(|(raw, last)| {
            life.counters.bulk_received_raw.fetch_add(raw, Ordering::Relaxed);
            if last { then(applied.fetch_add(1, Ordering::AcqRel) + 1) } else { Ok(()) }
        });
        if let Err(why) = result {
            return life.end(|| why);
        }
    }
}

/// Where a piece belongs.
fn span(heap: &Region, offset: u64, length: u32) -> Result<Span<'_>, String> {
    let span = Span::new(heap, offset, u64::from(length)).filter(|_| length as usize <= MAX_BULK_BYTES);
    span.ok_or_else(|| format!("the peer sent {length} bytes for {offset:#x} in a heap of {}", heap.len()))
}

/// The receiving end.
struct Input<'i> {
    heap: &'i Region,
    frames: FrameReceiver,
    scratch: Vec<u8>,
}

impl Input<'_> {
    /// Takes a message; gives the bytes of the heap that it stood for, and whether it was its item's last.
    fn take(&mut self, message: &Message<'_>) -> Result<(u64, bool), String> {
        let heap = self.heap.len() as u64;
        match *message {
            Message::Piece { offset, length, packing, last, data } => {
                let place = span(self.heap, offset, length)?;
                let unpacked = pack::unpack(packing, length, data, &mut self.scratch);
                place.write(unpacked.map_err(|error| error.to_string())?);
                Ok((u64::from(length), last))
            }
            Message::Tiles { context, offset, width, height, pitch, reset, last, code } => {
                let geometry = Geometry::new(width, height, PIXEL_BYTES, pitch);
                let geometry = geometry.map_err(|error| error.to_string())?;
                let whole = self.frames.take(context, geometry, Part { reset, last, code })?;
                let Some(whole) = whole else { return Ok((0, false)) };
                let mut place = Cells::new(self.heap.cells(), offset, geometry.bytes())
                    .ok_or_else(|| format!("the peer sent a frame for {offset:#x} in a heap of {heap}"))?;
                Target::write(&mut place, 0, whole);
                Ok((geometry.bytes(), true))
            }
            _ => Err("the peer sent an urgent message on the bulk channel".to_owned()),
        }
    }
}

/// A shared [`Queue`].
pub type SharedQueue = Arc<Queue>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_frame_takes_the_place_of_one_that_nobody_keeps() {
        let (queue, life) = (Queue::default(), Life::new(Vec::new()));
        let geometry = Geometry::new(64, 64, PIXEL_BYTES, 256).expect("legal");
        for (context, surface, keep) in
            [(1, 1, false), (1, 1, true), (1, 1, false), (2, 1, false), (1, 2, false)]
        {
            let frame = Some(FrameItem { context, geometry, changed: None, surface, keep });
            queue.add(&life, Item { offset: 0, length: geometry.bytes(), fixed: None, frame });
        }
        let overtaken: Vec<bool> =
            (0..5).filter_map(|_| queue.take()).map(|(_, overtaken)| overtaken).collect();
        assert_eq!(overtaken, [true, false, false, false, false]);
    }
}
