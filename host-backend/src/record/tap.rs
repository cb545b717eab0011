//! What the engine tells while it records.
//!
//! Everything here runs on the executor's thread, but for the hashes of frames, which the completion thread makes before the guest
//! may touch the frame.
//!
//! # Which bytes of the heap are recorded
//! What a command names as data is recorded with the command. A staging resource is more than data: the GPU writes it, too, and a
//! guest's processor may change it only between a fence that it has waited for and the next command that uses it. So it is recorded
//! with a command that uses it, unless earlier uses were not finished by then: then nothing can have changed that an honest
//! guest may change, and what stands there may be half of what the GPU is writing. What a copy overwrites as a whole is not recorded.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io::Write;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pvgpu_protocol::command::HeapRange;
use pvgpu_protocol::limits::MAX_CONTEXTS;

use super::format::{FrameHash, Header, Item, MAX_HEAP_BYTES, Words, end};
use super::writer::{WriteError, Writer};
use crate::memory::Heap;
use crate::vulkan::{Frame, FrameWatch};

/// What has gathered is written at least this often, so that little is missing when the worker dies.
const FLUSH: Duration = Duration::from_millis(200);

/// When a recording ends, unless its guest ends before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// After so many frames that the guest got.
    pub frames: Option<u64>,
    /// After so many seconds from the guest's start.
    pub seconds: Option<u64>,
    /// When the file would have more bytes.
    pub bytes: u64,
    /// Each record is in the file before it is executed: slow, and what a worker died of is not missing.
    pub each: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { frames: None, seconds: None, bytes: super::DEFAULT_MAX_BYTES, each: false }
    }
}

/// A recording that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Records in it.
    pub records: u64,
    /// Frames in it.
    pub frames: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Why it has ended too early, if it has.
    pub error: Option<String>,
}

/// A frame that the completion thread has seen.
#[derive(Clone, Copy, Debug)]
struct Seen {
    context: u32,
    sequence: u64,
    width: u32,
    height: u32,
    hash: FrameHash,
}

/// Frames on their way from the completion thread.
#[derive(Default)]
struct Frames {
    off: AtomicBool,
    seen: Mutex<Vec<Seen>>,
}

struct Inner {
    writer: Writer,
    limits: Limits,
    began: Instant,
    flushed: Instant,
    records: u64,
    frames: u64,
    /// By context: what the file says of its fence.
    completed: [u64; MAX_CONTEXTS as usize],
    /// By context and place in the heap: the fence before the last use.
    uses: HashMap<(u32, u64), u64>,
    chunk: Vec<u8>,
    ended: Option<Recorded>,
}

/// A recording in progress.
pub struct Tap {
    on: Cell<bool>,
    heap: Heap,
    frames: Arc<Frames>,
    inner: RefCell<Inner>,
}

impl Tap {
    /// Begins a recording.
    ///
    /// # Errors
    /// [`WriteError`] when not even the header can be written.
    pub fn new(
        out: Box<dyn Write>,
        header: &Header,
        limits: Limits,
        heap: Heap,
    ) -> Result<Rc<Self>, WriteError> {
        let now = Instant::now();
        let inner = Inner {
            writer: Writer::new(out, header, limits.bytes)?,
            limits,
            began: now,
            flushed: now,
            records: 0,
            frames: 0,
            completed: [0; MAX_CONTEXTS as usize],
            uses: HashMap::new(),
            chunk: Vec::new(),
            ended: None,
        };
        Ok(Rc::new(Self { on: Cell::new(true), heap, frames: Arc::default(), inner: RefCell::new(inner) }))
    }

    /// What the completion thread is to do with frames.
    pub fn frame_watch(&self) -> FrameWatch {
        let frames = self.frames.clone();
        Arc::new(move |frame: &Frame, heap: &Heap| {
            if frames.off.load(Ordering::Relaxed) {
                return;
            }
            let Frame { context, sequence, width, height, .. } = *frame;
            let hash = FrameHash::of(&frame.rows(heap));
            let mut seen = frames.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.push(Seen { context, sequence, width, height, hash });
        })
    }

    /// A record was taken from a ring and is executed next; `completed` tells what contexts have completed.
    pub fn record(&self, context: u32, position: u64, words: &[u64], completed: impl Fn(u32) -> Option<u64>) {
        self.write(|inner, frames| {
            inner.take_frames(frames)?;
            for (context, known) in (0..).zip(&mut inner.completed) {
                let value = completed(context).unwrap_or(0);
                if value > *known {
                    inner.writer.item(&Item::Completed { context, value })?;
                }
                // Lower when a new context has the number.
                *known = value;
            }
            inner.records += 1;
            inner.writer.item(&Item::Record { context, position, words: Words::new(words) })?;
            inner.each()
        });
    }

    /// The record reads a part of the heap.
    pub fn reads(&self, range: HeapRange) {
        self.write(|inner, _| {
            inner.heap(&self.heap, range)?;
            inner.each()
        });
    }

    /// The record uses a staging resource, or a part of it, at a place in the heap. `fence` is the last one that its context has
    /// asked for; `overwritten` says that it reads nothing there.
    pub fn uses(&self, context: u32, range: HeapRange, fence: u64, overwritten: bool) {
        self.write(|inner, _| {
            let last = inner.uses.insert((context, range.offset), fence);
            let completed = usize::try_from(context).ok().and_then(|index| inner.completed.get(index));
            let finished = last.is_none_or(|last| completed.is_some_and(|completed| *completed > last));
            if finished && !overwritten {
                inner.heap(&self.heap, range)?;
            }
            inner.each()
        });
    }

    /// The guest is told something.
    pub fn event(&self, words: &[u64]) {
        self.write(|inner, _| {
            inner.writer.item(&Item::Event { words: Words::new(words) })?;
            inner.each()
        });
    }

    /// A context has ended, and another may get its number.
    pub fn destroyed(&self, context: u32) {
        self.write(|inner, _| {
            inner.uses.retain(|(user, _), _| *user != context);
            Ok(())
        });
    }

    /// To be called now and then: writes what has gathered, ends the recording when it is due, and tells when it has ended.
    pub fn poll(&self) -> Option<Recorded> {
        let mut due = false;
        self.write(|inner, frames| {
            inner.take_frames(frames)?;
            if inner.flushed.elapsed() >= FLUSH {
                inner.flushed = Instant::now();
                inner.writer.flush()?;
            }
            due = inner.limits.frames.is_some_and(|frames| inner.frames >= frames)
                || inner.limits.seconds.is_some_and(|seconds| inner.began.elapsed().as_secs() >= seconds);
            Ok(())
        });
        if due {
            self.end(end::ASKED);
        }
        self.inner.borrow_mut().ended.take()
    }

    /// Ends the recording, if it has not ended.
    pub fn end(&self, reason: u32) {
        let mut done = false;
        self.write(|inner, frames| {
            inner.take_frames(frames)?;
            inner.writer.end(reason, inner.records, inner.frames)?;
            done = true;
            Ok(())
        });
        if done {
            self.close(None);
        }
    }

    fn write(&self, run: impl FnOnce(&mut Inner, &Frames) -> Result<(), WriteError>) {
        if !self.on.get() {
            return;
        }
        let result = run(&mut self.inner.borrow_mut(), &self.frames);
        if let Err(error) = result {
            if let WriteError::Full { .. } = error {
                let mut inner = self.inner.borrow_mut();
                let (records, frames) = (inner.records, inner.frames);
                // What matters is that it was full.
                let _ = inner.writer.end(end::BYTES, records, frames);
            }
            self.close(Some(error.to_string()));
        }
    }

    #[cold]
    fn close(&self, error: Option<String>) {
        self.on.set(false);
        self.frames.off.store(true, Ordering::Relaxed);
        let mut inner = self.inner.borrow_mut();
        let (records, frames, bytes) = (inner.records, inner.frames, inner.writer.written());
        inner.ended = Some(Recorded { records, frames, bytes, error });
    }
}

impl Inner {
    fn take_frames(&mut self, frames: &Frames) -> Result<(), WriteError> {
        let seen = std::mem::take(&mut *frames.seen.lock().unwrap_or_else(PoisonError::into_inner));
        for Seen { context, sequence, width, height, hash } in seen {
            if self.limits.frames.is_some_and(|limit| self.frames >= limit) {
                break;
            }
            self.frames += 1;
            self.writer.item(&Item::Frame { context, sequence, width, height, hash })?;
        }
        Ok(())
    }

    fn heap(&mut self, heap: &Heap, range: HeapRange) -> Result<(), WriteError> {
        let mut offset = range.offset;
        let end = range.offset.saturating_add(range.length).min(heap.bytes());
        while offset < end {
            let length = (end - offset).min(MAX_HEAP_BYTES as u64);
            // CAST: at most MAX_HEAP_BYTES.
            self.chunk.resize(length as usize, 0);
            heap.read(HeapRange { offset, length }, &mut self.chunk);
            self.writer.item(&Item::Heap { offset, bytes: &self.chunk })?;
            offset += length;
        }
        Ok(())
    }

    fn each(&mut self) -> Result<(), WriteError> {
        if self.limits.each { self.writer.flush() } else { Ok(()) }
    }
}

/// A recording as one context's decoder sees it.
#[derive(Clone)]
pub struct ContextTap {
    /// The recording.
    pub tap: Rc<Tap>,
    /// The context's number.
    pub context: u32,
}
